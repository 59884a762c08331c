//! Causes of failed connections, told apart by the step that failed.
//!
//! Pure: an error and its causes → a [`ConnectFailure`]. The HTTP library keeps them in types of
//! its own, so they are found by what the operating system and rustls put below them.

use std::error::Error;
use std::io;

/// At which step the connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// No address was found for the host's name.
    Name,
    /// The host is there, and nothing listens on the port.
    Refused,
    /// Connected, and no secure channel came about.
    Tls,
}

impl ConnectFailure {
    /// Finds the step in an error or its causes; `None` when it is another one.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = Self::of_one(error) {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }

    fn of_one(error: &(dyn Error + 'static)) -> Option<Self> {
        if error.is::<rustls::Error>() {
            return Some(Self::Tls);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            if error.kind() == io::ErrorKind::ConnectionRefused {
                return Some(Self::Refused);
            }
            // What an i/o error wraps is not among its causes: `source` passes over it.
            return error.get_ref().and_then(|inner| Self::of(inner));
        }
        // The connector's own type is private; these are its words.
        (error.to_string() == "dns error").then_some(Self::Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Outer(&'static str, #[source] Option<io::Error>);

    #[test]
    fn the_step_is_found_however_deep() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let tls = io::Error::other(rustls::Error::DecryptError);
        let wrapped = io::Error::other(Outer("dns error", None));
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        for (error, found) in [
            (
                Outer("connect", Some(refused)),
                Some(ConnectFailure::Refused),
            ),
            (Outer("connect", Some(tls)), Some(ConnectFailure::Tls)),
            (Outer("connect", Some(wrapped)), Some(ConnectFailure::Name)),
            (Outer("dns error", None), Some(ConnectFailure::Name)),
            (Outer("connect", Some(reset)), None),
            (Outer("connect", None), None),
        ] {
            assert_eq!(ConnectFailure::of(&error), found, "{error:?}");
        }
    }
}
