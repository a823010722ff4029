//! The journal's file: reads all of it, cuts off a torn end, adds lines.
//!
//! I/O: `<folder>/<platform>.journal.jsonl`. A line is on the disk before [`Journal::append`] returns. Reading never
//! changes the file, since another process may be in the middle of a write; opening it for writing does, and is for
//! the holder of the state's lock only.

#![expect(clippy::disallowed_methods, reason = "keeps the journal's file")]

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};

use super::name::file_stem;
use super::{Entry, Fact, JournalError, LineError};
use crate::model::RunId;

/// The end of a journal that a crash in the middle of a write left behind: no whole record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// Which file.
    pub path: PathBuf,
    /// Which line, from 1.
    pub line: u64,
    /// How many bytes of it were written.
    pub bytes: u64,
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {} of the journal `{}` is the start of a record that a run did not come to finish ({} bytes)",
            self.line,
            self.path.display(),
            self.bytes
        )
    }
}

/// What a journal holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Records after the one asked for, in order.
    pub entries: Vec<Entry>,
    /// The number of the last record of all; 0 where there is none.
    pub last: u64,
    /// A torn end, left where it is.
    pub torn: Option<Torn>,
}

/// The file of a platform's journal.
#[must_use]
pub fn journal_path(folder: &Path, platform: &str) -> PathBuf {
    folder.join(format!("{}.journal.jsonl", file_stem(platform)))
}

/// Reads the records of a journal that come after number `after`; no file is no record.
///
/// # Errors
/// `Read`, `Damaged` (any line but a torn last one) and `Newer`.
pub fn read(folder: &Path, platform: &str, after: u64) -> Result<Reading, JournalError> {
    let mut entries = Vec::new();
    let scan = scan(&journal_path(folder, platform), |entry| {
        if entry.sequence > after {
            entries.push(entry);
        }
    })?;
    Ok(Reading {
        entries,
        last: scan.last,
        torn: scan.torn,
    })
}

/// A journal that records are added to.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// None until the first record creates it.
    file: Option<File>,
    last: u64,
    torn: Option<Torn>,
    broken: bool,
}

impl Journal {
    /// Opens a platform's journal to add to it; numbers go on after its last record and after `after`.
    ///
    /// A torn end is cut off, with a warning in the log and in [`Journal::torn`].
    ///
    /// # Assumptions
    /// The caller holds the lock of the state. `after` is the state's `journal_sequence`: should the journal be lost,
    /// no number is given out twice.
    ///
    /// # Errors
    /// Those of [`read`], and `Open`.
    pub fn open(folder: &Path, platform: &str, after: u64) -> Result<Self, JournalError> {
        let path = journal_path(folder, platform);
        let scan = scan(&path, |_| {})?;
        let journal = Self {
            file: None,
            last: scan.last.max(after),
            torn: scan.torn,
            broken: false,
            path,
        };
        if let Some(torn) = &journal.torn {
            tracing::warn!(line = torn.line, bytes = torn.bytes, path = %torn.path.display(), "cut the torn end of the journal off");
            journal.mend(|file| file.set_len(scan.whole))?;
        } else if scan.unfinished {
            // The record is whole, only its line feed is missing: what it says happened.
            journal.mend(|mut file| {
                io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
                file.write_all(b"\n")
            })?;
        }
        Ok(journal)
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
                path: self.path.clone(),
                source,
            })
    }

    /// Adds a fact and brings it to the disk before it returns.
    ///
    /// After an error nothing more is added: what the file ends with is not known until it is opened again.
    ///
    /// # Errors
    /// `Append`, and `Broken` after one.
    pub fn append(
        &mut self,
        run: &RunId,
        at: jiff::Timestamp,
        fact: Fact,
    ) -> Result<(), JournalError> {
        self.add(run, at, fact, true)
    }

    /// Appends one fact that nothing on the server depends on: it is on disk once the next [`Self::append`] returns.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_with_next(
        &mut self,
        run: &RunId,
        at: jiff::Timestamp,
        fact: Fact,
    ) -> Result<(), JournalError> {
        self.add(run, at, fact, false)
    }

    fn add(
        &mut self,
        run: &RunId,
        at: jiff::Timestamp,
        fact: Fact,
        sync: bool,
    ) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken {
                path: self.path.clone(),
            });
        }
        let entry = Entry {
            format_version: Entry::FORMAT_VERSION,
            run: run.clone(),
            sequence: self.last + 1,
            at: at.to_string(),
            fact,
        };
        match self.write(&entry, sync) {
            Ok(()) => {
                self.last = entry.sequence;
                Ok(())
            }
            Err(source) => {
                self.broken = true;
                Err(JournalError::Append {
                    path: self.path.clone(),
                    source,
                })
            }
        }
    }

    fn write(&mut self, entry: &Entry, sync: bool) -> io::Result<()> {
        let line = entry.encode()?;
        let file = match &mut self.file {
            Some(file) => file,
            unopened @ None => unopened.insert(create(&self.path)?),
        };
        file.write_all(&line)?;
        if sync { file.sync_data() } else { Ok(()) }
    }

    /// The number of the last record; 0 where there is none.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.last
    }

    /// The torn end that was cut off when the journal was opened.
    #[must_use]
    pub fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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

