//! `sitewright state …` and `sitewright journal …` as people run them: each command, each of its refusals, what it leaves on
//! disk, and what the journal tells of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use sitewright::model::{Attestation, Guid, Holder, Platform};
use sitewright::state::{State, Store};
use sitewright_sim::{Options, Server, World};

/// A workspace over a simulated SMP that stays.
pub(crate) struct Desk {
    pub(crate) smp: Server,
    folder: tempfile::TempDir,
}

/// What a command gave.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Told {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }

    /// What people see, in one line.
    pub(crate) fn said(&self) -> String {
        let words: Vec<&str> = self.out.split_whitespace().collect();
        let more: Vec<&str> = self.err.split_whitespace().collect();
        [words, more].concat().join(" ")
    }
}

/// Sites of their own, so that an apply needs nobody at the console.
pub(crate) fn sites(names: &[&str]) -> String {
    let site = |(number, name): (usize, &&str)| {
        format!(
            "apiVersion: sitewright/v1\nkind: Site\nmetadata: {{ name: {name} }}\nspec: {{ subnets: [10.20.{number}.0/24] }}\n"
        )
    };
    let all: Vec<String> = (1..).zip(names).map(site).collect();
    all.join("---\n")
}

#[cfg(feature = "postgres")]
const DATABASE_PASSWORD: &str = crate::support::PASSWORD;
#[cfg(not(feature = "postgres"))]
const DATABASE_PASSWORD: &str = "";

pub(crate) const FILES: &str = "  state: { backend: file, path: state }\n";

impl Desk {
    pub(crate) fn new() -> Self {
        let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
        let smp = Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let desk = Self { smp, folder };
        fs::create_dir(desk.path("profiles")).unwrap();
        fs::write(desk.path("profiles/hq.yaml"), desk.smp.world().profile()).unwrap();
        fs::write(desk.path("sites.yaml"), sites(&["North", "South"])).unwrap();
        desk.workspace("sitewright.yaml", FILES);
        desk
    }

    /// Two runs behind it: North and South, then West.
    pub(crate) fn lived_in() -> Self {
        let desk = Self::new();
        desk.done("apply --yes");
        fs::write(desk.path("sites.yaml"), sites(&["North", "South", "West"])).unwrap();
        desk.done("apply --yes");
        desk
    }

    /// Writes a workspace file with a `state` of its own.
    pub(crate) fn workspace(&self, name: &str, state: &str) {
        let text = format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      url: {}\n      \
             server: SMP01.corp.example\n      profile: {}\n{state}",
            self.smp.url(),
            self.path("profiles/hq.yaml").display(),
        );
        let file = self.path(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn run(&self, line: &str) -> Told {
        let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
            .args(line.split(' '))
            .current_dir(self.folder.path())
            .env_clear()
            .env("USER", "jdoe")
            .env("SITEWRIGHT_HOST", "ops")
            .env("STATE_PASSWORD", DATABASE_PASSWORD)
            .env("BUCKET_ACCESS", crate::support::bucket::ACCESS)
            .env("BUCKET_SECRET", crate::support::bucket::SECRET)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = Told::of(&output);
        if !line.contains("--format") && line != "state pull" {
            for shown in told.out.lines() {
                assert!(
                    shown.chars().count() <= 80,
                    "{line}: wider than 80 columns: {shown}"
                );
            }
        }
        told
    }

    /// Runs a command that must end well.
    #[track_caller]
    pub(crate) fn done(&self, line: &str) -> Told {
        let told = self.run(line);
        assert_eq!(told.code, 0, "{line}: {told:#?}");
        told
    }

    /// Runs a command that must be refused by a code, and must change nothing of what is kept.
    #[track_caller]
    pub(crate) fn refused(&self, line: &str, exit: i32, code: &str) -> Told {
        let before = self.kept();
        let told = self.run(line);
        assert_eq!(told.code, exit, "{line}: {told:#?}");
        let begins = format!("error[{code}]");
        assert!(told.err.starts_with(&begins), "{line}: {told:#?}");
        assert_eq!(self.kept(), before, "{line} changed what is kept");
        told
    }

    /// Every file of the state with what is in it. The note of a lock means nothing by itself, nor what may be lost.
    pub(crate) fn kept(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let folder = self.path("state");
        let mut all = BTreeMap::new();
        gather(&folder, &folder, &mut all);
        all.retain(|name, _| {
            !name.starts_with("snapshots") && !name.to_string_lossy().contains(".lock")
        });
        all
    }

    pub(crate) fn state(&self) -> State {
        State::decode(&fs::read(self.path("state/hq.state.json")).unwrap()).unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        Store::file(&self.path("state"), "hq")
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("state/hq.journal.jsonl")).unwrap();
        text.lines().map(ToOwned::to_owned).collect()
    }

