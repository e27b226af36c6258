//! primary.xml: one package at a time, in memory that is used again for the next.

use std::io::BufRead;

use rpmkit_solv::DepKind;

use super::xml::{XmlError, XmlTag, attributes, walk_at};

/// A stretch of [`RawPackage`]'s text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

/// A dependency as metadata states it.
#[derive(Debug, Clone, Copy)]
pub struct RawDep {
    /// In which list it stands.
    pub kind: DepKind,
    /// Capability, path or rich dependency.
    pub name: Span,
    /// `LT` … `GT`, empty for none.
    pub flags: Span,
    /// `[epoch:]version[-release]`, a zero epoch left out.
    pub evr: Span,
}

/// One package; the spans point into its text.
#[derive(Debug, Default)]
pub struct RawPackage {
    text: String,
    /// Name.
    pub name: Span,
    /// Architecture.
    pub arch: Span,
    /// `[epoch:]version-release`
    pub evr: Span,
    /// Algorithm and digits.
    pub checksum: (Span, Span),
    /// `xml:base`
    pub base: Span,
    /// Path of the file.
    pub href: Span,
    /// One line about it.
    pub summary: Span,
    /// Vendor.
    pub vendor: Span,
    /// Source package.
    pub source_rpm: Span,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes installed.
    pub installed_size: u64,
    /// Seconds since 1970.
    pub build_time: u64,
    /// All dependencies in document order.
    pub deps: Vec<RawDep>,
    /// Files.
    pub files: Vec<Span>,
}

impl RawPackage {
    /// The text of a span.
    pub fn get(&self, span: Span) -> &str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    fn put(&mut self, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Span {
            start,
            end: self.text.len() as u32,
        }
    }

    fn clear(&mut self) {
        let (mut text, mut deps, mut files) = (
            std::mem::take(&mut self.text),
            std::mem::take(&mut self.deps),
            std::mem::take(&mut self.files),
        );
        text.clear();
        deps.clear();
        files.clear();
        *self = Self {
            text,
            deps,
            files,
            ..Self::default()
        };
    }

    /// Puts an EVR together as libsolv's reader does: a zero epoch is dropped, unless the version
    /// would then look as if it had one.
    fn put_evr(&mut self, epoch: &str, version: &str, release: &str) -> Span {
        let start = self.text.len() as u32;
        let looks_like_epoch = version
            .split_once(':')
            .is_some_and(|(e, _)| !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit()));
        if !matches!(epoch, "" | "0") {
            self.text.push_str(epoch);
            self.text.push(':');
        } else if looks_like_epoch {
            self.text.push_str("0:");
        }
        self.text.push_str(version);
        if !release.is_empty() {
            self.text.push('-');
            self.text.push_str(release);
        }
        Span {
            start,
            end: self.text.len() as u32,
        }
    }

    fn evr_of(&mut self, raw: &str) -> Span {
        let (mut epoch, mut version, mut release) = Default::default();
        for (key, value) in attributes(raw) {
            match key {
                "epoch" => epoch = value,
                "ver" => version = value,
                "rel" => release = value,
                _ => {}
            }
        }
        self.put_evr(&epoch, &version, &release)
    }

    fn add_dep(&mut self, kind: DepKind, raw: &str) {
        let (mut name, mut flags, mut pre) = (Span::default(), Span::default(), false);
        for (key, value) in attributes(raw) {
            match key {
                "name" => name = self.put(&value),
                "flags" => flags = self.put(&value),
                "pre" => pre = value.starts_with('1'),
                _ => {}
            }
        }
        if name == Span::default() {
            return;
        }
        let evr = if flags == Span::default() {
            Span::default()
        } else {
            self.evr_of(raw)
        };
        let kind = match kind {
            DepKind::Requires if pre => DepKind::PreRequires,
            kind => kind,
        };
        self.deps.push(RawDep {
            kind,
            name,
            flags,
            evr,
        });
    }
}

/// Where in a package the reader is waiting for text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Nothing,
    Name,
    Arch,
    Checksum,
    Summary,
    Vendor,
    SourceRpm,
    File,
}

/// Reads primary.xml and hands every package to `each`.
pub fn read<E: From<XmlError>>(
    input: impl BufRead,
    mut each: impl FnMut(&RawPackage) -> Result<(), E>,
) -> Result<(), E> {
    let mut package = RawPackage::default();
    let mut inside = false;
    let mut list: Option<DepKind> = None;
    let mut want = Want::Nothing;
    let mut text = String::new();
    walk_at(input, |offset, tag| {
        match tag {
            XmlTag::Start("package", _) => {
                package.clear();
                inside = true;
            }
            XmlTag::Start(_, _) if !inside => {}
            XmlTag::Start(name, raw) => {
                text.clear();
                want = Want::Nothing;
                match name {
                    "entry" => {
                        if let Some(kind) = list {
                            package.add_dep(kind, raw);
                        }
                    }
                    "file" => want = Want::File,
                    "name" => want = Want::Name,
                    "arch" => want = Want::Arch,
                    "version" => package.evr = package.evr_of(raw),
                    "checksum" => {
                        for (_, value) in attributes(raw).filter(|(key, _)| *key == "type") {
                            package.checksum.0 = package.put(&value);
                        }
                        want = Want::Checksum;
                    }
                    "summary" => want = Want::Summary,
                    "vendor" => want = Want::Vendor,
                    "sourcerpm" => want = Want::SourceRpm,
                    "size" | "time" => {
                        for (key, value) in attributes(raw) {
                            if key == "package" && value.parse::<u64>().is_err() {
                                let of = package.get(package.name);
                                return Err(E::from(XmlError {
                                    at: offset,
                                    what: format!("package `{of}` has a size of `{value}` bytes"),
                                }));
                            }
                            let number = value.parse().unwrap_or_default();
                            match key {
                                "package" => package.size = number,
                                "installed" => package.installed_size = number,
                                "build" => package.build_time = number,
                                _ => {}
                            }
                        }
                    }
                    "location" => {
                        for (key, value) in attributes(raw) {
                            match key {
                                "href" => package.href = package.put(&value),
                                "xml:base" => package.base = package.put(&value),
                                _ => {}
                            }
                        }
                    }
                    _ => list = dep_list(name).or(list),
                }
            }
            XmlTag::Text(piece) => {
                if want != Want::Nothing {
                    text.push_str(piece);
                }
            }
            XmlTag::End("package") => {
                inside = false;
                each(&package)?;
            }
            XmlTag::End(name) => {
                match want {
                    Want::Nothing => {
                        if list.is_some() && dep_list(name) == list {
                            list = None;
                        }
                    }
                    Want::Name => package.name = package.put(text.trim()),
                    Want::Arch => package.arch = package.put(text.trim()),
                    Want::Checksum => package.checksum.1 = package.put(text.trim()),
                    Want::Summary => package.summary = package.put(text.trim()),
                    Want::Vendor => package.vendor = package.put(&text),
                    Want::SourceRpm => package.source_rpm = package.put(text.trim()),
                    Want::File => {
                        let span = package.put(&text);
                        package.files.push(span);
                    }
                }
                want = Want::Nothing;
            }
        }
        Ok(())
    })
}

