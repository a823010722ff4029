//! Facts, clients, registrations, hierarchy and events against canned answers: shapes that differ, and what goes wrong.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use super::tests::{guid, item, parameter, reader, table, world};
use super::*;
use crate::model::{Facts, Fetch, Guid, Load, Name, Observed, Snapshot, Surroundings};
use crate::profile::{FactKind, Profile, Report, ReportKind, Standing};
use crate::smp::testing::{Got, Said, answer, profile, serve, soap};

/// A field of a row.
fn field(name: &str, value: &str) -> String {
    format!("<F><Value>{value}</Value><FieldName>{name}</FieldName></F>")
}

/// The rows of one data class, each of fields.
fn class(id: &str, rows: &[&[(&str, &str)]]) -> String {
    let row = |row: &&[(&str, &str)]| {
        let fields: Vec<String> = row.iter().map(|(name, value)| field(name, value)).collect();
        let fields = fields.concat();
        format!("<R><DataElements>{fields}</DataElements></R>")
    };
    let rows = rows.iter().map(row).collect::<Vec<_>>().concat();
    format!(
        "<D><DataRows>{rows}</DataRows><DataClassGUID>{}</DataClassGUID></D>",
        guid(id)
    )
}

fn resource(id: &str, classes: &str) -> String {
    format!(
        "<X><DataClasses>{classes}</DataClasses><Guid>{}</Guid><Name>R{id}</Name></X>",
        guid(id)
    )
}

fn address(host: &str, address: &str) -> String {
    class(
        "dd01",
        &[&[
            ("Host Name", host),
            ("Primary DNS Suffix", "corp.example"),
            ("IP Address", address),
            ("Subnet Mask", "255.255.255.0"),
        ]],
    )
}

/// Beside the two site servers there are two clients, and a computer that is not managed; site 2 was imported.
fn fetched(got: &Got) -> String {
    let managed = |yes: &str| {
        class(
            "dd07",
            &[&[("Managed", yes), ("IIS", "1"), ("Status", " up ")]],
        )
    };
    let registered = |server: &str| class("dd02", &[&[("ServerGuid", server)]]);
    let braced = format!("{{{}}}", guid("c1")).to_uppercase();
    [
        (
            "c1",
            class(
                "dd05",
                &[&[("OS Name", "Windows Server 2022"), ("Framework", "4.8")]],
            ) + &class("dd06", &[&[("Agent Name", "A")], &[("Agent Name", "B")]])
                + &managed("1")
                + &address("SMP01", "10.0.1.10")
                + &class(
                    "dd04",
                    &[
                        &[("Packages", "7"), ("Tasks", "2")],
                        &[("Packages", "1"), ("Tasks", "0")],
                    ],
                ),
        ),
        (
            "c2",
            class(
                "dd05",
                &[
                    &[("OS Name", "Windows"), ("Framework", "4.8")],
                    &[("OS Name", "Linux"), ("Framework", "")],
                ],
            ) + &managed("0"),
        ),
        (
            "c4",
            managed("1")
                + &address("PC4", "10.0.1.104")
                + &registered(&braced)
                + &class("dd06", &[&[("Agent Name", "A")]]),
        ),
        (
            "c5",
            managed("1") + &address("PC5", "10.0.2.105") + &registered(&Guid::NIL.to_string()),
        ),
        ("c6", managed("0") + &address("PC6", "10.0.2.106")),
        ("2", class("dd08", &[&[("Source", "ACTIVE directory")]])),
        ("1", class("dd08", &[&[("Source", "by hand")]])),
    ]
    .into_iter()
    .filter(|(id, _)| got.body.contains(&guid(id).to_string()))
    .map(|(id, classes)| resource(id, &classes))
    .collect()
}

/// The world of the other tests with what surrounds it.
fn surrounded(got: &Got) -> Said {
    let method = got.method();
    let result = match method.as_str() {
        "GetResourcesOfType" if parameter(got, "resourceTypeGUID").starts_with("493435f7") => {
            ["c1", "c2", "c4", "c5", "c6"]
                .map(|id| item(id, id, "c"))
                .concat()
        }
        "GetResources" if got.body.contains("dataClassTypesToFetchGUIDs><guid>") => fetched(got),
        "IsHierarchyMember" => "true".to_owned(),
        "IsHierarchyManaged" => parameter(got, "itemGuid").ends_with('2').to_string(),
        _ => return world(got),
    };
    soap(&method, &result)
}

/// A profile without the facts that the tests of others need.
fn known() -> Profile {
    profile()
}

fn asked() -> Scope {
    Scope {
        surroundings: true,
        sites: [Name::new("hq"), Name::new("branch")].into(),
        ..Scope::default()
    }
}

