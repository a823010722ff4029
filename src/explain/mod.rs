//! Why an address or a client is served as it is, and whom a server serves.
//!
//! Pure. The prediction is that of `select`; this module only asks it and says in names what it answers. Reading
//! order: `answer` and `serving` (what is said), `asked` (what is asked), `explainer`, `server`.

mod answer;
mod asked;
mod explainer;
mod server;
mod serving;
#[cfg(test)]
mod tests;

pub use answer::{
    Alternative, Basis, Candidate, Eligibility, Explanation, Matching, OneOf, Outcome,
    PackageOutcome, Pick, Registered, Roles, Standing,
};
pub use asked::{Asked, AskedError, Directory, Subject};
pub use explainer::Explainer;
pub use server::serves;
pub use serving::{
    Affected, Clients, Held, Loss, Membership, Own, Registrations, Serving, Span, Spans, Use,
};
