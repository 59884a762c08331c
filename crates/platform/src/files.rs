//! Files that are there whole or not at all.
//!
//! What is written goes to another file of the same folder first, and takes its place once all of
//! it is on the disk: a kill at any moment leaves the old content or the new. Where a kill leaves
//! that other file too, the next who writes to the folder removes it. It knows the dead from the
//! living by a lock, which every writer holds on its own and the system takes from who dies.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// Prefix of the names of unfinished files: hidden, so that no manifest is read from one.
const PREFIX: &str = ".portalctl-";
const SUFFIX: &str = ".unfinished";

/// Most times that a writer begins again because its temporary file was swept away.
const ATTEMPTS: usize = 8;

/// Writes a file, in the place of the one that is there, if any; only its owner can read it.
///
/// A link stays, and what it leads to is replaced. A pipe or a device, as `/dev/stdout` is, cannot
/// be replaced: it is written into.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if is_pipe_or_device(path) {
        return OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(content);
    }
    let path = behind_links(path);
    let folder = folder_of(&path);
    // Said of the folder itself; of the new file it would name what nobody has heard of.
    fs::read_dir(folder)?;
    sweep(folder);
    let file = written(&Builder::new(), folder, content)?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Writes a file that is not there yet; one that is there stays as it is.
///
/// Like any file that a program makes for people: readable by whom the umask allows. Who writes
/// many [sweeps](sweep) the folder once before.
pub fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut builder = Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let file = written(&builder, folder_of(path), content)?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

/// Checks that a file can be written by [`replace`]; leaves nothing behind.
pub fn check_writable(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // To open a pipe is to wait for its reader, and to close it is to end it.
    if is_pipe_or_device(path) {
        return Ok(());
    }
    let path = behind_links(path);
    let folder = folder_of(&path);
    fs::read_dir(folder)?;
    // Without a name, where the system can: a kill leaves nothing to sweep.
    tempfile::tempfile_in(folder).map(drop)
}

/// Locks a file for this process until the returned lock is dropped; of kind
/// [`WouldBlock`](io::ErrorKind::WouldBlock) where another process holds it.
///
/// The lock is a file of its own with `.lock` behind the name, because [`replace`] replaces the
/// file itself. It stays; the system releases it when the process ends in any way.
pub fn lock(path: &Path) -> io::Result<File> {
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock_path(path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Returns the path of the file by which another one is [locked](lock).
pub fn lock_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(".lock");
    name.into()
}

/// Removes what killed writers have left in a folder. What cannot be removed does no harm.
pub fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            remove_unless_held(&entry.path());
        }
    }
}

fn remove_unless_held(path: &Path) {
    if let Ok(file) = File::open(path)
        && file.try_lock().is_ok()
    {
        // Whoever began it after all sees that it is gone, and begins another.
        let _ = fs::remove_file(path);
    }
}

/// A file with this content on the disk, not in its place yet.
fn written(builder: &Builder<'_, '_>, folder: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = begun(builder, folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// A new file that nobody sweeps while it is held.
fn begun(builder: &Builder<'_, '_>, folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = builder.clone();
    builder.prefix(PREFIX).suffix(SUFFIX);
    for _ in 0..ATTEMPTS {
        let file = builder.tempfile_in(folder)?;
        // Where the system has no locks, nobody sweeps.
        let is_ours = !matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock));
        if is_ours && file.path().exists() {
            return Ok(file);
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// Resolves a link to an existing target; returns any other path as it is.
fn behind_links(path: &Path) -> Cow<'_, Path> {
    fs::canonicalize(path).map_or(Cow::Borrowed(path), Cow::Owned)
}

fn is_pipe_or_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_writer_left_is_removed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".portalctl-dead.unfinished"), "ha").unwrap();
        fs::write(folder.path().join(".portalctl-other"), "mine").unwrap();
        replace(&folder.path().join("plan.json"), b"new").unwrap();
        assert_eq!(names(folder.path()), [".portalctl-other", "plan.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("link"), folder.path().join("plan.json"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("plan.json", &link).unwrap();
        check_writable(&link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_is_written_into_and_stays() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        check_writable(&pipe).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        replace(&pipe, b"a plan").unwrap();
        assert_eq!(reader.join().unwrap(), b"a plan");
        assert_eq!(names(folder.path()), ["pipe"]);
    }

    #[test]
    fn what_somebody_is_writing_is_not_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        let other = written(&Builder::new(), folder.path(), b"theirs").unwrap();
        replace(&path, b"ours").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        other.persist(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(names(folder.path()), ["plan.json"]);
    }

    #[test]
    fn writers_that_sweep_at_the_same_time_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = folder.path().join(format!("{}.json", writer % 2));
                scope.spawn(move || {
                    for _ in 0..25 {
                        replace(&path, b"whole").unwrap();
                    }
                });
            }
        });
        assert_eq!(names(folder.path()), ["0.json", "1.json"]);
    }

    #[test]
    fn a_lock_is_held_by_one_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("position.json");
        let held = lock(&path).unwrap();
        let error = lock(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        replace(&path, b"new").unwrap();
        drop(held);
        lock(&path).unwrap();
        assert_eq!(
            names(folder.path()),
            ["position.json", "position.json.lock"]
        );
    }

    #[test]
    fn a_file_that_is_there_is_not_created_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.yaml");
        create(&path, b"first").unwrap();
        let error = create(&path, b"second").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["acme.yaml"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_takes_a_place_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace(&path, b"new").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn looking_whether_a_file_can_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        check_writable(&folder.path().join("plan.json")).unwrap();
        assert!(check_writable(folder.path()).is_err());
        assert!(check_writable(&folder.path().join("nowhere/plan.json")).is_err());
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}
