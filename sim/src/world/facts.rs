//! Facts of a computer: what a scenario says of it, what is usual where it says nothing, and the row that keeps it.
//!
//! Pure, but for the row ([`Kept::insert`], [`Kept::read`]). Which table shows which fact under which name comes from the
//! seed, see `fact_names`.

use super::WorldError;
use super::guid::Guid;
use super::names::Role;
use rusqlite::{Connection, Row, params};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// What comes with the agent.
const AGENT_PLUG_INS: [&str; 2] = ["Altiris Base Task Handlers", "Altiris Client Task Agent"];
/// What comes with a site service.
const SERVER_PLUG_IN: &str = "Altiris Client Task Server Agent";
/// What comes with network boot.
const NETWORK_BOOT_PLUG_IN: &str = "Deployment NBS Plug-in";

/// What a scenario says of a fact: nothing (it is as usual), `null` (nobody knows), or what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fact<T> {
    /// As on a computer in good health.
    #[default]
    Usual,
    /// Not known to the server.
    Unknown,
    /// As given.
    Known(T),
}

impl<T> Fact<T> {
    /// Says whether nothing is said.
    pub fn is_usual(&self) -> bool {
        matches!(self, Fact::Usual)
    }
}

impl<T: Clone> Fact<T> {
    fn or(&self, usual: impl FnOnce() -> T) -> Option<T> {
        match self {
            Fact::Usual => Some(usual()),
            Fact::Unknown => None,
            Fact::Known(value) => Some(value.clone()),
        }
    }
}

impl<T: PartialEq> Fact<T> {
    /// What a scenario has to say, so that this is kept and not the usual.
    fn told(kept: Option<T>, usual: Option<&T>) -> Fact<T> {
        match kept {
            None => Fact::Unknown,
            Some(value) if usual == Some(&value) => Fact::Usual,
            Some(value) => Fact::Known(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fact<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Fact<T>, D::Error> {
        Option::<T>::deserialize(from).map(|found| found.map_or(Fact::Unknown, Fact::Known))
    }
}

impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Fact::Usual | Fact::Unknown => to.serialize_none(),
            Fact::Known(value) => to.serialize_some(value),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Fact<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// What a scenario says of a computer's facts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The operating system.
    pub os: Fact<String>,
    /// The plug-ins.
    pub plug_ins: Fact<Vec<String>>,
    /// Whether it is managed.
    pub managed: Fact<bool>,
    /// Whether it belongs to this SMP and not to another of the hierarchy.
    pub local: Fact<bool>,
    /// Whether its asset status is active.
    pub asset_active: Fact<bool>,
    /// The version of the agent.
    pub agent_version: Fact<String>,
    /// Whether the agent is in CEM mode.
    pub cem: Fact<bool>,
    /// Whether IIS is configured.
    pub iis: Fact<bool>,
    /// Whether an HTTP server is installed.
    pub http_server: Fact<bool>,
    /// The version of .NET.
    pub dotnet: Fact<String>,
    /// How long ago inventory came last.
    pub inventory_age: Fact<String>,
}

/// Declares an object of a scenario that has facts beside fields of its own: each fact is a key like any other.
macro_rules! with_facts {
    ($(#[$meta:meta])* $name:ident { $($(#[$own:meta])* $field:ident: $kind:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            $($(#[$own])* pub $field: $kind,)+
            /// The operating system; null: not known, left out: one that is supported.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub os: Fact<String>,
            /// The plug-ins; left out: those that its roles need.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub plug_ins: Fact<Vec<String>>,
            /// Whether it is managed.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub managed: Fact<bool>,
            /// Whether it belongs to this SMP and not to another of the hierarchy.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub local: Fact<bool>,
            /// Whether its asset status is active.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub asset_active: Fact<bool>,
            /// The version of the agent; left out: that of the platform.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub agent_version: Fact<String>,
            /// Whether the agent is in cloud-enabled management (CEM) mode.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub cem: Fact<bool>,
            /// Whether IIS is configured; left out: on servers.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub iis: Fact<bool>,
            /// Whether an HTTP server is installed; left out: on servers.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub http_server: Fact<bool>,
            /// The version of the .NET framework.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub dotnet: Fact<String>,
            /// How long ago inventory came last and stopped, such as 3d or 5h; left out: it comes with every report.
            #[serde(default, skip_serializing_if = "Fact::is_usual")]
            pub inventory_age: Fact<String>,
        }

        impl $name {
            /// What is said of its facts.
            #[must_use]
            pub fn facts(&self) -> Facts {
                Facts {
                    os: self.os.clone(),
                    plug_ins: self.plug_ins.clone(),
                    managed: self.managed,
                    local: self.local,
                    asset_active: self.asset_active,
                    agent_version: self.agent_version.clone(),
                    cem: self.cem,
                    iis: self.iis,
                    http_server: self.http_server,
                    dotnet: self.dotnet.clone(),
                    inventory_age: self.inventory_age.clone(),
                }
            }

            /// One with these facts, and nothing of its own yet.
            #[must_use]
            pub fn of(facts: Facts) -> $name {
                let Facts {
                    os, plug_ins, managed, local, asset_active, agent_version, cem, iis, http_server, dotnet, inventory_age,
                } = facts;
                $name {
                    os, plug_ins, managed, local, asset_active, agent_version, cem, iis, http_server, dotnet, inventory_age,
                    ..$name::default()
                }
            }
        }
    };
}
pub(crate) use with_facts;

/// What decides what is usual on a computer.
pub(crate) struct Kind<'a> {
    /// The site services on it.
    pub(crate) services: &'a [Role],
    /// Whether it is the SMP's own computer.
    pub(crate) platform: bool,
    /// The version of the platform.
    pub(crate) version: &'a str,
    /// Whether Deployment Solution is installed.
    pub(crate) deployment: bool,
    /// The time in the world.
    pub(crate) now: i64,
}

/// When inventory came last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inventoried {
    /// Nobody knows.
    Unknown,
    /// Then, and not since.
    Once(i64),
    /// Then, and with every report since.
    Regularly(i64),
}

