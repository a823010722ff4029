//! Scripted sessions: each file of `tests/scenarios` is played against the real program, with two seeds, one of them
//! German, and what it prints must be what is recorded there.
//!
//! `SITEWRIGHT_BLESS=1 cargo test --test it sessions` records anew. `tests/scenarios/README.md` says how a file is
//! written. What differs from run to run (durations, times, GUIDs, ports, checksums) is replaced before comparing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use regex::Regex;
use sitewright_sim::{Language, Options, World};

/// The longest line that the program may print, in columns.
const WIDTH: usize = 80;

macro_rules! sessions {
    ($($name:ident,)+) => {
        $(#[test]
        fn $name() {
            play(stringify!($name));
        })+

        const ALL: &[&str] = &[$(stringify!($name)),+];
    };
}

sessions! {
    attested,
    blocked,
    damaged,
    drift,
    explain,
    export,
    firewall,
    first_steps,
    formerly,
    half_applied,
    import,
    limits,
    locked,
    parts,
    plan_files,
    platform_check,
    profile,
    replace_server,
    runbook,
    sign_in,
    state,
    take_down,
    unseen,
    usage,
    validate,
    verify,
}

#[test]
fn every_session_is_played() {
    let mut files: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".md").map(ToOwned::to_owned))
        .filter(|name| name != "README")
        .collect();
    files.sort();
    assert_eq!(files, ALL);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// Plays a session with both seeds and compares, or records.
fn play(name: &str) {
    let path = folder().join(format!("{name}.md"));
    let script = fs::read_to_string(&path).unwrap();
    let bless = std::env::var_os("SITEWRIGHT_BLESS").is_some();
    let first = Session::new(1, Language::En).play(&script);
    if bless {
        fs::write(&path, &first.text).unwrap();
    }
    let expected = if bless { first.text.clone() } else { script };
    let second = Session::new(7, Language::De).play(&expected);
    for played in [&first, &second] {
        snapbox::Assert::new()
            .action(snapbox::assert::Action::Verify)
            .eq(
                snapbox::Data::text(&played.text).raw(),
                snapbox::Data::text(&expected).raw(),
            );
        assert!(
            played.wide.is_empty(),
            "{name}: wider than {WIDTH} columns: {:#?}",
            played.wide
        );
    }
}

/// A script with what its commands print now.
struct Played {
    text: String,
    /// Lines of the program that are too wide.
    wide: Vec<String>,
}

