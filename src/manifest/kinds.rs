//! The kinds of documents, and how each is read into its struct of [`super::spec`].
//!
//! Pure. Every field is read, whatever is wrong with the others.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::allow::{Carried, Comment};
use super::decode::{
    At, Faults, Fields, boolean, items, listed, nearest, number, once, one, set, short, text, wrong,
};
use super::lifecycle::read_lifecycle;
use super::spec::{
    AssignmentSpec, ImagingSpec, LifecycleSpec, Metadata, PackageSpec, PinSpec,
    PlatformSettingsSpec, ServerSpec, SiteServerSpec, SiteSpec,
};
use super::split::split;
use super::tree::{self, Node, Span, Value};
use super::workspace::{self, WorkspaceSpec};
use super::{Diagnostic, Read, Source};
use crate::model::{Name, Origin};

/// The only version of the language.
pub(super) const API_VERSION: &str = "sitewright/v1";

/// The kind of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An ordinary site.
    Site,
    /// A site for imaging only.
    DeploymentSite,
    /// A server and its roles.
    SiteServer,
    /// A package and its assignment.
    Package,
    /// What is global to one SMP.
    PlatformSettings,
    /// `sitewright.yaml`.
    Workspace,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Site,
        Self::DeploymentSite,
        Self::SiteServer,
        Self::Package,
        Self::PlatformSettings,
        Self::Workspace,
    ];

    /// Its spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Site => "Site",
            Self::DeploymentSite => "DeploymentSite",
            Self::SiteServer => "SiteServer",
            Self::Package => "Package",
            Self::PlatformSettings => "PlatformSettings",
            Self::Workspace => "Workspace",
        }
    }
}

/// One document that is right in itself.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its kind.
    pub kind: Kind,
    /// `metadata.name`; a workspace has none.
    pub name: Option<Name>,
    /// `metadata.platform` with its place.
    pub platform: Option<(Name, Origin)>,
    /// Where its name stands, or where it begins.
    pub origin: Origin,
    pub(super) body: Body,
    /// What its comments call fine as it is.
    pub(super) comments: Vec<Comment>,
}

/// What stands under `spec`, with what belongs to it in `metadata`.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one workspace, and sites are the many"
)]
pub(super) enum Body {
    Site {
        formerly: Vec<At<Name>>,
        lifecycle: LifecycleSpec,
        spec: SiteSpec,
        imaging: Option<ImagingSpec>,
    },
    SiteServer(SiteServerSpec),
    Package(PackageSpec),
    PlatformSettings(PlatformSettingsSpec),
    Workspace(WorkspaceSpec),
}

/// Reads every document of a source.
pub(super) fn read_source(source: &Source, read: &mut Read) {
    let text = source.text.strip_prefix('\u{FEFF}').unwrap_or(&source.text);
    if let Some(offset) = super::load::control(text) {
        let (before, rest) = text.split_at(offset);
        let found = u32::from(rest.chars().next().unwrap_or_default());
        read.diagnostics.push(Diagnostic::spanning(
            "SW0105",
            super::load::place_after(&source.name, before),
            1,
            format!("expected text without control characters, found U+{found:04X}"),
        ));
        return;
    }
    let parts = split(text);
    let mut carried = Carried::default();
    for part in parts.iter().copied() {
        let mut faults = Faults::new(&source.name);
        let mut twice = Vec::new();
        let mut comments = Vec::new();
        let document = match tree::parse(&source.name, part, &mut twice) {
            Ok(Some(root)) if !root.is_null() => {
                for fault in twice {
                    faults.push(fault);
                }
                comments = carried.read(part, &mut faults);
                document(&root, &mut faults)
            }
            Ok(root) => {
                carried.forget();
                let line = part.lines + u32::from(part.lines == 0 || root.is_none());
                let span = root.map_or(
                    Span {
                        line: line.max(1),
                        column: 1,
                        length: 0,
                    },
                    |_| Span {
                        line: part.lines + 1,
                        column: 1,
                        length: 3,
                    },
                );
                faults.push(
                    faults
                        .make("SW0111", span, "expected a document, found nothing".into())
                        .hint("a document begins with `apiVersion: sitewright/v1`"),
                );
                None
            }
            Err(fault) => {
                carried.forget();
                faults.push(*fault);
                None
            }
        };
        if let Some(document) = document
            && !faults.any()
        {
            read.documents.push(Document {
                comments,
                ..document
            });
        }
        let more = faults.more;
        let last = faults.list.last().map(|fault| fault.labels.clone());
        read.diagnostics.append(&mut faults.list);
        if more > 0 {
            let mut rest = Diagnostic::nowhere(
                "SW0112",
                format!("expected a document that can be read, found {more} more faults in it"),
            );
            rest.labels = last.unwrap_or_default().into_iter().take(1).collect();
            read.diagnostics.push(rest);
        }
    }
    if let Some(last) = parts.last() {
        read.diagnostics.extend(carried.end(source, *last));
    }
}

