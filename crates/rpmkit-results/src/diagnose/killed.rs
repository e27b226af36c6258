//! Programs that a signal ended.

use crate::failure::FailureCause;

use super::{finding::Finding, scene::Scene, text};

/// SIGKILL, which the kernel sends when memory runs out.
const SIGKILL: i32 = 9;

/// Killed for memory, or refused some.
pub(super) fn memory(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let line = line.trim_end();
        let killed = line.ends_with("Killed")
            || line.contains("Killed signal terminated program")
            || line.contains("internal compiler error: Killed")
            || line.contains("(signal: 9, SIGKILL")
            || line.contains("terminated with signal 9 [Killed]")
            || line.contains(" Killed  ")
            || (line.contains("*** [") && line.contains("] Killed"));
        let refused = text::any(
            line,
            &[
                "virtual memory exhausted",
                "Cannot allocate memory",
                "memory exhausted",
                "out of memory allocating",
                "java.lang.OutOfMemoryError",
                "JavaScript heap out of memory",
            ],
        ) || line.starts_with("MemoryError");
        if line.starts_with('+') || !(killed || refused) {
            return None;
        }
        let text = match (by_shell(line, "Killed"), line) {
            (Some(program), _) => format!("`{program}` was killed"),
            (None, "Killed") => "it was killed".to_owned(),
            (None, line) => line.trim().to_owned(),
        };
        Some(
            Finding::new(at, text)
                .cause(FailureCause::Killed { signal: SIGKILL })
                .hint("the kernel does this when memory runs out: try fewer parallel jobs, `--define '_smp_build_ncpus 1'`"),
        )
    })
}

/// The command a shell or make reports the end of: `sh: line 3:   123 Killed   ./program`, or the
/// command above make's marker.
fn by_shell<'a>(line: &'a str, what: &str) -> Option<&'a str> {
    let (head, rest) = line.split_once(what)?;
    let of_shell = head
        .trim_end()
        .rsplit(' ')
        .next()
        .is_some_and(|pid| !pid.is_empty() && pid.chars().all(|c| c.is_ascii_digit()));
    let program = rest.trim().trim_start_matches("(core dumped)").trim();
    (of_shell && !program.is_empty()).then_some(program)
}

/// Crashes.
pub(super) fn crash(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        let what = ["Segmentation fault", "Bus error", "Illegal instruction", "Aborted", "Trace/breakpoint trap", "Floating point exception"]
            .into_iter()
            .find(|what| line.contains(what))?;
        let told = line.contains("(core dumped)") || line.contains("rpm-tmp.") || line.contains("*** [") || line.trim() == what;
        if !told || line.starts_with('+') {
            return None;
        }
        // make tells the target; the command stands above.
        let of_make = super::make::marker(line).is_some() || line.contains("*** [");
        let above = scene.before(at, 1, |above| (of_make && !above.starts_with('+')).then(|| above.trim()));
        let program = by_shell(line, what)
            .or(above)
            .or(scene.command)
            .unwrap_or("a program");
        let words = scene.before(at, 5, |line| {
            let told = (line.contains("Assertion `") && line.trim_end().ends_with("failed."))
                || line.contains("terminate called after");
            told.then(|| line.trim())
        });
        let text = match words {
            Some(words) => words.to_owned(),
            None => format!("`{program}` crashed: {}", what.to_lowercase()),
        };
        let mut found = Finding::new(at, text);
        if what == "Illegal instruction" {
            found = found.hint("the program was compiled for another processor: `-march=native` has no place in a package");
        }
        Some(found)
    })
}
