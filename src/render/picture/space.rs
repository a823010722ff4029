//! The address space: a row for each range, with the subnets that hold it, its site, and who serves it.
//!
//! Pure. Where it cannot be said who serves, the row is hatched and its text begins with a question mark; where nobody
//! does, its border is broken.

use super::svg::{Face, Svg, WIDTH, n};
use super::{Fate, Saying, World, float, saying, sheets_of};
use crate::model::{Name, Subnet};
use crate::plan::{Picture, PictureOutcome, PictureRange, RangeSide};
use crate::render::layout::number;
use crate::render::text::Hosts;
use crate::select::Span;

const LINE: f64 = 14.0;
const BETWEEN: f64 = 6.0;
/// How far apart the bars of subnets are, and how many there is room for.
const BAR: f64 = 6.0;
const BARS: usize = 4;
const LABEL: f64 = 27.0;
const BAND: f64 = 163.0;
/// How far text is from the left of a band, and how wide it may be there.
const INSET: f64 = 8.0;
const TEXT: f64 = WIDTH - BAND - 1.0 - INSET - 5.0;
/// How much a mark moves what is behind it.
const MARK: f64 = 15.0;
/// How many lines the servers of a role may take.
const LINES: usize = 3;

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
    (
        "<path class=\"line\" d=\"M4 1v3M4 5.5v3M4 10v3\"/>",
        "subnets side by side",
    ),
];

/// A range as it is drawn.
struct Row<'p> {
    range: &'p PictureRange,
    labels: Vec<String>,
    before: Said,
    after: Said,
    height: f64,
    /// Whether addresses between it and the one above are left out.
    gap: bool,
}

/// What a row has to say in a world.
struct Said {
    site: String,
    /// Who serves, a role or several after the other.
    lines: Vec<String>,
    nobody: bool,
    uncertain: bool,
}

impl Row<'_> {
    /// How much of a sheet it takes.
    fn takes(&self) -> f64 {
        self.height + BETWEEN + if self.gap { LINE } else { 0.0 }
    }
}

/// The picture in sheets that a page of paper holds, each before and after.
pub(super) fn sheets(picture: &Picture, hosts: &Hosts) -> Vec<[String; 2]> {
    let rows = rows(picture, hosts);
    let sheets = sheets_of(&rows, |rows| rows.iter().map(Row::takes).sum());
    sheets
        .into_iter()
        .zip(1..)
        .map(|(rows, sheet)| World::BOTH.map(|world| panel(rows, sheet, world)))
        .collect()
}

fn rows<'p>(picture: &'p Picture, hosts: &Hosts) -> Vec<Row<'p>> {
    // Where nobody answers at network boot anywhere, no row says so.
    let boot = picture.ranges.iter().any(|range| {
        let numbers = [range.before.network_boot, range.after.network_boot];
        let mut outcomes = numbers
            .iter()
            .filter_map(|number| picture.outcomes.get(*number));
        outcomes.any(|outcome| outcome.choice != "none")
    });
    let mut last: Option<u32> = None;
    picture
        .ranges
        .iter()
        .map(|range| {
            let said = |side: &RangeSide| said(side, &picture.outcomes, hosts, boot);
            let (before, after) = (said(&range.before), said(&range.after));
            let labels = label(range);
            let lines = before.lines.len().max(after.lines.len()) + 1;
            let gap = last.is_some_and(|last| last.checked_add(1) != Some(range.first.into()));
            last = Some(range.last.into());
            Row {
                range,
                height: float(lines.max(labels.len())) * LINE + 6.0,
                labels,
                before,
                after,
                gap,
            }
        })
        .collect()
}

