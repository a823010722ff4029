//! Where stores are tried: a folder, a database, a bucket, each with a store of its own for every case, and a way to do to
//! it what disks, clocks and people do.

use std::path::PathBuf;
use std::time::Duration;

use sitewright::state::Store;

#[cfg(feature = "postgres")]
use crate::support::Database;
use crate::support::bucket::{self, Bucket, Fate, Way};

/// Where stores are tried.
pub(super) enum Place {
    /// Folders in a temporary one.
    Files(tempfile::TempDir),
    /// Schemas of a database.
    #[cfg(feature = "postgres")]
    Postgres(Database),
    /// Prefixes of a bucket.
    S3 { bucket: Bucket, way: Way },
}

/// How long a lease is where it is not to run out.
const LEASE: Duration = Duration::from_mins(1);

impl Place {
    pub(super) fn files() -> Self {
        Self::Files(tempfile::tempdir().unwrap())
    }

    /// None where this machine lacks the server.
    #[cfg(feature = "postgres")]
    pub(super) fn postgres() -> Option<Self> {
        Database::start().map(Self::Postgres)
    }

    pub(super) async fn s3() -> Self {
        let bucket = Bucket::start();
        let way = Way::to(&bucket).await;
        Self::S3 { bucket, way }
    }

    /// A handle on the store of a case, as a process of its own would open it.
    pub(super) fn store(&self, case: &str) -> Store {
        self.store_of(case, "hq")
    }

    pub(super) fn store_of(&self, case: &str, platform: &str) -> Store {
        self.store_with(case, platform, LEASE)
    }

    pub(super) fn store_with(&self, case: &str, platform: &str, lease: Duration) -> Store {
        match self {
            Self::Files(folder) => Store::file(&folder.path().join(case), platform),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => Store::postgres(&database.settings(case, lease), platform),
            Self::S3 { bucket: _, way } => {
                Store::s3(&bucket::options(&way.url, case, lease), platform).unwrap()
            }
        }
    }

    /// The same over nothing that the test itself has to keep going.
    pub(super) fn store_by_itself(&self, case: &str, lease: Duration) -> Store {
        match self {
            Self::S3 { bucket, way: _ } => {
                Store::s3(&bucket::options(&bucket.url(), case, lease), "hq").unwrap()
            }
            _ => self.store_with(case, "hq", lease),
        }
    }

