//! What discovery finds in the world of a server: types, associations, the data class of addresses, how calls take their
//! types, roles.
//!
//! I/O, through the reader. Each part stands on those before it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::build::ModelDescription;
use super::candidates::{self, Named, Relation, Shapes};
use super::choose::Candidate;
use super::decide::{Entry, Run};
use super::shape::{Notes, evidence, type_names};
use super::{prove, roles};
use crate::model::{Guid, Role};
use crate::profile::{
    AssociatedTypeArgument, Association, Profile, ResourceType, Standing, TcpipClass, TypeNames,
    TypeRole,
};
use crate::smp::resource_model;
use crate::smp::wsdl::Wsdl;
use crate::smp::{ReadError, Reader};

/// The resource type of computers, which the vendor documents.
pub(super) const COMPUTER: Guid = Guid::from_u128(0x4934_35f7_3b17_4c4c_b07f_c23e_7ab7_781f);

/// Names by which the types are known, in the languages of the console.
fn type_words(role: TypeRole) -> &'static [&'static str] {
    match role {
        TypeRole::Computer => &["computer"],
        TypeRole::Site => &["site", "standort"],
        TypeRole::Subnet => &["subnet", "subnetz"],
        TypeRole::SiteService => &["site service", "standortdienst"],
        TypeRole::Package => &["software package", "softwarepaket", "software-paket"],
    }
}

fn role_words(role: Role) -> &'static [&'static str] {
    match role {
        Role::Package => &[
            "package service",
            "package server",
            "paketdienst",
            "paketserver",
        ],
        Role::Task => &[
            "task service",
            "task server",
            "taskdienst",
            "taskserver",
            "aufgabendienst",
        ],
        Role::NetworkBoot => &[
            "network boot service",
            "netzwerkstartdienst",
            "netzwerk-boot-dienst",
        ],
        Role::Monitor => &["monitor service", "monitordienst", "überwachungsdienst"],
    }
}

/// The associations, with the whole and the member of each.
const ASSOCIATIONS: [(&str, TypeRole, TypeRole); 3] = [
    ("subnetToSite", TypeRole::Site, TypeRole::Subnet),
    ("serverToSite", TypeRole::Site, TypeRole::Computer),
    (
        "serviceToComputer",
        TypeRole::SiteService,
        TypeRole::Computer,
    ),
];

pub(super) fn parse_named(rows: Vec<[Option<String>; 2]>) -> Vec<Named> {
    rows.into_iter()
        .filter_map(|[guid, name]| Some((guid?.parse().ok()?, name.unwrap_or_default())))
        .collect()
}

/// A thing by what somebody wrote: its GUID, else its name.
pub(super) fn named<'a>(all: &'a [Named], text: &str) -> Option<&'a Named> {
    let wanted: Option<Guid> = text.trim().parse().ok();
    let mut fitting = all.iter().filter(|(guid, name)| match wanted {
        Some(wanted) => *guid == wanted,
        None => name.trim().eq_ignore_ascii_case(text.trim()),
    });
    let found = fitting.next();
    found.filter(|_| fitting.next().is_none())
}

/// The one of `all` with one of the names; else those whose name contains one.
fn by_name<'a>(all: &'a [Named], words: &[&str]) -> Result<&'a Named, Vec<Candidate>> {
    let folded = |name: &str| name.trim().to_lowercase();
    let exact: Vec<&Named> = all
        .iter()
        .filter(|(_, name)| words.contains(&folded(name).as_str()))
        .collect();
    if let [one] = exact.as_slice() {
        return Ok(one);
    }
    let near = if exact.is_empty() {
        all.iter()
            .filter(|(_, name)| words.iter().any(|word| folded(name).contains(word)))
            .collect()
    } else {
        exact
    };
    Err(near
        .into_iter()
        .map(|(guid, name)| Candidate::named(name.clone(), Some(*guid)))
        .collect())
}

