//! A small file server on loopback that can misbehave on demand.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use rpmkit_types::Checksum;

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// An error status.
    Status(u16),
    /// The body ends after so many bytes although more were announced.
    Truncate(usize),
    /// One byte of the body is another.
    Corrupt,
    /// The body comes in pieces of so many bytes with a pause before each.
    Slow(usize, Duration),
    /// Nothing at all comes for so long.
    Silence(Duration),
    /// As if the server knew no ranges.
    NoRange,
    /// Another file's content under this name.
    Instead(Vec<u8>),
    /// Sent elsewhere.
    Redirect(String),
    /// The body in chunks, without its length.
    Chunked,
    /// A header more.
    Header(&'static str, String),
}

/// What was asked.
#[derive(Debug, Clone)]
pub struct SeenRequest {
    pub target: String,
    pub headers: HashMap<String, String>,
}

#[derive(Default)]
struct Inner {
    root: PathBuf,
    /// Faults by the end of the path, with how often they strike.
    faults: Vec<(String, Fault, usize)>,
    log: Vec<SeenRequest>,
    /// `name:password` that must come with every request.
    password: Option<String>,
    /// Tunnels are allowed.
    tunnels: bool,
}

/// Serves a directory until it is dropped.
#[derive(Clone)]
pub struct Server {
    pub address: SocketAddr,
    scheme: &'static str,
    inner: Arc<Mutex<Inner>>,
}

pub type Tls = Arc<rustls::ServerConfig>;

impl Server {
    pub fn start(root: impl Into<PathBuf>) -> Self {
        Self::start_with(root.into(), None)
    }

    pub fn start_tls(root: impl Into<PathBuf>, tls: Tls) -> Self {
        Self::start_with(root.into(), Some(tls))
    }

