//! `rpmkit scm`: packages from version control, with mock's options.
//!
//! mock has this as `--scm-enable` among its other options, and so has `rpmkit mock`; this verb is
//! that with the option given already, under the name of mock's sub-package for it.

use std::ffi::OsString;

use rpmkit_cli::{Context, Face, Verb, VerbResult};

/// `rpmkit scm` and `rpmkit-scm`.
pub static VERB: Verb = Verb {
    name: "scm",
    face: Face::Mock,
    command,
    run,
};

fn command() -> clap::Command {
    rpmkit_mock::cmdline::command()
        .name("rpmkit-scm")
        .about("Build packages from a repository: git, svn, cvs or a dist-git")
        .long_about(
            "Build packages from a repository: git, svn, cvs or a dist-git\n\n\
             Checks out what --scm-option package=, branch= and method= say, by the commands \
             git_get, svn_get, cvs_get or distgit_get of the configuration, and builds it: the \
             source package only with --buildsrpm, else the packages. All of mock's options are \
             taken; --scm-enable is implied.",
        )
}

fn run(cx: &mut Context, mut args: Vec<OsString>) -> VerbResult {
    args.insert(args.len().min(1), "--scm-enable".into());
    (rpmkit_mock::VERB.run)(cx, args)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_arguments_hold_together() {
        super::command().debug_assert();
    }
}
