//! Hours of the loop without a clock: platforms that break and are mended, servers that go away, configurations that are
//! wrong, attempts that take their time; the same seed, the same hours.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::model::Name;

const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);
const PAUSES: Pauses = Pauses {
    interval: MINUTE,
    refusal: Duration::from_hours(1),
};

/// A platform that changes behind our back.
#[derive(Default)]
struct World {
    /// What is not as declared, by when it came about, told apart by a number that is never used again.
    drift: BTreeMap<u32, Moment>,
    /// When it cannot be reached.
    away: Vec<(Moment, Moment)>,
}

/// An attempt under way.
struct UnderWay {
    begun: Moment,
    ends: Moment,
    /// What was there when it looked.
    saw: Option<BTreeMap<u32, Moment>>,
}

/// A history, and what was said in it.
struct Hours {
    brain: Brain,
    now: Moment,
    random: fastrand::Rng,
    worlds: BTreeMap<Name, World>,
    under_way: BTreeMap<Name, UnderWay>,
    next_drift: u32,
    attempts: BTreeMap<Name, Vec<Moment>>,
    /// When each drift was told, and when it was told to be over.
    found: BTreeMap<u32, Vec<Moment>>,
    resolved: BTreeMap<u32, Vec<Moment>>,
    /// When each came about and went.
    was: BTreeMap<u32, (Moment, Option<Moment>)>,
    said: Vec<Said>,
    most_at_once: usize,
}

fn number(object: &Differing) -> u32 {
    object.name.parse().unwrap()
}

impl Hours {
    fn new(seed: u64, platforms: &[&str]) -> Self {
        let names: Vec<Name> = platforms.iter().map(|name| Name::new(name)).collect();
        let mut brain = Brain::new(seed);
        let said = brain.configured(Duration::ZERO, &names, PAUSES, "commit a");
        let worlds = names.into_iter().map(|name| (name, World::default()));
        Self {
            brain,
            now: Duration::ZERO,
            random: fastrand::Rng::with_seed(seed),
            worlds: worlds.collect(),
            under_way: BTreeMap::new(),
            next_drift: 0,
            attempts: BTreeMap::new(),
            found: BTreeMap::new(),
            resolved: BTreeMap::new(),
            was: BTreeMap::new(),
            said,
            most_at_once: 0,
        }
    }

    fn hear(&mut self, said: Vec<Said>) {
        for one in &said {
            match one {
                Said::Drift { object, .. } => {
                    self.found.entry(number(object)).or_default().push(self.now);
                }
                Said::Resolved { object, .. } => {
                    let times = self.resolved.entry(number(object)).or_default();
                    times.push(self.now);
                }
                _ => {}
            }
        }
        self.said.extend(said);
    }

    fn is_away(&self, name: &Name) -> bool {
        let away = self.worlds[name].away.iter();
        away.clone()
            .any(|(from, to)| *from <= self.now && self.now < *to)
    }

    /// Somebody changes something, or puts something right.
    fn meddle(&mut self) {
        let index = self.random.usize(..self.worlds.len());
        let (_, world) = self.worlds.iter_mut().nth(index).unwrap();
        let gone = world.drift.keys().next().copied();
        if let Some(gone) = gone.filter(|_| self.random.bool()) {
            world.drift.remove(&gone);
            self.was.get_mut(&gone).unwrap().1 = Some(self.now);
        } else {
            world.drift.insert(self.next_drift, self.now);
            self.was.insert(self.next_drift, (self.now, None));
            self.next_drift += 1;
        }
    }

    fn begin(&mut self) {
        for name in self.brain.begin(self.now) {
            self.attempts
                .entry(name.clone())
                .or_default()
                .push(self.now);
            let saw = (!self.is_away(&name)).then(|| self.worlds[&name].drift.clone());
            // A server that is away is noticed late.
            let longest = if saw.is_some() { 8 } else { 20 };
            let takes = Duration::from_millis(self.random.u64(50..longest * 1000));
            let attempt = UnderWay {
                begun: self.now,
                ends: self.now + takes,
                saw,
            };
            let before = self.under_way.insert(name, attempt);
            assert!(before.is_none(), "two attempts at one platform at once");
        }
        self.most_at_once = self.most_at_once.max(self.under_way.len());
    }

