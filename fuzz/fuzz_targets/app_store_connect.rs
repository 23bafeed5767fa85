//! Whatever App Store Connect answers, and whatever stands in a certificate signing request: no panic; an id fits into a path, a
//! link leads nowhere else, and no message is long or acts on a terminal.
#![no_main]

use countersign::apple::app_store_connect::document::{self, DocumentError, Page};
use countersign::apple::app_store_connect::link;
use countersign::apple::app_store_connect::rate_limit::RateLimit;
use countersign::apple::app_store_connect::resource::{
    PortalBundleId, PortalCertificate, PortalDevice, PortalProfile, ProfileContent, ResourceId,
};
use countersign::apple::app_store_connect::signing_request::SigningRequest;
use countersign::base::plain::is_active;
use libfuzzer_sys::fuzz_target;

const BASE: &str = "https://api.appstoreconnect.apple.com";

fn is_plain(id: &ResourceId) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    id.as_str().bytes().all(is_plain)
}

fn read<T>(page: Result<Page<T>, DocumentError>, id: impl Fn(&T) -> &ResourceId) {
    match page {
        Ok(page) => {
            assert!(page.data.iter().all(|it| is_plain(id(it))));
            if let Some(path) = page.next.and_then(|next| link::path_of(&next, BASE).ok()) {
                assert!(path.starts_with("/v1/"), "{path}");
            }
        }
        Err(error) => assert!(!error.to_string().contains('\u{1b}')),
    }
}

fuzz_target!(|bytes: &[u8]| {
    read(document::page(bytes), |it: &PortalProfile| &it.id);
    read(document::page(bytes), |it: &PortalCertificate| &it.id);
    read(document::page(bytes), |it: &PortalDevice| &it.id);
    read(document::page(bytes), |it: &PortalBundleId| &it.id);
    read(document::linkages(bytes), |it| it);
    let _ = document::single::<ProfileContent>(bytes);
    for error in document::errors(bytes) {
        let said = error.to_string();
        assert!(
            said.chars().count() < 1_000 && !said.chars().any(is_active),
            "{said:?}"
        );
    }
    if let Ok(request) = SigningRequest::parse(bytes) {
        assert!(!request.pem().contains("PRIVATE KEY"));
    }
    let _ = RateLimit::parse(&String::from_utf8_lossy(bytes));
});
