//! `sitewright state migrate`: everything that is kept goes to another store, whatever the two are, and a migration that was
//! cut off anywhere is ended by running it again.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sitewright::journal::Fact;
use sitewright::model::{Holder, RunId};
use sitewright::state::{Hand, State, Store};
use tokio::sync::Notify;

use crate::state_commands::{Desk, FILES, sites};
use crate::support::bucket::{Bucket, Fate, Way, options};

const LEASE: Duration = Duration::from_mins(1);

/// Two runs and something by hand behind it, one after the other.
fn desk() -> Desk {
    let desk = Desk::lived_in();
    desk.done("state rm Count/sites --yes --reason a-test");
    desk
}

/// What must be the same wherever it is kept: every entry, every version, every run.
fn everything(desk: &Desk) -> String {
    let list = desk.done("state list --format json").out;
    let runs = desk.done("journal --format json").json();
    let runs: Vec<String> = runs
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| !run["notes"].to_string().contains("moved"))
        .map(ToString::to_string)
        .collect();
    let history = desk.done("state history --format json").json();
    let serials: Vec<String> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["serial"].to_string())
        .collect();
    format!("{list}\n{serials:?}\n{}", runs.join("\n"))
}

#[test]
fn a_folder_is_left_for_another_and_the_hint_leads_there() {
    let desk = desk();
    let before = everything(&desk);
    let kept = desk.kept();
    assert_eq!(desk.run("state migrate").code, 64);
    for (line, exit, code) in [
        ("state migrate --to file:state --yes", 64, "SW0001"),
        ("state migrate --to state --yes", 64, "SW0001"),
        ("state migrate --to file: --yes", 64, "SW0001"),
        (
            "state migrate --to postgres://db/sitewright --yes",
            64,
            "SW0001",
        ),
        (
            "state migrate --to-workspace nowhere.yaml --yes",
            1,
            "SW0002",
        ),
        ("state migrate --to file:new", 64, "SW0001"),
    ] {
        desk.refused(line, exit, code);
    }
    assert!(!desk.path("new").exists());

    let told = desk.done("state migrate --to file:new --yes --reason bigger-disk");
    assert!(
        told.said().contains("the state of serial 3, 2 versions,"),
        "{told:?}"
    );
    for (name, bytes) in &kept {
        assert_eq!(
            &desk.kept()[name] == bytes,
            name != Path::new("hq.state.json"),
            "{name:?}"
        );
    }
    for line in [
        "plan",
        "state list",
        "state show",
        "apply --yes",
        "state rm Site/North --yes",
        "state recover --yes",
        "journal verify",
    ] {
        let told = desk.refused(line, 1, "SW0760");
        // What it says to declare is declared, word for word.
        let said = told.said();
        let declare = said
            .split('`')
            .find(|part| part.starts_with("state: {"))
            .unwrap();
        desk.workspace("told.yaml", &format!("  {declare}\n"));
    }
    fs::rename(desk.path("told.yaml"), desk.path("sitewright.yaml")).unwrap();
    assert_eq!(everything(&desk), before);
    desk.done("journal verify");
    let moved = desk.done("journal show last --format json").json();
    assert!(
        moved["notes"][0].as_str().unwrap().contains("moved"),
        "{moved}"
    );
    assert_eq!(moved["why"], "bigger-disk");
    desk.done("plan --detailed-exitcode");
    desk.done("state restore 1 --yes");

    // Where it was there is a note, and no place to come back to.
    let told = desk.run("state migrate --to file:state --yes");
    assert!(told.err.starts_with("error[SW0762]"), "{told:?}");
    desk.done("state migrate --to file:newer --yes");
}

#[test]
fn a_store_that_holds_something_else_is_refused_and_stays_as_it_is() {
    let desk = desk();
    let other = Desk::lived_in();
    let copy = |name: &str, file: &str| {
        let to = desk.path(name).join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(other.path("state").join(file), to).unwrap();
    };
    copy("another-state", "hq.state.json");
    copy("another-journal", "hq.journal.jsonl");
    copy("another-version", "versions/hq/00000001.state.json");
    for name in ["another-state", "another-journal", "another-version"] {
        desk.refused(
            &format!("state migrate --to file:{name} --yes"),
            1,
            "SW0762",
        );
    }
    assert_eq!(
        fs::read(desk.path("another-state/hq.state.json")).unwrap(),
        fs::read(other.path("state/hq.state.json")).unwrap()
    );
    // Another platform's state beside it is no obstacle.
    fs::create_dir(desk.path("shared")).unwrap();
    fs::copy(
        other.path("state/hq.state.json"),
        desk.path("shared/lab.state.json"),
    )
    .unwrap();
    desk.done("state migrate --to file:shared --yes");
}

