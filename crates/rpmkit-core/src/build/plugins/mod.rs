//! mock's plugins that take part in a build: a file each, behind one trait. They are called in mock's
//! order at mock's points of a build. Plugins that are settings of the chroot (mounts, caches) are read
//! where those are made; what no code here answers for is reported when a configuration switches it on.

mod available;
mod buildroot_lock;
pub(super) mod ccache;
mod chroot_scan;
mod compress_logs;
mod expand_spec;
mod export_image;
mod installed;
pub(super) mod monitor;
pub(super) mod mounts;
mod reports;
mod sign;
mod srpm_hooks;
pub(super) mod tmpfs;

pub use compress_logs::compress_logs;
pub(super) use srpm_hooks::{SourceBuild, pre_srpm_build};

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
    &export_image::ExportImage,
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
        .try_for_each(|plugin| plugin.prebuild(root, job))?;
    root.hook_call("prebuild", &details(job))
}

/// What hooks of the user's are told of a build.
fn details(job: &Rebuild) -> serde_json::Value {
    serde_json::json!({ "srpm": job.srpm, "resultdir": job.resultdir })
}

/// Before requirements are looked at.
pub(super) fn earlyprebuild(root: &mut Buildroot, job: &Rebuild) -> Result<(), BuildError> {
    root.hook_call("earlyprebuild", &details(job))
}

/// With all requirements there.
pub(super) fn postdeps(
    root: &mut Buildroot,
    job: &Rebuild,
    spec: &ChrootPath,
) -> Result<(), BuildError> {
    enabled(root)
        .iter()
        .try_for_each(|plugin| plugin.postdeps(root, job, spec))?;
    let mut details = details(job);
    details["spec"] = spec.to_string().into();
    root.hook_call("postdeps", &details)?;
    monitor::begin(root);
    Ok(())
}

/// When all is over. A build that failed keeps its own error; what plugins have to say is a warning then.
pub(super) fn postbuild(
    root: &mut Buildroot,
    job: &Rebuild,
    built: Option<&Built>,
) -> Result<(), BuildError> {
    let mut outcomes = vec![monitor::end(root, &job.resultdir)];
    for plugin in enabled(root) {
        outcomes.push(plugin.postbuild(root, job, built));
        if built.is_some() && outcomes.iter().any(Result::is_err) {
            break;
        }
    }
    let mut details = details(job);
    details["result"] = if built.is_some() { "success" } else { "fail" }.into();
    details["packages"] = built
        .map(|built| built.artifacts.clone())
        .unwrap_or_default()
        .into_iter()
        .map(|path| path.display().to_string())
        .collect();
    if outcomes.iter().all(Result::is_ok) {
        outcomes.push(root.hook_call("postbuild", &details));
    }
    for error in outcomes.into_iter().filter_map(Result::err) {
        if built.is_some() {
            return Err(error);
        }
        root.engine().events().warn(error.to_string());
    }
    Ok(())
}

/// A chroot that could not be prepared: what there is of it may tell why.
pub(super) fn initfailed(root: &mut Buildroot) {
    let outcome = if root.settings().plugins.enabled("chroot_scan") {
        chroot_scan::after_failed_init(root)
    } else {
        Ok(())
    };
    let hook = root.hook_call("initfailed", &serde_json::Value::Null);
    for error in [outcome, hook].into_iter().filter_map(Result::err) {
        root.engine().events().warn(error.to_string());
    }
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
