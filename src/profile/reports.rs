//! The SQL of the reports that Sitewright installs, in the subset that `T-SQL` and `SQLite` share.
//!
//! Pure. `%name%` is a report parameter: the server puts its value in place of it, so it stands in quotes. Values are
//! GUIDs only, never text that somebody else wrote. Named columns, joins, `=`, `AND`, `OR`, `UNION`, `COALESCE`.

use std::fmt::Write as _;

use super::format::{Association, Profile, TypeRole};
use crate::model::Guid;

/// Reads all associations of one type: `ParentGuid`, `ChildGuid` by `%type%`.
pub const ASSOCIATIONS_REPORT: &str = "Sitewright associations";
/// Reads addresses of all site servers: `ComputerGuid`, `HostName`, `Domain`, `Address`, `Mask`.
pub const SERVERS_REPORT: &str = "Sitewright servers";
/// Reads who holds packages: `PackageGuid`, `ServerGuid`, `State` by `%p1%` … `%p50%`.
pub const HOLDERS_REPORT: &str = "Sitewright package holders";
/// How many packages one run of the holders report is asked for.
pub const HOLDERS_BATCH: usize = 50;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// [`ASSOCIATIONS_REPORT`].
    Associations,
    /// [`SERVERS_REPORT`].
    Servers,
    /// [`HOLDERS_REPORT`].
    Holders,
}

impl ReportKind {
    /// Every report.
    pub const ALL: [Self; 3] = [Self::Associations, Self::Servers, Self::Holders];

    /// Its name on the server.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Associations => ASSOCIATIONS_REPORT,
            Self::Servers => SERVERS_REPORT,
            Self::Holders => HOLDERS_REPORT,
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Associations => {
                "All resource associations of one type. Parameter: type, the GUID of the association type."
            }
            Self::Servers => "Names and addresses of all site servers, by inventory.",
            Self::Holders => {
                "Package servers that hold packages. Parameters: p1 to p50, GUIDs of packages."
            }
        }
    }

    /// Its SQL, where the profile knows what that needs.
    #[must_use]
    pub fn sql(self, profile: &Profile) -> Option<String> {
        match self {
            Self::Associations => Some(
                "SELECT a.ParentResourceGuid AS ParentGuid, a.ChildResourceGuid AS ChildGuid \
                 FROM ResourceAssociation a \
                 WHERE a.ResourceAssociationTypeGuid = '%type%'"
                    .to_owned(),
            ),
            Self::Servers => servers(profile),
            Self::Holders => holders(profile),
        }
    }
}

/// Quotes a name of the server as both dialects read it; `None` where it cannot be quoted alike in both.
fn quoted(name: &str) -> Option<String> {
    let plain = !name.is_empty() && !name.contains(['[', ']', '"', '%']);
    (plain && !name.chars().any(char::is_control)).then(|| format!("[{name}]"))
}

/// The column that holds the computer in an association.
fn computer_column(association: &Association) -> &'static str {
    if association.parent == TypeRole::Computer {
        "ParentResourceGuid"
    } else {
        "ChildResourceGuid"
    }
}

fn servers(profile: &Profile) -> Option<String> {
    let class = profile
        .data_classes
        .tcpip
        .as_ref()
        .filter(|class| class.standing.reads())?;
    let columns = format!(
        "t._ResourceGuid AS ComputerGuid, COALESCE(t.{}, '') AS HostName, COALESCE(t.{}, '') AS Domain, \
         COALESCE(t.{}, '') AS Address, COALESCE(t.{}, '') AS Mask",
        quoted(&class.host_name)?,
        quoted(&class.domain)?,
        quoted(&class.address)?,
        quoted(&class.mask)?,
    );
    let mut sql = format!(
        "SELECT {columns} FROM Inv_AeX_AC_TCPIP t WHERE t._ResourceGuid = '{}'",
        profile.server.guid
    );
    let associations = &profile.associations;
    for association in [
        &associations.service_to_computer,
        &associations.server_to_site,
    ] {
        let association = association
            .as_ref()
            .filter(|association| association.standing.reads())?;
        let _ = write!(
            sql,
            " UNION SELECT {columns} FROM Inv_AeX_AC_TCPIP t \
             INNER JOIN ResourceAssociation a ON a.{} = t._ResourceGuid \
             WHERE a.ResourceAssociationTypeGuid = '{}'",
            computer_column(association),
            association.guid?,
        );
    }
    Some(sql)
}

