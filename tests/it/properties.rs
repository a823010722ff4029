//! Properties over random small worlds and random declarations, through the wire: a second run changes nothing, the
//! order and spelling of what is read do not matter, nobody is stranded, reading does not write, and a refresh takes
//! as many requests as it may.
//!
//! Cases are few, since each runs a simulator; seeds are fixed, so that a failure can be repeated. A failing case
//! prints its seed, world and declaration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sitewright::export::export;
use sitewright::manifest::{self, Source};
use sitewright::model::{Desired, Event, Name, Outcome};
use sitewright::observe::Scope;
use sitewright::plan::{Plan, PlanFile, Standing};
use sitewright_sim::{Language, Options, Quirk};

use crate::support::{Lab, desired};

/// How many subnets, servers, sites and packages a random world has at most.
const SUBNETS: usize = 6;
const SERVERS: usize = 5;
const SITES: usize = 4;
const PACKAGES: usize = 3;

/// Runs a check on random cases, the same ones every time.
pub(crate) fn cases<S: Strategy>(count: u32, seed: u8, strategy: S, check: impl Fn(S::Value)) {
    let config = Config {
        cases: count,
        failure_persistence: None,
        // A case takes a second, and a smaller one says little more.
        max_shrink_iters: 24,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    TestRunner::new_with_rng(config, rng)
        .run(&strategy, |case| {
            check(case);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A random world: its sites, and what stands where. Everything is by index.
#[derive(Debug, Clone)]
struct Random {
    seed: u64,
    german: bool,
    reports: bool,
    /// For each subnet: the site it is in.
    subnets: Vec<Option<usize>>,
    /// For each server: the subnet it stands in, whether it is a task server too, the site it is assigned to.
    servers: Vec<(usize, bool, Option<usize>)>,
    /// For each site: whether it is constrained, and whether it has a description.
    sites: Vec<(bool, bool)>,
    /// For each package: whom it goes to.
    packages: Vec<Goes>,
}

#[derive(Debug, Clone)]
enum Goes {
    All,
    Servers(BTreeSet<usize>),
    Sites(BTreeSet<usize>),
}

fn goes() -> impl Strategy<Value = Goes> {
    prop_oneof![
        Just(Goes::All),
        proptest::collection::btree_set(0..SERVERS, 1..3).prop_map(Goes::Servers),
        proptest::collection::btree_set(0..SITES, 1..3).prop_map(Goes::Sites),
    ]
}

fn worlds() -> impl Strategy<Value = Random> {
    (
        (1_u64..1000, any::<bool>(), any::<bool>()),
        proptest::collection::vec(proptest::option::of(0..SITES), SUBNETS),
        proptest::collection::vec(
            (0..SUBNETS, any::<bool>(), proptest::option::of(0..SITES)),
            SERVERS,
        ),
        proptest::collection::vec((any::<bool>(), any::<bool>()), SITES),
        proptest::collection::vec(goes(), PACKAGES),
    )
        .prop_map(
            |((seed, german, reports), subnets, servers, sites, packages)| Random {
                seed,
                german,
                reports,
                subnets,
                servers,
                sites,
                packages,
            },
        )
}

fn site(index: usize) -> String {
    format!("Site {index}")
}

fn server(index: usize) -> String {
    format!("SRV{index}.corp.example")
}

fn subnet(index: usize) -> String {
    format!("10.{index}.0.0/24")
}

fn package(index: usize) -> String {
    format!("Package {index}")
}

/// A list in YAML.
fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

impl Random {
    /// The world as a scenario. Beside the random servers there is the SMP, with all roles, in a subnet of no site.
    fn scenario(&self) -> String {
        let mut out = String::from(
            "formatVersion: 1\nplatform: { server: SMP01.corp.example }\nsettings: { captureTarget: SMP01.corp.example }\nsites:\n",
        );
        for (index, (constrained, described)) in self.sites.iter().enumerate() {
            let servers = self.servers.iter().enumerate();
            let assigned = servers.filter(|(_, (_, _, at))| *at == Some(index));
            let description = if *described { "Somewhere" } else { "" };
            // A site that is constrained and has nobody leaves its clients alone from the start.
            let constrained = *constrained && self.served(index);
            writeln!(
                out,
                "  - {{ name: {}, description: '{description}', constrained: {constrained}, servers: {} }}",
                site(index),
                list(assigned.map(|(server_index, _)| server(server_index))),
            )
            .unwrap();
        }
        out.push_str("subnets:\n  - { network: 10.99.0.0/24 }\n");
        for (index, at) in self.subnets.iter().enumerate() {
            let sites = list(at.iter().map(|at| site(*at)));
            writeln!(out, "  - {{ network: {}, sites: {sites} }}", subnet(index)).unwrap();
        }
        out.push_str(
            "computers:\n  - { name: SMP01.corp.example, addresses: [10.99.0.10/24], services: [package, task] }\n",
        );
        for (index, (at, task, _)) in self.servers.iter().enumerate() {
            let services = if *task {
                "[package, task]"
            } else {
                "[package]"
            };
            writeln!(
                out,
                "  - {{ name: {}, addresses: [10.{at}.0.{}/24], services: {services} }}",
                server(index),
                10 + index,
            )
            .unwrap();
        }
        out.push_str("clients:\n");
        for index in 0..SUBNETS {
            writeln!(
                out,
                "  - {{ prefix: C{index}-, domain: corp.example, first: 10.{index}.0.101/24, count: 2 }}"
            )
            .unwrap();
        }
        out.push_str("packages:\n");
        for (index, goes) in self.packages.iter().enumerate() {
            let (assignment, targets) = match goes {
                Goes::All => ("all", Vec::new()),
                Goes::Servers(servers) => (
                    "individually",
                    servers.iter().copied().map(server).collect(),
                ),
                Goes::Sites(sites) => ("site", sites.iter().copied().map(site).collect()),
            };
            writeln!(
                out,
                "  - {{ name: {}, assignment: {assignment}, targets: {} }}",
                package(index),
                list(targets)
            )
            .unwrap();
        }
        out
    }

    /// Whether a site has a server of each role.
    fn served(&self, index: usize) -> bool {
        self.servers.iter().any(|(at, task, assigned)| {
            *task && (*assigned == Some(index) || self.subnets.get(*at) == Some(&Some(index)))
        })
    }

    fn options(&self) -> Options {
        Options::text(&self.scenario())
            .with_seed(self.seed)
            .with_language(if self.german {
                Language::De
            } else {
                Language::En
            })
    }

    /// A simulator with this world, with the reports installed or not.
    async fn lab(&self, quirks: &[Quirk]) -> Lab {
        let options = quirks
            .iter()
            .fold(self.options(), |options, quirk| options.with_quirk(*quirk));
        let mut lab = Lab::start(options);
        if self.reports {
            lab.install_reports().await;
        }
        lab
    }
}

/// A declaration of all sites of the world and one more, one document each.
///
/// Every site gets a server with all roles, so that nothing is stranded by what is declared.
fn declaration(random: &Random) -> Vec<String> {
    let declared = SITES + 1;
    let mut documents: Vec<String> = (0..declared)
        .map(|index| {
            let at = random.subnets.iter().enumerate();
            let subnets = at
                .filter(|(_, at)| at.map_or(4, |at| at) == index)
                .map(|(subnet_index, _)| subnet(subnet_index));
            let (constrained, described) =
                random.sites.get(index).copied().unwrap_or((true, false));
            let description = if described { "Declared" } else { "" };
            format!(
                "apiVersion: sitewright/v1\nkind: Site\nmetadata: {{ name: {} }}\nspec:\n  description: '{description}'\n  subnets: {}\n  constrainToSite: {constrained}\n  servers: [{{ name: {}, roles: [package, task] }}]\n",
                site(index),
                list(subnets),
                server(index),
            )
        })
        .collect();
    for (index, goes) in random.packages.iter().enumerate() {
        let assignment = match goes {
            Goes::All => "all".to_owned(),
            Goes::Servers(servers) => {
                format!(
                    "{{ servers: {} }}",
                    list(servers.iter().copied().map(server))
                )
            }
            Goes::Sites(sites) => {
                format!("{{ sites: {} }}", list(sites.iter().copied().map(site)))
            }
        };
        documents.push(format!(
            "apiVersion: sitewright/v1\nkind: Package\nmetadata: {{ name: {} }}\nspec: {{ assignment: {assignment} }}\n",
            package(index),
        ));
    }
    documents
}

/// What is declared is another random world's division, on the world as it is.
fn wanted() -> impl Strategy<Value = (Random, Vec<String>)> {
    (worlds(), worlds()).prop_map(|(world, other)| {
        let documents = declaration(&other);
        (world, documents)
    })
}

fn plan_text(plan: &Plan) -> String {
    PlanFile::seal(plan, "2026-11-25T12:00:00Z").write()
}

#[test]
fn a_converged_world_stays_as_it_is() {
    cases(12, 1, wanted(), |(world, documents)| {
        wait(async {
            let desired = desired(&documents.join("---\n"));
            let lab = world.lab(&[]).await;
            converge_served(&lab, &desired).await;
            let dump = settled(&lab);
            assert!(lab.plan(&desired).await.steps.is_empty());
            assert_eq!(settled(&lab), dump);
            // Nothing but reads.
            lab.server.clear_requests();
            let _ = lab.plan(&desired).await;
            let requests = lab.server.requests();
            assert!(!requests.is_empty());
            assert!(requests.iter().all(|request| !request.writes));
        });
    });
}

#[test]
fn a_second_declaration_takes_the_first_down() {
    let strategy = (wanted(), worlds(), any::<u64>());
    cases(12, 5, strategy, |((world, documents), other, order)| {
        wait(async {
            let lab = world.lab(&[]).await;
            converge_served(&lab, &desired(&documents.join("---\n"))).await;
            // Some sites are declared no longer: created ones go, adopted ones are released.
            let mut left = declaration(&other);
            let renamed = left.swap_remove(0).replace("Site 0", "Site 9");
            let mut random = fastrand::Rng::with_seed(order);
            left.retain(|_| random.bool());
            left.push(renamed);
            let text = left.join("---\n");
            let desired = desired(&text);
            let plan = lab.plan(&desired).await;
            if plan.is_blocked() {
                // Only what a site has that nobody declares any more is not taken without being told to.
                for note in plan
                    .notes
                    .iter()
                    .filter(|note| note.standing == Standing::Blocks)
                {
                    assert_eq!(note.id, "takeover", "{note:#?}");
                }
                let before = settled(&lab);
                assert!(lab.plan_with(&desired, true).await.changes_anything());
                assert_eq!(settled(&lab), before);
                return;
            }
            converge_served(&lab, &desired).await;
            assert!(lab.plan(&desired).await.steps.is_empty());
        });
    });
}

/// Brings a world to a declaration; no address that is served before is unserved after any step.
async fn converge_served(lab: &Lab, desired: &Desired) {
    let addresses: BTreeSet<Ipv4Addr> = lab.addresses();
    let before: BTreeSet<Ipv4Addr> = addresses
        .iter()
        .copied()
        .filter(|address| lab.stranded(&BTreeSet::from([*address])).is_empty())
        .collect();
    let mut faults = Vec::new();
    lab.converge_watched(desired, &mut |event| {
        // Packages travel while steps run: nobody has to wait for them here.
        lab.world().tick(Duration::from_mins(5));
        if let Event::StepEnded { step, outcome, .. } = event
            && *outcome == Outcome::Done
        {
            let stranded = lab.stranded(&before);
            if !stranded.is_empty() {
                faults.push(format!("after {step}: {stranded:?}"));
            }
        }
    })
    .await;
    assert_eq!(faults, [""; 0]);
}

fn settled(lab: &Lab) -> String {
    lab.world().tick(Duration::from_hours(24));
    lab.world().dump()
}

/// What changes how things are said and nothing else, and does not slow a test down.
fn quirks() -> Vec<Quirk> {
    Quirk::ALL
        .iter()
        .copied()
        .filter(|quirk| {
            !matches!(
                quirk,
                Quirk::Slow
                    | Quirk::Resets
                    | Quirk::ResetAfterWrite
                    | Quirk::ReadOnlyAccount
                    | Quirk::NoDeploymentSolution
                    | Quirk::NoSoftwarePackageService
            )
        })
        .collect()
}

#[test]
fn order_and_spelling_do_not_matter() {
    let strategy = (wanted(), any::<u64>(), 0..quirks().len());
    cases(12, 2, strategy, |((world, documents), order, quirk)| {
        wait(async {
            // Each document in a file of its own, so that every object keeps its place.
            let sources: Vec<Source> = documents
                .iter()
                .enumerate()
                .map(|(index, text)| Source::new(&format!("{index}.yaml"), text))
                .collect();
            let mut shuffled = sources.clone();
            fastrand::Rng::with_seed(order).shuffle(&mut shuffled);
            let plain = world.lab(&[]).await;
            let expected = plan_text(&plain.plan(&from(&sources)).await);
            assert_eq!(plan_text(&plain.plan(&from(&shuffled)).await), expected);
            let odd = world.lab(&[quirks()[quirk]]).await;
            assert_eq!(
                plan_text(&odd.plan(&from(&shuffled)).await),
                expected,
                "{}",
                quirks()[quirk]
            );
        });
    });
}

fn from(sources: &[Source]) -> Desired {
    let read = manifest::read(sources);
    assert!(
        read.diagnostics.is_empty(),
        "{}",
        manifest::render(&read.diagnostics, sources, false)
    );
    manifest::desired(&read.documents, None).unwrap()
}

#[test]
fn all_quirks_at_once_converge() {
    // Being told to come back costs seconds a case: one is enough.
    let patient: Vec<Quirk> = quirks();
    let prompt: Vec<Quirk> = (patient.iter().copied())
        .filter(|quirk| *quirk != Quirk::Busy)
        .collect();
    converge_with(1, &patient);
    converge_with(6, &prompt);
}

fn converge_with(count: u32, quirks: &[Quirk]) {
    cases(count, 3, wanted(), |(world, documents)| {
        wait(async {
            let desired = desired(&documents.join("---\n"));
            let lab = world.lab(quirks).await;
            converge_served(&lab, &desired).await;
            assert!(lab.plan(&desired).await.steps.is_empty());
            let plain = world.lab(&[]).await;
            converge_served(&plain, &desired).await;
            assert_eq!(settled(&lab), settled(&plain));
        });
    });
}

#[test]
fn what_is_exported_needs_no_change() {
    cases(12, 4, worlds(), |world| {
        wait(async {
            let lab = world.lab(&[]).await;
            let scope = Scope {
                everything: true,
                capture_target: true,
                ..Scope::default()
            };
            let exported = export(&lab.snapshot(&scope).await, &Name::new("hq"));
            let again = export(&lab.snapshot(&scope).await, &Name::new("hq"));
            assert_eq!(exported, again);
            let sources: Vec<Source> = exported
                .files
                .iter()
                .map(|(file, text)| Source::new(file, text))
                .collect();
            let plan = lab.plan(&from(&sources)).await;
            assert!(!plan.is_blocked(), "{:#?}", plan.notes);
            assert!(!plan.changes_anything(), "{:#?}", plan.steps);
            // Every site with its subnets is there.
            let declared = from(&sources);
            for (index, _) in world.sites.iter().enumerate() {
                let found = &declared.sites[&Name::new(&site(index))];
                let subnets: BTreeSet<String> = found
                    .subnets
                    .iter()
                    .flatten()
                    .map(|(network, _)| network.to_string())
                    .collect();
                let at = world.subnets.iter().enumerate();
                let expected: BTreeSet<String> = at
                    .filter(|(_, at)| **at == Some(index))
                    .map(|(at, _)| subnet(at))
                    .collect();
                assert_eq!(subnets, expected);
            }
        });
    });
}

/// How often each operation is called in a refresh of an enterprise world of so many subnets.
async fn requests(subnets: u32, reports: bool, packages: usize) -> BTreeMap<String, usize> {
    let mut lab = Lab::start(Options::enterprise(subnets).unwrap());
    if reports {
        lab.install_reports().await;
    }
    let mut text = String::from(
        "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: New }\nspec: { subnets: [172.16.0.0/24] }\n",
    );
    for at in lab
        .world()
        .dump()
        .lines()
        .filter_map(package_of)
        .take(packages)
    {
        write!(
            text,
            "---\napiVersion: sitewright/v1\nkind: Package\nmetadata: {{ name: '{at}' }}\nspec: {{ assignment: all }}\n"
        )
        .unwrap();
    }
    let desired = desired(&text);
    assert_eq!(desired.packages.len(), packages);
    lab.server.clear_requests();
    let _ = lab.snapshot(&Scope::of(&desired, None)).await;
    let mut counts = BTreeMap::new();
    for request in lab.server.requests() {
        assert!(!request.writes, "{request:?}");
        *counts.entry(request.operation).or_default() += 1;
    }
    counts
}

/// The name of a package, where a line of a dump is one.
fn package_of(line: &str) -> Option<String> {
    if !line.contains("assignment:") {
        return None;
    }
    let (_, rest) = line.split_once("name: ")?;
    let (name, _) = rest.split_once(", ")?;
    Some(name.trim_matches('"').to_owned())
}

fn total(counts: &BTreeMap<String, usize>) -> usize {
    counts.values().sum()
}

#[test]
fn a_refresh_with_reports_is_constant_but_for_declared_packages() {
    wait(async {
        let small = requests(200, true, 0).await;
        let large = requests(2000, true, 0).await;
        assert_eq!(small, large);
        assert!(total(&small) < 21, "{small:?}");
        let one = total(&requests(2000, true, 1).await);
        let two = total(&requests(2000, true, 2).await);
        let eight = total(&requests(2000, true, 8).await);
        assert_eq!(two - one, 1);
        assert_eq!(eight - two, 6);
    });
}

#[test]
fn a_refresh_without_reports_is_linear_in_sites_and_never_in_subnets() {
    wait(async {
        // The enterprise world has N/50 sites and N/20 servers, each with one or two services.
        let small = requests(200, false, 0).await;
        let large = requests(2000, false, 0).await;
        assert!(total(&small) < 20 + 4 + 4 * 10, "{small:?}");
        assert!(total(&large) < 20 + 40 + 4 * 100, "{large:?}");
        // As many subnets in as many sites, twice as many of them: the same requests.
        let mut counts = Vec::new();
        for subnets in [4, 40] {
            let mut scenario = String::from(
                "formatVersion: 1\nplatform: { server: SMP01.corp.example }\nsites:\n  - { name: A }\nsubnets:\n",
            );
            for index in 0..subnets {
                writeln!(scenario, "  - {{ network: 10.{index}.0.0/24, sites: [A] }}").unwrap();
            }
            scenario.push_str(
                "computers:\n  - { name: SMP01.corp.example, addresses: [10.0.0.10/24], services: [package, task] }\n",
            );
            let lab = Lab::start(Options::text(&scenario));
            lab.server.clear_requests();
            let _ = lab.snapshot(&Scope::default()).await;
            counts.push(lab.server.requests().len());
        }
        assert_eq!(counts[0], counts[1]);
    });
}
