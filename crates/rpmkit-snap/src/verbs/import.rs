//! `rpmkit snap import`

use std::path::PathBuf;

use clap::Args;
use rpmkit_cli::{Failure, Status, VerbResult};
use rpmkit_core::Error;
use serde_json::json;

use super::SnapContext;

/// Make a snapshot of a file: a tar of a root, or an OCI image such as `podman save` writes
///
/// The chroot's present state does not change; go to the new snapshot with `rollback`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// File to read
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Name of the snapshot; by default the one the image names, or the file's name
    name: Option<String>,
    /// What it is, for `list`
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

pub(crate) fn run(request: &SnapContext<'_>, args: &ImportArgs) -> VerbResult {
    let file = request.host.cwd.join(&args.file);
    let (store, chroot) = (&request.opened.store, &request.opened.chroot);
    let taken = chroot.state().map_err(Error::from)?.names;
    let given = args.name.clone();
    if let Some(name) = given.as_ref().filter(|n| taken.contains_key(*n)) {
        // Said before minutes of unpacking.
        return Err(Failure::general(format!(
            "chroot `{}` already has a snapshot `{name}`",
            chroot.name()
        )));
    }
    let note = format!("imported from `{}`", args.file.display());
    let (layer, found) = store.import(&file, &note).map_err(Error::from)?;
    let name = given.unwrap_or_else(|| name_of(&found.labels.name, &args.file));
    let message = args.message.clone().unwrap_or_else(|| {
        if found.labels.message.is_empty() {
            note
        } else {
            found.labels.message.clone()
        }
    });
    chroot
        .adopt(&name, layer.id(), &message)
        .map_err(Error::from)?;
    if found.owners_lost > 0 {
        request.opened.store.events().warn(format!(
            "{} files belong to other ids than the archive says: this user has no ids for them",
            found.owners_lost
        ));
    }
    if found.devices_lost > 0 {
        request.opened.store.events().warn(format!(
            "{} device nodes were left out: only real root can make them",
            found.devices_lost
        ));
    }
    request.done(
        format!("Snapshot `{name}` made of {} files.", found.entries),
        json!({ "imported": name, "entries": found.entries,
                "owners_lost": found.owners_lost, "devices_lost": found.devices_lost }),
    );
    Ok(Status::OK)
}

/// A snapshot's name from the image's, else from the file's.
fn name_of(label: &str, file: &std::path::Path) -> String {
    let label = label.rsplit(':').next().unwrap_or(label);
    let stem = file.file_name().map(|n| n.to_string_lossy().into_owned());
    let stem = stem.unwrap_or_default();
    let text = if label.is_empty() {
        stem.split('.').next().unwrap_or_default()
    } else {
        label
    };
    let cleaned: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "_.-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let trimmed = cleaned.trim_start_matches('.');
    if trimmed.is_empty() {
        "imported".to_owned()
    } else {
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_what_there_is() {
        let file = std::path::Path::new("/x/my root.oci.tar");
        assert_eq!(name_of("f43:ready", file), "ready");
        assert_eq!(name_of("", file), "my_root");
        assert_eq!(name_of("", std::path::Path::new("..tar")), "imported");
    }
}
