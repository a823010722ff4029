//! What is done about drift: planned back.

#![expect(clippy::disallowed_methods, reason = "writes the plan file")]

use std::collections::BTreeSet;
use std::path::Path;

use super::Look;
use crate::cli::error::Failure;
use crate::cli::plan::{What, planned};
use crate::cli::session::Session;
use crate::cli::{Context, Exit, print, second};
use crate::drift::{Change, Standing};
use crate::model::{Desired, Object};
use crate::plan::PlanFile;
use crate::render::text;

/// Plans back what the declaration says otherwise, with what that waits for.
pub(super) fn run(
    context: &Context,
    session: &Session,
    look: &Look,
    out: Option<&Path>,
) -> Result<Exit, Failure> {
    let targets: BTreeSet<Object> = (look.drift.changes.iter())
        .filter(|change| change.standing == Standing::Undo && change.acknowledged.is_none())
        .filter_map(|change| object(change, &look.desired))
        .collect();
    if targets.is_empty() {
        return Err(Failure::new(
            "SW0964",
            "there is nothing to plan back: no drift is ours to undo",
        )
        .hint(Some(
            "`sitewright drift` shows what there is; what is acknowledged is left alone".into(),
        )));
    }
    let what = What {
        target: targets.into_iter().collect(),
        ..What::default()
    };
    let state = look.loaded.as_ref().map(|loaded| &loaded.state);
    let plan = planned(session, &look.desired, state, &what, &look.snapshot, None)?;
    if let Some(file) = out {
        let sealed = PlanFile::seal(&plan, &second());
        std::fs::write(file, sealed.write())
            .map_err(|error| Failure::io(format!("cannot write `{}`", file.display()), &error))?;
    }
    print(&text::plan(&plan, &context.style));
    Ok(if plan.is_blocked() {
        Exit::Blocked
    } else {
        Exit::Done
    })
}

/// The object that a plan is narrowed to for a difference: a site by the name that is declared, whatever it is shown by.
pub(super) fn object(change: &Change, desired: &Desired) -> Option<Object> {
    let object = format!("{}/{}", change.kind, change.name).parse().ok()?;
    Some(match &object {
        Object::Site(name) => desired
            .renamed(name)
            .map_or_else(|| object.clone(), |declared| Object::Site(declared.clone())),
        _ => object,
    })
}
