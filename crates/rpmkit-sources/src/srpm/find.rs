//! Finding the spec of a tree.

use std::path::{Path, PathBuf};

use super::{Choose, SourceTree, SrpmError};
use rpmkit_vcs::git;

/// Directories projects keep their spec in, the likeliest first.
const USUAL: &[&str] = &[
    "",
    "SPECS",
    "packaging",
    "packaging/rpm",
    "package",
    "package/rpm",
    "rpm",
    "dist",
    "dist/rpm",
    "contrib",
    "contrib/rpm",
    ".packaging",
    "build",
    "scripts",
    "fedora",
    "redhat",
];

/// The specs of a tree, relative to its root: those of the first usual place that has any, or
/// else those nearest to the root. Test suites are full of specs that are nobody's package, so
/// deeper ones do not count once nearer ones are there.
pub fn find_specs(tree: &SourceTree) -> Vec<PathBuf> {
    let specs: Vec<&Path> = tree
        .files()
        .iter()
        .filter(|path| path.ends_with(b".spec") || path.ends_with(b".spec.rpkg"))
        .map(|path| git::bytes_path(path))
        .collect();
    let parent = |path: &Path| path.parent().unwrap_or(Path::new("")).to_owned();
    for dir in USUAL {
        let here: Vec<PathBuf> = specs
            .iter()
            .filter(|path| parent(path) == Path::new(dir))
            .map(|path| path.to_path_buf())
            .collect();
        if !here.is_empty() {
            return here;
        }
    }
    let nearest = specs.iter().map(|path| path.components().count()).min();
    specs
        .into_iter()
        .filter(|path| Some(path.components().count()) == nearest)
        .map(Path::to_owned)
        .collect()
}

/// Chooses one: the only one; else the one `choose` picks; else an error that lists them.
pub(super) fn pick(
    tree: &SourceTree,
    specs: Vec<PathBuf>,
    choose: Option<&mut Choose<'_>>,
) -> Result<PathBuf, SrpmError> {
    let path = || tree.root().to_owned();
    match specs.as_slice() {
        [] => Err(SrpmError::NoSpec { path: path() }),
        [only] => Ok(only.clone()),
        several => match choose.and_then(|choose| choose(several)) {
            Some(at) if at < several.len() => Ok(several[at].clone()),
            _ => Err(SrpmError::SeveralSpecs {
                path: path(),
                specs,
            }),
        },
    }
}
