//! The server profile: what one particular SMP is, as data, with the standing of each entry.
//!
//! Pure but for `load` and `save`. The format is described in `docs/profile.md`. Nothing here guesses: what the
//! profile does not say is unknown, and [`Profile::can`] names what an ability lacks.
//!
//! Reading order: `format` (the file), `structures` and `setting` (parts of it), `ability` (what it allows), `path` (where settings stand in item XML),
//! `reports` (the SQL of installed reports), `file` (I/O).

mod ability;
mod file;
mod format;
mod path;
mod reports;
mod service;
mod setting;
mod structures;

pub use ability::{Ability, Missing, MissingEntry};
pub use file::{ProfileError, from_yaml, load, save, to_yaml};
pub use format::{
    AssociatedTypeArgument, Association, Associations, Calls, DataClasses, Evidence,
    HolderEvidence, Profile, RegistrationEvidence, Report, Reports, ResourceType, RoleRule, Roles,
    ServerEntry, ServiceEntry, Standing, TcpipClass, TypeRole, Types, schema,
};
pub(crate) use path::Matches;
pub use path::{ItemPath, PathError};
pub(crate) use reports::holder_parameters;
pub use reports::{
    ASSOCIATIONS_REPORT, HOLDERS_BATCH, HOLDERS_REPORT, ReportKind, SERVERS_REPORT, report_sql,
};
pub use service::ServiceName;
pub use setting::{Setting, SettingItem, Settings};
pub use structures::{RelationshipNames, ResourceInfoNames, ResourceNames, Structures, TypeNames};
