//! `export-subst`: the `$Format:…$` placeholders of files that ask for it.
//!
//! Placeholders are git's pretty formats (git-log's manual). Those whose value depends on the
//! day it is asked (`%ar`, `%cr`, `%ah`) are left as they stand, since an archive must not, and so
//! are those that lay out columns or read trailers, notes and signatures; a note says which.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use git2::{Commit, DescribeFormatOptions, DescribeOptions, Repository, Signature};
use jiff::{Timestamp, tz::Offset};

use super::ScmError;

/// Expands for one commit.
pub(super) struct Substitution<'a> {
    repo: &'a Repository,
    commit: Commit<'a>,
    /// The commit's own `.mailmap`, which gives people their proper names.
    mailmap: Option<git2::Mailmap>,
    /// Describing is dear, so git does it for the first placeholder of an archive only.
    described: Cell<bool>,
    /// Placeholders of git's that are left as they stand.
    left: RefCell<BTreeSet<String>>,
}

impl<'a> Substitution<'a> {
    pub fn new(repo: &'a Repository, commit: Commit<'a>) -> Self {
        Self {
            mailmap: mailmap(repo, &commit),
            repo,
            commit,
            described: Cell::new(false),
            left: RefCell::default(),
        }
    }

    /// A file's content with its `$Format:…$` replaced.
    pub fn expand(&self, content: &[u8]) -> Result<Vec<u8>, ScmError> {
        const START: &[u8] = b"$Format:";
        let mut out = Vec::with_capacity(content.len());
        let mut rest = content;
        while let Some(at) = find(rest, START) {
            let after = &rest[at + START.len()..];
            let Some(end) = after.iter().position(|b| *b == b'$') else {
                break;
            };
            out.extend_from_slice(&rest[..at]);
            self.format(&after[..end], &mut out)?;
            rest = &after[end + 1..];
        }
        out.extend_from_slice(rest);
        Ok(out)
    }

    fn format(&self, format: &[u8], out: &mut Vec<u8>) -> Result<(), ScmError> {
        let (mut rest, start) = (format, out.len());
        while let Some(at) = rest.iter().position(|b| *b == b'%') {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let modified = matches!(rest.get(1), Some(b'+' | b'-' | b' '));
            let value = if modified {
                self.modified(&rest[1..])?
            } else {
                self.placeholder(&rest[1..])?
            };
            match value {
                Some((value, length)) => {
                    if value.is_empty() && rest.get(1) == Some(&b'-') {
                        while out.len() > start && out.last() == Some(&b'\n') {
                            out.pop();
                        }
                    }
                    out.extend_from_slice(&value);
                    rest = &rest[1 + length..];
                }
                None => {
                    self.leave(&rest[1..]);
                    out.push(b'%');
                    rest = &rest[1..];
                }
            }
        }
        out.extend_from_slice(rest);
        Ok(())
    }

    /// Remembers a placeholder that git would have expanded.
    fn leave(&self, text: &[u8]) {
        let length = match text {
            [b'a' | b'c', b'r' | b'h', ..] => 2,
            [b'N', ..] => 1,
            [b'G', _, ..] => 2,
            [b'w', b'(', ..] | [b'<' | b'>', ..] | [b'(', b't', ..] => text
                .iter()
                .position(|byte| *byte == b')')
                .map_or(text.len(), |end| end + 1),
            _ => return,
        };
        let text = String::from_utf8_lossy(&text[..length]).into_owned();
        self.left.borrow_mut().insert(format!("%{text}"));
    }

    /// A remark for people about placeholders that stay.
    pub fn note(&self) -> Option<String> {
        let left = self.left.borrow();
        let list: Vec<&str> = left.iter().map(String::as_str).collect();
        (!list.is_empty()).then(|| {
            format!(
                "the placeholders {} of export-subst files stay as they are written",
                list.join(", ")
            )
        })
    }

