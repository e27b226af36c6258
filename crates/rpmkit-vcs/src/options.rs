//! mock's `scm_opts`, read the way mock reads them.

use std::path::PathBuf;

use rpmkit_types::scm::scm_default_text;
use serde_json::{Map, Value};

use super::{ScmError, git::CloneRequest};

/// `scm_opts['method']`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// git
    Git,
    /// Subversion
    Svn,
    /// CVS
    Cvs,
    /// A dist-git, by default through `rpkg`.
    Distgit,
}

/// The options with every placeholder filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScmOptions {
    /// Which client.
    pub method: Method,
    /// `package`; may hold slashes, its last part names the checkout.
    pub package: String,
    /// `branch`, unless empty.
    pub branch: Option<String>,
    /// The words of the get command.
    pub get: Vec<String>,
    /// The words of `distgit_src_get`; only with that method.
    pub source_get: Option<Vec<String>>,
    /// `spec`, relative to the checkout.
    pub spec: String,
    /// `int_src_dir`, relative to the checkout.
    pub int_src_dir: Option<String>,
    /// `ext_src_dir`
    pub ext_src_dir: PathBuf,
    /// `write_tar`
    pub write_tar: bool,
    /// `exclude_vcs`
    pub exclude_vcs: bool,
    /// `git_timestamps`
    pub git_timestamps: bool,
}

impl ScmOptions {
    /// Reads `scm_opts` as a configuration and the command line give them; keys that are not
    /// there have mock's defaults.
    ///
    /// # Errors
    /// [`ScmError::Method`], [`ScmError::NoPackage`], [`ScmError::Quotes`]: mock's exit code 5.
    pub fn read(values: &Map<String, Value>) -> Result<Self, ScmError> {
        let text = |key: &str| {
            let given = values.get(key).map(python_text);
            given.unwrap_or_else(|| scm_default_text(key).unwrap_or_default().to_owned())
        };
        let (method, get_key) = match text("method").as_str() {
            "git" => (Method::Git, "git_get"),
            "svn" => (Method::Svn, "svn_get"),
            "cvs" => (Method::Cvs, "cvs_get"),
            "distgit" => (Method::Distgit, "distgit_get"),
            other => {
                return Err(ScmError::Method {
                    method: other.to_owned(),
                });
            }
        };
        if !values.contains_key("package") {
            return Err(ScmError::NoPackage);
        }
        let package = text("package");
        let branch = values
            .get("branch")
            .filter(|value| is_true(value))
            .map(python_text);
        // With git the branch is checked out afterwards instead.
        let in_command = match (method, &branch) {
            (Method::Cvs, Some(branch)) => format!("-r {branch}"),
            (Method::Svn | Method::Distgit, Some(branch)) => branch.clone(),
            (Method::Svn, None) => "trunk".to_owned(),
            _ => String::new(),
        };
        let get = text(get_key)
            .replace("SCM_BRN", &in_command)
            .replace("SCM_PKG", &package);
        let source_get = (method == Method::Distgit)
            .then(|| split("distgit_src_get", &text("distgit_src_get")))
            .transpose()?;
        Ok(Self {
            method,
            get: split(get_key, &get)?,
            source_get,
            spec: text("spec").replace("SCM_PKG", &package),
            int_src_dir: values
                .get("int_src_dir")
                .filter(|value| is_true(value))
                .map(python_text),
            ext_src_dir: PathBuf::from(text("ext_src_dir")),
            write_tar: text("write_tar").eq_ignore_ascii_case("true"),
            exclude_vcs: values
                .get("exclude_vcs")
                .is_none_or(|value| python_text(value).eq_ignore_ascii_case("true")),
            git_timestamps: values.get("git_timestamps").is_some_and(is_true),
            package,
            branch,
        })
    }

    /// The last part of the package's name: what the checkout directory is called.
    pub fn directory(&self) -> &str {
        self.package.rsplit('/').next().unwrap_or(&self.package)
    }

    /// Whether the get command brings submodules.
    pub fn recursive(&self) -> bool {
        // mock looks for the text anywhere in the command.
        self.get
            .iter()
            .any(|word| word.contains("--recursive") || word.contains("--recurse-submodules"))
    }

