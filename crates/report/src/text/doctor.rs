//! Text of the doctor's checks: by area, with hints, and the counts last.

use super::{Layout, headline, write_hint};
use crate::DoctorReport;
use crate::doctor::{Area, Check, Subject, Totals, Verdict};
use crate::view::requests;
use crate::width::{hanging, pad, width};
use portalctl_model::text::escape;

/// Widths below this many columns put details below the titles.
const NARROW: usize = 72;
/// Indentation of those details.
const INDENT: usize = 4;

/// Renders a doctor's report.
pub fn doctor(report: &DoctorReport<'_>, layout: &Layout) -> String {
    let mut out = headline("doctor", report.headline, layout);
    let titles = Subject::ALL.iter().map(|subject| width(subject.title()));
    let titles = titles.max().unwrap_or(0);
    let mut area: Option<Area> = None;
    for check in report.checks {
        let its_area = check.subject.area();
        if area != Some(its_area) {
            push_line!(out, "\n{}", layout.paint.strong(its_area.title()));
            area = Some(its_area);
        }
        write_check(&mut out, check, titles, layout);
    }
    let totals = Totals::of(report.checks);
    push_line!(
        out,
        "\n{}",
        summary(&totals, &requests(report.headline), layout)
    );
    out
}

fn write_check(out: &mut String, check: &Check, titles: usize, layout: &Layout) {
    let paint = layout.paint;
    let label = paint.toned(check.verdict, label(check.verdict));
    let title = check.subject.title();
    let detail = escape(&check.detail);
    let is_narrow = layout.width < NARROW;
    let indent = if is_narrow {
        push_line!(out, "  {label}  {title}");
        hanging(out, &" ".repeat(INDENT), &detail, layout.width);
        INDENT
    } else {
        // The plain line is measured, because escape sequences take no columns.
        let plain = format!("  {}  {}  ", self::label(check.verdict), pad(title, titles));
        let mut line = String::new();
        hanging(&mut line, &plain, &detail, layout.width);
        let rest = line
            .strip_prefix(&plain)
            .expect("`hanging` begins with its first column");
        push!(out, "  {label}  {}  {rest}", pad(title, titles));
        width(&plain)
    };
    if let Some(advice) = &check.advice {
        write_hint(out, &" ".repeat(indent), advice, layout);
    }
    if let Some(code) = check.code {
        let more = paint.quiet(format!("portalctl explain {code}"));
        push_line!(out, "{}{more}", " ".repeat(indent));
    }
}

/// Returns the label of a verdict: readable without colour, and all of one width.
const fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓ pass",
        Verdict::Warn => "! warn",
        Verdict::Fail => "✗ FAIL",
        Verdict::Skip => "– skip",
    }
}

/// Returns the counts, failures first, and the cost; one below the other on narrow terminals.
fn summary(totals: &Totals, cost: &str, layout: &Layout) -> String {
    let Totals {
        pass,
        warn,
        fail,
        skip,
    } = *totals;
    let warnings = if warn == 1 { "warning" } else { "warnings" };
    let parts = [
        (Verdict::Fail, fail, "failed"),
        (Verdict::Warn, warn, warnings),
        (Verdict::Pass, pass, "passed"),
        (Verdict::Skip, skip, "skipped"),
    ];
    let mut parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(verdict, count, word)| layout.paint.toned(verdict, format!("{count} {word}")))
        .collect();
    parts.push(cost.to_owned());
    let between = if layout.width < NARROW { ",\n" } else { ", " };
    parts.join(between)
}
