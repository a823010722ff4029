//! `sitewright journal`: what runs did, and whether what they noted is whole. Goes to no SMP and changes nothing.

use clap::{Args, Subcommand};

use super::error::Failure;
use super::session::Home;
use super::{Context, Exit, Format, print};
use crate::journal::{JournalError, RunRecord, runs};
use crate::render::{json, text};
use crate::state::Store;

/// Options of `journal`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  sitewright journal
  sitewright journal --last 5
  sitewright journal show 7c1e
  sitewright journal verify"
)]
pub(super) struct JournalArgs {
    #[command(subcommand)]
    command: Option<JournalCommand>,
    #[command(flatten)]
    list: ListArgs,
}

/// The commands on the journal.
#[derive(Debug, Subcommand)]
enum JournalCommand {
    /// List runs, the newest last
    #[command(after_help = LIST)]
    List(ListArgs),
    /// Show one run with its steps
    Show(ShowArgs),
    /// Say whether records were changed, lost, put in or reordered
    Verify(VerifyArgs),
}

const LIST: &str = "\
Examples:
  sitewright journal list --since 7d
  sitewright journal list --step create-site:HQ
  sitewright journal list --format json | jq '.[].run'";

/// Options of `journal list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright journal list --since 7d
  sitewright journal list --step constrain --format json")]
struct ListArgs {
    /// Runs whose id begins so
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Runs with a step whose id holds this
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Runs since then: 2026-11-25, a time, or an age like 7d or 12h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// The last so many of them
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Options of `journal show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright journal show last
  sitewright journal show 7c1e --step constrain
  sitewright journal show last --format json")]
struct ShowArgs {
    /// The run, by the beginning of its id, or `last`
    #[arg(value_name = "RUN")]
    run: String,
    /// Steps whose id holds this
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Options of `journal verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 whole, 1 something is wrong

Examples:
  sitewright journal verify
  sitewright journal verify --format json | jq '.faults'")]
struct VerifyArgs {
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

pub(super) async fn run(context: &Context, args: &JournalArgs) -> Result<Exit, Failure> {
    let (_, store) = Home::find(&[])?.store(context)?;
    match &args.command {
        None => list(context, &store, &args.list).await,
        Some(JournalCommand::List(args)) => list(context, &store, args).await,
        Some(JournalCommand::Show(args)) => show(context, &store, args).await,
        Some(JournalCommand::Verify(args)) => verify(context, &store, args).await,
    }
}

async fn all(store: &Store) -> Result<Vec<RunRecord>, Failure> {
    let failed = |error: &JournalError| Failure::from_error(error.code(), error).hint(error.hint());
    let entries = store.since(0).await.map_err(|error| failed(&error))?;
    Ok(runs(entries))
}

async fn list(context: &Context, store: &Store, args: &ListArgs) -> Result<Exit, Failure> {
    let since = args.since.as_deref().map(moment).transpose()?;
    let mut found: Vec<RunRecord> = all(store)
        .await?
        .into_iter()
        .filter(|run| {
            args.run
                .as_ref()
                .is_none_or(|wanted| run.run.0.starts_with(wanted))
        })
        .filter(|run| {
            let wanted = args.step.as_ref();
            wanted.is_none_or(|wanted| run.steps.iter().any(|step| step.id.0.contains(wanted)))
        })
        .filter(|run| {
            since.is_none_or(|since| {
                run.last
                    .parse()
                    .is_ok_and(|last: jiff::Timestamp| last >= since)
            })
        })
        .collect();
    let skipped = args.last.map_or(0, |last| found.len().saturating_sub(last));
    found.drain(..skipped);
    match args.format {
        Format::Text => print(&text::runs(&found, &context.style)),
        Format::Json => print(&json::runs(&found)),
    }
    Ok(Exit::Done)
}

/// A time as people write it: a date, a time, or how long ago.
fn moment(text: &str) -> Result<jiff::Timestamp, Failure> {
    let date = || format!("{text}T00:00:00Z").parse().ok();
    let ago = || {
        let span: jiff::Span = text.parse().ok()?;
        let days = jiff::SpanRelativeTo::days_are_24_hours();
        super::now().checked_sub(span.to_duration(days).ok()?).ok()
    };
    text.parse().ok().or_else(date).or_else(ago).ok_or_else(|| {
        Failure::usage(
            format!("expected a time, found `{text}`"),
            "write 2026-11-25, 2026-11-25T08:00:00Z, or how long ago: 7d, 12h",
        )
    })
}

async fn show(context: &Context, store: &Store, args: &ShowArgs) -> Result<Exit, Failure> {
    let mut all = all(store).await?;
    let place = if args.run == "last" {
        all.len().checked_sub(1)
    } else {
        let mut places = (0_usize..)
            .zip(&all)
            .filter(|(_, run)| run.run.0.starts_with(&args.run));
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Some(place),
            (Some(_), Some(_)) => {
                return Err(Failure::new(
                    "SW0790",
                    format!("several runs have an id that begins with `{}`", args.run),
                )
                .hint(Some("write more of it".into())));
            }
            (None, _) => None,
        }
    };
    let Some(place) = place else {
        return Err(
            Failure::new("SW0790", format!("the journal has no run `{}`", args.run))
                .hint(Some("`sitewright journal` lists them".into())),
        );
    };
    let mut run = all.swap_remove(place);
    if let Some(wanted) = &args.step {
        run.steps.retain(|step| step.id.0.contains(wanted));
    }
    match args.format {
        Format::Text => print(&text::run(&run, &context.style)),
        Format::Json => print(&json::run(&run)),
    }
    Ok(Exit::Done)
}

async fn verify(context: &Context, store: &Store, args: &VerifyArgs) -> Result<Exit, Failure> {
    let audit = store
        .audit()
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    match args.format {
        Format::Text => print(&text::audit(&audit, &context.style)),
        Format::Json => print(&json::audit(&audit)),
    }
    Ok(if audit.faults.is_empty() {
        Exit::Done
    } else {
        Exit::Open
    })
}
