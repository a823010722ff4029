//! `sitewright apply`: shows the plan, asks, carries it out, keeps the state.

#![expect(
    clippy::disallowed_methods,
    reason = "reads the plan file and the environment"
)]

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget};
use tokio_util::sync::CancellationToken;

use super::again::again;
use super::baseline::{self, Ending, Ground};
use super::carry_out::{Conduct, Held, Waiting, unkept};
use super::current::assert_current;
use super::error::Failure;
use super::hold::{Hold, locked};
use super::interrupt::{STOPPED, interrupted};
use super::log::is_quiet;
use super::plan::{What, load, plan};
use super::session::{Home, Session, WritingSession, new_lineage};
use super::tell::{Teller, told};
use super::{Context, Exit, able, now, print};
use crate::apply::{
    ApplyError, Ended, Halt, Options, Resumed, aftermath, carried_out, leaves_nothing, resume,
};
use crate::journal::JournalError;
use crate::model::{Desired, Event, FREEZE, Outcome, Ownership, Snapshot, StepId, StepKind};
use crate::observe::identify;
use crate::plan::{Bounds, Plan, PlanFile, frozen, judge_again};
use crate::render::lines::{self, Told};
use crate::render::{Lookup, console, text};
use crate::state::{Loaded, State, StateError};

/// Options of `apply`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright apply
  sitewright apply --yes -f sites/
  sitewright apply friday.plan.json --yes
  sitewright apply friday.plan.json --if-current . --yes
  sitewright apply --override freeze --reason 'the VLAN is down, ticket 4711'
  sitewright apply --yes --wait            # beside somebody at the console
  sitewright apply --yes --skip-manual     # what needs nobody
  sitewright apply --parallelism 1         # step by step, in the order of the plan
  sitewright apply --yes --format json-lines > run.jsonl")]
pub(super) struct ApplyArgs {
    /// A plan that `plan --out` wrote; without it a plan is made of the manifests
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["files", "allow_takeover", "allow_stranded", "accept_fewer", "target", "exclude"])]
    pub(super) plan_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) what: What,
    /// Only if these manifests declare what the file was made of, and the server is as it was read for it
    #[arg(long, value_name = "PATH", requires = "plan_file")]
    pub(super) if_current: Vec<PathBuf>,
    /// Do not ask
    #[arg(short, long, visible_alias = "auto-approve")]
    pub(super) yes: bool,
    /// How many steps may be under way at once; left out, what SITEWRIGHT_PARALLELISM says, else 4
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) parallelism: Option<u8>,
    /// How long one step may wait for the server, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) step_timeout: u64,
    /// How many requests may be tried again before the run stops; answers earn tries back
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(super) retry_budget: u32,
    /// How long to wait for packages to reach their servers, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    pub(super) await_limit: u64,
    /// How long a written value may take to be read back, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub(super) settle: u64,
    /// Wait for somebody to do the open console steps, and go on with what waits for them
    #[arg(long, conflicts_with = "skip_manual")]
    pub(super) wait: bool,
    /// How long to wait for people, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 28_800,
        requires = "wait"
    )]
    pub(super) wait_limit: u64,
    /// How often to look whether a console step is done, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 15, requires = "wait",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) poll: u64,
    /// Go by without the console steps and what waits for them, and call that done
    #[arg(long)]
    pub(super) skip_manual: bool,
    /// How to tell what happens: text, or a JSON object a line, with what is for people on standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: RunFormat,
}

/// How a run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum RunFormat {
    Text,
    #[value(alias = "json")]
    JsonLines,
}

impl ApplyArgs {
    /// What is meant where nothing is said.
    pub(super) fn usual() -> Self {
        Self {
            plan_file: None,
            what: What::default(),
            if_current: Vec::new(),
            yes: false,
            parallelism: None,
            step_timeout: 600,
            retry_budget: 100,
            await_limit: 1800,
            settle: 20,
            wait: false,
            wait_limit: 28_800,
            poll: 15,
            skip_manual: false,
            format: RunFormat::Text,
        }
    }

    fn options(&self) -> Result<Options, Failure> {
        let mut usual = Options::default();
        if let Ok(said) = std::env::var("SITEWRIGHT_PARALLELISM") {
            usual.parallelism = said.parse().ok().filter(|n| (1..=64).contains(n)).ok_or_else(|| {
                Failure::usage(
                    format!("expected a number from 1 to 64 in SITEWRIGHT_PARALLELISM, found `{said}`"),
                    "unset it, or pass --parallelism",
                )
            })?;
        }
        Ok(Options {
            parallelism: self.parallelism.map_or(usual.parallelism, usize::from),
            step_timeout: Duration::from_secs(self.step_timeout),
            await_limit: Duration::from_secs(self.await_limit),
            settle: Duration::from_secs(self.settle),
            skip_manual: self.skip_manual,
            ..usual
        })
    }

