//! The loop itself: waits, tries, talks. What is done when, and what is said, is decided by [`Brain`].
//!
//! I/O, through what it is given. All platforms and the source of the configuration are waited for in one place, so that
//! nothing is at work behind anybody's back: when the loop is over, everything is.

#![expect(clippy::disallowed_methods, reason = "waits")]

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::OptionFuture;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use super::brain::{Brain, Said};
use super::once::{Attempt, Target, reconcile_once};
use super::pace::{Debounce, Moment, Pauses};
use super::report::{Conclusion, Report, Trouble};
use super::serve::Board;
use super::source::{Commit, Events, Revision, Source};
use super::way::Way;
use crate::model::{Holder, Name, RunId};

/// How long steps under way may take once the loop is told to stop.
const GRACE: Duration = Duration::from_secs(8);
/// How long the rest may take then: freeing the lock, saving what was done.
const LAST: Duration = Duration::from_millis(1500);

/// A configuration that can be taken up.
pub struct Configured {
    /// What tells it from every other.
    pub digest: String,
    /// How long is waited.
    pub pauses: Pauses,
    /// The platforms.
    pub targets: Vec<Target>,
}

/// Reads a configuration; `None` where it has the digest of the one that is in use.
pub type Load<'a> = dyn FnMut(&Revision, Option<&str>) -> Result<Option<Configured>, Trouble> + 'a;

/// What the loop is told from outside.
pub struct Outside<'a> {
    /// Reads a configuration.
    pub load: &'a mut Load<'a>,
    /// Tells that files have changed.
    pub events: Events,
    /// How often the source is asked, whatever is told.
    pub poll: Duration,
    /// The time of day.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// Ids that nobody else has.
    pub id: &'a dyn Fn() -> String,
    /// Who holds the lock of a state, for a run.
    pub holder: &'a dyn Fn(&RunId) -> Holder,
    /// What pauses are drawn from.
    pub seed: u64,
    /// Told how things stand.
    pub board: Board,
    /// Ends the loop after what is under way.
    pub stop: CancellationToken,
    /// Ends it at once.
    pub at_once: CancellationToken,
}

type Attempts<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Over> + 'a>>>;
type Fetched = (Source, Result<Revision, Trouble>);

/// An attempt that is over, with the span that all that is said of it belongs to.
struct Over {
    name: Name,
    span: Span,
    report: Report,
    /// By which way it was.
    way: Arc<Way>,
}

/// What is in use.
#[derive(Default)]
struct InUse {
    digest: Option<String>,
    targets: BTreeMap<Name, Arc<Target>>,
    commit: Option<Commit>,
}

/// Runs until it is told to stop.
#[expect(
    clippy::too_many_lines,
    reason = "everything is waited for in one place"
)]
pub async fn run(source: Source, outside: Outside<'_>) {
    let Outside {
        load,
        mut events,
        poll,
        clock,
        id,
        holder,
        seed,
        board,
        stop,
        at_once,
    } = outside;
    let mut brain = Brain::new(seed);
    let mut in_use = InUse::default();
    let mut source = Some(source);
    let mut fetching: Option<Pin<Box<dyn Future<Output = Fetched>>>> = None;
    let mut asks = Moment::ZERO;
    let mut debounce = Debounce::default();
    let mut attempts = Attempts::new();
    loop {
        let now = board.now();
        if debounce.settle(now) {
            asks = now;
        }
        if asks <= now
            && let Some(mut asked) = source.take()
        {
            fetching = Some(Box::pin(async move {
                let revision = asked.revision().await;
                (asked, revision)
            }));
        }
        for name in brain.begin(now) {
            let Some(target) = in_use.targets.get(&name) else {
                continue;
            };
            let run = RunId(id());
            let span = tracing::info_span!("run", platform = %name, run = %run);
            let attempt = Attempt {
                holder: holder(&run),
                by: by(&holder(&run).who, in_use.commit.as_ref()),
                run,
                lineage: id(),
                clock,
                stop: stop.clone(),
                at_once: at_once.clone(),
            };
            let target = Arc::clone(target);
            let board = board.clone();
            attempts.push(Box::pin(async move {
                let begun = board.now();
                let trying = Box::pin(reconcile_once(&target, &attempt));
                let report = trying.instrument(span.clone()).await;
                let took = board.now().saturating_sub(begun);
                let report = Report { took, ..report };
                let way = Arc::clone(&target.way);
                Over {
                    name,
                    span,
                    report,
                    way,
                }
            }));
        }
        board.publish(brain.status());
        let mut wakes = brain.due(now);
        if source.is_some() {
            wakes = wakes.min(asks);
        }
        if let Some(due) = debounce.due() {
            wakes = wakes.min(due);
        }
        let pause = wakes.saturating_sub(now);
        tokio::select! {
            () = stop.cancelled() => break,
            Some(over) = attempts.next() => {
                ended(&mut brain, &board, clock, &over);
                // What signs in may have changed while what it was before was tried.
                let target = in_use.targets.get(&over.name);
                if target.is_some_and(|target| !Arc::ptr_eq(&target.way, &over.way)) {
                    say_all(&over.name, &brain.signs_in_otherwise(&over.name, board.now()));
                }
            }
            Some((asked, revision)) = OptionFuture::from(fetching.as_mut()) => {
                fetching = None;
                source = Some(asked);
                let now = board.now();
                asks = now + poll;
                for said in take_up(&mut brain, &mut in_use, now, revision, load) {
                    say(&said);
                }
                look_for_others(&mut brain, &in_use, now);
            }
            () = events.changed() => debounce.event(board.now()),
            () = tokio::time::sleep(pause) => {}
        }
    }
    brain.stop();
    tracing::info!(under_way = attempts.len(), "stopping");
    let all_ended = async || {
        while let Some(over) = attempts.next().await {
            ended(&mut brain, &board, clock, &over);
        }
    };
    end(all_ended, &at_once).await;
    tracing::info!("stopped");
}

