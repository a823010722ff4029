//! Loads a scenario into an empty database, in one transaction.
//!
//! I/O: `SQLite`. GUIDs are drawn by kind and name, so the order of the file does not matter.

use super::clock;
use super::effects;
use super::facts::Kind;
use super::guid::Guid;
use super::options::Switch;
use super::origin::Origin;
use super::packages::NewPackage;
use super::records::Assignment;
use super::scenario::{
    Computer, Package, PackageAssignment, PackageKind, PreventDownloads, TaskKind, WorldFile,
};
use super::scope;
use super::select;
use super::store::{self, NewItem};
use super::{Rules, WorldError};
use crate::level::Level;
use rusqlite::{Connection, params};
use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

/// Loads a scenario.
pub(crate) fn load(
    db: &Connection,
    rules: &Rules,
    level: Level,
    file: &WorldFile,
) -> Result<(), WorldError> {
    let now = clock::text(clock::START);
    let transaction = db.unchecked_transaction()?;
    store::create(db, rules)?;
    let list = |all: Vec<&'static str>| all.join(" ");
    for (name, value) in [
        ("seed", rules.seed.0.to_string()),
        ("language", rules.language.to_string()),
        (
            "switches",
            list(rules.switches.iter().map(|one| one.name()).collect()),
        ),
        (
            "quirks",
            list(rules.quirks.iter().map(|one| one.name()).collect()),
        ),
        ("level", level.to_string()),
        ("structure changed", now.clone()),
        ("clock", clock::START.to_string()),
        ("inventory", clock::START.to_string()),
        ("platform", file.platform.server.clone()),
        ("version", file.platform.version.clone()),
        ("children", file.platform.children.join(" ")),
        ("version of topology", "1".to_owned()),
        (
            "directory",
            serde_json::to_string(&file.active_directory)
                .map_err(|error| WorldError::Scenario(error.to_string()))?,
        ),
    ] {
        store::set_meta(db, name, Some(&value))?;
    }
    store::set_meta(db, "parent", file.platform.parent.as_deref())?;
    let registrations = file.settings.registrations_per_task_server;
    store::set_meta(
        db,
        "registrations",
        registrations.map(|limit| limit.to_string()).as_deref(),
    )?;
    store::set_meta(
        db,
        "invalid subnets",
        file.settings.invalid_subnets.as_deref(),
    )?;
    store::set_meta(
        db,
        "deployment solution",
        file.platform.deployment_solution.then_some("1"),
    )?;
    store::set_meta(
        db,
        "constrain unavailable",
        file.settings.constrain_unavailable.then_some("1"),
    )?;
    if let Some(pattern) = &file.settings.invalid_subnets {
        regex::Regex::new(pattern)
            .map_err(|error| WorldError::Scenario(format!("invalidSubnets: {error}")))?;
    }
    store::fill(db, rules, &now)?;
    let mut loader = Loader {
        db,
        rules,
        now: &now,
        sites: HashMap::new(),
        computers: HashMap::new(),
        held: Vec::new(),
    };
    loader.computers(file)?;
    loader.sites(file)?;
    loader.subnets(file)?;
    loader.packages(file)?;
    loader.hold()?;
    if file.packages.iter().all(|one| one.holders.is_none()) {
        // Every package is where it goes: nothing to compare at the first look.
        store::set_meta(db, "replicated version", Some("1"))?;
    }
    loader.tasks(file)?;
    if let Some(target) = &file.settings.capture_target {
        let target = loader.computer(target)?;
        store::set_meta(db, "capture target", Some(&target.to_string()))?;
    }
    if let Some(told) = &file.settings.prevent_downloads {
        loader.prevent(told)?;
    }
    for fault in &file.faults {
        let server = loader.computer(&fault.down)?;
        db.execute(
            "UPDATE sim_computer SET Down = 1 WHERE Guid = ?1",
            params![server],
        )?;
    }
    loader.computer(&file.platform.server)?;
    if rules.has(Switch::SubnetInTwoSites) {
        loader.second_site()?;
    }
    if rules.has(Switch::ScopedRights) {
        scope::hide_some(db, rules)?;
    }
    store::set_meta(db, "complete", Some("1"))?;
    transaction.commit()?;
    Ok(())
}

