//! Boundaries.

use super::*;

#[test]
fn a_subnet_in_two_sites() {
    let both = two().subnet("10.0.0.0/24", &["HQ", "Lab"]);
    finds(
        "subnet-in-two-sites",
        &desired(),
        &both,
        "
            Error: subnet `10.0.0.0/24` belongs to `HQ` and `Lab`
        ",
    );
    let apart = two()
        .subnet("10.0.0.0/24", &["HQ"])
        .subnet("10.0.1.0/24", &["Lab"]);
    finds("subnet-in-two-sites", &desired(), &apart, "");
}

#[test]
fn overlaps() {
    let nested = |inner: &str| two().subnet("10.0.0.0/16", &["HQ"]).subnet(inner, &["Lab"]);
    let both = desired().site("HQ").site("Lab");
    let lab = desired().site("HQ").deployment_site("Lab");
    let hq = desired().deployment_site("HQ").site("Lab");
    let seen = nested("10.0.1.0/24");
    let said = "subnet `10.0.1.0/24` of `Lab` lies inside `10.0.0.0/16` of `HQ`";
    finds("subnet-overlap", &both, &seen, &format!("Warning: {said}"));
    finds("subnet-overlap", &lab, &seen, &format!("Info: {said}"));
    finds("subnet-overlap", &hq, &seen, &format!("Error: {said}"));
    // A deployment prefix inside a site that nobody declares.
    let alone = desired().deployment_site("Lab");
    finds("subnet-overlap", &alone, &seen, &format!("Warning: {said}"));
    // Of one site, or beside each other: no overlap.
    let same = two()
        .subnet("10.0.0.0/16", &["HQ"])
        .subnet("10.0.1.0/24", &["HQ"]);
    finds("subnet-overlap", &both, &same, "");
    let beside = two()
        .subnet("10.0.0.0/24", &["HQ"])
        .subnet("10.0.1.0/24", &["Lab"]);
    finds("subnet-overlap", &both, &beside, "");
}

#[test]
fn equal_prefixes() {
    let seen = two().subnet("10.0.0.0/24", &["HQ", "Lab"]);
    finds(
        "subnet-overlap",
        &desired().site("HQ").deployment_site("Lab"),
        &seen,
        "
            Error: deployment site `Lab` and `HQ` have an equal prefix, `10.0.0.0/24`
        ",
    );
    // Of ordinary sites another check says it.
    finds(
        "subnet-overlap",
        &desired().site("HQ").site("Lab"),
        &seen,
        "",
    );
}

#[test]
fn places_are_those_of_the_subnets() {
    let at = |line| crate::model::Origin { line, ..origin() };
    let declare = |subnet: &str, line| Some([(net(subnet), at(line))].into());
    let wanted = desired()
        .site("HQ")
        .of("HQ", |site| site.subnets = declare("10.0.0.0/16", 7))
        .site("Lab")
        .of("Lab", |site| site.subnets = declare("10.0.1.0/24", 9));
    let world = World::declared(&wanted);
    let notes = super::super::check(&View::declared(&world, &wanted));
    let overlap = notes
        .iter()
        .find(|note| note.id == "subnet-overlap")
        .unwrap();
    let places: Vec<String> = overlap.places.iter().map(ToString::to_string).collect();
    assert_eq!(places, ["test.yaml:7:1", "test.yaml:9:1"]);
}

