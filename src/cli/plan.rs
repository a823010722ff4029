//! `sitewright plan`: reads, compares, shows. Holds no writer.

#![expect(clippy::disallowed_methods, reason = "writes the plan file")]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::error::Failure;
use super::hold::who;
use super::session::{Home, Session};
use super::{Context, Exit, Format, now, print};
use crate::model::{
    Acceptance, CountedKind, Desired, Override, OverrideError, Overrides, Ownership, Snapshot,
};
use crate::observe::{Scope, refresh};
use crate::plan::{Inputs, Plan, make};
use crate::render::{json, text};
use crate::smp::Reader;
use crate::state::{Loaded, State};

/// Options of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright plan
  sitewright plan -f sites/ --out friday.plan.json --detailed-exitcode
  sitewright plan --override maxDeletes=12 --reason 'ticket 4711'
  sitewright plan --platform sim:flat-lan -f examples/deployment-site")]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) what: What,
    /// Write the plan to a file that `apply` takes
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Exit with 2 where something would change
    #[arg(long)]
    detailed_exitcode: bool,
}

/// What is planned.
#[derive(Debug, Default, Args)]
pub(super) struct What {
    /// Manifests: files, folders, or - for standard input; the workspace's folder if left out
    #[arg(short, long = "file", value_name = "PATH")]
    pub(super) files: Vec<PathBuf>,
    /// Let declared sites take addresses from sites that nobody declares
    #[arg(long)]
    pub(super) allow_takeover: bool,
    /// Let this many clients lose the last server of a role; where clients are not known, this many addresses
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) allow_stranded: u64,
    /// Believe that there are fewer of a kind than the last run saw
    #[arg(long, value_name = "KIND", requires = "reason", value_parser = kind())]
    pub(super) accept_fewer: Vec<CountedKind>,
    /// Let this plan past a limit of the workspace, up to N; `freeze`: also while nothing may change
    #[arg(long = "override", value_name = "LIMIT=N", requires = "reason")]
    pub(super) overrides: Vec<String>,
    /// Why you are sure, for both; kept in the journal
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

/// A kind of object by its name, so that help and errors list them all.
fn kind() -> impl TypedValueParser<Value = CountedKind> {
    PossibleValuesParser::new(CountedKind::ALL.map(CountedKind::as_str))
        .try_map(|text| text.parse::<CountedKind>())
}

impl What {
    /// Somebody's word that lists are shorter than they were, where it is given.
    fn acceptance(&self) -> Result<Option<Acceptance>, Failure> {
        Ok(self.reason()?.map(|reason| Acceptance {
            kinds: self.accept_fewer.iter().copied().collect(),
            reason: reason.to_owned(),
        }))
    }

    /// Somebody's word that the plan may go past limits, where it is given.
    pub(super) fn overrides(&self) -> Result<Option<Overrides>, Failure> {
        let words: Vec<Override> = self
            .overrides
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, OverrideError>>()
            .map_err(|error| {
                Failure::usage(
                    error.to_string(),
                    "the plan that is blocked names the limit and the number",
                )
            })?;
        let reason = self.reason()?;
        Ok(reason.map(|reason| Overrides::of(&words, reason, &who(None))))
    }

    fn reason(&self) -> Result<Option<&str>, Failure> {
        let reason = self.reason.as_deref();
        if reason.is_some_and(|reason| reason.trim().is_empty()) {
            return Err(Failure::usage(
                "a reason is wanted",
                "say how you know: --reason 'the lab was closed, ticket 4711'",
            ));
        }
        if reason.is_some() && self.accept_fewer.is_empty() && self.overrides.is_empty() {
            return Err(Failure::usage(
                "there is a reason, and nothing that it is for",
                "it goes with --accept-fewer or --override",
            ));
        }
        Ok(reason)
    }
}

