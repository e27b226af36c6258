//! Verbs that change the chroot.

use std::{fs, path::Path};

use rpmkit_cli::{Context, Failure, Status, VerbResult};
use rpmkit_core::{
    Error, ExitCode,
    build::{Buildroot, ChrootAccess},
    config::Settings,
    solve::{Available, Replacement, Solution, SolveRequest, glob_matches},
    types::{Evr, Package},
};

use super::{
    super::{
        install::{add_packages, requirements_of, updated},
        work::{Work, host_path},
    },
    Flags,
    look::{newest, offers},
};

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// One verb with its words.
pub struct Alter<'a, 'w> {
    pub cx: &'a Context,
    pub work: &'a Work<'w>,
    /// The run's settings with what options change in them.
    pub settings: &'a Settings,
    /// What the new state of the chroot is called.
    pub note: &'a str,
    pub flags: &'a Flags,
    pub words: &'a [&'a str],
}

impl Alter<'_, '_> {
    /// Changes the chroot as the options and `fill` ask.
    pub fn change(
        &self,
        fill: impl FnOnce(&mut Buildroot, &mut SolveRequest) -> Result<(), Failure>,
    ) -> VerbResult {
        self.work.open_logs(self.cx)?;
        let access = ChrootAccess::Own;
        let mut root = self.work.prepared_with(self.cx, self.settings, access)?;
        let outcome = self.fulfil(&mut root, fill);
        let closed = root.close();
        outcome?;
        closed.map_err(Error::from)?;
        Ok(Status::OK)
    }