fn holders(profile: &Profile) -> Option<String> {
    let evidence = profile
        .evidence
        .package_holders
        .as_ref()
        .filter(|evidence| evidence.standing.reads())?;
    let package = quoted(&evidence.package)?;
    let server = quoted(&evidence.server)?;
    let state = match &evidence.state {
        // The client compares the state as text: what type the column has differs from server to server.
        Some(state) => format!(", h.{} AS State", quoted(state)?),
        None => String::new(),
    };
    let mut sql = format!(
        "SELECT h.{package} AS PackageGuid, h.{server} AS ServerGuid{state} FROM {} h WHERE ",
        quoted(&evidence.table)?
    );
    for number in 1..=HOLDERS_BATCH {
        let or = if number == 1 { "" } else { " OR " };
        let _ = write!(sql, "{or}h.{package} = '%p{number}%'");
    }
    Some(sql)
}

/// The values of the holders report's parameters for at most [`HOLDERS_BATCH`] packages; spare ones are the empty GUID.
pub(crate) fn holder_parameters(packages: &[Guid]) -> Vec<(String, String)> {
    (0..HOLDERS_BATCH)
        .map(|index| {
            let package = packages.get(index).copied().unwrap_or(Guid::NIL);
            (format!("p{}", index + 1), package.to_string())
        })
        .collect()
}

/// Name, description and SQL of every report that this profile allows to install.
#[must_use]
pub fn report_sql(profile: &Profile) -> Vec<(String, String, String)> {
    ReportKind::ALL
        .into_iter()
        .filter_map(|kind| {
            let sql = kind.sql(profile)?;
            Some((kind.name().to_owned(), kind.description().to_owned(), sql))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::profile::from_yaml;

    fn profile() -> Profile {
        from_yaml("test", include_str!("../smp/testing.yaml")).unwrap()
    }

    /// Every word of the SQL is a keyword of the subset, a name in brackets, an alias, a literal or a parameter.
    #[test]
    fn sql_stays_in_the_subset() {
        let keywords = "SELECT AS FROM WHERE AND OR UNION INNER JOIN ON COALESCE";
        let reports = report_sql(&profile());
        assert_eq!(reports.len(), 3);
        for (name, description, sql) in reports {
            assert!(!description.is_empty());
            assert_eq!(sql.matches('\'').count() % 2, 0, "{name}");
            // Literals and bracketed names may hold anything: they are cut out first.
            let bare: String = sql.split('\'').step_by(2).collect::<Vec<_>>().join("''");
            let bare: String = bare
                .split('[')
                .map(|part| part.split_once(']').map_or(part, |(_, rest)| rest))
                .collect::<Vec<_>>()
                .join("x");
            for word in bare.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
                let upper = !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase());
                assert!(!upper || keywords.contains(word), "{name}: {word}");
            }
            for sign in [';', '*', '"', '`', '@', '#', '|', '+', '-', '<', '>'] {
                assert!(!bare.contains(sign), "{name}: {sign}");
            }
        }
    }

    #[test]
    fn sql_follows_the_profile() {
        let sql = ReportKind::Servers.sql(&profile()).unwrap();
        assert!(
            sql.contains("COALESCE(t.[Host Name], '') AS HostName"),
            "{sql}"
        );
        assert!(
            sql.contains("ON a.ChildResourceGuid = t._ResourceGuid WHERE a.ResourceAssociationTypeGuid = '00000000-0000-0000-0000-00000000bb03'"),
            "{sql}"
        );
        // In the test's profile the computer is the parent of its site.
        assert!(
            sql.contains("ON a.ParentResourceGuid = t._ResourceGuid WHERE a.ResourceAssociationTypeGuid = '00000000-0000-0000-0000-00000000bb02'"),
            "{sql}"
        );
        let sql = ReportKind::Holders.sql(&profile()).unwrap();
        assert!(
            sql.contains(
                "h.[Status] AS State FROM [SWDPackageServer] h WHERE h.[PackageId] = '%p1%' OR"
            ),
            "{sql}"
        );
        assert!(sql.ends_with("h.[PackageId] = '%p50%'"), "{sql}");
        let mut odd = profile();
        if let Some(evidence) = &mut odd.evidence.package_holders {
            evidence.table = "x] ; DROP TABLE y --".into();
        }
        assert_eq!(ReportKind::Holders.sql(&odd), None);
        assert_eq!(
            holder_parameters(&[Guid::from_u128(1)]).len(),
            HOLDERS_BATCH
        );
    }
}
