//! A sweep over sorted prefixes: for each one the nearest prefix that encloses it.
//!
//! Pure. [`Subnet`] sorts an outer prefix right before what lies inside, so one pass with a stack of the open
//! prefixes finds every parent: time n log n for the sort, memory linear.

use std::net::Ipv4Addr;

use crate::model::Subnet;

/// For each subnet of a *sorted* list the index of the nearest earlier entry that encloses it.
///
/// An entry equal to its predecessor has that predecessor as its parent.
#[must_use]
pub fn enclosing(sorted: &[Subnet]) -> Vec<Option<usize>> {
    let mut open: Vec<usize> = Vec::new();
    let mut parents = Vec::with_capacity(sorted.len());
    for (index, subnet) in sorted.iter().enumerate() {
        while let Some(&top) = open.last() {
            if sorted.get(top).is_some_and(|outer| outer.encloses(*subnet)) {
                break;
            }
            open.pop();
        }
        parents.push(open.last().copied());
        open.push(index);
    }
    parents
}

/// The index of the last most specific entry of a *sorted* list that holds `address`.
///
/// Source: the most specific assignment wins; a subnet inside another belongs to the enclosing one's site unless it
/// is assigned itself.
#[must_use]
pub fn most_specific(
    sorted: &[Subnet],
    parents: &[Option<usize>],
    address: Ipv4Addr,
) -> Option<usize> {
    let host = Subnet::host(address);
    let mut candidate = sorted
        .partition_point(|subnet| *subnet <= host)
        .checked_sub(1);
    while let Some(index) = candidate {
        if sorted.get(index)?.contains(address) {
            return Some(index);
        }
        candidate = parents.get(index).copied().flatten();
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn subnets(texts: &[&str]) -> Vec<Subnet> {
        let mut list: Vec<Subnet> = texts.iter().map(|text| text.parse().unwrap()).collect();
        list.sort();
        list
    }

    #[test]
    fn nests() {
        let list = subnets(&[
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.0/24",
            "10.2.0.0/16",
            "11.0.0.0/8",
        ]);
        assert_eq!(enclosing(&list), [None, Some(0), Some(1), Some(0), None]);
    }

    proptest! {
        #[test]
        fn agrees_with_looking_at_each(
            raw in proptest::collection::vec((0_u32..64, 20_u8..=32), 1..40),
            address in 0_u32..70_000,
        ) {
            let mut list: Vec<Subnet> = raw
                .into_iter()
                .map(|(block, prefix)| Subnet::containing(Ipv4Addr::from(block * 997), prefix).unwrap())
                .collect();
            list.sort();
            list.dedup();
            let address = Ipv4Addr::from(address);
            let parents = enclosing(&list);
            let found = most_specific(&list, &parents, address).and_then(|i| list.get(i));
            let naive = list.iter().filter(|s| s.contains(address)).max_by_key(|s| s.prefix());
            prop_assert_eq!(found, naive);
        }
    }
}
