//! Turns changes into steps and says which must come before which.
//!
//! Pure. The dependencies made here, in `moves`, `prefer` and `pins` are the whole of *make before break* (design rule 2):
//! whoever applies the plan may take any order that they allow. Each rule says which address it keeps served. Most
//! rules are needed by every plan and cannot contradict each other; those that can are added last, each only where it
//! closes no circle, since then no order keeps every address served.

use std::collections::{BTreeMap, BTreeSet};

use super::keep::Unkept;
use super::moves::Moves;
use super::order::{Draft, OrderError, order, tell_apart};
use super::pins::Narrow;
use crate::diff::{Change, Found};
use crate::model::{Action, ConsoleStep, Guid, Name, Record, SiteRef, Step, StepId};
use crate::select::{SiteIndex, World};

/// What ordering needs to know beside the changes.
#[derive(Debug)]
pub struct Context<'a> {
    /// The world before.
    pub before: &'a World,
    /// The world after every change; its sites are those of `before` in the same order, then the created ones.
    pub after: &'a World,
}

/// Phases: what comes first among steps that are free at the same time.
pub(super) mod phase {
    pub(in super::super) const RECORD: u8 = 0;
    pub(in super::super) const SITE: u8 = 1;
    pub(in super::super) const CONSOLE: u8 = 2;
    pub(in super::super) const SERVER: u8 = 3;
    pub(in super::super) const WIDEN: u8 = 4;
    pub(in super::super) const AWAIT: u8 = 5;
    pub(in super::super) const SUBNET: u8 = 6;
    pub(in super::super) const TAKE: u8 = 7;
    pub(in super::super) const NARROW: u8 = 8;
    pub(in super::super) const CONSTRAIN: u8 = 9;
    pub(in super::super) const DELETE: u8 = 10;
}

/// Steps by site.
pub(super) type BySite = BTreeMap<SiteIndex, Vec<usize>>;

/// Drafts, and their positions by what they give or take.
pub(super) struct Builder<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) drafts: Vec<Draft>,
    by_guid: BTreeMap<Guid, SiteIndex>,
    by_name: BTreeMap<&'a Name, SiteIndex>,
    /// Servers that stand in a site by their own address, before and after.
    pub(super) automatic_before: BTreeMap<SiteIndex, BTreeSet<Guid>>,
    pub(super) automatic_after: BTreeMap<SiteIndex, BTreeSet<Guid>>,
    /// Steps after which a site exists.
    pub(super) creates: BTreeMap<SiteIndex, usize>,
    /// Steps that give a site servers: assignments, roles and pins.
    pub(super) equips: BySite,
    /// Steps that install a role or a plug-in, by server.
    pub(super) roles: BTreeMap<Guid, Vec<usize>>,
    /// Steps by which subnets change sites.
    pub(super) moves: Moves,
    /// Steps that lift Constrain to Site.
    pub(super) unconstrains: BTreeMap<SiteIndex, usize>,
    /// Steps that take a protection off.
    pub(super) unprotects: BTreeMap<SiteIndex, usize>,
    /// For each step those that wait for it; kept only while the rules that may contradict each other are added.
    pub(super) behind: Vec<Vec<usize>>,
    /// What the order of the steps cannot promise.
    pub(super) unkept: Unkept,
}

/// Steps in order, and what that order cannot promise.
#[derive(Debug)]
pub struct Ordered {
    /// The steps.
    pub steps: Vec<Step>,
    /// Where addresses may be without a server between two steps.
    pub unkept: Unkept,
}

/// Makes and orders the steps of a set of changes.
///
/// # Errors
/// [`OrderError`] where the rules contradict each other, which is a defect.
pub fn plan_steps(changes: &[Found], context: &Context<'_>) -> Result<Ordered, OrderError> {
    let mut builder = Builder::new(context);
    builder.records(changes);
    builder.sites(changes);
    builder.roles(changes);
    builder.servers(changes);
    let pins = builder.packages(changes);
    builder.subnets(changes);
    builder.await_sites(&pins);
    let narrowed = builder.narrows(&pins);
    builder.takes(changes, &pins, &narrowed);
    builder.settings(changes);
    builder.release_last();
    builder.renames_first();
    let hard: Vec<usize> = builder
        .drafts
        .iter()
        .map(|draft| draft.depends_on.len())
        .collect();
    builder.prefer();
    builder.keep(&hard);
    tell_apart(&mut builder.drafts);
    Ok(Ordered {
        steps: order(builder.drafts)?,
        unkept: builder.unkept,
    })
}

