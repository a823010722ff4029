//! What only a bucket of an S3-compatible server can do to the state in it: answers that are lost, a lease that nobody but
//! whoever watches it can tell the end of, conditions that are not checked, certificates. What every store promises stands
//! in `stores`.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sitewright::journal::{Fact, JournalError};
use sitewright::model::{Guid, Holder, Name, Ownership, Platform, RunId};
use sitewright::state::{LockError, State, StateError, Store};

use crate::support::bucket::{self, ACCESS, Bucket, Fate, Secured, Way, free_port, wait_for};
use crate::support::{Authority, Desk, Running, python};

/// Long enough that a third of it may pass before it is renewed, and enough is left for a write.
const LEASE: Duration = Duration::from_secs(12);

fn store(url: &str) -> Store {
    Store::s3(&bucket::options(url, "tests", LEASE), "hq").unwrap()
}

fn holder(who: &str) -> Holder {
    Holder {
        who: who.into(),
        host: "ops".into(),
        process: 4711,
        purpose: "apply".into(),
        run: "run-1".into(),
        since: "2026-11-23T08:00:00Z".into(),
    }
}

fn state(serial: u64) -> State {
    let platform = Platform {
        server: Guid::from_u128(1),
        name: Name::new("SMP01.corp.example"),
    };
    State {
        serial,
        ..State::new(platform, "lineage-1".into(), Ownership::default())
    }
}

fn at() -> jiff::Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn gone(number: u128) -> Fact {
    Fact::Deleted {
        guid: Guid::from_u128(number),
        of: None,
    }
}

/// The numbers of the records, in the order in which they are kept.
async fn numbers(store: &Store) -> Vec<u64> {
    let entries = store.since(0).await.unwrap();
    entries.iter().map(|entry| entry.sequence).collect()
}

const NOW: Duration = Duration::ZERO;

#[tokio::test(flavor = "multi_thread")]
async fn records_are_there_for_good_in_order_and_each_is_read_once() {
    let server = Bucket::start();
    let way = Way::to(&server).await;
    let store = store(&way.url);
    let run = RunId("run-1".into());
    for round in 0..3 {
        let lock = store.lock(&holder("mbauer"), NOW).await.unwrap();
        let journal = store.journal(&lock).await.unwrap();
        journal
            .append_with_next(&run, at(), gone(round))
            .await
            .unwrap();
        journal.append(&run, at(), gone(round)).await.unwrap();
        journal.append(&run, at(), gone(round)).await.unwrap();
        lock.release().await;
    }
    assert_eq!(numbers(&store).await, (1..=9).collect::<Vec<u64>>());
    // Two of the three share an object.
    assert_eq!(server.objects("tests/hq/journal").len(), 6);
    for after in 0..=9 {
        let entries = store.since(after).await.unwrap();
        let first = entries.first().map(|entry| entry.sequence);
        assert_eq!(first, (after < 9).then_some(after + 1));
    }
}

