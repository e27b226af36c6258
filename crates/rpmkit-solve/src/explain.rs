//! Why a request cannot be met, in words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use rpmkit_solv::{
    DepKind, Id, JobSelect, Problem as SolvProblem, ProblemRule, RelOp, RuleKind, SolvId,
};
use serde::Serialize;

use super::{
    SolveRepo, fill,
    filter::{ExcludedBy, Filter},
    goal::{Asker, Goal},
    load::{Loaded, SYSTEM},
    near,
    rich::Rich,
    subject,
};
use rpmkit_types::Hint;

/// Candidates shown for one missing thing.
const SHOWN: usize = 5;

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// What was to be done: `install`, `update` or `remove`.
    pub action: &'static str,
    /// What was asked for, and by whom unless it was the request itself.
    pub asked: Vec<String>,
    /// Statements that cannot all be true, from what was asked for down to the cause.
    pub because: Vec<String>,
    /// What would have provided something missing, and why it is out of the question.
    pub candidates: Vec<String>,
    /// Names close to one that does not exist.
    pub similar: Vec<String>,
    /// What might help besides another name.
    pub advice: Vec<String>,
    /// What was asked for, as it was written, without words around it.
    pub wanted: Vec<String>,
    /// What dnf says of a name or requirement that nothing matches; people and programs look for it.
    pub unmatched: Option<String>,
}

/// A request that cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsolvable {
    /// Everything in the way, in the order of the request.
    pub obstacles: Vec<Obstacle>,
}

impl fmt::Display for Unsolvable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, obstacle) in self.obstacles.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            match obstacle.asked.as_slice() {
                [] => f.write_str("cannot do what was asked for")?,
                [one] => write!(f, "cannot {} {one}", obstacle.action)?,
                [all @ .., last] => {
                    let all = all.join(", ");
                    write!(f, "cannot {} {all} and {last} together", obstacle.action)?;
                }
            }
            for line in obstacle.because.iter().chain(&obstacle.candidates) {
                write!(f, "\n  - {line}")?;
            }
        }
        Ok(())
    }
}

impl Unsolvable {
    /// What might help.
    pub fn hints(&self) -> Vec<Hint> {
        let mut hints: Vec<Hint> = Vec::new();
        let mut add = |hint: Hint| {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        };
        for obstacle in &self.obstacles {
            if !obstacle.similar.is_empty() {
                let names: Vec<String> =
                    obstacle.similar.iter().map(|n| format!("`{n}`")).collect();
                add(Hint::new(format!("did you mean {}?", names.join(" or "))));
            }
            for advice in &obstacle.advice {
                add(Hint::new(advice.clone()));
            }
        }
        hints
    }
}

/// What explanations are made from.
pub(crate) struct Explain<'a> {
    pub(crate) loaded: &'a mut Loaded,
    pub(crate) repos: &'a [SolveRepo],
    pub(crate) filter: &'a Filter,
    pub(crate) goal: &'a Goal,
    pub(crate) may_erase: bool,
}

