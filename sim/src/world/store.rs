//! The CMDB's tables, and the statements that every other part uses to read and write them.
//!
//! I/O: `SQLite`, in memory or in a file. Tables that a report may read have the names that public code shows; those that
//! begin with `sim_` are the simulator's own and closed to reports. `synchronous=OFF`: a crash of the machine may lose
//! the world, which is fine for a simulator and not for anything else.

use super::Rules;
use super::guid::Guid;
use super::languages::say;
use super::names::{Names, Role};
use super::options::{Language, Quirk, Switch};
use super::seed::Seed;
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::path::Path;

/// Names of item classes: key, short name, full name.
pub(crate) const CLASSES: [(&str, &str, &str); 6] = [
    ("resource", "Resource", "Altiris.Resource.Resource"),
    (
        "folder",
        "PresentationFolder",
        "Altiris.NS.StandardItems.Folder.PresentationFolder",
    ),
    (
        "report",
        "NSDataSrcBasedReport",
        "Altiris.Reporting.NSDataSrcBasedReport",
    ),
    (
        "settings",
        "CoreSettingsItem",
        "Altiris.NS.StandardItems.Settings.CoreSettingsItem",
    ),
    (
        "task",
        "DeploymentTask",
        "Altiris.Deployment.Tasks.DeploymentTask",
    ),
    (
        "policy",
        "AgentInstallPolicy",
        "Altiris.NS.StandardItems.Policies.AgentInstallPolicy",
    ),
];

/// Opens the database with the settings of a simulator.
pub(crate) fn open(path: Option<&Path>) -> Result<Connection> {
    let db = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-131072;",
    )?;
    db.set_prepared_statement_cache_capacity(128);
    Ok(db)
}

