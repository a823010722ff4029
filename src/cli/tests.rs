//! What holds for every command: examples in its help, 80 columns, nothing that two options share.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use clap::{Command, CommandFactory as _, Parser as _};

use super::Cli;

/// Every command with the words that call it.
fn commands() -> Vec<(String, Command)> {
    fn walk(command: &Command, name: &str, found: &mut Vec<(String, Command)>) {
        found.push((name.to_owned(), command.clone()));
        for below in command.get_subcommands() {
            if below.get_name() != "help" {
                walk(below, &format!("{name} {}", below.get_name()), found);
            }
        }
    }
    let mut root = Cli::command();
    root.build();
    let mut found = Vec::new();
    walk(&root, "sitewright", &mut found);
    found
}

/// The lines of the examples in a command's help.
fn examples(command: &Command) -> Vec<String> {
    let help = command
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    let mut inside = false;
    for line in help.lines() {
        if matches!(line, "Example:" | "Examples:") {
            inside = true;
        } else if line.trim().is_empty() {
            inside = false;
        } else if inside {
            match lines.last_mut() {
                Some(last) if last.ends_with('\\') => {
                    last.pop();
                    last.push_str(line.trim());
                }
                _ => lines.push(line.trim().to_owned()),
            }
        }
    }
    lines
}

/// The words of an example up to what a shell does with it.
fn words(example: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in example.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    let end = words
        .iter()
        .position(|word| matches!(word.as_str(), "|" | ">" | ">>" | "<" | "&&" | "#"));
    words.truncate(end.unwrap_or(words.len()));
    words
}

#[test]
fn every_command_has_examples_that_it_takes() {
    let mut offenders = Vec::new();
    for (name, command) in commands() {
        let examples = examples(&command);
        if examples.is_empty() {
            offenders.push(format!("`{name}` has no examples"));
        }
        for example in examples {
            let words = words(&example);
            let from = words.iter().position(|word| word == "sitewright");
            let Some(from) = from else {
                offenders.push(format!("`{name}`: `{example}` calls another program"));
                continue;
            };
            if let Err(error) = Cli::try_parse_from(&words[from..]) {
                offenders.push(format!("`{name}`: `{example}` is refused: {error}"));
            }
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn help_fits_eighty_columns() {
    let mut offenders = Vec::new();
    for (name, mut command) in commands() {
        let help = command.render_long_help().to_string();
        let wide = help.lines().filter(|line| line.chars().count() > 80);
        offenders.extend(wide.map(|line| format!("`{name}`: {line}")));
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn what_is_misspelt_is_answered_with_what_is_near() {
    for (line, near) in [
        ("sitewright plann", "plan"),
        ("sitewright aply", "apply"),
        (
            "sitewright plan --detailed-exit-code",
            "--detailed-exitcode",
        ),
        ("sitewright profile discovr", "discover"),
        ("sitewright completions bsh", "bash"),
        ("sitewright plan --colour never", "--color"),
    ] {
        let Err(error) = Cli::try_parse_from(line.split(' ')) else {
            panic!("`{line}` is taken");
        };
        let told = error.to_string();
        assert!(told.contains("similar"), "{line}: {told}");
        assert!(told.contains(&format!("'{near}'")), "{line}: {told}");
    }
}

#[test]
fn every_shell_gets_all_commands() {
    use clap_complete::Shell;
    for shell in [
        Shell::Bash,
        Shell::Zsh,
        Shell::Fish,
        Shell::PowerShell,
        Shell::Elvish,
    ] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "sitewright", &mut script);
        let script = String::from_utf8(script).unwrap();
        for name in ["replace-server", "discover", "detailed-exitcode"] {
            assert!(script.contains(name), "{shell} knows nothing of {name}");
        }
    }
}

#[test]
fn names_of_commands_are_told_apart() {
    let names: Vec<String> = commands().into_iter().map(|(name, _)| name).collect();
    let different: BTreeSet<&String> = names.iter().collect();
    assert_eq!(different.len(), names.len());
}
