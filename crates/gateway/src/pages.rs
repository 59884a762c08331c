//! HTML pages for IT admins, with their security policy.
//!
//! The template escapes everything that comes from outside. A page loads nothing, submits nothing
//! and runs only its own script, which the policy names by its hash.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use super::config::Brand;
use super::outcome::Outcome;
use super::page_text::{CHANGE_ACTIVE, Icon, ONWARD, PageText, SIGNED_OUT, progress, refused};
use super::refusal::ErrorPage;
use super::texts::{Locale, Message, Texts};
use portalctl_model::{Intent, OrgKey};

const STYLE: &str = include_str!("templates/gateway.css");
const SCRIPT: &str = include_str!("templates/gateway.js");
/// Default colour of buttons.
const ACCENT: &str = "#4338ca";

/// Button of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Button {
    /// Leads to an address.
    Link { label: String, href: String },
    /// Sends one field of a form.
    Form {
        label: String,
        action: String,
        name: &'static str,
        value: String,
    },
}

/// Facts for the page of the app that opened this one in a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// Origin of the app's page; no other one is told.
    pub(super) origin: &'a str,
    pub(super) organization: &'a OrgKey,
    pub(super) intent: Intent,
    pub(super) state: &'static str,
    /// Signed result; empty where the gateway signs none.
    pub(super) result: &'a str,
}

/// Renderer of all pages, with one look.
pub(super) struct Pages {
    brand: Brand,
    texts: Texts,
    /// Address that holds the logo.
    logo: Option<String>,
    style: String,
    policies: Policies,
}

/// Security policies of the pages, by what a page does.
struct Policies {
    still: HeaderValue,
    with_form: HeaderValue,
    with_script: HeaderValue,
}

/// The pages in the language of one visitor.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pages: &'a Pages,
    locale: Locale<'a>,
}

#[derive(Template)]
#[template(path = "gateway.html")]
struct Page<'a> {
    brand: &'a Brand,
    logo: Option<&'a str>,
    style: &'a str,
    script: &'static str,
    locale: Locale<'a>,
    icon: Icon,
    message: Message,
    parts: Parts<'a>,
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

/// Parts of a page beside its text.
#[derive(Clone, Copy)]
struct Parts<'a> {
    status: StatusCode,
    button: Option<&'a Button>,
    /// Way back, below a button that does something else.
    back: Option<&'a Button>,
    /// Name of the request, which its line in the log has, too.
    reference: Option<&'a str>,
    motion: Motion<'a>,
    told: Option<Told<'a>>,
}

impl Default for Parts<'_> {
    fn default() -> Self {
        Self {
            status: StatusCode::OK,
            button: None,
            back: None,
            reference: None,
            motion: Motion::Still,
            told: None,
        }
    }
}

impl Parts<'_> {
    /// Returns whether a script moves the page, or tells the page that opened it.
    const fn has_script(self) -> bool {
        matches!(self.motion, Motion::Polls(_)) || self.told.is_some()
    }
}

impl Brand {
    fn support_is_url(&self) -> bool {
        let support = self.support.as_deref();
        support.is_some_and(|support| support.starts_with("https:"))
    }
}

impl Pages {
    pub(super) fn new(brand: Brand, texts: Texts, logo: Option<String>) -> Self {
        let accent = brand.accent.as_deref().unwrap_or(ACCENT);
        let style = format!(
            ":root {{ --accent: {accent}; --on-accent: {}; }}\n{STYLE}",
            readable_on(accent)
        );
        Self {
            policies: Policies::of(&style),
            brand,
            texts,
            logo,
            style,
        }
    }

    /// Returns the pages in the language that a request asks for.
    pub(super) fn view(&self, headers: &HeaderMap) -> View<'_> {
        let wanted = headers.get(header::ACCEPT_LANGUAGE);
        let wanted = wanted.and_then(|wanted| wanted.to_str().ok());
        View {
            pages: self,
            locale: self.texts.locale(wanted),
        }
    }

    /// Returns the app's start page. It is the same for everybody, so it reveals nothing about the
    /// visitor.
    pub(super) fn home(&self) -> Option<String> {
        self.brand.home.clone()
    }
}

impl Policies {
    fn of(style: &str) -> Self {
        let policy = |form: &str, script: &str| {
            let policy = format!(
                "default-src 'none'; style-src '{}'; img-src data:; base-uri 'none'; form-action {form}; \
                 frame-ancestors 'none'{script}",
                hash(style)
            );
            HeaderValue::from_str(&policy).expect("hashes and fixed words are a header")
        };
        let script = format!("; script-src '{}'; connect-src 'self'", hash(SCRIPT));
        Self {
            still: policy("'none'", ""),
            with_form: policy("'self'", ""),
            with_script: policy("'none'", &script),
        }
    }

