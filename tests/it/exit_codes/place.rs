//! A folder with a workspace, and a simulated SMP that asks for a password.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use sitewright_sim::{Access, ConsoleAction, Options, Scheme, Server, World};

use super::ways::At::{
    self, Astray, Blocked, Damaged, Done, Empty, Faulty, Fresh, Open, Unreachable, WrongPassword,
};

const USER: &str = r"CORP\svc-sitewright";
pub(super) const PASSWORD: &str = "correct-horse";

/// A folder and a server.
pub(super) struct Place {
    folder: tempfile::TempDir,
    pub(super) server: Server,
    pub(super) password: &'static str,
}

impl Place {
    pub(super) fn at(at: At) -> Self {
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

    pub(super) fn workspace(&self, url: &str, more: &str) {
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

    pub(super) fn command(&self, password: &str, line: &str) -> Command {
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
    pub(super) fn run(&self, password: &str, line: &str) -> (i32, String) {
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
