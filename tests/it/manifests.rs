//! Manifests: every file under `tests/manifests` against its recorded diagnostics, the examples, the schema, inputs
//! that are meant to break the reader, and properties.
//!
//! `SITEWRIGHT_RECORD=1` writes the recordings and `schemas/manifest.json` anew.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sitewright::manifest::{self, Source, Workspace};
use sitewright::model::{Desired, Name, PackageSelector};
use sitewright::render;
use sitewright::select::World;
use sitewright::validate::{self, View, check};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn recording() -> bool {
    std::env::var_os("SITEWRIGHT_RECORD").is_some()
}

/// What a user sees who validates one file; empty where it is right.
fn faults(path: &Path) -> String {
    let name = format!("./{}", path.file_name().unwrap().to_string_lossy());
    let bytes = fs::read(path).unwrap();
    let sources = match manifest::load(&["-".into()], bytes.as_slice()) {
        Ok(sources) => sources,
        Err(error) => return manifest::render(&error.diagnostics, &error.faulty, false),
    };
    let sources: Vec<Source> = sources
        .iter()
        .map(|source| Source::new(&name, &source.text))
        .collect();
    shown(&sources)
}

fn shown(sources: &[Source]) -> String {
    let read = manifest::read(sources);
    let mut diagnostics = read.diagnostics;
    let ids: Vec<&str> = validate::checks().map(|check| check.id).collect();
    diagnostics.extend(manifest::check_allowed(&read.documents, &ids));
    if diagnostics.is_empty() {
        diagnostics.extend(
            manifest::desired(&read.documents, None)
                .err()
                .unwrap_or_default(),
        );
        diagnostics.extend(Workspace::of(&read.documents).err().unwrap_or_default());
    }
    manifest::render(&diagnostics, sources, false)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("tests/manifests").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn invalid_manifests_say_what_is_recorded() {
    let mut wrong = String::new();
    for file in files("invalid") {
        let found = faults(&file);
        assert!(!found.is_empty(), "{} has no fault", file.display());
        let record = file.with_extension("stderr");
        if recording() {
            fs::write(&record, &found).unwrap();
        } else {
            let expected = fs::read_to_string(&record)
                .unwrap_or_default()
                .replace("\r\n", "\n");
            if expected != found {
                writeln!(
                    wrong,
                    "{}\nexpected:\n{expected}\nfound:\n{found}",
                    file.display()
                )
                .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn valid_manifests_have_no_fault() {
    for file in files("valid") {
        assert_eq!(faults(&file), "", "{}", file.display());
    }
}

/// Each file of `tests/manifests/checks` is a manifest that is read without a fault and on which the check that it is
/// named after fires: `ID.yaml`, or `ID.VARIANT.yaml` for another case of the same check.
#[test]
fn checks_find_what_is_recorded() {
    let mut wrong = String::new();
    for file in files("checks") {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        let id = stem.split('.').next().unwrap();
        let name = file.file_name().unwrap().to_string_lossy();
        let text = fs::read_to_string(&file).unwrap();
        let wanted = desired(&[Source::new(&name, &text)]);
        let notes = check(&View::declared(&World::declared(&wanted), &wanted));
        assert!(
            notes.iter().any(|note| note.id == id),
            "{name}: `{id}` does not fire"
        );
        let found = render::text::notes(&notes, &render::Style::default());
        let record = file.with_extension("stdout");
        if recording() {
            fs::write(&record, &found).unwrap();
        } else {
            let expected = fs::read_to_string(&record)
                .unwrap_or_default()
                .replace("\r\n", "\n");
            if expected != found {
                writeln!(wrong, "{name}\nexpected:\n{expected}\nfound:\n{found}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn example(name: &str) -> Vec<Source> {
    let folder = root().join("examples").join(name);
    manifest::load(&[folder], std::io::empty()).unwrap()
}

fn desired(sources: &[Source]) -> Desired {
    let read = manifest::read(sources);
    assert!(
        read.diagnostics.is_empty(),
        "{}",
        manifest::render(&read.diagnostics, sources, false)
    );
    manifest::desired(&read.documents, None)
        .unwrap_or_else(|faults| panic!("{}", manifest::render(&faults, sources, false)))
}

#[test]
fn examples_are_read() {
    let sources = example("deployment-site");
    let wanted = desired(&sources);
    let site = &wanted.sites[&Name::new("deployment_site")];
    assert_eq!(site.subnets.as_ref().unwrap().len(), 2);
    assert!(site.constrain.as_ref().unwrap().value);
    let packages: Vec<String> = wanted.packages.keys().map(ToString::to_string).collect();
    assert_eq!(
        packages,
        ["Win11-24H2 golden", "packages of task Deploy Win11"]
    );
    let workspace = Workspace::of(&manifest::read(&sources).documents)
        .unwrap()
        .unwrap();
    assert_eq!(workspace.platforms[0].url, "sim:flat-lan");
    let vlan = desired(&example("isolated-vlan"));
    assert!(
        vlan.packages
            .contains_key(&PackageSelector::Task(Name::new("Deploy Win11")))
    );
}

#[test]
fn the_schema_is_fresh() {
    let path = root().join("schemas/manifest.json");
    let schema = serde_json::to_string_pretty(&manifest::schema()).unwrap() + "\n";
    if recording() {
        fs::write(&path, &schema).unwrap();
    }
    let found = fs::read_to_string(&path)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    assert!(
        found == schema,
        "run with SITEWRIGHT_RECORD=1 to write {}",
        path.display()
    );
}

/// Every document of a file as JSON, by a YAML reader that knows nothing of manifests.
fn as_json(text: &str) -> Vec<serde_json::Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

#[test]
fn examples_and_valid_manifests_meet_the_schema() {
    let schema = manifest::schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut texts = Vec::new();
    for name in ["deployment-site", "isolated-vlan"] {
        for source in example(name) {
            assert!(
                source.text.starts_with("# yaml-language-server: $schema="),
                "{}",
                source.name
            );
            texts.push(source);
        }
    }
    for file in files("valid") {
        // Its words are text where a kind wants text; a reader that knows no kinds takes some for something else.
        if file.ends_with("yaml-surprises.yaml") || file.ends_with("crlf-bom.yaml") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        texts.push(Source::new(&file.to_string_lossy(), &text));
    }
    for source in texts {
        for document in as_json(&source.text) {
            let faults: Vec<String> = validator
                .iter_errors(&document)
                .map(|fault| fault.to_string())
                .collect();
            assert!(faults.is_empty(), "{}: {faults:?}", source.name);
        }
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = jsonschema::validator_for(&manifest::schema()).unwrap();
    let head = "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: A }\n";
    for (spec, right) in [
        ("spec: { subnets: [10.0.0.0/8] }", true),
        ("spec: { subnets: [10.0.0.0/33] }", false),
        ("spec: { subnets: null }", false),
        ("spec: { subnet: [] }", false),
        ("spec: { imaging: {} }", false),
        ("spec: { constrainToSite: 'true' }", false),
        ("spec: { servers: [{ name: A, roles: [pakage] }] }", false),
        ("spec: { servers: [{ roles: [package] }] }", false),
    ] {
        let text = format!("{head}{spec}\n");
        let document = as_json(&text).remove(0);
        assert_eq!(validator.is_valid(&document), right, "schema: {spec}");
        let read = manifest::read(&[Source::new("a.yaml", &text)]);
        assert_eq!(read.diagnostics.is_empty(), right, "reader: {spec}");
    }
}

#[test]
fn every_property_of_the_schema_is_described() {
    fn walk(value: &serde_json::Value, path: &str, missing: &mut Vec<String>) {
        let Some(fields) = value.as_object() else {
            if let Some(items) = value.as_array() {
                for item in items {
                    walk(item, path, missing);
                }
            }
            return;
        };
        if let Some(properties) = fields.get("properties").and_then(|p| p.as_object()) {
            for (name, property) in properties {
                if property.get("description").is_none() {
                    missing.push(format!("{path}.{name}"));
                }
            }
        }
        for (name, field) in fields {
            walk(field, &format!("{path}.{name}"), missing);
        }
    }
    let mut missing = Vec::new();
    walk(&manifest::schema(), "", &mut missing);
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Reads bytes the way the program does, renders every fault, and gives back the codes.
fn codes(bytes: &[u8]) -> Vec<&'static str> {
    let diagnostics = match manifest::load(&["-".into()], bytes) {
        Err(error) => {
            let _ = manifest::render(&error.diagnostics, &error.faulty, true);
            error.diagnostics
        }
        Ok(sources) => {
            let read = manifest::read(&sources);
            let mut all = read.diagnostics;
            all.extend(
                manifest::desired(&read.documents, None)
                    .err()
                    .unwrap_or_default(),
            );
            let _ = manifest::render(&all, &sources, false);
            all
        }
    };
    diagnostics.iter().map(|fault| fault.code).collect()
}

const HEAD: &str = "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: A }\nspec:\n";

#[test]
fn inputs_that_are_no_manifest_are_errors() {
    let document = |spec: &str| format!("{HEAD}{spec}").into_bytes();
    assert_eq!(codes(b""), ["SW0111"]);
    assert_eq!(codes(b"# nothing\n"), ["SW0111"]);
    assert_eq!(codes(b"---\n---\n"), ["SW0111", "SW0111"]);
    assert_eq!(codes(b"a: \xFF\n"), ["SW0103"]);
    assert_eq!(codes(b"\xFF\xFEa\0:\0"), ["SW0104"]);
    assert_eq!(codes(b"\xFE\xFF\0a\0:"), ["SW0104"]);
    assert_eq!(codes(b"a\0p\0i\0V\0"), ["SW0104"]);
    assert_eq!(codes(b"a: \x07\n"), ["SW0105"]);
    assert_eq!(codes(b"a: 1\rb: 2\r\n"), ["SW0105"]);
    assert_eq!(codes(b"a: \x00\n"), ["SW0105"]);
    assert_eq!(codes(&document("\tdescription: a\n")), ["SW0110"]);
    let big = vec![b' '; 100 * 1024 * 1024];
    assert_eq!(codes(&big), ["SW0102"]);
    let long = format!("  description: {}\n", "x".repeat(5 * 1024 * 1024));
    assert_eq!(codes(&document(&long)), ["SW0137"]);
    let deep = format!("  subnets: {}\n", "[".repeat(100_000));
    assert_eq!(codes(&document(&deep)), ["SW0112"]);
    let deep = "- ".repeat(100_000);
    assert_eq!(codes(deep.as_bytes()), ["SW0112"]);
    let mut deep = String::new();
    for level in 0..2_000 {
        writeln!(deep, "{}a:", " ".repeat(level)).unwrap();
    }
    assert_eq!(codes(deep.as_bytes()), ["SW0112"]);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{before}]").unwrap();
    }
    assert_eq!(codes(bomb.as_bytes()), ["SW0112"]);
    assert_eq!(codes(b"a: &a [*a]\n"), ["SW0110"]);
    let many = format!("  subnets: [{}]\n", "a,".repeat(2_000_000));
    assert_eq!(codes(&document(&many)), ["SW0112"]);
}

#[test]
fn a_bad_document_does_not_hide_the_rest() {
    let right = format!("{HEAD}  description: a\n");
    let text = format!("a: [\n---\n{right}---\nkind: Sit\n---\n\"\n");
    let sources = [Source::new("a.yaml", &text)];
    let read = manifest::read(&sources);
    assert_eq!(read.documents.len(), 1);
    let lines: Vec<u32> = read
        .diagnostics
        .iter()
        .map(|fault| fault.labels[0].origin.line)
        .collect();
    assert!(read.diagnostics.len() >= 3, "{lines:?}");
    assert_eq!(read.documents[0].origin.line, 5);
}

#[test]
fn line_ends_marks_and_missing_newlines_are_fine() {
    let text = format!("{HEAD}  description: |\n    a\n    b\n  subnets: [10.0.0.0/8]");
    let plain = desired(&[Source::new("a", &text)]);
    let dos = desired(&[Source::new("a", &text.replace('\n', "\r\n"))]);
    let marked = desired(&[Source::new("a", &format!("\u{FEFF}{text}"))]);
    assert_eq!(plain, dos);
    assert_eq!(plain, marked);
}

#[test]
fn words_that_look_like_something_else_stay_text() {
    for word in [
        "no", "yes", "on", "0o17", "1_000", "12:30", "1e3", "true", "0x1F",
    ] {
        let text = format!("{HEAD}  description: {word}\n");
        let wanted = desired(&[Source::new("a", &text)]);
        let site = &wanted.sites[&Name::new("A")];
        assert_eq!(site.description.as_ref().unwrap().value, word);
        let port = format!(
            "apiVersion: sitewright/v1\nkind: PlatformSettings\nmetadata: {{ name: hq }}\nspec: {{ ports: {{ a: {word} }} }}\n"
        );
        assert_eq!(codes(port.as_bytes()), ["SW0136"], "{word}");
        if word != "true" {
            let flag = format!("{HEAD}  constrainToSite: {word}\n");
            assert_eq!(codes(flag.as_bytes()), ["SW0135"], "{word}");
        }
    }
}

fn many_subnets() -> String {
    let mut text = String::new();
    for site in 0..2_000_u32 {
        writeln!(
            text,
            "---\napiVersion: sitewright/v1\nkind: Site\nmetadata: {{ name: Site {site} }}\nspec:\n  subnets:"
        )
        .unwrap();
        for net in 0..50_u32 {
            let number = site * 50 + net;
            writeln!(
                text,
                "    - 10.{}.{}.{}/30",
                number >> 14,
                number >> 6 & 255,
                (number & 63) * 4
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn a_hundred_thousand_subnets_are_read() {
    let wanted = desired(&[Source::new("big.yaml", &many_subnets())]);
    assert_eq!(wanted.sites.len(), 2_000);
    let mut one = String::new();
    for n in 0..100_000_u32 {
        writeln!(
            one,
            "  - 10.{}.{}.{}/30",
            n >> 14,
            n >> 6 & 255,
            (n & 63) * 4
        )
        .unwrap();
    }
    let one = desired(&[Source::new("one.yaml", &format!("{HEAD}  subnets:\n{one}"))]);
    assert_eq!(
        one.sites[&Name::new("a")].subnets.as_ref().unwrap().len(),
        100_000
    );
}

/// A desired world without its places.
fn meaning(wanted: &Desired) -> String {
    use std::collections::BTreeSet;
    let mut out = String::new();
    for site in wanted.sites.values() {
        let subnets: Option<BTreeSet<String>> = site
            .subnets
            .as_ref()
            .map(|subnets| subnets.keys().map(ToString::to_string).collect());
        let servers: Option<Vec<&Name>> = site.servers.as_ref().map(|s| s.keys().collect());
        writeln!(out, "{} {:?} {subnets:?} {servers:?}", site.name, site.kind).unwrap();
    }
    for server in wanted.servers.values() {
        writeln!(out, "{} {:?}", server.name, server.roles.keys()).unwrap();
    }
    for package in wanted.packages.values() {
        writeln!(
            out,
            "{} {:?} {:?}",
            package.selector, package.assignment, package.sites
        )
        .unwrap();
    }
    writeln!(
        out,
        "{:?}",
        wanted.settings.capture_target.as_ref().map(|t| &t.value)
    )
    .unwrap();
    out
}

fn pieces() -> Vec<String> {
    let mut pieces: Vec<String> = example("deployment-site")
        .iter()
        .flat_map(|source| {
            source
                .text
                .split("\n---\n")
                .map(|piece| format!("{piece}\n"))
                .collect::<Vec<_>>()
        })
        .collect();
    pieces.push("apiVersion: sitewright/v1\nkind: SiteServer\nmetadata: { name: deploy01.CORP.example }\nspec: { roles: [task, package] }\n".into());
    pieces.push("apiVersion: sitewright/v1\nkind: Package\nmetadata: { name: WIN11-24h2 golden }\nspec: { assignment: { servers: [DEPLOY01.corp.example, BRANCH.corp.example] } }\n".into());
    pieces.push("apiVersion: sitewright/v1\nkind: DeploymentSite\nmetadata: { name: Branch }\nspec: { imaging: { packages: [{ name: Win11-24H2 golden, servers: [BRANCH.corp.example] }] } }\n".into());
    pieces.push("apiVersion: sitewright/v1\nkind: PlatformSettings\nmetadata: { name: hq }\nspec: { captureTarget: deploy01.corp.example, ports: { a: 1 } }\n".into());
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_documents_and_files_does_not_matter(
        order in Just((0..pieces().len()).collect::<Vec<_>>()).prop_shuffle(),
        cut in 0..pieces().len(),
    ) {
        let pieces = pieces();
        let straight = desired(&[Source::new("a.yaml", &pieces.join("---\n"))]);
        let shuffled: Vec<String> = order.iter().map(|position| pieces[*position].clone()).collect();
        let (one, other) = shuffled.split_at(cut);
        let sources: Vec<Source> = [("x.yaml", one), ("b.yaml", other)]
            .iter()
            .filter(|(_, part)| !part.is_empty())
            .map(|(name, part)| Source::new(name, &part.join("---\n")))
            .collect();
        prop_assert_eq!(meaning(&straight).to_lowercase(), meaning(&desired(&sources)).to_lowercase());
    }

    #[test]
    fn the_order_of_sources_does_not_show(
        order in Just((0..pieces().len()).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let sources: Vec<Source> = pieces()
            .iter()
            .enumerate()
            .map(|(number, piece)| Source::new(&format!("{number}.yaml"), piece))
            .collect();
        let shuffled: Vec<Source> = order.iter().map(|position| sources[*position].clone()).collect();
        prop_assert_eq!(desired(&sources), desired(&shuffled));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        codes(&bytes);
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[-a-z:{}\\[\\],&*!|>'\"#%@ \n\t~<0-9.]{0,200}") {
        codes(text.as_bytes());
    }

    #[test]
    fn mutated_documents_never_panic(
        piece in 0..pieces().len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[-a-z:{}\\[\\],&*!|>'\"#é \n\t~0-9]{0,3}", 0..6_usize), 1..8),
    ) {
        let mut text: Vec<char> = pieces()[piece].chars().collect();
        for (at, insert, delete) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + delete).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        codes(text.as_bytes());
    }
}
