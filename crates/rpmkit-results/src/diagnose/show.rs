//! The lines of output a report shows.

use crate::failure::FailureCause;

use super::{alarming, finding::Finding, scene::Scene};

/// The most lines a report shows.
const SHOWN: usize = 20;

/// The lines around a finding; without one the last of the failing command, starting at the first alarm
/// if that is near the end. rpm's own tracing is left out.
pub(super) fn shown(
    scene: &Scene<'_>,
    finding: Option<&Finding>,
    cause: &FailureCause,
) -> Vec<String> {
    // These causes carry their lines in themselves.
    if matches!(
        cause,
        FailureCause::UnpackagedFiles { .. }
            | FailureCause::FilesMissing { .. }
            | FailureCause::MissingBuildRequires { .. }
    ) {
        return Vec::new();
    }
    let lines = &scene.lines;
    let start = match finding {
        // One line before gives it its place.
        Some(found) => found.from.saturating_sub(1),
        None => {
            let tail = lines.len().saturating_sub(60);
            match lines[tail..].iter().position(|line| alarming(line)) {
                Some(at) => (tail + at).saturating_sub(1),
                None => lines.len().saturating_sub(SHOWN / 2),
            }
        }
    };
    let mut chosen: Vec<&str> = Vec::new();
    if start == 0
        && let Some(command) = scene.command
    {
        chosen.push(command);
    }
    let announced = chosen.len();
    chosen.extend(
        lines[start.min(lines.len())..]
            .iter()
            .filter(|line| !line.trim().is_empty() && !preamble(line)),
    );
    let mut shown: Vec<String> = chosen.iter().map(|line| (*line).to_owned()).collect();
    if announced == 1 {
        shown[0].insert_str(0, "+ ");
    }
    if shown.len() <= SHOWN {
        return shown;
    }
    // A long report tells most at its beginning (the first error) and at its end.
    let left_out = shown.len() - SHOWN + 1;
    let end = shown.split_off(shown.len() - (SHOWN / 2 - 1));
    shown.truncate(SHOWN / 2);
    shown.push(format!("… {left_out} lines left out …"));
    shown.extend(end);
    shown
}

fn preamble(line: &str) -> bool {
    [
        "+ umask ",
        "+ cd /builddir",
        "+ STATUS=",
        "+ RPM_EC=",
        "++ jobs -p",
        "+ exit ",
        "Executing(",
    ]
    .iter()
    .any(|p| line.starts_with(p))
}
