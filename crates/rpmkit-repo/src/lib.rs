//! Repositories: what `dnf.conf` says about them, their metadata, their packages.
//!
//! [`RepoSet::parse`] reads the text of a `dnf.conf`; a [`Fetcher`] gets metadata
//! ([`Fetcher::refresh_all`]) and packages ([`Fetcher::download`]) over `file://`, absolute paths,
//! http and https, and hands out only what was verified: against the digests in metadata, and
//! against signatures where `gpgcheck` or `repo_gpgcheck` ask for it.
//!
//! Everything fetched is kept: metadata and packages by digest, shared by all chroots and by all
//! processes of the user. Files appear by rename, locks die with their holder, and what a killed
//! process left half done is continued by the next.

pub mod conf;
mod contents;
pub mod create;
mod disk;
mod error;
mod fetcher;
mod forget;
mod gpg;
mod keys;
pub mod local;
mod lockfile;
mod memo;
mod metadata;
mod mirrors;
mod packages;
mod parallel;
mod progress;
mod prune;
mod repomd;
mod state;
mod url;
mod verified;
mod xml;

pub use conf::{CommonOptions, MainOptions, OWN_RESULTS, RepoSet, Repository, UnusedOption, Vars};
pub use error::RepoError;
pub use fetcher::{Dirs, FetchOptions, Fetcher};
pub use gpg::{Keyring, SignatureProblem};
pub use metadata::RepoData;
pub use prune::Pruned;
pub use rpmkit_fetch::{FetchCause, FetchFailure, FetchFailures, Proxies, TransportOptions};
pub use url::Target;
pub use verified::VerifiedPackage;