    fn end(&mut self) {
        let now = self.now;
        let over = self
            .under_way
            .iter()
            .filter(|(_, attempt)| attempt.ends <= now);
        let over: Vec<Name> = over.map(|(name, _)| name.clone()).collect();
        for name in over {
            let attempt = self.under_way.remove(&name).unwrap();
            assert!(attempt.begun < now);
            let report = match attempt.saw {
                None => Report::failed(Trouble::new("SW0302", "cannot connect")),
                Some(saw) => Report {
                    sight: Some(Sight {
                        differences: Differences {
                            drift: saw.keys().map(|key| (drifted(*key), "x".into())).collect(),
                            ..Differences::default()
                        },
                        waits: BTreeMap::new(),
                        blocks: BTreeMap::new(),
                        everything: true,
                        digest: "d".into(),
                    }),
                    ..Report::ended(if saw.is_empty() {
                        Conclusion::Converged
                    } else {
                        Conclusion::Differs
                    })
                },
            };
            let said = self.brain.ended(&name, now, Timestamp::UNIX_EPOCH, &report);
            self.hear(said);
        }
    }

    /// Lets time pass up to a moment, with somebody meddling every so often.
    fn until(&mut self, end: Moment, meddling: Duration) {
        let mut meddles = self.now + meddling;
        while self.now < end {
            self.begin();
            let ends = self.under_way.values().map(|attempt| attempt.ends).min();
            let due = self.brain.due(self.now);
            let next = ends.map_or(due, |ends| ends.min(due)).min(meddles);
            // The loop never spins.
            assert!(next > self.now, "nothing to wait for at {:?}", self.now);
            self.now = next.min(end);
            if self.now >= meddles {
                self.meddle();
                meddles = self.now + meddling.mul_f64(0.5 + self.random.f64());
            }
            self.end();
        }
    }
}

fn drifted(number: u32) -> Differing {
    subnet(&number.to_string())
}

fn subnet(name: &str) -> Differing {
    Differing {
        kind: "Subnet".into(),
        name: name.into(),
        key: format!("Subnet/{name}:site"),
    }
}

#[test]
fn an_hour_finds_every_drift_within_two_intervals_and_tells_none_twice() {
    for seed in 0..20 {
        let mut hours = Hours::new(seed, &["one", "two", "three"]);
        hours.until(MINUTE * 60, SECOND * 20);
        assert!(hours.most_at_once > 1, "platforms go side by side");
        assert!(hours.was.len() > 30, "{}", hours.was.len());
        for (drift, (from, to)) in &hours.was {
            let told = hours.found.get(drift).map_or(&[][..], Vec::as_slice);
            assert!(told.len() <= 1, "seed {seed}: told {} times", told.len());
            let lasted = to.unwrap_or(hours.now).saturating_sub(*from);
            match told.first() {
                Some(found) => assert!(
                    found.saturating_sub(*from) <= MINUTE * 2,
                    "seed {seed}: {found:?}"
                ),
                None => assert!(lasted < MINUTE * 2, "seed {seed}: {drift} was never told"),
            }
            let over = hours.resolved.get(drift).map_or(0, Vec::len);
            assert!(over <= told.len());
            if let Some(to) = to
                && !told.is_empty()
                && *to + MINUTE * 2 < hours.now
            {
                assert_eq!(over, 1, "seed {seed}: {drift} was never told to be over");
            }
        }
        // An interval of a minute, an hour: sixty attempts each, a tenth more or less, and the time that they take.
        for attempts in hours.attempts.values() {
            assert!((45..=67).contains(&attempts.len()), "{}", attempts.len());
        }
    }
}

