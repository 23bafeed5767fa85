//! A stand-in for App Store Connect.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec, at};
use forge::key::Key;
use forge::profile::{Family, Kind, ProfileSpec};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use super::facts;
use super::http::{Reply, Request, Server};

/// The team's key.
pub(crate) const KEY_ID: &str = "2X9R4HXF34";
/// Its issuer.
pub(crate) const ISSUER: &str = "57246542-96fe-1a63-e053-0824d011072a";

/// The private key of the team.
pub(crate) fn key() -> Key {
    Key::p256("app store connect")
}

/// What goes wrong with a request.
pub(crate) enum Fault {
    /// `429`.
    Limit,
    /// This status with this sentence; nothing is done.
    Refuse(u16, &'static str),
    /// It is done, and the connection ends before the answer.
    LoseReply,
    /// The connection ends before it is done.
    Cut,
    /// Something happens before it is done, and the connection ends.
    CutAfter(Box<dyn FnOnce() + Send>),
    /// It is done, something happens, and the connection ends before the answer.
    LoseReplyAfter(Box<dyn FnOnce() + Send>),
    /// This answer.
    Answer(Reply),
}

/// A profile.
#[derive(Clone)]
pub(crate) struct FakeProfile {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) state: &'static str,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) bundle: String,
    pub(crate) certificates: Vec<String>,
    pub(crate) devices: Vec<String>,
}

/// A certificate.
#[derive(Clone)]
pub(crate) struct FakeCertificate {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) leaf: LeafSpec,
}

/// What the stand-in holds.
pub(crate) struct Holding {
    /// What it takes for now; none: the clock of this machine.
    pub(crate) now: Option<Timestamp>,
    pub(crate) profiles: Vec<FakeProfile>,
    pub(crate) certificates: Vec<FakeCertificate>,
    /// Id, name, class, status.
    pub(crate) devices: Vec<(String, String, &'static str, &'static str)>,
    /// Id, identifier.
    pub(crate) bundles: Vec<(String, String)>,
    /// How many resources a page has at most.
    pub(crate) page: usize,
    /// How many certificates of one type the team may have.
    pub(crate) certificate_limit: usize,
    /// What goes wrong with the n-th request to create something, from 1.
    pub(crate) post_faults: BTreeMap<usize, Fault>,
    /// The same of every request.
    pub(crate) faults: BTreeMap<usize, Fault>,
    /// What happens before the n-th request is answered, from 1.
    pub(crate) watches: BTreeMap<usize, Box<dyn FnOnce() + Send>>,
    /// What `links.next` says in the place of the truth.
    pub(crate) next: Option<String>,
    /// What was asked.
    pub(crate) asked: Vec<Request>,
    /// The answers that were given.
    pub(crate) answered: Vec<Json>,
    posts: usize,
    count: usize,
}

/// The stand-in.
pub(crate) struct Apple {
    pub(crate) server: Server,
    holding: Arc<Mutex<Holding>>,
}

impl Apple {
    pub(crate) fn new(now: Option<Timestamp>) -> Self {
        let holding = Arc::new(Mutex::new(Holding {
            now,
            profiles: Vec::new(),
            certificates: Vec::new(),
            devices: Vec::new(),
            bundles: Vec::new(),
            page: 200,
            certificate_limit: 3,
            post_faults: BTreeMap::new(),
            faults: BTreeMap::new(),
            watches: BTreeMap::new(),
            next: None,
            asked: Vec::new(),
            answered: Vec::new(),
            posts: 0,
            count: 0,
        }));
        let (base, held) = (Arc::new(Mutex::new(String::new())), Arc::clone(&holding));
        let known = Arc::clone(&base);
        let server = Server::new(move |request| {
            let base = known.lock().unwrap().clone();
            let mut holding = held.lock().unwrap();
            // Whoever is killed by a fault must not find the lock held.
            let (reply, after) = holding.reply(&request, &base);
            drop(holding);
            if let Some(after) = after {
                after();
            }
            reply
        });
        *base.lock().unwrap() = format!("http://{}", server.address);
        Self { server, holding }
    }

