//! Programs of rpm's own that sections call.

use super::{finding::Finding, scene::Scene, text};

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if line.starts_with('+') {
            return None;
        }
        if let Some(rest) = text::behind(line, "No translations found for ") {
            let name = rest.split_whitespace().next().unwrap_or(rest);
            return Some(
                Finding::new(at, format!("`%find_lang` found no translations for `{name}` in the build root"))
                    .hint("see that `%install` installs them below `/usr/share/locale`, or leave `%find_lang` and its `-f` out"),
            );
        }
        let found = || Finding::new(at, line.trim());
        if line.contains("*** ERROR: ambiguous python shebang") {
            return Some(found().hint("name the version: `#!/usr/bin/python3`, for instance with `%py3_shebang_fix`"));
        }
        if line.contains("contains a standard runpath") || line.contains("contains an invalid runpath") {
            return Some(found().hint("take it out: `--disable-rpath`, `-DCMAKE_SKIP_INSTALL_RPATH=ON`, or `chrpath --delete`"));
        }
        if line.contains("found in installed files; aborting") || line.contains("Found '") && line.contains("BUILDROOT") {
            // The lines above name the files.
            let file = scene.before(at, 20, |line| {
                let path = text::between(line, "Binary file ", " matches").or_else(|| line.split(':').next())?;
                let (_, below) = path.split_once("/BUILDROOT/")?;
                let (package, file) = below.split_once('/')?;
                Some(if package.contains('-') { format!("/{file}") } else { format!("/{below}") })
            });
            let found = match file {
                Some(file) => Finding::new(at, format!("`{file}` names the build root: {}", line.trim())),
                None => found(),
            };
            return Some(found.hint("see what writes that path into the package, often a `--prefix` that had `%{buildroot}` in it"));
        }
        None
    })
}
