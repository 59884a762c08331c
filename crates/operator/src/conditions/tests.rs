//! Tests of `conditions`.

use super::*;
use portalctl_core::identity::MatchedBy;
use portalctl_core::readiness::Turn;
use portalctl_model::{Intent, OrganizationId};

fn matched() -> Identity {
    Identity::Matched {
        organization: OrganizationId::from_api("org_1".to_owned()),
        by: MatchedBy::ExternalId,
    }
}

fn intent(state: State) -> IntentReadiness {
    IntentReadiness {
        intent: Intent::Sso,
        state,
        since: None,
        turn: Turn::Customer,
        reason: "no connection yet".to_owned(),
        next_step: None,
        evidence: Vec::new(),
        basis: portalctl_core::readiness::Basis::Read,
        missing_domain: None,
    }
}

fn facts<'a>(identity: &'a Identity, intents: &'a [IntentReadiness]) -> Facts<'a> {
    Facts {
        identity,
        diff: &[],
        blocked: None,
        contested: &[],
        no_contacts: None,
        warnings: &[],
        read_only: None,
        intents,
    }
}

#[test]
fn warnings_of_the_plan_are_told_and_change_no_status() {
    let (identity, intents) = (matched(), [intent(State::Unconfigured)]);
    let warnings = ["an invitation may be on its way".to_owned()];
    let conditions_set = observed(&Facts {
        warnings: &warnings,
        ..facts(&identity, &intents)
    });
    assert_eq!(conditions_set.synced.status, ConditionStatus::True);
    assert_eq!(conditions_set.synced.reason, Reason::InSync);
    assert_eq!(
        conditions_set.synced.message,
        "WorkOS has what is declared; warning: an invitation may be on its way"
    );
    assert_eq!(conditions_set.progress, Progress::Settled);
}

#[test]
fn a_customer_who_has_not_finished_is_no_error() {
    let (identity, intents) = (matched(), [intent(State::Unconfigured)]);
    let conditions_set = observed(&facts(&identity, &intents));
    assert_eq!(conditions_set.synced.reason, Reason::InSync);
    assert_eq!(conditions_set.ready.unwrap().reason, Reason::Available);
    let onboarded = conditions_set.onboarded.unwrap();
    assert_eq!(onboarded.status, ConditionStatus::False);
    assert_eq!(onboarded.reason, Reason::AwaitingCustomer);
    assert_eq!(conditions_set.progress, Progress::Settled);
}

#[test]
fn where_there_is_no_organization_it_is_not_the_customers_turn() {
    let intents = [intent(State::Unknown)];
    let blocked = BlockedReason::new(Reason::Held, "spec.limits allow none");
    let conditions_set = observed(&Facts {
        blocked: Some(&blocked),
        ..facts(&Identity::Missing, &intents)
    });
    assert_eq!(conditions_set.onboarded.unwrap().reason, Reason::Held);
}

#[test]
fn what_broke_does_not_make_it_red_either() {
    let (identity, intents) = (matched(), [intent(State::Attention)]);
    let conditions_set = observed(&facts(&identity, &intents));
    assert_eq!(conditions_set.ready.unwrap().status, ConditionStatus::True);
    assert_eq!(
        conditions_set.onboarded.unwrap().reason,
        Reason::NeedsAttention
    );
}

#[test]
fn a_contested_domain_leaves_ready_true_and_is_a_condition_of_its_own() {
    let (identity, intents) = (matched(), [intent(State::Attention)]);
    let contested = ["the domain a.example is verified for org_2 (Other)".to_owned()];
    let conditions_set = observed(&Facts {
        contested: &contested,
        ..facts(&identity, &intents)
    });
    let at = Timestamp::UNIX_EPOCH;
    let told = merge(&[], &conditions_set, Some(1), at);
    let find = |told: &[Condition], kind: &str| {
        let found = told.iter().find(|one| one.kind == kind).cloned();
        found.map(|one| (one.status, one.reason, one.message))
    };
    for kind in [READY, SYNCED] {
        assert_eq!(
            find(&told, kind).unwrap().0,
            ConditionStatus::True,
            "{kind}"
        );
    }
    let (status, reason, message) = find(&told, DOMAIN_CONTESTED).unwrap();
    assert_eq!(status, ConditionStatus::True);
    assert_eq!(reason, "DomainVerifiedElsewhere");
    assert!(message.contains("org_2 (Other)"), "{message}");
    assert_eq!(find(&told, STALLED), None);
    // While WorkOS cannot be read it stays as it was, and it goes once it is resolved.
    let unread = not_observed(&BlockedReason::new(Reason::Unreachable, "down"));
    assert!(find(&merge(&told, &unread, Some(1), at), DOMAIN_CONTESTED).is_some());
    let resolved = observed(&facts(&identity, &intents));
    let told = merge(&told, &resolved, Some(1), at);
    assert_eq!(find(&told, DOMAIN_CONTESTED), None);
}

