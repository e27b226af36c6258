//! comps.xml: groups and environments.

use std::{collections::HashSet, io::BufRead};

use super::{
    glob::Glob,
    request::GroupTypes,
    xml::{XmlError, XmlTag, attributes, walk},
};

/// How strongly a package belongs to its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberKind {
    /// Always.
    Mandatory,
    /// Unless deselected.
    Default,
    /// Only on request.
    Optional,
    /// When another package (`requires`) is there.
    Conditional,
}

/// A package of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Member {
    /// Name of the package.
    pub name: String,
    /// How strongly it belongs.
    pub kind: MemberKind,
    /// For conditional members: the package that brings it in.
    pub requires: Option<String>,
    /// Only for the base architecture.
    pub basearch_only: bool,
}

/// A group of packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its name in English.
    pub name: String,
    /// Its packages, in document order.
    pub members: Vec<Member>,
}

/// A group of groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompsEnvironment {
    /// Its id.
    pub id: String,
    /// Its name in English.
    pub name: String,
    /// Ids of the groups that make it up.
    pub groups: Vec<String>,
    /// Ids of groups offered with it.
    pub optional: Vec<String>,
}

/// All groups of all repositories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comps {
    /// Groups.
    pub groups: Vec<Group>,
    /// Environments.
    pub environments: Vec<CompsEnvironment>,
}

impl Comps {
    /// Reads one comps.xml and adds it. A group or environment that is there already gains what
    /// the new one has more.
    pub fn add(&mut self, input: impl BufRead) -> Result<(), XmlError> {
        let mut reader = Builder::default();
        walk::<XmlError>(input, |tag| {
            reader.step(tag);
            Ok(())
        })?;
        for group in reader.groups {
            match self.groups.iter_mut().find(|g| g.id == group.id) {
                None => self.groups.push(group),
                Some(known) => {
                    let mut seen: HashSet<Member> = known.members.iter().cloned().collect();
                    for member in group.members {
                        if seen.insert(member.clone()) {
                            known.members.push(member);
                        }
                    }
                }
            }
        }
        for env in reader.environments {
            match self.environments.iter_mut().find(|e| e.id == env.id) {
                None => self.environments.push(env),
                Some(known) => {
                    merge(&mut known.groups, env.groups);
                    merge(&mut known.optional, env.optional);
                }
            }
        }
        Ok(())
    }

    /// Groups a pattern means: by id or name, exactly or else as a pattern in any case.
    pub(crate) fn groups_matching(&self, pattern: &str) -> Vec<&Group> {
        matching(&self.groups, pattern, |g| (&g.id, &g.name))
    }

    /// Environments a pattern means.
    pub(crate) fn environments_matching(&self, pattern: &str) -> Vec<&CompsEnvironment> {
        matching(&self.environments, pattern, |e| (&e.id, &e.name))
    }

    /// The group of an id.
    pub(crate) fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|g| g.id == id)
    }
}

impl Group {
    /// Members of the wanted kinds.
    pub(crate) fn wanted(&self, types: GroupTypes) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |m| match m.kind {
            MemberKind::Mandatory => types.mandatory,
            MemberKind::Default => types.default,
            MemberKind::Optional => types.optional,
            MemberKind::Conditional => types.conditional,
        })
    }
}

fn merge(into: &mut Vec<String>, more: Vec<String>) {
    for id in more {
        if !into.contains(&id) {
            into.push(id);
        }
    }
}

fn matching<'a, T>(
    items: &'a [T],
    pattern: &str,
    names: impl Fn(&T) -> (&String, &String),
) -> Vec<&'a T> {
    let exact: Vec<&T> = items
        .iter()
        .filter(|item| {
            let (id, name) = names(item);
            id == pattern || name == pattern
        })
        .collect();
    if !exact.is_empty() {
        return exact;
    }
    let glob = Glob::new(&pattern.to_lowercase());
    items
        .iter()
        .filter(|item| {
            let (id, name) = names(item);
            glob.matches(&id.to_lowercase()) || glob.matches(&name.to_lowercase())
        })
        .collect()
}

/// What the text to come belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Id,
    Name,
    Member,
    GroupId,
}

#[derive(Default)]
struct Builder {
    groups: Vec<Group>,
    environments: Vec<CompsEnvironment>,
    group: Option<Group>,
    environment: Option<CompsEnvironment>,
    member: Option<Member>,
    in_options: bool,
    want: Option<Want>,
    text: String,
}

