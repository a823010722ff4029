//! What the world changed, written into the manifests: shown as a diff, asked for, and written all or nothing.

use std::path::PathBuf;

use super::{DriftArgs, Look};
use crate::cli::apply::agreed;
use crate::cli::error::Failure;
use crate::cli::files::{self, Change as FileChange};
use crate::cli::plan::{What, planned};
use crate::cli::replace_server::{diff, say};
use crate::cli::session::{Home, Session};
use crate::cli::{Context, Exit, print};
use crate::drift::{Change, NO_SITE, Standing};
use crate::manifest::{self, Source};
use crate::model::{Desired, DesiredAssignment, Held, Name, Ownership};
use crate::replace::{Accept, accept};

/// Writes into the manifests what the declaration says otherwise.
pub(super) fn run(
    context: &Context,
    args: &DriftArgs,
    home: &Home,
    session: &Session,
    look: &Look,
) -> Result<Exit, Failure> {
    if args.files.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::usage(
            "standard input cannot be rewritten",
            "name the files with -f",
        ));
    }
    let (_, before) = home.read(&args.files)?;
    let mut after = before.clone();
    let nothing = Ownership::default();
    let loaded = look.loaded.as_ref();
    let ours = loaded.map_or(&nothing, |loaded| &loaded.state.ownership);
    let mut taken = 0_usize;
    let mut left = Vec::new();
    for change in open(look) {
        let declared = (&look.desired, ours);
        match written(change, &after, declared, session.declared_name()) {
            Ok(sources) => {
                after = sources;
                taken += 1;
            }
            Err(why) => left.push(format!("`{}` is not written: {why}", change.key)),
        }
    }
    for why in &left {
        say(context, why);
    }
    if taken == 0 {
        return Err(Failure::new(
            "SW0966",
            "nothing was written: no drift can be declared as it is",
        )
        .hint(Some(
            "plan it back with `sitewright drift --revert`, or change the files by hand".into(),
        )));
    }
    let rewritten: Vec<(&Source, &Source)> = (before.iter().zip(&after))
        .filter(|(before, after)| before.text != after.text)
        .collect();
    for (before, after) in &rewritten {
        print(&diff(
            before,
            Some(after.text.as_ref()),
            context.style.colour,
        ));
    }
    remains(context, session, look, &after)?;
    if !args.yes && !agreed("Write these changes?")? {
        return Err(Failure::new(
            "SW0967",
            "nothing was written: nobody said yes",
        ));
    }
    let changes: Vec<FileChange> = rewritten
        .into_iter()
        .map(|(before, after)| FileChange {
            path: PathBuf::from(before.name.as_ref()),
            before: before.text.as_ref().to_owned(),
            after: Some(after.text.as_ref().to_owned()),
        })
        .collect();
    files::change(&changes)?;
    Ok(if left.is_empty() {
        Exit::Done
    } else {
        Exit::Changes
    })
}

/// The differences that are ours and nobody called fine.
fn open(look: &Look) -> impl Iterator<Item = &Change> {
    let changes = look.drift.changes.iter();
    changes.filter(|change| change.standing == Standing::Undo && change.acknowledged.is_none())
}

/// Says what the plan would still do once the files are written.
fn remains(
    context: &Context,
    session: &Session,
    look: &Look,
    after: &[Source],
) -> Result<(), Failure> {
    let read = manifest::read(after);
    let desired =
        manifest::desired(&read.documents, session.declared_name()).map_err(|diagnostics| {
            Failure::Diagnostics {
                diagnostics,
                sources: after.to_vec(),
            }
        })?;
    let state = look.loaded.as_ref().map(|loaded| &loaded.state);
    let plan = planned(
        session,
        &desired,
        state,
        &What::default(),
        &look.snapshot,
        None,
    )?;
    say(
        context,
        if plan.changes_anything() {
            "the next plan has changes all the same: look at it before you apply"
        } else {
            "the next plan has no changes"
        },
    );
    Ok(())
}

