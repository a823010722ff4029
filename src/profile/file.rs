//! Reads and writes profile files.
//!
//! I/O: `load` and `save`; `from_yaml` and `to_yaml` are pure. A profile is saved by writing a new file beside it and
//! renaming, so that a crash leaves the old one whole.

#![expect(clippy::disallowed_methods, reason = "reads and writes profiles")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::format::{Profile, Standing};
use crate::model::Guid;

/// Why a profile cannot be used. Codes `SW0801` to `SW0804`.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read or written.
    #[error("cannot access the server profile `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no profile.
    #[error("{place}: {message}")]
    Syntax {
        /// File, line and column.
        place: String,
        /// What was expected and found.
        message: String,
    },
    /// The file was written by another version of the format.
    #[error(
        "{place}: expected formatVersion {}, found {found}",
        Profile::FORMAT_VERSION
    )]
    Version {
        /// File.
        place: String,
        /// The version found.
        found: u32,
    },
    /// An entry contradicts itself.
    #[error("{place}: `{entry}`: {message}")]
    Entry {
        /// File.
        place: String,
        /// The path of the entry.
        entry: String,
        /// What was expected and found.
        message: String,
    },
}

impl ProfileError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "SW0801",
            Self::Syntax { .. } => "SW0802",
            Self::Version { .. } => "SW0803",
            Self::Entry { .. } => "SW0804",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io { .. } => {
                Some("`sitewright profile discover` writes a first profile of a server")
            }
            Self::Version { .. } => Some("use the version of sitewright that wrote the file"),
            Self::Syntax { .. } | Self::Entry { .. } => {
                Some("docs/profile.md describes the file, schemas/profile.json checks it")
            }
        }
    }
}

/// Reads a profile from `text`; `name` is what errors call it.
pub fn from_yaml(name: &str, text: &str) -> Result<Profile, ProfileError> {
    let profile: Profile = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map_or_else(
            || name.to_owned(),
            |at| format!("{name}:{}:{}", at.line(), at.column()),
        );
        // The library's message repeats the place and quotes the source below its first line.
        let message = error.without_snippet().to_string();
        ProfileError::Syntax {
            place,
            message: message.lines().next().unwrap_or("not a profile").to_owned(),
        }
    })?;
    if profile.format_version != Profile::FORMAT_VERSION {
        return Err(ProfileError::Version {
            place: name.into(),
            found: profile.format_version,
        });
    }
    check(&profile).map_err(|(entry, message)| ProfileError::Entry {
        place: name.into(),
        entry,
        message,
    })?;
    Ok(profile)
}

/// Finds an entry that the types alone do not rule out.
fn check(profile: &Profile) -> Result<(), (String, String)> {
    let known = |path: String, guid: Option<Guid>, standing: Standing| match guid {
        None if standing.reads() => Err((
            path,
            "expected a guid, or `standing: unknown`, found neither".to_owned(),
        )),
        Some(guid) if guid.is_nil() => {
            Err((path, "expected a guid, found the empty one".to_owned()))
        }
        _ => Ok(()),
    };
    known(
        "server.guid".into(),
        Some(profile.server.guid),
        Standing::Operator,
    )?;
    let types = &profile.types;
    for (name, entry) in [
        ("computer", &types.computer),
        ("site", &types.site),
        ("subnet", &types.subnet),
        ("siteService", &types.site_service),
        ("package", &types.package),
    ] {
        if let Some(entry) = entry {
            known(format!("types.{name}"), entry.guid, entry.standing)?;
        }
    }
    let associations = &profile.associations;
    for (name, entry, ends) in [
        (
            "subnetToSite",
            &associations.subnet_to_site,
            ["site", "subnet"],
        ),
        (
            "serverToSite",
            &associations.server_to_site,
            ["site", "computer"],
        ),
        (
            "serviceToComputer",
            &associations.service_to_computer,
            ["siteService", "computer"],
        ),
    ] {
        let Some(entry) = entry else { continue };
        let path = format!("associations.{name}");
        known(path.clone(), entry.guid, entry.standing)?;
        if !ends.contains(&entry.parent.as_str()) {
            return Err((
                format!("{path}.parent"),
                format!(
                    "expected `{}` or `{}`, found `{}`",
                    ends[0],
                    ends[1],
                    entry.parent.as_str()
                ),
            ));
        }
    }
    for service in profile.services.values() {
        if service.namespace.trim().is_empty() {
            return Err((
                "services".into(),
                "expected a namespace, found nothing".into(),
            ));
        }
    }
    settings(profile)?;
    match profile.evidence.contradiction() {
        Some(wrong) => Err(wrong),
        None => Ok(()),
    }
}