impl Builder {
    fn step(&mut self, tag: XmlTag<'_>) {
        match tag {
            XmlTag::Start(name, raw) => {
                self.text.clear();
                self.want = None;
                match name {
                    "group" => self.group = Some(Group::default()),
                    "environment" => self.environment = Some(CompsEnvironment::default()),
                    "optionlist" => self.in_options = true,
                    "id" => self.want = Some(Want::Id),
                    // Translations carry a language; the plain name is the English one.
                    "name" if attributes(raw).all(|(key, _)| key != "xml:lang") => {
                        self.want = Some(Want::Name);
                    }
                    "groupid" => self.want = Some(Want::GroupId),
                    "packagereq" => {
                        self.member = Some(member(raw));
                        self.want = Some(Want::Member);
                    }
                    _ => {}
                }
            }
            XmlTag::Text(text) if self.want.is_some() => self.text.push_str(text),
            XmlTag::Text(_) => {}
            XmlTag::End(name) => {
                if let Some(want) = self.want.take() {
                    self.take(want);
                }
                match name {
                    "group" => self.groups.extend(self.group.take()),
                    "environment" => self.environments.extend(self.environment.take()),
                    "optionlist" => self.in_options = false,
                    _ => {}
                }
            }
        }
    }

    fn take(&mut self, want: Want) {
        let text = self.text.trim().to_owned();
        match (want, &mut self.group, &mut self.environment) {
            (Want::Id, Some(group), _) => group.id = text,
            (Want::Id, None, Some(env)) => env.id = text,
            (Want::Name, Some(group), _) => group.name = text,
            (Want::Name, None, Some(env)) => env.name = text,
            (Want::Member, Some(group), _) => {
                if let Some(mut member) = self.member.take().filter(|_| !text.is_empty()) {
                    member.name = text;
                    group.members.push(member);
                }
            }
            (Want::GroupId, None, Some(env)) if self.in_options => env.optional.push(text),
            (Want::GroupId, None, Some(env)) => env.groups.push(text),
            _ => {}
        }
    }
}

fn member(raw: &str) -> Member {
    let mut member = Member {
        name: String::new(),
        kind: MemberKind::Mandatory,
        requires: None,
        basearch_only: false,
    };
    for (key, value) in attributes(raw) {
        match (key, &*value) {
            ("type", "default") => member.kind = MemberKind::Default,
            ("type", "optional") => member.kind = MemberKind::Optional,
            ("type", "conditional") => member.kind = MemberKind::Conditional,
            ("requires", needs) if !needs.is_empty() => member.requires = Some(needs.to_owned()),
            ("basearchonly", yes) => member.basearch_only = matches!(yes, "true" | "1"),
            _ => {}
        }
    }
    member
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SAMPLE: &str = r#"<comps><group><id>core</id><name>Core</name><name xml:lang="de">Kern</name>
<packagelist><packagereq type="mandatory">bash</packagereq><packagereq type="default">vim</packagereq>
<packagereq type="optional" basearchonly="true">nano</packagereq>
<packagereq type="conditional" requires="glibc">langpack</packagereq></packagelist></group>
<category><id>cat</id><grouplist><groupid>core</groupid></grouplist></category>
<environment><id>full</id><name>Full System</name><grouplist><groupid>core</groupid></grouplist>
<optionlist><groupid default="true">extra</groupid></optionlist></environment></comps>"#;

    #[test]
    fn groups_and_environments_are_read() {
        let mut comps = Comps::default();
        comps.add(SAMPLE.as_bytes()).unwrap();
        comps.add(SAMPLE.as_bytes()).unwrap();
        assert_eq!((comps.groups.len(), comps.environments.len()), (1, 1));
        let group = &comps.groups[0];
        assert_eq!((&*group.id, &*group.name), ("core", "Core"));
        let names: Vec<_> = group
            .wanted(GroupTypes::default())
            .map(|m| (&*m.name, m.requires.as_deref()))
            .collect();
        assert_eq!(
            names,
            [("bash", None), ("vim", None), ("langpack", Some("glibc"))]
        );
        assert!(group.members[2].basearch_only);
        let env = &comps.environments[0];
        assert_eq!(env.groups, ["core"]);
        assert_eq!(env.optional, ["extra"]);
    }

    #[test]
    fn groups_are_found_by_id_name_and_pattern() {
        let mut comps = Comps::default();
        comps.add(SAMPLE.as_bytes()).unwrap();
        for pattern in ["core", "Core", "CORE", "co*"] {
            assert_eq!(comps.groups_matching(pattern).len(), 1, "{pattern}");
        }
        assert_eq!(comps.environments_matching("full system").len(), 1);
        assert!(comps.groups_matching("cat").is_empty());
    }
}
