//! Whose the results are when root works for somebody else: the owner of their directory.
//!
//! mock writes them as the user who called `sudo`. Here they are written as root, never through a link,
//! and given away afterwards. The directory's owner may exchange names in it at any moment, so what is
//! given is what was opened, and only where that tells its new owner nothing they could not read before.

use std::{
    ffi::OsStr,
    fs::{File, Metadata, Permissions},
    io,
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::Path,
};

use rpmkit_fs::{Durability, EntryKind, IfThere, Links, UntrustedTree};

/// User and group id.
pub type Ids = (u32, u32);

/// Makes the directory and its parents, with 0777 less the umask, where they are missing. A new one becomes `caller`'s: whoever had
/// root make it. With `group` it is that group's, which may write there.
///
/// # Errors
/// When it cannot be made.
pub fn make_results(dir: &Path, caller: Option<Ids>, group: Option<u32>) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(around) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
        make_results(around, caller.filter(|ids| below_own(around, *ids)), None)?;
    }
    let around = dir.parent().unwrap_or(Path::new(""));
    let around = UntrustedTree::open(around, Links::Never).map_err(io::Error::from)?;
    let name = dir.file_name().unwrap_or_default();
    match around.mkdir(name, 0o777).map_err(io::Error::from) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        other => other?,
    }
    if caller.is_none() && group.is_none() {
        return Ok(());
    }
    let made = around
        .open_directory_itself(name)
        .map_err(io::Error::from)?;
    give(&made, &made.metadata()?, caller, group)
}

/// Whether the nearest directory above that is there is theirs, so that one they have no part in does not
/// become theirs along with a result directory.
fn below_own(dir: &Path, (uid, _): Ids) -> bool {
    let there = dir.ancestors().find_map(|dir| dir.metadata().ok());
    there.is_some_and(|meta| meta.uid() == uid)
}

/// Gives root's files in a result directory to the directory's owner, and everybody's to `group`, which may write to them then.
///
/// Files that others may not read stay as they are.
///
/// # Errors
/// When the directory cannot be read, or the file system refuses.
pub fn hand_over(dir: &Path, group: Option<u32>) -> io::Result<()> {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root && group.is_none() {
        return Ok(());
    }
    let tree = UntrustedTree::open(dir, Links::Never).map_err(io::Error::from)?;
    let owner = tree.stat("").map_err(io::Error::from)?;
    let caller = (is_root && owner.uid() != 0).then(|| (owner.uid(), owner.gid()));
    if caller.is_none() && group.is_none() {
        return Ok(());
    }
    for entry in tree.list("", usize::MAX).map_err(io::Error::from)? {
        if entry.kind != EntryKind::File {
            continue;
        }
        // Gone, or something else by now: its owner's doing.
        if let Ok(file) = tree.open_file_itself(&entry.name) {
            give(&file, &file.metadata()?, caller, group)?;
        }
    }
    Ok(())
}

/// Copies a file into a result directory, in place of what is there: a link is not followed.
///
/// # Errors
/// When one cannot be read or the other not be written.
pub fn place_result(from: &Path, dir: &Path, name: &OsStr) -> io::Result<()> {
    let mut file = File::open(from)?;
    let tree = UntrustedTree::open(dir, Links::Never).map_err(io::Error::from)?;
    let mut new = tree.replace(name, 0o644).map_err(io::Error::from)?;
    io::copy(&mut file, &mut new)?;
    new.commit(Durability::No, IfThere::Replace)
        .map_err(io::Error::from)
}