/// Creates the tables and views of an empty CMDB.
pub(crate) fn create(db: &Connection, rules: &Rules) -> Result<()> {
    let names = &rules.names;
    let evidence = &names.evidence;
    db.execute_batch(&format!(
        "CREATE TABLE sim_meta (Name TEXT PRIMARY KEY, Value TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE ResourceType (Guid TEXT PRIMARY KEY, Name TEXT NOT NULL COLLATE NOCASE, BaseResourceTypeGuid TEXT);
         CREATE TABLE ResourceTypeHierarchy (ResourceTypeGuid TEXT NOT NULL, BaseResourceTypeGuid TEXT NOT NULL,
            PRIMARY KEY (BaseResourceTypeGuid, ResourceTypeGuid)) WITHOUT ROWID;
         CREATE TABLE ResourceAssociationType (ResourceAssociationTypeGuid TEXT PRIMARY KEY, Name TEXT NOT NULL COLLATE NOCASE,
            ParentResourceTypeGuid TEXT NOT NULL, ChildResourceTypeGuid TEXT NOT NULL);
         CREATE TABLE ResourceAssociation (ResourceAssociationTypeGuid TEXT NOT NULL, ParentResourceGuid TEXT NOT NULL,
            ChildResourceGuid TEXT NOT NULL, CreatedDate TEXT NOT NULL,
            PRIMARY KEY (ResourceAssociationTypeGuid, ParentResourceGuid, ChildResourceGuid)) WITHOUT ROWID;
         CREATE INDEX sim_association_child ON ResourceAssociation (ChildResourceGuid, ResourceAssociationTypeGuid);
         CREATE INDEX sim_association_parent ON ResourceAssociation (ParentResourceGuid);
         CREATE TABLE Item (Guid TEXT PRIMARY KEY, ClassGuid TEXT NOT NULL, Name TEXT NOT NULL COLLATE NOCASE,
            Description TEXT NOT NULL DEFAULT '', ResourceTypeGuid TEXT, ParentFolderGuid TEXT, Attributes TEXT NOT NULL DEFAULT 'Normal',
            Enabled INTEGER NOT NULL DEFAULT 0, CreatedDate TEXT NOT NULL, ModifiedDate TEXT NOT NULL);
         CREATE INDEX sim_item_name ON Item (Name, ResourceTypeGuid);
         CREATE INDEX sim_item_type ON Item (ResourceTypeGuid);
         CREATE TABLE ItemClass (Guid TEXT PRIMARY KEY, Type TEXT NOT NULL COLLATE NOCASE, LongType TEXT NOT NULL COLLATE NOCASE);
         CREATE TABLE DataClass (Guid TEXT PRIMARY KEY, Name TEXT NOT NULL COLLATE NOCASE, DataTableName TEXT NOT NULL, ResourceTypeGuid TEXT NOT NULL);
         CREATE TABLE Inv_AeX_AC_TCPIP (_id INTEGER PRIMARY KEY, _ResourceGuid TEXT NOT NULL, [Host Name] TEXT COLLATE NOCASE,
            [Primary DNS Suffix] TEXT COLLATE NOCASE, [IP Address] TEXT, [Subnet Mask] TEXT, [Default Gateway] TEXT, [MAC Address] TEXT);
         CREATE INDEX sim_tcpip_resource ON Inv_AeX_AC_TCPIP (_ResourceGuid);
         CREATE TABLE Inv_Client_Task_Resources (_ResourceGuid TEXT PRIMARY KEY, LastRegistered TEXT, HasTaskAgent INTEGER NOT NULL, {task} TEXT);
         CREATE TABLE SWDPackage (PackageId TEXT PRIMARY KEY, Name TEXT NOT NULL COLLATE NOCASE, Description TEXT NOT NULL, _Latest INTEGER NOT NULL DEFAULT 1);
         CREATE TABLE SWDPackageServer ({package} TEXT NOT NULL, {server} TEXT NOT NULL, {state} TEXT NOT NULL, LastRequest TEXT NOT NULL,
            PRIMARY KEY ({package}, {server})) WITHOUT ROWID;
         CREATE TABLE SWDPackageCodebase (PackageId TEXT NOT NULL, ServerGuid TEXT NOT NULL, Codebase TEXT NOT NULL, PRIMARY KEY (PackageId, ServerGuid)) WITHOUT ROWID;
         CREATE TABLE sim_package (Guid TEXT PRIMARY KEY, Kind TEXT NOT NULL, Assignment TEXT NOT NULL, Automatic INTEGER NOT NULL,
            Location TEXT NOT NULL, ServerLocation TEXT NOT NULL DEFAULT '', CapturedTo TEXT);
         CREATE TABLE sim_package_target (Package TEXT NOT NULL, Target TEXT NOT NULL, PRIMARY KEY (Package, Target)) WITHOUT ROWID;
         CREATE TABLE sim_task (Guid TEXT PRIMARY KEY, Kind TEXT NOT NULL);
         CREATE TABLE sim_task_package (Task TEXT NOT NULL, Position INTEGER NOT NULL, Package TEXT NOT NULL, PRIMARY KEY (Task, Position)) WITHOUT ROWID;
         CREATE TABLE sim_run (Instance TEXT PRIMARY KEY, Task TEXT NOT NULL, Name TEXT NOT NULL, Started INTEGER NOT NULL);
         CREATE TABLE sim_run_computer (Instance TEXT NOT NULL, Computer TEXT NOT NULL, State TEXT NOT NULL, Note TEXT NOT NULL, Server TEXT,
            PRIMARY KEY (Instance, Computer)) WITHOUT ROWID;
         CREATE TABLE sim_site (Guid TEXT PRIMARY KEY, Constrained INTEGER NOT NULL);
         CREATE TABLE sim_computer (Guid TEXT PRIMARY KEY, Down INTEGER NOT NULL DEFAULT 0, {facts});
         CREATE TABLE sim_report (Guid TEXT PRIMARY KEY, Sql TEXT NOT NULL, Source TEXT NOT NULL);
         CREATE TABLE sim_row (DataClass TEXT NOT NULL, Resource TEXT NOT NULL, Position INTEGER NOT NULL, Fields TEXT NOT NULL,
            PRIMARY KEY (DataClass, Resource, Position)) WITHOUT ROWID;
         CREATE TABLE sim_round (Kind TEXT NOT NULL, Name TEXT NOT NULL, Round INTEGER NOT NULL, PRIMARY KEY (Kind, Name)) WITHOUT ROWID;
         CREATE TABLE sim_hidden (Guid TEXT PRIMARY KEY) WITHOUT ROWID;
         CREATE TABLE sim_targeted (Guid TEXT PRIMARY KEY) WITHOUT ROWID;
         CREATE TABLE sim_item_save (Guid TEXT PRIMARY KEY, Count INTEGER NOT NULL) WITHOUT ROWID;
         CREATE TABLE sim_item_xml (Guid TEXT PRIMARY KEY, Content TEXT NOT NULL, Xml TEXT NOT NULL) WITHOUT ROWID;
         CREATE VIEW vItem AS SELECT Guid, ClassGuid, Name, Description, ParentFolderGuid, CreatedDate, ModifiedDate FROM Item;
         CREATE VIEW vResource AS SELECT Guid, Name, Description, ResourceTypeGuid, CreatedDate, ModifiedDate FROM Item WHERE ResourceTypeGuid IS NOT NULL;
         CREATE VIEW vComputer AS SELECT i.Guid AS Guid, t.[Host Name] AS Name, t.[Primary DNS Suffix] AS Domain, t.[IP Address] AS [IP Address],
            c.Os AS [OS Name], COALESCE(c.Managed, 1) AS IsManaged, i.CreatedDate AS CreatedDate
            FROM Item i LEFT JOIN (SELECT _ResourceGuid, MIN(_id) AS First FROM Inv_AeX_AC_TCPIP GROUP BY _ResourceGuid) f ON f._ResourceGuid = i.Guid
            LEFT JOIN Inv_AeX_AC_TCPIP t ON t._id = f.First LEFT JOIN sim_computer c ON c.Guid = i.Guid
            WHERE i.ResourceTypeGuid = '{computer}';
         CREATE VIEW vSiteServices AS SELECT DISTINCT c.Guid AS Guid, t.[Host Name] AS [Host Name], t.[Primary DNS Suffix] AS [Primary DNS Suffix]
            FROM ResourceAssociation a JOIN Item c ON c.Guid = a.{computer_side} JOIN Inv_AeX_AC_TCPIP t ON t._ResourceGuid = c.Guid
            WHERE a.ResourceAssociationTypeGuid = '{service_association}';",
        facts = super::facts::COLUMNS,
        task = evidence.task_server,
        package = evidence.package,
        server = evidence.server,
        state = evidence.state,
        computer = names.computer.guid,
        computer_side = if names.service_to_computer.target_is_parent {
            "ParentResourceGuid"
        } else {
            "ChildResourceGuid"
        },
        service_association = names.service_to_computer.guid,
    ))?;
    super::fact_tables::create(db, names)
}

