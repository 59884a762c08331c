//! Faults of a request, and whether the request took effect all the same.

use std::time::Duration;

use http::Method;

use super::kinds::How;
use super::random::Random;

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 429, with or without `Retry-After` in seconds.
    Limited(Option<u64>),
    /// A server error.
    Status(u16, Effect),
    /// No connection is made.
    Refused,
    /// The connection is reset.
    Reset(Effect),
    /// No answer comes in time.
    TimedOut(Effect),
    /// No answer comes in time, and the request is carried out so long after it was given up.
    Late(Duration),
    /// The connection breaks in the middle of the answer.
    Truncated,
    /// Half of the answer, as if it were the whole.
    Half,
    /// 200 with a page of a proxy, which repeats the request's headers.
    NotJson,
    /// 200 with nothing.
    Empty,
    /// The answer takes so long.
    Slow(Duration),
    /// The previous page of the list, whatever the cursor.
    RepeatedPage,
    /// A page with nothing on it and nothing after it, in the middle of the list.
    CutShort,
    /// A read that fails in the same way every time.
    Always(How),
}

/// The effect of a faulty request on the account: carried out or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    Done,
}

/// Draws the fault of a request, with a probability of so many percent.
pub(crate) fn draw(
    random: &mut Random,
    percent: usize,
    method: &Method,
    query: &str,
) -> Option<Fault> {
    if !random.percent(percent) {
        return None;
    }
    let effect = *random.pick(&[Effect::None, Effect::Done]);
    let seconds = random.below(20);
    let duration = Duration::from_secs(u64::try_from(seconds).unwrap());
    let is_later_page = *method == Method::GET && query.contains("after=");
    Some(match random.below(if is_later_page { 20 } else { 13 }) {
        0 => Fault::Limited(random.percent(70).then(|| 1 + duration.as_secs() % 5)),
        1 => Fault::Status(503, effect),
        2 => Fault::Status(*random.pick(&[500, 502, 504]), effect),
        3 => Fault::Refused,
        4 | 5 => Fault::Reset(effect),
        6 => Fault::TimedOut(effect),
        7 if *method == Method::GET => Fault::TimedOut(Effect::None),
        7 => Fault::Late(duration),
        8 => Fault::Truncated,
        9 => Fault::Half,
        10 => Fault::NotJson,
        11 => Fault::Empty,
        12 => Fault::Slow(duration),
        13..16 => Fault::RepeatedPage,
        _ => Fault::CutShort,
    })
}
