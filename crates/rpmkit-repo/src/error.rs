//! What can go wrong between a repository's address and a verified file.

use std::path::PathBuf;

use rpmkit_fetch::{FetchCause, FetchFailures};

use super::{conf::ConfError, gpg::SignatureProblem};
use rpmkit_types::{ExitCode, Hint};

/// Failures of [`crate`].
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// `dnf.conf` cannot be understood.
    #[error(transparent)]
    Conf(#[from] ConfError),
    /// A repository without any address.
    #[error("repository `{repo}` has no `baseurl`, `mirrorlist` or `metalink`")]
    NoAddress {
        /// Its id.
        repo: String,
    },
    /// A package says it comes from a repository that is not in the set.
    #[error("package `{package}` comes from repository `{repo}`, which is not configured")]
    UnknownRepository {
        /// The package.
        package: String,
        /// The id it names.
        repo: String,
    },
    /// An address of a kind we cannot use.
    #[error("{}`{url}` cannot be used as an address: {reason}", of(.repo))]
    Address {
        /// Repository it belongs to; empty for none.
        repo: String,
        /// As written.
        url: String,
        /// Why.
        reason: String,
    },
    /// No address gave the file.
    #[error("{}cannot get `{what}`: {failures}", of(.repo))]
    Unavailable {
        /// Repository; empty for a plain URL.
        repo: String,
        /// The file, relative to the repository, or a package's name.
        what: String,
        /// Everything that was tried.
        failures: FetchFailures,
    },
    /// Metadata that was got whole but makes no sense.
    #[error("repository `{repo}`: `{url}` is not valid: {reason}")]
    Metadata {
        /// Repository.
        repo: String,
        /// Where it came from.
        url: String,
        /// What is wrong, with the line where there is one.
        reason: String,
    },
    /// Offline, and nothing in the cache.
    #[error("{}`{what}` is not in the cache and the network is switched off", of(.repo))]
    Offline {
        /// Repository; empty for a plain URL.
        repo: String,
        /// The file.
        what: String,
    },
    /// A signature that must be there is wrong or missing.
    #[error("{}the signature of `{url}` is not accepted: {problem}", of(.repo))]
    Signature {
        /// Repository; empty for a local package.
        repo: String,
        /// What is signed and where it came from.
        url: String,
        /// What is wrong with it.
        problem: SignatureProblem,
    },
    /// A key that cannot be read.
    #[error("{}key `{url}` cannot be used: {reason}", of(.repo))]
    Key {
        /// Repository; empty for a local package.
        repo: String,
        /// Where the key is said to be.
        url: String,
        /// Why not.
        reason: String,
    },
    /// Signatures are asked for, keys are not given.
    #[error("repository `{repo}` asks for `{option}` but names no `gpgkey`")]
    NoKeys {
        /// Repository.
        repo: String,
        /// `gpgcheck` or `repo_gpgcheck`.
        option: &'static str,
    },
    /// A file that should be a package is none.
    #[error("`{path}` is not an RPM package: {reason}")]
    NotRpm {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The proxy or a certificate of the configuration cannot be used.
    #[error("{}option `{option}`: {reason}", of(.repo))]
    Option {
        /// Repository; empty for none.
        repo: String,
        /// Name of the option.
        option: &'static str,
        /// Why.
        reason: String,
    },
    /// Input or output on this machine.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// The verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The beginning of a message about a repository; nothing when there is none.
fn of(repo: &str) -> String {
    if repo.is_empty() {
        String::new()
    } else {
        format!("repository `{repo}`: ")
    }
}

impl RepoError {
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// True when a repository with `skip_if_unavailable` may be left out because of this.
    pub(super) fn skippable(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::Metadata { .. }
            | Self::Offline { .. }
            | Self::Signature { .. }
            | Self::Key { .. }
            | Self::NoKeys { .. } => true,
            Self::Conf(_)
            | Self::NoAddress { .. }
            | Self::UnknownRepository { .. }
            | Self::Address { .. }
            | Self::NotRpm { .. }
            | Self::Option { .. }
            | Self::Io { .. } => false,
        }
    }

    /// mock's code for this failure.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NotRpm { .. } => ExitCode::Srpm,
            Self::Conf(_)
            | Self::NoAddress { .. }
            | Self::UnknownRepository { .. }
            | Self::Address { .. }
            | Self::Unavailable { .. }
            | Self::Metadata { .. }
            | Self::Offline { .. }
            | Self::Signature { .. }
            | Self::Key { .. }
            | Self::NoKeys { .. }
            | Self::Option { .. }
            | Self::Io { .. } => ExitCode::PackageManager,
        }
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        let hint = match self {
            Self::Conf(_) => {
                "correct the `dnf.conf` option of the chroot's configuration".to_owned()
            }
            Self::NoAddress { repo } => {
                format!("give `[{repo}]` a `baseurl`, or `enabled=0`")
            }
            Self::UnknownRepository { .. } | Self::Metadata { .. } => return Vec::new(),
            Self::Address { .. } => "use http://, https://, file:// or an absolute path".to_owned(),
            Self::Unavailable { repo, failures, .. } => {
                return unavailable_hints(repo, failures);
            }
            Self::Offline { .. } => "run once without `--offline` to fill the cache".to_owned(),
            Self::Signature { problem, .. } => return problem.hints(),
            Self::Key { .. } => {
                "install the package that brings the key (often distribution-gpg-keys), or point \
                 `gpgkey` at a file that exists"
                    .to_owned()
            }
            Self::NoKeys { option, .. } => {
                format!("add `gpgkey=` with the keys, or set `{option}=0` if you trust the source")
            }
            Self::NotRpm { .. } => {
                "look at the file: an interrupted download or an HTML error page are common"
                    .to_owned()
            }
            Self::Option { option, .. } => format!("correct `{option}`"),
            Self::Io { source, .. } => return disk_hints(source),
        };
        vec![Hint::new(hint)]
    }
}

