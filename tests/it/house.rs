//! The house rules that no lint holds: what a module may import, exhaustive patterns in the pure stages, a page for
//! every error code, links that lead somewhere, and the form of source files.
//!
//! Each test reads the tree as a reviewer would and names every offender with its place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use regex::Regex;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::visit::Visit;

/// Lines of a source file without its tests.
const LONGEST_FILE: usize = 600;

/// Stages in which a new field must break the build rather than be forgotten.
const EXHAUSTIVE: [&str; 4] = ["diff", "plan", "validate", "render"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below a folder of the project whose name ends so, sorted; hidden folders and what is built left out.
fn files(below: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![below.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    let inside = path.strip_prefix(root()).unwrap_or(path);
    inside.to_string_lossy().replace('\\', "/")
}

fn assert_none(offenders: &[String], rule: &str) {
    assert!(
        offenders.is_empty(),
        "{rule}:\n  {}",
        offenders.join("\n  ")
    );
}

/// A source file of the library without what is there for tests only.
struct Module {
    file: PathBuf,
    /// The modules above its items, outermost first: `["plan", "steps"]`.
    path: Vec<String>,
    syntax: syn::File,
    /// Lines that are not part of a test.
    lines: usize,
}

/// Whether an item is there for tests or for the fuzz targets alone.
fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<TokenStream>().is_ok_and(|what| {
                ["test", "any (test , fuzzing)"].contains(&what.to_string().as_str())
            })
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        _ => &[],
    }
}

/// The library as the compiler sees it without `cfg(test)`, from `lib.rs` along its `mod` declarations.
fn library() -> Vec<Module> {
    let mut modules = Vec::new();
    let source = root().join("src");
    let mut waiting = vec![(source.join("lib.rs"), Vec::new())];
    while let Some((file, path)) = waiting.pop() {
        let text = read(&file);
        let mut syntax =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut lines = text.lines().count();
        syntax.items.retain(|item| {
            let keep = !is_test_only(attributes(item));
            if !keep {
                let span = item.span();
                lines -= span.end().line - span.start().line + 1;
            }
            keep
        });
        for item in &syntax.items {
            if let syn::Item::Mod(module) = item
                && module.content.is_none()
            {
                let name = module.ident.to_string();
                let mut inner: Vec<String> = path.clone();
                inner.push(name);
                let base = source.join(inner.iter().collect::<PathBuf>());
                let flat = base.with_extension("rs");
                let file = if flat.exists() {
                    flat
                } else {
                    base.join("mod.rs")
                };
                waiting.push((file, inner));
            }
        }
        modules.push(Module {
            file,
            path,
            syntax,
            lines,
        });
    }
    modules.sort_by(|one, two| one.file.cmp(&two.file));
    modules
}

/// A name at the top of the crate, used in a file at a line.
type Use = (String, usize);

