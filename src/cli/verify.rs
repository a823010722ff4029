//! `sitewright verify`: what came of it, judged on what the live server shows. Writes nothing to the server.

#![expect(
    clippy::disallowed_methods,
    reason = "reads and writes baselines, waits"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use jiff::SignedDuration;

use super::error::Failure;
use super::plan::load;
use super::session::{Home, Session};
use super::{Context, Exit, Format, print, second};
use crate::diff::{declare, recognised};
use crate::model::{Desired, Guid, Happenings, Name, Ownership, Snapshot};
use crate::observe::{Scope, happenings, refresh};
use crate::render::text;
use crate::select::World;
use crate::smp::Reader;
use crate::validate::View;
use crate::verify::{Baseline, Inputs, Outcome, Report, verify, verify_server};

/// How often the server is asked while rows are open.
const PAUSE: Duration = Duration::from_secs(30);

/// Options of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright verify --take-baseline before.json     # before a deployment job
  sitewright verify --baseline before.json          # once it has run
  sitewright verify --wait 0s --format json
  sitewright verify --server SITE01.corp.example    # after work on that server

Exit codes: 0 all rows met, 2 a row is not met, 1 some could not be told")]
pub(super) struct VerifyArgs {
    /// Manifests: files, folders, or - for standard input; the workspace's folder if left out
    #[arg(short, long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
    /// How long to wait for rows that are not met yet: clients report every 30 minutes
    #[arg(long, value_name = "DURATION", default_value = "35m")]
    wait: SignedDuration,
    /// Compare with an earlier reading: load, downloads, images
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Take such a reading and verify nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "server", "wait"])]
    take_baseline: Option<PathBuf>,
    /// By how many percent the load of the SMP may differ from the baseline
    #[arg(long, value_name = "PERCENT", default_value_t = 10)]
    tolerance: u32,
    /// Verify one site server instead, as after an upgrade of its operating system
    #[arg(long, value_name = "NAME", conflicts_with = "baseline")]
    server: Option<String>,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// What one reading of the server gave.
struct Reading {
    snapshot: Snapshot,
    happenings: Happenings,
}

pub(super) async fn run(context: &Context, args: &VerifyArgs) -> Result<Exit, Failure> {
    let home = Home::find(&args.files)?;
    // `--server` names the server to verify here; the SMP's own is that of the workspace or the profile.
    let session = Session::open_as(context, &home, None)?;
    let desired = home.desired(&args.files, session.declared_name())?;
    let loaded = load(&session).await?;
    let nothing = Ownership::default();
    let ownership = loaded
        .as_ref()
        .map_or(&nothing, |loaded| &loaded.state.ownership);
    let reader = session.reader()?;
    let scope = Scope {
        capture_target: true,
        ..Scope::of(&desired, session.server.clone())
    };
    if let Some(file) = &args.take_baseline {
        let reading = read(&reader, &scope).await?;
        return take(file, &reading);
    }
    let wait = Duration::try_from(args.wait).unwrap_or_default();
    let started = Instant::now();
    loop {
        let reading = read(&reader, &scope).await?;
        let report = judge(args, &desired, ownership, &reading)?;
        let left = wait.saturating_sub(started.elapsed());
        let awaited = report.awaited();
        if awaited.is_empty() || left.is_zero() {
            match args.format {
                Format::Text => print(&text::verification(&report, &context.style)),
                Format::Json => print(&json(&report)),
            }
            return match report.outcome() {
                Outcome::Met => Ok(Exit::Done),
                Outcome::NotMet => Ok(Exit::Changes),
                Outcome::Open => Ok(Exit::Open),
            };
        }
        tracing::info!(left = ?left, "rows are not met yet, waiting");
        waiting(&awaited, left);
        tokio::time::sleep(PAUSE.min(left)).await;
    }
}

