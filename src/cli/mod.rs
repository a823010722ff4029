//! The command line: one file a command; the only place that prints.
//!
//! I/O. Data goes to standard output, progress, logs and errors to standard error. Exit codes: 0 no change or done,
//! 1 error, 2 changes (`plan --detailed-exitcode`, `fmt --check`), 3 blocked, 4 done but console steps remain, 64 wrong
//! usage, 130 stopped at once; docs/exit-codes.md has them for each command.

#![expect(clippy::print_stderr, reason = "this is the place that prints")]
#![expect(
    clippy::disallowed_methods,
    reason = "time, randomness and the terminal's wishes enter the program here"
)]

mod able;
mod again;
mod apply;
mod attest;
mod baseline;
mod carry_out;
mod completions;
mod connection;
mod current;
mod drift;
mod error;
mod explain;
mod export;
mod files;
mod firewall;
mod fmt;
mod foresee;
mod graph;
mod hold;
mod import;
mod init;
mod interrupt;
mod journal;
mod last;
mod log;
mod man;
mod plan;
mod platform;
mod profile;
mod replace_server;
mod restore;
mod runbook;
mod schema;
mod secret;
mod serves;
mod session;
mod show;
mod sim;
mod state;
mod state_store;
mod tell;
#[cfg(test)]
mod tests;
mod validate;
mod verify;
mod watch;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::model::RunId;
use crate::render::Style;
use error::Failure;

/// How most commands show what they found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What a command ends with, unless it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Nothing to do, or done.
    Done,
    /// Something could not be told.
    Open,
    /// There are changes, and the caller asked to be told.
    Changes,
    /// Something forbids going on.
    Blocked,
    /// Done, but a person has something left to do in the console.
    ConsoleSteps,
}

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Open => 1,
            Self::Changes => 2,
            Self::Blocked => 3,
            Self::ConsoleSteps => 4,
        }
    }
}

/// Declares Deployment Sites of Symantec/Broadcom ITMS in YAML, plans and applies them.
#[derive(Debug, Parser)]
#[command(name = "sitewright", version, max_term_width = 80, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  sitewright init
  sitewright plan --platform sim:flat-lan -f examples/deployment-site
  sitewright apply --yes
  sitewright attest invalid-subnets --reason 'set by J. Doe, ticket 4711'

Exit codes: 0 no change or done, 1 error, 2 changes (plan --detailed-exitcode),
3 blocked, 4 done but console steps remain, 64 wrong usage, 130 stopped at once";

/// Where the help lists the options of every command.
const EVERYWHERE: &str = "Options of every command";

