//! The store in a PostgreSQL database, for several machines that look after the same platforms.
//!
//! I/O, through `link`, which connects, and again where a connection is lost. `schema` makes the tables, `lease` is the
//! lock, `by_hand` what the commands on states need. A row a saved state, a row a journal record. What was asked and not
//! answered is looked for before it is asked again: each statement below says how.

#[cfg(feature = "postgres")]
mod by_hand;
mod error;
#[cfg(feature = "postgres")]
mod lease;
#[cfg(feature = "postgres")]
mod link;
#[cfg(feature = "postgres")]
mod schema;
#[cfg(feature = "postgres")]
mod store;

pub use error::{Cause, DatabaseError};
#[cfg(feature = "postgres")]
pub use link::Postgres;
#[cfg(feature = "postgres")]
pub(in crate::state) use store::PostgresBackend;
