//! The refresh and the looks against a tiny server that answers in a shape of its own.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::panic,
    reason = "tests"
)]

use std::fmt::Write as _;
use std::sync::Arc;

use super::*;
use crate::model::{
    Action, Assignment, ConsoleStep, Guid, Name, Observed, PackageRef, PackageSelector, Role,
    RunId, ServerRef, ServiceRole, SiteRef,
};
use crate::profile::{AssociatedTypeArgument, Profile, Report, Standing, TypeRole};
use crate::smp::testing::{Got, Said, Server, answer, profile, serve, soap};
use crate::smp::{Connection, Reader, Transport};

pub(super) fn guid(text: &str) -> Guid {
    format!("00000000-0000-0000-0000-{text:0>12}")
        .parse()
        .unwrap()
}

pub(super) fn item(id: &str, name: &str, kind: &str) -> String {
    format!(
        "<X><Description>about {name}</Description><ResourceTypeGuid>{}</ResourceTypeGuid><Guid>{{{}}}</Guid><Name>{name}</Name></X>",
        guid(kind),
        guid(id)
    )
}

pub(super) fn table(columns: &[&str], rows: &[&[&str]]) -> String {
    let mut xml = String::from(
        "<NewDataSet><xs:schema xmlns:xs='x'><xs:element name='NewDataSet'><xs:complexType><xs:choice><xs:element name='Table1'><xs:complexType><xs:sequence>",
    );
    for column in columns {
        let _ = write!(
            xml,
            "<xs:element name='{}'/>",
            column.replace(' ', "_x0020_")
        );
    }
    xml.push_str("</xs:sequence></xs:complexType></xs:element></xs:choice></xs:complexType></xs:element></xs:schema>");
    for row in rows {
        xml.push_str("<Table1>");
        for (column, cell) in columns.iter().zip(*row) {
            let column = column.replace(' ', "_x0020_");
            let _ = write!(xml, "<{column}>{cell}</{column}>");
        }
        xml.push_str("</Table1>");
    }
    xml + "</NewDataSet>"
}

/// What stands between the tags of a parameter.
pub(super) fn parameter<'a>(got: &'a Got, name: &str) -> &'a str {
    let start = got
        .body
        .find(&format!("<{name}>"))
        .map(|at| at + name.len() + 2);
    start.map_or("", |start| {
        got.body[start..].split('<').next().unwrap_or_default()
    })
}

