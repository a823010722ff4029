//! A realm of its own around a simulator: MIT's KDC, and Apache httpd that asks for a sign-in by Kerberos or NTLM.
//!
//! `tests/outside/realm` sets it up; what it lacks on this machine is told once, and the tests are skipped, but not where
//! `CI` is `true`.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::programs::{first_line, python, run};

/// All that a client needs, as `python3 -m realm up` prints it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Realm {
    /// Takes Kerberos only.
    pub(crate) kerberos_url: String,
    /// Takes Kerberos only, and wants it with every request.
    pub(crate) each_request_url: String,
    /// Takes Kerberos, and NTLM bare or in SPNEGO.
    pub(crate) negotiate_url: String,
    /// The same with TLS.
    pub(crate) tls_url: String,
    /// Whom to trust there, in PEM.
    pub(crate) ca: PathBuf,
    /// Such as `CORP.EXAMPLE`.
    #[serde(rename = "realm")]
    pub(crate) name: String,
    /// Host and port of the KDC; TCP.
    pub(crate) kdc: String,
    /// The service's principal.
    pub(crate) service: String,
    /// The user's principal.
    pub(crate) principal: String,
    /// The user for NTLM, `DOMAIN\\name`.
    pub(crate) user: String,
    /// The user's password, for both.
    pub(crate) password: String,
    /// The user's keytab.
    pub(crate) keytab: PathBuf,
    /// A ticket cache with a ticket, for `KRB5CCNAME`.
    pub(crate) ticket: String,
    /// For `KRB5_CONFIG`.
    pub(crate) krb5_conf: PathBuf,
    /// Where everything is; gone after it.
    pub(crate) folder: PathBuf,
    #[serde(skip)]
    running: Option<Child>,
}

impl Realm {
    /// Sets it up before a server that knows no sign-in; none where this machine lacks something.
    pub(crate) fn up(upstream: &str) -> Option<Self> {
        let (complete, said) = run(python().args(["-m", "realm", "check"]), "");
        if !complete {
            skip("Kerberos and NTLM at Apache httpd", said.trim());
            return None;
        }
        let mut child = python()
            .args(["-m", "realm", "up", "--upstream", upstream])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let line = first_line(child.stdout.take().unwrap()).expect("the realm does not come up");
        let mut realm: Self = serde_json::from_str(&line).unwrap();
        realm.running = Some(child);
        Some(realm)
    }

    /// Ends it, and fails unless everything that was started is gone.
    pub(crate) fn down(mut self) {
        let folder = self.folder.clone();
        assert!(self.end(), "the realm does not end");
        assert!(!folder.exists(), "{} is left", folder.display());
    }

    /// Ends it by closing its input, and waits: killed at once, it could not tidy up.
    fn end(&mut self) -> bool {
        let Some(mut child) = self.running.take() else {
            return true;
        };
        drop(child.stdin.take());
        let end = Instant::now() + Duration::from_secs(40);
        while Instant::now() < end {
            if let Some(status) = child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // Its servers end with it.
        let _ = child.kill();
        let _ = child.wait();
        false
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        self.end();
    }
}

/// Says what is missing; fails where nothing may be.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
pub(crate) fn skip(what: &str, why: &str) {
    let judged = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(
        !judged,
        "`make setup` has not installed what is needed: {why}"
    );
    eprintln!("skipped: {what}: not tried; {why}; see `make setup`");
}
