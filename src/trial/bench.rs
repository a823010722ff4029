//! The bench that probes work at: scratch objects, each in the journal before anything depends on it, and patient looks.
//!
//! I/O, through the scratch writer and the journal. What is intended is written down before it is created, so that an
//! answer that gets lost leaves a name to look for.

#![expect(clippy::disallowed_methods, reason = "waits for the server")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::TrialError;
use super::remains::Remains;
use super::report::{Correction, Report};
use crate::journal::Fact;
use crate::model::{Guid, Name, RunId, ServerRef, Snapshot, Subnet};
use crate::observe::ModelDescription;
use crate::profile::Profile;
use crate::smp::{ReadError, Reader, Scratch, ScratchError, ScratchName, ScratchWriter, SendError};
use crate::state::Journal;

/// How the pauses between looks grow.
const FIRST_PAUSE: Duration = Duration::from_millis(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a trial needs from outside.
pub struct Outside<'a> {
    /// The run's id.
    pub run: &'a RunId,
    /// Keeps the records.
    pub journal: &'a Journal,
    /// The time.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// Ends the trial before the next write; what was made is cleared away all the same.
    pub cancel: CancellationToken,
    /// How long a written value may take to be read back.
    pub settle: Duration,
}

/// What is tried with, chosen before anything is written.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Eight hexadecimal digits that tell this trial from every other.
    pub tag: String,
    /// Two free networks of documentation.
    pub subnets: [Subnet; 2],
    /// A managed computer that may be assigned to a scratch site for a moment.
    pub guest: Option<ServerRef>,
    /// A package whose assignment may be written back.
    pub package: Option<(Guid, Name)>,
    /// A GUID that no object has, to see whether a supplied one is kept.
    pub supplied: Guid,
}

/// When something that was written was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// At the first look.
    AtOnce,
    /// Later, after so many milliseconds.
    Later(u64),
    /// Not within the time that it may take.
    Never,
}

impl Seen {
    /// Whether it was seen at all.
    #[must_use]
    pub fn at_all(self) -> bool {
        self != Self::Never
    }
}

