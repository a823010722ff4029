//! `platform check` against servers: what it finds on simulators of every kind, and that it changes nothing on them.

use serde_json::Value;
use sitewright::check::{Kept, Report, Verdict, judge, look, report_schema};
use sitewright::model::{RunId, Safety};
use sitewright::profile::Profile;
use sitewright::render::json;
use sitewright::smp::{Auth, Connection, Reader, Transport};
use sitewright_sim::{ConsoleAction, Language, Level, Options, Quirk};

use crate::support::{Lab, Stages, desired, example};

/// Checks over the transport of some stages, with their profile and state.
pub(crate) async fn checked(stages: &Stages) -> Report {
    over(&stages.transport, stages).await
}

async fn over(transport: &Transport, stages: &Stages) -> Report {
    let reader = Reader::new(transport.clone(), stages.profile.clone().into());
    let now = jiff::Timestamp::now();
    let findings = look(&reader, true, None, now, &|_| {}).await;
    kept(&findings, stages, Some(&stages.profile)).await
}

async fn kept(
    findings: &sitewright::check::Findings,
    stages: &Stages,
    profile: Option<&Profile>,
) -> Report {
    judge(
        findings,
        &Kept {
            platform: Some("hq"),
            profile_file: "profiles/hq.yaml",
            profile,
            counted: &stages.ownership().await.counted,
            safety: &Safety::default(),
        },
    )
}

/// The lines that are neither `ok` nor skipped.
pub(crate) fn faults(report: &Report) -> Vec<String> {
    let lines = report.lines.iter();
    lines
        .filter(|line| matches!(line.verdict, Verdict::Warn | Verdict::Fail))
        .map(|line| format!("{} {}: {}", line.verdict.as_str(), line.id, line.found))
        .collect()
}

fn lab(options: Options) -> Lab {
    Lab::start(options)
}

fn flat_lan(quirks: &[Quirk]) -> Options {
    let mut options = Options::builtin("flat-lan").unwrap();
    options.quirks.extend(quirks);
    options
}

pub(crate) const NO_SITES: &str =
    "warn read-sites: no sites are shown: there are none, or they are hidden";
pub(crate) const NO_REPORTS: &str =
    "warn reports: none are installed: a refresh asks for each site and service";
const MAY_WRITE: &str = "warn write: unknown; the console would offer this account 4 actions on a site, as to one that may write";

#[tokio::test]
async fn a_simulator_is_fit_in_every_manner_and_nothing_is_written() {
    let manners: [&[Quirk]; 4] = [
        &[],
        &[Quirk::HtmlErrors, Quirk::Table1],
        &[
            Quirk::OtherElements,
            Quirk::ShuffledElements,
            Quirk::Prefixed,
        ],
        &[Quirk::Gzip, Quirk::Chunked, Quirk::BracedGuids],
    ];
    let languages = [Language::En, Language::De, Language::Fr, Language::Ja];
    for (quirks, language) in manners.into_iter().zip(languages) {
        let mut options = flat_lan(quirks);
        options.language = language;
        let lab = lab(options);
        let dump = lab.world().dump();
        let report = checked(&lab).await;
        assert_eq!(report.count(Verdict::Fail), 0, "{:#?}", faults(&report));
        assert_eq!(report.count(Verdict::Skipped), 0);
        assert_eq!(faults(&report)[..2], [NO_REPORTS, NO_SITES], "{quirks:?}");
        assert!(!lab.server.requests().iter().any(|request| request.writes));
        assert_eq!(lab.world().dump(), dump);
    }
}

#[tokio::test]
async fn what_is_written_as_json_meets_the_schema() {
    let lab = lab(flat_lan(&[Quirk::NoDeploymentSolution]));
    let report = checked(&lab).await;
    let text = json::checked(&report);
    let written: Value = serde_json::from_str(&text).unwrap();
    let schema = jsonschema::validator_for(&report_schema()).unwrap();
    assert!(schema.is_valid(&written), "{text}");
    let services = &written["lines"][5];
    assert_eq!(services["id"], "services");
    assert_eq!(services["verdict"], "warn");
    assert_eq!(written["lines"][6]["code"], "SW0311");
    assert!(text.ends_with("}\n"));
}

