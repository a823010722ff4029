//! What the program works with: a platform's state, brought up to date from its journal, saved by compare and swap.
//!
//! I/O, through the [`Backend`]. The same for every store: what is told apart below is where bytes go, not what they
//! mean. A state that cannot be read as one is never replaced.

#![expect(
    clippy::disallowed_methods,
    reason = "waits for a lock for as long as it was told to"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::Instant;

use super::backend::{Backend, Broken, Found, Version};
use super::error::{LockError, StateError};
use super::file::FileBackend;
use super::fold::{ahead, folded, of_journal, rebuilt, stood_on};
use super::format::{FormatError, MovedAway, State};
use super::journal::Journal;
use super::kept::Kept;
use super::lock::Lock;
#[cfg(feature = "postgres")]
use super::postgres::{Postgres, PostgresBackend};
#[cfg(feature = "s3")]
use super::s3::{S3Backend, S3Error, S3Options};
use super::under_way::UnderWay;
use crate::journal::{Entry, Fact, Head, JournalError, Scan, TornLine};
use crate::model::{Holder, Memory, Platform};

/// How often a lock that somebody holds is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// The store of one platform's state and journal.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) backend: Arc<Backend>,
    /// What was begun and is not over yet.
    pub(super) under_way: UnderWay,
    /// Where a workspace declares it, for people.
    pub(super) declared: Option<Arc<str>>,
}

/// A state with the facts of the journal that was saved without them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The state. Of a state that was never saved the lineage may be empty.
    pub state: State,
    /// How many records of the journal were folded in.
    pub replayed: usize,
    /// Where the journal ends in the middle of a record.
    pub torn: Option<TornLine>,
    /// What it was made of: [`Memory::Known`], [`Memory::Ahead`] or [`Memory::Journal`].
    pub memory: Memory,
}

/// Records, and the end of the journal that they were read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) entries: Vec<Entry>,
    pub(super) scan: Scan,
}

impl Store {
    /// The files of a platform in a folder, by its name in the workspace. Nothing is read or written yet.
    #[must_use]
    pub fn file(folder: &Path, platform: &str) -> Self {
        Self::over(Backend::File(FileBackend::new(folder, platform)))
    }

    fn over(backend: Backend) -> Self {
        Self {
            backend: Arc::new(backend),
            under_way: UnderWay::default(),
            declared: None,
        }
    }

    /// The same; `workspace` is the file whose `state` it is.
    #[must_use]
    pub fn declared_in(self, workspace: &Path) -> Self {
        Self {
            declared: Some(format!("the `state` of `{}`", workspace.display()).into()),
            ..self
        }
    }

    /// How a workspace declares it, for people; `None` where nobody said.
    #[must_use]
    pub fn declaration(&self) -> Option<String> {
        let declared = self.declared.as_deref().map(ToOwned::to_owned);
        self.backend.declaration().or(declared)
    }

