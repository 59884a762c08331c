//! `--write FORMAT=FILE`: the result of one run in more formats, each in a file.
//!
//! Takes the format of `-o` and those of the files. Writes one result to all of them; an output that
//! cannot be written keeps no other from being written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::exit::Exit;
use super::format_name;
use super::ui::Ui;
use portalctl_model::codes::cli as codes;
use portalctl_model::inert;
use portalctl_model::text::escape;
use portalctl_platform::files;
use portalctl_report::text::Layout;

/// Arguments of commands with several formats.
#[derive(Debug, Clone, Args)]
pub(super) struct ExtraOutputArgs<F: ValueEnum + Send + Sync + 'static> {
    /// Also write the result to a file in one of the formats of -o; may be given more than once.
    #[arg(long = "write", value_name = "FORMAT=FILE", value_parser = parse::<F>)]
    files: Vec<ExtraOutput<F>>,
}

/// One more format and its file.
#[derive(Debug, Clone)]
pub(super) struct ExtraOutput<F> {
    format: F,
    path: PathBuf,
}

fn parse<F: ValueEnum>(text: &str) -> Result<ExtraOutput<F>, String> {
    let formats = || {
        let names: Vec<String> = F::value_variants().iter().filter_map(format_name).collect();
        names.join(", ")
    };
    let (format, path) = text
        .split_once('=')
        .ok_or_else(|| format!("FORMAT=FILE is wanted, FORMAT one of {}", formats()))?;
    let format = F::from_str(format, false).map_err(|_| {
        let format = escape(format);
        format!("there is no format `{format}`: {}", formats())
    })?;
    if path.is_empty() || path == "-" {
        return Err("FORMAT=FILE is wanted, FILE the path of a file".to_owned());
    }
    let path = PathBuf::from(path);
    Ok(ExtraOutput { format, path })
}

impl<F: ValueEnum + Send + Sync + 'static> ExtraOutputArgs<F> {
    /// Returns the formats by their names, for the documents of a failure.
    pub(super) fn named(&self) -> Vec<ExtraOutput<String>> {
        let named = self
            .files
            .iter()
            .filter_map(|ExtraOutput { format, path }| {
                Some(ExtraOutput {
                    format: format_name(format)?,
                    path: path.clone(),
                })
            });
        named.collect()
    }

    /// Returns all outputs of a result: the format of `-o`, and those of the files.
    pub(super) fn beside(&self, output: F) -> ResultOutputs<F> {
        ResultOutputs {
            output,
            files: self.files.clone(),
        }
    }
}

/// All outputs of a result.
#[derive(Debug, Clone)]
pub(super) struct ResultOutputs<F> {
    output: F,
    files: Vec<ExtraOutput<F>>,
}

impl<F> ResultOutputs<F> {
    /// Returns the format of `-o`.
    pub(super) const fn output(&self) -> &F {
        &self.output
    }

    /// Returns whether there are files besides.
    pub(super) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Returns all formats.
    pub(super) fn formats(&self) -> impl Iterator<Item = &F> {
        let files = self.files.iter().map(|extra| &extra.format);
        files.chain([&self.output])
    }

    /// Writes a result in the format of `-o`, and to the files in theirs.
    ///
    /// An output that cannot be written keeps no other from being written.
    pub(super) fn write(
        &self,
        ui: &Ui,
        render: impl Fn(&F, &Layout) -> Result<String, CliError>,
    ) -> Result<(), CliError> {
        let told = render(&self.output, &ui.layout()).and_then(|text| ui.data(&text));
        let layout = ui.file_layout();
        let written = write(&self.files, |format| render(format, &layout).map(Some));
        all(told.err().into_iter().chain(written.err()))
    }
}

/// Checks that every file can be written, and is another one than those that the run reads or writes
/// anyway, before anything is done.
pub(super) fn check<F>(files: &[ExtraOutput<F>], taken: &[Option<&Path>]) -> Result<(), CliError> {
    let mut taken: BTreeSet<&Path> = taken.iter().copied().flatten().collect();
    for ExtraOutput { path, .. } in files {
        if !taken.insert(path) {
            let message = format!("two results cannot be written to {}", path.display());
            return Err(CliError::new(Exit::Usage, codes::USAGE, message));
        }
        files::check_writable(path)
            .map_err(|error| CliError::file(codes::FILE, "write", path, &error))?;
    }
    Ok(())
}

/// Writes texts to files, in the formats that have one.
pub(super) fn write<F>(
    files: &[ExtraOutput<F>],
    render: impl Fn(&F) -> Result<Option<String>, CliError>,
) -> Result<(), CliError> {
    let failed = files.iter().filter_map(|ExtraOutput { format, path }| {
        let text = match render(format) {
            Ok(text) => text?,
            Err(error) => return Some(error),
        };
        let error = files::replace(path, inert::output(&text).as_bytes()).err()?;
        Some(CliError::output(&path.display(), &error))
    });
    all(failed)
}

/// Returns several errors as one.
fn all(errors: impl Iterator<Item = CliError>) -> Result<(), CliError> {
    errors
        .reduce(|mut all, error| {
            all.exit = all.exit.or_worse(error.exit);
            all.items.extend(error.items);
            all
        })
        .map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;

    #[test]
    fn a_format_and_a_file_are_wanted() {
        let extra = parse::<Format>("json=a=b.json").unwrap();
        assert_eq!(extra.format, Format::Json);
        assert_eq!(extra.path, Path::new("a=b.json"));
        for (text, why) in [
            (
                "json",
                "FORMAT=FILE is wanted, FORMAT one of text, json, yaml",
            ),
            (
                "x\u{202e}=f",
                "there is no format `x\\u{202e}`: text, json, yaml",
            ),
            ("JSON=f", "there is no format `JSON`: text, json, yaml"),
            ("json=", "FORMAT=FILE is wanted, FILE the path of a file"),
            ("json=-", "FORMAT=FILE is wanted, FILE the path of a file"),
        ] {
            assert_eq!(parse::<Format>(text).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn two_results_need_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let extra = |name: &str| ExtraOutput {
            format: Format::Json,
            path: folder.path().join(name),
        };
        let files = [extra("a"), extra("b")];
        assert!(check(&files, &[None]).is_ok());
        let taken = folder.path().join("b");
        let error = check(&files, &[None, Some(&taken)]).unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        assert!(error.items[0].message.starts_with("two results"));
        // Looking leaves nothing behind.
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
