//! What is in a package, as lines that can be compared: names, kinds, modes, owners, capabilities, digests, links.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use rpm::PackageMetadata;

/// One line a file, by path.
pub type Contents = BTreeMap<String, String>;

/// Reads the package at `path`.
pub fn read(path: &Path) -> Result<Contents> {
    let package = PackageMetadata::open(path)
        .with_context(|| format!("`{}` is no package", path.display()))?;
    let mut lines = Contents::new();
    for file in package.get_file_entries()? {
        let line = format!(
            "{:06o} {}:{} caps={} size={} digest={} link={}",
            file.mode().raw_mode(),
            file.user(),
            file.group(),
            file.caps().unwrap_or_default(),
            file.size(),
            file.digest()
                .map(|digest| digest.to_string())
                .unwrap_or_default(),
            file.linkto().unwrap_or_default(),
        );
        lines.insert(file.path().to_string_lossy().into_owned(), line);
    }
    Ok(lines)
}

/// How two packages differ, in words; nothing when they do not.
pub fn differences(one: &Contents, other: &Contents) -> Vec<String> {
    let paths: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    paths
        .into_iter()
        .filter(|path| one.get(*path) != other.get(*path))
        .map(|path| {
            let text = |side: &Contents| {
                side.get(path)
                    .cloned()
                    .unwrap_or_else(|| "missing".to_owned())
            };
            format!("{path}:\n    {}\n    {}", text(one), text(other))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_the_path() {
        let of = |pairs: &[(&str, &str)]| -> Contents {
            pairs
                .iter()
                .map(|(path, line)| ((*path).to_owned(), (*line).to_owned()))
                .collect()
        };
        let one = of(&[("/a", "1"), ("/b", "2")]);
        assert!(differences(&one, &one).is_empty());
        let found = differences(&one, &of(&[("/a", "1"), ("/c", "3")]));
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("/b:") && found[0].contains("missing"));
    }
}
