//! Tables that are read, and tables with every fault.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::manifest;

fn read(text: &str) -> String {
    match import("net.csv", text, &Options::default()) {
        Ok(imported) => {
            assert_valid(&imported.text);
            imported.text
        }
        Err(faults) => panic!("{faults:#?}"),
    }
}

fn assert_valid(text: &str) {
    let source = manifest::Source::new("out.yaml", text);
    let read = manifest::read(&[source]);
    assert!(
        read.diagnostics.is_empty(),
        "{text}\n{:?}",
        read.diagnostics
    );
    manifest::desired(&read.documents, None).unwrap();
}

fn faults(text: &str) -> Vec<String> {
    match import("net.csv", text, &Options::default()) {
        Ok(imported) => panic!("{}", imported.text),
        Err(faults) => faults
            .iter()
            .map(|fault| {
                let line = fault.labels.first().unwrap().origin.line;
                let hint = fault.hint.clone().unwrap_or_default();
                format!("{line} {} {} {hint}", fault.code, fault.message)
            })
            .collect(),
    }
}

#[test]
fn writes_sites_and_keeps_descriptions_as_comments() {
    let text = "subnet,site,description\n\
                10.2.0.0/24,Branch 2,\"Floor 1, west\"\n\
                10.1.1.0/24,HQ,\n\
                10.1.0.0/24,hq,Data centre # 1\n";
    assert_eq!(
        read(text),
        "# Imported from net.csv: subnets by site.\n# What is not named here is not managed.\n\
         apiVersion: sitewright/v1\nkind: Site\nmetadata:\n  name: Branch 2\nspec:\n  subnets:\n    \
         - 10.2.0.0/24  # Floor 1, west\n---\n\
         apiVersion: sitewright/v1\nkind: Site\nmetadata:\n  name: HQ\nspec:\n  subnets:\n    \
         - 10.1.0.0/24  # Data centre # 1\n    - 10.1.1.0/24\n"
    );
}

#[test]
fn every_dialect_says_the_same() {
    let expected = read("subnet,site,description\n10.1.0.0/24,HQ,Office\n10.2.0.0/24,\"B;2\",\n");
    for text in [
        "\u{FEFF}Subnet;Site;Description\r\n10.1.0.0/24;HQ;Office\r\n10.2.0.0/24;\"B;2\";\r\n;;\r\n",
        "description\tSITE\tNetwork\nOffice\tHQ\t10.1.0.0/24\n\tB;2\t10.2.0.0/24",
        "\"site name\",\"CIDR\"\n\n\"B;2\",10.2.0.0/24\nHQ,10.1.0.0/24\n",
    ] {
        let found = read(text);
        let bare = expected.replace("  # Office", "");
        assert!(found == expected || found == bare, "{text}\n{found}");
    }
}

#[test]
fn every_fault_is_told_with_its_line() {
    let text = "Subnet,Site,Description\n\
                10.1.0.7/24,HQ,\n\
                10.1.0.0/255.255.255.0,HQ,\n\
                10.1.0.0 255.255.254.0,HQ,\n\
                10.1.2.3,HQ,\n\
                010.1.0.0/24,HQ,\n\
                10.1.0.0/33,,\n\
                ,HQ,\n\
                2001:db8::/32,HQ,\n\
                10.1.0/24,HQ,\n\
                \"10.5.0.0/24\",\"two\nlines\",\n\
                10.6.0.0/24,HQ,a,b\n\
                10.7.0.0/24,HQ,one\n\
                10.7.0.0/24,Other,one\n\
                10.7.0.0/24,hq,one\n\
                10.7.0.0/24,HQ,two\n";
    let crlf = faults(&text.replace('\n', "\r\n"));
    let found = faults(text);
    assert_eq!(crlf, found);
    let expected = [
        "2 SW0955 expected a subnet, found host bits in `10.1.0.7/24` did you mean `10.1.0.0/24`?",
        "3 SW0955 expected a prefix from 1 to 32, found `10.1.0.0/255.255.255.0` did you mean `10.1.0.0/24`?",
        "4 SW0955 expected `network/prefix`, found `10.1.0.0 255.255.254.0` did you mean `10.1.0.0/23`?",
        "5 SW0955 expected `network/prefix`, found `10.1.2.3` for one address: did you mean `10.1.2.3/32`?",
        "6 SW0955 expected no leading zeros, found `010.1.0.0/24` did you mean `10.1.0.0/24`?",
        "7 SW0956 expected a site, found an empty cell ",
        "7 SW0955 expected a prefix from 1 to 32, found `10.1.0.0/33` ",
        "8 SW0955 expected a subnet, found an empty cell ",
        "9 SW0955 expected IPv4, found `2001:db8::/32` the SMP handles IPv4 subnets only",
        "10 SW0955 expected four numbers from 0 to 255, found `10.1.0/24` ",
        "11 SW0954 expected a cell on one line, found one on 2 lines is a closing double quote missing?",
        "13 SW0954 expected 3 cells, found `b` in cell 4 a cell that holds the delimiter stands between double quotes",
        "15 SW0957 expected `10.7.0.0/24` in one site, found it in two ",
        "16 SW0958 expected `10.7.0.0/24` once, found it twice ",
        "17 SW0959 expected one description of `10.7.0.0/24`, found two ",
    ];
    let mut sorted: Vec<String> = found.clone();
    sorted.sort();
    let mut wanted: Vec<&str> = expected.to_vec();
    wanted.sort_unstable();
    assert_eq!(sorted, wanted, "{found:#?}");
}

