//! `docs/exit-codes.md`: every command, and every code that it can end with, each tried against the real program.
//!
//! The tables below name a way to each code. A new command fails until it has a row on the page, and a place in [`REMOTE`]
//! or [`LOCAL`], and in [`DECLARED`] or [`UNREAD`]. An error is an error everywhere: never 0, never 2.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sitewright_sim::{Access, ConsoleAction, Options, Scheme, Server, World};

use crate::support::{Running, signal};

const PAGE: &str = include_str!("../../docs/exit-codes.md");
const USER: &str = r"CORP\svc-sitewright";
const PASSWORD: &str = "correct-horse";

/// What the current folder and the server are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    /// An empty folder.
    Empty,
    /// A workspace with manifests; nothing was applied.
    Fresh,
    /// Everything was applied, also in the console.
    Done,
    /// Everything was applied; then somebody took a subnet away in the console.
    Astray,
    /// The plan was applied, and two console steps are open.
    Open,
    /// A manifest has a field that nobody knows.
    Faulty,
    /// The manifests ask for what must not be.
    Blocked,
    /// Nobody listens at the URL.
    Unreachable,
    /// The password is wrong.
    WrongPassword,
    /// The state is damaged, and so is a line of the journal.
    Damaged,
}

impl At {
    /// Whether nothing that is tried there changes anything, so that all can be tried in one place.
    fn is_shared(self) -> bool {
        matches!(
            self,
            Self::Faulty | Self::Blocked | Self::Unreachable | Self::WrongPassword
        )
    }
}

use At::{Astray, Blocked, Damaged, Done, Empty, Faulty, Fresh, Open, Unreachable, WrongPassword};

/// A command with what follows it, where it is run, and its code.
type Way = (&'static str, &'static str, At, i32);

