//! Servers that are valid for the same addresses.

use super::*;

#[test]
fn the_flat_lan_without_sites() {
    let seen = bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .server("DEPLOY01", &["192.168.0.12"], "package task")
        .subnet("192.168.0.0/24", &[])
        .subnet("192.168.10.0/24", &[]);
    finds("flat-lan", &desired(), &seen, "
            Warning: `DEPLOY01` and `SMP01` are all valid package and task servers for `192.168.0.0/24` and `192.168.10.0/24`, which are in no site: latency decides, and agents drift
        ");
    let alone = bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .subnet("192.168.0.0/24", &[]);
    finds("flat-lan", &desired(), &alone, "");
}

#[test]
fn a_deployment_server_shares_addresses() {
    finds("flat-lan", &wanted(), &example(), "
            Error: `DEPLOY01` of deployment site `Imaging` shares the addresses of `HQ` with `SITE01` and `SMP01`, which are package and task servers too: latency decides
        ");
    finds(
        "flat-lan",
        &wanted(),
        &carved(),
        "
            Info: `SITE01` and `SMP01` share the addresses of `HQ`: redundancy, if it is meant
        ",
    );
    // The only server of a site shares nothing.
    let alone = bare()
        .server("SMP01", &["10.0.0.10"], "package task")
        .server("DEPLOY01", &["192.168.0.12"], "package")
        .site("HQ")
        .site("Imaging")
        .subnet("192.168.0.0/24", &["HQ"])
        .subnet("192.168.10.0/24", &["Imaging"])
        .assign("Imaging", &["DEPLOY01"]);
    finds("flat-lan", &wanted(), &alone, "");
}

#[test]
fn a_deployment_server_may_share_what_is_in_no_site() {
    let far = carved()
        .subnet("10.9.0.0/24", &[])
        .subnet("10.9.1.0/24", &[]);
    let normal =
        "Info: `SITE01` and `SMP01` share the addresses of `HQ`: redundancy, if it is meant";
    finds("flat-lan", &wanted(), &far, &format!("
            Warning: deployment server `DEPLOY01` may also serve `10.9.0.0/24` and `10.9.1.0/24`, which are in no site, beside 2 package and task servers
            {normal}
        "));
    // Servers that stand there come first; what lies inside a site's subnet is the site's.
    let near = far
        .clone()
        .server("OTHER01", &["10.9.0.2", "10.9.1.2"], "package task")
        .subnet("192.168.10.0/28", &[]);
    finds("flat-lan", &wanted(), &near, normal);
    // A carve-out makes it no stranger to the subnet around it.
    let around = bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .server("DEPLOY01", &["192.168.0.12"], "package task")
        .site("Imaging")
        .assign("Imaging", &["DEPLOY01"])
        .subnet("192.168.0.0/24", &[])
        .subnet("192.168.0.12/32", &["Imaging"]);
    finds("flat-lan", &desired().deployment_site("Imaging"), &around, "
            Warning: deployment server `DEPLOY01` may also serve `192.168.0.0/24`, which is in no site, beside 1 package and task server
        ");
    // Without a deployment server nothing is lost by it.
    finds(
        "flat-lan",
        &desired().site("HQ").site("Imaging"),
        &far,
        normal,
    );
}

#[test]
fn two_task_servers_of_a_deployment_site() {
    let two = carved().server("DEPLOY02", &["192.168.10.3"], "task");
    finds("flat-lan", &wanted(), &two, "
            Warning: deployment site `Imaging` has 2 task servers, `DEPLOY01` and `DEPLOY02`: the agent picks one, whichever answers faster
            Info: `SITE01` and `SMP01` share the addresses of `HQ`: redundancy, if it is meant
        ");
    // Two package servers are redundancy there, too.
    let packages = carved().server("DEPLOY02", &["192.168.10.3"], "package");
    finds("flat-lan", &wanted(), &packages, "
            Info: in 2 sites, `HQ` and `Imaging`, several servers share the addresses: redundancy, if it is meant
        ");
}

#[test]
fn a_server_outside_its_own_site() {
    let seen = bare()
        .server("SMP01", &["10.0.0.10"], "package task")
        .server("FAR01", &["192.168.0.12"], "package")
        .site("HQ")
        .site("Lab")
        .subnet("192.168.0.0/24", &["HQ"])
        .subnet("192.168.10.0/24", &["Lab"])
        .assign("Lab", &["FAR01"]);
    finds("server-outside-own-site", &desired(), &seen, "
            Warning: `FAR01` is assigned to `Lab` and stands in `HQ` by its address `192.168.0.12`: it serves both
        ");
    finds("server-outside-own-site", &desired(), &seen.clone().assign("HQ", &["FAR01"]), "
            Warning: `FAR01` is assigned to `Lab` and stands in `HQ` by its address `192.168.0.12`: it serves both
        ");
    // Where it stands, or in no site: nothing that would be left in force.
    finds("server-outside-own-site", &desired(), &carved(), "");
    let nowhere = seen.but(|snapshot| {
        known(&mut snapshot.subnets).retain(|subnet| subnet.subnet == Ok(net("192.168.10.0/24")));
    });
    finds("server-outside-own-site", &desired(), &nowhere, "");
    // A deployment server is an error of its own.
    finds("server-outside-own-site", &wanted(), &example(), "");
}

#[test]
fn package_and_task_servers_differ() {
    let apart = bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .server("PACK01", &["192.168.10.2"], "package")
        .server("TASK01", &["192.168.10.3"], "task")
        .site("Imaging")
        .subnet("192.168.10.0/24", &["Imaging"]);
    finds("package-task-split", &desired().deployment_site("Imaging"), &apart, "
            Warning: deployment site `Imaging` has `PACK01` for packages and `TASK01` for tasks: the two are chosen apart
        ");
    finds(
        "package-task-split",
        &desired().site("Imaging"),
        &apart,
        "
            Info: package and task servers of `Imaging` differ: the two are chosen apart
        ",
    );
    finds("package-task-split", &wanted(), &carved(), "");
    let unknown = apart.but(|snapshot| snapshot.services = Observed::Unavailable("denied".into()));
    finds("package-task-split", &desired(), &unknown, "");
}

#[test]
fn a_task_server_by_assignment_alone() {
    finds("task-by-manual-only", &wanted(), &example(), "
            Warning: task server `DEPLOY01` is in `Imaging` by manual assignment alone, which is no promise for tasks
        ");
    finds("task-by-manual-only", &wanted(), &carved(), "");
    let package = bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .server("PACK01", &["192.168.0.12"], "package")
        .site("Imaging")
        .assign("Imaging", &["PACK01"]);
    finds("task-by-manual-only", &desired(), &package, "");
    let unknown = example().but(|snapshot| {
        for computer in snapshot.computers.values_mut() {
            computer.addresses = Observed::Unavailable("no inventory".into());
        }
    });
    finds("task-by-manual-only", &wanted(), &unknown, "");
}

/// What the first finding of a check advises.
fn advice(id: &str, view: &View<'_>) -> String {
    let found = findings(view);
    let (_, finding) = found.iter().find(|(check, _)| check.id == id).unwrap();
    finding.remedy.clone()
}

#[test]
fn what_a_carve_out_costs_is_said() {
    let (wanted, seen) = (wanted(), example());
    let world = seen_as(&wanted, &seen);
    assert_eq!(
        advice("task-by-manual-only", &view(&world, &wanted, &seen)),
        "let it stand in the site by its own address, or declare `192.168.0.12/32` in `Imaging`, which takes it out of `HQ`"
    );
}

#[test]
fn what_a_takeover_will_mend_has_no_other_remedy() {
    let seen = example();
    let wanted = desired()
        .deployment_site("Imaging")
        .subnets("Imaging", &["192.168.0.0/28"]);
    let world = seen_as(&wanted, &seen);
    let takeover = Takeover {
        from: vec![Name::new("HQ")],
        origin: origin(),
    };
    let planned = Planned {
        takeovers: [(net("192.168.0.0/28"), takeover)].into(),
        ..Planned::default()
    };
    let view = View {
        planned: Some(&planned),
        ..view(&world, &wanted, &seen)
    };
    assert_eq!(
        advice("server-not-dedicated", &view),
        "let `Imaging` have `192.168.0.0/28`, in which `DEPLOY01` stands: `takeover` says how"
    );
    assert_eq!(
        advice("task-by-manual-only", &view),
        "let it stand in the site by its own address, which it does once `Imaging` has `192.168.0.0/28`: `takeover` says how"
    );
}

#[test]
fn what_a_deployment_server_lends_is_said_once() {
    let seen = carved()
        .subnet("10.9.0.0/24", &[])
        .server("PACK01", &["192.168.0.14"], "package");
    finds("flat-lan", &wanted(), &seen, "
            Warning: deployment server `DEPLOY01` may also serve `10.9.0.0/24`, which is in no site, beside 3 package servers and 2 task servers
            Info: `PACK01`, `SITE01` and `SMP01` share the addresses of `HQ`: redundancy, if it is meant
        ");
}