#[test]
fn a_damaged_state_is_recovered_before_it_goes_anywhere() {
    let desk = desk();
    fs::write(desk.path("state/hq.state.json"), b"").unwrap();
    desk.refused("state migrate --to file:new --yes", 1, "SW0702");
    desk.done("state recover --yes");
    // A number is passed over by that, and what was kept aside goes along.
    desk.done("state migrate --to file:new --yes");
    desk.workspace("sitewright.yaml", "  state: { backend: file, path: new }\n");
    desk.done("journal verify");
    assert!(desk.path("new/damaged/hq").is_dir());
    desk.done("plan --detailed-exitcode");
}

/// Everything that a migration to a folder leaves when it dies somewhere, piece by piece.
#[test]
fn a_migration_to_a_folder_that_was_cut_off_anywhere_is_ended_by_running_it_again() {
    let desk = desk();
    let before = everything(&desk);
    let saved = desk.kept();
    desk.done("state migrate --to file:whole --yes");
    let whole = |name: &str| fs::read(desk.path("whole").join(name)).unwrap();
    let journal = whole("hq.journal.jsonl");
    let lines: Vec<usize> = (0..journal.len())
        .filter(|at| journal[*at] == b'\n')
        .map(|at| at + 1)
        .collect();
    let (moved, ours) = (*lines.last().unwrap(), lines[lines.len() - 2]);
    let version = |serial: u64| format!("versions/hq/{serial:08}.state.json");
    let state = |serial: u64| {
        let name = version(serial);
        if serial == 3 {
            whole("hq.state.json")
        } else {
            whole(&name)
        }
    };
    // How many states, how many versions, how much of the journal.
    let mut cuts: Vec<(u64, u64, usize)> =
        vec![(1, 0, 0), (1, 1, 0), (2, 1, 0), (2, 2, 0), (3, 2, 0)];
    for length in [
        1,
        lines[0] - 1,
        lines[0],
        lines[0] + 7,
        lines[3],
        ours - 1,
        ours,
        ours + 1,
        moved - 1,
        moved,
    ] {
        cuts.push((3, 2, length));
    }
    for (states, versions, length) in cuts {
        for (name, bytes) in &saved {
            fs::write(desk.path("state").join(name), bytes).unwrap();
        }
        let to = desk.path("cut");
        let _ = fs::remove_dir_all(&to);
        fs::create_dir_all(to.join("versions/hq")).unwrap();
        for serial in 1..=versions {
            fs::write(to.join(version(serial)), state(serial)).unwrap();
        }
        fs::write(to.join("hq.state.json"), state(states)).unwrap();
        fs::write(to.join("hq.state.json.new"), b"{ half").unwrap();
        if length > 0 {
            fs::write(to.join("hq.journal.jsonl"), &journal[..length]).unwrap();
        }
        // Nobody was told to go there yet: what was here still counts.
        desk.done("state show");
        desk.done("state migrate --to file:cut --yes");
        desk.workspace("sitewright.yaml", "  state: { backend: file, path: cut }\n");
        assert_eq!(
            everything(&desk),
            before,
            "{states} states, {versions} versions, {length} bytes of the journal"
        );
        desk.done("journal verify");
        let runs = desk.done("journal --format json").json();
        let moved = runs
            .as_array()
            .unwrap()
            .iter()
            .filter(|run| run["notes"].to_string().contains("moved"));
        assert_eq!(moved.count(), 1, "{runs}");
        desk.workspace("sitewright.yaml", FILES);
        assert_eq!(desk.run("plan").code, 1);
    }
}

