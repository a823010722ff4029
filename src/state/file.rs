//! The state's file: `<folder>/<platform>.state.json`, read, replaced, brought up to date from the journal.
//!
//! I/O. Saving writes a new file, brings it to the disk, renames it and brings the folder to the disk: at every moment
//! one whole state stands there. A file that cannot be read as a state is never replaced.

#![expect(clippy::disallowed_methods, reason = "keeps the state's file")]

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::{LockError, StateError};
use super::format::{FormatError, State};
use super::lock::Lock;
use crate::journal::{
    self, Entry, Fact, Journal, JournalError, Kept, file_stem, journal_path, replay, sync_folder,
};
use crate::model::{Ownership, Platform};

/// The files of one platform's state in a folder, which need not exist before something is saved.
#[derive(Debug, Clone)]
pub struct FileStore {
    folder: PathBuf,
    platform: String,
    path: PathBuf,
}

/// A state with the facts of the journal that the file does not hold yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The state. Of a state that was never saved the lineage may be empty.
    pub state: State,
    /// How many records of the journal were folded in.
    pub replayed: usize,
    /// Whether the journal ends in the middle of a record.
    pub torn: bool,
}

impl FileStore {
    /// The store of a platform, by its name in the workspace. Nothing is read or written yet.
    #[must_use]
    pub fn new(folder: &Path, platform: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            platform: platform.to_owned(),
            path: folder.join(format!("{}.state.json", file_stem(platform))),
        }
    }

    /// The file of the state.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps every other process from writing the state and the journal; `note` says who, since when and for what.
    ///
    /// # Errors
    /// `Held`, with the holder's note; it does not wait.
    pub fn lock(&self, note: &str) -> Result<Lock, LockError> {
        Lock::take(&self.folder, &self.platform, note)
    }

    /// Reads the state as it was saved; `None` where there is no file.
    ///
    /// # Errors
    /// `Read`, `Damaged` and `Newer`.
    pub fn read(&self) -> Result<Option<State>, StateError> {
        let path = || self.path.clone();
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(StateError::Read {
                    path: path(),
                    source,
                });
            }
        };
        match State::decode(&bytes) {
            Ok(state) => Ok(Some(state)),
            Err(source @ FormatError::Newer { .. }) => Err(StateError::Newer {
                path: path(),
                source,
            }),
            Err(source) => Err(StateError::Damaged {
                path: path(),
                source,
            }),
        }
    }

    /// Every fact of the journal, in order.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn facts(&self) -> Result<Vec<Fact>, JournalError> {
        let reading = journal::read(&self.folder, &self.platform, 0)?;
        Ok(reading
            .entries
            .into_iter()
            .map(|entry| entry.fact)
            .collect())
    }

    /// Reads the state and folds in what the journal knows beyond it. Changes no file.
    ///
    /// Without a state file it is made of the whole journal: a first run that died left one, and so does somebody who
    /// moved a damaged state away. `None` where there is neither.
    ///
    /// # Errors
    /// Those of [`FileStore::read`] and of the journal; `OtherPlatform` and `OtherLineage` where the journal does not
    /// belong to the state.
    pub fn load(&self) -> Result<Option<Loaded>, StateError> {
        let saved = self.read()?;
        let after = saved.as_ref().map_or(0, |state| state.journal_sequence);
        let reading = journal::read(&self.folder, &self.platform, after)?;
        let Some(state) = saved.or_else(|| rebuilt(&reading.entries)) else {
            return Ok(None);
        };
        self.belongs(&state, &reading.entries)?;
        let torn = reading.torn.is_some();
        let (state, replayed) = folded(state, reading.entries);
        Ok(Some(Loaded {
            state,
            replayed,
            torn,
        }))
    }

    /// Replaces the file by `state`, whose serial must be one more than that in the file.
    ///
    /// # Guarantees
    /// After an error the old file is there as it was, or, where only its folder could not be brought to the disk, the
    /// new one. Saving the very state that is there already is no error.
    ///
    /// # Assumptions
    /// The caller holds the lock.
    ///
    /// # Errors
    /// Those of [`FileStore::read`] for the file that is there: a damaged one is never replaced. `OtherPlatform`,
    /// `OtherLineage`, `Moved` where it is not the one that `state` follows. `Save`.
    pub fn save(&self, state: &State) -> Result<(), StateError> {
        let failed = |source: io::Error| StateError::Save {
            path: self.path.clone(),
            source,
        };
        if let Some(found) = self.read()? {
            same_platform(&self.path, &state.platform, &found.platform)?;
            same_lineage(&self.path, &state.lineage, &found.lineage)?;
            let same = State {
                checksum: found.checksum.clone(),
                ..state.clone()
            } == found;
            if same {
                return sync_folder(&self.folder).map_err(failed);
            }
            if found.serial.checked_add(1) != Some(state.serial) {
                return Err(StateError::Moved {
                    path: self.path.clone(),
                    expected: state.serial.saturating_sub(1),
                    found: found.serial,
                });
            }
        }
        self.replace(state).map_err(failed)
    }

    /// Writes beside the file and renames. One fixed name will do, since one process at a time may save, and what a
    /// crash leaves of it is overwritten by the next.
    fn replace(&self, state: &State) -> io::Result<()> {
        let bytes = state.encode()?;
        std::fs::create_dir_all(&self.folder)?;
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let new = PathBuf::from(name);
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        if let Err(error) = written.and_then(|()| std::fs::rename(&new, &self.path)) {
            // Half a file may take the room that is missing. What went wrong before is what is told.
            let _ = std::fs::remove_file(&new);
            return Err(error);
        }
        sync_folder(&self.folder)
    }

    /// Opens the journal to add to it.
    ///
    /// # Assumptions
    /// The caller holds the lock.
    ///
    /// # Errors
    /// Those of [`Journal::open`]. A state that cannot be read is the error of loading it, not of this.
    pub fn journal(&self) -> Result<Journal, JournalError> {
        // The state can be ahead of a journal that was lost: numbers go on after both, or new facts would be taken
        // for ones that the state holds already.
        let after = self
            .read()
            .ok()
            .flatten()
            .map_or(0, |state| state.journal_sequence);
        Journal::open(&self.folder, &self.platform, after)
    }

    /// What the journal says of a file that kept the XML of an item, by the file's name; and the file itself.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn kept_item(&self, name: &str) -> Result<Option<(Kept, PathBuf)>, JournalError> {
        let kept = journal::kept(&self.folder, &self.platform, name)?;
        Ok(kept.map(|kept| {
            let file = self.folder.join(&kept.file);
            (kept, file)
        }))
    }

    /// Folds in what the journal gained since `base` was loaded and saves the state with the next serial.
    ///
    /// Nothing is written where the file says all of it already.
    ///
    /// # Assumptions
    /// The caller holds the lock, and has since before it loaded `base`. `base` has a lineage.
    ///
    /// # Errors
    /// Those of [`FileStore::load`] and [`FileStore::save`].
    pub fn settle(&self, base: State) -> Result<State, StateError> {
        let reading = journal::read(&self.folder, &self.platform, base.journal_sequence)?;
        self.belongs(&base, &reading.entries)?;
        let (mut state, _) = folded(base, reading.entries);
        if let Some(found) = self.read()? {
            state.checksum.clone_from(&found.checksum);
            if state == found {
                return Ok(found);
            }
        }
        state.serial = state.serial.saturating_add(1);
        self.save(&state)?;
        Ok(state)
    }

    /// What the journal gained after the entry with this number.
    ///
    /// # Errors
    /// Those of reading the journal.
    pub fn since(&self, sequence: u64) -> Result<Vec<Entry>, StateError> {
        Ok(journal::read(&self.folder, &self.platform, sequence)?.entries)
    }

    /// Whether the runs that wrote these entries went to this platform and stood on this state.
    fn belongs(&self, state: &State, entries: &[Entry]) -> Result<(), StateError> {
        let path = journal_path(&self.folder, &self.platform);
        for entry in entries {
            if let Fact::RunStarted {
                platform,
                lineage,
                serial: _,
                plan: _, // any plan's run belongs
            } = &entry.fact
            {
                same_platform(&path, &state.platform, platform)?;
                // The first run has no lineage to tell, and a first state none before it is saved.
                if !lineage.is_empty() && !state.lineage.is_empty() {
                    same_lineage(&path, &state.lineage, lineage)?;
                }
            }
        }
        Ok(())
    }
}

