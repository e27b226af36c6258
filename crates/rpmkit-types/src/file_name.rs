//! What names of package files tell.

use std::path::Path;

/// What names of source packages end in: with all sources, and without some (`NoSource:`).
const SOURCE_ENDINGS: [&str; 2] = [".src.rpm", ".nosrc.rpm"];

/// Whether a file is called as source packages are.
pub fn is_source_package(path: &Path) -> bool {
    source_stem(path).is_some()
}

/// `NAME-VERSION-RELEASE` of a file that is called as source packages are; `None` for others.
pub fn source_stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    SOURCE_ENDINGS
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_source_packages() {
        for (name, stem) in [
            ("/x/a-1-1.src.rpm", Some("a-1-1")),
            ("a-1-1.nosrc.rpm", Some("a-1-1")),
            ("a-1-1.x86_64.rpm", None),
            ("a.src.rpm/b", None),
        ] {
            assert_eq!(source_stem(Path::new(name)).as_deref(), stem, "{name}");
        }
    }
}
