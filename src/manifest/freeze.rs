//! `freeze` of `safety`: days and times in a time zone → windows between two moments.
//!
//! Pure. Time zones come from the database that the program brings along, so that a window is the same on every
//! machine, whatever is installed there. Where a clock is put back, or an hour is left out, the window is the longer of
//! the two that could be meant.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use schemars::JsonSchema;

use super::decode::{At, Faults, Fields, Written, items, nearest, one, short};
use super::tree::Node;
use crate::model::Freeze;

/// A time in which nothing may change.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the schema is derived from it")]
pub(super) struct FreezeSpec {
    /// Its first day, `2026-12-20`, or its first moment, `2026-12-20T18:00`.
    from: At<Moment>,
    /// Its last day, which belongs to it, or the moment at which it is over.
    to: At<Moment>,
    /// The time zone of both, by its IANA name, such as `Europe/Berlin`.
    zone: At<Zone>,
    /// Why, for whoever runs into it; up to 4,000 characters.
    reason: Option<At<super::decode::Description>>,
}

/// A day, or a time of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Day(Date),
    Time(DateTime),
}

/// The ways in which the time of a day may be written.
const TIMES: [&str; 4] = [
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
];

impl JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^\\d{4}-\\d{2}-\\d{2}([T ]\\d{2}:\\d{2}(:\\d{2})?)?$"
        })
    }
}

impl Written for Moment {
    const EXPECTED: &'static str = "a day such as 2026-12-20 or a time such as 2026-12-20T18:00";
    const CODE: &'static str = "SW0127";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        // Anything longer than a day names a time, and a zone of its own would contradict `zone`.
        let read = if text.len() == "2026-12-20".len() {
            Date::strptime("%Y-%m-%d", text).ok().map(Self::Day)
        } else {
            TIMES
                .iter()
                .find_map(|form| DateTime::strptime(form, text).ok())
                .map(Self::Time)
        };
        read.ok_or_else(|| {
            let message = format!("expected {}, found `{}`", Self::EXPECTED, short(text));
            let rest = text.get("2026-12-20T18:00".len()..).unwrap_or_default();
            let zoned = rest.contains(['Z', '+', '-', '[']);
            let hint = "the time zone stands in `zone`, beside `from` and `to`".to_owned();
            (message, zoned.then_some(hint))
        })
    }
}

/// A time zone of the IANA database.
#[derive(Debug, Clone)]
struct Zone {
    name: String,
    zone: TimeZone,
}

impl JsonSchema for Zone {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

impl Written for Zone {
    const EXPECTED: &'static str = "a time zone such as Europe/Berlin";
    const CODE: &'static str = "SW0128";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        let database = TimeZoneDatabase::bundled();
        if let Ok(zone) = database.get(text) {
            return Ok(Self {
                name: zone.iana_name().unwrap_or(text).to_owned(),
                zone,
            });
        }
        let known: Vec<String> = database
            .available()
            .map(|name| name.as_str().to_owned())
            .collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        Err((
            format!("expected {}, found `{}`", Self::EXPECTED, short(text)),
            nearest(text, &known).map(|right| format!("did you mean `{right}`?")),
        ))
    }
}

/// Reads the windows.
pub(super) fn read(node: &Node<'_>, faults: &mut Faults) -> Vec<Freeze> {
    items(node, "a list of windows", faults)
        .into_iter()
        .flatten()
        .filter_map(|item| window(item, faults))
        .collect()
}

fn window(node: &Node<'_>, faults: &mut Faults) -> Option<Freeze> {
    let what = "a window of `freeze`";
    let mut fields = Fields::of(node, what, faults)?;
    let from = fields.need("from", what, faults);
    let from: Option<At<Moment>> = from.and_then(|node| one(node, faults));
    let to = fields.need("to", what, faults);
    let to: Option<At<Moment>> = to.and_then(|node| one(node, faults));
    let zone = fields.need("zone", what, faults);
    let zone: Option<At<Zone>> = zone.and_then(|node| one(node, faults));
    let reason = fields.take("reason");
    let reason: Option<At<super::decode::Description>> = reason.and_then(|node| one(node, faults));
    fields.finish(what, faults);
    let (from, to, zone) = (from?, to?, zone?.value);
    let moments = begins(from.value, &zone.zone).zip(ends(to.value, &zone.zone));
    let Some((begins, ends)) = moments.filter(|(begins, ends)| begins < ends) else {
        let fault = faults
            .make(
                "SW0139",
                to.span,
                format!(
                    "expected a window to end after it begins, {}, found {}",
                    from.value, to.value
                ),
            )
            .and(from.span.origin(&faults.file), "begins here");
        faults.push(fault);
        return None;
    };
    Some(Freeze {
        from: from.value.to_string(),
        to: to.value.to_string(),
        zone: zone.name,
        begins,
        ends,
        reason: reason.map(|reason| reason.value.0),
    })
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::Time(time) if time.second() == 0 => {
                write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M"))
            }
            Self::Time(time) => write!(f, "{time}"),
        }
    }
}

