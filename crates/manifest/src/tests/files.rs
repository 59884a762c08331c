//! Finding files: folders, links, what is missing, and the order that nothing depends on.

use std::fs;
use std::path::Path;

use crate::{Checked, Input, read};
use portalctl_model::OrgKey;

const HEAD: &str = "version: 1\n";

fn organization(key: &str) -> String {
    format!("organizations:\n  {key}:\n    name: {key}\n")
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read_paths(paths: &[&Path]) -> Checked {
    let inputs: Vec<Input> = paths
        .iter()
        .map(|path| Input::Path(path.to_path_buf()))
        .collect();
    read(&inputs)
}

fn keys(checked: &Checked) -> Vec<&str> {
    let desired = checked.desired.as_ref();
    desired
        .unwrap_or_else(|| panic!("{:?}", checked.diagnostics))
        .organizations
        .keys()
        .map(OrgKey::as_str)
        .collect()
}

fn codes(checked: &Checked) -> Vec<&str> {
    checked
        .diagnostics
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

#[test]
fn a_folder_is_one_manifest_read_in_byte_order() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    write(root, "b.yaml", &organization("b"));
    write(root, "a/z.yml", &organization("z"));
    write(
        root,
        "a.json",
        r#"{"version": 1, "organizations": {"j": {"name": "J\/S"}}}"#,
    );
    write(root, ".hidden.yaml", "nonsense");
    write(root, ".git/c.yaml", "nonsense");
    write(root, "notes.txt", "nonsense");
    let checked = read_paths(&[root]);
    assert_eq!(keys(&checked), ["b", "j", "z"]);
    let order: Vec<String> = checked
        .sources
        .iter()
        .map(|(name, _)| name.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(order, ["a.json", "z.yml", "b.yaml"]);
}

#[test]
fn a_file_counts_once_however_it_is_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    write(root, "a.yaml", &format!("{HEAD}{}", organization("a")));
    let file = root.join("a.yaml");
    let checked = read_paths(&[&file, root, &file]);
    assert_eq!(keys(&checked), ["a"]);
}

#[test]
fn what_is_missing_is_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    assert_eq!(codes(&read_paths(&[root])), ["manifest/no-files"]);
    let nowhere = root.join("nowhere.yaml");
    assert_eq!(codes(&read_paths(&[&nowhere])), ["manifest/not-found"]);
}

#[test]
fn a_broken_file_hides_no_finding_of_another_and_adds_no_false_one() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    write(root, "a.yaml", "version: 1\norganizations: [\n");
    write(
        root,
        "b.yaml",
        "organizations:\n  b:\n    nmae: B\n    id: org_1\n    return_url: http://localhost/\n",
    );
    assert_eq!(
        codes(&read_paths(&[root])),
        ["manifest/syntax", "manifest/unknown-field"]
    );
}

#[test]
fn a_sparse_giant_is_refused_unread() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("giant.yaml");
    let file = fs::File::create(&path).unwrap();
    file.set_len(100 << 30).unwrap();
    assert_eq!(codes(&read_paths(&[&path])), ["manifest/too-large"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_within_the_folder_only() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "x.yaml", &organization("x"));
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    // As Kubernetes mounts a ConfigMap.
    write(
        root,
        "..data/a.yaml",
        &format!("{HEAD}{}", organization("a")),
    );
    symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
    symlink(outside.path().join("x.yaml"), root.join("x.yaml")).unwrap();
    symlink(outside.path(), root.join("folder")).unwrap();
    symlink(".", root.join("loop")).unwrap();
    symlink("nowhere.yaml", root.join("broken.yaml")).unwrap();
    let checked = read_paths(&[root]);
    assert_eq!(
        codes(&checked),
        [
            "manifest/file-skipped",
            "manifest/link-skipped",
            "manifest/link-skipped"
        ]
    );
}