/// Options of every command.
#[derive(Debug, Clone, Args)]
struct Global {
    /// A platform of the workspace by name, a URL, or sim:NAME for the built-in simulator
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "NAME|URL")]
    platform: Option<String>,
    /// The SMP's own computer, where there is no workspace
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FQDN")]
    server: Option<String>,
    /// The server profile, instead of the workspace's
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// The folder of the state, instead of the workspace's
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// How long to wait for the lock of the state, in seconds
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "SECONDS", default_value_t = 0)]
    lock_timeout: u64,
    /// When to colour: on a terminal unless `NO_COLOR` is set, always, never
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "WHEN", default_value = "auto")]
    color: Colour,
    /// Say more on standard error; twice for every request
    #[arg(short, long, global = true, help_heading = EVERYWHERE, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true, help_heading = EVERYWHERE, conflicts_with = "verbose")]
    quiet: bool,
    /// How the log is written to standard error
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FORMAT", default_value = "text")]
    log_format: log::LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the files that work begins with
    Init(init::InitArgs),
    /// Show what would change, in which order, and what is wrong
    Plan(plan::PlanArgs),
    /// Show a saved plan, in any format
    Show(show::ShowArgs),
    /// Change it
    Apply(apply::ApplyArgs),
    /// Write what a person has to do in the console, to tick off or to print
    Runbook(runbook::RunbookArgs),
    /// Check the manifests, or with --live what a server holds
    Validate(validate::ValidateArgs),
    /// Look again and again, and mend what may be mended with nobody at hand
    Watch(watch::WatchArgs),
    /// Judge what came of it, by what clients and servers do now
    Verify(verify::VerifyArgs),
    /// Say who serves an address or a client, and why
    Explain(explain::ExplainArgs),
    /// Say whom a site server serves, and who is left alone without it
    Serves(serves::ServesArgs),
    /// Say what the world changed since the last apply, and put it right
    Drift(Box<drift::DriftArgs>),
    /// Draw who serves whom, or the order of a plan, for Graphviz and Mermaid
    Graph(graph::GraphArgs),
    /// Close a console step that cannot be read from the server, by your word
    Attest(attest::AttestArgs),
    /// Put the XML of an item back that a run wrote over
    Restore(restore::RestoreArgs),
    /// Write declarations of what a live server holds
    Export(export::ExportArgs),
    /// Print the firewall allow-list of a site
    Firewall(firewall::FirewallArgs),
    /// Turn a table of subnets into declarations
    #[command(
        subcommand,
        after_help = "Example:\n  sitewright import csv networks.csv --out networks.yaml"
    )]
    Import(import::ImportCommand),
    /// Put manifests into canonical form
    Fmt(fmt::FmtArgs),
    /// Rewrite the manifests so that one server takes the place of another
    ReplaceServer(replace_server::ReplaceServerArgs),
    /// Say whether a platform is fit to work with
    #[command(subcommand, after_help = "Example:\n  sitewright platform check")]
    Platform(platform::PlatformCommand),
    /// Find out and keep what is particular to a server
    #[command(
        subcommand,
        after_help = "Examples:\n  sitewright profile discover\n  sitewright profile verify\n  sitewright profile install-reports"
    )]
    Profile(profile::ProfileCommand),
    /// Look at what is remembered of a platform, and put it right
    #[command(
        subcommand,
        after_help = "Examples:\n  sitewright state list\n  sitewright state show site/HQ\n  sitewright state history"
    )]
    State(state::StateCommand),
    /// Look back on runs and their steps
    Journal(journal::JournalArgs),
    /// Print the JSON Schemas of the files that are read and written
    Schema(schema::SchemaArgs),
    /// Print what completes commands and options in a shell
    Completions(completions::CompletionsArgs),
    /// Write the manual pages
    Man(man::ManArgs),
    /// Run and handle the built-in simulator
    #[command(
        after_help = "Examples:\n  sitewright sim serve --scenario branch-offices\n  sitewright sim clients --platform sim:flat-lan\n  sitewright sim console constrain HQ on --platform sim:flat-lan"
    )]
    Sim(Box<sitewright_sim::SimArgs>),
}

/// What every command is handed.
#[derive(Clone)]
struct Context {
    global: Global,
    run: RunId,
    style: Style,
}

impl Context {
    /// The same, for the platform of an argument where there is one.
    fn choosing(&self, platform: Option<&str>) -> Self {
        let mut chosen = self.clone();
        if let Some(platform) = platform {
            chosen.global.platform = Some(platform.to_owned());
        }
        chosen
    }
}

/// The command line as clap knows it: every command with its options.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    // Two TLS providers in the graph would make the choice ambiguous, so it is made here, first thing.
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a TLS provider was installed already");
    }
    let cli = match command()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => {
            let wrong = error.use_stderr();
            // A closed pipe is nobody's fault.
            let _ = error.print();
            return ExitCode::from(if wrong { 64 } else { 0 });
        }
    };
    let is_loop = matches!(cli.command, Command::Watch(_));
    let logged = log::start(
        cli.global.verbose,
        cli.global.quiet,
        is_loop,
        cli.global.log_format,
    );
    let colour = colour(cli.global.color, std::io::stdout().is_terminal());
    let context = Context {
        run: RunId(random_id()),
        style: Style {
            colour,
            width: width(),
            full: cli.global.verbose > 0,
        },
        global: cli.global,
    };
    let errors = Style {
        colour: colour_of_errors(&context),
        ..context.style
    };
    let ended = match logged.and_then(|()| dispatch(&context, cli.command)) {
        Ok(exit) => written().map(|()| exit),
        failed @ Err(_) => failed,
    };
    match ended {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            eprint!("{}", failure.render(&errors));
            ExitCode::from(failure.exit())
        }
    }
}

