//! Whether a journal is whole: its lines, one after the other, and what the state says of them → what is wrong.
//!
//! Pure. Unlike [`scan`](super::scan()), which ends at the first fault, it goes on and names each. Every record carries
//! the digest of the one before it, and the state that of the last one that it holds: only what was written since the
//! state was saved has no digest after it yet.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use serde::Serialize;

use super::{Entry, Fact, Head, LineError, digest};
use crate::model::RunId;

/// What was found out about a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// How many records it has.
    pub records: u64,
    /// How many runs wrote them.
    pub runs: u64,
    /// The number of the first record; 0 where there is none.
    pub first: u64,
    /// The number of the last record; 0 where there is none.
    pub last: u64,
    /// How many records carry no digest, having been written before there was one.
    pub unchained: u64,
    /// The number of the last record whose digest the state holds, where it holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<u64>,
    /// A last line that a crash cut off, counted from 1. The next write mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub torn: Option<u64>,
    /// Whether it begins with a state that was put in place whole, so that nothing before it is needed.
    pub anew: bool,
    /// What is wrong; empty where the journal is whole.
    pub faults: Vec<Fault>,
}

/// Something that is wrong with a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "fault",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Fault {
    /// A line is no record.
    Unreadable {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A record is not what it was when the next one was written.
    Changed {
        /// Its number.
        record: u64,
        /// Its line.
        line: u64,
    },
    /// One of two records is not what it was; nothing after them tells which.
    EitherChanged {
        /// The number of the first.
        record: u64,
        /// The line of the second.
        line: u64,
    },
    /// A record does not say what it follows, although the ones before it did.
    Unchained {
        /// Its number.
        record: u64,
        /// Its line.
        line: u64,
    },
    /// Records are missing.
    Missing {
        /// The number of the first.
        from: u64,
        /// The number of the last.
        to: u64,
        /// The line before which they should stand.
        line: u64,
    },
    /// A record stands behind a later one.
    OutOfOrder {
        /// Its number.
        record: u64,
        /// Its line.
        line: u64,
    },
    /// A number stands there a second time.
    PutIn {
        /// The number.
        record: u64,
        /// The line of the second.
        line: u64,
    },
    /// The journal ends before the last record that the state holds.
    CutOff {
        /// The number of the first that is missing.
        from: u64,
        /// The number of the last that is missing.
        to: u64,
    },
    /// The last record that the state holds is another one.
    NotTheStates {
        /// Its number.
        record: u64,
    },
    /// The state is damaged, which alone says where the journal ends.
    StateDamaged {
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { line, reason } => write!(f, "line {line} is no record: {reason}"),
            Self::Changed { record, line } => write!(
                f,
                "record {record} (line {line}) was changed: its digest is not the one that was noted when it was written"
            ),
            Self::EitherChanged { record, line } => write!(
                f,
                "record {record} or record {} (line {line}) was changed: the second does not follow the first",
                record + 1
            ),
            Self::Unchained { record, line } => write!(
                f,
                "record {record} (line {line}) was changed or put in: it does not say what it follows"
            ),
            Self::Missing { from, to, line } => {
                write!(f, "{} missing before line {line}", numbered(*from..=*to))
            }
            Self::OutOfOrder { record, line } => {
                write!(
                    f,
                    "record {record} stands on line {line}, behind a later one"
                )
            }
            Self::PutIn { record, line } => {
                write!(
                    f,
                    "line {line} was put in: there is a record {record} already"
                )
            }
            Self::CutOff { from, to } => write!(
                f,
                "{} missing at the end: the state holds {}",
                numbered(*from..=*to),
                if from == to { "it" } else { "them" }
            ),
            Self::NotTheStates { record } => write!(
                f,
                "record {record} was changed: it is not the one that the state holds"
            ),
            Self::StateDamaged { reason } => write!(
                f,
                "{reason}: nothing tells whether the last records are all there"
            ),
        }
    }
}

