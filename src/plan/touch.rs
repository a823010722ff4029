//! The objects that a plan changes, named as the findings of the checks name them.
//!
//! Pure. Two questions, two answers: what a plan may be blamed for ([`touched`]), and what it changes at all
//! ([`planned`]).

use std::collections::{BTreeMap, BTreeSet};

use crate::diff::{Change, Found, Takeover};
use crate::model::{Name, SiteRef, Subnet};
use crate::validate::{self, Planned};

/// The objects that a plan gives something to or alters.
///
/// What only loses something is not among them: a finding that stays on it was not made worse, and the checks never
/// block a cure. What the loss itself causes is a new finding, which needs no object to be blamed.
pub(super) fn touched(changes: &[Found]) -> BTreeSet<String> {
    let mut touched = BTreeSet::new();
    for found in changes {
        match &found.change {
            Change::CreateSite { name, .. } => touched.extend([site(name)]),
            Change::RenameSite { site: of, .. }
            | Change::DescribeSite { site: of, .. }
            | Change::Constrain { site: of, .. } => {
                touched.extend([site(&of.name)]);
            }
            Change::SubnetTo {
                subnet: network,
                site: to,
                ..
            } => touched.extend([subnet(*network), site(&to.name)]),
            Change::ServerTo {
                server: of,
                site: to,
            } => touched.extend([server(&of.name), site(&to.name)]),
            Change::Role { server: of, .. } | Change::PlugIn { server: of, .. } => {
                touched.extend([server(&of.name)]);
            }
            // Nothing is done to what only has yet to arrive.
            change if change.only_waits() => {}
            Change::Package { package: of, .. } => touched.extend([package(&of.name)]),
            Change::CaptureTarget { .. } => touched.extend(["setting captureTarget".to_owned()]),
            Change::InvalidSubnets { .. } => {
                touched.extend(["setting invalidSubnets".to_owned()]);
            }
            Change::DeleteSite { .. }
            | Change::SubnetOut { .. }
            | Change::ServerOut { .. }
            | Change::Distribute { .. }
            | Change::AdoptSite { .. }
            | Change::AdoptSubnet { .. }
            | Change::ReleaseSite { .. }
            | Change::ReleaseSubnet { .. }
            | Change::Protect { .. } => {}
        }
    }
    touched
}

/// What a plan does, for the checks of the doing.
pub(super) fn planned(changes: &[Found], refused: &BTreeMap<Subnet, Takeover>) -> Planned {
    let mut planned = Planned {
        changed: touched(changes),
        ..Planned::default()
    };
    let sites =
        |list: &[SiteRef]| -> Vec<String> { list.iter().map(|of| site(&of.name)).collect() };
    for found in changes {
        match &found.change {
            Change::DeleteSite { site: of } => planned.changed.extend([site(&of.name)]),
            Change::SubnetTo { before, .. } => planned.changed.extend(sites(before)),
            Change::SubnetOut {
                subnet: network,
                guid: _, // named by its network
                before,
                delete,
            } => {
                planned.changed.extend([subnet(*network)]);
                planned.changed.extend(sites(before));
                if *delete {
                    planned.deleted.insert(*network);
                }
            }
            Change::ServerOut {
                server: of,
                site: from,
            } => planned.changed.extend([server(&of.name), site(&from.name)]),
            Change::Distribute { package: of } => planned.changed.extend([package(&of.name)]),
            Change::CreateSite { .. }
            | Change::RenameSite { .. }
            | Change::DescribeSite { .. }
            | Change::Constrain { .. }
            | Change::ServerTo { .. }
            | Change::Role { .. }
            | Change::PlugIn { .. }
            | Change::Package { .. }
            | Change::CaptureTarget { .. }
            | Change::InvalidSubnets { .. }
            | Change::AdoptSite { .. }
            | Change::AdoptSubnet { .. }
            | Change::ReleaseSite { .. }
            | Change::ReleaseSubnet { .. }
            | Change::Protect { .. } => {}
        }
    }
    planned.takeovers = refused
        .iter()
        .map(|(subnet, takeover)| {
            let Takeover { from, origin } = takeover.clone();
            (*subnet, validate::Takeover { from, origin })
        })
        .collect();
    planned
}

fn site(name: &Name) -> String {
    format!("site {}", name.as_str().to_lowercase())
}

fn server(name: &Name) -> String {
    format!("server {}", name.as_str().to_lowercase())
}

fn subnet(subnet: Subnet) -> String {
    format!("subnet {subnet}")
}

fn package(name: &Name) -> String {
    format!("package {}", name.as_str().to_lowercase())
}
