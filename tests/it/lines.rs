//! What `plan`, `apply` and `show` tell a program: each line of a real run fits its schema, and a run is told whole.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What a command told on standard output, what it said beside, and its exit code.
struct Told {
    lines: Vec<Value>,
    beside: String,
    exit: i32,
}

impl Told {
    fn events(&self) -> Vec<&str> {
        let events = self.lines.iter().map(|line| line["event"].as_str());
        events.map(Option::unwrap).collect()
    }

    fn of<'t>(&'t self, event: &str) -> Vec<&'t Value> {
        let lines = self.lines.iter();
        lines.filter(|line| line["event"] == event).collect()
    }

    /// The steps that an event names, sorted.
    fn steps(&self, event: &str) -> BTreeSet<&str> {
        let steps = self.of(event).into_iter();
        steps.map(|line| line["step"].as_str().unwrap()).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a command in a folder, and reads its lines by the schema that is published.
fn told(folder: &Path, state: &Path, arguments: &[&str]) -> Told {
    let schema = std::fs::read_to_string(root().join("schemas/events.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
        .args(arguments)
        .args(["--format", "json-lines", "--state"])
        .arg(state)
        .current_dir(folder)
        .env_remove("SITEWRIGHT_LOG")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| {
            let value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let fits = validator
                .validate(&value)
                .map_err(|error| error.to_string());
            assert_eq!(fits, Ok(()), "{line}");
            value
        })
        .collect();
    let told = Told {
        lines,
        beside: String::from_utf8(output.stderr).unwrap(),
        exit: output.status.code().unwrap(),
    };
    // Whatever happens, a program knows how it began and how it ended.
    let (first, last) = (&told.lines[0], told.lines.last().unwrap());
    assert_eq!(first["event"], "commandStarted", "{first}");
    assert_eq!(first["formatVersion"], 1, "{first}");
    assert_eq!(first["command"], arguments[0], "{first}");
    assert_eq!(last["event"], "commandEnded", "{last}");
    assert_eq!(last["exit"], told.exit, "{last}");
    let ends = told.of("commandStarted").len() + told.of("commandEnded").len();
    assert_eq!(ends, 2);
    // Times are in order.
    let times: Vec<&str> = told
        .lines
        .iter()
        .map(|line| line["time"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    told
}

fn example(name: &str) -> PathBuf {
    root().join("examples").join(name)
}

#[test]
fn a_plan_and_its_run_are_told_line_by_line() {
    let state = tempfile::tempdir().unwrap();
    let folder = example("deployment-site");
    let file = state.path().join("a.plan.json");
    let planned = told(
        &folder,
        state.path(),
        &["plan", "--out", file.to_str().unwrap()],
    );
    assert_eq!((planned.exit, planned.beside.as_str()), (0, ""));
    assert_eq!(planned.lines.last().unwrap()["result"], "done");
    assert!(planned.of("refreshing").len() > 3);
    let refreshed = planned.of("refreshed")[0];
    assert_eq!(refreshed["platform"]["name"], "SMP01.corp.example");
    assert!(refreshed["requests"].as_u64() > Some(0));

    // The lines say what the plan file says.
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    for (event, list) in [("note", "notes"), ("change", "changes")] {
        let lines: Vec<Value> = planned
            .of(event)
            .into_iter()
            .map(|line| {
                let mut line = line.clone();
                let fields = line.as_object_mut().unwrap();
                fields.remove("time");
                fields.remove("event");
                line
            })
            .collect();
        assert!(!lines.is_empty());
        assert_eq!(Value::from(lines), written[list], "{event}");
    }
    let ids = written["steps"].as_array().unwrap().iter();
    let ids: BTreeSet<&str> = ids.map(|step| step["id"].as_str().unwrap()).collect();
    assert_eq!(planned.steps("stepPlanned"), ids);
    let summary = planned.of("planned")[0];
    assert_eq!(summary["digest"], written["digest"]);
    assert_eq!(summary["steps"], ids.len());

    // `show` tells the same of the file.
    let shown = told(&folder, state.path(), &["show", file.to_str().unwrap()]);
    for event in ["note", "change", "stepPlanned", "planned"] {
        assert_eq!(shown.of(event).len(), planned.of(event).len(), "{event}");
    }

    // A run begins after its plan, and each of its steps ends.
    let applied = told(&folder, state.path(), &["apply", "--yes"]);
    assert_eq!(applied.exit, 4, "{}", applied.beside);
    assert_eq!(applied.lines.last().unwrap()["result"], "consoleSteps");
    assert!(
        applied.beside.contains("Changes to SMP01.corp.example\n"),
        "{}",
        applied.beside
    );
    let events = applied.events();
    let at = |event: &str| events.iter().position(|one| *one == event).unwrap();
    assert!(at("refreshed") < at("planned") && at("planned") < at("runStarted"));
    assert!(at("runStarted") < at("stepStarted") && at("stepEnded") < at("runEnded"));
    assert_eq!(applied.steps("stepEnded"), applied.steps("stepPlanned"));
    let done = applied.of("runEnded")[0]["summary"]["steps"]["done"].as_u64();
    let outcomes = applied.of("stepEnded").into_iter();
    let ended = outcomes.filter(|line| line["outcome"] == "done").count();
    assert_eq!(done, u64::try_from(ended).ok());
    assert!(done > Some(5));
}

#[test]
fn what_goes_wrong_is_told_too() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let write = |text: &str| std::fs::write(folder.path().join("a.yaml"), text).unwrap();
    let plan = ["plan", "--platform", "sim:flat-lan", "-f", "a.yaml"];

    // Faults in manifests.
    write(
        "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: A }\nspec: { subnets: [10.0.0.1/24], x: 1 }\n",
    );
    let wrong = told(folder.path(), &state, &plan);
    assert_eq!(wrong.exit, 1);
    let faults = wrong.of("fault");
    assert_eq!(faults.len(), 2, "{:?}", wrong.lines);
    for fault in faults {
        let code = fault["code"].as_str().unwrap();
        assert_eq!(fault["places"][0]["file"], "a.yaml");
        assert!(
            wrong.beside.contains(&format!("error[{code}]")),
            "{}",
            wrong.beside
        );
    }

    // A plan that is blocked.
    write(
        "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: A }\nspec: { servers: [{ name: NOBODY }] }\n",
    );
    for command in ["plan", "apply"] {
        let arguments: Vec<&str> = std::iter::once(command)
            .chain(plan.into_iter().skip(1))
            .collect();
        let blocked = told(folder.path(), &state, &arguments);
        assert_eq!(blocked.exit, 3, "{}", blocked.beside);
        assert_eq!(blocked.lines.last().unwrap()["result"], "blocked");
        assert_eq!(blocked.of("planned")[0]["blocked"], true);
        assert!(
            blocked
                .of("note")
                .iter()
                .any(|note| note["standing"] == "blocks")
        );
        assert_eq!(blocked.of("runStarted").len(), 0);
    }

    // A server that does not answer.
    let gone = [
        "plan",
        "--platform",
        "http://127.0.0.1:9",
        "--server",
        "a.example",
        "-f",
        "a.yaml",
    ];
    let gone = told(folder.path(), &state, &gone);
    assert_eq!(gone.exit, 1);
    let failed = gone.of("failed")[0];
    let code = failed["code"].as_str().unwrap();
    assert!(
        gone.beside.starts_with(&format!("error[{code}]: ")),
        "{}",
        gone.beside
    );
    let words: Vec<&str> = gone.beside.split_whitespace().collect();
    assert!(
        words.join(" ").contains(failed["error"].as_str().unwrap()),
        "{}",
        gone.beside
    );
}
