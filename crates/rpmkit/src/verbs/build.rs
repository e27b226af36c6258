//! `rpmkit build`: checkout → SRPM → RPMs.

use std::path::{Path, PathBuf};

use clap::Args;
use rpmkit_cli::{
    Context, Failure, Status, VerbResult,
    args::{BuildOptions, ChrootArgs, OutputArgs, SourceArgs},
    choose,
    job::{self, Cleanup},
    listen::result_line,
    places, report, setup,
    sources::{self, Checkout},
    speclines,
    visible::one_line,
};
use rpmkit_core::{
    Error, Events,
    build::{
        About, Buildroot, Built, ChrootAccess, Engine, Rebuild, ResumeFrom, failure_report,
        hints::Remedy,
    },
    config::{SearchRules, Settings},
    types::{is_source_package, source_stem},
};

/// Build packages from a checkout, a spec or a source package
///
/// Makes the source package in the chroot from what the checkout has, installs what it needs, runs
/// rpmbuild, and leaves packages and logs in the result directory.
#[derive(Debug, Clone, Args)]
pub struct BuildArgs {
    /// Checkouts, specs or source packages to build [default: the directory one is in]
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,

    /// Directory for packages and logs [default: results/CHROOT/NAME-VERSION-RELEASE in the checkout]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub resultdir: Option<PathBuf>,

    /// Put the lines the spec misses into it, as far as the chroot's repositories have them, and build again
    #[arg(long)]
    pub fix: bool,

    /// Go on in the tree the last build left, from this section on; rpm marks what comes of it, so that
    /// nobody releases it
    #[arg(long, value_name = "SECTION")]
    pub from: Option<FromSection>,

    /// Which chroot
    #[command(flatten)]
    pub chroot: ChrootArgs,

    /// What the sources are
    #[command(flatten)]
    pub sources: SourceArgs,

    /// What rpmbuild is told
    #[command(flatten)]
    pub options: BuildOptions,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Sections a build can go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FromSection {
    /// All sections, in the chroot as it is
    Prep,
    /// `%build` and what follows
    Build,
    /// `%install` and what follows
    Install,
    /// `%check` and what follows
    Check,
    /// Make packages of what is installed
    Files,
}

impl FromSection {
    fn resume(self) -> Option<ResumeFrom> {
        match self {
            Self::Prep => None,
            Self::Build => Some(ResumeFrom::Build),
            Self::Install => Some(ResumeFrom::Install),
            Self::Check => Some(ResumeFrom::Check),
            Self::Files => Some(ResumeFrom::Files),
        }
    }
}

/// Builds every path for every chroot. All are tried; the first failure decides the status.
pub fn run(cx: &mut Context, args: BuildArgs) -> VerbResult {
    let events = cx.listen(&args.output);
    let paths = match args.paths.as_slice() {
        [] => vec![cx.host.cwd.clone()],
        given => given.iter().map(|path| cx.host.cwd.join(path)).collect(),
    };
    let mut chosen = Vec::with_capacity(paths.len());
    let mut first = None;
    for path in &paths {
        match usable(cx, path, &args) {
            Ok(()) => {}
            Err(failure) if paths.len() > 1 => {
                report::show(&cx.printer, &failure, cx.json);
                first.get_or_insert(failure.code);
                continue;
            }
            Err(failure) => return Err(failure),
        }
        chosen.push((path, choose::chroots(cx, &args.chroot, path)?));
    }
    let many = chosen
        .iter()
        .map(|(_, chroots)| chroots.len())
        .sum::<usize>()
        > 1
        || paths.len() > 1;
    for (path, chroots) in &chosen {
        for chroot in chroots {
            let one = One {
                args: &args,
                path,
                chroot,
                many,
            };
            match one.build_and_mend(cx, &events) {
                Ok(built) => {
                    if cx.json {
                        cx.printer.data(result_line(&serde_json::json!({
                            "package": built.package.to_string(),
                            "chroot": chroot,
                            "artifacts": built.artifacts,
                        })));
                    } else {
                        for artifact in &built.artifacts {
                            let path = artifact.display().to_string();
                            cx.printer.data(one_line(&path));
                        }
                    }
                }
                Err(failure) if many => {
                    report::show(&cx.printer, &failure, cx.json);
                    first.get_or_insert(failure.code);
                }
                Err(failure) => return Err(failure),
            }
        }
    }
    Ok(Status(first.unwrap_or(0)))
}

/// Whether there is something to build, which is known before any chroot is.
fn usable(cx: &Context, path: &Path, args: &BuildArgs) -> Result<(), Failure> {
    if !path.exists() {
        return Err(Failure::usage(format!(
            "there is no `{}`; a checkout, a spec or a source package was expected",
            path.display()
        )));
    }
    if is_source_package(path) {
        return Ok(());
    }
    sources::check(cx, path, &args.sources)
}

/// One path for one chroot.
struct One<'a> {
    args: &'a BuildArgs,
    path: &'a Path,
    chroot: &'a str,
    many: bool,
}

