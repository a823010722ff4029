//! How a platform is reached and signed in to, as the workspace says.
//!
//! I/O: fetches the secrets.

#![expect(clippy::disallowed_methods, reason = "reads what signs in")]

use std::num::NonZeroU32;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::error::Failure;
use super::session::Home;
use super::{Context, random_seed, secret};
use crate::manifest::{
    self, Auth as DeclaredAuth, ClientCertificate, PlatformEntry, SecretFrom, WindowsAccount,
};
use crate::smp::{self, Auth, Connection, WindowsAuth, WindowsMethod};
use crate::watch::Proof;

pub(super) fn connection(
    context: &Context,
    home: &Home,
    entry: Option<&PlatformEntry>,
    address: &str,
) -> Result<Connection, Failure> {
    let url = Url::parse(address).map_err(|error| {
        Failure::new("SW0252", format!("`{address}` is no URL: {error}"))
            .hint(Some("write it like https://smp.corp.example".into()))
    })?;
    let mut connection = Connection::new(url, context.run.clone());
    connection.seed = random_seed();
    if let Some(entry) = entry {
        if let Some(timeout) = entry.connect_timeout {
            connection.connect_timeout = timeout;
        }
        if let Some(timeout) = entry.answer_timeout {
            connection.answer_timeout = timeout;
        }
        if let Some(concurrency) = entry.concurrency.and_then(|c| usize::try_from(c).ok()) {
            connection.concurrency = concurrency;
        }
        connection.rate_limit = entry.rate_limit.and_then(NonZeroU32::new);
        connection.ca = entry.ca.as_ref().map(|ca| home.folder.join(ca));
        connection.allow_insecure = entry.allow_insecure;
        let secret =
            |from: &SecretFrom, field: &'static str| secret::fetch(from, field, &home.folder);
        connection.auth = match &entry.auth {
            DeclaredAuth::None => Auth::None,
            DeclaredAuth::Basic {
                username,
                password_from,
            } => Auth::Basic {
                username: username.clone(),
                password: secret(password_from, "passwordFrom")?,
            },
            DeclaredAuth::Bearer { token_from } => Auth::Bearer {
                token: secret(token_from, "tokenFrom")?,
            },
            DeclaredAuth::Windows(account) => {
                let password = account
                    .password_from
                    .as_ref()
                    .map(|from| secret(from, "passwordFrom"))
                    .transpose()?;
                Auth::Windows(windows(account, password, &home.folder))
            }
        };
        if let Some(ClientCertificate {
            certificate,
            key_from,
        }) = &entry.client_certificate
        {
            connection.client_certificate = Some(smp::ClientCertificate {
                certificate: home.folder.join(certificate),
                key: secret::fetch_whole(key_from, "key", &home.folder)?,
            });
        }
    }
    Ok(connection)
}

/// What a connection signs in with.
pub(super) fn proof(connection: &Connection) -> Proof {
    let mut parts = Vec::new();
    let mut add = |part: &[u8]| {
        parts.extend(part.len().to_be_bytes());
        parts.extend(part);
    };
    // What cannot be read signs nobody in, and whoever opens the connection is told.
    let file = |path: &Path| std::fs::read(path).unwrap_or_default();
    match &connection.auth {
        Auth::None => {}
        Auth::Basic { username, password } => {
            add(username.as_bytes());
            add(password.expose_secret().as_bytes());
        }
        Auth::Bearer { token } => add(token.expose_secret().as_bytes()),
        Auth::Windows(account) => {
            add(account.username.as_bytes());
            let password = account.password.as_ref();
            add(password
                .map_or("", |password| password.expose_secret())
                .as_bytes());
            add(&account.keytab.as_deref().map(file).unwrap_or_default());
        }
    }
    if let Some(shown) = &connection.client_certificate {
        add(&file(&shown.certificate));
        add(shown.key.expose_secret().as_bytes());
    }
    Proof::new(parts)
}

fn windows(account: &WindowsAccount, password: Option<SecretString>, folder: &Path) -> WindowsAuth {
    let WindowsAccount {
        method,
        username,
        password_from: _,
        keytab,
        realm,
        kdc,
        service_principal,
    } = account;
    WindowsAuth {
        method: match method {
            manifest::WindowsMethod::Negotiate => WindowsMethod::Negotiate,
            manifest::WindowsMethod::Ntlm => WindowsMethod::Ntlm,
            manifest::WindowsMethod::Kerberos => WindowsMethod::Kerberos,
        },
        username: username.clone(),
        password,
        keytab: keytab.as_ref().map(|keytab| folder.join(keytab)),
        realm: realm.clone(),
        // It was read as one.
        kdc: kdc.as_deref().and_then(|kdc| Url::parse(kdc).ok()),
        service_principal: service_principal.clone(),
    }
}
