//! Checks that generated files are up to date. `UPDATE_GENERATED=1 cargo test generated` writes
//! them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use portalctl::cli::schema::Document;
use portalctl_manifest as manifest;
use portalctl_manifest::kubernetes::{Kind, definition};
use portalctl_model::codes;

const NOTE: &str = "<!-- Made by `UPDATE_GENERATED=1 cargo test generated`; do not edit. -->";

/// Compares a file with the generated content, or writes it.
#[track_caller]
fn is_fresh(name: &str, content: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    // Not `assert_eq`, which would print both files.
    assert!(
        found == content,
        "{name} is stale; run: UPDATE_GENERATED=1 cargo test generated"
    );
}

#[test]
fn schemas() {
    for document in Document::files() {
        is_fresh(
            &format!("schema/{}", document.file_name()),
            &document.content(),
        );
    }
}

#[test]
fn resource_definitions() {
    for kind in Kind::ALL {
        let content = manifest::to_yaml(&definition(kind));
        // `kubectl apply` keeps a copy in an annotation, which may hold 256 KiB.
        assert!(content.len() < 200_000, "{}", content.len());
        for folder in ["schema/crds", "charts/portalctl/files/crds"] {
            is_fresh(&format!("{folder}/{}.yaml", kind.plural()), &content);
        }
    }
}

#[test]
fn error_codes() {
    let mut text = format!(
        "# Error codes\n\n{NOTE}\n\nEvery error and warning of portalctl carries one of these \
         codes, the same in text and in JSON.\n`portalctl explain CODE` prints what stands here. \
         The area [portal](#portal) is about what only a browser shows;\nWorkOS's own codes are \
         [at the end](#workoss-own-codes).\n"
    );
    let mut area = "";
    for code in codes::all() {
        let entry = code.entry();
        let (its_area, _) = entry.id.split_once('/').unwrap();
        if its_area != area {
            area = its_area;
            let _ = write!(text, "\n## {area}\n");
        }
        let _ = write!(
            text,
            "\n### {}\n\n**{}.** {}\n\nWhat to do: {}\n",
            entry.id,
            capitalized(entry.title),
            entry.meaning,
            entry.fix
        );
    }
    text.push_str(
        "\n## WorkOS's own codes\n\n`portalctl explain` takes these as well.\n\n\
         | WorkOS | here |\n|---|---|\n",
    );
    for (name, code) in codes::upstream::ALL {
        let anchor = code.as_str().replace('/', "");
        let _ = writeln!(text, "| `{name}` | [{code}](#{anchor}) |");
    }
    is_fresh("docs/reference/errors.md", &text);
}

fn capitalized(text: &str) -> String {
    // A word with a capital or an underscore in it is a name.
    let first = text.split(' ').next().unwrap_or_default();
    if first.contains('_') {
        return text.to_owned();
    }
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// With every command there is.
#[cfg(feature = "operator")]
#[test]
fn command_reference() {
    let mut command = portalctl::cli::command().term_width(100);
    command.build();
    let mut text = format!("# Command reference\n\n{NOTE}\n");
    describe(&mut command, "portalctl", &mut text);
    is_fresh("docs/reference/cli.md", &text);
}

#[cfg(feature = "operator")]
fn describe(command: &mut clap::Command, name: &str, text: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(
        text,
        "\n## {name}\n\n```text\n{}\n```\n",
        help.join("\n").trim_end()
    );
    for child in command.get_subcommands_mut() {
        if child.get_name() == "help" {
            continue;
        }
        let name = format!("{name} {}", child.get_name());
        describe(child, &name, text);
    }
}
