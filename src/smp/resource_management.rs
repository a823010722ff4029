//! `ASDK.NS/ResourceManagementService`: resources by name, rows of data classes.
//!
//! Pure: builds calls and parses answers.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::net::Ipv4Addr;

use super::request::MethodCall;
use super::table;
use super::xml::AnswerError;
use crate::model::Guid;
use crate::profile::{ServiceName, TcpipClass};

const SERVICE: ServiceName = ServiceName::ResourceManagement;

pub(crate) fn get_resource_by_name(name: &str, resource_type: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "GetResourceByName",
        vec![
            ("name", name.into()),
            ("resourceType", resource_type.into()),
        ],
    )
}

pub(crate) fn get_computer_by_name_and_domain(name: &str, domain: &str) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "GetComputerByNameAndDomain",
        vec![("name", name.into()), ("domain", domain.into())],
    )
}

pub(crate) fn get_data_class_data(data_class: Guid, resource: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "GetDataClassData",
        vec![
            ("dataClass", data_class.into()),
            ("resourceGuid", resource.into()),
        ],
    )
}

/// What the inventory says about one computer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    pub(crate) host: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) addresses: BTreeSet<(Ipv4Addr, u8)>,
}

impl Inventory {
    /// Host name and domain joined, where there is a host name.
    pub(crate) fn name(&self) -> Option<String> {
        let host = self.host.as_deref()?;
        match self.domain.as_deref() {
            Some(domain) if !host.contains('.') => Some(format!("{host}.{domain}")),
            _ => Some(host.to_owned()),
        }
    }

    /// Takes one row in: an adapter with its addresses. What is no IPv4 address or no mask is left out.
    pub(crate) fn add(
        &mut self,
        host: Option<&str>,
        domain: Option<&str>,
        address: Option<&str>,
        mask: Option<&str>,
    ) {
        let text = |text: Option<&str>| {
            text.map(|text| text.trim().trim_matches('.'))
                .filter(|text| !text.is_empty())
                .map(ToOwned::to_owned)
        };
        self.host = self.host.take().or_else(|| text(host));
        self.domain = self.domain.take().or_else(|| text(domain));
        let parts = |text: Option<&str>| -> Vec<String> {
            text.unwrap_or_default()
                .split([',', ';', ' ', '\t', '\n'])
                .filter(|part| !part.is_empty())
                .map(ToOwned::to_owned)
                .collect()
        };
        for (address, mask) in parts(address).iter().zip(parts(mask)) {
            let (Ok(address), Some(prefix)) = (address.parse::<Ipv4Addr>(), prefix_of(&mask))
            else {
                continue;
            };
            if !address.is_unspecified() && !address.is_loopback() {
                self.addresses.insert((address, prefix));
            }
        }
    }
}

/// The prefix of a mask such as `255.255.255.0`; `None` where it is none, or 0.
pub(crate) fn prefix_of(mask: &str) -> Option<u8> {
    let bits = u32::from(mask.trim().parse::<Ipv4Addr>().ok()?);
    let prefix = bits.leading_ones();
    let contiguous = bits.checked_shl(prefix).unwrap_or(0) == 0;
    (contiguous && prefix > 0)
        .then(|| u8::try_from(prefix).ok())
        .flatten()
}

/// Reads the rows of the TCP/IP data class of one computer.
pub(crate) fn inventory(
    body: &mut dyn BufRead,
    class: &TcpipClass,
) -> Result<Inventory, AnswerError> {
    let mut inventory = Inventory::default();
    let columns = [
        class.host_name.as_str(),
        &class.domain,
        &class.address,
        &class.mask,
    ];
    table::read(body, &columns, &[], |row| {
        inventory.add(row.get(0), row.get(1), row.get(2), row.get(3));
        Ok(())
    })?;
    Ok(inventory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_become_prefixes() {
        for (mask, prefix) in [
            ("255.255.255.0", Some(24)),
            ("255.255.255.255", Some(32)),
            ("128.0.0.0", Some(1)),
            ("0.0.0.0", None),
            ("255.0.255.0", None),
            ("", None),
        ] {
            assert_eq!(prefix_of(mask), prefix, "{mask}");
        }
    }

    #[test]
    fn rows_become_an_inventory() {
        let mut inventory = Inventory::default();
        inventory.add(
            Some("SMP01"),
            Some("corp.example."),
            Some("192.168.0.10"),
            Some("255.255.255.0"),
        );
        inventory.add(
            Some("SMP01"),
            None,
            Some("10.0.0.1, fe80::1"),
            Some("255.0.0.0, ::"),
        );
        inventory.add(None, None, Some("0.0.0.0"), Some("255.0.0.0"));
        assert_eq!(inventory.name().as_deref(), Some("SMP01.corp.example"));
        assert_eq!(inventory.addresses.len(), 2);
    }
}
