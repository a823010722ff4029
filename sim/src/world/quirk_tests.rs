//! Tests of what differs from server to server: languages, levels, scopes, item XML, the targeted pair, scratch objects.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::level::Level;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

fn flat_lan() -> Options {
    Options::builtin("flat-lan").unwrap()
}

fn act(world: &World, json: &str) -> String {
    world.console(serde_json::from_str(json).unwrap()).unwrap()
}

fn refused(world: &World, json: &str) -> bool {
    world.console(serde_json::from_str(json).unwrap()).is_err()
}

fn count(world: &World, type_guid: Guid) -> usize {
    world.resources_of_type(type_guid).unwrap().len()
}

#[test]
fn languages_differ_in_display_names_alone() {
    let english = World::open(flat_lan()).unwrap();
    let (names, classes) = (english.names(), &english.rules().data_classes);
    for (language, site, subnet) in [
        (Language::De, "Standort", "Subnetz"),
        (Language::Fr, "Site", "Sous-réseau"),
        (Language::Ja, "サイト", "サブネット"),
    ] {
        let world = World::open(flat_lan().with_language(language)).unwrap();
        let other = world.names();
        assert_eq!(world.find_type(site), Some(names.site.guid));
        assert_eq!(world.find_type(subnet), Some(names.subnet.guid));
        assert_eq!(other.service_to_computer, names.service_to_computer);
        assert_ne!(other.subnet_to_site.name, names.subnet_to_site.name);
        assert_eq!(other.subnet_to_site.guid, names.subnet_to_site.guid);
        for (one, two) in classes.iter().zip(&world.rules().data_classes) {
            assert_eq!(
                (one.guid, &one.table, &one.fields),
                (two.guid, &two.table, &two.fields)
            );
            let technical = one.name.starts_with("AeX ");
            assert_eq!(one.name == two.name, technical, "{}", one.name);
        }
        assert_eq!(world.items_by_name("DS Global Settings").unwrap().len(), 1);
        assert_eq!(world.dump(), english.dump());
        // The table of a class is told by the class, whatever it is called.
        for class in world.data_classes(names.computer.guid).unwrap() {
            let told = names.facts.iter().find(|one| one.guid == class.guid);
            assert!(told.is_none_or(|one| one.table == class.table));
        }

        let all = World::open(
            flat_lan()
                .with_language(language)
                .with_quirk(Quirk::LocalisedAssociations)
                .with_quirk(Quirk::LocalisedItems),
        )
        .unwrap();
        assert_ne!(
            all.names().service_to_computer.name,
            names.service_to_computer.name
        );
        assert!(all.items_by_name("DS Global Settings").unwrap().is_empty());
        let item = all.item(names.capture_target.item.unwrap()).unwrap();
        assert_ne!(item.name, "DS Global Settings");
    }
}

#[test]
fn other_elements_are_in_nobodys_book() {
    let usual = ["Guid", "Name", "Description", "Type", "GUID", "Data"];
    for seed in 1..20 {
        let world =
            World::open(flat_lan().with_seed(seed).with_quirk(Quirk::OtherElements)).unwrap();
        let names = world.names();
        for one in [
            &names.resource_info,
            &names.resource_data,
            &names.resource_structure,
            &names.relationship,
        ] {
            let StructureNames {
                type_name: _,
                guid,
                name,
                resource_type,
                description,
                data_classes,
                parent_type,
                child_type,
            } = one;
            let all = [
                guid,
                name,
                resource_type,
                description,
                data_classes,
                parent_type,
                child_type,
            ];
            for element in all {
                assert!(!usual.iter().any(|part| element.contains(part)), "{one:?}");
            }
            let told: BTreeSet<_> = all.iter().filter(|one| !one.is_empty()).collect();
            let given = all.iter().filter(|one| !one.is_empty()).count();
            assert_eq!(told.len(), given, "{one:?}");
        }
        assert!(world.profile().contains(names.resource_data.guid));
    }
}

