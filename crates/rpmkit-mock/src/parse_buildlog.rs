//! `mock-parse-buildlog`: which files a failed build had too many or too few of.

use std::{collections::BTreeSet, ffi::OsString, path::PathBuf};

use clap::{CommandFactory, Parser};
use rpmkit_cli::{Context, Face, Failure, Status, Verb, VerbResult, frame};

/// `mock-parse-buildlog`.
pub static VERB: Verb = Verb {
    name: "parse-buildlog",
    face: Face::Mock,
    command: Args::command,
    run,
};

/// Say which files of a build are not in %files, or in %files and not there
#[derive(Debug, Parser)]
#[command(name = "mock-parse-buildlog", version, max_term_width = 100)]
struct Args {
    /// The build.log
    #[arg(short, long, value_name = "FILE", required = true, value_hint = clap::ValueHint::FilePath)]
    path: PathBuf,
}

/// Logs of a few hundred megabytes exist; nobody reads larger ones.
const MOST: u64 = 1 << 30;

fn run(cx: &mut Context, args: Vec<OsString>) -> VerbResult {
    let args: Args = match frame::parse(cx, args) {
        Ok(args) => args,
        Err(ended) => return ended,
    };
    let path = cx.host.cwd.join(&args.path);
    let cannot = |error: std::io::Error| {
        Failure::general(format!(
            "There was an error opening {}, {error}",
            args.path.display()
        ))
    };
    if std::fs::metadata(&path).map_err(cannot)?.len() > MOST {
        return Err(Failure::general(format!(
            "{} is larger than 1 GiB",
            args.path.display()
        )));
    }
    let bytes = std::fs::read(&path).map_err(cannot)?;
    let Some((verdict, files)) = verdict(&String::from_utf8_lossy(&bytes)) else {
        cx.printer
            .line("ERROR: Couldn't recognize the error that caused the build failure.");
        return Ok(Status::OK);
    };
    cx.printer.data(format!("Error type: {verdict}"));
    cx.printer.data("Problematic files: ");
    for file in files {
        cx.printer.data(file);
    }
    Ok(Status::OK)
}

const UNPACKAGED: &str =
    "Build failed because problematic files are in %buildroot but not in %files";
const DELETED: &str = "Build failed because problematic files are in %files but not in %buildroot";

/// What a log tells, and the files.
fn verdict(log: &str) -> Option<(&'static str, BTreeSet<String>)> {
    let mut found: Option<&'static str> = None;
    let mut files = BTreeSet::new();
    for line in log.lines() {
        let line = line.strip_prefix("BUILDSTDERR:").unwrap_or(line).trim();
        if let Some(path) = line.strip_prefix("File not found:") {
            found = Some(DELETED);
            files.insert(path.trim().to_owned());
        } else if line.starts_with("Installed (but unpackaged) file(s) found:") {
            found = Some(UNPACKAGED);
        } else if found == Some(UNPACKAGED) && line.starts_with('/') {
            files.insert(line.to_owned());
        } else if found.is_some() && line.is_empty() {
            break;
        }
    }
    found.map(|verdict| (verdict, files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_verdicts_are_found() {
        let log = "+ make\nerror: Installed (but unpackaged) ...\n\
                   BUILDSTDERR:    Installed (but unpackaged) file(s) found:\n   /usr/bin/b\n   /usr/bin/a\n\n   /no\n";
        let (said, files) = verdict(log).unwrap_or_default();
        assert_eq!(said, UNPACKAGED);
        assert_eq!(Vec::from_iter(files), ["/usr/bin/a", "/usr/bin/b"]);
        let (said, files) = verdict("    File not found: /b/usr/x\n").unwrap_or_default();
        assert_eq!((said, files.len()), (DELETED, 1));
        assert_eq!(verdict("all is well\n"), None);
    }
}
