#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::cmdline::{RepoSwitch, parse};

fn request(line: &[&str]) -> Result<MockRequest, Failure> {
    let words: Vec<String> = line.iter().map(|w| (*w).to_owned()).collect();
    MockRequest::new(
        parse(&words).expect("argparse accepts the line"),
        &Host::read().unwrap(),
    )
}

#[track_caller]
fn accepted(line: &[&str], mode: &Mode, words: &[&str]) -> MockRequest {
    let request = request(line).unwrap_or_else(|f| panic!("{line:?}: {f}"));
    assert_eq!(&request.mode, mode, "{line:?}");
    assert_eq!(request.words, words, "{line:?}");
    request
}

#[track_caller]
fn refused(line: &[&str], message: &str) {
    let failure = request(line).expect_err("the line is wrong");
    assert_eq!(
        (failure.message.as_str(), failure.code),
        (message, 5),
        "{line:?}"
    );
}

const REBUILD: Mode = Mode::Rebuild { calculate: false };

#[test]
fn rpkgs_command_lines_are_accepted() {
    let r = accepted(
        &[
            "--no-clean",
            "--no-cleanup-after",
            "--with",
            "a-b",
            "--without",
            "c",
            "--enablerepo",
            "x",
            "--disablerepo",
            "y",
            "--enablerepo",
            "z",
            "--enable-network",
            "--quiet",
            "--configdir",
            "/tmp/cfg",
            "-r",
            "fedora-43",
            "--resultdir",
            "/tmp/res",
            "--rebuild",
            "a.src.rpm",
        ],
        &REBUILD,
        &["a.src.rpm"],
    );
    assert_eq!(
        r.macros,
        [
            ("%_with_a_b".to_owned(), "--with-a-b".to_owned()),
            ("%_without_c".to_owned(), "--without-c".to_owned())
        ]
    );
    assert_eq!(
        r.options.repo_switches,
        [
            (RepoSwitch::Enable, "x".to_owned()),
            (RepoSwitch::Disable, "y".to_owned()),
            (RepoSwitch::Enable, "z".to_owned())
        ]
    );
    accepted(
        &[
            "-r",
            "f",
            "--chroot",
            "--resultdir",
            "/t",
            "--copyin",
            "a.spec",
            "/var/tmp",
        ],
        &Mode::CopyIn,
        &["a.spec", "/var/tmp"],
    );
    accepted(
        &[
            "-r",
            "f",
            "--chroot",
            "--resultdir",
            "/t",
            "--shell",
            "--",
            "rpm",
            "--define",
            "a b",
            "-q",
            "--qf",
            "??%{NAME}??",
            "--specfile",
            "/var/tmp/a.spec",
            "> /var/tmp/output",
        ],
        &Mode::Shell,
        &[
            "rpm",
            "--define",
            "a b",
            "-q",
            "--qf",
            "??%{NAME}??",
            "--specfile",
            "/var/tmp/a.spec",
            "> /var/tmp/output",
        ],
    );
    accepted(
        &[
            "-r",
            "f",
            "--chroot",
            "--resultdir",
            "/t",
            "--copyout",
            "/var/tmp/output",
            "/t",
        ],
        &Mode::CopyOut,
        &["/var/tmp/output", "/t"],
    );
    accepted(&["-r", "f", "--shell"], &Mode::Shell, &[]);
    accepted(
        &["--buildsrpm", "--sources", "/s", "--spec", "/s/a.spec"],
        &Mode::BuildSrpm,
        &[],
    );
    accepted(
        &[
            "--additional-package",
            "x",
            "--no-cleanup-after",
            "-r",
            "f",
            "--rebuild",
            "a.src.rpm",
        ],
        &REBUILD,
        &["a.src.rpm"],
    );
}

