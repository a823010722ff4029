//! What differs, in one line each: `check(desired, observed, expect)`.

use super::*;
use crate::model::testing::*;
use crate::model::{Ignorable, Observed, PackageSelector};

/// Compares and shows; `!` marks what is blocked.
fn shown(desired: &Desired, seen: &Seen, takeover: bool) -> String {
    let found = diff(desired, &seen.snapshot, &seen.ownership, takeover);
    let mut lines: Vec<String> = found.found.iter().map(|f| line(&f.change)).collect();
    lines.sort();
    lines.extend(
        found
            .blocked
            .iter()
            .map(|b| format!("! {} {}: {}", b.code, b.object, b.reason)),
    );
    for (subnet, takeover) in &found.refused {
        let from: Vec<&str> = takeover
            .from
            .iter()
            .map(crate::model::Name::as_str)
            .collect();
        lines.push(format!("! takeover {subnet} from {}", from.join("+")));
    }
    lines.join("\n")
}

#[track_caller]
fn check(desired: &Desired, seen: &Seen, expect: &str) {
    check_with(desired, seen, false, expect);
}

#[track_caller]
fn check_with(desired: &Desired, seen: &Seen, takeover: bool, expect: &str) {
    let found = shown(desired, seen, takeover);
    let expect: Vec<&str> = expect
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    assert_eq!(found, expect.join("\n"), "\n{found}\n");
}

fn sites(sites: &[SiteRef]) -> String {
    let names: Vec<&str> = sites.iter().map(|site| site.name.as_str()).collect();
    names.join("+")
}

fn line(change: &Change) -> String {
    match change {
        Change::CreateSite { name, .. } => format!("+ site {name}"),
        Change::RenameSite { site, before } => format!("~ site {before} -> {}", site.name),
        Change::DescribeSite {
            site,
            before,
            after,
        } => {
            format!("~ site {} description {before:?} -> {after:?}", site.name)
        }
        Change::Constrain {
            site,
            before,
            after,
        } => {
            format!("~ site {} constrained {before:?} -> {after}", site.name)
        }
        Change::DeleteSite { site } => format!("- site {}", site.name),
        Change::SubnetTo {
            subnet,
            guid: None,
            site,
            ..
        } => format!("+ {subnet} in {}", site.name),
        Change::SubnetTo {
            subnet,
            before,
            site,
            ..
        } => {
            format!("~ {subnet} [{}] -> {}", sites(before), site.name)
        }
        Change::SubnetOut {
            subnet,
            before,
            delete,
            ..
        } => {
            format!(
                "{} {subnet} out of [{}]",
                if *delete { "-" } else { "~" },
                sites(before)
            )
        }
        Change::ServerTo { server, site } => format!("~ {} to {}", server.name.host(), site.name),
        Change::ServerOut { server, site } => {
            format!("~ {} out of {}", server.name.host(), site.name)
        }
        Change::Role {
            server,
            role,
            readable,
        } => {
            format!("~ {} gets {role}, readable {readable}", server.name.host())
        }
        Change::PlugIn { server, plug_in } => {
            format!("~ {} gets {plug_in}", server.name.host())
        }
        Change::Package {
            package,
            before,
            after,
            created_sites,
            sites,
            ..
        } => format!(
            "~ package {} {} -> {}{created_sites:?} for {sites:?}",
            package.name,
            short(before),
            short(after)
        ),
        Change::Distribute { package } => format!("~ distribute {}", package.name),
        Change::CaptureTarget {
            after, readable, ..
        } => {
            format!("~ capture target {}, readable {readable}", after.name)
        }
        Change::InvalidSubnets { expression } => format!("~ invalid subnets {expression}"),
        Change::AdoptSite { site, protected } => {
            format!(
                "adopt {}{}",
                site.name,
                if *protected { ", protected" } else { "" }
            )
        }
        Change::AdoptSubnet { subnet, .. } => format!("adopt {subnet}"),
        Change::ReleaseSite { site, gone, .. } => format!("release {}, gone {gone}", site.name),
        Change::ReleaseSubnet { name, gone, .. } => format!("release {name}, gone {gone}"),
        Change::Protect { site, on } => format!("protect {} {on}", site.name),
    }
}

