//! `sitewright platform …`: whether a platform is fit to work with. Holds no writer.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::error::Failure;
use super::plan::load;
use super::session::{Home, Session};
use super::{Context, Exit, Format, now, print};
use crate::check::{Kept, Verdict, judge, look};
use crate::model::{Guid, Name, Ownership};
use crate::profile::{Profile, ServerEntry};
use crate::render::{json, text};
use crate::smp::Reader;

/// The commands on platforms.
#[derive(Debug, Subcommand)]
pub(super) enum PlatformCommand {
    /// Go the way to a platform and say what works, what does not, and what to do
    Check(CheckArgs),
}

/// Options of `platform check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright platform check
  sitewright platform check hq --format json
  sitewright platform check sim:flat-lan

Exit codes: 0 nothing failed, 1 something did")]
pub(super) struct CheckArgs {
    /// A platform of the workspace by name, a URL, or sim:NAME, instead of --platform
    #[arg(value_name = "NAME", conflicts_with = "platform")]
    name: Option<String>,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

pub(super) async fn run(context: &Context, command: &PlatformCommand) -> Result<Exit, Failure> {
    match command {
        PlatformCommand::Check(args) => check(context, args).await,
    }
}

async fn check(context: &Context, args: &CheckArgs) -> Result<Exit, Failure> {
    let chosen = context.choosing(args.name.as_deref());
    let home = Home::find(&[])?;
    let session = Session::open(&chosen, &home)?;
    let loaded = load(&session).await?;
    let nothing = Ownership::default();
    let ownership = loaded
        .as_ref()
        .map_or(&nothing, |loaded| &loaded.state.ownership);
    let known = session.profile.is_some();
    let profile = session
        .profile
        .clone()
        .unwrap_or_else(|| empty(session.server.clone()));
    let reader = Reader::new(session.transport.clone(), profile);
    let bar =
        indicatif::ProgressBar::new_spinner().with_finish(indicatif::ProgressFinish::AndClear);
    bar.enable_steady_tick(Duration::from_millis(120));
    let findings = look(&reader, known, session.server.as_ref(), now(), &|what| {
        bar.set_message(what.to_owned());
    })
    .await;
    bar.finish_and_clear();
    let file = session.profile_file.display().to_string();
    let report = judge(
        &findings,
        &Kept {
            platform: session.declared_name().map(Name::as_str),
            profile_file: &file,
            profile: session.profile.as_deref(),
            counted: &ownership.counted,
            safety: &session.safety,
        },
    );
    match args.format {
        Format::Text => print(&text::checked(&report, &context.style)),
        Format::Json => print(&json::checked(&report)),
    }
    Ok(if report.count(Verdict::Fail) == 0 {
        Exit::Done
    } else {
        Exit::Open
    })
}

/// What is known of a server without a profile: its name.
fn empty(server: Option<Name>) -> Arc<Profile> {
    Arc::new(Profile::empty(ServerEntry {
        name: server.unwrap_or_else(|| Name::new("")),
        guid: Guid::NIL,
        build: None,
    }))
}
