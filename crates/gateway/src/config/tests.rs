//! Tests of the gateway's configuration: every refusal names the setting.

use super::*;

const MINIMAL: &str = "version: 1\ntoken: { issuer: app, secret_file: s }\n";

/// The problems of a configuration, as `line:column message`.
fn problems(text: &str) -> Vec<String> {
    let problems = Config::read(text, Path::new("/etc"))
        .err()
        .unwrap_or_default();
    let shown = |p: Problem| format!("{}:{} {}", p.line, p.column, p.message);
    problems.into_iter().map(shown).collect()
}

#[test]
fn little_has_to_be_said() {
    let config = Config::read(MINIMAL, Path::new("/etc")).unwrap();
    let IdentityProvider::Token(token) = config.identity_provider else {
        panic!("no token");
    };
    assert_eq!((token.role.as_str(), config.clock_leeway), ("it_admin", 5));
    assert!(matches!(token.keys, KeySource::SecretFile(file) if file == Path::new("/etc/s")));
    assert_eq!(config.return_mode, ReturnMode::Page);
}

#[test]
fn every_broken_rule_is_told_with_its_place() {
    let text = "\
version: 2
clock_leeway: 31
returns: forward
brand:
  accent: blue
  home: //app.example.com
  support: ask us
limits: { per_subject: 0 }
proxy:
  peers: [10.0.0.0/8, 0.0.0.0/0, everybody]
  groups:
    it: { organization: Acme Corp }
    \"{key}-it\": { organization: acme }
    \"{key}\": {}
    nobodys: {}
  headers: { user: \"a b\", groups: X-Forwarded-User }
";
    let problems = problems(text);
    insta::assert_snapshot!(problems.join("\n"), @r##"
    0:0 `proxy.headers.groups` names another header than `user` and `email`
    0:0 `returns: forward` signs results, so it needs a `secret_file`, which the app has too
    1:10 this version of portalctl reads version 1
    2:15 `clock_leeway` is at most 30 seconds
    5:11 `accent` is a colour such as "#4338ca"
    6:9 `home` is an https URL without user, query and fragment; plain http is for this machine
    7:12 `support` is an e-mail address or an https URL
    8:24 `per_subject` is between 1 and 10000
    10:23 this is every address there is, so anybody could be anybody
    10:34 a peer is an address, or a network such as 10.0.0.0/8
    12:25 `organization` may hold lower-case letters, digits, `-` and `.`, and starts and ends with a letter or digit
    13:33 the organization is that of `{key}` in the name of the group
    14:14 a pattern has `{key}` once, and something beside it, as in `{key}-it`
    15:14 add `organization`, or make the name a pattern such as `{key}-it`
    16:20 a header has a name such as `Remote-User`
    "##);
}

#[test]
fn the_file_is_strict() {
    for (text, problem) in [
        ("version: 1\ntokens: {}\n", "2:1"),
        ("version: 1\nversion: 1\n", "2:1"),
        ("version: one\n", "1:10"),
        (
            "version: 1\ntoken: { issuer: [a], secret_file: s }\n",
            "2:18",
        ),
        ("version: 1\n", "0:0 one of `token` and `proxy`"),
        (
            "version: 1\ntoken: { issuer: app, secret_file: s }\nresult_keys: published\n",
            "0:0 `result_keys: published` derives keys",
        ),
        (
            "version: 1\ntoken: { issuer: a }\n",
            "2:8 `token` names its keys",
        ),
        (
            "version: 1\ntoken: { issuer: a, jwks_url: \"http://a.example/k\" }\n",
            "2:31 `jwks_url` is an https URL",
        ),
    ] {
        let problems = problems(text);
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert!(problems[0].starts_with(problem), "{text}: {problems:?}");
    }
    let both = format!("{MINIMAL}proxy: {{ peers: [10.0.0.1], groups: {{}} }}\n");
    assert_eq!(problems(&both).len(), 1, "{both}");
}
