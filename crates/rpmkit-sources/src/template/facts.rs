//! What a template is filled in with.

use std::fmt;

use serde::Serialize;

use super::{
    TemplateError,
    text::{macro_safe, one_line, rpm_name, rpm_version, summary, wrap},
};

/// Kinds of projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProjectKind {
    /// A crate or workspace with programs.
    Rust,
    /// `pyproject.toml`
    Python,
    /// `configure.ac` or a ready `configure`
    Autotools,
    /// `CMakeLists.txt`
    Cmake,
    /// `meson.build`
    Meson,
    /// `go.mod`
    Go,
}

impl ProjectKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Rust,
        Self::Python,
        Self::Autotools,
        Self::Cmake,
        Self::Meson,
        Self::Go,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::Autotools => "autotools",
            Self::Cmake => "cmake",
            Self::Meson => "meson",
            Self::Go => "go",
        }
    }

    pub(super) fn template(self) -> &'static str {
        match self {
            Self::Rust => include_str!("../../../../templates/rust.spec"),
            Self::Python => include_str!("../../../../templates/python.spec"),
            Self::Autotools | Self::Cmake | Self::Meson => {
                include_str!("../../../../templates/c.spec")
            }
            Self::Go => include_str!("../../../../templates/go.spec"),
        }
    }
}

impl fmt::Display for ProjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything a spec says that differs from project to project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Which template.
    pub kind: ProjectKind,
    /// The project's name.
    pub name: String,
    /// Its version as the project writes it; [`rpm_version`] makes it rpm's.
    pub version: String,
    /// One line.
    pub summary: String,
    /// Any length; the summary if empty.
    pub description: String,
    /// SPDX expression.
    pub license: String,
    /// Home page.
    pub url: String,
    /// Programs it installs.
    pub binaries: Vec<String>,
    /// Go: the package of each program; Python: the modules.
    pub parts: Vec<String>,
    /// Rust: the workspace members that have the programs; empty for all.
    pub members: Vec<String>,
    /// Licence files.
    pub licenses: Vec<String>,
    /// Documents.
    pub docs: Vec<String>,
    /// Whether dependencies come as a second source.
    pub vendored: bool,
    /// Whether the tree has its dependencies in `vendor/` already.
    pub has_vendor: bool,
    /// Whether versions of dependencies are fixed by a file in the tree.
    pub locked: bool,
    /// Rust: where cargo shall look for crates, as its configuration says it.
    pub crates: String,
    /// Rust: the library that is packaged as source, for want of a program.
    pub library: bool,
    /// Oldest compiler that will do, or empty.
    pub toolchain: String,
    /// Python: whether the backend asks version control for the version, which an archive lacks.
    pub scm_version: bool,
    /// Whether the package is the same for every architecture.
    pub noarch: bool,
    /// C: whether there are files to develop with, which go into a package of their own.
    pub devel: bool,
    /// Autotools: whether static libraries have to be turned off.
    pub shared_only: bool,
    /// Whether the build system has a target for tests.
    pub has_tests: bool,
    /// Whether `configure` has to be made first (autotools), or there are C++ sources.
    pub bootstrap: bool,
    /// More build requirements, such as `gcc-c++`.
    pub requires: Vec<String>,
    /// `Ada Packager <ada@example.org>`.
    pub packager: String,
    /// Day of the changelog entry: `Sun Nov 22 2026`.
    pub date: String,
}

/// Everything cargo would get from its registry comes from the archive.
const CRATES: &str = "[source.crates-io]\nreplace-with = \"vendored-sources\"\n\n[source.vendored-sources]\ndirectory = \"vendor\"";

impl Facts {
    /// Facts with nothing known but the kind.
    pub fn new(kind: ProjectKind) -> Self {
        Self {
            kind,
            name: String::new(),
            version: String::new(),
            summary: String::new(),
            description: String::new(),
            license: String::new(),
            url: String::new(),
            binaries: Vec::new(),
            parts: Vec::new(),
            members: Vec::new(),
            licenses: Vec::new(),
            docs: Vec::new(),
            vendored: false,
            has_vendor: false,
            locked: false,
            crates: CRATES.to_owned(),
            library: false,
            toolchain: String::new(),
            scm_version: false,
            noarch: false,
            devel: false,
            has_tests: true,
            shared_only: false,
            bootstrap: false,
            requires: Vec::new(),
            packager: String::new(),
            date: String::new(),
        }
    }

