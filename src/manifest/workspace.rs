//! `sitewright.yaml`: the platforms that are managed, and where state is kept.
//!
//! Pure. Paths are left relative to the file; it holds no secret, only where to get one. What a later version will
//! enforce is refused here, never overlooked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;

use super::auth::{self, Auth, AuthSpec, ClientCertificate, Resolved};
use super::decode::{At, Faults, Fields, items, number, once, one};
use super::kinds::{Body, Document};
use super::location::{PathText, Url};
use super::safety::{self, SafetySpec};
use super::store::{self, StateSpec, StateStore};
use super::tree::{Node, Span};
use super::watch::{self, WatchSpec, Watching};
use super::{Diagnostic, Source};
use crate::model::{Name, Origin, Safety};

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its platforms, in the order of the file, at least one.
    pub platforms: Vec<PlatformEntry>,
    /// Where state is kept; left out, in folder `state` beside the file.
    pub state: StateStore,
    /// What the platforms are guarded by.
    pub safety: Safety,
    /// How it is watched.
    pub watch: Watching,
    /// Where the workspace is declared.
    pub origin: Origin,
}

/// One SMP of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformEntry {
    /// Its name in the workspace.
    pub name: Name,
    /// `https://…`, `http://…` or `sim:NAME`.
    pub url: String,
    /// The SMP's own computer; may be left out for the simulator.
    pub server: Option<Name>,
    /// How to sign in.
    pub auth: Auth,
    /// The certificate that the client shows.
    pub client_certificate: Option<ClientCertificate>,
    /// Whether the sign-in may travel over plain HTTP.
    pub allow_insecure: bool,
    /// The server profile, relative to the file; may be left out for the simulator.
    pub profile: Option<PathBuf>,
    /// A file of certificates that are trusted in addition, relative to the file.
    pub ca: Option<PathBuf>,
    /// How long connecting may take.
    pub connect_timeout: Option<Duration>,
    /// How long an answer may take.
    pub answer_timeout: Option<Duration>,
    /// How many requests may be under way at once.
    pub concurrency: Option<u32>,
    /// How many requests may go out a second.
    pub rate_limit: Option<u32>,
    /// Where it is declared.
    pub origin: Origin,
}

impl Workspace {
    /// Finds the workspace among documents: none, or one.
    pub fn of(documents: &[Document]) -> Result<Option<Self>, Vec<Diagnostic>> {
        let mut found = documents
            .iter()
            .filter_map(|document| match &document.body {
                Body::Workspace(spec) => Some((document, spec)),
                Body::Site { .. }
                | Body::SiteServer(_)
                | Body::Package(_)
                | Body::PlatformSettings(_) => None,
            });
        let Some((first, spec)) = found.next() else {
            return Ok(None);
        };
        let others: Vec<Diagnostic> = found
            .map(|(other, _)| {
                Diagnostic::at(
                    "SW0201",
                    other.origin.clone(),
                    "expected one workspace, found another",
                )
                .and(first.origin.clone(), "first here")
            })
            .collect();
        if others.is_empty() {
            Ok(Some(spec.resolve(&first.origin)))
        } else {
            Err(others)
        }
    }

    /// Reads a workspace file.
    pub fn read(source: &Source) -> Result<Self, Vec<Diagnostic>> {
        let read = super::read(std::slice::from_ref(source));
        if !read.diagnostics.is_empty() {
            return Err(read.diagnostics);
        }
        Self::of(&read.documents)?.ok_or_else(|| {
            let start = Origin {
                file: Arc::clone(&source.name),
                line: 1,
                column: 1,
            };
            vec![Diagnostic::at(
                "SW0202",
                start,
                "expected a document of kind `Workspace`, found none",
            )]
        })
    }
}

/// The platforms that are managed, and where state is kept.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WorkspaceSpec {
    /// The SMPs that are managed, at least one.
    #[schemars(length(min = 1))]
    platforms: Vec<PlatformSpec>,
    /// Where state is kept; left out, in folder `state` beside the file.
    state: Option<StateSpec>,
    /// What the platforms are guarded by.
    safety: Option<SafetySpec>,
    /// How they are watched (`sitewright watch`).
    watch: Option<WatchSpec>,
}

