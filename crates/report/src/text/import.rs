//! Text of an import: the files, the values left out of them, and skipped organizations.

use super::{Layout, heading, headline, more, write_counts};
use crate::ImportReport;
use crate::view::{Emails, counted};
use crate::width::{hanging, pad, width};
use portalctl_core::import::{Import, LeftOut, NewFile, SETTINGS_FILE};
use portalctl_manifest::redact;
use portalctl_model::text::escape;

/// Most files that are listed: a screenful.
const LISTED: usize = 20;

/// Renders an import.
pub fn import(report: &ImportReport<'_>, layout: &Layout) -> String {
    let mut out = headline("import", report.headline, layout);
    files(&mut out, report, layout);
    left_out(&mut out, report, layout);
    skipped(&mut out, report.import, layout);
    if !report.notes.is_empty() {
        out.push('\n');
    }
    for note in report.notes {
        hanging(&mut out, "note: ", &escape(note), layout.width);
    }
    let counts = summary(report, layout);
    write_counts(&mut out, &counts, report.headline, layout);
    if report.written > 0 && report.is_whole && !report.is_dry_run {
        let next = format!("hint: portalctl plan -f {}", escape(report.folder));
        push_line!(out, "{}", layout.paint.quiet(next));
    }
    out
}

fn files(out: &mut String, report: &ImportReport<'_>, layout: &Layout) {
    let files = report.files();
    if files.is_empty() && !report.settings {
        return;
    }
    let paint = layout.paint;
    let verb = if report.is_dry_run {
        "would be written to"
    } else {
        "written to"
    };
    let title = format!("{verb} {}", escape(report.folder));
    heading(out, &title, layout);
    let settings = report.settings.then(|| {
        let what = paint.quiet("what holds for all of them");
        (SETTINGS_FILE, what)
    });
    let shown = files.iter().take(LISTED);
    let shown = shown.map(|file| (file.name.as_str(), shown_name(&file.organization_name)));
    let lines: Vec<(&str, String)> = settings.into_iter().chain(shown).collect();
    let column = lines.iter().map(|(name, _)| width(name)).max();
    for (name, what) in lines {
        let name = paint.good(pad(name, column.unwrap_or(0)));
        push_line!(out, "  {name}  {what}");
    }
    more(out, files.len(), LISTED, layout);
}

/// Returns an organization's name, escaped and without secrets.
fn shown_name(name: &str) -> String {
    redact(&escape(name)).into_owned()
}

fn left_out(out: &mut String, report: &ImportReport<'_>, layout: &Layout) {
    let paint = layout.paint;
    let left_out = || {
        let files = report.files().iter();
        files.flat_map(|file: &NewFile| file.left_out.iter().map(move |it| (file, it)))
    };
    let count = left_out().count();
    if count == 0 {
        return;
    }
    let title = "left out of the files, as each of them says";
    heading(out, title, layout);
    for (file, left_out) in left_out().take(LISTED) {
        let LeftOut {
            field,
            code,
            reason,
        } = left_out;
        // The reason quotes the address.
        let contact = field.strip_prefix("it_contacts.");
        let hidden = contact.filter(|_| layout.emails == Emails::Masked);
        let field = match hidden {
            Some(email) => format!("it_contacts.{}", layout.emails.show(email)),
            None => escape(field).into_owned(),
        };
        push_line!(
            out,
            "  {} {}  {}  {}",
            paint.notice("-"),
            paint.strong(&file.key),
            field,
            paint.quiet(code)
        );
        if hidden.is_none() {
            hanging(out, "      ", &escape(reason), layout.width);
        }
    }
    more(out, count, LISTED, layout);
}

fn skipped(out: &mut String, import: &Import, layout: &Layout) {
    if import.skipped.is_empty() {
        return;
    }
    let paint = layout.paint;
    push_line!(
        out,
        "\n{}",
        paint.strong("skipped: nothing is written for these")
    );
    for skipped in &import.skipped {
        push_line!(
            out,
            "  {} {}  {}  {}",
            paint.bad("!"),
            paint.strong(escape(skipped.organization.as_str())),
            shown_name(&skipped.organization_name),
            paint.quiet(skipped.code)
        );
        hanging(out, "      ", &escape(&skipped.reason), layout.width);
    }
}

fn summary(report: &ImportReport<'_>, layout: &Layout) -> String {
    let paint = layout.paint;
    let Import {
        files: _,
        patches: _,
        already_declared,
        skipped,
    } = report.import;
    let written = counted(report.written, "organization");
    let mut parts = vec![if report.is_dry_run {
        format!("{written} to import")
    } else {
        paint.good(format!("{written} imported"))
    }];
    if *already_declared > 0 {
        parts.push(format!("{already_declared} already declared"));
    }
    if !skipped.is_empty() {
        parts.push(paint.notice(format!("{} skipped", skipped.len())));
    }
    parts.join(", ")
}
