//! One file from one address, by `file://`, plain path, http or https: proxies, certificates, credentials,
//! redirections, and transfers that a later attempt continues.
//!
//! What a file must be (its digest, its signature) and which addresses have it is for the crates above to know.

mod address;
mod cause;
mod connect;
mod forward;
mod http;
mod options;
mod retry;
pub mod transfer;

pub use address::Address;
pub use cause::{FetchCause, FetchFailure, FetchFailures};
pub use connect::{Proxies, proxy, tls};
pub use http::{Agents, Answer, Ask, Stream, Validators};
pub use options::{IpVersion, TransportOptions};
pub use retry::Mirrors;
