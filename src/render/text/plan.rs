//! A whole plan: objects, steps, notes, and the line that sums it up.
//!
//! Pure. The last line always says what applying would mean: a count, `No changes.`, or what blocks it.

use std::collections::BTreeMap;

use super::{impact, notes, objects, steps};
use crate::model::{Platform, Step};
use crate::plan::{Note, Plan, Standing, Tally, tally};
use crate::render::layout::{Page, Paint, Style, and, count};
use crate::render::words::Lookup;

/// Renders a plan.
///
/// # Guarantees
/// The same plan and style give the same text. Without [`Style::full`], the subnets of a plan with more than 200
/// objects are grouped by site and by what happens to them.
#[must_use]
pub fn plan(plan: &Plan, style: &Style) -> String {
    let Plan {
        tool_version: _, // for programs
        platform,
        lineage: _,          // for programs
        serial: _,           // for programs
        journal_sequence: _, // for programs
        desired_digest: _,   // for programs
        snapshot_digest: _,  // for programs
        stale_since: _,      // in a note
        changes,
        impact,
        picture: _, // documents show it
        reach: _,   // in the notes, where a limit is set for it
        steps: planned,
        names: _, // where steps are said
        notes: found,
        counts: _, // for the next plan
    } = plan;
    let Platform {
        server: _, // the name says it
        name,
    } = platform;
    let mut page = Page::new(style);
    if !changes.is_empty() {
        page.heading(&format!("Changes to {name}"));
        objects::write(&mut page, changes);
    }
    if plan.changes_anything() {
        page.heading("Steps");
        steps::write(&mut page, &Lookup::new(plan));
    }
    impact::write(&mut page, impact);
    notes::write(&mut page, found, true);
    page.gap();
    match counted(planned) {
        Some(counts) => page.item(0, Paint::Heading, "Plan:", &counts, 6),
        None if plan.is_blocked() => {}
        None => page.item(0, Paint::Heading, "No changes.", "", 0),
    }
    if plan.is_blocked() {
        page.item(0, Paint::Error, "Blocked:", &blockers(found), 9);
    }
    page.finish()
}

/// The parts of a plan as text, for documents that lay them out in their own way.
pub(in crate::render) struct Parts {
    /// Objects, with marks and fields; empty where none changes.
    pub(in crate::render) changes: String,
    /// Where each of them ends, and how many it stands for.
    pub(in crate::render) change_ends: Vec<(usize, usize)>,
    /// What is done, in order; empty where only our state changes.
    pub(in crate::render) steps: String,
    /// Where each of them ends, and how many it stands for.
    pub(in crate::render) step_ends: Vec<(usize, usize)>,
    /// What that means for clients; empty where nothing does.
    pub(in crate::render) impact: String,
    /// What it comes to, in one sentence.
    pub(in crate::render) verdict: String,
    /// What blocks it.
    pub(in crate::render) blocked: Option<String>,
}

/// Renders the parts of a plan.
pub(in crate::render) fn parts(plan: &Plan, style: &Style) -> Parts {
    let part = |write: &dyn Fn(&mut Page)| {
        let mut page = Page::new(style);
        write(&mut page);
        page.finish()
    };
    let mut changes = Page::new(style);
    let change_ends = objects::marked(&mut changes, &plan.changes);
    let mut planned = Page::new(style);
    let step_ends = if plan.changes_anything() {
        steps::marked(&mut planned, &Lookup::new(plan))
    } else {
        Vec::new()
    };
    Parts {
        changes: changes.finish(),
        change_ends,
        steps: planned.finish(),
        step_ends,
        impact: part(&|page| impact::rows(page, &plan.impact)),
        verdict: counted(&plan.steps).unwrap_or_else(|| "No changes.".to_owned()),
        blocked: plan.is_blocked().then(|| blockers(&plan.notes)),
    }
}

/// `2 sites to create, 1 subnet to move.`; `None` where nothing but our state changes.
fn counted(steps: &[Step]) -> Option<String> {
    let Tally(counts) = tally(steps);
    let counts: Vec<String> = counts
        .iter()
        .map(|(amount, noun, verb)| format!("{} {verb}", count(*amount, noun)))
        .collect();
    (!counts.is_empty()).then(|| format!("{}.", counts.join(", ")))
}

