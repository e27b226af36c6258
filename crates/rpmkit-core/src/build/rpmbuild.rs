//! rpmbuild calls and what they leave.

use std::path::{Path, PathBuf};

use rpmkit_sandbox::Exit;

use super::{
    BuildError, BuildStage, Buildroot, Ran, RpmbuildOptions, ShortCircuit,
    limits::{passed, run_into},
};
use rpmkit_repo as repo;
use rpmkit_types::{
    ChrootPath, Dep, Package,
    event::{Level, Log, Phase},
};

/// rpmbuild's status for "build requirements are missing" (rpm's `RPMRC_MISSINGBUILDREQUIRES`).
pub(super) const MISSING_BUILD_REQUIRES: i32 = 11;

/// The marker rpmbuild puts into the requirements of a package that generates some.
const DYNAMIC: &str = "rpmlib(DynamicBuildRequires)";

/// What names of source packages end in, those without some of their sources (`.nosrc.rpm`) and
/// rpmbuild's lists of generated requirements (`.buildreqs.nosrc.rpm`) included.
const SOURCE_PACKAGES: &str = "src.rpm";

/// A source package that rpmbuild made.
#[derive(Debug)]
pub(super) struct BuiltSrpm {
    /// Host path of a copy.
    pub path: PathBuf,
    pub package: Package,
}

impl BuiltSrpm {
    /// What has to be installed to build it.
    pub fn requirements(&self) -> Vec<Dep> {
        self.package
            .requires
            .iter()
            .map(|requirement| requirement.dep.clone())
            .filter(|dep| !dep.is_rpmlib())
            .collect()
    }

    /// Whether `%generate_buildrequires` has to run.
    pub fn is_dynamic(&self) -> bool {
        self.package.requires.iter().any(|r| r.dep.name == DYNAMIC)
    }
}

impl Buildroot {
    /// What the configuration says about rpmbuild calls.
    pub(super) fn rpmbuild_options(&self) -> RpmbuildOptions {
        let s = self.settings();
        RpmbuildOptions {
            command: s.build.rpmbuild_command.clone(),
            target: s.build.rpmbuild_arch.clone(),
            check: s.build.check,
            short_circuit: s
                .build
                .short_circuit
                .as_deref()
                .and_then(|name| match name {
                    "prep" => Some(ShortCircuit::Prep),
                    "build" => Some(ShortCircuit::Build),
                    "install" => Some(ShortCircuit::Install),
                    "binary" => Some(ShortCircuit::Binary),
                    _ => None,
                }),
            extra: shlex::split(&s.build.rpmbuild_opts).unwrap_or_default(),
            noclean: !s.build.cleanup_on_success,
        }
    }

    /// Runs rpmbuild as the build user.
    pub(super) fn rpmbuild(
        &mut self,
        stage: BuildStage,
        spec: &ChrootPath,
        phase: Phase,
    ) -> Result<Ran, BuildError> {
        let mut options = self.rpmbuild_options();
        options.noclean &= self.knows_noclean()?;
        let user = self.build_user();
        let mut run = self.limited_command(options.argv(stage, spec), user)?;
        run.log = Some(Log::Build);
        run.cwd = self.topdir().as_path().to_owned();
        let ran = self.run(&run)?;
        let missing = matches!(stage, BuildStage::BuildRequires { .. })
            && matches!(ran.exit, Exit::Code(MISSING_BUILD_REQUIRES));
        let line = run.argv.join(" ");
        if ran.exit == Exit::TimedOut {
            let seconds = run.timeout.map_or(0, |limit| limit.as_secs());
            let text = format!("Timeout({seconds}) expired for command:\n # {line}");
            self.engine().events().narrate(Level::Error, text);
        } else if !ran.exit.success() && !missing {
            let text = format!("Command failed: \n # {line}");
            self.engine().events().narrate(Level::Error, text);
        }
        let ran = self.within_limits(ran, "rpmbuild", phase)?;
        if !ran.exit.success() {
            for sentence in run_into(&self.settings().build.macros, &ran.tail) {
                self.engine().events().warn(sentence);
            }
        }
        Ok(ran)
    }

    /// Turns a command that was stopped for a limit into an error.
    pub(super) fn within_limits(
        &self,
        ran: Ran,
        what: &str,
        phase: Phase,
    ) -> Result<Ran, BuildError> {
        let build = &self.settings().build;
        match ran.exit {
            Exit::TimedOut => Err(BuildError::Timeout {
                what: what.to_owned(),
                phase,
                seconds: build.rpmbuild_timeout.map_or(0, |limit| limit.as_secs()),
                tail: ran.tail,
            }),
            Exit::Exceeded(which) => Err(BuildError::Limit {
                what: what.to_owned(),
                phase,
                limit: passed(&build.limits, which),
                tail: ran.tail,
            }),
            Exit::Code(_) | Exit::Signal(_) => Ok(ran),
        }
    }

    /// Whether this rpmbuild has `--noclean`; asked only where the answer matters.
    fn knows_noclean(&mut self) -> Result<bool, BuildError> {
        if self.settings().build.cleanup_on_success {
            return Ok(false);
        }
        let argv = vec![
            self.settings().build.rpmbuild_command.clone(),
            "--help".into(),
        ];
        let ran = self.quietly(argv)?;
        Ok(String::from_utf8_lossy(&ran.output).contains("--noclean"))
    }

    /// Runs `rpmbuild -bs` and reads the one source package it makes, `.nosrc.rpm` included.
    pub(super) fn make_source(
        &mut self,
        spec: &ChrootPath,
        staging: &Path,
    ) -> Result<BuiltSrpm, BuildError> {
        self.remove(&["SRPMS"], SOURCE_PACKAGES)?;
        let ran = self.rpmbuild(BuildStage::Source, spec, Phase::Srpm)?;
        check(ran, "rpmbuild -bs", Phase::Srpm)?;
        let mut made = self.take(&["SRPMS"], SOURCE_PACKAGES, staging)?;
        match (made.pop(), made.len()) {
            (Some(path), 0) => Ok(BuiltSrpm {
                package: repo::local::read_header(&path)?,
                path,
            }),
            (_, others) => Err(BuildError::SourcePackages {
                count: if others == 0 { 0 } else { others + 1 },
            }),
        }
    }

    /// Removes files by suffix from directories of the build tree.
    pub(super) fn remove(&self, directories: &[&str], suffix: &str) -> Result<(), BuildError> {
        let job = super::transfer::RemoveFiles {
            base: self.home(),
            directories: directories
                .iter()
                .map(|dir| Path::new("build").join(dir))
                .collect(),
            suffix: suffix.to_owned(),
        };
        self.engine().operate("remove-files", &job).map(drop)
    }
}

/// Turns a failed call into an error.
pub(super) fn check(ran: Ran, what: &str, phase: Phase) -> Result<Ran, BuildError> {
    if ran.exit.success() {
        return Ok(ran);
    }
    Err(BuildError::Command {
        what: what.to_owned(),
        phase,
        status: ran.exit.shell_code(),
        signal: match ran.exit {
            Exit::Signal(signal) => Some(signal),
            _ => None,
        },
        tail: ran.tail,
    })
}
