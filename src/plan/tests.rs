//! Steps and their order, notes and attestations: `check(desired, observed, expect)`.

use jiff::Timestamp;

use super::*;
use crate::model::testing::*;
use crate::model::{Action, Client, Desired, Guid, Held, Name, Observed, Safety, Writing};

fn made(desired: &Desired, seen: &Seen) -> Plan {
    make(&Inputs {
        desired,
        snapshot: &seen.snapshot,
        ownership: &seen.ownership,
        takeover: false,
        allow_stranded: u64::MAX,
        safety: &Safety::default(),
        acceptance: None,
        overrides: None,
        now: Timestamp::UNIX_EPOCH,
        stale_since: None,
        narrowing: None,
        lineage: "test",
        serial: 7,
        journal_sequence: 41,
        tool_version: "0.0.0",
    })
    .unwrap()
}

/// Each step with the steps it waits for; of the notes, those that block or attest.
fn shown(plan: &Plan) -> String {
    let mut lines: Vec<String> = plan
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let waits: Vec<String> = step.depends_on.iter().map(ToString::to_string).collect();
            let what = match &step.action {
                Action::AssignPackage {
                    after,
                    created_sites,
                    ..
                } => {
                    format!(
                        " = {}",
                        assignment(after, created_sites, &Names::new())
                            .replace("00000000-0000-0000-0000-00000000", "")
                    )
                }
                Action::AwaitHolders { servers, .. }
                | Action::Console(crate::model::ConsoleStep::ConfirmHolder { servers, .. }) => {
                    let names: Vec<&str> = servers.iter().map(|s| s.name.host()).collect();
                    format!(" = {:?} {}", step.kind(), names.join(" "))
                }
                _ => String::new(),
            };
            format!("{index} {}{what} <- {}", step.id, waits.join(" "))
                .trim_end_matches(" <- ")
                .to_owned()
        })
        .collect();
    for note in &plan.notes {
        if note.standing == Standing::Blocks || note.id == "attested" {
            lines.push(format!("! {} {}", note.id, note.message));
        }
    }
    lines.join("\n")
}

#[track_caller]
fn check(desired: &Desired, seen: &Seen, expect: &str) {
    let found = shown(&made(desired, seen));
    let expect: Vec<&str> = expect
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    assert_eq!(found, expect.join("\n"), "\n{found}\n");
}

fn flat() -> Seen {
    world()
        .server("SITE01.corp.example", &["192.168.0.11"], "package task")
        .server("DEPLOY01.corp.example", &["192.168.0.12"], "package task")
        .subnet("192.168.0.0/24", &[])
        .subnet("192.168.10.0/24", &[])
        .package("Image", "all", &["SMP01", "SITE01", "DEPLOY01"])
}

#[test]
fn the_flat_lan() {
    let wanted = desired()
        .site("HQ")
        .subnets("HQ", &["192.168.0.0/24"])
        .servers("HQ", &["SITE01"])
        .deployment_site("Deployment_Site")
        .subnets("Deployment_Site", &["192.168.10.0/24", "192.168.0.12/32"])
        .servers("Deployment_Site", &["DEPLOY01"])
        .constrain("Deployment_Site", true)
        .roles("DEPLOY01", "package task networkBoot")
        .package(named("Image"), "servers DEPLOY01", &["Deployment_Site"])
        .capture_target("DEPLOY01");
    check(
        &wanted,
        &flat(),
        "
            0 adopt-subnet:192.168.0.0/24
            1 adopt-subnet:192.168.10.0/24
            2 create-site:Deployment_Site
            3 create-site:HQ
            4 install-role:DEPLOY01.corp.example/networkBoot
            5 assign-server:Deployment_Site/DEPLOY01.corp.example <- 2 4
            6 assign-server:HQ/SITE01.corp.example <- 3
            7 assign-subnet:192.168.10.0/24 <- 2 4 5
            8 create-subnet:192.168.0.12/32 <- 2 4 5
            9 assign-subnet:192.168.0.0/24 <- 3 6 7 8
            10 narrow-package:Image = servers: 3002 <- 4 7 8
            11 capture-target:DEPLOY01.corp.example <- 4
            12 constrain:Deployment_Site <- 2 4 5 7 8
        ",
    );
}

