//! A live SMP → manifests that declare it.
//!
//! Pure and deterministic. Everything that can be declared is, in all kinds, sorted by name; what cannot is listed in
//! [`Export::unexpressed`] and, where it belongs to a document, said there in a comment. Automatic memberships are
//! comments, since they are never declared. Reading the files back gives what the snapshot holds.

mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Assignment, Computer, Guid, Name, Observed, ObservedSite, ObservedSubnet, Role, ServiceRole,
    Snapshot, Subnet,
};

pub(crate) use yaml::{comment, scalar};
use yaml::{declarable, has_document, head, line, list};

/// The first line of every file, for editors: the schema is to be written beside the files.
const SCHEMA_LINE: &str = "# yaml-language-server: $schema=schemas/manifest.json";

/// What an export gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Export {
    /// Files by name, with their text.
    pub files: Vec<(String, String)>,
    /// What could not be expressed, for people.
    pub unexpressed: Vec<String>,
}

/// Writes manifests that declare what the snapshot holds. `platform` names the settings: the platform's name in the
/// workspace.
///
/// Guarantees: pure; the same snapshot gives the same bytes; nothing is dropped silently.
pub fn export(snapshot: &Snapshot, platform: &Name) -> Export {
    let Snapshot {
        platform: _, // the SMP's identity belongs to the workspace
        sites,
        subnets,
        services,
        computers,
        unasked: _,  // nobody declares anything here
        packages: _, // names are looked up where an assignment needs them
        assignments: _,
        holders: _, // a fact, nothing that is declared
        tasks: _,   // belong to imaging sections, which an export does not guess
        capture_target: _,
        unlisted: _,     // of our state, not of the server
        surroundings: _, // facts, nothing that is declared
        unplaced,
    } = snapshot;
    let mut exporter = Exporter {
        snapshot,
        unexpressed: unplaced.clone(),
        held: Vec::new(),
        names: unique_names(computers.values()),
        site_names: BTreeMap::new(),
    };
    for (what, reason) in [
        ("sites", sites.reason()),
        ("subnets", subnets.reason()),
        ("site services", services.reason()),
    ] {
        if let Some(reason) = reason {
            exporter
                .unexpressed
                .push(format!("{what} could not be read: {reason}"));
        }
    }
    let files = [
        ("sites.yaml", exporter.sites()),
        ("servers.yaml", exporter.servers()),
        ("packages.yaml", exporter.packages()),
        ("settings.yaml", exporter.settings(platform)),
    ];
    let files = files
        .into_iter()
        // A file without a document is no manifest; what its comments say is listed as unexpressed too.
        .filter(|(_, text)| has_document(text))
        .map(|(name, text)| (name.to_owned(), format!("{SCHEMA_LINE}\n{text}")))
        .collect();
    let mut unexpressed = exporter.unexpressed;
    unexpressed.sort();
    unexpressed.dedup();
    Export { files, unexpressed }
}

/// The name of each computer that no other computer has.
fn unique_names<'c>(computers: impl Iterator<Item = &'c Computer>) -> BTreeMap<Guid, Name> {
    let mut by_name: BTreeMap<&Name, Vec<&Computer>> = BTreeMap::new();
    for computer in computers {
        by_name.entry(&computer.name).or_default().push(computer);
    }
    by_name
        .into_iter()
        .filter_map(|(name, computers)| match computers.as_slice() {
            [only] if Name::declared(name.as_str()).is_ok() => Some((only.guid, name.clone())),
            _ => None,
        })
        .collect()
}

struct Exporter<'s> {
    snapshot: &'s Snapshot,
    unexpressed: Vec<String>,
    /// Comments that wait for the document that they stand above.
    held: Vec<String>,
    names: BTreeMap<Guid, Name>,
    /// Sites that are declared.
    site_names: BTreeMap<Guid, Name>,
}

