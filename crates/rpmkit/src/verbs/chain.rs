//! `rpmkit chain`: packages that need each other. Long by its options, which are documented here for help and man page.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use clap::{Args, ValueEnum};
use rpmkit_cli::{
    Context, Failure, Status, VerbResult,
    args::{BuildOptions, ChrootArgs, OutputArgs, SourceArgs},
    choose, history,
    listen::result_line,
    sources::RESULTS,
};
use rpmkit_core::{
    Error, Events, ExitCode,
    build::BuildError,
    project::BootstrapRule,
    repo::create::{CreateOptions, create},
    results::owner::place_result,
    types::is_source_package,
};
use rpmkit_executor::{LocalExecutor, SlurmExecutor, SlurmOptions};
use rpmkit_graph::{
    ChainGraph, DrivePolicy, Executor, ExecutorError, JobEstimate, JobLimits, JobScheduler, NodeId,
    NodeStage, drive,
};

use crate::chain::{
    follow::ChainFollower,
    home::{ChainHome, ChainRun},
    inputs, junit, page,
    plan::{ChainTarget, PlannedPackage, Planner, target},
    report::{ChainReport, RowState},
    spool::ChainSpool,
    task::ChainAnswer,
};

/// Build packages that need each other, each with what the others built
///
/// Finds out from their specs who needs whom, builds what is ready at the same time, and builds again only
/// what changed. What was built is in results/CHROOT/NAME-VERSION-RELEASE below the current directory.
#[derive(Debug, Clone, Args)]
pub struct ChainArgs {
    /// Source packages, specs, checkouts, or directories of them [default: the directory one is in]
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,

    /// Builds at once [default: as many as there are processors]
    #[arg(short = 'j', long, value_name = "COUNT")]
    pub jobs: Option<usize>,

    /// Memory that builds at once may need by what they needed last time, in MiB [default: what is free]
    #[arg(long, value_name = "MIB")]
    pub memory: Option<u64>,

    /// End with the first failure; otherwise all is built that does not need what failed
    #[arg(long)]
    pub fail_fast: bool,

    /// Build everything, also what did not change
    #[arg(long)]
    pub force: bool,

    /// Build this package and all that needs it, though it did not change; may be repeated
    #[arg(long, value_name = "PACKAGE")]
    pub from: Vec<String>,

    /// Only this package and what it needs; may be repeated
    #[arg(long, value_name = "PACKAGE", num_args = 1..)]
    pub only: Vec<String>,

    /// Say why a package would be built again, and build nothing
    #[arg(long, value_name = "PACKAGE")]
    pub explain: Option<String>,

    /// Show what would be built, in which order, and build nothing
    #[arg(long)]
    pub plan: bool,

    /// Break circles at this package: it is built with `--with bootstrap` first; may be repeated
    #[arg(long, value_name = "PACKAGE")]
    pub bootstrap: Vec<String>,

    /// Where builds are done
    #[arg(long, value_enum, value_name = "WHERE", default_value_t)]
    pub executor: ExecutorKind,

    /// Directory that all machines of a cluster see at the same place, for tasks and results
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub shared: Option<PathBuf>,

    /// Option for sbatch, such as `--partition=NAME`; may be repeated
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,

    /// Directory for packages and logs [default: results]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub resultdir: Option<PathBuf>,

    /// Put what was built into this repository; with several chroots, one in it for each
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub publish: Option<PathBuf>,

    /// Which chroots
    #[command(flatten)]
    pub chroot: ChrootArgs,

    /// What the sources are
    #[command(flatten)]
    pub sources: SourceArgs,

