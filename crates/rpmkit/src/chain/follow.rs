//! Follows a chain: what people see while it runs, and what the ends of builds change for others.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use rpmkit_cli::{Printer, Tone, signals};
use rpmkit_core::{results::owner::place_result, types::Dep};
use rpmkit_graph::{
    ChainGraph, ChainObserver, Cycle, JobEnd, JobScheduler, JobState, NodeId, NodeStage, Reaction,
    operands, satisfies,
};
use serde_json::Value;

use super::{
    home::ChainRecord,
    plan::PlannedPackage,
    report::{ChainReport, ChainRow, REPORT_FORMAT, RowState, seconds},
    spool::{ChainSpool, result_dir},
    task::{self, ChainAnswer},
    worker::FAILED,
};

/// What is known of a build while the chain runs.
#[derive(Debug, Clone, Default)]
struct Followed {
    began: Option<Instant>,
    seconds: f64,
    memory: u64,
    state: Option<RowState>,
    code: Option<u8>,
    reason: Option<String>,
    results: Option<PathBuf>,
    /// The phase it is in, and a line that is not whole.
    phase: String,
    rest: Vec<u8>,
    /// What nothing met.
    unmet: Vec<Dep>,
}

/// The follower of a run.
pub struct ChainFollower {
    printer: Printer,
    json: bool,
    live: bool,
    graph: Rc<RefCell<ChainGraph>>,
    packages: Rc<Vec<PlannedPackage>>,
    spool: Rc<ChainSpool>,
    targets: Vec<String>,
    /// Where users find results.
    top: PathBuf,
    followed: Vec<Followed>,
    /// Packages that asked for a name nobody in the chain was known to provide.
    wanting: HashMap<(usize, String), Vec<(NodeId, Dep)>>,
    bar: Option<ProgressBar>,
    started: Instant,
}

impl ChainFollower {
    /// A follower of all nodes of the graph.
    pub fn new(
        (printer, json, live): (Printer, bool, bool),
        spool: Rc<ChainSpool>,
        targets: Vec<String>,
        top: PathBuf,
    ) -> Self {
        let (graph, packages) = (spool.graph.clone(), spool.packages.clone());
        let count = graph.borrow().nodes.len();
        let mut wanting: HashMap<(usize, String), Vec<(NodeId, Dep)>> = HashMap::new();
        for (number, package) in graph.borrow().packages.iter().enumerate() {
            for dep in &package.deps.build_requires {
                for one in plain(dep) {
                    if graph.borrow().providers(package.target, &one).is_empty() {
                        let name = (package.target, one.name.clone());
                        wanting.entry(name).or_default().push((number, one));
                    }
                }
            }
        }
        let bar = printer.progress().map(|all| {
            let style = ProgressStyle::with_template("{spinner} [{bar:24}] {pos}/{len} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(count as u64).with_style(style);
            all.add(bar)
        });
        Self {
            printer,
            json,
            live,
            graph,
            packages,
            spool,
            targets,
            top,
            followed: vec![Followed::default(); count],
            wanting,
            bar,
            started: Instant::now(),
        }
    }

    fn name(&self, node: NodeId) -> String {
        self.graph.borrow().name(node)
    }

    fn chroot(&self, node: NodeId) -> &str {
        &self.targets[self.package(node).target]
    }

    fn package(&self, node: NodeId) -> &PlannedPackage {
        &self.packages[self.graph.borrow().nodes[node].package]
    }

    fn shown(&self, node: NodeId) -> String {
        match self.targets.len() {
            1 => self.name(node),
            _ => format!("{} for {}", self.name(node), self.chroot(node)),
        }
    }

    fn tell(&self, tone: Tone, mark: &str, node: NodeId, text: &str) {
        if self.json {
            return;
        }
        let mark = self.printer.paint(tone, mark);
        self.printer
            .say(format!("{mark} {}  {text}", self.shown(node)));
    }

    fn event(&self, kind: &str, node: NodeId, more: Value) {
        if !self.json {
            return;
        }
        let mut line = serde_json::json!({
            "event": kind, "package": self.name(node), "chroot": self.chroot(node),
        });
        if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
            line.extend(more);
        }
        self.printer.data(line.to_string());
    }

    /// Whose requirements the results of a build answer though nobody knew.
    fn learn(&mut self, node: NodeId, record: &ChainRecord, reaction: &mut Reaction) {
        let (own, target, stage) = {
            let graph = self.graph.borrow();
            let one = &graph.nodes[node];
            (one.package, graph.packages[one.package].target, one.stage)
        };
        if stage == NodeStage::Bootstrap {
            return;
        }
        let mut graph = self.graph.borrow_mut();
        graph.learn(own, &record.deps.provides);
        for provide in &record.deps.provides {
            let wanted = self.wanting.get(&(target, provide.name.clone()));
            for (waiting, dep) in wanted.into_iter().flatten() {
                let open = self.followed[*waiting].began.is_none();
                if open
                    && *waiting != node
                    && satisfies(dep, provide)
                    && graph.add_need(*waiting, node, dep.clone()).is_ok()
                {
                    reaction.needs.push((*waiting, node));
                }
            }
        }
        for aside in 0..self.followed.len() {
            let unmet = &self.followed[aside].unmet;
            let met = unmet.iter().find(|dep| {
                plain(dep)
                    .iter()
                    .any(|one| record.deps.provides.iter().any(|p| satisfies(one, p)))
            });
            if let Some(dep) = met.cloned()
                && graph.packages[graph.nodes[aside].package].target == target
                && graph.add_need(aside, node, dep).is_ok()
            {
                self.followed[aside].unmet.clear();
                reaction.retry.push(aside);
            }
        }
    }

