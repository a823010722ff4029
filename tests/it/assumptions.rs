//! The assumptions of docs/assumptions.md, each made false by its switch of the simulator while the profile claims that
//! it holds: the client converges to the declared world, or stops before a wrong write. One test a row, named after the
//! switch.
//!
//! What was reached is told by the simulator's own view, which writes were tried by its log, and that a switch is on at
//! all by what the same world does without it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use sitewright::model::{
    Desired, Event, Fetch, Guid, Happenings, Image, Observed, Outcome, Snapshot,
};
use sitewright::observe::{Scope, happenings, install_reports};
use sitewright::plan::{Plan, Standing};
use sitewright::profile::{Report, Roles, SettingItem, Spelling, Standing as Learned};
use sitewright_sim::world::{AsdkError, Names, Resource, RolesBy};
use sitewright_sim::{ConsoleAction, Options, Switch, World};

use crate::examples::{by_hand, settled};
use crate::support::{Lab, desired, example};

const IMAGE: &str = "Win11-24H2 golden";
const OFFICE: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 101);
const IMAGED: Ipv4Addr = Ipv4Addr::new(192, 168, 10, 101);

/// Everything that `examples/deployment-site` writes in `flat-lan`, in one run.
const ALL_WRITES: [&str; 10] = [
    "CreateNewResource",
    "CreateNewResource",
    "FormAssociation",
    "FormAssociation",
    "FormAssociation",
    "CreateNewResource",
    "FormAssociation",
    "FormAssociation",
    "SetPackageServerSettings",
    "UpdateDistributionPoints",
];

/// Two ordinary sites: the VLAN belongs to the office.
const TOGETHER: &str = "apiVersion: sitewright/v1
kind: Site
metadata: { name: Office }
spec: { subnets: [192.168.0.0/24, 192.168.10.0/24], servers: [{ name: SITE01.corp.example }] }
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: Lab }
spec: { subnets: [], servers: [{ name: DEPLOY01.corp.example }] }
";

/// The same: the VLAN belongs to the lab.
const APART: &str = "apiVersion: sitewright/v1
kind: Site
metadata: { name: Office }
spec: { subnets: [192.168.0.0/24], servers: [{ name: SITE01.corp.example }] }
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: Lab }
spec: { subnets: [192.168.10.0/24], servers: [{ name: DEPLOY01.corp.example }] }
";

/// The office alone: the lab is no longer declared.
const OFFICE_ALONE: &str = "apiVersion: sitewright/v1
kind: Site
metadata: { name: Office }
spec: { subnets: [192.168.0.0/24, 192.168.10.0/24], servers: [{ name: SITE01.corp.example }] }
";

fn flat_lan(switches: &[Switch], seed: u64) -> Options {
    switches.iter().fold(
        Options::builtin("flat-lan").unwrap().with_seed(seed),
        |options, switch| options.with_switch(*switch),
    )
}

/// A laboratory without much patience.
async fn lab_of(options: Options, reports: bool) -> Lab {
    let mut lab = Lab::start(options);
    lab.options.settle = Duration::from_millis(700);
    lab.options.await_limit = Duration::from_secs(1);
    if reports {
        lab.install_reports().await;
    }
    lab.server.clear_requests();
    lab
}

async fn lab(switch: Switch, reports: bool) -> Lab {
    lab_of(flat_lan(&[switch], 1), reports).await
}

fn open(switches: &[Switch]) -> World {
    World::open(flat_lan(switches, 1)).unwrap()
}

/// The first seed of which something holds.
fn seed_where(holds: impl Fn(&Names) -> bool) -> u64 {
    (1..100)
        .find(|seed| holds(World::open(flat_lan(&[], *seed)).unwrap().names()))
        .unwrap()
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn new_site(world: &World, name: &str) {
    let name = text(name);
    let description = String::new();
    world
        .console(ConsoleAction::NewSite { name, description })
        .unwrap();
}

/// The writes that the server was asked for, those that it refused with a mark of exclamation.
fn writes(lab: &Lab) -> Vec<String> {
    lab.server
        .requests()
        .into_iter()
        .filter(|request| request.writes)
        .map(|request| request.operation + if request.status == 200 { "" } else { "!" })
        .collect()
}

/// The line of a dump that holds a text.
fn line(world: &World, holding: &str) -> String {
    let dump = world.dump();
    let mut lines = dump.lines().filter(|line| line.contains(holding));
    let found = lines
        .next()
        .unwrap_or_else(|| panic!("no `{holding}` in {dump}"));
    found.trim().to_owned()
}

/// What a dump says of a subnet.
fn dumped(world: &World, network: &str) -> String {
    line(world, &format!("network: \"{network}\""))
}

/// One run of apply, at no step of which anybody lost a server.
struct Run {
    outcomes: BTreeMap<String, Outcome>,
    writes: Vec<String>,
}

impl Run {
    /// The steps that failed, with their codes.
    fn failed(&self) -> Vec<(&str, &str)> {
        self.outcomes
            .iter()
            .filter_map(|(step, outcome)| match outcome {
                Outcome::Failed { code, .. } => Some((step.as_str(), code.as_str())),
                _ => None,
            })
            .collect()
    }

    /// The steps that were not tried because of others.
    fn waiting(&self) -> Vec<&str> {
        self.outcomes
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Waiting { .. }))
            .map(|(step, _)| step.as_str())
            .collect()
    }
}

async fn carry_out(lab: &Lab, plan: &Plan) -> Run {
    let addresses = lab.addresses();
    assert_eq!(lab.stranded(&addresses), [""; 0]);
    lab.server.clear_requests();
    let mut faults = Vec::new();
    let outcomes = lab
        .apply_watched(plan, &mut |event| {
            if let Event::StepEnded { step, .. } = event {
                let stranded = lab.stranded(&addresses);
                if !stranded.is_empty() {
                    faults.push(format!("after {step}: {stranded:?}"));
                }
            }
        })
        .await;
    assert_eq!(faults, [""; 0]);
    Run {
        outcomes: outcomes
            .into_iter()
            .map(|(step, outcome)| (step.to_string(), outcome))
            .collect(),
        writes: writes(lab),
    }
}

async fn run(lab: &Lab, desired: &Desired) -> Run {
    let plan = lab.plan(desired).await;
    assert!(!plan.is_blocked(), "{:#?}", plan.notes);
    carry_out(lab, &plan).await
}

