//! The actions of an administrator, as the command line and the administrator's paths spell them.
//!
//! Pure. What they do is in `administrator`.

/// An action of an administrator. Arguments have ids of their own (`console-…`), because the program that embeds the
/// command line has options named `--server` and `--state` for every command. On the command line `sitewright sim console ACTION …`; in JSON tagged by `action`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, serde::Serialize, serde::Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum ConsoleAction {
    /// Make a site
    #[command(
        after_help = "Example:\n  sitewright sim console new-site Lab --description 'A new one' --db lab.db"
    )]
    NewSite {
        /// Its name
        #[arg(id = "console-name", value_name = "NAME")]
        name: String,
        /// Its description
        #[arg(long, default_value = "")]
        #[serde(default)]
        description: String,
    },
    /// Delete a site; its subnets stay
    #[command(after_help = "Example:\n  sitewright sim console delete-site Lab --db lab.db")]
    DeleteSite {
        /// Its name
        #[arg(id = "console-name", value_name = "NAME")]
        name: String,
    },
    /// Give a site a description
    #[command(
        after_help = "Example:\n  sitewright sim console describe-site Lab 'The old one' --db lab.db"
    )]
    DescribeSite {
        /// Its name
        #[arg(id = "console-name", value_name = "NAME")]
        name: String,
        /// Its description
        description: String,
    },
    /// Rename a site
    #[command(
        after_help = "Example:\n  sitewright sim console rename-site Lab Laboratory --db lab.db"
    )]
    RenameSite {
        /// Its name
        #[arg(id = "console-name", value_name = "NAME")]
        name: String,
        /// Its new name
        #[arg(id = "console-to", value_name = "TO")]
        to: String,
    },
    /// Put a subnet into a site, making it where it is not known
    #[command(
        after_help = "Example:\n  sitewright sim console add-subnet Lab 192.168.10.0/24 --db lab.db"
    )]
    AddSubnet {
        /// The site
        #[arg(id = "console-site", value_name = "SITE")]
        site: String,
        /// The subnet, such as 192.168.10.0/24
        #[arg(id = "console-subnet", value_name = "SUBNET")]
        subnet: String,
    },
    /// Take a subnet out of a site
    #[command(
        after_help = "Example:\n  sitewright sim console remove-subnet Lab 192.168.10.0/24 --db lab.db"
    )]
    RemoveSubnet {
        /// The site
        #[arg(id = "console-site", value_name = "SITE")]
        site: String,
        /// The subnet
        #[arg(id = "console-subnet", value_name = "SUBNET")]
        subnet: String,
    },
    /// Make a subnet that is in no site
    #[command(
        after_help = "Example:\n  sitewright sim console new-subnet 10.9.0.0/24 --description Annex --db lab.db"
    )]
    NewSubnet {
        /// The subnet
        #[arg(id = "console-subnet", value_name = "SUBNET")]
        subnet: String,
        /// Its description
        #[arg(long, default_value = "")]
        #[serde(default)]
        description: String,
    },
    /// Delete a subnet; it comes back when clients report it
    #[command(
        after_help = "Example:\n  sitewright sim console delete-subnet 10.9.0.0/24 --db lab.db"
    )]
    DeleteSubnet {
        /// The subnet
        #[arg(id = "console-subnet", value_name = "SUBNET")]
        subnet: String,
    },
    /// Assign a server to a site by hand
    #[command(
        after_help = "Example:\n  sitewright sim console assign-server SITE01 Lab --db lab.db"
    )]
    AssignServer {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
        /// The site
        #[arg(id = "console-site", value_name = "SITE")]
        site: String,
    },
    /// End the assignment of a server by hand
    #[command(
        after_help = "Example:\n  sitewright sim console unassign-server SITE01 Lab --db lab.db"
    )]
    UnassignServer {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
        /// The site
        #[arg(id = "console-site", value_name = "SITE")]
        site: String,
    },
    /// Install a site service: package, task, networkBoot, monitor
    #[command(
        after_help = "Example:\n  sitewright sim console install-role SITE01 networkBoot --db lab.db"
    )]
    InstallRole {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
        /// The role
        #[arg(id = "console-role", value_name = "ROLE")]
        role: String,
    },
    /// Remove a site service
    #[command(
        after_help = "Example:\n  sitewright sim console remove-role SITE01 task --db lab.db"
    )]
    RemoveRole {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
        /// The role
        #[arg(id = "console-role", value_name = "ROLE")]
        role: String,
    },
    /// Switch Constrain to Site
    #[command(after_help = "Example:\n  sitewright sim console constrain Lab on --db lab.db")]
    Constrain {
        /// The site
        #[arg(id = "console-site", value_name = "SITE")]
        site: String,
        /// on or off
        #[arg(id = "console-state", value_name = "STATE")]
        state: String,
    },
    /// Set DS Global Settings, Default Target
    #[command(
        after_help = "Example:\n  sitewright sim console capture-target DEPLOY01 --db lab.db"
    )]
    CaptureTarget {
        /// The package server; `none` for none
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
    },
    /// Set the core setting `InvalidSubnets`
    #[command(after_help = "Example:\n  sitewright sim console invalid-subnets '^169' --db lab.db")]
    InvalidSubnets {
        /// A regular expression; empty for none
        #[arg(id = "console-pattern", value_name = "PATTERN")]
        pattern: String,
    },
    /// Assign a package to package servers
    #[command(
        after_help = "Example:\n  sitewright sim console pin-package 'Win11-24H2 golden' DEPLOY01 --db lab.db"
    )]
    PinPackage {
        /// The package
        #[arg(id = "console-package", value_name = "PACKAGE")]
        package: String,
        /// The package servers; none for all
        #[arg(id = "console-servers", value_name = "SERVER")]
        servers: Vec<String>,
    },
    /// Assign a package to sites
    #[command(
        after_help = "Example:\n  sitewright sim console package-sites 'Win11-24H2 golden' Lab --automatic --db lab.db"
    )]
    PackageSites {
        /// The package
        #[arg(id = "console-package", value_name = "PACKAGE")]
        package: String,
        /// The sites
        sites: Vec<String>,
        /// Let the server pick the sites that need it, too
        #[arg(long)]
        #[serde(default)]
        automatic: bool,
    },
    /// Set the packages of a task
    #[command(
        after_help = "Example:\n  sitewright sim console task-packages 'Deploy Win11' 'Win11-24H2 golden' --db lab.db"
    )]
    TaskPackages {
        /// The task
        #[arg(id = "console-task", value_name = "TASK")]
        task: String,
        /// The packages
        packages: Vec<String>,
    },
    /// Run a task on computers
    #[command(
        after_help = "Example:\n  sitewright sim console run-task 'Deploy Win11' IMAGE-001 IMAGE-002 --db lab.db"
    )]
    RunTask {
        /// The task
        #[arg(id = "console-task", value_name = "TASK")]
        task: String,
        /// The computers
        computers: Vec<String>,
    },
    /// Import sites and subnets from Active Directory, overriding what conflicts
    #[command(
        after_help = "Example:\n  sitewright sim console import-active-directory --db lab.db"
    )]
    ImportActiveDirectory,
    /// Let inventory bring back the subnets that clients report
    #[command(after_help = "Example:\n  sitewright sim console resynchronise --db lab.db")]
    Resynchronise,
    /// Take a server off the network
    #[command(after_help = "Example:\n  sitewright sim console server-down SITE01 --db lab.db")]
    ServerDown {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
    },
    /// Bring a server back
    #[command(after_help = "Example:\n  sitewright sim console server-up SITE01 --db lab.db")]
    ServerUp {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
    },
    /// Put a plug-in on a computer, or take it off
    #[command(
        after_help = "Example:\n  sitewright sim console plug-in SITE01 'Deployment Package Server' off --db lab.db"
    )]
    PlugIn {
        /// The server, or any computer
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
        /// The plug-in, such as "Deployment Package Server"
        #[arg(id = "console-plug-in", value_name = "NAME")]
        plug_in: String,
        /// on or off
        #[arg(id = "console-state", value_name = "STATE")]
        state: String,
    },
    /// Change a fact of a computer, as inventory says it
    #[command(
        after_help = "Example:\n  sitewright sim console fact SITE01 os 'Windows Server 2019' --db lab.db"
    )]
    Fact {
        /// The computer
        #[arg(id = "console-computer", value_name = "COMPUTER")]
        computer: String,
        /// The fact, by its key in the scenario format, such as os or iis
        #[arg(id = "console-key", value_name = "KEY")]
        key: String,
        /// The value; `unknown` for none
        #[arg(id = "console-value", value_name = "VALUE")]
        value: String,
    },
    /// Switch "prevent downloads" of the targeted site settings
    #[command(
        after_help = "Example:\n  sitewright sim console prevent-downloads smp on --db lab.db"
    )]
    PreventDownloads {
        /// From where: smp, or outside (servers outside of the site)
        #[arg(id = "console-from", value_name = "FROM")]
        from: String,
        /// on or off
        #[arg(id = "console-state", value_name = "STATE")]
        state: String,
    },
    /// Aim the targeted site settings
    #[command(after_help = "Example:\n  sitewright sim console download-targets Lab --db lab.db")]
    DownloadTargets {
        /// The computers and sites; none for nobody
        #[arg(id = "console-targets", value_name = "NAME")]
        targets: Vec<String>,
    },
    /// Hide sites or subnets from the account that calls the services
    #[command(after_help = "Example:\n  sitewright sim console scope subnets half --db lab.db")]
    Scope {
        /// sites or subnets
        #[arg(id = "console-kind", value_name = "KIND")]
        kind: String,
        /// How many are hidden from now on: all, half or none
        #[arg(id = "console-hidden", value_name = "HIDDEN")]
        hidden: String,
    },
    /// Have a site or subnet belong to another SMP of the hierarchy
    #[command(
        after_help = "Example:\n  sitewright sim console replicate Lab PARENT01.corp.example --db lab.db"
    )]
    Replicate {
        /// The site or subnet
        #[arg(id = "console-name", value_name = "NAME")]
        name: String,
        /// The SMP that it is replicated from; `none` to have it here again
        #[arg(id = "console-from", value_name = "SMP")]
        from: String,
    },
    /// Upgrade the server: its structures change, its services get operations
    #[command(after_help = "Example:\n  sitewright sim console upgrade 8.5-ru4 --db lab.db")]
    Upgrade {
        /// The level, such as 8.5-ru4; the next one where left out
        #[arg(id = "console-level", value_name = "LEVEL")]
        #[serde(default)]
        level: Option<String>,
    },
    /// Let a computer send inventory now, and report its subnets
    #[command(
        after_help = "Example:\n  sitewright sim console send-inventory IMAGE-001 --db lab.db"
    )]
    SendInventory {
        /// The computer
        #[arg(id = "console-computer", value_name = "COMPUTER")]
        computer: String,
    },
}
