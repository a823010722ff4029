//! What the findings of a connection and of a server become: `check(findings, expect)`, where all that is not `ok` is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::{Count, CountedKind, Guid, Name, Platform, Safety};
use crate::observe::RefreshError;
use crate::profile::{
    BuildChange, Profile, Report as Installed, ReportKind, ServiceName, Standing,
};
use crate::smp::{
    Answered, Certificate, Fault, Probe, ReadError, Refusal, TlsSeen, TransportError,
};

fn now() -> Timestamp {
    "2026-03-01T10:00:00Z".parse().unwrap()
}

/// A way over TLS on which everything is as it should be.
fn probe() -> Probe {
    Probe {
        host: "smp.corp.example".into(),
        port: 443,
        proxy: None,
        addresses: Ok(vec!["10.0.0.5".parse().unwrap()]),
        connected: Some(Ok(Duration::from_micros(2300))),
        tls: Some(Ok(TlsSeen {
            version: "TLS 1.3".into(),
            certificate: Some(Certificate {
                subject: "CN=smp.corp.example".into(),
                issuer: "CN=Corp CA".into(),
                names: vec!["smp.corp.example".into()],
                not_before: now(),
                not_after: "2027-03-01T10:00:00Z".parse().unwrap(),
            }),
            took: Duration::from_millis(7),
        })),
        method: "Negotiate",
        answered: Some(Ok(Answered {
            signed_in_by: Some("Kerberos"),
            status: 200,
            body: Vec::new(),
            clock_ahead: Some(SignedDuration::ZERO),
            first: Duration::from_millis(30),
            latency: Some(Duration::from_millis(4)),
        })),
    }
}

fn operations() -> Operations {
    [
        "ItemExists",
        "InvalidateTargetMembership",
        "PushPolicy",
        "GetDataClassRows",
        "CreateClientJob",
        "SaveOrCreateResource",
    ]
    .map(str::to_owned)
    .into()
}

fn server() -> ServerSeen {
    ServerSeen {
        services: ServiceName::ALL
            .map(|service| (service, Ok(operations())))
            .into(),
        hierarchy: Ok(false),
        latency: [3, 4, 9].map(Duration::from_millis).into(),
        known: Some(KnownServer {
            identity: Ok(Platform {
                server: Guid::from_u128(1),
                name: Name::new("SMP01.corp.example"),
            }),
            build: Ok(None),
            lists: CountedKind::ALL.map(|kind| (kind, Ok(12))).into(),
            lost_reports: Ok(Vec::new()),
            offered: Some(Offered {
                on_sites: true,
                actions: Ok(4),
            }),
        }),
    }
}

fn findings() -> Findings {
    Findings {
        url: "https://smp.corp.example".into(),
        now: now(),
        probe: probe(),
        server: Some(server()),
    }
}

/// A profile that knows everything, with all reports and with associations that a round trip has proven.
fn profile() -> Profile {
    let mut profile = crate::smp::testing::profile();
    let associations = &mut profile.associations;
    for entry in [
        &mut associations.subnet_to_site,
        &mut associations.server_to_site,
    ] {
        entry.as_mut().unwrap().standing = Standing::Verified;
    }
    for (kind, number) in ReportKind::ALL.into_iter().zip(0x100..) {
        *profile.reports.entry(kind) = Some(Installed {
            guid: Guid::from_u128(number),
            standing: Standing::Verified,
        });
    }
    profile
}

fn judged(
    findings: &Findings,
    profile: Option<&Profile>,
    counted: &[(CountedKind, u64)],
) -> Report {
    let counted: BTreeMap<CountedKind, Count> = counted
        .iter()
        .map(|(kind, seen)| (*kind, Count::of(*seen)))
        .collect();
    judge(
        findings,
        &Kept {
            platform: Some("hq"),
            profile_file: "profiles/hq.yaml",
            profile,
            counted: &counted,
            safety: &Safety::default(),
        },
    )
}

