//! Servers that are really there: https, redirections, names and passwords, git's own protocol, ssh. One file, since
//! every case starts its server from the same few pieces.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{CloneRequest, RemoteAccess, clone};
use crate::{
    CommandEnv, ScmError,
    testing::{TestRepo, git_in},
    testing_server::{GitServer, Rules},
};
use rpmkit_types::event::Events;

/// "ada:secret"
const ADA: &str = "Basic YWRhOnNlY3JldA==";

/// A user with a home of their own.
struct User {
    home: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl User {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".gitconfig"), "").unwrap();
        Self {
            home,
            env: Vec::new(),
        }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    fn access(&self) -> RemoteAccess {
        let home = self.home.path().to_str().unwrap();
        let path = std::env::var("PATH").unwrap();
        let env = [
            ("PATH", path.as_str()),
            ("HOME", home),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
        ];
        let given = self.env.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        RemoteAccess {
            host: CommandEnv {
                env: env.into_iter().chain(given).collect(),
            },
            ..RemoteAccess::default()
        }
    }

    /// A shallow clone of `url`, and how many commits it has.
    fn clone(&self, url: &str) -> Result<(tempfile::TempDir, usize), ScmError> {
        self.clone_of(&CloneRequest {
            url: url.to_owned(),
            shallow: true,
            ..CloneRequest::default()
        })
    }

    fn clone_of(&self, request: &CloneRequest) -> Result<(tempfile::TempDir, usize), ScmError> {
        let dest = tempfile::tempdir().unwrap();
        drop(clone(
            request,
            dest.path(),
            &self.access(),
            &Events::silent(),
        )?);
        git_in(dest.path(), &["fsck", "--strict"], 1_600_000_000);
        let count = git_in(dest.path(), &["rev-list", "--count", "HEAD"], 1_600_000_000);
        let count = String::from_utf8(count).unwrap().trim().parse().unwrap();
        Ok((dest, count))
    }
}

fn project() -> TestRepo {
    let repo = TestRepo::new();
    for text in ["one\n", "two\n", "three\n"] {
        repo.write("file", text);
        repo.commit(text);
    }
    repo
}

fn content(dir: &tempfile::TempDir) -> String {
    fs::read_to_string(dir.path().join("file")).unwrap()
}

fn tls() -> (tempfile::TempDir, Rules) {
    let certs = tempfile::tempdir().unwrap();
    let rules = Rules {
        tls: Some(certs.path().to_owned()),
        ..Rules::default()
    };
    (certs, rules)
}

#[test]
fn https_trusts_whom_git_is_told_to_trust() {
    let (repo, (certs, rules)) = (project(), tls());
    let server = GitServer::start(repo.path(), rules);
    let url = format!("{}/.git", server.url);
    let ca = certs.path().join("ca.pem");
    let ca = ca.to_str().unwrap();
    let error = User::new().clone(&url).unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    assert!(error.hints()[0].0.contains("GIT_SSL_CAINFO"), "{error}");
    for user in [
        User::new().with("GIT_SSL_CAINFO", ca),
        User::new().with("SSL_CERT_FILE", ca),
        User::new().with("GIT_SSL_NO_VERIFY", "1"),
    ] {
        let (dir, commits) = user.clone(&url).unwrap();
        assert_eq!((content(&dir).as_str(), commits), ("three\n", 1));
    }
    let missing = User::new().with("GIT_SSL_CAINFO", "/no/such.pem");
    let error = missing.clone(&url).unwrap_err();
    assert!(error.to_string().contains("/no/such.pem"), "{error}");
}