/// A world: two sites, three subnets, two site servers, one package, one task.
pub(super) fn world(got: &Got) -> Said {
    let method = got.method();
    let ends_with = |name: &str, id: &str| parameter(got, name).ends_with(&format!("{id:0>12}"));
    let result = match method.as_str() {
        "GetComputerByNameAndDomain" => match parameter(got, "name") {
            "SMP01" => guid("c1").to_string(),
            "NEW01" => guid("c3").to_string(),
            _ => Guid::NIL.to_string(),
        },
        "GetResourceByName" => match parameter(got, "name") {
            "hq" => guid("1").to_string(),
            "10.0.1.0/24" => guid("11").to_string(),
            _ => Guid::NIL.to_string(),
        },
        "GetResourcesOfType" => match parameter(got, "resourceTypeGUID").chars().last() {
            Some('1') if ends_with("resourceTypeGUID", "aa01") => {
                item("2", "Branch", "aa01") + &item("1", "HQ", "aa01")
            }
            Some('2') => {
                item("12", "10.0.2.0/24", "aa02")
                    + &item("11", "10.0.1.0/24", "aa02")
                    + &item("13", "printers", "aa02")
            }
            Some('3') => {
                item("21", "Package Service on SMP01", "cc01")
                    + &item("22", "Task Service on SMP01", "cc02")
                    + &item("23", "Other", "cc03")
            }
            Some('4') => item("f0001", "Golden", "aa04") + &item("f0002", "Golden", "aa04"),
            // Services of the package role's own type.
            _ => item("21", "Package Service on SMP01", "cc01") + &item("24", "P", "cc01"),
        },
        "GetAssociatedChildResources" | "GetAssociatedParentResources" => {
            let child = method.contains("Child");
            let id = parameter(got, "resourceGUID").trim_start_matches(['0', '-']);
            let association = parameter(got, "associationType").chars().last();
            let kind = parameter(got, "resourceTypeGUID");
            match (child, association, id) {
                (true, Some('1'), "1") => item("11", "10.0.1.0/24", "aa02"),
                (false, Some('1'), "11") => item("1", "HQ", "aa01"),
                // The profile says that here the computer is the parent.
                (false, Some('2'), "2") => item("c2", "site01", "c"),
                (true, Some('3'), "21" | "22" | "23") if !kind.ends_with("aa03") => {
                    item("c1", "SMP01", "c")
                }
                (true, Some('3'), "24") if !kind.ends_with("aa03") => item("c2", "SITE01", "c"),
                (false, Some('3'), "c2") if kind.ends_with("cc01") => item("24", "P", "cc01"),
                _ => String::new(),
            }
        }
        "GetResource" => match parameter(got, "resourceGUID").chars().last() {
            Some('1') => {
                format!(
                    "<Guid>{}</Guid><Name>n</Name><Description>d</Description>",
                    guid("1")
                )
            }
            _ => {
                return answer(
                    500,
                    "Altiris.ASDK.ASDKDoesNotExistException: no such resource",
                );
            }
        },
        "GetResources" => item("c2", "SITE01.corp.example", "c"),
        "GetDataClassData" => {
            let columns = [
                "Host Name",
                "Primary DNS Suffix",
                "IP Address",
                "Subnet Mask",
            ];
            if ends_with("resourceGuid", "c1") {
                table(
                    &columns,
                    &[&["SMP01", "corp.example", "10.0.1.10", "255.255.255.0"]],
                )
            } else if ends_with("resourceGuid", "c3") {
                table(&columns, &[])
            } else {
                return answer(
                    500,
                    "<html><head><title>Runtime Error</title></head></html>",
                );
            }
        }
        "GetPackage" => format!(
            "<Guid>{}</Guid><PackageServerAssigments>INDIVIDUALLY</PackageServerAssigments><PackageServers>{}</PackageServers>",
            parameter(got, "packageGuid"),
            guid("c1")
        ),
        "GetItemsByName" => format!(
            "<ItemDetails><Guid>{}</Guid><Name>t</Name></ItemDetails>",
            guid("e2")
        ),
        "ExportItemXmlString" => match parameter(got, "itemGuid").trim_start_matches(['0', '-']) {
            "1" => "&lt;item&gt;&lt;siteSettings constrained=\"True\"/&gt;&lt;/item&gt;".to_owned(),
            "2" => {
                "&lt;item&gt;&lt;siteSettings constrained=\"maybe\"/&gt;&lt;/item&gt;".to_owned()
            }
            "ee01" => "&lt;item&gt;&lt;settings/&gt;&lt;/item&gt;".to_owned(),
            _ => format!(
                "&lt;item&gt;&lt;step package=\"{}\"/&gt;&lt;/item&gt;",
                guid("f0002")
            ),
        },
        "RunReportWithParameters" => {
            let parameters = parameter(got, "parameters");
            if ends_with("reportItemGuid", "d3") {
                table(
                    &["PackageGuid", "ServerGuid", "State"],
                    &[
                        &[&guid("f0001").to_string(), &guid("c1").to_string(), "2"],
                        &[&guid("f0001").to_string(), &guid("c2").to_string(), "1"],
                    ],
                )
            } else {
                let (parent, child) = match parameters.chars().last() {
                    Some('1') => ("1", "11"),
                    Some('2') => ("c2", "2"),
                    _ => ("21", "c1"),
                };
                table(
                    &["ParentGuid", "ChildGuid"],
                    &[&[&guid(parent).to_string(), &guid(child).to_string()]],
                )
            }
        }
        "RunReport" => table(
            &["ComputerGuid", "HostName", "Domain", "Address", "Mask"],
            &[
                &[
                    &guid("c1").to_string(),
                    "SMP01",
                    "corp.example",
                    "10.0.1.10",
                    "255.255.255.0",
                ],
                &[
                    &guid("c2").to_string(),
                    "SITE01",
                    "corp.example",
                    "10.0.2.10",
                    "255.255.0.0",
                ],
            ],
        ),
        _ => return answer(500, &format!("System.Exception: {method}")),
    };
    soap(&method, &result)
}