/// Waits for what is under way: for steps to come to their end, then for the lock to be freed, and no longer.
async fn end(mut all_ended: impl AsyncFnMut(), at_once: &CancellationToken) {
    let graceful = tokio::select! {
        () = all_ended() => true,
        () = tokio::time::sleep(GRACE) => false,
        () = at_once.cancelled() => false,
    };
    if !graceful {
        at_once.cancel();
        if tokio::time::timeout(LAST, all_ended()).await.is_err() {
            tracing::warn!("a run is left where it is: the next one looks what came of it");
        }
    }
}

/// Who is behind a run, with what it follows.
fn by(who: &str, commit: Option<&Commit>) -> String {
    match commit {
        Some(Commit { id, url, .. }) => format!("{who}, watch of commit {id} of {url}"),
        None => format!("{who}, watch"),
    }
}

fn ended(brain: &mut Brain, board: &Board, clock: &(dyn Fn() -> Timestamp + Sync), over: &Over) {
    let Over {
        name,
        span,
        report,
        way: _, // for whoever compares it with the one in use
    } = over;
    let said = brain.ended(name, board.now(), clock(), report);
    span.in_scope(|| said.iter().for_each(say));
}

/// Takes up what was fetched, or keeps what there is.
fn take_up(
    brain: &mut Brain,
    in_use: &mut InUse,
    now: Moment,
    revision: Result<Revision, Trouble>,
    load: &mut Load<'_>,
) -> Vec<Said> {
    let loaded = revision.and_then(|revision| {
        let configured = load(&revision, in_use.digest.as_deref())?;
        Ok((revision, configured))
    });
    match loaded {
        Err(trouble) => brain.misconfigured(trouble),
        Ok((_, None)) => brain.unchanged(),
        Ok((Revision { commit, files: _ }, Some(configured))) => {
            let Configured {
                digest,
                pauses,
                targets,
            } = configured;
            let names: Vec<Name> = targets.iter().map(|target| target.name.clone()).collect();
            let revision = commit.as_ref().map_or_else(
                || format!("digest {}", short(&digest)),
                |commit| format!("commit {}", commit.id),
            );
            let targets = targets.into_iter();
            let targets = targets.map(|target| (target.name.clone(), Arc::new(target)));
            let before = std::mem::replace(&mut in_use.targets, targets.collect());
            in_use.digest = Some(digest);
            in_use.commit = commit;
            let mut said = brain.configured(now, &names, pauses, &revision);
            for (name, target) in &in_use.targets {
                let anew = before
                    .get(name)
                    .is_some_and(|before| !Arc::ptr_eq(&before.way, &target.way));
                if anew {
                    said.extend(brain.signs_in_otherwise(name, now));
                }
            }
            said
        }
    }
}