struct Loader<'a> {
    db: &'a Connection,
    rules: &'a Rules,
    now: &'a str,
    sites: HashMap<String, Guid>,
    computers: HashMap<String, Guid>,
    /// Packages held by all servers that they go to: their two minutes are taken to be over.
    held: Vec<Guid>,
}

/// Spells out the short form of clients.
pub(crate) fn spell_out(file: &WorldFile) -> Result<Vec<Computer>, WorldError> {
    let mut all = Vec::new();
    for range in &file.clients {
        let (first, prefix) = select::interface(&range.first).ok_or_else(|| {
            WorldError::Scenario(format!(
                "expected an address with prefix, found `{}`",
                range.first
            ))
        })?;
        for index in 0..range.count {
            let address = first.checked_add(index).unwrap_or(first);
            all.push(Computer {
                name: select::full_name(
                    &format!("{}{:03}", range.prefix, index + 1),
                    &range.domain,
                ),
                addresses: vec![format!("{}/{prefix}", Ipv4Addr::from(address))],
                ..Computer::of(range.facts())
            });
        }
    }
    Ok(all)
}

impl Loader<'_> {
    fn computer(&self, name: &str) -> Result<Guid, WorldError> {
        self.computers
            .get(&name.to_lowercase())
            .copied()
            .ok_or_else(|| WorldError::Missing {
                kind: "computer",
                name: name.to_owned(),
            })
    }

    fn site(&self, name: &str) -> Result<Guid, WorldError> {
        self.sites
            .get(&name.to_lowercase())
            .copied()
            .ok_or_else(|| WorldError::Missing {
                kind: "site",
                name: name.to_owned(),
            })
    }

    fn prevent(&self, told: &PreventDownloads) -> Result<(), WorldError> {
        for target in &told.targets {
            let guid = self.site(target).or_else(|_| self.computer(target))?;
            self.db.execute(
                "INSERT OR IGNORE INTO sim_targeted VALUES (?1)",
                params![guid],
            )?;
        }
        for (name, on) in [
            ("prevent from platform", told.from_platform),
            ("prevent from outside", told.from_outside),
        ] {
            store::set_meta(self.db, name, on.then_some("1"))?;
        }
        Ok(())
    }

    fn computers(&mut self, file: &WorldFile) -> Result<(), WorldError> {
        let clients = spell_out(file)?;
        for computer in file.computers.iter().chain(&clients) {
            let guid = store::draw(self.db, self.rules.seed, "computer", &computer.name)?;
            let (host, domain) = computer
                .name
                .split_once('.')
                .unwrap_or((&computer.name, ""));
            let item = NewItem {
                guid,
                class: "resource",
                name: host,
                resource_type: Some(self.rules.names.computer.guid),
                ..NewItem::default()
            };
            item.insert(self.db, self.rules.seed, self.now)?;
            let kind = Kind {
                services: &computer.services,
                platform: computer.name.eq_ignore_ascii_case(&file.platform.server),
                version: &file.platform.version,
                deployment: file.platform.deployment_solution,
                now: clock::START,
            };
            computer.facts().kept(&kind)?.insert(self.db, guid)?;
            for interface in &computer.addresses {
                let (address, prefix) = select::interface(interface).ok_or_else(|| {
                    WorldError::Scenario(format!(
                        "expected an address with prefix, found `{interface}`"
                    ))
                })?;
                let mac =
                    self.rules
                        .seed
                        .number("mac", &format!("{} {interface}", computer.name), 0);
                let mac = mac.to_be_bytes();
                self.db
                    .prepare_cached(
                        "INSERT INTO Inv_AeX_AC_TCPIP (_ResourceGuid, [Host Name], [Primary DNS Suffix], [IP Address], [Subnet Mask], [Default Gateway], [MAC Address])
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    )?
                    .execute(params![
                        guid,
                        host,
                        domain,
                        Ipv4Addr::from(address).to_string(),
                        Ipv4Addr::from(select::mask(prefix)).to_string(),
                        Ipv4Addr::from((address & select::mask(prefix)).saturating_add(1)).to_string(),
                        format!("02-{:02X}-{:02X}-{:02X}-{:02X}-{:02X}", mac[0], mac[1], mac[2], mac[3], mac[4]),
                    ])?;
            }
            for role in &computer.services {
                store::install(
                    self.db,
                    &self.rules.names,
                    self.rules.seed,
                    guid,
                    host,
                    *role,
                    self.now,
                )?;
            }
            if self
                .computers
                .insert(computer.name.to_lowercase(), guid)
                .is_some()
            {
                return Err(WorldError::Scenario(format!(
                    "the computer `{}` is there twice",
                    computer.name
                )));
            }
        }
        Ok(())
    }

    fn sites(&mut self, file: &WorldFile) -> Result<(), WorldError> {
        let names = &self.rules.names;
        for site in &file.sites {
            let guid = store::draw(self.db, self.rules.seed, "site", &site.name)?;
            let item = NewItem {
                guid,
                class: "resource",
                name: &site.name,
                description: &site.description,
                resource_type: Some(names.site.guid),
                ..NewItem::default()
            };
            item.insert(self.db, self.rules.seed, self.now)?;
            self.db.execute(
                "INSERT INTO sim_site VALUES (?1, ?2)",
                params![guid, site.constrained],
            )?;
            let origin = Origin {
                directory: site.directory,
                replicated_from: site.replicated_from.clone(),
            };
            origin.insert(self.db, guid)?;
            for server in &site.servers {
                effects::join(
                    self.db,
                    self.rules,
                    &names.server_to_site,
                    self.computer(server)?,
                    guid,
                    self.now,
                )?;
            }
            if self.sites.insert(site.name.to_lowercase(), guid).is_some() {
                return Err(WorldError::Scenario(format!(
                    "the site `{}` is there twice",
                    site.name
                )));
            }
        }
        Ok(())
    }

    fn subnets(&mut self, file: &WorldFile) -> Result<(), WorldError> {
        let names = &self.rules.names;
        for subnet in &file.subnets {
            select::network(&subnet.network).ok_or_else(|| {
                WorldError::Scenario(format!(
                    "expected a subnet such as 192.168.0.0/24, found `{}`",
                    subnet.network
                ))
            })?;
            let guid = store::draw(self.db, self.rules.seed, "subnet", &subnet.network)?;
            let item = NewItem {
                guid,
                class: "resource",
                name: &subnet.network,
                description: &subnet.description,
                resource_type: Some(names.subnet.guid),
                ..NewItem::default()
            };
            item.insert(self.db, self.rules.seed, self.now)?;
            let origin = Origin {
                directory: subnet.directory,
                replicated_from: subnet.replicated_from.clone(),
            };
            origin.insert(self.db, guid)?;
            for site in &subnet.sites {
                effects::join(
                    self.db,
                    self.rules,
                    &names.subnet_to_site,
                    guid,
                    self.site(site)?,
                    self.now,
                )?;
            }
        }
        Ok(())
    }

    fn packages(&mut self, file: &WorldFile) -> Result<(), WorldError> {
        for package in &file.packages {
            self.package(package)?;
        }
        Ok(())
    }

    fn package(&mut self, package: &Package) -> Result<(), WorldError> {
        let guid = store::draw(self.db, self.rules.seed, "package", &package.name)?;
        let assignment = match package.assignment {
            PackageAssignment::All => Assignment::All,
            PackageAssignment::Individually => Assignment::Individually,
            PackageAssignment::Site => Assignment::Site,
        };
        let captured_to = package.captured_to.as_ref();
        NewPackage {
            guid,
            name: &package.name,
            description: &package.description,
            kind: kind_name(package.kind),
            assignment,
            automatic: package.automatic,
            captured_to: captured_to.map(|name| self.computer(name)).transpose()?,
        }
        .insert(self.db, self.rules, self.now)?;
        let origin = Origin {
            directory: false,
            replicated_from: package.replicated_from.clone(),
        };
        origin.insert(self.db, guid)?;
        for target in &package.targets {
            let target = match assignment {
                Assignment::Site => self.site(target)?,
                _ => self.computer(target)?,
            };
            self.db
                .prepare_cached("INSERT OR IGNORE INTO sim_package_target VALUES (?1, ?2)")?
                .execute(params![guid, target])?;
        }
        let holders = match &package.holders {
            Some(holders) => holders
                .iter()
                .map(|one| self.computer(one))
                .collect::<Result<BTreeSet<_>, _>>()?,
            None => BTreeSet::new(),
        };
        for holder in &holders {
            self.db
                .prepare_cached("INSERT INTO SWDPackageServer VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    guid,
                    holder,
                    self.rules.names.evidence.ready,
                    self.now
                ])?;
        }
        if package.holders.is_none() {
            self.held.push(guid);
        }
        Ok(())
    }

    fn hold(&self) -> Result<(), WorldError> {
        let topology = select::Topology::read(self.db, self.rules)?;
        let mut sites: Vec<Guid> = self.sites.values().copied().collect();
        sites.sort_unstable();
        let held: BTreeSet<Guid> = self.held.iter().copied().collect();
        for (package, _) in super::packages::read(self.db, None)? {
            if held.contains(&package.guid) {
                for server in super::life::wanted(&package, &topology, &sites) {
                    self.db
                        .prepare_cached("INSERT INTO SWDPackageServer VALUES (?1, ?2, ?3, ?4)")?
                        .execute(params![
                            package.guid,
                            server,
                            self.rules.names.evidence.ready,
                            self.now
                        ])?;
                }
            }
        }
        Ok(())
    }

    fn tasks(&mut self, file: &WorldFile) -> Result<(), WorldError> {
        for task in &file.tasks {
            let guid = store::draw(self.db, self.rules.seed, "task", &task.name)?;
            let item = NewItem {
                guid,
                class: "task",
                name: &task.name,
                enabled: true,
                ..NewItem::default()
            };
            item.insert(self.db, self.rules.seed, self.now)?;
            let kind = match task.kind {
                TaskKind::DeployImage => "deployImage",
                TaskKind::CreateImage => "createImage",
                TaskKind::Other => "other",
            };
            self.db
                .execute("INSERT INTO sim_task VALUES (?1, ?2)", params![guid, kind])?;
            for (position, package) in task.packages.iter().enumerate() {
                let package = store::by_name(self.db, self.rules.names.package.guid, package)?
                    .ok_or_else(|| WorldError::Missing {
                        kind: "package",
                        name: package.clone(),
                    })?;
                self.db.execute(
                    "INSERT INTO sim_task_package VALUES (?1, ?2, ?3)",
                    params![guid, i64::try_from(position).unwrap_or(0), package],
                )?;
            }
        }
        Ok(())
    }

    /// Puts the first subnet into a second site, for the switch that says this may be.
    fn second_site(&self) -> Result<(), WorldError> {
        let names = &self.rules.names;
        let mut pairs = store::pairs(self.db, &names.subnet_to_site)?;
        pairs.sort_unstable();
        let mut all: Vec<Guid> = self.sites.values().copied().collect();
        all.sort_unstable();
        let first = match pairs.first() {
            Some((subnet, site)) => all
                .iter()
                .find(|other| *other != site)
                .map(|other| (*subnet, *other)),
            None => None,
        };
        if let Some((subnet, site)) = first {
            store::associate(self.db, &names.subnet_to_site, subnet, site, self.now)?;
            return Ok(());
        }
        // A world without two sites gets two, and its first subnet stands in both.
        let subnet: Option<Guid> = self
            .db
            .query_row(
                "SELECT Guid FROM Item WHERE ResourceTypeGuid = ?1 ORDER BY Name LIMIT 1",
                params![names.subnet.guid],
                |row| row.get(0),
            )
            .ok();
        for name in ["First Site", "Second Site"] {
            let guid = store::draw(self.db, self.rules.seed, "site", name)?;
            let item = NewItem {
                guid,
                class: "resource",
                name,
                resource_type: Some(names.site.guid),
                ..NewItem::default()
            };
            item.insert(self.db, self.rules.seed, self.now)?;
            self.db
                .execute("INSERT INTO sim_site VALUES (?1, 0)", params![guid])?;
            if let Some(subnet) = subnet {
                store::associate(self.db, &names.subnet_to_site, subnet, guid, self.now)?;
            }
        }
        Ok(())
    }
}

/// The word for a kind of package in the database.
pub(crate) fn kind_name(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Image => "image",
        PackageKind::Tool => "tool",
        PackageKind::Software => "software",
    }
}
