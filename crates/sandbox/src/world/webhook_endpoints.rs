//! Webhook endpoints of the account.
//!
//! Source: the `/webhook_endpoints` routes of the API description. Every answer holds the secret,
//! as there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::input::{Field, Fields};
use super::links::is_return_url;
use super::refusal::Refusal;
use super::table::{Page, PageQuery, record};
use super::{World, millis};

/// Webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpoint {
    /// `we_…`
    pub id: String,
    /// URL.
    pub endpoint_url: String,
    /// Secret that signs the events.
    pub secret: String,
    /// True when events are sent.
    pub is_enabled: bool,
    /// Names of the events that are sent.
    pub events: Vec<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

record!(WebhookEndpoint, "Webhook Endpoint");

/// Body of `POST` and `PATCH /webhook_endpoints`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookEndpointInput {
    /// URL.
    pub endpoint_url: Option<String>,
    /// True when events are to be sent.
    pub is_enabled: Option<bool>,
    /// Names of the events.
    pub events: Option<Vec<String>>,
}

impl WebhookEndpointInput {
    /// Parses a body.
    pub fn read(body: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(body)?;
        let endpoint_url = fields.text("endpoint_url").set();
        let is_enabled = match fields.text("status") {
            Field::Absent | Field::Null => None,
            Field::Set(status) if status == "enabled" => Some(true),
            Field::Set(status) if status == "disabled" => Some(false),
            Field::Set(_) => {
                fields.fail("status", "invalid");
                None
            }
        };
        let events = body.get("events").is_some().then(|| fields.texts("events"));
        fields.finish()?;
        if endpoint_url
            .as_deref()
            .is_some_and(|url| !is_return_url(url))
        {
            return Err(Refusal::InvalidWebhookUrl);
        }
        if let Some(unknown) = events
            .iter()
            .flatten()
            .find(|name| !can_be_subscribed(name))
        {
            return Err(Refusal::UnknownEvents(unknown.clone()));
        }
        Ok(Self {
            endpoint_url,
            is_enabled,
            events,
        })
    }
}

/// Returns whether events of a name are sent to endpoints. Source: the enum of the description, which
/// has none of `vault.byok_key`.
fn can_be_subscribed(name: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    name.contains('.') && name.split('.').all(is_part) && !name.starts_with("vault.byok_key.")
}

impl World {
    /// Lists endpoints. Source: `GET /webhook_endpoints`.
    pub fn list_webhook_endpoints(
        &self,
        query: &PageQuery,
    ) -> Result<Page<&WebhookEndpoint>, Refusal> {
        self.webhook_endpoints.page(query, |_| true)
    }

    /// Adds an endpoint. Source: `POST /webhook_endpoints`.
    pub fn create_webhook_endpoint(
        &mut self,
        now: Timestamp,
        input: WebhookEndpointInput,
    ) -> Result<&WebhookEndpoint, Refusal> {
        let now = millis(now);
        let endpoint_url = input.endpoint_url.ok_or(Refusal::InvalidWebhookUrl)?;
        self.is_new_url(&endpoint_url, None)?;
        let endpoint = WebhookEndpoint {
            id: self.ids.id("we", now),
            endpoint_url,
            secret: format!("whsec_{}", self.ids.token("webhook", 25)),
            is_enabled: input.is_enabled.unwrap_or(true),
            events: input.events.unwrap_or_default(),
            created_at: now,
            updated_at: now,
        };
        let id = endpoint.id.clone();
        self.webhook_endpoints.insert(endpoint);
        self.webhook_endpoints.find(&id)
    }

    /// Changes an endpoint. Source: `PATCH /webhook_endpoints/{id}`.
    pub fn update_webhook_endpoint(
        &mut self,
        now: Timestamp,
        id: &str,
        input: WebhookEndpointInput,
    ) -> Result<&WebhookEndpoint, Refusal> {
        self.webhook_endpoints.find(id)?;
        if let Some(url) = &input.endpoint_url {
            self.is_new_url(url, Some(id))?;
        }
        let endpoint = self.webhook_endpoints.find_mut(id)?;
        let WebhookEndpointInput {
            endpoint_url,
            is_enabled,
            events,
        } = input;
        if let Some(url) = endpoint_url {
            endpoint.endpoint_url = url;
        }
        if let Some(is_enabled) = is_enabled {
            endpoint.is_enabled = is_enabled;
        }
        if let Some(events) = events {
            endpoint.events = events;
        }
        endpoint.updated_at = millis(now);
        self.webhook_endpoints.find(id)
    }

    /// Removes an endpoint. Source: `DELETE /webhook_endpoints/{id}`.
    pub fn delete_webhook_endpoint(&mut self, id: &str) -> Result<(), Refusal> {
        self.webhook_endpoints.find(id)?;
        self.webhook_endpoints.remove(id);
        Ok(())
    }

    fn is_new_url(&self, url: &str, but: Option<&str>) -> Result<(), Refusal> {
        let mut others = self.webhook_endpoints.iter();
        let is_taken = others.any(|one| one.endpoint_url == url && Some(one.id.as_str()) != but);
        if is_taken {
            return Err(Refusal::DuplicateWebhookUrl);
        }
        Ok(())
    }
}
