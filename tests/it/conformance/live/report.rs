//! The report of a run, as text and as JSON. It holds no key and no portal link.

use std::fmt;

use serde::Serialize;

/// Results of a run, question by question.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Address of the API.
    pub(crate) endpoint: String,
    /// Beginning of every name that the run gave.
    pub(crate) run: String,
    /// Requests that were sent.
    pub(crate) requests: usize,
    /// Most requests that could be sent.
    pub(crate) budget: usize,
    /// Organizations of earlier runs that were removed first.
    pub(crate) removed_before: usize,
    /// Reason for which the run ended early.
    pub(crate) stopped: Option<String>,
    /// The conformance cases.
    pub(crate) cases: Vec<CaseResult>,
    /// The questions that only a real account answers.
    pub(crate) questions: Vec<QuestionResult>,
    /// Ids of organizations that could not be removed.
    pub(crate) left_behind: Vec<String>,
}

/// One case.
#[derive(Debug, Serialize)]
pub(crate) struct CaseResult {
    pub(crate) case: String,
    pub(crate) assumed: String,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    /// Files to change where the answer differs.
    pub(crate) change: String,
}

/// One question.
#[derive(Debug, Serialize)]
pub(crate) struct QuestionResult {
    pub(crate) question: String,
    pub(crate) assumed: String,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    /// Files and rules to change where the answer differs.
    pub(crate) change: String,
}

/// Comparison of an answer with what portalctl assumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "found")]
pub(crate) enum Verdict {
    /// The answer is the one that portalctl assumes.
    AsAssumed(String),
    /// The answer is another one.
    Differs(String),
    /// There is no answer, for this reason.
    Skipped(String),
}

impl Verdict {
    /// Compares an answer with the assumed one.
    pub(crate) fn of(found: String, assumed: Option<&String>) -> Self {
        if assumed == Some(&found) {
            Self::AsAssumed(found)
        } else {
            Self::Differs(found)
        }
    }
}

impl Report {
    /// Exit code of the run: 1 where it ended early or left something, 2 where something differs.
    pub(crate) fn exit_code(&self) -> u8 {
        let mut verdicts = self.verdicts();
        if self.stopped.is_some() || !self.left_behind.is_empty() {
            1
        } else if verdicts.any(|verdict| matches!(verdict, Verdict::Differs(_))) {
            2
        } else {
            0
        }
    }

    fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        let cases = self.cases.iter().map(|case| &case.verdict);
        cases.chain(self.questions.iter().map(|question| &question.verdict))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            endpoint,
            run,
            requests,
            budget,
            removed_before,
            stopped,
            cases,
            questions,
            left_behind,
        } = self;
        writeln!(f, "{endpoint}: run {run}, {requests} of {budget} requests")?;
        if *removed_before > 0 {
            writeln!(f, "removed {removed_before} organizations of earlier runs")?;
        }
        let count =
            |is: fn(&Verdict) -> bool| cases.iter().filter(|case| is(&case.verdict)).count();
        writeln!(
            f,
            "\nCases: {} as assumed, {} different, {} not played",
            count(|verdict| matches!(verdict, Verdict::AsAssumed(_))),
            count(|verdict| matches!(verdict, Verdict::Differs(_))),
            count(|verdict| matches!(verdict, Verdict::Skipped(_))),
        )?;
        for case in cases {
            row(
                f,
                &case.case,
                &case.assumed,
                &case.verdict,
                &case.change,
                false,
            )?;
        }
        writeln!(f, "\nQuestions")?;
        for it in questions {
            row(f, &it.question, &it.assumed, &it.verdict, &it.change, true)?;
        }
        if let Some(why) = stopped {
            writeln!(f, "\nThe run ended early: {why}")?;
        }
        if left_behind.is_empty() {
            writeln!(f, "\nEverything that the run made was removed.")
        } else {
            let ids = left_behind.join(", ");
            writeln!(f, "\nLeft behind, for the next run to remove: {ids}")
        }
    }
}

/// Writes one result; those that are as assumed only where `all` are shown.
fn row(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    assumed: &str,
    verdict: &Verdict,
    change: &str,
    all: bool,
) -> fmt::Result {
    match verdict {
        Verdict::AsAssumed(found) if all => {
            writeln!(f, "  as assumed  {what}\n    found    {found}")
        }
        Verdict::AsAssumed(_) => Ok(()),
        Verdict::Skipped(why) => writeln!(f, "  skipped     {what}\n    because  {why}"),
        Verdict::Differs(found) => writeln!(
            f,
            "  DIFFERENT   {what}\n    assumed  {assumed}\n    found    {found}\n    change   {change}"
        ),
    }
}
