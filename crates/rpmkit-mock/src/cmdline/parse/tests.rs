#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|w| (*w).to_owned()).collect()
}

fn read(line: &[&str]) -> ParsedWords {
    parse(&words(line)).unwrap()
}

#[track_caller]
fn refused(line: &[&str], message: &str) {
    assert_eq!(parse(&words(line)), Err(Ending::Bad(message.to_owned())));
}

/// mock's parser has 88 entries and 100 spellings.
#[test]
fn the_table_is_complete_and_unambiguous() {
    assert_eq!(ENTRIES.len(), 88);
    let mut names: Vec<&str> = ENTRIES
        .iter()
        .flat_map(|e| e.names.iter().copied())
        .collect();
    assert_eq!(names.len(), 100);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 100);
}

#[test]
fn the_last_mode_wins() {
    let parsed = read(&[
        "--chroot",
        "--resultdir",
        "/tmp/x",
        "--copyin",
        "a.spec",
        "/var/tmp",
    ]);
    assert_eq!(parsed.mode, Some(Word::CopyIn));
    assert_eq!(parsed.words, ["a.spec", "/var/tmp"]);
    assert_eq!(read(&[]).mode, None);
}

#[test]
fn options_stand_anywhere_even_in_a_command() {
    let parsed = read(&["--shell", "ls", "-l", "/x"]);
    assert!(parsed.options.list_snapshots);
    assert_eq!(parsed.words, ["ls", "/x"]);
    let parsed = read(&["a.src.rpm", "-r", "fedora", "--resultdir=/r"]);
    assert_eq!(parsed.options.root.unwrap(), "fedora");
    assert_eq!(parsed.options.resultdir.unwrap(), "/r");
}

#[test]
fn what_follows_the_separator_is_words() {
    let parsed = read(&["--shell", "--", "rpm", "-q", "--qf", "x", "--", "-n"]);
    assert_eq!(parsed.words, ["--", "rpm", "-q", "--qf", "x", "--", "-n"]);
    assert_eq!(parsed.options, Options::default());
}

#[test]
fn unknown_options_are_words() {
    let parsed = read(&[
        "--nosuch",
        "-r",
        "x",
        "--bootstrap-image-ready",
        "-Z",
        "--who=me",
    ]);
    assert_eq!(
        parsed.words,
        ["--nosuch", "--bootstrap-image-ready", "-Z", "--who=me"]
    );
}

#[test]
fn unambiguous_abbreviations_are_options() {
    assert_eq!(read(&["--reb"]).mode, Some(Word::Rebuild));
    assert_eq!(read(&["--unique=x"]).options.uniqueext.unwrap(), "x");
    refused(
        &["--enable", "x"],
        "ambiguous option: --enable could match --enablerepo, --enable-network, --enable-plugin",
    );
    // A full name is never ambiguous.
    assert!(read(&["--debug-config"]).mode == Some(Word::DebugConfig));
    assert!(read(&["--with", "x"]).options.with == ["x"]);
}

#[test]
fn short_options_glue_and_cluster() {
    let parsed = read(&["-rfedora", "-D", "a b", "-Dc d", "-nvN"]);
    assert_eq!(parsed.options.root.unwrap(), "fedora");
    assert_eq!(parsed.options.define, ["a b", "c d"]);
    assert!(parsed.options.no_clean && parsed.options.cleanup_after == Some(false));
    assert_eq!(parsed.options.verbosity, rpmkit_cli::Verbosity::Verbose);
    assert_eq!(read(&["-nr", "x"]).options.root.unwrap(), "x");
    assert_eq!(read(&["-r=x"]).options.root.unwrap(), "x");
    refused(
        &["-nX"],
        "argument -n/--no-clean: ignored explicit argument 'X'",
    );
}

#[test]
fn values_are_counted() {
    refused(&["-r"], "argument -r/--root: expected one argument");
    refused(
        &["--spec", "--sources", "x"],
        "argument --spec: expected one argument",
    );
    refused(
        &["--hermetic-build", "a"],
        "argument --hermetic-build: expected 2 arguments",
    );
    refused(
        &["--init=x"],
        "argument --init: ignored explicit argument 'x'",
    );
    // What looks like an option but has a blank, or is a number, is a value.
    assert_eq!(
        read(&["--rpmbuild-opts", "-x -y"])
            .options
            .rpmbuild_opts
            .unwrap(),
        "-x -y"
    );
    assert_eq!(
        read(&["--rpmbuild_timeout", "-5"]).options.rpmbuild_timeout,
        Some(-5)
    );
    // But not one that is unknown: argparse takes it for an option.
    refused(
        &["--rpmbuild-opts", "-x"],
        "argument --rpmbuild-opts: expected one argument",
    );
    assert_eq!(
        read(&["--rpmbuild-opts=-x"]).options.rpmbuild_opts.unwrap(),
        "-x"
    );
    assert_eq!(read(&["--cwd", "--", "/x"]).options.cwd.unwrap(), "/x");
}

#[test]
fn choices_and_numbers_are_checked() {
    refused(
        &["--scrub", "everything"],
        "argument --scrub: invalid choice: 'everything' (choose from 'chroot', 'cache', 'root-cache', 'c-cache', \
         'yum-cache', 'dnf-cache', 'lvm', 'overlayfs', 'bootstrap', 'all')",
    );
    refused(
        &["--rpmbuild_timeout", "soon"],
        "argument --rpmbuild_timeout: invalid int value: 'soon'",
    );
}

#[test]
fn help_and_version_end_at_once() {
    assert_eq!(parse(&words(&["-h", "-r"])), Err(Ending::Help));
    assert_eq!(parse(&words(&["--version"])), Err(Ending::Version));
    // What stands before is still checked.
    refused(
        &["--init=x", "--version"],
        "argument --init: ignored explicit argument 'x'",
    );
}

#[test]
fn characters_of_several_bytes_do_no_harm() {
    assert_eq!(
        read(&["-é", "--ünknown", "-", "é"]).words,
        ["-é", "--ünknown", "-", "é"]
    );
    assert_eq!(read(&["-Dé é"]).options.define, ["é é"]);
}
