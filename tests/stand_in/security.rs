//! A stand-in for `/usr/bin/security` and, when it is called `codesign`, for `/usr/bin/codesign`.
//!
//! It behaves as Apple's sources say the real one does, exit codes and quirks included, as far as countersign uses it:
//! `-i` and its line grammar, OSStatus cut to eight bits or plain 1 depending on the command, an open keychain that takes
//! any password, prompts that fail because nobody is there, `-x` without `-f pkcs12`, partition lists without which
//! codesign is refused, a search list that is replaced whole.
//!
//! A keychain is a JSON file. Everything else lies in `HOME`: the search list, a log of every command line that could be
//! seen with `ps`, and `stand-in-mode`, whose lines make a command misbehave: `hang NAME`, `garbage NAME`, `endless NAME`,
//! `lie NAME` (nothing done, exit 0), `fail NAME STATUS`, `forget NAME` (done, but not what was asked), `stall NAME` (done,
//! then hangs), `deny NAME STATUS` (done, and says that it failed), `wait NAME` (the first one is done when there is a file
//! `go-on` in `HOME`; a file `waiting` tells that it waits).

#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used
)]
#![allow(clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use countersign::apple::certificate::Certificate;
use countersign::apple::identity::{IdentityListing, IdentityRow};
use countersign::apple::pkcs12;
use countersign::base::secret::Password;
use pem_rfc7468::LineEnding;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer as _, X509Certificate};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let home = PathBuf::from(std::env::var_os("HOME").expect("HOME is given"));
    let mut log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(home.join("stand-in.log"))
        .unwrap();
    log.write_all(format!("{}\n", arguments.join("\u{1f}")).as_bytes())
        .unwrap();
    let name = Path::new(&arguments[0])
        .file_name()
        .unwrap()
        .to_str()
        .unwrap();
    let tool = Tool { home };
    let status = if name == "codesign" {
        tool.command(&[&["codesign".to_owned()], &arguments[1..]].concat())
    } else if arguments.get(1).is_some_and(|a| a == "-i") {
        tool.interactive()
    } else if arguments.len() > 1 {
        tool.command(&arguments[1..])
    } else {
        eprintln!("Usage: security [-h] [-i] [-l] [-p prompt] [-q] [-v] [command] [opt ...]");
        2
    };
    ExitCode::from((status & 0xff) as u8)
}

/// A keychain's file.
#[derive(Serialize, Deserialize)]
struct Keychain {
    password: String,
    locked: bool,
    lock_on_sleep: bool,
    timeout: Option<u64>,
    last_use: u64,
    identities: Vec<Item>,
}

#[derive(Serialize, Deserialize)]
struct Item {
    certificate: Vec<u8>,
    extractable: bool,
    any_program: bool,
    trusted: Vec<String>,
    partitions: Vec<String>,
}

struct Tool {
    home: PathBuf,
}

impl Tool {
    /// `security -i`: a line each, until there are no more; the last status is the exit code.
    fn interactive(&self) -> i32 {
        let mut input = Vec::new();
        std::io::stdin().read_to_end(&mut input).unwrap();
        let mut status = 0;
        for line in input.split_inclusive(|b| *b == b'\n') {
            // A buffer of 4,096: a longer line falls into pieces.
            for piece in line.chunks(4_095) {
                let words = split_line(piece);
                if words.is_empty() {
                    continue;
                }
                status = self.command(&words);
                if status != 0 {
                    eprintln!("{}: returned {status}", words[0]);
                }
            }
        }
        status
    }

    fn command(&self, words: &[String]) -> i32 {
        let name = words[0].as_str();
        if let Some(status) = self.misbehave(name) {
            return status;
        }
        let status = self.obey(name, &words[1..]);
        self.afterwards(name).unwrap_or(status)
    }

