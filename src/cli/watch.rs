//! `sitewright watch`: hands the loop what it needs: configurations, ways to platforms, signals, a clock.
//!
//! I/O: reads the workspace, the manifests and the profiles, opens platforms. All else is in [`crate::watch`].

#![expect(clippy::disallowed_methods, reason = "reads the configuration")]

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::error::Failure;
use super::hold::holder;
use super::interrupt::interrupted;
use super::session::{Home, Session, WritingSession};
use super::{Context, Exit, now, random_id, random_seed};
use crate::journal::sha256;
use crate::manifest::{self, StateStore, Watching};
use crate::model::{Desired, Name, RunId};
use crate::smp::Reader;
use crate::watch::{
    Board, Configured, Events, Git, MakeWriter, Open, Outside, Pauses, Proof, Revision, Source,
    Target, Trouble, Way, is_branch, is_inside, listen, without_sign_in,
};

/// How often a platform is looked at where nothing is said.
const INTERVAL: Duration = Duration::from_mins(5);
/// How long is waited after the first refusal of a sign-in, where nothing is said: longer than directories remember a
/// wrong password, which is minutes.
const SIGN_IN_PAUSE: Duration = Duration::from_hours(1);
/// How often the folder is read, whatever is told of it.
const READ_FOLDER: Duration = Duration::from_secs(30);
/// How often a repository is asked where nothing is said.
const ASK_REPOSITORY: Duration = Duration::from_mins(1);
/// Where the loop may be asked where nothing is said.
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9464);
/// How often the requests of a run may be tried again, all together.
const RETRY_BUDGET: u32 = 100;

/// Options of `watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright watch
  sitewright watch --mode apply --interval 10m
  sitewright watch --platform hq --listen 0.0.0.0:9464
  sitewright watch --git https://git.corp.example/sites.git --path prod \\
      --state /var/lib/sitewright

What may be done with nobody at hand is named by `watch.autoApply` of the
workspace, group by group; left out, nothing is. docs/watch.md lists the groups,
the metrics, and what waits for a person whatever is named.")]
pub(super) struct WatchArgs {
    /// Manifests: files or folders; the workspace's folder if left out
    #[arg(short, long = "file", value_name = "PATH", conflicts_with = "git")]
    files: Vec<PathBuf>,
    /// Whether to look only, or to do what may be done unattended
    #[arg(long, value_name = "MODE", default_value = "observe")]
    mode: Mode,
    /// How often to look at a platform, such as 90s or 10m; left out, what the workspace says, else 5m
    #[arg(long, value_name = "TIME", value_parser = time)]
    interval: Option<Duration>,
    /// Take workspace and manifests from a git repository, by the program `git`
    #[arg(long, value_name = "URL", value_parser = address)]
    git: Option<String>,
    /// The branch of the repository
    #[arg(long, value_name = "NAME", default_value = "main", requires = "git", value_parser = branch)]
    branch: String,
    /// The folder in the repository
    #[arg(long, value_name = "FOLDER", requires = "git", value_parser = inside)]
    path: Option<PathBuf>,
    /// How often to ask the repository
    #[arg(long, value_name = "TIME", requires = "git", value_parser = time)]
    poll: Option<Duration>,
    /// Where health and metrics are told, or `none`; left out, what the workspace says, else 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS", value_parser = listening)]
    listen: Option<Listen>,
}

/// What the loop may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    Observe,
    Apply,
}

/// Where the loop may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listen {
    Nowhere,
    On(SocketAddr),
}

fn time(text: &str) -> Result<Duration, String> {
    manifest::interval(text)
        .ok_or_else(|| "expected a time between 1s and 24h, such as 90s or 10m".to_owned())
}

fn address(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('-') || text.contains("::") {
        return Err("expected the address of a repository".into());
    }
    Ok(text.to_owned())
}

fn branch(text: &str) -> Result<String, String> {
    if is_branch(text) {
        Ok(text.to_owned())
    } else {
        Err("expected the name of a branch, such as main".into())
    }
}

fn inside(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if is_inside(&path) {
        Ok(path)
    } else {
        Err("expected a folder inside the repository".into())
    }
}

fn listening(text: &str) -> Result<Listen, String> {
    if text == "none" {
        return Ok(Listen::Nowhere);
    }
    let address = text.parse().map(Listen::On);
    address.map_err(|_| "expected an address such as 127.0.0.1:9464, or none".into())
}

pub(super) fn run(context: &Context, args: &WatchArgs) -> Result<Exit, Failure> {
    // Whoever asks how things stand is answered beside the planning, which may take a while.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start", &error))?;
    let ended = runtime.block_on(watch(context, args));
    runtime.shutdown_timeout(Duration::from_millis(200));
    ended
}