fn dep_list(name: &str) -> Option<DepKind> {
    Some(match name {
        "provides" => DepKind::Provides,
        "requires" => DepKind::Requires,
        "conflicts" => DepKind::Conflicts,
        "obsoletes" => DepKind::Obsoletes,
        "recommends" => DepKind::Recommends,
        "suggests" => DepKind::Suggests,
        "supplements" => DepKind::Supplements,
        "enhances" => DepKind::Enhances,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SAMPLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="1">
<package type="rpm"><name>app</name><arch>x86_64</arch><version epoch="0" ver="1.2" rel="3.fc"/>
<checksum type="sha256" pkgid="YES">AB12</checksum><summary>name &amp; arch</summary>
<time file="1" build="77"/><size package="10" installed="20" archive="30"/>
<location xml:base="http://x/y" href="p/app-1.2-3.fc.x86_64.rpm"/>
<format><rpm:vendor>Us &amp; Co</rpm:vendor><rpm:sourcerpm>app-1.2-3.fc.src.rpm</rpm:sourcerpm>
<rpm:provides><rpm:entry name="app" flags="EQ" epoch="1" ver="1.2" rel="3.fc"/></rpm:provides>
<rpm:requires><rpm:entry name="libc" flags="GE" ver="2"/><rpm:entry name="sh" pre="1"/>
<rpm:entry name="(a &gt;= 1 if b)"/></rpm:requires>
<rpm:obsoletes><rpm:entry name="old"/></rpm:obsoletes>
<file>/usr/bin/a&amp;b</file><file type="dir">/etc/app</file></format></package></metadata>"#;

    #[test]
    fn sizes_no_file_can_have_are_refused() {
        let text = |size: &str| {
            format!(
                "<metadata><package><name>x</name><size package=\"{size}\"/></package></metadata>"
            )
        };
        let read = |size| read::<XmlError>(text(size).as_bytes(), |_| Ok(()));
        read("18446744073709551615").unwrap();
        let error = read("18446744073709551616").unwrap_err().to_string();
        assert!(
            error.contains("package `x` has a size of `18446744073709551616`"),
            "{error}"
        );
    }

    #[test]
    fn everything_is_found() {
        let mut count = 0;
        read::<XmlError>(SAMPLE.as_bytes(), |p| {
            count += 1;
            assert_eq!(p.get(p.name), "app");
            assert_eq!(p.get(p.arch), "x86_64");
            assert_eq!(p.get(p.evr), "1.2-3.fc");
            assert_eq!(p.get(p.checksum.0), "sha256");
            assert_eq!(p.get(p.checksum.1), "AB12");
            assert_eq!(p.get(p.base), "http://x/y");
            assert_eq!(p.get(p.href), "p/app-1.2-3.fc.x86_64.rpm");
            assert_eq!(p.get(p.vendor), "Us & Co");
            assert_eq!(p.get(p.source_rpm), "app-1.2-3.fc.src.rpm");
            assert_eq!((p.size, p.installed_size, p.build_time), (10, 20, 77));
            let deps: Vec<_> = p
                .deps
                .iter()
                .map(|d| (d.kind, p.get(d.name), p.get(d.flags), p.get(d.evr)))
                .collect();
            assert_eq!(
                deps,
                [
                    (DepKind::Provides, "app", "EQ", "1:1.2-3.fc"),
                    (DepKind::Requires, "libc", "GE", "2"),
                    (DepKind::PreRequires, "sh", "", ""),
                    (DepKind::Requires, "(a >= 1 if b)", "", ""),
                    (DepKind::Obsoletes, "old", "", ""),
                ]
            );
            let files: Vec<_> = p.files.iter().map(|f| p.get(*f)).collect();
            assert_eq!(files, ["/usr/bin/a&b", "/etc/app"]);
            Ok(())
        })
        .unwrap();
        assert_eq!(count, 1);
    }

    #[test]
    fn a_size_that_is_none_is_refused() {
        let text = SAMPLE.replace("package=\"10\"", "package=\"18446744073709551616\"");
        let error = read::<XmlError>(text.as_bytes(), |_| Ok(())).unwrap_err();
        assert!(error.what.contains("package `app` has a size"), "{error}");
        assert!(error.at > 0, "{error}");
    }
}
