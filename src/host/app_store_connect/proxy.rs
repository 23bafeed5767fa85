//! The proxy that the environment names, as other programs read it: `HTTPS_PROXY`, else `ALL_PROXY`, in capitals or not, but
//! for the hosts of `NO_PROXY`. `HTTP_PROXY` is for other requests than these. The value may hold a password, so no message
//! shows it.

use std::ffi::OsString;

use ureq::Proxy;

use super::error::PortalError;

/// The proxy; none if there is none.
///
/// # Errors
/// A variable holds something else than the address of a proxy.
pub(super) fn of_environment(
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Proxy>, PortalError> {
    let named = |names: [&'static str; 2]| {
        let mut names = names.into_iter();
        names.find_map(|name| Some((name, variable(name).filter(|value| !value.is_empty())?)))
    };
    let found = named(["HTTPS_PROXY", "https_proxy"]).or_else(|| named(["ALL_PROXY", "all_proxy"]));
    let Some((name, value)) = found else {
        return Ok(None);
    };
    let unusable = || PortalError::Proxy { variable: name };
    let text = value.to_str().ok_or_else(unusable)?;
    let address = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    let proxy = Proxy::new(&address).map_err(|_| unusable())?;
    let direct = named(["NO_PROXY", "no_proxy"]);
    let Some(direct) = direct.and_then(|(_, value)| value.into_string().ok()) else {
        return Ok(Some(proxy));
    };
    let mut builder = Proxy::builder(proxy.protocol())
        .host(proxy.host())
        .port(proxy.port())
        .resolve_target(proxy.resolve_target());
    if let Some(user) = proxy.username() {
        builder = builder.username(user);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    // `example.com` also means the hosts below it, as curl reads it.
    for entry in direct.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        builder = builder.no_proxy(entry);
        if !entry.starts_with(['.', '*']) {
            builder = builder.no_proxy(&format!(".{entry}"));
        }
    }
    Ok(Some(builder.build().map_err(|_| unusable())?))
}

#[cfg(test)]
mod tests {
    use super::super::origin::Origin;
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Proxy>, PortalError> {
        of_environment(|name| {
            let mut known = variables.iter();
            known
                .find(|(it, _)| *it == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_proxy_of_the_environment_is_taken_in_the_usual_order() {
        assert!(of(&[]).unwrap().is_none());
        assert!(of(&[("HTTP_PROXY", "http://p:1")]).unwrap().is_none());
        assert!(of(&[("HTTPS_PROXY", "")]).unwrap().is_none());
        let all = [("ALL_PROXY", "http://a:1"), ("https_proxy", "u:s@b:2")];
        let proxy = of(&all).unwrap().unwrap();
        assert_eq!((proxy.host(), proxy.port()), ("b", 2));
        assert_eq!((proxy.username(), proxy.password()), (Some("u"), Some("s")));
    }

    #[test]
    fn hosts_that_go_without_a_proxy_are_asked_directly() {
        let leads = |direct: &str| {
            let variables = [("HTTPS_PROXY", "http://u:s@b:2"), ("NO_PROXY", direct)];
            let proxy = of(&variables).unwrap().unwrap();
            assert_eq!(proxy.password(), Some("s"));
            !proxy.is_no_proxy(&Origin::apple().base().parse().unwrap())
        };
        assert!(leads("localhost, example.com"));
        assert!(!leads("localhost, apple.com"));
        assert!(!leads(".apple.com"));
        assert!(!leads("*"));
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_showing_it() {
        let error = of(&[("HTTPS_PROXY", "http://user:hunter2@ bad host")]).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(
            said.contains("HTTPS_PROXY") && !said.contains("hunter2"),
            "{said}"
        );
    }
}
