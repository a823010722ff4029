//! What a plan changes, object by object, for people and pipelines.
//!
//! Pure. No object is listed as changed without a field that differs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diff::{Change, Found};
use crate::model::{Action, Assignment, ConsoleStep, Guid, Name, Step, StepKind};
use crate::select::Extent;

/// What happens to an object.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Changed {
    /// It comes into being.
    Create,
    /// Fields of it change.
    Update,
    /// It goes.
    Delete,
    /// It existed, and becomes ours.
    Adopt,
    /// It is ours no longer, and stays as it is.
    Release,
}

/// One field that differs.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its name in manifests.
    pub name: String,
    /// What it was; left out where there was nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it will be; left out where there will be nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// One object that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectChange {
    /// `Site`, `Subnet`, `SiteServer`, `Package` or `PlatformSettings`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What happens to it.
    pub change: Changed,
    /// Fields that differ; empty only for adopting and releasing.
    pub fields: Vec<Field>,
    /// Anything a reader should know about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who is in a site that goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Extent>,
    /// Where it is declared, `file:line:column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Names for the GUIDs that appear in fields.
pub type Names = BTreeMap<Guid, Name>;

/// What stands as the value before where nobody can read it.
pub const NOT_READABLE: &str = "not readable";

/// What is not the site of a subnet.
const NO_SITE: &str = "no site";

/// Lists the objects that a set of changes is about, sorted by kind and name.
#[must_use]
pub fn objects(changes: &[Found], names: &Names) -> Vec<ObjectChange> {
    let mut objects: BTreeMap<(u8, Name), ObjectChange> = BTreeMap::new();
    for found in changes {
        let place = found.origin.as_ref().map(ToString::to_string);
        let described = describe(&found.change, names);
        let key = (rank(described.kind), Name::new(&described.name));
        let object = objects.entry(key).or_insert_with(|| ObjectChange {
            kind: described.kind.to_owned(),
            name: described.name.clone(),
            change: described.change,
            fields: Vec::new(),
            note: None,
            holds: None, // by `emptied`
            place: None,
        });
        object.change = stronger(object.change, described.change);
        object.fields.extend(described.fields);
        object.note = object.note.take().or(described.note);
        if object.change != Changed::Release && object.note == Some(released(false)) {
            // Its site goes, and it with it: it is not left as it is.
            object.note = Some("released: no longer declared".to_owned());
        }
        object.place = match (object.place.take(), place) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
    }
    objects
        .into_values()
        .map(|mut object| {
            object.fields.sort();
            object
        })
        .collect()
}

fn rank(kind: &str) -> u8 {
    match kind {
        "Site" => 0,
        "Subnet" => 1,
        "SiteServer" => 2,
        "Package" => 3,
        _ => 4,
    }
}

/// An object that is adopted and changed is shown as changed, with a note that it is adopted.
fn stronger(one: Changed, two: Changed) -> Changed {
    let strength = |change| match change {
        Changed::Delete => 4,
        Changed::Create => 3,
        Changed::Update => 2,
        Changed::Adopt | Changed::Release => 1,
    };
    if strength(two) > strength(one) {
        two
    } else {
        one
    }
}

struct Described {
    kind: &'static str,
    name: String,
    change: Changed,
    fields: Vec<Field>,
    note: Option<String>,
}

fn field(name: &str, before: Option<String>, after: Option<String>) -> Field {
    Field {
        name: name.to_owned(),
        before,
        after,
    }
}