/// The ways. `--help` (0) and an unknown option (64) are tried for every command beside them.
const WAYS: &[Way] = &[
    ("init", "--yes", Empty, 0),
    ("init", "--yes", Fresh, 1),
    ("init", "", Empty, 64),
    ("init", "--sim nothing", Empty, 64),
    ("plan", "", Fresh, 0),
    ("plan", "--detailed-exitcode", Fresh, 2),
    ("plan", "--detailed-exitcode", Done, 0),
    ("plan", "--detailed-exitcode", Blocked, 3),
    ("plan", "--target Site/Nowhere", Fresh, 1),
    ("plan", "", Empty, 64),
    ("fmt", "sites.yaml", Fresh, 0),
    ("fmt", "untidy.txt", Empty, 0),
    ("fmt", "sites.yaml --check", Fresh, 0),
    ("fmt", "untidy.txt --check", Empty, 2),
    ("fmt", "nothing.yaml --check", Empty, 1),
    ("fmt", "- untidy.txt", Empty, 64),
    ("graph", "", Fresh, 0),
    ("graph", "--live", Fresh, 0),
    ("graph", "--plan saved.json", Fresh, 0),
    ("graph", "--plan nothing.json", Fresh, 1),
    ("graph", "--live", Empty, 64),
    ("completions", "bash", Empty, 0),
    ("completions", "nothing", Empty, 64),
    ("man", "", Empty, 0),
    ("man", "--out pages", Empty, 0),
    ("man", "--out table.csv", Empty, 1),
    ("watch", "--listen 192.0.2.1:9464", Fresh, 1),
    ("watch", "--listen nowhere", Fresh, 64),
    ("show", "saved.json", Fresh, 0),
    ("show", "nothing.json", Fresh, 1),
    ("show", "", Fresh, 64),
    ("apply", "--yes", Fresh, 4),
    ("apply", "saved.json --yes", Fresh, 4),
    ("apply", "--yes --skip-manual", Fresh, 0),
    ("apply", "--yes", Open, 4),
    ("apply", "--yes", Done, 0),
    ("apply", "--yes", Blocked, 3),
    ("apply", "", Fresh, 64),
    ("apply", "saved.json --yes", Open, 4),
    ("apply", "saved.json --yes -f .", Fresh, 64),
    ("apply", "--if-current . --yes", Fresh, 64),
    ("runbook", "", Fresh, 0),
    ("runbook", "", Blocked, 3),
    ("runbook", "nothing.json", Fresh, 1),
    ("validate", "", Fresh, 0),
    ("validate", "--live", Fresh, 0),
    ("validate", "--format sarif", Faulty, 1),
    ("validate", "", Empty, 64),
    ("validate", "--explain nothing", Fresh, 64),
    ("verify", "--take-baseline before.json", Done, 0),
    ("verify", "--wait 0s", Fresh, 1),
    ("verify", "--wait 0s", Astray, 2),
    ("verify", "--wait 0s --baseline nothing.json", Done, 1),
    ("explain", "192.168.10.101", Fresh, 0),
    ("explain", "NOBODY.corp.example", Fresh, 1),
    ("serves", "DEPLOY01.corp.example", Fresh, 0),
    ("serves", "NOBODY.corp.example", Fresh, 1),
    (
        "attest",
        "capture-target:DEPLOY01.corp.example --reason seen",
        Open,
        1,
    ),
    ("attest", "nothing --reason seen", Open, 1),
    ("attest", "nothing", Open, 64),
    ("restore", "{backup} --yes", Done, 0),
    ("restore", "nothing.xml --yes", Fresh, 1),
    ("export", "", Fresh, 0),
    ("firewall", "--site Deployment_Site", Fresh, 0),
    ("firewall", "--site Nowhere", Fresh, 1),
    ("import csv", "table.csv", Empty, 0),
    ("import csv", "nothing.csv", Empty, 1),
    (
        "replace-server",
        "DEPLOY01 NEW01.corp.example --dry-run",
        Done,
        0,
    ),
    ("replace-server", "NOBODY01 SITE01 --dry-run", Done, 1),
    ("platform check", "", Fresh, 0),
    ("platform check", "nowhere", Fresh, 64),
    (
        "profile discover",
        "--accept-exact --out new.yaml",
        Fresh,
        0,
    ),
    (
        "profile learn",
        "constrainToSite --site HQ --session s.json --replace",
        Done,
        4,
    ),
    (
        "profile learn",
        "constrainToSite --site Nowhere --session s.json",
        Done,
        1,
    ),
    ("profile verify", "--clean --yes", Fresh, 0),
    ("profile install-reports", "--yes", Fresh, 0),
    (
        "profile verify",
        "--settings --site Nowhere --yes",
        Fresh,
        1,
    ),
    ("state list", "", Fresh, 0),
    ("state list", "", Damaged, 1),
    ("state show", "", Done, 0),
    ("state show", "Site/Nowhere", Done, 1),
    ("state pull", "", Done, 0),
    ("state pull", "", Fresh, 1),
    ("state push", "saved.json --yes", Done, 1),
    ("state rm", "Site/HQ --yes --reason gone", Done, 0),
    ("state rm", "Site/Nowhere --yes --reason gone", Done, 1),
    (
        "state mv",
        "Site/Nowhere Site2 --yes --reason renamed",
        Done,
        1,
    ),
    ("state history", "", Done, 0),
    // What is damaged is listed as damaged.
    ("state history", "", Damaged, 0),
    ("state restore", "999 --yes --reason back", Done, 1),
    ("state unlock", "--force --reason gone", Done, 0),
    ("state unlock", "--force", Done, 64),
    ("state recover", "--yes --reason whole", Done, 0),
    (
        "state migrate",
        "--to nowhere --yes --reason move",
        Done,
        64,
    ),
    (
        "state migrate",
        "--to file:moved --yes --reason move",
        Done,
        0,
    ),
    (
        "state migrate",
        "--to file:moved --yes --reason move",
        Damaged,
        1,
    ),
    ("journal", "", Done, 0),
    ("journal list", "", Done, 0),
    ("journal", "", Damaged, 1),
    ("journal list", "", Damaged, 1),
    ("journal list", "", Empty, 64),
    ("journal show", "nothing", Done, 1),
    ("journal verify", "", Done, 0),
    ("journal verify", "", Damaged, 1),
    ("schema", "plan", Empty, 0),
    ("schema", "nothing", Empty, 64),
    ("sim serve", "--scenario nothing", Empty, 1),
    ("sim profile", "--scenario flat-lan", Empty, 0),
    ("sim dump", "--scenario flat-lan", Empty, 0),
    ("sim dump", "--db nothing.db", Empty, 1),
    ("sim tick", "1h --platform sim:flat-lan", Empty, 0),
    ("sim clients", "--platform sim:flat-lan", Empty, 0),
    (
        "sim served",
        "192.168.10.101 --platform sim:flat-lan",
        Empty,
        0,
    ),
    ("sim requests", "--platform sim:flat-lan", Empty, 64),
    ("sim requests", "--url http://127.0.0.1:1", Empty, 1),
    ("sim switches", "", Empty, 0),
    (
        "sim console",
        "constrain Nowhere on --platform sim:flat-lan",
        Empty,
        1,
    ),
];

