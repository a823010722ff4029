//! Examples as servers may show them, with what changes beside.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use super::*;
use crate::model::{Guid, Name};
use crate::profile::{Setting, SettingItem, Spelling, Standing, TypeRole};

const SITE: u128 = 0xab51;
const A: u128 = 0xa1;
const B: u128 = 0xb1;
const ITEM: u128 = 0x17;

fn guid(value: u128) -> Guid {
    Guid::from_u128(value)
}

fn thing(name: &str, value: u128) -> Thing {
    Thing {
        name: Name::new(name),
        guid: guid(value),
    }
}

fn constrain(on: bool) -> Subject {
    Subject::ConstrainToSite {
        site: thing("HQ", SITE),
        on,
    }
}

fn capture() -> Subject {
    Subject::CaptureTarget {
        first: thing("A", A),
        second: thing("B", B),
    }
}

fn tasks() -> Subject {
    Subject::TaskPackages {
        task: thing("Deploy", ITEM),
        package: thing("Image", A),
    }
}

/// A session in which one item said this, look by look.
fn session(subject: Subject, item: u128, texts: &[&str]) -> Session {
    let items = vec![LookedAt {
        guid: guid(item),
        name: "Settings".into(),
    }];
    let mut session = Session::new(guid(1), subject, items);
    for text in texts {
        session.looks.push(Look {
            items: [(guid(item), (*text).to_owned())].into(),
            ..Look::default()
        });
    }
    session
}

fn learned(subject: Subject, item: u128, texts: &[&str]) -> Setting {
    let session = session(subject, item, texts);
    assert_eq!(session.stage(), Stage::Done);
    match session.conclude(&BTreeSet::new()) {
        Ok(Learned::Setting(setting)) => setting,
        other => panic!("{other:?}"),
    }
}

fn refused(subject: Subject, item: u128, texts: &[&str]) -> LearnError {
    session(subject, item, texts)
        .conclude(&BTreeSet::new())
        .unwrap_err()
}

fn path(setting: &Setting) -> String {
    setting.path.as_ref().unwrap().to_string()
}

/// The item of a site with a date and a counter, as a console saves it.
fn own(on: &str, saved: u32) -> String {
    format!(
        "<item version='{saved}'><modified>2026-11-0{saved}</modified><s><c on='{on}'/></s></item>"
    )
}

#[test]
fn a_switch_in_the_site_s_own_item() {
    let texts = [own("0", 1), own("0", 1), own("1", 2), own("0", 3)];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let setting = learned(constrain(false), SITE, &texts);
    assert_eq!(setting.item, Some(SettingItem::Site));
    assert_eq!(path(&setting), "/item/s/c/@on");
    assert_eq!(
        (setting.on.as_deref(), setting.off.as_deref()),
        (Some("1"), Some("0"))
    );
    assert_eq!(setting.standing, Standing::Learned);
    assert!(!setting.write);
    let noise: Vec<String> = setting.noise.iter().map(ToString::to_string).collect();
    assert_eq!(noise, ["/item/@version", "/item/modified"]);
    // The other way round where it was on.
    let texts = [own("1", 1), own("1", 1), own("0", 2), own("1", 3)];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let other = learned(constrain(true), SITE, &texts);
    assert_eq!(other, setting);
}

#[test]
fn a_switch_among_those_of_all_sites() {
    let site = guid(SITE).to_string().to_uppercase();
    let all = |on: &str| {
        format!(
            "<x:a xmlns:x='u'><x:l><x:s x:ref='{{{site}}}' w='1'><x:on>{on}</x:on><x:on2>No</x:on2></x:s></x:l></x:a>"
        )
    };
    let (off, on) = (all("No"), all("Yes"));
    let setting = learned(constrain(false), ITEM, &[&off, &off, &on, &off]);
    assert_eq!(setting.item, Some(SettingItem::Item(guid(ITEM))));
    assert_eq!(path(&setting), "/a/l/s[@ref='{site}']/on");
    assert_eq!(setting.spelling, Some(Spelling::UpperInBraces));
    assert_eq!(setting.insert, None);
}