    fn of_page(&self, parts: Parts<'_>) -> &HeaderValue {
        if parts.has_script() {
            &self.with_script
        } else if matches!(parts.button, Some(Button::Form { .. })) {
            &self.with_form
        } else {
            &self.still
        }
    }
}

impl View<'_> {
    /// Renders the state of an intent for a person who came back.
    pub(super) fn outcome(
        &self,
        (outcome, intent): (Outcome, Intent),
        button: Option<&Button>,
        told: Option<Told<'_>>,
    ) -> Response {
        let motion = if outcome.may_change() {
            Motion::Polls(outcome.as_str())
        } else {
            Motion::Still
        };
        let parts = Parts {
            button,
            motion,
            told,
            ..Parts::default()
        };
        self.page(progress(outcome, intent), Some(intent), parts)
    }

    /// Renders the page that ends a chain of redirects and goes on to the portal by itself: a form's
    /// `form-action` applies to the whole chain, and to nothing after it.
    pub(super) fn onward(&self, link: &str, intent: Intent) -> Response {
        let parts = Parts {
            button: Some(&self.link("continue", link.to_owned())),
            motion: Motion::GoesOn(link),
            ..Parts::default()
        };
        self.page(ONWARD, Some(intent), parts)
    }

    /// Renders the question whether a person wants to go on to an address of the gateway.
    pub(super) fn confirm(&self, href: String) -> Response {
        let page = ErrorPage::Confirm;
        let parts = Parts {
            status: page.status(),
            button: Some(&self.link("continue", href)),
            ..Parts::default()
        };
        self.page(refused(page), None, parts)
    }

    /// Renders the question whether a person wants to change what is set up: one field of a form says
    /// yes.
    pub(super) fn change_active(&self, action: String, field: (&'static str, String)) -> Response {
        let (name, value) = field;
        let button = Button::Form {
            label: self.locale.label("change-it", &[]),
            action,
            name,
            value,
        };
        let home = self.home_button();
        let parts = Parts {
            button: Some(&button),
            back: home.as_ref(),
            ..Parts::default()
        };
        self.page(CHANGE_ACTIVE, Some(Intent::Sso), parts)
    }

    /// Renders the page for somebody who signed out.
    pub(super) fn signed_out(&self) -> Response {
        let home = self.home_button();
        let parts = Parts {
            button: home.as_ref(),
            ..Parts::default()
        };
        self.page(SIGNED_OUT, None, parts)
    }

    /// Renders a refusal, with the name of its request for whoever is asked for help.
    pub(super) fn refusal(&self, page: ErrorPage, reference: &str) -> Response {
        let home = self.home_button();
        let parts = Parts {
            status: page.status(),
            button: home.as_ref(),
            reference: Some(reference),
            ..Parts::default()
        };
        let mut answer = self.page(refused(page), None, parts);
        if let Some(seconds) = page.retry_after() {
            let headers = answer.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }

    fn home_button(&self) -> Option<Button> {
        let home = self.pages.home();
        home.map(|href| self.link("back-to", href))
    }

    /// Returns a button that leads to an address; `label` is the name of its text.
    pub(super) fn link(&self, label: &str, href: String) -> Button {
        let app = match &self.pages.brand.name {
            Some(name) => name.clone(),
            None => self.locale.label("the-app", &[]),
        };
        Button::Link {
            label: self.locale.label(label, &[("app", &app)]),
            href,
        }
    }

    fn page(&self, (icon, text): PageText, intent: Option<Intent>, parts: Parts<'_>) -> Response {
        let Self { pages, locale } = *self;
        let title = intent.map(|intent| locale.label(&format!("intent-{intent}"), &[]));
        let title = title.unwrap_or_default();
        let page = Page {
            brand: &pages.brand,
            logo: pages.logo.as_deref(),
            style: &pages.style,
            script: SCRIPT,
            locale,
            icon,
            message: locale.message(text, &[("title", &title)]),
            parts,
        };
        // Rendering into memory does not fail; the heading alone would still be an answer.
        let html = page
            .render()
            .unwrap_or_else(|_| page.message.heading.clone());
        let policy = pages.policies.of_page(parts).clone();
        let mut answer = Response::new(Body::from(html));
        *answer.status_mut() = parts.status;
        let headers = answer.headers_mut();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, html);
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        answer
    }
}

