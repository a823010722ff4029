//! Property: whatever a document looks like, a splice changes the value and no other byte.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::model::Guid;
use crate::profile::{Setting, Spelling};

fn setting(path: &str) -> Setting {
    Setting {
        path: Some(path.parse().unwrap()),
        on: Some("1".into()),
        ..Setting::default()
    }
}

fn text(value: &str) -> Wanted {
    Wanted::Text(value.into())
}

fn check(xml: &str, path: &str, wanted: &Wanted, expected: &str) {
    assert_eq!(splice(xml, &setting(path), None, wanted).unwrap(), expected);
}

#[test]
fn values_are_replaced_where_they_stand() {
    check(
        "<a b='1' c=\"2\"/>",
        "/a/@b",
        &text("x\"'<&"),
        "<a b='x&quot;&apos;&lt;&amp;' c=\"2\"/>",
    );
    check("<a><b> 1 </b></a>", "/a/b", &text("2"), "<a><b> 2 </b></a>");
    check(
        "<a><b><![CDATA[1]]></b></a>",
        "/a/b",
        &text("2"),
        "<a><b>2</b></a>",
    );
    check(
        "<a><x:b xmlns:x='u' /></a>",
        "/a/b",
        &text("2"),
        "<a><x:b xmlns:x='u' >2</x:b></a>",
    );
    check("<a><b></b></a>", "/a/b", &text("2"), "<a><b>2</b></a>");
    check(
        "<a x='>'><b y=\"/>\">1</b></a>",
        "/a/b",
        &text(""),
        "<a x='>'><b y=\"/>\"></b></a>",
    );
    check("<a b = '1'/>", "/a/@b", &text("2"), "<a b = '2'/>");
}

#[test]
fn what_is_not_there_is_inserted_as_learned() {
    check("<a ><c/></a>", "/a/@b", &text("1"), "<a b=\"1\" ><c/></a>");
    check("<a c='/'/>", "/a/@b", &text("1"), "<a c='/' b=\"1\"/>");
    check("<a c='1' b='1'/>", "/a/@b", &Wanted::Nothing, "<a c='1'/>");
    check("<a/>", "/a/@b", &Wanted::Nothing, "<a/>");
    let site: Guid = "8f2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b11".parse().unwrap();
    let listed = Setting {
        on: Some(String::new()),
        insert: Some("<x:s g='{site}'/>".into()),
        spelling: Some(Spelling::UpperInBraces),
        ..setting("/a/l/s[@g='{site}']")
    };
    let inserted = "<x:s g='{8F2C6B0E-5B1F-4C39-9D0C-3F6F0E6A7B11}'/>";
    for (before, after) in [
        (
            "<a xmlns:x='u'><l>\n  <x:s g='q'/>\n</l></a>",
            format!("<a xmlns:x='u'><l>\n  <x:s g='q'/>{inserted}\n</l></a>"),
        ),
        (
            "<a xmlns:x='u'><l/></a>",
            format!("<a xmlns:x='u'><l>{inserted}</l></a>"),
        ),
    ] {
        let on = splice(before, &listed, Some(site), &text("")).unwrap();
        assert_eq!(on, after);
        // And back, but for an element that was empty.
        let off = splice(&on, &listed, Some(site), &Wanted::Nothing).unwrap();
        assert_eq!(off.replace("<l></l>", "<l/>"), before);
    }
}

#[test]
fn guids_are_spelled_as_they_were() {
    let guid: Guid = "8f2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b11".parse().unwrap();
    check(
        "<a b='{AAAAAAAA-5B1F-4C39-9D0C-3F6F0E6A7B11}'/>",
        "/a/@b",
        &Wanted::Guid(guid),
        "<a b='{8F2C6B0E-5B1F-4C39-9D0C-3F6F0E6A7B11}'/>",
    );
    let known = Setting {
        spelling: Some(Spelling::Upper),
        ..setting("/a/@b")
    };
    let spelled = splice("<a b=''/>", &known, None, &Wanted::Guid(guid)).unwrap();
    assert_eq!(spelled, "<a b='8F2C6B0E-5B1F-4C39-9D0C-3F6F0E6A7B11'/>");
    let unknown = splice("<a b=''/>", &setting("/a/@b"), None, &Wanted::Guid(guid));
    assert!(matches!(unknown, Err(SpliceError::Spelling { .. })));
}

