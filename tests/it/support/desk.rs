//! Workspaces of a real program over one simulated SMP: each process has a folder and a way to the server of its own, and
//! is stopped, killed or put to sleep at a write of its run.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sitewright_sim::{Options, Server, World};

use super::{Cut, Running, bucket};

/// The server.
pub(crate) struct Desk {
    server: Server,
}

/// One workspace.
pub(crate) struct Seat {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) way: Cut,
}

/// Sites that are new to the server: steps of one write and more, none of them in the console.
const SITES: [(&str, &str); 3] = [
    ("North", "10.20.1.0/24"),
    ("South", "10.20.2.0/24"),
    ("West", "10.20.3.0/24"),
];

/// What the program must not say, whatever goes wrong.
const SECRETS: [&str; 2] = [
    bucket::SECRET,
    #[cfg(feature = "postgres")]
    super::PASSWORD,
    #[cfg(not(feature = "postgres"))]
    bucket::SECRET,
];

impl Desk {
    pub(crate) fn new() -> Self {
        let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
        let server = Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap();
        Self { server }
    }

    /// A workspace that says so of its `state`.
    pub(crate) async fn seat(&self, state: &str) -> Seat {
        let way = Cut::before(&self.server.url()).await;
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let sites = SITES.map(|(name, subnet)| {
            format!(
                "apiVersion: sitewright/v1\nkind: Site\nmetadata: {{ name: {name} }}\nspec: {{ subnets: [{subnet}] }}\n"
            )
        });
        write("sites.yaml", &sites.join("---\n"));
        fs::create_dir(folder.path().join("profiles")).unwrap();
        write("profiles/hq.yaml", &self.server.world().profile());
        let workspace = format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      url: {}\n      \
             server: SMP01.corp.example\n      profile: profiles/hq.yaml\n{state}",
            way.url,
        );
        write("sitewright.yaml", &workspace);
        Seat { folder, way }
    }

    /// Everything that the server holds.
    pub(crate) fn dump(&self) -> String {
        self.server.world().dump()
    }

    /// Every site is there once, and nothing is left to do.
    pub(crate) async fn is_done(&self, seat: &Seat) {
        let dump = self.dump();
        for (site, _) in SITES {
            let times: usize = [" }", ","]
                .iter()
                .map(|end| dump.matches(&format!("{{ name: {site}{end}")).count())
                .sum();
            assert_eq!(times, 1, "{dump}");
        }
        seat.told(&["plan", "--detailed-exitcode"], 0).await;
    }
}

impl Seat {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("USER", "jdoe")
            .env("BUCKET_ACCESS", bucket::ACCESS)
            .env("BUCKET_SECRET", bucket::SECRET)
            .stdin(Stdio::null());
        #[cfg(feature = "postgres")]
        command.env("STATE_PASSWORD", super::PASSWORD);
        command
    }

    /// Runs a command that must end with a code, and gives what it said.
    pub(crate) async fn told(&self, arguments: &[&str], code: i32) -> String {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap()
        );
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}");
        keeps_secrets(&said);
        said
    }

    /// Begins `apply`, and waits until a write is carried out whose answer it does not have.
    ///
    /// It takes one step at a time: whatever came before the write is over, and nothing else is under way.
    pub(crate) async fn apply_until(&self, write: usize) -> Running {
        self.way.hold(write);
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = self.command(&["apply", "--yes", "--parallelism", "1"]);
        let child = command
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.way.holds().await;
        Running(child)
    }

    /// Waits until it has ended, and gives its code and what it said.
    pub(crate) async fn ended(&self, mut apply: Running) -> (Option<i32>, String) {
        let end = Instant::now() + Duration::from_mins(2);
        let status = loop {
            if let Some(status) = apply.0.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let said = self.log();
        keeps_secrets(&said);
        (status.code(), said)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

fn keeps_secrets(said: &str) {
    for secret in SECRETS {
        assert!(!said.contains(secret), "{said}");
    }
}

/// Sends a signal to a process that was started here.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}