    /// `%+s` has a line feed before what is not empty, `% s` a space; `%-b` takes the line feeds
    /// before it away when it is empty.
    fn modified(&self, text: &[u8]) -> Result<Option<(Vec<u8>, usize)>, ScmError> {
        let Some((modifier, rest)) = text.split_first() else {
            return Ok(None);
        };
        let Some((mut value, length)) = self.placeholder(rest)? else {
            return Ok(None);
        };
        if !value.is_empty() {
            match modifier {
                b'+' => value.insert(0, b'\n'),
                b' ' => value.insert(0, b' '),
                _ => {}
            }
        }
        Ok(Some((value, length + 1)))
    }

    /// The value of the placeholder `text` begins with, and its length.
    fn placeholder(&self, text: &[u8]) -> Result<Option<(Vec<u8>, usize)>, ScmError> {
        let commit = &self.commit;
        let error = || ScmError::git("read", self.repo.path());
        let one = |value: Vec<u8>| Ok(Some((value, 1)));
        match text {
            [b'H', ..] => one(commit.id().to_string().into_bytes()),
            [b'h', ..] => one(short(commit.as_object()).map_err(error())?),
            [b'T', ..] => one(commit.tree_id().to_string().into_bytes()),
            [b't', ..] => {
                let tree = commit.tree().map_err(error())?;
                one(short(tree.as_object()).map_err(error())?)
            }
            [b'P', ..] => {
                let ids: Vec<String> = commit.parent_ids().map(|id| id.to_string()).collect();
                one(ids.join(" ").into_bytes())
            }
            [b'p', ..] => {
                let mut ids = Vec::new();
                for parent in commit.parents() {
                    ids.push(short(parent.as_object()).map_err(error())?);
                }
                one(ids.join(&b' '))
            }
            [b's', ..] => one(subject(commit.message_bytes())),
            [b'f', ..] => one(file_name(first_line(commit.message_bytes()))),
            [b'b', ..] => one(body(commit.message_bytes())),
            [b'B', ..] => one(commit.message_bytes().to_vec()),
            [b'e', ..] => one(commit
                .message_encoding()
                .ok()
                .flatten()
                .unwrap_or_default()
                .as_bytes()
                .to_vec()),
            [b'n', ..] => one(b"\n".to_vec()),
            [b'%', ..] => one(b"%".to_vec()),
            [b'd', ..] => one(self.decoration(" (", ")", ", ")?),
            [b'D', ..] => one(self.decoration("", "", ", ")?),
            // Nothing is coloured, nothing walked, no reflog asked: git says as little then.
            [b'm', ..] => one(b">".to_vec()),
            [b'g', b'D' | b'd' | b'n' | b'N' | b'e' | b'E' | b's', ..] => Ok(Some((Vec::new(), 2))),
            [b'C', rest @ ..] => Ok(colour(rest).map(|length| (Vec::new(), 1 + length))),
            [b'G', which, ..] if commit.header_field_bytes("gpgsig").is_err() => {
                // Nobody signed it.
                Ok(match which {
                    b'?' => Some((b"N".to_vec(), 2)),
                    b'S' | b'K' | b'F' | b'P' | b'G' => Some((Vec::new(), 2)),
                    b'T' => Some((b"undefined".to_vec(), 2)),
                    _ => None,
                })
            }
            [b'x', high, low, ..] => Ok(std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                .map(|byte| (vec![byte], 3))),
            [b'a', which, ..] => {
                let mapped = self.mailmap.as_ref().filter(|_| which.is_ascii_uppercase());
                let author = match mapped {
                    Some(map) => commit.author_with_mailmap(map).map_err(error())?,
                    None => commit.author(),
                };
                Ok(person(&author, *which).map(|value| (value, 2)))
            }
            [b'c', which, ..] => {
                let mapped = self.mailmap.as_ref().filter(|_| which.is_ascii_uppercase());
                let committer = match mapped {
                    Some(map) => commit.committer_with_mailmap(map).map_err(error())?,
                    None => commit.committer(),
                };
                Ok(person(&committer, *which).map(|value| (value, 2)))
            }
            [b'(', b'd', b'e', b'c', b'o', b'r', b'a', b't', b'e', ..] => self.decorate(text),
            [b'(', b'd', b'e', b's', b'c', b'r', b'i', b'b', b'e', ..] => self.describe(text),
            _ => Ok(None),
        }
    }

