//! Making a state again that cannot be read: of the version before it and the journal, of the journal alone, or by
//! beginning anew.
//!
//! I/O, through the store. Judging changes nothing and says what would be lost; carrying it out keeps everything that is
//! damaged aside. The journal has every fact before the state does, so that a version with what the journal holds
//! beyond it is what was lost: unless the journal is damaged too, nothing is.

use super::backend::Part;
use super::by_hand::{Hand, NewState};
use super::error::StateError;
use super::fold::{folded, rebuilt, was_saved};
use super::format::State;
use super::lock::Lock;
use super::store::Store;
use crate::journal::{Audit, Auditor, Entry, Fault, Head, JournalError, Replacement};

/// Where a state can be made again from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The newest whole version, and the journal beyond it.
    Version,
    /// The journal from its first record on.
    Journal,
    /// Nothing: the next plan adopts what is declared.
    Adoption,
}

/// What is wrong with a store, and what can be made of it.
#[derive(Debug)]
pub struct Damage {
    /// Why the state cannot be read; `None` where it can be, or is not there.
    pub state: Option<StateError>,
    /// Whether there is a state at all.
    pub missing: bool,
    /// Why the journal cannot be read; `None` where it can be.
    pub journal: Option<JournalError>,
    /// What is wrong with a journal that can be read: it and the state do not end together, or records are missing that
    /// nothing needs any more.
    pub faults: Vec<Fault>,
    /// What can be made of a version.
    pub version: Option<Recovered>,
    /// What can be made of the journal.
    pub from_journal: Option<Recovered>,
    /// What the state itself holds, where only the journal is damaged.
    own: Option<Recovered>,
}

/// A state that was made again.
#[derive(Debug, Clone)]
pub struct Recovered {
    /// What it is, with the highest serial that is known.
    pub state: State,
    /// What it was made of.
    pub cause: Replacement,
    /// Whether nothing that was written down is missing from it.
    pub whole: bool,
}

impl Damage {
    /// Whether there is anything to mend.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.state.is_none() && !self.is_journal_damaged() && !self.missing
    }

    /// Whether the journal has to be begun anew.
    fn is_journal_damaged(&self) -> bool {
        self.journal.is_some() || !self.faults.is_empty()
    }

    /// What can be made from an origin; from the best where none is asked for.
    #[must_use]
    pub fn best(&self, from: Option<Origin>) -> Option<&Recovered> {
        match from {
            Some(Origin::Version) => self.own.as_ref().or(self.version.as_ref()),
            Some(Origin::Journal) => self.from_journal.as_ref(),
            Some(Origin::Adoption) => None,
            None => {
                let all = [&self.own, &self.version, &self.from_journal];
                let mut all = all.into_iter().flatten();
                let first = all.next();
                let better = first
                    .filter(|one| !one.whole)
                    .and_then(|_| all.find(|one| one.whole));
                better.or(first)
            }
        }
    }
}

/// The records of a journal up to the first that cannot be trusted.
struct Trusted {
    entries: Vec<Entry>,
    head: Head,
    /// Why it ends there; `None` where all of it can be.
    fault: Option<JournalError>,
}

