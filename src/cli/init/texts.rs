//! What `init` writes.
//!
//! Pure. The manifests are those of the repository's examples, which tests run.

use super::Method;
use super::ask::{Answers, Secret};
use crate::export::scalar;

/// Where comments stand.
const COLUMN: usize = 44;

/// What version control is to ignore.
pub(super) const IGNORED: &str = "\
# What is remembered of each platform, unless it is kept in a store: docs/state.md
/state/

# Saved plans name servers and addresses, and are of no use once they are applied
*.plan.json

# Passwords, tokens and keys
/secrets/
.env
*.key
*.keytab
";

/// Its lines that are patterns.
pub(super) fn patterns() -> impl Iterator<Item = &'static str> {
    IGNORED
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The manifests that fit a scenario of the simulator, where there are some.
pub(super) fn story(scenario: &str) -> Option<String> {
    let text = match scenario {
        "flat-lan" => include_str!("../../../examples/deployment-site/sites.yaml"),
        "isolated-vlan" => include_str!("../../../examples/isolated-vlan/sites.yaml"),
        _ => return None,
    };
    Some(without_schema(text))
}

/// Manifests to look at.
pub(super) fn example() -> String {
    let text = include_str!("../../../examples/deployment-site/sites.yaml");
    format!(
        "# An example. It is not read under this name: put your own names and addresses in, and rename it to
# sites.yaml; or let `sitewright export --out sites` write what is there, and go on from that.
{}",
        without_schema(text)
    )
}

/// The line that tells an editor of the schema leads nowhere outside of the repository.
fn without_schema(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !line.starts_with("# yaml-language-server:"))
        .collect()
}

/// A line with a comment in its column.
fn line(out: &mut String, text: &str, comment: &str) {
    out.push_str(text);
    if !comment.is_empty() {
        let gap = COLUMN.saturating_sub(text.chars().count()).max(1);
        out.extend(std::iter::repeat_n(' ', gap));
        out.push_str("# ");
        out.push_str(comment);
    }
    out.push('\n');
}

/// The workspace.
pub(super) fn workspace(answers: &Answers) -> String {
    let Answers {
        name,
        url,
        server,
        auth,
        username,
        secret,
        ca,
    } = answers;
    let mut out = String::from(
        "# The platforms that are managed and how they are reached. It holds no secret, only where to get one.
# `sitewright schema manifest` prints every field.
apiVersion: sitewright/v1
kind: Workspace
spec:
  platforms:
",
    );
    let simulated = answers.scenario().is_some();
    line(&mut out, &format!("    - name: {}", scalar(name)), "");
    let comment = if simulated {
        "the built-in simulator; a real one: https://…"
    } else {
        ""
    };
    line(&mut out, &format!("      url: {}", scalar(url)), comment);
    if let Some(server) = server {
        line(
            &mut out,
            &format!("      server: {}", scalar(server)),
            "the SMP's own computer, as the console names it",
        );
    }
    if !simulated {
        signing_in(&mut out, *auth, username.as_deref(), secret.as_ref());
        match ca {
            Some(ca) => line(&mut out, &format!("      ca: {}", scalar(ca)), ""),
            None => line(
                &mut out,
                "      # ca: corp-ca.pem",
                "where the certificate is of your own authority",
            ),
        }
        line(
            &mut out,
            &format!(
                "      profile: {}",
                scalar(&format!("profiles/{}.yaml", file_name(name)))
            ),
            "`sitewright profile discover` writes it",
        );
    }
    out.push_str(
        "
  # What is remembered between runs: a folder, a database or a bucket. docs/state.md says how to choose.
  state:
    backend: file
    path: state

  # How far one plan may go. docs/limits.md says what counts.
  safety:
    maxDeletes: 3
    # maxChangedPercent: 30
    # freeze:
    #   - { from: 2026-12-20, to: 2027-01-03, zone: Europe/Berlin }
",
    );
    out
}

fn signing_in(out: &mut String, auth: Method, username: Option<&str>, secret: Option<&Secret>) {
    let comment = match auth {
        Method::Negotiate => "Kerberos where it can, else NTLM; docs/sign-in.md",
        Method::Ntlm | Method::Kerberos | Method::Basic | Method::Bearer | Method::None => {
            "docs/sign-in.md"
        }
    };
    line(out, "      auth:", "");
    line(out, &format!("        method: {}", auth.as_str()), comment);
    if let Some(user) = username {
        line(out, &format!("        username: {}", scalar(user)), "");
    }
    if let Some(secret) = secret {
        let field = if auth == Method::Bearer {
            "tokenFrom"
        } else {
            "passwordFrom"
        };
        line(out, &format!("        {field}:"), "");
        let place = match secret {
            Secret::Env(name) => format!("          env: {}", scalar(name)),
            Secret::File(path) => format!("          file: {}", scalar(path)),
        };
        line(out, &place, "");
    }
}

/// A name that a file can have.
fn file_name(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect()
}
