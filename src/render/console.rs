//! Where in the console a step is done: [`ConsoleStep`] → what to click, what to enter, which article says so.
//!
//! Pure. The paths are those of the vendor's articles, in the spelling of an English console.

use crate::model::{Action, ConsoleStep, Role, Step};
use crate::plan::{Changed, Field, NOT_READABLE, ObjectChange, Plan};

/// What an administrator clicks and enters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsolePath {
    /// What to click, one after the other.
    pub clicks: &'static [&'static str],
    /// The value to enter or to choose.
    pub value: String,
    /// The number of the article that describes it; empty where none does.
    pub article: &'static str,
}

impl ConsolePath {
    /// The clicks as one line: `Settings > Notification Server > …`.
    #[must_use]
    pub fn line(&self) -> String {
        let Self {
            clicks,
            value: _,   // said apart
            article: _, // said apart
        } = self;
        clicks.join(" > ")
    }
}

/// Installing a site service on a server (001).
const INSTALL: &[&str] = &[
    "Settings",
    "Notification Server",
    "Site Server Settings",
    "Site Servers",
    "the server",
    "Services",
    "Install/Remove services",
];
/// Rolling out a plug-in: the policy of each plug-in stands in this folder. The path is that of a community article on
/// task services for the task handler; 180278 says which plug-ins there are.
const PLUG_INS: &[&str] = &[
    "Actions",
    "Agents/Plug-ins",
    "Rollout Agents/Plug-ins",
    "Deployment and Migration",
    "the plug-in's install policy",
];
/// Constrain to Site (431459, step 4). The article names the switch and not where it is.
const CONSTRAIN: &[&str] = &[
    "Settings",
    "Notification Server",
    "Site Server Settings",
    "Sites",
    "the site",
    "Constrain to Site",
];
/// Called "Default Package Server for Create Image" in some versions (431459).
const CAPTURE_TARGET: &[&str] = &[
    "Settings",
    "Deployment",
    "DS Global Settings",
    "Default Target",
];
const INVALID_SUBNETS: &[&str] = &[
    "Settings",
    "Notification Server",
    "Core Settings",
    "InvalidSubnets",
];
/// The tab that shows the package servers of each package (431459).
const PACKAGES: &[&str] = &[
    "Manage",
    "Jobs and Tasks",
    "the Deploy Image task",
    "Packages tab",
];

/// Where a console step is done.
#[must_use]
pub fn path(step: &ConsoleStep) -> ConsolePath {
    match step {
        ConsoleStep::InstallRole { server: _, role } => ConsolePath {
            clicks: INSTALL,
            value: role.service().to_owned(),
            article: match role {
                Role::Package => "180398",
                Role::Task => "180399",
                Role::NetworkBoot => "431459",
                Role::Monitor => "",
            },
        },
        ConsoleStep::InstallPlugIn { server: _, plug_in } => ConsolePath {
            clicks: PLUG_INS,
            value: format!("{plug_in} Install (x64 or x86)"),
            article: "180278",
        },
        ConsoleStep::Constrain { site: _, on } => ConsolePath {
            clicks: CONSTRAIN,
            value: if *on { "on" } else { "off" }.to_owned(),
            article: "431459",
        },
        ConsoleStep::CaptureTarget { server } => ConsolePath {
            clicks: CAPTURE_TARGET,
            value: server.name.to_string(),
            article: "431459",
        },
        ConsoleStep::InvalidSubnets { expression } => ConsolePath {
            clicks: INVALID_SUBNETS,
            value: expression.clone(),
            article: "432283",
        },
        ConsoleStep::ConfirmHolder {
            package: _,
            servers,
        } => ConsolePath {
            clicks: PACKAGES,
            value: servers
                .iter()
                .map(|server| server.name.to_string())
                .collect::<Vec<_>>()
                .join(", "),
            article: "431459",
        },
    }
}

/// Whether nobody but a person can say that a console step is done, as far as the plan knows: then `attest` closes it.
///
/// A step about a setting that was read, and found to differ, is closed by the next reading instead.
#[must_use]
pub fn needs_attestation(plan: &Plan, step: &Step) -> bool {
    let Action::Console(asked) = &step.action else {
        return false;
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