/// The names at the top of the crate that the paths of a stream go to, macros included.
fn uses(tokens: TokenStream, path: &[String], found: &mut Vec<Use>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let colons = |at: usize| {
        [at, at + 1].iter().all(
            |at| matches!(tokens.get(*at), Some(TokenTree::Punct(mark)) if mark.as_char() == ':'),
        )
    };
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Group(group) => uses(group.stream(), path, found),
            TokenTree::Ident(start) if (start == "crate" || start == "super") && colons(at + 1) => {
                // How many modules stand above what follows.
                let mut depth = if start == "super" {
                    path.len().saturating_sub(1)
                } else {
                    0
                };
                let line = start.span().start().line;
                at += 3;
                while matches!(tokens.get(at), Some(TokenTree::Ident(next)) if next == "super")
                    && colons(at + 1)
                {
                    depth = depth.saturating_sub(1);
                    at += 3;
                }
                match tokens.get(at) {
                    Some(TokenTree::Ident(name)) if depth == 0 => {
                        found.push((name.to_string(), line));
                    }
                    Some(TokenTree::Group(list))
                        if depth == 0 && list.delimiter() == Delimiter::Brace =>
                    {
                        found.extend(first_of_each(list.stream()));
                    }
                    _ => {}
                }
                // What follows is looked at again: a list may hold groups of its own.
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// The first name of each entry of a list in a `use`.
fn first_of_each(list: TokenStream) -> Vec<Use> {
    let mut found = Vec::new();
    let mut is_first = true;
    for token in list {
        match token {
            TokenTree::Ident(name) if is_first => {
                found.push((name.to_string(), name.span().start().line));
                is_first = false;
            }
            TokenTree::Punct(mark) if mark.as_char() == ',' => is_first = true,
            _ => {}
        }
    }
    found
}

/// The table in ARCHITECTURE.md: module → what it may import.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let text = read(&root().join("ARCHITECTURE.md"));
    let name = Regex::new("`([a-z_]+)`").unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip_while(|line| !line.starts_with("| module |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let all: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| name.captures(row[0]))
        .map(|found| found[1].to_owned())
        .collect();
    rows.iter()
        .map(|row| {
            let module = name.captures(row[0]).expect("a module in backticks")[1].to_owned();
            let last = row.last().unwrap();
            let mut may: BTreeSet<String> = if *last == "all" {
                all.clone()
            } else {
                name.captures_iter(last)
                    .map(|found| found[1].to_owned())
                    .collect()
            };
            may.insert("model".to_owned());
            may.insert(module.clone());
            (module, may)
        })
        .collect()
}

#[test]
fn modules_import_only_what_the_architecture_allows() {
    let allowed = allowed();
    let library = library();
    let top: BTreeSet<&String> = library
        .iter()
        .filter_map(|module| module.path.first())
        .collect();
    let listed: BTreeSet<&String> = allowed.keys().collect();
    assert_eq!(
        top, listed,
        "modules in src (left) and in ARCHITECTURE.md (right)"
    );
    let mut offenders = Vec::new();
    for module in &library {
        let Some(own) = module.path.first() else {
            continue; // lib.rs itself
        };
        let mut found = Vec::new();
        uses(module.syntax.to_token_stream(), &module.path, &mut found);
        for (name, line) in found {
            if allowed.contains_key(&name) && !allowed[own].contains(&name) {
                offenders.push(format!(
                    "{}:{line}: `{own}` uses `{name}`",
                    shown(&module.file)
                ));
            }
        }
    }
    assert_none(
        &offenders,
        "imports that the table in ARCHITECTURE.md does not allow",
    );
}

#[test]
fn lib_declares_modules_in_the_order_of_the_architecture() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let declared: Vec<String> = syn::parse_file(&read(&root().join("src/lib.rs")))
        .unwrap()
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Mod(module) if !is_test_only(&module.attrs) => {
                Some(module.ident.to_string())
            }
            _ => None,
        })
        .collect();
    let name = Regex::new(r"(?m)^\| `([a-z_]+)` \|").unwrap();
    let listed: Vec<String> = name
        .captures_iter(&text)
        .map(|found| found[1].to_owned())
        .collect();
    assert_eq!(
        declared, listed,
        "src/lib.rs (left), ARCHITECTURE.md (right)"
    );
}

/// Finds patterns on structs with named fields that pass over fields.
#[derive(Default)]
struct Rests {
    lines: Vec<usize>,
}

/// Whether a path names a variant of an enum, as far as spelling tells: `Action::CreateSite`.
fn is_variant(path: &syn::Path) -> bool {
    let mut backwards = path.segments.iter().rev().skip(1);
    backwards.next().is_some_and(|owner| {
        owner
            .ident
            .to_string()
            .starts_with(|first: char| first.is_uppercase())
    })
}

impl<'ast> Visit<'ast> for Rests {
    fn visit_pat_struct(&mut self, pattern: &'ast syn::PatStruct) {
        if let Some(rest) = &pattern.rest
            && !is_variant(&pattern.path)
        {
            self.lines.push(rest.span().start().line);
        }
        syn::visit::visit_pat_struct(self, pattern);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.is_ident("matches") {
            let pattern = |input: ParseStream<'_>| {
                input.parse::<syn::Expr>()?;
                input.parse::<syn::Token![,]>()?;
                let pattern = syn::Pat::parse_multi_with_leading_vert(input)?;
                input.parse::<TokenStream>()?; // a guard
                Ok(pattern)
            };
            let pattern = pattern
                .parse2(call.tokens.clone())
                .expect("a pattern in matches!");
            let mut inner = Rests::default();
            inner.visit_pat(&pattern);
            self.lines.extend(inner.lines);
        }
    }
}

