//! CSV tables for spreadsheets and scripts, quoted by RFC 4180, in UTF-8.
//!
//! Spreadsheets evaluate a cell that begins with a sign such as `=`. Such cells get an apostrophe in
//! front, which spreadsheets show as text. Where a comma is the decimal sign, they also begin a new
//! cell after every semicolon, so the apostrophe stands there too. Lines end in LF alone, which scripts
//! expect and every spreadsheet reads.

use std::collections::BTreeMap;

use csv::WriterBuilder;

use super::StatusReport;
use super::view::InvitationStateName;
use portalctl_model::inert;
use portalctl_model::mark::InvitationMark;
use portalctl_model::text::escape;
use portalctl_model::{OrgKey, OrganizationId};

/// Error of a table that could not be written.
pub use csv::Error as Unwritten;

/// First characters of a cell that spreadsheets evaluate as a formula.
///
/// East Asian spreadsheets take the full-width forms for the signs themselves.
const FORMULA: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// Columns of a status.
pub const STATUS_COLUMNS: [&str; 11] = [
    "key",
    "name",
    "organization_id",
    "intent",
    "state",
    "since",
    "turn",
    "reason",
    "next_step",
    "invitation",
    "invitation_at",
];
/// Columns of the ids.
pub const IDS_COLUMNS: [&str; 2] = ["key", "organization_id"];

/// Part of a table that is written.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Columns in their order; all of them where none is named.
    pub columns: Vec<String>,
    /// Set where the first row, with the names of the columns, is left out.
    pub without_header: bool,
}

impl Choice {
    /// Returns the chosen part of the rows of a table, the first of which names its columns.
    fn of<const N: usize>(&self, rows: &[[String; N]]) -> Vec<Vec<String>> {
        let Some(names) = rows.first() else {
            return Vec::new();
        };
        let columns: Vec<usize> = if self.columns.is_empty() {
            (0..N).collect()
        } else {
            let place = |column| names.iter().position(|name| name == column);
            self.columns.iter().filter_map(place).collect()
        };
        let rows = rows.iter().skip(usize::from(self.without_header));
        rows.map(|row| columns.iter().map(|at| row[*at].clone()).collect())
            .collect()
    }
}

/// Renders one row for each organization and intent.
pub fn status(report: &StatusReport<'_>, choice: &Choice) -> Result<String, Unwritten> {
    let mut rows = vec![STATUS_COLUMNS.map(str::to_owned)];
    for organization in &report.readiness.organizations {
        let id = organization.organization_id.as_ref();
        let invitation = organization.invitation.as_ref().map(|it| &it.mark);
        let at = invitation.and_then(InvitationMark::time);
        for intent in &organization.intents {
            rows.push([
                organization.key.to_string(),
                organization.name.clone().unwrap_or_default(),
                id.map(ToString::to_string).unwrap_or_default(),
                intent.intent.to_string(),
                intent.state.to_string(),
                intent.since.map(|t| t.to_string()).unwrap_or_default(),
                intent.turn.to_string(),
                intent.reason.clone(),
                intent.next_step.clone().unwrap_or_default(),
                invitation
                    .map_or("", |it| InvitationStateName::of(it).as_str())
                    .to_owned(),
                at.map(|at| at.to_string()).unwrap_or_default(),
            ]);
        }
    }
    table(&choice.of(&rows))
}

/// Renders one row for each key; the id of an organization that does not exist is empty.
pub fn ids(
    ids: &BTreeMap<&OrgKey, Option<&OrganizationId>>,
    choice: &Choice,
) -> Result<String, Unwritten> {
    let mut rows = vec![IDS_COLUMNS.map(str::to_owned)];
    rows.extend(ids.iter().map(|(key, id)| {
        let id = id.map(ToString::to_string);
        [key.to_string(), id.unwrap_or_default()]
    }));
    table(&choice.of(&rows))
}

fn table<R: AsRef<[String]>>(rows: &[R]) -> Result<String, Unwritten> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.as_ref().iter().map(|text| cell(text)))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Escapes a cell: one line, no formula, and nothing that the log of a CI system obeys.
fn cell(text: &str) -> String {
    let parts = text.split(';').map(|part| {
        let mark = if is_formula(part) { "'" } else { "" };
        format!("{mark}{}", escape(part))
    });
    let cell = parts.collect::<Vec<_>>().join(";");
    inert::output(&cell).into_owned()
}

/// Returns whether a spreadsheet evaluates a cell that begins so: white space and quotes in front may be
/// dropped.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(FORMULA)
        || cell
            .trim_start_matches(|c: char| c == '"' || c.is_whitespace())
            .starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        let rows = reader.records().map(|row| {
            let row = row.unwrap();
            row.iter().map(str::to_owned).collect()
        });
        rows.collect()
    }

    #[test]
    fn a_formula_is_told_to_be_text() {
        let cells = [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "x=1",
            "'x",
            "",
            " =1",
            "＝1",
            "＠SUM(A1)",
        ];
        let row = cells.map(str::to_owned);
        assert_eq!(
            table(&[row]).unwrap(),
            "'=1+1,'+1,'-1,'@SUM(A1),'\\u{9}x,'\\u{d}x,x=1,'x,,' =1,'＝1,'＠SUM(A1)\n"
        );
    }

    #[test]
    fn a_semicolon_begins_no_formula() {
        let row = ["a;=1+1", "a; \"=1\";b;＋1", "a;b"].map(str::to_owned);
        assert_eq!(
            table(&[row]).unwrap(),
            "a;'=1+1,\"a;' \"\"=1\"\";b;'＋1\",a;b\n"
        );
    }

    #[test]
    fn quotes_commas_and_other_scripts_come_through() {
        let row = ["Acme, \"Inc.\"", "株式会社"].map(str::to_owned);
        let text = table(std::slice::from_ref(&row)).unwrap();
        assert_eq!(text, "\"Acme, \"\"Inc.\"\"\",株式会社\n");
        assert_eq!(read(&text), [row]);
    }

    proptest! {
        #[test]
        fn no_cell_is_a_formula_and_none_is_lost(cells in any::<[String; 3]>()) {
            // A single empty cell is the one row that could be taken for no row at all.
            let rows = [cells.clone(), cells];
            let text = table(&rows).unwrap();
            prop_assert_eq!(text.lines().count(), 2);
            for (row, given) in read(&text).iter().zip(&rows) {
                prop_assert_eq!(row.len(), given.len());
                for (cell, given) in row.iter().zip(given) {
                    let mut shown = String::new();
                    for (part, given) in cell.split(';').zip(given.split(';')) {
                        prop_assert!(!part.starts_with(FORMULA));
                        let text = part.strip_prefix('\'').filter(|_| is_formula(given));
                        shown.push_str(&format!(";{}", text.unwrap_or(part)));
                    }
                    let escaped = escape(given);
                    prop_assert_eq!(&shown[1..], inert::output(&escaped));
                }
            }
        }
    }
}
