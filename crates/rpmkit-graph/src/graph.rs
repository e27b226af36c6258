//! From packages with requirements and provides to what waits for what.

use std::collections::HashMap;

use rpmkit_types::Dep;
use serde::{Deserialize, Serialize};

use crate::{
    cycles::{Cycle, CycleStep, components, shortest},
    provides::ProvideIndex,
};

/// What a package's spec says, or what its packages say once they are built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageDeps {
    /// What has to be installed to build it.
    pub build_requires: Vec<Dep>,
    /// What its packages provide, their own names and paths they hold included.
    pub provides: Vec<Dep>,
    /// What its packages need to be installed.
    pub requires: Vec<Dep>,
}

/// One package for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainPackage {
    /// Name of the source package.
    pub name: String,
    /// Number of the target: packages of different targets never meet.
    pub target: usize,
    /// As it is built in the end.
    pub deps: PackageDeps,
    /// As it is built first where a circle may be broken at it.
    pub bootstrap: Option<PackageDeps>,
}

/// A node's number.
pub type NodeId = usize;

/// Which of a package's builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeStage {
    /// With what breaks the circle it is in. Seen inside of the circle only.
    Bootstrap,
    /// The one whose results count.
    Final,
}

/// Why a node waits for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeNeed {
    /// For which.
    pub node: NodeId,
    /// What is required.
    pub requirement: Dep,
    /// The package whose requirement to be installed it is, where it is none of the build's own.
    pub through: Option<usize>,
}

/// One build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphNode {
    /// Number of the package.
    pub package: usize,
    /// Which of its builds.
    pub stage: NodeStage,
    /// What has to be there first, one entry a node.
    pub needs: Vec<NodeNeed>,
}

/// All builds of a chain.
#[derive(Debug, Clone)]
pub struct ChainGraph {
    /// The packages, as given.
    pub packages: Vec<ChainPackage>,
    /// The builds. Every package's final one has the package's number.
    pub nodes: Vec<GraphNode>,
    /// Circles nobody said how to break.
    pub cycles: Vec<Cycle>,
    /// Packages that were to be bootstrapped and are in no circle.
    pub needless: Vec<usize>,
    indexes: Vec<ProvideIndex>,
}

/// A need of a package, of another package.
#[derive(Clone)]
struct Wanted {
    package: usize,
    requirement: Dep,
    through: Option<usize>,
}

impl ChainGraph {
    /// Finds out who waits for whom.
    ///
    /// A build waits for whoever provides what it requires, and for what those need to be installed. Nobody
    /// waits for himself: what a package needs of itself comes from the repositories.
    pub fn new(packages: Vec<ChainPackage>) -> Self {
        let targets = packages.iter().map(|p| p.target + 1).max().unwrap_or(0);
        let mut indexes = vec![ProvideIndex::default(); targets];
        for (number, package) in packages.iter().enumerate() {
            let bootstrap = package.bootstrap.iter().flat_map(|deps| &deps.provides);
            for provide in package.deps.provides.iter().chain(bootstrap) {
                indexes[package.target].add(number, provide);
            }
        }
        let mut graph = Self {
            packages,
            nodes: Vec::new(),
            cycles: Vec::new(),
            needless: Vec::new(),
            indexes,
        };
        graph.connect();
        graph
    }

    /// Name of a node, for people: the package's, with a mark if it is its first build.
    pub fn name(&self, node: NodeId) -> String {
        let node = &self.nodes[node];
        let name = &self.packages[node.package].name;
        match node.stage {
            NodeStage::Final => name.clone(),
            NodeStage::Bootstrap => format!("{name} (bootstrap)"),
        }
    }

    /// The packages of `target` that answer a requirement.
    pub fn providers(&self, target: usize, requirement: &Dep) -> Vec<usize> {
        self.indexes.get(target).map_or_else(Vec::new, |index| {
            index.providers(requirement, |p| self.packages[p].name.clone())
        })
    }

    /// Notes what a package was found to provide once it was built.
    pub fn learn(&mut self, package: usize, provides: &[Dep]) {
        let target = self.packages[package].target;
        for provide in provides {
            self.indexes[target].add(package, provide);
        }
    }

