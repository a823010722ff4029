//! Documents → what is desired: shorthand is unfolded, equal statements are joined, conflicts are told.
//!
//! Pure. The outcome does not depend on the order of documents or files: documents are sorted by kind, name and
//! place first, and every choice (whose spelling, whose place) follows that order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::kinds::{Body, Document, Kind};
use super::spec::{
    AssignmentSpec, ImagingSpec, LifecycleSpec, PackageSpec, PlatformSettingsSpec, ServerSpec,
    SiteServerSpec, SiteSpec,
};
use super::{Diagnostic, former};
use crate::model::{
    Declared, Desired, DesiredAssignment, DesiredPackage, DesiredServer, DesiredSite, Lifecycle,
    Name, Origin, PackageSelector, Role, SiteKind, Subnet,
};

/// Says which documents name a platform that the workspace does not have, or none where it has several.
#[must_use]
pub fn check_platforms(documents: &[Document], platforms: &[Name]) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let known = platforms
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    for document in documents {
        if document.kind == Kind::Workspace {
            continue;
        }
        match platform_of(document) {
            Some((name, origin)) if !platforms.contains(name) => faults.push(Diagnostic::at(
                "SW0142",
                origin.clone(),
                format!("expected one of the platforms {known}, found `{name}`"),
            )),
            None if platforms.len() > 1 => faults.push(
                Diagnostic::at(
                    "SW0142",
                    document.origin.clone(),
                    format!("expected `metadata.platform`, one of {known}, found none"),
                )
                .hint("it may be left out only where the workspace has one platform"),
            ),
            Some(_) | None => {}
        }
    }
    faults
}

/// The platform that a document is for: as it says, and for settings the one that it is named after.
fn platform_of(document: &Document) -> Option<(&Name, &Origin)> {
    if let Some((name, origin)) = &document.platform {
        return Some((name, origin));
    }
    match (document.kind, &document.name) {
        (Kind::PlatformSettings, Some(name)) => Some((name, &document.origin)),
        _ => None,
    }
}

/// Says what the documents declare for one platform.
///
/// With a platform, documents for another one are left out; without, all documents must be for the same.
///
/// Guarantees: pure; the same documents in any order give the same outcome.
/// Errors: duplicate and conflicting declarations, each with both places.
pub fn desired(
    documents: &[Document],
    platform: Option<&Name>,
) -> Result<Desired, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let mut chosen: Vec<&Document> = documents
        .iter()
        .filter(|document| document.kind != Kind::Workspace)
        .filter(|document| match (platform, platform_of(document)) {
            (Some(platform), Some((name, _))) => name == platform,
            _ => true,
        })
        .collect();
    chosen.sort_by(|a, b| (a.kind, &a.name, &a.origin).cmp(&(b.kind, &b.name, &b.origin)));
    if platform.is_none() {
        one_platform(&chosen, &mut faults);
    }
    duplicates(&chosen, &mut faults);
    let mut unfolding = Unfolding {
        desired: Desired::default(),
        faults,
        pins: BTreeMap::new(),
    };
    // Roles first: the package servers of a site are told by them.
    for document in &chosen {
        unfolding.roles(document);
    }
    for document in &chosen {
        unfolding.site(document);
        unfolding.settings(document);
    }
    former::check(&unfolding.desired.sites, &mut unfolding.faults);
    unfolding.unite_pins();
    for document in &chosen {
        unfolding.package(document);
        let comments = &document.comments;
        let allowed = comments.iter().map(|comment| comment.allowed.clone());
        unfolding.desired.allowed.extend(allowed);
    }
    unfolding.desired.allowed.sort();
    if unfolding.faults.is_empty() {
        Ok(unfolding.desired)
    } else {
        unfolding.faults.sort_by(|a, b| {
            place(a)
                .cmp(&place(b))
                .then_with(|| a.message.cmp(&b.message))
        });
        Err(unfolding.faults)
    }
}

fn place(fault: &Diagnostic) -> Option<&Origin> {
    fault.labels.first().map(|label| &label.origin)
}

fn one_platform(chosen: &[&Document], faults: &mut Vec<Diagnostic>) {
    let mut named = chosen.iter().filter_map(|document| platform_of(document));
    let Some((first, there)) = named.next() else {
        return;
    };
    for (other, origin) in named {
        if other != first {
            faults.push(
                Diagnostic::at(
                    "SW0142",
                    origin.clone(),
                    format!("expected documents for one platform, found `{other}` and `{first}`"),
                )
                .and(there.clone(), format!("`{first}` here"))
                .hint("a workspace file (sitewright.yaml) tells platforms apart"),
            );
        }
    }
}