/// The lines that are not `ok`; of the skipped ones the ids alone, behind why they were.
fn shown(report: &Report) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut skipped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in &report.lines {
        let Line {
            id,
            verdict,
            found,
            code,
            remedy,
        } = line;
        match verdict {
            Verdict::Ok => {}
            Verdict::Skipped => skipped.entry(found).or_default().push(id),
            Verdict::Warn | Verdict::Fail => {
                assert!(remedy.is_some(), "{id} has no remedy");
                let code = code.map(|code| format!(" {code}")).unwrap_or_default();
                lines.push(format!("{} {id}{code}: {found}", verdict.as_str()));
            }
        }
    }
    for (because, ids) in skipped {
        lines.push(format!("skipped since {because}: {}", ids.join(" ")));
    }
    lines.join("\n")
}

#[track_caller]
fn check(change: impl FnOnce(&mut Findings), expect: &str) {
    let mut findings = findings();
    change(&mut findings);
    let found = shown(&judged(&findings, Some(&profile()), &[]));
    let expect: Vec<&str> = expect
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(found, expect.join("\n"), "\n{found}\n");
}

fn fault(status: u16, body: &str) -> ReadError {
    ReadError::Fault(Fault::read(status, body.as_bytes()))
}

const AFTER: &str = "services version latency identity build hierarchy reports read-sites read-subnets read-services read-packages write";

#[test]
fn a_platform_that_is_fit() {
    let report = judged(&findings(), Some(&profile()), &[]);
    let lines: Vec<String> = report
        .lines
        .iter()
        .map(|line| format!("{} {}: {}", line.verdict.as_str(), line.id, line.found))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    ok resolve: `smp.corp.example` is 10.0.0.5
    ok connect: `smp.corp.example:443` answers in 2 ms
    ok tls: TLS 1.3; the certificate is by `CN=Corp CA` and holds until 2027-03-01
    ok sign-in: accepted, by Kerberos
    ok clock: the clocks agree
    ok services: all 10 are there
    ok version: 8.5 RU4 or later, by the operations of its services; the profile says no `product.version`
    ok latency: 4 ms for a small read, the median of 3
    ok identity: `SMP01.corp.example`, as the profile says
    ok build: the profile does not say on which build its entries were proven
    ok hierarchy: the SMP stands alone
    ok profile: it knows what reading and writing need
    ok reports: 7 are installed
    ok read-sites: 12 sites are shown
    ok read-subnets: 12 subnets are shown
    ok read-services: 12 site services are shown
    ok read-packages: 12 packages are shown
    ok write: `profile verify` has written here; it may have been another account
    ");
}

#[test]
fn a_name_that_does_not_resolve() {
    check(
        |findings| {
            findings.probe.addresses = Err(TransportError::Connect {
                url: "https://smp.corp.example".into(),
                message: "no such host".into(),
            });
            findings.probe.connected = None;
            findings.probe.tls = None;
            findings.probe.answered = None;
            findings.server = None;
        },
        &format!(
            "fail resolve SW0303: cannot connect to `https://smp.corp.example`: no such host
            skipped since `resolve` failed: connect tls sign-in clock {AFTER}"
        ),
    );
}

#[test]
fn a_port_that_nobody_listens_at() {
    check(
        |findings| {
            findings.probe.connected = Some(Err(TransportError::Connect {
                url: "https://smp.corp.example".into(),
                message: "connection refused".into(),
            }));
            findings.probe.tls = None;
            findings.probe.answered = None;
            findings.server = None;
        },
        &format!(
            "fail connect SW0303: cannot connect to `https://smp.corp.example`: connection refused
            skipped since `connect` failed: tls sign-in clock {AFTER}"
        ),
    );
}

#[test]
fn a_sign_in_that_is_refused() {
    check(
        |findings| {
            findings.probe.answered = Some(Err(TransportError::SignIn {
                refusal: Refusal::Refused("Basic"),
                offered: vec!["Basic".into()],
            }));
            findings.server = None;
        },
        &format!(
            "fail sign-in SW0306: 401: the server refused the sign-in by Basic; it offers Basic
            skipped since `sign-in` failed: clock {AFTER}"
        ),
    );
}

