//! Secrets, from where the workspace says that they are kept.
//!
//! I/O: the environment, files, programs, the credential store. A secret is in no message, and its text is zeroed once
//! it has been taken in.

#![expect(clippy::disallowed_methods, reason = "fetches secrets from outside")]

use std::path::Path;

use secrecy::SecretString;
use zeroize::{Zeroize as _, Zeroizing};

use super::error::Failure;
use crate::manifest::SecretFrom;

/// Fetches a secret of one line; `field` is what the workspace calls its place.
pub(super) fn fetch(
    from: &SecretFrom,
    field: &'static str,
    folder: &Path,
) -> Result<SecretString, Failure> {
    let text = text(from, field, folder)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(
            Failure::new("SW0253", format!("what `{field}` names holds nothing"))
                .hint(Some(format!("change `{field}`, or what it names"))),
        );
    }
    Ok(SecretString::from(line.to_owned()))
}

/// Fetches a secret of many lines, such as a private key.
pub(super) fn fetch_whole(
    from: &SecretFrom,
    field: &'static str,
    folder: &Path,
) -> Result<SecretString, Failure> {
    let text = text(from, field, folder)?;
    Ok(SecretString::from(text.as_str().to_owned()))
}

fn text(
    from: &SecretFrom,
    field: &'static str,
    folder: &Path,
) -> Result<Zeroizing<String>, Failure> {
    match from {
        SecretFrom::Env(variable) => std::env::var(variable).map(Zeroizing::new).map_err(|_| {
            Failure::new(
                "SW0253",
                format!(
                    "the environment variable `{variable}` holds no {}",
                    what(field)
                ),
            )
            .hint(Some(format!("set it, or change `{field}`")))
        }),
        SecretFrom::File(file) => {
            let bytes = std::fs::read(folder.join(file)).map_err(|error| {
                Failure::io(
                    format!("cannot read the {} file `{}`", what(field), file.display()),
                    &error,
                )
            })?;
            utf8(bytes)
                .ok_or_else(|| Failure::new("SW0253", format!("`{}` is not UTF-8", file.display())))
        }
        SecretFrom::Command(words) => command(words, field, folder),
        SecretFrom::Keyring { service, account } => keyring(service, account),
    }
}

/// What a secret is called in messages.
fn what(field: &str) -> &'static str {
    match field {
        "tokenFrom" => "token",
        "urlFrom" => "address of a webhook",
        "key" => "private key",
        "accessKeyFrom" => "access key",
        "secretKeyFrom" => "secret key",
        "sessionTokenFrom" => "session token",
        _ => "password",
    }
}

/// Text of bytes; bytes that are none are zeroed like others.
fn utf8(bytes: Vec<u8>) -> Option<Zeroizing<String>> {
    match String::from_utf8(bytes) {
        Ok(text) => Some(Zeroizing::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    }
}

fn command(
    words: &[String],
    field: &'static str,
    folder: &Path,
) -> Result<Zeroizing<String>, Failure> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Failure::new(
            "SW0253",
            format!("`command` of `{field}` is empty"),
        ));
    };
    let mut output = std::process::Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| Failure::io(format!("cannot run `{program}`"), &error))?;
    if !output.status.success() {
        output.stdout.zeroize();
        return Err(Failure::new(
            "SW0253",
            format!("`{program}` gave no {}: {}", what(field), output.status),
        ));
    }
    utf8(output.stdout).ok_or_else(|| {
        Failure::new(
            "SW0253",
            format!("expected text from `{program}`, found bytes that are not UTF-8"),
        )
    })
}

#[cfg(feature = "keyring")]
fn keyring(service: &str, account: &str) -> Result<Zeroizing<String>, Failure> {
    keyring::Entry::new(service, account)
        .and_then(|entry| entry.get_password())
        .map(Zeroizing::new)
        .map_err(|error| {
            // Some errors of the store hold what they could not understand.
            let why = match error {
                keyring::Error::NoEntry => "it has no such entry",
                keyring::Error::NoStorageAccess(_) => "it is locked",
                keyring::Error::NoDefaultStore => "there is none here",
                _ => "it could not be read",
            };
            Failure::new(
                "SW0253",
                format!(
                    "the credential store gave no secret for `{account}` of `{service}`: {why}"
                ),
            )
        })
}

#[cfg(not(feature = "keyring"))]
fn keyring(service: &str, account: &str) -> Result<Zeroizing<String>, Failure> {
    Err(Failure::new(
        "SW0253",
        format!(
            "cannot ask the credential store for `{account}` of `{service}`: this program is built without it"
        ),
    )
    .hint(Some(
        "build it with `--features keyring`, or use `env`, `file` or `command`".into(),
    )))
}
