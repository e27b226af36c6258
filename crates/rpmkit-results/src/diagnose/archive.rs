//! Archives that do not unpack.

use crate::failure::FailureCause;

use super::{finding::Finding, scene::Scene, text};

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    let (at, _) = scene.rev().find(|(_, line)| trouble(line).is_some())?;
    let first = scene
        .lines
        .iter()
        .position(|line| trouble(line).is_some())
        .unwrap_or(at);
    let line = scene.lines[first];
    let trouble = trouble(line)?;
    let file = scene.lines[..=at]
        .iter()
        .rev()
        .chain(scene.trace.iter().rev())
        .find_map(|line| source_file(line));
    let name = file.map_or_else(|| "an archive".to_owned(), |file| format!("`{file}`"));
    let (what, hint) = match trouble {
        Trouble::Cut => (
            "is cut off",
            "download it again and compare its checksum; git's LFS and interrupted downloads leave such files",
        ),
        Trouble::Other => (
            "is not what its name says",
            "look at its first bytes with `file`: servers answer with a web page where a file has moved",
        ),
    };
    Some(
        Finding::new(at, format!("{name} {what}: {}", line.trim()))
            .from(first)
            .cause(FailureCause::BrokenArchive {
                file: file.map(str::to_owned),
            })
            .hint(hint),
    )
}

#[derive(Clone, Copy)]
enum Trouble {
    Cut,
    Other,
}

fn trouble(line: &str) -> Option<Trouble> {
    if line.starts_with('+') {
        return None;
    }
    let program = [
        "gzip: ", "tar: ", "xz: ", "bzip2: ", "zstd: ", "unzip: ", "lzma: ", "bsdtar: ", "7z: ",
        "ERROR: ",
    ]
    .iter()
    .any(|program| line.contains(program))
        || line.contains("End-of-central-directory signature not found")
        || line.contains("/*stdin*\\ ");
    if !program {
        return None;
    }
    if text::any(
        line,
        &[
            "unexpected end of file",
            "Unexpected EOF in archive",
            "Unexpected end of input",
            "ends unexpectedly",
            "premature end",
            "End-of-central-directory",
            "Unexpected end of archive",
            "Read error (39)",
        ],
    ) {
        return Some(Trouble::Cut);
    }
    text::any(
        line,
        &[
            "not look like a tar archive",
            "not in gzip format",
            "format not recognized",
            "not a bzip2 file",
            "unsupported format",
            "Unrecognized archive format",
            "invalid compressed data",
            "Compressed data is corrupt",
            "Can not open the file as archive",
        ],
    )
    .then_some(Trouble::Other)
}

/// The file of `SOURCES` a line names.
fn source_file(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("/SOURCES/")?;
    let name = rest.split([' ', ':', '\'', '"', '’']).next()?;
    Some(name).filter(|name| !name.is_empty())
}
