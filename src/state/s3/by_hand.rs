//! What is done to a platform's objects by hand: read as they were written, put out of the way, freed of a lease.
//!
//! I/O, through `objects`. What is put out of the way is written under its new name before it is removed under the old
//! one: a crash in between leaves both.

use std::io;

use super::super::backend::{Broken, Part};
use super::super::error::LockError;
use super::lease::Note;
use super::objects::{Condition, Put};
use super::{PATIENCE, S3Backend, taken_over};
use crate::journal::JournalError;

impl S3Backend {
    /// Hands every line of the journal on as it was written, with its line feed.
    pub(in crate::state) async fn lines(
        &self,
        each: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), JournalError> {
        let lines = self
            .lines_from(0)
            .await
            .map_err(|source| JournalError::Read {
                place: self.journal_place(),
                source,
            })?;
        lines.split_inclusive(|byte| *byte == b'\n').for_each(each);
        Ok(())
    }

    /// Frees the lock whoever has it: who has it finds that out when it is to be renewed.
    pub(in crate::state) async fn break_lock(&self) -> Result<Broken, LockError> {
        let failed = |source| self.lock_failed(source);
        loop {
            let found = self.objects.get(&self.lock_key()).await.map_err(failed)?;
            let Some(object) = found else {
                return Ok(Broken::Free);
            };
            let note = Note::decode(&object).map_err(failed)?;
            let Some(holder) = note.holder.clone() else {
                return Ok(Broken::Free);
            };
            let free = note.freed().encode().map_err(failed)?;
            let condition = Condition::Tagged(&object.tag);
            let put = self
                .objects
                .put_if(&self.lock_key(), free, condition, PATIENCE)
                .await
                .map_err(failed)?;
            // A renewal came in between: look again.
            if let Put::Done(_) = put {
                return Ok(Broken::Freed(Some(holder)));
            }
        }
    }

    /// Moves the state or the journal to a name of its own.
    pub(in crate::state) async fn set_aside(&self, what: Part, name: &str) -> io::Result<()> {
        if !self.is_ours().await? {
            return Err(io::Error::other(taken_over()));
        }
        match what {
            Part::State => {
                if let Some(state) = self.objects.get(&self.state_key()).await? {
                    self.objects.put(name, &state.bytes).await?;
                    self.objects.delete(&self.state_key()).await?;
                }
            }
            Part::Journal => {
                let folder = self.journal_folder();
                let listed = self.objects.list(&folder).await?;
                let lines = self.lines_from(0).await?;
                self.objects.put(name, &lines).await?;
                // The last first: a crash in between leaves the beginning of a journal, not the end of one.
                for object in listed.iter().rev() {
                    self.objects
                        .delete(&format!("{folder}{}", object.name))
                        .await?;
                }
            }
        }
        Ok(())
    }
}
