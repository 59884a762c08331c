//! Messages for a chat: what changed since an earlier report, as the body that Slack or Teams takes.
//!
//! Text from outside stands in plain text alone, which neither of the two reads as markup, a mention
//! or a link. A run in which nothing changed has no message.

use serde_json::{Value, json};

use crate::StatusReport;
use crate::text::{Layout, changed_lines};
use crate::view::{counted, joined, status_counts};
use portalctl_core::readiness::compare::OrganizationChange;

/// Most changes that a message lists. Slack takes 50 blocks, of which some are the message's own.
/// Source: <https://docs.slack.dev/reference/block-kit/blocks>.
const LISTED: usize = 40;
/// Most characters of a line. Slack takes 3,000 in a block, and Teams 28 KB in a whole message.
/// Source: <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages>.
const LONGEST: usize = 400;

/// Parts of a message.
struct Message {
    title: String,
    lines: Vec<String>,
    /// Number of changes that are not listed.
    more: usize,
    /// State of everything, in one line.
    outcome: String,
}

impl Message {
    /// Builds the message of a report; none where nothing changed.
    fn of(report: &StatusReport<'_>, changes: &[OrganizationChange]) -> Option<Self> {
        let mut lines = changed_lines(changes, &Layout::plain());
        if lines.is_empty() {
            return None;
        }
        let environment = report.headline.target.environment.as_deref();
        let environment = environment.map_or_else(String::new, |name| format!(" in {}", cut(name)));
        let title = format!(
            "{} changed{environment}",
            counted(lines.len(), "portal feature")
        );
        let more = lines.len().saturating_sub(LISTED);
        lines.truncate(LISTED);
        Some(Self {
            title,
            lines: lines.iter().map(|line| cut(line)).collect(),
            more,
            outcome: match status_counts(&report.readiness.totals()).as_slice() {
                [] => "no intents declared".to_owned(),
                counts => joined(counts),
            },
        })
    }

    fn and_more(&self) -> Option<String> {
        (self.more > 0).then(|| format!("and {} more", self.more))
    }
}

/// Cuts a line to what a message takes.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Renders the body for an incoming webhook of Slack (Block Kit); nothing where nothing changed.
pub fn slack(report: &StatusReport<'_>, changes: &[OrganizationChange]) -> Option<Value> {
    let message = Message::of(report, changes)?;
    let plain = |text: &str| json!({ "type": "plain_text", "text": text, "emoji": false });
    let section = |text: &str| json!({ "type": "section", "text": plain(text) });
    // A header takes 150 characters.
    let title: String = message.title.chars().take(150).collect();
    let mut blocks = vec![json!({ "type": "header", "text": plain(&title) })];
    blocks.extend(message.lines.iter().map(|line| section(line)));
    blocks.extend(message.and_more().map(|more| section(&more)));
    blocks.push(json!({ "type": "context", "elements": [plain(&message.outcome)] }));
    // Shown in notifications; Slack reads it as markup, so nothing from outside is in it.
    let text = format!(
        "{} changed",
        counted(message.lines.len() + message.more, "portal feature")
    );
    Some(json!({ "text": text, "blocks": blocks }))
}

/// Renders the body for a workflow webhook of Teams (an Adaptive Card); nothing where nothing changed.
pub fn teams(report: &StatusReport<'_>, changes: &[OrganizationChange]) -> Option<Value> {
    let message = Message::of(report, changes)?;
    // A text block reads Markdown, the text runs of a rich text block read none.
    let block = |text: &str, run: Value| {
        let mut run = run;
        run["type"] = json!("TextRun");
        run["text"] = json!(text);
        json!({ "type": "RichTextBlock", "inlines": [run] })
    };
    let mut body = vec![block(
        &message.title,
        json!({ "weight": "bolder", "size": "large" }),
    )];
    body.extend(message.lines.iter().map(|line| block(line, json!({}))));
    body.extend(message.and_more().map(|more| block(&more, json!({}))));
    body.push(block(&message.outcome, json!({ "isSubtle": true })));
    Some(json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": body,
            },
        }],
    }))
}