#[test]
fn inner_before_outer_and_the_smp_last() {
    let wanted = desired()
        .site("A")
        .subnets("A", &["10.0.0.0/8", "10.1.1.0/24"])
        .servers("A", &["SITE01"])
        .site("B")
        .subnets("B", &["10.1.0.0/16", "192.168.0.0/24"])
        .servers("B", &["DEPLOY01"]);
    check(
        &wanted,
        &flat(),
        "
            0 adopt-subnet:192.168.0.0/24
            1 create-site:A
            2 create-site:B
            3 assign-server:A/SITE01.corp.example <- 1
            4 assign-server:B/DEPLOY01.corp.example <- 2
            5 create-subnet:10.1.1.0/24 <- 1 3
            6 create-subnet:10.1.0.0/16 <- 2 4 5
            7 create-subnet:10.0.0.0/8 <- 1 3 6
            8 assign-subnet:192.168.0.0/24 <- 2 4 5 6 7
        ",
    );
}

#[test]
fn taking_down_runs_the_other_way() {
    let seen = flat()
        .site("Old")
        .constrained()
        .assign("Old", &["DEPLOY01"])
        .subnet("10.0.0.0/24", &["Old"])
        .subnet("10.0.1.0/24", &["Old"])
        .owns_site("Old", Held::Created)
        .owns_subnet("10.0.1.0/24", Held::Created)
        .package("Tool", "sites Old", &[]);
    let wanted = desired()
        .site("New")
        .subnets("New", &["10.0.0.0/24"])
        .servers("New", &["SITE01"])
        .package(named("Tool"), "sites New", &[]);
    check(
        &wanted,
        &seen,
        "
            0 adopt-subnet:10.0.0.0/24
            1 create-site:New
            2 assign-server:New/SITE01.corp.example <- 1
            3 widen-package:Tool = servers: 3001, 3002 <- 1
            4 await-package:Tool = Await SITE01 <- 2 3
            5 move-subnet:10.0.0.0/24 <- 1 2
            6 delete-subnet:10.0.1.0/24
            7 unassign-server:Old/DEPLOY01.corp.example <- 5 6
            8 narrow-package:Tool = sites: New <- 2 4
            9 delete-site:Old <- 4 5 6 7 8
        ",
    );
    // A site that stays and is no longer constrained: that first.
    let seen = flat()
        .site("HQ")
        .constrained()
        .assign("HQ", &["SITE01"])
        .subnet("10.0.0.0/24", &["HQ"]);
    let wanted = desired()
        .site("HQ")
        .constrain("HQ", false)
        .subnets("HQ", &[])
        .servers("HQ", &[]);
    check(
        &wanted,
        &seen,
        "
            0 adopt-site:HQ
            1 constrain:HQ
            2 unassign-subnet:10.0.0.0/24 <- 1
            3 unassign-server:HQ/SITE01.corp.example <- 1 2
        ",
    );
}

#[test]
fn a_server_that_stands_in_a_subnet_comes_with_it() {
    // Nobody is assigned: SITE01 serves by its own address only.
    let seen = flat()
        .site("Old")
        .constrained()
        .subnet("192.168.0.11/32", &["Old"])
        .subnet("10.0.0.0/24", &["Old"]);
    let wanted = desired()
        .site("Old")
        .subnets("Old", &[])
        .site("New")
        .subnets("New", &["192.168.0.11/32", "10.0.0.0/24"]);
    check(
        &wanted,
        &seen,
        "
            0 adopt-site:Old
            1 adopt-subnet:10.0.0.0/24
            2 adopt-subnet:192.168.0.11/32
            3 create-site:New
            4 move-subnet:10.0.0.0/24 <- 3
            5 move-subnet:192.168.0.11/32 <- 3 4
        ",
    );
}