pub(super) fn id(kind: &str, object: impl std::fmt::Display) -> StepId {
    StepId(format!("{kind}:{object}"))
}

/// The step by which a person makes a change in the console, for the changes that no call can make.
pub(super) fn console(change: &Change) -> Option<(StepId, ConsoleStep)> {
    match change {
        Change::Constrain {
            site,
            before: _,
            after,
        } => Some((
            id("constrain", &site.name),
            ConsoleStep::Constrain {
                site: site.clone(),
                on: *after,
            },
        )),
        Change::Role {
            server,
            role,
            readable: _,
        } => Some((
            id("install-role", format!("{}/{role}", server.name)),
            ConsoleStep::InstallRole {
                server: server.clone(),
                role: *role,
            },
        )),
        Change::PlugIn { server, plug_in } => Some((
            id(
                "install-plug-in",
                format!("{}/{}", server.name, plug_in.key()),
            ),
            ConsoleStep::InstallPlugIn {
                server: server.clone(),
                plug_in: *plug_in,
            },
        )),
        Change::CaptureTarget {
            before: _,
            after,
            readable: _,
        } => Some((
            id("capture-target", &after.name),
            ConsoleStep::CaptureTarget {
                server: after.clone(),
            },
        )),
        Change::InvalidSubnets { expression } => Some((
            StepId("invalid-subnets".into()),
            ConsoleStep::InvalidSubnets {
                expression: expression.clone(),
            },
        )),
        Change::CreateSite { .. }
        | Change::RenameSite { .. }
        | Change::DescribeSite { .. }
        | Change::DeleteSite { .. }
        | Change::SubnetTo { .. }
        | Change::SubnetOut { .. }
        | Change::ServerTo { .. }
        | Change::ServerOut { .. }
        | Change::Package { .. }
        | Change::Distribute { .. }
        | Change::AdoptSite { .. }
        | Change::AdoptSubnet { .. }
        | Change::ReleaseSite { .. }
        | Change::ReleaseSubnet { .. }
        | Change::Protect { .. } => None,
    }
}

