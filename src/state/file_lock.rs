//! The lock of a state in files: one of the operating system, which goes with its process however that ends.
//!
//! I/O. The lock is on `<platform>.lock`, which stays, since removing it would let two processes lock two files. Who holds
//! it stands in `<platform>.lock.json`, for nobody else may read a file that another process has locked.
//!
//! Whoever wants the lock has its turn first, a lock on the note for as long as it takes to find out whether the other
//! is free, and to write down or to read who has it. So the note of a holder that died is replaced before anybody else
//! looks at it: whoever finds the lock held reads the note of that very holder, or none.

#![expect(clippy::disallowed_methods, reason = "locks files, and waits for them")]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::backend::Broken;
use super::error::LockError;
use super::file::FileBackend;
use super::lock::{Kind, Lease, Lock};
use super::under_way::UnderWay;
use crate::model::Holder;

/// How long a turn is waited for. It takes no longer than to write a few bytes, unless its process was stopped in it.
const TURN: Duration = Duration::from_secs(1);

/// How often it is asked for.
const AGAIN: Duration = Duration::from_millis(5);

/// A lock of the operating system on a file; dropping it frees it.
#[derive(Debug)]
pub(super) struct FileLock {
    note: PathBuf,
    // Closed after the note was emptied, which is its own until then.
    _file: File,
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // A note that stays behind means nothing.
        if let Ok(Some(turn)) = Turn::take(&self.note) {
            let _ = turn.0.set_len(0);
        }
    }
}

/// The turn at a lock: nobody else finds out about it meanwhile, or writes or reads whose it is. Dropping it ends it.
struct Turn(File);

impl Turn {
    /// Waits for a turn; `None` where somebody else does not end theirs.
    fn take(note: &Path) -> io::Result<Option<Self>> {
        let file = open(note)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self(file))),
                Err(TryLockError::WouldBlock) if begun.elapsed() < TURN => {
                    std::thread::sleep(AGAIN);
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Who the note says has the lock.
    fn read(&self) -> Option<Holder> {
        let mut text = Vec::new();
        (&self.0).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes down who has it.
    fn write(&self, holder: &Holder) -> io::Result<()> {
        let text = serde_json::to_vec(holder)?;
        self.0.set_len(0)?;
        (&self.0).rewind()?;
        (&self.0).write_all(&text)
    }
}

/// Opens a file, a new one where there is none.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

impl FileBackend {
    pub(super) fn try_lock(&self, holder: &Holder) -> Result<Lock, LockError> {
        let path = self.folder.join(format!("{}.lock", self.stem));
        let note = self.folder.join(format!("{}.lock.json", self.stem));
        let failed = |path: &Path, source| LockError::Io {
            place: path.display().to_string(),
            source,
        };
        let held = |holder: Option<Holder>| LockError::Held {
            platform: self.platform.clone(),
            holder: holder.map(Box::new),
        };
        std::fs::create_dir_all(&self.folder).map_err(|error| failed(&self.folder, error))?;
        let turn = Turn::take(&note).map_err(|error| failed(&note, error))?;
        // Somebody who was stopped in the middle of taking it.
        let Some(turn) = turn else {
            return Err(held(None));
        };
        let file = open(&path).map_err(|error| failed(&path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(turn.read())),
            Err(TryLockError::Error(error)) => return Err(failed(&path, error)),
        }
        turn.write(holder).map_err(|error| failed(&note, error))?;
        Ok(Lock {
            kind: Kind::File(FileLock { note, _file: file }),
            lease: Lease::default(),
            taken_over: None,
            under_way: UnderWay::default(),
        })
    }

    /// A lock of the operating system ends with its process: one that is held belongs to somebody alive.
    pub(super) fn break_lock(&self) -> Result<Broken, LockError> {
        let nobody = Holder {
            who: String::new(),
            host: String::new(),
            process: 0,
            purpose: "unlock".into(),
            run: String::new(),
            since: String::new(),
        };
        match self.try_lock(&nobody) {
            // The note of somebody who died went with this, too.
            Ok(lock) => {
                drop(lock);
                Ok(Broken::Free)
            }
            Err(LockError::Held { holder, .. }) => Ok(Broken::Alive(holder.map(|holder| *holder))),
            Err(error) => Err(error),
        }
    }
}
