//! `rpmkit.toml` in a checkout: what a project wants of rpmkit when the command line does not say.
//!
//! It chooses and never configures: chroots by the names the user has for them, and a spec of its
//! own tree. Reading a stranger's checkout runs nothing of it, and follows no link that leaves it.

#![allow(
    clippy::disallowed_methods,
    reason = "looks at owners of directories; what a file says is read through the tree"
)]

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use rpmkit_fs::{FsError, Links, UntrustedTree};
use serde::Deserialize;
use toml::Spanned;

use rpmkit_types::Hint;

/// The file's name.
pub const PROJECT_FILE: &str = "rpmkit.toml";

/// Bytes of a project file; more is no list of choices.
const LIMIT: u64 = 64 << 10;

/// Write permission for everybody.
const WORLD_WRITABLE: u32 = 0o002;

/// A project file that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    /// Where it is.
    pub file: PathBuf,
    /// Plain names of chroots to build for, never paths; none leaves the choice to others.
    pub chroots: Vec<String>,
    /// The spec, an absolute path below the top of the checkout.
    pub spec: Option<PathBuf>,
    /// What `rpmkit chain` builds of it, and how.
    pub chain: ChainTable,
}

/// The table `[chain]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainTable {
    /// Directories, specs and source packages, absolute paths below the top of the checkout; none leaves it to
    /// what is there.
    pub packages: Vec<PathBuf>,
    /// Packages at which circles may be broken.
    pub bootstrap: Vec<BootstrapRule>,
}

/// How a package is built first where it breaks a circle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootstrapRule {
    /// Name of the source package.
    pub package: String,
    /// Build conditions that are on; `bootstrap` where nothing at all is given.
    #[serde(default)]
    pub with: Vec<String>,
    /// Build conditions that are off.
    #[serde(default)]
    pub without: Vec<String>,
    /// Macros, as `NAME VALUE`.
    #[serde(default)]
    pub define: Vec<String>,
}

impl BootstrapRule {
    /// The usual one: `--with bootstrap`.
    pub fn usual(package: &str) -> Self {
        Self {
            package: package.to_owned(),
            with: vec!["bootstrap".to_owned()],
            ..Self::default()
        }
    }

    fn completed(self) -> Self {
        let bare = self.with.is_empty() && self.without.is_empty() && self.define.is_empty();
        if bare {
            Self::usual(&self.package)
        } else {
            self
        }
    }
}

/// What a search for the project file came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectSearch {
    /// The file that counts.
    pub project: Option<Project>,
    /// A remark for people, where a file was passed over.
    pub note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    chroots: Vec<Spanned<String>>,
    spec: Option<Spanned<PathBuf>>,
    #[serde(default)]
    chain: RawChain,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChain {
    #[serde(default)]
    packages: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    bootstrap: Vec<RawBootstrap>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawBootstrap {
    Name(String),
    Rule(BootstrapRule),
}

/// A project file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// It cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no TOML, or has other keys or values than expected.
    #[error("{}:{line}: {reason}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// It names a chroot by something else than a plain name.
    #[error("{}:{line}: `{name}` in `chroots` is no plain name of a chroot, such as `fedora-43-x86_64`; a checkout chooses among the chroots its user has and brings none", path.display())]
    Chroot {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What it says.
        name: String,
    },
    /// It names a spec that is not in the checkout.
    #[error("{}:{line}: `{}` leads out of the checkout; a path below `{}` was expected", path.display(), spec.display(), top.display())]
    Spec {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What it says.
        spec: PathBuf,
        /// The top of the checkout.
        top: PathBuf,
    },
}

impl ProjectError {
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        let one = |text: &str| vec![Hint::new(text)];
        match self {
            Self::Read { .. } => Vec::new(),
            Self::Content { .. } => one(
                "it may hold `chroots = [\"NAME\", …]`, `spec = \"PATH\"` and a table `[chain]` with `packages` and `bootstrap`, nothing else",
            ),
            Self::Chroot { .. } => one(
                "put the definition in your own configuration directory (~/.config/rpmkit/NAME.toml) and write NAME here, or name the file with `-r PATH` on the command line",
            ),
            Self::Spec { .. } => one("`--spec PATH` on the command line may name a spec anywhere"),
        }
    }
}

