//! A first profile: what can be told about a server by name and by shape, and what cannot.
//!
//! I/O, through the reader; the judgements are pure. Nothing is guessed: of several candidates none is taken, and all
//! are listed. Everything found has the standing `discovered`, which is good for reading only.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Guid, Name, Role};
use crate::profile::{
    AssociatedTypeArgument, Association, Profile, RelationshipNames, ResourceType, RoleRule,
    ServerEntry, ServiceEntry, ServiceName, Standing, TcpipClass, TypeNames, TypeRole,
};
use crate::smp::resource_model;
use crate::smp::wsdl::{self, Wsdl};
use crate::smp::{ReadError, Reader};

use super::RefreshError;
use super::prove;
use super::shape::{Notes, evidence, structures, type_names};

/// The resource type of computers, which the vendor documents.
pub(super) const COMPUTER: Guid = Guid::from_u128(0x4934_35f7_3b17_4c4c_b07f_c23e_7ab7_781f);

/// Something that an entry may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name or element name.
    pub name: String,
    /// Its GUID, where it has one.
    pub guid: Option<Guid>,
}

/// What was found out about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The path of the entry: `types.site`.
    pub entry: String,
    /// Whether it was filled in.
    pub found: bool,
    /// What it rests on, or why it stays unknown.
    pub evidence: String,
    /// What it may be, where that could not be told.
    pub candidates: Vec<Candidate>,
}

/// A first profile and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The profile.
    pub profile: Profile,
    /// One finding an entry.
    pub findings: Vec<Finding>,
    /// The version that the operations prove at least.
    pub version: Option<&'static str>,
}

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

type Named = (Guid, String);

fn parse_named(rows: Vec<[Option<String>; 2]>) -> Vec<Named> {
    rows.into_iter()
        .filter_map(|[guid, name]| Some((guid?.parse().ok()?, name.unwrap_or_default())))
        .collect()
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
        .map(|(guid, name)| Candidate {
            name: name.clone(),
            guid: Some(*guid),
        })
        .collect())
}

/// Finds out what can be found out about a server.
///
/// `reader` may have an empty profile; what it knows already is kept where nothing better is found.
pub async fn discover(reader: &Reader, server: &Name) -> Result<Discovery, RefreshError> {
    let url = reader.transport().url().to_owned();
    let read = |source: ReadError| RefreshError::Read {
        url: url.clone(),
        source,
    };
    let mut notes = Notes(Vec::new());
    let guid = reader
        .computer(server)
        .await
        .map_err(read)?
        .ok_or_else(|| RefreshError::UnknownServer {
            name: server.clone(),
        })?;
    let mut profile = Profile::empty(ServerEntry {
        name: server.clone(),
        guid,
        build: None,
    });
    notes.found("server.guid", "GetComputerByNameAndDomain");

    let mut operations = BTreeSet::new();
    let mut model = None;
    for service in ServiceName::ALL {
        match reader.wsdl(service).await {
            Ok(wsdl) => {
                profile.services.insert(
                    service,
                    ServiceEntry {
                        namespace: wsdl.namespace.clone(),
                        standing: Standing::Discovered,
                    },
                );
                notes.found(format!("services.{service}"), "targetNamespace of its WSDL");
                operations.extend(wsdl.operations.iter().cloned());
                match service {
                    ServiceName::ResourceModel => model = Some(wsdl),
                    ServiceName::ReportManagement => {
                        let parameters = wsdl.parameters("RunReportWithParameters");
                        if let [_, second] = parameters {
                            profile.calls.report_parameters = Some(second.name.clone());
                            notes.found("calls.reportParameters", "second parameter by its WSDL");
                        }
                    }
                    _ => {}
                }
            }
            Err(error) if error.fatal() => return Err(read(error)),
            Err(error) => notes.unknown(
                format!("services.{service}"),
                super::reason(&error),
                Vec::new(),
            ),
        }
    }
    if let Some(model) = &model {
        structures(&mut profile, model, &mut notes);
        prove::structures(reader, &mut profile, model, &mut notes)
            .await
            .map_err(read)?;
        world(reader, &mut profile, model, &mut notes)
            .await
            .map_err(read)?;
    }
    Ok(Discovery {
        profile,
        findings: notes.0,
        version: wsdl::version(&operations),
    })
}

