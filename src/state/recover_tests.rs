//! States that were damaged and made again, moved, and put right by hand; journals that were tampered with.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::journal::{Fact, Fault, Replacement};
use crate::model::{Guid, Holder, Name, Ownership, Platform, RunId};

fn store(folder: &Path) -> Store {
    Store::file(folder, "hq")
}

async fn lock(store: &Store) -> Lock {
    let holder = Holder {
        who: "jdoe".into(),
        host: "ops".into(),
        process: 1,
        purpose: "test".into(),
        run: "r".into(),
        since: "08:00".into(),
    };
    store.lock(&holder, Duration::ZERO).await.unwrap()
}

fn hand() -> Hand {
    Hand {
        run: RunId("by-hand".into()),
        at: "2026-11-23T08:00:00Z".parse().unwrap(),
        by: "jdoe".into(),
        why: Some("a test".into()),
    }
}

fn platform() -> Platform {
    Platform {
        server: Guid::from_u128(1),
        name: Name::new("SMP01"),
    }
}

/// Three saved states and a fact beyond the last: what a folder holds in the middle of a run.
async fn lived_in(folder: &Path) -> State {
    let store = store(folder);
    let mut state = State::new(platform(), "lineage-1".into(), Ownership::default());
    for number in 2..6_u128 {
        let lock = lock(&store).await;
        let journal = store.journal(&lock).await.unwrap();
        let run = RunId(format!("r{number}"));
        let at = hand().at;
        let started = Fact::RunStarted {
            platform: platform(),
            lineage: state.lineage.clone(),
            serial: state.serial,
            by: None,
            plan: None,
        };
        let created = Fact::SiteCreated {
            guid: Guid::from_u128(number),
            name: Name::new(&format!("site {number}")),
            protected: number == 3,
        };
        journal.append(&run, at, started).await.unwrap();
        journal.append(&run, at, created).await.unwrap();
        drop(journal);
        if number < 5 {
            state = store.settle(state).await.unwrap();
        }
        lock.release().await;
    }
    store.load().await.unwrap().unwrap().state
}

async fn recovered(folder: &Path, from: Option<Origin>) -> (State, Vec<String>, bool) {
    let store = store(folder);
    let lock = lock(&store).await;
    let damage = store.damage().await.unwrap();
    assert!(!damage.is_none());
    let best = damage.best(from).unwrap().clone();
    let (state, aside) = store.recover(&lock, &damage, &best, hand()).await.unwrap();
    lock.release().await;
    (state, aside, best.whole)
}

#[tokio::test]
async fn a_state_damaged_anywhere_is_recovered_whole() {
    let sample = tempfile::tempdir().unwrap();
    lived_in(sample.path()).await;
    let length = std::fs::read(sample.path().join("hq.state.json"))
        .unwrap()
        .len();
    let mut cases: Vec<Option<usize>> = (0..length).step_by(97).map(Some).collect();
    cases.push(None);
    for case in cases {
        for from in [None, Some(Origin::Version), Some(Origin::Journal)] {
            let folder = tempfile::tempdir().unwrap();
            let lost = lived_in(folder.path()).await;
            let file = folder.path().join("hq.state.json");
            let mut bytes = std::fs::read(&file).unwrap();
            match case {
                Some(at) => bytes.truncate(at),
                None => bytes.fill(0),
            }
            std::fs::write(&file, &bytes).unwrap();
            let before = store(folder.path()).load().await.unwrap_err();
            assert!(before.hint().unwrap().contains("sitewright state recover"));
            let (state, aside, whole) = recovered(folder.path(), from).await;
            assert!(whole);
            assert_eq!(state.ownership, lost.ownership);
            assert!(state.serial > lost.serial + 1, "no saved plan fits it");
            assert_eq!(std::fs::read(folder.path().join(&aside[0])).unwrap(), bytes);
            // The journal alone gives the same, and is whole.
            std::fs::remove_file(&file).unwrap();
            let again = store(folder.path()).load().await.unwrap().unwrap().state;
            assert_eq!(
                (again.ownership, again.serial),
                (state.ownership, state.serial)
            );
            let audit = store(folder.path()).audit().await.unwrap();
            assert_eq!(audit.faults, []);
        }
    }
}

