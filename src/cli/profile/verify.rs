//! `sitewright profile verify`: round trips on scratch objects prove the profile; `--clean` removes what one left.
//!
//! I/O: asks, holds the lock of the state, writes the profile.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::super::apply::agreed;
use super::super::error::Failure;
use super::super::hold::{Hold, locked};
use super::super::interrupt::interrupted_or_gone;
use super::super::plan::observe;
use super::super::session::{Session, WritingSession};
use super::super::{Context, Exit, now, print, random_id, second, wrap};
use super::{save, settings};
use crate::model::{Guid, Name, Snapshot, Subnet};
use crate::observe::{ModelDescription, Scope, identify, look_at_build};
use crate::profile::{Ability, Build, Profile};
use crate::smp::{Reader, ScratchWriter};
use crate::trial::{
    self, ChoiceError, Cleared, Outcome, Outside, Probe, Remains, Report, Setting, TrialError,
    Verdict, carry_out, clear, probes,
};

/// Options of `profile verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright profile verify
  sitewright profile verify --yes --assign SMP01.corp.example --package 'Win11-24H2 golden'
  sitewright profile verify --settings --write --site Learning
  sitewright profile verify --clean")]
#[expect(clippy::struct_excessive_bools, reason = "options of a command line")]
pub(in crate::cli) struct VerifyArgs {
    /// Only remove what an interrupted run left on the server
    #[arg(long, conflicts_with_all = ["assign", "package"])]
    clean: bool,
    /// Instead, write settings in item XML back as they are, and read them unchanged
    #[arg(long, conflicts_with_all = ["clean", "assign", "package"])]
    settings: bool,
    /// With --settings: let what is proven be written by API from now on
    #[arg(long, requires = "settings")]
    write: bool,
    /// With --settings: the site whose item is written back, where each has its own
    #[arg(
        id = "settings-site",
        long = "site",
        value_name = "NAME",
        requires = "settings"
    )]
    site: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Also assign this managed computer to a scratch site for a moment; it goes on serving what it serves
    #[arg(long, value_name = "FQDN")]
    assign: Option<String>,
    /// Also write the assignment of this package back as it is
    #[arg(long, value_name = "NAME|GUID")]
    package: Option<String>,
    /// How long a written value may take to be read back, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    settle: u64,
}

pub(super) async fn run(
    context: &Context,
    session: &WritingSession,
    args: &VerifyArgs,
) -> Result<Exit, Failure> {
    locked(context, session, "profile verify", None, async |hold| {
        Box::pin(under_lock(context, session, args, hold)).await
    })
    .await
}

async fn under_lock(
    context: &Context,
    session: &WritingSession,
    args: &VerifyArgs,
    hold: &Hold<'_>,
) -> Result<Exit, Failure> {
    if args.settings {
        let wanted = settings::Wanted {
            write: args.write,
            site: args.site.as_deref(),
            yes: args.yes,
        };
        return settings::verify(context, session, hold, &wanted).await;
    }
    if args.clean {
        return clean(context, session, args, hold).await;
    }
    let mut known = Profile::clone(&*session.known()?);
    let reader = session.reader()?;
    let (build, model, snapshot) = look(session, &reader, args).await?;
    if !remains(session, &reader).await?.is_empty() {
        return Err(Failure::new(
            "SW0865",
            "an earlier trial left scratch objects on the server",
        )
        .hint(Some(
            "remove them with `sitewright profile verify --clean`".into(),
        )));
    }
    let subnets = trial::known_subnets(&reader)
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let setting = setting(&subnets, &snapshot, args)?;
    let probes = probes();
    show(context, &snapshot, &setting, &probes);
    if !args.yes && !agreed("Do this on the server?")? {
        return Err(Failure::new("SW0866", "nothing was tried: nobody said yes"));
    }
    let cancel = CancellationToken::new();
    let watch = tokio::spawn(interrupted_or_gone(cancel.clone()));
    let journal = hold.journal().await?;
    let outside = Outside {
        run: &context.run,
        journal: &journal,
        clock: &now,
        cancel,
        settle: Duration::from_secs(args.settle),
    };
    let transport = session.transport();
    let model = model.as_ref();
    let ended = carry_out(
        transport, &known, outside, setting, &snapshot, model, &probes,
    )
    .await;
    watch.abort();
    let outcome = ended.map_err(|error| {
        Failure::from_error(error.code(), &error).hint(Some(
            "make room or mend the rights of the state folder, then run `sitewright profile verify --clean`"
                .into(),
        ))
    })?;
    tell(context, &outcome.report);
    let changes = outcome.report.settle(&mut known, &second(), &build);
    print("\n");
    for change in &changes {
        let line = format!("{}: {} ({})", change.path, change.what, change.why);
        print(&wrap(&line, 2, context.style.width));
    }
    save(&known, &session.profile_file)?;
    print(&format!("Wrote {}.\n", session.profile_file.display()));
    ended_with(context, outcome)
}

