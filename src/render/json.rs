//! Plans as JSON: [`Plan`] ⇄ plan file; explanations as JSON; and the JSON Schemas of what is written.
//!
//! Pure: text in, text out. Same plan, same bytes. A plan file is refused unless every part of it is understood, since
//! whoever applies it makes no choices of their own.

use serde::Deserialize;

use crate::explain::{Explanation, Serving};
use crate::journal::{Audit, RunRecord};
use crate::model::{Event, StepId};
use crate::plan::{FORMAT_VERSION, Plan};

/// Why a text is no plan that can be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// It is no JSON, or ends too early.
    #[error("line {line}, column {column}: expected a plan in JSON: {reason}")]
    Damaged {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the JSON parser says.
        reason: String,
    },
    /// It is JSON and no plan.
    #[error("expected a plan file, found JSON without `formatVersion`")]
    NoPlan,
    /// Another program version wrote it in another format.
    #[error(
        "expected format version {FORMAT_VERSION}, found {found}, written by version `{tool_version}`"
    )]
    Version {
        /// The version of the file's format.
        found: u64,
        /// The version of the program that wrote it, `unknown` where it does not say.
        tool_version: String,
    },
    /// A part of it is missing, unknown or of the wrong type.
    #[error("line {line}, column {column}: `{path}`: {reason}")]
    Structure {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Which part: `steps[3].id`.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its steps contradict each other, so it was not written by this program.
    #[error("step `{step}`: {reason}")]
    Steps {
        /// Which step.
        step: StepId,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl PlanFileError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Damaged {
                line: _,
                column: _,
                reason: _,
            } => "SW0590",
            Self::NoPlan => "SW0591",
            Self::Version {
                found: _,
                tool_version: _,
            } => "SW0592",
            Self::Structure {
                line: _,
                column: _,
                path: _,
                reason: _,
            } => "SW0593",
            Self::Steps { step: _, reason: _ } => "SW0594",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Version {
                found,
                tool_version: _,
            } if *found > u64::from(FORMAT_VERSION) => {
                "a newer program wrote it: apply it with that version, or plan again with this one"
            }
            _ => "write the plan again with `sitewright plan --out FILE`",
        }
    }
}

/// Writes a plan as JSON, with a final newline.
///
/// # Guarantees
/// [`read_plan`] reads the same plan from it. The same plan gives the same bytes.
#[must_use]
pub fn plan(plan: &Plan) -> String {
    pretty(plan)
}

/// Writes what was found out about a platform as JSON, with a final newline.
#[must_use]
pub fn checked(report: &crate::check::Report) -> String {
    pretty(report)
}

/// Writes the runs of a journal as JSON, with a final newline.
#[must_use]
pub fn runs(runs: &[RunRecord]) -> String {
    pretty(&runs)
}

/// Writes one run of a journal as JSON, with a final newline.
#[must_use]
pub fn run(run: &RunRecord) -> String {
    pretty(run)
}

/// Writes what is wrong with a journal as JSON, with a final newline.
#[must_use]
pub fn audit(audit: &Audit) -> String {
    pretty(audit)
}

/// Writes one event as JSON on a single line, without a newline.
#[must_use]
pub fn event(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

/// Writes an explanation as JSON: on a single line, or laid out for one by itself; with a final newline either way.
#[must_use]
pub fn explanation(explanation: &Explanation, single: bool) -> String {
    if single {
        return pretty(explanation);
    }
    let mut text = serde_json::to_string(explanation).unwrap_or_default();
    text.push('\n');
    text
}

/// Writes whom a server serves as JSON, with a final newline.
#[must_use]
pub fn serving(serving: &Serving) -> String {
    pretty(serving)
}

fn pretty(value: &impl serde::Serialize) -> String {
    // Neither a map with keys that are no strings nor a failing writer is possible here.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    format_version: Option<u64>,
    tool_version: Option<String>,
}

/// Reads a plan file.
///
/// # Guarantees
/// The steps of the plan have unique ids and depend on earlier steps only.
///
/// # Errors
/// [`PlanFileError`] says where the file is damaged, or what wrote it where the format is another one.
pub fn read_plan(text: &str) -> Result<Plan, PlanFileError> {
    // Some editors on Windows put a mark before the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| damaged(&e))?;
    // The version comes first: a newer format may hold anything.
    let Ok(Header {
        format_version: Some(found),
        tool_version,
    }) = Header::deserialize(&value)
    else {
        return Err(PlanFileError::NoPlan);
    };
    if found != u64::from(FORMAT_VERSION) {
        return Err(PlanFileError::Version {
            found,
            tool_version: tool_version.unwrap_or_else(|| "unknown".into()),
        });
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let plan: Plan = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        PlanFileError::Structure {
            line: inner.line(),
            column: inner.column(),
            path,
            reason: reason(&inner),
        }
    })?;
    check_steps(plan)
}

