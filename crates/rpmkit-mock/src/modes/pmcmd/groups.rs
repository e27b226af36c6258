//! `group list`, `group info`.

use rpmkit_cli::{Failure, Status, VerbResult};
use rpmkit_core::{
    build::Buildroot,
    solve::{Comps, MemberKind, glob_matches},
};

use super::{alter::no_group, look::PmLook};

impl PmLook<'_, '_> {
    fn comps(&self, root: &Buildroot) -> Result<Comps, Failure> {
        let comps = root.package_manager().comps();
        comps.map_err(|e| self.work.failure(&e.into()))
    }

    /// `group list [PATTERN…]`
    pub fn groups(&self, words: &[&str]) -> VerbResult {
        self.with_root(|root| {
            let comps = self.comps(root)?;
            let keep = |id: &str, name: &str| {
                words.is_empty()
                    || words
                        .iter()
                        .any(|word| glob_matches(word, id) || glob_matches(word, name))
            };
            let present = root.packages().map_err(|e| self.work.failure(&e))?;
            let has = |name: &str| present.iter().any(|p| p.nevra.name == name);
            let environments: Vec<String> = comps
                .environments
                .iter()
                .filter(|one| keep(&one.id, &one.name))
                .map(|one| format!("   {} ({})", one.name, one.id))
                .collect();
            let (mut here, mut there) = (Vec::new(), Vec::new());
            for group in comps.groups.iter().filter(|one| keep(&one.id, &one.name)) {
                let row = format!("   {} ({})", group.name, group.id);
                let mut needed = group
                    .members
                    .iter()
                    .filter(|m| m.kind == MemberKind::Mandatory)
                    .peekable();
                if needed.peek().is_some() && needed.all(|member| has(&member.name)) {
                    here.push(row);
                } else {
                    there.push(row);
                }
            }
            for (title, rows) in [
                ("Available Environment Groups:", environments),
                ("Installed Groups:", here),
                ("Available Groups:", there),
            ] {
                if !rows.is_empty() {
                    self.say(title);
                    rows.iter().for_each(|row| self.say(row));
                }
            }
            Ok(Status::OK)
        })
    }

    /// `group summary`
    pub fn group_summary(&self) -> VerbResult {
        self.with_root(|root| {
            let comps = self.comps(root)?;
            self.say(format!("Available Groups: {}", comps.groups.len()));
            Ok(Status::OK)
        })
    }

    /// `group info GROUP…`
    pub fn group(&self, words: &[&str]) -> VerbResult {
        if words.is_empty() {
            return Err(Failure::usage("You must specify a group."));
        }
        self.with_root(|root| {
            let comps = self.comps(root)?;
            for word in words {
                let name = word.trim_start_matches('@');
                let group = comps
                    .groups
                    .iter()
                    .find(|group| group.id == name || group.name == name)
                    .ok_or_else(|| no_group(name))?;
                self.say(format!("Group: {}", group.name));
                self.say(format!(" Id: {}", group.id));
                for (title, kind) in [
                    ("Mandatory", MemberKind::Mandatory),
                    ("Default", MemberKind::Default),
                    ("Optional", MemberKind::Optional),
                    ("Conditional", MemberKind::Conditional),
                ] {
                    let members: Vec<_> = group.members.iter().filter(|m| m.kind == kind).collect();
                    if !members.is_empty() {
                        self.say(format!(" {title} Packages:"));
                        members
                            .iter()
                            .for_each(|member| self.say(format!("   {}", member.name)));
                    }
                }
            }
            Ok(Status::OK)
        })
    }
}
