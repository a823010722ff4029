//! The log: every request has an id that its lines name and that the other end sees; what options leave out.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use sitewright_sim::{Access, Options, Scheme, Server, World};

const PASSWORD: &str = "correct-h\u{f6}rse";

/// A server, and a workspace that signs in to it by a method.
struct Place {
    server: Server,
    folder: tempfile::TempDir,
}

impl Place {
    fn new(method: &str, scheme: Option<Scheme>) -> Self {
        let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
        let profile = world.profile();
        let mut access = Access::by(&scheme.into_iter().collect::<Vec<_>>());
        if scheme.is_some() {
            access = access.with_account(r"CORP\svc", PASSWORD);
        }
        let server = Server::start_with(world, "127.0.0.1:0".parse().unwrap(), &access).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let auth = if scheme.is_some() {
            format!(
                "      auth: {{ method: {method}, username: 'CORP\\svc', passwordFrom: {{ env: SMP_PASSWORD }} }}\n"
            )
        } else {
            String::new()
        };
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        std::fs::create_dir(folder.path().join("profiles")).unwrap();
        write("profiles/hq.yaml", &profile);
        write(
            "sitewright.yaml",
            &format!(
                "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      url: {}\n      server: SMP01.corp.example\n{auth}      profile: profiles/hq.yaml\n",
                server.url()
            ),
        );
        let sites =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deployment-site/sites.yaml");
        std::fs::copy(sites, folder.path().join("sites.yaml")).unwrap();
        Self { server, folder }
    }

    fn run(&self, args: &[&str], log: Option<&str>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("SMP_PASSWORD", PASSWORD)
            .env_remove("COLUMNS")
            .env_remove("SITEWRIGHT_LOG");
        if let Some(log) = log {
            command.env("SITEWRIGHT_LOG", log);
        }
        command.output().unwrap()
    }
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stderr).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The field of a span that a line belongs to.
fn of_span<'l>(line: &'l Value, span: &str, field: &str) -> Option<&'l str> {
    line["spans"]
        .as_array()?
        .iter()
        .find(|one| one["name"] == span)?[field]
        .as_str()
}

#[test]
fn every_request_has_an_id_here_and_there() {
    for (method, scheme) in [
        ("none", None),
        ("basic", Some(Scheme::Basic)),
        ("ntlm", Some(Scheme::Ntlm)),
    ] {
        let place = Place::new(method, scheme);
        let output = place.run(
            &[
                "apply",
                "--yes",
                "-vv",
                "--log-format",
                "json",
                "--parallelism",
                "4",
            ],
            None,
        );
        assert_eq!(
            output.status.code(),
            Some(4),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let lines = lines(&output);
        let mut logged = BTreeSet::new();
        let mut in_steps = 0;
        for line in &lines {
            assert!(
                line["timestamp"].is_string() && line["level"].is_string(),
                "{line}"
            );
            if line["message"] != "answered" {
                continue;
            }
            let id = of_span(line, "request", "id").unwrap_or_else(|| panic!("no id: {line}"));
            assert!(line["status"].is_u64(), "{line}");
            assert!(logged.insert(id.to_owned()), "twice: {line}");
            if let Some(run) = of_span(line, "step", "run") {
                assert_eq!(id.split('/').next(), Some(run), "{line}");
                in_steps += 1;
            }
        }
        assert!(
            logged.len() > 20 && in_steps > 10,
            "{method}: {} {in_steps}",
            logged.len()
        );
        let seen: BTreeSet<String> = place
            .server
            .requests()
            .into_iter()
            .map(|record| record.id.expect("an id"))
            .collect();
        assert_eq!(seen, logged, "{method}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains(PASSWORD));
    }
}

#[test]
fn options_and_the_variable_say_how_much() {
    let place = Place::new("none", None);
    let said = |args: &[&str], log: Option<&str>| {
        let output = place.run(args, log);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(said(&["export", "-q"], None), "");
    assert!(said(&["export"], None).starts_with("not expressed: "));
    assert!(said(&["plan", "-v"], None).contains("INFO"));
    assert!(!said(&["plan", "-v"], None).contains("DEBUG"));
    assert!(said(&["plan", "-vv"], None).contains("request{id="));
    assert!(!said(&["plan", "-vv"], Some("off")).contains("DEBUG"));
    assert!(said(&["plan"], Some("sitewright::smp=debug")).contains("answered"));
    let wrong = place.run(&["plan"], Some("sitewright=loud"));
    assert_eq!(wrong.status.code(), Some(64));
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        told.contains("SITEWRIGHT_LOG") && told.contains("loud"),
        "{told}"
    );
    let both = place.run(&["plan", "-q", "-v"], None);
    assert_eq!(both.status.code(), Some(64));
}
