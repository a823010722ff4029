//! `sitewright profile discover`: a first profile of a server, or what is still missing in one.
//!
//! I/O: asks on a terminal, reads and writes the profile.

#![expect(clippy::disallowed_methods, reason = "reads the profile that is there")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};
use similar::TextDiff;

use super::super::apply::agreed;
use super::super::error::Failure;
use super::super::session::Session;
use super::super::{Context, Exit, Format, print, second, wrap};
use super::save;
use crate::model::Guid;
use crate::observe::{
    Candidate, Decision, Discovery, Finding, Question, Told, Wanted, accept_exact, discover,
};
use crate::profile::{self, Profile, ServerEntry};
use crate::smp::Reader;

/// Options of `profile discover`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright profile discover --platform hq
  sitewright profile discover --accept-exact
  sitewright profile discover --update --choose types.site=8f2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b11
  sitewright profile discover --choose structures.resource.name=DisplayName")]
pub(in crate::cli) struct DiscoverArgs {
    /// Where to write the profile, instead of the platform's own place
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Take what fits by name or shape and is the only one to, without being asked
    #[arg(long)]
    accept_exact: bool,
    /// Take this for an entry: a GUID, a name, or the name of an element
    #[arg(long, value_name = "ENTRY=VALUE", value_parser = choice)]
    choose: Vec<(String, String)>,
    /// Fill in what the profile does not know yet; what it knows stays
    #[arg(long)]
    update: bool,
    /// Do not ask whether to write the changes of --update
    #[arg(short, long)]
    yes: bool,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

fn choice(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((entry, value)) if !entry.trim().is_empty() && !value.trim().is_empty() => {
            Ok((entry.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected ENTRY=VALUE, such as types.site=GUID".into()),
    }
}

pub(super) async fn run(
    context: &Context,
    session: &Session,
    args: &DiscoverArgs,
) -> Result<Exit, Failure> {
    let Some(server) = session.server.clone() else {
        return Err(Failure::usage(
            "which computer is the SMP itself?",
            "pass --server FQDN, or write `server` into the workspace",
        ));
    };
    let file = args
        .out
        .clone()
        .unwrap_or_else(|| session.profile_file.clone());
    let before = before(&file, args.update)?;
    let chosen: BTreeMap<&str, &str> = args
        .choose
        .iter()
        .map(|(entry, value)| (entry.as_str(), value.as_str()))
        .collect();
    let known = before.as_ref().map(|(_, known)| {
        let mut known = known.clone();
        // What is chosen anew does not stay as it was.
        let nothing = Profile::empty(known.server.clone());
        for entry in chosen.keys() {
            known.take_over(&nothing, entry);
        }
        known
    });
    let nothing = Arc::new(Profile::empty(ServerEntry {
        name: server.clone(),
        guid: Guid::NIL,
        build: None,
    }));
    let reader = Reader::new(session.transport.clone(), nothing);
    let mut decider = Decider {
        chosen: &chosen,
        used: BTreeSet::new(),
        accept_exact: args.accept_exact,
        asks: args.format == Format::Text && std::io::stdin().is_terminal(),
    };
    let wanted = Wanted {
        server: &server,
        known: known.as_ref(),
        at: &second(),
    };
    let found = discover(&reader, &wanted, &mut |question| decider.decide(question))
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    honoured(&chosen, &decider.used, &found)?;
    let after = profile::to_yaml(&found.profile)
        .map_err(|error| Failure::from_error(error.code(), &error))?;
    let old = before.as_ref().map(|(text, _)| text.as_str());
    match args.format {
        Format::Json => print(&json(&found, &file, old != Some(after.as_str()))),
        Format::Text => {
            tell(context, &found);
            if let Some(old) = old
                && !confirmed(old, &after, &file, args.yes)?
            {
                return Ok(Exit::Done);
            }
        }
    }
    save(&found.profile, &file)?;
    if args.format == Format::Text {
        ended(context, &found, &file);
    }
    Ok(Exit::Done)
}

/// The profile that is there, where it is to be brought up to date; otherwise there must be none.
fn before(file: &Path, update: bool) -> Result<Option<(String, Profile)>, Failure> {
    let there = file.exists();
    if there && !update {
        return Err(
            Failure::new("SW0255", format!("`{}` exists already", file.display())).hint(Some(
                "pass --update to fill in what it does not know yet, or write another file with --out"
                    .into(),
            )),
        );
    }
    if !there {
        return Ok(None);
    }
    let failed = |error: profile::ProfileError| {
        Failure::from_error(error.code(), &error).hint(error.hint().map(Into::into))
    };
    let known = profile::load(file).map_err(failed)?;
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::io(format!("cannot read `{}`", file.display()), &error))?;
    Ok(Some((text, known)))
}

/// Decides as the arguments say, else as the person at the terminal does.
struct Decider<'a> {
    chosen: &'a BTreeMap<&'a str, &'a str>,
    used: BTreeSet<String>,
    accept_exact: bool,
    asks: bool,
}

impl Decider<'_> {
    fn decide(&mut self, question: &Question<'_>) -> Decision {
        if let Some(value) = self.chosen.get(question.entry) {
            self.used.insert(question.entry.to_owned());
            return Decision::Given((*value).to_owned());
        }
        if self.accept_exact
            && let taken @ Decision::Take(_) = accept_exact(question)
        {
            return taken;
        }
        if self.asks && !question.candidates.is_empty() {
            return ask(question);
        }
        if self.accept_exact {
            Decision::Leave
        } else {
            Decision::Later
        }
    }
}

