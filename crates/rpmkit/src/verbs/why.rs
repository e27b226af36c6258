//! `rpmkit why`: the chain of requirements that pulled a package into a buildroot.

use std::path::{Path, PathBuf};

use clap::Args;
use rpmkit_cli::{
    Context, Failure, Status, VerbResult,
    args::{BuildOptions, ChrootArgs, OutputArgs},
    setup,
};
use rpmkit_core::{
    Error,
    build::{Buildroot, ChrootAccess, Why, WhyChain, why},
    config::SearchRules,
    types::is_source_package,
};

use crate::results;

/// Say why a package is in the buildroot: the chain of requirements that brought it, with sizes
///
/// From the source package among the results of a build and the repositories of its chroot; nothing is
/// installed for the answer. Ends with 1 when the package is not there.
#[derive(Debug, Clone, Args)]
pub struct WhyArgs {
    /// A package by its name, or a file or capability it provides
    #[arg(value_name = "PACKAGE")]
    pub package: String,

    /// Result directory of the build, or the checkout [default: the latest build]
    #[arg(value_name = "BUILD", value_hint = clap::ValueHint::DirPath)]
    pub build: Option<PathBuf>,

    /// Which chroot
    #[command(flatten)]
    pub chroot: ChrootArgs,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Looks it up and shows the chains on standard output.
pub fn run(cx: &mut Context, args: &WhyArgs) -> VerbResult {
    let events = cx.listen(&args.output);
    let dir = results::directory(cx, args.build.as_deref())?;
    let record = results::record(&dir)?;
    let srpm = source_package(&dir)?;
    let name = args.chroot.root.first().unwrap_or(&record.chroot).clone();
    let configured = setup::configure(
        cx,
        &name,
        SearchRules::Rpmkit,
        args.chroot.configdir.as_deref(),
        &args.chroot.addrepo,
        setup::overrides(&args.chroot, &BuildOptions::default()),
    )?;
    let engine = setup::engine(cx, events, &configured.settings)?;
    let mut root = Buildroot::open(&engine, &configured.settings, ChrootAccess::Ephemeral)
        .map_err(Error::from)?;
    let found = why(&mut root, &srpm, &args.package);
    let closed = root.close();
    let found = found.map_err(Error::from)?;
    closed.map_err(Error::from)?;
    let setup = configured.settings.chroot.chroot_setup_cmd.join(" ");
    match found {
        Some(found) if args.output.is_json() => {
            cx.printer.json(&serde_json::json!({
                "format": 1,
                "package": found.package,
                "chains": found.chains,
            }));
            Ok(Status::OK)
        }
        Some(found) => {
            for line in told(&found, &setup) {
                cx.printer.data(line);
            }
            Ok(Status::OK)
        }
        None => Err(Failure::general(format!(
            "`{}` is not in the buildroot of the build in `{}`",
            args.package,
            dir.display()
        ))
        .hint("requirements that a build generates are known once it has succeeded")),
    }
}

/// The source package among the results.
fn source_package(dir: &Path) -> Result<PathBuf, Failure> {
    let listing = std::fs::read_dir(dir)
        .map_err(|e| Failure::general(format!("cannot list `{}`: {e}", dir.display())))?;
    listing
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| is_source_package(path))
        .ok_or_else(|| {
            Failure::general(format!("there is no source package in `{}`", dir.display())).hint(
                "build once more: the source package stays among the results, whatever happens",
            )
        })
}

fn told(found: &Why, setup: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for chain in &found.chains {
        lines.push(head(chain, setup));
        for (depth, link) in chain.links.iter().enumerate() {
            let by = match depth {
                0 => String::new(),
                _ => format!("  for {}", link.requirement),
            };
            let indent = "  ".repeat(depth + 1);
            lines.push(format!("{indent}{}  {}{by}", link.package, size(link.size)));
        }
        if chain.brought > 0
            && let Some(first) = chain.links.first()
        {
            lines.push(format!(
                "  `{}` alone brings {}, {}",
                first.requirement,
                match chain.brought {
                    1 => "1 package".to_owned(),
                    count => format!("{count} packages"),
                },
                size(chain.brought_size)
            ));
        }
    }
    lines
}

fn head(chain: &WhyChain, setup: &str) -> String {
    match chain.links.first() {
        Some(first) if chain.by_source => format!("BuildRequires: {}", first.requirement),
        _ => format!("the minimal root: {setup}"),
    }
}

/// Bytes in the unit people count packages in.
fn size(bytes: u64) -> String {
    let tenths = bytes * 10 / (1024 * 1024);
    if tenths == 0 {
        return format!("{} KiB", bytes.div_ceil(1024));
    }
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use rpmkit_core::build::WhyLink;

    use super::*;

    #[test]
    fn chains_are_told_from_the_requirement_down() {
        let link = |requirement: &str, package: &str, size| WhyLink {
            requirement: requirement.into(),
            package: package.into(),
            size,
        };
        let found = Why {
            package: "libuv-1".into(),
            chains: vec![WhyChain {
                by_source: true,
                links: vec![
                    link("cmake", "cmake-1", 28_500_000),
                    link("libuv.so.1", "libuv-1", 300),
                ],
                brought: 2,
                brought_size: 28_500_300,
            }],
        };
        assert_eq!(
            told(&found, "install x"),
            [
                "BuildRequires: cmake",
                "  cmake-1  27.1 MiB",
                "    libuv-1  1 KiB  for libuv.so.1",
                "  `cmake` alone brings 2 packages, 27.1 MiB",
            ]
        );
    }
}