/// Commands that go to the server, with what they need for it: unreachable and a wrong password are errors of each.
const REMOTE: &[(&str, &str)] = &[
    ("plan", ""),
    ("plan", "--detailed-exitcode"),
    ("plan", "--detailed-exitcode --format json"),
    ("plan", "--out new.json"),
    ("apply", "--yes"),
    ("apply", "--yes --skip-manual"),
    ("apply", "saved.json --yes"),
    ("runbook", ""),
    ("validate", "--live"),
    ("validate", "--live --format sarif"),
    ("validate", "--live --format junit"),
    ("verify", "--wait 0s"),
    ("verify", "--wait 0s --format json"),
    ("verify", "--take-baseline before.json"),
    ("explain", "192.168.10.101"),
    ("serves", "DEPLOY01.corp.example"),
    ("graph", "--live"),
    ("graph", "--desired"),
    ("graph", "--plan"),
    (
        "attest",
        "capture-target:DEPLOY01.corp.example --reason seen",
    ),
    ("restore", "{backup} --yes"),
    ("export", ""),
    ("firewall", "--site Deployment_Site --live"),
    (
        "replace-server",
        "DEPLOY01 NEW01.corp.example --finish --yes",
    ),
    ("platform check", ""),
    ("platform check", "--format json"),
    ("profile discover", "--accept-exact --out new.yaml"),
    (
        "profile learn",
        "constrainToSite --site HQ --session s.json --replace",
    ),
    ("profile verify", "--yes"),
    ("profile verify", "--settings --site HQ --yes"),
    ("profile install-reports", "--yes"),
];

/// Commands that go to no server. `watch` goes on in front of one that it cannot read: that is tried below.
const LOCAL: &[&str] = &[
    "completions",
    "fmt",
    "import csv",
    "init",
    "journal",
    "journal list",
    "journal show",
    "journal verify",
    "man",
    "schema",
    "show",
    "sim",
    "sim clients",
    "sim console",
    "sim dump",
    "sim profile",
    "sim requests",
    "sim schema",
    "sim serve",
    "sim served",
    "sim switches",
    "sim tick",
    "state history",
    "state list",
    "state migrate",
    "state mv",
    "state pull",
    "state push",
    "state recover",
    "state restore",
    "state rm",
    "state show",
    "state unlock",
    "watch",
];

/// Commands that read the manifests: a fault in them is an error of each, and nothing is asked of a server.
const DECLARED: &[(&str, &str)] = &[
    ("plan", ""),
    ("plan", "--detailed-exitcode"),
    ("apply", "--yes"),
    ("apply", "saved.json --if-current . --yes"),
    ("runbook", ""),
    ("validate", ""),
    ("validate", "--format sarif"),
    ("verify", "--wait 0s"),
    ("explain", "192.168.10.101 --desired"),
    ("serves", "DEPLOY01.corp.example --desired"),
    ("graph", ""),
    ("graph", "--desired"),
    (
        "attest",
        "capture-target:DEPLOY01.corp.example --reason seen",
    ),
    ("firewall", "--site Deployment_Site"),
    ("replace-server", "DEPLOY01 NEW01.corp.example --dry-run"),
    ("watch", "--listen none"),
];

/// Commands that read no manifests, or take them as they stand.
const UNREAD: &[&str] = &[
    "export",
    "platform check",
    "profile discover",
    "profile install-reports",
    "profile learn",
    "profile verify",
    "restore",
];

/// A command, how often it is told to end, and its code: once it has written for the first time, `watch` once it has looked.
const SIGNALLED: &[(&str, &str, u32, i32)] = &[
    ("apply", "--yes", 1, 1),
    ("apply", "--yes", 2, 130),
    ("profile verify", "--yes", 1, 1),
    ("profile verify", "--yes", 2, 130),
    ("watch", "--listen none", 1, 0),
    ("watch", "--listen none", 2, 0),
];

/// A folder and a server.
struct Place {
    folder: tempfile::TempDir,
    server: Server,
    password: &'static str,
}

