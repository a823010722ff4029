//! `sitewright profile …`: find out what is particular to a server, and keep it in its profile. One file a command.

mod discover;
mod install;
mod learn;
mod learned;
mod settings;
mod verify;

use clap::Subcommand;

use super::error::Failure;
use super::session::{Home, Session, WritingSession};
use super::{Context, Exit};
use crate::profile::{self, Profile};

/// The commands on profiles.
#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// Find types, associations and element names by name and shape; nothing is written to the server
    Discover(discover::DiscoverArgs),
    /// Learn what no document says, by an example that you make in the console
    Learn(Box<learn::LearnArgs>),
    /// Prove entries by round trips on scratch objects, which are deleted again
    Verify(verify::VerifyArgs),
    /// Create the read-only reports that make a refresh a constant number of requests
    InstallReports(install::InstallArgs),
}

pub(super) async fn run(context: &Context, command: &ProfileCommand) -> Result<Exit, Failure> {
    let home = Home::find(&[])?;
    let reading = || Session::open(context, &home);
    let writing = || WritingSession::open(context, &home);
    match command {
        ProfileCommand::Discover(args) => Box::pin(discover::run(context, &reading()?, args)).await,
        ProfileCommand::Learn(args) => Box::pin(learn::run(context, &reading()?, args)).await,
        ProfileCommand::Verify(args) => Box::pin(verify::run(context, &writing()?, args)).await,
        ProfileCommand::InstallReports(args) => install::run(context, &writing()?, args).await,
    }
}

fn save(found: &Profile, file: &std::path::Path) -> Result<(), Failure> {
    profile::save(found, file).map_err(|error| {
        Failure::from_error(error.code(), &error).hint(error.hint().map(Into::into))
    })
}
