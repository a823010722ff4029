//! Sites → the text of a manifest.
//!
//! Pure. A subnet has no description on the SMP's side of a declaration, so what the table says of it is kept as a
//! comment. Servers are left out, since a field that is left out is not managed and `[]` would take all of them away.

use std::fmt::Write as _;

use super::sites::Site;
use crate::export::{comment, scalar};
use crate::model::Name;

pub(super) fn document(file: &str, sites: &[Site], platform: Option<&Name>) -> String {
    let from = if file == "-" { "standard input" } else { file };
    let mut out = format!(
        "# Imported from {}: subnets by site.\n# What is not named here is not managed.\n",
        comment(from)
    );
    for (index, Site { name, subnets }) in sites.iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        out.push_str("apiVersion: sitewright/v1\nkind: Site\nmetadata:\n");
        let _ = writeln!(out, "  name: {}", scalar(name.as_str()));
        if let Some(platform) = platform {
            let _ = writeln!(out, "  platform: {}", scalar(platform.as_str()));
        }
        out.push_str("spec:\n  subnets:\n");
        for (subnet, description) in subnets {
            let _ = write!(out, "    - {subnet}");
            let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
            if !description.is_empty() {
                // What Sitewright itself reads in comments is never taken from a table.
                let quote = if description.to_lowercase().starts_with("sitewright:") {
                    "\""
                } else {
                    ""
                };
                let _ = write!(out, "  # {quote}{}{quote}", comment(&description));
            }
            out.push('\n');
        }
    }
    out
}
