//! Tests of what inventory says, of what belongs to others, and of what jobs leave behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn world(name: &str) -> World {
    World::open(Options::builtin(name).unwrap()).unwrap()
}

fn switched(name: &str, switch: Switch) -> World {
    World::open(Options::builtin(name).unwrap().with_switch(switch)).unwrap()
}

fn act(world: &World, json: &str) -> String {
    world.console(serde_json::from_str(json).unwrap()).unwrap()
}

/// The class and the name of a fact as the server has it.
fn named(world: &World, key: FactKey) -> (FactClass, FactName) {
    let classes = &world.names().facts;
    let class = classes
        .iter()
        .find(|class| class.facts.iter().any(|one| one.key == key));
    let class = class.unwrap().clone();
    let fact = class
        .facts
        .iter()
        .find(|one| one.key == key)
        .unwrap()
        .clone();
    (class, fact)
}

/// What the data class says of a fact of a resource: a value a row, `None` for NULL.
fn of_class(world: &World, key: FactKey, resource: Guid) -> Vec<Option<String>> {
    let (class, fact) = named(world, key);
    let rows = world.data_class_rows(class.guid, resource).unwrap();
    rows.into_iter()
        .map(|row| {
            row.into_iter()
                .find(|(name, _)| *name == fact.field)
                .unwrap()
                .1
        })
        .collect()
}

/// The same by a report.
fn of_table(world: &World, key: FactKey, resource: Guid) -> Vec<Option<String>> {
    let (class, fact) = named(world, key);
    let sql = format!(
        "SELECT t.[{}] AS Value FROM [{}] t WHERE t._ResourceGuid = '{resource}'",
        fact.field, class.table
    );
    let rows = world.run_sql(&sql).unwrap().rows;
    rows.into_iter().map(|mut row| row.remove(0)).collect()
}

fn said(world: &World, key: FactKey, resource: Guid) -> Vec<Option<String>> {
    let found = of_class(world, key, resource);
    assert_eq!(found, of_table(world, key, resource), "{key:?}");
    found
}

/// A switch as yes, no or not known.
fn yes(world: &World, key: FactKey, computer: &str) -> Option<bool> {
    let (_, fact) = named(world, key);
    let (yes, no) = fact.switch.unwrap();
    let resource = world.computer(computer, "").unwrap();
    let text = said(world, key, resource).into_iter().next().flatten()?;
    assert!(text == yes || text == no, "{key:?} of {computer}: {text}");
    Some(text == yes)
}

fn text(world: &World, key: FactKey, computer: &str) -> Option<String> {
    let resource = world.computer(computer, "").unwrap();
    said(world, key, resource).into_iter().next().flatten()
}

#[test]
fn a_computer_that_nothing_is_said_of_is_in_good_health() {
    for seed in 1..20 {
        let world = World::open(Options::builtin("flat-lan").unwrap().with_seed(seed)).unwrap();
        for key in [
            FactKey::Managed,
            FactKey::Local,
            FactKey::AssetActive,
            FactKey::Iis,
            FactKey::HttpServer,
            FactKey::Answering,
        ] {
            assert_eq!(yes(&world, key, "SITE01"), Some(true), "{key:?}");
        }
        assert_eq!(yes(&world, FactKey::CemMode, "SITE01"), Some(false));
        assert_eq!(yes(&world, FactKey::Iis, "OFFICE-001"), Some(false));
        assert_eq!(
            yes(&world, FactKey::Answering, "OFFICE-001"),
            None,
            "no site server"
        );
        for (key, value) in [
            (FactKey::OperatingSystem, "Windows Server 2022"),
            (FactKey::AgentVersion, "8.7.3"),
            (FactKey::Dotnet, "4.8"),
            (FactKey::Inventoried, "2026-01-05T08:00:00"),
        ] {
            assert_eq!(text(&world, key, "SITE01").as_deref(), Some(value));
        }
        let site01 = world.computer("SITE01", "").unwrap();
        let plug_ins = said(&world, FactKey::PlugIns, site01);
        assert_eq!(plug_ins.len(), 6, "{plug_ins:?}");
        let client = world.computer("IMAGE-001", "").unwrap();
        assert_eq!(
            said(&world, FactKey::PlugIns, client),
            [
                "Altiris Base Task Handlers",
                "Altiris Client Task Agent",
                "Deployment Solution Plug-in"
            ]
            .map(|name| Some(name.to_owned()))
        );
    }
}