    /// The clone a get command asks for, with its directory, if it is a `git clone` that needs
    /// nothing of git's but what the default command needs. Other commands have to be run.
    pub fn clone_request(&self) -> Option<(CloneRequest, String)> {
        let mut words = self.get.iter().map(String::as_str);
        if words.next() != Some("git") || words.next() != Some("clone") {
            return None;
        }
        let mut request = CloneRequest::default();
        let mut places = Vec::new();
        while let Some(word) = words.next() {
            match word.split_once('=').unwrap_or((word, "")) {
                ("--recursive" | "--recurse-submodules", "") => request.recursive = true,
                ("-q" | "--quiet" | "-v" | "--verbose" | "--progress" | "--", "") => {}
                ("-b" | "--branch", "") => request.rev = Some(words.next()?.to_owned()),
                ("--branch", name) => request.rev = Some(name.to_owned()),
                ("--depth", "") => request.shallow = words.next()? == "1",
                ("--depth", depth) => request.shallow = depth == "1",
                (other, _) if other.starts_with('-') => return None,
                _ => places.push(word.to_owned()),
            }
        }
        let mut places = places.into_iter();
        request.url = places.next()?;
        let dir = places.next().unwrap_or_else(|| {
            let url = request.url.trim_end_matches('/');
            let name = url.rsplit(['/', ':']).next().unwrap_or(url);
            name.strip_suffix(".git").unwrap_or(name).to_owned()
        });
        places.next().is_none().then_some((request, dir))
    }
}

/// A value as Python's `str()` shows it.
fn python_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        other => other.to_string(),
    }
}

/// Python's idea of truth: any text that is not empty, even "False".
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
    }
}

fn split(key: &'static str, text: &str) -> Result<Vec<String>, ScmError> {
    shlex::split(text).ok_or_else(|| ScmError::Quotes {
        key,
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<ScmOptions, ScmError> {
        ScmOptions::read(value.as_object().unwrap())
    }

    #[test]
    fn defaults_are_mocks() {
        let options = read(json!({"package": "hello"})).unwrap();
        assert_eq!(options.method, Method::Git);
        assert_eq!(
            options.get,
            ["git", "clone", "git://localhost/hello.git", "hello"]
        );
        assert_eq!(options.spec, "hello.spec");
        assert_eq!(options.ext_src_dir, PathBuf::from("/dev/null"));
        assert!(!options.write_tar && options.exclude_vcs && !options.git_timestamps);
        assert_eq!((options.int_src_dir, options.branch), (None, None));
    }

    #[test]
    fn the_branch_goes_where_each_method_has_it() {
        let get = |method: &str, branch: &str| {
            read(json!({"method": method, "package": "a/b", "branch": branch}))
                .unwrap()
                .get
                .join(" ")
        };
        assert_eq!(get("git", "x"), "git clone git://localhost/a/b.git a/b");
        assert_eq!(get("svn", "x"), "svn co file:///srv/svn/a/b/x a/b");
        assert_eq!(get("svn", ""), "svn co file:///srv/svn/a/b/trunk a/b");
        assert_eq!(get("cvs", "x"), "cvs -d /srv/cvs co -r x a/b");
        assert_eq!(get("cvs", ""), "cvs -d /srv/cvs co a/b");
        assert_eq!(get("distgit", "x"), "rpkg clone -a --branch x a/b a/b");
        assert_eq!(read(json!({"package": "a/b"})).unwrap().directory(), "b");
    }

    #[test]
    fn truth_is_pythons() {
        let of = |value: Value| {
            let options = read(json!({
                "package": "p", "write_tar": value, "exclude_vcs": value, "git_timestamps": value
            }))
            .unwrap();
            (
                options.write_tar,
                options.exclude_vcs,
                options.git_timestamps,
            )
        };
        assert_eq!(of(json!(true)), (true, true, true));
        assert_eq!(of(json!("TRUE")), (true, true, true));
        assert_eq!(of(json!("False")), (false, false, true));
        assert_eq!(of(json!(false)), (false, false, false));
        assert_eq!(of(json!("")), (false, false, false));
        assert_eq!(of(json!("1")), (false, false, true));
    }

    #[test]
    fn mistakes_end_with_five() {
        for (value, text) in [
            (
                json!({"method": "hg", "package": "p"}),
                "unsupported SCM method: `hg`",
            ),
            (json!({}), "trying to use SCM, but no package is defined"),
        ] {
            let error = read(value).unwrap_err();
            assert_eq!(error.to_string(), text);
            assert_eq!(error.exit_code().code(), 5);
        }
        let error = read(json!({"package": "p", "git_get": "git 'clone"})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`git_get` is no command: unbalanced quotes in `git 'clone`"
        );
        assert_eq!(error.exit_code().code(), 1);
    }

    #[test]
    fn plain_clones_are_recognised() {
        let of = |get: &str| {
            read(json!({"package": "p", "git_get": get}))
                .unwrap()
                .clone_request()
        };
        let (request, dir) = of("git clone SCM_BRN --recursive https://h/SCM_PKG.git").unwrap();
        assert_eq!(
            (request.url.as_str(), dir.as_str()),
            ("https://h/p.git", "p")
        );
        assert!(request.recursive && !request.shallow);
        let (request, dir) = of("git clone -b dev --depth=1 git@h:x/y.git z").unwrap();
        assert_eq!((request.rev.as_deref(), dir.as_str()), (Some("dev"), "z"));
        assert!(request.shallow);
        for other in [
            "git clone --reference /x https://h/p p",
            "git -c a=b clone https://h/p p",
            "mygit clone https://h/p p",
            "git clone",
            "git clone a b c",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
