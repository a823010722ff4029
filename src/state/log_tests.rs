//! The journal's file under crashes and damage.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::path::Path;
use std::sync::Arc;

use super::backend::Backend;
use super::file::FileBackend;
use super::*;
use crate::journal::{Entry, Fact, Head, JournalError, Scan};
use crate::model::{Guid, Name, RunId};

fn run(name: &str) -> RunId {
    RunId(name.into())
}

fn created(number: u128) -> Fact {
    Fact::SiteCreated {
        guid: Guid::from_u128(number),
        name: Name::new(&format!("site {number}")),
        protected: false,
    }
}

fn at() -> jiff::Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

/// The end of a journal of which the state holds so many records.
async fn open(folder: &Path, after: u64) -> Result<Journal, JournalError> {
    let backend = Arc::new(Backend::File(FileBackend::new(folder, "hq")));
    let head = Head {
        sequence: after,
        digest: None,
    };
    Journal::open(
        backend,
        Lease::default(),
        under_way::UnderWay::default(),
        head,
    )
    .await
}

fn read(folder: &Path, after: u64) -> (Vec<Entry>, Scan) {
    let mut entries = Vec::new();
    let scan = FileBackend::new(folder, "HQ")
        .records(after, &mut |entry| entries.push(entry))
        .unwrap();
    (entries, scan)
}

async fn write(folder: &Path, name: &str, facts: impl IntoIterator<Item = Fact>) {
    let journal = open(folder, 0).await.unwrap();
    for fact in facts {
        journal.append(&run(name), at(), fact).await.unwrap();
    }
}

/// Writes three records and damages the file.
async fn damaged(change: impl FnOnce(&mut Vec<u8>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "r1", (1..=3).map(created)).await;
    let path = journal_path(folder.path(), "hq");
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    folder
}

fn sequences(folder: &Path) -> Vec<u64> {
    let (entries, _) = read(folder, 0);
    entries.iter().map(|entry| entry.sequence).collect()
}

#[tokio::test]
async fn numbers_go_on_over_runs() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(sequences(folder.path()), Vec::<u64>::new());
    write(folder.path(), "r1", (1..=2).map(created)).await;
    write(folder.path(), "r2", (3..=4).map(created)).await;
    assert_eq!(sequences(folder.path()), [1, 2, 3, 4]);
    assert_eq!(read(folder.path(), 3).0.len(), 1);
    // The state says that it holds 9: this journal is an old copy.
    let journal = open(folder.path(), 9).await.unwrap();
    journal.append(&run("r3"), at(), created(5)).await.unwrap();
    assert_eq!(journal.last().await, 10);
    assert_eq!(sequences(folder.path()), [1, 2, 3, 4, 10]);
}

#[tokio::test]
async fn opening_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("state");
    open(&below, 0).await.unwrap();
    assert!(!below.exists());
    write(&below, "r1", [created(1)]).await;
    assert_eq!(sequences(&below), [1]);
}

#[tokio::test]
async fn every_torn_end_is_cut_off() {
    let whole = damaged(|_| {}).await;
    let bytes = std::fs::read(journal_path(whole.path(), "hq")).unwrap();
    let second = bytes.iter().rposition(|b| *b == b'\n').unwrap();
    let second = bytes[..second].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for length in second..bytes.len() {
        let folder = damaged(|bytes| bytes.truncate(length)).await;
        let (_, reading) = read(folder.path(), 0);
        let journal = open(folder.path(), 0).await.unwrap();
        // Only the line feed is missing: the record is whole, and kept.
        let kept = length + 1 == bytes.len();
        let torn = length > second && !kept;
        assert_eq!(reading.torn.is_some(), torn, "{length}");
        assert_eq!(journal.torn(), reading.torn);
        assert_eq!(journal.last().await, if kept { 3 } else { 2 });
        write(folder.path(), "r2", [created(4)]).await;
        let expected: &[u64] = if kept { &[1, 2, 3, 4] } else { &[1, 2, 3] };
        assert_eq!(sequences(folder.path()), expected, "{length}");
    }
}

#[tokio::test]
async fn reading_leaves_a_torn_end_where_it_is() {
    let folder = damaged(|bytes| bytes.extend_from_slice(b"{\"formatVersion\":1,\"ru")).await;
    let before = std::fs::read(journal_path(folder.path(), "hq")).unwrap();
    let torn = read(folder.path(), 0).1.torn.unwrap();
    assert_eq!((torn.line, torn.bytes), (4, 22));
    assert_eq!(
        std::fs::read(journal_path(folder.path(), "hq")).unwrap(),
        before
    );
}