fn short(assignment: &Assignment) -> String {
    let guids = |guids: &BTreeSet<Guid>| {
        let list: Vec<String> = guids.iter().map(|g| format!("{:x}", g.as_u128())).collect();
        list.join(" ")
    };
    match assignment {
        Assignment::All => "all".into(),
        Assignment::Servers(servers) => format!("servers({})", guids(servers)),
        Assignment::Sites { sites, .. } => format!("sites({})", guids(sites)),
    }
}

/// HQ with a subnet and a server; nothing is ours.
fn office() -> Seen {
    world()
        .server("SITE01.corp.example", &["192.168.0.11"], "package task")
        .site("HQ")
        .assign("HQ", &["SITE01"])
        .subnet("192.168.0.0/24", &["HQ"])
}

fn hq() -> Desired {
    desired()
        .site("HQ")
        .subnets("HQ", &["192.168.0.0/24"])
        .servers("HQ", &["site01.CORP.example"])
}

#[test]
fn creates_assigns_moves() {
    let wanted = hq()
        .subnets(
            "HQ",
            &["192.168.0.0/24", "192.168.1.0/24", "192.168.2.0/24"],
        )
        .site("Lab")
        .describe("Lab", "Lab, building 4")
        .constrain("Lab", true)
        .subnets("Lab", &["192.168.9.0/24", "192.168.10.0/24"])
        .servers("Lab", &["SITE01"]);
    let seen = office()
        .subnet("192.168.1.0/24", &[])
        .subnet("192.168.9.0/24", &["HQ"]);
    check(
        &wanted,
        &seen,
        "
            + 192.168.10.0/24 in Lab
            + 192.168.2.0/24 in HQ
            + site Lab
            adopt 192.168.0.0/24
            adopt 192.168.1.0/24
            adopt 192.168.9.0/24
            adopt HQ
            ~ 192.168.1.0/24 [] -> HQ
            ~ 192.168.9.0/24 [HQ] -> Lab
            ~ SITE01 to Lab
            ~ site Lab constrained Some(false) -> true
        ",
    );
}

#[test]
fn adopts_what_exists_and_changes_nothing_more() {
    check(
        &hq(),
        &office(),
        "
            adopt 192.168.0.0/24
            adopt HQ
        ",
    );
    check(
        &hq().prevent_destroy("HQ", true),
        &office(),
        "
            adopt 192.168.0.0/24
            adopt HQ, protected
        ",
    );
    let ours = office()
        .owns_site("HQ", Held::Adopted)
        .owns_subnet("192.168.0.0/24", Held::Adopted);
    check(&hq(), &ours, "");
    check(&hq().prevent_destroy("HQ", true), &ours, "protect HQ true");
}

#[test]
fn a_site_of_a_former_name_is_renamed_and_keeps_what_is_its_own() {
    let ours = office()
        .owns_site("HQ", Held::Created)
        .owns_subnet("192.168.0.0/24", Held::Created);
    let wanted = desired()
        .site("Head Office")
        .formerly("Head Office", &["Town", "hq"])
        .subnets("Head Office", &["192.168.0.0/24"])
        .servers("Head Office", &["SITE01"]);
    check(&wanted, &ours, "~ site HQ -> Head Office");
    // What nobody of ours owns is adopted, as it would be by its name.
    check(
        &wanted,
        &office(),
        "
            adopt 192.168.0.0/24
            adopt Head Office
            ~ site HQ -> Head Office
        ",
    );
    // Once it is called so, the former names say nothing any more.
    let done = ours.clone().but(|snapshot| {
        known(&mut snapshot.sites)[0].name = Name::new("Head Office");
    });
    check(&wanted, &done, "");
    // Without any of the names there is nothing to rename.
    check(
        &desired().site("Lab").formerly("Lab", &["Cellar"]),
        &world(),
        "+ site Lab",
    );
}

