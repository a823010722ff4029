//! The topology: a box for each site with its subnets, a box for each server, and a line for who serves whom.
//!
//! Pure. Servers stand near the sites that they serve. Each line ends at a place of its own at the server, where its
//! roles are written, so that no two labels meet.

use std::fmt::Write as _;

use super::svg::{Svg, WIDTH, n};
use super::{Fate, Positions, World, letter, roles};
use crate::plan::{Link, Picture, PictureServer, PictureSite, PictureSubnet, SiteSide};
use crate::render::layout::number;
use crate::render::text::Hosts;

/// How wide boxes of sites and servers are.
const SITE: f64 = 158.0;
const SERVER: f64 = 116.0;
const LEFT_OF_SERVER: f64 = WIDTH - SERVER - 1.0;
const GAP: f64 = 12.0;
const HEAD: f64 = 20.0;
const ROW: f64 = 15.0;
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

/// Where everything is: the same before and after.
struct Layout {
    /// The top and the height of each site and server.
    sites: Vec<(f64, f64)>,
    servers: Vec<(f64, f64)>,
    /// Where each line ends at its site and at its server.
    ends: Positions<(usize, usize)>,
    height: f64,
}

/// A line between a site and a server, in both worlds.
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

pub(super) fn panel(picture: &Picture, hosts: &Hosts, world: World) -> String {
    let lines = lines(picture);
    let layout = layout(picture, &lines);
    let mut svg = Svg::new();
    for line in &lines {
        draw_line(&mut svg, line, &layout, world);
    }
    for (site, at) in picture.sites.iter().zip(&layout.sites) {
        draw_site(&mut svg, site, *at, world);
    }
    for ((index, server), at) in picture.servers.iter().enumerate().zip(&layout.servers) {
        let used = |side: fn(&Line<'_>) -> bool| {
            lines.iter().any(|line| line.server == index && side(line))
        };
        let fate = Fate::of(
            used(|line| line.before.is_some()),
            used(|line| line.after.is_some()),
            server.before != server.after,
        );
        draw_server(&mut svg, server, hosts, *at, fate, world);
    }
    let title = format!("Topology {} the plan", world.word());
    let named = picture
        .sites
        .iter()
        .filter(|site| site.name.is_some())
        .count();
    let description = format!(
        "{} sites with their subnets, {} servers, and lines for who serves whom. The table below says the same.",
        number(named),
        number(picture.servers.len())
    );
    let id = world.of("topology-before", "topology-after");
    svg.finish(id, &title, &description, layout.height)
}

fn lines(picture: &Picture) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (index, site) in picture.sites.iter().enumerate() {
        let links = |side: &'_ Option<SiteSide>, server: usize| {
            let position = side
                .as_ref()?
                .links
                .iter()
                .position(|link| link.server == server)?;
            Some(position)
        };
        for server in 0..picture.servers.len() {
            let (was, will) = (links(&site.before, server), links(&site.after, server));
            if was.is_some() || will.is_some() {
                let link = |side: &'_ Option<SiteSide>, at: Option<usize>| -> Option<usize> {
                    side.as_ref().and(at)
                };
                let before =
                    link(&site.before, was).and_then(|at| site.before.as_ref()?.links.get(at));
                let after =
                    link(&site.after, will).and_then(|at| site.after.as_ref()?.links.get(at));
                lines.push(Line {
                    site: index,
                    server,
                    before,
                    after,
                });
            }
        }
    }
    lines
}

fn float(number: usize) -> f64 {
    // Nothing here is longer than a page.
    f64::from(u16::try_from(number).unwrap_or(u16::MAX))
}

