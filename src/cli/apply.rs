//! `sitewright apply`: shows the plan, asks, carries it out, keeps the state.

#![expect(clippy::disallowed_methods, reason = "reads the plan file")]

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget};
use tokio_util::sync::CancellationToken;

use super::carry_out::{Conduct, Held, Waiting};
use super::error::Failure;
use super::hold::{Hold, locked};
use super::plan::{What, load, plan};
use super::session::{Home, Session, new_lineage};
use super::{Context, Exit, Format, able, now, print};
use crate::apply::{Options, counted, unassigned_seen};
use crate::journal::Fact;
use crate::model::{Event, FREEZE, Outcome, Ownership, Snapshot, Step, StepId};
use crate::observe::identify;
use crate::plan::{Bounds, Plan, frozen, judge_again};
use crate::render::{Lookup, argument, console, json, text};
use crate::state::{Loaded, State, StateError};

/// Options of `apply`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright apply
  sitewright apply --yes -f sites/
  sitewright apply friday.plan.json --yes
  sitewright apply --override freeze --reason 'the VLAN is down, ticket 4711'
  sitewright apply --yes --wait            # beside somebody at the console
  sitewright apply --yes --skip-manual     # what needs nobody")]
pub(super) struct ApplyArgs {
    /// A plan that `plan --out` wrote; without it a plan is made of the manifests
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["files", "allow_takeover", "allow_stranded", "accept_fewer"])]
    plan_file: Option<PathBuf>,
    #[command(flatten)]
    what: What,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// How long to wait for packages to reach their servers, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    await_limit: u64,
    /// How long a written value may take to be read back, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    settle: u64,
    /// Wait for somebody to do the open console steps, and go on with what waits for them
    #[arg(long, conflicts_with = "skip_manual")]
    wait: bool,
    /// How long to wait for people, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 28_800,
        requires = "wait"
    )]
    wait_limit: u64,
    /// How often to look whether a console step is done, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 15, requires = "wait",
          value_parser = clap::value_parser!(u64).range(1..))]
    poll: u64,
    /// Go by without the console steps and what waits for them, and call that done
    #[arg(long)]
    skip_manual: bool,
    /// How to tell what happens: text, or one JSON event a line, with the plan on standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

impl ApplyArgs {
    fn waiting(&self) -> Option<Waiting> {
        self.wait.then(|| Waiting {
            limit: Duration::from_secs(self.wait_limit),
            poll: Duration::from_secs(self.poll),
        })
    }

    /// Says something to people: on standard error where standard output is for a program.
    fn tell(&self, text: &str) {
        match self.format {
            Format::Text => print(text),
            Format::Json => eprint!("{text}"),
        }
    }
}

pub(super) async fn run(context: &Context, args: &ApplyArgs) -> Result<Exit, Failure> {
    let home = Home::find(&args.what.files)?;
    let session = Session::open(context, &home)?;
    locked(context, &session, "apply", None, async |hold| {
        under_lock(context, args, &home, &session, hold).await
    })
    .await
}