/// Writes the fixed rows: types, associations, classes, data classes, folders and settings items.
pub(crate) fn fill(db: &Connection, rules: &Rules, now: &str) -> Result<()> {
    let (names, seed) = (&rules.names, rules.seed);
    for one in names.types() {
        db.execute(
            "INSERT INTO ResourceType VALUES (?1, ?2, ?3)",
            params![one.guid, one.name, one.base],
        )?;
        let mut at = Some(one.guid);
        while let Some(base) = at {
            if base != one.guid || !rules.has(Switch::HierarchyWithoutSelf) {
                db.execute(
                    "INSERT INTO ResourceTypeHierarchy VALUES (?1, ?2)",
                    params![one.guid, base],
                )?;
            }
            at = names
                .types()
                .into_iter()
                .find(|other| other.guid == base)
                .and_then(|other| other.base);
        }
    }
    for one in names.associations() {
        db.execute(
            "INSERT INTO ResourceAssociationType VALUES (?1, ?2, ?3, ?4)",
            params![one.guid, one.name, one.parent_type, one.child_type],
        )?;
    }
    for (key, short, long) in CLASSES {
        db.execute(
            "INSERT INTO ItemClass VALUES (?1, ?2, ?3)",
            params![class(seed, key), short, long],
        )?;
    }
    for one in super::fact_names::data_classes(names) {
        db.execute(
            "INSERT INTO DataClass VALUES (?1, ?2, ?3, ?4)",
            params![one.guid, one.name, one.table, one.of],
        )?;
    }
    let language = if rules.quirk(Quirk::LocalisedItems) {
        rules.language
    } else {
        Language::En
    };
    let folder = NewItem {
        guid: names.reports_folder,
        class: "folder",
        name: say(language, "Reports"),
        ..NewItem::default()
    };
    folder.insert(db, seed, now)?;
    for (key, guid) in [
        ("DS Global Settings", names.capture_target.item),
        ("Site Server Settings", names.constrain.item),
        ("Targeted Site Settings", Some(names.prevent.item)),
        ("Core Settings", None),
    ] {
        let item = NewItem {
            guid: guid.unwrap_or_else(|| seed.guid("item", key, 0)),
            class: "settings",
            name: say(language, key),
            ..NewItem::default()
        };
        item.insert(db, seed, now)?;
    }
    Ok(())
}

