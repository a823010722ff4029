//! The journal: what runs did, one fact a line, append-only, on disk before the next write goes out.
//!
//! Pure: `entry` (what a line is), `scan` (lines → entries, each chained to the one before), `replay` (facts →
//! ownership) and `name` (platform → file name). The stores of [`state`](crate::state) keep the lines. The state is a
//! summary of the journal: facts that it does not hold yet are folded in by [`replay`] when it is loaded, so that a run
//! that died loses nothing it has written down.

mod entry;
mod error;
mod name;
mod replay;
mod scan;
#[cfg(test)]
mod tests;

pub use entry::{Entry, Fact, schema};
pub use error::{JournalError, LineError};
pub use name::file_stem;
pub use replay::replay;
pub use scan::{Head, Scan, ScanError, TornLine, digest, scan, sha256};
