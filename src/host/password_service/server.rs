//! The server: a process of another user that holds the password.
//!
//! One thread serves one question after the other. A client that is admitted hears the terms at once; it has some minutes to
//! be cleared and to ask. Clients wait in turn, and there is room for so many.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::admission::Peer;
use super::error::PasswordServiceError;
use super::line;
use super::listener::Listener;
use super::protocol::{Answer, Question, Terms};
use crate::base::digest::Digest;
use crate::base::event::{Action, Event, Outcome, Witness};
use crate::base::secret::Password;
use crate::context::{manifest, policy};
use crate::host::files::read_bounded;
use crate::host::owned_files::check_unsteerable;
use crate::host::process::wait_for;

/// What is served on a socket.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    terms: Terms,
}

impl Server {
    /// Serves the password for what `terms` say.
    ///
    /// # Errors
    /// Jobs of the user could steer the policy or the manifest.
    pub fn new(listener: Listener, terms: Terms) -> Result<Self, PasswordServiceError> {
        check_terms(&terms, listener.user())?;
        Ok(Self { listener, terms })
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// The system fails: nobody can be served any more.
    pub fn serve(&self, password: &Password, witness: &dyn Witness) -> io::Result<()> {
        let listener = &self.listener.listener;
        listener.set_nonblocking(true)?;
        let mut waiting: Vec<Waiting> = Vec::new();
        loop {
            let pause = waiting.iter().map(Waiting::left).min();
            let mut watched = vec![PollFd::new(listener, PollFlags::IN)];
            watched.extend(
                waiting
                    .iter()
                    .map(|client| PollFd::from_borrowed_fd(client.stream.as_fd(), PollFlags::IN)),
            );
            wait_for(&mut watched, pause.unwrap_or(Duration::from_secs(600)))?;
            drop(watched);
            let mut still = Vec::with_capacity(waiting.len());
            for mut client in waiting {
                match client.hear() {
                    Heard::Nothing if client.left().is_zero() => {}
                    Heard::Nothing => still.push(client),
                    Heard::Question(question) => self.answer(&client, &question, password, witness),
                    Heard::Nonsense => {
                        let why = "it says something unexpected";
                        record(
                            witness,
                            &self
                                .event(&client.peer, Outcome::Refused)
                                .detail("error", why),
                        );
                    }
                    Heard::End => {}
                }
            }
            waiting = still;
            self.accept(&mut waiting, witness)?;
        }
    }

    /// Lets everybody in who has connected meanwhile and may be let in.
    fn accept(&self, waiting: &mut Vec<Waiting>, witness: &dyn Witness) -> io::Result<()> {
        loop {
            let stream = match self.listener.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
                    ) =>
                {
                    continue;
                }
                Err(error) => return Err(error),
            };
            let peer = self.listener.admission.peer(&stream)?;
            if let Some(why) = &peer.refused {
                record(
                    witness,
                    &self.event(&peer, Outcome::Refused).detail("error", why),
                );
                continue;
            }
            if waiting.len() >= MAX_WAITING {
                record(
                    witness,
                    &self
                        .event(&peer, Outcome::Refused)
                        .detail("error", "too many runs wait"),
                );
                continue;
            }
            // A client that is gone already is no trouble.
            if stream.set_nonblocking(true).is_ok() && line::write(&stream, &self.terms).is_ok() {
                waiting.push(Waiting {
                    stream,
                    peer,
                    bytes: Vec::new(),
                    since: Instant::now(),
                });
            }
        }
    }

    /// Answers a question: the record first.
    fn answer(
        &self,
        client: &Waiting,
        question: &Question,
        password: &Password,
        witness: &dyn Witness,
    ) {
        let event = |outcome| {
            self.event(&client.peer, outcome)
                .of_run(&question.run)
                .detail("policy", question.policy)
                .detail("manifest", question.manifest)
                .detail("plan", question.plan)
                .detail("cleared-until", question.cleared_until)
        };
        let answer = match self.check(question) {
            Ok(()) => match witness.record(&event(Outcome::Done)) {
                Ok(_) => Answer::giving(password),
                Err(error) => Answer::Refused(error.to_string()),
            },
            Err(why) => {
                record(witness, &event(Outcome::Refused).detail("error", &why));
                Answer::Refused(why)
            }
        };
        // A client that does not take its answer has none.
        let _ = line::write(&client.stream, &answer);
    }

    /// Whether the terms still hold, and the gate judged the policy and the manifest that they name.
    fn check(&self, question: &Question) -> Result<(), String> {
        check_terms(&self.terms, self.listener.user()).map_err(|error| error.to_string())?;
        let is = |what: &str, path: &Path, limit, judged: Digest| {
            let bytes = read_bounded(path, limit).map_err(|error| error.to_string())?;
            let found = Digest::of(&bytes);
            if found == judged {
                return Ok(());
            }
            let path = path.display();
            Err(format!(
                "the gate judged the {what} {judged}, and {path} is {found}"
            ))
        };
        let (policy, manifest) = (&self.terms.policy, &self.terms.manifest);
        is("policy", policy, policy::MAX_BYTES, question.policy)?;
        is("manifest", manifest, manifest::MAX_BYTES, question.manifest)
    }

    fn event(&self, peer: &Peer, outcome: Outcome) -> Event {
        let event = Event::new(Action::PasswordServe, outcome)
            .detail("keychain", self.terms.keychain.display())
            .detail("user", self.listener.user());
        match peer.process {
            Some(process) => event.detail("process", process),
            None => event,
        }
    }
}

