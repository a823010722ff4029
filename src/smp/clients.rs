//! Collects clients and plug-ins from rows that pass by: lean, since there may be hundreds of thousands.
//!
//! Pure. Rows come in any order, a computer in several; the result does not depend on it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::resource_management::Inventory;
use crate::model::{Client, Guid, Name};

/// Computers with their addresses, a row an address.
#[derive(Debug, Default)]
pub(crate) struct Computers {
    rows: Vec<Client>,
}

impl Computers {
    /// Takes one row in. A row without any address is none.
    pub(crate) fn add(&mut self, guid: Guid, inventory: &Inventory) {
        if inventory.addresses.is_empty() {
            return;
        }
        let name = inventory
            .name()
            .map_or_else(|| Name::new(&guid.to_string()), |name| Name::new(&name));
        self.rows.push(Client {
            guid,
            name,
            addresses: inventory.addresses.iter().copied().collect(),
            plug_ins: None,
        });
    }

    /// The computers, sorted by GUID, each once.
    pub(crate) fn finish(mut self) -> Vec<Client> {
        // Of several names the longest says most; of those as long, one whatever the order of rows.
        self.rows.sort_unstable_by(|a, b| {
            let rank = |client: &Client| std::cmp::Reverse(client.name.as_str().len());
            (a.guid, rank(a), &a.name).cmp(&(b.guid, rank(b), &b.name))
        });
        self.rows.dedup_by(|later, first| {
            let same = later.guid == first.guid;
            if same {
                first.addresses.append(&mut later.addresses);
            }
            same
        });
        for client in &mut self.rows {
            client.addresses.sort_unstable();
            client.addresses.dedup();
            client.addresses.shrink_to_fit();
        }
        self.rows.shrink_to_fit();
        self.rows
    }
}

/// Plug-ins, a row each. Computers with the same plug-ins share one set.
#[derive(Debug, Default)]
pub(crate) struct PlugIns {
    names: Vec<Name>,
    numbers: HashMap<String, u32>,
    rows: Vec<(Guid, u32)>,
}

impl PlugIns {
    /// Takes one row in.
    pub(crate) fn add(&mut self, computer: Guid, plug_in: &str) {
        let plug_in = plug_in.trim();
        if plug_in.is_empty() {
            return;
        }
        let number = if let Some(number) = self.numbers.get(plug_in) {
            *number
        } else {
            // More plug-ins than numbers there are not.
            let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
            self.names.push(Name::new(plug_in));
            self.numbers.insert(plug_in.to_owned(), number);
            number
        };
        self.rows.push((computer, number));
    }

    /// The set of each computer that has any.
    pub(crate) fn finish(mut self) -> HashMap<Guid, Arc<BTreeSet<Name>>> {
        self.rows.sort_unstable();
        self.rows.dedup();
        let mut sets: HashMap<Vec<u32>, Arc<BTreeSet<Name>>> = HashMap::new();
        let mut found = HashMap::new();
        for rows in self.rows.chunk_by(|a, b| a.0 == b.0) {
            let Some((computer, _)) = rows.first() else {
                continue;
            };
            let numbers: Vec<u32> = rows.iter().map(|(_, number)| *number).collect();
            let named = |number: &u32| {
                let at = usize::try_from(*number).ok()?;
                self.names.get(at).cloned()
            };
            let set = sets
                .entry(numbers)
                .or_insert_with_key(|numbers| Arc::new(numbers.iter().filter_map(named).collect()));
            found.insert(*computer, Arc::clone(set));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn guid(number: u128) -> Guid {
        Guid::from_u128(number)
    }

    #[test]
    fn rows_in_any_order_are_the_same_computers() {
        let row = |host: Option<&str>, domain: Option<&str>, address: &str| {
            let mut inventory = Inventory::default();
            inventory.add(host, domain, Some(address), Some("255.255.255.0"));
            inventory
        };
        let rows = [
            (2, row(Some("PC2"), None, "10.0.0.2")),
            (1, row(Some("PC1"), None, "10.0.0.9")),
            (1, row(Some("PC1"), Some("corp.example"), "10.0.0.1")),
            (3, row(None, None, "10.0.0.3")),
            (1, row(Some("PC1"), None, "10.0.0.9")),
            (4, row(Some("PC4"), None, "no address")),
        ];
        let collect = |rows: &mut dyn Iterator<Item = &(u128, Inventory)>| {
            let mut computers = Computers::default();
            for (number, inventory) in rows {
                computers.add(guid(*number), inventory);
            }
            computers.finish()
        };
        let found = collect(&mut rows.iter());
        assert_eq!(found, collect(&mut rows.iter().rev()));
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].name, Name::new("pc1.corp.example"));
        assert_eq!(
            found[0].addresses,
            [
                ("10.0.0.1".parse().unwrap(), 24),
                ("10.0.0.9".parse().unwrap(), 24)
            ]
        );
        assert_eq!(found[2].name.as_str(), guid(3).to_string());
    }

    #[test]
    fn the_same_plug_ins_are_one_set() {
        let mut plug_ins = PlugIns::default();
        for (computer, plug_in) in [(1, "A"), (2, "B"), (2, "a "), (1, "B"), (3, "A"), (3, " ")] {
            plug_ins.add(guid(computer), plug_in);
        }
        plug_ins.add(guid(4), "A");
        plug_ins.add(guid(4), "B");
        let found = plug_ins.finish();
        assert_eq!(*found[&guid(1)], [Name::new("a"), Name::new("b")].into());
        assert!(Arc::ptr_eq(&found[&guid(1)], &found[&guid(4)]));
        assert_eq!(found[&guid(2)], found[&guid(1)]);
        assert_eq!(*found[&guid(3)], [Name::new("A")].into());
    }
}
