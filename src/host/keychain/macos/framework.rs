//! What macOS's keychain service says and does through Security.framework: without a secret, without a dialog, in
//! microseconds where a tool takes a process.
//!
//! This is the only file with `unsafe` code. The `SecKeychain…` calls have been deprecated for a decade and are still the
//! only ones that know file keychains; the crate `security-framework` wraps most, the rest is declared at the end of this
//! file from Apple's headers (`SecKeychain.h`, `AuthSession.h`). Whatever the wrapped ones would like to ask a person is
//! forbidden for the whole process when a [`Framework`] is made.
//!
//! It has been type-checked for macOS; what has run on a Mac, the README says.

#![allow(
    unsafe_code,
    reason = "Apple's C functions; each block says why it is sound"
)]

use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use core_foundation::array::{CFArray, CFArrayRef};
use core_foundation::base::{OSStatus, TCFType};
use security_framework::certificate::SecCertificate;
use security_framework::item::{ItemClass, ItemSearchOptions, Limit, Reference, SearchResult};
use security_framework::os::macos::keychain::{SecKeychain, SecPreferencesDomain};
use security_framework::policy::SecPolicy;
use security_framework::trust::SecTrust;
use security_framework_sys::base::SecKeychainRef;

use super::securityd::{PreparedLock, Securityd, Session};
use crate::apple::certificate::Certificate;
use crate::host::keychain::error::KeychainError;
use crate::host::keychain::kind::LockState;
use crate::host::keychain::path::KeychainPath;

/// The keychain service of this login session.
#[derive(Debug, Clone, Copy)]
pub struct Framework(());

impl Framework {
    /// Forbids dialogs for the whole process: what would ask a person fails instead.
    ///
    /// # Errors
    /// The service does not promise that.
    pub fn without_dialogs() -> Result<Self, KeychainError> {
        let lock = SecKeychain::disable_user_interaction()
            .map_err(|error| failed("SecKeychainSetUserInteractionAllowed", error.code()))?;
        // Letting go of it would allow dialogs again.
        std::mem::forget(lock);
        Ok(Self(()))
    }
}

impl Securityd for Framework {
    fn status(&self, keychain: &KeychainPath) -> Result<LockState, KeychainError> {
        if !keychain.as_path().exists() {
            return Ok(LockState::Missing);
        }
        status(&open(keychain)?)
    }

    fn lock(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        if !keychain.as_path().exists() {
            return Err(KeychainError::Missing(keychain.clone()));
        }
        match lock(&open(keychain)?) {
            NO_SUCH_KEYCHAIN => Err(KeychainError::Missing(keychain.clone())),
            status => check("SecKeychainLock", status),
        }
    }

    fn prepare_lock(
        &self,
        keychain: &KeychainPath,
    ) -> Result<Box<dyn PreparedLock>, KeychainError> {
        Ok(Box::new(OpenReference(open(keychain)?)))
    }

    fn delete(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        if !keychain.as_path().exists() {
            return Err(KeychainError::Missing(keychain.clone()));
        }
        let opened = open(keychain)?;
        // SAFETY: the reference lives as long as `opened`; deleting a keychain does not release it.
        match unsafe { SecKeychainDelete(opened.as_concrete_TypeRef()) } {
            NO_SUCH_KEYCHAIN => Err(KeychainError::Missing(keychain.clone())),
            status => check("SecKeychainDelete", status),
        }
    }

    fn search_list(&self) -> Result<Vec<PathBuf>, KeychainError> {
        let mut list: CFArrayRef = std::ptr::null();
        // SAFETY: the pointer is to a variable of ours; on success it holds an array of keychains that we own.
        let keychains: CFArray<SecKeychain> = unsafe {
            let status = SecKeychainCopyDomainSearchList(SecPreferencesDomain::User, &mut list);
            check("SecKeychainCopyDomainSearchList", status)?;
            if list.is_null() {
                return Ok(Vec::new());
            }
            CFArray::wrap_under_create_rule(list)
        };
        keychains.iter().map(|keychain| path(&keychain)).collect()
    }

