//! The HTTP proxy to the server: from the profile's setting, or else from the environment, as curl reads it.

use hms_core::proxy::{Proxies, Proxy};
use reqwest::header::HeaderValue;

use crate::config::Provisioning;

/// The first that is set counts.
const NAMES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXCEPT: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// The profile's setting that wants none.
const DIRECT: &str = "direct";

/// Which hosts this profile reaches through a proxy.
pub(super) fn of(server: &Provisioning) -> Proxies {
    read(server.proxy.as_deref(), |name| std::env::var(name).ok())
}

/// An address that cannot be used is left out, and said: what is entered is kept, and goes when it is put right.
fn read(setting: Option<&str>, environment: impl Fn(&str) -> Option<String>) -> Proxies {
    let first = |names: &[&str]| {
        let mut found = names.iter().filter_map(|name| environment(name));
        found.find(|value| !value.trim().is_empty())
    };
    let setting = setting.map(str::trim).filter(|setting| !setting.is_empty());
    if setting.is_some_and(|setting| setting.eq_ignore_ascii_case(DIRECT)) {
        return Proxies::default();
    }
    let Some(address) = setting.map(str::to_owned).or_else(|| first(&NAMES)) else {
        return Proxies::default();
    };
    match Proxy::parse(&address) {
        Ok(proxy) => Proxies::new(proxy, &first(&EXCEPT).unwrap_or_default()),
        // The address itself may hold a password.
        Err(error) => {
            tracing::warn!(%error, "A proxy is named and not used");
            Proxies::default()
        }
    }
}

/// The same for requests.
pub(super) fn for_requests(proxies: &Proxies) -> Result<Option<reqwest::Proxy>, reqwest::Error> {
    let Some(proxy) = proxies.proxy() else {
        return Ok(None);
    };
    let url = reqwest::Url::parse(&proxy.url());
    let authorization = proxy.authorization().and_then(|value| {
        let mut value = HeaderValue::from_str(value.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
    });
    let which = proxies.clone();
    let made = reqwest::Proxy::custom(move |to| {
        which.to(to.host_str()?)?;
        url.clone().ok()
    });
    Ok(Some(match authorization {
        Some(value) => made.custom_http_auth(value),
        None => made,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(setting: Option<&str>, environment: &[(&str, &str)], host: &str) -> Option<String> {
        let proxies = read(setting, |name| {
            let found = environment.iter().find(|(set, _)| *set == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        proxies.to(host).map(Proxy::url)
    }

    #[test]
    fn the_environment_names_the_proxy_and_the_setting_wins() {
        let all = ("ALL_PROXY", "all:1");
        let https = ("HTTPS_PROXY", "http://user:word@https:2");
        let small = ("https_proxy", "small:3");
        let to = "clinic.example";
        let is = |url: &str| Some(url.to_owned());

        assert_eq!(way(None, &[], to), None);
        assert_eq!(way(None, &[all], to), is("http://all:1"));
        assert_eq!(way(None, &[all, https], to), is("http://https:2"));
        assert_eq!(way(None, &[all, https, small], to), is("http://small:3"));
        assert_eq!(way(None, &[("https_proxy", " "), all], to), is("http://all:1"));
        // Plain HTTP is never spoken with the server.
        assert_eq!(way(None, &[("http_proxy", "plain:4")], to), None);

        assert_eq!(way(Some("own:5"), &[https], to), is("http://own:5"));
        assert_eq!(way(Some("Direct"), &[https], to), None);
        assert_eq!(way(Some(""), &[https], to), is("http://https:2"));
        assert_eq!(way(Some("socks5://own"), &[https], to), None);

        let except = ("no_proxy", "clinic.example");
        assert_eq!(way(None, &[https, except], to), None);
        assert_eq!(way(Some("own:5"), &[("NO_PROXY", "example")], to), None);
        assert_eq!(way(Some("own:5"), &[], "127.0.0.1"), None);
    }
}
