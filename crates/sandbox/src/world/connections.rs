//! Single sign-on connections.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::certificates::Certificate;
use super::input::Fields;
use super::refusal::Refusal;
use super::state::ConnectionState;
use super::table::{Page, PageQuery, Record, record};
use super::{World, millis};
use crate::wire;

/// Single sign-on connection. Its domains are those of its organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `conn_…`
    pub id: String,
    /// Organization that it belongs to.
    pub organization_id: String,
    /// `OktaSAML` and the like.
    pub connection_type: String,
    /// Name in the dashboard.
    pub name: String,
    /// State of the configuration.
    pub state: ConnectionState,
    /// Key that appears in events only.
    pub external_key: String,
    /// Caller's own id, which makes `POST /connections` idempotent.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Certificates of its identity provider, oldest first.
    #[serde(default)]
    pub certificates: Vec<Certificate>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

record!(Connection, "Connection", organization_id);

impl Connection {
    /// Returns whether the connection uses SAML, and so has certificates.
    pub fn is_saml(&self) -> bool {
        self.connection_type.ends_with("SAML")
    }
}

/// Connection to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConnection {
    /// Organization of the connection.
    pub organization_id: String,
    /// Name; the organization's by default.
    pub name: Option<String>,
    /// `OktaSAML` and the like.
    pub connection_type: String,
    /// State of the configuration.
    pub state: ConnectionState,
}

/// Body of `POST /connections`: newer than the API description.
///
/// Source: `CreateConnection` of the official Rust SDK 3.5.0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionInput {
    /// Caller's own id; an existing connection with it is returned.
    pub external_id: Option<String>,
    /// Connection to create otherwise.
    pub new: NewConnection,
}

impl ConnectionInput {
    /// Parses a body.
    ///
    /// The codes of the refusals are those of the SDK; their status is ours. A connection with
    /// options is active where it can be, one of a type alone is a draft: both are ours.
    pub fn read(body: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(body)?;
        let organization_id = fields.required_text("organization_id");
        let name = fields.text("name").set();
        let external_id = fields.text("external_id").set();
        let connection_type = fields.text("connection_type").set();
        let has_saml = fields.has_object("saml_options");
        let has_oidc = fields.has_object("oidc_options");
        fields.finish()?;
        let connection_type = match (connection_type, has_saml, has_oidc) {
            (_, true, true) => return Err(Refusal::BothConnectionOptions),
            (None, false, false) => return Err(Refusal::ConnectionTypeOrOptionsRequired),
            (Some(kind), ..) if kind.ends_with("SAML") || kind.ends_with("OIDC") => kind,
            (Some(kind), ..) => return Err(Refusal::ConnectionTypeNotSupported(kind)),
            (None, true, false) => "GenericSAML".to_owned(),
            (None, false, true) => "GenericOIDC".to_owned(),
        };
        let state = if has_saml || has_oidc {
            ConnectionState::Active
        } else {
            ConnectionState::Draft
        };
        Ok(Self {
            external_id,
            new: NewConnection {
                organization_id,
                name,
                connection_type,
                state,
            },
        })
    }
}

/// Filter of a list of connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// Restricts the list to one organization.
    pub organization_id: Option<String>,
    /// Restricts the list to one type.
    pub connection_type: Option<String>,
    /// Restricts the list to organizations with this domain.
    pub domain: Option<String>,
    /// Text that the name must contain, ignoring case.
    pub search: Option<String>,
}