    fn obey(&self, name: &str, rest: &[String]) -> i32 {
        // securityd does one thing at a time.
        let guard = File::create(self.home.join("securityd.lock")).unwrap();
        guard.lock().unwrap();
        match name {
            "create-keychain" => self.create(rest),
            "unlock-keychain" => self.unlock(rest),
            "lock-keychain" => self.lock(rest),
            "delete-keychain" => self.delete(rest),
            "set-keychain-settings" => self.set_settings(rest),
            "show-keychain-info" => self.show_info(rest),
            "list-keychains" => self.list(rest),
            "default-keychain" => self.default(rest),
            "import" => self.import(rest),
            "set-key-partition-list" => self.partition_list(rest),
            "find-identity" => self.find_identity(rest),
            "find-certificate" => self.find_certificate(rest),
            "codesign" => self.codesign(rest),
            _ => {
                eprintln!("security: unknown command \"{name}\"");
                1
            }
        }
    }

    fn misbehave(&self, name: &str) -> Option<i32> {
        let mode = fs::read_to_string(self.home.join("stand-in-mode")).unwrap_or_default();
        for line in mode.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.get(1) != Some(&name) {
                continue;
            }
            match words[0] {
                "hang" => hang(),
                "garbage" => {
                    std::io::stdout()
                        .write_all(b"\xff\xfe\x00garbage \"half a line")
                        .unwrap();
                    return Some(0);
                }
                "endless" => loop {
                    std::io::stdout().write_all(&[b'x'; 65_536]).unwrap();
                },
                "wait" if File::create_new(self.home.join("waiting")).is_ok() => {
                    while !self.home.join("go-on").exists() {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
                "lie" => return Some(0),
                "fail" => {
                    eprintln!("security: {name}: something is wrong");
                    return Some(words[2].parse().unwrap());
                }
                _ => {}
            }
        }
        None
    }

    fn afterwards(&self, name: &str) -> Option<i32> {
        let mode = fs::read_to_string(self.home.join("stand-in-mode")).unwrap_or_default();
        for line in mode.lines() {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["stall", found] if found == name => hang(),
                ["deny", found, status] if found == name => {
                    eprintln!("security: {name}: something is wrong");
                    return Some(status.parse().unwrap());
                }
                _ => {}
            }
        }
        None
    }

    fn forgets(&self, name: &str) -> bool {
        fs::read_to_string(self.home.join("stand-in-mode"))
            .unwrap_or_default()
            .lines()
            .any(|line| line == format!("forget {name}"))
    }

    fn create(&self, arguments: &[String]) -> i32 {
        let options = Options::parse(arguments, "p");
        let (Some(password), Some(path)) = (options.value('p'), options.rest.first()) else {
            return 2;
        };
        let path = on_disk(path);
        let keychain = Keychain {
            password: password.to_owned(),
            locked: false,
            lock_on_sleep: true,
            timeout: Some(300),
            last_use: now(),
            identities: Vec::new(),
        };
        if path.exists() {
            eprintln!(
                "security: SecKeychainCreate {}: A keychain with the same name already exists.",
                path.display()
            );
            return 48;
        }
        if save(&path, &keychain).is_err() {
            eprintln!(
                "security: SecKeychainCreate {}: UNIX[No space left on device]",
                path.display()
            );
            return 28;
        }
        0
    }

    fn unlock(&self, arguments: &[String]) -> i32 {
        let options = Options::parse(arguments, "p");
        let Some(path) = options.rest.first() else {
            return 2;
        };
        let Some((path, mut keychain)) = load(path) else {
            return no_such("SecKeychainUnlock", path);
        };
        if keychain.locked {
            match options.value('p') {
                None => return nobody_there("SecKeychainUnlock"),
                Some(password) if password != keychain.password => {
                    eprintln!(
                        "security: SecKeychainUnlock {}: The user name or passphrase you entered is not correct.",
                        path.display()
                    );
                    return 51;
                }
                Some(_) => keychain.locked = false,
            }
        }
        keychain.last_use = now();
        save(&path, &keychain).unwrap();
        0
    }

