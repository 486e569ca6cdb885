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
        self.sign_until(path, (now / HOLDS_SECS + 2) * HOLDS_SECS)
    }

    /// Adds to a path, or a path and query, what proves until `expires` that it was given out.
    pub(crate) fn sign_until(&self, path: &str, expires: Seconds) -> String {
        let tag = hmac::sign(&self.key, message(path, expires).as_bytes());
        let digits: String = tag
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}expires={expires}&signature={digits}")
    }

    /// Tells whether an address as [`Self::sign_until`] returns it was given out, and still holds at `now`.
    pub(crate) fn holds(&self, address: &str, now: Seconds) -> bool {
        let Some((rest, signature)) = address.rsplit_once("&signature=") else {
            return false;
        };
        let Some((path, expires)) = rest.rsplit_once("expires=") else {
            return false;
        };
        let path = path.strip_suffix(['?', '&']).unwrap_or(path);
        expires
            .parse()
            .is_ok_and(|expires| self.is_valid(path, expires, signature, now))
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

    #[test]
    fn a_signed_query_cannot_be_changed() {
        let signer = Signer::new();
        for address in ["/widget/tasks", "/widget/info?theme=dark"] {
            let signed = signer.sign_until(address, 100);
            assert!(signer.holds(&signed, 99), "{signed}");
            assert!(!signer.holds(&signed, 100), "{signed}");
            assert!(!signer.holds(&signed.replace("expires=100", "expires=999"), 1));
            assert!(!signer.holds(&signed.replace("/w", "/x"), 1));
            assert!(!Signer::new().holds(&signed, 1));
        }
        assert!(!signer.holds("/widget/tasks", 1));
    }
}
