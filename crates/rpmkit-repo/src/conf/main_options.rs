//! `[main]`: what holds for the whole run.

use super::{CommonOptions, ConfError, ini::IniEntry, value};
use rpmkit_types::{Setting, VerifyLevel};

/// The options of `[main]` that rpmkit acts on, with dnf's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct MainOptions {
    /// Fail rather than take an older version. Without a word about it dnf 5 does, and dnf 4 does not.
    pub best: Option<bool>,
    /// Whether recommended packages are installed.
    pub install_weak_deps: bool,
    /// Whether what only a removed package needed goes with it.
    pub clean_requirements_on_remove: bool,
    /// Packages that do not exist as far as solving goes (globs).
    pub excludepkgs: Vec<String>,
    /// When not empty, only these exist (globs).
    pub includepkgs: Vec<String>,
    /// Repository ids (globs) or `all` for which excludes are off.
    pub disable_excludes: Vec<String>,
    /// Flags for the rpm transaction: `nodocs`, `noscripts`, `notriggers`, `nocontexts`, `test` …
    pub tsflags: Vec<String>,
    /// Yes to every question.
    pub assumeyes: bool,
    /// No to every question.
    pub assumeno: bool,
    /// Whether `Obsoletes` count.
    pub obsoletes: bool,
    /// Whether a package may come from another vendor than the one it replaces.
    pub allow_vendor_change: bool,
    /// dnf5's: what is asked for and nowhere is left out.
    pub skip_unavailable: bool,
    /// Groups that do not exist as far as installing them goes (globs).
    pub excludegroups: Vec<String>,
    /// The same of environments.
    pub excludeenvgroups: Vec<String>,
    /// Whether a package that cannot be found fails the request (dnf's `strict`).
    pub strict: bool,
    /// Platform for module solving, such as `platform:f43`.
    pub module_platform_id: Option<String>,
    /// Whether local package files must be signed.
    pub localpkg_gpgcheck: bool,
    /// How many of a package's signatures have to be good. Not of `dnf.conf`: rpm's macro.
    pub verify_level: VerifyLevel,
    /// Architecture, where it is set by hand.
    pub arch: Option<String>,
    /// Architecture family, where it is set by hand.
    pub basearch: Option<String>,
    /// Architecture to pretend, even one the host cannot run.
    pub forcearch: Option<String>,
    /// Packages that are never installed only because somebody recommends them (globs).
    pub exclude_from_weak: Vec<String>,
    /// Whether recommended packages that are missing although their recommender is installed stay
    /// away.
    pub exclude_from_weak_autodetect: bool,
    /// Documentation is not installed (yum's and microdnf's `install_docs=0`, dnf's `tsflags=nodocs`).
    pub install_docs: bool,
    /// What a repository takes from `[main]` unless it states its own.
    pub common: CommonOptions,
}

impl Default for MainOptions {
    fn default() -> Self {
        Self {
            best: None,
            install_weak_deps: true,
            clean_requirements_on_remove: true,
            excludepkgs: Vec::new(),
            includepkgs: Vec::new(),
            disable_excludes: Vec::new(),
            tsflags: Vec::new(),
            assumeyes: false,
            assumeno: false,
            obsoletes: true,
            allow_vendor_change: true,
            skip_unavailable: false,
            excludegroups: Vec::new(),
            excludeenvgroups: Vec::new(),
            strict: true,
            module_platform_id: None,
            localpkg_gpgcheck: false,
            verify_level: VerifyLevel::All,
            arch: None,
            basearch: None,
            forcearch: None,
            exclude_from_weak: Vec::new(),
            exclude_from_weak_autodetect: true,
            install_docs: true,
            common: CommonOptions::default(),
        }
    }
}

impl MainOptions {
    /// Takes the option if it is known here.
    pub(super) fn set(&mut self, entry: &IniEntry, text: &str) -> Result<bool, ConfError> {
        let wrong = |expected| ConfError::value(entry, expected);
        let flag = || value::boolean(text).map_err(wrong);
        match entry.key.as_str() {
            "best" => self.best = Some(flag()?),
            "install_weak_deps" => self.install_weak_deps = flag()?,
            "clean_requirements_on_remove" => self.clean_requirements_on_remove = flag()?,
            "exclude" | "excludepkgs" => self.excludepkgs.extend(value::list(text)),
            "includepkgs" => self.includepkgs.extend(value::list(text)),
            "disable_excludes" => self.disable_excludes.extend(value::list(text)),
            "tsflags" => self.tsflags.extend(value::list(text)),
            "assumeyes" => self.assumeyes = flag()?,
            "assumeno" => self.assumeno = flag()?,
            "obsoletes" => self.obsoletes = flag()?,
            "allow_vendor_change" => self.allow_vendor_change = flag()?,
            "skip_unavailable" => self.skip_unavailable = flag()?,
            "excludegroups" => self.excludegroups.extend(value::list(text)),
            "excludeenvgroups" => self.excludeenvgroups.extend(value::list(text)),
            "strict" => self.strict = flag()?,
            "module_platform_id" => self.module_platform_id = value::text(text),
            "localpkg_gpgcheck" => self.localpkg_gpgcheck = flag()?,
            "arch" => self.arch = value::text(text),
            "basearch" => self.basearch = value::text(text),
            "forcearch" => self.forcearch = value::text(text),
            "exclude_from_weak" => self.exclude_from_weak.extend(value::list(text)),
            "exclude_from_weak_autodetect" => self.exclude_from_weak_autodetect = flag()?,
            "install_docs" => self.install_docs = flag()?,
            _ => return self.common.set(entry, text, Setting::Main),
        }
        Ok(true)
    }
}
