//! What a refresh knows beside sites: facts, clients, registrations, the hierarchy, what a directory imported, and what
//! happened. With reports and without them the same is known, and it is what the simulator itself says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sitewright::model::{
    Client, Desired, Facts, Guid, Happenings, ImagingTool, Name, Observed, Product, Snapshot,
    Surroundings, imaging_packages,
};
use sitewright::observe::{Scope, happenings, writes};
use sitewright::profile::{ProductEntry, ReportKind, Reports, Standing};
use sitewright_sim::{ConsoleAction, Language, Options, Quirk};

use crate::support::{Lab, desired};

/// Sites of the scenario `neglected`, one of each kind that matters here.
const DECLARED: &str = "apiVersion: sitewright/v1
kind: Site
metadata: { name: Replicated_Site }
spec: { subnets: [10.5.0.0/24] }
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec: { subnets: [10.0.0.0/24], servers: [{ name: HQ-003.corp.example }] }
---
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: Deployment_North }
spec: { subnets: [10.1.0.12/32, 10.3.0.0/24], servers: [{ name: DEPLOYN01.corp.example }] }
";

fn neglected(seed: u64) -> Options {
    Options::builtin("neglected").unwrap().with_seed(seed)
}

async fn seen(lab: &Lab) -> Snapshot {
    lab.snapshot(&Scope::of(&desired(DECLARED), None)).await
}

fn name_of(snapshot: &Snapshot, guid: Guid) -> String {
    snapshot.computers[&guid].name.host().to_owned()
}

fn facts_of<'a>(snapshot: &'a Snapshot, host: &str) -> &'a Facts {
    let mut all = snapshot.surroundings.facts.iter();
    let found = all.find(|(guid, _)| name_of(snapshot, **guid) == host);
    found.unwrap_or_else(|| panic!("no facts of {host}")).1
}

fn clients(surroundings: &Surroundings) -> &[Client] {
    match &surroundings.clients {
        Observed::Known(clients) => clients,
        Observed::Unavailable(reason) => panic!("clients: {reason}"),
    }
}

/// Everything that is known, without the reasons for what is not.
fn known(surroundings: &Surroundings) -> String {
    let Surroundings {
        facts,
        clients,
        registrations,
        product,
        hierarchy,
        imported,
        prevention,
        can_constrain,
        reads_constrain,
        writes,
    } = surroundings;
    let facts: BTreeMap<_, _> = facts
        .iter()
        .map(|(guid, facts)| {
            let Facts {
                operating_system,
                managed,
                local,
                asset_active,
                agent_version,
                cem_mode,
                iis,
                http_server,
                dotnet,
                plug_ins,
                inventoried,
                answering,
            } = facts;
            let texts = [operating_system, agent_version, dotnet, inventoried].map(Observed::known);
            let switches = [
                managed,
                local,
                asset_active,
                cem_mode,
                iis,
                http_server,
                answering,
            ]
            .map(Observed::known);
            (guid, (texts, switches, plug_ins.known()))
        })
        .collect();
    format!(
        "{facts:#?}{:#?}{:#?}{product:#?}{:#?}{:#?}{:#?}{can_constrain}{reads_constrain}{writes:?}",
        clients.known(),
        registrations.known(),
        hierarchy.known(),
        imported.known(),
        prevention.known()
    )
}

/// The registrations by name, by the client and by the simulator.
fn registrations(lab: &Lab, snapshot: &Snapshot) -> [BTreeMap<String, String>; 2] {
    let surroundings = &snapshot.surroundings;
    let names: BTreeMap<Guid, String> = clients(surroundings)
        .iter()
        .map(|client| (client.guid, client.name.to_string()))
        .collect();
    let Observed::Known(pairs) = &surroundings.registrations else {
        panic!("{:?}", surroundings.registrations);
    };
    let seen = pairs.iter().filter_map(|(client, server)| {
        let server = snapshot.computers[server].name.to_string();
        Some((names.get(client)?.clone(), server))
    });
    let real = lab.world().clients().into_iter();
    let real = real.filter_map(|client| Some((client.name, client.task_server?)));
    [
        seen.collect(),
        real.filter(|(name, _)| names.values().any(|known| known == name))
            .collect(),
    ]
}

