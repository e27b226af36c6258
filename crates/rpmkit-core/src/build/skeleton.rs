//! The build user, files and accounts of a new root.

#![allow(clippy::disallowed_methods, reason = "the host's own certificates")]

use std::{
    io,
    path::{Path, PathBuf},
};

use rpmkit_config::Settings;
use rpmkit_pm::{Account, Skeleton, SkeletonFile};
use rpmkit_types::{ChrootPath, event::Events};

/// What mock copies to `ssl_ca_bundle_path`, on Fedora and its kin; where others have the same comes after it.
const HOST_CA_BUNDLES: [&str; 4] = [
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// Files taken of one directory of certificates, and bytes of one file. The largest bundles have 2 MB.
const MOST_FILES: usize = 2000;
const MOST_BYTES: u64 = 8 << 20;

/// What the package managers of the chroot itself find: the configuration, as mock writes it, and its variables.
fn package_manager_files(settings: &Settings) -> Vec<SkeletonFile> {
    let repositories = &settings.repositories;
    let file = |path: String, content: String| SkeletonFile {
        path: ChrootPath::new(path),
        content,
        only_if_absent: false,
    };
    let conf = without_secrets(&repositories.own_conf);
    let mut files = vec![file("/etc/dnf/dnf.conf".into(), conf.clone())];
    if repositories.package_manager == "yum" {
        files.push(file("/etc/yum/yum.conf".into(), conf));
    }
    let plain = |name: &str| !name.is_empty() && !name.contains(['/', '.']);
    let vars = repositories.dnf_vars.iter().filter(|(name, _)| plain(name));
    files.extend(vars.map(|(name, value)| file(format!("/etc/dnf/vars/{name}"), value.clone())));
    files
}

/// A `dnf.conf` without what only the package manager outside may know: builds read this one.
fn without_secrets(conf: &str) -> String {
    const SECRET: [&str; 4] = ["username", "password", "proxy_username", "proxy_password"];
    let mut out = String::with_capacity(conf.len());
    for line in conf.lines() {
        let key = line.split_once('=').map(|(key, _)| key.trim());
        if key.is_some_and(|key| SECRET.contains(&key)) {
            continue;
        }
        // `https://name:word@host/` becomes `https://host/`.
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("://") {
            out.push_str(before);
            out.push_str("://");
            let host = after.find(['/', ' ', ',']).unwrap_or(after.len());
            let at = after[..host].rfind('@').map_or(0, |at| at + 1);
            rest = &after[at..];
        }
        out.push_str(rest);
        out.push('\n');
    }
    out
}

/// The text files below a directory of the host's, for a directory of the chroot. Links are followed, as the
/// host's directories are made of them; keystores that are no text are left out.
fn certificates(from: &Path, to: &Path) -> io::Result<Vec<SkeletonFile>> {
    let mut found = Vec::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(below) = todo.pop() {
        for entry in std::fs::read_dir(from.join(&below))? {
            let inside = below.join(entry?.file_name());
            let Ok(meta) = std::fs::metadata(from.join(&inside)) else {
                continue;
            };
            if meta.is_dir() && inside.components().count() < 8 {
                todo.push(inside);
            } else if meta.is_file() && meta.len() <= MOST_BYTES && found.len() < MOST_FILES {
                let content = std::fs::read_to_string(from.join(&inside));
                found.extend(content.ok().map(|content| SkeletonFile {
                    path: ChrootPath::new(to.join(&inside)),
                    content,
                    // mock copies before packages are installed: theirs win.
                    only_if_absent: true,
                }));
            }
        }
    }
    found.sort_by(|a, b| a.path.as_path().cmp(b.path.as_path()));
    Ok(found)
}

/// What a new root of this configuration is completed with. What the host lacks for it is said and left out.
pub(super) fn of(settings: &Settings, events: &Events) -> Skeleton {
    let s = settings;
    let mut files: Vec<SkeletonFile> = s
        .chroot
        .files
        .iter()
        .map(|(path, content)| SkeletonFile {
            path: ChrootPath::new(path),
            content: content.clone(),
            only_if_absent: true,
        })
        .collect();
    files.extend(package_manager_files(settings));
    if let Some(path) = &s.chroot.ca_bundle {
        let bundle = HOST_CA_BUNDLES
            .iter()
            .find_map(|place| std::fs::read_to_string(place).ok());
        match bundle {
            Some(content) => files.push(SkeletonFile {
                path: ChrootPath::new(path),
                content,
                only_if_absent: false,
            }),
            // mock goes on without it, too.
            None => events.warn(format!(
                "option `ssl_ca_bundle_path` is `{path}`, and the host has no bundle at `{}`",
                HOST_CA_BUNDLES.join("`, `")
            )),
        }
    }
    for (from, to) in &s.chroot.ca_trust_dirs {
        match certificates(Path::new(from), Path::new(to)) {
            Ok(found) => files.extend(found),
            Err(e) => events.warn(format!(
                "option `ssl_copied_ca_trust_dirs`: `{from}` of the host cannot be read: {e}"
            )),
        }
    }
    Skeleton {
        user: s.chroot.chrootuser.clone(),
        uid: s.chroot.chrootuid,
        group: s.chroot.chrootgroup.clone(),
        gid: s.chroot.chrootgid,
        home: ChrootPath::new(&s.chroot.chroothome),
        directories: s
            .chroot
            .extra_chroot_dirs
            .iter()
            .map(ChrootPath::new)
            .collect(),
        files,
        accounts: s
            .chroot
            .accounts
            .iter()
            .filter_map(|(name, user)| {
                let Some(user) = user else {
                    events.warn(format!(
                        "option `copy_host_users`: the host has no user `{name}`"
                    ));
                    return None;
                };
                Some(Account {
                    name: name.clone(),
                    uid: user.uid,
                    gid: user.gid,
                    home: user.home.clone(),
                    shell: user.shell.clone(),
                })
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_build_may_not_know_is_not_written_into_its_root() {
        let conf = "[main]\n[r]\nbaseurl=https://me:word@example.com/a, http://b/@x\nusername = me\npassword=word\nkey=1\n";
        assert_eq!(
            without_secrets(conf),
            "[main]\n[r]\nbaseurl=https://example.com/a, http://b/@x\nkey=1\n"
        );
    }

    #[test]
    fn directories_of_certificates_are_taken_with_what_links_mean() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        std::fs::create_dir(top.join("pem")).unwrap();
        std::fs::write(top.join("pem/a.pem"), "A").unwrap();
        std::fs::write(top.join("keystore"), [0xff, 0xfe]).unwrap();
        std::os::unix::fs::symlink("pem/a.pem", top.join("b.pem")).unwrap();
        let found = certificates(top, Path::new("/etc/ca")).unwrap();
        let shown: Vec<String> = found
            .iter()
            .map(|file| format!("{}={}", file.path, file.content))
            .collect();
        assert_eq!(shown, ["/etc/ca/b.pem=A", "/etc/ca/pem/a.pem=A"]);
        assert!(certificates(&top.join("gone"), Path::new("/x")).is_err());
    }
}
