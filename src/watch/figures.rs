//! The numbers of the loop, and how Prometheus is told them.
//!
//! Pure. Names, units and labels stand in `docs/watch.md`; a test compares the two. How many series there are depends on
//! how many platforms there are, not on what is in them.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::pace::Moment;
use super::report::{Conclusion, Report, Trouble};
use super::status::Status;
use crate::model::Name;
use crate::smp::{Timing, Traffic};

/// The numbers of one platform, for as long as it is configured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Platform {
    /// How many objects of each kind the world changed, and nobody called fine.
    pub drift: BTreeMap<String, u64>,
    /// How many objects of each kind are declared otherwise, and not applied.
    pub pending: BTreeMap<String, u64>,
    /// How many differences somebody called fine.
    pub acknowledged: u64,
    /// How many come back whatever we do.
    pub flapping: u64,
    /// How many steps wait for a person.
    pub waiting: u64,
    /// How many findings keep the plan from being applied.
    pub blocking: u64,
    /// How many attempts in a row failed.
    pub failures: u32,
    /// When the sign-in is tried again that was refused; none where it was not.
    pub refused: Option<Moment>,
    /// When it was read last.
    pub last_good: Option<Moment>,
    /// What is wrong with it.
    pub trouble: Option<Trouble>,
    /// How attempts ended.
    pub runs: BTreeMap<Conclusion, u64>,
    /// How steps of which kind ended.
    pub steps: BTreeMap<(String, &'static str), u64>,
    /// What was sent and received.
    pub traffic: Traffic,
    /// How long that took.
    pub timing: Timing,
}

/// All numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// By platform.
    pub platforms: BTreeMap<Name, Platform>,
}

/// The kinds of objects that drift is counted for, so that a series that goes back to nothing says 0.
pub const KINDS: [&str; 5] = [
    "Site",
    "Subnet",
    "SiteServer",
    "Package",
    "PlatformSettings",
];

impl Platform {
    /// Counts an attempt that ended; `now` is the end.
    pub fn count(&mut self, now: Moment, report: &Report) {
        let Report {
            conclusion,
            sight,
            steps,
            trouble,
            thaws: _, // when, not how much
            traffic,
            timing,
            took: _, // in the log
        } = report;
        *self.runs.entry(*conclusion).or_default() += 1;
        for (key, count) in steps {
            *self.steps.entry(key.clone()).or_default() += count;
        }
        self.traffic.requests = self.traffic.requests.saturating_add(traffic.requests);
        self.traffic.bytes = self.traffic.bytes.saturating_add(traffic.bytes);
        self.timing = self.timing.and(timing);
        self.trouble.clone_from(trouble);
        if sight.is_some() {
            self.last_good = Some(now);
        }
    }
}

/// The media type of [`exposition`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything as Prometheus reads it: the text of `OpenMetrics`, which it takes as well as its own.
#[must_use]
pub fn exposition(status: &Status, now: Moment) -> String {
    let mut registry = Registry::with_prefix("sitewright");
    registry.register_collector(Box::new(Exposition {
        status: status.clone(),
        now,
    }));
    let mut out = String::new();
    // Text in memory takes whatever is written.
    let _ = text::encode(&mut out, &registry);
    out
}

#[derive(Debug)]
struct Exposition {
    status: Status,
    now: Moment,
}

type Labels = Vec<(&'static str, String)>;

impl Exposition {
    fn platforms(&self) -> impl Iterator<Item = (Labels, &Platform)> {
        let platforms = self.status.figures.platforms.iter();
        platforms.map(|(name, figures)| (vec![("platform", escaped(name.as_str()))], figures))
    }

    /// A number a platform.
    fn each(&self, number: impl Fn(&Platform) -> Option<f64>) -> Vec<(Labels, f64)> {
        self.platforms()
            .filter_map(|(labels, figures)| Some((labels, number(figures)?)))
            .collect()
    }

    /// A number a platform and kind of object.
    fn kinds(&self, of: impl Fn(&Platform) -> &BTreeMap<String, u64>) -> Vec<(Labels, f64)> {
        let counts = self.counts(|figures| {
            let counted = of(figures);
            let one = |kind: &&'static str| {
                let count = counted.get(*kind).copied().unwrap_or_default();
                (vec![("kind", (*kind).to_owned())], count)
            };
            KINDS.iter().map(one).collect()
        });
        let counts = counts.into_iter();
        counts
            .map(|(labels, count)| (labels, float(count)))
            .collect()
    }

    /// A count a platform and something else.
    fn counts(&self, of: impl Fn(&Platform) -> Vec<(Labels, u64)>) -> Vec<(Labels, u64)> {
        let mut all = Vec::new();
        for (labels, figures) in self.platforms() {
            for (more, count) in of(figures) {
                all.push((labels.iter().cloned().chain(more).collect(), count));
            }
        }
        all
    }
}

