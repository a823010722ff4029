//! `sitewright sim …`: serves a simulated platform, and looks into one or acts on one as its administrator.
//!
//! I/O: the terminal's writers are handed in; files and loopback HTTP. A world is found by `--db PATH`, by `--url` of a
//! running `serve` (over the paths below `/sim/`), or by `--platform sim:NAME`, which is `sim-NAME.db` in the state folder.

mod access;
mod http;

use crate::level::{Level, LevelError};
use crate::server::{Server, StartError, TlsError};
use crate::world::scenario::world_schema;
use crate::world::{
    Client, ConsoleAction, Language, Options, Quirk, RoleServed, Scenario, Served, Switch, World,
    WorldError,
};
use access::AccessArgs;
use clap::{Args, Subcommand};
use http::{HttpError, Remote};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The arguments of `sitewright sim`.
#[derive(Debug, Args)]
pub struct SimArgs {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where the world is.
#[derive(Debug, Clone, Args)]
struct At {
    /// The file that the world is kept in
    #[arg(long, global = true, value_name = "PATH")]
    db: Option<PathBuf>,
    /// The address of a running simulator
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// The CA of a running simulator with --tls, in PEM
    #[arg(long, global = true, id = "sim-ca", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// sim:NAME, the world that other commands use under this name
    #[arg(long, global = true, value_name = "sim:NAME")]
    platform: Option<String>,
}

/// What a new world is made of.
#[derive(Debug, Clone, Args)]
struct WorldArgs {
    /// flat-lan, empty, branch-offices, isolated-vlan, neglected, enterprise, or a file
    #[arg(long, value_name = "NAME|FILE")]
    scenario: Option<String>,
    /// How many subnets `enterprise` has
    #[arg(long, value_name = "N")]
    subnets: Option<u32>,
    /// Where GUIDs and undocumented names come from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The language of type names: en, de, fr or ja
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    language: String,
    /// Which operations the services have: 7.1, 8.0, 8.1, 8.5, 8.5-ru2, 8.5-ru3
    /// or 8.5-ru4
    #[arg(long, value_name = "LEVEL", default_value = "8.5-ru4")]
    level: String,
    /// Make false what a client may assume; see the README of the simulator
    #[arg(long = "switch", value_name = "NAME")]
    switches: Vec<String>,
    /// Say true things another way; see the README of the simulator
    #[arg(long = "quirk", value_name = "NAME")]
    quirks: Vec<String>,
}

#[derive(Debug, Clone, Args)]
struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8089")]
    listen: SocketAddr,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    world: WorldArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a world over HTTP (the default)
    #[command(
        after_help = "Examples:\n  sitewright sim serve --scenario branch-offices --db lab.db\n  sitewright sim serve --listen 127.0.0.1:0 --auth ntlm --tls"
    )]
    Serve(Box<ServeArgs>),
    /// Print the server profile of a world
    #[command(
        after_help = "Example:\n  sitewright sim profile --platform sim:flat-lan > profiles/lab.yaml"
    )]
    Profile(WorldArgs),
    /// Print a world in the scenario format
    #[command(
        after_help = "Examples:\n  sitewright sim dump --platform sim:flat-lan\n  sitewright sim dump --scenario enterprise --subnets 2000"
    )]
    Dump(WorldArgs),
    /// Let time pass, such as 90s, 30m or 2h
    #[command(after_help = "Example:\n  sitewright sim tick 2h --platform sim:flat-lan")]
    Tick {
        /// How much
        #[arg(id = "tick-duration", value_name = "DURATION", default_value = "30m")]
        duration: String,
    },
    /// Do what an administrator does in the console
    #[command(
        after_help = "Examples:\n  sitewright sim console new-site Lab --platform sim:flat-lan\n  sitewright sim console constrain Lab on --platform sim:flat-lan"
    )]
    Console {
        #[command(subcommand)]
        action: ConsoleAction,
    },
    /// List the agents: task server and package servers of each
    #[command(after_help = "Example:\n  sitewright sim clients --platform sim:flat-lan --json")]
    Clients {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Say who serves an address
    #[command(
        after_help = "Example:\n  sitewright sim served 192.168.10.101 --platform sim:flat-lan"
    )]
    Served {
        /// The address
        #[arg(id = "served-address", value_name = "ADDRESS")]
        address: Ipv4Addr,
    },
    /// List the requests that a running simulator answered
    #[command(after_help = "Example:\n  sitewright sim requests --url http://127.0.0.1:8089")]
    Requests,
    /// Print the JSON Schema of the scenario format
    #[command(
        hide = true,
        after_help = "Example:\n  sitewright sim schema > world.schema.json"
    )]
    Schema,
    /// List the switches and quirks
    #[command(after_help = "Example:\n  sitewright sim switches")]
    Switches,
}

