//! `sitewright profile install-reports`: the reports that make a refresh a constant number of requests.

use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::Args;

use super::super::error::Failure;
use super::super::session::WritingSession;
use super::super::{Context, Exit, print, wrap};
use super::save;
use crate::model::Guid;
use crate::observe::{identify, install_reports};
use crate::profile::Profile;
use crate::render::Style;
use crate::smp::Writer;

/// Options of `profile install-reports`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sitewright profile install-reports --yes")]
pub(in crate::cli) struct InstallArgs {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// The folder in the console to put ours into, by GUID; the root if left out
    #[arg(long, value_name = "GUID")]
    folder: Option<Guid>,
}

pub(super) async fn run(
    context: &Context,
    session: &WritingSession,
    args: &InstallArgs,
) -> Result<Exit, Failure> {
    if !args.yes && !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask at",
            "pass --yes to create the reports without being asked",
        ));
    }
    // What the profile has is not asked for again, so that nothing else might notice a server that lets nobody in.
    identify(&session.reader()?, session.server.as_ref())
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let Style { width, full, .. } = context.style;
    let mut found = Profile::clone(&*session.known()?);
    let writer = Writer::new(session.transport(), Arc::new(found.clone()));
    let yes = args.yes;
    let confirm = |reports: &[(String, String, String)]| {
        for (name, description, sql) in reports {
            print(&wrap(&format!("{name}: {description}"), 2, width));
            // Whoever is asked is shown what is to run; whoever does not want to be asked, with -v.
            for line in sql.lines().filter(|_| !yes || full) {
                print(&format!("    {}", wrap(line, 6, width.saturating_sub(4))));
            }
        }
        yes || dialoguer::Confirm::new()
            .with_prompt("Create these reports on the server?")
            .default(false)
            .interact()
            .unwrap_or(false)
    };
    let created = install_reports(
        &writer,
        &mut found,
        args.folder.unwrap_or(Guid::NIL),
        &confirm,
    )
    .await
    .map_err(|error| Failure::from_error(error.code(), &error))?;
    if created.is_empty() {
        print("The reports are there already.\n");
        return Ok(Exit::Done);
    }
    save(&found, &session.profile_file)?;
    print(&format!(
        "Created {} reports; wrote {}.\n",
        created.len(),
        session.profile_file.display()
    ));
    Ok(Exit::Done)
}