#[test]
fn what_is_there_only_when_it_is_on() {
    let site = guid(SITE);
    let none = "<a><l><s g='00000000-0000-0000-0000-0000000000ff'/></l></a>";
    let some =
        format!("<a><l><s g='00000000-0000-0000-0000-0000000000ff'/><s g='{site}'/></l></a>");
    let setting = learned(constrain(false), ITEM, &[none, none, &some, none]);
    assert_eq!(path(&setting), "/a/l/s[@g='{site}']");
    assert_eq!((setting.on.as_deref(), setting.off), (Some(""), None));
    assert_eq!(setting.insert.as_deref(), Some("<s g='{site}'/>"));
    // Where it came before others, nobody can say where the next would go.
    let some =
        format!("<a><l><s g='{site}'/><s g='00000000-0000-0000-0000-0000000000ff'/></l></a>");
    let setting = learned(constrain(false), ITEM, &[none, none, &some, none]);
    assert_eq!(setting.insert, None);
    // One value beside the site's GUID is the switch.
    let some = format!(
        "<a><l><s g='00000000-0000-0000-0000-0000000000ff'/><s g='{site}' on='1'/></l></a>"
    );
    let setting = learned(constrain(false), ITEM, &[none, none, &some, none]);
    assert_eq!(path(&setting), "/a/l/s[@g='{site}']/@on");
    // Two are not.
    let some = format!(
        "<a><l><s g='00000000-0000-0000-0000-0000000000ff'/><s g='{site}' on='1' w='2'/></l></a>"
    );
    let error = refused(constrain(false), ITEM, &[none, none, &some, none]);
    assert!(error.to_string().contains("more than one value"), "{error}");
    // An attribute.
    let setting = learned(
        constrain(false),
        SITE,
        &["<a/>", "<a/>", "<a on='1'/>", "<a/>"],
    );
    assert_eq!((path(&setting).as_str(), setting.insert), ("/a/@on", None));
}

#[test]
fn what_cannot_be_attributed_is_refused() {
    let same = "<a on='0' b='0'/>";
    for (texts, code, said) in [
        ([same, same, same, same], "SW0872", "nothing changed"),
        (
            [same, same, "<a on='1' b='0'/>", "<a on='1' b='0'/>"],
            "SW0873",
            "did not go back",
        ),
        (
            [same, same, "<a on='1' b='1'/>", same],
            "SW0874",
            "2 things changed",
        ),
        (
            [same, same, "<a b='0'/>", same],
            "SW0875",
            "told by what is not there",
        ),
        ([same, same, "<a", same], "SW0876", "cannot be read"),
    ] {
        let error = refused(constrain(false), SITE, &texts);
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(
            error.shown().is_empty(),
            matches!(code, "SW0872" | "SW0876")
        );
    }
    // What flickers by itself is no candidate, whatever it does.
    let error = refused(
        constrain(false),
        SITE,
        &[
            same,
            "<a on='0' b='7'/>",
            "<a on='0' b='8'/>",
            "<a on='0' b='7'/>",
        ],
    );
    assert_eq!(error.code(), "SW0873");
    // In an item of all sites, a place that names no site.
    let error = refused(
        constrain(false),
        ITEM,
        &[same, same, "<a on='1' b='0'/>", same],
    );
    assert!(
        error.to_string().contains("does not name the site"),
        "{error}"
    );
    // Nothing tells the element from its like.
    let list = |on: &str| format!("<a><s on='0'>x</s><s on='0'>{on}</s></a>");
    let (off, on) = (list("n"), list("y"));
    let error = refused(constrain(false), SITE, &[&off, &off, &on, &off]);
    assert!(
        error.to_string().contains("nothing tells this `s`"),
        "{error}"
    );
}

#[test]
fn the_change_is_missed_early() {
    let texts = [own("0", 1), own("0", 2), own("0", 3)];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert!(session(constrain(false), SITE, &texts).unchanged().unwrap());
    let texts = [own("0", 1), own("0", 2), own("1", 3)];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert!(!session(constrain(false), SITE, &texts).unchanged().unwrap());
}

#[test]
fn the_default_target() {
    let at = |target: &str, saved: u32| {
        format!(
            "<a v='{saved}'><t u='Other'>{{{}}}</t><t u='Capture'><![CDATA[{target}]]></t></a>",
            guid(9)
        )
    };
    let (a, b) = (format!("{{{}}}", guid(A)), format!("{{{}}}", guid(B)));
    let nil = Guid::NIL.to_string();
    let texts = [at(&nil, 1), at(&nil, 1), at(&a, 2), at(&b, 3), at(&nil, 4)];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let setting = learned(capture(), ITEM, &texts);
    assert_eq!(path(&setting), "/a/t[@u='Capture']");
    assert_eq!(setting.item, Some(SettingItem::Item(guid(ITEM))));
    assert_eq!(setting.spelling, Some(Spelling::LowerInBraces));
    assert_eq!(setting.noise.len(), 1);
    // Where none was set, and the element came with the first.
    let (one, other) = (
        format!("<a><t g='{}'/></a>", guid(A)),
        format!("<a><t g='{}'/></a>", guid(B)),
    );
    let setting = learned(capture(), ITEM, &["<a/>", "<a/>", &one, &other, "<a/>"]);
    assert_eq!(path(&setting), "/a/t/@g");
    // Names beside GUIDs: it cannot be told whether one will do.
    let named = |id: u128, name: &str| format!("<a><t g='{}' n='{name}'/></a>", guid(id));
    let (zero, one, other) = (named(7, "X"), named(A, "A"), named(B, "B"));
    let error = refused(capture(), ITEM, &[&zero, &zero, &one, &other, &zero]);
    assert_eq!(error.code(), "SW0874");
    // Other GUIDs than those of the computers.
    let (zero, one, other) = ("<a g='x'/>", "<a g='y'/>", "<a g='z'/>");
    let error = refused(capture(), ITEM, &[zero, zero, one, other, zero]);
    assert!(
        error.to_string().contains("GUIDs of the two servers"),
        "{error}"
    );
}

