//! mock's plugins that take part in a build: a file each, behind one trait. They are called in mock's
//! order at mock's points of a build. Plugins that are settings of the chroot (mounts, caches) are read
//! where those are made; what no code here answers for is reported when a configuration switches it on.

mod available;
mod buildroot_lock;
pub(super) mod ccache;
mod chroot_scan;
mod compress_logs;
mod expand_spec;
mod installed;
pub(super) mod mounts;
mod reports;
mod sign;

pub use compress_logs::compress_logs;

use std::path::PathBuf;

use super::{BuildError, Buildroot, Built, Rebuild};
use rpmkit_fs::WriteOptions;
use rpmkit_types::ChrootPath;

/// Something that watches a build. Each method is one of mock's hooks and does nothing unless a plugin
/// says otherwise; an error ends the build.
trait Plugin: Sync {
    /// mock's name of it.
    fn name(&self) -> &'static str;

    /// Static requirements are installed, rpmbuild comes next.
    fn prebuild(&self, _: &mut Buildroot, _: &Rebuild) -> Result<(), BuildError> {
        Ok(())
    }

    /// All requirements are installed.
    fn postdeps(
        &self,
        _: &mut Buildroot,
        _: &Rebuild,
        _spec: &ChrootPath,
    ) -> Result<(), BuildError> {
        Ok(())
    }

    /// The build is over, for better or (without `built`) for worse.
    fn postbuild(
        &self,
        _: &mut Buildroot,
        _: &Rebuild,
        _built: Option<&Built>,
    ) -> Result<(), BuildError> {
        Ok(())
    }
}

/// In mock's order of calling.
static ALL: &[&dyn Plugin] = &[
    &ccache::Ccache,
    &installed::Installed,
    &available::AvailablePackages,
    &chroot_scan::ChrootScan,
    &sign::Sign,
    &reports::PROCENV,
    &reports::SHOWRC,
    &buildroot_lock::BuildrootLock,
    &expand_spec::ExpandSpec,
];

fn enabled(root: &Buildroot) -> Vec<&'static dyn Plugin> {
    let plugins = &root.settings().plugins;
    ALL.iter()
        .copied()
        .filter(|plugin| plugins.enabled(plugin.name()))
        .collect()
}

/// Before rpmbuild.
pub(super) fn prebuild(root: &mut Buildroot, job: &Rebuild) -> Result<(), BuildError> {
    enabled(root)
        .iter()
        .try_for_each(|plugin| plugin.prebuild(root, job))
}

/// With all requirements there.
pub(super) fn postdeps(
    root: &mut Buildroot,
    job: &Rebuild,
    spec: &ChrootPath,
) -> Result<(), BuildError> {
    enabled(root)
        .iter()
        .try_for_each(|plugin| plugin.postdeps(root, job, spec))
}

/// When all is over. A build that failed keeps its own error; what plugins have to say is a warning then.
pub(super) fn postbuild(
    root: &mut Buildroot,
    job: &Rebuild,
    built: Option<&Built>,
) -> Result<(), BuildError> {
    for plugin in enabled(root) {
        if let Err(error) = plugin.postbuild(root, job, built) {
            if built.is_some() {
                return Err(error);
            }
            root.engine().events().warn(error.to_string());
        }
    }
    Ok(())
}

/// Writes a file of the result directory.
fn write(path: PathBuf, bytes: impl AsRef<[u8]>) -> Result<(), BuildError> {
    // By rename: another user may have put a link there.
    rpmkit_fs::write_file(&path, bytes, &WriteOptions::with_mode(0o644)).map_err(|error| {
        BuildError::ResultDir {
            path,
            source: error.into(),
        }
    })
}

/// The error of a plugin that cannot do its work.
fn failed(plugin: &'static str, reason: impl std::fmt::Display) -> BuildError {
    BuildError::Plugin {
        plugin,
        reason: reason.to_string(),
    }
}