    pub(crate) fn holding(&self) -> MutexGuard<'_, Holding> {
        self.holding.lock().unwrap()
    }
}

type After = Option<Box<dyn FnOnce() + Send>>;

impl Holding {
    fn reply(&mut self, request: &Request, base: &str) -> (Reply, After) {
        self.asked.push(request.clone());
        self.count += 1;
        let is_post = request.method == "POST";
        self.posts += usize::from(is_post);
        if let Some(watch) = self.watches.remove(&self.count) {
            watch();
        }
        let of_post = is_post
            .then(|| self.post_faults.remove(&self.posts))
            .flatten();
        let fault = of_post.or_else(|| self.faults.remove(&self.count));
        match fault {
            None => (self.answer(request, base), None),
            Some(Fault::Limit) => {
                let limit = (
                    "x-rate-limit".to_owned(),
                    "user-hour-lim:3500;user-hour-rem:0;".to_owned(),
                );
                (
                    self.error(
                        429,
                        "RATE_LIMIT_EXCEEDED",
                        "The API has exceeded its rate limit.",
                        vec![limit],
                    ),
                    None,
                )
            }
            Some(Fault::Refuse(status, detail)) => {
                (self.error(status, "ENTITY_ERROR", detail, Vec::new()), None)
            }
            Some(Fault::Cut) => (Reply::Cut, None),
            Some(Fault::CutAfter(after)) => (Reply::Cut, Some(after)),
            Some(Fault::LoseReply) => {
                self.answer(request, base);
                (Reply::Cut, None)
            }
            Some(Fault::LoseReplyAfter(after)) => {
                self.answer(request, base);
                (Reply::Cut, Some(after))
            }
            Some(Fault::Answer(reply)) => (reply, None),
        }
    }

    fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    /// The clock that answers tell.
    fn date(&self) -> (String, String) {
        let date = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        ("date".to_owned(), date)
    }

    fn json(
        &mut self,
        status: u16,
        schema: &str,
        document: Json,
        mut headers: Vec<(String, String)>,
    ) -> Reply {
        let faults = facts::faults(schema, &document);
        assert!(faults.is_empty(), "{schema}: {faults:#?}\n{document:#}");
        headers.push(self.date());
        let body = document.to_string().into_bytes();
        self.answered.push(document);
        Reply::Answer {
            status,
            headers,
            body,
        }
    }

    fn error(
        &mut self,
        status: u16,
        code: &str,
        detail: &str,
        headers: Vec<(String, String)>,
    ) -> Reply {
        let error = json!({ "status": status.to_string(), "code": code, "title": "There is a problem", "detail": detail });
        self.json(
            status,
            "ErrorResponse",
            json!({ "errors": [error] }),
            headers,
        )
    }

