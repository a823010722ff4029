//! An example under way: what is learned, what was seen so far, what the operator does next.
//!
//! Pure. It is data, so that it can stand in a file between two calls of the program.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Guid, Name};
use crate::profile::TypeRole;

/// Something with a name and a GUID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Thing {
    /// Its name.
    pub name: Name,
    /// Its GUID.
    pub guid: Guid,
}

/// An association that an example can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Joined {
    /// A subnet belongs to a site.
    SubnetToSite,
    /// A computer is assigned to a site by hand.
    ServerToSite,
}

impl Joined {
    /// The entry of the profile.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::SubnetToSite => "subnetToSite",
            Self::ServerToSite => "serverToSite",
        }
    }

    /// What is joined to a site.
    #[must_use]
    pub const fn member(self) -> TypeRole {
        match self {
            Self::SubnetToSite => TypeRole::Subnet,
            Self::ServerToSite => TypeRole::Computer,
        }
    }
}

/// What is learned, and with which objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "learn",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Subject {
    /// Constrain to Site.
    ConstrainToSite {
        /// The site that it is switched for.
        site: Thing,
        /// Whether it is on to begin with.
        on: bool,
    },
    /// DS Global Settings, Default Target.
    CaptureTarget {
        /// The package server that it is set to first.
        first: Thing,
        /// And then.
        second: Thing,
    },
    /// The packages of a Deploy Image task.
    TaskPackages {
        /// The task.
        task: Thing,
        /// The package that is added and taken out again.
        package: Thing,
    },
    /// "Prevent downloads": who it is aimed at.
    PreventTargets {
        /// The computer that is added and taken out again.
        computer: Thing,
    },
    /// "Prevent downloads from the SMP".
    PreventFromServer {
        /// Whether it is on to begin with.
        on: bool,
    },
    /// "Prevent downloads from servers outside the site".
    PreventFromOutside {
        /// Whether it is on to begin with.
        on: bool,
    },
    /// An association between a site and what belongs to it.
    Association {
        /// Which.
        kind: Joined,
        /// What is put into the site and taken out again.
        member: Thing,
        /// The site.
        site: Thing,
    },
}

impl Subject {
    /// The entry of the profile that is learned.
    #[must_use]
    pub const fn entry(&self) -> &'static str {
        match self {
            Self::ConstrainToSite { .. } => "settings.constrainToSite",
            Self::CaptureTarget { .. } => "settings.captureTarget",
            Self::TaskPackages { .. } => "settings.taskPackages",
            Self::PreventTargets { .. }
            | Self::PreventFromServer { .. }
            | Self::PreventFromOutside { .. } => "settings.preventDownloads",
            Self::Association { kind, .. } => match kind {
                Joined::SubnetToSite => "associations.subnetToSite",
                Joined::ServerToSite => "associations.serverToSite",
            },
        }
    }

    /// The way in the console, from the menu to the place of the change.
    #[must_use]
    pub const fn console(&self) -> &'static [&'static str] {
        const SITES: &str = "Site Server Settings";
        const NS: &str = "Notification Server";
        match self {
            Self::ConstrainToSite { .. } => &[
                "Settings",
                NS,
                SITES,
                "Sites",
                "the site",
                "Constrain to Site",
            ],
            Self::CaptureTarget { .. } => &[
                "Settings",
                "Deployment",
                "DS Global Settings",
                "Default Target",
            ],
            Self::TaskPackages { .. } => &[
                "Manage",
                "Jobs and Tasks",
                "the Deploy Image task",
                "Packages tab",
            ],
            Self::PreventTargets { .. }
            | Self::PreventFromServer { .. }
            | Self::PreventFromOutside { .. } => &[
                "Settings",
                NS,
                "Targeted Site Settings",
                "Prevent downloads",
            ],
            Self::Association { kind, .. } => match kind {
                Joined::SubnetToSite => {
                    &["Settings", NS, SITES, "Sites", "the site", "Subnets tab"]
                }
                Joined::ServerToSite => &["Settings", NS, SITES, "Site Servers", "the server"],
            },
        }
    }

    /// What the operator changes, in order: once there, for the default target twice, and back.
    fn acts(&self) -> Vec<String> {
        let switch = |what: String, on: bool| {
            let (one, other) = if on { ("off", "on") } else { ("on", "off") };
            vec![
                format!("switch {what} {one}"),
                format!("switch {what} {other} again"),
            ]
        };
        match self {
            Self::ConstrainToSite { site, on } => {
                switch(format!("Constrain to Site of `{}`", site.name), *on)
            }
            Self::CaptureTarget { first, second } => vec![
                format!("set the default target to `{}`", first.name),
                format!("set the default target to `{}`", second.name),
                "set the default target back to what it was before".into(),
            ],
            Self::TaskPackages { task, package } => vec![
                format!(
                    "add the package `{}` to the task `{}`",
                    package.name, task.name
                ),
                format!("take the package `{}` out again", package.name),
            ],
            Self::PreventTargets { computer } => vec![
                format!("add `{}` to those that it applies to", computer.name),
                format!("take `{}` out again", computer.name),
            ],
            Self::PreventFromServer { on } => {
                switch("preventing downloads from the SMP".into(), *on)
            }
            Self::PreventFromOutside { on } => switch(
                "preventing downloads from servers outside the site".into(),
                *on,
            ),
            Self::Association { kind, member, site } => match kind {
                Joined::SubnetToSite => vec![
                    format!(
                        "put the subnet `{}` into the site `{}`",
                        member.name, site.name
                    ),
                    format!("put the subnet `{}` back where it was", member.name),
                ],
                Joined::ServerToSite => vec![
                    format!("assign `{}` to the site `{}`", member.name, site.name),
                    format!("take the assignment of `{}` away again", member.name),
                ],
            },
        }
    }

    /// What must be so before the first look, for people.
    #[must_use]
    pub fn beginning(&self) -> String {
        let state = |on: bool| if on { "on" } else { "off" };
        match self {
            Self::ConstrainToSite { site, on } => {
                format!(
                    "Constrain to Site of `{}` is taken to be {}",
                    site.name,
                    state(*on)
                )
            }
            Self::CaptureTarget { first, .. } => {
                format!(
                    "the default target is taken to be another one than `{}`",
                    first.name
                )
            }
            Self::TaskPackages { task, package } => format!(
                "the task `{}` is taken not to use the package `{}`",
                task.name, package.name
            ),
            Self::PreventTargets { computer } => {
                format!("`{}` is taken not to be aimed at", computer.name)
            }
            Self::PreventFromServer { on } | Self::PreventFromOutside { on } => {
                format!("the switch is taken to be {}", state(*on))
            }
            Self::Association { kind, member, site } => match kind {
                Joined::SubnetToSite => {
                    format!("`{}` is taken not to be in `{}`", member.name, site.name)
                }
                Joined::ServerToSite => format!(
                    "`{}` is taken not to be assigned to `{}` by hand",
                    member.name, site.name
                ),
            },
        }
    }
}

