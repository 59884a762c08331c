//! The pages as text: their policy, what is escaped, and that nothing is left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portalctl_core::plan::Plan;
use portalctl_core::readiness::Readiness;
use portalctl_model::text::is_plain;
use portalctl_report::{PlanReport, StatusReport, html};
use sha2::{Digest, Sha256};

use crate::support::cli::TestEnv;
use crate::support::manifests;
use crate::support::page::Page;
use crate::support::readiness_samples::{self, HOSTILE};
use crate::support::samples::{
    create, field, headline, invite, january, plan_of, some_plan, some_readiness, update,
};
use crate::support::sandbox_server::SandboxServer;

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

/// Every page there is, with plain and with hostile content.
fn pages() -> Vec<String> {
    let mut hostile = some_plan();
    hostile.target.environment = Some(HOSTILE[4].to_owned());
    hostile.changes = HOSTILE
        .iter()
        .map(|name| update("acme", vec![field("name", Some(name), Some(name))]))
        .collect();
    HOSTILE[0].clone_into(&mut hostile.conflicts[0].message);
    HOSTILE[1].clone_into(&mut hostile.conflicts[0].help);
    HOSTILE[2].clone_into(&mut hostile.warnings[0].message);
    vec![
        status(&some_readiness()),
        status(&Readiness::default()),
        status(&readiness_samples::hostile()),
        status(&readiness_samples::many(1200)),
        plan(&some_plan(), &some_readiness()),
        plan(&hostile, &readiness_samples::hostile()),
        plan(&Plan::default(), &Readiness::default()),
    ]
}

#[test]
fn the_policy_allows_exactly_the_page_s_own_style_and_script() {
    for page in pages() {
        let page = Page::parse(&page);
        let policy = page.all("[http-equiv=Content-Security-Policy]")[0]
            .attribute("content")
            .unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let styles = page.all("style");
        let mut scripts = page.all("script");
        scripts.retain(|script| script.attribute("type").is_none());
        assert_eq!((styles.len(), scripts.len()), (1, 1));
        for (directive, element) in [("style-src", &styles[0]), ("script-src", &scripts[0])] {
            let hash = STANDARD.encode(Sha256::digest(element.text()));
            let allowed = format!("{directive} 'sha256-{hash}';");
            assert!(policy.contains(&allowed), "{policy} lacks {allowed}");
        }
    }
}

#[test]
fn a_page_has_no_handler_no_style_attribute_and_no_address_but_its_own() {
    for page in pages() {
        let page = Page::parse(&page);
        for element in page.all("*") {
            for (name, value) in element.attributes() {
                assert!(!name.starts_with("on") && name != "style", "{name}={value}");
                assert!(name != "src", "{value}");
                assert!(name != "href" || value.starts_with('#'), "{value}");
            }
        }
        for tag in ["link", "img", "iframe", "object", "base", "form form"] {
            assert!(page.all(tag).is_empty(), "{tag}");
        }
    }
}

#[test]
fn hostile_text_is_text() {
    let page = Page::parse(&status(&readiness_samples::hostile()));
    let names: Vec<String> = page
        .all("th bdi")
        .into_iter()
        .map(|one| one.text())
        .collect();
    assert!(names.contains(&HOSTILE[0].to_owned()), "{names:#?}");
    assert!(names.contains(&HOSTILE[3].to_owned()));
    assert!(names.contains(&"\\u{202e}evil\\u{202c} \\u{0}\\u{1b}[2J".to_owned()));
    assert!(names.contains(&"i***@hostile.example".to_owned()));
    assert_eq!(page.all("script").len(), 1);
    assert_eq!(page.all("h1").len(), 1);
    for page in pages() {
        let plain = |c: char| is_plain(c) || c == '\n';
        assert!(page.chars().all(plain), "a control character is left");
    }
}

#[test]
fn the_same_input_gives_the_same_page() {
    assert_eq!(pages(), pages());
}

#[test]
fn everything_about_an_organization_is_there_without_the_script() {
    let page = Page::parse(&status(&some_readiness()));
    let rows = page.all("#wall tbody");
    let first = rows[0].text();
    for part in [
        "globex",
        "✗ attention",
        "6 days, 2026-01-09",
        "the customer's turn",
        "org_globex",
        "the OktaSAML connection is inactive",
        "ask the customer's IT admin to activate it in the Admin Portal",
        "connection OktaSAML conn_1: active",
    ] {
        assert!(first.contains(part), "{part} is not in {first}");
    }
    let heads = page.all("#wall thead th").into_iter().map(|one| one.text());
    assert_eq!(
        heads.collect::<Vec<_>>(),
        [
            "Organization",
            "Single sign-on",
            "Directory sync",
            "Domain verification",
            "Certificate renewal"
        ]
    );
    assert!(
        page.all("#wall th")
            .iter()
            .all(|head| head.attribute("scope").is_some())
    );
    let order = rows.into_iter().map(|row| row.text()[..4].to_owned());
    assert_eq!(order.collect::<Vec<_>>(), ["glob", "init", "acme", "hool"]);
}

