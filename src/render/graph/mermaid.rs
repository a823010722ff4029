//! A graph → a flowchart of Mermaid.
//!
//! Pure. Labels stand in quotation marks, and whatever might mean something there (quotation marks, `#`, markup, the
//! back quote that begins Markdown) is written as the number of its character, which Mermaid turns back.

use std::fmt::Write as _;

use super::{Edge, Graph, Node, Shape};
use crate::render::layout::clean;

/// Writes a graph as a flowchart.
#[must_use]
pub fn mermaid(graph: &Graph) -> String {
    let Graph { nodes, edges } = graph;
    let mut out = String::from("flowchart LR\n");
    for (index, Node { shape, lines }) in nodes.iter().enumerate() {
        let (open, close) = match shape {
            Shape::Box => ("[", "]"),
            Shape::Folder => ("[[", "]]"),
            Shape::Round => ("([", "])"),
            Shape::Hexagon => ("{{", "}}"),
        };
        let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
        let _ = writeln!(out, "  n{index}{open}\"{}\"{close}", lines.join("<br/>"));
    }
    for Edge {
        from,
        to,
        label,
        dashed,
    } in edges
    {
        let arrow = if *dashed { "-.->" } else { "-->" };
        let label = if label.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", escaped(label))
        };
        let _ = writeln!(out, "  n{from} {arrow}{label} n{to}");
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in clean(text).chars() {
        if c.is_alphanumeric() || " .,:/_-+()@".contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}
