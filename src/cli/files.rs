//! Files that a command writes: each whole or not at all, and several of them all or none.
//!
//! I/O.

#![expect(clippy::disallowed_methods, reason = "writes files")]

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::Failure;

/// A file that is to hold something else, or to go.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: PathBuf,
    pub(super) before: String,
    /// `None` where the file is to go.
    pub(super) after: Option<String>,
}

/// Writes one file; what is there is written over only where that is asked for.
pub(super) fn write(path: &Path, text: &str, over: bool) -> Result<(), Failure> {
    let failed = |error: &io::Error| cannot_write(path, error);
    let target = target(path);
    let file = staged(&target, text).map_err(|error| failed(&error))?;
    let kept = if over {
        file.persist(&target)
    } else {
        file.persist_noclobber(&target)
    };
    kept.map(drop).map_err(|error| failed(&error.error))
}

/// Changes all files or none of them.
///
/// Everything that can fail for lack of space or rights is done beside the files first. Should one of the last steps
/// fail nevertheless, the files before it get back what they held.
pub(super) fn change(changes: &[Change]) -> Result<(), Failure> {
    let mut staged_files = Vec::new();
    for Change {
        path,
        before,
        after,
    } in changes
    {
        let target = target(path);
        let found = fs::read(&target).map_err(|error| cannot_write(path, &error))?;
        if found != before.as_bytes() {
            return Err(Failure::new(
                "SW0926",
                format!("`{}` has changed since it was read", path.display()),
            )
            .hint(Some("nothing was written: run the command again".into())));
        }
        let file = after
            .as_ref()
            .map(|text| staged(&target, text))
            .transpose()
            .map_err(|error| cannot_write(path, &error))?;
        staged_files.push((target, file));
    }
    let mut done: Vec<(PathBuf, &Change)> = Vec::new();
    for ((target, file), change) in staged_files.into_iter().zip(changes) {
        let result = match file {
            Some(file) => file.persist(&target).map(drop).map_err(|e| e.error),
            None => fs::remove_file(&target),
        };
        if let Err(error) = result {
            for (target, change) in &done {
                let back = staged(target, &change.before)
                    .and_then(|file| file.persist(target).map_err(|error| error.error));
                if let Err(error) = back {
                    return Err(cannot_write(&change.path, &error).hint(Some(
                        "files were changed in part: compare them with your version control".into(),
                    )));
                }
            }
            return Err(cannot_write(&change.path, &error));
        }
        done.push((target, change));
    }
    Ok(())
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("cannot write `{}`", path.display()), error)
}

/// Where a file really lies: a link stays a link.
fn target(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The text in a file beside the target, with the rights of the target or of any new file.
fn staged(target: &Path, text: &str) -> io::Result<NamedTempFile> {
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".sitewright-");
    let permissions = new_file();
    if let Some(permissions) = permissions {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(found) = fs::metadata(target) {
        file.as_file().set_permissions(found.permissions())?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}

/// What a new file may be before the user's mask; temporary files would be the user's alone.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn new_file() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn new_file() -> Option<Permissions> {
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn changes(folder: &Path) -> Vec<Change> {
        ["a", "b", "c"]
            .into_iter()
            .map(|name| {
                let path = folder.join(name);
                fs::write(&path, name).unwrap();
                Change {
                    path,
                    before: name.into(),
                    after: (name != "b").then(|| "new".into()),
                }
            })
            .collect()
    }

    fn held(folder: &Path) -> Vec<String> {
        let mut held: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                format!("{name}={}", fs::read_to_string(path).unwrap())
            })
            .collect();
        held.sort();
        held
    }

    #[test]
    fn all_change_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut all = changes(folder.path());
        fs::write(folder.path().join("c"), "by another hand").unwrap();
        let failure = change(&all).unwrap_err();
        assert!(
            failure
                .render(&crate::render::Style::default())
                .contains("SW0926")
        );
        assert_eq!(held(folder.path()), ["a=a", "b=b", "c=by another hand"]);
        all.truncate(2);
        change(&all).unwrap();
        assert_eq!(held(folder.path()), ["a=new", "c=by another hand"]);
    }

    #[test]
    fn a_failure_at_the_last_step_takes_the_others_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut all = changes(folder.path());
        // The same file twice: the second time it is gone.
        let twice = folder.path().join("b");
        all.push(Change {
            path: twice,
            before: "b".into(),
            after: None,
        });
        assert!(change(&all).is_err());
        assert_eq!(held(folder.path()), ["a=a", "b=b", "c=c"]);
    }

    #[test]
    fn nothing_is_written_over_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, "one", false).unwrap();
        assert!(write(&path, "two", false).is_err());
        write(&path, "three", true).unwrap();
        assert_eq!(held(folder.path()), ["a=three"]);
    }
}