#[test]
fn lists_of_packages() {
    let known: BTreeSet<Guid> = [guid(A), guid(B)].into();
    let conclude = |texts: &[&str]| {
        session(tasks(), ITEM, texts)
            .conclude(&known)
            .map(|learned| match learned {
                Learned::Setting(setting) => path(&setting),
                other => panic!("{other:?}"),
            })
    };
    let (a, b) = (guid(A), guid(B));
    let before = format!("<i><s p='{b}'/></i>");
    let after = format!("<i><s p='{b}'/><s p='{{{a}}}'/></i>");
    assert_eq!(
        conclude(&[&before, &before, &after, &before]).unwrap(),
        "/i/s/@p"
    );
    // The first of all, and as text.
    let after = format!("<i><ps><p>{a}</p></ps></i>");
    assert_eq!(
        conclude(&["<i/>", "<i/>", &after, "<i/>"]).unwrap(),
        "/i/ps/p"
    );
    // Other things in the same list, which their kind tells apart.
    let script = guid(0x5c);
    let list = |more: &str| {
        format!(
            "<i><f k='Script'><c p='{script}'/></f><f k='Image' r='2'><c p='{b}'/></f>{more}</i>"
        )
    };
    let (before, after) = (
        list(""),
        list(&format!("<f k='Image' r='3'><c p='{a}'/></f>")),
    );
    assert_eq!(
        conclude(&[&before, &before, &after, &before]).unwrap(),
        "/i/f[@k='Image']/c/@p"
    );
    // Which nothing tells apart.
    let list = |more: &str| format!("<i><c p='{script}'/>{more}</i>");
    let (before, after) = (list(""), list(&format!("<c p='{a}'/>")));
    let error = conclude(&[&before, &before, &after, &before]).unwrap_err();
    assert!(
        error.to_string().contains("stand at the same path"),
        "{error}"
    );
}

#[test]
fn associations_by_what_came_and_went() {
    let subject = || Subject::Association {
        kind: Joined::ServerToSite,
        member: thing("S", A),
        site: thing("HQ", SITE),
    };
    let pair = |association: u128, site_is_parent: bool| Pair {
        association: guid(association),
        name: "Server of Site".into(),
        site_is_parent,
    };
    let conclude = |looks: [&[Pair]; 4]| {
        let mut session = Session::new(guid(1), subject(), Vec::new());
        for pairs in looks {
            session.looks.push(Look {
                pairs: pairs.iter().cloned().collect(),
                ..Look::default()
            });
        }
        session.conclude(&BTreeSet::new())
    };
    let (old, new, more) = (pair(1, true), pair(2, false), pair(3, true));
    let one = std::slice::from_ref(&old);
    let both = [old.clone(), new.clone()];
    let Ok(Learned::Association(found)) = conclude([one, one, &both, one]) else {
        panic!("not learned");
    };
    assert_eq!(
        (found.guid, found.parent),
        (Some(guid(2)), TypeRole::Computer)
    );
    assert_eq!((found.replaces, found.standing), (None, Standing::Learned));
    let three = [old.clone(), new.clone(), more];
    assert_eq!(
        conclude([one, one, &three, one]).unwrap_err().code(),
        "SW0874"
    );
    assert_eq!(
        conclude([one, one, &both, &both]).unwrap_err().code(),
        "SW0873"
    );
    assert_eq!(conclude([one, one, one, one]).unwrap_err().code(), "SW0872");
}

#[test]
fn a_session_goes_round_and_says_what_is_next() {
    let mut one = session(capture(), ITEM, &[]);
    let mut said = Vec::new();
    while one.stage() != Stage::Done {
        one.looks.push(Look {
            items: [(guid(ITEM), "<a b=\"'\u{e4}'\"/>\r\n".to_owned())].into(),
            ..Look::default()
        });
        said.extend(one.act());
        assert_eq!(Session::from_json(&one.to_json().unwrap()).unwrap(), one);
    }
    assert_eq!(
        said,
        [
            "set the default target to `A`",
            "set the default target to `B`",
            "set the default target back to what it was before"
        ]
    );
    for text in ["", "{}", "[1]"] {
        assert!(Session::from_json(text).is_err());
    }
    let newer = one
        .to_json()
        .unwrap()
        .replace("\"formatVersion\": 1", "\"formatVersion\": 2");
    assert!(matches!(
        Session::from_json(&newer),
        Err(SessionError::Version { found: 2 })
    ));
}
