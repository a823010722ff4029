//! What a command works with: the workspace, one platform of it, its profile, its state, the way to it.
//!
//! I/O: reads the workspace and the profile, starts the built-in simulator for `sim:NAME`.

#![expect(
    clippy::disallowed_methods,
    reason = "finds the workspace and the profile"
)]

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sitewright_sim::{Options, Server, World};
use url::Url;

use super::connection::{connection, proof};
use super::error::Failure;
use super::{Context, random_id, state_store};
use crate::manifest::{self, Document, PlatformEntry, Source, Workspace};
use crate::model::{Desired, Name, Safety};
use crate::observe::build_change;
use crate::plan::{Note, Severity, Standing};
use crate::profile::{self, BuildChange, Profile};
use crate::smp::{Connection, Reader, Transport, TransportError, Writer, WritingTransport};
use crate::state::Store;
use crate::validate;
use crate::watch::Proof;

/// The workspace that a command runs in, where there is one.
#[derive(Debug)]
pub(super) struct Home {
    /// Its folder; the current one without a workspace.
    pub(super) folder: PathBuf,
    pub(super) workspace: Option<Workspace>,
}

impl Home {
    /// Finds the workspace upward from the first folder that manifests are read from, else from the current one.
    pub(super) fn find(files: &[PathBuf]) -> Result<Self, Failure> {
        let start = files
            .iter()
            .find(|path| path.as_os_str() != "-")
            .map_or_else(|| PathBuf::from("."), |path| folder_of(path));
        let found = manifest::find_workspace(&start)
            .ok()
            .flatten()
            .or_else(|| manifest::find_workspace(Path::new(".")).ok().flatten());
        let Some(file) = found else {
            return Ok(Self {
                folder: PathBuf::from("."),
                workspace: None,
            });
        };
        Self::of_file(&file)
    }

    /// The workspace's folder, as people name it from here.
    pub(super) fn shown_folder(&self) -> PathBuf {
        PathBuf::from(near(&self.folder))
    }

    /// Reads the manifests: those named, else the workspace's folder.
    pub(super) fn read(&self, files: &[PathBuf]) -> Result<(Vec<Document>, Vec<Source>), Failure> {
        let paths = if files.is_empty() {
            if self.workspace.is_none() {
                return Err(Failure::usage(
                    "there is no workspace here, and no manifests are named",
                    "name files or folders with -f, or make a sitewright.yaml",
                ));
            }
            vec![self.shown_folder()]
        } else {
            files.to_vec()
        };
        let sources = manifest::load(&paths, std::io::stdin().lock()).map_err(|error| {
            let mut diagnostics = manifest::read(&error.sources).diagnostics;
            diagnostics.extend(error.diagnostics);
            Failure::Diagnostics {
                diagnostics,
                sources: error.sources.into_iter().chain(error.faulty).collect(),
            }
        })?;
        let mut read = manifest::read(&sources);
        if let Some(workspace) = &self.workspace {
            let platforms: Vec<Name> = workspace.platforms.iter().map(|p| p.name.clone()).collect();
            read.diagnostics
                .extend(manifest::check_platforms(&read.documents, &platforms));
        }
        let ids: Vec<&str> = validate::checks().map(|check| check.id).collect();
        read.diagnostics
            .extend(manifest::check_allowed(&read.documents, &ids));
        if read.diagnostics.is_empty() {
            Ok((read.documents, sources))
        } else {
            Err(Failure::Diagnostics {
                diagnostics: read.diagnostics,
                sources,
            })
        }
    }

    /// Says what the manifests declare for one platform.
    pub(super) fn desired(
        &self,
        files: &[PathBuf],
        platform: Option<&Name>,
    ) -> Result<Desired, Failure> {
        let (documents, sources) = self.read(files)?;
        manifest::desired(&documents, platform).map_err(|diagnostics| Failure::Diagnostics {
            diagnostics,
            sources,
        })
    }

    /// The platform that the arguments choose, without going to it: its name in the workspace, and its SMP.
    pub(super) fn platform(
        &self,
        context: &Context,
    ) -> Result<(Option<Name>, Option<Name>), Failure> {
        let entry = self.entry(context)?;
        let server = context.global.server.as_deref().map(Name::new);
        Ok((
            entry.map(|entry| entry.name.clone()),
            server.or_else(|| entry.and_then(|entry| entry.server.clone())),
        ))
    }

