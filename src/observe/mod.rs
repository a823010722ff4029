//! A reader becomes a snapshot: what the SMP holds, and for each part whether it could be seen at all.
//!
//! I/O, through the reader only. *Unseen is not absent*: a read that fails makes its part unavailable, with the
//! reason; only what makes every read fail ends the refresh.
//!
//! Reading order: `scope` (what is asked for), `refresh` (the order of reads), `memberships`, `servers`, `packages`,
//! `settings`, `unlisted` (the parts), `surroundings` with `facts`, `clients`, `prevention` and `rows` (what only
//! checks look at), `happenings` (what `verify` looks at), `look` (what one step needs), `build` (which build a server is), `discover`
//! with `choose`, `decide`, `shape`, `prove`, `world`, `candidates` and `roles` (a first profile), `install` (its
//! reports), `learn` (what an example in the console shows), `lists` (how many there are), `kept` (a snapshot as bytes, and what it says for another declaration).

mod build;
mod candidates;
mod choose;
mod clients;
mod decide;
mod discover;
mod facts;
mod happenings;
mod install;
mod kept;
mod learn;
mod lists;
mod look;
mod memberships;
mod packages;
mod prevention;
mod prove;
mod refresh;
mod roles;
mod rows;
mod scope;
mod servers;
mod settings;
mod shape;
mod surroundings;
#[cfg(test)]
mod surroundings_tests;
#[cfg(test)]
mod tests;
mod unlisted;
mod world;

pub use build::{ModelDescription, build_change, look_at_build};
pub use choose::{Candidate, Choose, Decision, Finding, Question, Told, accept_exact};
pub use discover::{Discovery, Wanted, discover};
pub use happenings::happenings;
pub use install::{InstallError, ReportText, install_reports};
pub use kept::{Kept, KeptError};
pub use learn::{look_again, looked_at, packages_known};
pub use lists::{Lists, lists};
pub use look::{Bindings, Seen, look};
pub(crate) use refresh::lost_reports;
pub use refresh::{RefreshError, identify, refresh};
pub use scope::Scope;
pub use surroundings::writes;
pub(crate) use world::data_classes_of;

use crate::smp::ReadError;

/// The reason for people of a read that failed: the error and what caused it, in one line.
fn reason(error: &ReadError) -> String {
    error.to_string()
}