/// What the trial needs to know of the server before it writes.
async fn look(
    session: &Session,
    reader: &Reader,
    args: &VerifyArgs,
) -> Result<(Build, Option<ModelDescription>, Snapshot), Failure> {
    let failed = |error: crate::observe::RefreshError| {
        Failure::from_error(error.code(), &error).hint(error.hint())
    };
    identify(reader, session.server.as_ref())
        .await
        .map_err(failed)?;
    let needed = [
        Ability::ReadSites,
        Ability::ReadSubnets,
        Ability::ReadSubnetSites,
    ];
    // Which type calls take is what a trial may find out; everything else must be readable.
    let missing: BTreeSet<String> = needed
        .into_iter()
        .filter_map(|ability| reader.profile().can(ability).err())
        .flat_map(|missing| missing.entries)
        .filter(|entry| entry.path != "calls.associatedTypeArgument")
        .map(|entry| format!("`{}` ({})", entry.path, entry.found))
        .collect();
    if !missing.is_empty() {
        return Err(Failure::new(
            "SW0867",
            format!(
                "the server profile does not know enough to try anything: {}",
                missing.into_iter().collect::<Vec<_>>().join(", ")
            ),
        )
        .hint(Some(
            "complete it with `sitewright profile discover --update`".into(),
        )));
    }
    let (build, model) = look_at_build(reader).await.map_err(failed)?;
    let mut scope = Scope {
        server: session.server.clone(),
        surroundings: true,
        ..Scope::default()
    };
    scope.servers.extend(args.assign.as_deref().map(Name::new));
    let snapshot = observe(reader, &scope).await?;
    Ok((build, model, snapshot))
}

fn setting(subnets: &[Subnet], snapshot: &Snapshot, args: &VerifyArgs) -> Result<Setting, Failure> {
    let failed = |error: ChoiceError| {
        Failure::from_error(error.code(), &error).hint(Some(error.hint().into()))
    };
    let random = random_id();
    let tag = random.chars().take(8).collect::<String>();
    let guest = args.assign.as_deref().map(Name::new);
    Ok(Setting {
        subnets: trial::networks(subnets, snapshot, &tag).map_err(failed)?,
        guest: guest
            .map(|name| trial::guest(snapshot, &name))
            .transpose()
            .map_err(failed)?,
        package: args
            .package
            .as_deref()
            .map(|name| trial::package(snapshot, name))
            .transpose()
            .map_err(failed)?,
        supplied: random.parse().unwrap_or(Guid::NIL),
        tag,
    })
}

/// Says what will be done, before anybody is asked.
fn show(context: &Context, snapshot: &Snapshot, setting: &Setting, probes: &[Box<dyn Probe>]) {
    print(&format!("On {} this will\n", snapshot.platform.name));
    for line in probes.iter().flat_map(|probe| probe.shows(setting)) {
        print(&wrap(&format!("  - {line}"), 4, context.style.width));
    }
    let ending = "and delete all of it again. Nothing else is touched, no client is in these sites, and whatever is \
                  interrupted `sitewright profile verify --clean` removes.";
    print(&wrap(ending, 0, context.style.width));
    if setting.guest.is_none() {
        print(&wrap(
            "No server is assigned to a site: name one with --assign to have `associations.serverToSite` proven.",
            0,
            context.style.width,
        ));
    }
    if let Some(reason) = snapshot.surroundings.clients.reason() {
        let line =
            format!("Whether a client has an address in these networks is not known: {reason}.");
        print(&wrap(&line, 0, context.style.width));
    }
    print("\n");
}

