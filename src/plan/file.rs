//! Plans in files: [`Plan`] ⇄ [`PlanFile`] ⇄ JSON.
//!
//! Pure: text in, text out. A file is refused unless every part of it is understood and its digest is that of what it
//! says, since whoever applies it makes no choices of their own. The digest covers everything but the digest itself and
//! the time: the same plan made twice has the same one. It finds damage and careless edits; it keeps nobody from writing
//! another plan with another digest.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Names, Note, ObjectChange, Picture, Plan, Reach, digest};
use crate::model::{CountedKind, Platform, Step, StepId};
use crate::select::Impact;

/// A plan as it is saved, shown and handed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanFile {
    /// Version of this format.
    pub format_version: u32,
    /// Version of the program that made it.
    pub tool_version: String,
    /// When it was made, RFC 3339; not covered by the digest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub created_at: String,
    /// The SHA-256, in hexadecimal, of everything else but the time: of this JSON without both fields, without blanks
    /// between its parts, and with a line feed at its end.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The SMP that it was made for; its GUID is what counts.
    pub platform: Platform,
    /// Lineage of the state that it was made with; empty where there was none yet.
    pub lineage: String,
    /// Serial of that state.
    pub serial: u64,
    /// The number of the last journal record that was known when it was made.
    pub journal_sequence: u64,
    /// The SHA-256 of what the manifests declare, without the places where they do.
    pub desired_digest: String,
    /// The SHA-256 of what the prechecks of the steps rely on, as it was read.
    pub snapshot_digest: String,
    /// When that was read, RFC 3339, where it was not for this plan (`--refresh=false`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_since: Option<String>,
    /// What changes, object by object.
    pub changes: Vec<ObjectChange>,
    /// What that means for client addresses.
    pub impact: Impact,
    /// What its pictures show: what it touches of the platform, and what is beside that.
    #[serde(default, skip_serializing_if = "Picture::is_empty")]
    pub picture: Picture,
    /// What the limits of a workspace count of it.
    #[serde(default, skip_serializing_if = "Reach::is_nothing")]
    pub reach: Reach,
    /// What is done, in an order in which it may be done.
    pub steps: Vec<Step>,
    /// The names of what a person has to find and a step names by GUID alone.
    #[serde(default, skip_serializing_if = "Names::is_empty")]
    pub names: Names,
    /// Findings of the checks, attestations, and the like.
    pub notes: Vec<Note>,
    /// How many of each kind were seen, for the next plan to compare with; without the kinds that are in doubt.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<CountedKind, u64>,
}

/// What every version of the file has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    format_version: Option<u64>,
    tool_version: Option<String>,
}

/// Why a text is no plan that can be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// It is no JSON, or ends too early.
    #[error("line {line}, column {column}: expected a plan in JSON: {reason}")]
    Damaged {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the JSON parser says.
        reason: String,
    },
    /// It is JSON and no plan.
    #[error("expected a plan file, found JSON without `formatVersion`")]
    NoPlan,
    /// A later version of the program wrote it in a later format.
    #[error(
        "expected format version {}, found {found}, written by version `{tool_version}`",
        PlanFile::FORMAT_VERSION
    )]
    Newer {
        /// The version of the file's format.
        found: u64,
        /// The version of the program that wrote it, `unknown` where it does not say.
        tool_version: String,
    },
    /// An earlier version of the program wrote it in an earlier format.
    #[error(
        "expected format version {}, found the older {found}, written by version `{tool_version}`",
        PlanFile::FORMAT_VERSION
    )]
    Older {
        /// The version of the file's format.
        found: u64,
        /// The version of the program that wrote it, `unknown` where it does not say.
        tool_version: String,
    },
    /// A part of it is missing, unknown or of the wrong type.
    #[error("line {line}, column {column}: `{path}`: {reason}")]
    Structure {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Which part: `steps[3].id`.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is not what was written: something was changed since.
    #[error(
        "it was changed since it was written: expected the digest `{expected}`, found `{found}`"
    )]
    Changed {
        /// What stands in the file.
        expected: String,
        /// The digest of what the file says.
        found: String,
    },
    /// It says something at a place where nothing is read.
    #[error("it was changed since it was written: it says more than is read of it")]
    Added,
    /// Its steps contradict each other, so it was not written by this program.
    #[error("step `{step}`: {reason}")]
    Steps {
        /// Which step.
        step: StepId,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl PlanFileError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "SW0590",
            Self::NoPlan => "SW0591",
            Self::Newer { .. } => "SW0592",
            Self::Structure { .. } => "SW0593",
            Self::Steps { .. } => "SW0594",
            Self::Changed { .. } | Self::Added => "SW0640",
            Self::Older { .. } => "SW0641",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Newer { .. } => {
                "use the version of sitewright that wrote it, or plan again with this one"
            }
            Self::Older { .. } => {
                "plan again: `sitewright plan --out FILE`; what was applied of it by then is kept"
            }
            Self::Changed { .. } | Self::Added => {
                "nobody approved what it says now: take the file as it was written, or plan again with `sitewright \
                 plan --out FILE`"
            }
            Self::Damaged { .. } | Self::NoPlan | Self::Structure { .. } | Self::Steps { .. } => {
                "write the plan again with `sitewright plan --out FILE`"
            }
        }
    }
}