/// What is in the scenario is what is seen, and a server that inventory knows nothing of is not known.
fn check_neglected(lab: &Lab, snapshot: &Snapshot) {
    let surroundings = &snapshot.surroundings;
    let yes = Observed::Known(true);
    let no = Observed::Known(false);
    assert_eq!(facts_of(snapshot, "UNMANAGED01").managed, no);
    assert_eq!(facts_of(snapshot, "ELSEWHERE01").local, no);
    assert_eq!(facts_of(snapshot, "RETIRED01").asset_active, no);
    assert_eq!(facts_of(snapshot, "CLOUD01").cem_mode, yes);
    assert_eq!(facts_of(snapshot, "NOIIS01").iis, no);
    assert_eq!(facts_of(snapshot, "NOHTTP01").http_server, no);
    assert_eq!(facts_of(snapshot, "BRANCHA01").answering, no);
    let sound = facts_of(snapshot, "REGION01");
    for fact in [
        &sound.managed,
        &sound.local,
        &sound.asset_active,
        &sound.iis,
        &sound.http_server,
        &sound.answering,
    ] {
        assert_eq!(*fact, yes, "{sound:#?}");
    }
    assert_eq!(sound.cem_mode, no);
    let text = |text: &str| Observed::Known(text.to_owned());
    assert_eq!(facts_of(snapshot, "OLDNET01").dotnet, text("4.7.2"));
    assert_eq!(
        facts_of(snapshot, "OLDAGENT01").agent_version,
        text("8.6.3")
    );
    assert_eq!(
        facts_of(snapshot, "OLDOS01").operating_system,
        text("Windows Server 2012 R2")
    );
    assert!(sound.inventoried.known().is_some());
    let plug_ins = facts_of(snapshot, "SMP01").plug_ins.known().unwrap();
    assert_eq!(plug_ins.len(), 3);
    assert!(plug_ins.contains(&Name::new("Altiris Client Task Server Agent")));
    // Not known is not no.
    let nothing = facts_of(snapshot, "NODATA01");
    for reason in [
        nothing.managed.reason(),
        nothing.iis.reason(),
        nothing.dotnet.reason(),
        nothing.plug_ins.reason(),
        nothing.inventoried.reason(),
    ] {
        assert!(reason.is_some(), "{nothing:#?}");
    }
    // A declared server that is no site server: no report holds it, and no service does it have to answer for.
    assert!(
        facts_of(snapshot, "HQ-003")
            .operating_system
            .known()
            .is_some()
    );

    check_clients(lab, snapshot);
    check_origins(snapshot);

    // A deployment site is declared: who holds the tools is read along.
    let tools = imaging_packages(snapshot.packages.known().unwrap(), &surroundings.product);
    assert_eq!(tools.len(), ImagingTool::ALL.len(), "{tools:#?}");
    for package in tools.values().flatten() {
        assert!(snapshot.assignments[package].known().is_some());
        assert!(snapshot.holders.contains_key(package));
    }
}

/// Clients are what is no site server: names, addresses, plug-ins as the scenario counts them.
fn check_clients(lab: &Lab, snapshot: &Snapshot) {
    let surroundings = &snapshot.surroundings;
    let found = clients(surroundings);
    assert_eq!(found.len(), 75);
    let mut real: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
    for client in lab.world().clients() {
        real.insert(client.name, client.addresses.into_iter().collect());
    }
    for client in found {
        let addresses = client.addresses.iter().map(|(address, prefix)| {
            assert_eq!(*prefix, 24);
            *address
        });
        assert_eq!(real[client.name.as_str()], addresses.collect());
    }
    let north = |client: &&Client| client.name.as_str().starts_with("NORTH-");
    let without = Name::new("Deployment Solution Plug-in");
    let lacks = found.iter().filter(|client| {
        let plug_ins = client.plug_ins.as_ref().unwrap();
        !plug_ins.contains(&without)
    });
    assert_eq!(lacks.filter(north).count(), 5);
    let [seen, real] = registrations(lab, snapshot);
    assert!(seen.len() > 25, "{seen:#?}");
    assert_eq!(seen, real);
}

