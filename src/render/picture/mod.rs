//! The pictures of a plan, as HTML with SVG in it: the topology, and the address space, each before and after.
//!
//! Pure. Both panels of a picture have the same layout, so that what differs is seen by looking from one to the other;
//! a panel is as wide as a phone. What comes, goes or changes has a mark of its own shape, and is dotted where it is
//! not. Everything that a picture shows stands in a table below it, too.

mod space;
mod svg;
mod tables;
mod topology;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::model::{Name, Role};
use crate::plan::{LeftOut, Picture, PictureOutcome};
use crate::render::layout::{count, number};
use crate::render::safe::html::escape;
use crate::render::text::Hosts;

/// What is added to the style of a page that has pictures.
pub(super) const STYLE: &str = "\
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem 1.5rem; }
figure { margin: .6rem 0; min-width: 0; }
figcaption { margin-bottom: .4rem; font-weight: 600; }
svg { display: block; width: 100%; max-width: 36rem; height: auto; }
.pair + .pair { margin-top: 1rem; }
svg text { fill: var(--ink); font: 11px system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif; }
svg .name { font-weight: 600; }
svg .plain, svg .name { paint-order: stroke; stroke: var(--box); stroke-width: 2px; }
svg .net { font: 10.5px ui-monospace, 'Cascadia Mono', Consolas, 'Liberation Mono', monospace; }
svg .small { font-size: 10px; fill: var(--dim); }
svg .end { text-anchor: end; }
svg .ghost { fill: var(--dim); font-style: italic; }
svg .box { fill: var(--box); stroke: var(--dim); }
svg .missing { fill: none; stroke: var(--dim); stroke-dasharray: 2 3; }
svg .none { fill: none; stroke: var(--cut); stroke-dasharray: 5 3; }
svg .line { fill: none; stroke: var(--dim); stroke-width: 1.2; }
svg .perhaps { stroke-dasharray: 4 3; }
svg .hatch { fill: none; stroke: var(--turn); stroke-width: .6; opacity: .55; }
svg .add { stroke: var(--add); fill: var(--add); }
svg .cut { stroke: var(--cut); fill: var(--cut); }
svg .turn { stroke: var(--turn); fill: var(--turn); }
svg .line.add, svg .line.cut, svg .line.turn { fill: none; stroke-width: 2.2; }
svg .box.add, svg .box.cut, svg .box.turn { fill: var(--box); stroke-width: 2; }
svg text.add, svg text.cut, svg text.turn { stroke: none; font-weight: 600; }
svg .mark { stroke: none; }
svg text.sign { fill: var(--page); stroke: none; font-weight: 700; text-anchor: middle; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .4rem 0 .8rem; padding: 0; list-style: none;
  color: var(--dim); font-size: .88rem; }
.legend svg { display: inline-block; width: 1.1em; height: 1.1em; margin-right: .35em; vertical-align: -.2em; }
.more { color: var(--dim); }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--dim); }
@media print {
  .pair { grid-template-columns: 1fr 1fr; gap: .5rem; break-inside: avoid; }
  .pair svg { max-height: 230mm; }
  .about, .legend { break-inside: avoid; break-after: avoid; }
  svg .box, svg .mark { print-color-adjust: exact; }
  details:not([open]) { display: none; }
}
@media (max-width: 34rem) {
  .stack thead { position: absolute; clip-path: inset(50%); }
  .stack tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--line); }
  .stack td { display: block; padding: .1rem 0; border: 0; }
  .stack td::before { content: attr(data-name) ': '; color: var(--dim); }
}
";

/// Which of both worlds a panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum World {
    Before,
    After,
}

impl World {
    const BOTH: [Self; 2] = [Self::Before, Self::After];

    const fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }

    /// The one of two that is this world's.
    fn of<T>(self, before: T, after: T) -> T {
        match self {
            Self::Before => before,
            Self::After => after,
        }
    }
}

/// What becomes of something that is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Same,
    Added,
    Removed,
    Changed,
}

impl Fate {
    /// Of something that is there before and after or not, and may differ.
    const fn of(before: bool, after: bool, differs: bool) -> Self {
        match (before, after) {
            (false, true) => Self::Added,
            (true, false) => Self::Removed,
            _ if differs => Self::Changed,
            _ => Self::Same,
        }
    }

