//! How a build is done and what becomes of its results.

use std::{path::PathBuf, time::Duration};

use super::{ConfigError, Dict, Value, read::SettingsReader};
use crate::{Config, Origin};

/// What a command that runs a package's own code may use, with all it starts; none where zero is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BuildLimits {
    /// Memory, MiB.
    pub memory_mb: Option<u32>,
    /// Processes and threads at a time.
    pub processes: Option<u32>,
    /// Disk beside layers, and output, MiB each.
    pub disk_mb: Option<u32>,
    /// Processor time, seconds.
    pub cpu_seconds: Option<u32>,
}

/// The build.
#[derive(Debug, Clone)]
pub struct BuildSettings {
    /// Results.
    pub resultdir: PathBuf,
    /// Whether the result directory was chosen on the command line.
    pub resultdir_given: bool,

    /// Use version control.
    pub scm: bool,
    /// Installed before build requirements, from the command line.
    pub additional_packages: Vec<String>,
    /// Extra requirements by N-V-R, N-V or N.
    pub more_buildreqs: Vec<(String, Vec<String>)>,
    /// Macros; `None` as value means the macro is taken away.
    pub macros: Vec<(String, Option<String>)>,
    /// File of further macros.
    pub macrofile: Option<PathBuf>,

    /// Start from a clean chroot.
    pub clean: bool,
    /// Run `%check`.
    pub check: bool,
    /// Install results afterwards.
    pub post_install: bool,
    /// Remove the chroot after success.
    pub cleanup_on_success: bool,
    /// Remove the chroot after failure.
    pub cleanup_on_failure: bool,
    /// What survives in the build home.
    pub exclude_from_homedir_cleanup: Vec<String>,

    /// `rpmbuild --target`.
    pub rpmbuild_arch: String,
    /// Limit per rpmbuild call; none when zero.
    pub rpmbuild_timeout: Option<Duration>,
    /// Further limits.
    pub limits: BuildLimits,
    /// The rpmbuild program.
    pub rpmbuild_command: String,
    /// Further words for rpmbuild, as written.
    pub rpmbuild_opts: String,
    /// Give the build a network.
    pub rpmbuild_networking: bool,
    /// Stage to start at.
    pub short_circuit: Option<String>,
    /// Honour `%generate_buildrequires`.
    pub dynamic_buildrequires: bool,
    /// Rounds of it at most.
    pub dynamic_buildrequires_max_loops: u32,
    /// Rounds of static requirements at most.
    pub static_buildrequires_max_loops: u32,
    /// Stop before rpmbuild and record the buildroot.
    pub calculatedeps: bool,

    /// Make a repository of the result directory after a build.
    pub createrepo_on_rpms: bool,
    /// Where packages of an earlier build are moved before a clean, if they are.
    pub backup: Option<PathBuf>,
    /// Put before what commands write to standard error, in logs.
    pub stderr_line_prefix: String,
    /// Whether requirements written `external:` are asked for by other tools than the package manager.
    pub external_buildrequires: bool,
    /// Container image the chroot is to be made of, and whether it may be installed when that fails.
    pub buildroot_image: Option<(String, bool)>,

    /// Programs of the host's for hook points: command lines by hook.
    pub hooks: Vec<(String, Vec<String>)>,

    /// Show the main output.
    pub print_main_output: bool,
    /// Everything, expanded, as a build records what it was made with.
    pub all: Dict,
}

impl BuildSettings {
    /// Whether the configuration sets macro `name` (without the per cent sign) to something but 0.
    pub fn macro_is_on(&self, name: &str) -> bool {
        self.macros
            .iter()
            .rfind(|(known, _)| known.trim_start_matches('%') == name)
            .and_then(|(_, value)| value.as_deref())
            .is_some_and(|value| !matches!(value.trim(), "" | "0"))
    }

