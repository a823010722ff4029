//! Where every case begins: a world, a workspace and a state in which `tests/crash/before.yaml` has been applied, so that
//! the plan of `after.yaml` has every kind of step in it. Copied for each case; made once for a build of the programs, and
//! kept with how the run ends that nothing happens to, since a process with a single test would make it for itself alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sitewright::model::PlugIn;
use sitewright_sim::{ConsoleAction, Options, Server, Switch, World};

use super::ending::{Ending, Whole};
use super::way::{Fault, Moment, Way};

/// What the program may do by API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Able {
    /// All that it can: reports are installed, and settings may be written as item XML.
    Fully,
    /// No reports, and no settings: a person has more to do.
    Barely,
}

/// Whether the server takes two objects of one name.
///
/// Where it does, nothing but the program keeps an object from being there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Unique,
    NotUnique,
}

/// What `apply` is called with to come from `before.yaml` to `after.yaml`.
pub(super) const APPLY: [&str; 12] = [
    "apply",
    "--yes",
    "--format",
    "json",
    "--accept-fewer",
    "subnets",
    "--override",
    "maxDeletes=20",
    "--override",
    "freeze",
    "--reason",
    "the old plant was sold",
];

/// What the workspace guards the run by that may be killed, so that a word is needed for it.
const SAFETY: &str =
    "  safety: { maxDeletes: 0, freeze: [{ from: 2000-01-01, to: 2999-12-31, zone: UTC }] }\n";

/// Why somebody is sure of what he did.
const WORD: &str = "seen in the console";

/// What is in the world, and what is declared of it.
const WORLD: &str = include_str!("../../crash/world.yaml");
const BEFORE: &str = include_str!("../../crash/before.yaml");
const DISTRIBUTED: &str = include_str!("../../crash/distributed.yaml");
const AFTER: &str = include_str!("../../crash/after.yaml");

/// The start of every case, and how the run ends that nothing happens to.
pub(super) struct Base {
    folder: PathBuf,
    whole: Whole,
}

/// What was done in the console after `before.yaml` was applied.
fn by_others() -> Vec<ConsoleAction> {
    let plant = (1..=5).map(|number| ConsoleAction::DeleteSubnet {
        subnet: format!("10.40.{number}.0/24"),
    });
    let kiosk = [
        ConsoleAction::DeleteSite {
            name: "Kiosk".into(),
        },
        ConsoleAction::DeleteSubnet {
            subnet: "10.9.3.0/24".into(),
        },
    ];
    plant.chain(kiosk).collect()
}

impl Base {
    /// The start that is asked for.
    pub(super) fn of(able: Able, names: Names) -> &'static Self {
        static ALL: [OnceLock<Base>; 4] = [const { OnceLock::new() }; 4];
        let at = usize::from(able == Able::Barely) + 2 * usize::from(names == Names::NotUnique);
        ALL[at].get_or_init(|| Self::kept(able, names))
    }

    /// The one that this build made before, or a new one.
    fn kept(able: Able, names: Names) -> Self {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let kept = place.join(format!("crash-{}-{able:?}-{names:?}", build()));
        if !kept.exists() {
            let new = tempfile::tempdir_in(place).unwrap();
            make(new.path(), able, names);
            let mut case = case(new.path(), None);
            // In the order of the plan, by which writes are counted.
            case.manner.environment.push(one_at_a_time());
            let played = case.play();
            assert!(played.broken.is_empty(), "{:#?}", played.broken);
            let whole = Whole {
                codes: played.codes,
                ending: Ending::of(&case),
            };
            let text = serde_json::to_string(&whole).unwrap();
            fs::write(new.path().join("whole.json"), text).unwrap();
            forget(place);
            // Another process may have been faster; then that one is as good.
            if fs::rename(new.path(), &kept).is_ok() {
                let _ = new.keep();
            }
        }
        let whole = fs::read_to_string(kept.join("whole.json")).unwrap();
        Self {
            whole: serde_json::from_str(&whole).unwrap(),
            folder: kept,
        }
    }

    /// A case of its own, with a fault at a write, counted from 1.
    pub(super) fn case(&self, fault: Option<(usize, Fault)>) -> Case {
        case(&self.folder, fault)
    }

    /// The run that nothing happens to; what every other has to come to.
    pub(super) fn whole(&self) -> &Whole {
        &self.whole
    }
}

