//! Where layers are kept: one home for most chroots, others for those with a `base_dir` of their own.
//!
//! The others are remembered by links in the cache, so that what concerns all chroots, such as completing
//! names of snapshots or scrubbing everything, finds them without reading every configuration.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rpmkit_core::{Error, config::Settings};

use crate::{failure::Failure, host::Host};

/// Links to homes elsewhere, below the cache directory.
const ELSEWHERE: &str = "layers-elsewhere";

/// The home of all layers without one of their own.
pub fn usual(host: &Host) -> PathBuf {
    host.dirs.cache.join("layers")
}

/// Makes the cache directory, for nobody but its owner: in a compiler cache lie files of the build user's id,
/// which is somebody's on this host. One that was made for others too is closed where its place is ours; a
/// directory that `RPMKIT_CACHE_DIR` names may hold more than our cache.
pub fn private_cache(host: &Host) -> Result<(), Failure> {
    let dir = &host.dirs.cache;
    let failed = |action| {
        let path = dir.clone();
        move |source| {
            Failure::from(Error::Io {
                action,
                path,
                source,
            })
        }
    };
    let Ok(meta) = fs::metadata(dir) else {
        if let Some(around) = dir.parent() {
            fs::create_dir_all(around).map_err(failed("create the directory of"))?;
        }
        return match fs::DirBuilder::new().mode(0o700).create(dir) {
            // Another first command was faster.
            Err(_) if dir.is_dir() => Ok(()),
            other => other.map_err(failed("create directory")),
        };
    };
    let ours = host.var("RPMKIT_CACHE_DIR").is_none() && meta.uid() == host.uid;
    if ours && meta.permissions().mode() & 0o077 != 0 {
        let closed = fs::Permissions::from_mode(0o700);
        fs::set_permissions(dir, closed).map_err(failed("close to other users"))?;
    }
    Ok(())
}

/// The home of the layers of a configuration, remembered if it is not the usual one.
pub fn of(host: &Host, settings: &Settings) -> Result<PathBuf, Failure> {
    let usual = usual(host);
    let home = settings
        .plugins
        .overlayfs
        .layers_home(&settings.chroot.shared_root, &usual)
        .map_err(Error::from)?;
    if home != usual {
        fs::create_dir_all(&home).map_err(|source| Error::Io {
            action: "create the directory of option `plugin_conf.overlayfs_opts.base_dir`,",
            path: home.clone(),
            source,
        })?;
        remember(&host.dirs.cache.join(ELSEWHERE), &home);
    }
    Ok(home)
}

/// A convenience: not being able to remember is no failure.
fn remember(dir: &Path, home: &Path) {
    let mut hasher = DefaultHasher::new();
    home.hash(&mut hasher);
    let link = dir.join(format!("{:016x}", hasher.finish()));
    if fs::read_link(&link).is_ok_and(|to| to == home) {
        return;
    }
    let _ = fs::create_dir_all(dir);
    let _ = fs::remove_file(&link);
    let _ = std::os::unix::fs::symlink(home, &link);
}

/// All homes there are, the usual one first. Links to those that are gone are dropped.
pub fn all(host: &Host) -> Vec<PathBuf> {
    let mut out = vec![usual(host)];
    let links = fs::read_dir(host.dirs.cache.join(ELSEWHERE));
    for entry in links.into_iter().flatten().flatten() {
        match fs::read_link(entry.path()) {
            Ok(home) if home.is_dir() => out.push(home),
            _ => {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
    out[1..].sort();
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_home_is_remembered_once_and_forgotten_when_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("base/f43");
        fs::create_dir_all(&home).unwrap();
        let mut host = Host::read().unwrap();
        host.dirs.cache = dir.path().join("cache");
        let links = host.dirs.cache.join(ELSEWHERE);
        remember(&links, &home);
        remember(&links, &home);
        assert_eq!(all(&host), [usual(&host), home.clone()]);
        fs::remove_dir(&home).unwrap();
        assert_eq!(all(&host), [usual(&host)]);
        assert_eq!(fs::read_dir(&links).unwrap().count(), 0);
    }

    #[test]
    fn the_cache_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("new/cache");
        let mut host = Host::read().unwrap();
        host.dirs.cache = cache.clone();
        host.env.remove("RPMKIT_CACHE_DIR");
        let mode = || fs::metadata(&cache).unwrap().permissions().mode() & 0o777;
        let open_up = || fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).unwrap();
        private_cache(&host).unwrap();
        assert_eq!(mode(), 0o700);
        open_up();
        private_cache(&host).unwrap();
        assert_eq!(mode(), 0o700);
        open_up();
        host.env
            .insert("RPMKIT_CACHE_DIR".into(), cache.display().to_string());
        private_cache(&host).unwrap();
        assert_eq!(mode(), 0o755);
    }
}
