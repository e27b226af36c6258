//! `--copyin` and `--copyout`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rpmkit_cli::{Context, Failure, Status, VerbResult};
use rpmkit_core::{
    Error,
    build::{Buildroot, ChrootAccess},
};
use rpmkit_sandbox::{Command, Stdin};

use super::{
    tarball::{self, Received},
    work::{Work, host_path},
};

/// Sources and destination of the words.
fn parts<'a>(work: &Work<'a>, mode: &str) -> Result<(&'a [String], &'a str), Failure> {
    match work.request.words.as_slice() {
        [sources @ .., dest] if !sources.is_empty() => Ok((sources, dest)),
        _ => Err(Failure::usage(format!(
            "Must have source and destinations for {mode}"
        ))),
    }
}

/// `SOURCE… DESTINATION`: files of the host into the chroot.
pub fn copy_in(cx: &Context, work: &Work<'_>) -> VerbResult {
    let (sources, dest) = parts(work, "copyin")?;
    work.open_logs(cx)?;
    let mut root = work.prepared(cx, ChrootAccess::Join)?;
    let outcome = copy_all_in(cx, work, &mut root, sources, &inside(dest));
    root.close().map_err(Error::from)?;
    outcome
}

/// A path in the chroot from a word, which may do without its slash in front.
fn inside(word: &str) -> String {
    format!("/{}", word.trim_start_matches('/'))
}

fn copy_all_in(
    cx: &Context,
    work: &Work<'_>,
    root: &mut Buildroot,
    sources: &[String],
    dest: &str,
) -> VerbResult {
    let dest_is_dir = test(work, root, "-d", dest)?;
    if sources.len() > 1 && !dest_is_dir {
        return Err(Failure::usage(format!(
            "multiple source files and {dest} is not a directory!"
        )));
    }
    root.touch().map_err(|e| work.failure(&e))?;
    for source in sources {
        let path = host_path(cx, source);
        if path.symlink_metadata().is_err() {
            return Err(Failure::usage(format!(
                "No such file or directory: {source}"
            )));
        }
        work.info(format!("copying {source} to {dest}"));
        let base = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (dir, name) = if dest_is_dir {
            (dest.to_owned(), base)
        } else {
            split(dest)
        };
        let target = format!("{}/{name}", dir.trim_end_matches('/'));
        if path.is_dir() && test(work, root, "-e", &target)? {
            return Err(Failure::usage(format!(
                "Destination {target} already exists!"
            )));
        }
        let tar = tarball::pack(&path, &name)
            .map_err(|e| Failure::general(format!("cannot read `{}`: {e}", path.display())))?;
        inside_command(work, root, &["mkdir", "-p", "--", &dir], Vec::new())?;
        let unpack = ["tar", "-C", &dir, "--no-same-owner", "-xf", "-"];
        inside_command(work, root, &unpack, tar)?;
        // What lies in the build user's home is theirs.
        let home = &work.settings.chroot.chroothome;
        if Path::new(&target).starts_with(home) {
            let owner = match root.build_user() {
                rpmkit_sandbox::RunAs::Id { uid, gid } => format!("{uid}:{gid}"),
                rpmkit_sandbox::RunAs::Root => "0:0".to_owned(),
            };
            inside_command(
                work,
                root,
                &["chown", "-Rh", &owner, "--", &target],
                Vec::new(),
            )?;
        }
    }
    Ok(Status::OK)
}

/// Directory and last component of a path inside.
fn split(path: &str) -> (String, String) {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some(("", name)) => ("/".to_owned(), name.to_owned()),
        Some((dir, name)) => (dir.to_owned(), name.to_owned()),
        None => ("/".to_owned(), path.to_owned()),
    }
}

/// `test FLAG PATH` inside.
fn test(work: &Work<'_>, root: &mut Buildroot, flag: &str, path: &str) -> Result<bool, Failure> {
    let argv = ["test", flag, path].map(str::to_owned).to_vec();
    let ran = root.quietly(argv).map_err(|e| work.failure(&e))?;
    Ok(ran.exit.success())
}

/// A small command inside that must work.
fn inside_command(
    work: &Work<'_>,
    root: &mut Buildroot,
    argv: &[&str],
    input: Vec<u8>,
) -> Result<(), Failure> {
    let argv: Vec<String> = argv.iter().map(|a| (*a).to_owned()).collect();
    let mut run = root.command(argv.clone(), rpmkit_sandbox::RunAs::Root);
    run.log = None;
    run.stdin = Stdin::Bytes(input);
    let ran = root.run(&run).map_err(|e| work.failure(&e))?;
    if ran.exit.success() {
        return Ok(());
    }
    Err(Failure::general(format!(
        "`{}` in the chroot: {}",
        argv.join(" "),
        ran.tail.join("; ")
    )))
}

