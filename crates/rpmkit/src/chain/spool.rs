//! Tasks of a run: laid out, found again, their answers read.

use std::{
    cell::RefCell,
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    rc::Rc,
};

use rpmkit_core::types::Dep;
use rpmkit_executor::JobSpool;
use rpmkit_graph::{ChainGraph, ExecutorError, JobEnd, NodeId, NodeStage};

use super::{
    plan::PlannedPackage,
    task::{ANSWER, ChainAnswer, ChainTask, TASK, TASK_FORMAT, read, write},
    worker,
};

/// The tasks of one run.
pub struct ChainSpool {
    /// This program.
    pub program: PathBuf,
    /// The words that choose chroot and options, an entry a target.
    pub words: Vec<Vec<String>>,
    /// The run's directory.
    pub dir: PathBuf,
    /// Where results are kept.
    pub home: PathBuf,
    /// Who waits for whom.
    pub graph: Rc<RefCell<ChainGraph>>,
    /// The packages, by the graph's numbers.
    pub packages: Rc<Vec<PlannedPackage>>,
    /// Builds that are done though there are results.
    pub forced: HashSet<NodeId>,
    /// Whether workers end with this process.
    pub tied: bool,
}

impl ChainSpool {
    /// The directory of a task.
    pub fn task_dir(&self, node: NodeId) -> PathBuf {
        self.dir.join(format!("task-{node}"))
    }

    /// What a worker is told.
    pub fn task(&self, node: NodeId, explain: bool) -> ChainTask {
        let graph = self.graph.borrow();
        let one = &graph.nodes[node];
        let package = &self.packages[one.package];
        let (bootstrap, spec) = match (one.stage, &package.bootstrap) {
            (NodeStage::Bootstrap, Some((_, spec))) => (true, spec),
            _ => (false, &package.spec),
        };
        let visible = graph.visible(node);
        let withheld = match spec.dynamic {
            true => withheld(&graph, node, &visible),
            false => Vec::new(),
        };
        ChainTask {
            format: TASK_FORMAT,
            home: self.home.clone(),
            srpm: package.srpm.clone(),
            package: spec.package.clone(),
            bootstrap,
            sources: spec.sources.clone(),
            build_requires: spec.build_requires.clone(),
            generated: if bootstrap {
                Vec::new()
            } else {
                package.generated()
            },
            visible: visible.iter().map(|one| self.task_dir(*one)).collect(),
            withheld,
            force: self.forced.contains(&node),
            explain,
            parent: self.tied.then(std::process::id),
        }
    }

    /// Lays out a task.
    ///
    /// # Errors
    /// What the system says.
    pub fn lay_out(&self, node: NodeId, task: &ChainTask) -> io::Result<()> {
        let dir = self.task_dir(node);
        match fs::remove_dir_all(&dir) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        fs::create_dir(&dir)?;
        write(&dir.join(TASK), task)
    }

    /// The answer, once there is one.
    pub fn answer(&self, node: NodeId) -> Option<ChainAnswer> {
        read(&self.task_dir(node).join(ANSWER)).ok()
    }

    /// Those who answer generated requirements, of those a build does not see.
    fn providers(&self, node: NodeId, requirements: &[Dep]) -> Vec<(NodeId, Dep)> {
        let graph = self.graph.borrow();
        let own = graph.nodes[node].package;
        let target = graph.packages[own].target;
        let visible = graph.visible(node);
        let mut out: Vec<(NodeId, Dep)> = Vec::new();
        for requirement in requirements {
            for package in graph.providers(target, requirement) {
                let known = package == own
                    || visible.contains(&package)
                    || out.iter().any(|(one, _)| *one == package);
                if !known {
                    out.push((package, requirement.clone()));
                }
            }
        }
        out
    }
}

/// What packages of the same target provide that `node` does not see, but for names it sees of others.
fn withheld(graph: &ChainGraph, node: NodeId, visible: &[NodeId]) -> Vec<Dep> {
    let own = graph.nodes[node].package;
    let target = graph.packages[own].target;
    let seen: HashSet<usize> = visible
        .iter()
        .map(|one| graph.nodes[*one].package)
        .chain([own])
        .collect();
    let provides = |package: usize| graph.packages[package].deps.provides.iter();
    let names: HashSet<&str> = seen
        .iter()
        .flat_map(|p| provides(*p))
        .map(|d| d.name.as_str())
        .collect();
    (0..graph.packages.len())
        .filter(|p| graph.packages[*p].target == target && !seen.contains(p))
        .flat_map(provides)
        .filter(|dep| !names.contains(dep.name.as_str()))
        .cloned()
        .collect()
}

impl JobSpool for ChainSpool {
    fn prepare(&self, node: NodeId) -> Result<(), ExecutorError> {
        self.lay_out(node, &self.task(node, false)).map_err(|e| {
            let dir = self.task_dir(node);
            ExecutorError::new(format!("write `{}`", dir.display()), e.to_string())
        })
    }

    fn command(&self, node: NodeId) -> Vec<String> {
        let graph = self.graph.borrow();
        let one = &graph.nodes[node];
        let package = &self.packages[one.package];
        let mut words = vec![
            self.program.display().to_string(),
            worker::HIDDEN.to_owned(),
            self.task_dir(node).display().to_string(),
        ];
        words.extend(self.words[package.target].iter().cloned());
        if let (NodeStage::Bootstrap, Some((rule, _))) = (one.stage, &package.bootstrap) {
            for (option, values) in [
                ("--with", &rule.with),
                ("--without", &rule.without),
                ("--define", &rule.define),
            ] {
                words.extend(values.iter().flat_map(|v| [option.to_owned(), v.clone()]));
            }
        }
        words
    }

    fn output(&self, node: NodeId) -> PathBuf {
        self.task_dir(node).join("events.jsonl")
    }

    fn errors(&self, node: NodeId) -> PathBuf {
        self.task_dir(node).join("errors.log")
    }

    fn outcome(&self, node: NodeId) -> Option<JobEnd> {
        Some(match self.answer(node)? {
            ChainAnswer::Built { reused, .. } => JobEnd::Built { reused },
            ChainAnswer::Unmet { .. } => JobEnd::Unmet,
            ChainAnswer::Failed { code, reason } => JobEnd::Failed { code, reason },
            ChainAnswer::Explained { .. } => return None,
            ChainAnswer::Withheld { requirements } => {
                let needs = self.providers(node, &requirements);
                if needs.is_empty() {
                    // Whoever answered them is seen by now.
                    JobEnd::Lost {
                        reason: "what it waited for is there".to_owned(),
                    }
                } else {
                    JobEnd::NeedsMore(needs)
                }
            }
        })
    }

    fn label(&self, node: NodeId) -> String {
        self.graph
            .borrow()
            .name(node)
            .replace(" (bootstrap)", "-bootstrap")
    }
}

/// Where results of a target lie below a directory for results.
pub fn result_dir(top: &Path, chroot: &str, nvr: &str) -> PathBuf {
    top.join(chroot).join(nvr)
}