#[tokio::test]
async fn what_is_changed_by_hand_is_in_state_and_journal_alike() {
    let folder = tempfile::tempdir().unwrap();
    let state = lived_in(folder.path()).await;
    let store = store(folder.path());
    let held = lock(&store).await;
    let one = state.ownership.find("Site/site 2").unwrap();
    let state = store.forget(&held, state, vec![one], hand()).await.unwrap();
    assert!(state.ownership.find("Site/site 2").is_err());
    let version = store.version(2).await.unwrap().unwrap();
    let new = NewState {
        platform: platform(),
        lineage: "another".into(),
        serial: 40,
        ownership: version.ownership.clone(),
        cause: Replacement::Pushed { serial: 40 },
    };
    let put = store.replace_by_hand(&held, new, hand()).await.unwrap();
    assert_eq!((put.serial, put.lineage.as_str()), (41, "another"));
    assert_eq!(store.load().await.unwrap().unwrap().replayed, 0);
    std::fs::remove_file(folder.path().join("hq.state.json")).unwrap();
    let rebuilt = store.load().await.unwrap().unwrap().state;
    assert_eq!(rebuilt.ownership, version.ownership);
    assert_eq!((rebuilt.serial, rebuilt.lineage.as_str()), (41, "another"));
}

#[tokio::test]
async fn a_migrated_store_holds_all_and_the_old_one_refuses() {
    let from = tempfile::tempdir().unwrap();
    let to = tempfile::tempdir().unwrap();
    let lost = lived_in(from.path()).await;
    let (old, new) = (store(from.path()), store(to.path()));
    let (ours, theirs) = (lock(&old).await, lock(&new).await);
    let copied = old.migrate(&ours, &new, &theirs, hand()).await.unwrap();
    assert_eq!(
        (copied.serial, copied.versions, copied.records),
        (Some(3), 2, 8)
    );
    let again = old.migrate(&ours, &new, &theirs, hand()).await.unwrap_err();
    assert_eq!(again.code(), "SW0760");
    let loaded = new.load().await.unwrap().unwrap().state;
    assert_eq!(loaded.ownership, lost.ownership);
    assert_eq!(new.audit().await.unwrap().faults, []);
    ours.release().await;
    let refused = old
        .lock(
            &Holder {
                who: String::new(),
                host: String::new(),
                process: 0,
                purpose: String::new(),
                run: String::new(),
                since: String::new(),
            },
            Duration::ZERO,
        )
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "SW0760");
    assert_eq!(old.load().await.unwrap_err().code(), "SW0760");
}

#[tokio::test]
async fn a_journal_that_was_tampered_with_names_the_record() {
    type Change = fn(&mut Vec<String>);
    type Told = fn(&Fault) -> bool;
    let cases: [(Change, Told); 6] = [
        (
            |l| l[2] = l[2].replace("r3", "rX"),
            |f| matches!(f, Fault::Changed { record: 3, .. }),
        ),
        (
            |l| drop(l.remove(3)),
            |f| matches!(f, Fault::Missing { from: 4, to: 4, .. }),
        ),
        (
            |l| l.insert(3, l[2].clone()),
            |f| matches!(f, Fault::PutIn { record: 3, .. }),
        ),
        (
            |l| l.swap(1, 2),
            |f| matches!(f, Fault::OutOfOrder { record: 2, .. }),
        ),
        (
            |l| l.truncate(4),
            |f| matches!(f, Fault::CutOff { from: 5, to: 6 }),
        ),
        (
            |l| l[1] = "{}".into(),
            |f| matches!(f, Fault::Unreadable { line: 2, .. }),
        ),
    ];
    for (number, (change, named)) in cases.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        lived_in(folder.path()).await;
        let store = store(folder.path());
        assert_eq!(store.audit().await.unwrap().faults, []);
        let path = journal_path(folder.path(), "hq");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        change(&mut lines);
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let faults = store.audit().await.unwrap().faults;
        assert!(faults.iter().any(named), "{number}: {faults:?}");
    }
}