fn disk_hints(source: &std::io::Error) -> Vec<Hint> {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => vec![Hint::new(
            "the disk is full: make room, or remove what is no longer used with `rpmkit snap gc`",
        )],
        _ => Vec::new(),
    }
}

fn unavailable_hints(repo: &str, failures: &FetchFailures) -> Vec<Hint> {
    let mut hints = Vec::new();
    match failures.0.last().map(|failure| &failure.cause) {
        Some(FetchCause::Status(401 | 403)) => hints.push(Hint::new(
            "the server wants to know who you are: `username`, `password`, or `sslclientcert`",
        )),
        Some(FetchCause::Tls(_)) => hints.push(Hint::new(
            "if the server uses a private authority, name its certificate with `sslcacert`",
        )),
        Some(FetchCause::Digest { .. } | FetchCause::Length { .. }) => hints.push(Hint::new(
            "the mirror is broken or in the middle of an update: try again later or use another",
        )),
        Some(FetchCause::Local { source, .. }) => return disk_hints(source),
        _ => {}
    }
    if !repo.is_empty() {
        hints.push(Hint::new(format!(
            "to go on without it: `--disablerepo={repo}`, or `skip_if_unavailable=1`"
        )));
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use rpmkit_fetch::FetchFailure;

    #[test]
    fn a_full_disk_is_told_as_such() {
        let cause = FetchCause::Local {
            action: "write",
            path: "/x".into(),
            source: std::io::Error::from_raw_os_error(28),
        };
        assert!(cause.final_everywhere() && !cause.transient());
        let error = RepoError::Unavailable {
            repo: "r".into(),
            what: "p".into(),
            failures: FetchFailures(vec![FetchFailure {
                url: "http://h/p".into(),
                cause,
            }]),
        };
        assert!(error.to_string().contains("cannot write `/x`"), "{error}");
        let hints = error.hints();
        assert_eq!(hints.len(), 1, "another mirror would not help: {hints:?}");
        assert!(hints[0].0.contains("disk is full"));
    }
}