/// The first moment of a window.
fn begins(from: Moment, zone: &TimeZone) -> Option<Timestamp> {
    match from {
        Moment::Day(day) => first_of(day, zone),
        Moment::Time(time) => zone.to_ambiguous_timestamp(time).earlier().ok(),
    }
}

/// The first moment after a window: the last day belongs to it.
fn ends(to: Moment, zone: &TimeZone) -> Option<Timestamp> {
    match to {
        Moment::Day(day) => first_of(day.checked_add(1.day()).ok()?, zone),
        Moment::Time(time) => zone.to_ambiguous_timestamp(time).later().ok(),
    }
}

/// The first moment of a day, which is not midnight where the clock is put forward at midnight.
fn first_of(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let midnight = day.to_datetime(Time::midnight());
    zone.to_ambiguous_timestamp(midnight).compatible().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn zone(name: &str) -> TimeZone {
        Zone::written(name).unwrap().zone
    }

    #[track_caller]
    fn check(from: &str, to: &str, in_zone: &str, expect: [&str; 2]) {
        let zone = zone(in_zone);
        let moment = |text: &str| Moment::written(text).unwrap();
        let found = [begins(moment(from), &zone), ends(moment(to), &zone)];
        assert_eq!(found.map(|moment| moment.unwrap().to_string()), expect);
    }

    #[test]
    fn days_belong_to_the_window_from_their_first_moment_to_their_last() {
        check(
            "2026-12-20",
            "2027-01-03",
            "Europe/Berlin",
            ["2026-12-19T23:00:00Z", "2027-01-03T23:00:00Z"],
        );
        check(
            "2026-12-20",
            "2026-12-20",
            "Pacific/Auckland",
            ["2026-12-19T11:00:00Z", "2026-12-20T11:00:00Z"],
        );
    }

    #[test]
    fn a_time_is_the_moment_itself() {
        check(
            "2026-12-18T18:00",
            "2026-12-21 06:30:15",
            "Europe/Berlin",
            ["2026-12-18T17:00:00Z", "2026-12-21T05:30:15Z"],
        );
    }

    #[test]
    fn where_the_clock_changes_the_window_is_the_longer_one() {
        // Half past two is there twice on 25 October, and not at all on 29 March.
        check(
            "2026-10-25T02:30",
            "2026-10-25T02:30",
            "Europe/Berlin",
            ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"],
        );
        check(
            "2026-03-29T02:30",
            "2026-03-29T02:30",
            "Europe/Berlin",
            ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"],
        );
        // On this day São Paulo began at one in the morning.
        check(
            "2018-11-04",
            "2018-11-03",
            "America/Sao_Paulo",
            ["2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z"],
        );
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "2026-12-2",
            "2026-13-01",
            "2026-02-30",
            "20.12.2026",
            "2026-12-20T18",
            "2026-12-20T25:00",
            "2026-12-20T18:00Z",
            "2026-12-20T18:00+01:00",
            "2026-12-20T18:00[Europe/Berlin]",
            "tomorrow",
            "",
        ] {
            assert!(Moment::written(text).is_err(), "{text}");
        }
        let (_, hint) = Moment::written("2026-12-20T18:00+01:00").unwrap_err();
        assert_eq!(
            hint.as_deref(),
            Some("the time zone stands in `zone`, beside `from` and `to`")
        );
    }

    #[test]
    fn zones_are_known_by_their_iana_names() {
        assert_eq!(
            Zone::written("europe/berlin").unwrap().name,
            "Europe/Berlin"
        );
        assert_eq!(Zone::written("UTC").unwrap().name, "UTC");
        for text in ["Europe/Berln", "CEST", "+01:00", ""] {
            assert!(Zone::written(text).is_err(), "{text}");
        }
        let (message, hint) = Zone::written("Europe/Berln").unwrap_err();
        assert_eq!(
            message,
            "expected a time zone such as Europe/Berlin, found `Europe/Berln`"
        );
        assert_eq!(hint.as_deref(), Some("did you mean `Europe/Berlin`?"));
    }
}