/// What blocks a plan, and how often.
fn blockers(found: &[Note]) -> String {
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for note in found {
        if note.standing == Standing::Blocks {
            *ids.entry(&note.id).or_default() += 1;
        }
    }
    let total: usize = ids.values().sum();
    let listed: Vec<String> = ids
        .into_iter()
        .map(|(id, times)| match times {
            1 => id.to_owned(),
            times => format!("{id} ({times} times)"),
        })
        .collect();
    let remain = if total == 1 { "remains" } else { "remain" };
    format!(
        "by {}: {}. Nothing is applied while {} {remain}.",
        count(total, "error"),
        and(&listed),
        if total == 1 { "it" } else { "they" },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    fn plain(of: &Plan) -> String {
        plan(of, &Style::default())
    }

    #[test]
    fn flat_lan() {
        insta::assert_snapshot!(plain(&sample::flat_lan()), @r#"
        Changes to SMP01.corp.example
        + Site Deployment_Site (sites.yaml:11:3)
            + constrainToSite: true
            + description: "Imaging VLAN, building 4"
            + servers:
                + DEPLOY01.corp.example
        + Site HQ (sites.yaml:3:3)
            + servers:
                + SITE01.corp.example
        ~ Subnet 192.168.0.0/24 (sites.yaml:6:3)
            ~ site: no site -> HQ
        + Subnet 192.168.0.12/32 (sites.yaml:16:3)
            + site: Deployment_Site
        ~ Subnet 192.168.10.0/24 (sites.yaml:15:3)
            ~ site: no site -> Deployment_Site
        ~ PlatformSettings DS and core settings (sites.yaml:21:3)
            + captureTarget: DEPLOY01.corp.example

        Steps
          1. write    create-site Deployment_Site
          2. write    create-site HQ
          3. write    assign-server DEPLOY01.corp.example to Deployment_Site
          4. write    assign-server SITE01.corp.example to HQ
          5. write    assign-subnet 192.168.10.0/24 to Deployment_Site
          6. write    create-subnet 192.168.0.12/32 in Deployment_Site
          7. write    assign-subnet 192.168.0.0/24 to HQ
          8. console  capture-target DEPLOY01.corp.example
                      Settings > Deployment > DS Global Settings > Default Target
                      value: DEPLOY01.corp.example (article 431459)
                      why: captured images go elsewhere
          9. console  constrain Deployment_Site: on
                      Settings > Notification Server > Site Server Settings > Sites >
                        the site > Constrain to Site
                      value: on (article 431459)
                      why: declared as constrained

        Impact
          ~ 192.168.0.12 and 192.168.10.0/24 (257 addresses)
              package: random of DEPLOY01, SITE01 and SMP01 -> only DEPLOY01
              task: the agent's choice of DEPLOY01, SITE01 and SMP01 -> only DEPLOY01
          ~ 192.168.0.0 to 192.168.0.11 and 192.168.0.13 to 192.168.0.255 (255
            addresses)
              package: random of DEPLOY01, SITE01 and SMP01 -> random of SITE01 and
                SMP01
              task: the agent's choice of DEPLOY01, SITE01 and SMP01 -> the agent's
                choice of SITE01 and SMP01
          Clients could not be read, so they are not counted.

        1 finding resolved by this plan
          warning[flat-lan]: `DEPLOY01.corp.example`, `SITE01.corp.example` and
              `SMP01.corp.example` are all valid package and task servers for
              `192.168.0.0/24`, which is in no site: latency decides, and agents drift
              remedy: put the subnets into sites, each with the servers that are to
                serve it
              article: 431459

        Plan: 2 sites to create, 1 subnet to create, 2 subnets to assign, 2 servers to
              assign, 2 console steps to do.
        "#);
    }

    #[test]
    fn no_changes() {
        insta::assert_snapshot!(plain(&sample::empty()), @r"No changes.");
    }

    #[test]
    fn records_only() {
        insta::assert_snapshot!(plain(&sample::records_only()), @r"
        Changes to SMP01.corp.example
          Site Berlin, in our state only
            ~ preventDestroy: true -> false
          Site HQ adopted: it exists, and is declared for the first time
            (sites.yaml:3:3)
          Subnet 10.9.0.0/16 released: it is gone from the server
          Subnet 192.168.0.0/24 adopted: it exists, and is declared for the first time
            (sites.yaml:6:3)

        No changes.
        ");
    }

    #[test]
    fn blocked() {
        insta::assert_snapshot!(plain(&sample::blocked()), @r"
        Changes to SMP01.corp.example
        + Site HQ (sites.yaml:3:3)
            + preventDestroy: true

        Steps
          1. write    create-site HQ

        3 errors that block this plan
          error[SW0506]: server `BRANCH07.corp.example`: the SMP shows no computer of
              that name
              remedy: a site server is an existing managed computer: check the spelling,
                its inventory, and that the account may see it
              at: sites.yaml:3:3, sites.yaml:11:3
          error[SW0506]: server `BRANCH08.corp.example`: the SMP shows no computer of
              that name
              remedy: a site server is an existing managed computer: check the spelling,
                its inventory, and that the account may see it
              at: sites.yaml:3:3, sites.yaml:11:3
          error[subnet-in-two-sites]: subnet `10.7.0.0/24` belongs to `HQ` and `Berlin`
              remedy: let one site only have it: an address in two sites is served by
                either
              at: sites.yaml:3:3, sites.yaml:11:3
              article: 431459

        Plan: 1 site to create.
        Blocked: by 3 errors: SW0506 (2 times) and subnet-in-two-sites. Nothing is
                 applied while they remain.
        ");
    }

    #[test]
    fn blocked_and_nothing_planned() {
        let mut nothing = sample::empty();
        nothing.notes = sample::blocked().notes;
        nothing.notes.truncate(1);
        insta::assert_snapshot!(plain(&nothing), @r"
        1 error that blocks this plan
          error[SW0506]: server `BRANCH07.corp.example`: the SMP shows no computer of
              that name
              remedy: a site server is an existing managed computer: check the spelling,
                its inventory, and that the account may see it
              at: sites.yaml:3:3, sites.yaml:11:3

        Blocked: by 1 error: SW0506. Nothing is applied while it remains.
        ");
    }

    #[test]
    fn console_steps() {
        insta::assert_snapshot!(plain(&sample::console()), @r"
        Changes to SMP01.corp.example
        ~ Site Deployment_Site (sites.yaml:17:3)
            ~ constrainToSite: false -> true
            + servers:
                + DEPLOY01.corp.example
        ~ SiteServer DEPLOY01.corp.example (sites.yaml:18:3)
            + roles:
                + task (what is there now is not readable)
        ~ Package Win11-24H2 golden (sites.yaml:22:3)
            ~ assignment: all package servers -> servers: DEPLOY01.corp.example
        ~ PlatformSettings DS and core settings (sites.yaml:30:3)
            ~ invalidSubnets: not readable -> ^(0\.|169\.254\.)

        Steps
          1. console  install-role task on DEPLOY01.corp.example
                      Settings > Notification Server > Site Server Settings > Site
                        Servers > the server > Services > Install/Remove services
                      value: Task Service (article 180399)
                      why: the role is required, and the server's roles cannot be read
          2. write    assign-server DEPLOY01.corp.example to Deployment_Site, after
                      console step 1
          3. console  await-package Win11-24H2 golden on DEPLOY01.corp.example, after
                      console step 1
                      Manage > Jobs and Tasks > the Deploy Image task > Packages tab
                      value: DEPLOY01.corp.example (article 431459)
                      why: which servers hold it cannot be read
          4. write    narrow-package Win11-24H2 golden to servers:
                      DEPLOY01.corp.example, after console step 3
          5. console  constrain Deployment_Site: on, after console steps 1 and 3
                      Settings > Notification Server > Site Server Settings > Sites >
                        the site > Constrain to Site
                      value: on (article 431459)
                      why: declared as constrained
          6. console  invalid-subnets ^(0\.|169\.254\.)
                      Settings > Notification Server > Core Settings > InvalidSubnets
                      value: ^(0\.|169\.254\.) (article 432283)
                      why: no client can read this setting

        Plan: 1 server to assign, 1 package to assign, 4 console steps to do.
        ");
    }

    #[test]
    fn every_kind_of_change() {
        insta::assert_snapshot!(plain(&sample::everything()), @r#"
        Changes to SMP01.corp.example
        ~ Site Berlin
            ~ description: "" -> "Branch"
        ~ Site HQ (sites.yaml:4:3)
            ~ description:
                  floor 2
                  floor 3
                - contact: Jo
                + contact: \u{1b}[31mKim (no line end)
            ~ servers:
                + SITE01.corp.example
                - DEPLOY01.corp.example
        - Site Paris
        - Subnet 10.1.0.0/16
            - site: Paris
        ~ Subnet 192.168.10.0/24 (sites.yaml:15:3)
            ~ site: HQ -> Berlin
        ~ Package Win11-24H2 golden (sites.yaml:22:3)
            ~ assignment:
                - servers: SITE01.corp.example, SMP01.corp.example
                + servers: DEPLOY01.corp.example

        Steps
           1. write    describe-site Berlin
           2. write    describe-site HQ
           3. write    assign-server SITE01.corp.example to HQ
           4. write    widen-package Win11-24H2 golden to 3 servers
           5. write    move-subnet 192.168.10.0/24 from HQ to Berlin
           6. write    delete-subnet 10.1.0.0/16
           7. write    unassign-server DEPLOY01.corp.example from HQ
           8. write    narrow-package Win11-24H2 golden to servers:
                       DEPLOY01.corp.example
           9. write    delete-site Paris
          10. await    await-package Drivers on PS00, PS01, PS02 and 3 more

        Impact
          ~ 192.168.10.0/24 (256 addresses)
              package: random of DEPLOY01, SITE01 and SMP01 -> not certain: SMP01; or
                DEPLOY01, SITE01 and SMP01
              task: the agent's choice of DEPLOY01, SITE01 and SMP01 -> not certain:
                SMP01; or DEPLOY01, SITE01 and SMP01
          No longer certain: 256 addresses.
          Clients could not be read, so they are not counted.

        Plan: 2 sites to describe, 1 site to delete, 1 subnet to move, 1 subnet to
              delete, 1 server to assign, 1 server to unassign, 1 package to assign, 1
              package to await.
        "#);
    }

    #[test]
    fn huge() {
        let huge = sample::huge(1_234);
        insta::assert_snapshot!(plain(&huge), @r"
        Changes to SMP01.corp.example
        + Site HQ (sites.yaml:3:3)
        + 1,234 subnets to create in `HQ` (10.0.0.0/24 … 10.4.209.0/24)
        ~ 5 subnets to move from `Berlin` to `HQ` (172.16.0.0/24 … 172.16.4.0/24)

        Steps
                  1. write    create-site HQ
             2-1235. write    create-subnet: 1,234 subnets in HQ
          1236-1240. write    move-subnet: 5 subnets from Berlin to HQ

        Impact
          ~ 10.0.0.0 to 10.4.209.255 and 172.16.0.0 to 172.16.4.255 (317,184 addresses)
              package: random of DEPLOY01, SITE01 and SMP01 -> not certain: SMP01; or
                DEPLOY01, SITE01 and SMP01
              task: the agent's choice of DEPLOY01, SITE01 and SMP01 -> not certain:
                SMP01; or DEPLOY01, SITE01 and SMP01
          No longer certain: 317,184 addresses.
          Clients could not be read, so they are not counted.

        Plan: 1 site to create, 1,234 subnets to create, 5 subnets to move.
        ");
        let full = plan(
            &huge,
            &Style {
                full: true,
                ..Style::default()
            },
        );
        assert!(full.lines().count() > 2 * 1_234);
    }

    #[test]
    fn narrow() {
        let style = Style {
            width: 44,
            ..Style::default()
        };
        let mut some = sample::console();
        some.changes.drain(..2);
        some.steps.truncate(3);
        insta::assert_snapshot!(plan(&some, &style), @r"
        Changes to SMP01.corp.example
        ~ Package Win11-24H2 golden
            (sites.yaml:22:3)
            ~ assignment:
                - all package servers
                + servers: DEPLOY01.corp.example
        ~ PlatformSettings DS and core settings
            (sites.yaml:30:3)
            ~ invalidSubnets:
                - not readable
                + ^(0\.|169\.254\.)

        Steps
          1. console  install-role task on
                      DEPLOY01.corp.example
                      Settings > Notification Server
                        > Site Server Settings >
                        Site Servers > the server >
                        Services > Install/Remove
                        services
                      value: Task Service (article
                        180399)
                      why: the role is required, and
                        the server's roles cannot be
                        read
          2. write    assign-server
                      DEPLOY01.corp.example to
                      Deployment_Site, after console
                      step 1
          3. console  await-package Win11-24H2
                      golden on
                      DEPLOY01.corp.example, after
                      console step 1
                      Manage > Jobs and Tasks > the
                        Deploy Image task > Packages
                        tab
                      value: DEPLOY01.corp.example
                        (article 431459)
                      why: which servers hold it
                        cannot be read

        Plan: 1 server to assign, 2 console steps to
              do.
        ");
    }

    #[test]
    fn colour_only_adds_to_the_text() {
        for one in sample::all() {
            let coloured = plan(
                &one,
                &Style {
                    colour: true,
                    ..Style::default()
                },
            );
            assert_eq!(
                anstream::adapter::strip_str(&coloured).to_string(),
                plain(&one)
            );
            assert!(coloured.contains("\u{1b}["));
            assert!(!plain(&one).contains('\u{1b}'));
        }
    }

    #[test]
    fn fits_the_width() {
        for one in sample::all() {
            for width in [44, 60, 80, 120] {
                let style = Style {
                    width,
                    ..Style::default()
                };
                for line in plan(&one, &style).lines() {
                    let words = line.split_whitespace().count();
                    assert!(line.chars().count() <= width || words == 1, "{line}");
                    assert_eq!(line, line.trim_end());
                }
            }
        }
    }
}