    /// All a node sees of the chain's results: whatever it waits for, directly or not, ascending. A package's
    /// first build gives way to its last where both are there.
    pub fn visible(&self, node: NodeId) -> Vec<NodeId> {
        let mut seen = vec![false; self.nodes.len()];
        let mut todo = vec![node];
        let mut out = Vec::new();
        while let Some(at) = todo.pop() {
            for need in &self.nodes[at].needs {
                if !std::mem::replace(&mut seen[need.node], true) {
                    out.push(need.node);
                    todo.push(need.node);
                }
            }
        }
        out.retain(|id| {
            let one = &self.nodes[*id];
            one.stage == NodeStage::Final || !seen[one.package]
        });
        out.sort_unstable();
        out
    }

    fn connect(&mut self) {
        let direct: Vec<Vec<Wanted>> = (0..self.packages.len())
            .map(|p| self.wanted(p, &self.packages[p].deps.build_requires))
            .collect();
        let late = self.late(&direct);
        let wants: Vec<Vec<Wanted>> = (0..self.packages.len())
            .map(|p| widen(p, &direct[p], &late))
            .collect();
        let edges = |p: usize| wants[p].iter().map(|w| w.package).collect::<Vec<_>>();
        let mut circle_of: Vec<Option<usize>> = vec![None; self.packages.len()];
        let mut circles = Vec::new();
        for component in components(self.packages.len(), edges) {
            if component.len() > 1 {
                for member in &component {
                    circle_of[*member] = Some(circles.len());
                }
                circles.push(component);
            }
        }
        let breaks = |p: usize| circle_of[p].is_some() && self.packages[p].bootstrap.is_some();
        self.needless = (0..self.packages.len())
            .filter(|p| circle_of[*p].is_none() && self.packages[*p].bootstrap.is_some())
            .collect();
        let firsts: HashMap<usize, NodeId> = (0..self.packages.len())
            .filter(|p| breaks(*p))
            .zip(self.packages.len()..)
            .collect();
        let resolve = |of: usize, wanted: &[Wanted]| {
            let mut needs: Vec<NodeNeed> = Vec::new();
            let mut push = |node: NodeId, wanted: &Wanted| {
                if !needs.iter().any(|need| need.node == node) {
                    needs.push(NodeNeed {
                        node,
                        requirement: wanted.requirement.clone(),
                        through: wanted.through,
                    });
                }
            };
            for one in wanted {
                let inside = circle_of[of].is_some() && circle_of[of] == circle_of[one.package];
                match firsts.get(&one.package) {
                    Some(first) if inside => push(*first, one),
                    _ => push(one.package, one),
                }
                // From outside a circle only its finished members are seen.
                if let (false, Some(circle)) = (inside, circle_of[one.package]) {
                    for member in circles[circle].iter().filter(|m| firsts.contains_key(m)) {
                        push(*member, one);
                    }
                }
            }
            needs
        };
        let mut nodes: Vec<GraphNode> = (0..self.packages.len())
            .map(|package| GraphNode {
                package,
                stage: NodeStage::Final,
                needs: resolve(package, &wants[package]),
            })
            .collect();
        let mut ordered: Vec<(usize, NodeId)> = firsts.iter().map(|(p, n)| (*p, *n)).collect();
        ordered.sort_by_key(|(_, node)| *node);
        for (package, _) in ordered {
            let deps = self.packages[package].bootstrap.clone().unwrap_or_default();
            let own = self.wanted(package, &deps.build_requires);
            nodes.push(GraphNode {
                package,
                stage: NodeStage::Bootstrap,
                needs: resolve(package, &widen(package, &own, &late)),
            });
        }
        self.nodes = nodes;
        self.cycles = self.remaining_cycles();
    }

