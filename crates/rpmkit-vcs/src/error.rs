//! What can go wrong with source control.

use std::path::{Path, PathBuf};

use rpmkit_host::HostError;
use rpmkit_types::{ExitCode, Hint};

/// A failure to get at, or to pack, sources under version control.
#[derive(Debug, thiserror::Error)]
pub enum ScmError {
    /// libgit2 refused.
    #[error("cannot {action} `{place}`: {}", cause.message())]
    Git {
        /// The verb.
        action: &'static str,
        /// Path or URL.
        place: String,
        /// What libgit2 said; not a source, for its words are in the message already.
        cause: git2::Error,
    },
    /// `.gitmodules` is not as git writes it.
    #[error("`{path}` line {line}: a setting without a value; `NAME = VALUE` was expected")]
    Modules {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
    },
    /// A part of a checkout's repository lies elsewhere on this host.
    #[error("`{}` leads to `{}`, which does not belong to the checkout in `{}`", named.display(), to.display(), top.display())]
    Outside {
        /// What leads there.
        named: PathBuf,
        /// Where it leads.
        to: PathBuf,
        /// The checkout.
        top: PathBuf,
    },
    /// A checkout holds something that is not to be read, or could not be.
    #[error(transparent)]
    Tree(#[from] rpmkit_fs::FsError),
    /// There is no repository at or above a path.
    #[error("`{path}` is not inside a git repository")]
    NoRepository {
        /// Where the search began.
        path: PathBuf,
    },
    /// The checkout belongs to somebody else, which git distrusts.
    #[error("the git repository of `{path}` belongs to another user, so git will not trust it")]
    ForeignOwner {
        /// The checkout.
        path: PathBuf,
    },
    /// No commit exists yet.
    #[error("the git repository `{path}` has no commit yet")]
    Unborn {
        /// The checkout.
        path: PathBuf,
    },
    /// A revision names nothing.
    #[error("`{rev}` is no branch, tag or commit of `{path}`")]
    UnknownRevision {
        /// What was asked for.
        rev: String,
        /// The repository.
        path: PathBuf,
    },
    /// A tag that is not there.
    #[error("`{tag}` is no tag of `{path}`")]
    UnknownTag {
        /// What was asked for.
        tag: String,
        /// The repository.
        path: PathBuf,
    },
    /// The working directory of a bare repository was asked for.
    #[error("the git repository `{path}` is bare: it has no working tree")]
    Bare {
        /// The repository.
        path: PathBuf,
    },
    /// A remote repository without any branch or tag.
    #[error("`{url}` is an empty repository")]
    EmptyRemote {
        /// Its URL.
        url: String,
    },
    /// A server did not give what was asked of it.
    #[error("cannot fetch `{url}`: {reason}")]
    Http {
        /// The repository or file.
        url: String,
        /// Why.
        reason: String,
    },
    /// A repository whose ids are not SHA-1.
    #[error("`{place}` is a git repository with {format} ids, which cannot be read here")]
    ObjectFormat {
        /// Path or URL.
        place: String,
        /// What git calls them.
        format: String,
    },
    /// Nothing at a path that was to be cloned.
    #[error("there is no repository `{place}`")]
    NoRemote {
        /// The path.
        place: String,
    },
    /// A repository names a directory of this host as its submodule.
    #[error("the submodule `{url}` is a path of this host, which a repository may not name")]
    LocalSubmodule {
        /// Its URL.
        url: String,
    },
    /// A file cannot be downloaded.
    #[error(transparent)]
    Download(Box<rpmkit_repo::RepoError>),
    /// A directory of the checkout that was named is not there.
    #[error("the checkout has no directory `{path}`")]
    NoSourceDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// `scm_opts` name a method there is none of.
    #[error("unsupported SCM method: `{method}`")]
    Method {
        /// What was asked for.
        method: String,
    },
    /// SCM is on, but no package is named.
    #[error("trying to use SCM, but no package is defined")]
    NoPackage,
    /// A configured command cannot be split into words.
    #[error("`{key}` is no command: unbalanced quotes in `{text}`")]
    Quotes {
        /// Its key in `scm_opts`.
        key: &'static str,
        /// Its value.
        text: String,
    },
    /// The command ran but made no directory of the package's name.
    #[error("the checkout made no directory `{path}`")]
    NoCheckout {
        /// What was expected.
        path: PathBuf,
    },
    /// The spec is not in the checkout.
    #[error("cannot find spec file `{path}`")]
    NoSpec {
        /// Where it was expected.
        path: PathBuf,
    },
    /// A `sources` file has a line that is neither form.
    #[error("`{path}` line {line}: expected `SHA512 (FILE) = HEX` or `HEX  FILE`, found `{text}`")]
    SourcesLine {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// There is a `sources` file, but nobody said where the files are.
    #[error("no lookaside cache is known for `{remote}`, which `{path}` needs")]
    NoLookaside {
        /// The `sources` file.
        path: PathBuf,
        /// The remote's URL, or a word for none.
        remote: String,
    },
    /// A downloaded file is not what it should be.
    #[error("`{url}` has {found}, expected {expected}")]
    Digest {
        /// Where it came from.
        url: String,
        /// What it should have been.
        expected: rpmkit_types::Checksum,
        /// What came.
        found: rpmkit_types::Checksum,
    },
    /// A program of the host is needed and was not started.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A configured command has no words.
    #[error("a configured command is empty")]
    EmptyCommand,
    /// A command on the host failed.
    #[error("`{command}` ended with status {status}{}", if last.is_empty() { String::new() } else { format!(": {last}") })]
    Command {
        /// As one could type it.
        command: String,
        /// Its exit status, or 128 and the signal that killed it.
        status: u8,
        /// The last line it wrote to its standard error.
        last: String,
    },
    /// A checkout made in-process failed where a command would have.
    #[error("{source}")]
    Checkout {
        /// What the command would have ended with.
        status: u8,
        /// Why it failed.
        source: Box<ScmError>,
    },
    /// Input or output on a named path.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// The verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The archive's name asks for a format we do not write.
    #[error("cannot write `{name}`: no writer for archives that end in `{suffix}`")]
    ArchiveFormat {
        /// The archive's name.
        name: String,
        /// The end of it.
        suffix: String,
    },
}

impl ScmError {
    /// Wraps a libgit2 error, telling apart the kinds a user can do something about.
    pub fn git(action: &'static str, place: &Path) -> impl FnOnce(git2::Error) -> Self {
        move |source| {
            if source.message().contains("sha256") || source.message().contains("object format") {
                return Self::ObjectFormat {
                    place: place.display().to_string(),
                    format: "sha256".to_owned(),
                };
            }
            if source.code() == git2::ErrorCode::Owner {
                return Self::ForeignOwner {
                    path: place.to_owned(),
                };
            }
            Self::Git {
                action,
                place: place.display().to_string(),
                cause: source,
            }
        }
    }

    /// Wraps an I/O error.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// mock's code: everything wrong with the set-up of source control is 5.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Git { .. }
            | Self::Modules { .. }
            | Self::NoRepository { .. }
            | Self::ForeignOwner { .. }
            | Self::Outside { .. }
            | Self::Unborn { .. }
            | Self::UnknownRevision { .. }
            | Self::UnknownTag { .. }
            | Self::Bare { .. }
            | Self::EmptyRemote { .. }
            | Self::ObjectFormat { .. }
            | Self::NoRemote { .. }
            | Self::LocalSubmodule { .. }
            | Self::Method { .. }
            | Self::NoPackage
            | Self::Host(
                HostError::NotExecutable { .. }
                | HostError::RelativeProgram { .. }
                | HostError::OptionLike { .. },
            )
            | Self::NoCheckout { .. }
            | Self::NoSpec { .. }
            | Self::SourcesLine { .. }
            | Self::NoLookaside { .. }
            | Self::EmptyCommand
            | Self::ArchiveFormat { .. } => ExitCode::CommandLine,
            Self::Checkout { source, .. } => source.exit_code(),
            // A failing command's own status is in `status`.
            Self::Io { .. }
            | Self::Tree(_)
            | Self::Http { .. }
            | Self::Download(_)
            | Self::Digest { .. }
            | Self::NoSourceDirectory { .. }
            // mock ends with a traceback where a program is missing or quotes do not match, and
            // with 5 only where the program is there and may not be run.
            | Self::Host(_)
            | Self::Quotes { .. }
            | Self::Command { .. } => ExitCode::General,
        }
    }

