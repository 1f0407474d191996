//! Answers: how is an Elasticsearch (5 to 9) or OpenSearch (1 to 3) cluster talked to?
//!
//! ```text
//!  indices, bulk, snapshots,     Request        Client            Response      decoded value
//!  templates, version        ------------->  auth, TLS, time  ------------->   or ClusterError
//!                               (a value)    limits, retry       (a value)
//! ```
//!
//! Each module of an API has small async functions that make a [`Request`], send it and decode the
//! answer; what has no module is sent as a [`Request`] by the one who needs it. [`Client`] is the
//! one sender; nothing else here does I/O. An error names the cluster, its URL, the cause and the
//! fix, and never holds a secret.

pub mod bulk;
pub mod indices;
pub mod snapshots;
pub mod templates;
pub mod version;

mod client;
mod error;
mod request;
mod response;
mod retry;
mod sigv4;
mod tls;

pub use client::Client;
pub use error::{Cause, ClusterError};
pub use http::Method;
pub use request::{Body, Repeat, Request, path};
pub use response::Response;
pub use retry::Patience;
