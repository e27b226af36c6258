//! `buildroot_lock`: which packages, exactly, a build ran among and where each can be had, so that the
//! chroot can be made again without a network. The form is mock's, schema 1.1.0.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value as Json, json};

use super::{BuildError, Buildroot, ChrootPath, Plugin, Rebuild, failed, write};
use rpmkit_config::to_json;
use rpmkit_types::event::Event;

/// Writes `buildroot_lock.json`.
pub(super) struct BuildrootLock;

/// What is asked of each package, in mock's words.
const FIELDS: [&str; 8] = [
    "name",
    "arch",
    "license",
    "version",
    "release",
    "epoch",
    "sigmd5",
    "signature",
];

/// Configuration that a build from the lock file needs again.
const OPTIONS: [&str; 7] = [
    "target_arch",
    "legal_host_arches",
    "dist",
    "package_manager",
    "bootstrap_image",
    "bootstrap_image_ready",
    "macros",
];

impl Plugin for BuildrootLock {
    fn name(&self) -> &'static str {
        "buildroot_lock"
    }

    fn postdeps(
        &self,
        root: &mut Buildroot,
        job: &Rebuild,
        _: &ChrootPath,
    ) -> Result<(), BuildError> {
        let what = "Generating the buildroot lockfile: buildroot_lock.json".to_owned();
        let events = root.engine().events().clone();
        let say = |start| {
            let what = what.clone();
            events.emit(Event::State { start, what });
        };
        say(true);
        let text = self.text(root);
        say(false);
        write(job.resultdir.join("buildroot_lock.json"), text?)
    }
}

impl BuildrootLock {
    fn text(&self, root: &mut Buildroot) -> Result<String, BuildError> {
        let packages = self.packages(root)?;
        let mut config = BTreeMap::new();
        for name in OPTIONS {
            if let Some(value) = root.settings().build.all.get(name) {
                config.insert(name, to_json(value));
            }
        }
        let mut lock = json!({
            "version": "1.1.0",
            "buildroot": { "rpms": packages },
            "config": config,
        });
        // No image takes part here, so there is none to pin; mock writes the same without podman.
        if config.contains_key("bootstrap_image") {
            lock["bootstrap"] = json!({});
        }
        Ok(format!("{}\n", pretty(&sorted(&lock))))
    }

    /// Everything installed, sorted by name and architecture as the query's lines are.
    fn packages(&self, root: &mut Buildroot) -> Result<Vec<Json>, BuildError> {
        let locations = locations(root)?;
        let query: Vec<String> = FIELDS
            .iter()
            .map(|field| match *field {
                "signature" => "%{sigpgp:pgpsig}".to_owned(),
                field => format!("%{{{field}}}"),
            })
            .collect();
        let format = format!("{}\x1e", query.join("\x1f"));
        let argv = ["rpm", "-qa", "--qf", &format].map(str::to_owned).to_vec();
        let ran = root.quietly(argv)?;
        if !ran.exit.success() {
            return Err(failed(self.name(), ran.tail.join("; ")));
        }
        let text = String::from_utf8_lossy(&ran.output).into_owned();
        let mut records: Vec<Vec<&str>> = text
            .split('\x1e')
            .map(|record| record.split('\x1f').collect())
            .filter(|fields: &Vec<&str>| fields.len() == FIELDS.len() && fields[0] != "gpg-pubkey")
            .collect();
        records.sort();
        let mut out = Vec::new();
        let mut lost = Vec::new();
        for fields in records {
            let nevra = format!("{}-{}-{}.{}", fields[0], fields[3], fields[4], fields[1]);
            let Some(url) = locations.get(&nevra) else {
                lost.push(nevra);
                continue;
            };
            let mut package = serde_json::Map::new();
            for (name, value) in FIELDS.iter().zip(fields) {
                let value = match (*name, value) {
                    ("epoch" | "signature", "(none)") => Json::Null,
                    ("signature", text) => key_id(text).into(),
                    (_, text) => text.into(),
                };
                package.insert((*name).to_owned(), value);
            }
            package.insert("url".to_owned(), url.as_str().into());
            out.push(Json::Object(package));
        }
        if lost.is_empty() {
            return Ok(out);
        }
        Err(failed(
            self.name(),
            format!("Can't get location for {}", lost.join(", ")),
        ))
    }
}

/// `RSA/SHA256, Mon Jul 29 10:12:32 2024, Key ID 2322d3d94bf0c9db`: the last eight digits.
fn key_id(text: &str) -> &str {
    let word = text.split_whitespace().last().unwrap_or_default();
    word.get(word.len().saturating_sub(8)..).unwrap_or(word)
}

/// URLs of packages by `NAME-VERSION-RELEASE.ARCH`: of those we installed, where they came from; of
/// all others what the repositories offer now.
fn locations(root: &mut Buildroot) -> Result<HashMap<String, String>, BuildError> {
    let name = |package: &rpmkit_types::Package| {
        let nevra = &package.nevra;
        let (version, release) = (&nevra.evr.version, &nevra.evr.release);
        format!("{}-{version}-{release}.{}", nevra.name, nevra.arch)
    };
    let installed = root.packages()?.to_vec();
    let mut found = HashMap::new();
    let mut unknown = Vec::new();
    for package in &installed {
        match root.package_manager().location(package)? {
            Some(url) => {
                found.insert(name(package), url);
            }
            None => unknown.push(name(package)),
        }
    }
    if !unknown.is_empty() {
        let offered = root.package_manager().offered(&unknown)?;
        found.extend(offered);
    }
    Ok(found)
}

/// Keys in order, as Python's `sort_keys` has them.
fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let ordered: BTreeMap<_, _> = map.iter().collect();
            let pairs = ordered.into_iter().map(|(k, v)| (k.clone(), sorted(v)));
            Json::Object(pairs.collect())
        }
        Json::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// Python's `json.dumps(…, indent=4)`: four blanks a level, nothing but ASCII.
fn pretty(value: &Json) -> String {
    use serde::Serialize as _;
    let mut out = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut out, form);
    // Writing JSON values to memory cannot fail; an empty text would be noticed at once.
    let _ = value.serialize(&mut writer);
    let text = String::from_utf8(out).unwrap_or_default();
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_as_python_writes_it() {
        let value = sorted(&json!({"b": [1, {}], "a": "ä", "c": []}));
        assert_eq!(
            pretty(&value),
            "{\n    \"a\": \"\\u00e4\",\n    \"b\": [\n        1,\n        {}\n    ],\n    \"c\": []\n}"
        );
        assert_eq!(
            key_id("RSA/SHA256, Mon, Key ID 2322d3d94bf0c9db"),
            "4bf0c9db"
        );
    }
}
