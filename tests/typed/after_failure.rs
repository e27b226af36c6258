//! What can be done after a build has failed: look into it, mend it, go on.

use std::fs;

use rpmkit_tests::{World, everybody, somebody};

const SPEC: &str = "Name: demo
Version: 1
Release: 1
Summary: A package that fails
License: MIT
BuildArch: noarch

%description
It fails.

%prep
%setup -q -c -T

%build
echo built > made

%install
test -f made
false
mkdir -p %{buildroot}/usr/share
cp made %{buildroot}/usr/share/demo

%files
/usr/share/demo
";

#[test]
fn a_failed_build_is_looked_into_and_gone_on_with() {
    for who in everybody() {
        let world = World::of(&who);
        let spec = world.write("demo/demo.spec", SPEC);
        let top = world.path("demo").display().to_string();
        world
            .rpmkit(&["build", &top])
            .expect(1)
            .says(&["`%install` failed at `false`", "demo/demo.spec:19"]);
        let results = fs::read_dir(world.path("demo/results")).unwrap();
        let chroot = results
            .filter_map(Result::ok)
            .find(|entry| entry.path().is_dir())
            .unwrap();
        assert!(
            chroot.path().join("demo-1-1/demo-1-1.src.rpm").is_file(),
            "{}",
            who.name
        );
        // A source package that is given as such has its lines too.
        let srpm = chroot.path().join("demo-1-1/demo-1-1.src.rpm");
        let apart = world.path("apart").display().to_string();
        world
            .rpmkit(&["build", &srpm.display().to_string(), "--resultdir", &apart])
            .expect(1)
            .says(&["`%install` failed at `false`", "demo.spec:19"]);
        // The log is asked for without a chroot.
        let log = world
            .run("rpmkit", &["log", &top, "--section", "build"])
            .expect(0);
        assert!(
            log.stdout.contains("+ echo built") && !log.stdout.contains("test -f"),
            "{}",
            log.stdout
        );
        world
            .run("rpmkit", &["log", &top, "--section", "check"])
            .expect(1);
        let history = world.run("rpmkit", &["history"]).expect(0);
        assert!(
            history.stdout.contains("✗") && history.stdout.contains("demo-1-1"),
            "{}",
            history.stdout
        );
        // Whatever is built in the same chroot in the meantime, the failed build stays as it was.
        world.write(
            "other/other.spec",
            &SPEC.replace("Name: demo", "Name: other"),
        );
        let other = world.path("other").display().to_string();
        world.rpmkit(&["build", &other]).expect(1);
        let conf = rpmkit_tests::stage().join("conf").display().to_string();
        let chroot = rpmkit_tests::chroot();
        let kept = world.rpmkit(&["snap", "list"]).expect(0);
        assert!(kept.stdout.contains("failed-demo-1-1"), "{}", kept.stdout);
        let looked = world.run(
            "rpmkit",
            &[
                "shell",
                &top,
                "--configdir",
                &conf,
                "-r",
                &chroot,
                "--",
                "cat made; pwd; echo $RPM_PACKAGE_NAME; id -un; exit 7",
            ],
        );
        let looked = looked.expect(7);
        for text in ["built", "demo-1\n", "demo\n", "mockbuild"] {
            assert!(looked.stdout.contains(text), "`{text}`: {}", looked.stdout);
        }
        let why = world.rpmkit(&["why", "bash", &top]).expect(0);
        assert!(
            why.stdout.starts_with("the minimal root: install") && why.stdout.contains("iB  for "),
            "{}",
            why.stdout
        );
        world.rpmkit(&["why", "nosuch", &top]).expect(1);
        fs::write(&spec, SPEC.replace("false\n", "")).unwrap();
        let built = world
            .rpmkit(&["build", &top, "--from", "install"])
            .expect(0);
        let package = built
            .stdout
            .lines()
            .find(|line| line.ends_with(".noarch.rpm"))
            .unwrap();
        // rpm's own mark, which keeps such packages from being installed.
        let bytes = fs::read(package).unwrap();
        assert!(
            bytes.windows(14).any(|part| part == b"ShortCircuited"),
            "{}",
            who.name
        );
    }
}