/// `record 3 is`, `records 3 to 5 are`.
fn numbered(records: RangeInclusive<u64>) -> String {
    let (from, to) = records.into_inner();
    if from == to {
        format!("record {from} is")
    } else {
        format!("records {from} to {to} are")
    }
}

/// Goes through a journal line by line.
#[derive(Debug)]
pub struct Auditor {
    audit: Audit,
    /// What the state holds.
    state: Option<Head>,
    line: u64,
    runs: BTreeSet<RunId>,
    /// The record with the highest number so far.
    before: Option<Seen>,
    /// Numbers that were passed over.
    gaps: BTreeSet<(u64, u64)>,
    /// A line that is no record; where nothing follows, it may be what a crash left.
    unread: Option<Unread>,
    /// A record that does not follow the one before it.
    parted: Option<Parted>,
}

#[derive(Debug)]
struct Seen {
    line: u64,
    sequence: u64,
    digest: String,
    chained: bool,
}

#[derive(Debug)]
struct Unread {
    line: u64,
    reason: String,
    tearable: bool,
}

/// Two records in a row that do not belong together.
#[derive(Debug)]
struct Parted {
    record: u64,
    line: u64,
}

impl Auditor {
    /// Begins; `state` is what the state says of the last record that it holds.
    #[must_use]
    pub fn new(state: Option<Head>) -> Self {
        Self {
            audit: Audit::default(),
            state: state.filter(|head| head.sequence > 0),
            line: 0,
            runs: BTreeSet::new(),
            before: None,
            gaps: BTreeSet::new(),
            unread: None,
            parted: None,
        }
    }

    /// Looks at the next line, with its line feed where it has one.
    pub fn line(&mut self, bytes: &[u8]) {
        self.line += 1;
        if let Some(Unread { line, reason, .. }) = self.unread.take() {
            self.audit.faults.push(Fault::Unreadable { line, reason });
            // It stood in the place of a record.
            if let Some(before) = &mut self.before {
                before.sequence += 1;
                before.digest.clear();
                before.line = line;
            }
        }
        match Entry::decode(bytes) {
            Ok(entry) => self.entry(&entry, digest(bytes)),
            Err(error) => {
                let tearable = matches!(error, LineError::Shape(_))
                    && (bytes.last() != Some(&b'\n') || bytes.contains(&0));
                self.unread = Some(Unread {
                    line: self.line,
                    reason: told(&error),
                    tearable,
                });
            }
        }
    }

    fn entry(&mut self, entry: &Entry, digest: String) {
        let line = self.line;
        let sequence = entry.sequence;
        self.audit.records += 1;
        self.runs.insert(entry.run.clone());
        if entry.previous.is_none() && entry.format_version < 2 {
            self.audit.unchained += 1;
        }
        self.seal(sequence, &digest);
        let Some(before) = &self.before else {
            self.audit.first = sequence;
            self.audit.anew = matches!(entry.fact, Fact::StateReplaced { .. });
            if sequence > 1 && !self.audit.anew {
                self.gaps.insert((1, sequence - 1));
                self.missing(1, sequence - 1, line);
            }
            self.keep(entry, digest);
            return;
        };
        let (last, known) = (before.sequence, !before.digest.is_empty());
        if sequence <= last {
            // A line that is no record may have been put in before this one.
            if !known && sequence == last {
                self.keep(entry, digest);
            } else {
                self.behind(sequence, line);
            }
            return;
        }
        if sequence == last + 1 {
            if known {
                self.follows(entry);
            }
        } else {
            self.gaps.insert((last + 1, sequence - 1));
            self.missing(last + 1, sequence - 1, line);
            self.settle_parted(None);
        }
        self.keep(entry, digest);
    }

