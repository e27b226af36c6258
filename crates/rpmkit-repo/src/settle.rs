//! Metadata files that `repomd.xml` has no digest of. They are taken where something else vouches
//! for what is made of them: the packages' signatures, the one of `repomd.xml`, or that the whole
//! repository is a directory of this machine.

use super::{
    conf::Repository,
    contents::{REPOMD, RepoContents, unavailable},
    disk::with_suffix,
    error::RepoError,
    fetcher::Fetcher,
    metadata::all_local,
    progress::Meter,
    repomd::{Bare, GROUPS, Record},
    state::record_name,
};
use rpmkit_fetch::{
    Address, FetchCause, Mirrors,
    transfer::{self, Expect},
};
use rpmkit_types::{Checksum, ChecksumKind, MAX_METADATA, event::Phase};

impl Fetcher {
    /// Gets the files without a digest that are needed, and gives them the digest they have.
    pub(super) fn settle(
        &self,
        repo: &Repository,
        mirrors: &Mirrors,
        mut contents: RepoContents,
    ) -> Result<RepoContents, RepoError> {
        let groups = |kind: &str| repo.common.enablegroups && GROUPS.contains(&kind);
        for bare in std::mem::take(&mut contents.repomd.bare) {
            let kind = bare.kind.as_str();
            let known = contents.repomd.find(&[kind]).is_some();
            let needed = matches!(kind, "primary" | "filelists" | "modules") || groups(kind);
            if known || !needed {
                continue;
            }
            if !(all_local(repo) || repo.common.gpgcheck || contents.signed.is_some()) {
                return Err(RepoError::Metadata {
                    repo: repo.id.clone(),
                    url: contents
                        .base
                        .join(REPOMD)
                        .map_or_else(|_| REPOMD.to_owned(), |a| a.shown()),
                    reason: format!(
                        "the entry `{kind}` has no `<checksum>`, and without `gpgcheck` nothing \
                         else vouches for it"
                    ),
                });
            }
            let record = self.measure(repo, mirrors, &bare)?;
            contents.repomd.records.push(record);
        }
        Ok(contents)
    }

    fn measure(
        &self,
        repo: &Repository,
        mirrors: &Mirrors,
        bare: &Bare,
    ) -> Result<Record, RepoError> {
        let dir = self.dirs.metadata.join("files-1");
        let name = Checksum::sha256(format!("{} {}", repo.id, bare.href).as_bytes());
        let _lock = self.lock_for(&dir, &name)?;
        let part = with_suffix(&dir.join(format!("bare-{}", name.hex)), ".part");
        // What an earlier attempt left is not known to be of the same file.
        let _ = std::fs::remove_file(&part);
        let meter = Meter::new(&self.events, Phase::Metadata, repo.id.clone(), 0);
        let fetched = mirrors.each(
            &bare.href,
            &repo.common.transport,
            self.options.wait,
            |base| {
                let base = match &bare.base {
                    Some(other) => &Address::parse(other).map_err(FetchCause::Content)?,
                    None => base,
                };
                let file = base.join(&bare.href).map_err(FetchCause::Content)?;
                let expect = Expect {
                    checksum: None,
                    size: None,
                    at_most: Some(MAX_METADATA),
                };
                transfer::to_part(
                    &self.agents,
                    &file,
                    &repo.common.transport,
                    &part,
                    expect,
                    &|n| {
                        meter.add(n);
                    },
                )
            },
        );
        if let Err(failures) = fetched {
            return Err(unavailable(repo, &bare.href, failures));
        }
        let like = Checksum::new(ChecksumKind::Sha256, "");
        let checksum =
            super::packages::hash_file(&part, &like).map_err(RepoError::io("read", &part))?;
        let size = std::fs::metadata(&part).map_err(RepoError::io("read", &part))?;
        let record = Record {
            kind: bare.kind.clone(),
            href: bare.href.clone(),
            base: bare.base.clone(),
            checksum,
            size: Some(size.len()),
            open_size: None,
        };
        let path = dir.join(record_name(&record));
        std::fs::rename(&part, &path).map_err(RepoError::io("rename", &part))?;
        Ok(record)
    }
}
