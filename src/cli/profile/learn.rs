//! `sitewright profile learn`: what no document says, told by an example that the operator makes in the console.
//!
//! One machine for the terminal and for scripts: it looks, says what to change, and looks again; with `--session` it
//! ends in between and keeps what it has seen in a file.

#![expect(clippy::disallowed_methods, reason = "reads and removes the session")]

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::super::error::Failure;
use super::super::session::Session;
use super::super::{Context, Exit, files, print, second, wrap};
use super::learned;
use crate::learn::{self, Joined, LearnError, Stage, Subject, Thing};
use crate::model::{Guid, Name};
use crate::observe::{look_again, looked_at, packages_known};
use crate::profile::{Profile, Setting, TypeRole};
use crate::smp::{ReadError, Reader};

/// Options of `profile learn`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright profile learn constrainToSite --site HQ
  sitewright profile learn captureTarget --computer DEPLOY01 --other SITE01
  sitewright profile learn association serverToSite --site HQ --computer SITE01
  sitewright profile learn constrainToSite --site HQ --session learn.json
  sitewright profile learn constrainToSite --unavailable \\
      --reason 'not in our console, ticket 4711'")]
pub(in crate::cli) struct LearnArgs {
    /// What to learn
    #[arg(value_name = "SETTING")]
    what: What,
    /// Which association, where it is one
    #[arg(value_name = "ASSOCIATION")]
    association: Option<AssociationName>,
    /// The site of the example
    #[arg(id = "learn-site", long = "site", value_name = "NAME")]
    site: Option<String>,
    /// The computer of the example; for captureTarget the first package server
    #[arg(long, value_name = "NAME")]
    computer: Option<String>,
    /// For captureTarget, the second package server
    #[arg(long, value_name = "NAME")]
    other: Option<String>,
    /// For subnetToSite, the subnet
    #[arg(long, value_name = "SUBNET")]
    subnet: Option<String>,
    /// For taskPackages, the Deploy Image task
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// For taskPackages, the package that is added
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
    /// For preventDownloads, which part of it
    #[arg(long, value_name = "PART")]
    part: Option<Part>,
    /// The switch is on to begin with, so it is switched off first
    #[arg(long)]
    on: bool,
    /// An item to look at beside the usual ones, by GUID; may be repeated
    #[arg(long = "item", value_name = "GUID")]
    items: Vec<Guid>,
    /// The same by name, as the console shows it; may be repeated
    #[arg(long = "item-name", value_name = "NAME")]
    item_names: Vec<String>,
    /// Keep what was seen in this file, and end after each look instead of asking
    #[arg(long, value_name = "FILE")]
    session: Option<PathBuf>,
    /// Which look this is: refused where another one is due
    #[arg(long, value_name = "STEP", requires = "session")]
    step: Option<StepName>,
    /// Learn anew what may be written already
    #[arg(long)]
    replace: bool,
    /// Say that this server has no such setting
    #[arg(long, requires = "reason", conflicts_with_all = ["session", "on"])]
    unavailable: bool,
    /// How you know
    #[arg(long, value_name = "TEXT", requires = "unavailable")]
    reason: Option<String>,
}

/// What can be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
enum What {
    /// Constrain to Site
    ConstrainToSite,
    /// DS Global Settings, Default Target
    CaptureTarget,
    /// The packages that a Deploy Image task uses
    TaskPackages,
    /// Targeted Site Settings, "Prevent downloads"
    PreventDownloads,
    /// An association between sites and what belongs to them
    Association,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
enum AssociationName {
    SubnetToSite,
    ServerToSite,
}

/// A part of "Prevent downloads".
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
enum Part {
    /// The computers that it is aimed at
    Targets,
    /// From the SMP
    FromServer,
    /// From servers outside the site
    FromOutside,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
enum StepName {
    /// Before the change
    Before,
    /// After it
    After,
    /// After the second change, for captureTarget
    Other,
    /// After the opposite
    Opposite,
}

impl StepName {
    const fn stage(self) -> Stage {
        match self {
            Self::Before => Stage::Before,
            Self::After => Stage::After,
            Self::Other => Stage::Other,
            Self::Opposite => Stage::Opposite,
        }
    }
}

fn unread(error: &ReadError) -> Failure {
    Failure::from_error(error.code(), error).hint(error.hint())
}

pub(super) async fn run(
    context: &Context,
    session: &Session,
    args: &LearnArgs,
) -> Result<Exit, Failure> {
    let profile = Profile::clone(&*session.known()?);
    if args.unavailable {
        return match args.what {
            What::ConstrainToSite => {
                let reason = args.reason.as_deref().unwrap_or_default();
                learned::unavailable(context, session, profile, reason)
            }
            _ => Err(Failure::usage(
                "every SMP has this setting",
                "only constrainToSite may be unavailable",
            )),
        };
    }
    if args.session.is_none() && !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask at",
            "pass --session FILE, and run the command again after each change in the console",
        ));
    }
    let reader = session.reader()?;
    let mut example = match &args.session {
        Some(file) if file.exists() => kept(file, &profile, args)?,
        _ => begin(&reader, &profile, args).await?,
    };
    let width = context.style.width;
    let say = |text: &str| print(&wrap(text, 0, width));
    refuse_to_lower(&profile, &example.subject, args.replace)?;
    if example.looks.is_empty() {
        introduce(&example, width);
    }
    loop {
        let stage = example.stage();
        if let Some(step) = args.step
            && step.stage() != stage
        {
            return Err(Failure::new(
                "SW0878",
                format!("the look `{}` is due, not this one", due(stage)),
            )
            .hint(example.act().map(|act| format!("{act}, then look"))));
        }
        if stage != Stage::Done {
            look(&reader, &mut example).await?;
            if stage != Stage::Before && example.unchanged().map_err(|e| refused(&e, width))? {
                return Err(refused(&LearnError::Unseen, width));
            }
        }
        if let Some(file) = &args.session {
            write(&example, file)?;
        }
        let Some(act) = example.act() else {
            break;
        };
        say(&format!(
            "Now, in the console ({}): {act}, and change nothing else.",
            example.subject.console().join(" > ")
        ));
        if args.session.is_some() {
            say("Then run this command again.");
            return Ok(Exit::ConsoleSteps);
        }
        ask()?;
    }
    let packages = match example.subject {
        Subject::TaskPackages { .. } => packages_known(&reader).await.map_err(|e| unread(&e))?,
        _ => BTreeSet::new(),
    };
    let learned = example
        .conclude(&packages)
        .map_err(|error| refused(&error, width))?;
    learned::keep(context, session, profile, &example, learned)?;
    if let Some(file) = &args.session {
        std::fs::remove_file(file)
            .map_err(|error| Failure::io(format!("cannot remove `{}`", file.display()), &error))?;
    }
    Ok(Exit::Done)
}

