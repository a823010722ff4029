//! `sitewright sim …`: hands over to the simulator, which has a command line of its own.

use std::path::PathBuf;

use sitewright_sim::SimError;

use super::error::Failure;
use super::session::Home;
use super::{Context, Exit};

pub(super) fn run(context: &Context, args: sitewright_sim::SimArgs) -> Result<Exit, Failure> {
    let home = Home::find(&[])?;
    let state = context.global.state.clone().unwrap_or_else(|| {
        home.workspace.as_ref().map_or_else(
            || PathBuf::from("state"),
            |workspace| home.folder.join(workspace.state.folder()),
        )
    });
    args.run(&state, &mut std::io::stdout(), &mut std::io::stderr())
        .map_err(|error| match error {
            SimError::Argument { .. } => Failure::usage(
                error.to_string(),
                "`sitewright sim --help` says what it takes",
            ),
            error => Failure::from_error("SW0251", &error),
        })?;
    Ok(Exit::Done)
}
