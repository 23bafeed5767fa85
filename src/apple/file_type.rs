//! What a file is that was handed in as a profile, a p12 or a list of identities, and is something else.
//!
//! Files reach a pipeline through secrets, downloads and checkouts, and each way has its own accident: a secret holds base64
//! that nobody decoded, a download is the page of a login, a checkout is the pointer of Git LFS, a match repository holds
//! what fastlane encrypted. One function names them, so that every command says the same; [`FileType::remedy`] says how the
//! file that was wanted is had.
//!
//! Only the beginning of a file is looked at, and nothing is believed because of it: this is for messages alone.

mod recognise;
#[cfg(test)]
mod tests;

use std::fmt;

/// What bytes seem to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileType {
    /// No byte, or white space alone.
    Empty,
    /// Zeros alone, as a crashed machine or a sparse copy leaves.
    Zeros,
    /// Base64 text (RFC 4648) of something.
    Base64(Box<FileType>),
    /// Hexadecimal text of something.
    Hexadecimal(Box<FileType>),
    /// One assignment, as in `P12_BASE64=MII…`, of text of something.
    Assigned(Box<FileType>),
    /// Lines of PEM around something else than their label says, as `certutil -encode` of Windows writes them around any file.
    PemAround(Box<FileType>),
    /// PEM text (RFC 7468) with the label of its first block, and whether a private key is in it too.
    Pem {
        /// `CERTIFICATE`, `PKCS7`, …
        label: String,
        /// Whether any block is a private key.
        with_key: bool,
    },
    /// A key for requests to Apple's services (App Store Connect, push notifications): PKCS#8 of P-256 in PEM, a `.p8`.
    ServiceKey,
    /// A web page.
    Html,
    /// The words of a server's error, as in `404: Not Found`.
    ErrorText,
    /// The pointer that Git LFS leaves in the place of a file.
    LfsPointer,
    /// A ZIP archive.
    Zip,
    /// A ZIP archive that holds an application (`.ipa`).
    ApplicationArchive,
    /// A tar archive.
    Tar,
    /// An archive of 7-Zip or RAR.
    Archive(&'static str),
    /// Data compressed by gzip, bzip2 or xz.
    Compressed(&'static str),
    /// What fastlane's match keeps in its repository.
    MatchEncrypted,
    /// What `openssl enc` writes, and so does an old match.
    OpensslEncrypted,
    /// What another program encrypted: git-crypt, GnuPG, age, Ansible, SOPS.
    Encrypted(&'static str),
    /// An XML property list without a signature.
    XmlPropertyList,
    /// Another XML text.
    Xml,
    /// A binary property list without a signature.
    BinaryPropertyList,
    /// A property list inside of something that is no signature.
    StrippedProfile,
    /// JSON text.
    Json,
    /// JSON text of App Store Connect's API, which holds a profile.
    ProfileReply,
    /// Text in UTF-16.
    Utf16,
    /// A secret that a log masked.
    Masked,
    /// The name of a variable or a secret that nothing replaced.
    Unexpanded,
    /// A word that a script writes where there is no value: `undefined`, `null`.
    NoValue,
    /// The path of a file: what a symbolic link is where a checkout has none.
    PathOfFile,
    /// What macOS writes beside a file on a foreign disk or in an archive (`._App.p12`): attributes, and no content.
    AppleDouble,
    /// An X.509 certificate in DER.
    Certificate,
    /// A request for a certificate in DER.
    CertificateRequest,
    /// A private key alone, in DER.
    PrivateKey,
    /// CMS (PKCS#7) SignedData: what profiles are.
    SignedMessage,
    /// PKCS#12.
    Pkcs12,
    /// A binary file that was copied as text.
    CopiedAsText(&'static str),
    /// Some other DER or BER.
    Der,
    /// A keychain of macOS.
    Keychain,
    /// A Java keystore.
    JavaKeystore,
    /// An installer package (`.pkg`).
    InstallerPackage,
    /// A Mach-O program.
    Program,
    /// Some other text.
    Text,
    /// Nothing that is known here.
    Unknown,
}

/// What a file was handed in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A provisioning profile.
    Profile,
    /// A PKCS#12 file.
    Pkcs12,
}

impl Wanted {
    /// What the file is called that a remedy makes.
    fn file_name(self) -> &'static str {
        match self {
            Self::Profile => "app.mobileprovision",
            Self::Pkcs12 => "identity.p12",
        }
    }

    fn is(self, found: &FileType) -> bool {
        match self {
            Self::Profile => matches!(found, FileType::SignedMessage),
            Self::Pkcs12 => matches!(found, FileType::Pkcs12),
        }
    }
}

impl FileType {
    /// Whether it is DER or BER that may be what was wanted, so that its reader says best what is wrong with it.
    pub fn may_be(&self, wanted: Wanted) -> bool {
        wanted.is(self) || *self == Self::Der
    }

    /// Whether it is text that may be the output of a command.
    pub fn is_plain_text(&self) -> bool {
        matches!(self, Self::Text)
    }

    /// Whether other files lie in it, or it is another file that was made smaller.
    fn is_packed(&self) -> bool {
        matches!(
            self,
            Self::Zip
                | Self::ApplicationArchive
                | Self::Tar
                | Self::Archive(_)
                | Self::Compressed(_)
        )
    }

    /// What to do to have the file that was wanted: an imperative, with the command where one does it. `FILE` stands for the
    /// file at hand.
    pub fn remedy(&self, wanted: Wanted) -> String {
        let name = wanted.file_name();
        match self {
            Self::Empty | Self::NoValue => "check the step that writes the file and the name of its secret: a secret that is not set is \
                            empty, and so is every secret in a pull request from a fork"
                .to_owned(),
            Self::Base64(inner) => {
                let decoded = format!("decode it with `base64 --decode < FILE > {name}`");
                match &**inner {
                    inner if inner.may_be(wanted) => decoded,
                    // Base64 in base64 is decoded twice.
                    Self::Base64(_) => format!(
                        "decode it twice with `base64 --decode < FILE | base64 --decode > {name}`"
                    ),
                    packed if packed.is_packed() => format!(
                        "decode it with `base64 --decode < FILE > DECODED`, then {}",
                        packed.remedy(wanted).replace("FILE", "DECODED")
                    ),
                    other => other.remedy(wanted),
                }
            }
            Self::Hexadecimal(inner) => match inner.may_be(wanted) {
                true => format!("turn it into bytes with `xxd -r -p FILE > {name}`"),
                false => inner.remedy(wanted),
            },
            Self::Assigned(inner) => match &**inner {
                Self::Base64(bytes) if bytes.may_be(wanted) => format!(
                    "write only the value into the file, and decode it: `cut -d= -f2- FILE | base64 --decode > {name}`"
                ),
                other => other.remedy(wanted),
            },
            Self::PemAround(inner) => match inner.may_be(wanted) {
                true => format!(
                    "take the lines of PEM away: `sed '/^-----/d' FILE | base64 --decode > {name}`, or `certutil -decode FILE \
                     {name}` on Windows"
                ),
                false => inner.remedy(wanted),
            },
            Self::Pem { label, with_key } => pem_remedy(label, *with_key, wanted),
            Self::ServiceKey => format!(
                "this key signs requests to Apple's services, and no code: name {}",
                wanted.described()
            ),
            Self::ErrorText | Self::Html => format!(
                "download the file again while signed in: this is the page of a login or an error, not {}",
                wanted.described()
            ),
            Self::LfsPointer => "fetch the file with `git lfs pull`; with actions/checkout, set `lfs: true`".to_owned(),
            Self::Zip => format!("unpack it with `unzip FILE`, and name {} from inside", wanted.described()),
            Self::ApplicationArchive if wanted == Wanted::Profile => {
                "unpack it with `unzip FILE`, and name the profile inside: Payload/NAME.app/embedded.mobileprovision"
                    .to_owned()
            }
            Self::Tar => format!("unpack it with `tar -xf FILE`, and name {} from inside", wanted.described()),
            Self::Archive(_) => format!("unpack it, and name {} from inside", wanted.described()),
            Self::Compressed(with) => format!("unpack it with `{with} -dc FILE > {name}`"),
            Self::MatchEncrypted => {
                "let `fastlane match --readonly` decrypt and install it, and name the file that match installs".to_owned()
            }
            Self::OpensslEncrypted => format!(
                "decrypt it with the options that it was encrypted with (`openssl enc -d … -in FILE -out {name}`); if it is \
                 from a repository of fastlane match, let `fastlane match --readonly` install it"
            ),
            Self::Encrypted("sops") => format!("decrypt it with `sops -d FILE > {name}`"),
            Self::Encrypted("git-crypt") => "unlock the checkout with `git-crypt unlock`".to_owned(),
            Self::Encrypted(with) => format!("decrypt it with {with} first"),
            Self::XmlPropertyList | Self::BinaryPropertyList | Self::StrippedProfile
                if wanted == Wanted::Profile =>
            {
                "name the signed file as Apple made it: what `security cms -D` prints is its content without the signature"
                    .to_owned()
            }
            Self::CopiedAsText(_) => {
                "copy the original again in binary form; to carry it through text, encode it with base64".to_owned()
            }
            Self::Utf16 => "write it again as plain bytes: PowerShell's `>` writes UTF-16".to_owned(),
            Self::Masked => "take the secret from where it is stored: a log shows `***` in its place".to_owned(),
            Self::Unexpanded => {
                "check the step that writes the file: it wrote the name of the secret instead of its value".to_owned()
            }
            Self::ProfileReply if wanted == Wanted::Profile => format!(
                "take the profile out of it: `jq -r '.. | .profileContent? // empty' FILE | base64 --decode > {name}`"
            ),
            Self::Json => "look into it: it may be an error that a service answered; then download the file again".to_owned(),
            Self::PathOfFile => "name the file itself: this is its path, or a symbolic link that git checked out as text; \
                                 `git config core.symlinks true` and a fresh checkout restore the link"
                .to_owned(),
            Self::AppleDouble => "name the file without `._` before its name".to_owned(),
            Self::Certificate if wanted == Wanted::Pkcs12 => {
                "a certificate holds no private key: export it together with its key as a .p12, or make one with \
                 `openssl pkcs12 -export -in CERTIFICATE.pem -inkey KEY.pem -out identity.p12`"
                    .to_owned()
            }
            Self::CertificateRequest => {
                "a request is what Apple makes a certificate of: download the certificate, and export it together with its \
                 key as a .p12"
                    .to_owned()
            }
            Self::PrivateKey if wanted == Wanted::Pkcs12 => {
                "join the key with its certificate: `openssl pkcs12 -export -in CERTIFICATE.pem -inkey KEY.pem -out \
                 identity.p12`"
                    .to_owned()
            }
            Self::SignedMessage => {
                "this is a profile, if Apple signed it: name a .p12 here, and name the profile where a profile is asked for"
                    .to_owned()
            }
            Self::Pkcs12 => {
                "name a profile (.mobileprovision or .provisionprofile) here, and the .p12 where identities are asked for"
                    .to_owned()
            }
            Self::Keychain => match wanted {
                Wanted::Pkcs12 => "export the identity from the keychain as a .p12, or name the keychain as a keychain",
                Wanted::Profile => "name a profile (.mobileprovision or .provisionprofile)",
            }
            .to_owned(),
            Self::JavaKeystore if wanted == Wanted::Pkcs12 => {
                "convert it with `keytool -importkeystore -srckeystore FILE -destkeystore identity.p12 -deststoretype pkcs12`"
                    .to_owned()
            }
            Self::InstallerPackage | Self::Program if wanted == Wanted::Profile => {
                "name the profile inside of the application: Contents/embedded.provisionprofile".to_owned()
            }
            Self::Certificate | Self::PrivateKey if wanted == Wanted::Profile => {
                "name a profile, or download the profile from Apple's developer site: certificates and keys are not profiles"
                    .to_owned()
            }
            Self::Zeros => "copy the file again: its content is lost".to_owned(),
            _ => match wanted {
                Wanted::Profile => "check the path, or download the profile again from Apple's developer site",
                Wanted::Pkcs12 => "check the path, or export the identity again as a .p12",
            }
            .to_owned(),
        }
    }
}

fn pem_remedy(label: &str, with_key: bool, wanted: Wanted) -> String {
    let is_certificate = label.ends_with("CERTIFICATE");
    let is_message = matches!(label, "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA");
    match wanted {
        Wanted::Pkcs12 if label.ends_with("CERTIFICATE REQUEST") => FileType::CertificateRequest.remedy(wanted),
        Wanted::Pkcs12 if is_message => {
            "it holds certificates or a profile, and no private key: export the identity as a .p12".to_owned()
        }
        Wanted::Pkcs12 if label.starts_with("OPENSSH") || label.ends_with("PUBLIC KEY") => {
            "this key signs no code: export the identity, a certificate with its private key, as a .p12".to_owned()
        }
        Wanted::Profile if is_message => {
            "convert it with `openssl pkcs7 -in FILE -outform DER -out app.mobileprovision`".to_owned()
        }
        Wanted::Profile => {
            "name a profile (.mobileprovision or .provisionprofile): certificates and keys are not profiles".to_owned()
        }
        Wanted::Pkcs12 if with_key && !is_certificate => {
            "join it with its certificate: `openssl pkcs12 -export -in CERTIFICATE.pem -inkey FILE -out identity.p12`; if the \
             certificate is in this file too, `openssl pkcs12 -export -in FILE -out identity.p12`"
                .to_owned()
        }
        Wanted::Pkcs12 if with_key => {
            "make a .p12 of it with `openssl pkcs12 -export -in FILE -out identity.p12`".to_owned()
        }
        Wanted::Pkcs12 => {
            "make a .p12 of it and its private key with `openssl pkcs12 -export -in FILE -inkey KEY.pem -out identity.p12`"
                .to_owned()
        }
    }
}

impl Wanted {
    /// Its name with an article.
    pub fn described(self) -> &'static str {
        match self {
            Self::Profile => "a provisioning profile",
            Self::Pkcs12 => "a PKCS#12 (.p12) file",
        }
    }
}

