//! Tests of deliveries: their order, their names, and the file that they survive in.

use proptest::prelude::*;

use super::*;
use crate::readiness::compare::properties::{States, apply, picture, states};
use crate::readiness::compare::{IntentName, PicturedIntent, PicturedOrganization, StateName};
use crate::readiness::{State, Turn};
use portalctl_model::Intent;

/// Most deliveries of one organization that are kept apart.
const MANY: usize = 16;

fn scope() -> Scope {
    Scope {
        environment: Some("staging".to_owned()),
        manifest: None,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The single sign-on of some organizations in these states.
fn sso(organizations: &[(&str, State)]) -> Picture {
    let organization = |state| PicturedOrganization {
        name: Some("Acme Corp".to_owned()),
        organization_id: Some("org_1".to_owned()),
        intents: [(
            IntentName::Known(Intent::Sso),
            PicturedIntent {
                state: StateName::Known(state),
                since: Some(at(1)),
                turn: Some(Turn::Customer),
                reason: "a \"reason\"".to_owned(),
            },
        )]
        .into(),
    };
    let organizations = organizations.iter();
    Picture {
        organizations: organizations
            .map(|(key, state)| ((*key).to_owned(), organization(*state)))
            .collect(),
    }
}

/// Deliveries of a receiver that knows that `acme` and `globex` are not configured.
fn known() -> Deliveries {
    let mut position = Position::new(scope());
    let picture = sso(&[
        ("acme", State::Unconfigured),
        ("globex", State::Unconfigured),
    ]);
    let stamp = position.stamp(at(1));
    position.accept_all(&picture, stamp);
    Deliveries::new(position)
}

/// The earlier and the later state of the only intent of a delivery.
fn step(delivery: &Delivery) -> (&str, &str) {
    let [intent] = &delivery.change.intents[..] else {
        panic!("one intent was expected: {delivery:?}");
    };
    let state = |state: &'_ Option<StateName>| match state {
        Some(StateName::Known(state)) => state.as_str(),
        _ => "",
    };
    (state(&intent.before), state(&intent.after))
}

fn reread(position: &Position) -> Position {
    Position::parse(position.to_json().unwrap().as_bytes(), scope()).unwrap()
}

#[test]
fn the_first_states_are_all_reported_and_marked() {
    let mut deliveries = Deliveries::new(Position::new(scope()));
    let picture = sso(&[("acme", State::Configured), ("globex", State::Unconfigured)]);
    assert!(deliveries.observe(&picture, at(1), seconds(0)));
    let due = deliveries.take_due(seconds(0), 8);
    let keys: Vec<_> = due.iter().map(|it| it.change.key.as_str()).collect();
    assert_eq!(keys, ["acme", "globex"]);
    assert!(due.iter().all(|delivery| delivery.stamp.initial));
    assert_eq!(step(&due[0]), ("", "configured"));
    // What follows is a change like any other.
    let picture = sso(&[("acme", State::Attention), ("globex", State::Unconfigured)]);
    deliveries.observe(&picture, at(2), seconds(1));
    deliveries.accept("acme", seconds(1));
    let due = deliveries.take_due(seconds(1), 8);
    assert_eq!(due.len(), 1);
    assert!(!due[0].stamp.initial);
    assert_eq!(step(&due[0]), ("configured", "attention"));
}

#[test]
fn a_later_change_waits_for_the_earlier_one_of_its_organization_alone() {
    let mut deliveries = known();
    let picture = sso(&[("acme", State::InProgress), ("globex", State::Unconfigured)]);
    deliveries.observe(&picture, at(10), seconds(0));
    let first = deliveries.take_due(seconds(0), 8);
    assert_eq!(step(&first[0]), ("unconfigured", "in_progress"));
    let picture = sso(&[("acme", State::Configured), ("globex", State::InProgress)]);
    deliveries.observe(&picture, at(20), seconds(10));
    let second = deliveries.take_due(seconds(10), 8);
    assert_eq!(second.len(), 1, "{second:?}");
    assert_eq!(second[0].change.key, "globex");
    deliveries.fail("acme", seconds(30));
    assert_eq!(deliveries.failures("acme"), 1);
    assert_eq!(deliveries.next_attempt(), Some(seconds(30)));
    assert_eq!(deliveries.take_due(seconds(29), 8), []);
    let again = deliveries.take_due(seconds(30), 8);
    assert_eq!(again, first);
    deliveries.accept("acme", seconds(31));
    assert_eq!(deliveries.failures("acme"), 0);
    let next = deliveries.take_due(seconds(31), 8);
    assert_eq!(step(&next[0]), ("in_progress", "configured"));
    assert!(next[0].stamp.sequence > first[0].stamp.sequence);
    assert_ne!(next[0].id, first[0].id);
}

#[test]
fn no_more_are_sent_at_a_time_than_the_limit() {
    let mut deliveries = known();
    let picture = sso(&[("acme", State::Configured), ("globex", State::Configured)]);
    deliveries.observe(&picture, at(10), seconds(0));
    assert_eq!(deliveries.take_due(seconds(0), 1).len(), 1);
    assert_eq!(deliveries.take_due(seconds(0), 1).len(), 0);
    deliveries.accept("acme", seconds(1));
    assert_eq!(deliveries.take_due(seconds(1), 1).len(), 1);
}

#[test]
fn a_delivery_keeps_its_name_in_the_next_run_and_no_two_share_one() {
    let mut deliveries = known();
    let mut names = BTreeSet::new();
    for (second, state) in [(10, State::Configured), (20, State::Unconfigured)].repeat(2) {
        let globex = ("globex", State::Unconfigured);
        deliveries.observe(&sso(&[("acme", state), globex]), at(second), seconds(0));
    }
    let mut next_run = Deliveries::new(reread(deliveries.position()));
    loop {
        let due = deliveries.take_due(seconds(0), 8);
        assert_eq!(next_run.take_due(seconds(0), 8), due);
        let [delivery] = &due[..] else { break };
        assert!(names.insert(delivery.id.clone()), "{delivery:?}");
        for deliveries in [&mut deliveries, &mut next_run] {
            deliveries.accept("acme", seconds(0));
        }
    }
    assert_eq!(names.len(), 4);
}

#[test]
fn changes_beyond_the_limit_join_the_last_delivery() {
    let mut deliveries = known();
    let globex = ("globex", State::Unconfigured);
    let states = [State::InProgress, State::Attention];
    for round in 0..50 {
        let acme = ("acme", states[round % 2]);
        deliveries.observe(&sso(&[acme, globex]), at(10), seconds(0));
    }
    assert!(deliveries.position().waiting() <= MANY);
    let acme = ("acme", State::Configured);
    deliveries.observe(&sso(&[acme, globex]), at(10), seconds(0));
    let mut last = String::new();
    while let [delivery] = &deliveries.take_due(seconds(0), 8)[..] {
        let (before, after) = step(delivery);
        assert!(last.is_empty() || before == last, "{before} follows {last}");
        last = after.to_owned();
        deliveries.accept("acme", seconds(0));
    }
    assert_eq!(last, "configured");
}

#[test]
fn an_organization_that_is_no_longer_declared_is_told_and_forgotten() {
    let mut deliveries = known();
    deliveries.observe(&sso(&[("acme", State::Unconfigured)]), at(10), seconds(0));
    let due = deliveries.take_due(seconds(0), 8);
    assert_eq!(step(&due[0]), ("unconfigured", ""));
    assert_eq!(due[0].change.organization_id.as_deref(), Some("org_1"));
    deliveries.accept("globex", seconds(0));
    assert!(!deliveries.position().to_json().unwrap().contains("globex"));
}

#[test]
fn numbers_grow_also_where_an_older_copy_was_restored() {
    let mut position = Position::new(scope());
    let copy = position.clone();
    let later = position.stamp(at(100));
    assert_eq!(later.sequence, 100_000);
    position.accept_all(&Picture::default(), later);
    assert_eq!(position.stamp(at(100)).sequence, 100_001);
    // The clock was set back.
    assert_eq!(position.stamp(at(5)).sequence, 100_001);
    assert!(copy.stamp(at(101)).sequence > later.sequence);
}

#[test]
fn what_is_no_position_of_the_manifest_is_refused_without_its_text() {
    let parse = |text: &str| Position::parse(text.as_bytes(), scope()).unwrap_err();
    for text in [
        "",
        "{",
        "[]",
        "{}",
        "\"whsec_canary\"",
        r#"{"format_version": "1"}"#,
    ] {
        let error = parse(text).to_string();
        assert!(
            error.starts_with("it is not a position file (line "),
            "{error}"
        );
        assert!(!error.contains("canary"), "{error}");
    }
    let newer = parse(r#"{"format_version": "2"}"#).to_string();
    assert!(newer.starts_with("its format_version is \"2\""), "{newer}");
    let deep = format!(
        "{{\"format_version\": \"1\", \"x\": {}",
        "[".repeat(100_000)
    );
    assert!(matches!(parse(&deep), InvalidPosition::Shape { .. }));
    let other = Scope {
        environment: Some("production".to_owned()),
        manifest: None,
    };
    let text = Position::new(other).to_json().unwrap();
    assert_eq!(
        parse(&text).to_string(),
        "it is of the environment production, and the manifest is of staging"
    );
}

#[test]
fn another_version_may_have_added_fields_and_states() {
    let text = r#"{"format_version": "1", "more": [1], "sequence": 7, "organizations": {
        "acme": {"accepted": {"intents": {"passkeys": {"state": "half_way", "turn": "nobody"}}}}}}"#;
    let position = Position::parse(text.as_bytes(), scope()).unwrap();
    let states = position.accepted();
    let intent = &states.organizations["acme"].intents[&IntentName::Other("passkeys".to_owned())];
    assert_eq!(intent.state, StateName::Other("half_way".to_owned()));
    assert!(!position.is_initial());
}