impl Place {
    fn at(at: At) -> Self {
        let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
        let access = Access::by(&[Scheme::Basic]).with_account(USER, PASSWORD);
        let listen = "127.0.0.1:0".parse().unwrap();
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
            server: Server::start_with(world, listen, &access).unwrap(),
            password: if at == WrongPassword {
                "wrong"
            } else {
                PASSWORD
            },
        };
        place.write("table.csv", "subnet,site\n10.0.0.0/24,Lab\n");
        place.write(
            "untidy.txt",
            "kind: Site\napiVersion: sitewright/v1\nmetadata: {name: Lab}\nspec: {subnets: [10.0.0.0/24]}\n",
        );
        if at == Empty {
            return place;
        }
        let example =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deployment-site/sites.yaml");
        let sites = fs::read_to_string(example).unwrap();
        place.write("sites.yaml", &sites);
        fs::create_dir(place.folder.path().join("profiles")).unwrap();
        place.write("profiles/hq.yaml", &place.server.world().profile());
        place.workspace(&place.server.url(), "");
        place.prepare(at, &sites);
        place
    }

    fn prepare(&self, at: At, sites: &str) {
        let right = Self::is(self, PASSWORD);
        if at != Blocked {
            right("profile install-reports --yes", 0);
            right("plan --out saved.json", 0);
        }
        match at {
            Empty | Fresh => {}
            Faulty => self.write("sites.yaml", &sites.replacen("subnets:", "subnet:", 1)),
            Blocked => {
                let carved = "    - 192.168.0.12/32\n";
                assert!(sites.contains(carved));
                self.write("sites.yaml", &sites.replace(carved, ""));
            }
            Unreachable | WrongPassword => {
                right("apply --yes", 4);
                right("profile verify --settings --site Deployment_Site --yes", 0);
                right("plan --out saved.json", 0);
                right("replace-server DEPLOY01 NEW01.corp.example --yes", 0);
                if at == Unreachable {
                    self.workspace("http://127.0.0.1:1", "");
                }
            }
            Open | Done | Astray | Damaged => {
                right("apply --yes", 4);
                if at != Open {
                    self.console();
                    right("apply --yes", 0);
                    right("profile verify --settings --site Deployment_Site --yes", 0);
                }
                if at == Astray {
                    let subnet = "192.168.0.12/32".into();
                    let gone = ConsoleAction::DeleteSubnet { subnet };
                    self.server.world().console(gone).unwrap();
                }
                if at == Damaged {
                    self.write("state/hq.state.json", "{");
                    let journal = self.folder.path().join("state/hq.journal.jsonl");
                    let text = fs::read_to_string(&journal).unwrap();
                    fs::write(&journal, text.replacen('{', "", 1)).unwrap();
                }
            }
        }
    }

    fn console(&self) {
        let world = self.server.world();
        world
            .console(ConsoleAction::CaptureTarget {
                server: "DEPLOY01.corp.example".into(),
            })
            .unwrap();
        world
            .console(ConsoleAction::Constrain {
                site: "Deployment_Site".into(),
                state: "on".into(),
            })
            .unwrap();
    }

    fn workspace(&self, url: &str, more: &str) {
        self.write(
            "sitewright.yaml",
            &format!(
                "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      url: {url}\n{more}      \
                 server: SMP01.corp.example\n      auth: {{ method: basic, username: '{USER}', passwordFrom: {{ env: \
                 SMP_PASSWORD }} }}\n      profile: profiles/hq.yaml\n"
            ),
        );
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn command(&self, password: &str, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env("SMP_PASSWORD", password)
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS")
            .stdin(Stdio::null());
        command
    }

    /// The XML of an item that was kept before it was written over.
    fn backup(&self) -> String {
        let below = fs::read_dir(self.folder.path().join("state/backups/hq")).unwrap();
        let mut names: Vec<String> = below
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        format!("state/backups/hq/{}", names[0])
    }

    /// Runs a command line: its code, and all it said.
    fn run(&self, password: &str, line: &str) -> (i32, String) {
        let line = if line.contains("{backup}") {
            line.replace("{backup}", &self.backup())
        } else {
            line.to_owned()
        };
        let output = self.command(password, &line).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), said)
    }

    /// What must end so.
    fn is<'a>(&'a self, password: &'a str) -> impl Fn(&str, i32) + 'a {
        move |line, code| {
            let (found, said) = self.run(password, line);
            assert_eq!(found, code, "{line}: {said}");
        }
    }
}

/// Every command that can be run, in words.
fn commands() -> BTreeSet<String> {
    fn walk(command: &clap::Command, words: &str, found: &mut BTreeSet<String>) {
        let mut below = command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help" && !words.starts_with("sim console"))
            .peekable();
        if below.peek().is_none() || !command.is_subcommand_required_set() && !words.is_empty() {
            found.insert(words.trim().to_owned());
        }
        for sub in below {
            walk(
                sub,
                format!("{words} {}", sub.get_name()).trim_start(),
                found,
            );
        }
    }
    let mut found = BTreeSet::new();
    let mut root = sitewright::cli::command();
    root.build();
    walk(&root, "", &mut found);
    found
}

