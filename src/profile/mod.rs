//! The server profile: what one particular SMP is, as data, with the standing of each entry.
//!
//! Pure but for `load` and `save`. The format is described in `docs/profile.md`. Nothing here guesses: what the
//! profile does not say is unknown, and [`Profile::can`] names what an ability lacks.
//!
//! Reading order: `format` (the file), `structures`, `setting`, `evidence`, `product` and `provenance` (parts of it),
//! `entries` (all standings by path), `ability` (what it allows), `path` (where settings stand in item XML), `reports` (which reports there are, their
//! SQL), `keep` (what a new one takes
//! over from the old one), `file` (I/O).

mod ability;
mod entries;
mod evidence;
mod file;
mod format;
mod keep;
mod path;
mod product;
mod provenance;
mod reports;
mod service;
mod setting;
mod structures;

pub use ability::{Ability, Missing, MissingEntry};
pub use evidence::{
    Evidence, FactEvidence, FactKind, HolderEvidence, ImageEvidence, ImageLocation, LoadEvidence,
    RegistrationEvidence, SourceEvidence,
};
pub use file::{ProfileError, from_yaml, load, save, to_yaml};
pub use format::{
    AssociatedTypeArgument, Association, Associations, Calls, DataClasses, Profile, ResourceType,
    RoleRule, Roles, ServerEntry, ServiceEntry, Standing, TcpipClass, TypeRole, Types, schema,
};
pub use path::{ItemPath, PathError};
pub(crate) use path::{Matches, Spots, is_name, text_of};
pub use product::ProductEntry;
pub use provenance::{Build, BuildChange, Provenance};
pub(crate) use reports::holder_parameters;
pub use reports::{HOLDERS_BATCH, Report, ReportKind, Reports, report_sql};
pub use service::ServiceName;
pub use setting::{ItemSwitch, PreventDownloads, Setting, SettingItem, Settings, Spelling};
pub use structures::{RelationshipNames, ResourceInfoNames, ResourceNames, Structures, TypeNames};
