//! Clients, and subnets that come and go.

use super::*;

#[test]
fn no_sites() {
    let flat = world().subnet("192.168.0.0/24", &[]).site("HQ");
    finds(
        "no-sites",
        &desired(),
        &flat,
        "
            Warning: no site has a subnet: every site server serves every client
        ",
    );
    finds(
        "no-sites",
        &desired(),
        &world(),
        "
            Warning: no site has a subnet: every site server serves every client
        ",
    );
    finds("no-sites", &wanted(), &carved(), "");
    let unread = flat.but(|snapshot| snapshot.subnets = Observed::Unavailable("denied".into()));
    finds("no-sites", &desired(), &unread, "");
    finds_offline("no-sites", &desired().site("HQ"), "");
}

#[test]
fn clients_outside_sites() {
    let clients = || {
        vec![
            client(1, "192.168.0.50", 24),
            client(2, "10.9.0.1", 24),
            client(3, "10.9.0.2", 24),
            client(4, "10.9.1.1", 24),
        ]
    };
    finds("clients-outside-sites", &wanted(), &with_clients(carved(), clients()), "
            Warning: 3 known clients are in no site, at `10.9.0.0/24` and `10.9.1.0/24`: which servers they use cannot be told
        ");
    let inside = with_clients(
        carved(),
        vec![client(1, "192.168.0.50", 24), client(2, "192.168.10.7", 24)],
    );
    finds("clients-outside-sites", &wanted(), &inside, "");
    // One of several addresses is enough; none is not known.
    let mut several = client(1, "10.9.0.1", 24);
    several.addresses.push(("192.168.0.9".parse().unwrap(), 24));
    let mut none = client(2, "10.9.0.1", 24);
    none.addresses.clear();
    finds(
        "clients-outside-sites",
        &wanted(),
        &with_clients(carved(), vec![several, none]),
        "",
    );
    // Not known, or no site at all: nothing, or said otherwise.
    finds("clients-outside-sites", &wanted(), &carved(), "");
    finds(
        "clients-outside-sites",
        &desired(),
        &with_clients(world(), clients()),
        "",
    );
}

#[test]
fn a_subnet_that_clients_create_again() {
    let seen = with_clients(
        carved(),
        vec![
            client(1, "10.9.0.1", 24),
            client(2, "10.9.0.2", 24),
            client(3, "10.8.0.2", 16),
        ],
    );
    let deleting = |subnets: &[&str]| Planned {
        deleted: subnets.iter().map(|text| net(text)).collect(),
        ..Planned::default()
    };
    let planned = deleting(&["10.9.0.0/24", "10.8.0.0/24"]);
    finds_planned("resurrecting-subnet", &wanted(), &seen, Some(&planned), "
            Warning: subnet `10.9.0.0/24` is to be deleted and has 2 clients: inventory will create it again
        ");
    let empty = deleting(&["10.7.0.0/24"]);
    finds_planned("resurrecting-subnet", &wanted(), &seen, Some(&empty), "");
    finds("resurrecting-subnet", &wanted(), &seen, "");
    finds_planned(
        "resurrecting-subnet",
        &wanted(),
        &carved(),
        Some(&planned),
        "",
    );
}

#[test]
fn a_subnet_that_appeared() {
    let mut seen = carved()
        .subnet("10.9.0.0/24", &[])
        .subnet("10.9.1.0/24", &[])
        .subnet("192.168.10.0/28", &[]);
    finds("unassigned-subnet", &wanted(), &seen, "");
    seen.ownership.unassigned = Some([net("10.9.0.0/24")].into());
    finds(
        "unassigned-subnet",
        &wanted(),
        &seen,
        "
            Info: new in no site since the last run: `10.9.1.0/24`
        ",
    );
    // What is ours and was taken out of its site is a difference.
    let ours = seen
        .clone()
        .owns_subnet("10.9.1.0/24", crate::model::Held::Adopted);
    finds("unassigned-subnet", &wanted(), &ours, "");
    // What the plan itself takes out of a site has not appeared.
    let planned = Planned {
        changed: ["subnet 10.9.1.0/24".to_owned()].into(),
        ..Planned::default()
    };
    finds_planned("unassigned-subnet", &wanted(), &seen, Some(&planned), "");
    seen.ownership.unassigned = Some([net("10.9.0.0/24"), net("10.9.1.0/24")].into());
    finds("unassigned-subnet", &wanted(), &seen, "");
}
