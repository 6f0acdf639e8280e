//! Checks id tokens: signature by the issuer's key, issuer, audience, time and nonce.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use hms_model::time::Timestamp;
use ring::signature::{self, UnparsedPublicKey};
use serde_json::Value;

/// Clocks of issuer and client may differ by this much.
const LEEWAY_S: i64 = 300;

/// Checks a compact JWT.
///
/// # Errors
/// What is wrong, in words for the log that carry nothing of the token.
pub(super) fn check(
    token: &str,
    keys: &Value,
    issuer: &str,
    audience: &str,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<(), &'static str> {
    let mut parts = token.split('.');
    let (Some(head), Some(body), Some(mark), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("id token form");
    };
    let header = json(head).ok_or("id token header")?;
    let signed = token.get(..head.len() + 1 + body.len()).ok_or("id token form")?;
    let mark = URL_SAFE_NO_PAD
        .decode(mark)
        .map_err(|_| "id token signature form")?;
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let key_id = header.get("kid").and_then(Value::as_str);
    let key = find(keys, key_id, algorithm).ok_or("id token key")?;
    if !verify(algorithm, key, signed.as_bytes(), &mark) {
        return Err("id token signature");
    }

    let claims = json(body).ok_or("id token claims")?;
    if claims
        .get("iss")
        .and_then(Value::as_str)
        .map(|i| i.trim_end_matches('/'))
        != Some(issuer.trim_end_matches('/'))
    {
        return Err("id token issuer");
    }
    if !is_for(&claims, audience) {
        return Err("id token audience");
    }
    let until = claims
        .get("exp")
        .and_then(Value::as_i64)
        .ok_or("id token expiry")?;
    if until + LEEWAY_S < now.0 / 1000 {
        return Err("id token expired");
    }
    if nonce.is_some() && claims.get("nonce").and_then(Value::as_str) != nonce {
        return Err("id token nonce");
    }
    Ok(())
}

fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn is_for(claims: &Value, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(many)) => many.iter().any(|a| a.as_str() == Some(audience)),
        _ => false,
    }
}

fn find<'a>(keys: &'a Value, id: Option<&str>, algorithm: &str) -> Option<&'a Value> {
    let kind = match algorithm {
        "ES256" => "EC",
        "RS256" => "RSA",
        "EdDSA" => "OKP",
        _ => return None,
    };
    keys.get("keys")?.as_array()?.iter().find(|key| {
        key.get("kty").and_then(Value::as_str) == Some(kind)
            && (id.is_none() || key.get("kid").and_then(Value::as_str) == id)
    })
}

fn verify(algorithm: &str, key: &Value, signed: &[u8], mark: &[u8]) -> bool {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok();
    let good = || match algorithm {
        "ES256" => {
            let mut point = vec![4_u8];
            point.extend(part("x")?);
            point.extend(part("y")?);
            let key = UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
            Some(key.verify(signed, mark).is_ok())
        }
        "RS256" => {
            let key = signature::RsaPublicKeyComponents {
                n: part("n")?,
                e: part("e")?,
            };
            Some(
                key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed, mark)
                    .is_ok(),
            )
        }
        "EdDSA" => Some(
            UnparsedPublicKey::new(&signature::ED25519, part("x")?)
                .verify(signed, mark)
                .is_ok(),
        ),
        _ => None,
    };
    good().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{EcdsaKeyPair, KeyPair, ECDSA_P256_SHA256_FIXED_SIGNING};
    use serde_json::json;

    use super::*;

    fn signed(claims: &Value) -> (String, Value) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("key");
        let text = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
        let body = format!("{}.{}", text(&json!({"alg": "ES256", "kid": "k"})), text(claims));
        let mark = pair.sign(&random, body.as_bytes()).expect("signature");
        let point = pair.public_key().as_ref();
        let keys = json!({"keys": [{
            "kty": "EC", "kid": "k",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
        }]});
        (format!("{body}.{}", URL_SAFE_NO_PAD.encode(mark.as_ref())), keys)
    }

    fn claims() -> Value {
        json!({"iss": "https://a", "aud": "c", "exp": 2_000, "nonce": "n"})
    }

    #[test]
    fn a_good_token_passes_and_any_wrong_claim_fails() {
        let now = Timestamp(1_900_000);
        let (token, keys) = signed(&claims());
        assert_eq!(check(&token, &keys, "https://a", "c", Some("n"), now), Ok(()));

        assert!(check(&token, &keys, "https://b", "c", Some("n"), now).is_err());
        assert!(check(&token, &keys, "https://a", "d", Some("n"), now).is_err());
        assert!(check(&token, &keys, "https://a", "c", Some("m"), now).is_err());
        assert!(check(&token, &keys, "https://a", "c", Some("n"), Timestamp(9_000_000)).is_err());
    }

    #[test]
    fn a_changed_or_unsigned_token_fails() {
        let (token, keys) = signed(&claims());
        let (_, other) = signed(&claims());
        let now = Timestamp(0);
        assert_eq!(
            check(&token, &other, "https://a", "c", None, now),
            Err("id token signature")
        );

        let bare = format!("{}.e30.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
        assert_eq!(
            check(&bare, &keys, "https://a", "c", None, now),
            Err("id token key")
        );
    }
}
