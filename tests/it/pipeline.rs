//! A pipeline from pull request to merge, with the very scripts of `examples/ci/github-actions.yml`: a bare git repository,
//! the simulator, and a `gh` that answers from files as GitHub would.
//!
//! What the test does itself is what GitHub does: check out, merge, keep artifacts, note a review.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sitewright_sim::{Access, ConsoleAction, Options, Server, World};

use crate::ci::yaml;

/// `gh` as far as the workflow asks it, over files below `$HUB`.
const GH: &str = r#"#!/usr/bin/env bash
set -euo pipefail
if [ "$1 $2" = "run download" ]; then
  run=$3
  while [ "$1" != --dir ]; do shift; done
  cp -r "$HUB/artifacts/$run" "$2"
  exit
fi
[ "$1" = api ] && shift
method=GET body=''
while [ $# -gt 0 ]; do
  case $1 in
    --method) method=$2; shift ;;
    --field) body=${2#body=@}; shift ;;
    --paginate | --silent) ;;
    *) path=$1 ;;
  esac
  shift
done
comments="$HUB/comments.json"
case "$method $path" in
  'GET repos/acme/sites/issues/'*/comments) cat "$comments" ;;
  'POST repos/acme/sites/issues/'*/comments)
    jq --rawfile body "$body" '. + [{ id: (length + 1), user: { login: "github-actions[bot]" }, body: $body }]' "$comments" > "$comments.new"
    mv "$comments.new" "$comments" ;;
  'PATCH repos/acme/sites/issues/comments/'*)
    jq --rawfile body "$body" --argjson id "${path##*/}" 'map(if .id == $id then .body = $body else . end)' "$comments" > "$comments.new"
    mv "$comments.new" "$comments" ;;
  'GET repos/acme/sites/commits/'*/pulls) cat "$HUB/pulls.json" ;;
  'GET repos/acme/sites/actions/artifacts?name='*) cat "$HUB/artifacts.json" ;;
  'GET repos/acme/sites/pulls/'*/reviews) cat "$HUB/reviews.json" ;;
  *) echo "no answer for $method $path" >&2; exit 1 ;;
esac
"#;

/// What a script ended with.
struct Ended {
    code: i32,
    said: String,
    outputs: String,
}

impl Ended {
    #[track_caller]
    fn well(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.said);
        self
    }

    /// It was refused with an error, and with this said.
    #[track_caller]
    fn refused(self, with: &str) {
        assert_eq!(self.code, 1, "{}", self.said);
        assert!(self.said.contains(with), "{}", self.said);
    }
}

