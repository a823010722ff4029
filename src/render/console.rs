//! Where in the console a step is done: [`Step`] → what to click, what to enter, which article says so.
//!
//! Pure. The paths are those of the vendor's articles, in the spelling of an English console. Where no article gives
//! one, it is that of the neighbouring path which an article gives, and says so by having no number.

use crate::model::{Action, ConsoleStep, Role, SiteRef, Step, StepKind, Subnet};
use crate::plan::{Changed, Field, NOT_READABLE, Names, ObjectChange, Plan, assignment};

/// What an administrator clicks and enters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsolePath {
    /// What to click to come to the page, one after the other.
    pub page: &'static [&'static str],
    /// What to click on it.
    pub clicks: &'static [&'static str],
    /// The value to enter or to choose.
    pub value: String,
    /// What the path's words stand for here, and what else is entered: `the site` is `HQ`.
    pub fill: Vec<(&'static str, String)>,
    /// What else to know before it is done.
    pub remark: Option<String>,
    /// The number of the article that describes it; empty where none does.
    pub article: &'static str,
}

impl ConsolePath {
    fn new(
        page: &'static [&'static str],
        clicks: &'static [&'static str],
        value: impl Into<String>,
        article: &'static str,
    ) -> Self {
        Self {
            page,
            clicks,
            value: value.into(),
            fill: Vec::new(),
            remark: None,
            article,
        }
    }

    fn fill(mut self, what: &'static str, is: &impl ToString) -> Self {
        self.fill.push((what, is.to_string()));
        self
    }

    fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = Some(remark.into());
        self
    }

    /// The clicks as one line: `Settings > Notification Server > …`.
    #[must_use]
    pub fn line(&self) -> String {
        let Self {
            page,
            clicks,
            value: _,   // said apart
            fill: _,    // said apart
            remark: _,  // said apart
            article: _, // said apart
        } = self;
        [*page, *clicks].concat().join(" > ")
    }
}

/// Sites, their subnets and their servers (431459, 184143, 180398).
const SITES: &[&str] = &["Settings", "Notification Server", "Site Server Settings"];
const CORE: &[&str] = &["Settings", "Notification Server", "Core Settings"];
const DEPLOYMENT: &[&str] = &["Settings", "Deployment", "DS Global Settings"];
/// The tab of a task that shows the package servers of each package (431459).
const TASKS: &[&str] = &[
    "Manage",
    "Jobs and Tasks",
    "the Deploy Image task",
    "Packages tab",
];
/// Rolling out a plug-in: the policy of each plug-in stands in this folder. The path is that of a community article on
/// task services for the task handler; 180278 says which plug-ins there are.
const PLUG_INS: &[&str] = &[
    "Actions",
    "Agents/Plug-ins",
    "Rollout Agents/Plug-ins",
    "Deployment and Migration",
];

/// Where a step is done, where it is a person who does it.
#[must_use]
pub fn path(step: &Step, names: &Names) -> Option<ConsolePath> {
    let manual = step.kind() == StepKind::Manual;
    match &step.action {
        Action::Console(asked) => Some(setting(asked)),
        action if manual => write(action, names),
        _ => None,
    }
}