fn damaged(error: &serde_json::Error) -> PlanFileError {
    PlanFileError::Damaged {
        line: error.line(),
        column: error.column(),
        reason: reason(error),
    }
}

/// The parser's message without the place, which is said apart.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

fn check_steps(plan: Plan) -> Result<Plan, PlanFileError> {
    let mut seen = std::collections::BTreeSet::new();
    for (position, step) in plan.steps.iter().enumerate() {
        let wrong = |reason| {
            Err(PlanFileError::Steps {
                step: step.id.clone(),
                reason,
            })
        };
        if !seen.insert(&step.id) {
            return wrong("expected every id once, found it twice");
        }
        let later = |on: &u32| usize::try_from(*on).map_or(true, |on| on >= position);
        if step.depends_on.iter().any(later) {
            return wrong("expected `dependsOn` to name earlier steps, found a later one");
        }
    }
    Ok(plan)
}

/// The JSON Schema of plan files, with a final newline.
#[must_use]
pub fn schema() -> String {
    pretty(&schemars::schema_for!(Plan))
}

/// The JSON Schema of the events that `apply` writes, one a line, with a final newline.
#[must_use]
pub fn event_schema() -> String {
    pretty(&schemars::schema_for!(Event))
}

/// The JSON Schema of what `explain` writes, with a final newline.
#[must_use]
pub fn explanation_schema() -> String {
    pretty(&schemars::schema_for!(Explanation))
}

/// The JSON Schema of what `serves` writes, with a final newline.
#[must_use]
pub fn serving_schema() -> String {
    pretty(&schemars::schema_for!(Serving))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    #![allow(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "schema files"
    )]
    use super::*;
    use crate::render::sample;

    #[test]
    fn reads_what_it_writes() {
        for one in [
            sample::flat_lan(),
            sample::everything(),
            sample::records_only(),
            sample::huge(300),
        ] {
            let text = plan(&one);
            assert_eq!(read_plan(&text).unwrap(), one);
            assert_eq!(plan(&read_plan(&text).unwrap()), text);
        }
    }

    fn check(text: &str, code: &str, expect: &str) {
        let error = read_plan(text).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(expect), "{error}");
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        let good = plan(&sample::flat_lan());
        check("", "SW0590", "line 1, column 0");
        check(
            "{\n  \"formatVersion\": 1,\n  x",
            "SW0590",
            "line 3, column 3",
        );
        check(&good[..good.len() / 2], "SW0590", "EOF");
        check("[]", "SW0591", "without `formatVersion`");
        check("{\"apiVersion\": \"v1\"}", "SW0591", "without");
        check(
            "{\"formatVersion\": 4, \"toolVersion\": \"9.1.0\", \"news\": []}",
            "SW0592",
            "expected format version 3, found 4, written by version `9.1.0`",
        );
        check(
            &good.replace("\"serial\"", "\"cereal\""),
            "SW0593",
            "cereal",
        );
        check(
            &good.replace("\"serial\": 7", "\"serial\": \"x\""),
            "SW0593",
            "`serial`",
        );
        check(
            &good
                .replace("\"create-site\"", "\"destroy-site\"")
                .replace("\"action\": \"createSite\"", "\"action\": \"destroySite\""),
            "SW0593",
            "destroySite",
        );
        let mut odd = sample::flat_lan();
        odd.steps[0].depends_on = vec![1];
        check(&plan(&odd), "SW0594", "a later one");
        let mut odd = sample::flat_lan();
        odd.steps[1].id = odd.steps[0].id.clone();
        check(&plan(&odd), "SW0594", "found it twice");
    }

    #[test]
    fn plans_and_events_fit_their_schemas() {
        let schema = serde_json::from_str(&schema()).unwrap();
        for one in [sample::flat_lan(), sample::everything()] {
            let instance = serde_json::from_str(&plan(&one)).unwrap();
            jsonschema::validate(&schema, &instance).unwrap();
        }
        let schema = serde_json::from_str(&event_schema()).unwrap();
        for one in sample::events() {
            let instance = serde_json::from_str(&event(&one)).unwrap();
            jsonschema::validate(&schema, &instance).unwrap();
        }
    }

    #[test]
    fn schemas_are_fresh() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        for (name, schema) in [
            ("plan.json", schema()),
            ("events.json", event_schema()),
            ("explanation.json", explanation_schema()),
            ("serving.json", serving_schema()),
        ] {
            let file = folder.join(name);
            if std::env::var_os("UPDATE_SCHEMAS").is_some_and(|value| value == "1") {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, &schema).unwrap();
            }
            let found = std::fs::read_to_string(&file)
                .unwrap_or_default()
                .replace("\r\n", "\n");
            assert!(
                found == schema,
                "schemas/{name} is out of date: run the tests with UPDATE_SCHEMAS=1"
            );
        }
    }
}
