//! What was seen → what is learned, or why nothing is.
//!
//! Pure. Only what was there before, changed, and went back is taken for the setting.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::session::{Look, Pair, Session, Subject};
use super::{listed, setting};
use crate::items::{Difference, ItemXmlError, Leaf, Place, compare, parse};
use crate::model::Guid;
use crate::profile::{Association, ItemPath, ItemSwitch, Setting, SettingItem, Standing, TypeRole};

/// What an example showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Learned {
    /// An entry of `settings`.
    Setting(Setting),
    /// The list of those that "Prevent downloads" is aimed at, and the item that holds it.
    Targets(Guid, ItemPath),
    /// A switch of "Prevent downloads", and the item that holds it.
    Switch(Guid, ItemSwitch),
    /// An association.
    Association(Association),
}

/// A difference in one of the items, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The name of the item.
    pub item: String,
    /// What changed, and how.
    pub difference: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.item, self.difference)
    }
}

/// Why nothing is learned. Codes `SW0872` to `SW0876`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    /// Nothing changed in what was looked at.
    #[error("nothing changed in what was looked at")]
    Unseen,
    /// Something changed and nothing went back.
    #[error("what changed did not go back with the opposite change")]
    NotBack(Vec<Shown>),
    /// Several things changed and went back.
    #[error("{} things changed and went back, expected one", .0.len())]
    Several(Vec<Shown>),
    /// One thing changed and went back, and it cannot be the setting.
    #[error("what changed and went back is not what was to be learned: {reason}")]
    Unfit {
        /// What it is.
        shown: Vec<Shown>,
        /// Why not.
        reason: String,
    },
    /// An export cannot be read.
    #[error("the export of `{item}` cannot be read")]
    Xml {
        /// Of which item.
        item: String,
        /// Why.
        source: ItemXmlError,
    },
}

impl LearnError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unseen => "SW0872",
            Self::NotBack(_) => "SW0873",
            Self::Several(_) => "SW0874",
            Self::Unfit { .. } => "SW0875",
            Self::Xml { .. } => "SW0876",
        }
    }

    /// The differences that were seen.
    #[must_use]
    pub fn shown(&self) -> &[Shown] {
        match self {
            Self::Unseen | Self::Xml { .. } => &[],
            Self::NotBack(shown) | Self::Several(shown) | Self::Unfit { shown, .. } => shown,
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unseen => Some(
                "it stands in another item, or the change was not saved: name the item with --item or --item-name, and begin again",
            ),
            Self::NotBack(_) => Some("begin again, and undo exactly what was done"),
            Self::Several(_) => Some(
                "change nothing but the one thing, and begin again; where the console changes several at once, they cannot be told apart by an example",
            ),
            Self::Unfit { .. } => Some("begin again, and change only what was asked for"),
            Self::Xml { .. } => None,
        }
    }
}

/// What one item showed: looks in their order.
pub(super) struct Item<'a> {
    pub(super) guid: Guid,
    pub(super) name: &'a str,
    pub(super) looks: Vec<&'a str>,
}

/// A difference that went back, and all that is needed to tell where it is.
pub(super) struct Candidate<'a> {
    pub(super) item: &'a Item<'a>,
    pub(super) difference: Difference,
}

impl Candidate<'_> {
    fn shown(&self) -> Shown {
        Shown {
            item: self.item.name.to_owned(),
            difference: self.difference.to_string(),
        }
    }

    pub(super) fn unfit(&self, reason: impl Into<String>) -> LearnError {
        LearnError::Unfit {
            shown: vec![self.shown()],
            reason: reason.into(),
        }
    }
}

/// What changed in the items from the second look to the third.
#[derive(Default)]
struct Changes<'a> {
    /// And went back with the last look.
    back: Vec<Candidate<'a>>,
    /// And did not.
    lasting: Vec<Shown>,
    /// What changed by itself or for good, by item.
    noise: BTreeMap<Guid, BTreeSet<Place>>,
}

