//! The values of a file → every place at which a server is named.
//!
//! Pure. Only documents for the chosen platform count: a server of the same name at another SMP is another one.

use std::ops::Range;

use crate::manifest::scan::{Node, Scan};
use crate::model::Name;

/// A place at which a server is named.
#[derive(Debug, Clone)]
pub(super) struct Place<'n> {
    /// What is said there.
    pub(super) name: Name,
    /// The scalar or alias that says it.
    pub(super) node: &'n Node,
    /// What kind of place it is.
    pub(super) site: Standing<'n>,
    /// The position of its document in the file.
    pub(super) document: usize,
}

/// How a server stands at a place.
#[derive(Debug, Clone)]
pub(super) enum Standing<'n> {
    /// As an item of a list, by itself or with its roles.
    Listed {
        /// The list.
        list: &'n Node,
        /// The item's position.
        index: usize,
    },
    /// As the one server of a field: the capture target.
    Alone,
    /// As the name of its own document.
    Document,
}

impl Place<'_> {
    /// The bytes of the list that the place is in.
    pub(super) fn list(&self) -> Option<Range<usize>> {
        match &self.site {
            Standing::Listed { list, .. } => Some(list.range.clone()),
            Standing::Alone | Standing::Document => None,
        }
    }
}

/// Finds the places of a file in the order of its text.
pub(super) fn places<'n>(scan: &'n Scan, platform: Option<&Name>) -> Vec<Place<'n>> {
    let mut finder = Finder {
        scan,
        document: 0,
        found: Vec::new(),
    };
    for (document, root) in scan.roots.iter().enumerate() {
        finder.document = document;
        finder.document(root, platform);
    }
    // A list that several aliases stand for is one place.
    let mut found = finder.found;
    found.sort_by_key(|place| (place.node.range.start, place.node.range.end));
    found.dedup_by_key(|place| place.node.range.clone());
    found
}

struct Finder<'n> {
    scan: &'n Scan,
    document: usize,
    found: Vec<Place<'n>>,
}

impl<'n> Finder<'n> {
    fn document(&mut self, root: &'n Node, platform: Option<&Name>) {
        let scan = self.scan;
        let kind = scan.get(root, "kind").and_then(|node| scan.text(node));
        let metadata = scan.get(root, "metadata");
        let name = metadata.and_then(|metadata| scan.get(metadata, "name"));
        let said = metadata
            .and_then(|metadata| scan.get(metadata, "platform"))
            .or(name.filter(|_| kind == Some("PlatformSettings")))
            .and_then(|node| scan.text(node));
        if let (Some(platform), Some(said)) = (platform, said)
            && Name::new(said) != *platform
        {
            return;
        }
        let Some(spec) = scan.get(root, "spec") else {
            return;
        };
        match kind {
            Some("Site" | "DeploymentSite") => {
                self.listed(scan.get(spec, "servers"), true);
                let imaging = scan.get(spec, "imaging");
                if let Some(imaging) = imaging {
                    self.one(scan.get(imaging, "captureTarget"), Standing::Alone);
                    let packages = scan.get(imaging, "packages");
                    for package in packages.into_iter().flat_map(|list| scan.items(list)) {
                        self.listed(scan.get(package, "servers"), false);
                    }
                }
            }
            Some("SiteServer") => self.one(name, Standing::Document),
            Some("Package") => {
                let assignment = scan.get(spec, "assignment");
                self.listed(
                    assignment.and_then(|assignment| scan.get(assignment, "servers")),
                    false,
                );
            }
            Some("PlatformSettings") => {
                self.one(scan.get(spec, "captureTarget"), Standing::Alone);
            }
            _ => {}
        }
    }

    fn listed(&mut self, list: Option<&'n Node>, with_roles: bool) {
        let Some(list) = list.map(|list| self.scan.resolve(list)) else {
            return;
        };
        for (index, item) in self.scan.items(list).iter().enumerate() {
            let name = if with_roles {
                self.scan.get(item, "name")
            } else {
                Some(item)
            };
            self.one(name, Standing::Listed { list, index });
        }
    }

    fn one(&mut self, node: Option<&'n Node>, site: Standing<'n>) {
        let Some(node) = node else {
            return;
        };
        if let Some(text) = self.scan.text(node) {
            self.found.push(Place {
                name: Name::new(text),
                node,
                site,
                document: self.document,
            });
        }
    }
}