async fn seen(profile: Profile, said: impl Fn(&Got) -> Said + Send + Sync + 'static) -> Snapshot {
    let server = serve(said).await;
    let reader = reader(&server, profile);
    refresh(&reader, &asked(), &|_| ()).await.unwrap()
}

fn reason<T>(part: &Observed<T>, expect: &str) {
    match part {
        Observed::Known(_) => panic!("known, expected {expect}"),
        Observed::Unavailable(reason) => assert!(reason.contains(expect), "{reason}"),
    }
}

#[tokio::test]
async fn rows_of_data_classes_become_facts_and_clients() {
    let snapshot = seen(known(), surrounded).await;
    let Surroundings {
        facts,
        clients,
        registrations,
        hierarchy,
        imported,
        ..
    } = &snapshot.surroundings;
    let smp = &facts[&guid("c1")];
    assert_eq!(
        smp.operating_system,
        Observed::Known("Windows Server 2022".into())
    );
    assert_eq!(smp.managed, Observed::Known(true));
    assert_eq!(smp.answering, Observed::Known(true));
    assert_eq!(
        smp.plug_ins.known().map(Arc::as_ref),
        Some(&[Name::new("a"), Name::new("b")].into())
    );
    // No evidence, no data class, no row, two answers: each is not known, and says why.
    reason(&smp.cem_mode, "`evidence.facts.cemMode` (unknown)");
    reason(&smp.http_server, "`evidence.facts.httpServer.dataClass`");
    let other = &facts[&guid("c2")];
    reason(&other.plug_ins, "no row by `evidence.facts.plugIns`");
    reason(&other.operating_system, "found `Linux`, `Windows`");
    assert_eq!(other.dotnet, Observed::Known("4.8".into()));
    assert_eq!(other.managed, Observed::Known(false));

    let clients = clients.known().unwrap();
    let names: Vec<&str> = clients.iter().map(|client| client.name.as_str()).collect();
    assert_eq!(names, ["PC4.corp.example", "PC5.corp.example"]);
    assert_eq!(clients[0].addresses, [("10.0.1.104".parse().unwrap(), 24)]);
    assert_eq!(clients[0].plug_ins.as_ref().unwrap().len(), 1);
    assert_eq!(clients[1].plug_ins, None);
    assert_eq!(
        *registrations,
        Observed::Known([(guid("c4"), guid("c1"))].into())
    );
    let hierarchy = hierarchy.known().unwrap();
    assert!(hierarchy.member);
    assert_eq!(hierarchy.replicated, [guid("2")].into());
    assert_eq!(*imported, Observed::Known([guid("2")].into()));
}

#[tokio::test]
async fn what_the_server_refuses_is_unavailable_and_no_more() {
    let snapshot = seen(known(), |got| match got.method().as_str() {
        "GetResources" if got.body.contains("dataClassTypesToFetchGUIDs><guid>") => {
            answer(500, "Altiris.ASDK.ASDKInsufficientPermissionException: no")
        }
        "IsHierarchyMember" => answer(404, "<html/>"),
        _ => surrounded(got),
    })
    .await;
    assert!(snapshot.sites.known().is_some());
    let found = &snapshot.surroundings;
    let refused = "ASDKInsufficientPermissionException";
    reason(&found.facts[&guid("c1")].iis, refused);
    reason(&found.clients, refused);
    reason(&found.registrations, refused);
    reason(&found.imported, refused);
    reason(&found.hierarchy, "404");
}

#[tokio::test]
async fn a_field_of_another_name_is_not_an_empty_one() {
    let mut profile = known();
    for (kind, value) in [(FactKind::Iis, "Other"), (FactKind::DirectoryImport, "X")] {
        profile.evidence.facts.get_mut(&kind).unwrap().value = value.into();
    }
    if let Some(evidence) = &mut profile.evidence.task_registrations {
        evidence.server = "Y".into();
    }
    let snapshot = seen(profile, surrounded).await;
    let found = &snapshot.surroundings;
    let smp: &Facts = &found.facts[&guid("c1")];
    reason(&smp.iis, "expected a field `Other`");
    assert_eq!(smp.managed, Observed::Known(true));
    reason(&found.imported, "expected a field `X`");
    reason(&found.registrations, "expected a field `Y`");
    assert!(found.clients.known().is_some());
}

/// Rows of nobody are no clients by the hundred, and no proof that there are none.
#[tokio::test]
async fn nobody_managed_is_not_taken_for_nobody() {
    let mut profile = known();
    if let Some(fact) = profile.evidence.facts.get_mut(&FactKind::Managed) {
        fact.data_class = Some(guid("dd99"));
    }
    let snapshot = seen(profile, surrounded).await;
    reason(&snapshot.surroundings.clients, "the SMP itself");
}

