//! What every store of state promises, told once: the cases below hold for each [`Place`].
//!
//! A case has a store of its own in the place. What only files can suffer stands in `src/state/tests.rs`, what only a
//! database can in `databases.rs`.

use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use sitewright::journal::{Entry, Fact, digest};
use sitewright::model::{
    Attestation, Guid, Held, Holder, Name, Owned, Ownership, PackageRef, Platform, RunId, StepId,
};
use sitewright::state::{Lock, LockError, State, StateError, Store};

#[cfg(feature = "postgres")]
use crate::support::Database;

/// Where stores are tried.
pub(crate) enum Place {
    /// Folders in a temporary one.
    Files(tempfile::TempDir),
    /// Schemas of a database.
    #[cfg(feature = "postgres")]
    Postgres(Database),
}

/// How long a lease is where it is not to run out.
const LEASE: Duration = Duration::from_mins(1);

impl Place {
    /// A handle on the store of a case, as a process of its own would open it.
    fn store(&self, case: &str) -> Store {
        self.store_of(case, "hq")
    }

    fn store_of(&self, case: &str, platform: &str) -> Store {
        match self {
            Self::Files(folder) => Store::file(&folder.path().join(case), platform),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => Store::postgres(&database.settings(case, LEASE), platform),
        }
    }

    /// Whether a lock is a lease, which can run out.
    fn leases(&self) -> bool {
        match self {
            Self::Files(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
        }
    }

    fn file(folder: &tempfile::TempDir, case: &str) -> PathBuf {
        folder.path().join(case).join("hq.state.json")
    }

    /// The bytes of the state that was saved last.
    async fn saved(&self, case: &str) -> Vec<u8> {
        match self {
            Self::Files(folder) => std::fs::read(Self::file(folder, case)).unwrap(),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                let select = format!("SELECT encode(bytes, 'hex') FROM {case}.state");
                unhexed(&database.sql(&select).await[0])
            }
        }
    }

    /// Puts bytes in the place of the state that was saved last.
    async fn damage(&self, case: &str, bytes: &[u8]) {
        match self {
            Self::Files(folder) => std::fs::write(Self::file(folder, case), bytes).unwrap(),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                let update = format!(r"UPDATE {case}.state SET bytes = '\x{}'", hexed(bytes));
                database.sql(&update).await;
            }
        }
    }

    /// Loses the state that was saved last.
    async fn lose(&self, case: &str) {
        match self {
            Self::Files(folder) => std::fs::remove_file(Self::file(folder, case)).unwrap(),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                database.sql(&format!("DELETE FROM {case}.state")).await;
            }
        }
    }

    /// Lets the lease of a case run out, by the clock of the store.
    async fn expire(&self, case: &str) {
        match self {
            Self::Files(_) => panic!("a lock on a file does not run out"),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                let update = format!("UPDATE {case}.lease SET expires_at = clock_timestamp()");
                database.sql(&update).await;
            }
        }
    }
}

#[cfg(feature = "postgres")]
fn hexed(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[cfg(feature = "postgres")]
fn unhexed(text: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}

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
    ($($case:ident),* $(,)?) => {
        /// Tries every case in a place.
        pub(crate) async fn every_case_holds(place: &Place) {
            $(
                // What fails is below the last name in the output.
                println!("{}", stringify!($case));
                $case(place, stringify!($case)).await;
            )*
        }
    };
}

cases![
    what_is_saved_is_loaded,
    only_the_next_state_replaces_one,
    of_two_next_states_one_is_saved,
    a_damaged_state_is_never_replaced,
    versions_are_kept,
    a_second_holder_is_told_who_has_the_lock,
    a_lock_is_waited_for,
    a_lease_that_ran_out_is_taken_over,
    records_are_numbered_and_chained_over_runs,
    records_may_wait_for_the_next,
    a_lost_journal_gives_no_number_twice,
    a_run_that_died_is_replayed,
    a_first_run_that_died_is_not_forgotten,
    a_lost_state_is_made_of_the_journal,
    a_journal_of_another_platform_or_lineage_is_refused,
    items_and_snapshots_are_kept,
    writers_one_after_another_lose_nothing,
];

#[tokio::test]
async fn every_case_holds_in_files() {
    every_case_holds(&Place::Files(tempfile::tempdir().unwrap())).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn every_case_holds_in_postgres() {
    if let Some(database) = Database::start() {
        every_case_holds(&Place::Postgres(database)).await;
    }
}

async fn what_is_saved_is_loaded(place: &Place, case: &str) {
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

async fn only_the_next_state_replaces_one(place: &Place, case: &str) {
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
async fn of_two_next_states_one_is_saved(place: &Place, case: &str) {
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

async fn a_damaged_state_is_never_replaced(place: &Place, case: &str) {
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

async fn versions_are_kept(place: &Place, case: &str) {
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

async fn a_second_holder_is_told_who_has_the_lock(place: &Place, case: &str) {
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

async fn a_lock_is_waited_for(place: &Place, case: &str) {
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

/// Whoever had it adds nothing and saves nothing from then on, whatever it believes.
async fn a_lease_that_ran_out_is_taken_over(place: &Place, case: &str) {
    if !place.leases() {
        return;
    }
    let (first, second) = (place.store(case), place.store(case));
    let slow = lock(&first, "jdoe").await.unwrap();
    let theirs = first.journal(&slow).await.unwrap();
    theirs.append(&run(), at(), created(1)).await.unwrap();
    place.expire(case).await;
    let quick = lock(&second, "asmith").await.unwrap();
    assert_eq!(quick.taken_over(), Some(&holder("jdoe")));
    let error = theirs.append(&run(), at(), created(2)).await.unwrap_err();
    assert_eq!(error.code(), "SW0723", "{error}");
    let error = first.settle(fresh()).await.unwrap_err();
    assert_eq!(error.code(), "SW0723", "{error}");
    // What they give back is not theirs any more.
    slow.release().await;
    assert!(lock(&first, "jdoe").await.is_err());
    let ours = second.journal(&quick).await.unwrap();
    ours.append(&run(), at(), created(3)).await.unwrap();
    let settled = second.settle(fresh()).await.unwrap();
    assert_eq!((settled.serial, settled.journal_sequence), (1, 2));
    quick.release().await;
}

async fn records_are_numbered_and_chained_over_runs(place: &Place, case: &str) {
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

async fn records_may_wait_for_the_next(place: &Place, case: &str) {
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

async fn a_lost_journal_gives_no_number_twice(place: &Place, case: &str) {
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

async fn a_run_that_died_is_replayed(place: &Place, case: &str) {
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

async fn a_first_run_that_died_is_not_forgotten(place: &Place, case: &str) {
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

async fn a_lost_state_is_made_of_the_journal(place: &Place, case: &str) {
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

async fn a_journal_of_another_platform_or_lineage_is_refused(place: &Place, case: &str) {
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

async fn items_and_snapshots_are_kept(place: &Place, case: &str) {
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

/// Ten processes add records and save the state, each as often as it gets the lock.
async fn writers_one_after_another_lose_nothing(place: &Place, case: &str) {
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