#[test]
fn plain_http_and_certificates_that_run_out() {
    let plain = |address: &'static str| {
        move |findings: &mut Findings| {
            findings.url = "http://smp.corp.example".into();
            findings.probe.addresses = Ok(vec![address.parse().unwrap()]);
            findings.probe.tls = None;
        }
    };
    check(
        plain("10.0.0.5"),
        "warn tls: plain HTTP: whoever is on the way can read and change what is sent",
    );
    check(plain("127.0.0.1"), "");
    check(
        |findings| {
            let Some(Ok(tls)) = &mut findings.probe.tls else {
                panic!("no TLS");
            };
            tls.certificate.as_mut().unwrap().not_after = "2026-03-11T10:00:00Z".parse().unwrap();
        },
        "warn tls: TLS 1.3; the certificate expires in 10 days, on 2026-03-11",
    );
}

#[test]
fn clocks_that_differ() {
    let ahead = |seconds: Option<i64>| {
        move |findings: &mut Findings| {
            let Some(Ok(answered)) = &mut findings.probe.answered else {
                panic!("no answer");
            };
            answered.clock_ahead = seconds.map(SignedDuration::from_secs);
        }
    };
    check(ahead(Some(-119)), "");
    check(
        ahead(Some(120)),
        "warn clock: the server's clock is 2 min ahead of ours",
    );
    // It keeps nothing else from being looked at: NTLM does not mind.
    check(
        ahead(Some(-301)),
        "fail clock: the server's clock is 5 min 1 s behind ours",
    );
    check(
        ahead(None),
        "warn clock: the answers have no date, so the clocks cannot be compared",
    );
}

#[test]
fn each_status_means_something_else() {
    let service = |service: ServiceName, error: ReadError| {
        move |findings: &mut Findings| {
            let server = findings.server.as_mut().unwrap();
            server.services.insert(service, Err(error));
        }
    };
    check(
        service(ServiceName::DSTaskManagement, fault(404, "<html/>")),
        "warn services: 9 of 10 are there
        warn service SW0311: `DSTaskManagement`: 404: not there; images are not seen: Deployment Solution may not be installed",
    );
    check(
        service(ServiceName::ItemModel, fault(403, "")),
        "warn services: 9 of 10 are there
        warn service SW0311: `ItemModel`: 403: signed in, and the account may not use it; what the account may do cannot be asked",
    );
    check(
        service(ServiceName::ReportManagement, fault(500, "<html><title>Runtime Error</title></html>")),
        "warn services: 9 of 10 are there
        warn service SW0311: `ReportManagement`: 500: it is there and fails by itself; reports cannot be run, so reads are made one by one",
    );
    check(
        service(ServiceName::ResourceModel, fault(503, "")),
        "fail services: 9 of 10 are there
        fail service SW0311: `ResourceModel`: 503: not able to answer now; sites and subnets can be neither read nor written",
    );
    check(
        service(
            ServiceName::ItemManagement,
            ReadError::Answer(crate::smp::AnswerError::Shape {
                expected: "a service description".into(),
                found: "`html`".into(),
            }),
        ),
        "fail services: 9 of 10 are there
        fail service SW0310: `ItemManagement`: an answer, and no service description; items, settings and reports cannot be found",
    );
}

#[test]
fn nothing_is_read_where_no_service_answers() {
    check(
        |findings| {
            let server = findings.server.as_mut().unwrap();
            server.services = ServiceName::ALL
                .map(|service| (service, Err(fault(403, ""))))
                .into();
            server.hierarchy = Err(fault(403, ""));
            server.latency.clear();
            server.known = None;
        },
        "
        fail services: 0 of 10 are there
        fail service SW0311: `ItemManagement`: 403: signed in, and the account may not use it; items, settings and reports cannot be found
        fail service SW0311: `ResourceManagement`: 403: signed in, and the account may not use it; computers cannot be found
        warn service SW0311: `ReportManagement`: 403: signed in, and the account may not use it; reports cannot be run, so reads are made one by one
        warn service SW0311: `HierarchyManagement`: 403: signed in, and the account may not use it; what belongs to another SMP of a hierarchy cannot be told
        warn service SW0311: `SoftwarePackageManagement`: 403: signed in, and the account may not use it; packages cannot be assigned
        warn service SW0311: `SWDSolnPackageManagement`: 403: signed in, and the account may not use it; nothing here needs it yet
        warn service SW0311: `TaskManagement`: 403: signed in, and the account may not use it; nothing here needs it yet
        warn service SW0311: `DSTaskManagement`: 403: signed in, and the account may not use it; images are not seen: Deployment Solution may not be installed
        fail service SW0311: `ResourceModel`: 403: signed in, and the account may not use it; sites and subnets can be neither read nor written
        warn service SW0311: `ItemModel`: 403: signed in, and the account may not use it; what the account may do cannot be asked
        warn version: no service description tells it
        warn hierarchy SW0311: it cannot be told whether the SMP is in one: 403: signed in, and the account may not use it
        skipped since `services` failed: identity build reports read-sites read-subnets read-services read-packages write
        skipped since no small read could be timed: latency
        ",
    );
}