/// What the server's inventory says of a computer; `None` is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) os: Option<String>,
    pub(crate) plug_ins: Option<Vec<String>>,
    pub(crate) managed: Option<bool>,
    pub(crate) local: Option<bool>,
    pub(crate) asset_active: Option<bool>,
    pub(crate) agent_version: Option<String>,
    pub(crate) cem: Option<bool>,
    pub(crate) iis: Option<bool>,
    pub(crate) http_server: Option<bool>,
    pub(crate) dotnet: Option<String>,
    pub(crate) inventoried: Inventoried,
}

/// The columns of `sim_computer` that keep facts, in the order of [`Kept::insert`].
pub(crate) const COLUMNS: &str = "Os TEXT, PlugIns TEXT, Managed INTEGER, Local INTEGER, AssetActive INTEGER, AgentVersion TEXT, Cem INTEGER, Iis INTEGER,
    HttpServer INTEGER, Dotnet TEXT, Inventoried INTEGER, Regular INTEGER NOT NULL";

fn usual_plug_ins(kind: &Kind<'_>) -> Vec<String> {
    let has = |role: Role| kind.services.contains(&role);
    let server = kind.platform || !kind.services.is_empty();
    let mut all = AGENT_PLUG_INS.to_vec();
    for (name, there) in [
        (SERVER_PLUG_IN, server),
        ("Deployment Solution Plug-in", kind.deployment),
        ("Deployment Task Server Handler", kind.deployment && server),
        (NETWORK_BOOT_PLUG_IN, has(Role::NetworkBoot)),
        (
            "Deployment Package Server",
            kind.deployment && has(Role::Package),
        ),
    ] {
        if there {
            all.push(name);
        }
    }
    all.into_iter().map(str::to_owned).collect()
}

/// The plug-ins that come with a site service; the others of Deployment Solution are rolled out apart.
pub(crate) fn brought_by(role: Role) -> &'static [&'static str] {
    match role {
        Role::NetworkBoot => &[SERVER_PLUG_IN, NETWORK_BOOT_PLUG_IN],
        Role::Package | Role::Task | Role::Monitor => &[SERVER_PLUG_IN],
    }
}

/// The plug-ins that go with a site service; what other services may need stays.
pub(crate) fn taken_by(role: Role) -> &'static [&'static str] {
    match role {
        Role::NetworkBoot => &[NETWORK_BOOT_PLUG_IN],
        Role::Package | Role::Task | Role::Monitor => &[],
    }
}

