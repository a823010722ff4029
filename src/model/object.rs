//! Objects by the names that people give them: `Site/HQ`, `Subnet/10.0.0.0/24`.
//!
//! Pure. What is global to an SMP is one object, however it is called.

use std::fmt;
use std::str::FromStr;

use super::{Name, Subnet, nearest};

/// An object as the manifests and the list of changes name it: `Site/HQ`, `Subnet/10.0.0.0/24`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A site of either kind: its description, its setting, its servers and the subnets that it gains.
    Site(Name),
    /// A subnet.
    Subnet(Subnet),
    /// The roles and plug-ins of a server.
    Server(Name),
    /// The assignment of a package.
    Package(Name),
    /// What is global to the SMP, by any name of it.
    Settings(Name),
}

/// Why a text names no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// There is no kind, or none that is known.
    #[error(
        "expected KIND/NAME with one of Site, DeploymentSite, Subnet, SiteServer, Package and PlatformSettings, found `{0}`{near}",
        near = meant(.0)
    )]
    Kind(String),
    /// There is nothing after the kind.
    #[error("expected a name after `{0}/`, found nothing")]
    NoName(String),
    /// The name of a subnet is none.
    #[error(transparent)]
    Subnet(#[from] super::SubnetError),
}

/// The object that was meant where its kind is misspelt.
fn meant(text: &str) -> String {
    const KINDS: [&str; 6] = [
        "Site",
        "DeploymentSite",
        "Subnet",
        "SiteServer",
        "Package",
        "PlatformSettings",
    ];
    text.split_once('/')
        .and_then(|(kind, name)| {
            Some(format!(
                ": did you mean `{}/{name}`?",
                nearest(kind, &KINDS)?
            ))
        })
        .unwrap_or_default()
}

impl FromStr for Object {
    type Err = ObjectError;

    fn from_str(text: &str) -> Result<Self, ObjectError> {
        let unknown = || ObjectError::Kind(text.to_owned());
        let (kind, name) = text.split_once('/').ok_or_else(unknown)?;
        if name.trim().is_empty() {
            return Err(ObjectError::NoName(kind.to_owned()));
        }
        Ok(match kind.to_lowercase().as_str() {
            "site" | "deploymentsite" => Self::Site(Name::new(name)),
            "subnet" => Self::Subnet(name.parse()?),
            "siteserver" => Self::Server(Name::new(name)),
            "package" => Self::Package(Name::new(name)),
            "platformsettings" => Self::Settings(Name::new(name)),
            _ => return Err(unknown()),
        })
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site(name) => write!(f, "Site/{name}"),
            Self::Subnet(subnet) => write!(f, "Subnet/{subnet}"),
            Self::Server(name) => write!(f, "SiteServer/{name}"),
            Self::Package(name) => write!(f, "Package/{name}"),
            Self::Settings(name) => write!(f, "PlatformSettings/{name}"),
        }
    }
}

impl Object {
    /// Whether both name the same. A server may be named by its host name.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Server(one), Self::Server(other)) => one.names_same(other),
            // There is one of them, however it is called.
            (Self::Settings(_), Self::Settings(_)) => true,
            (one, other) => one == other,
        }
    }
}