    fn write_lines(&self, lines: &[String]) {
        let ended = lines.iter().flat_map(|line| [line.as_str(), "\n"]);
        let text: String = ended.collect();
        fs::write(self.path("state/hq.journal.jsonl"), text).unwrap();
    }

    /// What the journal tells of the command that wrote to it last.
    fn last(&self) -> Value {
        self.done("journal show last --format json").json()
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        let told = self.done("state list");
        told.out.lines().map(ToOwned::to_owned).collect()
    }
}

fn gather(root: &Path, folder: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, all);
        } else {
            let name = path.strip_prefix(root).unwrap().to_owned();
            all.insert(name, fs::read(&path).unwrap());
        }
    }
}

#[test]
fn what_only_looks_changes_nothing() {
    let desk = Desk::new();
    // Before anything was done nothing is there, and nothing comes to be.
    for line in ["state list", "state history", "journal", "journal verify"] {
        desk.done(line);
    }
    assert_eq!(
        desk.done("state list --format json").json(),
        Value::Array(Vec::new())
    );
    for line in ["state show", "state pull", "state show Site/North"] {
        desk.refused(line, 1, "SW0764");
    }
    desk.done("state recover");
    assert_eq!(desk.kept().len(), 0);

    let desk = Desk::lived_in();
    let before = desk.kept();
    for line in [
        "state list",
        "state list --format json",
        "state show",
        "state show --format json",
        "state show Site/North",
        "state show Subnet/10.20.1.0/24 --format json",
        "state pull",
        "state history",
        "state history --format json",
        "state recover",
        "journal",
        "journal list --last 1 --format json",
        "journal show last",
        "journal verify",
        "journal verify --format json",
    ] {
        desk.done(line);
        assert_eq!(desk.kept(), before, "{line}");
    }
}

#[test]
fn what_is_remembered_is_listed_shown_and_printed() {
    let desk = Desk::lived_in();
    let sites: Vec<String> = desk
        .addresses()
        .into_iter()
        .filter(|address| address.starts_with('S'))
        .collect();
    assert_eq!(
        sites,
        [
            "Site/North",
            "Site/South",
            "Site/West",
            "Subnet/10.20.1.0/24",
            "Subnet/10.20.2.0/24",
            "Subnet/10.20.3.0/24"
        ]
    );
    let state = desk.state();
    // Each address that is listed is found, and each entry of the list says where.
    let listed = desk.done("state list --format json").json();
    for entry in listed.as_array().unwrap() {
        let address = entry["address"].as_str().unwrap();
        let shown = desk.done(&format!("state show {address} --format json"));
        assert_eq!(&shown.json(), entry);
    }
    let (guid, _) = state
        .ownership
        .sites
        .iter()
        .find(|(_, site)| site.name.as_str() == "West")
        .unwrap();
    let shown = desk.done("state show Site/West").said();
    assert_eq!(
        shown,
        format!("address: Site/West guid: {guid} ours: created protected: no")
    );
    let by_guid = desk
        .done(&format!("state show Site/{guid} --format json"))
        .json();
    assert_eq!(by_guid["owned"]["name"], "West");
    desk.refused("state show Site/East", 1, "SW0765");
    desk.refused("state show West", 1, "SW0765");
    desk.refused("state show Count/planets", 1, "SW0765");

    let whole = desk.done("state show").said();
    assert!(whole.contains("serial: 2"), "{whole}");
    assert!(whole.contains("sites: 3"), "{whole}");
    let pulled = desk.done("state pull").out;
    assert_eq!(
        pulled.as_bytes(),
        fs::read(desk.path("state/hq.state.json")).unwrap()
    );

    let history = desk.done("state history --format json").json();
    let serials: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["serial"], &one["current"], &one["what"]))
        .collect();
    assert_eq!(
        format!("{serials:?}"),
        "[(Number(2), Bool(true), String(\"apply\")), (Number(1), Bool(false), String(\"apply\"))]"
    );
}

