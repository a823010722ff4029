//! The topology: a box for each site with its subnets, a box for each server, and a line for who serves whom.
//!
//! Pure. Servers stand near the sites that they serve. Each line ends at a place of its own at the server, where its
//! roles are written, so that no two labels meet. Many sites are several sheets, a server on each that has to do with it:
//! no line is longer than a page, and paper holds each sheet whole.

use std::collections::{BTreeMap, BTreeSet};

use super::svg::{Face, Svg, WIDTH, n};
use super::{Fate, World, float, letter, sheets_of};
use crate::plan::{Link, Picture, PictureServer, PictureSite, PictureSubnet, SiteSide};
use crate::render::layout::{count, number};
use crate::render::text::Hosts;

/// How wide boxes of sites and servers are.
const SITE: f64 = 158.0;
const SERVER: f64 = 116.0;
const LEFT_OF_SERVER: f64 = WIDTH - SERVER - 1.0;
const GAP: f64 = 12.0;
const HEAD: f64 = 20.0;
const ROW: f64 = 15.0;
/// How far apart the lines of a server's roles are.
const ROLES: f64 = 12.0;
/// How far text is from the left of a box; where it begins behind a mark; where subnets begin.
const INSET: f64 = 8.0;
const MARKED: f64 = 23.0;
const NETS: f64 = 26.0;
/// How far apart the ends of lines are.
const END: f64 = 14.0;

pub(super) const LEGEND: &[(&str, &str)] = &[
    (
        "<circle class=\"mark add\" cx=\"7\" cy=\"7\" r=\"5.5\"/><text class=\"sign\" x=\"7\" y=\"10.8\">+</text>",
        "added",
    ),
    (
        "<rect class=\"mark cut\" x=\"1.5\" y=\"1.5\" width=\"11\" height=\"11\"/><text class=\"sign\" x=\"7\" y=\"10.8\">−</text>",
        "removed",
    ),
    (
        "<path class=\"mark turn\" d=\"M7 .5l6.5 6.5l-6.5 6.5l-6.5 -6.5z\"/><text class=\"sign\" x=\"7\" y=\"10.8\">~</text>",
        "changed",
    ),
    (
        "<rect class=\"missing\" x=\"1.5\" y=\"2.5\" width=\"11\" height=\"9\"/>",
        "not there",
    ),
    (
        "<path class=\"line perhaps\" d=\"M0 7h14\"/>",
        "not certain",
    ),
];

/// A part of the picture that a page of paper holds: sites, and the servers that have to do with them.
struct Sheet<'p> {
    sites: Vec<&'p PictureSite>,
    servers: Vec<&'p PictureServer>,
    lines: Vec<Line<'p>>,
}

/// A line between a site and a server, by their positions in the sheet, in both worlds.
struct Line<'p> {
    site: usize,
    server: usize,
    before: Option<&'p Link>,
    after: Option<&'p Link>,
}

impl Line<'_> {
    fn fate(&self) -> Fate {
        Fate::of(
            self.before.is_some(),
            self.after.is_some(),
            self.before != self.after,
        )
    }
}

/// Where everything is: the same before and after.
struct Layout {
    /// The top and the height of each site and server.
    sites: Vec<(f64, f64)>,
    servers: Vec<(f64, f64)>,
    /// Where each line ends at its server, by site and server.
    ends: BTreeMap<(usize, usize), f64>,
    height: f64,
}

/// The picture in sheets, each before and after.
pub(super) fn sheets(picture: &Picture, hosts: &Hosts) -> Vec<[String; 2]> {
    let all: Vec<&PictureSite> = picture.sites.iter().collect();
    let height = |sites: &[&PictureSite]| layout(&sheet(picture, sites, &[])).height;
    let unused = unused(picture);
    sheets_of(&all, height)
        .into_iter()
        .zip(1..)
        .map(|(sites, ordinal)| {
            // Servers that change and serve none of the sites stand beside the first of them.
            let more = if ordinal == 1 { unused.as_slice() } else { &[] };
            let sheet = sheet(picture, sites, more);
            let layout = layout(&sheet);
            World::BOTH.map(|world| panel((&sheet, &layout), hosts, ordinal, world))
        })
        .collect()
}

