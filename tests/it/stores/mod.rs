//! What every store of state promises, told once: the cases of this folder hold for files, a database and a bucket alike,
//! and so does what real processes do to each other over one.
//!
//! A case has a store of its own in its [`Place`]. What only files can suffer stands in `src/state/tests.rs`, what only a
//! database or only a bucket can in `databases.rs` and `bucket.rs`.

mod by_hand;
mod journals;
mod locks;
mod place;
mod processes;
mod states;

use std::time::Duration;

use sitewright::journal::{Entry, Fact};
use sitewright::model::{Guid, Held, Holder, Name, Owned, Ownership, Platform, RunId};
use sitewright::state::{Hand, Lock, LockError, State, Store};

use self::place::Place;

fn platform(number: u128) -> Platform {
    Platform {
        server: Guid::from_u128(number),
        name: Name::new("SMP01.corp.example"),
    }
}

/// A state that was never saved, as the first run makes it.
fn fresh() -> State {
    State::new(platform(1), "lineage-1".into(), Ownership::default())
}

/// A state with something in it, and with this serial.
fn state(serial: u64) -> State {
    let mut ownership = Ownership::default();
    let owned = Owned {
        name: Name::new("Ärzte \"A\" 東京"),
        how: Held::Created,
        protected: true,
    };
    ownership.sites.insert(Guid::from_u128(5), owned);
    State {
        serial,
        ..State::new(platform(1), "lineage-1".into(), ownership)
    }
}

fn at() -> jiff::Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn run() -> RunId {
    RunId("r".into())
}

fn hand() -> Hand {
    Hand {
        run: run(),
        at: at(),
        by: "jdoe".into(),
        why: Some("a test".into()),
    }
}

fn holder(who: &str) -> Holder {
    Holder {
        who: who.into(),
        host: "ops".into(),
        process: 4711,
        purpose: "apply".into(),
        run: "r".into(),
        since: "2026-11-23T08:00:00Z".into(),
    }
}

async fn lock(store: &Store, who: &str) -> Result<Lock, LockError> {
    store.lock(&holder(who), Duration::ZERO).await
}

/// Adds facts under the lock.
async fn add(store: &Store, facts: impl IntoIterator<Item = Fact>) {
    let lock = lock(store, "jdoe").await.unwrap();
    let journal = store.journal(&lock).await.unwrap();
    for fact in facts {
        journal.append(&run(), at(), fact).await.unwrap();
    }
    lock.release().await;
}

fn started(platform: Platform, lineage: &str, serial: u64) -> Fact {
    Fact::RunStarted {
        platform,
        lineage: lineage.into(),
        serial,
        by: None,
        plan: None,
    }
}

fn created(number: u128) -> Fact {
    Fact::SiteCreated {
        guid: Guid::from_u128(number),
        name: Name::new(&format!("site {number}")),
        protected: false,
    }
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.sequence).collect()
}

macro_rules! cases {
    ($($folder:ident::$case:ident),* $(,)?) => {
        /// Tries every case in a place.
        async fn every_case_holds(place: &Place) {
            $(
                // What fails is below the last name in the output.
                println!("{}", stringify!($case));
                $folder::$case(place, stringify!($case)).await;
            )*
        }
    };
}

cases![
    states::what_is_saved_is_loaded,
    states::only_the_next_state_replaces_one,
    states::of_two_next_states_one_is_saved,
    states::a_damaged_state_is_never_replaced,
    states::versions_are_kept,
    states::a_lost_state_is_made_of_the_journal,
    states::items_and_snapshots_are_kept,
    locks::a_second_holder_is_told_who_has_the_lock,
    locks::a_lock_is_waited_for,
    locks::a_lease_that_ran_out_is_taken_over,
    locks::a_lock_is_ended_by_hand,
    locks::writers_one_after_another_lose_nothing,
    journals::records_are_numbered_and_chained_over_runs,
    journals::records_may_wait_for_the_next,
    journals::a_record_that_nobody_waits_for_is_there_once,
    journals::the_lock_waits_for_what_was_begun,
    journals::a_lost_journal_gives_no_number_twice,
    journals::a_run_that_died_is_replayed,
    journals::a_first_run_that_died_is_not_forgotten,
    journals::a_journal_of_another_platform_or_lineage_is_refused,
    by_hand::a_damaged_journal_is_named_kept_aside_and_made_again,
    by_hand::a_damaged_state_is_kept_aside_and_made_again,
    by_hand::what_is_begun_anew_leaves_the_old_aside,
];

#[tokio::test]
async fn every_case_holds_in_files() {
    every_case_holds(&Place::files()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn every_case_holds_in_postgres() {
    if let Some(place) = Place::postgres() {
        every_case_holds(&place).await;
    }
}

#[tokio::test]
async fn every_case_holds_in_s3() {
    every_case_holds(&Place::s3().await).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_lease_is_kept_whatever_the_program_does_in_postgres() {
    if let Some(place) = Place::postgres() {
        locks::a_lease_is_kept_whatever_the_program_does(&place).await;
    }
}

#[tokio::test]
async fn a_lease_is_kept_whatever_the_program_does_in_s3() {
    locks::a_lease_is_kept_whatever_the_program_does(&Place::s3().await).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_lease_that_was_ended_is_not_renewed_in_postgres() {
    if let Some(place) = Place::postgres() {
        locks::a_lease_that_was_ended_is_not_renewed(&place).await;
    }
}

#[tokio::test]
async fn a_lease_that_was_ended_is_not_renewed_in_s3() {
    locks::a_lease_that_was_ended_is_not_renewed(&Place::s3().await).await;
}