/// Records what is refused: a refusal does not hang on its record.
fn record(witness: &dyn Witness, event: &Event) {
    let _ = witness.record(event);
}

/// Whether `user` can change by what the gate judges.
fn check_terms(terms: &Terms, user: u32) -> Result<(), PasswordServiceError> {
    check_unsteerable(&terms.policy, user)?;
    check_unsteerable(&terms.manifest, user)?;
    Ok(())
}

/// A client that is admitted and has not asked yet.
struct Waiting {
    stream: UnixStream,
    peer: Peer,
    bytes: Vec<u8>,
    since: Instant,
}

/// What a client said.
enum Heard {
    Nothing,
    Question(Box<Question>),
    Nonsense,
    End,
}

impl Waiting {
    /// How long it may still take to ask.
    fn left(&self) -> Duration {
        PATIENCE.saturating_sub(self.since.elapsed())
    }

    fn hear(&mut self) -> Heard {
        let mut buffer = [0; 4_096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Heard::End,
                Ok(count) => self
                    .bytes
                    .extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Heard::Nothing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Heard::End,
            }
            match line::parse(&self.bytes) {
                Ok(None) => {}
                Ok(Some(question)) => return Heard::Question(Box::new(question)),
                Err(_) => return Heard::Nonsense,
            }
        }
    }
}

