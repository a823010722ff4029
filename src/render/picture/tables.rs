//! What the pictures show as tables, for whoever reads instead of looking.
//!
//! Pure. Names are told in full here.

use std::fmt::Write as _;

use super::{Fate, cell, roles, saying, site_names};
use crate::plan::{
    Link, Picture, PictureRange, PictureServer, PictureSite, PictureSubnet, RangeSide, SiteSide,
};
use crate::render::layout::number;
use crate::render::safe::html::escape;
use crate::render::text::Hosts;
use crate::select::Span;

fn table(heads: &[&str], rows: &str) -> String {
    let heads = heads.join("</th><th>");
    format!(
        "<table class=\"stack\">\n<thead><tr><th>{heads}</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// What becomes of something, in parentheses; nothing where it stays.
fn fate(fate: Fate) -> String {
    match fate {
        Fate::Same => String::new(),
        Fate::Added | Fate::Removed | Fate::Changed => format!(" ({})", fate.word()),
    }
}

pub(super) fn sites(picture: &Picture, hosts: &Hosts) -> String {
    let mut rows = String::new();
    for site in &picture.sites {
        let PictureSite {
            name,
            touched,
            before,
            after,
            subnets,
            more_subnets,
        } = site;
        let changed = Fate::of(
            before.is_some(),
            after.is_some(),
            *touched && name.is_some(),
        );
        let name = name.as_ref().map_or_else(
            || "no site".to_owned(),
            |name| format!("{}{}", escape(name.as_str()), fate(changed)),
        );
        let mut nets: Vec<String> = subnets
            .iter()
            .map(|one| {
                let PictureSubnet {
                    subnet,
                    before,
                    after,
                } = one;
                format!("{subnet}{}", fate(Fate::of(*before, *after, false)))
            })
            .collect();
        if *more_subnets > 0 {
            let more = usize::try_from(*more_subnets).unwrap_or(usize::MAX);
            nets.push(format!("{} more", number(more)));
        }
        let served = |side: &Option<SiteSide>| match side {
            None => "not there".to_owned(),
            Some(side) => links(side, picture, hosts),
        };
        let _ = writeln!(
            rows,
            "<tr>{}{}{}{}</tr>",
            cell("site", &name),
            cell("subnets", &nets.join(", ")),
            cell("before", &served(before)),
            cell("after", &served(after)),
        );
    }
    table(
        &["site", "subnets", "served before by", "served after by"],
        &rows,
    )
}

fn links(side: &SiteSide, picture: &Picture, hosts: &Hosts) -> String {
    let SiteSide { constrained, links } = side;
    let mut said: Vec<String> = links
        .iter()
        .map(|link| {
            let Link {
                server,
                roles: sure,
                perhaps,
                assigned,
            } = link;
            let server = picture.servers.get(*server);
            let name = server.map_or_else(String::new, |server| {
                let PictureServer {
                    name,
                    crowd,
                    before: _, // by the picture
                    after: _,
                } = server;
                match name {
                    Some(name) => escape(hosts.one(name)),
                    None => format!(
                        "any of {} servers",
                        number(usize::try_from(*crowd).unwrap_or(usize::MAX))
                    ),
                }
            });
            let mut what = Vec::new();
            if !sure.is_empty() {
                what.push(roles(sure));
            }
            if !perhaps.is_empty() {
                what.push(format!("perhaps {}", roles(perhaps)));
            }
            if *assigned {
                what.push("assigned by hand".to_owned());
            }
            format!("{name} ({})", what.join("; "))
        })
        .collect();
    if said.is_empty() {
        said.push("nobody".to_owned());
    }
    if *constrained == Some(true) {
        said.push("constrained to the site".to_owned());
    }
    said.join(", ")
}

pub(super) fn ranges(picture: &Picture, hosts: &Hosts) -> String {
    let mut rows = String::new();
    for range in &picture.ranges {
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
        };
        let differs = Fate::of(true, true, before != after);
        let mut addresses = format!("{span}{}", fate(differs));
        if *together > 1 {
            let many = usize::try_from(*together).unwrap_or(usize::MAX);
            let _ = write!(addresses, ", {} subnets", number(many));
        }
        let side = |side: &RangeSide| {
            let RangeSide {
                subnets,
                sites,
                package,
                task,
                network_boot,
            } = side;
            let mut said = site_names(sites);
            for (role, number) in [
                ("packages", package),
                ("tasks", task),
                ("network boot", network_boot),
            ] {
                let _ = write!(
                    said,
                    "; {role}: {}",
                    escape(&saying(picture.outcomes.get(*number), hosts).whole())
                );
            }
            if subnets.len() > 1 {
                let nets: Vec<String> = subnets.iter().map(ToString::to_string).collect();
                let _ = write!(said, "; subnets that overlap: {}", nets.join(", "));
            }
            said
        };
        let _ = writeln!(
            rows,
            "<tr>{}{}{}</tr>",
            cell("addresses", &addresses),
            cell("before", &side(before)),
            cell("after", &side(after)),
        );
    }
    table(&["addresses", "before", "after"], &rows)
}
