//! What became of a chain: one row a build.

use serde::Serialize;
use std::path::PathBuf;

/// How a build of a chain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowState {
    /// It was built in this run.
    Built,
    /// Its results were there.
    Reused,
    /// It was tried.
    Failed,
    /// Something it waits for was not built.
    Blocked,
    /// The run ended before it began.
    NotTried,
}

impl RowState {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::Reused => "reused",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::NotTried => "not tried",
        }
    }

    /// Whether its results are there.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Built | Self::Reused)
    }
}

/// One build.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChainRow {
    /// Name of the source package, with a mark if it is a first build.
    pub package: String,
    /// `name-version-release`.
    pub nvr: String,
    /// The chroot.
    pub chroot: String,
    /// How it ended.
    pub state: RowState,
    /// Exit status of a failed one.
    pub exit_code: Option<u8>,
    /// Why it failed, or whom it waits for.
    pub reason: Option<String>,
    /// When it began, in seconds since the chain did.
    pub began: Option<f64>,
    /// Wall time in seconds, in this run; of a reused one the time that finding it took.
    pub seconds: f64,
    /// Peak of memory in bytes.
    pub memory: u64,
    /// What it waited for, by the numbers of rows.
    pub needs: Vec<usize>,
    /// Where packages and logs are.
    pub results: Option<PathBuf>,
}

/// All of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChainReport {
    /// Version of the layout.
    pub format: u32,
    /// Wall time in seconds.
    pub seconds: f64,
    /// The builds.
    pub builds: Vec<ChainRow>,
}

/// Version of [`ChainReport`]'s layout.
pub const REPORT_FORMAT: u32 = 1;

impl ChainReport {
    /// How many ended so.
    pub fn count(&self, state: RowState) -> usize {
        self.builds.iter().filter(|row| row.state == state).count()
    }

    /// One line on all.
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        for state in [
            RowState::Built,
            RowState::Reused,
            RowState::Failed,
            RowState::Blocked,
            RowState::NotTried,
        ] {
            let count = self.count(state);
            if count > 0 {
                parts.push(format!("{count} {}", state.word()));
            }
        }
        format!("{} in {}", parts.join(", "), seconds(self.seconds))
    }

    /// The table for people: a line a build, failures last.
    pub fn table(&self) -> Vec<String> {
        let width = |of: fn(&ChainRow) -> &str| self.builds.iter().map(|row| of(row).len()).max();
        let names = width(|row| &row.package).unwrap_or(0);
        let chroots = width(|row| &row.chroot).unwrap_or(0);
        let mut rows: Vec<&ChainRow> = self.builds.iter().collect();
        rows.sort_by_key(|row| (!row.state.is_good(), row.state == RowState::Failed));
        rows.iter()
            .map(|row| {
                let mark = if row.state.is_good() { "✓" } else { "✗" };
                let mut line = format!(
                    "{mark} {:<names$}  {:<chroots$}  {:<9} {:>10}",
                    row.package,
                    row.chroot,
                    row.state.word(),
                    seconds(row.seconds),
                );
                if let Some(reason) = &row.reason {
                    line.push_str("  ");
                    line.push_str(reason);
                }
                line
            })
            .collect()
    }
}

/// Seconds for people.
pub fn seconds(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let minutes = (seconds / 60.0).floor();
    format!(
        "{minutes:.0} min {:02.0} s",
        (seconds - minutes * 60.0).floor()
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A row without anything special.
    pub(crate) fn row(package: &str, state: RowState, reason: Option<&str>) -> ChainRow {
        ChainRow {
            package: package.to_owned(),
            nvr: format!("{package}-1-1"),
            chroot: "c".to_owned(),
            state,
            exit_code: (state == RowState::Failed).then_some(1),
            reason: reason.map(str::to_owned),
            began: state.is_good().then_some(1.0),
            seconds: 2.0,
            memory: 3 << 20,
            needs: Vec::new(),
            results: None,
        }
    }

    #[test]
    fn the_table_has_failures_last() {
        let report = ChainReport {
            format: REPORT_FORMAT,
            seconds: 75.0,
            builds: vec![
                row("bad", RowState::Failed, Some("no")),
                row("a", RowState::Built, None),
                row("waits", RowState::Blocked, Some("waits for bad")),
            ],
        };
        assert_eq!(
            report.table(),
            [
                "✓ a      c  built          2.0 s",
                "✗ waits  c  blocked        2.0 s  waits for bad",
                "✗ bad    c  failed         2.0 s  no",
            ]
        );
        assert_eq!(
            report.summary(),
            "1 built, 1 failed, 1 blocked in 1 min 15 s"
        );
    }
}
