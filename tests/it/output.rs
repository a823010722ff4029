//! What becomes of the output: a reader that goes away ends it, a disk that is full is an error, and others' formats are
//! as their standards say.

use std::fs::File;
use std::process::{Command, Output, Stdio};

use sitewright_sim::{ConsoleAction, Options, Server, World};

use crate::support::{run, tool};

fn sitewright(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
    command.args(arguments).env_remove("SITEWRIGHT_LOG");
    command
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    for arguments in [
        &["schema", "manifest"][..],
        &["validate", "--explain", "flat-lan"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = sitewright(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("error[SW0002]: cannot write the output\n"),
            "{said}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_nobodys_fault() {
    let mut child = sitewright(&["schema", "manifest"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

/// By the schema of the standard.
#[track_caller]
fn is_sarif(output: &Output, results: usize) {
    let log: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), results);
    let text = String::from_utf8_lossy(&output.stdout);
    let (well, said) = run(tool("sarif-kit").args(["validate", "-"]), &text);
    assert!(well, "{said}");
    let wrong = text.replacen("\"level\": \"", "\"level\": \"very ", 1);
    let (well, said) = run(tool("sarif-kit").args(["validate", "-"]), &wrong);
    assert!(!well && said.contains("level"), "{said}");
}

#[test]
fn code_scanning_reads_what_is_written_for_it() {
    const SITES: &str = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: Büro }
spec: { description: Erdgeschoß, subnets: [192.168.0.0/24], servers: [{ name: SITE01.corp.example }] }
";
    let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
    let server = Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("profile.yaml", &server.world().profile());
    write("Stät te.yaml", SITES);
    write(
        "wrong.yaml",
        &SITES.replace("192.168.0.0/24", "192.168.0.7/24"),
    );
    let sitewright = |line: &[&str], code: i32| {
        let output = sitewright(line)
            .args([
                "--platform",
                &server.url(),
                "--server",
                "SMP01.corp.example",
            ])
            .args(["--profile", "profile.yaml", "--state", "state"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line:?}: {said}");
        output
    };
    let sarif = |line: &[&str], code| sitewright(&[line, &["--format", "sarif"]].concat(), code);
    is_sarif(&sarif(&["validate", "--live", "-f", "Stät te.yaml"], 0), 2);
    is_sarif(&sarif(&["validate", "-f", "wrong.yaml"], 1), 1);
    sitewright(&["apply", "--yes", "-f", "Stät te.yaml"], 0);
    let action = ConsoleAction::DescribeSite {
        name: "Büro".into(),
        description: "Keller".into(),
    };
    server.world().console(action).unwrap();
    is_sarif(&sarif(&["drift", "-f", "Stät te.yaml"], 2), 1);
}
