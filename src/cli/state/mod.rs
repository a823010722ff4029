//! `sitewright state …`: what is remembered of a platform, to look at and to put right by hand. Goes to no SMP.
//!
//! I/O, through the store. What only looks takes no lock and changes nothing; the rest asks first, works under the lock,
//! keeps what it replaces, and is noted in the journal with who and why.

mod change;
mod look;
mod mend;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::error::Failure;
use super::hold::who;
use super::session::Home;
use super::{Context, Exit, now};
use crate::model::{AddressError, Name};
use crate::state::{Hand, Loaded, Origin, State, StateError, Store};

/// The commands on the state.
#[derive(Debug, Subcommand)]
pub(super) enum StateCommand {
    /// List what is remembered, one address a line
    List(look::ListArgs),
    /// Show the state, or one entry of it
    Show(look::ShowArgs),
    /// Print the state, byte for byte
    #[command(after_help = PULL)]
    Pull,
    /// Put a state of a file in the place of the one that is kept
    Push(PushArgs),
    /// Forget entries; nothing on the server changes by it
    Rm(RmArgs),
    /// Put an entry right whose object has another name or GUID now
    Mv(MvArgs),
    /// List the versions that are kept
    History(look::HistoryArgs),
    /// Bring a version back
    Restore(RestoreArgs),
    /// End somebody's lock who is gone
    Unlock(UnlockArgs),
    /// Make a damaged state again, from a version or the journal
    Recover(RecoverArgs),
    /// Take state, versions and journal to another store
    Migrate(MigrateArgs),
}

const PULL: &str = "\
What is damaged is printed too, as it is.

Examples:
  sitewright state pull > hq.json
  sitewright state pull | jq .ownership.sites";

/// Who, why, and whether to ask.
#[derive(Debug, Args)]
struct Word {
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who you are, instead of the account's name
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Options of `state push`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright state pull > hq.json; sitewright state push hq.json
  sitewright state push backup.json --force --reason 'disk lost, ticket 4711'")]
pub(super) struct PushArgs {
    /// A state, as `state pull` prints it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Also where it is of another lineage, older than what is there, or what is there is damaged
    #[arg(long, requires = "reason")]
    force: bool,
    #[command(flatten)]
    word: Word,
}

/// Options of `state rm`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is forgotten stays on the server. Where it is declared, the next apply
adopts it; where it is not, it is left alone for good.

Example:
  sitewright state rm Site/Lab Subnet/10.9.0.0/24 --reason 'handed over'")]
pub(super) struct RmArgs {
    /// What to forget, as `state list` prints it
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    #[command(flatten)]
    word: Word,
}

/// Options of `state mv`.
#[derive(Debug, Args)]
#[command(after_help = "\
A site or subnet takes the GUID that it has now, where it was made again by
hand; a site also a name; an attestation the id of another step. An SMP knows
its objects by GUIDs of its own: nothing can be moved to another platform.

Examples:
  sitewright state mv Site/HQ 8f2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b11
  sitewright state mv Site/HQ Headquarters
  sitewright state mv Attestation/constrain:HQ constrain:Headquarters")]
pub(super) struct MvArgs {
    /// Which entry, as `state list` prints it
    #[arg(value_name = "ADDRESS")]
    address: String,
    /// The GUID, the name or the step that it is of now
    #[arg(value_name = "TO")]
    to: String,
    #[command(flatten)]
    word: Word,
}

/// Options of `state restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sitewright state history
  sitewright state restore 41 --reason 'rm went too far'")]
pub(super) struct RestoreArgs {
    /// The serial of the version, as `state history` lists it
    #[arg(value_name = "SERIAL")]
    serial: u64,
    #[command(flatten)]
    word: Word,
}

/// Options of `state unlock`.
#[derive(Debug, Args)]
#[command(after_help = "\
The lock of a state in files goes with its process: end the process, and it is
free. A lease in a database or an object store runs out by itself within a
minute or two; this ends it at once.

Example:
  sitewright state unlock --force --reason 'ops-2 lost its power'")]
pub(super) struct UnlockArgs {
    /// You have made sure that whoever holds it writes nothing any more
    #[arg(long, required = true)]
    force: bool,
    /// Why you are sure; kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who you are, instead of the account's name
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// Options of `state recover`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is damaged is kept aside, never written over. Without --from the best
that is whole is taken: the version before with the journal, then the journal
alone. With --from adoption everything is put aside, and the next plan adopts.

Example:
  sitewright state recover")]
pub(super) struct RecoverArgs {
    /// What to make it from
    #[arg(long, value_name = "WHAT")]
    from: Option<From>,
    #[command(flatten)]
    word: Word,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// The newest version that is whole, with what the journal holds beyond it
    Version,
    /// The journal, from its first record on
    Journal,
    /// Nothing: the next plan adopts what is declared
    Adoption,
}

impl From {
    const fn origin(self) -> Origin {
        match self {
            Self::Version => Origin::Version,
            Self::Journal => Origin::Journal,
            Self::Adoption => Origin::Adoption,
        }
    }
}

/// Options of `state migrate`.
#[derive(Debug, Args)]
#[command(after_help = "\
The other store must be empty. A folder is named by its path; any other store
by a workspace file that declares it in `state`, with where its secrets are.
Here a note is left that names the new place, and every command refuses. A
migration that was cut off is run again, and goes on where it ended.

Examples:
  sitewright state migrate --to file:/srv/sitewright/state
  sitewright state migrate --to-workspace new/sitewright.yaml")]
pub(super) struct MigrateArgs {
    /// The folder to take it to
    #[arg(
        long,
        value_name = "file:FOLDER",
        required_unless_present = "to_workspace"
    )]
    to: Option<String>,
    /// A workspace file whose `state` is the other store
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    to_workspace: Option<PathBuf>,
    #[command(flatten)]
    word: Word,
}

