//! Both formats are read back: DOT by Graphviz where it is installed, Mermaid by a grammar that takes nothing else.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use regex::Regex;

use super::*;

/// Names that somebody chose who means ill, or who has seen too much.
const HOSTILE: &[&str] = &[
    "HQ",
    "\"]; n9 [label=\"",
    "back\\slash \\N \\l",
    "R&D &amp; &lt;b&gt;",
    "<br/><script>alert(1)</script>",
    "`**bold**` #35; #quot;",
    "end",
    "Z\u{fc}rich \u{6771}\u{4eac}",
    "a|b]c}d)e",
    "tab\tnew\nline\u{202e}",
];

fn hostile() -> Graph {
    let mut graph = Graph::default();
    for (index, name) in HOSTILE.iter().enumerate() {
        let shape = [Shape::Box, Shape::Folder, Shape::Round, Shape::Hexagon][index % 4];
        graph.node(shape, vec![(*name).to_owned(), "second line".into()]);
    }
    for (index, name) in HOSTILE.iter().enumerate().skip(1) {
        graph.edge(index - 1, index, (*name).to_owned(), index % 2 == 0);
    }
    graph
}

/// What a label says once it is read, line by line.
fn said(text: &str) -> String {
    crate::render::layout::clean(text)
}

/// From where, to where, and what is said of it.
type Labelled = (usize, usize, String);

/// Reads a flowchart by the part of Mermaid's grammar that is used, and gives its labels.
fn read_mermaid(text: &str) -> (Vec<Vec<String>>, Vec<Labelled>) {
    let label = r##""((?:[^"#<>&`|\[\]{}]|#[0-9]+;|<br/>)*)""##;
    let node = Regex::new(&format!(
        r"^  n([0-9]+)(?:\[{label}\]|\[\[{label}\]\]|\(\[{label}\]\)|\{{\{{{label}\}}\}})$"
    ))
    .unwrap();
    let edge = Regex::new(&format!(
        r"^  n([0-9]+) (?:-->|-\.->)(?:\|{label}\|)? n([0-9]+)$"
    ))
    .unwrap();
    let number = Regex::new("#([0-9]+);").unwrap();
    let decoded = |text: &str| {
        number
            .replace_all(text, |found: &regex::Captures<'_>| {
                char::from_u32(found[1].parse().unwrap())
                    .unwrap()
                    .to_string()
            })
            .into_owned()
    };
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    for line in lines {
        if let Some(found) = node.captures(line) {
            assert!(edges.is_empty(), "nodes first: {line}");
            assert_eq!(found[1].parse::<usize>().unwrap(), nodes.len());
            let label = (2..=5).find_map(|group| found.get(group)).unwrap().as_str();
            nodes.push(label.split("<br/>").map(decoded).collect());
        } else if let Some(found) = edge.captures(line) {
            let label = found.get(2).map_or("", |label| label.as_str());
            edges.push((
                found[1].parse().unwrap(),
                found[3].parse().unwrap(),
                decoded(label),
            ));
        } else {
            panic!("no line of a flowchart: {line}");
        }
    }
    (nodes, edges)
}

#[test]
fn mermaid_says_what_the_graph_says() {
    let graph = hostile();
    let (nodes, edges) = read_mermaid(&mermaid(&graph));
    for (node, found) in graph.nodes.iter().zip(&nodes) {
        let expected: Vec<String> = node.lines.iter().map(|line| said(line)).collect();
        assert_eq!(*found, expected);
    }
    let expected: Vec<Labelled> = graph
        .edges
        .iter()
        .map(|edge| (edge.from, edge.to, said(&edge.label)))
        .collect();
    assert_eq!(edges, expected);
}

proptest! {
    #[test]
    fn mermaid_takes_any_name(name in "\\PC{0,40}") {
        let mut graph = Graph::default();
        graph.node(Shape::Box, vec![name.clone()]);
        let (nodes, _) = read_mermaid(&mermaid(&graph));
        prop_assert_eq!(&nodes[0], &vec![said(&name)]);
    }

    /// A label ends at the first quotation mark that no backslash stands before.
    #[test]
    fn dot_takes_any_name(name in "\\PC{0,40}") {
        let mut graph = Graph::default();
        graph.node(Shape::Box, vec![name.clone()]);
        let text = dot(&graph);
        let line = text.lines().find(|line| line.starts_with("  n0")).unwrap();
        let label = line.strip_prefix("  n0 [shape=box, label=\"").unwrap();
        let label = label.strip_suffix("\"];").unwrap();
        let mut plain = String::new();
        let mut characters = label.chars();
        while let Some(c) = characters.next() {
            prop_assert_ne!(c, '"');
            plain.push(if c == '\\' { characters.next().unwrap() } else { c });
        }
        prop_assert_eq!(plain.replace("&amp;", "&"), said(&name));
    }
}
