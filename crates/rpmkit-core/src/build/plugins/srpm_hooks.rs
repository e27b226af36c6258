//! `rpkg_preprocessor` and `rpmautospec`: the spec is rewritten in the chroot before its source package is made.

use std::path::Path;

use super::{BuildError, Buildroot, failed};
use crate::build::rpmbuild::check;
use rpmkit_config::Value;
use rpmkit_fs::{Links, UntrustedTree};
use rpmkit_types::{
    ChrootPath,
    event::{Level, Log, Phase},
};

/// A source package that is about to be made.
pub(in crate::build) struct SourceBuild<'a> {
    /// The spec in the chroot.
    pub spec: &'a ChrootPath,
    /// The same on the host.
    pub host_spec: &'a Path,
    /// What was given as sources.
    pub sources: Option<&'a Path>,
}

/// Everything that both need to know of the sources, or why there is nothing to do.
struct Found {
    /// The spec among the sources in the chroot.
    spec: ChrootPath,
    /// The sources in the chroot.
    dir: ChrootPath,
}

const NO_DIRECTORY: &str = "Sources not specified or not a directory.";

fn narrate(root: &Buildroot, level: Level, text: &str) {
    root.engine().events().narrate(level, text);
}

/// Calls both where they are on.
pub(in crate::build) fn pre_srpm_build(
    root: &mut Buildroot,
    job: &SourceBuild<'_>,
) -> Result<(), BuildError> {
    if root.settings().plugins.enabled("rpkg_preprocessor") {
        rpkg(root, job)?;
    }
    if root.settings().plugins.enabled("rpmautospec") {
        autospec(root, job)?;
    }
    Ok(())
}

fn words(root: &Buildroot, plugin: &str, key: &str) -> Vec<String> {
    let value = root.settings().plugins.option(plugin, key);
    match value {
        Some(Value::Str(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(value) => value
            .items()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect(),
        None => Vec::new(),
    }
}

fn require(root: &mut Buildroot, plugin: &'static str) -> Result<(), BuildError> {
    let names = words(root, plugin, "requires");
    if names.is_empty() {
        return Ok(());
    }
    let mut request = root.package_manager().request();
    request.install = names;
    root.change(&request, plugin).map(drop)
}

fn run(
    root: &mut Buildroot,
    plugin: &'static str,
    argv: Vec<String>,
    dir: &ChrootPath,
) -> Result<(), BuildError> {
    let mut run = root.command(argv, root.build_user());
    run.log = Some(Log::Build);
    run.cwd = dir.as_path().to_owned();
    let ran = root.run(&run)?;
    check(ran, plugin, Phase::Srpm).map(drop)
}

fn among(root: &Buildroot, job: &SourceBuild<'_>) -> Found {
    let name = job.host_spec.file_name().unwrap_or_default();
    Found {
        spec: root.in_tree(Path::new("SOURCES").join(name)),
        dir: root.in_tree("SOURCES"),
    }
}

/// `[rpkg]` `preprocess_spec` of an `rpkg.conf`; `None` when it is not said.
fn wants_preprocessing(conf: &str) -> Option<bool> {
    let mut section = String::new();
    let mut found = None;
    for line in conf.lines().map(str::trim) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            name.clone_into(&mut section);
        }
        let value = line
            .split_once(['=', ':'])
            .filter(|(key, _)| key.trim().eq_ignore_ascii_case("preprocess_spec"));
        if let Some((_, value)) = value
            && section == "rpkg"
        {
            found = match value.trim().to_lowercase().as_str() {
                "1" | "yes" | "true" | "on" => Some(true),
                "0" | "no" | "false" | "off" => Some(false),
                _ => None,
            };
        }
    }
    found
}

