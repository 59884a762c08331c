//! Markdown of a plan's changes: a table, and a diff of every field.

use super::budget::{Document, Rank, Section};
use super::escape::{code, fence, html_code, prose, verbatim};
use super::{PLAN, head, named, row};
use crate::view::{Emails, field_name, group, is_bare_value, surprising_reason};
use crate::width::{pad, width};
use portalctl_core::plan::danger::most_dangerous_first;
use portalctl_core::plan::{ActionKind, Change, Danger, FieldChange, Held, Plan};
use portalctl_model::desired::FieldPath;

/// Most diffs that are unfolded, so that a small review needs no click.
const OPEN: usize = 10;
/// Title of the diffs.
const FIELD_BY_FIELD: &str = "#### Field by field\n\n";
/// Widest column of field names; a longer name pushes its value to the right.
const WIDEST: usize = 40;

/// Changes of a plan, the most dangerous first.
pub(super) struct Changes<'a> {
    plan: &'a Plan,
    all: Vec<&'a Change>,
    /// Number of dangerous ones.
    graves: usize,
}

impl<'a> Changes<'a> {
    /// Sorts the changes of a plan.
    pub(super) fn of(plan: &'a Plan) -> Self {
        let mut all: Vec<&Change> = plan.reviewed().collect();
        most_dangerous_first(&mut all, |change| change);
        let graves = all.partition_point(|change| Danger::of(change).is_grave());
        Self { plan, all, graves }
    }

    /// Returns whether some are dangerous, and some are not.
    fn is_mixed(&self) -> bool {
        (1..self.all.len()).contains(&self.graves)
    }

    fn titles(&self) -> [&'static str; 2] {
        if self.is_mixed() {
            ["Changes to look at first", "Other changes"]
        } else {
            ["Changes", "Changes"]
        }
    }

    /// Adds the table of the dangerous ones, with their diffs right below where others follow.
    pub(super) fn grave(&self, document: &mut Document) {
        let [title, _] = self.titles();
        let section = (Rank::Grave, "dangerous changes", title);
        table(document, (self.plan, &self.all[..self.graves]), section);
        if self.is_mixed() {
            self.grave_details(document, "");
        }
    }

    /// Adds the diffs of the dangerous ones.
    fn grave_details(&self, document: &mut Document, title: &str) {
        let mut section = Section::new(Rank::GraveDetail, "diffs of dangerous changes", PLAN)
            .open(title)
            .close("");
        for (index, change) in self.all[..self.graves].iter().enumerate() {
            section.item(|| detail(change, "", open(index)));
        }
        document.section(section);
    }

    /// Adds the table of all others.
    pub(super) fn others(&self, document: &mut Document) {
        let [_, title] = self.titles();
        table(
            document,
            (self.plan, &self.all[self.graves..]),
            (Rank::Row, "changes", title),
        );
    }

    /// Adds the diff of every change that has none above, and of what is held.
    pub(super) fn details(&self, document: &mut Document, plan: &Plan) {
        if !self.is_mixed() {
            self.grave_details(document, FIELD_BY_FIELD);
        }
        let has_title = self.graves > 0 && !self.is_mixed();
        let title = if has_title { "" } else { FIELD_BY_FIELD };
        let others = &self.all[self.graves..];
        details(document, plan, (others, self.graves, title));
    }
}

fn table(
    document: &mut Document,
    (plan, changes): (&Plan, &[&Change]),
    (rank, things, title): (Rank, &'static str, &str),
) {
    let is_grave = rank == Rank::Grave;
    let columns = if is_grave {
        head(["Change", "Organization", "Fields", "Declared at", "Why"])
    } else {
        head(["Change", "Organization", "Fields", "Declared at"])
    };
    let mut section = Section::new(rank, things, PLAN).open(format!("#### {title}\n\n{columns}"));
    for change in changes {
        let (kind, place) = (kind(change), place(change));
        let (named, fields) = (named(plan, &change.key), fields(change));
        section.item(|| {
            if is_grave {
                let why = Danger::of(change).reason();
                row([&kind, &named, &fields, &place, why])
            } else {
                row([&kind, &named, &fields, &place])
            }
        });
    }
    document.section(section);
}

/// Adds the diff of changes, with the number of those that have theirs already and a title, and of
/// what is held.
fn details(
    document: &mut Document,
    plan: &Plan,
    (changes, before, title): (&[&Change], usize, &str),
) {
    let mut section = Section::new(Rank::Detail, "diffs", PLAN)
        .open(title)
        .close("");
    for (index, change) in changes.iter().enumerate() {
        section.item(|| detail(change, "", open(before + index)));
    }
    let says_more =
        |change: &Change| !change.fields.is_empty() || change.action.invitation().is_some();
    for Held { change, .. } in plan.held.iter().filter(|held| says_more(&held.change)) {
        section.item(|| detail(change, ", held", ""));
    }
    document.section(section);
}

/// Returns the attribute of a fold: the first ones are unfolded.
const fn open(index: usize) -> &'static str {
    if index < OPEN { " open" } else { "" }
}

