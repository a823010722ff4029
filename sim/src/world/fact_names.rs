//! What the seed decides about the data classes of facts and of what happened: GUIDs, names, fields, grouping, and the
//! texts that mean yes and no.
//!
//! Pure. Each function draws one part of [`Names`]; [`data_classes`] lists all classes there are, for everybody who
//! reads or describes them.

use super::guid::Guid;
use super::languages::say;
use super::names::Names;
use super::options::Language;
use super::seed::Seed;

/// A fact, by its key in the server profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKey {
    /// `operatingSystem`
    OperatingSystem,
    /// `agentVersion`
    AgentVersion,
    /// `dotnet`
    Dotnet,
    /// `inventoried`
    Inventoried,
    /// `plugIns`
    PlugIns,
    /// `managed`
    Managed,
    /// `local`
    Local,
    /// `assetActive`
    AssetActive,
    /// `cemMode`
    CemMode,
    /// `iis`
    Iis,
    /// `httpServer`
    HttpServer,
    /// `answering`
    Answering,
    /// `directoryImport`
    DirectoryImport,
}

impl FactKey {
    /// The key in the server profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FactKey::OperatingSystem => "operatingSystem",
            FactKey::AgentVersion => "agentVersion",
            FactKey::Dotnet => "dotnet",
            FactKey::Inventoried => "inventoried",
            FactKey::PlugIns => "plugIns",
            FactKey::Managed => "managed",
            FactKey::Local => "local",
            FactKey::AssetActive => "assetActive",
            FactKey::CemMode => "cemMode",
            FactKey::Iis => "iis",
            FactKey::HttpServer => "httpServer",
            FactKey::Answering => "answering",
            FactKey::DirectoryImport => "directoryImport",
        }
    }
}

/// A fact and the field that it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactName {
    /// Which fact.
    pub key: FactKey,
    /// The field.
    pub field: String,
    /// For a switch: the texts that mean yes and no.
    pub switch: Option<(&'static str, &'static str)>,
}

/// What a class of facts has rows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactsOf {
    /// A row a computer.
    Computers,
    /// A row a plug-in of a computer.
    PlugIns,
    /// A row a site server.
    SiteServers,
    /// A row a site or subnet.
    Places,
}

/// A data class of facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactClass {
    /// Its GUID.
    pub guid: Guid,
    /// Its name.
    pub name: &'static str,
    /// The table with the same rows.
    pub table: String,
    /// What it has rows of.
    pub of: FactsOf,
    /// The facts in it, a field each.
    pub facts: Vec<FactName>,
}

/// The data class of what each client fetched last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceNames {
    /// Its GUID.
    pub guid: Guid,
    /// Its name.
    pub name: &'static str,
    /// The table with the same rows.
    pub table: String,
    /// The field of the package.
    pub package: &'static str,
    /// The field of the package server.
    pub server: &'static str,
    /// The field of the time.
    pub time: &'static str,
}

/// The data class of how much a site server was asked of late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadNames {
    /// Its GUID.
    pub guid: Guid,
    /// Its name.
    pub name: &'static str,
    /// The table with the same rows.
    pub table: String,
    /// The field of the package requests.
    pub package_requests: &'static str,
    /// The field of the task requests.
    pub task_requests: &'static str,
}

/// A data class: what every reader needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataClassName {
    /// Its GUID.
    pub guid: Guid,
    /// Its name.
    pub name: String,
    /// The table with the same rows, without `_ResourceGuid`.
    pub table: String,
    /// The resource type that has it.
    pub of: Guid,
    /// Its fields.
    pub fields: Vec<String>,
}

fn table(class: &str) -> String {
    format!("Inv_{}", class.replace([' ', '-'], "_"))
}

const SWITCHES: [(&str, &str); 3] = [("1", "0"), ("True", "False"), ("Yes", "No")];

