//! Sources × a change that the world made → sources that declare it, with every other byte as it was.
//!
//! Pure. One change at a time. What comes out is read again and must mean what the old sources mean with that change and
//! nothing else; what cannot be written so is refused with the reason.

use std::collections::BTreeSet;

use serde_saphyr::granit_parser::ScalarStyle;

use super::layout::{Edit, Layout, edited};
use super::meaning::{bare, nowhere};
use super::rewrite::in_flow;
use crate::export::scalar;
use crate::manifest::scan::{Node, Scan, Value};
use crate::manifest::{self, Source};
use crate::model::{Declared, Desired, DesiredAssignment, Name, PackageSelector, Subnet};

/// A field that is to be declared as the world has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept<'a> {
    /// The description of a site.
    Description {
        /// Which site.
        site: &'a Name,
        /// What it is.
        text: &'a str,
    },
    /// Constrain to Site.
    Constrain {
        /// Which site.
        site: &'a Name,
        /// Whether it is on.
        on: bool,
    },
    /// A server that is, or is no longer, assigned to a site.
    Server {
        /// Which site.
        site: &'a Name,
        /// Which server.
        server: &'a Name,
        /// Whether it is.
        there: bool,
    },
    /// The site of a subnet.
    Subnet {
        /// Which subnet.
        subnet: Subnet,
        /// The site that it is in, where that one is declared.
        site: Option<&'a Name>,
    },
    /// The assignment of a package with a document of its own.
    Package {
        /// Which package.
        package: &'a Name,
        /// The assignment.
        assignment: &'a DesiredAssignment,
    },
    /// Where captured images go.
    CaptureTarget {
        /// The server.
        server: &'a Name,
    },
}

/// Why a change is not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No file says it in a way that can be changed.
    #[error("no file declares it in a place that can be rewritten")]
    Nowhere,
    /// It is written in a way that the change does not fit.
    #[error("it is written in a way that cannot be rewritten: {0}")]
    Unfit(&'static str),
    /// Something else would change, too.
    #[error("something else would change with it: {0}")]
    Unsafe(String),
}

/// Writes a change into sources that are read without a fault; gives all of them back.
///
/// # Errors
/// [`Refused`]: then nothing is to be written.
pub fn accept(
    sources: &[Source],
    asked: Accept<'_>,
    platform: Option<&Name>,
) -> Result<Vec<Source>, Refused> {
    let scans: Vec<Scan> = sources
        .iter()
        .map(|source| Scan::of(&source.text).unwrap_or_default())
        .collect();
    let mut written = Vec::new();
    let mut changed = false;
    for (source, scan) in sources.iter().zip(&scans) {
        let file = File {
            layout: Layout {
                text: &source.text,
                scan,
            },
            scan,
            platform,
        };
        let edits = file.edits(asked)?;
        if edits.is_empty() {
            written.push(source.clone());
            continue;
        }
        changed = true;
        let text = edited(&source.text, edits).ok_or(Refused::Unfit("two changes overlap"))?;
        written.push(Source::new(&source.name, &text));
    }
    if !changed {
        return Err(Refused::Nowhere);
    }
    check(sources, &written, asked, platform)?;
    Ok(written)
}

/// One file.
struct File<'s> {
    layout: Layout<'s>,
    scan: &'s Scan,
    platform: Option<&'s Name>,
}

