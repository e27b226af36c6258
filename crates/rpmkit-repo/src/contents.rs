//! `repomd.xml`: from which servers, in which version, signed by whom.

use super::{
    conf::Repository,
    error::RepoError,
    fetcher::{Fetcher, address},
    gpg,
    mirrors::{parse_list, parse_metalink},
    repomd::Repomd,
    state::RepoState,
};
use rpmkit_fetch::{Address, Ask, FetchCause, FetchFailures, Mirrors, Validators, transfer};
use rpmkit_openpgp::SignatureProblem;
use rpmkit_types::{Checksum, Hasher};

/// The table of contents, relative to the repository.
pub(super) const REPOMD: &str = "repodata/repomd.xml";

/// `repomd.xml` with where it came from.
pub(super) struct RepoContents {
    pub data: Vec<u8>,
    pub repomd: Repomd,
    pub base: Address,
    pub validators: Validators,
    pub signed: Option<String>,
}

impl Fetcher {
    /// Bases by metalink or mirror list, then those given; and the digests `repomd.xml` may have.
    pub(super) fn bases(
        &self,
        repo: &Repository,
        state: Option<&RepoState>,
    ) -> Result<(Vec<String>, Vec<Checksum>), RepoError> {
        let mut bases = Vec::new();
        let mut versions = Vec::new();
        if let Some(url) = repo.metalink.as_ref().or(repo.mirrorlist.as_ref()) {
            match self.mirror_list(repo, url) {
                Ok((found, digests)) => {
                    bases = found;
                    versions = digests;
                }
                // The mirrors of last time may still serve, when nothing vouches for the content
                // but them anyway; a metalink's digests cannot be done without.
                Err(error) => match state {
                    Some(state) if repo.metalink.is_none() => {
                        self.events
                            .warn(format!("{error}; using the mirrors of the last time"));
                        bases.clone_from(&state.bases);
                    }
                    _ if !repo.baseurl.is_empty() => self.events.warn(error.to_string()),
                    _ => return Err(error),
                },
            }
        }
        for base in &repo.baseurl {
            address(&repo.id, base)?;
            if !bases.contains(base) {
                bases.push(base.clone());
            }
        }
        let first = bases.first().ok_or_else(|| RepoError::NoAddress {
            repo: repo.id.clone(),
        })?;
        // Wrong certificates and proxies are the user's mistake: told once, before any attempt.
        self.check(&repo.id, &address(&repo.id, first)?, &repo.common.transport)?;
        Ok((bases, versions))
    }

    fn mirror_list(
        &self,
        repo: &Repository,
        url: &str,
    ) -> Result<(Vec<String>, Vec<Checksum>), RepoError> {
        let data = self.small(&repo.id, url, &repo.common.transport)?;
        let bad = |reason: String| RepoError::Metadata {
            repo: repo.id.clone(),
            url: url.to_owned(),
            reason,
        };
        // A mirrorlist option may well name a metalink.
        if repo.metalink.is_some() || data.trim_ascii_start().starts_with(b"<?xml") {
            let link = parse_metalink(&data).map_err(bad)?;
            return Ok((link.bases, link.versions));
        }
        let bases = parse_list(&String::from_utf8_lossy(&data));
        if bases.is_empty() {
            return Err(bad("it names no mirror that can be used".to_owned()));
        }
        Ok((bases, Vec::new()))
    }

