//! Where the configuration comes from: folders, or a branch of a git repository.
//!
//! I/O: files, the program `git`, what the operating system tells of files that change. A commit is checked out whole, into
//! a folder of its own, before anything of it is in use; the folder of the one before goes once it is. Nothing that
//! signs in is ever shown: what stands before the `@` of an address is cut out of all that `git` says.

#![expect(
    clippy::disallowed_methods,
    reason = "reads folders, runs git, waits for it"
)]

use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher as _};
use regex::Regex;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::mpsc;

use super::report::Trouble;

/// How long one call of `git` may take.
const GIT_LIMIT: Duration = Duration::from_mins(1);

/// A branch of a repository, and a folder in it.
#[derive(Debug)]
pub struct Git {
    url: String,
    branch: String,
    /// The folder of the manifests, relative to the repository.
    path: PathBuf,
    /// Where commits are checked out; it goes with the program.
    folder: TempDir,
    /// How many checkouts there were: each has a folder of its own.
    checkouts: u64,
    current: Option<Checkout>,
}

/// A commit in a folder.
#[derive(Debug)]
struct Checkout {
    commit: String,
    folder: PathBuf,
    /// The one before, which may still be in use.
    before: Option<PathBuf>,
}

/// Where the configuration comes from.
#[derive(Debug)]
pub enum Source {
    /// Files and folders, as they are named.
    Folder(Vec<PathBuf>),
    /// A branch.
    Git(Box<Git>),
}

/// What there is to read at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Files and folders.
    pub files: Vec<PathBuf>,
    /// The commit, where it is one.
    pub commit: Option<Commit>,
}

/// A commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// The address of the repository, without what signs in.
    pub url: String,
    /// The folder that it is checked out in, which does not stay.
    pub checkout: PathBuf,
}

impl Source {
    /// Says what there is to read; for a repository, after asking it.
    ///
    /// # Errors
    /// Where the repository cannot be asked.
    pub async fn revision(&mut self) -> Result<Revision, Trouble> {
        match self {
            Self::Folder(files) => Ok(Revision {
                files: files.clone(),
                commit: None,
            }),
            Self::Git(git) => git.revision().await,
        }
    }
}

/// An address without what signs in.
#[must_use]
pub fn without_sign_in(text: &str) -> String {
    static SIGN_IN: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"://[^/@\s]*(?:@[^/@\s]*)*@").ok());
    match &*SIGN_IN {
        Some(sign_in) => sign_in.replace_all(text, "://").into_owned(),
        // It is one; without it nothing is shown.
        None => "(not shown)".to_owned(),
    }
}

/// Whether a text may stand for a branch on the command line of `git`.
#[must_use]
pub fn is_branch(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    !name.is_empty()
        && !name.starts_with(['-', '/', '.'])
        && !name.ends_with(['/', '.'])
        && !name.contains("..")
        && !name.contains(odd)
}

/// Whether a path leads to something inside a folder.
#[must_use]
pub fn is_inside(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

impl Git {
    /// A branch of a repository; nothing is asked yet. `url` and `branch` were judged before.
    ///
    /// # Errors
    /// Where no folder can be made for checkouts.
    pub fn new(url: &str, branch: &str, path: &Path) -> Result<Self, Trouble> {
        let folder = tempfile::Builder::new()
            .prefix("sitewright-watch-")
            .tempdir()
            .map_err(|error| {
                Trouble::of("SW0985", &error, None).about("cannot make a folder for checkouts")
            })?;
        Ok(Self {
            url: url.to_owned(),
            branch: branch.to_owned(),
            path: path.to_path_buf(),
            folder,
            checkouts: 0,
            current: None,
        })
    }

    async fn revision(&mut self) -> Result<Revision, Trouble> {
        let branch = format!("refs/heads/{}", self.branch);
        let listed = self
            .git(
                None,
                &["ls-remote", "--exit-code", "--", &self.url, &branch],
            )
            .await?;
        let commit = listed.split_whitespace().next().unwrap_or_default();
        let known = self.current.as_ref();
        if known.is_none_or(|current| current.commit != commit) {
            self.check_out(&branch).await?;
        }
        let Some(Checkout { commit, folder, .. }) = &self.current else {
            return Err(Trouble::new("SW0986", "`git` gave no commit"));
        };
        let files = folder.join(&self.path);
        if !files.exists() {
            let message = format!(
                "expected a folder `{}` in commit {commit}, found none",
                self.path.display()
            );
            return Err(Trouble::new("SW0987", message)
                .hint("name a folder of the repository with `--path`, or none for all of it"));
        }
        Ok(Revision {
            files: vec![files],
            commit: Some(Commit {
                id: commit.clone(),
                url: without_sign_in(&self.url),
                checkout: folder.clone(),
            }),
        })
    }

    /// Checks the newest commit of the branch out, whole or not at all.
    async fn check_out(&mut self, branch: &str) -> Result<(), Trouble> {
        self.checkouts += 1;
        let folder = self.folder.path().join(self.checkouts.to_string());
        let checked_out = self.check_out_in(&folder, branch).await;
        let commit = match checked_out {
            Ok(commit) => commit,
            Err(trouble) => {
                remove(&folder).await;
                return Err(trouble);
            }
        };
        if let Some(Checkout {
            folder: last,
            before,
            commit: _,
        }) = self.current.take()
        {
            // A run may still read the last one; nothing reads the one before it any more.
            if let Some(before) = before {
                remove(&before).await;
            }
            self.current = Some(Checkout {
                commit,
                folder,
                before: Some(last),
            });
        } else {
            self.current = Some(Checkout {
                commit,
                folder,
                before: None,
            });
        }
        Ok(())
    }

    async fn check_out_in(&self, folder: &Path, branch: &str) -> Result<String, Trouble> {
        let within = folder.display().to_string();
        self.git(None, &["init", "--quiet", "--template=", "--", &within])
            .await?;
        let within = Some(folder);
        let fetch = [
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-recurse-submodules",
            "--",
            &self.url,
            branch,
        ];
        self.git(within, &fetch).await?;
        let check_out = [
            // A link could lead out of the repository.
            "-c",
            "core.symlinks=false",
            "-c",
            "advice.detachedHead=false",
            "checkout",
            "--quiet",
            "--force",
            "--detach",
            "FETCH_HEAD",
        ];
        self.git(within, &check_out).await?;
        let commit = self
            .git(within, &["rev-parse", "--verify", "HEAD^{commit}"])
            .await?;
        Ok(commit.trim().to_owned())
    }

    /// Runs `git`, which asks nobody anything, and gives what it printed.
    async fn git(&self, within: Option<&Path>, arguments: &[&str]) -> Result<String, Trouble> {
        let mut command = Command::new("git");
        if let Some(within) = within {
            command.arg("-C").arg(within);
        }
        command
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for inherited in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
            command.env_remove(inherited);
        }
        if std::env::var_os("GIT_SSH_COMMAND").is_none() {
            command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
        }
        let from = format!("`{}` of `{}`", self.branch, without_sign_in(&self.url));
        let ran = tokio::time::timeout(GIT_LIMIT, command.output()).await;
        let output = ran
            .map_err(|_| {
                let message = format!("{from}: `git` took longer than {} s", GIT_LIMIT.as_secs());
                Trouble::new("SW0986", message)
            })?
            .map_err(|error| {
                Trouble::of("SW0985", &error, None)
                    .about("cannot run `git`")
                    .hint("install it, or read a folder instead")
            })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        // `ls-remote` says by this that there is no such branch, and nothing else.
        if output.status.code() == Some(2) && arguments.first() == Some(&"ls-remote") {
            let message = format!("{from}: there is no such branch");
            return Err(Trouble::new("SW0986", message));
        }
        let said = without_sign_in(&String::from_utf8_lossy(&output.stderr));
        let said: Vec<&str> = said.split_whitespace().collect();
        let said: String = said.join(" ").chars().take(500).collect();
        let message = format!("{from} cannot be read: {said}");
        Err(Trouble::new("SW0986", message)
            .hint("`git` asks nobody: it needs a key or a credential helper, see docs/watch.md"))
    }
}

