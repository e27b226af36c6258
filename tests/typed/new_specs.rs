//! `rpmkit new`: a spec for a project that has none, built as it is.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use rpmkit_tests::{Who, World, everybody, finish, somebody, stage};

const MIT: &str = include_str!("../../LICENSE-MIT");

/// Lays a project out as somebody's.
fn project(world: &World, name: &str, files: &[(&str, &str)]) -> String {
    world.write(&format!("{name}/LICENSE"), MIT);
    for (file, text) in files {
        world.write(&format!("{name}/{file}"), text);
    }
    world.path(name).display().to_string()
}

/// Names of the packages a build left, without debugging ones.
fn packages(dir: &str) -> Vec<String> {
    let mut names: Vec<String> = walkdir::WalkDir::new(Path::new(dir).join("results"))
        .into_iter()
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".rpm") && !name.contains("-debug"))
        .collect();
    names.sort();
    names
}

/// Writes the spec and builds it, both as the user.
fn built(world: &World, dir: &str, more: &[&str]) -> Vec<String> {
    let mut args = vec!["new", "--yes", dir];
    args.extend(more);
    world.run("rpmkit", &args).expect(0);
    world.rpmkit(&["build", dir]).expect(0);
    packages(dir)
}

#[test]
fn a_python_program_is_built_as_everybody() {
    for who in everybody() {
        let world = World::of(&who);
        let dir = project(
            &world,
            "greet",
            &[
                (
                    "pyproject.toml",
                    "[build-system]\nrequires = ['setuptools', 'wheel']\nbuild-backend = 'setuptools.build_meta'\n\
                     [project]\nname = 'Py_Greet'\nversion = '1.0rc2'\ndescription = '100% friendly'\n\
                     [project.scripts]\npy-greet = 'py_greet:main'\n",
                ),
                ("src/py_greet/__init__.py", "def main():\n    print('hi')\n"),
            ],
        );
        assert_eq!(
            built(&world, &dir, &[]),
            [
                "py-greet-1.0~rc2-1.td1.noarch.rpm",
                "py-greet-1.0~rc2-1.td1.src.rpm"
            ]
        );
        let again = world.run("rpmkit", &["new", "--yes", dir.as_str()]);
        again
            .expect(5)
            .says(&["py-greet.spec` is there already", "--force"]);
    }
}

#[test]
fn autotools_cmake_and_meson_are_built() {
    let world = World::of(&somebody());
    let main = (
        "main.c",
        "#include <zlib.h>\nint main(void) { return zlibVersion()[0] != '1'; }\n",
    );
    let projects: [(&str, &[(&str, &str)]); 3] = [
        (
            "auto",
            &[
                (
                    "configure.ac",
                    "AC_INIT([auto], [1.2])\nAM_INIT_AUTOMAKE([foreign])\nAC_PROG_CC\nPKG_CHECK_MODULES([Z], [zlib])\n\
                     AC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n",
                ),
                (
                    "Makefile.am",
                    "bin_PROGRAMS = auto\nauto_SOURCES = main.c\nauto_LDADD = $(Z_LIBS)\n",
                ),
            ],
        ),
        (
            "cm",
            &[(
                "CMakeLists.txt",
                "cmake_minimum_required(VERSION 3.16)\nproject(cm VERSION 1.2 LANGUAGES C)\nfind_package(ZLIB REQUIRED)\n\
                 add_executable(cm main.c)\ntarget_link_libraries(cm ZLIB::ZLIB)\ninstall(TARGETS cm)\n",
            )],
        ),
        (
            "mes",
            &[(
                "meson.build",
                "project('mes', 'c', version: '1.2')\nz = dependency('zlib')\n\
                 executable('mes', 'main.c', dependencies: z, install: true)\n",
            )],
        ),
    ];
    for (name, files) in projects {
        let mut files = files.to_vec();
        files.push(main);
        let dir = project(&world, name, &files);
        let names = built(&world, &dir, &["--summary", "A program"]);
        assert_eq!(names.len(), 2, "{names:?}");
        assert!(
            names
                .iter()
                .all(|one| one.starts_with(&format!("{name}-1.2-1.td1."))),
            "{names:?}"
        );
    }
}

#[test]
fn a_go_program_is_built_with_what_it_needs_in_vendor() {
    let world = World::of(&somebody());
    let dir = project(
        &world,
        "gotool",
        &[
            (
                "go.mod",
                "module example.org/gotool\n\ngo 1.19\n\nrequire example.org/dep v0.1.0\n",
            ),
            (
                "main.go",
                "package main\n\nimport \"example.org/dep\"\n\nfunc main() { println(dep.Answer()) }\n",
            ),
            (
                "vendor/modules.txt",
                "# example.org/dep v0.1.0\n## explicit; go 1.19\nexample.org/dep\n",
            ),
            (
                "vendor/example.org/dep/dep.go",
                "package dep\n\nfunc Answer() int { return 42 }\n",
            ),
        ],
    );
    let names = built(
        &world,
        &dir,
        &["--version", "0.1", "--summary", "A program"],
    );
    assert_eq!(names.len(), 2, "{names:?}");
}

