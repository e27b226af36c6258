//! What fails because a build has no network.

use crate::{failure::FailureCause, want::MissingThing};

use super::{finding::Finding, scene::Scene, text};

/// What programs say when a name cannot be looked up or a host not reached, with what stands in front
/// of the host, where the line names it.
const SIGNS: [(&str, Option<&str>); 27] = [
    ("Could not resolve host", Some("Could not resolve host: ")),
    ("Couldn't resolve host", Some("Couldn't resolve host ")),
    ("couldn't resolve host name", None),
    ("Temporary failure in name resolution", None),
    ("Name or service not known", None),
    ("Temporary failure resolving", None),
    ("unable to resolve host address", Some("host address ")),
    ("getaddrinfo EAI_AGAIN", Some("EAI_AGAIN ")),
    ("getaddrinfo ENOTFOUND", Some("ENOTFOUND ")),
    ("npm error code EAI_AGAIN", None),
    ("dial tcp: lookup ", Some("dial tcp: lookup ")),
    ("Network is unreachable", None),
    ("network is unreachable", None),
    ("failed to lookup address information", None),
    ("Failed to establish a new connection", None),
    ("Unknown host ", Some("Unknown host ")),
    (
        "java.net.UnknownHostException",
        Some("UnknownHostException: "),
    ),
    ("spurious network error", None),
    ("nodename nor servname provided", None),
    ("urlopen error", None),
    ("npm error code ENOTCACHED", None),
    ("cache mode is 'only-if-cached'", None),
    ("Unable to connect to a repository at URL", None),
    ("Unable to load the service index for source", None),
    ("Could not find a suitable TLS CA certificate bundle", None),
    ("you are in the offline mode (--offline)", None),
    ("Could not resolve hostname", Some("resolve hostname ")),
];

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    let (at, line) = scene.rev().find(|(_, line)| is_sign(line))?;
    // A line near by that has the address tells more than the bare refusal.
    let near = near_start(at)..(at + 6).min(scene.lines.len());
    let telling = |line: &str| is_sign(line) && line.contains("://");
    let from = near
        .clone()
        .rev()
        .find(|nth| telling(scene.lines[*nth]))
        .unwrap_or(at);
    let shown = if telling(line) {
        line
    } else {
        scene.lines[from]
    };
    let host = host(shown).or_else(|| host(line)).map(str::to_owned);
    let around = scene.lines[near.clone()].join("\n");
    let tool = tool(scene, shown, &around);
    let end = near
        .rev()
        .find(|nth| belongs(scene.lines[*nth], tool))
        .unwrap_or(at)
        .max(at);
    let mut found = Finding::new(end, shown.trim())
        .from(from.min(at))
        .cause(FailureCause::Network {
            section: scene.section.map(str::to_owned),
            host,
        })
        .hint(format!(
            "builds have no network on purpose: {}, or allow it with `--enable-network`",
            instead(tool)
        ));
    if tool == "cargo"
        && !shown.contains("can't checkout from ")
        && let Some(line) = scene
            .lines
            .iter()
            .find(|line| line.contains(" as a dependency of package"))
    {
        found.text = line.trim().trim_start_matches("error: ").to_owned();
    }
    if let Some(artifact) = scene.lines[near_start(at)..=at].iter().find_map(|line| {
        let artifact = text::behind(line, "> Could not resolve ")?.strip_suffix('.')?;
        (!artifact.contains(' ')).then_some(artifact)
    }) {
        found.text = format!("gradle wants to download `{artifact}`");
    }
    if let Some(FailureCause::Network {
        host: Some(host), ..
    }) = &found.cause
        && !found
            .text
            .chars()
            .take(super::message::LONGEST)
            .collect::<String>()
            .contains(host.as_str())
    {
        found.text = format!("`{host}` cannot be reached: {}", found.text);
    }
    if tool == "pip" {
        if let Some(name) = requirement(scene) {
            found.text = format!("pip wants to download `{name}`");
            found = found.want(MissingThing::PythonDist(name.to_owned()));
        } else if found.text.contains("TLS CA certificate") {
            let said = found.text.trim_start_matches("ERROR: ");
            found.text = format!("pip wants to download what the project requires: {said}");
        }
    }
    Some(found)
}

/// Where the lines about the same download begin.
fn near_start(at: usize) -> usize {
    at.saturating_sub(12)
}

