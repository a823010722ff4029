//! A PostgreSQL server of its own: a cluster in a temporary folder, on a loopback port, with TLS and passwords.
//!
//! What it lacks on this machine is told once, and the tests are skipped, but not where `CI` is `true`. As root the server
//! runs as the user `postgres` of Debian's packages, since it refuses to run as root.

#![expect(clippy::disallowed_types, reason = "looks for a free port")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sitewright::smp::tls_settings;
use sitewright::state::Postgres;

use super::authority::Authority;
use super::programs::{Running, run};
use super::realm::skip;

/// The password of the server's only user. It must be in nothing that the program says.
pub(crate) const PASSWORD: &str = "tops3cret-of-the-state";

/// The user whom the server belongs to where the tests run as root.
const OWNER: &str = "postgres";

/// A server that ends with the test.
pub(crate) struct Database {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    running: Option<Running>,
}

impl Database {
    /// Starts one; none where this machine lacks it.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            skip("PostgreSQL", "`initdb` and `postgres` are missing");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let mut database = Self {
            port: free_port(),
            folder,
            programs,
            running: None,
        };
        database.prepare();
        database.restart();
        Some(database)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The certificate of the authority that has signed the server's.
    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// One of the server's programs, run by whoever may.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        if is_root() {
            let mut command = Command::new("setpriv");
            command
                .arg(format!("--reuid={OWNER}"))
                .arg(format!("--regid={OWNER}"))
                .arg("--clear-groups")
                // The server ends with the test even where that is killed.
                .args(["--pdeathsig", "QUIT"])
                .arg(program);
            command
        } else {
            Command::new(program)
        }
    }

    fn prepare(&self) {
        let authority = Authority::new("The database's own");
        let (certificate, key) = authority.server();
        fs::write(self.ca(), authority.pem()).unwrap();
        fs::write(self.path("server.pem"), certificate).unwrap();
        fs::write(self.path("server.key"), key).unwrap();
        fs::write(self.path("password"), PASSWORD).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let only_ours = fs::Permissions::from_mode(0o600);
            fs::set_permissions(self.path("server.key"), only_ours).unwrap();
        }
        if is_root() {
            let mut chown = Command::new("chown");
            let (done, said) = run(chown.args(["-R", OWNER]).arg(self.folder.path()), "");
            assert!(done, "{said}");
        }
        let mut initdb = self.program("initdb");
        initdb
            .args(["--no-sync", "--no-instructions", "--encoding=UTF8"])
            .args([
                "--locale=C",
                "--username=sitewright",
                "--auth=scram-sha-256",
            ])
            .arg("--pwfile")
            .arg(self.path("password"))
            .arg("-D")
            .arg(self.path("data"));
        let (done, said) = run(&mut initdb, "");
        assert!(done, "{said}");
    }

    /// Starts the server, and waits until it takes connections.
    pub(crate) fn restart(&mut self) {
        let end = Instant::now() + Duration::from_mins(1);
        let mut running = Running(self.postgres().spawn().unwrap());
        loop {
            let log = || fs::read_to_string(self.path("log")).unwrap();
            assert!(
                Instant::now() < end,
                "PostgreSQL does not start:\n{}",
                log()
            );
            std::thread::sleep(Duration::from_millis(20));
            if running.0.try_wait().unwrap().is_some() {
                // Processes of one that was killed may be about to see it.
                running = Running(self.postgres().spawn().unwrap());
            }
            let note = fs::read_to_string(self.path("data/postmaster.pid")).unwrap_or_default();
            let mut lines = note.lines();
            let pid = lines.next().map(str::trim);
            let status = lines.nth(6).map(str::trim);
            if pid == Some(&running.0.id().to_string()) && status == Some("ready") {
                break;
            }
        }
        self.running = Some(running);
    }

    fn postgres(&self) -> Command {
        let mut postgres = self.program("postgres");
        let folder = self.folder.path().display().to_string();
        for setting in [
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={folder}"),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={folder}/server.pem"),
            format!("ssl_key_file={folder}/server.key"),
            // The disk is not what is tested.
            "fsync=off".to_owned(),
            "shared_buffers=16MB".to_owned(),
            "max_connections=50".to_owned(),
            "autovacuum=off".to_owned(),
        ] {
            postgres.arg("-c").arg(setting);
        }
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        postgres
            .arg("-D")
            .arg(self.path("data"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        postgres
    }

    /// Kills the server as a power cut would: nothing is written any more, nobody is told.
    pub(crate) fn kill(&mut self) {
        drop(self.running.take());
    }

    /// How the library gets into it, over TLS, with tables in a schema.
    pub(crate) fn settings(&self, schema: &str, lease: Duration) -> Postgres {
        let tls = tls_settings("127.0.0.1", Some(&self.ca())).unwrap();
        Postgres {
            host: "127.0.0.1".into(),
            port: self.port,
            user: "sitewright".into(),
            database: "postgres".into(),
            password: Some(PASSWORD.to_owned().into()),
            tls: Some(Arc::new(tls)),
            schema: schema.into(),
            lease,
        }
    }

    /// `state` of a workspace that keeps it here; the password is in the variable `STATE_PASSWORD`.
    pub(crate) fn declared(&self, lease: u32) -> String {
        format!(
            "  state:\n    backend: postgres\n    url: postgres://sitewright@127.0.0.1:{}/postgres\n    \
             passwordFrom: {{ env: STATE_PASSWORD }}\n    ca: {}\n    lease: {lease}\n",
            self.port,
            self.ca().display(),
        )
    }

    /// Does something as an administrator, and gives what comes of it as text.
    pub(crate) async fn sql(&self, statements: &str) -> Vec<String> {
        let mut config = tokio_postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(self.port)
            .user("sitewright")
            .dbname("postgres")
            .password(PASSWORD);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(statements).await.unwrap();
        drop(client);
        connection.abort();
        messages
            .iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => {
                    Some(row.get(0).unwrap_or_default().to_owned())
                }
                _ => None,
            })
            .collect()
    }
}

/// Where `initdb` and `postgres` are: in the path, or where Debian keeps them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|version| version.unwrap().path().join("bin"))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// A port that nobody listens on. Another test may take it before the server does; then that does not start.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Whether the tests run as root.
fn is_root() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(Path::new("/proc/self")).is_ok_and(|process| process.uid() == 0)
    }
    #[cfg(not(unix))]
    {
        false
    }
}
