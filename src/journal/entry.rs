//! One line of the journal: [`Entry`] ⇄ JSON.
//!
//! Pure. A line is one JSON object and one line feed. Its `formatVersion` is looked at before anything else, so that a
//! newer program's line is told from a damaged one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::LineError;
use crate::model::{
    Acknowledgement, Attestation, CountedKind, Guid, Holder, Ignorable, Intended, Name, Outcome,
    Ownership, PackageRef, Platform, Record, Relocation, Remembered, Rounds, RunId, RunSummary,
    Step, StepId, Subnet,
};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// The version of the format, [`Entry::FORMAT_VERSION`].
    pub format_version: u32,
    /// The run that wrote it.
    pub run: RunId,
    /// Counts the facts of one platform from 1 on, over all runs.
    pub sequence: u64,
    /// When it was written, RFC 3339.
    pub at: String,
    /// The digest of the record before, [`digest`](super::digest); `None` for the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// What happened.
    pub fact: Fact,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Fact {
    /// A run begins.
    RunStarted {
        /// Which SMP it goes to.
        platform: Platform,
        /// The lineage of the state that the plan stands on; empty where there was no state yet.
        lineage: String,
        /// The serial of that state.
        serial: u64,
        /// Who; versions before it was kept did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// The digest of the plan, by which a saved plan knows its own runs; older versions did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<String>,
    },
    /// The lease of the state was taken over from a run that let it expire.
    LeaseTakenOver {
        /// What the run before said of itself.
        from: Holder,
    },
    /// A step is about to be carried out.
    StepStarted {
        /// The step, whole.
        step: Step,
    },
    /// An object that was not there is about to be created.
    CreationIntended(Intended),
    /// What was about to be created was not, or nobody can tell any more whose it is.
    CreationDropped(Intended),
    /// The server said that it created a site.
    SiteCreated {
        /// The new resource.
        guid: Guid,
        /// Its name.
        name: Name,
        /// Whether it is protected from deletion.
        protected: bool,
    },
    /// The server said that it created a subnet.
    SubnetCreated {
        /// The new resource.
        guid: Guid,
        /// Its name, `a.b.c.d/nn`.
        name: Name,
    },
    /// A site of ours goes by another name than the one that is remembered: a run renamed it, or somebody did.
    SiteRenamed {
        /// Which.
        guid: Guid,
        /// Its name now.
        name: Name,
    },
    /// The server said that it deleted a resource.
    Deleted {
        /// Which.
        guid: Guid,
        /// What kind it was; versions before counts were kept did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<CountedKind>,
    },
    /// A step of kind `record`: something is adopted, released, protected.
    Recorded {
        /// What.
        record: Record,
    },
    /// The first of two calls goes out: the distribution points of the package may be the old ones from now on.
    AssignmentWritten {
        /// Which package.
        package: PackageRef,
    },
    /// The second of two calls is done.
    DistributionUpdated {
        /// Which package.
        package: Guid,
    },
    /// The plan of the run waits for packages at their servers.
    HoldersAwaited {
        /// Which packages.
        packages: Vec<PackageRef>,
    },
    /// A package is at the servers that it was waited for at, or nobody waits for it any more.
    HoldersThere {
        /// Which package.
        package: Guid,
    },
    /// What sites were created with is there.
    CreationFinished {
        /// Which fields of which sites.
        sites: BTreeMap<Name, BTreeSet<Ignorable>>,
    },
    /// A step ended.
    StepEnded {
        /// Which.
        step: StepId,
        /// How.
        outcome: Outcome,
        /// How long it took, in milliseconds.
        milliseconds: u64,
    },
    /// Subnets were seen in no site that were not remembered so, and others no longer: what changed alone, since there
    /// may be a hundred thousand of them.
    UnassignedSeen {
        /// In no site now.
        appeared: BTreeSet<Subnet>,
        /// In a site now, or not there any more.
        gone: BTreeSet<Subnet>,
    },
    /// How many of each kind the run left behind: those kinds alone whose number is not remembered already.
    Counted {
        /// By kind.
        counts: BTreeMap<CountedKind, u64>,
    },
    /// The XML of an item was kept before it was written over.
    ItemKept {
        /// Which item.
        item: Guid,
        /// The file, from the folder of the state.
        file: String,
        /// The SHA-256 of what is in it, in hexadecimal.
        sha256: String,
    },
    /// The XML of an item was put back from a file that had kept it.
    ItemRestored {
        /// Which item.
        item: Guid,
        /// The file.
        file: String,
    },
    /// A scratch object is about to be created, by this name and no other.
    ScratchIntended {
        /// Its name, or `a.b.c.d/nn`.
        name: Name,
    },
    /// A scratch object was created.
    ScratchCreated {
        /// The new resource.
        guid: Guid,
        /// Its name, or `a.b.c.d/nn`.
        name: Name,
    },
    /// A server is about to be assigned to a scratch site.
    ScratchAssigned {
        /// Which server.
        server: Guid,
        /// The scratch site.
        site: Guid,
    },
    /// Nothing of this name is on the server any more.
    ScratchGone {
        /// Its name, or `a.b.c.d/nn`.
        name: Name,
    },
    /// Somebody gave his word for a console step.
    Attested {
        /// Which.
        step: StepId,
        /// The word.
        attestation: Attestation,
    },
    /// A state was put in the place of whatever was there: it is held from here on, whatever stood before it.
    StateReplaced {
        /// Where it came from.
        cause: Replacement,
        /// Which SMP it is about.
        platform: Platform,
        /// Its lineage.
        lineage: String,
        /// The serial that it is saved with.
        serial: u64,
        /// What it remembers, whole.
        ownership: Box<Ownership>,
        /// Where what could not be read is kept, by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        aside: Vec<String>,
        /// Who did it.
        by: String,
        /// Why, where a reason was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Entries of the state were taken out by hand.
    Forgotten {
        /// Which.
        what: Vec<Remembered>,
        /// Who did it.
        by: String,
        /// Why, where a reason was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// An entry of the state was put right by hand.
    Relocated {
        /// Which, and where it is found.
        change: Relocation,
        /// Who did it.
        by: String,
        /// Why, where a reason was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Differences that the world made appeared, were taken back, or went: those alone of which that is news.
    DriftNoted {
        /// What is to be remembered of each by its key; `null` for nothing any more.
        rounds: BTreeMap<String, Option<Rounds>>,
    },
    /// Somebody called such a difference fine for a while.
    DriftAcknowledged {
        /// Which.
        key: String,
        /// The word.
        acknowledgement: Acknowledgement,
    },
    /// Somebody took that back.
    DriftUnacknowledged {
        /// Which.
        key: String,
        /// Who.
        by: String,
    },
    /// A lease was ended by force before it ran out.
    LockBroken {
        /// Whose it was, where that was noted.
        from: Option<Holder>,
        /// Who did it.
        by: String,
        /// Why that person is sure that the holder is gone.
        why: String,
    },
    /// State and journal were copied here from another store, which refuses to work since.
    StateMoved {
        /// Where they were.
        from: String,
        /// Where they are.
        to: String,
        /// Who did it.
        by: String,
        /// Why, where a reason was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// A run ended.
    RunEnded {
        /// Counts and duration.
        summary: RunSummary,
    },
}

/// Where a state that was put in place came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    tag = "from",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Replacement {
    /// A file that somebody handed in.
    Pushed {
        /// Its serial.
        serial: u64,
    },
    /// A version that was kept, brought back on purpose.
    Restored {
        /// Its serial.
        serial: u64,
    },
    /// The version before a damaged state, with what the journal holds beyond it.
    Version {
        /// Its serial.
        serial: u64,
    },
    /// The journal, from its first record on.
    Journal,
    /// The state itself, where only the journal was damaged.
    State {
        /// Its serial.
        serial: u64,
    },
}

impl fmt::Display for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pushed { serial } => write!(f, "pushed a state of serial {serial}"),
            Self::Restored { serial } => write!(f, "restored the state of serial {serial}"),
            Self::Version { serial } => {
                write!(
                    f,
                    "recovered the state from version {serial} and the journal"
                )
            }
            Self::Journal => f.write_str("recovered the state from the journal"),
            Self::State { serial } => {
                write!(f, "began the journal anew at the state of serial {serial}")
            }
        }
    }
}

/// What every version of a line has.
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "formatVersion")]
    format_version: u32,
}

impl Entry {
    /// The version of the format that this program writes, and the newest it reads.
    pub const FORMAT_VERSION: u32 = 2;

    /// The line, with its line feed.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }

    /// The number of a line's record, whatever else is wrong with it.
    pub(crate) fn numbered(line: &[u8]) -> Option<u64> {
        #[derive(Deserialize)]
        struct Numbered {
            sequence: u64,
        }
        let numbered: Numbered = serde_json::from_slice(line).ok()?;
        Some(numbered.sequence)
    }

    /// Reads a line, with or without its line feed.
    pub(crate) fn decode(line: &[u8]) -> Result<Self, LineError> {
        let Header { format_version } = serde_json::from_slice(line)?;
        match format_version {
            // Version 1 had no chain.
            1 | Self::FORMAT_VERSION => Ok(serde_json::from_slice(line)?),
            found if found > Self::FORMAT_VERSION => Err(LineError::Newer { found }),
            found => Err(LineError::Unknown { found }),
        }
    }
}

/// The JSON Schema (draft 2020-12) of one line.
#[must_use]
pub fn schema() -> Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Entry>()
        .to_value()
}
