//! Text for people: plans, notes, events, summaries and errors.
//!
//! Pure. Everything is legible without colour and in 80 columns.

mod error;
mod events;
mod impact;
mod notes;
mod objects;
mod plan;
mod steps;
mod summary;

pub use error::{error, warning};
pub use events::event;
pub use notes::notes;
pub use plan::plan;
pub use summary::summary;
