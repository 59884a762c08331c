//! Tests the texts that help a person at the moment of need: hints, suggestions and next commands.

use crate::support::cli::TestEnv;
use crate::support::manifests::{CUSTOMERS, ONE, customer};
use crate::support::sandbox_server::SandboxServer;

#[test]
fn one_file_of_a_folder_leads_to_the_folder() {
    let env = TestEnv::new();
    let settings = "version: 1\nenvironment: { name: staging, api_key: test }\n";
    env.write("portal/portal.yaml", settings);
    env.write(
        "portal/acme.yaml",
        &format!("organizations:\n{}", customer(1)),
    );
    for line in [
        "plan --sandbox -f portal/acme.yaml",
        "validate -f portal/acme.yaml",
        "validate -f portal/portal.yaml",
    ] {
        let output = env.run(line).exits(3);
        let hint = "hint: this is one file of the folder portal; name the folder with -f portal";
        assert!(output.stderr.contains(hint), "{line}: {output}");
    }
    let output = env.run("validate -f portal/acme.yaml -o json").exits(3);
    let help = &output.json_of("validate")["errors"][0]["help"];
    assert!(
        help.as_str().unwrap().contains("with -f portal"),
        "{output}"
    );
    let _ = env.run("validate -f portal").exits(0);
}

#[test]
fn a_single_file_without_neighbours_is_not_called_a_part() {
    let env = TestEnv::new();
    env.write("acme.yaml", &format!("organizations:\n{}", customer(1)));
    let output = env.run("validate -f acme.yaml").exits(3);
    assert!(!output.stderr.contains("one file of"), "{output}");
}

#[test]
fn a_manifest_in_the_place_of_a_saved_plan_leads_to_its_flag() {
    let env = TestEnv::new();
    env.write("portal/portal.yaml", ONE);
    let output = env.run("apply portal --sandbox").exits(3);
    assert!(
        output
            .stderr
            .contains("hint: run `portalctl apply -f portal`"),
        "{output}"
    );
    let output = env.run("apply portal/portal.yaml --sandbox").exits(3);
    assert!(output.stderr.contains("-f portal/portal.yaml`"), "{output}");
    let output = env.run("plan portal --sandbox").exits(3);
    assert!(
        output
            .stderr
            .contains("hint: run `portalctl plan -f portal`"),
        "{output}"
    );
}

#[test]
fn flags_of_other_tools_and_other_words_for_intents_lead_to_ours() {
    let env = TestEnv::with_manifest(ONE);
    for (line, hint) in [
        ("apply --dry-run", "hint: `portalctl plan` shows what apply"),
        ("apply --auto-approve", "hint: run `portalctl apply --yes`"),
        ("plan --key sk_test_a", "set WORKOS_API_KEY"),
        ("link acme scim", "run `portalctl link acme dsync`"),
        ("link acme SSO", "run `portalctl link acme sso`"),
        ("plan --sandbox --intent SSO", "hint: did you mean `sso`?"),
        (
            "status --sandbox --intent scim",
            "hint: did you mean `dsync`?",
        ),
    ] {
        let output = env.run(line).exits(3);
        assert!(output.stderr.contains(hint), "{line}: {output}");
        assert!(!output.stderr.contains("tip:"), "{line}: {output}");
    }
    let output = env.run("status --al").exits(3);
    assert!(
        output
            .stderr
            .contains("hint: a similar argument exists: '--all'"),
        "{output}"
    );
    let output = env.run("apply --dry-run -o json").exits(3);
    let help = &output.json_of("apply")["errors"][0]["help"];
    assert!(
        help.as_str().unwrap().starts_with("`portalctl plan`"),
        "{output}"
    );
}

#[test]
fn next_steps_name_the_command_in_full() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("apply --yes --sandbox=s.json").exits(0);
    let output = env.run("status --sandbox=s.json -o json").exits(0);
    let status = output.json_of("status");
    let organizations = status["organizations"].as_array().unwrap().iter();
    let steps: Vec<(String, String)> = organizations
        .flat_map(|organization| {
            let intents = organization["intents"].as_array().unwrap().iter();
            intents.filter_map(|intent| {
                let name = format!("{} {}", organization["key"], intent["intent"]);
                Some((
                    name.replace('"', ""),
                    intent["next_step"].as_str()?.to_owned(),
                ))
            })
        })
        .collect();
    let step = |name: &str| {
        let found = steps.iter().find(|(known, _)| known == name);
        found.map(|(_, step)| step.as_str()).unwrap_or_default()
    };
    let portal = "send the customer's IT admin to the Admin Portal: portalctl link";
    // WorkOS can invite the declared contact.
    let acme = step("acme sso");
    assert!(
        acme.ends_with(&format!("{portal} acme sso, or portalctl invite acme")),
        "{acme}"
    );
    let globex = step("globex dsync");
    assert_eq!(globex, format!("{portal} globex dsync"));
}

#[test]
fn every_domain_that_waits_is_named() {
    let env = TestEnv::with_manifest(&CUSTOMERS.replace(
        "domains: [acme.com]",
        "domains: [acme.com, acme.io, acme.dev]",
    ));
    let _ = env.run("apply --yes --sandbox=s.json").exits(0);
    let output = env.run("status --sandbox=s.json --only acme").exits(0);
    let told = output
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let all = "acme.com, acme.dev, acme.io: each waits for its TXT record";
    assert!(told.contains(all), "{output}");
}

