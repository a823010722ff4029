//! Text for people: plans, notes, events, summaries, explanations and errors.
//!
//! Pure. Everything is legible without colour and in 80 columns.

mod checked;
mod checks;
mod error;
mod events;
mod explain;
mod impact;
mod journal;
mod notes;
mod objects;
mod plan;
mod serves;
mod steps;
mod summary;
mod verify;

pub use checked::checked;
pub use checks::{check_explained, check_list};
pub use error::{error, warning};
pub use events::event;
pub use explain::explanation;
pub(super) use impact::{Hosts, write as write_impact};
pub use journal::{audit, run, runs};
pub(super) use notes::grouped;
pub use notes::{heading, notes};
pub use plan::plan;
pub(super) use plan::{Parts, parts};
pub use serves::serving;
pub use summary::summary;
pub use verify::verification;
