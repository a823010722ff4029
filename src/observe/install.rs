//! Installs the reports that make a refresh constant in requests.
//!
//! I/O, through the writer. A write, so never part of a plan: `sitewright profile install-reports` does it, after
//! the operator confirmed. A folder of the name that exists already is used.

use crate::model::Guid;
use crate::profile::{Profile, Report, ReportKind, Standing, report_sql};
use crate::smp::{ReadError, SendError, Writer};

use super::refresh::lost_reports;

/// The folder that the reports are put into.
pub(super) const FOLDER: &str = "Sitewright";

/// Why reports were not installed. Codes `SW0810` to `SW0813`.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The operator did not confirm.
    #[error("the reports were not confirmed")]
    Declined,
    /// A read failed.
    #[error("cannot look for `{name}`")]
    Read {
        /// What was looked for.
        name: String,
        /// Why.
        source: ReadError,
    },
    /// A write failed.
    #[error("cannot create `{name}`")]
    Send {
        /// What was to be created.
        name: String,
        /// Why.
        source: SendError,
    },
    /// The server said that it created something and did not say what.
    #[error("expected the GUID of the new `{name}`, found none")]
    Nameless {
        /// What was created.
        name: String,
    },
}

impl InstallError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Declined => "SW0810",
            Self::Read { .. } => "SW0811",
            Self::Send { .. } => "SW0812",
            Self::Nameless { .. } => "SW0813",
        }
    }
}

/// Name, description and SQL of a report.
pub type ReportText = (String, String, String);

/// Creates a folder below `parent` and in it each report that the profile knows enough for; writes their GUIDs into
/// `profile`.
///
/// `confirm` is shown name, description and SQL of each and says whether to go on. Reports that the profile names
/// already are left alone. Gives the names of the reports that were created.
pub async fn install_reports(
    writer: &Writer,
    profile: &mut Profile,
    parent: Guid,
    confirm: &(dyn Fn(&[ReportText]) -> bool + Sync),
) -> Result<Vec<String>, InstallError> {
    if let Err(error) = lost_reports(writer.reader(), profile).await {
        // Then what the profile says counts; a report that is not there shows at the next refresh.
        tracing::debug!(%error, "cannot tell whether the reports are there");
    }
    let installed: Vec<&str> = ReportKind::ALL
        .into_iter()
        .filter(|kind| profile.reports.entry(*kind).is_some())
        .map(ReportKind::name)
        .collect();
    let wanted: Vec<ReportText> = report_sql(profile)
        .into_iter()
        .filter(|(name, _, _)| !installed.contains(&name.as_str()))
        .collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    if !confirm(&wanted) {
        return Err(InstallError::Declined);
    }
    let send = |name: &str| {
        let name = name.to_owned();
        move |source| InstallError::Send { name, source }
    };
    let existing = writer
        .reader()
        .items_named(FOLDER)
        .await
        .map_err(|source| InstallError::Read {
            name: FOLDER.into(),
            source,
        })?;
    let folder = match existing.as_slice() {
        [folder] => folder.guid,
        // None, or several of which none can be told to be ours.
        _ => writer
            .create_folder(FOLDER, parent)
            .await
            .map_err(send(FOLDER))?
            .ok_or_else(|| InstallError::Nameless {
                name: FOLDER.into(),
            })?,
    };
    let mut created = Vec::new();
    for (name, description, sql) in wanted {
        let guid = writer
            .create_report(&name, &description, folder, &sql)
            .await
            .map_err(send(&name))?
            .ok_or_else(|| InstallError::Nameless { name: name.clone() })?;
        if let Some(kind) = ReportKind::ALL.into_iter().find(|kind| kind.name() == name) {
            *profile.reports.entry(kind) = Some(Report {
                guid,
                standing: Standing::Operator,
            });
        }
        created.push(name);
    }
    Ok(created)
}