/// Finds types, associations, data classes and how calls take their type, on the live server.
pub(super) async fn find(
    start: &Reader,
    run: &mut Run<'_, '_>,
    model: &Wsdl,
) -> Result<(), ReadError> {
    let reader = start.with_profile(Arc::new(run.profile.clone()));
    let types = match &run.profile.structures.resource_structure {
        Some(TypeNames {
            guid: Some(guid),
            name: Some(name),
            ..
        }) => {
            let call = resource_model::get_resource_structure_list();
            match reader.structures(&call, [guid.clone(), name.clone()]).await {
                Ok(rows) => parse_named(rows),
                Err(error) if error.fatal() => return Err(error),
                Err(error) => {
                    let reason = super::reason(&error);
                    run.notes.unknown("types", reason, Vec::new());
                    Vec::new()
                }
            }
        }
        _ => Vec::new(),
    };
    let shapes = Shapes::look(&reader).await?;
    find_types(&reader, run, &types, &shapes).await?;
    find_associations(&reader, run).await?;
    let mut notes = Notes(Vec::new());
    let kept = run.keep("dataClasses.tcpip", |_| true);
    find_addresses(&reader, &mut run.profile, model, &mut notes, kept).await?;
    run.notes.0.append(&mut notes.0);
    roles::provisional(run, &types, role_words);
    let mut notes = Notes(Vec::new());
    find_type_argument(start, &mut run.profile, &mut notes).await?;
    run.notes.0.append(&mut notes.0);
    let reader = start.with_profile(Arc::new(run.profile.clone()));
    for role in Role::ALL {
        let path = format!("roles.{role}");
        let here = |known: &Profile| {
            let kind = known.roles.of(role).and_then(|rule| rule.resource_type);
            kind.is_none_or(|kind| types.iter().any(|(guid, _)| *guid == kind))
        };
        if run.keep(&path, here) {
            continue;
        }
        *run.profile.roles.slot(role) = None;
    }
    roles::find(&reader, run, &types, role_words).await
}

/// What a role of a type is called where somebody is asked.
fn type_meaning(role: TypeRole) -> &'static str {
    match role {
        TypeRole::Computer => "the type of computers",
        TypeRole::Site => "the type of sites",
        TypeRole::Subnet => "the type of subnets",
        TypeRole::SiteService => "the base type of site services",
        TypeRole::Package => "the type of software packages",
    }
}

async fn find_types(
    reader: &Reader,
    run: &mut Run<'_, '_>,
    types: &[Named],
    shapes: &Shapes,
) -> Result<(), ReadError> {
    let mut taken = BTreeSet::new();
    for role in TypeRole::ALL {
        let path = format!("types.{}", role.as_str());
        let here = |known: &Profile| {
            let guid = known.types.of(role).and_then(|entry| entry.guid);
            guid.is_some_and(|guid| types.iter().any(|(found, _)| *found == guid))
        };
        if run.keep(&path, here) {
            taken.extend(run.profile.type_guid(role));
            continue;
        }
        let entry = |guid: Guid, name: String| ResourceType {
            guid: Some(guid),
            name: Some(name),
            standing: Standing::Discovered,
        };
        if role == TypeRole::Computer {
            // Documented: nobody needs to be asked.
            match types.iter().find(|(guid, _)| *guid == COMPUTER) {
                Some((guid, name)) => {
                    run.notes.found(path, format!("type `{name}`"));
                    run.profile.types.computer = Some(entry(*guid, name.clone()));
                    taken.insert(*guid);
                }
                None => run
                    .notes
                    .unknown(path, "no type has the documented GUID", Vec::new()),
            }
            continue;
        }
        let (mut candidates, mut fits) = candidates::of_type(types, shapes, role, type_words(role));
        if role == TypeRole::Package && fits.is_none() {
            // Named in a language that is not known, or by several names: what the package service knows is one.
            let (mut told, base) = candidates::packages(reader, types, &taken).await?;
            fits = base;
            let known: Vec<Option<Guid>> = told.iter().map(|found| found.guid).collect();
            candidates.retain(|candidate| !known.contains(&candidate.guid));
            told.append(&mut candidates);
            candidates = told;
        }
        let otherwise = format!(
            "no one type is told by name or shape, {} may be it",
            candidates.len()
        );
        let resolve = |text: &str| {
            named(types, text).map(|(guid, name)| Candidate::named(name.clone(), Some(*guid)))
        };
        let chosen = run.decide(Entry {
            path,
            wanted: type_meaning(role).into(),
            kind: "type",
            candidates,
            fits,
            otherwise,
            resolve: &resolve,
        });
        if let Some(Candidate {
            name,
            guid: Some(guid),
            evidence: _, // in the finding
        }) = chosen
        {
            taken.insert(guid);
            *run.profile.types.slot(role) = Some(entry(guid, name));
        }
    }
    Ok(())
}