    /// The class of the style; empty for what stays.
    const fn class(self) -> &'static str {
        match self {
            Self::Same => "",
            Self::Added => "add",
            Self::Removed => "cut",
            Self::Changed => "turn",
        }
    }

    /// The class of a box.
    const fn of_box(self) -> &'static str {
        match self {
            Self::Same => "box",
            Self::Added => "box add",
            Self::Removed => "box cut",
            Self::Changed => "box turn",
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Same => "",
            Self::Added => "+",
            Self::Removed => "−",
            Self::Changed => "~",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Same => "stays",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// Renders both pictures as sections of a page; nothing where there is nothing to show.
pub(super) fn pictures(picture: &Picture) -> String {
    let Picture {
        sites,
        servers,
        ranges,
        outcomes,
        left_out,
    } = picture;
    let mut page = String::new();
    let names = servers.iter().filter_map(|server| server.name.as_ref());
    let hosts = Hosts::of_names(names.chain(outcomes.iter().flat_map(|outcome| &outcome.servers)));
    if !sites.is_empty() {
        let sheets = topology::sheets(picture, &hosts);
        let table = tables::sites(picture, &hosts);
        section(
            &mut page,
            ("Topology", TOPOLOGY, topology::LEGEND),
            &sheets,
            &more_sites(*left_out),
            &table,
        );
    }
    if !ranges.is_empty() {
        let sheets = space::sheets(picture, &hosts);
        let table = tables::ranges(picture, &hosts);
        section(
            &mut page,
            ("Address space", SPACE, space::LEGEND),
            &sheets,
            &more_ranges(*left_out),
            &table,
        );
    }
    page
}

const TOPOLOGY: &str = "Sites with their subnets on the left, servers on the right. A line says that the server may \
                        serve the site: P for packages, T for tasks, N for network boot; a question mark and a broken \
                        line that it does so by some reading of the sources only.";
const SPACE: &str = "Addresses from the first to the last, not to scale. Each bar on the left is one known subnet: bars \
                     side by side overlap, and the inner one, on the right, decides.";

fn section(
    page: &mut String,
    (title, text, legend): (&str, &str, &[(&str, &str)]),
    sheets: &[[String; 2]],
    more: &str,
    table: &str,
) {
    let _ = write!(
        page,
        "<section>\n<h2>{title}</h2>\n<p class=\"about\">{text}</p>\n<ul class=\"legend\">\n"
    );
    for (shape, word) in legend {
        let _ = writeln!(
            page,
            "<li><svg viewBox=\"0 0 14 14\" aria-hidden=\"true\">{shape}</svg>{word}</li>"
        );
    }
    page.push_str("</ul>\n");
    for (panels, ordinal) in sheets.iter().zip(1_usize..) {
        page.push_str("<div class=\"pair\">\n");
        for (panel, world) in panels.iter().zip(["Before", "After"]) {
            let _ = write!(page, "<figure>\n<figcaption>{world}");
            if sheets.len() > 1 {
                let _ = write!(page, ", {ordinal} of {}", sheets.len());
            }
            let _ = write!(page, "</figcaption>\n{panel}</figure>\n");
        }
        page.push_str("</div>\n");
    }
    if !more.is_empty() {
        let _ = writeln!(page, "<p class=\"more\">{more}</p>");
    }
    let _ = write!(
        page,
        "<details>\n<summary>The same as a table</summary>\n{table}</details>\n</section>\n"
    );
}

fn amount(number: u64, noun: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), noun)
}

fn more_sites(left_out: LeftOut) -> String {
    let LeftOut {
        touched_sites,
        other_sites,
        servers,
        touched_ranges: _, // of the other picture
        other_ranges: _,
    } = left_out;
    let (most, _) = Picture::limits();
    let mut said = Vec::new();
    if touched_sites > 0 {
        said.push(format!(
            "<strong>{} that the plan touches are not drawn</strong>: the picture holds {most} at most.",
            amount(touched_sites, "more site")
        ));
    }
    if servers > 0 {
        said.push(format!(
            "{} of the sites above, too.",
            amount(servers, "more server")
        ));
    }
    if other_sites > 0 {
        said.push(format!(
            "{} that the plan does not touch: not drawn.",
            amount(other_sites, "other site")
        ));
    }
    said.join(" ")
}

fn more_ranges(left_out: LeftOut) -> String {
    let LeftOut {
        touched_sites: _, // of the other picture
        other_sites: _,
        servers: _,
        touched_ranges,
        other_ranges,
    } = left_out;
    let (_, most) = Picture::limits();
    let mut said = Vec::new();
    if touched_ranges > 0 {
        said.push(format!(
            "<strong>{} that the plan touches are not drawn</strong>: the picture holds {most} at most.",
            amount(touched_ranges, "more range")
        ));
    }
    if other_ranges > 0 {
        said.push(format!(
            "{} that the plan does not touch: not drawn.",
            amount(other_ranges, "other range")
        ));
    }
    said.join(" ")
}

/// How high a sheet may be: both worlds of it stand side by side on a page of A4 or Letter, below the title and the legend.
const SHEET: f64 = 760.0;

/// Divides what is drawn one below the other into sheets; what is too high by itself is a sheet of its own.
fn sheets_of<T>(all: &[T], height: impl Fn(&[T]) -> f64) -> Vec<&[T]> {
    let mut sheets = Vec::new();
    let mut rest = all;
    while !rest.is_empty() {
        let fits = |amount: &usize| {
            rest.get(..*amount)
                .is_some_and(|some| height(some) <= SHEET)
        };
        let amount = (1..=rest.len()).take_while(fits).last().unwrap_or(1);
        let (sheet, others) = rest.split_at(amount);
        sheets.push(sheet);
        rest = others;
    }
    sheets
}