#[test]
fn what_is_forgotten_stays_on_the_server_and_is_adopted_where_it_is_declared() {
    let desk = Desk::lived_in();
    let world = desk.smp.world().dump();
    desk.refused("state rm Site/East --yes", 1, "SW0765");
    // One that is unknown spoils all of it.
    desk.refused("state rm Site/West Site/East --yes", 1, "SW0765");
    desk.refused("state rm Site/West", 64, "SW0001");
    assert_eq!(desk.run("state rm").code, 64);

    let told = desk.done(
        "state rm Site/West Subnet/10.20.3.0/24 Site/West --yes --reason handed-over --by ada",
    );
    assert!(told.said().contains("serial 3 now"), "{told:?}");
    assert_eq!(desk.smp.world().dump(), world);
    assert!(!desk.addresses().contains(&"Site/West".to_owned()));
    let last = desk.last();
    assert_eq!(
        (last["by"].as_str(), last["why"].as_str()),
        (Some("ada"), Some("handed-over"))
    );
    let noted = last["notes"].to_string();
    assert_eq!(
        noted,
        r#"["forgot Site/West","forgot Subnet/10.20.3.0/24"]"#
    );
    assert!(desk.path("state/versions/hq/00000002.state.json").is_file());
    let history = desk.done("state history").said();
    assert!(
        history.contains("state by ada: forgot Site/West"),
        "{history}"
    );
    desk.done("journal verify");

    desk.done("apply --yes");
    let owned = desk.done("state show Site/West --format json").json();
    assert_eq!(owned["owned"]["how"], "adopted");
    assert_eq!(desk.smp.world().dump(), world);
}

#[test]
fn an_entry_is_put_right_and_nothing_else() {
    let desk = Desk::lived_in();
    let before = desk.smp.world().dump();
    // Somebody's word, as a run would have it.
    let mut state = desk.state();
    let word = Attestation {
        value: "on".into(),
        reason: "seen".into(),
        by: "jdoe".into(),
        at: "2026-11-23T08:00:00Z".into(),
    };
    state
        .ownership
        .attestations
        .insert("constrain:North".into(), word);
    fs::write(desk.path("word.json"), state.encode().unwrap()).unwrap();
    desk.done("state push word.json --yes");

    let south = state
        .ownership
        .sites
        .iter()
        .find(|(_, site)| site.name.as_str() == "South");
    let (south, _) = south.unwrap();
    desk.refused(&format!("state mv Site/North {south} --yes"), 1, "SW0768");
    desk.refused("state mv Site/East Elsewhere --yes", 1, "SW0765");
    desk.refused("state mv Subnet/10.20.1.0/24 Laboratory --yes", 1, "SW0768");
    desk.refused("state mv Count/sites 7 --yes", 1, "SW0768");
    desk.refused(
        "state mv Attestation/constrain:North constrain:North --yes",
        1,
        "SW0768",
    );
    desk.refused("state mv Site/North Norden", 64, "SW0001");

    desk.done("state mv Site/North Norden --yes --reason renamed");
    let new = Guid::from_u128(0xabcd);
    desk.done(&format!("state mv Site/South {new} --yes"));
    desk.done("state mv Attestation/constrain:North constrain:Norden --yes");
    let ownership = desk.state().ownership;
    assert_eq!(ownership.sites[&new].name.as_str(), "South");
    assert!(!ownership.sites.contains_key(south));
    assert!(
        ownership
            .sites
            .values()
            .any(|site| site.name.as_str() == "Norden")
    );
    assert_eq!(ownership.attestations["constrain:Norden"].reason, "seen");
    assert!(!ownership.attestations.contains_key("constrain:North"));
    // A state that is made of the journal again holds all of it, too.
    let rebuilt = {
        fs::remove_file(desk.path("state/hq.state.json")).unwrap();
        desk.done("state recover --yes --from journal");
        desk.state()
    };
    assert_eq!(rebuilt.ownership, ownership);
    assert_eq!(desk.smp.world().dump(), before);
    desk.done("journal verify");
}

