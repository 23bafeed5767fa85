//! The machines: what each holds after so many steps, as facts that the gate judges.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::build::Build;
use super::holding::Holding;
use super::plan::Plan;
use super::{FailCause, Outcome, RehearsedNode, Request, Said};
use crate::base::finding::{Code, Group, blocks};
use crate::base::ids::{CertSha1, FileSha256, HostName};
use crate::base::parallel;
use crate::context::gate::facts::{
    DirectoryAccess, Evidence, Family, FileFacts, HostEvidence, Identities, Identity,
    InstalledClaims, InstalledContent, InstalledFile, InstalledProfiles, InstalledScope, Namespace,
    Observation, Observed, ObservedClaims, ObservedTargets, PlannedFacts, ProfileDirectory,
};
use crate::context::gate::{self, Asked};
use crate::context::manifest::{FactsDigest, Manifest, PinnedCertificate, PinnedProfile};
use crate::context::policy::Policy;
use crate::context::rotation::probe::{NodeProbe, newest};

/// So few machines are not worth a second thread.
const LEAST: usize = 4;

/// The machines, and what is known of the files on them.
pub(super) struct Fleet<'a> {
    policy: &'a Policy,
    targets: Option<Arc<ObservedTargets>>,
    pub(super) known: HashMap<FileSha256, &'a PinnedProfile>,
    certificates: HashMap<CertSha1, &'a PinnedCertificate>,
    /// The machines, those together of which the same is said.
    pub(super) nodes: Vec<Node<'a>>,
    /// What is planned for each machine.
    pub(super) shown: Vec<RehearsedNode>,
}

/// Machines of which the same is said: they hold the same, and may hold keys or not.
pub(super) struct Node<'a> {
    /// One of them, to be judged for all.
    pub(super) host: &'a HostName,
    pub(super) is_own: bool,
    /// Whether the policy lets them hold keys.
    is_key_host: bool,
    /// Their places among all machines.
    pub(super) members: Vec<usize>,
    directory: PathBuf,
    /// What it holds at the start.
    pub(super) start: Holding,
    /// The identities that are imported with the first step, and removed with the last.
    come: BTreeSet<CertSha1>,
    go: BTreeSet<CertSha1>,
}

/// A manifest that is judged, with what does not change between two judgements.
pub(super) struct Judged<'a> {
    pub(super) manifest: &'a Manifest,
    facts: Vec<FactsDigest>,
    pub(super) build: Build<'a>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(manifest: &'a Manifest, targets: Option<&ObservedTargets>) -> Self {
        Self {
            manifest,
            facts: manifest.profiles().iter().map(FactsDigest::of).collect(),
            build: Build::of(manifest, targets),
        }
    }
}

/// A machine in a state, for one manifest: what does not depend on the instant.
pub(super) struct Site {
    facts: Option<PlannedFacts>,
    asked: Asked,
    fails: Option<FailCause>,
}

impl<'a> Fleet<'a> {
    pub(super) fn new(request: &Request<'a>, plan: &'a Plan<'a>) -> Self {
        let of_branches = request.branches.iter();
        let of_branches = of_branches.flat_map(|branch| branch.manifest.profiles());
        let all = request.known.iter().chain(of_branches);
        let all = all.chain(request.pairs.iter().map(|pair| &pair.new));
        let all = all.chain(request.manifest.profiles());
        let known: HashMap<FileSha256, &PinnedProfile> =
            all.map(|profile| (profile.sha256, profile)).collect();
        let certificates = known.values().flat_map(|profile| profile.certificates());
        let certificates = certificates.map(|it| (it.sha1, it)).collect();
        let mut fleet = Self {
            policy: request.policy,
            targets: request.targets.cloned().map(Arc::new),
            known,
            certificates,
            nodes: Vec::new(),
            shown: Vec::new(),
        };
        let mut probes = vec![(request.own, true)];
        let mut newest = newest(request.others);
        newest.retain(|probe| !probe.host.same_as(&request.own.host));
        probes.extend(newest.into_iter().map(|probe| (probe, false)));
        let mut alike: HashMap<(Holding, bool, bool), usize> = HashMap::new();
        for (place, (probe, is_own)) in probes.into_iter().enumerate() {
            let node = fleet.node(probe, is_own, plan);
            fleet.shown.push(fleet.shown_of(&node, probe, plan));
            let key = (node.start.clone(), is_own, node.is_key_host);
            let at = *alike.entry(key).or_insert(fleet.nodes.len());
            match fleet.nodes.get_mut(at) {
                Some(known) => known.members.push(place),
                None => fleet.nodes.push(Node {
                    members: vec![place],
                    ..node
                }),
            }
        }
        fleet
    }

