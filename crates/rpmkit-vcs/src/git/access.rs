//! What it takes to reach repositories elsewhere.

use rpmkit_fetch::Proxies;

use crate::CommandEnv;

/// What it takes to reach repositories.
#[derive(Debug, Clone, Default)]
pub struct RemoteAccess {
    /// For ssh, and for what libgit2 cannot do.
    pub host: CommandEnv,
    /// For http and https.
    pub http: HttpSettings,
}

/// How to reach servers, as far as git's own configuration does not say.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// Proxies of the environment.
    pub proxies: Proxies,
}