    /// Whether the token is one of the team's that is valid now; why not.
    fn unauthorized(&self, request: &Request) -> Option<&'static str> {
        let Some(token) = request
            .header("authorization")
            .and_then(|it| it.strip_prefix("Bearer "))
        else {
            return Some("no token");
        };
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let decode = |text: &str| Base64UrlUnpadded::decode_vec(text).unwrap();
        let info = key().public_key_info();
        let point = &info[info.len() - 65..];
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        let (header, claims) = signed.split_once('.').unwrap();
        let header: Json = serde_json::from_slice(&decode(header)).unwrap();
        let claims: Json = serde_json::from_slice(&decode(claims)).unwrap();
        let (from, until) = (
            claims["iat"].as_i64().unwrap(),
            claims["exp"].as_i64().unwrap(),
        );
        let now = self.now().as_second();
        if public
            .verify(signed.as_bytes(), &decode(signature))
            .is_err()
        {
            Some("the signature does not hold")
        } else if header != json!({ "alg": "ES256", "kid": KEY_ID, "typ": "JWT" }) {
            Some("the header is another")
        } else if claims["iss"] != ISSUER || claims["aud"] != "appstoreconnect-v1" {
            Some("the claims are others")
        } else if until - from > 20 * 60 {
            Some("it lives too long")
        } else if now < from || now >= until {
            Some("it is not valid now")
        } else {
            None
        }
    }

    fn answer(&mut self, request: &Request, base: &str) -> Reply {
        if self.unauthorized(request).is_some() {
            let detail = "Provide a properly configured and signed bearer token";
            return self.error(401, "NOT_AUTHORIZED", detail, Vec::new());
        }
        let parts: Vec<&str> = request.path.split('/').collect();
        let known = match *parts {
            ["", "v1", "profiles", _] => "/v1/profiles/{id}".to_owned(),
            ["", "v1", "profiles", _, "relationships", kind] => {
                format!("/v1/profiles/{{id}}/relationships/{kind}")
            }
            _ => request.path.clone(),
        };
        if request.method == "GET" {
            let faults = facts::query_faults(&known, &request.query);
            assert!(faults.is_empty(), "{}: {faults:?}", request.path);
        }
        match (&*request.method, parts.get(2..).unwrap_or_default()) {
            ("GET", ["profiles"]) => {
                let name = request.parameter("filter[name]");
                let found: Vec<FakeProfile> = self
                    .profiles
                    .iter()
                    // Apple's filter finds more than exact names.
                    .filter(|it| name.is_none_or(|name| it.name.contains(name)))
                    .cloned()
                    .collect();
                let page = self.page_of(request, base, found.len());
                let data = page
                    .0
                    .map(|at| self.profile(&found[at], request))
                    .collect::<Vec<_>>();
                self.json(
                    200,
                    "ProfilesResponse",
                    json!({ "data": data, "links": page.1, "meta": page.2 }),
                    Vec::new(),
                )
            }
            ("GET", ["profiles", id]) => {
                match self.profiles.iter().find(|it| it.id == *id).cloned() {
                    Some(profile) => {
                        let data = self.profile(&profile, request);
                        self.json(
                            200,
                            "ProfileResponse",
                            json!({ "data": data, "links": { "self": base } }),
                            Vec::new(),
                        )
                    }
                    None => self.error(404, "NOT_FOUND", "There is no such profile", Vec::new()),
                }
            }
            ("GET", ["profiles", id, "relationships", kind]) => {
                let profile = self
                    .profiles
                    .iter()
                    .find(|it| it.id == *id)
                    .unwrap()
                    .clone();
                let (ids, schema) = match *kind {
                    "devices" => (profile.devices, "ProfileDevicesLinkagesResponse"),
                    _ => (profile.certificates, "ProfileCertificatesLinkagesResponse"),
                };
                let page = self.page_of(request, base, ids.len());
                let data: Vec<Json> = page
                    .0
                    .map(|at| json!({ "type": kind, "id": ids[at] }))
                    .collect();
                self.json(
                    200,
                    schema,
                    json!({ "data": data, "links": page.1, "meta": page.2 }),
                    Vec::new(),
                )
            }
            ("GET", ["certificates"]) => {
                let page = self.page_of(request, base, self.certificates.len());
                let data: Vec<Json> = page
                    .0
                    .map(|at| certificate(&self.certificates[at]))
                    .collect();
                self.json(
                    200,
                    "CertificatesResponse",
                    json!({ "data": data, "links": page.1, "meta": page.2 }),
                    Vec::new(),
                )
            }
            ("GET", ["devices"]) => {
                let page = self.page_of(request, base, self.devices.len());
                let device = |(id, name, class, status): &(String, String, &str, &str)| {
                    json!({
                        "type": "devices",
                        "id": id,
                        "attributes": { "name": name, "deviceClass": class, "status": status, "model": "Model", "addedDate": "2024-02-01T10:00:00.000+00:00" },
                    })
                };
                let data: Vec<Json> = page.0.map(|at| device(&self.devices[at])).collect();
                self.json(
                    200,
                    "DevicesResponse",
                    json!({ "data": data, "links": page.1, "meta": page.2 }),
                    Vec::new(),
                )
            }
            ("GET", ["bundleIds"]) => {
                let page = self.page_of(request, base, self.bundles.len());
                let bundle = |(id, identifier): &(String, String)| {
                    json!({
                        "type": "bundleIds",
                        "id": id,
                        "attributes": { "name": "App", "identifier": identifier, "platform": "UNIVERSAL", "seedId": "ACME4CI001" },
                    })
                };
                let data: Vec<Json> = page.0.map(|at| bundle(&self.bundles[at])).collect();
                self.json(
                    200,
                    "BundleIdsResponse",
                    json!({ "data": data, "links": page.1, "meta": page.2 }),
                    Vec::new(),
                )
            }
            ("POST", ["profiles"]) => self.create_profile(request, base),
            ("POST", ["certificates"]) => self.create_certificate(request, base),
            (method, path) => panic!("{method} {path:?} is not known"),
        }
    }

    /// Which of `count` resources the page has, its `links` and its `meta`.
    fn page_of(
        &self,
        request: &Request,
        base: &str,
        count: usize,
    ) -> (std::ops::Range<usize>, Json, Json) {
        let limit = request
            .parameter("limit")
            .map_or(20, |it| it.parse().unwrap());
        let limit: usize = usize::min(limit, self.page);
        let from: usize = request
            .parameter("cursor")
            .map_or(0, |it| it.parse().unwrap());
        let to = count.min(from + limit);
        let mut links = json!({ "self": format!("{base}{}", request.path) });
        if to < count {
            let others = request.query.iter().filter(|(name, _)| name != "cursor");
            let others: Vec<String> = others
                .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
                .collect();
            let next = format!("{base}{}?cursor={to}&{}", request.path, others.join("&"));
            links["next"] = self.next.clone().unwrap_or(next).into();
        }
        (
            from..to,
            links,
            json!({ "paging": { "total": count, "limit": limit } }),
        )
    }

    /// A profile as JSON, with what the request asks for.
    fn profile(&self, profile: &FakeProfile, request: &Request) -> Json {
        let fields = request.parameter("fields[profiles]");
        let asked = |name: &str| fields.is_none_or(|it| it.split(',').any(|field| field == name));
        let included = |name: &str| {
            request
                .parameter("include")
                .is_some_and(|it| it.split(',').any(|word| word == name))
        };
        let mut all = json!({
            "name": profile.name,
            "platform": "IOS",
            "profileType": profile.kind,
            "profileState": profile.state,
            "uuid": self.spec(profile).uuid,
            "createdDate": date(profile.created),
            "expirationDate": date(profile.expires),
        });
        if asked("profileContent") {
            all["profileContent"] = Base64::encode_string(&self.spec(profile).mint()).into();
        }
        let attributes = all
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .filter(|(name, _)| asked(name));
        let linked = |kind: &str, ids: &[String]| {
            let most = request
                .parameter(&format!("limit[{kind}]"))
                .map_or(10, |it| it.parse().unwrap());
            let data: Vec<Json> = ids
                .iter()
                .take(most)
                .map(|id| json!({ "type": kind, "id": id }))
                .collect();
            json!({ "data": data, "meta": { "paging": { "total": ids.len(), "limit": most } } })
        };
        let mut relationships = json!({});
        if included("bundleId") && self.bundles.iter().any(|(id, _)| *id == profile.bundle) {
            relationships["bundleId"] =
                json!({ "data": { "type": "bundleIds", "id": profile.bundle } });
        }
        if included("certificates") {
            relationships["certificates"] = linked("certificates", &profile.certificates);
        }
        if included("devices") {
            relationships["devices"] = linked("devices", &profile.devices);
        }
        json!({
            "type": "profiles",
            "id": profile.id,
            "attributes": attributes.collect::<serde_json::Map<_, _>>(),
            "relationships": relationships,
        })
    }

    /// The file of a profile.
    pub(crate) fn spec(&self, profile: &FakeProfile) -> ProfileSpec {
        let bundle = self.bundles.iter().find(|(id, _)| *id == profile.bundle);
        let bundle = bundle.map_or("com.acme.gone", |(_, identifier)| identifier);
        let (family, kind) = kind_of(&profile.kind);
        let spec = match family {
            Family::Ios => ProfileSpec::ios(kind, bundle),
            Family::Mac => ProfileSpec::mac(kind, bundle),
        };
        let certificates = self
            .certificates
            .iter()
            .filter(|it| profile.certificates.contains(&it.id));
        let identities: Vec<_> = certificates
            .map(|it| Hierarchy::acme().developer(&it.leaf))
            .collect();
        let mut spec = spec
            .named(&profile.name)
            .certificates(&identities)
            .devices(profile.devices.len());
        (spec.created, spec.expires) = (profile.created, profile.expires);
        spec
    }

    fn create_profile(&mut self, request: &Request, base: &str) -> Reply {
        let body: Json = serde_json::from_slice(&request.body).unwrap();
        let faults = facts::faults("ProfileCreateRequest", &body);
        assert!(faults.is_empty(), "{faults:#?}\n{body:#}");
        let data = &body["data"];
        let ids = |kind: &str| -> Vec<String> {
            let linked = data["relationships"][kind]["data"].as_array();
            let linked = linked.into_iter().flatten();
            linked
                .map(|it| it["id"].as_str().unwrap().to_owned())
                .collect()
        };
        let name = data["attributes"]["name"].as_str().unwrap().to_owned();
        if self.profiles.iter().any(|it| it.name == name) {
            let detail = "Multiple profiles found with this name. Please remove the duplicate profiles and try again.";
            return self.error(409, "ENTITY_ERROR.ATTRIBUTE.INVALID", detail, Vec::new());
        }
        let now = self.now();
        let profile = FakeProfile {
            id: format!("P{:08}", self.profiles.len() + 1_000),
            name,
            kind: data["attributes"]["profileType"]
                .as_str()
                .unwrap()
                .to_owned(),
            state: "ACTIVE",
            created: now,
            expires: now + SignedDuration::from_hours(364 * 24),
            bundle: data["relationships"]["bundleId"]["data"]["id"]
                .as_str()
                .unwrap()
                .to_owned(),
            certificates: ids("certificates"),
            devices: ids("devices"),
        };
        assert!(
            self.bundles.iter().any(|(id, _)| *id == profile.bundle),
            "the bundle id is there"
        );
        for id in &profile.certificates {
            assert!(
                self.certificates.iter().any(|it| it.id == *id),
                "certificate {id} is there"
            );
        }
        for id in &profile.devices {
            let device = self.devices.iter().find(|it| it.0 == *id).unwrap();
            assert_eq!(device.3, "ENABLED", "device {id}");
        }
        self.profiles.push(profile.clone());
        // A created resource is told whole, with what it is linked to.
        let whole = Request {
            query: vec![(
                "include".to_owned(),
                "bundleId,certificates,devices".to_owned(),
            )],
            ..Request::default()
        };
        let data = self.profile(&profile, &whole);
        self.json(
            201,
            "ProfileResponse",
            json!({ "data": data, "links": { "self": base } }),
            Vec::new(),
        )
    }

    fn create_certificate(&mut self, request: &Request, base: &str) -> Reply {
        let body: Json = serde_json::from_slice(&request.body).unwrap();
        let faults = facts::faults("CertificateCreateRequest", &body);
        assert!(faults.is_empty(), "{faults:#?}\n{body:#}");
        let attributes = &body["data"]["attributes"];
        let kind = attributes["certificateType"].as_str().unwrap().to_owned();
        if self
            .certificates
            .iter()
            .filter(|it| it.kind == kind)
            .count()
            >= self.certificate_limit
        {
            let detail = "You already have a current Distribution certificate or a pending certificate request.";
            return self.error(409, "ENTITY_ERROR", detail, Vec::new());
        }
        let pem = attributes["csrContent"].as_str().unwrap();
        let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let request = Base64::decode_vec(&text).unwrap();
        // The certificate is for the key of the request, which grew from one of these labels.
        let labels = (1..9).map(|number| format!("leaf {number}"));
        let mut labels = labels.filter(|label| {
            let info = leaf_key(label).public_key_info();
            request.windows(info.len()).any(|window| window == info)
        });
        let now = self.now();
        let mut leaf = LeafSpec::new(LeafKind::AppleDistribution).labelled(&labels.next().unwrap());
        leaf.validity = (now, now + SignedDuration::from_hours(365 * 24));
        let made = FakeCertificate {
            id: format!("C{:08}", self.certificates.len() + 1_000),
            kind,
            leaf,
        };
        self.certificates.push(made.clone());
        let data = certificate(&made);
        self.json(
            201,
            "CertificateResponse",
            json!({ "data": data, "links": { "self": base } }),
            Vec::new(),
        )
    }

    /// Revokes a certificate, as somebody does at the developer site: it is gone, and profiles that name it are invalid.
    pub(crate) fn revoke(&mut self, id: &str) {
        self.certificates.retain(|it| it.id != id);
        for profile in &mut self.profiles {
            if profile.certificates.iter().any(|it| it == id) {
                profile.state = "INVALID";
            }
        }
    }

    /// How many requests to create something there were.
    pub(crate) fn posts(&self) -> usize {
        self.posts
    }

    /// How many requests there were.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

