//! The address space: a row for each range, with the subnets that hold it, its site, and who serves it.
//!
//! Pure. Where it cannot be said who serves, the row is hatched and its text begins with a question mark; where nobody
//! does, its border is broken.

use super::svg::{Svg, WIDTH, fit};
use super::{Fate, World, services};
use crate::model::Subnet;
use crate::plan::{Picture, PictureOutcome, PictureRange, RangeSide};
use crate::render::layout::number;
use crate::render::text::Hosts;
use crate::select::Span;

const LINE: f64 = 14.0;
const BETWEEN: f64 = 6.0;
/// How far apart the bars of subnets are, and how many there is room for.
const BAR: f64 = 6.0;
const BARS: usize = 4;
const LABEL: f64 = 30.0;
const BAND: f64 = 152.0;

pub(super) const LEGEND: &[(&str, &str)] = &[
    (
        "<path class=\"mark turn\" d=\"M7 .5l6.5 6.5l-6.5 6.5l-6.5 -6.5z\"/><text class=\"sign\" x=\"7\" y=\"10.8\">~</text>",
        "belongs elsewhere or is served otherwise",
    ),
    (
        "<rect class=\"box\" x=\"1\" y=\"2\" width=\"12\" height=\"10\"/><path class=\"hatch\" d=\"M1 8l6 -6M1 12l10 -10M5 12l8 -8M9 12l4 -4\"/>",
        "not certain",
    ),
    (
        "<rect class=\"none\" x=\"1\" y=\"2\" width=\"12\" height=\"10\"/>",
        "nobody serves it",
    ),
    (
        "<path class=\"line\" d=\"M4 1v12M9 4v6\"/>",
        "subnets that overlap",
    ),
];

/// What a row has to say in a world.
struct Said<'p> {
    side: &'p RangeSide,
    site: String,
    services: Vec<(String, usize)>,
}

pub(super) fn panel(picture: &Picture, hosts: &Hosts, world: World) -> String {
    let mut svg = Svg::new();
    let mut y = 1.0;
    let mut last: Option<u32> = None;
    // Where nobody answers at network boot anywhere, no row says so.
    let boot = picture.ranges.iter().any(|range| {
        let numbers = [range.before.network_boot, range.after.network_boot];
        let mut outcomes = numbers
            .iter()
            .filter_map(|number| picture.outcomes.get(*number));
        outcomes.any(|outcome| outcome.choice != "none")
    });
    for (range, next) in picture
        .ranges
        .iter()
        .zip(picture.ranges.iter().skip(1).map(Some).chain([None]))
    {
        let first = u32::from(range.first);
        // Addresses that are left out are seen to be.
        if last.is_some_and(|last| last.checked_add(1) != Some(first)) {
            svg.text("small", LABEL, y + 5.0, "⋮", 1);
            y += LINE;
        }
        last = Some(range.last.into());
        y += row(&mut svg, (range, next), (picture, hosts, boot), world, y) + BETWEEN;
    }
    let title = format!("Address space {} the plan", world.word());
    let description = format!(
        "{} ranges of addresses, with their subnets, their site and who serves them. The table below says the same.",
        number(picture.ranges.len())
    );
    let id = world.of("space-before", "space-after");
    svg.finish(id, &title, &description, y - BETWEEN + 1.0)
}

fn said<'p>(
    side: &'p RangeSide,
    outcomes: &[PictureOutcome],
    hosts: &Hosts,
    boot: bool,
) -> Said<'p> {
    let RangeSide {
        subnets: _, // by bars
        sites,
        package,
        task,
        network_boot,
    } = side;
    let names: Vec<&str> = sites.iter().map(crate::model::Name::as_str).collect();
    let site = match names.as_slice() {
        [] => "no site".to_owned(),
        [one] => (*one).to_owned(),
        several => format!("{} sites: {}", several.len(), several.join(", ")),
    };
    Said {
        side,
        site,
        services: if boot {
            services(&[*package, *task, *network_boot], outcomes, hosts)
        } else {
            services(&[*package, *task], outcomes, hosts)
        },
    }
}

