//! A state that is damaged, lost, or parted from its journal: it is found, nothing is written over, `state recover` gets out
//! of it, and the next plan says what it no longer knows.

use std::fs;
use std::path::Path;

use sitewright::state::{State, Store};

use crate::state_commands::{Desk, sites};

const STATE: &str = "state/hq.state.json";
const JOURNAL: &str = "state/hq.journal.jsonl";

/// Damages of a file of every kind that disks, copies and people know, each with its name.
fn damages(whole: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = std::str::from_utf8(whole).unwrap();
    let middle = whole.len() / 2;
    let flipped = |at: usize| {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    vec![
        ("nothing in it", Vec::new()),
        ("one byte", whole[..1].to_vec()),
        ("half of it", whole[..middle].to_vec()),
        ("all but its end", whole[..whole.len() - 2].to_vec()),
        ("zeros of the same length", vec![0; whole.len()]),
        ("blanks", b"  \n\n".to_vec()),
        ("twice", [whole, whole].concat()),
        (
            "a bit in the middle",
            flipped(text.find("\"South\"").unwrap() + 2),
        ),
        (
            "a bit of its checksum",
            flipped(text.find("\"checksum\": \"").unwrap() + 15),
        ),
        (
            "the first half of zeros",
            [&vec![0; middle], &whole[middle..]].concat(),
        ),
        ("another file", b"apiVersion: sitewright/v1\n".to_vec()),
    ]
}

#[test]
fn a_bit_that_flips_anywhere_is_found() {
    let desk = Desk::lived_in();
    let whole = fs::read(desk.path(STATE)).unwrap();
    let state = State::decode(&whole).unwrap();
    let mut meant_the_same = 0;
    for at in 0..whole.len() {
        for bit in [at % 8, (at * 5 + 3) % 8] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            match State::decode(&bytes) {
                Err(_) => {}
                // The case of a digit of a GUID says nothing.
                Ok(found) => {
                    assert_eq!(found, state, "byte {at}, bit {bit}");
                    meant_the_same += 1;
                }
            }
        }
    }
    assert!(
        meant_the_same < whole.len() / 5,
        "{meant_the_same} of {}",
        whole.len()
    );
}

#[test]
fn a_state_that_is_cut_off_anywhere_is_found() {
    let desk = Desk::lived_in();
    let whole = fs::read(desk.path(STATE)).unwrap();
    // The line feed at its end says nothing.
    for length in 0..whole.len() - 1 {
        assert!(State::decode(&whole[..length]).is_err(), "{length} bytes");
    }
}

/// Where others leave 0 bytes and go on with them, we refuse, keep, and make it again.
#[test]
fn whatever_damages_a_state_nothing_is_written_over_and_nothing_is_lost() {
    let desk = Desk::lived_in();
    let whole = fs::read(desk.path(STATE)).unwrap();
    let world = desk.smp.world().dump();
    let mut kept_aside = 0;
    for (what, damaged) in damages(&whole) {
        let before = desk.state();
        fs::write(desk.path(STATE), &damaged).unwrap();
        for line in [
            "plan",
            "apply --yes",
            "state list",
            "state rm Site/North --yes",
            "state restore 1 --yes",
            "plan --refresh=false",
        ] {
            let before = desk.kept();
            let told = desk.run(line);
            assert_eq!(told.code, 1, "{what}: {line}: {told:?}");
            let code = ["error[SW0702]", "error[SW0703]", "error[SW0704]"];
            assert!(
                code.iter().any(|code| told.err.starts_with(code)),
                "{what}: {line}: {told:?}"
            );
            assert!(
                told.said().contains("`sitewright state recover`"),
                "{what}: {told:?}"
            );
            assert_eq!(desk.kept(), before, "{what}: {line}");
        }
        assert_eq!(
            desk.run("state pull").out.into_bytes(),
            String::from_utf8_lossy(&damaged).into_owned().into_bytes()
        );
        let history = desk.done("state history").said();
        assert!(history.contains("damaged (the state)"), "{what}: {history}");
        // Without a terminal it does not ask and does nothing.
        desk.refused("state recover", 64, "SW0001");
        let told = desk.done("state recover --yes").said();
        assert!(
            told.contains("Nothing that is remembered is lost"),
            "{what}: {told}"
        );
        let after = desk.state();
        assert_eq!(after.ownership, before.ownership, "{what}");
        assert_eq!(after.lineage, before.lineage, "{what}");
        assert!(
            after.serial > before.serial,
            "{what}: {} after {}",
            after.serial,
            before.serial
        );
        let aside: Vec<Vec<u8>> = desk
            .kept()
            .into_iter()
            .filter(|(name, _)| name.starts_with("damaged"))
            .map(|(_, bytes)| bytes)
            .collect();
        kept_aside += 1;
        assert_eq!(aside.len(), kept_aside, "{what}");
        assert!(aside.contains(&damaged), "{what}");
        desk.done("journal verify");
        let plan = desk.done("plan --detailed-exitcode").said();
        assert!(!plan.contains("no-state"), "{what}: {plan}");
    }
    assert_eq!(desk.smp.world().dump(), world);
    desk.done("state recover");
}

