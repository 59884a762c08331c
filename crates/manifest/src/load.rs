//! Reading the files of a manifest into trees of values with places.
//!
//! Goes in: the inputs that the user named. Comes out: [`Loaded`], the files' texts, their YAML
//! documents, and the problems of files and YAML. The meaning of the documents is `check`'s.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::diagnostic::{Diagnostics, Finding, Findings};
use super::find::{self, Content, Found, Origin, Shelf, display};
use super::input::Input;
use super::inspect;
use super::node::Node;
use super::source::{FileId, Positions, Sources, Spot};
use super::yaml;
use portalctl_model::codes::{Code, manifest as codes};

/// The largest file that is read. A hundred thousand organizations take about 21 MB.
const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;
/// The most that all files of a manifest may hold together.
const MAX_TOTAL_BYTES: usize = 256 * 1024 * 1024;
/// The most values one file may hold, which bounds the memory that hostile YAML can take.
const MAX_FILE_NODES: usize = 3_000_000;
/// The most values all files may hold together. An organization takes 20 to 30.
const MAX_TOTAL_NODES: usize = 30_000_000;
/// The largest file that is parsed beside others. Larger ones, and those with aliases, take turns,
/// so that the number of processors does not multiply the memory.
const MAX_PARALLEL_BYTES: usize = 256 * 1024;

/// The most findings kept of one file before its meaning is looked at.
const MAX_FILE_FINDINGS: usize = 1_000;

/// The files of a manifest as they are, not yet checked.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The files' names and texts.
    pub sources: Sources,
    pub(super) documents: Vec<Document>,
    pub(super) findings: Findings,
    /// Set when every file could be read; otherwise nothing is reported as missing.
    pub(super) complete: bool,
    /// Paths that were not read, sorted.
    pub(super) skipped: Vec<String>,
}

impl Loaded {
    /// Returns the problems of the files and of their YAML.
    pub fn diagnostics(&self) -> Diagnostics {
        self.findings.clone().finish(&self.sources)
    }
}

/// One YAML document.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) file: FileId,
    pub(super) shelf: Shelf,
    pub(super) root: Node,
}

/// Result of reading one file.
struct Outcome {
    text: String,
    documents: Vec<Node>,
    findings: Findings,
    failed: bool,
    skipped: Option<String>,
}

/// Finds, reads and parses the files of a manifest.
pub fn load(inputs: &[Input]) -> Loaded {
    let mut findings = Findings::default();
    let (found, mut skipped) = find::find(inputs, &mut findings);
    let mut complete = !findings.has_errors() && skipped.is_empty();
    let mut sources = Sources::default();
    let ids: Vec<FileId> = found
        .iter()
        .map(|file| sources.reserve(Arc::clone(&file.name)))
        .collect();

    let mut documents = Vec::new();
    let outcomes = if fit_together(&found) {
        let allowance = Allowance::new(MAX_TOTAL_BYTES, MAX_TOTAL_NODES);
        read_all(&found, &ids, &allowance)
    } else {
        findings.push(total_too_large());
        complete = false;
        Vec::new()
    };
    for ((file, origin), outcome) in ids.iter().zip(&found).zip(outcomes) {
        let Outcome {
            text,
            documents: roots,
            findings: more,
            failed,
            skipped: unreadable,
        } = outcome;
        skipped.extend(unreadable);
        sources.fill(*file, text);
        findings.append(more);
        complete &= !failed;
        documents.extend(roots.into_iter().map(|root| Document {
            file: *file,
            shelf: origin.shelf,
            root,
        }));
    }
    skipped.sort();
    Loaded {
        sources,
        documents,
        findings,
        complete,
        skipped,
    }
}

