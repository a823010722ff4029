//! Taking everything that is kept of a platform to another store, whatever the two are.
//!
//! I/O, through both stores, under both locks. Bytes are copied, never written anew: the journal's chain holds on the
//! other side, or the copy is refused. The old store gets its last state, a note of where it went, only after all of it
//! was read back; whoever dies before has two copies, of which the old one counts.

use super::backend::{Found, Log};
use super::by_hand::Hand;
use super::error::StateError;
use super::format::{MovedAway, State};
use super::lock::Lock;
use super::store::Store;
use crate::journal::{Entry, Fact, JournalError, LineError};

/// How many bytes of lines are handed to a store at once.
const BATCH: usize = 1 << 20;

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// The serial of the state; `None` where only a journal was there.
    pub serial: Option<u64>,
    /// How many versions before it.
    pub versions: usize,
    /// How many records of the journal.
    pub records: u64,
    /// How many items and damaged files that were kept.
    pub kept: usize,
    /// Versions that were damaged already, and were left behind.
    pub damaged: Vec<u64>,
    /// What the journal names and the old store has lost.
    pub lost: Vec<String>,
}

/// Lines of a journal that follow one another.
struct Batch {
    first: u64,
    next: u64,
    lines: Vec<u8>,
}

impl Store {
    /// Copies everything to an empty store and leaves a note here that it has moved.
    ///
    /// # Guarantees
    /// After an error before the note was left, this store is as it was.
    ///
    /// # Errors
    /// Those of [`Store::load`]; `NotEmpty` where the other store holds something; `NotTheSame` where it does not give
    /// back what it was given; those of writing to either.
    pub async fn migrate(
        &self,
        lock: &Lock,
        to: &Self,
        their_lock: &Lock,
        hand: Hand,
    ) -> Result<Copied, StateError> {
        self.load().await?;
        to.is_empty().await?;
        // A torn end is mended before anything is copied.
        drop(self.journal(lock).await?);
        let found = self.backend.read().await?;
        let mut copied = Copied::default();
        let states = self.states(found.as_ref(), &mut copied).await?;
        let (batches, names) = self.written().await?;
        copied.records = u64::try_from(names.records).unwrap_or(u64::MAX);

        to.take_states(&states).await?;
        to.take_lines(&batches).await?;
        for name in names.kept {
            self.copy(&name, to, &mut copied).await?;
        }
        if let Ok(Some(bytes)) = self.snapshot().await {
            // It may be lost at any time.
            let _ = to.keep_snapshot(&bytes).await;
        }
        if let Ok(Some(bytes)) = self.baseline().await {
            let _ = to.keep_baseline(&bytes).await;
        }
        to.is_the_same(&states, &batches, found.as_ref()).await?;

        let Hand { run, at, by, why } = hand;
        let journal = to.journal(their_lock).await?;
        let fact = Fact::StateMoved {
            from: self.place(),
            to: to.place(),
            by: by.clone(),
            why,
        };
        journal.append(&run, at, fact).await?;
        let note = MovedAway {
            format_version: MovedAway::FORMAT_VERSION,
            moved_to: to.place(),
            at: at.to_string(),
            by,
        };
        let note = note.encode().map_err(|error| StateError::Save {
            place: self.place(),
            source: error.into(),
        })?;
        let serial = copied.serial.unwrap_or(0).saturating_add(1);
        self.backend.replace(&note, serial, found.as_ref()).await?;
        Ok(copied)
    }

    /// Refuses a store that anything was ever kept in.
    async fn is_empty(&self) -> Result<(), StateError> {
        let full = |found| StateError::NotEmpty {
            place: self.place(),
            found,
        };
        if self.backend.read().await?.is_some() {
            return Err(full("a state"));
        }
        if self.has_lines().await? {
            return Err(full("a journal"));
        }
        if !self.versions().await?.is_empty() {
            return Err(full("versions of a state"));
        }
        Ok(())
    }

    /// The versions and the state itself with their serials, the oldest first.
    async fn states(
        &self,
        found: Option<&Found>,
        copied: &mut Copied,
    ) -> Result<Vec<(u64, Vec<u8>)>, StateError> {
        let current = found.and_then(|found| State::decode(&found.bytes).ok());
        let current = current.map(|state| state.serial);
        let mut states = Vec::new();
        for version in self.versions().await? {
            let Some(bytes) = self.backend.version(version.serial).await? else {
                continue;
            };
            if Some(version.serial) == current {
                continue;
            }
            match State::decode(&bytes) {
                Ok(state) => states.push((state.serial, bytes)),
                Err(_) => copied.damaged.push(version.serial),
            }
        }
        states.reverse();
        copied.versions = states.len();
        copied.serial = current;
        states.extend(current.zip(found.map(|found| found.bytes.clone())));
        Ok(states)
    }