    fn lock(&self, arguments: &[String]) -> i32 {
        let Some(path) = arguments.first() else {
            return 2;
        };
        let Some((path, mut keychain)) = load(path) else {
            return no_such("SecKeychainLock", path);
        };
        keychain.locked = true;
        save(&path, &keychain).unwrap();
        0
    }

    fn delete(&self, arguments: &[String]) -> i32 {
        let Some(path) = arguments.first() else {
            return 2;
        };
        let path = on_disk(path);
        if fs::remove_file(&path).is_err() {
            return no_such("SecKeychainDelete", path.to_str().unwrap());
        }
        let list: Vec<_> = self
            .search_list()
            .into_iter()
            .filter(|p| *p != path)
            .collect();
        self.set_search_list(&list);
        0
    }

    fn set_settings(&self, arguments: &[String]) -> i32 {
        let options = Options::parse(arguments, "t");
        let Some(path) = options.rest.first() else {
            return 2;
        };
        let Some((path, mut keychain)) = load(path) else {
            return no_such("SecKeychainSetSettings", path);
        };
        if keychain.locked {
            return nobody_there("SecKeychainSetSettings");
        }
        keychain.lock_on_sleep = options.has('l');
        keychain.timeout = options.value('t').map(|t| t.parse().unwrap());
        if self.forgets("set-keychain-settings") {
            keychain.timeout = None;
        }
        save(&path, &keychain).unwrap();
        0
    }

    fn show_info(&self, arguments: &[String]) -> i32 {
        let Some(path) = arguments.first() else {
            return 2;
        };
        let Some((path, keychain)) = load(path) else {
            return no_such("SecKeychainCopySettings", path);
        };
        if keychain.locked {
            return nobody_there("SecKeychainCopySettings");
        }
        let sleep = if keychain.lock_on_sleep {
            " lock-on-sleep"
        } else {
            ""
        };
        match keychain.timeout {
            Some(seconds) => eprintln!("Keychain \"{}\"{sleep} timeout={seconds}s", path.display()),
            None => eprintln!("Keychain \"{}\"{sleep} no-timeout", path.display()),
        }
        0
    }

    fn list(&self, arguments: &[String]) -> i32 {
        let options = Options::parse(arguments, "d");
        if options.has('s') {
            if !self.forgets("list-keychains") {
                let list: Vec<_> = options.rest.iter().map(|p| on_disk(p)).collect();
                self.set_search_list(&list);
            }
            return 0;
        }
        let mut list = self.search_list();
        if options.value('d') != Some("user") {
            list.push("/Library/Keychains/System.keychain".into());
        }
        for path in list {
            println!("    \"{}\"", path.display());
        }
        0
    }

    fn default(&self, arguments: &[String]) -> i32 {
        let options = Options::parse(arguments, "d");
        if options.has('s') {
            panic!("the default keychain is never touched");
        }
        match fs::read_to_string(self.home.join("default-keychain")) {
            Ok(path) => {
                println!("    \"{}\"", path.trim());
                0
            }
            Err(_) => {
                eprintln!(
                    "security: SecKeychainCopyDomainDefault user: A default keychain could not be found."
                );
                1
            }
        }
    }

