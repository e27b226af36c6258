//! How a build can fail.

use std::{io, path::PathBuf};

use rpmkit_sandbox::SandboxError;

use super::limits::{CPU, PassedLimit};
use rpmkit_pm::PmError;
use rpmkit_repo::RepoError;
use rpmkit_rpmfile::RpmFileError;
use rpmkit_store::{StoreError, chroot::ChrootError, sandbox_hints};
use rpmkit_types::{Dep, ExitCode, Hint, event::Phase};

/// A failure on the way from a source package to results.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Repositories, solving, installing.
    #[error(transparent)]
    Pm(#[from] PmError),
    /// The chroot's state.
    #[error(transparent)]
    Chroot(#[from] ChrootError),
    /// The layer store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The container.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A package file.
    #[error(transparent)]
    RpmFile(#[from] RpmFileError),
    /// A package file's dependencies.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// Working on the store's files failed.
    #[error("{reason}")]
    Operation {
        /// Name of the operation.
        op: &'static str,
        /// What it said.
        reason: String,
    },
    /// The chroot was not initialised and may not be now.
    #[error("{0}")]
    Unprepared(String),
    /// A command of the build failed; the tail tells why.
    #[error("{what} failed with status {status}")]
    Command {
        /// What it was, for people.
        what: String,
        /// The phase it belonged to.
        phase: Phase,
        /// Exit status, or 128 + signal.
        status: i32,
        /// Signal that killed it.
        signal: Option<i32>,
        /// Its last lines.
        tail: Vec<String>,
    },
    /// A command took too long.
    #[error("{what} was stopped: it took longer than {seconds} seconds")]
    Timeout {
        /// What it was.
        what: String,
        /// The phase it belonged to.
        phase: Phase,
        /// The limit.
        seconds: u64,
        /// Its last lines.
        tail: Vec<String>,
    },
    /// A command used more than it may.
    #[error("{what} was stopped: it used more than {} {}, the limit of option `{}`", limit.most, limit.of, limit.option)]
    Limit {
        /// What it was.
        what: String,
        /// The phase it belonged to.
        phase: Phase,
        /// The limit.
        limit: PassedLimit,
        /// Its last lines.
        tail: Vec<String>,
    },
    /// Build requirements keep changing.
    #[error("build requirements still changed after {rounds} rounds")]
    NoFixedPoint {
        /// How many were tried.
        rounds: u32,
    },
    /// Generated requirements are answered by packages that other builds of the chain make.
    #[error("it has to wait for others of the chain, which provide {}", .0.iter().map(|dep| format!("`{dep}`")).collect::<Vec<_>>().join(", "))]
    Withheld(Vec<Dep>),
    /// Dynamic requirements are used but switched off.
    #[error("the package generates build requirements, and option `dynamic_buildrequires` is off")]
    DynamicOff,
    /// A call that must make a source package made none, or several.
    #[error("{count} source packages were made where one was expected")]
    SourcePackages {
        /// How many.
        count: usize,
    },
    /// rpmbuild succeeded and made nothing.
    #[error("the build made no packages")]
    NoResults,
    /// A link stands where a build's packages are.
    #[error("the build left a link among its packages, `{path}`: only plain files are taken")]
    Link {
        /// Where, in the build user's home.
        path: PathBuf,
    },
    /// The result directory cannot be used.
    #[error("cannot write result directory `{path}`: {source}")]
    ResultDir {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the host cannot be read or written.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// The verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What a user made of a root holds packages nobody verified, and now somebody should have.
    #[error(
        "chroot `{chroot}`: {what} holds packages of {} that were installed under `gpgcheck=0`, and \
         their signatures are to be checked now",
        .repos.iter().map(|id| repository_named(id)).collect::<Vec<_>>().join(", ")
    )]
    Unverified {
        /// Which chroot.
        chroot: String,
        /// The part of it.
        what: &'static str,
        /// The repositories; the empty name stands for local files.
        repos: Vec<String>,
    },
    /// A plugin could not do its part.
    #[error("plugin {plugin}: {reason}")]
    Plugin {
        /// Which.
        plugin: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// A program of the user's for a hook failed.
    #[error("hook {hook}: `{line}`: {reason}")]
    Hook {
        /// Which.
        hook: &'static str,
        /// The command line.
        line: String,
        /// What went wrong.
        reason: String,
    },
    /// The package asks for what other tools than the package manager would install, in mock's words.
    #[error(
        "{}",
        if *bootstrap {
            "ExternalBuildRequires are found but support is disabled. See \"external_buildrequires\" in config_opts."
        } else {
            "ExternalBuildRequires requires `use_bootstrap` to be set on."
        }
    )]
    ExternalOff {
        /// Whether `use_bootstrap` is on.
        bootstrap: bool,
        /// What is asked for.
        names: Vec<String>,
    },
    /// The volume group of the plugin lvm_root, in mock's words.
    #[error("{0}")]
    Lvm(String),
    /// The configuration asks for what there is not.
    #[error("option `{option}` is `{found}`, which rpmkit does not do")]
    Undone {
        /// The option.
        option: &'static str,
        /// What it asks for.
        found: String,
        /// mock's code for a failure there.
        code: ExitCode,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Requirements that the package manager does not install, in mock's words.
    #[error("{}", external(.0))]
    External(Vec<String>),
    /// Repository settings of the configuration cannot be used.
    #[error("chroot configuration `{chroot}`: {reason}")]
    Repositories {
        /// Which configuration.
        chroot: String,
        /// What is wrong.
        reason: String,
    },
}

/// mock's words for the first kind that cannot be installed.
fn external(names: &[String]) -> String {
    let of = |kind: &str| names.iter().any(|name| name.starts_with(kind));
    let known = ["external:pypi:", "external:crate:"];
    let unknown: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !known.iter().any(|kind| name.starts_with(kind)))
        .collect();
    if of(known[0]) {
        "Pip3 install failed".to_owned()
    } else if of(known[1]) {
        "Cargo install failed".to_owned()
    } else {
        format!("Unknown external dependencies: {}", unknown.join(", "))
    }
}

