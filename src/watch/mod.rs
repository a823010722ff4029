//! The loop: looks at platforms again and again, says what is not as declared, and mends what may be mended unattended.
//!
//! `brain` decides, with `pace` (when), `news` (what is new), `drift` (what differs), `status` and `figures` (what whoever
//! asks is told): all of it pure, so that an hour is tried out without a clock. `once` is one attempt at one platform:
//! load, read, plan, and, where the policy allows, apply under the lock of the state. `way` is how it gets to the
//! platform, `source` brings the configuration from a folder or a git repository, `serve` answers over HTTP, `run` waits,
//! tries and talks. One attempt, then sleep: nothing is tried twice within an attempt but what single requests try again.

mod brain;
mod drift;
mod figures;
mod left;
mod news;
mod once;
mod pace;
mod report;
mod run;
mod serve;
mod sight;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod simulated;
mod source;
mod status;
mod way;

pub use brain::{Brain, Said};
pub use drift::{Differences, Differing, differences};
pub use figures::{Figures, KINDS, MEDIA_TYPE, exposition};
pub use news::{News, Told};
pub use once::{Attempt, MakeWriter, Target, reconcile_once};
pub use pace::{Beat, Debounce, Ending, Moment, Pauses};
pub use report::{Conclusion, Report, Sight, Trouble};
pub use run::{Configured, Load, Outside, run};
pub use serve::{Board, Listening, listen};
pub use source::{Commit, Events, Git, Revision, Source, is_branch, is_inside, without_sign_in};
pub use status::{Answer, Configuration, Status};
pub use way::{Open, Proof, Way};
