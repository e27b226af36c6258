//! Dependencies of Rust and Go projects, gathered into one archive.
//!
//! cargo and go do what a project's files say: `rust-toolchain.toml` and `.cargo/config.toml` name
//! programs, `go.mod` names a compiler to fetch. So they run in the chroot, on a copy of the project,
//! and all they are given is a network. On the host they run for somebody who asked for just that.

use std::{collections::HashMap, path::Path};

use rpmkit_fs::{CopyOptions, Dir, HostDir, Links, TempDir, UntrustedTree};

use super::TemplateError;
use crate::srpm::{OUT_IN_ROOT, SrpmError, TreeCommand, TreeRunner};
use rpmkit_host::{HostCommand, Tool};
use rpmkit_types::event::Events;
use rpmkit_vcs::{
    ArchiveOptions, CommandEnv,
    archive::{DirTimes, archive_dir},
    run_on_host,
};

/// When cargo itself dates the files in its packages: 2006-07-24. One time for all makes the bytes
/// of an archive depend on their content alone.
const MTIME: i64 = 1_153_704_088;

/// Who gathers dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VendorTool {
    /// `cargo vendor`
    Cargo,
    /// `go mod vendor`
    Go,
}

/// Where it runs.
pub enum VendorPlace<'a> {
    /// In a chroot that is thrown away, with the tool of the target's repositories.
    Chroot(&'a mut dyn TreeRunner),
    /// On this host, because the user asked for it.
    Host(&'a CommandEnv),
}

impl VendorTool {
    /// Of the project in `dir`; `None` when it is neither cargo's nor go's.
    pub fn of(dir: &Path) -> Option<Self> {
        let dir = UntrustedTree::open(dir, Links::Never).ok()?;
        let is_file = |name: &str| dir.lstat(name).is_ok_and(|meta| meta.is_file());
        match (is_file("Cargo.toml"), is_file("go.mod")) {
            (true, _) => Some(Self::Cargo),
            (_, true) => Some(Self::Go),
            _ => None,
        }
    }

    /// The command, as people know it.
    pub fn command(self) -> &'static str {
        match self {
            Self::Cargo => "cargo vendor",
            Self::Go => "go mod vendor",
        }
    }

    /// Names of the files that decide what is gathered.
    pub(crate) fn decisive(self) -> &'static [&'static str] {
        match self {
            Self::Cargo => &["Cargo.toml", "Cargo.lock", "config.toml", "config"],
            Self::Go => &["go.mod", "go.sum", "go.work"],
        }
    }

    /// The program as a file every distribution's package of it has.
    fn file(self) -> &'static str {
        match self {
            Self::Cargo => "/usr/bin/cargo",
            Self::Go => "/usr/bin/go",
        }
    }

    /// Gathers the dependencies of `project`, a copy that may be written to, and writes them as
    /// `vendor/…` to `dest`: the same bytes for the same content. With cargo's goes the lock file of a
    /// project that has none.
    ///
    /// # Errors
    /// [`SrpmError::NoVendorTool`]; [`SrpmError::Vendoring`] when the tool fails; or when `dest` cannot
    /// be written.
    pub fn archive(
        self,
        project: &Path,
        dest: &Path,
        place: VendorPlace<'_>,
        events: &Events,
    ) -> Result<(), SrpmError> {
        let project = &UntrustedTree::open(project, Links::Never)?;
        let scratch = beside(dest)?;
        let out = scratch.path().join("OUT");
        HostDir::create(&out, 0o755)?;
        match place {
            VendorPlace::Chroot(runner) => self.in_chroot(project.shown(), &out, dest, runner)?,
            VendorPlace::Host(host) => self.on_host(project, &out, host, events)?,
        }
        let times = DirTimes::Each(HashMap::new(), MTIME);
        let options = ArchiveOptions::with_prefix("");
        archive_dir(&out, dest, &options, &times, false).map_err(TemplateError::from)?;
        Ok(())
    }

    fn in_chroot(
        self,
        project: &Path,
        out: &Path,
        dest: &Path,
        runner: &mut dyn TreeRunner,
    ) -> Result<(), SrpmError> {
        if !runner.offers(self.file()).map_err(SrpmError::Parse)? {
            return Err(SrpmError::NoVendorTool {
                archive: dest.file_name().unwrap_or_default().into(),
                tool: self,
            });
        }
        let mut packages = vec![self.file().to_owned()];
        // What https needs, where it is a package of its own.
        if runner.offers("ca-certificates").map_err(SrpmError::Parse)? {
            packages.push("ca-certificates".to_owned());
        }
        let script = match self {
            Self::Cargo => {
                "locked=; [ ! -e Cargo.lock ] || locked=--locked; \
                 cargo vendor --versioned-dirs $locked \"$1/vendor\" >/dev/null; \
                 [ -n \"$locked\" ] || cp Cargo.lock \"$1/\""
            }
            Self::Go => "go mod vendor -o \"$1/vendor\"",
        };
        let words = ["/bin/sh", "-ec", script, "sh", OUT_IN_ROOT];
        let command = TreeCommand {
            tree: project.to_owned(),
            out: out.to_owned(),
            argv: words.map(str::to_owned).to_vec(),
            env: Vec::new(),
            packages,
            as_root: false,
            network: true,
        };
        runner
            .run(&command)
            .map(drop)
            .map_err(|source| SrpmError::Vendoring { tool: self, source })
    }

    /// Outside the project and with homes of their own, cargo and rustup read no settings of its.
    fn on_host(
        self,
        project: &Dir,
        out: &Path,
        host: &CommandEnv,
        events: &Events,
    ) -> Result<(), SrpmError> {
        let home = beside(out)?;
        let scm = |error| SrpmError::from(TemplateError::Scm(error));
        let new = |program| HostCommand::new(Tool::Vendor, program, &host.env);
        let vendor = out.join("vendor");
        let locked = project.lstat_if_there("Cargo.lock")?.is_some();
        let command = match self {
            Self::Cargo => new("cargo")
                .map_err(|error| scm(error.into()))?
                .env("CARGO_HOME", home.path())
                .args(["vendor", "--versioned-dirs", "--manifest-path"])
                .args([project.shown().join("Cargo.toml")])
                .args(locked.then_some("--locked"))
                .args([vendor]),
            Self::Go => new("go")
                .map_err(|error| scm(error.into()))?
                .env("HOME", home.path())
                .env("GOPATH", home.path().join("go"))
                .env("GOCACHE", home.path().join("cache"))
                .env("GOENV", "off")
                .env("GOFLAGS", "-modcacherw")
                // The compiler a go.mod asks for is not fetched and run.
                .env("GOTOOLCHAIN", "local")
                .cwd(project.shown())
                .args(["mod", "vendor", "-o"])
                .args([vendor]),
        };
        run_on_host(&command, events).map_err(scm)?;
        if self == Self::Cargo && !locked {
            project.copy_file_itself(
                "Cargo.lock",
                &*HostDir::open(out)?,
                "Cargo.lock",
                &CopyOptions::default(),
            )?;
        }
        Ok(())
    }
}

/// A directory beside `path` that goes away with the value.
pub(crate) fn beside(path: &Path) -> Result<TempDir, SrpmError> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    let dir = HostDir::open(dir)?;
    // What killed runs left is untidy and nothing else.
    let _ = TempDir::sweep(&dir);
    Ok(TempDir::new(&dir, "vendor", "")?)
}