fn kind(change: &Change) -> String {
    let kind = change.action.kind();
    if kind == ActionKind::Delete {
        format!("**{kind}**")
    } else {
        kind.to_string()
    }
}

fn place(change: &Change) -> String {
    if change.source.is_somewhere() {
        code(&change.source.to_string())
    } else {
        String::new()
    }
}

/// Counts the fields of each group that are added (`+2`), changed (`~1`) or removed (`-1`).
fn fields(change: &Change) -> String {
    if let Some(invitation) = change.action.invitation() {
        let intents: Vec<&str> = invitation.intents.iter().map(|it| it.as_str()).collect();
        let contact = code(&Emails::Masked.show(invitation.contact.as_str()));
        return format!("{contact} to {}", code(&intents.join(", ")));
    }
    // Fields are sorted by path, so that a group stands together.
    let fields: Vec<FieldChange> = change.reviewed_fields().cloned().collect();
    let groups = fields.chunk_by(|a, b| group(&a.path()) == group(&b.path()));
    groups.map(counts).collect::<Vec<_>>().join(", ")
}

fn counts(fields: &[FieldChange]) -> String {
    let name = fields.first().map_or("", |field| group(&field.path()));
    let of = |sign: char| fields.iter().filter(|field| sign_of(field) == sign).count();
    if fields.len() == 1 && of('-') == 0 {
        return name.to_owned();
    }
    let signed: Vec<String> = ['+', '~', '-']
        .into_iter()
        .filter(|sign| of(*sign) > 0)
        .map(|sign| code(&format!("{sign}{}", of(sign))))
        .collect();
    format!("{name} {}", signed.join(" "))
}

fn sign_of(field: &FieldChange) -> char {
    match (field.before(), field.after()) {
        (None, _) => '+',
        (Some(_), Some(_)) => '~',
        (Some(_), None) => '-',
    }
}

/// Renders one change as a disclosure: its reason, unless its fields tell, and its fields.
fn detail(change: &Change, remark: &str, open: &str) -> String {
    let key = html_code(change.key.as_str());
    let kind = change.action.kind();
    let mut out = format!("<details{open}>\n<summary>{key} {kind}{remark}</summary>\n\n");
    let mut facts = Vec::new();
    if let Some(id) = change.action.organization() {
        facts.push(code(id.as_str()));
    }
    facts.extend(surprising_reason(change).map(|reason| prose(&reason)));
    if !facts.is_empty() {
        out.push_str(&format!("Organization {}\n\n", facts.join(": ")));
    }
    if let Some(invitation) = change.action.invitation() {
        for line in invitation.told(&Emails::Masked.show(invitation.contact.as_str())) {
            out.push_str(&format!("- {}\n", prose(&line)));
        }
        out.push('\n');
    }
    let fields: Vec<FieldChange> = change.reviewed_fields().cloned().collect();
    let diff = diff(&fields);
    if !diff.is_empty() {
        let fence = fence(&diff);
        out.push_str(&format!("{fence}diff\n{diff}{fence}\n\n"));
    }
    out + "</details>\n\n"
}

/// Renders the fields as lines that begin with `+` or `-`.
fn diff(fields: &[FieldChange]) -> String {
    let names: Vec<String> = fields.iter().map(|field| name(&field.path())).collect();
    let widest = names.iter().map(|name| width(name));
    let column = widest.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let mut out = String::new();
    for (field, name) in fields.iter().zip(&names) {
        let name = pad(name, column);
        let before = field.before().map(|before| value(field, &before));
        let after = field.after().map(|after| value(field, &after));
        let remark = if before.is_some() && before == after {
            "  (differs in what is masked or cut off)"
        } else {
            ""
        };
        if let Some(before) = before {
            out.push_str(&format!("- {name}  {before}\n"));
        }
        if let Some(after) = after {
            out.push_str(&format!("+ {name}  {after}{remark}\n"));
        }
    }
    out
}

fn name(path: &FieldPath) -> String {
    verbatim(&field_name(path, Emails::Masked))
}

fn value(field: &FieldChange, value: &str) -> String {
    if is_bare_value(field) && !value.is_empty() {
        verbatim(value)
    } else {
        format!("\"{}\"", verbatim(value))
    }
}
