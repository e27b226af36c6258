//! Commands of a project's own (packit's actions, `.copr/Makefile`), which run in the build root
//! and never on the host.

use std::path::PathBuf;

/// Where a command finds the copy of the tree.
pub const TREE_IN_ROOT: &str = "/builddir/build/TREE";
/// Where a command puts what it makes.
pub const OUT_IN_ROOT: &str = "/builddir/build/OUT";

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeCommand {
    /// Host directory that is [`TREE_IN_ROOT`], writable; what the command changes there must be
    /// seen on the host afterwards.
    pub tree: PathBuf,
    /// Host directory that is [`OUT_IN_ROOT`], writable.
    pub out: PathBuf,
    /// Program and arguments, run in [`TREE_IN_ROOT`].
    pub argv: Vec<String>,
    /// Variables besides the build root's usual ones.
    pub env: Vec<(String, String)>,
    /// Packages the command needs.
    pub packages: Vec<String>,
    /// Run by the build root's root instead of the build user.
    pub as_root: bool,
    /// In a build root of its own, that has a network and nothing else of the host's, and is thrown
    /// away afterwards.
    pub network: bool,
}

/// Whoever can run commands in a build root.
pub trait TreeRunner {
    /// Whether the target's repositories have a package of this name.
    ///
    /// # Errors
    /// When they cannot be asked.
    fn offers(&mut self, package: &str) -> Result<bool, rpmkit_types::AnyCodedError>;

    /// Installs the packages, runs the command, and gives its standard output.
    ///
    /// # Errors
    /// When it fails or cannot be run.
    fn run(&mut self, command: &TreeCommand) -> Result<String, rpmkit_types::AnyCodedError>;
}