#[tokio::test]
async fn too_many_computers_are_left_to_reports() {
    let snapshot = seen(known(), |got| {
        let computers = got.method() == "GetResourcesOfType"
            && parameter(got, "resourceTypeGUID").starts_with("493435f7");
        if computers {
            let many: String = (0..5_001)
                .map(|number: u32| item(&format!("7{number:07x}"), "pc", "c"))
                .collect();
            return soap("GetResourcesOfType", &many);
        }
        surrounded(got)
    })
    .await;
    for part in [
        snapshot.surroundings.clients.reason(),
        snapshot.surroundings.registrations.reason(),
    ] {
        let reason = part.unwrap();
        assert!(reason.starts_with("5001 computers"), "{reason}");
        assert!(reason.contains("`sitewright profile install-reports`"));
    }
    // Servers are few.
    assert!(
        snapshot.surroundings.facts[&guid("c1")]
            .iis
            .known()
            .is_some()
    );
}

fn with_reports(mut profile: Profile) -> Profile {
    for (kind, id) in [
        (ReportKind::Facts, "d4"),
        (ReportKind::Computers, "d5"),
        (ReportKind::Registrations, "d6"),
        (ReportKind::PlugIns, "d7"),
    ] {
        *profile.reports.entry(kind) = Some(Report {
            guid: guid(id),
            standing: Standing::Operator,
        });
    }
    profile
}

fn reported(got: &Got) -> Said {
    if got.method() != "RunReport" {
        return surrounded(got);
    }
    let (c1, c4) = (guid("c1").to_string(), guid("c4").to_string());
    let (c2, site) = (guid("c2").to_string(), guid("2").to_string());
    let result = match parameter(got, "reportItemGuid").chars().last() {
        Some('4') => table(
            &["Value", "Fact", "ResourceGuid"],
            &[
                &["4.8", "dotnet", &c1],
                &["1", "httpServer", &c1],
                &["Active Directory", "directoryImport", &site],
                &["Active Directory", "directoryImport", &c4],
                &["A", "plugIns", &c1],
                &["B", "plugIns", &c1],
            ],
        ),
        Some('5') => table(
            &["Mask", "Address", "Domain", "HostName", "ComputerGuid"],
            &[
                &["255.255.0.0", "10.0.1.104", "corp.example", "PC4", &c4],
                &["255.255.0.0", "10.0.1.4", "corp.example", "PC4", &c4],
                &["255.255.0.0", "10.0.2.10", "corp.example", "SITE01", &c2],
                &["255.255.0.0", "10.0.1.10", "corp.example", "SMP01", &c1],
            ],
        ),
        Some('6') => table(
            &["ServerGuid", "ComputerGuid"],
            &[&[&c1, &c4], &[&c1, &c2], &[&c2, &c2]],
        ),
        _ => table(&["PlugIn", "ComputerGuid"], &[&["A", &c4]]),
    };
    soap("RunReport", &result)
}

#[tokio::test]
async fn reports_tell_the_same_in_one_request_each() {
    let server = serve(reported).await;
    let reader = reader(&server, with_reports(known()));
    let snapshot = refresh(&reader, &asked(), &|_| ()).await.unwrap();
    let found = &snapshot.surroundings;
    let smp = &found.facts[&guid("c1")];
    assert_eq!(smp.dotnet, Observed::Known("4.8".into()));
    assert_eq!(smp.http_server, Observed::Known(true));
    assert_eq!(smp.plug_ins.known().unwrap().len(), 2);
    reason(&smp.iis, "no row by `evidence.facts.iis`");
    let clients = found.clients.known().unwrap();
    assert_eq!(clients.len(), 1);
    assert_eq!(clients[0].addresses.len(), 2);
    assert_eq!(clients[0].addresses[0].1, 16);
    assert_eq!(clients[0].plug_ins.as_ref().unwrap().len(), 1);
    // Of SITE01 there are rows for two servers: nobody can tell which holds.
    assert_eq!(
        found.registrations,
        Observed::Known([(guid("c4"), guid("c1"))].into())
    );
    assert_eq!(found.imported, Observed::Known([guid("2")].into()));
    assert_eq!(server.count("RunReport"), 4);
    // Nothing is fetched but the names of servers.
    let seen = server.seen.lock().unwrap();
    let rows = seen
        .iter()
        .filter(|got| got.body.contains("dataClassTypesToFetchGUIDs><guid>"));
    assert_eq!(rows.count(), 0);
}

