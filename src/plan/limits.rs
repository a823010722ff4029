//! The limits of a workspace: what a plan comes to, held against what one plan may do, and against the time.
//!
//! Pure; the time is an argument. A plan that goes past a limit is shown whole and blocked, until somebody lets this one
//! plan past it: that word is a step of kind `record`, so that the journal keeps it with its reason. A saved plan is
//! judged again where it is applied ([`judge_again`]), by the limits and the time of then.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::fewer::amount;
use super::reach::{Portion, Reach};
use super::records::{id, recorded_first};
use super::{Note, Plan, Severity, Standing};
use crate::model::{
    Action, CountedKind, FREEZE, Freeze, Limit, Overrides, Record, Safety, Share, Step, StepKind,
    part,
};
use crate::select::{Extent, Impact};

/// What a plan is judged by beside itself.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    /// What the workspace guards its platforms by.
    pub safety: &'a Safety,
    /// Somebody's word that this plan may go past limits.
    pub overrides: Option<&'a Overrides>,
    /// The time.
    pub now: Timestamp,
}

/// What is to be said and recorded of the limits.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) notes: Vec<Note>,
    /// Words that are not recorded yet.
    pub(super) records: Vec<Record>,
}

/// A limit that a plan goes past.
struct Crossing {
    limit: Limit,
    /// What the workspace allows.
    set: u64,
    /// What would have to be allowed, in the unit of the limit.
    found: u64,
    /// What the plan does, and what is allowed.
    told: String,
}

/// Somebody's word for a limit or, without one, for a window in which nothing may change.
#[derive(Clone, Copy)]
struct Word<'a> {
    limit: Option<Limit>,
    /// Up to what the plan is let through.
    to: u64,
    why: &'a str,
    by: &'a str,
}

/// Holds a plan against the limits. What its steps record of somebody's word holds as well.
///
/// A plan that changes nothing is within every limit, at any time.
pub(super) fn judge(reach: &Reach, impact: &Impact, steps: &[Step], bounds: Bounds<'_>) -> Judged {
    let Bounds {
        safety,
        overrides,
        now,
    } = bounds;
    let mut judged = Judged::default();
    if steps.iter().all(|step| step.kind() == StepKind::Record) {
        return judged;
    }
    let recorded = recorded(steps);
    let given = overrides.map(given).unwrap_or_default();
    for crossing in crossings(reach, impact, safety) {
        let Crossing {
            limit,
            set,
            found,
            told,
        } = crossing;
        let enough = |word: &&Word<'_>| word.limit == Some(limit) && word.to >= found;
        if let Some(word) = recorded.iter().find(enough) {
            judged.notes.push(let_through(limit.as_str(), &told, *word));
        } else if let Some(word) = given.iter().find(enough) {
            judged.notes.push(let_through(limit.as_str(), &told, *word));
            judged.record(limit, set, found, *word);
        } else {
            judged.notes.push(blocks(
                limit.as_str(),
                told,
                format!(
                    "make the change smaller, or pass `--override {limit}={found} --reason TEXT`"
                ),
            ));
        }
    }
    if let Some(freeze) = safety.frozen(now) {
        let told = told_of(freeze);
        let thaws = |word: &&Word<'_>| word.limit.is_none();
        if let Some(word) = recorded.iter().find(thaws) {
            judged.notes.push(let_through(FREEZE, &told, *word));
        } else if let Some(word) = given.iter().find(thaws) {
            judged.notes.push(let_through(FREEZE, &told, *word));
            judged.records.push(Record::Thaw {
                from: freeze.from.clone(),
                to: freeze.to.clone(),
                zone: freeze.zone.clone(),
                why: word.why.to_owned(),
                who: word.by.to_owned(),
            });
        } else {
            judged.notes.push(blocks(
                FREEZE,
                told,
                format!("apply it afterwards, or pass `--override {FREEZE} --reason TEXT`"),
            ));
        }
    }
    judged
}

