//! Reads one thing of each of many objects: a read that fails, fails for its object alone.
//!
//! Goes in: the objects and how to ask about one. Comes out: an answer for every object. Never
//! retries by itself (the client does), and never asks on and on about a feature that fails: after
//! many failures of the same kind the other objects are not asked about, and their answers say so.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};

use super::CONCURRENT_CALLS;
use crate::{ApiError, ApiErrorKind, ApiResult};
use portalctl_model::observed::{Answer, FailedRead};

/// Failures in a row, all of the same status, after which a kind of read is given up. Each cost
/// several attempts.
const MAX_RETRIED_IN_A_ROW: usize = 10;
/// The same for refusals, which cost one request each.
const MAX_REFUSED_IN_A_ROW: usize = 100;
/// Failures that cost several attempts each, after which a kind of read is given up.
const MAX_RETRIED: usize = 100;

/// Asks about each object. Only a refused key is an error: every other failure is an answer.
pub(super) async fn each<K, T, F, Fut>(
    objects: BTreeSet<K>,
    ask: F,
) -> ApiResult<BTreeMap<K, Answer<T>>>
where
    K: Clone + Ord,
    F: Fn(K) -> Fut,
    Fut: Future<Output = ApiResult<Answer<T>>>,
{
    let mut left = objects.clone();
    let mut answers = BTreeMap::new();
    let mut failures = Failures::default();
    let mut asked = stream::iter(objects)
        .map(|object| {
            let answer = ask(object.clone());
            async move { (object, answer.await) }
        })
        .buffer_unordered(CONCURRENT_CALLS);
    while let Some((object, answer)) = asked.next().await {
        left.remove(&object);
        let answer = told(answer, &mut failures)?;
        answers.insert(object, answer);
        if let Some(why) = failures.given_up() {
            // What is under way is abandoned.
            let skipped = left.into_iter();
            answers.extend(skipped.map(|object| (object, Answer::Failed(why.skipped()))));
            return Ok(answers);
        }
    }
    Ok(answers)
}

fn told<T>(answer: ApiResult<Answer<T>>, failures: &mut Failures) -> ApiResult<Answer<T>> {
    match answer {
        Ok(answer) => {
            failures.in_a_row = 0;
            Ok(answer)
        }
        Err(error) if error.ends_every_read() => Err(error),
        // That the account lacks the feature is an answer.
        Err(error) if error.kind == ApiErrorKind::Forbidden => {
            failures.in_a_row = 0;
            Ok(Answer::NotEntitled(error.message))
        }
        Err(error) => {
            failures.add(&error);
            Ok(Answer::Failed(FailedRead::from(&error)))
        }
    }
}

/// Failures of one kind of read so far.
#[derive(Default)]
struct Failures {
    last: Option<ApiError>,
    in_a_row: usize,
    retried: usize,
}

impl Failures {
    fn add(&mut self, error: &ApiError) {
        let is_same = |last: &ApiError| (last.kind, last.status) == (error.kind, error.status);
        self.in_a_row = if self.last.as_ref().is_some_and(is_same) {
            self.in_a_row + 1
        } else {
            1
        };
        self.retried += usize::from(error.attempts > 1);
        self.last = Some(error.clone());
    }

    /// Returns the last failure once there were too many.
    fn given_up(&self) -> Option<FailedRead> {
        let last = self.last.as_ref()?;
        let most = if last.attempts > 1 {
            MAX_RETRIED_IN_A_ROW
        } else {
            MAX_REFUSED_IN_A_ROW
        };
        (self.in_a_row >= most || self.retried >= MAX_RETRIED).then(|| FailedRead::from(last))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn error(kind: ApiErrorKind, status: u16, attempts: u32) -> ApiError {
        ApiError {
            method: http::Method::GET,
            path: "/things/1".to_owned(),
            kind,
            status: Some(status),
            upstream_code: None,
            message: "no".to_owned(),
            request_id: None,
            attempts,
            retry_after: None,
        }
    }

    /// Asks about the numbers below a count; returns the answers and how many were asked about.
    async fn ask(
        count: usize,
        answer: impl Fn(usize) -> ApiResult<Answer<()>>,
    ) -> (ApiResult<BTreeMap<usize, Answer<()>>>, usize) {
        let asked = Cell::new(0);
        let answers = each((0..count).collect(), |object| {
            asked.set(asked.get() + 1);
            let answer = answer(object);
            async move { answer }
        })
        .await;
        (answers, asked.get())
    }

    fn failed(answers: &BTreeMap<usize, Answer<()>>) -> (usize, usize) {
        let failed = answers.values().filter_map(|answer| match answer {
            Answer::Failed(why) => Some(why.is_skipped),
            _ => None,
        });
        let failed: Vec<bool> = failed.collect();
        let skipped = failed.iter().filter(|is_skipped| **is_skipped).count();
        (failed.len(), skipped)
    }

    #[tokio::test]
    async fn one_object_that_fails_keeps_no_other_from_being_read() {
        let (answers, asked) = ask(50, |object| match object {
            7 => Err(error(ApiErrorKind::Server, 500, 5)),
            _ => Ok(Answer::Found(())),
        })
        .await;
        let answers = answers.unwrap();
        assert_eq!((answers.len(), asked), (50, 50));
        assert_eq!(failed(&answers), (1, 0));
        assert!(matches!(&answers[&7], Answer::Failed(why) if why.status == Some(500)));
    }

    #[tokio::test]
    async fn a_refused_key_ends_the_run() {
        let (answers, _) = ask(50, |object| match object {
            7 => Err(error(ApiErrorKind::Unauthorized, 401, 1)),
            _ => Ok(Answer::Found(())),
        })
        .await;
        assert_eq!(answers.unwrap_err().kind, ApiErrorKind::Unauthorized);
    }

    #[tokio::test]
    async fn a_feature_that_fails_again_and_again_is_given_up() {
        for (kind, status, attempts, most) in [
            (ApiErrorKind::Server, 500, 5, MAX_RETRIED_IN_A_ROW),
            (ApiErrorKind::Rejected, 422, 1, MAX_REFUSED_IN_A_ROW),
        ] {
            let (answers, asked) = ask(10_000, |_| Err(error(kind, status, attempts))).await;
            let answers = answers.unwrap();
            assert_eq!(failed(&answers), (10_000, 10_000 - most), "{status}");
            assert!(asked <= most + CONCURRENT_CALLS, "{asked} of {status}");
        }
    }

    #[tokio::test]
    async fn failures_between_answers_are_bounded_too() {
        let (answers, asked) = ask(10_000, |object| match object % 2 {
            0 => Err(error(ApiErrorKind::Server, 500, 5)),
            _ => Ok(Answer::Found(())),
        })
        .await;
        let (failed, skipped) = failed(&answers.unwrap());
        assert_eq!(failed - skipped, MAX_RETRIED);
        assert!(asked <= 2 * MAX_RETRIED + CONCURRENT_CALLS, "{asked}");
    }

    #[tokio::test]
    async fn a_feature_that_nobody_has_is_asked_about_for_everybody() {
        let (answers, _) = ask(500, |_| Err(error(ApiErrorKind::Forbidden, 403, 1))).await;
        let answers = answers.unwrap();
        assert!(
            answers
                .values()
                .all(|answer| *answer == Answer::NotEntitled("no".to_owned()))
        );
    }
}
