//! Commands of a project's own, run in the buildroot on a copy of its tree.

use std::{cell::RefCell, path::Path};

use rpmkit_fs::{
    CopyMode, CopyOptions, Links, RemoveOptions, TreeCopyOptions, UntrustedTree, WalkOptions,
};
use rpmkit_sandbox::RunAs;

use super::{
    BuildError, Buildroot, CopyItem, Follow, Ran, asked, rpmbuild::check, tree::DirContents,
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
        let mut answered = Vec::new();
        loop {
            let (ran, what) = self.run_once(command, &answered)?;
            let home = self.home();
            let asked = asked::asked(&home).map_err(|error| BuildError::Io {
                action: "read what was asked of dnf in",
                path: home,
                source: error.into(),
            })?;
            if let Some(asked) = asked
                && !answered.contains(&asked)
                && answered.len() < asked::MAX_ROUNDS
            {
                self.answer(&asked)?;
                answered.push(asked);
                continue;
            }
            return self.take_back(command, ran, &what);
        }
    }

    /// Runs a command on a fresh copy of the tree. Gives what it was, for people, besides.
    fn run_once(
        &mut self,
        command: &TreeCommand,
        answered: &[String],
    ) -> Result<(Ran, String), BuildError> {
        let mut items = vec![
            CopyItem {
                from: command.tree.clone(),
                to: "TREE".into(),
            },
            CopyItem {
                from: command.out.clone(),
                to: "OUT".into(),
            },
        ];
        let mut path = None;
        if command.as_root && !command.network {
            let scripts = command.tree.with_file_name(asked::SCRIPTS);
            asked::write_scripts(&scripts, answered)?;
            items.push(CopyItem {
                from: scripts,
                to: asked::SCRIPTS.into(),
            });
            path = Some(self.in_tree(asked::SCRIPTS).to_string());
        }
        self.fill_home(DirContents {
            items,
            fresh: true,
            replace_sources: true,
            follow: Follow::Nothing,
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
            RunAs::Root
        } else {
            self.build_user()
        };
        let mut run = self.limited_command(argv, user)?;
        run.env.extend(
            command
                .env
                .iter()
                .map(|(name, value)| (name.clone(), here(value))),
        );
        if let Some(path) = path {
            let usual = run.env.iter().rev().find(|(name, _)| name == "PATH");
            let usual = usual.map_or("/usr/bin:/bin:/usr/sbin:/sbin", |(_, value)| value);
            run.env.push(("PATH".to_owned(), format!("{path}:{usual}")));
        }
        run.cwd = tree.into();
        run.log = None;
        Ok((self.run(&run)?, format!("`{}`", command.argv.join(" "))))
    }

    /// Brings back what a command left in its directories.
    fn take_back(
        &mut self,
        command: &TreeCommand,
        ran: Ran,
        what: &str,
    ) -> Result<String, BuildError> {
        if !ran.exit.success() {
            // What the command said is the only reason there is.
            for line in ran.tail.iter().rev().take(REASON).rev() {
                self.engine().events().info(line.clone());
            }
        }
        let ran = self.within_limits(ran, what, Phase::Sources)?;
        let ran = check(ran, what, Phase::Sources)?;
        for (name, to) in [("TREE", &command.tree), ("OUT", &command.out)] {
            let inside = Path::new("build").join(name);
            // The command may have put a link in the place of either directory.
            bring_back(&self.home(), &inside, to).map_err(|error| BuildError::Io {
                action: "copy what the project's command left in",
                path: self.home().join(&inside),
                source: error.into(),
            })?;
        }
        let (tree, out) = (
            self.in_tree("TREE").to_string(),
            self.in_tree("OUT").to_string(),
        );
        let text = String::from_utf8_lossy(&ran.output).into_owned();
        Ok(text.replace(&tree, TREE_IN_ROOT).replace(&out, OUT_IN_ROOT))
    }
}

/// The most lines of a failed command that are shown.
const REASON: usize = 20;

/// Makes `to` what `inside` below `home` is. The command was the project's and not ours: links are copied
/// as links, never followed, and `.git` stays as it was.
fn bring_back(home: &Path, inside: &Path, to: &Path) -> rpmkit_fs::Result<()> {
    const GIT: &str = ".git";
    let from = UntrustedTree::open(home, Links::Never)?.subtree(inside)?;
    let to = UntrustedTree::open(to, Links::Never)?;
    let mut keep = Vec::new();
    let mut walk = to.walk("", WalkOptions::default())?;
    while let Some(entry) = walk.next() {
        let entry = entry?;
        if entry.name() == GIT {
            keep.push(entry.path().to_owned());
            walk.skip();
        }
    }
    to.clear("", &keep, RemoveOptions::default())?;
    let options = TreeCopyOptions {
        file: CopyOptions {
            mode: CopyMode::Readable,
            ..CopyOptions::default()
        },
        ..TreeCopyOptions::default()
    };
    from.copy_tree_where("", &to, "", &options, |entry| entry.name() != GIT)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use std::{fs, os::unix::fs::symlink};

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
        bring_back(dir.path(), Path::new("from"), &to).unwrap();
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
        let (home, to) = (dir.path().join("home"), dir.path().join("to"));
        fs::create_dir(&to).unwrap();
        symlink(&secret, home.join("build/OUT")).unwrap();
        assert!(bring_back(&home, Path::new("build/OUT"), &to).is_err());
        fs::rename(home.join("build"), home.join("x")).unwrap();
        symlink(&secret, home.join("build")).unwrap();
        assert!(bring_back(&home, Path::new("build/OUT"), &to).is_err());
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
        bring_back(dir.path(), Path::new("from"), &to).unwrap();
        assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
        assert_eq!(fs::read_to_string(to.join("file")).unwrap(), "theirs");
        assert_eq!(fs::read_to_string(to.join("sub/file")).unwrap(), "new");
        assert!(!dir.path().join("file").exists());
        assert!(fs::symlink_metadata(to.join("link")).unwrap().is_symlink());
    }
}