#[test]
fn names_and_passwords_come_from_where_git_has_them() {
    let (repo, (certs, mut rules)) = (project(), tls());
    rules.authorization = Some(ADA);
    let server = GitServer::start(repo.path(), rules);
    let url = format!("{}/.git", server.url);
    let user = || {
        User::new().with(
            "GIT_SSL_CAINFO",
            certs.path().join("ca.pem").to_str().unwrap(),
        )
    };
    let home_file = |user: &User, name: &str, text: &str| {
        fs::write(user.home.path().join(name), text).unwrap();
    };
    // Nobody knows.
    let error = user().clone(&url).unwrap_err();
    assert!(
        error.to_string().contains("wants a name and a password"),
        "{error}"
    );
    assert!(error.hints()[0].0.contains("credential helper"), "{error}");
    // In the URL.
    let inside = url.replace("https://", "https://ada:secret@");
    assert_eq!(content(&user().clone(&inside).unwrap().0), "three\n");
    let error = user().clone(&url.replace("https://", "https://ada:wrong@"));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("(401)") && !error.contains("wrong@"),
        "{error}"
    );
    // A helper of the user's: the name in the URL must reach it.
    let helped = user();
    home_file(
        &helped,
        ".gitconfig",
        "[credential]\n helper = \"!f() { cat >>$HOME/asked; echo verb=$1 >>$HOME/asked; test $1 = get && echo username=ada && echo password=secret; }; f\"\n",
    );
    let named = url.replace("https://", "https://ada@");
    let (dir, commits) = helped.clone(&named).unwrap();
    assert_eq!((content(&dir).as_str(), commits), ("three\n", 1));
    let asked = fs::read_to_string(helped.home.path().join("asked")).unwrap();
    assert!(asked.contains("protocol=https\n"), "{asked}");
    assert!(asked.contains("username=ada\n"), "{asked}");
    assert!(
        asked.contains("verb=get") && asked.contains("verb=store"),
        "{asked}"
    );
    // git's store, which forgets what turns out to be wrong.
    let stored = user();
    home_file(&stored, ".gitconfig", "[credential]\n helper = store\n");
    let host = url.trim_start_matches("https://").trim_end_matches("/.git");
    home_file(
        &stored,
        ".git-credentials",
        &format!("https://ada:secret@{host}\n"),
    );
    assert_eq!(content(&stored.clone(&url).unwrap().0), "three\n");
    home_file(
        &stored,
        ".git-credentials",
        &format!("https://ada:old@{host}\n"),
    );
    assert!(stored.clone(&url).is_err());
    let left = fs::read_to_string(stored.home.path().join(".git-credentials")).unwrap();
    assert_eq!(left, "");
    // The files and programs of curl and of CI machines.
    let with_netrc = user();
    home_file(
        &with_netrc,
        ".netrc",
        "machine localhost login ada password secret\n",
    );
    assert_eq!(content(&with_netrc.clone(&url).unwrap().0), "three\n");
    let asking = user();
    home_file(
        &asking,
        "askpass",
        "#!/bin/sh\ncase $1 in User*) echo ada;; *) echo secret;; esac\n",
    );
    let askpass = asking.home.path().join("askpass");
    fs::set_permissions(&askpass, fs::Permissions::from_mode(0o755)).unwrap();
    let asking = asking.with("GIT_ASKPASS", askpass.to_str().unwrap());
    assert_eq!(content(&asking.clone(&url).unwrap().0), "three\n");
}

#[test]
fn redirections_are_followed_once_and_asked_about_at_their_end() {
    let (repo, (certs, mut rules)) = (project(), tls());
    rules.authorization = Some(ADA);
    let end = GitServer::start(repo.path(), rules);
    let start = GitServer::start(
        repo.path(),
        Rules {
            redirect: Some(end.url.clone()),
            ..Rules::default()
        },
    );
    let user = User::new().with(
        "GIT_SSL_CAINFO",
        certs.path().join("ca.pem").to_str().unwrap(),
    );
    fs::write(
        user.home.path().join(".gitconfig"),
        "[credential]\n helper = store\n",
    )
    .unwrap();
    fs::write(
        user.home.path().join(".git-credentials"),
        end.url.replace("https://", "https://ada:secret@"),
    )
    .unwrap();
    let url = format!("{}/.git", start.url);
    assert_eq!(content(&user.clone(&url).unwrap().0), "three\n");
    // The pack is asked for where the redirection led, not at the start again.
    assert_eq!(start.log(), ["GET /.git/info/refs?service=git-upload-pack"]);
    // What a URL says is for its own host and no other.
    let stranger = User::new().with(
        "GIT_SSL_CAINFO",
        certs.path().join("ca.pem").to_str().unwrap(),
    );
    let port = start.url.rsplit(':').next().unwrap();
    let elsewhere = format!("http://ada:secret@127.0.0.1:{port}/.git");
    let error = stranger.clone(&elsewhere).unwrap_err();
    assert!(error.to_string().contains("wants a name"), "{error}");
}

#[test]
fn passwords_and_headers_stay_with_one_port() {
    let repo = project();
    let wanted = Rules {
        authorization: Some(ADA),
        ..Rules::default()
    };
    let header = Rules {
        header: Some(("x-token", "t")),
        ..Rules::default()
    };
    for (rules, answer) in [(wanted, "wants a name"), (header, "403")] {
        let end = GitServer::start(repo.path(), rules);
        let start = GitServer::start(
            repo.path(),
            Rules {
                redirect: Some(end.url.clone()),
                ..Rules::default()
            },
        );
        let dest = TestRepo::new();
        dest.git(&["config", "http.extraHeader", "X-Token: t"]);
        let (access, repository) = (User::new().access(), dest.repository());
        let connect = |server: &GitServer| {
            let url = server.url.replace("http://", "http://ada:secret@");
            super::http::Remote::connect(&repository, &format!("{url}/.git"), &access)
        };
        let error = connect(&start).err().expect("not trusted there");
        assert!(error.to_string().contains(answer), "{error}");
        assert!(connect(&end).unwrap().is_some());
    }
}

