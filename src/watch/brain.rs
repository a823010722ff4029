//! Decides what the loop does next and what it says: attempts of many platforms, side by side, one at a time each.
//!
//! Pure: time, reports and configurations come in, names of platforms to try and things to say come out. The loop around
//! it only waits, tries and talks, so that an hour of it is told in a test without a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::drift::{Differences, Differing};
use super::figures::Platform;
use super::news::{News, Told};
use super::pace::{Beat, Moment, Pauses};
use super::report::{Conclusion, Report, Sight, Trouble};
use super::status::Status;
use crate::model::{Name, StepId};

/// The loop comes round at least this often, so that whoever asks whether it is alive is told.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Something to say, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A configuration was taken up.
    Configured {
        /// How many there were, with this one.
        generation: u64,
        /// Which one it is.
        revision: String,
        /// How many platforms it has.
        platforms: usize,
    },
    /// The newest configuration is wrong.
    Misconfigured {
        /// What is wrong.
        trouble: Trouble,
        /// The one that goes on, where there is one.
        kept: Option<String>,
    },
    /// What was wrong is mended, and the configuration is the one that went on meanwhile.
    Mended,
    /// The world changed something, or what it changed is otherwise than it was.
    Drift {
        /// Where.
        platform: Name,
        /// Which.
        object: Differing,
        /// How it differs.
        how: String,
        /// Whether it was told before, with another difference.
        again: bool,
        /// The digest of the plan that would change it.
        plan: String,
    },
    /// What the world changed differs no more.
    Resolved {
        /// Where.
        platform: Name,
        /// Which.
        object: Differing,
    },
    /// Somebody called what the world changed fine until a day.
    Acknowledged {
        /// Where.
        platform: Name,
        /// Which.
        object: Differing,
        /// The word.
        word: String,
    },
    /// An object is declared otherwise, and that is not applied.
    Pending {
        /// Where.
        platform: Name,
        /// Which.
        object: Differing,
        /// How it differs.
        how: String,
        /// The digest of the plan that would change it.
        plan: String,
    },
    /// An object is as it is declared.
    PendingNoMore {
        /// Where.
        platform: Name,
        /// Which.
        object: Differing,
    },
    /// No run of ours is on record: what the world changed cannot be told from what is declared and not applied.
    Untold {
        /// Where.
        platform: Name,
    },
    /// A step waits for a person.
    Waits {
        /// Where.
        platform: Name,
        /// Which.
        step: StepId,
        /// Why nobody else does it.
        why: String,
        /// The digest of the plan that has it.
        plan: String,
    },
    /// A step waits no longer.
    WaitsNoMore {
        /// Where.
        platform: Name,
        /// Which.
        step: StepId,
    },
    /// Something keeps the plan from being applied.
    Blocked {
        /// Where.
        platform: Name,
        /// What, by id and message.
        finding: String,
        /// What to do about it.
        remedy: String,
    },
    /// Something keeps it no longer.
    BlockedNoMore {
        /// Where.
        platform: Name,
        /// What, by id and message.
        finding: String,
    },
    /// Attempts fail; told once until they fail otherwise, or no more. A refused sign-in is told each time.
    Failing {
        /// Where.
        platform: Name,
        /// Why.
        trouble: Trouble,
        /// When the next one begins.
        next: Duration,
    },
    /// What signs in is another than was refused.
    Another {
        /// Where.
        platform: Name,
        /// When it is tried, where that is not at once since too many others were refused.
        waits: Option<Duration>,
    },
    /// Attempts fail no longer.
    Recovered {
        /// Where.
        platform: Name,
        /// After how many failures.
        failures: u32,
    },
    /// How an attempt ended.
    Ended {
        /// Where.
        platform: Name,
        /// How.
        conclusion: Conclusion,
        /// How long it took.
        took: Duration,
        /// How many steps were carried out.
        steps: u64,
        /// Whether the one before ended so, too, with nothing done.
        as_before: bool,
    },
}

