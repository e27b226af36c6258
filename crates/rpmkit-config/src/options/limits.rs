//! Bounds on what a build may use. They are rpmkit's own: mock has none of them.

use super::{OptionKind, OptionSpec, Preset, Support};

const fn limit(name: &'static str, doc: &'static str) -> OptionSpec {
    // Not among mock's own in what `--debug-config` lists.
    OptionSpec::new(name, OptionKind::Int, Preset::Unset, Support::Used, doc)
}

/// The rows of this group.
pub(super) const OPTIONS: &[OptionSpec] = &[
    limit(
        "max_build_memory_mb",
        "rpmkit's own: MiB of memory one rpmbuild call may use with all it starts; zero is no limit.",
    ),
    limit(
        "max_build_processes",
        "rpmkit's own: processes and threads one rpmbuild call may have at a time; zero is no limit.",
    ),
    limit(
        "max_build_disk_mb",
        "rpmkit's own: MiB on disk a chroot may use beside its layers, and MiB of output; zero is no limit.",
    ),
    limit(
        "max_build_cpu_seconds",
        "rpmkit's own: seconds of processor time one rpmbuild call may use with all it starts; zero is no limit.",
    ),
];