    /// What rpmbuild is told
    #[command(flatten)]
    pub options: BuildOptions,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where builds are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ExecutorKind {
    /// This machine
    #[default]
    Local,
    /// A cluster, through Slurm
    Slurm,
}

/// Builds the chain.
pub fn run(cx: &mut Context, args: &ChainArgs) -> VerbResult {
    let events = cx.listen(&args.output);
    let paths: Vec<PathBuf> = match args.paths.as_slice() {
        [] => vec![cx.host.cwd.clone()],
        given => given.iter().map(|path| cx.host.cwd.join(path)).collect(),
    };
    let found = inputs::find(&paths)?;
    let mut rules = found.bootstrap;
    for name in &args.bootstrap {
        rules.retain(|rule| rule.package != *name);
        rules.push(BootstrapRule::usual(name));
    }
    let mut targets = Vec::new();
    for root in choose::chroots(cx, &args.chroot, &paths[0])? {
        targets.push(target(cx, &root, &args.chroot, &args.options)?);
    }
    // What is wrong with it, the next line says.
    let _ = cx.host.dirs.make_temp();
    rpmkit_cli::homes::private_cache(&cx.host)?;
    let dir = match &args.shared {
        Some(dir) => cx.host.cwd.join(dir),
        None => cx.host.dirs.cache.join("chain"),
    };
    let used = |e: std::io::Error| Failure::general(format!("cannot use `{}`: {e}", dir.display()));
    let home = ChainHome::open(&dir).map_err(used)?;
    let kept = home.run().map_err(used)?;
    let planner = Planner {
        cx,
        events: &events,
        home: &home,
        dir: &kept.dir,
        sources: &args.sources,
        rules: &rules,
    };
    let mut packages = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        packages.extend(planner.packages(number, target, &found.packages)?);
    }
    let chain = Chain::new(cx, args, &events, (home, kept), targets, packages, &rules)?;
    if args.plan {
        return Ok(chain.show_plan());
    }
    match &args.explain {
        Some(package) => chain.explain(package),
        None => chain.build(),
    }
}

struct Chain<'a> {
    cx: &'a Context,
    args: &'a ChainArgs,
    events: &'a Events,
    home: ChainHome,
    targets: Vec<ChainTarget>,
    spool: Rc<ChainSpool>,
    _run: ChainRun,
}

impl<'a> Chain<'a> {
    fn new(
        cx: &'a Context,
        args: &'a ChainArgs,
        events: &'a Events,
        (home, run): (ChainHome, ChainRun),
        targets: Vec<ChainTarget>,
        packages: Vec<PlannedPackage>,
        rules: &[BootstrapRule],
    ) -> Result<Self, Failure> {
        once(&packages, &targets)?;
        let mut packages = packages;
        let mut graph = of_chain(&packages);
        if !args.only.is_empty() {
            let wanted = named(&packages, &args.only)?;
            let mut keep: HashSet<usize> = HashSet::new();
            for package in wanted {
                keep.insert(package);
                keep.extend(
                    graph
                        .visible(package)
                        .iter()
                        .map(|n| graph.nodes[*n].package),
                );
            }
            let mut number = 0;
            packages.retain(|_| {
                number += 1;
                keep.contains(&(number - 1))
            });
            graph = of_chain(&packages);
        }
        if let Some(cycle) = graph.cycles.first() {
            let members = cycle.members.join(", ");
            return Err(Failure::new(
                ExitCode::ChainIncomplete,
                format!("these packages wait for each other: {members}: {cycle}"),
            )
            .hint(format!(
                "say where it may be broken: `bootstrap = [\"{}\"]` under `[chain]` in rpmkit.toml, or `--bootstrap {}`; the spec needs a `%bcond bootstrap` that leaves the requirement out",
                cycle.steps[0].from, cycle.steps[0].from
            )));
        }
        for number in &graph.needless {
            events.info(format!(
                "{} is in no circle: it is built once",
                graph.packages[*number].name
            ));
        }
        for rule in rules {
            if !packages.iter().any(|p| p.spec.package.name == rule.package) {
                events.warn(format!(
                    "`{}` is to be bootstrapped, and is not in the chain",
                    rule.package
                ));
            }
        }
        let forced = forced(&graph, &packages, args)?;
        let words = targets
            .iter()
            .map(|t| words(args, &t.root, &cx.host.cwd))
            .collect();
        let program = std::env::current_exe()
            .map_err(|e| Failure::general(format!("cannot find this program: {e}")))?;
        let spool = ChainSpool {
            program,
            words,
            dir: run.dir.clone(),
            home: home.dir().to_owned(),
            graph: Rc::new(RefCell::new(graph)),
            packages: Rc::new(packages),
            forced,
            tied: args.executor == ExecutorKind::Local,
        };
        Ok(Self {
            cx,
            args,
            events,
            home,
            targets,
            spool: Rc::new(spool),
            _run: run,
        })
    }