/// One SMP.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct PlatformSpec {
    /// The name of the platform in this workspace.
    name: At<Name>,
    /// The address of the SMP, `https://smp.corp.example`, or `sim:NAME` for the built-in simulator.
    url: At<Url>,
    /// The SMP's own computer: its GUID is the platform's identity. May be left out for the simulator.
    server: Option<At<Name>>,
    /// How to sign in; left out, not at all.
    auth: Option<AuthSpec>,
    /// The file of the server profile, relative to this file. May be left out for the simulator.
    profile: Option<At<PathText>>,
    /// A file of certificates (PEM) that are trusted in addition, relative to this file.
    ca: Option<At<PathText>>,
    /// How long to wait.
    timeouts: Option<TimeoutsSpec>,
    /// How many requests may be under way at once; left out, 8.
    #[schemars(with = "Option<u32>", range(min = 1, max = 64))]
    concurrency: Option<At<u32>>,
    /// How many requests may go out a second; left out, as many as there are.
    #[schemars(with = "Option<u32>", range(min = 1, max = 1000))]
    rate_limit: Option<At<u32>>,
    #[schemars(skip)]
    span: Span,
}

/// How long to wait, in whole seconds.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct TimeoutsSpec {
    /// Seconds that connecting may take; left out, 10.
    #[schemars(with = "Option<u32>", range(min = 1, max = 3600))]
    connect: Option<At<u32>>,
    /// Seconds that an answer may take; left out, 100.
    #[schemars(with = "Option<u32>", range(min = 1, max = 3600))]
    answer: Option<At<u32>>,
}

impl WorkspaceSpec {
    fn resolve(&self, origin: &Origin) -> Workspace {
        let Self {
            platforms,
            state,
            safety,
            watch,
        } = self;
        Workspace {
            platforms: platforms
                .iter()
                .map(|platform| platform.resolve(&origin.file))
                .collect(),
            state: state
                .as_ref()
                .map_or_else(StateStore::default, |StateSpec(store)| store.clone()),
            safety: safety
                .as_ref()
                .map_or_else(Safety::default, SafetySpec::resolve),
            watch: watch
                .as_ref()
                .map_or_else(Watching::default, WatchSpec::resolve),
            origin: origin.clone(),
        }
    }
}

impl PlatformSpec {
    fn resolve(&self, file: &Arc<str>) -> PlatformEntry {
        let Self {
            name,
            url,
            server,
            auth,
            profile,
            ca,
            timeouts,
            concurrency,
            rate_limit,
            span,
        } = self;
        let seconds = |number: &Option<At<u32>>| {
            number
                .as_ref()
                .map(|number| Duration::from_secs(number.value.into()))
        };
        let path =
            |text: &Option<At<PathText>>| text.as_ref().map(|text| PathBuf::from(&text.value.0));
        let signing = auth.as_ref().map(|auth| auth.resolved.clone());
        let (auth, client_certificate, allow_insecure) = match signing {
            Some(Resolved {
                auth,
                client_certificate,
                allow_insecure,
            }) => (auth, client_certificate, allow_insecure),
            None => (Auth::None, None, false),
        };
        PlatformEntry {
            name: name.value.clone(),
            url: url.value.0.clone(),
            server: server.as_ref().map(|server| server.value.clone()),
            auth,
            client_certificate,
            allow_insecure,
            profile: path(profile),
            ca: path(ca),
            connect_timeout: timeouts.as_ref().and_then(|t| seconds(&t.connect)),
            answer_timeout: timeouts.as_ref().and_then(|t| seconds(&t.answer)),
            concurrency: concurrency.as_ref().map(|number| number.value),
            rate_limit: rate_limit.as_ref().map(|number| number.value),
            origin: span.origin(file),
        }
    }
}

/// Reads `spec` of a workspace.
pub(super) fn read_spec(node: &Node<'_>, faults: &mut Faults) -> Option<WorkspaceSpec> {
    let what = "`spec` of a `Workspace`";
    let mut fields = Fields::of(node, what, faults)?;
    let platforms = fields.need("platforms", what, faults);
    let platforms = platforms.and_then(|node| read_platforms(node, faults));
    let state = fields
        .take("state")
        .and_then(|node| store::read(node, faults));
    let safety = fields
        .take("safety")
        .and_then(|node| safety::read(node, faults));
    let watch = fields
        .take("watch")
        .and_then(|node| watch::read(node, faults));
    fields.finish(what, faults);
    Some(WorkspaceSpec {
        platforms: platforms?,
        state,
        safety,
        watch,
    })
}

