//! What came into being in a run: the GUIDs that later steps need, known to all steps under way.
//!
//! Pure. A step gets what it names when it begins, by which time the steps that it depends on have said theirs.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{Guid, Name, Subnet};
use crate::observe::Bindings;

/// Objects that were born in this run, or found where it was to create them.
#[derive(Debug, Default)]
pub(super) struct Born(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    bindings: Bindings,
    /// Those that this run created itself, and has written down.
    created: BTreeSet<Guid>,
}

impl Born {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Plain values, right at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for something of the GUIDs.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&Bindings) -> T) -> T {
        ask(&self.known().bindings)
    }

    pub(super) fn site(&self, name: &Name, guid: Guid) {
        self.known().bindings.sites.insert(name.clone(), guid);
    }

    pub(super) fn subnet(&self, subnet: Subnet, guid: Guid) {
        self.known().bindings.subnets.insert(subnet, guid);
    }

    /// The run created it itself.
    pub(super) fn created(&self, guid: Guid) {
        self.known().created.insert(guid);
    }

    pub(super) fn is_created(&self, guid: Guid) -> bool {
        self.known().created.contains(&guid)
    }
}
