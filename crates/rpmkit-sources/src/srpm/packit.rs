//! `packit.yaml`: which spec, and the actions that make sources.

use std::path::{Path, PathBuf};

use git2::Repository;
use yaml_rust2::{Yaml, YamlLoader};

use super::{
    SrpmError,
    files::left_in,
    rpkg_user::plain_path,
    runner::{TREE_IN_ROOT, TreeCommand, TreeRunner},
};
use rpmkit_types::event::Events;
use rpmkit_vcs::git;

/// The names packit looks for, in its order.
pub(super) const NAMES: &[&str] = &[".packit.yaml", ".packit.yml", "packit.yaml", "packit.yml"];

/// Actions that matter to a source package, in the order packit runs them.
const ACTIONS: &[&str] = &[
    "post-upstream-clone",
    "get-current-version",
    "create-archive",
    "fix-spec-file",
    "post-modifications",
];

/// What the file says about the source package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Packit {
    pub specfile: Option<PathBuf>,
    pub upstream_name: Option<String>,
    pub downstream_name: Option<String>,
    /// Name and shell commands.
    pub actions: Vec<(String, Vec<String>)>,
    /// `srpm_build_deps`.
    pub packages: Vec<String>,
    /// Where in the tree it works: the first of a monorepo's `paths`; empty for the top.
    pub dir: PathBuf,
    /// `upstream_tag_template`: how tags are called, with `{version}` in it.
    pub tag_template: Option<String>,
}

/// What actions are told about the project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PackitProject {
    /// The version, until an action says another.
    pub version: String,
    /// The commit's id; empty without one.
    pub commit: String,
    /// The branch; empty without one.
    pub branch: String,
}

impl Packit {
    /// Reads the file: an entry a package of a monorepo, else one. What neither a package nor the top
    /// says is taken from the first job that builds it.
    pub fn parse(text: &str, path: &Path) -> Result<Vec<Self>, SrpmError> {
        let error = |line: usize, reason: String| SrpmError::Packit {
            path: path.to_owned(),
            line,
            reason,
        };
        super::yaml::check(text).map_err(|(line, reason)| error(line, reason))?;
        let documents = YamlLoader::load_from_str(text)
            .map_err(|e| error(e.marker().line(), e.info().to_owned()))?;
        let Some(top) = documents.first() else {
            return Ok(vec![Self::default()]);
        };
        if top.as_hash().is_none() {
            return Err(error(1, "expected a mapping".to_owned()));
        }
        let packages: Vec<(Option<&str>, &Yaml)> = match top["packages"].as_hash() {
            Some(packages) if !packages.is_empty() => packages
                .iter()
                .map(|(name, package)| (name.as_str(), package))
                .collect(),
            _ => vec![(None, &Yaml::BadValue)],
        };
        packages
            .into_iter()
            .map(|(name, package)| {
                let mut levels = vec![package, top];
                levels.extend(job_levels(top, name));
                Self::of_levels(name, &levels).map_err(|reason| error(1, reason))
            })
            .collect()
    }

    /// One package; the first of the `levels` that has a key counts.
    fn of_levels(name: Option<&str>, levels: &[&Yaml]) -> Result<Self, String> {
        let get = |key: &str| {
            levels
                .iter()
                .map(|level| &level[key])
                .find(|value| !value.is_badvalue() && !value.is_null())
                .unwrap_or(&Yaml::BadValue)
        };
        let text = |key: &str| get(key).as_str().map(str::to_owned);
        let inside = |key: &str, value: &str| {
            plain_path(value).ok_or_else(|| format!("`{key}: {value}` leads out of the tree"))
        };
        let mut actions = Vec::new();
        for name in ACTIONS {
            let commands = commands(&get("actions")[*name])
                .ok_or_else(|| format!("action `{name}` is neither text nor a list of texts"))?;
            if !commands.is_empty() {
                actions.push(((*name).to_owned(), commands));
            }
        }
        let dir = match &get("paths")[0] {
            Yaml::String(dir) => inside("paths", dir)?,
            _ => PathBuf::new(),
        };
        let specfile = text("specfile_path")
            .map(|spec| inside("specfile_path", &spec))
            .transpose()?;
        let name = || name.map(str::to_owned);
        Ok(Self {
            specfile,
            upstream_name: text("upstream_package_name").or_else(|| text("upstream_project_name")),
            downstream_name: text("downstream_package_name").or_else(name),
            actions,
            dir,
            tag_template: text("upstream_tag_template"),
            packages: get("srpm_build_deps")
                .as_vec()
                .map(|list| {
                    list.iter()
                        .filter_map(|item| item.as_str().map(str::to_owned))
                        .collect()
                })
                .unwrap_or_default(),
        })
    }

