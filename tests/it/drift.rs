//! Drift by the real program: what the console changed is told with its exit code, comes back round after round, is called
//! fine for a while, told to webhooks and to Prometheus; and what failed is never drift.

#![expect(clippy::disallowed_types, reason = "listens as webhooks do")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};

use sitewright_sim::{ConsoleAction, Options, Server, World};

const SITES: &str = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: Office }
spec:
  description: Ground floor   # by the gate
  subnets: [192.168.0.0/24]
  servers: [{ name: SITE01.corp.example }, { name: SMP01.corp.example }]
";

struct Home {
    folder: tempfile::TempDir,
    server: Server,
}

impl Home {
    /// A declaration that is applied.
    fn applied() -> Self {
        let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
        let server = Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("profile.yaml"), server.world().profile()).unwrap();
        std::fs::write(folder.path().join("sites.yaml"), SITES).unwrap();
        let home = Self { folder, server };
        home.apply();
        home
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, line: &[&str], variables: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_sitewright"))
            .args(line)
            .args(["-f", "sites.yaml", "--platform", &self.server.url()])
            .args([
                "--server",
                "SMP01.corp.example",
                "--profile",
                "profile.yaml",
            ])
            .args(["--state", "state"])
            .envs(variables.iter().copied())
            .current_dir(self.path())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn gives(&self, line: &[&str], code: i32) -> String {
        let output = self.run(line, &[]);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line:?}: {said}");
        said
    }

    #[track_caller]
    fn apply(&self) {
        self.gives(&["apply", "--yes"], 0);
    }

    fn describe(&self, text: &str) {
        let action = ConsoleAction::DescribeSite {
            name: "Office".into(),
            description: text.into(),
        };
        self.server.world().console(action).unwrap();
    }

    fn json(&self) -> serde_json::Value {
        let output = self.run(&["drift", "--format", "json"], &[]);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// A day from today on.
fn day(ahead: i64) -> String {
    let today = jiff::tz::TimeZone::UTC
        .to_datetime(jiff::Timestamp::now())
        .date();
    today
        .saturating_add(jiff::Span::new().days(ahead))
        .to_string()
}

#[test]
fn what_the_console_changed_is_drift_until_it_is_applied_back() {
    let home = Home::applied();
    assert!(home.gives(&["drift"], 0).contains("No drift since"));
    home.describe("First floor");
    let said = home.gives(&["drift"], 2);
    assert!(
        said.contains("description: Ground floor -> First floor"),
        "{said}"
    );
    let said = home.gives(&["drift", "--revert", "--out", "undo.plan.json"], 0);
    assert!(said.contains("First floor"), "{said}");
    home.gives(&["drift"], 2);
    // The plan of the very drift is applied, although the drift was noted in between.
    let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
        .args([
            "apply",
            "undo.plan.json",
            "--yes",
            "--platform",
            &home.server.url(),
        ])
        .args([
            "--server",
            "SMP01.corp.example",
            "--profile",
            "profile.yaml",
            "--state",
            "state",
        ])
        .current_dir(home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(home.gives(&["drift"], 0).contains("No drift since"));
}

#[test]
fn what_is_accepted_is_no_drift_and_leaves_no_plan() {
    let home = Home::applied();
    home.describe("First floor");
    let said = home.gives(&["drift", "--accept", "--yes"], 0);
    assert!(
        said.contains("+  description: First floor   # by the gate"),
        "{said}"
    );
    assert!(said.contains("the next plan has no changes"), "{said}");
    home.gives(&["drift"], 0);
    home.gives(&["plan", "--detailed-exitcode"], 0);
}

#[test]
fn a_subnet_in_no_site_is_accepted_with_what_was_said_of_it() {
    let home = Home::applied();
    let taken_out = ConsoleAction::RemoveSubnet {
        site: "Office".into(),
        subnet: "192.168.0.0/24".into(),
    };
    home.server.world().console(taken_out).unwrap();
    let text = std::fs::read_to_string(home.path().join("sites.yaml")).unwrap();
    let text = text.replace(
        "[192.168.0.0/24]",
        "   # by floor\n    - 192.168.0.0/24   # clients",
    );
    std::fs::write(home.path().join("sites.yaml"), &text).unwrap();
    let said = home.gives(&["drift", "--accept", "--yes"], 0);
    assert!(!said.contains("is not written"), "{said}");
    assert!(said.contains("the next plan has no changes"), "{said}");
    assert_eq!(
        std::fs::read_to_string(home.path().join("sites.yaml")).unwrap(),
        text.replace(
            "subnets:    # by floor\n    - 192.168.0.0/24   # clients",
            "subnets: []    # by floor\n    # clients"
        )
    );
    home.gives(&["drift"], 0);
}

#[test]
fn a_subnet_that_we_created_and_that_is_in_no_site_is_left_to_a_person() {
    let home = Home::applied();
    let text = std::fs::read_to_string(home.path().join("sites.yaml")).unwrap();
    let more = text.replace("[192.168.0.0/24]", "[192.168.0.0/24, 10.9.0.0/24]");
    std::fs::write(home.path().join("sites.yaml"), &more).unwrap();
    home.apply();
    let taken_out = ConsoleAction::RemoveSubnet {
        site: "Office".into(),
        subnet: "10.9.0.0/24".into(),
    };
    home.server.world().console(taken_out).unwrap();
    let said = home.gives(&["drift", "--accept", "--yes"], 1);
    assert!(
        said.contains("SW0966") && said.contains("would delete it"),
        "{said}"
    );
    let after = std::fs::read_to_string(home.path().join("sites.yaml")).unwrap();
    assert_eq!(after, more);
}

#[test]
fn a_word_keeps_a_difference_from_being_drift_until_it_is_taken_back() {
    let home = Home::applied();
    home.describe("First floor");
    let word = |until: &str, code| {
        let key = "site/office:DESCRIPTION";
        home.gives(
            &[
                "drift",
                "--acknowledge",
                key,
                "--until",
                until,
                "--reason",
                "ticket 4711",
            ],
            code,
        )
    };
    assert!(word(&day(91), 64).contains("SW0962"));
    assert!(word("tomorrow", 64).contains("SW0962"));
    assert!(word(&day(90), 0).contains("Site/Office:description: acknowledged until"));
    let said = home.gives(&["drift"], 0);
    assert!(
        said.contains("acknowledged") && said.contains("ticket 4711"),
        "{said}"
    );
    // For another value it does not count.
    home.describe("Second floor");
    let said = home.gives(&["drift"], 2);
    assert!(said.contains("no longer acknowledged"), "{said}");
    home.describe("First floor");
    home.gives(&["drift"], 0);
    let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
        .args(["drift", "--unacknowledge", "Site/Office:description"])
        .args(["--platform", &home.server.url(), "--state", "state"])
        .current_dir(home.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    home.gives(&["drift"], 2);
}

#[test]
fn what_comes_back_after_three_rounds_is_told_once_as_new() {
    let home = Home::applied();
    for round in 0..3 {
        home.describe("First floor");
        let found = home.json();
        assert_eq!(found["flapping"], serde_json::json!([]), "round {round}");
        home.apply();
    }
    home.describe("First floor");
    let journal = home.path().join("state");
    let size = || -> u64 {
        let files = std::fs::read_dir(&journal)
            .unwrap()
            .map(|file| file.unwrap());
        files
            .filter(|file| {
                file.file_name()
                    .to_string_lossy()
                    .ends_with(".journal.jsonl")
            })
            .map(|file| file.metadata().unwrap().len())
            .sum()
    };
    let found = home.json();
    assert_eq!(found["flapping"][0]["key"], "Site/Office:description");
    assert_eq!(found["flapping"][0]["undone"], 3);
    assert_eq!(found["flapping"][0]["new"], true);
    let before = size();
    // A look at which nothing is news writes nothing.
    assert_eq!(home.json()["flapping"][0]["new"], false);
    assert_eq!(size(), before);
}

#[test]
fn a_baseline_that_cannot_be_kept_fails_no_run() {
    let home = Home::applied();
    let folder = home.path().join("state/baselines");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "no folder").unwrap();
    home.describe("First floor");
    let said = home.gives(&["apply", "--yes"], 0);
    assert!(said.contains("is not kept for `drift`"), "{said}");
    home.gives(&["plan", "--detailed-exitcode"], 0);
    // What cannot be read is no drift either.
    std::fs::remove_file(&folder).unwrap();
    home.gives(&["drift"], 0);
}

#[test]
fn a_run_of_a_part_leaves_the_rest_drift() {
    let home = Home::applied();
    home.describe("First floor");
    let action = ConsoleAction::RemoveSubnet {
        site: "Office".into(),
        subnet: "192.168.0.0/24".into(),
    };
    home.server.world().console(action).unwrap();
    home.gives(&["apply", "--yes", "--target", "Subnet/192.168.0.0/24"], 0);
    let found = home.json();
    let changes = found["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["key"], "Site/Office:description");
    home.apply();
    assert!(home.gives(&["drift"], 0).contains("No drift since"));
}

#[test]
fn an_error_is_never_drift_nor_drift_an_error() {
    let home = Home::applied();
    home.describe("First floor");
    // A textfile that cannot be written, a secret that is not there, a server that is not there.
    home.gives(&["drift", "--textfile", "nowhere/at/all.prom"], 1);
    let said = home.gives(&["drift", "--notify", "env:NO_SUCH_WEBHOOK"], 1);
    assert!(said.contains("SW0253"), "{said}");
    home.gives(&["drift", "--format", "sarif"], 2);
    drop(home.server);
}

/// A receiver on this computer that hands each body on and answers with a status.
fn receiver(status: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/Unmistakable-H00k-3d1f",
        listener.local_addr().unwrap()
    );
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            if send.send(String::from_utf8(body).unwrap()).is_err() {
                break;
            }
        }
    });
    (url, receive)
}