    fn node(&self, probe: &'a NodeProbe, is_own: bool, plan: &Plan<'_>) -> Node<'a> {
        let identities: Option<BTreeSet<CertSha1>> = probe
            .identities
            .as_ref()
            .map(|it| it.iter().copied().collect());
        let (mut come, mut go) = (BTreeSet::new(), BTreeSet::new());
        if let Some(held) = &identities {
            come.extend(plan.keys_needed(held));
            let leave = plan.keys_that_go(held);
            go.extend(leave.filter(|sha1| !self.policy.identities.allows(None, sha1)));
        }
        let directory = probe.directories.last().map_or("profiles", String::as_str);
        let files = probe.profiles.iter();
        let files: BTreeSet<FileSha256> = files
            .filter(|sha256| self.known.contains_key(*sha256))
            .copied()
            .collect();
        Node {
            host: &probe.host,
            is_own,
            is_key_host: self.policy.topology.may_hold_keys(&probe.host),
            members: Vec::new(),
            directory: PathBuf::from(directory),
            start: Holding {
                files: files.into_iter().collect(),
                identities,
            },
            come,
            go,
        }
    }

    /// What a machine holds after so many steps, if everybody does what is planned.
    pub(super) fn holding(&self, node: &Node<'_>, steps: usize, plan: &Plan<'_>) -> Holding {
        if steps == 0 {
            return node.start.clone();
        }
        let gone = match plan.has_retired(steps) {
            true => plan.files_that_go().clone(),
            false => BTreeSet::new(),
        };
        let mut holding = node.start.changed(plan.files_that_come(), &gone);
        if let Some(identities) = &mut holding.identities {
            identities.extend(&node.come);
            if plan.has_retired(steps) {
                identities.retain(|sha1| !node.go.contains(sha1));
            }
        }
        holding
    }

    /// What a machine holds after so many steps and a rollback to what `to` steps had left: on the machine that leads, files are put
    /// back; the others keep what they have, but for what the manifest pins no more.
    pub(super) fn rolled_back(
        &self,
        node: &Node<'_>,
        steps: usize,
        to: usize,
        plan: &Plan<'_>,
    ) -> Holding {
        match node.is_own || to == 0 && !plan.has_retired(steps) {
            true => self.holding(node, to, plan),
            false => self.holding(node, steps, plan),
        }
    }

    /// What is planned for a machine.
    fn shown_of(&self, node: &Node<'_>, probe: &NodeProbe, plan: &Plan<'_>) -> RehearsedNode {
        let come = plan.files_that_come();
        let imports: BTreeSet<String> = node
            .come
            .iter()
            .map(|sha1| {
                let known = self.certificates.get(sha1);
                known.map_or(sha1.to_string(), |it| it.title())
            })
            .collect();
        let files: BTreeSet<&FileSha256> = probe.profiles.iter().collect();
        RehearsedNode {
            host: node.host.clone(),
            own: node.is_own,
            installs: come.iter().filter(|it| !node.start.has(it)).count(),
            imports: imports.into_iter().collect(),
            identities_known: node.start.identities.is_some(),
            unknown_files: files.len() - node.start.files.len(),
        }
    }

    /// A machine that holds this, for one manifest.
    pub(super) fn site(&self, node: &Node<'_>, holding: &Holding, judged: &Judged<'_>) -> Site {
        let files = holding.files.iter();
        let files = files.filter_map(|sha256| {
            let profile = self.known.get(sha256)?;
            Some(InstalledFile {
                path: node.directory.join(&profile.filename),
                content: InstalledContent::Read {
                    sha256: *sha256,
                    claims: claims(sha256, profile, judged),
                },
            })
        });
        let identities = match &holding.identities {
            Some(held) => Observation::Observed(Identities {
                source: format!("the probe of {}", node.host),
                identities: held.iter().map(|sha1| self.identity(sha1)).collect(),
                compatible: None,
            }),
            None => Observation::unobserved("the probe names none"),
        };
        let mut waived: BTreeSet<Group> = [Group::Targets].into();
        if holding.identities.is_none() {
            waived.insert(Group::Identities);
        }
        if self.policy.digest().is_none() {
            waived.insert(Group::Policy);
        }
        let observed = Observed {
            host: node.host.clone(),
            now: Timestamp::UNIX_EPOCH,
            last_record: Observation::Observed(None),
            evidence: Evidence {
                host: HostEvidence::Asked,
                preloaded: Some(Vec::new()),
                user_namespace: Namespace::None,
                uts_namespace: Namespace::None,
            },
            profiles: Observation::Observed(InstalledProfiles {
                directories: vec![directory(&node.directory)],
                files: files.collect(),
                trust_anchors: Vec::new(),
            }),
            identities,
            targets: match &self.targets {
                Some(targets) => Observation::Observed(Arc::clone(targets)),
                None => Observation::unobserved("the project of another instant is not known"),
            },
            products: Vec::new(),
        };
        Site {
            facts: Some(PlannedFacts::new(observed)),
            asked: Asked {
                waived,
                ..Asked::default()
            },
            fails: judged.build.fails_on(holding, &self.known),
        }
    }

    /// The machines as they are after so many steps, for one manifest.
    pub(super) fn sites_after(
        &self,
        steps: usize,
        judged: &Judged<'_>,
        plan: &Plan<'_>,
    ) -> Vec<Site> {
        let nodes = self.nodes.iter().collect();
        parallel::map(nodes, LEAST, |node| {
            self.site(node, &self.holding(node, steps, plan), judged)
        })
    }

    /// What is said of a build there at this instant.
    pub(super) fn judge(&self, site: &mut Site, judged: &Judged<'_>, now: Timestamp) -> Said {
        self.judge_by_clock(site, judged, now, now, None)
    }

    /// What is said of a build on each machine at this instant, in the order of the machines; `sites` are theirs.
    pub(super) fn judge_all(
        &self,
        sites: &mut [Site],
        judged: &Judged<'_>,
        now: Timestamp,
    ) -> Vec<Said> {
        let sites = sites.iter_mut().collect();
        parallel::map(sites, LEAST, |site| self.judge(site, judged, now))
    }

    /// The same where the machine's clock says `clock` and its audit log has a record of `record`.
    pub(super) fn judge_by_clock(
        &self,
        site: &mut Site,
        judged: &Judged<'_>,
        now: Timestamp,
        clock: Timestamp,
        record: Option<Timestamp>,
    ) -> Said {
        let fails = site.fails.or_else(|| judged.build.fails_at(now));
        let Some(facts) = site.facts.take() else {
            return Said {
                outcome: Outcome::of(false, fails.is_some()),
                fails,
                blocked_by: Vec::new(),
            };
        };
        let facts = facts.moved_to(clock, record);
        let rehearsal = gate::rehearse(self.policy, judged.manifest, &facts, &site.asked);
        site.facts = Some(facts);
        let findings = rehearsal.judgement().findings.iter();
        let blocking = findings.filter(|finding| blocks(finding) && is_judged(finding.code));
        let codes: BTreeSet<Code> = blocking.map(|finding| finding.code).collect();
        Said {
            outcome: Outcome::of(!codes.is_empty(), fails.is_some()),
            fails,
            blocked_by: codes.into_iter().collect(),
        }
    }

    fn identity(&self, sha1: &CertSha1) -> Identity {
        let known = self.certificates.get(sha1);
        Identity {
            sha1: *sha1,
            sha256: known.map(|it| it.sha256),
            label: known.map_or(sha1.to_string(), |it| it.common_name.clone()),
            problem: None,
            expires: known.map(|it| it.expires),
        }
    }
}

