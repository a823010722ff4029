//! Why an address or a client is served as it is: the verdict first, then what speaks for it.
//!
//! Pure.

use std::collections::BTreeMap;

use crate::explain::{
    Alternative, Basis, Candidate, Eligibility, Explanation, Matching, OneOf, Outcome,
    PackageOutcome, Pick, Registered, Roles, Standing,
};
use crate::model::{Name, Role};
use crate::render::layout::{Page, Paint, Style, and, count, some};
use crate::select::Obstacle;

/// How wide the first column of a verdict is.
const LABEL: usize = 13;

/// Servers that are named before the others are only counted.
const NAMED: usize = 5;

/// Renders one explanation.
#[must_use]
pub fn explanation(explanation: &Explanation, style: &Style) -> String {
    let Explanation {
        asked: _, // the name or the address says it
        world,
        client,
        address,
        site: _, // among the sites
        sites,
        subnet,
        matching,
        roles,
        candidates,
        packages,
        registered,
        registered_unknown,
        addresses,
    } = explanation;
    let mut page = Page::new(style);
    let who = match (client, address) {
        (Some(client), Some(address)) => format!("{client} ({address})"),
        (Some(client), None) => format!("{client} ({})", several(addresses.len())),
        (None, Some(address)) => address.to_string(),
        (None, None) => String::new(),
    };
    let verb = match world {
        Basis::Live => "is",
        Basis::Desired => "will be",
    };
    let by = subnet.map_or_else(String::new, |subnet| format!(", by {subnet}"));
    page.item(
        0,
        Paint::Heading,
        &who,
        &format!("{verb} in {}{by}.", site_list(sites)),
        2,
    );
    verdicts(&mut page, 2, roles);
    registration(
        &mut page,
        *world,
        registered.as_ref(),
        registered_unknown.as_deref(),
    );
    for package in packages {
        one_package(&mut page, package);
    }
    reasons(&mut page, roles);
    if addresses.len() > 1 {
        page.heading("Each address by itself");
        for one in addresses {
            by_itself(&mut page, one);
        }
    }
    if let Some(candidates) = candidates {
        who_comes_into_question(&mut page, candidates);
        if !matching.is_empty() {
            page.heading("Known subnets around it, the most specific first");
            for Matching { subnet, sites } in matching {
                page.item(
                    2,
                    Paint::Plain,
                    &format!("{:<18}", subnet.to_string()),
                    &site_list(sites),
                    21,
                );
            }
        }
    }
    page.finish()
}

fn several(addresses: usize) -> String {
    let plural = if addresses == 1 { "" } else { "es" };
    format!("{addresses} address{plural}")
}

fn site_list(sites: &[Name]) -> String {
    match sites {
        [] => "no site".into(),
        sites => some(sites.iter().map(ToString::to_string).collect(), 10),
    }
}

/// What a role is called before a verdict.
pub(super) const fn role_label(role: Role) -> &'static str {
    match role {
        Role::Package => "packages",
        Role::Task => "tasks",
        Role::NetworkBoot => "network boot",
        Role::Monitor => "monitoring",
    }
}

pub(super) const fn paint(choice: Pick) -> Paint {
    match choice {
        Pick::Only => Paint::Added,
        Pick::Random | Pick::Agent => Paint::Changed,
        Pick::None => Paint::Removed,
        Pick::Indeterminate => Paint::Warning,
    }
}

/// `only A`, `random among A and B`: a verdict without its reason.
pub(super) fn verdict(outcome: &Outcome, full: bool) -> String {
    let Outcome {
        servers,
        choice,
        reason: _, // said below
        source: _,
        readings,
    } = outcome;
    let servers = names(servers, full);
    match choice {
        Pick::Only => format!("only {servers}"),
        Pick::Random => format!("random among {servers}"),
        Pick::Agent => format!("agent picks among {servers}"),
        Pick::None => "none".into(),
        Pick::Indeterminate => {
            let nobody = readings.iter().any(|reading| reading.servers.is_empty());
            let or = if nobody { ", or nobody" } else { "" };
            format!("indeterminate among {servers}{or}")
        }
    }
}

fn names(names: &[Name], full: bool) -> String {
    if names.is_empty() {
        return "nobody".into();
    }
    let limit = if full { usize::MAX } else { NAMED };
    some(names.iter().map(ToString::to_string).collect(), limit)
}

fn verdicts(page: &mut Page, indent: usize, roles: &Roles<Outcome>) {
    for (role, outcome) in roles.iter() {
        let text = verdict(outcome, page.full());
        row(page, indent, role_label(role), paint(outcome.choice), &text);
    }
}

/// Why, role by role; roles with the same reason are told together.
fn reasons(page: &mut Page, roles: &Roles<Outcome>) {
    page.heading("Why");
    let mut groups: Vec<(Vec<String>, &Outcome)> = Vec::new();
    for (role, outcome) in roles.iter() {
        let same = |known: &Outcome| {
            (&known.reason, &known.readings) == (&outcome.reason, &outcome.readings)
        };
        match groups.iter_mut().find(|(_, known)| same(known)) {
            Some((roles, _)) => roles.push(role_label(role).into()),
            None => groups.push((vec![role_label(role).into()], outcome)),
        }
    }
    for (roles, outcome) in groups {
        reason(page, 2, &format!("{}:", and(&roles)), outcome);
    }
}

/// A line of a verdict: what it is about in a column, then the text.
fn row(page: &mut Page, indent: usize, about: &str, paint: Paint, text: &str) {
    page.item(
        indent,
        paint,
        &format!("{about:<LABEL$}"),
        text,
        indent + LABEL + 1,
    );
}

