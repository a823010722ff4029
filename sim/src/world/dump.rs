//! Writes a world back in the scenario format: everything spelled out, sorted, one object a line.
//!
//! Reads the world's database; [`write`] is pure. What is a result of the rest (who is registered where) and what comes
//! from the seed (GUIDs) is left out, so that two worlds that are alike have the same dump.

use super::facts::{Fact, Facts, Kept, Kind};
use super::guid::Guid;
use super::names::Role;
use super::origin::Origin;
use super::prevention::Prevention;
use super::records::{AsdkError, Assignment};
use super::scenario::{
    Computer, DirectorySite, Fault, Package, PackageAssignment, PackageKind, Platform,
    PreventDownloads, Settings, Site, Subnet, Task, TaskKind, WorldFile,
};
use super::{Rules, Store, life, packages, select, store, tasks};
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// Reads what is in the world.
pub(crate) fn contents(store: &Store, rules: &Rules) -> Result<WorldFile, AsdkError> {
    let db = &store.db;
    let meta = |name: &str| store::meta(db, name);
    let mut computer_names: HashMap<Guid, String> = HashMap::new();
    let mut services: HashMap<Guid, Vec<Role>> = HashMap::new();
    let topology = select::Topology::read(db, rules)?;
    for server in &topology.servers {
        services.insert(server.guid, server.roles.clone());
    }
    let mut facts: HashMap<Guid, (Kept, bool)> = HashMap::new();
    {
        let mut statement = db.prepare_cached("SELECT * FROM sim_computer")?;
        for row in statement.query_map([], |row| {
            Ok((row.get("Guid")?, (Kept::of_row(row)?, row.get("Down")?)))
        })? {
            let (guid, found) = row?;
            facts.insert(guid, found);
        }
    }
    let platform = meta("platform")?.unwrap_or_default();
    let version = meta("version")?.unwrap_or_default();
    let deployment = meta("deployment solution")?.is_some();
    let mut computers = Vec::new();
    let mut faults = Vec::new();
    for (guid, name, addresses) in life::computers(db)? {
        let services = services.remove(&guid).unwrap_or_default();
        let kind = Kind {
            services: &services,
            platform: name.eq_ignore_ascii_case(&platform),
            version: &version,
            deployment,
            now: store.clock.milliseconds(),
        };
        let told = match facts.remove(&guid) {
            None => Facts::default(),
            Some((kept, down)) => {
                if down {
                    faults.push(Fault { down: name.clone() });
                }
                kept.told(&kind)
                    .map_err(|error| AsdkError::Internal(error.to_string()))?
            }
        };
        computer_names.insert(guid, name.clone());
        computers.push(Computer {
            name,
            addresses: addresses
                .into_iter()
                .map(|(address, prefix)| format!("{}/{prefix}", Ipv4Addr::from(address)))
                .collect(),
            services,
            ..Computer::of(told)
        });
    }
    computers.sort_by(|a, b| a.name.cmp(&b.name));
    faults.sort_by(|a, b| a.down.cmp(&b.down));
    let (sites, site_names) = sites(store, rules, &computer_names)?;
    let named = |guid: &Guid| {
        site_names
            .get(guid)
            .or_else(|| computer_names.get(guid))
            .cloned()
            .unwrap_or_else(|| guid.to_string())
    };
    let directory: Vec<DirectorySite> =
        serde_json::from_str(&meta("directory")?.unwrap_or_else(|| "[]".to_owned()))
            .map_err(|error| AsdkError::Internal(error.to_string()))?;
    Ok(WorldFile {
        format_version: 1,
        platform: Platform {
            server: platform,
            version,
            deployment_solution: deployment,
            parent: meta("parent")?,
            children: meta("children")?
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        },
        settings: Settings {
            capture_target: meta("capture target")?
                .and_then(|text| text.parse().ok())
                .map(|guid| named(&guid)),
            invalid_subnets: meta("invalid subnets")?,
            constrain_unavailable: meta("constrain unavailable")?.is_some(),
            registrations_per_task_server: meta("registrations")?
                .and_then(|text| text.parse().ok()),
            prevent_downloads: prevention(db, &named)?,
        },
        subnets: subnets(store, rules, &site_names)?,
        sites,
        computers,
        clients: Vec::new(),
        packages: read_packages(store, rules, &named)?,
        tasks: read_tasks(store)?,
        active_directory: directory,
        faults,
    })
}

