//! Renders plans, notes, events and errors: typed data → text for people, JSON for pipelines.
//!
//! Pure. Nothing here knows a terminal: width and colour are arguments ([`Style`]), and every text is the same without
//! colour as with it. What comes from a server or a manifest is shown without control characters, so that no name can
//! steer a terminal. Every struct is destructured by name: a new field breaks the build instead of being left out.

pub mod console;
pub mod document;
pub mod drift;
pub mod graph;
pub mod json;
mod layout;
pub mod lines;
pub mod markdown;
mod notes;
mod paper;
mod picture;
pub mod report;
pub mod runbook;
mod safe;
#[cfg(test)]
mod sample;
pub mod text;
mod words;

pub use layout::{Style, argument};
pub use words::Lookup;