const fn due(stage: Stage) -> &'static str {
    match stage {
        Stage::Before => "before",
        Stage::After => "after",
        Stage::Other => "other",
        Stage::Opposite => "opposite",
        Stage::Done => "none",
    }
}

/// Looks once; before the first change twice, so that what changes by itself is seen.
async fn look(reader: &Reader, example: &mut learn::Session) -> Result<(), Failure> {
    loop {
        let look = look_again(reader, example, second())
            .await
            .map_err(|error| unread(&error))?;
        example.looks.push(look);
        if example.stage() != Stage::Before {
            return Ok(());
        }
    }
}

fn ask() -> Result<(), Failure> {
    dialoguer::Input::<String>::new()
        .with_prompt("Press Enter once it is done")
        .allow_empty(true)
        .interact_text()
        .map(drop)
        .map_err(|error| Failure::new("SW0002", format!("cannot ask: {error}")))
}

fn introduce(example: &learn::Session, width: usize) {
    let say = |text: &str| print(&wrap(text, 0, width));
    say(&format!(
        "Learns `{}` by an example that you make in the console. Nothing is written to the server.",
        example.subject.entry()
    ));
    if !example.items.is_empty() {
        say("Looked at, each before and after:");
        for item in &example.items {
            print(&wrap(&format!("  {} {}", item.name, item.guid), 4, width));
        }
    }
    say(&format!("To begin with, {}.", example.subject.beginning()));
}

/// Says what was seen, and ends.
fn refused(error: &LearnError, width: usize) -> Failure {
    for shown in error.shown() {
        print(&wrap(&format!("  {shown}"), 4, width));
    }
    Failure::from_error(error.code(), error).hint(error.hint().map(Into::into))
}

fn kept(file: &Path, profile: &Profile, args: &LearnArgs) -> Result<learn::Session, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::io(format!("cannot read `{}`", file.display()), &error))?;
    let again = Some(format!("remove `{}` to begin again", file.display()));
    let example = learn::Session::from_json(&text)
        .map_err(|error| Failure::from_error("SW0871", &error).hint(again.clone()))?;
    let fits = match (args.what, &example.subject) {
        (What::ConstrainToSite, Subject::ConstrainToSite { .. })
        | (What::CaptureTarget, Subject::CaptureTarget { .. })
        | (What::TaskPackages, Subject::TaskPackages { .. })
        | (What::Association, Subject::Association { .. }) => true,
        (What::PreventDownloads, subject) => subject.entry() == "settings.preventDownloads",
        _ => false,
    };
    if example.platform == profile.server.guid && fits {
        Ok(example)
    } else {
        Err(Failure::new(
            "SW0871",
            format!(
                "`{}` is a session for `{}` of the SMP {}",
                file.display(),
                example.subject.entry(),
                example.platform
            ),
        )
        .hint(again))
    }
}

fn write(example: &learn::Session, file: &Path) -> Result<(), Failure> {
    let text = example
        .to_json()
        .map_err(|error| Failure::from_error("SW0871", &error))?;
    files::write(file, &text, true)
}