#[tokio::test]
async fn an_account_that_may_only_read_is_told_so() {
    let mut lab = lab(flat_lan(&[]));
    lab.install_reports().await;
    lab.converge_watched(&example("deployment-site"), &mut |_| {})
        .await;
    assert_eq!(faults(&checked(&lab).await), [MAY_WRITE]);
    let lab = Lab::start({
        let mut options = Options::builtin("branch-offices").unwrap();
        options.quirks.insert(Quirk::ReadOnlyAccount);
        options
    });
    let told = faults(&checked(&lab).await);
    assert_eq!(
        told,
        [
            NO_REPORTS,
            "warn write: unknown; the console would offer this account one action on a site, as to one that may only read"
        ]
    );
}

#[tokio::test]
async fn what_is_no_longer_shown_is_told() {
    let lab = lab(flat_lan(&[]));
    let many = "apiVersion: sitewright/v1
kind: Site
metadata: { name: Office }
spec:
  subnets: [192.168.0.0/24, 192.168.10.0/24, 10.0.0.0/24, 10.0.1.0/24, 10.0.2.0/24, 10.0.3.0/24]
  servers: [{ name: SITE01.corp.example }]
";
    lab.converge_watched(&desired(many), &mut |_| {}).await;
    let (kind, hidden) = ("subnets".to_owned(), "all".to_owned());
    lab.world()
        .console(ConsoleAction::Scope { kind, hidden })
        .unwrap();
    let told = faults(&checked(&lab).await);
    assert!(
        told.contains(&"warn read-subnets: 0 subnets are shown, and the last run saw 6".to_owned()),
        "{told:#?}"
    );
}

#[tokio::test]
async fn a_clock_that_is_ahead_is_told_and_keeps_nothing_from_being_looked_at() {
    let lab = lab(flat_lan(&[Quirk::ClockAhead]));
    let report = checked(&lab).await;
    assert_eq!(report.count(Verdict::Fail), 1);
    assert_eq!(report.count(Verdict::Skipped), 0);
    let told = faults(&report);
    assert!(
        told[0].starts_with("fail clock: the server's clock is 7 min")
            || told[0].starts_with("fail clock: the server's clock is 6 min 5"),
        "{told:#?}"
    );
}

#[tokio::test]
async fn levels_are_told_by_the_services() {
    for (level, expect) in [
        (Level::V71, "before 8.0"),
        (Level::V81, "8.1 or later, and before 8.5"),
        (Level::V85Ru3, "8.5 RU3 or later, and before 8.5 RU4"),
    ] {
        let lab = lab(Options {
            level,
            ..flat_lan(&[])
        });
        let report = checked(&lab).await;
        let line = report.lines.iter().find(|line| line.id == "version");
        let line = line.unwrap();
        assert!(line.found.contains(expect), "{}", line.found);
    }
}

#[tokio::test]
async fn a_server_that_is_not_reached() {
    let lab = lab(flat_lan(&[]));
    let check = async |url: &str, auth: Auth| {
        let mut connection = Connection::new(url.parse().unwrap(), RunId("test".into()));
        connection.auth = auth;
        let report = over(&Transport::new(connection).unwrap(), &lab).await;
        let failed: Vec<(&str, Option<&str>)> = report
            .lines
            .iter()
            .filter(|line| line.verdict == Verdict::Fail)
            .map(|line| (line.id, line.code))
            .collect();
        assert!(report.count(Verdict::Skipped) > 10);
        failed
    };
    assert_eq!(
        check("http://smp.invalid", Auth::None).await,
        [("resolve", Some("SW0303"))]
    );
    // A simulator that has stopped leaves a port that nobody listens at.
    let stopped = self::lab(flat_lan(&[])).server.url();
    assert_eq!(
        check(&stopped, Auth::None).await,
        [("connect", Some("SW0303"))]
    );
    // It speaks HTTP, and no TLS.
    let plain = lab.server.url().replace("http:", "https:");
    let failed = check(&plain, Auth::None).await;
    assert!(matches!(failed[..], [("tls", Some(_))]), "{failed:?}");
}
