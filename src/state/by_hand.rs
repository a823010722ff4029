//! What people do to a state by hand: a whole one is put in place, entries are taken out or put right.
//!
//! I/O, through the store. The journal notes it first, with who and why, so that a state that is made of the journal
//! again holds it too; then the state is saved. What was there is kept: as a version where it could be read, else aside.

use super::backend::Found;
use super::error::StateError;
use super::fold::rebuilt;
use super::format::State;
use super::journal::Journal;
use super::lock::Lock;
use super::store::Store;
use crate::journal::{Fact, Replacement};
use crate::model::{Ownership, Platform, Relocation, Remembered, RunId};

/// Who does something by hand.
#[derive(Debug, Clone)]
pub struct Hand {
    /// The run that notes it.
    pub run: RunId,
    /// When.
    pub at: jiff::Timestamp,
    /// Who.
    pub by: String,
    /// Why, where a reason was given.
    pub why: Option<String>,
}

/// A state that is to stand in the place of whatever is there.
#[derive(Debug, Clone)]
pub struct NewState {
    /// Which SMP it is about.
    pub platform: Platform,
    /// Its lineage.
    pub lineage: String,
    /// The highest serial that is known of it and of what it replaces.
    pub serial: u64,
    /// What it remembers.
    pub ownership: Ownership,
    /// Where it comes from.
    pub cause: Replacement,
}

impl Store {
    /// Takes entries out. Nothing on the server changes by it.
    ///
    /// # Assumptions
    /// `base` was loaded under this lock.
    ///
    /// # Errors
    /// Those of the journal and of [`Store::settle`].
    pub async fn forget(
        &self,
        lock: &Lock,
        base: State,
        what: Vec<Remembered>,
        hand: Hand,
    ) -> Result<State, StateError> {
        let Hand { run, at, by, why } = hand;
        let journal = self.journal(lock).await?;
        journal
            .append(&run, at, Fact::Forgotten { what, by, why })
            .await?;
        self.settle(base).await
    }

    /// Finds an entry at another place from now on. Nothing on the server changes by it.
    ///
    /// # Assumptions
    /// `base` was loaded under this lock.
    ///
    /// # Errors
    /// Those of the journal and of [`Store::settle`].
    pub async fn relocate(
        &self,
        lock: &Lock,
        base: State,
        change: Relocation,
        hand: Hand,
    ) -> Result<State, StateError> {
        let Hand { run, at, by, why } = hand;
        let journal = self.journal(lock).await?;
        journal
            .append(&run, at, Fact::Relocated { change, by, why })
            .await?;
        self.settle(base).await
    }

    /// Puts a state in the place of whatever is there, a damaged one included.
    ///
    /// # Guarantees
    /// What is there is kept, as a version or aside. Whoever dies in between leaves a journal that says what was to be
    /// there. The new serial is above every one that is known, so that no plan fits that was made before.
    ///
    /// # Errors
    /// Those of the journal; `Keep` where what is damaged cannot be kept; `Save`.
    pub async fn replace_by_hand(
        &self,
        lock: &Lock,
        new: NewState,
        hand: Hand,
    ) -> Result<State, StateError> {
        let journal = self.journal(lock).await?;
        let found = self.backend.read().await?;
        let aside = self.keep_damaged(found.as_ref(), &journal).await?;
        self.put_in_place(&journal, found.as_ref(), new, aside, hand)
            .await
    }

    /// Notes and saves a new state; `aside` names what was moved out of the way for it.
    pub(super) async fn put_in_place(
        &self,
        journal: &Journal,
        found: Option<&Found>,
        new: NewState,
        aside: Vec<String>,
        hand: Hand,
    ) -> Result<State, StateError> {
        let NewState {
            platform,
            lineage,
            serial,
            ownership,
            cause,
        } = new;
        let Hand { run, at, by, why } = hand;
        let before = found.and_then(|found| State::decode(&found.bytes).ok());
        let serial = before.map_or(serial, |before| serial.max(before.serial));
        // Neither a version that is kept nor a state that is damaged or lost shares its number with another.
        let noted = self.reading(0).await.ok();
        let noted = noted.and_then(|reading| rebuilt(&reading.entries));
        let serial = serial
            .max(noted.map_or(0, |state| state.serial))
            .max(self.newest_kept().await?)
            .saturating_add(1);
        let fact = Fact::StateReplaced {
            cause,
            platform: platform.clone(),
            lineage: lineage.clone(),
            serial,
            ownership: Box::new(ownership.clone()),
            aside,
            by,
            why,
        };
        journal.append(&run, at, fact).await?;
        let head = journal.head().await;
        let state = State {
            serial,
            journal_sequence: head.sequence,
            journal_digest: head.digest,
            ..State::new(platform, lineage, ownership)
        };
        self.put(&state, found).await?;
        Ok(state)
    }

    /// Keeps a state that cannot be read, under a name of its own; none where it can be.
    pub(super) async fn keep_damaged(
        &self,
        found: Option<&Found>,
        journal: &Journal,
    ) -> Result<Vec<String>, StateError> {
        match found {
            Some(found) if State::decode(&found.bytes).is_err() => {
                let number = journal.last().await + 1;
                Ok(vec![
                    self.keep_aside(&found.bytes, number, "state.json").await?,
                ])
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Keeps bytes aside, and gives the name that they are found by.
    async fn keep_aside(
        &self,
        bytes: &[u8],
        number: u64,
        ending: &str,
    ) -> Result<String, StateError> {
        let failed = |name: &str, source| StateError::Keep {
            place: self.place(),
            name: name.to_owned(),
            source,
        };
        for attempt in 0..1000 {
            let name = self.aside(number, attempt, ending);
            match self.backend.put_new(&name, bytes).await {
                Ok(true) => return Ok(name),
                Ok(false) => {}
                Err(source) => return Err(failed(&name, source)),
            }
        }
        let taken = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        Err(failed(&self.aside(number, 0, ending), taken))
    }

    /// The name of what is kept aside: the number of the record that tells of it, and which attempt it is.
    pub(super) fn aside(&self, number: u64, attempt: u32, ending: &str) -> String {
        let again = if attempt == 0 {
            String::new()
        } else {
            format!("-{attempt}")
        };
        let stem = self.backend.stem();
        format!("damaged/{stem}/{number:06}{again}.{ending}")
    }

    /// The bytes of the state as they are, whatever they are; `None` where there are none.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn bytes(&self) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.backend.read().await?.map(|found| found.bytes))
    }
}
