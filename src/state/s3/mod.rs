//! The store in a bucket of an S3-compatible server: objects below a prefix, and nothing but conditional writes.
//!
//! I/O, through `objects`, which alone talks to the server. Below the prefix stand
//!
//! - `<stem>/state.json`, the state that was saved last: created where there is none, else replaced where its entity tag
//!   is the one that was read. What it replaced stays as `<stem>/versions/<serial>.json`;
//! - `<stem>/journal/<number of its first record>.jsonl`, a batch of records each, created and never changed: of two
//!   writers only one can create the next, which keeps a holder whose lease is over from adding to it (`log`);
//! - `<stem>/lock.json`, who holds the lock, replaced again and again while it is held (`lease`);
//! - `<stem>/conditions`, on which it is tried out whether the server checks conditions at all: without that, none of
//!   the above holds anybody back;
//! - `backups/…` and `snapshots/…`, as of every store.

mod by_hand;
mod lease;
mod log;
mod objects;
mod options;

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, OnceCell};

use self::lease::Watched;
use self::objects::{Attempt, Condition, Objects, Put};
use super::backend::{Found, Version};
use super::error::{LockError, StateError};
use super::format::State;
use super::renewal::Token;
use crate::journal::{JournalError, file_stem};

pub(super) use self::log::S3Log;
pub use self::options::{S3Credentials, S3Error, S3Options};

/// How many replaced states are kept.
const KEPT_VERSIONS: usize = 20;

/// How long a request is tried again before it is given up.
const PATIENCE: Duration = Duration::from_secs(15);

/// An entity tag that no object has.
const NO_TAG: &str = "\"00000000000000000000000000000000\"";

/// The objects of one platform's state.
#[derive(Debug)]
pub(super) struct S3Backend {
    objects: Objects,
    platform: String,
    stem: String,
    options: S3Options,
    /// That of the lock in the hands of this process.
    token: Token,
    /// Set once the server was seen to check conditions.
    checks: OnceCell<()>,
    /// The lock as somebody else holds it.
    watched: Mutex<Option<Watched>>,
}

impl S3Backend {
    /// The objects of a platform, by its name in the workspace. Nothing is read or written yet.
    pub(super) fn new(options: &S3Options, platform: &str) -> Result<Self, S3Error> {
        Ok(Self {
            objects: Objects::new(options)?,
            platform: platform.to_owned(),
            stem: file_stem(platform),
            options: options.clone(),
            token: Token::default(),
            checks: OnceCell::new(),
            watched: Mutex::new(None),
        })
    }

    /// Where the state is, for people.
    pub(super) fn place(&self) -> String {
        self.objects.place(&self.state_key())
    }

    /// The platform's name as part of the names of objects.
    pub(super) fn stem(&self) -> &str {
        &self.stem
    }

    /// Where the journal is, for people.
    pub(super) fn journal_place(&self) -> String {
        self.objects.place(&self.journal_folder())
    }

    fn state_key(&self) -> String {
        format!("{}/state.json", self.stem)
    }

    fn versions_folder(&self) -> String {
        format!("{}/versions/", self.stem)
    }

    fn journal_folder(&self) -> String {
        format!("{}/journal/", self.stem)
    }

    pub(super) async fn read(&self) -> Result<Option<Found>, StateError> {
        let found = self.objects.get(&self.state_key()).await;
        let found = found.map_err(|source| StateError::Read {
            place: self.place(),
            source,
        })?;
        Ok(found.map(|object| Found {
            bytes: object.bytes.to_vec(),
            tag: object.tag,
        }))
    }

    pub(super) async fn replace(
        &self,
        bytes: &[u8],
        serial: u64,
        instead_of: Option<&Found>,
    ) -> Result<(), StateError> {
        let failed = |source| StateError::Save {
            place: self.place(),
            source,
        };
        if !self.is_ours().await.map_err(failed)? {
            return Err(StateError::Journal(taken_over()));
        }
        // What is damaged is no version: whoever replaces it keeps it elsewhere. A serial may be passed over.
        let replaced = instead_of
            .and_then(|found| State::decode(&found.bytes).ok())
            .map(|state| state.serial)
            .filter(|replaced| *replaced < serial);
        let condition = match instead_of {
            None => Condition::Absent,
            Some(Found { bytes, tag }) => {
                // Before it is replaced. Should somebody else have replaced it, it is a version of his as well.
                if let Some(replaced) = replaced {
                    self.objects
                        .put(&version_key(&self.versions_folder(), replaced), bytes)
                        .await
                        .map_err(failed)?;
                }
                Condition::Tagged(tag)
            }
        };
        let bytes = Bytes::copy_from_slice(bytes);
        let put = self
            .objects
            .put_if(&self.state_key(), bytes, condition, PATIENCE)
            .await
            .map_err(failed)?;
        match put {
            Put::Done(_) => {
                self.prune().await;
                Ok(())
            }
            Put::Refused(other) => {
                let expected = replaced.unwrap_or(serial.saturating_sub(1));
                Err(self.moved(expected, other.as_ref().map(|o| &*o.bytes)))
            }
        }
    }

