//! The world behind the wire: a CMDB in `SQLite` that lives by a clock of its own.
//!
//! Turns a scenario into a database, service calls into reads and writes of it, and time into what agents, replication
//! and jobs do. I/O: `SQLite` and the clock. Everything that no public document says about an SMP comes from the seed
//! ([`Names`]); everything that a client may wrongly assume has a [`Switch`].
//!
//! Reading order: `options`, `scenario` with `facts`, `names` with `languages`, `layouts` and `fact_names`, `store` with
//! `fact_tables`, `load` and `dump`, `cmdb` with `scope`, `data_classes`, `packages`, `origin` and `reports`, `items` with
//! `item_xml` and `item_saves`, `writes` (judged) and `effects` (done), `select` with `prevention` (who serves an address),
//! `life` and `jobs` (what time brings), `console` with `administrator`, `inventory` and `platform`, `profile`.

mod administrator;
mod clients;
mod clock;
mod cmdb;
mod console;
mod data_classes;
mod dump;
mod effects;
mod enterprise;
mod fact_names;
mod fact_tables;
mod facts;
mod guid;
mod inventory;
mod item_saves;
mod item_xml;
mod items;
mod jobs;
mod languages;
mod layouts;
mod life;
mod load;
mod names;
mod options;
mod origin;
mod packages;
mod platform;
mod prevention;
mod profile;
mod records;
mod reports;
pub mod scenario;
mod scope;
mod seed;
mod select;
mod store;
mod tasks;
mod writes;

pub use clients::{Client, RoleServed, Served};
pub use console::ConsoleAction;
pub use fact_names::{
    DataClassName, FactClass, FactKey, FactName, FactsOf, LoadNames, SourceNames,
};
pub use facts::{Fact, Facts};
pub use guid::{Guid, GuidError};
pub use names::{
    ASDK_NS, AssociationName, COMPUTER, EvidenceNames, Names, PreventLayout, Role, RolesBy,
    SettingLayout, StructureNames, TypeName,
};
pub use options::{Language, Options, Quirk, Switch};
pub use records::{
    AsdkError, Assignment, ColumnKind, DataClass, DataRow, DsImage, ItemDetails, PackageDetails,
    Relationship, Resource, ResourceType, RowAction, RunState, Side, Table, TaskDetails, TaskRun,
};
pub use scenario::Scenario;
pub use seed::Seed;
pub use select::Basis;

#[cfg(test)]
mod fact_tests;
#[cfg(test)]
mod quirk_tests;
#[cfg(test)]
mod tests;

use crate::level::Level;
use clock::Clock;
use rusqlite::Connection;
use select::Topology;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use writes::Write;

