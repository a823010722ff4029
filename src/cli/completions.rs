//! `sitewright completions`: what a shell completes commands and options by.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Exit, print_bytes};

/// Options of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright completions bash > ~/.local/share/bash-completion/completions/sitewright
  sitewright completions zsh > ~/.zfunc/_sitewright
  sitewright completions fish > ~/.config/fish/completions/sitewright.fish
  sitewright completions powershell >> $PROFILE")]
pub(super) struct CompletionsArgs {
    /// For which shell
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sitewright", &mut script);
    print_bytes(&script);
    Exit::Done
}
