//! A file a mode. What they share is in `work`; here is the frame: what mock says first and last,
//! and which mode is which file.

mod buildsrpm;
mod chain;
mod clean;
mod command;
mod copy;
mod hermetic;
mod init;
mod install;
mod mount;
mod pmcmd;
mod rebuild;
mod scm;
mod show;
mod snapshot;
mod tarball;
mod work;

use rpmkit_cli::{Context, Failure, VerbResult};
use rpmkit_core::{ExitCode, event::Level};

use self::work::Work;
use crate::{mode::Mode, request::MockRequest, run::MOCK_VERSION};

/// Runs the mode of a request; `program` and `args` are the words it was made from.
pub fn run(cx: &mut Context, request: &MockRequest, program: &str, args: &[String]) -> VerbResult {
    match request.mode {
        Mode::ScrubAllChroots => return clean::scrub_all_chroots(cx),
        Mode::ListChroots => return show::list_chroots(cx, request),
        _ => {}
    }
    let work = Work::new(cx, request)?;
    let program = program.rsplit('/').next().unwrap_or(program).to_owned();
    let words = args.iter().map(|word| shell_quoted(word));
    let words: Vec<String> = std::iter::once(program).chain(words).collect();
    work.info(format!(
        "mock.py version {MOCK_VERSION} starting (python version = none, NVR = rpmkit-{}), args: {}",
        env!("CARGO_PKG_VERSION"),
        words.join(" ")
    ));
    rpmkit_core::build::plugins_loaded(&work.settings, &work.events);
    rpmkit_core::build::loadable(&work.settings).map_err(|e| work.failure(&e))?;
    work.info("Signal handler active");
    work.events.state(true, "run");
    tell_configuration(&work);
    if let Some(name) = &work.settings.chroot.hostname {
        work.info(format!("Setting hostname: {name}"));
    }
    let outcome = dispatch(cx, &work);
    if outcome.is_ok() {
        work.events.state(false, "run");
        cx.logs
            .balanced()
            .map_err(|e| Failure::new(ExitCode::State, e.to_string()))?;
    }
    outcome
}

/// All options, for `-v`.
fn tell_configuration(work: &Work<'_>) {
    let debug = |text: String| work.events.narrate(Level::Debug, text);
    debug("mock final configuration:".to_owned());
    for (name, value) in &work.settings.build.all.0 {
        debug(format!("    {name}:  {value}"));
    }
}

fn dispatch(cx: &mut Context, work: &Work<'_>) -> VerbResult {
    match &work.request.mode {
        Mode::Rebuild { .. } => rebuild::run(cx, work),
        Mode::Chain => chain::run(cx, work),
        Mode::BuildSrpm => buildsrpm::run(cx, work),
        Mode::DebugConfig { expanded } => show::debug_config(cx, work, *expanded),
        Mode::Shell => command::shell(cx, work),
        Mode::Chroot => command::chroot(cx, work),
        Mode::Clean => clean::clean(cx, work),
        Mode::Scrub(targets) => clean::scrub(cx, work, targets),
        Mode::ScrubAllChroots => clean::scrub_all_chroots(cx),
        Mode::Init => init::run(cx, work),
        Mode::InstallDeps => install::dependencies(cx, work),
        Mode::Install => install::install(cx, work),
        Mode::ListChroots => show::list_chroots(cx, work.request),
        Mode::Update => install::update(cx, work),
        Mode::Remove => install::remove(cx, work),
        Mode::OrphansKill => mount::orphans(cx, work),
        Mode::CopyIn => copy::copy_in(cx, work),
        Mode::CopyOut => copy::copy_out(cx, work),
        Mode::PmCmd(_) => pmcmd::run(cx, work),
        Mode::Snapshot => snapshot::create(cx, work),
        Mode::RemoveSnapshot => snapshot::remove(cx, work),
        Mode::RollbackTo => snapshot::rollback(cx, work),
        Mode::ListSnapshots => snapshot::list(cx, work),
        Mode::Umount => mount::unmount(cx, work),
        Mode::Mount => mount::mount(cx, work),
        Mode::PrintRootPath => mount::root_path(cx, work),
    }
}

/// A word as a shell needs it, written as Python's `shlex.quote` writes it.
fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_python_does() {
        assert_eq!(shell_quoted("a/b-c"), "a/b-c");
        assert_eq!(shell_quoted("a b"), "'a b'");
        assert_eq!(shell_quoted("it's"), "'it'\"'\"'s'");
        assert_eq!(shell_quoted(""), "''");
    }
}