/// Returns whether the files say that they fit into one manifest. Otherwise none of them is read.
fn fit_together(found: &[Found<'_>]) -> bool {
    let bytes = found.iter().map(|file| expected_bytes(&file.content));
    bytes.fold(0, usize::saturating_add) <= MAX_TOTAL_BYTES
}

/// Bytes and values that all files together may still use; shared by the threads that read.
struct Allowance {
    bytes: AtomicUsize,
    nodes: AtomicUsize,
    /// Held while a file is parsed that may take much memory.
    turn: Mutex<()>,
}

impl Allowance {
    const fn new(bytes: usize, nodes: usize) -> Self {
        Self {
            bytes: AtomicUsize::new(bytes),
            nodes: AtomicUsize::new(nodes),
            turn: Mutex::new(()),
        }
    }

    /// Takes a file's bytes, if there is room for them.
    fn take_bytes(&self, bytes: usize) -> Result<(), Finding> {
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let taken = self
            .bytes
            .try_update(set, fetch, |left| left.checked_sub(bytes));
        taken.map(drop).map_err(|_| total_too_large())
    }

    /// Waits for the turn of a file that may take much memory.
    fn turn(&self, text: &str) -> Option<MutexGuard<'_, ()>> {
        let is_heavy = text.len() > MAX_PARALLEL_BYTES || text.contains('*');
        is_heavy.then(|| self.turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the number of values that the next file may hold.
    fn nodes_of_a_file(&self) -> usize {
        self.nodes.load(Ordering::Relaxed).clamp(1, MAX_FILE_NODES)
    }

    fn take_nodes(&self, nodes: usize) {
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.nodes
            .update(set, fetch, |left| left.saturating_sub(nodes));
    }
}

/// Reads the files on all processors; the order of the results is the order of the files.
fn read_all(found: &[Found<'_>], ids: &[FileId], allowance: &Allowance) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(file), Some(id)) = (found.get(index), ids.get(index)) else {
                return done;
            };
            done.push((index, read_one(file, *id, allowance)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut outcomes: Vec<(usize, Outcome)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(found.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let mut outcomes = work();
        for other in others {
            match other.join() {
                Ok(more) => outcomes.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcomes
    });
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn read_one(found: &Found<'_>, file: FileId, allowance: &Allowance) -> Outcome {
    let mut outcome = Outcome {
        text: String::new(),
        documents: Vec::new(),
        findings: Findings::with_limit(MAX_FILE_FINDINGS),
        failed: false,
        skipped: None,
    };
    // A named file has to be there; a file of a folder is left out with a warning.
    if let (Content::File(path), Origin::Folder) = (&found.content, found.origin)
        && let Err(error) = File::open(path).and_then(|file| file.metadata())
    {
        let (finding, skipped) = find::skip_unreadable(path, &error);
        outcome.failed = true;
        outcome.findings.push(finding);
        outcome.skipped = Some(skipped);
        return outcome;
    }
    if let Err(finding) = read_into(&mut outcome, found, file, allowance) {
        outcome.failed = true;
        outcome.findings.push(finding);
    }
    outcome
}

/// Fills an outcome step by step, so that a failure keeps what was found before it.
fn read_into(
    outcome: &mut Outcome,
    found: &Found<'_>,
    file: FileId,
    allowance: &Allowance,
) -> Result<(), Finding> {
    // Taken before anything is read: threads read at the same time.
    let expected = expected_bytes(&found.content);
    allowance.take_bytes(expected)?;
    let bytes = bytes_of(&found.content, file)?;
    allowance.take_bytes(bytes.len().saturating_sub(expected))?;
    let (text, flaw) = text_of(bytes, file);
    outcome.text = text;
    let text = outcome.text.as_str();
    inspect::secrets(text, file, &mut outcome.findings);
    if let Some(flaw) = flaw {
        return Err(flaw);
    }
    let _turn = allowance.turn(text);
    outcome.documents = yaml::parse(text, file, allowance.nodes_of_a_file())?;
    let mut nodes = 0;
    for document in &outcome.documents {
        nodes += inspect::tree(document, text, file, &mut outcome.findings);
    }
    allowance.take_nodes(nodes);
    Ok(())
}

/// Returns the number of bytes that a file says it holds; 0 where it is not read.
fn expected_bytes(content: &Content<'_>) -> usize {
    let bytes = match content {
        Content::Bytes(bytes) => bytes.len(),
        Content::File(path) => {
            let size = path.metadata().map_or(0, |metadata| metadata.len());
            usize::try_from(size).unwrap_or(usize::MAX)
        }
    };
    if fits(bytes) { bytes } else { 0 }
}

fn bytes_of(content: &Content<'_>, file: FileId) -> Result<Vec<u8>, Finding> {
    let bytes = match content {
        Content::Bytes(bytes) => fits(bytes.len()).then(|| bytes.to_vec()),
        Content::File(path) => read_bounded(path).map_err(|error| {
            whole_file(
                codes::UNREADABLE,
                file,
                format!("cannot read `{}`: {error}", display(path)),
                "check the permissions of the file",
            )
        })?,
    };
    bytes.filter(|bytes| fits(bytes.len())).ok_or_else(|| {
        whole_file(
            codes::TOO_LARGE,
            file,
            format!("the file is larger than {} MiB", MAX_FILE_BYTES >> 20),
            "split it; all files of a folder make one manifest",
        )
    })
}

fn fits(bytes: usize) -> bool {
    bytes as u64 <= MAX_FILE_BYTES
}

/// Reads a file; `None` when it says that it is too large, so that it is not read at all.
///
/// What does not say so (a pipe, a file that grows) is read one byte too far at most.
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > MAX_FILE_BYTES {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn total_too_large() -> Finding {
    Finding::error(
        codes::TOO_LARGE,
        format!(
            "the files of this manifest hold more than {} MiB together",
            MAX_TOTAL_BYTES >> 20
        ),
    )
    .help("split the manifest; each part can be planned by itself")
}

/// Returns the text of a file as far as it is valid, and the first flaw.
fn text_of(mut bytes: Vec<u8>, file: FileId) -> (String, Option<Finding>) {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if utf16 {
        let finding = whole_file(
            codes::WRONG_ENCODING,
            file,
            "the file is UTF-16, not UTF-8",
            "save it as UTF-8; in PowerShell: Out-File -Encoding utf8",
        );
        return (String::new(), Some(finding));
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        bytes.drain(..3);
    }
    match String::from_utf8(bytes) {
        Ok(text) => {
            let flaw = control_character(&text, file);
            (text, flaw)
        }
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(good);
            let text = String::from_utf8(bytes).expect("the text is valid up to there");
            let (line, column) = Positions::new(&text).at(text.len());
            let spot = Spot {
                file,
                line,
                column,
                length: 1,
            };
            let finding = Finding::error(
                codes::WRONG_ENCODING,
                "the text is not valid UTF-8 from here on",
            )
            .at(spot)
            .help("save the file as UTF-8");
            (text, Some(finding))
        }
    }
}

/// YAML allows no control characters but tab and line breaks, not even in comments.
fn control_character(text: &str, file: FileId) -> Option<Finding> {
    let is_bad = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    let (offset, character) = text.char_indices().find(|(_, c)| is_bad(*c))?;
    let (line, column) = Positions::new(text).at(offset);
    let spot = Spot {
        file,
        line,
        column,
        length: 1,
    };
    let name = match character {
        '\0' => "a NUL character".to_owned(),
        other => format!("the control character {}", other.escape_unicode()),
    };
    Some(
        Finding::error(codes::CONTROL_CHARACTER, format!("the file holds {name}"))
            .at(spot)
            .help("remove it; YAML is plain text"),
    )
}

/// An error about a file as a whole.
fn whole_file(code: Code, file: FileId, message: impl Into<String>, help: &str) -> Finding {
    Finding::error(code, message)
        .at(Spot::whole(file))
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns which of three equal files are read within so many bytes and values.
    fn read(bytes: usize, nodes: usize) -> Vec<bool> {
        let inputs =
            [0; 3].map(|_| Input::Stdin(b"organizations: { acme: { name: Acme } }".to_vec()));
        let mut findings = Findings::default();
        let (found, _) = find::find(&inputs, &mut findings);
        let mut sources = Sources::default();
        let ids: Vec<FileId> = found
            .iter()
            .map(|file| sources.reserve(Arc::clone(&file.name)))
            .collect();
        let mut read: Vec<bool> = read_all(&found, &ids, &Allowance::new(bytes, nodes))
            .iter()
            .map(|outcome| !outcome.failed)
            .collect();
        // Which of them is the last hangs on the threads.
        read.sort_unstable();
        read
    }

    #[test]
    fn all_files_together_are_bounded() {
        let (bytes, nodes) = (3 * 39, 3 * 7);
        assert_eq!(read(bytes, nodes), [true; 3]);
        assert_eq!(read(bytes - 1, nodes), [false, true, true]);
        assert_eq!(read(bytes, 0), [false; 3]);
    }

    #[test]
    fn files_that_may_take_much_memory_take_turns() {
        let allowance = Allowance::new(0, 0);
        for heavy in ["a: &a [1]\nb: *a\n", &"a".repeat(MAX_PARALLEL_BYTES + 1)] {
            let turn = allowance.turn(heavy);
            assert!(turn.is_some() && allowance.turn.try_lock().is_err());
        }
        assert!(allowance.turn("organizations: {}\n").is_none());
    }

    #[test]
    fn bytes_are_taken_before_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portal.yaml");
        std::fs::write(&file, "organizations: {}\n").unwrap();
        assert_eq!(expected_bytes(&Content::File(file.clone())), 18);
        // What is not read takes nothing.
        let large = File::options().write(true).open(&file).unwrap();
        large.set_len(MAX_FILE_BYTES + 1).unwrap();
        assert_eq!(expected_bytes(&Content::File(file)), 0);
    }

    #[test]
    fn of_thirty_files_of_thirty_mebibytes_nothing_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..30 {
            let file = File::create(folder.path().join(format!("{number}.yaml"))).unwrap();
            file.set_len(30 * 1024 * 1024).unwrap();
        }
        let loaded = load(&[Input::Path(folder.path().to_owned())]);
        assert!(loaded.documents.is_empty() && !loaded.complete);
        let found = loaded.diagnostics();
        let codes: Vec<_> = found.iter().map(|found| found.code).collect();
        assert_eq!(codes, [codes::TOO_LARGE]);
    }

    #[test]
    fn the_values_of_one_file_are_missing_to_the_next() {
        let allowance = Allowance::new(0, MAX_FILE_NODES + 7);
        assert_eq!(allowance.nodes_of_a_file(), MAX_FILE_NODES);
        allowance.take_nodes(MAX_FILE_NODES);
        assert_eq!(allowance.nodes_of_a_file(), 7);
        allowance.take_nodes(8);
        assert_eq!(allowance.nodes_of_a_file(), 1);
    }
}