/// A step of a run.
#[derive(Debug, Clone)]
enum Step {
    Observe(Picture),
    Accept(usize),
    Fail(usize),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        picture().prop_map(Step::Observe),
        (0usize..4).prop_map(Step::Accept),
        (0usize..4).prop_map(Step::Fail),
        Just(Step::Restart),
    ];
    proptest::collection::vec(step, 0..30)
}

/// A receiver, and the deliveries that are being sent to it.
#[derive(Default)]
struct Receiver {
    states: States,
    sent: Vec<Delivery>,
}

impl Receiver {
    /// Takes the deliveries that are due; there is no other of the same organization at a time.
    fn send_due(&mut self, deliveries: &mut Deliveries, second: u64) {
        for delivery in deliveries.take_due(seconds(second), 3) {
            let key = &delivery.change.key;
            assert!(self.sent.iter().all(|sent| sent.change.key != *key));
            self.sent.push(delivery);
        }
        assert!(self.sent.len() <= 3);
    }

    /// Accepts a delivery, which has to begin at the states that were accepted before.
    fn accept(&mut self, at: usize, deliveries: &mut Deliveries, second: u64) {
        let delivery = self.sent.remove(at);
        let states = std::mem::take(&mut self.states);
        self.states = apply(states, std::slice::from_ref(&delivery.change));
        deliveries.accept(&delivery.change.key, seconds(second));
    }
}

