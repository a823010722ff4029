//! The operator's path of `docs/connect.md`, from nothing to a site that holds: every command of the page in its order,
//! on servers that differ, two of which speak another language. The test makes what the page asks of the operator in
//! the console, and answers where a terminal would ask.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sitewright::profile::{self, Profile, Standing};
use sitewright_sim::{
    Access, Authority, ConsoleAction, Demand, Language, Options, Scheme, Server, World,
};

const PAGE: &str = include_str!("../../docs/connect.md");
const PASSWORD: &str = "correct-h\u{f6}rse";
/// Commands that end after each look at the server when a script drives them.
const LEARN: &str = "sitewright profile learn ";

/// The texts of the page's blocks in a language.
fn blocks(language: &str) -> Vec<&'static str> {
    PAGE.split("\n```")
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
        .collect()
}

/// The commands of the page.
fn commands() -> Vec<&'static str> {
    blocks("console")
        .into_iter()
        .flat_map(str::lines)
        .map(|line| line.strip_prefix("$ ").expect("a command"))
        .collect()
}

/// A command in words, single quotes taken off.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(ToOwned::to_owned));
        }
    }
    words
}

/// An operator before an empty folder, and the server at the other end.
struct Operator {
    server: Server,
    folder: tempfile::TempDir,
}

impl Operator {
    fn new(seed: u64, language: Language) -> Self {
        let options = Options::builtin("flat-lan").unwrap();
        let world = World::open(options.with_seed(seed).with_language(language)).unwrap();
        // As IIS has it: Windows authentication over TLS, bound to the connection.
        let authority = Authority::new().unwrap();
        let access = Access::by(&[Scheme::Negotiate, Scheme::Ntlm])
            .with_account(r"CORP\svc-sitewright", PASSWORD)
            .with_channel_binding(Demand::Require)
            .with_tls(authority.server(&["127.0.0.1"]).unwrap());
        let server = Server::start_with(world, "127.0.0.1:0".parse().unwrap(), &access).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("corp-ca.pem"), authority.pem()).unwrap();
        let [workspace] = blocks("yaml").try_into().expect("one workspace");
        let example = "https://smp.corp.example";
        assert!(workspace.contains(example));
        let workspace = workspace.replace(example, &server.url());
        std::fs::write(folder.path().join("sitewright.yaml"), workspace).unwrap();
        Self { server, folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What somebody would know who has learned this server.
    fn truth(&self) -> Profile {
        profile::from_yaml("sim", &self.server.world().profile()).unwrap()
    }

    fn profile(&self) -> Profile {
        profile::load(&self.path().join("profiles/hq.yaml")).unwrap()
    }

    /// Runs a command that must end so, and gives what it said.
    fn ends(&self, command: &[String], code: i32) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
            .args(&command[1..])
            .current_dir(self.path())
            .env("SMP_PASSWORD", PASSWORD)
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS")
            .output()
            .unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{command:?}\n{out}\n{err}"
        );
        out
    }

    fn console(&self, action: ConsoleAction) {
        self.server.world().console(action).unwrap();
    }

    /// What the page asks for in the console before a command.
    fn prepare(&self, command: &str) {
        match command {
            "sitewright profile learn constrainToSite --site Learning" => {
                self.console(ConsoleAction::NewSite {
                    name: "Learning".into(),
                    description: String::new(),
                });
                self.capture_to("SMP01");
            }
            "sitewright profile install-reports" => self.console(ConsoleAction::DeleteSite {
                name: "Learning".into(),
            }),
            "sitewright validate --live" => {
                let example = Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("examples/deployment-site/sites.yaml");
                std::fs::copy(example, self.path().join("sites.yaml")).unwrap();
            }
            _ => {}
        }
    }

    fn capture_to(&self, server: &str) {
        self.console(ConsoleAction::CaptureTarget {
            server: server.into(),
        });
    }

    fn constrain(&self, state: &str) {
        self.console(ConsoleAction::Constrain {
            site: "Learning".into(),
            state: state.into(),
        });
    }

    fn packages(&self, packages: &[&str]) {
        self.console(ConsoleAction::TaskPackages {
            task: "Deploy Win11".into(),
            packages: packages.iter().map(|name| (*name).to_owned()).collect(),
        });
    }

    /// Goes through an example: what it asks for in the console, one change after the other.
    fn learn(&self, command: &str) {
        let mut command = words(command);
        let setting = command[3].clone();
        command.extend(["--session".to_owned(), "session.json".to_owned()]);
        let image = "Win11-24H2 golden";
        let changes: Vec<Box<dyn Fn()>> = match setting.as_str() {
            "constrainToSite" => vec![
                Box::new(|| self.constrain("on")),
                Box::new(|| self.constrain("off")),
            ],
            "captureTarget" => vec![
                Box::new(|| self.capture_to("DEPLOY01")),
                Box::new(|| self.capture_to("SITE01")),
                Box::new(|| self.capture_to("SMP01")),
            ],
            "taskPackages" => vec![
                Box::new(|| self.packages(&[image, "DriversDB"])),
                Box::new(|| self.packages(&[image])),
            ],
            other => panic!("the page learns {other}"),
        };
        self.ends(&command, 4);
        for (number, change) in changes.iter().enumerate() {
            change();
            self.ends(&command, if number + 1 == changes.len() { 0 } else { 4 });
        }
        assert!(!self.path().join("session.json").exists());
    }

    /// Tells the services of the roles apart, where the server's language does not.
    fn choose(&self, command: &str) {
        let (found, truth) = (self.profile().roles, self.truth().roles);
        if found.package.is_some() && found.task.is_some() {
            return;
        }
        let listed = self.ends(
            &words("sitewright profile discover --update --accept-exact --format json"),
            0,
        );
        let mut command = words(command);
        for (role, rule) in [("package", truth.package), ("task", truth.task)] {
            let rule = rule.unwrap();
            let by = rule.resource_type.map(|guid| guid.to_string());
            let by = by.or(rule.name).unwrap();
            assert!(listed.contains(&by), "{role} is listed: {listed}");
            for word in &mut command {
                if *word == format!("roles.{role}=GUID") {
                    *word = format!("roles.{role}={by}");
                }
            }
        }
        self.ends(&command, 0);
    }

    /// Does one command of the page, with all that it asks for.
    fn follow(&self, command: &'static str, applied: &mut bool) {
        self.prepare(command);
        if command.starts_with(LEARN) {
            self.learn(command);
            return;
        }
        let mut line = words(command);
        match line[1..]
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .as_slice()
        {
            ["profile", "discover", "--update", ..] => self.choose(command),
            ["profile", "verify" | "install-reports", ..] => {
                line.push("--yes".into());
                self.ends(&line, 0);
            }
            ["apply"] => {
                line.push("--yes".into());
                // The first one leaves to a person what nobody has told where to read.
                self.ends(&line, if *applied { 0 } else { 4 });
                *applied = true;
            }
            ["attest", ..] => {
                self.server.world().tick(Duration::new(3600, 0));
                line[2] = self.open_step();
                self.ends(&line, 0);
            }
            ["plan"] if *applied => {
                let said = self.ends(&line, 0);
                assert!(said.contains("No changes."), "{said}");
            }
            ["plan"] => written_by_api(&self.ends(&line, 0)),
            _ => {
                self.ends(&line, 0);
            }
        }
    }

    /// The one console step that is open.
    fn open_step(&self) -> String {
        let plan = self.ends(&words("sitewright plan --format json"), 0);
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        let steps = plan["steps"].as_array().unwrap().iter();
        let open: Vec<String> = steps
            .filter(|step| step["action"] == "console")
            .map(|step| step["id"].as_str().unwrap().to_owned())
            .collect();
        let [step] = open.try_into().expect("one open step");
        assert!(step.starts_with("await-package:"), "{step}");
        step
    }
}

