//! `sitewright import`: declarations of what others keep in tables.

#![expect(clippy::disallowed_methods, reason = "reads the table")]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::error::Failure;
use super::log::note;
use super::session::Home;
use super::{Context, Exit, files, print};
use crate::import::{Options, import};
use crate::manifest::{Diagnostic, Source};
use crate::model::Origin;

/// Commands of `import`.
#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// Turn a table of subnets and sites into declarations
    Csv(CsvArgs),
}

/// Options of `import csv`.
#[derive(Debug, Args)]
#[command(after_help = "\
The first line names the columns, in any order and case:
  subnet       also network, cidr, prefix, ip subnet
  site         also site name, location
  description  also comment, remark, note; may be missing
Cells are parted by commas, semicolons or tabs. Descriptions become comments
beside the subnets. Servers are left out, and so not managed. With any fault in
the table nothing is written.

Examples:
  sitewright import csv networks.csv
  sitewright import csv networks.csv --out sites/networks.yaml
  sitewright import csv - --ignore VLAN < networks.csv")]
pub(super) struct CsvArgs {
    /// The table, or - for standard input
    #[arg(value_name = "FILE")]
    table: PathBuf,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over the file if it is there
    #[arg(long, requires = "out")]
    force: bool,
    /// Pass over a column that is not known
    #[arg(long = "ignore", value_name = "COLUMN")]
    ignored: Vec<String>,
}

pub(super) fn run(context: &Context, command: &ImportCommand) -> Result<Exit, Failure> {
    match command {
        ImportCommand::Csv(args) => csv(context, args),
    }
}

fn csv(context: &Context, args: &CsvArgs) -> Result<Exit, Failure> {
    let home = Home::find(args.out.as_slice())?;
    // With several platforms, every document has to say which one it is for.
    let several = (home.workspace.as_ref()).is_some_and(|workspace| workspace.platforms.len() > 1);
    let platform = if several {
        home.platform(context)?.0
    } else {
        None
    };
    if let Some(out) = &args.out
        && !args.force
        && out.symlink_metadata().is_ok()
    {
        return Err(
            Failure::new("SW0255", format!("`{}` exists already", out.display()))
                .hint(Some("write to another file, or pass --force".into())),
        );
    }
    let source = read(&args.table)?;
    let options = Options {
        ignored: args.ignored.clone(),
        platform,
    };
    let imported = import(&source.name, &source.text, &options).map_err(|diagnostics| {
        Failure::Diagnostics {
            diagnostics,
            sources: vec![source],
        }
    })?;
    match &args.out {
        None => print(&imported.text),
        Some(out) => {
            files::write(out, &imported.text, args.force)?;
            note(&format!("wrote {}", out.display()));
        }
    }
    note(&format!(
        "{} of {}; `sitewright validate` tells how they overlap",
        counted(imported.subnets, "subnet"),
        counted(imported.sites, "site"),
    ));
    Ok(Exit::Done)
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

fn read(table: &Path) -> Result<Source, Failure> {
    let name = table.display().to_string();
    let mut bytes = Vec::new();
    let read = if name == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(table).map(|found| bytes = found)
    };
    read.map_err(|error| Failure::io(format!("cannot read `{name}`"), &error))?;
    String::from_utf8(bytes)
        .map(|text| Source::new(&name, &text))
        .map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            let before = error.as_bytes().get(..offset).unwrap_or_default();
            let line = String::from_utf8_lossy(before).matches('\n').count() + 1;
            let origin = Origin {
                file: name.as_str().into(),
                line: u32::try_from(line).unwrap_or(u32::MAX),
                column: 1,
            };
            let fault = Diagnostic::at(
                "SW0960",
                origin,
                format!("expected UTF-8, found another encoding in line {line}"),
            );
            Failure::Diagnostics {
                diagnostics: vec![fault.hint("save the table as \"CSV UTF-8\"")],
                sources: vec![Source::new(
                    &name,
                    &String::from_utf8_lossy(error.as_bytes()),
                )],
            }
        })
}
