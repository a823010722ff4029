//! What a service description tells about structures by the names and types of their elements.
//!
//! Pure. Nothing is guessed: where not exactly one element fits, none is taken and all are listed.

use super::choose::{Candidate, Finding, Told};
use crate::model::Guid;
use crate::profile::{
    Profile, RelationshipNames, ResourceInfoNames, ResourceNames, Standing, TypeNames,
};
use crate::smp::wsdl::{Field, Wsdl};

/// Findings as they are made.
pub(super) struct Notes(pub(super) Vec<Finding>);

impl Notes {
    pub(super) fn found(&mut self, entry: impl Into<String>, evidence: impl Into<String>) {
        self.0.push(Finding {
            entry: entry.into(),
            told: Told::Found,
            evidence: evidence.into(),
            candidates: Vec::new(),
        });
    }

    pub(super) fn unknown(
        &mut self,
        entry: impl Into<String>,
        evidence: impl Into<String>,
        candidates: Vec<Candidate>,
    ) {
        self.0.push(Finding {
            entry: entry.into(),
            told: Told::Unknown,
            evidence: evidence.into(),
            candidates,
        });
    }

    pub(super) fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Replaces what was said about an entry, or adds it.
    pub(super) fn amend(&mut self, finding: Finding) {
        match self.0.iter_mut().find(|known| known.entry == finding.entry) {
            Some(known) => *known = finding,
            None => self.0.push(finding),
        }
    }

    /// Takes the only field there is; of several or none says so.
    pub(super) fn only(&mut self, entry: String, fields: &[&Field]) -> Option<String> {
        if let [field] = fields {
            self.found(entry, format!("element `{}` of its WSDL", field.name));
            return Some(field.name.clone());
        }
        let candidates = fields
            .iter()
            .map(|field| Candidate::named(field.name.clone(), None))
            .collect();
        self.unknown(
            entry,
            format!(
                "expected one fitting element in the WSDL, found {}",
                fields.len()
            ),
            candidates,
        );
        None
    }
}

fn says(field: &Field, word: &str) -> bool {
    field.name.to_lowercase().contains(word)
}

/// Whether a field holds a GUID: by its type, or as text by its name.
fn is_guid(field: &Field) -> bool {
    field.kind.eq_ignore_ascii_case("guid")
        || (field.kind.eq_ignore_ascii_case("string") && says(field, "guid"))
}

fn is_text(field: &Field) -> bool {
    field.kind.eq_ignore_ascii_case("string") && !says(field, "guid")
}

fn pick(fields: &[Field], fits: impl Fn(&Field) -> bool) -> Vec<&Field> {
    fields.iter().filter(|field| fits(field)).collect()
}

/// The field with the name of a thing: the one called so, else the only text that says `name`.
fn name_field(fields: &[Field]) -> Vec<&Field> {
    let exact = pick(fields, |field| {
        is_text(field) && field.name.eq_ignore_ascii_case("name")
    });
    if exact.len() == 1 {
        return exact;
    }
    pick(fields, |field| {
        is_text(field) && says(field, "name") && !says(field, "type")
    })
}

struct ResourceFields {
    guid: Option<String>,
    name: Option<String>,
    resource_type: Option<String>,
    description: Option<String>,
}

fn resource_fields(notes: &mut Notes, entry: &str, fields: &[Field]) -> ResourceFields {
    let path = |name: &str| format!("structures.{entry}.{name}");
    ResourceFields {
        guid: notes.only(
            path("guid"),
            &pick(fields, |field| is_guid(field) && !says(field, "type")),
        ),
        name: notes.only(path("name"), &name_field(fields)),
        resource_type: notes.only(
            path("resourceType"),
            &pick(fields, |field| is_guid(field) && says(field, "type")),
        ),
        description: notes.only(
            path("description"),
            &pick(fields, |field| is_text(field) && says(field, "desc")),
        ),
    }
}

/// Words in the names of data classes that may tell facts or events. No document says which ones do, so that they are
/// shown and never taken.
const EVIDENCE_WORDS: [&str; 20] = [
    ".net",
    "agent",
    "asset status",
    "availability",
    "client task",
    "directory",
    "framework",
    "heartbeat",
    "identification",
    "iis",
    "internet",
    "load",
    "managed",
    "operating system",
    "package source",
    "plug-in",
    "registration",
    "software delivery",
    "web server",
    "windows features",
];

