//! `rpmkit snap export`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;
use rpmkit_cli::{Failure, Status, VerbResult};
use rpmkit_core::{
    Error,
    store::archive::{Labels, Shape},
};
use serde_json::json;

use super::SnapContext;

/// Write a snapshot to a file
///
/// A plain tar, compressed as the name's ending says (`.gz`, `.zst`, `.xz`), or an image that `podman
/// load` takes.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Snapshot
    #[arg(add = ArgValueCompleter::new(crate::complete::snapshots))]
    name: String,
    /// File to make
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// What to make; by default an image if the file's name has `oci` in it, else a tar
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Replace the file if there is one
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The files of the root
    Tar,
    /// An OCI image in one file
    Oci,
}

pub(crate) fn run(request: &SnapContext<'_>, args: &ExportArgs) -> VerbResult {
    if args.file.exists() && !args.force {
        return Err(
            Failure::command_line(format!("`{}` is there already", args.file.display()))
                .hint("`--force` replaces it"),
        );
    }
    let chroot = &request.opened.chroot;
    let layer = chroot.layer(&args.name).map_err(Error::from)?;
    let info = request.list()?.into_iter().find(|s| s.name == args.name);
    let named_oci = args
        .file
        .file_name()
        .is_some_and(|n| n.to_string_lossy().to_lowercase().contains("oci"));
    let shape = match args.format {
        Some(Format::Oci) => Shape::Oci,
        None if named_oci => Shape::Oci,
        _ => Shape::Tar,
    };
    let labels = Labels {
        name: format!("{}:{}", chroot.name(), args.name),
        message: info
            .as_ref()
            .map_or_else(String::new, |i| i.message.clone()),
        created: info.map_or(0, |i| i.created),
        machine: request.host.machine.clone(),
    };
    let file = request.host.cwd.join(&args.file);
    request
        .opened
        .store
        .export(layer.as_ref(), &file, shape, labels)
        .map_err(Error::from)?;
    request.done(
        format!(
            "Snapshot `{}` written to `{}`.",
            args.name,
            args.file.display()
        ),
        json!({ "exported": args.name, "file": file }),
    );
    Ok(Status::OK)
}