async fn watch(context: &Context, args: &WatchArgs) -> Result<Exit, Failure> {
    let (stop, at_once) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(interrupted(stop.clone(), at_once.clone()));
    let mut loader = Loader {
        context,
        args,
        opened: BTreeMap::new(),
    };
    let board = Board::new();
    let (source, events, watching) = match &args.git {
        Some(url) => {
            let path = args.path.clone().unwrap_or_default();
            let git = Git::new(url, &args.branch, &path).map_err(failure)?;
            tracing::info!(
                url = without_sign_in(url),
                branch = args.branch,
                "watching a branch"
            );
            let source = Source::Git(Box::new(git));
            (source, Events::none(), Watching::default())
        }
        None => folder(context, args, &mut loader)?,
    };
    let usual = watching.listen.map_or(Listen::On(LISTEN), Listen::On);
    if let Listen::On(address) = args.listen.unwrap_or(usual) {
        let server = listen(address).await.map_err(failure)?;
        let address = server.address;
        if address.ip().is_loopback() {
            tracing::info!(%address, "listening");
        } else {
            tracing::warn!(
                %address,
                "listening beyond this machine: names of platforms and the text of errors are told to whoever asks"
            );
        }
        // It ends with the runtime, so that it answers for as long as anything is under way.
        tokio::spawn(server.serve(board.clone(), at_once.clone()));
    }
    let poll = match &args.git {
        Some(_) => args.poll.unwrap_or(ASK_REPOSITORY),
        None => READ_FOLDER,
    };
    let outside = Outside {
        load: &mut |revision, known| loader.load(revision, known).map_err(trouble),
        events,
        poll,
        clock: &now,
        id: &random_id,
        holder: &|run: &RunId| {
            let context = Context {
                run: run.clone(),
                ..context.clone()
            };
            holder(&context, "watch", None)
        },
        seed: random_seed(),
        board,
        stop,
        at_once,
    };
    crate::watch::run(source, outside).await;
    Ok(Exit::Done)
}

/// Folders as the source. What is wrong with them from the start ends the command, so that whoever mistypes is told.
fn folder(
    context: &Context,
    args: &WatchArgs,
    loader: &mut Loader<'_>,
) -> Result<(Source, Events, Watching), Failure> {
    if args.files.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::usage(
            "standard input cannot be watched",
            "name files or folders with -f, or a repository with --git",
        ));
    }
    let revision = Revision {
        files: args.files.clone(),
        commit: None,
    };
    loader.load(&revision, None)?;
    let home = Home::find(&args.files)?;
    let paths = if args.files.is_empty() {
        vec![home.folder.clone()]
    } else {
        let mut paths = args.files.clone();
        paths.extend(home.workspace.is_some().then(|| workspace_file(&home)));
        paths
    };
    let states = [
        context.global.state.clone(),
        home.workspace
            .as_ref()
            .map(|workspace| home.folder.join(workspace.state.folder())),
        Some(PathBuf::from("state")),
    ];
    let states: Vec<PathBuf> = states.into_iter().flatten().collect();
    let watching = home
        .workspace
        .map_or_else(Watching::default, |workspace| workspace.watch);
    let events = Events::of(&paths, &states);
    Ok((Source::Folder(args.files.clone()), events, watching))
}

fn workspace_file(home: &Home) -> PathBuf {
    home.folder.join("sitewright.yaml")
}

/// Reads configurations, and keeps what was opened for as long as it is still what they say.
struct Loader<'a> {
    context: &'a Context,
    args: &'a WatchArgs,
    /// Platforms, each with what it was opened with.
    opened: BTreeMap<Name, (String, Opened)>,
}

/// An open platform, and the way to it.
struct Opened {
    by: Opening,
    way: Arc<Way>,
}

enum Opening {
    /// A server: whoever looks at it cannot write.
    Reading(Session),
    /// The built-in simulator, which there is one of.
    Simulated(WritingSession),
}

impl Opened {
    fn session(&self) -> &Session {
        match &self.by {
            Opening::Reading(session) => session,
            Opening::Simulated(session) => session,
        }
    }
}

