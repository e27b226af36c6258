//! The build user, files and accounts of a new root.

use rpmkit_config::Settings;
use rpmkit_pm::{Account, Skeleton, SkeletonFile};
use rpmkit_types::{ChrootPath, event::Events};

/// What mock copies to `ssl_ca_bundle_path`: the place of it on Fedora and its kin.
const HOST_CA_BUNDLE: &str = "/etc/pki/tls/certs/ca-bundle.crt";

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
    if let Some(path) = &s.chroot.ca_bundle {
        #[allow(clippy::disallowed_methods, reason = "the host's own certificates")]
        let bundle = std::fs::read_to_string(HOST_CA_BUNDLE);
        match bundle {
            Ok(content) => files.push(SkeletonFile {
                path: ChrootPath::new(path),
                content,
                only_if_absent: false,
            }),
            // mock goes on without it, too.
            Err(e) => events.warn(format!(
                "option `ssl_ca_bundle_path` is `{path}`, and the host's `{HOST_CA_BUNDLE}` cannot be read: {e}"
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