/// Says what was found out, an assumption a paragraph; those that were not tried in short.
fn tell(context: &Context, report: &Report) {
    let width = context.style.width;
    let findings = report.findings();
    let mut untried = Vec::new();
    for finding in &findings {
        if finding.verdict == Verdict::NotTried {
            untried.push(finding);
            continue;
        }
        let line = format!(
            "{}  {:<8}  {}: {}",
            finding.id, finding.verdict, finding.relied_on, finding.evidence
        );
        print(&wrap(&line, 15, width));
    }
    print("\nNot tried\n");
    for finding in untried {
        let line = format!(
            "{}  {}: {}",
            finding.id, finding.relied_on, finding.evidence
        );
        print(&wrap(&line, 5, width));
    }
    for remark in &report.remarks {
        print(&format!("\n{}", wrap(remark, 0, width)));
    }
}

fn swept(context: &Context, cleared: &Cleared) {
    for name in &cleared.deleted {
        print(&format!("deleted {name}\n"));
    }
    for (name, why) in &cleared.left {
        print(&wrap(
            &format!("left    {name}: {why}"),
            8,
            context.style.width,
        ));
    }
}

fn left(cleared: &Cleared) -> Option<Failure> {
    if cleared.left.is_empty() {
        return None;
    }
    let names: Vec<String> = cleared
        .left
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    Some(
        Failure::new(
            "SW0868",
            format!(
                "scratch objects are left on the server: {}",
                names.join(", ")
            ),
        )
        .hint(Some(
            "run `sitewright profile verify --clean`; what it cannot remove, delete in the console"
                .into(),
        )),
    )
}

/// What a trial ends with: everything is gone, and every probe came to its end, or it is an error.
fn ended_with(context: &Context, outcome: Outcome) -> Result<Exit, Failure> {
    let Outcome {
        report: _, // told already
        failures,
        cleared,
    } = outcome;
    if let Some(failure) = left(&cleared) {
        swept(context, &cleared);
        return Err(failure);
    }
    print("All scratch objects are deleted again.\n");
    let Some(first) = failures.first() else {
        return Ok(Exit::Done);
    };
    let told: Vec<String> = failures.iter().map(TrialError::told).collect();
    Err(Failure::new(
        first.code(),
        format!("not everything was tried: {}", told.join("; ")),
    )
    .hint(first.hint()))
}

/// Scratch objects that may be on the server: by the journal, and by their unmistakable names.
async fn remains(session: &WritingSession, reader: &Reader) -> Result<Remains, Failure> {
    let facts = session
        .store
        .facts()
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let mut remains = Remains::of(facts.iter());
    let writer = ScratchWriter::new(session.transport(), reader.profile(), None);
    let sites = writer
        .sites()
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    // Subnets of documentation may be somebody's; sites of that name are nobody else's.
    for (guid, name) in sites {
        remains.add(&name, Some(guid));
    }
    Ok(remains)
}

async fn clean(
    context: &Context,
    session: &WritingSession,
    args: &VerifyArgs,
    hold: &Hold<'_>,
) -> Result<Exit, Failure> {
    let reader = session.reader()?;
    identify(&reader, session.server.as_ref())
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let remains = remains(session, &reader).await?;
    if remains.is_empty() {
        print("No trial left anything on the server.\n");
        return Ok(Exit::Done);
    }
    print("What may be left of a trial\n");
    for (scratch, _) in remains.objects() {
        print(&format!("  - {scratch}\n"));
    }
    if !args.yes && !agreed("Delete what is there of it?")? {
        return Err(Failure::new(
            "SW0866",
            "nothing was deleted: nobody said yes",
        ));
    }
    let mut writer = ScratchWriter::new(session.transport(), &Arc::clone(reader.profile()), None);
    let journal = hold.journal().await?;
    let mut outside = Outside {
        run: &context.run,
        journal: &journal,
        clock: &now,
        cancel: CancellationToken::new(),
        settle: Duration::from_secs(args.settle),
    };
    let cleared = clear(&mut writer, &mut outside, &remains, &BTreeSet::new())
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    swept(context, &cleared);
    if let Some(failure) = left(&cleared) {
        return Err(failure);
    }
    print("Nothing is left of it.\n");
    Ok(Exit::Done)
}
