//! The wire of an SMP: requests and answers without I/O, one file a service, and the transport that alone sends.
//!
//! Reading order: `request` with `effect`, and `xml` (how anything is written and read), `answer`, `table`, `fault`; the services
//! `item_management`, `resource_management`, `report_management`, `software_package`, `resource_model` with `data_rows`,
//! `item_model`, `hierarchy_management`, `deployment`; `clients` (what many rows become); `wsdl`; `transport` (I/O);
//! `reader` with `named_fields`, `write`, `writer` and `scratch`, which the rest of the program uses. A [`Reader`] cannot
//! write: the [`Transport`] that it is given sends no request that can, and only a [`WritingTransport`] does.

mod answer;
mod chunks;
pub(crate) mod clients;
pub(crate) mod data_rows;
pub(crate) mod deployment;
mod effect;
mod fault;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod hierarchy_management;
mod item_management;
mod item_model;
mod item_reader;
mod named_fields;
mod read_error;
mod reader;
mod report_management;
mod request;
pub(crate) mod resource_management;
pub(crate) mod resource_model;
mod scratch;
mod software_package;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod transport;
mod transport_error;
mod write;
mod writer;
pub(crate) mod wsdl;
pub(crate) mod xml;

pub use effect::Effect;
pub use fault::{Fault, FaultKind};
pub use read_error::ReadError;
pub(crate) use read_error::chain;
pub use reader::Reader;
pub(crate) use request::MethodCall;
pub use request::{Protocol, Request, RequestError};
pub use scratch::{
    Claim, SCRATCH_PREFIX, Scratch, ScratchError, ScratchName, ScratchWriter, documentation,
};
pub use transport::{
    Answered, Auth, Body, Certificate, CertificateFault, ClientCertificate, Connection, Probe,
    Response, Timing, TlsSeen, Traffic, Transport, Untrusted, WindowsAuth, WindowsMethod,
    WritingTransport, tls_settings,
};
pub use transport_error::{Refusal, TransportError};
pub use write::{Answer, Call, Change, ChangeError, ItemValue, LowerError, Replaced, Write, lower};
pub use writer::{Prepared, SendError, Writer};
pub use xml::AnswerError;