/// The value of a label, which the encoder writes as it is.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// A number that is small enough to be told exactly.
fn float(number: u64) -> f64 {
    // Of more than that nobody wants the last digit.
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): (&str, &str, Option<&Unit>),
    values: &[(Labels, f64)],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for (labels, value) in values {
        if labels.is_empty() {
            // The encoder would write braces around nothing.
            family.encode_gauge(value)?;
        } else {
            ConstGauge::new(*value).encode(family.encode_family(labels)?)?;
        }
    }
    Ok(())
}

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    values: &[(Labels, u64)],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        ConstCounter::new(*value).encode(family.encode_family(labels)?)?;
    }
    Ok(())
}

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        self.configuration(encoder)?;
        self.sight(encoder)?;
        self.work(encoder)?;
        self.requests(encoder)
    }
}

impl Exposition {
    fn configuration(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let configuration = &self.status.configuration;
        let ok = configuration.generation > 0 && configuration.wrong.is_none();
        let one = |value: f64| [(Labels::new(), value)];
        gauge(
            encoder,
            (
                "configuration_generation",
                "How many configurations were taken up",
                None,
            ),
            &one(float(configuration.generation)),
        )?;
        gauge(
            encoder,
            (
                "configuration_ok",
                "Whether the newest configuration is the one that is in use",
                None,
            ),
            &one(f64::from(u8::from(ok))),
        )?;
        let mut family = encoder.encode_descriptor(
            "configuration",
            "Which configuration is in use",
            None,
            MetricType::Info,
        )?;
        let revision: Labels = vec![("revision", escaped(&configuration.revision))];
        family.encode_info(&revision)?;
        gauge(
            encoder,
            (
                "interval",
                "How often a platform is looked at",
                Some(&Unit::Seconds),
            ),
            &one(configuration.interval.as_secs_f64()),
        )?;
        let mut family =
            encoder.encode_descriptor("build", "Which program this is", None, MetricType::Info)?;
        family.encode_info(&vec![("version", env!("CARGO_PKG_VERSION"))])
    }

    fn sight(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        gauge(
            encoder,
            (
                "drift_objects",
                "Objects that the world changed, and nobody called fine",
                None,
            ),
            &self.kinds(|figures| &figures.drift),
        )?;
        gauge(
            encoder,
            (
                "pending_objects",
                "Objects that are declared otherwise, and not applied",
                None,
            ),
            &self.kinds(|figures| &figures.pending),
        )?;
        gauge(
            encoder,
            (
                "acknowledged_differences",
                "What the world changed and somebody called fine",
                None,
            ),
            &self.each(|figures| Some(float(figures.acknowledged))),
        )?;
        gauge(
            encoder,
            (
                "flapping_differences",
                "What came back after it was taken back three times",
                None,
            ),
            &self.each(|figures| Some(float(figures.flapping))),
        )?;
        gauge(
            encoder,
            ("waiting_steps", "Steps that wait for a person", None),
            &self.each(|figures| Some(float(figures.waiting))),
        )?;
        gauge(
            encoder,
            (
                "blocking_findings",
                "Findings that keep the plan from being applied",
                None,
            ),
            &self.each(|figures| Some(float(figures.blocking))),
        )?;
        gauge(
            encoder,
            (
                "last_refresh_age",
                "How long ago the platform was read",
                Some(&Unit::Seconds),
            ),
            &self.each(|figures| {
                let good = figures.last_good?;
                Some(self.now.saturating_sub(good).as_secs_f64())
            }),
        )?;
        gauge(
            encoder,
            (
                "consecutive_failures",
                "Attempts in a row that failed",
                None,
            ),
            &self.each(|figures| Some(f64::from(figures.failures))),
        )?;
        gauge(
            encoder,
            (
                "sign_in_refused",
                "Whether the server refused the sign-in when it was last tried",
                None,
            ),
            &self.each(|figures| Some(f64::from(u8::from(figures.refused.is_some())))),
        )?;
        gauge(
            encoder,
            (
                "sign_in_pause",
                "How long until a refused sign-in is tried again as it is",
                Some(&Unit::Seconds),
            ),
            &self.each(|figures| Some(figures.refused?.saturating_sub(self.now).as_secs_f64())),
        )
    }

