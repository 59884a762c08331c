//! `--write FORMAT=FILE`: the result of one run in more formats, each in a file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::exit::Exit;
use super::ui::Ui;
use portalctl_model::codes::cli as codes;
use portalctl_model::text::escape;
use portalctl_platform::files;
use portalctl_report::text::Layout;

/// What a command that has several formats shares.
#[derive(Debug, Clone, Args)]
pub(super) struct AlsoArgs<F: ValueEnum + Send + Sync + 'static> {
    /// Also write the result to a file in one of the formats of -o; may be given more than once.
    #[arg(long = "write", value_name = "FORMAT=FILE", value_parser = parse::<F>)]
    files: Vec<Also<F>>,
}

/// One more format and its file.
#[derive(Debug, Clone)]
struct Also<F> {
    format: F,
    path: PathBuf,
}

fn parse<F: ValueEnum>(text: &str) -> Result<Also<F>, String> {
    let formats = || {
        let names: Vec<String> = F::value_variants().iter().filter_map(name).collect();
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
    Ok(Also { format, path })
}

/// A format as the command line spells it.
fn name<F: ValueEnum>(format: &F) -> Option<String> {
    let value = format.to_possible_value()?;
    Some(value.get_name().to_owned())
}

impl<F: ValueEnum + Send + Sync + 'static> AlsoArgs<F> {
    /// Whether anything is to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The formats.
    pub(super) fn formats(&self) -> impl Iterator<Item = &F> {
        self.files.iter().map(|also| &also.format)
    }

    /// Whether every file can be written, and is another one than those that the run writes anyway:
    /// asked before anything is done.
    pub(super) fn check(&self, taken: &[Option<&Path>]) -> Result<(), CliError> {
        let mut taken: BTreeSet<&Path> = taken.iter().copied().flatten().collect();
        for Also { path, .. } in &self.files {
            if !taken.insert(path) {
                let message = format!("two results cannot be written to {}", path.display());
                return Err(CliError::new(Exit::Usage, codes::USAGE, message));
            }
            files::check_writable(path)
                .map_err(|error| CliError::file(codes::FILE, "write", path, &error))?;
        }
        Ok(())
    }

    /// Writes a result in the format of `-o`, and to the files in theirs.
    ///
    /// What cannot be written keeps nothing else from being written.
    pub(super) fn tell(
        &self,
        output: &F,
        ui: &Ui,
        render: impl Fn(&F, &Layout) -> Result<String, CliError>,
    ) -> Result<(), CliError> {
        let told = render(output, &ui.layout()).and_then(|text| ui.data(&text));
        let layout = ui.file_layout();
        let written = self.write(|format| render(format, &layout).map(Some));
        all(told.err().into_iter().chain(written.err()))
    }

    /// Writes to the files why there is no result, in the formats that can say so.
    pub(super) fn fail(&self, document: impl Fn(&F) -> Option<String>) -> Result<(), CliError> {
        self.write(|format| Ok(document(format)))
    }

    fn write(
        &self,
        render: impl Fn(&F) -> Result<Option<String>, CliError>,
    ) -> Result<(), CliError> {
        let failed = self.files.iter().filter_map(|Also { format, path }| {
            let text = match render(format) {
                Ok(text) => text?,
                Err(error) => return Some(error),
            };
            let error = files::replace(path, text.as_bytes()).err()?;
            Some(CliError::output(&path.display(), &error))
        });
        all(failed)
    }
}

/// Several errors as one.
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
        let also = parse::<Format>("json=a=b.json").unwrap();
        assert_eq!(also.format, Format::Json);
        assert_eq!(also.path, Path::new("a=b.json"));
        for (text, why) in [
            ("json", "FORMAT=FILE is wanted, FORMAT one of text, json"),
            ("x\u{202e}=f", "there is no format `x\\u{202e}`: text, json"),
            ("JSON=f", "there is no format `JSON`: text, json"),
            ("json=", "FORMAT=FILE is wanted, FILE the path of a file"),
            ("json=-", "FORMAT=FILE is wanted, FILE the path of a file"),
        ] {
            assert_eq!(parse::<Format>(text).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn two_results_need_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let also = |name: &str| Also {
            format: Format::Json,
            path: folder.path().join(name),
        };
        let files = AlsoArgs {
            files: vec![also("a"), also("b")],
        };
        assert!(files.check(&[None]).is_ok());
        let taken = folder.path().join("b");
        let error = files.check(&[None, Some(&taken)]).unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        assert!(error.items[0].message.starts_with("two results"));
        // Looking leaves nothing behind.
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
