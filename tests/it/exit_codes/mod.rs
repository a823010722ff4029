//! `docs/exit-codes.md`: every command, and every code that it can end with, each tried against the real program.
//!
//! The tables of [`ways`] name a way to each code. A new command fails until it has a row on the page, and a place in
//! [`REMOTE`] or [`LOCAL`], and in [`DECLARED`] or [`UNREAD`]. An error is an error everywhere: never 0, never 2.

mod place;
#[cfg(unix)]
mod signals;
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use place::Place;
use ways::At::{
    self, Astray, Blocked, Damaged, Done, Empty, Faulty, Fresh, Open, Unreachable, WrongPassword,
};
use ways::{DECLARED, LOCAL, REMOTE, SIGNALLED, UNREAD, WAYS, Way, ways};

const PAGE: &str = include_str!("../../../docs/exit-codes.md");

/// Every command that can be run, in words.
fn commands() -> BTreeSet<String> {
    fn walk(command: &clap::Command, words: &str, found: &mut BTreeSet<String>) {
        let mut below = command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help" && !words.starts_with("sim console"))
            .peekable();
        if below.peek().is_none() || !command.is_subcommand_required_set() && !words.is_empty() {
            found.insert(words.trim().to_owned());
        }
        for sub in below {
            walk(
                sub,
                format!("{words} {}", sub.get_name()).trim_start(),
                found,
            );
        }
    }
    let mut found = BTreeSet::new();
    let mut root = sitewright::cli::command();
    root.build();
    walk(&root, "", &mut found);
    found
}

/// The page's table: the codes of each command.
fn documented() -> BTreeMap<String, BTreeSet<i32>> {
    let mut lines = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| command |"));
    let head: Vec<i32> = lines
        .next()
        .unwrap()
        .trim_matches('|')
        .split('|')
        .skip(1)
        .map(|cell| cell.trim().parse().unwrap())
        .collect();
    let mut found = BTreeMap::new();
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let names = cells.next().unwrap().to_owned();
        let codes: BTreeSet<i32> = head
            .iter()
            .zip(cells)
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(code, _)| *code)
            .collect();
        for name in names.split(", ") {
            found.insert(name.trim_matches('`').to_owned(), codes.clone());
        }
    }
    found
}

#[test]
fn every_command_and_code_of_the_page_is_tried() {
    let mut found: BTreeMap<String, BTreeSet<i32>> = commands()
        .into_iter()
        .map(|command| (command, BTreeSet::from([0, 64])))
        .collect();
    let signalled = SIGNALLED
        .iter()
        .map(|(command, _, _, code)| (*command, *code));
    let tried = ways();
    let tried = tried.iter().map(|(command, _, _, code)| (*command, *code));
    for (command, code) in tried.chain(signalled) {
        found
            .get_mut(command)
            .unwrap_or_else(|| panic!("there is no command `{command}`"))
            .insert(code);
    }
    let mut documented = documented();
    for (command, codes) in found {
        let row = documented.remove(&command);
        let row = row.unwrap_or_else(|| panic!("docs/exit-codes.md has no row for `{command}`"));
        assert_eq!(
            codes, row,
            "`{command}`: tried (left), docs/exit-codes.md (right)"
        );
    }
    assert_eq!(documented, BTreeMap::new(), "of no command");
}

/// A new command has to say what it does in front of a server that does not answer, and with manifests that are wrong.
#[test]
fn every_command_is_tried_against_a_server_and_manifests_that_fail_it_or_needs_neither() {
    let all = commands();
    let names = |tried: &[(&'static str, &str)], others: &[&'static str]| {
        let tried: BTreeSet<&str> = tried.iter().map(|(command, _)| *command).collect();
        let both: Vec<&&str> = others.iter().filter(|one| tried.contains(**one)).collect();
        assert!(both.is_empty(), "{both:?} stand in both");
        let names = tried.into_iter().chain(others.iter().copied());
        names.map(ToOwned::to_owned).collect::<BTreeSet<String>>()
    };
    assert_eq!(names(REMOTE, LOCAL), all, "REMOTE and LOCAL (left)");
    let mut local = LOCAL.to_vec();
    local.retain(|command| *command != "watch");
    local.extend(UNREAD);
    assert_eq!(
        names(DECLARED, &local),
        all,
        "DECLARED, UNREAD and LOCAL (left)"
    );
}

/// Runs over all of a list with as many hands as there are.
fn each<T: Send, F: Fn(T) -> Option<String> + Sync>(all: Vec<T>, judge: F) {
    let left = Mutex::new(all);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(next) = left.lock().unwrap().pop() else {
                        break;
                    };
                    if let Some(fault) = judge(next) {
                        faults.lock().unwrap().push(fault);
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is wrong where a command does not end with its code, or says another reason for an error.
fn otherwise(place: &Place, line: &str, at: At, code: i32) -> Option<String> {
    let (found, said) = place.run(place.password, line);
    let reason = match at {
        Unreachable => "SW0303",
        WrongPassword => "SW0306",
        Faulty => "nothing was read from or written to a server",
        Empty | Fresh | Done | Astray | Open | Blocked | Damaged => "",
    };
    let words: Vec<&str> = said.split_whitespace().collect();
    (found != code || !words.join(" ").contains(reason)).then(|| {
        format!("`sitewright {line}`, {at:?}: expected {code} {reason}, found {found}\n{said}")
    })
}

/// Tries ways, each in a place of its own where it may change something.
fn all_end_so(ways: Vec<Way>) {
    let shared: Mutex<BTreeMap<At, Arc<Place>>> = Mutex::default();
    each(ways, |(command, rest, at, code)| {
        let place = if at.is_shared() {
            let mut shared = shared.lock().unwrap();
            let place = shared.entry(at).or_insert_with(|| Arc::new(Place::at(at)));
            Arc::clone(place)
        } else {
            Arc::new(Place::at(at))
        };
        // Several are tried there at once, and some of them lock the state.
        let line = format!("{command} {rest} --lock-timeout 120");
        otherwise(&place, &line, at, code)
    });
}

#[test]
fn every_way_ends_with_its_code() {
    all_end_so(WAYS.to_vec());
}

#[test]
fn a_server_that_does_not_answer_or_let_in_is_an_error_of_every_command() {
    let ways = ways().into_iter();
    all_end_so(
        ways.filter(|way| matches!(way.2, Unreachable | WrongPassword))
            .collect(),
    );
}

#[test]
fn a_fault_in_a_manifest_is_an_error_of_every_command() {
    all_end_so(ways().into_iter().filter(|way| way.2 == Faulty).collect());
}

#[test]
fn every_command_knows_help_and_wrong_usage() {
    let place = Place::at(Empty);
    let all: Vec<String> = commands().into_iter().collect();
    each(all, |command| {
        otherwise(&place, &format!("{command} --help"), Empty, 0)
            .or_else(|| otherwise(&place, &format!("{command} --no-such-option"), Empty, 64))
    });
    assert_eq!(otherwise(&place, "", Empty, 64), None);
    assert_eq!(otherwise(&place, "no-such-command", Empty, 64), None);
}