fn document(root: &Node<'_>, faults: &mut Faults) -> Option<Document> {
    let mut fields = Fields::of(root, "a document", faults)?;
    let version = fields.need("apiVersion", "the document", faults);
    if let Some(node) = version
        && let Some(found) = text(node, "`sitewright/v1`", faults)
        && found != API_VERSION
    {
        faults.tell(
            "SW0121",
            node.span,
            format!("expected `{API_VERSION}`, found `{}`", short(found)),
        );
    }
    let kind = fields.need("kind", "the document", faults);
    let kind = kind.and_then(|node| read_kind(node, faults));
    let metadata = fields.take("metadata");
    let spec = fields.take("spec");
    // Without a kind, nothing more can be said about the fields.
    let Some(kind) = kind else {
        fields.finish("the document", faults);
        return None;
    };
    let what = kind.as_str();
    let sited = matches!(kind, Kind::Site | Kind::DeploymentSite);
    let (
        metadata,
        Sited {
            formerly,
            lifecycle,
        },
    ) = match metadata {
        Some(node) => read_metadata(node, kind, sited, faults),
        None if kind == Kind::Workspace => (None, Sited::default()),
        None => {
            fields.need("metadata", &format!("`{what}`"), faults);
            (None, Sited::default())
        }
    };
    let body = match spec {
        None => {
            fields.need("spec", &format!("`{what}`"), faults);
            None
        }
        Some(spec) => match kind {
            Kind::Site | Kind::DeploymentSite => {
                read_site(spec, kind, faults).map(|(spec, imaging)| Body::Site {
                    formerly,
                    lifecycle,
                    spec,
                    imaging,
                })
            }
            Kind::SiteServer => read_site_server(spec, faults).map(Body::SiteServer),
            Kind::Package => read_package(spec, faults).map(Body::Package),
            Kind::PlatformSettings => {
                read_platform_settings(spec, faults).map(Body::PlatformSettings)
            }
            Kind::Workspace => workspace::read_spec(spec, faults).map(Body::Workspace),
        },
    };
    fields.finish(&format!("`{what}`"), faults);
    let file = Arc::clone(&faults.file);
    let origin = metadata
        .as_ref()
        .map_or(root.span, |metadata| metadata.name.span)
        .origin(&file);
    let platform = metadata
        .as_ref()
        .and_then(|metadata| metadata.platform.as_ref())
        .map(|platform| (platform.value.clone(), platform.span.origin(&file)));
    if metadata.is_none() && kind != Kind::Workspace {
        return None;
    }
    Some(Document {
        kind,
        name: metadata.map(|metadata| metadata.name.value),
        platform,
        origin,
        body: body?,
        comments: Vec::new(),
    })
}

fn read_kind(node: &Node<'_>, faults: &mut Faults) -> Option<Kind> {
    let found = text(node, "the kind of the document", faults)?;
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.as_str() == found) {
        return Some(kind);
    }
    let known = Kind::ALL.map(Kind::as_str);
    let mut fault = faults.make(
        "SW0120",
        node.span,
        format!(
            "expected one of the kinds {}, found `{}`",
            listed(&known),
            short(found)
        ),
    );
    if let Some(right) = nearest(found, &known) {
        fault = fault.hint(format!("did you mean `{right}`?"));
    }
    faults.push(fault);
    None
}

/// What only the metadata of a site holds.
#[derive(Default)]
struct Sited {
    formerly: Vec<At<Name>>,
    lifecycle: LifecycleSpec,
}

fn read_metadata(
    node: &Node<'_>,
    kind: Kind,
    sited: bool,
    faults: &mut Faults,
) -> (Option<Metadata>, Sited) {
    let nothing = (None, Sited::default());
    let Some(mut fields) = Fields::of(node, "`metadata`", faults) else {
        return nothing;
    };
    let name = if kind == Kind::Workspace {
        fields.take("name")
    } else {
        fields.need("name", "`metadata`", faults)
    };
    let name = name.and_then(|node| one(node, faults));
    let platform = if kind == Kind::Workspace {
        None
    } else {
        fields.take("platform")
    };
    let platform = platform.and_then(|node| one(node, faults));
    let mut of_site = Sited::default();
    if sited {
        if let Some(node) = fields.take("formerly") {
            of_site.formerly = set(node, "former names", faults).unwrap_or_default();
        }
        if let Some(node) = fields.take("lifecycle") {
            of_site.lifecycle = read_lifecycle(node, faults).unwrap_or_default();
        }
    }
    fields.finish("`metadata`", faults);
    (name.map(|name| Metadata { name, platform }), of_site)
}