/// Finds a setting without a place, and one that is said to be missing where none can be.
fn settings(profile: &Profile) -> Result<(), (String, String)> {
    let settings = &profile.settings;
    for (name, setting, may_be_missing) in [
        ("constrainToSite", &settings.constrain_to_site, true),
        ("captureTarget", &settings.capture_target, false),
        ("taskPackages", &settings.task_packages, false),
    ] {
        let Some(setting) = setting else { continue };
        let path = format!("settings.{name}");
        if setting.standing == Standing::Unavailable && !may_be_missing {
            return Err((
                path,
                "expected a setting that every SMP has, found `standing: unavailable`".into(),
            ));
        }
        if setting.standing.reads() && setting.place().is_none() {
            return Err((
                path,
                "expected `item` and `path`, or `standing: unknown`, found neither".into(),
            ));
        }
        if setting.write && name == "taskPackages" {
            return Err((
                format!("{path}.write"),
                "expected a setting that is written at all, found one that is only read".into(),
            ));
        }
    }
    // What is not learned wholly yet is kept, and read by nobody.
    if let Some(prevent) = &settings.prevent_downloads
        && prevent.standing.reads()
        && prevent.item.is_none()
    {
        return Err((
            "settings.preventDownloads".into(),
            "expected `item`, or `standing: unknown`, found neither".into(),
        ));
    }
    Ok(())
}

/// Writes a profile as YAML.
pub fn to_yaml(profile: &Profile) -> Result<String, ProfileError> {
    serde_saphyr::to_string(profile).map_err(|error| ProfileError::Syntax {
        place: "profile".into(),
        message: error.to_string(),
    })
}

/// Reads the profile file at `path`.
pub fn load(path: &Path) -> Result<Profile, ProfileError> {
    let text = std::fs::read_to_string(path).map_err(|source| ProfileError::Io {
        path: path.into(),
        source,
    })?;
    from_yaml(&path.display().to_string(), &text)
}

