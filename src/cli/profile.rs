//! `sitewright profile …`: find out what is particular to a server, and keep it in its profile.

#![expect(
    clippy::disallowed_methods,
    reason = "looks whether a profile is there"
)]

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::error::Failure;
use super::session::{Home, Session};
use super::{Context, Exit, print, wrap};
use crate::model::Guid;
use crate::observe::{Discovery, discover, install_reports};
use crate::profile::{self, Profile, ServerEntry};
use crate::render::Style;
use crate::smp::{Reader, Writer};

/// The commands on profiles.
#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// Find types, associations and element names by name and shape; nothing is written to the server
    Discover(DiscoverArgs),
    /// Create the read-only reports that make a refresh a constant number of requests
    InstallReports(InstallArgs),
}

/// Options of `profile discover`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sitewright profile discover --platform hq")]
pub(super) struct DiscoverArgs {
    /// Where to write the profile, instead of the platform's own place
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Options of `profile install-reports`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sitewright profile install-reports --yes")]
pub(super) struct InstallArgs {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// The folder in the console to put ours into, by GUID; the root if left out
    #[arg(long, value_name = "GUID")]
    folder: Option<Guid>,
}

pub(super) async fn run(context: &Context, command: &ProfileCommand) -> Result<Exit, Failure> {
    let home = Home::find(&[])?;
    let session = Session::open(context, &home)?;
    match command {
        ProfileCommand::Discover(args) => find(context, &session, args).await,
        ProfileCommand::InstallReports(args) => install(context, &session, args).await,
    }
}

async fn find(context: &Context, session: &Session, args: &DiscoverArgs) -> Result<Exit, Failure> {
    let Some(server) = session.server.clone() else {
        return Err(Failure::usage(
            "which computer is the SMP itself?",
            "pass --server FQDN, or write `server` into the workspace",
        ));
    };
    let file = args
        .out
        .clone()
        .unwrap_or_else(|| session.profile_file.clone());
    if file.exists() {
        return Err(
            Failure::new("SW0255", format!("`{}` exists already", file.display())).hint(Some(
                "write another file with --out, and compare the two".into(),
            )),
        );
    }
    let nothing = Arc::new(Profile::empty(ServerEntry {
        name: server.clone(),
        guid: Guid::NIL,
    }));
    let reader = Reader::new(session.transport.clone(), nothing);
    let discovery = discover(&reader, &server)
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let Discovery {
        profile: found,
        findings,
        version,
    } = discovery;
    if let Some(version) = version {
        print(&format!("The services are those of {version}.\n"));
    }
    for finding in &findings {
        let mark = if finding.found { "found  " } else { "unknown" };
        let line = format!("{mark}  {}: {}", finding.entry, finding.evidence);
        print(&wrap(&line, 13, context.style.width));
        for candidate in &finding.candidates {
            let guid = candidate
                .guid
                .map(|guid| format!(" {guid}"))
                .unwrap_or_default();
            let line = format!("  candidate: {}{guid}", candidate.name);
            print(&wrap(&line, 13, context.style.width));
        }
    }
    save(&found, &file)?;
    let unknown = findings.iter().filter(|finding| !finding.found).count();
    print(&format!(
        "\nWrote {}: {} found, {unknown} unknown.\n",
        file.display(),
        findings.len() - unknown
    ));
    print(&wrap(
        "What was found serves for reading, not for writing: compare it with the console, then write `standing: operator` at what is right.",
        0,
        context.style.width,
    ));
    Ok(Exit::Done)
}

async fn install(
    context: &Context,
    session: &Session,
    args: &InstallArgs,
) -> Result<Exit, Failure> {
    if !args.yes && !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask at",
            "pass --yes to create the reports without being asked",
        ));
    }
    let Style { width, full, .. } = context.style;
    let mut found = Profile::clone(&*session.known()?);
    let writer = Writer::new(session.transport.clone(), Arc::new(found.clone()));
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

fn save(found: &Profile, file: &std::path::Path) -> Result<(), Failure> {
    profile::save(found, file).map_err(|error| {
        Failure::from_error(error.code(), &error).hint(error.hint().map(Into::into))
    })
}
