//! Which packages are the imaging tools that article 180278 wants on every deployment package server.
//!
//! Pure. Names tell most of them; a server that names them otherwise lists them in its profile.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Guid, Listed, Name, Product};

/// A package that imaging needs beside the images (article 180278).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum ImagingTool {
    /// `DriversDB`: the drivers database.
    DriversDb,
    /// `BDC`: the Boot Disk Creator.
    BootDiskCreator,
    /// `Imaging`: the tools that write and capture images.
    Imaging,
    /// `PCT`: the personality tool.
    Pct,
}

/// What a name may hold beside `Imaging` and still be that of the tool; any other word makes it somebody's own package.
const AROUND_IMAGING: [&str; 12] = [
    "altiris",
    "broadcom",
    "deployment",
    "package",
    "software",
    "solution",
    "symantec",
    "tool",
    "tools",
    "x64",
    "x86",
    "for",
];

impl ImagingTool {
    /// Every tool.
    pub const ALL: [Self; 4] = [
        Self::DriversDb,
        Self::BootDiskCreator,
        Self::Imaging,
        Self::Pct,
    ];

    /// What article 180278 calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DriversDb => "DriversDB",
            Self::BootDiskCreator => "BDC",
            Self::Imaging => "Imaging",
            Self::Pct => "PCT",
        }
    }

    /// The tool that the words of a package's name tell.
    #[must_use]
    pub fn by_name(name: &Name) -> Option<Self> {
        let key = name.key().as_str();
        let words: Vec<&str> = key
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let has = |phrase: &[&str]| words.windows(phrase.len()).any(|found| found == phrase);
        if has(&["driversdb"]) || has(&["drivers", "db"]) {
            Some(Self::DriversDb)
        } else if has(&["bdc"]) || has(&["boot", "disk", "creator"]) {
            Some(Self::BootDiskCreator)
        } else if has(&["pct"]) {
            Some(Self::Pct)
        } else {
            // A plain word that images may be named with too.
            let alone = words
                .iter()
                .all(|word| *word == "imaging" || AROUND_IMAGING.contains(word));
            (alone && has(&["imaging"])).then_some(Self::Imaging)
        }
    }
}

/// The packages of each imaging tool: those that the operator lists, else those whose name tells it.
///
/// A tool without an entry is not found, which does not say that the server has none.
#[must_use]
pub fn imaging_packages(
    packages: &[Listed],
    product: &Product,
) -> BTreeMap<ImagingTool, BTreeSet<Guid>> {
    let mut found = product.imaging_packages.clone();
    for Listed { guid, name } in packages {
        if let Some(tool) = ImagingTool::by_name(name)
            && !product.imaging_packages.contains_key(&tool)
        {
            found.entry(tool).or_default().insert(*guid);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_told_by_words() {
        for (name, expect) in [
            ("DriversDB", Some(ImagingTool::DriversDb)),
            ("Deployment Drivers DB", Some(ImagingTool::DriversDb)),
            ("BDC", Some(ImagingTool::BootDiskCreator)),
            (
                "Symantec Boot Disk Creator (x64)",
                Some(ImagingTool::BootDiskCreator),
            ),
            (
                "Deployment Solution Imaging package",
                Some(ImagingTool::Imaging),
            ),
            ("imaging", Some(ImagingTool::Imaging)),
            ("PCT_Package", Some(ImagingTool::Pct)),
            ("Win11 imaging lab", None),
            ("ABDCE", None),
            ("Drivers for DB2", None),
            ("Package", None),
        ] {
            assert_eq!(ImagingTool::by_name(&Name::new(name)), expect, "{name}");
        }
    }

    #[test]
    fn what_the_operator_lists_goes_before_names() {
        let listed = |guid, name| Listed {
            guid: Guid::from_u128(guid),
            name: Name::new(name),
        };
        let packages = [
            listed(1, "Imaging"),
            listed(2, "PCT"),
            listed(3, "Werkzeuge"),
        ];
        let mut product = Product::default();
        let listed_tool: BTreeSet<Guid> = [Guid::from_u128(3)].into();
        product
            .imaging_packages
            .insert(ImagingTool::Imaging, listed_tool.clone());
        let found = imaging_packages(&packages, &product);
        assert_eq!(found[&ImagingTool::Imaging], listed_tool);
        assert_eq!(found[&ImagingTool::Pct], [Guid::from_u128(2)].into());
        assert_eq!(found.get(&ImagingTool::DriversDb), None);
    }
}
