#![allow(clippy::unwrap_used)]
use super::*;
use crate::operands;

fn deps(list: &[&str]) -> Vec<Dep> {
    list.iter().map(|text| operands(text).remove(0)).collect()
}

/// A package that provides its own name, version 1.
fn package(name: &str, build: &[&str], run: &[&str]) -> ChainPackage {
    ChainPackage {
        name: name.to_owned(),
        target: 0,
        deps: PackageDeps {
            build_requires: deps(build),
            provides: deps(&[&format!("{name} = 1-1")]),
            requires: deps(run),
        },
        bootstrap: None,
    }
}

fn needs(graph: &ChainGraph, node: NodeId) -> Vec<String> {
    let mut out: Vec<String> = graph.nodes[node]
        .needs
        .iter()
        .map(|need| graph.name(need.node))
        .collect();
    out.sort();
    out
}

fn names(graph: &ChainGraph, nodes: &[NodeId]) -> Vec<String> {
    nodes.iter().map(|node| graph.name(*node)).collect()
}

#[test]
fn builds_wait_for_what_they_require_and_for_what_that_needs_to_be_installed() {
    let graph = ChainGraph::new(vec![
        package("lib", &[], &["data"]),
        package("data", &["tool"], &[]),
        package("tool", &[], &[]),
        package("app", &["lib >= 1", "lib >= 2", "gcc"], &[]),
    ]);
    // `lib` itself is built without `data`; who installs it is not.
    assert!(needs(&graph, 0).is_empty());
    assert_eq!(needs(&graph, 3), ["data", "lib"]);
    let through = graph.nodes[3].needs.iter().find(|n| n.node == 1).unwrap();
    assert_eq!(through.through, Some(0));
    assert_eq!(names(&graph, &graph.visible(3)), ["lib", "data", "tool"]);
    assert!(graph.cycles.is_empty());
}

#[test]
fn targets_never_meet() {
    let mut other = package("app", &["lib"], &[]);
    other.target = 1;
    let graph = ChainGraph::new(vec![package("lib", &[], &[]), other]);
    assert!(needs(&graph, 1).is_empty());
}

#[test]
fn a_circle_is_told_with_its_requirements() {
    let graph = ChainGraph::new(vec![
        package("a", &["c"], &[]),
        package("b", &["a"], &[]),
        package("c", &["b >= 1"], &[]),
    ]);
    assert_eq!(graph.cycles.len(), 1);
    assert_eq!(
        graph.cycles[0].to_string(),
        "a needs `c` of c; c needs `b >= 1` of b; b needs `a` of a"
    );
    assert_eq!(graph.cycles[0].members, ["a", "b", "c"]);
}

#[test]
fn a_circle_is_broken_where_it_is_allowed_and_seen_from_inside_only() {
    let mut a = package("a", &["c"], &[]);
    a.bootstrap = Some(PackageDeps {
        build_requires: Vec::new(),
        ..a.deps.clone()
    });
    let graph = ChainGraph::new(vec![
        a,
        package("b", &["a"], &[]),
        package("c", &["b"], &[]),
        package("outside", &["b"], &[]),
    ]);
    assert!(graph.cycles.is_empty(), "{:?}", graph.cycles);
    assert_eq!(graph.nodes.len(), 5);
    assert_eq!(graph.name(4), "a (bootstrap)");
    assert!(needs(&graph, 4).is_empty());
    assert_eq!(needs(&graph, 1), ["a (bootstrap)"]);
    assert_eq!(
        names(&graph, &graph.visible(0)),
        ["b", "c", "a (bootstrap)"]
    );
    // Who is outside waits for the last build and never sees the first.
    assert_eq!(names(&graph, &graph.visible(3)), ["a", "b", "c"]);
}

#[test]
fn a_first_build_that_still_needs_the_circle_is_told() {
    let mut a = package("a", &["c"], &[]);
    a.bootstrap = Some(a.deps.clone());
    let graph = ChainGraph::new(vec![a, package("c", &["a"], &[])]);
    assert_eq!(
        graph.cycles[0].to_string(),
        "c needs `a` of a (bootstrap); a (bootstrap) needs `c` of c"
    );
    let mut lonely = package("x", &[], &[]);
    lonely.bootstrap = Some(lonely.deps.clone());
    let graph = ChainGraph::new(vec![lonely]);
    assert_eq!((graph.needless, graph.nodes.len()), (vec![0], 1));
}

#[test]
fn what_was_built_is_learnt_and_new_needs_close_no_circle() {
    let mut graph = ChainGraph::new(vec![
        package("lib", &[], &[]),
        package("app", &["pkgconfig(lib)"], &[]),
    ]);
    let wanted = Dep::any("pkgconfig(lib)");
    assert!(graph.providers(0, &wanted).is_empty());
    graph.learn(0, &deps(&["pkgconfig(lib) = 1"]));
    assert_eq!(graph.providers(0, &wanted), [0]);
    graph.add_need(1, 0, wanted.clone()).unwrap();
    assert_eq!(needs(&graph, 1), ["lib"]);
    let cycle = graph.add_need(0, 1, Dep::any("app")).unwrap_err();
    assert_eq!(
        cycle.to_string(),
        "lib needs `app` of app; app needs `pkgconfig(lib)` of lib"
    );
}
