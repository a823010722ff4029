//! `metadata.lifecycle` of a site.
//!
//! Pure.

use super::decode::{Faults, Fields, boolean, set};
use super::spec::LifecycleSpec;
use super::tree::Node;

pub(super) fn read_lifecycle(node: &Node<'_>, faults: &mut Faults) -> Option<LifecycleSpec> {
    let mut fields = Fields::of(node, "`lifecycle`", faults)?;
    let spec = LifecycleSpec {
        prevent_destroy: fields
            .take("preventDestroy")
            .and_then(|node| boolean(node, faults)),
        ignore_changes: fields
            .take("ignoreChanges")
            .and_then(|node| set(node, "fields", faults)),
    };
    fields.finish("`lifecycle`", faults);
    Some(spec)
}
