//! The table of mock's command line: every option mock's parser has, in its order.

use rpmkit_cli::Verbosity;

use super::options::{Options, PackageManager, RepoSwitch, ScrubTarget, ShortCircuitFlag};
use crate::mode::Word;

/// One option and its spellings.
pub struct OptionEntry {
    /// With their dashes; mock's order, which its error messages show.
    pub names: &'static [&'static str],
    /// What it takes and does.
    pub kind: FlagKind,
    /// For help and man page.
    pub help: &'static str,
}

/// What an option takes and does.
pub enum FlagKind {
    /// Prints help and ends.
    Help,
    /// Prints the version and ends.
    Version,
    /// Selects a mode; the last one wins.
    Mode(Word),
    /// Takes nothing.
    Flag(fn(&mut Options)),
    /// Takes one text.
    Value(&'static str, fn(&mut Options, String)),
    /// Takes one of some words.
    Choice(
        &'static str,
        &'static [&'static str],
        fn(&mut Options, &str),
    ),
    /// Takes a whole number.
    Int(&'static str, fn(&mut Options, i64)),
    /// Takes two texts.
    Pair([&'static str; 2], fn(&mut Options, String, String)),
}

const fn entry(names: &'static [&'static str], kind: FlagKind, help: &'static str) -> OptionEntry {
    OptionEntry { names, kind, help }
}

use FlagKind::{Choice, Flag, Help, Int, Mode, Pair, Value, Version};

/// The whole table.
pub static ENTRIES: &[OptionEntry] = &[
    entry(&["-h", "--help"], Help, "Show this help and exit"),
    entry(&["--version"], Version, "Show the version and exit"),
    // Modes.
    entry(
        &["--rebuild"],
        Mode(Word::Rebuild),
        "Rebuild source packages (the default)",
    ),
    entry(
        &["--calculate-build-dependencies"],
        Mode(Word::CalculateDeps),
        "Install static and dynamic build dependencies and record them, but do not build",
    ),
    entry(
        &["--chain"],
        Mode(Word::Chain),
        "Build several source packages, each with the results of those before it",
    ),
    entry(
        &["--buildsrpm"],
        Mode(Word::BuildSrpm),
        "Build a source package from --spec and --sources, or from version control",
    ),
    entry(
        &["--debug-config"],
        Mode(Word::DebugConfig),
        "Print all options of the configuration",
    ),
    entry(
        &["--debug-config-expanded"],
        Mode(Word::DebugConfigExpanded),
        "Print all options of the configuration with templates expanded",
    ),
    entry(
        &["--shell"],
        Mode(Word::Shell),
        "Run a command in the chroot, or an interactive shell",
    ),
    entry(
        &["--chroot"],
        Mode(Word::Chroot),
        "Run a command in the chroot without a terminal",
    ),
    entry(&["--clean"], Mode(Word::Clean), "Remove the chroot"),
    entry(
        &["--scrub"],
        Choice("WHAT", ScrubTarget::NAMES, |o, v| {
            o.scrub.extend(ScrubTarget::named(v))
        }),
        "Remove the chroot, the bootstrap chroot, caches, or all of them; may be repeated",
    ),
    entry(
        &["--scrub-all-chroots"],
        Mode(Word::ScrubAllChroots),
        "Scrub every chroot that seems to have been used",
    ),
    entry(
        &["--init"],
        Mode(Word::Init),
        "Prepare the chroot, build nothing",
    ),
    entry(
        &["--installdeps"],
        Mode(Word::InstallDeps),
        "Install the build dependencies of a source package or spec",
    ),
    entry(
        &["-i", "--install"],
        Mode(Word::Install),
        "Install packages into the chroot",
    ),
    entry(
        &["--list-chroots"],
        Mode(Word::ListChroots),
        "List all configurations",
    ),
    entry(
        &["--update"],
        Mode(Word::Update),
        "Update packages in the chroot",
    ),
    entry(
        &["--remove"],
        Mode(Word::Remove),
        "Remove packages from the chroot",
    ),
    entry(
        &["--orphanskill"],
        Mode(Word::OrphansKill),
        "Kill what still runs in the chroot",
    ),
    entry(
        &["--copyin"],
        Mode(Word::CopyIn),
        "Copy files into the chroot: SOURCE… DESTINATION",
    ),
    entry(
        &["--copyout"],
        Mode(Word::CopyOut),
        "Copy files out of the chroot: SOURCE… DESTINATION",
    ),
    entry(
        &["--pm-cmd"],
        Mode(Word::PmCmd),
        "Run the package manager with these words",
    ),
    entry(
        &["--yum-cmd"],
        Mode(Word::YumCmd),
        "Run yum with these words",
    ),
    entry(
        &["--dnf-cmd"],
        Mode(Word::DnfCmd),
        "Run dnf with these words",
    ),
    entry(
        &["--snapshot"],
        Mode(Word::Snapshot),
        "Name the chroot's present state",
    ),
    entry(
        &["--remove-snapshot"],
        Mode(Word::RemoveSnapshot),
        "Remove a snapshot",
    ),
    entry(
        &["--rollback-to"],
        Mode(Word::RollbackTo),
        "Go back to a snapshot",
    ),
    entry(&["--umount"], Mode(Word::Umount), "Unmount the chroot"),
    entry(
        &["--mount"],
        Mode(Word::Mount),
        "Mount the chroot and leave it mounted",
    ),
    // Chain.
    entry(
        &["--localrepo"],
        Value("DIR", |o, v| o.localrepo = Some(v)),
        "Repository for the results of --chain",
    ),
    entry(
        &["-c", "--continue"],
        Flag(|o| o.keep_going = true),
        "Go on with the next package of a chain when one fails",
    ),
    entry(
        &["-a", "--addrepo"],
        Value("REPO", |o, v| o.addrepo.push(v)),
        "Add a repository by URL or directory; may be repeated",
    ),
    entry(
        &["--recurse"],
        Flag(|o| o.recurse = true),
        "Try failed packages of a chain again after the others",
    ),
    entry(
        &["--tmp_prefix"],
        Value("PREFIX", |o, v| o.tmp_prefix = Some(v)),
        "Prefix of the directory a chain makes",
    ),
    // Options.
    entry(
        &["-r", "--root"],
        Value("CONFIG", |o, v| o.root = Some(v)),
        "Configuration: a name, or a path when it ends in .cfg [default: default]",
    ),
    entry(
        &["--offline"],
        Flag(|o| o.offline = true),
        "Use no network for packages",
    ),
    entry(
        &["-n", "--no-clean"],
        Flag(|o| o.no_clean = true),
        "Do not clean the chroot before building",
    ),
    entry(
        &["--cleanup-after"],
        Flag(|o| o.cleanup_after = Some(true)),
        "Clean the chroot after building",
    ),
    entry(
        &["-N", "--no-cleanup-after"],
        Flag(|o| o.cleanup_after = Some(false)),
        "Keep the chroot after building",
    ),
    entry(
        &["--cache-alterations"],
        Flag(|o| o.cache_alterations = true),
        "Keep changes to the chroot in the cached root",
    ),
    entry(
        &["--nocheck"],
        Flag(|o| o.nocheck = true),
        "Do not run %check",
    ),
    entry(
        &["--arch"],
        Value("ARCH", |o, v| o.arch = Some(v)),
        "Architecture programs in the chroot see",
    ),
    entry(
        &["--forcearch"],
        Value("ARCH", |o, v| o.forcearch = Some(v)),
        "Architecture packages are installed for, through emulation",
    ),
    entry(
        &["--target"],
        Value("ARCH", |o, v| o.target = Some(v)),
        "Architecture rpmbuild builds for",
    ),
    entry(
        &["-D", "--define"],
        Value("MACRO EXPR", |o, v| o.define.push(v)),
        "Define an RPM macro; may be repeated",
    ),
    entry(
        &["--macro-file"],
        Value("FILE", |o, v| o.macro_file = Some(v)),
        "Take RPM macros from a file",
    ),
    entry(
        &["--with"],
        Value("OPTION", |o, v| o.with.push(v)),
        "Enable a build condition; may be repeated",
    ),
    entry(
        &["--without"],
        Value("OPTION", |o, v| o.without.push(v)),
        "Disable a build condition; may be repeated",
    ),
    entry(
        &["--resultdir"],
        Value("DIR", |o, v| o.resultdir = Some(v)),
        "Where packages and logs go",
    ),
    entry(
        &["--rootdir"],
        Value("DIR", |o, v| o.rootdir = Some(v)),
        "Where the chroot is made",
    ),
    entry(
        &["--uniqueext"],
        Value("TEXT", |o, v| o.uniqueext = Some(v)),
        "Use a separate chroot with this added to its name",
    ),
    entry(
        &["--configdir"],
        Value("DIR", |o, v| o.configdir = Some(v)),
        "Where configurations are",
    ),
    entry(
        &["--config-opts"],
        Value("KEY=VALUE", |o, v| o.config_opts.push(v)),
        "Override an option of the configuration; may be repeated",
    ),
    entry(
        &["--rpmbuild_timeout"],
        Int("SECONDS", |o, v| o.rpmbuild_timeout = Some(v)),
        "Stop rpmbuild after this many seconds; 0 is never",
    ),
    entry(
        &["--unpriv"],
        Flag(|o| o.unpriv = true),
        "Run the command of --chroot or --shell as the build user",
    ),
    entry(
        &["--cwd"],
        Value("DIR", |o, v| o.cwd = Some(v)),
        "Directory in the chroot to run the command in",
    ),
    entry(
        &["--spec"],
        Value("FILE", |o, v| o.spec = Some(v)),
        "Spec to build a source package from",
    ),
    entry(
        &["--sources"],
        Value("PATH", |o, v| o.sources = Some(v)),
        "Directory of sources, or a single file, for the source package",
    ),
    entry(
        &["--symlink-dereference"],
        Flag(|o| o.symlink_dereference = true),
        "Follow symbolic links among the sources",
    ),
    entry(
        &["--short-circuit"],
        Choice("STAGE", ShortCircuitFlag::NAMES, |o, v| {
            o.short_circuit = ShortCircuitFlag::named(v)
        }),
        "Enter rpmbuild at a stage; the packages are not for use; implies --no-clean",
    ),
    entry(
        &["--rpmbuild-opts"],
        Value("OPTIONS", |o, v| o.rpmbuild_opts = Some(v)),
        "More options for rpmbuild",
    ),
    entry(
        &["--enablerepo"],
        Value("REPO", |o, v| o.repo_switches.push((RepoSwitch::Enable, v))),
        "Enable a repository; may be repeated",
    ),
    entry(
        &["--disablerepo"],
        Value("REPO", |o, v| {
            o.repo_switches.push((RepoSwitch::Disable, v))
        }),
        "Disable a repository; may be repeated",
    ),
    entry(
        &["--old-chroot"],
        Flag(|o| o.old_chroot = true),
        "Old form of --isolation=simple",
    ),
    entry(
        &["--new-chroot"],
        Flag(|o| o.new_chroot = true),
        "Old form of --isolation=nspawn",
    ),
    entry(
        &["--isolation"],
        Value("LEVEL", |o, v| o.isolation = Some(v)),
        "auto, simple or nspawn",
    ),
    entry(
        &["--enable-network"],
        Flag(|o| o.enable_network = true),
        "Give the build a network",
    ),
    entry(
        &["--postinstall"],
        Flag(|o| o.postinstall = true),
        "Install the built packages into the chroot",
    ),
    entry(
        &["-v", "--verbose"],
        Flag(|o| o.verbosity = Verbosity::Verbose),
        "Say more",
    ),
    entry(
        &["-q", "--quiet"],
        Flag(|o| o.verbosity = Verbosity::Quiet),
        "Say only warnings and errors",
    ),
    entry(
        &["--trace"],
        Flag(|o| o.trace = true),
        "Trace internal calls (accepted, without effect)",
    ),
    entry(
        &["--enable-plugin"],
        Value("PLUGIN", |o, v| o.enable_plugin.push(v)),
        "Enable a plugin; may be repeated",
    ),
    entry(
        &["--disable-plugin"],
        Value("PLUGIN", |o, v| o.disable_plugin.push(v)),
        "Disable a plugin; may be repeated",
    ),
    entry(
        &["--plugin-option"],
        Value("PLUGIN:KEY=VALUE", |o, v| o.plugin_option.push(v)),
        "Set an option of a plugin; may be repeated",
    ),
    entry(
        &["-p", "--print-root-path"],
        Flag(|o| o.print_root_path = true),
        "Print the path of the chroot's root",
    ),
    entry(
        &["-l", "--list-snapshots"],
        Flag(|o| o.list_snapshots = true),
        "List snapshots",
    ),
    entry(
        &["--scm-enable"],
        Flag(|o| o.scm_enable = true),
        "Take the sources from version control",
    ),
    entry(
        &["--scm-option"],
        Value("KEY=VALUE", |o, v| o.scm_option.push(v)),
        "Set an option on version control; may be repeated",
    ),
    entry(
        &["--yum"],
        Flag(|o| o.package_manager = Some(PackageManager::Yum)),
        "Use yum as package manager",
    ),
    entry(
        &["--dnf"],
        Flag(|o| o.package_manager = Some(PackageManager::Dnf)),
        "Use dnf as package manager",
    ),
    entry(
        &["--bootstrap-chroot"],
        Flag(|o| o.bootstrap_chroot = Some(true)),
        "Install the chroot with the target's own package manager, from a bootstrap chroot",
    ),
    entry(
        &["--no-bootstrap-chroot"],
        Flag(|o| o.bootstrap_chroot = Some(false)),
        "Install the chroot without a bootstrap chroot",
    ),
    entry(
        &["--use-bootstrap-image"],
        Flag(|o| o.bootstrap_image = Some(true)),
        "Make the bootstrap chroot from a container image; turns --bootstrap-chroot on",
    ),
    entry(
        &["--no-bootstrap-image"],
        Flag(|o| o.bootstrap_image = Some(false)),
        "Make the bootstrap chroot without an image",
    ),
    entry(
        &["--buildroot-image"],
        Value("IMAGE", |o, v| o.buildroot_image = Some(v)),
        "Start the chroot from an OCI image: a reference, or a file",
    ),
    entry(
        &["--additional-package"],
        Value("PACKAGE", |o, v| o.additional_package.push(v)),
        "Install this too before building; may be repeated",
    ),
    entry(
        &["--hermetic-build"],
        Pair(["LOCKFILE", "REPO"], |o, a, b| {
            o.hermetic_build = Some((a, b))
        }),
        "Build offline from a lock file and the repository made for it",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_a_row_in_the_page_about_mock() {
        let rows = rpmkit_core::config::options::FEATURES;
        for entry in ENTRIES {
            let told = |name: &&str| {
                let quoted = format!("`{name}`");
                rows.iter().any(|row| row.what.contains(&quoted))
            };
            let long: Vec<&&str> = entry.names.iter().filter(|n| n.starts_with("--")).collect();
            assert!(long.iter().any(|name| told(name)), "{:?}", entry.names);
        }
    }
}
