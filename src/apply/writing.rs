//! The course of one step that writes: look, write, read back, as often as it takes.
//!
//! Pure. Each state says what there is to do and takes only what can come of it; [`Move`] leads from one to the next, with
//! the facts that have to be in the journal by then. `step.rs` goes along it over a server, and the properties of plans
//! over a modelled one with faults.
//!
//! ```text
//!      ┌────────── Again ◀──────────┐
//!      ▼                            │ missed
//! ─▶ Look ─────▶ Ready ─────▶ Sent ─┤
//!    │ ▲           ▲                │ done
//!    │ │ more left └── next write ──┤
//!    │ └──────────────────────┐     ▼
//!    └──▶ Over ◀─────────── ReadBack ◀─▶ Unsettled
//! ```
//!
//! A write whose answer was lost is never sent again before a look.

use std::time::Duration;
use std::vec;

use super::failed::Failed;
use super::judge::{Drifted, Progress};
use super::subject::Subject;
use crate::journal::Fact;
use crate::model::{Guid, Observed, Outcome};
use crate::observe::{Bindings, Seen};
use crate::smp::{SendError, Write};

/// How often a step goes from looking to writing: creating and joining are two rounds, a surprise is a third.
const ROUNDS: u32 = 4;

/// What a step does next, and what is to be written down before that.
#[must_use]
#[derive(Debug)]
pub(crate) struct Move {
    /// Facts for the journal, in this order.
    pub(crate) facts: Vec<Fact>,
    /// What is done once they are there for good.
    pub(crate) next: Next,
}

/// What a step does next.
#[derive(Debug)]
pub(crate) enum Next {
    /// It looks at what it is about.
    Look(Look),
    /// It sends a write.
    Send(Ready),
    /// It waits a while and looks again, if it may.
    Retry(Again),
    /// It reads back what it wrote.
    ReadBack(ReadBack),
    /// Nothing.
    End(Over),
}

/// How a step ended.
#[derive(Debug)]
pub(crate) struct Over {
    pub(crate) outcome: Result<Outcome, Failed>,
    /// What the steps behind are to know.
    pub(crate) born: Bindings,
}

impl Move {
    fn to(next: Next) -> Self {
        Self {
            facts: Vec::new(),
            next,
        }
    }

    /// The same, with what is to be written down even before.
    fn after(mut self, facts: impl IntoIterator<Item = Fact>) -> Self {
        self.facts.splice(..0, facts);
        self
    }
}

/// A step under way, between two of its states.
#[derive(Debug)]
struct Course {
    subject: Subject,
    /// How often a write is tried again after a fault that may pass.
    retries: u32,
    /// Whether the step created its site, and makes sure of the description by now.
    describes: bool,
    tries: Tries,
}

/// What was tried so far.
#[derive(Debug, Default)]
struct Tries {
    rounds: u32,
    /// Writes that did not go through.
    missed: u32,
    /// Whether something was written, or may have been.
    wrote: bool,
    /// Set once nothing is sent any more: a last look says whether it is as it should be all the same.
    given_up: Option<SendError>,
}

/// Begins a step; `retries`: how often a write is tried again after a fault that may pass.
pub(crate) fn begin(subject: Subject, retries: u32) -> Move {
    Box::new(Course {
        subject,
        retries,
        describes: false,
        tries: Tries::default(),
    })
    .round()
}

impl Course {
    /// Every round begins with a look.
    fn round(mut self: Box<Self>) -> Move {
        if self.tries.rounds > ROUNDS + self.retries {
            return self.end(Err(Failed::never_ends(ROUNDS)));
        }
        self.tries.rounds += 1;
        Move::to(Next::Look(Look {
            course: self,
            why: Why::Round,
        }))
    }

    /// By what was seen the step is done, or writes what is left to do.
    fn looked(mut self: Box<Self>, seen: &Seen) -> Move {
        self.subject.bind(seen);
        let found = self.subject.found(seen);
        let then = match (self.subject.judge(seen), self.subject.owed()) {
            (Ok(Progress::AlreadyDone), None) => self.as_wanted(),
            // The first of two calls went through, and the second did not.
            (Ok(Progress::AlreadyDone), Some(owed)) => self.write(vec![owed]),
            (Ok(Progress::Ready(writes)), _) => self.write(writes),
            (Ok(Progress::NotYet(condition)), _) => self.end(Err(Failed::blind(&condition))),
            (Err(drifted), _) => self.end(Err(drifted.into())),
        };
        then.after(found)
    }