#[test]
fn the_first_state_of_all_is_made_again_though_no_version_is_kept() {
    for damaged in [b"".as_slice(), b"{}"] {
        let desk = Desk::new();
        desk.done("apply --yes");
        let before = desk.state();
        assert!(!desk.path("state/versions").exists());
        fs::write(desk.path(STATE), damaged).unwrap();
        desk.done("state recover --yes");
        assert_eq!(desk.state().ownership, before.ownership);
        assert!(!desk.state().lineage.is_empty());
        desk.done("plan --detailed-exitcode");
        desk.done("journal verify");
    }
}

#[test]
fn a_version_that_was_half_written_is_passed_over() {
    let desk = Desk::lived_in();
    fs::write(
        desk.path("sites.yaml"),
        sites(&["North", "South", "West", "East"]),
    )
    .unwrap();
    desk.done("apply --yes");
    let before = desk.state();
    let newest = desk.path("state/versions/hq/00000002.state.json");
    let half = fs::read(&newest).unwrap();
    fs::write(&newest, &half[..half.len() / 2]).unwrap();
    fs::write(desk.path(STATE), b"").unwrap();
    let history = desk.done("state history --format json").json();
    let damaged = history
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one.get("damaged").is_some());
    assert_eq!(damaged.count(), 2);
    let told = desk.done("state recover --yes").said();
    assert!(told.contains("from version 1 and the journal"), "{told}");
    assert_eq!(desk.state().ownership, before.ownership);
    // What a crash left of a state that was about to be saved is nothing to anybody.
    fs::write(desk.path("state/hq.state.json.new"), b"{ half").unwrap();
    desk.done("plan --detailed-exitcode");
    desk.done("state rm Site/East --yes");
}

#[test]
fn a_state_that_is_behind_its_journal_catches_up_and_writes_over_no_version() {
    let desk = Desk::lived_in();
    for (number, name) in (4..).zip(["East", "Up", "Down"]) {
        let mut all = vec!["North", "South", "West", "East", "Up", "Down"];
        all.truncate(number);
        assert_eq!(all.last(), Some(&name));
        fs::write(desk.path("sites.yaml"), sites(&all)).unwrap();
        desk.done("apply --yes");
    }
    let before = desk.state();
    assert_eq!(before.serial, 5);
    let versions = |desk: &Desk| {
        let kept = desk.kept();
        kept.into_iter()
            .filter(|(name, _)| name.starts_with("versions"))
            .collect::<Vec<_>>()
    };
    let kept = versions(&desk);
    fs::copy(
        desk.path("state/versions/hq/00000002.state.json"),
        desk.path(STATE),
    )
    .unwrap();
    let told = desk.done("state show").said();
    assert!(
        told.contains("of the journal, which the next apply saves"),
        "{told}"
    );
    assert_eq!(desk.addresses().len(), 6 + 6 + 5);
    desk.done("plan --detailed-exitcode");
    desk.done("state rm Count/sites --yes");
    let after = desk.state();
    assert_eq!(after.ownership.sites, before.ownership.sites);
    assert!(after.serial > before.serial, "{}", after.serial);
    for version in kept {
        assert!(
            versions(&desk).contains(&version),
            "{:?} was written over",
            version.0
        );
    }
    desk.done("journal verify");
    desk.done("plan --detailed-exitcode");
}

#[test]
fn a_state_that_is_ahead_of_its_journal_says_so_and_begins_it_anew() {
    for left in [0, 5] {
        let desk = Desk::lived_in();
        let before = desk.state();
        let lines = fs::read_to_string(desk.path(JOURNAL)).unwrap();
        let begin: String = lines.split_inclusive('\n').take(left).collect();
        fs::write(desk.path(JOURNAL), begin).unwrap();
        let plan = desk.done("plan --detailed-exitcode").said();
        assert!(plan.contains("no-state"), "{plan}");
        assert!(
            plan.contains("nothing that is remembered is missing"),
            "{plan}"
        );
        assert_eq!(desk.run("journal verify").code, 1);
        let told = desk.done("state recover --yes").said();
        assert!(told.contains("missing at the end"), "{told}");
        assert!(
            told.contains("Nothing that is remembered is lost"),
            "{told}"
        );
        assert_eq!(desk.state().ownership, before.ownership);
        desk.done("journal verify");
        let plan = desk.done("plan --detailed-exitcode").said();
        assert!(!plan.contains("no-state"), "{plan}");
        fs::write(
            desk.path("sites.yaml"),
            sites(&["North", "South", "West", "East"]),
        )
        .unwrap();
        desk.done("apply --yes");
        desk.done("journal verify");
    }
}

