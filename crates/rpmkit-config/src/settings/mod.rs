//! The options the build pipeline reads, with their types decided once.

mod overlayfs;
mod plugins;
mod read;

use std::{path::PathBuf, time::Duration};

use super::{Config, ConfigError, Dict, Value};
use read::SettingsReader;

pub use overlayfs::Overlayfs;
pub use plugins::Plugins;

/// How the chroot is kept apart from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Whatever works here.
    Auto,
    /// Plain namespaces.
    Simple,
    /// Through systemd-nspawn.
    Nspawn,
}

/// A typed, immutable view of one configuration, templates expanded.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the definition, such as `fedora-43-x86_64`.
    pub chroot_name: String,
    /// The definition's own file.
    pub config_file: PathBuf,
    /// Name of the chroot's directory, with the unique extension if there is one.
    pub root: String,
    /// The same without the extension: what is shared between parallel builds.
    pub shared_root: String,
    /// `unique-ext`, or nothing.
    pub uniqueext: Option<String>,
    /// A line for people.
    pub description: String,
    /// Distribution tag.
    pub dist: String,
    /// Release for `$releasever`.
    pub releasever: Option<String>,

    /// Architecture built for.
    pub target_arch: String,
    /// `rpmbuild --target`.
    pub rpmbuild_arch: String,
    /// Architecture for `$basearch`.
    pub repo_arch: String,
    /// The host's architecture.
    pub host_arch: String,
    /// Architectures that can run the target natively; empty when the definition does not say.
    pub legal_host_arches: Vec<String>,
    /// Foreign architecture to be emulated.
    pub forcearch: Option<String>,
    /// Architecture names for user-mode emulators.
    pub qemu_user_static_mapping: Vec<(String, String)>,

    /// Top of the chroots.
    pub basedir: PathBuf,
    /// The chroot's root.
    pub rootdir: PathBuf,
    /// Results.
    pub resultdir: PathBuf,
    /// Whether the result directory was chosen on the command line.
    pub resultdir_given: bool,
    /// Top of the caches.
    pub cache_topdir: PathBuf,
    /// Keep packages of a cleaned result directory.
    pub backup_on_clean: bool,
    /// Where to.
    pub backup_base_dir: PathBuf,

    /// The text of `dnf.conf`.
    pub dnf_conf: String,
    /// Variables for repository addresses.
    pub dnf_vars: Vec<(String, String)>,
    /// `dnf`, `dnf5`, `yum` or `microdnf`.
    pub package_manager: String,
    /// Tries per package manager call.
    pub package_manager_max_attempts: u32,
    /// Pause between tries.
    pub package_manager_attempt_delay: Duration,
    /// Words of the set-up command, such as `install`, `@buildsys-build`.
    pub chroot_setup_cmd: Vec<String>,
    /// Added to the minimal buildroot.
    pub chroot_additional_packages: Vec<String>,
    /// Installed before build requirements, from the command line.
    pub additional_packages: Vec<String>,
    /// Pairs of a module action and its module specs.
    pub module_setup_commands: Vec<(String, String)>,
    /// Repositories switched on and off by the command line: `--enablerepo`/`--disablerepo` and a name.
    pub enable_disable_repos: Vec<String>,
    /// How downloads name themselves.
    pub user_agent: String,
    /// Whether metadata may be refreshed.
    pub online: bool,
    /// Update an existing chroot before a build.
    pub update_before_build: bool,
    /// Prepare the target's own tools first.
    pub use_bootstrap: bool,

    /// Build user's home in the chroot.
    pub chroothome: String,
    /// Build user's id.
    pub chrootuid: u32,
    /// Build group's id.
    pub chrootgid: u32,
    /// Build user.
    pub chrootuser: String,
    /// Build group.
    pub chrootgroup: String,
    /// Host users to copy.
    pub copy_host_users: Vec<String>,
    /// Environment of everything in the chroot, proxies included.
    pub environment: Vec<(String, String)>,
    /// Directories of a new chroot.
    pub extra_chroot_dirs: Vec<String>,
    /// Files of a new chroot: path without the leading slash, and text.
    pub files: Vec<(String, String)>,
    /// Macros; `None` as value means the macro is taken away.
    pub macros: Vec<(String, Option<String>)>,
    /// File of further macros.
    pub macrofile: Option<PathBuf>,
    /// Host name inside.
    pub hostname: Option<String>,

    /// Start from a clean chroot.
    pub clean: bool,
    /// Run `%check`.
    pub check: bool,
    /// Install results afterwards.
    pub post_install: bool,
    /// Remove the chroot after success.
    pub cleanup_on_success: bool,
    /// Remove the chroot after failure.
    pub cleanup_on_failure: bool,
    /// What survives in the build home.
    pub exclude_from_homedir_cleanup: Vec<String>,
    /// Limit per rpmbuild call; none when zero.
    pub rpmbuild_timeout: Option<Duration>,
    /// The rpmbuild program.
    pub rpmbuild_command: String,
    /// Further words for rpmbuild, as written.
    pub rpmbuild_opts: String,
    /// Stage to start at.
    pub short_circuit: Option<String>,
    /// Honour `%generate_buildrequires`.
    pub dynamic_buildrequires: bool,
    /// Rounds of it at most.
    pub dynamic_buildrequires_max_loops: u32,
    /// Rounds of static requirements at most.
    pub static_buildrequires_max_loops: u32,
    /// Requirements such as `external:pypi:x`.
    pub external_buildrequires: bool,
    /// Extra requirements by N-V-R, N-V or N.
    pub more_buildreqs: Vec<(String, Vec<String>)>,
    /// Make a repository of results.
    pub createrepo_on_rpms: bool,
    /// With this command.
    pub createrepo_command: String,
    /// Stop before rpmbuild and record the buildroot.
    pub calculatedeps: bool,

    /// Isolation wanted.
    pub isolation: Isolation,
    /// Give the build a network.
    pub rpmbuild_networking: bool,
    /// Copy the host's resolver.
    pub use_host_resolv: bool,
    /// Words for systemd-nspawn.
    pub nspawn_args: Vec<String>,
    /// Make device nodes.
    pub internal_dev_setup: bool,
    /// Number of loop devices.
    pub dev_loop_count: u32,
    /// No root shells.
    pub no_root_shells: bool,
    /// Certificate bundle for the chroot.
    pub ssl_ca_bundle_path: Option<String>,
    /// Pairs of host and chroot directories of certificates.
    pub ssl_copied_ca_trust_dirs: Vec<(String, String)>,

    /// Show the main output.
    pub print_main_output: bool,
    /// Prefix of standard error in logs.
    pub stderr_line_prefix: String,

    /// Use version control.
    pub scm: bool,
    /// `scm_opts`; values as text, `None` where Python has it.
    pub scm_opts: Vec<(String, Option<String>)>,
    /// Plugins and their options.
    pub plugins: Plugins,
    /// Where snapshots lie.
    pub overlayfs: Overlayfs,
    /// Everything, expanded, for what has no field here.
    pub all: Dict,
}

