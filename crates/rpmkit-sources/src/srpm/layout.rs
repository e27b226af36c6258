//! Layouts of packaging repositories: Fedora's `sources`, the `.NAME.metadata` of CentOS Linux, Rocky,
//! Alma and OpenELA, and openSUSE's files.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{SourceTree, SrpmError};
use rpmkit_vcs::{
    distgit::{self, ListedSource},
    git,
};

/// Files included in one another, and bytes of all of them together.
const MAX_INCLUDES: usize = 20;
const MAX_INCLUDED: usize = 1 << 20;

fn read_text(tree: &SourceTree, path: &Path) -> Option<String> {
    let path = path.as_os_str().as_bytes();
    tree.has(path)
        .then(|| tree.read(path).ok())
        .flatten()
        .and_then(|text| String::from_utf8(text).ok())
}

/// The directory of the packaging a spec belongs to: that of `SPECS`, or the spec's own.
fn home(spec: &Path) -> &Path {
    let dir = spec.parent().unwrap_or(Path::new(""));
    match dir.file_name() {
        Some(name) if name == "SPECS" => dir.parent().unwrap_or(Path::new("")),
        _ => dir,
    }
}

/// The `.NAME.metadata` of a spec: the one of its own name, or the only one there.
fn metadata(tree: &SourceTree, spec: &Path) -> Option<PathBuf> {
    let home = home(spec);
    let stem = spec.file_stem().unwrap_or_default().to_string_lossy();
    let own = home.join(format!(".{stem}.metadata"));
    let mut all = metadata_files(tree, home);
    match all.iter().position(|path| *path == own) {
        Some(at) => Some(all.swap_remove(at)),
        None if all.len() == 1 => all.pop(),
        None => None,
    }
}

fn metadata_files(tree: &SourceTree, dir: &Path) -> Vec<PathBuf> {
    tree.files()
        .iter()
        .map(|path| git::bytes_path(path))
        .filter(|path| path.parent() == Some(dir))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().as_bytes();
            name.starts_with(b".") && name.ends_with(b".metadata")
        })
        .map(Path::to_owned)
        .collect()
}

/// The file that lists what the lookaside cache has for a spec, and what it lists.
pub(super) fn listed(
    tree: &SourceTree,
    spec: &Path,
) -> Result<Option<(PathBuf, Vec<ListedSource>)>, SrpmError> {
    let dir = spec.parent().unwrap_or(Path::new(""));
    for path in [dir.join("sources"), home(spec).join("sources")] {
        if let Some(text) = read_text(tree, &path) {
            let list = distgit::parse_sources(&text, &path)?;
            if !list.is_empty() {
                return Ok(Some((path, list)));
            }
        }
    }
    let Some(path) = metadata(tree, spec) else {
        return Ok(None);
    };
    let list = distgit::parse_metadata(&read_text(tree, &path).unwrap_or_default(), &path)?;
    Ok(Some((path, list)))
}

/// Of several specs in a packaging repository, the one that is called as the repository is.
pub(super) fn own_spec(tree: &SourceTree, specs: &[PathBuf]) -> Option<PathBuf> {
    let stem = |spec: &Path| {
        let stem = spec.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    };
    let first = specs.first()?;
    let packaging = metadata_files(tree, home(first));
    let fedora = || tree.has(home(first).join("sources").as_os_str().as_bytes());
    if packaging.is_empty() && !fedora() {
        return None;
    }
    let remote = distgit::remote_url(tree.root());
    let remote = distgit::RemotePackage::of(remote.as_deref(), tree.root()).name;
    let named = |name: &str| specs.iter().find(|spec| stem(spec) == name).cloned();
    named(&remote).or_else(|| match packaging.as_slice() {
        [only] => named(stem(only).trim_start_matches('.')),
        _ => None,
    })
}

/// What openSUSE's build service would do with files beside the spec, and nobody does here.
pub(super) fn notes(tree: &SourceTree, spec: &Path) -> Vec<String> {
    let dir = spec.parent().unwrap_or(Path::new(""));
    let mut notes = Vec::new();
    if let Some(service) = read_text(tree, &dir.join("_service")) {
        let names = quoted_after(&service, "<service ", "name=");
        notes.push(format!(
            "`_service` is not run ({}): what its services make must be in the tree, in --sources DIR, or have a URL (--get-sources)",
            names.join(", ")
        ));
    }
    if let Some(flavors) = read_text(tree, &dir.join("_multibuild")) {
        let names: Vec<&str> = flavors
            .split("<flavor>")
            .skip(1)
            .chain(flavors.split("<package>").skip(1))
            .filter_map(|rest| rest.split('<').next())
            .map(str::trim)
            .collect();
        notes.push(format!(
            "`_multibuild` names {}: the source package is that of the spec without a flavor",
            names.join(", ")
        ));
    }
    let changes = spec.with_extension("changes");
    if tree.has(changes.as_os_str().as_bytes()) {
        notes.push(format!(
            "`{}` stays out: the source package's changelog is the spec's own",
            changes.display()
        ));
    }
    notes
}

/// The values of an attribute in elements that begin with `start`.
fn quoted_after(text: &str, start: &str, attribute: &str) -> Vec<String> {
    text.split(start)
        .skip(1)
        .filter_map(|element| element.split('>').next()?.split_once(attribute))
        .filter_map(|(_, value)| {
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            Some(value[1..].split(quote).next()?.to_owned())
        })
        .collect()
}

/// The spec as the build service hands it to rpm: without a flavor's name, and with the files of the tree
/// it includes by a plain path. A source package has those only as its sources, if at all.
pub(super) fn filled_in(tree: &SourceTree, spec: &Path, text: String) -> (String, Vec<String>) {
    let dir = spec.parent().unwrap_or(Path::new(""));
    let mut text = text;
    if tree.has(dir.join("_multibuild").as_os_str().as_bytes()) {
        text = text.replace("@BUILD_FLAVOR@", "");
    }
    let mut notes = Vec::new();
    // Each round puts the outermost includes in; a file that includes itself ends with the count.
    for _ in 0..MAX_INCLUDES {
        let mut included = 0;
        let mut out = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let found = plain_include(line)
                .filter(|_| included + text.len() < MAX_INCLUDED && notes.len() < MAX_INCLUDES)
                .and_then(|file| {
                    let there = [dir.join(file), PathBuf::from(file)];
                    there
                        .into_iter()
                        .find_map(|path| Some((read_text(tree, &path)?, path)))
                });
            match found {
                Some((content, path)) => {
                    included += content.len().max(1);
                    out.push_str(&content);
                    if !content.ends_with('\n') {
                        out.push('\n');
                    }
                    notes.push(format!("`{}` is put into the spec", path.display()));
                }
                None => out.push_str(line),
            }
        }
        text = out;
        if included == 0 {
            break;
        }
    }
    (text, notes)
}

/// The file of `%include FILE`, written without macros and below the spec.
fn plain_include(line: &str) -> Option<&str> {
    let file = line.strip_prefix("%include")?;
    let file = file
        .starts_with([' ', '\t'])
        .then(|| file.trim().trim_matches('"'))?;
    let file = file.strip_prefix("./").unwrap_or(file);
    let plain = !file.is_empty()
        && !file.contains(['%', '\0'])
        && !file.starts_with('/')
        && file.split('/').all(|part| part != "..");
    plain.then_some(file)
}
