//! What the fuzz targets in `fuzz/` call: a function a target, from bytes to nothing or a panic.
//!
//! Pure. Compiled for cargo-fuzz and for tests alone: [`tests`] replays the corpus that is committed, so that what a
//! target claims is also held where there is no nightly compiler. Each claims more than that nothing panics: what is
//! accepted comes back when it is written and read again, the same input gives the same, and what is refused has a
//! code and, where there are lines, a place inside the text.
#![expect(clippy::expect_used, reason = "panicking is how they tell")]

mod expressions;
mod manifests;
mod records;
#[cfg(test)]
mod tests;

pub use expressions::expressions;
pub use manifests::manifests;
pub use records::{journal, plans, profiles, states};

/// A fuzz target.
pub type Target = fn(&[u8]);

/// The targets by the names of their files in `fuzz/fuzz_targets`.
pub const TARGETS: [(&str, Target); 7] = [
    ("answers", answers),
    ("expressions", expressions),
    ("journal", journal),
    ("manifests", manifests),
    ("plans", plans),
    ("profiles", profiles),
    ("states", states),
];

/// Answers of every service: the first byte chooses the parser.
pub fn answers(data: &[u8]) {
    let Some((which, body)) = data.split_first() else {
        return;
    };
    match (which, std::str::from_utf8(body)) {
        (128.., Ok(text)) => crate::smp::fuzzing::item(text),
        _ => crate::smp::fuzzing::answer(*which, body),
    }
}
