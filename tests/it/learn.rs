//! `profile learn` as a script drives it: the real program, a simulated server, and an administrator who makes in the
//! console what he is told.

use std::path::Path;
use std::process::Command;

use sitewright::profile::{self, Profile, SettingItem, Settings, Standing};
use sitewright_sim::{ConsoleAction, Language, Options, Quirk, Server, World};

/// A server, and a workspace about it whose profile has learned nothing.
struct Place {
    server: Server,
    folder: tempfile::TempDir,
}

/// What a command said and how it ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new(options: Options) -> Self {
        let world = World::open(options).unwrap();
        let server = Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let workspace = format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      url: {}\n      profile: profiles/hq.yaml\n      server: SMP01.corp.example\n",
            server.url()
        );
        std::fs::write(folder.path().join("sitewright.yaml"), workspace).unwrap();
        let place = Self { server, folder };
        let mut blank = place.truth();
        blank.settings = Settings::default();
        profile::save(&blank, &place.profile_file()).unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn profile_file(&self) -> std::path::PathBuf {
        self.path().join("profiles/hq.yaml")
    }

    /// What somebody would know who has learned this server.
    fn truth(&self) -> Profile {
        profile::from_yaml("sim", &self.server.world().profile()).unwrap()
    }

    fn profile(&self) -> Profile {
        profile::load(&self.profile_file()).unwrap()
    }

    /// Runs the program; `_` stands for a space in an argument.
    fn run(&self, line: &str) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
            .args(line.split(' ').map(|word| word.replace('_', " ")))
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// The same, where it must end so.
    fn ends(&self, line: &str, code: i32) -> Said {
        let said = self.run(line);
        assert_eq!(said.code, code, "{line}\n{}\n{}", said.out, said.err);
        said
    }

    fn console(&self, action: ConsoleAction) {
        self.server.world().console(action).unwrap();
    }

    fn constrain(&self, site: &str, on: bool) {
        self.console(ConsoleAction::Constrain {
            site: site.into(),
            state: if on { "on" } else { "off" }.into(),
        });
    }

    fn capture_to(&self, server: &str) {
        self.console(ConsoleAction::CaptureTarget {
            server: server.into(),
        });
    }
}

/// Three servers of which one speaks German, no two with the same layout of settings: an attribute of each site's own item, a
/// list of all sites, an element.
fn servers() -> Vec<Place> {
    [(1, Language::En), (2, Language::De), (9, Language::En)]
        .into_iter()
        .map(|(seed, language)| {
            let mut options = Options::builtin("branch-offices").unwrap();
            options.seed = seed;
            options.language = language;
            Place::new(options)
        })
        .collect()
}

const LEARN: &str = "profile learn constrainToSite --site HQ --session learn.json";

/// Goes through an example with these changes in the console.
fn example(place: &Place, line: &str, changes: &[&dyn Fn()]) {
    place.ends(line, 4);
    for (number, change) in changes.iter().enumerate() {
        change();
        place.ends(line, if number + 1 == changes.len() { 0 } else { 4 });
    }
}

fn learn_constrain(place: &Place) {
    example(
        place,
        LEARN,
        &[&|| place.constrain("HQ", true), &|| {
            place.constrain("HQ", false);
        }],
    );
}

fn learn_target(place: &Place) {
    example(
        place,
        "profile learn captureTarget --computer BRANCH03.corp.example --other BRANCH06.corp.example --session t.json",
        &[
            &|| place.capture_to("BRANCH03.corp.example"),
            &|| place.capture_to("BRANCH06.corp.example"),
            &|| place.capture_to("SMP01.corp.example"),
        ],
    );
}

#[test]
fn settings_are_learned_on_servers_of_any_layout() {
    for place in servers() {
        let truth = place.truth().settings;
        learn_constrain(&place);
        learn_target(&place);
        let profile = place.profile();
        let found = profile.settings.constrain_to_site.clone().unwrap();
        let expected = truth.constrain_to_site.unwrap();
        assert_eq!(
            (found.item, &found.path, &found.on, &found.off),
            (expected.item, &expected.path, &expected.on, &expected.off)
        );
        assert_eq!(found.standing, Standing::Learned);
        assert!(!found.write);
        let found = profile.settings.capture_target.clone().unwrap();
        let expected = truth.capture_target.unwrap();
        assert_eq!((found.item, &found.path), (expected.item, &expected.path));
        assert_eq!(found.standing, Standing::Learned);
        for entry in ["settings.constrainToSite", "settings.captureTarget"] {
            let how = &profile.provenance.get(entry).unwrap().how;
            assert!(how.starts_with("an example in the console"), "{how}");
        }
        // The sessions are over.
        assert!(!place.path().join("learn.json").exists());
        assert!(!place.path().join("t.json").exists());
    }
}