    fn waiting(&self) -> Option<Waiting> {
        self.wait.then(|| Waiting {
            limit: Duration::from_secs(self.wait_limit),
            poll: Duration::from_secs(self.poll),
        })
    }

    /// Says something to people: on standard error where standard output is for a program.
    fn tell(&self, text: &str) {
        match self.format {
            RunFormat::Text => print(text),
            RunFormat::JsonLines => eprint!("{text}"),
        }
    }
}

pub(super) async fn run(context: &Context, args: &ApplyArgs) -> Result<Exit, Failure> {
    let listened = args.format == RunFormat::JsonLines;
    told(context, listened, lines::Command::Apply, async |teller| {
        let home = Home::find(&args.what.files)?;
        let session = WritingSession::open_with(context, &home, Some(args.retry_budget))?;
        locked(context, &session, "apply", None, async |hold| {
            Box::pin(under_lock(context, args, teller, (&home, &session), hold)).await
        })
        .await
    })
    .await
}

async fn under_lock(
    context: &Context,
    args: &ApplyArgs,
    teller: Teller,
    (home, session): (&Home, &WritingSession),
    hold: &mut Hold<'_>,
) -> Result<Exit, Failure> {
    let loaded = load(session).await?;
    let Begun {
        plan,
        digest,
        snapshot,
        desired,
        resumed,
    } = begun(context, args, teller, (home, session), loaded.as_ref()).await?;
    let ground = Ground {
        plan: &plan,
        snapshot: snapshot.as_ref(),
        desired: desired.as_ref(),
    };
    args.tell(&text::plan(&plan, &context.style));
    teller.plan(&plan, &digest);
    if plan.is_blocked() {
        return Ok(Exit::Blocked);
    }
    if plan.steps.is_empty() {
        let state = if remember(context, session, hold, ground, &[], loaded.as_ref()).await? {
            Some(keep(session, &plan, loaded).await?)
        } else {
            loaded.map(|loaded| loaded.state)
        };
        let ending = Ending {
            complete: leaves_nothing(&plan, &[]),
            wrote: false,
            state: state.as_ref(),
        };
        Box::pin(baseline::keep(session, ground, ending)).await;
        return Ok(Exit::Done);
    }
    if let Some(failure) = able::short_of(&plan, &*session.known()?) {
        return Err(failure);
    }
    if plan.changes_anything() && !args.yes && !agreed("Apply these steps?")? {
        return Err(Failure::new("SW0610", "not applied: nobody said yes"));
    }
    if let Some(why) = by_now_frozen(session, &plan) {
        return Err(closed(why));
    }
    let cancel = CancellationToken::new();
    let conduct = Conduct {
        context,
        session,
        plan: &plan,
        digest,
        options: args.options()?,
        waiting: args.waiting(),
        vouched: resumed.attested,
        cancel: cancel.clone(),
    };
    let ours = Held { hold, loaded };
    let (ended, loaded) = watched(context, (args, teller), &conduct, ours).await?;
    let Ended { outcomes, halt } = ended;
    // Where the journal cannot be kept, or is no longer ours, nothing else is either; what it holds is folded in next time.
    let kept = match &halt {
        Some(Halt::Journal(_)) => Ok(None),
        _ => settle(context, session, hold, ground, &outcomes, loaded)
            .await
            .map(Some),
    };
    let ended = match halt {
        Some(halt) => Err(halted(halt)),
        None => exit(&outcomes, cancel.is_cancelled()),
    };
    if let (Ok(_), Ok(Some(state))) = (&ended, &kept) {
        let wrote = carried_out(&plan, &outcomes)
            .iter()
            .any(|step| step.kind() != StepKind::Record);
        let ending = Ending {
            complete: leaves_nothing(&plan, &outcomes),
            wrote,
            state: Some(state),
        };
        Box::pin(baseline::keep(session, ground, ending)).await;
    }
    hold.free().await;
    if plan.changes_anything() {
        args.tell(&text::summary(
            &plan,
            &outcomes,
            &context.style,
            &again(args, &context.global),
            &|step| console::needs_attestation(&plan, step),
        ));
    }
    kept?;
    ended
}

/// A plan to be carried out, and what is known beside it; what was read only where it was made just now.
struct Begun {
    plan: Plan,
    digest: String,
    snapshot: Option<Snapshot>,
    desired: Option<Desired>,
    resumed: Resumed,
}

