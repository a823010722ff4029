//! `sitewright explain`: who serves an address or a client, and why.
//!
//! I/O. The index over the world is built once; addresses from standard input are answered as they come.

use std::cell::OnceCell;
use std::io::{BufRead as _, BufReader, BufWriter, StdinLock, StdoutLock, Write as _};

use clap::Args;

use super::error::Failure;
use super::foresee::{Foreseen, Which, foresee};
use super::{Context, Exit, Format, colour_of_errors};
use crate::explain::{Asked, AskedError, Directory, Explainer, Explanation, Subject};
use crate::model::{Guid, Name, Observed, PackageSelector, Snapshot};
use crate::render::{Style, json, text};
use crate::smp::{ReadError, Reader};

/// Options of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright explain 192.168.10.101
  sitewright explain PC-17.corp.example --package 'Win11-24H2 golden'
  sitewright explain 192.168.10.101 --desired -f sites/
  sitewright explain --format json - < addresses.txt > explained.jsonl")]
pub(super) struct ExplainArgs {
    /// IPv4 addresses, or computers by fully qualified name or host name; - for one a line on standard input
    #[arg(required = true, value_name = "ADDRESS|CLIENT")]
    asked: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// Also say who gives this package, by its name or GUID; may be repeated
    #[arg(long = "package", value_name = "NAME")]
    packages: Vec<String>,
    /// How to show it: JSON has one object a line where several things are asked for
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

pub(super) async fn run(context: &Context, args: &ExplainArgs) -> Result<Exit, Failure> {
    let ExplainArgs {
        asked,
        which,
        packages,
        format,
    } = args;
    let from_input = asked.iter().any(|asked| asked == "-");
    if from_input && which.files.iter().any(|file| file.as_os_str() == "-") {
        return Err(Failure::usage(
            "standard input cannot hold both the manifests and what is asked for",
            "put one of them into a file",
        ));
    }
    let selectors = packages.iter().map(|text| selector(text)).collect();
    let Foreseen {
        basis,
        world,
        snapshot,
        reader,
        _session,
    } = foresee(context, which, selectors).await?;
    let packages = packages
        .iter()
        .map(|text| package(&snapshot, text))
        .collect::<Result<Vec<Guid>, Failure>>()?;
    let mut answers = Answers {
        explainer: Explainer::new(&world, &snapshot.surroundings, basis)
            .with_packages(packages)
            // Thousands of answers with every server in each would be no answer.
            .with_candidates(!from_input || context.style.full),
        snapshot: &snapshot,
        directory: OnceCell::new(),
        reader,
        several: from_input || asked.len() > 1,
        format: *format,
        out: BufWriter::new(std::io::stdout().lock()),
        style: context.style,
        errors: Style {
            colour: colour_of_errors(context),
            ..context.style
        },
        asked: 0,
        refused: 0,
        closed: false,
    };
    for text in asked {
        if text == "-" {
            answers.lines(&mut std::io::stdin().lock()).await?;
        } else {
            answers.one(text, None).await?;
        }
    }
    answers.end()
}

/// A package as somebody names it.
fn selector(text: &str) -> PackageSelector {
    text.parse().map_or_else(
        |_| PackageSelector::Name(Name::new(text)),
        PackageSelector::Guid,
    )
}

/// The package that a name or GUID means.
fn package(snapshot: &Snapshot, text: &str) -> Result<Guid, Failure> {
    let listed = match &snapshot.packages {
        Observed::Known(listed) => listed,
        Observed::Unavailable(reason) => {
            return Err(Failure::new(
                "SW0557",
                format!("packages cannot be read: {reason}"),
            ));
        }
    };
    let wanted = selector(text);
    let found: Vec<Guid> = listed
        .iter()
        .filter(|package| match &wanted {
            PackageSelector::Guid(guid) => package.guid == *guid,
            PackageSelector::Name(name) | PackageSelector::Match(name) => package.name == *name,
            PackageSelector::Task(_) => false,
        })
        .map(|package| package.guid)
        .collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::new(
            "SW0557",
            format!("expected a package, found none with the name or GUID `{text}`"),
        )
        .hint(Some(
            "check the spelling, and that the account may see it".into(),
        ))),
        several => Err(Failure::new(
            "SW0557",
            format!(
                "expected one package, found {} with the name `{text}`",
                several.len()
            ),
        )
        .hint(Some("name it by its GUID".into()))),
    }
}

