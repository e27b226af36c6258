//! Newer definitions, taken into the user's configuration directory all at once.
//!
//! They lie in `definitions` beside the user's own files, which come before them; a link, so that one
//! rename puts a whole new set into the place of the old one:
//!
//! ```text
//! rpmkit/definitions -> .definitions-1-x7Kq2p
//! rpmkit/.definitions-1-x7Kq2p/{*.cfg,*.toml,templates/*,eol/*}
//! ```
//! The number is the format. Nothing in a definition is run, then or later.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{ConfigError, LoadRequest, Loader, list};

/// The directory with what was taken, in the user's own configuration directory.
pub(super) const PLACE: &str = "definitions";
const PREFIX: &str = ".definitions-1-";
/// Where definitions are in what they come in: in a directory of their own, in an installed tree or a package,
/// in mock's repository.
const TOPS: [&str; 3] = ["", "etc/mock", "mock-core-configs/etc/mock"];
/// Directories taken besides the top.
const BELOW: [&str; 3] = ["templates", "eol", "eol/templates"];
/// More files than any collection has by far, and bytes in one of them.
const MOST_FILES: usize = 5000;
const LARGEST: u64 = 1 << 20;

/// What was taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Updated {
    /// The directory they are in now.
    pub dir: PathBuf,
    /// Names of chroots that can be used, sorted.
    pub usable: Vec<String>,
    /// Names of chroots that cannot, with the reason.
    pub unusable: Vec<(String, String)>,
}

/// Takes the definitions in `from`: mock's `.cfg` files with their templates, and ours. Files about the site
/// and its users stay where they are. All of them are read before any is used.
///
/// # Errors
/// There are none in `from`, too many, or one is too large; or the user's directory cannot be written.
/// What was there before is then as it was.
pub fn update(request: &LoadRequest, from: &Path) -> Result<Updated, ConfigError> {
    let top = TOPS
        .iter()
        .map(|top| from.join(top))
        .find(|dir| has_definitions(dir))
        .ok_or_else(|| bad(from, "no definitions are in it: expected `.cfg` or `.toml` files there, in `etc/mock` or in `mock-core-configs/etc/mock`"))?;
    let own = request.host.xdg_config_home.join("rpmkit");
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| ConfigError::Write { path, source }
    };
    fs::create_dir_all(&own).map_err(at(&own))?;
    let staged = tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir_in(&own)
        .map_err(at(&own))?;
    let mut count = take(&top, staged.path(), 0)?;
    for below in BELOW {
        if top.join(below).is_dir() {
            let to = staged.path().join(below);
            fs::create_dir(&to).map_err(at(&to))?;
            count = take(&top.join(below), &to, count)?;
        }
    }
    let (usable, unusable) = look_over(request, staged.path());
    let link = own.join(PLACE);
    if fs::symlink_metadata(&link).is_ok_and(|meta| !meta.is_symlink()) {
        return Err(bad(&link, "it is no link of ours; move it away first"));
    }
    let dir = staged.keep();
    let name = dir.file_name().unwrap_or_default();
    let new = own.join(format!("{}.new", name.to_string_lossy()));
    std::os::unix::fs::symlink(name, &new).map_err(at(&new))?;
    fs::rename(&new, &link).map_err(at(&link))?;
    File::open(&own)
        .and_then(|own| own.sync_all())
        .map_err(at(&own))?;
    clean(&own, name);
    Ok(Updated {
        dir: link,
        usable,
        unusable,
    })
}

fn bad(path: &Path, reason: &str) -> ConfigError {
    ConfigError::Update {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// What may be a definition or a part of one. The site's own settings are not for others to replace.
fn wanted(name: &str) -> bool {
    let shared = [
        "site-defaults.cfg",
        "site-defaults.toml",
        "user.cfg",
        "user.toml",
    ];
    let kind = [".cfg", ".tpl", ".toml"];
    !name.starts_with('.')
        && !shared.contains(&name)
        && kind.iter().any(|kind| name.ends_with(kind))
}

fn has_definitions(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            wanted(&name) && !name.ends_with(".tpl")
        })
    })
}

/// Copies one directory's files, not what links lead to. Gives how many were taken with these.
fn take(from: &Path, to: &Path, mut count: usize) -> Result<usize, ConfigError> {
    let read = |path: &Path, source| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    let mut names: Vec<_> = fs::read_dir(from)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|e| e.file_name()))
                .collect::<io::Result<_>>()
        })
        .map_err(|e| read(from, e))?;
    names.sort();
    for name in names {
        let path = from.join(&name);
        let plain = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file());
        if !plain || !wanted(&name.to_string_lossy()) {
            continue;
        }
        count += 1;
        if count > MOST_FILES {
            return Err(bad(
                from,
                "it has thousands of files; expected a directory of definitions",
            ));
        }
        let mut data = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut data))
            .map_err(|e| read(&path, e))?;
        if data.len() as u64 > LARGEST {
            return Err(bad(&path, "it is larger than a definition can be"));
        }
        let target = to.join(&name);
        fs::write(&target, data)
            .and_then(|()| File::open(&target)?.sync_all())
            .map_err(|source| ConfigError::Write {
                path: target,
                source,
            })?;
    }
    Ok(count)
}

