//! What only a PostgreSQL database can do to the state in it: answers and connections that are lost, tables that others
//! made, users who may not. What every store promises stands in `stores`.
#![expect(clippy::disallowed_types, reason = "stands between two sockets")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use sitewright::journal::Fact;
use sitewright::model::{Guid, Holder, Name, Ownership, Platform, RunId};
use sitewright::smp::tls_settings;
use sitewright::state::{Postgres, State, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Database, Desk, PASSWORD};

const LEASE: Duration = Duration::from_mins(1);

fn holder(who: &str) -> Holder {
    Holder {
        who: who.into(),
        host: "ops".into(),
        process: 1,
        purpose: "test".into(),
        run: "r".into(),
        since: "2026-11-23T08:00:00Z".into(),
    }
}

fn state(serial: u64) -> State {
    let platform = Platform {
        server: Guid::from_u128(1),
        name: Name::new("SMP01"),
    };
    State {
        serial,
        ..State::new(platform, "lineage".into(), Ownership::default())
    }
}

fn created(number: u128) -> Fact {
    Fact::SiteCreated {
        guid: Guid::from_u128(number),
        name: Name::new(&format!("site {number}")),
        protected: false,
    }
}

/// An error with all that it goes back to, as the program prints it.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

/// A way to the database that breaks off once: after a message went on, before its answer came back.
struct Breaking {
    port: u16,
    state: Arc<Broken>,
}

#[derive(Default)]
struct Broken {
    /// The message to break off at, counted from 1 from when this was set; 0 for none.
    at: AtomicUsize,
    messages: AtomicUsize,
}