/// Asks on the terminal; whoever breaks off chooses none.
fn ask(question: &Question<'_>) -> Decision {
    let mut items: Vec<String> = question.candidates.iter().map(described).collect();
    items.push("none of these".into());
    let asked = dialoguer::Select::new()
        .with_prompt(format!("{}: which is {}?", question.entry, question.wanted))
        .items(&items)
        .default(question.fits.unwrap_or(question.candidates.len()))
        .max_length(15)
        .interact_opt();
    match asked {
        Ok(Some(index)) if index < question.candidates.len() => Decision::Take(index),
        Ok(_) | Err(_) => Decision::Leave,
    }
}

/// A candidate in one line.
fn described(candidate: &Candidate) -> String {
    let mut text = candidate.name.clone();
    if let Some(guid) = candidate.guid {
        text = format!("{text} {guid}");
    }
    if !candidate.evidence.is_empty() {
        text = format!("{text}: {}", candidate.evidence);
    }
    text
}

/// Makes sure that everything that was chosen was taken.
fn honoured(
    chosen: &BTreeMap<&str, &str>,
    used: &BTreeSet<String>,
    found: &Discovery,
) -> Result<(), Failure> {
    for (entry, value) in chosen {
        let finding = found
            .findings
            .iter()
            .find(|finding| finding.entry == *entry);
        match finding {
            Some(finding) if used.contains(*entry) && !finding.found() => {
                return Err(Failure::new(
                    "SW0830",
                    format!("cannot take `{value}` for `{entry}`: {}", finding.evidence),
                )
                .hint(Some(
                    "run it without --choose to see the candidates; nothing was written".into(),
                )));
            }
            Some(_) if used.contains(*entry) => {}
            Some(finding) => {
                return Err(Failure::new(
                    "SW0831",
                    format!("`{entry}` is not asked for: {}", finding.evidence),
                )
                .hint(Some(
                    "leave it out; what a value on the server proves is not chosen".into(),
                )));
            }
            None => {
                return Err(Failure::new(
                    "SW0831",
                    format!("`{entry}` is no entry that can be chosen"),
                )
                .hint(Some(
                    "run it without --choose: the entries are listed with their candidates".into(),
                )));
            }
        }
    }
    Ok(())
}

fn mark(told: Told) -> &'static str {
    match told {
        Told::Found => "found  ",
        Told::Kept => "kept   ",
        Told::Unconfirmed => "perhaps",
        Told::Unknown => "unknown",
    }
}

fn tell(context: &Context, found: &Discovery) {
    if let Some(version) = found.version {
        print(&format!("The services are those of {version}.\n"));
    }
    for finding in &found.findings {
        let line = format!(
            "{}  {}: {}",
            mark(finding.told),
            finding.entry,
            finding.evidence
        );
        print(&wrap(&line, 9, context.style.width));
        for candidate in &finding.candidates {
            let line = format!("  candidate: {}", described(candidate));
            print(&wrap(&line, 13, context.style.width));
        }
    }
}

fn count(findings: &[Finding], told: Told) -> usize {
    findings
        .iter()
        .filter(|finding| finding.told == told)
        .count()
}

/// Shows what would change in the file, and asks on a terminal; `false` where nothing is to be written.
fn confirmed(old: &str, new: &str, file: &Path, yes: bool) -> Result<bool, Failure> {
    if old == new {
        print(&format!("\n{} stays as it is.\n", file.display()));
        return Ok(false);
    }
    let name = file.display().to_string();
    let diff = TextDiff::from_lines(old, new);
    print(&format!(
        "\n{}",
        diff.unified_diff().context_radius(1).header(&name, &name)
    ));
    if yes || !std::io::stdin().is_terminal() || agreed("Write this profile?")? {
        return Ok(true);
    }
    print("Nothing was written.\n");
    Ok(false)
}

fn ended(context: &Context, found: &Discovery, file: &Path) {
    let width = context.style.width;
    let findings = &found.findings;
    let kept = match count(findings, Told::Kept) {
        0 => String::new(),
        kept => format!("{kept} kept, "),
    };
    print(&format!(
        "\nWrote {}: {kept}{} found, {} unknown.\n",
        file.display(),
        count(findings, Told::Found),
        count(findings, Told::Unknown) + count(findings, Told::Unconfirmed),
    ));
    if count(findings, Told::Unconfirmed) > 0 {
        print(&wrap(
            "Nobody was asked, so that what may be (`perhaps`) was not taken. Look at it, then run again with --update --accept-exact, or with --update --choose ENTRY=VALUE.",
            0,
            width,
        ));
    }
    print(&wrap(
        "What was found serves for reading, not for writing: `sitewright profile verify` proves it on scratch objects.",
        0,
        width,
    ));
}

/// The findings for scripts.
fn json(found: &Discovery, file: &Path, written: bool) -> String {
    let entries: Vec<Value> = found
        .findings
        .iter()
        .map(|finding| {
            let candidates: Vec<Value> = finding
                .candidates
                .iter()
                .map(|candidate| {
                    json!({
                        "name": candidate.name,
                        "value": candidate.value(),
                        "evidence": candidate.evidence,
                    })
                })
                .collect();
            json!({
                "entry": finding.entry,
                "told": match finding.told {
                    Told::Found => "found",
                    Told::Kept => "kept",
                    Told::Unconfirmed => "unconfirmed",
                    Told::Unknown => "unknown",
                },
                "evidence": finding.evidence,
                "candidates": candidates,
            })
        })
        .collect();
    let value = json!({
        "formatVersion": 1,
        "server": found.profile.server.name,
        "version": found.version,
        "file": file.display().to_string(),
        "changed": written,
        "entries": entries,
    });
    format!("{value:#}\n")
}
