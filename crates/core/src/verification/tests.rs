//! Texts about a domain, by the answers of DNS and WorkOS.

use proptest::prelude::*;

use super::*;
use portalctl_model::OrgKey;
use portalctl_model::codes::domain as codes;

const PREFIX: &str = "superapp-domain-verification-z3kjny";
const TOKEN: &str = "m5Oztg3jdK4NJLgs8uIlIprMw";

fn live_domain(state: DomainState) -> OrganizationDomain {
    OrganizationDomain {
        id: Some("org_domain_1".to_owned()),
        domain: Domain::from_api("acme.com"),
        state,
        verification_prefix: Some(PREFIX.to_owned()),
        verification_token: Some(TOKEN.to_owned()),
        created_at: None,
        updated_at: None,
    }
}

fn record() -> Record {
    Record::of(&live_domain(DomainState::Pending)).unwrap()
}

fn here(answer: Answer) -> DnsCheck {
    let elsewhere = Vec::new();
    check_record(
        &record(),
        &Answers {
            here: answer,
            elsewhere,
        },
    )
}

fn texts(texts: &[&str]) -> Answer {
    Answer::Texts(texts.iter().map(|&text| text.to_owned()).collect())
}

#[test]
fn what_stands_at_the_name_is_held_against_the_record() {
    let value = format!("{PREFIX}={TOKEN}");
    let upper = value.to_ascii_uppercase();
    let rows: Vec<String> = [
        texts(&[&value]),
        texts(&["v=spf1 -all", &value, "other"]),
        texts(&[&format!("\"{value}\" ")]),
        texts(&[&format!("“{value}”")]),
        texts(&[&upper]),
        texts(&[TOKEN]),
        texts(&[&format!("verification_token={TOKEN}")]),
        texts(&[&format!("{PREFIX}=0ld")]),
        texts(&["superapp-domain-verification-a1b2c3=0ld"]),
        texts(&["otherapp-domain-verification-a1b2c3=0ld"]),
        texts(&["v=spf1 -all", "", "google-site-verification=x"]),
        texts(&[]),
        Answer::NoText,
        Answer::NoName,
        Answer::Failed(Trouble::ServerFailure),
        Answer::Failed(Trouble::Refused),
        Answer::Failed(Trouble::Timeout),
        Answer::Failed(Trouble::Unreachable),
        Answer::Failed(Trouble::Other("odd\u{1b}[2J".to_owned())),
    ]
    .into_iter()
    .map(here)
    .map(|seen| format!("{}: {}", seen.presence.as_str(), seen.message))
    .collect();
    insta::assert_snapshot!(rows.join("\n"), @r"
yes: acme.com has the record
yes: acme.com has the record
yes: acme.com has the record, with quotes or spaces as a part of its value
yes: acme.com has the record, with quotes or spaces as a part of its value
other_value: acme.com has the record in another case; upper and lower case count
other_value: acme.com has a record with the token, but not in the form superapp-domain-verification-z3kjny=TOKEN
other_value: acme.com has a record with the token, but not in the form superapp-domain-verification-z3kjny=TOKEN
other_value: acme.com has another record of this kind: an old one, or another organization's
other_value: acme.com has another record of this kind: an old one, or another organization's
no: acme.com has 1 TXT record, and it is not this one
no: acme.com has 3 TXT records, and none of them is this one
no: acme.com has no TXT record
no: acme.com has no TXT record
no: acme.com does not exist (NXDOMAIN); is it registered, and spelt right?
unknown: acme.com: its DNS servers fail to answer (SERVFAIL)
unknown: acme.com: the resolver refuses to answer (REFUSED)
unknown: acme.com: no resolver answered in time
unknown: acme.com: no resolver can be reached
unknown: acme.com: the resolver's answer is of no use: odd\u{1b}[2J
");
}

#[test]
fn the_nearest_record_decides() {
    let old = format!("{PREFIX}=0ld");
    let bare = texts(&[&old, TOKEN]);
    assert!(here(bare).message.contains("not in the form"));
    let value = format!("{PREFIX}={TOKEN}");
    assert_eq!(
        here(texts(&[&old, TOKEN, &value])).presence,
        RecordPresence::Yes
    );
}

fn check(
    state: Option<DomainState>,
    asked: Asked,
    presence: Option<RecordPresence>,
) -> DomainCheck {
    let seen = presence.map(|presence| DnsCheck {
        presence,
        found_at: None,
        message: String::new(),
    });
    DomainCheck {
        domain: Domain::from_api("acme.com"),
        state,
        failure: None,
        days_left: None,
        record: Some(ShownRecord::new(&record(), RecordValue::Hidden)),
        seen,
        asked,
        contest: None,
    }
}

fn contested(is_lost: bool) -> Contested {
    let state = if is_lost { "verified" } else { "pending" };
    Contested {
        holders: "org_2 (Other)".to_owned(),
        is_lost,
        rivals: vec![RivalHolder {
            organization: OrganizationId::from_api("org_2".to_owned()),
            name: "Other".to_owned(),
            state: DomainState::from_api(state),
        }],
    }
}

#[test]
fn nobody_is_told_to_wait_while_another_organization_holds_the_domain() {
    use DomainState::{Pending, Verified};
    let key = OrgKey::parse("acme").unwrap();
    let seen = |is_lost| DomainCheck {
        contest: Some(contested(is_lost)),
        ..check(Some(Pending), Asked::Answered, Some(RecordPresence::Yes))
    };
    let step = seen(false).next_step(&key).unwrap();
    assert!(!step.contains("wait"), "{step}");
    assert!(step.contains("only one can verify it"), "{step}");
    assert!(seen(false).contested().unwrap().contains("org_2 (Other)"));
    assert_eq!(seen(false).code(), None);
    assert_eq!(seen(true).code(), Some(codes::VERIFIED_ELSEWHERE));
    let absent = DomainCheck {
        contest: Some(contested(true)),
        ..check(None, Asked::NotNeeded, None)
    };
    let step = absent.next_step(&key).unwrap();
    assert!(!step.contains("apply"), "{step}");
    // What is verified here is nobody's to fight about.
    let ours = DomainCheck {
        contest: Some(contested(false)),
        ..check(Some(Verified), Asked::NotNeeded, None)
    };
    assert_eq!(ours.next_step(&key), None);
}

#[test]
fn the_next_step_goes_by_what_is_missing() {
    use DomainState::{Failed, Pending, Unverified, Verified};
    let key = OrgKey::parse("acme").unwrap();
    let pending = |asked, presence| check(Some(Pending), asked, Some(presence));
    let elsewhere = DomainCheck {
        failure: Some(Failure::VerifiedElsewhere),
        ..check(Some(Failed), Asked::Answered, Some(RecordPresence::Yes))
    };
    let revealed = DomainCheck {
        record: Some(ShownRecord::new(&record(), RecordValue::Shown)),
        ..pending(Asked::InVain, RecordPresence::No)
    };
    let rows: Vec<String> = [
        check(None, Asked::NotNeeded, None),
        check(Some(Verified), Asked::NotNeeded, None),
        check(
            Some(DomainState::from_api("odd")),
            Asked::Answered,
            Some(RecordPresence::No),
        ),
        pending(Asked::Answered, RecordPresence::Yes),
        pending(Asked::DnsOnly, RecordPresence::Yes),
        pending(Asked::InVain, RecordPresence::No),
        revealed,
        pending(Asked::InVain, RecordPresence::OtherValue),
        pending(Asked::InVain, RecordPresence::WrongName),
        pending(Asked::Answered, RecordPresence::Unknown),
        pending(Asked::NoId, RecordPresence::Yes),
        pending(Asked::Failed, RecordPresence::Yes),
        pending(Asked::Stopped, RecordPresence::Yes),
        check(Some(Unverified), Asked::Answered, None),
        elsewhere,
    ]
    .iter()
    .map(|check| check.next_step(&key).unwrap_or_else(|| "-".to_owned()))
    .collect();
    insta::assert_snapshot!(rows.join("\n"), @"
run portalctl apply: it adds the domain
-
look at it in the WorkOS dashboard
wait: WorkOS looks for the record by itself; portalctl verify-domain acme asks it again any time
run portalctl verify-domain acme without --dns-only: WorkOS can be asked
ask the customer to set the TXT record (--reveal shows its value)
ask the customer to set the TXT record
ask the customer to set this very value (--reveal shows its value); other TXT records may stay
ask the customer to set the record at acme.com itself; many DNS panels write that as @ and add the domain to any other name
run portalctl verify-domain acme again later, or with another resolver (--resolver 1.1.1.1)
look at it in the WorkOS dashboard
run portalctl verify-domain acme again
run portalctl verify-domain acme again
run portalctl verify-domain acme again: it shows the record to set
find out which of the two organizations the domain belongs to
");
}

#[test]
fn nothing_that_is_shown_holds_the_token_unless_revealed() {
    let shown = format!("{:?}", check(None, Asked::NotNeeded, None));
    assert!(!shown.contains(TOKEN));
    let revealed = ShownRecord::new(&record(), RecordValue::Shown);
    assert_eq!(revealed.value, Some(format!("{PREFIX}={TOKEN}")));
}

fn some_text() -> impl Strategy<Value = String> {
    let value = format!("{PREFIX}={TOKEN}");
    prop_oneof![
        ".{0,40}",
        Just(value.clone()),
        Just(TOKEN.to_owned()),
        (" {0,3}", "[\"']{0,2}")
            .prop_map(move |(space, quote)| { format!("{space}{quote}{value}{quote}") }),
        "superapp-domain-verification-[a-z0-9]{6}=[A-Za-z0-9]{0,25}",
    ]
}

fn some_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        proptest::collection::vec(some_text(), 0..5).prop_map(Answer::Texts),
        Just(Answer::NoText),
        Just(Answer::NoName),
        ".{0,20}".prop_map(|said| Answer::Failed(Trouble::Other(said))),
    ]
}

