//! `--install`, `--installdeps`, `--update`, `--remove`.

use std::path::Path;

use rpmkit_cli::{Context, Failure, Status, VerbResult};
use rpmkit_core::{
    Error, ExitCode,
    build::{BuildError, Buildroot, ChrootAccess},
    config::Settings,
    repo::local::read_package,
    solve::{SolveRequest, Update},
    types::{Dep, DepFlag, Evr},
};

use super::{
    rebuild::fetched,
    work::{Work, host_path},
};

/// Prepares the chroot, changes it as `fill` asks, and keeps it.
pub fn change(
    cx: &Context,
    work: &Work<'_>,
    note: &str,
    fill: impl FnOnce(&mut Buildroot, &mut SolveRequest) -> Result<(), Failure>,
) -> VerbResult {
    work.open_logs(cx)?;
    change_in(cx, work, &work.settings, note, fill)
}

/// The same with other settings, such as those with one repository more; the log files are open.
pub fn change_in(
    cx: &Context,
    work: &Work<'_>,
    settings: &Settings,
    note: &str,
    fill: impl FnOnce(&mut Buildroot, &mut SolveRequest) -> Result<(), Failure>,
) -> VerbResult {
    let mut root = work.prepared_with(cx, settings, ChrootAccess::OwnOrJoin)?;
    let mut request = root.package_manager().request();
    let outcome = fill(&mut root, &mut request).and_then(|()| {
        root.change(&request, note)
            .map(drop)
            .map_err(|e| work.failure(&e))
    });
    let closed = root.close();
    outcome?;
    closed.map_err(Error::from)?;
    Ok(Status::OK)
}

/// Adds what words name: package files of the host, or anything dnf's `install` takes.
pub fn add_packages(
    cx: &Context,
    work: &Work<'_>,
    words: &[String],
    request: &mut SolveRequest,
) -> Result<(), Failure> {
    for word in words {
        if let Some(external) = word.strip_prefix("external:") {
            return Err(Failure::new(
                ExitCode::ExternalDependency,
                format!("Unknown external dependency: {external}"),
            ));
        }
        let path = host_path(cx, word);
        if word.ends_with(".rpm") && path.is_file() {
            let package = read_package(&path).map_err(|e| work.failure(&BuildError::from(e)))?;
            request.local.push(package);
        } else {
            request.install.push(word.clone());
        }
    }
    Ok(())
}

/// `--install PACKAGE…`
pub fn install(cx: &Context, work: &Work<'_>) -> VerbResult {
    let words = &work.request.words;
    if words.is_empty() {
        return Err(Failure::usage(
            "You must specify a package list to install.",
        ));
    }
    let note = format!("install {}", words.join(" "));
    let downloads = tempfile::tempdir_in(&cx.host.dirs.temp)
        .map_err(|e| Failure::general(format!("cannot make a temporary directory: {e}")))?;
    let words = words
        .iter()
        .map(|word| match package_url(word) {
            None => Ok(word.clone()),
            Some(PackageAddress::File(path)) => Ok(path.to_owned()),
            Some(PackageAddress::Remote) => {
                fetched(cx, work, word, downloads.path()).map(|path| path.display().to_string())
            }
        })
        .collect::<Result<Vec<String>, Failure>>()?;
    change(cx, work, &note, |_, request| {
        add_packages(cx, work, &words, request)
    })
}

/// Where the address of a package file leads.
#[derive(Debug, PartialEq, Eq)]
enum PackageAddress<'a> {
    File(&'a str),
    Remote,
}

/// A package file by URL, as dnf takes it.
fn package_url(word: &str) -> Option<PackageAddress<'_>> {
    if let Some(path) = word.strip_prefix("file://") {
        return Some(PackageAddress::File(path));
    }
    let remote = ["http://", "https://", "ftp://"];
    let remote = remote.iter().any(|scheme| word.starts_with(scheme));
    remote.then_some(PackageAddress::Remote)
}

/// `--remove PACKAGE…`
pub fn remove(cx: &Context, work: &Work<'_>) -> VerbResult {
    let words = &work.request.words;
    if words.is_empty() {
        return Err(Failure::usage("You must specify a package list to remove."));
    }
    let note = format!("remove {}", words.join(" "));
    change(cx, work, &note, |_, request| {
        request.remove.extend(words.iter().cloned());
        request.allow_erasing = true;
        Ok(())
    })
}

/// `--update [PACKAGE…]`
pub fn update(cx: &Context, work: &Work<'_>) -> VerbResult {
    let words = &work.request.words;
    change(cx, work, "update", |_, request| {
        request.update = updated(words);
        Ok(())
    })
}

