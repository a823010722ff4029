//! Sites that the SMP still shows under a name that their declaration had before: they are the declared ones.
//!
//! Pure. The GUID stays, and with it subnets, servers, ownership and protection. What is recognised is called by its
//! declared name from here on, so that everything behind compares it as that site; [`ObservedSite::shown`] keeps the
//! name that it goes by until it is renamed.
//!
//! [`ObservedSite::shown`]: crate::model::ObservedSite::shown

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Desired, Name, Snapshot};

/// Calls sites of former names by the declared ones.
///
/// Guarantees: pure; what is recognised once stays as it is when it is done again. Where several sites might be the
/// declared one, all of them get its name, and whoever compares finds several.
#[must_use]
pub fn recognised<'s>(desired: &Desired, snapshot: &'s Snapshot) -> Cow<'s, Snapshot> {
    let former: BTreeMap<&Name, &Name> = desired
        .sites
        .values()
        .flat_map(|site| site.formerly.iter().map(|old| (&old.value, &site.name)))
        .filter(|(old, _)| !desired.sites.contains_key(*old))
        .collect();
    let shown = snapshot.sites.known().into_iter().flatten();
    if !shown
        .into_iter()
        .any(|site| former.contains_key(&site.name))
    {
        return Cow::Borrowed(snapshot);
    }
    let mut snapshot = snapshot.clone();
    snapshot.sites = snapshot.sites.map(|mut sites| {
        for site in &mut sites {
            if let Some(declared) = former.get(&site.name) {
                let old = std::mem::replace(&mut site.name, (*declared).clone());
                site.shown = Some(old);
            }
        }
        sites
    });
    Cow::Owned(snapshot)
}

/// The declared sites whose former names nothing goes by any more, neither on the SMP nor in what is remembered.
///
/// `remembered` holds the names of sites that are ours.
#[must_use]
pub fn outgrown<'d>(
    desired: &'d Desired,
    snapshot: &Snapshot,
    remembered: &BTreeSet<&Name>,
) -> Vec<&'d crate::model::DesiredSite> {
    let Some(sites) = snapshot.sites.known() else {
        return Vec::new();
    };
    let names: BTreeSet<&Name> = sites
        .iter()
        .flat_map(|site| site.shown.iter().chain([&site.name]))
        .collect();
    desired
        .sites
        .values()
        .filter(|site| !site.formerly.is_empty() && names.contains(&site.name))
        .filter(|site| {
            let mut former = site.formerly.iter().map(|former| &former.value);
            former.all(|old| !names.contains(old) && !remembered.contains(old))
        })
        .collect()
}