proptest! {
    #[test]
    fn whatever_happens_each_change_arrives_once_and_in_order(steps in steps()) {
        let mut deliveries = Deliveries::new(Position::new(scope()));
        let mut receiver = Receiver::default();
        let mut latest = States::new();
        let mut second = 0;
        for step in steps {
            second += 1;
            receiver.send_due(&mut deliveries, second);
            let count = receiver.sent.len();
            match step {
                Step::Observe(picture) => {
                    latest = states(&picture);
                    let now = i64::try_from(second).unwrap();
                    deliveries.observe(&picture, at(now), seconds(second));
                }
                Step::Accept(index) if count > 0 => {
                    receiver.accept(index % count, &mut deliveries, second);
                }
                Step::Fail(index) if count > 0 => {
                    let delivery = receiver.sent.remove(index % count);
                    deliveries.fail(&delivery.change.key, seconds(second + 2));
                }
                Step::Restart => {
                    receiver.sent.clear();
                    let initial = deliveries.position().is_initial();
                    let position = reread(deliveries.position());
                    let position = if initial { Position::new(scope()) } else { position };
                    deliveries = Deliveries::new(position);
                }
                Step::Accept(_) | Step::Fail(_) => {}
            }
        }
        while deliveries.position().waiting() > 0 {
            second += 1;
            receiver.send_due(&mut deliveries, second);
            if !receiver.sent.is_empty() {
                receiver.accept(0, &mut deliveries, second);
            }
        }
        prop_assert_eq!(receiver.states, latest);
    }

    #[test]
    fn a_file_keeps_a_position_as_it_is(a in picture(), b in picture()) {
        let mut deliveries = Deliveries::new(Position::new(scope()));
        deliveries.observe(&a, at(1), seconds(0));
        deliveries.observe(&b, at(2), seconds(0));
        prop_assert_eq!(&reread(deliveries.position()), deliveries.position());
    }
}
