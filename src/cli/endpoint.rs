//! Endpoint of the API: the flag, else a variable, else WorkOS itself.
//!
//! portalctl's own variable may name any endpoint. The variables of the official SDKs and of
//! `workos dev` are obeyed where they name this machine; elsewhere they are ignored with a warning,
//! because a variable that another tool left behind must not send a key to another host.

use super::error::CliError;
use super::exit::Exit;
use super::request::HttpRequest;
use super::ui::Ui;
use portalctl_model::codes::cli as codes;
use portalctl_workos::{ApiKey, Endpoint, PlainHttp};

/// The flag that names an endpoint.
pub(super) const FLAG: &str = "--api-url";
/// The flag that allows plain http to another machine.
const ALLOW_PLAIN_HTTP: &str = "--allow-plain-http";
/// portalctl's own variable.
const API_URL: &str = "WORKOS_API_URL";
/// Base URL, as official SDKs read it.
const BASE_URL: &str = "WORKOS_API_BASE_URL";
/// Host, as official SDKs read it, with [`PORT`] and [`HTTPS`].
const HOSTNAME: &str = "WORKOS_API_HOSTNAME";
const PORT: &str = "WORKOS_API_PORT";
/// `false` for plain http.
const HTTPS: &str = "WORKOS_API_HTTPS";

/// An endpoint and the source of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) endpoint: Endpoint,
    /// [`FLAG`] or a variable; nothing for WorkOS itself.
    pub(super) origin: Option<&'static str>,
    /// A variable that names another machine and is therefore ignored.
    pub(super) ignored: Option<&'static str>,
}

/// Chooses the endpoint by the flag and the environment; warns of a variable that is ignored.
pub(super) fn endpoint(request: &HttpRequest) -> Result<Endpoint, CliError> {
    let chosen = choose_by_environment(request)?;
    if let Some(variable) = chosen.ignored {
        Ui::insist(&format!(
            "warning: {variable} is ignored, because it does not name this machine\n\
             hint: the key is sent to {}; to use another endpoint, set {API_URL} or pass {FLAG}",
            chosen.endpoint.authority()
        ));
    }
    if chosen.endpoint.is_readable_on_the_way() {
        Ui::insist(&format!(
            "warning: requests to {} are not encrypted: the key, links and customers' data are \
             readable on the way ({ALLOW_PLAIN_HTTP})",
            chosen.endpoint.authority()
        ));
    }
    Ok(chosen.endpoint)
}

/// Chooses the endpoint by the flag and the environment.
pub(super) fn choose_by_environment(request: &HttpRequest) -> Result<Chosen, CliError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    choose(request.url.as_deref(), request.plain_http, variable)
}

/// Refuses to send a key over plain http to another machine, unless it is a test environment's.
pub(super) fn check_key(endpoint: &Endpoint, key: &ApiKey) -> Result<(), CliError> {
    if key.may_be_sent_to(endpoint) {
        return Ok(());
    }
    let message = format!(
        "{} has plain http, and the key is not one of a test environment; no request was made",
        endpoint.authority()
    );
    Err(CliError::new(
        Exit::Credentials,
        codes::KEY_IN_THE_CLEAR,
        message,
    ))
}