/// What an update without or with names means.
pub fn updated(words: &[String]) -> Update {
    match words {
        [] => Update::All,
        names => Update::Specs(names.to_vec()),
    }
}

/// `--installdeps FILE…`: what source packages, packages and specs require.
pub fn dependencies(cx: &Context, work: &Work<'_>) -> VerbResult {
    let words = &work.request.words;
    if words.is_empty() {
        return Err(Failure::usage(
            "You must specify an SRPM file with --installdeps",
        ));
    }
    let note = format!("dependencies of {}", words.join(" "));
    change(cx, work, &note, |root, request| {
        for word in words {
            let path = host_path(cx, word);
            let deps = if word.ends_with(".spec") {
                of_spec(work, root, &path)?
            } else {
                let package =
                    read_package(&path).map_err(|e| work.failure(&BuildError::from(e)))?;
                package.requires.into_iter().map(|r| r.dep).collect()
            };
            request.builddeps.extend(deps);
        }
        Ok(())
    })
}

/// The static requirements of a spec, as the chroot's own rpm expands it.
fn of_spec(work: &Work<'_>, root: &mut Buildroot, spec: &Path) -> Result<Vec<Dep>, Failure> {
    if !spec.is_file() {
        return Err(Failure::command_line(format!(
            "Input specfile does not exist: {}",
            spec.display()
        )));
    }
    let dir = spec.parent().unwrap_or(Path::new("."));
    let text = root
        .expand_spec(spec, dir, &[])
        .map_err(|e| work.failure(&e))?;
    Ok(build_requires(&text)
        .iter()
        .map(|text| dependency(text))
        .collect())
}

/// A dependency as a spec writes it, with one blank around its operator.
fn dependency(text: &str) -> Dep {
    let mut parts = text.splitn(3, ' ');
    let bound = (!text.starts_with('(')).then(|| (parts.next(), parts.next(), parts.next()));
    let Some((Some(name), Some(operator), Some(version))) = bound else {
        return Dep::any(text);
    };
    let flag = match operator {
        "<" => DepFlag::Lt,
        "<=" => DepFlag::Le,
        ">=" => DepFlag::Ge,
        ">" => DepFlag::Gt,
        _ => DepFlag::Eq,
    };
    Dep {
        name: name.to_owned(),
        version: Some((flag, Evr::parse(version))),
    }
}

/// The dependencies of an expanded spec's `BuildRequires` lines, one each.
fn build_requires(spec: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in spec.lines() {
        let Some((tag, list)) = line.split_once(':') else {
            continue;
        };
        let tag = tag.trim().to_ascii_lowercase();
        let plain =
            tag == "buildrequires" || (tag.starts_with("buildrequires(") && tag.ends_with(')'));
        if plain {
            found.extend(split_list(list));
        }
    }
    found
}

/// `a >= 1, b (c or d)` into its members: words, with an operator and a version behind some.
fn split_list(list: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    let mut rest = list.trim();
    let mut glue = false;
    while !rest.is_empty() {
        let end = if rest.starts_with('(') {
            closing(rest)
        } else {
            rest.find([' ', '\t', ',']).unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(end);
        let operator = ["<", "<=", "=", "==", ">=", ">"].contains(&word);
        match items.last_mut() {
            Some(last) if operator || glue => {
                last.push(' ');
                last.push_str(word);
            }
            _ if word.is_empty() => {}
            _ => items.push(word.to_owned()),
        }
        glue = operator;
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    items
}

/// The length of a text up to the parenthesis that closes its first one.
fn closing(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_have_addresses() {
        assert_eq!(
            package_url("file:///r/a.rpm"),
            Some(PackageAddress::File("/r/a.rpm"))
        );
        assert_eq!(
            package_url("https://example.com/a.rpm"),
            Some(PackageAddress::Remote)
        );
        assert_eq!(package_url("gcc"), None);
    }

    #[test]
    fn requirements_of_an_expanded_spec_are_read() {
        let spec = "Name: x\nBuildRequires: gcc, make >= 4\nBuildRequires(check):  perl(Test::More) (a or (b if c)) d = 1:2\nRequires: no\n%description\n";
        assert_eq!(
            build_requires(spec),
            [
                "gcc",
                "make >= 4",
                "perl(Test::More)",
                "(a or (b if c))",
                "d = 1:2"
            ]
        );
        assert_eq!(dependency("make >= 4").to_string(), "make >= 4");
        assert_eq!(dependency("(a or b)"), Dep::any("(a or b)"));
        assert_eq!(dependency("gcc"), Dep::any("gcc"));
    }
}
