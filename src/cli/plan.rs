//! `sitewright plan`: reads, compares, shows. Holds no writer.

#![expect(clippy::disallowed_methods, reason = "writes the plan file")]

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args};

use super::error::Failure;
use super::hold::who;
use super::last;
use super::log::note;
use super::session::{Home, Session};
use super::show::PlanFormat;
use super::tell::{Teller, told};
use super::{Context, Exit, now, print, second};
use crate::model::{
    Acceptance, CountedKind, Desired, Memory, Object, Override, OverrideError, Overrides,
    Ownership, Snapshot,
};
use crate::observe::{Scope, refresh};
use crate::plan::{Inputs, Narrowing, Plan, PlanFile, UnknownObject, make, remembered};
use crate::render::lines::{self, Happening};
use crate::render::{document, text};
use crate::smp::Reader;
use crate::state::{Loaded, State};

/// Options of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright plan
  sitewright plan -f sites/ --out friday.plan.json --detailed-exitcode
  sitewright plan --format html > friday.html
  sitewright plan --format markdown > comment.md
  sitewright plan --format json-lines | jq -c .event
  sitewright plan --override maxDeletes=12 --reason 'ticket 4711'
  sitewright plan --target Site/HQ --target Subnet/192.168.20.0/24
  sitewright plan --platform sim:flat-lan -f examples/deployment-site")]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) what: What,
    /// Write the plan to a file that `apply` takes
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: PlanFormat,
    /// Whether to read the server; =false makes the plan of what was read last
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    refresh: bool,
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
    /// Only this object and what it depends on, such as Site/HQ or Subnet/10.0.0.0/24
    #[arg(long, value_name = "KIND/NAME")]
    pub(super) target: Vec<Object>,
    /// Not this object and what depends on it
    #[arg(long, value_name = "KIND/NAME")]
    pub(super) exclude: Vec<Object>,
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
    /// The objects that it is for.
    fn narrowing(&self) -> Narrowing {
        Narrowing {
            targets: self.target.iter().cloned().collect(),
            excludes: self.exclude.iter().cloned().collect(),
            unattended: None,
        }
    }

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
    let listened = args.format == PlanFormat::JsonLines;
    told(context, listened, lines::Command::Plan, async |teller| {
        made(context, args, teller).await
    })
    .await
}

/// Makes the plan and shows it.
async fn made(context: &Context, args: &PlanArgs, teller: Teller) -> Result<Exit, Failure> {
    let home = Home::find(&args.what.files)?;
    let session = Session::open(context, &home)?;
    stage("reading the manifests");
    let desired = home.desired(&args.what.files, session.declared_name())?;
    stage("reading the state");
    let loaded = load(&session).await?;
    let plan = if args.refresh {
        plan(&session, &desired, loaded.as_ref(), &args.what, teller)
            .await?
            .0
    } else {
        plan_of_last(&session, &desired, loaded.as_ref(), &args.what).await?
    };
    stage("rendering");
    let now = second();
    if let Some(age) = plan
        .stale_since
        .as_deref()
        .and_then(|since| document::age(since, &now))
    {
        note(&format!("made of what was read {age} ago"));
    }
    let sealed = PlanFile::seal(&plan, &now);
    if let Some(file) = &args.out {
        std::fs::write(file, sealed.write())
            .map_err(|error| Failure::io(format!("cannot write `{}`", file.display()), &error))?;
    }
    match args.format {
        PlanFormat::Text => print(&text::plan(&plan, &context.style)),
        PlanFormat::Json => print(&sealed.write()),
        PlanFormat::JsonLines => teller.plan(&plan, &sealed.digest),
        PlanFormat::Markdown => print(&document::markdown(&sealed, false)),
        PlanFormat::Html => print(&document::html(&sealed, context.style.full)),
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
    teller: Teller,
) -> Result<(Plan, Snapshot), Failure> {
    let trust = session.trust().await?;
    let reader = session.reader()?;
    let state = loaded.map(|loaded| &loaded.state);
    let scope = scope(session, desired, state);
    let snapshot = observe_telling(&reader, &scope, teller).await?;
    // A large snapshot takes as long to pack as the plan takes to make.
    let (packed, plan) = std::thread::scope(|threads| {
        let packed = threads.spawn(|| last::encode(state, &scope, &snapshot));
        let plan = planned(session, desired, state, what, &snapshot, None);
        (packed.join(), plan)
    });
    let packed = packed.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked));
    last::keep(session, packed).await;
    let mut plan = plan?;
    plan.notes.extend(trust.note.clone());
    remind(session, &mut plan, loaded).await?;
    Ok((plan, snapshot))
}

