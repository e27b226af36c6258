//! What the documents say of the code is so: the glossary's types exist, one name is one type, and files that are named are
//! there.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Names that stand for more than one type, since each is hidden behind another one in its own file.
const SHARED: [&str; 1] = ["Inner"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A type: its name, whether others than its file can see it, and its file.
struct Type {
    name: String,
    visible: bool,
    file: String,
}

/// Types of all crates that are not of their tests.
fn types() -> Vec<Type> {
    let mut types = Vec::new();
    for entry in walkdir::WalkDir::new(root().join("crates")) {
        let entry = entry.unwrap();
        let path = entry.path();
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        let of_tests = ["/tests", "/testing", "/examples/", "/model.rs", "/crash.rs"];
        if path.extension().is_none_or(|e| e != "rs") || of_tests.iter().any(|t| shown.contains(t))
        {
            continue;
        }
        for line in fs::read_to_string(path).unwrap().lines() {
            types.extend(declared(line).map(|(name, visible)| Type {
                name: name.to_owned(),
                visible,
                file: shown.clone(),
            }));
        }
    }
    types
}

/// The name and whether it is visible, of a line that declares a type at the top of its file.
fn declared(line: &str) -> Option<(&str, bool)> {
    let (visible, rest) = match line.strip_prefix("pub") {
        Some(rest) => (true, rest.split_once(' ')?.1),
        None => (false, line),
    };
    let rest = ["struct ", "enum ", "trait ", "type "]
        .iter()
        .find_map(|word| rest.strip_prefix(word))?;
    let end = rest
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(rest.len());
    Some((&rest[..end], visible))
}

/// What stands between backquotes in a document.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

#[test]
fn declarations_are_told_from_other_lines() {
    assert_eq!(declared("pub struct Layer {"), Some(("Layer", true)));
    assert_eq!(declared("pub(crate) enum A<T> {"), Some(("A", true)));
    assert_eq!(declared("trait B: Send {"), Some(("B", false)));
    assert_eq!(declared("    struct Inner {"), None);
    assert_eq!(declared("pub fn struct_of() {"), None);
}

#[test]
fn every_type_of_the_glossary_is_where_it_is_said_to_be() {
    let types = types();
    let text = document("docs/glossary.md");
    let named: Vec<(&str, &str)> = quoted(&text)
        .filter(|word| word.starts_with("rpmkit-"))
        .map(|word| word.split_once("::").unwrap())
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for (of, name) in named {
        let dir = format!("crates/{of}/");
        let found = types
            .iter()
            .any(|t| t.name == name && t.file.starts_with(&dir));
        assert!(found, "`{of}` has no type `{name}`");
    }
}

#[test]
fn one_name_is_one_type() {
    let mut by_name: BTreeMap<String, Vec<Type>> = BTreeMap::new();
    for one in types() {
        by_name.entry(one.name.clone()).or_default().push(one);
    }
    let doubled: Vec<String> = by_name
        .iter()
        .filter(|(name, all)| {
            let files: BTreeSet<&str> = all.iter().map(|t| t.file.as_str()).collect();
            files.len() > 1 && all.iter().any(|t| t.visible) && !SHARED.contains(&name.as_str())
        })
        .map(|(name, all)| {
            let files: Vec<&str> = all.iter().map(|t| t.file.as_str()).collect();
            format!("{name}: {}", files.join(", "))
        })
        .collect();
    assert!(doubled.is_empty(), "{}", doubled.join("\n"));
}

#[test]
fn files_that_documents_name_are_there() {
    for name in [
        "README.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/chain.md",
        "docs/configuration.md",
        "docs/exit-codes.md",
        "docs/mock-compat.md",
        "docs/plugins.md",
        "docs/sandbox.md",
        "docs/snapshots.md",
        "docs/sources.md",
    ] {
        for path in quoted(&document(name)) {
            let below = match path.split_once('/') {
                Some((dir, _)) if dir.starts_with("rpmkit") => root().join("crates").join(path),
                Some(("crates" | "xtask", _)) => root().join(path),
                _ => continue,
            };
            let plain = !path.contains([' ', '*']);
            assert!(!plain || below.exists(), "{name} names `{path}`");
        }
    }
}
