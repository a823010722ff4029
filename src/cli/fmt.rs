//! `sitewright fmt`: manifests in canonical form.

#![expect(clippy::disallowed_methods, reason = "asks what is read from where")]

use std::path::PathBuf;

use clap::Args;

use super::error::Failure;
use super::files::{self, Change};
use super::log::note;
use super::replace_server::diff;
use super::session::Home;
use super::{Context, Exit, print, wrap};
use crate::manifest::{self, Source};
use crate::tidy::{TidyError, tidy};

/// Options of `fmt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Documents come in the order of their kinds, fields in the order of the schema;
lists keep theirs. Comments stay with what they stand above or beside. A file
whose meaning would change is refused. Names of changed files go to standard
output. With --check nothing is written, and the exit code is 2 where something
would change.

Examples:
  sitewright fmt
  sitewright fmt --check --diff
  sitewright fmt - < sites.yaml")]
pub(super) struct FmtArgs {
    /// Files and folders, or - for standard input; the workspace's folder if left out
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing, and end with 2 where something would change
    #[arg(long)]
    check: bool,
    /// Show what changes
    #[arg(long)]
    diff: bool,
}

pub(super) fn run(context: &Context, args: &FmtArgs) -> Result<Exit, Failure> {
    let streamed = args.paths.iter().any(|path| path.as_os_str() == "-");
    if streamed && args.paths.len() > 1 {
        return Err(Failure::usage(
            "`-` stands beside other paths",
            "put standard input in order by itself",
        ));
    }
    let paths = if args.paths.is_empty() {
        vec![Home::find(&[])?.shown_folder()]
    } else {
        args.paths.clone()
    };
    let sources =
        manifest::load(&paths, std::io::stdin().lock()).map_err(|error| Failure::Diagnostics {
            diagnostics: error.diagnostics,
            sources: error.sources.into_iter().chain(error.faulty).collect(),
        })?;
    let texts = all(context, sources)?;
    if streamed {
        return Ok(stream(context, args, &texts));
    }
    let differing: Vec<&(Source, String)> = texts
        .iter()
        .filter(|(source, text)| source.text.as_ref() != text)
        .collect();
    for (source, text) in &differing {
        if args.diff {
            print(&diff(source, Some(text), context.style.colour));
        } else {
            print(&format!("{}\n", source.name));
        }
    }
    if args.check {
        return Ok(if differing.is_empty() {
            Exit::Done
        } else {
            Exit::Changes
        });
    }
    let changes: Vec<Change> = differing
        .into_iter()
        .map(|(source, after)| Change {
            path: PathBuf::from(source.name.as_ref()),
            before: source.text.to_string(),
            after: Some(after.clone()),
        })
        .collect();
    files::change(&changes)?;
    Ok(Exit::Done)
}

/// What standard input is in canonical form, or how it differs.
fn stream(context: &Context, args: &FmtArgs, texts: &[(Source, String)]) -> Exit {
    for (source, text) in texts {
        let changes = source.text.as_ref() != text;
        if args.diff && changes {
            print(&diff(source, Some(text), context.style.colour));
        }
        if !args.check && !args.diff {
            print(text);
        }
        if args.check && changes {
            return Exit::Changes;
        }
    }
    Exit::Done
}

/// Every source with its canonical text; faults of all files are told at once.
fn all(context: &Context, sources: Vec<Source>) -> Result<Vec<(Source, String)>, Failure> {
    let mut tidied = Vec::new();
    let mut diagnostics = Vec::new();
    let mut faulty = Vec::new();
    for source in sources {
        match tidy(&source) {
            Ok(found) => {
                for line in found.kept {
                    let told = format!(
                        "note: the document at {}:{line} stays as it is: it is written in a way that \
                         is not put in order",
                        source.name
                    );
                    note(&wrap(&told, 6, context.style.width));
                }
                tidied.push((source, found.text));
            }
            Err(TidyError::Unreadable(found)) => {
                diagnostics.extend(found);
                faulty.push(source);
            }
            Err(error @ TidyError::Unsafe(_)) => {
                return Err(Failure::from_error(error.code(), &error).hint(Some(
                    "nothing was written; docs/fmt.md says what is put in order".into(),
                )));
            }
        }
    }
    if diagnostics.is_empty() {
        Ok(tidied)
    } else {
        Err(Failure::Diagnostics {
            diagnostics,
            sources: faulty,
        })
    }
}