/// Finds types, associations, data classes and how calls take their type, on the live server.
async fn world(
    start: &Reader,
    profile: &mut Profile,
    model: &Wsdl,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let reader = start.with_profile(Arc::new(profile.clone()));
    let types = match &profile.structures.resource_structure {
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
                    notes.unknown("types", super::reason(&error), Vec::new());
                    Vec::new()
                }
            }
        }
        _ => Vec::new(),
    };
    find_types(profile, &types, notes);
    find_services(&reader, profile, &types, notes).await?;
    find_associations(&reader, profile, notes).await?;
    find_addresses(&reader, profile, model, notes).await?;
    find_type_argument(start, profile, notes).await
}

fn find_types(profile: &mut Profile, types: &[Named], notes: &mut Notes) {
    let entry = |(guid, name): &Named| ResourceType {
        guid: Some(*guid),
        name: Some(name.clone()),
        standing: Standing::Discovered,
    };
    for role in [
        TypeRole::Computer,
        TypeRole::Site,
        TypeRole::Subnet,
        TypeRole::SiteService,
        TypeRole::Package,
    ] {
        let path = format!("types.{}", role.as_str());
        let found = if role == TypeRole::Computer {
            types
                .iter()
                .find(|(guid, _)| *guid == COMPUTER)
                .ok_or_else(Vec::new)
        } else {
            by_name(types, type_words(role))
        };
        match found {
            Ok(found) => {
                notes.found(path, format!("type `{}`", found.1));
                let entry = Some(entry(found));
                let types = &mut profile.types;
                match role {
                    TypeRole::Computer => types.computer = entry,
                    TypeRole::Site => types.site = entry,
                    TypeRole::Subnet => types.subnet = entry,
                    TypeRole::SiteService => types.site_service = entry,
                    TypeRole::Package => types.package = entry,
                }
            }
            Err(candidates) => notes.unknown(path, "no one type has the name", candidates),
        }
    }
    for role in Role::ALL {
        let path = format!("roles.{role}");
        match by_name(types, role_words(role)) {
            Ok((guid, name)) => {
                notes.found(path, format!("type `{name}`"));
                let rule = Some(RoleRule {
                    resource_type: Some(*guid),
                    name: None,
                    standing: Standing::Discovered,
                });
                match role {
                    Role::Package => profile.roles.package = rule,
                    Role::Task => profile.roles.task = rule,
                    Role::NetworkBoot => profile.roles.network_boot = rule,
                    Role::Monitor => profile.roles.monitor = rule,
                }
            }
            Err(candidates) => notes.unknown(path, "no one type has the name", candidates),
        }
    }
}

/// Finds the type of site services by what ties them to computers, where its name does not tell it.
async fn find_services(
    reader: &Reader,
    profile: &mut Profile,
    types: &[Named],
    notes: &mut Notes,
) -> Result<(), ReadError> {
    if profile.types.site_service.is_some() {
        return Ok(());
    }
    let Some(guid) = prove::service_type(reader, profile).await? else {
        return Ok(());
    };
    let Some((guid, name)) = types.iter().find(|(known, _)| *known == guid) else {
        return Ok(());
    };
    profile.types.site_service = Some(ResourceType {
        guid: Some(*guid),
        name: Some(name.clone()),
        standing: Standing::Discovered,
    });
    notes.amend(Finding {
        entry: "types.siteService".into(),
        found: true,
        evidence: format!(
            "type `{name}`, by the association `{}`",
            prove::SERVICE_TO_COMPUTER
        ),
        candidates: Vec::new(),
    });
    Ok(())
}