#[test]
fn the_version_is_a_bracket_and_the_operator_has_the_last_word() {
    let told = |without: &'static [&'static str], gone: Option<ServiceName>, said: Option<&str>| {
        let mut findings = findings();
        let server = findings.server.as_mut().unwrap();
        for operations in server.services.values_mut().flatten() {
            operations.retain(|operation| !without.contains(&operation.as_str()));
        }
        if let Some(gone) = gone {
            server.services.insert(gone, Err(fault(404, "")));
        }
        let mut profile = profile();
        profile.product.version = said.map(ToOwned::to_owned);
        let report = judged(&findings, Some(&profile), &[]);
        let line = report.lines.iter().find(|line| line.id == "version");
        let line = line.unwrap();
        format!("{} {}", line.verdict.as_str(), line.found)
    };
    let newer = &["SaveOrCreateResource", "CreateClientJob"];
    assert_eq!(
        told(&[], None, Some("8.7.3")),
        "ok 8.7.3 by the profile; 8.5 RU4 or later by the operations of its services"
    );
    assert_eq!(
        told(newer, None, None),
        "ok 8.5 RU2 or later, and before 8.5 RU3, by the operations of its services; the profile says no `product.version`"
    );
    // A service that cannot be read tells nothing of what it lacks.
    assert_eq!(
        told(newer, Some(ServiceName::TaskManagement), None),
        "ok 8.5 RU2 or later, and before 8.5 RU4, by the operations of its services; the profile says no `product.version`"
    );
    assert_eq!(
        told(&[], None, Some("8.1")),
        "warn 8.5 RU4 or later, by the operations of its services; the profile says 8.1"
    );
    let old = &[
        "SaveOrCreateResource",
        "CreateClientJob",
        "GetDataClassRows",
        "PushPolicy",
    ];
    assert_eq!(
        told(old, None, Some("8.7")),
        "warn 8.1 or later, and before 8.5, by the operations of its services; the profile says 8.7"
    );
    assert_eq!(
        told(old, None, Some("8.1")),
        "ok 8.1 by the profile; 8.1 or later, and before 8.5 by the operations of its services"
    );
}

fn known(findings: &mut Findings) -> &mut KnownServer {
    findings.server.as_mut().unwrap().known.as_mut().unwrap()
}

#[test]
fn another_server_than_the_profile_describes() {
    check(
        |findings| {
            known(findings).identity = Err(RefreshError::WrongServer {
                name: Name::new("SMP01.corp.example"),
                expected: Guid::from_u128(1),
                found: Guid::from_u128(2),
            });
        },
        "fail identity SW0402: expected the platform of `SMP01.corp.example` with GUID 00000000-0000-0000-0000-000000000001, found 00000000-0000-0000-0000-000000000002",
    );
}

#[test]
fn another_build_than_the_profile_was_verified_on() {
    check(
        |findings| {
            known(findings).build = Ok(Some(BuildChange::Structures {
                expected: "2025-01-01T00:00:00".into(),
                found: "2026-01-01T00:00:00".into(),
            }));
        },
        "warn build: the types of the server changed: expected 2025-01-01T00:00:00, found 2026-01-01T00:00:00; what is `verified` counts as `discovered`",
    );
}

