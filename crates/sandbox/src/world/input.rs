//! Parsing of request bodies as WorkOS does it: unknown fields are ignored, `null` differs from
//! absent, and all invalid fields are named at once.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::refusal::{FieldError, Refusal};
use super::state::DomainState;
use portalctl_model::Domain;
use portalctl_model::id::MAX_EXTERNAL_ID_LENGTH;

/// Limits of metadata. Source: `OrganizationDto.metadata` of the API description.
const MAX_METADATA_KEYS: usize = 50;
const MAX_METADATA_KEY: usize = 40;
const MAX_METADATA_VALUE: usize = 600;

/// Field of a partial update.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// Absent: the value stays.
    #[default]
    Absent,
    /// `null`: the value is removed.
    Null,
    /// New value.
    Set(T),
}

impl<T> Field<T> {
    /// Returns the new value, if there is one.
    pub fn set(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

/// Domain of an organization's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainInput {
    /// Domain, in lower case.
    pub domain: String,
    /// `pending`, or `verified`: asserted without proof.
    pub state: DomainState,
}

/// Metadata of a body; a null value removes its key.
pub type MetadataInput = BTreeMap<String, Option<String>>;

/// Body of `POST` and `PUT /organizations`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationInput {
    /// Display name.
    pub name: Field<String>,
    /// Caller's own id.
    pub external_id: Field<String>,
    /// Customer's id at Stripe.
    pub stripe_customer_id: Field<String>,
    /// True when profiles from outside the domains may sign in.
    pub allow_profiles_outside_organization: Field<bool>,
    /// Free key/value pairs.
    pub metadata: Field<MetadataInput>,
    /// Domains, from `domain_data` or the deprecated `domains`.
    pub domains: Option<Vec<DomainInput>>,
}

impl OrganizationInput {
    /// Parses a body.
    pub fn read(body: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(body)?;
        let name = fields.text("name");
        // A blank name is refused whether it is created or changed; `required` in the description.
        match &name {
            Field::Null => fields.fail("name", "required"),
            Field::Set(name) if name.trim().is_empty() => fields.fail("name", "required"),
            _ => {}
        }
        let external_id = fields.text("external_id");
        if let Field::Set(id) = &external_id
            && (id.is_empty() || id.len() > MAX_EXTERNAL_ID_LENGTH || !id.is_ascii())
        {
            fields.fail("external_id", "invalid");
        }
        let stripe_customer_id = fields.text("stripe_customer_id");
        let allow_profiles_outside_organization =
            fields.flag("allow_profiles_outside_organization");
        let domains = fields.domains();
        let metadata = fields.metadata()?;
        fields.finish()?;
        Ok(Self {
            name,
            external_id,
            stripe_customer_id,
            allow_profiles_outside_organization,
            metadata,
            domains,
        })
    }
}

/// Checks a domain to add.
///
/// WorkOS refuses the domains of public mail providers and invalid host names; the status is not
/// documented.
pub(super) fn check_domain(text: &str) -> Result<String, FieldError> {
    match Domain::parse(text.trim()) {
        Ok(domain) => Ok(domain.as_str().to_owned()),
        Err(_) => Err(FieldError::new("domain", "invalid")),
    }
}

