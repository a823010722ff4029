//! Real processes over one store: one that is killed, one that is stopped at once, one that sleeps through its lease, one
//! whose store dies under it.
#![cfg(unix)]

use std::time::Duration;

use sitewright::journal::Fact;
use sitewright::state::{LockError, Store};

use super::lock;
use super::place::Place;
use crate::support::{Desk, signal};

/// The case that they share.
const CASE: &str = "sitewright";

/// The shortest lease that a workspace may ask for.
const LEASE: u32 = 15;

async fn takeovers(store: &Store) -> usize {
    let facts = store.facts().await.unwrap();
    let taken = |fact: &&Fact| matches!(fact, Fact::LeaseTakenOver { from } if from.who == "jdoe");
    facts.iter().filter(taken).count()
}

async fn the_lock_of_whoever_is_killed_is_free_again(place: &Place) {
    let desk = Desk::new();
    let seat = desk.seat(&place.declared(CASE, LEASE)).await;
    let apply = seat.apply_until(2).await;
    let store = place.store(CASE);
    let held = lock(&store, "asmith").await.unwrap_err();
    let LockError::Held {
        holder: Some(by), ..
    } = held
    else {
        panic!("{held:?}")
    };
    assert_eq!(
        (by.process, &*by.who, &*by.purpose),
        (apply.0.id(), "jdoe", "apply")
    );
    // As `kill -9` does.
    drop(apply);
    if place.leases() {
        let said = seat.told(&["apply", "--yes"], 1).await;
        assert!(said.contains("error[SW0721]"), "{said}");
        seat.told(&["apply", "--yes", "--lock-timeout", "60"], 0)
            .await;
    } else {
        // At once. What the dead one has left behind names nobody.
        assert!(place.note(CASE).contains(&by.process.to_string()));
        let ours = lock(&store, "asmith").await.unwrap();
        assert_eq!(ours.taken_over(), None);
        let error = lock(&place.store(CASE), "mbauer").await.unwrap_err();
        assert!(error.to_string().contains("asmith on ops"), "{error}");
        ours.release().await;
        seat.told(&["apply", "--yes"], 0).await;
    }
    desk.is_done(&seat).await;
    assert_eq!(takeovers(&store).await, usize::from(place.leases()));
}

/// Ctrl-C twice while a record is on its way: the run lets go of all it waits for, and yet neither is the journal broken
/// nor does anything come in late between the records of the next run, which has the lock at once.
async fn a_run_that_is_stopped_at_once_leaves_journal_and_lock_whole(place: &Place) {
    let desk = Desk::new();
    let seat = desk.seat(&place.declared(CASE, LEASE)).await;
    let apply = seat.apply_until(3).await;
    place.slow_down();
    // It does not come to its end before it is stopped.
    seat.way.hold(4);
    seat.way.go_on();
    // By now the record of the write is under way, where that takes its time.
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..2 {
        signal(&apply.0, "-INT");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (code, said) = seat.ended(apply).await;
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("error[SW0662]"), "{said}");
    assert!(!said.contains("WARN"), "{said}");
    seat.way.hold(0);
    seat.told(&["apply", "--yes"], 0).await;
    place.speed_up();
    desk.is_done(&seat).await;
    let store = place.store(CASE);
    assert_eq!(store.audit().await.unwrap().faults, []);
    assert_eq!(takeovers(&store).await, 0);
}

