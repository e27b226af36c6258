//! `cargo xtask install`: the programs with their completions and man pages, below a prefix.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// The programs of the suite.
pub const PROGRAMS: [&str; 5] = [
    "rpmkit",
    "rpmkit-mock",
    "rpmkit-scm",
    "rpmkit-snap",
    "rpmkit-srpm",
];

/// Directories of completions and man pages, and where they go below a prefix.
pub const DATA: [(&str, &str); 4] = [
    ("completions/bash", "share/bash-completion/completions"),
    ("completions/zsh", "share/zsh/site-functions"),
    ("completions/fish", "share/fish/vendor_completions.d"),
    ("completions/man", "share/man/man1"),
];

/// Whether a file of those is for one of mock's own names.
pub fn of_mock(name: &str) -> bool {
    name.trim_start_matches('_').starts_with("mock")
}

/// mock's own names, and the program each is a link to.
pub const OF_MOCK: [(&str, &str); 5] = [
    ("mock", "rpmkit-mock"),
    ("mock-hermetic-repo", "rpmkit-mock"),
    ("mock-parse-buildlog", "rpmkit-mock"),
    ("mock-scm", "rpmkit-scm"),
    ("mockchain", "rpmkit-mock"),
];

/// What to install and where.
pub struct Install {
    /// `/usr/local`, or `~/.local` for one user.
    pub prefix: PathBuf,
    /// Put in front of everything, for packagers.
    pub destdir: Option<PathBuf>,
    /// Install the name `mock` too.
    pub mock: bool,
    /// Build profile.
    pub profile: String,
}

impl Install {
    /// Builds and installs, telling each file through `say`.
    pub fn run(&self, root: &Path, target: &Path, say: &dyn Fn(&str)) -> Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build
            .args(["build", "--profile", &self.profile])
            .current_dir(root);
        for program in PROGRAMS {
            build.args(["--package", program]);
        }
        if !build.status().context("cannot run cargo")?.success() {
            bail!("the suite does not build");
        }
        // cargo calls the directory of its `dev` profile `debug`.
        let built = target.join(if self.profile == "dev" {
            "debug"
        } else {
            &self.profile
        });
        for program in PROGRAMS {
            self.put(&built.join(program), &format!("bin/{program}"), 0o755, say)?;
        }
        let mut names = vec![("rpmkit-hermetic-repo", "rpmkit-mock")];
        if self.mock {
            names.extend(OF_MOCK);
        }
        for (name, program) in names {
            let link = self.path(&format!("bin/{name}"));
            if link.symlink_metadata().is_ok() {
                fs::remove_file(&link)
                    .with_context(|| format!("cannot replace `{}`", link.display()))?;
            }
            symlink(program, &link).with_context(|| format!("cannot link `{}`", link.display()))?;
            say(&format!("{} -> {program}", link.display()));
        }
        for (from, to) in DATA {
            self.put_all(&root.join(from), to, say)?;
        }
        let helper = "packaging/libexec/mock-plugin.py";
        let place = "libexec/rpmkit/mock-plugin.py";
        self.put(&root.join(helper), place, 0o644, say)
    }

    fn put_all(&self, from: &Path, to: &str, say: &dyn Fn(&str)) -> Result<()> {
        let list =
            fs::read_dir(from).with_context(|| format!("cannot list `{}`", from.display()))?;
        for entry in list {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
                continue;
            };
            // mock's own completion and page stay mock's unless its name is taken over.
            if path.is_file() && name != ".gitkeep" && (self.mock || !of_mock(name)) {
                self.put(&path, &format!("{to}/{name}"), 0o644, say)?;
            }
        }
        Ok(())
    }

    /// Copies beside the target and renames, so that a running program is not written into.
    fn put(&self, from: &Path, to: &str, mode: u32, say: &dyn Fn(&str)) -> Result<()> {
        let target = self.path(to);
        let dir = target.parent().context("a target without a directory")?;
        fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
        let new = tempfile::NamedTempFile::new_in(dir)
            .with_context(|| format!("cannot write to `{}`", dir.display()))?;
        fs::copy(from, new.path())
            .and_then(|_| fs::set_permissions(new.path(), fs::Permissions::from_mode(mode)))
            .with_context(|| format!("cannot copy `{}`", from.display()))?;
        new.persist(&target)
            .with_context(|| format!("cannot write `{}`", target.display()))?;
        say(&target.display().to_string());
        Ok(())
    }

    fn path(&self, below: &str) -> PathBuf {
        let path = self.prefix.join(below);
        match &self.destdir {
            Some(dest) => dest.join(path.strip_prefix("/").unwrap_or(&path)),
            None => path,
        }
    }
}