pub(super) fn reader(server: &Server, profile: Profile) -> Reader {
    let connection = Connection::new(server.url.clone(), RunId("test".into()));
    Reader::new(Transport::new(connection).unwrap(), Arc::new(profile))
}

fn scope() -> Scope {
    Scope {
        servers: [Name::new("NEW01.corp.example"), Name::new("nobody")].into(),
        packages: vec![
            PackageSelector::Name(Name::new("golden")),
            PackageSelector::Task(Name::new("Deploy Win11")),
        ],
        constrain: [Name::new("hq"), Name::new("branch")].into(),
        capture_target: true,
        ..Scope::default()
    }
}

fn with_reports(mut profile: Profile) -> Profile {
    let report = |id| {
        Some(Report {
            guid: guid(id),
            standing: Standing::Operator,
        })
    };
    profile.reports.associations = report("d1");
    profile.reports.servers = report("d2");
    profile.reports.holders = report("d3");
    profile
}

#[tokio::test]
async fn refreshes_without_reports() {
    let server = serve(world).await;
    let reader = reader(&server, profile());
    let snapshot = refresh(&reader, &scope(), &|_| ()).await.unwrap();
    assert_eq!(snapshot.platform.server, guid("c1"));
    let sites = snapshot.sites.known().unwrap();
    assert_eq!(sites[0].name, Name::new("HQ"));
    assert_eq!(sites[0].description, Observed::Known("about HQ".into()));
    assert_eq!(sites[0].constrained, Observed::Known(true));
    assert!(sites[0].servers.is_empty());
    assert_eq!(sites[1].servers, [guid("c2")].into());
    assert!(sites[1].constrained.reason().unwrap().contains("`maybe`"));
    let subnets = snapshot.subnets.known().unwrap();
    assert_eq!(subnets[0].sites, [guid("1")]);
    assert!(subnets[1].sites.is_empty());
    assert_eq!(subnets[2].subnet, Err("printers".into()));
    let services = snapshot.services.known().unwrap();
    assert_eq!(
        services
            .iter()
            .map(|service| service.role.clone())
            .collect::<Vec<_>>(),
        [
            ServiceRole::Known(Role::Package),
            ServiceRole::Known(Role::Task),
            ServiceRole::Other("Other".into()),
            ServiceRole::Known(Role::Package),
        ]
    );
    assert_eq!(
        snapshot.roles_of(guid("c2")),
        Observed::Known([Role::Package].into())
    );
    let smp = &snapshot.computers[&guid("c1")];
    assert_eq!(smp.addresses.known().unwrap().len(), 1);
    let site01 = &snapshot.computers[&guid("c2")];
    assert_eq!(site01.name, Name::new("SITE01"));
    assert!(site01.addresses.reason().unwrap().contains("Runtime Error"));
    assert_eq!(
        snapshot.computers[&guid("c3")].name,
        Name::new("NEW01.corp.example")
    );
    assert_eq!(snapshot.computers.len(), 3);
    assert_eq!(snapshot.packages.known().unwrap().len(), 2);
    assert_eq!(
        snapshot.assignments[&guid("f0001")],
        Observed::Known(Assignment::Servers([guid("c1")].into()))
    );
    assert!(
        snapshot.holders[&guid("f0001")]
            .reason()
            .unwrap()
            .contains("reports.holders")
    );
    assert_eq!(
        snapshot.tasks[&Name::new("Deploy Win11")],
        Observed::Known([guid("f0001"), guid("f0002")].into())
    );
    assert_eq!(snapshot.capture_target, Observed::Known(None));
    assert_eq!(snapshot.unplaced.len(), 1, "{:?}", snapshot.unplaced);
}

