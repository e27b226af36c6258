//! What a template is filled in with.

use std::fmt;

use serde::Serialize;

use super::TemplateError;

/// Kinds of projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
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

impl Kind {
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

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything a spec says that differs from project to project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Which template.
    pub kind: Kind,
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
    /// Whether `configure` has to be made first (autotools), or there are C++ sources.
    pub bootstrap: bool,
    /// More build requirements, such as `gcc-c++`.
    pub requires: Vec<String>,
    /// `Ada Packager <ada@example.org>`.
    pub packager: String,
    /// Day of the changelog entry: `Sun Nov 22 2026`.
    pub date: String,
}

impl Facts {
    /// Facts with nothing known but the kind.
    pub fn new(kind: Kind) -> Self {
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
            bootstrap: false,
            requires: Vec::new(),
            packager: String::new(),
            date: String::new(),
        }
    }

    pub(super) fn check(&self) -> Result<(), TemplateError> {
        for (value, what) in [
            (&self.name, "name"),
            (&self.version, "version"),
            (&self.summary, "summary"),
            (&self.license, "license"),
            (&self.url, "url"),
            (&self.packager, "packager"),
            (&self.date, "date"),
        ] {
            if value.trim().is_empty() {
                return Err(TemplateError::Missing { what });
            }
        }
        Ok(())
    }

    /// The name of the package and its spec.
    pub fn package(&self) -> String {
        let name = self.name.trim().replace(' ', "-");
        if self.kind == Kind::Python {
            // As Fedora names Python projects: normalised, with one prefix.
            let name = name.to_lowercase().replace(['_', '.'], "-");
            if self.binaries.is_empty() && !name.starts_with("python-") {
                return format!("python-{name}");
            }
            return name;
        }
        name
    }

    pub(super) fn context(&self) -> minijinja::Value {
        let description = if self.description.trim().is_empty() {
            format!("{}.", self.summary.trim().trim_end_matches('.'))
        } else {
            self.description.clone()
        };
        let commands = self.commands();
        minijinja::context! {
            name => self.package(),
            package => self.package(),
            version => rpm_version(&self.version),
            summary => summary(&self.summary),
            description => wrap(&macro_safe(&description)),
            license => macro_safe(self.license.trim()),
            url => macro_safe(self.url.trim()),
            binaries => self.binaries.clone(),
            mains => self.parts.clone(),
            modules => self.parts.join(" "),
            packages => self.members.iter().map(|name| format!(" -p {name}")).collect::<String>(),
            licenses => self.licenses.clone(),
            docs => self.docs.clone(),
            vendored => self.vendored,
            has_vendor => self.has_vendor,
            locked => self.locked,
            requires => commands.requires,
            build => commands.build,
            install => commands.install,
            check => commands.check,
            packager => self.packager.clone(),
            date => self.date.clone(),
        }
    }

    fn commands(&self) -> Commands {
        let (own, build, install, check): (&[&str], _, _, _) = match self.kind {
            Kind::Autotools if self.bootstrap => (
                &["autoconf", "automake", "gcc", "libtool", "make"],
                "autoreconf -fiv\n%configure\n%make_build",
                "%make_install",
                "make check",
            ),
            Kind::Autotools => (
                &["gcc", "make"],
                "%configure\n%make_build",
                "%make_install",
                "make check",
            ),
            // Plain commands: the macros %cmake and %meson differ between distributions.
            Kind::Cmake => (
                &["cmake", "gcc", "make"],
                "cmake -S . -B build-rpm -DCMAKE_BUILD_TYPE=RelWithDebInfo \\\n  -DCMAKE_INSTALL_PREFIX=%{_prefix} -DCMAKE_INSTALL_LIBDIR=%{_lib} \\\n  -DCMAKE_C_FLAGS=\"%{optflags}\" -DCMAKE_CXX_FLAGS=\"%{optflags}\"\ncmake --build build-rpm %{?_smp_mflags}",
                "DESTDIR=%{buildroot} cmake --install build-rpm",
                "cd build-rpm && ctest --output-on-failure",
            ),
            _ => (
                &["gcc", "meson", "ninja-build"],
                "export CFLAGS=\"%{optflags}\" CXXFLAGS=\"%{optflags}\"\nmeson setup build-rpm --buildtype=plain --prefix=%{_prefix} \\\n  --libdir=%{_lib} --sysconfdir=%{_sysconfdir} --wrap-mode=nodownload\nmeson compile -C build-rpm",
                "DESTDIR=%{buildroot} meson install -C build-rpm --no-rebuild",
                "meson test -C build-rpm",
            ),
        };
        let mut requires: Vec<String> = own
            .iter()
            .map(|name| (*name).to_owned())
            .chain(self.requires.iter().cloned())
            .collect();
        requires.sort();
        requires.dedup();
        Commands {
            requires,
            build,
            install,
            check,
        }
    }
}

struct Commands {
    requires: Vec<String>,
    build: &'static str,
    install: &'static str,
    check: &'static str,
}

/// A version in rpm's terms: `1.0.0-rc.1` comes before `1.0.0`, so its dash becomes a tilde;
/// build metadata after `+` joins with a caret; a leading `v` is no part of it.
pub fn rpm_version(version: &str) -> String {
    let version = version.trim();
    let version = version
        .strip_prefix(['v', 'V'])
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or(version);
    let (version, build) = match version.split_once('+') {
        Some((version, build)) => (version, Some(build)),
        None => (version, None),
    };
    let mut out = version.replacen('-', "~", 1).replace('-', ".");
    if let Some(build) = build {
        out.push('^');
        out.push_str(&build.replace('-', "."));
    }
    out
}

/// A summary as rpmlint wants it: one line, no full stop, a capital first, under 80 characters.
fn summary(text: &str) -> String {
    let line = macro_safe(text.lines().next().unwrap_or_default().trim());
    let mut line = line.trim_end_matches('.').to_owned();
    if line.chars().count() > 79 {
        line = line.chars().take(79).collect();
        if let Some(at) = line.rfind(' ') {
            line.truncate(at);
        }
    }
    let mut letters = line.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => line,
    }
}

/// `%` begins a macro in a spec.
fn macro_safe(text: &str) -> String {
    text.replace('%', "%%")
}

/// Breaks paragraphs into lines of at most 75 characters; a line longer than 79 is an error to
/// rpmlint. Lines that would begin a section are indented.
fn wrap(text: &str) -> String {
    let mut out = Vec::new();
    for paragraph in text.trim().split("\n\n") {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 75 {
                out.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        out.push(line);
        out.push(String::new());
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out.join("\n")
}
