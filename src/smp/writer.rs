//! Sends writes, each once: what went wrong says whether to try again, and whether it may have been done all the same.
//!
//! I/O, through the transport.

use std::sync::Arc;

use super::fault::{Fault, FaultKind};
use super::read_error::ReadError;
use super::reader::Reader;
use super::request::Request;
use super::transport::Transport;
use super::transport_error::TransportError;
use super::write::{Answer, Call, ChangeError, LowerError, Replaced, Write, lower};
use super::{item_management, report_management, resource_model, software_package};
use crate::model::Guid;
use crate::profile::{Ability, Profile};

/// Why a write was not carried out, or is not known to have been. Codes `SW0330` to `SW0334`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The write cannot be put into requests.
    #[error("cannot put the write into requests")]
    Lower(#[from] LowerError),
    /// What the write is made of could not be read; nothing was written.
    #[error("cannot read what the write is made of")]
    Read(#[source] ReadError),
    /// The server refuses; trying again does not help.
    #[error("the server refuses the write")]
    Refused(#[source] Fault),
    /// It was not done, and trying again may help.
    #[error("the write was not carried out")]
    Transient(#[source] ReadError),
    /// It may have been done: the answer was lost or not understood, or the server failed in the middle of it.
    #[error("the write may have been carried out: its answer does not tell")]
    Unknown(#[source] ReadError),
}

impl SendError {
    /// Whether trying again may help. A write whose outcome is unknown is looked at first.
    #[must_use]
    pub fn transient(&self) -> bool {
        match self {
            Self::Lower(_) | Self::Refused(_) => false,
            Self::Read(error) => error.transient(),
            Self::Transient(_) | Self::Unknown(_) => true,
        }
    }

    /// Whether the write may have been carried out all the same.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether the server says that an object of the write does not exist.
    #[must_use]
    pub fn does_not_exist(&self) -> bool {
        match self {
            Self::Refused(fault) => fault.kind == FaultKind::DoesNotExist,
            Self::Read(error) => error.does_not_exist(),
            Self::Lower(_) | Self::Transient(_) | Self::Unknown(_) => false,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Lower(_) => "SW0330",
            Self::Read(_) => "SW0331",
            Self::Refused(_) => "SW0332",
            Self::Transient(_) => "SW0333",
            Self::Unknown(_) => "SW0334",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lower(LowerError::Profile(_)) => Some(
                "verify the entries, or confirm them as `operator`: see docs/profile.md".into(),
            ),
            Self::Lower(LowerError::Request(_)) => None,
            Self::Lower(LowerError::Splice(_)) => Some(
                "do it in the console; then learn the setting anew: see docs/profile.md".into(),
            ),
            Self::Read(error) | Self::Transient(error) => error.hint(),
            Self::Refused(fault) => ReadError::Fault(fault.clone()).hint(),
            Self::Unknown(_) => Some("run again: every step looks first".into()),
        }
    }
}

/// A write that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    request: Request,
    answer: Answer,
    replaced: Option<Replaced>,
}

impl Prepared {
    /// The XML of an item that the write replaces: to be kept before it is sent.
    #[must_use]
    pub fn replaced(&self) -> Option<&Replaced> {
        self.replaced.as_ref()
    }
}

/// Writes to one SMP. Has a [`Reader`] of the same.
#[derive(Debug, Clone)]
pub struct Writer {
    reader: Reader,
}

impl Writer {
    /// A writer over a transport.
    #[must_use]
    pub fn new(transport: Transport, profile: Arc<Profile>) -> Self {
        Self {
            reader: Reader::new(transport, profile),
        }
    }

    /// The reader of the same SMP.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Makes the request of a write, and reads what it is made of; nothing is written yet.
    pub async fn prepare(&self, write: &Write) -> Result<Prepared, SendError> {
        let profile = self.reader.profile();
        let unmade = |error: ChangeError| match error {
            ChangeError::Gone => SendError::Refused(gone()),
            ChangeError::Answer(error) => SendError::Read(error.into()),
            ChangeError::Request(error) => SendError::Lower(error.into()),
            ChangeError::Splice(error) => SendError::Lower(error.into()),
        };
        Ok(match lower(write, profile)? {
            Call::Send { request, answer } => Prepared {
                request,
                answer,
                replaced: None,
            },
            Call::ReadThenSend { read, change } => {
                let body = self.reader.bytes(&read).await.map_err(SendError::Read)?;
                Prepared {
                    request: change.request(&body, profile).map_err(unmade)?,
                    answer: change.answer(),
                    replaced: change.replaced(&body).map_err(unmade)?,
                }
            }
        })
    }

    /// Carries one write out; gives the resource that it created, where the answer says which.
    pub async fn send(&self, prepared: Prepared) -> Result<Option<Guid>, SendError> {
        let Prepared {
            request,
            answer,
            replaced: _, // whoever prepared it has kept it
        } = prepared;
        self.request(request, answer).await
    }

    /// Sends one writing request; gives the resource that it created, where the answer says which.
    pub(super) async fn request(
        &self,
        request: Request,
        answer: Answer,
    ) -> Result<Option<Guid>, SendError> {
        let body = self.once(request).await?;
        self.understand(&body, answer)
    }

    /// Imports the XML of an item as it is; the item's old XML is to be kept before.
    pub async fn import_item(&self, xml: &str) -> Result<(), SendError> {
        let profile = self.reader.profile();
        let call = item_management::import_item_xml_string(xml);
        let request = call.soap(profile).map_err(LowerError::from)?;
        let body = self.once(request).await?;
        self.understand(&body, Answer::Nothing).map(drop)
    }

    /// Sends a writing request once and sorts what goes wrong.
    async fn once(&self, request: Request) -> Result<Vec<u8>, SendError> {
        let transport = self.reader.transport();
        let mut response = transport.send(request).await.map_err(lost)?;
        // A void answer is 200 with an empty body; some stacks say 202 or 204.
        if matches!(response.status, 200 | 202 | 204) {
            return response
                .body
                .bytes()
                .await
                .map_err(|error| SendError::Unknown(error.into()));
        }
        let body = response.body.beginning().await;
        Err(refused(Fault::read(response.status, &body)))
    }

    fn understand(&self, mut body: &[u8], answer: Answer) -> Result<Option<Guid>, SendError> {
        if body.is_empty() {
            return Ok(None);
        }
        let fault = Fault::read(200, body);
        if fault.exception.is_some() {
            return Err(refused(fault));
        }
        let unclear = |error: super::xml::AnswerError| SendError::Unknown(error.into());
        match answer {
            Answer::Nothing => Ok(None),
            Answer::Created => {
                let Some(names) = resource_model::Names::of_resource(self.reader.profile()) else {
                    return Ok(None);
                };
                let found = resource_model::resource(&mut body, "CreateNewResource", &names)
                    .map_err(unclear)?;
                Ok(found.map(|resource| resource.guid))
            }
            Answer::Package => {
                match software_package::package(&mut body, "SetPackageServerSettings") {
                    Ok(Some(_)) => Ok(None),
                    Ok(None) => Err(SendError::Refused(gone())),
                    Err(error) => Err(unclear(error)),
                }
            }
        }
    }

    /// Creates a folder.
    pub(crate) async fn create_folder(
        &self,
        name: &str,
        parent: Guid,
    ) -> Result<Option<Guid>, SendError> {
        self.create_item(
            &item_management::create_folder(name, parent),
            "CreateFolder",
        )
        .await
    }

    /// Creates a report.
    pub(crate) async fn create_report(
        &self,
        name: &str,
        description: &str,
        folder: Guid,
        sql: &str,
    ) -> Result<Option<Guid>, SendError> {
        self.create_item(
            &report_management::create_report(name, description, folder, sql),
            "CreateReportUsingRawSqlQuery",
        )
        .await
    }

    async fn create_item(
        &self,
        call: &super::request::MethodCall,
        method: &str,
    ) -> Result<Option<Guid>, SendError> {
        let profile = self.reader.profile();
        profile
            .can(Ability::InstallReports)
            .map_err(LowerError::from)?;
        let request = call.soap(profile).map_err(LowerError::from)?;
        let body = self.once(request).await?;
        let item = item_management::item_details(&mut &body[..], method)
            .map_err(|error| SendError::Unknown(error.into()))?;
        Ok(item.map(|item| item.guid))
    }
}

fn gone() -> Fault {
    Fault {
        kind: FaultKind::DoesNotExist,
        status: 200,
        exception: None,
        message: "the object does not exist".into(),
    }
}

fn lost(error: TransportError) -> SendError {
    if error.unsent() {
        SendError::Transient(error.into())
    } else {
        SendError::Unknown(error.into())
    }
}

fn refused(fault: Fault) -> SendError {
    match fault.kind {
        // A gateway that gave up does not know what became of the request, and a server that failed does not say how far
        // it had come.
        FaultKind::Busy if matches!(fault.status, 502 | 504) => SendError::Unknown(fault.into()),
        FaultKind::Internal | FaultKind::Unexplained => SendError::Unknown(fault.into()),
        FaultKind::Busy => SendError::Transient(fault.into()),
        FaultKind::Permission
        | FaultKind::Licence
        | FaultKind::DoesNotExist
        | FaultKind::InvalidType
        | FaultKind::InvalidParameter
        | FaultKind::Other
        | FaultKind::NoSuchService => SendError::Refused(fault),
    }
}
