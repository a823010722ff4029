//! `sitewright attest`: somebody's word for a console step that no client can read.

use std::path::PathBuf;

use clap::Args;

use super::apply::{journal, keep, note, who};
use super::error::Failure;
use super::plan::{What, load, plan};
use super::session::{Home, Session};
use super::{Context, Exit, now, print, second};
use crate::journal::Fact;
use crate::model::{Action, Attestation, ConsoleStep, Observed, Step, StepId};
use crate::observe::{Bindings, Seen, look};
use crate::plan::console_value;
use crate::verify::{ATTESTED_ROW, ROW_IDS};

/// Options of `attest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright attest invalid-subnets --reason 'set by J. Doe, ticket 4711'
  sitewright attest constrain:Deployment_Site --reason 'seen in the console' --by jdoe
  sitewright attest verify:task-server --reason 'seen in the agent of IMAGE-001'")]
pub(super) struct AttestArgs {
    /// The id of the step, as the plan shows it, or verify:ID for a row of `verify`
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
    let _lock = session
        .store
        .lock(&note("attest", args.by.as_deref()))
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let loaded = load(&session)?;
    let (plan, _) = plan(&session, &desired, loaded.as_ref(), &What::default()).await?;
    let (step, value) = match args.step.strip_prefix("verify:") {
        Some(wanted) => (row(wanted)?, ATTESTED_ROW.to_owned()),
        None => unreadable(&session, find(&plan.steps, &args.step)?).await?,
    };
    let attestation = Attestation {
        value,
        reason: args.reason.clone(),
        by: who(args.by.as_deref()),
        at: second(),
    };
    journal(&session)?
        .append(
            &context.run,
            now(),
            Fact::Attested {
                step: step.clone(),
                attestation,
            },
        )
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    keep(&session, &plan, loaded)?;
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

/// The id and the value of a console step that no client can read.
async fn unreadable(
    session: &Session,
    (step, console): (&Step, &ConsoleStep),
) -> Result<(StepId, String), Failure> {
    if let Observed::Known(seen) = look(&session.reader()?, &step.action, &Bindings::default())
        .await
        .map_err(|error| Failure::from_error("SW0602", &error).hint(error.hint()))?
        && !matches!(seen, Seen::Nothing)
    {
        return Err(Failure::new(
            "SW0616",
            format!("`{}` can be read from the server, and is not done", step.id),
        )
        .hint(Some(
            "do it in the console: the next plan sees it by itself".into(),
        )));
    }
    Ok((StepId(step.id.0.clone()), console_value(console)))
}

fn find<'a>(steps: &'a [Step], id: &str) -> Result<(&'a Step, &'a ConsoleStep), Failure> {
    let open: Vec<(&Step, &ConsoleStep)> = steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Console(console) => Some((step, console)),
            _ => None,
        })
        .collect();
    open.iter()
        .find(|(step, _)| step.id.0.eq_ignore_ascii_case(id))
        .copied()
        .ok_or_else(|| {
            let list: Vec<String> = open
                .iter()
                .map(|(step, _)| format!("`{}`", step.id))
                .collect();
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