impl Facts {
    /// What these facts amount to on a computer of this kind.
    pub(crate) fn kept(&self, kind: &Kind<'_>) -> Result<Kept, WorldError> {
        let server = kind.platform || !kind.services.is_empty();
        let os = self.os.or(|| {
            if server {
                "Windows Server 2022".to_owned()
            } else {
                "Windows 11".to_owned()
            }
        });
        // A server without a site service is in good health when it could get one.
        let equipped = server
            || os
                .as_ref()
                .is_some_and(|os| os.starts_with("Windows Server"));
        let inventoried = match &self.inventory_age {
            Fact::Usual => Inventoried::Regularly(kind.now),
            Fact::Unknown => Inventoried::Unknown,
            Fact::Known(age) => Inventoried::Once(kind.now.saturating_sub(parse_age(age)?)),
        };
        Ok(Kept {
            os,
            plug_ins: self.plug_ins.or(|| usual_plug_ins(kind)),
            managed: self.managed.or(|| true),
            local: self.local.or(|| true),
            asset_active: self.asset_active.or(|| true),
            agent_version: self.agent_version.or(|| kind.version.to_owned()),
            cem: self.cem.or(|| false),
            iis: self.iis.or(|| equipped),
            http_server: self.http_server.or(|| equipped),
            dotnet: self.dotnet.or(|| "4.8".to_owned()),
            inventoried,
        })
    }
}

impl Kept {
    /// What a scenario has to say for these facts on a computer of this kind. The operating system is always said.
    pub(crate) fn told(self, kind: &Kind<'_>) -> Result<Facts, WorldError> {
        let os = self.os.map_or(Fact::Unknown, Fact::Known);
        let of_this_os = Facts {
            os: os.clone(),
            ..Facts::default()
        };
        let usual = of_this_os.kept(kind)?;
        Ok(Facts {
            os,
            plug_ins: Fact::told(self.plug_ins, usual.plug_ins.as_ref()),
            managed: Fact::told(self.managed, usual.managed.as_ref()),
            local: Fact::told(self.local, usual.local.as_ref()),
            asset_active: Fact::told(self.asset_active, usual.asset_active.as_ref()),
            agent_version: Fact::told(self.agent_version, usual.agent_version.as_ref()),
            cem: Fact::told(self.cem, usual.cem.as_ref()),
            iis: Fact::told(self.iis, usual.iis.as_ref()),
            http_server: Fact::told(self.http_server, usual.http_server.as_ref()),
            dotnet: Fact::told(self.dotnet, usual.dotnet.as_ref()),
            inventory_age: match self.inventoried {
                Inventoried::Unknown => Fact::Unknown,
                Inventoried::Once(at) => Fact::Known(age(kind.now.saturating_sub(at))),
                Inventoried::Regularly(_) => Fact::Usual,
            },
        })
    }

