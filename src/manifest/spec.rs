//! The language: what each kind of document may hold.
//!
//! Pure data. The JSON Schema is derived from these structs and the reader fills them, so that the two cannot speak
//! of different fields; tests hold both to the same files.

use schemars::JsonSchema;

use super::decode::{At, Description, Expression, listed, nearest, short};
use super::tree::Span;
use crate::model::{Guid, Ignorable, Name, Role, Subnet};

/// What identifies a document.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Metadata {
    /// The name, 1 to 250 characters, compared without regard to case.
    pub(super) name: At<Name>,
    /// The platform of the workspace that the document is for. May be left out where the workspace has one platform.
    pub(super) platform: Option<At<Name>>,
}

/// What identifies a site, and how it is protected.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the schema is derived from it")]
pub(super) struct SiteMetadata {
    /// The name of the site, 1 to 250 characters, compared without regard to case.
    name: At<Name>,
    /// The platform of the workspace that the document is for. May be left out where the workspace has one platform.
    platform: Option<At<Name>>,
    /// Names that the site had before: a site on the SMP that is still called so is this one.
    formerly: Option<Vec<At<Name>>>,
    /// Protection against deletion, and fields whose changes are overlooked.
    lifecycle: Option<LifecycleSpec>,
}

/// Protection against deletion, and fields whose changes are overlooked.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LifecycleSpec {
    /// Whether the site may never be deleted, also once its declaration is gone.
    pub(super) prevent_destroy: Option<At<bool>>,
    /// Fields that are set when the site is created and left alone afterwards.
    pub(super) ignore_changes: Option<Vec<At<IgnorableSpec>>>,
}

/// A field of a site whose changes may be overlooked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(super) enum IgnorableSpec {
    /// The description.
    Description,
    /// The list of subnets.
    Subnets,
    /// The list of manually assigned servers.
    Servers,
    /// Constrain to Site.
    ConstrainToSite,
}

impl IgnorableSpec {
    const ALL: [(&'static str, Self, Ignorable); 4] = [
        ("description", Self::Description, Ignorable::Description),
        ("subnets", Self::Subnets, Ignorable::Subnets),
        ("servers", Self::Servers, Ignorable::Servers),
        (
            "constrainToSite",
            Self::ConstrainToSite,
            Ignorable::ConstrainToSite,
        ),
    ];

    pub(super) fn ignorable(self) -> Ignorable {
        match self {
            Self::Description => Ignorable::Description,
            Self::Subnets => Ignorable::Subnets,
            Self::Servers => Ignorable::Servers,
            Self::ConstrainToSite => Ignorable::ConstrainToSite,
        }
    }
}

impl super::decode::Written for IgnorableSpec {
    const EXPECTED: &'static str = "the name of a field";
    const CODE: &'static str = "SW0126";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        if let Some((_, value, _)) = Self::ALL.iter().find(|(name, ..)| *name == text) {
            return Ok(*value);
        }
        let known = Self::ALL.map(|(name, ..)| name);
        let elsewhere = match text {
            "imaging" | "captureTarget" | "deployTasks" | "packages" => {
                Some("a package and the settings of the SMP")
            }
            "roles" => Some("a server"),
            _ => None,
        };
        let hint = match elsewhere {
            Some(owner) => Some(format!(
                "it belongs to {owner}, not to the site: leave it out where it is not to be managed"
            )),
            None => nearest(text, &known).map(|right| format!("did you mean `{right}`?")),
        };
        let message = format!(
            "expected one of the fields {}, found `{}`",
            listed(&known),
            short(text)
        );
        Err((message, hint))
    }
}

/// An ordinary site. A field left out is not managed; an empty list means none.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SiteSpec {
    /// The description of the site, up to 4,000 characters.
    pub(super) description: Option<At<Description>>,
    /// The IPv4 networks that belong to the site, exactly: `network/prefix`, prefixes 1 to 32.
    pub(super) subnets: Option<Vec<At<Subnet>>>,
    /// Constrain to Site: clients of the site use its servers only, and its servers serve no other site.
    pub(super) constrain_to_site: Option<At<bool>>,
    /// The servers that are assigned to the site manually, exactly. Automatic members are never declared.
    pub(super) servers: Option<Vec<ServerSpec>>,
}

/// A site that serves imaging only. A field left out is not managed; an empty list means none.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the schema is derived from it")]
pub(super) struct DeploymentSiteSpec {
    /// The description of the site, up to 4,000 characters.
    description: Option<At<Description>>,
    /// The IPv4 networks that belong to the site, exactly: `network/prefix`, prefixes 1 to 32.
    subnets: Option<Vec<At<Subnet>>>,
    /// Constrain to Site: clients of the site use its servers only, and its servers serve no other site.
    constrain_to_site: Option<At<bool>>,
    /// The servers that are assigned to the site manually, exactly. Automatic members are never declared.
    servers: Option<Vec<ServerSpec>>,
    /// What the site needs for imaging: shorthand for packages and platform settings.
    imaging: Option<ImagingSpec>,
}