#[tokio::test]
async fn refreshes_with_reports_in_few_requests() {
    let server = serve(world).await;
    let reader = reader(&server, with_reports(profile()));
    let scope = Scope {
        packages: vec![PackageSelector::Name(Name::new("golden"))],
        ..Scope::default()
    };
    let snapshot = refresh(&reader, &scope, &|_| ()).await.unwrap();
    assert_eq!(snapshot.subnets.known().unwrap()[0].sites, [guid("1")]);
    assert_eq!(
        snapshot.sites.known().unwrap()[1].servers,
        [guid("c2")].into()
    );
    assert_eq!(
        snapshot.holders[&guid("f0001")],
        Observed::Known([guid("c1")].into())
    );
    let site01 = &snapshot.computers[&guid("c2")];
    assert_eq!(site01.name, Name::new("SITE01.corp.example"));
    // One call, to see that calls can be relied upon.
    assert_eq!(
        server.count("GetAssociatedChildResources") + server.count("GetAssociatedParentResources"),
        1
    );
    assert_eq!(server.count("GetDataClassData"), 0);
    assert_eq!(server.count("GetPackage"), 2);
    // Server, four lists and one by a role's type, three associations, that call, servers, two packages, holders.
    assert_eq!(server.seen.lock().unwrap().len(), 14);
}

#[tokio::test]
async fn a_wrong_argument_or_direction_is_not_taken_for_emptiness() {
    let server = serve(world).await;
    let mut wrong = profile();
    wrong.calls.associated_type_argument = Some(AssociatedTypeArgument::Given);
    let snapshot = refresh(&reader(&server, wrong), &scope(), &|_| ())
        .await
        .unwrap();
    for reason in [
        snapshot.services.reason(),
        snapshot.subnets.reason(),
        snapshot.sites.reason(),
    ] {
        assert!(
            reason
                .unwrap()
                .contains("no site service of the SMP itself")
        );
    }

    // Without reports the calls ask for the wrong side, and find nobody.
    let mut wrong = profile();
    if let Some(association) = &mut wrong.associations.subnet_to_site {
        association.parent = TypeRole::Subnet;
    }
    let snapshot = refresh(&reader(&server, wrong), &scope(), &|_| ())
        .await
        .unwrap();
    assert!(
        snapshot
            .subnets
            .reason()
            .unwrap()
            .contains("the other way round")
    );

    let mut wrong = with_reports(profile());
    if let Some(association) = &mut wrong.associations.subnet_to_site {
        association.parent = TypeRole::Subnet;
    }
    let snapshot = refresh(&reader(&server, wrong), &scope(), &|_| ())
        .await
        .unwrap();
    assert!(
        snapshot
            .subnets
            .reason()
            .unwrap()
            .contains("the other way round")
    );
    assert!(snapshot.services.known().is_some());
}

#[tokio::test]
async fn what_the_profile_lacks_is_unavailable() {
    let server = serve(world).await;
    let bare = Profile::empty(profile().server);
    let snapshot = refresh(&reader(&server, bare), &scope(), &|_| ())
        .await
        .unwrap();
    assert!(
        snapshot
            .sites
            .reason()
            .unwrap()
            .contains("`types.site` (unknown)")
    );
    assert!(
        snapshot
            .packages
            .reason()
            .unwrap()
            .contains("`types.package`")
    );
    assert!(
        snapshot
            .capture_target
            .reason()
            .unwrap()
            .contains("settings.captureTarget")
    );
}