/// A spec that fails where a macro says so, and whose `%install` sees whether `%build` ran again.
const STOPS: &str = "Name: stops
Version: 1
Release: 1
Summary: A package that fails where it is told to
License: MIT
BuildArch: noarch

%description
It fails.

%prep
%setup -q -c -T
%{?stop_prep:false}

%build
echo built >> made
%{?stop_build:false}

%install
test $(wc -l < made) -eq %{?ran}%{!?ran:1}
mkdir -p %{buildroot}/usr/share
cp made %{buildroot}/usr/share/stops
%{?stop_install:false}

%check
test -f %{buildroot}/usr/share/stops
%{?stop_check:false}

%files
/usr/share/stops
%{?stop_files:/nosuch}
";

#[test]
fn every_section_can_be_gone_on_from() {
    for who in everybody() {
        let world = World::of(&who);
        world.write("stops/stops.spec", STOPS);
        let top = world.path("stops").display().to_string();
        // How often `%build` has run when `%install` looks.
        let sections = [
            ("prep", 1),
            ("build", 2),
            ("install", 1),
            ("check", 1),
            ("files", 1),
        ];
        for (section, ran) in sections {
            let (stop, ran) = (format!("stop_{section} 1"), format!("ran {ran}"));
            world.rpmkit(&["build", &top, "--define", &stop]).expect(1);
            let built = world
                .rpmkit(&["build", &top, "--from", section, "--define", &ran])
                .expect(0);
            let package = built
                .stdout
                .lines()
                .find(|line| line.ends_with(".noarch.rpm"))
                .unwrap();
            let bytes = fs::read(package).unwrap();
            let marked = bytes.windows(14).any(|part| part == b"ShortCircuited");
            assert_eq!(marked, section != "prep", "{section} as {}", who.name);
            fs::remove_dir_all(world.path("stops/results")).unwrap();
        }
        // In a clean chroot there is nothing to go on from.
        world.rpmkit(&["snap", "clean"]).expect(0);
        world
            .rpmkit(&["build", &top, "--from", "install"])
            .expect(1)
            .says(&["there is nothing to go on from"]);
    }
}

#[test]
fn two_results_are_compared() {
    for who in everybody() {
        compare(&who);
    }
}

fn compare(who: &rpmkit_tests::Who) {
    let world = World::of(who);
    let good = SPEC.replace("false\n", "");
    world.write("one/demo.spec", &good);
    let more = good
        .replace("cp made", "chmod 700 made\ncp -p made")
        .replace(
            "BuildArch: noarch",
            "BuildArch: noarch\nRequires: bash\nBuildRequires: bison",
        );
    world.write("two/demo.spec", &more);
    let (one, two) = (world.path("one"), world.path("two"));
    let (one, two) = (one.display().to_string(), two.display().to_string());
    world.rpmkit(&["build", &one, &two]).expect(0);
    world.run("rpmkit", &["diff", &one, &one]).expect(0);
    let differs = world.run("rpmkit", &["diff", &one, &two]).expect(1).stdout;
    for text in [
        "+ package bison",
        "+ requires bash",
        "file /usr/share/demo: 0644",
        "-> 0700",
    ] {
        assert!(differs.contains(text), "`{text}` is not in\n{differs}");
    }
}

#[test]
fn a_missing_line_is_written_into_the_spec() {
    let world = World::of(&somebody());
    let spec = world.write(
        "demo/demo.spec",
        &SPEC
            .replace("false\n", "")
            .replace("echo built", "bison --version"),
    );
    let top = world.path("demo").display().to_string();
    world
        .rpmkit(&["build", &top])
        .expect(1)
        .says(&["add `BuildRequires: bison` to the spec"]);
    world.rpmkit(&["build", &top, "--fix"]).expect(0);
    let text = fs::read_to_string(spec).unwrap();
    assert!(text.contains("BuildRequires:  bison\n"), "{text}");
}

