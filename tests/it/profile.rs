//! The server profile against simulators: what is discovered is what somebody who has learned the server says, in every
//! language, and another build is found out.

use std::collections::BTreeMap;
use std::sync::Arc;

use sitewright::model::{Guid, Name, Role};
use sitewright::observe::{
    Decision, Discovery, Question, Told, Wanted, accept_exact, build_change, discover,
};
use sitewright::profile::{self, BuildChange, Profile, ServerEntry, Standing, TypeRole};
use sitewright::smp::Reader;
use sitewright_sim::{Language, Options};

use crate::support::Lab;

const AT: &str = "2026-03-02T08:00:00Z";

fn options(scenario: &str, seed: u64, language: Language) -> Options {
    Options::builtin(scenario)
        .unwrap()
        .with_seed(seed)
        .with_language(language)
}

/// A reader that knows nothing.
fn stranger(lab: &Lab) -> Reader {
    let nothing = Profile::empty(ServerEntry {
        name: Name::new("SMP01.corp.example"),
        guid: Guid::NIL,
        build: None,
    });
    Reader::new(lab.transport.clone(), Arc::new(nothing))
}

async fn discovered(
    lab: &Lab,
    known: Option<&Profile>,
    choose: &mut (dyn FnMut(&Question<'_>) -> Decision + Send),
) -> Discovery {
    let wanted = Wanted {
        server: &Name::new("SMP01.corp.example"),
        known,
        at: AT,
    };
    let before = lab.world().dump();
    let found = discover(&stranger(lab), &wanted, choose).await.unwrap();
    assert_eq!(lab.world().dump(), before, "discovery wrote something");
    found
}

/// The GUIDs, directions and names that matter, without standings.
fn essence(profile: &Profile) -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    for role in TypeRole::ALL {
        if let Some(guid) = profile.type_guid(role) {
            said.insert(format!("types.{}", role.as_str()), guid.to_string());
        }
    }
    let associations = &profile.associations;
    for (name, association) in [
        ("subnetToSite", &associations.subnet_to_site),
        ("serverToSite", &associations.server_to_site),
        ("serviceToComputer", &associations.service_to_computer),
    ] {
        if let Some(found) = association {
            said.insert(
                format!("associations.{name}"),
                format!("{:?} {:?}", found.guid, found.parent),
            );
        }
    }
    for role in Role::ALL {
        if let Some(rule) = profile.roles.of(role) {
            let name = rule.name.as_ref().filter(|_| rule.resource_type.is_none());
            said.insert(
                format!("roles.{role}"),
                format!(
                    "{:?} {:?}",
                    rule.resource_type,
                    name.map(|name| name.to_lowercase())
                ),
            );
        }
    }
    let class = profile.data_classes.tcpip.as_ref();
    said.insert(
        "tcpip".into(),
        format!("{:?}", class.map(|class| class.guid)),
    );
    said.insert(
        "argument".into(),
        format!("{:?}", profile.calls.associated_type_argument),
    );
    let (info, resource) = (
        profile.structures.resource_info.as_ref().unwrap(),
        profile.structures.resource.as_ref().unwrap(),
    );
    said.insert(
        "structures".into(),
        format!(
            "{:?} {:?} {:?} {:?} {:?}",
            info.guid, info.name, info.description, resource.name, resource.data_classes
        ),
    );
    said
}

/// What somebody knows who has learned the server, as far as it can be seen there: where roles are told by the names of
/// services, one that nobody runs has no name.
fn truth(lab: &Lab, found: &Profile) -> BTreeMap<String, String> {
    let mut truth = essence(&lab.profile);
    for role in [Role::NetworkBoot, Role::Monitor] {
        let rule = lab.profile.roles.of(role).unwrap();
        if rule.resource_type.is_none() && found.roles.of(role).is_none() {
            truth.remove(&format!("roles.{role}"));
        }
    }
    truth
}

/// In the languages that are known, whatever the seed, everything is found that the operator of the simulator knows.
#[tokio::test]
async fn what_is_discovered_is_true() {
    for (seed, scenario, language) in [
        (1, "flat-lan", Language::En),
        (2, "branch-offices", Language::En),
        (3, "flat-lan", Language::De),
        (7, "branch-offices", Language::De),
        (11, "empty", Language::En),
    ] {
        let lab = Lab::start(options(scenario, seed, language));
        let found = discovered(&lab, None, &mut accept_exact).await;
        let profile = &found.profile;
        assert_eq!(essence(profile), truth(&lab, profile), "{scenario} {seed}");
        for (path, standing) in profile.clone().entries_mut() {
            assert_eq!(*standing, Standing::Discovered, "{path}");
            let note = profile.provenance.get(&path);
            let note = note.unwrap_or_else(|| panic!("{path} has no provenance"));
            assert_eq!(note.at, AT);
            assert!(!note.how.is_empty());
        }
        let build = profile.server.build.as_ref().unwrap();
        assert!(build.structures.is_some());
        assert_eq!(build.services.as_ref().map(String::len), Some(64));
        assert_eq!(build.version.as_deref(), found.version);

        // Looking again changes nothing, byte for byte.
        let text = profile::to_yaml(profile).unwrap();
        let again = discovered(&lab, Some(profile), &mut accept_exact).await;
        assert_eq!(profile::to_yaml(&again.profile).unwrap(), text);
    }
}

/// Nobody says yes: what may be is listed, also where it depends on something that only may be, and nothing is taken.
#[tokio::test]
async fn what_nobody_confirms_is_listed_and_not_taken() {
    let lab = Lab::start(options("flat-lan", 3, Language::De));
    let found = discovered(&lab, None, &mut |_| Decision::Later).await;
    let told = |entry: &str| {
        let mut findings = found.findings.iter();
        findings.find(|finding| finding.entry == entry).unwrap()
    };
    for entry in [
        "types.site",
        "types.subnet",
        "associations.subnetToSite",
        "associations.serviceToComputer",
        "roles.package",
    ] {
        assert_eq!(told(entry).told, Told::Unconfirmed, "{entry}");
        assert_eq!(found.profile.standing(entry), Standing::Unknown, "{entry}");
        assert!(!told(entry).candidates.is_empty());
    }
    // What is documented or proven by a value needs nobody.
    assert_eq!(told("types.computer").told, Told::Found);
    assert_eq!(told("structures.resource.guid").told, Told::Found);
    assert_eq!(told("calls.associatedTypeArgument").told, Told::Unknown);
    assert_eq!(found.profile.calls.associated_type_argument, None);

    // What somebody confirms next time is added to it, and only that is asked for.
    let mut asked = Vec::new();
    let again = discovered(&lab, Some(&found.profile), &mut |question| {
        asked.push(question.entry.to_owned());
        accept_exact(question)
    })
    .await;
    assert_eq!(essence(&again.profile), truth(&lab, &again.profile));
    assert!(asked.iter().all(|entry| !entry.starts_with("structures.")));
    assert_eq!(asked.len(), 11, "{asked:?}");
    asked.clear();
    discovered(&lab, Some(&again.profile), &mut |question| {
        asked.push(question.entry.to_owned());
        Decision::Leave
    })
    .await;
    // A service that nobody runs has no name yet.
    assert_eq!(asked, ["roles.networkBoot", "roles.monitor"]);
}

/// What somebody gave, learned or proved stays; what is chosen must be there.
#[tokio::test]
async fn an_update_keeps_what_is_known() {
    let lab = Lab::start(options("flat-lan", 1, Language::En));
    let mut known = lab.profile.clone();
    known.types.subnet = None;
    known.associations.subnet_to_site = None;
    // Somebody is mistaken, and says so by hand.
    let wrong = Guid::from_u128(7);
    known.types.package.as_mut().unwrap().guid = Some(wrong);
    known.types.site.as_mut().unwrap().standing = Standing::Learned;
    let found = discovered(&lab, Some(&known), &mut accept_exact).await;
    assert_eq!(found.profile.types.package, known.types.package);
    assert_eq!(found.profile.types.site, known.types.site);
    assert_eq!(found.profile.settings, known.settings);
    assert_eq!(found.profile.evidence, known.evidence);
    assert_eq!(found.profile.standing("types.subnet"), Standing::Discovered);
    let truth = &lab.profile;
    assert_eq!(
        found.profile.type_guid(TypeRole::Subnet),
        truth.type_guid(TypeRole::Subnet)
    );
    assert_eq!(
        found.profile.associations.subnet_to_site.unwrap().guid,
        truth.associations.subnet_to_site.as_ref().unwrap().guid
    );
    let package = found.findings.iter().find(|f| f.entry == "types.package");
    let package = package.unwrap();
    assert_eq!(package.told, Told::Kept);
    assert!(package.evidence.contains("does not have it"), "{package:?}");

    // Discovered and gone is looked for again.
    known.types.package.as_mut().unwrap().standing = Standing::Discovered;
    let found = discovered(&lab, Some(&known), &mut accept_exact).await;
    assert_eq!(
        found.profile.type_guid(TypeRole::Package),
        truth.type_guid(TypeRole::Package)
    );

    // By hand: what is there is taken, what is not is refused.
    known.types.subnet = None;
    let site = truth.type_guid(TypeRole::Site).unwrap();
    for (value, taken) in [
        (site.to_string(), Some(site)),
        ("site".into(), Some(site)),
        (wrong.to_string(), None),
        ("Sit".into(), None),
    ] {
        let found = discovered(&lab, Some(&known), &mut |question| {
            if question.entry == "types.subnet" {
                Decision::Given(value.clone())
            } else {
                Decision::Leave
            }
        })
        .await;
        assert_eq!(found.profile.type_guid(TypeRole::Subnet), taken, "{value}");
    }
}

/// A server with other types, or other services, is another build: what was verified on the old one is not trusted.
#[tokio::test]
async fn another_build_lowers_what_was_verified() {
    let lab = Lab::start(options("flat-lan", 1, Language::En));
    let mut known = discovered(&lab, None, &mut accept_exact).await.profile;
    let changed = async |known: &Profile| {
        lab.server.clear_requests();
        let reader = Reader::new(lab.transport.clone(), Arc::new(known.clone()));
        let change = build_change(&reader).await.unwrap();
        (change, lab.server.requests().len())
    };
    // Nothing rests on the build, so that it is not asked for.
    assert_eq!(changed(&known).await, (None, 0));
    assert!(known.stand("types.site", Standing::Verified));
    assert!(known.stand("types.subnet", Standing::Operator));
    known.note("types.site", AT, "a round trip");
    assert_eq!(changed(&known).await, (None, 1));
    let build = known.server.build.clone().unwrap();

    known.server.build.as_mut().unwrap().structures = Some("2025-12-24T00:00:00".into());
    let (change, requests) = changed(&known).await;
    assert!(matches!(change, Some(BuildChange::Structures { .. })));
    assert_eq!(requests, 1);
    let found = discovered(&lab, Some(&known), &mut accept_exact).await;
    assert_eq!(found.profile.standing("types.site"), Standing::Discovered);
    assert_eq!(found.profile.standing("types.subnet"), Standing::Operator);
    assert_eq!(found.profile.server.build.as_ref(), Some(&build));

    // The services are compared where a profile is discovered.
    known.server.build = Some(profile::Build {
        services: Some("0".repeat(64)),
        ..build.clone()
    });
    assert_eq!(changed(&known).await, (None, 1));
    let found = discovered(&lab, Some(&known), &mut accept_exact).await;
    assert_eq!(found.profile.standing("types.site"), Standing::Discovered);
    known.server.build = Some(build);
    let found = discovered(&lab, Some(&known), &mut accept_exact).await;
    assert_eq!(found.profile.standing("types.site"), Standing::Verified);
    assert_eq!(
        found.profile.provenance.get("types.site"),
        known.provenance.get("types.site")
    );
}

/// In a language that nobody taught it, types and associations are told by shape; which service is which somebody says.
#[tokio::test]
async fn shapes_tell_a_server_in_any_language() {
    for (seed, scenario, language) in [
        (4, "flat-lan", Language::Fr),
        (5, "branch-offices", Language::Fr),
        (6, "isolated-vlan", Language::Ja),
        (9, "branch-offices", Language::Ja),
    ] {
        let lab = Lab::start(options(scenario, seed, language));
        let rules: BTreeMap<String, String> = Role::ALL
            .into_iter()
            .filter_map(|role| {
                let rule = lab.profile.roles.of(role)?;
                let told_by = rule.resource_type.map(|guid| guid.to_string());
                Some((format!("roles.{role}"), told_by.or(rule.name.clone())?))
            })
            .collect();
        let mut shown = BTreeMap::new();
        let found = discovered(
            &lab,
            None,
            &mut |question| match rules.get(question.entry) {
                Some(value) => {
                    assert_eq!(question.fits, None, "{}", question.entry);
                    shown.insert(question.entry.to_owned(), question.candidates.to_vec());
                    Decision::Given(value.clone())
                }
                None => accept_exact(question),
            },
        )
        .await;
        let profile = &found.profile;
        let name = format!("{scenario} {seed}: {:#?}", found.findings);
        assert_eq!(essence(profile), truth(&lab, profile), "{name}");
        // What somebody has to choose from holds what is right.
        for role in ["roles.package", "roles.task"] {
            let right = rules[role].to_lowercase();
            assert!(
                shown[role]
                    .iter()
                    .any(|one| one.value().to_lowercase().starts_with(&right)),
                "{role}: expected {right}, found {:#?}",
                shown[role]
            );
        }
    }
}
