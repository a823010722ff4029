//! The actions of an administrator, as the command line and the administrator's paths spell them.
//!
//! Pure. What they do is in `administrator`.

/// An action of an administrator. Arguments have ids of their own (`console-…`), because the program that embeds the
/// command line has options named `--server` and `--state` for every command. On the command line `sitewright sim console ACTION …`; in JSON tagged by `action`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand, serde::Serialize, serde::Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum ConsoleAction {
    /// Make a site
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
    DeleteSite {
        /// Its name
        #[arg(id = "console-name", value_name = "NAME")]
        name: String,
    },
    /// Give a site a description
    DescribeSite {
        /// Its name
        #[arg(id = "console-name", value_name = "NAME")]
        name: String,
        /// Its description
        description: String,
    },
    /// Rename a site
    RenameSite {
        /// Its name
        #[arg(id = "console-name", value_name = "NAME")]
        name: String,
        /// Its new name
        #[arg(id = "console-to", value_name = "TO")]
        to: String,
    },
    /// Put a subnet into a site, making it where it is not known
    AddSubnet {
        /// The site
        #[arg(id = "console-site", value_name = "SITE")]
        site: String,
        /// The subnet, such as 192.168.10.0/24
        #[arg(id = "console-subnet", value_name = "SUBNET")]
        subnet: String,
    },
    /// Take a subnet out of a site
    RemoveSubnet {
        /// The site
        #[arg(id = "console-site", value_name = "SITE")]
        site: String,
        /// The subnet
        #[arg(id = "console-subnet", value_name = "SUBNET")]
        subnet: String,
    },
    /// Make a subnet that is in no site
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
    DeleteSubnet {
        /// The subnet
        #[arg(id = "console-subnet", value_name = "SUBNET")]
        subnet: String,
    },
    /// Assign a server to a site by hand
    AssignServer {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
        /// The site
        #[arg(id = "console-site", value_name = "SITE")]
        site: String,
    },
    /// End the assignment of a server by hand
    UnassignServer {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
        /// The site
        #[arg(id = "console-site", value_name = "SITE")]
        site: String,
    },
    /// Install a site service: package, task, networkBoot, monitor
    InstallRole {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
        /// The role
        #[arg(id = "console-role", value_name = "ROLE")]
        role: String,
    },
    /// Remove a site service
    RemoveRole {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
        /// The role
        #[arg(id = "console-role", value_name = "ROLE")]
        role: String,
    },
    /// Switch Constrain to Site
    Constrain {
        /// The site
        #[arg(id = "console-site", value_name = "SITE")]
        site: String,
        /// on or off
        #[arg(id = "console-state", value_name = "STATE")]
        state: String,
    },
    /// Set DS Global Settings, Default Target
    CaptureTarget {
        /// The package server; `none` for none
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
    },
    /// Set the core setting `InvalidSubnets`
    InvalidSubnets {
        /// A regular expression; empty for none
        #[arg(id = "console-pattern", value_name = "PATTERN")]
        pattern: String,
    },
    /// Assign a package to package servers
    PinPackage {
        /// The package
        #[arg(id = "console-package", value_name = "PACKAGE")]
        package: String,
        /// The package servers; none for all
        #[arg(id = "console-servers", value_name = "SERVER")]
        servers: Vec<String>,
    },
    /// Assign a package to sites
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
    TaskPackages {
        /// The task
        #[arg(id = "console-task", value_name = "TASK")]
        task: String,
        /// The packages
        packages: Vec<String>,
    },
    /// Run a task on computers
    RunTask {
        /// The task
        #[arg(id = "console-task", value_name = "TASK")]
        task: String,
        /// The computers
        computers: Vec<String>,
    },
    /// Import sites and subnets from Active Directory, overriding what conflicts
    ImportActiveDirectory,
    /// Let inventory bring back the subnets that clients report
    Resynchronise,
    /// Take a server off the network
    ServerDown {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
    },
    /// Bring a server back
    ServerUp {
        /// The server
        #[arg(id = "console-server", value_name = "SERVER")]
        server: String,
    },
    /// Put a plug-in on a computer, or take it off
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
    PreventDownloads {
        /// From where: smp, or outside (servers outside of the site)
        #[arg(id = "console-from", value_name = "FROM")]
        from: String,
        /// on or off
        #[arg(id = "console-state", value_name = "STATE")]
        state: String,
    },
    /// Aim the targeted site settings
    DownloadTargets {
        /// The computers and sites; none for nobody
        #[arg(id = "console-targets", value_name = "NAME")]
        targets: Vec<String>,
    },
    /// Hide sites or subnets from the account that calls the services
    Scope {
        /// sites or subnets
        #[arg(id = "console-kind", value_name = "KIND")]
        kind: String,
        /// How many are hidden from now on: all, half or none
        #[arg(id = "console-hidden", value_name = "HIDDEN")]
        hidden: String,
    },
    /// Have a site or subnet belong to another SMP of the hierarchy
    Replicate {
        /// The site or subnet
        #[arg(id = "console-name", value_name = "NAME")]
        name: String,
        /// The SMP that it is replicated from; `none` to have it here again
        #[arg(id = "console-from", value_name = "SMP")]
        from: String,
    },
    /// Upgrade the server: its structures change, its services get operations
    Upgrade {
        /// The level, such as 8.5-ru4; the next one where left out
        #[arg(id = "console-level", value_name = "LEVEL")]
        #[serde(default)]
        level: Option<String>,
    },
    /// Let a computer send inventory now, and report its subnets
    SendInventory {
        /// The computer
        #[arg(id = "console-computer", value_name = "COMPUTER")]
        computer: String,
    },
}