    fn import(&self, arguments: &[String]) -> i32 {
        // The file comes first; options before it would be taken for it.
        let Some(file) = arguments.first().filter(|a| !a.starts_with('-')) else {
            return 2;
        };
        let options = Options::parse(&arguments[1..], "kfPT");
        let Some((path, mut keychain)) = options.value('k').and_then(load) else {
            eprintln!(
                "security: SecKeychainItemImport: The specified keychain could not be found."
            );
            return 1;
        };
        if keychain.locked {
            eprintln!("security: SecKeychainItemImport: User interaction is not allowed.");
            return 1;
        }
        let password = options.value('P').unwrap_or_default().to_owned();
        let modern = options.value('f') == Some("pkcs12");
        let wrong = || {
            eprintln!(
                "security: SecKeychainItemImport: MAC verification failed during PKCS12 import (wrong password?)"
            );
            1
        };
        let bytes = fs::read(file).unwrap();
        let Ok(algorithms) = pkcs12::algorithms::Algorithms::read(&bytes) else {
            eprintln!("security: SecKeychainItemImport: Unknown format in import.");
            return 1;
        };
        let readable = algorithms.readable_by();
        if password.is_empty() || !readable.includes(if modern { 15 } else { 14 }) {
            return wrong();
        }
        let Ok(contents) = pkcs12::read(&bytes, &Password::new(password)) else {
            return wrong();
        };
        // A key is taken once; with which certificate, does not matter.
        let known: BTreeSet<Vec<u8>> = keychain
            .identities
            .iter()
            .map(|item| public_key(&item.certificate))
            .collect();
        for identity in &contents.identities {
            if known.contains(&public_key(&identity.certificate_der)) {
                eprintln!(
                    "security: SecKeychainItemImport: The specified item already exists in the keychain."
                );
                return 1;
            }
            if self.forgets("import") {
                continue;
            }
            keychain.identities.push(Item {
                certificate: identity.certificate_der.clone(),
                // Since macOS 15 `-x` does nothing together with `-f pkcs12`.
                extractable: !options.has('x') || modern,
                any_program: options.has('A'),
                trusted: options.values('T').map(str::to_owned).collect(),
                partitions: vec!["apple-tool:".into()],
            });
        }
        keychain.last_use = now();
        save(&path, &keychain).unwrap();
        println!("{} identity imported.", contents.identities.len());
        0
    }

    fn partition_list(&self, arguments: &[String]) -> i32 {
        let options = Options::parse(arguments, "Sk");
        let Some(path) = options.rest.first() else {
            return 2;
        };
        let Some((path, mut keychain)) = load(path) else {
            eprintln!("security: The specified keychain could not be found.");
            return 1;
        };
        if options.value('k') != Some(&keychain.password) {
            eprintln!(
                "security: SecKeychainItemSetAccessWithPassword: The user name or passphrase you entered is not correct."
            );
            return 1;
        }
        if !options.has('s') {
            eprintln!(
                "security: SecKeychainItemSetAccessWithPassword: The specified item is no longer valid."
            );
            return 1;
        }
        let partitions: Vec<String> = options
            .value('S')
            .unwrap_or_default()
            .split(',')
            .map(str::to_owned)
            .collect();
        for item in &mut keychain.identities {
            item.partitions.clone_from(&partitions);
            println!(
                "keychain: \"{}\"\nversion: 512\nclass: 0x00000010 \nattributes:",
                path.display()
            );
        }
        save(&path, &keychain).unwrap();
        0
    }

    fn find_identity(&self, arguments: &[String]) -> i32 {
        let options = Options::parse(arguments, "p");
        let list = match options.rest.first() {
            Some(path) => vec![on_disk(path)],
            None => self.search_list(),
        };
        let mut rows = Vec::new();
        for keychain in list.iter().filter_map(|path| load(path.to_str().unwrap())) {
            for item in keychain.1.identities {
                let certificate = Certificate::from_der(&item.certificate).unwrap();
                rows.push(IdentityRow {
                    index: rows.len() as u32 + 1,
                    sha1: certificate.sha1,
                    label: certificate.common_name,
                    problem: None,
                });
            }
        }
        let listing = IdentityListing {
            policy: (!options.has('v')).then(|| "X.509 Basic".into()),
            matching: (!options.has('v')).then(|| rows.clone()),
            valid: rows,
        };
        print!("{listing}");
        0 // whatever it found
    }

    fn find_certificate(&self, arguments: &[String]) -> i32 {
        let options = Options::parse(arguments, "ce");
        let Some((_, keychain)) = options.rest.first().and_then(|path| load(path)) else {
            eprintln!(
                "security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain."
            );
            return 44;
        };
        for item in keychain.identities {
            print!(
                "{}",
                pem_rfc7468::encode_string("CERTIFICATE", LineEnding::LF, &item.certificate)
                    .unwrap()
            );
        }
        0
    }

