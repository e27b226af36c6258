//! Fetching over http and https: git's smart protocol (gitprotocol-http, gitprotocol-pack) as
//! far as a clone needs it, spoken with ureq.
//!
//! libgit2 is built here without an http transport of its own, and plugging one into it takes
//! unsafe code; a clone needs only two requests, and libgit2 indexes what they bring.

use std::io::{self, Read, Write};

use git2::{Oid, Repository};
use url::Url;

use ureq::http::Response;

use super::{
    access::RemoteAccess,
    credentials::Credentials,
    http_options::HttpOptions,
    pkt::{self, Packet},
    refs::{RemoteRef, RemoteRefs},
};
use crate::{
    ScmError,
    url::{without_secret, without_user},
};
use rpmkit_fetch::Proxies;
use rpmkit_types::event::{Event, Events, Phase, Unit};

/// Names and passwords that are tried before a server's refusal is final: one for each place it
/// may redirect to.
const ATTEMPTS: usize = 3;

/// Redirections followed for the first request.
const REDIRECTIONS: usize = 8;

/// What is asked for first, below a repository's URL.
const FIRST: &str = "/info/refs?service=git-upload-pack";

/// An agent that keeps its connections.
fn agent(url: &str, options: &HttpOptions, proxies: &Proxies) -> Result<ureq::Agent, ScmError> {
    let error = |reason: String| ScmError::Http {
        url: without_secret(url),
        reason,
    };
    let transport = &options.transport;
    let tls = rpmkit_fetch::tls(transport).map_err(|(option, reason)| {
        let name = match option {
            "sslcacert" => "http.sslCAInfo",
            "sslclientcert" => "http.sslCert",
            _ => "http.sslKey",
        };
        error(format!("git's `{name}`: {reason}"))
    })?;
    let secure = url.starts_with("https:");
    let proxy = rpmkit_fetch::proxy(transport, proxies, secure)
        .map_err(|reason| error(format!("the proxy {reason}")))?;
    Ok(ureq::Agent::config_builder()
        .http_status_as_error(false)
        // Followed in `first`: headers and passwords are for one scheme, host and port.
        .max_redirects(0)
        .max_redirects_will_error(false)
        // Servers tell clients that speak the smart protocol by this name.
        .user_agent(concat!("git/2.0 (rpmkit ", env!("CARGO_PKG_VERSION"), ")"))
        .timeout_connect(Some(std::time::Duration::from_secs(30)))
        .timeout_recv_response(Some(std::time::Duration::from_secs(120)))
        .timeout_per_read(Some(std::time::Duration::from_secs(120)))
        .tls_config(tls)
        .proxy(proxy)
        .build()
        .new_agent())
}

/// A server's repository, after its references were read.
pub(super) struct Remote {
    agent: ureq::Agent,
    /// Without a slash at its end; after redirections.
    url: String,
    /// `http.extraHeader` of git's configuration.
    headers: Vec<(String, String)>,
    authorization: Option<String>,
    refs: RemoteRefs,
}