#[test]
fn kojis_command_lines_are_accepted() {
    let r = accepted(
        &[
            "-r",
            "koji/f43-build-1-2",
            "--new-chroot",
            "--bootstrap-image-ready",
            "--init",
        ],
        &Mode::Init,
        &["--bootstrap-image-ready"],
    );
    assert_eq!(r.root(), "koji/f43-build-1-2");
    assert_eq!(r.isolation, Some(IsolationFlag::Nspawn));
    assert_eq!(r.deprecations.len(), 1);
    accepted(
        &["-r", "koji/x", "--old-chroot", "--chroot", "uname -r"],
        &Mode::Chroot,
        &["uname -r"],
    );
    accepted(
        &[
            "-r",
            "koji/x",
            "--no-clean",
            "--target",
            "noarch",
            "--chroot",
            "--",
            "rpm",
            "--define",
            "_topdir /d",
            "-iv",
            "/a.src.rpm",
        ],
        &Mode::Chroot,
        &["rpm", "--define", "_topdir /d", "-iv", "/a.src.rpm"],
    );
    accepted(
        &[
            "-r",
            "koji/x",
            "--no-clean",
            "--unpriv",
            "--cwd",
            "/d",
            "--chroot",
            "make",
            "sources",
        ],
        &Mode::Chroot,
        &["make", "sources"],
    );
    accepted(
        &[
            "-r",
            "koji/x",
            "--no-clean",
            "--buildsrpm",
            "--spec",
            "a.spec",
            "--sources",
            "/d",
            "--target",
            "noarch",
        ],
        &Mode::BuildSrpm,
        &[],
    );
    accepted(
        &[
            "-r",
            "koji/x",
            "--no-clean",
            "--target",
            "i686",
            "--rebuild",
            "a.src.rpm",
        ],
        &REBUILD,
        &["a.src.rpm"],
    );
    accepted(
        &[
            "-r",
            "koji/x",
            "--no-clean",
            "--chroot",
            "--unpriv",
            "--cwd",
            "/d",
            "--",
            "/usr/bin/mvn",
            "-B",
        ],
        &Mode::Chroot,
        &["/usr/bin/mvn", "-B"],
    );
    accepted(
        &["-r", "koji/x", "--no-clean", "--install", "a", "b"],
        &Mode::Install,
        &["a", "b"],
    );
}

#[test]
fn coprs_command_lines_are_accepted() {
    let r = accepted(
        &[
            "--spec",
            "a.spec",
            "--sources",
            "/d",
            "--resultdir",
            "/r",
            "--uniqueext",
            "1767323045.6789",
            "-r",
            "/r/configs/child.cfg",
            "--with",
            "x",
            "--no-cleanup-after",
        ],
        &REBUILD,
        &[],
    );
    assert_eq!(r.options.uniqueext.as_deref(), Some("1767323045.6789"));
    accepted(
        &[
            "-r",
            "/r/child.cfg",
            "--uniqueext",
            "1.2",
            "--scrub",
            "bootstrap",
            "--scrub",
            "chroot",
            "--scrub",
            "root-cache",
            "--quiet",
        ],
        &Mode::Scrub(vec![
            ScrubTarget::Bootstrap,
            ScrubTarget::Chroot,
            ScrubTarget::RootCache,
        ]),
        &[],
    );
    accepted(
        &[
            "-r",
            "c.cfg",
            "--buildsrpm",
            "--spec",
            "a.spec",
            "--resultdir",
            "/r",
            "--define",
            "K V",
        ],
        &Mode::BuildSrpm,
        &[],
    );
    let r = accepted(
        &[
            "--uniqueext",
            "1.2",
            "-r",
            "c.cfg",
            "--plugin-option=bind_mount:dirs=((\"/a\", \"/b\"), (\"/c\", \"/d\"))",
            "--chroot",
            "cd /d && make -f x srpm",
        ],
        &Mode::Chroot,
        &["cd /d && make -f x srpm"],
    );
    assert_eq!(
        r.plugin_options,
        [PluginOption {
            plugin: "bind_mount".into(),
            key: "dirs".into(),
            value: "((\"/a\", \"/b\"), (\"/c\", \"/d\"))".into()
        }]
    );
    accepted(
        &["-r", "c.cfg", "--shell", "chmod a+rx /script"],
        &Mode::Shell,
        &["chmod a+rx /script"],
    );
    accepted(
        &["-r", "c.cfg", "--unpriv", "--chroot", "/script"],
        &Mode::Chroot,
        &["/script"],
    );
    accepted(
        &["-r", "c.cfg", "--scrub", "all"],
        &Mode::Scrub(vec![ScrubTarget::All]),
        &[],
    );
}

#[test]
fn command_lines_of_tito_packit_and_rebase_helper_are_accepted() {
    accepted(&["--configdir=/c", "-r", "tag", "--init"], &Mode::Init, &[]);
    accepted(
        &["-r", "tag", "--copyout", "/builddir/build/RPMS/", "/out"],
        &Mode::CopyOut,
        &["/builddir/build/RPMS/", "/out"],
    );
    accepted(
        &["--root", "r", "--resultdir", "/d", "a.src.rpm"],
        &REBUILD,
        &["a.src.rpm"],
    );
    let r = accepted(
        &[
            "--isolation",
            "simple",
            "--rebuild",
            "a.src.rpm",
            "--resultdir",
            "/d",
            "--arch",
            "x86_64",
        ],
        &REBUILD,
        &["a.src.rpm"],
    );
    assert_eq!(r.isolation, Some(IsolationFlag::Simple));
}

