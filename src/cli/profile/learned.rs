//! What an example showed, or somebody's word, into the profile.
//!
//! I/O: writes the profile.

use std::fmt::Write as _;

use super::super::error::Failure;
use super::super::session::Session;
use super::super::{Context, Exit, print, second, wrap};
use super::save;
use crate::learn::{self, Joined, Learned, Subject};
use crate::model::Guid;
use crate::profile::{Profile, Setting, SettingItem, Standing};

/// Puts what was learned into the profile.
pub(super) fn keep(
    context: &Context,
    session: &Session,
    mut profile: Profile,
    example: &learn::Session,
    learned: Learned,
) -> Result<(), Failure> {
    let entry = example.subject.entry();
    let (path, said) = enter(&mut profile, &example.subject, learned);
    let at = second();
    profile.note(&path, &at, format!("an example in the console: {said}"));
    save(&profile, &session.profile_file)?;
    let width = context.style.width;
    print(&wrap(&format!("Learned `{entry}`: {said}."), 0, width));
    print(&wrap(
        &format!(
            "Wrote {}. What is learned serves for reading; `sitewright profile verify` proves it for writing.",
            session.profile_file.display()
        ),
        0,
        width,
    ));
    Ok(())
}

/// Enters what was learned; gives the path of the entry, and what it says for people.
fn enter(profile: &mut Profile, subject: &Subject, learned: Learned) -> (String, String) {
    let entry = subject.entry().to_owned();
    let settings = &mut profile.settings;
    match learned {
        Learned::Setting(setting) => {
            let said = told(&setting);
            match subject {
                Subject::CaptureTarget { .. } => settings.capture_target = Some(setting),
                Subject::TaskPackages { .. } => settings.task_packages = Some(setting),
                _ => settings.constrain_to_site = Some(setting),
            }
            (entry, said)
        }
        Learned::Targets(item, path) => {
            let said = format!("item {item}, targets at `{path}`");
            let prevent = settings.prevent_downloads.get_or_insert_default();
            prevent.standing = Standing::Learned;
            prevent.item = Some(item);
            prevent.targets = Some(path);
            (format!("{entry}.targets"), said)
        }
        Learned::Switch(item, switch) => {
            let off = switch
                .off
                .as_deref()
                .map_or("nothing".into(), |off| format!("`{off}`"));
            let said = format!(
                "item {item}, `{}`: on `{}`, off {off}",
                switch.path, switch.on
            );
            let prevent = settings.prevent_downloads.get_or_insert_default();
            prevent.standing = Standing::Learned;
            prevent.item = Some(item);
            let name = if matches!(subject, Subject::PreventFromServer { .. }) {
                prevent.from_server = Some(switch);
                "fromServer"
            } else {
                prevent.from_outside = Some(switch);
                "fromOutside"
            };
            (format!("{entry}.{name}"), said)
        }
        Learned::Association(mut association) => {
            let associations = &mut profile.associations;
            let slot = match subject {
                Subject::Association {
                    kind: Joined::ServerToSite,
                    ..
                } => &mut associations.server_to_site,
                _ => &mut associations.subnet_to_site,
            };
            // Whether forming replaces is nothing that the console shows.
            association.replaces = slot
                .as_ref()
                .filter(|known| known.guid == association.guid)
                .and_then(|known| known.replaces);
            let said = format!(
                "{} `{}`, parent {}",
                association.name.as_deref().unwrap_or_default(),
                association.guid.unwrap_or(Guid::NIL),
                association.parent.as_str()
            );
            *slot = Some(association);
            (entry, said)
        }
    }
}

fn told(setting: &Setting) -> String {
    let item = match setting.item {
        Some(SettingItem::Site) => "the item of each site".to_owned(),
        Some(SettingItem::Task) => "the item of each task".to_owned(),
        Some(SettingItem::Item(item)) => format!("item {item}"),
        None => "no item".to_owned(),
    };
    let path = setting.path.as_ref().map(ToString::to_string);
    let mut said = format!("{item}, `{}`", path.unwrap_or_default());
    if let Some(on) = &setting.on {
        let off = setting
            .off
            .as_deref()
            .map_or("nothing".into(), |off| format!("`{off}`"));
        // Writing to a string cannot fail.
        let _ = write!(said, ": on `{on}`, off {off}");
    }
    said
}

/// Writes that this server has no such setting.
pub(super) fn unavailable(
    context: &Context,
    session: &Session,
    mut profile: Profile,
    reason: &str,
) -> Result<Exit, Failure> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Failure::usage(
            "a reason is wanted",
            "say how you know: --reason 'not in our console, ticket 4711'",
        ));
    }
    profile.settings.constrain_to_site = Some(Setting {
        standing: Standing::Unavailable,
        ..Setting::default()
    });
    profile.note(
        "settings.constrainToSite",
        &second(),
        format!("the operator's word: {reason}"),
    );
    save(&profile, &session.profile_file)?;
    print(&wrap(
        &format!(
            "`settings.constrainToSite` is unavailable: a declaration of it is a note and no step. Wrote {}.",
            session.profile_file.display()
        ),
        0,
        context.style.width,
    ));
    Ok(Exit::Done)
}
