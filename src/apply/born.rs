//! What came into being in a run: the GUIDs that later steps need, known to all steps under way.
//!
//! Pure. A step gets what it names when it begins, by which time the steps that it depends on have said theirs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::observe::Bindings;

/// Objects that were born in this run, or found where it was to create them.
#[derive(Debug, Default)]
pub(super) struct Born(Mutex<Bindings>);

impl Born {
    fn known(&self) -> MutexGuard<'_, Bindings> {
        // Plain values, right at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for something of the GUIDs.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&Bindings) -> T) -> T {
        ask(&self.known())
    }

    /// A step that is over says what it knows.
    pub(super) fn learn(&self, of: Bindings) {
        let Bindings { sites, subnets } = of;
        let mut known = self.known();
        known.sites.extend(sites);
        known.subnets.extend(subnets);
    }
}
