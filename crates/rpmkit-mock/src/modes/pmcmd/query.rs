//! `repoquery` and `deplist`.

use std::collections::BTreeSet;

use rpmkit_cli::{Failure, Status, VerbResult};
use rpmkit_core::{
    build::Buildroot,
    solve::{Available, Relation, glob_matches},
};

use super::{
    flags::{QueryFlags, Shown},
    look::{
        PmLook, details, formatted, installed, location, newer, newest, nothing, offers, offers_it,
        wanted,
    },
};

/// dnf's form of a package.
const FORM: &str = "%{name}-%{epoch}:%{version}-%{release}.%{arch}";

/// `repoquery [OPTION…] [SPEC…]`
pub fn run(look: &PmLook<'_, '_>, words: &[&str]) -> VerbResult {
    look.with_root(|root| {
        let found = find(look, root, words)?;
        let query = &look.flags.query;
        let mut seen = BTreeSet::new();
        for line in lines(look, root, query, &found)? {
            // As dnf: each line once, in the order of the packages.
            if seen.insert(line.clone()) {
                look.say(line);
            }
        }
        Ok(Status::OK)
    })
}

/// All packages, installed or on offer, that the options want.
fn all(look: &PmLook<'_, '_>, root: &mut Buildroot) -> Result<Vec<Available>, Failure> {
    let flags = look.flags;
    if flags.installed {
        return installed(look.work, root);
    }
    let found = offers(look.work, root, |_| true)?;
    if flags.upgrades {
        let present = installed(look.work, root)?;
        return Ok(newer(&present, newest(found)));
    }
    if flags.extras {
        let mut present = installed(look.work, root)?;
        present.retain(|p| !found.iter().any(|offer| offer.nvra() == p.nvra()));
        return Ok(present);
    }
    Ok(found)
}

fn find(
    look: &PmLook<'_, '_>,
    root: &mut Buildroot,
    words: &[&str],
) -> Result<Vec<Available>, Failure> {
    let query = &look.flags.query;
    let universe = all(look, root)?;
    let meant = wanted(words);
    let mut found: Vec<Available> = universe
        .iter()
        .filter(|offer| meant(offer))
        .filter(|offer| query.arch.is_empty() || query.arch.contains(&offer.arch))
        .filter(|offer| {
            let file = query.file.as_ref();
            file.is_none_or(|file| offer.files.iter().any(|path| glob_matches(file, path)))
        })
        .cloned()
        .collect();
    if !query.what.is_empty() {
        let asked: Vec<(Relation, BTreeSet<String>)> = query
            .what
            .iter()
            .map(|(relation, text)| (*relation, keys(&universe, *relation, text, query.exact)))
            .collect();
        found.retain(|offer| {
            asked
                .iter()
                .any(|(relation, keys)| stands(offer, *relation, keys))
        });
    }
    if look.flags.resolve && !query.what.is_empty() {
        return Ok(found);
    }
    if let Some(limit) = query.latest {
        found = limited(found, limit);
    }
    Ok(found)
}

/// The capabilities a text means: itself, and what packages of that name offer.
fn keys(universe: &[Available], relation: Relation, text: &str, exact: bool) -> BTreeSet<String> {
    let name = text.split(' ').next().unwrap_or(text);
    let mut keys = BTreeSet::from([name.to_owned()]);
    if exact || relation == Relation::Provides {
        return keys;
    }
    for offer in universe.iter().filter(|offer| offer.is_meant(name)) {
        keys.extend(offer.provides.iter().cloned());
        keys.extend(offer.files.iter().cloned());
    }
    keys
}

fn stands(offer: &Available, relation: Relation, keys: &BTreeSet<String>) -> bool {
    if relation == Relation::Provides {
        return keys.iter().any(|key| offers_it(offer, key));
    }
    offer
        .relations
        .iter()
        .filter(|(kind, _)| *kind == relation)
        .any(|(_, text)| {
            let name = text.split(' ').next().unwrap_or(text);
            keys.contains(name) || keys.iter().any(|key| glob_matches(key, name))
        })
}

/// The newest so many versions of each; of a negative number, all but the newest so many.
fn limited(found: Vec<Available>, limit: i64) -> Vec<Available> {
    let count = usize::try_from(limit.unsigned_abs()).unwrap_or(usize::MAX);
    let of = |offer: &Available| (offer.name.clone(), offer.arch.clone());
    let mut out = Vec::new();
    for (nth, offer) in found.iter().enumerate() {
        let newer = found[nth + 1..]
            .iter()
            .filter(|o| of(o) == of(offer))
            .count();
        if (newer < count) == (limit >= 0) {
            out.push(offer.clone());
        }
    }
    out
}

