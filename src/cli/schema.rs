//! `sitewright schema`: the JSON Schemas.

use clap::{Args, ValueEnum};

use super::error::Failure;
use super::{Exit, print};
use crate::render::{drift, json, lines, report};
use crate::{check, manifest, profile, state, verify};

/// Options of `schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sitewright schema manifest > manifest.schema.json")]
pub(super) struct SchemaArgs {
    /// Of which file
    #[arg(value_name = "FILE", default_value = "manifest")]
    file: File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum File {
    /// Manifests and sitewright.yaml
    Manifest,
    /// Server profiles
    Profile,
    /// Plans, as `plan --out` and `plan --format json` write them
    Plan,
    /// Lines of `plan`, `apply` and `show` with `--format json-lines`
    Events,
    /// Rows of `verify --format json`
    Verify,
    /// Baselines of `verify`
    Baseline,
    /// What `explain --format json` writes
    Explanation,
    /// What `serves --format json` writes
    Serving,
    /// What `drift --format json` writes
    Drift,
    /// State
    State,
    /// What `platform check --format json` writes
    Check,
    /// Findings, as `validate --format json` writes them
    Report,
    /// Scenarios of the simulator
    World,
}

pub(super) fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    let text = match args.file {
        File::Manifest => pretty(&manifest::schema())?,
        File::Profile => pretty(&profile::schema())?,
        File::Plan => json::schema(),
        File::Events => lines::schema(),
        File::Verify => pretty(&verify::report_schema())?,
        File::Baseline => pretty(&verify::baseline_schema())?,
        File::Explanation => json::explanation_schema(),
        File::Serving => json::serving_schema(),
        File::Drift => drift::schema(),
        File::State => pretty(&state::schema())?,
        File::Check => pretty(&check::report_schema())?,
        File::Report => report::schema(),
        File::World => pretty(&sitewright_sim::world_schema())?,
    };
    print(&format!("{}\n", text.trim_end()));
    Ok(Exit::Done)
}

fn pretty(schema: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(schema)
        .map_err(|error| Failure::new("SW0002", format!("cannot print the schema: {error}")))
}