/// Loads every definition as it will be found later, with the user's own shared files left out.
fn look_over(request: &LoadRequest, dir: &Path) -> (Vec<String>, Vec<(String, String)>) {
    let mut request = request.clone();
    request.configdir = Some(dir.to_owned());
    request.system_dirs = Vec::new();
    request.host.xdg_config_home = dir.to_owned();
    request.host.home = dir.to_owned();
    request.overrides = None;
    let mut loader = Loader::for_listing();
    let (mut usable, mut unusable) = (Vec::new(), Vec::new());
    for (name, file) in list::in_dir(&mut loader, dir, &["cfg", "toml"]).unwrap_or_default() {
        if list::shared(&name) {
            continue;
        }
        request.root.clone_from(&name);
        let loaded = loader
            .load(&request)
            .and_then(|config| config.settings().map(drop));
        match loaded {
            Ok(()) => usable.push(name),
            Err(error) => {
                let prefix = format!("{}/", dir.display());
                let text = error.to_string().replace(&prefix, "");
                let file = file
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                unusable.push((file, text));
            }
        }
    }
    (usable, unusable)
}

/// Removes what earlier updates left. Whoever is reading it has opened it.
fn clean(own: &Path, keep: &std::ffi::OsStr) {
    for entry in fs::read_dir(own).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name != keep && name.to_string_lossy().starts_with(PREFIX) {
            let path = entry.path();
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{HostFacts, load};

    const DEFINITION: &str =
        "config_opts['root'] = 'next-9-x86_64'\ninclude('templates/next.tpl')\n";
    const TEMPLATE: &str =
        "config_opts['target_arch'] = 'x86_64'\nconfig_opts['releasever'] = '9'\n";

    fn request(home: &Path, root: &str) -> LoadRequest {
        let host = HostFacts {
            arch: "x86_64".into(),
            home: home.to_owned(),
            xdg_config_home: home.join(".config"),
            ..HostFacts::default()
        };
        let mut request = LoadRequest::new(root, host);
        request.system_dirs = Vec::new();
        request
    }

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn definitions_are_taken_with_their_templates() {
        let home = tempfile::tempdir().unwrap();
        let top = "mock-core-configs/etc/mock";
        let from = tree(&[
            (&format!("{top}/next-9-x86_64.cfg"), DEFINITION),
            (
                &format!("{top}/broken-1-x86_64.cfg"),
                "import os\nos.system('true')\n",
            ),
            (
                &format!("{top}/site-defaults.cfg"),
                "config_opts['releasever'] = 'site'\n",
            ),
            (&format!("{top}/templates/next.tpl"), TEMPLATE),
            (&format!("{top}/eol/last-8-x86_64.cfg"), DEFINITION),
        ]);
        std::os::unix::fs::symlink("/etc/passwd", from.path().join(top).join("link.cfg")).unwrap();
        let request = request(home.path(), "next-9-x86_64");
        assert!(load(&request).is_err());
        let done = update(&request, from.path()).unwrap();
        assert_eq!(done.usable, ["next-9-x86_64"]);
        assert_eq!(done.unusable.len(), 1);
        assert_eq!(done.unusable[0].0, "broken-1-x86_64.cfg");
        let config = load(&request).unwrap();
        assert_eq!(
            config
                .settings()
                .unwrap()
                .repositories
                .releasever
                .as_deref(),
            Some("9")
        );
        let at = |name: &str| done.dir.join(name).exists();
        assert!(at("eol/last-8-x86_64.cfg") && !at("site-defaults.cfg") && !at("link.cfg"));
    }

    #[test]
    fn a_second_set_takes_the_place_of_the_first() {
        let home = tempfile::tempdir().unwrap();
        let files = [
            ("next-9-x86_64.cfg", DEFINITION),
            ("templates/next.tpl", TEMPLATE),
        ];
        let request = request(home.path(), "next-9-x86_64");
        let own = home.path().join(".config/rpmkit");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("mine.toml"), "").unwrap();
        update(&request, tree(&files).path()).unwrap();
        let renamed = [("later-1-x86_64.cfg", DEFINITION), files[1]];
        update(&request, tree(&renamed).path()).unwrap();
        assert!(load(&request).is_err());
        let mut left: Vec<String> = fs::read_dir(&own)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left.len(), 3, "{left:?}");
        assert_eq!(left[1..], ["definitions", "mine.toml"]);
    }

    #[test]
    fn what_holds_none_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let request = request(home.path(), "next-9-x86_64");
        let files = [
            ("next-9-x86_64.cfg", DEFINITION),
            ("templates/next.tpl", TEMPLATE),
        ];
        update(&request, tree(&files).path()).unwrap();
        let said = update(&request, tree(&[("README", "")]).path())
            .unwrap_err()
            .to_string();
        assert!(said.contains("no definitions"), "{said}");
        let huge = "#".repeat(LARGEST as usize + 1);
        let files = [("next-9-x86_64.cfg", DEFINITION), ("x.cfg", huge.as_str())];
        assert!(update(&request, tree(&files).path()).is_err());
        load(&request).unwrap();
    }
}