/// Applies until the plan is empty, nobody losing a server at any step; gives all writes.
async fn converged(lab: &Lab, desired: &Desired) -> Vec<String> {
    let addresses = lab.addresses();
    assert_eq!(lab.stranded(&addresses), [""; 0]);
    lab.server.clear_requests();
    let mut faults = Vec::new();
    lab.converge_watched(desired, &mut |event| {
        if let Event::StepEnded { step, .. } = event {
            let stranded = lab.stranded(&addresses);
            if !stranded.is_empty() {
                faults.push(format!("after {step}: {stranded:?}"));
            }
        }
    })
    .await;
    let writes = writes(lab);
    assert_eq!(faults, [""; 0]);
    assert_eq!(lab.stranded(&addresses), [""; 0]);
    assert!(lab.plan(desired).await.steps.is_empty());
    writes
}

/// The world that the steps of article 431459 make by hand of a `flat-lan`.
fn made_by_hand(world: &World) -> String {
    by_hand(
        world,
        &["192.168.0.12/32", "192.168.10.0/24"],
        "Imaging VLAN, building 4",
        false,
    );
    settled(world)
}

/// The example ends as by hand in a world without the switch; gives all writes.
async fn example_converges(lab: &Lab) -> Vec<String> {
    let writes = converged(lab, &example("deployment-site")).await;
    assert_eq!(settled(lab.world()), made_by_hand(&open(&[])));
    writes
}

/// The plan is blocked with a code, and planning wrote nothing; gives what it says.
async fn blocked(lab: &Lab, desired: &Desired, code: &str) -> String {
    lab.server.clear_requests();
    let dump = lab.world().dump();
    let plan = lab.plan(desired).await;
    assert!(plan.is_blocked());
    assert_eq!(writes(lab), [""; 0]);
    assert_eq!(lab.world().dump(), dump);
    let said: Vec<String> = plan
        .notes
        .iter()
        .filter(|note| note.standing == Standing::Blocks && note.id == code)
        .map(|note| note.message.clone())
        .collect();
    assert!(!said.is_empty(), "expected {code}: {:#?}", plan.notes);
    said.join("\n")
}

/// Lets the office hold both subnets, then moves one of them to the lab; gives the writes of the move.
async fn moved(lab: &Lab) -> Vec<String> {
    converged(lab, &desired(TOGETHER)).await;
    let run = run(lab, &desired(APART)).await;
    assert_eq!(run.failed(), []);
    assert!(lab.plan(&desired(APART)).await.steps.is_empty());
    let found = dumped(lab.world(), "192.168.10.0/24");
    assert!(found.contains("sites: [Lab]"), "{found}");
    run.writes
}

fn own_clock(lab: &mut Lab) {
    lab.clock = Timestamp::now;
}

