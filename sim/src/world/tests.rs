//! Tests of the world as a whole.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;
use std::net::Ipv4Addr;

fn world(name: &str) -> World {
    World::open(Options::builtin(name).unwrap()).unwrap()
}

fn act(world: &World, json: &str) -> String {
    world.console(serde_json::from_str(json).unwrap()).unwrap()
}

fn served(world: &World, address: &str) -> Served {
    world.served(address.parse::<Ipv4Addr>().unwrap())
}

#[test]
fn every_scenario_loads_and_its_dump_loads_to_the_same_dump() {
    for name in [
        "flat-lan",
        "empty",
        "branch-offices",
        "isolated-vlan",
        "neglected",
    ] {
        for seed in [1, 2, 3] {
            let one = World::open(Options::builtin(name).unwrap().with_seed(seed)).unwrap();
            let dump = one.dump();
            assert_eq!(dump, one.dump());
            let two = World::open(Options::text(&dump).with_seed(seed + 7)).unwrap();
            assert_eq!(dump, two.dump(), "{name}");
            one.tick(Duration::from_hours(1));
            assert_eq!(dump, one.dump(), "time alone changes nothing in {name}");
        }
    }
}

#[test]
fn in_the_flat_lan_everybody_serves_everybody() {
    let world = world("flat-lan");
    for address in ["192.168.0.101", "192.168.10.101"] {
        let served = served(&world, address);
        assert_eq!(served.package.basis, Basis::NoSites);
        assert_eq!(served.package.servers.len(), 3);
        assert_eq!(served.task.servers.len(), 3);
        assert!(served.network_boot.servers.is_empty());
    }
    let clients = world.clients();
    assert_eq!(clients.len(), 63);
    let servers: BTreeSet<_> = clients
        .iter()
        .filter(|one| one.name.starts_with("IMAGE"))
        .filter_map(|one| one.task_server.clone())
        .collect();
    assert_eq!(servers.len(), 3);
}

#[test]
fn steps_in_the_console_part_the_flat_lan() {
    let world = world("flat-lan");
    for step in [
        r#"{"action":"new-site","name":"HQ"}"#,
        r#"{"action":"new-site","name":"Deployment_Site","description":"Imaging"}"#,
        r#"{"action":"assign-server","server":"SITE01.corp.example","site":"HQ"}"#,
        r#"{"action":"assign-server","server":"DEPLOY01","site":"Deployment_Site"}"#,
        r#"{"action":"add-subnet","site":"Deployment_Site","subnet":"192.168.0.12/32"}"#,
        r#"{"action":"add-subnet","site":"Deployment_Site","subnet":"192.168.10.0/24"}"#,
        r#"{"action":"add-subnet","site":"HQ","subnet":"192.168.0.0/24"}"#,
        r#"{"action":"constrain","site":"Deployment_Site","state":"on"}"#,
        r#"{"action":"capture-target","server":"DEPLOY01.corp.example"}"#,
        r#"{"action":"pin-package","package":"Win11-24H2 golden","servers":["DEPLOY01.corp.example"]}"#,
    ] {
        act(&world, step);
    }
    world.tick(Duration::from_mins(5));
    let deploy = served(&world, "192.168.10.110");
    assert_eq!(deploy.package.servers, ["DEPLOY01.corp.example"]);
    assert_eq!(deploy.task.servers, ["DEPLOY01.corp.example"]);
    let office = served(&world, "192.168.0.110");
    assert_eq!(
        office.package.servers,
        ["SITE01.corp.example", "SMP01.corp.example"]
    );
    for client in world.clients() {
        if client.name.starts_with("IMAGE") {
            assert_eq!(client.task_server.as_deref(), Some("DEPLOY01.corp.example"));
            assert_eq!(
                client.package_servers["Win11-24H2 golden"],
                "DEPLOY01.corp.example"
            );
        }
    }
    let dump = world.dump();
    assert!(dump.contains(
        "- { name: Deployment_Site, description: Imaging, constrained: true, servers: [DEPLOY01.corp.example] }"
    ), "{dump}");
    assert!(
        dump.contains("network: \"192.168.0.12/32\", sites: [Deployment_Site]"),
        "{dump}"
    );
    assert!(dump.contains("holders: [DEPLOY01.corp.example]"), "{dump}");
}

