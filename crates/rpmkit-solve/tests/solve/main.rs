//! Small repositories written as text, with what dnf 4.14 chooses from them.
//!
//! The expected sets in `*.txt` were made by dnf itself from the same repositories, so that a
//! difference means we would install something else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod text;

use std::path::{Path, PathBuf};

use rpmkit_solve::{SolveError, SolveRequest, Solver};
use rpmkit_types::{Dep, DepFlag, Evr};
use text::Scenario;

fn check(path: &Path) {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let scenario = Scenario::read(&name, &std::fs::read_to_string(path).unwrap());
    let mut wrong = Vec::new();
    for case in &scenario.cases {
        if let Err(report) = scenario.check(case) {
            wrong.push(format!("{name}: {}: {report}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/solve")
}

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(&dir().join(concat!(stringify!($name), ".txt")));
        })*

        #[test]
        fn every_file_is_a_test() {
            let known = [$(stringify!($name)),*];
            for entry in std::fs::read_dir(dir()).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                if path.extension().is_some_and(|e| e == "txt") {
                    assert!(known.contains(&name.as_str()), "nobody runs `{name}.txt`");
                }
            }
        }
    };
}

scenarios! { basic dnf5 filters modular groups installed order random1 random10 random2 random5 random6 random9 }

#[test]
fn what_nothing_matches_is_said_in_dnfs_words_too() {
    let unmatched = |request: SolveRequest| {
        let cache = tempfile::tempdir().unwrap();
        let solved = Solver::new("x86_64", &[], &[], cache.path()).solve(&request);
        let Err(SolveError::Unsolvable(why)) = solved else {
            panic!("{solved:?}");
        };
        why.obstacles[0].unmatched.clone().unwrap()
    };
    let required = unmatched(SolveRequest {
        builddeps: vec![Dep {
            name: "no-such-devel".into(),
            version: Some((DepFlag::Ge, Evr::parse("3"))),
        }],
        ..SolveRequest::default()
    });
    assert_eq!(
        required,
        "No matching package to install: 'no-such-devel >= 3'"
    );
    let asked = unmatched(SolveRequest {
        install: vec!["no-such".into()],
        ..SolveRequest::default()
    });
    assert_eq!(asked, "No match for argument: no-such");
}