#[test]
fn an_invitation_is_told_with_its_time_and_its_address() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("apply --yes --sandbox=s.json").exits(0);
    let _ = env.run("invite acme --yes --sandbox=s.json").exits(0);
    let status = env.run("status --sandbox=s.json").exits(0);
    let told = status
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let (_, invitation) = told.split_once("an invitation to ").expect("an invitation");
    assert!(invitation.contains(" was sent at 20"), "{status}");
    assert!(invitation.contains("Z (ada@acme.com)"), "{status}");
    // In a log that others read, the address is masked.
    let masked = env.run("status --sandbox=s.json").env("CI", "1").exits(0);
    assert!(!masked.stdout.contains("ada@acme.com"), "{masked}");
}

#[test]
fn notes_say_names_and_ids() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("apply --yes --sandbox=s.json").exits(0);
    env.edit(
        "portal.yaml",
        "  globex:\n    name: Globex\n    intents: [sso, dsync, audit_logs, log_streams]\n",
        "",
    );
    let plan = env.run("plan --sandbox=s.json").exits(0);
    let told = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("not protected: `globex` Globex (org_"),
        "{plan}"
    );
}

#[test]
fn what_to_do_next_is_always_called_a_hint() {
    let env = TestEnv::with_manifest("version: 1\norganizations:\n  acme: { nmae: Acme }\n");
    let output = env.run("validate").exits(3);
    assert!(
        output.stderr.contains("hint: did you mean `name`?"),
        "{output}"
    );
    env.write("portal.yaml", CUSTOMERS);
    let _ = env.run("apply --yes --sandbox=s.json").exits(0);
    let status = env.run("status --sandbox=s.json").exits(0);
    let doctor = env.run("doctor --sandbox").output();
    for output in [&output, &status, &doctor] {
        for word in ["help:", "tip:", "-> "] {
            let mut lines = output.stdout.lines().chain(output.stderr.lines());
            let found = lines.find(|line| line.contains(word) && !line.contains("-->"));
            assert_eq!(found, None, "{output}");
        }
    }
    assert!(status.stdout.contains("      hint: "), "{status}");
}

#[test]
fn many_errors_end_with_their_count() {
    let env = TestEnv::new();
    let entries = (0..29).map(|n| format!("  c{n}: {{ nmae: Customer {n} }}\n"));
    let entries = entries.collect::<Vec<_>>().concat();
    env.write(
        "portal.yaml",
        &format!("version: 1\norganizations:\n{entries}"),
    );
    let output = env.run("validate -o json").exits(3);
    let count = output.json_of("validate")["errors"]
        .as_array()
        .unwrap()
        .len();
    assert!(count >= 29, "{output}");
    let end: Vec<&str> = output.stderr.lines().rev().take(2).collect();
    assert!(end[0].starts_with("more: portalctl explain"), "{output}");
    assert_eq!(end[1], format!("{count} errors"), "{output}");
}

#[test]
fn a_byte_order_mark_and_final_newlines_are_no_errors() {
    let env = TestEnv::with_manifest(&format!("\u{feff}{ONE}\n\n\n"));
    let output = env.run("validate").exits(0);
    assert!(
        output.stdout.starts_with("valid: 1 organization"),
        "{output}"
    );
    let output = env
        .run("validate -f -")
        .input(&format!("\u{feff}{ONE}\n\n"))
        .exits(0);
    assert!(
        output.stdout.starts_with("valid: 1 organization"),
        "{output}"
    );
}

#[test]
fn an_error_about_a_tab_points_at_the_tab() {
    let env = TestEnv::with_manifest("version: 1\norganizations:\n  acme:\n \tname: Acme\n");
    let output = env.run("validate -o json").exits(3);
    let error = &output.json_of("validate")["errors"][0];
    assert_eq!(
        (&error["line"], &error["column"]),
        (&4.into(), &2.into()),
        "{output}"
    );
    assert!(
        output.stderr.contains("hint: replace the tab with spaces"),
        "{output}"
    );
}

#[test]
fn other_words_for_an_intent_in_a_manifest_lead_to_its_name() {
    let env = TestEnv::with_manifest(&ONE.replace("[sso]", "[SSO, scim]"));
    let output = env.run("validate").exits(3);
    for hint in ["hint: did you mean `sso`", "hint: did you mean `dsync`"] {
        assert!(output.stderr.contains(hint), "{output}");
    }
}

#[test]
fn the_most_urgent_comes_first_in_text_and_in_markdown() {
    let env = TestEnv::new();
    let server = SandboxServer::with(&env, "--load busy --rate-limit off");
    let _ = env.run("import --dir portal").at(&server).exits(0);
    let text = env
        .run("status -f portal --all")
        .at(&server)
        .exits(0)
        .stdout;
    let (_, steps) = text.split_once("next, most urgent first\n").unwrap();
    let steps: Vec<(&str, &str)> = steps
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            Some((words.next()?, words.next()?))
        })
        .collect();
    assert!(steps.len() > 5, "{text}");
    let run = env.run("status -f portal --all -o markdown");
    let markdown = run.at(&server).exits(0).stdout;
    let rows: Vec<(&str, &str)> = markdown
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            Some((cells.next()?.trim_matches('`'), cells.next()?))
        })
        .filter(|row| steps.contains(row))
        .collect();
    assert_eq!(steps, rows, "{text}{markdown}");
}
