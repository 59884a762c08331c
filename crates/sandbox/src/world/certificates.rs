//! Certificates of SAML connections: expiry and renewal.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::scheduled_effects::Due;
use super::state::ConnectionState;
use super::{World, millis};
use crate::wire;

/// Default lifetime of a certificate.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);
/// Time before its expiry when a certificate has to be renewed: 30 days are the example of the
/// event's `days_until_expiry`. A second event is emitted when the certificate has expired.
const WARNING: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Certificate that an identity provider signs with.
///
/// Source: `SAMLIdpSigningCertificate` of the official Rust SDK 3.5.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// `saml_idp_signing_cert_…`
    pub id: String,
    /// PEM. The sandbox signs nothing, so there is no key inside.
    pub value: String,
    /// Start of validity.
    pub not_before: Timestamp,
    /// Time of expiry.
    pub not_after: Timestamp,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Events about its expiry that were emitted.
    #[serde(default)]
    told: Told,
}

/// Events about a certificate's expiry that were emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
enum Told {
    #[default]
    Nothing,
    Warning,
    Expiry,
}

impl World {
    /// Returns a connection's certificates, expired ones included, oldest first.
    ///
    /// Source: `GET /connections/{id}/saml_idp_signing_certs`, newer than the API description.
    /// Connections without SAML have none.
    pub fn certificates(&self, connection_id: &str) -> Result<&[Certificate], Refusal> {
        Ok(&self.connections.find(connection_id)?.certificates)
    }

    /// Replaces a connection's certificates by ones that expire at the given times.
    pub fn set_certificates(
        &mut self,
        now: Timestamp,
        connection_id: &str,
        ends: &[Timestamp],
    ) -> Result<(), Refusal> {
        self.connections.find(connection_id)?;
        let certificates = ends
            .iter()
            .map(|not_after| self.new_certificate(now, *not_after))
            .collect();
        self.connections.find_mut(connection_id)?.certificates = certificates;
        self.await_certificates(connection_id);
        Ok(())
    }

    /// Adds a certificate to an active SAML connection that has none.
    pub(super) fn ensure_certificate(
        &mut self,
        now: Timestamp,
        connection_id: &str,
    ) -> Result<(), Refusal> {
        let connection = self.connections.find(connection_id)?;
        let wanted = connection.is_saml()
            && connection.state == ConnectionState::Active
            && connection.certificates.is_empty();
        if wanted {
            self.set_certificates(now, connection_id, &[end(now)])?;
        }
        Ok(())
    }

    /// Plays the IT admin who renews the certificates of an organization's connections. Replaced
    /// certificates stay, as they do at WorkOS until somebody deletes them.
    pub(super) fn renew_certificates(
        &mut self,
        now: Timestamp,
        organization_id: &str,
    ) -> Result<(), Refusal> {
        let renewed: Vec<String> = self
            .connections
            .owned_by(organization_id)
            .filter(|connection| connection.state == ConnectionState::Active)
            .filter(|connection| connection.is_saml())
            .map(|connection| connection.id.clone())
            .collect();
        for id in renewed {
            let certificate = self.new_certificate(now, end(now));
            let connection = self.connections.find_mut(&id)?;
            let data = wire::certificate_renewed(now, connection, &certificate);
            connection.certificates.push(certificate);
            self.await_certificates(&id);
            self.emit(
                now,
                "connection.saml_certificate_renewed",
                organization_id,
                data,
            );
        }
        Ok(())
    }

    /// Emits the events of certificates that are about to expire, or have expired.
    ///
    /// A newer certificate replaces an older one, which causes no further events.
    pub(super) fn tell_certificates(&mut self, now: Timestamp, connection_id: &str) {
        let now = millis(now);
        let Ok(connection) = self.connections.find_mut(connection_id) else {
            return;
        };
        if connection.state != ConnectionState::Active {
            return;
        }
        let owner = connection.organization_id.clone();
        let latest = connection
            .certificates
            .iter_mut()
            .max_by_key(|certificate| certificate.not_after);
        let Some(certificate) = latest else { return };
        let told = if certificate.not_after <= now {
            Told::Expiry
        } else if warning(certificate.not_after) <= now {
            Told::Warning
        } else {
            Told::Nothing
        };
        if told <= certificate.told {
            return;
        }
        certificate.told = told;
        let not_after = certificate.not_after;
        let data = wire::certificate_renewal_required(now, connection, not_after);
        let name = "connection.saml_certificate_renewal_required";
        self.emit(now, name, &owner, data);
    }

    /// Schedules the events of a connection's certificates.
    pub(super) fn await_certificates(&mut self, connection_id: &str) {
        let Some(connection) = self.connections.get(connection_id) else {
            return;
        };
        for certificate in &connection.certificates {
            let due = || Due::Certificate(connection.id.clone());
            let end = certificate.not_after;
            if certificate.told < Told::Warning {
                self.scheduled.add(warning(end), due());
            }
            if certificate.told < Told::Expiry {
                self.scheduled.add(end, due());
            }
        }
    }

    fn new_certificate(&mut self, now: Timestamp, not_after: Timestamp) -> Certificate {
        let now = millis(now);
        let not_after = millis(not_after);
        let begin = not_after.checked_sub(LIFETIME).unwrap_or(now);
        Certificate {
            id: self.ids.id("saml_idp_signing_cert", now),
            value: format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                self.ids.token("certificate", 64)
            ),
            not_before: begin.min(now),
            not_after,
            created_at: now,
            told: Told::Nothing,
        }
    }
}

fn end(now: Timestamp) -> Timestamp {
    now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX)
}

fn warning(end: Timestamp) -> Timestamp {
    end.checked_sub(WARNING).unwrap_or(Timestamp::MIN)
}