/// Closing remarks of the same program.
fn belongs(line: &str, tool: &str) -> bool {
    match tool {
        "npm" => line.starts_with("npm "),
        "pip" => {
            line.trim_start().starts_with("ERROR: ")
                || line.contains("subprocess-exited-with-error")
                || line.contains("[end of output]")
        }
        "cargo" => {
            line.starts_with("error: ") || line.starts_with("Caused by:") || line.starts_with("  ")
        }
        "maven" => line.starts_with("[ERROR]"),
        "gradle" => line.starts_with("BUILD FAILED") || line.starts_with("> Run with"),
        _ => false,
    }
}

fn is_sign(line: &str) -> bool {
    !line.starts_with('+') && SIGNS.iter().any(|(sign, _)| line.contains(sign))
}

fn host(line: &str) -> Option<&str> {
    let ended = |text: &'_ str| -> usize {
        text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
            .unwrap_or(text.len())
    };
    if let Some((_, rest)) = line.split_once("://") {
        let rest = rest
            .rsplit_once('@')
            .filter(|(user, _)| !user.contains('/'))
            .map_or(rest, |(_, host)| host);
        return Some(&rest[..ended(rest)]).filter(|host| !host.is_empty());
    }
    SIGNS.iter().find_map(|(_, before)| {
        let (_, rest) = line.split_once((*before)?)?;
        let rest = rest.trim_start_matches(['‘', '\'', '"']);
        Some(&rest[..ended(rest)]).filter(|host| host.contains('.'))
    })
}

/// The program that wanted to reach out, by how it speaks and how it was called.
fn tool(scene: &Scene<'_>, line: &str, around: &str) -> &'static str {
    let command = scene.command.unwrap_or("");
    const TOOLS: [(&str, &[&str]); 11] = [
        ("npm", &["npm error", "npm ERR!", "npm "]),
        ("yarn", &["yarn "]),
        ("maven", &["[ERROR]", "mvn ", "xmvn "]),
        ("gradle", &["gradle"]),
        ("pip", &["pip", "NewConnectionError", "urllib3"]),
        ("go", &["dial tcp", "go: ", "proxy.golang"]),
        ("cargo", &["cargo ", "crates.io", "spurious network error"]),
        ("cmake", &["FetchContent", "ExternalProject", "CMake Error"]),
        ("git", &["git ", "fatal: unable to access"]),
        ("curl", &["curl"]),
        ("wget", &["wget"]),
    ];
    TOOLS
        .iter()
        .find(|(_, signs)| text::any(line, signs))
        .or_else(|| TOOLS.iter().find(|(_, signs)| text::any(command, signs)))
        .or_else(|| TOOLS.iter().find(|(_, signs)| text::any(around, signs)))
        .map_or("", |(tool, _)| tool)
}

fn instead(tool: &str) -> &'static str {
    match tool {
        "npm" | "yarn" => {
            "put the modules into a source archive (`npm ci` there, `npm ci --offline` here)"
        }
        "maven" | "gradle" => {
            "install what it needs with `BuildRequires: mvn(…)` and build offline (`mvn -o`), or put a local repository made by `mvn dependency:go-offline` into a source archive"
        }
        "pip" => {
            "install what it needs with `BuildRequires: python3dist(…)`, and call pip with `--no-build-isolation --no-index`"
        }
        "go" => {
            "put the modules into a source archive with `go mod vendor` and build with `-mod=vendor`"
        }
        "cargo" => {
            "put the crates into a source archive with `cargo vendor`, or install them with `BuildRequires: crate(…)`"
        }
        "cmake" => {
            "unpack what it fetches from a `Source` of its own, and set `FETCHCONTENT_SOURCE_DIR_…` to it"
        }
        "git" => "make an archive of that state a `Source` of the spec",
        _ => "make what it downloads a `Source` of the spec",
    }
}

/// What pip was asked for.
fn requirement<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    scene.rev().find_map(|(_, line)| {
        let rest = text::behind(
            line,
            "Could not find a version that satisfies the requirement ",
        )
        .or_else(|| text::behind(line, "No matching distribution found for "))?;
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(rest.len());
        Some(&rest[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named() {
        for line in [
            "fatal: unable to access 'https://example.invalid/x.git/': Could not resolve host: example.invalid",
            "npm error request to https://example.invalid/left-pad failed, reason: getaddrinfo EAI_AGAIN example.invalid",
            "dial tcp: lookup example.invalid on 127.0.0.1:53: connection refused",
            "wget: unable to resolve host address ‘example.invalid’",
        ] {
            assert_eq!(host(line), Some("example.invalid"), "{line}");
        }
    }
}
