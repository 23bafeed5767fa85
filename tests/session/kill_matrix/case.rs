//! The cases of the kill matrix: who is hit, when, and what a command has brought about by then.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use support::machine::Kind;
use support::user::{FILL, User};

use crate::site::{Site, job_of, until, waiting_tools, watchdog_of};

/// The moments of a run that can be told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Leased,
    Journaled,
    Announced,
    Opened,
    Running,
    Closing,
}

impl Moment {
    const ALL: [Self; 6] = [
        Self::Leased,
        Self::Journaled,
        Self::Announced,
        Self::Opened,
        Self::Running,
        Self::Closing,
    ];

    pub(super) fn has_come(self, site: &Site) -> bool {
        match self {
            Self::Leased => site.has("lease"),
            Self::Journaled => site.has("json"),
            Self::Announced => site.audit().contains("\"intended\""),
            Self::Opened => site.audit().matches("\"keychain-unlock\"").count() > 1,
            Self::Running => site.has("job"),
            Self::Closing => site.has("closed") || site.audit().contains("\"keychain-lock\""),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victim {
    Session,
    Watchdog,
    Job,
    /// What waits to lock a keychain, of the session and of the watchdog.
    Tools,
    Both,
    All,
}

impl Victim {
    const ALL: [Self; 6] = [
        Self::Session,
        Self::Watchdog,
        Self::Job,
        Self::Tools,
        Self::Both,
        Self::All,
    ];

    /// Those who could close.
    const CLOSERS: [Self; 4] = [Self::Session, Self::Watchdog, Self::Both, Self::All];
}

/// What a command has brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// Nothing.
    Calm,
    /// A process that leaves the command's group holds every lock that it can have, and the lease as soon as it is free.
    LocksHeld,
    /// Run and watchdog may start no process more.
    LimitReached,
    /// The user may have no process more.
    TableFull,
}

impl Around {
    /// Root has no such limits.
    pub(super) fn needs_user(self) -> bool {
        matches!(self, Self::LimitReached | Self::TableFull)
    }
}

/// Who is hit by which signal, when, and around what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) kind: Kind,
    pub(super) around: Around,
    pub(super) moment: Moment,
    pub(super) victim: Victim,
    pub(super) signal: Signal,
}

impl Case {
    /// Every case, as often as it comes.
    pub(super) fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for kind in Kind::ALL {
            let mut add = |around, moment, victim, signal, times| {
                let case = Self {
                    kind,
                    around,
                    moment,
                    victim,
                    signal,
                };
                let has_victim =
                    victim != Victim::Tools || kind == Kind::MacOs && moment == Moment::Running;
                if has_victim {
                    cases.extend(std::iter::repeat_n(case, times));
                }
            };
            for moment in Moment::ALL {
                for victim in Victim::ALL {
                    add(Around::Calm, moment, victim, Signal::KILL, 4);
                    add(Around::Calm, moment, victim, Signal::STOP, 1);
                }
            }
            for victim in Victim::CLOSERS {
                for (around, times) in [
                    (Around::LocksHeld, 2),
                    (Around::LimitReached, 4),
                    (Around::TableFull, 4),
                ] {
                    add(around, Moment::Running, victim, Signal::KILL, times);
                }
            }
        }
        cases
    }
}

/// A site for one case after the other.
pub(super) struct Place {
    pub(super) site: Site,
    pub(super) user: Option<User>,
}

impl Place {
    pub(super) fn new(kind: Kind) -> Self {
        let site = Site::new(kind);
        Self { site, user: None }
    }

    /// One that belongs to a user who is not root, if there can be one.
    pub(super) fn of_user(kind: Kind) -> Option<Self> {
        let site = Site::new(kind);
        let user = User::of(&site)?;
        Some(Self {
            site,
            user: Some(user),
        })
    }

    /// Starts a run, and waits for the moment of the case and for what its command brings about.
    pub(super) fn start(&self, case: &Case) -> Parties {
        let (site, mark) = (&self.site, self.mark());
        // The log of one case is not that of the next; its receipts would tell that there was one.
        let _ = fs::remove_file(site.path("state/audit.jsonl"));
        let _ = fs::remove_dir_all(site.path("state/receipts"));
        let _ = fs::remove_file(&mark);
        let mut run = self.command(case);
        let mut run = run
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until(&format!("{case:?}"), || {
            let is_brought_about = case.around == Around::Calm || mark.exists();
            is_brought_about && case.moment.has_come(site) || run.try_wait().unwrap().is_some()
        });
        let holder = fs::read_to_string(&mark).unwrap_or_default();
        Parties {
            watchdog: watchdog_of(run.id()),
            job: job_of(run.id()),
            tools: waiting_tools(run.id()),
            holder: holder.parse().ok(),
            run,
        }
    }

