//! One writer at a time: an OS lock on `<platform>.lock`, and who holds it.
//!
//! I/O. The system frees the lock when its holder dies, so none is ever stale. The holder's note stands in
//! `<platform>.lock.txt`, a file of its own: Windows lets nobody read a file that another process has locked.
//! Without a lock the note means nothing. The lock file stays; removing it would let two processes lock two files.

#![expect(clippy::disallowed_methods, reason = "locks the state")]

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::error::LockError;
use crate::journal::file_stem;

/// The lock of one platform's state; dropping it frees it.
#[derive(Debug)]
#[must_use = "the lock is free again as soon as this is dropped"]
pub struct Lock {
    note: PathBuf,
    // Closed after the note is gone: the other way round the note removed could be that of the next holder.
    _file: File,
}

impl Lock {
    /// Takes the lock, or tells who has it.
    pub(super) fn take(folder: &Path, platform: &str, note: &str) -> Result<Self, LockError> {
        let stem = file_stem(platform);
        let path = folder.join(format!("{stem}.lock"));
        let note_path = folder.join(format!("{stem}.lock.txt"));
        let failed = |path: &Path, source| LockError::Io {
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failed(&path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // In the moment before the holder has written it there is none, or that of one who died.
                let note = std::fs::read_to_string(&note_path).unwrap_or_default();
                return Err(LockError::Held {
                    platform: platform.to_owned(),
                    holder: match note.trim() {
                        "" => "another process".into(),
                        note => note.to_owned(),
                    },
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(&path, error)),
        }
        std::fs::write(&note_path, note).map_err(|error| failed(&note_path, error))?;
        Ok(Self {
            note: note_path,
            _file: file,
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A note that stays behind is overwritten by the next holder.
        let _ = std::fs::remove_file(&self.note);
    }
}