// A01
#[tokio::test]
async fn subnet_in_two_sites() {
    for reports in [false, true] {
        let lab = lab(Switch::SubnetInTwoSites, reports).await;
        let desired = example("deployment-site");
        let said = blocked(&lab, &desired, "takeover").await;
        assert!(
            said.contains("`First Site`") && said.contains("`Second Site`"),
            "{said}"
        );

        let two = crate::support::desired(FOUND_SITES);
        let plan = lab.plan(&two).await;
        assert!(
            plan.notes
                .iter()
                .any(|note| note.id == "subnet-in-two-sites"),
            "{:#?}",
            plan.notes
        );
        assert!(!plan.is_blocked(), "{:#?}", plan.notes);
        let run = carry_out(&lab, &plan).await;
        assert_eq!(run.failed(), []);
        // In the one site already: nothing to form, one to break.
        assert_eq!(run.writes, ["BreakAssociation"]);
        assert!(lab.plan(&two).await.steps.is_empty());
        let found = dumped(lab.world(), "192.168.0.0/24");
        assert!(found.contains(r#"sites: ["First Site"]"#), "{found}");

        // And into a third one.
        let third = text(&FOUND_SITES.replace("First Site", "Third Site"))
            + "---\napiVersion: sitewright/v1\nkind: Site\nmetadata: { name: First Site }\nspec: { subnets: [] }\n";
        let writes = converged(&lab, &crate::support::desired(&third)).await;
        assert_eq!(
            writes,
            ["CreateNewResource", "FormAssociation", "BreakAssociation"]
        );
        let found = dumped(lab.world(), "192.168.0.0/24");
        assert!(found.contains(r#"sites: ["Third Site"]"#), "{found}");
    }
    let without = lab_of(flat_lan(&[], 1), false).await;
    assert!(!without.plan(&example("deployment-site")).await.is_blocked());
}

/// The two sites that the switch makes; the subnet that both hold belongs to the first.
const FOUND_SITES: &str = "apiVersion: sitewright/v1
kind: Site
metadata: { name: First Site }
spec: { subnets: [192.168.0.0/24] }
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: Second Site }
spec: { subnets: [] }
";

// A02
#[tokio::test]
async fn form_does_not_replace() {
    for reports in [false, true] {
        let lab = lab(Switch::FormDoesNotReplace, reports).await;
        assert_eq!(lab.profile.subnet_move_replaces(), Some(true));
        assert_eq!(moved(&lab).await, ["FormAssociation", "BreakAssociation"]);
    }
    let seed = seed_where(|names| names.subnet_to_site.replaces);
    let without = lab_of(flat_lan(&[], seed), false).await;
    assert_eq!(moved(&without).await, ["FormAssociation"]);
    let lab = lab(Switch::FormDoesNotReplace, true).await;
    example_converges(&lab).await;
}

/// The sites of the VLAN after a bare call put it into another site, with this seed.
fn after_a_bare_form(switches: &[Switch], seed: u64) -> String {
    let world = World::open(flat_lan(switches, seed)).unwrap();
    for site in ["Lab", "Office"] {
        new_site(&world, site);
    }
    let (site, subnet) = (text("Lab"), text("192.168.10.0/24"));
    world
        .console(ConsoleAction::AddSubnet { site, subnet })
        .unwrap();
    let names = world.names().clone();
    let subnet = world
        .find_resource("192.168.10.0/24", names.subnet.guid)
        .unwrap();
    let site = world.find_resource("Office", names.site.guid).unwrap();
    let (parent, child) = names.subnet_to_site.ordered(subnet, site);
    world
        .form(names.subnet_to_site.guid, parent, &[child])
        .unwrap();
    dumped(&world, "192.168.10.0/24")
}

// A03
#[tokio::test]
async fn form_replaces() {
    for reports in [false, true] {
        let lab = lab(Switch::FormReplaces, reports).await;
        assert_eq!(lab.profile.subnet_move_replaces(), Some(false));
        assert_eq!(moved(&lab).await, ["FormAssociation", "BreakAssociation"]);
    }
    let seed = seed_where(|names| !names.subnet_to_site.replaces);
    assert!(after_a_bare_form(&[], seed).contains("sites: [Lab, Office]"));
    assert!(after_a_bare_form(&[Switch::FormReplaces], seed).contains("sites: [Office]"));
    let lab = lab(Switch::FormReplaces, true).await;
    example_converges(&lab).await;
}

// A04
#[tokio::test]
async fn association_not_enough() {
    for seed in [1, 7] {
        let lab = lab_of(flat_lan(&[Switch::AssociationNotEnough], seed), true).await;
        let run = run(&lab, &example("deployment-site")).await;
        assert_eq!(
            run.failed(),
            [
                ("assign-subnet:192.168.10.0/24", "SW0605"),
                ("create-subnet:192.168.0.12/32", "SW0605"),
            ]
        );
        assert_eq!(
            run.waiting(),
            [
                "assign-subnet:192.168.0.0/24",
                "constrain:Deployment_Site",
                "narrow-package:Win11-24H2 golden",
            ]
        );
        // The two sites and their servers; then each subnet is tried once.
        assert_eq!(run.writes, ALL_WRITES[..7]);
        let dump = lab.world().dump();
        assert!(!dump.contains("sites: [Deployment_Site]"), "{dump}");
        assert!(
            line(lab.world(), IMAGE).contains("assignment: all"),
            "{dump}"
        );
    }
    let without = lab_of(flat_lan(&[], 1), true).await;
    assert_eq!(example_converges(&without).await, ALL_WRITES);
}

// A05
#[tokio::test]
async fn server_association_not_enough() {
    for seed in [1, 7] {
        let lab = lab_of(flat_lan(&[Switch::ServerAssociationNotEnough], seed), true).await;
        let run = run(&lab, &example("deployment-site")).await;
        assert_eq!(
            run.failed(),
            [
                (
                    "assign-server:Deployment_Site/DEPLOY01.corp.example",
                    "SW0605"
                ),
                ("assign-server:HQ/SITE01.corp.example", "SW0605"),
            ]
        );
        assert_eq!(
            run.waiting(),
            [
                "assign-subnet:192.168.0.0/24",
                "assign-subnet:192.168.10.0/24",
                "constrain:Deployment_Site",
                "create-subnet:192.168.0.12/32",
                "narrow-package:Win11-24H2 golden",
            ]
        );
        assert_eq!(run.writes, ALL_WRITES[..4]);
    }
}

// A06
#[tokio::test]
async fn supplied_guid_ignored() {
    for reports in [false, true] {
        let lab = lab(Switch::SuppliedGuidIgnored, reports).await;
        example_converges(&lab).await;
    }
    let kept = |switches: &[Switch]| {
        let world = open(switches);
        let guid = "11111111-2222-3333-4444-555555555555".parse().unwrap();
        let site = world.names().site.guid;
        let made = world.create_resource(site, guid, "Probe", "").unwrap();
        made.guid == guid
    };
    assert!(kept(&[]) && !kept(&[Switch::SuppliedGuidIgnored]));
}

// A07
#[tokio::test]
async fn late_read_back() {
    for reports in [false, true] {
        let mut reads = Vec::new();
        for switches in [&[][..], &[Switch::LateReadBack]] {
            let lab = lab_of(flat_lan(switches, 1), reports).await;
            assert_eq!(example_converges(&lab).await, ALL_WRITES, "each write once");
            reads.push(lab.server.requests().iter().filter(|r| !r.writes).count());
        }
        assert!(reads[1] > reads[0], "{reads:?}");
    }
    // A move, a deletion.
    for seed in [
        seed_where(|names| names.subnet_to_site.replaces),
        seed_where(|names| !names.subnet_to_site.replaces),
    ] {
        let mut writes = Vec::new();
        for switches in [&[][..], &[Switch::LateReadBack]] {
            let lab = lab_of(flat_lan(switches, seed), true).await;
            let mut one = moved(&lab).await;
            one.extend(converged(&lab, &desired(OFFICE_ALONE)).await);
            assert!(
                !lab.world().dump().contains("name: Lab,"),
                "{}",
                lab.world().dump()
            );
            writes.push(one);
        }
        assert_eq!(writes[0], writes[1]);
    }
}

// A08
#[tokio::test]
async fn inventory_mask_decides() {
    let mut office = Vec::new();
    for switches in [&[][..], &[Switch::InventoryMaskDecides]] {
        for reports in [false, true] {
            let lab = lab_of(flat_lan(switches, 1), reports).await;
            assert_eq!(example_converges(&lab).await, ALL_WRITES);
            office.push(lab.world().served(OFFICE).package.servers);
        }
    }
    let deploys = |servers: &[String]| servers.iter().any(|one| one == "DEPLOY01.corp.example");
    assert_eq!(
        office
            .iter()
            .map(|servers| deploys(servers))
            .collect::<Vec<_>>(),
        [false, false, true, true],
        "the carve-out rests on it: {office:?}"
    );
}

// A09
#[tokio::test]
async fn type_argument_given() {
    for seed in [
        seed_where(|names| names.type_argument_returns),
        seed_where(|names| !names.type_argument_returns),
    ] {
        for reports in [false, true] {
            let lab = lab_of(flat_lan(&[Switch::TypeArgumentGiven], seed), reports).await;
            let said = blocked(&lab, &example("deployment-site"), "SW0501").await;
            assert!(said.contains("calls.associatedTypeArgument"), "{said}");
        }
    }
}

// A10
#[tokio::test]
async fn association_direction_reversed() {
    const ONE_MORE: &str = "apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec: { subnets: [10.1.0.0/24, 10.1.1.0/24, 10.200.0.0/24] }
";
    for seed in [1, 7] {
        for reports in [false, true] {
            // Where nothing is in a site yet, nothing contradicts the profile but the server's refusal.
            let one = lab_of(
                flat_lan(&[Switch::AssociationDirectionReversed], seed),
                reports,
            )
            .await;
            let run = run(&one, &example("deployment-site")).await;
            assert_eq!(
                run.failed(),
                [
                    (
                        "assign-server:Deployment_Site/DEPLOY01.corp.example",
                        "SW0332"
                    ),
                    ("assign-server:HQ/SITE01.corp.example", "SW0332"),
                ]
            );
            assert_eq!(
                run.writes,
                [
                    "CreateNewResource",
                    "CreateNewResource",
                    "FormAssociation!",
                    "FormAssociation!"
                ]
            );
            let branches = Options::builtin("branch-offices").unwrap().with_seed(seed);
            let without = lab_of(branches.clone(), reports).await;
            assert!(!without.plan(&desired(ONE_MORE)).await.is_blocked());
            let with = branches.with_switch(Switch::AssociationDirectionReversed);
            let said = blocked(&lab_of(with, reports).await, &desired(ONE_MORE), "SW0501").await;
            assert!(said.contains("parent"), "{said}");
        }
    }
}

// A11
#[tokio::test]
async fn association_types_unchecked() {
    for reports in [false, true] {
        let lab = lab(Switch::AssociationTypesUnchecked, reports).await;
        assert_eq!(example_converges(&lab).await, ALL_WRITES);
    }
    let refused = |switches: &[Switch]| {
        let world = open(switches);
        let names = world.names().clone();
        let subnet = |name: &str| world.find_resource(name, names.subnet.guid).unwrap();
        let (one, two) = (subnet("192.168.0.0/24"), subnet("192.168.10.0/24"));
        world.form(names.subnet_to_site.guid, one, &[two]).is_err()
    };
    assert!(refused(&[]) && !refused(&[Switch::AssociationTypesUnchecked]));
}

// A12
#[tokio::test]
async fn derived_types_apart() {
    let by_type = seed_where(|names| names.roles_by == RolesBy::Type);
    let by_name = seed_where(|names| names.roles_by == RolesBy::Name);
    for seed in [by_type, by_name] {
        for reports in [false, true] {
            let lab = lab_of(flat_lan(&[Switch::DerivedTypesApart], seed), reports).await;
            assert_eq!(example_converges(&lab).await, ALL_WRITES);
        }
    }
    // A profile that has not learned the types of the roles lists by the base type alone.
    let desired = example("deployment-site");
    let mut lab = lab_of(flat_lan(&[Switch::DerivedTypesApart], by_type), true).await;
    lab.profile.roles = Roles::default();
    let said = blocked(&lab, &desired, "SW0501").await;
    assert!(said.contains("0 site services are listed"), "{said}");
    let mut without = lab_of(flat_lan(&[], by_type), true).await;
    without.profile.roles = Roles::default();
    assert!(
        !without
            .plan(&desired)
            .await
            .notes
            .iter()
            .any(|note| note.id == "SW0501")
    );
}

// A13
#[tokio::test]
async fn hierarchy_without_self() {
    let lab = lab(Switch::HierarchyWithoutSelf, true).await;
    assert_eq!(example_converges(&lab).await, ALL_WRITES);
    let selves = |switches: &[Switch]| {
        let sql = "SELECT ResourceTypeGuid FROM ResourceTypeHierarchy \
                   WHERE ResourceTypeGuid = BaseResourceTypeGuid";
        open(switches).run_sql(sql).unwrap().rows.len()
    };
    assert!(selves(&[]) > 0);
    assert_eq!(selves(&[Switch::HierarchyWithoutSelf]), 0);
}

// A14
#[tokio::test]
async fn description_not_kept() {
    for reports in [false, true] {
        let lab = lab(Switch::DescriptionNotKept, reports).await;
        let desired = example("deployment-site");
        let first = run(&lab, &desired).await;
        assert_eq!(first.failed(), [("create-site:Deployment_Site", "SW0605")]);
        assert_eq!(
            first.writes,
            [
                "CreateNewResource",
                "SaveResource",
                "CreateNewResource",
                "FormAssociation"
            ]
        );
        // The site is there, and its description is to be left alone from now on: the rest goes its way.
        converged(&lab, &desired).await;
        let other = open(&[]);
        by_hand(&other, &["192.168.0.12/32", "192.168.10.0/24"], "", false);
        assert_eq!(settled(lab.world()), settled(&other));
    }
    // Where the description counts on, it is tried with every run, and nothing else is held up by it.
    let lab = lab(Switch::DescriptionNotKept, true).await;
    let described =
        desired(&OFFICE_ALONE.replace("{ subnets", "{ description: The office, subnets"));
    assert_eq!(
        run(&lab, &described).await.failed(),
        [("create-site:Office", "SW0605")]
    );
    for writes in [
        &[
            "SaveResource",
            "FormAssociation",
            "FormAssociation",
            "FormAssociation",
        ][..],
        &["SaveResource"],
    ] {
        let run = run(&lab, &described).await;
        assert_eq!(run.failed(), [("describe-site:Office", "SW0605")]);
        assert_eq!(run.waiting(), [""; 0]);
        assert_eq!(run.writes, writes);
    }
    let without = lab_of(flat_lan(&[], 1), true).await;
    converged(&without, &described).await;
}

// A15
#[tokio::test]
async fn name_case_sensitive() {
    for reports in [false, true] {
        let lab = lab(Switch::NameCaseSensitive, reports).await;
        new_site(lab.world(), "hq");
        let writes = converged(&lab, &example("deployment-site")).await;
        let created = writes
            .iter()
            .filter(|write| *write == "CreateNewResource")
            .count();
        assert_eq!(created, 2, "Deployment_Site and the /32: {writes:?}");
        assert!(
            !lab.world().dump().contains("name: HQ,"),
            "{}",
            lab.world().dump()
        );
    }
    // Somebody makes the site after the plan was made: it cannot be looked up by the name as declared.
    for (switches, refused) in [(&[][..], false), (&[Switch::NameCaseSensitive], true)] {
        let lab = lab_of(flat_lan(switches, 1), true).await;
        let desired = desired(OFFICE_ALONE);
        let plan = lab.plan(&desired).await;
        new_site(lab.world(), "office");
        let run = carry_out(&lab, &plan).await;
        if refused {
            assert_eq!(run.failed(), [("create-site:Office", "SW0332")]);
            assert_eq!(run.writes, ["CreateNewResource!"]);
        } else {
            assert_eq!(run.failed(), []);
        }
        converged(&lab, &desired).await;
        assert!(
            !lab.world().dump().contains("name: Office,"),
            "{}",
            lab.world().dump()
        );
    }
}

// A16
#[tokio::test]
async fn names_not_unique() {
    for reports in [false, true] {
        let one = lab(Switch::NamesNotUnique, reports).await;
        example_converges(&one).await;
        let two = lab(Switch::NamesNotUnique, reports).await;
        new_site(two.world(), "HQ");
        second_hq(two.world()).unwrap();
        let said = blocked(&two, &example("deployment-site"), "SW0502").await;
        assert!(said.contains("several sites of that name"), "{said}");
        // Somebody makes the site after the plan was made: no second one is made.
        let late = lab(Switch::NamesNotUnique, reports).await;
        let plan = late.plan(&desired(OFFICE_ALONE)).await;
        new_site(late.world(), "office");
        let run = carry_out(&late, &plan).await;
        assert_eq!(run.failed(), []);
        assert_eq!(run.writes, ["FormAssociation"; 3]);
        assert!(late.plan(&desired(OFFICE_ALONE)).await.steps.is_empty());
    }
    let without = open(&[]);
    new_site(&without, "HQ");
    second_hq(&without).unwrap_err();
}

/// A service call that makes a site of a name that is taken.
fn second_hq(world: &World) -> Result<Resource, AsdkError> {
    world.create_resource(
        world.names().site.guid,
        sitewright_sim::Guid::default(),
        "hq",
        "",
    )
}

// A17
#[tokio::test]
async fn void_with_body() {
    for (switches, empty) in [(&[][..], true), (&[Switch::VoidWithBody], false)] {
        let lab = lab_of(flat_lan(switches, 1), true).await;
        assert_eq!(example_converges(&lab).await, ALL_WRITES);
        let requests = lab.server.requests();
        assert!(
            requests
                .iter()
                .filter(|r| r.writes)
                .all(|r| r.protocol.starts_with("soap"))
        );
        // What a form call would get.
        let package = lab.world().ds_images().unwrap()[0].guid;
        let url = format!(
            "{}/Altiris/ASDK.SMF/SoftwarePackageManagementService.asmx/UpdateDistributionPoints",
            lab.server.url()
        );
        let answer = reqwest::Client::new()
            .post(url)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("packageGuid={package}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.unwrap().is_empty(), empty);
    }
}

// A18
#[tokio::test]
async fn report_parameters_not_replaced() {
    let desired = example("deployment-site");
    let reads = lab(Switch::ReportParametersNotReplaced, true).await;
    let said = blocked(&reads, &desired, "SW0501").await;
    assert!(said.contains("no site service of the SMP itself"), "{said}");
    // Where only the holders are read by report, nobody seems to hold anything: that is waited for in vain.
    let mut holders = lab(Switch::ReportParametersNotReplaced, true).await;
    holders.profile.reports.associations = None;
    holders.profile.reports.servers = None;
    own_clock(&mut holders);
    let run = run(&holders, &desired).await;
    assert_eq!(
        run.failed(),
        [("await-package:Win11-24H2 golden", "SW0604")]
    );
    assert_eq!(run.writes, ALL_WRITES[..4]);
    assert!(line(holders.world(), IMAGE).contains("assignment: all"));
    let without = lab_of(flat_lan(&[], 1), true).await;
    assert!(!without.plan(&desired).await.is_blocked());
    let calls = lab(Switch::ReportParametersNotReplaced, false).await;
    example_converges(&calls).await;
}

// A19
#[tokio::test]
async fn reports_refused() {
    let mut lab = lab(Switch::ReportsRefused, false).await;
    let writer = lab.writer();
    let error = install_reports(&writer, &mut lab.profile, Guid::NIL, &|_| true)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "SW0812");
    assert!(
        writes(&lab).contains(&text("CreateReportUsingRawSqlQuery!")),
        "{:?}",
        writes(&lab)
    );
    assert_eq!(lab.profile.reports.associations, None);
    example_converges(&lab).await;
    // A report that the profile names, that is there, and that may not be run: any item of the server stands for it.
    let mut other = lab_of(flat_lan(&[Switch::ReportsRefused], 1), false).await;
    let target = other.profile.settings.capture_target.clone().unwrap();
    let Some(SettingItem::Item(guid)) = target.item else {
        panic!("the capture target is in an item of its own");
    };
    other.profile.reports.associations = Some(Report {
        guid,
        standing: Learned::Operator,
    });
    blocked(&other, &example("deployment-site"), "SW0501").await;
}

// A36
#[tokio::test]
async fn rename_ignored() {
    let wanted = desired(&APART.replace("{ name: Lab }", "{ name: Studio, formerly: [Lab] }"));
    for (switches, failed) in [
        (vec![], vec![]),
        (vec![Switch::RenameIgnored], vec!["SW0605"]),
    ] {
        let lab = lab_of(flat_lan(&switches, 1), true).await;
        new_site(lab.world(), "Lab");
        let run = run(&lab, &wanted).await;
        let codes: Vec<&str> = run.failed().into_iter().map(|(_, code)| code).collect();
        assert_eq!(codes, failed, "{:?}", run.outcomes);
        assert_eq!(
            run.writes.iter().filter(|one| *one == "RenameItem").count(),
            1
        );
        if !switches.is_empty() {
            // Nothing else of it is tried, nor what keeps its addresses served by coming later.
            assert_eq!(
                run.waiting(),
                [
                    "assign-server:Studio/DEPLOY01.corp.example",
                    "assign-subnet:192.168.0.0/24",
                    "assign-subnet:192.168.10.0/24",
                ],
            );
        }
    }
}

// A20
#[tokio::test]
async fn package_servers_ignored() {
    let desired = example("deployment-site");
    let one = lab(Switch::PackageServersIgnored, true).await;
    let first = run(&one, &desired).await;
    assert_eq!(
        first.failed(),
        [("narrow-package:Win11-24H2 golden", "SW0605")]
    );
    assert_eq!(first.writes, ALL_WRITES);
    assert!(line(one.world(), IMAGE).contains("assignment: all"));
    // Where the servers are widened first, everything that rests on that waits.
    let two = lab(Switch::PackageServersIgnored, true).await;
    pinned_to_the_smp(two.world());
    let run = run(&two, &desired).await;
    assert_eq!(
        run.failed(),
        [("widen-package:Win11-24H2 golden", "SW0605")]
    );
    assert!(
        run.waiting().contains(&"await-package:Win11-24H2 golden"),
        "{:?}",
        run.waiting()
    );
    assert!(
        run.waiting().contains(&"assign-subnet:192.168.10.0/24"),
        "{:?}",
        run.waiting()
    );
    assert!(
        run.waiting().contains(&"narrow-package:Win11-24H2 golden"),
        "{:?}",
        run.waiting()
    );
    assert_eq!(
        run.writes
            .iter()
            .filter(|write| *write == "SetPackageServerSettings")
            .count(),
        1
    );
    assert!(
        line(two.world(), IMAGE).contains("SMP01"),
        "{}",
        two.world().dump()
    );
}

fn pinned_to_the_smp(world: &World) {
    let package = text(IMAGE);
    let servers = vec![text("SMP01.corp.example")];
    world
        .console(ConsoleAction::PinPackage { package, servers })
        .unwrap();
    world.tick(Duration::from_hours(1));
}

// A21
#[tokio::test]
async fn package_guid_list_braced() {
    const PINNED: &str = "apiVersion: sitewright/v1
kind: Package
metadata: { name: Win11-24H2 golden }
spec: { assignment: { servers: [DEPLOY01.corp.example, SITE01.corp.example, SMP01.corp.example] } }
";
    let mut read = BTreeSet::new();
    for switches in [&[][..], &[Switch::PackageGuidListBraced]] {
        let lab = lab_of(flat_lan(switches, 1), true).await;
        example_converges(&lab).await;
        let pinned = lab_of(flat_lan(switches, 1), true).await;
        let writes = converged(&pinned, &desired(PINNED)).await;
        assert_eq!(
            writes,
            ["SetPackageServerSettings", "UpdateDistributionPoints"]
        );
        let world = pinned.world();
        let image = world.ds_images().unwrap()[0].guid;
        let servers = world.package(image).unwrap().unwrap().servers;
        assert_eq!(servers.len(), 3);
        read.insert(world.package_servers_text(&servers));
    }
    assert_eq!(read.len(), 2, "{read:?}");
}

// A22
#[tokio::test]
async fn auto_assignment_with_manual_off() {
    let mut dumps = BTreeSet::new();
    for (switches, serves) in [
        (&[][..], true),
        (&[Switch::AutoAssignmentWithManualOff], false),
    ] {
        for reports in [false, true] {
            let lab = lab_of(flat_lan(switches, 1), reports).await;
            example_converges(&lab).await;
            // DEPLOY01 stands in the office and is assigned to the lab.
            let lab = lab_of(flat_lan(switches, 1), reports).await;
            converged(&lab, &desired(APART)).await;
            let office = lab.world().served(OFFICE).package.servers;
            assert_eq!(
                office.contains(&text("DEPLOY01.corp.example")),
                serves,
                "{office:?}"
            );
            dumps.insert(settled(lab.world()));
        }
    }
    assert_eq!(dumps.len(), 1);
}

// A23
#[tokio::test]
async fn manual_does_not_steer_tasks() {
    let mut dumps = BTreeSet::new();
    for (switches, steered) in [(&[][..], true), (&[Switch::ManualDoesNotSteerTasks], false)] {
        for reports in [false, true] {
            let lab = lab_of(flat_lan(switches, 1), reports).await;
            example_converges(&lab).await;
            let lab = lab_of(flat_lan(switches, 1), reports).await;
            converged(&lab, &desired(APART)).await;
            let served = lab.world().served(IMAGED);
            let own = [text("DEPLOY01.corp.example")];
            assert_eq!(served.package.servers, own);
            assert_eq!(served.task.servers == own, steered, "{served:?}");
            dumps.insert(settled(lab.world()));
        }
    }
    assert_eq!(dumps.len(), 1);
}

// A24
#[tokio::test]
async fn delete_leaves_associations() {
    let rows = |world: &World| {
        let sql = format!(
            "SELECT ChildResourceGuid FROM ResourceAssociation WHERE ResourceAssociationTypeGuid = '{}'",
            world.names().subnet_to_site.guid
        );
        world.run_sql(&sql).unwrap().rows.len()
    };
    for seed in [
        seed_where(|names| names.subnet_to_site.replaces),
        seed_where(|names| !names.subnet_to_site.replaces),
    ] {
        for (switches, left) in [(&[][..], 0), (&[Switch::DeleteLeavesAssociations], 1)] {
            for reports in [false, true] {
                let lab = lab_of(flat_lan(switches, seed), reports).await;
                new_site(lab.world(), "Old");
                let (site, subnet) = (text("Old"), text("192.168.10.0/24"));
                lab.world()
                    .console(ConsoleAction::AddSubnet { site, subnet })
                    .unwrap();
                lab.world()
                    .console(ConsoleAction::DeleteSite { name: text("Old") })
                    .unwrap();
                assert_eq!(rows(lab.world()), left);
                assert_eq!(example_converges(&lab).await, ALL_WRITES);
                // What the client itself deletes.
                let lab = lab_of(flat_lan(switches, seed), reports).await;
                moved(&lab).await;
                converged(&lab, &desired(OFFICE_ALONE)).await;
                assert!(
                    !lab.world().dump().contains("name: Lab,"),
                    "{}",
                    lab.world().dump()
                );
                assert_eq!(rows(lab.world()), 2, "none left behind");
            }
        }
    }
}

// A25
#[tokio::test]
async fn scoped_rights() {
    for reports in [false, true] {
        let lab = lab(Switch::ScopedRights, reports).await;
        let hidden = dumped(lab.world(), "192.168.10.0/24");
        let desired = example("deployment-site");
        let mut plan = lab.plan(&desired).await;
        if !reports {
            // Who holds the image is somebody's word.
            let first = carry_out(&lab, &plan).await;
            assert_eq!(first.failed(), []);
            let open = plan
                .steps
                .iter()
                .find(|step| step.id.0.starts_with("await-package"))
                .unwrap();
            lab.console(&plan, open).await;
            plan = lab.plan(&desired).await;
        }
        let run = carry_out(&lab, &plan).await;
        assert_eq!(run.failed(), [("create-subnet:192.168.10.0/24", "SW0332")]);
        assert!(
            run.waiting().contains(&"constrain:Deployment_Site"),
            "{:?}",
            run.waiting()
        );
        assert!(
            run.waiting().contains(&"narrow-package:Win11-24H2 golden"),
            "{:?}",
            run.waiting()
        );
        assert!(
            run.waiting().contains(&"assign-subnet:192.168.0.0/24"),
            "{:?}",
            run.waiting()
        );
        assert_eq!(run.writes.last().unwrap(), "CreateNewResource!");
        assert_eq!(dumped(lab.world(), "192.168.10.0/24"), hidden);
        let again = self::run(&lab, &desired).await;
        assert_eq!(again.writes, ["CreateNewResource!"]);
    }
}

// A34
#[tokio::test]
async fn scoped_lists() {
    for (reports, switches) in [
        (false, &[Switch::ScopedLists][..]),
        (true, &[Switch::ScopedLists]),
    ] {
        let lab = lab_of(flat_lan(switches, 1), reports).await;
        converged(&lab, &example("deployment-site")).await;
        let before = lab.ownership().await;
        let scope = |hidden| {
            let (kind, hidden) = (text("subnets"), text(hidden));
            lab.world()
                .console(ConsoleAction::Scope { kind, hidden })
                .unwrap();
        };
        scope("all");
        let said = blocked(&lab, &example("deployment-site"), "SW0515").await;
        assert!(
            said.contains("the SMP has 3 of ours and does not list them: `192.168.0.0/24`,"),
            "{said}"
        );
        scope("none");
        assert_eq!(lab.plan(&example("deployment-site")).await.steps, []);
        assert_eq!(lab.ownership().await, before);
    }
    // Without the switch the server is silent either way, and what is hidden looks gone.
    let lab = lab_of(flat_lan(&[], 1), false).await;
    converged(&lab, &example("deployment-site")).await;
    let (kind, hidden) = (text("subnets"), text("all"));
    lab.world()
        .console(ConsoleAction::Scope { kind, hidden })
        .unwrap();
    let plan = lab.plan(&example("deployment-site")).await;
    assert!(plan.notes.iter().all(|note| note.id != "SW0515"));
}

// A26
#[tokio::test]
async fn break_answers_missing() {
    let seed = seed_where(|names| !names.subnet_to_site.replaces);
    for reports in [false, true] {
        let one = lab_of(flat_lan(&[Switch::BreakAnswersMissing], seed), reports).await;
        assert_eq!(moved(&one).await, ["FormAssociation", "BreakAssociation"]);
        // Forming has ended it already.
        let both = [Switch::BreakAnswersMissing, Switch::FormReplaces];
        let two = lab_of(flat_lan(&both, seed), reports).await;
        assert_eq!(moved(&two).await, ["FormAssociation", "BreakAssociation!"]);
        // Somebody else has, after the plan was made.
        let lab = lab_of(flat_lan(&[Switch::BreakAnswersMissing], seed), reports).await;
        converged(&lab, &desired(TOGETHER)).await;
        let less = desired(&TOGETHER.replace(", 192.168.10.0/24", ""));
        let plan = lab.plan(&less).await;
        let (site, subnet) = (text("Office"), text("192.168.10.0/24"));
        lab.world()
            .console(ConsoleAction::RemoveSubnet { site, subnet })
            .unwrap();
        let run = carry_out(&lab, &plan).await;
        assert_eq!(
            run.outcomes["unassign-subnet:192.168.10.0/24"],
            Outcome::AlreadyDone
        );
        assert_eq!(run.writes, [""; 0]);
    }
    let example = lab_of(flat_lan(&[Switch::BreakAnswersMissing], 1), true).await;
    example_converges(&example).await;
}

// A27
#[tokio::test]
async fn replication_stalls() {
    let desired = example("deployment-site");
    let mut lab = lab(Switch::ReplicationStalls, true).await;
    own_clock(&mut lab);
    pinned_to_the_smp(lab.world());
    let first = run(&lab, &desired).await;
    assert_eq!(
        first.failed(),
        [("await-package:Win11-24H2 golden", "SW0604")]
    );
    assert!(
        first
            .waiting()
            .contains(&"narrow-package:Win11-24H2 golden"),
        "{:?}",
        first.waiting()
    );
    assert!(
        first.waiting().contains(&"assign-subnet:192.168.10.0/24"),
        "{:?}",
        first.waiting()
    );
    let sets = |run: &Run| {
        run.writes
            .iter()
            .filter(|one| *one == "SetPackageServerSettings")
            .count()
    };
    assert_eq!(sets(&first), 1, "widened, and no more: {:?}", first.writes);
    let image = line(lab.world(), IMAGE);
    assert!(
        image.contains("SMP01") && image.contains("DEPLOY01"),
        "{image}"
    );
    let again = run(&lab, &desired).await;
    assert_eq!(
        again.failed(),
        [("await-package:Win11-24H2 golden", "SW0604")]
    );
    assert_eq!(again.writes, [""; 0]);

    let mut without = lab_of(flat_lan(&[], 1), true).await;
    own_clock(&mut without);
    without.options.await_limit = Duration::from_secs(20);
    pinned_to_the_smp(without.world());
    converged(&without, &desired).await;
    assert_eq!(settled(without.world()), made_by_hand(&open(&[])));
}

/// The SMP's facts and the clients are not known, for reasons; the plan of the example goes its way all the same.
async fn facts_are_not_known(switch: Switch, reports: bool) -> [String; 2] {
    let lab = lab(switch, reports).await;
    let snapshot = lab.snapshot(&Scope::audit(None)).await;
    let found = &snapshot.surroundings;
    let facts = &found.facts[&snapshot.platform.server];
    let reason = facts.operating_system.reason().unwrap().to_owned();
    for other in [
        facts.dotnet.reason(),
        facts.managed.reason(),
        facts.plug_ins.reason(),
        facts.iis.reason(),
        facts.answering.reason(),
    ] {
        assert!(other.is_some(), "{facts:#?}");
    }
    let clients = found.clients.reason().unwrap().to_owned();
    example_converges(&lab).await;

    let without = lab_of(flat_lan(&[], 1), reports).await;
    let snapshot = without.snapshot(&Scope::audit(None)).await;
    let found = &snapshot.surroundings;
    let facts = &found.facts[&snapshot.platform.server];
    assert!(facts.operating_system.known().is_some());
    assert_eq!(found.clients.known().unwrap().len(), 60);
    [reason, clients]
}

// A28
#[tokio::test]
async fn facts_not_readable() {
    let [fact, clients] = Box::pin(facts_are_not_known(Switch::FactsNotReadable, false)).await;
    assert!(
        fact.contains("no row by `evidence.facts.operatingSystem`"),
        "{fact}"
    );
    assert!(clients.contains("the SMP itself"), "{clients}");
    let [fact, clients] = Box::pin(facts_are_not_known(Switch::FactsNotReadable, true)).await;
    for reason in [fact, clients] {
        assert!(reason.contains("refused"), "{reason}");
    }
}

// A29
#[tokio::test]
async fn fact_columns_renamed() {
    for reason in Box::pin(facts_are_not_known(Switch::FactColumnsRenamed, false)).await {
        assert!(reason.contains("expected a field"), "{reason}");
    }
    for reason in Box::pin(facts_are_not_known(Switch::FactColumnsRenamed, true)).await {
        assert!(reason.contains("column"), "{reason}");
    }
}

/// Runs a task on the first computer of the VLAN; gives what is seen of it.
async fn ran(lab: &Lab, task: &str) -> (Snapshot, Happenings) {
    let snapshot = lab.snapshot(&Scope::audit(None)).await;
    let all = snapshot.surroundings.clients.known().unwrap();
    let imaged = all
        .iter()
        .find(|client| client.addresses[0].0 == IMAGED)
        .unwrap();
    let action = ConsoleAction::RunTask {
        task: text(task),
        computers: vec![imaged.name.to_string()],
    };
    lab.world().console(action).unwrap();
    lab.world().tick(Duration::from_mins(10));
    let servers: Vec<Guid> = snapshot.computers.keys().copied().collect();
    let found = happenings(&lab.reader(), &[imaged.guid], &servers).await;
    (snapshot, found.unwrap())
}

// A30
#[tokio::test]
async fn package_sources_stale() {
    let fetches = async |switches: &[Switch]| -> Vec<Fetch> {
        let lab = lab_of(flat_lan(switches, 1), false).await;
        let (_, found) = ran(&lab, "Deploy Win11").await;
        found.fetches.known().unwrap().clone()
    };
    assert_eq!(fetches(&[Switch::PackageSourcesStale]).await, []);
    assert_eq!(fetches(&[]).await.len(), 1);
}

// A31
#[tokio::test]
async fn registrations_lag() {
    for reports in [false, true] {
        let server_of_imaged = async |lab: &Lab| -> Option<String> {
            let snapshot = lab.snapshot(&Scope::audit(None)).await;
            let found = &snapshot.surroundings;
            let clients = found.clients.known().unwrap().iter();
            let mut imaged = clients.filter(|client| client.addresses[0].0 == IMAGED);
            let server = found.registrations.known()?.get(&imaged.next()?.guid)?;
            Some(snapshot.computers[server].name.host().to_owned())
        };
        let stale = lab(Switch::RegistrationsLag, reports).await;
        // Whoever is registered with DEPLOY01 beforehand would prove nothing.
        let action = ConsoleAction::RemoveRole {
            server: text("DEPLOY01.corp.example"),
            role: text("task"),
        };
        stale.world().console(action).unwrap();
        stale.world().tick(Duration::from_hours(1));
        let before = server_of_imaged(&stale).await;
        assert_ne!(before.as_deref(), Some("DEPLOY01"));
        converged(&stale, &example("deployment-site")).await;
        assert_eq!(server_of_imaged(&stale).await, before);
        stale.world().tick(Duration::from_mins(31));
        assert_eq!(server_of_imaged(&stale).await.as_deref(), Some("DEPLOY01"));

        let current = lab_of(flat_lan(&[], 1), reports).await;
        converged(&current, &example("deployment-site")).await;
        assert_eq!(
            server_of_imaged(&current).await.as_deref(),
            Some("DEPLOY01")
        );
    }
}

// A32
#[tokio::test]
async fn image_location_local() {
    let images = async |switches: &[Switch]| -> Vec<Image> {
        let lab = lab_of(flat_lan(switches, 1), false).await;
        let found = happenings(&lab.reader(), &[], &[]).await.unwrap();
        found.images.known().unwrap().clone()
    };
    let unnamed = images(&[Switch::ImageLocationLocal]).await;
    let named = images(&[]).await;
    assert!(!named.is_empty() && named.iter().all(|image| image.host.is_some()));
    assert!(unnamed.iter().all(|image| image.host.is_none()));
    assert_eq!(unnamed.len(), named.len());
}

// A33
#[tokio::test]
async fn hierarchy_managed_unknown() {
    let desired = desired(
        "apiVersion: sitewright/v1
kind: Site
metadata: { name: Replicated_Site }
spec: { description: Ours now, subnets: [10.5.0.0/24] }
",
    );
    for switches in [&[Switch::HierarchyManagedUnknown][..], &[]] {
        let options = switches
            .iter()
            .fold(Options::builtin("neglected").unwrap(), |options, switch| {
                options.with_switch(*switch)
            });
        let lab = lab_of(options, false).await;
        let snapshot = lab.snapshot(&Scope::of(&desired, None)).await;
        let Observed::Known(hierarchy) = &snapshot.surroundings.hierarchy else {
            panic!("{:?}", snapshot.surroundings.hierarchy);
        };
        assert!(hierarchy.member);
        // The site and its subnet.
        let expected = if switches.is_empty() { 2 } else { 0 };
        assert_eq!(hierarchy.replicated.len(), expected);
        if switches.is_empty() {
            continue; // what is said of it beforehand is a check's business
        }
        let dump = lab.world().dump();
        let plan = lab.plan(&desired).await;
        let outcomes = lab.apply_watched(&plan, &mut |_| ()).await;
        let refused = outcomes.iter().any(|(step, outcome)| {
            step.to_string() == "describe-site:Replicated_Site"
                && matches!(outcome, Outcome::Failed { code, .. } if code == "SW0332")
        });
        assert!(refused, "{outcomes:#?}");
        assert_eq!(lab.world().dump(), dump);
    }
}

// A34
#[tokio::test]
async fn item_xml_import_ignored() {
    // Where each site carries its own switch, and where one item carries all of them.
    for own in [true, false] {
        let seed = seed_where(|names| names.constrain.item.is_none() == own);
        for switches in [&[Switch::ItemXmlImportIgnored][..], &[]] {
            let mut lab = lab_of(flat_lan(switches, seed), true).await;
            let settings = &mut lab.profile.settings;
            settings.constrain_to_site.as_mut().unwrap().write = true;
            let target = settings.capture_target.as_mut().unwrap();
            target.write = true;
            // None is set before, so that nothing shows how GUIDs are spelled there.
            target.spelling = Some(Spelling::Lower);
            let desired = example("deployment-site");
            let run = run(&lab, &desired).await;
            assert_eq!(
                run.writes
                    .iter()
                    .filter(|write| *write == "ImportItemXmlString")
                    .count(),
                2,
                "{:#?}",
                run.outcomes
            );
            let dump = lab.world().dump();
            if switches.is_empty() {
                assert_eq!(run.failed(), []);
                assert!(dump.contains("constrained: true"), "{dump}");
                assert!(
                    dump.contains("captureTarget: DEPLOY01.corp.example"),
                    "{dump}"
                );
            } else {
                assert_eq!(
                    run.failed(),
                    [
                        ("capture-target:DEPLOY01.corp.example", "SW0605"),
                        ("constrain:Deployment_Site", "SW0605")
                    ]
                );
                assert!(!dump.contains("constrained: true"), "{dump}");
            }
        }
    }
}
