//! git's own http server program behind a few lines of HTTP, with or without TLS, for tests: nothing
//! but git decides what the protocol is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// How a server behaves.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The `Authorization` header without which nothing is served.
    pub authorization: Option<&'static str>,
    /// A header, name and value, without which nothing is served.
    pub header: Option<(&'static str, &'static str)>,
    /// Every path is sent to this URL.
    pub redirect: Option<String>,
    /// Files are served as files, as servers did before git 1.6.6.
    pub dumb: bool,
    /// A directory to put the certificate's authority, `ca.pem`, into: then it is https.
    pub tls: Option<PathBuf>,
}

/// Serves until it is dropped.
pub struct GitServer {
    /// Its address.
    pub url: String,
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    log: Arc<Mutex<Vec<String>>>,
}

impl GitServer {
    /// Serves the repositories below `root`.
    pub fn start(root: &Path, rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tls = rules.tls.as_deref().map(tls_config);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Self {
            // The certificate is for this name.
            url: format!("{scheme}://localhost:{}", address.port()),
            address,
            stop: Arc::default(),
            log: Arc::default(),
        };
        let (stop, log, root) = (server.stop.clone(), server.log.clone(), root.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let stream = stream.unwrap();
                // A client that goes away, or does not trust us, is no failure of the server.
                let _ = match &tls {
                    None => answer(stream, &root, &rules, &log),
                    Some(config) => {
                        let session = rustls::ServerConnection::new(config.clone()).unwrap();
                        answer(
                            rustls::StreamOwned::new(session, stream),
                            &root,
                            &rules,
                            &log,
                        )
                    }
                };
            }
        });
        server
    }

    /// Method and path of every request so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = std::net::TcpStream::connect(self.address);
    }
}

fn tls_config(dir: &Path) -> Arc<rustls::ServerConfig> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(dir.join("ca.pem"), authority.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let cert = params.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

fn answer(
    stream: impl Read + Write,
    root: &Path,
    rules: &Rules,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(());
    };
    log.lock().unwrap().push(format!("{method} {target}"));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (mut length, mut kind) = (0, String::new());
    let mut authorized = rules.authorization.is_none();
    let mut has_header = rules.header.is_none();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "content-length" => length = value.parse().unwrap(),
            "content-type" => value.clone_into(&mut kind),
            "authorization" => authorized |= Some(value) == rules.authorization,
            _ => {}
        }
        has_header |= rules.header == Some((name.as_str(), value));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let stream = stream.get_mut();
    if let Some(to) = &rules.redirect {
        return write!(
            stream,
            "HTTP/1.1 301 Moved Permanently\r\nLocation: {to}{target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    if !has_header {
        return stream.write_all(
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
    if !authorized {
        return stream.write_all(
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
    if rules.dumb {
        return match fs::read(root.join(path.trim_start_matches('/'))) {
            Ok(data) => {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    data.len()
                )?;
                stream.write_all(&data)
            }
            Err(_) => stream.write_all(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            ),
        };
    }
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", method)
        .env("CONTENT_TYPE", kind)
        .env("CONTENT_LENGTH", length.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends early leaves its answer all the same.
    let _ = child.stdin.take().unwrap().write_all(&body);
    let out = child.wait_with_output()?.stdout;
    let split = out.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&out[..split]).into_owned();
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK");
    let content = &out[split + 4..];
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    )?;
    stream.write_all(content)?;
    stream.flush()
}
