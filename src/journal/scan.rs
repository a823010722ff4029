//! The lines of a journal: bytes → entries, each judged by the one before it.
//!
//! Pure: it reads from whatever is handed to it. Numbers go up by one, and every line carries the digest of the line
//! before it, so that a record that was changed, taken out or put in is found.

use std::io::{self, BufRead};

use sha2::{Digest as _, Sha256};

use super::{Entry, LineError};
use crate::model::RunId;

/// What a reader finds in a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The last record of all, which the next one follows.
    pub head: Head,
    /// How many bytes whole lines take.
    pub whole: u64,
    /// Whether the last line is a whole record without its line feed.
    pub unfinished: bool,
    /// A last line that is no whole record: what a crash in the middle of a write leaves.
    pub torn: Option<TornLine>,
}

/// The end of a journal: what the next record follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record; 0 where there is none.
    pub sequence: u64,
    /// The digest of its line; `None` where there is no record.
    pub digest: Option<String>,
}

/// A last line that is no whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornLine {
    /// Which line, from 1.
    pub line: u64,
    /// How many bytes of it were written.
    pub bytes: u64,
}

/// Why lines are no journal.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// They cannot be read.
    #[error("cannot read")]
    Read(#[from] io::Error),
    /// A line is damaged, or was written by a newer program.
    #[error("line {line}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        source: LineError,
    },
}

/// The digest that the next record carries: the SHA-256 of a line without its line feed, in hexadecimal.
#[must_use]
pub fn digest(line: &[u8]) -> String {
    sha256(line.strip_suffix(b"\n").unwrap_or(line))
}

/// The SHA-256 of bytes, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Reads every line and hands the records after number `after` on; what is read grows by a line at a time.
///
/// The chain is checked for the records that are handed on, since the others are summed up in the state already.
///
/// # Errors
/// Where a line that is not the torn end of a write is damaged, is not the one that follows, or is a newer program's.
pub fn scan(
    mut reader: impl BufRead,
    after: u64,
    mut each: impl FnMut(Entry),
) -> Result<Scan, ScanError> {
    let mut scan = Scan::default();
    let mut line = Vec::new();
    let mut before = Vec::new();
    let mut number = 0_u64;
    let mut last: Option<(RunId, u64)> = None;
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        let bytes = u64::try_from(length).unwrap_or(u64::MAX);
        number += 1;
        let ended = line.last() == Some(&b'\n');
        let is_last = !ended || reader.fill_buf()?.is_empty();
        let entry = Entry::decode(&line)
            .and_then(|entry| in_order(entry, last.as_ref()))
            .and_then(|entry| {
                if entry.sequence > after {
                    chained(entry, last.as_ref(), &before)
                } else {
                    Ok(entry)
                }
            });
        match entry {
            Ok(entry) => {
                scan.head.sequence = entry.sequence;
                scan.whole += bytes;
                scan.unfinished = !ended;
                last = Some((entry.run.clone(), entry.sequence));
                std::mem::swap(&mut line, &mut before);
                if entry.sequence > after {
                    each(entry);
                }
            }
            // A file system may bring the length to the disk before the bytes: then zeros stand in their place.
            Err(LineError::Shape(_)) if is_last && (!ended || line.contains(&0)) => {
                scan.torn = Some(TornLine {
                    line: number,
                    bytes,
                });
                break;
            }
            Err(source) => {
                return Err(ScanError::Line {
                    line: number,
                    source,
                });
            }
        }
    }
    scan.head.digest = last.is_some().then(|| digest(&before));
    Ok(scan)
}

/// Numbers go up by one. A new run may skip some: the state can be ahead of a journal that was put back from a copy.
fn in_order(entry: Entry, before: Option<&(RunId, u64)>) -> Result<Entry, LineError> {
    let Some((run, sequence)) = before else {
        return match entry.sequence {
            // They count from 1 on; the first that is there may be a later one.
            0 => Err(LineError::Sequence {
                expected: 1,
                found: 0,
            }),
            _ => Ok(entry),
        };
    };
    let follows = sequence.checked_add(1) == Some(entry.sequence);
    if follows || (entry.sequence > *sequence && entry.run != *run) {
        Ok(entry)
    } else {
        Err(LineError::Sequence {
            expected: sequence.saturating_add(1),
            found: entry.sequence,
        })
    }
}

/// A record carries the digest of the one before. Where numbers were skipped there is nothing to hold it against, and
/// records of version 1 carry none.
fn chained(entry: Entry, before: Option<&(RunId, u64)>, line: &[u8]) -> Result<Entry, LineError> {
    let (Some(found), Some((_, sequence))) = (&entry.previous, before) else {
        return Ok(entry);
    };
    if sequence.checked_add(1) != Some(entry.sequence) {
        return Ok(entry);
    }
    let expected = digest(line);
    if *found == expected {
        Ok(entry)
    } else {
        Err(LineError::Chain {
            expected,
            found: found.clone(),
        })
    }
}
