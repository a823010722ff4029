//! The store that is the default: files in a folder, a lock of the operating system beside them.
//!
//! I/O. `<folder>/<platform>.state.json` is replaced by a new file that was brought to the disk, renamed, and the folder
//! brought to the disk: at every moment one whole state stands there. What it replaced stays as
//! `<folder>/versions/<platform>/<serial>.state.json`. The lock is `file_lock`'s, the journal `file_log`'s.

#![expect(clippy::disallowed_methods, reason = "keeps the state's files")]

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use super::backend::{Found, Part, Version};
use super::error::StateError;
use super::file_log::{journal_path, scan_error};
use super::format::State;
use crate::journal::{Entry, JournalError, Scan, file_stem, scan};

/// How many replaced states are kept.
const KEPT_VERSIONS: usize = 20;

/// The files of one platform's state in a folder, which need not exist before something is saved.
#[derive(Debug, Clone)]
pub(super) struct FileBackend {
    pub(super) folder: PathBuf,
    pub(super) platform: String,
    pub(super) stem: String,
    path: PathBuf,
    journal: PathBuf,
}

impl FileBackend {
    /// The files of a platform, by its name in the workspace. Nothing is read or written yet.
    pub(super) fn new(folder: &Path, platform: &str) -> Self {
        let stem = file_stem(platform);
        Self {
            folder: folder.to_owned(),
            platform: platform.to_owned(),
            path: folder.join(format!("{stem}.state.json")),
            journal: journal_path(folder, platform),
            stem,
        }
    }

    /// The file of the state.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How a workspace declares the folder, wherever that workspace is.
    pub(super) fn declaration(&self) -> String {
        let folder = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let folder = folder.display().to_string();
        let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
        let folder = if folder.chars().all(plain) {
            folder
        } else {
            format!("'{}'", folder.replace('\'', "''"))
        };
        format!("`state: {{ backend: file, path: {folder} }}`")
    }

    /// The file of the journal.
    pub(super) fn journal_path(&self) -> &Path {
        &self.journal
    }

    /// The platform's name as part of the names of files.
    pub(super) fn stem(&self) -> &str {
        &self.stem
    }

    fn versions_folder(&self) -> PathBuf {
        self.folder.join("versions").join(&self.stem)
    }

    pub(super) fn read(&self) -> Result<Option<Found>, StateError> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(Some(Found {
                bytes,
                tag: String::new(),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateError::Read {
                place: self.path.display().to_string(),
                source,
            }),
        }
    }

    pub(super) fn replace(
        &self,
        bytes: &[u8],
        serial: u64,
        instead_of: Option<&Found>,
    ) -> Result<(), StateError> {
        // What is damaged is no version: whoever replaces it keeps it elsewhere. A serial may be passed over.
        let replaced = instead_of
            .and_then(|found| State::decode(&found.bytes).ok())
            .map(|state| state.serial)
            .filter(|replaced| *replaced < serial);
        self.try_replace(bytes, replaced)
            .map_err(|source| StateError::Save {
                place: self.path.display().to_string(),
                source,
            })
    }

