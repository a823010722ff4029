//! `docs/exit-codes.md`: every command, and every code that it can end with, each tried against the real program.
//!
//! The table below names a way to each code. A command that is not in it fails the test, and so does one whose codes are
//! others on the page. An error is an error everywhere: never 0, never 2.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use sitewright_sim::{Access, ConsoleAction, Options, Scheme, Server, World};

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
    /// The state is damaged.
    Damaged,
}

use At::{Astray, Blocked, Damaged, Done, Empty, Faulty, Fresh, Open, Unreachable, WrongPassword};

/// A command with what follows it, where it is run, and its code.
type Way = (&'static str, &'static str, At, i32);

/// The ways. `--help` (0) and an unknown option (64) are tried for every command beside them.
const WAYS: &[Way] = &[
    ("plan", "", Fresh, 0),
    ("plan", "--detailed-exitcode", Fresh, 2),
    ("plan", "--detailed-exitcode", Done, 0),
    ("plan", "--detailed-exitcode", Blocked, 3),
    ("plan", "--target Site/Nowhere", Fresh, 1),
    ("plan", "", Empty, 64),
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
    ("validate", "--live --format sarif", WrongPassword, 1),
    ("validate", "--live --format junit", Unreachable, 1),
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
    ("attest", "--help", Open, 0),
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
    ("state history", "", Damaged, 1),
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
    ("journal list", "", Empty, 64),
    ("journal show", "nothing", Done, 1),
    ("journal verify", "", Done, 0),
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
    ("apply", "--yes"),
    ("apply", "saved.json --yes"),
    ("runbook", ""),
    ("validate", "--live"),
    ("verify", "--wait 0s"),
    ("explain", "192.168.10.101"),
    ("serves", "DEPLOY01.corp.example"),
    (
        "attest",
        "capture-target:DEPLOY01.corp.example --reason seen",
    ),
    ("export", ""),
    ("firewall", "--site Deployment_Site --live"),
    ("platform check", ""),
    ("profile discover", "--accept-exact"),
    (
        "profile learn",
        "constrainToSite --site HQ --session s.json --replace",
    ),
    ("profile verify", "--yes"),
    ("profile install-reports", "--yes"),
];

/// Commands that read the manifests: a fault in them is an error of each.
const DECLARED: &[(&str, &str)] = &[
    ("plan", ""),
    ("plan", "--detailed-exitcode"),
    ("apply", "--yes"),
    ("runbook", ""),
    ("validate", ""),
    ("verify", "--wait 0s"),
    ("explain", "192.168.10.101 --desired"),
    ("serves", "DEPLOY01.corp.example --desired"),
    ("firewall", "--site Deployment_Site"),
    ("replace-server", "DEPLOY01 NEW01.corp.example --dry-run"),
];

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
        if at == Empty {
            return place;
        }
        let example =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deployment-site/sites.yaml");
        let sites = fs::read_to_string(example).unwrap();
        place.write("sites.yaml", &sites);
        fs::create_dir(place.folder.path().join("profiles")).unwrap();
        place.write("profiles/hq.yaml", &place.server.world().profile());
        place.workspace(&place.server.url());
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
            Empty | Fresh | WrongPassword => {}
            Faulty => self.write("sites.yaml", &sites.replacen("subnets:", "subnet:", 1)),
            Blocked => {
                let carved = "    - 192.168.0.12/32\n";
                assert!(sites.contains(carved));
                self.write("sites.yaml", &sites.replace(carved, ""));
            }
            Unreachable => self.workspace("http://127.0.0.1:1"),
            Open | Done | Astray | Damaged => {
                right("apply --yes", 4);
                if at != Open {
                    self.console();
                    right("apply --yes", 0);
                }
                if at == Astray {
                    let subnet = "192.168.0.12/32".into();
                    let gone = ConsoleAction::DeleteSubnet { subnet };
                    self.server.world().console(gone).unwrap();
                }
                if at == Damaged {
                    self.write("state/hq.state.json", "{");
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

    fn workspace(&self, url: &str) {
        self.write(
            "sitewright.yaml",
            &format!(
                "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      url: {url}\n      \
                 server: SMP01.corp.example\n      auth: {{ method: basic, username: '{USER}', passwordFrom: {{ env: \
                 SMP_PASSWORD }} }}\n      profile: profiles/hq.yaml\n"
            ),
        );
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Runs a command line: its code, and all it said.
    fn run(&self, password: &str, line: &str) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env("SMP_PASSWORD", password)
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
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
                &format!("{words} {}", sub.get_name())
                    .trim_start()
                    .to_owned(),
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

/// Codes that another test tries: a second Ctrl-C.
const ELSEWHERE: &[(&str, i32)] = &[("apply", 130)];

/// Codes that are for scripts to tell apart, so that each command that has them is tried.
#[test]
fn every_command_and_code_of_the_page_is_tried() {
    let tried = ways();
    let mut found: BTreeMap<String, BTreeSet<i32>> = commands()
        .into_iter()
        .map(|command| (command, BTreeSet::from([0, 64])))
        .collect();
    for (command, _, _, code) in &tried {
        found
            .get_mut(*command)
            .unwrap_or_else(|| panic!("there is no command `{command}`"))
            .insert(*code);
    }
    for (command, code) in ELSEWHERE {
        found.get_mut(*command).unwrap().insert(*code);
    }
    assert_eq!(
        found,
        documented(),
        "tried (left), docs/exit-codes.md (right)"
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

fn otherwise(place: &Place, line: &str, at: At, code: i32) -> Option<String> {
    let (found, said) = place.run(place.password, line);
    (found != code)
        .then(|| format!("`sitewright {line}`, {at:?}: expected {code}, found {found}\n{said}"))
}

#[test]
fn every_way_ends_with_its_code() {
    each(ways(), |(command, rest, at, code)| {
        let place = Place::at(at);
        otherwise(&place, &format!("{command} {rest}"), at, code)
    });
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
