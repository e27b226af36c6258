//! What every parser begins from, what was found before, and a short walk from there.

use rpmkit_fuzz::{
    TARGETS, beginnings, kept,
    mutate::{Random, input},
};

#[test]
fn seeds_finds_and_a_short_walk() {
    std::thread::scope(|scope| {
        for target in TARGETS {
            // The name of the thread is in the report of a panic.
            let thread = std::thread::Builder::new().name(target.name.to_owned());
            let started = thread.spawn_scoped(scope, || {
                let all = beginnings(target);
                assert!(
                    !all.is_empty(),
                    "`{}` has nothing to begin from",
                    target.name
                );
                for data in &all {
                    (target.run)(data);
                }
                for n in 0..100 {
                    (target.run)(&input(&mut Random::new(n), &all, target.words));
                }
            });
            assert!(started.is_ok());
        }
    });
}

#[test]
fn what_is_kept_belongs_to_a_target() {
    for kind in ["seeds", "finds"] {
        let Ok(entries) = std::fs::read_dir(kept(kind, "")) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let known = TARGETS.iter().any(|target| name == target.name);
            assert!(known, "{kind}/{}", name.display());
        }
    }
}