impl File<'_> {
    fn edits(&self, asked: Accept<'_>) -> Result<Vec<Edit>, Refused> {
        let mut edits = Vec::new();
        for root in &self.scan.roots {
            let Some((kind, name, spec)) = self.document(root) else {
                continue;
            };
            let of_site = matches!(kind, "Site" | "DeploymentSite");
            let is = |site: &Name| of_site && name.as_ref() == Some(site);
            match asked {
                Accept::Description { site, text } if is(site) => {
                    edits.push(self.scalar(self.scan.get(spec, "description"), text)?);
                }
                Accept::Constrain { site, on } if is(site) => {
                    let node = self
                        .scan
                        .get(spec, "constrainToSite")
                        .ok_or(Refused::Nowhere)?;
                    edits.push(self.instead(node, if on { "true" } else { "false" })?);
                }
                Accept::Server {
                    site,
                    server,
                    there,
                } if is(site) => {
                    edits.extend(self.server(spec, server, there)?);
                }
                Accept::Subnet { subnet, site } if of_site => {
                    let to = site.is_some() && name.as_ref() == site;
                    edits.extend(self.subnet(spec, subnet, to)?);
                }
                Accept::Package {
                    package,
                    assignment,
                } if kind == "Package" && name.as_ref() == Some(package) => {
                    let node = self.scan.get(spec, "assignment").ok_or(Refused::Nowhere)?;
                    edits.push(self.instead(node, &written(assignment))?);
                }
                Accept::CaptureTarget { server } => {
                    let holder = if of_site {
                        self.scan.get(spec, "imaging")
                    } else {
                        Some(spec)
                    };
                    let settings = of_site || kind == "PlatformSettings";
                    let node = holder
                        .filter(|_| settings)
                        .and_then(|holder| self.scan.get(holder, "captureTarget"));
                    if node.is_some() {
                        edits.push(self.scalar(node, server.as_str())?);
                    }
                }
                _ => {}
            }
        }
        Ok(edits)
    }

    /// What a document is about, where it is for the platform at hand.
    fn document<'n>(&'n self, root: &'n Node) -> Option<(&'n str, Option<Name>, &'n Node)> {
        let scan = self.scan;
        let kind = scan.text(scan.get(root, "kind")?)?;
        let metadata = scan.get(root, "metadata");
        let text = |field: &str| {
            let node = metadata.and_then(|metadata| scan.get(metadata, field));
            node.and_then(|node| scan.text(node)).map(Name::new)
        };
        let name = text("name");
        let settings = name.clone().filter(|_| kind == "PlatformSettings");
        if let (Some(platform), Some(said)) = (self.platform, text("platform").or(settings))
            && said != *platform
        {
            return None;
        }
        Some((kind, name, scan.get(root, "spec")?))
    }

    /// Another text in the place of a scalar.
    fn scalar(&self, node: Option<&Node>, text: &str) -> Result<Edit, Refused> {
        let node = node.ok_or(Refused::Nowhere)?;
        let Value::Scalar { text: _, style } = &node.value else {
            return Err(Refused::Unfit("it is an alias"));
        };
        let quoted = || serde_json::to_string(text).unwrap_or_default();
        let special = in_flow(self.scan, node) && text.contains([',', '[', ']', '{', '}']);
        let with = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                return Err(Refused::Unfit("it is a block of lines"));
            }
            ScalarStyle::DoubleQuoted => quoted(),
            _ if special => quoted(),
            _ => scalar(text),
        };
        self.instead(node, &with)
    }

    /// Something else in the place of a value.
    fn instead(&self, node: &Node, with: &str) -> Result<Edit, Refused> {
        if matches!(node.value, Value::Alias(_)) {
            return Err(Refused::Unfit("it is an alias"));
        }
        let text = self.layout.text.get(node.range.clone()).unwrap_or_default();
        let range = node.range.start..node.range.start + text.trim_end().len();
        let inside = |comment: &&std::ops::Range<usize>| {
            !comment.is_empty() && range.contains(&comment.start)
        };
        if self.scan.comments.iter().any(|comment| inside(&comment)) {
            return Err(Refused::Unfit("it has comments inside"));
        }
        Ok(Edit {
            range,
            with: with.to_owned(),
        })
    }

    fn server(&self, spec: &Node, server: &Name, there: bool) -> Result<Vec<Edit>, Refused> {
        let list = self.scan.get(spec, "servers").ok_or(Refused::Nowhere)?;
        let named = |item: &Node| {
            let node = self.scan.get(item, "name").unwrap_or(item);
            self.scan
                .text(node)
                .is_some_and(|text| Name::new(text).names_same(server))
        };
        if there {
            let name = in_list(server.as_str());
            self.put(list, &format!("{{ name: {name} }}"))
        } else {
            self.take(list, named)
        }
    }

    fn subnet(&self, spec: &Node, subnet: Subnet, to: bool) -> Result<Vec<Edit>, Refused> {
        let Some(list) = self.scan.get(spec, "subnets") else {
            return if to {
                Err(Refused::Nowhere)
            } else {
                Ok(Vec::new())
            };
        };
        let named = |item: &Node| {
            self.scan
                .text(item)
                .is_some_and(|text| text.parse() == Ok(subnet))
        };
        let there = self.scan.items(list).iter().any(named);
        match (to, there) {
            (true, false) => self.put(list, &subnet.to_string()),
            (false, true) => self.take(list, named),
            (true, true) | (false, false) => Ok(Vec::new()),
        }
    }

    /// Puts an item at the end of a list.
    fn put(&self, list: &Node, item: &str) -> Result<Vec<Edit>, Refused> {
        let unfit = Refused::Unfit("its list lies in no way that is known here");
        let Value::List { flow, items } = &list.value else {
            return Err(unfit);
        };
        let Some(end) = items.last() else {
            return Ok(vec![self.instead(list, &format!("[{item}]"))?]);
        };
        let edit = self.layout.put_item(end, *flow, item).ok_or(unfit)?;
        Ok(vec![edit])
    }

    /// Takes the items out that are meant.
    fn take(&self, list: &Node, named: impl Fn(&Node) -> bool) -> Result<Vec<Edit>, Refused> {
        let unfit = Refused::Unfit("its list lies in no way that is known here");
        let Value::List { flow, items } = &list.value else {
            return Err(unfit);
        };
        let gone: Vec<&Node> = items.iter().filter(|item| named(item)).collect();
        if gone.len() == items.len() && !gone.is_empty() {
            let emptied = if *flow {
                self.layout.empty_flow(list).map(|edit| vec![edit])
            } else {
                self.layout.empty(list)
            };
            return emptied.ok_or(unfit);
        }
        let mut edits = Vec::new();
        for item in gone {
            edits.extend(
                self.layout
                    .take_out(item, *flow)
                    .ok_or_else(|| unfit.clone())?,
            );
        }
        Ok(edits)
    }
}