/// Reads the plan that was saved, or makes one.
async fn begun(
    context: &Context,
    args: &ApplyArgs,
    teller: Teller,
    (home, session): (&Home, &WritingSession),
    loaded: Option<&Loaded>,
) -> Result<Begun, Failure> {
    let Some(file) = &args.plan_file else {
        let desired = home.desired(&args.what.files, session.declared_name())?;
        let (plan, snapshot) = plan(session, &desired, loaded, &args.what, teller).await?;
        return Ok(Begun {
            digest: plan.digest(),
            plan,
            snapshot: Some(snapshot),
            desired: Some(desired),
            resumed: Resumed::default(),
        });
    };
    let (plan, resumed) = saved(file, session, loaded).await?;
    // Boxed: planning once more is large, and rare.
    Box::pin(assert_current(
        context,
        args,
        session,
        (&plan, &resumed),
        loaded,
    ))
    .await?;
    // It was judged when it was made: limits and time may be others by now.
    let overrides = args.what.overrides()?;
    let bounds = Bounds {
        safety: &session.safety,
        overrides: overrides.as_ref(),
        now: now(),
    };
    Ok(Begun {
        digest: plan.digest(),
        plan: judge_again(plan, bounds),
        snapshot: None,
        desired: None,
        resumed,
    })
}

/// Notes what the run leaves behind, and saves the state.
async fn settle(
    context: &Context,
    session: &Session,
    hold: &Hold<'_>,
    ground: Ground<'_>,
    outcomes: &[(StepId, Outcome)],
    loaded: Option<Loaded>,
) -> Result<State, Failure> {
    remember(context, session, hold, ground, outcomes, loaded.as_ref()).await?;
    keep(session, ground.plan, loaded).await
}

/// Carries the plan out, saying what happens.
async fn watched(
    context: &Context,
    (args, teller): (&ApplyArgs, Teller),
    conduct: &Conduct<'_>,
    held: Held<'_, '_>,
) -> Result<(Ended, Option<Loaded>), Failure> {
    let at_once = CancellationToken::new();
    let watch = tokio::spawn(interrupted(conduct.cancel.clone(), at_once.clone()));
    let lookup = Lookup::new(conduct.plan);
    let bar = progress(conduct.plan);
    let mut emit = |event: &Event| {
        bar.suspend(|| match args.format {
            RunFormat::Text => {
                if let Some(line) = text::event(event, &lookup, &context.style) {
                    print(&line);
                }
            }
            RunFormat::JsonLines => teller.tell(Told::Run(event)),
        });
        if let Event::StepEnded { outcome, .. } = event
            && !matches!(outcome, Outcome::Open | Outcome::Waiting { .. })
        {
            bar.inc(1);
        }
        // Whoever waits for less than a second needs no bar.
        if !is_quiet() && bar.is_hidden() && bar.elapsed() > Duration::from_secs(1) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    };
    // Whatever is dropped here is in the journal, or was about to be: the next run looks first. A record or a state that
    // was begun is written all the same, before the lock is given back.
    let result = tokio::select! {
        result = conduct.carry_out(held, &mut emit) => result,
        () = at_once.cancelled() => Err(stopped_at_once()),
    };
    bar.finish_and_clear();
    watch.abort();
    result
}

/// Notes in the journal the subnets in no site and how many of each kind there are, where that is not remembered
/// already; says whether it did. What was read is not known where the plan was made by an earlier command.
async fn remember(
    context: &Context,
    session: &Session,
    hold: &Hold<'_>,
    ground: Ground<'_>,
    outcomes: &[(StepId, Outcome)],
    loaded: Option<&Loaded>,
) -> Result<bool, Failure> {
    let Ground { plan, snapshot, .. } = ground;
    let nothing = Ownership::default();
    let ownership = loaded.map_or(&nothing, |loaded| &loaded.state.ownership);
    let mut facts = aftermath(plan, snapshot, outcomes, ownership);
    let done = carried_out(plan, outcomes);
    facts.extend(baseline::rounds(session, ground, &done, loaded).await);
    if facts.is_empty() {
        return Ok(false);
    }
    let journal = hold.journal().await?;
    for fact in facts {
        journal
            .append(&context.run, now(), fact)
            .await
            .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    }
    Ok(true)
}

/// A bar on standard error, which is drawn on a terminal only, once there is something to wait for.
fn progress(plan: &Plan) -> ProgressBar {
    let steps = u64::try_from(plan.steps.len()).unwrap_or(u64::MAX);
    ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::hidden())
}

