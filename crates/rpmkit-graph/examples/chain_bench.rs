//! The planner on synthetic chains: its time and memory, and how far its makespan is from what is possible.
//!
//! `chain_bench CORES COUNT…` prints a line of JSON a count. Times of builds are drawn from quantiles of
//! recorded ones: those below, or the `seconds` of a history's lines on standard input with `-`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

use std::{io::Read, time::Instant};

use rpmkit_graph::{
    ChainGraph, ChainObserver, ChainPackage, Cycle, DrivePolicy, JobEnd, JobEstimate, JobLimits,
    JobScheduler, NodeId, PackageDeps, Reaction, SimulatedExecutor, drive,
};
use rpmkit_types::{Dep, DepFlag, Evr};

/// Every twentieth part of 89 builds of this suite's own tests, in seconds: many tiny ones, some of
/// C libraries.
const RECORDED: [f64; 21] = [
    0.03, 0.04, 0.05, 0.06, 0.07, 0.07, 0.08, 0.09, 0.1, 0.11, 0.11, 0.12, 0.12, 0.15, 0.39, 0.5,
    0.93, 1.82, 4.61, 8.43, 9.79,
];

/// Chains of each size.
const SEEDS: u64 = 20;

/// Numbers that repeat: Marsaglia's xorshift.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A value of the distribution, straight between its quantiles.
    fn time(&mut self, quantiles: &[f64]) -> f64 {
        let at = (self.next() % 1_000_000) as f64 / 1e6 * (quantiles.len() - 1) as f64;
        let low = at as usize;
        quantiles[low] + (quantiles[low + 1] - quantiles[low]) * (at - low as f64)
    }
}

/// `count` packages, most of which need some of those before them, old ones more often: what a
/// distribution looks like. A few need others only to be installed.
fn packages(count: usize, numbers: &mut Numbers) -> Vec<ChainPackage> {
    let name = |n: usize| format!("package-{n}");
    (0..count)
        .map(|number| {
            let mut pick = |most: usize| {
                let many = if number == 0 { 0 } else { numbers.below(most) };
                let one = |numbers: &mut Numbers| {
                    let far = numbers.below(number.max(1));
                    if numbers.below(2) == 0 {
                        numbers.below(far + 1)
                    } else {
                        far
                    }
                };
                (0..many).map(|_| one(numbers)).collect::<Vec<_>>()
            };
            let build = pick(6);
            let run = pick(3);
            let mut build_requires: Vec<Dep> =
                ["gcc", "make", "python3-devel"].map(Dep::any).to_vec();
            build_requires.extend(
                build
                    .iter()
                    .map(|n| Dep::any(format!("pkgconfig({})", name(*n)))),
            );
            let version = Some((DepFlag::Eq, Evr::parse("1-1")));
            ChainPackage {
                name: name(number),
                target: 0,
                deps: PackageDeps {
                    build_requires,
                    provides: ["", "-devel", "-doc"]
                        .iter()
                        .map(|end| format!("{}{end}", name(number)))
                        .chain([format!("pkgconfig({})", name(number))])
                        .map(|name| Dep {
                            name,
                            version: version.clone(),
                        })
                        .collect(),
                    requires: run.iter().map(|n| Dep::any(name(*n))).collect(),
                },
                bootstrap: None,
            }
        })
        .collect()
}

struct Nobody;

impl ChainObserver for Nobody {
    fn started(&mut self, _: NodeId, _: &JobScheduler) {}
    fn ended(&mut self, _: NodeId, _: &JobEnd, _: &JobScheduler) -> Reaction {
        Reaction::default()
    }
    fn blocked(&mut self, _: NodeId, _: NodeId) {}
    fn connect(&mut self, _: NodeId, _: NodeId, _: &Dep) -> Result<(), Box<Cycle>> {
        Ok(())
    }
    fn noticed(&mut self, _: NodeId, _: &str) {}
    fn wrote(&mut self, _: NodeId, _: &[u8]) {}
    fn tick(&mut self, _: &JobScheduler) -> bool {
        true
    }
}

/// Seconds of the longest way through the graph.
fn critical(graph: &ChainGraph, seconds: &[f64]) -> f64 {
    // Packages need earlier ones only.
    let mut ends = vec![0.0f64; seconds.len()];
    for (node, own) in seconds.iter().enumerate() {
        let before = graph.nodes[node].needs.iter().map(|n| ends[n.node]);
        ends[node] = own + before.fold(0.0, f64::max);
    }
    ends.into_iter().fold(0.0, f64::max)
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn main() {
    let mut args = std::env::args().skip(1).peekable();
    let mut quantiles = RECORDED.to_vec();
    if args.next_if(|a| a == "-").is_some() {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).unwrap();
        let second = |line: &str| -> Option<f64> {
            let rest = &line[line.find("\"seconds\":")? + 10..];
            rest[..rest.find([',', '}'])?].trim().parse().ok()
        };
        quantiles = text.lines().filter_map(second).collect();
        quantiles.sort_by(f64::total_cmp);
        assert!(
            quantiles.len() > 1,
            "standard input has no two builds with `seconds`"
        );
    }
    let cores: usize = args.next().map_or(2, |a| a.parse().unwrap());
    for count in args.map(|a| a.parse::<usize>().unwrap()) {
        let (mut worst, mut sum, mut planner) = (0.0f64, 0.0, 0.0f64);
        let seeds = if count > 1000 { 3 } else { SEEDS };
        for seed in 1..=seeds {
            let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let given = packages(count, &mut numbers);
            let seconds: Vec<f64> = (0..count).map(|_| numbers.time(&quantiles)).collect();
            let began = Instant::now();
            let graph = ChainGraph::new(given);
            assert!(graph.cycles.is_empty());
            let estimates = seconds
                .iter()
                .map(|s| JobEstimate {
                    seconds: *s,
                    memory: 0,
                })
                .collect();
            let limits = JobLimits {
                jobs: cores,
                memory: u64::MAX,
            };
            let mut scheduler = JobScheduler::new(&graph, estimates, limits);
            let mut executor = SimulatedExecutor::new(&seconds);
            drive(
                &mut scheduler,
                &mut executor,
                &mut Nobody,
                DrivePolicy::default(),
            )
            .unwrap();
            planner = planner.max(began.elapsed().as_secs_f64());
            let work: f64 = seconds.iter().sum();
            let bound = critical(&graph, &seconds).max(work / cores as f64);
            let ratio = executor.seconds() / bound;
            worst = worst.max(ratio);
            sum += ratio;
        }
        println!(
            "{{\"packages\":{count},\"cores\":{cores},\"planner_seconds\":{planner:.4},\"peak_kib\":{},\"makespan_mean\":{:.4},\"makespan_worst\":{worst:.4}}}",
            peak_kib(),
            sum / seeds as f64,
        );
    }
}
