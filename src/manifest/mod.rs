//! YAML manifests: files → documents → what is desired.
//!
//! ```text
//! paths ─ load ─▶ Source ─ tree ─▶ Node ─ decode, kinds ─▶ Document ─ unfold ─▶ Desired
//! ```
//!
//! Pure except for [`load()`] and [`find_workspace`], which read files. Every step collects what is wrong as
//! [`Diagnostic`]s and goes on, so that one run names all faults: a document that is no YAML hides only itself, and a
//! wrong value hides nothing.

mod allow;
mod auth;
mod bucket;
mod decode;
mod diagnostic;
mod former;
mod freeze;
mod kinds;
mod lifecycle;
mod load;
mod location;
mod meaning;
mod notify;
mod render;
mod safety;
pub(crate) mod scan;
mod schema;
mod secret;
mod spec;
mod split;
mod store;
mod tree;
mod unfold;
mod watch;
mod workspace;

pub use allow::check_allowed;
pub use auth::{Auth, ClientCertificate, WindowsAccount, WindowsMethod};
pub use bucket::{S3KeysFrom, S3Store};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use kinds::{Document, Kind};
pub use load::{LoadError, SIZE_LIMIT, Source, find_workspace, load};
pub use meaning::{Meaning, meaning};
pub use notify::{Payload, Webhook};
pub use render::render;
pub use schema::schema;
pub use secret::SecretFrom;
pub(crate) use split::{Part, is_marker, split};
pub use store::{PostgresStore, StateStore};
pub use unfold::{check_platforms, desired};
pub use watch::{Watching, interval};
pub use workspace::{PlatformEntry, Workspace};

/// What [`read`] found.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Read {
    /// The documents that are right in themselves.
    pub documents: Vec<Document>,
    /// What is wrong, in the order of the sources.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the documents of all sources.
///
/// Guarantees: pure; never panics, whatever the text; reports the faults of every document. A document with a fault
/// is not among the documents.
pub fn read(sources: &[Source]) -> Read {
    let mut read = Read::default();
    for source in sources {
        kinds::read_source(source, &mut read);
    }
    read
}