#[test]
fn a_quote_that_is_not_closed_loses_no_row() {
    let text = "subnet,site,description\n10.1.0.0/24,HQ,\"Floor 1\n10.2.0.0/24,B,\n";
    assert_eq!(
        faults(text),
        [
            "2 SW0954 expected a cell on one line, found one on 3 lines is a closing double quote missing?"
        ]
    );
}

#[test]
fn columns_are_told() {
    assert_eq!(
        faults("subnet,sites,vlan\n10.0.0.0/8,a,3\n"),
        [
            "1 SW0953 expected a column `site`, found none ",
            "1 SW0952 expected a known column, found `sites` ",
            "1 SW0952 expected a known column, found `vlan` ",
        ]
        .iter()
        .zip([
            "",
            "did you mean `site`?",
            "known are subnet, site and description; or pass --ignore vlan"
        ])
        .map(|(message, hint)| format!("{message}{hint}"))
        .collect::<Vec<_>>()
    );
    assert_eq!(
        faults("10.0.0.0/8,HQ\n")[0].split(' ').nth(1),
        Some("SW0951")
    );
    assert_eq!(
        faults("subnet,site\n\n,\n")[0].split(' ').nth(1),
        Some("SW0951")
    );
    assert_eq!(faults("\n\n")[0].split(' ').nth(1), Some("SW0951"));
    assert_eq!(
        faults("subnet,cidr,site\n")[0].split(' ').nth(1),
        Some("SW0952")
    );
    let options = Options {
        ignored: vec!["VLAN id".into()],
        platform: Some(Name::new("hq")),
    };
    let imported = import("-", "vlan-ID,site,subnet\n3,A,10.0.0.0/8\n", &options).unwrap();
    assert!(imported.text.contains("\n  platform: hq\n"));
    assert!(imported.text.starts_with("# Imported from standard input:"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_says_what_the_table_says(
        rows in proptest::collection::btree_map(0_u32..2000, ("\\PC{0,12}", "\\PC{0,20}"), 0..20),
        seed in 0_usize..7,
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["subnet", "site", "description"]).unwrap();
        let mut records: Vec<[String; 3]> = rows
            .iter()
            .filter(|(_, (site, _))| Name::declared(site.trim()).is_ok())
            .map(|(net, (site, text))| {
                let subnet = format!("10.{}.{}.0/24", net / 256, net % 256);
                [subnet, site.clone(), text.clone()]
            })
            .collect();
        let straight = records.clone();
        let by = seed.min(records.len());
        records.rotate_left(by);
        for record in &records {
            writer.write_record(record).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        if straight.is_empty() {
            prop_assert!(import("t.csv", &text, &Options::default()).is_err());
            return Ok(());
        }
        let imported = import("t.csv", &text, &Options::default()).unwrap();
        let source = manifest::Source::new("out.yaml", &imported.text);
        let read = manifest::read(&[source]);
        prop_assert!(read.diagnostics.is_empty(), "{}\n{:?}", imported.text, read.diagnostics);
        let desired = manifest::desired(&read.documents, None).unwrap();
        for [subnet, site, _] in &straight {
            let site = desired.sites.get(&Name::new(site.trim())).unwrap();
            prop_assert!(site.subnets.as_ref().unwrap().contains_key(&subnet.parse().unwrap()));
        }
        prop_assert_eq!(imported.subnets, straight.len());
        let mut other = csv::Writer::from_writer(Vec::new());
        other.write_record(["subnet", "site", "description"]).unwrap();
        for record in &straight {
            other.write_record(record).unwrap();
        }
        let other = String::from_utf8(other.into_inner().unwrap()).unwrap();
        prop_assert_eq!(import("t.csv", &other, &Options::default()).unwrap().text, imported.text);
    }
}
