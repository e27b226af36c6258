//! What to ask repositories for, for each thing a build may miss.

use rpmkit_results::want::{MissingThing, normalized};

/// The questions for one missing thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Candidates {
    /// Capabilities that say it exactly, best first.
    pub requirements: Vec<String>,
    /// Files that are it, listed by primary metadata.
    pub files: Vec<String>,
    /// Ends of paths that are it, to be found in file lists, each with a part the path must have.
    pub ends: Vec<(String, &'static str)>,
    /// Capabilities and packages that are only named like it.
    pub likely: Vec<String>,
    /// Names by which one of several capabilities of a package is the right one.
    pub stems: Vec<String>,
    /// The kind of capability that is better than the package's name: `pkgconfig`.
    pub kind: Option<&'static str>,
    /// The beginning of a capability that is it, as of shared objects.
    pub begin: Option<String>,
    /// Whether the thing is known for certain and not guessed from a message.
    exact: bool,
}

impl Candidates {
    pub(super) fn of(want: &MissingThing) -> Self {
        let name = want.name();
        let lower = name.to_lowercase();
        let own = want.requirement();
        let exact = !matches!(want, MissingThing::Word(_) | MissingThing::Macro(_));
        let base = Self {
            exact,
            stems: vec![lower.clone(), format!("lib{lower}")],
            ..Self::default()
        };
        let capability =
            |more: Vec<String>| -> Vec<String> { own.iter().cloned().chain(more).collect() };
        match want {
            MissingThing::Header(_) => header(base, name),
            MissingThing::Command(_) => command(base, name),
            MissingThing::Library(_) => Self {
                ends: vec![
                    (format!("/lib{name}.so"), "lib"),
                    (format!("/lib{name}.a"), "lib"),
                ],
                likely: developing(&lower),
                kind: Some("pkgconfig"),
                ..base
            },
            MissingThing::SharedObject(_) => Self {
                begin: Some(format!("{name}(")),
                ends: vec![(format!("/{name}"), "lib")],
                ..base
            },
            MissingThing::PkgConfig(_) => Self {
                requirements: capability(Vec::new()),
                ends: vec![(format!("/{name}.pc"), "/pkgconfig/")],
                kind: Some("pkgconfig"),
                ..base
            },
            MissingThing::Cmake(_) => Self {
                requirements: capability(vec![format!("cmake({lower})")]),
                ends: vec![
                    (format!("/{name}Config.cmake"), "/"),
                    (format!("/{lower}-config.cmake"), "/"),
                ],
                likely: developing(&lower),
                kind: Some("pkgconfig"),
                ..base
            },
            MissingThing::Python(_) => {
                let top = name.split('.').next().unwrap_or(name);
                Self {
                    requirements: capability(Vec::new()),
                    ends: vec![
                        (format!("-packages/{top}/__init__.py"), "/"),
                        (format!("-packages/{top}.py"), "/"),
                    ],
                    likely: vec![
                        format!("python3-{}", normalized(top)),
                        format!("python3-{top}"),
                    ],
                    stems: vec![normalized(top)],
                    kind: Some("python3dist"),
                    ..base
                }
            }
            MissingThing::PythonDist(_) => Self {
                requirements: capability(Vec::new()),
                likely: vec![format!("python3-{}", normalized(name))],
                stems: vec![normalized(name)],
                kind: Some("python3dist"),
                ..base
            },
            MissingThing::Perl(_) => {
                let path = format!("/{}.pm", name.replace("::", "/"));
                Self {
                    requirements: capability(Vec::new()),
                    ends: vec![(path, "/perl")],
                    ..base
                }
            }
            MissingThing::Gem(_) => Self {
                requirements: capability(Vec::new()),
                likely: vec![format!("rubygem-{name}"), format!("ruby-{lower}")],
                ..base
            },
            MissingThing::Crate(_) => Self {
                requirements: capability(Vec::new()),
                likely: vec![
                    format!("rust-{lower}-devel"),
                    format!("librust-{}-dev", lower.replace('_', "-")),
                ],
                ..base
            },
            MissingThing::Go(_) => Self {
                requirements: capability(Vec::new()),
                ends: vec![(format!("/src/{name}"), "go")],
                ..base
            },
            MissingThing::Node(_) => Self {
                requirements: capability(Vec::new()),
                likely: vec![format!("nodejs-{lower}"), format!("node-{lower}")],
                ..base
            },
            MissingThing::Maven(_) => Self {
                requirements: capability(Vec::new()),
                ..base
            },
            MissingThing::File(_) if name.starts_with('/') => Self {
                requirements: vec![name.to_owned()],
                files: vec![name.to_owned()],
                ends: vec![(name.to_owned(), "/")],
                ..base
            },
            MissingThing::File(_) => Self {
                ends: vec![(format!("/{name}"), "/")],
                ..base
            },
            MissingThing::Macro(_) => base,
            MissingThing::Word(_) => Self {
                files: programs(name),
                likely: std::iter::once(name.to_owned())
                    .chain(developing(&lower))
                    .chain([
                        format!("cmake({name})"),
                        format!("python3dist({})", normalized(name)),
                    ])
                    .collect(),
                kind: Some("pkgconfig"),
                ..base
            },
        }
    }