    /// The platform that the arguments choose, by its name in the workspace.
    fn entry(&self, context: &Context) -> Result<Option<&PlatformEntry>, Failure> {
        let Some(workspace) = &self.workspace else {
            return Ok(None);
        };
        let listed = || {
            let names: Vec<String> = workspace
                .platforms
                .iter()
                .map(|p| format!("`{}`", p.name))
                .collect();
            names.join(", ")
        };
        match context.global.platform.as_deref() {
            Some(chosen) if is_url(chosen) => Ok(workspace
                .platforms
                .iter()
                .find(|platform| platform.url == chosen)),
            Some(chosen) => workspace
                .platforms
                .iter()
                .find(|platform| platform.name == Name::new(chosen))
                .map(Some)
                .ok_or_else(|| {
                    Failure::usage(
                        format!("the workspace has no platform `{chosen}`"),
                        format!("it has {}", listed()),
                    )
                }),
            None => match workspace.platforms.as_slice() {
                [one] => Ok(Some(one)),
                _ => Err(Failure::usage(
                    "the workspace has several platforms, and none is chosen",
                    format!("pass --platform with one of {}", listed()),
                )),
            },
        }
    }
}

/// The platform that the arguments and the workspace choose, before anything is opened.
struct Chosen<'h> {
    entry: Option<&'h PlatformEntry>,
    url: String,
    name: Name,
    /// The folder of the state, where it is kept in files.
    state: PathBuf,
}

fn failed(error: &TransportError) -> Failure {
    Failure::from_error(error.code(), error).hint(error.hint())
}

impl Home {
    fn chosen(&self, context: &Context) -> Result<Chosen<'_>, Failure> {
        let entry = self.entry(context)?;
        let url = match (entry, context.global.platform.as_deref()) {
            (Some(entry), _) => entry.url.clone(),
            (None, Some(url)) if is_url(url) => url.to_owned(),
            (None, Some(other)) => {
                return Err(Failure::usage(
                    format!("`{other}` is no URL, and there is no workspace to look it up in"),
                    "pass https://…, or sim:NAME for the built-in simulator",
                ));
            }
            (None, None) => {
                return Err(Failure::usage(
                    "no platform is chosen",
                    "pass --platform with a URL, or sim:flat-lan to try things out; or make a sitewright.yaml",
                ));
            }
        };
        let name = entry.map_or_else(|| Name::new(&file_name(&url)), |entry| entry.name.clone());
        let state = context.global.state.clone().unwrap_or_else(|| {
            self.workspace.as_ref().map_or_else(
                || PathBuf::from("state"),
                |workspace| PathBuf::from(near(&self.folder.join(workspace.state.folder()))),
            )
        });
        Ok(Chosen {
            entry,
            url,
            name,
            state,
        })
    }

    /// The name that the files of the platform have which the arguments choose.
    pub(super) fn named(&self, context: &Context) -> Result<Name, Failure> {
        self.chosen(context).map(|chosen| chosen.name)
    }

    /// The file of the profile of the platform that the arguments choose.
    pub(super) fn profile_file(&self, context: &Context) -> Result<PathBuf, Failure> {
        let Chosen { entry, name, .. } = self.chosen(context)?;
        let file = context
            .global
            .profile
            .clone()
            .or_else(|| entry.and_then(|e| e.profile.as_ref().map(|p| self.folder.join(p))))
            .unwrap_or_else(|| self.folder.join("profiles").join(format!("{name}.yaml")));
        Ok(PathBuf::from(near(&file)))
    }

    /// Whether a platform, by its name or address, is the built-in simulator.
    pub(super) fn is_simulated(&self, platform: &str) -> bool {
        let named = self
            .workspace
            .iter()
            .flat_map(|workspace| &workspace.platforms);
        let named = named
            .clone()
            .find(|entry| entry.name == Name::new(platform));
        let url = named.map_or(platform, |entry| entry.url.as_str());
        url.starts_with("sim:")
    }

    /// The way to the server that the arguments choose, with what it signs in with; no simulator is one.
    pub(super) fn way(&self, context: &Context) -> Result<(Transport, Proof), Failure> {
        let Chosen { entry, url, .. } = self.chosen(context)?;
        let connection = connection(context, self, entry, &url)?;
        let proof = proof(&connection);
        let transport = Transport::new(connection).map_err(|error| failed(&error))?;
        Ok((transport, proof))
    }

    /// The store of the platform that the arguments choose and its name there, without going to the platform.
    pub(super) fn store(&self, context: &Context) -> Result<(Name, Store), Failure> {
        let Chosen { name, state, .. } = self.chosen(context)?;
        let store = state_store::open(context, self, &state, &name)?;
        Ok((name, store))
    }

    /// The workspace of a file, wherever it is.
    pub(super) fn of_file(file: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::io(format!("cannot read `{}`", file.display()), &error))?;
        let source = Source::new(&near(file), &text);
        let workspace = Workspace::read(&source).map_err(|diagnostics| Failure::Diagnostics {
            diagnostics,
            sources: vec![source],
        })?;
        Ok(Self {
            folder: folder_of(file),
            workspace: Some(workspace),
        })
    }
}