fn prevention(
    db: &Connection,
    named: &dyn Fn(&Guid) -> String,
) -> Result<Option<PreventDownloads>, AsdkError> {
    let Prevention {
        targets,
        from_platform,
        from_outside,
    } = Prevention::read(db)?;
    let mut targets: Vec<String> = targets.iter().map(named).collect();
    targets.sort();
    let told = PreventDownloads {
        targets,
        from_platform,
        from_outside,
    };
    Ok(Some(told).filter(|told| *told != PreventDownloads::default()))
}

fn sites(
    store: &Store,
    rules: &Rules,
    computers: &HashMap<Guid, String>,
) -> Result<(Vec<Site>, HashMap<Guid, String>), AsdkError> {
    let mut manual: BTreeMap<Guid, Vec<String>> = BTreeMap::new();
    for (server, site) in store::pairs(&store.db, &rules.names.server_to_site)? {
        if let Some(name) = computers.get(&server) {
            manual.entry(site).or_default().push(name.clone());
        }
    }
    let mut statement = store.db.prepare_cached(
        "SELECT i.Guid, i.Name, i.Description, COALESCE(s.Constrained, 0) FROM Item i LEFT JOIN sim_site s ON s.Guid = i.Guid WHERE i.ResourceTypeGuid = ?1",
    )?;
    let rows = statement.query_map([rules.names.site.guid], |row| {
        Ok((
            row.get::<_, Guid>(0)?,
            Site {
                name: row.get(1)?,
                description: row.get(2)?,
                constrained: row.get(3)?,
                ..Site::default()
            },
        ))
    })?;
    let mut all = Vec::new();
    let mut names = HashMap::new();
    for row in rows {
        let (guid, mut site) = row?;
        site.servers = manual.remove(&guid).unwrap_or_default();
        site.servers.sort();
        let origin = Origin::read(&store.db, guid)?;
        site.directory = origin.directory;
        site.replicated_from = origin.replicated_from;
        names.insert(guid, site.name.clone());
        all.push(site);
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((all, names))
}

fn subnets(
    store: &Store,
    rules: &Rules,
    sites: &HashMap<Guid, String>,
) -> Result<Vec<Subnet>, AsdkError> {
    let mut of: HashMap<Guid, Vec<String>> = HashMap::new();
    for (subnet, site) in store::pairs(&store.db, &rules.names.subnet_to_site)? {
        if let Some(name) = sites.get(&site) {
            of.entry(subnet).or_default().push(name.clone());
        }
    }
    let mut statement = store
        .db
        .prepare_cached("SELECT Guid, Name, Description FROM Item WHERE ResourceTypeGuid = ?1")?;
    let rows = statement.query_map([rules.names.subnet.guid], |row| {
        Ok((
            row.get::<_, Guid>(0)?,
            Subnet {
                network: row.get(1)?,
                description: row.get(2)?,
                ..Subnet::default()
            },
        ))
    })?;
    let mut all = Vec::new();
    for row in rows {
        let (guid, mut subnet) = row?;
        subnet.sites = of.remove(&guid).unwrap_or_default();
        subnet.sites.sort();
        let origin = Origin::read(&store.db, guid)?;
        subnet.directory = origin.directory;
        subnet.replicated_from = origin.replicated_from;
        all.push(subnet);
    }
    all.sort_by_cached_key(|one| {
        (
            select::network(&one.network),
            one.network.clone(),
            one.sites.clone(),
        )
    });
    Ok(all)
}

fn read_packages(
    store: &Store,
    rules: &Rules,
    named: &dyn Fn(&Guid) -> String,
) -> Result<Vec<Package>, AsdkError> {
    let mut all = Vec::new();
    for (package, kind) in packages::read(&store.db, None)? {
        let mut targets: Vec<String> = package.servers.iter().map(named).collect();
        targets.sort();
        let mut holders: Vec<String> = life::ready_holders(&store.db, rules, package.guid)?
            .iter()
            .map(named)
            .collect();
        holders.sort();
        let captured_to: Option<Guid> = store.db.query_row(
            "SELECT CapturedTo FROM sim_package WHERE Guid = ?1",
            [package.guid],
            |row| row.get(0),
        )?;
        all.push(Package {
            name: package.name,
            description: package.description,
            kind: match kind.as_str() {
                "image" => PackageKind::Image,
                "tool" => PackageKind::Tool,
                _ => PackageKind::Software,
            },
            assignment: match package.assignment {
                Assignment::All => PackageAssignment::All,
                Assignment::Individually => PackageAssignment::Individually,
                Assignment::Site => PackageAssignment::Site,
            },
            automatic: package.auto_assign,
            targets,
            holders: Some(holders),
            captured_to: captured_to.as_ref().map(named),
            replicated_from: Origin::read(&store.db, package.guid)?.replicated_from,
        });
    }
    // Packages of one name are told apart by what they are, not by GUIDs, which differ from seed to seed.
    all.sort_by_cached_key(|one| (one.name.clone(), format!("{one:?}")));
    Ok(all)
}

fn read_tasks(store: &Store) -> Result<Vec<Task>, AsdkError> {
    let mut all = Vec::new();
    for task in tasks::read(&store.db)? {
        let mut packages = Vec::new();
        for package in &task.packages {
            let name: String =
                store
                    .db
                    .query_row("SELECT Name FROM Item WHERE Guid = ?1", [package], |row| {
                        row.get(0)
                    })?;
            packages.push(name);
        }
        all.push(Task {
            name: task.name,
            kind: match task.kind.as_str() {
                "deployImage" => TaskKind::DeployImage,
                "createImage" => TaskKind::CreateImage,
                _ => TaskKind::Other,
            },
            packages,
        });
    }
    Ok(all)
}

/// Quotes text where YAML could take it for something else; the escapes of JSON are YAML's too.
fn scalar(text: &str) -> String {
    let plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_'))
        && text.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
        && !matches!(
            text.to_lowercase().as_str(),
            "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if plain {
        text.to_owned()
    } else {
        serde_json::to_string(text).unwrap_or_default()
    }
}

fn list(all: &[String]) -> String {
    let texts: Vec<String> = all.iter().map(|one| scalar(one)).collect();
    format!("[{}]", texts.join(", "))
}

/// One object on one line; fields that say nothing are left out.
struct Line(Vec<String>);

impl Line {
    fn of(key: &str, value: &str) -> Line {
        Line(vec![format!("{key}: {}", scalar(value))])
    }

    fn text(mut self, key: &str, value: &str) -> Line {
        if !value.is_empty() {
            self.0.push(format!("{key}: {}", scalar(value)));
        }
        self
    }

    fn raw(mut self, key: &str, value: &str, when: bool) -> Line {
        if when {
            self.0.push(format!("{key}: {value}"));
        }
        self
    }

    fn list(self, key: &str, all: &[String]) -> Line {
        let text = list(all);
        self.raw(key, &text, !all.is_empty())
    }

    fn optional(self, key: &str, value: Option<&String>) -> Line {
        match value {
            Some(value) => self.raw(key, &scalar(value), true),
            None => self,
        }
    }

    fn fact<T>(self, key: &str, fact: &Fact<T>, text: impl Fn(&T) -> String) -> Line {
        match fact {
            Fact::Usual => self,
            Fact::Unknown => self.raw(key, "null", true),
            Fact::Known(value) => self.raw(key, &text(value), true),
        }
    }

    fn facts(self, facts: &Facts) -> Line {
        let Facts {
            os,
            plug_ins,
            managed,
            local,
            asset_active,
            agent_version,
            cem,
            iis,
            http_server,
            dotnet,
            inventory_age,
        } = facts;
        let text = |value: &String| scalar(value);
        self.fact("os", os, text)
            // In whatever order they were rolled out.
            .fact("plugIns", plug_ins, |all| {
                let mut sorted = all.clone();
                sorted.sort();
                list(&sorted)
            })
            .fact("managed", managed, bool::to_string)
            .fact("local", local, bool::to_string)
            .fact("assetActive", asset_active, bool::to_string)
            .fact("agentVersion", agent_version, text)
            .fact("cem", cem, bool::to_string)
            .fact("iis", iis, bool::to_string)
            .fact("httpServer", http_server, bool::to_string)
            .fact("dotnet", dotnet, text)
            .fact("inventoryAge", inventory_age, text)
    }
}

fn section(out: &mut String, name: &str, lines: Vec<Line>) {
    if lines.is_empty() {
        let _ = writeln!(out, "{name}: []");
        return;
    }
    let _ = writeln!(out, "{name}:");
    for line in lines {
        let _ = writeln!(out, "  - {{ {} }}", line.0.join(", "));
    }
}

/// Writes a scenario.
#[expect(clippy::too_many_lines, reason = "one closure a kind of object")]
pub(crate) fn write(file: &WorldFile) -> String {
    let WorldFile {
        format_version,
        platform,
        settings,
        sites,
        subnets,
        computers,
        clients: _, // spelled out as computers when the world was loaded
        packages,
        tasks,
        active_directory,
        faults,
    } = file;
    let mut out = format!(
        "formatVersion: {format_version}\nplatform:\n  server: {}\n  version: {}\n",
        scalar(&platform.server),
        scalar(&platform.version)
    );
    let _ = writeln!(
        out,
        "  deploymentSolution: {}",
        platform.deployment_solution
    );
    let _ = writeln!(
        out,
        "  parent: {}",
        platform
            .parent
            .as_ref()
            .map_or("null".to_owned(), |name| scalar(name))
    );
    let _ = writeln!(out, "  children: {}", list(&platform.children));
    let optional = |value: &Option<String>| {
        value
            .as_ref()
            .map_or("null".to_owned(), |text| scalar(text))
    };
    let _ = writeln!(
        out,
        "settings:\n  captureTarget: {}",
        optional(&settings.capture_target)
    );
    let _ = writeln!(
        out,
        "  invalidSubnets: {}",
        optional(&settings.invalid_subnets)
    );
    let _ = writeln!(
        out,
        "  constrainUnavailable: {}",
        settings.constrain_unavailable
    );
    if let Some(limit) = settings.registrations_per_task_server {
        let _ = writeln!(out, "  registrationsPerTaskServer: {limit}");
    }
    if let Some(told) = &settings.prevent_downloads {
        let PreventDownloads {
            targets,
            from_platform,
            from_outside,
        } = told;
        let line = Line(Vec::new())
            .list("targets", targets)
            .raw("fromPlatform", "true", *from_platform)
            .raw("fromOutside", "true", *from_outside);
        let _ = writeln!(out, "  preventDownloads: {{ {} }}", line.0.join(", "));
    }
    let site = |one: &Site| {
        Line::of("name", &one.name)
            .text("description", &one.description)
            .raw("constrained", "true", one.constrained)
            .list("servers", &one.servers)
            .raw("directory", "true", one.directory)
            .optional("replicatedFrom", one.replicated_from.as_ref())
    };
    section(&mut out, "sites", sites.iter().map(site).collect());
    let subnet = |one: &Subnet| {
        Line::of("network", &one.network)
            .text("description", &one.description)
            .list("sites", &one.sites)
            .raw("directory", "true", one.directory)
            .optional("replicatedFrom", one.replicated_from.as_ref())
    };
    section(&mut out, "subnets", subnets.iter().map(subnet).collect());
    let computer = |one: &Computer| {
        let services: Vec<String> = one
            .services
            .iter()
            .map(|role| role.name().to_owned())
            .collect();
        let addresses = list(&one.addresses);
        Line::of("name", &one.name)
            .raw("addresses", &addresses, true)
            .list("services", &services)
            .facts(&one.facts())
    };
    section(
        &mut out,
        "computers",
        computers.iter().map(computer).collect(),
    );
    let package = |one: &Package| {
        let kind = super::load::kind_name(one.kind);
        let assignment = match one.assignment {
            PackageAssignment::All => "all",
            PackageAssignment::Individually => "individually",
            PackageAssignment::Site => "site",
        };
        let holders = one.holders.as_ref().map(|all| list(all));
        Line::of("name", &one.name)
            .text("description", &one.description)
            .raw("kind", kind, true)
            .raw("assignment", assignment, true)
            .raw("automatic", "true", one.automatic)
            .list("targets", &one.targets)
            .raw(
                "holders",
                holders.as_deref().unwrap_or_default(),
                holders.is_some(),
            )
            .optional("capturedTo", one.captured_to.as_ref())
            .optional("replicatedFrom", one.replicated_from.as_ref())
    };
    section(&mut out, "packages", packages.iter().map(package).collect());
    let task = |one: &Task| {
        let kind = match one.kind {
            TaskKind::DeployImage => "deployImage",
            TaskKind::CreateImage => "createImage",
            TaskKind::Other => "other",
        };
        Line::of("name", &one.name)
            .raw("kind", kind, true)
            .list("packages", &one.packages)
    };
    section(&mut out, "tasks", tasks.iter().map(task).collect());
    let directory = |one: &DirectorySite| Line::of("name", &one.name).list("subnets", &one.subnets);
    section(
        &mut out,
        "activeDirectory",
        active_directory.iter().map(directory).collect(),
    );
    section(
        &mut out,
        "faults",
        faults
            .iter()
            .map(|one| Line::of("down", &one.down))
            .collect(),
    );
    out
}
