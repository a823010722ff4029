//! A graph → the DOT language of Graphviz.
//!
//! Pure. In a label a backslash begins an escape and `&` an entity, so both are escaped beside the quotation mark.

use std::fmt::Write as _;

use super::{Edge, Graph, Node, Shape};
use crate::render::layout::clean;

/// Writes a graph as DOT.
#[must_use]
pub fn dot(graph: &Graph) -> String {
    let Graph { nodes, edges } = graph;
    let mut out = String::from(
        "digraph sitewright {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n",
    );
    for (index, Node { shape, lines }) in nodes.iter().enumerate() {
        let shape = match shape {
            Shape::Box => "box",
            Shape::Folder => "folder",
            Shape::Round => "ellipse",
            Shape::Hexagon => "hexagon",
        };
        let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
        let _ = writeln!(
            out,
            "  n{index} [shape={shape}, label=\"{}\"];",
            lines.join("\\n")
        );
    }
    for Edge {
        from,
        to,
        label,
        dashed,
    } in edges
    {
        let mut attributes = Vec::new();
        if !label.is_empty() {
            attributes.push(format!("label=\"{}\"", escaped(label)));
        }
        if *dashed {
            attributes.push("style=dashed".to_owned());
        }
        let _ = write!(out, "  n{from} -> n{to}");
        if !attributes.is_empty() {
            let _ = write!(out, " [{}]", attributes.join(", "));
        }
        out.push_str(";\n");
    }
    out.push_str("}\n");
    out
}

fn escaped(text: &str) -> String {
    clean(text)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('&', "&amp;")
}