impl Exporter<'_> {
    /// Says inside of a document what it lacks.
    fn cannot(&mut self, out: &mut String, what: String) {
        line(out, &format!("  # not expressed: {}", comment(&what)));
        self.unexpressed.push(what);
    }

    /// Says between documents what has none: it stands above the next one.
    fn has_none(&mut self, what: String) {
        self.held
            .push(format!("# not expressed: {}", comment(&what)));
        self.unexpressed.push(what);
    }

    fn release(&mut self, out: &mut String) {
        for text in std::mem::take(&mut self.held) {
            line(out, &text);
        }
    }

    /// Begins a document.
    fn begin(&mut self, out: &mut String, kind: &str, name: &str) {
        if has_document(out) {
            line(out, "---");
        }
        self.release(out);
        head(out, kind, name);
    }

    fn sites(&mut self) -> String {
        let snapshot = self.snapshot;
        let mut out = String::new();
        let mut sites: Vec<&ObservedSite> = snapshot.sites.known().into_iter().flatten().collect();
        sites.sort_by(|a, b| (&a.name, a.guid).cmp(&(&b.name, b.guid)));
        let networks = self.networks();
        let automatic = self.automatic();
        let none = BTreeSet::new();
        for site in &sites {
            let alike = sites.iter().filter(|other| other.name == site.name).count();
            if alike > 1 || Name::declared(site.name.as_str()).is_err() {
                let why = if alike > 1 {
                    "its name is not unique"
                } else {
                    "its name cannot be declared"
                };
                self.has_none(format!("site `{}` ({}): {why}", site.name, site.guid));
                continue;
            }
            self.site_names.insert(site.guid, site.name.clone());
            let members = automatic.get(&site.guid).map(Vec::as_slice);
            self.site(
                &mut out,
                site,
                networks
                    .as_ref()
                    .map(|networks| networks.get(&site.guid).unwrap_or(&none)),
                members.unwrap_or_default(),
            );
        }
        self.release(&mut out);
        out
    }

    /// The declarable subnets of each site, and a comment for what cannot be declared.
    fn networks(&mut self) -> Option<BTreeMap<Guid, BTreeSet<Subnet>>> {
        let snapshot = self.snapshot;
        let subnets = snapshot.subnets.known()?;
        let mut networks: BTreeMap<Guid, BTreeSet<Subnet>> = BTreeMap::new();
        let mut in_no_site: BTreeSet<Subnet> = BTreeSet::new();
        for ObservedSubnet {
            guid,
            subnet,
            sites,
        } in subnets
        {
            match subnet {
                Ok(subnet) => {
                    for site in sites {
                        networks.entry(*site).or_default().insert(*subnet);
                    }
                    if sites.is_empty() {
                        in_no_site.insert(*subnet);
                    } else if sites.len() > 1 {
                        self.has_none(format!(
                            "subnet `{subnet}` is in {} sites at once",
                            sites.len()
                        ));
                    }
                }
                Err(name) => self.has_none(format!(
                    "subnet `{name}` ({guid}): its name is no IPv4 network"
                )),
            }
        }
        if !in_no_site.is_empty() {
            self.unexpressed.push(listed_in_no_site(&in_no_site));
        }
        Some(networks)
    }

    /// Servers that serve a site because their own address lies in it, by the most specific assigned subnet.
    fn automatic(&self) -> BTreeMap<Guid, Vec<String>> {
        let mut members: BTreeMap<Guid, Vec<String>> = BTreeMap::new();
        let (Some(subnets), Some(services)) = (
            self.snapshot.subnets.known(),
            self.snapshot.services.known(),
        ) else {
            return members;
        };
        let assigned: Vec<(Subnet, &[Guid])> = subnets
            .iter()
            .filter(|subnet| !subnet.sites.is_empty())
            .filter_map(|subnet| Some((*subnet.subnet.as_ref().ok()?, subnet.sites.as_slice())))
            .collect();
        let serving: BTreeSet<Guid> = services.iter().map(|service| service.computer).collect();
        for computer in self.snapshot.computers.values() {
            if !serving.contains(&computer.guid) {
                continue;
            }
            for (address, _) in computer.addresses.known().into_iter().flatten() {
                let nearest = assigned
                    .iter()
                    .filter(|(subnet, _)| subnet.contains(*address))
                    .map(|(subnet, _)| subnet.prefix())
                    .max();
                let homes = assigned
                    .iter()
                    .filter(|(subnet, _)| {
                        subnet.contains(*address) && Some(subnet.prefix()) == nearest
                    })
                    .flat_map(|(_, sites)| *sites);
                for site in homes {
                    let text = format!("{} ({address})", computer.name);
                    let list = members.entry(*site).or_default();
                    if !list.contains(&text) {
                        list.push(text);
                    }
                }
            }
        }
        for list in members.values_mut() {
            list.sort();
        }
        members
    }

    fn site(
        &mut self,
        out: &mut String,
        site: &ObservedSite,
        networks: Option<&BTreeSet<Subnet>>,
        automatic: &[String],
    ) {
        let ObservedSite {
            guid: _, // a name is enough, since it is unique
            name,
            shown: _, // nothing is declared yet
            description,
            servers,
            constrained,
        } = site;
        self.begin(out, "Site", name.as_str());
        let before = out.len();
        match description {
            Observed::Known(text) if text.is_empty() => {}
            Observed::Known(text) if declarable(text) => {
                line(out, &format!("  description: {}", scalar(text)));
            }
            Observed::Known(_) => {
                self.cannot(
                    out,
                    format!("site `{name}`: its description cannot be declared"),
                );
            }
            Observed::Unavailable(reason) => {
                self.cannot(
                    out,
                    format!("site `{name}`: description could not be read: {reason}"),
                );
            }
        }
        if let Some(networks) = networks {
            if networks.is_empty() {
                line(out, "  subnets: []");
            } else {
                line(out, "  subnets:");
                for network in networks {
                    line(out, &format!("    - {network}"));
                }
            }
        }
        match constrained {
            Observed::Known(flag) => line(out, &format!("  constrainToSite: {flag}")),
            Observed::Unavailable(reason) => self.cannot(
                out,
                format!("site `{name}`: Constrain to Site could not be read: {reason}"),
            ),
        }
        for member in automatic {
            line(out, &format!("  # automatic: {}", comment(member)));
        }
        self.members(out, name, servers);
        // Fields may not be left out altogether; comments alone are none.
        let inside = out.split_off(before);
        if inside
            .lines()
            .all(|text| text.trim_start().starts_with('#'))
        {
            out.truncate(before - "spec:\n".len());
            for text in inside.lines() {
                line(out, text.trim_start());
            }
            line(out, "spec: {}");
        } else {
            out.push_str(&inside);
        }
    }

    fn members(&mut self, out: &mut String, site: &Name, servers: &BTreeSet<Guid>) {
        let (named, nameless): (Vec<Guid>, Vec<Guid>) = servers
            .iter()
            .copied()
            .partition(|server| self.names.contains_key(server));
        // A list that lacks a member would take it away: then the field is left out whole.
        if !nameless.is_empty() {
            for server in nameless {
                self.cannot(
                    out,
                    format!("servers of site `{site}`: computer {server} has no unique name"),
                );
            }
            return;
        }
        let members: BTreeSet<&Name> = named.iter().filter_map(|g| self.names.get(g)).collect();
        if members.is_empty() {
            line(out, "  servers: []");
            return;
        }
        line(out, "  servers:");
        for name in members {
            line(out, &format!("    - name: {}", scalar(name.as_str())));
        }
    }

    fn servers(&mut self) -> String {
        let snapshot = self.snapshot;
        let mut out = String::new();
        let mut roles: BTreeMap<Guid, (BTreeSet<Role>, BTreeSet<&str>)> = BTreeMap::new();
        for service in snapshot.services.known().into_iter().flatten() {
            let entry = roles.entry(service.computer).or_default();
            match &service.role {
                ServiceRole::Known(role) => {
                    entry.0.insert(*role);
                }
                ServiceRole::Other(name) => {
                    entry.1.insert(name);
                }
            }
        }
        let mut servers: Vec<(String, Guid)> = roles
            .keys()
            .map(|guid| {
                let name = snapshot.computers.get(guid);
                let key = name.map(|computer| computer.name.key().as_str().to_owned());
                (key.unwrap_or_default(), *guid)
            })
            .collect();
        servers.sort();
        for (_, guid) in servers {
            let Some((known, other)) = roles.get(&guid) else {
                continue;
            };
            let Some(name) = self.names.get(&guid).cloned() else {
                self.has_none(format!("roles of computer {guid}: it has no unique name"));
                continue;
            };
            self.begin(&mut out, "SiteServer", name.as_str());
            let list: Vec<&str> = known.iter().map(|role| role.as_str()).collect();
            line(&mut out, &format!("  roles: [{}]", list.join(", ")));
            for role in other {
                self.cannot(&mut out, format!("server `{name}`: unknown role `{role}`"));
            }
        }
        self.release(&mut out);
        out
    }

    fn packages(&mut self) -> String {
        let snapshot = self.snapshot;
        let mut out = String::new();
        let listed = match &snapshot.packages {
            Observed::Known(listed) => listed.as_slice(),
            Observed::Unavailable(reason) => {
                if !snapshot.assignments.is_empty() {
                    self.unexpressed
                        .push(format!("packages could not be read: {reason}"));
                }
                &[]
            }
        };
        let mut packages: Vec<(&Name, Guid)> = listed
            .iter()
            .map(|package| (&package.name, package.guid))
            .collect();
        packages.sort();
        let known: BTreeSet<Guid> = packages.iter().map(|(_, guid)| *guid).collect();
        for guid in snapshot.assignments.keys() {
            if !known.contains(guid) {
                self.unexpressed.push(format!(
                    "assignment of package {guid}: its name is not known"
                ));
            }
        }
        for (name, guid) in &packages {
            let assignment = match snapshot.assignments.get(guid) {
                // The refresh was not asked for it.
                None => continue,
                Some(Observed::Unavailable(reason)) => {
                    self.has_none(format!(
                        "assignment of package `{name}` ({guid}) could not be read: {reason}"
                    ));
                    continue;
                }
                Some(Observed::Known(assignment)) => assignment,
            };
            let text = match self.assignment(assignment) {
                Ok(text) if Name::declared(name.as_str()).is_ok() => text,
                Ok(_) => {
                    self.has_none(format!("package {guid}: its name cannot be declared"));
                    continue;
                }
                Err(what) => {
                    self.has_none(format!("assignment of package `{name}` ({guid}): {what}"));
                    continue;
                }
            };
            self.begin(&mut out, "Package", name.as_str());
            if packages.iter().filter(|(other, _)| other == name).count() > 1 {
                line(&mut out, &format!("  guid: {}", scalar(&guid.to_string())));
            }
            out.push_str(&text);
        }
        self.release(&mut out);
        out
    }

    fn assignment(&self, assignment: &Assignment) -> Result<String, String> {
        let mut out = String::new();
        match assignment {
            Assignment::All => line(&mut out, "  assignment: all"),
            Assignment::Servers(servers) => {
                let names = named(servers, &self.names, "computer")?;
                line(&mut out, "  assignment:");
                list(&mut out, "servers", &names);
            }
            Assignment::Sites { sites, automatic } => {
                let names = named(sites, &self.site_names, "site")?;
                line(&mut out, "  assignment:");
                list(&mut out, "sites", &names);
                if *automatic {
                    line(&mut out, "    automatic: true");
                }
            }
        }
        Ok(out)
    }

    fn settings(&mut self, platform: &Name) -> String {
        let mut out = String::new();
        match &self.snapshot.capture_target {
            Observed::Known(None) => {}
            Observed::Known(Some(guid)) => match self.names.get(guid).cloned() {
                Some(name) => {
                    self.begin(&mut out, "PlatformSettings", platform.as_str());
                    let target = scalar(name.as_str());
                    line(&mut out, &format!("  captureTarget: {target}"));
                }
                None => self.has_none(format!(
                    "capture target: computer {guid} has no unique name"
                )),
            },
            Observed::Unavailable(reason) => self
                .unexpressed
                .push(format!("capture target could not be read: {reason}")),
        }
        self.release(&mut out);
        out
    }
}

fn named<'n>(
    guids: &BTreeSet<Guid>,
    names: &'n BTreeMap<Guid, Name>,
    what: &str,
) -> Result<BTreeSet<&'n Name>, String> {
    guids
        .iter()
        .map(|guid| {
            names
                .get(guid)
                .ok_or_else(|| format!("{what} {guid} has no unique name"))
        })
        .collect()
}

/// Subnets that the SMP knows and no site has, in one line: only a site can declare a subnet.
fn listed_in_no_site(subnets: &BTreeSet<Subnet>) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = subnets
        .iter()
        .take(SHOWN)
        .map(|subnet| format!("`{subnet}`"))
        .collect();
    let more = match subnets.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} in no site: {}{more}",
        if subnets.len() == 1 {
            "a subnet"
        } else {
            "subnets"
        },
        shown.join(", ")
    )
}

#[cfg(test)]
mod tests;