fn site_names(sites: &[crate::model::SiteRef]) -> String {
    if sites.is_empty() {
        return NO_SITE.to_owned();
    }
    sites
        .iter()
        .map(|site| site.name.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn describe_site(change: &Change) -> Option<Described> {
    let site = |name: &Name, change, fields| Described {
        kind: "Site",
        name: name.to_string(),
        change,
        fields,
        note: None,
    };
    Some(match change {
        Change::CreateSite {
            name,
            description,
            protected,
        } => {
            let mut fields = vec![];
            if let Some(text) = description {
                fields.push(field("description", None, Some(text.clone())));
            }
            if *protected {
                fields.push(field("preventDestroy", None, Some("true".into())));
            }
            site(name, Changed::Create, fields)
        }
        Change::RenameSite { site: of, before } => site(
            &of.name,
            Changed::Update,
            vec![field(
                "name",
                Some(before.to_string()),
                Some(of.name.to_string()),
            )],
        ),
        Change::DescribeSite {
            site: of,
            before,
            after,
        } => site(
            &of.name,
            Changed::Update,
            vec![field(
                "description",
                Some(before.clone()),
                Some(after.clone()),
            )],
        ),
        Change::Constrain {
            site: of,
            before,
            after,
        } => site(
            &of.name,
            Changed::Update,
            vec![field(
                "constrainToSite",
                Some(before.map_or_else(|| NOT_READABLE.into(), |on| on.to_string())),
                Some(after.to_string()),
            )],
        ),
        Change::DeleteSite { site: of } => site(
            &of.name,
            Changed::Delete,
            vec![field("name", Some(of.name.to_string()), None)],
        ),
        Change::ServerTo { server, site: to } => site(
            &to.name,
            Changed::Update,
            vec![field("servers", None, Some(server.name.to_string()))],
        ),
        Change::ServerOut { server, site: from } => site(
            &from.name,
            Changed::Update,
            vec![field("servers", Some(server.name.to_string()), None)],
        ),
        Change::Protect { site: of, on } => site(
            &of.name,
            Changed::Adopt,
            vec![field(
                "preventDestroy",
                Some((!on).to_string()),
                Some(on.to_string()),
            )],
        ),
        Change::AdoptSite { site: of, .. } => Described {
            note: Some("adopted: it exists, and is declared for the first time".into()),
            ..site(&of.name, Changed::Adopt, vec![])
        },
        Change::ReleaseSite { site: of, gone, .. } => Described {
            note: Some(released(*gone)),
            ..site(&of.name, Changed::Release, vec![])
        },
        _ => return None,
    })
}

fn describe(change: &Change, names: &Names) -> Described {
    if let Some(described) = describe_site(change) {
        return described;
    }
    match change {
        Change::Role {
            server,
            role,
            readable,
        } => Described {
            kind: "SiteServer",
            name: server.name.to_string(),
            change: Changed::Update,
            fields: vec![field(
                "roles",
                (!readable).then(|| NOT_READABLE.into()),
                Some(role.to_string()),
            )],
            note: None,
        },
        Change::PlugIn { server, plug_in } => Described {
            kind: "SiteServer",
            name: server.name.to_string(),
            change: Changed::Update,
            fields: vec![field("plugIns", None, Some(plug_in.to_string()))],
            note: None,
        },
        Change::Package { package, .. } if change.only_waits() => Described {
            kind: "Package",
            name: package.name.to_string(),
            change: Changed::Update,
            fields: vec![field(
                "on its servers",
                Some("not known".to_owned()),
                Some("seen or attested".to_owned()),
            )],
            note: None,
        },
        Change::Package {
            package,
            before,
            after,
            created_sites,
            ..
        } => Described {
            kind: "Package",
            name: package.name.to_string(),
            change: Changed::Update,
            fields: vec![field(
                "assignment",
                Some(assignment(before, &[], names)),
                Some(assignment(after, created_sites, names)),
            )],
            note: None,
        },
        Change::Distribute { package } => Described {
            kind: "Package",
            name: package.name.to_string(),
            change: Changed::Update,
            fields: vec![field(
                "distribution points",
                Some("not updated".into()),
                Some("updated".into()),
            )],
            note: Some("an earlier run stopped before it".into()),
        },
        Change::CaptureTarget {
            before,
            after,
            readable,
        } => settings(field(
            "captureTarget",
            if *readable {
                before.as_ref().map(|server| server.name.to_string())
            } else {
                Some(NOT_READABLE.into())
            },
            Some(after.name.to_string()),
        )),
        Change::InvalidSubnets { expression } => settings(field(
            "invalidSubnets",
            Some(NOT_READABLE.into()),
            Some(expression.clone()),
        )),
        _ => describe_subnet(change),
    }
}

fn settings(field: Field) -> Described {
    Described {
        kind: "PlatformSettings",
        name: "DS and core settings".into(),
        change: Changed::Update,
        fields: vec![field],
        note: None,
    }
}

fn released(gone: bool) -> String {
    if gone {
        "released: it is gone from the server".into()
    } else {
        "released: no longer declared, left as it is".into()
    }
}

fn describe_subnet(change: &Change) -> Described {
    let subnet = |name: String, change, fields, note: Option<&str>| Described {
        kind: "Subnet",
        name,
        change,
        fields,
        note: note.map(ToOwned::to_owned),
    };
    match change {
        Change::SubnetTo {
            subnet: network,
            guid,
            before,
            site,
        } => {
            let create = guid.is_none();
            subnet(
                network.to_string(),
                if create {
                    Changed::Create
                } else {
                    Changed::Update
                },
                vec![field(
                    "site",
                    (!create).then(|| site_names(before)),
                    Some(site.name.to_string()),
                )],
                None,
            )
        }
        Change::SubnetOut {
            subnet: network,
            before,
            delete,
            ..
        } => subnet(
            network.to_string(),
            if *delete {
                Changed::Delete
            } else {
                Changed::Update
            },
            vec![field(
                "site",
                Some(site_names(before)),
                (!delete).then(|| NO_SITE.to_owned()),
            )],
            None,
        ),
        Change::AdoptSubnet {
            subnet: network, ..
        } => subnet(
            network.to_string(),
            Changed::Adopt,
            vec![],
            Some("adopted: it exists, and is declared for the first time"),
        ),
        Change::ReleaseSubnet { name, gone, .. } => subnet(
            name.to_string(),
            Changed::Release,
            vec![],
            Some(&released(*gone)),
        ),
        _ => subnet(String::new(), Changed::Update, vec![], None),
    }
}

/// An assignment in words.
#[must_use]
pub fn assignment(assignment: &Assignment, created_sites: &[Name], names: &Names) -> String {
    let listed = |guids: &std::collections::BTreeSet<Guid>, more: &[Name]| {
        let mut list: Vec<Name> = guids
            .iter()
            .map(|guid| {
                names
                    .get(guid)
                    .cloned()
                    .unwrap_or_else(|| Name::new(&guid.to_string()))
            })
            .chain(more.iter().cloned())
            .collect();
        list.sort();
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        }
    };
    match assignment {
        Assignment::All => "all package servers".into(),
        Assignment::Servers(servers) => format!("servers: {}", listed(servers, &[])),
        Assignment::Sites { sites, automatic } => format!(
            "sites: {}{}",
            listed(sites, created_sites),
            if *automatic { " (automatic)" } else { "" }
        ),
    }
}

/// How many of what a plan does, in the order in which it is said: `(count, noun, verb)`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally(pub Vec<(usize, &'static str, &'static str)>);

/// Counts the steps of a plan; steps that only note something in our state are not counted.
#[must_use]
pub fn tally(steps: &[Step]) -> Tally {
    const ORDER: [(&str, &str); 16] = [
        ("site", "to create"),
        ("site", "to rename"),
        ("site", "to describe"),
        ("site", "to delete"),
        ("subnet", "to create"),
        ("subnet", "to assign"),
        ("subnet", "to move"),
        ("subnet", "to unassign"),
        ("subnet", "to delete"),
        ("server", "to assign"),
        ("server", "to unassign"),
        ("package", "to assign"),
        ("package", "to distribute"),
        ("package", "to await"),
        ("setting", "to change"),
        ("console step", "to do"),
    ];
    let mut counts: BTreeMap<(&str, &str), std::collections::BTreeSet<String>> = BTreeMap::new();
    for step in steps {
        let what = match &step.action {
            _ if step.kind() == StepKind::Manual => ("console step", "to do"),
            Action::CreateSite { .. } => ("site", "to create"),
            Action::RenameSite { .. } => ("site", "to rename"),
            Action::DescribeSite { .. } => ("site", "to describe"),
            Action::DeleteSite { .. } => ("site", "to delete"),
            Action::CreateSubnet { .. } => ("subnet", "to create"),
            Action::AssignSubnet { before, .. } if before.is_empty() => ("subnet", "to assign"),
            Action::AssignSubnet { .. } => ("subnet", "to move"),
            Action::UnassignSubnet { .. } => ("subnet", "to unassign"),
            Action::DeleteSubnet { .. } => ("subnet", "to delete"),
            Action::AssignServer { .. } => ("server", "to assign"),
            Action::UnassignServer { .. } => ("server", "to unassign"),
            Action::AssignPackage { .. } => ("package", "to assign"),
            Action::UpdateDistributionPoints { .. } => ("package", "to distribute"),
            Action::AwaitHolders { .. } => ("package", "to await"),
            Action::Constrain { .. } | Action::SetCaptureTarget { .. } => ("setting", "to change"),
            Action::Console(_) => ("console step", "to do"),
            Action::Record(_) => continue,
        };
        // A package that is widened and narrowed is one package.
        let object = match &step.action {
            Action::AssignPackage { package, .. } if step.kind() == StepKind::Write => {
                package.guid.to_string()
            }
            _ => step.id.0.clone(),
        };
        counts.entry(what).or_default().insert(object);
    }
    Tally(
        ORDER
            .into_iter()
            .filter_map(|key| counts.get(&key).map(|set| (set.len(), key.0, key.1)))
            .collect(),
    )
}

/// What a console step asks for, in one word and a value: what `attest` compares.
#[must_use]
pub fn console_value(step: &ConsoleStep) -> String {
    match step {
        ConsoleStep::InstallRole { server: _, role } => role.to_string(),
        ConsoleStep::InstallPlugIn { server: _, plug_in } => plug_in.to_string(),
        ConsoleStep::Constrain { site: _, on } => if *on { "on" } else { "off" }.into(),
        ConsoleStep::CaptureTarget { server } => server.name.to_string(),
        ConsoleStep::InvalidSubnets { expression } => expression.clone(),
        ConsoleStep::ConfirmHolder {
            package: _,
            servers,
        } => servers
            .iter()
            .map(|server| server.name.to_string())
            .collect::<Vec<_>>()
            .join(", "),
    }
}