/// A process that sleeps through its lease and wakes up writes nothing any more.
async fn whoever_sleeps_through_the_lease_writes_nothing_more(place: &Place) {
    let desk = Desk::new();
    let declared = place.declared(CASE, LEASE);
    let (slow, quick) = (desk.seat(&declared).await, desk.seat(&declared).await);
    let apply = slow.apply_until(3).await;
    signal(&apply.0, "-STOP");
    // Its answer waits for it when it wakes up.
    slow.way.go_on();
    let said = quick.told(&["apply", "--yes"], 1).await;
    assert!(said.contains("error[SW0721]"), "{said}");
    assert!(said.contains("is locked by jdoe on "), "{said}");
    assert_eq!(quick.way.writes(), 0);
    quick
        .told(&["apply", "--yes", "--lock-timeout", "60"], 0)
        .await;
    assert!(quick.way.writes() > 0);
    let dump = desk.dump();

    signal(&apply.0, "-CONT");
    let (code, said) = slow.ended(apply).await;
    assert_eq!(code, Some(1), "{said}");
    // Whichever it comes to first: the lease, or a record that is not taken.
    let told = [
        "the lease of the state ran out",
        "another process has added record",
        "error[SW0735]",
    ];
    assert!(told.iter().any(|one| said.contains(one)), "{said}");
    // The write that was under way when it fell asleep is the last: that is the window that remains.
    assert_eq!(slow.way.writes(), 3, "{said}");
    assert_eq!(desk.dump(), dump);
    desk.is_done(&quick).await;
    assert_eq!(takeovers(&place.store(CASE)).await, 1);
}

async fn a_run_stops_when_its_store_is_killed_and_the_next_goes_on(place: &mut Place) {
    let desk = Desk::new();
    let seat = desk.seat(&place.declared(CASE, LEASE)).await;
    let apply = seat.apply_until(3).await;
    place.kill();
    seat.way.go_on();
    let (code, said) = seat.ended(apply).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error[SW0611]"), "{said}");
    assert!(
        said.contains("cannot add a record to the journal"),
        "{said}"
    );
    // What was under way was finished, and nothing begun.
    assert_eq!(seat.way.writes(), 3, "{said}");
    let said = seat.told(&["apply", "--yes"], 1).await;
    assert!(
        said.contains(&format!("error[{}]", place.unreached())),
        "{said}"
    );
    assert_eq!(seat.way.writes(), 3, "{said}");

    place.restart();
    // The lease of the run that could not give it back runs out.
    seat.told(&["apply", "--yes", "--lock-timeout", "60"], 0)
        .await;
    desk.is_done(&seat).await;
    // Nothing is in files beside the store.
    assert!(!seat.folder.path().join("state").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_whoever_is_killed_is_free_again_in_files() {
    the_lock_of_whoever_is_killed_is_free_again(&Place::files()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_whoever_is_killed_is_free_again_in_postgres() {
    if let Some(place) = Place::postgres() {
        the_lock_of_whoever_is_killed_is_free_again(&place).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_whoever_is_killed_is_free_again_in_s3() {
    the_lock_of_whoever_is_killed_is_free_again(&Place::s3().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_at_once_leaves_journal_and_lock_whole_in_files() {
    a_run_that_is_stopped_at_once_leaves_journal_and_lock_whole(&Place::files()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_at_once_leaves_journal_and_lock_whole_in_postgres() {
    if let Some(place) = Place::postgres() {
        a_run_that_is_stopped_at_once_leaves_journal_and_lock_whole(&place).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_at_once_leaves_journal_and_lock_whole_in_s3() {
    a_run_that_is_stopped_at_once_leaves_journal_and_lock_whole(&Place::s3().await).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sleeps_through_the_lease_writes_nothing_more_in_postgres() {
    if let Some(place) = Place::postgres() {
        whoever_sleeps_through_the_lease_writes_nothing_more(&place).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sleeps_through_the_lease_writes_nothing_more_in_s3() {
    whoever_sleeps_through_the_lease_writes_nothing_more(&Place::s3().await).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_stops_when_its_store_is_killed_and_the_next_goes_on_in_postgres() {
    if let Some(mut place) = Place::postgres() {
        a_run_stops_when_its_store_is_killed_and_the_next_goes_on(&mut place).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_stops_when_its_store_is_killed_and_the_next_goes_on_in_s3() {
    a_run_stops_when_its_store_is_killed_and_the_next_goes_on(&mut Place::s3().await).await;
}
