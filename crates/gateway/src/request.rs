//! Parts of a request that several handlers read: the path and the peer.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use http::Extensions;

use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::{Intent, OrgKey};
use portalctl_platform::listen::Peer;

/// Key and intent of the request path.
pub(super) type RequestPath = Result<Path<(String, String)>, PathRejection>;

/// Parses the key and the intent of a path.
pub(super) fn parse_path(path: RequestPath) -> Result<(OrgKey, Intent), Code> {
    let Path((key, intent)) = path.map_err(|_| codes::ADDRESS)?;
    let key = OrgKey::parse_qualified(&key).map_err(|_| codes::ADDRESS)?;
    let intent = intent.parse().map_err(|_| codes::ADDRESS)?;
    Ok((key, intent))
}

/// Returns the address of the peer.
pub(super) fn peer_address(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<Peer>();
    // A request without a connection is not trusted.
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0)
}