#[test]
fn a_journal_that_ends_in_half_a_record_is_no_damage() {
    let desk = Desk::lived_in();
    let whole = fs::read(desk.path(JOURNAL)).unwrap();
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    let length = whole.len() - last;
    // The state holds that record already; here it is one that was never saved.
    fs::copy(
        desk.path("state/versions/hq/00000001.state.json"),
        desk.path(STATE),
    )
    .unwrap();
    for left in [1, 2, length / 2, length - 2, length - 1] {
        fs::write(desk.path(JOURNAL), &whole[..last + left]).unwrap();
        desk.done("plan --detailed-exitcode");
        desk.done("journal verify");
        let told = desk.done("state recover").out;
        assert!(told.contains("nothing to recover"), "{told}");
        assert_eq!(
            desk.addresses()
                .iter()
                .filter(|one| one.starts_with("Site/"))
                .count(),
            3
        );
    }
    // With a state of 0 bytes beside it.
    fs::write(desk.path(JOURNAL), &whole[..last + length / 2]).unwrap();
    fs::write(desk.path(STATE), b"").unwrap();
    desk.done("state recover --yes");
    assert_eq!(desk.state().ownership.sites.len(), 3);
    desk.done("journal verify");
    desk.done("plan --detailed-exitcode");
}

#[test]
fn what_is_lost_where_state_and_journal_are_damaged_is_said() {
    let desk = Desk::lived_in();
    let text = fs::read_to_string(desk.path(JOURNAL)).unwrap();
    let damaged = text.replacen("create-site:West", "create-site:Wes", 1);
    fs::write(desk.path(JOURNAL), &damaged).unwrap();
    fs::write(desk.path(STATE), b"").unwrap();
    let told = desk.refused("state recover", 64, "SW0001");
    assert!(told.out.contains("damaged or missing is lost"), "{told:?}");
    desk.done("state recover --yes --reason ticket-4711");
    let aside: Vec<_> = desk
        .kept()
        .into_iter()
        .filter(|(name, _)| name.starts_with("damaged"))
        .collect();
    assert!(aside.iter().any(|(_, bytes)| bytes == damaged.as_bytes()));
    assert!(aside.iter().any(|(_, bytes)| bytes.is_empty()));
    // West is there, declared, and nobody's: it is adopted.
    assert_eq!(desk.state().ownership.sites.len(), 2);
    desk.done("journal verify");
    let plan = desk.done("plan").said();
    assert!(plan.contains("Site West adopted"), "{plan}");
    desk.done("apply --yes");
    assert_eq!(desk.state().ownership.sites.len(), 3);

    // A journal alone that is damaged says what gets out of it.
    let text = fs::read_to_string(desk.path(JOURNAL)).unwrap();
    fs::write(desk.path(JOURNAL), text.replacen('{', "[", 1)).unwrap();
    let told = desk.refused("plan", 1, "SW0732").said();
    assert!(told.contains("`sitewright state recover`"), "{told}");
    let before = desk.state().ownership;
    desk.done("state recover --yes");
    assert_eq!(desk.state().ownership, before);
    desk.done("plan --detailed-exitcode");
    desk.done("journal verify");
}

#[test]
fn what_there_is_nothing_to_make_of_is_refused_or_begun_anew() {
    let desk = Desk::lived_in();
    fs::write(desk.path(STATE), b"").unwrap();
    fs::remove_dir_all(desk.path("state/versions")).unwrap();
    desk.refused("state recover --yes --from version", 1, "SW0771");
    fs::write(desk.path(JOURNAL), b"{}\n{}\n").unwrap();
    desk.refused("state recover --yes --from journal", 1, "SW0771");
    desk.refused("state recover --yes", 1, "SW0771");
    desk.refused("state recover --from adoption", 64, "SW0001");
    assert_eq!(desk.run("state recover --from thin-air").code, 64);
    desk.done("state recover --yes --from adoption");
    let aside: Vec<_> = desk
        .kept()
        .into_iter()
        .filter(|(name, _)| name.starts_with("damaged"))
        .collect();
    assert_eq!(aside.len(), 2);
    assert!(!desk.path(STATE).exists());
}

/// Each way of showing a plan.
const FORMATS: [&str; 4] = ["text", "json", "markdown", "html"];

