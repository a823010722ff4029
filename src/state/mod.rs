//! The state: what is remembered about one platform between runs, in one JSON file, with a lock beside it.
//!
//! `format` (the file's content, its checksum, its version) is pure; `file` reads and replaces the file, `lock` keeps a
//! second process out. The state is a summary of the journal up to `journal_sequence`: [`FileStore::load`]
//! folds in what came after. A file that is damaged is never written over.

mod error;
mod file;
mod format;
mod lock;
#[cfg(test)]
mod tests;

pub use error::{LockError, StateError};
pub use file::{FileStore, Loaded};
pub use format::{FormatError, State, schema};
pub use lock::Lock;
