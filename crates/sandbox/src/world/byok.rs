//! Customers' own encryption keys, which WorkOS reports by events only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::refusal::Refusal;
use super::{World, millis};

/// Provider of a key. Source: `VaultByokKeyProvider` of the API description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KeyProvider {
    /// Amazon Web Services.
    #[default]
    AwsKms,
    /// Google Cloud.
    GcpKms,
    /// Microsoft Azure.
    AzureKeyVault,
}

/// Event of a customer's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByokEvent {
    /// Verification completed (`vault.byok_key.verification_completed`): the key works.
    Verified,
    /// Verification completed (`vault.byok_key.verification_completed`): the key does not work.
    Refused,
    /// `vault.byok_key.deleted`.
    Deleted,
}

impl World {
    /// Emits an event of a customer's key.
    ///
    /// Source: the events `vault.byok_key.verification_completed` and `vault.byok_key.deleted`.
    pub fn tell_byok(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        happened: ByokEvent,
        provider: KeyProvider,
    ) -> Result<(), Refusal> {
        self.organizations.find(organization_id)?;
        let mut data = json!({ "organization_id": organization_id, "key_provider": provider });
        let name = match happened {
            ByokEvent::Deleted => "vault.byok_key.deleted",
            ByokEvent::Verified | ByokEvent::Refused => {
                data["verified"] = json!(happened == ByokEvent::Verified);
                "vault.byok_key.verification_completed"
            }
        };
        self.emit(millis(now), name, organization_id, data);
        Ok(())
    }
}
