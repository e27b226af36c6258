//! `package_state`, first half: what is installed when rpmbuild starts.

use std::fmt::Write as _;

use super::{BuildError, Buildroot, ChrootPath, Plugin, Rebuild, write};
use rpmkit_config::Value;

/// Writes `installed_pkgs.log` in mock's form: NEVRA, build time, size, `installed`.
pub(super) struct Installed;

impl Plugin for Installed {
    fn name(&self) -> &'static str {
        "package_state"
    }

    fn postdeps(
        &self,
        root: &mut Buildroot,
        job: &Rebuild,
        _: &ChrootPath,
    ) -> Result<(), BuildError> {
        let option = root
            .settings()
            .plugins
            .option(self.name(), "installed_pkgs");
        if !option.is_none_or(Value::truth) {
            return Ok(());
        }
        let events = root.engine().events().clone();
        events.in_state("Outputting list of installed packages", || {
            let mut text = String::new();
            for package in root.packages()? {
                let _ = writeln!(
                    text,
                    "{} {} {} installed",
                    package.nevra, package.build_time, package.installed_size
                );
            }
            write(job.resultdir.join("installed_pkgs.log"), text)
        })
    }
}
