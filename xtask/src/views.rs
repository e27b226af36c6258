//! What `mock` as root leaves for others to look at: a mount of the chroot at `basedir/NAME/root`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Takes off, when dropped, every mount that shows something of a directory which is about to go.
pub struct Views(PathBuf);

impl Views {
    /// Of the caches below `dir`. To be dropped before it is removed.
    pub fn of(dir: &Path) -> Self {
        Self(dir.to_owned())
    }
}

impl Drop for Views {
    fn drop(&mut self) {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let dir = self.0.display().to_string();
        // The fifth field is the mount point. Mounts below one go with it, so those that are gone are no failure.
        let points = table
            .lines()
            .filter(|line| line.contains(&dir))
            .filter_map(|line| line.split(' ').nth(4));
        for point in points {
            let _ = Command::new("umount")
                .args(["--lazy", "--quiet", point])
                .status();
        }
    }
}