#[test]
fn a_state_is_pushed_where_it_follows_and_by_force_elsewhere() {
    let desk = Desk::lived_in();
    let now = fs::read(desk.path("state/hq.state.json")).unwrap();
    fs::write(desk.path("now.json"), &now).unwrap();
    let told = desk.done("state push now.json --yes");
    assert!(told.out.contains("as the file has it"), "{told:?}");
    assert_eq!(fs::read(desk.path("state/hq.state.json")).unwrap(), now);
    desk.done("plan --out friday.plan.json");

    desk.refused("state push nowhere.json", 1, "SW0002");
    fs::write(desk.path("torn.json"), &now[..now.len() / 2]).unwrap();
    desk.refused("state push torn.json --yes", 1, "SW0766");
    desk.refused(
        "state push sites.yaml --yes --force --reason sure",
        1,
        "SW0766",
    );
    fs::copy(
        desk.path("state/versions/hq/00000001.state.json"),
        desk.path("old.json"),
    )
    .unwrap();
    let older = desk
        .refused("state push old.json --yes", 1, "SW0767")
        .said();
    assert!(older.contains("serial 2 or later, found 1"), "{older}");
    let other = |name: &str, change: &dyn Fn(&mut State)| {
        let mut state = desk.state();
        change(&mut state);
        fs::write(desk.path(name), state.encode().unwrap()).unwrap();
    };
    other("lineage.json", &|state| state.lineage = "another".into());
    other("platform.json", &|state| {
        state.platform = Platform {
            server: Guid::from_u128(7),
            ..state.platform.clone()
        };
    });
    desk.refused("state push lineage.json --yes", 1, "SW0767");
    desk.refused("state push platform.json --yes", 1, "SW0767");
    assert_eq!(desk.run("state push old.json --force").code, 64);
    desk.refused("state push old.json --force --reason=", 64, "SW0001");
    desk.refused("state push old.json --force --reason sure", 64, "SW0001");

    let told = desk.done("state push old.json --force --reason sure --yes");
    assert!(told.out.contains("- Site/West"), "{told:?}");
    let state = desk.state();
    assert_eq!((state.serial, state.ownership.sites.len()), (3, 2));
    assert!(desk.path("state/versions/hq/00000002.state.json").is_file());
    let last = desk.last();
    assert_eq!(last["why"], "sure");
    assert_eq!(last["notes"][0], "pushed a state of serial 1");
    desk.done("journal verify");
    // No plan that was saved before fits.
    let refused = desk.run("apply friday.plan.json --yes");
    assert_eq!(refused.code, 1, "{refused:?}");

    // Over a damaged one by force only, and what was there is kept.
    fs::write(desk.path("state/hq.state.json"), b"{ half a").unwrap();
    desk.refused("state push now.json --yes", 1, "SW0703");
    desk.done("state push now.json --yes --force --reason backup");
    assert_eq!(desk.state().ownership.sites.len(), 3);
    let aside: Vec<_> = desk
        .kept()
        .into_iter()
        .filter(|(name, _)| name.starts_with("damaged"))
        .collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].1, b"{ half a");
    desk.done("plan --detailed-exitcode");
}

#[test]
fn a_version_is_brought_back_under_a_new_serial() {
    let desk = Desk::lived_in();
    desk.done("state rm Site/North Site/South --yes");
    desk.refused("state restore 9 --yes", 1, "SW0769");
    desk.refused("state restore 2", 64, "SW0001");
    assert_eq!(desk.run("state restore two").code, 64);
    let told = desk.done("state restore 2 --yes --reason too-far");
    assert!(told.out.contains("+ Site/North"), "{told:?}");
    let state = desk.state();
    assert_eq!((state.serial, state.ownership.sites.len()), (4, 3));
    let last = desk.last();
    assert_eq!(last["notes"][0], "restored the state of serial 2");
    assert_eq!(last["why"], "too-far");

    let version = desk.path("state/versions/hq/00000001.state.json");
    fs::write(&version, &fs::read(&version).unwrap()[..100]).unwrap();
    desk.refused("state restore 1 --yes", 1, "SW0703");
    let history = desk.done("state history --format json").json();
    let damaged: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one.get("damaged").is_some())
        .collect();
    assert_eq!((damaged.len(), &damaged[0]["serial"]), (1, &Value::from(1)));
    let mut other = desk.state();
    other.lineage = "another".into();
    fs::write(&version, other.encode().unwrap()).unwrap();
    desk.refused("state restore 1 --yes", 1, "SW0767");
}

