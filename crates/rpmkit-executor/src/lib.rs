//! Executors: processes of this machine, and jobs of Slurm's. Both run the same worker, which leaves what it has to
//! say in files; what those mean is for a [`JobSpool`] to say.

mod local;
mod slurm;
mod spool;

pub use local::LocalExecutor;
pub use slurm::{SlurmExecutor, SlurmOptions};
pub use spool::JobSpool;
