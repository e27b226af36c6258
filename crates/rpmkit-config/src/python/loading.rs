//! What reading a file needs of whoever loads the configuration.

use super::Cache;
use crate::{HostFacts, draft::Draft, files::Files};

/// The loading a file is read for.
pub(crate) trait Loading {
    /// The configuration as far as it is put together.
    fn draft(&self) -> &Draft;
    /// The same, to be added to.
    fn draft_mut(&mut self) -> &mut Draft;
    /// The host that configurations may ask about.
    fn host(&self) -> &HostFacts;
    /// Where included files are looked for.
    fn files(&self) -> &Files;
    /// Files parsed before.
    fn parsed(&mut self) -> &mut Cache;
}
