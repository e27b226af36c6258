//! How to talk to servers.

use std::{path::PathBuf, time::Duration};

/// Which IP versions to use for connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IpVersion {
    /// Whatever the resolver gives.
    #[default]
    Any,
    /// Only version 4.
    V4,
    /// Only version 6.
    V6,
}

/// How to talk to a repository's servers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TransportOptions {
    /// Name for HTTP basic authentication.
    pub username: Option<String>,
    /// Password for it.
    pub password: Option<String>,
    /// Proxy URL. `Some(None)` means that no proxy is to be used, whatever the front end passes.
    pub proxy: Option<Option<String>>,
    /// Name the proxy wants.
    pub proxy_username: Option<String>,
    /// Password the proxy wants.
    pub proxy_password: Option<String>,
    /// Check the server's certificate.
    pub sslverify: bool,
    /// Authorities trusted instead of the host's.
    pub sslcacert: Option<PathBuf>,
    /// Client certificate, PEM.
    pub sslclientcert: Option<PathBuf>,
    /// Key of the client certificate, PEM.
    pub sslclientkey: Option<PathBuf>,
    /// `User-Agent` header; ours when not set.
    pub user_agent: Option<String>,
    /// How long to wait for a connection or for data.
    pub timeout: Duration,
    /// Bytes a second below which a transfer is given up when it lasts `timeout`.
    pub minrate: u64,
    /// Attempts for one file over all mirrors; zero means no limit.
    pub retries: u32,
    /// Transfers at once; the fetcher's own choice when not set.
    pub max_parallel_downloads: Option<usize>,
    /// IP version.
    pub ip_version: IpVersion,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            username: None,
            password: None,
            proxy: None,
            proxy_username: None,
            proxy_password: None,
            sslverify: true,
            sslcacert: None,
            sslclientcert: None,
            sslclientkey: None,
            user_agent: None,
            timeout: Duration::from_secs(30),
            minrate: 1000,
            retries: 10,
            max_parallel_downloads: None,
            ip_version: IpVersion::Any,
        }
    }
}