/// A server comes to stand in a site once the inner subnet is gone and the outer one is there: its manual assignment is
/// not taken away before.
#[test]
fn a_server_that_two_subnets_bring_keeps_its_assignment_until_both_have() {
    let seen = world()
        .server("S1", &["10.0.0.10"], "package")
        .site("Lab")
        .constrained()
        .assign("Lab", &["S1"])
        .site("Old")
        .subnet("10.0.0.8/29", &["Old"])
        .owns_site("Old", Held::Created)
        .owns_subnet("10.0.0.8/29", Held::Created)
        .owns_site("Lab", Held::Created);
    let wanted = desired()
        .site("Lab")
        .subnets("Lab", &["10.0.0.0/28", "10.0.0.18/32"])
        .servers("Lab", &[]);
    check(
        &wanted,
        &seen,
        "
            0 create-subnet:10.0.0.0/28
            1 create-subnet:10.0.0.18/32 <- 0
            2 delete-subnet:10.0.0.8/29 <- 0
            3 unassign-server:Lab/S1 <- 0 2
            4 delete-site:Old <- 2
        ",
    );
}

/// The addresses of the inner subnet pass through the outer one's old site with the server that stands among them, so
/// that it is in the new site before the other addresses come.
#[test]
fn a_server_inside_the_subnet_that_goes_serves_where_it_comes_to() {
    let seen = bare()
        .server("SMP01.corp.example", &["10.0.1.2"], "")
        .server("S1", &["10.0.0.2"], "package")
        .server("S2", &["10.0.0.34"], "package task")
        .site("Old")
        .constrained()
        .assign("Old", &["S1"])
        .subnet("10.0.0.32/27", &["Old"])
        .site("Lab")
        .constrained()
        .subnet("10.0.0.32/28", &["Lab"])
        .owns_site("Old", Held::Created)
        .owns_site("Lab", Held::Created)
        .owns_subnet("10.0.0.32/28", Held::Created);
    let wanted = desired().site("New").subnets("New", &["10.0.0.32/27"]);
    check(
        &wanted,
        &seen,
        "
            0 adopt-subnet:10.0.0.32/27
            1 create-site:New
            2 delete-subnet:10.0.0.32/28
            3 move-subnet:10.0.0.32/27 <- 1 2
            4 unassign-server:Old/S1 <- 3
            5 delete-site:Lab <- 2
            6 delete-site:Old <- 3 4
        ",
    );
}

/// In no site a server serves nobody: the inner subnet is there before the outer one goes.
#[test]
fn a_server_inside_a_new_subnet_serves_nobody_while_that_is_in_no_site() {
    let seen = bare()
        .server("SMP01.corp.example", &["10.0.1.2"], "")
        .server("S1", &["10.0.0.42"], "task")
        .site("Old")
        .constrained()
        .subnet("10.0.0.0/26", &["Old"])
        .owns_site("Old", Held::Created)
        .owns_subnet("10.0.0.0/26", Held::Created);
    let wanted = desired().site("New").subnets("New", &["10.0.0.40/29"]);
    check(
        &wanted,
        &seen,
        "
            0 create-site:New
            1 create-subnet:10.0.0.40/29 <- 0
            2 delete-subnet:10.0.0.0/26 <- 1
            3 delete-site:Old <- 1 2
        ",
    );
}