    /// The rows of a platform in a PostgreSQL database, by its name in the workspace. Nothing is asked yet.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn postgres(database: &Postgres, platform: &str) -> Self {
        let backend = PostgresBackend::new(database, platform);
        Self::over(Backend::Postgres(Arc::new(backend)))
    }

    /// The objects of a platform in a bucket. Nothing is read or written yet.
    ///
    /// # Errors
    /// Where what is said of the bucket cannot be used.
    #[cfg(feature = "s3")]
    pub fn s3(options: &S3Options, platform: &str) -> Result<Self, S3Error> {
        let backend = S3Backend::new(options, platform)?;
        Ok(Self::over(Backend::S3(Box::new(backend))))
    }

    /// Where it is, for people: a file, or an address without a secret.
    #[must_use]
    pub fn place(&self) -> String {
        self.backend.place()
    }

    /// Keeps every other process from writing the state and the journal.
    ///
    /// # Errors
    /// `Held`, with who holds it, where it was not free within `wait`. `MovedAway` where the state is elsewhere now.
    pub async fn lock(&self, holder: &Holder, wait: Duration) -> Result<Lock, LockError> {
        let begun = Instant::now();
        loop {
            match self.backend.try_lock(holder).await {
                Err(LockError::Held { .. }) if begun.elapsed() < wait => {
                    tokio::time::sleep(RETRY.min(wait.saturating_sub(begun.elapsed()))).await;
                }
                Ok(lock) => {
                    let under_way = self.under_way.clone();
                    return self.at_home(Lock { under_way, ..lock }).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Frees a lock at once where the state was moved to another store.
    async fn at_home(&self, lock: Lock) -> Result<Lock, LockError> {
        // What cannot be read is told by whoever reads it.
        let found = self.backend.read().await.ok().flatten();
        match found.and_then(|found| MovedAway::to(&found.bytes)) {
            Some((to, declare)) => {
                lock.release().await;
                Err(LockError::MovedAway {
                    platform: self.backend.stem().to_owned(),
                    to,
                    declare,
                })
            }
            None => Ok(lock),
        }
    }

    /// Frees the lock whoever has it, where that can be done: a lease can be ended, the lock of a file goes with its
    /// process only.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    pub async fn break_lock(&self) -> Result<Broken, LockError> {
        self.backend.break_lock().await
    }

    /// Reads the state as it was saved; `None` where none ever was.
    ///
    /// # Errors
    /// `Read`, `Damaged` and `Newer`.
    pub async fn read(&self) -> Result<Option<State>, StateError> {
        let found = self.backend.read().await?;
        found.map(|found| self.decode(&found.bytes)).transpose()
    }

    pub(super) fn decode(&self, bytes: &[u8]) -> Result<State, StateError> {
        State::decode(bytes).map_err(|source| match source {
            FormatError::Newer { .. } => StateError::Newer {
                place: self.place(),
                source,
            },
            FormatError::Moved { to, declare } => StateError::MovedAway {
                place: self.place(),
                to,
                declare,
            },
            source => StateError::Damaged {
                place: self.place(),
                source,
            },
        })
    }

    pub(super) async fn reading(&self, after: u64) -> Result<Reading, JournalError> {
        let mut entries = Vec::new();
        let scan = self
            .backend
            .records(after, &mut |entry| entries.push(entry))
            .await?;
        Ok(Reading { entries, scan })
    }

    /// Every fact of the journal, in order.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn facts(&self) -> Result<Vec<Fact>, JournalError> {
        let entries = self.since(0).await?.into_iter();
        Ok(entries.map(|entry| entry.fact).collect())
    }

    /// The records that the journal holds beyond number `sequence`.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn since(&self, sequence: u64) -> Result<Vec<Entry>, JournalError> {
        Ok(self.reading(sequence).await?.entries)
    }

    /// Reads the state and folds in what the journal knows beyond it. Changes nothing.
    ///
    /// Without a state it is made of the whole journal: a first run that died left one, and so does somebody who
    /// moved a damaged state away. `None` where there is neither.
    ///
    /// # Errors
    /// Those of [`Store::read`] and of the journal; `OtherPlatform` and `OtherLineage` where the journal does not
    /// belong to the state.
    pub async fn load(&self) -> Result<Option<Loaded>, StateError> {
        let saved = self.read().await?;
        let after = saved.as_ref().map_or(0, |state| state.journal_sequence);
        let Reading { entries, scan } = self.reading(after).await?;
        let known = saved.is_some();
        let Some(state) = saved.or_else(|| rebuilt(&entries)) else {
            return Ok(None);
        };
        self.belongs(known.then_some(&state), &entries)?;
        let memory = if known {
            ahead(&state, &scan.head)
        } else {
            of_journal(&state, &entries)
        };
        let (state, replayed) = folded(state, entries, &scan.head);
        Ok(Some(Loaded {
            state,
            replayed,
            torn: scan.torn,
            memory,
        }))
    }

    /// Saves `state`, whose serial must be one more than that of the one that was saved last.
    ///
    /// # Guarantees
    /// After an error the old state is there as it was, or, where only the error came back, the new one. Saving the very
    /// state that is there already is no error.
    ///
    /// # Assumptions
    /// The caller holds the lock.
    ///
    /// # Errors
    /// Those of [`Store::read`] for the state that is there: a damaged one is never replaced. `OtherPlatform`,
    /// `OtherLineage`, `Moved` where it is not the one that `state` follows. `Save`.
    pub async fn save(&self, state: &State) -> Result<(), StateError> {
        let found = self.backend.read().await?;
        let before = found
            .as_ref()
            .map(|found| self.decode(&found.bytes))
            .transpose()?;
        self.replace(state, before.as_ref(), found.as_ref()).await
    }

    async fn replace(
        &self,
        state: &State,
        before: Option<&State>,
        found: Option<&Found>,
    ) -> Result<(), StateError> {
        if let Some(before) = before {
            let same = State {
                checksum: before.checksum.clone(),
                ..state.clone()
            } == *before;
            if same {
                return Ok(());
            }
            match self.follows(state, before) {
                Err(_) if self.was_replaced(state, before).await? => {}
                Err(_) if self.was_put_back(state, before).await? => {}
                judged => judged?,
            }
        }
        self.put(state, found).await
    }

    /// Whether a state is the next one of the same line.
    fn follows(&self, state: &State, before: &State) -> Result<(), StateError> {
        let place = self.place();
        same_platform(&place, &state.platform, &before.platform)?;
        same_lineage(&place, &state.lineage, &before.lineage)?;
        if before.serial.checked_add(1) == Some(state.serial) {
            return Ok(());
        }
        Err(StateError::Moved {
            place,
            expected: state.serial.saturating_sub(1),
            found: before.serial,
        })
    }

    /// Whether the journal says that somebody put a state of another line in the place of this one, and died before it
    /// was saved.
    async fn was_replaced(&self, state: &State, before: &State) -> Result<bool, StateError> {
        let Reading { entries, scan: _ } = self.reading(before.journal_sequence).await?;
        let put = entries.iter().rev().find_map(|entry| match &entry.fact {
            Fact::StateReplaced {
                platform, lineage, ..
            } => Some((platform, lineage)),
            _ => None,
        });
        Ok(state.serial > before.serial
            && put.is_some_and(|(platform, lineage)| {
                platform.server == state.platform.server && *lineage == state.lineage
            }))
    }

    /// Whether the state that is there is an older one of the same line, which somebody put back: the journal has runs that
    /// stood on later ones, and `state` follows those.
    async fn was_put_back(&self, state: &State, before: &State) -> Result<bool, StateError> {
        let same = state.lineage == before.lineage
            && state.platform.server == before.platform.server
            && state.serial > before.serial;
        if !same {
            return Ok(false);
        }
        let Reading { entries, scan: _ } = self.reading(before.journal_sequence).await?;
        Ok(stood_on(&entries) > before.serial)
    }

    /// Saves a state in the place of what was found, whatever that is.
    pub(super) async fn put(&self, state: &State, found: Option<&Found>) -> Result<(), StateError> {
        let bytes = state.encode().map_err(|error| StateError::Save {
            place: self.place(),
            source: error.into(),
        })?;
        let (backend, serial, found) = (Arc::clone(&self.backend), state.serial, found.cloned());
        let replaced = self
            .under_way
            .run(async move { backend.replace(&bytes, serial, found.as_ref()).await }.boxed())
            .await;
        replaced.unwrap_or_else(|panicked| {
            Err(StateError::Save {
                place: self.place(),
                source: std::io::Error::other(panicked),
            })
        })
    }

    /// Opens the journal to add to it, for as long as the lock is ours.
    ///
    /// # Errors
    /// Those of reading the journal, and `Open`. A state that cannot be read is the error of loading it, not of this.
    pub async fn journal(&self, lock: &Lock) -> Result<Journal, JournalError> {
        // The state can be ahead of a journal that was lost: numbers go on after both, or new facts would be taken
        // for ones that the state holds already.
        let after = self
            .read()
            .await
            .ok()
            .flatten()
            .map_or_else(Head::default, |state| state.head());
        self.open_journal(lock, after).await
    }

    pub(super) async fn open_journal(
        &self,
        lock: &Lock,
        after: Head,
    ) -> Result<Journal, JournalError> {
        let (backend, under_way) = (Arc::clone(&self.backend), self.under_way.clone());
        Journal::open(backend, lock.lease().clone(), under_way, after).await
    }

    /// What the journal says of a file that kept the XML of an item, by the file's name, the newest where two share one;
    /// and what is in it.
    ///
    /// # Errors
    /// Where the journal or the file cannot be read.
    pub async fn kept_item(&self, name: &str) -> Result<Option<(Kept, String)>, StateError> {
        let wanted = format!("backups/{}/{name}", self.backend.stem());
        let entries = self.since(0).await?;
        let kept = entries
            .into_iter()
            .rev()
            .find_map(|entry| match entry.fact {
                Fact::ItemKept { item, file, sha256 } if file == wanted => {
                    Some(Kept { item, file, sha256 })
                }
                _ => None,
            });
        let Some(kept) = kept else {
            return Ok(None);
        };
        let unread = |source| StateError::Read {
            place: format!("{} ({wanted})", self.place()),
            source,
        };
        let bytes = self.backend.get(&kept.file).await.map_err(unread)?;
        let xml = String::from_utf8(bytes.unwrap_or_default())
            .map_err(|error| unread(std::io::Error::other(error)))?;
        Ok(Some((kept, xml)))
    }

    /// Folds in what the journal gained since `base` was loaded and saves the state with the next serial.
    ///
    /// Nothing is written where the state that was saved says all of it already.
    ///
    /// # Assumptions
    /// The caller holds the lock, and has since before it loaded `base`. `base` has a lineage.
    ///
    /// # Errors
    /// Those of [`Store::load`] and [`Store::save`].
    pub async fn settle(&self, base: State) -> Result<State, StateError> {
        let Reading { entries, scan } = self.reading(base.journal_sequence).await?;
        self.belongs(Some(&base), &entries)?;
        let (mut state, _) = folded(base, entries, &scan.head);
        let found = self.backend.read().await?;
        let before = found
            .as_ref()
            .map(|found| self.decode(&found.bytes))
            .transpose()?;
        if let Some(before) = &before {
            state.checksum.clone_from(&before.checksum);
            if state == *before {
                return Ok(state);
            }
        }
        // Versions of a state that is lost keep their numbers.
        let kept = match &found {
            None => self.newest_kept().await?,
            Some(_) => 0,
        };
        state.serial = state.serial.max(kept).saturating_add(1);
        self.replace(&state, before.as_ref(), found.as_ref())
            .await?;
        Ok(state)
    }

    /// The versions of the state that are kept beside the one that was saved last, the newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn versions(&self) -> Result<Vec<Version>, StateError> {
        self.backend.versions().await
    }

    /// The serial of the newest version that is kept; 0 where none is.
    pub(super) async fn newest_kept(&self) -> Result<u64, StateError> {
        let versions = self.versions().await?;
        Ok(versions.first().map_or(0, |version| version.serial))
    }

    /// A version that is kept.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn version(&self, serial: u64) -> Result<Option<State>, StateError> {
        let bytes = self.backend.version(serial).await?;
        bytes.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// Keeps what was read of the server last, for a plan that is made without reading it. It may be lost at any time.
    ///
    /// # Errors
    /// Where it cannot be kept, which stops nothing.
    pub async fn keep_snapshot(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.backend.put(&self.snapshot_name(), bytes).await
    }

    /// What was read of the server last, where it is kept.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn snapshot(&self) -> std::io::Result<Option<Vec<u8>>> {
        self.backend.get(&self.snapshot_name()).await
    }

    fn snapshot_name(&self) -> String {
        format!("snapshots/{}", self.backend.stem())
    }

    /// Whether the runs that wrote these entries went to one platform and stood on one line of states: that of `state`,
    /// where there is one. Where a state was put in place by hand, what follows belongs to that one.
    pub(super) fn belongs(
        &self,
        state: Option<&State>,
        entries: &[Entry],
    ) -> Result<(), StateError> {
        let place = self.backend.journal_place();
        let mut current: Option<(&Platform, &str)> =
            state.map(|state| (&state.platform, state.lineage.as_str()));
        for entry in entries {
            match &entry.fact {
                Fact::RunStarted {
                    platform, lineage, ..
                } => {
                    let (expected, known) = current.unwrap_or((platform, lineage));
                    same_platform(&place, expected, platform)?;
                    // The first run has no lineage to tell, and a first state none before it is saved.
                    if !lineage.is_empty() && !known.is_empty() {
                        same_lineage(&place, known, lineage)?;
                    }
                    current = Some((expected, if known.is_empty() { lineage } else { known }));
                }
                Fact::StateReplaced {
                    platform, lineage, ..
                } => current = Some((platform, lineage)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn same_platform(place: &str, expected: &Platform, found: &Platform) -> Result<(), StateError> {
    if expected.server == found.server {
        Ok(())
    } else {
        Err(StateError::OtherPlatform {
            place: place.to_owned(),
            expected: Box::new(expected.clone()),
            found: Box::new(found.clone()),
        })
    }
}

fn same_lineage(place: &str, expected: &str, found: &str) -> Result<(), StateError> {
    if expected == found {
        Ok(())
    } else {
        Err(StateError::OtherLineage {
            place: place.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        })
    }
}