/// A repository, or, with an empty name, local files.
pub(super) fn repository_named(id: &str) -> String {
    match id {
        "" => "local files".to_owned(),
        id => format!("repository `{id}`"),
    }
}

impl BuildError {
    /// mock's code for this failure. A failing rpmbuild ends mock with rpmbuild's own status.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Pm(e) => e.exit_code(),
            Self::Chroot(e) => e.exit_code(),
            Self::Store(e) => e.exit_code(),
            // A command that is not there is the caller's mistake, not the kernel's refusal.
            Self::Sandbox(SandboxError::Exec { .. }) => ExitCode::General,
            Self::Sandbox(_) => ExitCode::Unshare,
            Self::RpmFile(_) | Self::SourcePackages { .. } | Self::NoResults => ExitCode::Srpm,
            Self::Repo(e) => e.exit_code(),
            Self::Operation { .. } => ExitCode::Root,
            Self::Unprepared(_) => ExitCode::Usage,
            Self::Command { phase, .. } => match phase {
                Phase::DynamicBuildRequires => ExitCode::Build,
                _ => ExitCode::General,
            },
            Self::Timeout { .. } => ExitCode::Timeout,
            // Processor time is time.
            Self::Limit { limit, .. } if limit.option == CPU => ExitCode::Timeout,
            Self::Limit { .. } | Self::NoFixedPoint { .. } => ExitCode::Build,
            Self::Withheld(_) => ExitCode::ChainIncomplete,
            Self::DynamicOff => ExitCode::General,
            Self::ResultDir { .. } => ExitCode::ResultDir,
            // mock's copy ends as a plain exception.
            Self::Link { .. } => ExitCode::General,
            Self::Io { .. }
            | Self::Plugin { .. }
            | Self::Hook { .. }
            | Self::ExternalOff { .. } => ExitCode::General,
            Self::Lvm(_) => ExitCode::Lvm,
            Self::Repositories { .. } => ExitCode::Config,
            Self::Undone { code, .. } => *code,
            Self::Unverified { .. } => ExitCode::PackageManager,
            Self::External(_) => ExitCode::ExternalDependency,
        }
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        let one = |text: &str| vec![Hint::new(text)];
        match self {
            Self::Pm(e) => e.hints(),
            Self::Chroot(e) => e.hints(),
            Self::Store(e) => e.hints(),
            Self::Repo(e) => e.hints(),
            Self::Sandbox(e) => sandbox_hints(e),
            Self::Undone { remedy, .. } => one(remedy),
            Self::Lvm(_) => one(
                "chroots are kept in layers without LVM: switch the plugin off; `--snapshot` and `--rollback-to` are there",
            ),
            Self::ExternalOff { names, .. } => vec![Hint::new(format!(
                "asked for: {}; nothing outside of repositories is installed here",
                names.join(", ")
            ))],
            Self::Unverified { .. } => one(
                "go back to a root that is made of verified packages with `--rollback-to postinit` or, without any \
                 snapshot, with `--clean`; `--scrub=all` drops it with all its snapshots",
            ),
            Self::External(_) => one(
                "nothing outside of repositories is installed: require a package, or turn `external_buildrequires` off and offer packages that provide these names",
            ),
            Self::DynamicOff => one("set `dynamic_buildrequires = true` in the configuration"),
            Self::Link { .. } => {
                one("have `%install` and the macros leave files in `RPMS`, not links")
            }
            Self::ResultDir { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                one("make room there, or choose another directory with `--resultdir`")
            }
            Self::ResultDir { .. } => one("choose another directory with `--resultdir`"),
            Self::Timeout { .. } => one("raise the limit with `--rpmbuild_timeout SECONDS`"),
            Self::Limit { limit, .. } => vec![Hint::new(format!(
                "raise `{0}` in the configuration (0 is no limit), or for one run with `--config-opts {0}=NUMBER`",
                limit.option
            ))],
            Self::NoResults => one(
                "the spec makes no package for this architecture, or `%_rpmfilename` puts it elsewhere",
            ),
            Self::RpmFile(_)
            | Self::Operation { .. }
            | Self::Unprepared(_)
            | Self::Command { .. }
            | Self::Withheld(_)
            | Self::NoFixedPoint { .. }
            | Self::SourcePackages { .. }
            | Self::Io { .. }
            | Self::Plugin { .. }
            | Self::Hook { .. }
            | Self::Repositories { .. } => Vec::new(),
        }
    }
}

