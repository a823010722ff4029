//! What is left to do of a step, by what was seen of its object.
//!
//! Pure. Every prefix of a step's calls is a state that this knows, so a step that was cut off goes on where it
//! stopped; anything else is drift, and the step stops.

use std::collections::BTreeSet;

use crate::model::{Action, Assignment, ConsoleStep, Guid, SiteRef, same_text};
use crate::observe::{Bindings, Seen};
use crate::smp::Write;

/// What is left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It is so already.
    AlreadyDone,
    /// These writes, in this order.
    Ready(Vec<Write>),
    /// A condition does not hold yet: what is missing, for people.
    NotYet(String),
}

/// The object is neither as the plan found it nor as the plan wants it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{object} has changed since the plan was made: expected {expected}, found {found}")]
pub struct Drifted {
    /// Which object.
    pub object: String,
    /// What the plan expects.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// Judges what was seen of a step's object.
///
/// `replaces`: whether the profile says that forming a subnet's association with a site ends the one it has.
///
/// # Errors
/// [`Drifted`] where somebody else changed the object in a way that the plan does not know.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each action, read as a table"
)]
pub fn judge(
    action: &Action,
    seen: &Seen,
    bindings: &Bindings,
    replaces: bool,
) -> Result<Progress, Drifted> {
    let site = |site: &SiteRef| {
        bindings.site(site).ok_or_else(|| Drifted {
            object: format!("site `{}`", site.name),
            expected: "its GUID from the step that creates it".into(),
            found: "none".into(),
        })
    };
    match (action, seen) {
        (
            Action::CreateSite {
                name, description, ..
            },
            Seen::Sites(found),
        ) => Ok(if found.is_empty() {
            Progress::Ready(vec![Write::CreateSite {
                name: name.to_string(),
                description: description.clone(),
            }])
        } else {
            Progress::AlreadyDone
        }),
        (
            Action::RenameSite { site: of, before },
            Seen::Called {
                before: old,
                after: new,
            },
        ) => {
            let is = Some(site(of)?);
            let drifted = |found: String| Drifted {
                object: format!("site `{}`", of.name),
                expected: format!("one site of that name, or `{before}` alone"),
                found,
            };
            match (*old == is, *new) {
                (_, new) if new == is => Ok(Progress::AlreadyDone),
                (true, None) => Ok(Progress::Ready(vec![Write::RenameSite {
                    site: site(of)?,
                    name: of.name.to_string(),
                }])),
                (_, Some(other)) => Err(drifted(format!("another one of that name, `{other}`"))),
                (false, None) => Err(drifted("it under neither name".into())),
            }
        }
        (
            Action::DescribeSite {
                site: of,
                before,
                after,
            },
            Seen::Description(found),
        ) => match found {
            Some(text) if same_text(text, after) => Ok(Progress::AlreadyDone),
            Some(text) if same_text(text, before) => Ok(Progress::Ready(vec![Write::Describe {
                resource: site(of)?,
                description: after.clone(),
            }])),
            other => Err(Drifted {
                object: format!("the description of site `{}`", of.name),
                expected: format!("`{before}`"),
                found: other
                    .as_ref()
                    .map_or_else(|| "no such site".into(), |text| format!("`{text}`")),
            }),
        },
        (Action::DeleteSite { site: of }, Seen::Exists(exists)) => Ok(if *exists {
            Progress::Ready(vec![Write::DeleteResource {
                resource: site(of)?,
            }])
        } else {
            Progress::AlreadyDone
        }),
        (
            Action::CreateSubnet { .. }
            | Action::AssignSubnet { .. }
            | Action::UnassignSubnet { .. }
            | Action::DeleteSubnet { .. },
            Seen::Subnets(found),
        ) => subnet(action, found, bindings, replaces),
        (Action::AssignServer { server, site: to }, Seen::ManualServers(present)) => {
            Ok(if present.contains(&server.guid) {
                Progress::AlreadyDone
            } else {
                Progress::Ready(vec![Write::JoinServer {
                    server: server.guid,
                    site: site(to)?,
                }])
            })
        }
        (Action::UnassignServer { server, site: from }, Seen::ManualServers(present)) => {
            Ok(if present.contains(&server.guid) {
                Progress::Ready(vec![Write::PartServer {
                    server: server.guid,
                    site: site(from)?,
                }])
            } else {
                Progress::AlreadyDone
            })
        }
        (
            Action::AssignPackage {
                package,
                before,
                after,
                created_sites,
            },
            Seen::Assignment(found),
        ) => {
            let after = with_created(after, created_sites, bindings);
            if *found == after {
                Ok(Progress::AlreadyDone)
            } else if found == before {
                Ok(Progress::Ready(vec![
                    Write::SetPackageServers {
                        package: package.guid,
                        assignment: after,
                    },
                    Write::UpdateDistributionPoints {
                        package: package.guid,
                    },
                ]))
            } else {
                Err(Drifted {
                    object: format!("the assignment of package `{}`", package.name),
                    expected: in_guids(before),
                    found: in_guids(found),
                })
            }
        }
        (Action::UpdateDistributionPoints { package }, _) => {
            Ok(Progress::Ready(vec![Write::UpdateDistributionPoints {
                package: package.guid,
            }]))
        }
        (
            Action::AwaitHolders { servers, .. }
            | Action::Console(ConsoleStep::ConfirmHolder { servers, .. }),
            Seen::Holders(holders),
        ) => {
            let missing: Vec<String> = servers
                .iter()
                .filter(|server| !holders.contains(&server.guid))
                .map(|server| server.name.to_string())
                .collect();
            Ok(if missing.is_empty() {
                Progress::AlreadyDone
            } else {
                Progress::NotYet(format!("{} to hold it", missing.join(", ")))
            })
        }
        (Action::Constrain { site: of, on }, Seen::Constrained(is)) => Ok(if on == is {
            Progress::AlreadyDone
        } else {
            Progress::Ready(vec![Write::SetConstrain {
                site: site(of)?,
                on: *on,
            }])
        }),
        (Action::SetCaptureTarget { before, server }, Seen::CaptureTarget(found)) => {
            if *found == Some(server.guid) {
                Ok(Progress::AlreadyDone)
            } else if found == before {
                Ok(Progress::Ready(vec![Write::SetCaptureTarget {
                    server: server.guid,
                }]))
            } else {
                let said = |target: &Option<Guid>| {
                    target.map_or_else(|| "none".into(), |target| format!("`{target}`"))
                };
                Err(Drifted {
                    object: "the default target of captured images".into(),
                    expected: said(before),
                    found: said(found),
                })
            }
        }
        (Action::Console(step), seen) => Ok(console(step, seen)),
        (Action::Record(_), _) => Ok(Progress::Ready(Vec::new())),
        (action, seen) => Err(Drifted {
            object: "the answer of the server".into(),
            expected: format!("what belongs to {action:?}"),
            found: format!("{seen:?}"),
        }),
    }
}