/// cargo is the tester's and may be out of the user's reach: the tester writes the spec, and the user
/// builds it, with the distribution's own cargo.
fn as_tester(world: &World, arguments: &[&str]) {
    let mut command = Command::new(stage().join("bin/rpmkit"));
    command
        .args(arguments)
        .current_dir(world.path(""))
        .stdin(Stdio::null());
    finish(command).expect(0);
}

/// Written by cargo for the workspace below.
const LOCK: &str = "version = 3\n\n[[package]]\nname = \"itoa\"\nversion = \"1.0.0\"\n\
                    source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n\
                    [[package]]\nname = \"one\"\nversion = \"1.2.0-rc.1\"\ndependencies = [\n \"itoa\",\n]\n\n\
                    [[package]]\nname = \"two\"\nversion = \"1.2.0-rc.1\"\ndependencies = [\n \"itoa\",\n]\n";

#[test]
fn a_rust_workspace_is_built_with_crates_vendored() {
    let who: Who = somebody();
    let world = World::of(&who);
    let member = |name: &str| {
        format!(
            "[package]\nname = '{name}'\nversion = '1.2.0-rc.1'\nedition = '2021'\nlicense = 'MIT'\n\
             description = 'Part of it'\n[dependencies]\nitoa = '1'\n"
        )
    };
    let (one, two) = (member("one"), member("two"));
    let code = "fn main() { println!(\"{}\", itoa::Buffer::new().format(42)); }\n";
    let dir = project(
        &world,
        "rws",
        &[
            (
                "Cargo.toml",
                "[workspace]\nresolver = '2'\nmembers = ['one', 'two']\n",
            ),
            ("one/Cargo.toml", &one),
            ("one/src/main.rs", code),
            ("two/Cargo.toml", &two),
            ("two/src/main.rs", code),
        ],
    );
    as_tester(&world, &["new", "--yes", &dir]);
    // What `cargo vendor` would fetch, where there is no network.
    for (path, text) in [
        (".cargo-checksum.json", "{\"files\":{},\"package\":null}"),
        (
            "Cargo.toml",
            "[package]\nname = 'itoa'\nversion = '1.0.0'\nedition = '2021'\n",
        ),
        (
            "src/lib.rs",
            "pub struct Buffer;\nimpl Buffer {\n    pub fn new() -> Self { Buffer }\n    \
             pub fn format(&self, n: i32) -> String { n.to_string() }\n}\n",
        ),
    ] {
        world.write(&format!("crates/vendor/itoa-1.0.0/{path}"), text);
    }
    world.write("crates/Cargo.lock", LOCK);
    let archive = format!("{dir}/rws-1.2.0~rc.1-vendor.tar.xz");
    let mut tar = world.host("tar");
    tar.args(["-cJf", &archive, "-C"]).arg(world.path("crates"));
    tar.args(["vendor", "Cargo.lock"]);
    finish(tar).expect(0);
    assert!(
        !Path::new(&dir).join("Cargo.lock").exists(),
        "the project is left as it was, but for the spec"
    );
    for entry in fs::read_dir(&dir).unwrap() {
        world.own(&entry.unwrap().path());
    }
    world.rpmkit(&["build", &dir]).expect(0);
    let names = packages(&dir);
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(
        names
            .iter()
            .all(|name| name.starts_with("rws-1.2.0~rc.1-1.td1.")),
        "{names:?}"
    );
}

#[test]
fn projects_that_make_no_sense_are_told_where() {
    let world = World::of(&somebody());
    let new = |dir: &str| world.run("rpmkit", &["new", "--yes", dir]);
    let empty = project(&world, "empty", &[]);
    new(&empty)
        .expect(5)
        .says(&["looks like none", "--template"]);
    let broken = project(
        &world,
        "broken",
        &[("pyproject.toml", "[project]\nname =\n")],
    );
    new(&broken).expect(1).says(&["pyproject.toml`, line 2"]);
    let vague = project(&world, "vague", &[("meson.build", "project('x', 'c')\n")]);
    new(&vague).expect(5).says(&[
        "does not tell its version and summary",
        "--version, --summary",
    ]);
    new("nowhere").expect(5).says(&["is no directory"]);
}
