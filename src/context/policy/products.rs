//! Products without an Xcode project: `[[products]]`.
//!
//! Electron, Tauri, SwiftPM and Makefile builds sign too, and no project says what they claim. So the policy does: which file
//! of entitlements each is signed with, and which profile lets it run.

use std::path::PathBuf;

use super::reader::{Item, Reader, Table};
use crate::base::ids::{BundleId, ProductName, ProfileUuid};

/// The keys of one product.
pub(super) const KEYS: &[&str] = &["name", "bundle_id", "entitlements", "profile"];

/// A product without an Xcode project, as the policy declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredProduct {
    /// Its name, for reports.
    pub name: ProductName,
    /// Its bundle id.
    pub bundle_id: BundleId,
    /// The file of entitlements that it is signed with, as it is written.
    pub entitlements: String,
    /// The same, resolved.
    pub file: PathBuf,
    /// The profile that lets it run.
    pub profile: ProfileUuid,
}

impl DeclaredProduct {
    pub(super) fn read_all(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Vec<Self>> {
        let items = reader.list(item, "a list of products, each under [[products]]")?;
        let read = items
            .iter()
            .filter_map(|item| {
                let table = reader.table(
                    item,
                    "a product with name, bundle_id, entitlements and profile",
                )?;
                reader.report_unknown(&table, "products");
                Some((Self::read(reader, &table)?, item))
            })
            .collect();
        Some(reader.distinct(read, |product| product.name.clone()))
    }

    fn read(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<Self> {
        let name = reader
            .require(
                table,
                "name",
                "write a name for reports, as in name = \"helper\"",
            )
            .and_then(|item| reader.parsed(&item, "a product's name, as text"));
        let bundle_id = reader
            .require(
                table,
                "bundle_id",
                "write the CFBundleIdentifier of the product, as in bundle_id = \"com.example.helper\"",
            )
            .and_then(|item| reader.parsed(&item, "a bundle id, as text"));
        let entitlements = reader
            .require(
                table,
                "entitlements",
                "name the file of entitlements that codesign gets",
            )
            .and_then(|item| {
                let text = reader.text(&item, "a path, as text")?;
                Some((text.to_owned(), reader.resolve(&item, text)?))
            });
        let profile = reader
            .require(table, "profile", "write the UUID of its profile")
            .and_then(|item| reader.parsed(&item, "a profile's UUID, as text"));
        let (entitlements, file) = entitlements?;
        Some(Self {
            name: name?,
            bundle_id: bundle_id?,
            entitlements,
            file,
            profile: profile?,
        })
    }
}
