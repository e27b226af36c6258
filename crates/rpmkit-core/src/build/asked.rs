//! dnf for a project's own commands: `.copr/Makefile` may install what it needs, as in Copr.
//!
//! A script by the name of dnf leaves the packages in a file and fails. They are installed, and the
//! command runs again on a fresh copy of the tree, until it asks for nothing new. So nothing of the host
//! answers calls out of the container, and the tree never sees a half-done first run.

#![allow(
    clippy::disallowed_methods,
    reason = "the scripts are written into a directory of ours"
)]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use rpmkit_fs::{Links, UntrustedTree};

use super::{BuildError, Buildroot};

/// The directory of the scripts, in the build tree.
pub(super) const SCRIPTS: &str = "PM";
/// How often a command may ask for something new.
pub(super) const MAX_ROUNDS: usize = 20;
/// Bytes of one request.
const MAX_ASKED: u64 = 64 << 10;

const SCRIPT: &str = include_str!("asked.sh");
const NAMES: &[&str] = &["dnf", "dnf5", "dnf-3", "microdnf", "yum", "yum-builddep"];

/// Writes the scripts, and what was installed already, to the directory `dir` of ours.
pub(super) fn write_scripts(dir: &Path, answered: &[String]) -> Result<(), BuildError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| BuildError::Io {
            action: "write",
            path,
            source,
        }
    };
    fs::create_dir_all(dir).map_err(io(dir))?;
    for name in NAMES {
        let path = dir.join(name);
        let script = match *name {
            // It is a verb of its own.
            "yum-builddep" => "#!/bin/sh\nexec \"${0%/*}/dnf\" builddep \"$@\"\n",
            _ => SCRIPT,
        };
        fs::write(&path, script).map_err(io(&path))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(io(&path))?;
    }
    for (nth, words) in answered.iter().enumerate() {
        let path = dir.join(format!("answered-{nth}"));
        fs::write(&path, words).map_err(io(&path))?;
    }
    Ok(())
}

/// What the scripts below `home` were asked for, one package or requirement a line.
pub(super) fn asked(home: &Path) -> Result<Option<String>, rpmkit_fs::FsError> {
    let tree = UntrustedTree::open(home, Links::Never)?;
    let path = Path::new("build").join(SCRIPTS).join("asked");
    let text = tree.read_if_there(path, MAX_ASKED)?;
    Ok(text.map(|text| String::from_utf8_lossy(&text).trim_end().to_owned()))
}

impl Buildroot {
    /// Installs what was asked for.
    pub(super) fn answer(&mut self, asked: &str) -> Result<(), BuildError> {
        let mut request = self.package_manager().request();
        request.install = asked.lines().map(str::to_owned).collect();
        self.change(&request, "for the project's own dnf")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_types)]
    use std::process::Command;

    use super::*;

    fn dnf(home: &Path, name: &str, args: &[&str]) -> (i32, Option<String>) {
        let dir = home.join("build").join(SCRIPTS);
        let _ = fs::remove_file(dir.join("asked"));
        let status = Command::new(dir.join(name)).args(args).status().unwrap();
        (status.code().unwrap(), asked(home).unwrap())
    }

    #[test]
    fn what_is_asked_for_is_left_in_a_file_until_it_is_answered() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("build").join(SCRIPTS);
        write_scripts(&dir, &["make\nxz devel".to_owned()]).unwrap();
        let ask = |args: &[&str]| dnf(home.path(), "dnf", args);
        let wanted = Some("git\n@build".to_owned());
        let options = ["-y", "--setopt", "a=b", "install", "git", "@build", "-q"];
        assert_eq!(ask(&options), (75, wanted.clone()));
        assert_eq!(
            ask(&["install", "dnf-command(builddep)", "git", "@build"]),
            (75, wanted)
        );
        assert_eq!(ask(&["install", "make", "xz devel"]), (0, None));
        assert_eq!(ask(&["-y", "update"]), (0, None));
        assert_eq!(ask(&["copr", "enable", "x"]), (1, None));
        assert_eq!(ask(&["builddep", "x"]), (1, None));
        assert_eq!(dnf(home.path(), "yum-builddep", &["x"]), (1, None));
    }
}
