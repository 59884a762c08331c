//! Configuration as it is written: decoded from YAML, not yet checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};

use super::Problem;
use portalctl_model::Intent;
use portalctl_model::text::escape;

/// Largest configuration, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) version: Spanned<u32>,
    pub(super) token: Option<Spanned<RawToken>>,
    pub(super) proxy: Option<Spanned<RawProxy>>,
    pub(super) clock_leeway: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) returns: RawReturns,
    pub(super) popup_opener: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) again: RawAgain,
    pub(super) secret_file: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) result_keys: RawResultKeys,
    pub(super) used_tokens: Option<Spanned<RawStore>>,
    pub(super) provision: Option<Spanned<RawProvision>>,
    #[serde(default)]
    pub(super) brand: RawBrand,
    #[serde(default)]
    pub(super) limits: RawLimits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProvision {
    pub(super) intents: Vec<Intent>,
    pub(super) per_hour: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStore {
    pub(super) redis_url_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawToken {
    pub(super) issuer: Spanned<String>,
    pub(super) audience: Option<Spanned<String>>,
    pub(super) role: Option<Spanned<String>>,
    pub(super) secret_file: Option<Spanned<String>>,
    pub(super) jwks_file: Option<Spanned<String>>,
    pub(super) jwks_url: Option<Spanned<String>>,
    pub(super) keys_expire_after: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProxy {
    pub(super) peers: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) headers: RawHeaders,
    pub(super) groups: BTreeMap<String, Spanned<RawGroup>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawHeaders {
    pub(super) user: Option<Spanned<String>>,
    pub(super) email: Option<Spanned<String>>,
    pub(super) groups: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGroup {
    pub(super) organization: Option<Spanned<String>>,
    pub(super) intents: Option<Vec<Intent>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawReturns {
    #[default]
    Page,
    Forward,
    Direct,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawAgain {
    #[default]
    Ask,
    Refuse,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawResultKeys {
    #[default]
    Shared,
    Published,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawBrand {
    pub(super) name: Option<Spanned<String>>,
    pub(super) accent: Option<Spanned<String>>,
    pub(super) home: Option<Spanned<String>>,
    pub(super) support: Option<Spanned<String>>,
    pub(super) logo: Option<Spanned<String>>,
    pub(super) texts: Option<Spanned<String>>,
    pub(super) language: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    pub(super) per_subject: Option<Spanned<u32>>,
    pub(super) per_organization: Option<Spanned<u32>>,
    pub(super) in_flight: Option<Spanned<u32>>,
}

/// Decodes a configuration; the parser stops at its first problem.
pub(super) fn parse(text: &str) -> Result<Raw, Vec<Problem>> {
    if text.len() > MAX_BYTES {
        return Err(vec![Problem {
            line: 0,
            column: 0,
            message: "the file is larger than 1 MiB".to_owned(),
        }]);
    }
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let words = error.to_string();
        // The parser ends its message with the place, which `Problem` holds in fields of its own.
        let message = words.lines().next().unwrap_or_default();
        let message = message.split(" at line ").next().unwrap_or_default();
        vec![at(error.location(), message)]
    })
}

/// Builds a problem with its place, where there is one.
pub(super) fn at(place: Option<Location>, message: &str) -> Problem {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Problem {
        line: place.map_or(0, |place| small(place.line())),
        column: place.map_or(0, |place| small(place.column())),
        message: escape(message).into_owned(),
    }
}
