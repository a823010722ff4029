//! Journals: numbered and chained, there for good in order, whoever waits for them; and the state as they tell it.

use std::pin::pin;
use std::time::Duration;

use futures::poll;
use sitewright::journal::{Fact, digest};
use sitewright::model::{Guid, Held, Name, PackageRef};
use sitewright::state::State;

use super::place::Place;
use super::{add, at, created, lock, numbers, platform, run, started, state};

pub(super) async fn records_are_numbered_and_chained_over_runs(place: &Place, case: &str) {
    let store = place.store(case);
    assert_eq!(store.since(0).await.unwrap(), []);
    add(&store, (1..=2).map(created)).await;
    add(&place.store(case), (3..=4).map(created)).await;
    let entries = store.since(0).await.unwrap();
    assert_eq!(numbers(&entries), [1, 2, 3, 4]);
    assert_eq!(entries[0].previous, None);
    for pair in entries.windows(2) {
        let line = serde_json::to_vec(&pair[0]).unwrap();
        assert_eq!(pair[1].previous, Some(digest(&line)));
    }
    for after in 0..=5 {
        let entries = store.since(after).await.unwrap();
        let expected: Vec<u64> = (after + 1..=4).collect();
        assert_eq!(numbers(&entries), expected);
    }
    assert_eq!(store.facts().await.unwrap()[3], created(4));
}

pub(super) async fn records_may_wait_for_the_next(place: &Place, case: &str) {
    let store = place.store(case);
    let held = lock(&store, "jdoe").await.unwrap();
    let journal = store.journal(&held).await.unwrap();
    let run = run();
    let next = |number| journal.append_with_next(&run, at(), created(number));
    next(1).await.unwrap();
    next(2).await.unwrap();
    assert_eq!(store.since(0).await.unwrap(), []);
    journal.append(&run, at(), created(3)).await.unwrap();
    assert_eq!(numbers(&store.since(0).await.unwrap()), [1, 2, 3]);
    next(4).await.unwrap();
    journal.flush().await.unwrap();
    assert_eq!(numbers(&store.since(0).await.unwrap()), [1, 2, 3, 4]);
    assert_eq!(journal.last().await, 4);
    assert!(journal.held().is_ok());
    held.release().await;
}

pub(super) async fn a_lost_journal_gives_no_number_twice(place: &Place, case: &str) {
    let store = place.store(case);
    let ahead = State {
        journal_sequence: 40,
        ..state(1)
    };
    store.save(&ahead).await.unwrap();
    add(&store, [started(platform(1), "lineage-1", 1), created(6)]).await;
    let loaded = store.load().await.unwrap().unwrap();
    assert_eq!((loaded.replayed, loaded.state.journal_sequence), (2, 42));
}

pub(super) async fn a_run_that_died_is_replayed(place: &Place, case: &str) {
    let store = place.store(case);
    store.save(&state(1)).await.unwrap();
    let package = PackageRef {
        name: Name::new("Win11"),
        guid: Guid::from_u128(9),
    };
    let facts = [
        started(platform(1), "lineage-1", 1),
        created(6),
        Fact::AssignmentWritten { package },
    ];
    add(&store, facts).await;
    let loaded = place.store(case).load().await.unwrap().unwrap();
    assert_eq!(loaded.replayed, 3);
    assert_eq!(loaded.state.serial, 1, "nobody saved it yet");
    assert_eq!(loaded.state.ownership.sites.len(), 2);
    assert_eq!(loaded.state.ownership.undistributed.len(), 1);

    // The next run goes on, and the state takes both in.
    let package = Guid::from_u128(9);
    add(&store, [Fact::DistributionUpdated { package }]).await;
    store.settle(loaded.state).await.unwrap();
    let settled = store.load().await.unwrap().unwrap();
    assert_eq!(settled.replayed, 0);
    let state = settled.state;
    assert_eq!((state.serial, state.journal_sequence), (2, 4));
    assert!(state.ownership.undistributed.is_empty());
    // Once more changes nothing.
    let before = place.saved(case).await;
    store.settle(state).await.unwrap();
    assert_eq!(place.saved(case).await, before);
    assert_eq!(store.versions().await.unwrap().len(), 1);
}

