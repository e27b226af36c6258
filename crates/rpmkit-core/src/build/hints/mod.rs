//! What a failed build missed, looked up where it could come from: in the repositories of its chroot,
//! and in the tree the build left.
//!
//! A line for the spec is shown only when the solver can install what it asks for, and only when it
//! says exactly one name. Nothing is downloaded for a report: where a file list would be needed and is
//! not at hand, that is said.

mod candidates;
mod offers;
pub(crate) mod reports;
mod tree;

use std::collections::BTreeSet;

use rpmkit_results::{
    failure::{FailureCause, FailureReport},
    want::{MissingThing, is_plain},
};
use rpmkit_solve::similar;
use rpmkit_types::{Dep, Hint};

use super::{BuildError, Buildroot};
use candidates::Candidates;
use offers::{Offer, Offers};

/// Things looked up for one report.
const MOST_WANTS: usize = 6;
/// Offers for one thing that the solver is asked about.
const MOST_TRIED: usize = 4;

/// How far a look-up may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintReach {
    /// What is on this machine.
    AtHand,
    /// File lists of repositories are fetched.
    Fetch,
}

/// A line that the spec misses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// What `BuildRequires:` is to name.
    pub requirement: String,
    /// The package that has it.
    pub package: String,
    /// Whether it is known to be the one, and not only named like it.
    pub sure: bool,
}

/// Completes a report with what repositories and the failed tree can tell. Gives the lines the spec
/// misses, most needed first. A look-up that cannot be made changes nothing: the report stands without it.
pub fn complete(root: &mut Buildroot, report: &mut FailureReport, reach: HintReach) -> Vec<Remedy> {
    tree::look(root, report);
    reports::look(root, report);
    near_paths(root, report);
    if report.wants.is_empty() {
        return Vec::new();
    }
    look_up(root, report, reach).unwrap_or_default()
}