#[test]
fn a_server_that_is_away_is_told_once_and_asked_less_and_less() {
    let mut hours = Hours::new(3, &["one", "two"]);
    let one = Name::new("one");
    let away = (MINUTE * 5, MINUTE * 65);
    hours.worlds.get_mut(&one).unwrap().away.push(away);
    hours.until(MINUTE * 120, MINUTE * 7);
    let failing = |said: &&Said| matches!(said, Said::Failing { .. });
    assert_eq!(hours.said.iter().filter(failing).count(), 1);
    let recovered: Vec<&Said> = hours
        .said
        .iter()
        .filter(|said| matches!(said, Said::Recovered { .. }))
        .collect();
    let [Said::Recovered { platform, failures }] = recovered.as_slice() else {
        panic!("{recovered:?}");
    };
    assert_eq!(*platform, one);
    assert!(
        (8..=20).contains(failures),
        "{failures} attempts in an hour"
    );
    // The other one does not notice.
    let during = |at: &&Moment| away.0 <= **at && **at < away.1;
    let other = hours.attempts[&Name::new("two")]
        .iter()
        .filter(during)
        .count();
    assert!(other >= 45, "{other}");
    // At most eight intervals after it is back, it is seen again; until then the loop is not ready, and alive.
    let status = hours.brain.status();
    assert!(
        status.ready(hours.now).yes,
        "{}",
        status.ready(hours.now).text
    );
    assert!(status.alive(hours.now).yes);
}

#[test]
fn an_away_server_makes_the_loop_unready_and_nothing_is_taken_for_mended() {
    let mut hours = Hours::new(4, &["one"]);
    let one = Name::new("one");
    hours
        .worlds
        .get_mut(&one)
        .unwrap()
        .drift
        .insert(0, Duration::ZERO);
    hours.was.insert(0, (Duration::ZERO, None));
    hours.next_drift = 1;
    hours
        .worlds
        .get_mut(&one)
        .unwrap()
        .away
        .push((MINUTE * 2, MINUTE * 60));
    hours.until(MINUTE * 10, MINUTE * 1000);
    let answer = hours.brain.status().ready(hours.now);
    assert!(!answer.yes);
    assert!(
        answer.text.contains("SW0302: cannot connect"),
        "{}",
        answer.text
    );
    assert!(hours.resolved.is_empty());
    assert_eq!(hours.found[&0].len(), 1);
}

#[test]
fn a_wrong_configuration_keeps_the_old_one_until_it_is_mended() {
    let mut hours = Hours::new(5, &["one"]);
    hours.until(MINUTE * 3, MINUTE);
    let wrong = Trouble::new("SW0101", "cannot read `a.yaml`");
    let said = hours.brain.misconfigured(wrong.clone());
    assert!(
        matches!(&said[..], [Said::Misconfigured { kept: Some(kept), .. }] if kept == "commit a")
    );
    assert_eq!(hours.brain.misconfigured(wrong), [], "told once");
    let before = hours.attempts[&Name::new("one")].len();
    hours.until(MINUTE * 6, MINUTE);
    assert!(
        hours.attempts[&Name::new("one")].len() >= before + 2,
        "it goes on"
    );
    assert_eq!(hours.brain.unchanged(), [Said::Mended]);
    assert_eq!(hours.brain.unchanged(), []);
    assert_eq!(hours.brain.status().configuration.generation, 1);
    // A new one is looked at at once.
    let names = [Name::new("one"), Name::new("two")];
    hours.worlds.insert(Name::new("two"), World::default());
    let now = hours.now;
    hours.brain.configured(now, &names, PAUSES, "commit b");
    hours.until(now + SECOND, MINUTE);
    assert_eq!(hours.attempts[&Name::new("two")], [now]);
}

#[test]
fn a_platform_that_is_configured_no_longer_ends_what_is_under_way_and_is_forgotten() {
    let mut brain = Brain::new(1);
    let name = Name::new("one");
    brain.configured(Duration::ZERO, std::slice::from_ref(&name), PAUSES, "a");
    assert_eq!(brain.begin(Duration::ZERO), std::slice::from_ref(&name));
    brain.configured(SECOND, &[], PAUSES, "b");
    assert!(brain.is_busy());
    let report = Report::ended(Conclusion::Converged);
    brain.ended(&name, SECOND * 2, Timestamp::UNIX_EPOCH, &report);
    assert!(!brain.is_busy());
    assert_eq!(brain.begin(MINUTE * 100), []);
    assert!(brain.status().figures.platforms.is_empty());
}

