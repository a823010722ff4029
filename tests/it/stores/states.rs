//! States: saved by compare and swap, never over damage, with the ones before them kept; and what is kept beside them.

use futures::future::join_all;
use sitewright::journal::Fact;
use sitewright::model::{Attestation, Guid, StepId};
use sitewright::state::{State, StateError};

use super::place::Place;
use super::{add, at, created, fresh, lock, platform, run, started, state};

pub(super) async fn what_is_saved_is_loaded(place: &Place, case: &str) {
    let store = place.store(case);
    assert_eq!(store.read().await.unwrap(), None);
    assert_eq!(store.load().await.unwrap(), None);
    assert_eq!(store.versions().await.unwrap(), []);
    store.save(&state(1)).await.unwrap();
    let other = place.store(case);
    let found = other.read().await.unwrap().unwrap();
    assert_eq!(found.ownership, state(1).ownership);
    assert_eq!((found.serial, found.lineage.as_str()), (1, "lineage-1"));
    let loaded = other.load().await.unwrap().unwrap();
    assert_eq!((loaded.state, loaded.replayed), (found, 0));
    // Another platform has a state of its own, and a name is the same in any case.
    let apart = place.store_of(case, "branch");
    assert_eq!(apart.load().await.unwrap(), None);
    let same = place.store_of(case, "HQ");
    assert_eq!(same.read().await.unwrap().unwrap().serial, 1);
    assert!(!store.place().contains('@'), "{}", store.place());
}

pub(super) async fn only_the_next_state_replaces_one(place: &Place, case: &str) {
    let store = place.store(case);
    store.save(&state(1)).await.unwrap();
    store.save(&state(1)).await.unwrap();
    let longer = |serial| State {
        journal_sequence: 3,
        ..state(serial)
    };
    let lineage = State {
        lineage: "other".into(),
        ..state(2)
    };
    let platform = State {
        platform: platform(2),
        ..state(2)
    };
    for (state, code) in [
        (longer(1), "SW0712"),
        (state(3), "SW0712"),
        (lineage, "SW0707"),
        (platform, "SW0706"),
    ] {
        let error = store.save(&state).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    place.store(case).save(&state(2)).await.unwrap();
    assert_eq!(store.read().await.unwrap().unwrap().serial, 2);
}

/// Two processes that read the same state save theirs at the same time. Files need their lock for that.
pub(super) async fn of_two_next_states_one_is_saved(place: &Place, case: &str) {
    if !place.leases() {
        return;
    }
    for first in [true, false] {
        let case = if first {
            format!("{case}_first")
        } else {
            let case = format!("{case}_later");
            place.store(&case).save(&state(1)).await.unwrap();
            case
        };
        let serial = if first { 1 } else { 2 };
        let saving = (1..=8_u64).map(|number| {
            let store = place.store(&case);
            async move {
                let state = State {
                    journal_sequence: number,
                    ..state(serial)
                };
                (number, store.save(&state).await)
            }
        });
        let outcomes = join_all(saving).await;
        let saved: Vec<u64> = outcomes
            .iter()
            .filter_map(|(number, outcome)| outcome.is_ok().then_some(*number))
            .collect();
        let found = place.store(&case).read().await.unwrap().unwrap();
        assert_eq!(saved, [found.journal_sequence], "{outcomes:?}");
        for (_, outcome) in outcomes {
            if let Err(error) = outcome {
                assert!(matches!(error, StateError::Moved { .. }), "{error:?}");
            }
        }
    }
}

pub(super) async fn a_damaged_state_is_never_replaced(place: &Place, case: &str) {
    let whole = String::from_utf8(state(1).encode().unwrap()).unwrap();
    let store = place.store(case);
    store.save(&state(1)).await.unwrap();
    for (content, code) in [
        (&b""[..], "SW0702"),
        (&[0; 512], "SW0702"),
        (b"{\"formatVersion\": 1", "SW0703"),
        (b"\xff\xfe", "SW0703"),
        (b"{\"formatVersion\": 2, \"sites\": []}", "SW0705"),
        (whole.replace("東京", "京都").as_bytes(), "SW0704"),
    ] {
        place.damage(case, content).await;
        for error in [
            store.read().await.unwrap_err(),
            store.load().await.unwrap_err(),
            store.save(&state(1)).await.unwrap_err(),
            store.save(&state(2)).await.unwrap_err(),
            store.settle(state(1)).await.unwrap_err(),
        ] {
            assert_eq!(error.code(), code, "{error}");
            assert!(error.hint().is_some());
        }
        assert_eq!(place.saved(case).await, content);
    }
}

pub(super) async fn versions_are_kept(place: &Place, case: &str) {
    let store = place.store(case);
    for serial in 1..=25 {
        store.save(&state(serial)).await.unwrap();
    }
    let versions = store.versions().await.unwrap();
    let serials: Vec<u64> = versions.iter().map(|version| version.serial).collect();
    let expected: Vec<u64> = (5..=24).rev().collect();
    assert_eq!(serials, expected);
    for version in versions {
        assert!(version.bytes > 100 && version.saved_at.is_some());
        let kept = store.version(version.serial).await.unwrap().unwrap();
        assert_eq!(kept.serial, version.serial);
        assert_eq!(kept.ownership, state(1).ownership);
    }
    assert_eq!(store.version(4).await.unwrap(), None);
}

pub(super) async fn a_lost_state_is_made_of_the_journal(place: &Place, case: &str) {
    let store = place.store(case);
    let bare = State {
        serial: 1,
        ..fresh()
    };
    store.save(&bare).await.unwrap();
    let attestation = Attestation {
        value: "on".into(),
        reason: "seen".into(),
        by: "jdoe".into(),
        at: at().to_string(),
    };
    let step = StepId("constrain:HQ".into());
    let facts = [
        started(platform(1), "lineage-1", 1),
        created(6),
        Fact::Attested { step, attestation },
    ];
    add(&store, facts).await;
    let whole = store.load().await.unwrap().unwrap().state;
    store.settle(whole.clone()).await.unwrap();
    place.lose(case).await;
    let loaded = store.load().await.unwrap().unwrap();
    assert_eq!(loaded.state.ownership, whole.ownership);
    assert_eq!(loaded.state.lineage, "lineage-1");
    assert!(loaded.state.serial > 2, "no saved plan fits it");
}

pub(super) async fn items_and_snapshots_are_kept(place: &Place, case: &str) {
    let store = place.store(case);
    let held = lock(&store, "jdoe").await.unwrap();
    let journal = store.journal(&held).await.unwrap();
    let item = Guid::from_u128(7);
    let mut names = Vec::new();
    for xml in ["<a>é</a>", "<b/>"] {
        let file = journal.keep_item(&run(), at(), item, xml).await.unwrap();
        let name = file.rsplit('/').next().unwrap().to_owned();
        let (kept, found) = store.kept_item(&name).await.unwrap().unwrap();
        assert_eq!((kept.item, kept.file.as_str()), (item, file.as_str()));
        assert_eq!(found, xml);
        assert!(kept.holds(xml) && !kept.holds("<c/>"));
        names.push(name);
    }
    assert_ne!(names[0], names[1]);
    assert!(store.kept_item("000009-none.xml").await.unwrap().is_none());
    held.release().await;

    assert_eq!(store.snapshot().await.unwrap(), None);
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for length in [100_000, 10, 0] {
        store.keep_snapshot(&bytes[..length]).await.unwrap();
        let kept = place.store(case).snapshot().await.unwrap().unwrap();
        assert!(kept == bytes[..length], "{length}");
    }
}
