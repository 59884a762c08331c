//! Folders of a revision: every path below one, and the content of files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use data_encoding::HEXLOWER;

use super::objects::{Object, ObjectKind, Objects};
use super::{Commit, GitError};

/// The most paths that one folder of a revision may have.
const MAX_PATHS: usize = 1_000_000;

/// A path of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitTree {
    /// There is nothing at the path.
    Nothing,
    /// A file with its content.
    File(Vec<u8>),
    /// A folder with every path below it.
    Folder(BTreeMap<PathBuf, GitEntry>),
}

/// Entry at one path of a folder, with the name of its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitEntry {
    /// A file.
    File(String),
    /// A symbolic link with its target.
    Link(PathBuf),
    /// Another repository.
    Submodule,
}

/// Mode of an entry, as folders of git have it.
const FOLDER: &[u8] = b"40000";
const LINK: &[u8] = b"120000";
const SUBMODULE: &[u8] = b"160000";

/// Record of a folder.
struct Record {
    mode: Vec<u8>,
    name: PathBuf,
    id: String,
}

impl Objects {
    /// Finds what stands at a path of a commit; links of the repository are followed.
    ///
    /// # Errors
    ///
    /// Fails where git does, and where the folder is larger than what is read.
    pub fn at(&mut self, commit: &Commit, path: &str) -> Result<GitTree, GitError> {
        if path.contains('\n') {
            return Err(GitError::UnusablePath);
        }
        let name = format!("{}:{path}", commit.as_str());
        let found = self.read(&[name])?.pop().flatten();
        match found {
            None => Ok(GitTree::Nothing),
            Some(Object {
                kind: ObjectKind::File,
                content,
                ..
            }) => Ok(GitTree::File(content)),
            Some(folder) => Ok(GitTree::Folder(self.folder(folder)?)),
        }
    }

    /// Reads the content of files, by the names of their objects.
    ///
    /// # Errors
    ///
    /// Fails where git does, and where this clone lacks one.
    pub fn contents(&mut self, ids: &[String]) -> Result<Vec<Vec<u8>>, GitError> {
        let objects = self.read(ids)?;
        let contents = objects
            .into_iter()
            .map(|object| object.map(|object| object.content));
        contents
            .map(|content| content.ok_or(GitError::Incomplete))
            .collect()
    }

    /// Lists every path below a folder, one level of folders after the other.
    fn folder(&mut self, top: Object) -> Result<BTreeMap<PathBuf, GitEntry>, GitError> {
        let mut entries = BTreeMap::new();
        let mut links: Vec<(PathBuf, String)> = Vec::new();
        let mut level = vec![(PathBuf::new(), top)];
        let mut count = 0_usize;
        while !level.is_empty() {
            let mut folders: Vec<(PathBuf, String)> = Vec::new();
            for (path, folder) in level {
                for Record { mode, name, id } in records(&folder)? {
                    count += 1;
                    if count > MAX_PATHS {
                        return Err(GitError::TooLarge("it has too many files"));
                    }
                    let path = path.join(name);
                    match mode.as_slice() {
                        FOLDER => folders.push((path, id)),
                        LINK => links.push((path, id)),
                        SUBMODULE => drop(entries.insert(path, GitEntry::Submodule)),
                        _ => drop(entries.insert(path, GitEntry::File(id))),
                    }
                }
            }
            let (paths, ids): (Vec<_>, Vec<_>) = folders.into_iter().unzip();
            let objects: Option<Vec<Object>> = self.read(&ids)?.into_iter().collect();
            let objects = objects.ok_or(GitError::Incomplete)?;
            level = paths.into_iter().zip(objects).collect();
        }
        let (paths, ids): (Vec<_>, Vec<_>) = links.into_iter().unzip();
        for (path, target) in paths.into_iter().zip(self.contents(&ids)?) {
            entries.insert(path, GitEntry::Link(path_of(target)));
        }
        Ok(entries)
    }
}

/// Reads the records of a folder: `MODE NAME`, a NUL, and the name of the object in bytes.
fn records(folder: &Object) -> Result<Vec<Record>, GitError> {
    if folder.kind != ObjectKind::Folder {
        return Err(GitError::InvalidAnswer);
    }
    let id_length = folder.id.len() / 2;
    let mut rest = folder.content.as_slice();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let record = record(&mut rest, id_length).ok_or(GitError::InvalidAnswer)?;
        records.push(record);
    }
    Ok(records)
}

fn record(rest: &mut &[u8], id_length: usize) -> Option<Record> {
    let space = rest.iter().position(|byte| *byte == b' ')?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let name = rest.get(space + 1..end)?;
    // Git refuses such names when it writes a folder; a hostile one may have them.
    let is_plain = !name.is_empty() && !name.contains(&b'/') && name != b"." && name != b"..";
    let id = rest.get(end + 1..end + 1 + id_length)?;
    let record = Record {
        mode: rest.get(..space)?.to_vec(),
        name: path_of(name.to_vec()),
        id: HEXLOWER.encode(id),
    };
    *rest = rest.get(end + 1 + id_length..)?;
    is_plain.then_some(record)
}

/// Returns the bytes of a path as this system writes paths.
#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// Returns the bytes of a path as this system writes paths.
#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(content: &[u8]) -> Object {
        Object {
            id: "0".repeat(40),
            kind: ObjectKind::Folder,
            content: content.to_vec(),
        }
    }

    #[test]
    fn records_of_a_folder_are_read_whole_or_refused() {
        let good = [b"100644 a.yaml\0".as_slice(), &[7; 20]].concat();
        let read = records(&folder(&good)).unwrap();
        assert_eq!(read[0].name, PathBuf::from("a.yaml"));
        assert_eq!(read[0].id, "07".repeat(20));
        for name in ["..", ".", "", "a/b"] {
            let bad = [format!("100644 {name}\0").as_bytes(), &[7; 20]].concat();
            assert!(records(&folder(&bad)).is_err(), "{name}");
        }
        for cut in 1..good.len() {
            assert!(records(&folder(&good[..cut])).is_err(), "{cut}");
        }
    }
}