#[test]
fn thousands_of_organizations_keep_their_rows_and_pack_their_details() {
    let page = status(&readiness_samples::many(10_000));
    assert!(page.len() < 5 * 1024 * 1024, "{} bytes", page.len());
    let page = Page::parse(&page);
    assert_eq!(page.all("#wall tbody").len(), 10_000);
    assert!(page.all("#wall details").is_empty());
    let packed = STANDARD.decode(page.all("#packed")[0].text()).unwrap();
    let lines = miniz_oxide::inflate::decompress_to_vec_zlib(&packed).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(lines.lines().count(), 10_000);
    assert!(
        lines
            .lines()
            .all(|line| line.starts_with("<tr><td colspan=\"4\"><details>"))
    );
}

#[test]
fn a_plan_shows_what_needs_a_decision_first_and_every_field() {
    let page = Page::parse(&plan(&some_plan(), &some_readiness()));
    let titles = page.all("h2").into_iter().map(|one| one.text());
    assert_eq!(
        titles.collect::<Vec<_>>(),
        [
            "Conflicts",
            "Held",
            "Changes",
            "Warnings",
            "Notes",
            "Progress",
            "Organizations"
        ]
    );
    let fields = page
        .all("[aria-labelledby=changes] .fields tbody tr")
        .into_iter();
    let fields: Vec<String> = fields.map(|one| one.text()).collect();
    assert!(
        fields.contains(&"nameGlobexGlobex Corporation".to_owned()),
        "{fields:#?}"
    );
    assert!(fields.contains(&"metadata.legacy_flagyesabsent".to_owned()));
    let whole = page.text();
    for part in [
        "sha256:",
        "production",
        "Needs: --adopt",
        "portal.yaml:12",
        "live key",
    ] {
        assert!(whole.contains(part), "{part}");
    }
}

#[test]
fn addresses_are_masked() {
    let contacts = update(
        "acme",
        vec![field("it_contacts.ada@acme.com", None, Some("added"))],
    );
    let page = plan(&plan_of(vec![contacts]), &Readiness::default());
    assert!(!page.contains("ada@"));
    assert!(page.contains("it_contacts.a***@acme.com"));
}

#[test]
fn a_first_plan_of_thousands_stays_a_page() {
    let changes = (0..1000).map(|number| {
        create(
            &format!("customer-{number}"),
            &[("domains.acme.com", "pending")],
        )
    });
    let page = plan(&plan_of(changes.collect()), &Readiness::default());
    assert!(page.len() < 2 * 1024 * 1024, "{} bytes", page.len());
}

#[test]
fn a_failure_is_a_page_too() {
    let env = TestEnv::with_manifest("version: 1\norganizations:\n  acme: { nmae: <b>Acme }\n");
    for command in ["plan", "status"] {
        let run = env.run(&format!(
            "{command} -o html --output-file page.html --sandbox"
        ));
        assert_eq!(run.exits(3).stdout, "");
        let page = Page::parse(&env.read("page.html"));
        let told = page.all("main")[0].text();
        assert!(told.contains("manifest/unknown-field"), "{told}");
        assert!(told.contains("portal.yaml:3"), "{told}");
        assert!(page.all("script").is_empty());
    }
}

#[test]
fn the_command_line_writes_pages() {
    let env = TestEnv::with_manifest(manifests::CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let page = env.run("plan -o html").at(&sandbox).exits(0).stdout;
    assert!(page.starts_with("<!doctype html>\n") && page.ends_with("</html>\n"));
    assert!(page.contains("+ create"), "{page}");
    let run = env.run("status -o html --output-file wall.html");
    assert_eq!(run.at(&sandbox).exits(0).stdout, "");
    let page = env.read("wall.html");
    assert!(page.contains("<bdi>Acme Corp</bdi>"), "{page}");
    assert!(!page.contains(crate::support::cli::KEY));
}

#[test]
fn a_table_does_not_keep_what_changed_to_itself() {
    let env = TestEnv::with_manifest(manifests::CUSTOMERS);
    let output = env
        .run("status -o csv --sandbox --compare old.json")
        .exits(3);
    let said = "--compare needs another format than csv";
    assert!(output.stderr.contains(said), "{output}");
}

#[test]
fn a_page_says_who_is_invited_to_what_and_masks_the_address() {
    let invited = plan_of(vec![create("acme", &[]), invite("acme", false)]);
    let page = plan(&invited, &Readiness::default());
    for told in [
        "WorkOS e-mails a***@acme.com a link to set up sso, dsync",
        "not by invitation: audit_logs",
        "@ invite",
    ] {
        assert!(page.contains(told), "{told}");
    }
    assert!(!page.contains("ada@"));
}
