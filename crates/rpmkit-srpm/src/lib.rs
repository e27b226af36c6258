//! `rpmkit srpm`: a source package from a checkout.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser};
use rpmkit_cli::{
    Context, Face, Failure, Status, Verb, VerbResult,
    args::{BuildOptions, ChrootArgs, OutputArgs, SourceArgs},
    choose, frame, job, setup,
    sources::{self, Checkout},
};
use rpmkit_core::{
    Error,
    build::{About, Buildroot, ChrootAccess, failure_report},
    config::SearchRules,
    srpm,
};

/// `rpmkit srpm` and `rpmkit-srpm`.
pub static VERB: Verb = Verb {
    name: "srpm",
    face: Face::People,
    command: Cli::command,
    run,
};

/// Make a source package from a checkout or a spec
///
/// Finds the spec, reads it with the chroot's own rpm, gathers the sources, makes the main one
/// from the tree where the tree is the project, and runs rpmbuild -bs in the chroot. Conventions
/// a project has (packit.yaml, .copr/Makefile, .tito, rpkg macros, a sources file) are followed.
#[derive(Debug, Clone, Parser)]
#[command(name = "rpmkit-srpm", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    args: SrpmArgs,
}

#[derive(Debug, Clone, Args)]
struct SrpmArgs {
    /// Checkout or spec [default: the directory one is in]
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    path: Option<PathBuf>,

    /// Directory for the package [default: results/CHROOT in the checkout]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    resultdir: Option<PathBuf>,

    /// Only tell what was found in the tree and what would be followed
    #[arg(long)]
    explain: bool,

    /// Which chroot
    #[command(flatten)]
    chroot: ChrootArgs,

    /// What the sources are
    #[command(flatten)]
    sources: SourceArgs,

    /// What rpmbuild is told
    #[command(flatten)]
    options: BuildOptions,

    /// How to speak
    #[command(flatten)]
    output: OutputArgs,
}

fn run(cx: &mut Context, args: Vec<std::ffi::OsString>) -> VerbResult {
    let args = match frame::parse::<Cli>(cx, args) {
        Ok(cli) => cli.args,
        Err(ended) => return ended,
    };
    let events = cx.listen(&args.output);
    let path = match &args.path {
        Some(path) => cx.host.cwd.join(path),
        None => cx.host.cwd.clone(),
    };
    if args.explain {
        return explain(cx, &path, &args);
    }
    sources::check(cx, &path, &args.sources)?;
    let chroots = choose::chroots(cx, &args.chroot, &path)?;
    // Of a project's several the first will do: a source package is for all of them.
    let chroot = chroots
        .first()
        .map_or(setup::DEFAULT_CHROOT, String::as_str);
    if args.chroot.root.len() > 1 {
        return Err(Failure::command_line(
            "one chroot is enough to make a source package; `rpmkit build` takes several",
        ));
    }
    let settings = setup::configure(
        cx,
        chroot,
        SearchRules::Rpmkit,
        args.chroot.configdir.as_deref(),
        &args.chroot.addrepo,
        setup::overrides(&args.chroot, &args.options),
    )?
    .settings;
    let engine = setup::engine(cx, events.clone(), &settings)?;
    let scratch = cx.host.dirs.scratch()?;
    let dir = match &args.resultdir {
        Some(dir) => cx.host.cwd.join(dir),
        None => sources::results(&sources::top(&path), &[&settings.chroot.chroot_name])?,
    };
    job::open_logs(cx, &dir)?;
    let mut root =
        Buildroot::open(&engine, &settings, ChrootAccess::OwnOrEphemeral).map_err(Error::from)?;
    let checkout = Checkout {
        path: &path,
        source: &args.sources,
        settings: &settings,
    };
    let made = sources::prepare(cx, &mut root, &checkout, scratch.path()).and_then(|ready| {
        for note in ready.notes() {
            events.info(note.clone());
        }
        ready
            .package(&mut root, &dir, settings.build.clean)
            .map_err(|error| {
                let about = About {
                    chroot: settings.chroot.chroot_name.clone(),
                    package: ready.name(),
                    spec: ready.spec_text(),
                    resultdir: Some(dir.clone()),
                    ..About::default()
                };
                Failure::of_report(failure_report(&error, &about))
            })
    });
    // Whatever happened, there is nothing in the chroot to keep.
    let ended = root.discard();
    let made = made?;
    ended.map_err(Error::from)?;
    job::give_results(cx, &dir)?;
    if !cx.json {
        cx.printer.data(made.display().to_string());
    }
    Ok(Status::OK)
}

fn explain(cx: &Context, path: &Path, args: &SrpmArgs) -> VerbResult {
    let request = sources::request(path, &args.sources)?;
    let told = srpm::explain(&request).map_err(Error::from)?;
    if cx.json {
        let text = serde_json::to_string_pretty(&told)
            .map_err(|e| Failure::general(format!("cannot write JSON: {e}")))?;
        cx.printer.data(text);
        return Ok(Status::OK);
    }
    let mut lines = vec![format!("tree: {} ({})", told.root.display(), told.state)];
    match told.specs.as_slice() {
        [] => lines.push("spec: none".to_owned()),
        [one] => lines.push(format!("spec: {}", one.display())),
        several => lines.extend(
            several
                .iter()
                .map(|spec| format!("spec: {} (one of {})", spec.display(), several.len())),
        ),
    }
    for found in &told.found {
        lines.push(format!(
            "found: {} ({}): {}",
            found.convention.name(),
            found.file.display(),
            found.effect
        ));
    }
    lines.push(format!(
        "followed: {}, because {}",
        told.followed.name(),
        told.reason
    ));
    lines.extend(told.notes.iter().map(|note| format!("note: {note}")));
    cx.printer.data(lines.join("\n"));
    Ok(Status::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_hold_together() {
        Cli::command().debug_assert();
    }
}
