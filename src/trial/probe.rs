//! What a trial is made of, and its course: every probe, then everything is cleared away.
//!
//! I/O, through the bench.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::LocalBoxFuture;

use super::bench::{Bench, Outside, Setting};
use super::clear::{Cleared, clear};
use super::report::Report;
use super::{Lists, Packages, Renames, Servers, Sites, Subnets};
use crate::journal::JournalError;
use crate::model::{Guid, Snapshot};
use crate::observe::ModelDescription;
use crate::profile::Profile;
use crate::smp::chain;
use crate::smp::{ReadError, Scratch, ScratchError, ScratchWriter, SendError, WritingTransport};

/// Why a probe did not come to its end. Codes `SW0850` to `SW0855`, and those of writing.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// Something could not be looked at.
    #[error("cannot look at what was written")]
    Read(#[source] ReadError),
    /// The server did not take a write on a scratch object.
    #[error("cannot write `{what}`")]
    Write {
        /// What.
        what: String,
        /// Why.
        #[source]
        error: ScratchError,
    },
    /// The answer of a creation was lost, and nothing is there.
    #[error("the server does not say what it created as `{name}`, and it is not to be found")]
    Lost {
        /// Its name.
        name: String,
    },
    /// What was written is not to be read.
    #[error("{what}: the server took it, and it is not to be read after {seconds} s")]
    Unseen {
        /// What.
        what: String,
        /// How long it was looked for.
        seconds: u64,
    },
    /// Something was handed over that cannot be used.
    #[error("{0} cannot be used")]
    Unfit(String),
    /// Somebody asked to stop.
    #[error("stopped, as asked")]
    Cancelled,
    /// Without a journal nothing may be written.
    #[error("cannot keep the journal")]
    Journal(#[source] JournalError),
}

impl TrialError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "SW0850",
            Self::Write { error, .. } => error.code(),
            Self::Lost { .. } => "SW0851",
            Self::Unseen { .. } => "SW0852",
            Self::Unfit(_) => "SW0853",
            Self::Cancelled => "SW0854",
            Self::Journal(_) => "SW0855",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read(error) => error.hint(),
            Self::Write {
                error: ScratchError::Send(error),
                ..
            } => SendError::hint(error),
            Self::Lost { .. } | Self::Unseen { .. } => {
                Some("a server that is slow may need a longer --settle".into())
            }
            Self::Write { .. } | Self::Unfit(_) | Self::Cancelled | Self::Journal(_) => None,
        }
    }

    /// The error and everything that caused it, in one line.
    #[must_use]
    pub fn told(&self) -> String {
        chain(self)
    }

    /// Whether nothing more may be tried.
    fn ends_all(&self) -> bool {
        match self {
            Self::Cancelled | Self::Journal(_) => true,
            Self::Read(error) => error.fatal(),
            Self::Write { .. } | Self::Lost { .. } | Self::Unseen { .. } | Self::Unfit(_) => false,
        }
    }
}

/// One thing that is tried.
pub trait Probe {
    /// What it will do to the server, a line each; empty where it writes nothing.
    fn shows(&self, setting: &Setting) -> Vec<String>;

    /// Tries it; what it finds out goes into the report of the bench.
    fn run<'b>(&'b self, bench: &'b mut Bench<'_>) -> LocalBoxFuture<'b, Result<(), TrialError>>;
}

/// The probes of every trial, in their order: each may work with what those before it made.
#[must_use]
pub fn probes() -> Vec<Box<dyn Probe>> {
    vec![
        Box::new(Sites),
        Box::new(Subnets),
        Box::new(Servers),
        Box::new(Renames),
        Box::new(Packages),
        Box::new(Lists),
    ]
}

/// What came of a trial.
#[derive(Debug)]
pub struct Outcome {
    /// What was found out.
    pub report: Report,
    /// Probes that did not come to their end.
    pub failures: Vec<TrialError>,
    /// What was cleared away, and what is left.
    pub cleared: Cleared,
}

/// Carries the probes out, one after the other, and clears everything away.
///
/// # Guarantees
/// Whatever happens, what was created is deleted again, or named in the outcome and in the journal. A probe that fails
/// does not keep the next one from being tried, unless nothing can be tried any more.
///
/// # Errors
/// Where the journal cannot be kept: then what is left on the server is not known to be gone.
pub async fn carry_out(
    transport: WritingTransport,
    profile: &Profile,
    outside: Outside<'_>,
    setting: Setting,
    snapshot: &Snapshot,
    model: Option<&ModelDescription>,
    probes: &[Box<dyn Probe>],
) -> Result<Outcome, JournalError> {
    let guest = setting.guest.as_ref().map(|guest| guest.guid);
    let writer = ScratchWriter::new(transport, &Arc::new(profile.clone()), guest);
    let mut bench = Bench::new(writer, profile.clone(), outside, setting, snapshot, model);
    let mut failures = Vec::new();
    for probe in probes {
        if let Err(error) = probe.run(&mut bench).await {
            tracing::warn!(error = error.told(), "a probe did not come to its end");
            let ends = error.ends_all();
            failures.push(error);
            if ends {
                break;
            }
        }
    }
    bench.conclude_reads();
    let Bench {
        mut writer,
        mut outside,
        report,
        remains,
        lost,
        ..
    } = bench;
    // What is known of this run by its answers needs no second look; what an answer did not tell of does.
    let doubtful: BTreeSet<&Scratch> = lost.iter().collect();
    let born: BTreeSet<Guid> = remains
        .objects()
        .into_iter()
        .filter(|(scratch, _)| !doubtful.contains(scratch))
        .flat_map(|(_, guids)| guids)
        .collect();
    let cleared = clear(&mut writer, &mut outside, &remains, &born).await?;
    Ok(Outcome {
        report,
        failures,
        cleared,
    })
}
