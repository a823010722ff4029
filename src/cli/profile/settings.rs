//! `sitewright profile verify --settings`: settings in item XML are proven by writing back what stands there.
//!
//! I/O: asks, keeps the old XML, imports it, exports again, writes the profile. The item that is imported is, byte for
//! byte, the one that was exported; what is different afterwards is what this server changes at every save.

use super::super::apply::agreed;
use super::super::error::Failure;
use super::super::hold::Hold;
use super::super::session::Session;
use super::super::{Context, Exit, now, print, second, wrap};
use super::save;
use crate::apply::changed_beside;
use crate::items::Difference;
use crate::model::Guid;
use crate::profile::{Ability, Profile, Setting, SettingItem, Standing, TypeRole};
use crate::smp::Writer;
use crate::state::Journal;

/// What is wanted of it.
pub(super) struct Wanted<'a> {
    /// Let settings that are proven be written by API from now on.
    pub(super) write: bool,
    /// The site whose item is written back, where each has its own.
    pub(super) site: Option<&'a str>,
    /// Do not ask.
    pub(super) yes: bool,
}

/// A setting and where it is tried.
struct Trial {
    entry: &'static str,
    item: Guid,
    site: Option<Guid>,
}

/// Proves the settings of a profile; the caller holds the lock of the state.
pub(super) async fn verify(
    context: &Context,
    session: &Session,
    hold: &Hold<'_>,
    args: &Wanted<'_>,
) -> Result<Exit, Failure> {
    let mut profile = Profile::clone(&*session.known()?);
    let writer = session.writer()?;
    let trials = trials(&writer, &profile, args.site).await?;
    let width = context.style.width;
    let say = |text: &str| print(&wrap(text, 0, width));
    if trials.is_empty() {
        return Err(
            Failure::new("SW0879", "no setting in item XML is known yet").hint(Some(
                "`sitewright profile learn` finds out where they stand".into(),
            )),
        );
    }
    say("Each of these items is exported and imported again as it is:");
    for trial in &trials {
        say(&format!("  {}: item {}", trial.entry, trial.item));
    }
    if !args.yes && !agreed("Write them back?")? {
        return Err(Failure::new("SW0610", "not verified: nobody said yes"));
    }
    let journal = hold.journal().await?;
    let mut refuted = 0;
    for trial in &trials {
        let Some(setting) = entry(&mut profile, trial.entry) else {
            continue;
        };
        match written_back(context, &writer, &journal, setting, trial).await? {
            Ok(noise) => {
                for place in noise.iter().filter_map(|one| one.place.pattern()) {
                    if !setting.noise.contains(&place) {
                        setting.noise.push(place);
                    }
                }
                setting.standing = Standing::Verified;
                setting.write |= args.write;
                let by = if setting.write {
                    ", written by API from now on"
                } else {
                    ""
                };
                say(&format!("{}: verified{by}", trial.entry));
                profile.note(
                    trial.entry,
                    &second(),
                    format!(
                        "item {} was written back as it was, and read unchanged",
                        trial.item
                    ),
                );
            }
            Err(reason) => {
                refuted += 1;
                say(&format!("{}: not verified: {reason}", trial.entry));
            }
        }
    }
    save(&profile, &session.profile_file)?;
    say(&format!("Wrote {}.", session.profile_file.display()));
    if !args.write && refuted == 0 {
        say(
            "Changes of these settings are console steps until `write: true` stands at them, or --write is passed.",
        );
    }
    Ok(if refuted == 0 { Exit::Done } else { Exit::Open })
}

fn entry<'a>(profile: &'a mut Profile, name: &str) -> Option<&'a mut Setting> {
    match name {
        "settings.captureTarget" => profile.settings.capture_target.as_mut(),
        _ => profile.settings.constrain_to_site.as_mut(),
    }
}

/// The settings that are known well enough to be read, and where each is tried.
async fn trials(
    writer: &Writer,
    profile: &Profile,
    site: Option<&str>,
) -> Result<Vec<Trial>, Failure> {
    let mut trials = Vec::new();
    let settings = &profile.settings;
    for (entry, setting, needs) in [
        (
            "settings.constrainToSite",
            &settings.constrain_to_site,
            Ability::ReadConstrain,
        ),
        (
            "settings.captureTarget",
            &settings.capture_target,
            Ability::ReadCaptureTarget,
        ),
    ] {
        if profile.can(needs).is_err() {
            continue;
        }
        let Some((item, path)) = setting.as_ref().and_then(Setting::place) else {
            continue;
        };
        let of_site = item == SettingItem::Site || path.names_site();
        let site = if of_site {
            Some(chosen_site(writer, site).await?)
        } else {
            None
        };
        let item = match (item, site) {
            (SettingItem::Item(item), _) => item,
            (SettingItem::Site, Some(site)) => site,
            (SettingItem::Site | SettingItem::Task, _) => continue,
        };
        trials.push(Trial { entry, item, site });
    }
    Ok(trials)
}