fn holder() -> Holder {
    Holder {
        who: "ada".into(),
        host: "ops-2".into(),
        process: 4711,
        purpose: "apply".into(),
        run: "r".into(),
        since: "2026-11-23T08:00:00Z".into(),
    }
}

#[tokio::test]
async fn the_lock_of_a_file_is_told_and_not_taken() {
    let desk = Desk::lived_in();
    desk.done("state unlock --force --reason gone");
    assert_eq!(desk.run("state unlock --reason gone").code, 64);
    assert_eq!(desk.run("state unlock --force").code, 64);
    desk.refused("state unlock --force --reason=", 64, "SW0001");

    let lock = desk.store().lock(&holder(), Duration::ZERO).await.unwrap();
    fs::copy(desk.path("state/hq.state.json"), desk.path("now.json")).unwrap();
    for line in [
        "state rm Site/North --yes",
        "state mv Site/North Norden --yes",
        "state push now.json --yes",
        "state restore 1 --yes",
        "state recover --yes",
        "state migrate --to file:new --yes",
        "apply --yes",
    ] {
        let told = desk.refused(line, 1, "SW0721").said();
        assert!(
            told.contains("locked by ada on ops-2, for `apply`, since"),
            "{told}"
        );
    }
    for line in [
        "state list",
        "state show",
        "state history",
        "state pull",
        "journal",
        "plan",
    ] {
        desk.done(line);
    }
    let told = desk
        .refused("state unlock --force --reason gone", 1, "SW0770")
        .said();
    assert!(told.contains("process 4711 on ops-2"), "{told}");
    lock.release().await;
    let told = desk.done("state unlock --force --reason gone");
    assert_eq!(told.out, "The state of `hq` is not locked.\n");
    desk.done("state rm Site/North --yes");
}

