//! Tests the real DNS resolver against a small DNS server on loopback.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::ResponseCode;
use portalctl_core::verification::{Answer, DnsCheck, Record, RecordPresence, Trouble};
use portalctl_model::observed::DomainState;
use portalctl_platform::clock::{SharedClock, SystemClock};
use portalctl_workos::dns::{Bounds, Resolver, Resolvers, TxtLookup};

use crate::support::dns::{DnsServer, Zone};
use crate::support::samples::held;

const VALUE: &str = "superapp-domain-verification-z3kjny=m5Oztg3jdK4NJLgs8uIlIprMw";
const OLD: &str = "superapp-domain-verification-a1b2c3=0ld0ld0ld0ld0ld0ld0ld0ld0";

/// Bounds in which every answer of the test server arrives.
const SHORT: Bounds = Bounds {
    attempt: Duration::from_millis(100),
    total: Duration::from_mins(1),
};
const LONG: Bounds = Bounds {
    attempt: Duration::from_secs(20),
    total: Duration::from_mins(1),
};

fn record(domain: &str) -> Record {
    let mut held = held(domain, DomainState::Pending);
    let (prefix, token) = VALUE.split_once('=').unwrap();
    held.verification_prefix = Some(prefix.to_owned());
    held.verification_token = Some(token.to_owned());
    Record::of(&held).unwrap()
}

async fn texts(server: &DnsServer, name: &str, bounds: Bounds) -> Answer {
    let resolver = Resolver::at(server.address(), bounds).unwrap();
    resolver.texts(name).await
}

async fn see(servers: &[&DnsServer], bounds: Bounds) -> DnsCheck {
    let addresses: Vec<_> = servers.iter().map(|server| server.address()).collect();
    let clock: SharedClock = Arc::new(SystemClock);
    let resolvers = Resolvers::new(&addresses, bounds, clock);
    let record = record("acme.com");
    let seen = resolvers.look(&record).await.check(&record);
    let (_, token) = VALUE.split_once('=').unwrap();
    assert!(!seen.message.contains(token), "{seen:?}");
    seen
}

#[tokio::test]
async fn every_kind_of_answer_is_told_apart() {
    let server = DnsServer::with(&[
        ("one.test", Zone::texts(&["v=spf1 -all"])),
        ("two.test", Zone::texts(&["a", "b"])),
        ("none.test", Zone::NoText),
        ("failing.test", Zone::Fails(ResponseCode::ServFail)),
        ("refused.test", Zone::Fails(ResponseCode::Refused)),
        ("odd.test", Zone::Fails(ResponseCode::NotImp)),
    ]);
    let some = |texts: &[&str]| Answer::Texts(texts.iter().map(|&t| t.to_owned()).collect());
    for (name, answer) in [
        ("one.test", some(&["v=spf1 -all"])),
        ("two.test", some(&["a", "b"])),
        ("none.test", Answer::NoText),
        ("missing.test", Answer::NoName),
        ("failing.test", Answer::Failed(Trouble::ServerFailure)),
        ("refused.test", Answer::Failed(Trouble::Refused)),
        ("not a name", Answer::NoName),
        (&"a.".repeat(200), Answer::NoName),
    ] {
        assert_eq!(texts(&server, name, LONG).await, answer, "{name}");
    }
    let odd = texts(&server, "odd.test", LONG).await;
    assert!(matches!(odd, Answer::Failed(Trouble::Other(_))), "{odd:?}");
}

#[tokio::test]
async fn the_strings_of_one_record_are_one_text() {
    let (head, tail) = VALUE.split_at(20);
    let strings = vec![head.to_owned(), tail.to_owned()];
    let server = DnsServer::with(&[("acme.com", Zone::Texts(vec![strings]))]);
    assert_eq!(see(&[&server], LONG).await.presence, RecordPresence::Yes);
}

