//! The XML of items before it is written over: kept by itself, in the store and named in the journal before anything
//! goes out.
//!
//! I/O, through the store: `backups/<platform>/<number>-<item>.xml`. Nothing that was kept is ever written over.

use std::io;

use super::journal::Journal;
use crate::journal::{Fact, JournalError, sha256};
use crate::model::{Guid, RunId};

/// The XML of an item that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which item.
    pub item: Guid,
    /// Its name in the store; of the default one, the file from the folder of the state.
    pub file: String,
    /// The SHA-256 of what is in it.
    pub sha256: String,
}

impl Journal {
    /// Keeps the XML of an item by itself, and notes it. Gives its name in the store.
    ///
    /// # Guarantees
    /// Both are there for good when it returns.
    ///
    /// # Errors
    /// `Backup` where it cannot be kept, else those of [`Journal::append`].
    pub async fn keep_item(
        &self,
        run: &RunId,
        at: jiff::Timestamp,
        item: Guid,
        xml: &str,
    ) -> Result<String, JournalError> {
        let file = self
            .keep_bytes(item, xml)
            .await
            .map_err(|source| JournalError::Backup {
                place: format!("{} (backups)", self.backend.place()),
                source,
            })?;
        let fact = Fact::ItemKept {
            item,
            file: file.clone(),
            sha256: sha256(xml.as_bytes()),
        };
        self.append(run, at, fact).await?;
        Ok(file)
    }

    /// Takes a name that is not taken yet: a run that died between keeping and noting has used one.
    async fn keep_bytes(&self, item: Guid, xml: &str) -> io::Result<String> {
        let stem = self.backend.stem();
        let number = self.last().await + 1;
        for attempt in 0..1000 {
            let again = if attempt == 0 {
                String::new()
            } else {
                format!("-{attempt}")
            };
            let name = format!("backups/{stem}/{number:06}-{item}{again}.xml");
            if self.backend.put_new(&name, xml.as_bytes()).await? {
                return Ok(name);
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists))
    }
}

impl Kept {
    /// Whether this is what was kept.
    #[must_use]
    pub fn holds(&self, xml: &str) -> bool {
        sha256(xml.as_bytes()) == self.sha256
    }
}
