//! Which of the folders that were found is used for each id, and why.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use callboard_protocol::{
    Failure, FailureKind, Manifest, PluginId, PluginSource, SUPPORTED_VERSIONS,
};
use engine::{Catalogued, Standing};
use semver::Version;

use super::found::{Family, Found, Locked, Scanned};
use super::place::Place;
use super::version::{ConnectVersion, PluginVersion, meets};

/// Says what is chosen by.
pub(crate) struct Chooser<'a> {
    /// This host's version.
    pub(crate) host: Version,
    /// Says why a plugin is switched off, where it is.
    pub(crate) off: &'a dyn Fn(&PluginId, PluginSource) -> Option<Failure>,
}

/// A folder that can be used for an id.
struct Candidate<'a> {
    found: &'a Found,
    manifest: &'a Manifest,
    source: PluginSource,
    /// The number of its place: places count in this order.
    place: usize,
}

impl Chooser<'_> {
    /// Returns every folder that was found, with whether it is used, and what else is wrong.
    pub(crate) fn choose<'a>(
        &self,
        places: impl Iterator<Item = (&'a Place, &'a Scanned)>,
    ) -> (Vec<Catalogued>, Vec<Failure>) {
        let mut catalogued = Vec::new();
        let mut problems = Vec::new();
        let mut ours: BTreeMap<&PluginId, Vec<Candidate<'a>>> = BTreeMap::new();
        let mut connects: BTreeMap<&PluginId, Vec<Candidate<'a>>> = BTreeMap::new();
        let mut locked = BTreeMap::new();
        for (number, (place, scanned)) in places.enumerate() {
            for lock in &scanned.locked {
                locked.insert(lock.id.as_str(), lock);
            }
            for found in &scanned.found {
                let Ok(manifest) = &found.manifest else {
                    catalogued.push(listed(
                        found,
                        place.source,
                        Standing::NotUsed,
                        String::new(),
                    ));
                    continue;
                };
                if let Some(unfit) = self.unfit(found, manifest) {
                    let standing = Standing::Unfit(unfit);
                    catalogued.push(listed(found, place.source, standing, String::new()));
                    continue;
                }
                let family = match found.family {
                    Family::Callboard => &mut ours,
                    Family::Connect { .. } => &mut connects,
                };
                family.entry(&manifest.id).or_default().push(Candidate {
                    found,
                    manifest,
                    source: place.source,
                    place: number,
                });
            }
        }
        let taken: BTreeSet<&PluginId> = ours.keys().copied().collect();
        for (id, candidates) in ours {
            let lock = locked.get(id.as_str()).copied();
            problems.extend(lock.and_then(|lock| missing(id, &lock.version, &candidates)));
            let why = order_ours(candidates, lock);
            catalogued.extend(self.catalogue(why));
        }
        for (id, candidates) in connects {
            let lock = locked.get(id.as_str()).copied();
            problems.extend(lock.and_then(|lock| missing(id, &lock.version, &candidates)));
            let mut why = order_connects(candidates, lock);
            if taken.contains(id) {
                for (_, why) in &mut why {
                    *why = format!("`{id}` is the id of another plugin");
                }
                catalogued.extend(why.into_iter().map(not_used));
            } else {
                catalogued.extend(self.catalogue(why));
            }
        }
        (catalogued, problems)
    }

    /// Returns why a plugin cannot be used on this host at all.
    fn unfit(&self, found: &Found, manifest: &Manifest) -> Option<Failure> {
        let id = &manifest.id;
        if let Family::Connect { refusal, .. } = &found.family {
            let refusal = refusal.as_ref()?;
            let failure = Failure::new(FailureKind::Unsupported, format!("`{id}`: {refusal}"));
            return Some(failure.hint("take the folder away, or install a version that fits"));
        }
        let unsupported = |message: String| Some(Failure::new(FailureKind::Unsupported, message));
        if !manifest
            .protocol
            .iter()
            .any(|version| SUPPORTED_VERSIONS.contains(version))
        {
            let spoken: Vec<String> = manifest.protocol.iter().map(u32::to_string).collect();
            return unsupported(format!(
                "`{id}` {} speaks protocol {}, which this Callboard does not",
                manifest.version,
                spoken.join(", ")
            ))
            .map(|failure| failure.hint("install another version of it, or update Callboard"));
        }
        let platforms: Vec<String> = manifest.platforms.iter().map(platform_name).collect();
        if !platforms.is_empty() && !platforms.iter().any(|name| name == std::env::consts::OS) {
            return unsupported(format!(
                "`{id}` {} is made for {} alone",
                manifest.version,
                platforms.join(", ")
            ))
            .map(|failure| failure.hint("install a version of it for this machine"));
        }
        let requirement = manifest.callboard.as_deref()?;
        match meets(&self.host, requirement) {
            Some(true) => None,
            Some(false) => unsupported(format!(
                "`{id}` {} needs Callboard `{requirement}`, this is {}",
                manifest.version, self.host
            ))
            .map(|failure| failure.hint("install another version of it, or update Callboard")),
            None => Some(
                Failure::invalid(format!(
                    "the `callboard` of `{id}` is no range of versions: `{requirement}`"
                ))
                .hint("write a range such as `>=1.2, <3` in its plugin.toml"),
            ),
        }
    }

    /// Makes the first of the candidates the one that is used.
    fn catalogue(&self, candidates: Vec<(Candidate<'_>, String)>) -> Vec<Catalogued> {
        let mut catalogued = Vec::new();
        let mut candidates = candidates.into_iter();
        if let Some((candidate, why)) = candidates.next() {
            let off = (self.off)(&candidate.manifest.id, candidate.source);
            let standing = off.map_or(Standing::Used, Standing::Off);
            catalogued.push(listed(candidate.found, candidate.source, standing, why));
        }
        catalogued.extend(candidates.map(not_used));
        catalogued
    }
}