/// A repository at GitHub, its runners, and the SMP.
struct Forge {
    root: tempfile::TempDir,
    server: Server,
    runs: u32,
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Forge {
    fn new() -> Self {
        let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let server = Server::start_with(world, listen, &Access::anonymous()).unwrap();
        let forge = Self {
            root: tempfile::tempdir().unwrap(),
            server,
            runs: 0,
        };
        for folder in ["hub", "bin", "first"] {
            fs::create_dir(forge.path(folder)).unwrap();
        }
        for list in ["comments", "pulls", "reviews"] {
            forge.answer(list, &json!([]));
        }
        fs::write(forge.path("bin/gh"), GH).unwrap();
        succeeds(Command::new("chmod").arg("+x").arg(forge.path("bin/gh")));
        forge.git(
            ".",
            &[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch",
                "main",
                "sites.git",
            ],
        );
        forge.git(".", &["clone", "--quiet", "sites.git", "first"]);
        forge.fill(&forge.path("first"));
        let reports = forge.run("first", "sitewright profile install-reports --yes", &[]);
        reports.well();
        forge.commit("first", "Declare the sites", "main");
        forge
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn answer(&self, list: &str, value: &Value) {
        fs::write(self.path(&format!("hub/{list}.json")), value.to_string()).unwrap();
    }

    fn answered(&self, list: &str) -> Value {
        let text = fs::read_to_string(self.path(&format!("hub/{list}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The first commit: what somebody has who followed `examples/ci/README.md`.
    fn fill(&self, folder: &Path) {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        fs::create_dir_all(folder.join("ci")).unwrap();
        for script in ["plan.sh", "apply.sh", "drift.sh"] {
            let from = examples.join("ci/scripts").join(script);
            fs::copy(from, folder.join("ci").join(script)).unwrap();
        }
        fs::copy(
            examples.join("deployment-site/sites.yaml"),
            folder.join("sites.yaml"),
        )
        .unwrap();
        fs::create_dir(folder.join("profiles")).unwrap();
        fs::write(
            folder.join("profiles/hq.yaml"),
            self.server.world().profile(),
        )
        .unwrap();
        let workspace = format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      url: {}\n      \
             server: SMP01.corp.example\n      auth: {{ method: none }}\n      profile: profiles/hq.yaml\n  \
             state: {{ backend: file, path: '{}' }}\n",
            self.server.url(),
            self.path("state").display(),
        );
        fs::write(folder.join("sitewright.yaml"), workspace).unwrap();
    }

    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        succeeds(
            Command::new("git")
                .current_dir(self.path(folder))
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .args([
                    "-c",
                    "user.name=J. Doe",
                    "-c",
                    "user.email=jdoe@corp.example",
                ])
                .args(arguments),
        )
    }

    fn commit(&self, folder: &str, message: &str, branch: &str) -> String {
        self.git(folder, &["add", "--all"]);
        self.git(folder, &["commit", "--quiet", "--message", message]);
        self.git(
            folder,
            &[
                "push",
                "--quiet",
                "origin",
                &format!("HEAD:refs/heads/{branch}"),
            ],
        );
        self.git(folder, &["rev-parse", "HEAD"])
    }

    /// A new checkout of main.
    fn checkout(&mut self) -> String {
        self.runs += 1;
        let folder = format!("checkout-{}", self.runs);
        self.git(".", &["clone", "--quiet", "sites.git", &folder]);
        folder
    }

    /// A branch on which HQ gets one subnet more; gives its last commit.
    fn branch(&mut self, name: &str, subnet: &str) -> String {
        let folder = self.checkout();
        let file = self.path(&folder).join("sites.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let with = text.replacen("[192.168.0.0/24", &format!("[192.168.0.0/24, {subnet}"), 1);
        assert_ne!(with, text);
        fs::write(&file, with).unwrap();
        self.commit(&folder, &format!("Put {subnet} into HQ"), name)
    }

    /// Runs a script as a runner does.
    fn run(&self, folder: &str, script: &str, variables: &[(&str, &str)]) -> Ended {
        let file = self.path("script.sh");
        fs::write(&file, script).unwrap();
        let outputs = self.path("outputs");
        fs::write(&outputs, "").unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_sitewright"))
            .parent()
            .unwrap();
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail"])
            .arg(&file)
            .current_dir(self.path(folder))
            .env(
                "PATH",
                format!(
                    "{}:{}:{path}",
                    self.path("bin").display(),
                    program.display()
                ),
            )
            .env("HUB", self.path("hub"))
            .env("PLATFORM", "hq")
            .env("GITHUB_REPOSITORY", "acme/sites")
            .env("GITHUB_OUTPUT", &outputs)
            .env("GITHUB_STEP_SUMMARY", self.path("summary.md"))
            .env("NO_COLOR", "1")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Ended {
            code: output.status.code().unwrap(),
            said: String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr),
            outputs: fs::read_to_string(&outputs).unwrap(),
        }
    }

    /// Runs a step of the workflow.
    fn step(&self, job: &str, name: &str, folder: &str, variables: &[(&str, &str)]) -> Ended {
        let workflow = yaml("github-actions.yml").remove(0);
        let steps = workflow["jobs"][job]["steps"].as_array().unwrap().clone();
        let step = steps.iter().find(|step| step["name"] == name);
        let script = step.and_then(|step| step["run"].as_str());
        let script = script.unwrap_or_else(|| panic!("{job} has no step `{name}`"));
        self.run(folder, script, variables)
    }

    /// The jobs of a pull request: validate, plan, comment. Its plan is kept.
    fn plan(&mut self, branch: &str, head: &str) -> PathBuf {
        let folder = self.checkout();
        self.git(&folder, &["merge", "--quiet", "--no-ff", "--no-edit", head]);
        self.step("validate", "Validate", &folder, &[]).well();
        let planned = self.step("plan", "Make the plan", &folder, &[]).well();
        assert_eq!(planned.outputs, "code=2\n", "{branch}: {}", planned.said);
        let run = self.runs.to_string();
        let kept = self.path("hub/artifacts").join(&run);
        fs::create_dir_all(&kept).unwrap();
        for file in ["plan.json", "plan.html", "comment.md"] {
            fs::copy(self.path(&folder).join(file), kept.join(file)).unwrap();
        }
        self.answer(
            "artifacts",
            &json!({ "artifacts": [
                { "created_at": "2026-01-01T00:00:00Z", "expired": false, "workflow_run": {
                    "id": self.runs, "head_sha": head, "repository_id": 1, "head_repository_id": 1 } },
                // A fork that takes the name of the artifact, later.
                { "created_at": "2026-01-02T00:00:00Z", "expired": false, "workflow_run": {
                    "id": 666, "head_sha": head, "repository_id": 1, "head_repository_id": 2 } },
            ] }),
        );
        self.step(
            "comment",
            "Write the comment, or write it anew",
            &folder,
            &[("NUMBER", "7")],
        )
        .well();
        kept.join("plan.json")
    }

    fn approve(&self, head: &str) {
        let now = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap();
        self.answer(
            "reviews",
            &json!([{ "state": "APPROVED", "commit_id": head, "submitted_at": now.to_string() }]),
        );
    }

    /// Merges a branch into main; gives the commit.
    fn merge(&mut self, head: &str) -> String {
        let folder = self.checkout();
        self.git(&folder, &["merge", "--quiet", "--no-ff", "--no-edit", head]);
        self.git(&folder, &["push", "--quiet", "origin", "HEAD:main"]);
        let commit = self.git(&folder, &["rev-parse", "HEAD"]);
        self.answer(
            "pulls",
            &json!([{ "number": 7, "merge_commit_sha": commit, "head": { "sha": head } }]),
        );
        commit
    }

    /// The first step of the apply job, on main.
    fn fetch(&mut self, commit: &str) -> (String, Ended) {
        let folder = self.checkout();
        let fetched = self.step(
            "apply",
            "Fetch the approved plan",
            &folder,
            &[("GITHUB_SHA", commit)],
        );
        (folder, fetched)
    }

    /// The apply job.
    fn apply(&mut self, commit: &str) -> Ended {
        let (folder, fetched) = self.fetch(commit);
        let fetched = fetched.well();
        let digest = fetched
            .outputs
            .trim()
            .strip_prefix("digest=")
            .unwrap()
            .to_owned();
        self.step("apply", "Apply it", &folder, &[("DIGEST", &digest)])
    }

    fn console(&self, action: ConsoleAction) {
        self.server.world().console(action).unwrap();
    }
}

#[test]
fn what_was_approved_is_applied_once_it_is_merged() {
    let mut forge = Forge::new();
    let head = forge.branch("lab", "192.168.20.0/24");
    let plan = forge.plan("lab", &head);
    // A second push writes the same comment anew.
    let first = forge.answered("comments");
    std::thread::sleep(Duration::from_millis(1100));
    forge.plan("lab", &head);
    let comments = forge.answered("comments");
    assert_eq!(comments.as_array().unwrap().len(), 1);
    let body = comments[0]["body"].as_str().unwrap();
    assert!(body.starts_with("<!-- sitewright-plan: hq -->\n"), "{body}");
    assert!(body.contains("192.168.20.0/24"), "{body}");
    // The same plan made twice has the same digest, so the approval still is of it.
    let digest = |comments: &Value| {
        let body = comments[0]["body"].as_str().unwrap().to_owned();
        body.lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(digest(&first), digest(&comments));
    let saved: Value = serde_json::from_str(&fs::read_to_string(plan).unwrap()).unwrap();
    assert!(digest(&comments).contains(saved["digest"].as_str().unwrap()));

    // Nobody has approved it, or something else.
    let commit = forge.merge(&head);
    assert_ne!(forge.fetch(&commit).1.code, 0);
    forge.answer(
        "reviews",
        &json!([{ "state": "APPROVED", "commit_id": head, "submitted_at": "2020-01-01T00:00:00Z" }]),
    );
    forge.fetch(&commit).1.refused("is newer than the approval");
    forge.approve(&head);

    // Two settings are left to a person; the job says so, and is done.
    let applied = forge.apply(&commit).well();
    assert!(
        applied.said.contains("::warning::console steps are left"),
        "{}",
        applied.said
    );
    let summary = fs::read_to_string(forge.path("summary.md")).unwrap();
    assert!(summary.contains("DS Global Settings"), "{summary}");
    forge.console(ConsoleAction::CaptureTarget {
        server: "DEPLOY01.corp.example".into(),
    });
    forge.console(ConsoleAction::Constrain {
        site: "Deployment_Site".into(),
        state: "on".into(),
    });
    let again = forge.apply(&commit).well();
    assert!(!again.said.contains("::warning::"), "{}", again.said);
    let world = forge.server.world().dump();
    assert!(world.contains("192.168.20.0/24"), "{world}");

    // Once more: nothing is written, and nothing is left to plan.
    forge.apply(&commit).well();
    assert_eq!(forge.server.world().dump(), world);
    let folder = forge.checkout();
    let planned = forge.run(&folder, "sitewright plan --detailed-exitcode", &[]);
    assert_eq!(planned.code, 0, "{}", planned.said);
}

#[test]
fn a_change_in_the_console_in_between_is_refused() {
    let mut forge = Forge::new();
    let head = forge.branch("lab", "192.168.20.0/24");
    forge.plan("lab", &head);
    forge.approve(&head);
    let commit = forge.merge(&head);
    // Nothing of the plan relies on it.
    forge.console(ConsoleAction::NewSubnet {
        subnet: "10.99.0.0/24".into(),
        description: String::new(),
    });
    // Somebody makes the subnet that the plan is to make.
    forge.console(ConsoleAction::NewSubnet {
        subnet: "192.168.20.0/24".into(),
        description: "by hand".into(),
    });
    let before = forge.server.world().dump();
    let applied = forge.apply(&commit);
    assert!(applied.said.contains("192.168.20.0/24"), "{}", applied.said);
    applied.refused("error[SW0648]: the server has changed since the plan was made");
    assert_eq!(forge.server.world().dump(), before, "nothing was written");
    // A plan that is made now is another one, which goes through once it is approved.
    forge.plan("lab", &head);
    forge.approve(&head);
    forge.apply(&commit).well();
}

#[test]
fn a_change_that_the_plan_does_not_rely_on_is_no_obstacle() {
    let mut forge = Forge::new();
    let head = forge.branch("lab", "192.168.20.0/24");
    forge.plan("lab", &head);
    forge.approve(&head);
    let commit = forge.merge(&head);
    forge.console(ConsoleAction::NewSubnet {
        subnet: "10.99.0.0/24".into(),
        description: String::new(),
    });
    forge.apply(&commit).well();
}

#[test]
fn a_plan_of_an_older_commit_is_refused() {
    let mut forge = Forge::new();
    let head = forge.branch("lab", "192.168.20.0/24");
    forge.plan("lab", &head);
    forge.approve(&head);
    // Something else is merged first.
    let other = forge.branch("annex", "192.168.30.0/24");
    let folder = forge.checkout();
    forge.git(
        &folder,
        &["push", "--quiet", "origin", &format!("{other}:main")],
    );
    let folder = forge.checkout();
    forge.git(
        &folder,
        &[
            "merge",
            "--quiet",
            "--no-ff",
            "--no-edit",
            "-X",
            "ours",
            &head,
        ],
    );
    forge.git(&folder, &["push", "--quiet", "origin", "HEAD:main"]);
    let commit = forge.git(&folder, &["rev-parse", "HEAD"]);
    forge.answer(
        "pulls",
        &json!([{ "number": 7, "merge_commit_sha": commit, "head": { "sha": head } }]),
    );
    let before = forge.server.world().dump();
    forge
        .apply(&commit)
        .refused("error[SW0647]: the plan was made of other manifests");
    assert_eq!(forge.server.world().dump(), before, "nothing was written");
}

#[test]
fn another_plan_than_the_approved_one_is_refused() {
    let mut forge = Forge::new();
    let head = forge.branch("lab", "192.168.20.0/24");
    let plan = forge.plan("lab", &head);
    forge.approve(&head);
    let commit = forge.merge(&head);
    let before = forge.server.world().dump();
    let text = fs::read_to_string(&plan).unwrap();
    // Edited: its own digest tells.
    fs::write(
        &plan,
        text.replacen("192.168.20.0/24", "192.168.21.0/24", 1),
    )
    .unwrap();
    forge.apply(&commit).refused("error[SW0640]");
    // Another plan, sound by itself.
    let other = forge.checkout();
    forge
        .run(&other, "sitewright plan --out other.json", &[])
        .well();
    fs::copy(forge.path(&other).join("other.json"), &plan).unwrap();
    fs::write(&plan, fs::read_to_string(&plan).unwrap()).unwrap();
    let folder = forge.checkout();
    let digest = "0".repeat(64);
    fs::create_dir(forge.path(&folder).join("approved")).unwrap();
    fs::copy(&plan, forge.path(&folder).join("approved/plan.json")).unwrap();
    forge
        .step("apply", "Apply it", &folder, &[("DIGEST", &digest)])
        .refused("the plan is not the approved one");
    assert_eq!(forge.server.world().dump(), before, "nothing was written");
}

#[test]
fn a_job_that_cannot_reach_the_server_is_an_error_and_no_plan() {
    let mut forge = Forge::new();
    let head = forge.branch("lab", "192.168.20.0/24");
    let folder = forge.checkout();
    forge.git(
        &folder,
        &["merge", "--quiet", "--no-ff", "--no-edit", &head],
    );
    let file = forge.path(&folder).join("sitewright.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replace(&forge.server.url(), "http://127.0.0.1:1"),
    )
    .unwrap();
    let planned = forge.step("plan", "Make the plan", &folder, &[]);
    assert_eq!(planned.code, 1, "{}", planned.said);
    assert_eq!(planned.outputs, "", "no comment is written");
    assert!(!forge.path(&folder).join("comment.md").exists());
}
