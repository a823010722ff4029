//! What a new user has in hand: `init` at a terminal and without one, `fmt` over all that the project and an export
//! write, manual pages and completions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sitewright_sim::{Options, World};

use crate::support::{python, run};

/// Somebody who types a line at each question, in a terminal.
const TERMINAL: &str = "
import os, pty, sys
program, folder, lines = sys.argv[1], sys.argv[2], sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.chdir(folder)
    os.environ['TERM'] = 'xterm'
    os.execv(program, [program, 'init'])
said, waiting = b'', list(lines)
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    said += chunk
    if waiting:
        question, answer = waiting[0].split('=', 1)
        if question.encode() in said:
            waiting.pop(0)
            said = b''
            os.write(terminal, answer.encode() + b'\\r')
_, status = os.waitpid(child, 0)
assert not waiting, waiting
sys.exit(os.waitstatus_to_exitcode(status))
";

fn sitewright(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sitewright"))
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env_remove("COLUMNS")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

/// Runs a command that must end so, and gives what it said on either side.
fn ends(folder: &Path, args: &[&str], code: i32) -> (String, String) {
    let output = sitewright(folder, args);
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    (out, err)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn init_asks_at_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = python();
    command.args(["-c", TERMINAL, env!("CARGO_BIN_EXE_sitewright")]);
    command.arg(folder.path());
    command.args([
        "simulator=https://smp.corp.example",
        "console names it=SMP01.corp.example",
        "How to sign in=",
        "User=CORP\\svc-sitewright",
        "password=",
        "Name of the platform=lab",
    ]);
    let (fine, said) = run(&mut command, "");
    assert!(fine, "{said}");
    let text = fs::read_to_string(folder.path().join("sitewright.yaml")).unwrap();
    for part in [
        "- name: lab",
        "url: https://smp.corp.example",
        "server: SMP01.corp.example",
        "method: negotiate",
        "username: CORP\\svc-sitewright",
        "env: SMP_PASSWORD",
        "profile: profiles/lab.yaml",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn init_writes_over_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("sites.yaml"), "mine\n").unwrap();
    fs::write(here.join(".gitignore"), "mine\n").unwrap();
    let (_, err) = ends(here, &["init", "--yes"], 1);
    assert!(err.contains("SW0258"), "{err}");
    assert!(err.contains("`sites.yaml` exists already"), "{err}");
    assert!(err.contains("`.gitignore`"), "{err}");
    assert!(err.contains("wrote sitewright.yaml"), "{err}");
    assert_eq!(
        fs::read_to_string(here.join("sites.yaml")).unwrap(),
        "mine\n"
    );
    assert_eq!(
        fs::read_to_string(here.join(".gitignore")).unwrap(),
        "mine\n"
    );
    let workspace = fs::read_to_string(here.join("sitewright.yaml")).unwrap();
    // The second time there is a workspace, and nothing is written at all.
    let (_, err) = ends(here, &["init", "--url", "https://smp", "--yes"], 1);
    assert!(err.contains("`sitewright.yaml` exists already"), "{err}");
    assert_eq!(
        fs::read_to_string(here.join("sitewright.yaml")).unwrap(),
        workspace
    );
}

#[test]
fn init_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let refused: [(&[&str], &str); 8] = [
        (&["init"], "there is no terminal to ask at"),
        (&["init", "--sim", "flat-lam"], "flat-lam"),
        (&["init", "--url", "smp"], "https://HOST"),
        (&["init", "--url", "https://smp", "--yes"], "--username"),
        (&["init", "--sim", "empty", "--auth", "ntlm"], "--auth"),
        (
            &[
                "init",
                "--url",
                "https://smp",
                "--auth",
                "none",
                "--username",
                "x",
            ],
            "--username",
        ),
        (
            &[
                "init",
                "--url",
                "https://smp",
                "--username",
                "x",
                "--secret-from",
                "Passw0rd!",
            ],
            "--secret-from",
        ),
        (
            &["init", "--url", "https://u:Passw0rd!@smp", "--yes"],
            "expected",
        ),
    ];
    for (args, named) in refused {
        let (out, err) = ends(folder.path(), args, 64);
        assert!(err.contains(named), "{args:?}: {err}");
        assert!(
            !err.contains("Passw0rd!") && !out.contains("Passw0rd!"),
            "{err}"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{args:?}");
    }
}

#[test]
fn what_init_writes_for_a_server_is_read_and_declares_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let (out, _) = ends(
        here,
        &[
            "init",
            "my sites",
            "--url",
            "https://smp.corp.example",
            "--username",
            "svc",
        ],
        0,
    );
    assert!(out.contains("cd \"my sites\""), "{out}");
    assert!(out.contains("sitewright platform check"), "{out}");
    let here = here.join("my sites");
    let names: Vec<String> = ["sitewright.yaml", "sites.yaml.example", ".gitignore"]
        .into_iter()
        .filter(|name| here.join(name).is_file())
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let (out, _) = ends(&here, &["validate"], 0);
    assert!(out.contains("0 sites"), "{out}");
    ends(&here, &["fmt", "--check"], 0);
}