#[test]
fn lists_that_are_refused_empty_or_short() {
    check(
        |findings| {
            known(findings).lists.insert(
                CountedKind::Subnets,
                Err(fault(500, "ASDKInsufficientPermissionException : no")),
            );
        },
        "fail read-subnets SW0311: subnets cannot be read: 500: signed in, and the SMP refuses the account",
    );
    check(
        |findings| {
            known(findings).lists.insert(CountedKind::Sites, Ok(0));
        },
        "warn read-sites: no sites are shown: there are none, or they are hidden",
    );
    let counted = [(CountedKind::Subnets, 16), (CountedKind::Sites, 15)];
    let report = judged(&findings(), Some(&profile()), &counted);
    assert_eq!(
        shown(&report),
        "warn read-subnets: 12 subnets are shown, and the last run saw 16"
    );
}

#[test]
fn writing_is_not_proven_by_asking() {
    check(
        |findings| known(findings).offered.as_mut().unwrap().actions = Ok(1),
        "warn write: unknown; the console would offer this account one action on a site, as to one that may only read",
    );
    let mut unproven = profile();
    unproven
        .associations
        .subnet_to_site
        .as_mut()
        .unwrap()
        .standing = Standing::Operator;
    let told = |actions: Option<Result<usize, ReadError>>| {
        let mut findings = findings();
        known(&mut findings).offered = actions.map(|actions| Offered {
            on_sites: false,
            actions,
        });
        shown(&judged(&findings, Some(&unproven), &[]))
    };
    assert_eq!(
        told(Some(Ok(4))),
        "warn write: unknown; the console would offer this account 4 actions on the SMP's own computer, as to one that may write"
    );
    assert_eq!(
        told(None),
        "warn write: unknown; there is nothing to ask about"
    );
    assert_eq!(
        told(Some(Err(fault(404, "")))),
        "warn write SW0311: unknown; what the account may do cannot be asked: 404: not there"
    );
}

#[test]
fn a_platform_without_a_profile() {
    let mut findings = findings();
    findings.server.as_mut().unwrap().known = None;
    assert_eq!(
        shown(&judged(&findings, None, &[])),
        "warn profile: `profiles/hq.yaml` does not exist\n\
         skipped since there is no profile to read with: identity build reports read-sites read-subnets read-services read-packages write"
    );
}

#[test]
fn reports_that_are_missing_and_small_reads_that_are_slow() {
    check(
        |findings| known(findings).lost_reports = Ok(vec!["facts", "holders"]),
        "warn reports: the server has lost 2 of 7: facts, holders",
    );
    check(
        |findings| {
            findings.server.as_mut().unwrap().latency =
                [1200, 1300, 1400].map(Duration::from_millis).into();
        },
        "warn latency: 1300 ms for a small read, the median of 3",
    );
    let mut bare = profile();
    bare.reports = crate::profile::Reports::default();
    assert_eq!(
        shown(&judged(&findings(), Some(&bare), &[])),
        "warn reports: none are installed: a refresh asks for each site and service"
    );
}

#[test]
fn a_profile_that_is_good_for_reading_only() {
    let mut found = profile();
    for entry in [&mut found.types.site, &mut found.types.subnet] {
        entry.as_mut().unwrap().standing = Standing::Discovered;
    }
    assert_eq!(
        shown(&judged(&findings(), Some(&found), &[])),
        "warn profile: good for reading; writing lacks `types.site` (discovered), `types.subnet` (discovered)"
    );
}

/// Whatever fails, every line is there: pipelines may look for it.
#[test]
fn every_line_comes_whatever_fails() {
    let ids = |report: &Report| {
        let mut ids: Vec<&str> = report.lines.iter().map(|line| line.id).collect();
        ids.retain(|id| *id != "service");
        ids.sort_unstable();
        ids
    };
    let all = ids(&judged(&findings(), Some(&profile()), &[]));
    assert_eq!(all.len(), 18);
    let mut unreached = findings();
    unreached.server = None;
    unreached.probe.answered = None;
    unreached.probe.tls = None;
    unreached.probe.connected = None;
    unreached.probe.addresses = Err(TransportError::ProxySignIn);
    assert_eq!(ids(&judged(&unreached, None, &[])), all);
}
