//! Files and folders → sources.
//!
//! I/O: reads files, folders and standard input; nothing else in this module's family does. What is no text at all
//! (bytes that are not UTF-8, UTF-16, control characters, files that are too big) is told here, with its place.

#![expect(clippy::disallowed_methods, reason = "reads manifests")]

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Diagnostic;
use crate::model::Origin;

/// The size in bytes above which a file is refused: 32 MiB. A hundred thousand subnets take about 2 MiB.
pub const SIZE_LIMIT: u64 = 32 * 1024 * 1024;

/// The workspace file.
const WORKSPACE: &str = "sitewright.yaml";

/// One text with the name of the file it comes from, `-` for standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file as it was named, with `/` between folders.
    pub name: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
}

impl Source {
    /// Makes a source of a name and a text.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

/// Files that could not be read as text.
#[derive(Debug, Clone, Default)]
pub struct LoadError {
    /// The files that could be read: their faults can be told as well.
    pub sources: Vec<Source>,
    /// The files that could not, with what is not text replaced: for [`super::render()`] only.
    pub faulty: Vec<Source>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.diagnostics.as_slice() {
            [only] => write!(f, "{only}"),
            many => write!(f, "{} faults in the manifest files", many.len()),
        }
    }
}
impl std::error::Error for LoadError {}

/// Reads files, folders and, for `-`, standard input.
///
/// Folders are read recursively, in the order of names: `*.yaml` and `*.yml`, without hidden files and the folders
/// `state` and `profiles`. A file that is named twice is read once.
pub fn load(paths: &[PathBuf], mut stdin: impl Read) -> Result<Vec<Source>, LoadError> {
    let mut outcome = LoadError::default();
    let mut seen = std::collections::BTreeSet::new();
    for path in paths {
        if path.as_os_str() == "-" {
            if seen.insert(path.clone()) {
                take("-".into(), &mut stdin, &mut outcome);
            }
            continue;
        }
        let mut files = Vec::new();
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                walk(path, 0, &mut files, &mut outcome);
                if files.is_empty() {
                    outcome.diagnostics.push(
                        Diagnostic::nowhere(
                            "SW0106",
                            format!("expected manifests in folder `{}`, found none", shown(path)),
                        )
                        .hint("manifests are files named *.yaml or *.yml"),
                    );
                }
            }
            Ok(_) => files.push(path.clone()),
            Err(error) => unreadable(path, &error, &mut outcome),
        }
        for file in files {
            let same = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if !seen.insert(same) {
                continue;
            }
            match File::open(&file) {
                Ok(mut open) => take(shown(&file), &mut open, &mut outcome),
                Err(error) => unreadable(&file, &error, &mut outcome),
            }
        }
    }
    if outcome.diagnostics.is_empty() {
        Ok(outcome.sources)
    } else {
        Err(outcome)
    }
}

/// Finds `sitewright.yaml` in `from` or the nearest folder above it.
pub fn find_workspace(from: &Path) -> io::Result<Option<PathBuf>> {
    let start = fs::canonicalize(from)?;
    Ok(start
        .ancestors()
        .map(|folder| folder.join(WORKSPACE))
        .find(|file| file.is_file()))
}

fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let text = if cfg!(windows) {
        text.replace('\\', "/")
    } else {
        text
    };
    // What lies in the current folder is named as people name it.
    text.strip_prefix("./")
        .map_or(text.clone(), ToOwned::to_owned)
}

fn unreadable(path: &Path, error: &io::Error, outcome: &mut LoadError) {
    outcome.diagnostics.push(Diagnostic::nowhere(
        "SW0101",
        format!("cannot read `{}`: {error}", shown(path)),
    ));
}

