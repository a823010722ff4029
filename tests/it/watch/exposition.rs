//! A strict reader of the text that Prometheus is told: whatever `OpenMetrics` does not allow is a panic.

use std::collections::{BTreeMap, BTreeSet};

type Labels = BTreeMap<String, String>;

/// What was told.
pub(super) struct Exposition {
    samples: BTreeMap<(String, Labels), f64>,
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Reads `{a="b",c="d"}` and gives what follows.
fn labels(text: &str) -> (Labels, &str) {
    let mut labels = Labels::new();
    let Some(mut rest) = text.strip_prefix('{') else {
        return (labels, text);
    };
    loop {
        let (name, after) = rest.split_once("=\"").expect("a label");
        assert!(is_name(name), "{name:?} in {text}");
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().expect("the end of a value") {
                (at, '"') => break at,
                (_, '\\') => match chars.next().expect("what is escaped").1 {
                    'n' => value.push('\n'),
                    c @ ('"' | '\\') => value.push(c),
                    c => panic!("\\{c} in {text}"),
                },
                (_, c) => value.push(c),
            }
        };
        let before = labels.insert(name.to_owned(), value);
        assert_eq!(before, None, "{name} twice in {text}");
        let after = &after[end + 1..];
        if let Some(after) = after.strip_prefix('}') {
            return (labels, after);
        }
        rest = after.strip_prefix(',').expect("a comma or the end");
    }
}

fn number(text: &str) -> f64 {
    assert!(
        text.chars()
            .all(|c| c.is_ascii_digit() || ".e+-".contains(c)),
        "{text:?}"
    );
    text.parse().expect("a number")
}

impl Exposition {
    pub(super) fn read(text: &str) -> Self {
        let text = text.strip_suffix("# EOF\n").expect("the end is marked");
        let mut samples = BTreeMap::new();
        let mut families = BTreeSet::new();
        let mut family = (String::new(), String::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# ") {
                let (what, rest) = rest.split_once(' ').expect("what is said");
                let (name, said) = rest.split_once(' ').expect("of which metric");
                assert!(is_name(name), "{name:?}");
                match what {
                    "HELP" => {
                        assert!(
                            families.insert(name.to_owned()),
                            "{name} stands in two places"
                        );
                        family = (name.to_owned(), String::new());
                        assert!(!said.is_empty());
                    }
                    "TYPE" => {
                        assert_eq!(name, family.0);
                        assert!(
                            ["counter", "gauge", "histogram", "info"].contains(&said),
                            "{line}"
                        );
                        said.clone_into(&mut family.1);
                    }
                    "UNIT" => {
                        assert_eq!(name, family.0);
                        assert!(name.ends_with(&format!("_{said}")), "{line}");
                    }
                    _ => panic!("{line}"),
                }
                continue;
            }
            let end = line.find(['{', ' ']).expect("a sample");
            let (name, rest) = line.split_at(end);
            let (labels, rest) = labels(rest);
            let value = number(rest.strip_prefix(' ').expect("a blank"));
            let suffix = name
                .strip_prefix(&*family.0)
                .expect("it belongs to its family");
            let allowed: &[&str] = match family.1.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_sum", "_count"],
                other => panic!("{other}"),
            };
            assert!(allowed.contains(&suffix), "{line}");
            assert!(!matches!(family.1.as_str(), "counter" | "histogram") || value >= 0.0);
            let before = samples.insert((name.to_owned(), labels), value);
            assert_eq!(before, None, "{line} twice");
        }
        let read = Self { samples };
        read.check_histograms();
        read
    }

    /// Each bucket holds at least what the one before holds, and the last one all.
    fn check_histograms(&self) {
        let mut buckets: BTreeMap<(String, Labels), Vec<(f64, f64)>> = BTreeMap::new();
        for ((name, labels), value) in &self.samples {
            if let Some(of) = name.strip_suffix("_bucket") {
                let mut labels = labels.clone();
                let le = match labels.remove("le").expect("a bound").as_str() {
                    "+Inf" => f64::INFINITY,
                    bound => number(bound),
                };
                buckets
                    .entry((of.to_owned(), labels))
                    .or_default()
                    .push((le, *value));
            }
        }
        for ((name, labels), mut list) in buckets {
            list.sort_by(|one, two| one.0.total_cmp(&two.0));
            assert!(
                list.is_sorted_by(|one, two| one.1 <= two.1),
                "{name}: {list:?}"
            );
            let (bound, all) = *list.last().unwrap();
            assert!(bound.is_infinite(), "{name}");
            let count = self.samples[&(format!("{name}_count"), labels)];
            assert!(count.total_cmp(&all).is_eq(), "{name}: {count} of {all}");
        }
    }

    fn matching(&self, name: &str, with: &[(&str, &str)]) -> Vec<f64> {
        let has = |labels: &Labels| {
            with.iter()
                .all(|(key, value)| labels.get(*key).is_some_and(|found| found == value))
        };
        let samples = self.samples.iter();
        samples
            .filter(|((found, labels), _)| found == name && has(labels))
            .map(|(_, value)| *value)
            .collect()
    }

    /// The one sample that has these labels, among others; 0 where there is none.
    pub(super) fn value(&self, name: &str, with: &[(&str, &str)]) -> f64 {
        match self.matching(name, with).as_slice() {
            [] => 0.0,
            [one] => *one,
            many => panic!("{name} {with:?}: {many:?}"),
        }
    }

    /// The same for what is counted.
    pub(super) fn count(&self, name: &str, with: &[(&str, &str)]) -> u64 {
        format!("{:.0}", self.value(name, with)).parse().unwrap()
    }

    /// Whether there is any sample of a name.
    pub(super) fn has(&self, name: &str) -> bool {
        !self.matching(name, &[]).is_empty()
    }

    /// All samples that have these labels together.
    pub(super) fn sum(&self, name: &str, with: &[(&str, &str)]) -> f64 {
        self.matching(name, with).iter().sum()
    }

    /// The value of a label of the one sample of a name.
    pub(super) fn label(&self, name: &str, label: &str) -> String {
        let mut samples = self.samples.keys().filter(|(found, _)| found == name);
        samples.next().unwrap().1[label].clone()
    }
}