impl Remote {
    /// Asks for the references. A server that wants a name gets the one in the URL, in `~/.netrc`
    /// or with git's credential helpers. `None` when it answers, but not in the smart protocol.
    pub fn connect(
        repo: &Repository,
        url: &str,
        access: &RemoteAccess,
    ) -> Result<Option<Self>, ScmError> {
        let options = HttpOptions::read(repo, url, &access.host)?;
        let mut remote = Self {
            agent: agent(url, &options, &access.http.proxies)?,
            url: url.trim_end_matches('/').to_owned(),
            headers: options.headers,
            authorization: None,
            refs: RemoteRefs::default(),
        };
        let mut known: Option<Credentials> = None;
        let mut response = remote.first(repo, access)?;
        for _ in 0..ATTEMPTS {
            if response.status() != 401 {
                break;
            }
            if known
                .as_ref()
                .is_some_and(|known| known.is_for(&remote.url))
            {
                break;
            }
            let found = Credentials::find(&remote.url, url, &access.host)?;
            remote.authorization = Some(found.header());
            known = Some(found);
            response = remote.first(repo, access)?;
        }
        if let Some(known) = &known {
            // So that a stored password that no longer works is forgotten, and a typed one kept.
            known.report(response.status() != 401, &access.host);
            if response.status() == 401 {
                return Err(remote.error("the name or the password is wrong (401)".to_owned()));
            }
        }
        remote.check(&response)?;
        let kind = header(&response, "content-type");
        if kind != "application/x-git-upload-pack-advertisement" {
            return Ok(None);
        }
        let mut body = io::BufReader::new(response.into_body().into_reader());
        remote.refs = read_refs(&mut body).map_err(|error| remote.error(error.to_string()))?;
        if let Some(format) = remote
            .refs
            .object_format()
            .filter(|format| *format != "sha1")
        {
            return Err(ScmError::ObjectFormat {
                place: without_secret(&remote.url),
                format: format.to_owned(),
            });
        }
        Ok(Some(remote))
    }

    /// The request for references. Later ones go where it ended. To another server it goes without
    /// password and without headers, whatever they are for.
    fn first(
        &mut self,
        repo: &Repository,
        access: &RemoteAccess,
    ) -> Result<Response<ureq::Body>, ScmError> {
        for _ in 0..REDIRECTIONS {
            let response = self.ask(None)?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let target = header(&response, "location");
            let nowhere = || self.error(format!("it redirects to `{target}`, which is no git"));
            let here = Url::parse(&self.url).map_err(|_| nowhere())?;
            let asked = format!("{}{FIRST}", without_user(&self.url));
            let target = Url::parse(&asked)
                .ok()
                .filter(|_| rpmkit_fetch::is_clean(&target))
                .and_then(|asked| asked.join(&target).ok())
                .filter(|target| matches!(target.scheme(), "http" | "https"))
                .ok_or_else(nowhere)?;
            let moved = without_user(target.as_str());
            let base = moved.strip_suffix(FIRST).ok_or_else(nowhere)?.to_owned();
            if target.origin() != here.origin() {
                self.authorization = None;
                self.headers.clear();
                let options = HttpOptions::read(repo, &base, &access.host)?;
                self.agent = agent(&base, &options, &access.http.proxies)?;
            } else if base == without_user(&self.url) {
                return Err(self.error("it redirects in a circle".to_owned()));
            }
            self.url = base;
        }
        Err(self.error("it redirects too often".to_owned()))
    }

    pub fn refs(&self) -> &RemoteRefs {
        &self.refs
    }

    /// Brings the objects of `wants` into the repository; with a depth, only that many commits
    /// back from each, noted in the repository's `shallow` file.
    pub fn fetch(
        &self,
        repo: &Repository,
        wants: &[Oid],
        depth: Option<u32>,
        events: &Events,
    ) -> Result<(), ScmError> {
        if wants.is_empty() {
            return Ok(());
        }
        let request = self.request(wants, depth);
        let response = self.ask(Some(&request))?;
        self.check(&response)?;
        let mut body = response.into_body().into_reader();
        let shallow = self
            .receive(repo, &mut body, depth.is_some(), events)
            .map_err(|error| self.error(error.to_string()))?;
        if !shallow.is_empty() {
            let path = repo.path().join("shallow");
            let text: String = shallow.iter().map(|id| format!("{id}\n")).collect();
            rpmkit_fs::write_file(&path, text, &rpmkit_fs::WriteOptions::with_mode(0o666))?;
        }
        Ok(())
    }

