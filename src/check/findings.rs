//! What was found on the way to a server and on it, before anybody judges it.
//!
//! Pure: data.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Count, CountedKind, Platform, Safety};
use crate::observe::RefreshError;
use crate::profile::{BuildChange, Profile, ServiceName};
use crate::smp::{Probe, ReadError};

/// The operations of a service, by its description.
pub type Operations = BTreeSet<String>;

/// What was found.
#[derive(Debug)]
pub struct Findings {
    /// The address.
    pub url: String,
    /// When.
    pub now: Timestamp,
    /// What each step of one connection found.
    pub probe: Probe,
    /// What the server answered; `None` where it was not reached, or refused the sign-in.
    pub server: Option<ServerSeen>,
}

/// What a server that is signed in to answered.
#[derive(Debug)]
pub struct ServerSeen {
    /// The operations of each service, or why its description could not be read.
    pub services: BTreeMap<ServiceName, Result<Operations, ReadError>>,
    /// Whether it is a member of a hierarchy.
    pub hierarchy: Result<bool, ReadError>,
    /// How long small reads took.
    pub latency: Vec<Duration>,
    /// What could be read with the profile; `None` where there is none.
    pub known: Option<KnownServer>,
}

/// What could be read with a profile.
#[derive(Debug)]
pub struct KnownServer {
    /// Which SMP it is.
    pub identity: Result<Platform, RefreshError>,
    /// Whether it is another build than the one that `verified` entries were proven on.
    pub build: Result<Option<BuildChange>, RefreshError>,
    /// How many of each kind are shown; site services stand for servers.
    pub lists: BTreeMap<CountedKind, Result<u64, ReadError>>,
    /// Reports of the profile that the server does not have.
    pub lost_reports: Result<Vec<&'static str>, ReadError>,
    /// What the console would offer this account; `None` where there is nothing to ask about.
    pub offered: Option<Offered>,
}

/// What the console would offer this account to do.
#[derive(Debug)]
pub struct Offered {
    /// Whether sites were asked about, or the SMP's own computer for want of any.
    pub on_sites: bool,
    /// How many actions, the most of one of them.
    pub actions: Result<usize, ReadError>,
}

/// What is kept on this side about a platform.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// Its name in the workspace, where it has one.
    pub platform: Option<&'a str>,
    /// Where its profile is, or would be.
    pub profile_file: &'a str,
    /// Its profile.
    pub profile: Option<&'a Profile>,
    /// How many of each kind the last run left behind.
    pub counted: &'a BTreeMap<CountedKind, Count>,
    /// What the workspace guards it by.
    pub safety: &'a Safety,
}