/// Where a change is made that a program could make if the profile were sure enough of it.
#[expect(clippy::too_many_lines, reason = "one table, an arm an action")]
fn write(action: &Action, names: &Names) -> Option<ConsolePath> {
    Some(match action {
        Action::CreateSite {
            name,
            description,
            protected: _, // kept in our state only
        } => {
            let value = match description {
                Some(text) => format!("{name}, description: {text}"),
                None => name.to_string(),
            };
            let path = ConsolePath::new(
                SITES,
                &["right-click Sites", "New", "Site"],
                value,
                "431459",
            )
            .fill("name", name);
            match description {
                Some(text) => path.fill("description", text),
                None => path,
            }
        }
        Action::RenameSite { site, before } => {
            ConsolePath::new(SITES, &["Sites", "right-click the site", "Rename"], site.name.to_string(), "")
                .fill("the site", before)
                .fill("name", &site.name)
        }
        Action::DescribeSite {
            site,
            before: _, // it is replaced
            after,
        } => ConsolePath::new(SITES, &["Sites", "the site", "Description"], after, "")
            .fill("the site", &site.name)
            .fill("description", after),
        Action::DeleteSite { site } => ConsolePath::new(
            SITES,
            &["Sites", "right-click the site", "Delete"],
            site.name.to_string(),
            "",
        )
        .fill("the site", &site.name),
        Action::CreateSubnet { .. }
        | Action::AssignSubnet { .. }
        | Action::UnassignSubnet { .. }
        | Action::DeleteSubnet { .. } => return of_subnet(action),
        Action::AssignServer { server, site } => ConsolePath::new(
            SITES,
            &["Site Servers", "the server", "Assign to site"],
            site.name.to_string(),
            "184143",
        )
        .fill("the server", &server.name)
        .fill("site", &site.name),
        Action::UnassignServer { server, site } => ConsolePath::new(
            SITES,
            &[
                "Sites",
                "the site",
                "View: Site Servers",
                "the server's row, ticked \"Manually Assigned\"",
                "Delete",
            ],
            server.name.to_string(),
            "184143",
        )
        .fill("the site", &site.name)
        .fill("the server", &server.name)
        .remark("only the assignment goes, the computer stays"),
        Action::AssignPackage {
            package,
            before: _, // the console shows it
            after,
            created_sites,
        } => {
            let to = assignment(after, created_sites, names);
            ConsolePath::new(
                TASKS,
                &["the package", "Package Servers"],
                to.clone(),
                "431459",
            )
            .fill("the package", &package.name)
            .fill("assigned to", &to)
            .remark("update its distribution points at once")
        }
        Action::UpdateDistributionPoints { package } => ConsolePath::new(
            TASKS,
            &["the package", "Update Distribution Points"],
            package.name.to_string(),
            "",
        )
        .fill("the package", &package.name),
        Action::AwaitHolders {
            package: _, // time does it
            servers: _,
        }
        | Action::Constrain { site: _, on: _ } // a person's step is another action
        | Action::SetCaptureTarget { before: _, server: _ }
        | Action::Console(_)
        | Action::Record(_) => return None,
    })
}

fn of_subnet(action: &Action) -> Option<ConsolePath> {
    Some(match action {
        Action::CreateSubnet { subnet, site } => into(*subnet, site, &[]),
        Action::AssignSubnet {
            subnet,
            guid: _, // people know it by its network
            before,
            site,
        } => into(*subnet, site, before),
        Action::UnassignSubnet {
            subnet,
            guid: _, // people know it by its network
            before,
        } => ConsolePath::new(
            SITES,
            &["Sites", "the site", "Subnets tab", "the subnet", "Remove"],
            subnet.to_string(),
            "",
        )
        .fill("the site", &named(before))
        .fill("the subnet", subnet),
        Action::DeleteSubnet {
            subnet,
            guid: _,   // people know it by its network
            before: _, // it goes from wherever it is
        } => ConsolePath::new(
            SITES,
            &["Subnets", "right-click the subnet", "Delete"],
            subnet.to_string(),
            "",
        )
        .fill("the subnet", subnet),
        _ => return None,
    })
}

fn into(subnet: Subnet, site: &SiteRef, before: &[SiteRef]) -> ConsolePath {
    let path = ConsolePath::new(
        SITES,
        &["Sites", "the site", "Subnets tab", "Add"],
        subnet.to_string(),
        "431459",
    )
    .fill("the site", &site.name)
    .fill("subnet", &subnet);
    let left: Vec<SiteRef> = before
        .iter()
        .filter(|one| one.name != site.name)
        .cloned()
        .collect();
    if left.is_empty() {
        path
    } else {
        path.remark(format!(
            "it leaves {}: remove it there where it still stands",
            named(&left)
        ))
    }
}

fn named(sites: &[SiteRef]) -> String {
    let names: Vec<String> = sites.iter().map(|site| site.name.to_string()).collect();
    names.join(", ")
}

