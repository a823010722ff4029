//! What only files can suffer: crashes in the middle of a write, damage, notes of the dead, folders that are none. What
//! every store promises stands in `tests/it/stores`.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::journal::Fact;
use crate::model::{Guid, Held, Holder, Name, Owned, Ownership, Platform, RunId};

fn platform(number: u128) -> Platform {
    Platform {
        server: Guid::from_u128(number),
        name: Name::new("SMP01.corp.example"),
    }
}

fn state() -> State {
    let mut ownership = Ownership::default();
    let owned = Owned {
        name: Name::new("Ärzte \"A\""),
        how: Held::Created,
        protected: true,
    };
    ownership.sites.insert(Guid::from_u128(5), owned);
    State {
        serial: 1,
        ..State::new(platform(1), "lineage-1".into(), ownership)
    }
}

fn at() -> jiff::Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn store(folder: &Path) -> Store {
    Store::file(folder, "hq")
}

fn holder(who: &str) -> Holder {
    Holder {
        who: who.into(),
        host: "ops".into(),
        process: 4711,
        purpose: "apply".into(),
        run: "r".into(),
        since: "08:00".into(),
    }
}

async fn lock(store: &Store, who: &str) -> Result<Lock, LockError> {
    store.lock(&holder(who), Duration::ZERO).await
}

fn file(folder: &Path) -> PathBuf {
    folder.join("hq.state.json")
}

async fn add(store: &Store, facts: impl IntoIterator<Item = Fact>) {
    let lock = lock(store, "jdoe").await.unwrap();
    let journal = store.journal(&lock).await.unwrap();
    for fact in facts {
        let run = RunId("r".into());
        journal.append(&run, at(), fact).await.unwrap();
    }
    lock.release().await;
}

fn created(number: u128) -> Fact {
    Fact::SiteCreated {
        guid: Guid::from_u128(number),
        name: Name::new("new"),
        protected: false,
    }
}

#[tokio::test]
async fn what_is_saved_is_loaded_and_meets_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("state"));
    assert_eq!(store.read().await.unwrap(), None);
    assert_eq!(store.load().await.unwrap(), None);
    store.save(&state()).await.unwrap();
    let found = store.read().await.unwrap().unwrap();
    assert_eq!(found.ownership, state().ownership);
    assert_eq!(found.serial, 1);

    let text = std::fs::read_to_string(file(&folder.path().join("state"))).unwrap();
    let schema = jsonschema::validator_for(&schema()).unwrap();
    assert!(schema.is_valid(&serde_json::from_str(&text).unwrap()));
    // As docs/errors.md says that anybody can check it.
    let open = text.replace(&found.checksum, "");
    let digest: Vec<String> = Sha256::digest(open)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(found.checksum, digest.concat());
}

/// A file that is no state: told with its code, and never replaced.
async fn check(content: &[u8], code: &str) {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    std::fs::write(file(folder.path()), content).unwrap();
    for error in [
        store.read().await.unwrap_err(),
        store.load().await.unwrap_err(),
        store.save(&state()).await.unwrap_err(),
        store.settle(state()).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), code, "{error}");
        assert!(error.hint().is_some());
    }
    assert_eq!(std::fs::read(file(folder.path())).unwrap(), content);
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_never_replaced() {
    check(b"", "SW0702").await;
    check(&[0; 512], "SW0702").await;
    check(b"\n", "SW0702").await;
    check(b"{\"formatVersion\": 1", "SW0703").await;
    check(b"not json", "SW0703").await;
    check(b"\xff\xfe", "SW0703").await;
    check(b"{}", "SW0703").await;
    check(b"{\"formatVersion\": 0}", "SW0703").await;
    check(b"{\"formatVersion\": 2, \"sites\": []}", "SW0705").await;
    let whole = String::from_utf8(state().encode().unwrap()).unwrap();
    check(whole.replace("Ärzte", "Aerzte").as_bytes(), "SW0704").await;
    check(
        whole.replace("\"serial\": 1", "\"serial\": 2").as_bytes(),
        "SW0704",
    )
    .await;
    check(format!("{whole}}}").as_bytes(), "SW0703").await;
    for length in 1..whole.len() - 2 {
        let error = State::decode(&whole.as_bytes()[..length]);
        assert!(error.is_err(), "{length}");
    }
}

/// The fourth record was not finished.
#[tokio::test]
async fn a_torn_end_is_told_and_cut_off_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.save(&state()).await.unwrap();
    add(&store, (6..=8).map(created)).await;
    let path = journal_path(folder.path(), "hq");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"formatVersion\":1,");
    std::fs::write(&path, bytes).unwrap();
    let loaded = store.load().await.unwrap().unwrap();
    assert_eq!((loaded.replayed, loaded.torn.is_some()), (3, true));
    add(&store, [created(9)]).await;
    store.settle(loaded.state).await.unwrap();
    let settled = store.load().await.unwrap().unwrap();
    assert_eq!((settled.replayed, settled.torn), (0, None));
    assert_eq!(settled.state.ownership.sites.len(), 5);
}