/// The key that a developer's certificate of this label has.
pub(crate) fn leaf_key(label: &str) -> Key {
    Key::rsa(&format!("acme {label}"))
}

fn certificate(certificate: &FakeCertificate) -> Json {
    let identity = Hierarchy::acme().developer(&certificate.leaf);
    let serial: String = identity
        .serial
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    json!({
        "type": "certificates",
        "id": certificate.id,
        "attributes": {
            "name": identity.common_name(),
            "certificateType": certificate.kind,
            "serialNumber": serial,
            "expirationDate": date(certificate.leaf.validity.1),
            "certificateContent": Base64::encode_string(&identity.der),
        },
    })
}

/// A text as a part of a query.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte);
    let bytes = text.bytes().map(|byte| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    bytes.collect()
}

/// An instant as Apple writes it.
fn date(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S.000+00:00").to_string()
}

/// What the forge calls a type of profile.
fn kind_of(kind: &str) -> (Family, Kind) {
    let family = match kind.starts_with("MAC_APP") {
        true => Family::Mac,
        false => Family::Ios,
    };
    let kind = match kind.rsplit_once('_').unwrap().1 {
        "DEVELOPMENT" => Kind::Development,
        "ADHOC" => Kind::AdHoc,
        "INHOUSE" => Kind::Enterprise,
        "DIRECT" => Kind::DeveloperId,
        _ => Kind::AppStore,
    };
    (family, kind)
}

/// A certificate of the team.
pub(crate) fn distribution(id: &str, label: &str, until: &str) -> FakeCertificate {
    let mut leaf = LeafSpec::new(LeafKind::AppleDistribution).labelled(label);
    leaf.validity = (at("2025-04-01T00:00:00Z"), at(until));
    FakeCertificate {
        id: id.to_owned(),
        kind: "DISTRIBUTION".to_owned(),
        leaf,
    }
}

/// A profile of the team, made a year before it expires.
pub(crate) fn profile(
    id: &str,
    name: &str,
    kind: &str,
    bundle: &str,
    expires: &str,
) -> FakeProfile {
    let expires = at(expires);
    FakeProfile {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        state: "ACTIVE",
        created: expires - SignedDuration::from_hours(365 * 24),
        expires,
        bundle: bundle.to_owned(),
        certificates: vec!["C1".to_owned()],
        devices: Vec::new(),
    }
}
