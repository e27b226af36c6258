//! filelists.xml, read only to find out who holds certain paths.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::BufRead,
};

use serde::{Deserialize, Serialize};

use super::{
    SolveError, SolveRepo,
    glob::Glob,
    load::open,
    xml::{XmlError, XmlTag, attributes, walk},
};

/// A file and a package that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldFile {
    /// The file.
    pub path: String,
    /// Name of the package.
    pub package: String,
}

/// Which packages hold files that `wanted` takes. Repositories whose file lists are not at hand are
/// left out, and named, unless they may be fetched.
///
/// # Errors
/// When a file list cannot be fetched or read.
pub fn holders(
    repos: &[SolveRepo],
    fetch: bool,
    wanted: impl Fn(&str) -> bool,
) -> Result<(Vec<HeldFile>, Vec<String>), SolveError> {
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    for repo in repos {
        let path = if fetch {
            repo.filelists.path().map_err(|why| SolveError::Filelists {
                repo: repo.id.clone(),
                wanted: "a missing file".to_owned(),
                why,
            })?
        } else {
            let here = repo.filelists.at_hand();
            if here.is_none() {
                left_out.push(repo.id.clone());
            }
            here
        };
        let Some(path) = path else { continue };
        let each = |holder: &PathHolder, file: &str| {
            if wanted(file) {
                found.push(HeldFile {
                    path: file.to_owned(),
                    package: holder.name.clone(),
                });
            }
        };
        read(open(&path, rpmkit_types::MAX_METADATA)?, each).map_err(|error| {
            SolveError::Metadata {
                repo: repo.id.clone(),
                path: path.path,
                error,
            }
        })?;
    }
    Ok((found, left_out))
}

/// One package that holds a path that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct PathHolder {
    pub(crate) name: String,
    pub(crate) arch: String,
    /// Digest of the package, which filelists.xml calls `pkgid`.
    pub(crate) pkgid: String,
}

/// What was looked for in one repository and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lookup {
    /// Paths and globs that were looked for, found or not.
    pub(crate) asked: BTreeSet<String>,
    /// Paths found, with who holds them.
    pub(crate) found: BTreeMap<String, Vec<PathHolder>>,
}

/// True when primary.xml lists a path of this kind, so that filelists.xml need not be asked. The
/// rule is createrepo's.
pub(crate) fn in_primary(path: &str) -> bool {
    path.starts_with("/etc/") || path == "/usr/lib/sendmail" || path.contains("bin/")
}

/// Looks for paths and globs.
pub(crate) fn search(input: impl BufRead, asked: BTreeSet<String>) -> Result<Lookup, XmlError> {
    let globs: Vec<Glob> = asked
        .iter()
        .filter(|p| Glob::is_pattern(p))
        .map(|p| Glob::new(p))
        .collect();
    let mut found: BTreeMap<String, Vec<PathHolder>> = BTreeMap::new();
    read(input, |holder, path| {
        if asked.contains(path) || globs.iter().any(|g| g.matches(path)) {
            let holders = found.entry(path.to_owned()).or_default();
            holders.push(holder.clone());
        }
    })?;
    Ok(Lookup { asked, found })
}

/// Hands every file of every package to `each`.
fn read(input: impl BufRead, mut each: impl FnMut(&PathHolder, &str)) -> Result<(), XmlError> {
    let mut holder = PathHolder {
        name: String::new(),
        arch: String::new(),
        pkgid: String::new(),
    };
    let mut in_file = false;
    let mut path = String::new();
    walk::<XmlError>(input, |tag| {
        match tag {
            XmlTag::Start("package", raw) => {
                for (key, value) in attributes(raw) {
                    match key {
                        "pkgid" => holder.pkgid = value.to_ascii_lowercase(),
                        "name" => holder.name = value.into_owned(),
                        "arch" => holder.arch = value.into_owned(),
                        _ => {}
                    }
                }
            }
            XmlTag::Start("file", _) => {
                in_file = true;
                path.clear();
            }
            XmlTag::Text(text) if in_file => path.push_str(text),
            XmlTag::End("file") => {
                in_file = false;
                each(&holder, &path);
            }
            _ => {}
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_read() {
        let xml = r#"<filelists packages="2">
<package pkgid="AA" name="a" arch="noarch"><version epoch="0" ver="1" rel="1"/>
<file>/usr/share/a&amp;b</file><file type="dir">/usr/share/dir</file></package>
<package pkgid="bb" name="b" arch="x86_64"><version epoch="0" ver="1" rel="1"/>
<file>/usr/share/dir</file><file>/usr/lib/x.so</file></package></filelists>"#;
        let asked: BTreeSet<String> =
            ["/usr/share/dir", "/usr/share/a&b", "/none", "/usr/lib/*.so"]
                .map(str::to_owned)
                .into();
        let got = search(xml.as_bytes(), asked.clone()).unwrap();
        assert_eq!(got.asked, asked);
        let names = |path: &str| -> Vec<&str> {
            got.found[path].iter().map(|h| h.pkgid.as_str()).collect()
        };
        assert_eq!(names("/usr/share/dir"), ["aa", "bb"]);
        assert_eq!(names("/usr/share/a&b"), ["aa"]);
        assert_eq!(names("/usr/lib/x.so"), ["bb"]);
        assert!(!got.found.contains_key("/none"));
    }

    #[test]
    fn who_holds_a_file_is_told_and_where_nobody_could_look() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("filelists.xml");
        let xml = "<filelists><package pkgid=\"aa\" name=\"a-devel\" arch=\"noarch\"><file>/usr/include/a.h</file><file>/usr/share/a</file></package></filelists>";
        std::fs::write(&path, xml).unwrap();
        let mut here = SolveRepo::new("here", "");
        here.filelists = crate::Filelists::Path(path.clone().into());
        let mut away = SolveRepo::new("away", "");
        away.filelists = crate::Filelists::lazy(|| None, move || Ok(path.clone().into()));
        let repos = [here, away];
        let (found, left_out) = holders(&repos, false, |file| file.ends_with(".h")).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].package.as_str(), left_out),
            ("a-devel", vec!["away".to_owned()])
        );
        let (found, left_out) = holders(&repos, true, |file| file.ends_with(".h")).unwrap();
        assert_eq!((found.len(), left_out.len()), (2, 0));
    }

    #[test]
    fn primary_has_the_files_createrepo_puts_there() {
        assert!(in_primary("/usr/bin/x") && in_primary("/etc/x") && in_primary("/opt/sbin/y"));
        assert!(!in_primary("/usr/share/x") && !in_primary("/etc"));
    }
}