    /// The lines of the journal in batches, and what they name.
    async fn written(&self) -> Result<(Vec<Batch>, Names), StateError> {
        let mut batches: Vec<Batch> = Vec::new();
        let mut names = Names::default();
        let mut fault = None;
        self.backend
            .lines(&mut |line| {
                if fault.is_some() {
                    return;
                }
                match Entry::decode(line) {
                    Ok(entry) => {
                        gather(&mut batches, entry.sequence, line);
                        names.note(entry.fact);
                    }
                    Err(error) => fault = Some((names.records, error)),
                }
            })
            .await?;
        match fault {
            None => Ok((batches, names)),
            Some((line, source)) => Err(self.damaged_line(line, source).into()),
        }
    }

    fn damaged_line(&self, before: usize, source: LineError) -> JournalError {
        JournalError::Damaged {
            place: self.backend.journal_place(),
            line: u64::try_from(before).map_or(u64::MAX, |before| before + 1),
            source,
        }
    }

    /// Saves states one after the other, so that the store keeps all but the last as versions.
    async fn take_states(&self, states: &[(u64, Vec<u8>)]) -> Result<(), StateError> {
        for (serial, bytes) in states {
            let found = self.backend.read().await?;
            self.backend.replace(bytes, *serial, found.as_ref()).await?;
        }
        Ok(())
    }

    async fn take_lines(&self, batches: &[Batch]) -> Result<(), StateError> {
        let (mut log, _) = Log::open(&self.backend).await?;
        for batch in batches {
            log.append(batch.first, &batch.lines).await?;
        }
        Ok(())
    }

    async fn copy(&self, name: &str, to: &Self, copied: &mut Copied) -> Result<(), StateError> {
        let failed = |store: &Self, source| StateError::Keep {
            place: store.place(),
            name: name.to_owned(),
            source,
        };
        let bytes = self.backend.get(name).await;
        let Some(bytes) = bytes.map_err(|source| failed(self, source))? else {
            copied.lost.push(name.to_owned());
            return Ok(());
        };
        let kept = to.backend.put_new(name, &bytes).await;
        kept.map_err(|source| failed(to, source))?;
        let back = to.backend.get(name).await;
        if back.map_err(|source| failed(to, source))? != Some(bytes) {
            return Err(to.not_the_same(name));
        }
        copied.kept += 1;
        Ok(())
    }

    /// Reads everything back, and goes through the chain once more.
    async fn is_the_same(
        &self,
        states: &[(u64, Vec<u8>)],
        batches: &[Batch],
        found: Option<&Found>,
    ) -> Result<(), StateError> {
        let here = self.backend.read().await?.map(|found| found.bytes);
        if here.as_ref() != found.map(|found| &found.bytes) {
            return Err(self.not_the_same("the state"));
        }
        // The last one is the state itself.
        for (serial, bytes) in states.iter().rev().skip(1) {
            if self.backend.version(*serial).await?.as_ref() != Some(bytes) {
                return Err(self.not_the_same(&format!("version {serial}")));
            }
        }
        let mut expected = batches
            .iter()
            .flat_map(|batch| batch.lines.split_inclusive(|b| *b == b'\n'));
        let mut same = true;
        self.backend
            .lines(&mut |line| same &= expected.next() == Some(line))
            .await?;
        let same = same && expected.next().is_none();
        if !same {
            return Err(self.not_the_same("the journal"));
        }
        let head = self.read().await?.map(|state| state.head());
        let audit = self.audit_against(head).await?;
        match audit.faults.first() {
            None => Ok(()),
            Some(fault) => Err(self.not_the_same(&format!("the journal: {fault}"))),
        }
    }

    fn not_the_same(&self, what: &str) -> StateError {
        StateError::NotTheSame {
            place: self.place(),
            what: what.to_owned(),
        }
    }
}

/// What a journal names beside itself.
#[derive(Debug, Default)]
struct Names {
    records: usize,
    kept: Vec<String>,
}

impl Names {
    fn note(&mut self, fact: Fact) {
        self.records += 1;
        match fact {
            Fact::ItemKept { file, .. } => self.kept.push(file),
            Fact::StateReplaced { aside, .. } => self.kept.extend(aside),
            _ => {}
        }
    }
}

/// Adds a line to the last batch where it follows there and has room, else to a new one.
fn gather(batches: &mut Vec<Batch>, sequence: u64, line: &[u8]) {
    let fits =
        |batch: &&mut Batch| batch.next == sequence && batch.lines.len() + line.len() <= BATCH;
    if let Some(batch) = batches.last_mut().filter(fits) {
        batch.lines.extend_from_slice(line);
        batch.next += 1;
    } else {
        batches.push(Batch {
            first: sequence,
            next: sequence + 1,
            lines: line.to_vec(),
        });
    }
}
