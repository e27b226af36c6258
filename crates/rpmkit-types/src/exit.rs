//! mock's exit codes: the one table of their names, numbers and meanings.

use serde::Serialize;

/// mock's exit codes, as its manual lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[repr(u8)]
pub enum ExitCode {
    /// Anything that has no code of its own, and a failing build command.
    General = 1,
    /// The arguments do not parse.
    Arguments = 2,
    /// A configuration cannot be read or makes no sense.
    Config = 3,
    /// Some package of a chain was not built.
    ChainIncomplete = 4,
    /// The command line or the SCM set-up is wrong.
    CommandLine = 5,
    /// This host cannot build for that architecture.
    Arch = 6,
    /// Stopped by Ctrl-C.
    Interrupted = 7,
    /// The package failed to build for a reason known to be its own.
    Build = 10,
    /// A command took longer than allowed.
    Timeout = 11,
    /// The chroot could not be prepared.
    Root = 20,
    /// The volumes of the plugin lvm_root cannot be had.
    Lvm = 25,
    /// The package manager failed: repositories, solving, installing.
    PackageManager = 30,
    /// A dependency written `external:` is of a kind nobody knows.
    ExternalDependency = 31,
    /// The source package is no source package, or could not be made.
    Srpm = 40,
    /// A mode was used without what it needs.
    Usage = 50,
    /// Somebody else is using the chroot.
    Locked = 60,
    /// The result directory cannot be written.
    ResultDir = 70,
    /// The kernel refused a namespace.
    Unshare = 80,
    /// The bootstrap (here: the tool root) could not be made.
    Bootstrap = 90,
    /// `Start:` and `Finish:` lines of the state log do not balance.
    State = 110,
}

impl ExitCode {
    /// Every code, ascending.
    pub const ALL: [Self; 20] = [
        Self::General,
        Self::Arguments,
        Self::Config,
        Self::ChainIncomplete,
        Self::CommandLine,
        Self::Arch,
        Self::Interrupted,
        Self::Build,
        Self::Timeout,
        Self::Root,
        Self::Lvm,
        Self::PackageManager,
        Self::ExternalDependency,
        Self::Srpm,
        Self::Usage,
        Self::Locked,
        Self::ResultDir,
        Self::Unshare,
        Self::Bootstrap,
        Self::State,
    ];

    /// One sentence on what the code tells, for documentation.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::General => {
                "Anything without a code of its own. A failing command inside the chroot ends rpmkit with that command's status, which for rpmbuild is 1 too."
            }
            Self::Arguments => {
                "The arguments do not parse: an option misses its value, or the value is none of the allowed ones."
            }
            Self::Config => "A configuration cannot be read or makes no sense.",
            Self::ChainIncomplete => "Some package of a chain was not built.",
            Self::CommandLine => {
                "The command line contradicts itself, names something that does not exist, or the SCM set-up is wrong."
            }
            Self::Arch => "This host cannot build for that architecture.",
            Self::Interrupted => "Stopped by Ctrl-C.",
            Self::Build => "The package failed to build for a reason known to be its own.",
            Self::Timeout => "A command took longer than allowed.",
            Self::Root => "The chroot could not be prepared.",
            Self::Lvm => {
                "The plugin `lvm_root` is on, and its volume group is not named or not there."
            }
            Self::PackageManager => {
                "Repositories, dependency solving, downloading or installing failed."
            }
            Self::ExternalDependency => "An `external:` dependency is of an unknown kind.",
            Self::Srpm => {
                "The source package is no source package, cannot be installed, or could not be made."
            }
            Self::Usage => {
                "A mode was used without what it needs: no package, no command, no snapshot name, no such file."
            }
            Self::Locked => "Somebody else is using the chroot.",
            Self::ResultDir => "The result directory cannot be made or written.",
            Self::Unshare => "The kernel refused a namespace.",
            Self::Bootstrap => "The bootstrap chroot (here: the tool root) could not be made.",
            Self::State => {
                "`Start:` and `Finish:` lines of the state log do not balance: a defect of rpmkit."
            }
        }
    }

    /// The number a process ends with.
    pub fn code(self) -> u8 {
        self as u8
    }
}