#[test]
fn several_sites_that_might_be_the_declared_one_block_it() {
    let wanted = desired().site("New").formerly("New", &["Old", "Older"]);
    for names in [["New", "Old"], ["Old", "Older"], ["Old", "Old"]] {
        let seen = world().site(names[0]).site(names[1]);
        let seen = seen.owns_site(names[0], Held::Created);
        let found = shown(&wanted, &seen, false);
        let [one, other] = names;
        let expect = format!(
            "! SW0516 site `New`: expected one site of that name or of a former one, found `{one}` \
             (00000000-0000-0000-0000-000000001000) and `{other}` (00000000-0000-0000-0000-000000001001)"
        );
        assert_eq!(found, expect);
    }
}

#[test]
fn a_site_of_ours_that_is_hidden_under_its_former_name_is_not_created_anew() {
    let seen = world().site("Old").owns_site("Old", Held::Created);
    let guid = seen.site_guid("Old");
    let wanted = desired().site("New").formerly("New", &["Old"]);
    let hidden = seen.but(|snapshot| {
        snapshot.sites = Observed::Known(vec![]);
        snapshot.unlisted.insert(guid, Observed::Known(true));
    });
    let found = shown(&wanted, &hidden, false);
    assert!(
        found.starts_with("! SW0515") && !found.contains('\n'),
        "{found}"
    );
    // One that is gone is created anew by the name that is declared, and is as protected as it was.
    let gone = hidden.protected().but(|snapshot| snapshot.unlisted.clear());
    let found = diff(&wanted, &gone.snapshot, &gone.ownership, false).found;
    let created = found.iter().any(|found| {
        matches!(&found.change, Change::CreateSite { name, protected: true, .. } if name.as_str() == "New")
    });
    assert!(created, "{found:#?}");
}

#[test]
fn empty_lists_mean_none_and_absent_ones_nothing() {
    let wanted = desired().site("HQ").subnets("HQ", &[]).servers("HQ", &[]);
    check(
        &wanted,
        &office(),
        "
            adopt HQ
            ~ 192.168.0.0/24 out of [HQ]
            ~ SITE01 out of HQ
        ",
    );
    check(&desired().site("hq"), &office(), "adopt HQ");
}

#[test]
fn what_is_ours_and_undeclared_goes_or_is_released() {
    let seen = office()
        .site("Old")
        .subnet("10.0.0.0/24", &["Old"])
        .assign("Old", &["SITE01"]);
    let created = seen
        .clone()
        .owns_site("Old", Held::Created)
        .owns_subnet("10.0.0.0/24", Held::Created);
    check(
        &desired(),
        &created,
        "
            - 10.0.0.0/24 out of [Old]
            - site Old
            ~ SITE01 out of Old
        ",
    );
    check(
        &desired(),
        &created.clone().protected(),
        "
            ! SW0504 site `Old`: it is no longer declared, but `preventDestroy` protects it
        ",
    );
    let adopted = seen
        .clone()
        .owns_site("Old", Held::Adopted)
        .owns_subnet("10.0.0.0/24", Held::Adopted);
    check(
        &desired(),
        &adopted,
        "
            release 10.0.0.0/24, gone false
            release Old, gone false
        ",
    );
    let gone = office().owns_subnet("10.7.0.0/24", Held::Created);
    check(&desired(), &gone, "release 10.7.0.0/24, gone true");
}

#[test]
fn what_is_protected_stays_ours_also_where_it_was_adopted() {
    let seen = office()
        .owns_site("HQ", Held::Adopted)
        .owns_subnet("192.168.0.0/24", Held::Created)
        .protected();
    check(&desired(), &seen, "");
    let found = diff(&desired(), &seen.snapshot, &seen.ownership, false);
    let kept: Vec<&str> = found
        .kept
        .values()
        .map(crate::model::Name::as_str)
        .collect();
    assert_eq!(kept, ["HQ"]);
    // Leaving the word out changes nothing; it is taken off by saying so, and only then is the site let go of.
    check(&hq(), &seen, "");
    check(
        &hq().prevent_destroy("HQ", false),
        &seen,
        "protect HQ false",
    );
    let mut seen = seen;
    for owned in seen.ownership.sites.values_mut() {
        owned.protected = false;
    }
    check(
        &desired(),
        &seen,
        "
            release 192.168.0.0/24, gone false
            release HQ, gone false
        ",
    );
}

