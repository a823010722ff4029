//! Locks: one holder at a time, whom others are told of; leases that are renewed, run out, are taken over and ended.

use std::time::{Duration, Instant};

use futures::future::join_all;
use sitewright::journal::Fact;
use sitewright::model::Guid;
use sitewright::state::Broken;

use super::place::Place;
use super::{at, created, fresh, holder, lock, numbers, run};

pub(super) async fn a_second_holder_is_told_who_has_the_lock(place: &Place, case: &str) {
    let (first, second) = (place.store(case), place.store(case));
    let held = lock(&first, "CORP\\jdoe").await.unwrap();
    assert!(held.taken_over().is_none());
    let apart = lock(&place.store_of(case, "branch"), "jdoe").await.unwrap();
    let error = lock(&second, "asmith").await.unwrap_err();
    assert_eq!(error.code(), "SW0721");
    assert!(error.hint().is_some());
    let text = error.to_string();
    for part in [
        "`hq`",
        "CORP\\jdoe on ops",
        "process 4711",
        "`apply`",
        "since 2026-11-23",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Reading needs no lock.
    assert_eq!(second.load().await.unwrap(), None);
    held.release().await;
    apart.release().await;
    let held = lock(&second, "asmith").await.unwrap();
    assert!(held.taken_over().is_none());
    assert!(held.lease().held().is_ok());
    held.release().await;
}

pub(super) async fn a_lock_is_waited_for(place: &Place, case: &str) {
    let (first, second) = (place.store(case), place.store(case));
    let held = lock(&first, "jdoe").await.unwrap();
    let wait = Duration::from_millis(300);
    let error = second.lock(&holder("asmith"), wait).await.unwrap_err();
    assert_eq!(error.code(), "SW0721");
    let (waited, ()) = tokio::join!(
        async {
            second
                .lock(&holder("asmith"), Duration::from_secs(30))
                .await
        },
        async {
            tokio::time::sleep(wait).await;
            held.release().await;
        }
    );
    waited.unwrap().release().await;
}

/// Whoever had it adds nothing, saves nothing and moves nothing from then on, whatever it believes.
pub(super) async fn a_lease_that_ran_out_is_taken_over(place: &Place, case: &str) {
    if !place.leases() {
        return;
    }
    let (first, second) = (place.store(case), place.store(case));
    let slow = lock(&first, "jdoe").await.unwrap();
    let theirs = first.journal(&slow).await.unwrap();
    theirs.append(&run(), at(), created(1)).await.unwrap();
    assert!(lock(&second, "asmith").await.is_err());
    place.expire(case).await;
    let quick = lock(&second, "asmith").await.unwrap();
    assert_eq!(quick.taken_over(), Some(&holder("jdoe")));
    let ours = second.journal(&quick).await.unwrap();
    let from = holder("jdoe");
    let taken = Fact::LeaseTakenOver { from };
    ours.append(&run(), at(), taken).await.unwrap();

    let error = theirs.append(&run(), at(), created(2)).await.unwrap_err();
    assert_eq!(error.code(), place.overtaken(), "{error}");
    let error = theirs.append(&run(), at(), created(2)).await.unwrap_err();
    assert_eq!(error.code(), "SW0736", "{error}");
    let error = first.settle(fresh()).await.unwrap_err();
    assert_eq!(error.code(), "SW0723", "{error}");
    let error = first.begin_anew().await.unwrap_err();
    assert_eq!(error.code(), "SW0761", "{error}");
    // What they give back is not theirs any more.
    slow.release().await;
    assert!(lock(&first, "jdoe").await.is_err());
    ours.append(&run(), at(), created(3)).await.unwrap();
    let settled = second.settle(fresh()).await.unwrap();
    assert_eq!((settled.serial, settled.journal_sequence), (1, 3));
    quick.release().await;
}

/// What nobody but its process can end is said to be somebody's who is alive.
pub(super) async fn a_lock_is_ended_by_hand(place: &Place, case: &str) {
    let (first, second) = (place.store(case), place.store(case));
    assert_eq!(second.break_lock().await.unwrap(), Broken::Free);
    let held = lock(&first, "jdoe").await.unwrap();
    let theirs = first.journal(&held).await.unwrap();
    theirs.append(&run(), at(), created(1)).await.unwrap();
    let (from, broken) = (holder("jdoe"), second.break_lock().await.unwrap());
    if !place.leases() {
        assert_eq!(broken, Broken::Alive(Some(from)));
        theirs.append(&run(), at(), created(2)).await.unwrap();
        held.release().await;
        assert_eq!(second.break_lock().await.unwrap(), Broken::Free);
        return;
    }
    assert_eq!(broken, Broken::Freed(Some(from.clone())));
    assert_eq!(second.break_lock().await.unwrap(), Broken::Free);
    let ours = lock(&second, "asmith").await.unwrap();
    assert_eq!(ours.taken_over(), None);
    let noted = second.journal(&ours).await.unwrap();
    let fact = Fact::LockBroken {
        from: Some(from),
        by: "asmith".into(),
        why: "a test".into(),
    };
    noted.append(&run(), at(), fact).await.unwrap();
    let error = theirs.append(&run(), at(), created(2)).await.unwrap_err();
    assert_eq!(error.code(), place.overtaken(), "{error}");
    let error = first.settle(fresh()).await.unwrap_err();
    assert_eq!(error.code(), "SW0723", "{error}");
    held.release().await;
    assert!(lock(&first, "jdoe").await.is_err());
    assert_eq!(numbers(&second.since(0).await.unwrap()), [1, 2]);
    ours.release().await;
}

/// Short enough to run out in a test, and long enough to be ours after a third of it.
const SHORT: Duration = Duration::from_secs(9);

/// The program has one thread: a person who reads a plan before saying yes stops it for longer than a lease lasts.
pub(super) async fn a_lease_is_kept_whatever_the_program_does(place: &Place) {
    let store = place.store_by_itself("kept", SHORT);
    let held = lock(&store, "jdoe").await.unwrap();
    std::thread::sleep(SHORT + SHORT / 3);
    held.lease().held().unwrap();
    let journal = store.journal(&held).await.unwrap();
    journal.append(&run(), at(), created(1)).await.unwrap();
    let other = place.store_by_itself("kept", SHORT);
    assert!(lock(&other, "asmith").await.is_err());
    held.release().await;
    lock(&other, "asmith").await.unwrap().release().await;
}

/// Whoever had it learns of it when it is to be renewed, even where nobody else has it now; it does not take it back.
pub(super) async fn a_lease_that_was_ended_is_not_renewed(place: &Place) {
    let store = place.store_with("ended", "hq", SHORT);
    let held = lock(&store, "jdoe").await.unwrap();
    held.lease().held().unwrap();
    let other = place.store_with("ended", "hq", SHORT);
    let broken = other.break_lock().await.unwrap();
    assert_eq!(broken, Broken::Freed(Some(holder("jdoe"))));
    let begun = Instant::now();
    let error = loop {
        match held.lease().held() {
            Err(error) => break error,
            Ok(()) => assert!(begun.elapsed() < SHORT, "it is still taken for held"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let told = error.to_string();
    // Not because it could not be renewed, which would come later.
    assert!(
        told.contains("another process") || told.contains("by hand"),
        "{told}"
    );
    assert_eq!(other.break_lock().await.unwrap(), Broken::Free);
    let ours = lock(&other, "asmith").await.unwrap();
    held.release().await;
    ours.lease().held().unwrap();
    assert!(lock(&store, "jdoe").await.is_err());
    ours.release().await;
}

/// Ten processes add records and save the state, each as often as it gets the lock.
pub(super) async fn writers_one_after_another_lose_nothing(place: &Place, case: &str) {
    const WRITERS: u64 = 10;
    const TURNS: u64 = 4;
    let writing = (0..WRITERS).map(|writer| {
        let store = place.store(case);
        async move {
            for turn in 0..TURNS {
                let wait = Duration::from_mins(2);
                let lock = store.lock(&holder("jdoe"), wait).await.unwrap();
                let loaded = store.load().await.unwrap();
                let base = loaded.map_or_else(fresh, |loaded| loaded.state);
                let journal = store.journal(&lock).await.unwrap();
                let number = u128::from(writer * TURNS + turn + 1);
                journal.append(&run(), at(), created(number)).await.unwrap();
                if number.is_multiple_of(3) {
                    // It dies here: the next one folds the record in.
                    lock.release().await;
                    continue;
                }
                store.settle(base).await.unwrap();
                lock.release().await;
            }
        }
    });
    join_all(writing).await;
    let store = place.store(case);
    let loaded = store.load().await.unwrap().unwrap();
    let expected: Vec<u64> = (1..=WRITERS * TURNS).collect();
    assert_eq!(numbers(&store.since(0).await.unwrap()), expected);
    let sites: Vec<Guid> = loaded.state.ownership.sites.into_keys().collect();
    let every: Vec<Guid> = expected
        .iter()
        .map(|number| Guid::from_u128(u128::from(*number)))
        .collect();
    assert_eq!(sites, every);
    // A save for every turn that did not die.
    assert_eq!(loaded.state.serial, WRITERS * TURNS - WRITERS * TURNS / 3);
}
