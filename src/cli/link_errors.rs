//! Errors of portal links: refusals by WorkOS, each with what to do about it.
//!
//! Takes the error of a request. Returns the error of the command. Decides no retry.

use super::error::CliError;
use super::exit::Exit;
use portalctl_core::link::ResolvedUrls;
use portalctl_model::codes::link as codes;
use portalctl_model::{Email, Intent, OrgKey};
use portalctl_workos::{ApiError, ApiErrorKind};

/// Returns the error of a link that could not be made.
pub(super) fn not_made(
    error: ApiError,
    urls: &ResolvedUrls,
    key: &OrgKey,
    intent: Intent,
    endpoint: &str,
) -> CliError {
    let (exit, code, help) = match error.kind {
        ApiErrorKind::Rejected if is_about_url(&error) => {
            (Exit::Stopped, codes::URL_REFUSED, url_help(urls))
        }
        ApiErrorKind::Forbidden => {
            let fix = codes::NOT_ENTITLED.entry().fix.to_owned();
            (Exit::Credentials, codes::NOT_ENTITLED, fix)
        }
        ApiErrorKind::NotFound => {
            let help = format!("{key} was there a moment ago: run portalctl plan");
            (Exit::Stopped, codes::NO_ORGANIZATION, help)
        }
        _ => return CliError::reading(error, endpoint),
    };
    let mut told = CliError::reading(error, endpoint).help(help);
    told.exit = exit;
    for item in &mut told.items {
        item.code = code.as_str();
        item.message = format!("no link for {key} {intent}: {}", item.message);
    }
    told
}

/// Adds to a refusal that the contacts of `--grant-contacts` may be its reason: an account may not
/// have IT contacts.
pub(super) fn mention_contacts(mut told: CliError, contacts: &[Email]) -> CliError {
    if contacts.is_empty() {
        return told;
    }
    for item in &mut told.items {
        if !matches!(item.http_status, Some(400..=499)) || item.http_status == Some(401) {
            continue;
        }
        let help = item.help.take().unwrap_or_default();
        item.help = Some(format!(
            "{help}; or leave out --grant-contacts: the account may not have IT contacts"
        ));
    }
    told
}

/// Returns the error of links that could not be ended.
pub(super) fn not_revoked(error: ApiError, key: &OrgKey, endpoint: &str) -> CliError {
    let is_missing = error.kind == ApiErrorKind::NotFound;
    let mut told = CliError::reading(error, endpoint);
    for item in &mut told.items {
        item.message = format!("no links of {key} were ended: {}", item.message);
        if is_missing {
            let code = codes::CANNOT_REVOKE;
            item.code = code.as_str();
            item.help = Some(code.entry().fix.to_owned());
        }
    }
    if is_missing {
        told.exit = Exit::Stopped;
    }
    told
}

/// Returns whether WorkOS refused the return URL or the success URL.
fn is_about_url(error: &ApiError) -> bool {
    let code = error.upstream_code.as_deref().unwrap_or_default();
    let said = format!("{code} {}", error.message).to_ascii_lowercase();
    let words = [
        "redirect",
        "return_url",
        "return url",
        "success_url",
        "success url",
    ];
    words.iter().any(|word| said.contains(word))
}

fn url_help(urls: &ResolvedUrls) -> String {
    let ResolvedUrls {
        return_url,
        success_url,
    } = urls;
    let success_url = success_url.as_ref().filter(|_| success_url != return_url);
    let sent: Vec<String> = return_url
        .iter()
        .chain(success_url)
        .map(|url| format!("{} ({})", url.url, url.origin))
        .collect();
    if sent.is_empty() {
        return "the manifest gives no return URL and WorkOS has no default: set \
                return_urls.default, or the default in the WorkOS dashboard (Admin Portal)"
            .to_owned();
    }
    format!(
        "allow it in the WorkOS dashboard (Admin Portal), or correct the manifest; sent were {}",
        sent.join(" and ")
    )
}