#[test]
fn a_server_carved_out() {
    finds("host-carve-out", &wanted(), &carved(), "
            Warning: `192.168.0.12/32` of `Imaging` is the own address of `DEPLOY01`, carved out of `192.168.0.0/24` of `HQ`: that it takes the server along is an assumption
        ");
    finds("host-carve-out", &wanted(), &example(), "");
    // Said once: neither an overlap nor a supernet.
    finds("subnet-overlap", &wanted(), &carved(), "");
    finds("supernet", &wanted(), &carved(), "");
    // Nor is it one around a single address that nobody has any more.
    let stale = example().subnet("192.168.0.99/32", &["Imaging"]);
    finds("supernet", &wanted(), &stale, "");
    // A /32 of a client is a small carve-out like any other.
    let client = example().subnet("192.168.0.77/32", &["Imaging"]);
    finds("host-carve-out", &wanted(), &client, "");
    finds(
        "subnet-overlap",
        &wanted(),
        &client,
        "
            Info: subnet `192.168.0.77/32` of `Imaging` lies inside `192.168.0.0/24` of `HQ`
        ",
    );
    // A deployment site around it is an error all the same.
    let around = desired().deployment_site("HQ").site("Imaging");
    finds(
        "subnet-overlap",
        &around,
        &carved(),
        "
            Error: subnet `192.168.0.12/32` of `Imaging` lies inside `192.168.0.0/24` of `HQ`
        ",
    );
    let undeclared = desired().site("HQ");
    finds("host-carve-out", &undeclared, &carved(), "");
    // Without a site around it, it rests on the same assumption.
    let alone = bare()
        .server("DEPLOY01", &["192.168.0.12"], "package task")
        .site("Imaging")
        .subnet("192.168.0.12/32", &["Imaging"]);
    finds("host-carve-out", &desired().deployment_site("Imaging"), &alone, "
            Warning: `192.168.0.12/32` of `Imaging` is the own address of `DEPLOY01`: that it takes the server along is an assumption
        ");
}

#[test]
fn a_carve_out_that_somebody_vouched_for() {
    let vouched = carved().attested("host-carve-out:192.168.0.12/32", "deploy01");
    finds("host-carve-out", &wanted(), &vouched, "
            Info: `192.168.0.12/32` of `Imaging` is the own address of `DEPLOY01`, carved out of `192.168.0.0/24` of `HQ`: that it takes the server along holds by the word of kim: seen in the console
        ");
    // For that server, and no other.
    let other = carved().attested("host-carve-out:192.168.0.12/32", "SITE01");
    finds("host-carve-out", &wanted(), &other, "
            Warning: `192.168.0.12/32` of `Imaging` is the own address of `DEPLOY01`, carved out of `192.168.0.0/24` of `HQ`: that it takes the server along is an assumption
        ");
}

#[test]
fn a_carve_out_that_its_server_left() {
    let moved = example().subnet("192.168.0.99/32", &["Imaging"]);
    finds("carve-out-stale", &wanted(), &moved, "
            Warning: `192.168.0.99/32` of `Imaging` is no server's address (whether a client has it is not known), and `DEPLOY01` has `192.168.0.12`
        ");
    let nobodys = with_clients(moved.clone(), vec![client(1, "192.168.0.50", 24)]);
    finds("carve-out-stale", &wanted(), &nobodys, "
            Error: `192.168.0.99/32` of `Imaging` is nobody's address, and `DEPLOY01` has `192.168.0.12`
        ");
    let clients = with_clients(moved, vec![client(1, "192.168.0.99", 24)]);
    finds("carve-out-stale", &wanted(), &clients, "");
    let taken = example()
        .server("NEW01", &["192.168.0.99"], "package")
        .subnet("192.168.0.99/32", &["Imaging"]);
    finds("carve-out-stale", &wanted(), &taken, "
            Error: `192.168.0.99/32` of `Imaging` is the address of `NEW01`, and `DEPLOY01` has `192.168.0.12`
        ");
    finds("carve-out-stale", &wanted(), &carved(), "");
    // Addresses that are not known are no evidence.
    let unknown = with_clients(example(), vec![])
        .subnet("192.168.0.99/32", &["Imaging"])
        .but(|snapshot| {
            for computer in snapshot.computers.values_mut() {
                computer.addresses = Observed::Unavailable("no inventory".into());
            }
        });
    finds("carve-out-stale", &wanted(), &unknown, "");
}

#[test]
fn supernets() {
    let seen = two()
        .site("Annex")
        .subnet("10.0.0.0/8", &["HQ"])
        .subnet("10.1.0.0/16", &["Lab"])
        .subnet("10.2.0.0/16", &["Annex"])
        .subnet("10.3.0.0/16", &["HQ"])
        .subnet("172.16.0.0/12", &[])
        .subnet("172.16.1.0/24", &["Lab"]);
    finds("supernet", &desired(), &seen, "
            Warning: subnet `10.0.0.0/8` of `HQ` encloses 2 subnets of 2 other sites, such as `10.1.0.0/16` of `Lab`
            Warning: subnet `172.16.0.0/12`, which is in no site, encloses 1 subnet of 1 site, such as `172.16.1.0/24` of `Lab`
        ");
    let none = two()
        .subnet("10.0.0.0/8", &["HQ"])
        .subnet("10.3.0.0/16", &["HQ"])
        .subnet("172.16.0.0/12", &[]);
    finds("supernet", &desired(), &none, "");
}

#[test]
fn the_expression_that_keeps_a_supernet_away() {
    let remedy = |wanted: &Desired| {
        let seen = two()
            .subnet("10.0.0.0/8", &["HQ"])
            .subnet("10.1.0.0/16", &["Lab"]);
        let world = seen_as(wanted, &seen);
        let found = findings(&view(&world, wanted, &seen));
        let (_, finding) = found
            .iter()
            .find(|(check, _)| check.id == "supernet")
            .unwrap();
        finding.remedy.split("; ").last().unwrap().to_owned()
    };
    let keeps = "keeps it from coming back";
    assert_eq!(
        remedy(&desired()),
        format!("once it is gone, `invalidSubnets: '^10\\.0\\.0\\.0/8$'` {keeps}")
    );
    assert_eq!(
        remedy(&desired().invalid_subnets("^0\\.")),
        format!("once it is gone, `|^10\\.0\\.0\\.0/8$` at the end of `invalidSubnets` {keeps}")
    );
    assert_eq!(
        remedy(&desired().invalid_subnets("/8$")),
        format!("once it is gone, the declared `invalidSubnets` {keeps}")
    );
}

/// A hundred thousand subnets of two thousand sites, each site's inside one of a supernet: near-linear.
#[test]
fn a_hundred_thousand_subnets() {
    let mut world = World::default();
    let site = |name: &str| crate::select::WorldSite {
        name: Name::new(name),
        guid: None,
        declared: Some((crate::model::SiteKind::Site, origin())),
        manual: BTreeSet::new(),
        constrained: None,
    };
    world.subnets.insert(net("10.0.0.0/8"), [0].into());
    world.sites.push(site("Site 0"));
    for index in 1..=2_000_usize {
        world.sites.push(site(&format!("Site {index}")));
        for number in 0..50 {
            let number = u32::try_from((index - 1) * 50 + number).unwrap();
            let address = std::net::Ipv4Addr::from((10 << 24) + number * 16);
            world.subnets.insert(
                crate::model::Subnet::containing(address, 28).unwrap(),
                [index].into(),
            );
        }
    }
    let nothing = desired();
    let found = findings(&View::declared(&world, &nothing));
    let of = |id: &str| found.iter().filter(|(check, _)| check.id == id).count();
    assert_eq!((of("subnet-overlap"), of("supernet")), (100_000, 1));
}