    fn command(&self, case: &Case) -> Command {
        let mut run = self.site.run();
        match (case.around, case.moment) {
            (Around::Calm, Moment::Closing) => run.args(["sleep", "0"]),
            (Around::Calm, _) => run.args(["sleep", "600"]),
            _ => run.args(["sh", "-c", &self.script(case)]),
        };
        match &self.user {
            Some(user) if case.around == Around::TableFull => {
                user.starts(&self.site, &["--nproc=40"], &run)
            }
            Some(user) => user.starts(&self.site, &[], &run),
            None => run,
        }
    }

    fn script(&self, case: &Case) -> String {
        let mark = self.mark();
        let mark = mark.display();
        let deed = match case.around {
            Around::Calm => String::new(),
            Around::LocksHeld => format!("setsid perl -e '{HOLD}' '{mark}' {} &", self.locks(case)),
            Around::LimitReached => format!(
                "prlimit --pid $PPID --nproc=0:0
                prlimit --pid $(pgrep -P $PPID -f ' watchdog$') --nproc=0:0
                : > '{mark}'"
            ),
            Around::TableFull => FILL.to_owned(),
        };
        format!("{deed}\nexec /bin/sleep 600")
    }

    /// As words of a shell; the lease first.
    fn locks(&self, case: &Case) -> String {
        let state = self.site.path("state").display().to_string();
        let mut locks = format!(
            "'{state}/runs/'$COUNTERSIGN_RUN_ID.lease '{state}/windows.lock' '{state}/search-list/lock' '{}'",
            self.site.machine.keychain().with_suffix(".lock").display()
        );
        // Without the log nothing is recorded, and a recovery says so after ten seconds.
        if matches!(case.victim, Victim::Session | Victim::Watchdog) {
            locks += &format!(" '{state}/audit.jsonl'");
        }
        locks
    }

    /// Where a command says that it has brought something about; `FILL` knows it.
    fn mark(&self) -> PathBuf {
        self.site.path("home/full")
    }
}

/// The processes of one run.
pub(super) struct Parties {
    pub(super) run: Child,
    watchdog: Option<u32>,
    job: Option<u32>,
    tools: Vec<u32>,
    /// Who holds locks.
    pub(super) holder: Option<u32>,
}

impl Parties {
    /// Waits for the end of the run.
    pub(super) fn wait(&mut self) {
        until("the run has ended", || {
            self.run.try_wait().unwrap().is_some()
        });
    }

    pub(super) fn among(&self, victim: Victim) -> Vec<u32> {
        let session = Some(self.run.id());
        let few = match victim {
            Victim::Session => [session, None, None],
            Victim::Watchdog => [self.watchdog, None, None],
            Victim::Job => [self.job, None, None],
            Victim::Tools => [None, None, None],
            Victim::Both => [self.watchdog, session, None],
            Victim::All => [self.watchdog, self.job, session],
        };
        let tools = match victim {
            Victim::Tools | Victim::All => self.tools.as_slice(),
            _ => &[],
        };
        let few = few.into_iter().flatten();
        few.chain(tools.iter().copied()).collect()
    }

    pub(super) fn everybody(&self) -> Vec<u32> {
        let mut all = self.among(Victim::All);
        all.extend(self.holder);
        all
    }
}

/// Holds locks. The first argument is a file that says who does, once those are held that were free; then the second one is
/// waited for.
const HOLD: &str = r#"
    use Fcntl ":flock";
    my ($mark, @paths) = @ARGV;
    my @held;
    for my $path (@paths) {
        open(my $file, "<", $path) or next;
        push @held, $file;
        flock($file, LOCK_EX | LOCK_NB);
    }
    open(my $made, ">", "$mark.new");
    print $made $$;
    close($made);
    rename("$mark.new", $mark);
    flock($held[0], LOCK_EX);
    sleep 600;
"#;
