//! HTML pages for IT admins, with their security policy.
//!
//! The template escapes everything that comes from outside. A page loads nothing, submits nothing
//! and runs only its own script, which the policy names by its hash.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use super::config::Brand;
use super::outcome::Outcome;
use super::page_text::{Icon, PageText, onward, progress, refused, signed_out};
use super::refusal::ErrorPage;
use portalctl_model::Intent;

const STYLE: &str = include_str!("templates/gateway.css");
const SCRIPT: &str = include_str!("templates/gateway.js");
/// Default colour of buttons.
const ACCENT: &str = "#4338ca";

/// Button of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Button {
    pub(super) label: String,
    pub(super) href: String,
}

/// Renderer of all pages, with one look.
pub(super) struct Pages {
    brand: Brand,
    style: String,
    policy: HeaderValue,
    policy_with_script: HeaderValue,
}

#[derive(Template)]
#[template(path = "gateway.html")]
struct Page<'a> {
    brand: &'a Brand,
    style: &'a str,
    script: &'static str,
    text: &'a PageText,
    button: Option<&'a Button>,
    /// State on display, where the page polls for another one.
    state: Option<&'static str>,
    /// URL that the page goes on to by itself.
    onward: Option<&'a str>,
}

/// Movement of a page without its reader.
#[derive(Clone, Copy)]
enum Motion<'a> {
    /// No movement.
    Still,
    /// Polls for a state other than the one on display.
    Polls(&'static str),
    /// Goes on to a URL.
    GoesOn(&'a str),
}

impl Brand {
    fn support_is_url(&self) -> bool {
        let support = self.support.as_deref();
        support.is_some_and(|support| support.starts_with("https:"))
    }
}

impl Pages {
    pub(super) fn new(brand: Brand) -> Self {
        let accent = brand.accent.as_deref().unwrap_or(ACCENT);
        let style = format!(
            ":root {{ --accent: {accent}; --on-accent: {}; }}\n{STYLE}",
            readable_on(accent)
        );
        let fixed = format!(
            "default-src 'none'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            hash(&style)
        );
        let with_script = format!("{fixed}; script-src '{}'; connect-src 'self'", hash(SCRIPT));
        // Hashes and fixed words are always a valid header.
        let value = |text: &str| {
            HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
        };
        Self {
            policy: value(&fixed),
            policy_with_script: value(&with_script),
            brand,
            style,
        }
    }

    /// Renders the state of an intent for a person who came back.
    pub(super) fn outcome(
        &self,
        outcome: Outcome,
        intent: Intent,
        button: Option<&Button>,
    ) -> Response {
        let motion = if outcome.may_change() {
            Motion::Polls(outcome.as_str())
        } else {
            Motion::Still
        };
        self.page(StatusCode::OK, &progress(outcome, intent), button, motion)
    }

    /// Renders the page that ends a chain of redirects and goes on to the portal by itself: a form's
    /// `form-action` applies to the whole chain, and to nothing after it.
    pub(super) fn onward(&self, link: &str, intent: Intent) -> Response {
        let button = Button {
            label: "Continue".to_owned(),
            href: link.to_owned(),
        };
        let motion = Motion::GoesOn(link);
        self.page(StatusCode::OK, &onward(intent), Some(&button), motion)
    }

    /// Renders the question whether a person wants to go on to an address of the gateway.
    pub(super) fn confirm(&self, href: String) -> Response {
        let page = ErrorPage::Confirm;
        let button = Button {
            label: "Continue".to_owned(),
            href,
        };
        self.page(page.status(), &refused(page), Some(&button), Motion::Still)
    }

    /// Renders the page for somebody who signed out.
    pub(super) fn signed_out(&self) -> Response {
        let home = self.home_button();
        self.page(StatusCode::OK, &signed_out(), home.as_ref(), Motion::Still)
    }

    /// Renders a refusal, with the name of its request for whoever is asked for help.
    pub(super) fn refusal(&self, page: ErrorPage, reference: &str) -> Response {
        let home = self.home_button();
        let text = PageText {
            reference: Some(reference.to_owned()),
            ..refused(page)
        };
        let mut answer = self.page(page.status(), &text, home.as_ref(), Motion::Still);
        if let Some(seconds) = page.retry_after() {
            let headers = answer.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }

    /// Returns the app's start page. It is the same for everybody, so it reveals nothing about the
    /// visitor.
    pub(super) fn home(&self) -> Option<String> {
        self.brand.home.clone()
    }

    fn home_button(&self) -> Option<Button> {
        self.home().map(|href| Button {
            label: self.back_label(),
            href,
        })
    }

    /// Returns the label of a button that leads back to the app.
    pub(super) fn back_label(&self) -> String {
        match &self.brand.name {
            Some(name) => format!("Back to {name}"),
            None => "Back to the app".to_owned(),
        }
    }

    /// Returns the label of a button that leads to the app for the next step.
    pub(super) fn continue_label(&self) -> String {
        format!(
            "Continue in {}",
            self.brand.name.as_deref().unwrap_or("the app")
        )
    }

    fn page(
        &self,
        status: StatusCode,
        text: &PageText,
        button: Option<&Button>,
        motion: Motion<'_>,
    ) -> Response {
        let (state, onward) = match motion {
            Motion::Still => (None, None),
            Motion::Polls(state) => (Some(state), None),
            Motion::GoesOn(link) => (None, Some(link)),
        };
        let page = Page {
            brand: &self.brand,
            style: &self.style,
            script: SCRIPT,
            text,
            button,
            state,
            onward,
        };
        // Rendering into memory does not fail; the heading alone would still be an answer.
        let html = page.render().unwrap_or_else(|_| text.heading.clone());
        let mut answer = Response::new(Body::from(html));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, html);
        let policy = match state {
            Some(_) => &self.policy_with_script,
            None => &self.policy,
        };
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        answer
    }
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// Returns black or white, whichever has the higher contrast on a colour `#rrggbb`. The better one
/// always has the ratio of 4.5 that WCAG 2.2, 1.4.3, requires.
fn readable_on(colour: &str) -> &'static str {
    let part = |at: usize| {
        let digits = &colour[at..at + 2];
        let part =
            f64::from(u8::from_str_radix(digits, 16).expect("checked to be hexadecimal")) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    };
    let luminance = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
    // Both contrasts are equal where 1.05 / (l + 0.05) = (l + 0.05) / 0.05.
    if luminance > 0.179 {
        "#000000"
    } else {
        "#ffffff"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_can_be_read_whatever_their_colour() {
        for (colour, on) in [
            ("#4338ca", "#ffffff"),
            ("#000000", "#ffffff"),
            ("#ffffff", "#000000"),
            ("#ffcc00", "#000000"),
            ("#767676", "#000000"),
        ] {
            assert_eq!(readable_on(colour), on, "{colour}");
        }
    }

    #[test]
    fn what_is_written_in_the_configuration_cannot_break_out_of_the_page() {
        let brand = Brand {
            name: Some("<script>alert(1)</script>".to_owned()),
            accent: None,
            home: Some("https://a.example/\"><script>".to_owned()),
            support: Some("https://a.example/\"><script>".to_owned()),
        };
        let pages = Pages::new(brand);
        let page = Page {
            brand: &pages.brand,
            style: &pages.style,
            script: SCRIPT,
            text: &refused(ErrorPage::Denied),
            button: None,
            state: None,
            onward: None,
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<script>"), "{html}");
    }

    #[tokio::test]
    async fn a_refusal_leads_back_to_the_app_where_the_configuration_says_which() {
        let brand = Brand {
            home: Some("https://app.example.com/".to_owned()),
            ..Brand::default()
        };
        for (brand, leads) in [(brand, true), (Brand::default(), false)] {
            let page = Pages::new(brand)
                .refusal(ErrorPage::Denied, "REF")
                .into_body();
            let html = axum::body::to_bytes(page, 64 * 1024).await.unwrap();
            let html = String::from_utf8_lossy(&html).into_owned();
            let link = r#"href="https://app.example.com/">Back to the app</a>"#;
            assert_eq!(html.contains(link), leads, "{html}");
        }
    }

    #[test]
    fn waiting_is_told_in_whole_seconds_and_never_too_short() {
        use std::time::Duration;
        let pages = Pages::new(Brand::default());
        for (wait, seconds) in [(1, "1"), (1000, "1"), (1001, "2")] {
            let page = ErrorPage::TooMany(Duration::from_millis(wait));
            let answer = pages.refusal(page, "REF");
            assert_eq!(answer.status(), 429);
            assert_eq!(answer.headers()[header::RETRY_AFTER], seconds);
        }
    }
}