/// What is known of a platform beside its numbers.
#[derive(Debug)]
struct Watched {
    beat: Beat,
    /// What the world changed, be it acknowledged or not.
    changes: News<Differing>,
    /// What of that is acknowledged, and what flaps.
    acknowledged: BTreeSet<Differing>,
    flapping: BTreeSet<Differing>,
    pending: News<Differing>,
    untold: bool,
    waits: News<StepId>,
    blocks: News<String>,
    /// The codes of what attempts failed with since one went well: which request of many it is that fails changes.
    failing: BTreeSet<String>,
    before: Option<Conclusion>,
    /// It is configured no longer, and goes once its attempt is over.
    leaves: bool,
}

/// The loop without its shell.
#[derive(Debug)]
pub struct Brain {
    seed: u64,
    platforms: BTreeMap<Name, Watched>,
    status: Status,
    stopping: bool,
}

impl Brain {
    /// A loop that knows of nothing yet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            platforms: BTreeMap::new(),
            status: Status::default(),
            stopping: false,
        }
    }

    /// Takes up a configuration: every platform of it is looked at at once, but for those that refused the sign-in.
    pub fn configured(
        &mut self,
        now: Moment,
        platforms: &[Name],
        pauses: Pauses,
        revision: &str,
    ) -> Vec<Said> {
        let configuration = &mut self.status.configuration;
        configuration.generation = configuration.generation.saturating_add(1);
        revision.clone_into(&mut configuration.revision);
        configuration.interval = pauses.interval;
        configuration.refusal = pauses.refusal;
        configuration.wrong = None;
        let said = Said::Configured {
            generation: configuration.generation,
            revision: revision.to_owned(),
            platforms: platforms.len(),
        };
        for (name, watched) in &mut self.platforms {
            watched.leaves = !platforms.contains(name);
        }
        self.platforms
            .retain(|_, watched| !watched.leaves || watched.beat.is_under_way());
        let figures = &mut self.status.figures.platforms;
        figures.retain(|name, _| platforms.contains(name));
        for (index, name) in (0_u64..).zip(platforms) {
            figures.entry(name.clone()).or_default();
            let seed = self
                .seed
                .wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let fresh = || Watched {
                beat: Beat::new(now, seed),
                changes: News::default(),
                acknowledged: BTreeSet::new(),
                flapping: BTreeSet::new(),
                pending: News::default(),
                untold: false,
                waits: News::default(),
                blocks: News::default(),
                failing: BTreeSet::new(),
                before: None,
                leaves: false,
            };
            let watched = self.platforms.entry(name.clone()).or_insert_with(fresh);
            watched.beat.hurry(now);
        }
        vec![said]
    }

    /// Keeps the configuration that there is, since the newest is wrong; says so once, until it is wrong otherwise.
    pub fn misconfigured(&mut self, trouble: Trouble) -> Vec<Said> {
        let configuration = &mut self.status.configuration;
        if configuration.wrong.as_ref() == Some(&trouble) {
            return Vec::new();
        }
        configuration.wrong = Some(trouble.clone());
        let kept = (configuration.generation > 0).then(|| configuration.revision.clone());
        vec![Said::Misconfigured { trouble, kept }]
    }

    /// The configuration was read again, and is the one in use.
    pub fn unchanged(&mut self) -> Vec<Said> {
        let mended = self.status.configuration.wrong.take();
        mended.map(|_| Said::Mended).into_iter().collect()
    }

    /// Begins no further attempt.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// When something has to be done next.
    #[must_use]
    pub fn due(&self, now: Moment) -> Moment {
        let attempts = self.platforms.values().filter_map(|watched| {
            (!self.stopping && !watched.leaves)
                .then(|| watched.beat.due())
                .flatten()
        });
        let rest = now.saturating_add(LONGEST_REST);
        attempts.min().map_or(rest, |due| due.min(rest))
    }

    /// Begins what is due, and gives the platforms of it: each once, until its attempt has ended.
    pub fn begin(&mut self, now: Moment) -> Vec<Name> {
        self.status.turned = now;
        if self.stopping {
            return Vec::new();
        }
        let platforms = self.platforms.iter_mut();
        platforms
            .filter(|(_, watched)| !watched.leaves)
            .filter_map(|(name, watched)| watched.beat.begin(now).then(|| name.clone()))
            .collect()
    }

    /// An attempt is over; `wall` is the time of day.
    pub fn ended(
        &mut self,
        name: &Name,
        now: Moment,
        wall: Timestamp,
        report: &Report,
    ) -> Vec<Said> {
        let pauses = self.status.configuration.pauses();
        let Some(watched) = self.platforms.get_mut(name) else {
            return Vec::new();
        };
        let failures = watched.beat.failures();
        let thaws = report
            .thaws
            .map(|thaws| Duration::try_from(thaws.duration_since(wall)).unwrap_or_default());
        if report.sight.is_some() {
            watched.beat.let_in();
        }
        watched.beat.end(now, report.ending(), pauses, thaws);
        if let Some(figures) = self.status.figures.platforms.get_mut(name) {
            figures.count(now, report);
            figures.failures = watched.beat.failures();
            figures.refused = watched.refused();
        }
        let mut said = watched.told(name, now, report, failures);
        if let Some(sight) = &report.sight {
            said.extend(watched.seen(name, sight));
        }
        if let Some(figures) = self.status.figures.platforms.get_mut(name) {
            watched.tally(figures);
        }
        if watched.leaves {
            self.platforms.remove(name);
        }
        said
    }

    /// The platforms that refused the sign-in and wait for the end of a pause.
    #[must_use]
    pub fn refused(&self) -> Vec<Name> {
        let platforms = self.platforms.iter();
        platforms
            .filter(|(_, watched)| watched.beat.is_refused() && !watched.beat.is_under_way())
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// What signs in to a platform is another than was refused: it is tried at once, if not too many others were.
    pub fn signs_in_otherwise(&mut self, name: &Name, now: Moment) -> Vec<Said> {
        let Some(watched) = self.platforms.get_mut(name) else {
            return Vec::new();
        };
        let refused = watched.beat.is_refused() && !watched.beat.is_under_way();
        let tried = watched.beat.try_another(now);
        if let Some(figures) = self.status.figures.platforms.get_mut(name) {
            figures.refused = watched.refused();
        }
        let due = watched.beat.due().filter(|_| refused);
        let said = due.map(|due| Said::Another {
            platform: name.clone(),
            waits: (!tried).then(|| due.saturating_sub(now)),
        });
        said.into_iter().collect()
    }

    /// Whether any attempt is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let mut platforms = self.platforms.values();
        platforms.any(|watched| watched.beat.is_under_way())
    }

    /// Everything that whoever asks may be told.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }
}

