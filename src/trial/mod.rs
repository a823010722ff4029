//! A trial: round trips on scratch objects that prove or refute what a profile and the client rest on.
//!
//! I/O, through the scratch writer, the reader and the journal. A trial writes with less than `verified`, on objects of
//! its own: two sites with an unmistakable name, two subnets of a network of documentation, and, where somebody names
//! them, a server that is assigned to a scratch site for a moment and a package whose assignment is written back. All of
//! it is in the journal before it is on the server, and cleared away at the end, whatever happened.
//!
//! Reading order: `choose` (with what), `probe` (what a trial is made of), `sites`, `membership` with `member`,
//! `renames`, `beside` (the probes), `bench` (what they work at), `assumptions` and `report` (what comes of it), `remains` and
//! `clear` (what is left, and how it goes).

mod assumptions;
mod bench;
mod beside;
mod choose;
mod clear;
mod compare;
mod member;
mod membership;
mod probe;
mod remains;
mod renames;
mod report;
mod sites;

pub use assumptions::{Finding, Verdict};
pub use bench::{Bench, Outside, Seen, Setting};
pub use beside::{Lists, Packages};
pub use choose::{ChoiceError, guest, known_subnets, networks, package};
pub use clear::{Cleared, clear};
pub use membership::{Servers, Subnets};
pub use probe::{Outcome, Probe, TrialError, carry_out, probes};
pub use remains::Remains;
pub use renames::Renames;
pub use report::{Change, Correction, Report};
pub use sites::Sites;