/// Whether a rehearsal judges by this: not by who may waive what it cannot know, nor by the hour, because an instant stands for its day.
fn is_judged(code: Code) -> bool {
    !matches!(code, Code::WaiverNotAllowed | Code::WindowNotAllowedNow)
}

fn directory(path: &Path) -> ProfileDirectory {
    ProfileDirectory {
        path: path.to_owned(),
        resolved: path.to_owned(),
        // Who may write there at another instant is not known, and not judged.
        access: Some(DirectoryAccess::default()),
        ephemeral: None,
    }
}

/// What a file is known to say: to the manifest that pins it what its entry says, to another what it claims.
fn claims(sha256: &FileSha256, profile: &PinnedProfile, judged: &Judged<'_>) -> ObservedClaims {
    let mut entries = judged.manifest.entries_of(sha256);
    let entry = entries.next().and_then(|index| judged.facts.get(index));
    if let Some(facts) = entry {
        return ObservedClaims::Proven(FileFacts::as_pinned(*facts, judged.manifest.digest()));
    }
    ObservedClaims::Read(InstalledClaims {
        uuid: Some(profile.uuid.clone()),
        name: Some(profile.name.clone()),
        signs: Some(InstalledScope {
            team_id: profile.team_id.clone(),
            bundle_id: profile.bundle_id.clone(),
            kind: profile.kind,
            family: Family::of(&profile.platforms),
            created: profile.created,
            expires: profile.expires,
        }),
    })
}
