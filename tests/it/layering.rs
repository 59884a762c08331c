//! Who may use whom: one table, held against the `crate::…` and `super::…` paths of every file of
//! `src/`, tests aside. The package is one crate; this is what keeps its layers apart.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module: what of ours it may use, and what of others' it may not.
struct Rule {
    module: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
}

/// Input, output and everything else that makes an answer depend on more than the question.
const PURE: &[&str] = &[
    "tokio",
    "tracing",
    "axum",
    "reqwest",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
    "Timestamp::now",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
];
/// [`PURE`], and holds nothing that could send a request.
const PURE_AND_ASKS_NOBODY: &[&str] = &[
    "workos::Client",
    "ReadPortal",
    "WritePortal",
    "Transport",
    "tokio",
    "tracing",
    "axum",
    "reqwest",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
    "Timestamp::now",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
];
/// Reads or writes files, and nothing else.
const READS_FILES: &[&str] = &[
    "tokio",
    "tracing",
    "axum",
    "reqwest",
    "std::env",
    "std::net",
    "std::process",
    "std::time",
    "SystemTime",
    "Timestamp::now",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
];
/// Does not print, and takes time and settings from its caller.
const NO_PRINTING: &[&str] = &[
    "std::env",
    "SystemTime",
    "Timestamp::now",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
];

const RULES: &[Rule] = &[
    Rule {
        module: "model",
        may_use: &[],
        never: PURE,
    },
    Rule {
        module: "codes",
        may_use: &[],
        never: PURE,
    },
    Rule {
        module: "clock",
        may_use: &[],
        never: &["std::env", "println!", "eprintln!"],
    },
    Rule {
        module: "files",
        may_use: &[],
        never: READS_FILES,
    },
    Rule {
        module: "manifest",
        may_use: &["model", "codes"],
        never: READS_FILES,
    },
    Rule {
        module: "identity",
        may_use: &["model", "codes"],
        never: PURE,
    },
    Rule {
        module: "plan",
        may_use: &["model", "codes", "identity"],
        never: PURE,
    },
    Rule {
        module: "verification",
        may_use: &["model", "codes"],
        never: PURE,
    },
    Rule {
        module: "readiness",
        may_use: &["model", "codes", "identity", "verification"],
        never: PURE,
    },
    Rule {
        module: "dns",
        may_use: &["clock", "verification"],
        never: NO_PRINTING,
    },
    Rule {
        module: "link",
        may_use: &["model", "codes", "identity", "readiness"],
        never: PURE,
    },
    Rule {
        module: "import",
        may_use: &["model", "codes", "manifest", "identity"],
        never: PURE,
    },
    Rule {
        module: "doctor",
        // Of `workos` the data that answers are told in, not what asks.
        may_use: &["model", "codes", "link", "workos"],
        never: PURE_AND_ASKS_NOBODY,
    },
    Rule {
        module: "workos",
        may_use: &["model", "codes", "clock"],
        never: NO_PRINTING,
    },
    Rule {
        module: "observe",
        may_use: &["model", "identity", "workos"],
        never: &[
            "WritePortal",
            "workos::Client",
            "std::env",
            "println!",
            "eprintln!",
        ],
    },
    Rule {
        module: "apply",
        may_use: &["model", "codes", "plan", "workos", "clock"],
        never: NO_PRINTING,
    },
    Rule {
        module: "report",
        may_use: &[
            "model",
            "codes",
            "manifest",
            "identity",
            "plan",
            "apply",
            "readiness",
            "verification",
            "link",
            "import",
            "doctor",
        ],
        never: PURE,
    },
    Rule {
        module: "sandbox",
        may_use: &["model", "clock", "files"],
        never: NO_PRINTING,
    },
    Rule {
        module: "listen",
        may_use: &["clock"],
        never: NO_PRINTING,
    },
    Rule {
        module: "operator",
        may_use: &[
            "model",
            "codes",
            "clock",
            "listen",
            "manifest",
            "identity",
            "plan",
            "readiness",
            "workos",
            "observe",
            "apply",
        ],
        never: NO_PRINTING,
    },
    Rule {
        module: "gateway",
        may_use: &[
            "model",
            "codes",
            "clock",
            "listen",
            "manifest",
            "identity",
            "readiness",
            "link",
            "workos",
            "observe",
        ],
        never: NO_PRINTING,
    },
    Rule {
        module: "cli",
        may_use: &[
            "model",
            "codes",
            "clock",
            "files",
            "manifest",
            "identity",
            "plan",
            "verification",
            "readiness",
            "dns",
            "link",
            "workos",
            "observe",
            "apply",
            "import",
            "report",
            "sandbox",
            "gateway",
            "doctor",
            "operator",
        ],
        never: &["println!", "eprintln!"],
    },
];