/// What must be unique: a site's name in both kinds of sites, a server's and a package's each in their kind.
fn duplicates(chosen: &[&Document], faults: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<(&str, String), &Document> = BTreeMap::new();
    for document in chosen {
        let Some(name) = &document.name else {
            continue;
        };
        let mut key = name.key().as_str().to_owned();
        let group = match (&document.body, document.kind) {
            (_, Kind::Site | Kind::DeploymentSite) => "site",
            (_, Kind::SiteServer) => "server",
            (
                Body::Package(PackageSpec {
                    guid: Some(guid), ..
                }),
                _,
            ) => {
                key = guid.value.to_string();
                "package"
            }
            (_, Kind::Package) => "package",
            (_, Kind::PlatformSettings) => "settings of platform",
            (_, Kind::Workspace) => continue,
        };
        if let Some(before) = first.get(&(group, key.clone())) {
            let (before, after) = if before.origin <= document.origin {
                (&before.origin, &document.origin)
            } else {
                (&document.origin, &before.origin)
            };
            faults.push(
                Diagnostic::at(
                    "SW0140",
                    after.clone(),
                    format!("expected one document for {group} `{name}`, found another"),
                )
                .and(before.clone(), "first here"),
            );
        } else {
            first.insert((group, key), document);
        }
    }
}

/// A pin of a package by a site.
struct Pin {
    site: Name,
    servers: BTreeSet<Name>,
    origin: Origin,
}

struct Unfolding {
    desired: Desired,
    faults: Vec<Diagnostic>,
    pins: BTreeMap<PackageSelector, Vec<Pin>>,
}

impl Unfolding {
    fn conflict(&mut self, what: &str, one: (&Origin, String), other: (&Origin, String)) {
        let (before, after) = if one.0 <= other.0 {
            (one, other)
        } else {
            (other, one)
        };
        self.faults.push(
            Diagnostic::at(
                "SW0141",
                after.0.clone(),
                format!("expected one {what}, found {} and {}", before.1, after.1),
            )
            .saying(format!("{} here", after.1))
            .and(before.0.clone(), format!("{} here", before.1)),
        );
    }

    fn roles(&mut self, document: &Document) {
        let file = &document.origin.file;
        match &document.body {
            Body::SiteServer(SiteServerSpec { roles }) => {
                if let Some(name) = &document.name {
                    let roles = with_places(roles, file);
                    self.server(name, document.origin.clone(), roles);
                }
            }
            Body::Site { spec, .. } => {
                for ServerSpec { name, roles } in spec.servers.iter().flatten() {
                    if let Some(roles) = roles {
                        let roles = with_places(roles, file);
                        self.server(&name.value, name.span.origin(file), roles);
                    }
                }
            }
            Body::Package(_) | Body::PlatformSettings(_) | Body::Workspace(_) => {}
        }
    }

    /// States the roles of a server; every statement about one server must be the same.
    fn server(&mut self, name: &Name, origin: Origin, roles: BTreeMap<Role, Origin>) {
        let Some(before) = self.desired.servers.get_mut(name) else {
            self.desired.servers.insert(
                name.clone(),
                DesiredServer {
                    name: name.clone(),
                    roles,
                    origin,
                },
            );
            return;
        };
        if before.roles.keys().eq(roles.keys()) {
            for (role, place) in roles {
                if let Some(first) = before.roles.get_mut(&role)
                    && place < *first
                {
                    *first = place;
                }
            }
            if origin < before.origin {
                before.origin = origin;
                before.name = name.clone();
            }
            return;
        }
        let there = before.origin.clone();
        let stated = |roles: &BTreeMap<Role, Origin>| {
            let roles: Vec<&str> = roles.keys().map(|role| role.as_str()).collect();
            format!("[{}]", roles.join(", "))
        };
        let (old, new) = (stated(&before.roles), stated(&roles));
        let what = format!("list of roles for server `{name}`");
        self.conflict(&what, (&there, old), (&origin, new));
    }

