//! State in a bucket of a real S3-compatible server: the promises of a store under a server that dies, answers that are
//! lost, holders that fall asleep, and servers that check no conditions.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sitewright::journal::{Fact, JournalError};
use sitewright::model::{Guid, Holder, Name, Ownership, Platform, RunId};
use sitewright::state::{LockError, State, StateError, Store};
use sitewright_sim::{Options, Server, World};

use crate::support::bucket::{self, ACCESS, Bucket, Fate, SECRET, Way, free_port, wait_for};
use crate::support::{Running, WRITES, python};

/// Long enough that a third of it may pass before it is renewed, and enough is left for a write.
const LEASE: Duration = Duration::from_secs(12);

fn store(url: &str) -> Store {
    Store::s3(&bucket::options(url, LEASE), "hq").unwrap()
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
async fn a_state_is_saved_by_compare_and_swap_and_its_versions_are_kept() {
    let server = Bucket::start();
    let way = Way::to(&server).await;
    let store = store(&way.url);
    assert_eq!(store.load().await.unwrap(), None);
    let lock = store.lock(&holder("mbauer"), NOW).await.unwrap();
    for serial in 1..=23 {
        store.save(&state(serial)).await.unwrap();
    }
    let again = store.save(&state(23)).await;
    assert!(again.is_ok(), "the very state that is there: {again:?}");
    let moved = store.save(&state(23 + 2)).await.unwrap_err();
    assert!(
        matches!(moved, StateError::Moved { found: 23, .. }),
        "{moved:?}"
    );
    assert_eq!(store.read().await.unwrap().unwrap().serial, 23);
    let kept: Vec<u64> = store
        .versions()
        .await
        .unwrap()
        .iter()
        .map(|version| version.serial)
        .collect();
    assert_eq!(kept, (3..=22).rev().collect::<Vec<u64>>());
    assert_eq!(store.version(7).await.unwrap().unwrap().serial, 7);
    assert_eq!(store.version(2).await.unwrap(), None);
    lock.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_save_after_the_same_state_one_is_refused() {
    let server = Bucket::start();
    let (one, other) = (Way::to(&server).await, Way::to(&server).await);
    let (one, other) = (store(&one.url), (store(&other.url), other));
    one.save(&state(1)).await.unwrap();
    for serial in 2..12 {
        let saved = [
            State {
                lineage: "lineage-1".into(),
                journal_sequence: 1,
                ..state(serial)
            },
            State {
                lineage: "lineage-1".into(),
                journal_sequence: 2,
                ..state(serial)
            },
        ];
        let (first, second) = tokio::join!(one.save(&saved[0]), other.0.save(&saved[1]));
        assert_ne!(first.is_ok(), second.is_ok(), "{first:?} {second:?}");
        let error = first.or(second).err();
        assert!(
            matches!(error, None | Some(StateError::Moved { .. })),
            "{error:?}"
        );
        assert_eq!(one.read().await.unwrap().unwrap().serial, serial);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_keeps_others_out_until_it_is_released_and_is_renewed_all_the_while() {
    let server = Bucket::start();
    let way = Way::to(&server).await;
    let (one, other) = (store(&way.url), store(&way.url));
    let lock = one.lock(&holder("mbauer"), NOW).await.unwrap();
    let refused = other.lock(&holder("jdoe"), LEASE * 2).await.unwrap_err();
    let LockError::Held {
        holder: Some(by), ..
    } = refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!(by.who, "mbauer");
    lock.lease().held().unwrap();
    lock.release().await;
    let lock = other.lock(&holder("jdoe"), NOW).await.unwrap();
    assert_eq!(lock.taken_over(), None);
    lock.release().await;
}

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
    assert_eq!(server.objects("hq/journal").len(), 6);
    for after in 0..=9 {
        let entries = store.since(after).await.unwrap();
        let first = entries.first().map(|entry| entry.sequence);
        assert_eq!(first, (after < 9).then_some(after + 1));
    }
    // A record in the middle that was changed is found by the ones after it.
    let object = &server.objects("hq/journal")[2];
    let text = std::fs::read_to_string(object).unwrap();
    std::fs::write(object, text.replace("run-1", "run-2")).unwrap();
    let error = store.since(0).await.unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_under_a_name_is_never_written_over() {
    let server = Bucket::start();
    let way = Way::to(&server).await;
    let store = store(&way.url);
    let lock = store.lock(&holder("mbauer"), NOW).await.unwrap();
    let journal = store.journal(&lock).await.unwrap();
    let (run, item) = (RunId("run-1".into()), Guid::from_u128(7));
    let file = journal
        .keep_item(&run, at(), item, "<item/>")
        .await
        .unwrap();
    let name = file.rsplit('/').next().unwrap();
    let (kept, xml) = store.kept_item(name).await.unwrap().unwrap();
    assert!(kept.holds(&xml) && xml == "<item/>");
    assert_eq!(store.snapshot().await.unwrap(), None);
    store.keep_snapshot(b"{}").await.unwrap();
    store.keep_snapshot(b"{1}").await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().unwrap(), b"{1}");
    lock.release().await;
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
    assert_eq!(server.objects("backups/hq").len(), 4);
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
    let mut wrong = bucket::options(&way.url, LEASE);
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
    let tls = Store::s3(&bucket::options(&secured, LEASE), "hq").unwrap();
    let begun = std::time::Instant::now();
    let error = tls.read().await.unwrap_err();
    assert!(matches!(error, StateError::Read { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(25));
}

/// A workspace with sites to make, over a simulated SMP that stays.
struct Desk {
    smp: Server,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
        let smp = Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::create_dir(path.join("profiles")).unwrap();
        std::fs::write(path.join("profiles/hq.yaml"), smp.world().profile()).unwrap();
        let sites: Vec<String> = (1..=8)
            .map(|number| {
                format!(
                    "apiVersion: sitewright/v1\nkind: Site\nmetadata: {{ name: Branch {number} }}\nspec:\n  subnets: \
                     [10.77.{number}.0/24]\n"
                )
            })
            .collect();
        std::fs::write(path.join("sites.yaml"), sites.join("---\n")).unwrap();
        Self { smp, folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, name: &str, state: &str, arguments: &str) -> Command {
        // Each has its own way to the bucket, and so its own workspace.
        let folder = self.path().join(name);
        let _ = std::fs::create_dir(&folder);
        std::fs::copy(self.path().join("sites.yaml"), folder.join("sites.yaml")).unwrap();
        let workspace = format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      url: {}\n      \
             server: SMP01.corp.example\n      profile: ../profiles/hq.yaml\n{state}",
            self.smp.url(),
        );
        std::fs::write(folder.join("sitewright.yaml"), workspace).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
        command
            .current_dir(folder)
            .args(arguments.split(' '))
            .env("BUCKET_ACCESS", ACCESS)
            .env("BUCKET_SECRET", SECRET)
            .env("USER", "jdoe")
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, name: &str, state: &str, arguments: &str) -> (Option<i32>, String) {
        told(&self.command(name, state, arguments).output().unwrap())
    }

    /// How many writes went to the SMP.
    fn writes(&self) -> usize {
        let requests = self.smp.requests();
        let writes = requests
            .iter()
            .filter(|request| WRITES.contains(&request.operation.as_str()));
        writes.count()
    }
}

fn told(output: &Output) -> (Option<i32>, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let whole = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!whole.contains(SECRET), "a secret is told: {whole}");
    (output.status.code(), whole)
}

async fn finished(child: Child) -> (Option<i32>, String) {
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap());
    told(&output.await.unwrap())
}

#[cfg(unix)]
fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args([name, &process.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_when_its_bucket_dies_and_the_next_one_ends_it() {
    let (server, desk) = (Arc::new(Bucket::start()), Desk::new());
    let way = Way::to(&server).await;
    let state = bucket::declared(&way.url, 15);
    let (dying, mut records) = (Arc::clone(&server), 0);
    way.judged(move |method, path| {
        if method == "PUT" && path.contains("/journal/") {
            records += 1;
            if records == 12 {
                dying.kill();
            }
        }
        Fate::Arrives
    });
    let child = desk
        .command("desk", &state, "apply --yes")
        .env("SITEWRIGHT_LOG", "trace")
        .spawn()
        .unwrap();
    let (code, said) = finished(child).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("SW0611"), "{said}");
    assert!(said.contains("cannot add a record"), "{said}");
    assert!(
        said.contains("s3://sitewright-state/tests/hq/journal/"),
        "{said}"
    );
    let written = desk.writes();
    server.restart();
    way.judged(|_, _| Fate::Arrives);
    assert_eq!(
        desk.writes(),
        written,
        "nothing is written after it stopped"
    );
    let (code, said) = desk.run("desk", &state, "apply --yes --lock-timeout 60");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = desk.run("desk", &state, "plan");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("No changes."), "{said}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_asleep_while_another_took_over_writes_nothing_more() {
    let (server, desk) = (Bucket::start(), Desk::new());
    let (asleep, awake) = (Way::to(&server).await, Way::to(&server).await);
    let [first, second] = [&asleep, &awake].map(|way| bucket::declared(&way.url, 15));
    let process = Arc::new(AtomicUsize::new(0));
    let (stopped, mut records) = (Arc::clone(&process), 0);
    asleep.judged(move |method, path| {
        if method == "PUT" && path.contains("/journal/") {
            records += 1;
            if records == 12 {
                let number = stopped.load(Ordering::Relaxed);
                signal(u32::try_from(number).unwrap(), "-STOP");
                stopped.store(0, Ordering::Relaxed);
            }
        }
        Fate::Arrives
    });
    let child = desk
        .command("first", &first, "apply --yes")
        .spawn()
        .unwrap();
    process.store(usize::try_from(child.id()).unwrap(), Ordering::Relaxed);
    while process.load(Ordering::Relaxed) != 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut next = desk.command("second", &second, "apply --yes --lock-timeout 60");
    let (code, said) = finished(next.spawn().unwrap()).await;
    assert_eq!(code, Some(0), "{said}");
    let written = desk.writes();
    signal(child.id(), "-CONT");
    let (code, said) = finished(child).await;
    assert_eq!(code, Some(1), "{said}");
    let why = [
        "another process has added record",
        "the lease of the state ran out",
    ];
    assert!(why.iter().any(|why| said.contains(why)), "{said}");
    assert_eq!(
        desk.writes(),
        written,
        "it wrote after it was taken over: {said}"
    );
    let (code, said) = desk.run("second", &second, "plan");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("No changes."), "{said}");
    let (store, mut overs) = (store(&awake.url), 0);
    for fact in store.facts().await.unwrap() {
        overs += usize::from(matches!(fact, Fact::LeaseTakenOver { .. }));
    }
    assert_eq!(overs, 1);
}
