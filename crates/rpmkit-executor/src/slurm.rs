//! Jobs of Slurm's: one a build, each after those it waits for.
//!
//! Everything a worker reads and leaves lies in a directory that all nodes see at the same place. A job whose node
//! goes away is put back into the queue by Slurm (`--requeue`); done twice, it does no harm, since results appear by
//! rename.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

use rpmkit_graph::{Executor, ExecutorError, JobEnd, JobTicket, NodeId};
use rpmkit_host::{Environment, HostCommand, Tool};

use crate::spool::{JobSpool, Tails, last_line};

/// How often the queue is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How long an answer may take to be seen after the queue says that its job ended: a shared directory may be
/// late.
const LATE: Duration = Duration::from_secs(10);

const MIB: u64 = 1 << 20;

/// How jobs are asked for.
#[derive(Debug, Clone, Default)]
pub struct SlurmOptions {
    /// Partition; Slurm's default otherwise.
    pub partition: Option<String>,
    /// Cores of a job, at least 1.
    pub cores: usize,
    /// More options of sbatch's.
    pub more: Vec<String>,
}

/// What is known of a job in the queue.
struct QueuedJob {
    id: String,
    /// What the queue said last.
    state: String,
    /// When the queue did not have it any more.
    gone: Option<Instant>,
}

/// Gives builds to sbatch.
pub struct SlurmExecutor {
    spool: Rc<dyn JobSpool>,
    environment: Environment,
    options: SlurmOptions,
    jobs: BTreeMap<NodeId, QueuedJob>,
    tails: Tails,
    /// What happened to jobs, for people.
    told: Vec<(NodeId, String)>,
}

impl SlurmExecutor {
    /// An executor of what `spool` has.
    ///
    /// # Errors
    /// When there is no Slurm, or its controller does not answer.
    pub fn new(
        spool: Rc<dyn JobSpool>,
        environment: Environment,
        options: SlurmOptions,
    ) -> Result<Self, ExecutorError> {
        let executor = Self {
            spool,
            environment,
            options,
            jobs: BTreeMap::new(),
            tails: Tails::default(),
            told: Vec::new(),
        };
        executor.run("scontrol", &["ping".to_owned()]).map_err(|error| ExecutorError {
            hint: Some("install Slurm's programs (Debian: slurm-client) and its configuration, or build here: `--executor local`".to_owned()),
            ..error
        })?;
        Ok(executor)
    }

    fn run(&self, program: &str, words: &[String]) -> Result<String, ExecutorError> {
        let failed = |reason: String| ExecutorError::new(format!("run {program}"), reason);
        let ended = HostCommand::new(Tool::Users, program, &self.environment)
            .and_then(|command| command.args(words.iter().map(String::as_str)).output())
            .map_err(|e| failed(e.to_string()))?;
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr);
            let said = said.lines().next().unwrap_or_default();
            return Err(failed(format!("it ended with {}: {said}", ended.status)));
        }
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    }

    /// What sbatch is told.
    fn words(&self, job: &JobTicket) -> Vec<String> {
        let quoted: Vec<String> = self.spool.command(job.node);
        let line = shlex::try_join(quoted.iter().map(String::as_str)).unwrap_or_default();
        let path = |path: PathBuf| path.display().to_string().replace('%', "%%");
        let mut words = vec![
            "--parsable".to_owned(),
            "--requeue".to_owned(),
            "--export=ALL".to_owned(),
            "--open-mode=append".to_owned(),
            format!("--job-name=rpmkit-{}", self.spool.label(job.node)),
            format!("--output={}", path(self.spool.output(job.node))),
            format!("--error={}", path(self.spool.errors(job.node))),
            format!("--cpus-per-task={}", self.options.cores.max(1)),
            "--chdir=/".to_owned(),
        ];
        if job.estimate.memory > 0 {
            // Half as much again: a build that grows a little is not to be killed for it.
            let wanted = (job.estimate.memory / 2 * 3).div_ceil(MIB).max(1);
            words.push(format!("--mem={wanted}M"));
        }
        if let Some(partition) = &self.options.partition {
            words.push(format!("--partition={partition}"));
        }
        let after: Vec<&str> = job
            .after
            .iter()
            .filter_map(|node| Some(self.jobs.get(node)?.id.as_str()))
            .collect();
        if !after.is_empty() {
            words.push(format!("--dependency=afterok:{}", after.join(":")));
            words.push("--kill-on-invalid-dep=yes".to_owned());
        }
        words.extend(self.options.more.iter().cloned());
        words.push(format!("--wrap=exec {line}"));
        words
    }

    /// Node, state and reason of each job of ours that the queue has.
    fn queue(&self) -> Result<BTreeMap<String, String>, ExecutorError> {
        let ids: Vec<&str> = self.jobs.values().map(|job| job.id.as_str()).collect();
        // Jobs the queue has forgotten altogether are an error to squeue where they are the only ones asked for.
        let words = ["--noheader", "--states=all", "--format=%i %T %N"].map(str::to_owned);
        let text = self.run("squeue", &words)?;
        Ok(text
            .lines()
            .filter_map(|line| line.trim().split_once(' '))
            .filter(|(id, _)| ids.contains(id))
            .map(|(id, rest)| (id.to_owned(), rest.trim().to_owned()))
            .collect())
    }

    fn note(&mut self, node: NodeId, text: &str) {
        let line = format!("{text}\n");
        // In the build's own log too: who looks there wants to know.
        let path = self.spool.errors(node);
        if let Ok(mut file) = fs::File::options().create(true).append(true).open(path) {
            let _ = std::io::Write::write_all(&mut file, line.as_bytes());
        }
        self.told.push((node, text.to_owned()));
    }
}

