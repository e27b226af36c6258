//! `installonly_limit`: of packages kept in several versions, the oldest go when there are too many.

use std::collections::{BTreeMap, BTreeSet};

use rpmkit_solv::{Id, Job, JobAction, JobSelect, SolvId};

use super::{SolveRequest, load::Loaded};

fn job(action: JobAction, s: SolvId) -> Job {
    Job {
        action,
        select: JobSelect::Package(s),
        weak: false,
        best: false,
    }
}

/// Jobs that bring a solution (`present`) within the limit; none when it is.
pub(crate) fn limit(loaded: &mut Loaded, request: &SolveRequest, present: &[SolvId]) -> Vec<Job> {
    let limit = request.installonly_limit as usize;
    if limit == 0 {
        return Vec::new();
    }
    let present: BTreeSet<SolvId> = present.iter().copied().collect();
    let mut jobs = Vec::new();
    for provide in &request.installonly {
        let Some(id) = loaded.pool.find(provide) else {
            continue;
        };
        let (kept, unused): (Vec<SolvId>, Vec<SolvId>) = loaded
            .pool
            .providers(id)
            .into_iter()
            .partition(|s| present.contains(s));
        if kept.len() <= limit || kept.iter().all(|&s| loaded.is_installed(s)) {
            continue;
        }
        let mut by_name: BTreeMap<Id, Vec<SolvId>> = BTreeMap::new();
        for s in kept {
            by_name.entry(loaded.pool.name_id(s)).or_default().push(s);
        }
        for (name, mut versions) in by_name {
            if versions.len() <= limit {
                continue;
            }
            let pool = &loaded.pool;
            // What comes new stays, then the newest.
            versions.sort_by(|&a, &b| {
                loaded
                    .is_installed(a)
                    .cmp(&loaded.is_installed(b))
                    .then_with(|| pool.evr_cmp(pool.evr_id(b), pool.evr_id(a)))
            });
            for (i, s) in versions.into_iter().enumerate() {
                if i < limit {
                    jobs.push(job(JobAction::Install, s));
                    continue;
                }
                // Nor may what goes come back from a repository.
                for &other in &unused {
                    if pool.name_id(other) == name && !loaded.is_installed(other) {
                        jobs.push(job(JobAction::Erase { clean_deps: false }, other));
                    }
                }
                jobs.push(job(JobAction::Erase { clean_deps: false }, s));
            }
        }
    }
    jobs
}
