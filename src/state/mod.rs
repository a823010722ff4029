//! The state: what is remembered about one platform between runs, the journal that it sums up, and the lock that keeps a
//! second process from both.
//!
//! `format` (what is kept, its checksum, its version) is pure. `store` is what the program works with; it is made of the
//! few things that a `Backend` does: `file`, `file_log` and `file_lock` are the default one. `fold` (what the journal makes
//! of a state) is pure, too. `lock` says how long a state is ours, `renewal` renews a lease, `journal` adds records,
//! `under_way` runs a write to its end whoever stops waiting for it, `kept` keeps the XML of items. A state that is damaged
//! is never written over.

mod backend;
mod by_hand;
mod error;
mod file;
mod file_lock;
mod file_log;
mod fold;
mod format;
mod journal;
mod kept;
mod lock;
#[cfg(test)]
mod log_tests;
mod migrate;
mod postgres;
mod recover;
#[cfg(test)]
mod recover_tests;
#[cfg(any(feature = "postgres", feature = "s3"))]
mod renewal;
#[cfg(feature = "s3")]
mod s3;
mod store;
#[cfg(test)]
mod tests;
mod under_way;

pub use backend::{Broken, Version};
pub use by_hand::{Hand, NewState};
pub use error::{LockError, StateError};
pub use file_log::journal_path;
pub use format::{FormatError, State, schema};
pub use journal::Journal;
pub use kept::Kept;
pub use lock::{LEAST_LEFT, Lease, Lock};
pub use migrate::Copied;
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
pub use postgres::{Cause, DatabaseError};
pub use recover::{Damage, Origin, Recovered};
#[cfg(feature = "s3")]
pub use s3::{S3Credentials, S3Error, S3Options};
pub use store::{Loaded, Store};
