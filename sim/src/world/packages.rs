//! Packages, images and their package servers as the services see them.
//!
//! I/O: the world's database.

use super::guid::Guid;
use super::options::Switch;
use super::records::{AsdkError, Assignment, DsImage, PackageDetails};
use super::store::{self, NewItem};
use super::writes::Write;
use super::{Rules, World};
use rusqlite::{Connection, params};

/// A package to be written.
pub(super) struct NewPackage<'a> {
    pub(super) guid: Guid,
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) kind: &'a str,
    pub(super) assignment: Assignment,
    pub(super) automatic: bool,
    /// The server that an image was captured to; its source stands there, and on the SMP without one.
    pub(super) captured_to: Option<Guid>,
}

impl NewPackage<'_> {
    /// Writes the package: its resource, its row in the tables that reports read, and its settings.
    pub(super) fn insert(&self, db: &Connection, rules: &Rules, now: &str) -> rusqlite::Result<()> {
        let item = NewItem {
            guid: self.guid,
            class: "resource",
            name: self.name,
            description: self.description,
            resource_type: Some(rules.names.package.guid),
            ..NewItem::default()
        };
        item.insert(db, rules.seed, now)?;
        db.prepare_cached(
            "INSERT INTO SWDPackage (PackageId, Name, Description) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![self.guid, self.name, self.description])?;
        db.prepare_cached("INSERT INTO sim_package (Guid, Kind, Assignment, Automatic, Location, CapturedTo) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![self.guid, self.kind, self.assignment.word(), self.automatic, self.location(db, rules)?, self.captured_to])?;
        Ok(())
    }

    fn location(&self, db: &Connection, rules: &Rules) -> rusqlite::Result<String> {
        let platform = store::meta(db, "platform")?.unwrap_or_default();
        if self.kind != "image" {
            return Ok(format!(r"\\{platform}\packages\{}", self.guid));
        }
        if rules.has(Switch::ImageLocationLocal) {
            return Ok(format!(r"D:\Deployment\Images\{}", self.guid));
        }
        let server = match self.captured_to {
            Some(server) => store::full_name(db, server)?.unwrap_or(platform),
            None => platform,
        };
        let server = match server.split_once('.') {
            Some((host, _)) if !rules.names.image_full_name => host,
            _ => &server,
        };
        Ok(format!(r"\\{server}\Deployment\Images\{}", self.guid))
    }
}

/// Reads what packages are like; all, or one.
pub(super) fn read(
    db: &Connection,
    one: Option<Guid>,
) -> Result<Vec<(PackageDetails, String)>, AsdkError> {
    // CROSS JOIN keeps SQLite from walking all items by name to spare the sort.
    let condition = if one.is_some() {
        "p.Guid = ?1"
    } else {
        "?1 IS NULL"
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT p.Guid, i.Name, i.Description, p.Location, p.Assignment, p.Automatic, p.ServerLocation, p.Kind
         FROM sim_package p CROSS JOIN Item i ON i.Guid = p.Guid WHERE {condition} ORDER BY i.Name, i.Guid",
    ))?;
    let rows = statement.query_map(params![one], |row| {
        let word: String = row.get(4)?;
        Ok((
            PackageDetails {
                guid: row.get(0)?,
                name: row.get(1)?,
                description: row.get(2)?,
                source_type: "UNC".to_owned(),
                location: row.get(3)?,
                assignment: Assignment::parse(&word).unwrap_or(Assignment::All),
                auto_assign: row.get(5)?,
                server_location: row.get(6)?,
                servers: Vec::new(),
                command_lines: Vec::new(),
            },
            row.get(7)?,
        ))
    })?;
    let mut all: Vec<(PackageDetails, String)> = rows.collect::<rusqlite::Result<_>>()?;
    let mut targets = db.prepare_cached(
        "SELECT Target FROM sim_package_target WHERE Package = ?1 ORDER BY Target",
    )?;
    for (package, _) in &mut all {
        let rows = targets.query_map(params![package.guid], |row| row.get(0))?;
        package.servers = rows.collect::<rusqlite::Result<_>>()?;
    }
    Ok(all)
}

impl World {
    /// `GetPackage`: `None` for a package that does not exist, which the service answers as an empty structure.
    pub fn package(&self, guid: Guid) -> Result<Option<PackageDetails>, AsdkError> {
        self.read(|store, rules| {
            let mut found = read(&store.db, Some(guid))?
                .into_iter()
                .next()
                .map(|(package, _)| package);
            if let Some(package) = &mut found
                && rules.has(Switch::PackageGuidListBraced)
            {
                package.servers.reverse();
            }
            Ok(found)
        })
    }

    /// `PackageServers` as `GetPackage` writes it: comma-separated.
    #[must_use]
    pub fn package_servers_text(&self, servers: &[Guid]) -> String {
        let braced = self.has(Switch::PackageGuidListBraced);
        let texts: Vec<String> = servers
            .iter()
            .map(|one| {
                if braced {
                    format!("{{{}}}", one.to_string().to_uppercase())
                } else {
                    one.to_string()
                }
            })
            .collect();
        texts.join(",")
    }

    /// `SetPackageServerSettings`: to which servers a package goes from now on.
    pub fn set_package_servers(
        &self,
        package: Guid,
        assignment: Assignment,
        automatic: bool,
        targets: &[Guid],
        location: &str,
    ) -> Result<(), AsdkError> {
        if self.has(Switch::PackageServersIgnored) {
            return Ok(());
        }
        self.write(Write::PackageServers {
            package,
            assignment,
            automatic,
            targets: targets.to_vec(),
            location: location.to_owned(),
        })
    }

    /// `UpdateDistributionPoints`: package servers look for changes now.
    pub fn update_distribution_points(&self, package: Guid) -> Result<(), AsdkError> {
        if self.package(package)?.is_none() {
            return Err(AsdkError::DoesNotExist(format!("package {package}")));
        }
        let mut store = self.lock();
        super::life::replicate(&mut store, self.rules())
    }

    /// The images of Deployment Solution (`Image`/`GetAll`).
    pub fn ds_images(&self) -> Result<Vec<DsImage>, AsdkError> {
        self.read(|store, _| {
            if super::store::meta(&store.db, "deployment solution")?.is_none() {
                return Err(AsdkError::NoProduct("Deployment Solution".to_owned()));
            }
            Ok(read(&store.db, None)?
                .into_iter()
                .filter(|(_, kind)| kind == "image")
                .map(|(package, _)| DsImage {
                    name: package.name,
                    guid: package.guid,
                    location: package.location,
                    image_tool: "Ghost".to_owned(),
                    image_type: "Disk".to_owned(),
                    os_type: "Windows".to_owned(),
                    partition_size: 61_440,
                    use_http: false,
                    description: package.description,
                })
                .collect())
        })
    }

    /// Says whether Deployment Solution is installed.
    #[must_use]
    pub fn has_deployment_solution(&self) -> bool {
        let store = self.lock();
        super::store::meta(&store.db, "deployment solution").is_ok_and(|found| found.is_some())
    }
}