fn choose(
    flag: Option<&str>,
    plain: PlainHttp,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Chosen, CliError> {
    let own = flag.map(|url| (url.to_owned(), FLAG));
    if let Some((url, origin)) = own.or_else(|| Some((variable(API_URL)?, API_URL))) {
        let endpoint = Endpoint::parse_allowing(&url, plain).map_err(|error| {
            // Not the address itself: what makes it unusable may be a credential in it.
            let message = format!("the API address in {origin} {error}");
            CliError::new(Exit::Usage, codes::INVALID_ENDPOINT, message)
        })?;
        return Ok(Chosen {
            endpoint,
            origin: Some(origin),
            ignored: None,
        });
    }
    let of_sdk = variable(BASE_URL).map(|url| (url, BASE_URL));
    let Some((url, origin)) = of_sdk.or_else(|| Some((by_host(&variable)?, HOSTNAME))) else {
        return Ok(Chosen {
            endpoint: Endpoint::default(),
            origin: None,
            ignored: None,
        });
    };
    Ok(match Endpoint::parse(&url) {
        Ok(endpoint) if endpoint.is_loopback() => Chosen {
            endpoint,
            origin: Some(origin),
            ignored: None,
        },
        // The name of WorkOS itself changes nothing.
        Ok(endpoint) if endpoint == Endpoint::default() => Chosen {
            endpoint,
            origin: None,
            ignored: None,
        },
        Ok(_) | Err(_) => Chosen {
            endpoint: Endpoint::default(),
            origin: None,
            ignored: Some(origin),
        },
    })
}

/// Joins host, port and scheme as the official SDKs do.
fn by_host(variable: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let host = variable(HOSTNAME)?;
    let is_plain = variable(HTTPS).is_some_and(|https| https.eq_ignore_ascii_case("false"));
    let scheme = if is_plain { "http" } else { "https" };
    let port = variable(PORT).map(|port| format!(":{port}"));
    Some(format!("{scheme}://{host}{}", port.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host, origin and what is ignored, under some variables.
    fn chosen(flag: Option<&str>, variables: &[(&str, &str)]) -> (String, String, String) {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let chosen = choose(flag, PlainHttp::ThisMachine, variable).unwrap();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        (
            chosen.endpoint.authority().to_owned(),
            text(chosen.origin),
            text(chosen.ignored),
        )
    }

    fn is(authority: &str, origin: &str, ignored: &str) -> (String, String, String) {
        (authority.to_owned(), origin.to_owned(), ignored.to_owned())
    }

    #[test]
    fn the_flag_comes_before_the_own_variable_and_that_before_those_of_sdks() {
        let sdk = (BASE_URL, "http://127.0.0.1:4100");
        let own = (API_URL, "https://proxy.example");
        let nothing = is("api.workos.com", "", "");
        assert_eq!(chosen(None, &[]), nothing);
        assert_eq!(chosen(None, &[sdk]), is("127.0.0.1:4100", BASE_URL, ""));
        assert_eq!(chosen(None, &[sdk, own]), is("proxy.example", API_URL, ""));
        let flag = Some("https://flag.example");
        assert_eq!(
            chosen(flag, &[sdk, own]),
            is("flag.example", "--api-url", "")
        );
    }

    #[test]
    fn plain_http_to_another_machine_is_by_the_own_variable_and_with_leave_only() {
        let of = |name: &'static str, plain| {
            let variable =
                move |asked: &str| (asked == name).then(|| "http://sandbox:4100".to_owned());
            choose(None, plain, variable)
        };
        let chosen = of(API_URL, PlainHttp::Anywhere).unwrap();
        assert_eq!(chosen.endpoint.authority(), "sandbox:4100");
        assert!(of(API_URL, PlainHttp::ThisMachine).is_err());
        let chosen = of(BASE_URL, PlainHttp::Anywhere).unwrap();
        assert_eq!(chosen.ignored, Some(BASE_URL));
    }

    #[test]
    fn no_key_but_a_test_key_is_sent_in_the_clear() {
        let key = |text: &str| ApiKey::parse(text).unwrap();
        let plain = Endpoint::parse_allowing("http://sandbox", PlainHttp::Anywhere).unwrap();
        assert!(check_key(&plain, &key("sk_test_abc")).is_ok());
        for text in ["sk_live_abc", "sk_other"] {
            let error = check_key(&plain, &key(text)).unwrap_err();
            assert_eq!(error.exit, Exit::Credentials);
            for safe in ["https://sandbox", "http://127.0.0.1"] {
                let safe = Endpoint::parse(safe).unwrap();
                assert!(check_key(&safe, &key(text)).is_ok());
            }
        }
    }

    #[test]
    fn a_host_on_this_machine_is_obeyed_with_its_port_and_scheme() {
        let host = (HOSTNAME, "127.0.0.1");
        let rest = [host, (PORT, "4100"), (HTTPS, "false")];
        assert_eq!(chosen(None, &rest), is("127.0.0.1:4100", HOSTNAME, ""));
        let local = [(HOSTNAME, "localhost"), (PORT, "8443")];
        assert_eq!(chosen(None, &local), is("localhost:8443", HOSTNAME, ""));
    }

    #[test]
    fn another_machine_is_ignored_and_named_and_workos_itself_is_no_news() {
        for variable in [
            (HOSTNAME, "evil.example"),
            (HOSTNAME, "127.0.0.1@evil.example"),
            (BASE_URL, "https://evil.example"),
            (BASE_URL, "no address"),
        ] {
            let found = chosen(None, &[variable]);
            assert_eq!(found, is("api.workos.com", "", variable.0), "{variable:?}");
        }
        let itself = [(HOSTNAME, "api.workos.com")];
        assert_eq!(chosen(None, &itself), is("api.workos.com", "", ""));
    }
}
