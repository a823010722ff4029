//! `sitewright.yaml`: the platforms that are managed, and where state is kept.
//!
//! Pure. Paths are left relative to the file; it holds no secret, only where to get one. What a later version will
//! enforce is refused here, never overlooked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;

use super::decode::{
    At, Faults, Fields, items, listed, nearest, number, once, one, short, text, wrong,
};
use super::kinds::{Body, Document};
use super::location::{PathText, Url};
use super::safety::{self, SafetySpec};
use super::tree::{Node, Span, Value};
use super::{Diagnostic, Source};
use crate::model::{Name, Origin, Safety};

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its platforms, in the order of the file, at least one.
    pub platforms: Vec<PlatformEntry>,
    /// The folder of the state, relative to the file; `state` where it is left out.
    pub state: PathBuf,
    /// What the platforms are guarded by.
    pub safety: Safety,
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
    /// Where it is declared.
    pub origin: Origin,
}

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// Basic authentication.
    Basic {
        /// The user.
        username: String,
        /// Where the password comes from.
        password_from: PasswordFrom,
    },
}

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordFrom {
    /// An environment variable.
    Env(String),
    /// The first line of a file, relative to the workspace.
    File(PathBuf),
    /// The first line that a program prints: the program and its arguments.
    Command(Vec<String>),
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
    #[schemars(skip)]
    span: Span,
}

/// How to sign in.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct AuthSpec {
    /// `none` or `basic`.
    method: AuthMethod,
    /// The user, `DOMAIN\user`.
    username: Option<At<PathText>>,
    /// Where the password comes from: exactly one of `env`, `file` and `command`.
    password_from: Option<PasswordSpec>,
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "camelCase")]
enum AuthMethod {
    /// Not at all.
    None,
    /// Basic authentication.
    Basic,
}

/// Where a password comes from: exactly one of `env`, `file` and `command`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["env"]}, {"required": ["file"]}, {"required": ["command"]}]))]
#[expect(dead_code, reason = "the schema is derived from it")]
struct PasswordSchema {
    /// An environment variable.
    env: Option<String>,
    /// A file, relative to this file: its first line.
    file: Option<String>,
    /// A program with its arguments: the first line that it prints.
    command: Option<Vec<String>>,
}

#[derive(Debug, Clone)]
struct PasswordSpec(PasswordFrom);

impl JsonSchema for PasswordSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PasswordFrom".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        PasswordSchema::json_schema(generator)
    }
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

/// Where state is kept.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct StateSpec {
    /// `file`: one file a platform.
    #[schemars(with = "Backend")]
    #[expect(dead_code, reason = "the schema is derived from it")]
    backend: Backend,
    /// The folder, relative to this file; left out, `state`.
    path: Option<At<PathText>>,
}

/// A store for state.
#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(rename_all = "camelCase")]
enum Backend {
    /// Files in a folder.
    File,
}

impl WorkspaceSpec {
    fn resolve(&self, origin: &Origin) -> Workspace {
        let Self {
            platforms,
            state,
            safety,
        } = self;
        Workspace {
            platforms: platforms
                .iter()
                .map(|platform| platform.resolve(&origin.file))
                .collect(),
            state: state
                .as_ref()
                .and_then(|state| state.path.as_ref())
                .map_or_else(|| "state".into(), |path| PathBuf::from(&path.value.0)),
            safety: safety
                .as_ref()
                .map_or_else(Safety::default, SafetySpec::resolve),
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
            span,
        } = self;
        let seconds = |number: &Option<At<u32>>| {
            number
                .as_ref()
                .map(|number| Duration::from_secs(number.value.into()))
        };
        let path =
            |text: &Option<At<PathText>>| text.as_ref().map(|text| PathBuf::from(&text.value.0));
        PlatformEntry {
            name: name.value.clone(),
            url: url.value.0.clone(),
            server: server.as_ref().map(|server| server.value.clone()),
            auth: auth.as_ref().map_or(Auth::None, AuthSpec::resolve),
            profile: path(profile),
            ca: path(ca),
            connect_timeout: timeouts.as_ref().and_then(|t| seconds(&t.connect)),
            answer_timeout: timeouts.as_ref().and_then(|t| seconds(&t.answer)),
            concurrency: concurrency.as_ref().map(|number| number.value),
            origin: span.origin(file),
        }
    }
}

impl AuthSpec {
    fn resolve(&self) -> Auth {
        match (self.method, &self.username, &self.password_from) {
            (AuthMethod::Basic, Some(username), Some(PasswordSpec(password_from))) => Auth::Basic {
                username: username.value.0.clone(),
                password_from: password_from.clone(),
            },
            _ => Auth::None,
        }
    }
}

