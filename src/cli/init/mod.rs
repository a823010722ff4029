//! `sitewright init`: the files that work begins with, from flags or from answers at a terminal.
//!
//! No secret is asked for: the workspace says where one is kept. What is there already is named and left.

#![expect(
    clippy::disallowed_methods,
    reason = "asks at the terminal and looks what is there"
)]

mod ask;
mod texts;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::error::Failure;
use super::log::note;
use super::{Context, Exit, files, print, wrap};
use crate::manifest::{Source, Workspace};
use crate::render::argument;
use ask::{Answers, Asked, Given, Terminal, answers};

/// The workspace file.
const WORKSPACE: &str = "sitewright.yaml";
/// Manifests that are applied.
const SITES: &str = "sites.yaml";
/// Manifests that are to be looked at: not read under this name.
const EXAMPLE: &str = "sites.yaml.example";
const IGNORE: &str = ".gitignore";

/// Options of `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Writes sitewright.yaml, manifests to begin with, and a .gitignore that keeps
state, saved plans and secrets out of version control. On a terminal it asks for
what no option says; --yes takes what goes without saying, which without --url is
the built-in simulator. Passwords are never asked for: the workspace says where
they are kept. A file that is there is named and left: exit code 1.

Examples:
  sitewright init
  sitewright init --sim flat-lan
  sitewright init sites --url https://smp.corp.example \\
    --server SMP01.corp.example --username 'CORP\\svc-sitewright' \\
    --secret-from env:SMP_PASSWORD")]
pub(super) struct InitArgs {
    /// Where to write; the current folder if left out
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The SMP, https://…, or sim:SCENARIO
    #[arg(long, value_name = "URL", conflicts_with = "sim")]
    url: Option<String>,
    /// The built-in simulator with this scenario, instead of an SMP
    #[arg(long, value_name = "SCENARIO")]
    sim: Option<String>,
    /// What the platform is called in the workspace
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How to sign in
    #[arg(long, value_name = "METHOD")]
    auth: Option<Method>,
    /// The user, such as CORP\svc-sitewright
    #[arg(long, value_name = "USER")]
    username: Option<String>,
    /// Where the password or token is kept: `env:NAME` or `file:PATH`
    #[arg(long, value_name = "WHERE")]
    secret_from: Option<String>,
    /// A file of certificates that are trusted in addition
    #[arg(long, value_name = "FILE")]
    ca: Option<String>,
    /// Ask nothing
    #[arg(short, long)]
    yes: bool,
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Kerberos where it can, else NTLM
    Negotiate,
    Ntlm,
    Kerberos,
    Basic,
    Bearer,
    None,
}

impl Method {
    fn as_str(self) -> &'static str {
        match self {
            Self::Negotiate => "negotiate",
            Self::Ntlm => "ntlm",
            Self::Kerberos => "kerberos",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::None => "none",
        }
    }

    fn has_user(self) -> bool {
        !matches!(self, Self::Bearer | Self::None)
    }
}

pub(super) fn run(context: &Context, args: &InitArgs) -> Result<Exit, Failure> {
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    let workspace = folder.join(WORKSPACE);
    if workspace.symlink_metadata().is_ok() {
        return Err(
            Failure::new("SW0258", format!("`{}` exists already", shown(&workspace))).hint(Some(
                "edit it, or begin in another folder; nothing was written".into(),
            )),
        );
    }
    let given = Given {
        url: match (&args.url, &args.sim) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(scenario)) => Some(format!("sim:{scenario}")),
            (None, None) => context.global.platform.clone(),
        },
        server: context.global.server.clone(),
        name: args.name.clone(),
        auth: args.auth,
        username: args.username.clone(),
        secret_from: args.secret_from.clone(),
        ca: args.ca.clone(),
    };
    let mut terminal = Terminal;
    let ask: Asked<'_> = if args.yes || !std::io::stdin().is_terminal() {
        None
    } else {
        Some(&mut terminal)
    };
    if ask.is_none() && !args.yes && given.url.is_none() {
        return Err(Failure::usage(
            "there is no terminal to ask at, and no platform is named",
            "pass --url URL, or --sim flat-lan for the built-in simulator",
        ));
    }
    let answers = answers(given, ask)?;
    check(&answers)?;
    write(context, &folder, &answers)
}

/// Refuses answers that would give a workspace that is refused, before anything is written.
fn check(answers: &Answers) -> Result<(), Failure> {
    if let Some(scenario) = answers.url.strip_prefix("sim:") {
        sitewright_sim::Options::builtin(scenario)
            .map_err(|error| Failure::usage(error.to_string(), "pass one of them with --sim"))?;
    }
    match fault(answers) {
        None => Ok(()),
        Some((message, hint)) => Err(Failure::usage(
            message,
            hint.unwrap_or_else(|| "`sitewright init --help` has examples".into()),
        )),
    }
}