    /// The status to end with in place of [`Self::exit_code`]: a failing command's own, as mock
    /// passes it on.
    pub fn status(&self) -> Option<u8> {
        match self {
            Self::Command { status, .. } | Self::Checkout { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What the user can do.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::ForeignOwner { path } => vec![Hint::new(format!(
                "if you trust it: git config --global --add safe.directory {}",
                path.display()
            ))],
            Self::Outside { named, .. } => vec![Hint::new(if named.ends_with("alternates") {
                "`git repack -a -d` brings the objects here; then remove that file"
            } else {
                "a clone of its own has everything in one place: git clone PATH NEW"
            })],
            Self::Tree(error) => error.hint().map(Hint::new).into_iter().collect(),
            Self::Unborn { .. } => vec![Hint::new(
                "commit something, or build the working tree with --dirty",
            )],
            Self::ArchiveFormat { .. } => vec![Hint::new(
                "name Source0 with .tar, .tar.gz, .tar.bz2, .tar.xz, .tar.lzma or .tar.zst, or put the archive beside the spec",
            )],
            Self::Checkout { source, .. } => source.hints(),
            Self::Host(HostError::NoProgram { program }) if !program.contains('/') => {
                let package = match program.as_str() {
                    "svn" => "subversion",
                    other => other,
                };
                vec![Hint::new(format!(
                    "install the package that has it, usually called `{package}`"
                ))]
            }
            Self::Method { .. } => vec![Hint::new("the methods are git, svn, cvs and distgit")],
            Self::NoPackage => vec![Hint::new("add --scm-option package=NAME")],
            Self::NoSpec { .. } => vec![Hint::new(
                "--scm-option spec=PATH says where it is in the checkout",
            )],
            Self::NoLookaside { .. } => vec![Hint::new(
                "--lookaside URL names it, with {name}, {file}, {hashtype} and {hash} where they belong",
            )],
            Self::Digest { .. } => vec![Hint::new(
                "the file has changed since its digest was taken, or something else answered: nothing was kept",
            )],
            Self::ObjectFormat { .. } => vec![Hint::new(
                "git itself can: make the archive with `git archive` and name it with --sources",
            )],
            Self::LocalSubmodule { .. } => vec![Hint::new(
                "as git: if that is meant, git config --global protocol.file.allow always",
            )],
            Self::Command { last, .. } => command_hints(last),
            Self::Http { reason, .. } => http_hints(reason),
            Self::Download(error) => error.hints(),
            Self::NoSourceDirectory { .. } => {
                vec![Hint::new("int_src_dir is relative to the checkout")]
            }
            Self::Git { .. }
            | Self::Modules { .. }
            | Self::NoRepository { .. }
            | Self::NoRemote { .. }
            | Self::UnknownRevision { .. }
            | Self::UnknownTag { .. }
            | Self::Bare { .. }
            | Self::EmptyRemote { .. }
            | Self::EmptyCommand
            | Self::Quotes { .. }
            | Self::Host(_)
            | Self::NoCheckout { .. }
            | Self::SourcesLine { .. }
            | Self::Io { .. } => Vec::new(),
        }
    }
}

/// For what ssh says when it does not get in.
fn command_hints(last: &str) -> Vec<Hint> {
    let hint = if last.contains("Host key verification failed") {
        "connect once by hand (ssh HOST) and compare the key, or add it to ~/.ssh/known_hosts"
    } else if last.contains("Permission denied (publickey") {
        "load a key the server knows (ssh-add), or name it in ~/.ssh/config (IdentityFile)"
    } else {
        return Vec::new();
    };
    vec![Hint::new(hint)]
}

/// For what a server, or nobody, answers.
fn http_hints(reason: &str) -> Vec<Hint> {
    let lower = reason.to_ascii_lowercase();
    let hint = if lower.contains("certificate") || lower.contains("unknownissuer") {
        "a private authority's certificate is named with git's http.sslCAInfo or GIT_SSL_CAINFO"
    } else if lower.contains("name and a password") || lower.contains("the name or the password") {
        "store them with a git credential helper (git config credential.helper), or in ~/.netrc"
    } else if lower.contains("status 404") {
        "the server has no such file; one that lies beside the spec, or in --sources DIR, is taken"
    } else {
        return Vec::new();
    };
    vec![Hint::new(hint)]
}
