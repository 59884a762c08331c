//! Tests of waiting: short histories, each ending as a person would say it does.

use super::*;
use crate::readiness::Turn;

/// Connections as `id state` or `id state minute`, and what readiness makes of them.
fn sso(connections: &[&str]) -> IntentReadiness {
    let evidence: Vec<Evidence> = connections.iter().map(|text| connection(text)).collect();
    let rank = |state: &State| match state {
        State::Configured => 0,
        State::Attention => 1,
        State::InProgress => 2,
        _ => 3,
    };
    let state = evidence.iter().filter_map(Evidence::judged);
    reading(
        state.min_by_key(rank).unwrap_or(State::Unconfigured),
        evidence,
    )
}

fn connection(text: &str) -> Evidence {
    let mut words = text.split(' ');
    let mut word = || words.next();
    Evidence {
        object: "connection",
        id: word().map(str::to_owned),
        kind: None,
        state: word().unwrap_or_default().to_owned(),
        since: word().map(|minute| format!("2026-01-15T12:{minute}:00Z").parse().unwrap()),
    }
}

fn reading(state: State, evidence: Vec<Evidence>) -> IntentReadiness {
    IntentReadiness {
        intent: Intent::Sso,
        state,
        since: None,
        turn: Turn::None,
        reason: String::new(),
        next_step: None,
        evidence,
        basis: Basis::Read,
        missing_domain: None,
    }
}

fn event(id: &str, kind: EventKind) -> Event {
    Event {
        id: id.to_owned(),
        kind,
        organization_id: None,
        connection_id: None,
        certificate_ends: None,
        domain: None,
        reason: None,
        verified: None,
        object_updated_at: None,
        created_at: None,
    }
}

/// The verdicts on readings that follow one another, the first of which is the beginning.
fn history(until: Until, readings: &[IntentReadiness]) -> Vec<Verdict> {
    let mut watch = Watch::begin(until, &readings[0], &[]);
    let look = |reading| watch.look(reading, &[]).0;
    readings.iter().map(look).collect()
}

const NOT_STARTED: Verdict = Verdict::Waiting(Phase::NotStarted);
const IN_PROGRESS: Verdict = Verdict::Waiting(Phase::InProgress);
const AS_BEFORE: Verdict = Verdict::Waiting(Phase::AsBefore);

#[test]
fn a_customer_who_begins_and_finishes() {
    let verdicts = history(
        Until::Configured,
        &[
            sso(&[]),
            sso(&["a draft"]),
            sso(&["a validating"]),
            sso(&["a active"]),
        ],
    );
    assert_eq!(
        verdicts,
        [NOT_STARTED, IN_PROGRESS, IN_PROGRESS, Verdict::Configured]
    );
}

#[test]
fn what_is_configured_already_need_not_be_waited_for() {
    assert_eq!(
        history(Until::Configured, &[sso(&["a active"])]),
        [Verdict::Configured]
    );
}

#[test]
fn what_was_wrong_before_the_customer_began_ends_nothing() {
    let verdicts = history(
        Until::Configured,
        &[
            sso(&["old inactive"]),
            sso(&["old inactive", "new draft"]),
            sso(&["old inactive", "new active"]),
        ],
    );
    assert_eq!(verdicts, [AS_BEFORE, IN_PROGRESS, Verdict::Configured]);
    // Edited, it is still what it was.
    let verdicts = history(
        Until::Configured,
        &[sso(&["old inactive 01"]), sso(&["old inactive 02"])],
    );
    assert_eq!(verdicts, [AS_BEFORE, AS_BEFORE]);
}

#[test]
fn what_goes_wrong_meanwhile_ends_the_wait() {
    for readings in [
        [sso(&[]), sso(&["a draft"]), sso(&["a inactive"])],
        [
            sso(&["old inactive"]),
            sso(&["old draft"]),
            sso(&["old inactive"]),
        ],
        [
            sso(&["old inactive"]),
            sso(&["old inactive", "new draft"]),
            sso(&["old inactive", "new inactive"]),
        ],
    ] {
        let verdicts = history(Until::Configured, &readings);
        assert_eq!(verdicts[2], Verdict::WentWrong, "{readings:#?}");
        assert!(
            !verdicts[..2].contains(&Verdict::WentWrong),
            "{readings:#?}"
        );
    }
}