/// Fields of a body with their errors.
pub(crate) struct Fields<'a> {
    body: &'a Map<String, Value>,
    failed: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(body: &'a Value) -> Result<Self, Refusal> {
        match body {
            Value::Object(body) => Ok(Self {
                body,
                failed: Vec::new(),
            }),
            _ => Err(Refusal::InvalidBody(
                "The request body must be a JSON object.".to_owned(),
            )),
        }
    }

    pub(crate) fn fail(&mut self, field: &str, code: &str) {
        self.failed.push(FieldError::new(field, code));
    }

    pub(crate) fn finish(self) -> Result<(), Refusal> {
        if self.failed.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(self.failed))
        }
    }

    pub(crate) fn text(&mut self, name: &str) -> Field<String> {
        match self.body.get(name) {
            None => Field::Absent,
            Some(Value::Null) => Field::Null,
            Some(Value::String(text)) => Field::Set(text.clone()),
            Some(_) => {
                self.fail(name, "invalid");
                Field::Absent
            }
        }
    }

    /// Returns whether a field is an object; `null` is absent.
    pub(crate) fn has_object(&mut self, name: &str) -> bool {
        match self.body.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Object(_)) => true,
            Some(_) => {
                self.fail(name, "invalid");
                false
            }
        }
    }

    pub(crate) fn flag(&mut self, name: &str) -> Field<bool> {
        match self.body.get(name) {
            None => Field::Absent,
            Some(Value::Null) => Field::Null,
            Some(Value::Bool(flag)) => Field::Set(*flag),
            Some(_) => {
                self.fail(name, "invalid");
                Field::Absent
            }
        }
    }

    /// Returns a required text; an absent one is recorded as an error.
    pub(crate) fn required_text(&mut self, name: &str) -> String {
        match self.text(name) {
            Field::Set(text) if !text.trim().is_empty() => text,
            _ => {
                self.fail(name, "required");
                String::new()
            }
        }
    }

    /// Returns a list of texts; empty when it is absent.
    pub(crate) fn texts(&mut self, name: &str) -> Vec<String> {
        let items = match self.body.get(name) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items.iter().map(Value::as_str),
            Some(_) => {
                self.fail(name, "invalid");
                return Vec::new();
            }
        };
        if let Some(texts) = items.map(|item| item.map(str::to_owned)).collect() {
            return texts;
        }
        self.fail(name, "invalid");
        Vec::new()
    }

    fn domains(&mut self) -> Option<Vec<DomainInput>> {
        let mut inputs = Vec::new();
        match self.body.get("domain_data") {
            None | Some(Value::Null) => {
                // Deprecated; the state of such a domain is not documented. The one that asserts
                // nothing is the careful choice.
                if !self.body.contains_key("domains") {
                    return None;
                }
                for domain in self.texts("domains") {
                    self.domain(&domain, Some("pending"), &mut inputs);
                }
            }
            Some(Value::Array(items)) => {
                for item in items {
                    let domain = item.get("domain").and_then(Value::as_str);
                    let state = item.get("state").and_then(Value::as_str);
                    self.domain(domain.unwrap_or_default(), state, &mut inputs);
                }
            }
            Some(_) => self.fail("domain_data", "invalid"),
        }
        Some(inputs)
    }

    fn domain(&mut self, domain: &str, state: Option<&str>, inputs: &mut Vec<DomainInput>) {
        let state = match state {
            Some("pending") => DomainState::Pending,
            Some("verified") => DomainState::Verified,
            _ => return self.fail("domain_data.state", "invalid"),
        };
        match check_domain(domain) {
            Ok(domain) => inputs.push(DomainInput { domain, state }),
            Err(failed) => self.failed.push(failed),
        }
    }

    fn metadata(&mut self) -> Result<Field<MetadataInput>, Refusal> {
        let refused = |why: String| Err(Refusal::InvalidMetadata(why));
        let pairs = match self.body.get("metadata") {
            None => return Ok(Field::Absent),
            Some(Value::Null) => return Ok(Field::Null),
            Some(Value::Object(pairs)) => pairs,
            Some(_) => return refused("must be an object".to_owned()),
        };
        let mut metadata = MetadataInput::new();
        for (key, value) in pairs {
            if key.is_empty() || key.chars().count() > MAX_METADATA_KEY {
                return refused(format!("keys must have 1 to {MAX_METADATA_KEY} characters"));
            }
            let value = match value {
                Value::Null => None,
                Value::String(value) if value.chars().count() <= MAX_METADATA_VALUE => {
                    Some(value.clone())
                }
                Value::String(_) => {
                    return refused(format!(
                        "values must have at most {MAX_METADATA_VALUE} characters"
                    ));
                }
                _ => return refused("values must be strings".to_owned()),
            };
            metadata.insert(key.clone(), value);
        }
        Ok(Field::Set(metadata))
    }
}

/// Refuses metadata with too many keys, counted as they would be kept.
pub(crate) fn check_metadata_size(metadata: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if metadata.len() > MAX_METADATA_KEYS {
        return Err(Refusal::InvalidMetadata(format!(
            "at most {MAX_METADATA_KEYS} keys are allowed"
        )));
    }
    Ok(())
}