    /// Writes beside the file and renames. One fixed name will do, since one process at a time may save, and what a
    /// crash leaves of it is overwritten by the next.
    fn try_replace(&self, bytes: &[u8], replaced: Option<u64>) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let new = PathBuf::from(name);
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        let kept =
            written.and_then(|()| replaced.map_or(Ok(()), |serial| self.keep_version(serial)));
        if let Err(error) = kept.and_then(|()| std::fs::rename(&new, &self.path)) {
            // Half a file may take the room that is missing. What went wrong before is what is told.
            let _ = std::fs::remove_file(&new);
            return Err(error);
        }
        sync_folder(&self.folder)?;
        self.prune();
        Ok(())
    }

    /// Keeps the file that is about to be replaced. A second name for it costs nothing; where the file system knows no
    /// such thing it is copied.
    fn keep_version(&self, serial: u64) -> io::Result<()> {
        let folder = self.versions_folder();
        std::fs::create_dir_all(&folder)?;
        let kept = folder.join(version_name(serial));
        match std::fs::hard_link(&self.path, &kept) {
            Ok(()) => {}
            // A run that died between this and the renaming has kept it already.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::remove_file(&kept)?;
                std::fs::copy(&self.path, &kept)?;
                File::open(&kept)?.sync_all()?;
            }
            Err(_) => {
                std::fs::copy(&self.path, &kept)?;
                File::open(&kept)?.sync_all()?;
            }
        }
        sync_folder(&folder)
    }

    /// Removes the oldest versions. What goes wrong loses nothing.
    fn prune(&self) {
        let Ok(versions) = self.kept_versions() else {
            return;
        };
        for version in versions.iter().skip(KEPT_VERSIONS) {
            let _ = std::fs::remove_file(self.versions_folder().join(version_name(version.serial)));
        }
    }

    /// The replaced states that are kept, the newest first.
    fn kept_versions(&self) -> io::Result<Vec<Version>> {
        let entries = match std::fs::read_dir(self.versions_folder()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut versions = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let serial = name
                .to_str()
                .and_then(|name| name.strip_suffix(".state.json"))
                .and_then(|serial| serial.parse().ok());
            if let Some(serial) = serial {
                versions.push(version(serial, &entry.metadata()?));
            }
        }
        versions.sort_by_key(|version| std::cmp::Reverse(version.serial));
        Ok(versions)
    }

    pub(super) fn versions(&self) -> Result<Vec<Version>, StateError> {
        self.kept_versions().map_err(|source| StateError::Read {
            place: self.versions_folder().display().to_string(),
            source,
        })
    }

    pub(super) fn version(&self, serial: u64) -> Result<Option<Vec<u8>>, StateError> {
        let path = self.versions_folder().join(version_name(serial));
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateError::Read {
                place: path.display().to_string(),
                source,
            }),
        }
    }

    pub(super) fn records(
        &self,
        after: u64,
        each: &mut (dyn FnMut(Entry) + Send),
    ) -> Result<Scan, JournalError> {
        let file = match File::open(&self.journal) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Scan::default()),
            Err(error) => return Err(scan_error(&self.journal, error.into())),
        };
        scan(BufReader::new(file), after, each).map_err(|error| scan_error(&self.journal, error))
    }

    pub(super) fn lines(&self, each: &mut (dyn FnMut(&[u8]) + Send)) -> Result<(), JournalError> {
        let file = match File::open(&self.journal) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(scan_error(&self.journal, error.into())),
        };
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.read_until(b'\n', &mut line) {
                Ok(0) => return Ok(()),
                Ok(_) => each(&line),
                Err(error) => return Err(scan_error(&self.journal, error.into())),
            }
        }
    }

    pub(super) fn set_aside(&self, what: Part, name: &str) -> io::Result<()> {
        let from = match what {
            Part::State => &self.path,
            Part::Journal => &self.journal,
        };
        let to = self.folder.join(name);
        let folder = to.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(folder)?;
        std::fs::rename(from, &to)?;
        sync_folder(folder)?;
        sync_folder(&self.folder)
    }

    pub(super) fn put_new(&self, name: &str, bytes: &[u8]) -> io::Result<bool> {
        let path = self.folder.join(name);
        let folder = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(folder)?;
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(bytes)?;
                file.sync_all()?;
                sync_folder(folder)?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.join(name);
        let folder = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(folder)?;
        // No lock is held: two processes may do this at once, and each file is whole.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.folder.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn version_name(serial: u64) -> String {
    format!("{serial:08}.state.json")
}

fn version(serial: u64, metadata: &std::fs::Metadata) -> Version {
    Version {
        serial,
        saved_at: metadata
            .modified()
            .ok()
            .and_then(|at| jiff::Timestamp::try_from(at).ok()),
        bytes: metadata.len(),
    }
}

/// Brings the entries of a folder to the disk. Windows knows no such thing and keeps them by itself.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        File::open(folder)?.sync_all()
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}
