//! `rpmkit repo`: a repository of results that others can use.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand};
use rpmkit_cli::{Context, Failure, Status, VerbResult, args::OutputArgs};
use rpmkit_core::{
    Error,
    build::BuildError,
    repo::{
        create::{CreateOptions, create},
        local::read_header,
    },
    results::owner::place_result,
    types::{Evr, is_source_package},
};
use rpmkit_fs::{Links, UntrustedTree};
use rpmkit_host::{HostCommand, HostError, Tool};

/// Make a repository of packages, renew, sign, prune or serve it
///
/// dnf uses it as `--repofrompath NAME,DIR`, or at the address that `rpmkit repo serve` prints.
#[derive(Debug, Clone, Args)]
pub struct RepoArgs {
    #[command(subcommand)]
    work: RepoWork,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Clone, Subcommand)]
enum RepoWork {
    /// Put packages into a repository and renew what it says of them
    Update {
        /// The repository, made where it is missing
        dir: PathBuf,
        /// Packages, or directories of them, such as result directories
        from: Vec<PathBuf>,
        /// Sign packages that come in, and the repository, with this key of gpg's
        #[arg(long, value_name = "KEY")]
        sign: Option<String>,
        /// Sign packages by this command of a shell's, which gets their names as "$@" [default: rpmsign]
        #[arg(long, value_name = "COMMAND", requires = "sign")]
        sign_command: Option<String>,
    },
    /// Remove all but the newest versions of each package
    Prune {
        /// The repository
        dir: PathBuf,
        /// Versions of each package to keep
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        keep: usize,
        /// Sign what the repository says then with this key of gpg's
        #[arg(long, value_name = "KEY")]
        sign: Option<String>,
        /// Only tell what would go
        #[arg(short = 'n', long)]
        dry_run: bool,
    },
    /// Serve a repository to programs of this machine until stopped
    Serve {
        /// The repository
        dir: PathBuf,
        /// Port of the loopback address; without it, a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
}

/// Does what is asked.
pub fn run(cx: &mut Context, args: &RepoArgs) -> VerbResult {
    cx.set_output(&args.output);
    match &args.work {
        RepoWork::Update {
            dir,
            from,
            sign,
            sign_command,
        } => {
            let dir = cx.host.cwd.join(dir);
            let from: Vec<PathBuf> = from.iter().map(|path| cx.host.cwd.join(path)).collect();
            let came = take_in(&dir, &from)?;
            if let Some(key) = sign {
                sign_packages(cx, key, sign_command.as_deref(), &came)?;
            }
            renew(cx, &dir, sign.as_deref())
        }
        RepoWork::Prune {
            dir,
            keep,
            sign,
            dry_run,
        } => {
            let dir = cx.host.cwd.join(dir);
            let gone = outdated(&packages(&dir)?, (*keep).max(1));
            for path in &gone {
                cx.printer.data(path.display().to_string());
            }
            if *dry_run || gone.is_empty() {
                return Ok(Status::OK);
            }
            // What it says goes first: nobody shall be sent to what is not there. Whoever reads along has the
            // packages until then.
            for path in &gone {
                fs::remove_file(path).map_err(cannot("remove", path))?;
            }
            renew(cx, &dir, sign.as_deref())
        }
        RepoWork::Serve { dir, port } => serve(cx, &cx.host.cwd.join(dir), *port),
    }
}

fn cannot(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let path = path.display().to_string();
    move |e| Failure::general(format!("cannot {action} `{path}`: {e}"))
}

/// Copies packages into the repository. Gives where they are then.
fn take_in(dir: &Path, from: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    fs::create_dir_all(dir).map_err(cannot("create", dir))?;
    let mut out = Vec::new();
    for path in from {
        let found = if path.is_dir() {
            packages(path)?
        } else {
            vec![path.clone()]
        };
        for package in found.iter().filter(|path| !is_source_package(path)) {
            let name = package.file_name().unwrap_or_default();
            place_result(package, dir, name).map_err(cannot("copy", package))?;
            out.push(dir.join(name));
        }
    }
    Ok(out)
}

/// All packages below a directory.
fn packages(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut out = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).map_err(cannot("read", &dir))?.flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let path = entry.path();
            if kind.is_dir() {
                todo.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|kind| kind == "rpm") {
                out.push(path);
            }
        }
    }
    out.sort();
    Ok(out)
}

/// Those of which there are `keep` newer ones of the same name and architecture.
fn outdated(paths: &[PathBuf], keep: usize) -> Vec<PathBuf> {
    let mut all: BTreeMap<(String, String), Vec<(Evr, PathBuf)>> = BTreeMap::new();
    for path in paths {
        // What is no package is nobody's older version.
        let Ok(package) = read_header(path) else {
            continue;
        };
        let nevra = package.nevra;
        all.entry((nevra.name, nevra.arch))
            .or_default()
            .push((nevra.evr, path.clone()));
    }
    let mut out = Vec::new();
    for mut versions in all.into_values() {
        versions.sort_by(|a, b| b.0.cmp(&a.0));
        out.extend(versions.into_iter().skip(keep).map(|(_, path)| path));
    }
    out.sort();
    out
}

