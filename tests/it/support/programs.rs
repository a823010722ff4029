//! Programs that others wrote, or that were written apart: those of `tests/outside`.

use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The Python of `make setup`, or the system's where that is missing: the foreign SMP needs no packages.
pub(crate) fn python() -> Command {
    let own = [".tools/venv/bin/python", ".tools/venv/Scripts/python.exe"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = own.iter().map(|path| root.join(path));
    let program = own.into_iter().find(|path| path.is_file());
    let mut command = Command::new(program.unwrap_or_else(|| PathBuf::from("python3")));
    command
        .current_dir(root.join("tests/outside"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUTF8", "1");
    command
}

/// A tool that `make setup` installs beside Python's.
pub(crate) fn tool(name: &str) -> Command {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/venv/bin");
    Command::new(own.join(name))
}

/// A program that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program to its end, which must come within two minutes.
pub(crate) fn run(command: &mut Command, input: &str) -> (bool, String) {
    let mut said = tempfile::tempfile().unwrap();
    let child = command
        .stdin(Stdio::piped())
        .stdout(said.try_clone().unwrap())
        .stderr(said.try_clone().unwrap())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut stdin = running.0.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let end = Instant::now() + Duration::new(120, 0);
    let status = loop {
        if let Some(status) = running.0.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > end {
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut text = String::new();
    said.rewind().unwrap();
    said.read_to_string(&mut text).unwrap();
    if status.is_none() {
        text.push_str("\nstopped: not done in time");
    }
    (status.is_some_and(|status| status.success()), text)
}

/// The first line that a program prints, which must come within half a minute; none where it ends before.
pub(crate) fn first_line(out: ChildStdout) -> Option<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(out).read_line(&mut line);
        // Nobody listens any more once the test has given up.
        let _ = send.send(read.map(|_| line));
    });
    let line = receive.recv_timeout(Duration::from_secs(30)).ok()?.ok()?;
    Some(line).filter(|line| !line.is_empty())
}