#[test]
fn a_world_in_a_file_survives() {
    let folder = std::env::temp_dir().join(format!("sitewright-sim-world-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("one.db");
    let _ = std::fs::remove_file(&path);
    let options = Options::builtin("empty")
        .unwrap()
        .with_seed(5)
        .with_switch(Switch::NameCaseSensitive)
        .with_db(&path);
    let first = World::open(options).unwrap();
    act(&first, r#"{"action":"new-site","name":"HQ"}"#);
    let dump = first.dump();
    drop(first);
    let again = World::open(Options::builtin("flat-lan").unwrap().with_db(&path)).unwrap();
    assert_eq!(again.dump(), dump);
    assert!(again.has(Switch::NameCaseSensitive));
    drop(again);
    assert_eq!(World::open_existing(&path).unwrap().dump(), dump);
    assert!(World::open_existing(&folder.join("none.db")).is_err());
    std::fs::remove_dir_all(&folder).unwrap();
}

fn new_site(world: &World, name: &str) -> Guid {
    world
        .create_resource(world.names().site.guid, Guid::EMPTY, name, "text")
        .unwrap()
        .guid
}

fn in_site(world: &World, subnet: Guid) -> Vec<String> {
    let names = world.names();
    let side = if names.subnet_to_site.target_is_parent {
        Side::Parents
    } else {
        Side::Children
    };
    let argument = if names.type_argument_returns {
        names.site.guid
    } else {
        names.subnet.guid
    };
    let mut found: Vec<String> = world
        .associated(argument, subnet, names.subnet_to_site.guid, side)
        .unwrap()
        .into_iter()
        .map(|one| one.name)
        .collect();
    found.sort();
    found
}

fn put(world: &World, subnet: Guid, site: Guid) -> Result<(), AsdkError> {
    let (parent, child) = world.names().subnet_to_site.ordered(subnet, site);
    world.form(world.names().subnet_to_site.guid, parent, &[child])
}

fn office(world: &World) -> Guid {
    world
        .find_resource("192.168.0.0/24", world.names().subnet.guid)
        .unwrap()
}

#[test]
fn forming_replaces_where_the_seed_says_so() {
    for seed in 1..12 {
        let world = World::open(Options::builtin("flat-lan").unwrap().with_seed(seed)).unwrap();
        let (one, two) = (new_site(&world, "One"), new_site(&world, "Two"));
        put(&world, office(&world), one).unwrap();
        put(&world, office(&world), two).unwrap();
        let expected: &[&str] = if world.names().subnet_to_site.replaces {
            &["Two"]
        } else {
            &["One", "Two"]
        };
        assert_eq!(in_site(&world, office(&world)), expected);
    }
}

fn switched(switch: Switch) -> World {
    World::open(Options::builtin("flat-lan").unwrap().with_switch(switch)).unwrap()
}

#[test]
fn switches_do_what_they_say() {
    let world = switched(Switch::FormDoesNotReplace);
    let (one, two) = (new_site(&world, "One"), new_site(&world, "Two"));
    put(&world, office(&world), one).unwrap();
    put(&world, office(&world), two).unwrap();
    assert_eq!(in_site(&world, office(&world)), ["One", "Two"]);
    assert!(
        world
            .profile()
            .contains("replaces: true, standing: operator }\n  serverToSite")
    );

    let world = switched(Switch::AssociationNotEnough);
    let one = new_site(&world, "One");
    put(&world, office(&world), one).unwrap();
    assert!(in_site(&world, office(&world)).is_empty());
    act(
        &world,
        r#"{"action":"add-subnet","site":"One","subnet":"192.168.0.0/24"}"#,
    );
    assert_eq!(in_site(&world, office(&world)), ["One"]);

    let world = switched(Switch::LateReadBack);
    let one = new_site(&world, "One");
    put(&world, office(&world), one).unwrap();
    let seen: Vec<bool> = (0..5)
        .map(|_| !in_site(&world, office(&world)).is_empty())
        .collect();
    assert!(!seen[0] && seen[4], "{seen:?}");

    let world = switched(Switch::SubnetInTwoSites);
    assert_eq!(
        in_site(&world, office(&world)),
        ["First Site", "Second Site"]
    );

    let world = switched(Switch::DescriptionNotKept);
    let one = new_site(&world, "One");
    assert_eq!(world.resource(one).unwrap().description, "");

    let world = switched(Switch::NamesNotUnique);
    assert_ne!(new_site(&world, "One"), new_site(&world, "One"));

    let world = switched(Switch::ReportsRefused);
    assert!(matches!(
        world.run_sql("SELECT 1 AS One"),
        Err(AsdkError::InsufficientPermission(_))
    ));

    let world = switched(Switch::NameCaseSensitive);
    assert!(
        world
            .find_resource("deploy01", world.names().computer.guid)
            .unwrap()
            .is_empty()
    );

    let world = switched(Switch::DeleteLeavesAssociations);
    let one = new_site(&world, "One");
    put(&world, office(&world), one).unwrap();
    world.delete_resource(one).unwrap();
    let names = world.names();
    let side = if names.subnet_to_site.target_is_parent {
        Side::Parents
    } else {
        Side::Children
    };
    let argument = if names.type_argument_returns {
        names.site.guid
    } else {
        names.subnet.guid
    };
    assert_eq!(
        world
            .associated(argument, office(&world), names.subnet_to_site.guid, side)
            .unwrap()
            .len(),
        1
    );

    let world = switched(Switch::ScopedRights);
    let seen = world
        .resources_of_type(world.names().subnet.guid)
        .unwrap()
        .len();
    let rows = world
        .run_sql(&format!(
            "SELECT Name FROM vResource WHERE ResourceTypeGuid = '{}'",
            world.names().subnet.guid
        ))
        .unwrap();
    assert!(seen < 2);
    assert_eq!(rows.rows.len(), seen);
}

#[test]
fn the_inventory_mask_may_decide_instead_of_the_carve_out() {
    for (switch, expected) in [
        (None, "Deployment_Site"),
        (Some(Switch::InventoryMaskDecides), "HQ"),
    ] {
        let mut options = Options::builtin("flat-lan").unwrap();
        options.switches.extend(switch);
        let world = World::open(options).unwrap();
        act(&world, r#"{"action":"new-site","name":"HQ"}"#);
        act(&world, r#"{"action":"new-site","name":"Deployment_Site"}"#);
        act(
            &world,
            r#"{"action":"add-subnet","site":"Deployment_Site","subnet":"192.168.0.12/32"}"#,
        );
        act(
            &world,
            r#"{"action":"add-subnet","site":"Deployment_Site","subnet":"192.168.10.0/24"}"#,
        );
        act(
            &world,
            r#"{"action":"add-subnet","site":"HQ","subnet":"192.168.0.0/24"}"#,
        );
        let of_hq = served(&world, "192.168.0.101")
            .package
            .servers
            .contains(&"DEPLOY01.corp.example".to_owned());
        assert_eq!(of_hq, expected == "HQ");
    }
}

#[test]
fn wrong_directions_unknown_things_and_double_names_are_refused() {
    let world = world("flat-lan");
    let one = new_site(&world, "One");
    let names = world.names();
    let (parent, child) = names.subnet_to_site.ordered(office(&world), one);
    assert!(matches!(
        world.form(names.subnet_to_site.guid, child, &[parent]),
        Err(AsdkError::InvalidType(_))
    ));
    assert!(matches!(
        world.form(names.subnet_to_site.guid, parent, &[Guid::EMPTY]),
        Err(AsdkError::DoesNotExist(_))
    ));
    assert!(matches!(
        world.create_resource(names.site.guid, Guid::EMPTY, "one", ""),
        Err(AsdkError::InvalidParameter(_))
    ));
    assert!(matches!(
        world.create_resource(names.subnet.guid, Guid::EMPTY, "192.168.0.1/24", ""),
        Err(AsdkError::InvalidParameter(_))
    ));
    let computer = world.computer("SMP01", "corp.example").unwrap();
    assert!(matches!(
        world.delete_resource(computer),
        Err(AsdkError::InsufficientPermission(_))
    ));
    assert!(world.package(computer).unwrap().is_none());
}

#[test]
fn settings_go_out_and_in_as_item_xml() {
    for seed in 1..12 {
        let world = World::open(Options::builtin("flat-lan").unwrap().with_seed(seed)).unwrap();
        let names = world.names().clone();
        let site = new_site(&world, "One");
        let item = names.constrain.item.unwrap_or(site);
        let off = world.export_item_xml(item).unwrap();
        act(
            &world,
            r#"{"action":"constrain","site":"One","state":"on"}"#,
        );
        let on = world.export_item_xml(item).unwrap();
        assert_ne!(off, on);
        world.import_item_xml(&off).unwrap();
        assert_eq!(world.export_item_xml(item).unwrap(), off);
        world.import_item_xml(&on).unwrap();
        assert!(world.dump().contains("constrained: true"));
        let target = world
            .export_item_xml(names.capture_target.item.unwrap())
            .unwrap();
        act(&world, r#"{"action":"capture-target","server":"SITE01"}"#);
        assert!(world.dump().contains("captureTarget: SITE01.corp.example"));
        world.import_item_xml(&target).unwrap();
        assert!(world.dump().contains("captureTarget: null"));
    }
}

#[test]
fn packages_take_two_minutes_and_jobs_use_them() {
    let world = world("flat-lan");
    let package = world
        .find_resource("Win11-24H2 golden", world.names().package.guid)
        .unwrap();
    let site01 = world.computer("SITE01", "").unwrap();
    let deploy01 = world.computer("DEPLOY01", "").unwrap();
    let holders = |world: &World| {
        world
            .dump()
            .lines()
            .find(|line| line.contains("Win11-24H2 golden"))
            .unwrap()
            .to_owned()
    };
    world
        .set_package_servers(package, Assignment::Individually, false, &[deploy01], "")
        .unwrap();
    world.update_distribution_points(package).unwrap();
    assert!(holders(&world).contains("holders: [DEPLOY01.corp.example]"));
    world
        .set_package_servers(
            package,
            Assignment::Individually,
            false,
            &[deploy01, site01],
            "",
        )
        .unwrap();
    world.update_distribution_points(package).unwrap();
    assert!(holders(&world).contains("holders: [DEPLOY01.corp.example]"));
    world.tick(Duration::from_secs(121));
    assert!(holders(&world).contains("holders: [DEPLOY01.corp.example, SITE01.corp.example]"));

    let task = world
        .tasks()
        .unwrap()
        .into_iter()
        .find(|one| one.name == "Deploy Win11")
        .unwrap();
    let run = world
        .execute_task(task.guid, "now", "<c>IMAGE-003</c>")
        .unwrap();
    let client = world.computer("IMAGE-003", "").unwrap();
    assert_eq!(world.task_resource_status(run, client).unwrap(), 2);
    world.tick(Duration::from_secs(61));
    assert_eq!(world.task_resource_status(run, client).unwrap(), 1);

    act(&world, r#"{"action":"capture-target","server":"DEPLOY01"}"#);
    act(
        &world,
        r#"{"action":"run-task","task":"Capture Win11","computers":["IMAGE-001"]}"#,
    );
    world.tick(Duration::from_secs(61));
    let line = |world: &World| {
        world
            .dump()
            .lines()
            .find(|line| line.contains("Capture Win11 IMAGE-001"))
            .unwrap()
            .to_owned()
    };
    assert!(
        line(&world).contains("holders: [DEPLOY01.corp.example]"),
        "{}",
        line(&world)
    );
    world.tick(Duration::from_secs(130));
    assert!(
        line(&world).contains("SMP01.corp.example"),
        "{}",
        line(&world)
    );
}

#[test]
fn deleted_subnets_come_back_unless_invalid_and_directory_overrides() {
    let world = world("branch-offices");
    act(
        &world,
        r#"{"action":"delete-subnet","subnet":"10.200.0.0/24"}"#,
    );
    assert!(!world.dump().contains("10.200.0.0/24"));
    world.tick(Duration::from_secs(1900));
    assert!(world.dump().contains("10.200.0.0/24"));
    act(
        &world,
        r#"{"action":"delete-subnet","subnet":"10.200.0.0/24"}"#,
    );
    act(
        &world,
        r#"{"action":"invalid-subnets","pattern":"^10\\.200\\."}"#,
    );
    world.tick(Duration::from_secs(1900));
    assert!(!world.dump().contains("10.200.0.0/24"));
    act(
        &world,
        r#"{"action":"add-subnet","site":"HQ","subnet":"10.2.0.0/24"}"#,
    );
    act(&world, r#"{"action":"import-active-directory"}"#);
    assert!(
        world
            .dump()
            .contains("network: \"10.2.0.0/24\", sites: [\"Branch 2\"]")
    );
    assert!(world.dump().contains("Branch 13"));
}

#[test]
fn a_refused_call_does_not_change_the_guids_to_come() {
    let (one, two) = (world("flat-lan"), world("flat-lan"));
    assert!(
        one.create_resource(one.names().subnet.guid, Guid::EMPTY, "nonsense", "")
            .is_err()
    );
    let first = new_site(&one, "HQ");
    assert!(
        one.create_resource(one.names().site.guid, Guid::EMPTY, "hq", "")
            .is_err()
    );
    assert_eq!(first, new_site(&two, "HQ"));
    for world in [&one, &two] {
        world.delete_resource(first).unwrap();
    }
    let again = new_site(&one, "HQ");
    assert_ne!(first, again);
    assert_eq!(again, new_site(&two, "HQ"));
    let mine: Guid = "11111111-2222-4333-8444-555555555555".parse().unwrap();
    let site = one.names().site.guid;
    assert_eq!(
        one.create_resource(site, mine, "Mine", "").unwrap().guid,
        mine
    );
    let world = switched(Switch::SuppliedGuidIgnored);
    assert_ne!(
        world
            .create_resource(site_type(&world), mine, "Mine", "")
            .unwrap()
            .guid,
        mine
    );
}

fn site_type(world: &World) -> Guid {
    world.names().site.guid
}

#[test]
fn an_enterprise_loads_and_answers() {
    let world = World::open(Options::enterprise(500).unwrap()).unwrap();
    assert_eq!(
        world
            .resources_of_type(world.names().subnet.guid)
            .unwrap()
            .len(),
        500
    );
    assert_eq!(
        world
            .resources_of_type(world.names().site.guid)
            .unwrap()
            .len(),
        10
    );
    let registered = world
        .clients()
        .into_iter()
        .filter(|one| one.task_server.is_some())
        .count();
    assert!(registered > 900, "{registered}");
}

#[test]
fn german_types_have_german_names() {
    let world = World::open(
        Options::builtin("empty")
            .unwrap()
            .with_language(Language::De),
    )
    .unwrap();
    assert!(world.find_type("Standort").is_some());
    assert!(world.find_type("Site").is_none());
    assert!(world.profile().contains("name: \"Subnetz\""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever an administrator does in whatever order, the dump loads to the same dump.
    #[test]
    fn a_dump_loads_to_itself(steps in proptest::collection::vec((0..7_u8, 0..3_u8, 0..3_u8), 0..25), seed in 0..50_u64) {
        let world = World::open(Options::builtin("flat-lan").unwrap().with_seed(seed)).unwrap();
        for (what, first, second) in steps {
            let site = format!("Site {first}");
            let subnet = format!("192.168.{}.0/2{second}", u16::from(first) * 16);
            let server = ["SMP01", "SITE01", "DEPLOY01"][usize::from(second)].to_owned();
            let action = match what {
                0 => ConsoleAction::NewSite { name: site, description: "a: 'b' \"c\" # d".to_owned() },
                1 => ConsoleAction::DeleteSite { name: site },
                2 => ConsoleAction::AddSubnet { site, subnet },
                3 => ConsoleAction::RemoveSubnet { site, subnet },
                4 => ConsoleAction::AssignServer { server, site },
                5 => ConsoleAction::Constrain { site, state: "on".to_owned() },
                _ => ConsoleAction::InstallRole { server, role: "networkBoot".to_owned() },
            };
            let _ = world.console(action);
        }
        let dump = world.dump();
        let again = World::open(Options::text(&dump).with_seed(seed + 1)).unwrap();
        prop_assert_eq!(again.dump(), dump);
    }
}
