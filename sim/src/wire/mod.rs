//! The documented wire of the SMP's web services: what each service can do, how calls are read, how answers are written.
//!
//! Turns HTTP requests into [`Call`]s and [`Reply`]s or [`Fault`]s into bytes. Pure: no socket, clock or CMDB here;
//! `server` owns the socket and `services` knows what a call means. One table, [`operations`], is the source of the
//! decoders, the encoders and the `?WSDL`, so the three cannot disagree.

mod catalogue;
pub mod decode;
pub mod encode;
pub mod fault;
pub mod operations;
pub mod page;
pub mod shapes;
pub mod table;
pub mod tree;
pub mod wsdl;
mod wsdl_ports;
pub mod xml;

pub use decode::{Call, Protocol};
pub use encode::{Reply, Style};
pub use fault::{ExceptionType, Fault};
pub use operations::{Operation, Parameter, Service, Type};
pub use shapes::{Cell, Record, Shapes, StructureId};
pub use table::{Column, Table};
pub use tree::Node;
