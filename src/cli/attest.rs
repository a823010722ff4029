//! `sitewright attest`: somebody's word for a console step that no client can read.

use std::path::PathBuf;

use clap::Args;

use super::apply::keep;
use super::error::Failure;
use super::hold::{Hold, PATIENCE, who};
use super::plan::{What, load, plan};
use super::session::{Home, Session};
use super::tell::Teller;
use super::{Context, Exit, now, print, second};
use crate::journal::Fact;
use crate::model::{
    Action, Attestation, ConsoleStep, Desired, Name, Observed, Snapshot, Step, StepId, StepKind,
    Subnet,
};
use crate::observe::{Bindings, Seen, look};
use crate::plan::console_value;
use crate::select::World;
use crate::validate::host_at;
use crate::verify::{ATTESTED_ROW, ROW_IDS};

/// Options of `attest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright attest invalid-subnets --reason 'set by J. Doe, ticket 4711'
  sitewright attest constrain:Deployment_Site --reason 'seen in the console' --by jdoe
  sitewright attest host-carve-out:192.168.0.12/32 --reason 'HQ does not show it'
  sitewright attest verify:task-server --reason 'seen in the agent of IMAGE-001'")]
pub(super) struct AttestArgs {
    /// The id of the step, as the plan shows it, host-carve-out:SUBNET, or verify:ID for a row of `verify`
    #[arg(value_name = "STEP")]
    step: String,
    /// Why you are sure
    #[arg(long)]
    reason: String,
    /// Who you are, instead of the account's name
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Manifests: files, folders, or - for standard input; the workspace's folder if left out
    #[arg(short, long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
}

pub(super) async fn run(context: &Context, args: &AttestArgs) -> Result<Exit, Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::usage(
            "a reason is wanted",
            "say how you know: --reason 'set by J. Doe, ticket 4711'",
        ));
    }
    let home = Home::find(&args.files)?;
    let session = Session::open(context, &home)?;
    let desired = home.desired(&args.files, session.declared_name())?;
    // An `apply --wait` beside it holds the lock for as long as it looks.
    let by = args.by.as_deref();
    let mut hold = Hold::take(context, &session, "attest", by, PATIENCE).await?;
    let outcome = under_lock(context, args, &session, &desired, &hold).await;
    hold.free().await;
    outcome
}

async fn under_lock(
    context: &Context,
    args: &AttestArgs,
    session: &Session,
    desired: &Desired,
    hold: &Hold<'_>,
) -> Result<Exit, Failure> {
    let loaded = load(session).await?;
    let (plan, snapshot) = plan(
        session,
        desired,
        loaded.as_ref(),
        &What::default(),
        Teller::SILENT,
    )
    .await?;
    let (step, value, settled) = if let Some(wanted) = args.step.strip_prefix("verify:") {
        (row(wanted)?, ATTESTED_ROW.to_owned(), None)
    } else if let Some(wanted) = args.step.strip_prefix("host-carve-out:") {
        let (step, server) = carve_out(wanted, &snapshot)?;
        (step, server.to_string(), None)
    } else {
        let step = find(&plan.steps, &args.step)?;
        let value = unreadable(session, step).await?;
        (step.id.clone(), value, settles(step))
    };
    let attestation = Attestation {
        value,
        reason: args.reason.clone(),
        by: who(args.by.as_deref()),
        at: second(),
    };
    let journal = hold.journal().await?;
    let attested = Fact::Attested {
        step: step.clone(),
        attestation,
    };
    for fact in std::iter::once(attested).chain(settled) {
        journal
            .append(&context.run, now(), fact)
            .await
            .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    }
    drop(journal);
    keep(session, &plan, loaded).await?;
    print(&format!("{step}: attested\n"));
    Ok(Exit::Done)
}

/// A row of `verify` under the id that vouches for it, `verify:ID`.
fn row(wanted: &str) -> Result<StepId, Failure> {
    ROW_IDS
        .into_iter()
        .find(|row| row.eq_ignore_ascii_case(wanted))
        .map(|row| StepId(format!("verify:{row}")))
        .ok_or_else(|| {
            Failure::new("SW0617", format!("`verify` has no row `{wanted}`"))
                .hint(Some(format!("it has {}", ROW_IDS.join(", "))))
        })
}

/// The /32 that takes a server along, under the id that vouches for it, and the server.
fn carve_out(wanted: &str, snapshot: &Snapshot) -> Result<(StepId, Name), Failure> {
    let subnet: Subnet = wanted.parse().map_err(|error| {
        Failure::new("SW0617", format!("`{wanted}` is no subnet: {error}"))
            .hint(Some("write host-carve-out:192.168.0.12/32".into()))
    })?;
    host_at(&World::observed(snapshot), subnet)
        .map(|server| (StepId(format!("host-carve-out:{subnet}")), server))
        .ok_or_else(|| {
            Failure::new("SW0617", format!("`{subnet}` is no server's own address")).hint(Some(
                "the plan names carve-outs that nobody has vouched for".into(),
            ))
        })
}

/// What the word for a step settles beside the step itself: that distribution points are up to date, or that a package
/// is where it was waited for.
fn settles(step: &Step) -> Option<Fact> {
    match &step.action {
        Action::UpdateDistributionPoints { package } => Some(Fact::DistributionUpdated {
            package: package.guid,
        }),
        Action::Console(ConsoleStep::ConfirmHolder {
            package,
            servers: _, // in the value of the word
        }) => Some(Fact::HoldersThere {
            package: package.guid,
        }),
        _ => None,
    }
}

/// The value of a console step that no client can read.
async fn unreadable(session: &Session, step: &Step) -> Result<String, Failure> {
    let readable = match &step.action {
        Action::Console(_) => {
            let seen = look(&session.reader()?, &step.action, &Bindings::default())
                .await
                .map_err(|error| Failure::from_error("SW0602", &error).hint(error.hint()))?;
            matches!(seen, Observed::Known(seen) if seen != Seen::Nothing)
        }
        // What a plan would write it has read, all but this.
        action => !matches!(action, Action::UpdateDistributionPoints { .. }),
    };
    if readable {
        return Err(Failure::new(
            "SW0616",
            format!("`{}` can be read from the server, and is not done", step.id),
        )
        .hint(Some(
            "do it in the console: the next plan sees it by itself".into(),
        )));
    }
    Ok(match &step.action {
        Action::Console(console) => console_value(console),
        _ => "done".into(),
    })
}

fn find<'a>(steps: &'a [Step], id: &str) -> Result<&'a Step, Failure> {
    let open: Vec<&Step> = steps
        .iter()
        .filter(|step| step.kind() == StepKind::Manual)
        .collect();
    open.iter()
        .find(|step| step.id.0.eq_ignore_ascii_case(id))
        .copied()
        .ok_or_else(|| {
            let list: Vec<String> = open.iter().map(|step| format!("`{}`", step.id)).collect();
            Failure::new(
                "SW0617",
                format!("the plan has no open console step `{id}`"),
            )
            .hint(Some(if list.is_empty() {
                "it has none at all".into()
            } else {
                format!("it has {}", list.join(", "))
            }))
        })
}