/// Finds the associations by the types at their ends.
async fn find_associations(reader: &Reader, run: &mut Run<'_, '_>) -> Result<(), ReadError> {
    let readable = run
        .profile
        .structures
        .relationship
        .as_ref()
        .is_some_and(|names| {
            names.guid.is_some() && names.parent_type.is_some() && names.child_type.is_some()
        });
    for (entry, whole, member) in ASSOCIATIONS {
        let path = format!("associations.{entry}");
        let ends = (run.profile.type_guid(whole), run.profile.type_guid(member));
        let (true, (Some(whole_type), Some(member_type))) = (readable, ends) else {
            if run.keep(&path, |_| true) {
                continue;
            }
            let why = if readable {
                "the types at its ends are not known"
            } else {
                "`structures.relationship` is not wholly known"
            };
            run.notes.unknown(path, why, Vec::new());
            continue;
        };
        let found = candidates::between(reader, (whole, whole_type), (member, member_type)).await;
        let found = match found {
            Ok(found) => found,
            Err(error) if error.fatal() => return Err(error),
            Err(error) => {
                if !run.keep(&path, |_| true) {
                    run.notes.unknown(path, super::reason(&error), Vec::new());
                }
                continue;
            }
        };
        association(run, entry, (whole, member), &found);
    }
    Ok(())
}

/// Has one association decided among those between two types.
fn association(
    run: &mut Run<'_, '_>,
    entry: &str,
    (whole, member): (TypeRole, TypeRole),
    found: &[(Relation, TypeRole)],
) {
    let path = format!("associations.{entry}");
    let here = |known: &Profile| {
        let associations = &known.associations;
        let known = match entry {
            "subnetToSite" => &associations.subnet_to_site,
            "serverToSite" => &associations.server_to_site,
            _ => &associations.service_to_computer,
        };
        known.as_ref().is_some_and(|known| {
            found.iter().any(|(relation, parent)| {
                Some(relation.guid) == known.guid && *parent == known.parent
            })
        })
    };
    if run.keep(&path, here) {
        return;
    }
    let documented: Vec<usize> = found
        .iter()
        .enumerate()
        .filter(|(_, (relation, _))| relation.is_documented())
        .map(|(index, _)| index)
        .collect();
    let fits = match (found.len(), documented.as_slice()) {
        (1, _) => Some(0),
        (_, [one]) if entry == "serviceToComputer" => Some(*one),
        _ => None,
    };
    let options: Vec<Candidate> = found
        .iter()
        .map(|(relation, parent)| Candidate {
            name: relation.name.clone(),
            guid: Some(relation.guid),
            evidence: format!("its parent is the {}", parent.as_str()),
        })
        .collect();
    let resolve = |text: &str| {
        let all: Vec<Named> = options
            .iter()
            .filter_map(|option| Some((option.guid?, option.name.clone())))
            .collect();
        let (guid, _) = named(&all, text)?;
        options
            .iter()
            .find(|option| option.guid == Some(*guid))
            .cloned()
    };
    let chosen = run.decide(Entry {
        path,
        wanted: format!(
            "the association of a {} with a {}",
            member.as_str(),
            whole.as_str()
        ),
        kind: "association",
        candidates: options.clone(),
        fits,
        otherwise: format!(
            "expected one association between these types, found {}",
            found.len()
        ),
        resolve: &resolve,
    });
    let Some((relation, parent)) = chosen.and_then(|chosen| {
        found
            .iter()
            .find(|(relation, _)| Some(relation.guid) == chosen.guid)
    }) else {
        return;
    };
    let association = Some(Association {
        guid: Some(relation.guid),
        name: Some(relation.name.clone()),
        parent: *parent,
        replaces: None,
        standing: Standing::Discovered,
    });
    let associations = &mut run.profile.associations;
    match entry {
        "subnetToSite" => associations.subnet_to_site = association,
        "serverToSite" => associations.server_to_site = association,
        _ => associations.service_to_computer = association,
    }
}

/// The elements with the GUID and the name of a data class, where both can be told.
async fn class_elements(reader: &Reader, model: &Wsdl) -> Result<Option<[String; 2]>, ReadError> {
    let Some((name, fields)) = model.returned("GetDataClassesForResourceType") else {
        return Ok(None);
    };
    let mut inner = Notes(Vec::new());
    let mut names = type_names(&mut inner, "dataClass", name, fields);
    prove::data_classes(reader, fields, &mut names, &mut inner).await?;
    Ok(names.guid.zip(names.name).map(|(guid, name)| [guid, name]))
}

