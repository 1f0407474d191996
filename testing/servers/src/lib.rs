//! Real servers for tests, without a container engine and without root: Elasticsearch and
//! OpenSearch of many versions, and S3. Each comes from a package registry, pinned by hash, and
//! listens on loopback.

pub mod distribution;
pub mod http;
mod java;
mod maven;
pub mod s3;
pub mod server;