#[tokio::test]
async fn a_report_of_other_columns_takes_its_part_only() {
    let snapshot = seen(with_reports(known()), |got| {
        if got.method() == "RunReport" && parameter(got, "reportItemGuid").ends_with('4') {
            return soap("RunReport", &table(&["ResourceGuid", "Value"], &[]));
        }
        if got.method() == "GetItemByGuid" {
            let item = format!("<Guid>{}</Guid>", parameter(got, "itemGuid"));
            return soap("GetItemByGuid", &item);
        }
        reported(got)
    })
    .await;
    let found = &snapshot.surroundings;
    reason(&found.facts[&guid("c1")].dotnet, "the column `Fact`");
    reason(&found.imported, "the column `Fact`");
    assert_eq!(found.clients.known().unwrap().len(), 1);
}

#[tokio::test]
async fn events_are_read_of_whom_it_is_asked() {
    let (client, package) = (guid("c4"), guid("f0001"));
    let said = move |got: &Got| {
        let method = got.method();
        match method.as_str() {
            "GetResources" if got.body.contains(&guid("dd03").to_string()) => {
                let (package, server) = (package.to_string(), format!("{{{}}}", guid("c2")));
                let rows = class(
                    "dd03",
                    &[
                        &[("Package", &package), ("Server", &server), ("Time", "noon")],
                        &[("Package", &package), ("Server", ""), ("Time", "")],
                    ],
                );
                soap(&method, &resource("c4", &rows))
            }
            "RunDeploymentSolutionTask" => {
                let image = format!(
                    r"&lt;L&gt;&lt;I&gt;&lt;Name&gt;Golden&lt;/Name&gt;&lt;ResourceGuid&gt;{package}&lt;/ResourceGuid&gt;&lt;Location&gt;\\DEPLOY01\a\b&lt;/Location&gt;&lt;/I&gt;&lt;/L&gt;"
                );
                // The profile does not know the namespace of the service: it goes as a form, and comes as one.
                assert!(
                    got.body.contains("xml=%3CDeploymentItem%3E"),
                    "{}",
                    got.body
                );
                answer(
                    200,
                    &format!(
                        "<DSDetails><Success>true</Success><ReturnXML>{image}</ReturnXML></DSDetails>"
                    ),
                )
            }
            _ => surrounded(got),
        }
    };
    let server = serve(said).await;
    let asked = reader(&server, known());
    let found = happenings(&asked, &[client, guid("c9")], &[guid("c1"), guid("c2")])
        .await
        .unwrap();
    assert_eq!(
        found.fetches,
        Observed::Known(vec![Fetch {
            client,
            package,
            server: guid("c2"),
            time: Some("noon".into())
        }])
    );
    let load = Load {
        package: 8,
        task: 2,
    };
    assert_eq!(found.load, Observed::Known([(guid("c1"), load)].into()));
    let images = found.images.known().unwrap();
    assert_eq!(images[0].host, Some(Name::new("deploy01")));

    // Nobody says how to read locations, nor where the rest stands.
    let mut poor = known();
    poor.evidence = crate::profile::Evidence::default();
    let found = happenings(&reader(&server, poor), &[client], &[])
        .await
        .unwrap();
    reason(&found.fetches, "`evidence.packageSources` (unknown)");
    reason(&found.load, "`evidence.serverLoad` (unknown)");
    assert_eq!(found.images.known().unwrap()[0].host, None);

    // Fields of other names, and Deployment Solution not installed.
    let mut wrong = known();
    if let Some(evidence) = &mut wrong.evidence.package_sources {
        evidence.server = "From".into();
    }
    if let Some(evidence) = &mut wrong.evidence.server_load {
        evidence.task_requests = "Packages".into();
        evidence.package_requests = "None".into();
    }
    let without = serve(move |got: &Got| {
        if got.method() == "RunDeploymentSolutionTask" {
            return answer(404, "<html/>");
        }
        said(got)
    })
    .await;
    let found = happenings(&reader(&without, wrong), &[client], &[guid("c1")])
        .await
        .unwrap();
    reason(&found.fetches, "expected a field `From`");
    reason(&found.load, "expected a field `None`");
    reason(&found.images, "404");
}

#[tokio::test]
async fn imaging_tools_are_read_where_they_are_asked_for() {
    let server = serve(|got| {
        if got.method() == "GetResourcesOfType"
            && parameter(got, "resourceTypeGUID").ends_with("aa04")
        {
            let listed = item("f0001", "Golden", "aa04") + &item("f0003", "DriversDB", "aa04");
            return soap("GetResourcesOfType", &listed);
        }
        surrounded(got)
    })
    .await;
    let reader = reader(&server, known());
    let read = async |imaging_tools| {
        let scope = Scope {
            imaging_tools,
            ..Scope::default()
        };
        let snapshot = refresh(&reader, &scope, &|_| ()).await.unwrap();
        snapshot.assignments.into_keys().collect::<Vec<Guid>>()
    };
    assert_eq!(read(false).await, []);
    assert_eq!(read(true).await, [guid("f0003")]);
}
