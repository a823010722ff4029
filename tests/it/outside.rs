//! Software from outside: a foreign SMP for the client, foreign clients for the simulator, a foreign parser for the
//! SQL of reports. All of it is in `tests/outside`, was written from the wire reference alone and shares nothing with
//! this project, so that client and simulator cannot agree with each other and be wrong together.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sitewright::learn::{Learned, Session, Stage, Subject, Thing};
use sitewright::model::{
    Action, Client, ConsoleStep, Desired, Event, Facts, Guid, Name, Observed, Outcome, RunId,
    Snapshot,
};
use sitewright::observe::{
    Decision, Scope, Wanted, accept_exact, discover, happenings, look_again, looked_at,
};
use sitewright::profile::{self, Build, Profile, ServiceName, Setting, SettingItem, Standing};
use sitewright::smp::{Connection, Reader, Transport};
use sitewright::trial::TrialError;
use sitewright_sim::{Language, Options, World};

use crate::support::{Console, Lab, Stages, desired, example};
use crate::trial;

const IMAGE: &str = "Win11-24H2 golden";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Python of `make setup`, or the system's where that is missing: the foreign SMP needs no packages.
fn python() -> Command {
    let own = [".tools/venv/bin/python", ".tools/venv/Scripts/python.exe"];
    let own = own.iter().map(|path| root().join(path));
    let program = own.into_iter().find(|path| path.is_file());
    let mut command = Command::new(program.unwrap_or_else(|| PathBuf::from("python3")));
    command
        .current_dir(root().join("tests/outside"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUTF8", "1");
    command
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a script to its end, which must come within two minutes: whether it succeeded, and all it said.
fn run_script(script: &str, arguments: &[&str], input: &str) -> (bool, String) {
    let mut said = tempfile::tempfile().unwrap();
    let child = python()
        .arg(script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(said.try_clone().unwrap())
        .stderr(said.try_clone().unwrap())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut stdin = running.0.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let end = Instant::now() + Duration::new(120, 0);
    let status = loop {
        if let Some(status) = running.0.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > end {
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut text = String::new();
    said.rewind().unwrap();
    said.read_to_string(&mut text).unwrap();
    if status.is_none() {
        text.push_str("\nstopped: not done in time");
    }
    (status.is_some_and(|status| status.success()), text)
}

/// The foreign SMP, running, and a plain HTTP client for what is beside its wire.
struct Foreign {
    url: String,
    http: reqwest::Client,
    _running: Running,
}

impl Foreign {
    fn start() -> Self {
        let mut child = python()
            .args(["-u", "foreign_smp.py", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let running = Running(child);
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(out).read_line(&mut line);
            // Nobody listens any more once the test has given up.
            let _ = send.send(read.map(|_| line));
        });
        let line = receive
            .recv_timeout(Duration::from_secs(30))
            .expect("the foreign SMP does not answer")
            .unwrap();
        let url = line.trim().strip_prefix("listening on ");
        Self {
            url: url.unwrap_or_else(|| panic!("found {line:?}")).to_owned(),
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            _running: running,
        }
    }

    async fn get(&self, path: &str) -> String {
        let url = format!("{}{path}", self.url);
        let answer = self.http.get(url).send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap()
    }

    async fn post(&self, path: &str, query: &[(&str, &str)]) {
        let mut url: url::Url = format!("{}{path}", self.url).parse().unwrap();
        url.query_pairs_mut().extend_pairs(query);
        let answer = self.http.post(url).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
    }

    /// The profile as the server's operator has it.
    async fn profile(&self) -> Profile {
        profile::from_yaml("/profile", &self.get("/profile").await).unwrap()
    }

    /// Fails if a request broke the documented wire, or touched what is not there. Looking for what was deleted is
    /// how a deletion is read back, once for each.
    async fn assert_wire_kept(&self) {
        let violations = self.json("/violations").await;
        let violations = violations.as_array().unwrap();
        for one in violations {
            let look =
                one["kind"] == "unknown-guid" && one["operation"] == "ResourceModel.GetResource";
            assert!(look, "{violations:#?}");
        }
        let deleted = self.json("/calls").await["ResourceModel.DeleteResource"].as_u64();
        let looks = u64::try_from(violations.len()).unwrap();
        assert!(looks <= deleted.unwrap_or_default(), "{violations:#?}");
    }
}

impl Console for Foreign {
    async fn perform(&self, step: &ConsoleStep) {
        match step {
            ConsoleStep::InstallRole { server, role } => {
                let (server, role) = (server.name.to_string(), role.to_string());
                let query = [("server", &*server), ("role", &*role)];
                self.post("/console/role", &query).await;
            }
            ConsoleStep::InstallPlugIn { server, plug_in } => {
                let (computer, name) = (server.name.to_string(), plug_in.to_string());
                let query = [("computer", &*computer), ("name", &*name), ("value", "on")];
                self.post("/console/plug-in", &query).await;
            }
            ConsoleStep::Constrain { site, on } => {
                let (site, value) = (site.name.to_string(), if *on { "on" } else { "off" });
                let query = [("site", &*site), ("value", value)];
                self.post("/console/constrain", &query).await;
            }
            ConsoleStep::CaptureTarget { server } => {
                let server = server.name.to_string();
                let query = [("server", &*server)];
                self.post("/console/capture-target", &query).await;
            }
            ConsoleStep::InvalidSubnets { expression } => {
                let query = [("pattern", &**expression)];
                self.post("/console/invalid-subnets", &query).await;
            }
            // The foreign server replicates by itself, within a second or two.
            ConsoleStep::ConfirmHolder { .. } => {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
    }

    async fn change(&self, action: &Action) {
        let (path, query) = match action {
            Action::CreateSite {
                name, description, ..
            } => {
                let mut query = vec![("site", name.to_string())];
                query.extend(description.clone().map(|text| ("description", text)));
                ("new-site", query)
            }
            Action::CreateSubnet { subnet, site } | Action::AssignSubnet { subnet, site, .. } => {
                let (subnet, site) = (subnet.to_string(), site.name.to_string());
                ("add-subnet", vec![("subnet", subnet), ("site", site)])
            }
            Action::AssignServer { server, site } => {
                let (server, site) = (server.name.to_string(), site.name.to_string());
                ("assign-server", vec![("server", server), ("site", site)])
            }
            other => panic!("the foreign console has nothing for {other:?}"),
        };
        let query: Vec<(&str, &str)> = query
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        self.post(&format!("/console/{path}"), &query).await;
    }
}

/// The stages over the foreign server, and what is asked of every run over it.
struct Trial {
    foreign: Foreign,
    stages: Stages,
}

impl Trial {
    async fn start(reports: bool) -> Self {
        let foreign = Foreign::start();
        let profile = foreign.profile().await;
        let mut stages = Stages::new(&foreign.url, profile);
        if reports {
            stages.install_reports().await;
            let installed = &stages.profile.reports;
            assert!(installed.associations.is_some());
            assert!(installed.servers.is_some());
            assert!(installed.holders.is_some());
            assert!(installed.computers.is_some());
            assert!(installed.registrations.is_some());
            assert!(installed.facts.is_some());
            assert!(installed.plug_ins.is_some());
        }
        Self { foreign, stages }
    }

    /// Converges to an empty plan without a break of the wire; gives the steps that were done, in their order.
    async fn converge(&self, desired: &Desired) -> Vec<String> {
        let mut done = Vec::new();
        self.stages
            .settle(desired, &self.foreign, &mut |event| {
                if let Event::StepEnded { step, outcome, .. } = event
                    && *outcome == Outcome::Done
                {
                    done.push(step.to_string());
                }
            })
            .await;
        let again = self.stages.plan(desired).await;
        assert!(again.steps.is_empty(), "{:#?}", again.steps);
        assert!(again.changes.is_empty(), "{:#?}", again.changes);
        self.foreign.assert_wire_kept().await;
        done
    }

    /// How often an operation of ResourceModel was called.
    async fn calls(&self, operation: &str) -> u64 {
        let calls = self.foreign.json("/calls").await;
        calls[format!("ResourceModel.{operation}")]
            .as_u64()
            .unwrap_or_default()
    }
}

/// The declarations of `examples/deployment-site`, some of their text replaced.
fn changed(changes: &[(&str, &str)]) -> Desired {
    let path = root().join("examples/deployment-site/sites.yaml");
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    desired(&text)
}

/// No lifecycle: neither protected nor with anything overlooked.
const FREE: (&str, &str) = (
    "lifecycle: { preventDestroy: true, ignoreChanges: [description] }",
    "lifecycle: { preventDestroy: false }",
);

async fn converges(reports: bool) {
    let trial = Trial::start(reports).await;
    let foreign = &trial.foreign;
    let before = foreign.json("/dump").await;
    assert_eq!(before["sites"], json!({}));

    // The example as it stands.
    trial.converge(&example("deployment-site")).await;
    let mut expected = json!({
        "Deployment_Site": {
            "description": "Imaging VLAN, building 4",
            "subnets": ["192.168.0.12/32", "192.168.10.0/24"],
            "servers": ["DEPLOY01.corp.example"],
            "constrained": true,
        },
        "HQ": {
            "description": null,
            "subnets": ["192.168.0.0/24"],
            "servers": ["SITE01.corp.example"],
            "constrained": false,
        },
    });
    let pinned = json!({
        "assignment": "INDIVIDUALLY",
        "automatic": false,
        "servers": ["DEPLOY01.corp.example"],
        "sites": [],
        "holders": ["DEPLOY01.corp.example"],
    });
    let dump = foreign.json("/dump").await;
    assert_eq!(dump["sites"], expected);
    assert_eq!(dump["subnetsInNoSite"], json!([]));
    assert_eq!(dump["captureTarget"], "DEPLOY01.corp.example");
    assert_eq!(dump["roles"], before["roles"]);
    let packages = dump["packages"].as_object().unwrap();
    for (name, package) in packages {
        let same = if name == IMAGE {
            &pinned
        } else {
            &before["packages"][name]
        };
        assert_eq!(package, same, "{name}");
    }
    assert!(packages.len() > 1 && packages.contains_key(IMAGE));
    for (client, server) in dump["taskServers"].as_object().unwrap() {
        let imaging = client.starts_with("POSE");
        assert_eq!(server == "DEPLOY01.corp.example", imaging, "{client}");
    }

    // A description, written into a resource that has fields which no reference describes.
    let described = ("building 4", "building 5 <\"é\" & ü>");
    trial.converge(&changed(&[FREE, described])).await;
    expected["Deployment_Site"]["description"] = json!("Imaging VLAN, building 5 <\"é\" & ü>");
    assert_eq!(foreign.json("/dump").await["sites"], expected);
    assert_eq!(trial.calls("SaveResource").await, 1);

    // A move: this server replaces nothing, so the subnet must be taken out of its first site.
    let moved = [
        FREE,
        ("building 4", "building 5 <\"é\" & ü>"),
        (
            "subnets: [192.168.0.0/24]",
            "subnets: [192.168.0.0/24, 192.168.10.0/24]",
        ),
        ("    - 192.168.10.0/24\n", ""),
    ];
    trial.converge(&changed(&moved)).await;
    expected["Deployment_Site"]["subnets"] = json!(["192.168.0.12/32"]);
    expected["HQ"]["subnets"] = json!(["192.168.0.0/24", "192.168.10.0/24"]);
    assert_eq!(foreign.json("/dump").await["sites"], expected);
    let broken = trial.calls("BreakAssociation").await;
    assert_eq!(broken, 1);

    // Take-down: the site and the subnet that were created go, what was there before stays.
    let rest = desired(
        "apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec:
  subnets: [192.168.0.0/24, 192.168.10.0/24]
  servers: [{ name: SITE01.corp.example, roles: [package, task] }]
",
    );
    let done = trial.converge(&rest).await;
    let place = |id: &str| done.iter().position(|step| step == id);
    let (subnet, site) = (
        place("delete-subnet:192.168.0.12/32"),
        place("delete-site:Deployment_Site"),
    );
    assert!(subnet.is_some() && subnet < site, "{done:?}");
    assert_eq!(trial.calls("DeleteResource").await, 2);
    expected.as_object_mut().unwrap().remove("Deployment_Site");
    let dump = foreign.json("/dump").await;
    assert_eq!(dump["sites"], expected);
    assert_eq!(dump["subnetsInNoSite"], json!([]));
    assert_eq!(dump["packages"][IMAGE], pinned);
}

#[tokio::test]
async fn converges_a_foreign_smp() {
    Box::pin(converges(false)).await;
}

#[tokio::test]
async fn converges_a_foreign_smp_by_reports() {
    Box::pin(converges(true)).await;
}

/// Half by API, half by hand: packages are written, and a person makes what needs ResourceModel.
#[tokio::test]
async fn converges_a_foreign_smp_by_hand() {
    let wanted = example("deployment-site");
    let [by_api, by_hand] = [true, false].map(async |proven| {
        let mut trial = Trial::start(false).await;
        if !proven {
            let services = &mut trial.stages.profile.services;
            services
                .get_mut(&ServiceName::ResourceModel)
                .unwrap()
                .standing = Standing::Discovered;
        }
        trial.converge(&wanted).await;
        for operation in ["CreateNewResource", "FormAssociation"] {
            assert_eq!(trial.calls(operation).await > 0, proven, "{operation}");
        }
        let mut dump = trial.foreign.json("/dump").await;
        // Which of its servers a client is registered with is the agent's choice.
        dump.as_object_mut().unwrap().remove("taskServers");
        dump
    });
    assert_eq!(by_api.await, by_hand.await);
}

/// Every computer that the foreign server counts as a client or a site server, by host, with what is known of it.
fn facts_by_host<'a>(snapshot: &'a Snapshot) -> impl Fn(&str) -> &'a Facts {
    move |host: &str| {
        let mut all = snapshot.surroundings.facts.iter();
        let named = |guid: &Guid| snapshot.computers[guid].name.host() == host;
        let found = all.find(|(guid, _)| named(guid));
        found.unwrap_or_else(|| panic!("no facts of {host}")).1
    }
}

/// The plug-in that one of the clients is to lack.
const PLUG_IN: &str = "Deployment Solution Plug-in";

/// Has things come about on the foreign server that inventory and the hierarchy tell.
async fn disturb(foreign: &Foreign) {
    let fact = async |computer: &str, key: &str, value: &str| {
        let query = [("computer", computer), ("fact", key), ("value", value)];
        foreign.post("/console/fact", &query).await;
    };
    fact(
        "SITE01.corp.example",
        "operatingSystem",
        "Windows 7 \"é\" <x>",
    )
    .await;
    fact("SITE01.corp.example", "dotnet", "4.6").await;
    fact("SITE01.corp.example", "iis", "off").await;
    fact("SITE01.corp.example", "cemMode", "on").await;
    fact("DEPLOY01.corp.example", "httpServer", "").await;
    fact("POSE03.corp.example", "managed", "off").await;
    let query = [("server", "DEPLOY01.corp.example")];
    foreign.post("/console/down", &query).await;
    let query = [("site", "Annuaire"), ("subnet", "192.168.10.0/24")];
    foreign.post("/console/new-site", &query[..1]).await;
    foreign.post("/console/add-subnet", &query).await;
    let query = [
        ("subnet", "192.168.10.0/24"),
        ("fact", "directoryImport"),
        ("value", "on"),
    ];
    foreign.post("/console/fact", &query).await;
    let query = [("object", "Annuaire")];
    foreign.post("/console/replicated", &query).await;
    let query = [
        ("computer", "POSE01.corp.example"),
        ("name", PLUG_IN),
        ("value", "off"),
    ];
    foreign.post("/console/plug-in", &query).await;
}

/// What the foreign server tells of its computers is what the client knows.
async fn knows_what_surrounds(reports: bool) {
    let trial = Trial::start(reports).await;
    let foreign = &trial.foreign;
    disturb(foreign).await;
    let declared = desired(
        "apiVersion: sitewright/v1
kind: Site
metadata: { name: Annuaire }
spec: { subnets: [192.168.10.0/24] }
",
    );
    let scope = Scope::of(&declared, None);
    let snapshot = trial.stages.snapshot(&scope).await;
    check_facts(&snapshot);
    check_clients(&snapshot, &foreign.json("/dump").await);
    check_origins(&snapshot);
    check_jobs(&trial, &snapshot).await;
    foreign.assert_wire_kept().await;
}

fn check_facts(snapshot: &Snapshot) {
    let of = facts_by_host(snapshot);
    let text = |text: &str| Observed::Known(text.to_owned());
    assert_eq!(of("SITE01").operating_system, text("Windows 7 \"é\" <x>"));
    assert_eq!(of("SITE01").dotnet, text("4.6"));
    assert_eq!(of("SITE01").iis, Observed::Known(false));
    assert_eq!(of("SITE01").cem_mode, Observed::Known(true));
    assert_eq!(of("SITE01").answering, Observed::Known(true));
    assert_eq!(of("DEPLOY01").answering, Observed::Known(false));
    assert!(of("DEPLOY01").http_server.reason().is_some());
    for switch in [
        &of("SMP01").managed,
        &of("SMP01").local,
        &of("SMP01").asset_active,
        &of("SMP01").iis,
        &of("SMP01").http_server,
    ] {
        assert_eq!(*switch, Observed::Known(true));
    }
    assert!(of("SMP01").agent_version.known().is_some());
    assert!(of("SMP01").inventoried.known().is_some());
}

fn known_clients(snapshot: &Snapshot) -> &[Client] {
    match &snapshot.surroundings.clients {
        Observed::Known(clients) => clients,
        Observed::Unavailable(reason) => panic!("{reason}"),
    }
}

/// Clients: those that the server serves, but the one that is not managed; each registered where the server says.
fn check_clients(snapshot: &Snapshot, dump: &Value) {
    let clients = known_clients(snapshot);
    let registered = dump["taskServers"].as_object().unwrap();
    let names: Vec<&str> = clients.iter().map(|client| client.name.as_str()).collect();
    assert_eq!(names.len(), 17, "{names:?}");
    assert!(!names.contains(&"POSE03.corp.example"));
    let pairs = snapshot.surroundings.registrations.known().unwrap();
    for client in clients {
        let server = pairs.get(&client.guid).map(|server| {
            let name = &snapshot.computers[server].name;
            Value::from(name.as_str())
        });
        assert_eq!(server.as_ref(), registered.get(client.name.as_str()));
        let address = client.addresses[0];
        let expected = if client.name.host().starts_with("POSE") {
            [192, 168, 10]
        } else {
            [192, 168, 0]
        };
        assert_eq!((&address.0.octets()[..3], address.1), (&expected[..], 24));
    }
    let has = |client: &Client| {
        let plug_ins = client.plug_ins.as_ref().unwrap();
        plug_ins.contains(&Name::new(PLUG_IN))
    };
    let without: Vec<&str> = clients
        .iter()
        .filter(|client| client.name.host().starts_with("POSE") && !has(client))
        .map(|client| client.name.as_str())
        .collect();
    assert_eq!(without, ["POSE01.corp.example"]);
}

/// What came from the directory, and what from another SMP.
fn check_origins(snapshot: &Snapshot) {
    let surroundings = &snapshot.surroundings;
    let subnets = snapshot.subnets.known().unwrap();
    let imported = surroundings.imported.known().unwrap().iter();
    let imported: Vec<String> = imported
        .map(|guid| {
            let found = subnets.iter().find(|subnet| subnet.guid == *guid);
            found.unwrap().subnet.clone().unwrap().to_string()
        })
        .collect();
    assert_eq!(imported, ["192.168.10.0/24"]);
    let hierarchy = surroundings.hierarchy.known().unwrap();
    let site = &snapshot.sites.known().unwrap()[0];
    assert!(hierarchy.member);
    assert_eq!(hierarchy.replicated, [site.guid].into());
}

/// A job leaves traces.
async fn check_jobs(trial: &Trial, snapshot: &Snapshot) {
    let foreign = &trial.foreign;
    let clients = known_clients(snapshot);
    let servers: Vec<Guid> = snapshot.computers.keys().copied().collect();
    let guids: Vec<Guid> = clients.iter().map(|client| client.guid).collect();
    let reader = trial.stages.reader();
    let before = happenings(&reader, &guids, &servers).await.unwrap();
    let query = [("client", "POSE01.corp.example"), ("package", IMAGE)];
    foreign.post("/console/deploy", &query).await;
    let after = happenings(&reader, &guids, &servers).await.unwrap();
    let fetches = after.fetches.known().unwrap();
    let earlier = before.fetches.known().unwrap();
    let [fetch] = &fetches
        .iter()
        .filter(|fetch| !earlier.contains(fetch))
        .collect::<Vec<_>>()[..]
    else {
        panic!("{fetches:#?}");
    };
    let pose = clients.iter().find(|client| client.guid == fetch.client);
    assert_eq!(pose.unwrap().name, Name::new("POSE01.corp.example"));
    assert!(fetch.time.is_some());
    let (was, is) = (before.load.known().unwrap(), after.load.known().unwrap());
    assert_eq!(is[&fetch.server].package, was[&fetch.server].package + 1);
    assert_eq!(after.images, before.images);
    let query = [("client", "POSE02.corp.example")];
    foreign.post("/console/capture", &query).await;
    let after = happenings(&reader, &guids, &servers).await.unwrap();
    let images = after.images.known().unwrap();
    let captured = images
        .iter()
        .find(|image| image.name.as_str().starts_with("Capture POSE02"));
    let host = captured.unwrap().host.as_ref().unwrap();
    assert!(host.host().eq_ignore_ascii_case("SMP01"), "{host}");
}

#[tokio::test]
async fn knows_what_surrounds_a_foreign_smp() {
    knows_what_surrounds(false).await;
}

#[tokio::test]
async fn knows_what_surrounds_a_foreign_smp_by_reports() {
    knows_what_surrounds(true).await;
}

/// Every value below `found` with its path, but standings.
fn leaves(path: &str, found: &Value, all: &mut Vec<(String, String)>) {
    match found {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name != "standing" {
                    leaves(&format!("{path}/{name}"), value, all);
                }
            }
        }
        Value::Null => {}
        Value::String(text) => all.push((path.to_owned(), text.clone())),
        other => all.push((path.to_owned(), other.to_string())),
    }
}

#[tokio::test]
async fn discovers_a_foreign_smp() {
    let foreign = Foreign::start();
    let operator = foreign.profile().await;
    let name = Name::new("SMP01.corp.example");
    let nothing = Profile::empty(operator.server.clone());
    let connection = Connection::new(foreign.url.parse().unwrap(), RunId("test".into()));
    let reader = Reader::new(Transport::new(connection).unwrap(), nothing.into());
    let wanted = Wanted {
        server: &name,
        known: None,
        at: "2026-03-02T08:00:00Z",
    };
    let mut found = discover(&reader, &wanted, &mut accept_exact).await.unwrap();
    // What the operator's profile need not have.
    found.profile.server.build = None;
    found.profile.provenance.clear();

    // Nothing is invented: whatever it says, GUIDs, names and directions, the operator says too.
    let mut truth = serde_json::to_value(&operator).unwrap();
    // What a profile that leaves it out means.
    truth["calls"]["reportParameters"] = json!("parameters");
    let mut all = Vec::new();
    leaves("", &serde_json::to_value(&found.profile).unwrap(), &mut all);
    for (path, value) in &all {
        let said = truth.pointer(path).map(|said| match said {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        if path.starts_with("/services/") && said.is_none() {
            // Services that the operator's profile need not name.
            continue;
        }
        let same = said.as_ref().is_some_and(|said| {
            said == value
                || matches!((said.parse::<Guid>(), value.parse::<Guid>()), (Ok(a), Ok(b)) if a == b)
        });
        assert!(same, "{path}: found {value}, the operator has {said:?}");
    }
    // What can be found is: names are French, so types are told by documented GUIDs and shapes only.
    let has = |path: &str| all.iter().any(|(found, _)| found == path);
    for path in [
        "/server/guid",
        "/types/computer/guid",
        "/calls/reportParameters",
        "/services/ItemManagement/namespace",
        "/services/ResourceManagement/namespace",
        "/services/ReportManagement/namespace",
        "/services/HierarchyManagement/namespace",
        "/services/SoftwarePackageManagement/namespace",
        "/services/ResourceModel/namespace",
        "/dataClasses/tcpip/guid",
        "/structures/resourceInfo/guid",
        "/structures/resourceInfo/name",
        "/structures/resource/guid",
        "/structures/resource/name",
        "/structures/resource/dataClasses",
        "/structures/relationship/guid",
        // The name of this association is documented, so the type at its other end can be told.
        "/associations/serviceToComputer/guid",
        "/types/siteService/guid",
        "/calls/associatedTypeArgument",
    ] {
        assert!(has(path), "{path} is not found: {:#?}", found.findings);
    }
    assert_eq!(found.version, Some("8.5 RU4"));
    for finding in &found.findings {
        for guid in finding.candidates.iter().filter_map(|found| found.guid) {
            assert!(!guid.is_nil(), "{finding:?}");
        }
    }
    // Asking for associations both ways is how it is found out which one this server takes; nothing else is wrong.
    let violations = foreign.json("/violations").await;
    let wrong: Vec<&Value> = violations.as_array().unwrap().iter().collect();
    let asked = |one: &&Value| {
        one["kind"] == "wrong-type"
            && one["operation"]
                .as_str()
                .is_some_and(|name| name.starts_with("ResourceModel.GetAssociated"))
    };
    assert!(wrong.iter().all(asked), "{violations:#}");
}

/// From nothing to a profile that may be written through, on a server that nobody here wrote, whose types have French
/// names; nothing of it is left, and no call is one that the reference does not have.
#[tokio::test]
async fn proves_a_profile_of_a_foreign_smp() {
    let foreign = Foreign::start();
    let operator = foreign.profile().await;
    let stages = Stages::new(&foreign.url, operator.clone());
    // Names of elements that nothing tells: somebody who has seen the server's answers gives them.
    let resource = operator.structures.resource.as_ref().unwrap();
    let info = operator.structures.resource_info.as_ref().unwrap();
    let given = |entry: &str| match entry {
        "structures.resource.description" => resource.description.clone(),
        "structures.resourceInfo.description" => info.description.clone(),
        _ => None,
    };
    let found = trial::discovered_with(&stages, &mut |question| match given(question.entry) {
        Some(element) => Decision::Given(element),
        None => accept_exact(question),
    })
    .await;
    for path in ["types.site", "types.subnet", "associations.subnetToSite"] {
        assert_eq!(found.standing(path), Standing::Discovered, "{path}");
    }
    let before = foreign.json("/dump").await;
    let outcome = trial::Trial::whole(&found)
        .run(&stages, trial::transport(&foreign.url))
        .await;
    let told: Vec<String> = outcome.failures.iter().map(TrialError::told).collect();
    assert_eq!(told, [""; 0]);
    assert_eq!(outcome.cleared.left, []);
    assert_eq!(foreign.json("/dump").await, before);
    let mut profile = found.clone();
    outcome.report.settle(&mut profile, "", &Build::default());
    for ability in trial::WRITES {
        assert_eq!(profile.can(ability), Ok(()), "{ability:?}");
    }
    let replaces = |profile: &Profile| {
        let associations = &profile.associations;
        [&associations.subnet_to_site, &associations.server_to_site]
            .map(|found| found.as_ref().and_then(|found| found.replaces))
    };
    assert_eq!(replaces(&profile), replaces(&operator));
    // What a trial does on purpose: wrong types, a name twice, parting twice, looking for what is deleted.
    let violations = foreign.json("/violations").await;
    for one in violations.as_array().unwrap() {
        let (kind, operation) = (one["kind"].as_str(), one["operation"].as_str());
        let meant = matches!(
            (
                kind,
                operation.and_then(|name| name.strip_prefix("ResourceModel."))
            ),
            (
                Some("wrong-type"),
                Some(
                    "FormAssociation"
                        | "GetAssociatedParentResources"
                        | "GetAssociatedChildResources"
                )
            ) | (Some("duplicate-resource"), Some("CreateNewResource"))
                | (Some("unknown-association"), Some("BreakAssociation"))
                | (Some("unknown-guid"), Some("GetResource"))
        );
        assert!(meant, "{one:#} of {violations:#}");
    }
}

fn flat_lan(seed: u64, language: Language) -> Options {
    Options::builtin("flat-lan")
        .unwrap()
        .with_seed(seed)
        .with_language(language)
}

/// zeep and curl against the simulator.
#[tokio::test]
async fn foreign_clients_understand_the_simulator() {
    for (seed, language) in [(1, Language::En), (2, Language::En), (7, Language::De)] {
        let lab = Lab::start(flat_lan(seed, language));
        let url = lab.server.url();
        let (passed, said) = run_script("foreign_clients.py", &[&url, "--write"], "");
        assert!(passed, "seed {seed}, {language:?}:\n{said}");
    }
}

/// Judges SQL by sqlglot's T-SQL dialect.
fn tsql(all: &[(String, String)]) -> (bool, String) {
    run_script("tsql.py", &[], &serde_json::to_string(all).unwrap())
}

#[tokio::test]
async fn report_sql_is_read_only_t_sql() {
    let mut profiles = vec![Foreign::start().profile().await];
    for (seed, language) in [(1, Language::En), (2, Language::En), (7, Language::De)] {
        let text = World::open(flat_lan(seed, language)).unwrap().profile();
        profiles.push(profile::from_yaml("profile", &text).unwrap());
    }
    for profile in &profiles {
        let sql: Vec<(String, String)> = profile::report_sql(profile)
            .into_iter()
            .map(|(name, _, sql)| (name, sql))
            .collect();
        assert_eq!(sql.len(), 7);
        let (passed, said) = tsql(&sql);
        assert!(passed, "{said}");
    }
    // The judge does refuse.
    for sql in [
        "",
        "SELECT",
        "SELECT a FROM b LIMIT 1",
        "SELECT a FROM b; SELECT a FROM b",
        "SELECT a INTO c FROM b",
        "SELECT a FROM b WITH (UPDLOCK)",
        "SELECT a FROM OPENROWSET('x', 'y', 'z')",
        "SELECT dbo.f(a) FROM b",
        "DELETE FROM b",
        "EXEC xp_cmdshell 'dir'",
        "WITH c AS (SELECT a FROM b) DELETE FROM c",
    ] {
        let (passed, said) = tsql(&[("bad".into(), sql.into())]);
        assert!(!passed && said.contains("bad: "), "{sql}: {said}");
    }
}

/// Goes through an example on the foreign server: looks, and changes what it is told to.
async fn shown(trial: &Trial, subject: Subject, changes: &[(&str, &[(&str, &str)])]) -> Setting {
    let reader = trial.stages.reader();
    let platform = trial.stages.profile.server.guid;
    let settings = &trial.stages.profile.settings;
    let own = [&settings.constrain_to_site, &settings.capture_target]
        .into_iter()
        .flatten()
        .filter_map(|setting| match setting.item {
            Some(SettingItem::Item(item)) => Some(item),
            _ => None,
        });
    let items: Vec<Guid> = own.collect();
    assert_eq!(items.len(), 2);
    // Both items are looked at: the one that changes is found by that.
    let items = looked_at(&reader, &subject, &items, &[]).await.unwrap();
    let mut example = Session::new(platform, subject, items);
    let mut changes = changes.iter();
    while example.stage() != Stage::Done {
        if example.act().is_some() {
            let (path, query) = changes.next().unwrap();
            trial.foreign.post(path, query).await;
        }
        let look = look_again(&reader, &example, String::new()).await.unwrap();
        example.looks.push(look);
    }
    match example.conclude(&BTreeSet::new()) {
        Ok(Learned::Setting(setting)) => setting,
        other => panic!("{other:?}"),
    }
}

/// Namespaces, decoys and GUIDs in braces: a setting is learned on a server that nobody here wrote, and written there.
#[tokio::test]
async fn learns_and_writes_settings_of_a_foreign_smp() {
    let mut trial = Trial::start(false).await;
    let reader = trial.stages.reader();
    trial
        .foreign
        .post("/console/new-site", &[("site", "Exemple")])
        .await;
    let of = trial
        .stages
        .profile
        .types
        .site
        .clone()
        .unwrap()
        .guid
        .unwrap();
    let site = reader.resource_named("Exemple", of).await.unwrap().unwrap();
    let thing = async |name: &str| Thing {
        name: Name::new(name),
        guid: reader.computer(&Name::new(name)).await.unwrap().unwrap(),
    };
    let known = trial.stages.profile.settings.clone();

    let switch = |value: &'static str| {
        (
            "/console/constrain",
            [("site", "Exemple"), ("value", value)],
        )
    };
    let ((path, on), (_, off)) = (switch("on"), switch("off"));
    let subject = Subject::ConstrainToSite {
        site: Thing {
            name: Name::new("Exemple"),
            guid: site,
        },
        on: false,
    };
    let constrain = shown(&trial, subject, &[(path, &on), (path, &off)]).await;
    let expected = known.constrain_to_site.unwrap();
    assert_eq!(
        (
            constrain.item,
            &constrain.path,
            &constrain.on,
            &constrain.off
        ),
        (expected.item, &expected.path, &expected.on, &expected.off)
    );

    let subject = Subject::CaptureTarget {
        first: thing("SITE01.corp.example").await,
        second: thing("DEPLOY01.corp.example").await,
    };
    let to = |server: &'static str| [("server", server)];
    let path = "/console/capture-target";
    let target = shown(
        &trial,
        subject,
        &[
            (path, &to("SITE01.corp.example")),
            (path, &to("DEPLOY01.corp.example")),
            (path, &to("")),
        ],
    )
    .await;
    let expected = known.capture_target.unwrap();
    assert_eq!((target.item, &target.path), (expected.item, &expected.path));

    // Proven, and let be written: the same plan does it by itself.
    trial.stages.profile.settings.constrain_to_site = Some(Setting {
        standing: Standing::Verified,
        write: true,
        ..constrain
    });
    trial.stages.profile.settings.capture_target = Some(Setting {
        standing: Standing::Verified,
        write: true,
        ..target
    });
    let done = trial.converge(&example("deployment-site")).await;
    for step in [
        "constrain:Deployment_Site",
        "capture-target:DEPLOY01.corp.example",
    ] {
        assert!(done.iter().any(|done| done == step), "{done:?}");
    }
    let dump = trial.foreign.json("/dump").await;
    assert_eq!(dump["sites"]["Deployment_Site"]["constrained"], true);
    assert_eq!(dump["sites"]["HQ"]["constrained"], false);
    assert_eq!(dump["sites"]["Exemple"]["constrained"], false);
    assert_eq!(dump["captureTarget"], "DEPLOY01.corp.example");
}