#[test]
fn an_upgrade_moves_the_structures_and_the_level_on() {
    let world = World::open(flat_lan().with_level(Level::V85Ru2)).unwrap();
    assert_eq!(world.version(), "8.5");
    let before = world.structure_changed();
    world.tick(Duration::from_mins(5));
    assert_eq!(world.structure_changed(), before);
    assert_eq!(
        act(&world, r#"{"action":"upgrade"}"#),
        "the server is at 8.5-ru3"
    );
    assert_eq!(world.level(), Level::V85Ru3);
    assert!(world.structure_changed() > before);
    assert!(refused(&world, r#"{"action":"upgrade","level":"8.0"}"#));
    assert!(refused(&world, r#"{"action":"upgrade","level":"9"}"#));
    act(&world, r#"{"action":"upgrade","level":"8.5 RU4"}"#);
    world.tick(Duration::from_mins(5));
    let before = world.structure_changed();
    act(&world, r#"{"action":"upgrade"}"#);
    assert_eq!(world.level(), Level::V85Ru4);
    assert!(world.structure_changed() > before);
}

#[test]
fn the_level_is_kept_with_the_world() {
    let folder = std::env::temp_dir().join(format!("sitewright-sim-level-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("one.db");
    let _ = std::fs::remove_file(&path);
    let first = World::open(flat_lan().with_level(Level::V80).with_db(&path)).unwrap();
    assert_eq!(first.version(), "8.0");
    act(&first, r#"{"action":"upgrade"}"#);
    let changed = first.structure_changed();
    drop(first);
    let second = World::open_existing(&path).unwrap();
    assert_eq!(second.level(), Level::V81);
    assert_eq!(second.structure_changed(), changed);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_narrowed_scope_hides_and_shows_again() {
    let world = World::open(Options::builtin("branch-offices").unwrap()).unwrap();
    let (site, subnet) = (world.names().site.guid, world.names().subnet.guid);
    let (sites, subnets) = (count(&world, site), count(&world, subnet));
    let by_report = |type_guid: Guid| {
        let sql = format!("SELECT Name FROM vResource WHERE ResourceTypeGuid = '{type_guid}'");
        world.run_sql(&sql).unwrap().rows.len()
    };
    act(
        &world,
        r#"{"action":"scope","kind":"sites","hidden":"half"}"#,
    );
    assert_eq!(count(&world, site), sites / 2);
    assert_eq!(by_report(site), sites / 2);
    assert_eq!(count(&world, subnet), subnets);
    act(
        &world,
        r#"{"action":"scope","kind":"subnets","hidden":"all"}"#,
    );
    assert_eq!((count(&world, subnet), by_report(subnet)), (0, 0));
    assert_eq!(count(&world, site), sites / 2);
    let pairs = world.run_sql(&format!(
        "SELECT ChildResourceGuid FROM ResourceAssociation WHERE ResourceAssociationTypeGuid = '{}'",
        world.names().subnet_to_site.guid
    ));
    assert!(pairs.unwrap().rows.is_empty());
    // The world has not changed, and the console sees it all.
    let dump = world.dump();
    act(
        &world,
        r#"{"action":"scope","kind":"subnets","hidden":"none"}"#,
    );
    act(
        &world,
        r#"{"action":"scope","kind":"sites","hidden":"none"}"#,
    );
    assert_eq!(world.dump(), dump);
    assert_eq!(
        (count(&world, site), count(&world, subnet)),
        (sites, subnets)
    );
    assert!(refused(
        &world,
        r#"{"action":"scope","kind":"cars","hidden":"all"}"#
    ));
    assert!(refused(
        &world,
        r#"{"action":"scope","kind":"sites","hidden":"some"}"#
    ));
}

#[test]
fn what_is_hidden_is_not_changed() {
    for seed in 1..4 {
        let world = World::open(flat_lan().with_seed(seed)).unwrap();
        act(&world, r#"{"action":"new-site","name":"HQ"}"#);
        let names = world.names();
        let guid = world.find_resource("HQ", names.site.guid).unwrap();
        let item = names.constrain.item.unwrap_or(guid);
        act(
            &world,
            r#"{"action":"scope","kind":"sites","hidden":"all"}"#,
        );
        assert!(matches!(
            world.delete_resource(guid),
            Err(AsdkError::InsufficientPermission(_))
        ));
        assert!(matches!(world.item(guid), Err(AsdkError::DoesNotExist(_))));
        if item == guid {
            assert!(world.export_item_xml(item).is_err());
        } else {
            let xml = world.export_item_xml(item).unwrap().to_lowercase();
            assert!(!xml.contains(&guid.to_string()), "{xml}");
        }
    }
}

#[test]
fn what_is_replicated_at_run_time_is_managed_and_refused() {
    for (action, name) in [
        (r#"{"action":"new-site","name":"HQ"}"#, "HQ"),
        (
            r#"{"action":"new-subnet","subnet":"10.9.0.0/24"}"#,
            "10.9.0.0/24",
        ),
    ] {
        let world = World::open(flat_lan()).unwrap();
        act(&world, action);
        let guid = [world.names().site.guid, world.names().subnet.guid]
            .into_iter()
            .map(|kind| world.find_resource(name, kind).unwrap())
            .find(|guid| !guid.is_empty())
            .unwrap();
        assert!(!world.is_hierarchy_managed(guid).unwrap());
        assert!(!world.is_hierarchy_member().unwrap());
        let replicate = |from: &str| {
            act(
                &world,
                &format!(r#"{{"action":"replicate","name":"{name}","from":"{from}"}}"#),
            )
        };
        replicate("SMP00.corp.example");
        assert!(world.is_hierarchy_managed(guid).unwrap());
        assert!(world.is_hierarchy_member().unwrap());
        assert!(matches!(
            world.save_resource(guid, None, Some("mine")),
            Err(AsdkError::InsufficientPermission(_))
        ));
        assert!(world.delete_resource(guid).is_err());
        assert!(world.dump().contains("replicatedFrom: SMP00.corp.example"));
        assert_eq!(world.item_actions(guid, true).unwrap().len(), 1);
        replicate("none");
        world.save_resource(guid, None, Some("mine")).unwrap();
        assert_eq!(world.item_actions(guid, true).unwrap().len(), 4);
        assert_eq!(world.item_actions(guid, false).unwrap().len(), 1);
    }
}

/// The values in item XML, by path: what a learner compares.
fn flat(xml: &str) -> BTreeMap<String, String> {
    fn walk(node: roxmltree::Node<'_, '_>, path: &str, out: &mut BTreeMap<String, String>) {
        let path = format!("{path}/{}", node.tag_name().name());
        for attribute in node.attributes() {
            out.insert(
                format!("{path}/@{}", attribute.name()),
                attribute.value().to_owned(),
            );
        }
        if let Some(text) = node.text() {
            out.insert(path.clone(), text.to_owned());
        }
        for child in node.children().filter(roxmltree::Node::is_element) {
            walk(child, &path, out);
        }
    }
    let mut out = BTreeMap::new();
    let document = roxmltree::Document::parse(xml).unwrap();
    walk(document.root_element(), "", &mut out);
    out
}

fn changed(before: &str, after: &str) -> BTreeSet<String> {
    let (before, after) = (flat(before), flat(after));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .cloned()
        .collect()
}

#[test]
fn noise_moves_with_every_save_and_never_comes_back() {
    for seed in 1..12 {
        let world = World::open(
            flat_lan()
                .with_seed(seed)
                .with_quirk(Quirk::NoisyItems)
                .with_quirk(Quirk::ReorderedItems),
        )
        .unwrap();
        act(&world, r#"{"action":"new-site","name":"HQ"}"#);
        let names = world.names().clone();
        let site = world.find_resource("HQ", names.site.guid).unwrap();
        let item = names.constrain.item.unwrap_or(site);
        let export = || world.export_item_xml(item).unwrap();
        let flip = |state: &str| {
            world.tick(Duration::from_mins(1));
            act(
                &world,
                &format!(r#"{{"action":"constrain","site":"HQ","state":"{state}"}}"#),
            );
        };
        let off = export();
        assert_eq!(off, export(), "reading is no save");
        flip("on");
        let on = export();
        flip("off");
        let again = export();
        // Two values of noise and the switch; then the switch alone is as it was.
        assert_eq!(changed(&off, &on).len(), 3, "{off}\n{on}");
        let left = changed(&off, &again);
        assert_eq!(left.len(), 2, "{off}\n{again}");
        assert!(left.is_subset(&changed(&off, &on)));
        // What a client has read before is taken, noise and order and all.
        world.import_item_xml(&on).unwrap();
        assert!(world.dump().contains("constrained: true"));
        assert_eq!(changed(&on, &export()).len(), 2);
    }
}

#[test]
fn what_is_imported_goes_out_byte_for_byte_until_something_changes() {
    for seed in 1..8 {
        let world = World::open(flat_lan().with_seed(seed)).unwrap();
        let names = world.names().clone();
        let item = names.capture_target.item.unwrap();
        let export = || world.export_item_xml(item).unwrap();
        let plain = export();
        let odd = plain
            .replacen(
                "<attributes>",
                "<!-- kept -->\r\n\t<unheard-of  a='1'/><attributes>",
                1,
            )
            .replacen('>', "  >\n", 1);
        let odd = format!("<?xml version=\"1.0\"?>\n{odd}\n<!-- end -->");
        world.import_item_xml(&odd).unwrap();
        assert_eq!(export(), odd);
        act(&world, r#"{"action":"capture-target","server":"SITE01"}"#);
        assert_ne!(export(), odd);
        act(&world, r#"{"action":"capture-target","server":"none"}"#);
        assert_eq!(export(), odd, "it says the same again");

        let unknown = "11111111-2222-3333-4444-555555555555";
        for (bad, missing) in [
            ("<item", false),
            ("<!DOCTYPE item []><item/>", false),
            ("<other guid=\"x\"/>", false),
            ("<item/>", false),
            (&*format!("<item guid=\"{unknown}\"/>"), true),
            (
                &*format!("<item guid=\"{item}\"><name>Mine</name></item>"),
                false,
            ),
        ] {
            let error = world.import_item_xml(bad).unwrap_err();
            assert_eq!(
                matches!(error, AsdkError::DoesNotExist(_)),
                missing,
                "{bad}"
            );
        }
        assert_eq!(export(), odd);
    }
}

#[test]
fn an_import_of_all_sites_leaves_alone_what_it_does_not_change() {
    let options = |seed| Options::builtin("neglected").unwrap().with_seed(seed);
    let seed = (1..50)
        .find(|seed| {
            let world = World::open(options(*seed)).unwrap();
            world.names().constrain.by_site
        })
        .unwrap();
    let world = World::open(options(seed)).unwrap();
    let item = world.names().constrain.item.unwrap();
    let before = world.export_item_xml(item).unwrap();
    world.import_item_xml(&before).unwrap();
    // A replicated site among them is not ours to switch.
    let layout = &world.names().constrain;
    let all = before.replace(
        &format!("\"{}\"", layout.off),
        &format!("\"{}\"", layout.on),
    );
    assert!(matches!(
        world.import_item_xml(&all),
        Err(AsdkError::InsufficientPermission(_))
    ));
    assert_eq!(world.export_item_xml(item).unwrap(), before);
}

const APART: [&str; 8] = [
    r#"{"action":"new-site","name":"HQ"}"#,
    r#"{"action":"new-site","name":"Lab"}"#,
    r#"{"action":"add-subnet","site":"HQ","subnet":"192.168.0.0/24"}"#,
    r#"{"action":"add-subnet","site":"Lab","subnet":"192.168.10.0/24"}"#,
    r#"{"action":"assign-server","server":"DEPLOY01","site":"Lab"}"#,
    r#"{"action":"assign-server","server":"SMP01","site":"Lab"}"#,
    r#"{"action":"download-targets","targets":["Lab"]}"#,
    r#"{"action":"prevent-downloads","from":"smp","state":"on"}"#,
];

fn fetches(world: &World, address: &str) -> Vec<String> {
    world
        .served(address.parse::<Ipv4Addr>().unwrap())
        .package
        .servers
}

#[test]
fn prevented_downloads_leave_the_smp_or_all_outside_out() {
    for seed in 1..10 {
        let world = World::open(flat_lan().with_seed(seed)).unwrap();
        for step in APART {
            act(&world, step);
        }
        assert_eq!(fetches(&world, "192.168.10.101"), ["DEPLOY01.corp.example"]);
        assert_eq!(fetches(&world, "192.168.0.101").len(), 3);
        assert_eq!(
            world
                .served("192.168.10.101".parse().unwrap())
                .task
                .servers
                .len(),
            2,
            "tasks are no downloads"
        );
        let dump = world.dump();
        assert!(
            dump.contains("  preventDownloads: { targets: [Lab], fromPlatform: true }\n"),
            "{dump}"
        );
        let same = World::open(Options::text(&dump).with_seed(seed)).unwrap();
        assert_eq!(same.dump(), dump);
        assert_eq!(fetches(&same, "192.168.10.101"), ["DEPLOY01.corp.example"]);

        // From outside: where the site has no server of its own left, its clients wait.
        act(
            &world,
            r#"{"action":"prevent-downloads","from":"outside","state":"on"}"#,
        );
        act(
            &world,
            r#"{"action":"unassign-server","server":"DEPLOY01","site":"Lab"}"#,
        );
        act(
            &world,
            r#"{"action":"unassign-server","server":"SMP01","site":"Lab"}"#,
        );
        let served = world.served("192.168.10.101".parse().unwrap());
        assert_eq!(served.package.basis, Basis::Waiting);
        assert!(served.package.servers.is_empty());
        act(
            &world,
            r#"{"action":"prevent-downloads","from":"outside","state":"off"}"#,
        );
        assert_eq!(
            fetches(&world, "192.168.10.101"),
            ["DEPLOY01.corp.example", "SITE01.corp.example"]
        );

        // Aimed at one computer instead.
        act(
            &world,
            r#"{"action":"download-targets","targets":["IMAGE-002"]}"#,
        );
        assert_eq!(fetches(&world, "192.168.10.101").len(), 3);
        assert_eq!(fetches(&world, "192.168.10.102").len(), 2);
        act(&world, r#"{"action":"download-targets","targets":[]}"#);
        act(
            &world,
            r#"{"action":"prevent-downloads","from":"smp","state":"off"}"#,
        );
        assert!(!world.dump().contains("preventDownloads"));
        assert!(refused(
            &world,
            r#"{"action":"download-targets","targets":["Nobody"]}"#
        ));
        assert!(refused(
            &world,
            r#"{"action":"prevent-downloads","from":"x","state":"on"}"#
        ));
    }
}

#[test]
fn the_targeted_pair_is_read_and_written_as_item_xml() {
    for seed in 1..12 {
        let world = World::open(flat_lan().with_seed(seed)).unwrap();
        let names = world.names().clone();
        let export = || world.export_item_xml(names.prevent.item).unwrap();
        let nothing = export();
        for step in APART {
            act(&world, step);
        }
        let site = world.find_resource("Lab", names.site.guid).unwrap();
        let aimed = export();
        assert!(aimed.to_lowercase().contains(&site.to_string()), "{aimed}");
        act(
            &world,
            r#"{"action":"prevent-downloads","from":"outside","state":"on"}"#,
        );
        let both = export();
        assert_eq!(changed(&aimed, &both).len(), 1, "{aimed}\n{both}");
        world.import_item_xml(&nothing).unwrap();
        assert!(!world.dump().contains("preventDownloads"));
        world.import_item_xml(&both).unwrap();
        let dump = world.dump();
        assert!(
            dump.contains(
                "preventDownloads: { targets: [Lab], fromPlatform: true, fromOutside: true }"
            ),
            "{dump}"
        );
        let office = world
            .find_resource("192.168.0.0/24", names.subnet.guid)
            .unwrap();
        let wrong = both
            .replace(&site.to_string(), &office.to_string())
            .replace(
                &site.to_string().to_uppercase(),
                &office.to_string().to_uppercase(),
            );
        assert!(matches!(
            world.import_item_xml(&wrong),
            Err(AsdkError::InvalidType(_))
        ));
        // A site that is gone is aimed at no longer.
        act(&world, r#"{"action":"delete-site","name":"Lab"}"#);
        assert!(world.dump().contains("preventDownloads: { fromPlatform"));
    }
}

#[test]
fn a_package_server_kept_from_every_source_gets_no_new_package() {
    let world = World::open(flat_lan()).unwrap();
    for step in APART {
        act(&world, step);
    }
    let holders = || {
        let dump = world.dump();
        let line = dump
            .lines()
            .find(|line| line.contains("name: PCT"))
            .unwrap();
        line.to_owned()
    };
    let pin = |servers: &str| {
        act(
            &world,
            &format!(r#"{{"action":"pin-package","package":"PCT","servers":[{servers}]}}"#),
        );
        world.tick(Duration::from_mins(5));
    };
    // Aimed at the Lab: its server may still fetch from the office.
    pin(r#""SITE01""#);
    pin(r#""SITE01","DEPLOY01""#);
    assert!(holders().contains("holders: [DEPLOY01.corp.example, SITE01.corp.example]"));
    // Neither the SMP nor anybody outside: it waits.
    act(
        &world,
        r#"{"action":"add-subnet","site":"Lab","subnet":"192.168.0.12/32"}"#,
    );
    act(
        &world,
        r#"{"action":"prevent-downloads","from":"outside","state":"on"}"#,
    );
    pin(r#""SITE01""#);
    act(
        &world,
        r#"{"action":"download-targets","targets":["DEPLOY01"]}"#,
    );
    act(
        &world,
        r#"{"action":"unassign-server","server":"SMP01","site":"Lab"}"#,
    );
    act(
        &world,
        r#"{"action":"delete-subnet","subnet":"192.168.0.0/24"}"#,
    );
    pin(r#""SITE01","DEPLOY01""#);
    assert!(
        holders().contains("holders: [SITE01.corp.example]"),
        "{}",
        holders()
    );
    act(
        &world,
        r#"{"action":"prevent-downloads","from":"smp","state":"off"}"#,
    );
    world.tick(Duration::from_mins(1));
    assert!(holders().contains("holders: [DEPLOY01.corp.example, SITE01.corp.example]"));
}

#[test]
fn the_console_writes_the_row_that_an_association_needs() {
    for (switch, steps) in [
        (
            Switch::AssociationNotEnough,
            [
                r#"{"action":"add-subnet","site":"HQ","subnet":"192.168.0.0/24"}"#,
                r#"{"action":"remove-subnet","site":"HQ","subnet":"192.168.0.0/24"}"#,
            ],
        ),
        (
            Switch::ServerAssociationNotEnough,
            [
                r#"{"action":"assign-server","server":"SITE01","site":"HQ"}"#,
                r#"{"action":"unassign-server","server":"SITE01","site":"HQ"}"#,
            ],
        ),
    ] {
        for on in [true, false] {
            let options = flat_lan();
            let world = World::open(if on {
                options.with_switch(switch)
            } else {
                options
            })
            .unwrap();
            act(&world, r#"{"action":"new-site","name":"HQ"}"#);
            let names = world.names();
            let site = world.find_resource("HQ", names.site.guid).unwrap();
            let first = if switch == Switch::AssociationNotEnough {
                world
                    .find_resource("192.168.0.0/24", names.subnet.guid)
                    .unwrap()
            } else {
                world.computer("SITE01", "").unwrap()
            };
            act(&world, steps[0]);
            let rows = world.data_class_rows(names.site_membership, first).unwrap();
            assert_eq!(rows.len(), usize::from(on));
            let table = world
                .run_sql("SELECT _ResourceGuid, Site, Source FROM Inv_Site_Membership")
                .unwrap();
            let expected: Vec<Vec<Option<String>>> = rows
                .iter()
                .map(|_| {
                    [first.to_string(), site.to_string(), "Console".to_owned()]
                        .map(Some)
                        .to_vec()
                })
                .collect();
            assert_eq!(table.rows, expected);
            act(&world, steps[1]);
            assert!(
                world
                    .data_class_rows(names.site_membership, first)
                    .unwrap()
                    .is_empty()
            );
        }
    }
}

/// Everything that reads of any kind show.
fn everything(world: &World) -> Vec<String> {
    let mut all = vec![world.dump()];
    let tables = [
        "Item",
        "vItem",
        "vResource",
        "ResourceAssociation",
        "Inv_Site_Membership",
        "SWDPackage",
        "SWDPackageServer",
        "vSiteServices",
    ];
    for table in tables {
        // When an item was saved last is no trace of another.
        let rows = world.run_sql(&format!("SELECT * FROM {table}")).unwrap();
        all.push(format!("{rows:?}"));
    }
    let items = world.items_by_name_and_type("%", "%").unwrap();
    for item in &items {
        all.push(world.export_item_xml(*item).unwrap());
    }
    all.push(format!("{items:?}"));
    for one in world.resource_types() {
        all.push(format!("{:?}", world.resources_of_type(one.guid).unwrap()));
    }
    all
}

#[test]
fn scratch_objects_leave_nothing_behind() {
    for seed in 1..6 {
        let world = World::open(
            Options::builtin("branch-offices")
                .unwrap()
                .with_seed(seed)
                .with_quirk(Quirk::NoisyItems),
        )
        .unwrap();
        let names = world.names().clone();
        let before = everything(&world);
        let (site_name, network) = ("sitewright-verify ü 7f3a (delete me)", "203.0.113.0/24");
        let site = world
            .create_resource(names.site.guid, Guid::EMPTY, site_name, "scratch")
            .unwrap()
            .guid;
        let subnet = world
            .create_resource(names.subnet.guid, Guid::EMPTY, network, "")
            .unwrap()
            .guid;
        let server = world.platform_guid();
        let joined = [
            (&names.subnet_to_site, subnet),
            (&names.server_to_site, server),
        ];
        for (of, first) in joined {
            let (parent, child) = of.ordered(first, site);
            world.form(of.guid, parent, &[child]).unwrap();
        }
        let report = world
            .create_report("scratch", "", "", Guid::EMPTY, "SELECT 1 AS One")
            .unwrap();
        let folder = world
            .create_folder("scratch", names.reports_folder)
            .unwrap();
        let row = vec![("Site".to_owned(), Some(site.to_string()))];
        world
            .save_data_class_rows(names.site_membership, subnet, vec![row], RowAction::Add)
            .unwrap();
        let xml = world.export_item_xml(site).unwrap();
        world.import_item_xml(&xml).unwrap();
        assert_ne!(everything(&world), before);
        let (of, first) = joined[0];
        let (parent, child) = of.ordered(first, site);
        world.break_(of.guid, parent, &[child]).unwrap();
        world.delete_resource(site).unwrap();
        world.delete_resource(subnet).unwrap();
        world.delete_item(report.guid).unwrap();
        world.delete_item(folder.guid).unwrap();
        assert_eq!(everything(&world), before);
    }
}

#[test]
fn a_folder_with_something_in_it_is_not_deleted() {
    let world = World::open(flat_lan()).unwrap();
    let folder = world.create_folder("Ours", Guid::EMPTY).unwrap().guid;
    let report = world
        .create_report("one", "", "", folder, "SELECT 1 AS One")
        .unwrap()
        .guid;
    assert!(world.delete_item(folder).is_err());
    world.delete_item(report).unwrap();
    world.delete_item(folder).unwrap();
}
