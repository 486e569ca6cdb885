//! Addresses that let whoever holds them read one file for a while.

use ring::hmac;

use crate::time::Seconds;

/// How long such an address holds at least; it is rounded up, so that a browser meets the same one again.
const HOLDS_SECS: Seconds = 3600;

/// Signs addresses, with a key that goes with the process.
#[derive(Debug)]
pub(crate) struct Signer {
    key: hmac::Key,
}

impl Signer {
    pub(super) fn new() -> Self {
        let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(uuid::Uuid::into_bytes);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, random.as_flattened()),
        }
    }

    /// Adds to `path` what proves that it was given out at `now`.
    pub(crate) fn sign(&self, path: &str, now: Seconds) -> String {
        let expires = (now / HOLDS_SECS + 2) * HOLDS_SECS;
        let tag = hmac::sign(&self.key, message(path, expires).as_bytes());
        let digits: String = tag
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{path}?expires={expires}&signature={digits}")
    }

    /// Tells whether `path` was given out, and still holds at `now`.
    pub(crate) fn is_valid(
        &self,
        path: &str,
        expires: Seconds,
        signature: &str,
        now: Seconds,
    ) -> bool {
        let bytes: Option<Vec<u8>> = (0..signature.len())
            .step_by(2)
            .map(|place| u8::from_str_radix(signature.get(place..place + 2)?, 16).ok())
            .collect();
        let message = message(path, expires);
        let is_ours = bytes.is_some_and(|signature| {
            hmac::verify(&self.key, message.as_bytes(), &signature).is_ok()
        });
        is_ours && now < expires
    }
}

fn message(path: &str, expires: Seconds) -> String {
    format!("{expires} {path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_for_its_path_and_its_time_only() {
        let signer = Signer::new();
        let address = signer.sign("/media/one", 1_000_000);
        let (path, query) = address.split_once('?').unwrap();
        let (expires, signature) = query.split_once("&signature=").unwrap();
        let expires: Seconds = expires.strip_prefix("expires=").unwrap().parse().unwrap();
        assert_eq!(path, "/media/one");
        for (path, expires, signature, now, expected) in [
            (path, expires, signature, 1_000_000, true),
            (path, expires, signature, 1_003_600, true),
            (path, expires, signature, expires, false),
            ("/media/two", expires, signature, 1_000_000, false),
            (path, expires + 1, signature, 1_000_000, false),
            (path, expires, "00", 1_000_000, false),
            (path, expires, "no digits", 1_000_000, false),
            (path, expires, "", 1_000_000, false),
        ] {
            let is_valid = signer.is_valid(path, expires, signature, now);
            assert_eq!(is_valid, expected, "{path} {expires} {now}");
        }
        assert_eq!(signer.sign("/media/one", 1_000_001), address);
    }
}