/// An object is there whole or not at all: what is missing of one was not lost by a crash.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_record_is_damage_wherever_it_stands() {
    for place in [0, 2, 5] {
        let server = Bucket::start();
        let way = Way::to(&server).await;
        let store = store(&way.url);
        let run = RunId("run-1".into());
        let lock = store.lock(&holder("mbauer"), NOW).await.unwrap();
        let journal = store.journal(&lock).await.unwrap();
        for number in 0..6 {
            journal.append(&run, at(), gone(number)).await.unwrap();
        }
        let object = &server.objects("tests/hq/journal")[place];
        let bytes = std::fs::read(object).unwrap();
        std::fs::write(object, &bytes[..bytes.len() / 2]).unwrap();
        let error = store.since(0).await.unwrap_err();
        let line = format!("line {} ", place + 1);
        assert_eq!(error.code(), "SW0732", "{error}");
        assert!(error.to_string().contains(&line), "{error}");
        // It can be kept aside as it is, and nothing is in the way of what comes after.
        let aside = store.begin_anew().await.unwrap();
        let kept = std::fs::read(server.file(&format!("tests/{}", aside[0]))).unwrap();
        let half = kept.split(|byte| *byte == b'\n').nth(place);
        assert_eq!(half, Some(&bytes[..bytes.len() / 2]));
        let journal = store.journal(&lock).await.unwrap();
        journal.append(&run, at(), gone(7)).await.unwrap();
        assert_eq!(store.facts().await.unwrap(), [gone(7)]);
        lock.release().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_lease_adds_no_record_and_is_told_so() {
    let server = Bucket::start();
    let (asleep, awake) = (Way::to(&server).await, Way::to(&server).await);
    let (first, second) = (store(&asleep.url), store(&awake.url));
    let run = RunId("run-1".into());
    let lock = first.lock(&holder("mbauer"), NOW).await.unwrap();
    let journal = first.journal(&lock).await.unwrap();
    journal.append(&run, at(), gone(1)).await.unwrap();
    // Nothing of the first arrives any more.
    asleep.judged(|_, _| Fate::Lost);
    let after = second.lock(&holder("jdoe"), LEASE * 3).await.unwrap();
    assert_eq!(after.taken_over().unwrap().who, "mbauer");
    let lost = journal.held().unwrap_err();
    assert!(matches!(lost, JournalError::LeaseLost { .. }), "{lost:?}");
    let theirs = second.journal(&after).await.unwrap();
    theirs.append(&run, at(), gone(2)).await.unwrap();
    // It wakes up, and tries what it had been about to do.
    asleep.judged(|_, _| Fate::Arrives);
    let error = journal.append(&run, at(), gone(3)).await.unwrap_err();
    assert!(
        matches!(error, JournalError::Overtaken { record: 2, .. }),
        "{error:?}"
    );
    assert_eq!(error.code(), "SW0750");
    let error = journal.append(&run, at(), gone(4)).await.unwrap_err();
    assert!(matches!(error, JournalError::Broken { .. }), "{error:?}");
    // It frees nothing that is not its own.
    lock.release().await;
    theirs.append(&run, at(), gone(5)).await.unwrap();
    after.lease().held().unwrap();
    let refused = first.lock(&holder("mbauer"), NOW).await.unwrap_err();
    assert!(matches!(refused, LockError::Held { .. }), "{refused:?}");
    assert_eq!(numbers(&second).await, [1, 2, 3]);
    after.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_whose_answer_is_lost_is_done_once() {
    let server = Bucket::start();
    let way = Way::to(&server).await;
    let store = store(&way.url);
    let lost = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&lost);
    let mut seen = std::collections::BTreeMap::new();
    // Of every second write to a place, and of every other request the first.
    way.judged(move |method, path| {
        let times: &mut usize = seen
            .entry((method.to_owned(), path.to_owned()))
            .or_default();
        *times += 1;
        if *times % 2 == 1 {
            count.fetch_add(1, Ordering::Relaxed);
            Fate::AnswerLost
        } else {
            Fate::Arrives
        }
    });
    let run = RunId("run-1".into());
    for round in 0..4_u64 {
        let lock = store.lock(&holder("mbauer"), NOW).await.unwrap();
        assert_eq!(lock.taken_over(), None);
        let journal = store.journal(&lock).await.unwrap();
        journal.append(&run, at(), gone(1)).await.unwrap();
        journal
            .keep_item(&run, at(), Guid::from_u128(1), "<a/>")
            .await
            .unwrap();
        store.save(&state(round + 1)).await.unwrap();
        lock.release().await;
    }
    assert!(lost.load(Ordering::Relaxed) > 30, "{lost:?}");
    assert_eq!(numbers(&store).await, (1..=8).collect::<Vec<u64>>());
    assert_eq!(server.objects("tests/backups/hq").len(), 4);
    assert_eq!(store.read().await.unwrap().unwrap().serial, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ignores_conditions_is_refused_before_anything_is_written() {
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sitewright-state")).unwrap();
    // It knows `If-None-Match` of a PUT and takes no notice of `If-Match`.
    let _server = Running(
        python()
            .args(["-m", "localbucket", "--port", &port.to_string()])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    wait_for(port);
    let store = store(&format!("http://127.0.0.1:{port}"));
    let error = store.lock(&holder("mbauer"), NOW).await.unwrap_err();
    assert!(
        matches!(
            error,
            LockError::Unconditional {
                condition: "If-Match",
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.code(), "SW0751");
    assert!(error.hint().unwrap().contains("another store"));
    assert_eq!(store.read().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_told_and_the_causes_are() {
    let server = Bucket::start();
    let way = Way::to(&server).await;
    let mut wrong = bucket::options(&way.url, "tests", LEASE);
    wrong.credentials = sitewright::state::S3Credentials::Keys {
        access: ACCESS.into(),
        secret: "another-secret".into(),
        session: None,
    };
    let store = Store::s3(&wrong, "hq").unwrap();
    let error = store.lock(&holder("mbauer"), NOW).await.unwrap_err();
    let told = format!("{error} {error:?} {store:?} {wrong:?} {}", store.place());
    assert!(
        told.contains("403 Forbidden (SignatureDoesNotMatch)"),
        "{told}"
    );
    assert!(
        !told.contains("another-secret") && !told.contains(ACCESS),
        "{told}"
    );
    assert!(
        store
            .place()
            .starts_with("s3://sitewright-state/tests/hq/state.json at 127.0.0.1:")
    );

    // TLS where none is spoken: an error, as of any server that cannot be reached.
    let secured = way.url.replace("http:", "https:");
    let tls = Store::s3(&bucket::options(&secured, "tests", LEASE), "hq").unwrap();
    let begun = Instant::now();
    let error = tls.read().await.unwrap_err();
    assert!(matches!(error, StateError::Read { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(25));
}

/// The way to the bucket is encrypted, and its other end is who it says it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_authority_of_the_server_is_the_one_that_was_named() {
    let (server, authority) = (Bucket::start(), Authority::new("The storage's own"));
    let way = Secured::to(&server, &authority).await;
    let state = |ca: &str| {
        let declared = bucket::declared(&way.url, "tests", 15);
        format!("{declared}    ca: {ca}\n")
    };
    let desk = Desk::new();
    let seat = desk.seat(&state("right.pem")).await;
    let write = |seat: &crate::support::Seat, name: &str, authority: &Authority| {
        std::fs::write(seat.folder.path().join(name), authority.pem()).unwrap();
    };
    write(&seat, "right.pem", &authority);
    seat.told(&["apply", "--yes"], 0).await;
    desk.is_done(&seat).await;
    assert!(server.file("tests/hq/state.json").is_file());
    assert!(!server.objects("tests/hq/journal").is_empty());

    let before = server.objects("tests/hq/journal").len();
    let other = desk.seat(&state("other.pem")).await;
    write(&other, "other.pem", &Authority::new("Another"));
    let begun = Instant::now();
    for (command, code) in [("apply --yes", "SW0752"), ("plan", "SW0701")] {
        let words: Vec<&str> = command.split(' ').collect();
        let said = other.told(&words, 1).await;
        assert!(said.contains(&format!("error[{code}]")), "{said}");
        assert!(
            said.contains("the server's certificate is not trusted"),
            "{said}"
        );
        assert!(said.contains("`ca`"), "{said}");
    }
    // No time makes it another certificate: it is told at once.
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(other.way.writes(), 0);
    assert_eq!(server.objects("tests/hq/journal").len(), before);
}
