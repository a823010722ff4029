//! The small languages: subnets, names, GUIDs, versions, patterns, paths, and the expression of `InvalidSubnets`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{
    CountedKind, Declared, Desired, DesiredSite, Guid, Lifecycle, Name, NameKey, Origin, Role,
    SiteKind, Subnet, Version, glob,
};
use crate::plan::{Note, Severity};
use crate::profile::ItemPath;
use crate::select::World;
use crate::smp::{ScratchName, documentation};
use crate::validate::{View, check};

/// A text in one of the small languages: the first byte chooses which.
pub fn expressions(data: &[u8]) {
    let Some((which, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match which % 8 {
        0 => invalid_subnets(text),
        1 => subnet(text),
        2 => names(text),
        3 => guid(text),
        4 => words(text),
        5 => pattern(text),
        6 => path(text),
        _ => near(text),
    }
}

fn declared(expression: &str, subnets: &[Subnet]) -> Desired {
    let origin = Origin {
        file: Arc::from("fuzzing.yaml"),
        line: 1,
        column: 1,
    };
    let name = Name::new("HQ");
    let site = DesiredSite {
        name: name.clone(),
        kind: SiteKind::Site,
        origin: origin.clone(),
        description: None,
        subnets: Some(subnets.iter().map(|net| (*net, origin.clone())).collect()),
        servers: None,
        constrain: None,
        deploy_tasks: Vec::new(),
        formerly: Vec::new(),
        lifecycle: Lifecycle::default(),
    };
    let mut desired = Desired {
        sites: BTreeMap::from([(name, site)]),
        ..Desired::default()
    };
    desired.settings.invalid_subnets = Some(Declared {
        value: expression.to_owned(),
        origin,
    });
    desired
}

fn findings(desired: &Desired) -> Vec<Note> {
    let world = World::declared(desired);
    let mut notes = check(&View::declared(&world, desired));
    notes.retain(|note| note.id == "invalid-subnets-regex");
    notes
}

/// What the check says of an expression is what the expression does, as far as it can be told here.
fn invalid_subnets(text: &str) {
    let subnets: Vec<Subnet> = ["10.0.0.0/24", "169.254.0.0/16"]
        .iter()
        .filter_map(|net| net.parse().ok())
        .collect();
    let desired = declared(text, &subnets);
    let notes = findings(&desired);
    assert_eq!(notes, findings(&desired));
    assert!(notes.len() <= 1, "{notes:?}");
    let matches = |expression: &regex::Regex| {
        subnets
            .iter()
            .any(|subnet| expression.is_match(&subnet.to_string()))
    };
    match (notes.first(), regex::Regex::new(text)) {
        (None, compiled) => {
            let compiled = compiled.expect("nothing is said of an expression that is none");
            assert!(!matches(&compiled), "`{text}` forbids a declared subnet");
        }
        (Some(note), compiled) => {
            assert!(!note.message.contains('\n') && !note.places.is_empty());
            if note.message.contains("forbids 10") || note.message.contains("forbids 169") {
                assert_eq!(note.severity, Severity::Error);
                assert!(matches(&compiled.expect("it compiles")), "`{text}`");
            }
        }
    }
}

fn subnet(text: &str) {
    match text.parse::<Subnet>() {
        Ok(subnet) => {
            let written = subnet.to_string();
            assert_eq!(written.parse::<Subnet>(), Ok(subnet));
            assert_eq!(text.trim(), written, "one spelling alone is taken");
            assert!(subnet.contains(subnet.network()));
            assert!(subnet.encloses(subnet));
            let (first, last) = subnet.range();
            assert_eq!(u64::from(last - first) + 1, subnet.size());
        }
        Err(error) => {
            let told = error.to_string();
            assert!(told.starts_with("expected"), "{told}");
            assert!(told.len() < 1000, "{told}");
        }
    }
}

fn names(text: &str) {
    let name = Name::new(text);
    assert_eq!(
        NameKey::new(name.key().as_str()),
        *name.key(),
        "folding twice"
    );
    assert!(name.names_same(&name));
    assert!(name.host().len() <= name.as_str().len());
    match Name::declared(text) {
        Ok(declared) => {
            assert_eq!(Name::declared(declared.as_str()), Ok(declared.clone()));
            assert!(!declared.as_str().chars().any(char::is_control));
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
    if let Some(scratch) = ScratchName::recognise(text) {
        assert_eq!(scratch.as_str(), text);
    }
    assert!(!documentation().is_empty());
}

fn guid(text: &str) {
    match text.parse::<Guid>() {
        Ok(guid) => {
            assert_eq!(guid.to_string().parse::<Guid>(), Ok(guid));
            assert_eq!(format!("{{{guid}}}").parse::<Guid>(), Ok(guid));
            let json = serde_json::to_string(&guid).expect("a GUID can be written");
            assert_eq!(serde_json::from_str::<Guid>(&json).ok(), Some(guid));
        }
        Err(error) => assert!(error.to_string().starts_with("expected"), "{error}"),
    }
}

fn words(text: &str) {
    match text.parse::<Version>() {
        Ok(version) => assert_eq!(version.to_string().parse::<Version>().ok(), Some(version)),
        Err(error) => assert!(error.to_string().starts_with("expected"), "{error}"),
    }
    if let Ok(kind) = text.parse::<CountedKind>() {
        assert_eq!(kind.to_string().parse::<CountedKind>().ok(), Some(kind));
    }
    if let Ok(role) = text.parse::<Role>() {
        assert_eq!(role.to_string().parse::<Role>().ok(), Some(role));
    }
}

/// Patterns with `*` and `?` against an expression that says the same.
fn pattern(text: &str) {
    let (pattern, subject) = text.split_once('\n').unwrap_or((text, ""));
    if pattern.len() > 64 {
        return;
    }
    let mut same = String::from("(?s)^");
    for character in pattern.chars() {
        match character {
            '*' => same.push_str(".*"),
            '?' => same.push('.'),
            other => same.push_str(&regex::escape(&other.to_string())),
        }
    }
    same.push_str(r"\z");
    let same = regex::Regex::new(&same).expect("an expression");
    assert_eq!(glob(pattern, subject), same.is_match(subject));
}

fn path(text: &str) {
    match text.parse::<ItemPath>() {
        Ok(path) => {
            assert_eq!(path.to_string().parse::<ItemPath>(), Ok(path.clone()));
            let document = roxmltree::Document::parse("<item a='1'><b c='2'>x</b><b/></item>");
            let document = document.expect("XML");
            assert_eq!(path.find(&document, None), path.find(&document, None));
        }
        Err(error) => assert_eq!(error.text, text),
    }
}

fn near(text: &str) {
    let known = ["subnets", "servers", "description"];
    if let Some(nearest) = crate::model::nearest(text, &known) {
        assert!(known.contains(&nearest));
    }
}
