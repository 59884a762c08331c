//! One resolver, through hickory.

use std::net::SocketAddr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData};

use super::{Bounds, TxtLookup};
use portalctl_core::verification::{Answer, Trouble};

/// The port of DNS.
pub(super) const PORT: u16 = 53;

/// Asks one resolver, by UDP, and by TCP when the answer is too long for that.
#[derive(Clone)]
pub struct Resolver(TokioResolver);

impl Resolver {
    /// The resolvers that the system is set up with.
    pub fn system(bounds: Bounds) -> Result<Self, Trouble> {
        let mut builder = TokioResolver::builder_tokio().map_err(|error| trouble(&error))?;
        bound(builder.options_mut(), bounds);
        let built = builder.build().map_err(|error| trouble(&error))?;
        Ok(Self(built))
    }

    /// The resolver at an address.
    pub fn at(address: SocketAddr, bounds: Bounds) -> Result<Self, Trouble> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        let connections = connections.map(|mut connection| {
            connection.port = address.port();
            connection
        });
        let server = NameServerConfig::new(address.ip(), true, connections.to_vec());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        bound(builder.options_mut(), bounds);
        let built = builder.build().map_err(|error| trouble(&error))?;
        Ok(Self(built))
    }
}

fn bound(options: &mut ResolverOpts, bounds: Bounds) {
    options.timeout = bounds.attempt;
    // Tries after the first one.
    options.attempts = 1;
    options.use_hosts_file = ResolveHosts::Never;
}

impl TxtLookup for Resolver {
    async fn texts(&self, name: &str) -> Answer {
        let Ok(mut name) = Name::from_ascii(name) else {
            return Answer::NoName;
        };
        // In full: the search list of the system is for names of its own network.
        name.set_fqdn(true);
        match self.0.txt_lookup(name).await {
            Ok(lookup) => texts_of(&lookup),
            Err(error) => no_texts(&error),
        }
    }
}

/// The strings of one record are one text: 255 bytes is as long as a string gets.
///
/// Source: RFC 7208, 3.3, which every user of TXT records follows.
fn texts_of(lookup: &Lookup) -> Answer {
    let texts = lookup
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::TXT(text) => Some(text.txt_data.concat()),
            _ => None,
        });
    let texts: Vec<String> = texts
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    if texts.is_empty() {
        Answer::NoText
    } else {
        Answer::Texts(texts)
    }
}

fn no_texts(error: &NetError) -> Answer {
    if error.is_nx_domain() {
        return Answer::NoName;
    }
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none))
            if none.response_code == ResponseCode::NoError =>
        {
            Answer::NoText
        }
        _ => Answer::Failed(trouble(error)),
    }
}

fn trouble(error: &NetError) -> Trouble {
    let by_code = |code: &ResponseCode| match code {
        ResponseCode::ServFail => Trouble::ServerFailure,
        ResponseCode::Refused => Trouble::Refused,
        other => Trouble::Other(other.to_string()),
    };
    match error {
        NetError::Dns(DnsError::ResponseCode(code)) => by_code(code),
        NetError::Dns(DnsError::NoRecordsFound(none)) => by_code(&none.response_code),
        NetError::Timeout => Trouble::Timeout,
        NetError::Io(_) | NetError::NoConnections => Trouble::Unreachable,
        other => Trouble::Other(other.to_string()),
    }
}