    /// `codesign --force --timestamp=none --sign SHA1 --keychain KC FILE`, and what shows and verifies that.
    fn codesign(&self, arguments: &[String]) -> i32 {
        match arguments[0].as_str() {
            "--display" => return self.display_signature(arguments),
            "--verify" => return self.verify_signature(arguments),
            _ => {}
        }
        let after = |flag: &str| {
            let at = arguments.iter().position(|a| a == flag).unwrap();
            arguments[at + 1].clone()
        };
        let (sha1, keychain) = (after("--sign"), on_disk(&after("--keychain")));
        let file = arguments.last().unwrap();
        let Some((_, content)) = load(keychain.to_str().unwrap()) else {
            eprintln!("{sha1}: no identity found");
            return 1;
        };
        let item = content.identities.iter().find(|item| {
            Certificate::from_der(&item.certificate)
                .unwrap()
                .sha1
                .to_string()
                .eq_ignore_ascii_case(&sha1)
        });
        let Some(item) = item else {
            eprintln!("{sha1}: no identity found");
            return 1;
        };
        if !self.search_list().contains(&keychain) {
            eprintln!(
                "Warning: unable to build chain to self-signed root for signer \"x\"\n{file}: errSecInternalComponent"
            );
            return 1;
        }
        let trusted = item.any_program || item.trusted.iter().any(|t| t == "/usr/bin/codesign");
        if content.locked || !trusted || !item.partitions.iter().any(|p| p == "apple:") {
            eprintln!("{file}: errSecInternalComponent");
            return 1;
        }
        fs::write(file, [SIGNED, &item.certificate].concat()).unwrap();
        0
    }

    /// `codesign --display --extract-certificates=PREFIX FILE`: the signer's certificate is in PREFIX0.
    fn display_signature(&self, arguments: &[String]) -> i32 {
        let file = arguments.last().unwrap();
        let Some(certificate) = signer_of(file) else {
            return not_signed(file);
        };
        let prefix = arguments
            .iter()
            .find_map(|argument| argument.strip_prefix("--extract-certificates="));
        if let Some(prefix) = prefix {
            fs::write(format!("{prefix}0"), certificate).unwrap();
        }
        eprintln!("Executable={file}");
        0
    }

    /// `codesign --verify FILE`: a certificate that signs itself leads to no root that anybody trusts.
    fn verify_signature(&self, arguments: &[String]) -> i32 {
        let file = arguments.last().unwrap();
        if signer_of(file).is_none() {
            return not_signed(file);
        }
        eprintln!("{file}: CSSMERR_TP_NOT_TRUSTED\nIn architecture: arm64");
        1
    }

    fn search_list(&self) -> Vec<PathBuf> {
        fs::read_to_string(self.home.join("search-list"))
            .unwrap_or_default()
            .lines()
            .map(PathBuf::from)
            .collect()
    }

    fn set_search_list(&self, list: &[PathBuf]) {
        let text: String = list
            .iter()
            .map(|path| format!("{}\n", path.display()))
            .collect();
        replace(&self.home.join("search-list"), text.as_bytes()).unwrap();
    }
}

/// getopt, as far as it is used.
struct Options<'a> {
    options: Vec<(char, Option<&'a str>)>,
    rest: Vec<&'a str>,
}

