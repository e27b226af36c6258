//! `rpmkit new`: a spec for a project that has none.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use dialoguer::Input;
use rpmkit_cli::{Context, Failure, Status, VerbResult, args::OutputArgs, sources};

use rpmkit_core::{
    Error,
    event::Events,
    scm,
    template::{self, Facts, ProjectKind, VendorPlace, VendorTool},
};

/// Write a spec for a project
///
/// Reads what the project says about itself (Cargo.toml through cargo, pyproject.toml,
/// configure.ac, CMakeLists.txt, meson.build, go.mod), asks on a terminal for what is missing, and
/// writes a spec that `rpmkit build` takes as it is.
#[derive(Debug, Clone, Args)]
pub struct NewArgs {
    /// The project [default: the directory one is in]
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,

    /// Kind of the project, in place of what its files tell
    #[arg(long, value_name = "KIND", value_parser = ["rust", "python", "autotools", "cmake", "meson", "go"])]
    pub template: Option<String>,

    /// Name of the package
    #[arg(long)]
    pub name: Option<String>,

    /// Version
    #[arg(
        long = "package-version",
        visible_alias = "version",
        value_name = "VERSION"
    )]
    pub version: Option<String>,

    /// One line on what it is
    #[arg(long)]
    pub summary: Option<String>,

    /// What it is, at length
    #[arg(long)]
    pub description: Option<String>,

    /// Licence, as an SPDX expression
    #[arg(long, value_name = "EXPRESSION")]
    pub license: Option<String>,

    /// Home page
    #[arg(long)]
    pub url: Option<String>,

    /// Who packages it: `Name <address>`
    #[arg(long, value_name = "NAME <MAIL>")]
    pub packager: Option<String>,

    /// File to write [default: NAME.spec in the project]
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Write over a spec that is there
    #[arg(long)]
    pub force: bool,

    /// Ask nothing, even on a terminal
    #[arg(long)]
    pub yes: bool,

    /// Make the archive of crates or modules the package needs now, with this host's cargo or go, outside
    /// of any chroot; for projects you trust [default: `rpmkit build` makes it, in the chroot]
    #[arg(long)]
    pub vendor_with_host: bool,

    /// How to speak
    #[command(flatten)]
    pub speak: OutputArgs,
}

/// Writes it.
pub fn run(cx: &mut Context, args: &NewArgs) -> VerbResult {
    let events = cx.listen(&args.speak);
    let dir = match &args.dir {
        Some(dir) => cx.host.cwd.join(dir),
        None => cx.host.cwd.clone(),
    };
    if !dir.is_dir() {
        return Err(
            Failure::command_line(format!("`{}` is no directory", dir.display()))
                .hint("give the directory of the project"),
        );
    }
    let kind = match &args.template {
        Some(name) => ProjectKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name),
        None => template::detect(&dir),
    };
    let kind =
        kind.ok_or_else(|| Error::from(template::TemplateError::Unknown { path: dir.clone() }))?;
    let access = sources::access(&cx.host);
    let mut facts = template::inspect(&dir, kind, &access.host).map_err(Error::from)?;
    fill(&mut facts, args, cx, &dir);
    if cx.printer.interactive() && cx.host.terminal.stdin && !args.yes {
        ask(&mut facts)?;
    }
    template::check(&facts).map_err(Error::from)?;
    let package = facts.package();
    let path = match &args.output {
        Some(path) => cx.host.cwd.join(path),
        None => dir.join(format!("{package}.spec")),
    };
    if path.symlink_metadata().is_ok() && !args.force {
        return Err(
            Failure::command_line(format!("`{}` is there already", path.display()))
                .hint("--force writes over it, --output writes another file"),
        );
    }
    if facts.vendored {
        let archive = path.with_file_name(format!(
            "{package}-{}-vendor.tar.xz",
            template::rpm_version(&facts.version)
        ));
        if args.vendor_with_host {
            vendor(&dir, &archive, &access.host, &events)?;
            events.info(format!("wrote {}", archive.display()));
        } else {
            events.info(format!(
                "`rpmkit build` makes {} in the chroot, where it is not there",
                archive.display()
            ));
        }
    }
    let text = template::render(&facts).map_err(Error::from)?;
    fs::write(&path, text)
        .map_err(|e| Failure::general(format!("cannot write `{}`: {e}", path.display())))?;
    cx.printer.data(path.display().to_string());
    events.info(format!("next: {}", next(&dir, &path, &cx.host.cwd)));
    Ok(Status::OK)
}

