//! `sitewright validate`: the checks, on the manifests alone or, with `--live`, on what a server holds.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::error::Failure;
use super::plan::{load, observe};
use super::session::{Home, Session};
use super::{Context, Exit, Global, colour_of_errors, print, runtime};
use crate::diff::{declare, recognised};
use crate::manifest::{self, Document, Kind, Source};
use crate::model::{Desired, Name, Snapshot};
use crate::observe::Scope;
use crate::plan::Severity;
use crate::render::report::{Audit, Outcome, Report, github, json, junit, sarif};
use crate::render::{Style, markdown, text};
use crate::select::World;
use crate::validate::{View, check, checks};

/// Options of `validate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright validate
  sitewright validate -f sites/ --format github
  sitewright validate --live --platform sim:flat-lan
  sitewright validate --explain flat-lan")]
pub(super) struct ValidateArgs {
    /// Manifests: files, folders, or - for standard input; the workspace's folder if left out
    #[arg(short, long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Check what a server holds, of every platform unless one is chosen; needs no manifests
    #[arg(long)]
    live: bool,
    /// How to show it; markdown is for --list
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Say what a check is about, how bad it is, and what to do
    #[arg(long, value_name = "ID", conflicts_with_all = ["files", "live", "format", "list"])]
    explain: Option<String>,
    /// List the checks
    #[arg(long, conflicts_with_all = ["files", "live"])]
    list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
    Junit,
    Github,
    Markdown,
}

