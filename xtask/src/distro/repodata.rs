//! rpm-md: `repomd.xml`, `primary`, `filelists`, `other` and the group file, written from finished packages.
//!
//! Everything is a function of the packages (times too), so the same packages give the same checksums.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use quick_xml::escape::escape;
use rpm::{Dependency, DependencyFlags, FileType, PackageMetadata};
use sha2::{Digest, Sha256};

use super::jobs;
use super::root::Root;

/// How the metadata files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip, as every tool reads.
    Gzip,
    /// zstd, as Fedora has it today.
    Zstd,
}

impl Packing {
    fn suffix(self) -> &'static str {
        match self {
            Packing::Gzip => "gz",
            Packing::Zstd => "zst",
        }
    }

    fn pack(self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(match self {
            Packing::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
                encoder.write_all(bytes)?;
                encoder.finish()?
            }
            Packing::Zstd => zstd::encode_all(bytes, 9)?,
        })
    }
}

/// One package's part of the three files, and when it was built.
struct Parts {
    primary: String,
    filelists: String,
    other: String,
    built: u64,
}

/// Writes `repodata` below `repository`, whose packages lie in `Packages`.
fn write(repository: &Path, packing: Packing, comps: &str) -> Result<()> {
    let mut names: Vec<String> = std::fs::read_dir(repository.join("Packages"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.sort();
    let parts = jobs::parallel("reading headers", &names, |name| {
        let href = format!("Packages/{name}");
        describe(&repository.join(&href), &href)
            .with_context(|| format!("cannot describe `{href}`"))
    })?;
    let built = parts
        .iter()
        .map(|part| part.built)
        .max()
        .unwrap_or_default();
    let count = parts.len();
    let join = |head: &str, tail: &str, pick: fn(&Parts) -> &str| {
        let body: String = parts.iter().map(pick).collect();
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{head}\n{body}{tail}\n")
    };
    let common = "http://linux.duke.edu/metadata";
    let primary = join(
        &format!(
            "<metadata xmlns=\"{common}/common\" xmlns:rpm=\"{common}/rpm\" packages=\"{count}\">"
        ),
        "</metadata>",
        |part| &part.primary,
    );
    let filelists = join(
        &format!("<filelists xmlns=\"{common}/filelists\" packages=\"{count}\">"),
        "</filelists>",
        |part| &part.filelists,
    );
    let other = join(
        &format!("<otherdata xmlns=\"{common}/other\" packages=\"{count}\">"),
        "</otherdata>",
        |part| &part.other,
    );
    let target = repository.join("repodata");
    std::fs::create_dir_all(&target)?;
    let mut repomd = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"{common}/repo\" xmlns:rpm=\"{common}/rpm\">\n  \
         <revision>{built}</revision>\n"
    );
    for (kind, text) in [
        ("primary", &primary),
        ("filelists", &filelists),
        ("other", &other),
    ] {
        let packed = packing.pack(text.as_bytes())?;
        repomd += &store(
            &target,
            kind,
            &format!("{kind}.xml.{}", packing.suffix()),
            text.as_bytes(),
            &packed,
            built,
        )?;
    }
    repomd += &store(
        &target,
        "group",
        "comps.xml",
        comps.as_bytes(),
        comps.as_bytes(),
        built,
    )?;
    let packed = packing.pack(comps.as_bytes())?;
    let kind = format!("group_{}", packing.suffix());
    repomd += &store(
        &target,
        &kind,
        &format!("comps.xml.{}", packing.suffix()),
        comps.as_bytes(),
        &packed,
        built,
    )?;
    repomd += "</repomd>\n";
    Ok(std::fs::write(target.join("repomd.xml"), repomd)?)
}

/// Writes `repodata` with the suite's own createrepo_c where the suite has a root, or else with [`write()`].
pub fn of(root: Option<&Root>, repository: &Path, packing: Packing, comps: &str) -> Result<()> {
    match root {
        None => write(repository, packing, comps),
        Some(root) => write_by(root, repository, packing, comps),
    }
}

/// The same by the suite's own createrepo_c, with everything else as it likes it.
fn write_by(root: &Root, repository: &Path, packing: Packing, comps: &str) -> Result<()> {
    let place = tempfile::tempdir()?;
    let groups = place.path().join("comps.xml");
    std::fs::write(&groups, comps)?;
    let compression = match packing {
        Packing::Gzip => "--general-compress-type=gz",
        Packing::Zstd => "--general-compress-type=zstd",
    };
    root.run(
        &[(repository, "/repository"), (place.path(), "/groups")],
        &[
            "createrepo_c",
            "--quiet",
            "--workers=2",
            compression,
            "--groupfile=/groups/comps.xml",
            "/repository",
        ],
    )
    .map(drop)
}

fn store(
    dir: &Path,
    kind: &str,
    name: &str,
    open: &[u8],
    packed: &[u8],
    built: u64,
) -> Result<String> {
    let sum = hex::encode(Sha256::digest(packed));
    let name = format!("{sum}-{name}");
    std::fs::write(dir.join(&name), packed)?;
    let opened = if open == packed {
        String::new()
    } else {
        format!(
            "    <open-checksum type=\"sha256\">{}</open-checksum>\n    <open-size>{}</open-size>\n",
            hex::encode(Sha256::digest(open)),
            open.len()
        )
    };
    Ok(format!(
        "  <data type=\"{kind}\">\n    <checksum type=\"sha256\">{sum}</checksum>\n{opened}    \
         <location href=\"repodata/{name}\"/>\n    <timestamp>{built}</timestamp>\n    <size>{}</size>\n  </data>\n",
        packed.len()
    ))
}

fn describe(path: &Path, href: &str) -> Result<Parts> {
    let bytes = std::fs::read(path)?;
    let sum = hex::encode(Sha256::digest(&bytes));
    let meta = PackageMetadata::parse(&mut bytes.as_slice())?;
    let built = meta.get_build_time()?;
    let id = format!(
        "pkgid=\"{sum}\" name=\"{}\" arch=\"{}\"",
        escape(meta.get_name()?),
        escape(meta.get_arch()?)
    );
    let evr = format!(
        "<version epoch=\"{}\" ver=\"{}\" rel=\"{}\"/>",
        meta.get_epoch().unwrap_or(0),
        escape(meta.get_version()?),
        escape(meta.get_release()?)
    );
    let mut all_files = String::new();
    let mut main_files = String::new();
    for file in meta.get_file_entries()? {
        let name = file.path().to_string_lossy().into_owned();
        let kind = match file.file_type() {
            FileType::Dir => " type=\"dir\"",
            _ if file.flags().contains(rpm::FileFlags::GHOST) => " type=\"ghost\"",
            _ => "",
        };
        let line = format!("    <file{kind}>{}</file>\n", escape(&name));
        if name.starts_with("/etc/") || name.contains("bin/") || name == "/usr/lib/sendmail" {
            main_files += &line;
        }
        all_files += &line;
    }
    let mut changes = String::new();
    for entry in meta.get_changelog_entries()? {
        writeln!(
            changes,
            "    <changelog author=\"{}\" date=\"{}\">{}</changelog>",
            escape(&entry.name),
            entry.timestamp,
            escape(&entry.description)
        )?;
    }
    Ok(Parts {
        primary: primary(&meta, &bytes, &sum, href, &evr, &main_files)?,
        filelists: format!("  <package {id}>\n    {evr}\n{all_files}  </package>\n"),
        other: format!("  <package {id}>\n    {evr}\n{changes}  </package>\n"),
        built,
    })
}

fn primary(
    meta: &PackageMetadata,
    bytes: &[u8],
    sum: &str,
    href: &str,
    evr: &str,
    files: &str,
) -> Result<String> {
    let offsets = meta.get_package_segment_offsets();
    let installed = meta.get_installed_size()?;
    let mut out = String::from("<package type=\"rpm\">\n");
    let built = meta.get_build_time()?;
    for (tag, value) in [("name", meta.get_name()?), ("arch", meta.get_arch()?)] {
        writeln!(out, "  <{tag}>{}</{tag}>", escape(value))?;
    }
    writeln!(
        out,
        "  {evr}\n  <checksum type=\"sha256\" pkgid=\"YES\">{sum}</checksum>"
    )?;
    for (tag, value) in [
        ("summary", meta.get_summary().unwrap_or_default()),
        ("description", meta.get_description().unwrap_or_default()),
        ("packager", meta.get_packager().unwrap_or_default()),
        ("url", meta.get_url().unwrap_or_default()),
    ] {
        writeln!(out, "  <{tag}>{}</{tag}>", escape(value))?;
    }
    writeln!(out, "  <time file=\"{built}\" build=\"{built}\"/>")?;
    writeln!(
        out,
        "  <size package=\"{}\" installed=\"{installed}\" archive=\"{installed}\"/>",
        bytes.len()
    )?;
    writeln!(out, "  <location href=\"{}\"/>\n  <format>", escape(href))?;
    for (tag, value) in [
        ("license", meta.get_license().unwrap_or_default()),
        ("vendor", meta.get_vendor().unwrap_or_default()),
        ("group", meta.get_group().unwrap_or_default()),
        ("buildhost", meta.get_build_host().unwrap_or_default()),
        ("sourcerpm", ""),
    ] {
        writeln!(out, "    <rpm:{tag}>{}</rpm:{tag}>", escape(value))?;
    }
    writeln!(
        out,
        "    <rpm:header-range start=\"{}\" end=\"{}\"/>",
        offsets.header, offsets.payload
    )?;
    for (tag, entries) in [
        ("provides", meta.get_provides()?),
        ("requires", meta.get_requires()?),
        ("conflicts", meta.get_conflicts()?),
        ("obsoletes", meta.get_obsoletes()?),
        ("suggests", meta.get_suggests()?),
        ("enhances", meta.get_enhances()?),
        ("recommends", meta.get_recommends()?),
        ("supplements", meta.get_supplements()?),
    ] {
        dependencies(&mut out, tag, &entries);
    }
    out += files;
    out += "  </format>\n</package>\n";
    Ok(out)
}

fn dependencies(out: &mut String, tag: &str, entries: &[Dependency]) {
    let mut lines: Vec<String> = entries
        .iter()
        .filter(|one| !one.name.starts_with("rpmlib("))
        .map(|one| entry(one, tag == "requires"))
        .collect();
    lines.dedup();
    if !lines.is_empty() {
        *out += &format!("    <rpm:{tag}>\n{}    </rpm:{tag}>\n", lines.concat());
    }
}

fn entry(dependency: &Dependency, mark_pre: bool) -> String {
    let has = |flag| dependency.flags.contains(flag);
    let sign = match (
        has(DependencyFlags::LESS),
        has(DependencyFlags::GREATER),
        has(DependencyFlags::EQUAL),
    ) {
        (true, _, true) => "LE",
        (true, _, false) => "LT",
        (_, true, true) => "GE",
        (_, true, false) => "GT",
        (_, _, true) => "EQ",
        _ => "",
    };
    let mut line = format!("      <rpm:entry name=\"{}\"", escape(&dependency.name));
    if !sign.is_empty() {
        let (epoch, rest) = dependency
            .version
            .split_once(':')
            .unwrap_or(("0", &dependency.version));
        let (version, release) = rest
            .split_once('-')
            .map_or((rest, None), |(version, release)| (version, Some(release)));
        line += &format!(
            " flags=\"{sign}\" epoch=\"{}\" ver=\"{}\"",
            escape(epoch),
            escape(version)
        );
        if let Some(release) = release {
            line += &format!(" rel=\"{}\"", escape(release));
        }
    }
    if mark_pre
        && dependency
            .flags
            .intersects(DependencyFlags::SCRIPT_PRE | DependencyFlags::SCRIPT_POST)
    {
        line += " pre=\"1\"";
    }
    line + "/>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_written_as_createrepo_does() {
        assert_eq!(
            entry(&Dependency::any("(a or b >= 1)"), true),
            "      <rpm:entry name=\"(a or b &gt;= 1)\"/>\n"
        );
        assert_eq!(
            entry(&Dependency::greater_eq("x", "1:2-3"), true),
            "      <rpm:entry name=\"x\" flags=\"GE\" epoch=\"1\" ver=\"2\" rel=\"3\"/>\n"
        );
        assert!(entry(&Dependency::script_pre("x"), true).contains("pre=\"1\""));
        assert!(!entry(&Dependency::script_pre("x"), false).contains("pre"));
    }
}
