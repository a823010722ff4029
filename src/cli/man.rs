//! `sitewright man`: manual pages of the program and of every command.

#![expect(clippy::disallowed_methods, reason = "makes the folder")]

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;

use super::error::Failure;
use super::log::note;
use super::{Cli, Exit, files, print_bytes};

/// Options of `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright man --out /usr/local/share/man/man1
  sitewright man | man -l -")]
pub(super) struct ManArgs {
    /// Write a page for every command into this folder, over those that are there; left out, print the first page
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs) -> Result<Exit, Failure> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let Some(folder) = &args.out else {
        print_bytes(&page(&root, "sitewright")?);
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::io(format!("cannot make `{}`", folder.display()), &error))?;
    let mut pages = Vec::new();
    collect(&root, "sitewright", &mut pages)?;
    for (name, page) in &pages {
        let text = String::from_utf8_lossy(page);
        files::write(&folder.join(format!("{name}.1")), &text, true)?;
    }
    note(&format!(
        "wrote {} pages into {}",
        pages.len(),
        folder.display()
    ));
    Ok(Exit::Done)
}

/// The pages of a command and of all below it: `sitewright-state-mv`.
fn collect(
    command: &Command,
    name: &str,
    pages: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), Failure> {
    pages.push((name.to_owned(), page(command, name)?));
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        collect(below, &format!("{name}-{}", below.get_name()), pages)?;
    }
    Ok(())
}

fn page(command: &Command, name: &str) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command.clone().display_name(name.to_owned()))
        .title(name.to_owned())
        .render(&mut page)
        .map_err(|error| Failure::io("cannot write a manual page", &error))?;
    Ok(page)
}