/// What probes work at.
pub struct Bench<'a> {
    pub(super) writer: ScratchWriter,
    /// The profile as far as it is known by now.
    pub(super) profile: Profile,
    pub(super) outside: Outside<'a>,
    /// What was chosen beforehand.
    pub setting: Setting,
    /// What the server held before the trial.
    pub snapshot: &'a Snapshot,
    /// The description of `ResourceModel`, where there is one.
    pub(super) model: Option<&'a ModelDescription>,
    /// What was found out.
    pub report: Report,
    /// Scratch sites by their order.
    pub(super) sites: Vec<Guid>,
    /// A scratch subnet that is in no site, once there is one.
    pub(super) subnet: Option<Guid>,
    /// Reads that came late: what was read, and the milliseconds.
    late: Option<(String, u64)>,
    /// Names whose creation may have gone through although its answer was lost.
    pub(super) lost: BTreeSet<Scratch>,
    /// What is on the server because of this trial.
    pub(super) remains: Remains,
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        writer: ScratchWriter,
        profile: Profile,
        outside: Outside<'a>,
        setting: Setting,
        snapshot: &'a Snapshot,
        model: Option<&'a ModelDescription>,
    ) -> Self {
        Self {
            writer,
            profile,
            outside,
            setting,
            snapshot,
            model,
            report: Report::default(),
            sites: Vec::new(),
            subnet: None,
            late: None,
            lost: BTreeSet::new(),
            remains: Remains::default(),
        }
    }

    /// The reader, with what is known by now.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        self.writer.reader()
    }

    /// Writes a fact down; it is on the disk when this returns.
    pub async fn note(&mut self, fact: Fact) -> Result<(), TrialError> {
        let at = (self.outside.clock)();
        // Also where it cannot be written down: then the next thing is to clear away.
        self.remains.fold(&fact);
        self.outside
            .journal
            .append(self.outside.run, at, fact)
            .await
            .map_err(TrialError::Journal)
    }

    /// Ends the trial where somebody asked for that; before every write.
    pub fn going_on(&self) -> Result<(), TrialError> {
        if self.outside.cancel.is_cancelled() {
            return Err(TrialError::Cancelled);
        }
        Ok(())
    }

    /// What scratch objects are described as, so that whoever finds one knows.
    pub(super) fn description(&self) -> String {
        format!(
            "Scratch object of `sitewright profile verify` (sitewright-verify-{}); may be deleted",
            self.setting.tag
        )
    }

    /// The name of a scratch site of this trial.
    pub(super) fn site_name(&self, ending: &str) -> Result<Scratch, TrialError> {
        ScratchName::new(&format!("{}-{ending}", self.setting.tag))
            .map(Scratch::Site)
            .ok_or_else(|| TrialError::Unfit("the tag of the trial".into()))
    }

    /// Goes on with a profile in which something is corrected.
    pub(super) fn correct(&mut self, correction: Correction, why: &str) {
        self.report.corrects(&mut self.profile, correction, why);
        self.learn();
    }

    /// Has the writer and its reader know what the profile knows.
    pub(super) fn learn(&mut self) {
        self.writer.learn(&Arc::new(self.profile.clone()));
    }

    /// Creates a scratch object; its name is in the journal before, its GUID right after.
    ///
    /// An answer that was lost or says no GUID is made up for by looking for the name.
    pub(super) async fn create(
        &mut self,
        scratch: &Scratch,
        supplied: Option<Guid>,
    ) -> Result<Created, TrialError> {
        self.going_on()?;
        let name = Name::new(&scratch.to_string());
        self.note(Fact::ScratchIntended { name: name.clone() })
            .await?;
        let description = self.description();
        let answered = match self.writer.create(scratch, &description, supplied).await {
            Ok(answered) => answered,
            Err(ScratchError::Send(SendError::Unknown(error))) => {
                tracing::warn!(%error, "the answer of a creation was lost; looking for it");
                self.lost.insert(scratch.clone());
                None
            }
            Err(error) => {
                return Err(TrialError::Write {
                    what: name.to_string(),
                    error,
                });
            }
        };
        let guid = match answered {
            Some(guid) => guid,
            None => self
                .awaited(scratch)
                .await?
                .ok_or_else(|| TrialError::Lost {
                    name: name.to_string(),
                })?,
        };
        self.note(Fact::ScratchCreated { guid, name }).await?;
        Ok(Created { guid, answered })
    }

    /// Looks for a scratch object by its name until it is there, or patience ends.
    async fn awaited(&mut self, scratch: &Scratch) -> Result<Option<Guid>, TrialError> {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            if let Some(guid) = self.writer.find(scratch).await.map_err(TrialError::Read)? {
                return Ok(Some(guid));
            }
            if begun.elapsed() > self.outside.settle {
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Looks until something is as it was written, or patience ends; how late the server shows it is kept.
    pub async fn until(
        &mut self,
        what: &str,
        look: impl AsyncFn(&Reader) -> Result<bool, ReadError>,
    ) -> Result<Seen, TrialError> {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut first = true;
        loop {
            if look(self.writer.reader()).await.map_err(TrialError::Read)? {
                if first {
                    return Ok(Seen::AtOnce);
                }
                let after = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                if self.late.as_ref().is_none_or(|(_, known)| *known < after) {
                    self.late = Some((what.to_owned(), after));
                }
                return Ok(Seen::Later(after));
            }
            first = false;
            if begun.elapsed() > self.outside.settle {
                return Ok(Seen::Never);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The same, where it must come to be.
    pub async fn must(
        &mut self,
        what: &str,
        look: impl AsyncFn(&Reader) -> Result<bool, ReadError>,
    ) -> Result<(), TrialError> {
        if self.until(what, look).await?.at_all() {
            return Ok(());
        }
        Err(TrialError::Unseen {
            what: what.to_owned(),
            seconds: self.outside.settle.as_secs(),
        })
    }

    /// Says whether writes were visible at once.
    pub(super) fn conclude_reads(&mut self) {
        if self.sites.is_empty() {
            return;
        }
        match &self.late {
            Some((what, after)) => self.report.refutes(
                "A07",
                format!("{what} was to be read {after} ms after it was written, not at once"),
            ),
            None => self
                .report
                .proves("A07", "every write was to be read in the next read"),
        }
    }
}

/// A scratch object that was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Created {
    /// Its GUID.
    pub(super) guid: Guid,
    /// What the answer said; `None` where it said nothing or was lost.
    pub(super) answered: Option<Guid>,
}