#[test]
fn lists_and_associations_are_learned_too() {
    for place in servers() {
        let truth = place.truth();
        let package = |packages: &[&str]| {
            place.console(ConsoleAction::TaskPackages {
                task: "Deploy Win10".into(),
                packages: packages.iter().map(|name| (*name).to_owned()).collect(),
            });
        };
        example(
            &place,
            "profile learn taskPackages --task Deploy_Win10 --package Win11-24H2_golden --session p.json",
            &[&|| package(&["Win10 golden", "Win11-24H2 golden"]), &|| {
                package(&["Win10 golden"]);
            }],
        );
        let found = place.profile().settings.task_packages.unwrap();
        assert_eq!(found.path, truth.settings.task_packages.unwrap().path);
        // A server that is assigned to a site and taken out again.
        let mut blank = place.profile();
        blank.associations.server_to_site = None;
        blank.associations.subnet_to_site = None;
        profile::save(&blank, &place.profile_file()).unwrap();
        example(
            &place,
            "profile learn association serverToSite --site HQ --computer BRANCH03.corp.example --session a.json",
            &[
                &|| {
                    place.console(ConsoleAction::AssignServer {
                        server: "BRANCH03.corp.example".into(),
                        site: "HQ".into(),
                    });
                },
                &|| {
                    place.console(ConsoleAction::UnassignServer {
                        server: "BRANCH03.corp.example".into(),
                        site: "HQ".into(),
                    });
                },
            ],
        );
        let found = place.profile().associations.server_to_site.unwrap();
        let expected = truth.associations.server_to_site.unwrap();
        assert_eq!((found.guid, found.parent), (expected.guid, expected.parent));
        assert_eq!((found.replaces, found.standing), (None, Standing::Learned));
    }
}

#[test]
fn what_cannot_be_attributed_is_refused_and_shown() {
    let place = &servers()[1];
    // Nothing was changed, or elsewhere.
    place.ends(LEARN, 4);
    let said = place.ends(LEARN, 1);
    assert!(said.err.contains("SW0872"), "{}", said.err);
    // The look that is due is said, and a wrong one refused.
    place.constrain("HQ", true);
    let said = place.ends(&format!("{LEARN} --step opposite"), 1);
    assert!(said.err.contains("SW0878"), "{}", said.err);
    place.ends(&format!("{LEARN} --step after"), 4);
    // Not undone; then something else is done instead.
    let said = place.ends(LEARN, 1);
    assert!(said.err.contains("SW0872"), "{}", said.err);
    place.constrain("Branch 2", true);
    let said = place.ends(LEARN, 1);
    assert!(said.err.contains("SW0873"), "{}", said.err);
    assert!(said.out.contains("@guid="), "{}", said.out);
    place.constrain("Branch 2", false);
    assert_eq!(place.profile().settings, Settings::default());
    // Two sites at once.
    std::fs::remove_file(place.path().join("learn.json")).unwrap();
    place.constrain("HQ", false);
    place.ends(LEARN, 4);
    for on in [true, false] {
        place.constrain("HQ", on);
        place.constrain("Branch 2", on);
        let said = place.run(LEARN);
        assert_eq!(said.code, if on { 4 } else { 1 }, "{}", said.err);
        assert!(on || said.err.contains("SW0874"), "{}", said.err);
    }
    assert_eq!(place.profile().settings, Settings::default());
    // The file is for something else.
    let other =
        "profile learn captureTarget --computer BRANCH03 --other BRANCH06 --session learn.json";
    let said = place.ends(other, 1);
    assert!(said.err.contains("SW0871"), "{}", said.err);
}

#[test]
fn a_setting_that_is_not_there_is_somebody_s_word() {
    let place = &servers()[0];
    let line = "profile learn constrainToSite --unavailable";
    place.ends(line, 64);
    place.ends(&format!("{line} --reason ticket-4711"), 0);
    let profile = place.profile();
    assert!(profile.lacks_constrain_to_site());
    let how = &profile
        .provenance
        .get("settings.constrainToSite")
        .unwrap()
        .how;
    assert_eq!(how, "the operator's word: ticket-4711");
}

/// The office LAN of article 431459, on a server whose items are noisy, come in another order after every save, and
/// are named in the server's language; a site to learn with is there.
fn noisy(seed: u64, language: Language) -> Place {
    let mut options = Options::builtin("flat-lan").unwrap();
    options.seed = seed;
    options.language = language;
    options.quirks = [
        Quirk::NoisyItems,
        Quirk::ReorderedItems,
        Quirk::LocalisedItems,
    ]
    .into();
    let place = Place::new(options);
    place.console(ConsoleAction::NewSite {
        name: "Example".into(),
        description: String::new(),
    });
    place.capture_to("SMP01.corp.example");
    // The tasks are known, and what else is read is read by report: nothing is left to a person but both settings.
    let mut profile = place.profile();
    profile.settings.task_packages = place.truth().settings.task_packages;
    profile::save(&profile, &place.profile_file()).unwrap();
    place.ends("profile install-reports --yes", 0);
    let manifest = include_str!("../../examples/deployment-site/sites.yaml");
    std::fs::write(place.path().join("sites.yaml"), manifest).unwrap();
    place
}