/// Says on standard error that something is waited for, and how long at most.
fn waiting(awaited: &[&str], left: Duration) {
    let minutes = left.as_secs().div_ceil(60);
    eprint!(
        "{}",
        super::wrap(
            &format!(
                "waiting up to {minutes} min for {} (--wait 0s does not wait)",
                awaited.join(", ")
            ),
            2,
            80
        )
    );
}

async fn read(reader: &Reader, scope: &Scope) -> Result<Reading, Failure> {
    let failed = |error: crate::observe::RefreshError| {
        Failure::from_error(error.code(), &error).hint(error.hint())
    };
    let snapshot = refresh(reader, scope, &|stage| tracing::info!(stage))
        .await
        .map_err(failed)?;
    let clients: Vec<Guid> = snapshot
        .surroundings
        .clients
        .known()
        .into_iter()
        .flatten()
        .map(|client| client.guid)
        .collect();
    let servers: Vec<Guid> = snapshot.computers.keys().copied().collect();
    let happenings = happenings(reader, &clients, &servers)
        .await
        .map_err(failed)?;
    Ok(Reading {
        snapshot,
        happenings,
    })
}

fn judge(
    args: &VerifyArgs,
    desired: &Desired,
    ownership: &Ownership,
    reading: &Reading,
) -> Result<Report, Failure> {
    let Reading {
        snapshot,
        happenings,
    } = reading;
    let snapshot = &*recognised(desired, snapshot);
    let mut world = World::observed(snapshot);
    declare(&mut world, desired);
    let baseline = args
        .baseline
        .as_deref()
        .map(|file| baseline(file, snapshot))
        .transpose()?;
    let input = Inputs {
        view: View {
            world: &world,
            desired: Some(desired),
            snapshot: Some(snapshot),
            ownership: Some(ownership),
            planned: None,
        },
        snapshot,
        happenings,
        baseline: baseline.as_ref(),
        tolerance: args.tolerance,
    };
    let Some(server) = &args.server else {
        return Ok(verify(&input));
    };
    match snapshot.computers_named(&Name::new(server)).as_slice() {
        [one] => verify_server(&input, one.guid),
        _ => None,
    }
    .ok_or_else(|| {
        Failure::new("SW0543", format!("there is no site server `{server}`")).hint(Some(
            "`sitewright export --out -` lists the site servers that the account may see".into(),
        ))
    })
}

fn take(file: &Path, reading: &Reading) -> Result<Exit, Failure> {
    let baseline = Baseline::take(&reading.snapshot.platform, &reading.happenings, &second());
    let Happenings {
        fetches,
        load,
        images,
    } = &reading.happenings;
    for (part, reason) in [
        ("downloads", fetches.reason()),
        ("load", load.reason()),
        ("images", images.reason()),
    ] {
        if let Some(reason) = reason {
            eprint!(
                "{}",
                super::wrap(&format!("warning: without {part}: {reason}"), 2, 80)
            );
        }
    }
    // An earlier baseline cannot be taken again: the job that it was taken before has run.
    let mut open = std::fs::OpenOptions::new();
    open.write(true)
        .create_new(true)
        .open(file)
        .and_then(|mut file| file.write_all(baseline.write().as_bytes()))
        .map_err(|error| {
            Failure::io(
                format!("cannot write the baseline `{}`", file.display()),
                &error,
            )
            .hint(Some(
                "a baseline is never written over another: choose a name that is free".into(),
            ))
        })?;
    print(&format!("Baseline written to {}.\n", file.display()));
    Ok(Exit::Done)
}

fn baseline(file: &Path, snapshot: &Snapshot) -> Result<Baseline, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::io(
            format!("cannot read the baseline `{}`", file.display()),
            &error,
        )
        .hint(Some(format!(
            "take one before the job: sitewright verify --take-baseline {}",
            file.display()
        )))
    })?;
    Baseline::read(&text, &snapshot.platform).map_err(|error| {
        Failure::from_error(error.code(), &error).hint(Some(format!(
            "take a new one: sitewright verify --take-baseline {}",
            file.display()
        )))
    })
}

fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}
