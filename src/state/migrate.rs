//! Taking everything that is kept of a platform to another store, whatever the two are.
//!
//! I/O, through both stores, under both locks. Bytes are copied, never written anew: the journal's chain holds on the
//! other side, or the copy is refused. The old store gets its last state, a note of where it went, only after all of it
//! was read back; whoever dies before has two copies, of which the old one counts. A copy that was cut off is gone on with
//! where it ended, as long as everything in it is what is to be copied.

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

/// How far a copy has come.
struct Begun {
    /// How many states.
    states: usize,
    /// Whether the journal says that the state was moved.
    moved: bool,
}

/// A line of a journal, with its line feed.
struct Line {
    sequence: u64,
    bytes: Vec<u8>,
}

/// Lines of a journal that follow one another.
struct Batch {
    first: u64,
    next: u64,
    lines: Vec<u8>,
}

impl Store {
    /// Copies everything to an empty store, or to one that holds the beginning of this very copy, and leaves a note here
    /// that it has moved.
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
        // A torn end is mended before anything is copied.
        drop(self.journal(lock).await?);
        let found = self.backend.read().await?;
        let mut copied = Copied::default();
        let states = self.states(found.as_ref(), &mut copied).await?;
        let (lines, names) = self.written().await?;
        copied.records = u64::try_from(names.records).unwrap_or(u64::MAX);

        let begun = to.begun(&states, &lines).await?;
        to.take_states(states.get(begun.states..).unwrap_or_default())
            .await?;
        to.take_lines(&lines).await?;
        for name in names.kept {
            self.copy(&name, to, &mut copied).await?;
        }
        if let Ok(Some(bytes)) = self.snapshot().await {
            // It may be lost at any time.
            let _ = to.keep_snapshot(&bytes).await;
        }
        to.is_the_same(&states, &lines, begun.moved, found.as_ref())
            .await?;

        let Hand { run, at, by, why } = hand;
        if !begun.moved {
            let journal = to.journal(their_lock).await?;
            let fact = Fact::StateMoved {
                from: self.place(),
                to: to.place(),
                by: by.clone(),
                why,
            };
            journal.append(&run, at, fact).await?;
        }
        let note = MovedAway {
            format_version: MovedAway::FORMAT_VERSION,
            moved_to: to.place(),
            declare: to.declaration(),
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

    /// How far a copy of these states and lines has come here before it was cut off; nothing is changed.
    ///
    /// # Errors
    /// `NotEmpty` where anything is here that is no part of that copy.
    async fn begun(&self, states: &[(u64, Vec<u8>)], lines: &[Line]) -> Result<Begun, StateError> {
        let full = |found| StateError::NotEmpty {
            place: self.place(),
            found,
        };
        let there = self.backend.read().await?;
        let copied = match &there {
            None => 0,
            Some(found) if MovedAway::to(&found.bytes).is_some() => {
                return Err(full("a note that its state was moved away"));
            }
            Some(found) => {
                let mut states = states.iter();
                let place = states.position(|(_, bytes)| *bytes == found.bytes);
                place.ok_or_else(|| full("another state"))? + 1
            }
        };
        for version in self.versions().await? {
            let bytes = self.backend.version(version.serial).await?;
            let ours = |(serial, state): &(u64, Vec<u8>)| {
                *serial == version.serial && bytes.as_ref().is_none_or(|bytes| bytes == state)
            };
            if !states.iter().take(copied).any(ours) {
                return Err(full("versions of another state"));
            }
        }
        let (written, moved) = self.begun_lines(lines).await?;
        let Some(written) = written else {
            return Err(full("another journal"));
        };
        if written > 0 && copied < states.len() {
            return Err(full("a journal without its state"));
        }
        Ok(Begun {
            states: copied,
            moved,
        })
    }

    /// How many of these lines the journal begins with, where it has no other; whether it also says that the state was
    /// moved here, which is written last. A line that a crash cut off does not count, and is mended by whoever goes on.
    async fn begun_lines(&self, lines: &[Line]) -> Result<(Option<usize>, bool), StateError> {
        let (mut same, mut written, mut moved) = (true, 0, false);
        self.backend
            .lines(&mut |line| match lines.get(written) {
                _ if moved => same = false,
                Some(expected) if expected.bytes == line => written += 1,
                Some(expected) => {
                    same &= !line.ends_with(b"\n") && expected.bytes.starts_with(line);
                }
                None => {
                    let said = Entry::decode(line).ok().map(|entry| entry.fact);
                    moved = matches!(said, Some(Fact::StateMoved { .. }));
                    // A torn line is what a crash left of that very record.
                    same &= moved || !line.ends_with(b"\n");
                }
            })
            .await?;
        Ok((same.then_some(written), moved))
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
        if current.is_none() {
            // The journal makes the state again; its last version is none.
            states.clear();
        }
        copied.versions = states.len();
        copied.serial = current;
        states.extend(current.zip(found.map(|found| found.bytes.clone())));
        Ok(states)
    }

    /// The lines of the journal, and what they name.
    async fn written(&self) -> Result<(Vec<Line>, Names), StateError> {
        let mut lines: Vec<Line> = Vec::new();
        let mut names = Names::default();
        let mut fault = None;
        self.backend
            .lines(&mut |line| {
                if fault.is_some() {
                    return;
                }
                match Entry::decode(line) {
                    Ok(entry) => {
                        lines.push(Line {
                            sequence: entry.sequence,
                            bytes: line.to_vec(),
                        });
                        names.note(entry.fact);
                    }
                    Err(error) => fault = Some((names.records, error)),
                }
            })
            .await?;
        match fault {
            None => Ok((lines, names)),
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

    /// Adds the lines that are not here yet.
    async fn take_lines(&self, lines: &[Line]) -> Result<(), StateError> {
        // Mends a torn end, and ends a line that lacks its line feed alone.
        let (mut log, scan) = Log::open(&self.backend).await?;
        let lines = lines.iter();
        let missing = lines.filter(|line| line.sequence > scan.head.sequence);
        for Batch {
            first,
            next: _,
            lines,
        } in batches(missing)
        {
            log.append(first, &lines).await?;
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
        lines: &[Line],
        moved: bool,
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
        let (written, said) = self.begun_lines(lines).await?;
        let same = written == Some(lines.len()) && said == moved;
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

/// Lines that follow one another, as many to a batch as a store is handed at once.
fn batches<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for Line { sequence, bytes } in lines {
        let fits = |batch: &&mut Batch| {
            batch.next == *sequence && batch.lines.len() + bytes.len() <= BATCH
        };
        if let Some(batch) = batches.last_mut().filter(fits) {
            batch.lines.extend_from_slice(bytes);
            batch.next += 1;
        } else {
            batches.push(Batch {
                first: *sequence,
                next: sequence + 1,
                lines: bytes.clone(),
            });
        }
    }
    batches
}