    fn site(&mut self, document: &Document) {
        let Body::Site {
            formerly,
            lifecycle,
            spec,
            imaging,
        } = &document.body
        else {
            return;
        };
        let Some(name) = &document.name else {
            return;
        };
        let file = &document.origin.file;
        let SiteSpec {
            description,
            subnets,
            constrain_to_site,
            servers,
        } = spec;
        let LifecycleSpec {
            prevent_destroy,
            ignore_changes,
        } = lifecycle;
        let deploy_tasks = imaging
            .as_ref()
            .and_then(|imaging| imaging.deploy_tasks.as_ref())
            .map(|tasks| tasks.iter().map(|task| task.declared(file)).collect())
            .unwrap_or_default();
        let site = DesiredSite {
            name: name.clone(),
            kind: if document.kind == Kind::DeploymentSite {
                SiteKind::DeploymentSite
            } else {
                SiteKind::Site
            },
            origin: document.origin.clone(),
            description: description.as_ref().map(|text| Declared {
                value: text.value.0.clone(),
                origin: text.span.origin(file),
            }),
            subnets: subnets.as_ref().map(|subnets| {
                subnets
                    .iter()
                    .map(|subnet| (subnet.value, subnet.span.origin(file)))
                    .collect::<BTreeMap<Subnet, Origin>>()
            }),
            servers: servers.as_ref().map(|servers| {
                servers
                    .iter()
                    .map(|server| (server.name.value.clone(), server.name.span.origin(file)))
                    .collect()
            }),
            constrain: constrain_to_site.as_ref().map(|flag| flag.declared(file)),
            deploy_tasks,
            formerly: formerly.iter().map(|name| name.declared(file)).collect(),
            lifecycle: Lifecycle {
                prevent_destroy: prevent_destroy.as_ref().map(|flag| flag.declared(file)),
                ignore_changes: ignore_changes
                    .iter()
                    .flatten()
                    .map(|field| field.value.ignorable())
                    .collect(),
            },
        };
        if let Some(imaging) = imaging {
            self.imaging(name, &site, imaging, file);
        }
        // A site that is declared twice has been told; the first declaration stands.
        self.desired.sites.entry(name.clone()).or_insert(site);
    }

    fn imaging(&mut self, name: &Name, site: &DesiredSite, imaging: &ImagingSpec, file: &Arc<str>) {
        let ImagingSpec {
            capture_target,
            deploy_tasks,
            packages,
        } = imaging;
        if let Some(target) = capture_target {
            self.capture_target(target.declared(file));
        }
        let package_servers: BTreeSet<Name> = site
            .servers
            .iter()
            .flat_map(BTreeMap::keys)
            .filter(|server| {
                self.desired
                    .servers
                    .get(*server)
                    .is_some_and(|declared| declared.roles.contains_key(&Role::Package))
            })
            .cloned()
            .collect();
        for pin in packages.iter().flatten() {
            let (Some(selector), Some(span)) = (pin.selector(), pin.span) else {
                continue;
            };
            let origin = span.origin(file);
            let servers = pin.servers.as_ref().map_or_else(
                || self.own_package_servers(name, &package_servers, &origin),
                |servers| Some(servers.iter().map(|server| server.value.clone()).collect()),
            );
            if let Some(servers) = servers {
                self.pins.entry(selector).or_default().push(Pin {
                    site: name.clone(),
                    servers,
                    origin,
                });
            }
        }
        for task in deploy_tasks.iter().flatten() {
            let origin = task.span.origin(file);
            if let Some(servers) = self.own_package_servers(name, &package_servers, &origin) {
                self.pins
                    .entry(PackageSelector::Task(task.value.clone()))
                    .or_default()
                    .push(Pin {
                        site: name.clone(),
                        servers,
                        origin,
                    });
            }
        }
    }

    /// The package servers of a site as declared; that there are none is told.
    fn own_package_servers(
        &mut self,
        site: &Name,
        servers: &BTreeSet<Name>,
        origin: &Origin,
    ) -> Option<BTreeSet<Name>> {
        if !servers.is_empty() {
            return Some(servers.clone());
        }
        self.faults.push(
            Diagnostic::at(
                "SW0143",
                origin.clone(),
                format!("expected a server with role `package` among the servers of `{site}`, found none"),
            )
            .hint("declare its role under `servers` or in a `SiteServer`, or name the package's `servers`"),
        );
        None
    }

    fn unite_pins(&mut self) {
        for (selector, mut pins) in std::mem::take(&mut self.pins) {
            pins.sort_by(|a, b| a.origin.cmp(&b.origin));
            let Some(first) = pins.first() else {
                continue;
            };
            let origin = first.origin.clone();
            let package = DesiredPackage {
                selector: selector.clone(),
                assignment: DesiredAssignment::Servers(
                    pins.iter().flat_map(|pin| pin.servers.clone()).collect(),
                ),
                sites: pins.iter().map(|pin| pin.site.clone()).collect(),
                origin,
            };
            self.desired.packages.insert(selector, package);
        }
    }