/// The SMP has a parent; one site with its subnet came from there, another from the directory.
fn check_origins(snapshot: &Snapshot) {
    let surroundings = &snapshot.surroundings;
    let hierarchy = surroundings.hierarchy.known().unwrap();
    assert!(hierarchy.member);
    let sites = snapshot.sites.known().unwrap();
    let subnets = snapshot.subnets.known().unwrap();
    let named = |guids: &BTreeSet<Guid>| -> Vec<String> {
        let sites = sites.iter().filter(|site| guids.contains(&site.guid));
        let subnets = subnets.iter().filter(|subnet| guids.contains(&subnet.guid));
        sites
            .map(|site| site.name.to_string())
            .chain(subnets.map(|subnet| subnet.subnet.clone().unwrap().to_string()))
            .collect()
    };
    assert_eq!(
        named(&hierarchy.replicated),
        ["Replicated_Site", "10.5.0.0/24"]
    );
    assert_eq!(
        named(surroundings.imported.known().unwrap()),
        ["Directory_Site", "10.4.0.0/24"]
    );
}

#[tokio::test]
async fn the_same_is_known_with_reports_and_without() {
    for (seed, language, quirk) in [
        (1, Language::En, None),
        (7, Language::De, Some(Quirk::ShuffledElements)),
        (4, Language::En, Some(Quirk::Prefixed)),
        (5, Language::En, Some(Quirk::BracedGuids)),
    ] {
        let mut options = neglected(seed).with_language(language);
        if let Some(quirk) = quirk {
            options = options.with_quirk(quirk);
        }
        let mut lab = Lab::start(options);
        let by_calls = seen(&lab).await;
        check_neglected(&lab, &by_calls);
        lab.install_reports().await;
        let by_reports = seen(&lab).await;
        check_neglected(&lab, &by_reports);
        assert_eq!(
            known(&by_reports.surroundings),
            known(&by_calls.surroundings),
            "seed {seed}"
        );
        // Without the element that holds rows they are read one by one.
        if let Some(resource) = &mut lab.profile.structures.resource {
            resource.data_classes = None;
        }
        lab.profile.reports = Reports::default();
        let one_by_one = seen(&lab).await;
        assert_eq!(
            known(&one_by_one.surroundings),
            known(&by_calls.surroundings),
            "seed {seed}"
        );
    }
}

/// Requests of a refresh with reports do not grow with the clients.
#[tokio::test]
async fn reports_read_any_number_of_clients_in_as_many_requests() {
    let mut requests = Vec::new();
    for count in [3, 300] {
        let text = format!(
            "formatVersion: 1
platform: {{ server: SMP01.corp.example, version: '8.7.3' }}
computers:
  - {{ name: SMP01.corp.example, addresses: [10.0.0.10/16], services: [package, task] }}
clients:
  - {{ prefix: PC-, domain: corp.example, first: 10.0.1.0/16, count: {count} }}
"
        );
        let mut lab = Lab::start(Options::text(&text));
        lab.install_reports().await;
        let before = lab.transport.traffic().requests;
        let snapshot = lab.snapshot(&Scope::of(&Desired::default(), None)).await;
        requests.push(lab.transport.traffic().requests - before);
        assert_eq!(clients(&snapshot.surroundings).len(), count);
        // Computers with the same plug-ins share one set.
        let sets: BTreeSet<*const _> = clients(&snapshot.surroundings)
            .iter()
            .map(|client| std::sync::Arc::as_ptr(client.plug_ins.as_ref().unwrap()))
            .collect();
        assert_eq!(sets.len(), 1);
    }
    assert_eq!(requests[0], requests[1]);
}

/// A computer that is not managed is no client, with reports and without.
#[tokio::test]
async fn what_is_not_managed_is_no_client() {
    let mut lab = Lab::start(neglected(3));
    let change = |key: &str, value: &str| {
        let action = ConsoleAction::Fact {
            computer: "HQ-003.corp.example".into(),
            key: key.into(),
            value: value.into(),
        };
        lab.world().console(action).unwrap();
    };
    change("managed", "off");
    let by_calls = seen(&lab).await;
    assert_eq!(clients(&by_calls.surroundings).len(), 74);
    lab.install_reports().await;
    let by_reports = seen(&lab).await;
    assert_eq!(
        known(&by_reports.surroundings),
        known(&by_calls.surroundings)
    );
}

