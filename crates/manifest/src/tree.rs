//! Folders that are not on the disk: those of a revision in a repository.
//!
//! Goes in: the paths of a folder and what stands at each. Comes out: the files to read, found by the
//! rules of folders on the disk, and the paths that cannot be read. Reads nothing itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::ops::Bound;
use std::path::{Component, Path, PathBuf};

use super::file_ending::{is_manifest, is_misspelt, name_may_declare};

/// The most files one folder may hold.
pub(super) const MAX_FILES: usize = 200_000;

/// The most links that lead to one file.
const MAX_LINKS: usize = 40;

/// Entry at one path of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEntry {
    /// A file.
    File,
    /// A symbolic link with its target.
    Link(PathBuf),
    /// Another repository inside this one; its files are not part of the tree.
    Submodule,
}

/// A file or folder of a manifest whose content the caller reads.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use std::path::PathBuf;
/// # use portalctl_manifest::{Input, Tree, TreeEntry, read};
/// let entries = BTreeMap::from([(PathBuf::from("acme.yaml"), TreeEntry::File)]);
/// let mut tree = Tree::folder("main:portal".into(), &entries);
/// assert_eq!(tree.files().count(), 1);
/// tree.fill("acme.yaml".into(), b"version: 1\norganizations: { acme: { name: Acme } }".to_vec());
/// assert!(read(&[Input::Tree(tree)]).desired.is_some());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tree {
    pub(super) name: PathBuf,
    pub(super) kind: TreeKind,
    pub(super) listing: TreeListing,
    contents: BTreeMap<PathBuf, Vec<u8>>,
}

/// Kind of the object that a tree was made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TreeKind {
    /// One file, read whatever its name is.
    File,
    /// A folder.
    #[default]
    Folder,
}

/// Paths of a tree, each as it is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct TreeListing {
    /// Files to read: their shown and their real paths, in the order of the shown ones.
    pub(super) files: Vec<(PathBuf, PathBuf)>,
    /// Links that lead out of the tree.
    pub(super) left: Vec<PathBuf>,
    /// Files whose names end almost like a manifest's.
    pub(super) misspelt: Vec<PathBuf>,
    /// Submodules.
    pub(super) submodules: Vec<PathBuf>,
    /// Links that lead nowhere.
    pub(super) broken: Vec<PathBuf>,
    /// True where there are more files than a folder may hold.
    pub(super) is_too_large: bool,
}

impl Tree {
    /// Creates a folder from the entries at its paths, which are relative to it.
    pub fn folder(name: PathBuf, entries: &BTreeMap<PathBuf, TreeEntry>) -> Self {
        let mut walk = Walk {
            entries,
            listing: TreeListing::default(),
            seen: BTreeSet::new(),
            steps: 0,
        };
        walk.folder(Path::new(""), Path::new(""), &mut Vec::new());
        let mut listing = walk.listing;
        let bytes = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
        listing.files.sort_by_key(|(shown, _)| bytes(shown));
        let mut seen = BTreeSet::new();
        listing.files.retain(|(_, real)| seen.insert(real.clone()));
        for paths in [
            &mut listing.left,
            &mut listing.misspelt,
            &mut listing.submodules,
            &mut listing.broken,
        ] {
            paths.sort();
        }
        Self {
            name,
            kind: TreeKind::Folder,
            listing,
            contents: BTreeMap::new(),
        }
    }

    /// Creates a single file with its content.
    pub fn file(name: PathBuf, content: Vec<u8>) -> Self {
        let path = PathBuf::new();
        Self {
            name,
            kind: TreeKind::File,
            listing: TreeListing {
                files: vec![(path.clone(), path.clone())],
                ..TreeListing::default()
            },
            contents: BTreeMap::from([(path, content)]),
        }
    }

