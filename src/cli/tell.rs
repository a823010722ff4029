//! What a command tells a program that listens: a JSON object a line on standard output, as it happens.
//!
//! I/O: standard output, the clock. Where nobody listens nothing is told; what is for people then stands there instead.

use super::error::Failure;
use super::{Context, Exit, now, print};
use crate::plan::Plan;
use crate::render::lines::{self, Command, Ending, FORMAT_VERSION, Happening, Told};

/// Tells, or keeps silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller {
    listened: bool,
}

impl Teller {
    /// One to whom nobody listens.
    pub(super) const SILENT: Self = Self { listened: false };

    /// Tells one thing.
    pub(super) fn tell(self, told: Told<'_>) {
        if self.listened {
            let now = now();
            let time = now.round(jiff::Unit::Millisecond).unwrap_or(now);
            print(&(lines::line(format!("{time:.3}"), told) + "\n"));
        }
    }

    /// Tells one thing of the command.
    pub(super) fn say(self, happening: Happening<'_>) {
        self.tell(Told::Command(happening));
    }

    /// Tells what there is in a plan.
    pub(super) fn plan(self, plan: &Plan, digest: &str) {
        if self.listened {
            for happening in lines::of_plan(plan, digest) {
                self.say(happening);
            }
        }
    }

    fn failed(self, failure: &Failure) {
        match failure {
            Failure::Diagnostics {
                diagnostics,
                sources: _, // of lines nothing is shown
            } => diagnostics
                .iter()
                .for_each(|one| self.say(lines::fault(one))),
            Failure::Error {
                code,
                message,
                causes,
                hint,
                exit: _, // the last line has it
            } => self.say(Happening::Failed {
                code,
                error: message,
                causes,
                hint: hint.as_deref(),
            }),
        }
    }
}

/// Does the work of a command, and tells how it begins and ends to whoever listens.
pub(super) async fn told(
    context: &Context,
    listened: bool,
    command: Command,
    work: impl AsyncFnOnce(Teller) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let teller = Teller { listened };
    teller.say(Happening::CommandStarted {
        format_version: FORMAT_VERSION,
        command,
        tool_version: env!("CARGO_PKG_VERSION"),
        run: &context.run.0,
    });
    // The whole of a command is in there, which is much to move about.
    let ended = Box::pin(work(teller)).await;
    let (result, exit) = match &ended {
        Ok(exit) => (ending(*exit), exit.code()),
        Err(failure) => {
            teller.failed(failure);
            (Ending::Failed, failure.exit())
        }
    };
    teller.say(Happening::CommandEnded { result, exit });
    ended
}

const fn ending(exit: Exit) -> Ending {
    match exit {
        Exit::Done => Ending::Done,
        // None of the commands that tell ends so.
        Exit::Open => Ending::Failed,
        Exit::Changes => Ending::Changes,
        Exit::Blocked => Ending::Blocked,
        Exit::ConsoleSteps => Ending::ConsoleSteps,
    }
}
