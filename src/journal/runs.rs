//! The journal as people look back on it: entries → runs, each with its steps.
//!
//! Pure. Records of several runs may stand between one another, since `attest` works beside `apply --wait`; they are
//! told apart by the id of the run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Entry, Fact};
use crate::model::{Outcome, Record, RunId, Step, StepId};

/// One run, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// Its id.
    pub run: RunId,
    /// What it was: a command, as far as the records tell.
    pub what: What,
    /// Who, where that was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, where somebody gave a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The digest of the plan, where that was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// When its first record was written, RFC 3339.
    pub started: String,
    /// When its last record was written.
    pub last: String,
    /// How long it took, in milliseconds; `None` where it did not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// The serial of the state that it stood on, where that was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<u64>,
    /// The number of its first record.
    pub first_record: u64,
    /// The number of its last record.
    pub last_record: u64,
    /// How it ended.
    pub result: RunResult,
    /// Its steps, in the order in which they were begun.
    pub steps: Vec<StepRecord>,
    /// What else it noted, in words.
    pub notes: Vec<String>,
}

/// What a run was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// `apply`.
    Apply,
    /// `attest`.
    Attest,
    /// `restore` of an item.
    Restore,
    /// `profile verify`.
    Trial,
    /// A command of `state`.
    State,
    /// A word on a difference, given or taken back with `drift`.
    Drift,
    /// It only counted what there is.
    Observe,
}

impl What {
    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Attest => "attest",
            Self::Restore => "restore",
            Self::Trial => "profile verify",
            Self::State => "state",
            Self::Drift => "drift",
            Self::Observe => "count",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RunResult {
    /// Everything was done.
    Done,
    /// Steps failed.
    Failed,
    /// It was stopped.
    Stopped,
    /// Console steps are open, or were left out.
    Open,
    /// It did not come to its end.
    Died,
}

impl RunResult {
    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Open => "open",
            Self::Died => "died",
        }
    }
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// Which.
    pub id: StepId,
    /// The step, whole; `None` where only its end was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// When it was begun, RFC 3339.
    pub started: String,
    /// How it ended; `None` where it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
}

/// Gathers the runs of a journal, the oldest first.
#[must_use]
pub fn runs(entries: impl IntoIterator<Item = Entry>) -> Vec<RunRecord> {
    let mut runs: Vec<RunRecord> = Vec::new();
    let mut places: BTreeMap<RunId, usize> = BTreeMap::new();
    for entry in entries {
        let place = *places.entry(entry.run.clone()).or_insert_with(|| {
            runs.push(begun(&entry));
            runs.len() - 1
        });
        if let Some(run) = runs.get_mut(place) {
            run.add(entry);
        }
    }
    runs
}

fn begun(entry: &Entry) -> RunRecord {
    RunRecord {
        run: entry.run.clone(),
        what: What::Observe,
        by: None,
        why: None,
        plan: None,
        started: entry.at.clone(),
        last: entry.at.clone(),
        milliseconds: None,
        serial: None,
        first_record: entry.sequence,
        last_record: entry.sequence,
        result: RunResult::Done,
        steps: Vec::new(),
        notes: Vec::new(),
    }
}