/// States in which Slurm still works on a job, or will.
const OPEN: [&str; 9] = [
    "PENDING",
    "CONFIGURING",
    "RUNNING",
    "COMPLETING",
    "SUSPENDED",
    "REQUEUED",
    "REQUEUE_HOLD",
    "RESIZING",
    "SIGNALING",
];

impl Executor for SlurmExecutor {
    fn has_queue(&self) -> bool {
        true
    }

    fn submit(&mut self, job: &JobTicket) -> Result<(), ExecutorError> {
        self.spool.prepare(job.node)?;
        self.tails.forget(job.node);
        let answer = self.run("sbatch", &self.words(job))?;
        // `ID` or `ID;CLUSTER`.
        let id = answer.trim().split(';').next().unwrap_or_default();
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ExecutorError::new(
                "read sbatch's answer",
                format!("`{}` is no number of a job", answer.trim()),
            ));
        }
        self.jobs.insert(
            job.node,
            QueuedJob {
                id: id.to_owned(),
                state: "PENDING".to_owned(),
                gone: None,
            },
        );
        Ok(())
    }

    fn poll(&mut self, wait: Duration) -> Result<Vec<(NodeId, JobEnd)>, ExecutorError> {
        std::thread::sleep(wait.max(LOOK));
        let queue = self.queue()?;
        let (mut ended, mut notes) = (Vec::new(), Vec::new());
        for (node, job) in &mut self.jobs {
            let said = queue.get(&job.id).map_or("GONE", String::as_str);
            let mut words = said.split_whitespace();
            let (state, place) = (words.next().unwrap_or("GONE"), words.next());
            if state != job.state {
                let back = ["PENDING", "REQUEUED"].contains(&state)
                    && !["PENDING", "REQUEUED"].contains(&job.state.as_str());
                if back {
                    notes.push((
                        *node,
                        format!(
                            "job {}: its node was lost, it is in the queue again",
                            job.id
                        ),
                    ));
                } else if let ("RUNNING", Some(place)) = (state, place) {
                    notes.push((*node, format!("job {} runs on {place}", job.id)));
                }
                job.state = state.to_owned();
            }
            if OPEN.contains(&state) {
                job.gone = None;
                continue;
            }
            let outcome = self.spool.outcome(*node);
            let since = *job.gone.get_or_insert_with(Instant::now);
            match outcome {
                Some(end) => ended.push((*node, end)),
                None if since.elapsed() < LATE => {}
                None => {
                    let why = last_line(&self.spool.errors(*node))
                        .map_or_else(String::new, |line| format!(": {line}"));
                    let reason = format!("job {} ended as {state} without an answer{why}", job.id);
                    ended.push((*node, JobEnd::Lost { reason }));
                }
            }
        }
        for (node, text) in notes {
            self.note(node, &text);
        }
        for (node, _) in &ended {
            self.jobs.remove(node);
        }
        Ok(ended)
    }

    fn notices(&mut self) -> Vec<(NodeId, String)> {
        std::mem::take(&mut self.told)
    }

    fn cancel(&mut self, node: NodeId) -> Result<(), ExecutorError> {
        self.tails.forget(node);
        let Some(job) = self.jobs.remove(&node) else {
            return Ok(());
        };
        self.run("scancel", &["--quiet".to_owned(), job.id])
            .map(drop)
    }

    fn logs(&mut self, node: NodeId) -> Result<Vec<u8>, ExecutorError> {
        self.tails.more(node, &self.spool.output(node))
    }
}

impl Drop for SlurmExecutor {
    fn drop(&mut self) {
        let ids: Vec<String> = self.jobs.values().map(|job| job.id.clone()).collect();
        if !ids.is_empty() {
            // Nobody is there to be told.
            let _ = self.run("scancel", &[vec!["--quiet".to_owned()], ids].concat());
        }
    }
}
