//! Placeholders that nobody replaced, such as `${NAME}`: a template that was never rendered.

use crate::diagnostic::Findings;
use crate::quote::quote;
use crate::source::Spot;
use portalctl_model::codes::manifest as codes;

/// Beginnings and ends of placeholders.
const FORMS: [(&str, &str); 6] = [
    ("${", "}"),
    ("$(", ")"),
    ("{{", "}}"),
    ("##", "##"),
    ("<", ">"),
    ("%", "%"),
];

/// Longest text between a beginning and an end, in bytes.
const MAX_INNER: usize = 80;

/// Warns where a text contains a placeholder. `what` names the text at the start of a sentence.
pub(super) fn warn(text: &str, spot: Spot, what: &str, findings: &mut Findings) {
    let Some(found) = find(text) else { return };
    let message = format!(
        "{what} contains {}, which looks like a placeholder that nobody replaced",
        quote(found)
    );
    let help = "write the value itself: portalctl replaces nothing in a manifest";
    findings.warn(codes::PLACEHOLDER, spot, message, help);
}

/// Returns the first placeholder of a text.
fn find(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some((_, c)) = rest.char_indices().next() {
        let found = FORMS.iter().find_map(|(start, end)| {
            let inner = rest.strip_prefix(start)?;
            let length = inner.find(end)?;
            let whole = rest.get(..start.len() + length + end.len())?;
            is_name(inner.get(..length)?, start).then_some(whole)
        });
        if found.is_some() {
            return found;
        }
        rest = rest.get(c.len_utf8()..)?;
    }
    None
}

/// Returns whether a text between a beginning and an end names something.
fn is_name(inner: &str, start: &str) -> bool {
    let name = inner.trim();
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let starts_with_letter = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    name.len() <= MAX_INNER
        && match start {
            // `100% of 50%` and `%20A%20` are none.
            "%" => name.len() > 2 && starts_with_letter && inner.chars().all(is_upper),
            "<" => {
                starts_with_letter
                    && name
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || " _-.".contains(c))
            }
            "{{" => !name.is_empty(),
            _ => {
                let may_start = |c: char| c.is_ascii_alphabetic() || "._".contains(c);
                name.starts_with(may_start)
            }
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_of_every_common_tool_are_found() {
        for (text, found) in [
            ("${ACME_NAME}", "${ACME_NAME}"),
            ("Acme ${env:NAME} Ltd", "${env:NAME}"),
            ("$(ACME)", "$(ACME)"),
            ("{{ .Values.name }}", "{{ .Values.name }}"),
            ("{{name}}", "{{name}}"),
            ("##NAME##", "##NAME##"),
            ("<key>", "<key>"),
            ("<your customer id>", "<your customer id>"),
            ("%ACME_NAME%", "%ACME_NAME%"),
            ("é ${A}", "${A}"),
        ] {
            assert_eq!(find(text), Some(found), "{text}");
        }
    }

    #[test]
    fn what_people_write_in_names_is_none() {
        for text in [
            "Acme",
            "",
            "A$AP {Group}",
            "Cash $ Carry (Europe)",
            "C# and F#",
            "## 1",
            "100% of 50% Ltd",
            "%20A%20",
            "A <-> B",
            "1 < 2 > 0",
            "<3 Flowers >",
            "Price: $5 ($4)",
            "{a}",
            "$()",
            "${}",
            "Ü<ä>",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