/// How many clients wait at a time.
const MAX_WAITING: usize = 64;
/// How long a run may take from its start to its clearance: recovering killed runs takes minutes at worst.
const PATIENCE: Duration = Duration::from_secs(900);

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Mutex;

    use super::*;
    use crate::base::event::{Checkpoint, WitnessError};
    use crate::host::keychain::BackendKind;
    use crate::host::run_id::RunId;
    use crate::host::secret_source::SecretError;
    use crate::host::state_dir::StateDir;

    /// Remembers what is recorded, or fails to.
    #[derive(Default)]
    struct Memory {
        seen: Mutex<Vec<Event>>,
        fails: bool,
    }

    impl Witness for Memory {
        fn record(&self, event: &Event) -> Result<Checkpoint, WitnessError> {
            if self.fails {
                return Err(WitnessError::new(SecretError::NotOpen(3)));
            }
            self.seen.lock().unwrap().push(event.clone());
            Ok(Checkpoint::EMPTY)
        }
    }

    /// A server of this user, which no program would start.
    struct Scene {
        directory: tempfile::TempDir,
        server: Server,
    }

    impl Scene {
        fn new(user: u32) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = |name: &str| directory.path().join(name);
            for name in ["signing.toml", "profiles.json"] {
                fs::write(path(name), name).unwrap();
            }
            let listener = Listener::of_this_process(&path("socket"), user);
            let terms = Terms {
                keychain: path("ci.p12"),
                backend: BackendKind::Portable,
                policy: path("signing.toml"),
                manifest: path("profiles.json"),
                state: StateDir::new(path("state")).unwrap(),
                home: path("home"),
            };
            Self {
                server: Server { listener, terms },
                directory,
            }
        }

        fn connect(&self) -> UnixStream {
            UnixStream::connect(self.directory.path().join("socket")).unwrap()
        }

        fn question(&self) -> Question {
            Question {
                run: "20260301T120000Z-9f86d081884c7d65"
                    .parse::<RunId>()
                    .unwrap(),
                policy: Digest::of(b"signing.toml"),
                manifest: Digest::of(b"profiles.json"),
                plan: Digest::of(b""),
                cleared_until: jiff::Timestamp::UNIX_EPOCH,
            }
        }

        /// What a client that says `said` is answered.
        fn answered(&self, said: &Question, witness: &Memory) -> (UnixStream, io::Result<Answer>) {
            let listener = &self.server.listener.listener;
            listener.set_nonblocking(true).unwrap();
            let client = self.connect();
            let mut waiting = Vec::new();
            self.server.accept(&mut waiting, witness).unwrap();
            let terms: Terms = line::read(&client, PATIENT).unwrap();
            assert_eq!(terms, self.server.terms);
            line::write(&client, said).unwrap();
            let password = Password::new("correct-horse".into());
            for client in &mut waiting {
                if let Heard::Question(question) = client.hear() {
                    self.server.answer(client, &question, &password, witness);
                }
            }
            drop(waiting);
            let answer = line::read(&client, PATIENT);
            (client, answer)
        }
    }

    /// A user who is nobody here: the files above are not hers to change.
    const OTHER: u32 = 61_001;
    const PATIENT: Duration = Duration::from_secs(60);

    #[test]
    fn a_question_by_the_terms_is_recorded_and_answered_once() {
        let scene = Scene::new(OTHER);
        let witness = Memory::default();
        let (client, answer) = scene.answered(&scene.question(), &witness);
        let Answer::Password(password) = answer.unwrap() else {
            panic!("refused");
        };
        assert_eq!(password, "correct-horse");
        let seen = witness.seen.lock().unwrap();
        let [event] = seen.as_slice() else {
            panic!("{seen:?}");
        };
        assert_eq!(
            (event.what, event.outcome),
            (Action::PasswordServe, Outcome::Done)
        );
        assert_eq!(
            event.details["policy"],
            Digest::of(b"signing.toml").to_string()
        );
        assert!(!format!("{event:?}").contains("correct-horse"));
        drop(seen);
        let again: Result<Answer, _> = line::read(&client, PATIENT);
        assert!(again.is_err(), "the connection ended");
    }

    #[test]
    fn what_cannot_be_recorded_is_not_given() {
        let scene = Scene::new(OTHER);
        let witness = Memory {
            fails: true,
            ..Memory::default()
        };
        let (_, answer) = scene.answered(&scene.question(), &witness);
        assert!(matches!(answer, Ok(Answer::Refused(_))));
    }

    #[test]
    fn another_manifest_or_policy_and_one_that_its_user_may_change_get_nothing() {
        let scene = Scene::new(OTHER);
        let witness = Memory::default();
        let refused = |question: &Question, word: &str| match scene.answered(question, &witness).1 {
            Ok(Answer::Refused(why)) => assert!(why.contains(word), "{why}"),
            _ => panic!("not refused"),
        };
        let another = Question {
            manifest: Digest::of(b"another"),
            ..scene.question()
        };
        refused(&another, "the manifest");
        let another = Question {
            policy: Digest::of(b"another"),
            ..scene.question()
        };
        refused(&another, "the policy");
        let policy = &scene.server.terms.policy;
        fs::set_permissions(policy, fs::Permissions::from_mode(0o666)).unwrap();
        refused(&scene.question(), "signing.toml");
        let seen = witness.seen.lock().unwrap();
        assert!(seen.iter().all(|event| event.outcome == Outcome::Refused));
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn nonsense_gets_nothing_and_takes_no_room() {
        let scene = Scene::new(OTHER);
        let witness = Memory::default();
        scene
            .server
            .listener
            .listener
            .set_nonblocking(true)
            .unwrap();
        let long = vec![b'{'; line::MAX_LINE];
        let mut clients: Vec<UnixStream> = Vec::new();
        for said in [
            &b"{}\n"[..],
            b"{\"run\":1}\n",
            b"\xff\n",
            b"{}\n{}\n",
            &long,
        ] {
            let mut client = scene.connect();
            io::Write::write_all(&mut client, said).unwrap();
            clients.push(client);
        }
        let mut waiting = Vec::new();
        scene.server.accept(&mut waiting, &witness).unwrap();
        assert_eq!(waiting.len(), clients.len());
        for client in &mut waiting {
            assert!(matches!(client.hear(), Heard::Nonsense));
        }
        // There is room for so many.
        let more: Vec<UnixStream> = (0..MAX_WAITING).map(|_| scene.connect()).collect();
        scene.server.accept(&mut waiting, &witness).unwrap();
        assert_eq!(waiting.len(), MAX_WAITING);
        let refused = more
            .iter()
            .filter(|client| line::read::<Terms>(client, PATIENT).is_err());
        assert_eq!(refused.count(), clients.len());
    }
}