fn in_bucket(url: &str) -> String {
    format!(
        "  state:\n    backend: s3\n    bucket: sitewright-state\n    prefix: moved\n    endpoint: {url}\n    \
         accessKeyFrom: {{ env: BUCKET_ACCESS }}\n    secretKeyFrom: {{ env: BUCKET_SECRET }}\n    lease: 15\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn state_goes_through_every_kind_of_store_and_back() {
    let bucket = Bucket::start();
    let way = Way::to(&bucket).await;
    let desk = desk();
    let before = everything(&desk);
    let mut stores = vec![("bucket", in_bucket(&way.url))];
    #[cfg(feature = "postgres")]
    let database = crate::support::Database::start();
    #[cfg(feature = "postgres")]
    if let Some(database) = &database {
        stores.insert(0, ("database", database.declared(15)));
    }
    stores.push((
        "files",
        format!(
            "  state: {{ backend: file, path: {} }}\n",
            desk.path("back").display()
        ),
    ));
    let steps = stores.len();
    for (name, state) in stores {
        desk.workspace(&format!("{name}/sitewright.yaml"), &state);
        let told = desk
            .done(&format!(
                "state migrate --to-workspace {name}/sitewright.yaml --yes"
            ))
            .said();
        assert!(
            told.contains("the state of serial 3, 2 versions,"),
            "{name}: {told}"
        );
        // The old place says where to go: to the file that declares it, or to the folder.
        let told = desk.run("plan");
        assert!(told.err.starts_with("error[SW0760]"), "{name}: {told:?}");
        let joined: String = told.err.split_whitespace().collect();
        let file = desk
            .path(&format!("{name}/sitewright.yaml"))
            .display()
            .to_string();
        let folder = format!("path:{}}}", desk.path("back").display());
        assert!(
            joined.contains(&file) || joined.contains(&folder),
            "{name}: {told:?}"
        );
        desk.workspace("sitewright.yaml", &state);
        assert_eq!(everything(&desk), before, "{name}");
        let verified = desk.done("journal verify").said();
        assert!(verified.contains("Whole"), "{name}: {verified}");
        desk.done("plan --detailed-exitcode");
    }
    let moved: Vec<_> = desk
        .done("journal --format json")
        .json()
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| run["notes"].to_string().contains("moved"))
        .cloned()
        .collect();
    assert_eq!(moved.len(), steps);
    fs::write(
        desk.path("sites.yaml"),
        sites(&["North", "South", "West", "East"]),
    )
    .unwrap();
    desk.done("apply --yes");
    desk.done("state restore 3 --yes");
}

fn holder(who: &str) -> Holder {
    Holder {
        who: who.into(),
        host: "ops".into(),
        process: 1,
        purpose: "state migrate".into(),
        run: "r".into(),
        since: "2026-11-23T08:00:00Z".into(),
    }
}

fn hand() -> Hand {
    Hand {
        run: RunId("by-hand".into()),
        at: "2026-11-23T08:00:00Z".parse().unwrap(),
        by: "jdoe".into(),
        why: None,
    }
}

/// What a store holds of a platform.
async fn held(store: &Store) -> (State, Vec<(u64, State)>, Vec<Fact>) {
    let state = store.read().await.unwrap().unwrap();
    let mut versions = Vec::new();
    for version in store.versions().await.unwrap() {
        if version.serial != state.serial {
            let kept = store.version(version.serial).await.unwrap().unwrap();
            versions.push((version.serial, kept));
        }
    }
    assert_eq!(store.audit().await.unwrap().faults, []);
    let mut facts = store.facts().await.unwrap();
    facts.retain(|fact| !matches!(fact, Fact::StateMoved { .. }));
    (state, versions, facts)
}

/// The program dies at each write to the bucket in turn, before or after it arrived; then it is run again.
#[tokio::test]
async fn a_migration_to_a_bucket_that_was_cut_off_at_any_write_is_ended_by_running_it_again() {
    let bucket = Bucket::start();
    let way = Way::to(&bucket).await;
    let desk = desk();
    let expected = held(&desk.store()).await;
    let saved = fs::read(desk.path("state/hq.state.json")).unwrap();
    for fate in [Fate::Lost, Fate::AnswerLost] {
        let mut cut = 0;
        loop {
            cut += 1;
            let prefix = format!("{fate:?}-{cut}");
            fs::write(desk.path("state/hq.state.json"), &saved).unwrap();
            let from = desk.store();
            let to = Store::s3(&options(&way.url, &prefix, LEASE), "hq").unwrap();
            let ours = from.lock(&holder("first"), Duration::ZERO).await.unwrap();
            let theirs = to.lock(&holder("first"), Duration::ZERO).await.unwrap();
            let (written, died) = (AtomicUsize::new(0), Arc::new(Notify::new()));
            let notify = Arc::clone(&died);
            way.judged(move |method, path| {
                let write = method == "PUT" && !path.contains("lock.json");
                if !write || written.fetch_add(1, Ordering::Relaxed) + 1 < cut {
                    return Fate::Arrives;
                }
                notify.notify_one();
                fate
            });
            let finished = tokio::select! {
                copied = from.migrate(&ours, &to, &theirs, hand()) => { copied.unwrap(); true }
                () = died.notified() => false,
            };
            // What is under way is carried out before anybody looks again: a lock is given back after that.
            way.judged(|_, _| Fate::Arrives);
            theirs.release().await;
            ours.release().await;
            if !finished {
                let ours = from.lock(&holder("second"), Duration::ZERO).await.unwrap();
                let theirs = to.lock(&holder("second"), Duration::ZERO).await.unwrap();
                from.migrate(&ours, &to, &theirs, hand()).await.unwrap();
                theirs.release().await;
                ours.release().await;
            }
            assert_eq!(
                held(&to).await,
                expected,
                "cut at write {cut}, which {fate:?}"
            );
            assert_eq!(from.load().await.unwrap_err().code(), "SW0760");
            if finished {
                break;
            }
        }
        assert!(cut > 5, "{cut}");
    }
}