/// The lines that name the addresses of a row.
fn label(range: &PictureRange) -> Vec<String> {
    let PictureRange {
        first,
        last,
        together,
        before,
        after,
    } = range;
    let span = Span {
        first: *first,
        last: *last,
    }
    .to_string();
    let inner = |side: &RangeSide| side.subnets.last().copied();
    let innermost = inner(after).or_else(|| inner(before));
    let mut lines = match span.split_once(" to ") {
        Some((first, last)) => vec![first.to_owned(), format!("… {last}")],
        None => vec![span.clone()],
    };
    match innermost {
        _ if *together > 1 => {
            let many = usize::try_from(*together).unwrap_or(usize::MAX);
            lines.push(format!("{} subnets", number(many)));
        }
        Some(subnet) if subnet.to_string() != span && u32::from(*first) != u32::from(*last) => {
            lines.push(format!("in {subnet}"));
        }
        Some(subnet) if subnet.prefix() < 32 && first == last => lines.push(format!("in {subnet}")),
        _ => {}
    }
    lines
}

/// Draws a row from a height on; gives its own height back.
fn row(
    svg: &mut Svg,
    (range, next): (&PictureRange, Option<&PictureRange>),
    (picture, hosts, boot): (&Picture, &Hosts, bool),
    world: World,
    top: f64,
) -> f64 {
    let both = [&range.before, &range.after].map(|side| said(side, &picture.outcomes, hosts, boot));
    let lines = both.iter().map(|said| said.services.len() + 1).max();
    let labels = label(range);
    let count = lines.unwrap_or(0).max(labels.len());
    let height = f64::from(u16::try_from(count).unwrap_or(u16::MAX)) * LINE + 6.0;
    let [was, will] = both;
    let differs = was.side != will.side;
    let Said {
        side,
        site,
        services,
    } = world.of(was, will);
    // A bar goes on into the next row where its subnet does.
    let next = next.filter(|next| u32::from(range.last).checked_add(1) == Some(next.first.into()));
    let goes_on = match next {
        Some(next) => world.of(&next.before, &next.after).subnets.as_slice(),
        None => &[],
    };
    bars(svg, (&side.subnets, goes_on), top, height);
    let mut y = top + 14.0;
    for line in &labels {
        svg.text("net", LABEL, y, line, 19);
        y += LINE;
    }
    let fate = if differs { Fate::Changed } else { Fate::Same };
    band(
        svg,
        (&site, &services),
        &picture.outcomes,
        fate,
        [BAND, top, WIDTH - BAND - 1.0, height],
    );
    height
}

fn bars(svg: &mut Svg, (subnets, next): (&[Subnet], &[Subnet]), top: f64, height: f64) {
    let mut x = 3.0;
    for subnet in subnets.iter().take(BARS) {
        let height = if next.contains(subnet) {
            height + BETWEEN
        } else {
            height
        };
        svg.path(
            "line",
            &format!(
                "M{} {}v{}",
                super::svg::n(x),
                super::svg::n(top),
                super::svg::n(height)
            ),
        );
        x += BAR;
    }
}

fn band(
    svg: &mut Svg,
    (site, services): (&str, &[(String, usize)]),
    outcomes: &[PictureOutcome],
    fate: Fate,
    area: [f64; 4],
) {
    let of = |word: &str| {
        services
            .iter()
            .filter_map(|(_, number)| outcomes.get(*number))
            .any(|outcome| outcome.choice == word)
    };
    let nobody = services
        .iter()
        .take(1)
        .filter_map(|(_, number)| outcomes.get(*number))
        .all(|outcome| outcome.choice == "none");
    let [x, y, _, _] = area;
    if nobody {
        svg.rect("none", area);
    } else {
        svg.rect(&format!("box {}", fate.class()), area);
    }
    if of("indeterminate") {
        svg.hatch(area);
    }
    svg.mark(fate, x + 12.0, y + 11.0);
    let from = if fate == Fate::Same { 8.0 } else { 23.0 };
    svg.text("name", x + from, y + 15.0, &fit(site, 24), 24);
    for ((text, _), line) in services.iter().zip(1_u8..) {
        svg.text("", x + 8.0, y + 15.0 + f64::from(line) * LINE, text, 29);
    }
}