impl Store {
    /// Goes through the journal and names everything that is wrong with it, also against what the state holds. Where the
    /// state is damaged, that is a fault too: nothing tells then where the journal should end.
    ///
    /// # Errors
    /// Where state or journal cannot be read at all.
    pub async fn audit(&self) -> Result<Audit, StateError> {
        match self.read().await {
            Ok(state) => Ok(self.audit_against(state.map(|state| state.head())).await?),
            Err(error @ StateError::Damaged { .. }) => {
                let mut audit = self.audit_against(None).await?;
                audit.faults.push(Fault::StateDamaged {
                    reason: error.to_string(),
                });
                Ok(audit)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn audit_against(&self, head: Option<Head>) -> Result<Audit, JournalError> {
        let mut auditor = Auditor::new(head);
        self.backend.lines(&mut |line| auditor.line(line)).await?;
        Ok(auditor.finish())
    }

    /// Says what is damaged and what can be made of the rest. Changes nothing.
    ///
    /// # Errors
    /// Where the store cannot be read, or holds what a newer program wrote.
    pub async fn damage(&self) -> Result<Damage, StateError> {
        let (saved, state) = match self.read().await {
            Ok(saved) => (saved, None),
            Err(error @ StateError::Damaged { .. }) => (None, Some(error)),
            Err(error) => return Err(error),
        };
        let Trusted {
            entries,
            head,
            fault,
        } = self.trusted().await?;
        let missing = saved.is_none() && state.is_none();
        let sound = fault.is_none();
        let faults = match &saved {
            Some(state) if sound => self.audit_against(Some(state.head())).await?.faults,
            _ => Vec::new(),
        };
        let own = saved.filter(|_| !sound || !faults.is_empty()).map(|state| {
            let held = state.journal_sequence;
            let own = beyond(state, &entries, &head, sound);
            // What is missing of a journal that can be read is held by the state, unless it is missing beyond it.
            Recovered {
                whole: own.whole || (sound && goes_on(&entries, held)),
                ..own
            }
        });
        let version = if state.is_some() || missing {
            self.newest_version(&entries, &head, sound).await?
        } else {
            None
        };
        let from_journal = whole_from_start(&entries)
            .then(|| rebuilt(&entries))
            .flatten()
            .filter(|_| state.is_some() || missing)
            .filter(|_| self.belongs(None, &entries).is_ok());
        let saved_once = from_journal
            .as_ref()
            .is_some_and(|state| was_saved(state, &entries));
        let from_journal = from_journal.map(|state| Recovered {
            state: folded(state, entries, &head).0,
            cause: Replacement::Journal,
            whole: sound,
        });
        Ok(Damage {
            // A state that nobody ever saved is not missing.
            missing: missing && (version.is_some() || saved_once),
            state,
            journal: fault,
            faults,
            version,
            from_journal,
            own,
        })
    }

    /// Reads the records up to the first that is damaged or does not follow the one before.
    async fn trusted(&self) -> Result<Trusted, StateError> {
        let mut entries = Vec::new();
        let read = self
            .backend
            .records(0, &mut |entry| entries.push(entry))
            .await;
        match read {
            Ok(scan) => Ok(Trusted {
                entries,
                head: scan.head,
                fault: None,
            }),
            Err(fault @ JournalError::Damaged { .. }) => {
                let sequence = entries.last().map_or(0, |entry| entry.sequence);
                let mut head = Head {
                    sequence,
                    digest: None,
                };
                self.backend
                    .lines(&mut |line| {
                        if Entry::numbered(line) == Some(sequence) && head.digest.is_none() {
                            head.digest = Some(crate::journal::digest(line));
                        }
                    })
                    .await?;
                Ok(Trusted {
                    entries,
                    head,
                    fault: Some(fault),
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The newest version that is whole, with what the journal holds beyond it.
    async fn newest_version(
        &self,
        entries: &[Entry],
        head: &Head,
        sound: bool,
    ) -> Result<Option<Recovered>, StateError> {
        for version in self.versions().await? {
            let Some(bytes) = self.backend.version(version.serial).await? else {
                continue;
            };
            let Ok(state) = State::decode(&bytes) else {
                continue;
            };
            let later: Vec<Entry> = after(entries, state.journal_sequence);
            if self.belongs(Some(&state), &later).is_err() {
                continue;
            }
            let serial = state.serial;
            let Recovered { state, whole, .. } = beyond(state, entries, head, sound);
            // What was lost followed this one: no plan that fits it may fit what is made now.
            let lost = State {
                serial: state
                    .serial
                    .max(serial.saturating_add(1))
                    .max(rebuilt(entries).map_or(0, |state| state.serial)),
                ..state
            };
            return Ok(Some(Recovered {
                state: lost,
                cause: Replacement::Version { serial },
                whole,
            }));
        }
        Ok(None)
    }

    /// Puts what was recovered in place; what is damaged is kept aside. Gives the state and the names of what was kept.
    ///
    /// # Assumptions
    /// `damage` was found under this lock.
    ///
    /// # Errors
    /// Those of [`Store::replace_by_hand`].
    pub async fn recover(
        &self,
        lock: &Lock,
        damage: &Damage,
        recovered: &Recovered,
        hand: Hand,
    ) -> Result<(State, Vec<String>), StateError> {
        let Recovered {
            state,
            cause,
            whole: _, // for people, before they agree
        } = recovered.clone();
        let mut aside = Vec::new();
        if damage.is_journal_damaged() && self.has_lines().await? {
            aside.push(self.journal_aside(state.journal_sequence + 1).await?);
        }
        // Numbers go on where the trusted records end.
        let journal = self.open_journal(lock, state.head()).await?;
        let found = self.backend.read().await?;
        aside.extend(self.keep_damaged(found.as_ref(), &journal).await?);
        let new = NewState {
            platform: state.platform,
            lineage: state.lineage,
            serial: state.serial,
            ownership: state.ownership,
            cause,
        };
        let state = self
            .put_in_place(&journal, found.as_ref(), new, aside.clone(), hand)
            .await?;
        Ok((state, aside))
    }

    /// Moves state and journal out of the way, so that the next plan begins anew. Gives their names.
    ///
    /// # Assumptions
    /// The caller holds the lock.
    ///
    /// # Errors
    /// `Keep`.
    pub async fn begin_anew(&self) -> Result<Vec<String>, StateError> {
        let mut aside = Vec::new();
        let number = self.trusted().await?.head.sequence + 1;
        // The state last: while it is there, nobody takes what is left for a store that nothing was kept in.
        if self.has_lines().await? {
            aside.push(self.journal_aside(number).await?);
        }
        if self.backend.read().await?.is_some() {
            aside.push(self.set_aside(Part::State, number, "state.json").await?);
        }
        Ok(aside)
    }

    pub(super) async fn has_lines(&self) -> Result<bool, StateError> {
        let mut any = false;
        self.backend.lines(&mut |_| any = true).await?;
        Ok(any)
    }

    async fn journal_aside(&self, number: u64) -> Result<String, StateError> {
        self.set_aside(Part::Journal, number, "journal.jsonl").await
    }

    async fn set_aside(&self, part: Part, number: u64, ending: &str) -> Result<String, StateError> {
        let failed = |name: &str, source| StateError::Keep {
            place: self.place(),
            name: name.to_owned(),
            source,
        };
        let mut attempt = 0;
        loop {
            let name = self.aside(number, attempt, ending);
            match self.backend.get(&name).await {
                Ok(None) => {}
                Ok(Some(_)) if attempt < 1000 => {
                    attempt += 1;
                    continue;
                }
                Ok(Some(_)) => {
                    let taken = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
                    return Err(failed(&name, taken));
                }
                Err(source) => return Err(failed(&name, source)),
            }
            self.backend
                .set_aside(part, &name)
                .await
                .map_err(|source| failed(&name, source))?;
            return Ok(name);
        }
    }
}

/// Whether nothing that these records stand on is missing before them.
fn whole_from_start(entries: &[Entry]) -> bool {
    entries.first().is_some_and(|first| {
        first.sequence == 1 || matches!(first.fact, crate::journal::Fact::StateReplaced { .. })
    })
}

/// Whether the records beyond a number follow it without a gap.
fn goes_on(entries: &[Entry], sequence: u64) -> bool {
    after(entries, sequence)
        .iter()
        .zip(sequence + 1..)
        .all(|(entry, number)| entry.sequence == number)
}

fn after(entries: &[Entry], sequence: u64) -> Vec<Entry> {
    let later = entries.iter().filter(|entry| entry.sequence > sequence);
    later.cloned().collect()
}

/// A state with the records beyond it.
fn beyond(state: State, entries: &[Entry], head: &Head, sound: bool) -> Recovered {
    let serial = state.serial;
    let covered = head.sequence >= state.journal_sequence
        && entries
            .first()
            .is_none_or(|first| first.sequence <= state.journal_sequence.saturating_add(1));
    let later = after(entries, state.journal_sequence);
    let (state, _) = folded(state, later, head);
    Recovered {
        state,
        cause: Replacement::State { serial },
        whole: sound && covered,
    }
}
