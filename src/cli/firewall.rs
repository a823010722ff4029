//! `sitewright firewall`: the allow-list of a site.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::error::Failure;
use super::log::note;
use super::plan::observe;
use super::session::{Home, Session};
use super::{Context, Exit, print, wrap};
use crate::firewall::{AllowList, FirewallError, HARDENS, Inputs, csv, nftables, table, windows};
use crate::model::{Name, Snapshot};
use crate::observe::Scope;

/// Options of `firewall`.
#[derive(Debug, Args)]
#[command(after_help = "\
The list hardens and does not select: agents do not consult firewalls when they
choose a server. Sites and subnets do that.

Examples:
  sitewright firewall --site Deployment_Site
  sitewright firewall --site Deployment_Site --live --format nftables > list.nft
  sitewright firewall --site Deployment_Site --format windows \\
    --address DEPLOY01=192.168.0.12 --address SMP=192.168.0.10 > list.ps1")]
pub(super) struct FirewallArgs {
    /// The site whose clients are let through
    #[arg(long, value_name = "NAME")]
    site: String,
    /// What to print: for people, for a Linux router, for the servers themselves, for a spreadsheet
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// An address of a server, where it is not to be asked from the SMP; SMP names the SMP
    #[arg(long = "address", value_name = "SERVER=IP")]
    addresses: Vec<String>,
    /// Ask the SMP for addresses, installed roles, and servers that stand in the site by their address
    #[arg(long)]
    live: bool,
    /// Manifests: files, folders, or - for standard input; the workspace's folder if left out
    #[arg(short, long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Nftables,
    Windows,
    Csv,
}

fn address(text: &str) -> Result<(Name, Ipv4Addr), Failure> {
    let read = text.split_once('=').and_then(|(name, address)| {
        let name = Name::declared(name.trim()).ok()?;
        Some((name, address.trim().parse().ok()?))
    });
    read.ok_or_else(|| {
        Failure::usage(
            format!("expected a server and its IPv4 address in `--address`, found `{text}`"),
            "write it like --address DEPLOY01=192.168.0.12",
        )
    })
}

pub(super) async fn run(context: &Context, args: &FirewallArgs) -> Result<Exit, Failure> {
    let mut addresses: BTreeMap<Name, BTreeSet<Ipv4Addr>> = BTreeMap::new();
    for text in &args.addresses {
        let (name, address) = address(text)?;
        addresses.entry(name).or_default().insert(address);
    }
    let home = Home::find(&args.files)?;
    let (server, snapshot, desired) = if args.live {
        let session = Session::open(context, &home)?;
        let desired = home.desired(&args.files, session.declared_name())?;
        let mut scope = Scope::of(&desired, session.server.clone());
        // Nothing is asked of packages and tasks: no rule depends on them.
        scope.packages.clear();
        scope.tasks.clear();
        let snapshot: Snapshot = observe(&session.reader()?, &scope).await?;
        (session.server.clone(), Some(snapshot), desired)
    } else {
        let (platform, server) = home.platform(context)?;
        let desired = home.desired(&args.files, platform.as_ref())?;
        (server, None, desired)
    };
    let list = AllowList::of(&Inputs {
        desired: &desired,
        site: &Name::new(&args.site),
        platform: server.as_ref(),
        addresses: &addresses,
        snapshot: snapshot.as_ref(),
    })
    .map_err(|error| failure(&error))?;
    let text = match args.format {
        Format::Table => table(&list, context.style.width),
        Format::Csv => csv(&list),
        Format::Nftables => nftables(&list).map_err(|error| failure(&error))?,
        Format::Windows => windows(&list).map_err(|error| failure(&error))?,
    };
    print(&text);
    if args.format != Format::Table {
        note(&wrap(HARDENS, 0, context.style.width));
    }
    Ok(Exit::Done)
}

fn failure(error: &FirewallError) -> Failure {
    Failure::from_error(error.code(), error).hint(error.hint())
}
