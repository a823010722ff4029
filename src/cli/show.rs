//! `sitewright show`: a saved plan to read, to send, to print. Asks nobody and reads nothing but the file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::apply::read_saved;
use super::error::Failure;
use super::tell::told;
use super::{Context, Exit, print};
use crate::render::{Style, document, lines};

/// Options of `show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright show friday.plan.json
  sitewright show friday.plan.json --format markdown > comment.md
  sitewright show friday.plan.json --format html > friday.html")]
pub(super) struct ShowArgs {
    /// A plan that `plan --out` wrote
    #[arg(value_name = "PLANFILE")]
    plan_file: PathBuf,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: PlanFormat,
    /// List every subnet, step and note, however many there are
    #[arg(long)]
    full: bool,
}

/// What a plan is shown as; docs/formats.md says more, and with a line for each the help would list all at length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanFormat {
    Text,
    Json,
    JsonLines,
    Markdown,
    Html,
}

pub(super) async fn run(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let listened = args.format == PlanFormat::JsonLines;
    told(context, listened, lines::Command::Show, async |teller| {
        let file = read_saved(&args.plan_file)?;
        let style = Style {
            full: context.style.full || args.full,
            ..context.style
        };
        match args.format {
            PlanFormat::Text => print(&document::text(&file, &style)),
            // A comment has a limit; whoever wants more than it holds says so here, and not by being verbose.
            PlanFormat::Markdown => print(&document::markdown(&file, args.full)),
            PlanFormat::Json => print(&file.write()),
            PlanFormat::Html => print(&document::html(&file, style.full)),
            PlanFormat::JsonLines => teller.plan(&file.clone().plan(), &file.digest),
        }
        Ok(Exit::Done)
    })
    .await
}