#[test]
fn command_lines_of_fedora_review_konflux_and_anda_are_accepted() {
    accepted(
        &["-r", "f", "--uniqueext=e", "install", "a.rpm", "b.rpm"],
        &Mode::Install,
        &["a.rpm", "b.rpm"],
    );
    accepted(
        &["-q", "--chroot", "--", "rpm --eval %_topdir"],
        &Mode::Chroot,
        &["rpm --eval %_topdir"],
    );
    accepted(
        &["--shell", "rm -f /var/lib/rpm/__db*"],
        &Mode::Shell,
        &["rm -f /var/lib/rpm/__db*"],
    );
    accepted(
        &[
            "-r",
            "/mock.cfg",
            "--spec",
            "S",
            "--sources",
            "/s",
            "--resultdir",
            "/r",
            "--calculate-build-dependencies",
        ],
        &Mode::Rebuild { calculate: true },
        &[],
    );
    let r = accepted(
        &[
            "--disable-plugin=expand_spec",
            "--hermetic-build",
            "L",
            "R",
            "--spec",
            "S",
            "--sources",
            "/s",
            "--resultdir",
            "/r",
        ],
        &REBUILD,
        &[],
    );
    assert_eq!(r.root(), "hermetic-build");
    let r = accepted(
        &[
            "-r",
            "c",
            "--target",
            "t",
            "-a",
            "u1",
            "-a",
            "u2",
            "-D",
            "M V",
            "--config-opts",
            "mirrored=False",
            "--scm-enable",
            "--scm-option",
            "k=v",
            "--buildsrpm",
            "--resultdir",
            "/t",
            "--enable-network",
        ],
        &Mode::BuildSrpm,
        &[],
    );
    assert_eq!(
        (r.options.addrepo.len(), r.options.config_opts[0].as_str()),
        (2, "mirrored=False")
    );
}

#[test]
fn old_style_verbs_count_only_first_and_without_a_mode() {
    accepted(&["clean"], &Mode::Clean, &[]);
    accepted(&["--rebuild", "clean"], &REBUILD, &["clean"]);
    accepted(&["chroot", "--", "ls", "-l"], &Mode::Chroot, &["ls", "-l"]);
}

#[test]
fn some_flags_override_the_mode() {
    accepted(&["-r", "x", "-p"], &Mode::PrintRootPath, &[]);
    accepted(&["-l"], &Mode::ListSnapshots, &[]);
    accepted(&["--scrub-all-chroots"], &Mode::ScrubAllChroots, &[]);
    accepted(
        &["--init", "--scrub=all"],
        &Mode::Scrub(vec![ScrubTarget::All]),
        &[],
    );
}

#[test]
fn macros_keep_their_order_and_the_last_body() {
    let r = request(&["-D", "a 1", "-D", " %b  2 ", "-D", "a 3", "a.src.rpm"]).unwrap();
    assert_eq!(
        r.macros,
        [
            ("%a".to_owned(), "3".to_owned()),
            ("%b".to_owned(), " 2".to_owned())
        ]
    );
}

#[test]
fn mocks_complaints_are_made_in_its_words() {
    refused(
        &["--target", "a,b"],
        "--target option accepts only one arch. Invalid: a,b",
    );
    refused(
        &["--buildsrpm"],
        "Must specify both --spec and --sources with --buildsrpm",
    );
    refused(
        &["--localrepo", "/x"],
        "The --localrepo option works only with --chain",
    );
    refused(
        &["--recurse"],
        "Only --chain mode supports --recurse build algorithm",
    );
    refused(
        &["-c", "x"],
        "Only --chain mode supports --continue build algorithm",
    );
    refused(
        &["--init", "--additional-package", "x"],
        "The --additional-package option requires the --rebuild mode",
    );
    refused(
        &["-D", "x"],
        "Bad option for '--define' (x).  Use --define 'macro expr'",
    );
    refused(
        &["--macro-file", "/nonexistent"],
        "Input rpm macros file does not exist: /nonexistent",
    );
    refused(
        &["--isolation", "vm"],
        "Bad option for '--isolation'. Unknown value: vm",
    );
    refused(
        &["a.src.rpm", "b.src.rpm"],
        "Must specify --resultdir when building multiple RPMS.",
    );
    refused(
        &["--chain", "--resultdir", "/x"],
        "The --chain mode doesn't support --resultdir, use --localrepo instead",
    );
    refused(
        &["--hermetic-build", "a", "b", "--init"],
        "--rebuild mode needed with --hermetic-build",
    );
    refused(
        &["--plugin-option", "x"],
        "Bad option for '--plugin-option' (x).  Use --plugin-option 'plugin:key=value'",
    );
    refused(
        &["--plugin-option", "x:a=b"],
        "Bad option for '--plugin-option' (x:a=b).  No such plugin: x",
    );
    let failure = request(&["--enable-plugin", "nosuch"]).unwrap_err();
    assert!(
        failure
            .message
            .starts_with("Bad option for '--enable-plugin=nosuch'. Expecting one of: ['tmpfs', "),
        "{failure}"
    );
}