/// Judges a saved plan by the limits and the time of now: what was said of them when it was made is said anew.
///
/// # Guarantees
/// The steps stay what they are and in their order; words that are not among them yet come first.
pub fn judge_again(mut plan: Plan, bounds: Bounds<'_>) -> Plan {
    plan.notes.retain(|note| !is_of_limits(&note.id));
    let Judged { notes, records } = judge(&plan.reach, &plan.impact, &plan.steps, bounds);
    plan.notes.extend(notes);
    plan.notes.sort();
    let mut fresh = Vec::new();
    for record in records {
        // A word for less than the plan needs gives way to one that is enough.
        let id = id(&record);
        match plan.steps.iter_mut().find(|step| step.id == id) {
            Some(step) => step.action = Action::Record(record),
            None => fresh.push(record),
        }
    }
    plan.steps = recorded_first(fresh, plan.steps);
    plan
}

/// The window in which nothing may change at a moment, where the plan holds nobody's word for it.
#[must_use]
pub fn frozen<'a>(plan: &Plan, safety: &'a Safety, now: Timestamp) -> Option<&'a Freeze> {
    let thawed = recorded(&plan.steps)
        .iter()
        .any(|word| word.limit.is_none());
    safety
        .frozen(now)
        .filter(|_| plan.changes_anything() && !thawed)
}

fn is_of_limits(id: &str) -> bool {
    id == FREEZE || Limit::ALL.iter().any(|limit| limit.as_str() == id)
}

impl Judged {
    /// Records a word once a limit, with the most that the plan comes to.
    fn record(&mut self, of: Limit, set: u64, most: u64, word: Word<'_>) {
        for record in &mut self.records {
            if let Record::Override { limit, found, .. } = record
                && *limit == of
            {
                *found = most.max(*found);
                return;
            }
        }
        self.records.push(Record::Override {
            limit: of,
            set,
            found: most,
            to: word.to,
            why: word.why.to_owned(),
            who: word.by.to_owned(),
        });
    }
}

/// The words that the steps of a plan record.
fn recorded(steps: &[Step]) -> Vec<Word<'_>> {
    let words = steps.iter().filter_map(|step| match &step.action {
        Action::Record(Record::Override {
            limit,
            to,
            why,
            who,
            ..
        }) => Some(Word {
            limit: Some(*limit),
            to: *to,
            why,
            by: who,
        }),
        Action::Record(Record::Thaw { why, who, .. }) => Some(Word {
            limit: None,
            to: 0,
            why,
            by: who,
        }),
        _ => None,
    });
    words.collect()
}

/// The words that are given with a command.
fn given(overrides: &Overrides) -> Vec<Word<'_>> {
    let Overrides {
        limits,
        freeze,
        reason,
        by,
    } = overrides;
    let word = |limit, to| Word {
        limit,
        to,
        why: reason,
        by,
    };
    let limits = limits.iter().map(|(limit, to)| word(Some(*limit), *to));
    limits.chain(freeze.then(|| word(None, 0))).collect()
}

/// The limits that a plan goes past; `maxChangedPercent` once a kind.
fn crossings(reach: &Reach, impact: &Impact, safety: &Safety) -> Vec<Crossing> {
    let Safety {
        max_fewer: _, // `fewer` holds it against what is seen
        max_deletes,
        max_changed_percent,
        max_rehomed_clients,
        max_rehomed_addresses,
        max_single_server_sites,
        freeze: _, // no number
    } = safety;
    let Reach {
        deletes,
        changes,
        single_server_sites,
    } = reach;
    let Extent { addresses, clients } = impact.rehomed;
    let mut crossings = Vec::new();
    let mut hold = |limit: Limit, set: Option<u64>, found: u64, told: String| {
        if let Some(set) = set.filter(|set| found > *set) {
            crossings.push(Crossing {
                limit,
                set,
                found,
                told: format!("{told}, where `{limit}` allows {set}"),
            });
        }
    };
    let listed: Vec<String> = deletes
        .iter()
        .map(|(kind, number)| amount(*number, *kind))
        .collect();
    hold(
        Limit::MaxDeletes,
        *max_deletes,
        reach.deleted(),
        format!("this plan deletes {}", listed.join(" and ")),
    );
    let (found, unread) = match clients {
        Some(clients) => (clients, ""),
        // There may be a client at each.
        None => (
            addresses,
            ", and which clients there are could not be read, so that each counts",
        ),
    };
    let whom = match (clients, found) {
        (Some(_), 1) => "1 client gets".to_owned(),
        (Some(_), _) => format!("{found} clients get"),
        (None, _) => gain_of(addresses),
    };
    hold(
        Limit::MaxRehomedClients,
        *max_rehomed_clients,
        found,
        format!("{whom} other package or task servers than now{unread}"),
    );
    hold(
        Limit::MaxRehomedAddresses,
        *max_rehomed_addresses,
        addresses,
        format!(
            "{} other package or task servers than now",
            gain_of(addresses)
        ),
    );
    let named: BTreeSet<String> = single_server_sites
        .iter()
        .map(|site| format!("`{site}`"))
        .collect();
    let named: Vec<String> = named.into_iter().collect();
    let number = u64::try_from(single_server_sites.len()).unwrap_or(u64::MAX);
    hold(
        Limit::MaxSingleServerSites,
        *max_single_server_sites,
        number,
        format!(
            "{} left with a single package or task server, or none: {}",
            if number == 1 {
                "1 site is".to_owned()
            } else {
                format!("{number} sites are")
            },
            named.join(", ")
        ),
    );
    if let Some(share) = max_changed_percent {
        crossings.extend(too_many_changed(changes, *share));
    }
    crossings
}