/// Its name with an article, where it takes one: `base64 text of a PKCS#12 (.p12) file`.
impl fmt::Display for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty file",
            Self::Zeros => "a file of zeros",
            Self::Base64(inner) if matches!(**inner, Self::Unknown | Self::Der | Self::Text) => {
                "base64 text"
            }
            Self::Base64(inner) => return write!(f, "base64 text of {inner}"),
            Self::Pem { label, .. } => return write!(f, "PEM text ({label})"),
            Self::Hexadecimal(inner) => return write!(f, "hexadecimal text of {inner}"),
            Self::Assigned(inner) => return write!(f, "an assignment (NAME=…) of {inner}"),
            Self::PemAround(inner) => return write!(f, "lines of PEM around {inner}"),
            Self::ServiceKey => "a key for Apple's services (.p8)",
            Self::Html => "an HTML page",
            Self::ErrorText => "the text of a server's error",
            Self::LfsPointer => "a Git LFS pointer",
            Self::Zip => "a ZIP archive",
            Self::ApplicationArchive => "an application archive (.ipa)",
            Self::Tar => "a tar archive",
            Self::Archive(of) => return write!(f, "an archive of {of}"),
            Self::Compressed(with) => return write!(f, "data compressed by {with}"),
            Self::MatchEncrypted => "a file encrypted by fastlane match",
            Self::OpensslEncrypted => {
                "a file encrypted by `openssl enc`, as fastlane match does it"
            }
            Self::Encrypted(with) => return write!(f, "a file encrypted by {with}"),
            Self::XmlPropertyList => "an XML property list without a signature",
            Self::Xml => "XML",
            Self::BinaryPropertyList => "a binary property list without a signature",
            Self::StrippedProfile => {
                "a property list without a readable signature: it was copied as text or cut out"
            }
            Self::Json => "JSON text",
            Self::ProfileReply => "JSON text of App Store Connect's API",
            Self::Utf16 => "text in UTF-16",
            Self::Masked => "a secret that a log masked (`***`)",
            Self::Unexpanded => "the name of a variable that nothing replaced",
            Self::NoValue => "the word that a script writes where there is no value",
            Self::PathOfFile => "the path of a file",
            Self::AppleDouble => "an AppleDouble file (`._…`), which holds no content",
            Self::Certificate => "a certificate (.cer)",
            Self::CertificateRequest => "a certificate signing request",
            Self::PrivateKey => "a private key without a certificate",
            Self::SignedMessage => "a signed message (CMS), which provisioning profiles are",
            Self::Pkcs12 => "a PKCS#12 (.p12) file",
            Self::CopiedAsText(how) => {
                return write!(f, "a binary file that was copied as text ({how})");
            }
            Self::Der => "some other DER",
            Self::Keychain => "a keychain",
            Self::JavaKeystore => "a Java keystore",
            Self::InstallerPackage => "an installer package (.pkg)",
            Self::Program => "a program",
            Self::Text => "some other text",
            Self::Unknown => "something else",
        })
    }
}
