//! Findings × what is kept on this side → lines.
//!
//! Pure. The order is that in which one thing needs the other; what comes after a failure is skipped and says so.

use super::findings::{Findings, Kept};
use super::{FORMAT_VERSION, Line, Report, rights, services, way};

/// Judges what was found.
///
/// # Guarantees
/// The result depends on the arguments only. Every id comes at least once, whatever failed.
#[must_use]
pub fn judge(findings: &Findings, kept: &Kept<'_>) -> Report {
    let Findings {
        url,
        now,
        probe,
        server,
    } = findings;
    let Kept {
        platform,
        profile_file: _, // for `services`
        profile: _,      // likewise
        counted: _,      // for `rights`
        safety: _,       // likewise
    } = kept;
    let mut lines = way::judge(url, probe, *now);
    let failed = first_failure(&lines);
    match (server, failed) {
        (Some(server), None) => {
            lines.extend(services::judge(server, kept));
            let failed = first_failure(&lines);
            lines.extend(rights::judge(server, kept, failed.as_deref()));
        }
        (_, failed) => {
            let because = failed.unwrap_or_else(|| "there was no answer".to_owned());
            lines.extend(services::IDS.map(|id| Line::skipped(id, because.clone())));
            lines.push(services::profile(kept));
            lines.extend(rights::IDS.map(|id| Line::skipped(id, because.clone())));
        }
    }
    Report {
        format_version: FORMAT_VERSION,
        platform: platform.map(ToOwned::to_owned),
        url: url.clone(),
        lines,
    }
}

/// Why what follows cannot be looked at, where something failed.
fn first_failure(lines: &[Line]) -> Option<String> {
    lines
        .iter()
        .find(|line| line.verdict == super::Verdict::Fail && line.id != way::CLOCK)
        .map(|line| format!("`{}` failed", line.id))
}