/// `1 address gets`, `256 addresses get`.
fn gain_of(addresses: u64) -> String {
    match addresses {
        1 => "1 address gets".to_owned(),
        _ => format!("{addresses} addresses get"),
    }
}

/// The kinds of which a plan changes more than a share of what exists.
fn too_many_changed(
    changes: &BTreeMap<CountedKind, Portion>,
    share: Share,
) -> impl Iterator<Item = Crossing> {
    let limit = Limit::MaxChangedPercent;
    changes.iter().filter_map(move |(kind, portion)| {
        let Portion { some, of } = *portion;
        // Where it cannot be read how many there are, the floor alone is sure.
        let allowed = share.of(of.unwrap_or(0));
        if some <= allowed {
            return None;
        }
        let Share { percent, floor } = share;
        let found = of.map_or(100, |of| percentage(some, of));
        let all = match of {
            Some(of) => format!("{some} of {} ({found} %)", amount(of, *kind)),
            None => format!("{}, of how many could not be read", amount(some, *kind)),
        };
        let by_percent = of.is_some_and(|of| part(of, percent.into()) >= floor.into());
        let allows = if by_percent {
            format!("{percent} %")
        } else {
            "its floor".to_owned()
        };
        Some(Crossing {
            limit,
            set: percent.into(),
            found,
            told: format!(
                "this plan changes or deletes {all}, where `{limit}` allows {allowed} ({allows})"
            ),
        })
    })
}

