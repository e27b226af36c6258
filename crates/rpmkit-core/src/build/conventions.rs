//! Commands of a project's own, run in the buildroot on a copy of its tree.

use std::{
    cell::RefCell,
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use rpmkit_sandbox::User;

use super::{
    BuildError, Buildroot, Item,
    rpmbuild::check,
    transfer::{by_descriptor, open_below},
    tree::Contents,
};
use rpmkit_pm::PmError;
use rpmkit_solve::SolveError;
use rpmkit_sources::srpm::{OUT_IN_ROOT, SpecParser, TREE_IN_ROOT, TreeCommand, TreeRunner};
use rpmkit_types::event::Phase;

/// A buildroot that reads specs and runs commands by turns.
pub struct Shared<'a, 'b>(pub &'a RefCell<&'b mut Buildroot>);

impl SpecParser for Shared<'_, '_> {
    fn expand(
        &mut self,
        spec: &Path,
        source_dir: &Path,
        defines: &[(String, String)],
    ) -> Result<String, rpmkit_types::AnyCodedError> {
        Ok(self.0.borrow_mut().expand_spec(spec, source_dir, defines)?)
    }
}

impl TreeRunner for Shared<'_, '_> {
    fn offers(&mut self, package: &str) -> Result<bool, rpmkit_types::AnyCodedError> {
        let mut root = self.0.borrow_mut();
        let mut request = root.package_manager().request();
        request.install = vec![package.to_owned()];
        match root.resolve(&request) {
            Ok(_) => Ok(true),
            Err(BuildError::Pm(PmError::Solve(SolveError::Unsolvable(_)))) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn run(&mut self, command: &TreeCommand) -> Result<String, rpmkit_types::AnyCodedError> {
        Ok(self.0.borrow_mut().run_in_tree(command)?)
    }
}

impl Buildroot {
    /// Runs a command of a project's and brings back what it made and changed.
    fn run_in_tree(&mut self, command: &TreeCommand) -> Result<String, BuildError> {
        if command.network {
            let mut apart = self.with_network()?;
            let ran = apart.init().and_then(|()| apart.run_here(command));
            apart.discard()?;
            return ran;
        }
        self.run_here(command)
    }

    fn run_here(&mut self, command: &TreeCommand) -> Result<String, BuildError> {
        let mut request = self.package_manager().request();
        request.install.clone_from(&command.packages);
        if !request.install.is_empty() {
            self.change(&request, "for the project's own commands")?;
        }
        self.fill_home(Contents {
            items: vec![
                Item {
                    from: command.tree.clone(),
                    to: "TREE".into(),
                },
                Item {
                    from: command.out.clone(),
                    to: "OUT".into(),
                },
            ],
            fresh: true,
            replace_sources: true,
            dereference: false,
        })?;
        let (tree, out) = (
            self.in_tree("TREE").to_string(),
            self.in_tree("OUT").to_string(),
        );
        // A configuration may put the build directory elsewhere.
        let here = |text: &str| text.replace(TREE_IN_ROOT, &tree).replace(OUT_IN_ROOT, &out);
        let argv = command.argv.iter().map(|word| here(word)).collect();
        let user = if command.as_root {
            // It may install things: nothing of that counts as known afterwards.
            self.touch()?;
            User::Root
        } else {
            self.build_user()
        };
        let mut run = self.command(argv, user);
        run.env.extend(
            command
                .env
                .iter()
                .map(|(name, value)| (name.clone(), here(value))),
        );
        run.cwd = tree.clone().into();
        run.log = None;
        let what = format!("`{}`", command.argv.join(" "));
        let ran = check(self.run(&run)?, &what, Phase::Sources)?;
        let home = self.home();
        for (name, to) in [("TREE", &command.tree), ("OUT", &command.out)] {
            let inside = Path::new("build").join(name);
            // The command may have put a link in the place of either directory.
            open_below(&home, &inside)
                .and_then(|dir| bring_back(&by_descriptor(&dir), to))
                .map_err(|source| BuildError::Io {
                    action: "copy what the project's command left in",
                    path: home.join(&inside),
                    source,
                })?;
        }
        let text = String::from_utf8_lossy(&ran.output).into_owned();
        Ok(text.replace(&tree, TREE_IN_ROOT).replace(&out, OUT_IN_ROOT))
    }
}

/// Makes `to` what `from` is. The command was the project's and not ours: links are copied as links,
/// never followed, and `.git` stays as it was.
fn bring_back(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if entry.file_name() == ".git" || fs::symlink_metadata(from.join(entry.file_name())).is_ok()
        {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name() == ".git" {
            continue;
        }
        let target = to.join(entry.file_name());
        let there = fs::symlink_metadata(&target).ok();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !there.as_ref().is_some_and(fs::Metadata::is_dir) {
                if there.is_some() {
                    fs::remove_file(&target)?;
                }
                fs::create_dir(&target)?;
            }
            bring_back(&entry.path(), &target)?;
            continue;
        }
        if there.as_ref().is_some_and(fs::Metadata::is_dir) {
            fs::remove_dir_all(&target)?;
        } else if there.is_some() {
            fs::remove_file(&target)?;
        }
        if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
            let mode = entry.metadata()?.permissions().mode() & 0o777;
            fs::set_permissions(&target, fs::Permissions::from_mode(mode | 0o600))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_command_removed_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("sub")).unwrap();
        for path in ["sub/a", "gone/b"] {
            fs::create_dir_all(to.join(path).parent().unwrap()).unwrap();
            fs::write(to.join(path), "").unwrap();
        }
        fs::create_dir(to.join(".git")).unwrap();
        symlink(dir.path(), to.join("link")).unwrap();
        bring_back(&from, &to).unwrap();
        let mut left: Vec<_> = fs::read_dir(&to)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, [".git", "sub"]);
        assert!(!to.join("sub/a").exists() && from.exists());
    }

    #[test]
    fn a_link_in_the_place_of_a_directory_is_no_directory() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret");
        fs::create_dir_all(secret.join("OUT")).unwrap();
        fs::create_dir_all(dir.path().join("home/build")).unwrap();
        let home = dir.path().join("home");
        symlink(&secret, home.join("build/OUT")).unwrap();
        assert!(open_below(&home, Path::new("build/OUT")).is_err());
        fs::rename(home.join("build"), home.join("x")).unwrap();
        symlink(&secret, home.join("build")).unwrap();
        assert!(open_below(&home, Path::new("build/OUT")).is_err());
    }

    #[test]
    fn links_are_not_followed_either_way() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        let outside = dir.path().join("outside");
        fs::create_dir_all(from.join("sub")).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(&outside, "mine").unwrap();
        symlink(&outside, from.join("link")).unwrap();
        fs::write(from.join("sub/file"), "new").unwrap();
        // What was a link here must not be written through.
        symlink(&outside, to.join("file")).unwrap();
        fs::write(from.join("file"), "theirs").unwrap();
        symlink(dir.path(), to.join("sub")).unwrap();
        bring_back(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
        assert_eq!(fs::read_to_string(to.join("file")).unwrap(), "theirs");
        assert_eq!(fs::read_to_string(to.join("sub/file")).unwrap(), "new");
        assert!(!dir.path().join("file").exists());
        assert!(fs::symlink_metadata(to.join("link")).unwrap().is_symlink());
    }
}