/// The site that is named: nobody's item is written to but that of a site chosen for it.
async fn chosen_site(writer: &Writer, wanted: Option<&str>) -> Result<Guid, Failure> {
    let reader = writer.reader();
    let missing = |message: String| {
        Failure::new("SW0879", message).hint(Some(
            "name a site with --site, such as the one that the setting was learned on".into(),
        ))
    };
    let Some(name) = wanted else {
        return Err(missing(
            "the setting is kept for each site, and no site is named to try it on".into(),
        ));
    };
    let Some(of) = reader.profile().type_guid(TypeRole::Site) else {
        return Err(missing("the server profile lacks `types.site`".into()));
    };
    let found = reader
        .resource_named(name, of)
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    found.ok_or_else(|| missing(format!("expected a site `{name}`, found none")))
}

/// Writes an item back as it is. Gives what changes by itself at that, or why it proves nothing.
async fn written_back(
    context: &Context,
    writer: &Writer,
    journal: &Journal,
    setting: &Setting,
    trial: &Trial,
) -> Result<Result<Vec<Difference>, String>, Failure> {
    let export = async || {
        writer
            .reader()
            .item_export(trial.item)
            .await
            .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))
    };
    let Some(before) = export().await? else {
        return Ok(Err("its item does not exist".into()));
    };
    let value = |xml: &str| setting.values(xml, trial.site);
    let found = match value(&before) {
        Ok(found) if found.len() <= 1 => found,
        Ok(found) => return Ok(Err(format!("its path leads to {} values", found.len()))),
        Err(reason) => return Ok(Err(reason)),
    };
    let file = journal
        .keep_item(&context.run, now(), trial.item, &before)
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    if let Err(error) = writer.import_item(&before).await {
        let failure = Failure::from_error(error.code(), &error).hint(error.hint());
        return match error {
            crate::smp::SendError::Refused(fault) => {
                Ok(Err(format!("the server refuses it: {fault}")))
            }
            _ => Err(failure),
        };
    }
    let after = export().await?.unwrap_or_default();
    if value(&after).as_ref() != Ok(&found) {
        return Ok(Err(format!(
            "it reads back another value; the old XML is in {file}"
        )));
    }
    let changed = match changed_beside(setting, &before, &after) {
        Ok(changed) => changed,
        Err(reason) => return Ok(Err(reason)),
    };
    match changed.iter().find(|difference| !volatile(difference)) {
        None => Ok(Ok(changed)),
        Some(other) => Ok(Err(format!(
            "importing the same XML changed something else, {other}; the old XML is in {file}"
        ))),
    }
}

/// Whether a difference is one of those that every save makes: a date, or a number that went up.
fn volatile(difference: &Difference) -> bool {
    let (Some(before), Some(after)) = (&difference.before, &difference.after) else {
        return false;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    if let (Some(before), Some(after)) = (number(before), number(after)) {
        return after > before;
    }
    let date = |text: &str| {
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let other = text
            .chars()
            .all(|c| c.is_ascii_digit() || "-/.: TZ+APMapm".contains(c));
        digits >= 6 && other
    };
    date(before.trim()) && date(after.trim())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::items::differences;

    #[test]
    fn only_dates_and_counters_are_volatile() {
        for (before, after, expected) in [
            ("2026-11-25T10:00:00Z", "2026-11-25T10:00:01Z", true),
            ("11/25/2026 1:00:00 PM", "11/25/2026 1:00:01 PM", true),
            ("7", "8", true),
            ("8", "7", false),
            ("true", "false", false),
            ("admin", "sitewright", false),
        ] {
            let xml = |value: &str| format!("<a b='{value}'/>");
            let found = differences(&xml(before), &xml(after)).unwrap();
            assert_eq!(volatile(&found[0]), expected, "{before} -> {after}");
        }
        let gone = differences("<a b='1'/>", "<a/>").unwrap();
        assert!(!volatile(&gone[0]));
    }
}