#[allow(
    clippy::disallowed_methods,
    reason = "whether something is there, where the user said"
)]
fn rpkg(root: &mut Buildroot, job: &SourceBuild<'_>) -> Result<(), BuildError> {
    const NAME: &str = "rpkg_preprocessor";
    const SKIP: &str = "Skipping rpkg preprocessing step.";
    let Some(sources) = job.sources.filter(|dir| dir.is_dir()) else {
        narrate(root, Level::Debug, &format!("{NO_DIRECTORY} {SKIP}"));
        return Ok(());
    };
    let force = root.settings().plugins.option(NAME, "force_enable");
    if !force.is_some_and(Value::truth) {
        let Some(conf) = small_text(&sources.join("rpkg.conf")) else {
            narrate(root, Level::Info, &format!("rpkg.conf not found. {SKIP}"));
            return Ok(());
        };
        match wants_preprocessing(&conf) {
            Some(true) => {}
            said => {
                if said.is_none() {
                    narrate(
                        root,
                        Level::Warning,
                        "Could not get boolean value of rpkg.preprocess_spec option from rpkg.conf.",
                    );
                }
                let text = format!("preprocess_spec not enabled in rpkg.conf. {SKIP}");
                narrate(root, Level::Info, &text);
                return Ok(());
            }
        }
    }
    let name = job.host_spec.file_name().unwrap_or_default();
    let inside = sources.join(name);
    if !inside.is_file() {
        return Err(failed(
            NAME,
            format!(
                "{} is not a file. Spec file needs to be among sources.",
                inside.display()
            ),
        ));
    }
    narrate(
        root,
        Level::Info,
        "Installing rpkg preprocessing requires...",
    );
    require(root, NAME)?;
    let found = among(root, job);
    let command = root.settings().plugins.option(NAME, "cmd");
    let line = command
        .map(ToString::to_string)
        .unwrap_or_default()
        .replace(
            "%(source_spec)s",
            &crate::build::shell_word(&found.spec.to_string()),
        )
        .replace(
            "%(target_spec)s",
            &crate::build::shell_word(&job.spec.to_string()),
        );
    let argv = shlex::split(&line)
        .filter(|argv| !argv.is_empty())
        .ok_or_else(|| failed(NAME, format!("`cmd` is no command: {line}")))?;
    run(root, NAME, argv, &found.dir)
}

#[allow(
    clippy::disallowed_methods,
    reason = "whether something is there, where the user said"
)]
fn autospec(root: &mut Buildroot, job: &SourceBuild<'_>) -> Result<(), BuildError> {
    const NAME: &str = "rpmautospec";
    let skip = |root: &Buildroot, level: Level, why: &str| {
        let text = format!("{why}, skipping rpmautospec preprocessing.");
        narrate(root, level, &text);
        Ok(())
    };
    let command = words(root, NAME, "cmd_base");
    if command.is_empty() {
        return Err(failed(NAME, "The 'rpmautospec_opts.cmd_base' is unset"));
    }
    let Some(sources) = job.sources else {
        return skip(root, Level::Debug, "Sources not specified");
    };
    if !sources.is_dir() {
        return skip(root, Level::Debug, "Sources not a directory");
    }
    if !sources.join(".git").is_dir() {
        return skip(root, Level::Debug, "Sources is not a git repository");
    }
    let name = job.host_spec.file_name().unwrap_or_default();
    let Some(inside) = small_text(&sources.join(name)) else {
        return skip(root, Level::Debug, "Sources doesn’t contain spec file");
    };
    if small_text(job.host_spec).as_ref() != Some(&inside) {
        return skip(
            root,
            Level::Warning,
            "Spec file inside and outside sources are different",
        );
    }
    if !uses_autospec(&inside) {
        return skip(root, Level::Debug, "Spec file doesn’t use rpmautospec");
    }
    require(root, NAME)?;
    let found = among(root, job);
    let mut argv = command;
    argv.extend([found.spec.to_string(), job.spec.to_string()]);
    run(root, NAME, argv, &found.dir)
}

/// Whether a spec has `%autorelease` or `%autochangelog` where rpmautospec acts on it.
fn uses_autospec(spec: &str) -> bool {
    let mut changelog = false;
    spec.lines().any(|line| {
        let line = line.trim();
        let release = line
            .get(..8)
            .is_some_and(|tag| tag.eq_ignore_ascii_case("release:"));
        if release && (line.contains("%autorelease") || line.contains("%{autorelease")) {
            return true;
        }
        let here = changelog
            && (line.starts_with("%autochangelog") || line.starts_with("%{autochangelog"));
        if line == "%changelog" {
            changelog = true;
        }
        here
    })
}

/// A text of a checkout: of a plain file that is not larger than a spec can be.
fn small_text(path: &Path) -> Option<String> {
    const MOST: u64 = 4 << 20;
    let tree = UntrustedTree::open(path.parent()?, Links::Never).ok()?;
    tree.read_text(path.file_name()?, MOST).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rpkg_conf_says_whether_specs_are_templates() {
        assert_eq!(
            wants_preprocessing("[rpkg]\npreprocess_spec = True\n"),
            Some(true)
        );
        assert_eq!(
            wants_preprocessing("[rpkg]\npreprocess_spec: no\n"),
            Some(false)
        );
        assert_eq!(wants_preprocessing("[git]\npreprocess_spec = True\n"), None);
        assert_eq!(
            wants_preprocessing("[rpkg]\npreprocess_spec = maybe\n"),
            None
        );
    }

    #[test]
    fn specs_that_rpmautospec_works_on_are_known() {
        assert!(uses_autospec("Name: x\nRelease: %autorelease\n"));
        assert!(uses_autospec("release:   %{autorelease -b 3}\n"));
        assert!(uses_autospec("%changelog\n%autochangelog\n"));
        assert!(!uses_autospec("# %autorelease\nRelease: 1\n%changelog\n"));
    }
}