#[test]
fn webhooks_are_told_of_drift_and_their_address_is_in_no_message() {
    let home = Home::applied();
    let (url, told) = receiver("200 OK");
    let variables = [("HOOK", url.as_str()), ("SITEWRIGHT_LOG", "trace")];
    let by = |kind: &str| {
        home.run(
            &["drift", "--notify", "env:HOOK", "--notify-as", kind],
            &variables,
        )
    };
    // There is nothing to tell.
    assert_eq!(by("generic").status.code(), Some(0));
    assert!(told.try_recv().is_err());
    home.describe("First <floor>");
    for kind in ["generic", "slack", "teams"] {
        assert_eq!(by(kind).status.code(), Some(2));
        let body: serde_json::Value = serde_json::from_str(&told.recv().unwrap()).unwrap();
        match kind {
            "generic" => assert_eq!(body["changes"][0]["after"], "First <floor>"),
            "slack" => assert!(
                body["text"]
                    .as_str()
                    .unwrap()
                    .contains("First &lt;floor&gt;")
            ),
            _ => assert_eq!(body["attachments"][0]["content"]["type"], "AdaptiveCard"),
        }
    }
    // One that fails is a warning, and the other one is told.
    let (broken, _kept) = receiver("500 No");
    let line = ["drift", "--notify", "env:BROKEN", "--notify", "env:HOOK"];
    let variables = [
        ("HOOK", url.as_str()),
        ("BROKEN", broken.as_str()),
        ("SITEWRIGHT_LOG", "sitewright=trace"),
    ];
    let output = home.run(&line, &variables);
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("SW0968") && said.contains("webhook 1 of 2"),
        "{said}"
    );
    assert!(!said.contains("Unmistakable"), "{said}");
    told.recv().unwrap();
}

