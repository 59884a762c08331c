//! Tests of the receiver's memory.

use super::memory::Memory;
use super::*;
use portalctl_platform::clock::{Clock, SystemClock};

fn name(name: &str) -> Name {
    Name {
        namespace: "portal".to_owned(),
        name: name.to_owned(),
    }
}

#[test]
fn one_environment_takes_no_room_from_another() {
    let memory = Memory::new();
    let now = SystemClock.instant();
    let staging = memory.of(&name("staging"), now);
    let held: Vec<_> = std::iter::from_fn(|| memory.room(&staging)).collect();
    assert_eq!(held.len(), 8);
    let production = memory.of(&name("production"), now);
    assert!(memory.room(&production).is_some());
    let fill = |of: &str| {
        let one = memory.of(&name(of), now);
        std::iter::from_fn(|| memory.room(&one)).collect::<Vec<_>>()
    };
    let others: Vec<_> = ["a", "b", "c", "d"]
        .map(fill)
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(held.len() + others.len(), 32, "all together have a bound");
    drop(held);
    assert!(memory.room(&staging).is_some());
}

#[test]
fn the_log_has_a_line_now_and_then_that_counts_the_others() {
    let memory = Memory::new();
    let now = SystemClock.instant();
    let known = memory.of(&name("production"), now);
    assert_eq!(known.log_turn(now), Some(0));
    for _ in 0..2_000 {
        assert_eq!(known.log_turn(now), None);
    }
    let later = now + Duration::from_secs(10);
    assert_eq!(known.log_turn(later), Some(2_000));
    // What nobody asks for any more is forgotten, and what is asked for is not.
    let much_later = later + Duration::from_mins(1);
    let again = memory.of(&name("production"), much_later);
    assert!(Arc::ptr_eq(&again, &known));
    let _ = memory.of(&name("staging"), much_later + Duration::from_mins(1));
    let fresh = memory.of(&name("production"), much_later + Duration::from_mins(1));
    assert!(!Arc::ptr_eq(&fresh, &known));
}