/// Where the sign-in was refused: looks whether another one is kept by now where it comes from.
fn look_for_others(brain: &mut Brain, in_use: &InUse, now: Moment) {
    for name in brain.refused() {
        let Some(target) = in_use.targets.get(&name) else {
            continue;
        };
        match target.way.is_another(&target.open) {
            Ok(true) => say_all(&name, &brain.signs_in_otherwise(&name, now)),
            Ok(false) => {}
            // It may be about to be written; the end of the pause tells.
            Err(trouble) => {
                tracing::debug!(platform = %name, "what signs in cannot be read: {trouble}");
            }
        }
    }
}

fn say_all(name: &Name, said: &[Said]) {
    let span = tracing::info_span!("platform", platform = %name);
    span.in_scope(|| said.iter().for_each(say));
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// What there is of a hint.
fn hint(trouble: &Trouble) -> &str {
    trouble.hint.as_deref().unwrap_or_default()
}

/// Says something in the log; which platform it is about is in the span.
#[expect(clippy::too_many_lines, reason = "an arm for each thing to say")]
fn say(said: &Said) {
    match said {
        Said::Configured {
            generation,
            revision,
            platforms,
        } => tracing::info!(generation, revision, platforms, "configuration taken up"),
        Said::Misconfigured { trouble, kept } => {
            let kept = kept.as_deref().unwrap_or("none");
            let Trouble { code, message, .. } = trouble;
            let hint = hint(trouble);
            tracing::error!(
                code,
                kept,
                hint,
                "the new configuration is wrong: {message}"
            );
        }
        Said::Mended => tracing::info!("the configuration is right again, and is the one in use"),
        Said::Drift {
            platform: _,
            object,
            how,
            again,
            plan,
        } => {
            let plan = short(plan);
            let what = if *again { "drift, otherwise" } else { "drift" };
            tracing::warn!(%object, how, plan, "{what}");
        }
        Said::Resolved {
            platform: _,
            object,
        } => {
            tracing::info!(%object, "resolved");
        }
        Said::Acknowledged {
            platform: _,
            object,
            word,
        } => tracing::info!(%object, word, "acknowledged"),
        Said::Pending {
            platform: _,
            object,
            how,
            plan,
        } => {
            let plan = short(plan);
            tracing::warn!(%object, how, plan, "declared and not applied");
        }
        Said::PendingNoMore {
            platform: _,
            object,
        } => tracing::info!(%object, "as declared"),
        Said::Untold { platform: _ } => tracing::warn!(
            "no apply of ours is on record: what the world changed cannot be told from what is declared and not applied"
        ),
        Said::Waits {
            platform: _,
            step,
            why,
            plan,
        } => {
            let plan = short(plan);
            tracing::warn!(%step, why, plan, "waits for a person");
        }
        Said::WaitsNoMore { platform: _, step } => {
            tracing::info!(%step, "waits no longer");
        }
        Said::Blocked {
            platform: _,
            finding,
            remedy,
        } => tracing::warn!(finding, remedy, "the plan may not be applied"),
        Said::BlockedNoMore {
            platform: _,
            finding,
        } => {
            tracing::info!(finding, "this keeps the plan no longer");
        }
        Said::Failing {
            platform: _,
            trouble,
            next,
        } => {
            let next = format!("in {} s", next.as_secs());
            let Trouble { code, message, .. } = trouble;
            let hint = hint(trouble);
            tracing::error!(code, hint, next, "failing: {message}");
        }
        Said::Another {
            platform: _,
            waits: None,
        } => tracing::info!("what signs in is another by now: it is tried at once"),
        Said::Another {
            platform: _,
            waits: Some(waits),
        } => {
            let next = format!("in {} s", waits.as_secs());
            tracing::warn!(
                next,
                "what signs in is another by now, and waits for the end of the pause: too many others were refused"
            );
        }
        Said::Recovered {
            platform: _,
            failures,
        } => {
            tracing::info!(failures, "no longer failing");
        }
        Said::Ended {
            platform: _,
            conclusion,
            took,
            steps,
            as_before,
        } => {
            let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            if *as_before || *conclusion == Conclusion::Failed {
                tracing::debug!(%conclusion, milliseconds, "looked");
            } else {
                tracing::info!(%conclusion, steps, milliseconds, "looked");
            }
        }
    }
}