fn panel(rows: &[Row<'_>], sheet: usize, world: World) -> String {
    let mut svg = Svg::new();
    let mut y = 1.0;
    for (position, row) in rows.iter().enumerate() {
        // Addresses that are left out are seen to be.
        if row.gap {
            svg.text(Face::Small, [LABEL, y + 9.0, 10.0], "⋮");
            y += LINE;
        }
        let next = rows.get(position + 1).filter(|next| !next.gap);
        draw(&mut svg, (row, next), world, y);
        y += row.height + BETWEEN;
    }
    let title = format!("Address space {} the plan", world.word());
    let description = format!(
        "{} ranges of addresses, with their subnets, their site and who serves them. The table below says the same.",
        number(rows.len())
    );
    let id = format!("space-{}-{sheet}", world.word());
    svg.finish(&id, &title, &description, y - BETWEEN + 1.0)
}

fn said(side: &RangeSide, outcomes: &[PictureOutcome], hosts: &Hosts, boot: bool) -> Said {
    let RangeSide {
        subnets: _, // by bars
        sites,
        package,
        task,
        network_boot,
    } = side;
    let belongs = match sites.as_slice() {
        [] => "no site".to_owned(),
        [one] => one.to_string(),
        several => {
            let several: Vec<&str> = several.iter().map(Name::as_str).collect();
            format!("{} sites: {}", several.len(), several.join(", "))
        }
    };
    let mut roles = vec![("P", *package), ("T", *task)];
    if boot {
        roles.push(("N", *network_boot));
    }
    let is = |number: &usize, choice: &str| {
        let outcome = outcomes.get(*number);
        outcome.is_some_and(|outcome| outcome.choice == choice)
    };
    Said {
        site: belongs,
        nobody: is(package, "none") && is(task, "none"),
        uncertain: roles.iter().any(|(_, number)| is(number, "indeterminate")),
        lines: services(&roles, outcomes, hosts),
    }
}

/// Who serves a range in which roles: those that are served alike are told together.
fn services(
    roles: &[(&'static str, usize)],
    outcomes: &[PictureOutcome],
    hosts: &Hosts,
) -> Vec<String> {
    let mut told: Vec<(Vec<&str>, Saying)> = Vec::new();
    for (role, number) in roles {
        let said = saying(outcomes.get(*number), hosts);
        match told.iter_mut().find(|(_, other)| *other == said) {
            Some((roles, _)) => roles.push(role),
            None => told.push((vec![role], said)),
        }
    }
    told.into_iter()
        .flat_map(|(roles, said)| broken(&format!("{}: ", roles.join(" ")), &said))
        .collect()
}

/// A list of servers in lines, of as many servers as there is room for.
fn broken(role: &str, said: &Saying) -> Vec<String> {
    let mut shown = said.names.len();
    loop {
        let mut lines = Vec::new();
        let mut line = format!("{role}{}", said.lead);
        let items = said.items(shown);
        for (position, item) in items.iter().enumerate() {
            let comma = if position + 1 < items.len() { "," } else { "" };
            let word = format!("{item}{comma}");
            if position == 0 {
                line.push_str(&word);
            } else if Face::Plain.width(&format!("{line} {word}")) <= TEXT {
                line = format!("{line} {word}");
            } else {
                lines.push(std::mem::replace(&mut line, word));
            }
        }
        lines.push(line);
        if lines.len() <= LINES || shown <= 1 {
            return lines;
        }
        shown -= 1;
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
        Some(subnet) if subnet.to_string() != span && first != last => {
            lines.push(format!("in {subnet}"));
        }
        Some(subnet) if subnet.prefix() < 32 && first == last => lines.push(format!("in {subnet}")),
        _ => {}
    }
    lines
}

/// Draws a row from a height on; `next` is the one below, where its addresses follow.
fn draw(svg: &mut Svg, (row, next): (&Row<'_>, Option<&Row<'_>>), world: World, top: f64) {
    let Row {
        range,
        labels,
        before,
        after,
        height,
        gap: _, // drawn already
    } = row;
    let subnets = |range: &PictureRange| world.of(&range.before, &range.after).subnets.clone();
    if range.together > 1 {
        // Three of however many there are.
        let each = (height - 8.0) / 3.0;
        for piece in [0.0, 1.0, 2.0] {
            let from = top + piece * (each + 4.0);
            svg.path("line", &format!("M{} {}v{}", n(3.0), n(from), n(each)));
        }
    } else {
        // A bar goes on into the next row where its subnet does.
        let goes_on = next.map_or_else(Vec::new, |next| subnets(next.range));
        bars(svg, (&subnets(range), &goes_on), top, *height);
    }
    let mut y = top + 14.0;
    for line in labels {
        svg.text(Face::Net, [LABEL, y, BAND - LABEL - 2.0], line);
        y += LINE;
    }
    let differs = range.before != range.after;
    let fate = Fate::of(true, true, differs);
    let area = [BAND, top, WIDTH - BAND - 1.0, *height];
    band(svg, world.of(before, after), fate, area);
}

fn bars(svg: &mut Svg, (subnets, next): (&[Subnet], &[Subnet]), top: f64, height: f64) {
    let mut x = 3.0;
    for subnet in subnets.iter().take(BARS) {
        let height = if next.contains(subnet) {
            height + BETWEEN
        } else {
            height
        };
        svg.path("line", &format!("M{} {}v{}", n(x), n(top), n(height)));
        x += BAR;
    }
}

fn band(svg: &mut Svg, said: &Said, fate: Fate, area: [f64; 4]) {
    let Said {
        site,
        lines,
        nobody,
        uncertain,
    } = said;
    let [x, y, _, _] = area;
    if *nobody {
        svg.rect("none", area);
    } else {
        svg.rect(fate.of_box(), area);
    }
    if *uncertain {
        svg.hatch(area);
    }
    svg.mark(fate, x + 12.0, y + 11.0);
    let moved = if fate == Fate::Same { 0.0 } else { MARK };
    svg.text(
        Face::Name,
        [x + INSET + moved, y + 15.0, TEXT - moved],
        site,
    );
    let mut at = y + 15.0;
    for line in lines {
        at += LINE;
        svg.text(Face::Plain, [x + INSET, at, TEXT], line);
    }
}