/// Rounds of mending a spec: each can bring up the next thing that is missing.
const ROUNDS: usize = 8;

impl One<'_> {
    /// Builds; puts what the spec misses into it and builds again, where that was asked for or is agreed
    /// to.
    fn build_and_mend(&self, cx: &Context, events: &Events) -> Result<Built, Failure> {
        let mut round = 0;
        loop {
            let mut failure = match self.build(cx, events) {
                Ok(built) => return Ok(built),
                Err(failure) => failure,
            };
            let top = sources::top(self.path);
            if let Some(report) = failure.report.as_mut() {
                places::settle(report, &top, &cx.host.cwd);
            }
            round += 1;
            let Some((spec, remedies)) = self.mendable(cx, &failure).filter(|_| round < ROUNDS)
            else {
                return Err(failure);
            };
            if !self.args.fix && !agreed(cx, &mut failure, &spec, &remedies) {
                return Err(failure);
            }
            if speclines::require(&spec, &remedies)? == 0 {
                return Err(failure);
            }
            let names: Vec<&str> = remedies
                .iter()
                .map(|one| one.requirement.as_str())
                .collect();
            events.info(format!(
                "`{}` now has `BuildRequires: {}`; building again",
                spec.display(),
                names.join(" ")
            ));
        }
    }

    /// The spec and the lines it misses, where it is a file that can be written: not of a source package,
    /// a commit or a tag.
    fn mendable(&self, cx: &Context, failure: &Failure) -> Option<(PathBuf, Vec<Remedy>)> {
        let sources = &self.args.sources;
        if is_source_package(self.path) || sources.commit.is_some() || sources.tag.is_some() {
            return None;
        }
        let remedies: Vec<Remedy> = failure
            .remedies
            .iter()
            .filter(|one| one.sure)
            .cloned()
            .collect();
        let spec = cx
            .host
            .cwd
            .join(&failure.report.as_ref()?.spec.as_ref()?.file);
        (!remedies.is_empty() && spec.is_file()).then_some((spec, remedies))
    }

    fn build(&self, cx: &Context, events: &Events) -> Result<Built, Failure> {
        let settings = self.settings(cx)?;
        if is_source_package(self.path) {
            let dir = self.resultdir(cx, &settings, self.path.parent(), &stem(self.path))?;
            let engine = setup::engine(cx, events.clone(), &settings)?;
            let root = self.open(cx, &engine, &settings)?;
            let sources = self.args.sources.sources.as_ref();
            let sources = sources.map(|dir| cx.host.cwd.join(dir));
            return self.rebuild(cx, root, (self.path.to_owned(), sources), dir, None);
        }
        self.checkout(cx, events, &settings)
    }

    fn settings(&self, cx: &Context) -> Result<Settings, Failure> {
        let chroot = &self.args.chroot;
        let configured = setup::configure(
            cx,
            self.chroot,
            SearchRules::Rpmkit,
            chroot.configdir.as_deref(),
            &chroot.addrepo,
            setup::overrides(chroot, &self.args.options),
        )?;
        let mut settings = configured.settings;
        if let Some(from) = self.args.from {
            settings.build.clean = false;
            if from != FromSection::Prep {
                // What the earlier build left is what this one starts with.
                let kept = ["build/BUILD", "build/BUILDROOT"].map(str::to_owned);
                settings.build.exclude_from_homedir_cleanup.extend(kept);
            }
        }
        Ok(settings)
    }

    /// The chroot to build in; to go on from a section, as the last failed build left it.
    fn open(
        &self,
        cx: &Context,
        engine: &Engine,
        settings: &Settings,
    ) -> Result<Buildroot, Failure> {
        let access = ChrootAccess::OwnOrEphemeral;
        let Some(from) = self.args.from else {
            return Ok(Buildroot::open(engine, settings, access).map_err(Error::from)?);
        };
        let place = match &self.args.resultdir {
            Some(dir) => cx.host.cwd.join(dir),
            None => sources::top(self.path).join(sources::RESULTS),
        };
        if let Some(name) = crate::results::kept(&place, &settings.chroot.chroot_name) {
            let root = Buildroot::open_kept(engine, settings, &name).map_err(Error::from)?;
            return Ok(root);
        }
        let root = Buildroot::open(engine, settings, ChrootAccess::Own).map_err(Error::from)?;
        if from != FromSection::Prep && !root.home().join("build/BUILD").exists() {
            let _ = root.close();
            return Err(Failure::general(format!(
                "there is nothing to go on from: chroot `{}` keeps no failed build of `{}`",
                settings.chroot.chroot_name,
                self.path.display()
            ))
            .hint("build it without `--from` first; what a failed build leaves is kept"));
        }
        Ok(root)
    }

    /// Where results go: as asked, with the chroot's name below when there are several builds.
    fn resultdir(
        &self,
        cx: &Context,
        settings: &Settings,
        beside: Option<&Path>,
        name: &str,
    ) -> Result<PathBuf, Failure> {
        Ok(match &self.args.resultdir {
            Some(dir) if self.many => cx
                .host
                .cwd
                .join(dir)
                .join(&settings.chroot.chroot_name)
                .join(name),
            Some(dir) => cx.host.cwd.join(dir),
            None => sources::results(
                beside.unwrap_or(&cx.host.cwd),
                &[&settings.chroot.chroot_name, name],
            )?,
        })
    }

    fn checkout(
        &self,
        cx: &Context,
        events: &Events,
        settings: &Settings,
    ) -> Result<Built, Failure> {
        let engine = setup::engine(cx, events.clone(), settings)?;
        let scratch = cx.host.dirs.scratch()?;
        // The name of the result directory is known once the spec has been read; until then the
        // logs are kept aside.
        let aside = scratch.path().join("logs");
        job::open_logs(cx, &aside)?;
        let mut root = self.open(cx, &engine, settings)?;
        let checkout = Checkout {
            path: self.path,
            source: &self.args.sources,
            settings,
        };
        let found = sources::prepare(cx, &mut root, &checkout, scratch.path());
        let prepared = match found {
            Ok(prepared) => prepared,
            Err(failure) => {
                // Nothing was built yet: nothing to look into, and no result directory to make.
                cx.logs.close();
                let _ = root.discard();
                return Err(failure);
            }
        };
        let name = prepared.name();
        let top = sources::top(self.path);
        let dir = self.resultdir(cx, settings, Some(&top), &name)?;
        job::move_logs(cx, &aside, &dir)?;
        for note in prepared.notes() {
            events.info(note.clone());
        }
        let about = self.about(settings, &name, prepared.spec_text());
        let made = prepared.package(
            &mut root,
            &scratch.path().join("srpm"),
            settings.build.clean,
        );
        match made {
            Ok(srpm) => {
                let sources = prepared.source_dir().map(Path::to_owned);
                let built =
                    self.rebuild(cx, root, (srpm.clone(), sources), dir.clone(), Some(about));
                if built.is_err() && srpm.is_file() {
                    keep_source(&srpm, &dir)?;
                }
                built
            }
            Err(error) => {
                let _ = root.discard();
                let about = About {
                    resultdir: Some(dir),
                    ..about
                };
                Err(Failure::of_report(failure_report(&error, &about)))
            }
        }
    }

    fn about(&self, settings: &Settings, package: &str, spec: Option<(PathBuf, String)>) -> About {
        About {
            chroot: settings.chroot.chroot_name.clone(),
            chosen_by: Some(self.args.chroot.choosing(self.chroot)),
            package: package.to_owned(),
            spec,
            top: (!is_source_package(self.path)).then(|| sources::top(self.path)),
            resultdir: None,
        }
    }

    /// Builds a source package; beside it, where sources are that it does not hold.
    fn rebuild(
        &self,
        cx: &Context,
        root: Buildroot,
        (srpm, sources): (PathBuf, Option<PathBuf>),
        resultdir: PathBuf,
        about: Option<About>,
    ) -> Result<Built, Failure> {
        let settings = root.settings().clone();
        let about = about.unwrap_or_else(|| self.about(&settings, &stem(&srpm), None));
        let job = Rebuild {
            srpm,
            spec: None,
            sources,
            resultdir,
            clean: settings.build.clean,
            from: self.args.from.and_then(FromSection::resume),
            calculate: false,
            withheld: Vec::new(),
        };
        // A failed build stays for a look into it; the next build starts afresh anyway.
        let cleanup = Cleanup {
            on_success: settings.build.cleanup_on_success,
            on_failure: false,
            by_name: true,
        };
        job::build(cx, root, &job, about, cleanup)
    }
}

