//! What of what was seen is new: told once, and once more when it is over.
//!
//! Pure. What is remembered is as large as what is the matter now, however often it was looked at.

use std::collections::BTreeMap;

/// What was told already, each by what it is about and how it stands.
#[derive(Debug, Clone)]
pub struct News<K> {
    told: BTreeMap<K, String>,
}

impl<K> Default for News<K> {
    fn default() -> Self {
        Self {
            told: BTreeMap::new(),
        }
    }
}

/// What is to be told now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<K> {
    /// It was not so before.
    pub new: Vec<(K, String)>,
    /// It was so before, and otherwise.
    pub changed: Vec<(K, String)>,
    /// It is so no more.
    pub over: Vec<K>,
}

impl<K: Ord + Clone> News<K> {
    /// Compares what is seen now with what was told, and takes it for told.
    ///
    /// Where not everything could be seen, what is missing may be there all the same: nothing is over then.
    pub fn see(&mut self, seen: BTreeMap<K, String>, everything: bool) -> Told<K> {
        let mut told = Told {
            new: Vec::new(),
            changed: Vec::new(),
            over: Vec::new(),
        };
        if everything {
            self.told.retain(|key, _| {
                let stays = seen.contains_key(key);
                if !stays {
                    told.over.push(key.clone());
                }
                stays
            });
        }
        for (key, how) in seen {
            let before = self.told.insert(key.clone(), how.clone());
            match before {
                None => told.new.push((key, how)),
                Some(before) if before != how => told.changed.push((key, how)),
                Some(_) => {}
            }
        }
        told
    }

    /// What is the matter, as far as it was told.
    pub fn known(&self) -> impl Iterator<Item = &K> {
        self.told.keys()
    }

    /// How much is the matter.
    #[must_use]
    pub fn len(&self) -> usize {
        self.told.len()
    }

    /// Whether nothing is the matter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = list.iter();
        pairs
            .map(|(key, how)| ((*key).to_owned(), (*how).to_owned()))
            .collect()
    }

    #[test]
    fn each_thing_is_told_once_and_once_when_it_is_over() {
        let mut news = News::default();
        let first = news.see(seen(&[("a", "1"), ("b", "1")]), true);
        assert_eq!(first.new.len(), 2);
        let again = news.see(seen(&[("a", "1"), ("b", "2")]), true);
        assert_eq!(again.new, []);
        assert_eq!(again.changed, [("b".to_owned(), "2".to_owned())]);
        let over = news.see(seen(&[("b", "2")]), true);
        assert_eq!(over.over, ["a"]);
        assert_eq!(over.changed, []);
        // What comes back is new again.
        assert_eq!(news.see(seen(&[("a", "1")]), true).new.len(), 1);
    }

    #[test]
    fn what_could_not_be_seen_is_not_over() {
        let mut news = News::default();
        news.see(seen(&[("a", "1"), ("b", "1")]), true);
        let told = news.see(seen(&[("b", "1")]), false);
        assert_eq!(told.over, Vec::<String>::new());
        assert_eq!(news.len(), 2);
        assert_eq!(news.see(seen(&[("a", "1"), ("b", "1")]), true).new, []);
    }

    proptest! {
        /// The number of times a thing is told to begin is that of the times it is told to be over, or one more while it
        /// lasts; and nothing is kept beyond what was last seen.
        #[test]
        fn beginnings_and_ends_alternate(rounds in prop::collection::vec(
            (prop::collection::btree_set(0_u8..6, 0..6), any::<bool>()), 0..40,
        )) {
            let mut news = News::default();
            let mut open: BTreeMap<u8, bool> = BTreeMap::new();
            for (keys, everything) in rounds {
                let seen: BTreeMap<u8, String> = keys.iter().map(|key| (*key, "x".to_owned())).collect();
                let told = news.see(seen, everything);
                for (key, _) in told.new {
                    prop_assert_eq!(open.insert(key, true), None);
                }
                for key in told.over {
                    prop_assert_eq!(open.remove(&key), Some(true));
                    prop_assert!(everything && !keys.contains(&key));
                }
                prop_assert!(keys.iter().all(|key| open.contains_key(key)));
                prop_assert_eq!(news.len(), open.len());
                if everything {
                    prop_assert_eq!(open.len(), keys.len());
                }
            }
        }
    }
}
