//! A discovery under way: what is known, what was found, and how each entry is decided.
//!
//! Pure, but for whoever decides.

use std::collections::BTreeMap;

use super::choose::{Candidate, Choose, Decision, Finding, Question, Told};
use super::shape::{self, Notes};
use crate::profile::{Profile, Standing};

/// One entry that somebody decides about.
pub(super) struct Entry<'a> {
    /// Its path.
    pub(super) path: String,
    /// What is looked for, in words.
    pub(super) wanted: String,
    /// What a candidate is: a type, an association, an element.
    pub(super) kind: &'static str,
    /// What it may be, likely ones first.
    pub(super) candidates: Vec<Candidate>,
    /// The one that fits alone.
    pub(super) fits: Option<usize>,
    /// Why none fits alone.
    pub(super) otherwise: String,
    /// Turns what somebody wrote into something that is there.
    pub(super) resolve: &'a (dyn Fn(&str) -> Option<Candidate> + Sync),
}

/// A discovery under way.
pub(super) struct Run<'a, 'c> {
    pub(super) profile: Profile,
    pub(super) known: Option<Profile>,
    pub(super) notes: Notes,
    choose: &'a mut Choose<'c>,
    /// Entries that fit alone and that nobody confirmed: taken out again at the end.
    unconfirmed: Vec<String>,
}

impl<'a, 'c> Run<'a, 'c> {
    pub(super) fn new(
        profile: Profile,
        known: Option<Profile>,
        choose: &'a mut Choose<'c>,
    ) -> Self {
        Self {
            profile,
            known,
            notes: Notes(Vec::new()),
            choose,
            unconfirmed: Vec::new(),
        }
    }
}

impl Run<'_, '_> {
    /// Has one entry decided; gives what it is, confirmed or not.
    pub(super) fn decide(&mut self, entry: Entry<'_>) -> Option<Candidate> {
        let Entry {
            path,
            wanted,
            kind,
            candidates,
            fits,
            otherwise,
            resolve,
        } = entry;
        let decision = (self.choose)(&Question {
            entry: &path,
            wanted: &wanted,
            candidates: &candidates,
            fits,
        });
        let told = |candidate: &Candidate, more: &str| {
            let mut text = format!("{kind} `{}`", candidate.name);
            for part in [candidate.evidence.as_str(), more] {
                if !part.is_empty() {
                    text = format!("{text}, {part}");
                }
            }
            text
        };
        match decision {
            Decision::Take(index) if index < candidates.len() => {
                let more = match (fits == Some(index), candidates.len()) {
                    (true, 1) => String::new(),
                    (true, _) => "the only one to fit".into(),
                    (false, count) => format!("chosen among {count}"),
                };
                let candidate = candidates[index].clone();
                self.notes.found(path, told(&candidate, &more));
                Some(candidate)
            }
            Decision::Given(text) => {
                let Some(candidate) = resolve(&text) else {
                    self.notes.unknown(
                        path,
                        format!("the server has no {kind} `{text}` that it can be"),
                        candidates,
                    );
                    return None;
                };
                self.notes.found(path, told(&candidate, "chosen by hand"));
                Some(candidate)
            }
            Decision::Later => {
                let Some(candidate) = fits.and_then(|index| candidates.get(index)).cloned() else {
                    self.notes.unknown(path, otherwise, candidates);
                    return None;
                };
                self.notes.push(Finding {
                    entry: path.clone(),
                    told: Told::Unconfirmed,
                    evidence: told(&candidate, ""),
                    candidates,
                });
                self.unconfirmed.push(path);
                Some(candidate)
            }
            Decision::Take(_) | Decision::Leave => {
                self.notes.unknown(path, otherwise, candidates);
                None
            }
        }
    }

    /// Takes an entry over from the profile so far, where it may be read; `here` says whether the server has it still.
    ///
    /// What somebody gave, learned or proved stays even where the server has it no more, and is said.
    pub(super) fn keep(&mut self, path: &str, here: impl FnOnce(&Profile) -> bool) -> bool {
        let Some(known) = &self.known else {
            return false;
        };
        let standing = known.standing(path);
        let here = here(known);
        if !standing.reads() || (standing == Standing::Discovered && !here) {
            return false;
        }
        self.profile.take_over(known, path);
        let evidence = if here {
            format!("as before, {standing}")
        } else {
            format!("{standing}, but the server does not have it: compare it with the console")
        };
        self.notes.push(Finding {
            entry: path.to_owned(),
            told: Told::Kept,
            evidence,
            candidates: Vec::new(),
        });
        true
    }

    /// Takes out what nobody confirmed, and what was told by means of it.
    pub(super) fn strip(&mut self) {
        let nothing = Profile::empty(self.profile.server.clone());
        let unconfirmed = std::mem::take(&mut self.unconfirmed);
        let services = ["types.siteService", "associations.serviceToComputer"];
        if unconfirmed
            .iter()
            .any(|path| services.contains(&path.as_str()))
            && self
                .known
                .as_ref()
                .is_none_or(|known| known.calls.associated_type_argument.is_none())
        {
            self.profile.calls.associated_type_argument = None;
            let path = "calls.associatedTypeArgument";
            if self
                .notes
                .0
                .iter()
                .any(|note| note.entry == path && note.found())
            {
                self.notes.amend(Finding {
                    entry: path.into(),
                    told: Told::Unknown,
                    evidence: "it is told by means of entries that nobody confirmed yet".into(),
                    candidates: Vec::new(),
                });
            }
        }
        for path in &unconfirmed {
            if let Some(element) = path.strip_prefix("structures.") {
                shape::set(&mut self.profile, element, None);
            } else {
                self.profile.take_over(&nothing, path);
            }
        }
    }

    /// Notes in the profile when and how each entry that was found came to its standing; what is as it was keeps its
    /// note, so that looking again changes nothing.
    pub(super) fn note_provenance(&mut self, at: &str) {
        let mut told: BTreeMap<String, &str> = BTreeMap::new();
        for finding in self.notes.0.iter().filter(|note| note.told == Told::Found) {
            // The names of a structure stand under one standing.
            let structure = finding
                .entry
                .strip_prefix("structures.")
                .and_then(|rest| rest.split_once('.'));
            match structure {
                Some((name, _)) => told.insert(
                    format!("structures.{name}"),
                    "element names by its WSDL, proven by values where they can be",
                ),
                None => told.insert(finding.entry.clone(), &finding.evidence),
            };
        }
        let known = self.known.as_ref();
        for (path, how) in told {
            if path.starts_with("structures.")
                && self.profile.standing(&path) != Standing::Discovered
            {
                continue;
            }
            let same = known.filter(|known| match path.split_once('.') {
                Some(("structures", _)) => known.structures == self.profile.structures,
                Some(("calls", _)) => known.calls == self.profile.calls,
                Some(("server", "guid")) => true,
                _ => false,
            });
            match same.and_then(|known| known.provenance.get(&path)) {
                Some(note) => {
                    self.profile.provenance.insert(path, note.clone());
                }
                None => self.profile.note(&path, at, how),
            }
        }
    }
}
