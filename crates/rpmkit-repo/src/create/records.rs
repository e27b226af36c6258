//! The entries of one package in `primary`, `filelists` and `other`.

use std::{borrow::Cow, fmt::Write as _, os::unix::fs::MetadataExt, path::Path};

use rpm::{FileFlags, IndexTag, PackageMetadata};

use crate::{
    error::RepoError,
    local::{self, not_rpm},
    packages::hash_file,
};
use rpmkit_types::{Checksum, ChecksumKind, Dep, Evr, Package, Requirement};

/// Changelog entries kept for a package, as createrepo's default is.
const CHANGES: usize = 10;

/// A package's three elements, without a newline at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunks {
    pub primary: String,
    pub filelists: String,
    pub other: String,
}

/// Reads the package at `dir/href`.
pub(super) fn chunks(dir: &Path, href: &str) -> Result<Chunks, RepoError> {
    let path = dir.join(href);
    let stat = std::fs::metadata(&path).map_err(RepoError::io("read", &path))?;
    let (meta, _) = local::open(&path)?;
    let package = local::record(&meta).map_err(|e| not_rpm(&path, &e))?;
    let like = Checksum::new(ChecksumKind::Sha256, "");
    let sum = hash_file(&path, &like).map_err(RepoError::io("read", &path))?;
    let files = files(&meta).map_err(|e| not_rpm(&path, &e))?;
    let identity = format!(
        "pkgid=\"{}\" name=\"{}\" arch=\"{}\">\n  <version{}/>\n",
        sum.hex,
        attribute(&package.nevra.name),
        attribute(xml_arch(&package)),
        evr(&package.nevra.evr),
    );
    Ok(Chunks {
        primary: primary(&meta, &package, &sum, &stat, href, &files),
        filelists: filelists(&identity, &files),
        other: other(&identity, &meta),
    })
}

/// Metadata knows no `nosrc`.
fn xml_arch(package: &Package) -> &str {
    match package.nevra.arch.as_str() {
        "nosrc" => "src",
        arch => arch,
    }
}

enum ListedKind {
    Plain,
    Directory,
    Ghost,
}

fn files(meta: &PackageMetadata) -> Result<Vec<(String, ListedKind)>, rpm::Error> {
    let paths = meta.get_file_paths_split()?;
    let modes = array(
        meta.header
            .get_entry_data_as_u16_array(IndexTag::RPMTAG_FILEMODES),
    )?;
    let flags = array(
        meta.header
            .get_entry_data_as_u32_array(IndexTag::RPMTAG_FILEFLAGS),
    )?;
    Ok(paths
        .into_iter()
        .enumerate()
        .map(|(i, (dir, base))| {
            let directory = modes
                .get(i)
                .is_some_and(|mode| mode & 0o170_000 == 0o040_000);
            let ghost = flags
                .get(i)
                .is_some_and(|flag| flag & FileFlags::GHOST.bits() != 0);
            let kind = match (directory, ghost) {
                (true, _) => ListedKind::Directory,
                (false, true) => ListedKind::Ghost,
                (false, false) => ListedKind::Plain,
            };
            (format!("{dir}{base}"), kind)
        })
        .collect())
}

/// A package without files has no such tags.
fn array<T>(found: Result<Vec<T>, rpm::Error>) -> Result<Vec<T>, rpm::Error> {
    match found {
        Err(rpm::Error::TagNotFound(_)) => Ok(Vec::new()),
        other => other,
    }
}

fn primary(
    meta: &PackageMetadata,
    package: &Package,
    sum: &Checksum,
    stat: &std::fs::Metadata,
    href: &str,
    files: &[(String, ListedKind)],
) -> String {
    let get = |value: Result<&str, rpm::Error>| text(value.unwrap_or_default()).into_owned();
    let archive = meta
        .header
        .get_entry_data_as_u64(IndexTag::RPMTAG_LONGARCHIVESIZE)
        .or_else(|_| {
            meta.header
                .get_entry_data_as_u32(IndexTag::RPMTAG_ARCHIVESIZE)
                .map(u64::from)
        })
        .unwrap_or(0);
    let offsets = meta.get_package_segment_offsets();
    let mut out = String::with_capacity(4096);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<package type=\"rpm\">\n  <name>{}</name>\n  <arch>{}</arch>\n  <version{}/>\n  \
         <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>\n  <summary>{}</summary>\n  \
         <description>{}</description>\n  <packager>{}</packager>\n  <url>{}</url>\n  \
         <time file=\"{}\" build=\"{}\"/>\n  \
         <size package=\"{}\" installed=\"{}\" archive=\"{archive}\"/>\n  \
         <location href=\"{}\"/>\n  <format>\n    <rpm:license>{}</rpm:license>\n    \
         <rpm:vendor>{}</rpm:vendor>\n    <rpm:group>{}</rpm:group>\n    \
         <rpm:buildhost>{}</rpm:buildhost>\n    <rpm:sourcerpm>{}</rpm:sourcerpm>\n    \
         <rpm:header-range start=\"{}\" end=\"{}\"/>\n",
        text(&package.nevra.name),
        text(xml_arch(package)),
        evr(&package.nevra.evr),
        sum.hex,
        get(meta.get_summary()),
        get(meta.get_description()),
        get(meta.get_packager()),
        get(meta.get_url()),
        stat.mtime(),
        package.build_time,
        stat.len(),
        package.installed_size,
        attribute(href),
        get(meta.get_license()),
        text(&package.vendor),
        get(meta.get_group()),
        get(meta.get_build_host()),
        text(&package.source_rpm),
        offsets.header,
        offsets.payload,
    );
    deps(
        &mut out,
        "provides",
        package.provides.iter().map(|d| (d, false)),
    );
    deps(
        &mut out,
        "requires",
        needed(package).map(|r| (&r.dep, r.pre)),
    );
    for (name, list) in [
        ("conflicts", &package.conflicts),
        ("obsoletes", &package.obsoletes),
        ("suggests", &package.suggests),
        ("enhances", &package.enhances),
        ("recommends", &package.recommends),
        ("supplements", &package.supplements),
    ] {
        deps(&mut out, name, list.iter().map(|d| (d, false)));
    }
    for (path, kind) in files.iter().filter(|(path, _)| in_primary(path)) {
        file(&mut out, "    ", path, kind);
    }
    out.push_str("  </format>\n</package>");
    out
}