/// A server of a site: an existing managed computer, which is never created.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ServerSpec {
    /// The fully qualified name, or the host name where that is unique.
    pub(super) name: At<Name>,
    /// The roles that the server must have. A role that is not named is left alone; left out, roles are not managed.
    pub(super) roles: Option<Vec<At<Role>>>,
}

/// What a site needs for imaging: shorthand for packages and platform settings.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImagingSpec {
    /// The package server that receives captured images (DS Global Settings, Default Target): one for the platform.
    pub(super) capture_target: Option<At<Name>>,
    /// Names of Deploy Image tasks: the packages that they use are assigned to the package servers of this site.
    pub(super) deploy_tasks: Option<Vec<At<Name>>>,
    /// Packages that package servers of this site must hold.
    pub(super) packages: Option<Vec<PinSpec>>,
}

/// A package that package servers of a site must hold, found by exactly one of `name`, `guid` and `match`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["name"]}, {"required": ["guid"]}, {"required": ["match"]}]))]
pub(super) struct PinSpec {
    /// The package's exact name, without regard to case.
    pub(super) name: Option<At<Name>>,
    /// The package's GUID.
    pub(super) guid: Option<At<Guid>>,
    /// A pattern with `*` and `?`, expanded in the plan.
    pub(super) r#match: Option<At<Name>>,
    /// The package servers; left out, the declared servers of this site with role `package`.
    pub(super) servers: Option<Vec<At<Name>>>,
    /// Where the item begins.
    #[schemars(skip)]
    pub(super) span: Option<Span>,
}

/// The roles of a server, whichever sites it serves.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SiteServerSpec {
    /// The roles that the server must have. A role that is not named is left alone.
    pub(super) roles: Vec<At<Role>>,
}

/// A package and the package servers that it is assigned to.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PackageSpec {
    /// The package's GUID, where its name is not unique; then `metadata.name` is only for people.
    pub(super) guid: Option<At<Guid>>,
    /// What the package is assigned to.
    pub(super) assignment: AssignmentSpec,
}

/// What a package is assigned to.
#[derive(Debug, Clone)]
pub(super) enum AssignmentSpec {
    All(Span),
    Servers(Vec<At<Name>>, Span),
    Sites {
        sites: Vec<At<Name>>,
        automatic: Option<At<bool>>,
        span: Span,
    },
}

impl JsonSchema for AssignmentSpec {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Assignment".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let name = generator.subschema_for::<Name>();
        schemars::json_schema!({
            "oneOf": [
                { "const": "all", "description": "All package servers." },
                {
                    "type": "object",
                    "description": "These package servers.",
                    "properties": {
                        "servers": { "type": "array", "items": name, "description": "The package servers, by name." }
                    },
                    "required": ["servers"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "description": "The package servers of these sites.",
                    "properties": {
                        "sites": { "type": "array", "items": name, "description": "The sites, by name." },
                        "automatic": {
                            "type": "boolean",
                            "default": false,
                            "description": "Whether the SMP may choose package servers of the sites automatically."
                        }
                    },
                    "required": ["sites"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// What is global to one SMP.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PlatformSettingsSpec {
    /// The package server that receives captured images: DS Global Settings, Default Target.
    pub(super) capture_target: Option<At<Name>>,
    /// The regular expression of the core setting `InvalidSubnets`: subnets that clients report and the SMP overlooks.
    pub(super) invalid_subnets: Option<At<Expression>>,
    /// Ports by name, facts that are never compared or written: port numbers from 1 to 65535.
    #[schemars(with = "Option<std::collections::BTreeMap<String, Port>>")]
    pub(super) ports: Option<Vec<(String, At<u32>)>>,
    /// The SMP that is, or is to become, the parent in a hierarchy; `null` for none. A fact for the checks, never written.
    #[schemars(schema_with = "name_or_null", default)]
    pub(super) parent: Option<At<Name>>,
}

/// The one field that may be null: that there is no parent can be said.
fn name_or_null(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let name = generator.subschema_for::<Name>();
    schemars::json_schema!({ "anyOf": [name, { "const": null }] })
}

/// A TCP port.
#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "the schema is derived from it")]
pub(super) struct Port(#[schemars(range(min = 1, max = 65535))] u16);

impl PinSpec {
    /// What selects the package.
    pub(super) fn selector(&self) -> Option<crate::model::PackageSelector> {
        use crate::model::PackageSelector;
        let Self {
            name,
            guid,
            r#match,
            servers: _,
            span: _,
        } = self;
        if let Some(name) = name {
            return Some(PackageSelector::Name(name.value.clone()));
        }
        if let Some(guid) = guid {
            return Some(PackageSelector::Guid(guid.value));
        }
        r#match
            .as_ref()
            .map(|pattern| PackageSelector::Match(pattern.value.clone()))
    }
}
