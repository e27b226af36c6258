//! When a provide answers a requirement.

use std::cmp::Ordering;

use rpmkit_types::{Dep, DepFlag, Evr};

/// Whether `provide` answers `requirement`, as libsolv has it: a provide without a version answers no
/// requirement on one, and a release counts only where both have one. A rich requirement is answered by
/// whatever answers one of its operands.
pub fn satisfies(requirement: &Dep, provide: &Dep) -> bool {
    if requirement.is_rich() {
        return operands(&requirement.name)
            .iter()
            .any(|one| satisfies(one, provide));
    }
    if requirement.name != provide.name {
        return false;
    }
    let Some((wanted, bound)) = &requirement.version else {
        return true;
    };
    let Some((has, version)) = &provide.version else {
        return false;
    };
    let order = compare(version, bound);
    let (less, greater) = (
        matches!(wanted, DepFlag::Lt | DepFlag::Le),
        matches!(wanted, DepFlag::Gt | DepFlag::Ge),
    );
    let equal = matches!(wanted, DepFlag::Le | DepFlag::Eq | DepFlag::Ge);
    match order {
        Ordering::Less => less || matches!(has, DepFlag::Gt | DepFlag::Ge),
        Ordering::Greater => greater || matches!(has, DepFlag::Lt | DepFlag::Le),
        Ordering::Equal => {
            let own = matches!(has, DepFlag::Le | DepFlag::Eq | DepFlag::Ge);
            (equal && own)
                || (less && matches!(has, DepFlag::Lt | DepFlag::Le))
                || (greater && matches!(has, DepFlag::Gt | DepFlag::Ge))
        }
    }
}

fn compare(a: &Evr, b: &Evr) -> Ordering {
    if a.release.is_empty() || b.release.is_empty() {
        let bare = |evr: &Evr| Evr::new(evr.epoch, evr.version.clone(), "");
        return bare(a).cmp(&bare(b));
    }
    a.cmp(b)
}

const OPERATORS: [&str; 7] = ["and", "or", "if", "else", "unless", "with", "without"];

/// The plain requirements a rich one is made of: all that it may come to ask for.
pub fn operands(rich: &str) -> Vec<Dep> {
    let mut out: Vec<Dep> = Vec::new();
    let mut flag = None;
    for word in rich.split_whitespace() {
        let mut word = word.trim_start_matches('(');
        let closes = |text: &str| {
            let count = |c| text.matches(c).count();
            count(')') > count('(')
        };
        while word.ends_with(')') && closes(word) {
            word = &word[..word.len() - 1];
        }
        if word.is_empty() || OPERATORS.contains(&word) {
            continue;
        }
        let operator = match word {
            "<" => Some(DepFlag::Lt),
            "<=" => Some(DepFlag::Le),
            "=" => Some(DepFlag::Eq),
            ">=" => Some(DepFlag::Ge),
            ">" => Some(DepFlag::Gt),
            _ => None,
        };
        match (operator, flag.take()) {
            (Some(operator), _) => flag = Some(operator),
            (None, Some(operator)) => {
                if let Some(last) = out.last_mut() {
                    last.version = Some((operator, Evr::parse(word)));
                }
            }
            (None, None) => out.push(Dep::any(word)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dep(text: &str) -> Dep {
        operands(text).remove(0)
    }

    #[test]
    fn versions_answer_as_the_solver_has_it() {
        for (requirement, provide, answered) in [
            ("a", "a = 1-1", true),
            ("a >= 2", "a = 2-1", true),
            ("a > 2", "a = 2-1", false),
            ("a = 1-2", "a = 1-1", false),
            ("a < 1:1", "a = 3-1", true),
            ("a >= 1", "a", false),
            ("a", "b", false),
            ("a >= 5", "a > 4", true),
        ] {
            assert_eq!(
                satisfies(&dep(requirement), &dep(provide)),
                answered,
                "{requirement}: {provide}"
            );
        }
    }

    #[test]
    fn a_rich_requirement_is_taken_apart() {
        let found = operands("((pkgconfig(a) >= 1.2 or b) if (c and d))");
        let names: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["pkgconfig(a) >= 1.2", "b", "c", "d"]);
        let rich = Dep::any("(x or a >= 2)");
        assert!(satisfies(&rich, &dep("a = 2-1")));
        assert!(!satisfies(&rich, &dep("a = 1-1")));
    }
}