/// The page's table: the codes of each command.
fn documented() -> BTreeMap<String, BTreeSet<i32>> {
    let mut lines = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| command |"));
    let head: Vec<i32> = lines
        .next()
        .unwrap()
        .trim_matches('|')
        .split('|')
        .skip(1)
        .map(|cell| cell.trim().parse().unwrap())
        .collect();
    let mut found = BTreeMap::new();
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let names = cells.next().unwrap().to_owned();
        let codes: BTreeSet<i32> = head
            .iter()
            .zip(cells)
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(code, _)| *code)
            .collect();
        for name in names.split(", ") {
            found.insert(name.trim_matches('`').to_owned(), codes.clone());
        }
    }
    found
}

/// All ways without those of signals: with the server's and the manifests' errors.
fn ways() -> Vec<Way> {
    let mut all = WAYS.to_vec();
    for at in [Unreachable, WrongPassword] {
        all.extend(
            REMOTE
                .iter()
                .map(|(command, rest)| (*command, *rest, at, 1)),
        );
    }
    all.extend(
        DECLARED
            .iter()
            .map(|(command, rest)| (*command, *rest, Faulty, 1)),
    );
    all
}

#[test]
fn every_command_and_code_of_the_page_is_tried() {
    let mut found: BTreeMap<String, BTreeSet<i32>> = commands()
        .into_iter()
        .map(|command| (command, BTreeSet::from([0, 64])))
        .collect();
    let signalled = SIGNALLED
        .iter()
        .map(|(command, _, _, code)| (*command, *code));
    let tried = ways();
    let tried = tried.iter().map(|(command, _, _, code)| (*command, *code));
    for (command, code) in tried.chain(signalled) {
        found
            .get_mut(command)
            .unwrap_or_else(|| panic!("there is no command `{command}`"))
            .insert(code);
    }
    let mut documented = documented();
    for (command, codes) in found {
        let row = documented.remove(&command);
        let row = row.unwrap_or_else(|| panic!("docs/exit-codes.md has no row for `{command}`"));
        assert_eq!(
            codes, row,
            "`{command}`: tried (left), docs/exit-codes.md (right)"
        );
    }
    assert_eq!(documented, BTreeMap::new(), "of no command");
}

