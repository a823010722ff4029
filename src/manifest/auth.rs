//! `auth` of a platform: how to sign in, and where the secrets for it are kept.
//!
//! Pure. No secret is ever in the file, so what stands where a secret might have been written is not shown in faults.
//! Each way to sign in has its fields: one that is missing, and one that it could not use, are both faults.

use std::path::PathBuf;

use schemars::JsonSchema;

use super::Diagnostic;
use super::decode::{At, Faults, Fields, Written, boolean, listed, nearest, one, short, text};
use super::location::PathText;
use super::secret::{self, SecretFrom, SecretSpec};
use super::tree::{Node, Span};

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// Basic authentication.
    Basic {
        /// The user.
        username: String,
        /// Where the password comes from.
        password_from: SecretFrom,
    },
    /// A token.
    Bearer {
        /// Where the token comes from.
        token_from: SecretFrom,
    },
    /// As Windows does.
    Windows(WindowsAccount),
}

/// An account of Windows, and how it signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowsAccount {
    /// By which way.
    pub method: WindowsMethod,
    /// `DOMAIN\user`, `user@REALM` or `user`.
    pub username: String,
    /// Where the password comes from; may be left out where there is a keytab.
    pub password_from: Option<SecretFrom>,
    /// A file with the account's Kerberos keys, relative to the workspace.
    pub keytab: Option<PathBuf>,
    /// The Kerberos realm.
    pub realm: Option<String>,
    /// The KDC, `tcp://HOST:PORT`.
    pub kdc: Option<String>,
    /// The service principal, `HTTP/HOST`.
    pub service_principal: Option<String>,
}

/// A way to sign in as Windows does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowsMethod {
    /// Kerberos where that is possible, else NTLM.
    Negotiate,
    /// NTLM.
    Ntlm,
    /// Kerberos.
    Kerberos,
}

/// A certificate that the client shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The file of the certificate, relative to the workspace.
    pub certificate: PathBuf,
    /// Where its private key comes from.
    pub key_from: SecretFrom,
}

/// What `auth` says, wholly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) auth: Auth,
    pub(super) client_certificate: Option<ClientCertificate>,
    pub(super) allow_insecure: bool,
}

/// How to sign in, and where the secrets for it are kept.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the schema is derived from it")]
struct AuthSchema {
    /// The way to sign in; left out, `negotiate`.
    method: Option<Method>,
    /// The user: `DOMAIN\user`, `user@REALM` or `user`. For every method but `bearer` and `none`.
    username: Option<PathText>,
    /// Where the password comes from.
    password_from: Option<SecretSpec>,
    /// Where the token comes from, for `bearer`.
    token_from: Option<SecretSpec>,
    /// A file with the account's Kerberos keys, relative to this file, for `kerberos` and `negotiate`.
    keytab: Option<PathText>,
    /// The Kerberos realm of the account; left out, from `username`.
    realm: Option<PathText>,
    /// The key distribution centre, `tcp://HOST:PORT`; left out, from `krb5.conf`.
    kdc: Option<Kdc>,
    /// The service principal of the SMP; left out, `HTTP/` and the host of `url`.
    service_principal: Option<Principal>,
    /// A certificate that the client shows, beside any method.
    client_certificate: Option<CertificateSchema>,
    /// Whether the sign-in may travel over plain HTTP; left out, it may not.
    allow_insecure: Option<bool>,
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "camelCase")]
enum Method {
    /// Kerberos where a realm, a KDC and a password or keytab are known, else NTLM.
    Negotiate,
    /// NTLM.
    Ntlm,
    /// Kerberos.
    Kerberos,
    /// Basic authentication.
    Basic,
    /// A bearer token.
    Bearer,
    /// Not at all.
    None,
}

impl Method {
    const ALL: [(&'static str, Self); 6] = [
        ("negotiate", Self::Negotiate),
        ("ntlm", Self::Ntlm),
        ("kerberos", Self::Kerberos),
        ("basic", Self::Basic),
        ("bearer", Self::Bearer),
        ("none", Self::None),
    ];

    fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, method)| *method == self)
            .map_or("", |(name, _)| name)
    }

    /// The fields that it can use, beside those of every method.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Negotiate | Self::Kerberos => &[
                "username",
                "passwordFrom",
                "keytab",
                "realm",
                "kdc",
                "servicePrincipal",
            ],
            Self::Ntlm | Self::Basic => &["username", "passwordFrom"],
            Self::Bearer => &["tokenFrom"],
            Self::None => &[],
        }
    }

    /// The fields that it cannot do without.
    fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Negotiate | Self::Kerberos => &["username"],
            Self::Ntlm | Self::Basic => &["username", "passwordFrom"],
            Self::Bearer => &["tokenFrom"],
            Self::None => &[],
        }
    }
}

