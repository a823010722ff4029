//! The network team's table → declarations of sites.
//!
//! ```text
//! text ─ table ─▶ rows ─ sites ─▶ sites with subnets ─ write ─▶ YAML
//! ```
//!
//! Pure. Every fault of the table is told with its line, none hides another, and with one fault nothing is written.
//! What is written depends on what the table says, not on the order in which it says it.

mod sites;
mod table;
#[cfg(test)]
mod tests;
mod write;

use crate::manifest::Diagnostic;
use crate::model::{Name, Origin, Subnet};

pub use table::Options;

/// One row of the table that is right in itself.
#[derive(Debug, Clone)]
struct Row {
    subnet: Subnet,
    site: Name,
    description: String,
    origin: Origin,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The declarations, as the text of a file.
    pub text: String,
    /// How many sites it declares.
    pub sites: usize,
    /// How many subnets.
    pub subnets: usize,
}

/// Turns the text of a table into declarations; `name` is the file that messages name.
///
/// Guarantees: pure; what comes out is read without a fault by [`crate::manifest::read`].
/// Errors: every fault, in the order of lines.
pub fn import(name: &str, text: &str, options: &Options) -> Result<Imported, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let rows = table::rows(name, text, options, &mut faults);
    let sites = sites::gather(&rows, &mut faults);
    if faults.is_empty() && sites.is_empty() {
        let origin = Origin {
            file: name.into(),
            line: 1,
            column: 1,
        };
        faults.push(Diagnostic::at(
            "SW0951",
            origin,
            "expected rows below the names of the columns, found none",
        ));
    }
    if faults.is_empty() {
        Ok(Imported {
            text: write::document(name, &sites, options.platform.as_ref()),
            subnets: sites.iter().map(|site| site.subnets.len()).sum(),
            sites: sites.len(),
        })
    } else {
        faults.sort_by_key(place);
        Err(faults)
    }
}

fn place(fault: &Diagnostic) -> Option<(u32, u32)> {
    fault
        .labels
        .first()
        .map(|label| (label.origin.line, label.origin.column))
}
