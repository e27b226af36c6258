//! Why a request cannot be met, in words.

use std::fmt;

use serde::Serialize;

use rpmkit_solv::{Id, Problem as SolvProblem, Rule, RuleKind, SolvId};

use super::{
    SolveRepo, fill,
    filter::{Filter, Out},
    goal::{Asker, Goal},
    load::{Loaded, SYSTEM},
};
use crate::error::Hint;

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// What was asked for and by whom: `` `gcc >= 99` (build dependency) ``.
    pub asked: String,
    /// The chain of statements that cannot all be true, each a sentence fragment.
    pub because: Vec<String>,
    /// Candidates that exist but are out, and why.
    pub candidates: Vec<String>,
    /// Names close to one that does not exist.
    pub similar: Vec<String>,
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
            write!(f, "cannot install {}", obstacle.asked)?;
            for line in &obstacle.because {
                write!(f, "\n  - {line}")?;
            }
            for line in &obstacle.candidates {
                write!(f, "\n  - {line}")?;
            }
        }
        Ok(())
    }
}

impl Unsolvable {
    /// What might help.
    pub fn hints(&self) -> Vec<Hint> {
        let mut hints = Vec::new();
        for obstacle in &self.obstacles {
            if !obstacle.similar.is_empty() {
                let names: Vec<String> =
                    obstacle.similar.iter().map(|n| format!("`{n}`")).collect();
                hints.push(Hint::new(format!("did you mean {}?", names.join(", "))));
            }
        }
        hints.dedup();
        hints
    }
}

/// What explanations are made from.
pub(crate) struct Explain<'a> {
    pub(crate) loaded: &'a mut Loaded,
    pub(crate) repos: &'a [SolveRepo],
    pub(crate) filter: &'a Filter,
    pub(crate) goal: &'a Goal,
}

impl Explain<'_> {
    /// Everything nothing matched.
    pub(crate) fn unmatched(&mut self) -> Unsolvable {
        let obstacles = self
            .goal
            .unmatched
            .iter()
            .map(|asker| Obstacle {
                asked: asked(asker),
                because: vec!["nothing in the repositories matches".to_owned()],
                candidates: Vec::new(),
                similar: Vec::new(),
            })
            .collect();
        Unsolvable { obstacles }
    }

    /// libsolv's problems.
    pub(crate) fn problems(&mut self, problems: &[SolvProblem]) -> Unsolvable {
        let obstacles = problems
            .iter()
            .map(|problem| {
                let mut askers: Vec<String> = Vec::new();
                for job in problem.rules.iter().filter_map(|r| r.job) {
                    if let Some(asker) = self.goal.askers.get(job) {
                        let text = asked(asker);
                        if !askers.contains(&text) {
                            askers.push(text);
                        }
                    }
                }
                Obstacle {
                    asked: if askers.is_empty() {
                        "what was asked for".to_owned()
                    } else {
                        askers.join(", ")
                    },
                    because: problem.rules.iter().filter_map(|r| self.rule(r)).collect(),
                    candidates: Vec::new(),
                    similar: Vec::new(),
                }
            })
            .collect();
        Unsolvable { obstacles }
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

    fn dep(&self, dep: Option<Id>) -> String {
        dep.map_or_else(
            || "`?`".to_owned(),
            |id| format!("`{}`", self.loaded.pool.text(id)),
        )
    }

    fn rule(&self, rule: &Rule) -> Option<String> {
        let (source, target, dep) = (
            self.package(rule.source),
            self.package(rule.target),
            self.dep(rule.dep),
        );
        Some(match rule.kind {
            RuleKind::Job => return None,
            RuleKind::JobNothingProvides => format!("nothing provides {dep}"),
            RuleKind::JobUnknownPackage => format!("there is no package {dep}"),
            RuleKind::Best => return None,
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
            RuleKind::Obsoletes => format!("{source} obsoletes {dep}, which is {target}"),
            RuleKind::SameName => format!("{source} and {target} cannot both be installed"),
            RuleKind::Update => format!("{source} would have to stay as it is"),
            RuleKind::InferiorArch => {
                format!("{source} is of a worse architecture than another candidate")
            }
            RuleKind::YumObsoletes => format!("{source} and {target} both obsolete {dep}"),
            RuleKind::Other => return None,
        })
    }

    fn why_out(&self, s: SolvId) -> String {
        match self.filter.why(s) {
            Some(Out::Excluded {
                pattern,
                repo: None,
            }) => {
                format!("is excluded by `excludepkgs={pattern}`")
            }
            Some(Out::Excluded {
                pattern,
                repo: Some(repo),
            }) => {
                format!("is excluded by `excludepkgs={pattern}` of repository `{repo}`")
            }
            Some(Out::NotIncluded { repo: None }) => "is not among `includepkgs`".to_owned(),
            Some(Out::NotIncluded { repo: Some(repo) }) => {
                format!("is not among `includepkgs` of repository `{repo}`")
            }
            Some(Out::Module { stream }) => {
                format!("belongs to the module stream `{stream}`, which is not enabled")
            }
            Some(Out::HiddenByModule { stream }) => {
                format!("is hidden by the enabled module stream `{stream}`")
            }
            None if !self.loaded.pool.arch_fits(s) => {
                "is of an architecture this root cannot run".to_owned()
            }
            None => "cannot be installed".to_owned(),
        }
    }
}

/// An asker in words.
fn asked(asker: &Asker) -> String {
    match asker {
        Asker::Spec(spec) => format!("`{spec}`"),
        Asker::Group { group, package } => format!("`{package}` (member of group `{group}`)"),
        Asker::BuildDep(dep) => format!("`{dep}` (build dependency)"),
        Asker::Local(path) => format!("`{path}`"),
        Asker::Update(spec) => format!("the update of `{spec}`"),
        Asker::Remove(spec) => format!("`{spec}` (for removal)"),
        Asker::Nobody => "what was asked for".to_owned(),
    }
}