    /// Where in the tree the spec may be, the likeliest first.
    pub fn specs(&self) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        if let Some(spec) = &self.specfile {
            // Monorepos are written both ways.
            paths.push(self.dir.join(spec));
            paths.push(spec.clone());
            paths.dedup();
        }
        paths
    }

    /// As [`Packit::specs`], with the name packit falls back to.
    pub fn made_specs(&self) -> Vec<PathBuf> {
        let mut paths = self.specs();
        if paths.is_empty() {
            let names = [&self.downstream_name, &self.upstream_name];
            paths.extend(
                names
                    .into_iter()
                    .flatten()
                    .filter_map(|name| plain_path(&format!("{name}.spec")))
                    .map(|name| self.dir.join(name)),
            );
        }
        paths
    }

    /// Whether some action makes or changes what goes into the source package.
    pub fn makes_sources(&self) -> bool {
        !self.actions.is_empty()
    }

    /// Runs the actions in the copy of the tree. Gives the archive the project made, a path in `tree`, if it
    /// says so: the last line `create-archive` printed.
    pub fn run(
        &self,
        tree: &Path,
        out: &Path,
        project: &PackitProject,
        runner: &mut dyn TreeRunner,
        events: &Events,
    ) -> Result<Option<PathBuf>, SrpmError> {
        let mut version = project.version.clone();
        let mut archive = None;
        let downstream = self.downstream_name.clone().unwrap_or_default();
        let upstream = self
            .upstream_name
            .clone()
            .unwrap_or_else(|| downstream.clone());
        for (name, commands) in &self.actions {
            let mut printed = String::new();
            for command in commands {
                events.info(format!(
                    "packit action {name}, in the build root: {command}"
                ));
                let env = [
                    ("PACKIT_PROJECT_VERSION", version.clone()),
                    ("PACKIT_RPMSPEC_RELEASE", "1".to_owned()),
                    ("PACKIT_RPMSPEC_VERSION", version.clone()),
                    ("PACKIT_PROJECT_COMMIT", project.commit.clone()),
                    ("PACKIT_PROJECT_BRANCH", project.branch.clone()),
                    (
                        "PACKIT_PROJECT_ARCHIVE",
                        archive
                            .as_ref()
                            .and_then(|path: &PathBuf| path.file_name())
                            .map(|name| name.to_string_lossy().into_owned())
                            .unwrap_or_default(),
                    ),
                    (
                        "PACKIT_PROJECT_NAME_VERSION",
                        format!("{upstream}-{version}"),
                    ),
                    ("PACKIT_UPSTREAM_PACKAGE_NAME", upstream.clone()),
                    ("PACKIT_DOWNSTREAM_PACKAGE_NAME", downstream.clone()),
                    ("PACKIT_PWD", TREE_IN_ROOT.to_owned()),
                ];
                printed = runner
                    .run(&TreeCommand {
                        tree: tree.to_owned(),
                        out: out.to_owned(),
                        argv: self.argv(command),
                        env: env.map(|(key, value)| (key.to_owned(), value)).to_vec(),
                        packages: self.packages.clone(),
                        as_root: false,
                        network: false,
                    })
                    .map_err(SrpmError::Parse)?;
            }
            let last = printed
                .lines()
                .rev()
                .map(str::trim)
                .find(|line| !line.is_empty());
            match (name.as_str(), last) {
                ("get-current-version", Some(last)) => last.clone_into(&mut version),
                ("create-archive", Some(last)) => {
                    let inside = last.strip_prefix(TREE_IN_ROOT).unwrap_or(last);
                    let path = if inside.len() < last.len() {
                        PathBuf::from(inside.trim_start_matches('/'))
                    } else {
                        self.dir.join(inside.trim_start_matches('/'))
                    };
                    // It is copied: of all files of the host only one of the tree may be.
                    let left = left_in(tree)?;
                    if !left.exists(&path)? || !left.stat(&path)?.is_file() {
                        return Err(SrpmError::NoArchive {
                            said: last.to_owned(),
                        });
                    }
                    archive = Some(left.real_path(&path)?);
                }
                _ => {}
            }
        }
        Ok(archive)
    }

    /// packit hands text to a shell only if it asks for one; its documentation recommends `bash -c`, and
    /// both work this way.
    fn argv(&self, command: &str) -> Vec<String> {
        let mut argv = vec!["/bin/bash".to_owned(), "-c".to_owned()];
        if !self.dir.as_os_str().is_empty() {
            argv.push("cd -- \"$0\" && exec /bin/bash -c \"$1\"".to_owned());
            argv.push(self.dir.display().to_string());
        }
        argv.push(command.to_owned());
        argv
    }
}

