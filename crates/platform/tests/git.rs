//! Reads repositories that git itself makes, hostile ones among them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is how tests fail")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portalctl_platform::git::{GitEntry, GitError, GitTree, Limits, Repository};

const LIMITS: Limits = Limits {
    file: 1024,
    total: 1024 * 1024,
};

/// A repository in a folder of its own.
struct Clone(tempfile::TempDir);

impl Clone {
    fn new() -> Self {
        let clone = Self(tempfile::tempdir().unwrap());
        clone.git(&["init", "--quiet", "--initial-branch=main"]);
        clone
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
            .args(["-c", "protocol.file.allow=always"])
            .args(arguments)
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn read(&self, revision: &str, path: &str) -> Result<GitTree, GitError> {
        let repository = Repository::around(self.path())?;
        let commit = repository.commit(revision)?;
        repository.objects(LIMITS)?.at(&commit, path)
    }
}

fn file(text: &str) -> GitTree {
    GitTree::File(text.as_bytes().to_vec())
}

#[test]
fn a_revision_is_read_as_it_was_committed() {
    let clone = Clone::new();
    clone.write("portal/eu/acme.yaml", "one").commit("one");
    clone.write("portal/eu/acme.yaml", "two").commit("two");
    assert_eq!(clone.read("HEAD~1", "portal/eu/acme.yaml"), Ok(file("one")));
    assert_eq!(clone.read("main", "portal/eu/acme.yaml"), Ok(file("two")));
    assert_eq!(clone.read("main", "nothing"), Ok(GitTree::Nothing));
    let Ok(GitTree::Folder(entries)) = clone.read("main", "portal") else {
        panic!("a folder");
    };
    let id = clone.git(&["rev-parse", "HEAD:portal/eu/acme.yaml"]);
    let expected = (PathBuf::from("eu/acme.yaml"), GitEntry::File(id));
    assert_eq!(entries.into_iter().collect::<Vec<_>>(), [expected]);
}

#[test]
fn three_dots_are_the_commit_where_the_branch_began() {
    let clone = Clone::new();
    let base = clone.write("a", "1").commit("base");
    clone.git(&["checkout", "--quiet", "-b", "mine"]);
    clone.write("b", "2").commit("mine");
    clone.git(&["checkout", "--quiet", "main"]);
    clone.write("c", "3").commit("theirs");
    clone.git(&["checkout", "--quiet", "mine"]);
    let repository = Repository::around(clone.path()).unwrap();
    assert_eq!(repository.commit("main...").unwrap().as_str(), base);
    assert_ne!(repository.commit("main").unwrap().as_str(), base);
    clone.git(&["checkout", "--quiet", "--orphan", "other"]);
    clone.commit("alone");
    assert_eq!(repository.commit("main..."), Err(GitError::NothingInCommon));
}

#[test]
fn a_path_is_that_of_the_folder_it_is_named_in() {
    let clone = Clone::new();
    clone.write("deep/down/portal.yaml", "x").commit("one");
    let repository = Repository::around(&clone.path().join("deep")).unwrap();
    let path = repository.path(OsStr::new("down/portal.yaml"));
    assert_eq!(path.as_deref(), Some("deep/down/portal.yaml"));
}

#[cfg(unix)]
#[test]
fn links_and_submodules_are_told_apart() {
    let inner = Clone::new();
    inner.write("x.yaml", "x").commit("inner");
    let clone = Clone::new();
    clone.write("portal/a.yaml", "a");
    std::os::unix::fs::symlink("../b.yaml", clone.path().join("portal/link.yaml")).unwrap();
    std::os::unix::fs::symlink("portal", clone.path().join("usual")).unwrap();
    std::os::unix::fs::symlink("/etc", clone.path().join("outside")).unwrap();
    let url = inner.path().to_str().unwrap();
    clone.git(&["submodule", "--quiet", "add", url, "portal/vendor"]);
    clone.commit("all");
    let Ok(GitTree::Folder(entries)) = clone.read("HEAD", "usual") else {
        panic!("the link of the repository is followed");
    };
    let link = entries.get(Path::new("link.yaml"));
    assert_eq!(link, Some(&GitEntry::Link("../b.yaml".into())));
    let vendor = entries.get(Path::new("vendor"));
    assert_eq!(vendor, Some(&GitEntry::Submodule));
    assert_eq!(clone.read("HEAD", "outside"), Ok(GitTree::Nothing));
    assert_eq!(clone.read("HEAD", "portal/vendor"), Ok(GitTree::Nothing));
}

#[test]
fn a_name_that_looks_like_an_option_is_a_revision() {
    let clone = Clone::new();
    let commit = clone.write("a", "1").commit("one");
    clone.git(&["update-ref", "refs/heads/--output=x", "HEAD"]);
    let repository = Repository::around(clone.path()).unwrap();
    assert_eq!(repository.commit("--output=x").unwrap().as_str(), commit);
    assert!(!clone.path().join("x").exists());
    for unknown in ["--all", "--git-dir", "nope", "", "HEAD:a", "-"] {
        let found = repository.commit(unknown);
        assert!(
            matches!(found, Err(GitError::UnknownRevision(_))),
            "{unknown}: {found:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn nothing_of_a_hostile_repository_is_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let clone = Clone::new();
    clone.write("portal/a.yaml", "one");
    clone.write(".gitattributes", "*.yaml filter=evil diff=evil\n");
    let id = clone.commit("one");
    let trap = clone.path().join("trap");
    fs::write(
        &trap,
        "#!/bin/sh\ntouch \"$(dirname \"$0\")/sprung\"\ncat\n",
    )
    .unwrap();
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).unwrap();
    let command = trap.to_str().unwrap();
    let hook = clone.path().join(".git/hooks/reference-transaction");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::copy(&trap, hook).unwrap();
    for setting in [
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "filter.evil.smudge",
        "filter.evil.clean",
        "diff.evil.textconv",
        "diff.external",
        "credential.helper",
        "alias.cat-file",
    ] {
        clone.git(&["config", setting, command]);
    }
    // A partial clone would fetch what it lacks, by a transport that runs a program.
    clone.git(&["config", "remote.origin.url", &format!("ext::{command}")]);
    clone.git(&["config", "remote.origin.promisor", "true"]);
    clone.git(&["config", "extensions.partialClone", "origin"]);
    clone.git(&["config", "protocol.ext.allow", "always"]);
    assert_eq!(clone.read(&id, "portal/a.yaml"), Ok(file("one")));
    let blob = clone.git(&["rev-parse", "HEAD:portal/a.yaml"]);
    fs::remove_file(
        clone
            .path()
            .join(".git/objects")
            .join(&blob[..2])
            .join(&blob[2..]),
    )
    .unwrap();
    let repository = Repository::around(clone.path()).unwrap();
    let commit = repository.commit("HEAD").unwrap();
    let mut objects = repository.objects(LIMITS).unwrap();
    assert!(objects.at(&commit, "portal").is_ok());
    let lacking = objects.contents(&[blob]);
    assert!(matches!(lacking, Err(GitError::Incomplete)), "{lacking:?}");
    assert!(!clone.path().join("sprung").exists());
}

#[test]
fn replaced_objects_do_not_count() {
    let clone = Clone::new();
    let one = clone.write("a", "one").commit("one");
    let two = clone.write("a", "two").commit("two");
    clone.git(&["replace", &two, &one]);
    assert_eq!(clone.read(&two, "a"), Ok(file("two")));
}

#[test]
fn sizes_are_bounded() {
    let clone = Clone::new();
    clone.write("large", &"x".repeat(5_000)).commit("one");
    let Ok(GitTree::File(content)) = clone.read("HEAD", "large") else {
        panic!("a file");
    };
    assert_eq!(content.len(), 1_025);
    let repository = Repository::around(clone.path()).unwrap();
    let commit = repository.commit("HEAD").unwrap();
    let limits = Limits {
        file: 1024,
        total: 1024,
    };
    let found = repository.objects(limits).unwrap().at(&commit, "large");
    assert!(matches!(found, Err(GitError::TooLarge(_))), "{found:?}");
}

#[test]
fn many_files_are_read_by_one_process() {
    let clone = Clone::new();
    for n in 0..10_000 {
        clone.write(&format!("portal/{}/{n}.yaml", n % 50), &format!("{n}"));
    }
    clone.commit("many");
    let repository = Repository::around(clone.path()).unwrap();
    let commit = repository.commit("HEAD").unwrap();
    let mut objects = repository.objects(LIMITS).unwrap();
    let Ok(GitTree::Folder(entries)) = objects.at(&commit, "portal") else {
        panic!("a folder");
    };
    assert_eq!(entries.len(), 10_000);
    let ids: Vec<String> = entries
        .values()
        .filter_map(|entry| match entry {
            GitEntry::File(id) => Some(id.clone()),
            GitEntry::Link(_) | GitEntry::Submodule => None,
        })
        .collect();
    let contents = objects.contents(&ids).unwrap();
    for (path, content) in entries.keys().zip(contents) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(content, stem.as_bytes());
    }
}

#[test]
fn outside_of_a_repository_there_is_no_revision() {
    let folder = tempfile::tempdir().unwrap();
    let found = Repository::around(folder.path());
    assert!(matches!(found, Err(GitError::NoRepository(_))), "{found:?}");
}
