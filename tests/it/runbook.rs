//! The same plan by a person at the console: with a server profile of which nothing is proven, the runbook of the plan
//! and `apply` end in the world that `apply` alone ends in with a proven one.
//!
//! The person here reads the runbook as Markdown and knows nothing else: what is not in it, he cannot do.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use sitewright::model::Writing;
use sitewright::observe::writes;
use sitewright::plan::PlanFile;
use sitewright::profile;
use sitewright::render::Style;
use sitewright::render::runbook::{Runbook, html, markdown, text};
use sitewright_sim::{ConsoleAction, Language, Options, Server, World};

use crate::examples::settled;

/// A folder with the manifests of an example, a running SMP and the profile of it.
struct Desk {
    server: Server,
    folder: tempfile::TempDir,
}

/// What a profile is worth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// As the simulator tells it: everything is proven.
    Proven,
    /// As `profile discover` leaves it: good for reading, and nothing learned.
    Discovered,
}

impl Desk {
    fn new(example: &str, scenario: &str, seed: u64, language: Language, of: Profile) -> Self {
        let options = Options::builtin(scenario)
            .unwrap()
            .with_seed(seed)
            .with_language(language);
        let world = World::open(options).unwrap();
        let server = Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(example);
        let manifests = fs::read_to_string(source.join("sites.yaml")).unwrap();
        // Which packages a task uses is read from where only a learned setting says.
        let manifests: String = manifests
            .split_inclusive('\n')
            .filter(|line| !line.contains("deployTasks:"))
            .collect();
        fs::write(folder.path().join("sites.yaml"), manifests).unwrap();
        let workspace = format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      url: {}\n      \
             server: SMP01.corp.example\n      profile: profiles/hq.yaml\n",
            server.url()
        );
        fs::write(folder.path().join("sitewright.yaml"), workspace).unwrap();
        let told = server.world().profile();
        let known = match of {
            Profile::Proven => told,
            Profile::Discovered => lowered(&told),
        };
        fs::create_dir(folder.path().join("profiles")).unwrap();
        fs::write(folder.path().join("profiles/hq.yaml"), known).unwrap();
        Self { server, folder }
    }

    /// Takes the proof of everything away.
    fn lower(&self) {
        let known = lowered(&self.world().profile());
        fs::write(self.folder.path().join("profiles/hq.yaml"), known).unwrap();
    }

    fn declare(&self, manifests: &str) {
        fs::write(self.folder.path().join("sites.yaml"), manifests).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("USER", "jdoe")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn told(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}\n{out}\n{said}"
        );
        out
    }

    fn world(&self) -> &World {
        self.server.world()
    }

    /// Does all that a group of the runbook asks for.
    fn do_group(&self, runbook: &str, group: usize) {
        let tasks = tasks(runbook);
        assert!(tasks.iter().any(|task| task.group == group), "{runbook}");
        for task in tasks.iter().filter(|task| task.group == group) {
            self.perform(task);
        }
    }

    /// Does one task: by what stands in it, and nothing else.
    fn perform(&self, task: &Task) {
        let value = |name: &str| task.value(name);
        let list =
            |text: &str| -> Vec<String> { text.split(", ").map(ToOwned::to_owned).collect() };
        let verb = task.path.rsplit(" > ").next().unwrap();
        let action = match verb {
            "Site" => ConsoleAction::NewSite {
                name: value("name"),
                description: task.find("description").unwrap_or_default(),
            },
            "Add" => ConsoleAction::AddSubnet {
                site: value("the site"),
                subnet: value("subnet"),
            },
            "Remove" => ConsoleAction::RemoveSubnet {
                site: value("the site"),
                subnet: value("the subnet"),
            },
            "Delete" if task.path.contains("View: Site Servers") => ConsoleAction::UnassignServer {
                server: value("the server"),
                site: value("the site"),
            },
            "Delete" if task.path.contains("right-click the subnet") => {
                ConsoleAction::DeleteSubnet {
                    subnet: value("the subnet"),
                }
            }
            "Delete" => ConsoleAction::DeleteSite {
                name: value("the site"),
            },
            "Assign to site" => ConsoleAction::AssignServer {
                server: value("the server"),
                site: value("site"),
            },
            "Rename" => ConsoleAction::RenameSite {
                name: value("the site"),
                to: value("name"),
            },
            "Description" => ConsoleAction::DescribeSite {
                name: value("the site"),
                description: value("description"),
            },
            "Install/Remove services" => ConsoleAction::InstallRole {
                server: value("the server"),
                role: value("service")
                    .trim_end_matches(" Service")
                    .replace(' ', "-"),
            },
            "the plug-in's install policy" => ConsoleAction::PlugIn {
                server: value("applies to"),
                plug_in: value(verb).split(" Install ").next().unwrap().to_owned(),
                state: "on".into(),
            },
            "Constrain to Site" => ConsoleAction::Constrain {
                site: value("the site"),
                state: value("Constrain to Site"),
            },
            "Default Target" => ConsoleAction::CaptureTarget {
                server: value("Default Target"),
            },
            "Package Servers" => ConsoleAction::PinPackage {
                package: value("the package"),
                servers: list(value("assigned to").strip_prefix("servers: ").unwrap()),
            },
            "Packages tab" => {
                self.world().tick(Duration::from_hours(2));
                return self.attest(task);
            }
            other => panic!("the runbook says `{other}`, which nobody can do: {task:?}"),
        };
        self.world().console(action).unwrap();
        self.attest(task);
    }

    /// Gives the person's word, where the runbook asks for it.
    fn attest(&self, task: &Task) {
        if let Some(command) = &task.attest {
            let id = command
                .split('"')
                .nth(1)
                .filter(|_| command.contains("attest \""));
            let id = id.unwrap_or_else(|| command.split(' ').nth(2).unwrap());
            self.told(&["attest", id, "--reason", "seen in the console"], 0);
        }
    }
}

