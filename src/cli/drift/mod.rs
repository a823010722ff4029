//! `sitewright drift`: what the world changed since the last apply, told apart from what the declaration changed.
//!
//! Holds no writer. What it remembers (how often differences come back, words that they are fine for a while) goes to
//! the state, never to the server.

mod accepted;
mod notify;
#[cfg(test)]
mod properties;
mod reverted;
mod word;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, ValueEnum};

use super::apply::keep;
use super::baseline::last_left;
use super::error::Failure;
use super::hold::{Hold, PATIENCE};
use super::plan::{What, load, plan, scope};
use super::session::{Home, Session};
use super::tell::Teller;
use super::{Context, Exit, files, now, print};
use crate::drift::{self, Drift, drift};
use crate::journal::Fact;
use crate::manifest::Payload;
use crate::model::{Desired, Ownership, Snapshot};
use crate::plan::Plan;
use crate::render::drift as shown;
use crate::state::Loaded;

/// Options of `drift`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("instead").args(["acknowledge", "unacknowledge", "revert", "accept"]))]
#[command(after_help = "\
Examples:
  sitewright drift
  sitewright drift --format markdown
  sitewright drift --notify env:SLACK_WEBHOOK --notify-as slack
  sitewright drift --textfile /var/lib/node_exporter/sitewright.prom
  sitewright drift --acknowledge Subnet/10.0.0.0/24:site --until 2026-12-01 \\
      --reason 'moved for the audit, ticket 4711'
  sitewright drift --accept
  sitewright drift --revert --out undo.plan.json

Exit codes: 0 no drift, 2 drift, 1 error, or nobody can tell")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(super) struct DriftArgs {
    /// Manifests: files, folders, or - for standard input; the workspace's folder if left out
    #[arg(short, long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Show also what touches nothing that is declared
    #[arg(long)]
    all: bool,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: DriftFormat,
    /// Write numbers for the textfile collector of Prometheus to a file
    #[arg(long, value_name = "FILE")]
    textfile: Option<PathBuf>,
    /// Tell a webhook of drift: its URL, which is a secret, or `env:NAME` or `file:PATH`; else those of the workspace
    #[arg(long, value_name = "URL")]
    notify: Vec<String>,
    /// What these take
    #[arg(long, value_name = "KIND", default_value = "generic", requires = "notify",
          value_parser = payload())]
    notify_as: Payload,
    /// Call a difference fine until a day, by its key; it is no drift until then
    #[arg(long, value_name = "KEY", requires_all = ["until", "reason"])]
    acknowledge: Option<String>,
    /// The last day on which that counts, at most 90 days ahead
    #[arg(long, value_name = "DATE", requires = "acknowledge")]
    until: Option<String>,
    /// Why it is fine
    #[arg(long, value_name = "TEXT", requires = "acknowledge")]
    reason: Option<String>,
    /// Take that back
    #[arg(long, value_name = "KEY")]
    unacknowledge: Option<String>,
    /// Who says so; left out, the account of the operating system
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Write into the manifests what the declaration says otherwise, comments kept; shows a diff and asks
    #[arg(long)]
    accept: bool,
    /// Do not ask
    #[arg(short, long, requires = "accept")]
    yes: bool,
    /// Plan back what the declaration says otherwise, with what that waits for
    #[arg(long)]
    revert: bool,
    /// Write that plan to a file that `apply` takes
    #[arg(long, value_name = "FILE", requires = "revert")]
    out: Option<PathBuf>,
}

/// How drift is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DriftFormat {
    /// For people
    Text,
    /// For programs, with a schema
    Json,
    /// For a pull request, a ticket, a chat
    Markdown,
    /// For code scanning
    Sarif,
}

/// A kind of webhook by its name.
fn payload() -> impl TypedValueParser<Value = Payload> {
    PossibleValuesParser::new(Payload::ALL.map(Payload::as_str)).try_map(|text| {
        let mut all = Payload::ALL.into_iter();
        all.find(|one| one.as_str() == text).ok_or("unknown")
    })
}

/// What one look found.
struct Look {
    desired: Desired,
    loaded: Option<Loaded>,
    snapshot: Snapshot,
    plan: Plan,
    drift: Drift,
}

