//! `rpmkit build`: checkout → SRPM → RPMs.

use std::path::{Path, PathBuf};

use clap::Args;
use rpmkit_cli::{
    Context, Failure, Status, VerbResult,
    args::{BuildOptions, ChrootArgs, OutputArgs, SourceArgs},
    choose,
    job::{self, Cleanup},
    listen::result_line,
    report, setup,
    sources::{self, Checkout},
};
use rpmkit_core::{
    Error, Events,
    build::{About, Buildroot, Built, ChrootAccess, Rebuild, failure_report},
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
            match one.build(cx, &events) {
                Ok(built) => {
                    if cx.json {
                        cx.printer.data(result_line(&serde_json::json!({
                            "package": built.package.to_string(),
                            "chroot": chroot,
                            "artifacts": built.artifacts,
                        })));
                    } else {
                        for artifact in &built.artifacts {
                            cx.printer.data(artifact.display().to_string());
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

impl One<'_> {
    fn build(&self, cx: &Context, events: &Events) -> Result<Built, Failure> {
        let settings = self.settings(cx)?;
        if is_source_package(self.path) {
            let dir = self.resultdir(cx, &settings, self.path.parent(), &stem(self.path))?;
            let engine = setup::engine(cx, events.clone(), &settings)?;
            let root = Buildroot::open(&engine, &settings, ChrootAccess::OwnOrEphemeral)
                .map_err(Error::from)?;
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
        Ok(configured.settings)
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
            None => sources::results(beside.unwrap_or(&cx.host.cwd))?
                .join(&settings.chroot.chroot_name)
                .join(name),
        })
    }

    fn checkout(
        &self,
        cx: &Context,
        events: &Events,
        settings: &Settings,
    ) -> Result<Built, Failure> {
        let engine = setup::engine(cx, events.clone(), settings)?;
        let scratch = cx.host.dirs.scratch("rpmkit-")?;
        // The name of the result directory is known once the spec has been read; until then the
        // logs are kept aside.
        let aside = scratch.path().join("logs");
        job::open_logs(cx, &aside)?;
        let mut root = Buildroot::open(&engine, settings, ChrootAccess::OwnOrEphemeral)
            .map_err(Error::from)?;
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
                self.rebuild(cx, root, (srpm, sources), dir, Some(about))
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
            calculate: false,
        };
        // A failed build stays for a look into it; the next build starts afresh anyway.
        let cleanup = Cleanup {
            on_success: settings.build.cleanup_on_success,
            on_failure: false,
        };
        job::build(cx, root, &job, about, cleanup)
    }
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