    /// Nothing is left to do: by this step, or whoever was faster.
    fn as_wanted(mut self: Box<Self>) -> Move {
        let wrote = self.tries.wrote;
        let tried = wrote || self.tries.given_up.is_some();
        let gone = tried.then(|| self.subject.gone()).flatten();
        let then = if wrote {
            self.done()
        } else {
            self.end(Ok(Outcome::AlreadyDone))
        };
        then.after(gone)
    }

    /// There is something to write.
    fn write(self: Box<Self>, writes: Vec<Write>) -> Move {
        if let Some(error) = &self.tries.given_up {
            let failed = Failed::unsent(error);
            return self.end(Err(failed));
        }
        Round {
            course: self,
            through: Vec::new(),
            left: writes.into_iter(),
        }
        .go_on()
    }

    /// The writes of a round went through.
    fn written(mut self: Box<Self>, sent: Vec<Write>) -> Move {
        self.tries.wrote = true;
        if !self.subject.is_readable() {
            return self.done();
        }
        Move::to(Next::ReadBack(ReadBack { course: self, sent }))
    }

    /// A write did not go through, or is not known to have.
    fn missed(mut self: Box<Self>, error: SendError) -> Move {
        self.tries.wrote |= error.outcome_unknown();
        // Somebody else may have deleted it, which is what was wanted.
        if error.does_not_exist() && self.subject.deletes().is_some() {
            return self.last_look(error);
        }
        if !error.transient() {
            return self.end(Err(Failed::unsent(&error)));
        }
        self.tries.missed += 1;
        if self.tries.missed > self.retries {
            return self.give_up(error);
        }
        Move::to(Next::Retry(Again {
            course: self,
            error,
        }))
    }

    /// Nothing is tried again; what may have been done all the same is looked at.
    fn give_up(self: Box<Self>, error: SendError) -> Move {
        if error.outcome_unknown() {
            self.last_look(error)
        } else {
            self.end(Err(Failed::unsent(&error)))
        }
    }

    fn last_look(mut self: Box<Self>, error: SendError) -> Move {
        self.tries.given_up = Some(error);
        self.round()
    }

    /// The step did what it was to do. A site that it created is to have its description, too.
    fn done(mut self: Box<Self>) -> Move {
        if !self.subject.turn_to_description() {
            return self.end(Ok(Outcome::Done));
        }
        self.describes = true;
        self.tries = Tries::default();
        Move::to(Next::Look(Look {
            course: self,
            why: Why::Description,
        }))
    }

    fn end(self: Box<Self>, outcome: Result<Outcome, Failed>) -> Move {
        let Self {
            subject,
            retries: _,
            describes,
            tries: _,
        } = *self;
        Move::to(Next::End(Over {
            // The server may have kept the description at once, but the site is new.
            outcome: outcome.map(|outcome| if describes { Outcome::Done } else { outcome }),
            born: subject.into_bindings(),
        }))
    }
}

/// The step looks at what it is about.
#[derive(Debug)]
pub(crate) struct Look {
    course: Box<Course>,
    why: Why,
}

#[derive(Debug)]
enum Why {
    /// To know what is left to write.
    Round,
    /// To know whether the description of a new site can be read.
    Description,
}

impl Look {
    /// What there is to look at.
    pub(crate) fn at(&self) -> &Subject {
        &self.course.subject
    }

    /// What was seen, if anything can be.
    pub(crate) fn saw(self, seen: Observed<Seen>) -> Move {
        let Self { course, why } = self;
        match (why, seen) {
            (Why::Round, Observed::Known(seen)) => course.looked(&seen),
            (Why::Round, Observed::Unavailable(reason)) => course.end(Err(Failed::blind(&reason))),
            (Why::Description, Observed::Known(_)) => course.round(),
            // What cannot be read is not compared by any plan either.
            (Why::Description, Observed::Unavailable(_)) => course.end(Ok(Outcome::Done)),
        }
    }
}

/// The writes of one round.
#[derive(Debug)]
struct Round {
    course: Box<Course>,
    through: Vec<Write>,
    left: vec::IntoIter<Write>,
}

impl Round {
    fn go_on(mut self) -> Move {
        match self.left.next() {
            Some(write) => Move::to(Next::Send(Ready { round: self, write })),
            None => self.course.written(self.through),
        }
    }

    fn went_through(mut self, write: Write) -> Move {
        self.through.push(write);
        self.go_on()
    }
}

