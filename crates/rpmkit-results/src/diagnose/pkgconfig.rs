//! What pkg-config does not find, asked by whatever build system.

use crate::{failure::FailureCause, want::MissingThing};

use super::{finding::Finding, scene::Scene, text};

/// What helps where a version is too old.
pub(super) const NEWER: &str = "build for a chroot whose distribution has that version, or add a repository that has it with `--addrepo`";

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    let (at, _) = scene
        .rev()
        .find(|(_, line)| missing(line).is_some() || too_old(line).is_some())?;
    let line = scene.lines[at];
    let end = closing(scene, at);
    if let Some((wanted, has)) = too_old(line) {
        let has = has.or_else(|| {
            scene.after(at, 2, |below| {
                text::between(below, "has version '", "'")
                    .filter(|_| below.contains("required version is"))
            })
        });
        let text = match has {
            Some(has) => format!("`{wanted}` is needed, and the version installed is {has}"),
            None => format!("`{wanted}` is needed, and the version installed is another"),
        };
        return Some(Finding::new(end, text).from(at).hint(NEWER));
    }
    let mut found = Finding::new(end, line.trim())
        .from(at)
        .cause(FailureCause::MissingComponent {
            requirement: format!("pkgconfig({})", missing(line)?),
            section: scene.section.map(str::to_owned),
        });
    // All that one question left open.
    for near in &scene.lines[at.saturating_sub(8)..=at] {
        if let Some(name) = missing(near) {
            found = found.want(MissingThing::PkgConfig(name.to_owned()));
        }
    }
    Some(found)
}

/// The last line of what configure scripts and CMake say about it.
fn closing(scene: &Scene<'_>, at: usize) -> usize {
    let end = (at + 14).min(scene.lines.len());
    (at..end)
        .rev()
        .find(|nth| {
            text::any(
                scene.lines[*nth],
                &[
                    "pkg-config man page",
                    "PKG_CONFIG_PATH",
                    "_CFLAGS",
                    "A required package was not found",
                    "The following required packages were not found",
                    "required packages were not found",
                    "None of the required",
                ],
            )
        })
        .unwrap_or(at)
}

fn missing(line: &str) -> Option<&str> {
    if line.starts_with('+') {
        return None;
    }
    let name = text::between(line, "No package '", "' found")
        .or_else(|| {
            text::between(line, "Package '", "'").filter(|_| line.trim_end().ends_with("not found"))
        })
        .or_else(|| {
            let (name, _) = line.split_once(" was not found in the pkg-config search path")?;
            name.rsplit("Package ").next()
        })?;
    let name = text::bare(name);
    (!name.is_empty() && !name.contains(' ') && !name.contains("virtual:")).then_some(name)
}

/// What was asked for, and the version that is there, where the same line says it.
fn too_old(line: &str) -> Option<(&str, Option<&str>)> {
    if let Some(wanted) = text::between(line, "Requested '", "'") {
        return Some((wanted, Some(text::behind(line, " is ")?)));
    }
    let wanted = text::between(
        line,
        "Package dependency requirement '",
        "' could not be satisfied",
    )?;
    Some((wanted, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_all_versions() {
        for line in [
            "No package 'zlib' found",
            "--   Package 'zlib', required by 'virtual:world', not found",
            "Package zlib was not found in the pkg-config search path.",
            "Package 'zlib' not found",
        ] {
            assert_eq!(missing(line), Some("zlib"), "{line}");
        }
        assert_eq!(
            too_old("Requested 'glib-2.0 >= 2.80' but version of GLib is 2.74.6"),
            Some(("glib-2.0 >= 2.80", Some("2.74.6")))
        );
    }
}