#[test]
fn contacts_that_are_not_to_be_had_are_said_and_harm_nothing() {
    let (identity, intents) = (matched(), [intent(State::Configured)]);
    let conditions_set = observed(&Facts {
        no_contacts: Some("its IT contacts cannot be read (404)"),
        ..facts(&identity, &intents)
    });
    assert_eq!(conditions_set.synced.status, ConditionStatus::True);
    let told = "WorkOS has what is declared, except for IT contacts: its IT contacts cannot be \
                read (404)";
    assert_eq!(conditions_set.synced.message, told);
    assert_eq!(conditions_set.ready.unwrap().status, ConditionStatus::True);
    assert_eq!(conditions_set.progress, Progress::Settled);
}

#[test]
fn whoever_asked_for_nothing_to_be_written_is_not_alarmed_by_differences() {
    let (identity, diff) = (matched(), ["differs in name".to_owned()]);
    for (read_only, reason) in [
        (ReadOnly::Paused, Reason::Paused),
        (ReadOnly::ObserveOnly, Reason::ObserveOnly),
    ] {
        let conditions_set = observed(&Facts {
            diff: &diff,
            read_only: Some(read_only),
            ..facts(&identity, &[])
        });
        assert_eq!(conditions_set.synced.status, ConditionStatus::False);
        assert_eq!(conditions_set.synced.reason, reason);
        assert_eq!(conditions_set.ready.unwrap().status, ConditionStatus::True);
        assert_eq!(conditions_set.progress, Progress::Settled);
    }
}

#[test]
fn what_passes_leaves_ready_as_it_was_and_what_does_not_turns_it() {
    let ready = |reason| not_observed(&BlockedReason::new(reason, "…")).ready;
    for reason in [Reason::Unreachable, Reason::RateLimited] {
        assert_eq!(ready(reason), None, "{reason}");
    }
    for reason in [Reason::SecretMissing, Reason::Invalid, Reason::Conflict] {
        let verdict = ready(reason).unwrap();
        assert_eq!(verdict.status, ConditionStatus::False, "{reason}");
    }
}

#[test]
fn a_condition_keeps_its_time_until_its_status_changes() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let (identity, intents) = (matched(), [intent(State::Unconfigured)]);
    let good = observed(&facts(&identity, &intents));
    let first = merge(&[], &good, Some(1), at(100));
    let second = merge(&first, &good, Some(2), at(200));
    for condition in &second {
        assert_eq!(condition.last_transition_time, at(100));
        assert_eq!(condition.observed_generation, Some(2));
    }
    let down = not_observed(&BlockedReason::new(Reason::Unreachable, "down"));
    let third = merge(&second, &down, Some(2), at(300));
    let time = |kind: &str| {
        let condition = third.iter().find(|one| one.kind == kind);
        condition.map(|one| one.last_transition_time)
    };
    assert_eq!(time(SYNCED), Some(at(300)));
    assert_eq!(time(READY), Some(at(100)));
    assert_eq!(time(RECONCILING), Some(at(300)));
    assert_eq!(time(STALLED), None);
}

#[test]
fn messages_are_bounded_and_plain() {
    let blocked = BlockedReason::new(Reason::Refused, "é\u{202e}".repeat(5000));
    let conditions = merge(&[], &not_observed(&blocked), None, Timestamp::UNIX_EPOCH);
    for condition in conditions {
        assert!(condition.message.chars().count() <= MAX_MESSAGE + 1);
        assert!(!condition.message.contains('\u{202e}'));
    }
}