/// An item that is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LookedAt {
    /// Its GUID.
    pub guid: Guid,
    /// Its name.
    pub name: String,
}

/// An association between the two objects of the example.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pair {
    /// Its type.
    pub association: Guid,
    /// The name of the type.
    pub name: String,
    /// Whether the site is its parent.
    pub site_is_parent: bool,
}

/// What was seen at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Look {
    /// When, RFC 3339.
    pub at: String,
    /// The XML of each item that could be exported, as it came.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<Guid, String>,
    /// The associations.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pairs: BTreeSet<Pair>,
}

/// Where an example stands: which look comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// Before the change: twice, so that what changes by itself is seen.
    Before,
    /// After the change.
    After,
    /// After a second change.
    Other,
    /// After the opposite.
    Opposite,
    /// All was seen.
    Done,
}

/// An example under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Session {
    /// The version of the format, [`Session::FORMAT_VERSION`].
    pub format_version: u32,
    /// The SMP's own computer.
    pub platform: Guid,
    /// What is learned.
    pub subject: Subject,
    /// The items that are looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<LookedAt>,
    /// What was seen so far.
    #[serde(default)]
    pub looks: Vec<Look>,
}

/// Why a file holds no session. Code `SW0871`.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// It is no session.
    #[error("expected a session of `profile learn`")]
    Shape(#[from] serde_json::Error),
    /// Another version of the program wrote it.
    #[error("expected formatVersion {}, found {found}", Session::FORMAT_VERSION)]
    Version {
        /// The version found.
        found: u32,
    },
}

impl Session {
    /// The version of the file that this program writes.
    pub const FORMAT_VERSION: u32 = 1;

    /// An example of which nothing was seen yet.
    #[must_use]
    pub fn new(platform: Guid, subject: Subject, items: Vec<LookedAt>) -> Self {
        Self {
            format_version: Self::FORMAT_VERSION,
            platform,
            subject,
            items,
            looks: Vec::new(),
        }
    }

    /// Reads a session.
    pub fn from_json(text: &str) -> Result<Self, SessionError> {
        let session: Self = serde_json::from_str(text)?;
        if session.format_version == Self::FORMAT_VERSION {
            Ok(session)
        } else {
            Err(SessionError::Version {
                found: session.format_version,
            })
        }
    }

    /// Writes it.
    pub fn to_json(&self) -> Result<String, SessionError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Which look comes next.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let twice = matches!(self.subject, Subject::CaptureTarget { .. });
        match (self.looks.len(), twice) {
            (0 | 1, _) => Stage::Before,
            (2, _) => Stage::After,
            (3, true) => Stage::Other,
            (3, false) | (4, true) => Stage::Opposite,
            _ => Stage::Done,
        }
    }

    /// What the operator does before the next look; `None` before the first and after the last.
    #[must_use]
    pub fn act(&self) -> Option<String> {
        let done = self.looks.len().checked_sub(2)?;
        self.subject.acts().into_iter().nth(done)
    }
}
