//! What goes to standard error beside errors: the log, and notes such as which file was written.
//!
//! The log is for whoever looks for the cause of something, as text or as a JSON object a line. Its spans say which step
//! and which request a line belongs to. Notes are for whoever types, and `--quiet` leaves them out.

#![expect(
    clippy::disallowed_methods,
    reason = "the environment says what is logged"
)]

use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use super::error::Failure;

/// What says in detail what is logged.
const VARIABLE: &str = "SITEWRIGHT_LOG";

/// Whether notes are left out.
static QUIET: AtomicBool = AtomicBool::new(false);

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// Begins the log: what `SITEWRIGHT_LOG` says, else what the options say. A loop has nothing else to talk by.
pub(super) fn start(
    verbose: u8,
    quiet: bool,
    is_loop: bool,
    format: LogFormat,
) -> Result<(), Failure> {
    QUIET.store(quiet, Ordering::Relaxed);
    let options = match (quiet, verbose) {
        (true, _) => "sitewright=error",
        (false, 0) if is_loop => {
            "sitewright=warn,sitewright::watch=info,sitewright::cli::watch=info"
        }
        (false, 0) => "sitewright=warn",
        (false, 1) => "sitewright=info",
        (false, _) => "sitewright=debug,sitewright_sim=info",
    };
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    let wanted = if wanted.trim().is_empty() {
        options
    } else {
        wanted.trim()
    };
    let filter = EnvFilter::try_new(wanted).map_err(|error| {
        Failure::usage(
            format!("expected directives in `{VARIABLE}`, found `{wanted}`: {error}"),
            "such as `info`, or `sitewright::smp=debug,warn`; docs/logs.md has more",
        )
    })?;
    // The crate that signs in names keys in its log; nobody gets to see it, whatever they ask for.
    let spoken = tracing_subscriber::filter::filter_fn(|metadata| {
        !["sspi", "picky"]
            .iter()
            .any(|silent| metadata.target().starts_with(silent))
    });
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    };
    let installed = tracing_subscriber::registry()
        .with(layer.with_filter(spoken).with_filter(filter))
        .try_init();
    if installed.is_err() {
        tracing::debug!("a log is kept already");
    }
    Ok(())
}

/// Whether nothing but errors is to be said.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Tells whoever types, in lines that are broken already.
pub(super) fn note(text: &str) {
    if !is_quiet() {
        eprintln!("{}", text.trim_end_matches('\n'));
    }
}