/// Collects the manifests below a folder. Links are followed for files only, so that no circle is walked.
fn walk(folder: &Path, depth: u32, files: &mut Vec<PathBuf>, outcome: &mut LoadError) {
    if depth > 64 {
        outcome.diagnostics.push(Diagnostic::nowhere(
            "SW0101",
            format!("cannot read `{}`: more than 64 folders deep", shown(folder)),
        ));
        return;
    }
    let mut entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) => return unreadable(folder, &error, outcome),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder {
            if name != "state" && name != "profiles" {
                walk(&path, depth + 1, files, outcome);
            }
        } else if is_manifest(&path) && path.is_file() {
            files.push(path);
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// Reads one text and adds it to what was read or to what is wrong.
fn take(name: String, from: &mut dyn Read, outcome: &mut LoadError) {
    let name: Arc<str> = name.into();
    let mut bytes = Vec::new();
    // One byte more than allowed tells a big file without reading it.
    if let Err(error) = from.take(SIZE_LIMIT + 1).read_to_end(&mut bytes) {
        return unreadable(Path::new(name.as_ref()), &error, outcome);
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > SIZE_LIMIT {
        let start = Origin {
            file: name,
            line: 1,
            column: 1,
        };
        outcome.diagnostics.push(
            Diagnostic::at(
                "SW0102",
                start,
                "expected a file of at most 32 MiB, found a bigger one",
            )
            .hint("split it into several files"),
        );
        return;
    }
    match as_text(&name, bytes) {
        Ok(text) => outcome.sources.push(Source {
            name,
            text: text.into(),
        }),
        Err(fault) => {
            let (diagnostic, text) = *fault;
            outcome.diagnostics.push(diagnostic);
            outcome.faulty.push(Source {
                name,
                text: text.into(),
            });
        }
    }
}

/// Takes bytes for text, or says why they are none and what they look like.
fn as_text(name: &Arc<str>, bytes: Vec<u8>) -> Result<String, Box<(Diagnostic, String)>> {
    let start = || Origin {
        file: Arc::clone(name),
        line: 1,
        column: 1,
    };
    let wide = match bytes.as_slice() {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Some("UTF-32"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("UTF-16"),
        // Without a mark, a first ASCII character gives it away.
        [0, first, 0, second, ..] | [first, 0, second, 0, ..] if *first != 0 && *second != 0 => {
            Some("UTF-16")
        }
        _ => None,
    };
    if let Some(found) = wide {
        let diagnostic = Diagnostic::at(
            "SW0104",
            start(),
            format!("expected UTF-8, found {found} text"),
        )
        .hint("save the file as UTF-8");
        return Err(Box::new((diagnostic, String::new())));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let found = bytes.get(offset).copied().unwrap_or_default();
            let before = String::from_utf8_lossy(bytes.get(..offset).unwrap_or_default());
            let diagnostic = Diagnostic::spanning(
                "SW0103",
                place_after(name, &before),
                1,
                format!("expected UTF-8, found byte 0x{found:02X} at offset {offset}"),
            )
            .hint("save the file as UTF-8");
            let shown = String::from_utf8_lossy(bytes).into_owned();
            return Err(Box::new((diagnostic, shown)));
        }
    };
    if let Some(offset) = control(&text) {
        let (before, rest) = text.split_at(offset);
        let found = rest.chars().next().unwrap_or_default();
        let diagnostic = Diagnostic::spanning(
            "SW0105",
            place_after(name, before),
            1,
            format!(
                "expected text without control characters, found U+{:04X} at offset {offset}",
                u32::from(found)
            ),
        )
        .hint(if found == '\r' {
            "end lines with a line feed, with or without a carriage return before it"
        } else {
            "inside double quotes, such a character can be written with an escape"
        });
        return Err(Box::new((diagnostic, text)));
    }
    Ok(text)
}

/// Finds the first character that YAML does not allow in a text, or a carriage return alone: YAML takes that for the end of a
/// line, and hardly any editor does, so that places would be told that nobody finds.
pub(super) fn control(text: &str) -> Option<usize> {
    let alone = |position: usize| text.as_bytes().get(position + 1) != Some(&b'\n');
    // Most files are plain ASCII: look at bytes, and at characters only where a byte may begin a control character.
    let suspicious = text.bytes().enumerate().find(|(position, byte)| {
        (*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
            || *byte == 0x7F
            || (*byte == b'\r' && alone(*position))
            || matches!(byte, 0xC2 | 0xEF)
    });
    let (from, _) = suspicious?;
    let rest = text.get(from..)?;
    rest.char_indices()
        .find(|(position, c)| {
            let mark_at_start = *c == '\u{FEFF}' && from + position == 0;
            (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}'))
                || matches!(c, '\u{FFFE}' | '\u{FFFF}')
                || (*c == '\r' && alone(from + position))
                || (*c == '\u{FEFF}' && !mark_at_start)
        })
        .map(|(position, _)| from + position)
}

/// The place of the character after `before`.
pub(super) fn place_after(name: &Arc<str>, before: &str) -> Origin {
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |last| last.chars().count())
        + 1;
    Origin {
        file: Arc::clone(name),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}
