//! `rpmkit_repo` against real files, a loopback server with faults, and real signatures.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod conf;
mod create;
mod fixture;
mod http;
mod local;
mod metadata;
mod packages;
mod server;
mod signatures;
mod tls;
mod url;