impl rpmkit_types::CodedError for BuildError {
    fn exit_code(&self) -> ExitCode {
        self.exit_code()
    }

    fn hints(&self) -> Vec<Hint> {
        self.hints()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_that_cannot_be_taken_end_as_mocks_do() {
        let link = BuildError::Link {
            path: "build/RPMS/a.rpm".into(),
        };
        assert_eq!(link.exit_code().code(), 1);
        assert!(link.to_string().contains("build/RPMS/a.rpm"));
        let full = BuildError::ResultDir {
            path: "/results/a.rpm".into(),
            source: io::Error::from_raw_os_error(nix::errno::Errno::ENOSPC as i32),
        };
        assert_eq!(full.exit_code().code(), 70);
        assert!(full.hints()[0].0.contains("make room"));
    }

    #[test]
    fn limits_end_as_time_or_as_a_fault_of_the_package() {
        let of = |option| BuildError::Limit {
            what: "rpmbuild".into(),
            phase: Phase::Rpmbuild,
            limit: PassedLimit {
                option,
                most: 7,
                of: "x",
            },
            tail: Vec::new(),
        };
        assert_eq!(of(CPU).exit_code().code(), 11);
        let memory = of("max_build_memory_mb");
        assert_eq!(memory.exit_code().code(), 10);
        assert!(memory.to_string().contains("more than 7 x"));
        assert!(memory.hints()[0].0.contains("max_build_memory_mb=NUMBER"));
    }
}
