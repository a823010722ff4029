//! Integration tests: one binary, a file per subject.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests read, write and wait as the world outside does"
)]

mod assumptions;
mod bucket;
mod checks;
mod ci;
mod connect;
mod crash;
#[cfg(feature = "postgres")]
mod databases;
mod drift;
mod examples;
mod execution;
mod exit_codes;
mod firewall;
mod first_hour;
mod getting_started;
mod house;
mod learn;
mod lines;
mod log;
mod manifests;
mod output;
mod outside;
mod page;
mod pipeline;
mod platform;
mod profile;
mod properties;
mod quirks;
mod realm;
mod renames;
mod runbook;
mod secrets;
mod selection;
mod sessions;
mod sign_in;
mod state_commands;
mod state_damage;
mod state_migration;
mod stores;
mod support;
mod surroundings;
mod trial;
mod unseen;
mod watch;
