//! The ports of each role, each with its source.
//!
//! Pure. Where the sources name a port and not who opens the connection, the direction is our reading and its
//! constant says so.

use std::collections::BTreeMap;
use std::fmt;

/// TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Protocol {
    /// `tcp` or `udp`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Who says that a port is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// "Required communication ports" of the article.
    Article431459,
    /// The vendor's documentation of ports.
    Vendor,
    /// Nothing of the product: DHCP, TFTP and PXE as everywhere.
    OrdinaryPxe,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Article431459 => "article 431459",
            Self::Vendor => "vendor's manual",
            Self::OrdinaryPxe => "ordinary PXE",
        })
    }
}

/// Ports from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last, which may be the same.
    pub last: u16,
}

impl Ports {
    pub(super) const fn one(port: u16) -> Self {
        Self {
            first: port,
            last: port,
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// What is opened for one purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) protocol: Protocol,
    pub(super) ports: Vec<Ports>,
    pub(super) purpose: &'static str,
    pub(super) source: Source,
}

impl Opening {
    fn new(protocol: Protocol, ports: &[u16], purpose: &'static str, source: Source) -> Self {
        let mut ports: Vec<Ports> = ports.iter().map(|port| Ports::one(*port)).collect();
        ports.dedup();
        Self {
            protocol,
            ports,
            purpose,
            source,
        }
    }
}

/// Multicast imaging, sample of the Deployment Solution manual: 224.2.0.5 to 224.2.0.20.
pub(super) const IMAGING_GROUPS: &str = "224.2.0.5-224.2.0.20";
/// The group of wake-on-LAN is a setting of the agent, so that any may be meant.
pub(super) const ANY_GROUP: &str = "224.0.0.0-239.255.255.255";

/// The ports of one platform: what it declares under `ports`, else what the product has by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    http: u16,
    https: u16,
    task_server: u16,
}

impl Numbers {
    /// Reads `PlatformSettings.ports`: `http`, `https` and `taskServer`, whatever their case.
    pub(super) fn of(declared: &BTreeMap<String, u16>) -> Self {
        let port = |name: &str, default| {
            declared
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map_or(default, |(_, port)| *port)
        };
        Self {
            http: port("http", 80),
            https: port("https", 443),
            // The port can be changed: article 178338.
            task_server: port("taskServer", 12101),
        }
    }

    /// Clients to the SMP: policies, events, downloads.
    ///
    /// Source: "Required communication ports" (article 431459).
    pub(super) fn platform(self) -> Opening {
        let ports = [self.http, self.https];
        Opening::new(
            Protocol::Tcp,
            &ports,
            "SMP: policies, events, packages",
            Source::Article431459,
        )
    }

    /// Clients to package servers: HTTP or HTTPS. Downloads from a share are not among the ports that the article
    /// wants open.
    ///
    /// Source: the vendor's documentation of ports.
    pub(super) fn packages(self) -> Opening {
        let ports = [self.http, self.https];
        Opening::new(Protocol::Tcp, &ports, "packages", Source::Vendor)
    }

    /// Clients to task servers and to the SMP.
    ///
    /// Source: "12101 (Task Server)" (article 431459).
    pub(super) fn tasks(self) -> Opening {
        let ports = [self.task_server];
        Opening::new(Protocol::Tcp, &ports, "tasks", Source::Article431459)
    }
}

/// Agents and their task server. That the agent opens the connection, and keeps it, is our reading; where it is
/// closed, agents ask for tasks every 30 minutes.
///
/// Source: task servers use 50124 to tickle client task agents (vendor's documentation).
pub(super) fn agent_tickle() -> Opening {
    let purpose = "tickle: tasks at once";
    Opening::new(Protocol::Tcp, &[50124], purpose, Source::Vendor)
}

/// Task servers and the SMP: no client needs it, but without it the task server of the site hears of no task. That
/// the task server opens the connection is our reading.
///
/// Source: the SMP's tickle server uses 50123 for task servers (vendor's documentation).
pub(super) fn server_tickle() -> Opening {
    let purpose = "tickle of the task server";
    Opening::new(Protocol::Tcp, &[50123], purpose, Source::Vendor)
}

/// Clients to network boot servers: proxy DHCP (67), TFTP (69) and the boot server's own port (4011).
///
/// Source: none of the product's; RFC 2131, RFC 1350 and the PXE specification.
pub(super) fn boot_requests() -> [Opening; 3] {
    [
        Opening::new(
            Protocol::Udp,
            &[67],
            "PXE: DHCP request",
            Source::OrdinaryPxe,
        ),
        Opening::new(
            Protocol::Udp,
            &[69],
            "PXE: boot files by TFTP",
            Source::OrdinaryPxe,
        ),
        Opening::new(
            Protocol::Udp,
            &[4011],
            "PXE: boot server",
            Source::OrdinaryPxe,
        ),
    ]
}

/// Network boot servers to clients: the DHCP offer.
///
/// Source: RFC 2131.
pub(super) fn boot_answers() -> Opening {
    let purpose = "PXE: DHCP offer";
    Opening::new(Protocol::Udp, &[68], purpose, Source::OrdinaryPxe)
}

/// One image to many clients, sent by a client or by the server.
///
/// Source: multicast sample of the Deployment Solution manual.
pub(super) fn imaging_multicast() -> Opening {
    Opening {
        protocol: Protocol::Udp,
        ports: vec![Ports {
            first: 402,
            last: 409,
        }],
        purpose: "multicast imaging",
        source: Source::Vendor,
    }
}

/// The SMP to agents, which wake their neighbours.
///
/// Source: wake-on-LAN and power management use 52028 (vendor's documentation).
pub(super) fn wake() -> Opening {
    let purpose = "wake-on-LAN";
    Opening::new(Protocol::Tcp, &[52028], purpose, Source::Vendor)
}

/// The same by multicast (52029), and packages by multicast (52030).
///
/// Source: vendor's documentation.
pub(super) fn wake_multicast() -> Opening {
    Opening {
        protocol: Protocol::Udp,
        ports: vec![Ports {
            first: 52029,
            last: 52030,
        }],
        purpose: "wake-on-LAN, multicast",
        source: Source::Vendor,
    }
}