/// What is wrong with the workspace that answers would give, and what to do.
fn fault(answers: &Answers) -> Option<(String, Option<String>)> {
    let source = Source::new(WORKSPACE, &texts::workspace(answers));
    let found = Workspace::read(&source).err()?;
    let first = found.into_iter().next()?;
    Some((first.message, first.hint))
}

fn write(context: &Context, folder: &Path, answers: &Answers) -> Result<Exit, Failure> {
    let story = answers.scenario().and_then(texts::story);
    let (name, sites) = match &story {
        Some(text) => (SITES, text.clone()),
        None => (EXAMPLE, texts::example()),
    };
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::io(format!("cannot make `{}`", folder.display()), &error))?;
    let mut left = Vec::new();
    let mut made = Vec::new();
    for (name, text) in [
        (WORKSPACE, texts::workspace(answers)),
        (name, sites),
        (IGNORE, texts::IGNORED.to_owned()),
    ] {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() {
            if name == IGNORE && ignores_enough(&path) {
                continue;
            }
            left.push(shown(&path));
            continue;
        }
        files::write(&path, &text, false)?;
        made.push(shown(&path));
    }
    for path in made {
        note(&format!("wrote {path}"));
    }
    print(&next(context, folder, answers, story.is_some()));
    let Some(first) = left.first() else {
        return Ok(Exit::Done);
    };
    let also = left.get(1).map(|path| format!(", and so does `{path}`"));
    let hint = if left.iter().any(|path| path.ends_with(IGNORE)) {
        let lines: Vec<&str> = texts::patterns().collect();
        format!(
            "it was left as it is; see that version control ignores {}",
            lines.join(", ")
        )
    } else {
        "it was left as it is; what was missing has been written".into()
    };
    Err(Failure::new(
        "SW0258",
        format!("`{first}` exists already{}", also.unwrap_or_default()),
    )
    .hint(Some(hint)))
}

/// Whether a file of somebody else's ignores what has to be ignored.
fn ignores_enough(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    texts::patterns().all(|wanted| text.lines().any(|line| line.trim() == wanted))
}

/// What to type next.
fn next(context: &Context, folder: &Path, answers: &Answers, story: bool) -> String {
    let mut commands = Vec::new();
    if folder != Path::new(".") {
        commands.push((
            format!("cd {}", argument(&folder.display().to_string())),
            "",
        ));
    }
    if answers.scenario().is_some() {
        if !story {
            commands.push(("sitewright export --out sites".into(), "what is there"));
        }
        commands.push(("sitewright profile install-reports".into(), "once"));
        commands.push(("sitewright plan".into(), "what would change"));
        commands.push(("sitewright apply".into(), "change it"));
    } else {
        if let Some(variable) = answers.variable() {
            commands.push((format!("export {variable}=…"), "the secret"));
        }
        commands.push(("sitewright platform check".into(), "the way there"));
        commands.push(("sitewright profile discover".into(), "what this server is"));
        commands.push(("sitewright export --out sites".into(), "what is there"));
        commands.push(("sitewright plan".into(), "what would change"));
    }
    let widest = commands
        .iter()
        .map(|(command, _)| command.chars().count())
        .max();
    let mut out = String::from("Next:\n");
    for (command, why) in commands {
        let gap = widest.unwrap_or(0) - command.chars().count() + 2;
        let line = if why.is_empty() {
            format!("  {command}")
        } else {
            format!("  {command}{}# {why}", " ".repeat(gap))
        };
        out.push_str(&line);
        out.push('\n');
    }
    let more = if answers.scenario().is_some() {
        "docs/getting-started.md tells the whole story."
    } else {
        "docs/connect.md leads through it, step by step."
    };
    out.push_str(&wrap(more, 0, context.style.width));
    out
}

fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::ask::Ask;
    use super::*;

    /// Somebody at a terminal.
    struct Person {
        answers: Vec<&'static str>,
        asked: Vec<String>,
    }

    impl Ask for Person {
        fn line(
            &mut self,
            question: &str,
            default: Option<&str>,
            check: &dyn Fn(&str) -> Result<(), String>,
        ) -> Result<String, Failure> {
            self.asked
                .push(format!("{question} [{}]", default.unwrap_or_default()));
            loop {
                let answer = self.answers.remove(0);
                let answer = if answer.is_empty() {
                    default.unwrap_or_default()
                } else {
                    answer
                };
                match check(answer) {
                    Ok(()) => return Ok(answer.to_owned()),
                    Err(fault) => self.asked.push(fault),
                }
            }
        }

        fn choose(
            &mut self,
            question: &str,
            items: &[&str],
            default: usize,
        ) -> Result<usize, Failure> {
            self.asked.push(format!("{question} [{}]", items[default]));
            let answer = self.answers.remove(0);
            Ok(items
                .iter()
                .position(|item| item.starts_with(answer))
                .unwrap())
        }
    }

    fn asked(given: Given, told: &[&'static str]) -> (String, Vec<String>) {
        let mut person = Person {
            answers: told.to_vec(),
            asked: Vec::new(),
        };
        let answers = answers(given, Some(&mut person)).unwrap();
        check(&answers).unwrap();
        assert!(person.answers.is_empty(), "{:?}", person.answers);
        (texts::workspace(&answers), person.asked)
    }

    #[test]
    fn whoever_says_nothing_gets_the_simulator() {
        let (text, questions) = asked(Given::default(), &["", ""]);
        assert!(text.contains("url: sim:flat-lan"), "{text}");
        assert!(!text.contains("auth:"), "{text}");
        assert_eq!(
            questions,
            [
                "URL of the SMP, or sim:SCENARIO for the built-in simulator [sim:flat-lan]",
                "Name of the platform [hq]"
            ]
        );
    }

    #[test]
    fn a_server_is_asked_for_until_it_can_be_reached_by_what_was_said() {
        let (text, questions) = asked(
            Given::default(),
            &[
                "smp.corp.example",
                "https://smp.corp.example",
                "",
                "ntlm",
                "CORP\\svc",
                "",
                "",
            ],
        );
        assert!(
            questions[1].contains("SW0") || questions[1].contains("expected"),
            "{questions:#?}"
        );
        assert!(
            questions.iter().any(|q| q.ends_with("[smp.corp.example]")),
            "{questions:#?}"
        );
        assert!(
            !questions
                .iter()
                .any(|q| q.contains("assword [") && !q.contains("ariable"))
        );
        let read = Workspace::read(&Source::new(WORKSPACE, &text)).unwrap();
        assert_eq!(read.platforms[0].url, "https://smp.corp.example");
        assert!(text.contains("env: SMP_PASSWORD"), "{text}");
    }

    #[test]
    fn what_is_given_is_not_asked_for() {
        let given = Given {
            url: Some("https://smp".into()),
            server: Some("SMP01".into()),
            name: Some("lab".into()),
            auth: Some(Method::Bearer),
            secret_from: Some("file:token".into()),
            ..Given::default()
        };
        let (text, questions) = asked(given, &[]);
        assert!(questions.is_empty(), "{questions:#?}");
        assert!(text.contains("tokenFrom"), "{text}");
    }

    #[test]
    fn every_workspace_is_right_and_in_canonical_form() {
        for url in ["sim:flat-lan", "https://smp.corp.example"] {
            for &auth in Method::value_variants() {
                for secret in ["env:SMP_PASSWORD", "file:secret: {x}"] {
                    for ca in [None, Some("corp-ca.pem".to_owned())] {
                        let given = Given {
                            url: Some(url.into()),
                            auth: Some(auth),
                            username: auth.has_user().then(|| "CORP\\svc #1".into()),
                            secret_from: (auth != Method::None).then(|| secret.into()),
                            ca: ca.clone(),
                            ..Given::default()
                        };
                        let given = if url.starts_with("sim:") {
                            Given {
                                url: given.url,
                                ..Given::default()
                            }
                        } else {
                            given
                        };
                        let answers = answers(given, None).unwrap();
                        assert_eq!(fault(&answers), None);
                        let text = texts::workspace(&answers);
                        let source = Source::new(WORKSPACE, &text);
                        let tidied = crate::tidy::tidy(&source).unwrap();
                        assert_eq!((tidied.text, tidied.kept), (text, Vec::new()));
                    }
                }
            }
        }
    }

    #[test]
    fn the_examples_are_what_the_repository_has() {
        for text in [
            texts::story("flat-lan").unwrap(),
            texts::story("isolated-vlan").unwrap(),
        ] {
            let source = Source::new(SITES, &text);
            let read = crate::manifest::read(std::slice::from_ref(&source));
            assert_eq!(read.diagnostics, []);
            assert!(!text.contains("../"), "{text}");
            assert_eq!(crate::tidy::tidy(&source).unwrap().text, text);
        }
        assert_eq!(texts::story("empty"), None);
    }
}