/// Returns the address that holds a picture.
pub(super) fn data_url(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
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
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    fn pages(brand: Brand) -> Pages {
        Pages::new(brand, Texts::new(&BTreeMap::new(), None).unwrap(), None)
    }

    async fn html(answer: Response) -> String {
        let body = axum::body::to_bytes(answer.into_body(), 64 * 1024).await;
        String::from_utf8(body.unwrap().to_vec()).unwrap()
    }

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

    #[tokio::test]
    async fn what_is_written_in_the_configuration_cannot_break_out_of_the_page() {
        let brand = Brand {
            name: Some("<script>alert(1)</script>".to_owned()),
            home: Some("https://a.example/\"><script>".to_owned()),
            support: Some("https://a.example/\"><script>".to_owned()),
            ..Brand::default()
        };
        let own = [("en".parse().unwrap(), "denied = <script>\n".to_owned())];
        let texts = Texts::new(&BTreeMap::from(own), None).unwrap();
        let pages = Pages::new(brand, texts, None);
        let answer = pages
            .view(&HeaderMap::new())
            .refusal(ErrorPage::Denied, "<script>");
        let html = html(answer).await;
        assert!(!html.contains("<script>"), "{html}");
    }

    #[tokio::test]
    async fn a_refusal_leads_back_to_the_app_where_the_configuration_says_which() {
        let brand = Brand {
            home: Some("https://app.example.com/".to_owned()),
            ..Brand::default()
        };
        for (brand, leads) in [(brand, true), (Brand::default(), false)] {
            let pages = pages(brand);
            let page = pages
                .view(&HeaderMap::new())
                .refusal(ErrorPage::Denied, "REF");
            let html = html(page).await;
            let link = r#"href="https://app.example.com/">Back to the app</a>"#;
            assert_eq!(html.contains(link), leads, "{html}");
        }
    }

    #[tokio::test]
    async fn a_page_is_in_the_language_of_its_visitor() {
        let pages = pages(Brand::default());
        for (wanted, heading) in [
            ("ja-JP,en;q=0.5", "設定が完了しました：シングルサインオン"),
            ("tlh", "Done: single sign-on is set up"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(wanted));
            let view = pages.view(&headers);
            let answer = view.outcome((Outcome::Done, Intent::Sso), None, None);
            let html = html(answer).await;
            assert!(html.contains(&format!("<h1>{heading}</h1>")), "{html}");
        }
    }

    #[tokio::test]
    async fn every_page_has_its_text_in_every_language() {
        let pages = pages(Brand::default());
        let wait = Duration::from_secs(1);
        let errors = [
            ErrorPage::Denied,
            ErrorPage::NeedsRole,
            ErrorPage::OtherOrganization,
            ErrorPage::NotOffered,
            ErrorPage::Unknown,
            ErrorPage::Confirm,
            ErrorPage::NoNavigation,
            ErrorPage::NoPage,
            ErrorPage::Method,
            ErrorPage::NotReady,
            ErrorPage::AlreadyThere,
            ErrorPage::TooMany(wait),
            ErrorPage::Busy(wait),
            ErrorPage::Restarted(wait),
            ErrorPage::Failed,
        ];
        let outcomes = [
            Outcome::Done,
            Outcome::Validating,
            Outcome::NotFinished,
            Outcome::NeedsDomain,
            Outcome::Unclear,
        ];
        for language in ["en", "de", "es", "fr", "ja"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(language));
            let view = pages.view(&headers);
            let mut texts = vec![ONWARD, SIGNED_OUT, CHANGE_ACTIVE];
            texts.extend(errors.map(refused));
            for intent in Intent::ALL {
                texts.extend(outcomes.map(|outcome| progress(outcome, intent)));
                let title = format!("intent-{intent}");
                assert_ne!(view.locale.label(&title, &[]), title, "{language}");
            }
            for (_, text) in texts {
                let message = view.locale.message(text, &[("title", "x")]);
                assert_ne!(message.heading, text, "{language}");
                assert!(!message.paragraphs.is_empty(), "{language} {text}");
            }
        }
    }

    #[test]
    fn waiting_is_told_in_whole_seconds_and_never_too_short() {
        let pages = pages(Brand::default());
        for (wait, seconds) in [(1, "1"), (1000, "1"), (1001, "2")] {
            let page = ErrorPage::TooMany(Duration::from_millis(wait));
            let answer = pages.view(&HeaderMap::new()).refusal(page, "REF");
            assert_eq!(answer.status(), 429);
            assert_eq!(answer.headers()[header::RETRY_AFTER], seconds);
        }
    }
}
