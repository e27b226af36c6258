//! Why the kernel refused an overlay. It tells an ordinary user only some of its reasons (others go to a log only root can
//! read), so look for the rest.

use crate::spec::Overlay;
use nix::fcntl::AtFlags;
use nix::sys::stat::fstat;
use nix::sys::statfs::fstatfs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// File systems that cannot hold an upper directory, by the numbers of linux/magic.h.
const UNFIT: [(i64, &str); 7] = [
    (0x794c_7630, "an overlay"),
    (0x6969, "NFS"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0xff53_4d42, "CIFS"),
    (0x9fa0, "proc"),
    (0xf15f, "eCryptfs"),
];

/// Whether a volatile mount has used the work directory. To be asked before mounting: a refused mount leaves the same mark.
pub(crate) fn is_used(work: impl AsFd) -> bool {
    let mark = "work/incompat/volatile";
    nix::sys::stat::fstatat(work, mark, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
}

/// What is wrong with these directories, as far as it can be seen; empty if nothing.
/// `opened` are its upper and work directory.
pub(crate) fn explain(
    overlay: &Overlay,
    opened: Option<(&OwnedFd, &OwnedFd)>,
    used: bool,
) -> String {
    let mut reasons: Vec<String> = overlay
        .lowers
        .iter()
        .find_map(|lower| covered(lower))
        .into_iter()
        .collect();
    if let (Some(upper), Some(work), Some((upper_fd, work_fd))) =
        (&overlay.upper, &overlay.work, opened)
    {
        if let (Ok(one), Ok(other)) = (fstat(upper_fd), fstat(work_fd))
            && one.st_dev != other.st_dev
        {
            reasons.push("upper and work directory are not on the same file system".to_owned());
        }
        if upper.starts_with(work) || work.starts_with(upper) {
            reasons.push("upper and work directory must not lie in one another".to_owned());
        }
        if used {
            reasons.push(format!(
                "`{}` was used by a volatile mount and must be made anew",
                work.display()
            ));
        }
        reasons.extend(unfit(upper_fd));
    }
    reasons.join("; ")
}

fn unfit(upper: &OwnedFd) -> Option<String> {
    let magic = fstatfs(upper).ok()?.filesystem_type().0 & 0xffff_ffff;
    let (_, name) = UNFIT.iter().find(|(number, _)| *number == magic)?;
    Some(format!(
        "the upper directory lies on {name}: not supported as upperdir"
    ))
}

/// A user namespace may not look below mounts it did not make, so a layer cannot have any below it.
fn covered(lower: &Path) -> Option<String> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mut points = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(Path::new);
    let point = points.find(|point| point.starts_with(lower) && *point != lower)?;
    Some(format!(
        "`{}` is mounted below the layer `{}`",
        point.display(),
        lower.display()
    ))
}
