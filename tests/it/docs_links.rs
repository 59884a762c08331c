//! Checks that every link within the documentation leads to an existing file and heading.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The pages: those of the root, of the guides and of the examples.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("docs"), root.join("examples")];
    let mut pages = markdown_in(root).1;
    while let Some(folder) = folders.pop() {
        let (more, here) = markdown_in(&folder);
        folders.extend(more);
        pages.extend(here);
    }
    pages.sort();
    pages
}

/// The folders and the pages of a folder.
fn markdown_in(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let (mut folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    // An example that was run has its packages beside it.
    folders.retain(|folder| !folder.ends_with("node_modules"));
    let is_page = |path: &PathBuf| path.extension().is_some_and(|it| it == "md");
    (folders, files.into_iter().filter(is_page).collect())
}

/// The lines of a page that are no code.
fn prose(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.map(str::to_owned).collect()
}

/// Returns the anchors of a page's headings, as GitHub builds them.
fn anchors(page: &Path) -> BTreeSet<String> {
    let lines = prose(page).into_iter();
    let headings = lines.filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words
                .chars()
                .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

/// Returns the links of a page to files within the repository.
fn links(page: &Path) -> Vec<String> {
    let text = prose(page).join("\n");
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let is_ours = |target: &&str| !target.contains(':') && !target.contains(char::is_whitespace);
    targets.filter(is_ours).map(str::to_owned).collect()
}

#[test]
fn every_link_within_the_documentation_leads_somewhere() {
    let pages = pages();
    assert!(pages.len() > 30, "{pages:?}");
    for page in &pages {
        for link in links(page) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => page.clone(),
                path => page.parent().unwrap().join(path),
            };
            let from = page.display();
            assert!(target.exists(), "{from}: {link} is not there");
            let has_anchor = anchor.is_empty()
                || target.extension().is_none_or(|it| it != "md")
                || anchors(&target).contains(anchor);
            assert!(has_anchor, "{from}: {link} names no heading");
        }
    }
}

#[test]
fn the_index_names_every_page() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let index: BTreeSet<String> = links(&docs.join("README.md")).into_iter().collect();
    for folder in ["guides", "concepts", "reference"] {
        for page in markdown_in(&docs.join(folder)).1 {
            let name = page.strip_prefix(&docs).unwrap().display().to_string();
            assert!(index.contains(&name), "docs/README.md does not name {name}");
        }
    }
}
