//! What somebody asks about: an address or the name of a computer, and the computers that a name may mean.
//!
//! Pure. A text that is an IPv4 address is one; what looks like an address and is none is said to be wrong instead of
//! being looked up as a name.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::model::{Client, Computer, Guid, Name, Observed, Snapshot, Subnet, nearest};

/// An address, or the name of a computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// An address.
    Address(Ipv4Addr),
    /// A computer by its fully qualified name or its host name.
    Computer(Name),
}

/// Why what was asked for cannot be explained. Codes `SW0550` to `SW0555`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskedError {
    /// An IPv6 address.
    #[error("expected an IPv4 address or a computer, found the IPv6 address `{0}`")]
    Ipv6(String),
    /// A network instead of an address.
    #[error("expected an IPv4 address or a computer, found the network `{0}`")]
    Network(String),
    /// Neither an address nor a name.
    #[error("expected an IPv4 address or the name of a computer, found `{0}`")]
    Neither(String),
    /// Nobody has the name.
    #[error("expected a managed computer, found none with the name `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// A name that is like it.
        near: Option<String>,
    },
    /// Several have it.
    #[error("expected one computer, found {} with the name `{name}`: {}", several.len(), listed(several))]
    Several {
        /// The name.
        name: String,
        /// Their names.
        several: Vec<Name>,
    },
    /// Its inventory holds no address.
    #[error("expected the addresses of `{name}`, found none: {reason}")]
    NoAddress {
        /// The computer.
        name: Name,
        /// Why.
        reason: String,
    },
}

impl AskedError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ipv6(_) => "SW0550",
            Self::Network(_) => "SW0551",
            Self::Neither(_) => "SW0552",
            Self::Unknown { .. } => "SW0553",
            Self::Several { .. } => "SW0554",
            Self::NoAddress { .. } => "SW0555",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Ipv6(_) => {
                "sites hold IPv4 subnets only: ask for the IPv4 address of the computer".into()
            }
            Self::Network(text) => match text.split_once('/') {
                Some((address, _)) => format!("ask for one of its addresses, such as `{address}`"),
                None => "ask for one of its addresses".into(),
            },
            Self::Neither(_) => {
                "write an address like `192.168.10.101`, or a computer like `PC-17.corp.example`"
                    .into()
            }
            Self::Unknown {
                near: Some(near), ..
            } => format!("did you mean `{near}`? Or ask for its address"),
            Self::Unknown { .. } => {
                "check the spelling, and that the computer has sent inventory; or ask for its address"
                    .into()
            }
            Self::Several { .. } => "name it with its domain, or ask for its address".into(),
            Self::NoAddress { .. } => "ask for its address instead".into(),
        }
    }
}

/// At most three names, then how many more there are.
fn listed(names: &[Name]) -> String {
    let mut list: Vec<String> = names
        .iter()
        .take(3)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.len() > 3 {
        list.push(format!("{} more", names.len() - 3));
    }
    list.join(", ")
}

/// A text as a message shows it.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

impl Asked {
    /// Reads what somebody wrote.
    ///
    /// # Errors
    /// [`AskedError`] where it is neither an IPv4 address nor can be the name of a computer.
    pub fn read(text: &str) -> Result<Self, AskedError> {
        let text = text.trim();
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => return Ok(Self::Address(address)),
            Ok(IpAddr::V6(_)) => return Err(AskedError::Ipv6(short(text))),
            Err(_) => {}
        }
        if text.parse::<Subnet>().is_ok() {
            return Err(AskedError::Network(short(text)));
        }
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let numeric = text.chars().all(|c| c.is_ascii_digit() || c == '.');
        if text.is_empty() || numeric || text.chars().count() > 250 || !text.chars().all(fits) {
            return Err(AskedError::Neither(short(text)));
        }
        Ok(Self::Computer(Name::new(text)))
    }
}

/// A computer with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its GUID.
    pub guid: Guid,
    /// Its name.
    pub name: Name,
    /// Its addresses with the prefixes of their masks, sorted; at least one.
    pub addresses: Vec<(Ipv4Addr, u8)>,
}