/// The settings of jobs that make source packages of this package, the jobs' own ones for it first.
fn job_levels<'y>(top: &'y Yaml, package: Option<&str>) -> Vec<&'y Yaml> {
    const BUILDS: &[&str] = &[
        "copr_build",
        "build",
        "upstream_koji_build",
        "production_build",
    ];
    let mut levels = Vec::new();
    for job in top["jobs"].as_vec().into_iter().flatten() {
        if !job["job"].as_str().is_some_and(|job| BUILDS.contains(&job)) {
            continue;
        }
        match (&job["packages"], package) {
            (Yaml::Array(names), Some(package))
                if !names.iter().any(|name| name.as_str() == Some(package)) =>
            {
                continue;
            }
            (named @ Yaml::Hash(_), Some(package)) => {
                if named[package].is_badvalue() {
                    continue;
                }
                levels.push(&named[package]);
            }
            _ => {}
        }
        levels.push(job);
    }
    levels
}

/// The version of the last tag of `rev`'s history, by when the tag was made, that is called as
/// `template` says; as packit finds it where no action tells it.
pub(super) fn tagged_version(repo: &Repository, rev: &str, template: &str) -> Option<String> {
    let head = git::resolve(repo, rev).ok()?.id();
    let (before, after) = template.split_once("{version}")?;
    let mut found: Option<(i64, String)> = None;
    for name in repo.tag_names(None).ok()?.iter().flatten().flatten() {
        let Some(version) = name
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .filter(|version| !version.is_empty())
        else {
            continue;
        };
        let Ok(object) = repo.revparse_single(&format!("refs/tags/{name}")) else {
            continue;
        };
        let Ok(commit) = object.peel_to_commit() else {
            continue;
        };
        let reachable =
            commit.id() == head || repo.graph_descendant_of(head, commit.id()).unwrap_or(false);
        let made = object
            .as_tag()
            .and_then(|tag| tag.tagger().map(|tagger| tagger.when().seconds()))
            .unwrap_or_else(|| commit.time().seconds());
        if reachable && found.as_ref().is_none_or(|(time, _)| *time <= made) {
            found = Some((made, version.to_owned()));
        }
    }
    found.map(|(_, version)| version)
}