/// The least percentage of which a part is within its share.
fn percentage(some: u64, of: u64) -> u64 {
    let exact = (u128::from(some) * 100).div_ceil(u128::from(of.max(1)));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

fn told_of(freeze: &Freeze) -> String {
    let why = freeze
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"));
    format!("the workspace is frozen {freeze}{why}")
}

fn blocks(id: &str, message: String, remedy: String) -> Note {
    note(Severity::Error, Standing::Blocks, id, message, remedy)
}

fn let_through(id: &str, told: &str, word: Word<'_>) -> Note {
    let Word { limit, to, why, by } = word;
    let up_to = limit.map_or_else(String::new, |_| format!(" up to {to}"));
    note(
        Severity::Warning,
        Standing::Remains,
        id,
        format!("{told}; let through{up_to} by {by}: {why}"),
        String::new(),
    )
}

fn note(severity: Severity, standing: Standing, id: &str, message: String, remedy: String) -> Note {
    Note {
        severity,
        standing,
        id: id.to_owned(),
        message,
        remedy,
        sources: Vec::new(),
        places: Vec::new(),
        allowed: None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::PlanFile;
    use super::*;
    use crate::model::testing::*;
    use crate::model::{Desired, Held, Override};
    use crate::plan::{Inputs, make};

    /// HQ and Lab with two servers each, two subnets each, all of them ours; 20 clients in Lab.
    fn offices() -> Seen {
        world()
            .server("S1", &["10.1.0.1"], "package task")
            .server("S2", &["10.9.0.1"], "package task")
            .server("S3", &["10.9.0.2"], "package task")
            .site("HQ")
            .assign("HQ", &["S1", "S2"])
            .site("Lab")
            .assign("Lab", &["S3", "S2"])
            .subnet("10.1.0.0/24", &["HQ"])
            .subnet("10.2.0.0/24", &["HQ"])
            .subnet("10.3.0.0/24", &["Lab"])
            .subnet("10.4.0.0/24", &["Lab"])
            .owns_site("HQ", Held::Created)
            .owns_site("Lab", Held::Created)
            .owns_subnet("10.1.0.0/24", Held::Created)
            .owns_subnet("10.2.0.0/24", Held::Created)
            .owns_subnet("10.3.0.0/24", Held::Created)
            .owns_subnet("10.4.0.0/24", Held::Created)
            .clients(20, "10.3.0.10", None)
    }

    fn as_it_is() -> Desired {
        desired()
            .site("HQ")
            .subnets("HQ", &["10.1.0.0/24", "10.2.0.0/24"])
            .servers("HQ", &["S1", "S2"])
            .site("Lab")
            .subnets("Lab", &["10.3.0.0/24", "10.4.0.0/24"])
            .servers("Lab", &["S2", "S3"])
    }

    /// Lab is no longer declared.
    fn without_lab() -> Desired {
        let mut wanted = as_it_is();
        wanted.sites.retain(|name, _| name.as_str() != "Lab");
        wanted
    }

    fn overriding(words: &[&str]) -> Overrides {
        let words: Vec<Override> = words.iter().map(|word| word.parse().unwrap()).collect();
        Overrides::of(&words, "ticket 4711", "kim")
    }

    const NOW: &str = "2026-12-24T09:00:00Z";

    fn made_at(now: &str, wanted: &Desired, safety: &Safety, words: &[&str]) -> Plan {
        made_of(now, wanted, &offices(), safety, words)
    }

    fn made_of(now: &str, wanted: &Desired, seen: &Seen, safety: &Safety, words: &[&str]) -> Plan {
        let overrides = overriding(words);
        make(&Inputs {
            desired: wanted,
            snapshot: &seen.snapshot,
            ownership: &seen.ownership,
            takeover: true,
            allow_stranded: u64::MAX,
            safety,
            acceptance: None,
            overrides: (!words.is_empty()).then_some(&overrides),
            now: now.parse().unwrap(),
            stale_since: None,
            narrowing: None,
            lineage: "test",
            serial: 7,
            journal_sequence: 41,
            tool_version: "0.0.0",
        })
        .unwrap()
    }

    fn saved_and_read(plan: &Plan) -> Plan {
        let text = PlanFile::seal(plan, "2026-11-25T20:00:00Z").write();
        PlanFile::read(&text).unwrap().plan()
    }

    /// What is said of limits: `!` blocks, `-` is let through; and the records of words.
    fn told(plan: &Plan) -> Vec<String> {
        let notes = plan.notes.iter().filter(|note| is_of_limits(&note.id));
        let notes = notes.map(|note| match note.standing {
            Standing::Blocks => format!("! {}", note.message),
            _ => format!("- {}", note.message),
        });
        let records = plan.steps.iter().filter_map(|step| match &step.action {
            Action::Record(Record::Override { set, found, to, .. }) => {
                Some(format!("{}: {set} {found} {to}", step.id))
            }
            Action::Record(Record::Thaw { .. }) => Some(step.id.to_string()),
            _ => None,
        });
        notes.chain(records).collect()
    }

    fn set(change: impl FnOnce(&mut Safety)) -> Safety {
        let mut safety = Safety::default();
        change(&mut safety);
        safety
    }

    /// A limit of N−1 blocks, with the number N in the remedy; one of N, or a word for N, lets through.
    #[track_caller]
    fn check(wanted: &Desired, limit: Limit, most: u64, message: &str) {
        let field = |allowed| {
            set(|safety| match limit {
                Limit::MaxDeletes => safety.max_deletes = allowed,
                Limit::MaxRehomedClients => safety.max_rehomed_clients = allowed,
                Limit::MaxRehomedAddresses => safety.max_rehomed_addresses = allowed,
                Limit::MaxSingleServerSites => safety.max_single_server_sites = allowed,
                Limit::MaxChangedPercent => {
                    safety.max_changed_percent = allowed.map(|percent| Share {
                        percent: u8::try_from(percent).unwrap(),
                        floor: 0,
                    });
                }
            })
        };
        let made = |safety: &Safety, words: &[&str]| made_at(NOW, wanted, safety, words);
        assert_eq!(told(&made(&field(None), &[])), [""; 0]);
        assert_eq!(told(&made(&field(Some(most)), &[])), [""; 0]);
        let less = field(Some(most - 1));
        let blocked = made(&less, &[]);
        assert_eq!(told(&blocked), [format!("! {message}")]);
        assert!(blocked.is_blocked());
        let word = format!("{limit}={most}");
        let remedies = blocked.notes.iter().map(|note| note.remedy.as_str());
        let remedy = format!("`--override {word} --reason TEXT`");
        assert!(remedies.filter(|it| it.contains(&remedy)).count() == 1);
        // What is shown is the whole plan all the same.
        assert_eq!(blocked.changes, made(&field(None), &[]).changes);
        let short = format!("{limit}={}", most - 1);
        assert!(made(&less, &[&short]).is_blocked());
        let passed = made(&less, &[&word]);
        assert!(!passed.is_blocked());
        assert_eq!(
            told(&passed),
            [
                format!("- {message}; let through up to {most} by kim: ticket 4711"),
                format!("override:{limit}: {} {most} {most}", most - 1)
            ]
        );
        // It can be saved and read.
        assert_eq!(saved_and_read(&passed), passed);
        // Nothing is written before the word is.
        let first = passed.steps.first().unwrap();
        assert_eq!(first.id.0, format!("override:{limit}"));
        assert!(
            passed
                .steps
                .iter()
                .skip(1)
                .all(|step| !step.depends_on.is_empty())
        );
        // A word for another limit is none for this one.
        assert!(made(&less, &["freeze"]).is_blocked());
    }

    #[test]
    fn deletions() {
        check(
            &without_lab(),
            Limit::MaxDeletes,
            3,
            "this plan deletes 1 site and 2 subnets, where `maxDeletes` allows 2",
        );
    }

    #[test]
    fn changes_in_percent() {
        check(
            &as_it_is().describe("HQ", "the office"),
            Limit::MaxChangedPercent,
            50,
            "this plan changes or deletes 1 of 2 sites (50 %), where `maxChangedPercent` allows 0 (49 %)",
        );
    }

    #[test]
    fn clients_and_addresses_with_other_servers() {
        let wanted = as_it_is().servers("Lab", &["S3"]);
        check(
            &wanted,
            Limit::MaxRehomedClients,
            20,
            "20 clients get other package or task servers than now, where `maxRehomedClients` allows 19",
        );
        check(
            &wanted,
            Limit::MaxRehomedAddresses,
            512,
            "512 addresses get other package or task servers than now, where `maxRehomedAddresses` allows 511",
        );
    }

    #[test]
    fn sites_with_a_single_server() {
        check(
            &as_it_is().servers("Lab", &["S3"]).servers("HQ", &[]),
            Limit::MaxSingleServerSites,
            2,
            "2 sites are left with a single package or task server, or none: `HQ`, `Lab`, where `maxSingleServerSites` allows 1",
        );
    }

    #[test]
    fn every_address_counts_where_clients_are_not_known() {
        let seen = offices().but(|snapshot| {
            snapshot.surroundings.clients = crate::model::Observed::Unavailable("no report".into());
        });
        let wanted = as_it_is().servers("Lab", &["S3"]);
        let safety = set(|safety| safety.max_rehomed_clients = Some(511));
        let plan = made_of(NOW, &wanted, &seen, &safety, &[]);
        assert_eq!(
            told(&plan),
            [
                "! 512 addresses get other package or task servers than now, and which clients there are could not be \
                 read, so that each counts, where `maxRehomedClients` allows 511"
            ]
        );
    }

    #[test]
    fn a_small_world_may_change_up_to_the_floor() {
        let percent = |percent, floor| {
            set(|safety| safety.max_changed_percent = Some(Share { percent, floor }))
        };
        let made =
            |safety: &Safety, words: &[&str]| told(&made_at(NOW, &without_lab(), safety, words));
        assert_eq!(made(&percent(0, 2), &[]), [""; 0]);
        let floor = "this plan changes or deletes 2 of 4 subnets (50 %), where `maxChangedPercent` allows 1 (its floor)";
        assert_eq!(made(&percent(10, 1), &[]), [format!("! {floor}")]);
        assert_eq!(made(&percent(50, 0), &[]), [""; 0]);
        // One word lets every kind through, and is recorded once, with the most of them.
        let both = made(&percent(10, 0), &["maxChangedPercent=50"]);
        assert_eq!(both.len(), 3, "{both:?}");
        assert_eq!(both[2], "override:maxChangedPercent: 10 50 50");
    }

    #[test]
    fn what_cannot_be_counted_is_held_against_the_floor() {
        let portion = |some, of| BTreeMap::from([(CountedKind::Servers, Portion { some, of })]);
        let told = |some, of, floor| {
            let share = Share { percent: 50, floor };
            let crossing = too_many_changed(&portion(some, of), share).next();
            crossing.map(|crossing| (crossing.found, crossing.told))
        };
        assert_eq!(told(3, None, 3), None);
        assert_eq!(
            told(4, None, 3),
            Some((
                100,
                "this plan changes or deletes 4 servers, of how many could not be read, where `maxChangedPercent` \
                 allows 3 (its floor)"
                    .into()
            ))
        );
        assert_eq!(told(4, Some(8), 3), None);
    }

    #[test]
    fn a_percentage_is_the_least_that_is_enough() {
        for of in 1..60 {
            for some in 1..=of {
                let least = percentage(some, of);
                assert!(
                    part(of, least) >= some && part(of, least - 1) < some,
                    "{some} of {of}"
                );
            }
        }
    }

    fn christmas() -> Safety {
        set(|safety| {
            safety.freeze.push(Freeze {
                from: "2026-12-20".into(),
                to: "2027-01-03".into(),
                zone: "Europe/Berlin".into(),
                begins: "2026-12-19T23:00:00Z".parse().unwrap(),
                ends: "2027-01-03T23:00:00Z".parse().unwrap(),
                reason: Some("nobody is there".into()),
            });
        })
    }

    const FROZEN: &str =
        "the workspace is frozen from 2026-12-20 to 2027-01-03 (Europe/Berlin): nobody is there";

    #[test]
    fn a_frozen_workspace_changes_nothing() {
        let wanted = as_it_is().describe("HQ", "the office");
        let told_at = |now: &str, words: &[&str]| told(&made_at(now, &wanted, &christmas(), words));
        assert_eq!(told_at("2026-12-19T22:59:59Z", &[]), [""; 0]);
        assert_eq!(told_at(NOW, &[]), [format!("! {FROZEN}")]);
        assert_eq!(told_at(NOW, &["maxDeletes=99"]), [format!("! {FROZEN}")]);
        assert_eq!(told_at("2027-01-03T23:00:00Z", &[]), [""; 0]);
        assert_eq!(
            told_at(NOW, &["freeze"]),
            [
                format!("- {FROZEN}; let through by kim: ticket 4711"),
                "override:freeze".to_owned()
            ]
        );
    }

    #[test]
    fn a_plan_that_changes_nothing_is_within_every_limit() {
        let mut safety = christmas();
        safety.max_deletes = Some(0);
        let seen = offices().owns_site("HQ", Held::Adopted);
        // HQ is protected: a record, and nothing else.
        let wanted = as_it_is().prevent_destroy("HQ", true);
        let plan = made_of(NOW, &wanted, &seen, &safety, &[]);
        assert_eq!(plan.steps.len(), 1);
        assert_eq!(told(&plan), [""; 0]);
        assert!(frozen(&plan, &safety, NOW.parse().unwrap()).is_none());
    }

    #[test]
    fn a_saved_plan_is_judged_by_the_limits_and_the_time_of_now() {
        let wanted = without_lab();
        let again = |plan: &Plan, safety: &Safety, now: &str, words: &[&str]| {
            let overrides = overriding(words);
            judge_again(
                plan.clone(),
                Bounds {
                    safety,
                    overrides: (!words.is_empty()).then_some(&overrides),
                    now: now.parse().unwrap(),
                },
            )
        };
        let (before, during) = ("2026-12-01T00:00:00Z", NOW);
        let free = made_at(before, &wanted, &christmas(), &[]);
        // The window begins, and ends.
        assert_eq!(
            told(&again(&free, &christmas(), during, &[])),
            [format!("! {FROZEN}")]
        );
        assert_eq!(again(&free, &christmas(), before, &[]), free);
        let blocked = made_at(during, &wanted, &christmas(), &[]);
        assert_eq!(again(&blocked, &christmas(), before, &[]), free);
        // Somebody lets it through when it is made, or when it is applied.
        let thawed = made_at(during, &wanted, &christmas(), &["freeze"]);
        assert_eq!(saved_and_read(&thawed), thawed);
        assert_eq!(again(&blocked, &christmas(), during, &["freeze"]), thawed);
        assert_eq!(again(&thawed, &christmas(), during, &[]), thawed);
        // A word of each is recorded once.
        assert_eq!(again(&thawed, &christmas(), during, &["freeze"]), thawed);
        assert!(frozen(&free, &christmas(), during.parse().unwrap()).is_some());
        assert!(frozen(&thawed, &christmas(), during.parse().unwrap()).is_none());
        // The limit is lowered meanwhile, and what was said for less is not enough.
        let deletes = |most| set(|safety| safety.max_deletes = Some(most));
        let two = again(&free, &deletes(2), before, &[]);
        assert!(two.is_blocked());
        assert_eq!(two.steps, free.steps);
        let word = again(&free, &deletes(2), before, &["maxDeletes=3"]);
        assert!(!word.is_blocked());
        assert_eq!(
            word,
            made_at(before, &wanted, &deletes(2), &["maxDeletes=3"])
        );
        let mut short = word.clone();
        if let Action::Record(Record::Override { to, .. }) = &mut short.steps[0].action {
            *to = 2;
        }
        assert!(again(&short, &deletes(2), before, &[]).is_blocked());
        assert_eq!(again(&short, &deletes(2), before, &["maxDeletes=3"]), word);
    }

    #[test]
    fn who_is_in_a_site_that_goes_is_counted() {
        let plan = made_at(NOW, &without_lab(), &Safety::default(), &[]);
        let lab = plan
            .changes
            .iter()
            .find(|change| change.name == "Lab")
            .unwrap();
        let extent = Extent {
            addresses: 512,
            clients: Some(20),
        };
        assert_eq!(lab.holds, Some(extent));
        let others = plan.changes.iter().filter(|change| change.name != "Lab");
        assert!(
            others.count() > 0 && plan.changes.iter().filter(|c| c.holds.is_some()).count() == 1
        );
        let notes = |plan: &Plan| -> Vec<String> {
            let notes = plan.notes.iter();
            notes
                .filter(|note| note.id == "deleted-with-clients")
                .map(|note| note.message.clone())
                .collect()
        };
        assert_eq!(
            notes(&plan),
            [
                "site `Lab` is deleted with 20 clients and 512 addresses in it, 20 of whom are in no site afterwards: \
                 `PC001.corp.example`, `PC002.corp.example`, `PC003.corp.example`, others"
            ]
        );
        // Somebody takes them in.
        let wanted = without_lab().subnets("HQ", &["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"]);
        let plan = made_at(NOW, &wanted, &Safety::default(), &[]);
        assert_eq!(
            notes(&plan),
            [
                "site `Lab` is deleted with 20 clients and 512 addresses in it: `PC001.corp.example`, \
                 `PC002.corp.example`, `PC003.corp.example`, others"
            ]
        );
        // Nobody is there, or nobody knows.
        let none = offices().but(|snapshot| known(&mut snapshot.surroundings.clients).clear());
        let plan = made_of(NOW, &without_lab(), &none, &Safety::default(), &[]);
        assert_eq!(notes(&plan), [""; 0]);
        let unread = offices().but(|snapshot| {
            snapshot.surroundings.clients = crate::model::Observed::Unavailable("no report".into());
        });
        let plan = made_of(NOW, &without_lab(), &unread, &Safety::default(), &[]);
        assert_eq!(
            notes(&plan),
            [
                "site `Lab` is deleted with 512 addresses in it, and which clients there are could not be read"
            ]
        );
    }

    #[test]
    fn a_protection_is_taken_off_before_anything_is_deleted() {
        let seen = offices().protected();
        let wanted = as_it_is()
            .subnets("Lab", &["10.3.0.0/24"])
            .prevent_destroy("Lab", false);
        let plan = made_of(NOW, &wanted, &seen, &Safety::default(), &[]);
        let position = |id: &str| plan.steps.iter().position(|step| step.id.0 == id).unwrap();
        let (off, delete) = (
            position("protect-site:Lab"),
            position("delete-subnet:10.4.0.0/24"),
        );
        let on = u32::try_from(off).unwrap();
        assert!(plan.steps[delete].depends_on.contains(&on));
    }
}