    /// Returns the paths of the files whose content is wanted.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.listing.files.iter().map(|(_, real)| real.as_path())
    }

    /// Gives a file its content.
    pub fn fill(&mut self, path: PathBuf, content: Vec<u8>) {
        self.contents.insert(path, content);
    }

    /// Returns the content of a file, by its real path.
    pub(super) fn content(&self, real: &Path) -> Option<&[u8]> {
        self.contents.get(real).map(Vec::as_slice)
    }

    /// Returns a path of the tree as findings show it.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() {
            self.name.clone()
        } else {
            self.name.join(path)
        }
    }
}

/// End of a path whose links were followed.
enum Target {
    File(PathBuf),
    Folder(PathBuf),
    Submodule,
    Outside,
    Nothing,
}

fn follow(entries: &BTreeMap<PathBuf, TreeEntry>, path: &Path) -> Target {
    let Some(mut waiting) = parts(path) else {
        return Target::Outside;
    };
    let mut real = PathBuf::new();
    let mut links = 0;
    while let Some(part) = waiting.pop_front() {
        let Some(part) = part else {
            if !real.pop() {
                return Target::Outside;
            }
            continue;
        };
        real.push(part);
        match entries.get(&real) {
            Some(TreeEntry::Link(target)) => {
                links += 1;
                let (true, Some(target)) = (links <= MAX_LINKS, parts(target)) else {
                    return if links > MAX_LINKS {
                        Target::Nothing
                    } else {
                        Target::Outside
                    };
                };
                real.pop();
                for part in target.into_iter().rev() {
                    waiting.push_front(part);
                }
            }
            Some(TreeEntry::Submodule) => return Target::Submodule,
            Some(TreeEntry::File) if waiting.is_empty() => return Target::File(real),
            None if below(entries, &real).next().is_some() => {}
            Some(TreeEntry::File) | None => return Target::Nothing,
        }
    }
    Target::Folder(real)
}

/// Returns the names of a path, `None` for each `..`; nothing for an absolute path.
fn parts(path: &Path) -> Option<VecDeque<Option<OsString>>> {
    let mut parts = VecDeque::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push_back(Some(part.to_owned())),
            Component::ParentDir => parts.push_back(None),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}

/// Returns the entries below a folder.
fn below<'e>(
    entries: &'e BTreeMap<PathBuf, TreeEntry>,
    folder: &'e Path,
) -> impl Iterator<Item = (&'e PathBuf, &'e TreeEntry)> {
    let first = if folder.as_os_str().is_empty() {
        Bound::Unbounded
    } else {
        Bound::Excluded(folder)
    };
    entries
        .range::<Path, _>((first, Bound::Unbounded))
        .take_while(move |(path, _)| path.starts_with(folder))
}

struct Walk<'e> {
    entries: &'e BTreeMap<PathBuf, TreeEntry>,
    listing: TreeListing,
    /// Real folders that were listed through a link, each once.
    seen: BTreeSet<PathBuf>,
    steps: usize,
}

impl Walk<'_> {
    /// Lists a folder; `above` holds the real folders that the walk is in.
    fn folder(&mut self, shown: &Path, real: &Path, above: &mut Vec<PathBuf>) {
        above.push(real.to_owned());
        let entries = self.entries;
        for (path, entry) in below(entries, real) {
            self.steps += 1;
            if self.steps > MAX_FILES * 8 || self.listing.files.len() > MAX_FILES {
                self.listing.is_too_large = true;
                break;
            }
            let Ok(rest) = path.strip_prefix(real) else {
                continue;
            };
            if !is_hidden(rest) {
                self.entry(shown.join(rest), path, entry, above);
            }
        }
        above.pop();
    }

    fn entry(&mut self, shown: PathBuf, real: &Path, entry: &TreeEntry, above: &mut Vec<PathBuf>) {
        match entry {
            TreeEntry::File => self.file(shown, real.to_owned()),
            TreeEntry::Submodule => self.listing.submodules.push(shown),
            TreeEntry::Link(_) => match follow(self.entries, real) {
                Target::File(target) => self.file(shown, target),
                // A link to a folder above itself: its files are already on the list.
                Target::Folder(target) if above.contains(&target) => {}
                Target::Folder(target) => {
                    let is_new = self.seen.insert(target.clone());
                    if is_new {
                        self.folder(&shown, &target, above);
                    }
                }
                Target::Submodule => self.listing.submodules.push(shown),
                Target::Outside if name_may_declare(&shown) => self.listing.left.push(shown),
                Target::Nothing if name_may_declare(&shown) => self.listing.broken.push(shown),
                Target::Outside | Target::Nothing => {}
            },
        }
    }

    fn file(&mut self, shown: PathBuf, real: PathBuf) {
        if is_manifest(&shown) {
            self.listing.files.push((shown, real));
        } else if is_misspelt(&shown) {
            self.listing.misspelt.push(shown);
        }
    }
}