    fn start_with(root: PathBuf, tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            scheme: if tls.is_some() { "https" } else { "http" },
            inner: Arc::new(Mutex::new(Inner {
                root,
                ..Inner::default()
            })),
        };
        let handler = server.clone();
        // The thread ends with the test process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let handler = handler.clone();
                let tls = tls.clone();
                std::thread::spawn(move || {
                    // A client that goes away is its own business.
                    let _ = match tls {
                        None => {
                            let plain = stream.try_clone().unwrap();
                            handler.serve(stream, Some(plain))
                        }
                        Some(config) => {
                            let session = rustls::ServerConnection::new(config).unwrap();
                            handler.serve(rustls::StreamOwned::new(session, stream), None)
                        }
                    };
                });
            }
        });
        server
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}/{path}", self.scheme, self.address.port())
    }

    pub fn fault(&self, path_end: &str, fault: Fault, times: usize) {
        let mut inner = self.inner.lock().unwrap();
        inner.faults.push((path_end.to_owned(), fault, times));
    }

    pub fn mend(&self) {
        self.inner.lock().unwrap().faults.clear();
    }

    pub fn want_password(&self, pair: &str) {
        self.inner.lock().unwrap().password = Some(pair.to_owned());
    }

    /// Lets clients tunnel through, to this very server.
    pub fn allow_tunnels(&self) {
        self.inner.lock().unwrap().tunnels = true;
    }

    /// Everything asked since the last call.
    pub fn requests(&self) -> Vec<SeenRequest> {
        std::mem::take(&mut self.inner.lock().unwrap().log)
    }

    /// The paths asked since the last call, sorted.
    pub fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.requests().into_iter().map(|r| r.target).collect();
        paths.sort();
        paths
    }

    fn serve(&self, stream: impl Read + Write, plain: Option<TcpStream>) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let method = line.split(' ').next().unwrap_or_default().to_owned();
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
        }
        let request = SeenRequest { target, headers };
        self.inner.lock().unwrap().log.push(request.clone());
        if method == "CONNECT"
            && let Some(client) = plain
        {
            return self.tunnel(&request, client);
        }
        self.answer(&request, stream.get_mut())
    }

    /// As a proxy does for `CONNECT`.
    fn tunnel(&self, request: &SeenRequest, mut client: TcpStream) -> std::io::Result<()> {
        if !self.inner.lock().unwrap().tunnels {
            return simple(&mut client, 403);
        }
        let mut upstream = TcpStream::connect(&request.target)?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        let (mut from, mut to) = (client.try_clone()?, upstream.try_clone()?);
        let up = std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
        std::io::copy(&mut upstream, &mut client)?;
        client.shutdown(std::net::Shutdown::Both)?;
        up.join().unwrap();
        Ok(())
    }

    fn take_faults(&self, path: &str) -> Vec<Fault> {
        let mut inner = self.inner.lock().unwrap();
        let mut found = Vec::new();
        for (end, fault, times) in &mut inner.faults {
            if *times > 0 && path.ends_with(end.as_str()) {
                *times -= 1;
                found.push(fault.clone());
            }
        }
        found
    }

    fn answer(&self, request: &SeenRequest, out: &mut impl Write) -> std::io::Result<()> {
        // A proxy gets the whole URL.
        let target = match request.target.strip_prefix("http://") {
            Some(rest) => &rest[rest.find('/').unwrap_or(rest.len())..],
            None => &request.target,
        };
        let path = target.split('?').next().unwrap_or_default();
        let (root, password) = {
            let inner = self.inner.lock().unwrap();
            (inner.root.clone(), inner.password.clone())
        };
        if let Some(pair) = password {
            use base64::Engine;
            let want = base64::engine::general_purpose::STANDARD.encode(pair);
            if request.headers.get("authorization") != Some(&format!("Basic {want}")) {
                return simple(out, 401);
            }
        }
        let file = root.join(path.trim_start_matches('/'));
        let mut body = std::fs::read(file).ok();
        let mut sent = usize::MAX;
        let mut ranges = true;
        let mut pace = None;
        let mut chunked = false;
        let mut extra = String::new();
        for fault in self.take_faults(path) {
            match fault {
                Fault::Status(code) => return simple(out, code),
                Fault::Truncate(at) => sent = at,
                Fault::Corrupt => {
                    if let Some(last) = body.as_mut().and_then(|b| b.last_mut()) {
                        *last ^= 0x55;
                    }
                }
                Fault::Slow(piece, pause) => pace = Some((piece, pause)),
                Fault::Silence(time) => std::thread::sleep(time),
                Fault::NoRange => ranges = false,
                Fault::Instead(data) => body = Some(data),
                Fault::Redirect(to) => {
                    return write!(
                        out,
                        "HTTP/1.1 302 x\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    );
                }
                Fault::Chunked => chunked = true,
                Fault::Header(name, value) => extra.push_str(&format!("{name}: {value}\r\n")),
            }
        }
        let Some(body) = body else {
            return simple(out, 404);
        };
        let tag = format!("\"{}\"", &Checksum::sha256(&body).hex[..16]);
        if request.headers.get("if-none-match") == Some(&tag) {
            return simple(out, 304);
        }
        let from = request
            .headers
            .get("range")
            .and_then(|r| {
                r.strip_prefix("bytes=")?
                    .strip_suffix('-')?
                    .parse::<usize>()
                    .ok()
            })
            .filter(|_| ranges)
            .filter(|_| request.headers.get("if-range").is_none_or(|t| *t == tag));
        let (status, start) = match from {
            Some(from) if from >= body.len() => return simple(out, 416),
            Some(from) => {
                extra.push_str(&format!(
                    "Content-Range: bytes {from}-{}/{}\r\n",
                    body.len() - 1,
                    body.len()
                ));
                (206, from)
            }
            None => (200, 0),
        };
        let part = &body[start..];
        if chunked {
            write!(
                out,
                "HTTP/1.1 {status} x\r\nTransfer-Encoding: chunked\r\nETag: {tag}\r\n{extra}Connection: close\r\n\r\n"
            )?;
            for piece in part.chunks(1000) {
                write!(out, "{:x}\r\n", piece.len())?;
                out.write_all(piece)?;
                write!(out, "\r\n")?;
            }
            write!(out, "0\r\n\r\n")?;
            return out.flush();
        }
        write!(
            out,
            "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nETag: {tag}\r\n{extra}Connection: close\r\n\r\n",
            part.len()
        )?;
        let part = &part[..part.len().min(sent)];
        match pace {
            None => out.write_all(part)?,
            Some((piece, pause)) => {
                for piece in part.chunks(piece) {
                    std::thread::sleep(pause);
                    out.write_all(piece)?;
                    out.flush()?;
                }
            }
        }
        out.flush()
    }
}

fn simple(out: &mut impl Write, status: u16) -> std::io::Result<()> {
    write!(
        out,
        "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    out.flush()
}