/// A profile as far as it is trusted on the build at hand.
pub(super) struct Trust {
    profile: Arc<Profile>,
    /// What is said of it, where the build is another than the profile's.
    pub(super) note: Option<Note>,
}

/// One platform, ready to be talked to. Whoever holds no [`WritingSession`] cannot change anything on it.
pub(super) struct Session {
    /// Its name: in the workspace, else what its files are named after.
    pub(super) name: Name,
    /// Whether the workspace has it under that name.
    pub(super) declared: bool,
    /// The SMP's own computer.
    pub(super) server: Option<Name>,
    /// What the server is.
    pub(super) profile: Option<Arc<Profile>>,
    /// Where the profile is kept.
    pub(super) profile_file: PathBuf,
    /// What the workspace guards it by.
    pub(super) safety: Safety,
    /// Its state.
    pub(super) store: Store,
    /// The way to it, for what changes nothing.
    pub(super) transport: Transport,
    /// What that signs in with, until somebody takes it.
    pub(super) proof: Proof,
    /// What becomes of the profile once the build of the server is known.
    trust: OnceLock<Trust>,
    /// The built-in simulator; it stops with the session.
    _sim: Option<Server>,
}

/// One platform, ready to be changed.
pub(super) struct WritingSession {
    session: Session,
    transport: WritingTransport,
}

impl Deref for WritingSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl WritingSession {
    /// Opens the platform that the arguments and the workspace choose.
    pub(super) fn open(context: &Context, home: &Home) -> Result<Self, Failure> {
        Self::open_with(context, home, None)
    }

    /// The same; all requests together are tried again no more often than `retries` says.
    pub(super) fn open_with(
        context: &Context,
        home: &Home,
        retries: Option<u32>,
    ) -> Result<Self, Failure> {
        let server = context.global.server.as_deref();
        let (session, transport) = Session::over(context, home, server, |connection| {
            let transport = WritingTransport::new(Connection {
                retry_budget: retries,
                ..connection
            })?;
            Ok((transport.reading().clone(), transport))
        })?;
        Ok(Self { session, transport })
    }

    /// The way to it, whatever is sent.
    pub(super) fn transport(&self) -> WritingTransport {
        self.transport.clone()
    }

    pub(super) fn writer(&self) -> Result<Writer, Failure> {
        Ok(Writer::new(self.transport(), self.known()?))
    }
}

impl Session {
    /// Opens the platform that the arguments and the workspace choose.
    pub(super) fn open(context: &Context, home: &Home) -> Result<Self, Failure> {
        Self::open_as(context, home, context.global.server.as_deref())
    }

    /// The same; `server` is the SMP's own computer, where the arguments name it.
    pub(super) fn open_as(
        context: &Context,
        home: &Home,
        server: Option<&str>,
    ) -> Result<Self, Failure> {
        let made = Self::over(context, home, server, |connection| {
            Ok((Transport::new(connection)?, ()))
        });
        made.map(|(session, ())| session)
    }

    /// The same over a transport that somebody makes, and whatever else comes of that.
    fn over<T>(
        context: &Context,
        home: &Home,
        server: Option<&str>,
        make: impl FnOnce(Connection) -> Result<(Transport, T), TransportError>,
    ) -> Result<(Self, T), Failure> {
        let Chosen {
            entry,
            url,
            name,
            state,
        } = home.chosen(context)?;
        let profile_file = home.profile_file(context)?;
        let sim = match url.strip_prefix("sim:") {
            Some(scenario) => Some(start(scenario, &state)?),
            None => None,
        };
        let profile = Self::profile(&profile_file, sim.as_ref())?;
        let server = server
            .map(Name::new)
            .or_else(|| entry.and_then(|entry| entry.server.clone()))
            .or_else(|| {
                sim.as_ref()
                    .map(|sim| Name::new(&sim.world().platform_server()))
            });
        let address = sim.as_ref().map_or(url, Server::url);
        let connection = connection(context, home, entry, &address)?;
        let proof = proof(&connection);
        let (transport, beside) = make(connection).map_err(|error| failed(&error))?;
        let session = Self {
            declared: entry.is_some(),
            safety: home
                .workspace
                .as_ref()
                .map_or_else(Safety::default, |workspace| workspace.safety.clone()),
            store: state_store::open(context, home, &state, &name)?,
            name,
            server,
            profile: profile.map(Arc::new),
            profile_file,
            transport,
            proof,
            trust: OnceLock::new(),
            _sim: sim,
        };
        Ok((session, beside))
    }

