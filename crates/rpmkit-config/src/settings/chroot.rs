//! What a chroot is called, where it lies, what is in it and who works in it.

use std::path::PathBuf;

use super::{ConfigError, Value, read::SettingsReader};
use crate::{Config, HostUser, Origin};

/// The chroot and its build user.
#[derive(Debug, Clone)]
pub struct ChrootSettings {
    /// Name of the definition, such as `fedora-43-x86_64`.
    pub chroot_name: String,
    /// Name of the chroot's directory, with the unique extension if there is one.
    pub root: String,
    /// The same without the extension: what is shared between parallel builds.
    pub shared_root: String,
    /// `unique-ext`, or nothing.
    pub uniqueext: Option<String>,
    /// Architecture built for.
    pub target_arch: String,
    /// Foreign architecture to be emulated.
    pub forcearch: Option<String>,
    /// Architecture names for user-mode emulators.
    pub qemu_user_static_mapping: Vec<(String, String)>,

    /// Top of the chroots.
    pub basedir: PathBuf,
    /// The chroot's root.
    pub rootdir: PathBuf,
    /// Top of the caches.
    pub cache_topdir: PathBuf,

    /// Words of the set-up command, such as `install`, `@buildsys-build`.
    pub chroot_setup_cmd: Vec<String>,
    /// Added to the minimal buildroot.
    pub chroot_additional_packages: Vec<String>,

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
    /// Environment of everything in the chroot, proxies included.
    pub environment: Vec<(String, String)>,
    /// Directories of a new chroot.
    pub extra_chroot_dirs: Vec<String>,
    /// Files of a new chroot: path without the leading slash, and text.
    pub files: Vec<(String, String)>,
    /// Accounts of the host that are made in the chroot, too; nothing for a name the host does not have.
    pub accounts: Vec<(String, Option<HostUser>)>,
    /// Where the host's bundle of certificates is copied to.
    pub ca_bundle: Option<String>,
    /// Directories of the host's certificates, and where in the chroot they are copied to; only what was set.
    pub ca_trust_dirs: Vec<(String, String)>,
    /// Host name inside.
    pub hostname: Option<String>,

    /// Copy the host's resolver.
    pub use_host_resolv: bool,
    /// No root shells.
    pub no_root_shells: bool,
}

impl ChrootSettings {
    /// `r` renders with the chroot's plain name, `places` with the one the unique extension is part of.
    pub(super) fn new(
        config: &Config,
        r: &SettingsReader<'_>,
        places: &SettingsReader<'_>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            chroot_name: r.text("chroot_name")?,
            root: places.required("root")?,
            shared_root: r.required("root")?,
            uniqueext: r.unique_extension()?,
            target_arch: r.text("target_arch")?,
            forcearch: r.optional("forcearch")?,
            qemu_user_static_mapping: r.pairs("qemu_user_static_mapping")?,

            basedir: places.text("basedir")?.into(),
            rootdir: places.text("rootdir")?.into(),
            cache_topdir: places.text("cache_topdir")?.into(),

            chroot_setup_cmd: r.words("chroot_setup_cmd")?,
            chroot_additional_packages: r.words("chroot_additional_packages")?,

            chroothome: r.text("chroothome")?,
            chrootuid: r.number("chrootuid")?,
            chrootgid: match r.option("chrootgid")? {
                None | Some(Value::None) => r.number("chrootuid")?,
                Some(_) => r.number("chrootgid")?,
            },
            chrootuser: r.text("chrootuser")?,
            chrootgroup: r.text("chrootgroup")?,
            environment: r.environment()?,
            extra_chroot_dirs: r.words("extra_chroot_dirs")?,
            files: r.pairs("files")?,
            accounts: accounts(config, r)?,
            ca_bundle: r
                .optional("ssl_ca_bundle_path")?
                .filter(|path| !path.is_empty()),
            ca_trust_dirs: ca_trust_dirs(config, r)?,
            hostname: r.optional("hostname")?.filter(|name| !name.is_empty()),

            use_host_resolv: r.flag("use_host_resolv")?,
            no_root_shells: r.flag("no_root_shells")?,
        })
    }
}

/// `ssl_copied_ca_trust_dirs`, where somebody has set it: mock's default would make every root depend on the
/// certificates of the host it was made on.
fn ca_trust_dirs(
    config: &Config,
    r: &SettingsReader<'_>,
) -> Result<Vec<(String, String)>, ConfigError> {
    const NAME: &str = "ssl_copied_ca_trust_dirs";
    let dirs = r.two_each(NAME)?;
    let by_default = matches!(config.origins().get(&[NAME]), Origin::Default);
    Ok(if by_default { Vec::new() } else { dirs })
}

/// `copy_host_users`, looked up.
fn accounts(
    config: &Config,
    r: &SettingsReader<'_>,
) -> Result<Vec<(String, Option<HostUser>)>, ConfigError> {
    let find = |name: String| {
        let user = config.host().users.get(&name).cloned();
        (name, user)
    };
    Ok(r.words("copy_host_users")?.into_iter().map(find).collect())
}