/// One command or several; none for an absent value.
fn commands(value: &Yaml) -> Option<Vec<String>> {
    match value {
        Yaml::BadValue | Yaml::Null => Some(Vec::new()),
        Yaml::String(text) => Some(vec![text.clone()]),
        Yaml::Array(list) => list
            .iter()
            .map(|item| match item {
                Yaml::String(text) => Some(text.clone()),
                // A list of words is one command.
                Yaml::Array(words) => {
                    let words: Option<Vec<&str>> = words.iter().map(Yaml::as_str).collect();
                    shlex::try_join(words?).ok()
                }
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;

    #[test]
    fn what_counts_is_read() {
        let packit = Packit::parse(
            "specfile_path: dist/x.spec\nupstream_package_name: x\nsrpm_build_deps: [make, git]\n\
             actions:\n  create-archive:\n    - make dist\n    - [echo, a b.tar.gz]\n  \
             get-current-version: cat VERSION\n  pre-sync: no\njobs: []\n",
            Path::new("packit.yaml"),
        )
        .unwrap()
        .remove(0);
        assert_eq!(packit.specfile.as_deref(), Some(Path::new("dist/x.spec")));
        assert_eq!(packit.packages, ["make", "git"]);
        assert_eq!(
            packit.actions,
            [
                (
                    "get-current-version".to_owned(),
                    vec!["cat VERSION".to_owned()]
                ),
                (
                    "create-archive".to_owned(),
                    vec!["make dist".to_owned(), "echo 'a b.tar.gz'".to_owned()]
                ),
            ]
        );
    }

    #[test]
    fn the_last_tag_of_this_history_tells_the_version() {
        let repo = rpmkit_vcs::testing::TestRepo::new();
        repo.commit("one");
        repo.git(&["tag", "-a", "-m", "x", "v1.0"]);
        repo.commit("two");
        repo.git(&["tag", "v1.1"]);
        repo.git(&["tag", "other-9"]);
        repo.git(&["checkout", "-q", "-b", "next"]);
        repo.commit("three");
        repo.git(&["tag", "v2.0"]);
        let of = |rev, template| tagged_version(&repo.repository(), rev, template);
        assert_eq!(of("main", "v{version}").as_deref(), Some("1.1"));
        assert_eq!(of("next", "v{version}").as_deref(), Some("2.0"));
        assert_eq!(of("main", "other-{version}").as_deref(), Some("9"));
        assert_eq!(of("main", "none-{version}"), None);
    }

    #[test]
    fn monorepos_are_read_and_mistakes_named() {
        let packit = Packit::parse(
            "packages:\n  one:\n    specfile_path: ./one.spec\n  two:\n    specfile_path: two.spec\n    \
             paths: [sub]\nactions:\n  fix-spec-file: 'true'\njobs:\n- job: copr_build\n  packages:\n    \
             two: {srpm_build_deps: [gcc]}\n- job: copr_build\n  packages: [one]\n  srpm_build_deps: [make]\n",
            Path::new("p"),
        )
        .unwrap();
        assert_eq!(packit[0].specs(), [Path::new("one.spec")]);
        assert_eq!(
            packit[1].specs(),
            [Path::new("sub/two.spec"), Path::new("two.spec")]
        );
        assert_eq!(packit[0].packages, ["make"]);
        assert_eq!(packit[1].packages, ["gcc"]);
        assert_eq!(packit[1].downstream_name.as_deref(), Some("two"));
        assert!(packit[0].makes_sources() && packit[1].makes_sources());
        assert_eq!(
            Packit::parse("", Path::new("p")).unwrap(),
            [Packit::default()]
        );
        let error = Packit::parse("specfile_path: ../x.spec", Path::new("p")).unwrap_err();
        assert!(error.to_string().contains("leads out"), "{error}");
        let error = Packit::parse("a: [b\nc: d", Path::new("p.yaml")).unwrap_err();
        assert!(error.to_string().starts_with("`p.yaml` line "), "{error}");
        let error = Packit::parse("- a", Path::new("p.yaml")).unwrap_err();
        assert_eq!(error.to_string(), "`p.yaml` line 1: expected a mapping");
    }
}
