//! What mock does besides its options and plugins, row by row, and what becomes of it here. The page of
//! documentation is made from these rows; tests compare them with the tables of the command line.

use super::Support;

/// One thing that mock does.
#[derive(Debug, Clone, Copy)]
pub struct FeatureRow {
    /// Chapter of the page.
    pub chapter: &'static str,
    /// What it is; words of the command line in backquotes.
    pub what: &'static str,
    /// Whether it is as in mock.
    pub support: Support,
    /// Why not; empty where it is.
    pub because: &'static str,
}

const fn yes(chapter: &'static str, what: &'static str) -> FeatureRow {
    FeatureRow {
        chapter,
        what,
        support: Support::Used,
        because: "",
    }
}

const fn differs(chapter: &'static str, what: &'static str, because: &'static str) -> FeatureRow {
    FeatureRow {
        chapter,
        what,
        support: Support::Moot,
        because,
    }
}

const fn no(chapter: &'static str, what: &'static str, because: &'static str) -> FeatureRow {
    FeatureRow {
        chapter,
        what,
        support: Support::Missing,
        because,
    }
}

const LINE: &str = "Command line";
const MODES: &str = "Modes";
const WORDS: &str = "Options of the command line";
const LOADING: &str = "Reading configuration";
const TEMPLATES: &str = "Templates";
const PACKAGES: &str = "Package manager";
const BOOTSTRAP: &str = "Bootstrap and images";
const CHROOT: &str = "Isolation and chroot";
const BUILD: &str = "Steps of a build";
const RESULTS: &str = "Results, logs, exit codes";
const SCM: &str = "Source control";
const CHAIN: &str = "Chains";
const STATE: &str = "Scrub and snapshots";
const HERMETIC: &str = "Hermetic builds";
const HOOKS: &str = "Hooks";
const SYSTEM: &str = "Rights, locks, signals";
const OTHERS: &str = "Other pieces";

const OWN_RPM: &str =
    "a root of the target's own rpm and what it needs stands in for the bootstrap chroot";
const NAMESPACES: &str = "one kind of container, with namespaces of its own, for every word";