/// A file of `src/` by its path there (`plan/mod.rs`), with its text.
struct Source {
    path: String,
    text: String,
}

#[test]
fn nobody_uses_what_is_not_theirs() {
    let sources = sources();
    assert!(
        sources.len() > 50,
        "only {} files were found",
        sources.len()
    );
    let found: Vec<String> = sources.iter().flat_map(violations).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_module_has_a_rule_and_every_rule_a_module() {
    let modules: BTreeSet<String> = sources()
        .iter()
        .filter(|source| !["lib.rs", "main.rs"].contains(&source.path.as_str()))
        .map(|source| top(&source.path))
        .collect();
    let ruled: BTreeSet<String> = RULES.iter().map(|rule| rule.module.to_owned()).collect();
    assert_eq!(modules, ruled);
}

/// The files of `src/` that are not tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if name != "tests" {
                    folders.push(path);
                }
                continue;
            }
            let Some(stem) = name.strip_suffix(".rs") else {
                continue;
            };
            if stem != "tests" && !stem.ends_with("_tests") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&root).unwrap();
                let path = path.to_str().unwrap().to_owned();
                sources.push(Source { path, text });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// The top module that a file belongs to.
fn top(path: &str) -> String {
    let first = path.split('/').next().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// How many modules a file is below the crate's root: `plan.rs` and `plan/mod.rs` are 1.
fn depth(path: &str) -> usize {
    let segments = path.split('/').count();
    if path.ends_with("/mod.rs") {
        segments - 1
    } else {
        segments
    }
}

/// What a file uses that it may not, each with file and line.
fn violations(source: &Source) -> Vec<String> {
    let Source { path, text } = source;
    let module = top(path);
    let Some(rule) = RULES.iter().find(|rule| rule.module == module) else {
        return Vec::new();
    };
    let code = without_tests(&without_comments_and_strings(text));
    let line_of = |at: usize| code[..at].matches('\n').count() + 1;
    let mut found = Vec::new();
    for (at, used) in used_modules(&code, depth(path)) {
        let is_ours = RULES.iter().any(|rule| rule.module == used);
        if is_ours && used != module && !rule.may_use.contains(&used.as_str()) {
            found.push(format!(
                "src/{path}:{}: {module} may not use {used}",
                line_of(at)
            ));
        }
    }
    for never in rule.never {
        for at in occurrences(&code, never) {
            found.push(format!(
                "src/{path}:{}: {module} may not use {never}",
                line_of(at)
            ));
        }
    }
    found
}

/// The top modules that code names by `crate::` or by enough `super::`, with where.
fn used_modules(code: &str, depth: usize) -> Vec<(usize, String)> {
    let to_root = "super::".repeat(depth);
    let mut used = Vec::new();
    for (start, is_super) in [("crate::", false), (to_root.as_str(), true)] {
        for at in occurrences(code, start) {
            let is_longer = is_super && code[..at].ends_with("super::");
            if is_longer {
                continue;
            }
            let rest = &code[at + start.len()..];
            used.extend(heads(rest).into_iter().map(|head| (at, head)));
        }
    }
    used
}

/// The first segments of a path, or of every path of a group: `a::b`, `{a::b, c}`.
fn heads(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        let name = rest
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .next();
        return name.map(str::to_owned).into_iter().collect();
    };
    let mut level = 1;
    let mut parts = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => level += 1,
            '}' => level -= 1,
            ',' if level == 1 => parts.push(String::new()),
            _ => {}
        }
        if level == 0 {
            break;
        }
        if level == 1 && c != ',' && c != '}' {
            parts.last_mut().unwrap().push(c);
        }
    }
    parts
        .iter()
        .flat_map(|part| heads(part.trim()))
        .filter(|head| !head.is_empty())
        .collect()
}

