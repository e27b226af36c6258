//! `rpmkit snap diff`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use clap_complete::ArgValueCompleter;
use rpmkit_cli::{Failure, Status, Tone, VerbResult};
use rpmkit_core::{
    Error,
    chroot::Session,
    store::{
        Layer,
        ops::{Change, ChangeKind},
    },
};
use serde::Serialize;

use super::{SnapContext, shell};

/// Show files and packages that differ between two snapshots
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The old one
    #[arg(add = ArgValueCompleter::new(crate::complete::snapshots))]
    old: String,
    /// The new one; by default the state that `clean` goes back to
    #[arg(add = ArgValueCompleter::new(crate::complete::snapshots))]
    new: Option<String>,
    /// Packages only
    #[arg(long)]
    packages: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PackageChange {
    name: String,
    old: Vec<String>,
    new: Vec<String>,
}

#[derive(Serialize)]
struct Report {
    packages: Vec<PackageChange>,
    files: Vec<Change>,
}

pub(crate) fn run(request: &SnapContext<'_>, args: &DiffArgs) -> VerbResult {
    let (store, chroot) = (&request.opened.store, &request.opened.chroot);
    let old = chroot.layer(&args.old).map_err(Error::from)?;
    let new = match &args.new {
        Some(name) => chroot.layer(name).map_err(Error::from)?,
        None => {
            let mut state = chroot.state().map_err(Error::from)?;
            match state.instance(chroot.ext()).current.clone() {
                Some(id) => Some(store.need(&id).map_err(Error::from)?),
                None => None,
            }
        }
    };
    let files = store
        .diff(old.as_ref(), new.as_ref())
        .map_err(Error::from)?;
    // Without a changed package database there are no changed packages.
    let packages = if files.iter().any(|f| is_rpmdb(&f.path)) {
        compare(
            &packages(request, old.as_ref())?,
            &packages(request, new.as_ref())?,
        )
    } else {
        Vec::new()
    };
    let files = if args.packages { Vec::new() } else { files };
    let report = Report { packages, files };
    if request.json {
        request.printer.json(&report);
        return Ok(Status::OK);
    }
    show(request, &report);
    Ok(Status::OK)
}

fn is_rpmdb(path: &str) -> bool {
    ["/var/lib/rpm/", "/usr/lib/sysimage/rpm/"]
        .iter()
        .any(|dir| path.starts_with(dir))
}

fn show(request: &SnapContext<'_>, report: &Report) {
    let printer = &request.printer;
    let line = |mark: &str, text: String| {
        let tone = match mark {
            "+" => Tone::Good,
            "-" => Tone::Bad,
            _ => Tone::Warn,
        };
        printer.data(printer.paint_data(tone, &format!("{mark} {text}")));
    };
    for package in &report.packages {
        match (package.old.as_slice(), package.new.as_slice()) {
            ([], new) => line("+", format!("{} {}", package.name, new.join(" "))),
            (old, []) => line("-", format!("{} {}", package.name, old.join(" "))),
            (old, new) => line(
                "~",
                format!("{} {} -> {}", package.name, old.join(" "), new.join(" ")),
            ),
        }
    }
    for change in &report.files {
        let mark = match change.kind {
            ChangeKind::Added => "+",
            ChangeKind::Removed => "-",
            ChangeKind::Changed => "~",
        };
        line(mark, change.path.clone());
    }
    if report.packages.is_empty() && report.files.is_empty() {
        printer.say("No difference.");
    }
}

/// Packages of a root: as told when a layer of ours was made, else as its own rpm says.
fn packages(
    request: &SnapContext<'_>,
    layer: Option<&Layer>,
) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let Some(layer) = layer else { return Ok(out) };
    let known = layer.packages().map_err(Error::from)?;
    if !known.is_empty() {
        for package in known {
            let version = format!("{}.{}", package.nevra.evr, package.nevra.arch);
            out.entry(package.nevra.name).or_default().insert(version);
        }
        return Ok(out);
    }
    let session: Session = request
        .opened
        .chroot
        .throwaway(Some(layer))
        .map_err(Error::from)?;
    let format = "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%|ARCH?{%{ARCH}}:{noarch}|\n";
    let asked = shell::output(request, &session, &["rpm", "-qa", "--qf", format]);
    session.close().map_err(Error::from)?;
    for line in asked?.lines() {
        if let Some((name, version)) = line.split_once(' ') {
            let versions = out.entry(name.to_owned()).or_default();
            versions.insert(version.to_owned());
        }
    }
    Ok(out)
}

fn compare(
    old: &BTreeMap<String, BTreeSet<String>>,
    new: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<PackageChange> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let none = BTreeSet::new();
    names
        .into_iter()
        .filter_map(|name| {
            let (a, b) = (
                old.get(name).unwrap_or(&none),
                new.get(name).unwrap_or(&none),
            );
            (a != b).then(|| PackageChange {
                name: name.clone(),
                old: a.difference(b).cloned().collect(),
                new: b.difference(a).cloned().collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_compared_version_by_version() {
        let set = |list: &[(&str, &[&str])]| {
            list.iter()
                .map(|(n, v)| {
                    let versions = v.iter().map(|v| (*v).to_owned()).collect();
                    ((*n).to_owned(), versions)
                })
                .collect::<BTreeMap<String, BTreeSet<String>>>()
        };
        let old = set(&[("a", &["1-1.x"]), ("gone", &["1-1.x"]), ("k", &["1", "2"])]);
        let new = set(&[("a", &["2-1.x"]), ("born", &["1-1.x"]), ("k", &["2", "3"])]);
        let changes = compare(&old, &new);
        let names: Vec<_> = changes.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["a", "born", "gone", "k"]);
        assert_eq!(
            (&changes[3].old[..], &changes[3].new[..]),
            (&["1".to_owned()][..], &["3".to_owned()][..])
        );
        assert!(compare(&old, &old).is_empty());
    }
}