/// Learns both settings, naming the items as the console shows them.
fn learn_both(place: &Place) {
    let truth = place.truth().settings;
    let item = |item: Option<SettingItem>| match item {
        Some(SettingItem::Item(item)) => format!(" --item {item}"),
        _ => String::new(),
    };
    example(
        place,
        &format!(
            "profile learn constrainToSite --site Example --session c.json{}",
            item(truth.constrain_to_site.unwrap().item)
        ),
        &[&|| place.constrain("Example", true), &|| {
            place.constrain("Example", false);
        }],
    );
    example(
        place,
        &format!(
            "profile learn captureTarget --computer SITE01.corp.example --other DEPLOY01.corp.example --session t.json{}",
            item(truth.capture_target.unwrap().item)
        ),
        &[
            &|| place.capture_to("SITE01.corp.example"),
            &|| place.capture_to("DEPLOY01.corp.example"),
            &|| place.capture_to("SMP01.corp.example"),
        ],
    );
}

#[test]
fn what_is_learned_and_proven_is_written_by_api() {
    for (seed, language) in [(1, Language::En), (2, Language::De), (9, Language::En)] {
        let place = noisy(seed, language);
        learn_both(&place);
        let noise = place.profile().settings.capture_target.unwrap().noise;
        assert!(!noise.is_empty(), "the quirk makes no noise");
        let before = place.server.world().dump();

        // Proven, and still a person's: nothing on the server has changed by it.
        let said = place.ends("profile verify --settings --yes", 1);
        assert!(said.err.contains("SW0879"), "{}", said.err);
        place.ends("profile verify --settings --yes --site Example", 0);
        assert_eq!(place.server.world().dump(), before);
        let plan = place.ends("plan", 0).out;
        assert!(
            plan.contains("console  constrain Deployment_Site: on"),
            "{plan}"
        );
        place.ends("profile verify --settings --write --yes --site Example", 0);
        let settings = place.profile().settings;
        for setting in [settings.constrain_to_site, settings.capture_target] {
            let setting = setting.unwrap();
            assert_eq!(setting.standing, Standing::Verified);
            assert!(setting.write);
        }
        let plan = place.ends("plan", 0).out;
        assert!(
            plan.contains("write    constrain Deployment_Site: on"),
            "{plan}"
        );
        assert!(
            plan.contains("write    capture-target DEPLOY01.corp.example"),
            "{plan}"
        );

        let said = place.ends("apply --yes", 0);
        let dump = place.server.world().dump();
        assert!(
            dump.contains("captureTarget: DEPLOY01.corp.example"),
            "{dump}"
        );
        let site = dump
            .lines()
            .find(|line| line.contains("name: Deployment_Site"))
            .unwrap();
        assert!(site.contains("constrained: true"), "{site}\n{}", said.out);
        assert!(dump.matches("constrained: true").count() == 1, "{dump}");
        let plan = place.ends("plan", 0).out;
        assert!(plan.trim_end().ends_with("No changes."), "{plan}");

        // The old XML is kept, and comes back.
        let backups = place.path().join("state/backups/hq");
        let mut kept: Vec<String> = std::fs::read_dir(&backups)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        kept.sort();
        let item = place.truth().settings.capture_target.unwrap().item;
        let Some(SettingItem::Item(item)) = item else {
            panic!("the default target stands in one item");
        };
        let last = kept
            .iter()
            .rev()
            .find(|name| name.contains(&item.to_string()))
            .unwrap();
        let said = place.ends(&format!("restore {}/{last} --yes", backups.display()), 0);
        assert!(said.out.contains("Restored."), "{}", said.out);
        assert!(
            place
                .server
                .world()
                .dump()
                .contains("captureTarget: SMP01.corp.example")
        );
        let said = place.ends(&format!("restore {last} --yes"), 0);
        assert!(said.out.contains("as the backup has it"), "{}", said.out);

        // A file that somebody changed, and one that nobody kept.
        let file = backups.join(last);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text + " ").unwrap();
        let said = place.ends(&format!("restore {last} --yes"), 1);
        assert!(said.err.contains("SW0620"), "{}", said.err);
        let said = place.ends("restore nothing.xml --yes", 1);
        assert!(said.err.contains("SW0620"), "{}", said.err);
    }
}
