//! Tests what a team may set about the pages, and that the configuration is read again.

use serde_json::json;

use crate::support::gateway::{CONFIG, PROXY, Stage, signed};
use crate::support::wait;

/// A stage with a logo, own texts and a page that is told.
#[track_caller]
fn branded(config: &str) -> Stage {
    let config = format!("{CONFIG}{config}");
    Stage::prepared(&config, |env| {
        env.write(
            "logo.svg",
            "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        );
        env.write(
            "texts/de.ftl",
            "denied = Kein gültiger Link von <b>Beispiel</b>\n",
        );
        env.write(
            "texts/he.ftl",
            "denied = הקישור אינו פועל\n    .first = x\n",
        );
    })
}

/// Waits until the gateway has read its configuration so often, or kept it.
#[track_caller]
fn wait_for_reload(stage: &Stage, outcome: &str, times: f64) {
    wait::until("the configuration to be read again", || {
        let name =
            format!(r#"portalctl_gateway_reloads_total{{what="config",outcome="{outcome}"}}"#);
        stage.gateway.metric(&name).filter(|count| *count >= times)
    });
}

#[test]
fn pages_have_the_teams_texts_and_logo_in_the_visitors_language() {
    let stage = branded(
        "brand: { logo: logo.svg, texts: texts, language: de, name: Beispiel, support: 'https://a.example' }\n",
    );
    let refused = |language: &str| {
        let headers = [("Accept-Language", language)];
        stage.gateway.get("/portal/acme/sso", &headers).body
    };
    let german = refused("tlh");
    assert!(
        german.contains("<h1>Kein gültiger Link von &#60;b&#62;Beispiel"),
        "{german}"
    );
    assert!(german.contains(r#"<html lang="de" dir="ltr">"#), "{german}");
    let picture = r#"<img class="logo" src="data:image/svg+xml;base64,"#;
    assert!(
        german.contains(picture) && !german.contains("<script"),
        "{german}"
    );
    assert!(refused("en-GB").contains("<h1>This link does not work</h1>"));
    let hebrew = refused("he");
    assert!(hebrew.contains(r#"<html lang="he" dir="rtl">"#), "{hebrew}");
    // What the language lacks is in the default one.
    assert!(hebrew.contains(">Support kontaktieren<"), "{hebrew}");
}

#[test]
fn the_configuration_is_read_again_and_a_broken_one_is_not_taken() {
    let stage = branded("brand: { name: Before }\n");
    let body = || stage.gateway.get("/portal/acme/sso", &[]).body;
    assert!(body().contains("<header>Before</header>"), "{}", body());
    stage
        .env
        .edit("gateway.yaml", "name: Before", "name: After, texts: texts");
    wait_for_reload(&stage, "read", 1.0);
    assert!(body().contains("<header>After</header>"), "{}", body());

    // A text is read again as well, and one that cannot be shown leaves the last ones.
    stage.env.write("texts/en.ftl", "denied = No\n");
    wait_for_reload(&stage, "read", 2.0);
    assert!(body().contains("<h1>No</h1>"), "{}", body());
    stage
        .env
        .write("texts/en.ftl", "denied = { $nobody }, no\n");
    wait_for_reload(&stage, "kept", 1.0);
    assert!(body().contains("<h1>No</h1>"), "{}", body());
    let ready = stage.gateway.get("/readyz", &[]);
    assert_eq!(ready.status, 200);
    assert!(
        ready.body.contains("the configuration from before"),
        "{ready:?}"
    );
    assert_eq!(
        stage.gateway.metric("portalctl_gateway_config_is_current"),
        Some(0.0)
    );

    // What keys are read from is not changed while people are served.
    stage.env.write("texts/en.ftl", "denied = Never\n");
    wait_for_reload(&stage, "read", 3.0);
    stage.env.edit(
        "gateway.yaml",
        "secret_file: handoff.secret",
        "secret_file: other.secret",
    );
    wait_for_reload(&stage, "kept", 2.0);
    let log: Vec<String> = stage
        .gateway
        .log()
        .iter()
        .map(ToString::to_string)
        .collect();
    let log = log.join("\n");
    assert!(log.contains("takes effect with a restart"), "{log}");
    let path = format!("/portal/acme/sso?token={}", signed(&stage.claims()));
    assert_eq!(stage.gateway.get(&path, &[]).status, 303);
}

#[test]
fn groups_and_limits_change_while_people_are_served() {
    let stage = Stage::new(PROXY);
    let ask = |group: &'static str| {
        let headers = [("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", group)];
        stage.gateway.get("/portal/acme/sso", &headers).status
    };
    assert_eq!((ask("acme-it"), ask("acme-admins")), (303, 403));
    let config = PROXY.replace("acme-it:", "acme-admins:");
    let config = format!("{config}limits: {{ per_subject: 2 }}\n");
    stage.env.write("gateway.yaml", &config);
    wait_for_reload(&stage, "read", 1.0);
    wait::until("the new groups", || (ask("acme-it") == 403).then_some(()));
    wait::until("the new limit", || {
        (ask("acme-admins") == 429).then_some(())
    });
}

#[test]
fn what_pages_cannot_be_made_of_is_told_at_the_start() {
    let stage = branded("");
    for (brand, wanted) in [
        ("logo: logo.gif", "a logo is a file .svg, .png, .jpg, .webp"),
        ("logo: none.png", "none.png cannot be read"),
        ("texts: nowhere", "nowhere cannot be read"),
        ("language: tlh", "there are no texts in the language tlh"),
        ("language: '!'", "`language` is a language tag"),
    ] {
        stage
            .env
            .write("gateway.yaml", &format!("{CONFIG}brand: {{ {brand} }}\n"));
        let line = "serve --listen 127.0.0.1:0 --config gateway.yaml";
        let refused = stage.env.run(line).at(&stage.sandbox).exits(3);
        assert!(refused.stderr.contains(wanted), "{brand}: {refused}");
    }
}

#[test]
fn the_page_that_opened_the_window_is_told_with_a_signed_result() {
    let config = "popup_opener: https://app.example.com\nsecret_file: handoff.secret\n";
    let stage = branded(config);
    let mut claims = stage.claims();
    claims["jti"] = json!("request-17");
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    let cookie = stage.gateway.get(&path, &[]).cookie();
    let page = stage
        .gateway
        .get("/return/acme/sso", &[("Cookie", &cookie)]);
    let told = r#"data-origin="https://app.example.com" data-organization="acme" data-intent="sso" data-state="not_finished" data-result="eyJ"#;
    assert!(page.body.contains(told), "{}", page.body);
    assert!(page.headers["content-security-policy"].contains("script-src 'sha256-"));
}