fn read_platforms(node: &Node<'_>, faults: &mut Faults) -> Option<Vec<PlatformSpec>> {
    let items = items(node, "a list of platforms", faults)?;
    if items.is_empty() {
        faults.tell(
            "SW0205",
            node.span,
            "expected at least one platform, found none",
        );
    }
    let platforms: Vec<PlatformSpec> = items
        .iter()
        .filter_map(|item| read_platform(item, faults))
        .collect();
    let names: Vec<At<Name>> = platforms.iter().map(|p| p.name.clone()).collect();
    once(&names, "platforms", faults, Name::clone);
    Some(platforms)
}

fn read_platform(node: &Node<'_>, faults: &mut Faults) -> Option<PlatformSpec> {
    let mut fields = Fields::of(node, "a platform", faults)?;
    let name = fields.need("name", "a platform", faults);
    let name: Option<At<Name>> = name.and_then(|node| one(node, faults));
    let url = fields.need("url", "a platform", faults);
    let told = faults.list.len();
    let url: Option<At<Url>> = url.and_then(|node| one(node, faults));
    if let Some(fault) = faults.list.get_mut(told) {
        // An address that is refused may hold a password.
        *fault = fault.clone().secret();
    }
    let simulated = url
        .as_ref()
        .is_none_or(|url| url.value.0.starts_with("sim:"));
    let mut optional = |field: &'static str, faults: &mut Faults| {
        if simulated {
            fields.take(field)
        } else {
            fields.need(field, "a platform", faults)
        }
    };
    let server = optional("server", faults).and_then(|node| one(node, faults));
    let profile = optional("profile", faults).and_then(|node| one(node, faults));
    let platform = PlatformSpec {
        server,
        auth: fields
            .take("auth")
            .and_then(|node| auth::read(node, faults)),
        profile,
        ca: fields.take("ca").and_then(|node| one(node, faults)),
        timeouts: fields
            .take("timeouts")
            .and_then(|node| read_timeouts(node, faults)),
        concurrency: fields
            .take("concurrency")
            .and_then(|node| number(node, 1..=64, faults)),
        rate_limit: fields
            .take("rateLimit")
            .and_then(|node| number(node, 1..=1000, faults)),
        span: node.span,
        name: name.clone().unwrap_or(At {
            value: Name::new(""),
            span: node.span,
        }),
        url: url.clone().unwrap_or(At {
            value: Url(String::new()),
            span: node.span,
        }),
    };
    fields.finish("a platform", faults);
    if let (Some(url), Some(auth)) = (&url, &platform.auth) {
        forbid_insecure(url, auth, faults);
    }
    (name.is_some() && url.is_some()).then_some(platform)
}

/// Says that a sign-in would travel unprotected, unless the workspace accepts that.
fn forbid_insecure(url: &At<Url>, auth: &AuthSpec, faults: &mut Faults) {
    let Resolved {
        auth: way,
        client_certificate: _,
        allow_insecure,
    } = &auth.resolved;
    let secret = match way {
        Auth::None => return,
        Auth::Bearer { .. } => "a token",
        Auth::Basic { .. } | Auth::Windows(_) => "a sign-in",
    };
    if !allow_insecure && url.value.is_plain() && !url.value.is_loopback() {
        let fault = faults
            .make(
                "SW0209",
                url.span,
                format!("expected an https address where {secret} travels, found http"),
            )
            .and(auth.span.origin(&faults.file), "signs in")
            .hint("`allowInsecure: true` in `auth` accepts that others can read along");
        faults.push(fault);
    }
}

fn read_timeouts(node: &Node<'_>, faults: &mut Faults) -> Option<TimeoutsSpec> {
    let mut fields = Fields::of(node, "`timeouts`", faults)?;
    let spec = TimeoutsSpec {
        connect: fields
            .take("connect")
            .and_then(|node| number(node, 1..=3600, faults)),
        answer: fields
            .take("answer")
            .and_then(|node| number(node, 1..=3600, faults)),
    };
    fields.finish("`timeouts`", faults);
    Some(spec)
}