/// The profile as it is before anything is proven, and without what only an example can teach.
fn lowered(told: &str) -> String {
    let (before, settings) = told.split_once("settings:\n").unwrap();
    let (_, after) = settings.split_once("product:\n").unwrap();
    let text = format!("{before}product:\n{after}");
    let text = text.replace("standing: operator", "standing: discovered");
    let profile = profile::from_yaml("profile", &text).unwrap();
    assert!(profile.settings.constrain_to_site.is_none(), "{text}");
    for writing in Writing::ALL {
        assert!(!writes(&profile).can(writing), "{writing:?} can be written");
    }
    text
}

/// One task of a runbook, as Markdown says it.
#[derive(Debug, Default)]
struct Task {
    group: usize,
    id: String,
    path: String,
    rows: Vec<(String, String)>,
    attest: Option<String>,
}

impl Task {
    fn find(&self, name: &str) -> Option<String> {
        let found = self.rows.iter().find(|(row, _)| row == name);
        found.map(|(_, value)| value.trim_matches('`').to_owned())
    }

    fn value(&self, name: &str) -> String {
        self.find(name)
            .unwrap_or_else(|| panic!("the runbook does not say `{name}`: {self:?}"))
    }
}

/// Reads the tasks of a runbook in Markdown.
fn tasks(markdown: &str) -> Vec<Task> {
    let mut found: Vec<Task> = Vec::new();
    let mut group = 0;
    for line in markdown.lines() {
        if line.starts_with("## ") {
            group += 1;
        } else if line.starts_with("- [ ] ") {
            found.push(Task {
                group,
                ..Task::default()
            });
        } else if let Some((name, value)) = line
            .strip_prefix("  - ")
            .and_then(|row| row.split_once(": "))
        {
            let task = found.last_mut().unwrap();
            match name {
                "path" => value.clone_into(&mut task.path),
                "id" => value.trim_matches('`').clone_into(&mut task.id),
                "ticked off" => {
                    task.attest = value
                        .split_once(": `")
                        .map(|(_, command)| command.trim_end_matches('`').to_owned())
                        .filter(|command| command.contains("attest"));
                }
                _ => {}
            }
            task.rows.push((name.to_owned(), value.to_owned()));
        }
    }
    found
}