    /// Puts packages and logs where a user looks for them. First builds of a circle are nobody's results.
    fn place(&mut self, node: NodeId, from: &Path) {
        if self.graph.borrow().nodes[node].stage == NodeStage::Bootstrap {
            return;
        }
        let to = result_dir(&self.top, self.chroot(node), &self.package(node).nvr());
        match place_all(from, &to) {
            Ok(()) => self.followed[node].results = Some(to),
            Err(error) => self.printer.line(format!(
                "warning: results of {} are not in `{}`: {error}",
                self.name(node),
                to.display()
            )),
        }
    }

    fn line(&mut self, node: NodeId, line: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Value>(line) else {
            return;
        };
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        match event["event"].as_str() {
            Some("phase-start") => self.followed[node].phase = text("phase"),
            Some("output") if self.live && !self.json => {
                self.printer
                    .line(format!("{} | {}", self.shown(node), text("line")));
            }
            Some("message")
                if matches!(event["level"].as_str(), Some("warning" | "error")) && !self.json =>
            {
                self.printer.line(format!(
                    "{}: {}: {}",
                    self.shown(node),
                    text("level"),
                    text("text")
                ));
            }
            _ => {}
        }
        if self.json {
            let mut event = event;
            event["package"] = self.name(node).into();
            event["chroot"] = self.chroot(node).into();
            self.printer.data(event.to_string());
        }
    }

    fn show(&self, scheduler: &JobScheduler) {
        let Some(bar) = &self.bar else { return };
        let count = |state| scheduler.all_in(|s| s == state).len();
        let failed = scheduler
            .all_in(|s| matches!(s, JobState::Failed | JobState::Blocked(_)))
            .len();
        let running: Vec<String> = scheduler
            .running_nodes()
            .into_iter()
            .take(4)
            .map(|node| format!("{} ({})", self.shown(node), self.followed[node].phase))
            .collect();
        bar.set_position((count(JobState::Done) + failed) as u64);
        let failed = if failed > 0 {
            format!(", {failed} failed")
        } else {
            String::new()
        };
        bar.set_message(format!(
            "{} waiting{failed}, about {} left: {}",
            count(JobState::Waiting),
            seconds(scheduler.seconds_left()),
            running.join(", ")
        ));
        bar.tick();
    }

    /// The report of a run that has ended.
    pub fn finish(self, scheduler: &JobScheduler) -> ChainReport {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let graph = self.graph.borrow();
        let row = |node: NodeId| {
            let known = &self.followed[node];
            let (state, reason) = match scheduler.state(node) {
                JobState::Blocked(by) => (
                    RowState::Blocked,
                    Some(format!("waits for {}", graph.name(by))),
                ),
                JobState::Done => (known.state.unwrap_or(RowState::Built), None),
                JobState::Failed | JobState::Deferred => (RowState::Failed, known.reason.clone()),
                JobState::Waiting | JobState::Running => (RowState::NotTried, None),
            };
            ChainRow {
                package: graph.name(node),
                nvr: self.package(node).nvr(),
                chroot: self.chroot(node).to_owned(),
                state,
                exit_code: known.code,
                reason,
                began: known.began.map(|at| (at - self.started).as_secs_f64()),
                seconds: known.seconds,
                memory: known.memory,
                needs: graph.nodes[node]
                    .needs
                    .iter()
                    .map(|need| need.node)
                    .collect(),
                results: known.results.clone(),
            }
        };
        ChainReport {
            format: REPORT_FORMAT,
            seconds: self.started.elapsed().as_secs_f64(),
            builds: (0..graph.nodes.len()).map(row).collect(),
        }
    }

    /// Results of this run's final builds, by target.
    pub fn published(&self) -> BTreeMap<usize, Vec<PathBuf>> {
        let graph = self.graph.borrow();
        let mut out: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
        for (node, one) in graph.nodes.iter().enumerate() {
            if one.stage == NodeStage::Final
                && let Some(ChainAnswer::Built { results, .. }) = self.spool.answer(node)
            {
                out.entry(self.package(node).target)
                    .or_default()
                    .push(results);
            }
        }
        out
    }
}

fn plain(dep: &Dep) -> Vec<Dep> {
    match dep.is_rich() {
        true => operands(&dep.name),
        false => vec![dep.clone()],
    }
}

