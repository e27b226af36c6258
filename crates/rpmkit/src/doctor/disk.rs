//! Room for packages, layers and build trees.

use std::{collections::BTreeSet, os::unix::fs::MetadataExt, path::Path};

use nix::sys::statvfs::statvfs;
use rpmkit_cli::Host;
use rpmkit_sandbox::ProbeState;

use super::{DoctorLine, bytes, existing};

/// Below this nothing can be prepared: a minimal buildroot alone has about half of it.
const TOO_LITTLE: u64 = 1 << 30;
/// Below this a big package will not fit.
const TIGHT: u64 = 5 << 30;

/// A line a file system that rpmkit writes to.
pub fn lines(host: &Host) -> Vec<DoctorLine> {
    let mut seen = BTreeSet::new();
    let dirs = &host.dirs;
    [
        ("disk: cache and layers", &dirs.cache),
        ("disk: chroots", &dirs.state),
        ("disk: temporary files", &dirs.temp),
    ]
    .into_iter()
    .filter_map(|(what, dir)| {
        let dir = existing(dir);
        // Three directories on one file system have the same room.
        let device = std::fs::metadata(&dir).ok()?.dev();
        seen.insert(device).then(|| line(what, &dir))
    })
    .collect()
}

fn line(what: &str, dir: &Path) -> DoctorLine {
    let stat = match statvfs(dir) {
        Ok(stat) => stat,
        Err(error) => {
            return DoctorLine::new(
                what,
                ProbeState::Degraded,
                format!("cannot ask about `{}`: {error}", dir.display()),
            );
        }
    };
    let free = stat.blocks_available() * stat.fragment_size();
    let inodes = stat.files_available();
    let detail = format!("{} free at `{}`", bytes(free), dir.display());
    // File systems without a fixed number of inodes report none at all.
    if stat.files() > 0 && inodes < 100_000 {
        return DoctorLine::new(
            what,
            ProbeState::Degraded,
            format!("{detail}, but only {inodes} inodes"),
        )
        .remedy("remove small files, or point `RPMKIT_CACHE_DIR` at another file system");
    }
    let state = match free {
        f if f < TOO_LITTLE => ProbeState::Failed,
        f if f < TIGHT => ProbeState::Degraded,
        _ => return DoctorLine::new(what, ProbeState::Ok, detail),
    };
    DoctorLine::new(what, state, detail).remedy(
        "free space, or point `RPMKIT_CACHE_DIR` and `RPMKIT_STATE_DIR` at a bigger file system",
    )
}