/// Why, with the source; each reading where the sources contradict each other.
pub(super) fn reason(page: &mut Page, indent: usize, about: &str, outcome: &Outcome) {
    let Outcome {
        servers: _, // said above
        choice: _,
        reason,
        source,
        readings,
    } = outcome;
    let source = if source.is_empty() || !readings.is_empty() {
        String::new()
    } else {
        format!(" ({source})")
    };
    let text = format!("{reason}{source}");
    page.item(indent, Paint::Plain, about, &text, indent + 2);
    for Alternative { source, servers } in readings {
        let text = format!("{}: {source}", names(servers, page.full()));
        page.item(indent + 2, Paint::Plain, "-", &text, indent + 4);
    }
}

fn one_package(page: &mut Page, package: &PackageOutcome) {
    let PackageOutcome {
        name,
        guid: _, // for programs
        holders,
        outcome,
    } = package;
    page.gap();
    page.item(
        2,
        paint(outcome.choice),
        &format!("package {name}:"),
        &verdict(outcome, page.full()),
        6,
    );
    let indent = 4;
    reason(page, indent, "why:", outcome);
    let held = match holders {
        None => "who holds it is not readable".into(),
        Some(holders) => format!("held by {}", names(holders, page.full())),
    };
    page.item(indent, Paint::Plain, "", &held, indent + 2);
}

fn registration(
    page: &mut Page,
    world: Basis,
    registered: Option<&Registered>,
    unknown: Option<&str>,
) {
    let (paint, text) = match (registered, unknown) {
        (None, None) => return,
        (None, Some(reason)) => (Paint::Plain, format!("not known now: {reason}")),
        (Some(Registered { server, predicted }), _) => {
            let with = server.as_ref().map_or_else(
                || "with no task server now".to_owned(),
                |server| format!("with {server} now"),
            );
            match (predicted, world) {
                (true, _) => (Paint::Added, format!("{with}, which agrees")),
                (false, Basis::Live) => (Paint::Warning, format!("{with}, which does not agree")),
                (false, Basis::Desired) => {
                    (Paint::Changed, format!("{with}, which will have to change"))
                }
            }
        }
    };
    row(page, 2, "registered", paint, &text);
}

fn by_itself(page: &mut Page, one: &OneOf) {
    let OneOf { standing, roles } = one;
    let Standing {
        address,
        site: _, // among the sites
        sites,
        subnet,
        matching: _, // listed for all of them
    } = standing;
    let by = subnet.map_or_else(String::new, |subnet| format!(", by {subnet}"));
    page.item(
        2,
        Paint::Plain,
        "",
        &format!("{address} in {}{by}", site_list(sites)),
        4,
    );
    verdicts(page, 4, roles);
}

/// Roles with the same candidates are told together.
fn who_comes_into_question(page: &mut Page, candidates: &Roles<Vec<Candidate>>) {
    let mut groups: Vec<(Vec<Role>, &Vec<Candidate>)> = Vec::new();
    let missing = Obstacle::RoleMissing.to_string();
    let comes_into_question = |one: &Candidate| !one.obstacles.contains(&missing);
    for (role, list) in candidates.iter() {
        if !list.iter().any(comes_into_question) {
            continue; // the verdict says that nobody has the role
        }
        match groups.iter_mut().find(|(_, known)| *known == list) {
            Some((roles, _)) => roles.push(role),
            None => groups.push((vec![role], list)),
        }
    }
    for (roles, list) in groups {
        let roles: Vec<String> = roles
            .into_iter()
            .map(|role| role_label(role).to_owned())
            .collect();
        page.heading(&format!("Candidates for {}", and(&roles)));
        let mut others: BTreeMap<String, Vec<&Candidate>> = BTreeMap::new();
        for verdict in [Eligibility::In, Eligibility::Perhaps, Eligibility::Out] {
            for candidate in list.iter().filter(|one| one.verdict == verdict) {
                let outsider =
                    verdict == Eligibility::Out && !candidate.automatic && !candidate.manual;
                if outsider {
                    others.entry(why(candidate)).or_default().push(candidate);
                } else {
                    one_candidate(page, candidate);
                }
            }
        }
        for (why, outsiders) in others {
            if outsiders.len() > NAMED && !page.full() {
                let text = format!("{}: {why}", count(outsiders.len(), "other server"));
                page.item(2, Paint::Plain, "out    ", &text, 10);
            } else {
                for candidate in outsiders {
                    one_candidate(page, candidate);
                }
            }
        }
    }
}

fn one_candidate(page: &mut Page, candidate: &Candidate) {
    let (mark, paint) = match candidate.verdict {
        Eligibility::In => ("in     ", Paint::Added),
        Eligibility::Perhaps => ("perhaps", Paint::Warning),
        Eligibility::Out => ("out    ", Paint::Plain),
    };
    let why = match why(candidate) {
        why if why.is_empty() => "has the role".to_owned(),
        why => why,
    };
    page.item(2, paint, mark, &format!("{}: {why}", candidate.server), 12);
}

/// How it belongs to the site, and what speaks against it.
fn why(candidate: &Candidate) -> String {
    let Candidate {
        server: _, // stands before it
        verdict: _,
        automatic,
        manual,
        obstacles,
    } = candidate;
    let how = match (automatic, manual) {
        (true, true) => Some("in the site by its own address and by hand"),
        (true, false) => Some("in the site by its own address"),
        (false, true) => Some("in the site by hand"),
        (false, false) => None,
    };
    how.map(ToOwned::to_owned)
        .into_iter()
        .chain(obstacles.iter().cloned())
        .collect::<Vec<_>>()
        .join("; ")
}
