//! The options that say who may call a simulator, and over what.
//!
//! I/O: reads certificates, and writes that of an authority made for the occasion.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{SimError, file_error};
use crate::server::{Access, Authority, Tls};
use crate::sign_in::{Demand, Scheme};

/// Who may call.
#[derive(Debug, Clone, Args)]
pub(super) struct AccessArgs {
    /// Ask for a sign-in by one of these, offered in this order
    #[arg(long, value_name = "METHOD", value_delimiter = ',', value_enum)]
    auth: Vec<Method>,
    /// Who may sign in, such as `CORP\svc` or `svc`
    #[arg(long, id = "sim-user", value_name = "USER", requires = "auth")]
    user: Option<String>,
    /// The password
    #[arg(
        long,
        id = "sim-password",
        value_name = "PASSWORD",
        env = "SITEWRIGHT_SIM_PASSWORD",
        hide_env_values = true
    )]
    password: Option<String>,
    /// The token of `bearer`
    #[arg(
        long,
        id = "sim-token",
        value_name = "TOKEN",
        env = "SITEWRIGHT_SIM_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// The same as --auth basic --user USER --password PASSWORD
    #[arg(long, value_name = "USER:PASSWORD", conflicts_with_all = ["auth", "sim-user"])]
    basic: Option<String>,
    /// Whether NTLM must be bound to the TLS connection
    #[arg(long, value_name = "HOW", value_enum, default_value = "accept")]
    channel_binding: Extent,
    /// Whether NTLM must carry an integrity code; curl sends none
    #[arg(long, value_name = "HOW", value_enum, default_value = "required")]
    mic: Extent,
    /// Listen with TLS, by certificates made for 127.0.0.1 and localhost
    #[arg(long)]
    tls: bool,
    /// Where to write the CA that was made, in PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls",
        conflicts_with = "tls_cert"
    )]
    ca_out: Option<PathBuf>,
    /// A certificate to show instead, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Ask for a client certificate of this CA, in PEM
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
}

/// A way to sign in, as the command line names it. The values are not described one by one, or the help would be long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    None,
    Negotiate,
    Ntlm,
    Basic,
    Bearer,
}

impl Method {
    fn scheme(self) -> Option<Scheme> {
        match self {
            Method::None => None,
            Method::Negotiate => Some(Scheme::Negotiate),
            Method::Ntlm => Some(Scheme::Ntlm),
            Method::Basic => Some(Scheme::Basic),
            Method::Bearer => Some(Scheme::Bearer),
        }
    }
}

/// A demand, as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Extent {
    Accept,
    Required,
}

impl Extent {
    fn demand(self) -> Demand {
        match self {
            Extent::Accept => Demand::Accept,
            Extent::Required => Demand::Require,
        }
    }
}

impl AccessArgs {
    /// Reads and makes what is needed.
    pub(super) fn access(&self) -> Result<Access, SimError> {
        let argument = |expected, found: &str| SimError::Argument {
            expected,
            found: found.to_owned(),
        };
        let tls = self.tls()?;
        if self.channel_binding == Extent::Required && tls.is_none() {
            let expected = "--tls with --channel-binding required";
            return Err(argument(expected, "plain HTTP"));
        }
        if let Some(text) = &self.basic {
            let (user, password) = text
                .split_once(':')
                .ok_or_else(|| argument("USER:PASSWORD", "no colon"))?;
            let access = Access::by(&[Scheme::Basic]).with_account(user, password);
            return Ok(Access { tls, ..access });
        }
        let schemes: Vec<Scheme> = self.auth.iter().filter_map(|one| one.scheme()).collect();
        if schemes.len() != self.auth.len() && self.auth.len() > 1 {
            return Err(argument("`none` by itself", "others beside it"));
        }
        let mut access = Access::by(&schemes)
            .with_channel_binding(self.channel_binding.demand())
            .with_mic(self.mic.demand());
        if schemes.iter().any(|one| *one != Scheme::Bearer) {
            let user = self.user.as_deref();
            let user = user.ok_or_else(|| argument("--user for this --auth", "none"))?;
            let password = self.password.as_deref().ok_or_else(|| {
                let expected = "--password or SITEWRIGHT_SIM_PASSWORD for this --auth";
                argument(expected, "none")
            })?;
            access = access.with_account(user, password);
        }
        if schemes.contains(&Scheme::Bearer) {
            let token = self.token.as_deref().ok_or_else(|| {
                let expected = "--token or SITEWRIGHT_SIM_TOKEN for --auth bearer";
                argument(expected, "none")
            })?;
            access = access.with_token(token);
        }
        Ok(Access { tls, ..access })
    }

    fn tls(&self) -> Result<Option<Tls>, SimError> {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Tls::from_pem(&read(certificate)?, &read(key)?)?,
            _ if self.tls => {
                let authority = Authority::new()?;
                if let Some(path) = &self.ca_out {
                    std::fs::write(path, authority.pem())
                        .map_err(|source| file_error(path, source))?;
                }
                authority.server(&["localhost", "127.0.0.1"])?
            }
            _ if self.client_ca.is_some() => {
                return Err(SimError::Argument {
                    expected: "--tls with --client-ca",
                    found: "plain HTTP".to_owned(),
                });
            }
            _ => return Ok(None),
        };
        Ok(Some(match &self.client_ca {
            None => tls,
            Some(path) => tls.with_client_authority(&read(path)?)?,
        }))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SimError> {
    std::fs::read(path).map_err(|source| file_error(path, source))
}