/// Finds the associations by the types at their ends.
async fn find_associations(
    reader: &Reader,
    profile: &mut Profile,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let Some(RelationshipNames {
        guid: Some(guid),
        name,
        parent_type: Some(parent),
        child_type: Some(child),
        ..
    }) = profile.structures.relationship.clone()
    else {
        notes.unknown(
            "associations",
            "`structures.relationship` is not wholly known",
            Vec::new(),
        );
        return Ok(());
    };
    let names = [guid, name.unwrap_or_else(|| "Name".into()), parent, child];
    for (entry, whole, member) in [
        ("subnetToSite", TypeRole::Site, TypeRole::Subnet),
        ("serverToSite", TypeRole::Site, TypeRole::Computer),
        (
            "serviceToComputer",
            TypeRole::SiteService,
            TypeRole::Computer,
        ),
    ] {
        let path = format!("associations.{entry}");
        let (Some(whole_type), Some(member_type)) =
            (profile.type_guid(whole), profile.type_guid(member))
        else {
            notes.unknown(path, "the types at its ends are not known", Vec::new());
            continue;
        };
        let found = between(reader, (whole, whole_type), (member, member_type), &names).await;
        let found = match found {
            Ok(found) => found,
            Err(error) if error.fatal() => return Err(error),
            Err(error) => {
                notes.unknown(path, super::reason(&error), Vec::new());
                continue;
            }
        };
        if let [(guid, name, parent)] = found.as_slice() {
            notes.found(
                path,
                format!("association `{name}`, the only one between these types; whether it replaces is not known"),
            );
            let association = Some(Association {
                guid: Some(*guid),
                name: Some(name.clone()),
                parent: *parent,
                replaces: None,
                standing: Standing::Discovered,
            });
            let associations = &mut profile.associations;
            match entry {
                "subnetToSite" => associations.subnet_to_site = association,
                "serverToSite" => associations.server_to_site = association,
                _ => associations.service_to_computer = association,
            }
        } else {
            let candidates = found
                .iter()
                .map(|(guid, name, _)| Candidate {
                    name: name.clone(),
                    guid: Some(*guid),
                })
                .collect();
            notes.unknown(
                path,
                format!(
                    "expected one association between these types, found {}",
                    found.len()
                ),
                candidates,
            );
        }
    }
    Ok(())
}

/// The associations between two types: GUID, name, and which of the two is the parent.
async fn between(
    reader: &Reader,
    (whole, whole_type): (TypeRole, Guid),
    (member, member_type): (TypeRole, Guid),
    names: &[String; 4],
) -> Result<Vec<(Guid, String, TypeRole)>, ReadError> {
    let mut found: Vec<(Guid, String, TypeRole)> = Vec::new();
    for as_parent in [true, false] {
        let call = resource_model::get_relationships_for_resource_type(whole_type, as_parent);
        for [guid, name, parent, child] in reader.structures(&call, names.clone()).await? {
            let parsed = |text: Option<String>| text?.parse::<Guid>().ok();
            let (Some(guid), Some(parent), Some(child)) =
                (parsed(guid), parsed(parent), parsed(child))
            else {
                continue;
            };
            let side = if (parent, child) == (whole_type, member_type) {
                whole
            } else if (parent, child) == (member_type, whole_type) {
                member
            } else {
                continue;
            };
            if !found.iter().any(|(known, _, _)| *known == guid) {
                found.push((guid, name.unwrap_or_default(), side));
            }
        }
    }
    Ok(found)
}

/// Finds the data class with addresses and proves its fields on the SMP's own computer.
async fn find_addresses(
    reader: &Reader,
    profile: &mut Profile,
    model: &Wsdl,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let path = "dataClasses.tcpip";
    let mut inner = Notes(Vec::new());
    let names = match model.returned("GetDataClassesForResourceType") {
        Some((name, fields)) => {
            let mut names = type_names(&mut inner, "dataClass", name, fields);
            prove::data_classes(reader, fields, &mut names, &mut inner).await?;
            Some(names)
        }
        None => None,
    };
    let (
        Some(TypeNames {
            guid: Some(guid),
            name: Some(name),
            ..
        }),
        Some(computer),
    ) = (names, profile.type_guid(TypeRole::Computer))
    else {
        notes.unknown(path, "data classes are not described", Vec::new());
        return Ok(());
    };
    let call = resource_model::get_data_classes_for_resource_type(computer);
    let classes = match reader.structures(&call, [guid, name]).await {
        Ok(rows) => parse_named(rows),
        Err(error) if error.fatal() => return Err(error),
        Err(error) => {
            notes.unknown(path, super::reason(&error), Vec::new());
            return Ok(());
        }
    };
    evidence(&classes, notes);
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
