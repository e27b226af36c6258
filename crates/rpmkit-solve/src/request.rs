//! What is asked of the solver.

use serde::{Deserialize, Serialize};

use super::SolveError;
use rpmkit_types::{Dep, Package};

/// Which members of a group count, as dnf's `group_package_types`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTypes {
    /// `mandatory`
    pub mandatory: bool,
    /// `default`
    pub default: bool,
    /// `conditional`
    pub conditional: bool,
    /// `optional`
    pub optional: bool,
}

impl Default for GroupTypes {
    /// dnf's own default: all but the optional ones.
    fn default() -> Self {
        Self {
            mandatory: true,
            default: true,
            conditional: true,
            optional: false,
        }
    }
}

impl GroupTypes {
    /// Reads a list such as `mandatory,default`; None when it holds another word.
    pub fn parse(text: &str) -> Option<Self> {
        let mut types = Self {
            mandatory: false,
            default: false,
            conditional: false,
            optional: false,
        };
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            match word {
                "mandatory" => types.mandatory = true,
                "default" => types.default = true,
                "conditional" => types.conditional = true,
                "optional" => types.optional = true,
                _ => return None,
            }
        }
        Some(types)
    }
}

/// What to bring up to date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Update {
    /// Nothing.
    #[default]
    No,
    /// Everything installed.
    All,
    /// What these specs match.
    Specs(Vec<String>),
}

/// In which order a package manager hands packages to rpm. rpm orders them by what they require; between
/// packages that do not need each other it keeps this order, and so it decides which `%pre` makes its
/// user first and gets the higher number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandOver {
    /// As they stand in the repositories' metadata: dnf 4.
    #[default]
    Metadata,
    /// As the solver decided on them: dnf 5.
    Decisions,
}

/// One question. `Default` is a request for nothing with dnf's own settings (`best` on, weak
/// dependencies on, nothing erased for the sake of something else).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SolveRequest {
    /// Specs as dnf's `install` takes them: names, globs, `name.arch`, `name-version-release`,
    /// provides with versions, file paths, `@group` and `@group/mandatory,optional`.
    pub install: Vec<String>,
    /// Requirements of a source package; `rpmlib(...)` is passed over.
    pub builddeps: Vec<Dep>,
    /// Package files outside any repository, to be installed as they are. `location.href` is their
    /// path.
    pub local: Vec<Package>,
    /// What to update.
    pub update: Update,
    /// Specs of what to remove.
    pub remove: Vec<String>,
    /// `install_weak_deps`
    pub weak_deps: bool,
    /// `best`: insist on the newest version of what was asked for.
    pub best: bool,
    /// `--allowerasing`: installed packages may go if that makes a solution.
    pub allow_erasing: bool,
    /// `strict`: what cannot be installed fails the request; off, it is left out.
    pub strict: bool,
    /// dnf5's `skip_unavailable`: what is asked for and nowhere is left out.
    pub skip_unavailable: bool,
    /// `allow_vendor_change`: a package may be replaced by one of another vendor.
    pub vendor_change: bool,
    /// `excludegroups`: groups that do not exist (globs).
    pub exclude_groups: Vec<String>,
    /// `excludeenvgroups`: environments that do not exist (globs).
    pub exclude_environments: Vec<String>,
    /// `excludepkgs` of the main section and `--exclude`.
    pub excludes: Vec<String>,
    /// `includepkgs` of the main section: if not empty, nothing else is considered.
    pub includes: Vec<String>,
    /// `disable_excludes`: `all`, `main` or ids of repositories whose filters do not count.
    pub disable_excludes: Vec<String>,
    /// `group_package_types`
    pub group_types: GroupTypes,
    /// `multilib_policy = all`: a plain name means every architecture.
    pub multilib_all: bool,
    /// `obsoletes`: a name also means what obsoletes it.
    pub obsoletes: bool,
    /// `clean_requirements_on_remove`: remove what only the removed needed.
    pub clean_requirements: bool,
    /// `installonlypkgs`: provides of packages kept side by side in several versions.
    pub installonly: Vec<String>,
    /// `installonly_limit`: how many of them; zero for any number.
    pub installonly_limit: u32,
    /// Module streams to enable, `name:stream`.
    pub module_enable: Vec<String>,
    /// Modules to disable: none of their packages are considered.
    pub module_disable: Vec<String>,
    /// `module_platform_id`, such as `platform:f43`. Without it every platform fits.
    pub module_platform: Option<String>,
    /// Names of installed packages nobody asked for, which `remove` may clean away. Everything
    /// else installed counts as asked for.
    pub unneeded_candidates: Vec<String>,
    /// Order of [`super::Solution::order`].
    pub hand_over: HandOver,
}

