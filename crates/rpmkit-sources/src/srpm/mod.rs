//! From a checkout to what `rpmbuild -bs` needs: a spec and a directory of sources.
//!
//! [`prepare`] finds the spec, has the *target's* rpm expand it (through [`SpecParser`], which
//! whoever owns the chroot implements with `rpmspec -P`), gathers the local sources and patches,
//! makes the main source from the tree where the tree is the upstream project, and leaves all of
//! it in a staging directory with times taken from history, so that the same commit gives the
//! same source package. rpmbuild itself runs elsewhere.

mod commands;
mod convention;
mod copy;
mod error;
mod files;
mod find;
pub(crate) mod fuzz;
mod job;
mod layout;
mod packit;
mod places;
mod prepare;
mod rpkg;
mod rpkg_user;
mod runner;
mod snapshot;
mod spec;
mod survey;
mod tito;
mod tree;
mod vendored;
mod yaml;

pub use convention::{Convention, Explanation, FoundConvention};
pub use error::{MissingSource, SrpmError};
pub use find::find_specs;
pub use prepare::{
    SourceOrigin, SourceOutcome, SourceRequest, SourceTools, StagedSource, StagedSources, check,
    explain, prepare,
};
pub use runner::{OUT_IN_ROOT, TREE_IN_ROOT, TreeCommand, TreeRunner};
pub use spec::{ExpandedSpec, SourceKind, SpecSource};
pub use tree::{SourceTree, TreeChoice};

use std::path::{Path, PathBuf};

/// Asks which of several specs is meant: gets their paths in the tree, gives the index of one.
pub type Choose<'a> = dyn FnMut(&[PathBuf]) -> Option<usize> + 'a;

/// The target's rpm, as far as a spec must be read.
pub trait SpecParser {
    /// The output of `rpmspec -P` for `spec`, with `_sourcedir` set to a copy of
    /// `source_dir` and `defines` (name, value) given, run in the chroot.
    ///
    /// # Errors
    /// When the spec does not parse, with rpm's own words; or when there is no chroot to run in.
    fn expand(
        &mut self,
        spec: &Path,
        source_dir: &Path,
        defines: &[(String, String)],
    ) -> Result<String, rpmkit_types::AnyCodedError>;
}

#[cfg(test)]
pub(crate) mod tests;