    /// Whether it is known what is missing, so that not finding it is worth saying.
    pub(super) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether only file lists could tell.
    pub(super) fn needs_files(&self) -> bool {
        self.exact
            && self.requirements.is_empty()
            && self.files.is_empty()
            && self.begin.is_none()
            && !self.ends.is_empty()
    }
}

fn header(base: Candidates, name: &str) -> Candidates {
    let mut stems = Vec::new();
    let stem = name.rsplit('/').next().unwrap_or(name);
    let stem = stem.split('.').next().unwrap_or(stem).to_lowercase();
    let dir = name.split_once('/').map(|(dir, _)| dir.to_lowercase());
    for word in dir.into_iter().chain([stem]) {
        stems.push(word.clone());
        stems.push(format!("lib{word}"));
    }
    Candidates {
        ends: vec![(format!("/{name}"), "/include/")],
        likely: stems
            .iter()
            .map(|stem| format!("pkgconfig({stem})"))
            .collect(),
        stems,
        kind: Some("pkgconfig"),
        ..base
    }
}

fn command(base: Candidates, name: &str) -> Candidates {
    let real = match name {
        "cc" => "gcc",
        "c++" => "g++",
        "python" => "python3",
        other => other,
    };
    Candidates {
        files: programs(name),
        likely: if real == name {
            vec![name.to_owned()]
        } else {
            Vec::new()
        },
        requirements: if real == name {
            Vec::new()
        } else {
            vec![format!("/usr/bin/{real}")]
        },
        stems: vec![name.to_owned(), real.to_owned()],
        ..base
    }
}

fn programs(name: &str) -> Vec<String> {
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
        .map(|dir| format!("{dir}/{name}"))
        .to_vec()
}

/// Names of what is needed to develop with a library.
fn developing(name: &str) -> Vec<String> {
    let bare = name.strip_prefix("lib").unwrap_or(name);
    vec![
        format!("pkgconfig({name})"),
        format!("pkgconfig(lib{bare})"),
        format!("pkgconfig({bare})"),
        format!("{name}-devel"),
        format!("lib{bare}-devel"),
        format!("{bare}-devel"),
        format!("lib{bare}-dev"),
        format!("{bare}-dev"),
    ]
}

/// The project a program comes from, for programs not named like it.
pub(super) fn project_of(program: &str) -> Option<&'static str> {
    const PROJECTS: [(&str, &str); 16] = [
        ("autopoint", "gettext"),
        ("msgfmt", "gettext"),
        ("xgettext", "gettext"),
        ("aclocal", "automake"),
        ("autoreconf", "autoconf"),
        ("libtoolize", "libtool"),
        ("pkg-config", "pkgconf"),
        ("ninja", "ninja-build"),
        ("makeinfo", "texinfo"),
        ("xsltproc", "libxslt"),
        ("xmllint", "libxml2"),
        ("glib-compile-resources", "glib2"),
        ("desktop-file-validate", "desktop-file-utils"),
        ("appstream-util", "libappstream-glib"),
        ("sphinx-build", "python3-sphinx"),
        ("prove", "perl"),
    ];
    PROJECTS
        .iter()
        .find(|(name, _)| *name == program)
        .map(|(_, project)| *project)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_searched_below_include_and_guessed_by_their_directory() {
        let found = Candidates::of(&MissingThing::Header("openssl/ssl.h".into()));
        assert_eq!(found.ends, [("/openssl/ssl.h".to_owned(), "/include/")]);
        assert_eq!(found.likely[0], "pkgconfig(openssl)");
        assert!(found.needs_files());
    }

    #[test]
    fn a_word_of_a_message_is_never_certain() {
        assert!(!Candidates::of(&MissingThing::Word("flex".into())).is_exact());
        assert!(Candidates::of(&MissingThing::Command("flex".into())).is_exact());
    }
}