/// Reads `spec` of a workspace.
pub(super) fn read_spec(node: &Node<'_>, faults: &mut Faults) -> Option<WorkspaceSpec> {
    let what = "`spec` of a `Workspace`";
    let mut fields = Fields::of(node, what, faults)?;
    let platforms = fields.need("platforms", what, faults);
    let platforms = platforms.and_then(|node| read_platforms(node, faults));
    let state = fields.take("state").map(|node| read_state(node, faults));
    let safety = fields
        .take("safety")
        .and_then(|node| safety::read(node, faults));
    fields.finish(what, faults);
    Some(WorkspaceSpec {
        platforms: platforms?,
        state: state.flatten(),
        safety,
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
        auth: fields.take("auth").and_then(|node| read_auth(node, faults)),
        profile,
        ca: fields.take("ca").and_then(|node| one(node, faults)),
        timeouts: fields
            .take("timeouts")
            .and_then(|node| read_timeouts(node, faults)),
        concurrency: fields
            .take("concurrency")
            .and_then(|node| number(node, 1..=64, faults)),
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
    (name.is_some() && url.is_some()).then_some(platform)
}

fn read_auth(node: &Node<'_>, faults: &mut Faults) -> Option<AuthSpec> {
    let mut fields = Fields::of(node, "`auth`", faults)?;
    let method = fields.need("method", "`auth`", faults);
    let method = method.and_then(|node| {
        let found = text(node, "`none` or `basic`", faults)?;
        match found {
            "none" => Some(AuthMethod::None),
            "basic" => Some(AuthMethod::Basic),
            "negotiate" | "ntlm" | "kerberos" => {
                faults.tell(
                    "SW0190",
                    node.span,
                    format!("expected `none` or `basic`: `{found}` is not yet supported"),
                );
                None
            }
            other => {
                let known = ["none", "basic"];
                let mut fault = faults.make(
                    "SW0206",
                    node.span,
                    format!(
                        "expected one of {}, found `{}`",
                        listed(&known),
                        short(other)
                    ),
                );
                fault.hint = nearest(other, &known).map(|right| format!("did you mean `{right}`?"));
                faults.push(fault);
                None
            }
        }
    });
    let named = fields.entry("username");
    let from = fields.entry("passwordFrom");
    let username: Option<At<PathText>> = named.and_then(|(_, node)| one(node, faults));
    let password_from = from.and_then(|(_, node)| read_password(node, faults));
    match method {
        Some(AuthMethod::Basic) => {
            if named.is_none() {
                fields.need("username", "`auth` with method `basic`", faults);
            }
            if from.is_none() {
                fields.need("passwordFrom", "`auth` with method `basic`", faults);
            }
            if let Some(username) = username.as_ref().filter(|name| name.value.0.contains(':')) {
                faults.tell(
                    "SW0206",
                    username.span,
                    "expected a user name without `:`, which Basic authentication cannot carry",
                );
            }
        }
        Some(AuthMethod::None) => {
            for (key, _) in [named, from].into_iter().flatten() {
                faults.tell(
                    "SW0206",
                    key.span,
                    "expected neither user nor password with method `none`, found one",
                );
            }
        }
        None => {}
    }
    fields.finish("`auth`", faults);
    Some(AuthSpec {
        method: method?,
        username,
        password_from,
    })
}

fn read_password(node: &Node<'_>, faults: &mut Faults) -> Option<PasswordSpec> {
    let mut fields = match &node.value {
        Value::Scalar { .. } if !node.is_null() => {
            // Whatever stands here may be a password: it is not shown.
            let fault = faults
                .make(
                    "SW0207",
                    node.span,
                    "expected one of the fields `env`, `file` and `command`, found text".into(),
                )
                .hint("a workspace holds no secret, only where to get it")
                .secret();
            faults.push(fault);
            return None;
        }
        _ => Fields::of(node, "`passwordFrom`", faults)?,
    };
    let variable = fields.take("env");
    let file = fields.take("file");
    let command = fields.take("command");
    let count = [variable, file, command].into_iter().flatten().count();
    if count != 1 {
        faults.tell(
            "SW0207",
            node.span,
            format!("expected exactly one of `env`, `file` and `command`, found {count} of them"),
        );
    }
    fields.finish("`passwordFrom`", faults);
    let spoken = |node, faults: &mut Faults| one::<PathText>(node, faults).map(|text| text.value.0);
    if let Some(node) = variable {
        return spoken(node, faults).map(|name| PasswordSpec(PasswordFrom::Env(name)));
    }
    if let Some(node) = file {
        return spoken(node, faults).map(|path| PasswordSpec(PasswordFrom::File(path.into())));
    }
    let node = command?;
    let words = items(node, "a list: a program and its arguments", faults)?;
    if words.is_empty() {
        wrong(node, "a program", faults);
    }
    let words: Vec<String> = words
        .iter()
        .filter_map(|word| text(word, "text", faults).map(ToOwned::to_owned))
        .collect();
    Some(PasswordSpec(PasswordFrom::Command(words)))
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

fn read_state(node: &Node<'_>, faults: &mut Faults) -> Option<StateSpec> {
    let mut fields = Fields::of(node, "`state`", faults)?;
    if let Some(node) = fields.need("backend", "`state`", faults)
        && let Some(found) = text(node, "`file`", faults)
        && found != "file"
    {
        let later = matches!(found, "postgres" | "postgresql" | "s3");
        let (code, message) = if later {
            (
                "SW0190",
                format!("expected `file`: `{found}` is not yet supported"),
            )
        } else {
            (
                "SW0208",
                format!("expected `file`, found `{}`", short(found)),
            )
        };
        faults.tell(code, node.span, message);
        // The other fields are those of another store.
        return None;
    }
    let path = fields.take("path").and_then(|node| one(node, faults));
    fields.finish("`state`", faults);
    Some(StateSpec {
        backend: Backend::File,
        path,
    })
}