fn lines(
    look: &PmLook<'_, '_>,
    root: &mut Buildroot,
    query: &QueryFlags,
    found: &[Available],
) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    let universe = if look.flags.resolve {
        all(look, root)?
    } else {
        Vec::new()
    };
    for offer in found {
        match query.show {
            None => lines.push(formatted(query.format.as_deref().unwrap_or(FORM), offer)),
            Some(Shown::Nvr) => lines.push(formatted("%{name}-%{version}-%{release}", offer)),
            Some(Shown::Envra) => lines.push(formatted(
                "%{epoch}:%{name}-%{version}-%{release}.%{arch}",
                offer,
            )),
            Some(Shown::Source) => lines.push(offer.source_rpm.clone()),
            Some(Shown::Files) => lines.extend(offer.files.iter().cloned()),
            Some(Shown::Info) => {
                lines.extend(details(offer));
                lines.push(String::new());
            }
            Some(Shown::Location) => lines.push(location(look.work, root, offer)?),
            Some(Shown::Relation(relation)) => {
                for text in related(offer, relation) {
                    if !look.flags.resolve {
                        lines.push(text);
                        continue;
                    }
                    let name = text.split(' ').next().unwrap_or(&text);
                    let providers = universe.iter().filter(|one| offers_it(one, name));
                    lines.extend(providers.map(|one| formatted(FORM, one)));
                }
            }
        }
    }
    if matches!(query.show, Some(Shown::Relation(_) | Shown::Files)) {
        lines.sort();
    }
    Ok(lines)
}

fn related(offer: &Available, relation: Relation) -> Vec<String> {
    let of = offer.relations.iter().filter(|(kind, _)| *kind == relation);
    of.map(|(_, text)| text.clone()).collect()
}

/// `deplist SPEC…`: what each package requires, and who has it.
pub fn deplist(look: &PmLook<'_, '_>, words: &[&str]) -> VerbResult {
    look.with_root(|root| {
        let universe = all(look, root)?;
        let meant = wanted(words);
        let found: Vec<&Available> = universe.iter().filter(|offer| meant(offer)).collect();
        if found.is_empty() {
            return Err(nothing(words));
        }
        for offer in found {
            look.say(format!("package: {}", offer.nvra()));
            for text in related(offer, Relation::Requires) {
                look.say(format!("  dependency: {text}"));
                let name = text.split(' ').next().unwrap_or(&text);
                for provider in universe.iter().filter(|one| offers_it(one, name)) {
                    look.say(format!("   provider: {}", provider.nvra()));
                }
            }
            look.say("");
        }
        Ok(Status::OK)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(name: &str, evr: &str, requires: &[&str]) -> Available {
        Available {
            name: name.into(),
            evr: evr.into(),
            arch: "noarch".into(),
            summary: String::new(),
            source_rpm: String::new(),
            build_time: 0,
            size: 0,
            repo: "r".into(),
            href: String::new(),
            base: None,
            provides: vec![name.into(), format!("cap({name})")],
            files: vec![format!("/usr/bin/{name}")],
            relations: requires
                .iter()
                .map(|text| (Relation::Requires, (*text).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn who_requires_a_package_requires_what_it_offers() {
        let all = [
            offer("a", "1-1", &[]),
            offer("b", "1-1", &["cap(a) >= 2"]),
            offer("c", "1-1", &["/usr/bin/a"]),
            offer("d", "1-1", &["b"]),
        ];
        let who = |exact| -> Vec<&str> {
            let keys = keys(&all, Relation::Requires, "a", exact);
            let found = all.iter().filter(|o| stands(o, Relation::Requires, &keys));
            found.map(|o| o.name.as_str()).collect()
        };
        assert_eq!(who(false), ["b", "c"]);
        assert!(who(true).is_empty());
    }

    #[test]
    fn only_so_many_versions_are_shown() {
        let all = vec![
            offer("a", "1-1", &[]),
            offer("a", "2-1", &[]),
            offer("b", "1-1", &[]),
        ];
        let shown = |limit| -> Vec<String> {
            let found = limited(all.clone(), limit);
            found
                .into_iter()
                .map(|o| format!("{}-{}", o.name, o.evr))
                .collect()
        };
        assert_eq!(shown(1), ["a-2-1", "b-1-1"]);
        assert_eq!(shown(-1), ["a-1-1"]);
    }
}
