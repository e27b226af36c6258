//! `export_buildroot_image`: the chroot with all requirements in it as an OCI image, without buildah.

use super::{BuildError, Buildroot, ChrootPath, Plugin, Rebuild, failed};
use rpmkit_fs::{Links, UntrustedTree};
use rpmkit_store::archive::{Labels, Shape};

/// Writes `buildroot-oci.tar`.
pub(super) struct ExportImage;

/// mock's name of the image.
const FILE: &str = "buildroot-oci.tar";

impl Plugin for ExportImage {
    fn name(&self) -> &'static str {
        "export_buildroot_image"
    }

    fn postdeps(
        &self,
        root: &mut Buildroot,
        job: &Rebuild,
        _: &ChrootPath,
    ) -> Result<(), BuildError> {
        let Some(layer) = root.untouched_top() else {
            root.engine().events().warn(
                "plugin export_buildroot_image: the chroot was written to since it was made, so there is no image \
                 of it; build without `--no-clean`",
            );
            return Ok(());
        };
        let path = job.resultdir.join(FILE);
        UntrustedTree::open(&job.resultdir, Links::Never)
            .and_then(|results| results.remove_file_if_there(FILE))
            .map_err(|error| failed(self.name(), error))?;
        let chroot = &root.settings().chroot;
        let labels = Labels {
            name: format!("mock-container-{}", chroot.root),
            created: rpmkit_results::record::unix_time(std::time::SystemTime::now()),
            machine: chroot.target_arch.clone(),
            ..Labels::default()
        };
        let events = root.engine().events().clone();
        events.in_state("producing buildroot as OCI image", || {
            let store = root.engine().store();
            store
                .export(Some(&layer), &path, Shape::Oci, labels)
                .map_err(|error| failed(self.name(), error))
        })
    }
}
