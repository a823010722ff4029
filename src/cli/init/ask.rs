//! What `init` has to know: given by options, else asked for, else what goes without saying.

use url::Url;

use super::{Method, fault};
use crate::cli::error::Failure;

/// What options say.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) url: Option<String>,
    pub(super) server: Option<String>,
    pub(super) name: Option<String>,
    pub(super) auth: Option<Method>,
    pub(super) username: Option<String>,
    pub(super) secret_from: Option<String>,
    pub(super) ca: Option<String>,
}

/// All that a workspace is made of.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub(super) name: String,
    pub(super) url: String,
    /// The SMP's own computer; none for the simulator, which says it.
    pub(super) server: Option<String>,
    pub(super) auth: Method,
    pub(super) username: Option<String>,
    pub(super) secret: Option<Secret>,
    pub(super) ca: Option<String>,
}

/// Where a password or token is kept.
#[derive(Debug, Clone)]
pub(super) enum Secret {
    Env(String),
    File(String),
}

impl Answers {
    /// The scenario of the simulator, where it is the platform.
    pub(super) fn scenario(&self) -> Option<&str> {
        self.url.strip_prefix("sim:")
    }

    /// The environment variable of the secret.
    pub(super) fn variable(&self) -> Option<&str> {
        match &self.secret {
            Some(Secret::Env(name)) => Some(name),
            Some(Secret::File(_)) | None => None,
        }
    }

    fn of_url(url: &str) -> Self {
        Self {
            name: "hq".into(),
            url: url.into(),
            server: (!url.starts_with("sim:")).then(|| "SMP01".into()),
            auth: Method::None,
            username: None,
            secret: None,
            ca: None,
        }
    }
}

