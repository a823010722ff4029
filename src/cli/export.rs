//! `sitewright export`: declarations of what a live server holds.

#![expect(clippy::disallowed_methods, reason = "writes the declarations")]

use std::path::PathBuf;

use clap::Args;

use super::error::Failure;
use super::log::note;
use super::plan::observe;
use super::session::{Home, Session};
use super::{Context, Exit, print};
use crate::export::export;
use crate::model::{Name, Observed, Snapshot, nearest};
use crate::observe::Scope;

/// Options of `export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright export --platform sim:branch-offices
  sitewright export --out sites/
  sitewright export --site Deployment_Site")]
pub(super) struct ExportArgs {
    /// Only this site, with its subnets and servers
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Write files into this folder; files that are there are not overwritten
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) async fn run(context: &Context, args: &ExportArgs) -> Result<Exit, Failure> {
    let home = Home::find(&[])?;
    let session = Session::open(context, &home)?;
    let scope = Scope {
        server: session.server.clone(),
        everything: true,
        capture_target: true,
        ..Scope::default()
    };
    let mut snapshot = observe(&session.reader()?, &scope).await?;
    if let Some(site) = &args.site {
        only(&mut snapshot, &Name::new(site))?;
    }
    let exported = export(&snapshot, &session.name);
    match &args.out {
        None => {
            for (index, (_, text)) in exported.files.iter().enumerate() {
                if index > 0 {
                    print("---\n");
                }
                print(text);
            }
        }
        Some(folder) => {
            // The first line of every file points an editor at the schema beside it.
            let schema = serde_json::to_string_pretty(&crate::manifest::schema())
                .map_err(|error| Failure::new("SW0002", error.to_string()))?;
            let mut files = exported.files.clone();
            files.push(("schemas/manifest.json".into(), schema + "\n"));
            write(folder, &files)?;
        }
    }
    if args.site.is_none() {
        note("not expressed: `InvalidSubnets`, which no client can read");
    }
    for line in &exported.unexpressed {
        note(&format!("not expressed: {line}"));
    }
    Ok(Exit::Done)
}

/// All or nothing: no file is written where one of them would be overwritten.
fn write(folder: &std::path::Path, files: &[(String, String)]) -> Result<(), Failure> {
    let failed = |path: &std::path::Path, error: &std::io::Error| {
        Failure::io(format!("cannot write `{}`", path.display()), error)
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    if let Some((name, _)) = files.iter().find(|(name, _)| folder.join(name).exists()) {
        return Err(Failure::new(
            "SW0255",
            format!("`{}` exists already", folder.join(name).display()),
        )
        .hint(Some(
            "export into an empty folder, then move what you want".into(),
        )));
    }
    for (name, text) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| failed(parent, &error))?;
        }
        std::fs::write(&path, text).map_err(|error| failed(&path, &error))?;
        note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// Cuts a snapshot down to one site.
fn only(snapshot: &mut Snapshot, name: &Name) -> Result<(), Failure> {
    let Observed::Known(sites) = &mut snapshot.sites else {
        return Ok(()); // said by the export
    };
    let names: Vec<String> = sites.iter().map(|site| site.name.to_string()).collect();
    sites.retain(|site| site.name == *name);
    let [site] = sites.as_slice() else {
        return Err(
            Failure::new("SW0256", format!("the SMP has no site `{name}`")).hint(Some(
                match nearest(
                    name.as_str(),
                    &names.iter().map(String::as_str).collect::<Vec<_>>(),
                ) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "leave --site out to export all of them".into(),
                },
            )),
        );
    };
    let (guid, servers) = (site.guid, site.servers.clone());
    if let Observed::Known(subnets) = &mut snapshot.subnets {
        subnets.retain(|subnet| subnet.sites.contains(&guid));
    }
    if let Observed::Known(services) = &mut snapshot.services {
        services.retain(|service| servers.contains(&service.computer));
    }
    snapshot.packages = Observed::Known(Vec::new());
    snapshot.assignments.clear();
    snapshot.holders.clear();
    snapshot.tasks.clear();
    snapshot.capture_target = Observed::Known(None);
    snapshot.unplaced.clear();
    Ok(())
}
