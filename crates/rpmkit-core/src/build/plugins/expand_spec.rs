//! `expand_spec`: the spec as the build sees it, with all requirements installed.

use super::{BuildError, Buildroot, ChrootPath, Plugin, Rebuild, failed, write};
use rpmkit_config::Value;
use rpmkit_types::event::Phase;

/// Writes `expanded-spec.txt`.
pub(super) struct ExpandSpec;

impl Plugin for ExpandSpec {
    fn name(&self) -> &'static str {
        "expand_spec"
    }

    fn postdeps(
        &self,
        root: &mut Buildroot,
        job: &Rebuild,
        spec: &ChrootPath,
    ) -> Result<(), BuildError> {
        let options = root.settings().plugins.option(self.name(), "rpmspec_opts");
        let options = options.and_then(Value::items).unwrap_or_default();
        let mut argv = vec!["rpmspec".to_owned(), "--parse".to_owned(), spec.to_string()];
        argv.extend(options.iter().map(ToString::to_string));
        let mut run = root.limited_command(argv, root.build_user())?;
        run.log = None;
        let ran = root.run(&run)?;
        let ran = root.within_limits(ran, "rpmspec", Phase::Rpmbuild)?;
        if !ran.exit.success() {
            return Err(failed(self.name(), ran.tail.join("; ")));
        }
        write(job.resultdir.join("expanded-spec.txt"), &ran.output)
    }
}
