//! Comments that call a finding fine as it is: notes and comments → notes that say so.
//!
//! Pure. A comment silences a warning or a remark, never an error, and never silently: its reason stays with the
//! finding. A comment that silences nothing is itself a finding, where that can be told.

use super::{Check, Phase};
use crate::model::Allowed;
use crate::plan::{Allowance, Note, Severity, Standing};

/// What is found about comments. It has nothing to look for in a world: [`allow`] sees what the other checks found.
pub(super) const CHECKS: &[Check] = &[Check {
    id: UNUSED,
    severity: "info",
    phases: &[Phase::Declared, Phase::Live],
    holds_when: "a comment in a manifest allows a finding, and there is no such finding in what it covers",
    explanation: "A comment `# sitewright: allow ID reason=\"…\"` covers the document or the field below it, or the field \
             on its own line. A finding is silenced where one of the places that it names lies there. A comment that \
             silences nothing would hide a fault that comes back later for another reason: take it away, or move it to \
             where the finding is said. `validate` without a server judges only comments about checks that need none.",
    sources: &[],
    run: |_| Vec::new(),
}];

const UNUSED: &str = "unused-allow";

/// Whether a comment can allow what a check finds: not where it finds errors only, nor what it finds about comments.
#[must_use]
pub fn can_be_allowed(check: &Check) -> bool {
    check.severity != "error" && check.id != UNUSED
}

/// Marks what the comments allow. `judged` holds the phases that were run on what is declared: a comment is called
/// useless only where everything was run that could use it.
pub(super) fn allow(notes: &mut Vec<Note>, allowed: &[Allowed], judged: &[Phase]) {
    let mut useless = Vec::new();
    for comment in allowed {
        let mut used = false;
        for note in notes.iter_mut().filter(|note| note.id == comment.check) {
            if !note.places.iter().any(|place| comment.covers(place)) {
                continue;
            }
            used = true;
            silence(note, comment);
        }
        if !used {
            useless.extend(unused(comment, notes, judged));
        }
    }
    notes.append(&mut useless);
}

fn silence(note: &mut Note, comment: &Allowed) {
    match (note.severity, note.standing) {
        // What the plan mends needs no word about who may overlook it.
        (Severity::Error, Standing::Resolved) => {}
        (Severity::Error, Standing::Blocks | Standing::Remains | Standing::Existing) => {
            let remark = format!(
                "an error cannot be allowed: the comment at `{}` has no effect",
                comment.origin
            );
            note.remedy = if note.remedy.is_empty() {
                remark
            } else {
                format!("{}; {remark}", note.remedy)
            };
        }
        (Severity::Warning | Severity::Info, _) => {
            // The first of several comments is the one that is shown.
            note.allowed.get_or_insert_with(|| Allowance {
                reason: comment.reason.clone(),
                place: comment.origin.clone(),
            });
        }
    }
}

/// Says that a comment silences nothing, where that is certain.
fn unused(comment: &Allowed, notes: &[Note], judged: &[Phase]) -> Option<Note> {
    let check = super::checks().find(|check| check.id == comment.check)?;
    // A finding in the same file that nothing silences yet: the comment probably stands in the wrong place.
    let elsewhere = notes
        .iter()
        .filter(|note| note.id == comment.check && note.allowed.is_none())
        .flat_map(|note| &note.places)
        .find(|place| place.file == comment.origin.file);
    let told = check.phases.iter().all(|phase| judged.contains(phase));
    if !told && elsewhere.is_none() {
        return None;
    }
    Some(Note {
        severity: Severity::Info,
        standing: Standing::Remains,
        id: UNUSED.into(),
        message: format!("the comment that allows `{}` silences nothing", check.id),
        remedy: elsewhere.map_or_else(
            || "take the comment away".into(),
            |place| format!("take it away, or move it above `{place}`, where the finding is said"),
        ),
        sources: Vec::new(),
        places: vec![comment.origin.clone()],
        allowed: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    fn origin(line: u32) -> Origin {
        Origin {
            file: "sites.yaml".into(),
            line,
            column: 3,
        }
    }

    fn note(id: &str, severity: Severity, line: u32) -> Note {
        Note {
            severity,
            standing: if severity == Severity::Error {
                Standing::Blocks
            } else {
                Standing::Remains
            },
            id: id.into(),
            message: "something".into(),
            remedy: "mend it".into(),
            sources: Vec::new(),
            places: vec![origin(line)],
            allowed: None,
        }
    }

    fn comment(check: &str, at: u32, lines: (u32, u32)) -> Allowed {
        Allowed {
            origin: origin(at),
            check: check.into(),
            reason: format!("because of {at}"),
            lines,
        }
    }

    const ALL: &[Phase] = &[Phase::Declared, Phase::Live];

    /// What becomes of notes: id, reason or remedy.
    fn check(notes: &[Note], allowed: &[Allowed], judged: &[Phase], expect: &[(&str, &str)]) {
        let mut notes = notes.to_vec();
        allow(&mut notes, allowed, judged);
        let found: Vec<(&str, &str)> = notes
            .iter()
            .map(|note| {
                let said = note.allowed.as_ref().map(|allowed| allowed.reason.as_str());
                (note.id.as_str(), said.unwrap_or(&note.remedy))
            })
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn what_lies_in_the_range_is_silenced() {
        let warning = note("flat-lan", Severity::Warning, 5);
        let notes = [warning.clone()];
        check(
            &notes,
            &[comment("flat-lan", 1, (2, 5))],
            ALL,
            &[("flat-lan", "because of 1")],
        );
        // The first of two is shown, and both are used.
        check(
            &notes,
            &[
                comment("flat-lan", 1, (2, 9)),
                comment("flat-lan", 4, (5, 5)),
            ],
            ALL,
            &[("flat-lan", "because of 1")],
        );
        check(
            &notes,
            &[comment("flat-lan", 1, (2, 4))],
            ALL,
            &[
                ("flat-lan", "mend it"),
                (
                    UNUSED,
                    "take it away, or move it above `sites.yaml:5:3`, where the finding is said",
                ),
            ],
        );
        check(
            &notes,
            &[comment("subnet-overlap", 1, (2, 9))],
            ALL,
            &[("flat-lan", "mend it"), (UNUSED, "take the comment away")],
        );
    }

    #[test]
    fn another_file_is_not_covered() {
        let mut other = note("flat-lan", Severity::Warning, 5);
        other.places = vec![Origin {
            file: "other.yaml".into(),
            line: 5,
            column: 3,
        }];
        check(
            &[other],
            &[comment("flat-lan", 1, (2, 9))],
            ALL,
            &[("flat-lan", "mend it"), (UNUSED, "take the comment away")],
        );
    }

    #[test]
    fn an_error_stays() {
        check(
            &[note("flat-lan", Severity::Error, 5)],
            &[comment("flat-lan", 4, (5, 5))],
            ALL,
            &[(
                "flat-lan",
                "mend it; an error cannot be allowed: the comment at `sites.yaml:4:3` has no effect",
            )],
        );
    }

    #[test]
    fn what_was_not_looked_at_is_not_called_useless() {
        let comments = [comment("flat-lan", 1, (2, 4))];
        check(&[], &comments, &[Phase::Declared], &[]);
        check(&[], &comments, &[], &[]);
        check(&[], &comments, ALL, &[(UNUSED, "take the comment away")]);
    }
}