#[test]
fn a_second_failure_between_two_readings_is_told_by_its_event() {
    let failed = reading(State::Attention, vec![]);
    let old = [event("1", EventKind::DomainVerificationFailed)];
    let mut watch = Watch::begin(Until::Configured, &failed, &old);
    assert_eq!(watch.look(&failed, &old), (AS_BEFORE, vec![]));
    let both = [
        old[0].clone(),
        event("2", EventKind::DomainVerificationFailed),
    ];
    let (verdict, fresh) = watch.look(&failed, &both);
    assert_eq!(verdict, Verdict::WentWrong);
    assert_eq!(fresh, [&both[1]]);
}

#[test]
fn who_asks_for_another_connection_does_not_get_the_old_one() {
    for (next, verdict) in [
        (sso(&["old active 01"]), AS_BEFORE),
        // Begun, and the old one still lets everybody in.
        (sso(&["old active 01", "new draft 05"]), IN_PROGRESS),
        (
            sso(&["old active 01", "new active 05"]),
            Verdict::Configured,
        ),
        (sso(&["new active 05"]), Verdict::Configured),
        (sso(&["old active 05"]), Verdict::Configured),
        (sso(&["old draft 05"]), IN_PROGRESS),
        (sso(&["old inactive 05"]), Verdict::WentWrong),
        (sso(&[]), NOT_STARTED),
    ] {
        let verdicts = history(
            Until::ConfiguredAnew,
            &[sso(&["old active 01"]), next.clone()],
        );
        assert_eq!(verdicts, [AS_BEFORE, verdict], "{next:#?}");
    }
}

#[test]
fn an_old_connection_that_left_and_came_back_is_configured_anew() {
    let verdicts = history(
        Until::ConfiguredAnew,
        &[sso(&["a active"]), sso(&["a draft"]), sso(&["a active"])],
    );
    assert_eq!(verdicts, [AS_BEFORE, IN_PROGRESS, Verdict::Configured]);
    // Too fast to be seen, it is told by an event.
    let active = sso(&["a active"]);
    let mut watch = Watch::begin(Until::ConfiguredAnew, &active, &[]);
    let activated = [event("1", EventKind::ConnectionActivated)];
    assert_eq!(watch.look(&active, &activated).0, Verdict::Configured);
}

#[test]
fn a_delivery_of_an_old_stream_configures_nothing_anew() {
    let stream = |minute: &str| {
        let mut piece = connection(&format!("stream active {minute}"));
        piece.object = "log_stream";
        reading(State::Configured, vec![piece])
    };
    let verdicts = history(Until::ConfiguredAnew, &[stream("01"), stream("02")]);
    assert_eq!(verdicts, [AS_BEFORE, AS_BEFORE]);
}

#[test]
fn a_certificate_that_lasts_longer_is_a_renewed_one() {
    let until = |day: &str| {
        let mut piece = connection("conn_1");
        piece.state = format!("certificate until {day}");
        vec![piece]
    };
    let verdicts = history(
        Until::Configured,
        &[
            reading(State::Attention, until("2026-02-01")),
            reading(State::Attention, until("2026-02-02")),
            reading(State::Configured, until("2027-02-01")),
        ],
    );
    assert_eq!(verdicts, [AS_BEFORE, IN_PROGRESS, Verdict::Configured]);
}

/// A reading that failed.
fn unread() -> IntentReadiness {
    let why = portalctl_model::observed::FailedRead {
        request: "GET /connections".to_owned(),
        status: Some(500),
        code: None,
        message: String::new(),
        is_skipped: false,
    };
    IntentReadiness {
        basis: Basis::Failed(why),
        missing_domain: None,
        ..reading(State::Unknown, Vec::new())
    }
}

#[test]
fn a_reading_that_fails_is_no_change() {
    const UNCLEAR: Verdict = Verdict::Waiting(Phase::Unclear);
    let active = || sso(&["a active 00"]);
    // What was active all along is not what somebody waits for, whatever could not be read.
    let verdicts = history(Until::ConfiguredAnew, &[active(), unread(), active()]);
    assert_eq!(verdicts, [AS_BEFORE, UNCLEAR, AS_BEFORE]);
    // Without a beginning the first reading stands for it.
    let readings = [unread(), active(), unread(), active()];
    let verdicts = history(Until::ConfiguredAnew, &readings);
    assert_eq!(verdicts, [UNCLEAR, AS_BEFORE, UNCLEAR, AS_BEFORE]);
    let verdicts = history(Until::Configured, &[unread(), active()]);
    assert_eq!(verdicts, [UNCLEAR, Verdict::Configured]);
}