/// Refuses to learn what is good for writing already.
fn refuse_to_lower(profile: &Profile, subject: &Subject, replace: bool) -> Result<(), Failure> {
    let settings = &profile.settings;
    let of = |setting: &Option<Setting>| setting.as_ref().map(|setting| setting.standing);
    let standing = match subject {
        Subject::ConstrainToSite { .. } => of(&settings.constrain_to_site),
        Subject::CaptureTarget { .. } => of(&settings.capture_target),
        Subject::TaskPackages { .. } => of(&settings.task_packages),
        Subject::PreventTargets { .. }
        | Subject::PreventFromServer { .. }
        | Subject::PreventFromOutside { .. } => {
            let prevent = settings.prevent_downloads.as_ref();
            prevent
                .filter(|entry| entry.place().is_some())
                .map(|entry| entry.standing)
        }
        Subject::Association { kind, .. } => match kind {
            Joined::SubnetToSite => &profile.associations.subnet_to_site,
            Joined::ServerToSite => &profile.associations.server_to_site,
        }
        .as_ref()
        .map(|entry| entry.standing),
    };
    match standing {
        Some(standing) if standing.writes() && !replace => Err(Failure::new(
            "SW0877",
            format!(
                "`{}` is {standing} already, which is more than learned",
                subject.entry()
            ),
        )
        .hint(Some("pass --replace to learn it anew".into()))),
        _ => Ok(()),
    }
}

/// The example that the arguments describe.
async fn begin(
    reader: &Reader,
    profile: &Profile,
    args: &LearnArgs,
) -> Result<learn::Session, Failure> {
    let subject = subject(reader, args).await?;
    let items = looked_at(reader, &subject, &args.items, &args.item_names)
        .await
        .map_err(|error| unread(&error))?;
    if items.is_empty() && !matches!(subject, Subject::Association { .. }) {
        return Err(Failure::new(
            "SW0870",
            "no item to look at: none has one of the usual names",
        )
        .hint(Some(
            "name the item with --item-name as the console shows it, or with --item by its GUID"
                .into(),
        )));
    }
    Ok(learn::Session::new(profile.server.guid, subject, items))
}

async fn subject(reader: &Reader, args: &LearnArgs) -> Result<Subject, Failure> {
    let site = || object(reader, args.site.as_ref(), "--site", Some(TypeRole::Site));
    let computer = || {
        object(
            reader,
            args.computer.as_ref(),
            "--computer",
            Some(TypeRole::Computer),
        )
    };
    Ok(match args.what {
        What::ConstrainToSite => Subject::ConstrainToSite {
            site: site().await?,
            on: args.on,
        },
        What::CaptureTarget => Subject::CaptureTarget {
            first: computer().await?,
            second: object(
                reader,
                args.other.as_ref(),
                "--other",
                Some(TypeRole::Computer),
            )
            .await?,
        },
        What::TaskPackages => Subject::TaskPackages {
            task: object(reader, args.task.as_ref(), "--task", None).await?,
            package: object(
                reader,
                args.package.as_ref(),
                "--package",
                Some(TypeRole::Package),
            )
            .await?,
        },
        What::PreventDownloads => match args.part {
            Some(Part::Targets) => Subject::PreventTargets {
                computer: computer().await?,
            },
            Some(Part::FromServer) => Subject::PreventFromServer { on: args.on },
            Some(Part::FromOutside) => Subject::PreventFromOutside { on: args.on },
            None => {
                return Err(Failure::usage(
                    "which part of `preventDownloads`?",
                    "pass --part targets, fromServer or fromOutside: each is learned by itself",
                ));
            }
        },
        What::Association => match args.association {
            Some(AssociationName::SubnetToSite) => Subject::Association {
                kind: Joined::SubnetToSite,
                member: object(
                    reader,
                    args.subnet.as_ref(),
                    "--subnet",
                    Some(TypeRole::Subnet),
                )
                .await?,
                site: site().await?,
            },
            Some(AssociationName::ServerToSite) => Subject::Association {
                kind: Joined::ServerToSite,
                member: computer().await?,
                site: site().await?,
            },
            None => {
                return Err(Failure::usage(
                    "which association?",
                    "say subnetToSite or serverToSite",
                ));
            }
        },
    })
}

/// Finds an object of the example by its name; without a `role`, among items.
async fn object(
    reader: &Reader,
    name: Option<&String>,
    option: &str,
    role: Option<TypeRole>,
) -> Result<Thing, Failure> {
    let Some(name) = name else {
        return Err(Failure::usage(
            format!("`{option}` is missing"),
            format!("name what the example is made with: {option} NAME"),
        ));
    };
    let wanted = Name::new(name);
    let found = match role {
        Some(TypeRole::Computer) => reader.computer(&wanted).await,
        Some(role) => match reader.profile().type_guid(role) {
            Some(of) => reader.resource_named(name, of).await,
            None => {
                return Err(Failure::new(
                    "SW0870",
                    format!("the server profile lacks `types.{}`", role.as_str()),
                )
                .hint(Some("`sitewright profile discover` finds it".into())));
            }
        },
        None => reader.item_named(name).await,
    };
    found
        .map_err(|error| unread(&error))?
        .map(|guid| Thing { name: wanted, guid })
        .ok_or_else(|| {
            Failure::new(
                "SW0870",
                format!("expected one `{name}` on the server, found none"),
            )
            .hint(Some(format!("check {option}: the console shows the name")))
        })
}