proptest! {
    #[test]
    fn a_sentence_is_plain_and_holds_no_value(
        here in some_answer(),
        there in proptest::collection::vec(some_answer(), 0..3),
    ) {
        let elsewhere = record().elsewhere().into_iter().zip(there).collect();
        let is_there = matches!(&here, Answer::Texts(texts) if texts.contains(&record().reveal()));
        let seen = check_record(&record(), &Answers { here, elsewhere });
        prop_assert!(!seen.message.contains(TOKEN));
        prop_assert!(seen.message.chars().all(portalctl_model::text::is_plain));
        prop_assert_eq!(seen.found_at.is_some(), seen.presence == RecordPresence::WrongName);
        prop_assert!(!is_there || seen.presence == RecordPresence::Yes);
    }

    #[test]
    fn several_resolvers_see_it_only_together(presences in proptest::collection::vec(some_answer(), 1..4)) {
        let seen: Vec<DnsCheck> = presences.into_iter().map(here).collect();
        let told = seen.iter().filter(|seen| seen.presence != RecordPresence::Unknown);
        let all = told.clone().count() > 0 && told.clone().all(|seen| seen.presence == RecordPresence::Yes);
        let none = told.count() == 0;
        let combined = combine(seen.into_iter().map(|seen| ("r".to_owned(), seen)).collect());
        prop_assert_eq!(combined.presence == RecordPresence::Yes, all);
        prop_assert_eq!(combined.presence == RecordPresence::Unknown, none);
    }
}