#[tokio::test]
async fn another_server_is_an_error() {
    let server = serve(world).await;
    let mut other = profile();
    other.server.guid = guid("c9");
    let error = refresh(&reader(&server, other), &scope(), &|_| ())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "SW0402");
    let scope = Scope {
        server: Some(Name::new("SMP99.corp.example")),
        ..Scope::default()
    };
    let error = refresh(&reader(&server, profile()), &scope, &|_| ())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "SW0401");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn looks_at_one_step() {
    let server = serve(world).await;
    let reader = reader(&server, with_reports(profile()));
    let hq = SiteRef {
        name: Name::new("hq"),
        guid: Some(guid("1")),
    };
    let born = SiteRef {
        name: Name::new("born"),
        guid: None,
    };
    let computer = ServerRef {
        name: Name::new("SITE01"),
        guid: guid("c2"),
    };
    let package = PackageRef {
        name: Name::new("Golden"),
        guid: guid("f0001"),
    };
    let bindings = Bindings {
        sites: [(Name::new("BORN"), guid("2"))].into(),
        ..Bindings::default()
    };
    let subnet = "10.0.1.0/24".parse().unwrap();
    let create = |name: &str| Action::CreateSite {
        name: Name::new(name),
        description: None,
        protected: false,
    };
    for (action, expect) in [
        (
            create("hq"),
            Seen::Sites(vec![(guid("1"), Name::new("hq"))]),
        ),
        (create("new"), Seen::Sites(vec![])),
        (
            Action::DescribeSite {
                site: hq.clone(),
                before: String::new(),
                after: String::new(),
            },
            Seen::Description(Some("d".into())),
        ),
        (
            Action::DeleteSite { site: born.clone() },
            Seen::Exists(false),
        ),
        (
            Action::CreateSubnet {
                subnet,
                site: hq.clone(),
            },
            Seen::Subnets(vec![(guid("11"), [guid("1")].into())]),
        ),
        (
            Action::DeleteSubnet {
                subnet,
                guid: guid("12"),
                before: vec![],
            },
            Seen::Subnets(vec![]),
        ),
        (
            Action::AssignServer {
                server: computer.clone(),
                site: born,
            },
            Seen::ManualServers([guid("c2")].into()),
        ),
        (
            Action::AwaitHolders {
                package: package.clone(),
                servers: vec![],
            },
            Seen::Holders([guid("c1")].into()),
        ),
        (
            Action::Console(ConsoleStep::InstallRole {
                server: computer,
                role: Role::Package,
            }),
            Seen::Roles([Role::Package].into()),
        ),
        (
            Action::Console(ConsoleStep::Constrain { site: hq, on: true }),
            Seen::Constrained(true),
        ),
        (Action::UpdateDistributionPoints { package }, Seen::Nothing),
    ] {
        let seen = look(&reader, &action, &bindings).await.unwrap();
        assert_eq!(seen, Observed::Known(expect), "{action:?}");
    }
    let unreadable = Action::Console(ConsoleStep::InvalidSubnets {
        expression: "x".into(),
    });
    assert!(
        look(&reader, &unreadable, &bindings)
            .await
            .unwrap()
            .reason()
            .is_some()
    );
    let unbound = Action::DeleteSite {
        site: SiteRef {
            name: Name::new("who"),
            guid: None,
        },
    };
    assert!(look(&reader, &unbound, &bindings).await.is_err());
}

/// A description with the structures of `ResourceModel`, in names of its own.
fn model_wsdl(extra_guid: &str) -> String {
    let operations = [
        ("GetResourceStructureList", "ResourceStructureInfo"),
        (
            "GetRelationshipsForResourceType",
            "ResourceRelationshipStructure",
        ),
        ("GetDataClassesForResourceType", "DataClassStructure"),
        ("GetResourcesOfType", "ResourceDataInfo"),
        ("GetResource", "ResourceData"),
    ];
    let mut wsdl = String::from("<d:definitions xmlns:d='w' targetNamespace='urn:found/'><schema>");
    for (operation, kind) in operations {
        let result = if operation == "GetResource" {
            kind.to_owned()
        } else {
            format!("ArrayOf{kind}")
        };
        let _ = write!(
            wsdl,
            "<element name='{operation}Response'><complexType><sequence><element name='{operation}Result' type='t:{result}'/></sequence></complexType></element>\
             <complexType name='ArrayOf{kind}'><sequence><element name='{kind}' type='t:{kind}'/></sequence></complexType>"
        );
    }
    for (kind, fields) in [
        (
            "ResourceStructureInfo",
            "TypeId:guid TypeName:string BaseTypeId:guid",
        ),
        (
            "ResourceRelationshipStructure",
            "Id:guid Name:string ParentTypeId:guid ChildTypeId:guid",
        ),
        ("DataClassStructure", "ClassGuid:string ClassName:string"),
        (
            "ResourceDataInfo",
            &format!("Guid:guid {extra_guid} Name:string ResourceTypeGuid:guid Description:string"),
        ),
        (
            "ResourceData",
            "Guid:guid Name:string ResourceTypeGuid:guid Description:string DataClasses:ArrayOfDataClassData",
        ),
    ] {
        let _ = write!(wsdl, "<complexType name='{kind}'><sequence>");
        for (name, of) in fields
            .split_whitespace()
            .filter_map(|field| field.split_once(':'))
        {
            let _ = write!(wsdl, "<element name='{name}' type='s:{of}'/>");
        }
        wsdl.push_str("</sequence></complexType>");
    }
    wsdl + "</schema><portType><operation name='SaveOrCreateResource'/></portType></d:definitions>"
}

