//! `mount`: file systems a configuration wants in its chroots.

use std::path::{Path, PathBuf};

use rpmkit_sandbox::Mount;

use super::{BuildError, failed};
use rpmkit_config::Plugins;

/// The bind mounts and file systems of a configuration. `home` is the build user's.
pub(crate) fn all(plugins: &Plugins, home: &Path) -> Result<Vec<Mount>, BuildError> {
    let binds = plugins.bind_mounts().into_iter();
    let mut mounts: Vec<Mount> = binds.map(|(from, to)| Mount::bind(from, to)).collect();
    for mount in &mounts {
        outside_build_tree("bind_mount", mount, home)?;
    }
    for mount in self::mounts(plugins)? {
        outside_build_tree("mount", &mount, home)?;
        mounts.push(mount);
    }
    Ok(mounts)
}

/// Refuses a mount that would hide what is laid out for a build, or what it makes, from us: both are
/// reached from the host, where no mount of the chroot is seen.
fn outside_build_tree(plugin: &'static str, mount: &Mount, home: &Path) -> Result<(), BuildError> {
    let target = match mount {
        Mount::Bind { target, .. }
        | Mount::Inner { target, .. }
        | Mount::Tmpfs { target, .. }
        | Mount::Overlay { target, .. }
        | Mount::Given { target, .. } => target,
    };
    // `/a//b/.` is `/a/b`; a way up is as good as anywhere.
    let place: PathBuf = target.components().collect();
    let tree = home.join("build");
    let ours = ["SPECS", "SOURCES", "RPMS", "SRPMS"];
    let inside = |dir: &str| place.starts_with(tree.join(dir));
    if !tree.starts_with(&place) && !ours.into_iter().any(inside) {
        return Ok(());
    }
    Err(failed(
        plugin,
        format!(
            "nothing can be mounted at `{}`, because sources are laid out and packages are found below `{}`; \
             mount at `{}` or anywhere outside the build tree",
            place.display(),
            tree.display(),
            tree.join("BUILD").display()
        ),
    ))
}

/// What the configuration asks for. Binds and file systems in memory can be had without privilege; for
/// all others the host has to mount and the chroot to bind.
fn mounts(plugins: &Plugins) -> Result<Vec<Mount>, BuildError> {
    plugins.mounts().iter().map(one).collect()
}

fn one([device, path, kind, options]: &[String; 4]) -> Result<Mount, BuildError> {
    let words: Vec<&str> = options.split(',').map(str::trim).collect();
    let value = |key: &str| {
        words
            .iter()
            .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    };
    if kind == "tmpfs" {
        let wrong = |what: &str| failed("mount", format!("`{path}`: {what} in `{options}`"));
        let mode = match value("mode") {
            Some(text) => {
                u32::from_str_radix(text, 8).map_err(|_| wrong("mode is no octal number"))?
            }
            None => 0o1777,
        };
        let size = match value("size") {
            Some(text) => Some(bytes(text).ok_or_else(|| wrong("size is no number of bytes"))?),
            None => None,
        };
        return Ok(Mount::Tmpfs {
            target: path.into(),
            mode,
            size,
        });
    }
    if kind == "bind" || words.iter().any(|word| ["bind", "rbind"].contains(word)) {
        return Ok(Mount::Bind {
            source: device.into(),
            target: path.into(),
            read_only: words.contains(&"ro"),
            optional: false,
        });
    }
    Err(failed(
        "mount",
        format!(
            "a file system of type `{kind}` cannot be mounted at `{path}` without privilege: mount it on the \
             host and let the plugin bind_mount bring it in"
        ),
    ))
}

/// `512m` as a number of bytes.
fn bytes(text: &str) -> Option<u64> {
    let unit = match text.chars().last()?.to_ascii_lowercase() {
        'k' => 1 << 10,
        'm' => 1 << 20,
        'g' => 1 << 30,
        _ => return text.parse().ok(),
    };
    text[..text.len() - 1]
        .parse::<u64>()
        .ok()?
        .checked_mul(unit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(words: [&str; 4]) -> Result<Mount, BuildError> {
        one(&words.map(str::to_owned))
    }

    #[test]
    fn entries_become_mounts_of_their_kind() {
        assert!(matches!(
            entry(["none", "/mnt/x", "tmpfs", "size=2m,mode=0700"]),
            Ok(Mount::Tmpfs {
                mode: 0o700,
                size: Some(2_097_152),
                ..
            })
        ));
        assert!(matches!(
            entry(["/srv", "/mnt/x", "", "bind,ro"]),
            Ok(Mount::Bind {
                read_only: true,
                ..
            })
        ));
        assert!(entry(["/dev/sda1", "/mnt/x", "ext4", ""]).is_err());
        assert!(entry(["none", "/mnt/x", "tmpfs", "size=big"]).is_err());
    }

    #[test]
    fn what_would_hide_the_build_tree_is_refused() {
        let home = Path::new("/builddir");
        let at = |path: &str| outside_build_tree("bind_mount", &Mount::bind("/srv", path), home);
        for hidden in [
            "/builddir",
            "/builddir//build/.",
            "/builddir/build/SOURCES",
            "/builddir/build/SPECS/x.spec",
        ] {
            let told = at(hidden).unwrap_err().to_string();
            assert!(told.contains("bind_mount") && told.contains("outside the build tree"));
        }
        for fine in [
            "/builddir/.m2",
            "/builddir/build/BUILD",
            "/builddir/builds",
            "/srv",
        ] {
            at(fine).unwrap();
        }
    }
}
