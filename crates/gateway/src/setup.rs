//! Part of the gateway that follows from its configuration: built at the start, and built anew when
//! the configuration changes while people are served.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use unic_langid::LanguageIdentifier;

use super::config::{Brand, Config, IdentityProvider, TokenRules};
use super::error::OpenError;
use super::files;
use super::pages::Pages;
use super::public_url::PublicUrl;
use super::texts::Texts;
use super::token::Rules;
use portalctl_model::codes::gateway as codes;

/// Largest logo, in bytes: it is a part of every page.
const MAX_LOGO: usize = 64 * 1024;
/// Kinds of pictures that may be a logo, by the ending of the file's name.
const PICTURES: [(&str, &str); 4] = [
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("webp", "image/webp"),
];
/// Ending of files with texts.
const TEXTS: &str = "ftl";

/// Configuration in use, with what is built from it.
pub(super) struct Setup {
    pub(super) config: Config,
    /// Rules for hand-off tokens; `None` where a proxy authenticates.
    pub(super) rules: Option<Rules>,
    pub(super) pages: Pages,
}

impl Setup {
    /// Builds it, and reads the logo and the texts that the configuration names. Tokens issued before
    /// the second `not_before` are not judged.
    ///
    /// # Errors
    ///
    /// Returns every file that cannot be used.
    pub(super) fn build(
        config: Config,
        public_url: &PublicUrl,
        not_before: i64,
    ) -> Result<Self, Vec<OpenError>> {
        let bad = |message: String| OpenError::new(codes::CONFIG, message);
        let brand = &config.brand;
        let logo = brand.logo.as_deref().map(logo).transpose();
        let texts = own_texts(brand.texts.as_deref())
            .and_then(|own| Texts::new(&own, brand.language.as_ref()));
        let (logo, texts) = match (logo, texts) {
            (Ok(logo), Ok(texts)) => (logo, texts),
            (logo, texts) => {
                let problems = logo.err().into_iter();
                let problems = problems.chain(texts.err().into_iter().flatten());
                return Err(problems.map(bad).collect());
            }
        };
        let rules = match &config.identity_provider {
            IdentityProvider::Token(token) => {
                let leeway = config.clock_leeway;
                Some(token_rules(token, public_url, leeway, not_before))
            }
            IdentityProvider::Proxy(_) => None,
        };
        Ok(Self {
            pages: Pages::new(brand.clone(), texts, logo),
            rules,
            config,
        })
    }
}

/// Returns the files that pages are built from.
pub(super) fn files_of(brand: &Brand) -> Vec<PathBuf> {
    let files = brand.logo.iter().chain(&brand.texts);
    files.cloned().collect()
}

/// Combines the configured rules with those that the gateway itself knows.
fn token_rules(token: &TokenRules, public_url: &PublicUrl, leeway: i64, not_before: i64) -> Rules {
    let audience = token.audience.as_deref().unwrap_or(public_url.as_str());
    Rules {
        issuer: token.issuer.clone(),
        audience: audience.to_owned(),
        role: token.role.clone(),
        leeway,
        not_before,
    }
}

/// Reads a logo; returns the address that holds it.
fn logo(file: &Path) -> Result<String, String> {
    let ending = file.extension().and_then(|it| it.to_str());
    let kind = PICTURES.iter().find(|(known, _)| Some(*known) == ending);
    let Some((_, kind)) = kind else {
        let known: Vec<&str> = PICTURES.iter().map(|(ending, _)| *ending).collect();
        let message = format!(
            "{}: a logo is a file .{}",
            file.display(),
            known.join(", .")
        );
        return Err(message);
    };
    let bytes = files::read_bytes(file, MAX_LOGO)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Ok(super::pages::data_url(kind, &bytes))
}

/// Reads the team's own texts: files such as `de.ftl`, by language.
fn own_texts(folder: Option<&Path>) -> Result<BTreeMap<LanguageIdentifier, String>, Vec<String>> {
    let mut texts = BTreeMap::new();
    let Some(folder) = folder else {
        return Ok(texts);
    };
    let unreadable =
        |error: std::io::Error| vec![format!("{} cannot be read: {error}", folder.display())];
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_none_or(|ending| ending != TEXTS) {
            continue;
        }
        let name = file.file_stem().and_then(|name| name.to_str());
        let Some(language) = name.and_then(|name| name.parse().ok()) else {
            problems.push(format!(
                "{}: its name is a language, such as de.ftl",
                file.display()
            ));
            continue;
        };
        match files::read(&file) {
            Ok(text) => {
                texts.insert(language, text);
            }
            Err(error) => problems.push(format!("{} cannot be read: {error}", file.display())),
        }
    }
    if problems.is_empty() {
        Ok(texts)
    } else {
        Err(problems)
    }
}
