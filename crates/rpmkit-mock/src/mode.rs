//! The modes mock can run in.

use crate::cmdline::ScrubTarget;

/// A mode as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// `--rebuild`
    Rebuild,
    /// `--calculate-build-dependencies`
    CalculateDeps,
    /// `--chain`
    Chain,
    /// `--buildsrpm`
    BuildSrpm,
    /// `--debug-config`
    DebugConfig,
    /// `--debug-config-expanded`
    DebugConfigExpanded,
    /// `--shell`
    Shell,
    /// `--chroot`
    Chroot,
    /// `--clean`
    Clean,
    /// `--scrub-all-chroots`
    ScrubAllChroots,
    /// `--init`
    Init,
    /// `--installdeps`
    InstallDeps,
    /// `-i/--install`
    Install,
    /// `--list-chroots`
    ListChroots,
    /// `--update`
    Update,
    /// `--remove`
    Remove,
    /// `--orphanskill`
    OrphansKill,
    /// `--copyin`
    CopyIn,
    /// `--copyout`
    CopyOut,
    /// `--pm-cmd`
    PmCmd,
    /// `--yum-cmd`
    YumCmd,
    /// `--dnf-cmd`
    DnfCmd,
    /// `--snapshot`
    Snapshot,
    /// `--remove-snapshot`
    RemoveSnapshot,
    /// `--rollback-to`
    RollbackTo,
    /// `--umount`
    Umount,
    /// `--mount`
    Mount,
}

impl Word {
    /// The old-style verbs: a first word that is one of these selects the mode.
    pub fn old_style(word: &str) -> Option<Self> {
        Some(match word {
            "chroot" => Self::Chroot,
            "shell" => Self::Shell,
            "rebuild" => Self::Rebuild,
            "install" => Self::Install,
            "installdeps" => Self::InstallDeps,
            "remove" => Self::Remove,
            "init" => Self::Init,
            "clean" => Self::Clean,
            _ => return None,
        })
    }
}

/// Which program a package manager command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pm {
    /// The configured one.
    Configured,
    /// yum.
    Yum,
    /// dnf, or dnf5 where that is configured.
    Dnf,
}

/// What is to be done, with what mock decides from several options folded in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Rebuild source packages; or, with `calculate`, stop before the last rpmbuild.
    Rebuild {
        /// `--calculate-build-dependencies`
        calculate: bool,
    },
    /// Build several in order.
    Chain,
    /// Make a source package.
    BuildSrpm,
    /// Print the configuration.
    DebugConfig {
        /// With templates expanded.
        expanded: bool,
    },
    /// Interactive command.
    Shell,
    /// Command without a terminal.
    Chroot,
    /// Remove the chroot.
    Clean,
    /// Remove what is named.
    Scrub(Vec<ScrubTarget>),
    /// Remove everything of every chroot in use.
    ScrubAllChroots,
    /// Prepare.
    Init,
    /// Install build dependencies.
    InstallDeps,
    /// Install packages.
    Install,
    /// List configurations.
    ListChroots,
    /// Update packages.
    Update,
    /// Remove packages.
    Remove,
    /// Kill leftovers.
    OrphansKill,
    /// Copy in.
    CopyIn,
    /// Copy out.
    CopyOut,
    /// Package manager command.
    PmCmd(Pm),
    /// Name the present state.
    Snapshot,
    /// Forget a name.
    RemoveSnapshot,
    /// Go back to a name.
    RollbackTo,
    /// Unmount.
    Umount,
    /// Mount and stay.
    Mount,
    /// Print the root's path.
    PrintRootPath,
    /// List names.
    ListSnapshots,
}