/// Writes the profile file at `path`, whole or not at all.
pub fn save(profile: &Profile, path: &Path) -> Result<(), ProfileError> {
    let text = to_yaml(profile)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| ProfileError::Io {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use crate::model::{Name, Role};
    use crate::profile::{Ability, FactKind, Report, schema};

    const FULL: &str = include_str!("../smp/testing.yaml");

    #[test]
    fn a_profile_goes_round() {
        let profile = from_yaml("full.yaml", FULL).unwrap();
        assert_eq!(
            profile.server.guid.to_string(),
            "00000000-0000-0000-0000-0000000000c1"
        );
        assert!(profile.listed_task(&Name::new("deploy WIN11")).is_some());
        let text = to_yaml(&profile).unwrap();
        assert_eq!(from_yaml("again.yaml", &text).unwrap(), profile, "{text}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profiles/hq.yaml");
        save(&profile, &path).unwrap();
        assert_eq!(load(&path).unwrap(), profile);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (from, to, code, expect) in [
            (
                "formatVersion: 1",
                "formatVersion: 2",
                "SW0803",
                "expected formatVersion 1, found 2",
            ),
            ("name: Site }", "nmae: Site }", "SW0802", "nmae"),
            (
                "parent: site,",
                "parent: package,",
                "SW0804",
                "expected `site` or `subnet`, found `package`",
            ),
            (
                "item: site,",
                "item: sight,",
                "SW0802",
                "expected a GUID, `site` or `task`",
            ),
            (
                "/item/siteSettings/@constrained",
                "item",
                "SW0802",
                "begin with",
            ),
            (", ready: '2'", "", "SW0804", "`state` and `ready` together"),
            (
                ", yes: Up",
                "",
                "SW0804",
                "evidence.facts.answering`: expected `yes`",
            ),
            (
                "value: OS Name",
                "value: OS Name, yes: Windows",
                "SW0804",
                "evidence.facts.operatingSystem`: expected no `yes`",
            ),
            ("httpServer:", "webServer:", "SW0802", "webServer"),
            (
                "dataClass: 00000000-0000-0000-0000-00000000dd04",
                "dataClass: 00000000-0000-0000-0000-000000000000",
                "SW0804",
                "evidence.serverLoad.dataClass",
            ),
            ("location: unc", "location: url", "SW0802", "url"),
            (
                "item: 00000000-0000-0000-0000-00000000ee01, ",
                "standing: unavailable, ",
                "SW0804",
                "settings.captureTarget`: expected a setting that every SMP has",
            ),
            (
                "{ item: task, ",
                "{ ",
                "SW0804",
                "settings.taskPackages`: expected `item` and `path`",
            ),
            (
                "guid: 00000000-0000-0000-0000-00000000aa01, ",
                "",
                "SW0804",
                "types.site",
            ),
            ("0000000000C1}", "0000000000C1", "SW0802", "expected a GUID"),
            (
                "formatVersion: 1",
                "formatVersion: 1\nformatVersion: 1",
                "SW0802",
                "formatVersion",
            ),
        ] {
            assert!(FULL.contains(from), "{from}");
            let Err(error) = from_yaml("p.yaml", &FULL.replacen(from, to, 1)) else {
                panic!("{to} is accepted");
            };
            assert_eq!(error.code(), code, "{error}");
            let text = error.to_string();
            assert!(
                text.starts_with("p.yaml") && text.contains(expect),
                "{to}: {text}"
            );
        }
        let error = load(Path::new("/does/not/exist.yaml")).unwrap_err();
        assert_eq!(error.code(), "SW0801");
    }

    #[test]
    fn abilities_follow_standing() {
        let mut profile = from_yaml("full.yaml", FULL).unwrap();
        for ability in [
            Ability::ReadSites,
            Ability::ReadSubnetSites,
            Ability::ReadRole(Role::Task),
            Ability::CreateSubnet,
            Ability::MoveSubnet,
            Ability::AssignPackage,
            Ability::DescribeSite,
            Ability::InstallReports,
        ] {
            assert_eq!(profile.can(ability), Ok(()), "{ability:?}");
        }
        assert!(profile.can(Ability::ReadHolders).is_err());
        assert!(profile.can(Ability::ReadRole(Role::Monitor)).is_err());
        if let Some(site) = &mut profile.types.site {
            site.standing = Standing::Discovered;
        }
        assert_eq!(profile.can(Ability::ReadSites), Ok(()));
        let missing = profile.can(Ability::CreateSite).unwrap_err();
        assert_eq!(missing.entries.len(), 1);
        assert_eq!(
            missing.to_string(),
            "the server profile lacks `types.site` (discovered; a write needs `verified` or `operator`)"
        );
        if let Some(site) = &mut profile.types.site {
            site.standing = Standing::Unknown;
        }
        assert!(profile.can(Ability::ReadSites).is_err());
    }

    #[test]
    fn facts_need_an_entry_and_a_way() {
        let mut profile = from_yaml("full.yaml", FULL).unwrap();
        let iis = Ability::ReadFact(FactKind::Iis);
        assert_eq!(profile.can(iis), Ok(()));
        assert_eq!(
            profile
                .can(Ability::ReadFact(FactKind::CemMode))
                .unwrap_err()
                .to_string(),
            "the server profile lacks `evidence.facts.cemMode` (unknown)"
        );
        if let Some(fact) = profile.evidence.facts.get_mut(&FactKind::Iis) {
            fact.data_class = None;
        }
        assert_eq!(
            profile.can(iis).unwrap_err().entries[0].path,
            "evidence.facts.iis.dataClass"
        );
        profile.reports.facts = Some(Report {
            guid: profile.server.guid,
            standing: Standing::Operator,
        });
        assert_eq!(profile.can(iis), Ok(()));
    }

    #[test]
    fn a_setting_may_be_missing_on_a_server() {
        let text = FULL.replace(
            "constrainToSite: { item: site, path: '/item/siteSettings/@constrained', on: 'true', off: 'false' }",
            "constrainToSite: { standing: unavailable }",
        );
        let profile = from_yaml("full.yaml", &text).unwrap();
        assert!(profile.lacks_constrain_to_site());
        assert!(profile.can(Ability::ReadConstrain).is_err());
        let again = from_yaml("again.yaml", &to_yaml(&profile).unwrap()).unwrap();
        assert_eq!(again, profile);
    }

    /// `SITEWRIGHT_BLESS=1` writes the schema anew.
    #[test]
    fn the_schema_is_fresh_and_fits() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/profile.json");
        let fresh = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var_os("SITEWRIGHT_BLESS").is_some() {
            std::fs::write(&path, &fresh).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), fresh);
        let value: serde_json::Value = serde_saphyr::from_str(FULL).unwrap();
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}