#[test]
fn no_line_of_a_url_is_told_to_helpers() {
    let (repo, asked) = (project(), tempfile::NamedTempFile::new().unwrap());
    let server = GitServer::start(
        repo.path(),
        Rules {
            authorization: Some(ADA),
            ..Rules::default()
        },
    );
    let user = User::new();
    let helper = format!("!cat >> {}", asked.path().display());
    fs::write(
        user.home.path().join(".gitconfig"),
        format!("[credential]\n helper = \"{helper}\"\n"),
    )
    .unwrap();
    for part in [
        "a%0ahost=other.example%0aprotocol=https@",
        "a:b%0Dc@",
        "a\nb@",
    ] {
        let url = server.url.replace("http://", &format!("http://{part}"));
        let error = user.clone(&format!("{url}/.git")).unwrap_err();
        assert!(error.to_string().contains("control character"), "{error}");
    }
    let error = user
        .clone(&format!("{}/x%0aprotocol=https/.git", server.url))
        .unwrap_err();
    assert!(error.to_string().contains("control character"), "{error}");
    assert_eq!(fs::read_to_string(asked.path()).unwrap(), "");
}

#[test]
fn headers_and_certificates_come_from_the_repositorys_configuration() {
    let repo = project();
    let server = GitServer::start(
        repo.path(),
        Rules {
            header: Some(("x-token", "t")),
            ..Rules::default()
        },
    );
    let url = format!("{}/.git", server.url);
    let error = User::new().clone(&url).unwrap_err();
    assert!(error.to_string().contains("403"), "{error}");
    // The configuration `clone` reads is that of the repository it makes: fetch into one that has it.
    let dest = TestRepo::new();
    dest.git(&[
        "config",
        &format!("http.{}.extraHeader", server.url),
        "X-Token: t",
    ]);
    let access = User::new().access();
    let repository = dest.repository();
    let remote = super::http::Remote::connect(&repository, &url, &access)
        .unwrap()
        .expect("smart");
    assert_eq!(remote.refs().refs.len(), 1);
}

#[test]
fn servers_of_the_old_protocol_are_left_to_git() {
    let repo = project();
    repo.git(&["update-server-info"]);
    let server = GitServer::start(
        repo.path(),
        Rules {
            dumb: true,
            ..Rules::default()
        },
    );
    let (dir, commits) = User::new().clone(&format!("{}/.git", server.url)).unwrap();
    assert_eq!((content(&dir).as_str(), commits), ("three\n", 3));
}