/// Answers one question after the other.
struct Answers<'a> {
    explainer: Explainer<'a>,
    snapshot: &'a Snapshot,
    /// Made once a name is asked for.
    directory: OnceCell<Directory<'a>>,
    reader: Reader,
    /// Whether there are several questions.
    several: bool,
    format: Format,
    out: BufWriter<StdoutLock<'static>>,
    style: Style,
    errors: Style,
    asked: u64,
    refused: u64,
    /// Whether whoever reads the answers has gone away.
    closed: bool,
}

impl Answers<'_> {
    /// Answers what stands on the lines of a stream.
    async fn lines(&mut self, input: &mut StdinLock<'static>) -> Result<(), Failure> {
        let mut input = BufReader::new(input);
        let mut bytes = Vec::new();
        let mut line = 0_u64;
        while !self.closed {
            if input.buffer().is_empty() {
                // Whoever asks line by line waits for the answer.
                self.flush();
            }
            bytes.clear();
            let read = input
                .read_until(b'\n', &mut bytes)
                .map_err(|error| Failure::io("cannot read standard input", &error))?;
            if read == 0 {
                break;
            }
            line += 1;
            let text = String::from_utf8_lossy(&bytes);
            // Some editors on Windows put a mark before the text.
            let text = text.trim_start_matches('\u{feff}').trim();
            if !text.is_empty() {
                self.one(text, Some(line)).await?;
            }
        }
        Ok(())
    }

    /// Answers one question; one that cannot be answered ends the command only where it is alone.
    async fn one(&mut self, text: &str, line: Option<u64>) -> Result<(), Failure> {
        self.asked += 1;
        let error = match Asked::read(text) {
            Ok(Asked::Address(address)) => {
                let explanation = self.explainer.address(text, address);
                self.print(&explanation);
                return Ok(());
            }
            Ok(Asked::Computer(name)) => match self.computer(&name).await? {
                Ok(subject) => {
                    let explanation = self.explainer.computer(text, &subject);
                    self.print(&explanation);
                    return Ok(());
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        let place = line.map_or_else(String::new, |line| format!("line {line}: "));
        let failure =
            Failure::new(error.code(), format!("{place}{error}")).hint(Some(error.hint()));
        if !self.several {
            return Err(failure);
        }
        self.refused += 1;
        self.flush();
        eprint!("{}", failure.render(&self.errors));
        Ok(())
    }

    /// Finds a computer: among those that were read, else by asking for it.
    async fn computer(&self, name: &Name) -> Result<Result<Subject, AskedError>, Failure> {
        let directory = self.directory.get_or_init(|| Directory::new(self.snapshot));
        let found = directory.find(name);
        if !matches!(found, Err(AskedError::Unknown { .. })) || directory.is_complete() {
            return Ok(found);
        }
        let failed =
            |error: ReadError| Failure::from_error(error.code(), &error).hint(error.hint());
        let Some(guid) = self.reader.computer(name).await.map_err(failed)? else {
            return Ok(found);
        };
        match self.reader.inventory(guid).await {
            Ok(inventory) => {
                let name = inventory
                    .name()
                    .map_or_else(|| name.clone(), |name| Name::new(&name));
                let addresses = inventory.addresses.into_iter().collect();
                Ok(Subject::new(guid, name, addresses))
            }
            Err(error) if error.fatal() => Err(failed(error)),
            Err(error) => Ok(Err(AskedError::NoAddress {
                name: name.clone(),
                reason: error.to_string(),
            })),
        }
    }

    fn print(&mut self, explanation: &Explanation) {
        let answered_before = self.asked - self.refused > 1;
        let text = match self.format {
            Format::Json => json::explanation(explanation, !self.several),
            Format::Text => {
                let gap = if answered_before { "\n" } else { "" };
                format!("{gap}{}", text::explanation(explanation, &self.style))
            }
        };
        self.closed |= self.out.write_all(text.as_bytes()).is_err();
    }

    fn flush(&mut self) {
        self.closed |= self.out.flush().is_err();
    }

    fn end(mut self) -> Result<Exit, Failure> {
        self.flush();
        let Self { asked, refused, .. } = self;
        if refused == 0 {
            return Ok(Exit::Done);
        }
        Err(Failure::new(
            "SW0556",
            format!("{refused} of {asked} questions could not be answered"),
        ))
    }
}
