//! The one thing that no answer may hold: the API key.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;
use memchr::memmem::Finder;

/// Looks for the key, in each form in which a server may write it.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    finders: Arc<[Finder<'static>]>,
    /// The length of the longest form.
    longest: usize,
}

/// The key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer holds the API key")]
pub(super) struct Found;

impl Secrets {
    /// Looks for `key` as it is, and as it stands in a URL.
    pub(super) fn of(key: &str) -> Self {
        let key = key.trim();
        let mut forms = vec![key.to_owned()];
        for hex in [b"0123456789ABCDEF", b"0123456789abcdef"] {
            let form = percent_encoded(key, hex);
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        forms.retain(|form| !form.is_empty());
        Self {
            longest: forms.iter().map(String::len).max().unwrap_or(0),
            finders: forms
                .iter()
                .map(|form| Finder::new(form.as_bytes()).into_owned())
                .collect(),
        }
    }

    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), Found> {
        let is_found = self
            .finders
            .iter()
            .any(|finder| finder.find(bytes).is_some());
        if is_found { Err(Found) } else { Ok(()) }
    }

    pub(super) fn check_headers(&self, headers: &HeaderMap) -> Result<(), Found> {
        headers
            .values()
            .try_for_each(|value| self.check(value.as_bytes()))
    }

    /// Begins to look through what comes in pieces.
    pub(super) fn sieve(&self) -> Sieve {
        Sieve {
            secrets: self.clone(),
            held: Vec::new(),
        }
    }
}

/// Looks through a stream. What may be the beginning of the key is held back until it is known that it is not.
#[derive(Debug)]
pub(super) struct Sieve {
    secrets: Secrets,
    held: Vec<u8>,
}

impl Sieve {
    /// Takes a piece, and returns what may pass.
    pub(super) fn pass(&mut self, piece: &[u8]) -> Result<Bytes, Found> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(piece);
        self.secrets.check(&all)?;
        let keep = self.secrets.longest.saturating_sub(1).min(all.len());
        self.held = all.split_off(all.len() - keep);
        Ok(all.into())
    }

    /// Returns the rest: no piece comes any more.
    pub(super) fn end(&mut self) -> Bytes {
        std::mem::take(&mut self.held).into()
    }
}

fn percent_encoded(text: &str, hex: &[u8; 16]) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                encoded.push(char::from(hex[usize::from(digit)]));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "MjIx::k3y/of+ada==";

    fn sieved(pieces: &[&str]) -> Result<String, Found> {
        let mut sieve = Secrets::of(KEY).sieve();
        let mut passed = Vec::new();
        for piece in pieces {
            passed.extend_from_slice(&sieve.pass(piece.as_bytes())?);
        }
        passed.extend_from_slice(&sieve.end());
        Ok(String::from_utf8(passed).unwrap())
    }

    #[test]
    fn what_holds_no_key_passes_whole_however_it_is_cut() {
        let text = "MjIx::k3y/of+ad and MjIx::k3y and no more";
        for cut in 0..text.len() {
            assert_eq!(sieved(&[&text[..cut], "", &text[cut..]]).unwrap(), text);
        }
    }

    #[test]
    fn the_key_passes_in_no_form_however_it_is_cut() {
        for form in [
            KEY,
            "MjIx%3A%3Ak3y%2Fof%2Bada%3D%3D",
            "MjIx%3a%3ak3y%2fof%2bada%3d%3d",
        ] {
            let text = format!("before {form} after");
            for cut in 0..text.len() {
                let mut sieve = Secrets::of(KEY).sieve();
                let first = sieve.pass(&text.as_bytes()[..cut]);
                let passed = first.clone().unwrap_or_default();
                let found = first.is_err() || sieve.pass(&text.as_bytes()[cut..]).is_err();
                assert!(found, "{form} cut at {cut}");
                assert!(passed.len() <= "before ".len(), "{form} cut at {cut}");
            }
        }
    }
}
