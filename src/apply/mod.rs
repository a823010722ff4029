//! Carries a plan out, several steps at once where that is safe: look, write, read back, journal.
//!
//! I/O, through the writer and the journal. Guarantees: a step looks before it writes and again after; a failed step
//! stops its dependants only; every event is also a journal record; what it says is [`Event`](crate::model::Event)s and nothing else.

mod baseline;
mod born;
mod failed;
mod gap;
mod item;
mod judge;
mod memory;
mod run;
mod saved;
mod schedule;
mod step;
mod subject;
pub(crate) mod writing;

pub use baseline::{Left, LeftError, keep, leaves_nothing, left, less_seen, rounds, seen};
pub use item::changed_beside;
pub use judge::{Drifted, Progress, judge};
pub use memory::{aftermath, carried_out, unproven};
pub use run::{ApplyError, Course, Ended, Halt, Options, Run, apply};
pub use saved::{Moved, Resumed, Unfit, resume};
#[cfg(test)]
pub(crate) use subject::Subject;

#[cfg(test)]
mod tests;