    /// The profile of the file, else what the simulator hands out, else none.
    fn profile(file: &Path, sim: Option<&Server>) -> Result<Option<Profile>, Failure> {
        if file.exists() {
            return profile::load(file)
                .map(Some)
                .map_err(|e| Failure::from_error(e.code(), &e).hint(e.hint().map(Into::into)));
        }
        sim.map(|sim| {
            profile::from_yaml("the simulator's profile", &sim.world().profile())
                .map_err(|e| Failure::from_error(e.code(), &e).hint(e.hint().map(Into::into)))
        })
        .transpose()
    }

    /// The profile, or what to do without one.
    pub(super) fn known(&self) -> Result<Arc<Profile>, Failure> {
        let trusted = self.trust.get().map(|trust| &trust.profile);
        trusted.or(self.profile.as_ref()).cloned().ok_or_else(|| {
            Failure::new(
                "SW0250",
                format!(
                    "platform `{}` has no server profile: `{}` does not exist",
                    self.name,
                    self.profile_file.display()
                ),
            )
            .hint(Some(
                "run `sitewright profile discover` to begin one; docs/profile.md says what it is"
                    .into(),
            ))
        })
    }

    /// Compares the build of the server with the profile's: from here on, what was verified on another one counts as
    /// discovered. The file stays as it is.
    pub(super) async fn trust(&self) -> Result<&Trust, Failure> {
        if let Some(trust) = self.trust.get() {
            return Ok(trust);
        }
        let reader = self.reader()?;
        let change = build_change(&reader)
            .await
            .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
        let trust = match change {
            None => Trust {
                profile: self.known()?,
                note: None,
            },
            Some(change) => {
                let mut lowered = Profile::clone(&*self.known()?);
                let paths = lowered.distrust();
                Trust {
                    profile: Arc::new(lowered),
                    note: Some(another_build(&change, &paths)),
                }
            }
        };
        Ok(self.trust.get_or_init(|| trust))
    }

    pub(super) fn reader(&self) -> Result<Reader, Failure> {
        Ok(Reader::new(self.transport.clone(), self.known()?))
    }

    /// The name by which documents speak of the platform.
    pub(super) fn declared_name(&self) -> Option<&Name> {
        self.declared.then_some(&self.name)
    }
}

/// What a plan says where the server is another build than the one that its profile was verified on.
fn another_build(change: &BuildChange, lowered: &[String]) -> Note {
    let named: Vec<String> = lowered.iter().map(|path| format!("`{path}`")).collect();
    Note {
        severity: Severity::Warning,
        standing: Standing::Remains,
        id: "another-build".into(),
        message: format!(
            "{change}; what was verified before counts as discovered, good for reading only: {}",
            named.join(", ")
        ),
        remedy: "run `sitewright profile verify`, which proves it again on scratch objects".into(),
        sources: Vec::new(),
        places: Vec::new(),
        allowed: None,
    }
}

fn is_url(text: &str) -> bool {
    text.contains("://") || text.starts_with("sim:")
}

/// What the files of a platform without a name are named after: the host, or the scenario.
fn file_name(url: &str) -> String {
    match url.strip_prefix("sim:") {
        Some(scenario) => format!("sim-{scenario}"),
        None => Url::parse(url)
            .ok()
            .and_then(|url| {
                let host = url.host_str()?.to_owned();
                Some(
                    url.port()
                        .map_or(host.clone(), |port| format!("{host}-{port}")),
                )
            })
            .unwrap_or_else(|| "platform".into()),
    }
}

fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        path.to_path_buf()
    } else {
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        }
    }
}

/// A path relative to the current folder where it lies below it: what people recognise in messages.
fn near(path: &Path) -> String {
    let here = std::env::current_dir()
        .and_then(|folder| folder.canonicalize())
        .unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(rest) if rest.as_os_str().is_empty() => ".".into(),
        Ok(rest) => rest.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// Starts the built-in simulator, its world kept in the state folder.
fn start(scenario: &str, state: &Path) -> Result<Server, Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::from_error("SW0251", error).hint(Some(
            "`sitewright sim --help` lists the built-in scenarios".into(),
        ))
    };
    std::fs::create_dir_all(state)
        .map_err(|error| Failure::io(format!("cannot make `{}`", state.display()), &error))?;
    let mut options = Options::builtin(scenario).map_err(|error| failed(&error))?;
    options.db = Some(state.join(format!("sim-{scenario}.db")));
    let world = World::open(options).map_err(|error| failed(&error))?;
    Server::start(world, std::net::SocketAddr::from(([127, 0, 0, 1], 0)))
        .map_err(|error| failed(&error))
}

/// A lineage for a state that is new.
pub(super) fn new_lineage() -> String {
    random_id()
}
