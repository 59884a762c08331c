//! The doctor's checks, for people: area by area, what is wrong with what to do, a count last.

use std::fmt::Write as _;

use super::{Layout, headline, requests};
use crate::DoctorReport;
use crate::doctor::{Area, Check, Subject, Totals, Verdict};
use crate::width::{hanging, pad, width};
use portalctl_model::text::escape;

/// On fewer columns the details stand below the titles.
const NARROW: usize = 72;
/// How far they are indented there.
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
            let _ = writeln!(out, "\n{}", layout.paint.strong(its_area.title()));
            area = Some(its_area);
        }
        write_check(&mut out, check, titles, layout);
    }
    let totals = Totals::of(report.checks);
    let _ = writeln!(
        out,
        "\n{}",
        summary(&totals, &requests(report.headline), layout)
    );
    out
}

fn write_check(out: &mut String, check: &Check, titles: usize, layout: &Layout) {
    let paint = layout.paint;
    let label = paint_verdict(check.verdict, label(check.verdict), layout);
    let title = check.subject.title();
    let detail = escape(&check.detail);
    let is_narrow = layout.width < NARROW;
    let indent = if is_narrow {
        let _ = writeln!(out, "  {label}  {title}");
        hanging(out, &" ".repeat(INDENT), &detail, layout.width);
        INDENT
    } else {
        // Painted by itself: escape sequences take no columns.
        let plain = format!("  {}  {}  ", self::label(check.verdict), pad(title, titles));
        let mut line = String::new();
        hanging(&mut line, &plain, &detail, layout.width);
        let rest = line.strip_prefix(&plain).unwrap_or(&line);
        let _ = write!(out, "  {label}  {}  {rest}", pad(title, titles));
        width(&plain)
    };
    if let Some(advice) = &check.advice {
        let first = format!("{}hint: ", " ".repeat(indent));
        hanging(out, &first, &escape(advice), layout.width);
    }
    if let Some(code) = check.code {
        let more = paint.quiet(format!("portalctl explain {code}"));
        let _ = writeln!(out, "{}{more}", " ".repeat(indent));
    }
}

/// Says the verdict without colour, and without more than ASCII in its word; all as wide.
const fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓ pass",
        Verdict::Warn => "! warn",
        Verdict::Fail => "✗ FAIL",
        Verdict::Skip => "– skip",
    }
}

fn paint_verdict(verdict: Verdict, text: &str, layout: &Layout) -> String {
    let paint = layout.paint;
    match verdict {
        Verdict::Pass => paint.good(text),
        Verdict::Warn => paint.notice(text),
        Verdict::Fail => paint.bad(text),
        Verdict::Skip => paint.quiet(text),
    }
}

/// The counts, what needs somebody first, and the cost; one below the other where it is narrow.
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
        .map(|(verdict, count, word)| paint_verdict(verdict, &format!("{count} {word}"), layout))
        .collect();
    parts.push(cost.to_owned());
    let between = if layout.width < NARROW { ",\n" } else { ", " };
    parts.join(between)
}