/// What is not asked for is not read, but what the profile says is known all the same.
#[tokio::test]
async fn what_is_not_asked_for_costs_nothing() {
    let mut lab = Lab::start(neglected(1));
    lab.profile.product = ProductEntry {
        version: Some("8.8".into()),
        ..ProductEntry::default()
    };
    if let Some(setting) = &mut lab.profile.settings.constrain_to_site {
        setting.standing = Standing::Unavailable;
    }
    lab.server.clear_requests();
    let snapshot = lab.snapshot(&Scope::default()).await;
    assert_eq!(
        snapshot.surroundings,
        Surroundings {
            product: Product {
                version: Some("8.8".into()),
                ..Product::default()
            },
            can_constrain: false,
            writes: writes(&lab.profile),
            reads_constrain: false,
            ..Surroundings::default()
        }
    );
    for request in lab.server.requests() {
        let operation = format!("{request:?}");
        assert!(!operation.contains("Hierarchy"), "{operation}");
    }
}

/// A report that is gone is no loss: calls read the same.
#[tokio::test]
async fn a_report_that_is_gone_is_read_by_calls() {
    let mut lab = Lab::start(neglected(2));
    lab.install_reports().await;
    let by_reports = seen(&lab).await;
    let nowhere: Guid = "11111111-2222-3333-4444-555555555555".parse().unwrap();
    for kind in [
        ReportKind::Facts,
        ReportKind::Computers,
        ReportKind::PlugIns,
    ] {
        let report = lab.profile.reports.entry(kind);
        report.as_mut().unwrap().guid = nowhere;
    }
    let without = seen(&lab).await;
    assert_eq!(
        known(&without.surroundings),
        known(&by_reports.surroundings)
    );
}

async fn happened(lab: &Lab, snapshot: &Snapshot) -> Happenings {
    let clients: Vec<Guid> = clients(&snapshot.surroundings)
        .iter()
        .map(|client| client.guid)
        .collect();
    let servers: Vec<Guid> = snapshot.computers.keys().copied().collect();
    happenings(&lab.reader(), &clients, &servers).await.unwrap()
}

/// A deploy job leaves traces: who fetched what from where, load, and an image that was captured names its server.
#[tokio::test]
async fn jobs_leave_evidence() {
    for seed in [1, 2, 6] {
        let lab = Lab::start(Options::builtin("flat-lan").unwrap().with_seed(seed));
        let run = |task: &str, computer: &str| {
            let action = ConsoleAction::RunTask {
                task: task.into(),
                computers: vec![computer.into()],
            };
            lab.world().console(action).unwrap();
            lab.world().tick(Duration::from_mins(10));
        };
        let snapshot = lab.snapshot(&Scope::audit(None)).await;
        let before = happened(&lab, &snapshot).await;
        assert_eq!(before.fetches, Observed::Known(vec![]));
        let name = |client: &Client| client.name.to_string();
        let imaged = clients(&snapshot.surroundings)
            .iter()
            .find(|client| client.addresses[0].0.octets()[2] == 10)
            .unwrap();
        run("Deploy Win11", &name(imaged));
        let after = happened(&lab, &snapshot).await;
        let fetches = after.fetches.known().unwrap();
        assert!(!fetches.is_empty());
        let real: BTreeMap<String, BTreeMap<String, String>> = lab
            .world()
            .clients()
            .into_iter()
            .map(|client| (client.name, client.package_servers))
            .collect();
        let packages = snapshot.packages.known().unwrap();
        for fetch in fetches {
            assert_eq!(fetch.client, imaged.guid);
            assert!(fetch.time.is_some());
            let package = packages.iter().find(|known| known.guid == fetch.package);
            let package = package.unwrap().name.to_string();
            let server = snapshot.computers[&fetch.server].name.to_string();
            assert_eq!(real[&name(imaged)][&package], server);
        }
        let requests = |happened: &Happenings| -> u64 {
            let load = happened.load.known().unwrap();
            assert_eq!(load.len(), 3);
            load.values().map(|load| load.package).sum()
        };
        let more = u64::try_from(fetches.len()).unwrap();
        assert_eq!(requests(&after), requests(&before) + more);
        let listed = after.images.known().unwrap();
        assert!(!listed.is_empty());
        for image in listed {
            let host = image.host.as_ref().unwrap();
            assert!(host.host().eq_ignore_ascii_case("SMP01"), "{image:?}");
            assert!(packages.iter().any(|known| known.guid == image.guid));
        }
    }
}
