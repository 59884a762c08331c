//! Tests that a customer who is named by a domain is confirmed at a terminal.

use crate::support::cli::TestEnv;
use crate::support::pty::AtTerminal;
use crate::support::sandbox_server::SandboxServer;

const MANIFEST: &str = "\
version: 1
environment: { name: staging, api_key: test }
organizations:
  acme: { name: Acme Corp, domains: [acme.com], intents: [sso] }
";

#[test]
fn a_domain_is_acted_on_after_a_yes_and_not_after_anything_else() {
    let env = TestEnv::with_manifest(MANIFEST);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    for (answer, code) in [("yes", 0), ("y", 3)] {
        let run = env.run("revoke-link acme.com user-1").at(&server);
        let mut terminal = AtTerminal::start(run);
        terminal.wait_for("is taken as consent: ");
        assert!(
            terminal.written().contains("(Acme Corp)"),
            "{}",
            terminal.written()
        );
        terminal.types(&format!("{answer}\n"));
        let (status, written) = terminal.finish();
        assert_eq!(status.code(), Some(code), "{written}");
        assert_eq!(written.contains("revoked"), code == 0, "{written}");
    }
}