/// Indexes the repository and, with a key, signs the index.
fn renew(cx: &Context, dir: &Path, key: Option<&str>) -> VerbResult {
    let options = CreateOptions {
        update: true,
        ..CreateOptions::default()
    };
    let made = create(dir, &options).map_err(|e| Error::from(BuildError::from(e)))?;
    if let Some(key) = key {
        let index = dir.join("repodata/repomd.xml");
        let signature = dir.join("repodata/repomd.xml.asc");
        let new = dir.join("repodata/.new-repomd.xml.asc");
        let words = [
            "--batch",
            "--yes",
            "--armor",
            "--detach-sign",
            "--local-user",
            key,
            "--output",
        ];
        let command = HostCommand::new(Tool::Users, "gpg", &cx.host.environment())
            .map(|command| command.args(words).args([&new]).args([&index]))
            .map_err(|e| started(&e, "gpg"))?;
        finish(&command, "gpg")?;
        fs::rename(&new, &signature).map_err(cannot("write", &signature))?;
    }
    cx.printer.say(format!(
        "{} has {} packages{}",
        dir.display(),
        made.packages,
        if key.is_some() { ", signed" } else { "" }
    ));
    Ok(Status::OK)
}

fn sign_packages(
    cx: &Context,
    key: &str,
    line: Option<&str>,
    packages: &[PathBuf],
) -> Result<(), Failure> {
    if packages.is_empty() {
        return Ok(());
    }
    let environment = cx.host.environment();
    let (program, command) = match line {
        Some(line) => (
            line,
            HostCommand::line(line, "sign", packages, &environment),
        ),
        None => {
            let define = format!("_gpg_name {key}");
            let command = HostCommand::new(Tool::Users, "rpmsign", &environment);
            let command =
                command.map(|c| c.args(["--define", &define, "--addsign"]).args(packages));
            ("rpmsign", command)
        }
    };
    finish(&command.map_err(|e| started(&e, program))?, program)
}

fn started(error: &HostError, program: &str) -> Failure {
    Failure::general(format!("cannot sign: {error}")).hint(format!(
        "install {program}, or name another command with `--sign-command`"
    ))
}

fn finish(command: &HostCommand, program: &str) -> Result<(), Failure> {
    let ended = command.output().map_err(|e| started(&e, program))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(Failure::general(format!(
        "cannot sign: `{program}` ended with {}: {}",
        ended.status,
        said.trim().lines().last().unwrap_or_default()
    )))
}

/// Longest request that is read.
const REQUEST: u64 = 16 << 10;
/// How long a client may take for its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers GET and HEAD on the loopback address.
fn serve(cx: &Context, dir: &Path, port: u16) -> VerbResult {
    let tree = UntrustedTree::open(dir, Links::Beneath)
        .map_err(|e| Failure::general(format!("cannot serve: {e}")))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map_err(|e| Failure::general(format!("cannot listen at port {port}: {e}")))?;
    let place = listener
        .local_addr()
        .map_err(|e| Failure::general(format!("cannot listen: {e}")))?;
    cx.printer.data(format!("http://{place}/"));
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            if rpmkit_cli::signals::stopped().is_some() {
                break;
            }
            let tree = &tree;
            if let Ok(stream) = stream {
                // A client that went away is its own matter.
                scope.spawn(move || drop(answer(stream, tree)));
            }
        }
    });
    Ok(Status::OK)
}

fn answer(mut stream: TcpStream, tree: &UntrustedTree) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream.try_clone()?.take(REQUEST)).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let mut words = request.split_whitespace();
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    if !["GET", "HEAD"].contains(&method) {
        return stream.write_all(
            b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
    let file = decoded(path).and_then(|path| tree.open_file(path).ok());
    let Some(mut file) = file else {
        return stream.write_all(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    };
    let length = file.metadata()?.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    if method == "GET" {
        io::copy(&mut file, &mut stream)?;
    }
    Ok(())
}

/// The path below the repository that a request names.
fn decoded(path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next()?.trim_start_matches('/');
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ask(tree: &UntrustedTree, request: &str) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        write!(client, "{request}\r\n\r\n").unwrap();
        answer(listener.accept().unwrap().0, tree).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn files_of_the_repository_are_served_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().join("repo");
        fs::create_dir_all(repo.join("repodata")).unwrap();
        fs::write(repo.join("repodata/a+b.xml"), "text").unwrap();
        fs::write(dir.path().join("secret"), "no").unwrap();
        std::os::unix::fs::symlink("../secret", repo.join("link")).unwrap();
        let tree = UntrustedTree::open(&repo, Links::Beneath).unwrap();
        let found = ask(&tree, "GET /repodata/a%2Bb.xml?x HTTP/1.1");
        assert!(
            found.starts_with("HTTP/1.1 200") && found.ends_with("\r\n\r\ntext"),
            "{found}"
        );
        let head = ask(&tree, "HEAD /repodata/a%2bb.xml HTTP/1.1");
        assert!(head.contains("Content-Length: 4\r\n") && head.ends_with("\r\n\r\n"));
        for path in [
            "/../secret",
            "/%2e%2e/secret",
            "/link",
            "/repodata",
            "/",
            "/%zz",
        ] {
            assert!(
                ask(&tree, &format!("GET {path} HTTP/1.1")).contains("404"),
                "{path}"
            );
        }
        assert!(ask(&tree, "PUT /x HTTP/1.1").contains("405"));
    }

    #[test]
    fn what_is_no_package_is_nobodys_older_version() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("x.rpm"), "no").unwrap();
        let all = packages(dir.path()).unwrap();
        assert_eq!(all.len(), 1);
        assert!(outdated(&all, 1).is_empty());
    }
}