impl Watched {
    /// When the sign-in is tried again that was refused.
    fn refused(&self) -> Option<Moment> {
        self.beat.due().filter(|_| self.beat.is_refused())
    }

    /// What is to be said of the attempt itself.
    fn told(&mut self, name: &Name, now: Moment, report: &Report, failures: u32) -> Vec<Said> {
        let done = report.steps.iter();
        let done = done.filter(|((_, outcome), _)| *outcome == "done");
        let steps = done.map(|(_, count)| count).sum();
        let mut said = vec![Said::Ended {
            platform: name.clone(),
            conclusion: report.conclusion,
            took: report.took,
            steps,
            as_before: self.before == Some(report.conclusion) && steps == 0,
        }];
        self.before = Some(report.conclusion);
        match &report.trouble {
            Some(trouble) if self.failing.insert(trouble.code.clone()) || trouble.refused => {
                let due = self.beat.due().unwrap_or(now);
                said.push(Said::Failing {
                    platform: name.clone(),
                    trouble: trouble.clone(),
                    next: due.saturating_sub(now),
                });
            }
            None if report.sight.is_some() && !self.failing.is_empty() => {
                self.failing.clear();
                said.push(Said::Recovered {
                    platform: name.clone(),
                    failures,
                });
            }
            Some(_) | None => {}
        }
        said
    }