/// Returns whether a path has a hidden file or folder in it.
fn is_hidden(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, TreeEntry)]) -> Tree {
        let entries = entries
            .iter()
            .map(|(path, entry)| (PathBuf::from(path), entry.clone()));
        Tree::folder("main:portal".into(), &entries.collect())
    }

    fn link(target: &str) -> TreeEntry {
        TreeEntry::Link(target.into())
    }

    fn shown(tree: &Tree) -> Vec<String> {
        let files = tree.listing.files.iter();
        let texts = files.map(|(shown, real)| format!("{} = {}", shown.display(), real.display()));
        texts.collect()
    }

    #[test]
    fn files_are_found_as_on_the_disk() {
        let tree = tree(&[
            ("b.yaml", TreeEntry::File),
            ("a/x.YML", TreeEntry::File),
            ("a.json", TreeEntry::File),
            ("readme.md", TreeEntry::File),
            (".git.yaml", TreeEntry::File),
            (".hidden/x.yaml", TreeEntry::File),
            ("x.ymal", TreeEntry::File),
        ]);
        assert_eq!(
            shown(&tree),
            ["a.json = a.json", "a/x.YML = a/x.YML", "b.yaml = b.yaml"]
        );
        assert_eq!(tree.listing.misspelt, [PathBuf::from("x.ymal")]);
    }

    #[test]
    fn links_stay_in_the_tree() {
        let tree = tree(&[
            ("a.yaml", link("real/a.tpl")),
            ("real/a.tpl", TreeEntry::File),
            ("again.yaml", link("./a.yaml")),
            ("folder", link(".shared")),
            (".shared/s.yaml", TreeEntry::File),
            ("loop", link(".")),
            ("round.yaml", link("round.yaml")),
            ("out.yaml", link("../other.yaml")),
            ("absolute.yaml", link("/etc/passwd")),
            ("picture.png", link("../picture.png")),
            ("gone.yaml", link("nothing.yaml")),
            ("vendor", TreeEntry::Submodule),
            ("into.yaml", link("vendor/x.yaml")),
        ]);
        assert_eq!(
            shown(&tree),
            ["a.yaml = real/a.tpl", "folder/s.yaml = .shared/s.yaml"]
        );
        let paths = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|it| it.display().to_string()).collect()
        };
        let listing = &tree.listing;
        assert_eq!(paths(&listing.left), ["absolute.yaml", "out.yaml"]);
        assert_eq!(paths(&listing.broken), ["gone.yaml", "round.yaml"]);
        assert_eq!(paths(&listing.submodules), ["into.yaml", "vendor"]);
    }

    #[test]
    fn folders_that_link_to_each_other_are_listed_once() {
        let mut entries = vec![("d0/x.yaml".to_owned(), TreeEntry::File)];
        for depth in 0..30 {
            for name in ["left", "right"] {
                let target = format!("../d{}", depth + 1);
                entries.push((format!("d{depth}/{name}"), TreeEntry::Link(target.into())));
            }
        }
        let entries = entries
            .into_iter()
            .map(|(path, entry)| (PathBuf::from(path), entry));
        let tree = Tree::folder("main".into(), &entries.collect());
        assert!(!tree.listing.is_too_large);
        assert_eq!(tree.files().count(), 1);
    }
}