/// Where a word begins that is not the end of a longer one.
fn occurrences(code: &str, word: &str) -> Vec<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let ends_in_word = word.chars().next_back().is_some_and(is_part);
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| !code[..*at].chars().next_back().is_some_and(is_part))
        .filter(|at| {
            let next = code[at + word.len()..].chars().next();
            !(ends_in_word && next.is_some_and(is_part))
        })
        .collect()
}

/// The same text, as long, with comments and string literals blanked.
fn without_comments_and_strings(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let blank = |out: &mut String, part: &str| {
        out.extend(part.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    };
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            rest[start..]
                .find(&end)
                .map_or(rest.len(), |at| start + at + end.len())
        } else if c == '"' {
            string_length(rest)
        } else if let Some(length) = quoted_character(rest) {
            length
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        blank(&mut out, &rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// How many hashes a raw string begins with, if one begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

fn string_length(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of `'x'` or `'\n'`; a lifetime has none.
fn quoted_character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(escaped) = inner.strip_prefix('\\') {
        let close = escaped[1..].find('\'')?;
        return Some(close + 4);
    }
    let c = inner.chars().next()?;
    inner[c.len_utf8()..]
        .starts_with('\'')
        .then_some(c.len_utf8() + 2)
}

/// The same text with every `#[cfg(test)]` item blanked.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    while let Some(at) = out.find(MARK) {
        let length = item_length(&out[at..]);
        let blank: String = out[at..at + length]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        out.replace_range(at..at + length, &blank);
    }
    out
}

/// How long an item is: to its semicolon, or to the end of its braces.
fn item_length(item: &str) -> usize {
    let mut level = 0;
    for (at, c) in item.char_indices() {
        match c {
            '{' => level += 1,
            '}' if level == 1 => return at + 1,
            '}' => level -= 1,
            ';' if level == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

#[test]
fn a_violation_is_found_however_it_is_written() {
    let found = |path: &str, text: &str| {
        violations(&Source {
            path: path.to_owned(),
            text: text.to_owned(),
        })
    };
    for (path, text, line) in [
        ("plan/mod.rs", "use crate::workos::Client;", 1),
        (
            "plan/mod.rs",
            "use crate::{model::Intent, workos::{Client, Rate}};",
            1,
        ),
        (
            "plan/mod.rs",
            "use crate::{\n    model,\n    codes,\n    workos,\n};",
            1,
        ),
        (
            "plan/mod.rs",
            "fn f() {\n    let _ = crate::workos::Rate::default();\n}",
            2,
        ),
        ("plan/entry.rs", "use super::super::workos::Client;", 1),
        ("plan/mod.rs", "use super::workos::Client;", 1),
        ("identity.rs", "use super::cli;", 1),
        ("model/id.rs", "\n\nuse crate::codes;", 3),
        ("plan/mod.rs", "use tokio::time;", 1),
        ("plan/mod.rs", "/* x */ fn f() { println!(\"{}\", 1) }", 1),
        ("readiness/mod.rs", "use std::env::var;", 1),
        (
            "observe.rs",
            "use crate::workos::{ReadPortal, WritePortal};",
            1,
        ),
        ("sandbox/wire.rs", "use crate::workos::wire;", 1),
        (
            "report/mod.rs",
            "const Q: char = '\"'; use crate::workos::Client;",
            1,
        ),
        (
            "clock.rs",
            "#[cfg(test)] mod tests { use crate::plan; }\nuse crate::model;",
            2,
        ),
    ] {
        let found = found(path, text);
        assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
        assert!(
            found[0].starts_with(&format!("src/{path}:{line}: ")),
            "{found:?}"
        );
    }
    for (path, text) in [
        (
            "plan/mod.rs",
            "use crate::model::Intent;\nuse crate::codes::{Code, plan};",
        ),
        (
            "plan/mod.rs",
            "// crate::workos knows\nconst A: &str = \"crate::workos\";",
        ),
        (
            "plan/mod.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::workos::Client;\n}",
        ),
        (
            "plan/mod.rs",
            "#[cfg(test)]\nuse crate::workos::Client;\nuse crate::model;",
        ),
        ("plan/entry.rs", "use super::policy;"),
        ("plan/mod.rs", "fn f<'a>(a: &'a str) -> &'a str { a }"),
        ("report/mod.rs", "use crate::report::paint;"),
    ] {
        assert_eq!(found(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}
