//! The loop over a branch of a repository: a commit is taken up whole, a broken one not at all, and the journal says which.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::yard::{Watch, Yard, declared, until};
use super::{flat_lan, taken_out};

/// Runs git in a folder, as nobody in particular.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=jdoe", "-c", "user.email=jdoe@corp.example"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A bare repository, and a clone to commit in.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// With the workspace and the manifests of a yard.
    fn of(yard: &Yard) -> Self {
        let folder = tempfile::tempdir().unwrap();
        git(
            folder.path(),
            &["init", "--quiet", "--bare", "-b", "main", "origin.git"],
        );
        git(folder.path(), &["init", "--quiet", "-b", "main", "clone"]);
        let repository = Self { folder };
        let clone = repository.clone();
        git(&clone, &["remote", "add", "origin", "../origin.git"]);
        fs::create_dir_all(clone.join("prod/profiles")).unwrap();
        for file in ["sitewright.yaml", "sites.yaml", "profiles/hq.yaml"] {
            fs::copy(yard.here().join(file), clone.join("prod").join(file)).unwrap();
        }
        repository.commit();
        repository
    }

    fn clone(&self) -> std::path::PathBuf {
        self.folder.path().join("clone")
    }

    fn url(&self) -> String {
        format!("file://{}", self.folder.path().join("origin.git").display())
    }

    /// Commits and pushes what there is; gives the commit.
    fn commit(&self) -> String {
        git(&self.clone(), &["add", "--all"]);
        git(&self.clone(), &["commit", "--quiet", "-m", "x"]);
        git(&self.clone(), &["push", "--quiet", "origin", "main"]);
        git(&self.clone(), &["rev-parse", "HEAD"])
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.clone().join("prod").join(name), text).unwrap();
        self.commit()
    }
}

/// A loop over the repository; its state is the yard's.
fn watch(yard: &Yard, repository: &Repository, more: &[&str]) -> Watch {
    let state = yard.here().join("state");
    let url = repository.url();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
    command
        .args(["watch", "--listen", "127.0.0.1:0", "--interval", "1s"])
        .args(["--git", &url, "--path", "prod", "--poll", "1s"])
        .args(["--state", &state.display().to_string()])
        .args(more)
        .current_dir(repository.folder.path())
        .env("USER", "jdoe")
        .env_remove("SITEWRIGHT_LOG");
    Watch::start(command)
}

#[test]
fn a_commit_is_taken_up_whole_and_a_wrong_one_not_at_all() {
    let yard = Yard::new(flat_lan(), 2, "");
    let repository = Repository::of(&yard);
    let first = git(&repository.clone(), &["rev-parse", "HEAD"]);
    let watch = watch(&yard, &repository, &[]);
    watch.rounds(1);
    let revision = || {
        watch
            .metrics()
            .label("sitewright_configuration_info", "revision")
    };
    assert_eq!(revision(), format!("commit {first}"));
    yard.console(taken_out(1));
    watch.rounds(2);
    assert_eq!(watch.lines("drift object=Subnet/10.77.1.0/24").len(), 1);
    // A commit that cannot be read changes nothing.
    repository.write("sites.yaml", "kind: [");
    until("it is told", || {
        watch.metric("sitewright_configuration_ok", &[]) == 0
    });
    assert_eq!(revision(), format!("commit {first}"));
    assert_eq!(watch.get("/readyz").0, 200);
    // One that mends it and declares more is in use as a whole.
    let third = repository.write("sites.yaml", &declared(3));
    until("it is taken up", || revision() == format!("commit {third}"));
    watch.rounds(2);
    assert_eq!(
        watch.lines("drift object=Site/Lab 2").len(),
        1,
        "{}",
        watch.said()
    );
    assert_eq!(watch.lines("drift object=Subnet/10.77.1.0/24").len(), 1);
    // The repository goes away; what there is goes on.
    fs::rename(
        repository.folder.path().join("origin.git"),
        repository.folder.path().join("x"),
    )
    .unwrap();
    until("it is told", || {
        watch.metric("sitewright_configuration_ok", &[]) == 0
    });
    watch.rounds(2);
    assert_eq!(watch.get("/readyz").0, 200);
    assert_eq!(watch.lines("SW0986").len(), 1, "{}", watch.said());
    fs::rename(
        repository.folder.path().join("x"),
        repository.folder.path().join("origin.git"),
    )
    .unwrap();
    until("it is back", || {
        watch.metric("sitewright_configuration_ok", &[]) == 1
    });
}

#[test]
fn the_journal_says_which_commit_a_run_followed() {
    let yard = Yard::new(flat_lan(), 2, "  watch: { autoApply: [assign] }\n");
    let repository = Repository::of(&yard);
    let commit = git(&repository.clone(), &["rev-parse", "HEAD"]);
    let watch = watch(&yard, &repository, &["--mode", "apply"]);
    watch.rounds(1);
    yard.console(taken_out(1));
    until("it is mended", || {
        watch.metric("sitewright_runs", &[("outcome", "applied")]) >= 1
    });
    let journal = fs::read_to_string(yard.here().join("state/hq.journal.jsonl")).unwrap();
    let by = format!("jdoe, watch of commit {commit} of file://");
    assert!(journal.contains(&by), "{by} in\n{journal}");
}

#[test]
fn a_state_in_a_checkout_is_refused() {
    let yard = Yard::new(flat_lan(), 1, "");
    let repository = Repository::of(&yard);
    let url = repository.url();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
    command
        .args(["watch", "--listen", "127.0.0.1:0", "--poll", "1s"])
        .args(["--git", &url, "--path", "prod"])
        .current_dir(repository.folder.path())
        .env_remove("SITEWRIGHT_LOG");
    let watch = Watch::start(command);
    until("it is told", || !watch.lines("SW0989").is_empty());
    assert_eq!(watch.get("/readyz").0, 503);
    assert_eq!(watch.get("/healthz").0, 200);
}

#[test]
fn a_branch_that_is_not_there_is_told_without_what_signs_in() {
    let yard = Yard::new(flat_lan(), 1, "");
    let repository = Repository::of(&yard);
    let watch = watch(&yard, &repository, &["--branch", "prod"]);
    until("it is told", || {
        !watch.lines("there is no such branch").is_empty()
    });
    assert!(watch.lines("SW0986").len() == 1, "{}", watch.said());
    let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
    command
        .args(["watch", "--listen", "127.0.0.1:0", "--poll", "1s"])
        .args(["--git", "http://jdoe:s3cret@127.0.0.1:9/a.git"])
        .current_dir(repository.folder.path())
        .env_remove("SITEWRIGHT_LOG");
    let other = Watch::start(command);
    until("it is told", || !other.lines("SW0986").is_empty());
    assert!(!other.said().contains("s3cret"), "{}", other.said());
}
