//! `sitewright replace-server`: rewrites the declarations for new hardware, in two changes with a plan after each.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use similar::TextDiff;

use super::apply::agreed;
use super::error::Failure;
use super::files::{self, Change};
use super::log::note;
use super::plan::observe;
use super::session::{Home, Session};
use super::{Context, Exit, print, wrap};
use crate::manifest::Source;
use crate::model::Name;
use crate::observe::Scope;
use crate::replace::{Phase, Replaced, Replacement, lacking, replace};

/// Options of `replace-server`.
#[derive(Debug, Args)]
#[command(after_help = "\
Run it twice. First NEW is put beside OLD: in the lists of servers with the same
roles, and wherever packages are assigned to OLD. Plan, apply, wait until NEW
holds the packages. The second run takes OLD out, and captures go to NEW; it
asks the SMP first whether NEW is ready. Comments, quotes and order stay.

Examples:
  sitewright replace-server DEPLOY01 DEPLOY02.corp.example --dry-run
  sitewright replace-server DEPLOY01 DEPLOY02.corp.example
  sitewright replace-server DEPLOY01 DEPLOY02.corp.example --finish")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(super) struct ReplaceServerArgs {
    /// The server that goes, by its full name or its host name
    #[arg(value_name = "OLD", value_parser = name)]
    old: Name,
    /// The server that comes, as it is to be written
    #[arg(value_name = "NEW", value_parser = name)]
    new: Name,
    /// Take OLD out; left out, the files decide: if NEW stands beside OLD everywhere
    #[arg(long)]
    finish: bool,
    /// Take OLD out without asking the SMP whether NEW is ready
    #[arg(long)]
    unchecked: bool,
    /// Show the change and write nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Manifests: files or folders; the workspace's folder if left out
    #[arg(short, long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
}

fn name(text: &str) -> Result<Name, String> {
    Name::declared(text).map_err(|error| error.to_string())
}

pub(super) async fn run(context: &Context, args: &ReplaceServerArgs) -> Result<Exit, Failure> {
    if args.files.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::usage(
            "standard input cannot be rewritten",
            "name the files with -f",
        ));
    }
    let home = Home::find(&args.files)?;
    let (platform, _) = if home.workspace.is_some() {
        home.platform(context)?
    } else {
        (None, None)
    };
    let (documents, sources) = home.read(&args.files)?;
    // What contradicts itself is told with its places before anything else.
    crate::manifest::desired(&documents, platform.as_ref()).map_err(|diagnostics| {
        Failure::Diagnostics {
            diagnostics,
            sources: sources.clone(),
        }
    })?;
    let replaced = replace(
        &sources,
        &Replacement {
            old: &args.old,
            new: &args.new,
            platform: platform.as_ref(),
            finish: args.finish.then_some(true),
        },
    )
    .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    for (source, after) in &replaced.files {
        print(&diff(source, after.as_deref(), context.style.colour));
    }
    let finishing = replaced.phase == Phase::Finish;
    if finishing && !args.unchecked {
        ready(context, &home, args, &replaced).await?;
    }
    let (old, new) = (&args.old, &args.new);
    let what = if finishing {
        format!("`{old}` is taken out, `{new}` takes its place")
    } else {
        format!("`{new}` is put beside `{old}`")
    };
    say(
        context,
        &format!("{what} in {}", counted(replaced.files.len())),
    );
    for text in carved(&replaced, old, new) {
        say(context, &text);
    }
    if args.dry_run {
        say(context, "nothing was written: --dry-run");
        return Ok(Exit::Done);
    }
    if !args.yes && !agreed("Write these changes?")? {
        return Err(Failure::new(
            "SW0928",
            "nothing was written: nobody said yes",
        ));
    }
    let changes: Vec<Change> = replaced
        .files
        .into_iter()
        .map(|(source, after)| Change {
            path: PathBuf::from(source.name.as_ref()),
            before: source.text.as_ref().to_owned(),
            after,
        })
        .collect();
    files::change(&changes)?;
    let next = if finishing {
        format!("next: plan and apply; then `{old}` serves nobody and can be switched off")
    } else {
        format!(
            "next: plan and apply; once `{new}` holds the packages, run this again to take `{old}` out"
        )
    };
    say(context, &next);
    Ok(Exit::Done)
}

/// Host carve-outs that may be the old server's own: nobody can tell without its address.
fn carved(replaced: &Replaced, old: &Name, new: &Name) -> Vec<String> {
    let mut told = Vec::new();
    for site in replaced.before.sites.values() {
        let mut servers = site.servers.iter().flat_map(|servers| servers.keys());
        if !servers.any(|server| server.names_same(old)) {
            continue;
        }
        let subnets = site.subnets.iter().flat_map(|subnets| subnets.keys());
        for subnet in subnets.filter(|subnet| subnet.prefix() == 32) {
            told.push(format!(
                "note: if `{subnet}` of `{}` is the address of `{old}`, `{new}` needs one of its own",
                site.name
            ));
        }
    }
    told
}

pub(super) fn say(context: &Context, text: &str) {
    note(&wrap(text, 2, context.style.width));
}

fn counted(files: usize) -> String {
    if files == 1 {
        "1 file".into()
    } else {
        format!("{files} files")
    }
}

/// Asks the SMP whether the new server can take over.
async fn ready(
    context: &Context,
    home: &Home,
    args: &ReplaceServerArgs,
    replaced: &Replaced,
) -> Result<(), Failure> {
    let told = "pass --unchecked if you know that it is ready";
    if home.workspace.is_none() && context.global.platform.is_none() {
        return Err(Failure::new(
            "SW0927",
            format!(
                "whether `{}` holds the packages could not be checked: no platform is chosen",
                args.new
            ),
        )
        .hint(Some(format!("pass --platform; or {told}"))));
    }
    let session = Session::open(context, home)?;
    let mut scope = Scope::of(&replaced.before, session.server.clone());
    scope.everything = true;
    scope.servers.extend([args.old.clone(), args.new.clone()]);
    let snapshot = observe(&session.reader()?, &scope).await?;
    let lacking = lacking(&replaced.before, &snapshot, &args.old, &args.new);
    if lacking.is_empty() {
        return Ok(());
    }
    Err(
        Failure::new("SW0925", lacking.join("; ")).hint(Some(format!(
            "nothing was written: apply the first change and wait for replication; or {told}"
        ))),
    )
}

/// The change of one file as `diff -u` shows it.
pub(super) fn diff(source: &Source, after: Option<&str>, colour: bool) -> String {
    let name = source.name.as_ref();
    let to = if after.is_some() { name } else { "/dev/null" };
    let diff = TextDiff::from_lines(source.text.as_ref(), after.unwrap_or_default());
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header(name, to)
        .to_string();
    // Line ends of Windows are no part of what changes, and would be seen as one.
    let text = text.replace("\r\n", "\n");
    if !colour {
        return text;
    }
    let mut coloured = String::new();
    for line in text.lines() {
        let colour = match line.as_bytes().first() {
            Some(b'+') => Some(anstyle::AnsiColor::Green.into()),
            Some(b'-') => Some(anstyle::AnsiColor::Red.into()),
            _ => None,
        };
        let style = anstyle::Style::new().fg_color(colour);
        let _ = writeln!(coloured, "{style}{line}{style:#}");
    }
    coloured
}
