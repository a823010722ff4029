//! `sitewright runbook`: what a person has to do in the console, to read, tick off or print. Holds no writer.

#![expect(
    clippy::disallowed_methods,
    reason = "reads the plan file, writes the runbook"
)]

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::apply::read_saved;
use super::error::Failure;
use super::log::note;
use super::plan::{What, load, plan};
use super::session::{Home, Session};
use super::tell::Teller;
use super::{Context, Exit, print, second};
use crate::plan::Plan;
use crate::render::Style;
use crate::render::runbook::{Runbook, html, markdown, text};

/// Options of `runbook`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright runbook
  sitewright runbook friday.plan.json --format html --out friday.html
  sitewright runbook -f sites/ --format markdown")]
pub(super) struct RunbookArgs {
    /// A plan that `plan --out` wrote; without it a plan is made of the manifests
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["files", "allow_takeover", "allow_stranded", "accept_fewer", "overrides", "target", "exclude"])]
    plan_file: Option<PathBuf>,
    #[command(flatten)]
    what: What,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Write it to a file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Html,
}

pub(super) async fn run(context: &Context, args: &RunbookArgs) -> Result<Exit, Failure> {
    let plan = match &args.plan_file {
        // All that is needed stands in it, so nobody is asked.
        Some(file) => read_saved(file)?.plan(),
        None => made(context, &args.what).await?,
    };
    let runbook = Runbook::new(&plan, &second());
    let style = Style {
        colour: context.style.colour && args.out.is_none(),
        ..context.style
    };
    let written = match args.format {
        Format::Text => text(&runbook, &style),
        Format::Markdown => markdown(&runbook),
        Format::Html => html(&runbook),
    };
    match &args.out {
        Some(file) => write(file, &written, runbook.tasks())?,
        None => print(&written),
    }
    Ok(if plan.is_blocked() {
        Exit::Blocked
    } else {
        Exit::Done
    })
}

/// Makes the plan of the manifests, as it is now.
pub(super) async fn made(context: &Context, what: &What) -> Result<Plan, Failure> {
    let home = Home::find(&what.files)?;
    let session = Session::open(context, &home)?;
    let desired = home.desired(&what.files, session.declared_name())?;
    let loaded = load(&session).await?;
    let (plan, _) = plan(&session, &desired, loaded.as_ref(), what, Teller::SILENT).await?;
    Ok(plan)
}

fn write(file: &Path, text: &str, tasks: usize) -> Result<(), Failure> {
    std::fs::write(file, text)
        .map_err(|error| Failure::io(format!("cannot write `{}`", file.display()), &error))?;
    let steps = if tasks == 1 { "step" } else { "steps" };
    note(&format!(
        "wrote {}: {tasks} console {steps}",
        file.display()
    ));
    Ok(())
}