impl Default for SolveRequest {
    fn default() -> Self {
        Self {
            install: Vec::new(),
            builddeps: Vec::new(),
            local: Vec::new(),
            update: Update::No,
            remove: Vec::new(),
            weak_deps: true,
            best: true,
            allow_erasing: false,
            strict: true,
            skip_unavailable: false,
            vendor_change: true,
            exclude_groups: Vec::new(),
            exclude_environments: Vec::new(),
            excludes: Vec::new(),
            includes: Vec::new(),
            disable_excludes: Vec::new(),
            group_types: GroupTypes::default(),
            multilib_all: false,
            obsoletes: true,
            clean_requirements: true,
            installonly: INSTALLONLY.iter().map(|s| (*s).to_owned()).collect(),
            installonly_limit: 3,
            module_enable: Vec::new(),
            module_disable: Vec::new(),
            module_platform: None,
            unneeded_candidates: Vec::new(),
            hand_over: HandOver::default(),
        }
    }
}

/// dnf's built-in `installonlypkgs`.
const INSTALLONLY: [&str; 6] = [
    "kernel",
    "kernel-PAE",
    "installonlypkg(kernel)",
    "installonlypkg(kernel-module)",
    "installonlypkg(vm)",
    "multiversion(kernel)",
];

impl SolveRequest {
    /// Reads the words of `chroot_setup_cmd`, which are a dnf command line: `install a b @c`,
    /// `groupinstall c`, `group install c`, `update`, `upgrade a`, `remove a`, `builddep` excluded.
    /// Settings stay at their defaults. Options (`--setopt=…`) are not read.
    pub fn from_command(words: &[String]) -> Result<Self, SolveError> {
        let mut request = Self::default();
        request.add_command(words)?;
        Ok(request)
    }

    /// Adds the words of one dnf command line to this request.
    pub fn add_command(&mut self, words: &[String]) -> Result<(), SolveError> {
        let bad = || SolveError::Command {
            text: words.join(" "),
        };
        let word = |i: usize| words.get(i).map(String::as_str);
        let (verb, rest) = match (word(0), word(1)) {
            (Some("group" | "groups" | "grp"), Some("install" | "groupinstall")) => {
                ("groupinstall", words.get(2..))
            }
            (Some(verb), _) => (verb, words.get(1..)),
            (None, _) => return Err(bad()),
        };
        let rest: Vec<String> = rest.unwrap_or_default().to_vec();
        match verb {
            "install" | "in" => self.install.extend(rest),
            "groupinstall" | "group-install" => {
                self.install
                    .extend(rest.into_iter().map(|g| match g.strip_prefix('@') {
                        Some(_) => g,
                        None => format!("@{g}"),
                    }));
            }
            "update" | "upgrade" | "up" => {
                self.update = match (std::mem::take(&mut self.update), rest.is_empty()) {
                    (Update::All, _) | (_, true) => Update::All,
                    (Update::No, false) => Update::Specs(rest),
                    (Update::Specs(mut specs), false) => {
                        specs.extend(rest);
                        Update::Specs(specs)
                    }
                };
            }
            "remove" | "erase" | "rm" => self.remove.extend(rest),
            _ => return Err(bad()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn setup_commands_become_requests() {
        let read = |text: &str| SolveRequest::from_command(&words(text)).unwrap();
        assert_eq!(
            read("install @buildsys-build bash").install,
            ["@buildsys-build", "bash"]
        );
        assert_eq!(
            read("groupinstall buildsys-build").install,
            ["@buildsys-build"]
        );
        assert_eq!(read("group install ^a").install, ["@^a"]);
        assert_eq!(read("update").update, Update::All);
        assert_eq!(
            read("upgrade a").update,
            Update::Specs(vec!["a".to_owned()])
        );
        assert!(SolveRequest::from_command(&words("frobnicate x")).is_err());
        assert!(SolveRequest::from_command(&[]).is_err());
    }
}
