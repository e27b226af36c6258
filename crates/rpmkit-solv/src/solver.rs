//! Jobs in, a transaction or problems out.

use std::{ffi::c_int, ptr::NonNull};

use crate::{
    ffi as c,
    pool::{Id, Pool, SolvId},
    problem::{self, Problem},
    queue::Queue,
};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobAction {
    /// Install one of the selected.
    Install,
    /// Remove all of the selected.
    Erase {
        /// And what only they needed.
        clean_deps: bool,
    },
    /// Bring the selected up to date.
    Update {
        /// The selection names the packages to update to.
        targeted: bool,
    },
    /// Several versions of the selected may be installed side by side.
    MultiVersion,
    /// The selected may be removed if that makes a solution.
    AllowUninstall,
    /// The selected were asked for by the user: never clean them away.
    UserInstalled,
    /// Never install the selected for a weak dependency.
    ExcludeFromWeak,
}

/// What a job is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobSelect {
    /// Exactly this one.
    Package(SolvId),
    /// One of these.
    OneOf(Vec<SolvId>),
    /// What provides this.
    Provides(Id),
    /// Everything.
    All,
}

/// One line of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What to do.
    pub action: JobAction,
    /// With what.
    pub select: JobSelect,
    /// Give up the job rather than the whole request when it cannot be done.
    pub weak: bool,
    /// Insist on the best candidate.
    pub best: bool,
}

/// Settings of one run. The ones dnf never changes are not here: vendor change allowed, orphans
/// kept, best obeys policy, obsoletes as yum, choices reordered as urpmi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SolverFlags {
    /// Leave recommended and supplementing packages out.
    pub ignore_weak_deps: bool,
    /// An installed package may be replaced by an older one.
    pub allow_downgrade: bool,
}

/// Why a package is in (or out).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A job asked for it.
    User,
    /// Another package needs it.
    Dependency,
    /// Another package recommends it, or it supplements one.
    Weak,
    /// Removed as nobody needs it any more.
    Clean,
}

/// What happens to one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A package comes in, perhaps in the place of installed ones.
    Install {
        /// Which.
        package: SolvId,
        /// Installed packages it replaces by upgrade, downgrade, reinstallation or obsoletes.
        replaces: Vec<SolvId>,
        /// Why.
        reason: Reason,
    },
    /// An installed package goes and nothing replaces it.
    Erase {
        /// Which.
        package: SolvId,
        /// Why.
        reason: Reason,
    },
}

/// What a run ended with.
#[derive(Debug)]
pub enum SolverOutcome {
    /// The steps, in libsolv's order.
    Steps(Vec<Step>),
    /// Why not; never empty.
    Problems(Vec<Problem>),
}

/// A finished run, kept so that decisions can be asked about.
#[derive(Debug)]
pub struct Solved {
    /// Steps or problems.
    pub outcome: SolverOutcome,
    /// Packages that are in the resulting system, installed ones included; empty with problems.
    pub present: Vec<SolvId>,
}

pub(crate) struct Solver(NonNull<c::Solver>);

impl Solver {
    pub(crate) fn raw(&self) -> *mut c::Solver {
        self.0.as_ptr()
    }
}

impl Drop for Solver {
    fn drop(&mut self) {
        // SAFETY: made by solver_create, freed only here, while the pool still lives.
        unsafe { c::solver_free(self.raw()) }
    }
}

struct Transaction(*mut c::Transaction);

impl Drop for Transaction {
    fn drop(&mut self) {
        // SAFETY: made by solver_create_transaction, freed only here.
        unsafe { c::transaction_free(self.0) }
    }
}

impl Pool {
    /// Solves. The pool must not change meanwhile, hence `&mut`.
    pub fn solve(&mut self, jobs: &[Job], flags: SolverFlags) -> Solved {
        self.make_ready();
        let mut queue = Queue::new();
        for job in jobs {
            self.push_job(&mut queue, job);
        }
        // SAFETY: the pool is live and stays so longer than the solver; solver_create aborts rather
        // than return null, but a null is still turned into a panic-free early end below.
        let Some(raw) = NonNull::new(unsafe { c::solver_create(self.raw()) }) else {
            return Solved {
                outcome: SolverOutcome::Problems(Vec::new()),
                present: Vec::new(),
            };
        };
        let solver = Solver(raw);
        let set = |flag: u32, value: bool| {
            // SAFETY: the solver is live.
            unsafe { c::solver_set_flag(solver.raw(), flag as c_int, c_int::from(value)) };
        };
        for flag in [
            c::SOLVER_FLAG_ALLOW_VENDORCHANGE,
            c::SOLVER_FLAG_DUP_ALLOW_VENDORCHANGE,
            c::SOLVER_FLAG_KEEP_ORPHANS,
            c::SOLVER_FLAG_BEST_OBEY_POLICY,
            c::SOLVER_FLAG_YUM_OBSOLETES,
            c::SOLVER_FLAG_URPM_REORDER,
        ] {
            set(flag, true);
        }
        set(c::SOLVER_FLAG_IGNORE_RECOMMENDED, flags.ignore_weak_deps);
        set(c::SOLVER_FLAG_ALLOW_DOWNGRADE, flags.allow_downgrade);
        // SAFETY: solver and queue are live.
        let problems = unsafe { c::solver_solve(solver.raw(), queue.as_mut_ptr()) };
        if problems != 0 {
            return Solved {
                outcome: SolverOutcome::Problems(problem::collect(self, &solver)),
                present: Vec::new(),
            };
        }
        // SAFETY: the solver has just found a solution.
        let transaction = Transaction(unsafe { c::solver_create_transaction(solver.raw()) });
        let mut present = Queue::new();
        // SAFETY: both live; the count of new packages is not needed.
        unsafe { c::transaction_installedresult(transaction.0, present.as_mut_ptr()) };
        Solved {
            outcome: SolverOutcome::Steps(self.steps(&solver, &transaction)),
            present: present.ids().iter().map(|&id| SolvId(id)).collect(),
        }
    }