impl Explain<'_> {
    /// Everything nothing matched.
    pub(crate) fn unmatched(&mut self) -> Unsolvable {
        let obstacles = self
            .goal
            .unmatched
            .iter()
            .map(|asker| {
                let wanted = match asker {
                    Asker::Spec(text)
                    | Asker::BuildDep(text)
                    | Asker::Local(text)
                    | Asker::Update(text)
                    | Asker::Remove(text) => text.as_str(),
                    Asker::Group { package, .. } => package,
                    Asker::Nobody => "",
                };
                let mut obstacle = Obstacle {
                    action: action(asker),
                    asked: vec![asked(asker)],
                    because: vec![if wanted.starts_with('@') {
                        "there is no such group".to_owned()
                    } else {
                        "nothing in the repositories matches".to_owned()
                    }],
                    candidates: Vec::new(),
                    similar: Vec::new(),
                    advice: Vec::new(),
                    wanted: vec![wanted.to_owned()],
                    unmatched: match asker {
                        Asker::BuildDep(dep) => {
                            Some(format!("No matching package to install: '{dep}'"))
                        }
                        Asker::Spec(spec) => Some(format!("No match for argument: {spec}")),
                        _ => None,
                    },
                };
                if !wanted.starts_with('@') {
                    self.missing(wanted, &mut obstacle);
                }
                obstacle
            })
            .collect();
        Unsolvable { obstacles }
    }

    /// libsolv's problems.
    pub(crate) fn problems(&mut self, problems: &[SolvProblem]) -> Unsolvable {
        let obstacles = problems.iter().map(|p| self.problem(p)).collect();
        Unsolvable { obstacles }
    }

    fn problem(&mut self, problem: &SolvProblem) -> Obstacle {
        let mut jobs: Vec<usize> = problem.rules.iter().filter_map(|r| r.job).collect();
        jobs.sort_unstable();
        jobs.dedup();
        let mut names: Vec<String> = Vec::new();
        let mut wanted: Vec<String> = Vec::new();
        let mut verb = None;
        let mut known: BTreeSet<SolvId> = BTreeSet::new();
        for job in jobs {
            let (Some(asker), Some(job)) = (self.goal.askers.get(job), self.goal.jobs.get(job))
            else {
                continue;
            };
            let text = asked(asker);
            if let Asker::BuildDep(dep) | Asker::Spec(dep) = asker
                && !wanted.contains(dep)
            {
                wanted.push(dep.clone());
            }
            if *asker != Asker::Nobody {
                verb = verb.or(Some(action(asker)));
            }
            if *asker != Asker::Nobody && !names.contains(&text) {
                names.push(text);
            }
            match &job.select {
                JobSelect::Package(s) => {
                    known.insert(*s);
                }
                JobSelect::OneOf(list) => known.extend(list),
                JobSelect::Provides(dep) => known.extend(self.loaded.pool.providers(*dep)),
                JobSelect::All => {}
            }
        }
        if names.is_empty() {
            // Rules about the best candidate do not say whose they are.
            (names, verb) = self.concerned(&problem.rules, &mut known);
        }
        let mut obstacle = Obstacle {
            action: verb.unwrap_or("install"),
            asked: names,
            because: Vec::new(),
            candidates: Vec::new(),
            similar: Vec::new(),
            advice: Vec::new(),
            wanted,
            unmatched: None,
        };
        for rule in self.ordered(&problem.rules, known) {
            if let Some(line) = self.statement(&rule)
                && !obstacle.because.contains(&line)
            {
                obstacle.because.push(line);
            }
            if matches!(
                rule.kind,
                RuleKind::NothingProvides | RuleKind::JobNothingProvides
            ) && let Some(dep) = rule.dep
            {
                let text = self.loaded.pool.text(dep);
                self.missing(&text, &mut obstacle);
            }
            self.advise(&rule, &mut obstacle);
        }
        obstacle
    }

    /// Askers whose candidates some statement is about.
    fn concerned(
        &self,
        rules: &[ProblemRule],
        known: &mut BTreeSet<SolvId>,
    ) -> (Vec<String>, Option<&'static str>) {
        let about: BTreeSet<SolvId> = rules.iter().filter_map(|r| r.source).collect();
        let (mut names, mut verb) = (Vec::new(), None);
        for (job, asker) in self.goal.jobs.iter().zip(&self.goal.askers) {
            let JobSelect::OneOf(list) = &job.select else {
                continue;
            };
            if *asker == Asker::Nobody || !list.iter().any(|s| about.contains(s)) {
                continue;
            }
            known.extend(list);
            verb = verb.or(Some(action(asker)));
            let text = asked(asker);
            if !names.contains(&text) {
                names.push(text);
            }
        }
        (names, verb)
    }

    /// Statements in the order a reader can follow: first about what was asked for, then about what
    /// that needs, and so on.
    fn ordered(&mut self, rules: &[ProblemRule], mut known: BTreeSet<SolvId>) -> Vec<ProblemRule> {
        let mut rest: Vec<ProblemRule> = rules.to_vec();
        let mut out = Vec::new();
        while !rest.is_empty() {
            let next = rest
                .iter()
                .position(|r| r.source.is_none_or(|s| known.contains(&s)))
                .unwrap_or(0);
            let rule = rest.remove(next);
            known.extend(rule.source);
            known.extend(rule.target);
            if let Some(dep) = rule.dep {
                known.extend(self.loaded.pool.providers(dep));
            }
            out.push(rule);
        }
        out
    }

    fn package(&self, s: Option<SolvId>) -> String {
        let Some(s) = s else {
            return "something".to_owned();
        };
        let nevra = fill::nevra(&self.loaded.pool, s);
        match self.loaded.repo_name(self.repos, s) {
            SYSTEM => format!("installed `{nevra}`"),
            repo => format!("`{nevra}` from `{repo}`"),
        }
    }

    fn statement(&self, rule: &ProblemRule) -> Option<String> {
        let source = self.package(rule.source);
        let target = self.package(rule.target);
        let dep = rule
            .dep
            .map_or_else(String::new, |id| format!("`{}`", self.loaded.pool.text(id)));
        Some(match rule.kind {
            // That they were asked for is how the message begins.
            RuleKind::Job | RuleKind::Other => return None,
            RuleKind::JobNothingProvides => format!("nothing provides {dep}"),
            RuleKind::JobUnknownPackage => format!("there is no package {dep}"),
            RuleKind::Best => match rule.source {
                Some(_) => format!("the best update of {source} cannot be installed"),
                None => {
                    "the best candidate is wanted (`best`), and it cannot be installed".to_owned()
                }
            },
            RuleKind::NotInstallable => format!("{source} {}", self.why_out(rule.source?)),
            RuleKind::NothingProvides => format!("{source} requires {dep}, which nothing provides"),
            RuleKind::Requires => {
                format!("{source} requires {dep}, but none of its providers can be installed")
            }
            RuleKind::Conflicts => {
                format!("{source} conflicts with {dep}, which {target} provides")
            }
            RuleKind::SelfConflict => {
                format!("{source} conflicts with {dep}, which it provides itself")
            }
            RuleKind::Obsoletes => format!("{source} obsoletes {dep}, which {target} provides"),
            RuleKind::SameName => format!("{source} and {target} cannot both be installed"),
            RuleKind::Update => format!("{source} can neither stay nor be replaced"),
            RuleKind::InferiorArch => {
                format!("{source} is of a worse architecture than another candidate")
            }
            RuleKind::YumObsoletes => format!("{source} and {target} both obsolete {dep}"),
        })
    }

    fn advise(&self, rule: &ProblemRule, obstacle: &mut Obstacle) {
        let mut add = |text: &str| {
            if !obstacle.advice.iter().any(|a| a == text) {
                obstacle.advice.push(text.to_owned());
            }
        };
        let installed = |s: Option<SolvId>| s.is_some_and(|s| self.loaded.is_installed(s));
        match rule.kind {
            RuleKind::Best => add("`best=0` would take an older version"),
            RuleKind::Conflicts | RuleKind::SameName | RuleKind::Obsoletes | RuleKind::Update
                if !self.may_erase && (installed(rule.source) || installed(rule.target)) =>
            {
                add("`--allowerasing` would remove what is installed and in the way");
            }
            RuleKind::NotInstallable => {
                if let Some(ExcludedBy::Module { stream }) =
                    rule.source.and_then(|s| self.filter.why(s))
                {
                    add(&format!("enable the module stream `{stream}`"));
                }
            }
            _ => {}
        }
    }

    fn why_out(&self, s: SolvId) -> String {
        match self.filter.why(s) {
            Some(ExcludedBy::Excluded {
                pattern,
                repo: None,
            }) => format!("is excluded by `excludepkgs={pattern}`"),
            Some(ExcludedBy::Excluded {
                pattern,
                repo: Some(repo),
            }) => format!("is excluded by `excludepkgs={pattern}` of repository `{repo}`"),
            Some(ExcludedBy::NotIncluded { repo: None }) => "is not among `includepkgs`".to_owned(),
            Some(ExcludedBy::NotIncluded { repo: Some(repo) }) => {
                format!("is not among `includepkgs` of repository `{repo}`")
            }
            Some(ExcludedBy::Module { stream }) => {
                format!("belongs to the module stream `{stream}`, which is not enabled")
            }
            Some(ExcludedBy::HiddenByModule { stream }) => {
                format!("is hidden by the module stream `{stream}`")
            }
            None if !self.loaded.pool.arch_fits(s) => {
                "is of an architecture this root cannot run".to_owned()
            }
            None if self.loaded.pool.is_source(s) => "is a source package".to_owned(),
            None => "cannot be installed".to_owned(),
        }
    }

    /// Says of a dependency or spec that nothing provides what comes close to it.
    fn missing(&mut self, wanted: &str, obstacle: &mut Obstacle) {
        let simple: Vec<(String, Option<(RelOp, String)>)> = match Rich::parse(wanted) {
            Ok(rich) => leaves(&rich),
            Err(_) => subject::capability(wanted)
                .map(|(name, version)| {
                    vec![(
                        name.to_owned(),
                        version.map(|(op, evr)| (op, evr.to_owned())),
                    )]
                })
                .unwrap_or_default(),
        };
        for (name, version) in simple {
            let lines = self.would_have(&name, version.as_ref());
            if lines.is_empty() {
                for name in self.similar(&name) {
                    if !obstacle.similar.contains(&name) {
                        obstacle.similar.push(name);
                    }
                }
            }
            for line in lines {
                if !obstacle.candidates.contains(&line) {
                    obstacle.candidates.push(line);
                }
            }
        }
    }

    /// Packages that have a capability of that name (or are named, or would be read, so), and why
    /// they do not count.
    fn would_have(&mut self, name: &str, version: Option<&(RelOp, String)>) -> Vec<String> {
        let readings: Vec<subject::NevraSpec> = subject::readings(name);
        let wish = version.map(|(op, evr)| {
            let pool = &mut self.loaded.pool;
            (*op, pool.intern(evr), evr.clone())
        });
        let pool = &self.loaded.pool;
        let id = pool.find(name);
        let all: Vec<SolvId> = pool.solvables().collect();
        let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
        for s in all {
            let (own, _, arch) = pool.nevra(s);
            let provided = id.and_then(|id| self.provided(s, id));
            let named = readings
                .iter()
                .any(|r| r.name == own && reads_well(r) && (r.arch.is_empty() || r.arch == arch));
            if provided.is_none() && !named {
                continue;
            }
            let blocked = self.filter.why(s).is_some() || !pool.arch_fits(s) || pool.is_source(s);
            let why = match (&wish, provided.flatten()) {
                (Some((op, wanted, text)), Some(have)) if !blocked => {
                    let too = if pool.evr_cmp(have, *wanted).is_lt() {
                        "too old"
                    } else if matches!(op, RelOp::Lt | RelOp::Le | RelOp::Eq) {
                        "too new"
                    } else {
                        "not newer"
                    };
                    format!(
                        "provides `{name} = {}`, which is {too}: `{} {text}` is wanted",
                        pool.text(have),
                        sign(*op)
                    )
                }
                (Some(_), None) if !blocked && provided.is_some() => {
                    format!("provides `{name}` without a version")
                }
                _ if !blocked => "is of another version or architecture".to_owned(),
                _ => self.why_out(s),
            };
            let key = (self.package(Some(s)), why);
            found.entry(key).or_default();
        }
        let total = found.len();
        let mut lines: Vec<String> = found
            .into_keys()
            .take(SHOWN)
            .map(|(package, why)| format!("{package} {why}"))
            .collect();
        if total > SHOWN {
            lines.push(format!("and {} more like these", total - SHOWN));
        }
        lines
    }

    /// Whether a package provides a name: outer None when not, inner None when without a version.
    fn provided(&self, s: SolvId, name: Id) -> Option<Option<Id>> {
        let pool = &self.loaded.pool;
        pool.deps(s, DepKind::Provides)
            .into_iter()
            .find_map(|dep| match pool.parts(dep) {
                None => (dep == name).then_some(None),
                Some((left, op, evr)) if op.is_comparison() => (left == name).then_some(Some(evr)),
                Some(_) => None,
            })
    }

    fn similar(&self, name: &str) -> Vec<String> {
        let pool = &self.loaded.pool;
        if name.starts_with('/') {
            return self.similar_paths(name);
        }
        let mut names: BTreeSet<String> = BTreeSet::new();
        for s in pool.solvables() {
            if !pool.is_considered(s) || pool.is_source(s) {
                continue;
            }
            names.insert(pool.nevra(s).0.to_owned());
            for dep in pool.deps(s, DepKind::Provides) {
                let left = pool.parts(dep).map_or(dep, |(left, _, _)| left);
                let text = pool.text(left);
                // What rpm makes up about libraries is nothing to suggest.
                if !text.contains(".so") && !text.ends_with("bit)") {
                    names.insert(text);
                }
            }
        }
        near::similar(name, names.iter().map(String::as_str))
    }

    /// The same file name elsewhere.
    fn similar_paths(&self, path: &str) -> Vec<String> {
        let Some((_, base)) = path.rsplit_once('/').filter(|(_, base)| !base.is_empty()) else {
            return Vec::new();
        };
        let pool = &self.loaded.pool;
        let end = format!("/{base}");
        let mut found: BTreeSet<String> = BTreeSet::new();
        if !base.contains(['*', '?', '[']) {
            for s in pool.with_file(&format!("*{end}")) {
                found.extend(pool.files(s).into_iter().filter(|f| f.ends_with(&end)));
            }
        }
        found.into_iter().take(3).collect()
    }
}