    /// What became of the state that was to be replaced.
    fn moved(&self, expected: u64, other: Option<&[u8]>) -> StateError {
        let place = self.place();
        match other.map(State::decode).transpose() {
            Ok(state) => StateError::Moved {
                place,
                expected,
                found: state.map_or(0, |state| state.serial),
            },
            Err(source) => StateError::Damaged { place, source },
        }
    }

    /// Removes the oldest versions. What goes wrong loses nothing.
    async fn prune(&self) {
        let Ok(versions) = self.kept_versions().await else {
            return;
        };
        for version in versions.iter().skip(KEPT_VERSIONS) {
            let key = version_key(&self.versions_folder(), version.serial);
            if let Err(error) = self.objects.delete(&key).await {
                tracing::warn!(%error, key, "an old version of the state could not be removed");
            }
        }
    }

    /// The replaced states that are kept, the newest first.
    async fn kept_versions(&self) -> io::Result<Vec<Version>> {
        let mut versions: Vec<Version> = self
            .objects
            .list(&self.versions_folder())
            .await?
            .into_iter()
            .filter_map(|listed| {
                Some(Version {
                    serial: listed.name.strip_suffix(".json")?.parse().ok()?,
                    saved_at: listed.modified,
                    bytes: listed.bytes,
                })
            })
            .collect();
        versions.sort_by_key(|version| std::cmp::Reverse(version.serial));
        Ok(versions)
    }

    pub(super) async fn versions(&self) -> Result<Vec<Version>, StateError> {
        let versions = self.kept_versions().await;
        versions.map_err(|source| StateError::Read {
            place: self.objects.place(&self.versions_folder()),
            source,
        })
    }

    pub(super) async fn version(&self, serial: u64) -> Result<Option<Vec<u8>>, StateError> {
        let key = version_key(&self.versions_folder(), serial);
        match self.objects.get(&key).await {
            Ok(found) => Ok(found.map(|object| object.bytes.to_vec())),
            Err(source) => Err(StateError::Read {
                place: self.objects.place(&key),
                source,
            }),
        }
    }

    pub(super) async fn put_new(&self, name: &str, bytes: &[u8]) -> io::Result<bool> {
        let bytes = Bytes::copy_from_slice(bytes);
        let put = self
            .objects
            .put_if(name, bytes, Condition::Absent, PATIENCE);
        Ok(matches!(put.await?, Put::Done(_)))
    }

    pub(super) async fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.objects.put(name, bytes).await
    }

    pub(super) async fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let found = self.objects.get(name).await?;
        Ok(found.map(|object| object.bytes.to_vec()))
    }

    /// Tries out whether the server checks conditions: two writes that it must refuse. A server that does not know them
    /// takes both, and on such a one no lock keeps anybody out.
    async fn check_conditions(&self) -> Result<(), LockError> {
        // The first time there is none, and the first write succeeds.
        if !self.refuses(Condition::Absent).await? && !self.refuses(Condition::Absent).await? {
            return Err(self.unconditional("If-None-Match"));
        }
        if self.refuses(Condition::Tagged(NO_TAG)).await? {
            Ok(())
        } else {
            Err(self.unconditional("If-Match"))
        }
    }

    /// Whether the server refuses to write an object on a condition.
    async fn refuses(&self, condition: Condition<'_>) -> Result<bool, LockError> {
        let key = format!("{}/conditions", self.stem);
        let bytes = Bytes::from_static(
            b"Sitewright tries out here whether the server checks conditions of writes.\n",
        );
        match self.objects.settled(&key, &bytes, condition).await {
            Ok(attempt) => Ok(matches!(attempt, Attempt::Refused)),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
            Err(source) => Err(self.lock_failed(source)),
        }
    }

    fn unconditional(&self, condition: &'static str) -> LockError {
        LockError::Unconditional {
            place: self.objects.place(""),
            condition,
        }
    }

    fn lock_failed(&self, source: io::Error) -> LockError {
        LockError::Store {
            place: self.objects.place(&self.lock_key()),
            source,
        }
    }
}

fn taken_over() -> JournalError {
    JournalError::LeaseLost {
        why: "another process took it over".to_owned(),
    }
}

fn version_key(folder: &str, serial: u64) -> String {
    format!("{folder}{serial:08}.json")
}