#[test]
fn nothing_is_deleted_from_a_protected_site() {
    let seen = office()
        .subnet("10.0.0.0/24", &["HQ"])
        .subnet("10.1.0.0/24", &["HQ"])
        .owns_site("HQ", Held::Created)
        .owns_subnet("192.168.0.0/24", Held::Adopted)
        .owns_subnet("10.0.0.0/24", Held::Created)
        .owns_subnet("10.1.0.0/24", Held::Adopted);
    let gone = "
            - 10.0.0.0/24 out of [HQ]
            release 10.1.0.0/24, gone false
            ~ 10.1.0.0/24 out of [HQ]";
    check(&hq(), &seen, gone);
    let kept = "
            release 10.1.0.0/24, gone false
            ~ 10.1.0.0/24 out of [HQ]
            ! SW0531 subnet `10.0.0.0/24`: it is no longer declared and would be deleted, but `preventDestroy` protects the site `HQ` that it is in";
    let protected = seen.clone().protected();
    check(&hq(), &protected, kept);
    let hq = |on| hq().prevent_destroy("HQ", on);
    check(&hq(true), &protected, kept);
    check(
        &hq(true),
        &seen,
        &kept.replace("release", "protect HQ true\nrelease"),
    );
    check(
        &hq(false),
        &protected,
        &gone.replace("release", "protect HQ false\nrelease"),
    );
    // What moves to another site is not deleted.
    let moved = hq(true).site("Lab").subnets("Lab", &["10.0.0.0/24"]);
    check(
        &moved,
        &protected,
        "
            + site Lab
            release 10.1.0.0/24, gone false
            ~ 10.0.0.0/24 [HQ] -> Lab
            ~ 10.1.0.0/24 out of [HQ]
        ",
    );
}

#[test]
fn a_protection_outlives_its_site() {
    let seen = office()
        .site("Old")
        .owns_site("Old", Held::Created)
        .protected();
    let old = seen.site_guid("Old");
    let gone = seen.but(|snapshot| known(&mut snapshot.sites).retain(|site| site.guid != old));
    let protected = |desired: &Desired, seen: &Seen| {
        let found = diff(desired, &seen.snapshot, &seen.ownership, false).found;
        found.iter().find_map(|found| match &found.change {
            Change::CreateSite { protected, .. } | Change::AdoptSite { protected, .. } => {
                Some(*protected)
            }
            _ => None,
        })
    };
    let wanted = desired().site("Old");
    assert_eq!(protected(&wanted, &gone), Some(true));
    assert_eq!(
        protected(&wanted.clone().prevent_destroy("Old", false), &gone),
        Some(false)
    );
    assert_eq!(protected(&desired().site("New"), &gone), Some(false));
    // Somebody made it anew in the console.
    let again = gone.site("Old").but(|snapshot| {
        let sites = known(&mut snapshot.sites);
        if let Some(site) = sites.last_mut() {
            site.guid = Guid::from_u128(0x1fff);
        }
    });
    assert_eq!(protected(&wanted, &again), Some(true));
}