pub(super) async fn run(context: &Context, command: &StateCommand) -> Result<Exit, Failure> {
    let (name, store) = Home::find(&[])?.store(context)?;
    let at = At {
        context,
        name: &name,
        store: &store,
    };
    match command {
        StateCommand::List(args) => look::list(&at, args).await,
        StateCommand::Show(args) => look::show(&at, args).await,
        StateCommand::Pull => look::pull(&at).await,
        StateCommand::Push(args) => change::push(&at, args).await,
        StateCommand::Rm(args) => change::rm(&at, args).await,
        StateCommand::Mv(args) => change::mv(&at, args).await,
        StateCommand::History(args) => look::history(&at, args).await,
        StateCommand::Restore(args) => change::restore(&at, args).await,
        StateCommand::Unlock(args) => change::unlock(&at, args).await,
        StateCommand::Recover(args) => mend::recover(&at, args).await,
        StateCommand::Migrate(args) => mend::migrate(&at, args).await,
    }
}

/// What every command works on.
struct At<'a> {
    context: &'a Context,
    name: &'a Name,
    store: &'a Store,
}

impl At<'_> {
    /// The state with what the journal holds beyond it.
    async fn loaded(&self) -> Result<Option<Loaded>, Failure> {
        self.store.load().await.map_err(|error| failed(&error))
    }

    /// The same where one is needed.
    async fn state(&self) -> Result<State, Failure> {
        match self.loaded().await? {
            Some(loaded) => Ok(loaded.state),
            None => Err(self.nothing()),
        }
    }

    /// Says that there is no state.
    fn nothing(&self) -> Failure {
        Failure::new(
            "SW0764",
            format!(
                "nothing is remembered of `{}`: there is no state",
                self.name
            ),
        )
        .hint(Some(format!(
            "the first `sitewright apply` makes one; expected it at {}",
            self.store.place()
        )))
    }

    /// Who does this, and why.
    fn hand(&self, word: &Word) -> Hand {
        Hand {
            run: self.context.run.clone(),
            at: now(),
            by: who(word.by.as_deref()),
            why: reason(word.reason.as_deref()),
        }
    }

    /// Asks, unless it was told not to.
    fn agreed(word: &Word, question: &str) -> Result<(), Failure> {
        if word.yes || super::apply::agreed(question)? {
            Ok(())
        } else {
            Err(Failure::new("SW0610", "nothing was done: nobody said yes"))
        }
    }
}

/// A reason that says something.
fn reason(text: Option<&str>) -> Option<String> {
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(ToOwned::to_owned)
}

/// A reason where none will not do.
fn needed(text: Option<&str>) -> Result<String, Failure> {
    reason(text).ok_or_else(|| {
        Failure::usage(
            "a reason is wanted",
            "say how you know: --reason 'disk lost, ticket 4711'",
        )
    })
}

fn failed(error: &StateError) -> Failure {
    Failure::from_error(error.code(), error).hint(error.hint())
}

fn unknown(error: &AddressError) -> Failure {
    Failure::from_error("SW0765", error).hint(Some(match error {
        AddressError::Ambiguous { .. } => "name one of them by its GUID".into(),
        AddressError::Kind(_) | AddressError::Unknown(_) => {
            "`sitewright state list` prints every address".into()
        }
    }))
}

/// Data that is printed as JSON.
fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new("SW0002", format!("cannot print it: {error}")))
}