    fn fulfil(
        &self,
        root: &mut Buildroot,
        fill: impl FnOnce(&mut Buildroot, &mut SolveRequest) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let work = self.work;
        let mut request = root.package_manager().request();
        if let Some(best) = self.flags.best {
            request.best = best;
        }
        if let Some(weak) = self.flags.weak_deps {
            request.weak_deps = weak;
        }
        if let Some(erasing) = self.flags.allow_erasing {
            request.allow_erasing = erasing;
        }
        request.skip_unavailable |= self.flags.skip_unavailable;
        let excludes = self.flags.excludes.iter().cloned();
        request.excludes.extend(excludes);
        fill(root, &mut request)?;
        if self.flags.assume_no || self.flags.download_only {
            let solution = root.resolve(&request).map_err(|e| work.failure(&e))?;
            for line in root.package_manager().dialect().proposal(&solution) {
                self.cx.printer.data(line);
            }
            if self.flags.assume_no && !solution.is_empty() {
                // dnf's own status is 1, which mock makes its own of.
                return Err(Failure::new(ExitCode::PackageManager, "Operation aborted."));
            }
            let fetched = root.package_manager().fetch(&solution.install);
            fetched.map_err(|e| work.failure(&e.into()))?;
            return Ok(());
        }
        root.change(&request, self.note)
            .map(drop)
            .map_err(|e| work.failure(&e))
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

    /// `group remove GROUP…`: the installed packages of groups.
    pub fn remove_groups(&self) -> VerbResult {
        self.named("remove")?;
        self.change(|root, request| {
            let comps = root.package_manager().comps();
            let comps = comps.map_err(|e| self.work.failure(&e.into()))?;
            let present = root.packages().map_err(|e| self.work.failure(&e))?;
            for word in self.words {
                let name = word.trim_start_matches('@');
                let group = comps
                    .groups
                    .iter()
                    .find(|group| group.id == name || group.name == name);
                let Some(group) = group else {
                    return Err(no_group(name));
                };
                let members = group.members.iter().map(|member| &member.name);
                let there = members.filter(|name| present.iter().any(|p| p.nevra.name == **name));
                request.remove.extend(there.cloned());
            }
            request.allow_erasing = true;
            Ok(())
        })
    }

    /// `swap OUT IN`
    pub fn swap(&self) -> VerbResult {
        let [gone, wanted] = self.words else {
            return Err(Failure::usage(
                "You must specify what to remove and what to install instead.",
            ));
        };
        self.change(|_, request| {
            request.remove.push((*gone).to_owned());
            request.allow_erasing = true;
            add_packages(self.cx, self.work, &owned(&[wanted]), request)
        })
    }

    /// `distro-sync [SPEC…]`: each package becomes the newest there is on offer, also when that is older.
    pub fn synchronize(&self) -> VerbResult {
        self.change(|root, request| {
            request.allow_erasing = true;
            let keep = |offer: &Available| {
                self.words.is_empty() || self.words.iter().any(|word| offer.is_meant(word))
            };
            let newest = newest(offers(self.work, root, keep)?);
            let packages = root.packages().map_err(|e| self.work.failure(&e))?;
            for package in packages {
                let nevra = &package.nevra;
                let offer = newest
                    .iter()
                    .find(|o| (&o.name, &o.arch) == (&nevra.name, &nevra.arch));
                if let Some(offer) = offer.filter(|offer| Evr::parse(&offer.evr) != nevra.evr) {
                    request.install.push(offer.nvra());
                }
            }
            Ok(())
        })
    }

    /// `builddep FILE|PACKAGE…`
    pub fn build_dependencies(&self) -> VerbResult {
        self.named("install the requirements of")?;
        self.change(|root, request| {
            for word in self.words {
                let path = host_path(self.cx, word);
                if !path.is_file() {
                    return Err(Failure::new(
                        ExitCode::PackageManager,
                        format!("No such file: {word}"),
                    )
                    .hint("name a spec or a source package of the host"));
                }
                request
                    .builddeps
                    .extend(requirements_of(self.work, root, &path)?);
            }
            Ok(())
        })
    }

    /// `download [--destdir DIR] [--resolve] [--url] SPEC…`
    pub fn download(&self) -> VerbResult {
        self.named("download")?;
        let target = self.flags.destdir.as_deref().unwrap_or(".");
        let target = host_path(self.cx, target);
        self.work.open_logs(self.cx)?;
        let access = ChrootAccess::OwnOrEphemeral;
        let mut root = self.work.prepared_with(self.cx, self.settings, access)?;
        let outcome = self.downloaded(&mut root, &target);
        let closed = root.close();
        outcome?;
        closed.map_err(Error::from)?;
        Ok(Status::OK)
    }

    fn downloaded(&self, root: &mut Buildroot, target: &Path) -> Result<(), Failure> {
        let work = self.work;
        let mut request = root.package_manager().request();
        request.install = owned(self.words);
        request.weak_deps = false;
        let pm = root.package_manager();
        let solution = pm
            .resolve(&request, &[])
            .map_err(|e| work.failure(&e.into()))?;
        let mut packages = solution.install;
        if !self.flags.resolve {
            let asked = solution.reasons;
            let mut nth = 0;
            packages.retain(|_| {
                nth += 1;
                asked.get(nth - 1) == Some(&rpmkit_core::solve::Reason::User)
            });
        }
        if self.flags.url_only {
            for package in &packages {
                let url = pm.location(package).map_err(|e| work.failure(&e.into()))?;
                self.cx.printer.data(url.unwrap_or_default());
            }
            return Ok(());
        }
        let files = pm.fetch(&packages).map_err(|e| work.failure(&e.into()))?;
        let cannot = |path: &Path, error: std::io::Error| {
            Failure::general(format!("cannot write `{}`: {error}", path.display()))
        };
        fs::create_dir_all(target).map_err(|e| cannot(target, e))?;
        for (package, file) in packages.iter().zip(files) {
            let href = &package.location.href;
            let name = href.rsplit('/').next().unwrap_or(href);
            let place = target.join(name);
            fs::copy(&file, &place).map_err(|e| cannot(&place, e))?;
            self.cx.printer.data(place.display().to_string());
        }
        Ok(())
    }

    /// `mark`: what a chroot remembers of its packages is part of its layers.
    pub fn mark(&self) -> VerbResult {
        Err(Failure::new(
            ExitCode::PackageManager,
            "mark: why a package of a chroot was installed is remembered, and cannot be changed",
        )
        .hint("`--remove PACKAGE` removes what is not wanted, `--pm-cmd autoremove` what nothing needs"))
    }

    /// `remove SPEC…`, and with `unneeded` what nobody needs any more with it.
    pub fn remove(&self, unneeded: bool) -> VerbResult {
        if unneeded && self.words.is_empty() {
            return self.change(|root, request| {
                let candidates = root.dependencies();
                let packages = root.packages().map_err(|e| self.work.failure(&e))?;
                request.remove.extend(unneeded_of(packages, &candidates));
                Ok(())
            });
        }
        self.named("remove")?;
        self.change(|root, request| {
            request.remove.extend(owned(self.words));
            request.allow_erasing = true;
            request.unneeded_candidates = root.dependencies();
            request.clean_requirements |= unneeded;
            request.clean_requirements &= !self.flags.keep_unneeded;
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
        let mut root = work.prepared_with(self.cx, self.settings, ChrootAccess::OwnOrJoin)?;
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

/// Of the packages that came as dependencies, those that nothing needs any more.
fn unneeded_of(packages: &[Package], candidates: &[String]) -> Vec<String> {
    let mut kept: Vec<&Package> = packages.iter().collect();
    let mut gone = Vec::new();
    let needs = |one: &Package, other: &Package| {
        let mut deps = one
            .requires
            .iter()
            .map(|requirement| &requirement.dep)
            .chain(&one.recommends);
        deps.any(|dep| {
            // A condition may name it anywhere.
            let rich = dep.name.starts_with('(') && dep.name.contains(&other.nevra.name);
            rich || dep.name == other.nevra.name
                || other.provides.iter().any(|offer| offer.name == dep.name)
                || other.files.contains(&dep.name)
        })
    };
    loop {
        let free = kept.iter().position(|package| {
            candidates.contains(&package.nevra.name)
                && !kept
                    .iter()
                    .any(|other| other.nevra != package.nevra && needs(other, package))
        });
        let Some(nth) = free else {
            return gone;
        };
        gone.push(kept.remove(nth).nevra.name.clone());
    }
}

/// dnf's words for a group nobody has.
pub fn no_group(name: &str) -> Failure {
    Failure::new(
        ExitCode::PackageManager,
        format!("Module or Group '{name}' is not available."),
    )
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rpmkit_core::types::Nevra;

    use super::*;

    #[test]
    fn what_nothing_needs_goes_one_after_the_other() {
        let package = |name: &str, requires: &[&str]| -> Package {
            let requires: Vec<_> = requires
                .iter()
                .map(|one| serde_json::json!({ "name": one, "version": null }))
                .collect();
            serde_json::from_value(serde_json::json!({
                "nevra": Nevra::new(name, Evr::new(0, "1", "1"), "noarch"),
                "checksum": null,
                "location": { "href": "a.rpm" },
                "requires": requires,
            }))
            .unwrap()
        };
        let all = [
            package("asked", &["lib"]),
            package("lib", &[]),
            package("old", &["older"]),
            package("older", &[]),
        ];
        let came: Vec<String> = ["lib", "old", "older"].map(str::to_owned).to_vec();
        assert_eq!(unneeded_of(&all, &came), ["old", "older"]);
        assert!(unneeded_of(&all, &[]).is_empty());
    }
}