/// All rows.
pub const FEATURES: &[FeatureRow] = &[
    yes(LINE, "the last mode on the line wins"),
    yes(LINE, "unknown options are words, not errors"),
    yes(LINE, "unambiguous prefixes of long options"),
    yes(LINE, "a leading `--` ends options"),
    yes(
        LINE,
        "usage and exit 2 for a value that cannot be, `ERROR:` and 5 for what contradicts itself",
    ),
    yes(
        LINE,
        "log lines on standard error, data alone on standard output",
    ),
    yes(LINE, "the first line names version and arguments"),
    yes(
        LINE,
        "old-style verbs (`chroot`, `shell`, `rebuild`, `install`, `installdeps`, `remove`, `init`, `clean`)",
    ),
    differs(LINE, "`--help`", "a page of our own, in the same order"),
    yes(LINE, "`--version`"),
    yes(MODES, "`--rebuild`"),
    yes(
        MODES,
        "`--rebuild` with `--spec` in place of the package's own",
    ),
    yes(MODES, "`--buildsrpm`"),
    yes(MODES, "`--chain`"),
    yes(MODES, "`--calculate-build-dependencies`"),
    yes(MODES, "`--hermetic-build`"),
    yes(MODES, "`--init`"),
    yes(MODES, "`--clean`"),
    yes(MODES, "`--scrub`"),
    differs(
        MODES,
        "`--scrub-all-chroots`",
        "the stores know whose chroots they have: no configuration is guessed from names of directories",
    ),
    yes(MODES, "`--shell`"),
    yes(MODES, "`--chroot`"),
    yes(MODES, "`--install`"),
    yes(MODES, "`--installdeps`"),
    yes(MODES, "`--remove`"),
    yes(MODES, "`--update`"),
    differs(
        MODES,
        "`--pm-cmd`",
        "the embedded package manager has dnf's verbs: see plugins.md",
    ),
    differs(MODES, "`--dnf-cmd`", "as `--pm-cmd`"),
    differs(MODES, "`--yum-cmd`", "as `--pm-cmd`"),
    yes(MODES, "`--copyin`"),
    yes(MODES, "`--copyout`"),
    yes(MODES, "`--orphanskill`"),
    yes(MODES, "`--snapshot`"),
    yes(MODES, "`--rollback-to`"),
    yes(MODES, "`--remove-snapshot`"),
    yes(MODES, "`--list-snapshots`"),
    yes(MODES, "`--mount`"),
    yes(MODES, "`--umount`"),
    yes(MODES, "`--print-root-path`"),
    yes(MODES, "`--list-chroots`"),
    yes(MODES, "`--debug-config`"),
    yes(MODES, "`--debug-config-expanded`"),
    yes(WORDS, "`--root`"),
    yes(WORDS, "`--configdir`"),
    yes(WORDS, "`--config-opts`"),
    yes(WORDS, "`--resultdir`"),
    differs(
        WORDS,
        "`--rootdir`",
        "where the root is seen; it lies in layers",
    ),
    yes(WORDS, "`--uniqueext`"),
    yes(WORDS, "`--no-clean`"),
    yes(WORDS, "`--cleanup-after`"),
    yes(WORDS, "`--no-cleanup-after`"),
    yes(WORDS, "`--nocheck`"),
    yes(WORDS, "`--define`"),
    yes(WORDS, "`--with`"),
    yes(WORDS, "`--without`"),
    yes(WORDS, "`--macro-file`"),
    yes(WORDS, "`--arch`"),
    yes(WORDS, "`--target`"),
    yes(WORDS, "`--forcearch`"),
    yes(WORDS, "`--rpmbuild-opts`"),
    yes(WORDS, "`--rpmbuild_timeout`"),
    yes(WORDS, "`--short-circuit`"),
    yes(WORDS, "`--spec`"),
    yes(WORDS, "`--sources`"),
    yes(WORDS, "`--symlink-dereference`"),
    yes(WORDS, "`--postinstall`"),
    yes(WORDS, "`--addrepo`"),
    yes(WORDS, "`--enablerepo`"),
    yes(WORDS, "`--disablerepo`"),
    yes(WORDS, "`--additional-package`"),
    yes(WORDS, "`--enable-network`"),
    differs(WORDS, "`--isolation`", NAMESPACES),
    differs(WORDS, "`--old-chroot`", NAMESPACES),
    differs(WORDS, "`--new-chroot`", NAMESPACES),
    yes(WORDS, "`--offline`"),
    yes(WORDS, "`--unpriv`"),
    yes(WORDS, "`--cwd`"),
    yes(WORDS, "`--continue`"),
    yes(WORDS, "`--recurse`"),
    yes(WORDS, "`--localrepo`"),
    yes(WORDS, "`--tmp_prefix`"),
    differs(WORDS, "`--bootstrap-chroot`", OWN_RPM),
    differs(WORDS, "`--no-bootstrap-chroot`", OWN_RPM),
    differs(WORDS, "`--use-bootstrap-image`", OWN_RPM),
    differs(WORDS, "`--no-bootstrap-image`", OWN_RPM),
    no(
        WORDS,
        "`--buildroot-image`",
        "the chroot is installed; without a fallback in the configuration a run ends with 90",
    ),
    yes(WORDS, "`--enable-plugin`"),
    yes(WORDS, "`--disable-plugin`"),
    yes(WORDS, "`--plugin-option`"),
    yes(WORDS, "`--scm-enable`"),
    yes(WORDS, "`--scm-option`"),
    differs(
        WORDS,
        "`--dnf`",
        "one package manager, built in, in that one's words",
    ),
    differs(
        WORDS,
        "`--yum`",
        "one package manager, built in, in that one's words",
    ),
    differs(
        WORDS,
        "`--cache-alterations`",
        "a changed root is a layer of its own and is not packed",
    ),
    yes(WORDS, "`--verbose`"),
    yes(WORDS, "`--quiet`"),
    differs(
        WORDS,
        "`--trace`",
        "there are no calls of Python to be traced",
    ),
    yes(
        LOADING,
        "mock's order of files, and `~` from the password entry",
    ),
    differs(
        LOADING,
        "configuration is executed as Python",
        "it is read: literals, assignments, the calls that configurations and their generators use; what else stands in a file is an error that names its line",
    ),
    yes(
        LOADING,
        "a missing configuration ends with 3, with alternatives for retired names",
    ),
    yes(
        LOADING,
        "`include()` is textual, relative to the configuration's directory, once",
    ),
    differs(
        LOADING,
        "backslashes of included text are halved",
        "a defect of mock's; text stays as it is",
    ),
    yes(LOADING, "aliases of options (`yum.conf`, `dnf4_…`)"),
    yes(LOADING, "macros are checked, a missing `%` is added"),
    yes(
        LOADING,
        "command-line options come last and reach templates",
    ),
    yes(
        LOADING,
        "`cleanup_on_*` only with results outside of the chroot's directory",
    ),
    yes(
        LOADING,
        "architectures of the host, the target and the repositories; `forcearch` by itself",
    ),
    differs(
        LOADING,
        "`mockbuild.config.simple_load_config()`",
        "no Python module; `rpmkit config show --json` has the same",
    ),
    yes(
        TEMPLATES,
        "expanded when read, in texts, lists and tables, again until nothing changes",
    ),
    yes(
        TEMPLATES,
        "Python's way of printing; undefined names are empty",
    ),
    yes(
        TEMPLATES,
        "white space, `set`, `for`, macros and filters of the shipped configurations",
    ),
    yes(TEMPLATES, "`%(name)s` in directories, with a warning"),
    differs(
        PACKAGES,
        "dnf5, dnf4, yum and microdnf of host or bootstrap",
        "one that is built in decides as dnf does, and the target's own rpm installs",
    ),
    differs(
        PACKAGES,
        "fallbacks, a warning and a wait for Enter",
        "no program can be missing",
    ),
    yes(
        PACKAGES,
        "weak dependencies, `best`, excludes, priorities, modules, vendor changes of `dnf.conf`",
    ),
    yes(
        PACKAGES,
        "what it proposes and does is in root.log, and in `/var/log/dnf*.log` and `logfile` of the chroot",
    ),
    yes(
        PACKAGES,
        "what cannot be installed is named in dnf's words on standard error; exit 30",
    ),
    yes(PACKAGES, "attempts and their pauses"),
    differs(PACKAGES, "exit 120 without `builddep`", "it is there"),
    yes(
        PACKAGES,
        "`/etc/dnf/dnf.conf`, `yum.conf` and `/etc/dnf/vars` in the chroot; without passwords, which builds could read",
    ),
    yes(
        PACKAGES,
        "repositories in directories, mirror lists and metalinks of the host",
    ),
    yes(
        PACKAGES,
        "keys of `/etc/pki/mock` and distribution-gpg-keys",
    ),
    yes(PACKAGES, "versions of the package tools before a build"),
    yes(
        PACKAGES,
        "processes a scriptlet leaves are ended, with a warning each",
    ),
    differs(BOOTSTRAP, "a second chroot, `NAME-bootstrap`", OWN_RPM),
    differs(BOOTSTRAP, "an image for the bootstrap, by podman", OWN_RPM),
    differs(
        BOOTSTRAP,
        "`--nodeps` only without a bootstrap",
        "rpmbuild reads the root's own database, so requirements are checked by the root's rpm",
    ),
    no(
        BOOTSTRAP,
        "an image for the build chroot",
        "the chroot is installed; without a fallback in the configuration a run ends with 90",
    ),
    differs(CHROOT, "systemd-nspawn or plain chroot", NAMESPACES),
    yes(
        CHROOT,
        "no network unless `rpmbuild_networking`, also where mock's simple isolation has one",
    ),
    yes(CHROOT, "`/proc`, `/sys`, `/dev`, `/dev/pts`, `/dev/shm`"),
    differs(
        CHROOT,
        "loop devices and nodes of the host's hardware",
        "a container has no devices but those every program needs",
    ),
    yes(CHROOT, "directories and files of a new root"),
    yes(
        CHROOT,
        "`/etc/resolv.conf`, `/etc/hosts`, time zone, machine id",
    ),
    yes(
        CHROOT,
        "build user and group, made anew; accounts of the host",
    ),
    differs(
        CHROOT,
        "the build user's id is the caller's",
        "always the same one, so that layers do not depend on who builds; results belong to the caller",
    ),
    differs(
        CHROOT,
        "`.initialized`",
        "the store knows what a root is made of",
    ),
    yes(CHROOT, "personality of 32-bit targets"),
    yes(
        CHROOT,
        "emulation by qemu-user-static; 6 where it is missing",
    ),
    yes(BUILD, "clean, preparing, update of an old chroot"),
    yes(
        BUILD,
        "source package made again until its requirements are complete",
    ),
    yes(BUILD, "`%generate_buildrequires`, statuses 0 and 11"),
    yes(BUILD, "`more_buildreqs`, additional packages"),
    differs(
        BUILD,
        "`external:` requirements",
        "refused in mock's words: nothing outside of repositories is installed",
    ),
    yes(BUILD, "`bash --login -c rpmbuild …` with mock's words"),
    yes(
        BUILD,
        "`--noclean` where the chroot is kept and rpmbuild knows it",
    ),
    yes(BUILD, "packages are taken out as the caller's; none is 40"),
    differs(
        BUILD,
        "a failing command's status is mock's",
        "and the failure report names the cause",
    ),
    yes(RESULTS, "`state.log`, with states that balance"),
    yes(RESULTS, "`build.log`"),
    differs(
        RESULTS,
        "`root.log`",
        "file and line in front of each text are constants",
    ),
    yes(
        RESULTS,
        "`hw_info.log`, from the kernel instead of lscpu, free and df",
    ),
    yes(RESULTS, "`installed_pkgs.log`, `available_pkgs.log`"),
    yes(
        RESULTS,
        "logs are appended to, line by line while things happen",
    ),
    differs(
        RESULTS,
        "`logging.ini`",
        "the log files have mock's default formats; a missing file is no error",
    ),
    yes(RESULTS, "mock's exit codes: see exit-codes.md"),
    yes(SCM, "`method`: git, svn, cvs, distgit"),
    yes(SCM, "`package`, `branch`, `spec`"),
    yes(
        SCM,
        "`git_get`, `svn_get`, `cvs_get`, `distgit_get`, `distgit_src_get`",
    ),
    yes(SCM, "`int_src_dir`, `ext_src_dir`"),
    yes(SCM, "`write_tar`, `exclude_vcs`, `git_timestamps`"),
    yes(
        CHAIN,
        "repository below `results/NAME`, made again after each success",
    ),
    yes(CHAIN, "a directory a package, with `success` or `fail`"),
    yes(CHAIN, "order, `--continue`, `--recurse`, exit 4"),
    differs(
        CHAIN,
        "parallel chains of one configuration share a chroot",
        "the second one builds in an ephemeral copy",
    ),
    yes(
        STATE,
        "`--scrub` of `chroot`, `cache`, `root-cache`, `c-cache`, `yum-cache`, `dnf-cache`, `bootstrap`, `all`, `overlayfs`",
    ),
    differs(STATE, "`--scrub=lvm`", "there are no volumes"),
    yes(
        STATE,
        "snapshots of the overlayfs plugin: names, `postinit`, lists, going back",
    ),
    differs(
        STATE,
        "layout of `base_dir`",
        "layers have a format of our own",
    ),
    differs(
        STATE,
        "a crash leaves locks behind",
        "locks are the kernel's",
    ),
    yes(HERMETIC, "`buildroot_lock.json`, schema 1.1.0"),
    yes(HERMETIC, "`mock-hermetic-repo`"),
    differs(
        HERMETIC,
        "a pinned image of the bootstrap",
        "the target's own rpm is among the packages",
    ),
    differs(
        HOOKS,
        "Python plugins of one's own",
        "programs named in the option `hooks`; `mock-plugin.py` runs what was written for mock",
    ),
    yes(HOOKS, "mock's hook points, in its order: see plugins.md"),
    differs(
        SYSTEM,
        "consolehelper, sudo, the group `mock`",
        "no right is needed: namespaces of the caller's, or real root's",
    ),
    differs(
        SYSTEM,
        "root is refused without a wrapper",
        "root may call it; results go to `SUDO_UID` or the owner of the directory",
    ),
    yes(SYSTEM, "a chroot in use: 60 where it would be deleted"),
    differs(
        SYSTEM,
        "a second build waits or shares the root",
        "it builds in an ephemeral copy",
    ),
    differs(
        SYSTEM,
        "locks of caches",
        "caches are written by rename and need none",
    ),
    yes(
        SYSTEM,
        "SIGTERM, SIGHUP, SIGPIPE: 128 and the signal; Ctrl-C: 7",
    ),
    yes(SYSTEM, "time-outs: the whole group, 11"),
    yes(SYSTEM, "`rmtree` never leaves the chroot"),
    yes(OTHERS, "`mockchain`"),
    yes(OTHERS, "`mock-parse-buildlog`"),
    yes(OTHERS, "man pages and completions under mock's names"),
    no(
        OTHERS,
        "`mock.cheat`, PAM and consolehelper files",
        "there is nothing to set up",
    ),
];