/// The YAML of the project that people copy.
fn manifests() -> Vec<PathBuf> {
    ["examples/deployment-site", "examples/isolated-vlan"]
        .into_iter()
        .map(|folder| root().join(folder))
        .collect()
}

#[test]
fn the_examples_are_in_canonical_form() {
    for folder in manifests() {
        let (out, _) = ends(&folder, &["fmt", "--check", "--diff", "."], 0);
        assert_eq!(out, "");
    }
}

/// Blocks of YAML in the documentation that are whole documents.
#[test]
fn documents_in_the_documentation_are_in_canonical_form() {
    let mut pages = vec![root().join("README.md")];
    pages.extend(
        fs::read_dir(root().join("docs"))
            .unwrap()
            .map(|page| page.unwrap().path()),
    );
    let mut looked = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            if !block.starts_with("apiVersion: sitewright/v1") {
                continue;
            }
            let source = sitewright::manifest::Source::new("page", block);
            let tidied = sitewright::tidy::tidy(&source).unwrap();
            assert_eq!(tidied.text, block, "{}", page.display());
            looked += 1;
        }
    }
    assert!(looked >= 3, "{looked}");
}

#[test]
fn exports_are_in_canonical_form_and_plan_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (scenario, options) in [
        (
            "enterprise",
            Options::enterprise(2000).unwrap().with_seed(4),
        ),
        (
            "branch-offices",
            Options::builtin("branch-offices").unwrap(),
        ),
        ("neglected", Options::builtin("neglected").unwrap()),
        ("isolated-vlan", Options::builtin("isolated-vlan").unwrap()),
    ] {
        let here = here.join(scenario);
        fs::create_dir_all(here.join("state")).unwrap();
        let mut options = options;
        options.db = Some(here.join(format!("state/sim-{scenario}.db")));
        drop(World::open(options).unwrap());
        let platform = format!("sim:{scenario}");
        ends(
            &here,
            &["export", "--platform", &platform, "--out", "sites"],
            0,
        );
        let (out, err) = ends(&here, &["fmt", "--check", "sites"], 0);
        assert_eq!((out.as_str(), err.as_str()), ("", ""), "{scenario}");
        let all = sitewright(&here, &["export", "--platform", &platform]);
        let text = String::from_utf8(all.stdout).unwrap();
        let source = sitewright::manifest::Source::new("all", &text);
        assert_eq!(
            sitewright::tidy::tidy(&source).unwrap().text,
            text,
            "{scenario}"
        );
        if scenario == "enterprise" {
            let subnets = text
                .lines()
                .filter(|line| line.starts_with("    - 10."))
                .count();
            assert!(subnets >= 1500, "{subnets} subnets");
            let (out, _) = ends(
                &here,
                &[
                    "plan",
                    "--platform",
                    &platform,
                    "-f",
                    "sites",
                    "--detailed-exitcode",
                ],
                0,
            );
            assert!(out.contains("No changes."), "{out}");
        }
    }
}

#[test]
fn fmt_checks_shows_and_writes() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let wrong = "kind: Site\napiVersion: sitewright/v1\nmetadata: { name: HQ }\nspec: {}\n";
    let right = "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: HQ }\nspec: {}\n";
    fs::write(here.join("a.yaml"), wrong).unwrap();
    fs::write(here.join("b.yaml"), right).unwrap();
    let (out, _) = ends(here, &["fmt", "--check", "."], 2);
    assert_eq!(out, "a.yaml\n");
    let (out, _) = ends(here, &["fmt", "--check", "--diff", "."], 2);
    assert!(
        out.contains("+apiVersion: sitewright/v1\n kind: Site"),
        "{out}"
    );
    assert_eq!(fs::read_to_string(here.join("a.yaml")).unwrap(), wrong);
    // One file that is no YAML, and none is written.
    fs::write(here.join("c.yaml"), "a: [\n").unwrap();
    let (_, err) = ends(here, &["fmt", "."], 1);
    assert!(err.contains("c.yaml:"), "{err}");
    assert_eq!(fs::read_to_string(here.join("a.yaml")).unwrap(), wrong);
    fs::remove_file(here.join("c.yaml")).unwrap();
    let (out, _) = ends(here, &["fmt", "."], 0);
    assert_eq!(out, "a.yaml\n");
    assert_eq!(fs::read_to_string(here.join("a.yaml")).unwrap(), right);
    ends(here, &["fmt", "--check", "."], 0);
    let mut piped = Command::new(env!("CARGO_BIN_EXE_sitewright"));
    let (fine, said) = run(piped.args(["fmt", "-"]), wrong);
    assert!(fine, "{said}");
    assert_eq!(said, right);
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let (_, err) = ends(folder.path(), &["man", "--out", "man1"], 0);
    assert!(err.contains("pages into man1"), "{err}");
    for page in [
        "sitewright",
        "sitewright-plan",
        "sitewright-state-mv",
        "sitewright-sim-console",
    ] {
        let text = fs::read_to_string(folder.path().join(format!("man1/{page}.1"))).unwrap();
        assert!(text.contains(&format!(".TH {page} 1")), "{text}");
        assert!(text.contains("Example"), "{page}");
    }
    let (out, _) = ends(folder.path(), &["man"], 0);
    assert!(out.contains(".SH SUBCOMMANDS"), "{out}");
}

