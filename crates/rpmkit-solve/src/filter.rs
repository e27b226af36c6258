//! excludepkgs and includepkgs: which packages the solver may look at, and why not the others.

use rpmkit_solv::SolvId;

use super::{SolveRepo, SolveRequest, load::Loaded, subject::Search};

/// Why a package is out of the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Out {
    /// A pattern of `excludepkgs`; the repository is None for the main section's.
    Excluded {
        pattern: String,
        repo: Option<String>,
    },
    /// Not among `includepkgs`.
    NotIncluded { repo: Option<String> },
    /// Belongs to a module stream that is not enabled.
    Module { stream: String },
    /// Not modular, but an enabled stream has a package of that name.
    HiddenByModule { stream: String },
}

/// One slot for each package of the pool.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    out: Vec<Option<Out>>,
}

impl Filter {
    pub(crate) fn why(&self, s: SolvId) -> Option<&Out> {
        self.out.get(s.number())?.as_ref()
    }

    fn set(&mut self, s: SolvId, why: Out) {
        if let Some(slot) = self.out.get_mut(s.number())
            && slot.is_none()
        {
            *slot = Some(why);
        }
    }

    /// Works out all filters and tells the pool. `modules` lists what module filtering rules out.
    pub(crate) fn apply(
        loaded: &mut Loaded,
        repos: &[SolveRepo],
        request: &SolveRequest,
        modules: Vec<(SolvId, Out)>,
    ) -> Self {
        let slots = loaded.pool.slots();
        let mut filter = Self {
            out: vec![None; slots],
        };
        // Patterns are matched against everything, whatever an earlier request left out.
        loaded.pool.set_considered(&vec![true; slots]);
        let disabled = |what: &str| {
            request
                .disable_excludes
                .iter()
                .any(|d| d == what || d == "all")
        };
        let any = |list: &[String]| !list.is_empty();
        let needed = any(&request.excludes)
            || any(&request.includes)
            || repos
                .iter()
                .any(|r| any(&r.excludepkgs) || any(&r.includepkgs));
        if needed {
            let ids = loaded.repos.clone();
            let mut search = Search::new(loaded);
            for (repo, id) in repos.iter().zip(ids) {
                if disabled(&repo.id) {
                    continue;
                }
                let name = || Some(repo.id.clone());
                for pattern in &repo.excludepkgs {
                    for s in search.identity(pattern).packages {
                        if search.loaded.pool.repo_of(s) == Some(id) {
                            let pattern = pattern.clone();
                            filter.set(
                                s,
                                Out::Excluded {
                                    pattern,
                                    repo: name(),
                                },
                            );
                        }
                    }
                }
                if any(&repo.includepkgs) {
                    let kept = included(&mut search, &repo.includepkgs, slots);
                    for s in search.loaded.pool.packages_of(id) {
                        if !kept[s.number()] {
                            filter.set(s, Out::NotIncluded { repo: name() });
                        }
                    }
                }
            }
            if !disabled("main") {
                for pattern in &request.excludes {
                    for s in search.identity(pattern).packages {
                        let pattern = pattern.clone();
                        filter.set(
                            s,
                            Out::Excluded {
                                pattern,
                                repo: None,
                            },
                        );
                    }
                }
                if any(&request.includes) {
                    let kept = included(&mut search, &request.includes, slots);
                    let all: Vec<SolvId> = search.loaded.pool.solvables().collect();
                    for s in all {
                        if !kept[s.number()] {
                            filter.set(s, Out::NotIncluded { repo: None });
                        }
                    }
                }
            }
        }
        for (s, why) in modules {
            filter.set(s, why);
        }
        let allowed: Vec<bool> = filter.out.iter().map(Option::is_none).collect();
        loaded.pool.set_considered(&allowed);
        filter
    }
}

fn included(search: &mut Search<'_>, patterns: &[String], slots: usize) -> Vec<bool> {
    let mut kept = vec![false; slots];
    for pattern in patterns {
        for s in search.identity(pattern).packages {
            kept[s.number()] = true;
        }
    }
    kept
}