#[tokio::test]
async fn the_old_file_stays_where_the_new_one_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.save(&state()).await.unwrap();
    let before = std::fs::read(file(folder.path())).unwrap();
    let new = folder.path().join("hq.state.json.new");
    std::fs::create_dir(&new).unwrap();
    let next = State {
        serial: 2,
        ..state()
    };
    let error = store.save(&next).await.unwrap_err();
    assert_eq!(error.code(), "SW0711");
    assert_eq!(std::fs::read(file(folder.path())).unwrap(), before);
    std::fs::remove_dir(&new).unwrap();
    // What a crash left of a new file is no obstacle.
    std::fs::write(&new, "half a st").unwrap();
    store.save(&next).await.unwrap();
    assert!(!new.exists());
}

#[tokio::test]
async fn the_note_of_a_dead_holder_means_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hq.lock"), "").unwrap();
    std::fs::write(folder.path().join("hq.lock.json"), "{\"who\":\"a ghost\"}").unwrap();
    let store = store(folder.path());
    let held = lock(&store, "jdoe").await.unwrap();
    std::fs::write(folder.path().join("hq.lock.json"), "").unwrap();
    let error = lock(&store, "asmith").await.unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
    drop(held);
}

/// A process that died with the lock leaves its note behind. Whoever comes next is never told that the dead one has it,
/// not even in the moment in which somebody else has just taken it.
#[test]
fn nobody_is_told_of_a_dead_holder() {
    const DEATHS: u32 = 100;
    let folder = tempfile::tempdir().unwrap();
    let path = |ending: &str| folder.path().join(format!("hq.lock{ending}"));
    let open = |path: &Path| {
        let mut options = std::fs::File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        options.open(path).unwrap()
    };
    let numbered = |number: u32| Holder {
        process: number,
        ..holder("a ghost")
    };
    let died = AtomicU32::new(0);
    let told = AtomicU32::new(0);
    let asked = || {
        let dead = died.load(Ordering::SeqCst);
        let backend = super::file::FileBackend::new(folder.path(), "hq");
        match backend.try_lock(&holder("jdoe")) {
            Ok(lock) => drop(lock),
            Err(error) => {
                assert_eq!(error.code(), "SW0721", "{error}");
                if let LockError::Held { holder, .. } = error
                    && let Some(by) = holder.filter(|by| by.who == "a ghost")
                {
                    told.fetch_add(1, Ordering::SeqCst);
                    assert!(by.process > dead, "{by} has been dead by then");
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while died.load(Ordering::SeqCst) < DEATHS {
                    asked();
                }
            });
        }
        for number in 1..=DEATHS {
            let note = open(&path(".json"));
            note.lock().unwrap();
            let lock = open(&path(""));
            lock.lock().unwrap();
            let text = serde_json::to_vec(&numbered(number)).unwrap();
            note.set_len(0).unwrap();
            std::io::Write::write_all(&mut &note, &text).unwrap();
            drop(note);
            std::thread::sleep(Duration::from_micros(500));
            drop(lock);
            died.store(number, Ordering::SeqCst);
        }
    });
    assert!(told.load(Ordering::SeqCst) > 0, "they never met");
}

/// Whoever was stopped while it took the lock does not stop the others; what it had not written yet is not made up.
#[tokio::test]
async fn whoever_is_stopped_while_it_takes_the_lock_is_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    lock(&store, "a ghost").await.unwrap().release().await;
    let note = std::fs::File::options()
        .write(true)
        .open(folder.path().join("hq.lock.json"))
        .unwrap();
    note.lock().unwrap();
    let error = lock(&store, "asmith").await.unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
    drop(note);
    lock(&store, "asmith").await.unwrap().release().await;
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    std::fs::write(&file, "").unwrap();
    let store = store(&file);
    assert_eq!(lock(&store, "jdoe").await.unwrap_err().code(), "SW0722");
    assert_eq!(store.save(&state()).await.unwrap_err().code(), "SW0701");
}

/// What is missing is told apart: room, a mount, rights.
#[test]
fn a_lock_that_cannot_be_used_says_what_is_missing() {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull, Unsupported};
    let hint = |kind| {
        let error = LockError::Io {
            place: "state/hq.lock".into(),
            source: std::io::Error::from(kind),
        };
        assert_eq!(error.code(), "SW0722");
        error.hint().unwrap()
    };
    assert!(hint(StorageFull).starts_with("make room"));
    assert!(hint(ReadOnlyFilesystem).contains("read-only"));
    assert!(hint(PermissionDenied).contains("this account"));
    assert!(hint(Unsupported).contains("locks"));
}