/// Servers to which no site has a link.
fn unused(picture: &Picture) -> Vec<usize> {
    let sites = picture.sites.iter();
    let used: BTreeSet<usize> = sites
        .flat_map(|site| [&site.before, &site.after])
        .flatten()
        .flat_map(|side| side.links.iter().map(|link| link.server))
        .collect();
    (0..picture.servers.len())
        .filter(|server| !used.contains(server))
        .collect()
}

fn sheet<'p>(picture: &'p Picture, sites: &[&'p PictureSite], more: &[usize]) -> Sheet<'p> {
    let link = |side: &'p Option<SiteSide>, server: usize| {
        let mut links = side.iter().flat_map(|side| &side.links);
        links.find(|link| link.server == server)
    };
    let mut sheet = Sheet {
        sites: sites.to_vec(),
        servers: Vec::new(),
        lines: Vec::new(),
    };
    for (index, server) in picture.servers.iter().enumerate() {
        let theirs = sites.iter().enumerate().map(|(site, drawn)| Line {
            site,
            server: sheet.servers.len(),
            before: link(&drawn.before, index),
            after: link(&drawn.after, index),
        });
        let theirs: Vec<Line<'p>> = theirs
            .filter(|line| line.before.is_some() || line.after.is_some())
            .collect();
        if !theirs.is_empty() || more.contains(&index) {
            sheet.servers.push(server);
            sheet.lines.extend(theirs);
        }
    }
    sheet
}