#[track_caller]
fn said_everywhere(desk: &Desk, what: &str) {
    for format in FORMATS {
        let told = desk.run(&format!("plan --format {format}"));
        let text = told.said().replace("&#39;", "'");
        assert!(text.contains("no-state"), "{format}: {text}");
        assert!(text.contains(what), "{format}: {text}");
    }
    let runs: Vec<String> = (0..2)
        .map(|_| desk.run("plan --format json").json()["notes"].to_string())
        .collect();
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn a_plan_without_its_state_says_what_it_no_longer_knows() {
    let desk = Desk::new();
    // The world has neither site nor subnet of these names.
    for format in FORMATS {
        let told = desk.done(&format!("plan --format {format}"));
        assert!(!told.out.contains("no-state"), "{told:?}");
    }
    desk.done("apply --yes");
    fs::write(desk.path("sites.yaml"), sites(&["North", "South", "West"])).unwrap();
    desk.done("apply --yes");

    // The journal does as well.
    fs::remove_file(desk.path(STATE)).unwrap();
    said_everywhere(&desk, "made of the journal, which holds all of it");
    let told = desk.done("plan --detailed-exitcode").said();
    assert!(!told.contains("adopted"), "{told}");
    // Its end alone does not.
    let text = fs::read_to_string(desk.path(JOURNAL)).unwrap();
    let second: Vec<&str> = text.split_inclusive('\n').collect();
    let begins = second
        .iter()
        .rposition(|line| line.contains("runStarted"))
        .unwrap();
    fs::write(desk.path(JOURNAL), second[begins..].concat()).unwrap();
    said_everywhere(&desk, "no longer knows what stood before it");
    // Versions that are kept tell that there was one.
    fs::remove_file(desk.path(JOURNAL)).unwrap();
    said_everywhere(
        &desk,
        "1 version of the state is kept: this plan no longer knows what Sitewright created",
    );
    let told = desk.refused("state recover", 64, "SW0001").said();
    assert!(told.contains("Missing"), "{told}");
}

#[test]
fn what_losing_all_of_it_costs_is_ownership_and_nothing_else() {
    let desk = Desk::lived_in();
    let world = desk.smp.world().dump();
    desk.done("state recover --yes --from adoption");
    assert!(
        desk.done("plan")
            .said()
            .contains("this plan no longer knows")
    );
    fs::remove_dir_all(desk.path("state")).unwrap();
    said_everywhere(
        &desk,
        "there is no state: what is declared and there is adopted (3 sites, 3 subnets)",
    );
    desk.done("plan --out lost.plan.json");
    let shown = desk.done("show lost.plan.json").said();
    assert!(shown.contains("its state is elsewhere or lost"), "{shown}");
    desk.done("apply --yes");
    assert_eq!(desk.smp.world().dump(), world);
    let told = desk.done("plan --detailed-exitcode").said();
    assert!(!told.contains("no-state"), "{told}");
    // What is adopted is let go of, not deleted, when its declaration goes.
    fs::write(desk.path("sites.yaml"), sites(&["North"])).unwrap();
    desk.done("apply --yes");
    assert_eq!(desk.smp.world().dump(), world);
}

#[test]
fn versions_of_a_state_that_is_lost_keep_their_numbers() {
    let desk = Desk::lived_in();
    desk.done("state rm Count/sites --yes");
    let kept: Vec<_> = desk
        .kept()
        .into_iter()
        .filter(|(name, _)| name.starts_with("versions"))
        .collect();
    assert_eq!(kept.len(), 2);
    desk.done("state recover --yes --from adoption");
    desk.done("apply --yes");
    desk.done("state rm Count/sites --yes");
    for (name, bytes) in kept {
        assert_eq!(desk.kept()[&name], bytes, "{name:?} was written over");
    }
    desk.refused("state restore 2 --yes", 1, "SW0767");
}

/// The program and whatever reads the files beside it agree on which bytes are a state.
#[tokio::test]
async fn a_store_gives_a_damaged_state_to_nobody() {
    let desk = Desk::lived_in();
    let whole = fs::read(desk.path(STATE)).unwrap();
    for (what, damaged) in damages(&whole) {
        fs::write(desk.path(STATE), &damaged).unwrap();
        let store = Store::file(Path::new(&desk.path("state")), "hq");
        assert!(store.load().await.is_err(), "{what}");
        assert!(store.read().await.is_err(), "{what}");
        assert!(
            store.save(&State::decode(&whole).unwrap()).await.is_err(),
            "{what}"
        );
        assert_eq!(fs::read(desk.path(STATE)).unwrap(), damaged, "{what}");
    }
}
