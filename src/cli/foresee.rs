//! The world that `explain` and `serves` speak of: the one that is there, or the one after the plan.
//!
//! I/O: reads the server, the state and the manifests. Holds no writer.

use std::path::PathBuf;

use clap::Args;

use super::error::Failure;
use super::plan::{What, load, observe, same_platform};
use super::session::{Home, Session};
use super::{Context, colour_of_errors};
use crate::diff::{declare, diff, predicted, recognised};
use crate::explain::Basis;
use crate::model::{Desired, Ownership, PackageSelector, Snapshot};
use crate::observe::Scope;
use crate::render::Style;
use crate::select::World;
use crate::smp::Reader;

/// Which world is meant.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The world that is there (the default)
    #[arg(long, conflicts_with = "desired")]
    live: bool,
    /// The world once the plan is applied
    #[arg(long)]
    desired: bool,
    /// Manifests for --desired: files, folders, or - for standard input; the workspace's folder if left out
    #[arg(short, long = "file", value_name = "PATH", requires = "desired")]
    pub(super) files: Vec<PathBuf>,
    /// Let declared sites take addresses from sites that nobody declares, as `plan` would
    #[arg(long, requires = "desired")]
    allow_takeover: bool,
}

impl Which {
    /// The world after the plan that options ask for, or the one that is there.
    pub(super) fn new(desired: bool, what: &What) -> Self {
        Self {
            live: !desired,
            desired,
            files: what.files.clone(),
            allow_takeover: what.allow_takeover,
        }
    }
}

/// A world, and what it was made of.
pub(super) struct Foreseen {
    pub(super) basis: Basis,
    pub(super) world: World,
    pub(super) snapshot: Snapshot,
    pub(super) reader: Reader,
    /// What the reader reads from: the built-in simulator stops with it.
    pub(super) _session: Session,
}

/// Reads the server and, where that is asked for, makes the plan; `packages` are looked at beside.
pub(super) async fn foresee(
    context: &Context,
    which: &Which,
    packages: Vec<PackageSelector>,
) -> Result<Foreseen, Failure> {
    let Which {
        live: _, // the default
        desired,
        files,
        allow_takeover,
    } = which;
    let home = Home::find(files)?;
    let session = Session::open(context, &home)?;
    let desired: Option<Desired> = if *desired {
        Some(home.desired(files, session.declared_name())?)
    } else {
        None
    };
    let loaded = match &desired {
        Some(_) => load(&session).await?,
        None => None,
    };
    let state = loaded.as_ref().map(|loaded| &loaded.state);
    let nothing = Ownership::default();
    let ownership = state.map_or(&nothing, |state| &state.ownership);
    let mut scope = match &desired {
        Some(desired) => Scope::of(desired, session.server.clone()).remembering(ownership),
        None => Scope {
            server: session.server.clone(),
            ..Scope::default()
        },
    };
    scope.packages.extend(packages);
    scope.constraints = true;
    scope.surroundings = true;
    let reader = session.reader()?;
    let snapshot = observe(&reader, &scope).await?;
    readable(&snapshot)?;
    let snapshot = match &desired {
        Some(desired) => recognised(desired, &snapshot).into_owned(),
        None => snapshot,
    };
    let mut world = World::observed(&snapshot);
    let Some(desired) = &desired else {
        return Ok(Foreseen {
            basis: Basis::Live,
            world,
            snapshot,
            reader,
            _session: session,
        });
    };
    if let Some(state) = state {
        same_platform(state, &snapshot)?;
    }
    let compared = diff(desired, &snapshot, ownership, *allow_takeover);
    if !compared.blocked.is_empty() {
        warn_of_what_is_blocked(context, compared.blocked.len());
    }
    declare(&mut world, desired);
    Ok(Foreseen {
        basis: Basis::Desired,
        world: predicted(&world, desired, &compared.found),
        snapshot,
        reader,
        _session: session,
    })
}

/// Refuses to explain what depends on sites that nobody could read: a world without sites is another world.
fn readable(snapshot: &Snapshot) -> Result<(), Failure> {
    let Some(reason) = snapshot.sites.reason().or(snapshot.subnets.reason()) else {
        return Ok(());
    };
    Err(Failure::new(
        "SW0560",
        format!("sites and their subnets cannot be read: {reason}"),
    )
    .hint(Some(
        "without them nobody can say who serves whom; docs/profile.md says what reading them needs"
            .into(),
    )))
}

/// What the plan cannot change stays as it is, which nobody should take for what they declared.
fn warn_of_what_is_blocked(context: &Context, blocked: usize) {
    let style = Style {
        colour: colour_of_errors(context),
        ..context.style
    };
    let plural = if blocked == 1 { " is" } else { "s are" };
    let warning = Failure::new(
        "SW0559",
        format!("{blocked} declared object{plural} blocked, and told as it is now"),
    )
    .hint(Some("`sitewright plan` says what blocks, and why".into()));
    eprint!("{}", warning.render_warning(&style));
}