/// Where a setting is changed, a service installed, a plug-in rolled out.
fn setting(step: &ConsoleStep) -> ConsolePath {
    match step {
        ConsoleStep::InstallRole { server, role } => ConsolePath::new(
            SITES,
            &[
                "Site Servers",
                "the server",
                "Services",
                "Install/Remove services",
            ],
            role.service(),
            match role {
                Role::Package => "180398",
                Role::Task => "180399",
                Role::NetworkBoot => "431459",
                Role::Monitor => "",
            },
        )
        .fill("the server", &server.name)
        .fill("service", &role.service())
        .remark("a right-click on the service shows what it requires of the server"),
        ConsoleStep::InstallPlugIn { server, plug_in } => {
            let policy = format!("{plug_in} Install (x64 or x86)");
            ConsolePath::new(
                PLUG_INS,
                &["the plug-in's install policy"],
                &policy,
                "180278",
            )
            .fill("the plug-in's install policy", &policy)
            .fill("applies to", &server.name)
        }
        // The article (step 4) names the switch and not where it is.
        ConsoleStep::Constrain { site, on } => {
            let to = if *on { "on" } else { "off" };
            ConsolePath::new(
                SITES,
                &["Sites", "the site", "Constrain to Site"],
                to,
                "431459",
            )
            .fill("the site", &site.name)
            .fill("Constrain to Site", &to)
        }
        // Called "Default Package Server for Create Image" in some versions (431459).
        ConsoleStep::CaptureTarget { server } => ConsolePath::new(
            DEPLOYMENT,
            &["Default Target"],
            server.name.to_string(),
            "431459",
        )
        .fill("Default Target", &server.name)
        .remark("some versions call it \"Default Package Server for Create Image\""),
        ConsoleStep::InvalidSubnets { expression } => {
            ConsolePath::new(CORE, &["InvalidSubnets"], expression, "432283")
                .fill("InvalidSubnets", expression)
        }
        ConsoleStep::ConfirmHolder { package, servers } => {
            let names: Vec<String> = servers
                .iter()
                .map(|server| server.name.to_string())
                .collect();
            let names = names.join(", ");
            ConsolePath::new(TASKS, &[], &names, "431459")
                .fill("package", &package.name)
                .fill("package servers", &names)
                .remark("nothing is changed: look whether they hold the package by now")
        }
    }
}

/// Whether nobody but a person can say that a console step is done, as far as the plan knows: then `attest` closes it.
///
/// A step about a setting that was read, and found to differ, is closed by the next reading instead.
#[must_use]
pub fn needs_attestation(plan: &Plan, step: &Step) -> bool {
    let asked = match &step.action {
        Action::Console(asked) => asked,
        // A write that nothing can be read of afterwards.
        Action::UpdateDistributionPoints { package: _ } => {
            return step.kind() == StepKind::Manual;
        }
        _ => return false,
    };
    match asked {
        ConsoleStep::InvalidSubnets { expression: _ }
        | ConsoleStep::ConfirmHolder {
            package: _,
            servers: _,
        } => true,
        // Asked for only where the plug-ins were read.
        ConsoleStep::InstallPlugIn {
            server: _,
            plug_in: _,
        } => false,
        ConsoleStep::InstallRole { server, role } => unread(
            plan,
            "SiteServer",
            server.name.as_str(),
            "roles",
            role.as_str(),
        ),
        ConsoleStep::Constrain { site, on } => unread(
            plan,
            "Site",
            site.name.as_str(),
            "constrainToSite",
            if *on { "true" } else { "false" },
        ),
        ConsoleStep::CaptureTarget { server } => plan
            .changes
            .iter()
            .filter(|change| change.kind == "PlatformSettings")
            .any(|change| has_unread(change, "captureTarget", server.name.as_str())),
    }
}

fn unread(plan: &Plan, kind: &str, name: &str, field: &str, after: &str) -> bool {
    plan.changes
        .iter()
        .filter(|change| change.kind == kind && change.name.eq_ignore_ascii_case(name))
        .any(|change| has_unread(change, field, after))
}

fn has_unread(change: &ObjectChange, field: &str, value: &str) -> bool {
    let ObjectChange {
        kind: _, // chosen by the caller
        name: _, // chosen by the caller
        change: verb,
        fields,
        note: _,
        holds: _,
        place: _,
    } = change;
    *verb != Changed::Delete
        && fields.iter().any(|found| {
            let Field {
                name,
                before,
                after,
            } = found;
            name == field
                && before.as_deref() == Some(NOT_READABLE)
                && after.as_deref() == Some(value)
        })
}
