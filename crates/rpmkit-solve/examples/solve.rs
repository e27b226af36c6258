//! Answers requests over repository metadata on disk, for comparing with another package manager
//! and for measuring: `solve SETUP.json < requests.jsonl > answers.jsonl`.
//!
//! The setup names the architecture, a cache directory, the repositories (`id`, `key`, paths of
//! `primary`, `filelists`, `comps`, `modules`, settings) and the installed set; each line of
//! standard input is a request, each line of standard output its answer with the time it took.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::{io::BufRead, path::PathBuf, time::Instant};

use rpmkit_solve::{Filelists, SolveRepo, SolveRequest, Solver};
use rpmkit_types::Package;
use serde::Deserialize;

#[derive(Deserialize)]
struct Setup {
    arch: String,
    cache: PathBuf,
    repos: Vec<Repo>,
    #[serde(default)]
    installed: Vec<Package>,
}

#[derive(Deserialize)]
struct Repo {
    id: String,
    #[serde(default)]
    key: String,
    primary: Option<PathBuf>,
    filelists: Option<PathBuf>,
    comps: Option<PathBuf>,
    modules: Option<PathBuf>,
    priority: Option<i32>,
    cost: Option<i32>,
    #[serde(default)]
    module_hotfixes: bool,
    #[serde(default)]
    excludepkgs: Vec<String>,
    #[serde(default)]
    includepkgs: Vec<String>,
}

impl From<Repo> for SolveRepo {
    fn from(repo: Repo) -> Self {
        let mut out = Self::new(repo.id, repo.key);
        out.primary = repo.primary;
        out.filelists = repo.filelists.map_or(Filelists::None, Filelists::Path);
        out.comps = repo.comps;
        out.modules = repo.modules;
        out.priority = repo.priority.unwrap_or(out.priority);
        out.cost = repo.cost.unwrap_or(out.cost);
        out.module_hotfixes = repo.module_hotfixes;
        out.excludepkgs = repo.excludepkgs;
        out.includepkgs = repo.includepkgs;
        out
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os()
        .nth(1)
        .ok_or("usage: solve SETUP.json")?;
    let setup: Setup = serde_json::from_slice(&std::fs::read(path)?)?;
    let repos: Vec<SolveRepo> = setup.repos.into_iter().map(SolveRepo::from).collect();
    let mut solver = Solver::new(&setup.arch, &repos, &setup.installed, &setup.cache);
    for line in std::io::stdin().lock().lines() {
        let request: SolveRequest = serde_json::from_str(&line?)?;
        let started = Instant::now();
        let outcome = solver.solve(&request);
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let show = |list: &[Package]| -> Vec<String> {
            list.iter().map(|p| p.nevra.to_string()).collect()
        };
        let answer = match outcome {
            Ok(solution) => serde_json::json!({
                "install": show(&solution.install),
                "remove": show(&solution.remove),
                "ms": ms,
            }),
            Err(error) => serde_json::json!({
                "error": error.to_string(),
                "hints": error.hints().into_iter().map(|h| h.0).collect::<Vec<_>>(),
                "ms": ms,
            }),
        };
        println!("{answer}");
    }
    Ok(())
}