/// A name as it stands inside brackets.
fn in_list(name: &str) -> String {
    if name.contains([',', '[', ']', '{', '}']) {
        serde_json::to_string(name).unwrap_or_default()
    } else {
        scalar(name)
    }
}

fn written(assignment: &DesiredAssignment) -> String {
    let listed = |names: &BTreeSet<Name>| {
        let names: Vec<String> = names.iter().map(|name| in_list(name.as_str())).collect();
        names.join(", ")
    };
    match assignment {
        DesiredAssignment::All => "all".to_owned(),
        DesiredAssignment::Servers(servers) => format!("{{ servers: [{}] }}", listed(servers)),
        DesiredAssignment::Sites { sites, automatic } => format!(
            "{{ sites: [{}]{} }}",
            listed(sites),
            if *automatic { ", automatic: true" } else { "" }
        ),
    }
}

/// Reads both again: they must mean the same but for the change.
fn check(
    before: &[Source],
    after: &[Source],
    asked: Accept<'_>,
    platform: Option<&Name>,
) -> Result<(), Refused> {
    let read = |sources: &[Source]| -> Result<Desired, Refused> {
        let read = manifest::read(sources);
        if let Some(fault) = read.diagnostics.first() {
            return Err(Refused::Unsafe(fault.to_string()));
        }
        manifest::desired(&read.documents, platform).map_err(|faults| {
            Refused::Unsafe(faults.first().map(ToString::to_string).unwrap_or_default())
        })
    };
    let nobody = Name::new("\u{0}");
    let mut meant = bare(read(before)?, &nobody, &nobody);
    let mut found = bare(read(after)?, &nobody, &nobody);
    mean(&mut meant, asked);
    if let Accept::Server { server, .. } = asked {
        // Roles that are declared beside the assignment come and go with it.
        for desired in [&mut meant, &mut found] {
            desired.servers.retain(|name, _| !name.names_same(server));
        }
    }
    if meant == found {
        return Ok(());
    }
    let what = if meant.sites != found.sites {
        "a site would become another one"
    } else if meant.packages != found.packages {
        "a package would be assigned otherwise"
    } else {
        "servers or settings would become others"
    };
    Err(Refused::Unsafe(what.to_owned()))
}

/// What declarations without places are to mean.
fn mean(desired: &mut Desired, asked: Accept<'_>) {
    match asked {
        Accept::Description { site, text } => {
            if let Some(said) = desired
                .sites
                .get_mut(site)
                .and_then(|site| site.description.as_mut())
            {
                text.clone_into(&mut said.value);
            }
        }
        Accept::Constrain { site, on } => {
            if let Some(said) = desired
                .sites
                .get_mut(site)
                .and_then(|site| site.constrain.as_mut())
            {
                said.value = on;
            }
        }
        Accept::Server {
            site,
            server,
            there,
        } => {
            let servers = desired
                .sites
                .get_mut(site)
                .and_then(|site| site.servers.as_mut());
            if let Some(servers) = servers {
                servers.retain(|name, _| !name.names_same(server));
                if there {
                    servers.insert(server.clone(), nowhere());
                }
            }
        }
        Accept::Subnet { subnet, site } => {
            for (name, of) in &mut desired.sites {
                if let Some(subnets) = &mut of.subnets {
                    subnets.remove(&subnet);
                    if site == Some(name) {
                        subnets.insert(subnet, nowhere());
                    }
                }
            }
        }
        Accept::Package {
            package,
            assignment,
        } => {
            let selector = PackageSelector::Name(package.clone());
            if let Some(of) = desired.packages.get_mut(&selector) {
                of.assignment = assignment.clone();
            }
        }
        Accept::CaptureTarget { server } => {
            if let Some(Declared { value, origin: _ }) = &mut desired.settings.capture_target {
                *value = server.clone();
            }
        }
    }
}
