//! The files of `examples/ci`: each is read by the schema or the tool of its own field, every script in them by shellcheck,
//! and every command line of `sitewright` by the program's own parser.
//!
//! No file is forgotten: a file without a linter fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{self, python, run};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// A YAML file as a value.
pub(crate) fn yaml(name: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&read(name)).unwrap()
}

/// A tool of `make setup`, among the files.
fn tool(name: &str) -> Command {
    let mut command = support::tool(name);
    command.current_dir(folder());
    command
}

/// Runs a tool that must have nothing to say against it.
fn passes(command: &mut Command) {
    let (well, said) = run(command, "");
    assert!(well, "{command:?}: {said}");
}

/// Checks a file by one of the schemas that come with the tool.
fn by_schema(schema: &str, name: &str, more: &[&str]) {
    passes(
        tool("check-jsonschema")
            .args(["--builtin-schema", schema])
            .args(more)
            .arg(name),
    );
}

/// What is checked below, by name.
const LINTED: [&str; 16] = [
    "Containerfile",
    "Jenkinsfile",
    "README.md",
    "azure-pipelines.yml",
    "github-actions.yml",
    "gitlab-ci.yml",
    "kubernetes-cronjob.yaml",
    "kubernetes-deployment.yaml",
    "scripts",
    "scripts/apply.sh",
    "scripts/drift.sh",
    "scripts/plan.sh",
    "sitewright-task.xml",
    "sitewright-watch.service",
    "sitewright.service",
    "sitewright.timer",
];

#[test]
fn no_file_is_without_its_linter() {
    let mut found = BTreeSet::new();
    for (below, prefix) in [(folder(), ""), (folder().join("scripts"), "scripts/")] {
        for entry in fs::read_dir(below).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            found.insert(format!("{prefix}{name}"));
        }
    }
    let found: Vec<String> = found.into_iter().collect();
    assert_eq!(found, LINTED);
    let page = read("README.md");
    for name in LINTED.iter().filter(|name| **name != "README.md") {
        assert!(page.contains(&format!("`{name}`")), "README.md: {name}");
    }
}

#[test]
fn pipelines_pass_their_schemas() {
    by_schema("vendor.github-workflows", "github-actions.yml", &[]);
    by_schema(
        "custom.github-workflows-require-timeout",
        "github-actions.yml",
        &[],
    );
    by_schema(
        "vendor.gitlab-ci",
        "gitlab-ci.yml",
        &["--data-transform", "gitlab-ci"],
    );
    by_schema(
        "vendor.azure-pipelines",
        "azure-pipelines.yml",
        &[
            "--data-transform",
            "azure-pipelines",
            "--regex-variant",
            "nonunicode",
        ],
    );
    passes(tool("zizmor").args([
        "--offline",
        "--no-progress",
        "--pedantic",
        "github-actions.yml",
    ]));
    passes(&mut actionlint(Path::new("github-actions.yml")));
    passes(python().arg("groovy.py").arg(folder().join("Jenkinsfile")));
}

/// Reads a workflow's expressions, contexts, outputs and scripts. The label of the runners is ours.
fn actionlint(file: &Path) -> Command {
    let mut command = tool("actionlint");
    command
        .arg("-shellcheck")
        .arg(tool("shellcheck").get_program())
        .args([
            "-pyflakes",
            "",
            "-ignore",
            "label \"sitewright\" is unknown",
        ])
        .arg(file);
    command
}

#[test]
fn linters_find_what_is_wrong() {
    let scratch = tempfile::tempdir().unwrap();
    let broken = |name: &str, from: &str, to: &str| {
        let text = read(name);
        assert!(text.contains(from), "{name}: {from}");
        let path = scratch.path().join(Path::new(name).file_name().unwrap());
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        path
    };
    let refused = |command: &mut Command| {
        let (well, said) = run(command, "");
        assert!(!well, "{command:?}: {said}");
    };
    let file = broken("github-actions.yml", "runs-on:", "runs-at:");
    refused(
        tool("check-jsonschema")
            .args(["--builtin-schema", "vendor.github-workflows"])
            .arg(file),
    );
    let file = broken(
        "github-actions.yml",
        "steps.plan.outputs.code",
        "steps.planned.outputs.code",
    );
    refused(&mut actionlint(&file));
    let file = broken(
        "github-actions.yml",
        "run: sitewright validate --format github",
        "run: sitewright validate ${{ github.head_ref }}",
    );
    refused(
        tool("zizmor")
            .args(["--offline", "--no-progress", "--pedantic"])
            .arg(file),
    );
    let file = broken("Jenkinsfile", "stages {", "stages {{");
    refused(python().arg("groovy.py").arg(file));
    let file = broken(
        "Containerfile",
        "FROM docker.io/library/debian:bookworm-slim",
        "FROM debian",
    );
    refused(tool("hadolint").arg(file));
    let file = broken("kubernetes-cronjob.yaml", "backoffLimit", "backOffLimit");
    refused(tool("kubernetes-validate").arg("--strict").arg(file));
    let file = broken("scripts/plan.sh", "\"$platform\"", "$platform");
    refused(tool("shellcheck").arg(file));
}