#[test]
fn submodules_come_over_http_nested_and_relative() {
    let top = tempfile::tempdir().unwrap();
    let make = |name: &str, module: Option<&str>| {
        let dir = top.path().join(name);
        fs::create_dir(&dir).unwrap();
        let git = |args: &[&str]| git_in(&dir, args, 1_600_000_000);
        git(&["init", "-q", "-b", "main", "."]);
        fs::write(dir.join("file"), name).unwrap();
        if let Some(module) = module {
            git(&["remote", "add", "origin", dir.to_str().unwrap()]);
            git(&[
                "submodule",
                "add",
                "-q",
                &format!("../{module}"),
                "deps/inner",
            ]);
        }
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", "x"]);
    };
    make("leaf", None);
    make("middle", Some("leaf"));
    make("top", Some("middle"));
    let server = GitServer::start(top.path(), Rules::default());
    let request = |url: String| CloneRequest {
        url,
        recursive: true,
        shallow: true,
        rev: None,
    };
    let (dir, _) = User::new()
        .clone_of(&request(format!("{}/top", server.url)))
        .unwrap();
    let leaf = dir.path().join("deps/inner/deps/inner/file");
    assert_eq!(fs::read_to_string(leaf).unwrap(), "leaf");
    // One that came over the network must not bring a directory of this host.
    let evil = top.path().join("top");
    let path = top.path().join("middle");
    git_in(
        &evil,
        &[
            "config",
            "-f",
            ".gitmodules",
            "submodule.deps/inner.url",
            path.to_str().unwrap(),
        ],
        1_600_000_000,
    );
    git_in(&evil, &["commit", "-q", "-a", "-m", "y"], 1_600_000_000);
    let error = User::new()
        .clone_of(&request(format!("{}/top", server.url)))
        .unwrap_err();
    assert!(matches!(error, ScmError::LocalSubmodule { .. }), "{error}");
    // Nor does one that lies here, unless the user says so.
    let local = || request(evil.to_str().unwrap().to_owned());
    let error = User::new().clone_of(&local()).unwrap_err();
    assert!(matches!(error, ScmError::LocalSubmodule { .. }), "{error}");
    let allowed = User::new().with("GIT_ALLOW_PROTOCOL", "https:file");
    assert!(allowed.clone_of(&local()).is_ok());
    let allowed = User::new()
        .with("GIT_CONFIG_COUNT", "1")
        .with("GIT_CONFIG_KEY_0", "protocol.file.allow")
        .with("GIT_CONFIG_VALUE_0", "always");
    assert!(allowed.clone_of(&local()).is_ok());
    // Nor run a program, whatever the user allows for addresses of their own.
    let pwned = top.path().join("pwned");
    let url = format!("ext::touch {}", pwned.display());
    let key = "submodule.deps/inner.url";
    git_in(
        &evil,
        &["config", "-f", ".gitmodules", key, &url],
        1_600_000_000,
    );
    git_in(&evil, &["commit", "-q", "-a", "-m", "z"], 1_600_000_000);
    let user = User::new();
    let config = "[protocol \"ext\"]\nallow = always\n";
    fs::write(user.home.path().join(".gitconfig"), config).unwrap();
    let error = user
        .clone_of(&request(format!("{}/top", server.url)))
        .unwrap_err();
    assert!(error.to_string().contains("'ext' not allowed"), "{error}");
    assert!(!pwned.exists());
}

/// A daemon, ended with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a daemon on a free port and waits until it answers.
fn daemon(start: impl Fn(u16) -> Command) -> (Daemon, u16) {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let child = start(port)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the daemon is installed");
    let daemon = Daemon(child);
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return (daemon, port);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("no daemon answers on port {port}");
}

#[test]
fn gits_own_protocol_is_spoken() {
    let repo = project();
    let base = repo.path().to_owned();
    let (_daemon, port) = daemon(|port| {
        // Not by way of `git daemon`, whose child would outlive it.
        let exec = Command::new("git").arg("--exec-path").output().unwrap();
        let exec = String::from_utf8(exec.stdout).unwrap();
        let mut command = Command::new(Path::new(exec.trim()).join("git-daemon"));
        command
            .args(["--export-all", "--listen=127.0.0.1", "--reuseaddr"])
            .arg(format!("--port={port}"))
            .arg(format!("--base-path={}", base.display()))
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "safe.directory")
            .env("GIT_CONFIG_VALUE_0", "*");
        command
    });
    let (dir, commits) = User::new()
        .clone(&format!("git://127.0.0.1:{port}/.git"))
        .unwrap();
    assert_eq!((content(&dir).as_str(), commits), ("three\n", 1));
    let error = User::new()
        .clone(&format!("git://127.0.0.1:{port}/nope"))
        .unwrap_err();
    assert!(error.to_string().contains("nope"), "{error}");
}

/// An sshd of our own for the user who runs the tests, with two keys that may come in.
struct Ssh {
    dir: tempfile::TempDir,
    port: u16,
    user: String,
    _daemon: Daemon,
}

impl Ssh {
    fn start() -> Self {
        let sshd = ["/usr/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd"]
            .iter()
            .map(PathBuf::from)
            .find(|path| path.is_file())
            .expect("openssh-server is installed (.ci/run does that)");
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        for key in ["host", "user", "other"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(file(key))
                .status()
                .unwrap();
            assert!(made.success());
        }
        fs::copy(file("user.pub"), file("authorized")).unwrap();
        let config = format!(
            "HostKey {host}\nAuthorizedKeysFile {keys}\nStrictModes no\nUsePAM no\nPidFile none\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n",
            host = file("host").display(),
            keys = file("authorized").display()
        );
        fs::write(file("sshd_config"), config).unwrap();
        if nix::unistd::getuid().is_root() {
            // As root sshd wants this directory, which its service makes elsewhere.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let (daemon, port) = daemon(|port| {
            let mut command = Command::new(&sshd);
            command.args(["-D", "-e", "-f"]).arg(file("sshd_config"));
            command.args(["-o", &format!("ListenAddress=127.0.0.1:{port}")]);
            command
        });
        let id = Command::new("id").arg("-un").output().unwrap().stdout;
        let ssh = Self {
            port,
            user: String::from_utf8(id).unwrap().trim().to_owned(),
            _daemon: daemon,
            dir,
        };
        let key = fs::read_to_string(ssh.file("host.pub")).unwrap();
        fs::write(ssh.file("known_hosts"), format!("[127.0.0.1]:{port} {key}")).unwrap();
        ssh
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn url(&self, repo: &Path) -> String {
        format!(
            "ssh://{}@127.0.0.1:{}{}",
            self.user,
            self.port,
            repo.display()
        )
    }

