//! Files that this program writes and reads again: plans, states, profiles, lines of the journal.

use std::io::BufReader;

use crate::journal::{Entry, Scan, ScanError, digest, replay, scan};
use crate::model::Ownership;
use crate::plan::{PlanFile, PlanFileError};
use crate::profile;
use crate::render::runbook::{self, Runbook};
use crate::render::{Style, text};
use crate::state::State;

/// A plan file, up to everything that shows one.
pub fn plans(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else {
        return;
    };
    let refused = |error: &PlanFileError| {
        assert!(!error.to_string().is_empty());
        assert!(!error.hint().is_empty());
    };
    if let Err(error) = PlanFile::read(source) {
        refused(&error);
    }
    // With the digest that no fuzzer guesses.
    let Ok(file) = serde_json::from_str::<PlanFile>(source) else {
        return;
    };
    let sealed = PlanFile::seal(&file.plan(), "2026-03-01T10:00:00Z");
    let written = sealed.write();
    let read = match PlanFile::read(&written) {
        Ok(read) => read,
        Err(error) => return refused(&error),
    };
    assert_eq!(read, sealed);
    assert_eq!(read.write(), written);
    let (plan, read) = (sealed.plan(), read.plan());
    let style = Style::default();
    assert_eq!(text::plan(&plan, &style), text::plan(&read, &style));
    let book = Runbook::new(&plan, "2026-03-01T10:00:00Z");
    assert_eq!(runbook::text(&book, &style), runbook::text(&book, &style));
    let _ = (runbook::markdown(&book), runbook::html(&book));
}

/// A state file; and what a state file would be with the right checksum, which no fuzzer guesses.
pub fn states(data: &[u8]) {
    if let Err(error) = State::decode(data) {
        assert!(!error.to_string().is_empty());
    }
    let Ok(state) = serde_json::from_slice::<State>(data) else {
        return;
    };
    let state = State {
        format_version: State::FORMAT_VERSION,
        ..state
    };
    let written = state.encode().expect("a state can be written");
    let read = State::decode(&written).expect("what was written can be read");
    assert_eq!(read.ownership, state.ownership);
    assert_eq!(
        State {
            checksum: state.checksum.clone(),
            ..read.clone()
        },
        state
    );
    assert_eq!(read.encode().expect("again"), written);
    // One bit of damage anywhere is found.
    let at = usize::from(data.first().copied().unwrap_or(0)) * 37 % written.len();
    let mut damaged = written;
    if let Some(byte) = damaged.get_mut(at) {
        *byte ^= 1;
    }
    if let Ok(other) = State::decode(&damaged) {
        assert_eq!(other, read, "damage at {at} goes unseen and changes it");
    }
}

/// A server profile.
pub fn profiles(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else {
        return;
    };
    let read = match profile::from_yaml("profile.yaml", source) {
        Ok(read) => read,
        Err(error) => {
            assert!(error.code().starts_with("SW080"));
            assert!(error.to_string().starts_with("profile.yaml"), "{error}");
            assert!(!error.to_string().contains('\n'), "{error}");
            return;
        }
    };
    let written = profile::to_yaml(&read).expect("a profile can be written");
    let again = profile::from_yaml("profile.yaml", &written).expect("what was written can be read");
    assert_eq!(again, read, "{written}");
    assert_eq!(profile::to_yaml(&again).expect("again"), written);
    for ability in [
        profile::Ability::ReadSites,
        profile::Ability::ReadManualServers,
        profile::Ability::ReadHolders,
    ] {
        if let Err(missing) = read.can(ability) {
            assert!(!missing.entries.is_empty());
        }
    }
}

/// Lines of the journal: as they stand, and each record that they hold put into a chain of our own.
pub fn journal(data: &[u8]) {
    let mut entries = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        let read = scan(line, 0, |entry| entries.push(entry));
        told(&read);
    }
    let mut found = Vec::new();
    let whole = scan(data, 0, |entry| found.push(entry));
    let mut again = Vec::new();
    let pieces = scan(BufReader::with_capacity(1, data), 0, |entry| {
        again.push(entry);
    });
    assert_eq!(found, again, "at once (left), byte by byte (right)");
    assert_eq!(whole.as_ref().ok(), pieces.as_ref().ok());
    told(&whole);

    let mut lines = Vec::new();
    let mut before: Option<Vec<u8>> = None;
    for (sequence, entry) in (1..).zip(&mut entries) {
        entry.format_version = Entry::FORMAT_VERSION;
        entry.sequence = sequence;
        entry.previous = before.as_deref().map(digest);
        let line = entry.encode().expect("a record can be written");
        assert!(!line[..line.len() - 1].contains(&b'\n'), "one line");
        lines.extend_from_slice(&line);
        before = Some(line);
    }
    let mut read = Vec::new();
    let chain = scan(lines.as_slice(), 0, |entry| read.push(entry));
    let chain = chain.expect("what was written can be read");
    assert_eq!(read, entries);
    assert_eq!(chain.head.digest, before.as_deref().map(digest));
    assert_eq!(chain.torn, None);

    let once = replay(Ownership::default(), 0, entries.iter().cloned());
    let last = entries.last().map_or(0, |entry| entry.sequence);
    let twice = replay(once.clone(), last, entries.iter().cloned());
    assert_eq!(once, twice, "folding in once more changes something");
    changed(lines, &entries, data);
}

/// A record that was changed is found, unless it is the last one, which nothing follows yet.
fn changed(mut lines: Vec<u8>, entries: &[Entry], data: &[u8]) {
    let [.., _, _] = entries else {
        return;
    };
    let at = usize::from(data.first().copied().unwrap_or(0)) * 37 % lines.len();
    let last = lines[..lines.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap_or(0);
    if at >= last {
        return;
    }
    if let Some(byte) = lines.get_mut(at) {
        *byte ^= 1;
    }
    let read = scan(lines.as_slice(), 0, |_| {});
    assert!(read.is_err(), "a change at {at} goes unseen");
}

fn told(read: &Result<Scan, ScanError>) {
    if let Err(error) = read {
        assert!(error.to_string().starts_with("line "), "{error}");
    }
}
