//! `sitewright serves`: whom a site server serves, and who is left alone without it.
//!
//! I/O. Holds no writer.

use clap::Args;

use super::error::Failure;
use super::foresee::{Foreseen, Which, foresee};
use super::{Context, Exit, Format, print};
use crate::explain::serves;
use crate::model::{Computer, Name, PackageSelector, nearest};
use crate::render::{json, text};
use crate::select::World;

/// Options of `serves`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright serves DEPLOY01.corp.example
  sitewright serves SITE01 --desired -f sites/
  sitewright serves SITE01 --format json")]
pub(super) struct ServesArgs {
    /// The site server, by its fully qualified name or its host name
    #[arg(id = "site-server", value_name = "SERVER")]
    server: String,
    #[command(flatten)]
    which: Which,
    /// How to show it; text names every range, client and package with -v only
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

pub(super) async fn run(context: &Context, args: &ServesArgs) -> Result<Exit, Failure> {
    let ServesArgs {
        server,
        which,
        format,
    } = args;
    let every = PackageSelector::Match(Name::new("*"));
    let Foreseen {
        basis,
        world,
        snapshot,
        reader: _, // everything has been read
        _session,
    } = foresee(context, which, vec![every]).await?;
    let name = Name::new(server.trim());
    let found: Vec<&Computer> = snapshot
        .computers_named(&name)
        .into_iter()
        .filter(|computer| world.servers.contains_key(&computer.guid))
        .collect();
    let serving = match found.as_slice() {
        [one] => serves(&world, &snapshot.surroundings, basis, one.guid),
        several => return Err(not_one(&name, several, &world)),
    };
    let serving = serving.ok_or_else(|| not_one(&name, &[], &world))?;
    print(&match format {
        Format::Text => text::serving(&serving, &context.style),
        Format::Json => json::serving(&serving),
    });
    Ok(Exit::Done)
}

fn not_one(name: &Name, found: &[&Computer], world: &World) -> Failure {
    if found.is_empty() {
        let known: Vec<&str> = world
            .servers
            .values()
            .map(|server| server.name.as_str())
            .collect();
        let hosts: Vec<&str> = known
            .iter()
            .filter_map(|name| name.split('.').next())
            .collect();
        let near = nearest(name.as_str(), &[known, hosts].concat());
        return Failure::new(
            "SW0558",
            format!("expected a site server, found none with the name `{name}`"),
        )
        .hint(Some(near.map_or_else(
            || "`sitewright export` lists the site servers that the SMP shows".into(),
            |near| format!("did you mean `{near}`?"),
        )));
    }
    let names: Vec<String> = found
        .iter()
        .map(|computer| format!("`{}`", computer.name))
        .collect();
    Failure::new(
        "SW0558",
        format!(
            "expected one site server, found {} with the name `{name}`: {}",
            found.len(),
            names.join(", ")
        ),
    )
    .hint(Some("name it with its domain".into()))
}