/// Brings the entries of a folder to the disk. Windows knows no such thing and keeps them by itself.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        File::open(folder)?.sync_all()
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}

#[derive(Default)]
struct Scan {
    last: u64,
    /// How many bytes whole lines take.
    whole: u64,
    /// Whether the last line is a whole record without its line feed.
    unfinished: bool,
    torn: Option<Torn>,
}

/// Reads every line and judges it; what is read grows by a line at a time.
fn scan(path: &Path, mut each: impl FnMut(Entry)) -> Result<Scan, JournalError> {
    let unreadable = |source| JournalError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Scan::default()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut reader = BufReader::new(file);
    let mut scan = Scan::default();
    let mut buffer = Vec::new();
    let mut number = 0_u64;
    let mut before: Option<(RunId, u64)> = None;
    loop {
        buffer.clear();
        let length = reader.read_until(b'\n', &mut buffer).map_err(unreadable)?;
        if length == 0 {
            return Ok(scan);
        }
        let bytes = u64::try_from(length).unwrap_or(u64::MAX);
        number += 1;
        let ended = buffer.last() == Some(&b'\n');
        let last = !ended || reader.fill_buf().map_err(unreadable)?.is_empty();
        match Entry::decode(&buffer).and_then(|entry| in_order(entry, before.as_ref())) {
            Ok(entry) => {
                scan.last = entry.sequence;
                scan.whole += bytes;
                scan.unfinished = !ended;
                before = Some((entry.run.clone(), entry.sequence));
                each(entry);
            }
            // A file system may bring the length to the disk before the bytes: then zeros stand in their place.
            Err(LineError::Shape(_)) if last && (!ended || buffer.contains(&0)) => {
                scan.torn = Some(Torn {
                    path: path.to_owned(),
                    line: number,
                    bytes,
                });
                return Ok(scan);
            }
            Err(source @ LineError::Newer { .. }) => {
                return Err(JournalError::Newer {
                    path: path.to_owned(),
                    line: number,
                    source,
                });
            }
            Err(source) => {
                return Err(JournalError::Damaged {
                    path: path.to_owned(),
                    line: number,
                    source,
                });
            }
        }
    }
}

/// Numbers go up by one. A new run may skip some: the state can be ahead of a journal that was put back from a copy.
fn in_order(entry: Entry, before: Option<&(RunId, u64)>) -> Result<Entry, LineError> {
    let Some((run, sequence)) = before else {
        return Ok(entry);
    };
    let expected = sequence + 1;
    if entry.sequence == expected || (entry.sequence > expected && entry.run != *run) {
        Ok(entry)
    } else {
        Err(LineError::Sequence {
            expected,
            found: entry.sequence,
        })
    }
}