    fn wanted(&self, of: usize, requirements: &[Dep]) -> Vec<Wanted> {
        let mut out: Vec<Wanted> = Vec::new();
        for requirement in requirements {
            for package in self.providers(self.packages[of].target, requirement) {
                if package != of && !out.iter().any(|w| w.package == package) {
                    out.push(Wanted {
                        package,
                        requirement: requirement.clone(),
                        through: None,
                    });
                }
            }
        }
        out
    }

    /// What each package needs to be installed and not to be built: who builds with it has to wait for
    /// that too. What it is built with was there before it.
    fn late(&self, direct: &[Vec<Wanted>]) -> Vec<Vec<Wanted>> {
        (0..self.packages.len())
            .map(|p| {
                let mut wanted = self.wanted(p, &self.packages[p].deps.requires);
                wanted.retain(|w| !direct[p].iter().any(|d| d.package == w.package));
                for one in &mut wanted {
                    one.through = Some(p);
                }
                wanted
            })
            .collect()
    }

    fn remaining_cycles(&self) -> Vec<Cycle> {
        let edges = |n: usize| {
            self.nodes[n]
                .needs
                .iter()
                .map(|n| n.node)
                .collect::<Vec<_>>()
        };
        let found = components(self.nodes.len(), edges);
        let circles = found.into_iter().filter(|c| c.len() > 1);
        circles
            .map(|component| {
                let way = shortest(&component, edges);
                let mut members: Vec<String> =
                    component.iter().map(|node| self.name(*node)).collect();
                members.sort();
                Cycle {
                    steps: self.steps(&way),
                    members,
                }
            })
            .collect()
    }

    /// The steps of a way through the nodes, each of which needs the next.
    pub(crate) fn steps(&self, way: &[NodeId]) -> Vec<CycleStep> {
        way.windows(2)
            .filter_map(|pair| {
                let need = self.nodes[pair[0]]
                    .needs
                    .iter()
                    .find(|need| need.node == pair[1])?;
                Some(CycleStep {
                    from: self.name(pair[0]),
                    requirement: need.requirement.clone(),
                    through: need.through.map(|p| self.packages[p].name.clone()),
                    to: self.name(pair[1]),
                })
            })
            .collect()
    }

    /// Has `node` wait for `on` as well, because of `requirement`.
    ///
    /// # Errors
    /// The circle this would close.
    pub fn add_need(
        &mut self,
        node: NodeId,
        on: NodeId,
        requirement: Dep,
    ) -> Result<(), Box<Cycle>> {
        if node == on || self.nodes[node].needs.iter().any(|n| n.node == on) {
            return Ok(());
        }
        if let Some(way) = self.way(on, node) {
            let mut steps = vec![CycleStep {
                from: self.name(node),
                requirement,
                through: None,
                to: self.name(on),
            }];
            steps.extend(self.steps(&way));
            let mut members: Vec<String> = way.iter().map(|n| self.name(*n)).collect();
            members.sort();
            members.dedup();
            return Err(Box::new(Cycle { steps, members }));
        }
        self.nodes[node].needs.push(NodeNeed {
            node: on,
            requirement,
            through: None,
        });
        Ok(())
    }

    /// A way from one node to another through needs.
    fn way(&self, from: NodeId, to: NodeId) -> Option<Vec<NodeId>> {
        let mut before: HashMap<NodeId, NodeId> = HashMap::new();
        let mut todo = vec![from];
        while let Some(at) = todo.pop() {
            if at == to {
                let mut way = vec![to];
                let mut at = to;
                while at != from {
                    at = before[&at];
                    way.push(at);
                }
                way.reverse();
                return Some(way);
            }
            for need in &self.nodes[at].needs {
                if need.node != from && !before.contains_key(&need.node) {
                    before.insert(need.node, at);
                    todo.push(need.node);
                }
            }
        }
        None
    }
}

/// Direct needs with what those need to be installed.
fn widen(of: usize, direct: &[Wanted], late: &[Vec<Wanted>]) -> Vec<Wanted> {
    let mut out = direct.to_vec();
    let mut at = 0;
    while at < out.len() {
        for more in &late[out[at].package] {
            if more.package != of && !out.iter().any(|w| w.package == more.package) {
                out.push(more.clone());
            }
        }
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests;