/// Somebody who can be asked.
pub(super) trait Ask {
    /// Asks for a line until it passes.
    fn line(
        &mut self,
        question: &str,
        default: Option<&str>,
        check: &dyn Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure>;

    /// Asks which of several it is.
    fn choose(&mut self, question: &str, items: &[&str], default: usize) -> Result<usize, Failure>;
}

/// Whoever is asked; nobody where options have to say it all.
pub(super) type Asked<'a> = Option<&'a mut (dyn Ask + 'static)>;

/// Whoever sits at the terminal.
pub(super) struct Terminal;

impl Ask for Terminal {
    fn line(
        &mut self,
        question: &str,
        default: Option<&str>,
        check: &dyn Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        let mut input = dialoguer::Input::<String>::new().with_prompt(question);
        if let Some(default) = default {
            input = input.default(default.to_owned());
        }
        input
            .validate_with(|answer: &String| check(answer))
            .interact_text()
            .map_err(|error| unasked(&error))
    }

    fn choose(&mut self, question: &str, items: &[&str], default: usize) -> Result<usize, Failure> {
        dialoguer::Select::new()
            .with_prompt(question)
            .items(items)
            .default(default)
            .interact()
            .map_err(|error| unasked(&error))
    }
}

fn unasked(error: &dialoguer::Error) -> Failure {
    Failure::new("SW0002", format!("cannot ask: {error}")).hint(Some(
        "nothing was written; options say it without questions".into(),
    ))
}

/// Puts together what is given, what is answered, and what goes without saying.
pub(super) fn answers(given: Given, mut ask: Asked<'_>) -> Result<Answers, Failure> {
    let Given {
        url,
        server,
        name,
        auth,
        username,
        secret_from,
        ca,
    } = given;
    let url = match (url, ask.as_deref_mut()) {
        (Some(url), _) => url,
        (None, Some(ask)) => ask.line(
            "URL of the SMP, or sim:SCENARIO for the built-in simulator",
            Some("sim:flat-lan"),
            &|url| passes(&Answers::of_url(url)),
        )?,
        (None, None) => "sim:flat-lan".into(),
    };
    let mut answers = Answers::of_url(&url);
    if answers.scenario().is_some() {
        if let Some(option) = [
            auth.map(|_| "--auth"),
            username.as_ref().map(|_| "--username"),
            secret_from.as_ref().map(|_| "--secret-from"),
            ca.as_ref().map(|_| "--ca"),
        ]
        .into_iter()
        .flatten()
        .next()
        {
            return Err(Failure::usage(
                format!("`{option}` is given for the simulator, which asks for no sign-in"),
                "leave it out, or name an SMP with --url",
            ));
        }
        answers.server = server;
    } else {
        // A URL that is refused is told as such, not by what comes of it.
        if let Some((message, hint)) = fault(&answers) {
            return Err(Failure::usage(message, hint.unwrap_or_default()));
        }
        answers.server = Some(own_computer(&url, server, ask.as_deref_mut())?);
        answers.auth = method(auth, ask.as_deref_mut())?;
        answers.username = user(answers.auth, username, ask.as_deref_mut())?;
        answers.secret = secret(answers.auth, secret_from, ask.as_deref_mut())?;
        answers.ca = ca;
    }
    answers.name = match (name, ask) {
        (Some(name), _) => name,
        (None, Some(ask)) => ask.line("Name of the platform", Some("hq"), &|name| {
            passes(&Answers {
                name: name.to_owned(),
                ..Answers::of_url("sim:flat-lan")
            })
        })?,
        (None, None) => "hq".into(),
    };
    Ok(answers)
}

/// Whether a workspace of these answers is read.
fn passes(answers: &Answers) -> Result<(), String> {
    match fault(answers) {
        None => Ok(()),
        Some((message, None)) => Err(message),
        Some((message, Some(hint))) => Err(format!("{message}; {hint}")),
    }
}

fn own_computer(url: &str, given: Option<String>, ask: Asked<'_>) -> Result<String, Failure> {
    let host = Url::parse(url)
        .ok()
        .and_then(|url| Some(url.host_str()?.to_owned()));
    match (given, ask) {
        (Some(server), _) => Ok(server),
        (None, Some(ask)) => ask.line(
            "The SMP's own computer, as the console names it",
            host.as_deref(),
            &|server| {
                passes(&Answers {
                    server: Some(server.to_owned()),
                    ..Answers::of_url("https://smp")
                })
            },
        ),
        (None, None) => host.ok_or_else(|| missing("--server", "the SMP's own computer")),
    }
}

fn method(given: Option<Method>, ask: Asked<'_>) -> Result<Method, Failure> {
    match (given, ask) {
        (Some(method), _) => Ok(method),
        (None, Some(ask)) => {
            let items = [
                (
                    Method::Negotiate,
                    "negotiate: Kerberos where it can, else NTLM",
                ),
                (Method::Ntlm, "ntlm"),
                (Method::Kerberos, "kerberos"),
                (Method::Basic, "basic"),
                (Method::Bearer, "bearer: a token"),
                (Method::None, "none"),
            ];
            let chosen = ask.choose("How to sign in", &items.map(|(_, told)| told), 0)?;
            let chosen = items.get(chosen);
            Ok(chosen.map_or(Method::Negotiate, |(method, _)| *method))
        }
        (None, None) => Ok(Method::Negotiate),
    }
}

fn user(method: Method, given: Option<String>, ask: Asked<'_>) -> Result<Option<String>, Failure> {
    match (method.has_user(), given, ask) {
        (false, None, _) => Ok(None),
        (false, Some(_), _) => Err(needless("--username", method)),
        (true, Some(user), _) => Ok(Some(user)),
        (true, None, Some(ask)) => {
            let user = ask.line(r"User, such as CORP\svc-sitewright", None, &|user| {
                passes(&Answers {
                    auth: Method::Basic,
                    username: Some(user.to_owned()),
                    secret: Some(Secret::Env("SMP_PASSWORD".into())),
                    ..Answers::of_url("https://smp")
                })
            })?;
            Ok(Some(user))
        }
        (true, None, None) => Err(missing("--username", "the user that signs in")),
    }
}

fn secret(
    method: Method,
    given: Option<String>,
    ask: Asked<'_>,
) -> Result<Option<Secret>, Failure> {
    let (usual, what) = if method == Method::Bearer {
        ("SMP_TOKEN", "token")
    } else {
        ("SMP_PASSWORD", "password")
    };
    match (method, given, ask) {
        (Method::None, None, _) => Ok(None),
        (Method::None, Some(_), _) => Err(needless("--secret-from", method)),
        (_, Some(place), _) => match place.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Some(Secret::Env(name.into()))),
            Some(("file", path)) if !path.is_empty() => Ok(Some(Secret::File(path.into()))),
            // What was typed may be the secret itself: it is not shown.
            _ => Err(Failure::usage(
                "expected `env:NAME` or `file:PATH` after `--secret-from`, found something else",
                "a workspace holds no secret, only where to get one",
            )),
        },
        (_, None, Some(ask)) => {
            let question = format!("Environment variable that holds the {what}");
            let name = ask.line(&question, Some(usual), &|name| {
                let right = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if !name.is_empty() && name.chars().all(right) {
                    Ok(())
                } else {
                    Err("expected the name of a variable, never the secret itself".into())
                }
            })?;
            Ok(Some(Secret::Env(name)))
        }
        (_, None, None) => Ok(Some(Secret::Env(usual.into()))),
    }
}

fn missing(option: &str, what: &str) -> Failure {
    Failure::usage(
        format!("`{option}` is missing: {what}"),
        "pass it, or run `sitewright init` at a terminal, which asks",
    )
}

fn needless(option: &str, method: Method) -> Failure {
    Failure::usage(
        format!(
            "`{option}` is given, and `--auth {}` uses none",
            method.as_str()
        ),
        "leave it out, or choose another way to sign in",
    )
}
