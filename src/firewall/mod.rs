//! The allow-list of a site: which ports its clients need on its servers and on the SMP, and nothing else.
//!
//! ```text
//! Desired, site, addresses ─ AllowList::of ─▶ rules ─ table, csv, nftables, windows ─▶ text
//! ```
//!
//! Pure. Such a list hardens and never selects: agents do not consult firewalls when they choose a server, they try a
//! blocked one first and fall back late (article 431459). Each output says so.

use std::fmt::Write as _;

mod nftables;
mod ports;
mod rules;
mod seen;
mod table;
#[cfg(test)]
mod tests;
mod windows;

pub use nftables::nftables;
pub use ports::{Ports, Protocol, Source};
pub use rules::{AllowList, End, FirewallError, Host, Inputs, Rule};
pub use table::{csv, table};
pub use windows::windows;

/// What each output says of itself.
pub const HARDENS: &str = "This hardens and does not select: agents do not consult firewalls when they choose a \
                           server (article 431459).";

/// A name as an identifier of ASCII letters, digits, `_` and what `more` allows; where something had to go, a part of
/// its checksum keeps two names apart.
fn identifier(name: &str, more: &[char]) -> String {
    use sha2::{Digest as _, Sha256};
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(&c);
    let mut text: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(60)
        .collect();
    if text != name {
        let sum = Sha256::digest(name.as_bytes());
        text.push('_');
        text.extend(hex::encode(sum).chars().take(8));
    }
    text
}

/// Adds a comment in lines of 80 columns.
fn comment(out: &mut String, text: &str) {
    let mut lines = String::new();
    table::fill(&mut lines, &one_line(text), "", 78);
    for line in lines.lines() {
        let _ = writeln!(out, "# {line}");
    }
}

/// A text without line breaks.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect()
}
