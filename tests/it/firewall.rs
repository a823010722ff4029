//! The allow-list as `nft` takes it: what the program writes is given to the real one.
//!
//! `make setup` installs it. Checking a list asks the kernel, so that where this is not root it happens in a namespace
//! of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn sitewright(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sitewright"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("SITEWRIGHT_LOG")
        .output()
        .unwrap()
}

/// What `nft -c -f` says of a list; nothing where it would load.
fn refusal(list: &Path) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let run = |program: &[&str]| {
        Command::new(program[0])
            .args(&program[1..])
            .args(["nft", "-c", "-f"])
            .arg(list)
            .env("PATH", &path)
            .output()
    };
    let direct = run(&["env"]).unwrap();
    let output = if String::from_utf8_lossy(&direct.stderr).contains("Operation not permitted") {
        run(&["unshare", "--user", "--map-root-user", "--net"]).unwrap()
    } else {
        direct
    };
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn nft_refuses_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.nft");
    fs::write(
        &list,
        "table inet t {\n\tchain c {\n\t\ttcp dport nowhere-at-all accept\n\t}\n}\n",
    )
    .unwrap();
    assert!(refusal(&list).is_some(), "so that the tests below can fail");
}

#[test]
fn lists_of_the_examples_load() {
    for (example, sites) in [
        ("isolated-vlan", ["HQ", "Deployment_Site"]),
        ("deployment-site", ["HQ", "Deployment_Site"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for file in ["sites.yaml", "sitewright.yaml"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
            fs::copy(from.join(example).join(file), folder.path().join(file)).unwrap();
        }
        for site in sites {
            let given = sitewright(
                folder.path(),
                &["firewall", "--site", site, "--live", "--format", "nftables"],
            );
            assert!(
                given.status.success(),
                "{}",
                String::from_utf8_lossy(&given.stderr)
            );
            let list = folder.path().join("list.nft");
            fs::write(&list, &given.stdout).unwrap();
            assert_eq!(
                refusal(&list),
                None,
                "{}",
                String::from_utf8_lossy(&given.stdout)
            );
        }
    }
}

#[test]
fn odd_names_and_many_subnets_load() {
    let mut sites = String::from(
        "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: \"Zürich \\\"7\\\"; drop }\" }\nspec:\n  \
         servers:\n    - { name: 'a-b_c.corp.example', roles: [package, task, networkBoot] }\n    \
         - { name: '7', roles: [task] }\n  subnets:\n    - 10.0.0.0/8\n",
    );
    for third in 0..200 {
        writeln!(sites, "    - 10.7.{third}.0/24\n    - 172.16.{third}.0/25").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sites.yaml"), sites).unwrap();
    let given = sitewright(
        folder.path(),
        &[
            "firewall",
            "--site",
            "zürich \"7\"; drop }",
            "--format",
            "nftables",
            "--address",
            "a-b_c=10.0.0.5",
            "--address",
            "a-b_c=10.0.0.6",
            "--address",
            "7=10.0.0.7",
            "--address",
            "SMP=192.168.0.10",
            "-f",
            "sites.yaml",
        ],
    );
    assert!(
        given.status.success(),
        "{}",
        String::from_utf8_lossy(&given.stderr)
    );
    let list = folder.path().join("list.nft");
    fs::write(&list, &given.stdout).unwrap();
    assert_eq!(
        refusal(&list),
        None,
        "{}",
        String::from_utf8_lossy(&given.stdout)
    );
}
