//! Landlock: which files are reached, which programs started, which port connected to, and who is signalled.

use std::path::Path;

use landlock::{
    Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, Scope,
};

use super::Network;
use super::grants::{Access, Grants};

/// The version of Landlock that this was written for; of an older one, as much as it has is used.
pub(crate) const ABI: landlock::ABI = landlock::ABI::V7;

/// Restricts this process to what was granted.
pub(super) fn restrict(grants: &Grants<'_>, network: Network) -> Result<(), RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI))?
        .scope(Scope::from_all(ABI))?;
    if network != Network::Any {
        ruleset = ruleset.handle_access(AccessNet::from_all(ABI))?;
    }
    let mut created = ruleset.create()?;
    if let Some(port) = network.port() {
        created = created.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    for (path, access) in grants.list() {
        // What is not there needs no rule.
        let Ok(file) = PathFd::new(path) else {
            continue;
        };
        created = created.add_rule(PathBeneath::new(file, rights(path, *access)))?;
    }
    created.restrict_self().map(drop)
}

fn rights(path: &Path, access: Access) -> BitFlags<AccessFs> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let rights = match access {
        Access::Read => read,
        Access::Run => read | AccessFs::Execute,
        Access::Write => {
            let devices = AccessFs::MakeChar | AccessFs::MakeBlock;
            AccessFs::from_all(ABI) & !(devices | AccessFs::Execute)
        }
        Access::Device => AccessFs::ReadFile | AccessFs::WriteFile,
    };
    if path.is_dir() {
        rights
    } else {
        rights & AccessFs::from_file(ABI)
    }
}