#[test]
fn each_prerequisite_is_missing_somewhere_in_the_neglected_world() {
    let world = world("neglected");
    for (key, server, expected) in [
        (FactKey::Managed, "UNMANAGED01", Some(false)),
        (FactKey::Local, "ELSEWHERE01", Some(false)),
        (FactKey::AssetActive, "RETIRED01", Some(false)),
        (FactKey::CemMode, "CLOUD01", Some(true)),
        (FactKey::Iis, "NOIIS01", Some(false)),
        (FactKey::HttpServer, "NOIIS01", Some(true)),
        (FactKey::HttpServer, "NOHTTP01", Some(false)),
        (FactKey::Answering, "BRANCHA01", Some(false)),
        (FactKey::Iis, "OFFICE02", Some(true)),
        (FactKey::Managed, "OLDOS01", Some(true)),
    ] {
        assert_eq!(yes(&world, key, server), expected, "{key:?} of {server}");
    }
    for (key, server, expected) in [
        (FactKey::AgentVersion, "OLDAGENT01", "8.6.3"),
        (
            FactKey::OperatingSystem,
            "OLDOS01",
            "Windows Server 2012 R2",
        ),
        (FactKey::Dotnet, "OLDNET01", "4.7.2"),
        (FactKey::Inventoried, "STALE01", "2025-11-26T08:00:00"),
    ] {
        assert_eq!(text(&world, key, server).as_deref(), Some(expected));
    }
    let unknown = world.computer("NODATA01", "").unwrap();
    for class in &world.names().facts {
        let rows = world.data_class_rows(class.guid, unknown).unwrap();
        // Whether it answers is no inventory: the server finds out for itself.
        let expected = usize::from(class.of == FactsOf::SiteServers);
        assert_eq!(rows.len(), expected, "{}", class.name);
    }
}

#[test]
fn one_unknown_fact_is_a_null_beside_known_ones() {
    let world = world("flat-lan");
    act(
        &world,
        r#"{"action":"fact","computer":"SITE01","key":"iis","value":"unknown"}"#,
    );
    assert_eq!(yes(&world, FactKey::Iis, "SITE01"), None);
    let site01 = world.computer("SITE01", "").unwrap();
    assert_eq!(said(&world, FactKey::Iis, site01), [None]);
    assert_eq!(yes(&world, FactKey::HttpServer, "SITE01"), Some(true));
    assert!(
        world
            .dump()
            .contains("os: \"Windows Server 2022\", iis: null }")
    );
}

