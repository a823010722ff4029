//! What only an example can show: what an item held before and after a person changed one thing in the console, as an
//! entry of the server profile.
//!
//! Pure. The person makes the change, then the opposite; what went there and back is what was changed, and whatever
//! else changed is noise. What cannot be attributed is refused and shown.
//!
//! Reading order: `session` (what is learned, what was seen so far, what comes next), `conclude` (what was seen → what
//! is learned), `setting` and `listed` (one difference → where a value stands).

mod conclude;
mod listed;
mod session;
mod setting;
#[cfg(test)]
mod tests;

pub use conclude::{LearnError, Learned, Shown};
pub use session::{Joined, Look, LookedAt, Pair, Session, SessionError, Stage, Subject, Thing};
