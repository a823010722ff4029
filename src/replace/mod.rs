//! One site server takes the place of another in the declarations: new hardware, as article 001's last step has it.
//!
//! ```text
//! sources ─ scan ─ places ─▶ where OLD and NEW stand ─ beside, then finish ─▶ texts
//! ```
//!
//! Pure. Twice the files change, with a plan in between: first the new server is put beside the old one in every list,
//! with the same roles; once it holds the packages, the old one is taken out, and captures go to the new one. Comments,
//! quoting, order and line endings stay. What comes out is read again and compared with what it has to mean; a file
//! that is written in a way that the change does not fit is an error and never a wrong file.

mod error;
mod layout;
mod meaning;
mod places;
mod ready;
mod rewrite;
#[cfg(test)]
mod tests;

pub use error::ReplaceError;
pub use ready::lacking;
pub use rewrite::{Phase, Replaced, Replacement, replace};