impl RunRecord {
    #[expect(clippy::too_many_lines, reason = "one arm a kind of fact")]
    fn add(&mut self, entry: Entry) {
        let at = entry.at;
        self.last.clone_from(&at);
        self.last_record = entry.sequence;
        match entry.fact {
            Fact::RunStarted { serial, by, .. } => {
                self.what = What::Apply;
                self.by = by;
                self.serial = Some(serial);
                // Until its end is noted it has none.
                self.result = RunResult::Died;
            }
            Fact::LeaseTakenOver { from } => {
                self.notes.push(format!("took over the lease of {from}"));
            }
            Fact::StepStarted { step } => self.steps.push(StepRecord {
                id: step.id.clone(),
                step: Some(step),
                started: at,
                outcome: None,
                milliseconds: None,
            }),
            Fact::StepEnded {
                step,
                outcome,
                milliseconds,
            } => self.ended(step, at, outcome, milliseconds),
            Fact::RunEnded { summary } => {
                self.milliseconds = Some(summary.milliseconds);
                let steps = &summary.steps;
                self.result = if steps.failed > 0 {
                    RunResult::Failed
                } else if steps.cancelled > 0 {
                    RunResult::Stopped
                } else if steps.open > 0 || steps.skipped > 0 {
                    RunResult::Open
                } else {
                    RunResult::Done
                };
            }
            Fact::Attested { step, attestation } => {
                self.be(What::Attest, Some(attestation.by), Some(attestation.reason));
                self.notes
                    .push(format!("attested {step}: {}", attestation.value));
            }
            Fact::DriftNoted { .. } => self.be(What::Drift, None, None),
            Fact::DriftAcknowledged {
                key,
                acknowledgement,
            } => {
                let word = acknowledgement;
                self.be(What::Drift, Some(word.by), Some(word.reason));
                self.notes
                    .push(format!("acknowledged {key} until {}", word.until));
            }
            Fact::DriftUnacknowledged { key, by } => {
                self.be(What::Drift, Some(by), None);
                self.notes.push(format!("no longer acknowledged {key}"));
            }
            Fact::ItemRestored { item, file } => {
                self.be(What::Restore, None, None);
                self.notes.push(format!("put item {item} back from {file}"));
            }
            Fact::CreationDropped(intended) => self.notes.push(format!(
                "nobody can tell whose `{}` is, which a run was about to create",
                intended.name
            )),
            Fact::ScratchIntended { .. }
            | Fact::ScratchCreated { .. }
            | Fact::ScratchAssigned { .. }
            | Fact::ScratchGone { .. } => self.what = What::Trial,
            Fact::Recorded { record } => {
                // A step of our own state is one record.
                match record {
                    Record::AcceptFewer {
                        of,
                        before,
                        after,
                        why,
                    } => self.notes.push(format!(
                        "accepted that there are {after} {of} and not {before}: {why}"
                    )),
                    Record::Override { limit, to, why, .. } => self
                        .notes
                        .push(format!("went past {limit}, up to {to}: {why}")),
                    Record::Thaw { from, to, why, .. } => self.notes.push(format!(
                        "went into the time from {from} to {to}, in which nothing may change: {why}"
                    )),
                    Record::AdoptSite { .. }
                    | Record::AdoptSubnet { .. }
                    | Record::ReleaseSite { .. }
                    | Record::ReleaseSubnet { .. }
                    | Record::Protect { .. } => {}
                }
            }
            Fact::ItemKept { item, file, .. } => {
                self.notes.push(format!("kept item {item} in {file}"));
            }
            Fact::StateReplaced { cause, by, why, .. } => {
                self.notes.push(cause.to_string());
                self.be(What::State, Some(by), why);
            }
            Fact::Forgotten { what, by, why } => {
                self.notes
                    .extend(what.iter().map(|one| format!("forgot {one}")));
                self.be(What::State, Some(by), why);
            }
            Fact::Relocated { change, by, why } => {
                self.notes.push(relocated(&change));
                self.be(What::State, Some(by), why);
            }
            Fact::LockBroken { from, by, why } => {
                self.notes.push(match from {
                    Some(from) => format!("broke the lock of {from}"),
                    None => "broke a lock of which nobody is known".to_owned(),
                });
                self.be(What::State, Some(by), Some(why));
            }
            Fact::StateMoved { from, to, by, why } => {
                self.notes.push(format!("moved from {from} to {to}"));
                self.be(What::State, Some(by), why);
            }
            Fact::CreationIntended(_)
            | Fact::SiteCreated { .. }
            | Fact::SubnetCreated { .. }
            | Fact::Deleted { .. }
            | Fact::AssignmentWritten { .. }
            | Fact::DistributionUpdated { .. }
            | Fact::HoldersAwaited { .. }
            | Fact::HoldersThere { .. }
            | Fact::CreationFinished { .. }
            | Fact::SiteRenamed { .. }
            | Fact::UnassignedSeen { .. }
            | Fact::Counted { .. } => {}
        }
    }

    /// Says what a run was that has no plan; an apply stays one.
    fn be(&mut self, what: What, by: Option<String>, why: Option<String>) {
        if self.what != What::Apply {
            self.what = what;
        }
        self.by = by.or(self.by.take());
        self.why = why.or(self.why.take());
    }

    fn ended(&mut self, step: StepId, at: String, outcome: Outcome, milliseconds: u64) {
        let begun = self.steps.iter_mut().rev().find(|begun| begun.id == step);
        if let Some(begun) = begun {
            begun.outcome = Some(outcome);
            begun.milliseconds = Some(milliseconds);
        } else {
            self.steps.push(StepRecord {
                id: step,
                step: None,
                started: at,
                outcome: Some(outcome),
                milliseconds: Some(milliseconds),
            });
        }
    }
}

fn relocated(change: &crate::model::Relocation) -> String {
    use crate::model::Relocation;
    match change {
        Relocation::Site { from, to, owned } | Relocation::Subnet { from, to, owned } => {
            if from == to {
                format!("renamed {from} to {}", owned.name)
            } else {
                format!("holds {} as {to}, which was {from}", owned.name)
            }
        }
        Relocation::Attestation { from, to, .. } => format!("holds the word for {from} for {to}"),
    }
}
