//! The words of the domain: keys, what is desired, what is observed, steps and events.
//!
//! Pure. Everything else may import this module and it imports nothing of the crate. Names, GUIDs and subnets are
//! normalised here once, when they enter, so that no later stage folds a case or strips a brace again.

mod count;
mod desired;
mod drift;
mod event;
mod facts;
mod glob;
mod holder;
mod imaging;
mod key;
mod memory;
mod object;
mod ownership;
mod plug_in;
mod remembered;
mod safety;
mod snapshot;
mod spelling;
mod step;
mod subnet;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
pub(crate) mod testing;
mod text;
mod unattended;
mod version;
mod writes;

pub use count::{Acceptance, Count, CountedKind, CountedKindError};
pub use desired::{
    Allowed, Declared, Desired, DesiredAssignment, DesiredPackage, DesiredServer, DesiredSettings,
    DesiredSite, Ignorable, Lifecycle, Origin, PackageSelector, SiteKind,
};
pub use drift::{Acknowledgement, Rounds};
pub use event::{Event, Outcome, RunId, RunSummary, StepCount};
pub use facts::{
    Client, Facts, Fetch, Happenings, Hierarchy, Image, Load, Prevention, Product, Surroundings,
};
pub(crate) use glob::glob;
pub use holder::Holder;
pub use imaging::{ImagingTool, imaging_packages};
pub use key::{Guid, GuidError, Name, NameError, NameKey, Role, RoleError};
pub use memory::Memory;
pub use object::{Object, ObjectError};
pub use ownership::{Attestation, Held, Intended, Owned, Ownership};
pub use plug_in::PlugIn;
pub use remembered::{AddressError, Relocation, Remembered};
pub use safety::{FREEZE, Freeze, Limit, Override, OverrideError, Overrides, Safety, Share, part};
pub use snapshot::{
    Assignment, Computer, Listed, Observed, ObservedSite, ObservedSubnet, Platform, Service,
    ServiceRole, Snapshot,
};
pub use spelling::nearest;
pub use step::{
    Action, ConsoleStep, PackageRef, Record, ResourceRef, ServerRef, SiteRef, Step, StepId,
    StepKind,
};
pub use subnet::{Subnet, SubnetError};
pub use text::same_text;
pub use unattended::{Attendance, StepGroup, attendance, is_unattended};
pub use version::Version;
pub use writes::{By, Writes, Writing};