#[test]
fn whoever_is_told_to_stop_begins_nothing() {
    let mut brain = Brain::new(1);
    let name = Name::new("one");
    brain.configured(Duration::ZERO, &[name], PAUSES, "a");
    brain.stop();
    assert_eq!(brain.begin(MINUTE), []);
    assert!(brain.due(MINUTE) > MINUTE);
}

#[test]
fn a_week_leaves_no_more_behind_than_what_is_the_matter() {
    let mut hours = Hours::new(9, &["one", "two"]);
    hours.until(MINUTE * 60 * 24 * 7, MINUTE * 3);
    assert!(hours.was.len() > 1000);
    let matter: usize = hours.worlds.values().map(|world| world.drift.len()).sum();
    let figures = &hours.brain.status().figures;
    let counted: u64 = figures
        .platforms
        .values()
        .flat_map(|platform| platform.drift.values())
        .sum();
    // What was seen last is at most an interval old.
    assert!(counted.abs_diff(matter.try_into().unwrap()) <= 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the seed, the platforms, and the times at which servers are away: no drift is told twice, none is told
    /// that was not there, and each that lasts long enough while its server is there is told.
    #[test]
    fn any_hours(
        seed in any::<u64>(),
        away in prop::collection::vec((0_u64..3000, 10_u64..900), 0..4),
        meddling in 5_u64..300,
    ) {
        let mut hours = Hours::new(seed, &["one", "two"]);
        let one = Name::new("one");
        for (from, takes) in &away {
            let from = SECOND * u32::try_from(*from).unwrap();
            let to = from + SECOND * u32::try_from(*takes).unwrap();
            hours.worlds.get_mut(&one).unwrap().away.push((from, to));
        }
        hours.until(MINUTE * 60, SECOND * u32::try_from(meddling).unwrap());
        let there: BTreeSet<u32> = hours.was.keys().copied().collect();
        for (drift, told) in &hours.found {
            prop_assert!(there.contains(drift));
            prop_assert_eq!(told.len(), 1);
        }
        for over in hours.resolved.values() {
            prop_assert_eq!(over.len(), 1);
        }
        for (drift, (from, to)) in &hours.was {
            // Whatever may be away, it is asked again within eight intervals.
            let lasted = to.unwrap_or(hours.now).saturating_sub(*from);
            if away.is_empty() && lasted >= MINUTE * 2 {
                prop_assert!(hours.found.contains_key(drift), "{} was never told", drift);
            }
        }
    }
}

/// The numbers say what the log said: what could not be read is no more mended in the one than in the other.
#[test]
fn what_could_not_be_read_counts_as_it_did() {
    let hq = Name::new("hq");
    let mut brain = Brain::new(1);
    brain.configured(
        Duration::ZERO,
        std::slice::from_ref(&hq),
        PAUSES,
        "commit a",
    );
    let mut now = Duration::ZERO;
    let mut look = |names: &[&str], everything: bool| {
        now += MINUTE * 2;
        assert_eq!(brain.begin(now), std::slice::from_ref(&hq));
        let report = Report {
            sight: Some(Sight {
                differences: Differences {
                    drift: names
                        .iter()
                        .map(|name| (subnet(name), "x".to_owned()))
                        .collect(),
                    ..Differences::default()
                },
                waits: BTreeMap::new(),
                blocks: BTreeMap::new(),
                everything,
                digest: String::new(),
            }),
            ..Report::ended(Conclusion::Differs)
        };
        brain.ended(&hq, now, Timestamp::UNIX_EPOCH, &report);
        let figures = &brain.status().figures.platforms[&hq];
        figures.drift.get("Subnet").copied().unwrap_or_default()
    };
    assert_eq!(look(&["10.0.0.0/24"], true), 1);
    assert_eq!(look(&[], false), 1);
    assert_eq!(look(&["10.0.1.0/24"], false), 2);
    assert_eq!(look(&["10.0.1.0/24"], true), 1);
    assert_eq!(look(&[], true), 0);
}