/// The GUID of an item class.
pub(crate) fn class(seed: Seed, key: &str) -> Guid {
    seed.guid("class", key, 0)
}

/// An item to be written.
#[derive(Default)]
pub(crate) struct NewItem<'a> {
    pub(crate) guid: Guid,
    pub(crate) class: &'a str,
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) resource_type: Option<Guid>,
    pub(crate) folder: Option<Guid>,
    pub(crate) enabled: bool,
}

impl NewItem<'_> {
    /// Writes the item.
    pub(crate) fn insert(&self, db: &Connection, seed: Seed, now: &str) -> Result<()> {
        db.prepare_cached(
            "INSERT INTO Item (Guid, ClassGuid, Name, Description, ResourceTypeGuid, ParentFolderGuid, Enabled, CreatedDate, ModifiedDate)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        )?
        .execute(params![
            self.guid,
            class(seed, self.class),
            self.name,
            self.description,
            self.resource_type,
            self.folder,
            self.enabled,
            now
        ])?;
        Ok(())
    }
}

/// Reads a value of the simulator's own settings.
pub(crate) fn meta(db: &Connection, name: &str) -> Result<Option<String>> {
    db.prepare_cached("SELECT Value FROM sim_meta WHERE Name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// Writes a value of the simulator's own settings; `None` takes it away.
pub(crate) fn set_meta(db: &Connection, name: &str, value: Option<&str>) -> Result<()> {
    match value {
        Some(value) => db
            .prepare_cached("INSERT OR REPLACE INTO sim_meta VALUES (?1, ?2)")?
            .execute([name, value])?,
        None => db
            .prepare_cached("DELETE FROM sim_meta WHERE Name = ?1")?
            .execute([name])?,
    };
    Ok(())
}

/// Says how often an object of this kind and name existed before, or exists.
pub(crate) fn round(db: &Connection, kind: &str, name: &str) -> Result<u64> {
    let found: Option<i64> = db
        .prepare_cached("SELECT Round FROM sim_round WHERE Kind = ?1 AND Name = ?2")?
        .query_row([kind, &name.to_lowercase()], |row| row.get(0))
        .optional()?;
    Ok(found
        .and_then(|round| u64::try_from(round).ok())
        .unwrap_or(0))
}

/// Draws the GUID for a new object and counts the round up.
pub(crate) fn draw(db: &Connection, seed: Seed, kind: &str, name: &str) -> Result<Guid> {
    let guid = peek(db, seed, kind, name)?;
    count(db, kind, name)?;
    Ok(guid)
}

/// Draws the GUID that the next object of this kind and name gets.
pub(crate) fn peek(db: &Connection, seed: Seed, kind: &str, name: &str) -> Result<Guid> {
    Ok(seed.guid(kind, name, round(db, kind, name)?))
}

/// Counts an object of this kind and name.
pub(crate) fn count(db: &Connection, kind: &str, name: &str) -> Result<()> {
    let next = round(db, kind, name)? + 1;
    db.prepare_cached("INSERT OR REPLACE INTO sim_round VALUES (?1, ?2, ?3)")?
        .execute(params![
            kind,
            name.to_lowercase(),
            i64::try_from(next).unwrap_or(i64::MAX)
        ])?;
    Ok(())
}

/// The kind under which GUIDs of resources of a type are drawn.
pub(crate) fn kind_of(names: &Names, type_guid: Guid) -> &'static str {
    if type_guid == names.site.guid {
        "site"
    } else if type_guid == names.subnet.guid {
        "subnet"
    } else {
        "resource"
    }
}

/// Keeps an association of (first, second) partners such as (subnet, site).
pub(crate) fn associate(
    db: &Connection,
    of: &super::names::AssociationName,
    first: Guid,
    second: Guid,
    now: &str,
) -> Result<()> {
    let (parent, child) = of.ordered(first, second);
    db.prepare_cached("INSERT OR IGNORE INTO ResourceAssociation VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![of.guid, parent, child, now])?;
    Ok(())
}

/// Reads the pairs of (first, second) partners of an association type.
pub(crate) fn pairs(
    db: &Connection,
    of: &super::names::AssociationName,
) -> Result<Vec<(Guid, Guid)>> {
    let mut statement = db.prepare_cached(
        "SELECT ParentResourceGuid, ChildResourceGuid FROM ResourceAssociation WHERE ResourceAssociationTypeGuid = ?1",
    )?;
    let rows = statement.query_map(params![of.guid], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| {
        row.map(|(parent, child)| {
            if of.target_is_parent {
                (child, parent)
            } else {
                (parent, child)
            }
        })
    })
    .collect()
}

/// The resources of a type with their names.
pub(crate) fn named(db: &Connection, type_guid: Guid) -> Result<Vec<(Guid, String)>> {
    let mut statement =
        db.prepare_cached("SELECT Guid, Name FROM Item WHERE ResourceTypeGuid = ?1")?;
    let rows = statement.query_map(params![type_guid], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Finds the resource of a type by name.
pub(crate) fn by_name(db: &Connection, type_guid: Guid, name: &str) -> Result<Option<Guid>> {
    db.prepare_cached("SELECT Guid FROM Item WHERE Name = ?1 AND ResourceTypeGuid = ?2 ORDER BY CreatedDate, Guid LIMIT 1")?
        .query_row(params![name, type_guid], |row| row.get(0))
        .optional()
}

/// Finds a computer by its full name, or by its host name where that is unique.
pub(crate) fn computer(db: &Connection, names: &Names, name: &str) -> Result<Option<Guid>> {
    let (host, domain) = name.split_once('.').unwrap_or((name, ""));
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT i.Guid FROM Item i LEFT JOIN Inv_AeX_AC_TCPIP t ON t._ResourceGuid = i.Guid
         WHERE i.Name = ?1 AND +i.ResourceTypeGuid = ?2 AND (?3 = '' OR COALESCE(t.[Primary DNS Suffix], '') = ?3)",
    )?;
    let found = statement
        .query_map(params![host, names.computer.guid, domain], |row| row.get(0))?
        .collect::<Result<Vec<Guid>>>()?;
    Ok(if found.len() == 1 {
        found.first().copied()
    } else {
        None
    })
}

/// The full name of a computer.
pub(crate) fn full_name(db: &Connection, computer: Guid) -> Result<Option<String>> {
    db.prepare_cached("SELECT [Host Name], [Primary DNS Suffix] FROM Inv_AeX_AC_TCPIP WHERE _ResourceGuid = ?1 ORDER BY _id LIMIT 1")?
        .query_row([computer], |row| {
            Ok(super::select::full_name(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?))
        })
        .optional()
}

/// Installs a site service on a computer.
pub(crate) fn install(
    db: &Connection,
    names: &Names,
    seed: Seed,
    computer: Guid,
    host: &str,
    role: Role,
    now: &str,
) -> Result<()> {
    let name = format!("{} - {host}", names.service_prefix(role));
    let guid = draw(
        db,
        seed,
        "service",
        &format!("{} {host} {computer}", role.name()),
    )?;
    let item = NewItem {
        guid,
        class: "resource",
        name: &name,
        resource_type: Some(names.service_type(role)),
        ..NewItem::default()
    };
    item.insert(db, seed, now)?;
    associate(db, &names.service_to_computer, guid, computer, now)
}

/// Says whether the database holds a world.
pub(crate) fn is_world(db: &Connection) -> bool {
    db.query_row(
        "SELECT COUNT(*) FROM sqlite_master WHERE name = 'sim_meta'",
        [],
        |row| row.get::<_, i64>(0),
    )
    .is_ok_and(|count| count == 1)
        && meta(db, "complete").is_ok_and(|found| found.is_some())
}

/// Notes that sites, subnets or servers may have changed.
pub(crate) fn touch(db: &Connection, now: &str) -> Result<()> {
    let version: u64 = meta(db, "version of topology")?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    set_meta(db, "version of topology", Some(&(version + 1).to_string()))?;
    set_meta(db, "changed", Some(now))
}