fn not_used((candidate, why): (Candidate<'_>, String)) -> Catalogued {
    listed(candidate.found, candidate.source, Standing::NotUsed, why)
}

/// Says that the lock names a version that is not there.
fn missing(id: &PluginId, version: &str, candidates: &[Candidate<'_>]) -> Option<Failure> {
    let there = candidates
        .iter()
        .any(|candidate| candidate.manifest.version == version);
    (!there).then(|| {
        Failure::not_found(format!(
            "`callboard.lock` names `{id}` {version}, which is not there or does not fit"
        ))
        .hint("bring the machine to the lock with `callboard plugins sync`")
    })
}

/// Puts our plugins of one id in order, the one to use first, each with why it stands there.
///
/// A version that the lock names goes first, then the highest; of the same version the folder that the lock names, then that of the later place.
fn order_ours<'a>(
    mut candidates: Vec<Candidate<'a>>,
    lock: Option<&Locked>,
) -> Vec<(Candidate<'a>, String)> {
    let is_locked = |candidate: &Candidate<'_>| {
        lock.is_some_and(|lock| candidate.manifest.version == lock.version)
    };
    let is_folder = |candidate: &Candidate<'_>| {
        lock.is_some_and(|lock| candidate.found.path.ends_with(&lock.folder))
    };
    let version = |candidate: &Candidate<'_>| PluginVersion::parse(&candidate.manifest.version);
    candidates.sort_by(|a, b| {
        let rank = |one: &Candidate<'_>| (is_locked(one), version(one), is_folder(one), one.place);
        (rank(b), &a.found.path).cmp(&(rank(a), &b.found.path))
    });
    let count = candidates.len();
    let first = candidates.first().map(|first| {
        (
            first.manifest.version.clone(),
            first.found.path.display().to_string(),
            is_locked(first),
        )
    });
    let Some((used, path, by_lock)) = first else {
        return Vec::new();
    };
    let why = |(index, candidate): (usize, Candidate<'a>)| {
        let own = &candidate.manifest.version;
        let why = match index {
            0 if by_lock => format!("`callboard.lock` names {used}"),
            0 if !PluginVersion::parse(&used).is_semantic() => {
                format!("its version `{used}` cannot be compared, and no other is there")
            }
            0 if count == 1 => "it is the only one".to_owned(),
            0 => format!("it is the highest of {count}"),
            _ if PluginVersion::parse(own) == PluginVersion::parse(&used) => {
                format!("the same version in `{path}` is used")
            }
            _ if by_lock => format!("`callboard.lock` names {used}"),
            _ => format!("{used} is higher, in `{path}`"),
        };
        (candidate, why)
    };
    candidates.into_iter().enumerate().map(why).collect()
}

/// Puts Connect's plugins of one id in order: the folder that the lock names, then the earlier place, then what is not
/// out of date, then the highest version.
fn order_connects<'a>(
    mut candidates: Vec<Candidate<'a>>,
    lock: Option<&Locked>,
) -> Vec<(Candidate<'a>, String)> {
    let is_locked = |candidate: &Candidate<'_>| {
        lock.is_some_and(|lock| {
            candidate.manifest.version == lock.version
                && candidate.found.path.ends_with(&lock.folder)
        })
    };
    let is_deprecated = |candidate: &Candidate<'_>| {
        matches!(
            candidate.found.family,
            Family::Connect {
                is_deprecated: true,
                ..
            }
        )
    };
    let version = |candidate: &Candidate<'_>| ConnectVersion::parse(&candidate.manifest.version);
    candidates.sort_by(|a, b| {
        let rank = |one: &Candidate<'_>| (!is_locked(one), one.place, is_deprecated(one));
        (rank(a), version(b), &a.found.path).cmp(&(rank(b), version(a), &b.found.path))
    });
    let by_lock = candidates.first().is_some_and(is_locked);
    let count = candidates.len();
    let first = candidates.first().map(|first| {
        let path = first.found.path.display().to_string();
        (first.place, first.manifest.version.clone(), path)
    });
    let Some((place, used, path)) = first else {
        return Vec::new();
    };
    let why = |(index, candidate): (usize, Candidate<'a>)| {
        let why = match index {
            0 if count == 1 => "it is the only one".to_owned(),
            _ if by_lock => format!("`callboard.lock` names {used}"),
            0 => "its folder comes first, and there its version is the highest".to_owned(),
            _ if candidate.place != place => format!("an earlier folder has it: `{path}`"),
            _ => format!("{used} is used, in `{path}`"),
        };
        let note = if is_deprecated(&candidate) {
            "; ftrack Connect calls it out of date"
        } else {
            ""
        };
        (candidate, why + note)
    };
    candidates.into_iter().enumerate().map(why).collect()
}

