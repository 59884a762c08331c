//! Kills of what writes files for people: `import`, and a plan that is saved.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::campaign::Campaign;
use super::file_events::FileEvents;
use super::names_in;
use super::victim::Victim;
use crate::support::cli::TestEnv;
use crate::support::manifests::many;
use crate::support::sandbox_server::SandboxServer;

/// The visible files of a folder, with what they hold.
#[track_caller]
fn files_in(folder: &Path) -> BTreeMap<String, String> {
    names_in(folder)
        .into_iter()
        .filter(|name| !name.starts_with('.'))
        .map(|name| (name.clone(), fs::read_to_string(folder.join(name)).unwrap()))
        .collect()
}

#[test]
fn import_can_be_killed_at_any_moment_and_the_next_run_writes_the_rest() {
    let env = TestEnv::new();
    let mut scenario = String::from("organizations:\n");
    for number in 0..30 {
        let line = format!("- {{ name: Customer {number}, external_id: customer-{number} }}");
        writeln!(scenario, "{line}").unwrap();
    }
    env.write("scenario.yaml", &scenario);
    let server = SandboxServer::with(&env, "--rate-limit off --load scenario.yaml");

    fs::create_dir(env.path("whole")).unwrap();
    let events = FileEvents::of(&env.path("whole"));
    let _ = env.run("import --dir whole").at(&server).exits(0);
    let events = events.count();
    let whole = files_in(&env.path("whole"));
    assert_eq!(whole.len(), 31);

    Campaign::Import.run(|draw| {
        let folder = env.path("killed");
        fs::create_dir(&folder).unwrap();
        let watched = FileEvents::of(&folder);
        let victim = Victim::default();
        let run = env.run("import --dir killed").at(&server);
        victim.start_unheard(run, &env.root().join("victim.log"));
        // The last change is the end of it.
        let nth = 1 + draw.below(events - 1);
        println!("    change {nth} of {events}");
        let ending = watched.kill_at(nth, &victim);

        for (name, text) in files_in(&folder) {
            assert_eq!(text, whole[&name], "{name} is torn");
        }
        let _ = env.run("import --dir killed").at(&server).exits(0);
        assert_eq!(files_in(&folder), whole);
        assert_eq!(names_in(&folder), names_in(&env.path("whole")));
        let plan = env.run("plan -f killed --detailed-exitcode").at(&server);
        let _ = plan.exits(0);
        fs::remove_dir_all(&folder).unwrap();
        ending
    });
}

/// A saved plan without the number of its requests: a list that one request shows to be empty may have
/// been asked for a second time, from its other end. A text that is torn stays as it is.
fn without_requests(text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(mut plan) => {
            plan["requests_used"] = serde_json::Value::Null;
            plan.to_string()
        }
        Err(_) => text.to_owned(),
    }
}

#[test]
fn saving_a_plan_can_be_killed_at_any_moment_and_leaves_the_old_one_or_the_new() {
    const SAVE: &str = "plan --out saved/plan.json";
    let env = TestEnv::with_manifest(&many(200));
    let server = SandboxServer::start(&env);
    let (folder, file) = (env.path("saved"), env.path("saved/plan.json"));
    fs::create_dir(&folder).unwrap();
    let events = FileEvents::of(&folder);
    let _ = env.run(SAVE).at(&server).exits(0);
    let events = events.count();
    let whole = without_requests(&env.read("saved/plan.json"));

    Campaign::SavedPlan.run(|draw| {
        let old = (draw.below(2) == 0).then(|| "the plan of yesterday".to_owned());
        match &old {
            Some(old) => fs::write(&file, old).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let watched = FileEvents::of(&folder);
        let victim = Victim::default();
        let run = env.run(SAVE).at(&server);
        victim.start_unheard(run, &env.root().join("victim.log"));
        let nth = 1 + draw.below(events - 1);
        println!("    change {nth} of {events}");
        let ending = watched.kill_at(nth, &victim);

        let left = fs::read_to_string(&file).ok();
        assert!(
            left == old || left.as_deref().map(without_requests).as_ref() == Some(&whole),
            "torn: {left:?}"
        );
        let _ = env.run(SAVE).at(&server).exits(0);
        assert_eq!(names_in(&folder), ["plan.json"]);
        assert_eq!(without_requests(&env.read("saved/plan.json")), whole);
        ending
    });
    let apply = env.run("apply saved/plan.json --requests-per-second 1000");
    let _ = apply.at(&server).exits(0);
    let _ = env.run("plan --detailed-exitcode").at(&server).exits(0);
}
