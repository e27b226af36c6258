//! Which licence a file of licence text is, for projects that have the text and not the name.

use std::{path::Path, sync::LazyLock};

use spdx::detection::{Store, TextData};

use super::headers;

/// The texts of SPDX's list, as the `spdx` crate has them compressed. `None` is for an archive that does
/// not unpack, which a test excludes.
static TEXTS: LazyLock<Option<Store>> = LazyLock::new(|| Store::load_inline().ok());

/// How alike, of 1, a text has to be to count: names and addresses differ, paragraphs do not.
const ALIKE: f32 = 0.9;

/// Bytes of a text that are looked at; the longest licence has 60 thousand.
const LONGEST: usize = 256 << 10;

/// The expression for the licence texts among `files` of `dir`; `None` when one is not known.
/// Several texts are a choice only if their names say so, as `LICENSE-MIT` does.
pub(super) fn of_files(dir: &Path, files: &[String]) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for file in files {
        // Text in an unknown encoding still has its words in ASCII.
        let bytes = super::read::bytes(&dir.join(file)).ok()?;
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).into_owned();
        let name = stated(dir, &of_text(&text)?);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    match names.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        // The lesser licence of version 3 is written as additions to the general one, so both lie there.
        [general, lesser]
            if general.starts_with("GPL-3.0") && lesser.strip_prefix('L') == Some(general) =>
        {
            Some(lesser.clone())
        }
        several if files.iter().all(|file| file.contains('-')) => Some(several.join(" OR ")),
        _ => None,
    }
}

/// The licence a text is, by SPDX's identifier; of GNU's licences, whose text does not say whether later
/// versions will do, the bare one: `GPL-2.0`.
pub(super) fn of_text(text: &str) -> Option<String> {
    let found = TEXTS.as_ref()?.analyze(&TextData::new(text));
    (found.score >= ALIKE).then(|| bare(found.name).to_owned())
}

fn bare(name: &str) -> &str {
    name.trim_end_matches("-only")
        .trim_end_matches("-or-later")
        .trim_end_matches('+')
}

/// With what the project's files say of later versions.
fn stated(dir: &Path, name: &str) -> String {
    if !["GPL-", "LGPL-", "AGPL-", "GFDL-"]
        .iter()
        .any(|family| name.starts_with(family))
    {
        return name.to_owned();
    }
    let later = headers::allow_later(dir, name);
    format!("{name}-{}", if later { "or-later" } else { "only" })
}

/// A name of a licence as people write it, in SPDX's words; what is not known stays.
pub(super) fn spdx(text: &str) -> String {
    let line = super::text::one_line(text);
    if line.len() > 100 {
        // The whole text where a name was meant. GNU's do not say which versions.
        return of_text(text)
            .filter(|name| !name.contains("GPL-") && !name.starts_with("GFDL-"))
            .unwrap_or_default();
    }
    let lower = line.to_lowercase();
    let plain = lower
        .trim_end_matches(" license")
        .trim_end_matches(" licence");
    match plain {
        "mit" | "expat" => "MIT",
        "apache"
        | "apache 2"
        | "apache 2.0"
        | "apache license 2.0"
        | "apache license, version 2.0"
        | "apache software" => "Apache-2.0",
        "bsd" | "bsd 3-clause" | "bsd-3" | "new bsd" | "3-clause bsd" => "BSD-3-Clause",
        "bsd 2-clause" | "simplified bsd" | "2-clause bsd" => "BSD-2-Clause",
        "gplv2" | "gpl-2.0" | "gpl2" => "GPL-2.0-only",
        "gplv2+" | "gpl-2.0+" | "gpl2+" => "GPL-2.0-or-later",
        "gplv3" | "gpl-3.0" | "gpl3" => "GPL-3.0-only",
        "gplv3+" | "gpl-3.0+" | "gpl3+" => "GPL-3.0-or-later",
        "lgplv2.1" | "lgpl-2.1" => "LGPL-2.1-only",
        "lgplv2.1+" | "lgpl-2.1+" | "lgpl2.1+" => "LGPL-2.1-or-later",
        "lgplv3+" | "lgpl-3.0+" => "LGPL-3.0-or-later",
        "mpl 2.0" | "mpl2" => "MPL-2.0",
        _ => return line,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use std::fs;

    use super::*;

    /// A text of SPDX's list.
    fn text(name: &str) -> &'static str {
        let at = spdx::text::LICENSE_TEXTS;
        at.iter().find(|(known, _)| *known == name).unwrap().1
    }

    #[test]
    fn texts_are_recognised() {
        for name in [
            "AGPL-3.0",
            "Apache-2.0",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "BSL-1.0",
            "CC0-1.0",
            "GPL-2.0",
            "GPL-3.0",
            "ISC",
            "LGPL-2.0",
            "LGPL-2.1",
            "LGPL-3.0",
            "MIT",
            "MPL-2.0",
            "Unlicense",
            "Zlib",
        ] {
            let key = if name.contains("GPL") {
                format!("{name}-only")
            } else {
                name.to_owned()
            };
            assert_eq!(of_text(text(&key)).as_deref(), Some(name));
        }
        // As it was handed out for years, with a postal address and another name for the lesser one.
        let old = text("GPL-2.0-only").replace("Lesser", "Library").replace(
            "<https://fsf.org/>",
            "59 Temple Place, Suite 330, Boston, MA  02111-1307  USA",
        );
        assert_eq!(of_text(&old).as_deref(), Some("GPL-2.0"));
        assert_eq!(of_text("All rights reserved."), None);
    }

    #[test]
    fn several_texts_are_a_choice_if_their_names_say_so() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, of: &str| fs::write(dir.path().join(name), text(of)).unwrap();
        write("LICENSE-MIT", "MIT");
        write("LICENSE-APACHE", "Apache-2.0");
        write("COPYING", "GPL-3.0-only");
        write("COPYING.LESSER", "LGPL-3.0-only");
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            of_files(dir.path(), &names)
        };
        assert_eq!(
            of(&["LICENSE-APACHE", "LICENSE-MIT"]).unwrap(),
            "Apache-2.0 OR MIT"
        );
        assert_eq!(of(&["COPYING", "LICENSE-MIT"]), None);
        assert_eq!(of(&["COPYING", "COPYING.LESSER"]).unwrap(), "LGPL-3.0-only");
    }

    #[test]
    fn later_versions_are_allowed_by_headers_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("COPYING"), text("GPL-2.0-only")).unwrap();
        let names = ["COPYING".to_owned()];
        assert_eq!(of_files(dir.path(), &names).unwrap(), "GPL-2.0-only");
        fs::write(
            dir.path().join("x.c"),
            "/* GNU General Public License; either version 2 of the License, or\n * (at your option) any later version. */",
        )
        .unwrap();
        assert_eq!(of_files(dir.path(), &names).unwrap(), "GPL-2.0-or-later");
    }

    #[test]
    fn names_that_people_write_become_spdx() {
        assert_eq!(spdx("MIT License"), "MIT");
        assert_eq!(spdx("GPLv3+"), "GPL-3.0-or-later");
        assert_eq!(spdx("MIT OR Apache-2.0"), "MIT OR Apache-2.0");
        assert_eq!(spdx(&"no licence we know. ".repeat(20)), "");
    }
}
