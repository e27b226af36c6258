//! Circles: found, and told as who needs what of whom.

use std::{collections::VecDeque, fmt};

use rpmkit_types::Dep;
use serde::Serialize;

/// One step of a circle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CycleStep {
    /// Who needs.
    pub from: String,
    /// What is needed.
    pub requirement: Dep,
    /// Whose own requirement it is, where `from` needs that package and the package needs it to be installed.
    pub through: Option<String>,
    /// Of whom.
    pub to: String,
}

/// Packages that wait for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cycle {
    /// The shortest way round, beginning and ending with the same package.
    pub steps: Vec<CycleStep>,
    /// All packages that some circle of theirs joins, sorted.
    pub members: Vec<String>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = |step: &CycleStep| match &step.through {
            None => format!("{} needs `{}` of {}", step.from, step.requirement, step.to),
            Some(through) => format!(
                "{} needs {through}, which needs `{}` of {} to be installed",
                step.from, step.requirement, step.to
            ),
        };
        let steps: Vec<String> = self.steps.iter().map(step).collect();
        f.write_str(&steps.join("; "))
    }
}

/// Strongly connected components, each sorted; those a node needs come before it. Without recursion, so
/// that long chains need no stack.
pub(crate) fn components(count: usize, needs: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let (mut index, mut low) = (vec![NEW; count], vec![0; count]);
    let mut on_stack = vec![false; count];
    let (mut stack, mut out, mut next) = (Vec::new(), Vec::new(), 0);
    for start in 0..count {
        if index[start] != NEW {
            continue;
        }
        let mut work: Vec<(usize, Vec<usize>, usize)> = vec![(start, needs(start), 0)];
        index[start] = next;
        low[start] = next;
        next += 1;
        stack.push(start);
        on_stack[start] = true;
        while let Some((node, edges, at)) = work.last_mut() {
            let node = *node;
            if let Some(&to) = edges.get(*at) {
                *at += 1;
                if index[to] == NEW {
                    index[to] = next;
                    low[to] = next;
                    next += 1;
                    stack.push(to);
                    on_stack[to] = true;
                    work.push((to, needs(to), 0));
                } else if on_stack[to] {
                    low[node] = low[node].min(index[to]);
                }
                continue;
            }
            work.pop();
            if let Some((parent, ..)) = work.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == index[node] {
                let mut component = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    component.push(member);
                    if member == node {
                        break;
                    }
                }
                component.sort_unstable();
                out.push(component);
            }
        }
    }
    out
}

/// The shortest way from the first member back to it, within the component.
pub(crate) fn shortest(component: &[usize], needs: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let Some(&start) = component.first() else {
        return Vec::new();
    };
    let mut before = std::collections::HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for to in needs(node) {
            if to == start {
                let mut way = vec![start];
                let mut at = node;
                while at != start {
                    way.push(at);
                    at = before[&at];
                }
                way.push(start);
                way.reverse();
                return way;
            }
            if component.binary_search(&to).is_ok() && !before.contains_key(&to) {
                before.insert(to, node);
                queue.push_back(to);
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_after_what_they_need() {
        let edges: [&[usize]; 5] = [&[1], &[2], &[1, 3], &[], &[0]];
        let found = components(5, |n| edges[n].to_vec());
        assert_eq!(found, [vec![3], vec![1, 2], vec![0], vec![4]]);
        assert_eq!(shortest(&[1, 2], |n| edges[n].to_vec()), [1, 2, 1]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let count = 200_000;
        let found = components(count, |n| {
            (n + 1 < count).then_some(n + 1).into_iter().collect()
        });
        assert_eq!(found.len(), count);
    }
}
