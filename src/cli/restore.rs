//! `sitewright restore`: the XML of an item as it was before a run wrote over it.
//!
//! I/O: reads the store, asks, imports it, looks again, keeps the journal.

#![expect(clippy::disallowed_methods, reason = "waits for the server")]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::apply::agreed;
use super::error::Failure;
use super::hold::{Hold, locked};
use super::session::{Home, Session};
use super::{Context, Exit, now, print, wrap};
use crate::apply::changed_beside;
use crate::items::{Difference, differences};
use crate::journal::Fact;
use crate::model::Guid;
use crate::profile::{Profile, Setting, SettingItem};
use crate::smp::Writer;

/// Options of `restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sitewright restore backups/hq/000012-8f2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b11.xml")]
pub(super) struct RestoreArgs {
    /// The file that keeps the old XML, as the journal or a failed step names it
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) async fn run(context: &Context, args: &RestoreArgs) -> Result<Exit, Failure> {
    let home = Home::find(&[])?;
    let session = Session::open(context, &home)?;
    locked(context, &session, "restore", None, async |hold| {
        under_lock(context, args, &session, hold).await
    })
    .await
}

async fn under_lock(
    context: &Context,
    args: &RestoreArgs,
    session: &Session,
    hold: &Hold<'_>,
) -> Result<Exit, Failure> {
    let (item, file, old) = kept(session, args).await?;
    let profile = session.known()?;
    let noise = noise(&profile, item);
    let writer = session.writer()?;
    let present = export(&writer, item).await?;
    let width = context.style.width;
    let list =
        differences(&present, &old).map_err(|error| Failure::from_error("SW0621", &error))?;
    let wanted =
        changed_beside(&noise, &present, &old).map_err(|reason| Failure::new("SW0621", reason))?;
    if wanted.is_empty() {
        print("The item is as the backup has it.\n");
        return Ok(Exit::Done);
    }
    print(&wrap(
        &format!("Item {item}, to be as `{file}` has it:"),
        0,
        width,
    ));
    show(&list, width);
    if !args.yes && !agreed("Import the old XML?")? {
        return Err(Failure::new("SW0610", "not restored: nobody said yes"));
    }
    let failed = |error: crate::journal::JournalError| {
        Failure::from_error(error.code(), &error).hint(error.hint())
    };
    let journal = hold.journal().await?;
    let instead = journal
        .keep_item(&context.run, now(), item, &present)
        .await
        .map_err(failed)?;
    writer
        .import_item(&old)
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let left = settled(&writer, item, &noise, &old).await?;
    journal
        .append(&context.run, now(), Fact::ItemRestored { item, file })
        .await
        .map_err(failed)?;
    if left.is_empty() {
        print(&wrap(
            &format!("Restored. What was there before is in {instead}."),
            0,
            width,
        ));
        return Ok(Exit::Done);
    }
    show(&left, width);
    Err(Failure::new(
        "SW0621",
        "the server took the XML, and the item is not as the backup has it",
    )
    .hint(Some(format!(
        "what was there before is in {instead}; compare both with the console"
    ))))
}

/// The item and the XML that were kept.
async fn kept(session: &Session, args: &RestoreArgs) -> Result<(Guid, String, String), Failure> {
    let name = args.backup.file_name().and_then(|name| name.to_str());
    let found = session
        .store
        .kept_item(name.unwrap_or_default())
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let Some((kept, xml)) = found else {
        return Err(Failure::new(
            "SW0620",
            format!(
                "the journal of `{}` knows no backup `{}`",
                session.name,
                args.backup.display()
            ),
        )
        .hint(Some(
            "name a file below `backups` in the folder of the state".into(),
        )));
    };
    if kept.holds(&xml) {
        Ok((kept.item, kept.file, xml))
    } else {
        Err(Failure::new(
            "SW0620",
            format!(
                "`{}` is not what was kept there: its checksum is another one",
                kept.file
            ),
        )
        .hint(Some(
            "put the file back from a copy of the state's folder".into(),
        )))
    }
}

/// What changes by itself in an item, by the settings that stand in it.
fn noise(profile: &Profile, item: Guid) -> Setting {
    let settings = &profile.settings;
    let mut noise = Setting::default();
    for setting in [&settings.constrain_to_site, &settings.capture_target]
        .into_iter()
        .flatten()
    {
        let here = match setting.item {
            Some(SettingItem::Item(of)) => of == item,
            // Of which items are those of sites, nothing tells here; their noise is alike.
            Some(SettingItem::Site | SettingItem::Task) => true,
            None => false,
        };
        if here {
            noise.noise.extend(setting.noise.iter().cloned());
        }
    }
    noise
}

async fn export(writer: &Writer, item: Guid) -> Result<String, Failure> {
    writer
        .reader()
        .item_export(item)
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?
        .ok_or_else(|| {
            Failure::new("SW0621", format!("the item {item} does not exist")).hint(Some(
                "an item that was deleted cannot be restored this way".into(),
            ))
        })
}

/// Looks until the item is as wanted, or patience ends; gives what is different still.
async fn settled(
    writer: &Writer,
    item: Guid,
    noise: &Setting,
    wanted: &str,
) -> Result<Vec<Difference>, Failure> {
    let mut pause = Duration::from_millis(50);
    loop {
        let found = export(writer, item).await?;
        let left = changed_beside(noise, wanted, &found)
            .map_err(|reason| Failure::new("SW0621", reason))?;
        if left.is_empty() || pause > Duration::from_secs(4) {
            return Ok(left);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

fn show(list: &[Difference], width: usize) {
    for difference in list {
        print(&wrap(&format!("  {difference}"), 4, width));
    }
}
