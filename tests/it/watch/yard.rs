//! A folder with a workspace and manifests, a simulated SMP of its own, and loops that watch both.

#![expect(clippy::disallowed_types, reason = "asks the loop over its socket")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sitewright::model::Holder;
use sitewright::state::Store;
use sitewright_sim::{Access, ConsoleAction, Options, RequestRecord, Scheme, Server, World};

use super::exposition::Exposition;
use crate::support::{Running, run};

/// Nothing that is waited for takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

/// Waits until something is so.
#[track_caller]
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A simulated SMP of these options.
pub(super) fn lab(options: &Options) -> Server {
    let world = World::open(options.clone()).unwrap();
    Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap()
}

pub(super) struct Yard {
    folder: tempfile::TempDir,
    server: Option<Server>,
    second: std::cell::RefCell<Option<Server>>,
    address: SocketAddr,
    /// How many requests the program may send a second.
    pub(super) rate_limit: u32,
    /// What the workspace says of the sign-in.
    auth: &'static str,
}

/// Who may come in, once anybody has to sign in.
const USER: &str = r"CORP\svc-sitewright";

impl Yard {
    /// A yard in which so many sites are declared, and are as declared; `more` is of the workspace.
    pub(super) fn new(options: Options, sites: u32, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = lab(&options.with_db(folder.path().join("smp.db")));
        let address = server
            .url()
            .strip_prefix("http://")
            .unwrap()
            .parse()
            .unwrap();
        let yard = Self {
            address,
            server: Some(server),
            second: None.into(),
            rate_limit: 1000,
            auth: "",
            folder,
        };
        fs::create_dir_all(yard.here().join("profiles")).unwrap();
        let profile = yard.server().world().profile();
        fs::write(yard.here().join("profiles/hq.yaml"), profile).unwrap();
        yard.workspace(more);
        yard.manifests(sites);
        // A server that is in trouble may fail a step; then another apply goes on from there.
        let mut applied = (false, String::new());
        for _ in 0..5 {
            applied = yard.program(&["apply", "--yes"]);
            if applied.0 {
                break;
            }
        }
        assert!(applied.0, "{}", applied.1);
        yard
    }

    pub(super) fn here(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    pub(super) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Writes the workspace, in one step as an editor does.
    pub(super) fn workspace(&self, more: &str) {
        let mut text = format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n{more}  platforms:\n    - {{ name: hq, url: 'http://{}', \
             server: SMP01.corp.example, profile: profiles/hq.yaml, rateLimit: {}{} }}\n",
            self.address, self.rate_limit, self.auth
        );
        if let Some(second) = &*self.second.borrow() {
            writeln!(
                text,
                "    - {{ name: slow, url: '{}', server: SMP01.corp.example, profile: profiles/slow.yaml }}",
                second.url()
            )
            .unwrap();
        }
        self.write("sitewright.yaml", &text);
    }

    /// Adds a platform for which the same is declared.
    pub(super) fn second_platform(&self, server: Server) {
        let profile = server.world().profile();
        fs::write(self.here().join("profiles/slow.yaml"), profile).unwrap();
        self.second.replace(Some(server));
        self.workspace("");
        let both = ["hq", "slow"].map(|platform| {
            let named = format!("metadata: {{ platform: {platform}, ");
            declared(2).replace("metadata: { ", &named)
        });
        self.write("sites.yaml", &both.join("---\n"));
    }

