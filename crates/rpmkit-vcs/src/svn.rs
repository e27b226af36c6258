//! When the files of a Subversion working copy were last changed, from one `svn info`.

use std::{collections::HashMap, os::unix::ffi::OsStrExt, path::Path};

use quick_xml::{Reader, events::Event as Xml};

use rpmkit_host::{HostCommand, Tool};

use super::{CommandEnv, ScmError, host::output};
use rpmkit_types::event::Events;

/// The time of the last change of everything in a working copy, by path relative to it; and
/// that of the youngest, for what is not under control.
///
/// # Errors
/// When `svn` is missing or fails.
pub fn file_times(
    checkout: &Path,
    host: &CommandEnv,
    events: &Events,
) -> Result<(HashMap<Vec<u8>, i64>, i64), ScmError> {
    // What follows the last `@` would be a revision.
    let mut target = checkout.as_os_str().to_owned();
    target.push("@");
    let svn = HostCommand::new(Tool::Svn, "svn", &host.env)?
        .args(["info", "--xml", "--recursive"])
        .end_of_options()
        .operand(target)?;
    let out = output(&svn, events)?;
    let times =
        parse(&String::from_utf8_lossy(&out), checkout).map_err(|error| ScmError::Command {
            command: svn.words().join(" "),
            status: 0,
            last: format!("its answer cannot be read: {error}"),
        })?;
    let newest = times.values().copied().max().unwrap_or(0);
    Ok((times, newest))
}

/// `<entry path="…"> … <commit><date>…</date></commit>`
fn parse(xml: &str, checkout: &Path) -> Result<HashMap<Vec<u8>, i64>, quick_xml::Error> {
    let mut reader = Reader::from_str(xml);
    let mut times = HashMap::new();
    let (mut path, mut in_commit, mut in_date) = (Vec::new(), false, false);
    loop {
        match reader.read_event()? {
            Xml::Start(tag) => match tag.name().as_ref() {
                "entry" => {
                    path = match tag.try_get_attribute("path")? {
                        Some(attribute) => {
                            let path =
                                attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0)?;
                            let path = Path::new(path.as_ref());
                            let below = path.strip_prefix(checkout).unwrap_or(path);
                            below.as_os_str().as_bytes().to_vec()
                        }
                        None => Vec::new(),
                    };
                }
                "commit" => in_commit = true,
                "date" => in_date = in_commit,
                _ => {}
            },
            Xml::Text(text) if in_date => {
                if let Ok(time) = text.trim().parse::<jiff::Timestamp>() {
                    times.insert(path.clone(), time.as_second());
                }
            }
            Xml::End(tag) => match tag.name().as_ref() {
                "commit" => in_commit = false,
                "date" => in_date = false,
                _ => {}
            },
            Xml::Eof => return Ok(times),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;

    #[test]
    fn only_dates_of_commits_are_taken() {
        let times = parse(
            r#"<?xml version="1.0"?><info><entry kind="file" path="/w@1/a&amp;b" revision="3">
                <wc-info><text-updated>2001-01-01T00:00:00.0Z</text-updated></wc-info>
                <commit revision="2"><author>x</author><date>1970-01-02T00:00:00.500000Z</date></commit>
                <lock><date>1999-01-01T00:00:00Z</date></lock></entry></info>"#,
            Path::new("/w@1"),
        )
        .unwrap();
        assert_eq!(times, HashMap::from([(b"a&b".to_vec(), 86400)]));
    }
}
