//! Lines put into a spec.

use std::{fs, path::Path};

use rpmkit_core::{ExitCode, build::hints::Remedy};
use rpmkit_fs::{FsError, WriteOptions};

use crate::failure::Failure;

/// Puts a `BuildRequires:` for each remedy into the spec's preamble, behind those it has. Gives how many
/// lines were added: what the spec asks for already is not added again.
///
/// # Errors
/// When the spec is no plain file, or cannot be read or written.
pub fn require(spec: &Path, remedies: &[Remedy]) -> Result<usize, Failure> {
    let refuse = |why: String| {
        Failure::new(
            ExitCode::General,
            format!("cannot change `{}`: {why}", spec.display()),
        )
    };
    let meta = fs::symlink_metadata(spec).map_err(|e| refuse(e.to_string()))?;
    if !meta.is_file() {
        return Err(refuse("it is no plain file".to_owned()));
    }
    let text = fs::read_to_string(spec).map_err(|e| refuse(e.to_string()))?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = place(&lines);
    let mut added = 0;
    for remedy in remedies {
        let line = format!("BuildRequires:  {}", remedy.requirement);
        let has = |known: &String| {
            is_tag(known, "buildrequires")
                && known
                    .split([' ', '\t', ','])
                    .any(|word| word == remedy.requirement)
        };
        if !lines.iter().any(has) {
            lines.insert(at + added, line);
            added += 1;
        }
    }
    if added > 0 {
        use std::os::unix::fs::PermissionsExt;
        let mut text = lines.join("\n");
        text.push('\n');
        let options = WriteOptions::with_mode(meta.permissions().mode() & 0o7777);
        rpmkit_fs::write_file(spec, text, &options)
            .map_err(FsError::into_system)
            .map_err(|e| refuse(e.to_string()))?;
    }
    Ok(added)
}

fn is_tag(line: &str, name: &str) -> bool {
    line.split_once(':')
        .is_some_and(|(tag, _)| tag.trim().to_lowercase().starts_with(name))
}

/// Where a new requirement goes: behind the last one of the main package that stands under no condition,
/// else behind the last tag.
fn place(lines: &[String]) -> usize {
    let end = lines
        .iter()
        .position(|line| {
            [
                "%description",
                "%package",
                "%prep",
                "%generate_buildrequires",
            ]
            .iter()
            .any(|head| line.starts_with(head))
        })
        .unwrap_or(lines.len());
    let mut depth = 0i32;
    let (mut behind, mut last) = (None, 0);
    for (at, line) in lines[..end].iter().enumerate() {
        if line.starts_with("%if") {
            depth += 1;
        } else if line.starts_with("%endif") {
            depth -= 1;
        } else if depth == 0
            && is_tag(line, "")
            && line.starts_with(|c: char| c.is_ascii_alphabetic())
        {
            last = at + 1;
            if is_tag(line, "buildrequires") {
                behind = Some(at + 1);
            }
        }
    }
    behind.unwrap_or(last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn remedy(requirement: &str) -> Remedy {
        Remedy {
            requirement: requirement.into(),
            package: "p".into(),
            sure: true,
        }
    }

    #[test]
    fn lines_go_behind_those_of_their_kind_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let spec = dir.path().join("a.spec");
        let text = "Name: a\nBuildRequires: gcc\n%if 1\nBuildRequires: x\n%endif\nSource0: b\n\n%description\nno: tag\n";
        fs::write(&spec, text).unwrap();
        assert_eq!(
            require(&spec, &[remedy("pkgconfig(zlib)"), remedy("gcc")]).unwrap(),
            1
        );
        let now = fs::read_to_string(&spec).unwrap();
        assert!(
            now.starts_with(
                "Name: a\nBuildRequires: gcc\nBuildRequires:  pkgconfig(zlib)\n%if 1\n"
            ),
            "{now}"
        );
        assert_eq!(require(&spec, &[remedy("pkgconfig(zlib)")]).unwrap(), 0);
    }

    #[test]
    fn a_link_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("a.spec"));
        fs::write(&real, "Name: a\n").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(require(&link, &[remedy("x")]).is_err());
        assert_eq!(fs::read_to_string(&real).unwrap(), "Name: a\n");
    }
}