#[test]
fn containers_and_units_pass_their_tools() {
    passes(tool("hadolint").arg("Containerfile"));
    passes(tool("kubernetes-validate").args([
        "--strict",
        "kubernetes-cronjob.yaml",
        "kubernetes-deployment.yaml",
    ]));
}

/// The services of systemd.
const UNITS: [&str; 2] = ["sitewright-watch.service", "sitewright.service"];

#[cfg(target_os = "linux")]
#[test]
fn units_of_systemd_pass_its_own_check() {
    let scratch = tempfile::tempdir().unwrap();
    // It looks whether the program is there.
    let program = env!("CARGO_BIN_EXE_sitewright");
    for name in UNITS {
        let unit = read(name).replace("/usr/local/bin/sitewright", program);
        assert!(unit.contains(program));
        fs::write(scratch.path().join(name), unit).unwrap();
    }
    let timer = scratch.path().join("sitewright.timer");
    fs::copy(folder().join("sitewright.timer"), timer).unwrap();
    let mut verify = Command::new("systemd-analyze");
    verify.current_dir(scratch.path()).arg("verify");
    verify.args(UNITS.map(|name| format!("./{name}")));
    let (well, said) = run(verify.arg("./sitewright.timer"), "");
    assert!(well && said.trim().is_empty(), "{said}");
    for name in UNITS {
        // Below 2.0 of 10: what a service that only goes out to one server can do without is taken from it.
        let mut security = Command::new("systemd-analyze");
        security.current_dir(scratch.path());
        passes(
            security
                .args(["security", "--offline=true", "--threshold=20"])
                .arg(format!("./{name}")),
        );
    }
}

/// Microsoft's schema of tasks is in no package; what `schtasks` insists on is said here.
#[test]
fn the_task_of_windows_is_in_order() {
    passes(
        Command::new("xmllint")
            .current_dir(folder())
            .args(["--noout", "sitewright-task.xml"]),
    );
    let text = read("sitewright-task.xml");
    let document = roxmltree::Document::parse(&text).unwrap();
    let task = document.root_element();
    let space = "http://schemas.microsoft.com/windows/2004/02/mit/task";
    assert_eq!(task.tag_name().namespace(), Some(space));
    let parts = |node: roxmltree::Node<'_, '_>| -> Vec<String> {
        node.children()
            .filter(roxmltree::Node::is_element)
            .map(|child| child.tag_name().name().to_owned())
            .collect()
    };
    // A sequence: Windows refuses another order.
    assert_eq!(
        parts(task),
        [
            "RegistrationInfo",
            "Triggers",
            "Principals",
            "Settings",
            "Actions"
        ]
    );
    let find = |name: &str| {
        let mut all = document.descendants();
        all.find(|node| node.has_tag_name((space, name)))
            .unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(
        parts(find("Exec")),
        ["Command", "Arguments", "WorkingDirectory"]
    );
    assert_eq!(
        find("Actions").attribute("Context"),
        find("Principal").attribute("id")
    );
    assert_eq!(find("RunLevel").text(), Some("LeastPrivilege"));
    assert_eq!(find("MultipleInstancesPolicy").text(), Some("IgnoreNew"));
}

/// Every script that stands inside a file, with the file.
fn scripts() -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for name in ["github-actions.yml", "azure-pipelines.yml", "gitlab-ci.yml"] {
        for document in yaml(name) {
            collect(&document, &mut |script| found.push((name, script)));
        }
    }
    for name in LINTED
        .iter()
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "sh"))
    {
        found.push((*name, read(name)));
    }
    found
}