/// Whether what a text was read as makes sense: `zlib-dve` is no version `dve` of `zlib`.
fn reads_well(reading: &subject::NevraSpec) -> bool {
    reading.version.is_empty() || reading.version.contains(|c: char| c.is_ascii_digit())
}

fn sign(op: RelOp) -> &'static str {
    match op {
        RelOp::Lt => "<",
        RelOp::Le => "<=",
        RelOp::Ge => ">=",
        RelOp::Gt => ">",
        _ => "=",
    }
}

/// The simple parts of a rich dependency.
fn leaves(rich: &Rich) -> Vec<(String, Option<(RelOp, String)>)> {
    match rich {
        Rich::Simple { name, version } => vec![(name.clone(), version.clone())],
        Rich::Op(left, _, right) => {
            let mut all = leaves(left);
            all.extend(leaves(right));
            all
        }
    }
}

/// What an asker wanted done.
fn action(asker: &Asker) -> &'static str {
    match asker {
        Asker::Update(_) => "update",
        Asker::Remove(_) => "remove",
        Asker::Spec(_)
        | Asker::Group { .. }
        | Asker::BuildDep(_)
        | Asker::Local(_)
        | Asker::Nobody => "install",
    }
}

/// An asker in words.
fn asked(asker: &Asker) -> String {
    match asker {
        Asker::Spec(spec) | Asker::Update(spec) | Asker::Remove(spec) => format!("`{spec}`"),
        Asker::Group { group, package } => format!("`{package}` (member of group `{group}`)"),
        Asker::BuildDep(dep) => format!("`{dep}` (build dependency)"),
        Asker::Local(path) => format!("`{path}`"),
        Asker::Nobody => "what was asked for".to_owned(),
    }
}