/// Makes the archive of what the project needs. The project itself stays as it is: cargo would write its
/// lock file.
fn vendor(
    dir: &Path,
    archive: &Path,
    host: &scm::CommandEnv,
    events: &Events,
) -> Result<(), Failure> {
    let Some(tool) = VendorTool::of(dir) else {
        return Ok(());
    };
    let lock = dir.join("Cargo.lock");
    let had = lock.symlink_metadata().is_ok();
    let made = tool.archive(dir, archive, VendorPlace::Host(host), events);
    if !had && lock.symlink_metadata().is_ok() {
        fs::remove_file(&lock)
            .map_err(|e| Failure::general(format!("cannot remove `{}`: {e}", lock.display())))?;
    }
    Ok(made.map_err(Error::from)?)
}

/// What to type to build what was written.
fn next(dir: &Path, spec: &Path, cwd: &Path) -> String {
    let what = if spec.parent() != Some(dir) {
        spec
    } else if dir == cwd {
        return "rpmkit build".to_owned();
    } else {
        dir
    };
    let shown = what.strip_prefix(cwd).unwrap_or(what).to_string_lossy();
    let word = shlex::try_quote(&shown).unwrap_or_else(|_| shown.clone());
    format!("rpmkit build {word}")
}

/// What the command line and the user's git configuration know.
fn fill(facts: &mut Facts, args: &NewArgs, cx: &Context, dir: &Path) {
    for (slot, value) in [
        (&mut facts.name, &args.name),
        (&mut facts.version, &args.version),
        (&mut facts.summary, &args.summary),
        (&mut facts.description, &args.description),
        (&mut facts.license, &args.license),
        (&mut facts.url, &args.url),
        (&mut facts.packager, &args.packager),
    ] {
        if let Some(value) = value {
            slot.clone_from(value);
        }
    }
    if facts.packager.is_empty() {
        let named = |key: &str| cx.host.var(key).map(str::to_owned);
        facts.packager = named("RPM_PACKAGER")
            .or_else(|| scm::git::identity(dir))
            .unwrap_or_else(|| {
                format!("{} <{}@{}>", cx.host.login, cx.host.login, cx.host.hostname)
            });
    }
    facts.date = template::today();
}

/// Asks about everything a spec needs, what is known being the answer to an empty line.
fn ask(facts: &mut Facts) -> Result<(), Failure> {
    for (prompt, slot) in [
        ("Name", &mut facts.name),
        ("Version", &mut facts.version),
        ("Summary", &mut facts.summary),
        ("License (SPDX)", &mut facts.license),
        ("URL", &mut facts.url),
        ("Packager", &mut facts.packager),
    ] {
        let mut input = Input::<String>::new().with_prompt(prompt);
        if !slot.is_empty() {
            input = input.default(slot.clone());
        }
        *slot = input
            // The home page is the one thing a package may lack.
            .allow_empty(prompt == "URL")
            .interact_text()
            .map_err(|e| Failure::general(format!("cannot ask: {e}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_command_can_be_pasted() {
        let of = |dir: &str, spec: &str| next(Path::new(dir), Path::new(spec), Path::new("/w"));
        assert_eq!(of("/w", "/w/a.spec"), "rpmkit build");
        assert_eq!(of("/w/my dir", "/w/my dir/a.spec"), "rpmkit build 'my dir'");
        assert_eq!(of("/w", "/w/rpm/a.spec"), "rpmkit build rpm/a.spec");
        assert_eq!(of("/o", "/o/a.spec"), "rpmkit build /o");
    }
}