    fn limits(&self) -> JobLimits {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let free = || {
            let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
            let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
            let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
            kib.map_or(u64::MAX, |kib| kib << 10)
        };
        JobLimits {
            jobs: self.args.jobs.unwrap_or(cores).max(1),
            memory: self.args.memory.map_or_else(free, |mib| mib << 20),
        }
    }

    /// What each build took last time; of those nobody knows, what is usual here.
    fn estimates(&self) -> Vec<JobEstimate> {
        let mut usual: Vec<f64> = history::read(&self.cx.host.dirs.state)
            .unwrap_or_default()
            .iter()
            .map(|entry| entry.seconds)
            .collect();
        usual.sort_by(f64::total_cmp);
        let usual = usual.get(usual.len() / 2).copied().unwrap_or(10.0);
        let graph = self.spool.graph.borrow();
        let known = |node: &rpmkit_graph::GraphNode| {
            let known = self.spool.packages[node.package].known.as_ref();
            JobEstimate {
                seconds: known.map_or(usual, |record| record.seconds),
                memory: known.map_or(0, |record| record.memory),
            }
        };
        graph.nodes.iter().map(known).collect()
    }

    fn scheduler(&self) -> JobScheduler {
        let graph = self.spool.graph.borrow();
        JobScheduler::new(&graph, self.estimates(), self.limits())
    }

    fn top(&self) -> PathBuf {
        let named = self.args.resultdir.as_deref();
        self.cx.host.cwd.join(named.unwrap_or(Path::new(RESULTS)))
    }

    fn show_plan(&self) -> Status {
        let mut scheduler = self.scheduler();
        let graph = self.spool.graph.borrow();
        for node in scheduler.all() {
            let needs = graph.nodes[node].needs.iter().map(|need| {
                let through = need.through.map_or_else(String::new, |p| {
                    format!(" through {}", graph.packages[p].name)
                });
                format!(
                    "{} (`{}`{through})",
                    graph.name(need.node),
                    need.requirement
                )
            });
            let needs: Vec<String> = needs.collect();
            let chroot = self.targets[graph.packages[graph.nodes[node].package].target].name();
            let mut line = format!("{} for {chroot}", graph.name(node));
            if !needs.is_empty() {
                line.push_str(&format!(": after {}", needs.join(", ")));
            }
            self.cx.printer.data(line);
        }
        Status::OK
    }

    fn executor(&self) -> Result<Box<dyn Executor>, ExecutorError> {
        let environment = self.cx.host.environment();
        let spool = self.spool.clone();
        Ok(match self.args.executor {
            ExecutorKind::Local => Box::new(LocalExecutor::new(spool, environment)),
            ExecutorKind::Slurm => {
                let options = SlurmOptions {
                    partition: None,
                    cores: 1,
                    more: self.args.sbatch.clone(),
                };
                Box::new(SlurmExecutor::new(spool, environment, options)?)
            }
        })
    }

