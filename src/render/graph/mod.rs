//! Pictures in words: topologies and the order of a plan → DOT for Graphviz, flowcharts for Mermaid.
//!
//! Pure and deterministic: the same input gives the same bytes. Names are hostile until they are escaped, each format in
//! its own way; a test reads both back.

mod dot;
mod mermaid;
mod order;
#[cfg(test)]
mod tests;
mod topology;

pub use dot::dot;
pub use mermaid::mermaid;
pub use order::of_plan;
pub use topology::{of_declaration, of_world};

/// Things, and what leads from one to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

/// A thing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    shape: Shape,
    lines: Vec<String>,
}

/// What a thing is drawn as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A server; a step that is written.
    Box,
    /// A site.
    Folder,
    /// A subnet; a step of our own state.
    Round,
    /// A step that a person does.
    Hexagon,
}

/// What leads from one thing to another, both by position.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edge {
    from: usize,
    to: usize,
    label: String,
    /// Whether nobody asked for it: it follows from where something stands.
    dashed: bool,
}

impl Graph {
    fn node(&mut self, shape: Shape, lines: Vec<String>) -> usize {
        self.nodes.push(Node { shape, lines });
        self.nodes.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, label: String, dashed: bool) {
        self.edges.push(Edge {
            from,
            to,
            label,
            dashed,
        });
    }
}
