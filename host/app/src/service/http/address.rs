//! Which addresses a plugin may ask.

use std::io;
use std::net::{IpAddr, SocketAddr};

use callboard_protocol::Failure;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// How much of the network a request may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Everything but this machine and what only it is linked to.
    Beyond,
    /// This machine as well: the manifest names the host itself, and no pattern.
    Anywhere,
}

/// Checks that a plugin with these hosts in its manifest may ask `url`, and returns how far the request may reach.
pub(super) fn check(url: &Url, hosts: &[String], ftrack: Option<&Url>) -> Result<Reach, Failure> {
    if !matches!(url.scheme(), "http" | "https") {
        let message = format!("`{}` is no address of a web server", url.scheme());
        return Err(Failure::invalid(message).hint("begin it with `https://`"));
    }
    let host = url.host_str().unwrap_or_default();
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            Failure::invalid("an address must hold no user and no password")
                .hint("send them in the header `authorization`"),
        );
    }
    let same_place = |other: &Url| {
        other.host_str() == Some(host)
            && other.port_or_known_default() == url.port_or_known_default()
    };
    if ftrack.is_some_and(same_place) {
        return Err(Failure::denied("that is the ftrack server")
            .hint("ask it through the `ftrack` service"));
    }
    // As it is written in a manifest, an IPv6 address has no brackets.
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    if hosts.iter().any(|named| named.eq_ignore_ascii_case(plain)) {
        return Ok(Reach::Anywhere);
    }
    if !hosts.iter().any(|pattern| matches(pattern, plain)) {
        let message = format!("the manifest does not declare the permission `http:{plain}`");
        return Err(Failure::denied(message).hint("add it to `permissions` in plugin.toml"));
    }
    let is_local = plain == "localhost"
        || plain.ends_with(".localhost")
        || plain.parse().is_ok_and(|address| !is_beyond(address));
    if is_local {
        return Err(not_by_pattern(plain));
    }
    Ok(Reach::Beyond)
}

fn not_by_pattern(host: &str) -> Failure {
    Failure::denied(format!("`{host}` is this machine or linked to it alone")).hint(format!(
        "declare `http:{host}` itself; no pattern stands for it"
    ))
}

/// Tells whether a pattern of a manifest, `*` or `*.example.com`, stands for a host.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => {
            suffix.starts_with('.')
                && host.len() > suffix.len()
                && host
                    .to_ascii_lowercase()
                    .ends_with(&suffix.to_ascii_lowercase())
        }
        None => false,
    }
}

/// Tells whether an address leads away from this machine.
fn is_beyond(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            !(address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || address.octets()[0] == 0)
        }
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_unicast_link_local()
                || address.is_multicast())
        }
    }
}

/// Finds addresses of names, but none of this machine: a name that anybody may give an address must not lead here.
#[derive(Clone, Copy, Debug)]
pub(super) struct BeyondOnly;

impl Resolve for BeyondOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            // A proxy may be here: it was set by the person, and no request names it.
            let is_proxy = name.as_str() == "localhost";
            let allowed: Vec<SocketAddr> = found
                .filter(|address| is_proxy || is_beyond(address.ip()))
                .collect();
            if allowed.is_empty() {
                let refused = io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    format!("`{}` leads to this machine", name.as_str()),
                );
                return Err(refused.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_address(url: &str, hosts: &[&str], expected: Result<Reach, &str>) {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let ftrack = Url::parse("https://studio.ftrackapp.com").unwrap();
        let checked = check(&Url::parse(url).unwrap(), &hosts, Some(&ftrack));
        match (checked, expected) {
            (Ok(reach), Ok(expected)) => assert_eq!(reach, expected, "{url}"),
            (Err(failure), Err(expected)) => {
                assert!(failure.message.contains(expected), "{url}: {failure}");
                assert!(failure.hint.is_some(), "{url}");
            }
            (checked, expected) => panic!("{url}: {checked:?}, not {expected:?}"),
        }
    }

    #[test]
    fn a_host_is_named_or_stands_behind_a_pattern() {
        let undeclared = Err("does not declare the permission");
        check_address(
            "https://a.example.com/x",
            &["a.example.com"],
            Ok(Reach::Anywhere),
        );
        check_address(
            "https://A.Example.com/",
            &["a.example.COM"],
            Ok(Reach::Anywhere),
        );
        check_address(
            "https://a.example.com/",
            &["*.example.com"],
            Ok(Reach::Beyond),
        );
        check_address("https://example.com/", &["*.example.com"], undeclared);
        check_address("https://badexample.com/", &["*.example.com"], undeclared);
        check_address("https://badexample.com/", &["*example.com"], undeclared);
        check_address("https://b.example.org/", &["*"], Ok(Reach::Beyond));
        check_address("https://b.example.org/", &["a.example.com"], undeclared);
        check_address(
            "https://a.example.com.evil.org/",
            &["a.example.com"],
            undeclared,
        );
        check_address("https://a.example.com@evil.org/", &["*"], Err("no user"));
    }

    #[test]
    fn no_pattern_leads_to_this_machine_and_nothing_to_ftrack() {
        let here = Err("this machine");
        for host in [
            "127.0.0.1",
            "localhost",
            "x.localhost",
            "[::1]",
            "0.0.0.0",
            "169.254.169.254",
            "[fe80::1]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0x7f.1",
        ] {
            check_address(&format!("http://{host}:8080/"), &["*"], here);
        }
        check_address(
            "http://127.0.0.1:8080/",
            &["127.0.0.1"],
            Ok(Reach::Anywhere),
        );
        check_address("http://[::1]:8080/", &["::1"], Ok(Reach::Anywhere));
        check_address("http://10.1.2.3/", &["*"], Ok(Reach::Beyond));
        let ftrack = "https://studio.ftrackapp.com/api";
        check_address(ftrack, &["*"], Err("ftrack server"));
        check_address(ftrack, &["studio.ftrackapp.com"], Err("ftrack server"));
        check_address(
            "file:///etc/passwd",
            &["*"],
            Err("no address of a web server"),
        );
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_has_no_address() {
        use std::str::FromStr as _;
        let name = || Name::from_str("ip6-localhost").unwrap();
        assert!(BeyondOnly.resolve(name()).await.is_err());
    }
}