impl<'a> Options<'a> {
    fn parse(arguments: &'a [String], with_value: &str) -> Self {
        let (mut options, mut rest) = (Vec::new(), Vec::new());
        let mut arguments = arguments.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            match argument.strip_prefix('-') {
                Some(flags) if rest.is_empty() && !flags.is_empty() => {
                    for flag in flags.chars() {
                        let value = with_value
                            .contains(flag)
                            .then(|| arguments.next())
                            .flatten();
                        options.push((flag, value));
                    }
                }
                _ => rest.push(argument),
            }
        }
        Self { options, rest }
    }

    fn has(&self, flag: char) -> bool {
        self.options.iter().any(|(f, _)| *f == flag)
    }

    fn values(&self, flag: char) -> impl Iterator<Item = &'a str> {
        self.options
            .iter()
            .filter(move |(f, _)| *f == flag)
            .filter_map(|(_, value)| *value)
    }

    fn value(&self, flag: char) -> Option<&'a str> {
        self.values(flag).next()
    }
}

/// The grammar of `security -i`: words, quotes of either kind, a backslash before anything, at most 32 words.
fn split_line(line: &[u8]) -> Vec<String> {
    let mut words: Vec<Vec<u8>> = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut escaped = false;
    for byte in line {
        if words.len() >= 32 {
            break;
        }
        match (&mut word, *byte) {
            (Some(word), byte) if escaped => {
                word.push(byte);
                escaped = false;
            }
            (Some(_), b'\\') => escaped = true,
            (Some(open), byte) if quote.is_some() => {
                if quote == Some(byte) {
                    words.push(std::mem::take(open));
                    (word, quote) = (None, None);
                } else {
                    open.push(byte);
                }
            }
            (Some(open), byte) if byte.is_ascii_whitespace() => {
                words.push(std::mem::take(open));
                word = None;
            }
            (Some(open), byte) => open.push(byte),
            (None, b'"' | b'\'') => {
                quote = Some(*byte);
                word = Some(Vec::new());
            }
            (None, b'\\') => {
                escaped = true;
                word = Some(Vec::new());
            }
            (None, byte) if byte.is_ascii_whitespace() => {}
            (None, byte) => word = Some(vec![byte]),
        }
    }
    words.extend(word);
    words
        .into_iter()
        .map(|word| String::from_utf8(word).unwrap())
        .collect()
}

fn on_disk(path: &str) -> PathBuf {
    if path.contains("/Library/Keychains/") && !path.ends_with("-db") {
        format!("{path}-db").into()
    } else {
        path.into()
    }
}

/// Reads a keychain; one that was idle for too long has locked itself.
fn load(path: &str) -> Option<(PathBuf, Keychain)> {
    let path = on_disk(path);
    let mut keychain: Keychain = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    if keychain
        .timeout
        .is_some_and(|timeout| now() > keychain.last_use + timeout)
    {
        keychain.locked = true;
    }
    Some((path, keychain))
}

fn save(path: &Path, keychain: &Keychain) -> std::io::Result<()> {
    replace(path, &serde_json::to_vec(keychain).unwrap())
}

/// Puts a whole file in the place of another, as the real one does: whoever reads at that moment sees one of the two.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let home = PathBuf::from(std::env::var_os("HOME").expect("HOME is given"));
    let new = home.join(format!("stand-in-{}.new", std::process::id()));
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o644)
        .open(&new)?;
    if let Ok(old) = path.metadata() {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    fs::rename(new, path)
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn no_such(call: &str, path: &str) -> i32 {
    eprintln!("security: {call} {path}: The specified keychain could not be found.");
    50
}

/// What a signed file begins with; the signer's certificate follows.
const SIGNED: &[u8] = b"signed\n";

fn signer_of(file: &str) -> Option<Vec<u8>> {
    Some(fs::read(file).ok()?.strip_prefix(SIGNED)?.to_vec())
}

fn not_signed(file: &str) -> i32 {
    eprintln!("{file}: code object is not signed at all");
    1
}

fn hang() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3_600));
    }
}

fn public_key(certificate: &[u8]) -> Vec<u8> {
    let (_, certificate) = X509Certificate::from_der(certificate).unwrap();
    certificate.public_key().raw.to_vec()
}

fn nobody_there(call: &str) -> i32 {
    eprintln!("security: {call} <NULL>: User interaction is not allowed.");
    36
}