    fn package(&mut self, document: &Document) {
        let (Body::Package(PackageSpec { guid, assignment }), Some(name)) =
            (&document.body, &document.name)
        else {
            return;
        };
        let selector = guid.as_ref().map_or_else(
            || PackageSelector::Name(name.clone()),
            |guid| PackageSelector::Guid(guid.value),
        );
        let file = &document.origin.file;
        let (assignment, span) = match assignment {
            AssignmentSpec::All(span) => (DesiredAssignment::All, span),
            AssignmentSpec::Servers(servers, span) => (
                DesiredAssignment::Servers(servers.iter().map(|s| s.value.clone()).collect()),
                span,
            ),
            AssignmentSpec::Sites {
                sites,
                automatic,
                span,
            } => (
                DesiredAssignment::Sites {
                    sites: sites.iter().map(|site| site.value.clone()).collect(),
                    automatic: automatic.as_ref().is_some_and(|flag| flag.value),
                },
                span,
            ),
        };
        match self.desired.packages.get_mut(&selector) {
            None => {
                self.desired.packages.insert(
                    selector.clone(),
                    DesiredPackage {
                        selector,
                        assignment,
                        sites: BTreeSet::new(),
                        origin: document.origin.clone(),
                    },
                );
            }
            Some(before) if before.assignment == assignment => {
                before.origin = before.origin.clone().min(document.origin.clone());
            }
            // Two documents for one package have been told already.
            Some(before) if before.sites.is_empty() => {}
            Some(before) => {
                let there = before.origin.clone();
                let old = stated(&before.assignment);
                let what = format!("assignment of package `{selector}`");
                self.conflict(
                    &what,
                    (&there, old),
                    (&span.origin(file), stated(&assignment)),
                );
            }
        }
    }

    fn settings(&mut self, document: &Document) {
        let Body::PlatformSettings(spec) = &document.body else {
            return;
        };
        let PlatformSettingsSpec {
            capture_target,
            invalid_subnets,
            ports,
            parent,
        } = spec;
        let file = &document.origin.file;
        if let Some(target) = capture_target {
            self.capture_target(target.declared(file));
        }
        if let Some(expression) = invalid_subnets {
            let declared = Declared {
                value: expression.value.0.clone(),
                origin: expression.span.origin(file),
            };
            match &self.desired.settings.invalid_subnets {
                Some(before) if before.value != declared.value => {
                    let before = before.clone();
                    self.conflict(
                        "value of `invalidSubnets`",
                        (&before.origin, format!("`{}`", before.value)),
                        (&declared.origin, format!("`{}`", declared.value)),
                    );
                }
                Some(before) if before.origin <= declared.origin => {}
                Some(_) | None => self.desired.settings.invalid_subnets = Some(declared),
            }
        }
        if let Some(parent) = parent {
            self.parent(parent.declared(file));
        }
        for (name, port) in ports.iter().flatten() {
            if let Ok(number) = u16::try_from(port.value) {
                self.desired
                    .settings
                    .ports
                    .entry(name.clone())
                    .or_insert(number);
            }
        }
    }

    fn parent(&mut self, declared: Declared<Name>) {
        match &self.desired.settings.parent {
            Some(before) if before.value != declared.value => {
                let before = before.clone();
                self.conflict(
                    "parent of the platform",
                    (&before.origin, format!("`{}`", before.value)),
                    (&declared.origin, format!("`{}`", declared.value)),
                );
            }
            Some(before) if before.origin <= declared.origin => {}
            Some(_) | None => self.desired.settings.parent = Some(declared),
        }
    }

    fn capture_target(&mut self, declared: Declared<Name>) {
        match &self.desired.settings.capture_target {
            Some(before) if before.value != declared.value => {
                let before = before.clone();
                self.conflict(
                    "capture target for the platform",
                    (&before.origin, format!("`{}`", before.value)),
                    (&declared.origin, format!("`{}`", declared.value)),
                );
            }
            Some(before) if before.origin <= declared.origin => {}
            Some(_) | None => self.desired.settings.capture_target = Some(declared),
        }
    }
}

fn with_places(roles: &[super::decode::At<Role>], file: &Arc<str>) -> BTreeMap<Role, Origin> {
    roles
        .iter()
        .map(|role| (role.value, role.span.origin(file)))
        .collect()
}

fn stated(assignment: &DesiredAssignment) -> String {
    let named = |names: &BTreeSet<Name>| {
        let names: Vec<&str> = names.iter().map(Name::as_str).collect();
        format!("[{}]", names.join(", "))
    };
    match assignment {
        DesiredAssignment::All => "all package servers".into(),
        DesiredAssignment::Servers(servers) => format!("servers {}", named(servers)),
        DesiredAssignment::Sites { sites, automatic } => {
            let how = if *automatic { ", automatic" } else { "" };
            format!("sites {}{how}", named(sites))
        }
    }
}