fn console(step: &ConsoleStep, seen: &Seen) -> Progress {
    let done = match (step, seen) {
        (ConsoleStep::InstallRole { role, .. }, Seen::Roles(roles)) => roles.contains(role),
        (ConsoleStep::InstallPlugIn { plug_in, .. }, Seen::PlugIns(installed)) => {
            plug_in.is_among(installed)
        }
        (ConsoleStep::Constrain { on, .. }, Seen::Constrained(is)) => on == is,
        (ConsoleStep::CaptureTarget { server }, Seen::CaptureTarget(target)) => {
            *target == Some(server.guid)
        }
        _ => false,
    };
    if done {
        Progress::AlreadyDone
    } else {
        Progress::NotYet("somebody to do it in the console".into())
    }
}

/// The sites that a subnet is in, against the sites that it is to leave and to enter.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each action, read as a table"
)]
fn subnet(
    action: &Action,
    found: &[(Guid, BTreeSet<Guid>)],
    bindings: &Bindings,
    replaces: bool,
) -> Result<Progress, Drifted> {
    let guids = |sites: &[SiteRef]| -> BTreeSet<Guid> {
        sites
            .iter()
            .filter_map(|site| bindings.site(site))
            .collect()
    };
    let drifted =
        |network: &dyn std::fmt::Display, expected: &str, sites: &BTreeSet<Guid>| Drifted {
            object: format!("subnet `{network}`"),
            expected: expected.to_owned(),
            found: if sites.is_empty() {
                "it in no site".into()
            } else {
                format!("it in {}", listed(sites))
            },
        };
    match action {
        Action::CreateSubnet { subnet, site } => {
            let Some(target) = bindings.site(site) else {
                return Ok(Progress::NotYet(format!("site `{}`", site.name)));
            };
            match found {
                [] => Ok(Progress::Ready(vec![Write::CreateSubnet {
                    subnet: *subnet,
                }])),
                [(_, sites)] if *sites == [target].into() => Ok(Progress::AlreadyDone),
                [(guid, sites)] if sites.is_empty() => {
                    Ok(Progress::Ready(vec![Write::JoinSubnet {
                        subnet: *guid,
                        site: target,
                    }]))
                }
                [(_, sites), ..] => Err(drifted(subnet, "no such subnet, or it in no site", sites)),
            }
        }
        Action::AssignSubnet {
            subnet,
            guid,
            before,
            site,
        } => {
            let Some(target) = bindings.site(site) else {
                return Ok(Progress::NotYet(format!("site `{}`", site.name)));
            };
            let Some((_, sites)) = found.first() else {
                return Err(Drifted {
                    object: format!("subnet `{subnet}`"),
                    expected: "it to exist".into(),
                    found: "no such subnet".into(),
                });
            };
            if *sites == [target].into() {
                return Ok(Progress::AlreadyDone);
            }
            let known: BTreeSet<Guid> = &guids(before) | &[target].into();
            if !sites.is_subset(&known) {
                return Err(drifted(subnet, &format!("it in {}", listed(&known)), sites));
            }
            let mut writes = Vec::new();
            let join = !sites.contains(&target);
            if join {
                writes.push(Write::JoinSubnet {
                    subnet: *guid,
                    site: target,
                });
            }
            // Where forming replaces, one call moves. Reading back finds what did not, and the next round parts it.
            if !(join && replaces) {
                writes.extend(parts(*guid, sites, |site| site != target));
            }
            Ok(Progress::Ready(writes))
        }
        Action::UnassignSubnet { guid, before, .. } => {
            let leaves = guids(before);
            let sites = found
                .first()
                .map(|(_, sites)| sites.clone())
                .unwrap_or_default();
            Ok(if sites.is_disjoint(&leaves) {
                Progress::AlreadyDone
            } else {
                Progress::Ready(parts(*guid, &sites, |site| leaves.contains(&site)))
            })
        }
        Action::DeleteSubnet {
            subnet,
            guid,
            before,
        } => {
            let Some((_, sites)) = found.first() else {
                return Ok(Progress::AlreadyDone);
            };
            let known = guids(before);
            if !sites.is_subset(&known) {
                return Err(drifted(subnet, &format!("it in {}", listed(&known)), sites));
            }
            let mut writes = parts(*guid, sites, |_| true);
            writes.push(Write::DeleteResource { resource: *guid });
            Ok(Progress::Ready(writes))
        }
        _ => Ok(Progress::AlreadyDone),
    }
}