/// A certificate that the client shows, and its private key: exactly one of `key` and `keyFrom`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["key"]}, {"required": ["keyFrom"]}]))]
#[expect(dead_code, reason = "the schema is derived from it")]
struct CertificateSchema {
    /// A file (PEM) with the certificate and those of the authorities below the root, relative to this file.
    certificate: PathText,
    /// A file (PEM) with the private key, relative to this file.
    key: Option<PathText>,
    /// Where the private key (PEM) comes from.
    key_from: Option<SecretSpec>,
}

/// What `auth` of a platform says.
#[derive(Debug, Clone)]
pub(super) struct AuthSpec {
    pub(super) resolved: Resolved,
    /// Where it stands.
    pub(super) span: Span,
}

impl JsonSchema for AuthSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Auth".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        AuthSchema::json_schema(generator)
    }
}

/// The address of a KDC.
#[derive(Debug, Clone)]
struct Kdc(String);

impl JsonSchema for Kdc {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Kdc".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(tcp://)?[^/@]+$" })
    }
}
impl Written for Kdc {
    const EXPECTED: &'static str = "the address of a KDC";
    const CODE: &'static str = "SW0210";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("tcp://{text}")
        };
        let right = url::Url::parse(&whole).is_ok_and(|url| {
            url.scheme() == "tcp"
                && url.host_str().is_some_and(|host| !host.is_empty())
                && url.username().is_empty()
                && matches!(url.path(), "" | "/")
        });
        if right {
            Ok(Self(whole.trim_end_matches('/').to_owned()))
        } else {
            Err((
                format!("expected `tcp://HOST:PORT`, found `{}`", short(text)),
                None,
            ))
        }
    }
}

/// A service principal.
#[derive(Debug, Clone)]
struct Principal(String);

impl JsonSchema for Principal {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Principal".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[^/@]+/[^/@]+$" })
    }
}
impl Written for Principal {
    const EXPECTED: &'static str = "a service principal";
    const CODE: &'static str = "SW0211";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        match text.split_once('/') {
            Some((service, host))
                if !service.is_empty() && !host.is_empty() && !host.contains(['/', '@']) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err((
                format!(
                    "expected a service principal such as `HTTP/smp01.corp.example`, found `{}`",
                    short(text)
                ),
                None,
            )),
        }
    }
}

/// Reads `auth`.
///
/// Where a secret is written into it, that is the only fault told: others would show their lines, and it with them.
pub(super) fn read(node: &Node<'_>, faults: &mut Faults) -> Option<AuthSpec> {
    let told = faults.list.len();
    let read = read_fields(node, faults);
    let is_secret = |fault: &Diagnostic| fault.labels.iter().any(|label| label.secret);
    if faults.list.iter().skip(told).any(is_secret) {
        let mut index = 0;
        faults.list.retain(|fault| {
            index += 1;
            index <= told || is_secret(fault)
        });
    }
    read
}

fn read_fields(node: &Node<'_>, faults: &mut Faults) -> Option<AuthSpec> {
    let mut fields = Fields::of(node, "`auth`", faults)?;
    forbid_secrets(&mut fields, faults);
    let method = match fields.take("method") {
        None => Some(Method::Negotiate),
        Some(node) => read_method(node, faults),
    };
    let mut found: Vec<(&'static str, &(Node<'_>, Node<'_>))> = Vec::new();
    for name in [
        "username",
        "passwordFrom",
        "tokenFrom",
        "keytab",
        "realm",
        "kdc",
        "servicePrincipal",
    ] {
        found.extend(fields.entry(name).map(|entry| (name, entry)));
    }
    let value = |name: &str| {
        found
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, (_, value))| value)
    };
    let username: Option<At<PathText>> = value("username").and_then(|node| one(node, faults));
    let password_from =
        value("passwordFrom").and_then(|node| secret::read(node, "`passwordFrom`", faults));
    let token_from = value("tokenFrom").and_then(|node| secret::read(node, "`tokenFrom`", faults));
    let keytab: Option<At<PathText>> = value("keytab").and_then(|node| one(node, faults));
    let realm: Option<At<PathText>> = value("realm").and_then(|node| one(node, faults));
    let kdc: Option<At<Kdc>> = value("kdc").and_then(|node| one(node, faults));
    let principal: Option<At<Principal>> =
        value("servicePrincipal").and_then(|node| one(node, faults));
    let client_certificate = fields
        .take("clientCertificate")
        .and_then(|node| read_certificate(node, faults));
    let insecure = fields
        .take("allowInsecure")
        .and_then(|node| boolean(node, faults));
    if let Some(method) = method {
        fit(method, &mut fields, &found, node.span, faults);
        if method == Method::Basic
            && let Some(username) = username.as_ref().filter(|name| name.value.0.contains(':'))
        {
            faults.tell(
                "SW0206",
                username.span,
                "expected a user name without `:`, which Basic authentication cannot carry",
            );
        }
    }
    fields.finish("`auth`", faults);
    let name = |text: Option<At<PathText>>| text.map(|text| text.value.0);
    let windows = |method, username, password_from| {
        Auth::Windows(WindowsAccount {
            method,
            username,
            password_from,
            keytab: name(keytab).map(PathBuf::from),
            realm: name(realm),
            kdc: kdc.map(|kdc| kdc.value.0),
            service_principal: principal.map(|principal| principal.value.0),
        })
    };
    let username = username.map(|name| name.value.0);
    let auth = match method? {
        Method::None => Auth::None,
        Method::Basic => Auth::Basic {
            username: username?,
            password_from: password_from?,
        },
        Method::Bearer => Auth::Bearer {
            token_from: token_from?,
        },
        Method::Negotiate => windows(WindowsMethod::Negotiate, username?, password_from),
        Method::Ntlm => windows(WindowsMethod::Ntlm, username?, password_from),
        Method::Kerberos => windows(WindowsMethod::Kerberos, username?, password_from),
    };
    Some(AuthSpec {
        resolved: Resolved {
            auth,
            client_certificate,
            allow_insecure: insecure.is_some_and(|insecure| insecure.value),
        },
        span: node.span,
    })
}

