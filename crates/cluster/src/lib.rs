//! How do we talk to an Elasticsearch (5 to 9) or OpenSearch (1 to 3) cluster?
//!
//! ```text
//!  indices, bulk, repositories,  Request        Client            Response      decoded value
//!  snapshots, templates, ..  ------------->  auth, TLS, time  ------------->   or ClusterError
//!                               (a value)    limits, retry       (a value)
//! ```
//!
//! Each API has a module of small async functions that make a [`Request`], send it and decode the
//! response. For APIs without a module, the caller makes the [`Request`]. [`Client`] is the only
//! sender; nothing else here does I/O. An error names the cluster, its URL, the cause and the fix,
//! and never contains a secret.

pub mod bulk;
pub mod indices;
pub mod repositories;
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
mod wait;

pub use client::Client;
pub use error::{Cause, ClusterError};
pub use http::Method;
pub use request::{Body, Repeat, Request, path};
pub use response::Response;
pub use retry::RetryPolicy;
pub use wait::{WaitId, WaitObserver};
