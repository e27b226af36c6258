//! The values options leave behind, before anything is checked against anything.

use rpmkit_cli::Verbosity;

/// The words after `--scrub`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScrubTarget {
    /// Both chroots and all caches.
    All,
    /// The chroot.
    Chroot,
    /// The bootstrap chroot and its cache (ours: the tool root).
    Bootstrap,
    /// The whole cache directory of this configuration.
    Cache,
    /// The cached root.
    RootCache,
    /// ccache's files.
    CCache,
    /// The package manager's cache.
    PackageCache,
    /// LVM volumes.
    Lvm,
    /// Snapshots and layers of this configuration.
    Overlayfs,
}

impl ScrubTarget {
    /// As typed, with mock's two names for the package manager's cache.
    pub const NAMES: &'static [&'static str] = &[
        "chroot",
        "cache",
        "root-cache",
        "c-cache",
        "yum-cache",
        "dnf-cache",
        "lvm",
        "overlayfs",
        "bootstrap",
        "all",
    ];

    /// Its name; mock's older one for the package manager's cache.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Chroot => "chroot",
            Self::Bootstrap => "bootstrap",
            Self::Cache => "cache",
            Self::RootCache => "root-cache",
            Self::CCache => "c-cache",
            Self::PackageCache => "yum-cache",
            Self::Lvm => "lvm",
            Self::Overlayfs => "overlayfs",
        }
    }

    /// The target of a name in [`Self::NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "chroot" => Self::Chroot,
            "bootstrap" => Self::Bootstrap,
            "cache" => Self::Cache,
            "root-cache" => Self::RootCache,
            "c-cache" => Self::CCache,
            "yum-cache" | "dnf-cache" => Self::PackageCache,
            "lvm" => Self::Lvm,
            "overlayfs" => Self::Overlayfs,
            _ => return None,
        })
    }
}

/// Where `--short-circuit` enters the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortCircuitFlag {
    /// `rpmbuild -bp`
    Prep,
    /// `rpmbuild -bc`
    Build,
    /// `rpmbuild -bi`
    Install,
    /// `rpmbuild -bb`
    Binary,
}

impl ShortCircuitFlag {
    /// As typed.
    pub const NAMES: &'static [&'static str] = &["prep", "install", "build", "binary"];

    /// The stage of a name in [`Self::NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "prep" => Self::Prep,
            "build" => Self::Build,
            "install" => Self::Install,
            "binary" => Self::Binary,
            _ => return None,
        })
    }
}

/// `--enablerepo` and `--disablerepo`, whose order matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepoSwitch {
    /// Enable.
    Enable,
    /// Disable.
    Disable,
}

/// `--yum` and `--dnf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    /// yum.
    Yum,
    /// dnf.
    Dnf,
}

/// Every option but the modes. Absent ones are `None`, empty or false.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// `--scrub`, in order.
    pub scrub: Vec<ScrubTarget>,
    /// `--localrepo`
    pub localrepo: Option<String>,
    /// `-c/--continue`
    pub keep_going: bool,
    /// `-a/--addrepo`, in order.
    pub addrepo: Vec<String>,
    /// `--recurse`
    pub recurse: bool,
    /// `--tmp_prefix`
    pub tmp_prefix: Option<String>,
    /// `-r/--root`; `None` means `default`.
    pub root: Option<String>,
    /// `--offline`
    pub offline: bool,
    /// `-n/--no-clean`
    pub no_clean: bool,
    /// `--cleanup-after` true, `-N/--no-cleanup-after` false.
    pub cleanup_after: Option<bool>,
    /// `--cache-alterations`
    pub cache_alterations: bool,
    /// `--nocheck`
    pub nocheck: bool,
    /// `--arch`
    pub arch: Option<String>,
    /// `--forcearch`
    pub forcearch: Option<String>,
    /// `--target`
    pub target: Option<String>,
    /// `-D/--define`, as typed.
    pub define: Vec<String>,
    /// `--macro-file`
    pub macro_file: Option<String>,
    /// `--with`
    pub with: Vec<String>,
    /// `--without`
    pub without: Vec<String>,
    /// `--resultdir`
    pub resultdir: Option<String>,
    /// `--rootdir`
    pub rootdir: Option<String>,
    /// `--uniqueext`
    pub uniqueext: Option<String>,
    /// `--configdir`
    pub configdir: Option<String>,
    /// `--config-opts`, as typed.
    pub config_opts: Vec<String>,
    /// `--rpmbuild_timeout`, seconds.
    pub rpmbuild_timeout: Option<i64>,
    /// `--unpriv`
    pub unpriv: bool,
    /// `--cwd`
    pub cwd: Option<String>,
    /// `--spec`
    pub spec: Option<String>,
    /// `--sources`
    pub sources: Option<String>,
    /// `--symlink-dereference`
    pub symlink_dereference: bool,
    /// `--short-circuit`
    pub short_circuit: Option<ShortCircuitFlag>,
    /// `--rpmbuild-opts`
    pub rpmbuild_opts: Option<String>,
    /// `--enablerepo`, `--disablerepo`, in order.
    pub repo_switches: Vec<(RepoSwitch, String)>,
    /// `--old-chroot`
    pub old_chroot: bool,
    /// `--new-chroot`
    pub new_chroot: bool,
    /// `--isolation`, as typed.
    pub isolation: Option<String>,
    /// `--enable-network`
    pub enable_network: bool,
    /// `--postinstall`
    pub postinstall: bool,
    /// `-v`, `-q`; the last one wins.
    pub verbosity: Verbosity,
    /// `--trace`
    pub trace: bool,
    /// `--enable-plugin`
    pub enable_plugin: Vec<String>,
    /// `--disable-plugin`
    pub disable_plugin: Vec<String>,
    /// `--plugin-option`, as typed.
    pub plugin_option: Vec<String>,
    /// `-p/--print-root-path`
    pub print_root_path: bool,
    /// `-l/--list-snapshots`
    pub list_snapshots: bool,
    /// `--scm-enable`
    pub scm_enable: bool,
    /// `--scm-option`, as typed.
    pub scm_option: Vec<String>,
    /// `--yum`, `--dnf`
    pub package_manager: Option<PackageManager>,
    /// `--bootstrap-chroot` true, `--no-bootstrap-chroot` false.
    pub bootstrap_chroot: Option<bool>,
    /// `--use-bootstrap-image` true, `--no-bootstrap-image` false.
    pub bootstrap_image: Option<bool>,
    /// `--buildroot-image`
    pub buildroot_image: Option<String>,
    /// `--additional-package`
    pub additional_package: Vec<String>,
    /// `--hermetic-build LOCKFILE REPO`
    pub hermetic_build: Option<(String, String)>,
}
