//! Provides found in the files, as rpm's generators would: libraries, pkg-config, CMake, Perl and Python names.

use std::collections::BTreeSet;

use rpm::Dependency;

use super::deb::{DebKind, Entry};
use super::elf;

/// Everything the files of one package provide, sorted, each once; `python` is such as `3.11`.
pub fn find(entries: &[Entry], python: &str) -> Vec<Dependency> {
    let mut found: BTreeSet<(String, Option<String>)> = BTreeSet::new();
    for entry in entries {
        // `/bin/sh` is asked for by that name although it lies in `/usr/bin`.
        if entry.path != entry.original
            && !matches!(entry.kind, DebKind::Dir)
            && entry.original.contains("bin/")
        {
            found.insert((entry.original.clone(), None));
        }
        if let DebKind::File(bytes) = &entry.kind {
            in_file(&entry.path, bytes, python, &mut found);
        }
    }
    found
        .into_iter()
        .map(|(name, version)| match version {
            Some(version) => Dependency::eq(name, version),
            None => Dependency::any(name),
        })
        .collect()
}

fn in_file(path: &str, bytes: &[u8], python: &str, found: &mut BTreeSet<(String, Option<String>)>) {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    if name.contains(".so") {
        // Private modules of Python and Perl are no libraries.
        if !dir.contains("/python3") && !dir.contains("/perl") {
            found.extend(elf::provides(bytes).into_iter().map(|one| (one, None)));
        }
    } else if let Some(module) = name
        .strip_suffix(".pc")
        .filter(|_| dir.ends_with("/pkgconfig"))
    {
        found.insert((
            format!("pkgconfig({module})"),
            pkgconfig_version(&String::from_utf8_lossy(bytes)),
        ));
    } else if let Some(module) = cmake_module(dir, name) {
        found.insert((format!("cmake({module})"), None));
    } else if let Some(module) = perl_module(path) {
        found.insert((format!("perl({module})"), perl_version(bytes)));
    } else if (name == "METADATA" && dir.ends_with(".dist-info"))
        || (name == "PKG-INFO" && dir.ends_with(".egg-info"))
        || name.ends_with(".egg-info")
    {
        distribution(&String::from_utf8_lossy(bytes), python, found);
    }
}

fn clean(version: &str) -> Option<String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._+~^".contains(c);
    let version = version.trim().replace('-', ".");
    (!version.is_empty() && version.chars().all(fine)).then_some(version)
}

fn pkgconfig_version(text: &str) -> Option<String> {
    let mut version = text
        .lines()
        .find_map(|line| line.strip_prefix("Version:"))?
        .trim()
        .to_owned();
    for line in text.lines() {
        if let Some((name, value)) = line.split_once('=') {
            version = version.replace(&format!("${{{}}}", name.trim()), value.trim());
        }
    }
    clean(&version)
}

fn cmake_module(dir: &str, name: &str) -> Option<String> {
    if !dir.contains("/cmake/") {
        return None;
    }
    let module = name
        .strip_suffix("Config.cmake")
        .or_else(|| name.strip_suffix("-config.cmake"))?;
    (!module.is_empty()).then(|| module.to_owned())
}

fn perl_module(path: &str) -> Option<String> {
    let module = path.strip_suffix(".pm")?;
    let roots = ["/usr/share/perl5/", "/usr/share/perl/", "/usr/lib/"];
    let rest = roots.iter().find_map(|root| module.strip_prefix(root))?;
    // Below /usr/share/perl/5.36 and /usr/lib/TRIPLET/perl*/5.36 the module's path starts behind the version.
    let mut parts: Vec<&str> = rest.split('/').collect();
    if !path.starts_with(roots[0]) {
        let from = parts
            .iter()
            .position(|part| part.starts_with("5.") || *part == "perl-base" || *part == "perl5")?;
        parts.drain(..=from);
        if parts.first().is_some_and(|part| part.starts_with("5.")) {
            parts.remove(0);
        }
    }
    (!parts.is_empty()).then(|| parts.join("::"))
}

fn perl_version(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().find(|line| {
        line.contains("VERSION") && line.contains('=') && !line.trim().starts_with('#')
    })?;
    let value = line
        .split_once('=')?
        .1
        .trim()
        .trim_start_matches(['\'', '"', 'v']);
    let number: String = value
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    number
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| number.trim_end_matches('.').to_owned())
}

fn distribution(text: &str, python: &str, found: &mut BTreeSet<(String, Option<String>)>) {
    let field = |key: &str| {
        text.lines()
            .take_while(|line| !line.is_empty())
            .find_map(|line| line.strip_prefix(key))
    };
    if let (Some(name), Some(version)) = (field("Name:"), field("Version:")) {
        let mut normal = String::new();
        for c in name.trim().to_ascii_lowercase().chars() {
            let c = if "-_.".contains(c) { '-' } else { c };
            if !(c == '-' && normal.ends_with('-')) {
                normal.push(c);
            }
        }
        found.insert((format!("python3dist({normal})"), clean(version)));
        found.insert((format!("python{python}dist({normal})"), clean(version)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, bytes: &[u8]) -> Vec<String> {
        let mut found = BTreeSet::new();
        in_file(path, bytes, "3.11", &mut found);
        found
            .into_iter()
            .map(|(name, version)| format!("{name} {}", version.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn generators() {
        assert_eq!(
            names("/usr/lib/x/pkgconfig/zlib.pc", b"v=1.2\nVersion: ${v}.13\n"),
            ["pkgconfig(zlib) 1.2.13"]
        );
        assert_eq!(
            names(
                "/usr/share/perl/5.36.0/File/Temp.pm",
                b"our $VERSION = '0.2311';"
            ),
            ["perl(File::Temp) 0.2311"]
        );
        assert_eq!(
            names("/usr/lib/x86_64-linux-gnu/perl/5.36/POSIX.pm", b""),
            ["perl(POSIX) "]
        );
        assert_eq!(
            names("/usr/share/perl5/Text/Glob.pm", b""),
            ["perl(Text::Glob) "]
        );
        assert_eq!(
            names("/usr/lib/x/cmake/Foo/FooConfig.cmake", b""),
            ["cmake(Foo) "]
        );
        let metadata = b"Name: Flit_Core\nVersion: 3.8.0\n\nName: no\n";
        assert_eq!(
            names(
                "/usr/lib/python3/dist-packages/flit.dist-info/METADATA",
                metadata
            ),
            [
                "python3.11dist(flit-core) 3.8.0",
                "python3dist(flit-core) 3.8.0"
            ]
        );
    }
}
