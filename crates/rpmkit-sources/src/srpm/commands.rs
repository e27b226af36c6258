//! Conventions that run commands of the project's, or of the target's, in the build root.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rpmkit_fs::{FsError, HostDir, Links, UntrustedTree, WriteOptions};

use super::{
    SourceOutcome, SrpmError, copy,
    files::{MAX_TEXT, copy_dated, date, left_in, write_dated},
    job::SourceJob,
    packit::{self, Packit, PackitProject},
    places::DiskDir,
    runner::{OUT_IN_ROOT, TREE_IN_ROOT, TreeCommand},
    survey::{TreeSpec, TreeSurvey},
    tree::SourceTree,
};
use rpmkit_types::is_source_package;
use rpmkit_vcs::{distgit, git};

/// Names a Makefile may leave in its output directory.
const MAX_LEFT: usize = 100_000;

impl SourceJob<'_, '_> {
    /// Lets the target's rpmautospec fill in `%autorelease` and `%autochangelog`.
    pub fn count_release(
        &mut self,
        tree: &SourceTree,
        staged: &Path,
        text: &str,
        spec: &TreeSpec,
    ) -> Result<(), SrpmError> {
        let (true, TreeSpec::InTree(path), Some(_)) =
            (distgit::counts_commits(text), spec, tree.repository())
        else {
            return Ok(());
        };
        let Some(runner) = self.tools.runner.as_deref_mut() else {
            return Ok(());
        };
        let failed = SrpmError::Parse;
        if !runner.offers("rpmautospec").map_err(failed)? {
            self.notes.push(
                "the target has no rpmautospec, so its own %autorelease decides the release"
                    .to_owned(),
            );
            return Ok(());
        }
        let copy = self.staging.join("AUTOSPEC");
        copy::copy_tree(tree, &copy)?;
        let out = self.staging.join("AUTOSPEC-OUT");
        HostDir::create(&out, 0o755)?;
        let inside = tree.in_repository(path.as_os_str().as_bytes());
        // What is read is what was chosen, a snapshot's version included. A spec that is a link is
        // replaced and not written through: what it leads to may be anybody's.
        let in_copy = git::bytes_path(&inside);
        let written = UntrustedTree::open(&copy, Links::Never)?;
        written.mkdir_all(in_copy.parent().unwrap_or(Path::new("")), 0o755)?;
        written.write(in_copy, text, &WriteOptions::with_mode(0o644))?;
        let name = staged.file_name().unwrap_or_default().to_string_lossy();
        runner
            .run(&TreeCommand {
                tree: copy,
                out: out.clone(),
                argv: [
                    "rpmautospec".to_owned(),
                    "process-distgit".to_owned(),
                    git::bytes_path(&inside).display().to_string(),
                    format!("{OUT_IN_ROOT}/{name}"),
                ]
                .to_vec(),
                env: Vec::new(),
                packages: vec!["rpmautospec".to_owned()],
                as_root: false,
                network: false,
            })
            .map_err(failed)?;
        let processed = left_in(&out)?.read(&*name, MAX_TEXT)?;
        self.notes
            .push("release and changelog counted by rpmautospec".to_owned());
        write_dated(staged, &processed, spec.mtime(tree), false)
    }

    /// Copr's convention: the project's Makefile makes the source package itself.
    pub fn copr(mut self, survey: &TreeSurvey) -> Result<SourceOutcome, SrpmError> {
        let makefile = PathBuf::from(".copr/Makefile");
        let copy = self.staging.join("TREE");
        copy::copy_tree(&survey.tree, &copy)?;
        let out = self.directory("OUT")?;
        let inside = git::bytes_path(survey.tree.inside()).to_owned();
        let at = Path::new(TREE_IN_ROOT).join(&inside);
        let runner = self
            .tools
            .runner
            .as_deref_mut()
            .ok_or(SrpmError::NoRunner { convention: "copr" })?;
        self.tools
            .events
            .info("running the project's .copr/Makefile in the build root");
        runner
            .run(&TreeCommand {
                tree: copy,
                out: out.clone(),
                argv: vec![
                    "make".to_owned(),
                    "-C".to_owned(),
                    at.display().to_string(),
                    "-f".to_owned(),
                    at.join(&makefile).display().to_string(),
                    "srpm".to_owned(),
                    format!("outdir={OUT_IN_ROOT}"),
                    format!("spec={}", at.join(survey.spec.shown()).display()),
                ],
                env: trusting_git(),
                packages: ["make", "git", "rpm-build"].map(str::to_owned).to_vec(),
                // As in Copr, whose documentation has these Makefiles install what they need.
                as_root: true,
                network: false,
            })
            .map_err(SrpmError::Parse)?;
        let left = left_in(&out)?;
        let mut made: Vec<PathBuf> = left
            .list("", MAX_LEFT)?
            .into_iter()
            .map(|entry| PathBuf::from(entry.name))
            .filter(|path| is_source_package(path))
            .collect();
        match made.pop() {
            Some(srpm) if made.is_empty() => {
                if srpm.to_string_lossy().contains(char::is_control) {
                    return Err(FsError::Name {
                        path: left.show(&srpm),
                        reason: "it has control characters in it",
                    }
                    .into());
                }
                // It must be a file of the directory: what is read later is what was looked at.
                left.open_file(&srpm)?;
                let srpm = out.join(left.real_path(&srpm)?);
                self.notes
                    .push("the source package was made by .copr/Makefile".to_owned());
                Ok(SourceOutcome::Package {
                    srpm,
                    notes: self.notes,
                })
            }
            last => Err(SrpmError::Makefile {
                makefile,
                made: made.len() + usize::from(last.is_some()),
            }),
        }
    }