    /// What a workspace says of the store of a case. In a database the case has no say: it is its `sitewright`.
    pub(super) fn declared(&self, case: &str, lease: u32) -> String {
        match self {
            Self::Files(folder) => format!(
                "  state: {{ backend: file, path: {} }}\n",
                folder.path().join(case).display()
            ),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                assert_eq!(case, "sitewright");
                database.declared(lease)
            }
            Self::S3 { bucket: _, way } => bucket::declared(&way.url, case, lease),
        }
    }

    /// Whether a lock is a lease, which can run out.
    pub(super) fn leases(&self) -> bool {
        !matches!(self, Self::Files(_))
    }

    /// The code of what whoever has lost the lock is told that adds a record.
    pub(super) fn overtaken(&self) -> &'static str {
        match self {
            Self::Files(_) => panic!("a lock on a file does not run out"),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "SW0723",
            Self::S3 { .. } => "SW0750",
        }
    }

    /// The code of a lock that cannot be asked for.
    pub(super) fn unreached(&self) -> &'static str {
        match self {
            Self::Files(_) => "SW0722",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "SW0740",
            Self::S3 { .. } => "SW0752",
        }
    }

    /// The file that something is kept in, where it is kept in one.
    fn file(&self, case: &str, in_folder: &str, in_bucket: &str) -> PathBuf {
        match self {
            Self::Files(folder) => folder.path().join(case).join(in_folder),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => panic!("it is kept in a row"),
            Self::S3 { bucket, way: _ } => bucket.file(&format!("{case}/{in_bucket}")),
        }
    }

    fn state(&self, case: &str) -> PathBuf {
        self.file(case, "hq.state.json", "hq/state.json")
    }

    /// The bytes of the state that was saved last.
    pub(super) async fn saved(&self, case: &str) -> Vec<u8> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                let select = format!("SELECT encode(bytes, 'hex') FROM {case}.state");
                unhexed(&database.sql(&select).await[0])
            }
            _ => std::fs::read(self.state(case)).unwrap(),
        }
    }

    /// Puts bytes in the place of the state that was saved last.
    pub(super) async fn damage(&self, case: &str, bytes: &[u8]) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                let update = format!(r"UPDATE {case}.state SET bytes = '\x{}'", hexed(bytes));
                database.sql(&update).await;
            }
            _ => std::fs::write(self.state(case), bytes).unwrap(),
        }
    }

    /// Writes another text in the place of one in the records of the journal.
    pub(super) async fn tamper(&self, case: &str, text: &str, other: &str) {
        let files = match self {
            Self::Files(_) => vec![self.file(case, "hq.journal.jsonl", "")],
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                let update = format!(
                    "UPDATE {case}.journal SET line =
                     convert_to(replace(convert_from(line, 'UTF8'), '{text}', '{other}'), 'UTF8')"
                );
                database.sql(&update).await;
                return;
            }
            Self::S3 { bucket, way: _ } => bucket.objects(&format!("{case}/hq/journal")),
        };
        for file in files {
            let before = std::fs::read_to_string(&file).unwrap();
            if before.contains(text) {
                std::fs::write(&file, before.replace(text, other)).unwrap();
            }
        }
    }

    /// What was put aside under a name.
    pub(super) async fn kept(&self, case: &str, name: &str) -> Vec<u8> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                let select =
                    format!("SELECT encode(bytes, 'hex') FROM {case}.kept WHERE name = '{name}'");
                unhexed(&database.sql(&select).await[0])
            }
            _ => std::fs::read(self.file(case, name, name)).unwrap(),
        }
    }

    /// Loses the state that was saved last.
    pub(super) async fn lose(&self, case: &str) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                database.sql(&format!("DELETE FROM {case}.state")).await;
            }
            _ => std::fs::remove_file(self.state(case)).unwrap(),
        }
    }

    /// What stands beside a lock on a file.
    pub(super) fn note(&self, case: &str) -> String {
        std::fs::read_to_string(self.file(case, "hq.lock.json", "hq/lock.json")).unwrap()
    }

    /// Lets the lease of a case run out: by the clock of the store; where that has none, it was a short one.
    pub(super) async fn expire(&self, case: &str) {
        match self {
            Self::Files(_) => panic!("a lock on a file does not run out"),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                let update = format!("UPDATE {case}.lease SET expires_at = clock_timestamp()");
                database.sql(&update).await;
            }
            Self::S3 { .. } => {
                let (before, after) = ("\"leaseMilliseconds\":60000", "\"leaseMilliseconds\":50");
                let note = self.note(case);
                assert!(note.contains(before), "{note}");
                let file = self.file(case, "", "hq/lock.json");
                std::fs::write(file, note.replace(before, after)).unwrap();
            }
        }
    }

    /// From now on records take a while to arrive, where there is a way that they go.
    pub(super) fn slow_down(&self) {
        if let Self::S3 { bucket: _, way } = self {
            way.judged(|method, path| {
                if method == "PUT" && path.contains("/journal/") {
                    Fate::Late
                } else {
                    Fate::Arrives
                }
            });
        }
    }

    /// Ends that.
    pub(super) fn speed_up(&self) {
        if let Self::S3 { bucket: _, way } = self {
            way.judged(|_, _| Fate::Arrives);
        }
    }

    /// Kills the server that it is kept by.
    pub(super) fn kill(&mut self) {
        match self {
            Self::Files(_) => panic!("no server keeps files"),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.kill(),
            Self::S3 { bucket, way: _ } => bucket.kill(),
        }
    }

    /// Starts it again.
    pub(super) fn restart(&mut self) {
        match self {
            Self::Files(_) => panic!("no server keeps files"),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.restart(),
            Self::S3 { bucket, way: _ } => bucket.restart(),
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