impl Settings {
    /// Reads the view out of a configuration. Fails on the first option that cannot be expanded or
    /// has a value of the wrong kind.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let r = SettingsReader::new(config);
        let shared_root = r.required("root")?;
        let uniqueext = r.optional("unique-ext")?.filter(|ext| !ext.is_empty());
        let root = match &uniqueext {
            Some(ext) => format!("{shared_root}-{ext}"),
            None => shared_root.clone(),
        };
        // Paths are rendered with the extended name, as mock changes `root` before it reads them.
        let places = match &uniqueext {
            Some(_) => config.with("root", root.as_str().into()),
            None => config.clone(),
        };
        let p = SettingsReader::new(&places);
        let plugins = Plugins::new(
            p.option("plugin_conf")?.unwrap_or_default(),
            &p.words("plugins")?,
        );
        let target_arch = r.text("target_arch")?;
        let repo_arch = match r.optional("repo_arch")?.filter(|arch| !arch.is_empty()) {
            Some(arch) => arch,
            None => r
                .pairs("repo_arch_map")?
                .into_iter()
                .find(|(from, _)| *from == target_arch)
                .map_or_else(|| target_arch.clone(), |(_, to)| to),
        };
        Ok(Self {
            chroot_name: r.text("chroot_name")?,
            config_file: r.text("config_file")?.into(),
            root,
            shared_root,
            uniqueext,
            description: r.text("description")?,
            dist: r.text("dist")?,
            releasever: r.optional("releasever")?,

            rpmbuild_arch: r
                .optional("rpmbuild_arch")?
                .unwrap_or_else(|| target_arch.clone()),
            repo_arch,
            host_arch: r.text("host_arch")?,
            legal_host_arches: r.words("legal_host_arches")?,
            forcearch: r.optional("forcearch")?,
            qemu_user_static_mapping: r.pairs("qemu_user_static_mapping")?,
            target_arch,

            basedir: p.text("basedir")?.into(),
            rootdir: p.text("rootdir")?.into(),
            resultdir: p.percent("resultdir")?.into(),
            resultdir_given: matches!(
                config.origins().get(&["resultdir"]),
                super::Origin::CommandLine(_)
            ),
            cache_topdir: p.text("cache_topdir")?.into(),
            backup_on_clean: r.flag("backup_on_clean")?,
            backup_base_dir: p.text("backup_base_dir")?.into(),

            dnf_conf: r.text("dnf.conf")?,
            dnf_vars: r.pairs("dnf_vars")?,
            package_manager: r.text("package_manager")?,
            package_manager_max_attempts: r.number("package_manager_max_attempts")?,
            package_manager_attempt_delay: r.seconds("package_manager_attempt_delay")?,
            chroot_setup_cmd: r.words("chroot_setup_cmd")?,
            chroot_additional_packages: r.words("chroot_additional_packages")?,
            additional_packages: r.words("additional_packages")?,
            module_setup_commands: r.modules()?,
            enable_disable_repos: r.words("enable_disable_repos")?,
            user_agent: r.text("user_agent")?,
            online: r.flag("online")?,
            update_before_build: r.flag("update_before_build")?,
            use_bootstrap: r.flag("use_bootstrap")?,

            chroothome: r.text("chroothome")?,
            chrootuid: r.number("chrootuid")?,
            chrootgid: match r.option("chrootgid")? {
                None | Some(Value::None) => r.number("chrootuid")?,
                Some(_) => r.number("chrootgid")?,
            },
            chrootuser: r.text("chrootuser")?,
            chrootgroup: r.text("chrootgroup")?,
            copy_host_users: r.words("copy_host_users")?,
            environment: r.environment(config)?,
            extra_chroot_dirs: r.words("extra_chroot_dirs")?,
            files: r.pairs("files")?,
            macros: r.nullable_pairs("macros")?,
            macrofile: r.optional("macrofile")?.map(Into::into),
            hostname: r.optional("hostname")?.filter(|name| !name.is_empty()),

            clean: r.flag("clean")?,
            check: r.flag("check")?,
            post_install: r.flag("post_install")?,
            cleanup_on_success: r.flag("cleanup_on_success")?,
            cleanup_on_failure: r.flag("cleanup_on_failure")?,
            exclude_from_homedir_cleanup: r.words("exclude_from_homedir_cleanup")?,
            rpmbuild_timeout: Some(r.seconds("rpmbuild_timeout")?).filter(|limit| !limit.is_zero()),
            rpmbuild_command: r.text("rpmbuild_command")?,
            rpmbuild_opts: r.text("rpmbuild_opts")?,
            short_circuit: r.optional("short_circuit")?,
            dynamic_buildrequires: r.flag("dynamic_buildrequires")?,
            dynamic_buildrequires_max_loops: r.number("dynamic_buildrequires_max_loops")?,
            static_buildrequires_max_loops: r.number("static_buildrequires_max_loops")?,
            external_buildrequires: r.flag("external_buildrequires")?,
            more_buildreqs: r.lists("more_buildreqs")?,
            createrepo_on_rpms: r.flag("createrepo_on_rpms")?,
            createrepo_command: r.text("createrepo_command")?,
            calculatedeps: r.flag("calculatedeps")?,

            isolation: r.isolation()?,
            rpmbuild_networking: r.flag("rpmbuild_networking")?,
            use_host_resolv: r.flag("use_host_resolv")?,
            nspawn_args: r.words("nspawn_args")?,
            internal_dev_setup: r.flag("internal_dev_setup")?,
            dev_loop_count: r.number("dev_loop_count")?,
            no_root_shells: r.flag("no_root_shells")?,
            ssl_ca_bundle_path: r.optional("ssl_ca_bundle_path")?,
            ssl_copied_ca_trust_dirs: r.two_each("ssl_copied_ca_trust_dirs")?,

            print_main_output: r.flag("print_main_output")?,
            stderr_line_prefix: r.text("stderr_line_prefix")?,

            scm: r.flag("scm")?,
            scm_opts: r.nullable_pairs("scm_opts")?,
            overlayfs: Overlayfs::new(config, &plugins),
            plugins,
            all: p.everything(),
        })
    }
}