pub(super) async fn run(context: &Context, args: &DriftArgs) -> Result<Exit, Failure> {
    let home = Home::find(&args.files)?;
    if let Some(key) = &args.unacknowledge {
        return word::take_back(context, &home, key, args.by.as_deref()).await;
    }
    // Before anything is read: a secret that is not there is an error, and no drift.
    let webhooks = notify::webhooks(&args.notify, args.notify_as, &home)?;
    let session = Session::open(context, &home)?;
    let started = now();
    let look = look(&session, &home, args).await?;
    if let (Some(key), Some(until), Some(reason)) = (&args.acknowledge, &args.until, &args.reason) {
        let said = word::Said {
            key,
            until,
            reason,
            by: args.by.as_deref(),
        };
        return word::give(context, &session, &look, &said).await;
    }
    if args.accept {
        return accepted::run(context, args, &home, &session, &look);
    }
    if args.revert {
        return reverted::run(context, &session, &look, args.out.as_deref());
    }
    note(context, &session, &look).await;
    let Look { plan, drift, .. } = &look;
    let about = shown::About {
        platform: session.name.as_str(),
        server: plan.platform.name.as_str(),
        tool_version: env!("CARGO_PKG_VERSION"),
    };
    if let Some(file) = &args.textfile {
        let ended = now();
        let text = shown::textfile(drift, &about, ended, ended.duration_since(started));
        files::write(file, &text, true)?;
    }
    print(&match args.format {
        DriftFormat::Text => shown::text(drift, &about, &context.style),
        DriftFormat::Json => shown::json(drift, &about),
        DriftFormat::Markdown => shown::markdown(drift, &about),
        DriftFormat::Sarif => shown::sarif(drift, &about),
    });
    if drift.is_drift() {
        for failure in notify::tell(&webhooks, drift, &about).await {
            eprint!("{}", failure.render_warning(&context.style));
        }
    }
    Ok(exit(drift))
}

fn exit(drift: &Drift) -> Exit {
    if drift.is_drift() {
        Exit::Changes
    } else if drift.is_told() {
        Exit::Done
    } else {
        Exit::Open
    }
}

async fn look(session: &Session, home: &Home, args: &DriftArgs) -> Result<Look, Failure> {
    let desired = home.desired(&args.files, session.declared_name())?;
    let loaded = load(session).await?;
    // What the plan would not do by its limits is drift all the same, so that nothing is vouched for here.
    let what = What {
        files: args.files.clone(),
        ..What::default()
    };
    let (plan, snapshot) = plan(session, &desired, loaded.as_ref(), &what, Teller::SILENT).await?;
    let scope = scope(
        session,
        &desired,
        loaded.as_ref().map(|loaded| &loaded.state),
    );
    let left = last_left(session, &scope, &snapshot).await?;
    let nothing = Ownership::default();
    let found = drift(&drift::Inputs {
        baseline: left.as_ref().map(crate::apply::Left::baseline),
        now: &snapshot,
        desired: &desired,
        plan: &plan,
        ownership: loaded
            .as_ref()
            .map_or(&nothing, |loaded| &loaded.state.ownership),
        all: args.all,
        at: now(),
    });
    Ok(Look {
        desired,
        loaded,
        snapshot,
        plan,
        drift: found,
    })
}

/// Notes what is news of the rounds. Whoever may not write the state is told so, and sees the drift all the same.
async fn note(context: &Context, session: &Session, look: &Look) {
    let Look { loaded, drift, .. } = look;
    let (Some(loaded), Some(_)) = (loaded, &drift.since) else {
        return;
    };
    if news(loaded, drift).is_empty() {
        return;
    }
    if let Err(failure) = noting(context, session, look).await {
        tracing::warn!(
            reason = failure.message(),
            "how often differences come back is not noted"
        );
    }
}

fn news(loaded: &Loaded, drift: &Drift) -> drift::News {
    crate::apply::seen(drift, &loaded.state.ownership, now())
}

async fn noting(context: &Context, session: &Session, look: &Look) -> Result<(), Failure> {
    let mut hold = Hold::take(context, session, "drift", None, PATIENCE).await?;
    let outcome = async {
        // Somebody else may have noted it while the server was read.
        let Some(loaded) = load(session).await? else {
            return Ok(());
        };
        let rounds = news(&loaded, &look.drift);
        if rounds.is_empty() {
            return Ok(());
        }
        let journal = hold.journal().await?;
        journal
            .append(&context.run, now(), Fact::DriftNoted { rounds })
            .await
            .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
        drop(journal);
        keep(session, &look.plan, Some(loaded)).await.map(drop)
    }
    .await;
    hold.free().await;
    outcome
}

/// The keys that there are, for whoever mistyped one.
fn keys(drift: &Drift) -> BTreeSet<&str> {
    drift
        .changes
        .iter()
        .map(|change| change.key.as_str())
        .collect()
}