impl<'a> Builder<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        let mut by_guid = BTreeMap::new();
        let mut by_name = BTreeMap::new();
        // A deleted site has lost its GUID in the world after, so the world before is asked for it.
        for (index, site) in context.before.sites.iter().enumerate() {
            by_guid.extend(site.guid.map(|guid| (guid, index)));
        }
        for (index, site) in context.after.sites.iter().enumerate() {
            if site.guid.is_some() || index >= context.before.sites.len() {
                by_name.insert(&site.name, index);
            }
        }
        Self {
            context,
            drafts: Vec::new(),
            by_guid,
            by_name,
            automatic_before: context.before.automatic(),
            automatic_after: context.after.automatic(),
            creates: BTreeMap::new(),
            equips: BySite::new(),
            roles: BTreeMap::new(),
            moves: Moves::default(),
            unconstrains: BTreeMap::new(),
            unprotects: BTreeMap::new(),
            behind: Vec::new(),
            unkept: Unkept::default(),
        }
    }

    pub(super) fn site(&self, site: &SiteRef) -> Option<SiteIndex> {
        match site.guid {
            Some(guid) => self.by_guid.get(&guid).copied(),
            None => self.by_name.get(&site.name).copied(),
        }
    }

    pub(super) fn site_named(&self, name: &Name) -> Option<SiteIndex> {
        self.by_name.get(name).copied()
    }

    pub(super) fn site_of_guid(&self, guid: Guid) -> Option<SiteIndex> {
        self.by_guid.get(&guid).copied()
    }

    pub(super) fn push(
        &mut self,
        id: StepId,
        action: Action,
        reason: impl Into<String>,
        phase: u8,
        depends_on: Vec<usize>,
    ) -> usize {
        self.drafts.push(Draft {
            id,
            action,
            reason: reason.into(),
            phase,
            depends_on,
        });
        self.drafts.len() - 1
    }

    /// Adds the console step of a change.
    pub(super) fn push_console(
        &mut self,
        change: &Change,
        reason: &str,
        phase: u8,
        depends_on: Vec<usize>,
    ) -> Option<usize> {
        let (id, step) = console(change)?;
        Some(self.push(id, Action::Console(step), reason, phase, depends_on))
    }

    fn records(&mut self, changes: &[Found]) {
        for found in changes {
            let (name, object, record) = match &found.change {
                Change::AdoptSite { site, protected } => (
                    "adopt-site",
                    site.name.to_string(),
                    Record::AdoptSite {
                        site: site.clone(),
                        protected: *protected,
                    },
                ),
                Change::AdoptSubnet { subnet, guid } => (
                    "adopt-subnet",
                    subnet.to_string(),
                    Record::AdoptSubnet {
                        subnet: *subnet,
                        guid: *guid,
                    },
                ),
                Change::ReleaseSite { site, how, gone: _ } => (
                    "release-site",
                    site.name.to_string(),
                    Record::ReleaseSite {
                        site: site.clone(),
                        how: *how,
                    },
                ),
                Change::ReleaseSubnet {
                    name,
                    guid,
                    how,
                    gone: _,
                } => (
                    "release-subnet",
                    name.to_string(),
                    Record::ReleaseSubnet {
                        name: name.clone(),
                        guid: *guid,
                        how: *how,
                    },
                ),
                Change::Protect { site, on } => (
                    "protect-site",
                    site.name.to_string(),
                    Record::Protect {
                        site: site.clone(),
                        on: *on,
                    },
                ),
                _ => continue,
            };
            let step = self.push(
                id(name, object),
                Action::Record(record),
                "",
                phase::RECORD,
                Vec::new(),
            );
            if let Change::Protect { site, on: false } = &found.change {
                let site = self.site_of_guid(site.guid);
                self.unprotects.extend(site.map(|site| (site, step)));
            }
        }
    }

    /// A subnet stays ours until it has left its site: released before, and the run cut off in between, it would be a
    /// stranger's in a site that is to go, and keep that site for good.
    fn release_last(&mut self) {
        let leaves: BTreeMap<Guid, usize> = (0..)
            .zip(&self.drafts)
            .filter_map(|(index, draft)| match &draft.action {
                Action::UnassignSubnet { guid, .. } => Some((*guid, index)),
                _ => None,
            })
            .collect();
        for draft in &mut self.drafts {
            if let Action::Record(Record::ReleaseSubnet { guid, .. }) = &draft.action {
                draft.depends_on.extend(leaves.get(guid));
            }
        }
    }

    fn sites(&mut self, changes: &[Found]) {
        for found in changes {
            match &found.change {
                Change::CreateSite {
                    name,
                    description,
                    protected,
                } => {
                    let step = self.push(
                        id("create-site", name),
                        Action::CreateSite {
                            name: name.clone(),
                            description: description.clone(),
                            protected: *protected,
                        },
                        "declared, and not there",
                        phase::SITE,
                        Vec::new(),
                    );
                    self.creates
                        .extend(self.by_name.get(name).map(|site| (*site, step)));
                }
                Change::RenameSite { site, before } => {
                    self.push(
                        id("rename-site", &site.name),
                        Action::RenameSite {
                            site: site.clone(),
                            before: before.clone(),
                        },
                        "declared as `formerly`",
                        phase::SITE,
                        Vec::new(),
                    );
                }
                Change::DescribeSite {
                    site,
                    before,
                    after,
                } => {
                    self.push(
                        id("describe-site", &site.name),
                        Action::DescribeSite {
                            site: site.clone(),
                            before: before.clone(),
                            after: after.clone(),
                        },
                        "the description differs",
                        phase::SITE,
                        Vec::new(),
                    );
                }
                // Lifted before anything is taken from the site: a constrained site fails over to nobody.
                Change::Constrain {
                    site, after: false, ..
                } => {
                    let step = self.push_console(
                        &found.change,
                        "declared as not constrained",
                        phase::CONSOLE,
                        Vec::new(),
                    );
                    let site = self.site(site);
                    self.unconstrains.extend(site.zip(step));
                }
                _ => {}
            }
        }
    }

    fn servers(&mut self, changes: &[Found]) {
        for found in changes {
            let Change::ServerTo { server, site } = &found.change else {
                continue;
            };
            let index = self.site(site);
            // A server without its role would be offered to clients that it cannot serve.
            let mut depends_on = self.roles.get(&server.guid).cloned().unwrap_or_default();
            depends_on.extend(index.and_then(|index| self.creates.get(&index)));
            let step = self.push(
                id("assign-server", format!("{}/{}", site.name, server.name)),
                Action::AssignServer {
                    server: server.clone(),
                    site: site.clone(),
                },
                "declared for this site",
                phase::SERVER,
                depends_on,
            );
            if let Some(index) = index {
                self.equips.entry(index).or_default().push(step);
            }
        }
    }

    /// Steps that lift Constrain to Site, of some sites.
    pub(super) fn unconstrained<'s>(
        &self,
        sites: impl IntoIterator<Item = &'s SiteIndex>,
    ) -> Vec<usize> {
        sites
            .into_iter()
            .filter_map(|site| self.unconstrains.get(site).copied())
            .collect()
    }

    /// Whatever takes a server from an address comes after everything that gives it another one.
    fn takes(&mut self, changes: &[Found], pins: &[Narrow], narrowed: &BTreeMap<Guid, usize>) {
        let mut unassigns = BySite::new();
        for found in changes {
            let Change::ServerOut { server, site } = &found.change else {
                continue;
            };
            let index = self.site(site);
            // Addresses that stay have the servers that come; addresses that go are gone.
            let depends_on = index.map_or_else(Vec::new, |index| self.home(index));
            let step = self.push(
                id("unassign-server", format!("{}/{}", site.name, server.name)),
                Action::UnassignServer {
                    server: server.clone(),
                    site: site.clone(),
                },
                "not declared for this site",
                phase::TAKE,
                depends_on,
            );
            if let Some(index) = index {
                unassigns.entry(index).or_default().push(step);
            }
        }
        for found in changes {
            match &found.change {
                // A constrained site fails over to nobody, so its addresses must have their servers by then.
                Change::Constrain {
                    site, after: true, ..
                } => {
                    let mut depends_on = Vec::new();
                    if let Some(index) = self.site(site) {
                        depends_on.extend(self.creates.get(&index));
                        depends_on.extend(self.home(index));
                        depends_on.extend(self.moves.arrivals(index));
                    }
                    self.push_console(
                        &found.change,
                        "declared as constrained",
                        phase::CONSTRAIN,
                        depends_on,
                    );
                }
                Change::DeleteSite { site } => {
                    let mut depends_on = Vec::new();
                    if let Some(index) = self.site(site) {
                        depends_on.extend(self.home(index));
                        depends_on.extend(unassigns.get(&index).into_iter().flatten());
                    }
                    // A package that points at the site points elsewhere by then.
                    let guid = site.guid.unwrap_or(Guid::NIL);
                    for pin in pins.iter().filter(|pin| pin.leaves(guid)) {
                        depends_on.extend(&pin.done);
                        depends_on.extend(narrowed.get(&pin.package.guid));
                    }
                    self.push(
                        id("delete-site", &site.name),
                        Action::DeleteSite { site: site.clone() },
                        "ours, and no longer declared",
                        phase::DELETE,
                        depends_on,
                    );
                }
                _ => {}
            }
        }
    }

    /// Everything after which the addresses of a site have their new servers: what equips it, the subnets that carry
    /// servers into it, the subnets that leave it; Constrain to Site is lifted, and the SMP has its roles.
    fn home(&self, site: SiteIndex) -> Vec<usize> {
        let mut steps: Vec<usize> = self.equips.get(&site).cloned().unwrap_or_default();
        steps.extend(self.moves.departures(site));
        steps.extend(self.moves.carriers_into(site));
        steps.extend(self.unconstrained([&site]));
        steps.extend(self.fallback());
        steps
    }

    fn settings(&mut self, changes: &[Found]) {
        for found in changes {
            match &found.change {
                Change::CaptureTarget {
                    after, readable, ..
                } => {
                    let depends_on = self.roles.get(&after.guid).cloned().unwrap_or_default();
                    self.push_console(
                        &found.change,
                        if *readable {
                            "captured images go elsewhere"
                        } else {
                            "where captured images go cannot be read"
                        },
                        phase::CONSTRAIN,
                        depends_on,
                    );
                }
                Change::InvalidSubnets { .. } => {
                    self.push_console(
                        &found.change,
                        "no client can read this setting",
                        phase::CONSTRAIN,
                        Vec::new(),
                    );
                }
                _ => {}
            }
        }
    }
}
