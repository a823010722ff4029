//! Webhooks that are told of drift.
//!
//! I/O: HTTPS. The address is a secret and is in no message. That one cannot be reached is a warning, never an error: the
//! drift is there all the same.

#![expect(clippy::disallowed_methods, reason = "talks to webhooks")]

use std::path::Path;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use crate::cli::error::Failure;
use crate::cli::secret;
use crate::cli::session::Home;
use crate::drift::Drift;
use crate::manifest::{Payload, SecretFrom};
use crate::render::drift::{About, notice};
use crate::smp::tls_settings;

/// How long a webhook may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The webhooks of the command line, else of the workspace.
pub(super) fn webhooks(
    named: &[String],
    payload: Payload,
    home: &Home,
) -> Result<Vec<(SecretString, Payload)>, Failure> {
    let fetched = |from: &SecretFrom| secret::fetch(from, "urlFrom", &home.folder);
    if named.is_empty() {
        let declared = home
            .workspace
            .iter()
            .flat_map(|workspace| &workspace.notify);
        return declared
            .map(|webhook| Ok((fetched(&webhook.url_from)?, webhook.payload)))
            .collect();
    }
    named
        .iter()
        .map(|text| {
            let url = if let Some(variable) = text.strip_prefix("env:") {
                fetched(&SecretFrom::Env(variable.to_owned()))?
            } else if let Some(file) = text.strip_prefix("file:") {
                secret::fetch(&SecretFrom::File(file.into()), "urlFrom", Path::new("."))?
            } else {
                SecretString::from(text.clone())
            };
            Ok((url, payload))
        })
        .collect()
}

/// Tells every webhook; gives what went wrong, a warning each.
pub(super) async fn tell(
    webhooks: &[(SecretString, Payload)],
    drift: &Drift,
    about: &About<'_>,
) -> Vec<Failure> {
    let mut failed = Vec::new();
    for (number, (url, payload)) in webhooks.iter().enumerate() {
        if let Err(why) = send(url, notice(drift, about, *payload)).await {
            failed.push(
                Failure::new(
                    "SW0968",
                    format!(
                        "webhook {} of {} ({}) was not told: {why}",
                        number + 1,
                        webhooks.len(),
                        payload.as_str()
                    ),
                )
                .hint(Some(
                    "the exit code says what was found all the same".into(),
                )),
            );
        }
    }
    failed
}

async fn send(url: &SecretString, body: String) -> Result<(), String> {
    let url = Url::parse(url.expose_secret()).map_err(|_| "its address is no URL".to_owned())?;
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    };
    if url.scheme() != "https" && !loopback {
        return Err("expected an https address, since it is a secret".to_owned());
    }
    let settings = tls_settings("the webhook", None).map_err(|error| error.to_string())?;
    let mut client = reqwest::Client::builder()
        .user_agent(concat!("sitewright/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .tls_backend_preconfigured(settings)
        .timeout(PATIENCE);
    if loopback {
        client = client.no_proxy();
    }
    // An error of the client would tell the address.
    let told = |error: reqwest::Error| {
        if error.is_timeout() {
            format!("no answer within {} seconds", PATIENCE.as_secs())
        } else if error.is_connect() {
            "it cannot be reached".to_owned()
        } else {
            "the request failed".to_owned()
        }
    };
    let client = client.build().map_err(told)?;
    let answer = client
        .post(url)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)
        .send()
        .await
        .map_err(told)?;
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(format!("it answered {}", answer.status().as_u16()))
    }
}
