//! The journal: what runs did, one fact a line, append-only, on disk before the next write goes out.
//!
//! Pure: `entry` (what a line is), `scan` (lines → entries, each chained to the one before), `audit` (lines →
//! what is wrong with them), `replay` (facts → ownership), `runs` (entries → runs, to look back on) and `name` (platform → file name). The stores of [`state`](crate::state) keep the lines. The state is a
//! summary of the journal: facts that it does not hold yet are folded in by [`replay`] when it is loaded, so that a run
//! that died loses nothing it has written down.

mod audit;
mod entry;
mod error;
mod name;
mod replay;
mod runs;
mod scan;
#[cfg(test)]
mod tests;

pub use audit::{Audit, Auditor, Fault};
pub use entry::{Entry, Fact, Replacement, schema};
pub use error::{JournalError, LineError};
pub use name::file_stem;
pub use replay::replay;
pub use runs::{RunRecord, RunResult, StepRecord, What, runs};
pub use scan::{Head, Scan, ScanError, TornLine, digest, scan, sha256};