/// Removes the starts that builds before this one left behind.
fn forget(place: &Path) {
    let old = |entry: &fs::DirEntry| {
        let ours = entry.file_name().to_string_lossy().starts_with("crash-");
        let age = entry.metadata().and_then(|data| data.modified());
        let age = age.ok().and_then(|made| made.elapsed().ok());
        ours && age.is_some_and(|age| age > Duration::from_hours(24))
    };
    let entries = fs::read_dir(place).unwrap().flatten();
    for entry in entries.filter(old) {
        // Somebody else may be at it, too.
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// What tells one build of the programs from another.
fn build() -> String {
    let programs = [
        PathBuf::from(env!("CARGO_BIN_EXE_sitewright")),
        std::env::current_exe().unwrap(),
    ];
    let built = programs.map(|program| {
        let changed = fs::metadata(program).unwrap().modified().unwrap();
        let since = changed.duration_since(std::time::UNIX_EPOCH).unwrap();
        format!("{:x}", since.as_nanos())
    });
    built.join("-")
}

/// Makes a start in a folder.
fn make(root: &Path, able: Able, names: Names) {
    let mut options = Options::text(WORLD).with_db(root.join("world.db"));
    if names == Names::NotUnique {
        options = options.with_switch(Switch::NamesNotUnique);
    }
    let world = World::open(options).unwrap();
    let mut profile = world.profile();
    if able == Able::Fully {
        for setting in ["constrainToSite", "captureTarget"] {
            let line = profile
                .lines()
                .find(|line| line.trim_start().starts_with(&format!("{setting}: {{")))
                .unwrap()
                .to_owned();
            let written = line.replace("standing: operator", "standing: operator, write: true");
            profile = profile.replace(&line, &written);
        }
    }
    drop(world);
    let here = root.join("here");
    fs::create_dir_all(here.join("profiles")).unwrap();
    fs::write(here.join("profiles/hq.yaml"), profile).unwrap();
    let declare = |text: &str| fs::write(here.join("sites.yaml"), text).unwrap();
    let case = opened(root, None, "");
    if able == Able::Fully {
        case.told(&["profile", "install-reports", "--yes"], 0);
    }
    declare(BEFORE);
    case.told(&["apply", "--yes"], 0);
    drop(case);
    // The two calls of an assignment, and a program that dies between them.
    declare(&format!("{BEFORE}---\n{DISTRIBUTED}"));
    let case = opened(root, Some((2, Fault::Kill(Moment::Before))), "");
    assert_eq!(case.run(&["apply", "--yes"]).code, None);
    for action in by_others() {
        case.world().console(action).unwrap();
    }
    declare(AFTER);
}

/// A case in a copy of a start.
/// Has the program carry out one step after the other.
fn one_at_a_time() -> (String, String) {
    ("SITEWRIGHT_PARALLELISM".into(), "1".into())
}

fn case(start: &Path, fault: Option<(usize, Fault)>) -> Case {
    let folder = tempfile::tempdir().unwrap();
    copy(start, folder.path());
    let mut case = opened(folder.path(), fault, SAFETY);
    case.folder = Some(folder);
    if let Some((_, Fault::Twice | Fault::TwiceLast)) = fault {
        // Which write the server gets twice, and what may come of that, is known by its place in the order of the plan.
        case.manner.environment.push(one_at_a_time());
    }
    case
}

/// The world and the workspace of a folder; `safety` is what the workspace says of that.
fn opened(root: &Path, fault: Option<(usize, Fault)>, safety: &str) -> Case {
    let world = World::open_existing(&root.join("world.db")).unwrap();
    let server = Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap();
    let living = server.world().clone();
    let at_once = Arc::new(AtomicBool::new(true));
    let travels = Arc::clone(&at_once);
    let way = Way::to(&server.url(), fault, move |operation| {
        let assigned =
            ["SetPackageServerSettings", "UpdateDistributionPoints"].contains(&operation);
        if assigned && travels.load(Ordering::Relaxed) {
            living.tick(Duration::from_mins(5));
        }
    });
    let here = root.join("here");
    let workspace = format!(
        "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - {{ name: hq, url: '{}', server: \
         SMP01.corp.example, profile: profiles/hq.yaml }}\n{safety}",
        way.url
    );
    fs::write(here.join("sitewright.yaml"), workspace).unwrap();
    Case {
        way,
        server,
        here,
        at_once,
        folder: None,
        manner: Manner::default(),
    }
}

/// Copies a folder of files and folders.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let there = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &there);
        } else {
            fs::copy(entry.path(), there).unwrap();
        }
    }
}

/// What a program gave.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// None where it was killed.
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

/// How programs are started.
#[derive(Debug, Clone, Default)]
pub(super) struct Manner {
    /// Words before the program's own.
    pub(super) before: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
}

/// A world with its server, the way there, and a workspace.
pub(super) struct Case {
    pub(super) way: Way,
    pub(super) server: Server,
    pub(super) here: PathBuf,
    pub(super) manner: Manner,
    /// Whether packages reach their servers at once. Else it takes two seconds, and so does each wait for one.
    pub(super) at_once: Arc<AtomicBool>,
    folder: Option<tempfile::TempDir>,
}

/// What came of a case.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// The exit codes of the runs that came to their end.
    pub(super) codes: Vec<i32>,
    /// What the others gave.
    pub(super) broken: Vec<Given>,
}