    /// Judges whether a record follows the one before it.
    fn follows(&mut self, entry: &Entry) {
        let Some(before) = &self.before else { return };
        let Some(previous) = &entry.previous else {
            if before.chained {
                let fault = Fault::Unchained {
                    record: entry.sequence,
                    line: self.line,
                };
                self.audit.faults.push(fault);
            }
            self.settle_parted(None);
            return;
        };
        let holds = *previous == before.digest;
        let (record, line) = (before.sequence, before.line);
        if self.parted.is_some() {
            self.settle_parted(Some((holds, record, line)));
        } else if !holds {
            self.parted = Some(Parted { record, line });
        }
    }

    /// Tells which of two records was changed by whether the third follows the second.
    fn settle_parted(&mut self, third: Option<(bool, u64, u64)>) {
        let Some(Parted { record, line }) = self.parted.take() else {
            return;
        };
        self.audit.faults.push(match third {
            Some((true, ..)) => Fault::Changed { record, line },
            Some((false, record, line)) => Fault::Changed { record, line },
            None => Fault::EitherChanged {
                record,
                line: line + 1,
            },
        });
    }

    /// A record whose number is not above those before it.
    fn behind(&mut self, record: u64, line: u64) {
        let gap = self
            .gaps
            .iter()
            .find(|(from, to)| (*from..=*to).contains(&record))
            .copied();
        let Some((from, to)) = gap else {
            self.audit.faults.push(Fault::PutIn { record, line });
            return;
        };
        self.gaps.remove(&(from, to));
        let at = self.audit.faults.iter().position(
            |fault| matches!(fault, Fault::Missing { from: f, to: t, .. } if (*f, *t) == (from, to)),
        );
        let before = at.map(|at| self.audit.faults.remove(at));
        if let Some(Fault::Missing { line, .. }) = before {
            for (from, to) in [(from, record - 1), (record + 1, to)] {
                if from <= to {
                    self.gaps.insert((from, to));
                    self.missing(from, to, line);
                }
            }
        }
        self.audit.faults.push(Fault::OutOfOrder { record, line });
    }

    fn missing(&mut self, from: u64, to: u64, line: u64) {
        self.audit.faults.push(Fault::Missing { from, to, line });
    }

    /// Holds a record against what the state says of it.
    fn seal(&mut self, record: u64, digest: &str) {
        let Some(Head {
            sequence,
            digest: Some(expected),
        }) = &self.state
        else {
            return;
        };
        if *sequence == record {
            if expected == digest {
                self.audit.sealed = Some(record);
            } else {
                self.audit.faults.push(Fault::NotTheStates { record });
            }
        }
    }

    fn keep(&mut self, entry: &Entry, digest: String) {
        self.before = Some(Seen {
            line: self.line,
            sequence: entry.sequence,
            digest,
            chained: entry.format_version >= 2,
        });
        self.audit.last = entry.sequence;
    }

    /// Ends: what is wrong, if anything.
    #[must_use]
    pub fn finish(mut self) -> Audit {
        if let Some(Unread {
            line,
            reason,
            tearable,
        }) = self.unread.take()
        {
            if tearable {
                self.audit.torn = Some(line);
            } else {
                self.audit.faults.push(Fault::Unreadable { line, reason });
            }
        }
        let last = self.audit.last;
        let known = self.audit.sealed == Some(last);
        let named = self
            .audit
            .faults
            .contains(&Fault::NotTheStates { record: last });
        match &self.parted {
            // The state says that the second is as it was written, or that it is not.
            Some(Parted { record, .. }) if known => self.settle_parted(Some((true, *record, 0))),
            Some(_) if named => self.parted = None,
            _ => self.settle_parted(None),
        }
        if let Some(Head { sequence, .. }) = &self.state
            && *sequence > last
        {
            self.audit.faults.push(Fault::CutOff {
                from: last + 1,
                to: *sequence,
            });
        }
        self.audit.runs = u64::try_from(self.runs.len()).unwrap_or(u64::MAX);
        self.audit
    }
}

/// An error with its causes on one line.
fn told(error: &LineError) -> String {
    let cause = std::error::Error::source(error);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