    fn work(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let runs = self.counts(|figures| {
            let of = |conclusion: &Conclusion| {
                let count = figures.runs.get(conclusion).copied().unwrap_or_default();
                (vec![("outcome", conclusion.to_string())], count)
            };
            Conclusion::ALL.iter().map(of).collect()
        });
        counter(encoder, ("runs", "Attempts by how they ended"), &runs)?;
        let steps = self.counts(|figures| {
            let of = |((kind, outcome), count): (&(String, &'static str), &u64)| {
                let labels = vec![("kind", escaped(kind)), ("outcome", (*outcome).to_owned())];
                (labels, *count)
            };
            figures.steps.iter().map(of).collect()
        });
        counter(
            encoder,
            ("steps", "Steps by kind and how they ended"),
            &steps,
        )
    }

    fn requests(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let each = |number: fn(&Platform) -> u64| {
            self.counts(move |figures| vec![(Labels::new(), number(figures))])
        };
        counter(
            encoder,
            ("requests", "Requests, each try counted"),
            &each(|figures| figures.traffic.requests),
        )?;
        counter(
            encoder,
            ("request_retries", "Requests that were sent again"),
            &each(|figures| figures.timing.retries),
        )?;
        counter(
            encoder,
            ("answer_bytes", "Bytes of answers, unpacked"),
            &each(|figures| figures.traffic.bytes),
        )?;
        let mut family = encoder.encode_descriptor(
            "request_duration",
            "How long answers took to begin",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (labels, figures) in self.platforms() {
            let Timing {
                retries: _, // above
                micros,
                ranges,
            } = figures.timing;
            let bounds = Timing::BOUNDS.iter().map(|bound| float(*bound) / 1000.0);
            let buckets: Vec<(f64, u64)> = bounds.chain([f64::MAX]).zip(ranges).collect();
            let sum = std::time::Duration::from_micros(micros).as_secs_f64();
            let count = ranges.iter().sum();
            let mut one = family.encode_family(&labels)?;
            one.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::watch::drift::Differences;
    use crate::watch::report::Sight;

    fn status() -> Status {
        let mut status = Status::default();
        status.configuration.generation = 3;
        status.configuration.revision = "commit \"a\\b\"\nc".into();
        status.configuration.interval = Duration::from_secs(90);
        let mut timing = Timing {
            micros: 2_500_000,
            ..Timing::default()
        };
        timing.ranges[2] = 4;
        timing.ranges[9] = 1;
        let report = Report {
            sight: Some(Sight {
                differences: Differences::default(),
                waits: BTreeMap::new(),
                blocks: BTreeMap::new(),
                everything: true,
                digest: String::new(),
            }),
            steps: [(("assign-subnet".to_owned(), "done"), 2)].into(),
            timing,
            ..Report::ended(Conclusion::Applied)
        };
        let mut platform = Platform::default();
        platform.count(Duration::from_secs(10), &report);
        platform.drift.insert("Subnet".to_owned(), 1);
        status.figures.platforms.insert(Name::new("h\"q"), platform);
        status
    }

    #[test]
    fn what_prometheus_is_told() {
        let text = exposition(&status(), Duration::from_millis(12_500));
        let has = |line: &str| {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        };
        has(r#"sitewright_runs_total{platform="h\"q",outcome="applied"} 1"#);
        has(r#"sitewright_runs_total{platform="h\"q",outcome="failed"} 0"#);
        has(r#"sitewright_steps_total{platform="h\"q",kind="assign-subnet",outcome="done"} 2"#);
        has(r#"sitewright_drift_objects{platform="h\"q",kind="Subnet"} 1.0"#);
        has(r#"sitewright_drift_objects{platform="h\"q",kind="Site"} 0.0"#);
        has(r#"sitewright_last_refresh_age_seconds{platform="h\"q"} 2.5"#);
        has("sitewright_configuration_generation 3.0");
        has("sitewright_configuration_ok 1.0");
        has(r#"sitewright_configuration_info{revision="commit \"a\\b\"\nc"} 1"#);
        has("sitewright_interval_seconds 90.0");
        has(r#"sitewright_request_duration_seconds_bucket{le="0.025",platform="h\"q"} 0"#);
        has(r#"sitewright_request_duration_seconds_bucket{le="+Inf",platform="h\"q"} 5"#);
        has(r#"sitewright_request_duration_seconds_sum{platform="h\"q"} 2.5"#);
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn the_page_lists_every_metric_and_no_other() {
        let text = exposition(&status(), Duration::ZERO);
        let mut told: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
            .collect();
        told.sort_unstable();
        let page = include_str!("../../docs/watch.md");
        let mut listed: Vec<String> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `sitewright_")?.split('`').next())
            .map(|name| format!("sitewright_{name}"))
            .map(|name| {
                let name = name.strip_suffix("_total").unwrap_or(&name);
                name.strip_suffix("_info").unwrap_or(name).to_owned()
            })
            .collect();
        listed.sort_unstable();
        assert_eq!(listed, told);
    }
}
