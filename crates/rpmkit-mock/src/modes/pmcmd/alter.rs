//! Verbs that change the chroot.

use rpmkit_cli::{Context, Failure, Status, VerbResult};
use rpmkit_core::{
    Error, ExitCode,
    build::{Buildroot, ChrootAccess},
    solve::{Available, Replacement, Solution, SolveRequest, glob_matches},
    types::{Evr, Package},
};

use super::{
    super::{
        install::{add_packages, change, updated},
        work::Work,
    },
    Flags,
};

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn apply(flags: &Flags, request: &mut SolveRequest) {
    if let Some(best) = flags.best {
        request.best = best;
    }
    if let Some(weak) = flags.weak_deps {
        request.weak_deps = weak;
    }
    request.excludes.extend(flags.excludes.iter().cloned());
}

fn named(words: &[&str], verb: &str) -> Result<(), Failure> {
    if words.is_empty() {
        return Err(Failure::usage(format!("You must specify what to {verb}.")));
    }
    Ok(())
}

/// `install SPEC…`
pub fn install(
    cx: &Context,
    work: &Work<'_>,
    note: &str,
    flags: &Flags,
    words: &[&str],
) -> VerbResult {
    named(words, "install")?;
    change(cx, work, note, |_, request| {
        apply(flags, request);
        add_packages(cx, work, &owned(words), request)
    })
}

/// `group install GROUP…`
pub fn install_groups(
    cx: &Context,
    work: &Work<'_>,
    note: &str,
    flags: &Flags,
    words: &[&str],
) -> VerbResult {
    named(words, "install")?;
    change(cx, work, note, |_, request| {
        apply(flags, request);
        let groups = words.iter().map(|group| format!("@{group}"));
        request.install.extend(groups);
        Ok(())
    })
}

/// `remove SPEC…`, and with `unneeded` what nobody needs any more with it.
pub fn remove(
    cx: &Context,
    work: &Work<'_>,
    note: &str,
    flags: &Flags,
    words: &[&str],
    unneeded: bool,
) -> VerbResult {
    named(words, "remove")?;
    change(cx, work, note, |_, request| {
        apply(flags, request);
        request.remove.extend(owned(words));
        request.allow_erasing = true;
        request.clean_requirements |= unneeded;
        Ok(())
    })
}

/// `upgrade [SPEC…]`
pub fn upgrade(
    cx: &Context,
    work: &Work<'_>,
    note: &str,
    flags: &Flags,
    words: &[&str],
) -> VerbResult {
    change(cx, work, note, |_, request| {
        apply(flags, request);
        request.update = updated(&owned(words));
        Ok(())
    })
}

/// The installed packages a word means.
fn meant(root: &mut Buildroot, work: &Work<'_>, word: &str) -> Result<Vec<Package>, Failure> {
    let packages = root.packages().map_err(|e| work.failure(&e))?;
    let found: Vec<Package> = packages
        .iter()
        .filter(|package| {
            let nevra = &package.nevra;
            let with_arch = format!("{}.{}", nevra.name, nevra.arch);
            [&nevra.name, &with_arch, &nevra.to_string()]
                .iter()
                .any(|form| glob_matches(word, form))
        })
        .cloned()
        .collect();
    if found.is_empty() {
        return Err(Failure::new(
            ExitCode::PackageManager,
            format!("no package `{word}` is installed"),
        ));
    }
    Ok(found)
}

/// `downgrade SPEC…`: to the highest version below what is installed.
pub fn downgrade(
    cx: &Context,
    work: &Work<'_>,
    note: &str,
    flags: &Flags,
    words: &[&str],
) -> VerbResult {
    named(words, "downgrade")?;
    change(cx, work, note, |root, request| {
        apply(flags, request);
        for word in words {
            for package in meant(root, work, word)? {
                let nevra = &package.nevra;
                let mut lower: Option<(Evr, Available)> = None;
                let offers = root.package_manager().available(|offer| {
                    let evr = Evr::parse(&offer.evr);
                    let fits = offer.name == nevra.name && offer.arch == nevra.arch;
                    let better = lower.as_ref().is_none_or(|(known, _)| evr > *known);
                    if fits && evr < nevra.evr && better {
                        lower = Some((evr, offer));
                    }
                });
                offers.map_err(|e| work.failure(&e.into()))?;
                match lower {
                    Some((_, offer)) => request.install.push(offer.nvra()),
                    None => work.events.warn(format!(
                        "Package {} of lowest version already installed, cannot downgrade it.",
                        nevra.name
                    )),
                }
            }
        }
        Ok(())
    })
}

/// `reinstall SPEC…`: the very same packages again, from the repositories.
pub fn reinstall(cx: &Context, work: &Work<'_>, note: &str, words: &[&str]) -> VerbResult {
    named(words, "reinstall")?;
    work.open_logs(cx)?;
    let mut root = work.prepared(cx, ChrootAccess::Own)?;
    let outcome = again(work, &mut root, words).and_then(|solution| {
        // In place: a layer with the same packages would be the same layer.
        root.touch().map_err(|e| work.failure(&e))?;
        root.advance(&solution, note).map_err(|e| work.failure(&e))
    });
    let closed = root.close();
    outcome?;
    closed.map_err(Error::from)?;
    Ok(Status::OK)
}

fn again(work: &Work<'_>, root: &mut Buildroot, words: &[&str]) -> Result<Solution, Failure> {
    let mut solution = Solution::default();
    for word in words {
        for package in meant(root, work, word)? {
            let mut request = root.package_manager().request();
            let exact = package.nevra.to_string();
            request.install.push(exact.clone());
            let found = root
                .package_manager()
                .resolve(&request, &[])
                .map_err(|e| work.failure(&e.into()))?;
            let same = found.install.into_iter().find(|p| p.nevra == package.nevra);
            let Some(same) = same else {
                return Err(Failure::new(
                    ExitCode::PackageManager,
                    format!("installed package `{exact}` is in no repository"),
                ));
            };
            solution.replaced.push(Replacement {
                new: same.nevra.clone(),
                old: vec![same.nevra.clone()],
            });
            solution.install.push(same);
        }
    }
    Ok(solution)
}