    /// `%(describe)` and `%(describe:tags=…,abbrev=…,match=…)`.
    fn describe(&self, text: &[u8]) -> Result<Option<(Vec<u8>, usize)>, ScmError> {
        let Some(end) = text.iter().position(|b| *b == b')') else {
            return Ok(None);
        };
        let inner = String::from_utf8_lossy(&text["(describe".len()..end]).into_owned();
        let mut options = DescribeOptions::new();
        let mut format = DescribeFormatOptions::new();
        for option in inner.trim_start_matches(':').split(',') {
            match option.split_once('=').unwrap_or((option, "true")) {
                ("", _) => {}
                ("tags", value) => {
                    if value != "false" {
                        options.describe_tags();
                    }
                }
                ("abbrev", digits) => match digits.parse() {
                    Ok(digits) => {
                        format.abbreviated_size(digits);
                    }
                    Err(_) => return Ok(None),
                },
                ("match", pattern) => {
                    options.pattern(pattern);
                }
                _ => return Ok(None),
            }
        }
        if self.described.replace(true) {
            return Ok(None);
        }
        // As in git, a commit that no tag leads to expands to nothing.
        let value = self
            .commit
            .as_object()
            .describe(&options)
            .and_then(|described| described.format(Some(&format)))
            .unwrap_or_default();
        Ok(Some((value.into_bytes(), end + 1)))
    }

    /// `%(decorate)` and `%(decorate:prefix=…,suffix=…,separator=…)`.
    fn decorate(&self, text: &[u8]) -> Result<Option<(Vec<u8>, usize)>, ScmError> {
        let Some(end) = text.iter().position(|byte| *byte == b')') else {
            return Ok(None);
        };
        let inner = String::from_utf8_lossy(&text["(decorate".len()..end]).into_owned();
        let (mut open, mut close, mut between) = (" (".to_owned(), ")".to_owned(), ", ".to_owned());
        for option in inner.trim_start_matches(':').split(',') {
            match option.split_once('=') {
                Some(("prefix", value)) => value.clone_into(&mut open),
                Some(("suffix", value)) => value.clone_into(&mut close),
                Some(("separator", value)) => value.clone_into(&mut between),
                None if option.is_empty() => {}
                // Arrows between HEAD and its branch, tags' prefix: left to git.
                _ => return Ok(None),
            }
        }
        let value = self.decoration(&open, &close, &between)?;
        Ok(Some((value, end + 1)))
    }

    /// The names pointing here, in the order `git log --decorate` has them.
    fn decoration(&self, open: &str, close: &str, between: &str) -> Result<Vec<u8>, ScmError> {
        let error = || ScmError::git("read", self.repo.path());
        let here = self.commit.id();
        let mut names = Vec::new();
        let head = self.repo.head().ok();
        let current = head
            .as_ref()
            .filter(|head| head.is_branch())
            .and_then(|head| head.name().ok().map(str::to_owned));
        if let Some(head) = &head
            && head
                .peel_to_commit()
                .is_ok_and(|commit| commit.id() == here)
        {
            names.push(match &current {
                Some(name) => format!("HEAD -> {}", shorten(name)),
                None => "HEAD".to_owned(),
            });
        }
        let mut others = Vec::new();
        for reference in self.repo.references().map_err(error())? {
            let reference = reference.map_err(error())?;
            let Ok(name) = reference.name().map(str::to_owned) else {
                continue;
            };
            let shown = name.starts_with("refs/heads/")
                || name.starts_with("refs/tags/")
                || name.starts_with("refs/remotes/");
            if shown
                && Some(&name) != current.as_ref()
                && reference
                    .peel_to_commit()
                    .is_ok_and(|commit| commit.id() == here)
            {
                others.push(name);
            }
        }
        // git lists refs by full name and shows the last found first.
        others.sort();
        names.extend(others.iter().rev().map(|name| {
            if name.starts_with("refs/tags/") {
                format!("tag: {}", shorten(name))
            } else {
                shorten(name).to_owned()
            }
        }));
        if names.is_empty() {
            return Ok(Vec::new());
        }
        Ok(format!("{open}{}{close}", names.join(between)).into_bytes())
    }
}

