//! The store of a platform's state, as the workspace says.
//!
//! I/O: fetches the secrets of a store on the network, reads its certificates.

#![expect(
    clippy::disallowed_methods,
    reason = "reads certificates and the environment"
)]

use std::path::Path;
use std::sync::Arc;

use super::error::Failure;
use super::session::Home;
use super::{Context, secret};
use crate::manifest::{PostgresStore, S3KeysFrom, S3Store, StateStore};
use crate::model::Name;
use crate::smp;
use crate::state::{S3Credentials, S3Options, Store};

/// Opens the store of a platform; `files` is the folder of the one that keeps files. `--state` names a folder, whatever
/// the workspace says.
pub(super) fn open(
    context: &Context,
    home: &Home,
    files: &Path,
    platform: &Name,
) -> Result<Store, Failure> {
    let declared = home.workspace.as_ref().map(|workspace| &workspace.state);
    match declared {
        Some(StateStore::S3(store)) if context.global.state.is_none() => {
            bucket(store, &home.folder, platform)
        }
        Some(StateStore::Postgres(declared)) if context.global.state.is_none() => {
            postgres(declared, home, platform)
        }
        _ => Ok(Store::file(files, platform.as_str())),
    }
}

#[cfg(feature = "s3")]
fn bucket(store: &S3Store, folder: &Path, platform: &Name) -> Result<Store, Failure> {
    let S3Store {
        bucket,
        prefix,
        region,
        endpoint,
        keys_from,
        ca,
        allow_insecure: _, // of addresses, which were judged by it
        lease,
    } = store;
    let credentials = match keys_from {
        Some(S3KeysFrom {
            access,
            secret: key,
            session,
        }) => S3Credentials::Keys {
            access: secret::fetch(access, "accessKeyFrom", folder)?,
            secret: secret::fetch(key, "secretKeyFrom", folder)?,
            session: session
                .as_ref()
                .map(|from| secret::fetch(from, "sessionTokenFrom", folder))
                .transpose()?,
        },
        None => S3Credentials::Machine(
            S3Credentials::VARIABLES
                .into_iter()
                .filter_map(|name| Some((name, std::env::var(name).ok()?.into())))
                .collect(),
        ),
    };
    let authorities = ca
        .as_ref()
        .map(|ca| {
            let path = folder.join(ca);
            std::fs::read(&path)
                .map_err(|error| Failure::io(format!("cannot read `{}`", path.display()), &error))
        })
        .transpose()?;
    // It was read as one.
    let endpoint = endpoint
        .as_deref()
        .and_then(|url| url::Url::parse(url).ok());
    let options = S3Options {
        bucket: bucket.clone(),
        prefix: prefix.clone(),
        region: region.clone(),
        allow_http: endpoint.as_ref().is_some_and(|url| url.scheme() == "http"),
        endpoint,
        credentials,
        authorities,
        lease: *lease,
    };
    Store::s3(&options, platform.as_str())
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))
}

#[cfg(not(feature = "s3"))]
fn bucket(_: &S3Store, _: &Path, _: &Name) -> Result<Store, Failure> {
    Err(Failure::new(
        "SW0754",
        "cannot keep state in a bucket: this program is built without it",
    )
    .hint(Some(
        "build it with `--features s3`, or keep the state elsewhere".into(),
    )))
}

#[cfg(feature = "postgres")]
fn postgres(declared: &PostgresStore, home: &Home, name: &Name) -> Result<Store, Failure> {
    let tls = declared.is_tls();
    let PostgresStore {
        host,
        port,
        user,
        database,
        password_from,
        ca,
        schema,
        allow_insecure: _, // said by `is_tls`
        lease,
    } = declared;
    let ca = ca.as_ref().map(|ca| home.folder.join(ca));
    let settings = tls
        .then(|| smp::tls_settings(host, ca.as_deref()))
        .transpose()
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let password = password_from
        .as_ref()
        .map(|from| secret::fetch(from, "passwordFrom", &home.folder))
        .transpose()?;
    let database = crate::state::Postgres {
        host: host.clone(),
        port: *port,
        user: user.clone(),
        database: database.clone(),
        password,
        tls: settings.map(Arc::new),
        schema: schema.clone(),
        lease: *lease,
    };
    Ok(Store::postgres(&database, name.as_str()))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &PostgresStore, _: &Home, _: &Name) -> Result<Store, Failure> {
    Err(Failure::new(
        "SW0743",
        "cannot keep state in a PostgreSQL database: this program is built without it",
    )
    .hint(Some(
        "build it with `--features postgres`, or keep state in files".into(),
    )))
}