    /// The numbers of what is the matter: as it was told, so that what could not be read counts as it did.
    fn tally(&self, figures: &mut Platform) {
        let counted = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let drift = self.changes.known();
        figures.drift = by_kind(drift.filter(|key| !self.acknowledged.contains(key)));
        figures.pending = by_kind(self.pending.known());
        figures.acknowledged = counted(self.acknowledged.len());
        figures.flapping = counted(self.flapping.len());
        figures.waiting = counted(self.waits.len());
        figures.blocking = counted(self.blocks.len());
    }

    /// What is new of what differs.
    fn differing(
        &mut self,
        name: &Name,
        differences: &Differences,
        everything: bool,
        digest: &str,
    ) -> Vec<Said> {
        let Differences {
            drift,
            acknowledged,
            flapping,
            pending,
            untold,
        } = differences;
        let platform = || name.clone();
        let plan = || digest.to_owned();
        let mut said = Vec::new();
        if *untold && !self.untold {
            said.push(Said::Untold {
                platform: platform(),
            });
        }
        self.untold = *untold;
        let changes = drift.iter().chain(acknowledged);
        let changes = changes.map(|(object, how)| (object.clone(), how.clone()));
        let Told { new, changed, over } = self.changes.see(changes.collect(), everything);
        for (again, list) in [(false, new), (true, changed)] {
            said.extend(list.into_iter().map(|(object, how)| {
                if acknowledged.contains_key(&object) {
                    Said::Acknowledged {
                        platform: platform(),
                        object,
                        word: how,
                    }
                } else {
                    Said::Drift {
                        platform: platform(),
                        object,
                        how,
                        again,
                        plan: plan(),
                    }
                }
            }));
        }
        said.extend(over.into_iter().map(|object| Said::Resolved {
            platform: platform(),
            object,
        }));
        // What could not be read now is as it was.
        let stays = |key: &Differing| {
            self.changes.has(key) && !drift.contains_key(key) && !acknowledged.contains_key(key)
        };
        self.acknowledged.retain(stays);
        self.acknowledged.extend(acknowledged.keys().cloned());
        self.flapping.retain(stays);
        self.flapping.extend(flapping.iter().cloned());
        let Told { new, changed, over } = self.pending.see(pending.clone(), everything);
        let pending = new.into_iter().chain(changed);
        said.extend(pending.map(|(object, how)| Said::Pending {
            platform: platform(),
            object,
            how,
            plan: plan(),
        }));
        said.extend(over.into_iter().map(|object| Said::PendingNoMore {
            platform: platform(),
            object,
        }));
        said
    }

    /// What is new of what was seen.
    fn seen(&mut self, name: &Name, sight: &Sight) -> Vec<Said> {
        let Sight {
            differences,
            waits,
            blocks,
            everything,
            digest,
        } = sight;
        let platform = || name.clone();
        let mut said = self.differing(name, differences, *everything, digest);
        let Told { new, changed, over } = self.waits.see(waits.clone(), *everything);
        said.extend(
            new.into_iter()
                .chain(changed)
                .map(|(step, why)| Said::Waits {
                    platform: platform(),
                    step,
                    why,
                    plan: digest.clone(),
                }),
        );
        said.extend(over.into_iter().map(|step| Said::WaitsNoMore {
            platform: platform(),
            step,
        }));
        // What blocks is seen or not, whatever else could not be read.
        let Told { new, changed, over } = self.blocks.see(blocks.clone(), true);
        let blocks = new.into_iter().chain(changed);
        said.extend(blocks.map(|(finding, remedy)| Said::Blocked {
            platform: platform(),
            finding,
            remedy,
        }));
        said.extend(over.into_iter().map(|finding| Said::BlockedNoMore {
            platform: platform(),
            finding,
        }));
        said
    }
}

/// How many objects of each kind there are: one of which several fields differ is one.
fn by_kind<'d>(all: impl Iterator<Item = &'d Differing>) -> BTreeMap<String, u64> {
    let objects: BTreeSet<(&str, &str)> = all
        .map(|one| (one.kind.as_str(), one.name.as_str()))
        .collect();
    let mut counts = BTreeMap::new();
    for (kind, _) in objects {
        *counts.entry(kind.to_owned()).or_default() += 1;
    }
    counts
}
