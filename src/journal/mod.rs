//! The journal: what runs did, one fact a line, append-only, on disk before the next write goes out.
//!
//! `entry` (what a line is), `replay` (facts → ownership) and `name` (platform → file name) are pure; `file` alone
//! reads and writes, with `backup` (the XML of items before it is written over). The state is a summary of the journal: facts that it does not hold yet are folded in by [`replay`]
//! when it is loaded, so that a run that died loses nothing it has written down.

mod backup;
mod entry;
mod error;
mod file;
mod name;
mod replay;
#[cfg(test)]
mod tests;

pub use backup::{Kept, kept};
pub use entry::{Entry, Fact, schema};
pub use error::{JournalError, LineError};
pub(crate) use file::sync_folder;
pub use file::{Journal, Reading, Torn, journal_path, read};
pub use name::file_stem;
pub use replay::replay;