/// A number of rows as a measure; nothing here is longer than a page.
fn float(number: usize) -> f64 {
    f64::from(u16::try_from(number).unwrap_or(u16::MAX))
}

/// The letter of a role.
const fn letter(role: Role) -> char {
    match role {
        Role::Package => 'P',
        Role::Task => 'T',
        Role::NetworkBoot => 'N',
        Role::Monitor => 'M',
    }
}

/// Roles in words.
fn roles(roles: &BTreeSet<Role>) -> String {
    let words: Vec<String> = roles.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// Who serves, in words: `only DEPLOY01`, `SITE01, SMP01`, `nobody`; what is not certain begins with a question mark.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Saying {
    /// What comes before the names, with a blank behind it; `nobody` where there are none.
    lead: &'static str,
    names: Vec<String>,
    /// How many more servers there are.
    more: usize,
    /// What else may be, by some reading of the sources.
    or: Option<&'static str>,
}

impl Saying {
    /// Its parts, with so many of the names.
    fn items(&self, shown: usize) -> Vec<String> {
        let mut items: Vec<String> = self.names.iter().take(shown).cloned().collect();
        let more = self.more + self.names.len().saturating_sub(shown);
        if more > 0 {
            items.push(format!("{} more", number(more)));
        }
        items.extend(self.or.map(ToOwned::to_owned));
        items
    }

    fn whole(&self) -> String {
        format!("{}{}", self.lead, self.items(usize::MAX).join(", "))
    }
}

fn saying(outcome: Option<&PictureOutcome>, hosts: &Hosts) -> Saying {
    let mut said = Saying {
        lead: "",
        names: Vec::new(),
        more: 0,
        or: None,
    };
    let Some(PictureOutcome {
        choice,
        servers,
        of,
        served,
    }) = outcome
    else {
        return said;
    };
    said.names = servers
        .iter()
        .map(|name| hosts.one(name).to_owned())
        .collect();
    let of = usize::try_from(*of).unwrap_or(usize::MAX);
    said.more = of.saturating_sub(said.names.len());
    match choice.as_str() {
        "none" => said.lead = "nobody",
        "only" => said.lead = "only ",
        "indeterminate" if said.names.is_empty() => said.lead = "? nobody",
        "indeterminate" => {
            said.lead = "? ";
            said.or = (!served).then_some("or nobody");
        }
        _ => {}
    }
    said
}

/// A cell of a table on a narrow page says its own name.
fn cell(name: &str, text: &str) -> String {
    format!("<td data-name=\"{name}\">{text}</td>")
}

/// Names of sites, escaped.
fn site_names(sites: &[Name]) -> String {
    if sites.is_empty() {
        return "no site".to_owned();
    }
    let names: Vec<String> = sites.iter().map(|name| escape(name.as_str())).collect();
    names.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlanFile;
    use crate::render::sample;

    #[test]
    fn of_nothing_there_is_no_picture() {
        assert_eq!(pictures(&Picture::default()), "");
        assert_eq!(pictures(&sample::records_only().picture), "");
    }

    #[test]
    fn what_comes_and_goes_is_marked_by_more_than_colour() {
        let page = pictures(&sample::everything().picture);
        for (fate, shape) in [
            (Fate::Added, "<circle class=\"mark add\""),
            (Fate::Removed, "<rect class=\"mark cut\""),
            (Fate::Changed, "<path class=\"mark turn\""),
        ] {
            assert!(page.contains(shape), "{fate:?}\n{page}");
            assert!(
                page.contains(&format!(">{}</text>", fate.sign())),
                "{fate:?}"
            );
            assert!(
                page.contains(&format!("({})", fate.word())),
                "{fate:?}\n{page}"
            );
        }
        assert!(page.contains("class=\"missing\""), "{page}");
    }

    #[test]
    fn a_huge_plan_has_a_small_picture() {
        for subnets in [300, 5_000, 60_000] {
            let plan = sample::huge(subnets);
            let file = PlanFile::seal(&plan, "2026-11-25T12:00:00Z");
            let carried = serde_json::to_string(&file.picture).map_or(0, |text| text.len());
            assert!(carried < 60_000, "{carried}");
            let page = pictures(&plan.picture);
            assert!(page.len() < 160_000, "{}", page.len());
            // Each sheet is drawn in a size that paper holds.
            let heights = page.split("viewBox=\"0 0 350 ").skip(1);
            let heights: Vec<f64> = heights
                .filter_map(|rest| rest.split('"').next()?.parse().ok())
                .collect();
            assert!(heights.len() >= 4, "{heights:?}");
            assert!(
                heights.iter().all(|height| *height <= SHEET + 1.0),
                "{heights:?}"
            );
        }
    }

    #[test]
    fn sheets_hold_what_fits_and_lose_nothing() {
        let height = |some: &[f64]| some.iter().sum::<f64>();
        let all = [500.0, 200.0, 100.0, 2_000.0, 1.0];
        let sheets = sheets_of(&all, height);
        assert_eq!(sheets, [&[500.0, 200.0][..], &[100.0], &[2_000.0], &[1.0]]);
        assert!(sheets_of(&[], height).is_empty());
    }
}