async fn under_lock(
    context: &Context,
    args: &ApplyArgs,
    home: &Home,
    session: &Session,
    hold: &mut Hold<'_>,
) -> Result<Exit, Failure> {
    let loaded = load(session).await?;
    let (plan, snapshot) = if let Some(file) = &args.plan_file {
        let plan = saved(file, session, loaded.as_ref()).await?;
        // It was judged when it was made: limits and time may be others by now.
        let overrides = args.what.overrides()?;
        let bounds = Bounds {
            safety: &session.safety,
            overrides: overrides.as_ref(),
            now: now(),
        };
        (judge_again(plan, bounds), None)
    } else {
        let desired = home.desired(&args.what.files, session.declared_name())?;
        let (plan, snapshot) = plan(session, &desired, loaded.as_ref(), &args.what).await?;
        (plan, Some(snapshot))
    };
    args.tell(&text::plan(&plan, &context.style));
    if plan.is_blocked() {
        return Ok(Exit::Blocked);
    }
    if plan.steps.is_empty() {
        let seen = (&plan, snapshot.as_ref());
        if remember(context, hold, seen, &[], loaded.as_ref()).await? {
            keep(session, &plan, loaded).await?;
        }
        return Ok(Exit::Done);
    }
    if let Some(failure) = able::short_of(&plan, &*session.known()?) {
        return Err(failure);
    }
    if plan.changes_anything() && !args.yes && !agreed("Apply these steps?")? {
        return Err(Failure::new("SW0610", "not applied: nobody said yes"));
    }
    if let Some(failure) = by_now_frozen(session, &plan) {
        return Err(failure);
    }
    let cancel = CancellationToken::new();
    let conduct = Conduct {
        context,
        session,
        plan: &plan,
        options: Options {
            await_limit: Duration::from_secs(args.await_limit),
            settle: Duration::from_secs(args.settle),
            skip_manual: args.skip_manual,
            ..Options::default()
        },
        waiting: args.waiting(),
        cancel: cancel.clone(),
    };
    let ours = Held { hold, loaded };
    let (outcomes, loaded) = watched(context, args, &conduct, ours).await?;
    let done = carried_out(&plan, &outcomes);
    let seen = (&plan, snapshot.as_ref());
    remember(context, hold, seen, &done, loaded.as_ref()).await?;
    keep(session, &plan, loaded).await?;
    hold.free().await;
    if plan.changes_anything() {
        args.tell(&text::summary(
            &plan,
            &outcomes,
            &context.style,
            &again(args),
            &|step| console::needs_attestation(&plan, step),
        ));
    }
    exit(&outcomes, cancel.is_cancelled())
}

/// Carries the plan out, saying what happens.
async fn watched(
    context: &Context,
    args: &ApplyArgs,
    conduct: &Conduct<'_>,
    held: Held<'_, '_>,
) -> Result<(Vec<(StepId, Outcome)>, Option<Loaded>), Failure> {
    let watch = tokio::spawn(interrupted(conduct.cancel.clone()));
    let lookup = Lookup::new(conduct.plan);
    let bar = progress(conduct.plan);
    let result = conduct
        .carry_out(held, &mut |event| {
            let line = match args.format {
                Format::Text => text::event(event, &lookup, &context.style),
                Format::Json => Some(json::event(event) + "\n"),
            };
            if let Some(line) = line {
                bar.suspend(|| print(&line));
            }
            if let Event::StepEnded { outcome, .. } = event
                && !matches!(outcome, Outcome::Open | Outcome::Waiting { .. })
            {
                bar.inc(1);
            }
            // Whoever waits for less than a second needs no bar.
            if bar.is_hidden() && bar.elapsed() > Duration::from_secs(1) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        })
        .await;
    bar.finish_and_clear();
    watch.abort();
    result
}

/// The steps that are done.
fn carried_out<'a>(plan: &'a Plan, outcomes: &[(StepId, Outcome)]) -> Vec<&'a Step> {
    let done: BTreeSet<&StepId> = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Done | Outcome::AlreadyDone))
        .map(|(id, _)| id)
        .collect();
    let steps = plan.steps.iter();
    steps.filter(|step| done.contains(&step.id)).collect()
}

