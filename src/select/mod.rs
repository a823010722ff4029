//! Which servers an address may use, and how that changes.
//!
//! Pure. [`World`] is the part of an SMP that server selection looks at, either as it was seen or as it will be after
//! a plan; the sweep over nested prefixes in [`enclosing`] answers everything about overlaps in one pass.

mod declared;
mod sweep;
mod world;

pub use sweep::{enclosing, most_specific};
pub use world::{
    Assigned, SiteIndex, World, WorldAssignment, WorldPackage, WorldServer, WorldSite,
};
