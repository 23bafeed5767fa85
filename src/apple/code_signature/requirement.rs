//! Code requirements: which code is meant, as `codesign -r-` prints them (`requirement.h`, TN3127).
//!
//! A signature holds them compiled ([`binary`]); the seal of nested code holds the text ([`text`]). Both become one
//! [`Expression`], which is printed as Apple's tool prints it (`print`) and asked about code ([`evaluate`]).
//!
//! The language has more than a signature can answer: whether a person trusts a certificate, or whether Apple's service has
//! a ticket. Such a question is answered with [`evaluate::Answer::Unknown`], never with yes.

pub mod binary;
pub mod evaluate;
mod print;
pub mod text;

/// How deep expressions may nest. Those of Xcode reach eight; Apple's interpreter stops at 1,000.
pub const MAX_DEPTH: usize = 200;

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `never`.
    Never,
    /// `always`.
    Always,
    /// `identifier X`: the signing identifier.
    Identifier(Vec<u8>),
    /// `anchor apple`: Apple's own code.
    AnchorApple,
    /// `anchor apple generic`: signed under one of Apple's roots.
    AnchorAppleGeneric,
    /// `certificate SLOT = H"…"`: a certificate by its SHA-1.
    CertificateHash(Slot, Vec<u8>),
    /// `info[KEY] …`: a value of `Info.plist`.
    Info(Vec<u8>, Match),
    /// `entitlement[KEY] …`.
    Entitlement(Vec<u8>, Match),
    /// `certificate SLOT[subject.CN] …`: a part of a certificate's name.
    CertificateField(Slot, Vec<u8>, Match),
    /// `certificate SLOT[field.OID] …`: an extension of a certificate; the encoded OID.
    CertificateExtension(Slot, Vec<u8>, Match),
    /// `certificate SLOT[policy.OID] …`: a certificate policy; the encoded OID.
    CertificatePolicy(Slot, Vec<u8>, Match),
    /// `certificate SLOT[timestamp.OID] …`: an extension that holds a time; the encoded OID.
    CertificateDate(Slot, Vec<u8>, Match),
    /// `certificate SLOT trusted`.
    CertificateTrusted(Slot),
    /// `anchor trusted`.
    AnchorTrusted,
    /// `anchor apple NAME`: a requirement by its name in the system.
    NamedAnchor(Vec<u8>),
    /// `(NAME)`: a requirement by its name in the system.
    NamedCode(Vec<u8>),
    /// `platform = N`.
    Platform(i32),
    /// `notarized`.
    Notarized,
    /// `legacy`: Developer ID code from before notarization.
    Legacy,
    /// `cdhash H"…"`.
    CdHash(Vec<u8>),
    /// `A and B`.
    And(Box<Expression>, Box<Expression>),
    /// `A or B`.
    Or(Box<Expression>, Box<Expression>),
    /// `! A`.
    Not(Box<Expression>),
    /// An operation of the future, which says of itself that it is false to whoever does not know it.
    UnknownFalse(u32),
    /// An operation of the future, which says of itself that it may be passed over; what follows it.
    UnknownPassedOver(u32, Box<Expression>),
}

/// A certificate of the chain: 0 is the signer's, 1 its issuer's, -1 the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(pub i32);

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// It is there and not false.
    Exists,
    /// It is not there.
    Absent,
    /// It is this text.
    Equal(Vec<u8>),
    /// It contains this text.
    Contains(Vec<u8>),
    /// It begins with this text.
    BeginsWith(Vec<u8>),
    /// It ends with this text.
    EndsWith(Vec<u8>),
    /// It compares so with this text, digits by their number.
    Compares(Order, Vec<u8>),
    /// It compares so with this time, in seconds since 2001.
    Time(Order, i64),
    /// A match of the future, which never matches.
    Unknown(u32),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `=`, of times only.
    Same,
    /// `<`.
    Less,
    /// `>`.
    Greater,
    /// `<=`.
    LessOrSame,
    /// `>=`.
    GreaterOrSame,
}

impl Order {
    /// Whether `ordering` of value and operand is this.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Same => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::Greater => ordering.is_gt(),
            Self::LessOrSame => ordering.is_le(),
            Self::GreaterOrSame => ordering.is_ge(),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Same => "=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessOrSame => "<=",
            Self::GreaterOrSame => ">=",
        }
    }
}
