//! Hidden lines of a comment, read back and added to: only those at its top count, because text from
//! outside stands below them.

use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::review::Review;

use super::marker;

/// Beginning and end of a hidden line.
const OPEN: &str = "<!-- portalctl:";
const CLOSE: &str = " -->";

/// Name of the line that signs those above it.
const SIGNATURE: &str = "signature";
/// Name of the line that says what a comment is about.
const SUBJECT: &str = "subject";

/// The hidden lines at the top of a comment.
#[derive(Debug, Clone)]
pub struct HiddenLines<'a>(Vec<&'a str>);

impl<'a> HiddenLines<'a> {
    /// Finds the hidden lines of a comment.
    pub fn of(comment: &'a str) -> Self {
        let lines = comment.lines().map(str::trim_end);
        Self(lines.map_while(content).collect())
    }

    /// Returns whether the comment shows a plan.
    pub fn is_plan(&self) -> bool {
        self.value("plan").is_some()
    }

    /// Returns the digest of the plan.
    pub fn digest(&self) -> Option<Digest> {
        Digest::parse(self.value("digest")?)
    }

    /// Returns what a review of the plan approves, where the comment has all of it.
    pub fn review(&self) -> Option<Review> {
        Review::decode(self.value("review")?.strip_prefix("v1 ")?)
    }

    /// Returns whether the comment says that it is about a subject.
    pub fn is_about(&self, subject: &str) -> bool {
        self.value(SUBJECT) == Some(marker::value(subject).as_str())
    }

    /// Returns the text that the signature is made of, and the signature.
    pub fn signed(&self) -> Option<(String, &'a str)> {
        let at = self.0.iter().position(|line| name(line) == SIGNATURE)?;
        let signature = self.0[at].split_once(' ')?.1;
        Some((self.0[..at].join("\n"), signature))
    }

    /// Returns the value of a line; `None` where there is no such line above the signature, or more
    /// than one.
    fn value(&self, wanted: &str) -> Option<&'a str> {
        let mut lines = self.0.iter().take_while(|line| name(line) != SIGNATURE);
        let mut found = lines.by_ref().filter(|line| name(line) == wanted);
        let (line, another) = (found.next()?, found.next());
        let value = line.split_once(' ').map_or("", |(_, value)| value);
        another.is_none().then_some(value)
    }
}

/// Returns the text inside a hidden line; `None` for any other line.
fn content(line: &str) -> Option<&str> {
    line.strip_prefix(OPEN)?.strip_suffix(CLOSE)
}

fn name(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}

/// Adds a subject to the hidden lines of a report, and a signature of all of them.
pub fn hide(report: &str, subject: &str, sign: impl FnOnce(&str) -> String) -> String {
    let subject = format!("{SUBJECT} {}", marker::value(subject));
    let mut lines = HiddenLines::of(report).0;
    let count = lines.len();
    lines.push(&subject);
    let signature = format!("{SIGNATURE} {}", sign(&lines.join("\n")));
    lines.push(&signature);
    let hidden = lines.iter().map(|line| format!("{OPEN}{line}{CLOSE}\n"));
    let rest = report.split_inclusive('\n').skip(count);
    hidden.chain(rest.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMENT: &str = "\
<!-- portalctl:plan environment= manifest= -->
<!-- portalctl:digest sha256:00 -->

text
<!-- portalctl:subject forged -->
";

    /// A stand-in for a signature: the number of bytes that are signed.
    fn length(text: &str) -> String {
        text.len().to_string()
    }

    #[test]
    fn a_subject_and_a_signature_are_added_at_the_top() {
        let hidden = hide(COMMENT, "acme/customers 7 --> x", length);
        insta::assert_snapshot!(hidden, @"
        <!-- portalctl:plan environment= manifest= -->
        <!-- portalctl:digest sha256:00 -->
        <!-- portalctl:subject acme%2Fcustomers%207%20-%2D%3E%20x -->
        <!-- portalctl:signature 87 -->

        text
        <!-- portalctl:subject forged -->
        ");
        let lines = HiddenLines::of(&hidden);
        assert!(lines.is_about("acme/customers 7 --> x") && !lines.is_about("forged"));
        let (signed, signature) = lines.signed().unwrap();
        assert_eq!(length(&signed), signature);
        // GitHub ends lines as it likes.
        let windows = hidden.replace('\n', "\r\n");
        assert_eq!(HiddenLines::of(&windows).signed().unwrap().0, signed);
    }

    #[test]
    fn a_line_counts_once_at_the_top_and_above_the_signature() {
        assert!(!HiddenLines::of(COMMENT).is_about("forged"));
        assert!(HiddenLines::of(COMMENT).is_plan());
        let twice = COMMENT.replace("\n\ntext", "\n<!-- portalctl:digest sha256:11 -->\n");
        assert_eq!(HiddenLines::of(&twice).value("digest"), None);
        let below = hide(COMMENT, "x", length).replace("\n\ntext", "\n<!-- portalctl:file y -->\n");
        assert_eq!(HiddenLines::of(&below).value("file"), None);
    }
}