fn read_site(
    node: &Node<'_>,
    kind: Kind,
    faults: &mut Faults,
) -> Option<(SiteSpec, Option<ImagingSpec>)> {
    let what = format!("`spec` of a `{}`", kind.as_str());
    let mut fields = Fields::of(node, &what, faults)?;
    let spec = SiteSpec {
        description: fields
            .take("description")
            .and_then(|node| one(node, faults)),
        subnets: fields
            .take("subnets")
            .and_then(|node| set(node, "subnets", faults)),
        constrain_to_site: fields
            .take("constrainToSite")
            .and_then(|node| boolean(node, faults)),
        servers: fields
            .take("servers")
            .and_then(|node| read_servers(node, faults)),
    };
    let imaging = if kind == Kind::DeploymentSite {
        fields
            .take("imaging")
            .and_then(|node| read_imaging(node, faults))
    } else {
        if let Some((key, _)) = fields.stray("imaging") {
            let fault = faults
                .make(
                    "SW0122",
                    key.span,
                    "expected a field of an ordinary `Site`, found `imaging`".into(),
                )
                .hint("`imaging` belongs to kind `DeploymentSite`");
            faults.push(fault);
        }
        None
    };
    fields.finish(&what, faults);
    Some((spec, imaging))
}

fn read_servers(node: &Node<'_>, faults: &mut Faults) -> Option<Vec<ServerSpec>> {
    let items = items(node, "a list of servers", faults)?;
    let mut servers = Vec::new();
    for item in items {
        if let Value::Scalar { text, .. } = &item.value
            && !item.is_null()
        {
            let fault = faults
                .make(
                    "SW0124",
                    item.span,
                    format!("expected the fields of a server, found `{}`", short(text)),
                )
                .hint(format!("write `name: {}`", short(text)));
            faults.push(fault);
            continue;
        }
        let Some(mut fields) = Fields::of(item, "a server", faults) else {
            continue;
        };
        let name = fields.need("name", "a server", faults);
        let name = name.and_then(|node| one(node, faults));
        let roles = fields
            .take("roles")
            .and_then(|node| set(node, "roles", faults));
        fields.finish("a server", faults);
        if let Some(name) = name {
            servers.push(ServerSpec { name, roles });
        }
    }
    let names: Vec<At<Name>> = servers.iter().map(|server| server.name.clone()).collect();
    once(&names, "servers", faults, Name::clone);
    Some(servers)
}

fn read_imaging(node: &Node<'_>, faults: &mut Faults) -> Option<ImagingSpec> {
    let mut fields = Fields::of(node, "`imaging`", faults)?;
    let spec = ImagingSpec {
        capture_target: fields
            .take("captureTarget")
            .and_then(|node| one(node, faults)),
        deploy_tasks: fields
            .take("deployTasks")
            .and_then(|node| set(node, "tasks", faults)),
        packages: fields
            .take("packages")
            .and_then(|node| read_pins(node, faults)),
    };
    fields.finish("`imaging`", faults);
    Some(spec)
}

fn read_pins(node: &Node<'_>, faults: &mut Faults) -> Option<Vec<PinSpec>> {
    let items = items(node, "a list of packages", faults)?;
    let mut pins = Vec::new();
    for item in items {
        let Some(mut fields) = Fields::of(item, "a package", faults) else {
            continue;
        };
        let written = ["name", "guid", "match"].map(|field| fields.take(field));
        let servers = fields
            .take("servers")
            .and_then(|node| set(node, "servers", faults));
        let unknown = fields.keys().count() > written.iter().flatten().count() + 1;
        let count = written.iter().flatten().count();
        if count > 1 || (count == 0 && !unknown) {
            faults.tell(
                "SW0139",
                item.span,
                format!(
                    "expected exactly one of `name`, `guid` and `match`, found {count} of them"
                ),
            );
        }
        fields.finish("a package", faults);
        let [name, guid, pattern] = written;
        pins.push(PinSpec {
            name: name.and_then(|node| one(node, faults)),
            guid: guid.and_then(|node| one(node, faults)),
            r#match: pattern.and_then(|node| one(node, faults)),
            servers,
            span: Some(item.span),
        });
    }
    let selectors: Vec<At<crate::model::PackageSelector>> = pins
        .iter()
        .filter_map(|pin| {
            Some(At {
                value: pin.selector()?,
                span: pin.span?,
            })
        })
        .collect();
    once(
        &selectors,
        "packages",
        faults,
        crate::model::PackageSelector::clone,
    );
    Some(pins)
}