/// Says which data classes may tell facts and events, by words in their names.
pub(super) fn evidence(classes: &[(Guid, String)], notes: &mut Notes) {
    let candidates = classes
        .iter()
        .filter(|(_, name)| {
            let name = name.to_lowercase();
            EVIDENCE_WORDS.iter().any(|word| name.contains(word))
        })
        .map(|(guid, name)| Candidate::named(name.clone(), Some(*guid)))
        .collect();
    notes.unknown(
        "evidence",
        "no document says which data classes tell facts and events; by their names some may",
        candidates,
    );
}

/// Fills in the names of the structures of `ResourceModel`.
pub(super) fn structures(profile: &mut Profile, model: &Wsdl, notes: &mut Notes) {
    let standing = Standing::Discovered;
    let absent = |notes: &mut Notes, entry: &str, operation: &str| {
        notes.unknown(
            format!("structures.{entry}"),
            format!("`{operation}` is not described"),
            Vec::new(),
        );
    };
    if let Some((name, fields)) = model.returned("GetResourcesOfType") {
        let found = resource_fields(notes, "resourceInfo", fields);
        profile.structures.resource_info = Some(ResourceInfoNames {
            structure: Some(name.to_owned()),
            guid: found.guid,
            name: found.name,
            resource_type: found.resource_type,
            description: found.description,
            standing,
        });
    } else {
        absent(notes, "resourceInfo", "GetResourcesOfType");
    }
    if let Some((name, fields)) = model.returned("GetResource") {
        let found = resource_fields(notes, "resource", fields);
        let classes = pick(fields, |field| {
            field.kind.eq_ignore_ascii_case("ArrayOfDataClassData")
        });
        profile.structures.resource = Some(ResourceNames {
            structure: Some(name.to_owned()),
            guid: found.guid,
            name: found.name,
            resource_type: found.resource_type,
            description: found.description,
            data_classes: notes.only("structures.resource.dataClasses".into(), &classes),
            standing,
        });
    } else {
        absent(notes, "resource", "GetResource");
    }
    if let Some((name, fields)) = model.returned("GetResourceStructureList") {
        profile.structures.resource_structure =
            Some(type_names(notes, "resourceStructure", name, fields));
    } else {
        absent(notes, "resourceStructure", "GetResourceStructureList");
    }
    if let Some((name, fields)) = model.returned("GetRelationshipsForResourceType") {
        let path = |name: &str| format!("structures.relationship.{name}");
        let own = pick(fields, |field| {
            is_guid(field) && !says(field, "parent") && !says(field, "child")
        });
        let own = match own.len() {
            0 | 1 => own,
            _ => own
                .into_iter()
                .filter(|field| !says(field, "resource"))
                .collect(),
        };
        profile.structures.relationship = Some(RelationshipNames {
            structure: Some(name.to_owned()),
            guid: notes.only(path("guid"), &own),
            name: notes.only(
                path("name"),
                &name_field(fields)
                    .into_iter()
                    .filter(|field| !says(field, "parent") && !says(field, "child"))
                    .collect::<Vec<_>>(),
            ),
            parent_type: notes.only(
                path("parentType"),
                &pick(fields, |field| is_guid(field) && says(field, "parent")),
            ),
            child_type: notes.only(
                path("childType"),
                &pick(fields, |field| is_guid(field) && says(field, "child")),
            ),
            standing,
        });
    } else {
        absent(notes, "relationship", "GetRelationshipsForResourceType");
    }
}