impl Project {
    /// Looks for the project file of the checkout that `path` is in: in its directory or one above,
    /// up to the top of the work tree (the directory with `.git`). Outside of a work tree only
    /// `path`'s own directory counts. A directory of another owner, or that everybody may write to,
    /// ends the search.
    ///
    /// # Errors
    /// When a file is there that cannot be read or says what it must not.
    pub fn find(path: &Path) -> Result<ProjectSearch, ProjectError> {
        let start = if path.is_dir() {
            Some(path)
        } else {
            path.parent()
        };
        let Some(Ok(start)) = start.map(fs::canonicalize) else {
            return Ok(ProjectSearch::default());
        };
        let reach = match Reach::from(&start) {
            Ok(reach) => reach,
            Err(note) => {
                return Ok(ProjectSearch {
                    note,
                    ..ProjectSearch::default()
                });
            }
        };
        for dir in start.ancestors() {
            let file = dir.join(PROJECT_FILE);
            match reach.read(&file)? {
                Content::Text(text) => {
                    return Ok(ProjectSearch {
                        project: Some(Self::parse(&file, &text, &reach.top)?),
                        note: None,
                    });
                }
                Content::Foreign => {
                    return Ok(ProjectSearch {
                        project: None,
                        note: Some(format!(
                            "`{}` is not read: it belongs to another user than its directory",
                            file.display()
                        )),
                    });
                }
                Content::None => {}
            }
            if dir == reach.top {
                break;
            }
        }
        Ok(ProjectSearch::default())
    }

    fn parse(file: &Path, text: &str, top: &Path) -> Result<Self, ProjectError> {
        let line = |at: usize| {
            let before = &text.as_bytes()[..at.min(text.len())];
            before.iter().filter(|b| **b == b'\n').count() + 1
        };
        rpmkit_types::check_toml(text).map_err(|(at, reason)| ProjectError::Content {
            path: file.to_owned(),
            line: line(at),
            reason,
        })?;
        let raw: Raw = toml::from_str(text).map_err(|error| ProjectError::Content {
            path: file.to_owned(),
            line: line(error.span().map_or(0, |span| span.start)),
            reason: error.message().to_owned(),
        })?;
        if let Some(name) = raw.chroots.iter().find(|name| !is_plain(name.as_ref())) {
            return Err(ProjectError::Chroot {
                path: file.to_owned(),
                line: line(name.span().start),
                name: name.as_ref().escape_debug().to_string(),
            });
        }
        let dir = file.parent().unwrap_or(Path::new("."));
        let inside = |given: Spanned<PathBuf>| {
            let path = dir.join(given.as_ref());
            if stays_below(given.as_ref(), &path, top) {
                return Ok(path);
            }
            Err(ProjectError::Spec {
                path: file.to_owned(),
                line: line(given.span().start),
                spec: given.as_ref().clone(),
                top: top.to_owned(),
            })
        };
        let packages: Result<Vec<_>, _> = raw.chain.packages.into_iter().map(inside).collect();
        let bootstrap = raw.chain.bootstrap.into_iter().map(|rule| match rule {
            RawBootstrap::Name(name) => BootstrapRule::usual(&name),
            RawBootstrap::Rule(rule) => rule.completed(),
        });
        Ok(Self {
            file: file.to_owned(),
            chroots: raw.chroots.into_iter().map(Spanned::into_inner).collect(),
            spec: raw.spec.map(inside).transpose()?,
            chain: ChainTable {
                packages: packages?,
                bootstrap: bootstrap.collect(),
            },
        })
    }
}

/// Whether the loader takes a name for one of the user's definitions and nothing else: it opens
/// what ends in `.toml` or `.cfg` from the working directory, and follows slashes.
fn is_plain(name: &str) -> bool {
    !(name.is_empty()
        || name.starts_with(['.', '-'])
        || name.contains('/')
        || name.contains(char::is_control)
        || name.ends_with(".toml")
        || name.ends_with(".cfg"))
}

/// Whether a path, as written and as links have it, is below `top`. What is not on disk may be in
/// the commit that is built, where no link leads out.
fn stays_below(written: &Path, path: &Path, top: &Path) -> bool {
    written
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && UntrustedTree::open(top, Links::Beneath)
            .and_then(|tree| {
                let inside = path.strip_prefix(top).unwrap_or(path);
                tree.without(".git").stat(inside)
            })
            .map_or_else(|error| error.is_not_found(), |_| true)
}

/// How far the search goes.
struct Reach {
    /// The last directory that is looked in.
    top: PathBuf,
}

enum Content {
    Text(String),
    /// There is one, of another user.
    Foreign,
    None,
}

