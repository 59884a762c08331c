//! The sandbox's admin portal, judged by a browser and by axe-core.

use serde_json::{Value, json};

use crate::support::browser;
use crate::support::cli::TestEnv;
use crate::support::sandbox_server::SandboxServer;

/// A link of an organization to the portal.
fn link(sandbox: &SandboxServer, organization: &str, intent: &str) -> String {
    let body = json!({
        "organization": organization, "intent": intent,
        "return_url": "https://app.example.com/settings",
    });
    let answer = sandbox.send("POST", "/portal/generate_link", &body);
    answer["link"].as_str().unwrap().to_owned()
}

#[test]
fn an_it_admin_finishes_by_keyboard_on_a_phone_and_a_used_link_is_dead() {
    let env = TestEnv::new();
    let Some(mut script) = browser::script("portal_page.mjs", env.root()) else {
        return;
    };
    let sandbox = SandboxServer::start(&env);
    let create = |body: &Value| {
        let created = sandbox.send("POST", "/organizations", body);
        created["id"].as_str().unwrap().to_owned()
    };
    // Single sign-on verifies the domain that is there; the other page asks for one.
    let domains = json!([{ "domain": "acme.com", "state": "pending" }]);
    let acme = create(&json!({ "name": "Acme Corp", "domain_data": domains }));
    let globex = create(&json!({ "name": "Globex" }));
    script.arg(link(&sandbox, &acme, "sso"));
    script.arg(link(&sandbox, &globex, "domain_verification"));
    browser::run(script);
}
