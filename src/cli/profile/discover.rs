//! `sitewright profile discover`: a first profile of a server.

#![expect(
    clippy::disallowed_methods,
    reason = "looks whether a profile is there"
)]

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::super::error::Failure;
use super::super::session::Session;
use super::super::{Context, Exit, print, wrap};
use super::save;
use crate::model::Guid;
use crate::observe::{Discovery, discover};
use crate::profile::{Profile, ServerEntry};
use crate::smp::Reader;

/// Options of `profile discover`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sitewright profile discover --platform hq")]
pub(in crate::cli) struct DiscoverArgs {
    /// Where to write the profile, instead of the platform's own place
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(
    context: &Context,
    session: &Session,
    args: &DiscoverArgs,
) -> Result<Exit, Failure> {
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
        build: None,
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