    /// What the user has told ssh: whom to trust, and which key to show, if not an agent's.
    fn command(&self, known: &str, key: Option<&str>) -> String {
        let mut command = format!(
            "ssh -F /dev/null -o BatchMode=yes -o UserKnownHostsFile={}",
            self.file(known).display()
        );
        match key {
            Some(key) => command.push_str(&format!(
                " -o IdentitiesOnly=yes -o IdentityAgent=none -i {}",
                self.file(key).display()
            )),
            None => command.push_str(" -o IdentityFile=none"),
        }
        command
    }
}

#[test]
fn ssh_with_keys_agents_and_known_hosts() {
    let repo = project();
    let ssh = Ssh::start();
    let url = ssh.url(&repo.path().join(".git"));
    // A key file.
    let user = User::new().with("GIT_SSH_COMMAND", ssh.command("known_hosts", Some("user")));
    let (dir, commits) = user.clone(&url).unwrap();
    assert_eq!((content(&dir).as_str(), commits), ("three\n", 1));
    // git's short form has no port: the user's ssh configuration does.
    let config = ssh.file("config");
    fs::write(
        &config,
        format!(
            "Host short\n Hostname 127.0.0.1\n Port {}\n User {}\n IdentityFile {}\n IdentitiesOnly yes\n UserKnownHostsFile {}\n",
            ssh.port,
            ssh.user,
            ssh.file("user").display(),
            ssh.file("known_hosts").display()
        ),
    )
    .unwrap();
    let user = User::new().with(
        "GIT_SSH_COMMAND",
        format!("ssh -o BatchMode=yes -F {}", config.display()),
    );
    let short = format!("short:{}", repo.path().join(".git").display());
    assert_eq!(user.clone(&short).unwrap().1, 1);
    // An agent.
    let socket = ssh.file("agent");
    let agent = Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _agent = Daemon(agent);
    while !socket.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let added = Command::new("ssh-add")
        .arg("-q")
        .arg(ssh.file("user"))
        .env("SSH_AUTH_SOCK", &socket)
        .status()
        .unwrap();
    assert!(added.success());
    let user = User::new()
        .with("GIT_SSH_COMMAND", ssh.command("known_hosts", None))
        .with("SSH_AUTH_SOCK", socket.to_str().unwrap());
    assert_eq!(user.clone(&url).unwrap().1, 1);
    // A key the server does not know.
    let user = User::new().with("GIT_SSH_COMMAND", ssh.command("known_hosts", Some("other")));
    let error = user.clone(&url).unwrap_err();
    assert!(error.to_string().contains("Permission denied"), "{error}");
    assert_eq!(error.status(), Some(128));
    assert!(error.hints()[0].0.contains("ssh-add"), "{error}");
    // A server nobody knows.
    let user = User::new().with("GIT_SSH_COMMAND", ssh.command("nobody", Some("user")));
    let error = user.clone(&url).unwrap_err();
    assert!(
        error.to_string().contains("Host key verification failed"),
        "{error}"
    );
    assert!(error.hints()[0].0.contains("known_hosts"), "{error}");
}

#[test]
fn repositories_that_cannot_be_read_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("nope");
    let error = User::new().clone(missing.to_str().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("there is no repository `{}`", missing.display())
    );
    let modern = dir.path().join("modern");
    fs::create_dir(&modern).unwrap();
    let git = |args: &[&str]| git_in(&modern, args, 1_600_000_000);
    git(&["init", "-q", "--object-format=sha256", "."]);
    fs::write(modern.join("file"), "x").unwrap();
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "x"]);
    let server = GitServer::start(dir.path(), Rules::default());
    for url in [
        modern.to_str().unwrap().to_owned(),
        format!("{}/modern", server.url),
    ] {
        let error = User::new().clone(&url).unwrap_err();
        assert!(
            matches!(error, ScmError::ObjectFormat { .. }),
            "{url}: {error:?}"
        );
        assert!(error.to_string().contains("sha256"), "{error}");
    }
}
