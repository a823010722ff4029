//! Sitewright: declares Deployment Sites of Symantec/Broadcom ITMS, plans and applies them.
//!
//! ```text
//! YAML ─ manifest ─▶ Desired ─┐
//!                             ├─ diff ─▶ Diff ─ plan ─▶ Plan ─ render ─▶ people, pipelines
//! SMP  ─ observe ──▶ Snapshot ┘           validate: before and predicted after
//!                                                   ▼
//!               apply: per step precheck, execute (smp → calls), read back, journal ─▶ state
//! ```

pub mod model;

pub mod manifest;

pub mod profile;

pub mod items;

pub mod learn;

pub mod select;

pub mod explain;

pub mod validate;

pub mod diff;

pub mod plan;

pub mod smp;

pub mod observe;

pub mod check;

pub mod journal;

pub mod state;

pub mod apply;

pub mod trial;

pub mod verify;

pub mod render;

pub mod export;

pub mod firewall;

pub mod import;

pub mod replace;

pub mod tidy;

pub mod watch;

pub mod cli;

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