fn panel(
    (sheet, layout): (&Sheet<'_>, &Layout),
    hosts: &Hosts,
    ordinal: usize,
    world: World,
) -> String {
    let Sheet {
        sites,
        servers,
        lines,
    } = sheet;
    let mut svg = Svg::new();
    for line in lines {
        draw_line(&mut svg, line, layout, world);
    }
    for (site, at) in sites.iter().zip(&layout.sites) {
        draw_site(&mut svg, site, *at, world);
    }
    for ((position, server), at) in servers.iter().enumerate().zip(&layout.servers) {
        let used = |side: fn(&Line<'_>) -> bool| {
            let mut theirs = lines.iter().filter(|line| line.server == position);
            theirs.any(side)
        };
        // A server is there whomever it serves; a crowd is there as what it serves.
        let fate = match server.name {
            Some(_) => Fate::of(true, true, server.before != server.after),
            None => Fate::of(
                used(|line| line.before.is_some()),
                used(|line| line.after.is_some()),
                false,
            ),
        };
        draw_server(&mut svg, (server, fate), hosts, *at, world);
    }
    let title = format!("Topology {} the plan", world.word());
    let named = sites.iter().filter(|site| site.name.is_some()).count();
    let description = format!(
        "{} with their subnets, {}, and lines for who serves whom. The table below says the same.",
        count(named, "site"),
        count(servers.len(), "server")
    );
    let id = format!("topology-{}-{ordinal}", world.word());
    svg.finish(&id, &title, &description, layout.height)
}

fn layout(sheet: &Sheet<'_>) -> Layout {
    let lines = &sheet.lines;
    let mut y = 1.0;
    let mut sites = Vec::new();
    for (index, site) in sheet.sites.iter().enumerate() {
        let rows = site.subnets.len()
            + usize::from(site.more_subnets > 0)
            + usize::from(note_of(site).is_some());
        let ends = lines.iter().filter(|line| line.site == index).count();
        let height = (HEAD + float(rows.max(1)) * ROW + 8.0).max(float(ends) * 6.0 + 8.0);
        sites.push((y, height));
        y += height + GAP;
    }
    let heights: Vec<f64> = sheet
        .servers
        .iter()
        .enumerate()
        .map(|(index, server)| {
            let ends = lines.iter().filter(|line| line.server == index).count();
            let [before, after] = World::BOTH.map(|world| said_of(server, world).len());
            (float(ends) * END + 8.0).max(24.0 + float(before.max(after)) * ROLES)
        })
        .collect();
    let servers = placed(&heights, &sites, lines);
    let bottom = servers
        .iter()
        .chain(&sites)
        .map(|(top, height)| top + height);
    let height = bottom.fold(0.0, f64::max) + 1.0;
    let mut ends = BTreeMap::new();
    for (server, (top, height)) in servers.iter().enumerate() {
        let here: Vec<&Line<'_>> = lines.iter().filter(|line| line.server == server).collect();
        let first = top + height / 2.0 - (float(here.len()) - 1.0) * END / 2.0;
        for (position, line) in here.iter().enumerate() {
            ends.insert((line.site, server), first + float(position) * END);
        }
    }
    Layout {
        sites,
        servers,
        ends,
        height,
    }
}

/// Servers from the top down, each as near to the middle of its sites as the others let it.
fn placed(heights: &[f64], sites: &[(f64, f64)], lines: &[Line<'_>]) -> Vec<(f64, f64)> {
    let wish = |server: usize| {
        let middles: Vec<f64> = lines
            .iter()
            .filter(|line| line.server == server)
            .filter_map(|line| sites.get(line.site))
            .map(|(top, height)| top + height / 2.0)
            .collect();
        let sum: f64 = middles.iter().sum();
        if middles.is_empty() {
            f64::MAX
        } else {
            sum / float(middles.len())
        }
    };
    let mut order: Vec<(f64, usize, f64)> = heights
        .iter()
        .enumerate()
        .map(|(server, height)| (wish(server), server, *height))
        .collect();
    order.sort_by(|one, two| one.0.total_cmp(&two.0).then(one.1.cmp(&two.1)));
    let bottom = sites.last().map_or(0.0, |(top, height)| top + height);
    let mut tops: Vec<f64> = Vec::new();
    let mut y = 1.0_f64;
    for (wish, _, height) in &order {
        let top = if *wish > bottom {
            y
        } else {
            y.max(wish - height / 2.0)
        };
        tops.push(top);
        y = top + height + GAP;
    }
    // What hangs below the last site moves up, as far as there is room.
    let mut floor = (y - GAP)
        .min(bottom.max(order.iter().map(|(_, _, height)| height + GAP).sum::<f64>() - GAP + 1.0));
    for (top, (_, _, height)) in tops.iter_mut().zip(&order).rev() {
        *top = top.min(floor - height);
        floor = *top - GAP;
    }
    let mut placed = vec![(0.0, 0.0); heights.len()];
    for (top, (_, server, height)) in tops.into_iter().zip(order) {
        if let Some(place) = placed.get_mut(server) {
            *place = (top, height);
        }
    }
    placed
}

/// The line below the name of a site.
fn note_of(site: &PictureSite) -> Option<(Option<bool>, Option<bool>)> {
    let constrained = |side: &Option<SiteSide>| side.as_ref().and_then(|side| side.constrained);
    let both = (constrained(&site.before), constrained(&site.after));
    (both.0 == Some(true) || both.1 == Some(true)).then_some(both)
}

/// Writes into a box from a place on, no farther than its right border.
fn write(svg: &mut Svg, face: Face, (left, width): (f64, f64), [x, y]: [f64; 2], text: &str) {
    svg.text(face, [left + x, y, width - x - 4.0], text);
}

fn draw_site(svg: &mut Svg, site: &PictureSite, (top, height): (f64, f64), world: World) {
    let PictureSite {
        name,
        touched,
        before,
        after,
        subnets,
        more_subnets,
    } = site;
    let there = [before.is_some(), after.is_some()];
    let fate = Fate::of(there[0], there[1], *touched && name.is_some());
    let is_there = world.of(there[0], there[1]);
    let text = name.as_ref().map_or("in no site", |name| name.as_str());
    let area = (1.0, SITE);
    let mut y = top + 14.0;
    if is_there {
        svg.rect(fate.of_box(), [1.0, top, SITE, height]);
        svg.mark(fate, 12.0, y - 4.0);
        let x = if fate == Fate::Same { INSET } else { MARKED };
        write(svg, Face::Name, area, [x, y], text);
    } else {
        svg.rect("missing", [1.0, top, SITE, height]);
        write(svg, Face::Ghost, area, [INSET, y], text);
        let when = world.of("not yet", "gone");
        write(svg, Face::Small, area, [INSET, y + ROW], when);
    }
    if let Some((was, will)) = note_of(site) {
        y += ROW;
        if world.of(was, will) == Some(true) {
            let text = "constrained to the site";
            write(svg, Face::Small, area, [NETS, y], text);
        }
    }
    for subnet in subnets {
        y += ROW;
        let PictureSubnet {
            subnet,
            before,
            after,
        } = subnet;
        let text = subnet.to_string();
        if world.of(*before, *after) {
            svg.mark(Fate::of(*before, *after, false), 16.0, y - 3.8);
            write(svg, Face::Net, area, [NETS, y], &text);
        } else if is_there {
            // Its place stays empty, so that the rows of both panels are the same.
            let width = Face::Net.width(&text);
            svg.rect("missing", [NETS + 1.0, y - 9.0, width, 11.0]);
        }
    }
    if *more_subnets > 0 && is_there {
        y += ROW;
        let more = usize::try_from(*more_subnets).unwrap_or(usize::MAX);
        let text = format!("and {}", count(more, "more subnet"));
        write(svg, Face::Small, area, [NETS, y], &text);
    }
}

/// What is said below the name of a server: its roles, in lines.
fn said_of(server: &PictureServer, world: World) -> Vec<String> {
    let PictureServer {
        name,
        crowd: _, // in the place of the name
        before,
        after,
    } = server;
    let known = match (name, world.of(before, after)) {
        (None, _) => return vec!["servers".to_owned()],
        (Some(_), None) => return vec!["roles not known".to_owned()],
        (Some(_), Some(known)) if known.is_empty() => return vec!["no roles".to_owned()],
        (Some(_), Some(known)) => known,
    };
    let mut lines: Vec<String> = Vec::new();
    for (position, role) in known.iter().enumerate() {
        let comma = if position + 1 < known.len() { "," } else { "" };
        let told = format!("{role}{comma}");
        match lines.last_mut() {
            Some(line) if Face::Small.width(&format!("{line} {told}")) < SERVER - 12.0 => {
                line.push(' ');
                line.push_str(&told);
            }
            _ => lines.push(told),
        }
    }
    lines
}

fn draw_server(
    svg: &mut Svg,
    (server, fate): (&PictureServer, Fate),
    hosts: &Hosts,
    (top, height): (f64, f64),
    world: World,
) {
    let text = server.name.as_ref().map_or_else(
        || {
            let crowd = usize::try_from(server.crowd).unwrap_or(usize::MAX);
            format!("any of {}", number(crowd))
        },
        |name| hosts.one(name).to_owned(),
    );
    let there = match fate {
        Fate::Added => world == World::After,
        Fate::Removed => world == World::Before,
        Fate::Same | Fate::Changed => true,
    };
    let said = said_of(server, world);
    let area = (LEFT_OF_SERVER, SERVER);
    let mut y = top + (height - float(said.len()) * ROLES) / 2.0 + 4.0;
    if there {
        svg.rect(fate.of_box(), [LEFT_OF_SERVER, top, SERVER, height]);
        svg.mark(fate, LEFT_OF_SERVER + 12.0, y - 4.0);
        let x = if fate == Fate::Same { INSET } else { MARKED };
        write(svg, Face::Name, area, [x, y], &text);
    } else {
        svg.rect("missing", [LEFT_OF_SERVER, top, SERVER, height]);
        write(svg, Face::Ghost, area, [INSET, y], &text);
    }
    for line in said {
        y += ROLES;
        write(svg, Face::Small, area, [INSET, y], &line);
    }
}

fn draw_line(svg: &mut Svg, line: &Line<'_>, layout: &Layout, world: World) {
    let Some(Link {
        server: _, // of the line
        roles,
        perhaps,
        assigned: _, // the label says so where there is nothing else
    }) = world.of(line.before, line.after)
    else {
        return;
    };
    let (Some((top, height)), Some(end)) = (
        layout.sites.get(line.site),
        layout.ends.get(&(line.site, line.server)),
    ) else {
        return;
    };
    let fate = line.fate();
    let mut label = fate.sign().to_owned();
    label.extend(roles.iter().chain(perhaps).map(|role| letter(*role)));
    if !perhaps.is_empty() {
        label.push('?');
    } else if roles.is_empty() {
        label.push('·');
    }
    let begin = top + height / 2.0;
    let begin = begin + (end - begin).clamp(-height / 2.0 + 8.0, height / 2.0 - 8.0) * 0.6;
    // A line ends before its label, and where its label is short at the same place as others.
    let left = SITE + 1.0;
    let right = LEFT_OF_SERVER - (Face::Small.width(&label) * 1.1 + 9.0).max(32.0);
    let middle = f64::midpoint(left, right);
    let dashes = if roles.is_empty() { " perhaps" } else { "" };
    svg.path(
        &format!("line {}{dashes}", fate.class()),
        &format!(
            "M{} {}C{} {} {} {} {} {}h4",
            n(left),
            n(begin),
            n(middle),
            n(begin),
            n(middle),
            n(*end),
            n(right),
            n(*end)
        ),
    );
    svg.label(fate, [LEFT_OF_SERVER - 3.0, end + 3.5], &label);
}
