//! What is declared and not planned: why, and of which objects.
//!
//! Pure.

use crate::model::{DesiredPackage, Name, Object, Origin, PackageSelector, Subnet};

/// Why something that is declared is not planned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocked {
    /// Stable code.
    pub code: &'static str,
    /// What is blocked, such as ``site `HQ` ``.
    pub object: String,
    /// Why.
    pub reason: String,
    /// What to do.
    pub hint: String,
    /// Where it is declared.
    pub origin: Option<Origin>,
    /// The objects that it is about; none where it is about all of a kind.
    pub about: Vec<Object>,
}

/// What is blocked: in words, and by the objects that it is about.
pub(super) struct Subject {
    pub(super) text: String,
    pub(super) about: Vec<Object>,
}

impl Subject {
    pub(super) fn site(name: &Name) -> Self {
        Self {
            text: format!("site `{name}`"),
            about: vec![Object::Site(name.clone())],
        }
    }

    pub(super) fn subnet(subnet: Subnet, site: &Name) -> Self {
        Self {
            text: format!("subnet `{subnet}`"),
            about: vec![Object::Subnet(subnet), Object::Site(site.clone())],
        }
    }

    pub(super) fn server(name: &Name) -> Self {
        Self {
            text: format!("server `{name}`"),
            about: vec![Object::Server(name.clone())],
        }
    }

    pub(super) fn package(name: &Name) -> Self {
        Self {
            text: format!("package `{name}`"),
            about: vec![Object::Package(name.clone())],
        }
    }

    /// A package as it is declared, by whichever sites ask for it.
    pub(super) fn selected(package: &DesiredPackage) -> Self {
        let sites = package.sites.iter().cloned().map(Object::Site);
        let named = match &package.selector {
            PackageSelector::Name(name) => Some(Object::Package(name.clone())),
            PackageSelector::Guid(_) | PackageSelector::Match(_) | PackageSelector::Task(_) => None,
        };
        Self {
            text: format!("package `{}`", package.selector),
            about: sites.chain(named).collect(),
        }
    }

    /// The same in other words.
    pub(super) fn called(mut self, text: String) -> Self {
        self.text = text;
        self
    }

    /// About other objects as well.
    pub(super) fn and(mut self, others: impl IntoIterator<Item = Object>) -> Self {
        self.about.extend(others);
        self
    }
}

/// All of a kind.
impl From<&str> for Subject {
    fn from(kind: &str) -> Self {
        Self {
            text: kind.to_owned(),
            about: Vec::new(),
        }
    }
}
