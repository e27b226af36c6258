//! Limits of what one rpmbuild call may use, for builders of strangers' code: options of the configuration for all it starts
//! together, macros for each process.

use std::{path::PathBuf, time::Duration};

use rpmkit_config::BuildLimits;
use rpmkit_sandbox::{Exceeded, Limit, Resource, UsageBudget};

use super::BuildError;

/// A configuration's macros, the last of a name counting.
type Macros = [(String, Option<String>)];

const MIB: u64 = 1 << 20;

/// What all commands that count may use together; `places` are the writable ones beside the root.
pub(super) fn budget(limits: &BuildLimits, places: Vec<PathBuf>) -> Option<UsageBudget> {
    if *limits == BuildLimits::default() {
        return None;
    }
    let bytes = |mebibytes: Option<u32>| mebibytes.map(|number| u64::from(number) * MIB);
    Some(UsageBudget {
        memory: bytes(limits.memory_mb),
        processes: limits.processes.map(u64::from),
        disk: bytes(limits.disk_mb),
        cpu: limits
            .cpu_seconds
            .map(|number| Duration::from_secs(number.into())),
        places,
    })
}

/// The option for processor time.
pub(super) const CPU: &str = "max_build_cpu_seconds";

/// A limit that a build has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedLimit {
    /// The option that sets it.
    pub option: &'static str,
    /// Its value.
    pub most: u64,
    /// What is limited, with its unit.
    pub of: &'static str,
}

/// The limit a command was stopped for.
pub(super) fn passed(limits: &BuildLimits, which: Exceeded) -> PassedLimit {
    let (option, most, of) = match which {
        Exceeded::Memory => ("max_build_memory_mb", limits.memory_mb, "MiB of memory"),
        Exceeded::Processes => (
            "max_build_processes",
            limits.processes,
            "processes and threads at a time",
        ),
        Exceeded::Disk => (
            "max_build_disk_mb",
            limits.disk_mb,
            "MiB of disk or of output",
        ),
        Exceeded::Cpu => (CPU, limits.cpu_seconds, "seconds of processor time"),
    };
    PassedLimit {
        option,
        most: most.unwrap_or_default().into(),
        of,
    }
}

/// A limit that a configuration can set, by a macro with a whole number above 0.
struct Kind {
    name: &'static str,
    resource: Resource,
    /// What one of the macro's units is.
    unit: u64,
    /// What programs say that have run into it.
    says: &'static [&'static str],
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "_rpmkit_max_processes",
        resource: Resource::NProc,
        unit: 1,
        says: &["Resource temporarily unavailable", "fork: retry"],
    },
    // Of one process; memory that is only reserved does not count, which Java and Go do freely.
    Kind {
        name: "_rpmkit_max_memory_mb",
        resource: Resource::Data,
        unit: MIB,
        says: &[
            "Cannot allocate memory",
            "virtual memory exhausted",
            "out of memory",
            "std::bad_alloc",
            "MemoryError",
        ],
    },
    Kind {
        name: "_rpmkit_max_file_mb",
        resource: Resource::FileSize,
        unit: MIB,
        says: &["File size limit exceeded", "File too large"],
    },
];

fn value<'a>(macros: &'a Macros, name: &str) -> Option<&'a str> {
    let (_, value) = macros
        .iter()
        .rfind(|(known, _)| known.trim_start_matches('%') == name)?;
    value.as_deref().map(str::trim)
}

/// The limits of a configuration.
///
/// # Errors
/// When one is no whole number above 0.
pub(super) fn limits(macros: &Macros) -> Result<Vec<Limit>, BuildError> {
    let mut limits = Vec::new();
    for kind in &KINDS {
        let Some(text) = value(macros, kind.name) else {
            continue;
        };
        let most = text.parse::<u64>().ok().filter(|number| *number > 0);
        let Some(most) = most.and_then(|number| number.checked_mul(kind.unit)) else {
            return Err(BuildError::Unprepared(format!(
                "macro `%{}` is `{text}`, where a whole number above 0 is expected",
                kind.name
            )));
        };
        limits.push(Limit {
            resource: kind.resource,
            soft: Some(most),
            hard: Some(most),
        });
    }
    Ok(limits)
}

/// A sentence for each limit that a failed build has probably run into.
pub(super) fn run_into(macros: &Macros, tail: &[String]) -> Vec<String> {
    let said = |kind: &&Kind| {
        let says = |line: &String| kind.says.iter().any(|words| line.contains(words));
        tail.iter().any(says)
    };
    let hit = KINDS.iter().filter(said);
    hit.filter_map(|kind| {
        let most = value(macros, kind.name)?;
        Some(format!(
            "the build has probably run into a limit of the configuration: macro `%{}` is {most}",
            kind.name
        ))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use super::*;

    #[test]
    fn a_limit_is_named_by_its_option() {
        let limits = BuildLimits {
            memory_mb: Some(5),
            ..BuildLimits::default()
        };
        let budget = budget(&limits, Vec::new()).unwrap();
        assert_eq!((budget.memory, budget.disk), (Some(5 << 20), None));
        let passed = passed(&limits, Exceeded::Memory);
        assert_eq!((passed.option, passed.most), ("max_build_memory_mb", 5));
        assert!(super::budget(&BuildLimits::default(), Vec::new()).is_none());
    }

    fn macros(pairs: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), Some((*value).to_owned()));
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn limits_come_from_macros_and_are_numbers() {
        let set = macros(&[
            ("%_rpmkit_max_processes", "9"),
            ("%_rpmkit_max_processes", "50"),
            ("_rpmkit_max_memory_mb", " 2 "),
            ("%dist", ".f43"),
        ]);
        let found: Vec<_> = limits(&set)
            .unwrap()
            .into_iter()
            .map(|limit| (limit.resource, limit.hard))
            .collect();
        assert_eq!(
            found,
            [(Resource::NProc, Some(50)), (Resource::Data, Some(2 << 20))]
        );
        for wrong in ["0", "-1", "many", "99999999999999999"] {
            let told = limits(&macros(&[("%_rpmkit_max_file_mb", wrong)])).unwrap_err();
            assert!(told.to_string().contains("whole number"), "{wrong}");
        }
    }

    #[test]
    fn a_limit_that_was_run_into_is_named() {
        let tail = ["sh: fork: Resource temporarily unavailable".to_owned()];
        let set = macros(&[("%_rpmkit_max_processes", "50")]);
        let told = run_into(&set, &tail);
        assert!(told.len() == 1 && told[0].ends_with("`%_rpmkit_max_processes` is 50"));
        // Nobody set one, or the build failed of something else.
        assert!(run_into(&[], &tail).is_empty());
        assert!(run_into(&set, &["error: x".to_owned()]).is_empty());
    }
}
