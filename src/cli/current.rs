//! Whether a saved plan is of today: `apply FILE --if-current PATH`, for pipelines that apply what was approved earlier.
//!
//! Reads manifests and the server; writes nothing. Every step looks for itself before it writes, so a plan without this
//! is safe, too: it does what still can be done. A pipeline rather does all of what was approved, or nothing.

use std::path::PathBuf;

use super::Context;
use super::apply::ApplyArgs;
use super::error::Failure;
use super::plan::{What, plan};
use super::session::{Home, Session};
use super::tell::Teller;
use crate::apply::Resumed;
use crate::plan::Plan;
use crate::state::Loaded;

/// How many steps a message names.
const NAMED: usize = 3;

/// Refuses a saved plan that was made of other manifests, or of a world that is another by now.
///
/// A plan of which a run was begun has changed the world itself; then only the manifests are compared.
pub(super) async fn assert_current(
    context: &Context,
    args: &ApplyArgs,
    session: &Session,
    (saved, resumed): (&Plan, &Resumed),
    loaded: Option<&Loaded>,
) -> Result<(), Failure> {
    let paths: &[PathBuf] = &args.if_current;
    if paths.is_empty() {
        return Ok(());
    }
    let home = Home::find(paths)?;
    let desired = home.desired(paths, session.declared_name())?;
    if !saved.is_of(&desired) {
        return Err(Failure::new(
            "SW0647",
            "the plan was made of other manifests: what they declare now is not what it is for",
        )
        .hint(Some(
            "make a plan of these manifests, and have that one approved".into(),
        )));
    }
    if resumed.begun {
        tracing::info!("a run of this plan was begun before: its steps look for themselves");
        return Ok(());
    }
    let what = What::default();
    let (fresh, snapshot) = plan(session, &desired, loaded, &what, Teller::SILENT).await?;
    if saved.relies_on(&snapshot) {
        return Ok(());
    }
    Err(Failure::new(
        "SW0648",
        format!(
            "the server has changed since the plan was made{}",
            otherwise(saved, &fresh)
        ),
    )
    .hint(Some(format!(
        "nothing was written; see what `sitewright plan{}` says now, and have a new plan approved",
        platform(context)
    ))))
}

/// The steps that a plan made now would not have, or not like that. On which others a step waits is no matter: those are
/// told themselves.
fn otherwise(saved: &Plan, fresh: &Plan) -> String {
    let other: Vec<String> = saved
        .steps
        .iter()
        .filter(|step| {
            let mut now = fresh.steps.iter();
            !now.any(|now| (&now.id, &now.action, now.by) == (&step.id, &step.action, step.by))
        })
        .map(|step| format!("`{}`", step.id))
        .collect();
    let more = other.len().saturating_sub(NAMED);
    let named = other.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
    match (named.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(": {named} would be another step by now, or none"),
        (false, more) => format!(": {named} and {more} more would be other steps by now, or none"),
    }
}

fn platform(context: &Context) -> String {
    let chosen = context.global.platform.as_ref();
    chosen.map_or_else(String::new, |name| format!(" --platform {name}"))
}