#[test]
fn pins() {
    let held = |assignment: &str, holders: &[&str]| {
        world()
            .server("A", &["10.0.0.1"], "package")
            .server("B", &["10.0.1.1"], "package")
            .site("HQ")
            .assign("HQ", &["A"])
            .package("P", assignment, holders)
    };
    let to = |assignment: &str| desired().package(named("P"), assignment, &[]);
    // All to servers: only narrows.
    check(
        &to("servers A"),
        &held("all", &["A"]),
        "0 narrow-package:P = servers: 3001",
    );
    check(
        &to("servers A"),
        &held("all", &[]),
        "
            0 await-package:P = Await A
            1 narrow-package:P = servers: 3001 <- 0
        ",
    );
    // Servers to servers: widens, waits, narrows.
    check(
        &to("servers B"),
        &held("servers A", &["A"]),
        "
            0 widen-package:P = servers: 3001, 3002
            1 await-package:P = Await B <- 0
            2 narrow-package:P = servers: 3002 <- 1
        ",
    );
    check(
        &to("servers A B"),
        &held("servers A", &["A"]),
        "
            0 assign-package:P = servers: 3001, 3002
            1 await-package:P = Await B <- 0
        ",
    );
    // Sites to servers: the sites' servers stand in.
    check(
        &to("servers B"),
        &held("sites HQ", &["A"]),
        "
            0 widen-package:P = servers: 3001, 3002
            1 await-package:P = Await B <- 0
            2 narrow-package:P = servers: 3002 <- 1
        ",
    );
    // To a site that is yet to be created: the wait begins once its server is there.
    let created = to("sites New").site("New").servers("New", &["B"]);
    check(
        &created,
        &held("sites HQ", &["A"]),
        "
            0 create-site:New
            1 assign-server:New/B <- 0
            2 widen-package:P = servers: 3001, 3002 <- 0
            3 await-package:P = Await B <- 1 2
            4 narrow-package:P = sites: New <- 1 3
        ",
    );
    check(
        &to("all"),
        &held("servers A", &[]),
        "0 assign-package:P = all package servers",
    );
    // Who holds it cannot be read.
    let unread = held("servers A", &[]).but(|s| s.holders.clear());
    check(
        &to("servers B"),
        &unread,
        "
            0 widen-package:P = servers: 3001, 3002
            1 await-package:P = Manual B <- 0
            2 narrow-package:P = servers: 3002 <- 1
        ",
    );
    check(
        &to("servers B"),
        &unread.attested("await-package:P", "B"),
        "
            0 widen-package:P = servers: 3001, 3002
            1 narrow-package:P = servers: 3002 <- 0
            ! attested `await-package:P` is `B`: attested by kim on 2026-03-01T10:00:00Z: seen in the console
        ",
    );
}

#[test]
fn packages_of_one_name_are_told_apart() {
    let seen = world()
        .server("A", &[], "package")
        .package("P", "all", &["A"])
        .package("P", "all", &["A"]);
    let wanted = desired().package(
        crate::model::PackageSelector::Match(crate::model::Name::new("p")),
        "servers A",
        &[],
    );
    check(
        &wanted,
        &seen,
        "
            0 narrow-package:P#00000000-0000-0000-0000-000000004000 = servers: 3001
            1 narrow-package:P#00000000-0000-0000-0000-000000004001 = servers: 3001
        ",
    );
}