fn layout(picture: &Picture, lines: &[Line<'_>]) -> Layout {
    let mut y = 1.0;
    let mut sites = Vec::new();
    for (index, site) in picture.sites.iter().enumerate() {
        let rows = site.subnets.len()
            + usize::from(site.more_subnets > 0)
            + usize::from(note_of(site).is_some());
        let ends = lines.iter().filter(|line| line.site == index).count();
        let height = (HEAD + float(rows.max(1)) * ROW + 8.0).max(float(ends) * 6.0 + 8.0);
        sites.push((y, height));
        y += height + GAP;
    }
    let heights: Vec<f64> = (0..picture.servers.len())
        .map(|server| {
            let ends = lines.iter().filter(|line| line.server == server).count();
            (float(ends) * END + 8.0).max(36.0)
        })
        .collect();
    let servers = placed(&heights, &sites, lines);
    let bottom = servers
        .iter()
        .chain(&sites)
        .map(|(top, height)| top + height);
    let height = bottom.fold(0.0, f64::max) + 1.0;
    let mut ends = Positions::new();
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

fn draw_site(svg: &mut Svg, site: &PictureSite, (top, height): (f64, f64), world: World) {
    let PictureSite {
        name,
        touched,
        before,
        after,
        subnets,
        more_subnets,
    } = site;
    let fate = Fate::of(
        before.is_some(),
        after.is_some(),
        *touched && name.is_some(),
    );
    let side = world.of(before, after);
    let mut y = top + 14.0;
    let text = name.as_ref().map_or("in no site", |name| name.as_str());
    if side.is_some() {
        svg.rect(&format!("box {}", fate.class()), [1.0, top, SITE, height]);
        svg.mark(fate, 12.0, y - 4.0);
        svg.text("name", 23.0, y, text, 18);
    } else {
        svg.rect("missing", [1.0, top, SITE, height]);
        let word = world.of("not yet", "gone");
        svg.text("ghost", 8.0, y, text, 22);
        svg.text("small", 8.0, y + ROW, word, 22);
    }
    if let Some((was, will)) = note_of(site) {
        y += ROW;
        if world.of(was, will) == Some(true) {
            svg.text("small", 23.0, y, "constrained to the site", 24);
        }
    }
    for subnet in subnets {
        y += ROW;
        let PictureSubnet {
            subnet,
            before,
            after,
        } = subnet;
        let fate = Fate::of(*before, *after, false);
        if world.of(*before, *after) {
            svg.mark(fate, 16.0, y - 3.8);
            svg.text("net", 27.0, y, &subnet.to_string(), 19);
        } else {
            // Its place stays empty, so that the rows of both panels are the same.
            let width = f64::from(u8::try_from(subnet.to_string().len()).unwrap_or(18)) * 6.4;
            if side.is_some() {
                svg.rect("missing", [27.0, y - 9.0, width, 11.0]);
            }
        }
    }
    if *more_subnets > 0 && side.is_some() {
        y += ROW;
        let more = usize::try_from(*more_subnets).unwrap_or(usize::MAX);
        svg.text(
            "small",
            27.0,
            y,
            &format!("and {} more subnets", number(more)),
            24,
        );
    }
}

fn draw_server(
    svg: &mut Svg,
    server: &PictureServer,
    hosts: &Hosts,
    (top, height): (f64, f64),
    fate: Fate,
    world: World,
) {
    let PictureServer {
        name,
        crowd,
        before,
        after,
    } = server;
    let text = match name {
        Some(name) => hosts.one(name).to_owned(),
        None => format!(
            "any of {}",
            number(usize::try_from(*crowd).unwrap_or(usize::MAX))
        ),
    };
    let there = match fate {
        Fate::Added => world == World::After,
        Fate::Removed => world == World::Before,
        Fate::Same | Fate::Changed => true,
    };
    let middle = top + height / 2.0;
    if there {
        svg.rect(
            &format!("box {}", fate.class()),
            [LEFT_OF_SERVER, top, SERVER, height],
        );
        svg.mark(fate, LEFT_OF_SERVER + 12.0, middle - 6.0);
        let from = if fate == Fate::Same { 8.0 } else { 22.0 };
        let columns = if fate == Fate::Same { 16 } else { 14 };
        svg.text("name", LEFT_OF_SERVER + from, middle - 2.0, &text, columns);
    } else {
        svg.rect("missing", [LEFT_OF_SERVER, top, SERVER, height]);
        svg.text("ghost", LEFT_OF_SERVER + 8.0, middle - 2.0, &text, 16);
    }
    let said = match (name, world.of(before, after)) {
        (None, _) => "servers".to_owned(),
        (Some(_), None) => "roles not known".to_owned(),
        (Some(_), Some(known)) if known.is_empty() => "no roles".to_owned(),
        (Some(_), Some(known)) => roles(known),
    };
    svg.text("small", LEFT_OF_SERVER + 8.0, middle + 11.0, &said, 20);
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
    let begin = top + height / 2.0;
    let begin = begin + (end - begin).clamp(-height / 2.0 + 8.0, height / 2.0 - 8.0) * 0.6;
    let fate = line.fate();
    let dashes = if roles.is_empty() { "perhaps" } else { "" };
    let (left, right) = (SITE + 1.0, LEFT_OF_SERVER - 32.0);
    let middle = f64::midpoint(left, right);
    svg.path(
        &format!("line {} {dashes}", fate.class()),
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
    let mut label = fate.sign().to_owned();
    for role in roles {
        label.push_str(letter(*role));
    }
    if !perhaps.is_empty() {
        for role in perhaps {
            let _ = write!(label, "{}", letter(*role));
        }
        label.push('?');
    }
    if roles.is_empty() && perhaps.is_empty() {
        label.push('·');
    }
    svg.text(
        &format!("small end {}", fate.class()),
        LEFT_OF_SERVER - 3.0,
        end + 3.5,
        &label,
        8,
    );
}
