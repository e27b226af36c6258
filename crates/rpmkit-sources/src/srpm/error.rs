//! What can go wrong on the way to a source package.

use std::path::{Path, PathBuf};

use rpmkit_fs::FsError;
use rpmkit_types::{ExitCode, Hint};
use rpmkit_vcs::ScmError;

use crate::template::VendorTool;

/// A source package cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum SrpmError {
    /// The path that was to be built is not there.
    #[error("`{path}` does not exist")]
    NoSuchPath {
        /// As given.
        path: PathBuf,
    },
    /// No spec anywhere in the tree.
    #[error("no spec file in `{path}`")]
    NoSpec {
        /// Where was looked.
        path: PathBuf,
    },
    /// Several specs, and nobody to ask.
    #[error("{} spec files in `{path}`: {}", specs.len(), list(specs))]
    SeveralSpecs {
        /// Where was looked.
        path: PathBuf,
        /// What was found, relative to it.
        specs: Vec<PathBuf>,
    },
    /// The spec that was named is not there.
    #[error("no spec file `{spec}` in {place}")]
    NoSuchSpec {
        /// As given.
        spec: PathBuf,
        /// The directory or commit looked in.
        place: String,
    },
    /// Expanding the spec gave something without a name or a version.
    #[error("spec `{spec}` has no `{tag}:` once expanded")]
    NoTag {
        /// The spec.
        spec: PathBuf,
        /// `Name` or `Version`.
        tag: &'static str,
    },
    /// The target's rpm could not read the spec, or the chroot could not be had.
    #[error(transparent)]
    Parse(rpmkit_types::AnyCodedError),
    /// An archive of dependencies is to be made, and the target has nothing to make it with.
    #[error("`{}` is nowhere, and the target's repositories have nothing to run `{}` with", archive.display(), tool.command())]
    NoVendorTool {
        /// The archive.
        archive: PathBuf,
        /// What would make it.
        tool: VendorTool,
    },
    /// The target's cargo or go could not make an archive of dependencies.
    #[error("`{}` in the chroot failed: {source}", tool.command())]
    Vendoring {
        /// Which.
        tool: VendorTool,
        /// Why.
        source: rpmkit_types::AnyCodedError,
    },
    /// Sources the spec names are nowhere to be found.
    #[error("{} of spec `{spec}` {}: {}", plural(missing.len(), "source"), if missing.len() == 1 { "is missing" } else { "are missing" }, missing.iter().map(MissingSource::to_string).collect::<Vec<_>>().join(", "))]
    MissingSources {
        /// The spec.
        spec: PathBuf,
        /// Each of them.
        missing: Vec<MissingSource>,
        /// Where was looked.
        looked_in: Vec<String>,
    },
    /// Something in the project's tree leads out of it, is no file, too large, or could not be read.
    #[error(transparent)]
    Tree(#[from] FsError),
    /// A spec wants a file of the host.
    #[error("{source_file} is a file of this host, not of the project")]
    HostFile {
        /// Which source.
        source_file: MissingSource,
    },
    /// A commit was asked for, but there is no repository.
    #[error("`{path}` is not inside a git repository, so it has no `{rev}`")]
    NoHistory {
        /// The tree.
        path: PathBuf,
        /// The revision asked for.
        rev: String,
    },
    /// A packit file cannot be read.
    #[error("`{path}` line {line}: {reason}")]
    Packit {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// An rpkg template cannot be expanded.
    #[error("spec `{}` line {line}: {reason}", spec.display())]
    Rpkg {
        /// The template.
        spec: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Neither rpkg nor the tree has such a macro.
    #[error("spec `{}` line {line}: `{body}` is no macro that is known here", spec.display())]
    RpkgMacro {
        /// The template.
        spec: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What stands in the braces.
        body: String,
        /// Where macros of this tree would be defined, as a sentence.
        place: String,
    },
    /// An action said it made an archive, and did not.
    #[error("packit's action `create-archive` ended with `{said}`, which is no file in the tree")]
    NoArchive {
        /// Its last line.
        said: String,
    },
    /// packit's actions ran, and the spec is still not there.
    #[error("packit's actions ran, and there is still no spec file `{}`", spec.display())]
    SpecNotMade {
        /// Where it was expected, relative to the tree.
        spec: PathBuf,
    },
    /// A convention needs commands run in the build root, and there is none here.
    #[error("following {convention} needs a build root")]
    NoRunner {
        /// Its name.
        convention: &'static str,
    },
    /// A project's Makefile made no source package, or several.
    #[error("`{makefile}` made {} source packages, expected one", made)]
    Makefile {
        /// The file.
        makefile: PathBuf,
        /// How many.
        made: usize,
    },
    /// A snapshot was asked for, but the spec has no version to add to.
    #[error("spec `{spec}` has no `Version:` line to add `{suffix}` to")]
    NoVersionLine {
        /// The spec.
        spec: PathBuf,
        /// What was to be added.
        suffix: String,
    },
    /// Nobody in the target can count a release.
    #[error(
        "spec `{spec}` has its release counted by %autorelease, and the target has neither rpmautospec nor such a macro"
    )]
    NoAutorelease {
        /// The spec.
        spec: PathBuf,
    },
    /// Source control failed.
    #[error(transparent)]
    Scm(#[from] ScmError),
    /// Dependencies cannot be vendored.
    #[error(transparent)]
    Vendor(#[from] crate::template::TemplateError),
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
}

/// A source nobody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingSource {
    /// `Source1`, `Patch3`.
    pub tag: String,
    /// As written in the expanded spec.
    pub text: String,
}

impl std::fmt::Display for MissingSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}`", self.tag, self.text)
    }
}

impl SrpmError {
    /// Wraps an I/O error.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// mock's code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoSuchPath { .. }
            | Self::NoSpec { .. }
            | Self::SeveralSpecs { .. }
            | Self::NoSuchSpec { .. }
            | Self::NoHistory { .. } => ExitCode::Usage,
            Self::NoTag { .. }
            | Self::NoVendorTool { .. }
            | Self::MissingSources { .. }
            | Self::HostFile { .. }
            | Self::Packit { .. }
            | Self::Rpkg { .. }
            | Self::RpkgMacro { .. }
            | Self::NoArchive { .. }
            | Self::SpecNotMade { .. }
            | Self::NoRunner { .. }
            | Self::Makefile { .. }
            | Self::NoAutorelease { .. }
            | Self::NoVersionLine { .. } => ExitCode::Srpm,
            Self::Parse(error) | Self::Vendoring { source: error, .. } => error.exit_code(),
            Self::Scm(error) => error.exit_code(),
            Self::Vendor(error) => error.exit_code(),
            Self::Tree(error) if error.is_refusal() => ExitCode::Srpm,
            Self::Tree(_) | Self::Io { .. } => ExitCode::General,
        }
    }

    /// A failing host command's own status, as [`ScmError::status`].
    pub fn status(&self) -> Option<u8> {
        match self {
            Self::Scm(error) => error.status(),
            _ => None,
        }
    }

    /// What the user can do.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::NoSpec { .. } => vec![
                Hint::new("name one with --spec PATH"),
                Hint::new("`rpmkit new` writes one for this tree"),
            ],
            Self::SeveralSpecs { specs, .. } => specs
                .iter()
                .take(3)
                .map(|spec| Hint::new(format!("choose one: --spec {}", spec.display())))
                .collect(),
            Self::MissingSources {
                missing, looked_in, ..
            } => {
                let mut hints = vec![Hint::new(format!("looked in {}", looked_in.join(", ")))];
                if missing.iter().any(|source| source.text.contains("://")) {
                    hints.push(Hint::new(
                        "--get-sources downloads what the spec has URLs for",
                    ));
                }
                hints.push(Hint::new("--sources DIR says where the files are"));
                hints
            }
            Self::Tree(FsError::Leaves { .. } | FsError::LeftOut { .. }) => vec![Hint::new(
                "put the file itself into the tree, or say where it is with --sources DIR",
            )],
            Self::Tree(error) => error.hint().map(Hint::new).into_iter().collect(),
            Self::HostFile { .. } => {
                vec![Hint::new("--sources DIR says where the file is")]
            }
            Self::Parse(error) => error.hints(),
            Self::NoVendorTool { tool, .. } => vec![
                Hint::new("add a repository that has it (--addrepo URL)"),
                with_host(*tool),
                Hint::new("--sources DIR says where the archive is"),
            ],
            Self::Vendoring { tool, source } => {
                let mut hints = source.hints();
                hints.push(with_host(*tool));
                hints
            }
            Self::Scm(error) => error.hints(),
            Self::NoAutorelease { .. } => vec![Hint::new(
                "add a repository that has rpmautospec (--addrepo URL), or write the release out",
            )],
            Self::Vendor(error) => error.hints(),
            Self::RpkgMacro { place, .. } => vec![
                Hint::new(place.clone()),
                Hint::new("--follow plain takes the spec as it is"),
            ],
            Self::Rpkg { .. } => vec![Hint::new(
                "--follow plain takes the spec as it is; write the value out, or use one of git_dir_name, git_dir_version, git_dir_release, git_dir_pack, git_dir_vcs, git_dir_setup_macro, git_dir_changelog",
            )],
            Self::SpecNotMade { .. } => vec![Hint::new(
                "`specfile_path` in the packit file says where the spec is; one of its actions may make it",
            )],
            Self::NoSuchPath { .. }
            | Self::NoSuchSpec { .. }
            | Self::Packit { .. }
            | Self::NoArchive { .. }
            | Self::NoRunner { .. }
            | Self::Makefile { .. }
            | Self::NoVersionLine { .. }
            | Self::NoTag { .. }
            | Self::NoHistory { .. }
            | Self::Io { .. } => Vec::new(),
        }
    }
}

/// What the host can do instead, and at what price.
fn with_host(tool: VendorTool) -> Hint {
    Hint::new(format!(
        "--vendor-with-host runs `{}` on this host, outside of the chroot: for projects you trust",
        tool.command()
    ))
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect::<Vec<_>>()
        .join(", ")
}