    fn set_search_list(&self, list: &[PathBuf]) -> Result<(), KeychainError> {
        let keychains = list
            .iter()
            .map(|path| {
                SecKeychain::open(path).map_err(|error| failed("SecKeychainOpen", error.code()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let array = CFArray::from_CFTypes(&keychains);
        // SAFETY: the array and the keychains in it live until after the call.
        let status = unsafe {
            SecKeychainSetDomainSearchList(SecPreferencesDomain::User, array.as_concrete_TypeRef())
        };
        check("SecKeychainSetDomainSearchList", status)
    }

    fn default_keychain(&self) -> Result<Option<PathBuf>, KeychainError> {
        match SecKeychain::default_for_domain(SecPreferencesDomain::User) {
            Ok(keychain) => path(&keychain).map(Some),
            Err(error) if error.code() == NO_DEFAULT_KEYCHAIN => Ok(None),
            Err(error) => Err(failed("SecKeychainCopyDomainDefault", error.code())),
        }
    }

    fn identities(&self, keychain: &KeychainPath) -> Result<Vec<Certificate>, KeychainError> {
        if !keychain.as_path().exists() {
            return Err(KeychainError::Missing(keychain.clone()));
        }
        let found = ItemSearchOptions::new()
            .class(ItemClass::identity())
            .keychains(&[open(keychain)?])
            .load_refs(true)
            .limit(Limit::All)
            .search();
        let found = match found {
            Ok(found) => found,
            Err(error) if error.code() == ITEM_NOT_FOUND => return Ok(Vec::new()),
            Err(error) => return Err(failed("SecItemCopyMatching", error.code())),
        };
        let mut certificates: Vec<Certificate> = Vec::with_capacity(found.len());
        for result in found {
            let SearchResult::Ref(Reference::Identity(identity)) = result else {
                continue;
            };
            let certificate = identity
                .certificate()
                .map_err(|error| failed("SecIdentityCopyCertificate", error.code()))?;
            let certificate = Certificate::from_der(&certificate.to_der()).map_err(|error| {
                KeychainError::Garbage {
                    command: "SecCertificateCopyData".into(),
                    why: error.to_string(),
                }
            })?;
            if !certificates
                .iter()
                .any(|known| known.sha256 == certificate.sha256)
            {
                certificates.push(certificate);
            }
        }
        Ok(certificates)
    }

    /// From the chain that the system builds of what is on this machine; nothing is fetched, and whether the chain is
    /// trusted is the gate's to judge.
    fn missing_issuer(&self, leaf: &Certificate) -> Result<Option<String>, KeychainError> {
        let leaf = SecCertificate::from_der(&leaf.der)
            .map_err(|error| failed("SecCertificateCreateWithData", error.code()))?;
        let mut trust = SecTrust::create_with_certificates(&[leaf], &[SecPolicy::create_x509()])
            .map_err(|error| failed("SecTrustCreateWithCertificates", error.code()))?;
        trust
            .set_network_fetch_allowed(false)
            .map_err(|error| failed("SecTrustSetNetworkFetchAllowed", error.code()))?;
        // The chain is there whatever the verdict.
        let _ = trust.evaluate_with_error();
        let certificates: Vec<Certificate> = trust
            .chain()
            .iter()
            .filter_map(|certificate| Certificate::from_der(&certificate.to_der()).ok())
            .collect();
        Ok(certificates
            .last()
            .filter(|last| !last.is_self_issued())
            .map(Certificate::issuer_name))
    }

    fn session(&self) -> Result<Option<Session>, KeychainError> {
        let (mut id, mut attributes) = (0, 0);
        // SAFETY: both pointers are to variables of ours that outlive the call; the first argument is a number.
        let status = unsafe { SessionGetInfo(CALLER_SECURITY_SESSION, &mut id, &mut attributes) };
        check("SessionGetInfo", status)?;
        Ok(Some(Session {
            id,
            is_root: attributes & 0x0001 != 0,
            has_graphics: attributes & 0x0010 != 0,
            has_terminal: attributes & 0x0020 != 0,
            is_remote: attributes & 0x1000 != 0,
        }))
    }
}

/// A keychain whose reference is there before it is opened: locking it asks the service, which is another process, and needs
/// nothing else.
struct OpenReference(SecKeychain);

impl PreparedLock for OpenReference {
    fn lock(&mut self) -> Result<LockState, KeychainError> {
        match lock(&self.0) {
            NO_SUCH_KEYCHAIN => Ok(LockState::Missing),
            locked => {
                check("SecKeychainLock", locked)?;
                status(&self.0)
            }
        }
    }
}

fn lock(keychain: &SecKeychain) -> OSStatus {
    // SAFETY: the reference lives as long as `keychain`.
    unsafe { SecKeychainLock(keychain.as_concrete_TypeRef()) }
}

fn status(keychain: &SecKeychain) -> Result<LockState, KeychainError> {
    let mut status = 0;
    // SAFETY: the reference lives as long as `keychain`, the pointer is to a variable of ours.
    let result = unsafe { SecKeychainGetStatus(keychain.as_concrete_TypeRef(), &mut status) };
    match result {
        0 if status & UNLOCKED != 0 => Ok(LockState::Unlocked),
        0 => Ok(LockState::Locked),
        NO_SUCH_KEYCHAIN => Ok(LockState::Missing),
        result => Err(failed("SecKeychainGetStatus", result)),
    }
}

fn open(keychain: &KeychainPath) -> Result<SecKeychain, KeychainError> {
    SecKeychain::open(keychain.as_path()).map_err(|error| failed("SecKeychainOpen", error.code()))
}

fn path(keychain: &SecKeychain) -> Result<PathBuf, KeychainError> {
    let mut buffer = [0_u8; MAX_PATH];
    let mut length = u32::try_from(buffer.len()).unwrap_or_default();
    // SAFETY: the buffer is as long as `length` says, both outlive the call, the reference lives as long as `keychain`.
    let status = unsafe {
        SecKeychainGetPath(
            keychain.as_concrete_TypeRef(),
            &mut length,
            buffer.as_mut_ptr().cast(),
        )
    };
    check("SecKeychainGetPath", status)?;
    let name = CStr::from_bytes_until_nul(&buffer).map_err(|_| KeychainError::Garbage {
        command: "SecKeychainGetPath".into(),
        why: "an unterminated path".into(),
    })?;
    Ok(Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())).to_owned())
}

fn check(call: &str, status: OSStatus) -> Result<(), KeychainError> {
    match status {
        0 => Ok(()),
        status => Err(failed(call, status)),
    }
}

fn failed(call: &str, status: OSStatus) -> KeychainError {
    if status == INTERACTION_NOT_ALLOWED {
        return KeychainError::InteractionNotAllowed {
            command: call.into(),
        };
    }
    KeychainError::Tool {
        command: call.into(),
        status: format!("OSStatus {status}"),
        said: security_framework::base::Error::from_code(status)
            .message()
            .unwrap_or_else(|| "the system gives no description".into()),
        hint: None,
    }
}

/// `kSecUnlockStateStatus`.
const UNLOCKED: u32 = 1;
/// errSecNoSuchKeychain.
const NO_SUCH_KEYCHAIN: OSStatus = -25_294;
/// errSecItemNotFound.
const ITEM_NOT_FOUND: OSStatus = -25_300;
/// errSecNoDefaultKeychain.
const NO_DEFAULT_KEYCHAIN: OSStatus = -25_307;
/// errSecInteractionNotAllowed.
const INTERACTION_NOT_ALLOWED: OSStatus = -25_308;
/// `callerSecuritySession`.
const CALLER_SECURITY_SESSION: u32 = u32::MAX;
/// macOS's `PATH_MAX`.
const MAX_PATH: usize = 1_024;

#[link(name = "Security", kind = "framework")]
unsafe extern "C" {
    fn SecKeychainLock(keychain: SecKeychainRef) -> OSStatus;
    fn SecKeychainDelete(keychain: SecKeychainRef) -> OSStatus;
    fn SecKeychainGetStatus(keychain: SecKeychainRef, status: *mut u32) -> OSStatus;
    fn SecKeychainGetPath(
        keychain: SecKeychainRef,
        length: *mut u32,
        path: *mut std::ffi::c_char,
    ) -> OSStatus;
    fn SecKeychainCopyDomainSearchList(
        domain: SecPreferencesDomain,
        list: *mut CFArrayRef,
    ) -> OSStatus;
    fn SecKeychainSetDomainSearchList(domain: SecPreferencesDomain, list: CFArrayRef) -> OSStatus;
    fn SessionGetInfo(session: u32, id: *mut u32, attributes: *mut u32) -> OSStatus;
}