fn collect(value: &Value, found: &mut impl FnMut(String)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("run" | "bash", Value::String(text)) => found(text.clone()),
                    ("script", Value::Array(lines)) => {
                        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
                        found(lines.join("\n"));
                    }
                    (_, value) => collect(value, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn scripts_pass_shellcheck() {
    let all = scripts();
    assert!(all.len() >= 16, "{}", all.len());
    for (name, script) in all {
        // Nothing of an event is pasted into a script, where it could be a command.
        assert!(!script.contains("${{"), "{name}: {script}");
        let (well, said) = run(
            tool("shellcheck").args(["--shell", "bash", "--severity", "style", "-"]),
            &script,
        );
        assert!(well, "{name}: {said}\n{script}");
    }
}

/// The command lines of `sitewright` in all files, in words.
fn command_lines() -> Vec<(&'static str, Vec<String>)> {
    let mut found = Vec::new();
    for (name, script) in scripts() {
        for line in script.replace("\\\n", " ").lines() {
            let line = line.trim_start();
            if let Some(rest) = line.strip_prefix("sitewright ") {
                found.push((name, rest.split(" > ").next().unwrap().to_owned()));
            }
        }
    }
    for line in read("Jenkinsfile").lines() {
        if let Some((_, rest)) = line.split_once("sh 'sitewright ") {
            let words = rest.split(['\'', '>']).next().unwrap();
            found.push(("Jenkinsfile", words.trim().to_owned()));
        }
    }
    for name in UNITS {
        let unit = read(name);
        let start = unit
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart="))
            .unwrap();
        found.push((name, start.split_once(' ').unwrap().1.to_owned()));
    }
    let task = read("sitewright-task.xml");
    let arguments = task.split_once("<Arguments>").unwrap().1;
    found.push((
        "sitewright-task.xml",
        arguments.split_once('<').unwrap().0.to_owned(),
    ));
    let mut lines: Vec<(&str, Vec<String>)> = found
        .into_iter()
        .map(|(name, line)| {
            let line = line.split(" || ").next().unwrap().to_owned();
            let words = line
                .split_whitespace()
                .map(|word| word.trim_matches('"').to_owned());
            (name, words.collect())
        })
        .collect();
    for name in ["kubernetes-cronjob.yaml", "kubernetes-deployment.yaml"] {
        let document = yaml(name).remove(0);
        let mut pods = vec![
            "/spec/template/spec",
            "/spec/jobTemplate/spec/template/spec",
        ];
        pods.retain(|path| document.pointer(path).is_some());
        let command = &document.pointer(pods[0]).unwrap()["containers"][0]["command"];
        let words = command.as_array().unwrap().iter().skip(1);
        lines.push((
            name,
            words
                .map(|word| word.as_str().unwrap().to_owned())
                .collect(),
        ));
    }
    lines
}

#[test]
fn every_command_line_is_understood() {
    let lines = command_lines();
    assert!(lines.len() >= 10, "{lines:#?}");
    let mut command = sitewright::cli::command();
    for (name, words) in lines {
        let whole = std::iter::once("sitewright".to_owned()).chain(words.clone());
        if let Err(error) = command.try_get_matches_from_mut(whole) {
            panic!("{name}: sitewright {}: {error}", words.join(" "));
        }
    }
}

#[test]
fn secrets_and_rights_are_few() {
    let workflow = yaml("github-actions.yml").remove(0);
    assert_eq!(workflow["permissions"], serde_json::json!({}));
    for (name, job) in workflow["jobs"].as_object().unwrap() {
        let text = job.to_string();
        assert!(job["permissions"].is_object(), "{name} says what it may");
        assert!(job["concurrency"].is_object(), "{name}");
        // Whoever writes to the pull request sees nothing of the server, and the other way round.
        let writes = job["permissions"].to_string().contains("write");
        assert!(!(writes && text.contains("secrets.")), "{name}");
        if text.contains("secrets.") {
            assert!(job["environment"].is_string(), "{name}");
            let when = job["if"].as_str().unwrap();
            assert!(
                !when.contains("pull_request")
                    || when.contains("head.repo.full_name == github.repository"),
                "{name}: forks get no secret"
            );
        }
        assert_eq!(text.contains("SMP_WRITER"), name == "apply", "{name}");
    }
    let page = read("github-actions.yml");
    assert!(!page.contains("pull_request_target"));
    let gitlab = yaml("gitlab-ci.yml").remove(0);
    for name in ["plan", "comment"] {
        let when = gitlab[name]["rules"][0]["if"].as_str().unwrap();
        assert!(when.contains("CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"));
    }
    assert_eq!(gitlab["apply"]["resource_group"], "sitewright-hq");
}