fn discoverable(got: &Got, extra_guid: &str) -> Said {
    let row = |fields: &[(&str, &str)]| {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("<{name}>{value}</{name}>"))
            .collect();
        format!("<R>{}</R>", fields.concat())
    };
    let method = got.method();
    if let Some(service) = method.strip_suffix(".asmx?WSDL") {
        return match service {
            "ResourceModel" => answer(200, &model_wsdl(extra_guid)),
            "DSTaskManagementService" => answer(404, "<html/>"),
            _ => answer(200, "<definitions targetNamespace='urn:other'/>"),
        };
    }
    let result = match method.as_str() {
        "GetResourceStructureList" => {
            [
                ("aa01", "Standort"),
                ("aa02", "Subnetz"),
                ("aa03", "Standortdienst"),
                ("aa04", "Software Package"),
                ("aa05", "softwarepaket"),
                ("cc01", "Paketdienst"),
            ]
            .map(|(id, name)| row(&[("TypeId", &guid(id).to_string()), ("TypeName", name)]))
            .concat()
                + &row(&[
                    ("TypeId", "{493435F7-3B17-4C4C-B07F-C23E7AB7781F}"),
                    ("TypeName", "Computer"),
                ])
        }
        "GetRelationshipsForResourceType" => {
            let computer = "493435f7-3b17-4c4c-b07f-c23e7ab7781f";
            let one = |id: &str, parent: &str, child: &str| {
                row(&[
                    ("Id", &guid(id).to_string()),
                    ("Name", id),
                    ("ParentTypeId", parent),
                    ("ChildTypeId", child),
                ])
            };
            let (site, subnet, service) = (guid("aa01"), guid("aa02"), guid("aa03"));
            one("bb01", &site.to_string(), &subnet.to_string())
                + &one("bb02", &site.to_string(), computer)
                + &one("bb05", computer, &site.to_string())
                + &one("bb03", &service.to_string(), computer)
        }
        "GetDataClassesForResourceType" => [
            ("dd01", "AeX AC TCPIP"),
            ("dd05", "AeX AC Identification"),
            ("dd06", "Something else"),
        ]
        .map(|(id, name)| row(&[("ClassGuid", &guid(id).to_string()), ("ClassName", name)]))
        .concat(),
        "GetResource" if parameter(got, "resourceGUID") == guid("c1").to_string() => {
            format!("<Guid>{}</Guid><Name>SMP01.corp.example</Name>", guid("c1"))
        }
        _ => return world(got),
    };
    soap(&method, &result)
}

/// What is found when only what fits alone is taken.
async fn discovered(reader: &Reader) -> Discovery {
    let wanted = Wanted {
        server: &Name::new("SMP01.corp.example"),
        known: None,
        at: "2026-03-02T08:00:00Z",
    };
    discover(reader, &wanted, &mut accept_exact).await.unwrap()
}

#[tokio::test]
async fn discovers_what_can_be_told() {
    let server = serve(|got| discoverable(got, "")).await;
    let empty = Profile::empty(profile().server);
    let found = discovered(&reader(&server, empty)).await;
    let Discovery {
        profile,
        findings,
        version,
    } = found;
    assert_eq!(version, Some("8.5 RU4"));
    assert_eq!(profile.server.guid, guid("c1"));
    assert_eq!(profile.type_guid(TypeRole::Site), Some(guid("aa01")));
    assert_eq!(profile.type_guid(TypeRole::Package), None);
    let finding = |entry: &str| {
        let found = findings.iter().find(|finding| finding.entry == entry);
        found.unwrap_or_else(|| panic!("{entry} is not among {findings:#?}"))
    };
    let packages = &finding("types.package").candidates;
    for name in ["Software Package", "softwarepaket"] {
        assert!(packages.iter().any(|found| found.name == name), "{name}");
    }
    assert!(!finding("services.DSTaskManagement").found());
    let subnets = profile.associations.subnet_to_site.as_ref().unwrap();
    assert_eq!((subnets.parent, subnets.replaces), (TypeRole::Site, None));
    assert_eq!(subnets.standing, Standing::Discovered);
    assert_eq!(profile.associations.server_to_site, None);
    assert_eq!(finding("associations.serverToSite").candidates.len(), 2);
    assert!(finding("dataClasses.tcpip").found());
    // What no document names is shown and not taken.
    let facts = finding("evidence");
    assert!(!facts.found());
    assert_eq!(facts.candidates.len(), 1);
    assert_eq!(profile.evidence, crate::profile::Evidence::default());
    assert!(finding("roles.package").found());
    assert!(!finding("roles.task").found());
    assert_eq!(
        profile.calls.associated_type_argument,
        Some(AssociatedTypeArgument::Return)
    );
    let text = crate::profile::to_yaml(&profile).unwrap();
    assert_eq!(
        crate::profile::from_yaml("found.yaml", &text).unwrap(),
        profile
    );
}

