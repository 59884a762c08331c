"""Makes hand-off tokens with PyJWT as an app would, one for each algorithm, and prints them with the
keys that the app publishes.

    python handoff.py ISSUER AUDIENCE SECRET_AUDIENCE SECRET
"""

import json
import sys
import time
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

issuer, audience, secret_audience, secret = sys.argv[1:]


def claims(aud):
    now = int(time.time())
    return {
        "iss": issuer,
        "aud": aud,
        "sub": "ada",
        "organization": "acme",
        "intents": ["sso"],
        "role": "it_admin",
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }


private = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
keys, tokens = [], {}
for algorithm, key in private.items():
    to_jwk = jwt.get_algorithm_by_name(algorithm).to_jwk
    published = json.loads(to_jwk(key.public_key()))
    keys.append({**published, "kid": algorithm, "alg": algorithm, "use": "sig"})
    tokens[algorithm] = jwt.encode(claims(audience), key, algorithm, headers={"kid": algorithm})
tokens["HS256"] = jwt.encode(claims(secret_audience), secret, "HS256")
print(json.dumps({"jwks": {"keys": keys}, "tokens": tokens}))