/// The switches that were learned are written by API, and nothing but the package is left to a person.
fn written_by_api(plan: &str) {
    for step in ["constrain Deployment_Site: on", "capture-target DEPLOY01"] {
        let line = plan.lines().find(|line| line.contains(step));
        let line = line.unwrap_or_else(|| panic!("no step {step}: {plan}"));
        assert!(line.contains(" write "), "{line}");
    }
    assert_eq!(plan.matches(" console  ").count(), 1, "{plan}");
}

#[test]
fn the_documented_path_leads_from_nothing_to_a_site_that_holds() {
    let mut layouts = BTreeSet::new();
    for (seed, language) in [(3, Language::En), (8, Language::De), (11, Language::Ja)] {
        let operator = Operator::new(seed, language);
        let mut applied = false;
        for command in commands() {
            operator.follow(command, &mut applied);
        }
        assert!(applied);
        let profile = operator.profile();
        for (entry, standing) in [
            (
                "site",
                profile.types.site.as_ref().map(|entry| entry.standing),
            ),
            (
                "subnet",
                profile.types.subnet.as_ref().map(|entry| entry.standing),
            ),
            (
                "subnetToSite",
                profile
                    .associations
                    .subnet_to_site
                    .as_ref()
                    .map(|entry| entry.standing),
            ),
            (
                "serverToSite",
                profile
                    .associations
                    .server_to_site
                    .as_ref()
                    .map(|entry| entry.standing),
            ),
            (
                "constrainToSite",
                profile
                    .settings
                    .constrain_to_site
                    .as_ref()
                    .map(|entry| entry.standing),
            ),
            (
                "captureTarget",
                profile
                    .settings
                    .capture_target
                    .as_ref()
                    .map(|entry| entry.standing),
            ),
        ] {
            assert_eq!(
                standing,
                Some(Standing::Verified),
                "{entry} with seed {seed}"
            );
        }
        let truth = operator.truth();
        let truth = truth.settings.constrain_to_site.unwrap();
        let learned = profile.settings.constrain_to_site.unwrap();
        assert_eq!((learned.item, &learned.path), (truth.item, &truth.path));
        layouts.insert(format!("{:?}", learned.path));
        let dump = operator.server.world().dump();
        assert!(
            dump.contains("captureTarget: DEPLOY01.corp.example"),
            "{dump}"
        );
        assert!(dump.contains("constrained: true"), "{dump}");
    }
    assert!(layouts.len() > 1, "servers that differ: {layouts:?}");
}
