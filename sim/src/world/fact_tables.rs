//! The tables of facts and of what happened: views over what the simulator keeps, under the names of the seed.
//!
//! I/O: `SQLite`. A fact that is not known is NULL, and a computer of which a class knows nothing has no row in it.

use super::fact_names::{FactClass, FactKey, FactName, FactsOf};
use super::names::Names;
use super::scope;
use rusqlite::{Connection, Result};

/// The table of the data class that says where something belongs.
pub(crate) const MEMBERSHIP: &str = "Inv_Site_Membership";

/// The column of `sim_computer` that keeps a fact of a computer.
fn column(key: FactKey) -> &'static str {
    match key {
        FactKey::OperatingSystem => "Os",
        FactKey::AgentVersion => "AgentVersion",
        FactKey::Dotnet => "Dotnet",
        FactKey::Inventoried => "Inventoried",
        FactKey::PlugIns => "PlugIns",
        FactKey::Managed => "Managed",
        FactKey::Local => "Local",
        FactKey::AssetActive => "AssetActive",
        FactKey::CemMode => "Cem",
        FactKey::Iis => "Iis",
        FactKey::HttpServer => "HttpServer",
        FactKey::Answering => "Down",
        FactKey::DirectoryImport => "Directory",
    }
}

fn value(fact: &FactName) -> String {
    let column = column(fact.key);
    match fact.switch {
        Some((yes, no)) => format!("CASE {column} WHEN 1 THEN '{yes}' WHEN 0 THEN '{no}' END"),
        // Whoever reports regularly has sent inventory when agents reported last.
        None if fact.key == FactKey::Inventoried => {
            "strftime('%Y-%m-%dT%H:%M:%S', CASE Regular WHEN 1 THEN
                MAX(Inventoried, (SELECT CAST(Value AS INTEGER) FROM sim_meta WHERE Name = 'inventory')) ELSE Inventoried END / 1000, 'unixepoch')"
                .to_owned()
        }
        None => column.to_owned(),
    }
}

fn view(class: &FactClass, names: &Names) -> String {
    let fields: Vec<String> = class
        .facts
        .iter()
        .map(|fact| match (fact.key, fact.switch) {
            (FactKey::PlugIns, _) => format!("p.value AS [{}]", fact.field),
            (FactKey::Answering, Some((yes, no))) => {
                format!(
                    "CASE Down WHEN 1 THEN '{no}' ELSE '{yes}' END AS [{}]",
                    fact.field
                )
            }
            (FactKey::DirectoryImport, Some((yes, no))) => {
                format!(
                    "CASE o.Directory WHEN 1 THEN '{yes}' ELSE '{no}' END AS [{}]",
                    fact.field
                )
            }
            _ => format!("{} AS [{}]", value(fact), fact.field),
        })
        .collect();
    let known: Vec<String> = class
        .facts
        .iter()
        .map(|fact| format!("{} IS NOT NULL", column(fact.key)))
        .collect();
    let from = match class.of {
        FactsOf::Computers => format!("sim_computer i WHERE {}", known.join(" OR ")),
        FactsOf::PlugIns => "sim_computer i, json_each(i.PlugIns) p".to_owned(),
        FactsOf::SiteServers => format!(
            "sim_computer i WHERE i.Guid IN (SELECT {} FROM ResourceAssociation WHERE ResourceAssociationTypeGuid = '{}')",
            if names.service_to_computer.target_is_parent {
                "ParentResourceGuid"
            } else {
                "ChildResourceGuid"
            },
            names.service_to_computer.guid
        ),
        FactsOf::Places => format!(
            "Item i LEFT JOIN sim_origin o ON o.Guid = i.Guid WHERE i.ResourceTypeGuid IN ('{}', '{}'){}",
            names.site.guid,
            names.subnet.guid,
            scope::seen("i.Guid")
        ),
    };
    format!(
        "CREATE VIEW [{}] AS SELECT i.Guid AS _ResourceGuid, {} FROM {from};",
        class.table,
        fields.join(", ")
    )
}

/// Creates the tables; in those of sites and subnets the account does not see what is hidden from it.
pub(crate) fn create(db: &Connection, names: &Names) -> Result<()> {
    let (sources, load) = (&names.sources, &names.load);
    db.execute_batch(&format!(
        "CREATE TABLE [{sources}] (_ResourceGuid TEXT NOT NULL, [{package}] TEXT NOT NULL, [{server}] TEXT NOT NULL, [{time}] TEXT NOT NULL,
            PRIMARY KEY (_ResourceGuid, [{package}])) WITHOUT ROWID;
         CREATE TABLE [{load}] (_ResourceGuid TEXT PRIMARY KEY, [{packages}] INTEGER NOT NULL, [{tasks}] INTEGER NOT NULL) WITHOUT ROWID;
         CREATE TABLE sim_request (At INTEGER NOT NULL, Server TEXT NOT NULL, Packages INTEGER NOT NULL, Tasks INTEGER NOT NULL);
         CREATE TABLE sim_origin (Guid TEXT PRIMARY KEY, Directory INTEGER NOT NULL DEFAULT 0, ReplicatedFrom TEXT) WITHOUT ROWID;",
        sources = sources.table,
        package = sources.package,
        server = sources.server,
        time = sources.time,
        load = load.table,
        packages = load.package_requests,
        tasks = load.task_requests,
    ))?;
    for class in &names.facts {
        db.execute_batch(&view(class, names))?;
    }
    let field = |name: &str| {
        format!(
            "(SELECT json_extract(f.value, '$[1]') FROM json_each(Fields) f
               WHERE json_extract(f.value, '$[0]') = '{name}') AS [{name}]"
        )
    };
    db.execute_batch(&format!(
        "CREATE VIEW [{MEMBERSHIP}] AS SELECT Resource AS _ResourceGuid, {}, {} FROM sim_row WHERE DataClass = '{}'{};",
        field("Site"),
        field("Source"),
        names.site_membership,
        scope::seen("Resource")
    ))?;
    Ok(())
}
