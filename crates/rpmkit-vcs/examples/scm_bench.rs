//! What an archive with times from history costs, beside `git archive` and beside one git call a
//! file: `cargo run --release -p rpmkit-vcs --example scm_bench [COMMITS FILES]`, or with `--json`
//! before the numbers one line for `cargo xtask bench`.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::{
    error::Error,
    io::Write,
    process::{Command, Stdio},
    time::Instant,
};

use rpmkit_vcs::{
    ArchiveOptions, FileTimes, archive,
    git::{self, history},
};

fn main() -> Result<(), Box<dyn Error>> {
    let json = std::env::args().any(|word| word == "--json");
    let mut numbers = std::env::args()
        .skip(1)
        .filter(|word| word != "--json")
        .map(|word| word.parse::<usize>());
    let commits = numbers.next().transpose()?.unwrap_or(20_000);
    let files = numbers.next().transpose()?.unwrap_or(5_000);
    let dir = tempfile::tempdir()?;
    let git = || {
        let mut command = Command::new("git");
        command.current_dir(dir.path()).stdout(Stdio::null());
        command
    };
    git().args(["init", "-q", "-b", "main", "."]).status()?;
    // A file a commit, round and round, fifty to a directory.
    let mut import = git()
        .arg("fast-import")
        .arg("--quiet")
        .stdin(Stdio::piped())
        .spawn()?;
    let mut input = import.stdin.take().ok_or("no pipe to git")?;
    for at in 0..commits.max(files) {
        let file = at % files;
        let text = format!("file {file}, commit {at}\n");
        let time = 1_600_000_000 + at;
        write!(
            input,
            "commit refs/heads/main\ncommitter A <a@example.org> {time} +0000\ndata 1\nx\nM 644 inline d{}/f{file}\ndata {}\n{text}\n",
            file / 50,
            text.len()
        )?;
    }
    drop(input);
    import.wait()?;
    let repo = git::discover(dir.path())?;
    let head = git::resolve(&repo, "HEAD")?;

    let began = Instant::now();
    let times = history::file_times(&repo, &head, history::Clock::Author)?;
    let history = began.elapsed();
    if times.len() != files {
        return Err(format!("{} files have times, expected {files}", times.len()).into());
    }
    let mut options = ArchiveOptions::with_prefix("x-1");
    options.times = FileTimes::Each(times);
    archive::archive_commit(&repo, "HEAD", &dir.path().join("ours.tar"), &options)?;
    let ours = began.elapsed();

    let began = Instant::now();
    git()
        .args(["archive", "-o", "theirs.tar", "--prefix=x-1/", "HEAD"])
        .status()?;
    let theirs = began.elapsed();

    // As mock asks, but only for a few files.
    let sample = 20;
    let began = Instant::now();
    for file in 0..sample {
        let path = format!("d{}/f{file}", file / 50);
        git().args(["rev-list", "HEAD", "--", &path]).status()?;
    }
    let each = began.elapsed() * u32::try_from(files)? / sample;

    if json {
        println!(
            "{{\"archive\": {}, \"git_archive\": {}, \"per_file\": {}}}",
            ours.as_secs_f64(),
            theirs.as_secs_f64(),
            each.as_secs_f64()
        );
        return Ok(());
    }
    println!("{commits} commits, {files} files");
    println!("times from history      {:8.2} s", history.as_secs_f64());
    println!("archive with them       {:8.2} s", ours.as_secs_f64());
    println!(
        "git archive, no times   {:8.2} s   ours / it = {:.1}",
        theirs.as_secs_f64(),
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    println!(
        "one git call a file     {:8.0} s   it / ours = {:.0} (from {sample} files)",
        each.as_secs_f64(),
        each.as_secs_f64() / ours.as_secs_f64()
    );
    Ok(())
}
