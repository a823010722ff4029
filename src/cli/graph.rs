//! `sitewright graph`: who serves whom, and the order of a plan, as Graphviz and Mermaid draw it.
//!
//! I/O. Holds no writer.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::apply::read_saved;
use super::error::Failure;
use super::foresee::{Which, foresee};
use super::plan::What;
use super::runbook::made;
use super::session::Home;
use super::{Context, Exit, print};
use crate::render::graph::{dot, mermaid, of_declaration, of_plan, of_world};

/// What `--plan` stands for without a file.
const NOW: &str = "now";

/// Options of `graph`.
#[derive(Debug, Args)]
#[command(after_help = "\
Servers lead to the sites that they serve, sites to their subnets. Dashed: a
server that serves a site since its own address stands in it, which only a
server can tell (--live, --desired). With --plan, steps lead to those that wait
for them.

Examples:
  sitewright graph | dot -Tsvg > sites.svg
  sitewright graph --live --format mermaid
  sitewright graph --desired -f sites/
  sitewright graph --plan friday.plan.json | dot -Tpng > friday.png")]
pub(super) struct GraphArgs {
    /// What the server holds, instead of what the manifests declare
    #[arg(long, conflicts_with_all = ["desired", "plan"])]
    live: bool,
    /// What the server would hold once the plan is applied
    #[arg(long, conflicts_with = "plan")]
    desired: bool,
    /// The order of a plan: of a file that `plan --out` wrote, else of one that is made now
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = NOW)]
    plan: Option<PathBuf>,
    #[command(flatten)]
    what: What,
    /// For whom
    #[arg(long, value_name = "FORMAT", default_value = "dot")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Graphviz
    Dot,
    /// Mermaid, which GitHub and GitLab draw in Markdown
    Mermaid,
}

pub(super) async fn run(context: &Context, args: &GraphArgs) -> Result<Exit, Failure> {
    let graph = match &args.plan {
        Some(file) if file.as_os_str() == NOW => of_plan(&made(context, &args.what).await?),
        Some(file) => of_plan(&read_saved(file)?.plan()),
        None if args.live || args.desired => {
            let which = Which::new(args.desired, &args.what);
            of_world(&foresee(context, &which, Vec::new()).await?.world)
        }
        None => {
            let home = Home::find(&args.what.files)?;
            let (platform, _) = home.platform(context)?;
            of_declaration(&home.desired(&args.what.files, platform.as_ref())?)
        }
    };
    print(&match args.format {
        Format::Dot => dot(&graph),
        Format::Mermaid => mermaid(&graph),
    });
    Ok(Exit::Done)
}