    fn push_job(&mut self, queue: &mut Queue, job: &Job) {
        let mut how = match job.action {
            JobAction::Install => c::SOLVER_INSTALL,
            JobAction::Erase { clean_deps: false } => c::SOLVER_ERASE,
            JobAction::Erase { clean_deps: true } => c::SOLVER_ERASE | c::SOLVER_CLEANDEPS,
            JobAction::Update { targeted: false } => c::SOLVER_UPDATE,
            JobAction::Update { targeted: true } => c::SOLVER_UPDATE | c::SOLVER_TARGETED,
            JobAction::MultiVersion => c::SOLVER_MULTIVERSION,
            JobAction::AllowUninstall => c::SOLVER_ALLOWUNINSTALL,
            JobAction::UserInstalled => c::SOLVER_USERINSTALLED,
            JobAction::ExcludeFromWeak => c::SOLVER_EXCLUDEFROMWEAK,
        };
        if job.weak {
            how |= c::SOLVER_WEAK;
        }
        if job.best {
            how |= c::SOLVER_FORCEBEST;
        }
        let what = match &job.select {
            JobSelect::Package(package) => {
                self.checked(*package);
                how |= c::SOLVER_SOLVABLE;
                package.0
            }
            JobSelect::OneOf(packages) => {
                how |= c::SOLVER_SOLVABLE_ONE_OF | c::SOLVER_SETARCH | c::SOLVER_SETEVR;
                self.list(packages)
            }
            JobSelect::Provides(dep) => {
                how |= c::SOLVER_SOLVABLE_PROVIDES;
                dep.0
            }
            JobSelect::All => {
                how |= c::SOLVER_SOLVABLE_ALL;
                0
            }
        };
        queue.push(how as c_int);
        queue.push(what);
    }

    fn steps(&self, solver: &Solver, transaction: &Transaction) -> Vec<Step> {
        // SAFETY: the transaction is live; its steps are a queue of package ids.
        let ids: Vec<c::Id> = unsafe {
            let steps = &(*transaction.0).steps;
            if steps.count <= 0 {
                Vec::new()
            } else {
                std::slice::from_raw_parts(steps.elements, steps.count as usize).to_vec()
            }
        };
        let mut cleaned = Queue::new();
        // SAFETY: solver and queue are live.
        unsafe { c::solver_get_cleandeps(solver.raw(), cleaned.as_mut_ptr()) };
        let mut out = Vec::new();
        for id in ids {
            let package = SolvId(id);
            // SAFETY: a step's id is a package of this pool.
            let installed = unsafe { (*self.checked(package)).repo == (*self.raw()).installed };
            let reason = self.reason(solver, id, cleaned.ids());
            if installed {
                let mode = c::SOLVER_TRANSACTION_SHOW_OBSOLETES
                    | c::SOLVER_TRANSACTION_CHANGE_IS_REINSTALL;
                // SAFETY: transaction and package are live.
                let kind = unsafe { c::transaction_type(transaction.0, id, mode as c_int) };
                // Anything else is told by the package that replaces it.
                if kind == c::SOLVER_TRANSACTION_ERASE as c::Id {
                    out.push(Step::Erase { package, reason });
                }
            } else {
                let mut replaced = Queue::new();
                // SAFETY: transaction, package and queue are live.
                unsafe {
                    c::transaction_all_obs_pkgs(transaction.0, id, replaced.as_mut_ptr());
                }
                out.push(Step::Install {
                    package,
                    replaces: replaced.ids().iter().map(|&id| SolvId(id)).collect(),
                    reason,
                });
            }
        }
        out
    }

    fn reason(&self, solver: &Solver, id: c::Id, cleaned: &[c::Id]) -> Reason {
        let mut info = 0;
        // SAFETY: the solver has solved, the id is a package of its pool.
        let why = unsafe { c::solver_describe_decision(solver.raw(), id, &raw mut info) } as u32;
        if matches!(
            why,
            c::SOLVER_REASON_UNIT_RULE | c::SOLVER_REASON_RESOLVE_JOB
        ) {
            // SAFETY: with these reasons `info` is a rule of the solver.
            let class = unsafe { c::solver_ruleclass(solver.raw(), info) };
            if class == c::SolverRuleinfo_SOLVER_RULE_JOB
                || class == c::SolverRuleinfo_SOLVER_RULE_BEST
            {
                return Reason::User;
            }
        }
        match why {
            c::SOLVER_REASON_CLEANDEPS_ERASE => Reason::Clean,
            c::SOLVER_REASON_WEAKDEP => Reason::Weak,
            _ if cleaned.contains(&id) => Reason::Clean,
            _ => Reason::Dependency,
        }
    }
}