#[test]
fn pure_stages_destructure_every_field() {
    let mut offenders = Vec::new();
    for module in library() {
        if !module
            .path
            .first()
            .is_some_and(|top| EXHAUSTIVE.contains(&top.as_str()))
        {
            continue;
        }
        let mut rests = Rests::default();
        rests.visit_file(&module.syntax);
        let place = |line: usize| format!("{}:{line}", shown(&module.file));
        offenders.extend(rests.lines.into_iter().map(place));
    }
    assert_none(
        &offenders,
        "`..` in the pattern of a struct: name every field, with a reason where one does not count",
    );
}

#[test]
fn every_error_code_has_a_section() {
    let code = Regex::new(r"SW\d{4}").unwrap();
    let mut used: BTreeMap<String, String> = BTreeMap::new();
    for file in files(&root().join("src"), ".rs") {
        for (index, line) in read(&file).lines().enumerate() {
            if !line.trim_start().starts_with("//") {
                for found in code.find_iter(line) {
                    used.entry(found.as_str().to_owned())
                        .or_insert_with(|| format!("{}:{}", shown(&file), index + 1));
                }
            }
        }
    }
    let page = read(&root().join("docs/errors.md"));
    let headings: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| heading.split_whitespace().next().unwrap_or_default())
        .collect();
    let mut offenders: Vec<String> = used
        .iter()
        .filter(|(code, _)| !headings.contains(&code.as_str()))
        .map(|(code, place)| format!("{code} of {place} has no section"))
        .collect();
    offenders.extend(
        headings
            .iter()
            .filter(|heading| !used.contains_key(**heading))
            .map(|heading| format!("nothing in src has the code of the section {heading}")),
    );
    offenders.extend(
        headings
            .windows(2)
            .filter(|pair| pair[0] >= pair[1])
            .map(|pair| format!("{} stands after {}", pair[1], pair[0])),
    );
    assert_none(&offenders, "docs/errors.md and the codes in src");
}

/// Cells of the tables of a page whose first cell begins with `prefix`.
fn rows(page: &str, prefix: &str) -> Vec<Vec<String>> {
    page.lines()
        .filter(|line| line.starts_with(prefix))
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
}

#[test]
fn every_assumption_has_its_test() {
    let page = read(&root().join("docs/assumptions.md"));
    let rows = rows(&page, "| A");
    assert!(rows.len() > 10, "the table was not found");
    let tests = fs::read_to_string(root().join("tests/it/assumptions.rs")).unwrap_or_default();
    let mut offenders = Vec::new();
    for row in rows {
        let [id, _relied_on, _source, switch, _then, test] = row.as_slice() else {
            offenders.push(format!("a row without six cells: {row:?}"));
            continue;
        };
        let name = switch.trim_matches('`').replace('-', "_");
        if *test != format!("`assumptions::{name}`") {
            offenders.push(format!(
                "{id}: expected the test `assumptions::{name}`, found {test}"
            ));
        }
        if !tests.contains(&format!("fn {name}(")) {
            offenders.push(format!("{id}: tests/it/assumptions.rs has no `{name}`"));
        }
    }
    assert_none(&offenders, "docs/assumptions.md and its tests");
}

#[test]
fn every_guarantee_has_its_test() {
    let page = read(&root().join("docs/guarantees.md"));
    let rows = rows(&page, "| G");
    assert!(rows.len() > 20, "the tables were not found");
    let test = Regex::new("`([a-z_]+(?:::[a-z_]+)+)`").unwrap();
    let mut offenders = Vec::new();
    let mut ids = BTreeSet::new();
    for row in &rows {
        let [id, promise, _under, tests] = row.as_slice() else {
            offenders.push(format!("a row without four cells: {row:?}"));
            continue;
        };
        if !ids.insert(id) {
            offenders.push(format!("{id} stands there twice"));
        }
        if tests.is_empty() && !promise.contains("to be filled in") {
            offenders.push(format!("{id} has no test"));
        }
    }
    // Those of the text between the tables, too.
    for found in test
        .captures_iter(&page)
        .filter(|found| &found[1] != "a::b")
    {
        let (module, name) = found[1].rsplit_once("::").unwrap();
        let path = module.replace("::", "/");
        let is_there = ["tests/it", "src"].into_iter().any(|folder| {
            let file = root().join(folder).join(&path);
            let files = [file.with_extension("rs"), file.join("mod.rs")];
            files.into_iter().any(|file| {
                fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("fn {name}(")))
            })
        });
        if !is_there {
            offenders.push(format!("there is no test `{}`", &found[1]));
        }
    }
    assert_none(&offenders, "docs/guarantees.md and its tests");
}

