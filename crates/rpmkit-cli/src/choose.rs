//! Which chroot is meant when the command line does not say.

use std::path::Path;

use rpmkit_core::{
    Error,
    config::{self, LoadRequest},
    project::{PROJECT_FILE, Project},
};

use crate::{Context, Failure, args::ChrootArgs, setup};

/// The chroots to build `path` for: those given, else the project's, else the configuration named
/// `default`; where there is no such configuration, a person at a terminal is asked.
pub fn chroots(cx: &Context, given: &ChrootArgs, path: &Path) -> Result<Vec<String>, Failure> {
    if !given.root.is_empty() {
        return Ok(given.root.clone());
    }
    let found = Project::find(path).map_err(Error::from)?;
    if let Some(note) = &found.note {
        cx.printer.say(note);
    }
    if let Some(project) = found.project
        && !project.chroots.is_empty()
    {
        return Ok(project.chroots);
    }
    if !(cx.printer.interactive() && cx.host.terminal.stdin) {
        return Ok(vec![setup::DEFAULT_CHROOT.to_owned()]);
    }
    let mut request = LoadRequest::new(setup::DEFAULT_CHROOT, setup::config_host(&cx.host));
    request.configdir = given.configdir.as_ref().map(|dir| cx.host.cwd.join(dir));
    let names = config::names(&request);
    if names.iter().any(|name| name == setup::DEFAULT_CHROOT) {
        return Ok(vec![setup::DEFAULT_CHROOT.to_owned()]);
    }
    ask(&for_this_machine(names, &cx.host.machine)).map(|name| vec![name])
}

/// Those of this machine's architecture first: the others need emulation.
fn for_this_machine(names: Vec<String>, machine: &str) -> Vec<String> {
    let ending = format!("-{machine}");
    let (mut first, rest): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| name.ends_with(&ending));
    first.extend(rest);
    first
}

fn ask(names: &[String]) -> Result<String, Failure> {
    let chosen = dialoguer::FuzzySelect::new()
        .with_prompt(format!(
            "Build for which chroot? (`chroots = [\"NAME\"]` in {PROJECT_FILE} answers this for good)"
        ))
        .items(names)
        .default(0)
        .max_length(12)
        .interact_opt()
        .map_err(|e| Failure::general(format!("cannot ask: {e}")))?;
    chosen
        .and_then(|nth| names.get(nth).cloned())
        .ok_or_else(|| Failure::usage("no chroot was chosen").hint("`-r NAME` says which"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chroots_that_run_here_come_first() {
        let names = ["a-aarch64", "a-x86_64", "b-x86_64"].map(str::to_owned);
        assert_eq!(
            for_this_machine(names.to_vec(), "x86_64"),
            ["a-x86_64", "b-x86_64", "a-aarch64"]
        );
    }
}