/// Names of a structure that has a GUID and a name.
pub(super) fn type_names(
    notes: &mut Notes,
    entry: &str,
    name: &str,
    fields: &[Field],
) -> TypeNames {
    let guids = pick(fields, is_guid);
    let guids = match guids.len() {
        0 | 1 => guids,
        // A structure may name its base as well.
        _ => guids
            .into_iter()
            .filter(|field| !says(field, "base") && !says(field, "parent"))
            .collect(),
    };
    let mut names = name_field(fields);
    if names.is_empty() {
        names = pick(fields, |field| is_text(field) && says(field, "name"));
    }
    if names.is_empty() {
        // By shape: a structure of a GUID and one text.
        names = pick(fields, is_text);
    }
    TypeNames {
        structure: Some(name.to_owned()),
        guid: notes.only(format!("structures.{entry}.guid"), &guids),
        name: notes.only(format!("structures.{entry}.name"), &names),
        standing: Standing::Discovered,
    }
}

/// The structures of the profile.
pub(super) const STRUCTURES: [&str; 4] = [
    "resourceInfo",
    "resource",
    "resourceStructure",
    "relationship",
];

/// Where one element name stands in a profile, by `structure.element`; `None` where the structure is not there.
fn slot<'a>(profile: &'a mut Profile, element: &str) -> Option<&'a mut Option<String>> {
    let (structure, name) = element.split_once('.')?;
    let structures = &mut profile.structures;
    match structure {
        "resourceInfo" => {
            let names = structures.resource_info.as_mut()?;
            match name {
                "guid" => Some(&mut names.guid),
                "name" => Some(&mut names.name),
                "resourceType" => Some(&mut names.resource_type),
                "description" => Some(&mut names.description),
                _ => None,
            }
        }
        "resource" => {
            let names = structures.resource.as_mut()?;
            match name {
                "guid" => Some(&mut names.guid),
                "name" => Some(&mut names.name),
                "resourceType" => Some(&mut names.resource_type),
                "description" => Some(&mut names.description),
                "dataClasses" => Some(&mut names.data_classes),
                _ => None,
            }
        }
        "resourceStructure" => {
            let names = structures.resource_structure.as_mut()?;
            match name {
                "guid" => Some(&mut names.guid),
                "name" => Some(&mut names.name),
                _ => None,
            }
        }
        "relationship" => {
            let names = structures.relationship.as_mut()?;
            match name {
                "guid" => Some(&mut names.guid),
                "name" => Some(&mut names.name),
                "parentType" => Some(&mut names.parent_type),
                "childType" => Some(&mut names.child_type),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Reads one element name of a profile.
pub(super) fn get(profile: &Profile, element: &str) -> Option<String> {
    slot(&mut profile.clone(), element)?.clone()
}

/// Writes one element name into a profile.
pub(super) fn set(profile: &mut Profile, element: &str, name: Option<String>) {
    if let Some(slot) = slot(profile, element) {
        *slot = name;
    }
}

/// The elements that a structure has by the description.
pub(super) fn fields_of(model: &Wsdl, element: &str) -> Vec<String> {
    let operation = match element.split_once('.').map(|(structure, _)| structure) {
        Some("resourceInfo") => "GetResourcesOfType",
        Some("resource") => "GetResource",
        Some("resourceStructure") => "GetResourceStructureList",
        _ => "GetRelationshipsForResourceType",
    };
    model
        .returned(operation)
        .map_or_else(Vec::new, |(_, fields)| {
            fields.iter().map(|field| field.name.clone()).collect()
        })
}

/// What an element holds, where somebody is asked for its name.
pub(super) fn meaning(element: &str) -> &'static str {
    match element {
        "resourceInfo.guid" => "the element with the GUID of a resource, in lists",
        "resourceInfo.name" => "the element with the name of a resource, in lists",
        "resourceInfo.resourceType" => "the element with the type of a resource, in lists",
        "resourceInfo.description" => "the element with the description of a resource, in lists",
        "resource.guid" => "the element with the GUID of a resource",
        "resource.name" => "the element with the name of a resource",
        "resource.resourceType" => "the element with the type of a resource",
        "resource.description" => "the element with the description of a resource",
        "resource.dataClasses" => "the element with the data classes of a resource",
        "resourceStructure.guid" => "the element with the GUID of a type",
        "resourceStructure.name" => "the element with the name of a type",
        "relationship.guid" => "the element with the GUID of an association",
        "relationship.name" => "the element with the name of an association",
        "relationship.parentType" => "the element with the type of an association's parent",
        _ => "the element with the type of an association's child",
    }
}