/// Copies the files of a directory into another, in place of what a build of the same name left there.
fn place_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            place_result(&entry.path(), to, &entry.file_name())?;
            names.push(entry.file_name());
        }
    }
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        let stale = entry.path().extension().is_some_and(|kind| kind == "rpm");
        if stale && !names.contains(&entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl ChainObserver for ChainFollower {
    fn started(&mut self, node: NodeId, scheduler: &JobScheduler) {
        self.followed[node] = Followed {
            began: Some(Instant::now()),
            ..Followed::default()
        };
        self.event("build-start", node, Value::Null);
        self.show(scheduler);
    }

    fn ended(&mut self, node: NodeId, end: &JobEnd, scheduler: &JobScheduler) -> Reaction {
        let mut reaction = Reaction::default();
        let began = self.followed[node].began;
        let took = began.map_or(Duration::ZERO, |at| at.elapsed());
        self.followed[node].seconds = took.as_secs_f64();
        let answer = self.spool.answer(node);
        match (end, answer) {
            (
                JobEnd::Built { reused },
                Some(ChainAnswer::Built {
                    results, memory, ..
                }),
            ) => {
                self.followed[node].memory = memory;
                self.followed[node].state = Some(match reused {
                    true => RowState::Reused,
                    false => RowState::Built,
                });
                if let Ok(record) = task::read::<ChainRecord>(&results.join("chain.json")) {
                    self.learn(node, &record, &mut reaction);
                }
                self.place(node, &results);
                let word = if *reused {
                    "is built already"
                } else {
                    "built in"
                };
                let time = if *reused {
                    String::new()
                } else {
                    seconds(took.as_secs_f64())
                };
                self.tell(Tone::Good, "✓", node, format!("{word} {time}").trim_end());
            }
            (JobEnd::Failed { code, reason }, _) => {
                self.followed[node].code = Some(*code);
                self.followed[node].reason = Some(reason.clone());
                let logs = self.spool.task_dir(node).join(FAILED);
                if logs.is_dir() {
                    self.place(node, &logs);
                }
                self.tell(Tone::Bad, "✗", node, reason);
                if let Some(dir) = &self.followed[node].results
                    && !self.json
                {
                    self.printer
                        .say(format!("    its logs are in {}", dir.display()));
                }
            }
            (
                JobEnd::Unmet,
                Some(ChainAnswer::Unmet {
                    requirements,
                    reason,
                }),
            ) => {
                self.followed[node].code = Some(rpmkit_core::ExitCode::PackageManager.code());
                self.followed[node].unmet = requirements
                    .iter()
                    .flat_map(|text| operands(text))
                    .collect();
                self.followed[node].reason = Some(reason.clone());
                self.tell(
                    Tone::Warn,
                    "…",
                    node,
                    &format!("waits for others: {reason}"),
                );
            }
            (JobEnd::NeedsMore(needs), _) => {
                let names: Vec<String> = needs
                    .iter()
                    .map(|(on, dep)| format!("`{dep}` of {}", self.name(*on)))
                    .collect();
                self.tell(
                    Tone::Warn,
                    "…",
                    node,
                    &format!("generated requirements: waits for {}", names.join(", ")),
                );
            }
            (JobEnd::Lost { reason }, _) => {
                self.tell(Tone::Warn, "…", node, &format!("is built again: {reason}"));
            }
            (JobEnd::Built { .. } | JobEnd::Unmet, _) => {}
        }
        self.event(
            "build-end",
            node,
            serde_json::json!({ "seconds": took.as_secs_f64(), "ok": matches!(end, JobEnd::Built { .. }) }),
        );
        if !matches!(end, JobEnd::Built { .. } | JobEnd::Failed { .. }) {
            self.followed[node].began = began.filter(|_| matches!(end, JobEnd::Unmet));
        }
        self.show(scheduler);
        reaction
    }

    fn blocked(&mut self, node: NodeId, by: NodeId) {
        let text = format!("cannot be built: it waits for {}", self.name(by));
        self.tell(Tone::Bad, "✗", node, &text);
    }

    fn connect(&mut self, node: NodeId, on: NodeId, requirement: &Dep) -> Result<(), Box<Cycle>> {
        self.graph
            .borrow_mut()
            .add_need(node, on, requirement.clone())
    }

    fn noticed(&mut self, node: NodeId, text: &str) {
        self.tell(Tone::Faint, "·", node, text);
        self.event("build-notice", node, serde_json::json!({ "text": text }));
    }

    fn wrote(&mut self, node: NodeId, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.followed[node].rest);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let line = rest[..end].to_vec();
            self.line(node, &line);
            rest = &rest[end + 1..];
        }
        self.followed[node].rest = rest.to_vec();
    }

    fn tick(&mut self, scheduler: &JobScheduler) -> bool {
        self.show(scheduler);
        signals::stopped().is_none()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn results_take_the_place_of_older_ones() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        for path in [&from, &to] {
            fs::create_dir(path).unwrap();
        }
        fs::create_dir(from.join("repodata")).unwrap();
        fs::write(from.join("a.rpm"), "new").unwrap();
        fs::write(to.join("gone.rpm"), "old").unwrap();
        fs::write(to.join("mine.txt"), "kept").unwrap();
        place_all(&from, &to).unwrap();
        let mut names: Vec<_> = fs::read_dir(&to)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["a.rpm", "mine.txt"]);
    }
}