/// The data classes of a type of resources.
pub(crate) async fn data_classes_of(
    reader: &Reader,
    model: &ModelDescription,
    kind: Guid,
) -> Result<Vec<(Guid, String)>, ReadError> {
    let Some(names) = class_elements(reader, &model.0).await? else {
        return Ok(Vec::new());
    };
    let call = resource_model::get_data_classes_for_resource_type(kind);
    Ok(parse_named(reader.structures(&call, names).await?))
}

/// Finds the data class with addresses and proves its fields on the SMP's own computer.
async fn find_addresses(
    reader: &Reader,
    profile: &mut Profile,
    model: &Wsdl,
    notes: &mut Notes,
    kept: bool,
) -> Result<(), ReadError> {
    let path = "dataClasses.tcpip";
    let (Some(names), Some(computer)) = (
        class_elements(reader, model).await?,
        profile.type_guid(TypeRole::Computer),
    ) else {
        if !kept {
            notes.unknown(path, "data classes are not described", Vec::new());
        }
        return Ok(());
    };
    let call = resource_model::get_data_classes_for_resource_type(computer);
    let classes = match reader.structures(&call, names).await {
        Ok(rows) => parse_named(rows),
        Err(error) if error.fatal() => return Err(error),
        Err(error) => {
            notes.unknown(path, super::reason(&error), Vec::new());
            return Ok(());
        }
    };
    evidence(&classes, notes);
    if kept {
        return Ok(());
    }
    let (guid, _) = match by_name(
        &classes,
        &["aex ac tcpip", "aex ac tcp/ip", "inv_aex_ac_tcpip"],
    ) {
        Ok(found) => found,
        Err(candidates) => {
            notes.unknown(path, "no one data class has the name", candidates);
            return Ok(());
        }
    };
    let class = TcpipClass {
        guid: *guid,
        host_name: "Host Name".into(),
        domain: "Primary DNS Suffix".into(),
        address: "IP Address".into(),
        mask: "Subnet Mask".into(),
        standing: Standing::Discovered,
    };
    let mut with_class = profile.clone();
    with_class.data_classes.tcpip = Some(class.clone());
    let prober = reader.with_profile(Arc::new(with_class));
    match prober.inventory(profile.server.guid).await {
        Ok(_) => {
            notes.found(path, "its table for the SMP has the documented columns");
            profile.data_classes.tcpip = Some(class);
        }
        Err(error) if error.fatal() => return Err(error),
        Err(error) => notes.unknown(path, super::reason(&error), Vec::new()),
    }
    Ok(())
}

/// Finds out which type the calls about associations take, by looking for the computers of site services.
async fn find_type_argument(
    start: &Reader,
    profile: &mut Profile,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let path = "calls.associatedTypeArgument";
    let Some(association) = profile.associations.service_to_computer.clone() else {
        notes.unknown(
            path,
            "`associations.serviceToComputer` is not known",
            Vec::new(),
        );
        return Ok(());
    };
    let mut working = Vec::new();
    for argument in [
        AssociatedTypeArgument::Return,
        AssociatedTypeArgument::Given,
    ] {
        let mut trial = profile.clone();
        trial.calls.associated_type_argument = Some(argument);
        let reader = start.with_profile(Arc::new(trial));
        let services = match super::servers::list_services(&reader).await {
            Ok(services) => services,
            Err(error) if error.fatal() => return Err(error),
            Err(_) => continue,
        };
        // A few suffice: one that answers is proof.
        for service in services.iter().take(10) {
            let found = reader
                .associated(
                    &association,
                    (TypeRole::SiteService, service.guid),
                    TypeRole::Computer,
                    None,
                    crate::profile::Ability::ReadServices,
                )
                .await;
            match found {
                Ok(found) if !found.is_empty() => {
                    working.push(argument);
                    break;
                }
                Err(error) if error.fatal() => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
    }
    if let [argument] = working.as_slice() {
        profile.calls.associated_type_argument = Some(*argument);
        notes.found(path, "only so the computers of site services are returned");
    } else {
        notes.unknown(
            path,
            format!(
                "{} of the two ways return the computers of site services",
                working.len()
            ),
            Vec::new(),
        );
    }
    Ok(())
}
