//! The first hour of a new user: the commands of `docs/getting-started.md` in their order, from an empty folder to a
//! world that has what was declared.

use std::path::PathBuf;
use std::process::Command;

use sitewright_sim::{Options, World};

const PAGE: &str = include_str!("../../docs/getting-started.md");

/// The commands of the page.
fn commands() -> Vec<&'static str> {
    PAGE.split("\n```")
        .filter_map(|block| block.strip_prefix("console\n"))
        .flat_map(str::lines)
        .map(|line| line.strip_prefix("$ ").expect("a command"))
        .collect()
}

#[test]
fn from_an_empty_folder_to_sites_that_hold_in_under_ten_commands() {
    let commands = commands();
    assert!(commands.len() < 10, "{commands:#?}");
    let root = tempfile::tempdir().unwrap();
    let mut here = root.path().to_path_buf();
    let mut plans = Vec::new();
    let mut applied = 0;
    for command in &commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        if let ["cd", folder] = words.as_slice() {
            here = here.join(folder);
            continue;
        }
        assert_eq!(words[0], "sitewright", "{command}");
        let mut run = Command::new(env!("CARGO_BIN_EXE_sitewright"));
        run.args(&words[1..])
            .current_dir(&here)
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS");
        let expected = if words[1] == "apply" {
            run.arg("--yes");
            applied += 1;
            if applied == 1 { 4 } else { 0 }
        } else {
            if words[1] == "profile" {
                run.arg("--yes");
            }
            0
        };
        let output = run.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{command}\n{out}\n{err}"
        );
        if words[1] == "plan" {
            plans.push(out);
        }
    }
    let [first, last] = plans.try_into().expect("two plans");
    assert!(first.contains("2 console steps to do"), "{first}");
    assert!(last.contains("No changes."), "{last}");
    let world = world(here.join("state/sim-flat-lan.db"));
    assert!(
        world.contains("captureTarget: DEPLOY01.corp.example"),
        "{world}"
    );
    assert!(world.contains("constrained: true"), "{world}");
}

fn world(db: PathBuf) -> String {
    let mut options = Options::builtin("flat-lan").unwrap();
    options.db = Some(db);
    World::open(options).unwrap().dump()
}