#[test]
fn hints_look_into_file_lists_and_reports_do_not_fetch_them() {
    let world = World::alone(&somebody());
    world.write(
        "demo/a.c",
        "#include <zlib.h>\nint main(void) { return 0; }\n",
    );
    let spec = SPEC
        .replace("BuildArch: noarch", "Source0: a.c\nBuildRequires: gcc")
        .replace("echo built > made", "gcc -c %{SOURCE0}");
    world.write("demo/demo.spec", &spec);
    let top = world.path("demo").display().to_string();
    world
        .rpmkit(&["build", &top])
        .expect(1)
        .says(&["the header `zlib.h`", "not at hand"]);
    let told = world.rpmkit(&["hint", &top]).expect(0);
    assert!(
        told.stdout
            .starts_with("add `BuildRequires: pkgconfig(zlib)`"),
        "{}",
        told.stdout
    );
}

#[test]
fn a_requirement_on_a_path_that_only_file_lists_know_is_met() {
    let world = World::of(&somebody());
    let spec = SPEC
        .replace(
            "BuildArch: noarch",
            "BuildArch: noarch\nBuildRequires: /usr/include/zlib.h",
        )
        .replace("false\n", "test -f /usr/include/zlib.h\n");
    world.write("demo/demo.spec", &spec);
    world
        .rpmkit(&["build", &world.path("demo").display().to_string()])
        .expect(0);
}

#[test]
fn every_stage_of_mocks_short_circuit_goes_on_in_the_same_tree() {
    for who in everybody() {
        let world = World::of(&who);
        let spec = world.write("stops.spec", STOPS);
        world.write("sources/none", "");
        let (spec, sources) = (spec.display().to_string(), world.path("sources"));
        let (sources, out) = (sources.display().to_string(), world.path("out"));
        let out = out.display().to_string();
        let words = ["--spec", &spec, "--sources", &sources, "--resultdir", &out];
        world
            .mock(&[&["--buildsrpm"], &words[..]].concat())
            .expect(0);
        let srpm = world.path("out/stops-1-1.src.rpm").display().to_string();
        let rpm = world
            .mock(&["-q", "--chroot", "rpm --version"])
            .expect(0)
            .stdout;
        // Each with the sections that run, and the one before them, which does not.
        let stages = [
            ("prep", vec!["%prep"], "%none"),
            ("build", vec!["%build"], "%prep"),
            ("install", vec!["%install", "%check"], "%build"),
            ("binary", vec![], "%install"),
        ];
        for (stage, run, before) in stages {
            if stage == "prep" && !rpm.contains("4.18") {
                // rpm refuses that combination of its own since 4.20.
                continue;
            }
            let stop = match stage {
                "prep" => "stop_prep 1",
                "build" => "stop_build 1",
                "install" => "stop_install 1",
                _ => "stop_files 1",
            };
            let first = world.path(format!("first-{stage}")).display().to_string();
            let keep = ["--no-cleanup-after", "--resultdir", &first, &srpm];
            world
                .mock(&[&["--rebuild", "--define", stop], &keep[..]].concat())
                .expect(1);
            let then = world.path(format!("then-{stage}"));
            let shown = then.display().to_string();
            let again = ["--no-clean", "--no-cleanup-after", "--short-circuit", stage];
            let more = [
                "--define",
                "ran 1",
                "--resultdir",
                &shown,
                "--rebuild",
                &srpm,
            ];
            world.mock(&[&again[..], &more[..]].concat()).expect(0);
            let log = fs::read_to_string(then.join("build.log")).unwrap();
            for section in &run {
                assert!(
                    log.contains(&format!("Executing({section})")),
                    "{stage}: {log}"
                );
            }
            assert!(
                !log.contains(&format!("Executing({before})")),
                "{stage}: {log}"
            );
        }
        world.mock(&["--clean"]).expect(0);
    }
}