    /// Gets `repomd.xml`, or finds that the cached one is still right.
    pub(super) fn contents(
        &self,
        repo: &Repository,
        mirrors: &Mirrors,
        versions: &[Checksum],
        cached: Option<&(RepoState, (Vec<u8>, Repomd))>,
        fresh: bool,
    ) -> Result<RepoContents, RepoError> {
        let reuse = cached.filter(|(state, _)| self.signature_known(repo, state));
        if let Some((state, (data, repomd))) = reuse
            && let Some(newest) = versions.first()
            && digest(data, newest) == *newest
            && let Ok(base) = Address::parse(&state.base)
        {
            return Ok(RepoContents {
                data: data.clone(),
                repomd: repomd.clone(),
                base,
                validators: state.validators.clone(),
                signed: state.signed.clone(),
            });
        }
        let fetched = mirrors.each(REPOMD, &repo.common.transport, self.options.wait, |base| {
            let file = base.join(REPOMD).map_err(FetchCause::Content)?;
            let known = reuse
                .filter(|(state, _)| state.base == base.shown() && versions.is_empty())
                .map(|(state, contents)| (&state.validators, contents));
            let ask = Ask {
                unless: known.map(|(validators, _)| validators),
                fresh,
                ..Ask::default()
            };
            let small = transfer::small(&self.agents, &file, &repo.common.transport, &ask)?;
            let (data, validators) = match (small, known) {
                (Some(small), _) => (small.data, small.validators),
                (None, Some((validators, contents))) => (contents.0.clone(), validators.clone()),
                (None, None) => return Err(FetchCause::Status(304)),
            };
            if let Some(first) = versions.first()
                && !versions
                    .iter()
                    .any(|version| digest(&data, version) == *version)
            {
                let expected: Vec<String> = versions.iter().map(ToString::to_string).collect();
                return Err(FetchCause::Digest {
                    expected: expected.join(" or "),
                    found: digest(&data, first),
                });
            }
            let repomd = Repomd::parse(&data)
                .map_err(|reason| FetchCause::Content(format!("it is not valid: {reason}")))?;
            Ok((data, repomd, validators))
        });
        let ((data, repomd, validators), base) = match fetched {
            Ok(found) => found,
            Err(failures) => return Err(unavailable(repo, REPOMD, failures)),
        };
        let mut contents = RepoContents {
            data,
            repomd,
            base: base.clone(),
            validators,
            signed: None,
        };
        if repo.common.repo_gpgcheck {
            contents.signed = Some(self.check_signature(repo, base, &contents.data)?);
        }
        Ok(contents)
    }

    /// Gives what is known then.
    fn check_signature(
        &self,
        repo: &Repository,
        base: &Address,
        data: &[u8],
    ) -> Result<String, RepoError> {
        let keys = self.keys(repo, "repo_gpgcheck")?;
        let ring = self.ring(repo, &keys)?;
        let relative = "repodata/repomd.xml.asc";
        let bad = |reason| RepoError::Address {
            repo: repo.id.clone(),
            url: base.shown(),
            reason,
        };
        let file = base.join(relative).map_err(bad)?;
        let signed = base.join(REPOMD).map_err(bad)?.shown();
        // From the same server only: a signature belongs to one version of the file.
        let server = Mirrors::new(vec![file]);
        let fetched = server.each("", &repo.common.transport, self.options.wait, |file| {
            transfer::small(&self.agents, file, &repo.common.transport, &Ask::default())
        });
        let signature = match fetched {
            Ok((small, _)) => small.map(|small| small.data).unwrap_or_default(),
            Err(failures) => {
                let missing = failures.0.last().is_some_and(|failure| {
                    matches!(
                        failure.cause,
                        FetchCause::Missing | FetchCause::Status(404 | 410)
                    )
                });
                if !missing {
                    return Err(unavailable(repo, relative, failures));
                }
                return Err(RepoError::Signature {
                    repo: repo.id.clone(),
                    url: signed,
                    problem: SignatureProblem::Missing,
                });
            }
        };
        gpg::verify_detached(ring, data, &signature)
            .map(|warnings| {
                self.weak(&repo.id, warnings);
                keys.claim()
            })
            .map_err(|problem| RepoError::Signature {
                repo: repo.id.clone(),
                url: signed,
                problem,
            })
    }
}

/// The failure to get a file of a repository.
pub(super) fn unavailable(repo: &Repository, what: &str, failures: FetchFailures) -> RepoError {
    RepoError::Unavailable {
        repo: repo.id.clone(),
        what: what.to_owned(),
        failures,
    }
}

/// Digest of `data` of the kind `like` has.
fn digest(data: &[u8], like: &Checksum) -> Checksum {
    let mut hasher = Hasher::new(like.kind);
    hasher.update(data);
    hasher.finish()
}
