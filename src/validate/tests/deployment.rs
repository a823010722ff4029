//! Deployment sites.

use super::*;

#[test]
fn what_an_empty_deployment_site_lacks() {
    let bare_site = || {
        bare()
            .server("SMP01", &["192.168.0.10"], "package task")
            .site("Imaging")
    };
    let imaging = desired().deployment_site("Imaging");
    finds("deployment-site-empty", &imaging, &bare_site(), "
            Error: deployment site `Imaging` has no subnet, no server with the package role and no server with the task role
        ");
    let half = bare_site()
        .server("DEPLOY01", &["192.168.10.2"], "package")
        .subnet("192.168.10.0/24", &["Imaging"]);
    finds(
        "deployment-site-empty",
        &imaging,
        &half,
        "
            Error: deployment site `Imaging` has no server with the task role
        ",
    );
    // By its own address or by assignment, a server is a server; an ordinary site may be as it likes.
    finds("deployment-site-empty", &wanted(), &carved(), "");
    finds("deployment-site-empty", &wanted(), &example(), "");
    finds(
        "deployment-site-empty",
        &desired().site("Imaging"),
        &bare_site(),
        "",
    );
}

#[test]
fn what_is_not_known_does_not_make_it_empty() {
    let imaging = desired().deployment_site("Imaging");
    let seen = || {
        bare()
            .server("DEPLOY01", &["192.168.10.2"], "")
            .site("Imaging")
            .subnet("192.168.10.0/24", &["Imaging"])
    };
    let roles = seen().but(|snapshot| snapshot.services = Observed::Unavailable("denied".into()));
    finds("deployment-site-empty", &imaging, &roles, "");
    // A server whose addresses are not known may stand in it.
    let unplaced = seen().server("FAR01", &[], "package task").but(|snapshot| {
        for computer in snapshot
            .computers
            .values_mut()
            .filter(|c| c.addresses.known().is_some_and(BTreeSet::is_empty))
        {
            computer.addresses = Observed::Unavailable("no inventory".into());
        }
    });
    finds("deployment-site-empty", &imaging, &unplaced, "");
    // A declared server that is not found is said by the comparison.
    let missing = desired()
        .deployment_site("Imaging")
        .servers("Imaging", &["DEPLOY09"]);
    finds("deployment-site-empty", &missing, &seen(), "");
    let unread = seen().but(|snapshot| snapshot.subnets = Observed::Unavailable("denied".into()));
    finds("deployment-site-empty", &imaging, &unread, "");
    // Offline only what is declared as empty is.
    finds_offline("deployment-site-empty", &imaging, "");
    finds_offline(
        "deployment-site-empty",
        &imaging.subnets("Imaging", &[]),
        "
            Error: deployment site `Imaging` has no subnet
        ",
    );
}

#[test]
fn the_smp_in_a_deployment_site() {
    finds("smp-in-deployment-site", &wanted(), &carved(), "");
    finds(
        "smp-in-deployment-site",
        &wanted(),
        &carved().assign("Imaging", &["SMP01"]),
        "
            Error: the SMP `SMP01` serves deployment site `Imaging`: it is assigned manually
        ",
    );
    let stands = carved().subnet("192.168.0.8/29", &["Imaging"]);
    finds("smp-in-deployment-site", &wanted(), &stands, "
            Error: the SMP `SMP01` serves deployment site `Imaging`: its address `192.168.0.10` lies in `192.168.0.8/29`
        ");
    finds(
        "smp-in-deployment-site",
        &desired().site("HQ").site("Imaging"),
        &stands,
        "",
    );
}

#[test]
fn a_server_that_is_not_dedicated() {
    finds("server-not-dedicated", &wanted(), &example(), "
            Error: `DEPLOY01` of deployment site `Imaging` also serves `HQ` automatically, since its address `192.168.0.12` lies in `192.168.0.0/24`
        ");
    finds("server-not-dedicated", &wanted(), &carved(), "");
    finds(
        "server-not-dedicated",
        &wanted(),
        &carved().assign("HQ", &["DEPLOY01"]),
        "
            Error: `DEPLOY01` of deployment site `Imaging` also serves `HQ` by manual assignment
        ",
    );
    // By any of its addresses; and both ways.
    let two_cards = bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .server(
            "DEPLOY01",
            &["192.168.10.2", "192.168.0.12"],
            "package task",
        )
        .site("HQ")
        .site("Imaging")
        .site("Annex")
        .subnet("192.168.0.0/24", &["HQ"])
        .subnet("192.168.1.0/24", &["Annex"])
        .subnet("192.168.10.0/24", &["Imaging"])
        .assign("Annex", &["DEPLOY01"]);
    finds("server-not-dedicated", &wanted(), &two_cards, "
            Error: `DEPLOY01` of deployment site `Imaging` also serves `HQ` automatically, since its address `192.168.0.12` lies in `192.168.0.0/24`, and `Annex` by manual assignment
        ");
    // Two deployment sites with one server are said once.
    let both = desired().deployment_site("HQ").deployment_site("Imaging");
    let shared = carved().assign("HQ", &["DEPLOY01"]);
    finds("server-not-dedicated", &both, &shared, "
            Error: `DEPLOY01` of deployment site `HQ` also serves `Imaging` automatically, since its address `192.168.0.12` lies in `192.168.0.12/32`, and `Imaging` by manual assignment
        ");
}

#[test]
fn a_server_whose_own_address_is_in_no_site() {
    let alone = bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .server("DEPLOY01", &["192.168.0.12"], "package task")
        .site("Imaging")
        .subnet("192.168.10.0/24", &["Imaging"])
        .assign("Imaging", &["DEPLOY01"]);
    let imaging = desired().deployment_site("Imaging");
    finds("server-not-dedicated", &imaging, &alone, "
            Warning: `DEPLOY01` of deployment site `Imaging` stands at `192.168.0.12`, which is in no site: clients in no site may use it
        ");
    finds(
        "server-not-dedicated",
        &imaging,
        &alone.subnet("192.168.0.12/32", &["Imaging"]),
        "",
    );
}

#[test]
fn unknown_roles_and_addresses_make_no_error() {
    let unknown = example().but(|snapshot| {
        for computer in snapshot.computers.values_mut() {
            computer.addresses = Observed::Unavailable("no inventory".into());
        }
    });
    finds("server-not-dedicated", &wanted(), &unknown, "");
    let roles =
        example().but(|snapshot| snapshot.services = Observed::Unavailable("denied".into()));
    finds("server-not-dedicated", &wanted(), &roles, "");
    // A network boot server is not chosen by sites.
    let boot = bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .server("BOOT01", &["192.168.0.12"], "networkBoot")
        .site("HQ")
        .site("Imaging")
        .subnet("192.168.0.0/24", &["HQ"])
        .assign("Imaging", &["BOOT01"]);
    finds("server-not-dedicated", &wanted(), &boot, "");
}

/// With the carve-out taken away the plan is blocked; a server that stood there before, and is left alone, blocks
/// nothing; one that is taken out of one of two wrong sites is cured as far as it goes.
#[test]
fn errors_block_where_a_plan_makes_them() {
    let said = |standing: &str| {
        format!(
            "
            Error {standing} flat-lan: `DEPLOY01` of deployment site `Imaging` shares the addresses of `HQ` with `SITE01` and `SMP01`, which are package and task servers too: latency decides
            Error {standing} server-not-dedicated: `DEPLOY01` of deployment site `Imaging` also serves `HQ` automatically, since its address `192.168.0.12` lies in `192.168.0.0/24`
            "
        )
    };
    let constrained = |seen: Seen| {
        seen.but(|snapshot| {
            for site in known(&mut snapshot.sites) {
                site.constrained = Observed::Known(true);
            }
        })
    };
    let errors = |before: &Seen, after: &Seen, touched: &[&str], expect: &str| {
        let wanted = wanted();
        let (was, will) = (seen_as(&wanted, before), seen_as(&wanted, after));
        let touched = touched.iter().map(ToString::to_string).collect();
        let notes = judge(
            &view(&was, &wanted, before),
            &view(&will, &wanted, after),
            &touched,
        );
        let found: Vec<String> = notes
            .iter()
            .filter(|note| note.severity == Severity::Error)
            .map(|n| format!("{:?} {:?} {}: {}", n.severity, n.standing, n.id, n.message))
            .collect();
        let expect: Vec<&str> = expect
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        assert_eq!(found, expect);
    };
    let (right, wrong) = (constrained(carved()), constrained(example()));
    errors(&right, &wrong, &[], &said("Blocks"));
    errors(&wrong, &wrong, &[], &said("Existing"));
    errors(&wrong, &wrong, &["server deploy01"], &said("Blocks"));
    errors(
        &wrong,
        &right,
        &["subnet 192.168.0.12/32", "site imaging"],
        &said("Resolved"),
    );
    let worse = constrained(
        example()
            .site("Annex")
            .subnet("192.168.1.0/24", &["Annex"])
            .assign("Annex", &["DEPLOY01"]),
    );
    let better = constrained(example().site("Annex").subnet("192.168.1.0/24", &["Annex"]));
    errors(&worse, &better, &[], &said("Existing"));
}

#[test]
fn constraint() {
    finds("not-constrained", &wanted(), &carved(), "
            Warning: deployment site `Imaging` is not constrained: its clients may fail over to other sites
        ");
    let on = carved().constrained();
    finds("not-constrained", &wanted(), &on, "");
    let unread = carved().with(|site| site.constrained = Observed::Unavailable("unknown".into()));
    finds("not-constrained", &wanted(), &unread, "");
    // The SMP lacks the setting: said where it matters or is asked for.
    let lacks = |seen: Seen| seen.but(|snapshot| snapshot.surroundings.can_constrain = false);
    finds(
        "not-constrained",
        &wanted().constrain("HQ", true),
        &lacks(carved()),
        "
            Info: this SMP has no Constrain to Site: `HQ` is not constrained
            Info: this SMP has no Constrain to Site: `Imaging` is not constrained
        ",
    );
    finds(
        "not-constrained",
        &desired().site("HQ"),
        &lacks(carved()),
        "",
    );
}

#[test]
fn neighbours_that_may_fail_over() {
    finds("foreign-failover", &wanted(), &carved(), "
            Warning: `HQ` is not constrained: with its servers down, clients may fail over to `DEPLOY01`
        ");
    let lacks = carved().but(|snapshot| snapshot.surroundings.can_constrain = false);
    finds("foreign-failover", &wanted(), &lacks, "
            Info: `HQ` is not constrained: with its servers down, clients may fail over to `DEPLOY01`
        ");
    let constrained = carved().but(|snapshot| {
        for site in known(&mut snapshot.sites) {
            site.constrained = Observed::Known(true);
        }
    });
    finds("foreign-failover", &wanted(), &constrained, "");
    // Without a deployment server, or without neighbours, nobody fails over to one.
    finds(
        "foreign-failover",
        &desired().site("HQ").site("Imaging"),
        &carved(),
        "",
    );
    let offline = wanted().subnets("HQ", &["192.168.0.0/24"]);
    finds_offline("foreign-failover", &offline, "");
    let with = offline
        .servers("Imaging", &["DEPLOY01"])
        .roles("DEPLOY01", "package");
    finds_offline("foreign-failover", &with.clone().constrain("HQ", true), "");
    finds_offline("foreign-failover", &with, "
            Warning: `HQ` is not constrained: with its servers down, clients may fail over to `DEPLOY01`
        ");
}
