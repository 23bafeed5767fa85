//! The slots of a signature: what each blob of it and each special hash is about (`codedirectory.h`).

/// `cdCodeDirectorySlot`: the first CodeDirectory, which the CMS message signs.
pub const CODE_DIRECTORY: u32 = 0;
/// `cdAlternateCodeDirectorySlots`: the first place of an alternate.
pub const FIRST_ALTERNATE: u32 = 0x1000;
/// `cdAlternateCodeDirectoryLimit`: behind the last place of an alternate.
pub const ALTERNATES_END: u32 = 0x1005;
/// `cdSignatureSlot`: the CMS message.
pub const SIGNATURE: u32 = 0x1_0000;
/// `cdIdentificationSlot`: which program a detached signature is for.
pub const IDENTIFICATION: u32 = 0x1_0001;
/// `cdTicketSlot`: the notarization ticket of a disk image.
pub const TICKET: u32 = 0x1_0002;

/// `Info.plist`.
pub const INFO: u32 = 1;
/// The requirements.
pub const REQUIREMENTS: u32 = 2;
/// `CodeResources`.
pub const RESOURCES: u32 = 3;
/// The list of all components.
pub const TOP_DIRECTORY: u32 = 4;
/// Entitlements as an XML property list.
pub const ENTITLEMENTS: u32 = 5;
/// Whatever the representation keeps there (disk images).
pub const REPRESENTATION: u32 = 6;
/// Entitlements in DER, which the system reads.
pub const ENTITLEMENTS_DER: u32 = 7;
/// The launch constraint on the program itself.
pub const CONSTRAINT_SELF: u32 = 8;
/// The launch constraint on its parent process.
pub const CONSTRAINT_PARENT: u32 = 9;
/// The launch constraint on the responsible process.
pub const CONSTRAINT_RESPONSIBLE: u32 = 10;
/// The constraint on the libraries that are loaded.
pub const CONSTRAINT_LIBRARY: u32 = 11;

/// The highest special slot that any system knows (`cdSlotMax`).
pub const LAST_SPECIAL: u32 = CONSTRAINT_LIBRARY;

/// What a special slot is about, as people say it.
pub fn name(slot: u32) -> &'static str {
    match slot {
        INFO => "Info.plist",
        REQUIREMENTS => "requirements",
        RESOURCES => "CodeResources",
        TOP_DIRECTORY => "list of components",
        ENTITLEMENTS => "entitlements",
        REPRESENTATION => "representation",
        ENTITLEMENTS_DER => "DER entitlements",
        CONSTRAINT_SELF => "launch constraint",
        CONSTRAINT_PARENT => "parent's launch constraint",
        CONSTRAINT_RESPONSIBLE => "responsible process's launch constraint",
        CONSTRAINT_LIBRARY => "library constraint",
        CODE_DIRECTORY | FIRST_ALTERNATE..ALTERNATES_END => "CodeDirectory",
        SIGNATURE => "CMS message",
        IDENTIFICATION => "identification",
        TICKET => "ticket",
        _ => "unknown component",
    }
}

/// The name of the file in `_CodeSignature` that holds a component of code that is no Mach-O file (`canonicalSlotName`).
pub fn file_name(slot: u32) -> Option<&'static str> {
    Some(match slot {
        CODE_DIRECTORY => "CodeDirectory",
        SIGNATURE => "CodeSignature",
        REQUIREMENTS => "CodeRequirements",
        RESOURCES => "CodeResources",
        TOP_DIRECTORY => "CodeTopDirectory",
        ENTITLEMENTS => "CodeEntitlements",
        REPRESENTATION => "CodeRepSpecific",
        ENTITLEMENTS_DER => "CodeEntitlementDER",
        CONSTRAINT_SELF => "LaunchConstraintSelf",
        CONSTRAINT_PARENT => "LaunchConstraintParent",
        CONSTRAINT_RESPONSIBLE => "LaunchConstraintResponsible",
        CONSTRAINT_LIBRARY => "LibraryConstraint",
        0x1000 => "CodeRequirements-1",
        0x1001 => "CodeRequirements-2",
        0x1002 => "CodeRequirements-3",
        0x1003 => "CodeRequirements-4",
        0x1004 => "CodeRequirements-5",
        _ => return None,
    })
}

/// The components that a file in `_CodeSignature` may hold, beside `CodeResources`.
pub fn in_files() -> impl Iterator<Item = (u32, &'static str)> {
    let slots = [CODE_DIRECTORY, REQUIREMENTS, SIGNATURE]
        .into_iter()
        .chain(TOP_DIRECTORY..=LAST_SPECIAL)
        .chain(FIRST_ALTERNATE..ALTERNATES_END);
    slots.filter_map(|slot| Some((slot, file_name(slot)?)))
}
