//! Fetching over http and https: git's smart protocol (gitprotocol-http, gitprotocol-pack) as
//! far as a clone needs it, spoken with ureq.
//!
//! libgit2 is built here without an http transport of its own, and plugging one into it takes
//! unsafe code; a clone needs only two requests, and libgit2 indexes what they bring.

use std::io::{self, Read, Write};

use git2::{CredentialHelper, Oid, Repository};
use ureq::http::Response;

use super::{
    fetch::{RemoteRef, RemoteRefs},
    pkt::{self, Packet},
};
use crate::{
    Events,
    event::{Event, Phase, Unit},
    scm::ScmError,
};

/// How to reach servers.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// `http://host:port` or `socks5://…`; none for a direct way.
    pub proxy: Option<String>,
    /// More certificates to trust, PEM.
    pub ca_certificates: Vec<u8>,
}

impl HttpSettings {
    /// An agent that keeps its connections.
    ///
    /// # Errors
    /// [`ScmError::Http`] when the proxy or the certificates make no sense.
    pub(crate) fn agent(&self) -> Result<ureq::Agent, ScmError> {
        let error = |source: ureq::Error| ScmError::Http {
            url: self.proxy.clone().unwrap_or_default(),
            reason: source.to_string(),
        };
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(8)
            // Servers tell clients that speak the smart protocol by this name.
            .user_agent(concat!("git/2.0 (rpmkit ", env!("CARGO_PKG_VERSION"), ")"))
            .timeout_connect(Some(std::time::Duration::from_secs(30)))
            .timeout_recv_response(Some(std::time::Duration::from_secs(120)));
        if let Some(proxy) = &self.proxy {
            config = config.proxy(Some(ureq::Proxy::new(proxy).map_err(error)?));
        }
        if !self.ca_certificates.is_empty() {
            let certificates: Vec<_> = ureq::tls::parse_pem(&self.ca_certificates)
                .filter_map(Result::ok)
                .filter_map(|item| match item {
                    ureq::tls::PemItem::Certificate(certificate) => Some(certificate),
                    _ => None,
                })
                .collect();
            config = config.tls_config(
                ureq::tls::TlsConfig::builder()
                    .root_certs(ureq::tls::RootCerts::new_with_certs(&certificates))
                    .build(),
            );
        }
        Ok(config.build().new_agent())
    }
}

/// A server's repository, after its references were read.
pub(super) struct Remote {
    agent: ureq::Agent,
    /// Without a slash at its end; after redirections.
    url: String,
    authorization: Option<String>,
    refs: RemoteRefs,
}

impl Remote {
    /// Asks for the references. A server that wants a name gets what git's credential helpers
    /// know for it.
    pub fn connect(
        repo: &Repository,
        url: &str,
        settings: &HttpSettings,
    ) -> Result<Self, ScmError> {
        let mut remote = Self {
            agent: settings.agent()?,
            url: url.trim_end_matches('/').to_owned(),
            authorization: None,
            refs: RemoteRefs::default(),
        };
        let mut response = remote.ask(None)?;
        if response.status() == 401 {
            remote.authorization = Some(credentials(repo, url)?);
            response = remote.ask(None)?;
        }
        remote.check(&response)?;
        let kind = header(&response, "content-type");
        if kind != "application/x-git-upload-pack-advertisement" {
            return Err(remote.error(format!(
                "the server does not speak git's smart protocol (it sent `{kind}`)"
            )));
        }
        // Later requests go where the first one ended.
        let ended = ureq::ResponseExt::get_uri(&response).to_string();
        if let Some(base) = ended.strip_suffix("/info/refs?service=git-upload-pack") {
            base.clone_into(&mut remote.url);
        }
        let mut body = response.into_body().into_reader();
        remote.refs = read_refs(&mut body).map_err(|error| remote.error(error.to_string()))?;
        Ok(remote)
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
            std::fs::write(&path, text).map_err(ScmError::io("write", &path))?;
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
                            shallow.push(id.to_owned());
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
                let url = format!("{}/info/refs?service=git-upload-pack", self.url);
                let mut request = self.agent.get(&url);
                if let Some(authorization) = &self.authorization {
                    request = request.header("Authorization", authorization);
                }
                request.call()
            }
            Some(body) => {
                let url = format!("{}/git-upload-pack", self.url);
                let mut request = self
                    .agent
                    .post(&url)
                    .header("Content-Type", "application/x-git-upload-pack-request")
                    .header("Accept", "application/x-git-upload-pack-result");
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

fn read_refs(body: &mut dyn Read) -> io::Result<RemoteRefs> {
    // `# service=git-upload-pack`, flush, then the references, the capabilities behind a NUL
    // of the first.
    let mut refs = RemoteRefs::default();
    let mut begun = false;
    while let Some(packet) = pkt::read(body)? {
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

/// The `Authorization` header for a URL: the name and password in it, or those git's credential
/// helpers have.
fn credentials(repo: &Repository, url: &str) -> Result<String, ScmError> {
    let refused = || ScmError::Http {
        url: without_secret(url),
        reason: "the server wants a name and a password, and no git credential helper has them"
            .to_owned(),
    };
    let parsed = url::Url::parse(url).map_err(|_| refused())?;
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let pair = match parsed.password() {
        Some(password) => Some((decode(parsed.username()), decode(password))),
        None => {
            let mut helper = CredentialHelper::new(url);
            if let Ok(config) = repo.config() {
                helper.config(&config);
            }
            if !parsed.username().is_empty() {
                helper.username(Some(parsed.username()));
            }
            helper.execute()
        }
    };
    let (name, password) = pair.ok_or_else(refused)?;
    Ok(format!(
        "Basic {}",
        base64(format!("{name}:{password}").as_bytes())
    ))
}

/// A URL fit for a message.
pub(super) fn without_secret(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            // Only URLs without a host refuse, and those have no password.
            let _ = parsed.set_password(Some("***"));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

fn base64(data: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in data.chunks(3) {
        let bits = chunk
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for at in 0..4 {
            out.push(if at <= chunk.len() {
                char::from(DIGITS[bits >> (18 - 6 * at) & 63])
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_vectors() {
        // RFC 4648, section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(without_secret("https://a:b@c/d"), "https://a:***@c/d");
        assert_eq!(without_secret("https://a@c/d"), "https://a@c/d");
    }
}