pub(super) async fn a_first_run_that_died_is_not_forgotten(place: &Place, case: &str) {
    let store = place.store(case);
    add(&store, [started(platform(1), "", 0), created(6)]).await;
    let loaded = store.load().await.unwrap().unwrap();
    assert_eq!(loaded.replayed, 2);
    let state = loaded.state;
    assert_eq!((state.lineage.as_str(), state.serial), ("", 0));
    assert_eq!(state.platform, platform(1));
    let site = &state.ownership.sites[&Guid::from_u128(6)];
    assert_eq!(site.how, Held::Created);
    let base = State {
        lineage: "lineage-1".into(),
        ..state
    };
    store.settle(base).await.unwrap();
    assert_eq!(store.read().await.unwrap().unwrap().serial, 1);
}

pub(super) async fn a_journal_of_another_platform_or_lineage_is_refused(place: &Place, case: &str) {
    for (name, fact, code) in [
        ("lineage", started(platform(1), "lineage-2", 1), "SW0707"),
        ("platform", started(platform(2), "lineage-1", 1), "SW0706"),
    ] {
        let case = format!("{case}_{name}");
        // Names of schemas are short.
        let store = place.store(&case[case.len().saturating_sub(60)..]);
        store.save(&state(1)).await.unwrap();
        add(&store, [fact]).await;
        assert_eq!(store.load().await.unwrap_err().code(), code);
        assert_eq!(store.settle(state(1)).await.unwrap_err().code(), code);
    }
}

/// A run that is stopped at once drops what it waits for. What was begun of it is there all the same, once, and in its
/// place.
pub(super) async fn a_record_that_nobody_waits_for_is_there_once(place: &Place, case: &str) {
    let store = place.store(case);
    let held = lock(&store, "jdoe").await.unwrap();
    let journal = store.journal(&held).await.unwrap();
    let mut expected = Vec::new();
    for number in 0..20_u64 {
        {
            let run = run();
            let mut append = pin!(journal.append(&run, at(), created(number.into())));
            // Dropped sooner or later after its beginning.
            for pause in 0..=number {
                if poll!(append.as_mut()).is_ready() {
                    break;
                }
                tokio::time::sleep(Duration::from_micros(100 * pause)).await;
            }
        }
        let after = created((100 + number).into());
        journal.append(&run(), at(), after.clone()).await.unwrap();
        expected.extend([created(number.into()), after]);
    }
    held.release().await;
    // Reading follows the chain.
    assert_eq!(place.store(case).facts().await.unwrap(), expected);
}

/// What is on its way when the lock is given back would come in between the records of whoever has it next.
pub(super) async fn the_lock_waits_for_what_was_begun(place: &Place, case: &str) {
    let (first, second) = (place.store(case), place.store(case));
    place.slow_down();
    for number in 0..4_u64 {
        let held = lock(&first, "jdoe").await.unwrap();
        let journal = first.journal(&held).await.unwrap();
        {
            let run = run();
            let mut append = pin!(journal.append(&run, at(), created(1)));
            assert!(poll!(append.as_mut()).is_pending());
            // It is under way by now.
            tokio::time::sleep(Duration::from_millis(number)).await;
        }
        held.release().await;
        let next = lock(&second, "asmith").await.unwrap();
        let theirs = second.journal(&next).await.unwrap();
        theirs.append(&run(), at(), created(2)).await.unwrap();
        next.release().await;
    }
    place.speed_up();
    let facts = second.facts().await.unwrap();
    assert_eq!(facts, [1, 2, 1, 2, 1, 2, 1, 2].map(created));
}
