//! Tests of the rules and of the schedule by seed.

use std::collections::BTreeSet;

use super::*;

fn verdicts(faults: &mut Faults, method: &Method, path: &str, times: usize) -> Vec<&'static str> {
    (0..times)
        .map(|_| faults.verdict(method, path).map_or("-", |f| f.name()))
        .collect()
}

#[test]
fn patterns_stand_for_segments() {
    for (pattern, path, expected) in [
        ("/organizations", "/organizations", true),
        ("/organizations", "/organizations/org_1", false),
        ("/organizations/*", "/organizations/org_1", true),
        ("/organizations/*", "/organizations", false),
        (
            "/organizations/*",
            "/organizations/org_1/it_contacts",
            false,
        ),
        (
            "/organizations/**",
            "/organizations/org_1/it_contacts",
            true,
        ),
        ("/organizations/**", "/organizations", true),
        ("/**", "/events", true),
    ] {
        assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
    }
}

#[test]
fn the_first_rule_that_does_not_pass_decides() {
    let mut faults = Faults::none()
        .with(on(Method::POST, "/organizations").nth(2), Fault::LoseReply)
        .with(any().every(3), Fault::ResetBefore);
    let (post, path) = (Method::POST, "/organizations");
    // The second rule is not asked about the second request, so it counts one less.
    assert_eq!(
        verdicts(&mut faults, &post, path, 6),
        ["-", "lose_reply", "-", "reset_before", "-", "-"]
    );
    let fired: Vec<_> = faults.fired().map(|fired| fired.fault.name()).collect();
    assert_eq!(fired, ["lose_reply", "reset_before"]);
    faults.clear();
    assert_eq!(verdicts(&mut faults, &post, path, 2), ["-", "-"]);
}

#[test]
fn a_schedule_depends_on_its_seed_and_on_no_other_subject() {
    let post = Method::POST;
    let mut first = Faults::seeded(7, 20);
    let alone = verdicts(&mut first, &post, "/organizations", 500);
    let mut second = Faults::seeded(7, 20);
    let mut among_others = Vec::new();
    for _ in 0..500 {
        second.verdict(&Method::GET, "/events");
        among_others.extend(verdicts(&mut second, &post, "/organizations", 1));
    }
    assert_eq!(alone, among_others);
    let mut other = Faults::seeded(8, 20);
    assert_ne!(alone, verdicts(&mut other, &post, "/organizations", 500));
}

#[test]
fn a_schedule_keeps_its_rate_and_knows_every_fault() {
    let mut faults = Faults::seeded(1, 10);
    let drawn = verdicts(&mut faults, &Method::GET, "/connections", 10_000);
    let failed: Vec<_> = drawn.into_iter().filter(|name| *name != "-").collect();
    assert!((800..1_200).contains(&failed.len()), "{}", failed.len());
    let kinds: BTreeSet<_> = failed.into_iter().collect();
    let all = "limit lose_reply not_json reset_before slow status truncate";
    assert_eq!(kinds.into_iter().collect::<Vec<_>>().join(" "), all);
    let mut off = Faults::seeded(1, 0);
    let none = verdicts(&mut off, &Method::GET, "/connections", 100);
    assert!(none.iter().all(|name| *name == "-"));
}
