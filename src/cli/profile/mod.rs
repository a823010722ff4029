//! `sitewright profile …`: find out what is particular to a server, and keep it in its profile. One file a command.

mod discover;
mod install;
mod learn;
mod learned;
mod settings;
mod verify;

use clap::Subcommand;

use super::error::Failure;
use super::session::{Home, Session};
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
    let session = Session::open(context, &home)?;
    match command {
        ProfileCommand::Discover(args) => discover::run(context, &session, args).await,
        ProfileCommand::Learn(args) => learn::run(context, &session, args).await,
        ProfileCommand::Verify(args) => verify::run(context, &session, args).await,
        ProfileCommand::InstallReports(args) => install::run(context, &session, args).await,
    }
}

fn save(found: &Profile, file: &std::path::Path) -> Result<(), Failure> {
    profile::save(found, file).map_err(|error| {
        Failure::from_error(error.code(), &error).hint(error.hint().map(Into::into))
    })
}
