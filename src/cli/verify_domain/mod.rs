//! `portalctl verify-domain`
//!
//! Takes one organization. Shows the DNS record of its domains, looks it up, and asks WorkOS to verify
//! where that can help.

mod request;
mod verify;

use std::net::{IpAddr, SocketAddr};

use clap::Args;

use super::args::{EntryArgs, Format};
use super::connect::Connection;
use super::entry::{Confirm, Entry};
use super::error::{CliError, most_alike};
use super::exit::Exit;
use super::session::{self, Takeover};
use super::ui::Ui;
use portalctl_core::verification::RecordValue;
use portalctl_model::codes::domain as codes;
use portalctl_model::desired::Desired;
use portalctl_model::text::escape;
use portalctl_model::{Domain, Intent, OrgKey};
use portalctl_report::json_v1;
use portalctl_report::{DomainsReport, text};
use portalctl_workos::dns::{Bounds, Resolvers};
use request::{Asking, VerifyRequest};

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// Show the DNS record of a customer's domains, look it up, and ask WorkOS to verify them.
///
/// For every declared domain that is not verified: the TXT record that the customer has to set,
/// whether the world sees it, and what WorkOS says. Exits with 0 when all are verified and with 2
/// while one is not.
///
/// WorkOS is asked when the record is seen, and also when DNS cannot tell. It is not asked when DNS
/// says that the record is not there: asking would do no harm to a pending domain, for which WorkOS
/// keeps looking by itself for 30 days, but it begins those days again for one that has failed.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one flag of the command line"
)]
pub(super) struct VerifyDomainArgs {
    /// The organization: its key in the manifest, its external id, its id (`org_…`), or, after a
    /// question, one of its domains or its name.
    key: String,

    /// One of the domains that it declares; without it, all of them.
    domain: Option<String>,

    /// Show the record's value: whoever has it can set the record, so keep it out of public logs.
    #[arg(long)]
    reveal: bool,

    /// Ask this resolver instead of the system's, as in 1.1.1.1; several may be given, and the
    /// record counts as seen when all of them see it.
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = resolver)]
    resolver: Vec<SocketAddr>,

    /// Look the record up and do not ask WorkOS to verify.
    #[arg(long)]
    dns_only: bool,

    /// Ask WorkOS although DNS does not show the record.
    #[arg(long, conflicts_with = "dns_only")]
    ask_anyway: bool,

    /// Also where another manifest or an operator holds the organization; its marks stay.
    #[arg(long)]
    adopt_owned: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,

    #[command(flatten)]
    entry: EntryArgs,
}

impl VerifyDomainArgs {
    fn request(&self) -> VerifyRequest {
        VerifyRequest {
            domain: self.domain.clone(),
            record: if self.reveal {
                RecordValue::Shown
            } else {
                RecordValue::Hidden
            },
            resolvers: self.resolver.clone(),
            asking: match (self.dns_only, self.ask_anyway) {
                (true, _) => Asking::Never,
                (false, true) => Asking::Always,
                (false, false) => Asking::WhenUseful,
            },
            takeover: if self.adopt_owned {
                Takeover::Allowed
            } else {
                Takeover::Refused
            },
            format: self.output,
        }
    }
}

pub(super) fn run(args: &VerifyDomainArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.request();
    // Looking a record up sends nothing.
    let (confirm, takeover) = match request.asking {
        Asking::Never => (Confirm::Nothing, Takeover::Allowed),
        Asking::Always | Asking::WhenUseful => (Confirm::NameOrDomain, request.takeover),
    };
    let entry = args.entry.request(&args.key)?;
    let mut entry = Entry::load(entry, &[Intent::DomainVerification], confirm, ui)?;
    let key = &entry.key.clone();
    let domains = wanted(&entry.manifest.desired, key, request.domain.as_deref())?;
    let connection = entry.connect()?;
    session::run(&entry.manifest, &connection, ui, async |session| {
        let live = session.observe().await?;
        let no_organization = codes::NO_ORGANIZATION;
        let organization = session.organization_to_write(&live, key, takeover, no_organization)?;
        let run = verify::Run {
            session,
            request: &request,
            resolvers: resolvers(&request, &connection),
            organization,
            contested: live.identities.contested.get(key),
        };
        let verify::Outcome {
            domains,
            errors,
            exit,
        } = run.verify(&domains).await?;
        connection.close()?;
        let report = DomainsReport {
            headline: &connection.headline(),
            key,
            organization: &organization.id,
            domains: &domains,
        };
        let told = CliError::several(exit, errors);
        ui.error(&told);
        ui.data(&match request.format {
            Format::Text => text::domains(&report, &ui.layout()),
            Format::Json | Format::Yaml => request
                .format
                .document(&json_v1::domains(&report, told.items))?,
        })?;
        Ok(exit)
    })
}

/// Parses an address with or without a port; an IPv6 address with a port stands in brackets.
fn resolver(text: &str) -> Result<SocketAddr, String> {
    let by_itself = text.parse::<IpAddr>();
    by_itself
        .map(|ip| SocketAddr::new(ip, DNS_PORT))
        .or_else(|_| text.parse())
        .map_err(|_| "not an IP address, as in 1.1.1.1, 127.0.0.1:5353 or [::1]:5353".to_owned())
}

/// Returns the declared domains that the run is about.
fn wanted(desired: &Desired, key: &OrgKey, named: Option<&str>) -> Result<Vec<Domain>, CliError> {
    let declared = desired.organizations.get(key);
    let declared = declared.and_then(|entry| entry.domains.as_ref());
    let declared: Vec<Domain> = declared
        .map(|domains| domains.keys().cloned().collect())
        .unwrap_or_default();
    if declared.is_empty() {
        let message = format!("`{key}` declares no domain");
        return Err(CliError::new(Exit::Usage, codes::NONE_DECLARED, message));
    }
    let Some(named) = named else {
        return Ok(declared);
    };
    let lower = named.to_ascii_lowercase();
    if let Some(domain) = declared.iter().find(|domain| domain.as_str() == lower) {
        return Ok(vec![domain.clone()]);
    }
    let message = format!("`{key}` does not declare the domain {}", escape(named));
    let error = CliError::new(Exit::Usage, codes::NOT_DECLARED, message);
    Err(
        match most_alike(&lower, declared.iter().map(Domain::as_str)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error,
        },
    )
}

/// Returns the resolvers to ask; none for the in-process sandbox, whose domains are invented, unless
/// one was named.
fn resolvers(request: &VerifyRequest, connection: &Connection) -> Option<Resolvers> {
    if connection.is_sandbox() && request.resolvers.is_empty() {
        return None;
    }
    let clock = connection.clock.clone();
    Some(Resolvers::new(&request.resolvers, Bounds::default(), clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_is_an_address_with_or_without_a_port() {
        for (text, address) in [
            ("1.1.1.1", "1.1.1.1:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(resolver(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in ["", "dns.example.com", "1.1.1", "1.1.1.1:", "1.1.1.1:99999"] {
            assert!(resolver(text).is_err(), "{text}");
        }
    }
}
