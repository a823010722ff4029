//! The way to a server: name, connection, TLS, sign-in, clock.
//!
//! Pure.

use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Line;
use crate::smp::{Answered, Certificate, Probe, TlsSeen, TransportError};

/// The id of the line on clocks, which keeps nothing else from being looked at.
pub(super) const CLOCK: &str = "clock";

/// From when on a difference of clocks is worth mending, and from when on Kerberos refuses.
const SKEW_WARN: SignedDuration = SignedDuration::from_mins(2);
const SKEW_FAIL: SignedDuration = SignedDuration::from_mins(5);

/// What is no difference: the `Date` of an answer has whole seconds.
const SKEW_NONE: SignedDuration = SignedDuration::from_secs(2);

/// From how short a rest on a certificate is to be renewed.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) fn judge(url: &str, probe: &Probe, now: Timestamp) -> Vec<Line> {
    let Probe {
        host,
        port,
        proxy,
        addresses,
        connected,
        tls,
        method,
        answered,
    } = probe;
    let through = proxy
        .as_ref()
        .map(|proxy| format!(", by the proxy {proxy}"))
        .unwrap_or_default();
    let mut lines = Vec::new();
    let addresses = match addresses {
        Ok(addresses) => {
            lines.push(Line::ok(
                "resolve",
                resolved(proxy.as_deref().unwrap_or(host), addresses),
            ));
            addresses.as_slice()
        }
        Err(error) => {
            lines.push(failed(
                "resolve",
                error,
                "check the spelling of `url`, and which name servers this computer asks",
            ));
            &[]
        }
    };
    lines.push(match connected {
        Some(Ok(took)) => Line::ok(
            "connect",
            format!(
                "`{host}:{port}` answers in {}{through}",
                milliseconds(*took)
            ),
        ),
        Some(Err(error)) => failed(
            "connect",
            error,
            "check the port in `url`, that IIS runs, and every firewall in between",
        ),
        None => skipped_after("connect", &lines),
    });
    lines.push(match (connected, tls) {
        (_, Some(Ok(seen))) => encrypted(seen, now),
        (_, Some(Err(error))) => failed("tls", error, ""),
        (Some(Ok(_)), None) if !url.starts_with("https:") => plain(addresses),
        (_, None) => skipped_after("tls", &lines),
    });
    lines.push(match answered {
        Some(Ok(answered)) => signed_in(answered, method),
        Some(Err(error)) => refused(error, method),
        None => skipped_after("sign-in", &lines),
    });
    lines.push(match answered {
        Some(Ok(answered)) => clock(answered.clock_ahead),
        _ => skipped_after(CLOCK, &lines),
    });
    lines
}

/// A line for what was not reached.
fn skipped_after(id: &'static str, lines: &[Line]) -> Line {
    let failed = lines
        .iter()
        .find(|line| line.verdict == super::Verdict::Fail)
        .map_or_else(
            || "nothing was asked".to_owned(),
            |line| format!("`{}` failed", line.id),
        );
    Line::skipped(id, failed)
}

/// A line for an error of the transport; `otherwise` is what to do where the error says nothing.
fn failed(id: &'static str, error: &TransportError, otherwise: &str) -> Line {
    let remedy = if otherwise.is_empty() {
        error.hint().unwrap_or_default()
    } else {
        otherwise.to_owned()
    };
    Line::fail(id, error.to_string(), remedy).coded(error.code())
}

fn encrypted(seen: &TlsSeen, now: Timestamp) -> Line {
    let TlsSeen {
        version,
        certificate,
        took: _, // the latency of a request says more
    } = seen;
    let Some(Certificate {
        subject: _, // the names are what counts
        issuer,
        names: _, // the TLS library has compared them with the host
        not_before: _,
        not_after,
    }) = certificate
    else {
        return Line::ok("tls", version.clone());
    };
    let rest = not_after.duration_since(now);
    let until = not_after.strftime("%Y-%m-%d");
    if rest < EXPIRES_SOON {
        return Line::warn(
            "tls",
            format!(
                "{version}; the certificate expires in {} days, on {until}",
                rest.as_hours() / 24
            ),
            "renew the certificate of the server",
        );
    }
    Line::ok(
        "tls",
        format!("{version}; the certificate is by `{issuer}` and holds until {until}"),
    )
}

fn plain(addresses: &[IpAddr]) -> Line {
    if addresses.iter().all(IpAddr::is_loopback) {
        return Line::ok("tls", "plain HTTP, which does not leave this computer");
    }
    Line::warn(
        "tls",
        "plain HTTP: whoever is on the way can read and change what is sent",
        "give the SMP a certificate in IIS, and write an https URL",
    )
}

/// 401 is no answer to a signed-in request; every other status is one, and `services` says what it means.
fn signed_in(answered: &Answered, method: &str) -> Line {
    let Answered {
        signed_in_by,
        status: _,      // for `services`
        body: _,        // likewise
        clock_ahead: _, // for `clock`
        first: _,       // includes the sign-in, whose length is nobody's concern
        latency: _,     // several reads say more
    } = answered;
    match signed_in_by {
        Some(by) => Line::ok("sign-in", format!("accepted, by {by}")),
        None if method == "none" => Line::ok(
            "sign-in",
            "none is configured, and the server asks for none",
        ),
        None => Line::warn(
            "sign-in",
            format!("the server did not ask for the configured sign-in by {method}"),
            "anybody may call these services: switch anonymous access off in IIS",
        ),
    }
}

fn refused(error: &TransportError, method: &str) -> Line {
    let told = match error {
        TransportError::SignIn { .. } => format!("401: {error}"),
        TransportError::ProxySignIn => format!("407: {error}"),
        _ => format!("no answer to a request signed in by {method}: {error}"),
    };
    Line::fail("sign-in", told, error.hint().unwrap_or_default()).coded(error.code())
}

fn clock(ahead: Option<SignedDuration>) -> Line {
    let Some(ahead) = ahead else {
        return Line::warn(
            CLOCK,
            "the answers have no date, so the clocks cannot be compared",
            "a proxy may have taken it away: compare by hand, since Kerberos allows 5 minutes",
        );
    };
    let off = ahead.abs();
    if off <= SKEW_NONE {
        return Line::ok(CLOCK, "the clocks agree");
    }
    let side = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let told = format!("the server's clock is {} {side} ours", length(off));
    let remedy = "let both computers ask the same time server; Kerberos refuses from 5 minutes on";
    if off >= SKEW_FAIL {
        Line::fail(CLOCK, told, remedy)
    } else if off >= SKEW_WARN {
        Line::warn(CLOCK, told, remedy)
    } else {
        Line::ok(CLOCK, told)
    }
}

fn length(of: SignedDuration) -> String {
    let seconds = of.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// A time in whole milliseconds, at least one.
pub(super) fn milliseconds(of: Duration) -> String {
    format!("{} ms", of.as_millis().max(1))
}

fn resolved(asked: &str, addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    if texts == [asked] {
        return format!("`{asked}` is an address");
    }
    format!("`{asked}` is {}", texts.join(", "))
}