impl Session {
    /// Whether nothing has changed between the last look and the one before it, but for what changes by itself.
    ///
    /// # Errors
    /// Where an export cannot be read.
    pub fn unchanged(&self) -> Result<bool, LearnError> {
        let ([first, second, ..], [.., before, last]) =
            (self.looks.as_slice(), self.looks.as_slice())
        else {
            return Ok(false);
        };
        if let Subject::Association { .. } = self.subject {
            return Ok(before.pairs == last.pairs);
        }
        for item in self.seen(&[first, second, before, last]) {
            let [first, second, before, last] = item.looks[..] else {
                continue;
            };
            let noise = places(&item, first, second)?;
            if !places(&item, before, last)?.is_subset(&noise) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Says what was learned.
    ///
    /// `packages`: the packages of the server, where they are known: what tells them from other GUIDs in a list.
    ///
    /// # Errors
    /// [`LearnError`] where what changed cannot be attributed.
    pub fn conclude(&self, packages: &BTreeSet<Guid>) -> Result<Learned, LearnError> {
        if let Subject::Association { kind, .. } = &self.subject {
            return self.association(kind.member());
        }
        let all: Vec<&Look> = self.looks.iter().collect();
        let items = self.seen(&all);
        let changes = changes(&items)?;
        match &self.subject {
            Subject::ConstrainToSite { site, on } => {
                let one = only(changes.back, &changes.lasting)?;
                let own = one.item.guid == site.guid;
                let mut learned = setting::switch(&one, *on, (!own).then_some(site.guid))?;
                learned.item = Some(if own {
                    SettingItem::Site
                } else {
                    SettingItem::Item(one.item.guid)
                });
                learned.noise = patterns(changes.noise.get(&one.item.guid), &learned);
                Ok(Learned::Setting(learned))
            }
            Subject::CaptureTarget { first, second } => {
                let (item, mut learned) =
                    setting::target(&items, &changes.back, first.guid, second.guid)?;
                learned.item = Some(SettingItem::Item(item));
                learned.noise = patterns(changes.noise.get(&item), &learned);
                Ok(Learned::Setting(learned))
            }
            Subject::TaskPackages { task, package } => {
                let one = only(changes.back, &changes.lasting)?;
                let path = listed::list(&one, package.guid, packages)?;
                if one.item.guid != task.guid {
                    return Err(one.unfit("it does not stand in the task's own item"));
                }
                Ok(Learned::Setting(setting::learned(SettingItem::Task, path)))
            }
            Subject::PreventTargets { computer } => {
                let one = only(changes.back, &changes.lasting)?;
                let path = listed::list(&one, computer.guid, &BTreeSet::new())?;
                Ok(Learned::Targets(one.item.guid, path))
            }
            Subject::PreventFromServer { on } | Subject::PreventFromOutside { on } => {
                let one = only(changes.back, &changes.lasting)?;
                let item = one.item.guid;
                let learned = setting::switch(&one, *on, None)?;
                let (Some(path), Some(on)) = (learned.path, learned.on) else {
                    return Err(one.unfit("it is no switch"));
                };
                let off = learned.off;
                Ok(Learned::Switch(item, ItemSwitch { path, on, off }))
            }
            Subject::Association { kind, .. } => self.association(kind.member()),
        }
    }

    /// The items that every one of these looks exported.
    fn seen<'a>(&'a self, looks: &[&'a Look]) -> Vec<Item<'a>> {
        self.items
            .iter()
            .filter_map(|item| {
                let texts: Option<Vec<&str>> = looks
                    .iter()
                    .map(|look| look.items.get(&item.guid).map(String::as_str))
                    .collect();
                Some(Item {
                    guid: item.guid,
                    name: &item.name,
                    looks: texts?,
                })
            })
            .collect()
    }

    fn association(&self, member: TypeRole) -> Result<Learned, LearnError> {
        let [_, before, after, back] = self.looks.as_slice() else {
            return Err(LearnError::Unseen);
        };
        let new: Vec<&Pair> = after.pairs.difference(&before.pairs).collect();
        let shown = |pairs: &[&Pair]| -> Vec<Shown> {
            let say = |pair: &&Pair| Shown {
                item: pair.name.clone(),
                difference: format!(
                    "`{}` with the {} as its parent",
                    pair.association,
                    if pair.site_is_parent {
                        "site"
                    } else {
                        "member"
                    }
                ),
            };
            pairs.iter().map(say).collect()
        };
        let gone: Vec<&Pair> = new
            .iter()
            .copied()
            .filter(|pair| !back.pairs.contains(*pair))
            .collect();
        match (new.as_slice(), gone.as_slice()) {
            ([], _) => Err(LearnError::Unseen),
            (new, []) => Err(LearnError::NotBack(shown(new))),
            (_, [one]) => Ok(Learned::Association(Association {
                guid: Some(one.association),
                name: Some(one.name.clone()),
                parent: if one.site_is_parent {
                    TypeRole::Site
                } else {
                    member
                },
                replaces: None,
                standing: Standing::Learned,
            })),
            (_, several) => Err(LearnError::Several(shown(several))),
        }
    }
}

fn places(item: &Item<'_>, before: &str, after: &str) -> Result<BTreeSet<Place>, LearnError> {
    let (first, second) = (read(item, before)?, read(item, after)?);
    let found = compare(&first, &second);
    Ok(found.into_iter().map(|found| found.place).collect())
}

pub(super) fn read<'a>(
    item: &Item<'_>,
    text: &'a str,
) -> Result<roxmltree::Document<'a>, LearnError> {
    parse(text).map_err(|source| LearnError::Xml {
        item: item.name.to_owned(),
        source,
    })
}

fn changes<'a>(items: &'a [Item<'a>]) -> Result<Changes<'a>, LearnError> {
    let mut changes = Changes::default();
    for item in items {
        let [first, before, after, .., back] = item.looks[..] else {
            continue;
        };
        let (before_read, after_read) = (read(item, before)?, read(item, after)?);
        let mut noise = places(item, first, before)?;
        noise.append(&mut places(item, before, back)?);
        for difference in compare(&before_read, &after_read) {
            let candidate = Candidate { item, difference };
            if noise.contains(&candidate.difference.place) {
                changes.lasting.push(candidate.shown());
            } else {
                changes.back.push(candidate);
            }
        }
        changes.noise.insert(item.guid, noise);
    }
    Ok(changes)
}

/// The one difference that went back.
fn only<'a>(back: Vec<Candidate<'a>>, lasting: &[Shown]) -> Result<Candidate<'a>, LearnError> {
    let shown: Vec<Shown> = back.iter().map(Candidate::shown).collect();
    let mut back = back.into_iter();
    match (back.next(), back.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(LearnError::Several(shown)),
        (None, _) if lasting.is_empty() => Err(LearnError::Unseen),
        (None, _) => Err(LearnError::NotBack(lasting.to_vec())),
    }
}

/// The paths of what changes by itself, in the words of the profile.
fn patterns(noise: Option<&BTreeSet<Place>>, learned: &Setting) -> Vec<ItemPath> {
    let mut found: Vec<ItemPath> = Vec::new();
    for place in noise.into_iter().flatten() {
        // A whole element that came and went is no noise that could be told from a loss.
        if *place.leaf() == Leaf::Element
            || learned.path.as_ref().is_some_and(|path| place.is_at(path))
        {
            continue;
        }
        if let Some(path) = place.pattern()
            && !found.contains(&path)
        {
            found.push(path);
        }
    }
    found
}

/// What changed and went back, beside what is taken for the setting.
pub(super) fn several(candidates: &[Candidate<'_>]) -> LearnError {
    LearnError::Several(candidates.iter().map(Candidate::shown).collect())
}
