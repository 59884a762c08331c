//! Properties of every comparison.

use proptest::prelude::*;

use super::*;

fn state() -> impl Strategy<Value = StateName> {
    prop_oneof![
        proptest::sample::select(State::ALL.to_vec()).prop_map(StateName::Known),
        Just(StateName::Other("half_way".to_owned())),
    ]
}

fn intent() -> impl Strategy<Value = IntentName> {
    prop_oneof![
        proptest::sample::select(Intent::ALL.to_vec()).prop_map(IntentName::Known),
        "[a-c]".prop_map(IntentName::Other),
    ]
}

fn pictured() -> impl Strategy<Value = PicturedIntent> {
    (state(), "[a-z]{0,3}", 0i64..3).prop_map(|(state, reason, second)| PicturedIntent {
        state,
        since: Timestamp::from_second(second).ok(),
        turn: None,
        reason,
    })
}

/// Generates readiness of up to three organizations.
pub(crate) fn picture() -> impl Strategy<Value = Picture> {
    let organization = proptest::collection::btree_map(intent(), pictured(), 0..4);
    let organizations = proptest::collection::btree_map("[a-d]", organization, 0..4);
    organizations.prop_map(|organizations| Picture {
        organizations: organizations
            .into_iter()
            .map(|(key, intents)| {
                let pictured = PicturedOrganization {
                    intents,
                    ..PicturedOrganization::default()
                };
                (key, pictured)
            })
            .collect(),
    })
}

/// States by key and intent.
pub(crate) type States = BTreeMap<(String, IntentName), StateName>;

/// Returns the states of a picture.
pub(crate) fn states(picture: &Picture) -> States {
    let organizations = picture.organizations.iter();
    organizations
        .flat_map(|(key, organization)| {
            let intents = organization.intents.iter();
            intents.map(|(intent, p)| ((key.clone(), intent.clone()), p.state.clone()))
        })
        .collect()
}

/// Returns the states after some changes; each has to begin where it says.
pub(crate) fn apply(mut states: States, changes: &[OrganizationChange]) -> States {
    for organization in changes {
        for change in &organization.intents {
            let place = (organization.key.clone(), change.intent.clone());
            let before = match change.after.clone() {
                Some(after) => states.insert(place, after),
                None => states.remove(&place),
            };
            assert_eq!(before, change.before);
        }
    }
    states
}

proptest! {
    #[test]
    fn nothing_changes_between_equal_pictures(a in picture()) {
        prop_assert_eq!(compare(&a, &a), Vec::new());
    }

    #[test]
    fn the_changes_lead_from_one_picture_to_the_other(a in picture(), b in picture()) {
        let changes = compare(&a, &b);
        prop_assert_eq!(apply(states(&a), &changes), states(&b));
    }

    #[test]
    fn every_change_is_one_and_stands_in_order(a in picture(), b in picture()) {
        let changes = compare(&a, &b);
        prop_assert!(changes.is_sorted_by(|one, next| one.key < next.key));
        for organization in &changes {
            prop_assert!(!organization.intents.is_empty());
            prop_assert!(organization.intents.is_sorted_by(|one, next| one.intent < next.intent));
            for change in &organization.intents {
                prop_assert_ne!(&change.before, &change.after);
            }
        }
    }

    #[test]
    fn there_and_back_are_the_same_changes_turned_around(a in picture(), b in picture()) {
        let there = compare(&a, &b);
        let mut back = compare(&b, &a);
        prop_assert_eq!(there.len(), back.len());
        for (there, back) in there.iter().zip(&mut back) {
            prop_assert_eq!(&there.key, &back.key);
            let steps = |change: &IntentChange| (change.before.clone(), change.after.clone());
            for change in &mut back.intents {
                std::mem::swap(&mut change.before, &mut change.after);
            }
            let there: Vec<_> = there.intents.iter().map(steps).collect();
            let back: Vec<_> = back.intents.iter().map(steps).collect();
            prop_assert_eq!(there, back);
        }
    }
}

#[test]
fn what_a_change_means_is_told_by_where_it_leads() {
    let change = |before: Option<State>, after: Option<State>| IntentChange {
        intent: IntentName::Known(Intent::Sso),
        before: before.map(StateName::Known),
        after: after.map(StateName::Known),
        since: None,
        turn: None,
        reason: None,
    };
    for (before, after, kind) in [
        (
            Some(State::InProgress),
            Some(State::Configured),
            Kind::Configured,
        ),
        (None, Some(State::Configured), Kind::Configured),
        (
            Some(State::Configured),
            Some(State::Attention),
            Kind::Attention,
        ),
        (
            Some(State::Configured),
            Some(State::InProgress),
            Kind::Moved,
        ),
        (None, Some(State::Unconfigured), Kind::Appeared),
        (Some(State::Configured), None, Kind::Disappeared),
    ] {
        assert_eq!(change(before, after).kind(), kind, "{before:?} {after:?}");
    }
}

#[test]
fn a_narrowed_command_does_not_miss_the_others() {
    let all: Picture = Picture {
        organizations: ["acme", "globex", "Not a key"]
            .into_iter()
            .map(|key| {
                let intents = [Intent::Sso, Intent::Dsync].map(|intent| {
                    let pictured = PicturedIntent {
                        state: StateName::Known(State::Configured),
                        since: None,
                        turn: None,
                        reason: String::new(),
                    };
                    (IntentName::Known(intent), pictured)
                });
                let organization = PicturedOrganization {
                    intents: intents.into(),
                    ..PicturedOrganization::default()
                };
                (key.to_owned(), organization)
            })
            .collect(),
    };
    let selection = Selection::new(&["ac*".to_owned()], &["sso".to_owned()]).unwrap();
    let narrowed = all.narrowed(&selection);
    let left: Vec<_> = states(&narrowed).into_keys().collect();
    assert_eq!(left, [("acme".to_owned(), IntentName::Known(Intent::Sso))]);
}

#[test]
fn a_narrowed_reading_leaves_the_others_as_they_were() {
    let pictured = |state| PicturedIntent {
        state: StateName::Known(state),
        since: None,
        turn: None,
        reason: String::new(),
    };
    let of = |state, keys: &[&str], intents: &[Intent]| {
        let intents = intents.iter();
        let intents = intents.map(|intent| (IntentName::Known(*intent), pictured(state)));
        let organization = PicturedOrganization {
            intents: intents.collect(),
            ..PicturedOrganization::default()
        };
        let keys = keys.iter();
        Picture {
            organizations: keys
                .map(|key| ((*key).to_owned(), organization.clone()))
                .collect(),
        }
    };
    let both = [Intent::Sso, Intent::Dsync];
    let earlier = of(State::Unconfigured, &["acme", "acme-gone", "globex"], &both);
    let now = of(State::Configured, &["acme"], &[Intent::Sso]);
    let selection = Selection::new(&["acme*".to_owned()], &["sso".to_owned()]).unwrap();
    let changes = compare(&earlier, &now.with_unselected(&earlier, &selection));
    let found: Vec<_> = changes
        .iter()
        .flat_map(|one| {
            one.intents
                .iter()
                .map(|it| (one.key.as_str(), it.intent.as_str()))
        })
        .collect();
    assert_eq!(found, [("acme", "sso"), ("acme-gone", "sso")]);
}