    fn request(&self, wants: &[Oid], depth: Option<u32>) -> Vec<u8> {
        let mut capabilities = String::new();
        for wished in ["side-band-64k", "ofs-delta", "thin-pack", "no-progress"] {
            // A thin pack would need bases this side does not have.
            if wished != "thin-pack" && self.refs.capabilities.iter().any(|has| has == wished) {
                capabilities.push(' ');
                capabilities.push_str(wished);
            }
        }
        let mut out = Vec::new();
        for (at, want) in wants.iter().enumerate() {
            let capabilities = if at == 0 { capabilities.as_str() } else { "" };
            pkt::line(&mut out, &format!("want {want}{capabilities}\n"));
        }
        if let Some(depth) = depth {
            pkt::line(&mut out, &format!("deepen {depth}\n"));
        }
        pkt::flush(&mut out);
        pkt::line(&mut out, "done\n");
        out
    }

    /// Reads the answer to a request and gives the commits history was cut at.
    fn receive(
        &self,
        repo: &Repository,
        body: &mut dyn Read,
        deepened: bool,
        events: &Events,
    ) -> io::Result<Vec<String>> {
        let mut shallow = Vec::new();
        if deepened {
            loop {
                match pkt::read(body)? {
                    Some(Packet::Line(line)) => {
                        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                        if let Some(id) = line.strip_prefix("shallow ") {
                            // It becomes a line of a file of git's.
                            let id =
                                Oid::from_str(id).map_err(|e| io::Error::other(e.to_string()))?;
                            shallow.push(id.to_string());
                            if shallow.len() > MOST_LINES {
                                return Err(too_many());
                            }
                        } else if let Some(message) = line.strip_prefix("ERR ") {
                            return Err(io::Error::other(message.to_owned()));
                        }
                    }
                    Some(Packet::Flush) => break,
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                }
            }
        }
        match pkt::read(body)? {
            Some(Packet::Line(line)) if line.starts_with(b"NAK") => {}
            Some(Packet::Line(line)) => {
                return Err(io::Error::other(
                    String::from_utf8_lossy(&line).trim_end().to_owned(),
                ));
            }
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        let other = |error: git2::Error| io::Error::other(error.message().to_owned());
        let odb = repo.odb().map_err(other)?;
        let mut seen = 0;
        let mut writer = odb.packwriter().map_err(other)?;
        writer.progress(|progress| {
            let done = progress.received_objects() as u64;
            let total = progress.total_objects() as u64;
            // Once a thousand objects is enough for people to see it move.
            if done == total || done >= seen + 1000 {
                seen = done;
                events.emit(Event::Progress {
                    phase: Phase::Sources,
                    label: "git objects".to_owned(),
                    done,
                    total,
                    unit: Unit::Items,
                });
            }
            true
        });
        if self
            .refs
            .capabilities
            .iter()
            .any(|has| has == "side-band-64k")
        {
            while let Some(Packet::Line(line)) = pkt::read(body)? {
                match line.split_first() {
                    Some((1, data)) => writer.write_all(data)?,
                    Some((3, message)) => {
                        return Err(io::Error::other(
                            String::from_utf8_lossy(message).trim_end().to_owned(),
                        ));
                    }
                    // Band 2 is chatter.
                    _ => {}
                }
            }
        } else {
            io::copy(body, &mut writer)?;
        }
        writer.commit().map_err(other)?;
        Ok(shallow)
    }

    /// Sends a request: for the references, or, with a body, for a pack.
    fn ask(&self, body: Option<&[u8]>) -> Result<Response<ureq::Body>, ScmError> {
        let sent = match body {
            None => {
                let url = format!("{}{FIRST}", without_user(&self.url));
                let mut request = self.agent.get(&url);
                for (name, value) in &self.headers {
                    request = request.header(name, value);
                }
                if let Some(authorization) = &self.authorization {
                    request = request.header("Authorization", authorization);
                }
                request.call()
            }
            Some(body) => {
                let url = format!("{}/git-upload-pack", without_user(&self.url));
                let mut request = self
                    .agent
                    .post(&url)
                    .header("Content-Type", "application/x-git-upload-pack-request")
                    .header("Accept", "application/x-git-upload-pack-result");
                for (name, value) in &self.headers {
                    request = request.header(name, value);
                }
                if let Some(authorization) = &self.authorization {
                    request = request.header("Authorization", authorization);
                }
                request.send(body)
            }
        };
        sent.map_err(|error| self.error(error.to_string()))
    }

    fn check(&self, response: &Response<ureq::Body>) -> Result<(), ScmError> {
        match response.status().as_u16() {
            200 => Ok(()),
            401 | 403 => Err(self.error(format!(
                "the server answered {}: no access",
                response.status()
            ))),
            404 => Err(self.error("there is no such repository (404)".to_owned())),
            _ => Err(self.error(format!("the server answered {}", response.status()))),
        }
    }

    fn error(&self, reason: String) -> ScmError {
        ScmError::Http {
            url: without_secret(&self.url),
            reason,
        }
    }
}

fn header(response: &Response<ureq::Body>, name: &str) -> String {
    response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

/// References that are read, and lines of any answer before its pack; the largest repositories of any forge
/// have some hundred thousand.
const MOST_LINES: usize = 2_000_000;
/// Bytes of names that are kept.
const MOST_NAMES: usize = 64 << 20;

fn too_many() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("it names more than {MOST_LINES} references, or {MOST_NAMES} bytes of them"),
    )
}

