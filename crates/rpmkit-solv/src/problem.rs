//! What libsolv says when there is no solution, as data.

use crate::{
    ffi as c,
    pool::{Id, Pool, SolvId},
    queue::Queue,
    solver::LibsolvSolver,
};

/// The kinds of statement a problem is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleKind {
    /// A job cannot be combined with the rest.
    Job,
    /// Nothing provides what a job asks for (`dep`).
    JobNothingProvides,
    /// No package of that name (`dep`).
    JobUnknownPackage,
    /// The best candidate is wanted and cannot be had; `source` is the installed one, if any.
    Best,
    /// `source` cannot be installed at all: excluded, wrong architecture.
    NotInstallable,
    /// `source` requires `dep`, which nothing provides.
    NothingProvides,
    /// `source` requires `dep` and no provider can be had.
    Requires,
    /// `source` conflicts with `dep`, provided by `target`.
    Conflicts,
    /// `source` conflicts with `dep` which it provides itself.
    SelfConflict,
    /// `source` obsoletes `dep`, provided by `target`.
    Obsoletes,
    /// `source` and `target` have the same name.
    SameName,
    /// An installed package (`source`) cannot stay or be updated.
    Update,
    /// `source` has a worse architecture than another candidate.
    InferiorArch,
    /// Both `source` and `target` obsolete `dep`.
    YumObsoletes,
    /// Something else.
    Other,
}

impl RuleKind {
    /// True when the statement is about a dependency; with others libsolv puts something else in
    /// its place.
    fn has_dep(self) -> bool {
        match self {
            Self::JobNothingProvides
            | Self::JobUnknownPackage
            | Self::NothingProvides
            | Self::Requires
            | Self::Conflicts
            | Self::SelfConflict
            | Self::Obsoletes
            | Self::YumObsoletes => true,
            Self::Job
            | Self::Best
            | Self::NotInstallable
            | Self::SameName
            | Self::Update
            | Self::InferiorArch
            | Self::Other => false,
        }
    }
}

/// One statement. Which fields say something depends on the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemRule {
    /// What kind.
    pub kind: RuleKind,
    /// The package it is about.
    pub source: Option<SolvId>,
    /// The other package.
    pub target: Option<SolvId>,
    /// The dependency.
    pub dep: Option<Id>,
    /// Index into the jobs of the request, for job statements.
    pub job: Option<usize>,
}

/// One reason why there is no solution: statements that cannot all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The statements, in libsolv's order, without repetitions.
    pub rules: Vec<ProblemRule>,
}

/// All problems of a solver that failed.
pub(crate) fn collect(pool: &Pool, solver: &LibsolvSolver) -> Vec<Problem> {
    // SAFETY: the solver is live and has run.
    let count = unsafe { c::solver_problem_count(solver.raw()) } as c::Id;
    let mut problems = Vec::new();
    for number in 1..=count {
        let (mut ids, mut infos) = (Queue::new(), Queue::new());
        // SAFETY: problems count from one; the queue is live.
        unsafe { c::solver_findallproblemrules(solver.raw(), number, ids.as_mut_ptr()) };
        let mut rules: Vec<ProblemRule> = Vec::new();
        for &rule in ids.ids() {
            // SAFETY: the id came from the solver, the queue is live; it is emptied first by
            // libsolv. The job index is -1 for rules that are no jobs'.
            let job = unsafe {
                c::solver_allruleinfos(solver.raw(), rule, infos.as_mut_ptr());
                c::solver_rule2jobidx(solver.raw(), rule)
            };
            for info in infos.ids().chunks_exact(4) {
                let kind = kind(info[0] as c::SolverRuleinfo);
                let rule = ProblemRule {
                    kind,
                    source: package(pool, info[1]),
                    target: package(pool, info[2]),
                    dep: (kind.has_dep() && info[3] != 0).then_some(Id(info[3])),
                    // Counted from one in the queue's pairs, zero when it is none.
                    job: usize::try_from(job - 1).ok().map(|index| index / 2),
                };
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
        let problem = Problem { rules };
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

fn package(pool: &Pool, id: c::Id) -> Option<SolvId> {
    (id > 1 && (id as usize) < pool.slots()).then_some(SolvId(id))
}

fn kind(info: c::SolverRuleinfo) -> RuleKind {
    match info {
        c::SolverRuleinfo_SOLVER_RULE_JOB => RuleKind::Job,
        c::SolverRuleinfo_SOLVER_RULE_JOB_NOTHING_PROVIDES_DEP => RuleKind::JobNothingProvides,
        c::SolverRuleinfo_SOLVER_RULE_JOB_UNKNOWN_PACKAGE => RuleKind::JobUnknownPackage,
        c::SolverRuleinfo_SOLVER_RULE_BEST => RuleKind::Best,
        c::SolverRuleinfo_SOLVER_RULE_PKG_NOT_INSTALLABLE => RuleKind::NotInstallable,
        c::SolverRuleinfo_SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP => RuleKind::NothingProvides,
        c::SolverRuleinfo_SOLVER_RULE_PKG_REQUIRES => RuleKind::Requires,
        c::SolverRuleinfo_SOLVER_RULE_PKG_CONFLICTS => RuleKind::Conflicts,
        c::SolverRuleinfo_SOLVER_RULE_PKG_SELF_CONFLICT => RuleKind::SelfConflict,
        c::SolverRuleinfo_SOLVER_RULE_PKG_OBSOLETES
        | c::SolverRuleinfo_SOLVER_RULE_PKG_IMPLICIT_OBSOLETES
        | c::SolverRuleinfo_SOLVER_RULE_PKG_INSTALLED_OBSOLETES => RuleKind::Obsoletes,
        c::SolverRuleinfo_SOLVER_RULE_PKG_SAME_NAME => RuleKind::SameName,
        c::SolverRuleinfo_SOLVER_RULE_UPDATE => RuleKind::Update,
        c::SolverRuleinfo_SOLVER_RULE_INFARCH => RuleKind::InferiorArch,
        c::SolverRuleinfo_SOLVER_RULE_YUMOBS => RuleKind::YumObsoletes,
        _ => RuleKind::Other,
    }
}