/// A write is to go out.
#[derive(Debug)]
pub(crate) struct Ready {
    round: Round,
    write: Write,
}

impl Ready {
    /// What goes out.
    pub(crate) fn write(&self) -> &Write {
        &self.write
    }

    /// What it is made of could not be read, so that it does not go out.
    pub(crate) fn not_made(self, error: SendError) -> Move {
        let Self { round, write } = self;
        if is_parted(&error, &write) {
            return round.went_through(write);
        }
        round.course.missed(error)
    }

    /// It goes out as soon as these facts are in the journal.
    pub(crate) fn goes_out(mut self) -> (Vec<Fact>, Sent) {
        let facts = self.round.course.subject.announce(&self.write);
        (facts, Sent(self))
    }
}

/// A write is out.
#[derive(Debug)]
pub(crate) struct Sent(Ready);

impl Sent {
    /// The server carried it out, and may have said what it created.
    pub(crate) fn done(self, created: Option<Guid>) -> Move {
        let Self(Ready { mut round, write }) = self;
        let fact = round.course.subject.written(&write, created);
        round.went_through(write).after(fact)
    }

    /// The server did not carry it out, or its answer does not tell.
    pub(crate) fn missed(self, error: SendError) -> Move {
        let Self(Ready { mut round, write }) = self;
        if is_parted(&error, &write) {
            return round.went_through(write);
        }
        let may_yet_be = error.outcome_unknown();
        let fact = round.course.subject.not_written(&write, may_yet_be);
        round.course.missed(error).after(fact)
    }
}

/// Parting what is parted already is what was wanted.
fn is_parted(error: &SendError, write: &Write) -> bool {
    error.does_not_exist() && matches!(write, Write::PartSubnet { .. } | Write::PartServer { .. })
}

/// A write did not go through, and may be tried again: after a pause, and after a look.
#[derive(Debug)]
pub(crate) struct Again {
    course: Box<Course>,
    error: SendError,
}

impl Again {
    /// How many writes of this step did not go through.
    pub(crate) fn attempt(&self) -> u32 {
        self.course.tries.missed
    }

    /// What the last of them met.
    pub(crate) fn error(&self) -> &SendError {
        &self.error
    }

    /// The pause is over.
    pub(crate) fn look_again(self) -> Move {
        self.course.round()
    }

    /// The run had to try again too often already.
    pub(crate) fn give_up(self) -> Move {
        self.course.give_up(self.error)
    }
}

/// The step reads back what it wrote.
#[derive(Debug)]
pub(crate) struct ReadBack {
    course: Box<Course>,
    sent: Vec<Write>,
}

/// What reading back says.
#[derive(Debug)]
pub(crate) enum Settled {
    /// The step goes on.
    Yes(Move),
    /// The server does not show yet what it took.
    NotYet(Unsettled),
}

impl ReadBack {
    /// What there is to look at.
    pub(crate) fn at(&self) -> &Subject {
        &self.course.subject
    }

    /// What was seen, if anything can be.
    pub(crate) fn saw(self, seen: Observed<Seen>) -> Settled {
        let Self { mut course, sent } = self;
        let seen = match seen {
            Observed::Known(seen) => seen,
            Observed::Unavailable(reason) => {
                return Settled::Yes(course.end(Err(Failed::blind(&reason))));
            }
        };
        course.subject.bind(&seen);
        let gap = match course.subject.judge(&seen) {
            Ok(Progress::AlreadyDone) => {
                let arrived = course.subject.arrived(&seen);
                return Settled::Yes(course.done().after(arrived));
            }
            Ok(Progress::Ready(left)) if left.iter().all(|write| !sent.contains(write)) => {
                return Settled::Yes(course.round());
            }
            Ok(Progress::Ready(_) | Progress::NotYet(_)) => course.subject.gap(&seen),
            Err(drifted) => drifted,
        };
        Settled::NotYet(Unsettled {
            read_back: Self { course, sent },
            gap,
        })
    }
}

/// The server took what was sent, and does not show it.
#[derive(Debug)]
pub(crate) struct Unsettled {
    read_back: ReadBack,
    gap: Drifted,
}

impl Unsettled {
    /// It may only take a while.
    pub(crate) fn look_again(self) -> ReadBack {
        self.read_back
    }

    /// It took longer than anybody waits.
    pub(crate) fn give_up(self, patience: Duration) -> Move {
        let failed = Failed::not_kept(&self.gap, patience);
        self.read_back.course.end(Err(failed))
    }
}

#[cfg(test)]
mod tests;