#[test]
fn links_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut offenders = Vec::new();
    for file in files(root(), ".md") {
        for found in link.captures_iter(&read(&file)) {
            let target = &found[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = if path.is_empty() {
                file.clone()
            } else {
                file.parent().unwrap().join(path)
            };
            if !to.exists() {
                offenders.push(format!("{}: {target}", shown(&file)));
            } else if !anchor.is_empty() && !anchors(&read(&to)).contains(anchor) {
                offenders.push(format!("{}: {target}: no such heading", shown(&file)));
            }
        }
    }
    assert_none(&offenders, "links that lead nowhere");
}

/// The anchors that headings of a page get.
fn anchors(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn every_source_file_opens_with_a_header() {
    let mut all: Vec<PathBuf> = library().into_iter().map(|module| module.file).collect();
    all.push(root().join("src/main.rs"));
    all.extend(files(&root().join("sim/src"), ".rs"));
    let offenders: Vec<String> = all
        .iter()
        .filter(|file| !read(file).starts_with("//! "))
        .map(|file| shown(file))
        .collect();
    assert_none(&offenders, "files that do not say first what they are");
}

#[test]
fn source_files_are_short() {
    let offenders: Vec<String> = library()
        .iter()
        .filter(|module| module.lines > LONGEST_FILE)
        .map(|module| format!("{}: {} lines", shown(&module.file), module.lines))
        .collect();
    assert_none(
        &offenders,
        "files over 600 lines without their tests: where is the seam?",
    );
}

#[test]
fn no_file_is_a_magnet() {
    let offenders: Vec<String> = ["src", "sim/src"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), ""))
        .filter(|path| {
            let stem = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            [
                "util", "utils", "common", "helper", "helpers", "types", "misc",
            ]
            .contains(&stem.as_str())
        })
        .map(|path| shown(&path))
        .collect();
    assert_none(&offenders, "modules that collect whatever has no place");
}

#[test]
fn the_readme_holds_a_recorded_session() {
    let page = read(&root().join("README.md"));
    let session = page
        .split_once("<!-- demo:begin")
        .and_then(|(_, rest)| rest.split_once("<!-- demo:end"))
        .map_or("", |(session, _)| session);
    for said in [
        "$ sitewright plan",
        "$ sitewright apply --yes",
        "No changes.",
    ] {
        assert!(
            session.contains(said),
            "`{said}` is not in it: run `make record-demo`"
        );
    }
}

/// The tests above would hold nothing if these let everything through.
mod the_rules_bite {
    use super::*;

    fn used(code: &str, path: &[&str]) -> Vec<String> {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        let mut found = Vec::new();
        uses(code.parse().unwrap(), &path, &mut found);
        found.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn on_paths() {
        let here = ["plan", "steps"];
        assert_eq!(used("use crate::smp::Writer;", &here), ["smp"]);
        assert_eq!(
            used("use crate::{diff::Diff, smp};", &here),
            ["diff", "smp"]
        );
        assert_eq!(used("use super::super::smp;", &here), ["smp"]);
        assert_eq!(used("use super::{super::x, order};", &here), [""; 0]);
        assert_eq!(used("fn f() { g!(crate::smp::send()) }", &here), ["smp"]);
        assert_eq!(used("use super::smp;", &["plan"]), ["smp"]);
        assert_eq!(used("pub(crate) fn f() {}", &here), [""; 0]);
    }

    #[test]
    fn on_patterns() {
        let count = |code: &str| {
            let mut rests = Rests::default();
            rests.visit_file(&syn::parse_file(code).unwrap());
            rests.lines.len()
        };
        assert_eq!(count("fn f(s: S) { let S { a, .. } = s; }"), 1);
        assert_eq!(count("fn f(Self { a, .. }: Self) {}"), 1);
        assert_eq!(
            count("fn f() { matches!(s, model::S { a: 1, .. } if x) }"),
            1
        );
        assert_eq!(count("fn f() { matches!(s, E::V { .. } | E::W(..)) }"), 0);
        assert_eq!(count("fn f(s: S) { let S { a, b: _ } = s; }"), 0);
    }
}