fn mailmap(repo: &Repository, commit: &Commit<'_>) -> Option<git2::Mailmap> {
    let entry = commit.tree().ok()?.get_name(".mailmap")?.id();
    let blob = repo.find_blob(entry).ok()?;
    // A damaged one maps nobody.
    git2::Mailmap::from_buffer(std::str::from_utf8(blob.content()).ok()?).ok()
}

/// The length of a colour after `%C`.
fn colour(text: &[u8]) -> Option<usize> {
    if text.first() == Some(&b'(') {
        return text
            .iter()
            .position(|byte| *byte == b')')
            .map(|end| end + 1);
    }
    ["red", "green", "blue", "reset"]
        .iter()
        .find(|name| text.starts_with(name.as_bytes()))
        .map(|name| name.len())
}

fn shorten(name: &str) -> &str {
    ["refs/heads/", "refs/tags/", "refs/remotes/"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name)
}

fn short(object: &git2::Object<'_>) -> Result<Vec<u8>, git2::Error> {
    object.short_id().map(|buffer| buffer.to_vec())
}

/// `%an`, `%cd` and the like: `which` is the second letter.
fn person(who: &Signature<'_>, which: u8) -> Option<Vec<u8>> {
    let when = who.when();
    let text = match which {
        b'n' | b'N' => return Some(who.name_bytes().to_vec()),
        b'e' | b'E' => return Some(who.email_bytes().to_vec()),
        b'l' | b'L' => {
            let mail = who.email_bytes();
            let end = mail.iter().position(|b| *b == b'@').unwrap_or(mail.len());
            return Some(mail[..end].to_vec());
        }
        b't' => when.seconds().to_string(),
        b'd' => date(when, "%a %b %-d %H:%M:%S %Y %z")?,
        b'D' => date(when, "%a, %-d %b %Y %H:%M:%S %z")?,
        b'i' => date(when, "%Y-%m-%d %H:%M:%S %z")?,
        b'I' => {
            let text = date(when, "%Y-%m-%dT%H:%M:%S%:z")?;
            match text.strip_suffix("+00:00") {
                Some(start) => format!("{start}Z"),
                None => text,
            }
        }
        b's' => date(when, "%Y-%m-%d")?,
        _ => return None,
    };
    Some(text.into_bytes())
}

fn date(when: git2::Time, format: &str) -> Option<String> {
    let offset = Offset::from_seconds(when.offset_minutes() * 60).ok()?;
    let zoned = Timestamp::from_second(when.seconds())
        .ok()?
        .to_zoned(offset.to_time_zone());
    Some(zoned.strftime(format).to_string())
}

/// The first paragraph in one line.
fn subject(message: &[u8]) -> Vec<u8> {
    message
        .split(|b| *b == b'\n')
        .skip_while(|line| line.trim_ascii().is_empty())
        .take_while(|line| !line.trim_ascii().is_empty())
        .map(|line| line.trim_ascii_end())
        .collect::<Vec<_>>()
        .join(&b' ')
}

fn first_line(message: &[u8]) -> &[u8] {
    message
        .split(|b| *b == b'\n')
        .find(|line| !line.trim_ascii().is_empty())
        .unwrap_or_default()
}

/// What follows the first paragraph.
fn body(message: &[u8]) -> Vec<u8> {
    let mut lines = message.split_inclusive(|b| *b == b'\n').peekable();
    let blank = |line: &&[u8]| line.trim_ascii().is_empty();
    while lines.next_if(blank).is_some() {}
    while lines.next_if(|line| !blank(line)).is_some() {}
    while lines.next_if(blank).is_some() {}
    lines.flatten().copied().collect()
}

/// A subject made fit for a file name: other characters than letters, digits, `.` and `_`
/// become one dash.
fn file_name(subject: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let mut dash = false;
    for byte in subject {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') {
            if dash && !out.is_empty() {
                out.push(b'-');
            }
            dash = false;
            if !(*byte == b'.' && out.last() == Some(&b'.')) {
                out.push(*byte);
            }
        } else {
            dash = true;
        }
    }
    while out.last() == Some(&b'.') {
        out.pop();
    }
    out
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