#[test]
fn what_cannot_be_read_is_attested() {
    let wanted = desired()
        .site("HQ")
        .constrain("HQ", true)
        .invalid_subnets("^0")
        .roles("SMP01", "monitor")
        .capture_target("SMP01");
    let seen = world()
        .site("HQ")
        .owns_site("HQ", Held::Adopted)
        .with(|site| site.constrained = Observed::Unavailable("unknown".into()))
        .but(|s| {
            s.services = Observed::Unavailable("unknown".into());
            s.capture_target = Observed::Unavailable("unknown".into());
        });
    check(
        &wanted,
        &seen,
        "
            0 install-role:SMP01.corp.example/monitor
            1 capture-target:SMP01.corp.example <- 0
            2 constrain:HQ
            3 invalid-subnets
        ",
    );
    let word = seen
        .clone()
        .attested("constrain:HQ", "on")
        .attested("invalid-subnets", "^0")
        .attested("install-role:SMP01.corp.example/monitor", "monitor")
        .attested("capture-target:SMP01.corp.example", "SMP01.corp.example");
    check(&wanted, &word, "
            ! attested `capture-target:SMP01.corp.example` is `SMP01.corp.example`: attested by kim on 2026-03-01T10:00:00Z: seen in the console
            ! attested `constrain:HQ` is `on`: attested by kim on 2026-03-01T10:00:00Z: seen in the console
            ! attested `install-role:SMP01.corp.example/monitor` is `monitor`: attested by kim on 2026-03-01T10:00:00Z: seen in the console
            ! attested `invalid-subnets` is `^0`: attested by kim on 2026-03-01T10:00:00Z: seen in the console
        ");
    // A word for another value, or for what can be read, is none.
    let other = wanted.clone().invalid_subnets("^169");
    let read = word.with(|site| site.constrained = Observed::Known(false));
    check(&other, &read, "
            0 constrain:HQ
            1 invalid-subnets
            ! attested `capture-target:SMP01.corp.example` is `SMP01.corp.example`: attested by kim on 2026-03-01T10:00:00Z: seen in the console
            ! attested `install-role:SMP01.corp.example/monitor` is `monitor`: attested by kim on 2026-03-01T10:00:00Z: seen in the console
        ");
}

#[test]
fn a_blocked_object_blocks_the_plan_and_steps_are_shown() {
    let wanted = desired()
        .site("HQ")
        .servers("HQ", &["NOBODY"])
        .describe("HQ", "x");
    let plan = made(&wanted, &world());
    assert!(plan.is_blocked() && plan.changes_anything() && !plan.has_console_steps());
    check(
        &wanted,
        &world(),
        "
            0 create-site:HQ
            ! SW0506 server `NOBODY`: the SMP shows no computer of that name
        ",
    );
}

/// Taking over is said at the subnet that is taken.
#[test]
fn what_is_taken_over_is_said() {
    let seen = world().site("HQ").subnet("192.168.0.0/24", &["HQ"]);
    let wanted = desired().site("Lab").subnets("Lab", &["192.168.0.12/32"]);
    let plan = make(&Inputs {
        desired: &wanted,
        snapshot: &seen.snapshot,
        ownership: &seen.ownership,
        takeover: true,
        allow_stranded: 0,
        safety: &Safety::default(),
        acceptance: None,
        overrides: None,
        now: Timestamp::UNIX_EPOCH,
        stale_since: None,
        narrowing: None,
        lineage: "test",
        serial: 7,
        journal_sequence: 41,
        tool_version: "0.0.0",
    })
    .unwrap();
    let notes: Vec<&str> = plan
        .changes
        .iter()
        .filter_map(|change| change.note.as_deref())
        .collect();
    assert_eq!(notes, ["taken over from `HQ`, which is not declared"]);
}

#[test]
fn plug_ins_that_a_deployment_server_lacks_come_before_its_clients() {
    let wanted = desired()
        .deployment_site("Lab")
        .subnets("Lab", &["192.168.10.0/24"])
        .servers("Lab", &["DEPLOY01"])
        .roles("DEPLOY01", "package task networkBoot");
    let lacking = flat().plug_ins(
        "DEPLOY01",
        &[
            "Deployment Solution Plug-in",
            "Deployment Task Server Handler",
        ],
    );
    check(
        &wanted,
        &lacking,
        "
            0 adopt-subnet:192.168.10.0/24
            1 create-site:Lab
            2 install-role:DEPLOY01.corp.example/networkBoot
            3 install-plug-in:DEPLOY01.corp.example/networkBoot <- 2
            4 install-plug-in:DEPLOY01.corp.example/packageServer <- 2
            5 assign-server:Lab/DEPLOY01.corp.example <- 1 2 3 4
            6 assign-subnet:192.168.10.0/24 <- 1 2 3 4 5
        ",
    );
    // What is there is not asked for, and neither is what nobody can see.
    let silent = "
            0 adopt-subnet:192.168.10.0/24
            1 create-site:Lab
            2 install-role:DEPLOY01.corp.example/networkBoot
            3 assign-server:Lab/DEPLOY01.corp.example <- 1 2
            4 assign-subnet:192.168.10.0/24 <- 1 2 3
        ";
    check(&wanted, &flat().facts("DEPLOY01", |_| {}), silent);
    check(&wanted, &flat(), silent);
    // A site that is not for imaging asks for none.
    let ordinary = wanted.of("Lab", |site| site.kind = crate::model::SiteKind::Site);
    check(&ordinary, &lacking, silent);
}

/// People look for names, and GUIDs come in no order that means anything to them.
#[test]
fn stranded_clients_are_the_first_by_name() {
    let clients = [12, 3, 7, 1, 9, 11, 2, 8, 4, 10, 6, 5].map(|number: u8| Client {
        guid: Guid::from_u128(0x6000 + 100 - u128::from(number)),
        name: Name::new(&format!("PC-{number:02}")),
        addresses: vec![([192, 168, 10, number].into(), 24)],
        plug_ins: None,
    });
    let seen = bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .subnet("192.168.10.0/24", &[])
        .but(|snapshot| snapshot.surroundings.clients = Observed::Known(clients.to_vec()));
    let wanted = desired()
        .site("Lonely")
        .subnets("Lonely", &["192.168.10.0/24"])
        .servers("Lonely", &[])
        .constrain("Lonely", true);
    let plan = made(&wanted, &seen);
    let examples: Vec<String> = plan
        .impact
        .stranded
        .examples
        .iter()
        .map(ToString::to_string)
        .collect();
    let first_ten: Vec<String> = (1..=10).map(|number| format!("PC-{number:02}")).collect();
    assert_eq!(examples, first_ten);
}

/// What no order keeps served is told: each site hangs on the one server that the other gets.
#[test]
fn what_no_order_keeps_is_told() {
    let seen = bare()
        .server("SMP01", &["172.16.0.1"], "")
        .server("S1", &["10.1.0.1"], "package task")
        .server("S2", &["10.2.0.1"], "package task")
        .site("A")
        .site("B")
        .subnet("10.1.0.0/24", &["A"])
        .subnet("10.1.1.0/24", &["A"])
        .subnet("10.2.0.0/24", &["B"])
        .subnet("10.2.1.0/24", &["B"]);
    let swapped = desired()
        .site("A")
        .subnets("A", &["10.2.0.0/24", "10.1.1.0/24"])
        .site("B")
        .subnets("B", &["10.1.0.0/24", "10.2.1.0/24"]);
    let told = |plan: &Plan| -> Vec<String> {
        let notes = plan.notes.iter().filter(|note| note.id == "unkept-order");
        notes.map(|note| note.message.clone()).collect()
    };
    let found = told(&made(&swapped, &seen));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("between two steps, clients of `"),
        "{found:?}"
    );

    // With a server that stays there is an order, and nothing to tell.
    let helped = seen.clone().server("S3", &["10.1.1.1"], "package task");
    assert_eq!(told(&made(&swapped, &helped)), [""; 0]);
    // So there is where only one of them moves and the other site gets its server first.
    let one_way = desired()
        .site("A")
        .subnets("A", &["10.1.0.0/24", "10.1.1.0/24", "10.2.0.0/24"])
        .site("B")
        .subnets("B", &[]);
    assert_eq!(told(&made(&one_way, &seen)), [""; 0]);
}

/// A site without a task server strands whoever comes into it, as many as are known.
#[test]
fn who_is_stranded_blocks_the_plan() {
    let seen = world()
        .server("S1", &["10.1.0.1"], "package")
        .subnet("10.1.0.0/24", &[])
        .subnet("192.168.0.0/24", &[]);
    let wanted = desired()
        .site("Lab")
        .subnets("Lab", &["10.1.0.0/24"])
        .constrain("Lab", true);
    let made = |seen: &Seen, allow_stranded| {
        let inputs = Inputs {
            desired: &wanted,
            snapshot: &seen.snapshot,
            ownership: &seen.ownership,
            takeover: false,
            allow_stranded,
            safety: &Safety::default(),
            acceptance: None,
            overrides: None,
            now: Timestamp::UNIX_EPOCH,
            stale_since: None,
            narrowing: None,
            lineage: "test",
            serial: 7,
            journal_sequence: 41,
            tool_version: "0.0.0",
        };
        make(&inputs).unwrap()
    };
    let stranded = |plan: &Plan| -> Vec<(Standing, String)> {
        let notes = plan.notes.iter().filter(|note| note.id == "stranded");
        notes
            .map(|note| (note.standing, note.message.clone()))
            .collect()
    };
    // Clients are not known: every address of the subnet counts.
    let plan = made(&seen, 255);
    let found = stranded(&plan);
    assert!(
        plan.is_blocked() && found[0].1.starts_with("256 addresses have"),
        "{found:?}"
    );
    assert!(!made(&seen, 256).is_blocked());
    // They are known, and two of three are in the subnet.
    let with_clients = seen.but(|snapshot| {
        snapshot.surroundings.clients = Observed::Known(
            ["10.1.0.7", "10.1.0.8", "192.168.0.7"]
                .iter()
                .zip(0x7000..)
                .map(|(address, number)| Client {
                    guid: Guid::from_u128(number),
                    name: Name::new(&format!("C{number}")),
                    addresses: vec![(address.parse().unwrap(), 24)],
                    plug_ins: None,
                })
                .collect(),
        );
    });
    let plan = made(&with_clients, 1);
    let found = stranded(&plan);
    assert!(
        plan.is_blocked() && found[0].1.starts_with("2 clients have"),
        "{found:?}"
    );
    let plan = made(&with_clients, 2);
    assert!(!plan.is_blocked());
    assert_eq!(stranded(&plan)[0].0, Standing::Remains);
    assert_eq!(plan.impact.stranded.extent.clients, Some(2));
    assert_eq!(plan.impact.known_clients, Some(3));
}

/// The same steps in the same order, whoever carries them out.
#[test]
fn what_cannot_be_written_is_done_by_a_person() {
    let wanted = desired()
        .site("HQ")
        .subnets("HQ", &["192.168.0.0/24", "10.0.0.0/24"])
        .servers("HQ", &["SITE01"])
        .package(named("Image"), "servers SITE01", &[]);
    let by_api = made(&wanted, &flat());
    let lacking = flat().but(|snapshot| {
        let writes = &mut snapshot.surroundings.writes;
        writes.lack(Writing::MoveSubnet, ["`a` (discovered)".to_owned()]);
        writes.lack(Writing::AssignPackage, ["`b` (unknown)".to_owned()]);
        writes.lack(Writing::AssignServer, []);
    });
    let by_hand = made(&wanted, &lacking);
    let shown = |plan: &Plan| -> Vec<String> {
        let steps = plan.steps.iter();
        steps
            .map(|step| format!("{} <- {:?}", step.id, step.depends_on))
            .collect()
    };
    assert_eq!(shown(&by_api), shown(&by_hand));
    let manual: Vec<&str> = by_hand
        .steps
        .iter()
        .filter(|step| step.kind() == StepKind::Manual)
        .map(|step| step.id.0.as_str())
        .collect();
    assert_eq!(
        manual,
        [
            "create-subnet:10.0.0.0/24",
            "assign-subnet:192.168.0.0/24",
            "narrow-package:Image"
        ]
    );
    let said: Vec<&Note> = by_hand
        .notes
        .iter()
        .filter(|note| note.id == carry::BY_HAND)
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    let note = said.first().unwrap();
    assert!(note.message.starts_with("3 steps "), "{}", note.message);
    assert!(
        note.message
            .ends_with("lacks `a` (discovered), `b` (unknown)")
    );
    // Who has to find a server by hand is told its name.
    let names: Vec<String> = by_hand.names.values().map(ToString::to_string).collect();
    assert_eq!(names, ["SITE01.corp.example"]);
    assert!(by_api.names.is_empty());
    assert!(by_api.notes.iter().all(|note| note.id != carry::BY_HAND));
    let Tally(counts) = tally(&by_hand.steps);
    assert!(counts.contains(&(3, "console step", "to do")), "{counts:?}");
}
