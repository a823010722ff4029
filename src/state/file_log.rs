//! The journal's file: `<folder>/<platform>.journal.jsonl`, and the end of it that lines are added to.
//!
//! I/O. A line is on the disk before [`FileLog::append`] returns. Reading never changes the file, since another process
//! may be in the middle of a write; opening its end does, and is for the holder of the state's lock only.

#![expect(clippy::disallowed_methods, reason = "keeps the journal's file")]

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};

use super::file::sync_folder;
use crate::journal::{JournalError, LineError, Scan, ScanError, file_stem, scan};

/// The file of a platform's journal.
#[must_use]
pub fn journal_path(folder: &Path, platform: &str) -> PathBuf {
    folder.join(format!("{}.journal.jsonl", file_stem(platform)))
}

/// The end of a journal's file.
#[derive(Debug)]
pub(super) struct FileLog {
    path: PathBuf,
    /// None until the first record creates it.
    file: Option<File>,
}

impl FileLog {
    /// Opens the end of the file; a torn end is cut off, with a warning in the log.
    ///
    /// # Errors
    /// Those of reading, and `Open`.
    pub(super) fn open(path: &Path) -> Result<(Self, Scan), JournalError> {
        let log = Self {
            path: path.to_owned(),
            file: None,
        };
        let scan = match File::open(path) {
            // Nothing is handed on; only where it ends is looked for.
            Ok(file) => scan(BufReader::new(file), u64::MAX, |_| {})
                .map_err(|error| scan_error(path, error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Scan::default(),
            Err(error) => return Err(scan_error(path, error.into())),
        };
        if let Some(torn) = scan.torn {
            tracing::warn!(line = torn.line, bytes = torn.bytes, path = %path.display(), "cut the torn end of the journal off");
            log.mend(|file| file.set_len(scan.whole))?;
        } else if scan.unfinished {
            // The record is whole, only its line feed is missing: what it says happened.
            log.mend(|mut file| {
                io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
                file.write_all(b"\n")
            })?;
        }
        Ok((log, scan))
    }

    /// Changes the end of the file and brings that to the disk.
    ///
    /// Not through the handle that appends: on Windows that one may not cut.
    fn mend(&self, change: impl FnOnce(&File) -> io::Result<()>) -> Result<(), JournalError> {
        OpenOptions::new()
            .write(true)
            .open(&self.path)
            .and_then(|file| {
                change(&file)?;
                file.sync_all()
            })
            .map_err(|source| JournalError::Open {
                place: self.path.display().to_string(),
                source,
            })
    }

    pub(super) fn append(&mut self, lines: &[u8]) -> Result<(), JournalError> {
        self.write(lines).map_err(|source| JournalError::Append {
            place: self.path.display().to_string(),
            source,
        })
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            unopened @ None => unopened.insert(create(&self.path)?),
        };
        file.write_all(lines)?;
        file.sync_data()
    }
}

/// Opens a file to append to; a new one is in its folder for good before it returns.
fn create(path: &Path) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let new = !path.try_exists()?;
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    if new {
        sync_folder(folder)?;
    }
    Ok(file)
}

/// What is wrong with a journal, said of its place.
pub(super) fn scan_error(path: &Path, error: ScanError) -> JournalError {
    at_place(path.display().to_string(), error)
}

/// The same for any store.
pub(super) fn at_place(place: String, error: ScanError) -> JournalError {
    match error {
        ScanError::Read(source) => JournalError::Read { place, source },
        ScanError::Line {
            line,
            source: source @ LineError::Newer { .. },
        } => JournalError::Newer {
            place,
            line,
            source,
        },
        ScanError::Line { line, source } => JournalError::Damaged {
            place,
            line,
            source,
        },
    }
}
