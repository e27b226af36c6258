//! Directories that a package's `%pretrans` may have to move away.
//!
//! rpm replaces no directory by a link or a file. Packages that must do it move the directory aside in a Lua
//! `%pretrans`, by `rename(2)`. overlayfs refuses that (`EXDEV`) for a directory that has anything in a
//! lower layer, and what Fedora's guidelines tell packagers to write tries again for ever then. So before
//! the transaction such directories are copied as a whole into the upper layer, where they can be moved.

use std::ffi::OsString;

use rpmkit_repo::VerifiedPackage;
use rpmkit_rpmfile::{FileKind, PackageFile};
use rpmkit_sandbox::{Command, Container, Stdin};

use super::PmError;

/// Gets paths on standard input, one a line. What is no directory is passed over; what cannot be copied
/// stays as it is, for `%pretrans` to say so.
const SCRIPT: &str = r#"
while IFS= read -r path; do
    if [ -d "$path" ] && [ ! -h "$path" ]; then
        copy=$path.rpmkit-copy
        if cp -a -- "$path" "$copy"; then
            rm -rf -- "$path" && mv -T -- "$copy" "$path"
        else
            rm -rf -- "$copy"
        fi
    fi
done
"#;

/// Paths of the packages that are no directories in them, of those packages with a `%pretrans`.
pub(super) fn candidates<'a>(
    packages: impl Iterator<Item = &'a VerifiedPackage>,
) -> Result<Vec<String>, PmError> {
    let mut paths = Vec::new();
    for package in packages {
        let file = PackageFile::open(package.path())?;
        if !file.has_pretrans() {
            continue;
        }
        let files = file.files()?.into_iter().filter(|file| {
            !file.ghost && matches!(file.kind, FileKind::Symlink | FileKind::Regular)
        });
        paths.extend(
            files
                .filter_map(|file| Some(format!("/{}", file.path.to_str()?)))
                .filter(|path| !path.contains('\n')),
        );
    }
    Ok(paths)
}

/// Copies those of the paths that are directories below `target`, a directory of the container, into its
/// upper layer.
pub(super) fn make(container: &Container, target: &str, paths: &[String]) -> Result<(), PmError> {
    if paths.is_empty() {
        return Ok(());
    }
    let words = ["/bin/sh", "-c", SCRIPT].map(OsString::from);
    let command = Command::new(words)
        .root(target)
        .stdin(Stdin::Bytes(lines(paths)));
    // Where the target has no shell, no script of its packages needs a directory moved.
    container.run_to_end(&command, |_, _| {})?;
    Ok(())
}

fn lines(paths: &[String]) -> Vec<u8> {
    paths
        .iter()
        .flat_map(|path| [path.as_bytes(), b"\n"].concat())
        .collect()
}
