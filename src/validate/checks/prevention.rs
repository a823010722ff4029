//! Checks of "Prevent downloads", the targeted pair: whom it cuts off from what there is to fetch.
//!
//! Pure. What it is aimed at is a list of computers and sites; what neither of them is, nobody can judge.

use std::collections::BTreeSet;

use super::{Standing, article, quoted, server_name, server_object, site_names, site_object};
use crate::model::{Prevention, Role};
use crate::plan::Severity;
use crate::select::SiteIndex;
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "prevent-downloads-own-servers",
    severity: "error",
    phases: &[Phase::Live],
    holds_when: "\"Prevent downloads\" of the targeted site settings keeps a site's own package server from the SMP",
    explanation: "The pair keeps computers from fetching packages from the SMP, or from servers outside their site. It \
         binds the site's own package servers like any other computer, and what they hold they have fetched from the \
         SMP first: aimed at one of them, it cuts the whole site off from whatever it does not hold yet. Aim it at the \
         clients and leave the package servers out. Where the setting is not learned, this cannot be told.",
    sources: &[article::SITE_SERVERS],
    run: own_servers,
}];

fn own_servers(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let Some(Prevention {
        targets,
        from_server: true,
        from_outside,
    }) = view
        .surroundings()
        .and_then(|surroundings| surroundings.prevention.known())
    else {
        return Vec::new();
    };
    let standing = Standing::of(world);
    let mut findings = Vec::new();
    for server in world.servers.keys() {
        // The SMP fetches from nobody.
        if Some(*server) == world.platform || !world.has_role(*server, Role::Package) {
            continue;
        }
        let sites: Vec<SiteIndex> = (0..world.sites.len())
            .filter(|site| standing.serving(world, *site).contains(server))
            .collect();
        let aimed = targets.contains(server)
            || sites.iter().any(|site| {
                let guid = world.sites.get(*site).and_then(|site| site.guid);
                guid.is_some_and(|guid| targets.contains(&guid))
            });
        if sites.is_empty() || !aimed {
            continue;
        }
        let name = server_name(world, *server);
        let of = quoted(site_names(world, &sites));
        let left = if *from_outside {
            "from servers of its own site alone"
        } else {
            "from other site servers alone"
        };
        let objects: BTreeSet<String> = sites
            .iter()
            .map(|site| site_object(world, *site))
            .chain([server_object(world, *server)])
            .collect();
        findings.push(Finding {
            objects,
            severity: Severity::Error,
            message: format!(
                "\"Prevent downloads\" keeps `{name}`, a package server of {of}, from the SMP: it may fetch {left}"
            ),
            remedy: "take the package server out of what the targeted site settings apply to, or let it fetch from \
                     the SMP"
                .into(),
            places: BTreeSet::new(),
        });
    }
    findings
}