    /// Runs a script of rpkg's macros in a copy of the tree.
    pub fn rpkg_shell(&mut self, tree: &SourceTree, script: &str) -> Result<String, SrpmError> {
        let copy = self.staging.join("TREE");
        if HostDir::open(&copy).is_err() {
            copy::copy_tree(tree, &copy)?;
        }
        let out = self.directory("OUT")?;
        let runner = self.tools.runner.as_deref_mut();
        let runner = runner.ok_or(SrpmError::NoRunner {
            convention: "the rpkg macros of this tree",
        })?;
        self.tools
            .events
            .info("running the project's rpkg macros in the build root");
        let at = Path::new(TREE_IN_ROOT).join(git::bytes_path(tree.inside()));
        let script = format!("cd -- \"$0\" || exit\n{script}");
        runner
            .run(&TreeCommand {
                tree: copy,
                out,
                argv: vec![
                    "/bin/bash".to_owned(),
                    "-c".to_owned(),
                    script,
                    at.display().to_string(),
                ],
                env: trusting_git(),
                packages: vec!["git".to_owned()],
                as_root: false,
                network: false,
            })
            .map_err(SrpmError::Parse)
    }

    /// Packit's convention: its actions run in a copy of the tree, which then counts.
    pub fn packit(mut self, survey: TreeSurvey) -> Result<SourceOutcome, SrpmError> {
        let packit = survey.packit.unwrap_or_default();
        let copy_dir = self.staging.join("TREE");
        copy::copy_tree(&survey.tree, &copy_dir)?;
        let out = self.directory("OUT")?;
        let root = copy_dir.join(git::bytes_path(survey.tree.inside()));
        let project = project(&survey.tree, &packit, &survey.text);
        let runner = self
            .tools
            .runner
            .as_deref_mut()
            .ok_or(SrpmError::NoRunner {
                convention: "packit",
            })?;
        let archive = packit.run(&root, &out, &project, runner, self.tools.events)?;
        let spec = survey.spec.shown();
        let left = left_in(&root)?;
        if !survey.tree.has(spec.as_os_str().as_bytes()) && left.lstat_if_there(&spec)?.is_none() {
            return Err(SrpmError::SpecNotMade { spec });
        }
        let text = left.read(&spec, MAX_TEXT)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        if let Some(archive) = &archive {
            self.notes.push(format!(
                "`{}` made by packit's create-archive",
                archive.file_name().unwrap_or_default().to_string_lossy()
            ));
            // The archive goes by the name the spec has for it.
            let dir = self.directory("ARCHIVES")?;
            let names = main_source_names(&text);
            let own = archive.file_name().map(PathBuf::from);
            for name in names.into_iter().map(PathBuf::from).chain(own) {
                if name.file_name().is_some() {
                    let to = dir.join(&name);
                    copy_dated(&left, archive, &to)?;
                    date(&to, survey.tree.newest())?;
                }
            }
            self.disk.insert(0, DiskDir::of_project(dir));
        }
        self.disk.push(DiskDir::of_project(root));
        self.stage(&survey.tree, &survey.spec, &text, None)
    }
}

/// The tree is the build user's, which git would not trust root to know.
fn trusting_git() -> Vec<(String, String)> {
    [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "safe.directory"),
        ("GIT_CONFIG_VALUE_0", "*"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// What packit's actions are told: the version by the last tag, or else by the spec.
fn project(tree: &SourceTree, packit: &Packit, spec: &str) -> PackitProject {
    let rev = tree.commit().map_or("HEAD".to_owned(), |id| id.to_string());
    let template = packit.tag_template.as_deref().unwrap_or("{version}");
    let repo = tree.repository();
    let written = || {
        spec.lines()
            .find_map(|line| line.strip_prefix("Version:"))
            .map(|version| version.trim().to_owned())
    };
    let version = repo
        .and_then(|repo| packit::tagged_version(repo, &rev, template))
        .or_else(written);
    PackitProject {
        version: version.unwrap_or_default(),
        commit: repo
            .and_then(|repo| git::resolve(repo, &rev).ok())
            .map(|commit| commit.id().to_string())
            .unwrap_or_default(),
        branch: repo
            .and_then(|repo| repo.head().ok())
            .and_then(|head| head.shorthand().ok().map(str::to_owned))
            .unwrap_or_default(),
    }
}

/// The file name of Source0 as far as it is written without macros.
fn main_source_names(spec: &str) -> Vec<String> {
    spec.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(tag, _)| {
            let tag = tag.trim().to_ascii_lowercase();
            tag == "source" || tag == "source0"
        })
        .map(|(_, value)| {
            value
                .trim()
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .filter(|name| !name.contains('%'))
        .collect()
}
