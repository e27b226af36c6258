//! `package_state`, second half: what could be installed.

use super::{BuildError, Buildroot, Plugin, Rebuild, write};
use rpmkit_config::Value;

/// Writes `available_pkgs.log`: `NAME-EPOCH:VERSION-RELEASE.ARCH BUILDTIME SIZE REPOSITORY`, sorted.
pub(super) struct AvailablePackages;

impl Plugin for AvailablePackages {
    fn name(&self) -> &'static str {
        "package_state"
    }

    fn prebuild(&self, root: &mut Buildroot, job: &Rebuild) -> Result<(), BuildError> {
        let settings = root.settings();
        let option = settings.plugins.option(self.name(), "available_pkgs");
        if !option.is_some_and(Value::truth) || !settings.repositories.online {
            return Ok(());
        }
        let events = root.engine().events().clone();
        let what = "Outputting list of available packages";
        events.in_state(what, || list(root, job))
    }
}

fn list(root: &Buildroot, job: &Rebuild) -> Result<(), BuildError> {
    let mut lines: Vec<String> = Vec::new();
    root.package_manager().available(|package| {
        lines.push(format!(
            "{}-{}.{} {} {} {}\n",
            package.name,
            package.full_evr(),
            package.arch,
            package.build_time,
            package.size,
            package.repo
        ));
    })?;
    lines.sort();
    write(job.resultdir.join("available_pkgs.log"), lines.concat())
}
