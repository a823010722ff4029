//! `sitewright show`: a saved plan to read, to send, to print. Asks nobody and reads nothing but the file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::apply::read_saved;
use super::error::Failure;
use super::{Context, Exit, print};
use crate::plan::PlanFile;
use crate::render::{Style, document};

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

/// What a plan is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanFormat {
    Text,
    Json,
    Markdown,
    Html,
}

pub(super) fn run(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let file = read_saved(&args.plan_file)?;
    let style = Style {
        full: context.style.full || args.full,
        ..context.style
    };
    print(&match args.format {
        PlanFormat::Text => document::text(&file, &style),
        // A comment has a limit; whoever wants more than it holds says so here, and not by being verbose.
        PlanFormat::Markdown => rendered(&file, PlanFormat::Markdown, args.full),
        other => rendered(&file, other, style.full),
    });
    Ok(Exit::Done)
}

/// A plan in a format that is no text for the terminal.
pub(super) fn rendered(file: &PlanFile, format: PlanFormat, full: bool) -> String {
    match format {
        PlanFormat::Text => document::text(file, &Style::default()),
        PlanFormat::Json => file.write(),
        PlanFormat::Markdown => document::markdown(file, full),
        PlanFormat::Html => document::html(file, full),
    }
}