fn listed(found: &Found, source: PluginSource, standing: Standing, why: String) -> Catalogued {
    Catalogued {
        path: found.path.display().to_string(),
        manifest: found.manifest.clone(),
        standing,
        source,
        why,
        warnings: found.warnings.clone(),
        revision: found.revision,
    }
}

fn platform_name(platform: &callboard_protocol::Platform) -> String {
    let name = serde_json::to_value(platform).ok();
    let name = name.and_then(|name| name.as_str().map(str::to_owned));
    name.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin_folders::found::Stamp;
    use serde_json::json;

    fn found(path: &str, family: Family, manifest: serde_json::Value) -> Found {
        Found {
            path: path.into(),
            family,
            stamp: Stamp::default(),
            revision: 0,
            manifest: Ok(serde_json::from_value(manifest).unwrap()),
            warnings: Vec::new(),
        }
    }

    fn ours(path: &str, version: &str, more: serde_json::Value) -> Found {
        let mut manifest = json!({"id": "a", "version": version, "run": {"library": "a"}});
        manifest
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        found(path, Family::Callboard, manifest)
    }

    fn connects(path: &str, version: &str, is_deprecated: bool) -> Found {
        let family = Family::Connect {
            refusal: None,
            is_deprecated,
        };
        let manifest = json!({"id": "c", "version": version, "run": {"connect_hooks": "hook"}});
        found(path, family, manifest)
    }

    fn scanned(found: Vec<Found>) -> Scanned {
        Scanned {
            found,
            ..Scanned::default()
        }
    }

    /// Writes down what is used, what is not and what does not fit.
    fn chosen(places: &[Scanned]) -> Vec<String> {
        let place = Place::named("/p".into(), PluginSource::Studio);
        let chooser = Chooser {
            host: Version::new(1, 2, 0),
            off: &|_, _| None,
        };
        let (catalogued, problems) = chooser.choose(places.iter().map(|scanned| (&place, scanned)));
        let mut lines: Vec<String> = catalogued
            .iter()
            .map(|folder| {
                let path = &folder.path;
                match &folder.standing {
                    Standing::Used => format!("{path}: used, {}", folder.why),
                    Standing::NotUsed => format!("{path}: not used, {}", folder.why),
                    Standing::Unfit(failure) => format!("{path}: unfit, {}", failure.message),
                    Standing::Off(failure) => format!("{path}: off, {}", failure.message),
                }
            })
            .collect();
        lines.extend(problems.iter().map(|problem| problem.message.clone()));
        lines
    }

    #[test]
    fn the_highest_of_our_versions_is_used_by_number() {
        let places = [
            scanned(vec![ours("/b/a-1.10.0", "1.10.0", json!({}))]),
            scanned(vec![
                ours("/u/a-1.9.0", "1.9.0", json!({})),
                ours("/u/a-2.0.0-rc.1", "2.0.0-rc.1", json!({"callboard": ">=9"})),
            ]),
        ];
        assert_eq!(
            chosen(&places),
            [
                "/u/a-2.0.0-rc.1: unfit, `a` 2.0.0-rc.1 needs Callboard `>=9`, this is 1.2.0",
                "/b/a-1.10.0: used, it is the highest of 2",
                "/u/a-1.9.0: not used, 1.10.0 is higher, in `/b/a-1.10.0`",
            ]
        );
    }

    #[test]
    fn of_the_same_version_the_later_place_counts() {
        let places = [
            scanned(vec![ours("/bundled/a", "1.0.0", json!({}))]),
            scanned(vec![ours("/mine/a", "1.0", json!({}))]),
        ];
        assert_eq!(
            chosen(&places),
            [
                "/mine/a: used, it is the highest of 2",
                "/bundled/a: not used, the same version in `/mine/a` is used",
            ]
        );
    }

    #[test]
    fn the_lock_has_the_last_word_while_its_version_is_there() {
        let mut place = scanned(vec![
            ours("/u/a-1.0.0", "1.0.0", json!({})),
            ours("/u/a-2.0.0", "2.0.0", json!({})),
        ]);
        let lock = |version: &str| Locked {
            id: "a".into(),
            version: version.into(),
            folder: String::new(),
        };
        place.locked = vec![lock("1.0.0")];
        assert_eq!(
            chosen(std::slice::from_ref(&place)),
            [
                "/u/a-1.0.0: used, `callboard.lock` names 1.0.0",
                "/u/a-2.0.0: not used, `callboard.lock` names 1.0.0",
            ]
        );
        place.locked = vec![lock("3.0.0")];
        assert_eq!(
            chosen(&[place]),
            [
                "/u/a-2.0.0: used, it is the highest of 2",
                "/u/a-1.0.0: not used, 2.0.0 is higher, in `/u/a-2.0.0`",
                "`callboard.lock` names `a` 3.0.0, which is not there or does not fit",
            ]
        );
    }

    #[test]
    fn of_a_version_that_was_replaced_the_folder_in_the_lock_is_used() {
        let mut place = scanned(vec![
            ours("/u/a-1.0.0", "1.0.0", json!({})),
            ours("/u/a-1.0.0+2", "1.0.0", json!({})),
        ]);
        for (folder, other) in [("a-1.0.0", "a-1.0.0+2"), ("a-1.0.0+2", "a-1.0.0")] {
            place.locked = vec![Locked {
                id: "a".into(),
                version: "1.0.0".into(),
                folder: folder.into(),
            }];
            assert_eq!(
                chosen(std::slice::from_ref(&place)),
                [
                    format!("/u/{folder}: used, `callboard.lock` names 1.0.0"),
                    format!("/u/{other}: not used, the same version in `/u/{folder}` is used"),
                ]
            );
        }
    }

    #[test]
    fn what_does_not_fit_says_why() {
        for (more, expected) in [
            (
                json!({"protocol": [7]}),
                "/a: unfit, `a` 1.0.0 speaks protocol 7, which this Callboard does not",
            ),
            (
                json!({"platforms": ["windows", "macos"]}),
                "/a: unfit, `a` 1.0.0 is made for windows, macos alone",
            ),
            (
                json!({"callboard": "newish"}),
                "/a: unfit, the `callboard` of `a` is no range of versions: `newish`",
            ),
        ] {
            let place = scanned(vec![ours("/a", "1.0.0", more)]);
            assert_eq!(chosen(&[place]), [expected]);
        }
    }

    #[test]
    fn of_connects_plugins_the_earlier_folder_goes_before_the_higher_version() {
        let places = [
            scanned(vec![
                connects("/one/c-9.5", "9.5", false),
                connects("/one/c-10.0", "10.0", false),
                connects("/one/c-11.0", "11.0", true),
            ]),
            scanned(vec![connects("/two/c-12.0", "12.0", false)]),
        ];
        assert_eq!(
            chosen(&places),
            [
                "/one/c-10.0: used, its folder comes first, and there its version is the highest",
                "/one/c-9.5: not used, 10.0 is used, in `/one/c-10.0`",
                "/one/c-11.0: not used, 10.0 is used, in `/one/c-10.0`; ftrack Connect calls it out of date",
                "/two/c-12.0: not used, an earlier folder has it: `/one/c-10.0`",
            ]
        );
    }

    #[test]
    fn of_connects_plugins_the_lock_names_the_one_that_is_meant() {
        let mut place = scanned(vec![
            connects("/p/c-10.0", "10.0", false),
            connects("/p/c-9.5", "9.5", false),
        ]);
        place.locked = vec![Locked {
            id: "c".into(),
            version: "9.5".into(),
            folder: "c-9.5".into(),
        }];
        assert_eq!(
            chosen(std::slice::from_ref(&place)),
            [
                "/p/c-9.5: used, `callboard.lock` names 9.5",
                "/p/c-10.0: not used, `callboard.lock` names 9.5",
            ]
        );
        place.found.pop();
        let gone = chosen(&[place]);
        assert!(gone[0].starts_with("/p/c-10.0: used, "), "{gone:?}");
        assert!(gone[1].contains("names `c` 9.5"), "{gone:?}");
    }

    #[test]
    fn one_of_ours_goes_before_one_of_connects_with_its_id() {
        let mut ours = ours("/ours", "1.0.0", json!({}));
        ours.manifest.as_mut().unwrap().id = "c".into();
        let place = scanned(vec![connects("/theirs", "10.0", false), ours]);
        assert_eq!(
            chosen(&[place]),
            [
                "/ours: used, it is the only one",
                "/theirs: not used, `c` is the id of another plugin",
            ]
        );
    }
}