fn parts(subnet: Guid, sites: &BTreeSet<Guid>, leaves: impl Fn(Guid) -> bool) -> Vec<Write> {
    sites
        .iter()
        .filter(|site| leaves(**site))
        .map(|site| Write::PartSubnet {
            subnet,
            site: *site,
        })
        .collect()
}

fn listed(guids: &BTreeSet<Guid>) -> String {
    if guids.is_empty() {
        return "no site".into();
    }
    let list: Vec<String> = guids.iter().map(|guid| format!("`{guid}`")).collect();
    list.join(", ")
}

pub(super) fn in_guids(assignment: &Assignment) -> String {
    match assignment {
        Assignment::All => "all package servers".into(),
        Assignment::Servers(servers) => format!("the servers {}", listed(servers)),
        Assignment::Sites { sites, automatic } => format!(
            "the sites {}{}",
            listed(sites),
            if *automatic { ", automatic" } else { "" }
        ),
    }
}

/// An assignment whose sites are all known by now.
pub(super) fn with_created(
    after: &Assignment,
    created: &[crate::model::Name],
    bindings: &Bindings,
) -> Assignment {
    match after {
        Assignment::Sites { sites, automatic } => Assignment::Sites {
            sites: sites
                .iter()
                .copied()
                .chain(
                    created
                        .iter()
                        .filter_map(|name| bindings.sites.get(name).copied()),
                )
                .collect(),
            automatic: *automatic,
        },
        Assignment::All | Assignment::Servers(_) => after.clone(),
    }
}
