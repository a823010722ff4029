//! `sitewright validate`: the offline part of what `plan` checks.

use std::path::PathBuf;

use clap::Args;

use super::error::Failure;
use super::session::Home;
use super::{Context, Exit, print};
use crate::manifest;
use crate::model::Name;
use crate::plan::Severity;
use crate::render::text;
use crate::select::World;
use crate::validate::{View, check};

/// Options of `validate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright validate
  sitewright validate -f sites/ -f site-42.yaml")]
pub(super) struct ValidateArgs {
    /// Manifests: files, folders, or - for standard input; the workspace's folder if left out
    #[arg(short, long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
}

pub(super) fn run(context: &Context, args: &ValidateArgs) -> Result<Exit, Failure> {
    let home = Home::find(&args.files)?;
    let platforms: Vec<Option<Name>> = match &home.workspace {
        Some(workspace) => workspace
            .platforms
            .iter()
            .map(|platform| Some(platform.name.clone()))
            .collect(),
        None => vec![None],
    };
    // Read once: standard input is gone after the first time.
    let (documents, sources) = home.read(&args.files)?;
    let mut errors = 0;
    let mut sites = 0;
    for platform in platforms {
        let desired = manifest::desired(&documents, platform.as_ref()).map_err(|diagnostics| {
            Failure::Diagnostics {
                diagnostics,
                sources: sources.clone(),
            }
        })?;
        sites += desired.sites.len();
        let notes = check(&View::declared(&World::declared(&desired), &desired));
        errors += notes
            .iter()
            .filter(|note| note.severity == Severity::Error)
            .count();
        print(&text::notes(&notes, &context.style));
    }
    if errors > 0 {
        return Err(Failure::new(
            "SW0530",
            format!(
                "{errors} {} found",
                if errors == 1 { "error" } else { "errors" }
            ),
        ));
    }
    print(&format!(
        "The manifests are valid: {sites} {} declared.\n",
        if sites == 1 { "site" } else { "sites" }
    ));
    Ok(Exit::Done)
}
