//! Packages and archives to begin from, made rather than kept.

use std::io::Write;

use rpm::{BuildConfig, CompressionWithLevel, Dependency, FileOptions, PackageBuilder};

/// A binary package of a few files, dependencies and a link.
pub fn small_package() -> Vec<u8> {
    let mut builder = PackageBuilder::new("small", "1", "MIT", "noarch", "a small package");
    builder
        .release("1")
        .using_config(
            BuildConfig::default()
                .compression(CompressionWithLevel::None)
                .source_date(1_600_000_000_u32),
        )
        .requires(Dependency::any("thing"))
        .provides(Dependency::any("thing"));
    let mut fill = || -> Result<(), rpm::Error> {
        builder.with_file_contents(
            "#!/bin/sh\n",
            FileOptions::new("/usr/bin/small").mode(0o100_755),
        )?;
        builder.with_file_contents("text\n", FileOptions::new("/usr/share/small/text"))?;
        builder.with_symlink(FileOptions::symlink("/usr/bin/other", "small"))?;
        Ok(())
    };
    fill().expect("these files are good");
    let mut out = Vec::new();
    let package = builder.build().expect("this package is good");
    package.write(&mut out).expect("memory can be written to");
    out
}

/// The packages that ended the reader once, and a good one.
pub(crate) fn packages() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../fixtures/crash/header-count.src.rpm").to_vec(),
        include_bytes!("../../fixtures/crash/header-offset.src.rpm").to_vec(),
        small_package(),
    ]
}

/// A tar archive, plain and compressed.
pub(crate) fn archives() -> Vec<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    for (name, kind, link, data) in [
        ("usr", tar::EntryType::Directory, "", ""),
        ("usr/a", tar::EntryType::Regular, "", "content"),
        ("b", tar::EntryType::Symlink, "usr", ""),
        ("b/c", tar::EntryType::Link, "usr/a", ""),
        (&*"long/".repeat(60), tar::EntryType::Directory, "", ""),
        ("usr/.wh.a", tar::EntryType::Regular, "", ""),
    ] {
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(data.len() as u64);
        let added = match link {
            "" => builder.append_data(&mut header, name, data.as_bytes()),
            link => builder.append_link(&mut header, name, link),
        };
        added.expect("memory can be written to");
    }
    let plain = builder.into_inner().expect("memory can be written to");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&plain).expect("memory can be written to");
    vec![
        plain,
        packed.finish().expect("memory can be written to"),
        image(),
    ]
}

/// An OCI image without layers.
fn image() -> Vec<u8> {
    let manifest = r#"{"layers":[]}"#;
    let digest = rpmkit_types::Checksum::sha256(manifest.as_bytes());
    let index = format!(r#"{{"manifests":[{{"digest":"{digest}","mediaType":"m","size":13}}]}}"#);
    let mut builder = tar::Builder::new(Vec::new());
    for (name, text) in [
        ("index.json".to_owned(), index.as_str()),
        (format!("blobs/sha256/{}", digest.hex), manifest),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        builder
            .append_data(&mut header, name, text.as_bytes())
            .expect("memory can be written to");
    }
    builder.into_inner().expect("memory can be written to")
}