/// The world that a proven profile leads to, with the settings that no public interface writes done in the console.
fn by_api(example: &str, scenario: &str, seed: u64, language: Language) -> String {
    let desk = Desk::new(example, scenario, seed, language, Profile::Proven);
    for _ in 0..6 {
        let output = desk.run(&["apply", "--yes"]);
        match output.status.code() {
            Some(0) => return settled(desk.world()),
            Some(4) => {
                let runbook = desk.told(&["runbook", "--format", "markdown"], 0);
                desk.do_group(&runbook, 1);
            }
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    panic!("no end by API");
}

/// A group, `apply`, the next group, until nothing is left.
#[test]
fn by_hand_and_apply_again() {
    for (seed, language) in [(1, Language::En), (7, Language::De)] {
        let (example, scenario) = ("deployment-site", "flat-lan");
        let desk = Desk::new(example, scenario, seed, language, Profile::Discovered);
        let plan = desk.told(&["plan"], 0);
        assert!(plan.contains("console  create-site HQ"), "{plan}");
        assert!(!plan.contains(". write "), "{plan}");
        assert!(plan.contains("info[by-hand]"), "{plan}");
        let mut rounds = 0;
        while desk.run(&["apply", "--yes"]).status.code() == Some(4) {
            let runbook = desk.told(&["runbook", "--format", "markdown"], 0);
            desk.do_group(&runbook, 1);
            rounds += 1;
            assert!(rounds < 12, "{runbook}");
        }
        assert!(desk.told(&["plan"], 0).ends_with("No changes.\n"));
        assert_eq!(
            settled(desk.world()),
            by_api(example, scenario, seed, language)
        );
    }
}

/// The whole runbook of one saved plan, group by group, while `apply --wait` runs beside it.
#[test]
fn by_hand_beside_apply_that_waits() {
    for (example, scenario, seed, language) in [
        ("deployment-site", "flat-lan", 3, Language::De),
        ("isolated-vlan", "isolated-vlan", 1, Language::En),
    ] {
        let desk = Desk::new(example, scenario, seed, language, Profile::Discovered);
        desk.told(&["plan", "--out", "friday.plan.json"], 0);
        let runbook = desk.told(&["runbook", "friday.plan.json", "--format", "markdown"], 0);
        let groups = tasks(&runbook).iter().map(|task| task.group).max().unwrap();
        let apply = waiting(&desk, &["apply", "friday.plan.json", "--yes"]);
        for group in 1..=groups {
            for task in tasks(&runbook).iter().filter(|task| task.group == group) {
                // A service may bring along what is a step of its own.
                let done = format!("\"step\":\"{}\",\"outcome\":\"alreadyDone\"", task.id);
                apply.until(&format!("`{}` to be open", task.id), |events| {
                    events.contains(&done) || last_open(events).contains(&task.id)
                });
                if apply.said().contains(&done) {
                    continue;
                }
                desk.perform(task);
            }
        }
        let (events, code) = apply.ended();
        assert_eq!(code, Some(0), "{events}");
        assert!(events.contains(r#""event":"awaitingPeople""#), "{events}");
        assert_eq!(events.matches(r#""event":"runStarted""#).count(), 1);
        assert_eq!(events.matches(r#""event":"runEnded""#).count(), 1);
        assert!(desk.told(&["plan"], 0).ends_with("No changes.\n"));
        assert_eq!(
            settled(desk.world()),
            by_api(example, scenario, seed, language)
        );
    }
}

/// `apply --wait` under way, its events in a file.
struct Apply {
    child: Child,
    events: std::path::PathBuf,
}

impl Drop for Apply {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn waiting(desk: &Desk, arguments: &[&str]) -> Apply {
    let events = desk.folder.path().join("events.jsonl");
    let child = desk
        .command(arguments)
        .args(["--wait", "--poll", "1", "--format", "json"])
        .stdout(fs::File::create(&events).unwrap())
        .stderr(fs::File::create(desk.folder.path().join("apply.log")).unwrap())
        .spawn()
        .unwrap();
    Apply { child, events }
}

impl Apply {
    fn said(&self) -> String {
        fs::read_to_string(&self.events).unwrap()
    }

    fn until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !holds(&self.said()) {
            assert!(
                begun.elapsed() < Duration::from_secs(90),
                "waited for {what}: {}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn ended(mut self) -> (String, Option<i32>) {
        self.until("the end", |events| events.contains("\"runEnded\""));
        let status = self.child.wait().unwrap();
        (self.said(), status.code())
    }
}

/// The console steps that the run said last to be open.
fn last_open(events: &str) -> Vec<String> {
    let last = events
        .lines()
        .rev()
        .find(|line| line.contains("awaitingPeople"));
    let Some(event) = last.and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok())
    else {
        return Vec::new();
    };
    let steps = event["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| step.as_str().unwrap().to_owned())
        .collect()
}

const ONE_SITE: &str = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec:
  subnets: [192.168.0.0/24]
";

fn one_site() -> Desk {
    let desk = Desk::new(
        "deployment-site",
        "flat-lan",
        1,
        Language::En,
        Profile::Discovered,
    );
    desk.declare(ONE_SITE);
    desk
}

const TO_TAKE_DOWN: &str = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec:
  subnets: [10.4.0.0/16]
  servers: [{ name: SITE01.corp.example }]
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: Berlin }
spec:
  subnets: [192.168.0.0/24]
";

/// The site of Berlin stays, with another description and without its subnet.
const TAKEN_DOWN: &str = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: Berlin }
spec:
  description: Closed
  subnets: []
";

/// What this program made by API is taken down by hand, and is forgotten like what it takes down itself.
#[test]
fn taken_down_by_hand() {
    let [by_api, by_hand] = [Profile::Proven, Profile::Discovered].map(|of| {
        let (seed, language) = (5, Language::En);
        let desk = Desk::new(
            "deployment-site",
            "flat-lan",
            seed,
            language,
            Profile::Proven,
        );
        desk.declare(TO_TAKE_DOWN);
        desk.told(&["apply", "--yes"], 0);
        if of == Profile::Discovered {
            desk.lower();
        }
        desk.declare(TAKEN_DOWN);
        let apply = &["apply", "--yes", "--allow-stranded", "100000"];
        let mut rounds = 0;
        while desk.run(apply).status.code() == Some(4) {
            let runbook = &[
                "runbook",
                "--format",
                "markdown",
                "--allow-stranded",
                "100000",
            ];
            desk.do_group(&desk.told(runbook, 0), 1);
            rounds += 1;
            assert!(rounds < 5);
        }
        assert_eq!(rounds > 0, of == Profile::Discovered);
        let plan = desk.told(&["plan"], 0);
        assert!(!plan.contains("Changes to"), "{plan}");
        settled(desk.world())
    });
    assert_eq!(by_api, by_hand);
}

/// What was applied beside a run that waits is none of its plan: it stops.
#[test]
fn somebody_else_who_applies_ends_the_wait() {
    let desk = one_site();
    let apply = waiting(&desk, &["apply", "--yes"]);
    apply.until("people", |events| events.contains("awaitingPeople"));
    // The lock is free between two looks, and taken for a moment by each.
    for _ in 0..100 {
        if desk.run(&["apply", "--yes"]).status.code() == Some(4) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut apply = apply;
    assert_eq!(apply.child.wait().unwrap().code(), Some(1));
    let log = fs::read_to_string(desk.folder.path().join("apply.log")).unwrap();
    assert!(log.contains("error[SW0618]"), "{log}");
}

#[test]
fn nobody_comes_and_the_wait_ends() {
    let desk = one_site();
    let begun = Instant::now();
    let out = desk.told(
        &[
            "apply",
            "--yes",
            "--wait",
            "--wait-limit",
            "2",
            "--poll",
            "1",
        ],
        4,
    );
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert!(
        out.contains("Waiting for console step 2, for 2.0s at most.\n"),
        "{out}"
    );
    assert!(out.contains("1 open in the console"), "{out}");
    // Nothing was done, and nothing is kept from being done.
    desk.told(&["plan", "--detailed-exitcode"], 2);
}

#[cfg(unix)]
#[test]
fn a_wait_that_is_interrupted_ends_cleanly() {
    let desk = one_site();
    let apply = waiting(&desk, &["apply", "--yes"]);
    apply.until("people", |events| events.contains("awaitingPeople"));
    let interrupt = Command::new("kill")
        .args(["-INT", &apply.child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
    let (_, code) = apply.ended();
    assert_eq!(code, Some(1));
    let log = fs::read_to_string(desk.folder.path().join("apply.log")).unwrap();
    assert!(log.contains("error[SW0615]"), "{log}");
    // The state is whole and free: the same goes on.
    assert_eq!(desk.run(&["apply", "--yes"]).status.code(), Some(4));
}

/// A pipeline that has nobody at the console does what it can and is content with it.
#[test]
fn what_a_person_does_is_gone_by_where_nobody_is_there() {
    let desk = Desk::new(
        "deployment-site",
        "flat-lan",
        1,
        Language::En,
        Profile::Proven,
    );
    let out = desk.told(&["apply", "--yes", "--skip-manual"], 0);
    assert!(out.contains("skipped"), "{out}");
    assert!(!out.contains("open in the console"), "{out}");
    let dump = desk.world().dump();
    assert!(dump.contains("{ name: HQ,"), "{dump}");
    assert!(!dump.contains("constrained: true"), "{dump}");
    // What is left is left: nothing is told to be done that is not.
    desk.told(&["plan", "--detailed-exitcode"], 2);
    desk.told(&["apply", "--yes"], 4);
}

/// A plan that was to be written by API is not begun once the profile has lost a proof; a new one asks a person.
#[test]
fn a_proof_that_was_lost_since_stops_the_run_before_it_begins() {
    let desk = Desk::new(
        "deployment-site",
        "flat-lan",
        1,
        Language::En,
        Profile::Proven,
    );
    desk.told(&["plan", "--out", "friday.plan.json"], 0);
    desk.lower();
    let before = desk.world().dump();
    let output = desk.run(&["apply", "friday.plan.json", "--yes"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error[SW0330]"), "{said}");
    assert!(said.contains("`types.site` (discovered)"), "{said}");
    assert_eq!(desk.world().dump(), before);
    desk.told(&["apply", "--yes"], 4);
}

/// Names that are meant to do harm say nothing to whatever shows them.
#[test]
fn hostile_names_are_only_names() {
    let desk = Desk::new(
        "deployment-site",
        "flat-lan",
        1,
        Language::En,
        Profile::Discovered,
    );
    let out = desk.told(&["plan", "--format", "json"], 0);
    let name = "<script>alert(1)</script>&\\\"' onload='x` \\u202e\\n- [ ] **9.** gone";
    let hostile: PlanFile = serde_json::from_str(&out.replace("Deployment_Site", name)).unwrap();
    let plan = hostile.plan();
    let runbook = Runbook::new(&plan, "2026-11-25T12:00:00Z");
    let page = html(&runbook);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39; onload=&#39;x"));
    for forbidden in ["<script", "\u{202e}", "http://", "https://", "src=", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // Every tag of the page is one of ours.
    let mut rest = page.as_str();
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, after) = after.split_once('>').unwrap();
        let word = tag.trim_start_matches('/').split(' ').next().unwrap();
        assert!(TAGS.contains(&word), "<{tag}>");
        rest = after;
    }
    assert_eq!(tasks(&markdown(&runbook)).len(), runbook.tasks());
    let shown = text(&runbook, &Style::default());
    assert!(!shown.contains('\u{202e}'));
    assert_eq!(shown.matches("\n  [ ] ").count(), runbook.tasks());
}

const TAGS: &[&str] = &[
    "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "strong",
    "ul", "li", "section", "label", "input", "span", "dl", "dt", "dd", "code",
];