fn stopped_at_once() -> Failure {
    Failure::new("SW0662", "stopped at once, as asked")
        .hint(Some(
            "what was under way may have been carried out all the same; apply again looks first, and goes on from there"
                .into(),
        ))
        .exiting(u8::try_from(STOPPED).unwrap_or(1))
}

/// The exit code of what is forbidden.
const BLOCKED: u8 = 3;

/// Why a run began no further step.
fn halted(halt: Halt) -> Failure {
    match halt {
        Halt::Journal(error @ JournalError::LeaseLost { .. }) => {
            Failure::from_error(error.code(), &error).hint(error.hint())
        }
        Halt::Journal(error) => unkept(&ApplyError::from(error)),
        Halt::RetriesSpent { budget } => Failure::new(
            "SW0663",
            format!("too many requests failed: the budget of {budget} further tries is spent"),
        )
        .hint(Some(
            "see to the server, then apply again, which goes on from there; --retry-budget allows more".into(),
        )),
        Halt::Closed { why } => closed(why),
    }
}

/// Folds what the journal gained into the state and saves it.
pub(super) async fn keep(
    session: &Session,
    plan: &Plan,
    before: Option<Loaded>,
) -> Result<State, Failure> {
    let failed = |error: &StateError| Failure::from_error(error.code(), error).hint(error.hint());
    let base = State::following(
        before.map(|loaded| loaded.state),
        &plan.platform,
        new_lineage(),
    );
    session
        .store
        .settle(base)
        .await
        .map_err(|error| failed(&error))
}

/// Reads a plan that `plan --out` wrote.
pub(super) fn read_saved(file: &Path) -> Result<PlanFile, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::io(format!("cannot read `{}`", file.display()), &error))?;
    PlanFile::read(&text).map_err(|error| {
        Failure::new(
            error.code(),
            format!("`{}` is no plan that can be used: {error}", file.display()),
        )
        .hint(Some(error.hint().into()))
    })
}

/// Reads a saved plan and makes sure that it is one for this platform and this state, be it a half-applied one.
async fn saved(
    file: &Path,
    session: &Session,
    loaded: Option<&Loaded>,
) -> Result<(Plan, Resumed), Failure> {
    let plan = read_saved(file)?.plan();
    session.trust().await?;
    let platform = identify(&session.reader()?, session.server.as_ref())
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let since = session
        .store
        .since(plan.journal_sequence)
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let state = loaded.map(|loaded| &loaded.state);
    let resumed = resume(&plan, &platform, state, &since).map_err(|error| {
        Failure::from_error(error.code(), &error).hint(Some(error.hint().into()))
    })?;
    tracing::info!(
        begun = resumed.begun,
        words = resumed.attested.len(),
        "the saved plan fits"
    );
    Ok((plan, resumed))
}

/// Why nothing may change any longer, where a window has begun since the plan was judged.
pub(super) fn by_now_frozen(session: &Session, plan: &Plan) -> Option<String> {
    let freeze = frozen(plan, &session.safety, now())?;
    let why = freeze
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"));
    Some(format!(
        "the workspace has been frozen meanwhile, {freeze}{why}"
    ))
}

/// No step may begin any more: the same exit code as where the plan said so.
fn closed(why: String) -> Failure {
    Failure::new("SW0544", why)
        .hint(Some(format!(
            "what was done is kept; apply again afterwards, or with `--override {FREEZE} --reason TEXT`"
        )))
        .exiting(BLOCKED)
}

/// Asks a question that only a person can say yes to.
pub(super) fn agreed(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask at",
            "pass --yes to go on without being asked",
        ));
    }
    dialoguer::Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .map_err(|error| Failure::new("SW0002", format!("cannot ask: {error}")))
}

/// Skipped steps, and what waits for them, were not asked for.
fn exit(outcomes: &[(StepId, Outcome)], cancelled: bool) -> Result<Exit, Failure> {
    let failed = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Failed { .. }))
        .count();
    if failed > 0 {
        return Err(Failure::new(
            "SW0614",
            format!(
                "{failed} {} failed",
                if failed == 1 { "step" } else { "steps" }
            ),
        )
        .hint(Some(
            "what was done is kept; apply again goes on from there".into(),
        )));
    }
    let open = outcomes
        .iter()
        .any(|(_, outcome)| matches!(outcome, Outcome::Open));
    if outcomes
        .iter()
        .any(|(_, outcome)| matches!(outcome, Outcome::Cancelled))
        || cancelled && open
    {
        return Err(
            Failure::new("SW0615", "stopped before the end, as asked").hint(Some(
                "what was done is kept; apply again goes on from there".into(),
            )),
        );
    }
    Ok(if open { Exit::ConsoleSteps } else { Exit::Done })
}