/// Requirements without those the package itself meets, as createrepo leaves them out.
fn needed(package: &Package) -> impl Iterator<Item = &Requirement> {
    package.requires.iter().filter(|requirement| {
        let own_file = requirement.dep.name.starts_with('/')
            && in_primary(&requirement.dep.name)
            && package.files.contains(&requirement.dep.name);
        !own_file && !package.provides.contains(&requirement.dep)
    })
}

/// The paths primary metadata lists: what other packages usually require.
fn in_primary(path: &str) -> bool {
    path.starts_with("/etc/") || path.contains("bin/") || path == "/usr/lib/sendmail"
}

fn deps<'a>(out: &mut String, name: &str, list: impl Iterator<Item = (&'a Dep, bool)>) {
    let mut any = false;
    for (dep, pre) in list {
        if !any {
            let _ = writeln!(out, "    <rpm:{name}>");
            any = true;
        }
        let _ = write!(out, "      <rpm:entry name=\"{}\"", attribute(&dep.name));
        if let Some((flag, version)) = &dep.version {
            let flag = match flag.operator() {
                "<" => "LT",
                "<=" => "LE",
                "=" => "EQ",
                ">=" => "GE",
                _ => "GT",
            };
            let _ = write!(out, " flags=\"{flag}\"{}", evr(version));
        }
        if pre {
            out.push_str(" pre=\"1\"");
        }
        out.push_str("/>\n");
    }
    if any {
        let _ = writeln!(out, "    </rpm:{name}>");
    }
}

fn filelists(identity: &str, files: &[(String, ListedKind)]) -> String {
    let mut out = format!("<package {identity}");
    for (path, kind) in files {
        file(&mut out, "  ", path, kind);
    }
    out.push_str("</package>");
    out
}

fn file(out: &mut String, indent: &str, path: &str, kind: &ListedKind) {
    let kind = match kind {
        ListedKind::Plain => "",
        ListedKind::Directory => " type=\"dir\"",
        ListedKind::Ghost => " type=\"ghost\"",
    };
    let _ = writeln!(out, "{indent}<file{kind}>{}</file>", text(path));
}

fn other(identity: &str, meta: &PackageMetadata) -> String {
    let mut out = format!("<package {identity}");
    let mut entries = meta.get_changelog_entries().unwrap_or_default();
    // The header has the newest first; metadata the newest last.
    entries.reverse();
    entries.sort_by_key(|entry| entry.timestamp);
    for entry in &entries[entries.len().saturating_sub(CHANGES)..] {
        let _ = writeln!(
            out,
            "  <changelog author=\"{}\" date=\"{}\">{}</changelog>",
            attribute(&entry.name),
            entry.timestamp,
            text(&entry.description)
        );
    }
    out.push_str("</package>");
    out
}

fn evr(evr: &Evr) -> String {
    let mut out = format!(
        " epoch=\"{}\" ver=\"{}\"",
        evr.epoch,
        attribute(&evr.version)
    );
    if !evr.release.is_empty() {
        let _ = write!(out, " rel=\"{}\"", attribute(&evr.release));
    }
    out
}

/// Text between tags.
fn text(value: &str) -> Cow<'_, str> {
    escape(value, false)
}

/// Text between double quotes.
pub(super) fn attribute(value: &str) -> Cow<'_, str> {
    escape(value, true)
}

fn escape(value: &str, quotes: bool) -> Cow<'_, str> {
    let special = |c: char| {
        matches!(c, '&' | '<' | '>')
            || (quotes && matches!(c, '"' | '\n' | '\t'))
            || (c < ' ' && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    if !value.contains(special) {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len() + 16);
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if quotes => out.push_str("&quot;"),
            '\n' if quotes => out.push_str("&#10;"),
            '\t' if quotes => out.push_str("&#9;"),
            // XML has no way to say these at all.
            c if special(c) => out.push('?'),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}