/// The sources with one difference, or why it cannot be written.
pub(super) fn written(
    change: &Change,
    sources: &[Source],
    (desired, ours): (&Desired, &Ownership),
    platform: Option<&Name>,
) -> Result<Vec<Source>, String> {
    let shown = Name::new(&change.name);
    // The manifests know a site by the name that they give it, whatever it is shown by.
    let called = |site: Name| desired.renamed(&site).cloned().unwrap_or(site);
    let name = if change.kind.as_str() == "Site" {
        called(shown)
    } else {
        shown
    };
    let after = change.after.as_deref();
    let tried =
        |asked: Accept<'_>| accept(sources, asked, platform).map_err(|refused| refused.to_string());
    let declared = |site: &Name| desired.sites.contains_key(site);
    match (change.kind.as_str(), change.field.as_str()) {
        ("Site", "description") => tried(Accept::Description {
            site: &name,
            text: after.unwrap_or_default(),
        }),
        ("Site", "constrainToSite") => tried(Accept::Constrain {
            site: &name,
            on: after == Some("true"),
        }),
        ("Site", "servers") => {
            let server = after.or(change.before.as_deref()).unwrap_or_default();
            tried(Accept::Server {
                site: &name,
                server: &Name::new(server),
                there: after.is_some(),
            })
        }
        ("Subnet", "site") => {
            let subnet = change.name.parse().map_err(|_| "it is no network".to_owned())?;
            let to = after.map(Name::new).map(called);
            let nowhere = Name::new(NO_SITE);
            let created = |subnet: &Name| {
                let mut owned = ours.subnets.values();
                owned.any(|owned| owned.how == Held::Created && owned.name == *subnet)
            };
            match &to {
                Some(site) if *site == nowhere && declared(site) => Err(format!(
                    "nobody can tell whether it is in no site, or in the one that is called `{site}`"
                )),
                Some(site) if *site == nowhere && created(&name) => Err(
                    "it is in no site, which no declaration can say: one that leaves it out would delete it, since we created it"
                        .to_owned(),
                ),
                Some(site) if *site == nowhere => tried(Accept::Subnet { subnet, site: None }),
                Some(site) if !declared(site) => Err(format!(
                    "it is in `{site}`, which is not declared: a declaration that leaves it out would take it out or delete it"
                )),
                to => tried(Accept::Subnet {
                    subnet,
                    site: to.as_ref(),
                }),
            }
        }
        ("Package", "assignment") => {
            let assignment = assignment(after.unwrap_or_default());
            let assignment = assignment.ok_or("its assignment cannot be declared")?;
            tried(Accept::Package {
                package: &name,
                assignment: &assignment,
            })
        }
        ("PlatformSettings", "captureTarget") => match after {
            Some(server) => tried(Accept::CaptureTarget {
                server: &Name::new(server),
            }),
            None => Err("that there is none cannot be declared".to_owned()),
        },
        ("SiteServer", "roles") => Err(
            "roles are required, never forbidden: take the role out of the declaration by hand".to_owned(),
        ),
        ("Site", _) => Err(
            "a site is declared, renamed and taken out by hand; `sitewright export` shows what there is".to_owned(),
        ),
        _ => Err("no declaration can say it".to_owned()),
    }
}

/// An assignment in the words of plans, as a declaration has it.
fn assignment(text: &str) -> Option<DesiredAssignment> {
    let names = |list: &str| {
        let names = list.split(", ").filter(|name| *name != "none");
        names.map(Name::new).collect()
    };
    if text == "all package servers" {
        return Some(DesiredAssignment::All);
    }
    if let Some(list) = text.strip_prefix("servers: ") {
        return Some(DesiredAssignment::Servers(names(list)));
    }
    let list = text.strip_prefix("sites: ")?;
    let (list, automatic) = match list.strip_suffix(" (automatic)") {
        Some(list) => (list, true),
        None => (list, false),
    };
    Some(DesiredAssignment::Sites {
        sites: names(list),
        automatic,
    })
}
