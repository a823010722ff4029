//! Saved plans as documents: [`PlanFile`] → text, Markdown for a pull request, a page of HTML to read or to print.
//!
//! Pure. Each says which plan it shows: its digest, when it was made, and the state that it stands on. The same file
//! gives the same bytes.

mod html;
mod markdown;

pub use html::html;
pub use markdown::{COMMENT, markdown};

use super::layout::{Page, Paint, Style};
use super::text;
use crate::model::Platform;
use crate::plan::PlanFile;

/// How many notes of a group a document lists where not everything is asked for.
const NOTES: usize = 50;
/// The width of what stands in blocks of Markdown and HTML.
const WIDTH: usize = 100;

/// What a document says of a plan beside the plan.
struct About {
    platform: String,
    /// Names and values, in order.
    rows: Vec<(&'static str, String)>,
}

fn about(file: &PlanFile) -> About {
    let PlanFile {
        format_version: _, // of the file
        tool_version,
        created_at,
        digest,
        platform: Platform {
            server: _, // the name says it
            name,
        },
        lineage,
        serial,
        journal_sequence: _, // for programs
        desired_digest,
        snapshot_digest,
        stale_since,
        changes: _, // the plan shows them
        impact: _,  // the plan shows it
        picture: _, // by pictures
        reach: _,   // for limits
        steps: _,   // the plan shows them
        names: _,   // in the words
        notes: _,   // the plan shows them
        counts: _,  // for the next plan
    } = file;
    let state = if lineage.is_empty() {
        "none yet".to_owned()
    } else {
        format!("serial {serial} of {lineage}")
    };
    let mut rows = vec![
        ("made", format!("{created_at} by sitewright {tool_version}")),
        ("digest", digest.clone()),
        ("state", state),
        ("declared", desired_digest.clone()),
        ("relies on", snapshot_digest.clone()),
    ];
    if let Some(read) = stale_since {
        let age = age(read, created_at)
            .map_or_else(String::new, |age| format!(", {age} before it was made"));
        rows.push(("read", format!("{read}{age}")));
    }
    About {
        platform: name.to_string(),
        rows,
    }
}

/// How much later a time is than another, in words; `None` where one of them is no time, or it is not later.
#[must_use]
pub fn age(read: &str, now: &str) -> Option<String> {
    let read: jiff::Timestamp = read.parse().ok()?;
    let now: jiff::Timestamp = now.parse().ok()?;
    let minutes = now.duration_since(read).as_secs() / 60;
    let count = |amount: i64, noun: &str| {
        let amount = usize::try_from(amount).unwrap_or_default();
        super::layout::count(amount, noun)
    };
    match minutes {
        ..0 => None,
        0 => Some("less than a minute".to_owned()),
        1..120 => Some(count(minutes, "minute")),
        120..2_880 => Some(count(minutes / 60, "hour")),
        _ => Some(count(minutes / 1_440, "day")),
    }
}

/// Renders a saved plan as text: where it comes from, then the plan as `plan` shows it.
#[must_use]
pub fn text(file: &PlanFile, style: &Style) -> String {
    let About { platform, rows } = about(file);
    let mut page = Page::new(style);
    page.item(0, Paint::Heading, &format!("Plan for {platform}"), "", 0);
    for (name, value) in rows {
        page.item(2, Paint::Plain, &format!("{name:<9}"), &value, 12);
    }
    page.gap();
    page.finish() + &text::plan(&file.clone().plan(), style)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;
    use crate::plan::Plan;
    use crate::render::sample;

    fn saved(plan: &Plan) -> PlanFile {
        PlanFile::seal(plan, "2026-11-25T12:00:00Z")
    }

    #[test]
    fn as_text() {
        let mut small = sample::blocked();
        small.notes.truncate(1);
        let digest = small.digest();
        let shown = text(&saved(&small), &Style::default()).replace(&digest, "[DIGEST]");
        insta::assert_snapshot!(shown, @r"
        Plan for SMP01.corp.example
          made      2026-11-25T12:00:00Z by sitewright 0.1.0
          digest    [DIGEST]
          state     serial 7 of b1c2
          declared  dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
          relies on 5555555555555555555555555555555555555555555555555555555555555555

        Changes to SMP01.corp.example
        + Site HQ (sites.yaml:3:3)
            + preventDestroy: true

        Steps
          1. write    create-site HQ

        1 error that blocks this plan
          error[SW0506]: server `BRANCH07.corp.example`: the SMP shows no computer of
              that name
              remedy: a site server is an existing managed computer: check the spelling,
                its inventory, and that the account may see it
              at: sites.yaml:3:3, sites.yaml:11:3

        Plan: 1 site to create.
        Blocked: by 1 error: SW0506. Nothing is applied while it remains.
        ");
    }

    #[test]
    fn as_markdown() {
        let plan = sample::everything();
        let shown = markdown(&saved(&plan), false).replace(&plan.digest(), "[DIGEST]");
        insta::assert_snapshot!(shown, @r#"
        <!-- sitewright plan SMP01.corp.example -->
        ## Plan for `SMP01.corp.example`

        **2 sites to describe, 1 site to delete, 1 subnet to move, 1 subnet to delete, 1 server to assign, 1 server to unassign, 1 package to assign, 1 package to await.**

        ### Changes

        ```diff
        ! Site Berlin
        !     description: "" -> "Branch"
        ! Site HQ (sites.yaml:4:3)
        !     description:
                    floor 2
                    floor 3
        -         contact: Jo
        +         contact: \u{1b}[31mKim (no line end)
        !     servers:
        +         SITE01.corp.example
        -         DEPLOY01.corp.example
        - Site Paris
        - Subnet 10.1.0.0/16
        -     site: Paris
        ! Subnet 192.168.10.0/24 (sites.yaml:15:3)
        !     site: HQ -> Berlin
        ! Package Win11-24H2 golden (sites.yaml:22:3)
        !     assignment: servers: SITE01.corp.example, SMP01.corp.example -> servers: DEPLOY01.corp.example
        ```

        ### Impact on clients

        ```text
          ~ 192.168.10.0/24 (256 addresses)
              package: random of DEPLOY01, SITE01 and SMP01 -> not certain: SMP01; or DEPLOY01, SITE01 and
                SMP01
              task: the agent's choice of DEPLOY01, SITE01 and SMP01 -> not certain: SMP01; or DEPLOY01,
                SITE01 and SMP01
          No longer certain: 256 addresses.
          Clients could not be read, so they are not counted.
        ```

        <details>
        <summary>Steps (10)</summary>

        ```text
           1. write    describe-site Berlin
           2. write    describe-site HQ
           3. write    assign-server SITE01.corp.example to HQ
           4. write    widen-package Win11-24H2 golden to 3 servers
           5. write    move-subnet 192.168.10.0/24 from HQ to Berlin
           6. write    delete-subnet 10.1.0.0/16
           7. write    unassign-server DEPLOY01.corp.example from HQ
           8. write    narrow-package Win11-24H2 golden to servers: DEPLOY01.corp.example
           9. write    delete-site Paris
          10. await    await-package Drivers on PS00, PS01, PS02 and 3 more
        ```

        </details>

        | | |
        |---|---|
        | made | `2026-11-25T12:00:00Z by sitewright 0.1.0` |
        | digest | `[DIGEST]` |
        | state | `serial 7 of b1c2` |
        | declared | `dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd` |
        | relies on | `5555555555555555555555555555555555555555555555555555555555555555` |
        "#);
    }

    #[test]
    fn as_markdown_when_blocked() {
        let plan = sample::blocked();
        let shown = markdown(&saved(&plan), false).replace(&plan.digest(), "[DIGEST]");
        insta::assert_snapshot!(shown, @r"
        <!-- sitewright plan SMP01.corp.example -->
        ## Plan for `SMP01.corp.example`

        **1 site to create.**

        > **Blocked** by 3 errors: SW0506 (2 times) and subnet-in-two-sites. Nothing is applied while they remain.

        ### Changes

        ```diff
        + Site HQ (sites.yaml:3:3)
        +     preventDestroy: true
        ```

        ### 3 errors that block this plan

        - **error** `SW0506`: server `BRANCH07.corp.example`: the SMP shows no computer of that name
          - remedy: a site server is an existing managed computer: check the spelling, its inventory, and that the account may see it
          - at: `sites.yaml:3:3`, `sites.yaml:11:3`
        - **error** `SW0506`: server `BRANCH08.corp.example`: the SMP shows no computer of that name
          - remedy: a site server is an existing managed computer: check the spelling, its inventory, and that the account may see it
          - at: `sites.yaml:3:3`, `sites.yaml:11:3`
        - **error** `subnet-in-two-sites`: subnet `10.7.0.0/24` belongs to `HQ` and `Berlin`
          - remedy: let one site only have it: an address in two sites is served by either
          - at: `sites.yaml:3:3`, `sites.yaml:11:3`
          - article: 431459

        <details>
        <summary>Steps (1)</summary>

        ```text
          1. write    create-site HQ
        ```

        </details>

        | | |
        |---|---|
        | made | `2026-11-25T12:00:00Z by sitewright 0.1.0` |
        | digest | `[DIGEST]` |
        | state | `serial 7 of b1c2` |
        | declared | `dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd` |
        | relies on | `5555555555555555555555555555555555555555555555555555555555555555` |
        ");
    }

    /// The same plan with a name in the place of a site's that is meant to do harm.
    fn hostile(plan: &Plan, name: &str) -> PlanFile {
        let text = saved(plan).write();
        let name = serde_json::to_string(name).unwrap();
        let text = text.replace("Deployment_Site", name.trim_matches('"'));
        let file: PlanFile = serde_json::from_str(&text).unwrap();
        saved(&file.plan())
    }

    #[test]
    fn hostile_names_are_only_names() {
        let name = "<script>alert(1)</script>&\"' onload='x` ```\u{202e}\n</details>\n# gone @all";
        for plan in [sample::flat_lan(), sample::console()] {
            let file = hostile(&plan, name);
            let page = html(&file, true);
            assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;"));
            for forbidden in ["<script", "\u{202e}", "http://", "https://", "src=", "url("] {
                assert!(!page.contains(forbidden), "{forbidden}");
            }
            // Every tag is one of ours, and what is opened is closed.
            let mut open: Vec<&str> = Vec::new();
            let (_, body) = page.split_once("<body>").unwrap();
            let (body, _) = body.split_once("</body>").unwrap();
            for piece in body.split('<').skip(1) {
                let (tag, _) = piece.split_once('>').unwrap();
                let word = tag.trim_start_matches('/').split(' ').next().unwrap();
                assert!(TAGS.contains(&word), "<{tag}>");
                if tag.starts_with('/') {
                    assert_eq!(open.pop(), Some(word));
                } else if !tag.ends_with('/') {
                    open.push(word);
                }
            }
            assert!(open.is_empty(), "{open:?}");
            // In Markdown, nothing of it stands outside of a block or a code span.
            let page = markdown(&file, true);
            assert!(!page.contains('\u{202e}'));
            let headings = page.lines().filter(|line| line.starts_with('#')).count();
            let plain = markdown(&hostile(&plan, "Plain"), true);
            let expected = plain.lines().filter(|line| line.starts_with('#')).count();
            assert_eq!(headings, expected);
            assert_eq!(
                page.matches("\n</details>\n").count(),
                plain.matches("\n</details>\n").count()
            );
        }
    }

    const TAGS: &[&str] = &[
        "span",
        "h1",
        "h2",
        "p",
        "div",
        "strong",
        "section",
        "dl",
        "dt",
        "dd",
        "code",
        "pre",
        "b",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "svg",
        "title",
        "desc",
        "rect",
        "circle",
        "path",
        "text",
        "figure",
        "figcaption",
        "ul",
        "li",
        "details",
        "summary",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_comment_holds_any_plan(
            name in prop::collection::vec(prop::sample::select(vec![
                "`", "```", "|", "</details>", "<!--", "-->", "\n", "# ", "@all", "𝔘", "東京", "a", " ", "\u{202e}",
            ]), 1..80),
            notes in 0_usize..400,
            long in 1_usize..40,
            steps in prop::sample::select(vec![3_u32, 190, 600]),
        ) {
            let name = name.concat();
            let mut plan = sample::huge(steps);
            for (number, change) in plan.changes.iter_mut().enumerate() {
                change.note = Some(format!("{name} {number}"));
                change.place = Some(name.clone());
            }
            for step in &mut plan.steps {
                step.reason.clone_from(&name);
            }
            let pattern = sample::blocked().notes.remove(0);
            plan.notes = (0..notes)
                .map(|number| crate::plan::Note {
                    message: format!("`{}` {number}", name.repeat(long)),
                    ..pattern.clone()
                })
                .collect();
            plan.platform.name = crate::model::Name::new(&name.repeat(20));
            let page = markdown(&saved(&plan), false);
            prop_assert!(page.encode_utf16().count() <= COMMENT);
            prop_assert!(page.len() <= 262_144);
            let first = page.lines().next().unwrap();
            prop_assert!(first.starts_with("<!-- sitewright plan ") && first.ends_with(" -->"), "{}", first);
            prop_assert_eq!(first.matches("--").count(), 2);
            // What is folded is closed, and the end is always there.
            let opened = page.lines().filter(|line| *line == "<details>").count();
            prop_assert_eq!(page.lines().filter(|line| *line == "</details>").count(), opened);
            prop_assert!(page.contains("| digest | `"));
            // What is left out is said, and where it is.
            let is_cut = page.contains("> **Cut to fit a comment:**");
            prop_assert_eq!(page.contains(" not shown here.*"), is_cut);
            let shown = page.lines().filter(|line| line.starts_with("- **error** ")).count();
            let left: usize = page
                .lines()
                .filter_map(|line| line.strip_prefix('*')?.split_once(" more note"))
                .filter_map(|(number, _)| number.parse::<usize>().ok())
                .sum();
            prop_assert_eq!(shown + left, notes);
        }
    }

    #[test]
    fn what_is_left_out_of_a_comment_is_counted() {
        let mut plan = sample::huge(190);
        for change in &mut plan.changes {
            change.note = Some("x".repeat(1_000));
        }
        let page = markdown(&saved(&plan), false);
        let objects = plan.changes.len();
        let shown = page
            .lines()
            .filter(|line| line.contains("Subnet ") || line.contains("Site "))
            .count();
        let said: usize = page
            .lines()
            .find_map(|line| {
                line.strip_prefix('*')?
                    .strip_suffix(" more objects not shown here.*")?
                    .parse()
                    .ok()
            })
            .unwrap();
        assert!(said > 0);
        assert_eq!(shown + said, objects);
        assert!(page.contains(&format!("{said} objects left out")), "{page}");
        assert!(page.contains(&plan.digest()));
    }

    #[test]
    fn a_comment_on_2000_subnets_says_what_is_left_out() {
        let mut plan = sample::huge(2_000);
        let pattern = sample::blocked().notes.remove(0);
        plan.notes = (0..2_000)
            .map(|number| crate::plan::Note {
                message: format!(
                    "subnet `10.{}.{}.0/24` overlaps",
                    number / 256,
                    number % 256
                ),
                ..pattern.clone()
            })
            .collect();
        let file = saved(&plan);
        let page = markdown(&file, false);
        let length = page.encode_utf16().count();
        assert!(length <= COMMENT && length > COMMENT * 9 / 10, "{length}");
        let shown = page.matches("- **error** ").count();
        let cut = format!(
            "\n> **Cut to fit a comment:** {} notes left out. The whole is in the plan file: `sitewright show PLANFILE`",
            crate::render::layout::number(2_000 - shown)
        );
        assert!(page.contains(&cut), "{cut}\n{page}");
        // What blocks it, what changes and the steps are there all the same.
        for part in [
            "> **Blocked** by 2,000 errors",
            "### Changes",
            "<summary>Steps (2,00",
            "| digest |",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(markdown(&file, true).encode_utf16().count() > COMMENT);
    }

    #[test]
    fn the_same_file_gives_the_same_bytes() {
        for plan in sample::all() {
            let (one, two) = (saved(&plan), saved(&plan.clone()));
            assert_eq!(html(&one, false), html(&two, false));
            assert_eq!(markdown(&one, true), markdown(&two, true));
            assert!(html(&one, false).contains(&plan.digest()));
            assert!(markdown(&one, false).contains("2026-11-25T12:00:00Z"));
        }
    }

    #[test]
    fn what_is_huge_fits_a_comment_unless_all_is_asked_for() {
        let file = saved(&sample::huge(5_000));
        assert!(markdown(&file, false).len() < 10_000);
        assert!(html(&file, false).len() < 20_000);
        assert!(markdown(&file, true).lines().count() > 10_000);
        assert!(html(&file, true).contains("10.4.210.0/24"));
    }
}