/// A new command has to say what it does in front of a server that does not answer, and with manifests that are wrong.
#[test]
fn every_command_is_tried_against_a_server_and_manifests_that_fail_it_or_needs_neither() {
    let all = commands();
    let names = |tried: &[(&'static str, &str)], others: &[&'static str]| {
        let tried: BTreeSet<&str> = tried.iter().map(|(command, _)| *command).collect();
        let both: Vec<&&str> = others.iter().filter(|one| tried.contains(**one)).collect();
        assert!(both.is_empty(), "{both:?} stand in both");
        let names = tried.into_iter().chain(others.iter().copied());
        names.map(ToOwned::to_owned).collect::<BTreeSet<String>>()
    };
    assert_eq!(names(REMOTE, LOCAL), all, "REMOTE and LOCAL (left)");
    let mut local = LOCAL.to_vec();
    local.retain(|command| *command != "watch");
    local.extend(UNREAD);
    assert_eq!(
        names(DECLARED, &local),
        all,
        "DECLARED, UNREAD and LOCAL (left)"
    );
}

/// Runs over all of a list with as many hands as there are.
fn each<T: Send, F: Fn(T) -> Option<String> + Sync>(all: Vec<T>, judge: F) {
    let left = Mutex::new(all);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(next) = left.lock().unwrap().pop() else {
                        break;
                    };
                    if let Some(fault) = judge(next) {
                        faults.lock().unwrap().push(fault);
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is wrong where a command does not end with its code, or says another reason for an error.
fn otherwise(place: &Place, line: &str, at: At, code: i32) -> Option<String> {
    let (found, said) = place.run(place.password, line);
    let reason = match at {
        Unreachable => "SW0303",
        WrongPassword => "SW0306",
        Faulty => "nothing was read from or written to a server",
        Empty | Fresh | Done | Astray | Open | Blocked | Damaged => "",
    };
    let words: Vec<&str> = said.split_whitespace().collect();
    (found != code || !words.join(" ").contains(reason)).then(|| {
        format!("`sitewright {line}`, {at:?}: expected {code} {reason}, found {found}\n{said}")
    })
}

/// Tries ways, each in a place of its own where it may change something.
fn all_end_so(ways: Vec<Way>) {
    let shared: Mutex<BTreeMap<At, Arc<Place>>> = Mutex::default();
    each(ways, |(command, rest, at, code)| {
        let place = if at.is_shared() {
            let mut shared = shared.lock().unwrap();
            let place = shared.entry(at).or_insert_with(|| Arc::new(Place::at(at)));
            Arc::clone(place)
        } else {
            Arc::new(Place::at(at))
        };
        // Several are tried there at once, and some of them lock the state.
        let line = format!("{command} {rest} --lock-timeout 120");
        otherwise(&place, &line, at, code)
    });
}

#[test]
fn every_way_ends_with_its_code() {
    all_end_so(WAYS.to_vec());
}

#[test]
fn a_server_that_does_not_answer_or_let_in_is_an_error_of_every_command() {
    let ways = ways().into_iter();
    all_end_so(
        ways.filter(|way| matches!(way.2, Unreachable | WrongPassword))
            .collect(),
    );
}

#[test]
fn a_fault_in_a_manifest_is_an_error_of_every_command() {
    all_end_so(ways().into_iter().filter(|way| way.2 == Faulty).collect());
}

#[test]
fn every_command_knows_help_and_wrong_usage() {
    let place = Place::at(Empty);
    let all: Vec<String> = commands().into_iter().collect();
    each(all, |command| {
        otherwise(&place, &format!("{command} --help"), Empty, 0)
            .or_else(|| otherwise(&place, &format!("{command} --no-such-option"), Empty, 64))
    });
    assert_eq!(otherwise(&place, "", Empty, 64), None);
    assert_eq!(otherwise(&place, "no-such-command", Empty, 64), None);
}

/// A command under way.
struct UnderWay {
    running: Running,
    log: tempfile::NamedTempFile,
}

impl UnderWay {
    fn start(mut command: Command) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let out: File = log.reopen().unwrap();
        let err = out.try_clone().unwrap();
        let child = command.stdout(out).stderr(err).spawn().unwrap();
        Self {
            running: Running(child),
            log,
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap()
    }

    /// Waits until something is so.
    #[track_caller]
    fn until(&self, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_mins(2);
        while !is_so() {
            assert!(Instant::now() < end, "in vain: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end, and gives its code.
    fn code(&mut self) -> Option<i32> {
        let end = Instant::now() + Duration::from_mins(2);
        loop {
            if let Some(status) = self.running.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < end, "goes on: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[cfg(unix)]
#[test]
fn signals_end_a_command_with_its_code() {
    each(SIGNALLED.to_vec(), |(command, rest, times, code)| {
        let place = Place::at(Fresh);
        // So that there is always something under way.
        place.workspace(&place.server.url(), "      rateLimit: 6\n");
        place.server.clear_requests();
        let line = format!("{command} {rest}");
        let mut under_way = UnderWay::start(place.command(PASSWORD, &line));
        under_way.until(|| {
            let mut requests = place.server.requests().into_iter();
            under_way.said().contains("looked conclusion=")
                || requests.any(|request| request.writes)
        });
        for _ in 0..times {
            signal(&under_way.running.0, "-INT");
            under_way.until(|| under_way.said().contains("press Ctrl-C again"));
        }
        let found = under_way.code();
        (found != Some(code)).then(|| {
            let said = under_way.said();
            format!("{line}, told {times} times: expected {code}, found {found:?}\n{said}")
        })
    });
}

/// It goes on: what it cannot read is told as an error, and neither as drift nor as the end of drift.
#[cfg(unix)]
#[test]
fn the_loop_takes_an_error_for_an_error() {
    each(
        vec![(Unreachable, "SW0303"), (WrongPassword, "SW0306")],
        |(at, reason)| {
            let place = Place::at(at);
            let line = "watch --interval 1s --listen none";
            let mut under_way = UnderWay::start(place.command(place.password, line));
            under_way.until(|| under_way.said().contains(reason));
            signal(&under_way.running.0, "-TERM");
            let code = under_way.code();
            let said = under_way.said();
            let told = ["drift object=", "resolved object=", "looked conclusion="];
            (code != Some(0) || told.iter().any(|one| said.contains(one)))
                .then(|| format!("{at:?}: {code:?}\n{said}"))
        },
    );
}