/// Why a world cannot be opened or an administrator's action not be done.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// An argument that says nothing known.
    #[error("expected {expected}, found `{found}`")]
    Argument {
        /// What would have been right.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A scenario that does not read.
    #[error("the scenario does not read: {0}")]
    Scenario(String),
    /// Something a scenario or an action names is not there.
    #[error("there is no {kind} `{name}`")]
    Missing {
        /// What kind of thing.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// An action that the console would not do.
    #[error("{0}")]
    Refused(String),
    /// A file that holds no world.
    #[error("`{0}` holds no world")]
    NoWorld(String),
    /// The database failed.
    #[error("the database of the world failed")]
    Database(#[from] rusqlite::Error),
    /// A service refused what an action needed.
    #[error("the platform refused")]
    Asdk(#[from] AsdkError),
}

/// A simulated SMP. Cheap to clone; all clones are one world.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) rules: Rules,
    claimed: Names,
    level: Mutex<Level>,
    store: Mutex<Store>,
}

/// What does not change while a world is open.
pub(crate) struct Rules {
    pub(crate) seed: Seed,
    pub(crate) language: Language,
    pub(crate) switches: BTreeSet<Switch>,
    pub(crate) quirks: BTreeSet<Quirk>,
    pub(crate) names: Names,
    pub(crate) data_classes: Vec<DataClassName>,
}

impl Rules {
    pub(crate) fn has(&self, switch: Switch) -> bool {
        self.switches.contains(&switch)
    }

    pub(crate) fn quirk(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

/// What changes, behind one lock.
pub(crate) struct Store {
    pub(crate) db: Connection,
    pub(crate) clock: Clock,
    late: Vec<Late>,
    topology: Option<(String, Arc<Topology>)>,
}

/// A write that reads do not see yet (`late-read-back`).
struct Late {
    write: Write,
    due: Instant,
    reads: u32,
}

impl World {
    /// Opens a world. A database that is there already is used as it is: scenario, seed, language and switches are stored in it.
    pub fn open(options: Options) -> Result<World, WorldError> {
        if let Some(path) = &options.db
            && path.exists()
        {
            let db = store::open(Some(path))?;
            if store::is_world(&db) {
                return World::from_db(db);
            }
        }
        let Options {
            scenario,
            db,
            seed,
            language,
            level,
            switches,
            quirks,
        } = options;
        let mut contents = scenario.contents(seed)?;
        if let Some(version) = level.product() {
            version.clone_into(&mut contents.platform.version);
        }
        let connection = store::open(db.as_deref())?;
        let rules = Rules::of(seed, language, switches, quirks);
        load::load(&connection, &rules, level, &contents)?;
        World::from_db(connection)
    }

    /// Opens the world that a file holds.
    pub fn open_existing(path: &Path) -> Result<World, WorldError> {
        if path.exists() {
            let db = store::open(Some(path))?;
            if store::is_world(&db) {
                return World::from_db(db);
            }
        }
        Err(WorldError::NoWorld(path.display().to_string()))
    }

    fn from_db(db: Connection) -> Result<World, WorldError> {
        let text = |name: &str| store::meta(&db, name).map(Option::unwrap_or_default);
        let seed = text("seed")?.parse().unwrap_or(1);
        let language = text("language")?.parse()?;
        let list = text("switches")?;
        let switches = list
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<BTreeSet<Switch>, _>>()?;
        let list = text("quirks")?;
        let quirks = list
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<BTreeSet<Quirk>, _>>()?;
        let clock = Clock::at(text("clock")?.parse().unwrap_or(clock::START));
        let level = store::meta(&db, "level")?
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        let claimed = Names::claimed(Seed(seed), language, &switches, &quirks);
        Ok(World {
            inner: Arc::new(Inner {
                rules: Rules::of(seed, language, switches, quirks),
                claimed,
                level: Mutex::new(level),
                store: Mutex::new(Store {
                    db,
                    clock,
                    late: Vec::new(),
                    topology: None,
                }),
            }),
        })
    }

    /// Says whether a switch is on.
    #[must_use]
    pub fn has(&self, switch: Switch) -> bool {
        self.inner.rules.has(switch)
    }

    /// Says whether a quirk is on.
    #[must_use]
    pub fn has_quirk(&self, quirk: Quirk) -> bool {
        self.inner.rules.quirk(quirk)
    }

    /// Which operations the services have now.
    #[must_use]
    pub fn level(&self) -> Level {
        *self.level_lock()
    }

    pub(crate) fn level_lock(&self) -> MutexGuard<'_, Level> {
        self.inner
            .level
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What the seed decides about this server, switches included: what the server does.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.inner.rules.names
    }

    /// What somebody who has learned the server without its switches would say of it.
    #[must_use]
    pub fn claimed_names(&self) -> &Names {
        &self.inner.claimed
    }

    /// The full name of the SMP's own computer.
    #[must_use]
    pub fn platform_server(&self) -> String {
        let store = self.lock();
        store::meta(&store.db, "platform")
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    /// The GUID of the SMP's own computer.
    #[must_use]
    pub fn platform_guid(&self) -> Guid {
        let name = self.platform_server();
        let store = self.lock();
        store::computer(&store.db, self.names(), &name)
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    /// The product version, such as `8.7.3`.
    #[must_use]
    pub fn version(&self) -> String {
        let store = self.lock();
        store::meta(&store.db, "version")
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    /// Lets time pass, and everything in the world do what it does in that time.
    pub fn tick(&self, time: Duration) {
        let mut store = self.lock();
        store.flush(&self.inner.rules);
        // What has begun begins before the time passes, not after it.
        for step in [Duration::ZERO, time] {
            store.clock.advance(step);
            if let Err(error) = life::live(&mut store, &self.inner.rules) {
                tracing::error!(%error, "the world did not live");
            }
        }
        store.save_clock();
    }

    /// The time in the world, as `xs:dateTime`.
    #[must_use]
    pub fn time(&self) -> String {
        self.lock().clock.text()
    }

    /// Writes the world in the scenario format, byte for byte the same as long as nothing changes.
    #[must_use]
    pub fn dump(&self) -> String {
        let mut store = self.lock();
        store.flush(&self.inner.rules);
        match dump::contents(&store, &self.inner.rules) {
            Ok(file) => dump::write(&file),
            Err(error) => format!("# the world cannot be dumped: {error}\n"),
        }
    }

    /// The server profile that somebody would have written who has learned this server; every entry stands as `operator`.
    #[must_use]
    pub fn profile(&self) -> String {
        profile::write(self)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Store> {
        let mut store = self
            .inner
            .store
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        store.clock.follow();
        store
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.inner.rules
    }

    /// Runs a read of the services.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&mut Store, &Rules) -> Result<T, AsdkError>,
    ) -> Result<T, AsdkError> {
        let mut store = self.lock();
        store.clock.advance(Duration::from_millis(50));
        store.age(&self.inner.rules);
        read(&mut store, &self.inner.rules)
    }

    /// Runs a write of the services: judged now, seen at once unless reads are late.
    pub(crate) fn write(&self, write: Write) -> Result<(), AsdkError> {
        let mut store = self.lock();
        let rules = &self.inner.rules;
        store.flush(rules);
        store.clock.advance(Duration::from_millis(50));
        writes::judge(&store, rules, &write)?;
        life::before_a_change(&mut store, rules)?;
        if rules.has(Switch::LateReadBack) {
            store.late.push(Late {
                write,
                due: Instant::now() + Duration::from_millis(500),
                reads: 3,
            });
        } else {
            store.write_now(rules, &write)?;
            if matches!(write, Write::PackageServers { .. }) {
                life::replicate(&mut store, rules)?;
            }
        }
        store.save_clock();
        Ok(())
    }
}

impl Rules {
    fn of(
        seed: u64,
        language: Language,
        switches: BTreeSet<Switch>,
        quirks: BTreeSet<Quirk>,
    ) -> Rules {
        let names = Names::kept(Seed(seed), language, &switches, &quirks);
        Rules {
            seed: Seed(seed),
            language,
            data_classes: fact_names::data_classes(&names),
            names,
            switches,
            quirks,
        }
    }
}

impl Store {
    fn write_now(&mut self, rules: &Rules, write: &Write) -> Result<(), AsdkError> {
        let now = self.clock.text();
        let transaction = self.db.transaction()?;
        effects::apply(&transaction, rules, write, &now)?;
        store::touch(&transaction, &now)?;
        transaction.commit()?;
        Ok(())
    }

    /// Makes all late writes seen.
    pub(crate) fn flush(&mut self, rules: &Rules) {
        for late in std::mem::take(&mut self.late) {
            if let Err(error) = self.write_now(rules, &late.write) {
                tracing::error!(%error, "a late write failed");
            }
        }
    }

    fn age(&mut self, rules: &Rules) {
        if self
            .late
            .iter()
            .any(|late| late.reads == 0 || late.due <= Instant::now())
        {
            self.flush(rules);
        }
        for late in &mut self.late {
            late.reads -= 1;
        }
    }

    pub(crate) fn save_clock(&mut self) {
        let now = self.clock.milliseconds().to_string();
        if let Err(error) = store::set_meta(&self.db, "clock", Some(&now)) {
            tracing::error!(%error, "the clock was not saved");
        }
    }

    /// The sites, subnets and servers as they are now; built anew when a write has touched them.
    pub(crate) fn topology(&mut self, rules: &Rules) -> rusqlite::Result<Arc<Topology>> {
        let version = store::meta(&self.db, "version of topology")?.unwrap_or_default();
        if let Some((of, topology)) = &self.topology
            && *of == version
        {
            return Ok(Arc::clone(topology));
        }
        let topology = Arc::new(Topology::read(&self.db, rules)?);
        self.topology = Some((version, Arc::clone(&topology)));
        Ok(topology)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let store = self.store.get_mut().unwrap_or_else(PoisonError::into_inner);
        store.clock.follow();
        store.flush(&self.rules);
        store.save_clock();
    }
}