/// Why a command of the simulator failed.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The world could not be opened or acted on.
    #[error("the simulated platform refuses")]
    World(#[from] WorldError),
    /// There is no such level.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// The server did not start.
    #[error("the simulator does not start")]
    Start(#[from] StartError),
    /// A running simulator did not answer.
    #[error("the running simulator does not answer as it should")]
    Http(#[from] HttpError),
    /// An argument says nothing known.
    #[error("expected {expected}, found `{found}`")]
    Argument {
        /// What would have been right.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// The certificates are of no use.
    #[error("the simulator has no TLS")]
    Tls(#[from] TlsError),
    /// A file could not be read or written.
    #[error("cannot read or write `{path}`")]
    File {
        /// Its path.
        path: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The output could not be written.
    #[error("cannot write the output")]
    Output(#[from] std::io::Error),
}

/// A world at hand, or behind a running server.
enum Found {
    Here(World),
    There(Remote),
}

impl SimArgs {
    /// Runs the command. Data goes to `out`, the rest to `err`.
    pub fn run(
        self,
        state_folder: &Path,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<(), SimError> {
        let SimArgs { at, serve, command } = self;
        match command.unwrap_or(Command::Serve(Box::new(serve))) {
            Command::Serve(args) => run_server(&at, &args, state_folder, out, err)?,
            Command::Profile(args) => {
                let text = match at.find(Some(&args), state_folder)? {
                    Found::Here(world) => world.profile(),
                    Found::There(remote) => remote.get("profile")?,
                };
                out.write_all(text.as_bytes())?;
            }
            Command::Dump(args) => {
                let text = match at.find(Some(&args), state_folder)? {
                    Found::Here(world) => world.dump(),
                    Found::There(remote) => remote.get("dump")?,
                };
                out.write_all(text.as_bytes())?;
            }
            Command::Tick { duration } => {
                let time = parse_duration(&duration)?;
                match at.find(None, state_folder)? {
                    Found::Here(world) => world.tick(time),
                    Found::There(remote) => {
                        remote.post(&format!("tick?seconds={}", time.as_secs()), "")?;
                    }
                }
                writeln!(err, "{duration} have passed")?;
            }
            Command::Console { action } => {
                let answer = match at.find(None, state_folder)? {
                    Found::Here(world) => world.console(action)?,
                    Found::There(remote) => remote.post("console", &json(&action)?)?,
                };
                writeln!(out, "{answer}")?;
            }
            Command::Clients { json: as_json } => {
                let clients = match at.find(None, state_folder)? {
                    Found::Here(world) => world.clients(),
                    Found::There(remote) => parse(&remote.get("clients")?)?,
                };
                list_clients(&clients, as_json, out)?;
            }
            Command::Served { address } => match at.find(None, state_folder)? {
                Found::Here(world) => list_served(&world.served(address), out)?,
                Found::There(remote) => {
                    writeln!(out, "{}", remote.get(&format!("served?address={address}"))?)?;
                }
            },
            Command::Requests => match at.find(None, state_folder)? {
                Found::Here(_) => {
                    return Err(SimError::Argument {
                        expected: "the --url of a running simulator",
                        found: "a file".to_owned(),
                    });
                }
                Found::There(remote) => writeln!(out, "{}", remote.get("requests")?)?,
            },
            Command::Schema => writeln!(out, "{}", pretty(&world_schema())?)?,
            Command::Switches => {
                for one in Switch::ALL {
                    writeln!(out, "--switch {:34} {}", one.name(), one.meaning())?;
                }
                for one in Quirk::ALL {
                    writeln!(out, "--quirk  {:34} {}", one.name(), one.meaning())?;
                }
            }
        }
        out.flush()?;
        Ok(())
    }
}

impl At {
    /// Finds the world; with `args` and no place, makes one in memory.
    fn find(&self, args: Option<&WorldArgs>, state_folder: &Path) -> Result<Found, SimError> {
        if let Some(url) = &self.url {
            return Ok(Found::There(Remote::new(url, self.ca.as_deref())?));
        }
        if let Some(path) = &self.db
            && args.is_none_or(|args| args.scenario.is_none())
        {
            return Ok(Found::Here(World::open_existing(path)?));
        }
        if args.is_none() && self.platform.is_none() {
            return Err(SimError::Argument {
                expected: "a world by --db PATH, --url URL or --platform sim:NAME",
                found: "none".to_owned(),
            });
        }
        Ok(Found::Here(self.open(args, state_folder)?))
    }

    /// Opens the world, or makes it.
    fn open(&self, args: Option<&WorldArgs>, state_folder: &Path) -> Result<World, SimError> {
        let mut name = args.and_then(|args| args.scenario.clone());
        let mut db = self.db.clone();
        if let Some(platform) = &self.platform {
            let Some(of) = platform.strip_prefix("sim:") else {
                return Err(SimError::Argument {
                    expected: "a simulated platform, sim:NAME",
                    found: platform.clone(),
                });
            };
            if of.is_empty()
                || !of
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            {
                return Err(SimError::Argument {
                    expected: "a name of letters, digits, `-`, `_` and `.` after `sim:`",
                    found: platform.clone(),
                });
            }
            std::fs::create_dir_all(state_folder)
                .map_err(|source| file_error(state_folder, source))?;
            db = db.or_else(|| Some(state_folder.join(format!("sim-{of}.db"))));
            name = name.or_else(|| Some(of.to_owned()));
        }
        if let Some(path) = &db
            && path.exists()
            && let Ok(world) = World::open_existing(path)
        {
            return Ok(world);
        }
        let mut options = options(name.as_deref().unwrap_or("flat-lan"), args)?;
        options.db = db;
        Ok(World::open(options)?)
    }
}

fn options(scenario: &str, args: Option<&WorldArgs>) -> Result<Options, SimError> {
    let mut options = if Path::new(scenario).is_file() {
        let text = std::fs::read_to_string(scenario)
            .map_err(|source| file_error(Path::new(scenario), source))?;
        Options::text(&text)
    } else {
        Options::builtin(scenario)?
    };
    if let Some(args) = args {
        if let Some(subnets) = args.subnets {
            if !matches!(options.scenario, Scenario::Enterprise { .. }) {
                return Err(SimError::Argument {
                    expected: "--subnets with --scenario enterprise only",
                    found: scenario.to_owned(),
                });
            }
            options.scenario = Scenario::Enterprise { subnets };
        }
        options.seed = args.seed;
        options.language = args.language.parse::<Language>()?;
        options.level = args.level.parse::<Level>()?;
        for switch in &args.switches {
            options.switches.insert(switch.parse::<Switch>()?);
        }
        for quirk in &args.quirks {
            options.quirks.insert(quirk.parse::<Quirk>()?);
        }
    }
    Ok(options)
}

fn file_error(path: &Path, source: std::io::Error) -> SimError {
    SimError::File {
        path: path.display().to_string(),
        source,
    }
}

fn run_server(
    at: &At,
    args: &ServeArgs,
    state_folder: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), SimError> {
    if let Some(url) = &at.url {
        return Err(SimError::Argument {
            expected: "no --url with serve",
            found: url.clone(),
        });
    }
    let existed = at.db.as_ref().is_some_and(|path| path.exists());
    let world = at.open(Some(&args.world), state_folder)?;
    if existed && args.world.scenario.is_some() {
        writeln!(
            err,
            "the world is there already: its own scenario, seed and switches hold"
        )?;
    }
    let access = args.access.access()?;
    let server = Server::start_with(world, args.listen, &access)?;
    writeln!(out, "listening on {}", server.url())?;
    out.flush()?;
    server.wait();
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, SimError> {
    serde_json::to_string(value).map_err(|error| SimError::Output(std::io::Error::other(error)))
}

fn pretty<T: serde::Serialize>(value: &T) -> Result<String, SimError> {
    serde_json::to_string_pretty(value)
        .map_err(|error| SimError::Output(std::io::Error::other(error)))
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, SimError> {
    serde_json::from_str(text).map_err(|error| SimError::Output(std::io::Error::other(error)))
}

fn list_clients(clients: &[Client], as_json: bool, out: &mut dyn Write) -> Result<(), SimError> {
    if as_json {
        writeln!(out, "{}", pretty(&clients)?)?;
        return Ok(());
    }
    writeln!(
        out,
        "{:<28} {:<16} {:<26} PACKAGES FROM",
        "COMPUTER", "ADDRESS", "TASK SERVER"
    )?;
    for client in clients {
        let Client {
            name,
            addresses,
            task_server,
            package_servers,
        } = client;
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let mut servers: Vec<&str> = package_servers.values().map(String::as_str).collect();
        servers.sort_unstable();
        servers.dedup();
        writeln!(
            out,
            "{name:<28} {:<16} {:<26} {}",
            addresses.join(","),
            task_server.as_deref().unwrap_or("-"),
            if servers.is_empty() {
                "-".to_owned()
            } else {
                servers.join(", ")
            }
        )?;
    }
    Ok(())
}

fn list_served(served: &Served, out: &mut dyn Write) -> Result<(), SimError> {
    let Served {
        package,
        task,
        network_boot,
    } = served;
    for (name, role) in [
        ("package", package),
        ("task", task),
        ("networkBoot", network_boot),
    ] {
        let RoleServed { servers, basis } = role;
        let servers = if servers.is_empty() {
            "nobody".to_owned()
        } else {
            servers.join(", ")
        };
        writeln!(out, "{name}: {servers} ({basis:?})")?;
    }
    Ok(())
}

/// Reads `90s`, `30m`, `2h`, `1d`; a bare number is seconds.
fn parse_duration(text: &str) -> Result<Duration, SimError> {
    let error = || SimError::Argument {
        expected: "a duration such as 90s, 30m or 2h",
        found: text.to_owned(),
    };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("" | "s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        Some("d") => 86_400,
        _ => return Err(error()),
    };
    let count: u64 = digits.parse().map_err(|_| error())?;
    count
        .checked_mul(unit)
        .map(Duration::from_secs)
        .ok_or_else(error)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::server::{Access, Authority};
    use crate::sign_in::Scheme;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        sim: SimArgs,
        #[arg(long, global = true)]
        server: Option<String>,
        #[arg(long, global = true)]
        state: Option<PathBuf>,
        #[arg(long, global = true)]
        profile: Option<PathBuf>,
    }

    fn run(state: &Path, line: &[&str]) -> Result<String, String> {
        let mut words = vec!["sim"];
        words.extend(line);
        let program = Program::try_parse_from(words).map_err(|error| error.to_string())?;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        program
            .sim
            .run(state, &mut out, &mut err)
            .map_err(|error| {
                format!(
                    "{error}: {:?}",
                    std::error::Error::source(&error).map(ToString::to_string)
                )
            })?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn commands_find_one_world_after_another() {
        let state = std::env::temp_dir().join(format!("sitewright-sim-cli-{}", std::process::id()));
        let at = ["--platform", "sim:flat-lan"];
        let call = |line: &[&str]| {
            let mut words = line.to_vec();
            words.extend(at);
            run(&state, &words)
        };
        assert!(
            call(&["console", "new-site", "HQ", "--description", "Head office"])
                .unwrap()
                .contains("made")
        );
        call(&["console", "add-subnet", "HQ", "192.168.0.0/24"]).unwrap();
        call(&["console", "assign-server", "SITE01.corp.example", "HQ"]).unwrap();
        call(&["console", "constrain", "HQ", "on"]).unwrap();
        call(&["console", "capture-target", "DEPLOY01"]).unwrap();
        call(&["console", "download-targets", "HQ"]).unwrap();
        call(&["console", "prevent-downloads", "outside", "on"]).unwrap();
        call(&["console", "replicate", "192.168.10.0/24", "SMP00"]).unwrap();
        call(&["console", "scope", "sites", "half"]).unwrap();
        assert!(
            call(&["console", "upgrade", "7.1"])
                .unwrap_err()
                .contains("later level")
        );
        assert_eq!(
            call(&["console", "upgrade"]).unwrap(),
            "the server is at 8.5-ru4\n"
        );
        call(&["tick", "10m"]).unwrap();
        let dump = call(&["dump"]).unwrap();
        assert!(dump.contains("- { name: HQ, description: \"Head office\", constrained: true, servers: [SITE01.corp.example] }"), "{dump}");
        assert!(
            call(&["clients"])
                .unwrap()
                .contains("OFFICE-001.corp.example")
        );
        assert!(
            call(&["served", "192.168.0.101"])
                .unwrap()
                .contains("task: DEPLOY01.corp.example")
        );
        assert!(call(&["profile"]).unwrap().contains("formatVersion: 1"));
        assert!(call(&["console", "new-site", "HQ"]).is_err());
        let file = state.join("world.yaml");
        std::fs::write(&file, &dump).unwrap();
        assert_eq!(
            run(&state, &["dump", "--scenario", file.to_str().unwrap()]).unwrap(),
            dump
        );
        std::fs::remove_dir_all(&state).unwrap();
    }

    #[test]
    fn commands_reach_a_running_simulator() {
        let state = std::env::temp_dir();
        let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
        let server = Server::start(world, SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let url = server.url();
        let call = |line: &[&str]| {
            let mut words = line.to_vec();
            words.extend(["--url", url.as_str()]);
            run(&state, &words)
        };
        assert_eq!(
            call(&["console", "new-site", "HQ"]).unwrap(),
            "made the site HQ\n"
        );
        assert!(
            call(&["console", "new-site", "HQ"])
                .unwrap_err()
                .contains("exists already")
        );
        call(&["tick", "2m"]).unwrap();
        assert_eq!(call(&["dump"]).unwrap(), server.world().dump());
        assert_eq!(call(&["profile"]).unwrap(), server.world().profile());
        assert!(
            call(&["clients"])
                .unwrap()
                .contains("IMAGE-020.corp.example")
        );
        assert!(
            call(&["served", "192.168.0.101"])
                .unwrap()
                .contains("SITE01")
        );
        assert_eq!(call(&["requests"]).unwrap(), "[]\n");
    }

    #[test]
    fn commands_reach_a_simulator_with_tls() {
        let state = std::env::temp_dir();
        let authority = Authority::new().unwrap();
        let ca = state.join(format!("sitewright-sim-ca-{}.pem", std::process::id()));
        std::fs::write(&ca, authority.pem()).unwrap();
        let tls = authority.server(&["localhost", "127.0.0.1"]).unwrap();
        let access = Access::by(&[Scheme::Ntlm])
            .with_account("CORP\\svc", "pw")
            .with_tls(tls);
        let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start_with(world, listen, &access).unwrap();
        let url = server.url();
        assert!(url.starts_with("https://127.0.0.1:"));
        let trusting = ["--url", &url, "--ca", ca.to_str().unwrap()];
        let call = |line: &[&str]| run(&state, &[line, &trusting].concat());
        assert_eq!(
            call(&["console", "new-site", "HQ"]).unwrap(),
            "made the site HQ\n"
        );
        assert_eq!(call(&["dump"]).unwrap(), server.world().dump());
        let untrusting = run(&state, &["dump", "--url", &url]).unwrap_err();
        assert!(untrusting.contains("--ca FILE"), "{untrusting}");
        std::fs::write(&ca, "nothing").unwrap();
        let nothing = call(&["dump"]).unwrap_err();
        assert!(nothing.contains("expected a CA certificate"), "{nothing}");
        std::fs::remove_file(&ca).unwrap();
        assert!(call(&["dump"]).unwrap_err().contains("cannot read the CA"));
    }

    /// Nothing that cannot be kept is promised.
    #[test]
    fn access_is_judged() {
        let state = std::env::temp_dir();
        for (line, expected) in [
            ("--auth ntlm", "expected --user"),
            ("--auth negotiate --user svc", "expected --password"),
            ("--auth bearer", "expected --token"),
            ("--auth none,basic --user svc --password x", "by itself"),
            ("--user svc --password x", "--auth <METHOD>"),
            ("--basic svc", "USER:PASSWORD"),
            ("--basic svc:x --auth basic", "cannot be used with"),
            ("--channel-binding required", "expected --tls"),
            ("--client-ca x.pem", "expected --tls"),
            ("--ca-out x.pem", "--tls"),
            ("--tls-cert x.pem", "--tls-key <FILE>"),
            (
                "--tls-cert no-such.pem --tls-key no-such.pem",
                "no-such.pem",
            ),
            ("--tls --client-ca no-such.pem", "no-such.pem"),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let said = run(&state, &words).unwrap_err();
            assert!(said.contains(expected), "{line}: {said}");
        }
    }

    #[test]
    fn arguments_are_judged() {
        let state = std::env::temp_dir();
        assert!(run(&state, &["dump", "--scenario", "no-such"]).is_err());
        assert!(run(&state, &["dump", "--scenario", "empty", "--switch", "x"]).is_err());
        assert!(run(&state, &["dump", "--level", "9"]).is_err());
        assert!(run(&state, &["dump", "--language", "xx"]).is_err());
        let old = ["profile", "--level", "8.1", "--language", "ja"];
        let profile = run(&state, &old).unwrap();
        assert!(profile.contains("name: \"サイト\""), "{profile}");
        assert!(profile.contains("version: \"8.1\""), "{profile}");
        assert!(run(&state, &["clients"]).is_err());
        assert!(run(&state, &["tick", "5x", "--platform", "sim:x"]).is_err());
        assert!(run(&state, &["dump", "--platform", "sim:../x"]).is_err());
        assert!(
            run(&state, &["switches"])
                .unwrap()
                .contains("--switch late-read-back")
        );
        assert!(
            run(
                &state,
                &["dump", "--scenario", "enterprise", "--subnets", "60"]
            )
            .unwrap()
            .contains("Site 0000")
        );
    }

    #[test]
    fn every_switch_and_quirk_stands_in_the_readme() {
        let readme = include_str!("../README.md");
        for name in Switch::ALL
            .iter()
            .map(|one| one.name())
            .chain(Quirk::ALL.iter().map(|one| one.name()))
        {
            assert!(readme.contains(&format!("`{name}`")), "{name}");
        }
    }

    #[test]
    fn the_schema_is_fresh() {
        let fresh = format!("{}\n", pretty(&world_schema()).unwrap());
        if std::env::var_os("SITEWRIGHT_BLESS").is_some() {
            std::fs::write(
                concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/world.json"),
                &fresh,
            )
            .unwrap();
        }
        assert_eq!(
            include_str!("../../schemas/world.json"),
            fresh,
            "run `sitewright sim schema > schemas/world.json`"
        );
    }
}