pub(super) async fn run(context: &Context, args: &PlanArgs) -> Result<Exit, Failure> {
    let home = Home::find(&args.what.files)?;
    let session = Session::open(context, &home)?;
    stage("reading the manifests");
    let desired = home.desired(&args.what.files, session.declared_name())?;
    stage("reading the state");
    let loaded = load(&session).await?;
    let (plan, _) = plan(&session, &desired, loaded.as_ref(), &args.what).await?;
    stage("rendering");
    if let Some(file) = &args.out {
        std::fs::write(file, json::plan(&plan))
            .map_err(|error| Failure::io(format!("cannot write `{}`", file.display()), &error))?;
    }
    match args.format {
        Format::Text => print(&text::plan(&plan, &context.style)),
        Format::Json => print(&json::plan(&plan)),
    }
    stage("ending");
    Ok(exit(&plan, args.detailed_exitcode))
}

/// Says what begins now: with the times of the log, where the time goes (`make bench`).
fn stage(what: &str) {
    tracing::info!(what);
}

fn exit(plan: &Plan, detailed: bool) -> Exit {
    if plan.is_blocked() {
        Exit::Blocked
    } else if detailed && plan.changes_anything() {
        Exit::Changes
    } else {
        Exit::Done
    }
}

/// The state with what the journal adds to it; `None` where there is none yet.
pub(super) async fn load(session: &Session) -> Result<Option<Loaded>, Failure> {
    session
        .store
        .load()
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))
}

/// Reads the server and makes the plan; gives back what was read, too.
pub(super) async fn plan(
    session: &Session,
    desired: &Desired,
    loaded: Option<&Loaded>,
    what: &What,
) -> Result<(Plan, Snapshot), Failure> {
    let acceptance = what.acceptance()?;
    let overrides = what.overrides()?;
    let trust = session.trust().await?;
    let reader = session.reader()?;
    let nothing = Ownership::default();
    let state = loaded.map(|loaded| &loaded.state);
    let ownership = state.map_or(&nothing, |state| &state.ownership);
    let scope = Scope::of(desired, session.server.clone()).remembering(ownership);
    let snapshot = observe(&reader, &scope).await?;
    stage("planning");
    if let Some(state) = state {
        same_platform(state, &snapshot)?;
    }
    let mut plan = make(&Inputs {
        desired,
        snapshot: &snapshot,
        ownership,
        takeover: what.allow_takeover,
        allow_stranded: what.allow_stranded,
        safety: &session.safety,
        acceptance: acceptance.as_ref(),
        overrides: overrides.as_ref(),
        now: now(),
        lineage: state.map_or("", |state| state.lineage.as_str()),
        serial: state.map_or(0, |state| state.serial),
        tool_version: env!("CARGO_PKG_VERSION"),
    })
    .map_err(|error| {
        Failure::from_error("SW0520", &error).hint(Some(
            "this is a defect of Sitewright: please report it with the manifests".into(),
        ))
    })?;
    plan.notes.extend(trust.note.clone());
    Ok((plan, snapshot))
}

/// Refuses a state that belongs to another SMP.
pub(super) fn same_platform(state: &State, snapshot: &Snapshot) -> Result<(), Failure> {
    if state.platform.server == snapshot.platform.server {
        return Ok(());
    }
    Err(Failure::new(
        "SW0254",
        format!(
            "the state belongs to the SMP {}, but this is {}",
            state.platform.name, snapshot.platform.name
        ),
    )
    .hint(Some(
        "choose another state folder, or the platform it was made for".into(),
    )))
}

/// Reads the server, with a sign of life on a terminal where it takes longer than a second.
pub(super) async fn observe(reader: &Reader, scope: &Scope) -> Result<Snapshot, Failure> {
    let bar =
        indicatif::ProgressBar::new_spinner().with_finish(indicatif::ProgressFinish::AndClear);
    let shown = bar.clone();
    let ticker = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shown.enable_steady_tick(Duration::from_millis(120));
    });
    let progress = |what: &str| {
        stage(what);
        bar.set_message(what.to_owned());
    };
    let result = refresh(reader, scope, &progress).await;
    ticker.abort();
    bar.finish_and_clear();
    let traffic = reader.transport().traffic();
    tracing::info!(
        requests = traffic.requests,
        bytes = traffic.bytes,
        "refreshed"
    );
    result.map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))
}
