//! Identities: which ids exist inside, and where they lie outside.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How container ids map to ids of the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IdMode {
    /// We are real root: container ids are these ids of the host, which nobody else has. On disk files keep the container's
    /// own numbers; mounts that map ids translate.
    Root(IdRange),
    /// Container root is the caller, 1 and up are the caller's subordinate ids: ownership is exact.
    Sub(SubIds),
    /// Container root is the caller, and no other id exists.
    Single,
}

/// A run of consecutive host ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdRange {
    /// The first host id.
    pub start: u32,
    /// How many.
    pub count: u32,
}

/// Subordinate ids of the caller and how to get them mapped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SubIds {
    /// Container uids from 1 on.
    pub uids: IdRange,
    /// Container gids from 1 on.
    pub gids: IdRange,
    /// `newuidmap` and `newgidmap`; none when the caller may write the maps itself.
    pub tools: Option<(PathBuf, PathBuf)>,
}

/// Why a user has no subordinate ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubIdProblem {
    /// A program of the `uidmap` package is missing.
    #[error("`{0}` is not installed")]
    NoTool(&'static str),
    /// No line, or too small a range.
    #[error("`{file}` gives user `{user}` fewer than 65535 ids (found {found})")]
    NoRange {
        /// `/etc/subuid` or `/etc/subgid`.
        file: PathBuf,
        /// The user looked for.
        user: String,
        /// The largest range found.
        found: u32,
    },
}

/// Fewer ids than this leave `nobody` (65534) unmapped, which packages own files as.
pub(crate) const ENOUGH_IDS: u32 = 65_535;

/// Where set-uid helpers live, the last for NixOS.
const TOOL_DIRS: [&str; 6] = [
    "/usr/bin",
    "/bin",
    "/usr/local/bin",
    "/usr/sbin",
    "/sbin",
    "/run/wrappers/bin",
];

impl IdMode {
    /// A short text that changes whenever files made in one mode may not be used in the other: part of a store's identity.
    pub fn tag(&self) -> String {
        match self {
            Self::Root(_) => "root".to_owned(),
            Self::Sub(ids) => format!("sub-{}-{}", ids.uids.start, ids.gids.start),
            Self::Single => "single".to_owned(),
        }
    }

    /// Whether container ids other than 0 can own files.
    pub fn has_ids(&self) -> bool {
        !matches!(self, Self::Single)
    }

    /// Whether the caller is somebody else than real root.
    pub fn is_rootless(&self) -> bool {
        !matches!(self, Self::Root(_))
    }

    /// In which user namespace files of these ids are worked on; none: real root does that as itself.
    pub(crate) fn for_files(&self) -> Option<&Self> {
        self.is_rootless().then_some(self)
    }

    /// The host's id of a container id where the two differ for who is real root.
    pub(crate) fn host_id(&self, id: u32) -> Option<u32> {
        match self {
            Self::Root(range) if id < range.count => Some(range.start + id),
            _ => None,
        }
    }
}

/// Where the ids for [`IdMode::Root`] are looked for: systemd's table of ids has nothing from here to 2^31.
const UNUSED: std::ops::Range<u32> = 0x7000_0000..0x7fff_0000;

impl IdRange {
    /// As many ids as a container has.
    const CONTAINER: u32 = 65_536;

    /// Ids of this host for the containers of real root: the first that no line of `/etc/subuid` or `/etc/subgid` gives to
    /// anybody, and no account has. Always the same ones, until those files change.
    pub fn for_root() -> Option<Self> {
        let text = |file| std::fs::read_to_string(file).unwrap_or_default();
        let given = [text("/etc/subuid"), text("/etc/subgid")];
        let accounts = [text("/etc/passwd"), text("/etc/group")];
        let given = given.iter().flat_map(|text| all_ranges(text));
        let accounts = accounts.iter().flat_map(|text| account_ids(text));
        Self::outside(&given.chain(accounts).collect::<Vec<_>>())
    }

    fn outside(taken: &[Self]) -> Option<Self> {
        UNUSED
            .step_by(Self::CONTAINER as usize)
            .map(|start| Self {
                start,
                count: Self::CONTAINER,
            })
            .find(|range| !taken.iter().any(|other| range.overlaps(*other)))
    }

    fn overlaps(self, other: Self) -> bool {
        let end = |range: Self| u64::from(range.start) + u64::from(range.count);
        u64::from(self.start) < end(other) && u64::from(other.start) < end(self)
    }
}

fn all_ranges(text: &str) -> impl Iterator<Item = IdRange> + '_ {
    text.lines().filter_map(|line| {
        let mut parts = line.trim().split(':').skip(1);
        Some(IdRange {
            start: parts.next()?.parse().ok()?,
            count: parts.next()?.parse().ok()?,
        })
    })
}

/// The third field of passwd(5) and group(5).
fn account_ids(text: &str) -> impl Iterator<Item = IdRange> + '_ {
    text.lines().filter_map(|line| {
        let start = line.split(':').nth(2)?.parse().ok()?;
        Some(IdRange { start, count: 1 })
    })
}

