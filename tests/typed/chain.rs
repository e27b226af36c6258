//! `rpmkit chain`: twelve packages with a diamond, a circle, a generated requirement and a failure.

use std::{collections::BTreeSet, fs, path::Path};

use rpmkit_tests::{World, somebody};

/// Name, build requirements, requirements, more of the preamble, `%build`.
type Sketch = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
    &'static str,
);

const PACKAGES: [Sketch; 12] = [
    ("base", &[], &[], "", ""),
    ("left", &["base"], &[], "", ""),
    ("right", &["base"], &["data"], "", ""),
    ("data", &[], &[], "", ""),
    (
        "top",
        &["left", "right"],
        &[],
        "",
        "cat /usr/share/chain/left /usr/share/chain/right /usr/share/chain/data",
    ),
    (
        "ring-a",
        &[],
        &[],
        "%if %{without bootstrap}\nBuildRequires: ring-c\n%endif",
        "",
    ),
    ("ring-b", &["ring-a"], &[], "", ""),
    ("ring-c", &["ring-b"], &[], "", ""),
    (
        "outside",
        &["ring-b"],
        &[],
        "",
        "test -e /usr/share/chain/ring-b",
    ),
    ("gen", &[], &[], "", "cat /usr/share/chain/top"),
    (
        "bad",
        &["base"],
        &[],
        "",
        "echo something is wrong >&2; exit 3",
    ),
    ("blocked", &["bad"], &[], "", ""),
];

fn write_all(world: &World) {
    for (name, build, run, more, script) in PACKAGES {
        let lines = |tag: &str, words: &[&str]| {
            words
                .iter()
                .map(|word| format!("{tag}: {word}\n"))
                .collect::<String>()
        };
        let generated = match name {
            "gen" => "%generate_buildrequires\necho top\n",
            _ => "",
        };
        let (build, run) = (lines("BuildRequires", build), lines("Requires", run));
        world.write(
            &format!("stack/{name}/{name}.spec"),
            &format!(
                "%bcond_with bootstrap\nName: {name}\nVersion: 1\nRelease: 1\nSummary: {name}\nLicense: MIT\n\
                 BuildArch: noarch\n{more}\n{build}{run}%description\n{name}.\n%prep\n{generated}%build\n{script}\n\
                 %install\nmkdir -p %{{buildroot}}/usr/share/chain\n\
                 echo {name} > %{{buildroot}}/usr/share/chain/{name}\n%files\n/usr/share/chain/{name}\n%changelog\n"
            ),
        );
    }
    world.write("stack/rpmkit.toml", "[chain]\nbootstrap = [\"ring-a\"]\n");
}

/// Names of all packages below a directory.
fn built(dir: &Path) -> BTreeSet<String> {
    let entries = walkdir::WalkDir::new(dir)
        .into_iter()
        .filter_map(Result::ok);
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".noarch.rpm"))
        .collect()
}

#[test]
fn a_chain_is_built_whatever_its_width_and_goes_on_where_it_ended() {
    let world = World::of(&somebody());
    write_all(&world);
    let stack = world.path("stack").display().to_string();
    let run = |jobs: &str, place: &str, more: &[&str]| {
        let resultdir = world.path(place).display().to_string();
        let mut words = vec!["chain", &stack, "-j", jobs, "--resultdir", &resultdir];
        words.extend(more);
        world.rpmkit(&words)
    };
    run("4", "four", &[])
        .expect(4)
        .says(&["something is wrong", "waits for bad", "goes on where"]);
    let four = built(&world.path("four"));
    // All but the one that fails and the one that waits for it.
    assert_eq!(four.len(), 10, "{four:?}");
    run("1", "one", &["--force"]).expect(4);
    assert_eq!(built(&world.path("one")), four);
    // What was built is found again.
    run("2", "again", &[]).expect(4);
    let report = fs::read_to_string(world.path("again").join("chain.json")).unwrap();
    assert_eq!(
        report.matches("\"state\": \"reused\"").count(),
        11,
        "{report}"
    );
    assert!(!report.contains("\"state\": \"built\""), "{report}");
}

#[test]
fn a_circle_nobody_breaks_is_explained() {
    let world = World::of(&somebody());
    write_all(&world);
    fs::remove_file(world.path("stack/rpmkit.toml")).unwrap();
    let stack = world.path("stack").display().to_string();
    world.rpmkit(&["chain", &stack]).expect(4).says(&[
        "ring-a needs `ring-c` of ring-c",
        "bootstrap = [\"ring-a\"]",
    ]);
}
