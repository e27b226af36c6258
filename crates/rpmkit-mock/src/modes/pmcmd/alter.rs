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

/// One verb with its words.
pub struct Alter<'a, 'w> {
    pub cx: &'a Context,
    pub work: &'a Work<'w>,
    /// What the new state of the chroot is called.
    pub note: &'a str,
    pub flags: &'a Flags,
    pub words: &'a [&'a str],
}

impl Alter<'_, '_> {
    /// Changes the chroot as the options and `fill` ask.
    fn change(
        &self,
        fill: impl FnOnce(&mut Buildroot, &mut SolveRequest) -> Result<(), Failure>,
    ) -> VerbResult {
        change(self.cx, self.work, self.note, |root, request| {
            if let Some(best) = self.flags.best {
                request.best = best;
            }
            if let Some(weak) = self.flags.weak_deps {
                request.weak_deps = weak;
            }
            let excludes = self.flags.excludes.iter().cloned();
            request.excludes.extend(excludes);
            fill(root, request)
        })
    }

    fn named(&self, verb: &str) -> Result<(), Failure> {
        if self.words.is_empty() {
            return Err(Failure::usage(format!("You must specify what to {verb}.")));
        }
        Ok(())
    }

    /// `install SPEC…`
    pub fn install(&self) -> VerbResult {
        self.named("install")?;
        self.change(|_, request| add_packages(self.cx, self.work, &owned(self.words), request))
    }

    /// `group install GROUP…`
    pub fn install_groups(&self) -> VerbResult {
        self.named("install")?;
        self.change(|_, request| {
            let groups = self.words.iter().map(|group| format!("@{group}"));
            request.install.extend(groups);
            Ok(())
        })
    }

    /// `remove SPEC…`, and with `unneeded` what nobody needs any more with it.
    pub fn remove(&self, unneeded: bool) -> VerbResult {
        self.named("remove")?;
        self.change(|_, request| {
            request.remove.extend(owned(self.words));
            request.allow_erasing = true;
            request.clean_requirements |= unneeded;
            Ok(())
        })
    }

    /// `upgrade [SPEC…]`
    pub fn upgrade(&self) -> VerbResult {
        self.change(|_, request| {
            request.update = updated(&owned(self.words));
            Ok(())
        })
    }

    /// `downgrade SPEC…`: to the highest version below what is installed.
    pub fn downgrade(&self) -> VerbResult {
        self.named("downgrade")?;
        self.change(|root, request| {
            for word in self.words {
                for package in meant(root, self.work, word)? {
                    match lower(root, self.work, &package)? {
                        Some(offer) => request.install.push(offer.nvra()),
                        None => self.work.events.warn(format!(
                            "Package {} of lowest version already installed, cannot downgrade it.",
                            package.nevra.name
                        )),
                    }
                }
            }
            Ok(())
        })
    }

    /// `reinstall SPEC…`: the very same packages again, from the repositories.
    pub fn reinstall(&self) -> VerbResult {
        self.named("reinstall")?;
        let work = self.work;
        work.open_logs(self.cx)?;
        let mut root = work.prepared(self.cx, ChrootAccess::OwnOrJoin)?;
        let outcome = again(work, &mut root, self.words).and_then(|solution| {
            // In place: a layer with the same packages would be the same layer.
            root.touch().map_err(|e| work.failure(&e))?;
            root.advance(&solution, self.note)
                .map_err(|e| work.failure(&e))
        });
        let closed = root.close();
        outcome?;
        closed.map_err(Error::from)?;
        Ok(Status::OK)
    }
}

/// The highest version of a package that is below what is installed.
fn lower(
    root: &mut Buildroot,
    work: &Work<'_>,
    package: &Package,
) -> Result<Option<Available>, Failure> {
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
    Ok(lower.map(|(_, offer)| offer))
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
