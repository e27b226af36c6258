//! Questions, on a terminal only.

use rpmkit_cli::Failure;
use rpmkit_core::chroot::SnapshotInfo;

use crate::verbs::SnapContext;

/// Lets the user confirm what cannot be undone. Without a terminal, `--yes` must have been given.
pub(crate) fn confirm(request: &SnapContext<'_>, question: &str) -> Result<(), Failure> {
    if request.yes {
        return Ok(());
    }
    if !request.printer.interactive() {
        return Err(
            Failure::command_line(format!("{question} Nobody can be asked here"))
                .hint("`--yes` answers it"),
        );
    }
    let answer = dialoguer::Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact_opt()
        .map_err(|e| Failure::general(format!("cannot ask: {e}")))?;
    if answer == Some(true) {
        Ok(())
    } else {
        Err(Failure::general("nothing was done"))
    }
}

/// The name given, or one chosen from the list.
pub(crate) fn choose(
    request: &SnapContext<'_>,
    given: Option<&str>,
    what: &str,
) -> Result<String, Failure> {
    if let Some(name) = given {
        return Ok(name.to_owned());
    }
    let list: Vec<SnapshotInfo> = request.list()?;
    if list.is_empty() {
        return Err(Failure::usage(format!(
            "chroot `{}` has no snapshots",
            request.opened.chroot.label()
        )));
    }
    if !request.printer.interactive() {
        return Err(Failure::usage("a snapshot must be named"));
    }
    let lines: Vec<String> = list
        .iter()
        .map(|s| {
            format!(
                "{}  {}  {}",
                s.name,
                crate::text::time(s.created),
                s.message
            )
        })
        .collect();
    let chosen = dialoguer::FuzzySelect::new()
        .with_prompt(what)
        .items(&lines)
        .default(0)
        .interact_opt()
        .map_err(|e| Failure::general(format!("cannot ask: {e}")))?;
    match chosen.and_then(|i| list.get(i)) {
        Some(snapshot) => Ok(snapshot.name.clone()),
        None => Err(Failure::general("nothing was done")),
    }
}
