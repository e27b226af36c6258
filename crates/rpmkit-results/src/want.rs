//! What a build looked for and did not find, in terms that repositories can be asked in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum MissingThing {
    /// A C or C++ header, as it was included.
    Header(String),
    /// A program.
    Command(String),
    /// A library for the linker, without `lib`: what follows `-l`.
    Library(String),
    /// A shared object for the loader, `libz.so.1`.
    SharedObject(String),
    /// A pkg-config module.
    PkgConfig(String),
    /// A package CMake looked for, by `find_package`.
    Cmake(String),
    /// A module Python imported.
    Python(String),
    /// A distribution of Python, by its name on its index.
    PythonDist(String),
    /// A module of Perl.
    Perl(String),
    /// A gem of Ruby.
    Gem(String),
    /// A crate of Rust.
    Crate(String),
    /// An import path of Go.
    Go(String),
    /// A module of Node.
    Node(String),
    /// An artifact of Maven, `group:artifact`.
    Maven(String),
    /// A file, by its path or the end of its path.
    File(String),
    /// A macro of rpm, without its per cent sign.
    Macro(String),
    /// A word of an error message that may name a program, a library or a package.
    Word(String),
}

impl MissingThing {
    /// The name looked for.
    pub fn name(&self) -> &str {
        match self {
            Self::Header(name)
            | Self::Command(name)
            | Self::Library(name)
            | Self::SharedObject(name)
            | Self::PkgConfig(name)
            | Self::Cmake(name)
            | Self::Python(name)
            | Self::PythonDist(name)
            | Self::Perl(name)
            | Self::Gem(name)
            | Self::Crate(name)
            | Self::Go(name)
            | Self::Node(name)
            | Self::Maven(name)
            | Self::File(name)
            | Self::Macro(name)
            | Self::Word(name) => name,
        }
    }

    /// Whether the name can be written into a line for a spec: nothing rpm would expand or read as
    /// several words, and not longer than any honest name.
    pub fn is_plain(&self) -> bool {
        is_plain(self.name())
    }

    /// The requirement that says it most directly; nobody need provide it.
    pub fn requirement(&self) -> Option<String> {
        let name = self.name();
        if !self.is_plain() {
            return None;
        }
        Some(match self {
            Self::Header(_) => format!("/usr/include/{name}"),
            Self::Command(_) => format!("/usr/bin/{name}"),
            Self::PkgConfig(_) => format!("pkgconfig({name})"),
            Self::Cmake(_) => format!("cmake({name})"),
            Self::Python(_) => format!("python3dist({})", normalized(top(name))),
            Self::PythonDist(_) => format!("python3dist({})", normalized(name)),
            Self::Perl(_) => format!("perl({name})"),
            Self::Gem(_) => format!("rubygem({name})"),
            Self::Crate(_) => format!("crate({name})"),
            Self::Go(_) => format!("golang({name})"),
            Self::Node(_) => format!("npm({name})"),
            Self::Maven(_) => format!("mvn({name})"),
            Self::Library(_)
            | Self::SharedObject(_)
            | Self::File(_)
            | Self::Macro(_)
            | Self::Word(_) => return None,
        })
    }
}

/// Whether a text from a build or a repository can stand in a spec or a hint as one name.
pub fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('-')
        && name.chars().all(|c| {
            c.is_ascii_graphic()
                && !matches!(
                    c,
                    '%' | '`' | '"' | '\'' | '\\' | '$' | '{' | '}' | ';' | '&' | '|' | '<' | '>'
                )
        })
}

/// The first part of a dotted module name.
fn top(module: &str) -> &str {
    module.split('.').next().unwrap_or(module)
}

/// Python's normal form of a distribution's name (PEP 503).
pub fn normalized(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_ascii_lowercase().chars() {
        let c = if matches!(c, '_' | '.') { '-' } else { c };
        if !(c == '-' && out.ends_with('-')) {
            out.push(c);
        }
    }
    out
}

impl fmt::Display for MissingThing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Header(_) => write!(f, "the header `{name}`"),
            Self::Command(_) => write!(f, "the program `{name}`"),
            Self::Library(_) => write!(f, "the library `-l{name}`"),
            Self::SharedObject(_) => write!(f, "the shared library `{name}`"),
            Self::PkgConfig(_) => write!(f, "the pkg-config module `{name}`"),
            Self::Cmake(_) => write!(f, "the CMake package `{name}`"),
            Self::Python(_) => write!(f, "the Python module `{name}`"),
            Self::PythonDist(_) => write!(f, "the Python distribution `{name}`"),
            Self::Perl(_) => write!(f, "the Perl module `{name}`"),
            Self::Gem(_) => write!(f, "the gem `{name}`"),
            Self::Crate(_) => write!(f, "the crate `{name}`"),
            Self::Go(_) => write!(f, "the Go package `{name}`"),
            Self::Node(_) => write!(f, "the Node module `{name}`"),
            Self::Maven(_) => write!(f, "the Maven artifact `{name}`"),
            Self::File(_) => write!(f, "the file `{name}`"),
            Self::Macro(_) => write!(f, "the macro `%{name}`"),
            Self::Word(_) => write!(f, "`{name}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_never_become_requirements() {
        for name in ["a%{x}", "a b", "a\nb", "", "a`b", "-x", "a\u{1b}[1m"] {
            assert_eq!(
                MissingThing::Command(name.into()).requirement(),
                None,
                "{name:?}"
            );
        }
        assert_eq!(
            MissingThing::PkgConfig("gtk+-3.0".into())
                .requirement()
                .as_deref(),
            Some("pkgconfig(gtk+-3.0)")
        );
    }

    #[test]
    fn python_names_are_normalized() {
        assert_eq!(normalized("Foo__Bar.baz"), "foo-bar-baz");
        assert_eq!(
            MissingThing::Python("yaml.nodes".into())
                .requirement()
                .as_deref(),
            Some("python3dist(yaml)")
        );
    }
}