fn dispatch(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Init(args) => init::run(context, &args),
        Command::Plan(args) => runtime()?.block_on(plan::run(context, &args)),
        Command::Show(args) => runtime()?.block_on(show::run(context, &args)),
        Command::Apply(args) => runtime()?.block_on(apply::run(context, &args)),
        Command::Runbook(args) => runtime()?.block_on(runbook::run(context, &args)),
        Command::Validate(args) => validate::run(context, &args),
        Command::Watch(args) => watch::run(context, &args),
        Command::Verify(args) => runtime()?.block_on(verify::run(context, &args)),
        Command::Explain(args) => runtime()?.block_on(explain::run(context, &args)),
        Command::Serves(args) => runtime()?.block_on(serves::run(context, &args)),
        Command::Drift(args) => runtime()?.block_on(drift::run(context, &args)),
        Command::Graph(args) => runtime()?.block_on(graph::run(context, &args)),
        Command::Attest(args) => runtime()?.block_on(attest::run(context, &args)),
        Command::Restore(args) => runtime()?.block_on(restore::run(context, &args)),
        Command::Export(args) => runtime()?.block_on(export::run(context, &args)),
        Command::Firewall(args) => runtime()?.block_on(firewall::run(context, &args)),
        Command::Import(command) => import::run(context, &command),
        Command::Fmt(args) => fmt::run(context, &args),
        Command::ReplaceServer(args) => runtime()?.block_on(replace_server::run(context, &args)),
        Command::Platform(command) => runtime()?.block_on(platform::run(context, &command)),
        Command::Profile(command) => runtime()?.block_on(profile::run(context, &command)),
        Command::State(command) => runtime()?.block_on(state::run(context, &command)),
        Command::Journal(args) => runtime()?.block_on(journal::run(context, &args)),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => Ok(completions::run(&args)),
        Command::Man(args) => man::run(&args),
        Command::Sim(args) => sim::run(context, *args),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start", &error))
}

fn colour(when: Colour, terminal: bool) -> bool {
    match when {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

fn colour_of_errors(context: &Context) -> bool {
    colour(context.global.color, std::io::stderr().is_terminal())
}

/// The width to wrap at: the terminal's, between 40 and 100 columns, 80 where there is none.
fn width() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(80)
        .clamp(40, 100)
}

/// Randomness enters the program here and nowhere else.
fn random_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// What pauses and the like are drawn from.
fn random_seed() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}

/// The time enters the program here and nowhere else.
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The time to the second, as people are told it.
fn second() -> String {
    let now = now();
    now.round(jiff::Unit::Second).unwrap_or(now).to_string()
}

/// Breaks a text into lines of at most `width` columns, those after the first indented by `hang`.
fn wrap(text: &str, hang: usize, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > width {
            out.push('\n');
            out.push_str(&" ".repeat(hang));
            column = hang;
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
    out
}

/// The first fault of standard output; the command goes on, since what it does matters more than what it says.
static UNWRITTEN: OnceLock<io::Error> = OnceLock::new();

/// Prints data; a reader that has gone away ends the output, not the program.
fn print(text: &str) {
    keep(io::stdout().lock().write_all(text.as_bytes()));
}

/// Prints bytes as they are.
fn print_bytes(bytes: &[u8]) {
    keep(io::stdout().lock().write_all(bytes));
}

/// A time to the second, as people are told it; what is none stays as it is.
fn to_the_second(time: &str) -> String {
    time.parse::<jiff::Timestamp>()
        .ok()
        .and_then(|time| time.round(jiff::Unit::Second).ok())
        .map_or_else(|| time.to_owned(), |time| time.to_string())
}

/// Whether all that was printed has arrived: a list cut short by a full disk must not pass for the whole.
fn written() -> Result<(), Failure> {
    keep(io::stdout().lock().flush());
    match UNWRITTEN.get() {
        Some(error) => Err(Failure::io("cannot write the output", error)),
        None => Ok(()),
    }
}

fn keep(outcome: io::Result<()>) {
    if let Err(error) = outcome
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // Only the first is told: those that follow have the same cause.
        let _ = UNWRITTEN.set(error);
    }
}