#[test]
fn a_site_with_subnets_that_are_not_ours_is_not_deleted() {
    let seen = office()
        .site("Old")
        .subnet("10.0.0.0/24", &["Old"])
        .subnet("no network", &["Old"])
        .owns_site("Old", Held::Created);
    check(&desired(), &seen, "
            ! SW0505 site `Old`: it is no longer declared, but holds subnets that are not ours to move: `10.0.0.0/24`, `no network`
        ");
    // Declared elsewhere, but where the list of subnets is left alone: it would still be in the site.
    let wanted = hq()
        .subnets("HQ", &["10.0.0.0/24"])
        .ignore("HQ", Ignorable::Subnets);
    let seen = office()
        .site("Old")
        .subnet("10.0.0.0/24", &["Old"])
        .owns_site("Old", Held::Created);
    check(&wanted, &seen, "
            adopt HQ
            ! SW0505 site `Old`: it is no longer declared, but holds subnets that are not ours to move: `10.0.0.0/24`
        ");
}

#[test]
fn unseen_is_not_absent() {
    check(
        &hq(),
        &office().but(|s| s.sites = Observed::Unavailable("no right".into())),
        "! SW0501 sites: the sites could not be read: no right",
    );
    check(
        &hq(),
        &office().but(|s| s.subnets = Observed::Unavailable("no right".into())),
        "
            adopt HQ
            ! SW0501 subnets: the subnets could not be read: no right
        ",
    );
    // A site to delete whose subnets nobody sees, although none is declared or ours.
    let created = office().owns_site("HQ", Held::Created);
    check(
        &desired(),
        &created.but(|s| s.subnets = Observed::Unavailable("no right".into())),
        "
            ! SW0501 site `HQ`: it is no longer declared, but its subnets could not be read: no right
        ",
    );
    let described = hq().describe("HQ", "x");
    let seen = office().with(|site| site.description = Observed::Unavailable("no right".into()));
    check(
        &described,
        &seen,
        "
            adopt 192.168.0.0/24
            adopt HQ
            ! SW0503 description of site `HQ`: it could not be read: no right
        ",
    );
    let wanted = desired()
        .roles("SITE01", "package")
        .package(named("P"), "all", &[]);
    let seen = office().package("P", "servers SITE01", &[]).but(|s| {
        s.services = Observed::Unavailable("no right".into());
        for assignment in s.assignments.values_mut() {
            *assignment = Observed::Unavailable("no right".into());
        }
    });
    check(
        &wanted,
        &seen,
        "
            ~ SITE01 gets package, readable false
            ! SW0509 package `P`: its assignment could not be read: no right
        ",
    );
}

#[test]
fn names_are_never_guessed() {
    let seen = office()
        .server("SITE01.lab.example", &[], "")
        .site("hq")
        .subnet("10.0.0.0/24", &[])
        .subnet("10.0.0.0/24", &[]);
    let wanted = hq()
        .site("Lab")
        .subnets("Lab", &["10.0.0.0/24"])
        .servers("Lab", &["SITE01", "SITE02"]);
    check(&wanted, &seen, "
            + site Lab
            ! SW0502 site `HQ`: the SMP has several sites of that name: `00000000-0000-0000-0000-000000001000`, `00000000-0000-0000-0000-000000001001`
            ! SW0502 subnet `10.0.0.0/24`: the SMP has several resources for it: `00000000-0000-0000-0000-000000002001`, `00000000-0000-0000-0000-000000002002`
            ! SW0506 server `SITE02`: the SMP shows no computer of that name
            ! SW0507 server `SITE01`: several computers have that name: `00000000-0000-0000-0000-000000003001`, `00000000-0000-0000-0000-000000003002`
        ");
    // A server that is not found may be one of those present: none is taken away.
    let wanted = desired().site("HQ").servers("HQ", &["SITE02"]);
    check(
        &wanted,
        &office(),
        "
            adopt HQ
            ! SW0506 server `SITE02`: the SMP shows no computer of that name
        ",
    );
}

/// Where the SMP lacks the setting, declaring it is a note of the checks and no change.
#[test]
fn constrain_to_site_that_the_smp_lacks() {
    let wanted = desired().site("HQ").constrain("HQ", true);
    let seen = world().site("HQ").owns_site("HQ", Held::Adopted);
    check(&wanted, &seen, "~ site HQ constrained Some(false) -> true");
    let lacks = seen.but(|snapshot| snapshot.surroundings.can_constrain = false);
    check(&wanted, &lacks, "");
}

#[test]
fn taking_over_is_asked_for() {
    // The subnet itself, and a more specific one inside the subnet of a site that nobody declares.
    let seen = office();
    let lab = |subnet: &str| desired().site("Lab").subnets("Lab", &[subnet]);
    for subnet in ["192.168.0.0/24", "192.168.0.12/32"] {
        check(
            &lab(subnet),
            &seen,
            &format!("+ site Lab\n! takeover {subnet} from HQ"),
        );
    }
    check_with(
        &lab("192.168.0.0/24"),
        &seen,
        true,
        "
            + site Lab
            adopt 192.168.0.0/24
            ~ 192.168.0.0/24 [HQ] -> Lab
        ",
    );
    check_with(
        &lab("192.168.0.12/32"),
        &seen,
        true,
        "
            + 192.168.0.12/32 in Lab
            + site Lab
        ",
    );
    // Around it is no taking over: the more specific subnet keeps its site. Nor is it one once HQ is declared.
    check(
        &lab("192.168.0.0/16"),
        &seen,
        "
            + 192.168.0.0/16 in Lab
            + site Lab
        ",
    );
    check(
        &lab("192.168.0.12/32").site("HQ"),
        &seen,
        "
            + 192.168.0.12/32 in Lab
            + site Lab
            adopt HQ
        ",
    );
}

#[test]
fn a_subnet_in_two_sites_goes_to_one() {
    let seen = office().site("Lab").subnet("10.0.0.0/24", &["HQ", "Lab"]);
    let wanted = hq()
        .subnets("HQ", &["192.168.0.0/24", "10.0.0.0/24"])
        .site("Lab");
    check(
        &wanted,
        &seen,
        "
            adopt 10.0.0.0/24
            adopt 192.168.0.0/24
            adopt HQ
            adopt Lab
            ~ 10.0.0.0/24 [HQ+Lab] -> HQ
        ",
    );
    // Only our site gives it up.
    check(
        &hq(),
        &seen,
        "
            adopt 192.168.0.0/24
            adopt HQ
            ~ 10.0.0.0/24 out of [HQ]
        ",
    );
}

#[test]
fn ignored_fields_are_set_at_creation_only() {
    let wanted = |name: &str| {
        desired()
            .site(name)
            .describe(name, "new")
            .subnets(name, &["10.0.0.0/24"])
            .servers(name, &["SMP01"])
            .constrain(name, true)
            .ignore(name, Ignorable::Description)
            .ignore(name, Ignorable::Subnets)
            .ignore(name, Ignorable::Servers)
            .ignore(name, Ignorable::ConstrainToSite)
    };
    check(&wanted("HQ"), &office(), "adopt HQ");
    check(
        &wanted("New"),
        &office(),
        "
            + 10.0.0.0/24 in New
            + site New
            ~ SMP01 to New
            ~ site New constrained Some(false) -> true
        ",
    );
}

#[test]
fn each_field_is_ignored_by_itself() {
    let changes = [
        (
            Ignorable::Description,
            "~ site HQ description \"\" -> \"new\"",
        ),
        (Ignorable::Subnets, "~ 192.168.0.0/24 out of [HQ]"),
        (Ignorable::Servers, "~ SITE01 out of HQ"),
        (
            Ignorable::ConstrainToSite,
            "~ site HQ constrained Some(false) -> true",
        ),
    ];
    for (ignored, _) in changes {
        let wanted = desired()
            .site("HQ")
            .describe("HQ", "new")
            .subnets("HQ", &[])
            .servers("HQ", &[])
            .constrain("HQ", true)
            .ignore("HQ", ignored);
        let mut rest: Vec<&str> = changes
            .iter()
            .filter(|(field, _)| *field != ignored)
            .map(|(_, change)| *change)
            .collect();
        rest.push("adopt HQ");
        rest.sort_unstable();
        check(&wanted, &office(), &rest.join("\n"));
    }
}

#[test]
fn packages_are_selected() {
    let seen = office()
        .package("Win11 golden", "all", &[])
        .package("Win10 golden", "servers SITE01", &[])
        .package("Tool", "all", &[])
        .package("tool", "all", &[])
        .task("Deploy Win11", &["Win11 golden"]);
    let tool = PackageSelector::Guid(Guid::from_u128(0x4003));
    let glob = PackageSelector::Match(Name::new("WIN1? *"));
    let task = PackageSelector::Task(Name::new("deploy win11"));
    check(
        &desired().package(named("win11 GOLDEN"), "servers SITE01", &["HQ"]),
        &seen,
        r#"
            ~ package Win11 golden all -> servers(3001)[] for [Name { text: "HQ", key: NameKey("hq") }]
        "#,
    );
    check(
        &desired().package(tool, "servers SMP01", &[]),
        &seen,
        "~ package tool all -> servers(3000)[] for []",
    );
    check(
        &desired().package(glob.clone(), "servers SITE01", &[]),
        &seen,
        "~ package Win11 golden all -> servers(3001)[] for []",
    );
    // Pins of one package by several declarations are united.
    let both = desired().package(task, "servers SMP01", &["HQ"]).package(
        glob.clone(),
        "servers SITE01",
        &["Lab"],
    );
    check(
        &both,
        &seen,
        r#"
            ~ package Win11 golden all -> servers(3000 3001)[] for [Name { text: "HQ", key: NameKey("hq") }, Name { text: "Lab", key: NameKey("lab") }]
        "#,
    );
    check(&desired().package(named("tool"), "all", &[]), &seen, "
            ! SW0512 package `tool`: several packages have that name: `00000000-0000-0000-0000-000000004002`, `00000000-0000-0000-0000-000000004003`
        ");
    check(
        &desired().package(named("Win7"), "all", &[]),
        &seen,
        "
            ! SW0511 package `Win7`: the SMP shows no package of that name
        ",
    );
    // Declarations that disagree: the package is left alone.
    let torn = desired()
        .package(named("Win10 golden"), "all", &[])
        .package(glob, "servers SMP01", &[]);
    check(&torn, &seen, "
            ~ package Win11 golden all -> servers(3000)[] for []
            ! SW0510 package `Win10 golden`: two declarations select it and disagree, the other one at test.yaml:1:1
        ");
    check(
        &desired().package(named("Win10 golden"), "sites HQ Nowhere", &[]),
        &seen,
        "
            ! SW0514 package `Win10 golden`: the site `Nowhere` neither exists nor is declared
        ",
    );
    let created = desired()
        .site("Lab")
        .package(named("Win10 golden"), "sites HQ Lab", &[]);
    check(
        &created,
        &seen,
        r#"
            + site Lab
            ~ package Win10 golden servers(3001) -> sites(1000)[Name { text: "Lab", key: NameKey("lab") }] for []
        "#,
    );
}

#[test]
fn roles_and_settings() {
    let wanted = desired()
        .roles("SITE01", "package networkBoot")
        .roles("SITE01.corp.example", "networkBoot")
        .capture_target("SITE01")
        .invalid_subnets("^0");
    check(
        &wanted,
        &office(),
        "
            ~ SITE01 gets networkBoot, readable true
            ~ capture target SITE01.corp.example, readable true
            ~ invalid subnets ^0
        ",
    );
    let seen = office().but(|s| s.capture_target = Observed::Unavailable("no right".into()));
    check(
        &desired().capture_target("SITE01"),
        &seen,
        "~ capture target SITE01.corp.example, readable false",
    );
}

/// HQ and the subnet 10.0.0.0/24 are ours; only the subnets and sites of `office` are listed.
fn robbed(there: Observed<bool>) -> Seen {
    let mut seen = office()
        .site("Lab")
        .subnet("10.0.0.0/24", &["Lab"])
        .owns_site("Lab", Held::Created)
        .owns_subnet("10.0.0.0/24", Held::Created);
    let (lab, subnet) = (Guid::from_u128(0x1001), Guid::from_u128(0x2001));
    known(&mut seen.snapshot.sites).retain(|site| site.guid != lab);
    known(&mut seen.snapshot.subnets).retain(|observed| observed.guid != subnet);
    seen.snapshot.unlisted = [(lab, there.clone()), (subnet, there)].into();
    seen
}

#[test]
fn what_is_gone_is_released_and_created_anew() {
    let wanted = hq().site("Lab").subnets("Lab", &["10.0.0.0/24"]);
    check(
        &wanted,
        &robbed(Observed::Known(false)),
        "
            + 10.0.0.0/24 in Lab
            + site Lab
            adopt 192.168.0.0/24
            adopt HQ
            release 10.0.0.0/24, gone true
            release Lab, gone true
        ",
    );
}

#[test]
fn what_is_there_and_not_listed_is_left_alone() {
    let wanted = hq()
        .site("Lab")
        .subnets("Lab", &["10.0.0.0/24", "10.0.1.0/24"])
        .servers("Lab", &["SITE01"])
        .constrain("Lab", true);
    let told = "
        adopt 192.168.0.0/24
        adopt HQ
        ! SW0515 sites: the SMP has 1 of ours and does not list it: `Lab`
        ! SW0515 subnets: the SMP has 1 of ours and does not list it: `10.0.0.0/24`
    ";
    let hidden = robbed(Observed::Known(true));
    check(&wanted, &hidden, told);
    // Nor is it forgotten or deleted once nobody declares it.
    check(&hq(), &hidden, told);
    // Another site cannot take a subnet that nobody shows us.
    check(
        &hq().subnets("HQ", &["192.168.0.0/24", "10.0.0.0/24"]),
        &hidden,
        told,
    );
    // A package that is to go to the site waits with it.
    check(
        &hq().package(named("Win11"), "sites Lab", &[]),
        &robbed(Observed::Known(true)).package("Win11", "all", &[]),
        told,
    );
}

#[test]
fn what_may_be_there_is_left_alone() {
    let unknown = robbed(Observed::Unavailable("denied".into()));
    check(
        &hq(),
        &unknown,
        "
            adopt 192.168.0.0/24
            adopt HQ
            ! SW0515 sites: 1 of ours is not listed, and whether it is gone could not be told: `Lab`: denied
            ! SW0515 subnets: 1 of ours is not listed, and whether it is gone could not be told: `10.0.0.0/24`: denied
        ",
    );
}

#[test]
fn many_that_are_not_listed_are_one_entry() {
    let mut seen = office();
    for number in 0..1000 {
        let guid = Guid::from_u128(0x8000 + number);
        let owned = crate::model::Owned {
            name: Name::new(&format!("10.{}.{}.0/24", number / 256, number % 256)),
            how: Held::Created,
            protected: false,
        };
        seen.ownership.subnets.insert(guid, owned);
        seen.snapshot.unlisted.insert(guid, Observed::Known(true));
    }
    check(
        &desired(),
        &seen,
        "! SW0515 subnets: the SMP has 1000 of ours and does not list them: `10.0.0.0/24`, `10.0.1.0/24`, `10.0.10.0/24`, 997 more",
    );
}

/// A site whose creation was cut off gets what it is declared with; once it is finished it is left alone.
#[test]
fn what_is_ignored_is_completed_where_a_creation_was_cut_off() {
    let wanted = desired()
        .site("Lab")
        .subnets("Lab", &["10.9.0.0/24"])
        .ignore("Lab", Ignorable::Subnets);
    let finished = world().site("Lab").owns_site("Lab", Held::Created);
    let changes = |seen: &Seen| {
        let found = diff(&wanted, &seen.snapshot, &seen.ownership, false).found;
        let gains = found.iter();
        gains
            .filter(|found| matches!(found.change, Change::SubnetTo { .. }))
            .count()
    };
    assert_eq!(changes(&finished), 0);
    let mut unfinished = finished.clone();
    unfinished
        .ownership
        .unfinished
        .insert(finished.site_guid("Lab"), [Ignorable::Subnets].into());
    assert_eq!(changes(&unfinished), 1);
    // Its subnets are there, and something else of it is not.
    let mut other = finished.clone();
    let left = [Ignorable::Servers].into();
    other
        .ownership
        .unfinished
        .insert(finished.site_guid("Lab"), left);
    assert_eq!(changes(&other), 0);
    // It was cut off before anything could be written down of the answer.
    let mut intended = world().site("Lab");
    intended.ownership.intended.insert(Intended {
        of: CountedKind::Sites,
        name: Name::new("Lab"),
    });
    assert_eq!(changes(&intended), 1);
    assert_eq!(changes(&world().site("Lab")), 0);
}

/// A package that reads as it is declared is waited for as long as nobody has seen it at its servers.
#[test]
fn a_package_that_was_to_be_waited_for_is_waited_for_by_the_next_plan() {
    let only = |awaited: bool| Change::Package {
        package: PackageRef {
            name: Name::new("Drivers"),
            guid: Guid::from_u128(1),
        },
        before: Assignment::All,
        after: if awaited {
            Assignment::All
        } else {
            Assignment::Servers(BTreeSet::new())
        },
        created_sites: Vec::new(),
        sites: Vec::new(),
        holders: None,
    };
    assert!(only(true).only_waits());
    assert!(!only(false).only_waits());
}