    /// Declares so many sites, each with a subnet and a server.
    pub(super) fn manifests(&self, sites: u32) {
        self.write("sites.yaml", &declared(sites));
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.here()).unwrap();
        let new = self.here().join(format!("{name}.new"));
        fs::write(&new, text).unwrap();
        fs::rename(new, self.here().join(name)).unwrap();
    }

    pub(super) fn console(&self, action: ConsoleAction) {
        self.server().world().console(action).unwrap();
    }

    /// What was sent that writes.
    pub(super) fn writes(&self) -> Vec<String> {
        let requests = self.server().requests();
        let writes = requests.into_iter().filter(|request| request.writes);
        writes.map(|request| request.operation).collect()
    }

    /// Runs the program to its end, as somebody does beside the loop.
    pub(super) fn program(&self, arguments: &[&str]) -> (bool, String) {
        run(&mut self.command(arguments), "")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
        command
            .args(arguments)
            .current_dir(self.here())
            .env("USER", "jdoe")
            .env("NO_COLOR", "1")
            .env_remove("SITEWRIGHT_LOG");
        command
    }

    /// Starts a loop that may be asked.
    pub(super) fn watch(&self, arguments: &[&str]) -> Watch {
        self.watch_on("127.0.0.1:0", arguments)
    }

    pub(super) fn watch_on(&self, listen: &str, arguments: &[&str]) -> Watch {
        let mut all = vec!["watch", "--listen", listen];
        all.extend(arguments);
        Watch::start(self.command(&all))
    }

    /// The server goes away.
    pub(super) fn away(&mut self) {
        self.server = None;
    }

    /// It comes back as it was, at the same address.
    pub(super) fn back(&mut self) {
        let world = World::open_existing(&self.folder.path().join("smp.db")).unwrap();
        self.server = Some(Server::start(world, self.address).unwrap());
    }

    /// From here on one has to sign in, and the password is in a file.
    pub(super) fn wants_a_password(&mut self, password: &str) {
        self.auth = r", auth: { method: ntlm, username: 'CORP\svc-sitewright', passwordFrom: { file: secrets/smp } }";
        self.password(password);
        self.change_password(password);
    }

    /// Writes the password where the workspace says that it is.
    pub(super) fn password(&self, password: &str) {
        fs::create_dir_all(self.here().join("secrets")).unwrap();
        self.write("secrets/smp", password);
    }

    /// The account gets another password; connections that are open end.
    pub(super) fn change_password(&mut self, password: &str) {
        self.away();
        let world = World::open_existing(&self.folder.path().join("smp.db")).unwrap();
        let access = Access::by(&[Scheme::Ntlm]).with_account(USER, password);
        self.server = Some(Server::start_with(world, self.address, &access).unwrap());
    }

    /// How often the server refused a password since its last change.
    pub(super) fn refusals(&self) -> usize {
        let requests = self.server().requests();
        let refused = |request: &&RequestRecord| request.refused.is_some();
        requests.iter().filter(refused).count()
    }

    /// Whether nobody holds the lock of the state.
    pub(super) fn is_free(&self) -> bool {
        let store = Store::file(&self.here().join("state"), "hq");
        let holder = Holder {
            who: "test".into(),
            host: "test".into(),
            process: 0,
            purpose: "test".into(),
            run: "test".into(),
            since: "now".into(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let lock = runtime.block_on(store.lock(&holder, Duration::ZERO));
        lock.is_ok()
    }
}

/// So many sites, each with a subnet and a server.
pub(super) fn declared(sites: u32) -> String {
    let site = |n: u32| {
        format!(
            "apiVersion: sitewright/v1\nkind: Site\nmetadata: {{ name: Lab {n} }}\n\
             spec: {{ subnets: [10.77.{n}.0/24], servers: [{{ name: DEPLOY01.corp.example }}] }}\n"
        )
    };
    (0..sites).map(site).collect::<Vec<_>>().join("---\n")
}

/// A loop under way.
pub(super) struct Watch {
    running: Running,
    log: tempfile::NamedTempFile,
    address: SocketAddr,
}

impl Watch {
    pub(super) fn start(mut command: Command) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let out: File = log.reopen().unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let mut watch = Self {
            running: Running(child),
            log,
            address: ([127, 0, 0, 1], 0).into(),
        };
        until("it listens", || {
            let ended = watch.running.0.try_wait().unwrap();
            assert!(ended.is_none(), "{}", watch.said());
            let said = watch.said();
            let Some((_, after)) = said.split_once("address=") else {
                return false;
            };
            let port = after.split_whitespace().next().unwrap();
            let port = port.rsplit_once(':').unwrap().1.parse().unwrap();
            watch.address.set_port(port);
            true
        });
        watch
    }

    pub(super) fn id(&self) -> u32 {
        self.running.0.id()
    }

    /// Everything that it said.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap()
    }

    /// The lines that hold a text.
    pub(super) fn lines(&self, text: &str) -> Vec<String> {
        let said = self.said();
        let lines = said.lines().filter(|line| line.contains(text));
        lines.map(ToOwned::to_owned).collect()
    }

    /// Waits until so many more attempts have looked at everything from their beginning: the one that is under way now
    /// may have looked already.
    #[track_caller]
    pub(super) fn rounds(&self, rounds: u32) {
        let outcomes = [
            "converged",
            "differs",
            "applied",
            "blocked",
            "frozen",
            "busy",
        ];
        self.rounds_that_end(&outcomes, rounds);
    }

    /// The same for attempts that could read everything: what cannot be read blocks.
    #[track_caller]
    pub(super) fn whole_rounds(&self, rounds: u32) {
        self.rounds_that_end(&["converged", "differs"], rounds);
    }

    #[track_caller]
    fn rounds_that_end(&self, outcomes: &[&str], rounds: u32) {
        let looked = || {
            let metrics = self.metrics();
            let of =
                |outcome: &&str| metrics.sum("sitewright_runs_total", &[("outcome", *outcome)]);
            outcomes.iter().map(of).sum::<f64>()
        };
        let before = looked();
        until("it has looked", || looked() >= before + f64::from(rounds));
    }

    pub(super) fn metrics(&self) -> Exposition {
        Exposition::read(&self.get("/metrics").1)
    }

    /// The count or the gauge of a name.
    pub(super) fn metric(&self, family: &str, with: &[(&str, &str)]) -> u64 {
        let metrics = self.metrics();
        metrics.count(family, with) + metrics.count(&format!("{family}_total"), with)
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream
    }

    pub(super) fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, "")
    }

    /// Asks as plainly as can be.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = self.connect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// Sends what is no request.
    pub(super) fn nonsense(&self) {
        let mut stream = self.connect();
        stream.write_all(&[0, 255, 13, 10, 13, 10]).unwrap();
        let mut answer = Vec::new();
        // It is refused or hung up on.
        let _ = stream.read_to_end(&mut answer);
    }

    /// How it ended, if it does in time.
    pub(super) fn ended(&mut self, within: Duration) -> Option<i32> {
        let end = Instant::now() + within;
        loop {
            if let Some(status) = self.running.0.try_wait().unwrap() {
                return status.code();
            }
            if Instant::now() > end {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Asks a loop to end.
pub(super) fn terminate(watch: &Watch) {
    let sent = Command::new("kill")
        .args(["-TERM", &watch.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// How many files a process has open, and how much memory it has, in KiB.
pub(super) fn held(process: u32) -> (usize, u64) {
    let at = Path::new("/proc").join(process.to_string());
    let files = fs::read_dir(at.join("fd")).unwrap().count();
    let status = fs::read_to_string(at.join("status")).unwrap();
    let memory = status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .unwrap();
    (files, memory)
}