#[test]
fn the_profile_names_what_reports_may_read() {
    for seed in 1..20 {
        let options = || Options::builtin("neglected").unwrap().with_seed(seed);
        let world = World::open(options()).unwrap();
        let renamed = World::open(options().with_switch(Switch::FactColumnsRenamed)).unwrap();
        let refused = World::open(options().with_switch(Switch::FactsNotReadable)).unwrap();
        let profile = world.profile();
        assert_eq!(profile, renamed.profile());
        let lines: Vec<&str> = profile
            .lines()
            .skip_while(|line| *line != "  facts:")
            .skip(1)
            .collect();
        assert_eq!(lines.len(), 13);
        for line in lines {
            let part = |key: &str| {
                let rest = line.split_once(&format!("{key}: ")).unwrap().1;
                rest.split([',', '}'])
                    .next()
                    .unwrap()
                    .trim()
                    .trim_matches('"')
            };
            let sql = format!(
                "SELECT _ResourceGuid, [{}] FROM [{}]",
                part("value"),
                part("table")
            );
            assert!(!world.run_sql(&sql).unwrap().rows.is_empty(), "{sql}");
            assert!(
                matches!(renamed.run_sql(&sql), Err(AsdkError::InvalidParameter(_))),
                "{sql}"
            );
            assert!(matches!(
                refused.run_sql(&sql),
                Err(AsdkError::InsufficientPermission(_))
            ));
            let class = part("dataClass").parse().unwrap();
            let platform = refused.platform_guid();
            assert!(refused.data_class_rows(class, platform).unwrap().is_empty());
            let fields = &world.data_class(class).unwrap().fields;
            assert!(fields.iter().any(|field| field == part("value")));
            assert!(
                !renamed
                    .data_class(class)
                    .unwrap()
                    .fields
                    .iter()
                    .any(|field| field == part("value"))
            );
        }
        for (table, columns) in [
            (&world.names().sources.table, 4),
            (&world.names().load.table, 3),
        ] {
            assert!(profile.contains(&format!("table: {table},")));
            let all = world.run_sql(&format!("SELECT * FROM [{table}]")).unwrap();
            assert_eq!(all.columns.len(), columns);
        }
    }
}

#[test]
fn product_facts_stand_in_the_profile() {
    let profile = world("neglected").profile();
    assert!(profile.contains("product:\n  version: \"8.7.3\"\n  agentVersion: \"8.7\"\n"));
    assert!(profile.contains("\n  registrationsPerTaskServer: 25\n"));
    assert!(
        world("flat-lan")
            .profile()
            .contains("registrationsPerTaskServer: 5000\n")
    );
}

#[test]
fn inventory_comes_with_reports_and_stops_where_the_scenario_says_so() {
    let world = world("neglected");
    world.tick(Duration::from_hours(2));
    let fresh = text(&world, FactKey::Inventoried, "OFFICE01").unwrap();
    assert!(fresh.as_str() >= "2026-01-05T09:30:00", "{fresh}");
    assert_eq!(
        text(&world, FactKey::Inventoried, "STALE01").as_deref(),
        Some("2025-11-26T08:00:00")
    );
    act(
        &world,
        r#"{"action":"delete-subnet","subnet":"10.9.0.0/24"}"#,
    );
    assert_eq!(
        act(
            &world,
            r#"{"action":"send-inventory","computer":"STALE01"}"#
        ),
        "STALE01 has sent inventory, which made 0 subnets"
    );
    let sent = text(&world, FactKey::Inventoried, "STALE01").unwrap();
    assert!(sent.as_str() >= "2026-01-05T10:00:00", "{sent}");
    assert_eq!(
        act(
            &world,
            r#"{"action":"send-inventory","computer":"LOST-001"}"#
        ),
        "LOST-001 has sent inventory, which made 1 subnets"
    );
    assert!(world.dump().contains("10.9.0.0/24"));
}