/// Says where a secret itself is written.
fn forbid_secrets(fields: &mut Fields<'_, '_>, faults: &mut Faults) {
    for (name, right) in [
        ("password", "passwordFrom"),
        ("token", "tokenFrom"),
        ("secret", "passwordFrom"),
        ("key", "clientCertificate"),
    ] {
        if let Some((_, value)) = fields.stray(name) {
            let fault = faults
                .make(
                    "SW0207",
                    value.span,
                    format!("expected `{right}`, found a `{name}`"),
                )
                .hint("a workspace holds no secret, only where to get it")
                .secret();
            faults.push(fault);
        }
    }
}

fn read_method(node: &Node<'_>, faults: &mut Faults) -> Option<Method> {
    let known = Method::ALL.map(|(name, _)| name);
    let found = text(node, "a way to sign in", faults)?;
    if let Some((_, method)) = Method::ALL.iter().find(|(name, _)| *name == found) {
        return Some(*method);
    }
    let mut fault = faults.make(
        "SW0206",
        node.span,
        format!(
            "expected one of {}, found `{}`",
            listed(&known),
            short(found)
        ),
    );
    fault.hint = nearest(found, &known).map(|right| format!("did you mean `{right}`?"));
    faults.push(fault);
    None
}

/// Holds the fields that are written against those that the method needs and can use.
fn fit(
    method: Method,
    fields: &mut Fields<'_, '_>,
    found: &[(&'static str, &(Node<'_>, Node<'_>))],
    span: Span,
    faults: &mut Faults,
) {
    let what = format!("`auth` with method `{}`", method.name());
    let has = |name: &str| found.iter().any(|(found, _)| *found == name);
    for name in method.needs() {
        if !has(name) {
            fields.need(name, &what, faults);
        }
    }
    for (name, (key, _)) in found {
        if !method.fields().contains(name) {
            faults.tell(
                "SW0206",
                key.span,
                format!("expected no `{name}` in {what}, found one"),
            );
        }
    }
    match (method, has("passwordFrom"), has("keytab")) {
        (Method::Kerberos, true, true) => faults.tell(
            "SW0206",
            span,
            format!("expected one of `passwordFrom` and `keytab` in {what}, found both"),
        ),
        (Method::Kerberos | Method::Negotiate, false, false) => faults.tell(
            "SW0123",
            span,
            format!("expected field `passwordFrom` or `keytab` in {what}, found none"),
        ),
        _ => {}
    }
}

fn read_certificate(node: &Node<'_>, faults: &mut Faults) -> Option<ClientCertificate> {
    let what = "`clientCertificate`";
    let mut fields = Fields::of(node, what, faults)?;
    let certificate = fields.need("certificate", what, faults);
    let certificate: Option<At<PathText>> = certificate.and_then(|node| one(node, faults));
    let key = fields.take("key");
    let from = fields.take("keyFrom");
    let key_from = match (key, from) {
        (Some(key), None) => {
            one::<PathText>(key, faults).map(|path| SecretFrom::File(path.value.0.into()))
        }
        (None, Some(from)) => secret::read(from, "`keyFrom`", faults),
        (None, None) | (Some(_), Some(_)) => {
            let count = if key.is_some() { "both" } else { "none" };
            faults.tell(
                "SW0207",
                node.span,
                format!("expected one of `key` and `keyFrom` in {what}, found {count}"),
            );
            None
        }
    };
    fields.finish(what, faults);
    Some(ClientCertificate {
        certificate: certificate?.value.0.into(),
        key_from: key_from?,
    })
}
