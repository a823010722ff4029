//! Which servers an address may use, and how that changes.
//!
//! Pure. [`World`] is the part of an SMP that server selection looks at, either as it was seen or as it will be after
//! a plan. [`Selector`] is an index over one world that answers for an address, a client or all addresses as
//! [`Ranges`]; `rules.rs` holds the rules, each with its source; [`impact`] compares two worlds. What the sources leave open, or what could not be
//! read, leads to an answer that says so, never to a certain wrong one.

mod candidates;
mod declared;
mod impact;
mod networks;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod oracle;
mod ranges;
mod rules;
mod selector;
mod served;
mod sweep;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
mod world;

pub use candidates::{Candidate, Obstacle, Verdict};
pub use impact::{
    Extent, Impact, NamedReading, Outcome, PackageLost, RoleShift, Shift, Span, Stranded, impact,
};
pub use ranges::{Range, Ranges};
pub use rules::REGISTRATIONS;
pub use selector::{Place, Selector};
pub use served::{Choice, Reading, Reason, Served, Servers, Service};
pub use sweep::{enclosing, most_specific};
pub use world::{
    Assigned, SiteIndex, World, WorldAssignment, WorldPackage, WorldServer, WorldSite,
};