#[test]
fn the_console_changes_facts_and_plug_ins() {
    let world = world("flat-lan");
    let fact = |key: &str, value: &str| {
        act(
            &world,
            &format!(
                r#"{{"action":"fact","computer":"DEPLOY01","key":"{key}","value":"{value}"}}"#
            ),
        );
    };
    for (key, value) in [
        ("os", "Windows 11"),
        ("managed", "off"),
        ("local", "off"),
        ("assetActive", "off"),
        ("agentVersion", "8.6"),
        ("cem", "on"),
        ("iis", "off"),
        ("httpServer", "unknown"),
        ("dotnet", "4.7.2"),
        ("plugIns", "One, Two"),
        ("inventoryAge", "3d"),
    ] {
        fact(key, value);
    }
    let dump = world.dump();
    let line = |dump: &str| {
        dump.lines()
            .find(|line| line.contains("name: DEPLOY01"))
            .unwrap()
            .to_owned()
    };
    let facts = "os: \"Windows 11\", plugIns: [One, Two], managed: false, local: false, assetActive: false, \
                 agentVersion: \"8.6\", cem: true, iis: false, httpServer: null, dotnet: \"4.7.2\", inventoryAge: \"3d\" }";
    assert!(line(&dump).ends_with(facts), "{}", line(&dump));
    assert_eq!(World::open(Options::text(&dump)).unwrap().dump(), dump);
    assert!(
        world
            .console(ConsoleAction::Fact {
                computer: "DEPLOY01".to_owned(),
                key: "colour".to_owned(),
                value: "red".to_owned()
            })
            .is_err()
    );
    let plug_in = |name: &str, state: &str| {
        act(
            &world,
            &format!(
                r#"{{"action":"plug-in","server":"DEPLOY01","plug_in":"{name}","state":"{state}"}}"#
            ),
        )
    };
    assert_eq!(plug_in("Three", "on"), "Three is on on DEPLOY01");
    assert_eq!(plug_in("three", "on"), "three is on on DEPLOY01, as before");
    plug_in("ONE", "off");
    assert!(line(&world.dump()).contains("plugIns: [Three, Two]"));
    // Network boot brings its plug-in, and takes it away again.
    let role = |action: &str| {
        act(
            &world,
            &format!(r#"{{"action":"{action}","server":"DEPLOY01","role":"networkBoot"}}"#),
        );
    };
    role("install-role");
    assert!(line(&world.dump()).contains("Deployment NBS Plug-in"));
    role("remove-role");
    assert!(!line(&world.dump()).contains("Deployment NBS Plug-in"));
}

#[test]
fn a_server_that_is_down_does_not_answer() {
    let world = world("flat-lan");
    act(&world, r#"{"action":"server-down","server":"SITE01"}"#);
    assert_eq!(yes(&world, FactKey::Answering, "SITE01"), Some(false));
    act(&world, r#"{"action":"server-up","server":"SITE01"}"#);
    assert_eq!(yes(&world, FactKey::Answering, "SITE01"), Some(true));
}

fn imported(world: &World, name: &str, type_guid: Guid) -> Vec<Option<String>> {
    let guid = world.find_resource(name, type_guid).unwrap();
    said(world, FactKey::DirectoryImport, guid)
}

#[test]
fn what_was_imported_from_the_directory_says_so() {
    let world = world("branch-offices");
    let (_, fact) = named(&world, FactKey::DirectoryImport);
    let (yes, no) = fact.switch.unwrap();
    let (site, subnet) = (world.names().site.guid, world.names().subnet.guid);
    assert_eq!(imported(&world, "Branch 2", site), [Some(no.to_owned())]);
    act(&world, r#"{"action":"import-active-directory"}"#);
    for (name, type_guid) in [
        ("Branch 2", site),
        ("Branch 13", site),
        ("10.13.0.0/24", subnet),
    ] {
        assert_eq!(
            imported(&world, name, type_guid),
            [Some(yes.to_owned())],
            "{name}"
        );
    }
    assert_eq!(
        imported(&world, "10.4.0.0/24", subnet),
        [Some(no.to_owned())]
    );
    assert!(
        world
            .dump()
            .contains("name: \"Branch 13\", directory: true }")
    );
    let hidden = switched("neglected", Switch::ScopedRights);
    let (class, _) = named(&hidden, FactKey::DirectoryImport);
    let rows = hidden
        .run_sql(&format!("SELECT _ResourceGuid FROM [{}]", class.table))
        .unwrap()
        .rows;
    let seen = hidden
        .resources_of_type(hidden.names().site.guid)
        .unwrap()
        .len()
        + hidden
            .resources_of_type(hidden.names().subnet.guid)
            .unwrap()
            .len();
    assert!(seen < 22);
    assert_eq!(rows.len(), seen);
}

#[test]
fn what_is_replicated_is_managed_elsewhere_and_not_changed_here() {
    let world = world("neglected");
    let names = world.names().clone();
    let find = |name: &str, type_guid: Guid| world.find_resource(name, type_guid).unwrap();
    let site = find("Replicated_Site", names.site.guid);
    let subnet = find("10.5.0.0/24", names.subnet.guid);
    let package = find("Office Suite", names.package.guid);
    let office = find("Office", names.site.guid);
    let lost = find("10.9.0.0/24", names.subnet.guid);
    assert!(world.is_hierarchy_member().unwrap());
    for guid in [site, subnet, package] {
        assert!(world.is_hierarchy_managed(guid).unwrap());
    }
    assert!(!world.is_hierarchy_managed(office).unwrap());
    assert!(world.is_hierarchy_managed(Guid::EMPTY).is_err());
    let of = &names.subnet_to_site;
    let server = world.computer("OFFICE01", "").unwrap();
    let join = |of: &AssociationName, first: Guid, second: Guid| {
        let (parent, child) = of.ordered(first, second);
        world.form(of.guid, parent, &[child])
    };
    let (parent, child) = of.ordered(subnet, site);
    let before = world.dump();
    for refused in [
        world.save_resource(site, Some("Mine"), None),
        world.rename_item(subnet, "10.5.1.0/24"),
        world.delete_resource(site),
        world.delete_item(subnet),
        join(of, subnet, office),
        join(of, lost, site),
        join(&names.server_to_site, server, site),
        world.break_(of.guid, parent, &[child]),
        world.set_package_servers(package, Assignment::All, false, &[], ""),
    ] {
        assert!(
            matches!(refused, Err(AsdkError::InsufficientPermission(_))),
            "{refused:?}"
        );
    }
    for step in [
        r#"{"action":"add-subnet","site":"Office","subnet":"10.5.0.0/24"}"#,
        r#"{"action":"remove-subnet","site":"Replicated_Site","subnet":"10.5.0.0/24"}"#,
        r#"{"action":"delete-site","name":"Replicated_Site"}"#,
        r#"{"action":"delete-subnet","subnet":"10.5.0.0/24"}"#,
        r#"{"action":"assign-server","server":"OFFICE01","site":"Replicated_Site"}"#,
        r#"{"action":"constrain","site":"Replicated_Site","state":"on"}"#,
        r#"{"action":"pin-package","package":"Office Suite","servers":["OFFICE01"]}"#,
    ] {
        assert!(
            world.console(serde_json::from_str(step).unwrap()).is_err(),
            "{step}"
        );
    }
    assert_eq!(world.dump(), before);
    join(of, lost, office).unwrap();
    let lying = switched("neglected", Switch::HierarchyManagedUnknown);
    assert!(!lying.is_hierarchy_managed(site).unwrap());
    assert!(lying.delete_resource(site).is_err());
}

#[test]
fn a_task_server_takes_as_many_as_the_setting_says() {
    let world = world("neglected");
    let clients = world.clients();
    let east = clients.iter().filter(|one| one.name.starts_with("EAST-"));
    let (with, without): (Vec<_>, Vec<_>) = east.partition(|one| one.task_server.is_some());
    // DEPLOYE01 itself is registered with it, too.
    assert_eq!((with.len(), without.len()), (24, 16));
    assert!(
        with.iter()
            .all(|one| one.task_server.as_deref() == Some("DEPLOYE01.corp.example"))
    );
}

#[test]
fn an_image_names_the_server_that_it_was_captured_to() {
    for seed in 1..6 {
        let options = || Options::builtin("flat-lan").unwrap().with_seed(seed);
        let world = World::open(options()).unwrap();
        act(&world, r#"{"action":"capture-target","server":"DEPLOY01"}"#);
        act(
            &world,
            r#"{"action":"run-task","task":"Capture Win11","computers":["IMAGE-001"]}"#,
        );
        world.tick(Duration::from_secs(61));
        let host = |name: &str| {
            let image = world
                .ds_images()
                .unwrap()
                .into_iter()
                .find(|one| one.name == name)
                .unwrap();
            let rest = image.location.strip_prefix(r"\\").unwrap().to_owned();
            rest.split('\\').next().unwrap().to_owned()
        };
        let spelled = |host: &str| {
            if world.names().image_full_name {
                format!("{host}.corp.example")
            } else {
                host.to_owned()
            }
        };
        assert_eq!(host("Win11-24H2 golden"), spelled("SMP01"));
        assert_eq!(host("Capture Win11 IMAGE-001"), spelled("DEPLOY01"));
        let dump = world.dump();
        assert!(dump.contains("capturedTo: DEPLOY01.corp.example"), "{dump}");
        assert_eq!(World::open(Options::text(&dump)).unwrap().dump(), dump);
        let local = World::open(options().with_switch(Switch::ImageLocationLocal)).unwrap();
        assert!(local.ds_images().unwrap()[0].location.starts_with(r"D:\"));
    }
}

/// What clients fetched last: client, package and server by name, and when.
fn sources(world: &World) -> Vec<[String; 4]> {
    let names = &world.names().sources;
    let sql = format!(
        "SELECT c.Name, p.Name, s.Name, t.[{}] FROM [{}] t JOIN Item c ON c.Guid = t._ResourceGuid
         JOIN Item p ON p.Guid = t.[{}] JOIN Item s ON s.Guid = t.[{}] ORDER BY 1, 2",
        names.time, names.table, names.package, names.server
    );
    let rows = world.run_sql(&sql).unwrap().rows;
    rows.into_iter()
        .map(|row| {
            <[String; 4]>::try_from(row.into_iter().map(Option::unwrap).collect::<Vec<_>>())
                .unwrap()
        })
        .collect()
}

/// Package and task requests of a server.
fn load(world: &World, server: &str) -> (i64, i64) {
    let names = &world.names().load;
    let guid = world.computer(server, "").unwrap();
    let row = world.data_class_rows(names.guid, guid).unwrap().remove(0);
    let value = |field: &str| {
        row.iter()
            .find(|(name, _)| name == field)
            .unwrap()
            .1
            .as_ref()
            .unwrap()
            .parse()
            .unwrap()
    };
    (value(names.package_requests), value(names.task_requests))
}

/// A flat LAN in which DEPLOY01 alone holds the image and SITE01 alone takes tasks.
fn simple(options: Options) -> World {
    let world = World::open(options).unwrap();
    for step in [
        r#"{"action":"pin-package","package":"Win11-24H2 golden","servers":["DEPLOY01"]}"#,
        r#"{"action":"remove-role","server":"DEPLOY01","role":"task"}"#,
        r#"{"action":"remove-role","server":"SMP01","role":"task"}"#,
    ] {
        act(&world, step);
    }
    world
}

#[test]
fn a_deploy_job_leaves_its_source_and_its_load_behind() {
    let world = simple(Options::builtin("flat-lan").unwrap());
    assert_eq!(load(&world, "SITE01"), (0, 126));
    assert_eq!(load(&world, "DEPLOY01"), (0, 0));
    assert!(sources(&world).is_empty());
    act(
        &world,
        r#"{"action":"run-task","task":"Deploy Win11","computers":["IMAGE-001","IMAGE-002"]}"#,
    );
    assert_eq!(load(&world, "SITE01"), (0, 130));
    world.tick(Duration::from_mins(10));
    assert_eq!(load(&world, "SITE01"), (0, 134));
    assert_eq!(load(&world, "DEPLOY01"), (2, 0));
    let found = sources(&world);
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0][..3],
        ["IMAGE-001", "Win11-24H2 golden", "DEPLOY01"]
    );
    // A minute after the job began, however late anybody looks.
    assert!(found[0][3].starts_with("2026-01-05T08:01"), "{found:?}");
    world.tick(Duration::from_hours(2));
    assert_eq!(load(&world, "SITE01"), (0, 126));
    assert_eq!(load(&world, "DEPLOY01"), (0, 0));
    // A later fetch takes the place of the first.
    act(
        &world,
        r#"{"action":"pin-package","package":"Win11-24H2 golden","servers":["SITE01"]}"#,
    );
    world.tick(Duration::from_mins(5));
    act(
        &world,
        r#"{"action":"run-task","task":"Deploy Win11","computers":["IMAGE-002"]}"#,
    );
    world.tick(Duration::from_mins(5));
    let found = sources(&world);
    assert_eq!(found.len(), 2);
    assert_eq!(found[1][..3], ["IMAGE-002", "Win11-24H2 golden", "SITE01"]);
    assert_eq!(load(&world, "SITE01"), (1, 130));
    let package = world
        .find_resource("Win11-24H2 golden", world.names().package.guid)
        .unwrap();
    world.delete_resource(package).unwrap();
    assert!(sources(&world).is_empty());
}

#[test]
fn fetches_may_go_unrecorded() {
    let world = simple(
        Options::builtin("flat-lan")
            .unwrap()
            .with_switch(Switch::PackageSourcesStale),
    );
    act(
        &world,
        r#"{"action":"run-task","task":"Deploy Win11","computers":["IMAGE-001"]}"#,
    );
    world.tick(Duration::from_mins(2));
    assert!(sources(&world).is_empty());
    assert_eq!(load(&world, "DEPLOY01"), (1, 0));
}

#[test]
fn registrations_may_lag_behind_half_an_hour() {
    for (switch, at_once) in [(None, true), (Some(Switch::RegistrationsLag), false)] {
        let mut options = Options::builtin("flat-lan").unwrap();
        options.switches.extend(switch);
        let world = World::open(options).unwrap();
        let on_site01 = || {
            let clients = world.clients().into_iter();
            clients
                .filter(|one| one.task_server.as_deref() == Some("SITE01.corp.example"))
                .count()
        };
        world.tick(Duration::from_hours(5));
        act(&world, r#"{"action":"server-down","server":"SITE01"}"#);
        assert_eq!(on_site01() == 0, at_once);
        world.tick(Duration::from_mins(25));
        assert_eq!(on_site01() == 0, at_once);
        world.tick(Duration::from_mins(6));
        assert_eq!(on_site01(), 0);
    }
}

#[test]
fn the_neglected_world_is_as_bad_as_it_says() {
    let world = world("neglected");
    let served = |address: &str| world.served(address.parse().unwrap());
    assert_eq!(
        served("10.0.0.101").package.basis,
        Basis::Failover,
        "no package server in HQ"
    );
    assert_eq!(
        served("10.2.1.101").task.basis,
        Basis::Failover,
        "the server of Branch A is down"
    );
    assert_eq!(
        served("10.7.0.101").task.servers,
        ["BRANCHB01.corp.example"]
    );
    assert_eq!(served("10.9.0.101").task.basis, Basis::OutsideSites);
    assert_eq!(
        served("10.1.0.101").network_boot.servers,
        ["DEPLOYN01.corp.example", "OFFICE01.corp.example"]
    );
    assert!(served("10.3.0.101").network_boot.servers.is_empty());
    assert!(
        served("10.1.0.101")
            .task
            .servers
            .contains(&"DEPLOYN01.corp.example".to_owned())
    );
    for line in ["name: \"Win10 golden\"", "name: \"Win11 golden\""] {
        let dump = world.dump();
        let found = dump.lines().find(|one| one.contains(line)).unwrap();
        assert!(!found.contains("DEPLOY"), "{found}");
    }
    let dump = world.dump();
    assert!(dump.contains("replicatedFrom: SMP00.corp.example"));
    assert!(dump.contains("registrationsPerTaskServer: 25"));
}

#[test]
fn a_scenario_does_not_take_what_it_does_not_know() {
    let text = |rest: &str| {
        format!(
            "formatVersion: 1\nplatform: {{ server: A.b }}\ncomputers:\n  - {{ name: A.b, addresses: [10.0.0.1/24], {rest} }}\n"
        )
    };
    assert!(
        World::open(Options::text(&text("dotnet: 4.7")))
            .unwrap()
            .dump()
            .contains("dotnet: \"4.7\"")
    );
    for bad in ["color: red", "iis: perhaps", "inventoryAge: long"] {
        assert!(World::open(Options::text(&text(bad))).is_err(), "{bad}");
    }
}