#[test]
fn a_journal_tells_its_runs_and_says_what_it_does_not_have() {
    let desk = Desk::lived_in();
    let runs = desk.done("journal --format json").json();
    let ids: Vec<&str> = runs
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["run"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    let first = desk
        .done(&format!("journal show {} --format json", &ids[0][..8]))
        .json();
    assert_eq!(
        (&first["what"], &first["by"]),
        (&Value::from("apply"), &Value::from("jdoe"))
    );
    let steps: Vec<&str> = first["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .collect();
    assert!(
        steps.contains(&"create-site:North") && !steps.contains(&"create-site:West"),
        "{steps:?}"
    );
    assert_eq!(
        desk.done("journal --step create-site:West --format json")
            .json()[0]["run"],
        ids[1]
    );
    assert_eq!(
        desk.done(&format!("journal --run {} --format json", &ids[0][..8]))
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        desk.done("journal --since 1h --last 1 --format json")
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        desk.done("journal --since 2199-01-01 --format json")
            .json()
            .as_array()
            .unwrap()
            .len(),
        0
    );
    desk.refused("journal show nothing-like-it", 1, "SW0790");
    desk.refused("journal show ", 1, "SW0790");
    desk.refused("journal --since yesteryear", 64, "SW0001");
}

/// Changes lines of the journal of two runs and gives what `journal verify` says of it.
#[track_caller]
fn verified(change: impl FnOnce(&mut Vec<String>)) -> (i32, Vec<Value>, String) {
    let desk = Desk::lived_in();
    let mut lines = desk.lines();
    change(&mut lines);
    desk.write_lines(&lines);
    let told = desk.run("journal verify");
    let json = desk.run("journal verify --format json");
    assert_eq!(json.code, told.code);
    (
        told.code,
        json.json()["faults"].as_array().unwrap().clone(),
        told.said(),
    )
}

/// Changes a record of North, and says which.
fn change(lines: &mut [String]) -> usize {
    let at = lines
        .iter()
        .position(|line| line.contains("North"))
        .unwrap();
    lines[at] = lines[at].replacen("North", "Nord!", 1);
    at + 1
}

#[test]
fn a_journal_that_was_tampered_with_is_found_and_the_record_named() {
    let (code, faults, said) = verified(|_| {});
    assert_eq!((code, faults.len()), (0, 0), "{said}");
    assert!(said.contains("Whole"), "{said}");

    let mut record = 0;
    let (code, faults, said) = verified(|lines| record = change(lines));
    assert_eq!(
        (code, &faults[0]["fault"], &faults[0]["record"]),
        (1, &Value::from("changed"), &Value::from(record)),
        "{said}"
    );
    let (code, faults, said) = verified(|lines| {
        lines.remove(6);
    });
    assert_eq!(
        (
            code,
            &faults[0]["fault"],
            &faults[0]["from"],
            &faults[0]["to"]
        ),
        (1, &Value::from("missing"), &Value::from(7), &Value::from(7)),
        "{said}"
    );
    let (code, faults, said) = verified(|lines| lines.swap(2, 3));
    assert_eq!(
        (code, &faults[0]["fault"], &faults[0]["record"]),
        (1, &Value::from("outOfOrder"), &Value::from(3)),
        "{said}"
    );
    let (code, faults, said) = verified(|lines| lines.insert(5, lines[1].clone()));
    assert_eq!(
        (code, &faults[0]["fault"]),
        (1, &Value::from("putIn")),
        "{said}"
    );
    let (code, faults, said) = verified(|lines| lines[3] = "{ half".into());
    assert_eq!(
        (code, &faults[0]["fault"], &faults[0]["line"]),
        (1, &Value::from("unreadable"), &Value::from(4)),
        "{said}"
    );
    // The state holds the end of what is there: whatever is cut off is missed, were it one record.
    let (code, faults, said) = verified(|lines| {
        lines.pop();
    });
    assert_eq!(
        (code, &faults[0]["fault"]),
        (1, &Value::from("cutOff")),
        "{said}"
    );
    let (code, faults, said) = verified(Vec::clear);
    assert_eq!(
        (code, &faults[0]["fault"], &faults[0]["from"]),
        (1, &Value::from("cutOff"), &Value::from(1)),
        "{said}"
    );
}

#[test]
fn what_nobody_can_know_of_a_journal_is_said() {
    let desk = Desk::lived_in();
    let lines = desk.lines();
    // Records that the state does not hold yet: a tail of them may be cut off unseen, and what is said is what is known.
    fs::copy(
        desk.path("state/versions/hq/00000001.state.json"),
        desk.path("state/hq.state.json"),
    )
    .unwrap();
    desk.write_lines(&lines[..lines.len() - 1]);
    let told = desk.done("journal verify").said();
    assert!(told.contains("those after it are not saved yet"), "{told}");
    // Without a state nothing says where it ends.
    fs::remove_file(desk.path("state/hq.state.json")).unwrap();
    let told = desk.done("journal verify").said();
    assert!(told.contains("no state says where it ends"), "{told}");
    // Nor where the state is damaged; the journal is gone through all the same.
    fs::write(desk.path("state/hq.state.json"), b"").unwrap();
    let mut changed = lines.clone();
    let record = change(&mut changed);
    desk.write_lines(&changed);
    let told = desk.run("journal verify");
    assert_eq!(told.code, 1);
    assert!(
        told.said()
            .contains(&format!("record {record} (line {record}) was changed")),
        "{told:?}"
    );
    assert!(
        told.said()
            .contains("nothing tells whether the last records are all there"),
        "{told:?}"
    );
    // A line that a crash cut off is none that somebody changed.
    desk.write_lines(&lines);
    let state = desk.kept();
    fs::copy(
        desk.path("state/versions/hq/00000001.state.json"),
        desk.path("state/hq.state.json"),
    )
    .unwrap();
    let journal = &state[Path::new("hq.journal.jsonl")];
    fs::write(
        desk.path("state/hq.journal.jsonl"),
        &journal[..journal.len() - 20],
    )
    .unwrap();
    let told = desk.done("journal verify").said();
    assert!(told.contains("was cut off by a crash"), "{told}");
}