impl Reach {
    /// Up to the top of the work tree around `start`. The error is a remark, where there is one to
    /// make: nothing may be read.
    fn from(start: &Path) -> Result<Self, Option<String>> {
        let first = fs::metadata(start).map_err(|_| None)?;
        if first.mode() & WORLD_WRITABLE != 0 {
            let file = start.join(PROJECT_FILE);
            return Err(fs::symlink_metadata(&file).is_ok().then(|| {
                format!(
                    "`{}` is not read: everybody may write to its directory",
                    file.display()
                )
            }));
        }
        let ours = |dir: &&Path| {
            fs::metadata(dir)
                .is_ok_and(|data| data.uid() == first.uid() && data.mode() & WORLD_WRITABLE == 0)
        };
        let top = start
            .ancestors()
            .take_while(ours)
            .find(|dir| fs::symlink_metadata(dir.join(".git")).is_ok());
        Ok(Self {
            top: top.unwrap_or(start).to_owned(),
        })
    }

    /// The file's text, if it is an ordinary file of the checkout. A link to one is fine.
    fn read(&self, path: &Path) -> Result<Content, ProjectError> {
        let failed = |source| ProjectError::Read {
            path: path.to_owned(),
            source,
        };
        let refused = |reason: &str| failed(io::Error::new(io::ErrorKind::InvalidData, reason));
        let tree = UntrustedTree::open(&self.top, Links::Beneath)
            .map_err(|e| failed(e.into()))?
            .without(".git");
        let inside = path.strip_prefix(&self.top).unwrap_or(path);
        let file = match tree.open_file(inside) {
            Ok(file) => file,
            Err(e) if e.is_not_found() => return Ok(Content::None),
            Err(FsError::Leaves { .. } | FsError::LeftOut { .. }) => {
                return Err(refused("it is a link that leads out of the checkout"));
            }
            Err(FsError::Kind { .. }) => return Err(refused("it is no ordinary file")),
            Err(e) => return Err(failed(e.into())),
        };
        let data = file.metadata().map_err(failed)?;
        let real = tree.real_path(inside).map_err(|e| failed(e.into()))?;
        let dir = real.parent().unwrap_or(Path::new(""));
        let owner = tree.stat(dir).map_err(|e| failed(e.into()))?.uid();
        let caller = nix::unistd::geteuid().as_raw();
        if ![owner, caller, 0].contains(&data.uid()) {
            return Ok(Content::Foreign);
        }
        let mut text = String::new();
        file.take(LIMIT + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
        if text.len() as u64 > LIMIT {
            return Err(refused("it is larger than 64 KiB"));
        }
        Ok(Content::Text(text))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A checkout `outer/tree` with a directory `sub`.
    fn checkout() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let tree = fs::canonicalize(dir.path()).unwrap().join("outer/tree");
        fs::create_dir_all(tree.join("sub/.empty")).unwrap();
        fs::create_dir(tree.join(".git")).unwrap();
        (dir, tree)
    }

    fn project(path: &Path) -> Option<Project> {
        Project::find(path).unwrap().project
    }

    #[test]
    fn found_from_below_but_not_beyond_the_work_tree() {
        let (_dir, tree) = checkout();
        fs::write(tree.with_file_name(PROJECT_FILE), "x = 1").unwrap();
        assert_eq!(project(&tree.join("sub")), None);
        fs::write(
            tree.join(PROJECT_FILE),
            "chroots = [\"a\", \"b\"]\nspec = \"sub/x.spec\"\n",
        )
        .unwrap();
        let found = project(&tree.join("sub")).unwrap();
        assert_eq!(found.chroots, ["a", "b"]);
        assert_eq!(found.spec, Some(tree.join("sub/x.spec")));
    }

    #[test]
    fn a_chain_names_packages_below_and_where_circles_break() {
        let (_dir, tree) = checkout();
        fs::write(
            tree.join(PROJECT_FILE),
            "[chain]\npackages = [\"sub\"]\nbootstrap = [\"a\", { package = \"b\", without = [\"docs\"] }]\n",
        )
        .unwrap();
        let chain = project(&tree).unwrap().chain;
        assert_eq!(chain.packages, [tree.join("sub")]);
        let b = BootstrapRule {
            package: "b".into(),
            without: vec!["docs".into()],
            ..BootstrapRule::default()
        };
        assert_eq!(chain.bootstrap, [BootstrapRule::usual("a"), b]);
        fs::write(tree.join(PROJECT_FILE), "[chain]\npackages = [\"../x\"]\n").unwrap();
        let error = Project::find(&tree).unwrap_err().to_string();
        assert!(error.contains("rpmkit.toml:2: `../x` leads out"), "{error}");
    }

    #[test]
    fn without_a_work_tree_only_the_directory_itself_counts() {
        let (_dir, tree) = checkout();
        fs::remove_dir(tree.join(".git")).unwrap();
        fs::write(tree.join(PROJECT_FILE), "chroots = [\"a\"]").unwrap();
        assert_eq!(project(&tree.join("sub")), None);
        assert_eq!(project(&tree.join("sub/x.src.rpm")), None);
        assert_eq!(project(&tree.join("x.src.rpm")).unwrap().chroots, ["a"]);
    }

    #[test]
    fn a_directory_everybody_may_write_to_ends_the_search() {
        let (_dir, tree) = checkout();
        fs::write(tree.join(PROJECT_FILE), "chroots = [\"a\"]").unwrap();
        fs::set_permissions(&tree, fs::Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(project(&tree.join("sub")), None);
        let here = Project::find(&tree.join("x.src.rpm")).unwrap();
        assert_eq!(here.project, None);
        assert!(here.note.unwrap().contains("everybody may write"));
    }

    #[test]
    fn a_change_of_owner_ends_the_search() {
        if !nix::unistd::geteuid().is_root() {
            // Only root can give files away; an ordinary user's `/` shows the same.
            assert_eq!(project(Path::new("/")), None);
            return;
        }
        let (_dir, tree) = checkout();
        fs::write(tree.join(PROJECT_FILE), "chroots = [\"a\"]").unwrap();
        std::os::unix::fs::chown(tree.join(PROJECT_FILE), Some(4_000_001), None).unwrap();
        let found = Project::find(&tree).unwrap();
        assert_eq!(found.project, None);
        assert!(found.note.unwrap().contains("another user"));
        std::os::unix::fs::chown(&tree, Some(4_000_001), None).unwrap();
        assert_eq!(project(&tree.join("sub")), None);
        // A stranger's checkout, named itself, may choose.
        assert!(project(&tree).is_some());
    }

    #[test]
    fn mistakes_name_file_and_line() {
        let file = Path::new("/p/rpmkit.toml");
        for (text, line, word) in [
            ("chroots = [\"a\"]\nchroot = \"b\"\n", 2, "chroot"),
            ("\n\nchroots = 3\n", 3, "sequence"),
            ("chroots = [\n", 1, ""),
            ("chroots = [\"a\",\n\"./evil.toml\"]\n", 2, "./evil.toml"),
            ("chroots = [\"evil.toml\"]\n", 1, "evil.toml"),
            ("chroots = [\"evil.cfg\"]\n", 1, "plain name"),
            ("chroots = [\"sub/evil\"]\n", 1, "sub/evil"),
            ("chroots = [\"/etc/mock/a\"]\n", 1, "plain name"),
            ("chroots = [\"..\"]\n", 1, "plain name"),
            ("chroots = [\"\"]\n", 1, "plain name"),
            ("chroots = [\"\\u001b[0m\"]\n", 1, "\\u{1b}[0m"),
            ("\nspec = \"../../x\"\n", 2, "../../x"),
            ("spec = \"/etc/passwd\"\n", 1, "/etc/passwd"),
        ] {
            let error = Project::parse(file, text, Path::new("/p")).unwrap_err();
            let said = error.to_string();
            assert!(
                said.starts_with(&format!("/p/rpmkit.toml:{line}: ")),
                "{said}"
            );
            assert!(said.contains(word), "{said}");
            assert!(!error.hints().is_empty());
        }
    }

    #[test]
    fn links_count_while_they_stay_in_the_checkout() {
        let (dir, tree) = checkout();
        let outside = dir.path().join("secret");
        fs::write(&outside, "hunter2").unwrap();
        fs::write(tree.join("sub/x.spec"), "").unwrap();
        symlink("sub/x.spec", tree.join("x.spec")).unwrap();
        fs::write(tree.join(PROJECT_FILE), "spec = \"x.spec\"").unwrap();
        assert_eq!(project(&tree).unwrap().spec, Some(tree.join("x.spec")));
        fs::remove_file(tree.join("x.spec")).unwrap();
        symlink(&outside, tree.join("x.spec")).unwrap();
        let said = Project::find(&tree).unwrap_err().to_string();
        assert!(said.contains("`x.spec` leads out"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
        fs::remove_file(tree.join(PROJECT_FILE)).unwrap();
        symlink(&outside, tree.join(PROJECT_FILE)).unwrap();
        let said = Project::find(&tree).unwrap_err().to_string();
        assert!(said.contains("leads out"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