fn give(file: &File, meta: &Metadata, caller: Option<Ids>, group: Option<u32>) -> io::Result<()> {
    const READABLE: u32 = 0o004;
    const SET_ID: u32 = 0o6000;
    let private = meta.mode() & READABLE == 0 || meta.mode() & SET_ID != 0;
    // A file with a second name is also somewhere else.
    let shared = meta.is_file() && meta.nlink() > 1;
    if meta.uid() != nix::unistd::geteuid().as_raw() || private || shared {
        return Ok(());
    }
    if group.is_some() {
        // Before it is another's.
        file.set_permissions(Permissions::from_mode(meta.mode() & 0o777 | 0o020))?;
    }
    nix::unistd::fchown(
        file.as_fd(),
        caller.map(|(uid, _)| uid.into()),
        group.or(caller.map(|(_, gid)| gid)).map(Into::into),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::{
        fs,
        os::unix::fs::{chown, symlink},
    };

    const CALLER: Ids = (1500, 1500);

    /// Only root can give anything away; others are tested to change nothing.
    fn expected() -> u32 {
        let us = nix::unistd::geteuid();
        if us.is_root() { CALLER.0 } else { us.as_raw() }
    }

    fn owner(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().uid()
    }

    #[test]
    fn results_become_the_directorys_owners_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let us = owner(dir.path());
        let results = dir.path().join("results");
        fs::create_dir(&results).unwrap();
        for name in ["a.rpm", "private", "twice", "suid"] {
            fs::write(results.join(name), "").unwrap();
        }
        let mode = |name: &str, mode| {
            fs::set_permissions(results.join(name), Permissions::from_mode(mode)).unwrap();
        };
        mode("a.rpm", 0o644);
        mode("private", 0o600);
        mode("suid", 0o4755);
        let outside = dir.path().join("outside");
        fs::write(&outside, "").unwrap();
        symlink(&outside, results.join("link")).unwrap();
        fs::hard_link(results.join("twice"), dir.path().join("again")).unwrap();
        if us == 0 {
            chown(&results, Some(CALLER.0), Some(CALLER.1)).unwrap();
        }
        hand_over(&results, None).unwrap();
        assert_eq!(owner(&results.join("a.rpm")), expected());
        for stays in ["private", "twice", "suid", "link"] {
            assert_eq!(owner(&results.join(stays)), us, "{stays}");
        }
        assert_eq!(owner(&outside), us);
    }

    #[test]
    fn a_group_may_write_what_everybody_may_read() {
        let dir = tempfile::tempdir().unwrap();
        let group = nix::unistd::getegid().as_raw();
        let group = if group == 0 { 135 } else { group };
        let results = dir.path().join("results");
        make_results(&results, None, Some(group)).unwrap();
        for (name, mode) in [("a.rpm", 0o644), ("private", 0o600)] {
            fs::write(results.join(name), "").unwrap();
            fs::set_permissions(results.join(name), Permissions::from_mode(mode)).unwrap();
        }
        hand_over(&results, Some(group)).unwrap();
        let told = |name: &str| {
            let meta = fs::metadata(results.join(name)).unwrap();
            (meta.mode() & 0o777, meta.gid() == group)
        };
        assert!(told(".").1 && told(".").0 & 0o020 != 0);
        assert_eq!(told("a.rpm"), (0o664, true));
        assert_eq!(told("private").0, 0o600);
    }

    #[test]
    fn no_result_is_written_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (from, victim) = (dir.path().join("from"), dir.path().join("victim"));
        fs::write(&from, "new").unwrap();
        fs::write(&victim, "mine").unwrap();
        symlink(&victim, dir.path().join("a.src.rpm")).unwrap();
        place_result(&from, dir.path(), OsStr::new("a.src.rpm")).unwrap();
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(
            (read("victim"), read("a.src.rpm")),
            ("mine".into(), "new".into())
        );
    }

    #[test]
    fn a_new_directory_is_its_callers_and_one_that_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let us = owner(dir.path());
        let caller = (us == 0).then_some(CALLER);
        let results = dir.path().join("root/result");
        make_results(&results, caller, None).unwrap();
        assert_eq!(owner(&results), expected());
        assert_eq!(owner(&dir.path().join("root")), us);
        make_results(&results.join("x/y"), caller, None).unwrap();
        assert_eq!(owner(&results.join("x")), expected());
        make_results(&dir.path().join("root"), caller, None).unwrap();
        assert_eq!(owner(&dir.path().join("root")), us);
    }
}
