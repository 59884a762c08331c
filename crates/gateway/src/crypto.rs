//! Cryptography provider for `jsonwebtoken`, built on ring, which TLS uses as well.
//!
//! `jsonwebtoken` reads and writes tokens and leaves the arithmetic to a provider. Either of its
//! own two would add a second cryptographic library (or a C build) to the program. Four algorithms
//! are supported; a header that names any other has no verifier.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result, new_error};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    // Unused: these functions make JWKs out of keys.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Installs ring as the provider; must be called before the first token is read or signed.
pub(super) fn install() {
    // Fails only when a provider is installed already.
    let _ = PROVIDER.install_default();
}

/// Returns random bytes; `None` where the system has no randomness.
pub(super) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's shape")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let (family, scheme) = match algorithm {
        Algorithm::HS256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.try_get_as_bytes()?);
            (AlgorithmFamily::Hmac, Scheme::Hmac(key))
        }
        Algorithm::RS256 => (AlgorithmFamily::Rsa, Scheme::Rsa(key.clone())),
        Algorithm::ES256 => (AlgorithmFamily::Ec, Scheme::Ecdsa(key.clone())),
        Algorithm::EdDSA => (AlgorithmFamily::Ed, Scheme::Ed(key.clone())),
        _ => return Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    };
    if key.family() != family {
        return Err(new_error(ErrorKind::InvalidAlgorithm));
    }
    Ok(Box::new(Ring {
        algorithm: *algorithm,
        scheme,
    }))
}

/// Signs with a secret, or with the seed of an Ed25519 key: only cookies and results of the gateway are
/// signed here.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's shape")]
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let scheme = match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => {
            Scheme::Hmac(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()))
        }
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => {
            let pair = Ed25519KeyPair::from_seed_unchecked(key.as_bytes());
            Scheme::EdPair(pair.map_err(|_| new_error(ErrorKind::InvalidKeyFormat))?)
        }
        _ => return Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    };
    Ok(Box::new(Ring {
        algorithm: *algorithm,
        scheme,
    }))
}

/// Returns the public key of the seed of an Ed25519 key.
pub(super) fn public_key(seed: &[u8]) -> Option<Vec<u8>> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    Some(pair.public_key().as_ref().to_vec())
}

struct Ring {
    algorithm: Algorithm,
    scheme: Scheme,
}

enum Scheme {
    Hmac(hmac::Key),
    Rsa(DecodingKey),
    Ecdsa(DecodingKey),
    Ed(DecodingKey),
    /// Signs, and verifies nothing.
    EdPair(Ed25519KeyPair),
}

impl Verifier<Vec<u8>> for Ring {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let is_good = match &self.scheme {
            Scheme::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
            Scheme::Rsa(key) => match key.kind() {
                DecodingKeyKind::RsaModulusExponent { n, e } => RsaPublicKeyComponents { n, e }
                    .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                    .is_ok(),
                DecodingKeyKind::SecretOrDer(_) => false,
            },
            Scheme::Ecdsa(key) => key.try_get_as_bytes().is_ok_and(|key| {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key)
                    .verify(message, signature)
                    .is_ok()
            }),
            Scheme::Ed(key) => key.try_get_as_bytes().is_ok_and(|key| {
                UnparsedPublicKey::new(&ED25519, key)
                    .verify(message, signature)
                    .is_ok()
            }),
            Scheme::EdPair(_) => false,
        };
        is_good.then_some(()).ok_or_else(Error::new)
    }
}

impl JwtVerifier for Ring {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Signer<Vec<u8>> for Ring {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        match &self.scheme {
            Scheme::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Scheme::EdPair(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Scheme::Rsa(_) | Scheme::Ecdsa(_) | Scheme::Ed(_) => Err(Error::new()),
        }
    }
}

impl JwtSigner for Ring {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