#[tokio::test]
async fn an_answer_too_long_for_udp_comes_by_tcp() {
    let long = "x".repeat(250);
    let mut many = vec![long.as_str(); 40];
    many.push(VALUE);
    let server = DnsServer::with(&[("acme.com", Zone::texts(&many))]);
    assert_eq!(see(&[&server], LONG).await.presence, RecordPresence::Yes);
    let asked: Vec<Protocol> = server.asked().into_iter().map(|(_, by)| by).collect();
    assert_eq!(asked, [Protocol::Udp, Protocol::Tcp]);
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let server = DnsServer::with(&[("acme.com", Zone::Silent)]);
    let answer = texts(&server, "acme.com", SHORT).await;
    assert_eq!(answer, Answer::Failed(Trouble::Timeout));
    let seen = see(&[&server], SHORT).await;
    assert_eq!(seen.presence, RecordPresence::Unknown);
    assert_eq!(seen.message, "acme.com: no resolver answered in time");
}

#[tokio::test]
async fn the_whole_look_has_an_end_too() {
    let server = DnsServer::with(&[("acme.com", Zone::Silent)]);
    let bounds = Bounds {
        total: Duration::from_millis(50),
        ..LONG
    };
    let seen = see(&[&server], bounds).await;
    assert_eq!(seen.message, "acme.com: no resolver answered in time");
}

#[tokio::test]
async fn nobody_at_the_address_cannot_tell() {
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let resolver = Resolver::at(address, SHORT).unwrap();
    let answer = resolver.texts("acme.com").await;
    let troubles = [Trouble::Unreachable, Trouble::Timeout].map(Answer::Failed);
    assert!(troubles.contains(&answer), "{answer:?}");
}

#[tokio::test]
async fn the_wrong_names_are_looked_at_only_when_the_right_one_has_nothing() {
    let server = DnsServer::with(&[("acme.com", Zone::texts(&["v=spf1 -all", VALUE]))]);
    assert_eq!(see(&[&server], LONG).await.presence, RecordPresence::Yes);
    assert_eq!(server.asked().len(), 1);
    let server = DnsServer::with(&[("acme.com", Zone::Fails(ResponseCode::ServFail))]);
    let seen = see(&[&server], LONG).await;
    assert_eq!(seen.presence, RecordPresence::Unknown);
    assert!(server.asked().iter().all(|(name, _)| name == "acme.com"));
}

#[tokio::test]
async fn a_record_at_a_wrong_name_is_found() {
    for (name, value) in [
        ("acme.com.acme.com", VALUE),
        ("_acme-challenge.acme.com", VALUE),
        (
            "superapp-domain-verification-z3kjny.acme.com",
            "m5Oztg3jdK4NJLgs8uIlIprMw",
        ),
    ] {
        for here in [Zone::NoText, Zone::texts(&["v=spf1 -all", OLD])] {
            let server = DnsServer::with(&[(name, Zone::texts(&[value])), ("acme.com", here)]);
            let seen = see(&[&server], LONG).await;
            assert_eq!(seen.presence, RecordPresence::WrongName, "{name}");
            assert_eq!(seen.found_at.as_deref(), Some(name));
        }
    }
}

#[tokio::test]
async fn several_resolvers_have_to_agree() {
    let new = DnsServer::with(&[("acme.com", Zone::texts(&[VALUE]))]);
    let old = DnsServer::with(&[("acme.com", Zone::NoText)]);
    let dead = DnsServer::with(&[("acme.com", Zone::Fails(ResponseCode::ServFail))]);
    let said = async |servers: &[&DnsServer]| {
        let seen = see(servers, LONG).await;
        let mut message = seen.message;
        for (server, name) in [(&new, "NEW"), (&old, "OLD"), (&dead, "DEAD")] {
            message = message.replace(&server.address().to_string(), name);
        }
        format!("{}: {message}", seen.presence.as_str())
    };
    insta::assert_snapshot!(said(&[&new, &new]).await, @"yes: all 2 resolvers: acme.com has the record");
    insta::assert_snapshot!(said(&[&new, &old]).await, @"no: 1 of 2 resolvers see the record already; OLD: acme.com has no TXT record");
    insta::assert_snapshot!(said(&[&old, &dead]).await, @"no: OLD: acme.com has no TXT record");
    insta::assert_snapshot!(said(&[&dead, &new]).await, @"yes: the 1 of 2 resolvers that answered: acme.com has the record");
    insta::assert_snapshot!(said(&[&dead, &dead]).await, @"unknown: none of 2 resolvers could tell; DEAD: acme.com: its DNS servers fail to answer (SERVFAIL)");
}