impl World {
    /// Creates a connection, and emits its event when it is active.
    pub fn create_connection(
        &mut self,
        now: Timestamp,
        new: NewConnection,
    ) -> Result<&Connection, Refusal> {
        let now = millis(now);
        let NewConnection {
            organization_id,
            name,
            connection_type,
            state,
        } = new;
        let organization = self.organizations.find(&organization_id)?;
        let name = name.unwrap_or_else(|| organization.name.clone());
        let connection = Connection {
            id: self.ids.id("conn", now),
            organization_id,
            connection_type,
            name,
            state,
            external_key: self.ids.token("connection_key", 16),
            external_id: None,
            certificates: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        let id = connection.id.clone();
        self.connections.insert(connection);
        self.ensure_certificate(now, &id)?;
        self.tell_connection(now, &id, None)?;
        self.connections.find(&id)
    }

    /// Returns the organization's connection with the external id, or creates it.
    ///
    /// Source: `POST /connections` of the official Rust SDK 3.5.0.
    pub fn get_or_create_connection(
        &mut self,
        now: Timestamp,
        input: ConnectionInput,
    ) -> Result<&Connection, Refusal> {
        let ConnectionInput {
            external_id,
            mut new,
        } = input;
        if new.state == ConnectionState::Active && !self.can_activate_sso(&new.organization_id)? {
            new.state = ConnectionState::Draft;
        }
        let mut own = self.connections_of(&new.organization_id);
        let known = own.find(|it| external_id.is_some() && it.external_id == external_id);
        let known = known.map(|connection| connection.id.clone());
        drop(own);
        let id = if let Some(id) = known {
            id
        } else {
            let id = self.create_connection(now, new)?.id.clone();
            self.connections.find_mut(&id)?.external_id = external_id;
            id
        };
        self.connections.find(&id)
    }

    /// Returns the connection with an id. Source: `GET /connections/{id}`.
    pub fn connection(&self, id: &str) -> Result<&Connection, Refusal> {
        self.connections.find(id)
    }

    /// Returns a page of connections. Source: `GET /connections`.
    pub fn list_connections(
        &self,
        query: &PageQuery,
        filter: &ConnectionFilter,
    ) -> Result<Page<&Connection>, Refusal> {
        let ConnectionFilter {
            organization_id,
            connection_type,
            domain,
            search,
        } = filter;
        let search = search.as_deref().map(str::to_lowercase);
        let matches = |connection: &Connection| {
            connection_type
                .as_ref()
                .is_none_or(|wanted| *wanted == connection.connection_type)
                && domain
                    .as_ref()
                    .is_none_or(|domain| self.has_domain(&connection.organization_id, domain))
                && search
                    .as_ref()
                    .is_none_or(|text| connection.name.to_lowercase().contains(text))
        };
        match organization_id {
            Some(owner) => self.connections.page_owned_by(owner, query, matches),
            None => self.connections.page(query, matches),
        }
    }

    /// Returns an organization's connections, oldest first.
    pub fn connections_of(&self, organization_id: &str) -> impl Iterator<Item = &Connection> {
        self.connections.owned_by(organization_id)
    }

    /// Sets the state of a connection, and emits its event.
    pub fn set_connection_state(
        &mut self,
        now: Timestamp,
        id: &str,
        state: ConnectionState,
    ) -> Result<&Connection, Refusal> {
        let now = millis(now);
        let connection = self.connections.find_mut(id)?;
        if connection.state != state {
            let before = std::mem::replace(&mut connection.state, state);
            connection.updated_at = now;
            self.ensure_certificate(now, id)?;
            self.await_certificates(id);
            self.tell_connection(now, id, Some(&before))?;
        }
        self.connections.find(id)
    }

    /// Deletes a connection. Source: `DELETE /connections/{id}`.
    pub fn delete_connection(&mut self, now: Timestamp, id: &str) -> Result<(), Refusal> {
        let connection = self
            .connections
            .remove(id)
            .ok_or_else(|| Refusal::not_found(Connection::KIND, id))?;
        let (name, data) = ("connection.deleted", wire::connection_event(&connection));
        self.emit(millis(now), name, &connection.organization_id, data);
        Ok(())
    }

    pub(super) fn has_domain(&self, organization_id: &str, domain: &str) -> bool {
        self.index
            .organizations_with(domain)
            .any(|id| id == organization_id)
    }

    /// Emits the event of a connection that became active or inactive; other states have none.
    fn tell_connection(
        &mut self,
        now: Timestamp,
        id: &str,
        before: Option<&ConnectionState>,
    ) -> Result<(), Refusal> {
        let connection = self.connections.find(id)?;
        let name = match (before, &connection.state) {
            (_, ConnectionState::Active) => "connection.activated",
            (Some(ConnectionState::Active), _) => "connection.deactivated",
            _ => return Ok(()),
        };
        let organization = self.organizations.find(&connection.organization_id)?;
        let data = wire::connection_activation(connection, organization);
        let owner = organization.id.clone();
        self.emit(now, name, &owner, data);
        Ok(())
    }
}