/// `SOURCE… DESTINATION`: files of the chroot to the host. Sources may be patterns, and `~` is the
/// build user's home.
pub fn copy_out(cx: &Context, work: &Work<'_>) -> VerbResult {
    let (sources, dest) = parts(work, "copyout")?;
    let dest_path = host_path(cx, dest);
    work.open_logs(cx)?;
    let mut root = work.prepared(cx, ChrootAccess::JoinOrEphemeral)?;
    let outcome = copy_all_out(work, &mut root, sources, dest, &dest_path);
    root.close().map_err(Error::from)?;
    outcome
}

fn copy_all_out(
    work: &Work<'_>,
    root: &mut Buildroot,
    sources: &[String],
    dest: &str,
    dest_path: &Path,
) -> VerbResult {
    let mut found = Vec::new();
    for source in sources {
        let pattern = match source.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                format!("{}{rest}", work.settings.chroot.chroothome)
            }
            _ => inside(source),
        };
        let matches = expand(work, root, &pattern)?;
        if matches.is_empty() {
            return Err(Failure::usage(format!("{pattern} not found")));
        }
        found.extend(matches);
    }
    if found.len() > 1 && !dest_path.is_dir() {
        return Err(Failure::usage(format!(
            "multiple source files and {dest} is not a directory!"
        )));
    }
    for path in found {
        work.info(format!("copying {path} to {dest}"));
        copy_one_out(work, root, &path, dest_path)?;
    }
    Ok(Status::OK)
}

/// What a pattern matches inside, links to nowhere included.
fn expand(work: &Work<'_>, root: &mut Buildroot, pattern: &str) -> Result<Vec<String>, Failure> {
    // An unquoted variable is expanded as a pattern, and without IFS not split at blanks.
    const SCRIPT: &str =
        r#"IFS=; for p in $1; do if [ -e "$p" ] || [ -L "$p" ]; then printf '%s\0' "$p"; fi; done"#;
    let argv = ["/bin/sh", "-c", SCRIPT, "sh", pattern].map(str::to_owned);
    let ran = root.quietly(argv.to_vec()).map_err(|e| work.failure(&e))?;
    let text = String::from_utf8_lossy(&ran.output).into_owned();
    Ok(text
        .split('\0')
        .filter(|p| !p.is_empty())
        .map(str::to_owned)
        .collect())
}

fn copy_one_out(
    work: &Work<'_>,
    root: &mut Buildroot,
    path: &str,
    dest: &Path,
) -> Result<(), Failure> {
    let (dir, name) = split(path);
    // A directory becomes the destination itself, as mock copies trees; a file goes into it.
    let is_dir =
        test(work, root, "-d", path)? && !test(work, root, "-L", path.trim_end_matches('/'))?;
    let target: PathBuf = if !is_dir && dest.is_dir() {
        dest.join(&name)
    } else {
        dest.to_owned()
    };
    let cannot =
        |e: std::io::Error| Failure::general(format!("cannot write `{}`: {e}", target.display()));
    let parent = target.parent().unwrap_or(Path::new("/"));
    if is_dir {
        fs::create_dir_all(parent).map_err(cannot)?;
    }
    let mut received = Received::new(parent).map_err(cannot)?;
    let mut command = Command::new(["tar", "-C", &dir, "-cf", "-", "--", &name]);
    command.stdin = Stdin::Null;
    let mut complaints = Vec::new();
    let exit = root
        .start()
        .map_err(|e| work.failure(&e))?
        .run(&command, |stream, piece| match stream {
            rpmkit_sandbox::Stream::Stdout => received.push(piece),
            rpmkit_sandbox::Stream::Stderr => complaints.extend_from_slice(piece),
        })
        .map_err(|e| work.failure(&e.into()))?;
    if !exit.success() {
        let text = String::from_utf8_lossy(&complaints).trim().to_owned();
        return Err(Failure::general(format!(
            "cannot read `{path}` in the chroot: {text}"
        )));
    }
    received.unpack(&name, &target).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_inside_begin_at_the_root() {
        assert_eq!(inside("var/tmp"), "/var/tmp");
        assert_eq!(inside("/script"), "/script");
        assert_eq!(split("/a/b/"), ("/a".to_owned(), "b".to_owned()));
        assert_eq!(split("/a"), ("/".to_owned(), "a".to_owned()));
    }
}