impl Loader<'_> {
    /// Reads a configuration; nothing of what is in use changes where it is wrong.
    fn load(
        &mut self,
        revision: &Revision,
        known: Option<&str>,
    ) -> Result<Option<Configured>, Failure> {
        let home = Arc::new(home_of(revision)?);
        kept_elsewhere(self.context, revision, &home)?;
        let (documents, sources) = home.read(&revision.files)?;
        let platforms = self.platforms(&home)?;
        let workspace = fs::read(workspace_file(&home)).unwrap_or_default();
        let setups: Vec<String> = platforms
            .iter()
            .map(|platform| self.setup(&home, platform, &workspace))
            .collect();
        let texts = sources
            .iter()
            .flat_map(|source| [source.name.to_string(), source.text.to_string()]);
        // Another commit is another configuration, also where it says the same: its checkout is another one.
        let commit = revision.commit.as_ref().map(|commit| commit.id.clone());
        let parts = texts.chain(setups.iter().cloned()).chain(commit);
        let parts: Vec<String> = parts.collect();
        let digest = sha256(parts.join("\0").as_bytes());
        if known == Some(&*digest) {
            return Ok(None);
        }
        let watching = home
            .workspace
            .as_ref()
            .map_or_else(Watching::default, |workspace| workspace.watch.clone());
        if self.args.mode == Mode::Apply && watching.auto_apply.is_empty() {
            tracing::warn!(
                "`watch.autoApply` of the workspace names nothing: all waits for a person"
            );
        }
        let mut ready = Vec::new();
        for (platform, setup) in platforms.iter().zip(setups) {
            let context = self.context.choosing(Some(platform));
            let name = home.named(&context)?;
            let known = self.opened.get(&name);
            let known = known.filter(|(before, _)| *before == setup);
            let fresh = match known {
                Some(_) => None,
                None => Some(Self::open(&context, &home, platform)?),
            };
            let Some(opened) = fresh.as_ref().or(known.map(|(_, opened)| opened)) else {
                continue; // it is one or the other
            };
            let desired = manifest::desired(&documents, opened.session().declared_name());
            let desired = desired.map_err(|diagnostics| Failure::Diagnostics {
                diagnostics,
                sources: sources.clone(),
            })?;
            let target = self.target(opened, desired, &context, &home)?;
            ready.push((name, setup, fresh, target));
        }
        // From here on nothing can be wrong: what was open and still is what is said stays open.
        let mut before = std::mem::take(&mut self.opened);
        let mut targets = Vec::new();
        for (name, setup, fresh, target) in ready {
            let opened = fresh.or_else(|| before.remove(&name).map(|(_, opened)| opened));
            self.opened
                .extend(opened.map(|opened| (name, (setup, opened))));
            targets.push(target);
        }
        Ok(Some(Configured {
            digest,
            pauses: Pauses {
                interval: self.args.interval.or(watching.interval).unwrap_or(INTERVAL),
                refusal: watching.sign_in_pause.unwrap_or(SIGN_IN_PAUSE),
            },
            targets,
        }))
    }

    /// An open platform as it is watched.
    fn target(
        &self,
        opened: &Opened,
        desired: Desired,
        context: &Context,
        home: &Arc<Home>,
    ) -> Result<Target, Failure> {
        let session = opened.session();
        let workspace = home.workspace.as_ref();
        Ok(Target {
            name: session.name.clone(),
            server: session.server.clone(),
            desired,
            safety: workspace
                .map(|workspace| workspace.safety.clone())
                .unwrap_or_default(),
            groups: workspace
                .map(|workspace| workspace.watch.auto_apply.clone())
                .unwrap_or_default(),
            way: Arc::clone(&opened.way),
            open: Self::opening(opened, context, home)?,
            writer: self.writer(opened, context, home),
            store: session.store.clone(),
        })
    }

    /// The platforms to watch: the one that is chosen, or all of the workspace.
    fn platforms(&self, home: &Home) -> Result<Vec<String>, Failure> {
        if let Some(chosen) = &self.context.global.platform {
            return Ok(vec![chosen.clone()]);
        }
        let Some(workspace) = &home.workspace else {
            return Err(Failure::usage(
                "no platform is chosen",
                "pass --platform with a URL, or make a sitewright.yaml",
            ));
        };
        let platforms = workspace.platforms.iter();
        Ok(platforms
            .map(|platform| platform.name.to_string())
            .collect())
    }

    /// Everything that a platform is opened with, but for its secrets.
    fn setup(&self, home: &Home, platform: &str, workspace: &[u8]) -> String {
        let context = self.context.choosing(Some(platform));
        let profile = home.profile_file(&context).ok();
        let profile = profile.and_then(|file| fs::read(file).ok());
        let parts = [platform.as_bytes(), workspace, &profile.unwrap_or_default()];
        sha256(&parts.join(&0))
    }

    fn open(context: &Context, home: &Home, platform: &str) -> Result<Opened, Failure> {
        if home.is_simulated(platform) {
            let session = WritingSession::open(context, home)?;
            let way = Way::new(session.reader()?, Proof::default());
            return Ok(Opened {
                way: Arc::new(way),
                by: Opening::Simulated(session),
            });
        }
        let mut session = Session::open(context, home)?;
        let way = Way::new(session.reader()?, std::mem::take(&mut session.proof));
        Ok(Opened {
            way: Arc::new(way),
            by: Opening::Reading(session),
        })
    }

    /// How the way to an open platform is opened anew.
    fn opening(opened: &Opened, context: &Context, home: &Arc<Home>) -> Result<Box<Open>, Failure> {
        if let Opening::Simulated(session) = &opened.by {
            // It refuses nobody.
            let reader = session.reader()?;
            return Ok(Box::new(move || Ok((reader.clone(), Proof::default()))));
        }
        let (context, home) = (context.clone(), Arc::clone(home));
        let profile = opened.session().known()?;
        Ok(Box::new(move || {
            let (transport, proof) = home.way(&context).map_err(trouble)?;
            Ok((Reader::new(transport, Arc::clone(&profile)), proof))
        }))
    }

    /// A way to write, where that may be done: set up for one run, after the sign-in has just worked for reading.
    fn writer(
        &self,
        session: &Opened,
        context: &Context,
        home: &Arc<Home>,
    ) -> Option<Box<MakeWriter>> {
        if self.args.mode == Mode::Observe {
            return None;
        }
        if let Opening::Simulated(session) = &session.by {
            let transport = session.transport();
            return Some(Box::new(move |_| Ok(transport.clone())));
        }
        let (context, home) = (context.clone(), Arc::clone(home));
        Some(Box::new(move |run| {
            let context = Context {
                run: run.clone(),
                ..context.clone()
            };
            let session = WritingSession::open_with(&context, &home, Some(RETRY_BUDGET));
            session.map(|session| session.transport()).map_err(trouble)
        }))
    }
}