#[test]
fn what_is_not_one_value_is_refused() {
    let told = Setting {
        off: Some("0".into()),
        ..setting("/a/@b")
    };
    for (xml, setting, wanted) in [
        ("<a><b/><b/></a>", setting("/a/b"), text("1")),
        ("<a><b><c/></b></a>", setting("/a/b"), text("1")),
        ("<a><b>1<!-- c --></b></a>", setting("/a/b"), text("1")),
        ("<a/>", setting("/a/b"), text("1")),
        ("<a/>", told, text("1")),
        ("<a b='1'/>", setting("/a/@b"), text("\u{1}")),
        ("<a b='1'", setting("/a/@b"), text("1")),
        ("<!DOCTYPE a><a b='1'/>", setting("/a/@b"), text("1")),
    ] {
        let found = splice(xml, &setting, None, &wanted);
        assert!(found.is_err(), "{xml}: {found:?}");
    }
}

/// A piece of content that no splice may touch.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("<![CDATA[</v> ]] > <v a=\"1\">]]>".to_owned()),
        Just("<!-- <v>no</v> '\" -->".to_owned()),
        Just("<?pi <v> ?>".to_owned()),
        Just("&amp;&#x41;&lt;&#13;".to_owned()),
        Just("\r\n\t ".to_owned()),
        Just("<q:w xmlns:q='urn:&quot;>' q:a = \"'>/\" b='\r\n'/>".to_owned()),
        Just("<other v='x'>Ä€\u{1f600}</other>".to_owned()),
        "[a-z äß']{0,6}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9{}-]{1,12}",
        "[ -~äß€]{1,10}",
        Just("\t\n\r<&>\"'x".to_owned())
    ]
    .prop_map(|value| value.trim().to_owned())
    .prop_filter("a value", |value| !value.is_empty())
}

/// Where the value stands in its element, raw.
fn holder() -> impl Strategy<Value = (&'static str, &'static str, &'static str)> {
    prop_oneof![
        Just(("/r/v", "<p:v xmlns:p='u'>", "</p:v>")),
        Just(("/r/v", "<v x='>' y=\"/>\">\r\n ", "\t</v>")),
        Just(("/r/v", "<v  >", "</v  >")),
        Just((
            "/r/v/@n:a",
            "<v xmlns:n='u' b='1'\r\n n:a = '",
            "' c=\"'\"></v>"
        )),
        Just(("/r/v/@a", "<v a=\"", "\" b='1'/>")),
    ]
}

proptest! {
    #[test]
    fn every_other_byte_is_kept(
        head in prop_oneof![Just(""), Just("\u{feff}"), Just("<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n"), Just("\r\n <!-- x -->")],
        before in prop::collection::vec(piece(), 0..5),
        after in prop::collection::vec(piece(), 0..5),
        (path, open, close) in holder(),
        old in "[a-z0-9&;]{0,0}|[a-z0-9]{1,9}|&amp;&#65;",
        new in value(),
        tail in prop_oneof![Just(""), Just("\r\n"), Just("<!-- end -->")],
    ) {
        // Where there is nothing, all white space is before and after it at once.
        prop_assume!(!old.is_empty() || !open.ends_with(char::is_whitespace));
        let prefix = format!("{head}<r z='&#9;>'>{}{open}", before.concat());
        let suffix = format!("{close}{}</r>{tail}", after.concat());
        let xml = format!("{prefix}{old}{suffix}");
        let setting = setting(&path.replace("n:", ""));
        let changed = splice(&xml, &setting, None, &Wanted::Text(new.clone())).unwrap();
        prop_assert!(changed.starts_with(&prefix), "{xml:?} -> {changed:?}");
        prop_assert!(changed.ends_with(&suffix), "{xml:?} -> {changed:?}");
        // What stands between is the value and nothing else.
        let document = parse(&changed).unwrap();
        let found = setting.path.clone().unwrap().find(&document, None).values;
        prop_assert_eq!(found, vec![new.trim().to_owned()]);
        // Back again: the old document, but for how the old value was written.
        let old_value = setting.path.clone().unwrap().find(&parse(&xml).unwrap(), None).values.remove(0);
        let back = splice(&changed, &setting, None, &Wanted::Text(old_value)).unwrap();
        prop_assert!(differences(&xml, &back).unwrap().is_empty());
        prop_assert!(back.starts_with(&prefix) && back.ends_with(&suffix));
    }
}