fn read_site_server(node: &Node<'_>, faults: &mut Faults) -> Option<SiteServerSpec> {
    let mut fields = Fields::of(node, "`spec` of a `SiteServer`", faults)?;
    let roles = fields.need("roles", "`spec` of a `SiteServer`", faults);
    let roles = roles.and_then(|node| set(node, "roles", faults));
    fields.finish("`spec` of a `SiteServer`", faults);
    Some(SiteServerSpec { roles: roles? })
}

fn read_package(node: &Node<'_>, faults: &mut Faults) -> Option<PackageSpec> {
    let what = "`spec` of a `Package`";
    let mut fields = Fields::of(node, what, faults)?;
    let guid = fields.take("guid").and_then(|node| one(node, faults));
    let assignment = fields.need("assignment", what, faults);
    let assignment = assignment.and_then(|node| read_assignment(node, faults));
    fields.finish(what, faults);
    Some(PackageSpec {
        guid,
        assignment: assignment?,
    })
}

fn read_assignment(node: &Node<'_>, faults: &mut Faults) -> Option<AssignmentSpec> {
    if let Value::Scalar { text, .. } = &node.value
        && text == "all"
    {
        return Some(AssignmentSpec::All(node.span));
    }
    if !matches!(node.value, Value::Map(_)) {
        wrong(node, "`all`, or field `servers` or `sites`", faults);
        return None;
    }
    let mut fields = Fields::of(node, "`assignment`", faults)?;
    let before = faults.list.len();
    let servers = fields.take("servers");
    let sites = fields.take("sites");
    let automatic = fields.entry("automatic");
    let span = node.span;
    let result = match (servers, sites) {
        (Some(servers), None) => {
            if let Some((key, _)) = automatic {
                faults.tell(
                    "SW0139",
                    key.span,
                    "expected `automatic` beside `sites` only, found it beside `servers`",
                );
            }
            set(servers, "servers", faults).map(|servers| AssignmentSpec::Servers(servers, span))
        }
        (None, Some(sites)) => {
            let sites = set(sites, "sites", faults);
            let automatic = automatic.and_then(|(_, node)| boolean(node, faults));
            sites.map(|sites| AssignmentSpec::Sites {
                sites,
                automatic,
                span,
            })
        }
        (Some(_), Some(_)) => {
            faults.tell(
                "SW0139",
                span,
                "expected either `servers` or `sites`, found both",
            );
            None
        }
        (None, None) => None,
    };
    fields.finish("`assignment`", faults);
    if result.is_none() && faults.list.len() == before {
        faults.tell(
            "SW0139",
            span,
            "expected `servers` or `sites`, found neither",
        );
    }
    result
}

fn read_platform_settings(node: &Node<'_>, faults: &mut Faults) -> Option<PlatformSettingsSpec> {
    let what = "`spec` of `PlatformSettings`";
    let mut fields = Fields::of(node, what, faults)?;
    let capture_target = fields
        .take("captureTarget")
        .and_then(|node| one(node, faults));
    let invalid_subnets = fields
        .take("invalidSubnets")
        .and_then(|node| one(node, faults));
    let ports = fields
        .take("ports")
        .and_then(|node| read_ports(node, faults));
    let parent = fields
        .entry("parent")
        .filter(|(_, value)| !value.is_null())
        .and_then(|(_, value)| one(value, faults));
    fields.finish(what, faults);
    Some(PlatformSettingsSpec {
        capture_target,
        invalid_subnets,
        ports,
        parent,
    })
}

fn read_ports(node: &Node<'_>, faults: &mut Faults) -> Option<Vec<(String, At<u32>)>> {
    let mut fields = Fields::of(node, "`ports`", faults)?;
    let mut ports = Vec::new();
    let mut seen = BTreeSet::new();
    for (key, value) in fields.free() {
        let Some(name) = one::<Name>(key, faults) else {
            continue;
        };
        if !seen.insert(name.value.clone()) {
            faults.tell(
                "SW0138",
                name.span,
                "expected each port once, found it twice",
            );
        }
        if let Some(port) = number(value, 1..=65535, faults) {
            ports.push((name.value.to_string(), port));
        }
    }
    Some(ports)
}