    fn build(&self) -> VerbResult {
        let mut scheduler = self.scheduler();
        let mut executor = self.executor().map_err(|e| unusable(&e))?;
        let names = self.targets.iter().map(|t| t.name().to_owned()).collect();
        let mut follower = ChainFollower::new(
            (self.cx.printer.clone(), self.cx.json, self.args.output.live),
            self.spool.clone(),
            names,
            self.top(),
        );
        let policy = DrivePolicy {
            keep_going: !self.args.fail_fast,
            ..DrivePolicy::default()
        };
        let driven = drive(&mut scheduler, executor.as_mut(), &mut follower, policy);
        drop(executor);
        let published = follower.published();
        let report = follower.finish(&scheduler);
        driven.map_err(|e| unusable(&e))?;
        self.leave(&report)?;
        if let Some(dir) = &self.args.publish {
            self.publish(&self.cx.host.cwd.join(dir), &published)?;
        }
        let code = report.builds.iter().any(|row| !row.state.is_good());
        if self.cx.json {
            self.cx.printer.data(result_line(&report));
        } else {
            if report.builds.len() > 1 {
                for line in report.table() {
                    self.cx.printer.say(line);
                }
            }
            self.cx.printer.say(report.summary());
        }
        if code {
            let bad = report.count(RowState::Failed)
                + report.count(RowState::Blocked)
                + report.count(RowState::NotTried);
            if self.cx.json {
                return Ok(Status(ExitCode::ChainIncomplete.code()));
            }
            return Err(Failure::new(
                ExitCode::ChainIncomplete,
                format!("{bad} of {} builds were not made", report.builds.len()),
            )
            .hint("the same command goes on where this one ended"));
        }
        Ok(Status::OK)
    }

    /// Leaves what programs and people look at later.
    fn leave(&self, report: &ChainReport) -> Result<(), Failure> {
        let top = self.top();
        let put = |name: &str, text: String| {
            let path = top.join(name);
            rpmkit_fs::write_file(&path, text, &rpmkit_fs::WriteOptions::with_mode(0o644))
                .map_err(|e| Failure::general(format!("cannot write `{}`: {e}", path.display())))
        };
        fs::create_dir_all(&top)
            .map_err(|e| Failure::general(format!("cannot create `{}`: {e}", top.display())))?;
        put("chain.xml", junit::document(report))?;
        put("chain.html", page::page(report))?;
        let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
        text.push('\n');
        put("chain.json", text)
    }

    fn publish(&self, dir: &Path, results: &BTreeMap<usize, Vec<PathBuf>>) -> Result<(), Failure> {
        for (number, places) in results {
            let to = match self.targets.len() {
                1 => dir.to_owned(),
                _ => dir.join(self.targets[*number].name()),
            };
            let failed = |e: std::io::Error| {
                Failure::general(format!("cannot write repository `{}`: {e}", to.display()))
            };
            fs::create_dir_all(&to).map_err(failed)?;
            for place in places {
                for entry in fs::read_dir(place).map_err(failed)?.flatten() {
                    let path = entry.path();
                    let package = path.extension().is_some_and(|kind| kind == "rpm");
                    if package && !is_source_package(&path) {
                        place_result(&path, &to, &entry.file_name()).map_err(failed)?;
                    }
                }
            }
            let options = CreateOptions {
                update: true,
                ..CreateOptions::default()
            };
            let made = create(&to, &options).map_err(|e| Error::from(BuildError::from(e)))?;
            self.events
                .info(format!("{} has {} packages", to.display(), made.packages));
        }
        Ok(())
    }

    /// Compares what a package would be made of with what it was made of.
    fn explain(&self, name: &str) -> VerbResult {
        let wanted = named(&self.spool.packages, &[name.to_owned()])?;
        let mut executor = LocalExecutor::new(self.spool.clone(), self.cx.host.environment());
        for package in wanted {
            let known = self.spool.packages[package].known.clone();
            let chroot = self.targets[self.spool.packages[package].target].name();
            let Some(known) = known else {
                self.cx
                    .printer
                    .data(format!("{name} for {chroot}: it was never built"));
                continue;
            };
            let visible = self.spool.graph.borrow().visible(package);
            let missing = visible.iter().find(|one| !self.stand_in(**one));
            if let Some(one) = missing {
                let other = self.spool.graph.borrow().name(*one);
                self.cx.printer.data(format!(
                    "{name} for {chroot}: {other}, which it waits for, has no results"
                ));
                continue;
            }
            let parts = self.parts(&mut executor, package)?;
            let lines = parts.differences(&known.parts);
            if lines.is_empty() && self.home.find(&parts.key()).is_some() {
                self.cx.printer.data(format!(
                    "{name} for {chroot}: nothing changed since it was built"
                ));
            } else if lines.is_empty() {
                self.cx.printer.data(format!(
                    "{name} for {chroot}: nothing changed, and its results were dropped"
                ));
            }
            for line in lines {
                self.cx.printer.data(format!("{name} for {chroot}: {line}"));
            }
        }
        Ok(Status::OK)
    }

