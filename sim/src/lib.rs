//! A simulated Symantec Management Platform, for trying things out and for tests.
//!
//! `world` is the server's inside: a CMDB in `SQLite` that lives by a clock of its own. `wire` turns bytes into calls and
//! back, `services` joins calls to the world, `server` listens, `cli` is `sitewright sim`. The crate shares no code with
//! the program under test, takes everything that no public document says from a seed, and has switches that make false
//! what a client may have assumed. `README.md` says how to use it.

pub mod cli;
mod level;
pub mod server;
pub mod services;
pub mod wire;
pub mod world;

pub use cli::{SimArgs, SimError};
pub use level::{Level, LevelError};
pub use server::{Access, RequestRecord, Server, StartError};
pub use world::scenario::world_schema;
pub use world::{
    Basis, Client, ConsoleAction, Guid, Language, Options, Quirk, Role, RoleServed, Scenario,
    Served, Switch, World, WorldError,
};
