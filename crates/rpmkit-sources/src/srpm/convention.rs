//! What a tree says about how its source package is made.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{SourceTree, layout, packit};

/// The conventions that are known, the one that is followed first when several are there: commands that
/// make the sources before files that describe them, and those before a bare spec. A packit file without
/// actions for a source package only names the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Convention {
    /// `packit.yaml`.
    Packit,
    /// `.copr/Makefile` with a target `srpm`.
    Copr,
    /// `.tito/`.
    Tito,
    /// `{{{ git_… }}}` in the spec, with or without an `rpkg.conf`.
    Rpkg,
    /// A `sources` file beside the spec, or a `.NAME.metadata`.
    DistGit,
    /// A spec, and sources where the spec says.
    Plain,
}

impl Convention {
    /// The name `--follow` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rpkg => "rpkg",
            Self::Packit => "packit",
            Self::Copr => "copr",
            Self::Tito => "tito",
            Self::DistGit => "dist-git",
            Self::Plain => "plain",
        }
    }

    /// Reads such a name.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Packit,
            Self::Copr,
            Self::Tito,
            Self::Rpkg,
            Self::DistGit,
            Self::Plain,
        ]
        .into_iter()
        .find(|convention| convention.name() == name)
    }
}

/// A convention a tree has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundConvention {
    /// Which.
    pub convention: Convention,
    /// The file that shows it, relative to the tree.
    pub file: PathBuf,
    /// What following it does.
    pub effect: String,
}

/// For `--explain`: what was found and what is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The tree's directory.
    pub root: PathBuf,
    /// Which state of it: "commit 1a2b3c", "the working tree".
    pub state: String,
    /// The specs, relative to the tree.
    pub specs: Vec<PathBuf>,
    /// Everything found.
    pub found: Vec<FoundConvention>,
    /// What is followed.
    pub followed: Convention,
    /// Why that one.
    pub reason: String,
    /// Other remarks: uncommitted changes, a shallow history.
    pub notes: Vec<String>,
}

/// Looks for conventions. `spec` is the text of the spec, if there is one to look into.
pub(super) fn detect(tree: &SourceTree, spec: Option<(&Path, &str)>) -> Vec<FoundConvention> {
    let mut found = Vec::new();
    let mut add = |convention, file: &str, effect: &str| {
        found.push(FoundConvention {
            convention,
            file: PathBuf::from(file),
            effect: effect.to_owned(),
        });
    };
    if let Some((path, _)) = spec.filter(|(_, text)| text.contains("{{{")) {
        add(
            Convention::Rpkg,
            &path.display().to_string(),
            "the spec's {{{ }}} macros are expanded, archives are made where they say",
        );
    }
    for name in packit::NAMES {
        if tree.has(name.as_bytes()) {
            add(
                Convention::Packit,
                name,
                "its specfile_path names the spec, its actions run in the build root",
            );
            break;
        }
    }
    if tree.has(b".copr/Makefile") {
        add(
            Convention::Copr,
            ".copr/Makefile",
            "`make -f .copr/Makefile srpm` runs in the build root and makes the source package",
        );
    }
    if let Some(file) = [
        ".tito/tito.props",
        ".tito/packages/.readme",
        "rel-eng/tito.props",
    ]
    .into_iter()
    .find(|file| tree.has(file.as_bytes()))
    {
        add(
            Convention::Tito,
            file,
            "a tagged release is archived as NAME-VERSION.tar.gz, anything else named as by tito build --test",
        );
    }
    if let Some((file, _)) = spec
        .and_then(|(path, _)| layout::listed(tree, path).ok().flatten())
        .filter(|(_, list)| !list.is_empty())
    {
        add(
            Convention::DistGit,
            &file.display().to_string(),
            "files it lists come from the lookaside cache, verified",
        );
    }
    found
}

/// Which of them is followed, and why. `asked` is the user's choice; `actions` tells whether
/// the packit file has any that make sources.
pub(super) fn choose(
    found: &[FoundConvention],
    asked: Option<Convention>,
    actions: bool,
) -> (Convention, String) {
    if let Some(asked) = asked {
        return (asked, "it was asked for".to_owned());
    }
    let idle = found
        .iter()
        .find(|found| found.convention == Convention::Packit && !actions);
    let mut reasons = Vec::new();
    let usable = |found: &&FoundConvention| found.convention != Convention::Packit || actions;
    let first = found
        .iter()
        .filter(usable)
        .map(|found| found.convention)
        .min();
    match first {
        None => reasons.push("the spec and the files it names say all there is to say".to_owned()),
        Some(first) => {
            let others: Vec<&str> = found
                .iter()
                .filter(usable)
                .map(|found| found.convention)
                .filter(|other| *other != first)
                .map(Convention::name)
                .collect();
            if !others.is_empty() {
                reasons.push(format!("it comes before {}", others.join(", ")));
            } else if idle.is_none() {
                reasons.push("it is the only one here".to_owned());
            }
        }
    }
    reasons.extend(idle.map(|idle| format!("{} has no actions for an SRPM", idle.file.display())));
    (first.unwrap_or(Convention::Plain), reasons.join("; "))
}