impl Plan {
    /// The SHA-256 of the plan, in hexadecimal: what its file, its runs and the journal know it by.
    ///
    /// # Guarantees
    /// The same plan gives the same digest, whenever it was made.
    #[must_use]
    pub fn digest(&self) -> String {
        PlanFile::unsealed(self).own_digest()
    }
}

impl PlanFile {
    /// The version of the format that this program writes, and the only one that it reads.
    pub const FORMAT_VERSION: u32 = 4;

    /// A plan, to be saved; `created_at` is the time of now, RFC 3339.
    #[must_use]
    pub fn seal(plan: &Plan, created_at: &str) -> Self {
        let mut file = Self::unsealed(plan);
        file.digest = file.own_digest();
        created_at.clone_into(&mut file.created_at);
        file
    }

    fn unsealed(plan: &Plan) -> Self {
        let Plan {
            tool_version,
            platform,
            lineage,
            serial,
            journal_sequence,
            desired_digest,
            snapshot_digest,
            stale_since,
            changes,
            impact,
            picture,
            reach,
            steps,
            names,
            notes,
            counts,
        } = plan.clone();
        Self {
            format_version: Self::FORMAT_VERSION,
            tool_version,
            created_at: String::new(),
            digest: String::new(),
            platform,
            lineage,
            serial,
            journal_sequence,
            desired_digest,
            snapshot_digest,
            stale_since,
            changes,
            impact,
            picture,
            reach,
            steps,
            names,
            notes,
            counts,
        }
    }

    /// The plan that is in it.
    pub fn plan(self) -> Plan {
        let Self {
            format_version: _, // of the file
            tool_version,
            created_at: _, // of the file
            digest: _,     // of the file
            platform,
            lineage,
            serial,
            journal_sequence,
            desired_digest,
            snapshot_digest,
            stale_since,
            changes,
            impact,
            picture,
            reach,
            steps,
            names,
            notes,
            counts,
        } = self;
        Plan {
            tool_version,
            platform,
            lineage,
            serial,
            journal_sequence,
            desired_digest,
            snapshot_digest,
            stale_since,
            changes,
            impact,
            picture,
            reach,
            steps,
            names,
            notes,
            counts,
        }
    }

    /// The digest of what it says, whatever stands in `digest`; both fields that are not covered must be empty.
    fn own_digest(&self) -> String {
        digest::of(self)
    }

    /// Writes it as JSON, with a final newline.
    ///
    /// # Guarantees
    /// [`PlanFile::read`] reads the same from it. The same plan of the same time gives the same bytes.
    #[must_use]
    pub fn write(&self) -> String {
        // Neither a map with keys that are no strings nor a failing writer is possible here.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a plan file.
    ///
    /// # Guarantees
    /// It is as it was written. The steps of the plan have unique ids and depend on earlier steps only.
    ///
    /// # Errors
    /// [`PlanFileError`] says where the file is damaged, that it was changed, or what wrote it where the format is
    /// another one.
    pub fn read(text: &str) -> Result<Self, PlanFileError> {
        // Some editors on Windows put a mark before the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| damaged(&e))?;
        known_format(&value)?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let file: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner();
            PlanFileError::Structure {
                line: inner.line(),
                column: inner.column(),
                path,
                reason: reason(&inner),
            }
        })?;
        let file = file.unchanged()?;
        // The digest is of what was understood: what was passed over in silence is found by comparing all of it.
        if serde_json::to_value(&file).ok() != Some(value) {
            return Err(PlanFileError::Added);
        }
        check_steps(&file.steps)?;
        Ok(file)
    }

    fn unchanged(mut self) -> Result<Self, PlanFileError> {
        let expected = std::mem::take(&mut self.digest);
        let created_at = std::mem::take(&mut self.created_at);
        let found = self.own_digest();
        if found != expected {
            return Err(PlanFileError::Changed { expected, found });
        }
        Ok(Self {
            digest: expected,
            created_at,
            ..self
        })
    }
}

/// The version comes first: another format may hold anything.
fn known_format(value: &serde_json::Value) -> Result<(), PlanFileError> {
    let Ok(Header {
        format_version: Some(found),
        tool_version,
    }) = Header::deserialize(value)
    else {
        return Err(PlanFileError::NoPlan);
    };
    let tool_version = tool_version.unwrap_or_else(|| "unknown".into());
    match found.cmp(&u64::from(PlanFile::FORMAT_VERSION)) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(PlanFileError::Newer {
            found,
            tool_version,
        }),
        std::cmp::Ordering::Less => Err(PlanFileError::Older {
            found,
            tool_version,
        }),
    }
}

fn damaged(error: &serde_json::Error) -> PlanFileError {
    PlanFileError::Damaged {
        line: error.line(),
        column: error.column(),
        reason: reason(error),
    }
}

/// The parser's message without the place, which is said apart.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

fn check_steps(steps: &[Step]) -> Result<(), PlanFileError> {
    let mut seen = BTreeSet::new();
    for (position, step) in steps.iter().enumerate() {
        let wrong = |reason| {
            Err(PlanFileError::Steps {
                step: step.id.clone(),
                reason,
            })
        };
        if !seen.insert(&step.id) {
            return wrong("expected every id once, found it twice");
        }
        let later = |on: &u32| usize::try_from(*on).map_or(true, |on| on >= position);
        if step.depends_on.iter().any(later) {
            return wrong("expected `dependsOn` to name earlier steps, found a later one");
        }
    }
    Ok(())
}