    /// Has the last results of a build stand for those of this run.
    fn stand_in(&self, node: NodeId) -> bool {
        let graph = self.spool.graph.borrow();
        let known = self.spool.packages[graph.nodes[node].package].known.clone();
        let final_one = graph.nodes[node].stage == NodeStage::Final;
        drop(graph);
        let Some(known) = known.filter(|known| final_one && known.results.is_dir()) else {
            return false;
        };
        let dir = self.spool.task_dir(node);
        let answer = ChainAnswer::Built {
            results: known.results,
            reused: true,
            seconds: known.seconds,
            memory: known.memory,
        };
        fs::create_dir_all(&dir)
            .and_then(|()| {
                crate::chain::task::write(&dir.join(crate::chain::task::ANSWER), &answer)
            })
            .is_ok()
    }

    fn parts(
        &self,
        _: &mut LocalExecutor,
        node: NodeId,
    ) -> Result<crate::chain::key::KeyParts, Failure> {
        use rpmkit_executor::JobSpool as _;
        let failed =
            |e: String| Failure::general(format!("cannot find out what it is made of: {e}"));
        self.spool
            .lay_out(node, &self.spool.task(node, true))
            .map_err(|e| failed(e.to_string()))?;
        let mut words = self.spool.command(node).into_iter();
        let program = words.next().unwrap_or_default();
        rpmkit_host::HostCommand::new(
            rpmkit_host::Tool::Users,
            &program,
            &self.cx.host.environment(),
        )
        .and_then(|command| command.args(words).output())
        .map_err(|e| failed(e.to_string()))?;
        match self.spool.answer(node) {
            Some(ChainAnswer::Explained { parts }) => Ok(parts),
            Some(ChainAnswer::Failed { reason, .. } | ChainAnswer::Unmet { reason, .. }) => {
                Err(failed(reason))
            }
            _ => Err(failed("its process gave no answer".to_owned())),
        }
    }
}

fn unusable(error: &ExecutorError) -> Failure {
    let failure = Failure::general(error.to_string());
    match &error.hint {
        Some(hint) => failure.hint(hint.clone()),
        None => failure,
    }
}

fn of_chain(packages: &[PlannedPackage]) -> ChainGraph {
    ChainGraph::new(packages.iter().map(PlannedPackage::of_chain).collect())
}

/// Numbers of packages by name, of all targets.
fn named(packages: &[PlannedPackage], names: &[String]) -> Result<Vec<usize>, Failure> {
    let mut out = Vec::new();
    for name in names {
        let before = out.len();
        out.extend((0..packages.len()).filter(|n| packages[*n].spec.package.name == *name));
        if out.len() == before {
            return Err(Failure::command_line(format!(
                "no package of the chain is called `{name}`"
            ))
            .hint("names are those of source packages; `--plan` lists them"));
        }
    }
    Ok(out)
}

/// Two packages of one name for one target would overwrite each other.
fn once(packages: &[PlannedPackage], targets: &[ChainTarget]) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for package in packages {
        if !seen.insert((package.target, package.spec.package.name.clone())) {
            return Err(Failure::command_line(format!(
                "the chain has `{}` for {} twice",
                package.spec.package.name,
                targets[package.target].name()
            ))
            .hint(
                "name one of the two, or list those that are meant under `[chain]` in rpmkit.toml",
            ));
        }
    }
    Ok(())
}

