//! Why the kernel refused an overlay. It tells an ordinary user only some of its reasons (others go to a log only root can
//! read), so look for the rest.

use nix::sys::stat::stat;
use nix::sys::statfs::statfs;
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

/// What is wrong with these two directories, as far as it can be seen; empty if nothing.
pub(crate) fn explain(upper: &Path, work: &Path) -> String {
    let mut reasons = Vec::new();
    if let (Ok(one), Ok(other)) = (stat(upper), stat(work))
        && one.st_dev != other.st_dev
    {
        reasons.push("upper and work directory are not on the same file system".to_owned());
    }
    if upper.starts_with(work) || work.starts_with(upper) {
        reasons.push("upper and work directory must not lie in one another".to_owned());
    }
    if work.join("work/incompat/volatile").exists() {
        reasons.push(format!(
            "`{}` was used by a volatile mount and must be made anew",
            work.display()
        ));
    }
    if let Ok(fs) = statfs(upper) {
        let magic = fs.filesystem_type().0 & 0xffff_ffff;
        reasons.extend(
            UNFIT
                .iter()
                .find(|(number, _)| *number == magic)
                .map(|(_, name)| {
                    format!("the upper directory lies on {name}: not supported as upperdir")
                }),
        );
    }
    reasons.join("; ")
}
