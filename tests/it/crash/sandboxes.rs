//! Kills of what keeps a sandbox's state in a file: a command with `--sandbox=FILE`, and
//! `portalctl sandbox --state FILE`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

use super::campaign::{Campaign, Draw};
use super::file_events::FileEvents;
use super::victim::{Ending, Victim};
use super::{all_different, names_in};
use crate::support::cli::{KEY, TestEnv};
use crate::support::http;
use crate::support::manifests::many;
use crate::support::sandbox_server::SandboxServer;

const STATE: &str = "kept/state.json";
const APPLY: &str = "apply --yes --sandbox=kept/state.json --requests-per-second 1000";

#[test]
fn a_sandbox_in_a_file_is_as_before_or_as_after_when_its_command_is_killed() {
    let events = {
        let env = TestEnv::with_manifest(&many(30));
        fs::create_dir(env.path("kept")).unwrap();
        let events = FileEvents::of(&env.path("kept"));
        let _ = env.run(APPLY).exits(0);
        events.count()
    };
    Campaign::SandboxOfACommand.run(|draw| {
        let env = TestEnv::with_manifest(&many(10));
        fs::create_dir(env.path("kept")).unwrap();
        if draw.below(2) == 0 {
            let _ = env.run(APPLY).exits(0);
        }
        let before = fs::read(env.path(STATE)).ok();
        env.write("portal.yaml", &many(30));
        let watched = FileEvents::of(&env.path("kept"));
        let victim = Victim::default();
        victim.start_unheard(env.run(APPLY), &env.root().join("victim.log"));
        // One less where the lock's file is there already; the last change is the end of it.
        let events = events - usize::from(before.is_some());
        let nth = 1 + draw.below(events - 1);
        println!("    change {nth} of {events}");
        let ending = watched.kill_at(nth, &victim);

        let after = fs::read(env.path(STATE)).ok();
        let is_whole = |state: &Vec<u8>| serde_json::from_slice::<Value>(state).is_ok();
        assert!(after == before || after.as_ref().is_some_and(is_whole));
        let _ = env.run(APPLY).exits(0);
        let plan = env.run("plan --detailed-exitcode --sandbox=kept/state.json");
        let _ = plan.exits(0);
        let whole = ["state.json", "state.json.lock"];
        assert_eq!(names_in(&env.path("kept")), whole);
        ending
    });
}

#[test]
fn a_sandbox_server_that_is_killed_goes_on_from_a_whole_state() {
    Campaign::SandboxServer.run(kill_server);
}

fn kill_server(draw: &mut Draw) -> Ending {
    let env = TestEnv::with_manifest(&many(30));
    fs::create_dir(env.path("kept")).unwrap();
    let watched = FileEvents::of(&env.path("kept"));
    let victim = Victim::default();
    let line = format!("sandbox --quiet --listen 127.0.0.1:0 --rate-limit off --state {STATE}");
    let stdout = victim.start(env.run(&line), &env.root().join("victim.log"));
    let mut url = String::new();
    BufReader::new(stdout).read_line(&mut url).unwrap();
    let address = url.trim().strip_prefix("http://").unwrap().to_owned();

    // The lock's file, and up to two states of three changes each.
    let nth = 1 + draw.below(7);
    println!("    change {nth}");
    let (ending, made) = std::thread::scope(|scope| {
        let made = scope.spawn(|| create_until_it_is_gone(&address));
        (watched.kill_at(nth, &victim), made.join().unwrap())
    });

    let server = SandboxServer::with(&env, &format!("--rate-limit off --state {STATE}"));
    let kept = all_different(&server);
    assert!(kept.is_subset(&made), "{kept:?} of {made:?}");
    let apply = env.run("apply --yes --requests-per-second 1000");
    let _ = apply.at(&server).exits(0);
    let _ = env.run("plan --detailed-exitcode").at(&server).exits(0);
    assert_eq!(server.stop(), Some(0));
    let whole = ["state.json", "state.json.lock"];
    assert_eq!(names_in(&env.path("kept")), whole);
    ending
}

/// Creates one organization after the other for as long as anybody answers; the names of all of
/// them, the last one's too, which may have been made without an answer.
fn create_until_it_is_gone(address: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    loop {
        let name = format!("Guest {:06}", names.len());
        let body = json!({ "name": name });
        names.insert(name);
        if http::try_send(address, KEY, "POST", "/organizations", Some(&body)).is_err() {
            return names;
        }
    }
}