/// Builds that are done whatever is there: all, or those named with all that waits for them.
fn forced(
    graph: &ChainGraph,
    packages: &[PlannedPackage],
    args: &ChainArgs,
) -> Result<HashSet<NodeId>, Failure> {
    if args.force {
        return Ok((0..graph.nodes.len()).collect());
    }
    let named: HashSet<usize> = named(packages, &args.from)?.into_iter().collect();
    if named.is_empty() {
        return Ok(HashSet::new());
    }
    let hit = |node: &NodeId| {
        named.contains(&graph.nodes[*node].package)
            || graph
                .visible(*node)
                .iter()
                .any(|n| named.contains(&graph.nodes[*n].package))
    };
    Ok((0..graph.nodes.len()).filter(hit).collect())
}

/// The words that lead a worker to the same chroot and options.
fn words(args: &ChainArgs, root: &str, cwd: &Path) -> Vec<String> {
    let (chroot, options) = (&args.chroot, &args.options);
    let mut out = vec!["-r".to_owned()];
    // A definition named by its path is found from anywhere.
    let path = cwd.join(root);
    let by_path = root.contains('/') || root.ends_with(".cfg") || root.ends_with(".toml");
    out.push(if by_path {
        path.display().to_string()
    } else {
        root.to_owned()
    });
    let mut pairs: Vec<(&str, String)> = Vec::new();
    pairs.extend(
        chroot
            .configdir
            .iter()
            .map(|dir| ("--configdir", cwd.join(dir).display().to_string())),
    );
    pairs.extend(
        chroot
            .config_opts
            .iter()
            .map(|v| ("--config-opts", v.clone())),
    );
    pairs.extend(chroot.uniqueext.iter().map(|v| ("--uniqueext", v.clone())));
    pairs.extend(
        chroot
            .enablerepo
            .iter()
            .map(|v| ("--enablerepo", v.clone())),
    );
    pairs.extend(
        chroot
            .disablerepo
            .iter()
            .map(|v| ("--disablerepo", v.clone())),
    );
    pairs.extend(chroot.addrepo.iter().map(|v| ("--addrepo", v.clone())));
    pairs.extend(options.define.iter().map(|v| ("--define", v.clone())));
    pairs.extend(options.with.iter().map(|v| ("--with", v.clone())));
    pairs.extend(options.without.iter().map(|v| ("--without", v.clone())));
    pairs.extend(
        options
            .rpmbuild_timeout
            .iter()
            .map(|v| ("--rpmbuild-timeout", v.to_string())),
    );
    pairs.extend(options.target.iter().map(|v| ("--target", v.clone())));
    pairs.extend(options.forcearch.iter().map(|v| ("--forcearch", v.clone())));
    out.extend(
        pairs
            .into_iter()
            .map(|(option, value)| format!("{option}={value}")),
    );
    for (option, on) in [
        ("--offline", chroot.offline),
        ("--nocheck", options.nocheck),
        ("--enable-network", options.enable_network),
    ] {
        out.extend(on.then(|| option.to_owned()));
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ChainArgs,
    }

    /// The same arguments, as a worker reads them.
    #[derive(Parser)]
    struct OfWorker {
        #[command(flatten)]
        chroot: ChrootArgs,
        #[command(flatten)]
        options: BuildOptions,
    }

    #[test]
    fn a_worker_is_told_what_the_chain_was_told() {
        let line = "chain -r x --configdir conf --config-opts a=b --uniqueext e --offline --enablerepo r \
                    --disablerepo d --addrepo /u --with w --without o --nocheck --enable-network \
                    --rpmbuild-timeout 5 --target t --forcearch f";
        let mut given: Vec<&str> = line.split_whitespace().collect();
        given.extend(["--define", "a -b"]);
        let args = Line::parse_from(given).args;
        let told = words(&args, "x", Path::new("/w"));
        let read = OfWorker::parse_from(std::iter::once("w".to_owned()).chain(told));
        let mut wanted = args.chroot.clone();
        wanted.configdir = Some("/w/conf".into());
        assert_eq!(format!("{:?}", read.chroot), format!("{wanted:?}"));
        assert_eq!(format!("{:?}", read.options), format!("{:?}", args.options));
        let told = words(&args, "own.toml", Path::new("/w"));
        assert_eq!(told[..2], ["-r", "/w/own.toml"]);
    }
}