/// One play: a folder, what was exported, and programs that still run.
struct Session {
    root: tempfile::TempDir,
    here: PathBuf,
    variables: BTreeMap<String, String>,
    running: Vec<Child>,
    seed: u64,
    language: Language,
    redactions: Vec<(Regex, &'static str)>,
}

/// What a command gave.
#[derive(Default)]
struct Given {
    out: String,
    err: String,
    code: i32,
}

impl Drop for Session {
    fn drop(&mut self) {
        for mut child in self.running.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Session {
    fn new(seed: u64, language: Language) -> Self {
        let root = tempfile::tempdir().unwrap();
        let here = root.path().canonicalize().unwrap();
        let redactions = [
            (
                r"'?[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}'?",
                "[GUID]",
            ),
            (r"\(process \d+\)", "(process [NUMBER])"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?", "[TIME]"),
            (r"\b20\d\d-\d\d-\d\d\b", "[DATE]"),
            (r"\b\d+\.\d s\b|\b\d+\.\ds\b|\b\d+ ms\b", "[DURATION]"),
            (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
            (r"\b[0-9a-f]{64}\b", "[CHECKSUM]"),
            (r"sitewright-verify-[0-9a-f]{8}", "sitewright-verify-[TAG]"),
            (r"\b192\.0\.2\.\d{3}/32", "192.0.2.[N]/32"),
        ]
        .map(|(pattern, text)| (Regex::new(pattern).unwrap(), text))
        .to_vec();
        Self {
            root,
            here,
            variables: BTreeMap::from([
                ("SEED".to_owned(), seed.to_string()),
                ("LANGUAGE".to_owned(), language.to_string()),
            ]),
            running: Vec::new(),
            seed,
            language,
            redactions,
        }
    }

    /// Plays a script: gives it back with what the commands print now.
    fn play(mut self, script: &str) -> Played {
        let mut played = String::new();
        let mut wide = Vec::new();
        let mut lines = script.lines().peekable();
        while let Some(line) = lines.next() {
            played.push_str(line);
            played.push('\n');
            if let Some(world) = comment(line, "world") {
                self.make_world(world);
            } else if let Some(file) = line.strip_prefix("```yaml ") {
                let mut text = String::new();
                for line in lines.by_ref() {
                    played.push_str(line);
                    played.push('\n');
                    if line == "```" {
                        break;
                    }
                    text.push_str(line);
                    text.push('\n');
                }
                let path = self.here.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            } else if line == "```console" {
                let mut first = true;
                for line in lines.by_ref() {
                    if line == "```" {
                        break;
                    }
                    if let Some(command) = line.strip_prefix("$ ") {
                        if !first {
                            played.push('\n');
                        }
                        first = false;
                        played.push_str(line);
                        played.push('\n');
                        let given = self.command(command);
                        if command.contains("sitewright ") {
                            wide.extend(
                                (given.out.lines().chain(given.err.lines()))
                                    .filter(|line| line.chars().count() > WIDTH)
                                    // Faults in files are shown as they stand there, as compilers do.
                                    .filter(|line| {
                                        !["error[SW01", "error[SW095"]
                                            .iter()
                                            .any(|code| line.starts_with(code))
                                    })
                                    .map(ToOwned::to_owned),
                            );
                        }
                        played.push_str(&self.shown(&given));
                    }
                }
                played.push_str("```\n");
            }
        }
        Played { text: played, wide }
    }

    /// What is recorded of a command: its exit code where it is not 0, its output, and its errors marked with `!`.
    fn shown(&self, given: &Given) -> String {
        let mut text = String::new();
        if given.code != 0 {
            writeln!(text, "? {}", given.code).unwrap();
        }
        for line in given.out.lines() {
            text.push_str(line);
            text.push('\n');
        }
        for line in given.err.lines() {
            text.push_str("! ");
            text.push_str(line);
            text.push('\n');
        }
        let mut text = text.replace(
            &self
                .root
                .path()
                .canonicalize()
                .unwrap()
                .display()
                .to_string(),
            "[ROOT]",
        );
        for (pattern, with) in &self.redactions {
            text = pattern.replace_all(&text, *with).into_owned();
        }
        let mut shown = String::new();
        for line in text.lines() {
            shown.push_str(line.trim_end());
            shown.push('\n');
        }
        shown
    }

    /// Makes the world of `sim:NAME` with this play's seed and language: `<!-- world: NAME in FOLDER -->`.
    fn make_world(&self, what: &str) {
        let (name, folder) = what.split_once(" in ").unwrap();
        let folder = self.here.join(folder);
        fs::create_dir_all(&folder).unwrap();
        let options = Options::builtin(name)
            .unwrap()
            .with_seed(self.seed)
            .with_language(self.language)
            .with_db(folder.join(format!("sim-{name}.db")));
        World::open(options).unwrap();
    }

    fn command(&mut self, line: &str) -> Given {
        let mut words = split(line);
        for word in &mut words {
            for (name, value) in &self.variables {
                *word = word.replace(&format!("${name}"), value);
            }
        }
        let background = words.last().is_some_and(|word| word == "&");
        if background {
            words.pop();
        }
        let log = match words.as_slice() {
            [.., arrow, file] if arrow == "2>" => {
                let file = self.here.join(file);
                words.truncate(words.len() - 2);
                Some(file)
            }
            _ => None,
        };
        let into = match words.as_slice() {
            [.., arrow, file] if arrow == ">" => {
                let file = self.here.join(file);
                words.truncate(words.len() - 2);
                Some(file)
            }
            _ => None,
        };
        let from = match words.as_slice() {
            [.., arrow, file] if arrow == "<" => {
                let file = self.here.join(file);
                words.truncate(words.len() - 2);
                Some(file)
            }
            _ => None,
        };
        let mut variables = self.variables.clone();
        while let Some((name, value)) = words.first().and_then(|word| assignment(word)) {
            variables.insert(name, value);
            words.remove(0);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut given = match words.as_slice() {
            ["sitewright", arguments @ ..] if background => self.start(arguments, &variables),
            ["sitewright", arguments @ ..] => self.run(arguments, &variables, from.as_deref()),
            other => self.builtin(other),
        };
        if let Some(file) = into {
            fs::write(file, std::mem::take(&mut given.out)).unwrap();
        }
        if let Some(file) = log {
            fs::write(file, std::mem::take(&mut given.err)).unwrap();
        }
        given
    }

    fn program(&self, arguments: &[&str], variables: &BTreeMap<String, String>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
        command
            .args(arguments)
            .current_dir(&self.here)
            .env_clear()
            .env("USER", "jdoe")
            .env("SITEWRIGHT_HOST", "ops")
            .env("COLUMNS", WIDTH.to_string())
            // Steps that run side by side end in any order; what is recorded is that of the plan.
            .env("SITEWRIGHT_PARALLELISM", "1")
            .envs(variables);
        command
    }

    fn run(
        &self,
        arguments: &[&str],
        variables: &BTreeMap<String, String>,
        from: Option<&Path>,
    ) -> Given {
        let input = from.map_or_else(Stdio::null, |file| fs::File::open(file).unwrap().into());
        let output = self
            .program(arguments, variables)
            .stdin(input)
            .output()
            .unwrap();
        Given {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap(),
        }
    }

    /// Starts a program beside the session. A simulator is waited for, and `$URL` is its address; anything else is
    /// waited for until it holds the lock of its state.
    fn start(&mut self, arguments: &[&str], variables: &BTreeMap<String, String>) -> Given {
        let simulator = arguments.first() == Some(&"sim");
        let mut child = self
            .program(arguments, variables)
            .stdin(Stdio::null())
            .stdout(if simulator {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        if simulator {
            let mut out = BufReader::new(child.stdout.take().unwrap());
            out.read_line(&mut line).unwrap();
            assert!(!line.is_empty(), "{arguments:?} did not start");
            let url = line.trim().rsplit(' ').next().unwrap().to_owned();
            self.variables.insert("URL".into(), url);
        } else {
            let lock = self.here.join("state/hq.lock.json");
            let held = || fs::read_to_string(&lock).is_ok_and(|note| !note.trim().is_empty());
            for _ in 0..500 {
                if held() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            assert!(held(), "{arguments:?} took no lock");
        }
        self.running.push(child);
        Given {
            out: line,
            ..Given::default()
        }
    }

    /// The few commands beside the program that a session needs, the same on every system.
    fn builtin(&mut self, words: &[&str]) -> Given {
        let path = |name: &str| {
            if name.starts_with("examples/") {
                Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
            } else {
                self.here.join(name)
            }
        };
        let mut given = Given::default();
        match words {
            ["cd", folder] => self.here = path(folder).canonicalize().unwrap(),
            ["cp", "-r", from, to] => copy(&path(from), &path(to)),
            ["cp", from, to] => {
                fs::copy(path(from), path(to)).unwrap();
            }
            ["rm", "-r", folder] => fs::remove_dir_all(path(folder)).unwrap(),
            ["rm", file] => {
                if let Err(error) = fs::remove_file(path(file)) {
                    given.code = 1;
                    given.err = error.to_string();
                }
            }
            ["mkdir", folder] => fs::create_dir_all(path(folder)).unwrap(),
            ["cat", file] => given.out = fs::read_to_string(path(file)).unwrap(),
            ["echo", text, ">>", file] => {
                let mut file = fs::OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(path(file))
                    .unwrap();
                writeln!(file, "{text}").unwrap();
            }
            ["echo", text] => given.out = format!("{text}\n"),
            ["mv", from, to] => fs::rename(path(from), path(to)).unwrap(),
            ["replace", old, new, file] => {
                let text = fs::read_to_string(path(file)).unwrap();
                if text.contains(old) {
                    fs::write(path(file), text.replace(old, new)).unwrap();
                } else {
                    given.code = 1;
                    given.err = format!("{file} does not hold {old}");
                }
            }
            ["ls", folder] => {
                for file in files(&path(folder)) {
                    let name = file.strip_prefix(path(folder)).unwrap();
                    given.out.push_str(&name.display().to_string());
                    given.out.push('\n');
                }
            }
            ["grep", "-rl", text, folder] => {
                given.code = 1;
                for file in files(&path(folder)) {
                    let mut bytes = Vec::new();
                    fs::File::open(&file)
                        .unwrap()
                        .read_to_end(&mut bytes)
                        .unwrap();
                    if bytes.windows(text.len()).any(|at| at == text.as_bytes()) {
                        given.code = 0;
                        let name = file.strip_prefix(&self.here).unwrap();
                        writeln!(given.out, "{}", name.display()).unwrap();
                    }
                }
            }
            ["kill", "%"] => {
                let mut child = self.running.pop().unwrap();
                child.kill().unwrap();
                child.wait().unwrap();
            }
            other => panic!("no such command in a session: {other:?}"),
        }
        given
    }
}

fn comment<'a>(line: &'a str, what: &str) -> Option<&'a str> {
    line.strip_prefix("<!-- ")?
        .strip_suffix(" -->")?
        .strip_prefix(what)?
        .strip_prefix(": ")
}

fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .then(|| (name.to_owned(), value.to_owned()))
}

/// Splits a line into words as a shell does, with both kinds of quotes; between single ones `\n` is a line break.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words.iter().map(|word| word.replace("\\n", "\n")).collect()
}

fn files(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let inside = file.strip_prefix(from).unwrap();
        if inside.starts_with("state") {
            continue;
        }
        let target = to.join(inside);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
}