impl Subject {
    /// A computer of which inventory was read.
    ///
    /// # Errors
    /// [`AskedError::NoAddress`] where that holds no address.
    pub fn new(guid: Guid, name: Name, addresses: Vec<(Ipv4Addr, u8)>) -> Result<Self, AskedError> {
        if addresses.is_empty() {
            return Err(AskedError::NoAddress {
                name,
                reason: "the inventory holds no address of this computer".into(),
            });
        }
        Ok(Self {
            guid,
            name,
            addresses,
        })
    }
}

/// The computers of a snapshot by name: site servers and, where they are known, clients.
#[derive(Debug)]
pub struct Directory<'a> {
    by_name: BTreeMap<Name, Vec<Listed<'a>>>,
    by_host: BTreeMap<Name, Vec<Listed<'a>>>,
    complete: bool,
}

/// A computer as the snapshot has it.
#[derive(Debug, Clone, Copy)]
enum Listed<'a> {
    Server(&'a Computer),
    Client(&'a Client),
}

impl Listed<'_> {
    fn name(&self) -> &Name {
        match self {
            Self::Server(computer) => &computer.name,
            Self::Client(client) => &client.name,
        }
    }

    fn subject(&self) -> Result<Subject, AskedError> {
        match self {
            Self::Client(client) => {
                Subject::new(client.guid, client.name.clone(), client.addresses.clone())
            }
            Self::Server(computer) => match &computer.addresses {
                Observed::Known(addresses) => Subject::new(
                    computer.guid,
                    computer.name.clone(),
                    addresses.iter().copied().collect(),
                ),
                Observed::Unavailable(reason) => Err(AskedError::NoAddress {
                    name: computer.name.clone(),
                    reason: reason.clone(),
                }),
            },
        }
    }
}

impl<'a> Directory<'a> {
    /// The name that was meant.
    fn near(&self, name: &Name) -> Option<String> {
        let names = self.by_name.keys().chain(self.by_host.keys());
        let names: Vec<&str> = names.map(Name::as_str).collect();
        nearest(name.as_str(), &names).map(ToOwned::to_owned)
    }

    /// Indexes a snapshot.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let clients = snapshot.surroundings.clients.known();
        let mut directory = Self {
            by_name: BTreeMap::new(),
            by_host: BTreeMap::new(),
            complete: clients.is_some(),
        };
        let servers = snapshot.computers.values().map(Listed::Server);
        let clients = clients.into_iter().flatten().map(Listed::Client);
        for listed in servers.chain(clients) {
            let (name, host) = (listed.name().clone(), Name::new(listed.name().host()));
            directory.by_name.entry(name).or_default().push(listed);
            directory.by_host.entry(host).or_default().push(listed);
        }
        directory
    }

    /// Whether a name that is not in here belongs to nobody.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The computer that a name means: by its fully qualified name, else by its host name.
    ///
    /// # Errors
    /// [`AskedError`] where nobody or several computers have the name, or its addresses are not known.
    pub fn find(&self, name: &Name) -> Result<Subject, AskedError> {
        let exact = self.by_name.get(name).map(Vec::as_slice);
        let by_host: Vec<Listed<'_>> = match exact {
            Some(_) => Vec::new(),
            None => self
                .by_host
                .get(&Name::new(name.host()))
                .into_iter()
                .flatten()
                .filter(|listed| name.domain().is_none() || listed.name().domain().is_none())
                .copied()
                .collect(),
        };
        match exact.unwrap_or(&by_host) {
            [] => Err(AskedError::Unknown {
                name: name.to_string(),
                near: self.near(name),
            }),
            [one] => one.subject(),
            several => {
                let mut names: Vec<Name> = several.iter().map(|one| one.name().clone()).collect();
                names.sort();
                Err(AskedError::Several {
                    name: name.to_string(),
                    several: names,
                })
            }
        }
    }
}
