//! The XML of items before it is written over: a file each, on the disk and named in the journal before anything goes out.
//!
//! I/O: `<folder>/backups/<platform>/`. A file is never written over.

#![expect(clippy::disallowed_methods, reason = "keeps the XML of items")]

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::file::sync_folder;
use super::{Fact, Journal, JournalError, file_stem, read};
use crate::model::{Guid, RunId};

/// The XML of an item that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which item.
    pub item: Guid,
    /// The file, from the folder of the state.
    pub file: String,
    /// The SHA-256 of what is in it.
    pub sha256: String,
}

impl Journal {
    /// Keeps the XML of an item in a file of its own, and notes it. Gives the file, from the folder of the state.
    ///
    /// # Guarantees
    /// File and note are on the disk when it returns.
    ///
    /// # Errors
    /// `Backup` where the file cannot be written, else those of [`Journal::append`].
    pub fn keep_item(
        &mut self,
        run: &RunId,
        at: jiff::Timestamp,
        item: Guid,
        xml: &str,
    ) -> Result<String, JournalError> {
        let folder = self.path().parent().unwrap_or(Path::new("."));
        // The journal is called after the platform, and so is the folder.
        let stem = self.path().file_name().and_then(|name| name.to_str());
        let stem = stem.and_then(|name| name.strip_suffix(".journal.jsonl"));
        let below = Path::new("backups").join(stem.unwrap_or("platform"));
        let within = folder.join(&below);
        let failed = |source| JournalError::Backup {
            path: within.clone(),
            source,
        };
        let name = write_new(&within, self.sequence() + 1, item, xml.as_bytes()).map_err(failed)?;
        // In the same spelling on every system.
        let file = format!("backups/{}/{name}", stem.unwrap_or("platform"));
        self.append(
            run,
            at,
            Fact::ItemKept {
                item,
                file: file.clone(),
                sha256: digest(xml.as_bytes()),
            },
        )?;
        Ok(file)
    }
}

/// Writes a file that is not there yet: a run that died between file and note has used the first name.
fn write_new(folder: &Path, number: u64, item: Guid, bytes: &[u8]) -> io::Result<String> {
    std::fs::create_dir_all(folder)?;
    for attempt in 0.. {
        let again = if attempt == 0 {
            String::new()
        } else {
            format!("-{attempt}")
        };
        let name = format!("{number:06}-{item}{again}.xml");
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(folder.join(&name))
        {
            Ok(mut file) => {
                file.write_all(bytes)?;
                file.sync_all()?;
                sync_folder(folder)?;
                return Ok(name);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

fn digest(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Finds what the journal says of a file that kept the XML of an item, by its name; the newest, where two share one.
///
/// # Errors
/// Those of [`read`].
pub fn kept(folder: &Path, platform: &str, name: &str) -> Result<Option<Kept>, JournalError> {
    let stem = file_stem(platform);
    let wanted = format!("backups/{stem}/{name}");
    let reading = read(folder, platform, 0)?;
    Ok(reading
        .entries
        .into_iter()
        .rev()
        .find_map(|entry| match entry.fact {
            Fact::ItemKept { item, file, sha256 } if file == wanted => {
                Some(Kept { item, file, sha256 })
            }
            _ => None,
        }))
}

impl Kept {
    /// Whether this is what was kept.
    #[must_use]
    pub fn holds(&self, xml: &str) -> bool {
        digest(xml.as_bytes()) == self.sha256
    }
}