#[test]
fn the_textfile_appears_whole() {
    let home = Home::applied();
    home.describe("First floor");
    home.gives(&["drift", "--textfile", "sitewright.prom"], 2);
    let text = std::fs::read_to_string(home.path().join("sitewright.prom")).unwrap();
    assert!(text.contains("standing=\"undo\"} 1\n"), "{text}");
    // Nothing else is left beside it for the collector to read.
    let names = std::fs::read_dir(home.path()).unwrap();
    let names: Vec<_> = names.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(
        names
            .iter()
            .filter(|name| name.to_string_lossy().contains("prom"))
            .count(),
        1
    );
}

/// The job of `examples/cron`, as cron runs it: with a shell, the program in its `PATH`, and little else.
#[cfg(unix)]
#[test]
fn the_job_for_cron_speaks_of_drift_and_of_errors_and_of_nothing_else() {
    let home = Home::applied();
    let workspace = format!(
        "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - {{ name: hq, url: '{}', server: \
         SMP01.corp.example, profile: profiles/hq.yaml }}\n",
        home.server.url()
    );
    let here = home.path().join("workspace");
    std::fs::create_dir_all(here.join("profiles")).unwrap();
    std::fs::write(here.join("sitewright.yaml"), workspace).unwrap();
    std::fs::write(here.join("sites.yaml"), SITES).unwrap();
    let profile = home.server.world().profile();
    std::fs::write(here.join("profiles/hq.yaml"), profile).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_sitewright"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cron/drift.sh");
    let numbers = home.path().join("drift.prom");
    let job = || {
        let output = Command::new("/bin/sh")
            .arg(&script)
            .args([&here, &numbers])
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", program.parent().unwrap().display()),
            )
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), said)
    };
    // No apply of this workspace is on record, and nothing differs.
    assert_eq!(job(), (Some(0), String::new()));
    home.describe("First floor");
    let apply = || {
        let status = Command::new(program)
            .args(["apply", "--yes"])
            .current_dir(&here)
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
    };
    // Nobody can tell whose change that is.
    let (code, said) = job();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("Drift cannot be told on "), "{said}");
    apply();
    assert_eq!(job(), (Some(0), String::new()), "silence is no mail");
    home.describe("Second floor");
    let (code, said) = job();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("Drift on "), "{said}");
    assert!(said.contains("Second floor"), "{said}");
    let text = std::fs::read_to_string(&numbers).unwrap();
    assert!(text.contains("standing=\"undo\"} 1\n"), "{text}");
    // The server is away: that is no drift, and the numbers grow old.
    let Home { folder, server } = home;
    drop(server);
    let output = Command::new("/bin/sh")
        .arg(&script)
        .arg(&here)
        .env_clear()
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", program.parent().unwrap().display()),
        )
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("Drift cannot be told on "), "{said}");
    assert!(said.contains("error[SW"), "{said}");
    drop(folder);
}