impl Breaking {
    async fn before(database: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Broken::default());
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(("127.0.0.1", database)).await.unwrap();
                tokio::spawn(hand_over(near, far, Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    fn at(&self, message: usize) {
        self.state.messages.store(0, Ordering::Relaxed);
        self.state.at.store(message, Ordering::Relaxed);
    }

    /// Whether it has broken off since [`Breaking::at`].
    fn broke(&self) -> bool {
        self.state.at.load(Ordering::Relaxed) == 0
    }
}

async fn hand_over(near: TcpStream, far: TcpStream, state: Arc<Broken>) -> std::io::Result<()> {
    let (mut near_in, mut near_out) = near.into_split();
    let (mut far_in, mut far_out) = far.into_split();
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    let mut last = false;
    loop {
        tokio::select! {
            length = near_in.read(&mut asked) => {
                let length = length?;
                if length == 0 {
                    return Ok(());
                }
                let number = state.messages.fetch_add(1, Ordering::Relaxed) + 1;
                if number == state.at.load(Ordering::Relaxed) {
                    state.at.store(0, Ordering::Relaxed);
                    last = true;
                }
                far_out.write_all(&asked[..length]).await?;
            }
            length = far_in.read(&mut answered) => {
                let length = length?;
                if length == 0 || last {
                    return Ok(());
                }
                near_out.write_all(&answered[..length]).await?;
            }
        }
    }
}

/// Whatever answer is lost: what was asked for is there once, and nobody is told otherwise.
#[tokio::test]
async fn an_answer_that_is_lost_is_looked_for() {
    let Some(database) = Database::start() else {
        return;
    };
    let way = Breaking::before(database.port()).await;
    let mut settings = database.settings("lost", LEASE);
    settings.port = way.port;
    let run = RunId("r".into());
    let at = jiff::Timestamp::UNIX_EPOCH;
    let mut broken = 0;
    for message in 1..100 {
        let platform = format!("smp{message}");
        let store = Store::postgres(&settings, &platform);
        store.save(&state(1)).await.unwrap();
        way.at(message);
        let lock = store.lock(&holder("jdoe"), Duration::ZERO).await.unwrap();
        assert!(lock.taken_over().is_none());
        let journal = store.journal(&lock).await.unwrap();
        journal
            .append_with_next(&run, at, created(1))
            .await
            .unwrap();
        journal.append(&run, at, created(2)).await.unwrap();
        let item = Guid::from_u128(7);
        let kept = journal.keep_item(&run, at, item, "<a/>").await.unwrap();
        assert!(
            kept.ends_with("0.xml") || !kept.contains("-1.xml"),
            "{kept}"
        );
        journal.append(&run, at, created(3)).await.unwrap();
        let settled = store.settle(state(1)).await.unwrap();
        assert_eq!((settled.serial, settled.journal_sequence), (2, 4));
        lock.release().await;
        let over = !way.broke();
        way.at(0);
        let again = Store::postgres(&settings, &platform);
        let loaded = again.load().await.unwrap().unwrap();
        assert_eq!(loaded.replayed, 0, "{message}");
        assert_eq!((loaded.state.serial, loaded.state.journal_sequence), (2, 4));
        assert_eq!(again.since(0).await.unwrap().len(), 4, "{message}");
        let serials: Vec<u64> = again
            .versions()
            .await
            .unwrap()
            .iter()
            .map(|version| version.serial)
            .collect();
        assert_eq!(serials, [1], "{message}");
        let free = again.lock(&holder("asmith"), Duration::ZERO).await;
        free.expect("it was given back").release().await;
        if over {
            break;
        }
        broken = message;
    }
    assert!(broken > 15 && broken < 99, "{broken}");
}

#[tokio::test]
async fn tables_are_made_once_and_not_by_reading() {
    let Some(database) = Database::start() else {
        return;
    };
    let settings = database.settings("made", LEASE);
    let store = Store::postgres(&settings, "hq");
    assert_eq!(store.load().await.unwrap(), None);
    assert!(store.facts().await.unwrap().is_empty());
    assert_eq!(store.snapshot().await.unwrap(), None);
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname = 'made'";
    assert_eq!(database.sql(made).await, ["0"]);
    // Everybody at once, each for a platform of its own.
    let stores: Vec<Store> = (0..8)
        .map(|number| Store::postgres(&settings, &format!("smp{number}")))
        .collect();
    let first = state(1);
    let saving = stores.iter().map(|store| store.save(&first));
    for saved in join_all(saving).await {
        saved.unwrap();
    }
    let versions = "SELECT version FROM made.migration";
    assert_eq!(database.sql(versions).await, ["1"]);
    // One that looked before they were made sees them now.
    assert_eq!(store.load().await.unwrap(), None);

    database
        .sql("INSERT INTO made.migration (version) VALUES (2)")
        .await;
    let later = Store::postgres(&settings, "smp0");
    let lock = later.lock(&holder("jdoe"), Duration::ZERO).await;
    assert_eq!(lock.unwrap_err().code(), "SW0742");
    let error = later.load().await.unwrap_err();
    assert_eq!(error.code(), "SW0742");
    assert!(
        error
            .to_string()
            .ends_with("in version 1 or older, found 2")
    );
}

#[tokio::test]
async fn a_record_that_was_changed_is_named() {
    let Some(database) = Database::start() else {
        return;
    };
    let store = Store::postgres(&database.settings("changed", LEASE), "hq");
    let lock = store.lock(&holder("jdoe"), Duration::ZERO).await.unwrap();
    let journal = store.journal(&lock).await.unwrap();
    let run = RunId("r".into());
    for number in 1..=4 {
        let at = jiff::Timestamp::UNIX_EPOCH;
        journal.append(&run, at, created(number)).await.unwrap();
    }
    lock.release().await;
    let damage = |statement: &'static str, line: u64| {
        let (store, database) = (&store, &database);
        async move {
            let before = "CREATE TABLE changed.copy AS SELECT * FROM changed.journal";
            database.sql(before).await;
            database.sql(statement).await;
            let error = store.facts().await.unwrap_err();
            assert_eq!(error.code(), "SW0732", "{error}");
            assert!(
                error.to_string().contains(&format!("line {line} ")),
                "{error}"
            );
            let after = "DELETE FROM changed.journal;
                INSERT INTO changed.journal SELECT * FROM changed.copy; DROP TABLE changed.copy";
            database.sql(after).await;
            assert_eq!(store.facts().await.unwrap().len(), 4);
        }
    };
    damage(
        "UPDATE changed.journal SET line = convert_to(replace(convert_from(line, 'UTF8'), 'site 2', 'site 9'), 'UTF8')",
        3,
    )
    .await;
    damage("DELETE FROM changed.journal WHERE sequence = 3", 4).await;
    damage(
        r"UPDATE changed.journal SET line = '\x00ff' WHERE sequence = 2",
        2,
    )
    .await;
}

/// What is wrong is said, and the password never.
#[tokio::test]
async fn whoever_may_not_is_told_why() {
    let Some(database) = Database::start() else {
        return;
    };
    let right = database.settings("rights", LEASE);
    database
        .sql("CREATE ROLE guest LOGIN PASSWORD 'guest'")
        .await;
    let cases: [(&str, Postgres, &str, &str); 6] = [
        (
            "password",
            Postgres {
                password: Some(format!("{PASSWORD}2").into()),
                ..right.clone()
            },
            "SW0740",
            "password authentication failed for user \"sitewright\"",
        ),
        (
            "no password",
            Postgres {
                password: None,
                ..right.clone()
            },
            "SW0740",
            "password",
        ),
        (
            "database",
            Postgres {
                database: "nowhere".into(),
                ..right.clone()
            },
            "SW0740",
            "database \"nowhere\" does not exist",
        ),
        (
            "certificate",
            Postgres {
                tls: Some(Arc::new(tls_settings("127.0.0.1", None).unwrap())),
                ..right.clone()
            },
            "SW0740",
            "certificate",
        ),
        (
            "port",
            Postgres {
                port: 1,
                ..right.clone()
            },
            "SW0740",
            "refused",
        ),
        (
            "rights",
            Postgres {
                user: "guest".into(),
                password: Some("guest".to_owned().into()),
                ..right.clone()
            },
            "SW0741",
            "permission denied",
        ),
    ];
    for (name, settings, code, part) in cases {
        let begun = Instant::now();
        let store = Store::postgres(&settings, "hq");
        let error = store.save(&state(1)).await.unwrap_err();
        let text = told(&error);
        assert_eq!(error.code(), code, "{name}: {text}");
        assert!(error.hint().is_some());
        assert!(text.contains(part), "{name}: {text}");
        assert!(!text.contains(PASSWORD), "{name}: {text}");
        assert!(!format!("{settings:?}").contains(PASSWORD), "{name}");
        // A fault of ours is told at once.
        assert!(begun.elapsed() < Duration::from_secs(8), "{name}");
    }
    // A schema that an administrator made needs no right to make others.
    database
        .sql("CREATE SCHEMA theirs AUTHORIZATION guest")
        .await;
    let theirs = Postgres {
        user: "guest".into(),
        password: Some("guest".to_owned().into()),
        schema: "theirs".into(),
        ..right
    };
    let store = Store::postgres(&theirs, "hq");
    store.save(&state(1)).await.unwrap();
    assert_eq!(store.read().await.unwrap().unwrap().serial, 1);
}

/// The lease is long enough for the server to take its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_over_connections_that_are_cut_and_a_server_that_restarts() {
    let Some(mut database) = Database::start() else {
        return;
    };
    let desk = Desk::new();
    let seat = desk.seat(&database.declared(60)).await;
    let apply = seat.apply_until(3).await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'sitewright'";
    assert!(!database.sql(cut).await.is_empty());
    seat.way.hold(5);
    seat.way.go_on();
    seat.way.holds().await;
    database.kill();
    seat.way.go_on();
    database.restart();
    let (code, said) = seat.ended(apply).await;
    assert_eq!(code, Some(0), "{said}");
    desk.is_done(&seat).await;
}
