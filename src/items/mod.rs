//! The XML of an item as it was exported: how two exports differ, and one with a single value changed.
//!
//! Pure. What is exported is somebody else's: nothing here writes a document anew, it only cuts and inserts.
//!
//! Reading order: `text` (ranges of bytes in a document), `difference` (two exports → where they differ), `place` (where
//! that is, for people and as a path of the profile), `splice` (one value changed, every other byte kept).

mod difference;
mod place;
mod splice;
#[cfg(test)]
mod splice_tests;
mod text;

pub use difference::{Difference, compare, differences};
pub use place::{Leaf, Place, Unaddressed, path_to};
pub use splice::{SpliceError, Wanted, splice};
pub use text::{ItemXmlError, parse};