fn same_platform(path: &Path, expected: &Platform, found: &Platform) -> Result<(), StateError> {
    if expected.server == found.server {
        Ok(())
    } else {
        Err(StateError::OtherPlatform {
            path: path.to_owned(),
            expected: Box::new(expected.clone()),
            found: Box::new(found.clone()),
        })
    }
}

fn same_lineage(path: &Path, expected: &str, found: &str) -> Result<(), StateError> {
    if expected == found {
        Ok(())
    } else {
        Err(StateError::OtherLineage {
            path: path.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        })
    }
}

/// The state that the journal's last run stood on, without what it knew: the whole journal is folded into it.
fn rebuilt(entries: &[Entry]) -> Option<State> {
    let mut attested = 0_u64;
    entries.iter().rev().find_map(|entry| match &entry.fact {
        Fact::RunStarted {
            platform,
            lineage,
            serial,
            plan: _, // not what the state is made of
        } => {
            let state = State::new(platform.clone(), lineage.clone(), Ownership::default());
            // A state that was saved and is lost had moved on, by its run and by every attestation after it: no saved
            // plan may fit it again. One that was never saved had not, and an interrupted first plan goes on.
            let serial = if lineage.is_empty() {
                *serial
            } else {
                serial.saturating_add(1).saturating_add(attested)
            };
            Some(State { serial, ..state })
        }
        Fact::Attested { .. } => {
            attested += 1;
            None
        }
        _ => None,
    })
}

fn folded(state: State, entries: Vec<Entry>) -> (State, usize) {
    let replayed = entries.len();
    let journal_sequence = entries
        .last()
        .map_or(state.journal_sequence, |entry| entry.sequence);
    let state = State {
        ownership: replay(state.ownership, entries.into_iter()),
        journal_sequence,
        ..state
    };
    (state, replayed)
}
