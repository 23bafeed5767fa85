//! What the suite runs on, as far as a report may tell.

use std::path::Path;

use super::document::{MachineDocument, XcodeDocument};
use crate::host::mac;
use crate::host::node::{ARCHITECTURE, OsFamily};
use crate::ops::world::World;

/// Looks at the machine.
pub(super) fn look(world: &World) -> MachineDocument {
    let [version, build] = mac::system_version(Path::new(mac::SYSTEM_VERSION));
    let selected = mac::selected(Path::new(mac::SELECTED));
    let xcodes = mac::xcodes(Path::new(mac::APPLICATIONS)).unwrap_or_default();
    MachineDocument {
        system: OsFamily::current().as_str(),
        version,
        build,
        architecture: ARCHITECTURE,
        session: mac::session(),
        xcodes: xcodes
            .into_iter()
            .map(|xcode| XcodeDocument {
                selected: selected
                    .as_ref()
                    .is_some_and(|it| it.starts_with(&xcode.path)),
                version: xcode.version,
                build: xcode.build,
            })
            .collect(),
        command_line_tools: mac::command_line_tools(Path::new(mac::COMMAND_LINE_TOOLS)),
        openssl: None,
        stand_in: world.surroundings.tools.is_some(),
    }
}