/// Notes in the journal the subnets in no site and how many of each kind there are, where that is not remembered
/// already; says whether it did. What was read is not known where the plan was made by an earlier command.
async fn remember(
    context: &Context,
    hold: &Hold<'_>,
    (plan, snapshot): (&Plan, Option<&Snapshot>),
    done: &[&Step],
    loaded: Option<&Loaded>,
) -> Result<bool, Failure> {
    let nothing = Ownership::default();
    let ownership = loaded.map_or(&nothing, |loaded| &loaded.state.ownership);
    let unassigned = snapshot.and_then(|snapshot| unassigned_seen(snapshot, done, ownership));
    let facts: Vec<Fact> = unassigned
        .into_iter()
        .chain(counted(&plan.counts, done, ownership))
        .collect();
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

/// The first Ctrl-C ends the run after the step under way, the second at once.
pub(super) async fn interrupted(cancel: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_ok() {
        // First, so that nothing is begun any more once that is said.
        cancel.cancel();
        eprintln!("stopping after what is under way; press Ctrl-C again to stop at once");
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    }
}

/// Folds what the journal gained into the state and saves it.
pub(super) async fn keep(
    session: &Session,
    plan: &Plan,
    before: Option<Loaded>,
) -> Result<State, Failure> {
    let failed = |error: &StateError| Failure::from_error(error.code(), error).hint(error.hint());
    let mut base = before.map_or_else(
        || State::new(plan.platform.clone(), new_lineage(), Ownership::default()),
        |loaded| loaded.state,
    );
    // A first run that was cut off left facts in the journal, and no lineage yet.
    if base.lineage.is_empty() {
        base.lineage = new_lineage();
    }
    session
        .store
        .settle(base)
        .await
        .map_err(|error| failed(&error))
}

/// Reads a plan that `plan --out` wrote.
pub(super) fn read_saved(file: &Path) -> Result<Plan, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::io(format!("cannot read `{}`", file.display()), &error))?;
    json::read_plan(&text).map_err(|error| {
        Failure::from_error(error.code(), &error).hint(Some(format!(
            "`{}` is no plan that can be applied; make a new one with `sitewright plan --out`",
            file.display()
        )))
    })
}

async fn saved(file: &Path, session: &Session, loaded: Option<&Loaded>) -> Result<Plan, Failure> {
    let plan = read_saved(file)?;
    session.trust().await?;
    let platform = identify(&session.reader()?, session.server.as_ref())
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    if platform.server != plan.platform.server {
        return Err(Failure::new(
            "SW0612",
            format!(
                "the plan was made for the SMP {} ({}), but this is {} ({})",
                plan.platform.name, plan.platform.server, platform.name, platform.server
            ),
        )
        .hint(Some("choose the platform that it was made for".into())));
    }
    let (lineage, serial) = loaded.map_or(("", 0), |loaded| {
        (loaded.state.lineage.as_str(), loaded.state.serial)
    });
    if lineage != plan.lineage || serial != plan.serial {
        return Err(Failure::new(
            "SW0613",
            format!(
                "the state has moved on since the plan was made: expected serial {}, found {serial}{}",
                plan.serial,
                if lineage == plan.lineage { "" } else { " of another lineage" }
            ),
        )
        .hint(Some("make a new plan".into())));
    }
    Ok(plan)
}

/// Why nothing may change any longer, where a window has begun since the plan was judged.
pub(super) fn by_now_frozen(session: &Session, plan: &Plan) -> Option<Failure> {
    let freeze = frozen(plan, &session.safety, now())?;
    let why = freeze
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"));
    let failure = Failure::new(
        "SW0544",
        format!("the workspace has been frozen meanwhile, {freeze}{why}"),
    );
    Some(failure.hint(Some(format!(
        "what was done is kept; apply again afterwards, or with `--override {FREEZE} --reason TEXT`"
    ))))
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

/// The command that goes on where this one stopped.
fn again(args: &ApplyArgs) -> String {
    let mut words = vec!["sitewright apply".to_owned()];
    words.extend(
        args.what
            .files
            .iter()
            .map(|file| format!("-f {}", file.display())),
    );
    if args.what.allow_takeover {
        words.push("--allow-takeover".into());
    }
    if args.what.allow_stranded > 0 {
        words.push(format!("--allow-stranded {}", args.what.allow_stranded));
    }
    let overrides = args.what.overrides.iter();
    words.extend(overrides.map(|one| format!("--override {}", argument(one))));
    if !args.what.overrides.is_empty()
        && let Some(reason) = &args.what.reason
    {
        words.push(format!("--reason {}", argument(reason)));
    }
    words.join(" ")
}