#[tokio::test]
async fn zeros_of_a_power_cut_are_a_torn_end() {
    for end in [&b"\0\0\0\0"[..], &b"\0\0\0\"}}\n"[..]] {
        let folder = damaged(|bytes| bytes.extend_from_slice(end)).await;
        assert_eq!(sequences(folder.path()), [1, 2, 3]);
        write(folder.path(), "r2", [created(4)]).await;
        assert_eq!(sequences(folder.path()), [1, 2, 3, 4]);
    }
}

async fn check(change: impl FnOnce(&mut Vec<u8>), code: &str, message: &str) {
    let folder = damaged(change).await;
    let path = journal_path(folder.path(), "hq");
    let before = std::fs::read(&path).unwrap();
    let error = open(folder.path(), 0).await.unwrap_err();
    assert_eq!(error.code(), code);
    assert!(error.to_string().contains(message), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(std::fs::read(&path).unwrap(), before, "never touched");
}

#[tokio::test]
async fn damage_before_the_end_is_an_error_that_names_the_line() {
    let line_of = |bytes: &[u8], number: usize| -> Vec<u8> {
        bytes
            .split_inclusive(|b| *b == b'\n')
            .nth(number)
            .unwrap()
            .to_vec()
    };
    check(|bytes| bytes[0] = b'?', "SW0732", "line 1").await;
    check(
        |bytes| {
            let first = line_of(bytes, 0).len();
            bytes[first + 2] = 0;
        },
        "SW0732",
        "line 2",
    )
    .await;
    // A whole line with its line feed was on the disk: it is no torn write.
    check(
        |bytes| bytes.extend_from_slice(b"nonsense\n"),
        "SW0732",
        "line 4",
    )
    .await;
    check(
        |bytes| {
            let (first, second) = (line_of(bytes, 0), line_of(bytes, 1));
            bytes.drain(first.len()..first.len() + second.len());
        },
        "SW0732",
        "line 2",
    )
    .await;
    check(
        |bytes| {
            let last = line_of(bytes, 2);
            bytes.extend_from_slice(&last);
        },
        "SW0732",
        "line 4",
    )
    .await;
    check(
        |bytes| bytes.extend_from_slice(b"{\"formatVersion\":3,\"more\":\"x\"}\n"),
        "SW0733",
        "line 4",
    )
    .await;
    check(
        |bytes| bytes.extend_from_slice(b"{\"formatVersion\":0}\n"),
        "SW0732",
        "line 4",
    )
    .await;
}

#[tokio::test]
async fn nothing_is_added_after_a_failed_write() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("state");
    let journal = open(&below, 0).await.unwrap();
    std::fs::write(&below, "in the way").unwrap();
    let error = journal
        .append(&run("r1"), at(), created(1))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "SW0735");
    std::fs::remove_file(&below).unwrap();
    let error = journal
        .append(&run("r1"), at(), created(1))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "SW0736");
    write(&below, "r2", [created(1)]).await;
    assert_eq!(sequences(&below), [1]);
}

#[tokio::test]
async fn a_record_that_was_changed_breaks_the_chain() {
    let folder = damaged(|bytes| {
        let text = String::from_utf8(std::mem::take(bytes)).unwrap();
        *bytes = text.replace("site 2", "site 9").into_bytes();
    })
    .await;
    let error = FileBackend::new(folder.path(), "hq")
        .records(0, &mut |_| {})
        .unwrap_err();
    assert_eq!(error.code(), "SW0732");
    assert!(error.to_string().contains("line 3"), "{error}");
    // What the state sums up already is not checked each time.
    assert_eq!(read(folder.path(), 3).0.len(), 0);
}

#[tokio::test]
async fn what_may_wait_is_there_with_the_next_record() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), 0).await.unwrap();
    let r = run("r");
    let next = |number| journal.append_with_next(&r, at(), created(number));
    next(1).await.unwrap();
    assert_eq!(sequences(folder.path()), Vec::<u64>::new());
    journal.append(&run("r"), at(), created(2)).await.unwrap();
    assert_eq!(sequences(folder.path()), [1, 2]);
    next(3).await.unwrap();
    journal.flush().await.unwrap();
    assert_eq!(sequences(folder.path()), [1, 2, 3]);
}