async fn remove(folder: &Path) {
    if let Err(error) = tokio::fs::remove_dir_all(folder).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "a checkout cannot be removed");
    }
}

/// What the operating system tells of files, for as long as it is kept.
pub struct Events {
    happened: mpsc::Receiver<()>,
    /// It ends with this.
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Events {
    /// Listens to what changes below some paths, but for what changes below others. That it cannot be done is in the log:
    /// the folders are read from time to time all the same.
    #[must_use]
    pub fn of(paths: &[PathBuf], but: &[PathBuf]) -> Self {
        let (send, happened) = mpsc::channel(1);
        let absolute = |path: &PathBuf| std::fs::canonicalize(path).ok();
        let but: Vec<PathBuf> = but.iter().filter_map(absolute).collect();
        let heard = move |event: notify::Result<notify::Event>| {
            let matters = match event {
                // Whoever reads changes nothing.
                Ok(event) if matches!(event.kind, EventKind::Access(_)) => false,
                Ok(event) => event.paths.iter().any(|path| {
                    !but.iter().any(|but| path.starts_with(but))
                        && !path.components().any(|part| part.as_os_str() == ".git")
                }),
                // Events that were lost may have mattered.
                Err(_) => true,
            };
            if matters {
                // One that waits already says the same.
                let _ = send.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(heard).and_then(|mut watcher| {
            for path in paths.iter().filter_map(absolute) {
                watcher.watch(&path, RecursiveMode::Recursive)?;
            }
            Ok(watcher)
        });
        let watcher = watcher.map_err(|error| {
            tracing::warn!(%error, "changes of files are noticed only when they are read again");
        });
        Self {
            happened,
            _watcher: watcher.ok(),
        }
    }

    /// Nothing that changes.
    #[must_use]
    pub fn none() -> Self {
        let (_, happened) = mpsc::channel(1);
        Self {
            happened,
            _watcher: None,
        }
    }

    /// Waits until something has changed; for ever where nothing is listened to.
    pub async fn changed(&mut self) {
        if self.happened.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_signs_in_is_never_shown() {
        for (text, shown) in [
            (
                "https://git.corp.example/a.git",
                "https://git.corp.example/a.git",
            ),
            (
                "https://jdoe:s3cret@git.corp.example/a",
                "https://git.corp.example/a",
            ),
            (
                "fatal: 'https://t0ken@h/a' not found",
                "fatal: 'https://h/a' not found",
            ),
            ("https://a@b:s3cret@h/x@y", "https://h/x@y"),
            ("git@h:a/b.git", "git@h:a/b.git"),
        ] {
            assert_eq!(without_sign_in(text), shown);
        }
    }

    #[test]
    fn branches_and_paths_are_no_options_and_lead_nowhere_else() {
        for name in ["main", "release/2026-11", "a.b"] {
            assert!(is_branch(name), "{name}");
        }
        for name in [
            "",
            "-u",
            "--upload-pack=x",
            "a b",
            "a..b",
            "a:b",
            "/a",
            "a/",
            "+x^",
        ] {
            assert!(!is_branch(name), "{name}");
        }
        assert!(is_inside(Path::new("a/b")) && is_inside(Path::new("")));
        assert!(!is_inside(Path::new("../a")) && !is_inside(Path::new("/a")));
    }
}
