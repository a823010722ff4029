//! IPv4 subnets as the SMP keys them: `a.b.c.d/nn`, prefixes 1 to 32.
//!
//! Pure. A [`Subnet`] has no host bits; what a person may get wrong when writing one is told apart in [`SubnetError`].

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An IPv4 network without host bits, prefix 1 to 32. Ordered by network, then from the outer to the inner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    network: u32,
    prefix: u8,
}

/// Why a text is no subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubnetError {
    /// No `/`.
    #[error("expected `network/prefix` such as `192.168.10.0/24`, found `{0}`")]
    NoPrefix(String),
    /// The address is not four numbers from 0 to 255.
    #[error("expected four numbers from 0 to 255, found `{0}`")]
    Address(String),
    /// A number starts with 0: some programs read that as octal.
    #[error(
        "expected numbers without leading zeros, found `{0}`, which some programs read as octal"
    )]
    Octal(String),
    /// Outside 1 to 32, or no number.
    #[error("expected a prefix from 1 to 32, which is what the SMP handles, found `/{0}`")]
    Prefix(String),
    /// Bits outside the prefix are set.
    #[error("expected the network `{network}`, found `{found}`, which has host bits set")]
    HostBits {
        /// The network that was meant.
        network: Subnet,
        /// What was written.
        found: String,
    },
    /// An IPv6 network.
    #[error("expected an IPv4 network, found `{0}`: the SMP handles IPv4 prefixes 1 to 32 only")]
    Ipv6(String),
}

impl Subnet {
    /// Makes a subnet of an address and a prefix; host bits are cut off.
    ///
    /// `None` where the prefix is not 1 to 32.
    #[must_use]
    pub fn containing(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        (1..=32).contains(&prefix).then(|| Self {
            network: u32::from(address) & (u32::MAX << (32 - prefix)),
            prefix,
        })
    }

    /// The subnet that holds one address only.
    #[must_use]
    pub fn host(address: Ipv4Addr) -> Self {
        Self {
            network: u32::from(address),
            prefix: 32,
        }
    }

    /// The first address.
    #[must_use]
    pub fn network(self) -> Ipv4Addr {
        Ipv4Addr::from(self.network)
    }

    /// The number of leading bits that count, 1 to 32.
    #[must_use]
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// The first and the last address as numbers.
    #[must_use]
    pub fn range(self) -> (u32, u32) {
        let hosts = u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
        (self.network, self.network | hosts)
    }

    /// How many addresses it holds.
    #[must_use]
    pub fn size(self) -> u64 {
        1_u64 << (32 - self.prefix)
    }

    /// Whether `address` lies inside.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        let (first, last) = self.range();
        (first..=last).contains(&u32::from(address))
    }

    /// Whether `other` lies inside or is equal.
    #[must_use]
    pub fn encloses(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.network())
    }
}

impl From<Subnet> for Ipv4Net {
    fn from(subnet: Subnet) -> Self {
        Self::new_assert(subnet.network(), subnet.prefix)
    }
}

impl FromStr for Subnet {
    type Err = SubnetError;

    fn from_str(text: &str) -> Result<Self, SubnetError> {
        let text = text.trim();
        let short = || text.chars().take(80).collect::<String>();
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        if address.contains(':') && address.parse::<std::net::Ipv6Addr>().is_ok() {
            return Err(SubnetError::Ipv6(short()));
        }
        if !text.contains('/') {
            return Err(SubnetError::NoPrefix(short()));
        }
        let octets: Vec<&str> = address.split('.').collect();
        let numeric = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if octets.len() == 4
            && octets.iter().all(numeric)
            && let Some(octal) = octets.iter().find(|o| o.len() > 1 && o.starts_with('0'))
        {
            return Err(SubnetError::Octal((*octal).into()));
        }
        let network: Ipv4Addr = address
            .parse()
            .map_err(|_| SubnetError::Address(address.chars().take(80).collect()))?;
        let wrong_prefix = || SubnetError::Prefix(prefix.chars().take(20).collect());
        if prefix.len() > 2 || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong_prefix());
        }
        if prefix.len() > 1 && prefix.starts_with('0') {
            return Err(SubnetError::Octal(prefix.into()));
        }
        let length: u8 = prefix.parse().map_err(|_| wrong_prefix())?;
        let subnet = Self::containing(network, length).ok_or_else(wrong_prefix)?;
        if subnet.network() == network {
            Ok(subnet)
        } else {
            Err(SubnetError::HostBits {
                network: subnet,
                found: short(),
            })
        }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.network(), self.prefix))
    }
}
impl Serialize for Subnet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Subnet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
impl schemars::JsonSchema for Subnet {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Subnet".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An IPv4 network `a.b.c.d/nn` without host bits, prefix 1 to 32",
            "pattern": r"^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}/([1-9]|[12][0-9]|3[0-2])$"
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn check(text: &str, expect: &str) {
        let found = match text.parse::<Subnet>() {
            Ok(subnet) => subnet.to_string(),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expect), "{text}: {found}");
    }

    #[test]
    fn reads_what_the_smp_reads() {
        check("192.168.10.0/24", "192.168.10.0/24");
        check("192.168.0.12/32", "192.168.0.12/32");
        check("128.0.0.0/1", "128.0.0.0/1");
        check("192.168.10.7/24", "expected the network `192.168.10.0/24`");
        check("010.0.0.0/8", "octal");
        check("10.0.0.0/08", "octal");
        check("10.0.0.0/0", "prefix from 1 to 32");
        check("10.0.0.0/33", "prefix from 1 to 32");
        check("10.0.0.0/", "prefix from 1 to 32");
        check("10.0.0.0", "`network/prefix`");
        check("10.0.0/8", "four numbers");
        check("10.0.0.256/32", "four numbers");
        check("2001:db8::/32", "IPv4 prefixes 1 to 32");
        check("::/0", "IPv4 prefixes 1 to 32");
    }

    #[test]
    fn ranges() {
        let all: Subnet = "128.0.0.0/1".parse().unwrap();
        assert_eq!(all.range(), (1 << 31, u32::MAX));
        let one: Subnet = "10.0.0.1/32".parse().unwrap();
        assert_eq!(one.range().0, one.range().1);
        assert_eq!(one.size(), 1);
        assert!(!all.encloses(one));
        assert!("10.0.0.0/8".parse::<Subnet>().unwrap().encloses(one));
    }
}