/// Asks, after showing what failed, whether to mend the spec; nobody is asked where nobody can answer.
fn agreed(cx: &Context, failure: &mut Failure, spec: &Path, remedies: &[Remedy]) -> bool {
    if cx.json || !cx.printer.interactive() || !cx.host.terminal.stdin {
        return false;
    }
    report::show(&cx.printer, failure, false);
    let names: Vec<&str> = remedies
        .iter()
        .map(|one| one.requirement.as_str())
        .collect();
    let question = format!(
        "Put `BuildRequires: {}` into `{}` and build again?",
        names.join(" "),
        spec.display()
    );
    let answer = dialoguer::Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact_opt();
    matches!(answer, Ok(Some(true)))
}

/// Leaves the source package among the results of a build that failed.
fn keep_source(srpm: &Path, resultdir: &Path) -> Result<(), Failure> {
    let Some(name) = srpm.file_name() else {
        return Ok(());
    };
    let target = resultdir.join(name);
    let cannot =
        |e: std::io::Error| Failure::general(format!("cannot write `{}`: {e}", target.display()));
    let mut part = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(resultdir)
        .map_err(cannot)?;
    let mut source = std::fs::File::open(srpm).map_err(cannot)?;
    std::io::copy(&mut source, &mut part).map_err(cannot)?;
    part.as_file().sync_all().map_err(cannot)?;
    part.persist(&target).map_err(|e| cannot(e.error))?;
    Ok(())
}

fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    source_stem(path).unwrap_or_else(|| name.strip_suffix(".spec").unwrap_or(&name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_what_tells_their_kind() {
        for (name, wanted) in [
            ("/x/a-1-1.src.rpm", "a-1-1"),
            ("a-1-1.nosrc.rpm", "a-1-1"),
            ("a.spec", "a"),
            ("a", "a"),
        ] {
            assert_eq!(stem(Path::new(name)), wanted);
        }
    }
}