pub(super) fn run(context: &Context, args: &ValidateArgs) -> Result<Exit, Failure> {
    if let Some(id) = &args.explain {
        print(&explain(id, &context.style)?);
        return Ok(Exit::Done);
    }
    if args.list {
        print(&match args.format {
            Format::Text => text::check_list(&context.style),
            Format::Markdown => markdown::check_page(),
            Format::Json | Format::Sarif | Format::Junit | Format::Github => {
                return Err(Failure::usage(
                    "the list of checks has no such format",
                    "pass --format text or --format markdown",
                ));
            }
        });
        return Ok(Exit::Done);
    }
    if args.format == Format::Markdown {
        return Err(Failure::usage(
            "findings are not written as markdown",
            "pass --list to write the page of all checks",
        ));
    }
    let gathered = if args.live {
        live(context, args)
    } else {
        offline(args)
    };
    let mut report = Report {
        tool_version: env!("CARGO_PKG_VERSION").into(),
        ..Report::default()
    };
    let (run, failure) = match gathered {
        Ok(run) => (run, None),
        // A pipeline sees faults of the manifests in its format, too; people read them on standard error.
        Err(Failure::Diagnostics {
            diagnostics,
            sources,
        }) => {
            report.faults.clone_from(&diagnostics);
            let failure = Failure::Diagnostics {
                diagnostics,
                sources,
            };
            (Run::default(), Some(failure))
        }
        Err(other) => return Err(other),
    };
    let Run {
        audits,
        told,
        failures,
    } = run;
    report.audits = audits;
    match args.format {
        Format::Text => print(&shown(&report, &context.style)),
        Format::Json => print(&json(&report)),
        Format::Sarif => print(&sarif(&report)),
        Format::Junit => print(&junit(&report)),
        Format::Github => print(&github(&report)),
        Format::Markdown => {} // refused above
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    end(context, &report, failures)?;
    if args.format == Format::Text {
        print(&told);
    }
    Ok(Exit::Done)
}

/// What was gathered: for the report, for people, and what went wrong on the way.
#[derive(Default)]
struct Run {
    audits: Vec<Audit>,
    /// What is said where no error was found.
    told: String,
    failures: Vec<Failure>,
}

/// The page of one check, or which checks there are.
fn explain(id: &str, style: &Style) -> Result<String, Failure> {
    if let Some(check) = checks().find(|check| check.id == id) {
        return Ok(text::check_explained(check, style));
    }
    let ids: Vec<&str> = checks().map(|check| check.id).collect();
    let all = format!("there are {}", ids.join(", "));
    Err(Failure::usage(
        format!("there is no check `{id}`"),
        match crate::model::nearest(id, &ids) {
            Some(near) => format!("did you mean `{near}`? {all}"),
            None => all,
        },
    ))
}

fn offline(args: &ValidateArgs) -> Result<Run, Failure> {
    let home = Home::find(&args.files)?;
    // Read once: standard input is gone after the first time.
    let (documents, sources) = home.read(&args.files)?;
    let mut run = Run::default();
    let mut sites = 0;
    for platform in platforms(&home) {
        let desired = desired(&documents, &sources, platform.as_ref())?;
        sites += desired.sites.len();
        let notes = check(&View::declared(&World::declared(&desired), &desired));
        run.audits.push(Audit {
            platform: platform.map(|name| name.to_string()),
            live: false,
            outcome: Outcome::Judged(notes),
        });
    }
    run.told = format!(
        "The manifests are valid: {} declared.\n",
        count(sites, "site")
    );
    Ok(run)
}

/// The platforms of the workspace by name; one without a name where there is none.
fn platforms(home: &Home) -> Vec<Option<Name>> {
    match &home.workspace {
        Some(workspace) => workspace
            .platforms
            .iter()
            .map(|platform| Some(platform.name.clone()))
            .collect(),
        None => vec![None],
    }
}

fn desired(
    documents: &[Document],
    sources: &[Source],
    platform: Option<&Name>,
) -> Result<Desired, Failure> {
    manifest::desired(documents, platform).map_err(|diagnostics| Failure::Diagnostics {
        diagnostics,
        sources: sources.to_vec(),
    })
}

/// Audits the chosen platform, or each; one that cannot be read does not hide the others.
fn live(context: &Context, args: &ValidateArgs) -> Result<Run, Failure> {
    let home = Home::find(&args.files)?;
    let declared = if home.workspace.is_some() || !args.files.is_empty() {
        let (documents, sources) = home.read(&args.files)?;
        let any = documents
            .iter()
            .any(|document| document.kind != Kind::Workspace);
        any.then_some((documents, sources))
    } else {
        None
    };
    let chosen = match &context.global.platform {
        Some(_) => vec![None],
        None => platforms(&home),
    };
    let mut run = Run::default();
    for platform in chosen {
        let context = Context {
            global: Global {
                platform: platform
                    .as_ref()
                    .map(ToString::to_string)
                    .or_else(|| context.global.platform.clone()),
                ..context.global.clone()
            },
            run: context.run.clone(),
            style: context.style,
        };
        let audited = audit(&context, &home, declared.as_ref());
        let (name, outcome) = match audited {
            Ok(Audited {
                platform,
                outcome,
                told,
            }) => {
                run.told.push_str(&told);
                (Some(platform), outcome)
            }
            Err(failure @ Failure::Diagnostics { .. }) => return Err(failure),
            Err(failure) if failure.exit() == 64 => return Err(failure),
            Err(failure) => {
                let name = platform
                    .map(|name| name.to_string())
                    .or(context.global.platform);
                let outcome = failure.as_unread();
                run.failures.push(failure);
                (name, outcome)
            }
        };
        run.audits.push(Audit {
            platform: name,
            live: true,
            outcome,
        });
    }
    Ok(run)
}

/// What an audit of one platform gave.
struct Audited {
    platform: String,
    outcome: Outcome,
    told: String,
}

fn audit(
    context: &Context,
    home: &Home,
    declared: Option<&(Vec<Document>, Vec<Source>)>,
) -> Result<Audited, Failure> {
    let session = Session::open(context, home)?;
    let desired = declared
        .map(|(documents, sources)| desired(documents, sources, session.declared_name()))
        .transpose()?;
    let server = session.server.clone();
    let scope = match &desired {
        None => Scope::audit(server),
        Some(desired) => Scope {
            everything: true,
            capture_target: true,
            ..Scope::of(desired, server)
        },
    };
    let reader = session.reader()?;
    let (snapshot, loaded) = runtime()?.block_on(async {
        let snapshot = observe(&reader, &scope).await?;
        let loaded = load(&session).await?;
        Ok::<_, Failure>((snapshot, loaded))
    })?;
    let ownership = loaded
        .as_ref()
        .map(|loaded| &loaded.state)
        .filter(|state| state.platform.server == snapshot.platform.server)
        .map(|state| &state.ownership);
    let snapshot = match &desired {
        Some(desired) => recognised(desired, &snapshot).into_owned(),
        None => snapshot,
    };
    let mut world = World::observed(&snapshot);
    if let Some(desired) = &desired {
        declare(&mut world, desired);
    }
    let notes = check(&View {
        world: &world,
        desired: desired.as_ref(),
        snapshot: Some(&snapshot),
        ownership,
        planned: None,
    });
    unseen(context, &snapshot);
    Ok(Audited {
        platform: session.name.to_string(),
        outcome: Outcome::Judged(notes),
        told: holds(&snapshot),
    })
}

/// Says what could not be read, since nothing is found where nothing is seen.
fn unseen(context: &Context, snapshot: &Snapshot) {
    let parts = [
        ("sites", snapshot.sites.reason()),
        ("subnets", snapshot.subnets.reason()),
        ("site services", snapshot.services.reason()),
        ("packages", snapshot.packages.reason()),
    ];
    for (what, reason) in parts {
        if let Some(reason) = reason {
            let message = format!(
                "{what} of {} cannot be read, and were not judged: {reason}",
                snapshot.platform.name
            );
            eprint!("{}", text::warning("", &message, None, &on_errors(context)));
        }
    }
}

fn holds(snapshot: &Snapshot) -> String {
    let known = |number: Option<usize>, noun: &str| {
        number.map_or_else(|| format!("{noun}s unknown"), |number| count(number, noun))
    };
    format!(
        "No errors on {}: {}, {}.\n",
        snapshot.platform.name,
        known(snapshot.sites.known().map(Vec::len), "site"),
        known(snapshot.subnets.known().map(Vec::len), "subnet"),
    )
}

/// What people read of the findings, under the name of each platform where there are several.
fn shown(report: &Report, style: &Style) -> String {
    let mut shown = String::new();
    for audit in &report.audits {
        let notes = text::notes(audit.notes(), style);
        if notes.is_empty() {
            continue;
        }
        if let (Some(platform), true) = (&audit.platform, report.audits.len() > 1) {
            if !shown.is_empty() {
                shown.push('\n');
            }
            shown.push_str(&text::heading(&format!("Platform {platform}"), style));
            shown.push('\n');
        }
        shown.push_str(&notes);
    }
    shown
}

/// Fails where errors were found, or where a platform could not be read.
fn end(context: &Context, report: &Report, mut failures: Vec<Failure>) -> Result<(), Failure> {
    let errors = report
        .audits
        .iter()
        .flat_map(Audit::notes)
        .filter(|note| note.severity == Severity::Error)
        .count();
    let unread = failures.len();
    // One platform alone needs no other words than its own.
    if errors == 0 && report.audits.len() == 1 && unread == 1 {
        return failures.pop().map_or(Ok(()), Err);
    }
    for failure in &failures {
        eprint!("{}", failure.render(&on_errors(context)));
    }
    let lacking = format!(
        "{unread} of {} could not be read",
        count(report.audits.len(), "platform")
    );
    match (errors, unread) {
        (0, 0) => Ok(()),
        (0, _) => Err(Failure::new("SW0257", lacking)),
        (errors, 0) => Err(Failure::new(
            "SW0530",
            format!("{} found", count(errors, "error")),
        )),
        (errors, _) => Err(Failure::new(
            "SW0530",
            format!("{} found, and {lacking}", count(errors, "error")),
        )),
    }
}

fn on_errors(context: &Context) -> Style {
    Style {
        colour: colour_of_errors(context),
        ..context.style
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_unknown_check_is_told_with_all_there_are() {
        let failure = explain("flat-lam", &Style::default()).unwrap_err();
        assert_eq!(failure.exit(), 64);
        let text = failure.render(&Style::default());
        assert!(text.contains("there is no check `flat-lam`"), "{text}");
        assert!(text.contains("did you mean `flat-lan`?"), "{text}");
        assert!(checks().all(|check| text.contains(check.id)), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        let far = explain("nonsense", &Style::default()).unwrap_err();
        assert!(!far.render(&Style::default()).contains("did you mean"));
    }
}
