//! HTML of a plan: decisions first, then held changes, then the changes.

use askama::Template;

use super::page::Page;
use super::shown::Shown;
use super::wall::Wall;
use super::{Origin, Problem, TURNS, Unrendered, VERSION, problems};
use crate::PlanReport;
use crate::view::{self, Emails, Tone, action_sign, all_notes, field_name, held_reason};
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{
    Change, Conflict, Destinations, FieldChange, Held, Plan, Scope, Warning,
};
use portalctl_model::OrganizationId;

/// Most URLs that are shown of one host.
const URLS_OF_A_HOST: usize = 1_000;

/// Renders a plan with the readiness that was read in the same pass.
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
        notes: all_notes(plan, report.readiness)
            .iter()
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

/// Number of items of one kind.
struct Count {
    class: &'static str,
    sign: &'static str,
    words: &'static str,
    number: usize,
}

/// Part of the plan.
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
    /// Contact and intents of an invitation, or URLs.
    lines: Vec<Shown>,
    fields: Vec<Field>,
}

/// One field before and after.
struct Field {
    path: Shown,
    before: Option<Shown>,
    after: Option<Shown>,
}

/// Returns the counts with numbers; the page says by itself that there is nothing to do.
fn counts(plan: &Plan) -> Vec<Count> {
    let counts = view::plan_counts(plan).into_iter();
    let counts = counts.filter_map(|count| {
        Some(Count {
            class: class(count.tone),
            sign: count.sign,
            words: count.label(),
            number: count.number?,
        })
    });
    counts.collect()
}

/// Returns the style's class for a meaning.
const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "configured",
        Tone::Notice => "in_progress",
        Tone::Bad => "attention",
        Tone::Unsure | Tone::Warning => "unknown",
        Tone::Quiet => "not_applicable",
        Tone::Plain => "unconfigured",
    }
}

/// Returns the parts that have items.
fn sections(plan: &Plan) -> Vec<Section> {
    let sections = [
        Section {
            id: "conflicts",
            title: "Conflicts",
            lead: "Nothing is done for these until somebody decides.",
            items: plan.open_conflicts().map(|it| conflict(plan, it)).collect(),
        },
        Section {
            id: "contested",
            title: "Contested domains",
            lead: "These domains are not written; everything else of their organizations is.",
            items: plan
                .contested_domains()
                .map(|it| conflict(plan, it))
                .collect(),
        },
        Section {
            id: "held",
            title: "Held",
            lead: "Wanted, but not allowed in this run.",
            items: plan.held.iter().map(|it| held(plan, it)).collect(),
        },
        Section {
            id: "changes",
            title: "Changes",
            lead: "",
            items: plan.reviewed().map(|it| change(plan, it)).collect(),
        },
        Section {
            id: "destinations",
            title: "Where people are sent",
            lead: "The portal sends people to these URLs. WorkOS does not keep them, so what they were before is in the history of the manifest.",
            items: destinations(&plan.destinations),
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

fn change(plan: &Plan, change: &Change) -> Item {
    let kind = change.action.kind();
    let (tone, sign) = action_sign(kind);
    let place = change
        .source
        .is_somewhere()
        .then(|| change.source.to_string());
    let id = change.action.organization().map(OrganizationId::as_str);
    Item {
        class: class(tone),
        sign,
        words: kind.as_str(),
        key: Shown::new(change.key.as_str()),
        facts: plan
            .name_of(&change.key)
            .into_iter()
            .chain(id)
            .chain(place.as_deref())
            .map(Shown::new)
            .collect(),
        text: Some(Shown::new(&change.reason.to_string())),
        needs: None,
        help: None,
        lines: invitation(change),
        fields: change.reviewed_fields().map(Field::new).collect(),
    }
}

fn invitation(change: &Change) -> Vec<Shown> {
    let invitation = change.action.invitation();
    let lines = invitation.map(|invitation| invitation.told(invitation.contact.as_str()));
    let lines = lines.into_iter().flatten();
    lines.map(|line| Shown::new(&line)).collect()
}

fn held(plan: &Plan, held: &Held) -> Item {
    Item {
        class: "in_progress",
        sign: "#",
        text: Some(Shown::new(&held_reason(held))),
        needs: Some(held.needs()),
        ..change(plan, &held.change)
    }
}

/// Returns an item for each host.
fn destinations(destinations: &Destinations) -> Vec<Item> {
    let allowed = view::allowed(destinations);
    let hosts = view::hosts(destinations, URLS_OF_A_HOST).into_iter();
    let hosts = hosts.map(|host| {
        let urls = host.urls.iter();
        let urls = urls.map(|url| format!("{}: {}", url.said(), url.text));
        Item {
            class: "unconfigured",
            sign: ">",
            words: "host",
            key: Shown::new(host.name),
            facts: vec![Shown::new(&allowed)],
            text: None,
            needs: None,
            help: None,
            lines: urls
                .chain(host.more())
                .map(|line| Shown::new(&line))
                .collect(),
            fields: Vec::new(),
        }
    });
    hosts.collect()
}

fn conflict(plan: &Plan, conflict: &Conflict) -> Item {
    Item {
        class: "attention",
        sign: "!",
        words: match conflict.scope {
            Scope::Entry => "conflict",
            Scope::Metadata => "metadata conflict",
            Scope::Domain(_) => "contested domain",
        },
        key: Shown::new(conflict.key.as_str()),
        facts: plan
            .name_of(&conflict.key)
            .into_iter()
            .chain([conflict.code.as_str()])
            .map(Shown::new)
            .collect(),
        text: Some(Shown::new(&conflict.message)),
        needs: None,
        help: Some(Shown::new(&conflict.help)),
        lines: Vec::new(),
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
        lines: Vec::new(),
        fields: Vec::new(),
    }
}

impl Field {
    fn new(field: &FieldChange) -> Self {
        Self {
            path: Shown::new(&field_name(&field.path(), Emails::Masked)),
            before: field.before().as_deref().map(Shown::new),
            after: field.after().as_deref().map(Shown::new),
        }
    }
}
