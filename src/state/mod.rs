//! The state: what is remembered about one platform between runs, the journal that it sums up, and the lock that keeps a
//! second process from both.
//!
//! `format` (what is kept, its checksum, its version) is pure. `store` is what the program works with; it is made of the
//! few things that a [`Backend`](backend::Backend) does: `file` and `file_log` are the default one. `lock` says how long
//! a state is ours, `journal` adds records, `kept` keeps the XML of items. A state that is damaged is never written over.

mod backend;
mod by_hand;
mod error;
mod file;
mod file_log;
mod format;
mod journal;
mod kept;
mod lock;
mod migrate;
mod recover;
#[cfg(test)]
mod recover_tests;
#[cfg(test)]
mod log_tests;
mod store;
#[cfg(test)]
mod tests;

pub use backend::{Broken, Version};
pub use by_hand::{Hand, NewState};
pub use error::{LockError, StateError};
pub use file_log::journal_path;
pub use format::{FormatError, State, schema};
pub use journal::Journal;
pub use kept::Kept;
pub use lock::{LEAST_LEFT, Lease, Lock};
pub use migrate::Copied;
pub use recover::{Damage, Origin, Recovered};
pub use store::{Loaded, Store};