    pub(super) fn check(&self) -> Result<(), TemplateError> {
        let missing: Vec<&'static str> = [
            (&self.name, "name"),
            (&self.version, "version"),
            (&self.summary, "summary"),
            (&self.license, "license"),
            (&self.packager, "packager"),
            (&self.date, "date"),
        ]
        .into_iter()
        .filter(|(value, _)| value.trim().is_empty())
        .map(|(_, what)| what)
        .collect();
        if !missing.is_empty() {
            return Err(TemplateError::Missing { what: missing });
        }
        let unfit = |what, value: &str, reason| {
            Err(TemplateError::Unfit {
                what,
                value: value.to_owned(),
                reason,
            })
        };
        if rpm_name(&self.name).is_empty() {
            return unfit(
                "name",
                &self.name,
                "rpm takes ASCII letters, digits and `._+-`",
            );
        }
        if !rpm_version(&self.version).starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return unfit(
                "version",
                &self.version,
                "it has to begin with a letter or digit",
            );
        }
        Ok(())
    }

    /// The name of the package and its spec.
    pub fn package(&self) -> String {
        let name = rpm_name(&self.name);
        if self.kind == ProjectKind::Python {
            // As Fedora names Python projects: normalised, with one prefix.
            let name = name.to_lowercase().replace(['_', '.'], "-");
            if self.binaries.is_empty() && !name.starts_with("python-") {
                return format!("python-{name}");
            }
            return name;
        }
        if self.library {
            return format!("rust-{name}");
        }
        name
    }

    /// The package a library goes into, where that is another than the source package's.
    fn library_package(&self) -> String {
        match self.kind {
            ProjectKind::Rust if self.library => format!("{}-devel", self.package()),
            // As Fedora has it: `python-x` is the source of `python3-x`.
            ProjectKind::Python => self
                .package()
                .strip_prefix("python-")
                .map(|name| format!("python3-{name}"))
                .unwrap_or_default(),
            _ => String::new(),
        }
    }

    pub(super) fn context(&self) -> minijinja::Value {
        let description = if self.description.trim().is_empty() {
            format!("{}.", one_line(&self.summary).trim_end_matches('.'))
        } else {
            self.description.clone()
        };
        let commands = self.commands();
        minijinja::context! {
            name => self.package(),
            project => self.name.trim(),
            version => rpm_version(&self.version),
            upstream => self.version.trim(),
            summary => summary(&self.summary),
            description => wrap(&description),
            license => macro_safe(&one_line(&self.license)),
            url => macro_safe(&one_line(&self.url).replace(" ", "%20")),
            binaries => self.binaries.clone(),
            mains => self.parts.clone(),
            modules => self.parts.join(" "),
            packages => self.members.iter().map(|name| format!(" -p {name}")).collect::<String>(),
            licenses => self.licenses.clone(),
            docs => self.docs.clone(),
            vendored => self.vendored,
            has_vendor => self.has_vendor,
            locked => self.locked,
            crates => self.crates.trim(),
            library => self.library_package(),
            toolchain => self.toolchain.trim(),
            noarch => self.noarch,
            scm_version => if self.scm_version { self.version.trim().trim_start_matches(['v', 'V']) } else { "" },
            devel => self.devel && !self.licenses.is_empty(),
            requires => commands.requires,
            build => commands.build,
            install => commands.install,
            check => commands.check,
            packager => macro_safe(&one_line(&self.packager)),
            date => self.date.clone(),
        }
    }

    fn commands(&self) -> Commands {
        let own: &[&str] = match self.kind {
            ProjectKind::Autotools if self.bootstrap => {
                &["autoconf", "automake", "gcc", "libtool", "make"]
            }
            ProjectKind::Autotools => &["gcc", "make"],
            ProjectKind::Cmake => &["cmake", "gcc", "make"],
            ProjectKind::Meson => &["gcc", "meson", "ninja-build"],
            ProjectKind::Rust | ProjectKind::Python | ProjectKind::Go => &[],
        };
        let (build, install, check) = match self.kind {
            ProjectKind::Autotools if self.bootstrap && self.shared_only => (
                "autoreconf -fiv\n%configure --disable-static\n%make_build",
                "%make_install",
                "make check",
            ),
            ProjectKind::Autotools if self.shared_only => (
                "%configure --disable-static\n%make_build",
                "%make_install",
                "make check",
            ),
            ProjectKind::Autotools if self.bootstrap => (
                "autoreconf -fiv\n%configure\n%make_build",
                "%make_install",
                "make check",
            ),
            ProjectKind::Autotools => ("%configure\n%make_build", "%make_install", "make check"),
            // Plain commands: the macros %cmake and %meson differ between distributions.
            ProjectKind::Cmake => (
                CMAKE,
                "DESTDIR=%{buildroot} cmake --install build-rpm",
                "cd build-rpm && ctest --output-on-failure",
            ),
            _ => (
                MESON,
                "DESTDIR=%{buildroot} meson install -C build-rpm --no-rebuild",
                "meson test -C build-rpm",
            ),
        };
        let mut requires: Vec<String> = own
            .iter()
            .map(|name| (*name).to_owned())
            .chain(self.requires.iter().cloned())
            .filter(|name| {
                !(self.noarch
                    && ["gcc", "libtool"].contains(&name.as_str())
                    && own.contains(&name.as_str()))
            })
            .collect();
        requires.sort();
        requires.dedup();
        Commands {
            requires,
            build,
            install,
            check: if self.has_tests { check } else { "" },
        }
    }
}

const CMAKE: &str = "cmake -S . -B build-rpm -DCMAKE_BUILD_TYPE=None \\
  -DCMAKE_INSTALL_PREFIX=%{_prefix} -DCMAKE_INSTALL_LIBDIR=%{_lib} \\
  -DCMAKE_INSTALL_SYSCONFDIR=%{_sysconfdir} -DBUILD_SHARED_LIBS=ON \\
  -DCMAKE_SKIP_INSTALL_RPATH=ON \\
  -DCMAKE_C_FLAGS=\"%{optflags}\" -DCMAKE_CXX_FLAGS=\"%{optflags}\"
cmake --build build-rpm %{?_smp_mflags}";

const MESON: &str = "export CFLAGS=\"%{optflags}\" CXXFLAGS=\"%{optflags}\"
meson setup build-rpm --buildtype=plain --prefix=%{_prefix} \\
  --libdir=%{_lib} --sysconfdir=%{_sysconfdir} --wrap-mode=nodownload
meson compile -C build-rpm";

struct Commands {
    requires: Vec<String>,
    build: &'static str,
    install: &'static str,
    check: &'static str,
}
