//! `cargo xtask`: the chores of this workspace.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod distro;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// Chores of the rpmkit workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the test distribution out of Debian packages (no-op when up to date)
    Distro {
        /// Where to put it [default: target/distro/dist]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let say = |text: &str| eprintln!("{text}");
    match cli.command {
        Command::Distro { out } => {
            let distro = distro::make(&target_dir()?.join("distro"), out.as_deref(), &say)?;
            println!("{}", distro.dir.display());
        }
    }
    Ok(())
}

/// The workspace's target directory, wherever it was moved to.
fn target_dir() -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot ask cargo for the target directory")?;
    Ok(metadata.target_directory.into_std_path_buf())
}