impl Case {
    pub(super) fn world(&self) -> &World {
        self.server.world()
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_sitewright");
        let mut words = self
            .manner
            .before
            .iter()
            .map(String::as_str)
            .chain([program]);
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .args(arguments)
            .current_dir(&self.here)
            .env_clear()
            .env("USER", "jdoe")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.manner.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// The file of what a program says: beside the workspace, and not in it.
    fn log(&self, name: &str) -> PathBuf {
        self.here.parent().unwrap().join(name)
    }

    /// Starts a program that comes by the way with the fault.
    pub(super) fn start(&self, arguments: &[&str]) {
        let mut child = self.way.child();
        assert!(child.is_none(), "one program at a time");
        *child = Some(
            self.command(arguments)
                .stdout(fs::File::create(self.log("out")).unwrap())
                .stderr(fs::File::create(self.log("err")).unwrap())
                .spawn()
                .unwrap(),
        );
    }

    /// What the program that was started has said on standard output and standard error so far.
    pub(super) fn said(&self) -> (String, String) {
        ["out", "err"]
            .map(|name| fs::read_to_string(self.log(name)).unwrap())
            .into()
    }

    /// Waits for the end of the program that was started, and of what it has sent.
    pub(super) fn ended(&self) -> Given {
        let given = self.over();
        self.way.quiet();
        given
    }

    /// Waits for the end of the program that was started.
    pub(super) fn over(&self) -> Given {
        let begun = std::time::Instant::now();
        let status = loop {
            let mut child = self.way.child();
            if let Some(status) = child.as_mut().unwrap().try_wait().unwrap() {
                *child = None;
                break status;
            }
            if begun.elapsed() > Duration::from_mins(2) {
                child.as_mut().unwrap().kill().unwrap();
                panic!("no end: {:?}", self.said());
            }
            drop(child);
            std::thread::sleep(Duration::from_millis(3));
        };
        let (out, err) = self.said();
        Given {
            code: status.code(),
            out,
            err,
        }
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Given {
        self.start(arguments);
        self.ended()
    }

    pub(super) fn told(&self, arguments: &[&str], code: i32) -> String {
        let given = self.run(arguments);
        assert_eq!(given.code, Some(code), "{arguments:?}: {given:#?}");
        given.out
    }

    /// Applies, does the open console steps, and so on until nothing is open. A run that breaks off is followed by one
    /// that goes on from there; a second one that breaks off ends it.
    pub(super) fn play(&self) -> Played {
        let mut played = Played::default();
        for _ in 0..8 {
            let given = self.run(&APPLY);
            match given.code {
                Some(0) => {
                    played.codes.push(0);
                    return played;
                }
                Some(4) => {
                    played.codes.push(4);
                    self.do_open_steps(&given.out);
                }
                _ => {
                    let before = played.broken.len();
                    played.broken.push(given);
                    if before > 0 {
                        return played;
                    }
                }
            }
        }
        panic!("no end: {played:#?}");
    }

    /// Does the console steps that the events of a run left open, and gives a word for those that nobody can read.
    pub(super) fn do_open_steps(&self, events: &str) {
        let events = events
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let open =
            events.filter(|event| event["event"] == "stepEnded" && event["outcome"] == "open");
        let steps: Vec<String> = open
            .map(|event| event["step"].as_str().unwrap().to_owned())
            .collect();
        assert!(!steps.is_empty());
        for step in steps {
            let (what, object) = step.split_once(':').unwrap_or((&step, ""));
            let action = match what {
                "install-role" => {
                    let (server, role) = object.split_once('/').unwrap();
                    ConsoleAction::InstallRole {
                        server: server.to_owned(),
                        role: role.to_owned(),
                    }
                }
                "install-plug-in" => {
                    let (server, key) = object.split_once('/').unwrap();
                    let plug_in = PlugIn::ALL.into_iter().find(|one| one.key() == key);
                    ConsoleAction::PlugIn {
                        server: server.to_owned(),
                        plug_in: plug_in.unwrap().to_string(),
                        state: "on".into(),
                    }
                }
                "constrain" => ConsoleAction::Constrain {
                    site: object.to_owned(),
                    state: "on".into(),
                },
                "capture-target" => ConsoleAction::CaptureTarget {
                    server: object.to_owned(),
                },
                "invalid-subnets" => ConsoleAction::InvalidSubnets {
                    pattern: r"^(0\.|169\.254\.)".into(),
                },
                "await-package" => {
                    self.told(&["attest", &step, "--reason", WORD], 0);
                    continue;
                }
                _ => panic!("nobody does `{step}` by hand here"),
            };
            let unreadable = matches!(action, ConsoleAction::InvalidSubnets { .. });
            self.world().console(action).unwrap();
            if unreadable {
                self.told(&["attest", &step, "--reason", WORD], 0);
            }
        }
    }
}