/// Draws the classes of facts.
#[expect(clippy::too_many_lines, reason = "one line a name")]
pub(crate) fn facts(seed: Seed, language: Language) -> Vec<FactClass> {
    let switches = seed.choose("facts", "switches", &SWITCHES);
    let class = |of: FactsOf, key: &str, choices: &[&'static str]| {
        let name = seed.choose("fact class", key, choices);
        FactClass {
            guid: seed.guid("data class", name, 0),
            name: say(language, name),
            table: table(name),
            of,
            facts: Vec::new(),
        }
    };
    let field = |key: FactKey,
                 choices: &[&'static str],
                 switch: Option<(&'static str, &'static str)>| FactName {
        key,
        field: seed.choose("fact", key.name(), choices).to_owned(),
        switch,
    };
    let mut identification = class(
        FactsOf::Computers,
        "identification",
        &["AeX AC Identification", "Basic Inventory"],
    );
    let mut agent = class(
        FactsOf::Computers,
        "agent",
        &["AeX AC Client Agent", "Agent Status", "Agent Details"],
    );
    let mut asset = class(
        FactsOf::Computers,
        "asset",
        &["Asset Status", "CMDB Asset", "Lifecycle"],
    );
    let mut web = class(
        FactsOf::Computers,
        "web",
        &["Web Server", "Server Prerequisites", "Windows Features"],
    );
    let mut plug_ins = class(
        FactsOf::PlugIns,
        "plug-ins",
        &["Agent Plug-in", "AeX AC Plugins", "Installed Agents"],
    );
    let mut state = class(
        FactsOf::SiteServers,
        "state",
        &["Site Server State", "Site Server Availability"],
    );
    let mut origin = class(
        FactsOf::Places,
        "origin",
        &["Site Origin", "Directory Import"],
    );
    identification.facts.push(field(
        FactKey::OperatingSystem,
        &["OS Name", "Operating System", "OSName"],
        None,
    ));
    // Which inventory says whose a computer is differs from server to server.
    let owner = if seed.flip("facts", "owner") {
        &mut identification
    } else {
        &mut asset
    };
    owner.facts.extend([
        field(
            FactKey::Managed,
            &["IsManaged", "Managed", "Is Managed"],
            Some(switches),
        ),
        field(
            FactKey::Local,
            &["IsLocal", "Local", "Owned Here"],
            Some(switches),
        ),
    ]);
    agent.facts.extend([
        field(
            FactKey::AgentVersion,
            &["Product Version", "Agent Version", "Version"],
            None,
        ),
        field(
            FactKey::CemMode,
            &["CEM Mode", "Cloud-enabled", "CEMEnabled"],
            Some(switches),
        ),
        field(
            FactKey::Inventoried,
            &["Last Inventory", "Inventory Date", "CollectionTime"],
            None,
        ),
    ]);
    asset.facts.push(field(
        FactKey::AssetActive,
        &["Status", "Asset Status", "State"],
        Some(seed.choose(
            "fact",
            "active",
            &[("Active", "Retired"), ("In Use", "Disposed"), ("1", "0")],
        )),
    ));
    web.facts.extend([
        field(
            FactKey::Iis,
            &["IIS", "IIS Configured", "IISInstalled"],
            Some(switches),
        ),
        field(
            FactKey::HttpServer,
            &["HTTP Server", "HttpServer", "Has HTTP Server"],
            Some(switches),
        ),
        field(
            FactKey::Dotnet,
            &["NET Framework", "DotNetVersion", ".NET Version"],
            None,
        ),
    ]);
    plug_ins.facts.push(field(
        FactKey::PlugIns,
        &["Agent Name", "Plug-in", "Name"],
        None,
    ));
    state.facts.push(field(
        FactKey::Answering,
        &["State", "Status", "Availability"],
        Some(seed.choose(
            "fact",
            "up",
            &[("Up", "Down"), ("Online", "Offline"), ("1", "0")],
        )),
    ));
    origin.facts.push(field(
        FactKey::DirectoryImport,
        &["Source", "Origin", "ImportedFrom"],
        Some(seed.choose(
            "fact",
            "imported",
            &[
                ("Active Directory", "Console"),
                ("AD", "Manual"),
                ("1", "0"),
            ],
        )),
    ));
    vec![identification, agent, asset, web, plug_ins, state, origin]
}

/// Draws the class of what clients fetched.
pub(crate) fn sources(seed: Seed, language: Language) -> SourceNames {
    let name = seed.choose(
        "sources",
        "class",
        &[
            "Package Delivery",
            "AeX SWD Package Source",
            "Download History",
        ],
    );
    SourceNames {
        guid: seed.guid("data class", name, 0),
        name: say(language, name),
        table: table(name),
        package: seed.choose(
            "sources",
            "package",
            &["PackageGuid", "Package Id", "Package"],
        ),
        server: seed.choose(
            "sources",
            "server",
            &["ServerGuid", "Package Server", "Source"],
        ),
        time: seed.choose("sources", "time", &["Downloaded", "Event Time", "Time"]),
    }
}

/// Draws the class of the load of site servers.
pub(crate) fn load(seed: Seed, language: Language) -> LoadNames {
    let name = seed.choose(
        "load",
        "class",
        &["Site Server Load", "Server Requests", "Site Service Usage"],
    );
    LoadNames {
        guid: seed.guid("data class", name, 0),
        name: say(language, name),
        table: table(name),
        package_requests: seed.choose(
            "load",
            "package",
            &["Package Requests", "PackageRequestCount", "Downloads"],
        ),
        task_requests: seed.choose(
            "load",
            "task",
            &["Task Requests", "TaskRequestCount", "Task Polls"],
        ),
    }
}

/// Lists all data classes.
pub(crate) fn data_classes(names: &Names) -> Vec<DataClassName> {
    let texts = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
    let fixed = |guid: Guid, english: &'static str, of: Guid, fields: &[&str]| DataClassName {
        guid,
        name: say(names.language, english).to_owned(),
        table: table(english),
        of,
        fields: texts(fields),
    };
    let computer = names.computer.guid;
    let mut all = vec![
        fixed(
            names.tcpip,
            "AeX AC TCPIP",
            computer,
            &[
                "Host Name",
                "Primary DNS Suffix",
                "IP Address",
                "Subnet Mask",
                "Default Gateway",
                "MAC Address",
            ],
        ),
        fixed(
            names.client_task,
            "Client Task Resources",
            computer,
            &["LastRegistered", "HasTaskAgent", names.evidence.task_server],
        ),
        fixed(
            names.site_membership,
            "Site Membership",
            names.resource.guid,
            &["Site", "Source"],
        ),
    ];
    for one in &names.facts {
        all.push(DataClassName {
            guid: one.guid,
            name: one.name.to_owned(),
            table: one.table.clone(),
            of: match one.of {
                FactsOf::Places => names.resource.guid,
                FactsOf::Computers | FactsOf::PlugIns | FactsOf::SiteServers => computer,
            },
            fields: one.facts.iter().map(|fact| fact.field.clone()).collect(),
        });
    }
    let sources = &names.sources;
    all.push(DataClassName {
        guid: sources.guid,
        name: sources.name.to_owned(),
        table: sources.table.clone(),
        of: computer,
        fields: texts(&[sources.package, sources.server, sources.time]),
    });
    let load = &names.load;
    all.push(DataClassName {
        guid: load.guid,
        name: load.name.to_owned(),
        table: load.table.clone(),
        of: computer,
        fields: texts(&[load.package_requests, load.task_requests]),
    });
    all
}