pub(super) fn read_refs(body: &mut dyn Read) -> io::Result<RemoteRefs> {
    // `# service=git-upload-pack`, flush, then the references, the capabilities behind a NUL
    // of the first.
    let mut refs = RemoteRefs::default();
    let mut begun = false;
    let (mut lines, mut names) = (0, 0);
    while let Some(packet) = pkt::read(body)? {
        lines += 1;
        if let Packet::Line(line) = &packet {
            names += line.len();
        }
        if lines > MOST_LINES || names > MOST_NAMES {
            return Err(too_many());
        }
        let line = match packet {
            Packet::Flush if !begun => continue,
            Packet::Flush => break,
            Packet::Line(line) => line,
        };
        if line.starts_with(b"# ") {
            continue;
        }
        if let Some(message) = line.strip_prefix(b"ERR ") {
            return Err(io::Error::other(
                String::from_utf8_lossy(message).trim_end().to_owned(),
            ));
        }
        begun = true;
        let mut halves = line.splitn(2, |b| *b == 0);
        let text = String::from_utf8_lossy(halves.next().unwrap_or_default()).into_owned();
        if let Some(capabilities) = halves.next() {
            refs.capabilities = String::from_utf8_lossy(capabilities)
                .split_whitespace()
                .map(str::to_owned)
                .collect();
        }
        if refs.object_format().is_some_and(|format| format != "sha1") {
            // Its ids are longer than any that could be read here.
            return Ok(refs);
        }
        if let Some((id, name)) = text.trim_end().split_once(' ') {
            let id = Oid::from_str(id).map_err(|error| io::Error::other(error.to_string()))?;
            refs.add(RemoteRef {
                id,
                name: name.to_owned(),
            });
        }
    }
    let default = refs
        .capabilities
        .iter()
        .find_map(|capability| capability.strip_prefix("symref=HEAD:"))
        .map(str::to_owned);
    refs.default = default.or(refs.default.take());
    Ok(refs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The same packet again and again.
    struct Endless(Vec<u8>, usize);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let left = &self.0[self.1..];
            let count = left.len().min(buffer.len());
            buffer[..count].copy_from_slice(&left[..count]);
            self.1 = (self.1 + count) % self.0.len();
            Ok(count)
        }
    }

    #[test]
    fn a_server_that_never_ends_its_list_is_left() {
        let mut long = Vec::new();
        let name = "x".repeat(60_000);
        pkt::line(
            &mut long,
            &format!("{} refs/heads/{name}\n", "a".repeat(40)),
        );
        let mut short = Vec::new();
        pkt::line(&mut short, "# x");
        for packet in [long, short, b"0000".to_vec()] {
            let error = read_refs(&mut Endless(packet, 0)).unwrap_err();
            assert!(error.to_string().contains("more than"), "{error}");
        }
    }
}