/// Makes the plan of what was read last.
async fn plan_of_last(
    session: &Session,
    desired: &Desired,
    loaded: Option<&Loaded>,
    what: &What,
) -> Result<Plan, Failure> {
    let state = loaded.map(|loaded| &loaded.state);
    let (snapshot, taken_at) = last::last(session, &scope(session, desired, state), state).await?;
    let mut plan = planned(session, desired, state, what, &snapshot, Some(&taken_at))?;
    remind(session, &mut plan, loaded).await?;
    Ok(plan)
}

/// Has the plan say what it no longer knows, where there is no state although there may have been one.
async fn remind(
    session: &Session,
    plan: &mut Plan,
    loaded: Option<&Loaded>,
) -> Result<(), Failure> {
    let memory = match loaded {
        Some(loaded) => loaded.memory,
        None => match session.store.versions().await {
            Ok(versions) if versions.is_empty() => Memory::Nothing,
            Ok(versions) => Memory::Lost {
                versions: versions.len(),
            },
            Err(error) => {
                return Err(Failure::from_error(error.code(), &error).hint(error.hint()));
            }
        },
    };
    plan.notes.extend(remembered(memory, &plan.steps));
    plan.notes.sort();
    Ok(())
}

pub(super) fn scope(session: &Session, desired: &Desired, state: Option<&State>) -> Scope {
    let nothing = Ownership::default();
    let ownership = state.map_or(&nothing, |state| &state.ownership);
    Scope::of(desired, session.server.clone()).remembering(ownership)
}

/// Makes the plan of a snapshot; `stale_since` is when it was read, where that was not for this plan.
pub(super) fn planned(
    session: &Session,
    desired: &Desired,
    state: Option<&State>,
    what: &What,
    snapshot: &Snapshot,
    stale_since: Option<&str>,
) -> Result<Plan, Failure> {
    stage("planning");
    let acceptance = what.acceptance()?;
    let overrides = what.overrides()?;
    let nothing = Ownership::default();
    let ownership = state.map_or(&nothing, |state| &state.ownership);
    if let Some(state) = state {
        same_platform(state, snapshot)?;
    }
    let narrowing = what.narrowing();
    narrowing
        .check(desired, snapshot, ownership, &session.name)
        .map_err(|error| unknown(&error))?;
    make(&Inputs {
        desired,
        snapshot,
        ownership,
        takeover: what.allow_takeover,
        allow_stranded: what.allow_stranded,
        safety: &session.safety,
        acceptance: acceptance.as_ref(),
        overrides: overrides.as_ref(),
        now: now(),
        stale_since,
        narrowing: Some(&narrowing),
        lineage: state.map_or("", |state| state.lineage.as_str()),
        serial: state.map_or(0, |state| state.serial),
        journal_sequence: state.map_or(0, |state| state.journal_sequence),
        tool_version: env!("CARGO_PKG_VERSION"),
    })
    .map_err(|error| {
        Failure::from_error("SW0520", &error).hint(Some(
            "this is a defect of Sitewright: please report it with the manifests".into(),
        ))
    })
}

/// An object that nobody knows, with those that may have been meant.
fn unknown(error: &UnknownObject) -> Failure {
    let near: Vec<String> = error.near.iter().map(|name| format!("`{name}`")).collect();
    Failure::from_error("SW0643", error).hint(Some(if near.is_empty() {
        "name it as the plan lists it: KIND/NAME".into()
    } else {
        format!("did you mean {}?", near.join(" or "))
    }))
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
    observe_telling(reader, scope, Teller::SILENT).await
}

async fn observe_telling(
    reader: &Reader,
    scope: &Scope,
    teller: Teller,
) -> Result<Snapshot, Failure> {
    let bar =
        indicatif::ProgressBar::new_spinner().with_finish(indicatif::ProgressFinish::AndClear);
    let shown = bar.clone();
    let ticker = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shown.enable_steady_tick(Duration::from_millis(120));
    });
    let progress = |what: &str| {
        stage(what);
        teller.say(Happening::Refreshing { what });
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
    if let Ok(snapshot) = &result {
        teller.say(Happening::Refreshed {
            platform: &snapshot.platform,
            requests: traffic.requests,
            bytes: traffic.bytes,
        });
    }
    result.map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))
}