/// The program dies at any moment of a migration to a database; then it is run again.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_migration_to_a_database_that_was_cut_off_at_any_time_is_ended_by_running_it_again() {
    let Some(database) = crate::support::Database::start() else {
        return;
    };
    let desk = desk();
    let expected = held(&desk.store()).await;
    let saved = fs::read(desk.path("state/hq.state.json")).unwrap();
    let (mut cut, mut cuts) = (0_u32, 0);
    loop {
        cut += 2;
        let settings = database.settings(&format!("cut{cut}"), LEASE);
        fs::write(desk.path("state/hq.state.json"), &saved).unwrap();
        let (from, to) = (desk.store(), Store::postgres(&settings, "hq"));
        let ours = from.lock(&holder("first"), Duration::ZERO).await.unwrap();
        let theirs = to.lock(&holder("first"), Duration::ZERO).await.unwrap();
        let migrated = from.migrate(&ours, &to, &theirs, hand());
        let finished = tokio::time::timeout(Duration::from_millis(cut.into()), migrated).await;
        theirs.release().await;
        let again = Store::postgres(&settings, "hq");
        let ended = finished.is_ok();
        match finished {
            Ok(copied) => {
                copied.unwrap();
            }
            // It may have been cut off after its very last write.
            Err(_) if from.read().await.is_err() => {}
            Err(_) => {
                cuts += 1;
                let theirs = again
                    .lock(&holder("second"), Duration::from_secs(30))
                    .await
                    .unwrap();
                from.migrate(&ours, &again, &theirs, hand()).await.unwrap();
                theirs.release().await;
            }
        }
        ours.release().await;
        assert_eq!(held(&again).await, expected, "cut off after {cut} ms");
        assert_eq!(from.load().await.unwrap_err().code(), "SW0760");
        if ended || cut > 400 {
            break;
        }
    }
    assert!(cuts > 2, "{cuts}");
}

/// A lease that its holder left behind is ended by hand, in a database and in a bucket, and the journal says by whom.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_somebody_left_behind_is_ended_by_hand() {
    let bucket = Bucket::start();
    let way = Way::to(&bucket).await;
    let mut stores = vec![(
        in_bucket(&way.url),
        Store::s3(&options(&way.url, "moved", LEASE), "hq").unwrap(),
    )];
    #[cfg(feature = "postgres")]
    let database = crate::support::Database::start();
    #[cfg(feature = "postgres")]
    if let Some(database) = &database {
        let settings = database.settings("sitewright", LEASE);
        stores.push((database.declared(60), Store::postgres(&settings, "hq")));
    }
    for (state, store) in stores {
        let desk = Desk::new();
        desk.workspace("sitewright.yaml", &state);
        desk.done("apply --yes");
        let told = desk.done("state unlock --force --reason nobody-there");
        assert_eq!(told.out, "The state of `hq` is not locked.\n");
        let lock = store.lock(&holder("ada"), Duration::ZERO).await.unwrap();
        let journal = store.journal(&lock).await.unwrap();
        for line in [
            "apply --yes",
            "state rm Site/North --yes",
            "state recover --yes",
        ] {
            let told = desk.run(line);
            assert_eq!(told.code, 1, "{told:?}");
            assert!(
                told.said().contains("SW0721") && told.said().contains("ada on ops"),
                "{told:?}"
            );
        }
        desk.done("state list");
        let told = desk.done("state unlock --force --reason ops-2-is-dead --by grace");
        assert!(
            told.said().starts_with("Ended the lock of ada on ops"),
            "{told:?}"
        );
        let last = desk.done("journal show last --format json").json();
        assert_eq!(
            (last["by"].as_str(), last["why"].as_str()),
            (Some("grace"), Some("ops-2-is-dead")),
            "{last}"
        );
        // Whoever had it learns of it before anything else is written.
        let fact = Fact::LeaseTakenOver {
            from: holder("ada"),
        };
        let late = journal.append(&RunId("late".into()), hand().at, fact).await;
        assert!(late.is_err(), "{state}");
        desk.done("state rm Site/North --yes");
        desk.done("journal verify");
        lock.release().await;
    }
}