#[tokio::test]
async fn of_two_names_none_is_taken() {
    let server = serve(|got| discoverable(got, "OwnerGuid:guid")).await;
    let empty = Profile::empty(profile().server);
    let found = discovered(&reader(&server, empty)).await;
    let info = found.profile.structures.resource_info.unwrap();
    assert_eq!(info.guid, None);
    assert_eq!(info.resource_type.as_deref(), Some("ResourceTypeGuid"));
    let finding = found
        .findings
        .iter()
        .find(|finding| finding.entry == "structures.resourceInfo.guid")
        .unwrap();
    assert_eq!(finding.candidates.len(), 2);
}

/// A field that is called a name and holds none is not taken; the one that holds it is, whatever it is called.
#[tokio::test]
async fn names_are_proven_by_values() {
    for (label, expected) in [("smp01", Some("Label")), ("something else", None)] {
        let server = serve(move |got| {
            let computers = got.method() == "GetResourcesOfType"
                && parameter(got, "resourceTypeGUID").starts_with("493435f7");
            if !computers {
                return discoverable(got, "Label:string");
            }
            let one = |id: &str, label: &str| {
                format!(
                    "<R><Guid>{}</Guid><Name>key-{id}</Name><Label>{label}</Label></R>",
                    guid(id)
                )
            };
            soap(&got.method(), &(one("c2", "SITE01") + &one("c1", label)))
        })
        .await;
        let empty = Profile::empty(profile().server);
        let found = discovered(&reader(&server, empty)).await;
        let info = found.profile.structures.resource_info.unwrap();
        assert_eq!(info.name.as_deref(), expected);
        assert_eq!(info.guid.as_deref(), Some("Guid"));
        let mut findings = found.findings.iter();
        let finding = findings.find(|finding| finding.entry == "structures.resourceInfo.name");
        assert_eq!(finding.unwrap().found(), expected.is_some());
    }
}

#[tokio::test]
async fn installs_reports_once() {
    let server = serve(|got| {
        let method = got.method();
        match method.as_str() {
            "CreateFolder" => soap(&method, &format!("<Guid>{}</Guid>", guid("a1"))),
            "CreateReportUsingRawSqlQuery" => {
                soap(&method, &format!("<Guid>{}</Guid>", guid("a2")))
            }
            "GetItemsByName" => soap(&method, ""),
            "GetItemByGuid" => soap(&method, &format!("<Guid>{}</Guid>", guid("a2"))),
            _ => answer(500, "no"),
        }
    })
    .await;
    let connection = Connection::new(server.url.clone(), RunId("test".into()));
    let mut profile = profile();
    let writer = crate::smp::Writer::new(
        crate::smp::WritingTransport::new(connection).unwrap(),
        Arc::new(profile.clone()),
    );
    let parent = guid("a0");
    let declined = install_reports(&writer, &mut profile, parent, &|_| false).await;
    assert_eq!(declined.unwrap_err().code(), "SW0810");
    assert_eq!(server.seen.lock().unwrap().len(), 0);
    let created = install_reports(&writer, &mut profile, parent, &|texts| texts.len() == 7)
        .await
        .unwrap();
    assert_eq!(created.len(), 7);
    assert!(profile.reports.holders.is_some() && profile.reports.plug_ins.is_some());
    let seen = server.seen.lock().unwrap().len();
    let again = install_reports(&writer, &mut profile, parent, &|_| true)
        .await
        .unwrap();
    assert!(again.is_empty());
    // Whether each of the seven is still there is asked, and nothing is written.
    assert_eq!(server.seen.lock().unwrap().len(), seen + 7);
}
