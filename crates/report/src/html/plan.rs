//! A plan as a page: what a person must decide first, then what is held, then the changes.

use askama::Template;

use super::page::Page;
use super::shown::Shown;
use super::wall::Wall;
use super::{Origin, Problem, TURNS, Unrendered, VERSION, problems};
use crate::json_v1::{held_reason, plan_summary};
use crate::{PlanReport, text};
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{ActionKind, Change, Conflict, FieldChange, Held, Plan, Scope, Warning};
use portalctl_model::OrganizationId;

/// Renders a plan, with the readiness that was read in the same pass.
pub fn plan(report: &PlanReport<'_>) -> Result<String, Unrendered> {
    let wall = Wall::new(report.readiness, None)?;
    let origin = Origin::new(report.headline);
    let plan = report.plan;
    let page = PlanPage {
        page: Page::with_wall(origin.title("Plan"), wall.titles()),
        command: "plan",
        origin,
        digest: Digest::of(plan).to_string(),
        counts: counts(plan),
        settled: plan.is_settled(),
        sections: sections(plan),
        manifest_warnings: problems(&report.headline.manifest_warnings),
        notes: text::notes(plan)
            .iter()
            .chain(&text::unread(report.readiness))
            .chain(&text::without_domain(report.readiness))
            .map(|note| Shown::new(note))
            .collect(),
        wall,
        version: VERSION,
    };
    page.render()
}

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage {
    page: Page,
    command: &'static str,
    origin: Origin,
    digest: String,
    counts: Vec<Count>,
    settled: bool,
    sections: Vec<Section>,
    manifest_warnings: Vec<Problem>,
    notes: Vec<Shown>,
    wall: Wall,
    version: &'static str,
}

/// How many there are of something.
struct Count {
    class: &'static str,
    sign: &'static str,
    words: &'static str,
    number: usize,
}

/// A part of the plan.
struct Section {
    id: &'static str,
    title: &'static str,
    lead: &'static str,
    items: Vec<Item>,
}

/// One change, or one thing that is not done.
struct Item {
    class: &'static str,
    sign: &'static str,
    words: &'static str,
    key: Shown,
    facts: Vec<Shown>,
    text: Option<Shown>,
    needs: Option<String>,
    help: Option<Shown>,
    /// Who is invited to what.
    invitation: Vec<Shown>,
    fields: Vec<Field>,
}

/// One field before and after.
struct Field {
    path: Shown,
    before: Option<Shown>,
    after: Option<Shown>,
}

fn counts(plan: &Plan) -> Vec<Count> {
    let summary = plan_summary(plan);
    let count = |class, sign, words, number| Count {
        class,
        sign,
        words,
        number,
    };
    let counts = [
        count("attention", "!", "conflicts", summary.conflict),
        count(
            "attention",
            "!",
            "contested domains",
            summary.contested_domain,
        ),
        count("in_progress", "#", "held", summary.held),
        count("configured", "+", "to create", summary.create),
        count("in_progress", "~", "to adopt", summary.adopt),
        count("in_progress", "~", "to update", summary.update),
        count("in_progress", "@", "to invite", summary.invite),
        count("attention", "-", "to delete", summary.delete),
        count("unknown", "*", "warnings", summary.warning),
    ];
    let mut counts: Vec<Count> = counts.into_iter().filter(|c| c.number > 0).collect();
    counts.push(count("unconfigured", "=", "unchanged", summary.unchanged));
    counts
}

/// The parts that have something in them.
fn sections(plan: &Plan) -> Vec<Section> {
    let sections = [
        Section {
            id: "conflicts",
            title: "Conflicts",
            lead: "Nothing is done for these until somebody decides.",
            items: plan.open_conflicts().map(conflict).collect(),
        },
        Section {
            id: "contested",
            title: "Contested domains",
            lead: "These domains are not written; everything else of their organizations is.",
            items: plan.contested_domains().map(conflict).collect(),
        },
        Section {
            id: "held",
            title: "Held",
            lead: "Wanted, but not allowed in this run.",
            items: plan.held.iter().map(held).collect(),
        },
        Section {
            id: "changes",
            title: "Changes",
            lead: "",
            items: plan.reviewed().map(change).collect(),
        },
        Section {
            id: "warnings",
            title: "Warnings",
            lead: "",
            items: plan.warnings.iter().map(warning).collect(),
        },
    ];
    let filled = sections.into_iter().filter(|s| !s.items.is_empty());
    filled.collect()
}

fn change(change: &Change) -> Item {
    let kind = change.action.kind();
    let (class, sign) = match kind {
        ActionKind::Create => ("configured", "+"),
        ActionKind::Adopt | ActionKind::Update => ("in_progress", "~"),
        ActionKind::Invite => ("in_progress", "@"),
        ActionKind::Delete => ("attention", "-"),
    };
    let place = change
        .source
        .is_somewhere()
        .then(|| change.source.to_string());
    let id = change.action.organization().map(OrganizationId::as_str);
    Item {
        class,
        sign,
        words: kind.as_str(),
        key: Shown::new(change.key.as_str()),
        facts: id
            .into_iter()
            .chain(place.as_deref())
            .map(Shown::new)
            .collect(),
        text: Some(Shown::new(&change.reason.to_string())),
        needs: None,
        help: None,
        invitation: invitation(change),
        fields: change.reviewed_fields().map(Field::new).collect(),
    }
}

fn invitation(change: &Change) -> Vec<Shown> {
    let invitation = change.action.invitation();
    let lines = invitation.map(|invitation| invitation.told(invitation.contact.as_str()));
    let lines = lines.unwrap_or_default();
    lines.iter().map(|line| Shown::new(line)).collect()
}

fn held(held: &Held) -> Item {
    Item {
        class: "in_progress",
        sign: "#",
        text: Some(Shown::new(&held_reason(held))),
        needs: Some(held.allow.to_string()),
        ..change(&held.change)
    }
}

fn conflict(conflict: &Conflict) -> Item {
    Item {
        class: "attention",
        sign: "!",
        words: match conflict.scope {
            Scope::Entry => "conflict",
            Scope::Metadata => "metadata conflict",
            Scope::Domain(_) => "contested domain",
        },
        key: Shown::new(conflict.key.as_str()),
        facts: vec![Shown::new(conflict.code.as_str())],
        text: Some(Shown::new(&conflict.message)),
        needs: None,
        help: Some(Shown::new(&conflict.help)),
        invitation: Vec::new(),
        fields: Vec::new(),
    }
}

fn warning(warning: &Warning) -> Item {
    Item {
        class: "unknown",
        sign: "*",
        words: "warning",
        key: Shown::new(warning.key.as_str()),
        facts: vec![Shown::new(warning.code.as_str())],
        text: Some(Shown::new(&warning.message)),
        needs: None,
        help: None,
        invitation: Vec::new(),
        fields: Vec::new(),
    }
}

impl Field {
    fn new(field: &FieldChange) -> Self {
        Self {
            path: Shown::new(&field.path().to_string()),
            before: field.before().as_deref().map(Shown::new),
            after: field.after().as_deref().map(Shown::new),
        }
    }
}