/// Paths that were required and that no package has: the files of the same directory that are named
/// nearly so.
fn near_paths(root: &mut Buildroot, report: &mut FailureReport) {
    let FailureCause::Unresolvable { requirements, .. } = &report.cause else {
        return;
    };
    let paths: Vec<String> = requirements
        .iter()
        .map(|one| one.requirement.clone())
        .filter(|path| path.starts_with('/'))
        .take(MOST_WANTS)
        .collect();
    if paths.is_empty() {
        return;
    }
    let mut files: Vec<BTreeSet<String>> = vec![BTreeSet::new(); paths.len()];
    let seen = root.package_manager().available(|package| {
        for (wanted, near) in paths.iter().zip(&mut files) {
            let dir = wanted.rsplit_once('/').map_or("", |(dir, _)| dir);
            let beside = |file: &&String| file.rsplit_once('/').is_some_and(|(own, _)| own == dir);
            let names = package
                .files
                .iter()
                .filter(beside)
                .map(|file| base(file).to_owned());
            near.extend(names);
        }
    });
    if seen.is_err() {
        return;
    }
    for (wanted, near) in paths.iter().zip(&files) {
        let (name, dir) = (base(wanted), wanted.trim_end_matches(base(wanted)));
        let near = similar(name, near.iter().map(String::as_str));
        if !near.is_empty() {
            let names: Vec<String> = near.iter().map(|name| format!("`{dir}{name}`")).collect();
            let hint = Hint::new(format!("did you mean {}?", names.join(" or ")));
            if !report.hints.contains(&hint) {
                report.hints.push(hint);
            }
        }
    }
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn look_up(
    root: &mut Buildroot,
    report: &mut FailureReport,
    reach: HintReach,
) -> Result<Vec<Remedy>, BuildError> {
    let wants: Vec<(MissingThing, Candidates)> = report
        .wants
        .iter()
        .filter(|want| want.is_plain())
        .take(MOST_WANTS)
        .map(|want| (want.clone(), Candidates::of(want)))
        .collect();
    let offers = Offers::find(root, &wants, reach)?;
    let (mut remedies, mut hints) = (Vec::new(), Vec::new());
    for (nth, (want, candidates)) in wants.iter().enumerate() {
        let found = offers.of(nth);
        let mut installed = None;
        let mut remedy = None;
        if let MissingThing::Command(name) = want
            && let Some(offer) = namesake(root, name, &found)?
        {
            remedy = Some(offer);
        }
        for offer in found.iter().take(MOST_TRIED) {
            if remedy.is_some() {
                break;
            }
            match try_out(root, &offer.requirement)? {
                TriedHint::Installs(_) => {
                    remedy = Some((*offer).clone());
                    break;
                }
                TriedHint::IsThere => installed = installed.or(Some(offer.package.clone())),
                TriedHint::Fails => {}
            }
        }
        match (remedy, installed) {
            // The same line under another name of the thing.
            (Some(offer), _) if remedies.iter().any(|known: &Remedy| known.requirement == offer.requirement) => {}
            (Some(offer), _) => {
                let mut text = line(&offer);
                if !offer.sure && !candidates.ends.is_empty() && !offers.left_out.is_empty() {
                    text.push_str(", by its name; the file lists that tell for sure are not at hand: `rpmkit hint` fetches them");
                }
                hints.push(text);
                let remedy = Remedy {
                    requirement: offer.requirement,
                    package: offer.package,
                    sure: offer.sure,
                };
                remedies.push(remedy);
            }
            (None, Some(package)) if candidates.is_exact() => hints.push(format!(
                "`{package}`, which has {want}, is installed: the build does not look where it is"
            )),
            (None, _) if candidates.needs_files() && !offers.left_out.is_empty() => hints.push(format!(
                "which package has {want} is in the file lists of {}, which are not at hand: `rpmkit hint` fetches them",
                names(&offers.left_out)
            )),
            (None, _) if candidates.is_exact() => hints.push(nobody(want, candidates, &offers)),
            (None, _) => {}
        }
    }
    if let (FailureCause::MissingComponent { requirement, .. }, Some(first)) =
        (&mut report.cause, remedies.first())
    {
        requirement.clone_from(&first.requirement);
    }
    hints.dedup();
    // What to type comes first, advice of a general kind behind it.
    let general = std::mem::take(&mut report.hints);
    report.hints = hints.into_iter().map(Hint::new).collect();
    report.hints.extend(general);
    Ok(remedies)
}

fn line(offer: &Offer) -> String {
    let Offer {
        requirement,
        package,
        sure,
    } = offer;
    let add = if *sure { "add" } else { "perhaps add" };
    if requirement == package {
        format!("{add} `BuildRequires: {requirement}` to the spec")
    } else {
        format!("{add} `BuildRequires: {requirement}` to the spec: `{package}` provides it")
    }
}

fn nobody(want: &MissingThing, candidates: &Candidates, offers: &Offers) -> String {
    let near = candidates
        .requirements
        .first()
        .map(|wanted| similar(wanted, offers.names.iter().map(String::as_str)))
        .unwrap_or_default();
    let mut text = format!("no repository of this chroot has {want}");
    if !candidates.ends.is_empty() && !offers.left_out.is_empty() {
        text = format!(
            "nothing says by its name or what it provides that it has {want}; the file lists, which may tell, are not at hand: `rpmkit hint` fetches them"
        );
    }
    if let MissingThing::Command(name) = want
        && let Some(project) = candidates::project_of(name)
    {
        text.push_str(&format!("; it is a part of `{project}`"));
    }
    if !near.is_empty() {
        text.push_str("; what comes near: ");
        text.push_str(&names(&near));
    }
    text
}

fn names(all: &[String]) -> String {
    all.iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The package that is named like a program and brings it, itself or by what it requires: what people
/// write, rather than the part of it that has the file.
fn namesake(
    root: &mut Buildroot,
    name: &str,
    found: &[&Offer],
) -> Result<Option<Offer>, BuildError> {
    let Some(offer) = found
        .iter()
        .find(|offer| offer.package == name && offer.requirement == name)
    else {
        return Ok(None);
    };
    let TriedHint::Installs(packages) = try_out(root, name)? else {
        return Ok(None);
    };
    let brings = found
        .iter()
        .any(|one| one.sure && packages.contains(&one.package));
    Ok(brings.then(|| Offer {
        sure: true,
        ..(*offer).clone()
    }))
}

enum TriedHint {
    /// With these packages.
    Installs(Vec<String>),
    IsThere,
    Fails,
}

/// Asks the solver whether a requirement can be installed into the chroot.
fn try_out(root: &mut Buildroot, requirement: &str) -> Result<TriedHint, BuildError> {
    if !is_plain(requirement) {
        return Ok(TriedHint::Fails);
    }
    let mut request = root.package_manager().request();
    request.builddeps = vec![Dep::any(requirement)];
    Ok(match root.resolve(&request) {
        Ok(solution) if solution.is_empty() => TriedHint::IsThere,
        Ok(solution) => TriedHint::Installs(
            solution
                .install
                .into_iter()
                .map(|one| one.nevra.name)
                .collect(),
        ),
        Err(_) => TriedHint::Fails,
    })
}