    /// Changes a fact by its key in a scenario; `unknown` clears it.
    pub(crate) fn set(&mut self, key: &str, value: &str, now: i64) -> Result<(), WorldError> {
        let text = (value != "unknown").then(|| value.to_owned());
        let switch = || match value {
            "unknown" => Ok(None),
            "on" | "true" | "yes" => Ok(Some(true)),
            "off" | "false" | "no" => Ok(Some(false)),
            _ => Err(WorldError::Argument {
                expected: "on, off or unknown".to_owned(),
                found: value.to_owned(),
            }),
        };
        match key {
            "os" => self.os = text,
            "managed" => self.managed = switch()?,
            "local" => self.local = switch()?,
            "assetActive" => self.asset_active = switch()?,
            "agentVersion" => self.agent_version = text,
            "cem" => self.cem = switch()?,
            "iis" => self.iis = switch()?,
            "httpServer" => self.http_server = switch()?,
            "dotnet" => self.dotnet = text,
            "plugIns" => {
                self.plug_ins = text.map(|text| {
                    let names = text.split(',').map(str::trim);
                    names
                        .filter(|name| !name.is_empty())
                        .map(str::to_owned)
                        .collect()
                });
            }
            "inventoryAge" => {
                self.inventoried = match text {
                    None => Inventoried::Unknown,
                    Some(text) => Inventoried::Once(now.saturating_sub(parse_age(&text)?)),
                };
            }
            _ => {
                return Err(WorldError::Argument {
                    expected: "a fact of os, managed, local, assetActive, agentVersion, cem, iis, httpServer, dotnet, plugIns, inventoryAge".to_owned(),
                    found: key.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Puts a plug-in on the computer, or takes it off; says whether that changes anything.
    pub(crate) fn plug_in(&mut self, name: &str, on: bool) -> bool {
        let all = self.plug_ins.get_or_insert_default();
        let there = all.iter().any(|one| one.eq_ignore_ascii_case(name));
        if on && !there {
            all.push(name.to_owned());
        } else if !on {
            all.retain(|one| !one.eq_ignore_ascii_case(name));
        }
        there != on
    }

    /// Writes the row of a computer; whether it is down is kept from a row that is there.
    pub(crate) fn insert(&self, db: &Connection, computer: Guid) -> rusqlite::Result<()> {
        let plug_ins = self
            .plug_ins
            .as_ref()
            .and_then(|all| serde_json::to_string(all).ok());
        let (inventoried, regular) = match self.inventoried {
            Inventoried::Unknown => (None, false),
            Inventoried::Once(at) => (Some(at), false),
            Inventoried::Regularly(at) => (Some(at), true),
        };
        db.prepare_cached(
            "INSERT OR REPLACE INTO sim_computer VALUES (?1, COALESCE((SELECT Down FROM sim_computer WHERE Guid = ?1), 0),
             ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            computer,
            self.os,
            plug_ins,
            self.managed,
            self.local,
            self.asset_active,
            self.agent_version,
            self.cem,
            self.iis,
            self.http_server,
            self.dotnet,
            inventoried,
            regular
        ])?;
        Ok(())
    }

    /// Reads the row of a computer.
    pub(crate) fn read(db: &Connection, computer: Guid) -> rusqlite::Result<Kept> {
        db.prepare_cached("SELECT * FROM sim_computer WHERE Guid = ?1")?
            .query_row([computer], Kept::of_row)
    }

    /// Reads the facts from a whole row of `sim_computer`.
    pub(crate) fn of_row(row: &Row<'_>) -> rusqlite::Result<Kept> {
        let plug_ins: Option<String> = row.get("PlugIns")?;
        let regular: bool = row.get("Regular")?;
        let inventoried: Option<i64> = row.get("Inventoried")?;
        Ok(Kept {
            os: row.get("Os")?,
            plug_ins: plug_ins.and_then(|text| serde_json::from_str(&text).ok()),
            managed: row.get("Managed")?,
            local: row.get("Local")?,
            asset_active: row.get("AssetActive")?,
            agent_version: row.get("AgentVersion")?,
            cem: row.get("Cem")?,
            iis: row.get("Iis")?,
            http_server: row.get("HttpServer")?,
            dotnet: row.get("Dotnet")?,
            inventoried: match (inventoried, regular) {
                (None, _) => Inventoried::Unknown,
                (Some(at), false) => Inventoried::Once(at),
                (Some(at), true) => Inventoried::Regularly(at),
            },
        })
    }
}

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Reads an age such as `3d`, `5h` or `10m`.
fn parse_age(text: &str) -> Result<i64, WorldError> {
    let error = || WorldError::Argument {
        expected: "an age such as 3d, 5h or 10m".to_owned(),
        found: text.to_owned(),
    };
    let (unit, digits) = [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')]
        .into_iter()
        .find_map(|(unit, letter)| text.strip_suffix(letter).map(|digits| (unit, digits)))
        .ok_or_else(error)?;
    let count: u32 = digits.parse().map_err(|_| error())?;
    i64::from(count).checked_mul(unit).ok_or_else(error)
}

/// Writes an age in its largest unit, rounded down: what a dump says stays true for a while.
fn age(milliseconds: i64) -> String {
    let (unit, letter) = match milliseconds {
        DAY.. => (DAY, 'd'),
        HOUR.. => (HOUR, 'h'),
        _ => (MINUTE, 'm'),
    };
    format!("{}{letter}", milliseconds.max(0) / unit)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_and_written_in_their_largest_unit() {
        for (text, same) in [("3d", "3d"), ("5h", "5h"), ("30h", "1d"), ("0m", "0m")] {
            assert_eq!(age(parse_age(text).unwrap()), same);
        }
        for bad in ["", "d", "3", "-1d", "3w", "1.5h"] {
            assert!(parse_age(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_usual_needs_no_words_and_everything_else_does() {
        let kind = Kind {
            services: &[Role::Package, Role::Task],
            platform: false,
            version: "8.7.3",
            deployment: true,
            now: DAY,
        };
        let usual = Facts::default().kept(&kind).unwrap();
        assert_eq!(usual.iis, Some(true));
        assert!(usual.plug_ins.as_ref().unwrap().len() == 6);
        let told = usual.clone().told(&kind).unwrap();
        assert_eq!(told.os, Fact::Known("Windows Server 2022".to_owned()));
        assert_eq!(
            Facts {
                os: Fact::Usual,
                ..told
            },
            Facts::default()
        );
        let odd = Kept {
            iis: Some(false),
            dotnet: None,
            inventoried: Inventoried::Once(DAY - 5 * HOUR),
            ..usual
        };
        let told = odd.clone().told(&kind).unwrap();
        assert_eq!(told.iis, Fact::Known(false));
        assert_eq!(told.dotnet, Fact::Unknown);
        assert_eq!(told.inventory_age, Fact::Known("5h".to_owned()));
        assert_eq!(told.kept(&kind).unwrap(), odd);
    }
}
