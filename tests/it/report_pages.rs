//! The pages in a browser: by keyboard, on a phone, on paper, without a script, and under attack.

use portalctl_core::plan::Plan;
use portalctl_core::readiness::{Readiness, State};
use portalctl_report::{PlanReport, StatusReport, html};

use crate::support::browser;
use crate::support::cli::TestEnv;
use crate::support::readiness_samples;
use crate::support::samples::{headline, january, some_plan, some_readiness};

/// Writes a page into the test's folder, and gives its address.
fn page(env: &TestEnv, name: &str, text: &str) -> String {
    env.write(name, text);
    format!("file://{}", env.path(name).display())
}

fn status(readiness: &Readiness) -> String {
    let report = StatusReport {
        headline: &headline(&some_plan()),
        readiness,
        now: january(15),
    };
    html::status(&report, None).unwrap()
}

fn plan(plan: &Plan, readiness: &Readiness) -> String {
    let report = PlanReport {
        headline: &headline(plan),
        plan,
        readiness,
    };
    html::plan(&report).unwrap()
}

/// Readiness with every intent configured.
fn configured() -> Readiness {
    let mut readiness = readiness_samples::many(12);
    for intent in readiness
        .organizations
        .iter_mut()
        .flat_map(|o| &mut o.intents)
    {
        *intent = crate::support::samples::intent(intent.intent, State::Configured, Some(4));
    }
    readiness
}

#[test]
fn the_wall_is_searched_filtered_and_sorted_by_keyboard() {
    let env = TestEnv::new();
    let Some(mut script) = browser::script("wall.mjs", env.root()) else {
        return;
    };
    script.arg(page(
        &env,
        "wall.html",
        &status(&readiness_samples::many(200)),
    ));
    script.arg(page(
        &env,
        "packed.html",
        &status(&readiness_samples::many(1200)),
    ));
    browser::run(script);
}

#[test]
fn every_page_is_accessible_fits_a_phone_and_runs_nothing_of_others() {
    let env = TestEnv::new();
    let Some(mut script) = browser::script("report_pages.mjs", env.root()) else {
        return;
    };
    for (name, text) in [
        ("status-some", status(&some_readiness())),
        ("status-empty", status(&Readiness::default())),
        ("status-configured", status(&configured())),
        (
            "status-everything",
            status(&readiness_samples::everything()),
        ),
        ("status-hostile", status(&readiness_samples::hostile())),
        ("plan-some", plan(&some_plan(), &some_readiness())),
        ("plan-empty", plan(&Plan::default(), &Readiness::default())),
    ] {
        script.arg(page(&env, &format!("{name}.html"), &text));
    }
    browser::run(script);
}