    /// `r` renders with the chroot's plain name, `places` with the one the unique extension is part of.
    pub(super) fn new(
        config: &Config,
        r: &SettingsReader<'_>,
        places: &SettingsReader<'_>,
    ) -> Result<Self, ConfigError> {
        let rpmbuild_arch = match r.optional("rpmbuild_arch")? {
            Some(arch) => arch,
            None => r.text("target_arch")?,
        };
        Ok(Self {
            resultdir: places.percent("resultdir")?.into(),
            resultdir_given: matches!(config.origins().get(&["resultdir"]), Origin::CommandLine(_)),

            scm: r.flag("scm")?,
            additional_packages: r.words("additional_packages")?,
            more_buildreqs: r.lists("more_buildreqs")?,
            macros: r.nullable_pairs("macros")?,
            macrofile: r.optional("macrofile")?.map(Into::into),

            clean: r.flag("clean")?,
            check: r.flag("check")?,
            post_install: r.flag("post_install")?,
            cleanup_on_success: r.flag("cleanup_on_success")?,
            cleanup_on_failure: r.flag("cleanup_on_failure")?,
            exclude_from_homedir_cleanup: r.words("exclude_from_homedir_cleanup")?,

            rpmbuild_arch,
            rpmbuild_timeout: Some(r.seconds("rpmbuild_timeout")?).filter(|limit| !limit.is_zero()),
            limits: {
                let limit = |name| Ok::<_, ConfigError>(Some(r.number(name)?).filter(|n| *n > 0));
                BuildLimits {
                    memory_mb: limit("max_build_memory_mb")?,
                    processes: limit("max_build_processes")?,
                    disk_mb: limit("max_build_disk_mb")?,
                    cpu_seconds: limit("max_build_cpu_seconds")?,
                }
            },
            rpmbuild_command: r.text("rpmbuild_command")?,
            rpmbuild_opts: r.text("rpmbuild_opts")?,
            rpmbuild_networking: r.flag("rpmbuild_networking")?,
            short_circuit: r.optional("short_circuit")?,
            dynamic_buildrequires: r.flag("dynamic_buildrequires")?,
            dynamic_buildrequires_max_loops: r.number("dynamic_buildrequires_max_loops")?,
            static_buildrequires_max_loops: r.number("static_buildrequires_max_loops")?,
            calculatedeps: r.flag("calculatedeps")?,

            createrepo_on_rpms: r.flag("createrepo_on_rpms")?,
            backup: match r.flag("backup_on_clean")? {
                true => {
                    let base = PathBuf::from(places.text("backup_base_dir")?);
                    Some(base.join(places.required("root")?))
                }
                false => places.text("backup_base_dir").map(|_| None)?,
            },
            stderr_line_prefix: r.text("stderr_line_prefix")?,
            external_buildrequires: r.flag("external_buildrequires")?,
            buildroot_image: match r.optional("buildroot_image")? {
                Some(image) if r.flag("use_buildroot_image")? && !image.is_empty() => {
                    Some((image, r.flag("buildroot_image_fallback")?))
                }
                _ => None,
            },

            hooks: hooks(r.option("hooks")?),

            print_main_output: r.flag("print_main_output")?,
            all: places.everything(),
        })
    }
}

/// `hooks`: for each hook a command line, or a list of them.
fn hooks(option: Option<Value>) -> Vec<(String, Vec<String>)> {
    let Some(Value::Dict(dict)) = option else {
        return Vec::new();
    };
    let lines = |value: &Value| match value {
        Value::None => Vec::new(),
        other => match other.items() {
            Some(items) => items.iter().map(ToString::to_string).collect(),
            None => vec![other.to_string()],
        },
    };
    let all = dict.0.iter();
    all.map(|(hook, value)| (hook.to_string(), lines(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_has_a_line_or_a_list_of_them() {
        let mut dict = Dict::new();
        dict.set("prebuild", "/bin/a --b c");
        dict.set("postbuild", vec!["/bin/d", "/bin/e"]);
        let all = hooks(Some(dict.into()));
        assert_eq!(
            all[0],
            ("prebuild".to_owned(), vec!["/bin/a --b c".to_owned()])
        );
        assert_eq!(all[1].1, ["/bin/d", "/bin/e"]);
        assert!(hooks(None).is_empty());
    }
}