/// The workspace of what is read: of a commit its own, else that of the current folder. What lies above a checkout is
/// anybody's.
fn home_of(revision: &Revision) -> Result<Home, Failure> {
    let Some(commit) = &revision.commit else {
        return Home::find(&revision.files);
    };
    let checkout = fs::canonicalize(&commit.checkout).unwrap_or_default();
    let from = revision.files.first().unwrap_or(&commit.checkout);
    let found = manifest::find_workspace(from).ok().flatten();
    match found.filter(|file| file.starts_with(&checkout)) {
        Some(file) => Home::of_file(&file),
        None => Home::find(&[]),
    }
}

/// Refuses to keep a state in a checkout, which is thrown away.
fn kept_elsewhere(context: &Context, revision: &Revision, home: &Home) -> Result<(), Failure> {
    let Some(commit) = &revision.commit else {
        return Ok(());
    };
    let in_files = home
        .workspace
        .as_ref()
        .is_some_and(|workspace| matches!(workspace.state, StateStore::File { .. }));
    let checkout = fs::canonicalize(&commit.checkout).unwrap_or_default();
    if context.global.state.is_none() && in_files && home.folder.starts_with(&checkout) {
        return Err(Failure::new(
            "SW0989",
            "the state would be kept in the checkout of a commit, which does not stay",
        )
        .hint(Some(
            "name a folder with `--state`, or a database or a bucket in the workspace".into(),
        )));
    }
    Ok(())
}

/// What the loop is told of a failure.
fn trouble(failure: Failure) -> Trouble {
    match failure {
        Failure::Diagnostics {
            diagnostics,
            sources: _, // places are in the messages
        } => {
            let first = diagnostics.first();
            let code = first.map_or("SW0101", |first| first.code);
            let hint = first.and_then(|first| first.hint.clone());
            let told: Vec<String> = diagnostics
                .iter()
                .take(5)
                .map(ToString::to_string)
                .collect();
            let more = match diagnostics.len().saturating_sub(told.len()) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            Trouble {
                code: code.to_owned(),
                message: format!("{}{more}", told.join("; ")),
                hint,
                refused: false,
            }
        }
        Failure::Error {
            code,
            message,
            causes,
            hint,
            exit: _, // the loop goes on
        } => {
            let told = std::iter::once(message).chain(causes);
            Trouble {
                code: code.to_owned(),
                message: told.collect::<Vec<_>>().join(": "),
                hint,
                refused: false,
            }
        }
    }
}

/// What a command ends with that cannot begin.
fn failure(trouble: Trouble) -> Failure {
    let Trouble {
        code,
        message,
        hint,
        refused: _, // nobody was asked yet
    } = trouble;
    let code = match code.as_str() {
        "SW0985" => "SW0985",
        _ => "SW0988",
    };
    Failure::new(code, message).hint(hint)
}
