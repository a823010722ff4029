//! Explanations, runs and the like as JSON, and the JSON Schemas of what is written. Plans are written by
//! [`PlanFile::write`].
//!
//! Pure. The same input gives the same bytes.

use crate::explain::{Explanation, Serving};
use crate::journal::{Audit, RunRecord};
use crate::plan::PlanFile;

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

pub(super) fn pretty(value: &impl serde::Serialize) -> String {
    // Neither a map with keys that are no strings nor a failing writer is possible here.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// The JSON Schema of plan files, with a final newline.
#[must_use]
pub fn schema() -> String {
    pretty(&schemars::schema_for!(PlanFile))
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
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::plan::Plan;
    use crate::render::sample;

    const TIME: &str = "2026-11-25T12:00:00Z";

    fn written(plan: &Plan) -> String {
        PlanFile::seal(plan, TIME).write()
    }

    /// A file with other bytes in it and the digest that belongs to them, as somebody would make it on purpose.
    fn forged(plan: &Plan, from: &str, to: &str) -> String {
        let text = written(plan);
        assert!(text.contains(from), "{from}");
        let file: PlanFile = serde_json::from_str(&text.replace(from, to)).unwrap();
        PlanFile::seal(&file.plan(), TIME).write()
    }

    #[test]
    fn plan_files_are_read_as_they_were_written() {
        for one in [
            sample::flat_lan(),
            sample::everything(),
            sample::records_only(),
            sample::huge(300),
        ] {
            let text = written(&one);
            let file = PlanFile::read(&text).unwrap();
            assert_eq!(file.created_at, TIME);
            assert_eq!(file.digest, one.digest());
            assert_eq!(file.write(), text);
            assert_eq!(file.plan(), one);
        }
    }

    #[test]
    fn the_digest_is_that_of_the_plan_and_not_of_the_time() {
        let plan = sample::flat_lan();
        let later = PlanFile::seal(&plan, "2027-01-01T00:00:00Z");
        assert_eq!(later.digest, PlanFile::seal(&plan, TIME).digest);
        // What docs/plans.md tells whoever computes it with other means: the file without the two, and without blanks.
        let compact: String = later
            .write()
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.starts_with("\"createdAt\"") && !line.starts_with("\"digest\""))
            .map(|line| line.replacen("\": ", "\":", 1))
            .collect();
        let hash = Sha256::digest(format!("{compact}\n"));
        let bytes: Vec<u8> = (0..64)
            .step_by(2)
            .map(|at| u8::from_str_radix(&later.digest[at..at + 2], 16).unwrap())
            .collect();
        assert_eq!(bytes, hash.to_vec());
        let mut others = [plan.clone(), plan.clone(), plan.clone(), plan.clone()];
        others[0].serial += 1;
        others[1].notes.clear();
        others[2].steps.truncate(3);
        others[3].tool_version.push('x');
        for other in others {
            assert_ne!(other.digest(), plan.digest());
        }
    }

    fn check(text: &str, code: &str, expect: &str) {
        let error = PlanFile::read(text).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(expect), "{error}");
    }

    #[test]
    fn says_what_is_wrong_with_a_plan_file() {
        let good = written(&sample::flat_lan());
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
            "{\"formatVersion\": 5, \"toolVersion\": \"9.1.0\", \"news\": []}",
            "SW0592",
            "expected format version 4, found 5, written by version `9.1.0`",
        );
        check(
            "{\"formatVersion\": 3, \"toolVersion\": \"0.0.9\"}",
            "SW0641",
            "found the older 3, written by version `0.0.9`",
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
    }

    #[test]
    fn a_plan_file_that_was_changed_is_refused() {
        let plan = sample::flat_lan();
        let good = written(&plan);
        check(
            &good.replace("\"serial\": 7", "\"serial\": 8"),
            "SW0640",
            "expected the digest",
        );
        check(
            &good.replace("192.168.10.0/24", "192.168.11.0/24"),
            "SW0640",
            "changed since it was written",
        );
        // What no part of the program reads is no less a change.
        let more = good.replacen("\"id\":", "\"approved\": true,\n      \"id\":", 1);
        check(&more, "SW0640", "more than is read");
        // Blanks and the time are nobody's business.
        let value: serde_json::Value = serde_json::from_str(&good).unwrap();
        assert!(PlanFile::read(&value.to_string()).is_ok());
        assert!(PlanFile::read(&good.replace("2026-11-25T12", "2026-11-25T13")).is_ok());
        // Another plan with its own digest is another plan, not a changed one.
        assert!(PlanFile::read(&forged(&plan, "192.168.10.0/24", "192.168.11.0/24")).is_ok());
    }

    #[test]
    fn steps_that_contradict_each_other_are_refused() {
        let mut odd = sample::flat_lan();
        odd.steps[0].depends_on = vec![1];
        check(&written(&odd), "SW0594", "a later one");
        let mut odd = sample::flat_lan();
        odd.steps[1].id = odd.steps[0].id.clone();
        check(&written(&odd), "SW0594", "found it twice");
    }

    #[test]
    fn plans_fit_their_schema() {
        let schema = serde_json::from_str(&schema()).unwrap();
        for one in [sample::flat_lan(), sample::everything()] {
            let instance =
                serde_json::from_str(&PlanFile::seal(&one, "2026-11-25T12:00:00Z").write())
                    .unwrap();
            jsonschema::validate(&schema, &instance).unwrap();
        }
    }

    #[test]
    fn schemas_are_fresh() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        for (name, schema) in [
            ("plan.json", schema()),
            ("events.json", crate::render::lines::schema()),
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