#[test]
fn completions_are_scripts_that_the_shell_reads() {
    let folder = tempfile::tempdir().unwrap();
    let (script, _) = ends(folder.path(), &["completions", "bash"], 0);
    let path = folder.path().join("sitewright.bash");
    fs::write(&path, &script).unwrap();
    let mut bash = Command::new("bash");
    // What bash would offer after `sitewright pl`.
    bash.args(["--norc", "-c"]).arg(format!(
        "source '{}'; COMP_WORDS=(sitewright pl); COMP_CWORD=1; _sitewright sitewright pl sitewright; echo \"${{COMPREPLY[@]}}\"",
        path.display()
    ));
    let (fine, said) = run(&mut bash, "");
    assert!(fine, "{said}");
    assert!(said.split_whitespace().any(|word| word == "plan"), "{said}");
}

/// Names that Graphviz could take for something else.
const HOSTILE: &str = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: 'R&D &amp; \"x\" \\N <b>]; n1 [' }
spec:
  subnets: [10.0.0.0/8]
  constrainToSite: true
  servers: [{ name: SITE01.corp.example, roles: [package, task] }]
---
apiVersion: sitewright/v1
kind: SiteServer
metadata: { name: SITE01 }
spec: { roles: [networkBoot] }
";

/// What Graphviz draws, text by text.
fn drawn(dot: &str) -> Option<Vec<String>> {
    if Command::new("dot").arg("-V").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "Graphviz is missing");
        return None;
    }
    let (fine, svg) = run(Command::new("dot").arg("-Tsvg"), dot);
    assert!(fine, "{svg}\n{dot}");
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    let read = roxmltree::Document::parse_with_options(&svg, options).unwrap();
    Some(
        read.descendants()
            .filter(|node| node.has_tag_name("text") || node.tag_name().name() == "text")
            .filter_map(|node| Some(node.text()?.replace('\u{a0}', " ")))
            .collect(),
    )
}

#[test]
fn graphs_are_drawn_by_graphviz_with_names_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    ends(here, &["init", "--sim", "flat-lan"], 0);
    fs::write(here.join("hostile.yaml"), HOSTILE).unwrap();
    let (dot, _) = ends(here, &["graph", "-f", "hostile.yaml"], 0);
    if let Some(texts) = drawn(&dot) {
        let site = "R&D &amp; \"x\" \\N <b>]; n1 [";
        for text in [
            site,
            "site, constrained",
            "10.0.0.0/8",
            "SITE01.corp.example",
            "package, task, networkBoot",
        ] {
            assert_eq!(
                texts.iter().filter(|one| *one == text).count(),
                1,
                "{text}: {texts:#?}"
            );
        }
        assert!(!texts.contains(&"SITE01".to_owned()), "{texts:#?}");
    }
    let pictures: [&[&str]; 4] = [
        &["graph", "-f", "sites.yaml"],
        &["graph", "--live"],
        &["graph", "--desired", "-f", "sites.yaml"],
        &["graph", "--plan", "-f", "sites.yaml"],
    ];
    for args in pictures {
        let (dot, _) = ends(here, args, 0);
        assert_eq!(dot, ends(here, args, 0).0, "twice the same");
        let texts = drawn(&dot);
        let (mermaid, _) = ends(here, &[args, &["--format", "mermaid"]].concat(), 0);
        assert!(mermaid.starts_with("flowchart LR\n"));
        let Some(texts) = texts else { continue };
        let all = texts.join("\n");
        match args {
            ["graph", "--plan", ..] => {
                assert!(all.contains("create-site Deployment_Site"), "{all}");
                // A subnet waits for its site.
                let number = |phrase: &str| {
                    let line = mermaid.lines().find(|line| line.contains(phrase)).unwrap();
                    line.trim()
                        .split(['[', '{', '('])
                        .next()
                        .unwrap()
                        .to_owned()
                };
                let edge = format!(
                    "  {} --> {}",
                    number("create-site Deployment_Site"),
                    number("assign-subnet 192.168.10.0/24")
                );
                assert!(
                    mermaid.lines().any(|line| line == edge),
                    "{edge}: {mermaid}"
                );
            }
            ["graph", "--live"] => {
                assert!(
                    all.contains("in no site") && all.contains("the SMP"),
                    "{all}"
                );
            }
            ["graph", "--desired", ..] => {
                assert!(all.contains("by hand, by its address"), "{all}");
                assert!(all.contains("deployment site, constrained"), "{all}");
            }
            _ => assert!(
                all.contains("by hand") && !all.contains("by its address"),
                "{all}"
            ),
        }
    }
    // From a file, nobody is asked.
    ends(
        here,
        &["plan", "-f", "sites.yaml", "--out", "friday.plan.json"],
        0,
    );
    let (fresh, _) = ends(here, &["graph", "--plan", "-f", "sites.yaml"], 0);
    let (saved, _) = ends(here, &["graph", "--plan", "friday.plan.json"], 0);
    assert_eq!(saved, fresh);
}