impl SubIds {
    /// Looks up the subordinate ids of a user (by name, or by number as text) and the helper programs.
    ///
    /// # Errors
    /// When the user has none or a helper is missing.
    pub fn find(user: &str, uid: u32) -> Result<Self, SubIdProblem> {
        let uids = range_in(Path::new("/etc/subuid"), user, uid)?;
        let gids = range_in(Path::new("/etc/subgid"), user, uid)?;
        let tools = (tool("newuidmap")?, tool("newgidmap")?);
        Ok(Self {
            uids,
            gids,
            tools: Some(tools),
        })
    }

    /// The whole id space as it is, for a root that may not mount but may write maps (root in a plain container).
    pub fn identity() -> Self {
        let range = IdRange {
            start: 1,
            count: ENOUGH_IDS,
        };
        Self {
            uids: range,
            gids: range,
            tools: None,
        }
    }
}

/// How many ids this process' user namespace has from 0 on without a gap; none in the host's own.
pub(crate) fn mapped_here() -> Option<u32> {
    let count = |file| contiguous(&std::fs::read_to_string(file).unwrap_or_default());
    match (count("/proc/self/uid_map"), count("/proc/self/gid_map")) {
        (u32::MAX, u32::MAX) => None,
        (uids, gids) => Some(uids.min(gids)),
    }
}

/// Whether this process has CAP_SYS_ADMIN.
pub(crate) fn may_administer() -> bool {
    const ADMIN: u64 = 1 << 21;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("CapEff:"));
    line.and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
        .is_some_and(|set| set & ADMIN != 0)
}

/// Lines are `inside outside count`.
fn contiguous(map: &str) -> u32 {
    let mut ranges: Vec<(u32, u32)> = map
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (inside, _, count) = (fields.next()?, fields.next()?, fields.next()?);
            Some((inside.parse().ok()?, count.parse().ok()?))
        })
        .collect();
    ranges.sort_unstable();
    ranges.into_iter().fold(0, |next, (start, count)| {
        if start <= next {
            next.max(start.saturating_add(count))
        } else {
            next
        }
    })
}

fn tool(name: &'static str) -> Result<PathBuf, SubIdProblem> {
    TOOL_DIRS
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.is_file())
        .ok_or(SubIdProblem::NoTool(name))
}

fn range_in(file: &Path, user: &str, uid: u32) -> Result<IdRange, SubIdProblem> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let best = ranges(&text, user, uid).max_by_key(|range| range.count);
    match best {
        Some(range) if range.count >= ENOUGH_IDS => Ok(range),
        other => Err(SubIdProblem::NoRange {
            file: file.to_owned(),
            user: user.to_owned(),
            found: other.map_or(0, |range| range.count),
        }),
    }
}

/// Lines are `user-or-uid:start:count`.
fn ranges<'a>(text: &'a str, user: &'a str, uid: u32) -> impl Iterator<Item = IdRange> + 'a {
    let number = uid.to_string();
    text.lines().filter_map(move |line| {
        let mut parts = line.trim().split(':');
        let owner = parts.next()?;
        if owner != user && owner != number {
            return None;
        }
        Some(IdRange {
            start: parts.next()?.parse().ok()?,
            count: parts.next()?.parse().ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges_are_found_by_name_and_by_number() {
        let text = "a:100000:65536\n1000:5:7\n# b\nb:1:x\n";
        assert_eq!(
            ranges(text, "a", 1).next().unwrap(),
            IdRange {
                start: 100_000,
                count: 65_536
            }
        );
        assert_eq!(ranges(text, "nobody", 1000).next().unwrap().count, 7);
        assert!(ranges(text, "b", 1).next().is_none());
    }

    #[test]
    fn ids_are_counted_to_the_first_gap() {
        assert_eq!(contiguous("         0          0 4294967295\n"), u32::MAX);
        assert_eq!(contiguous("0 1500 1\n1 200000 65536\n"), 65_537);
        assert_eq!(contiguous("0 1000 1\n2 200000 65536\n"), 1);
        assert_eq!(contiguous("1000 0 1\n"), 0);
    }

    #[test]
    fn tags_tell_stores_apart() {
        let sub = IdMode::Sub(SubIds::identity());
        assert_ne!(sub.tag(), IdMode::Single.tag());
        let root = IdMode::Root(IdRange::outside(&[]).unwrap());
        assert_ne!(root.tag(), IdMode::Single.tag());
    }

    #[test]
    fn roots_ids_are_nobody_elses() {
        let first = IdRange::outside(&[]).unwrap();
        let given = all_ranges("a:100000:65536\nb:1879048000:200\n")
            .chain(account_ids("x:x:1879113999:0::/:\nsystem:x:7:7::/:\n"));
        let second = IdRange::outside(&given.collect::<Vec<_>>()).unwrap();
        assert_eq!(first.start, 0x7000_0000);
        assert_eq!(second.start, 0x7002_0000);
        assert_eq!(
            IdRange::outside(&[IdRange {
                start: 0,
                count: u32::MAX
            }]),
            None
        );
        let mode = IdMode::Root(first);
        assert_eq!(mode.host_id(1000), Some(0x7000_0000 + 1000));
        assert_eq!(
            (mode.host_id(65_536), IdMode::Single.host_id(0)),
            (None, None)
        );
    }
}
