//! Processes of the same user that want the password of the keychain.
//!
//! Another user holds the password, and the program is installed set-group-ID, as docs/keychain.md says. Only root can build
//! that; elsewhere these tests say that they were skipped. The attacks that need system calls are in `attacker.c`.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use support::keeper::{JOB, KEEPER, Keeper, OTHER, SECRET, succeeded};
use support::site::{self, Site, text, until};
use support::start;

/// Runs `command`, which does not get the password: it is nowhere in what it says, and the helper gave none away.
#[track_caller]
fn gets_nothing(keeper: &Keeper, command: &mut Command) -> (Output, String) {
    let given = keeper.given();
    let output = command.output().unwrap();
    let said = text(&[&output.stdout[..], &output.stderr].concat());
    assert!(!said.contains(SECRET), "{said}");
    assert_eq!(keeper.given(), given, "{said}");
    (output, said)
}

/// The attacker's program.
fn attacker(keeper: &Keeper) -> PathBuf {
    let program = keeper.path("bin/attacker");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/attacks/attacker.c");
    let compiled = Command::new("cc")
        .args(["-o".as_ref(), program.as_os_str(), source.as_ref()])
        .status();
    assert!(compiled.unwrap().success(), "a C compiler is needed");
    program
}

fn attack(keeper: &Keeper, verb: &str) -> Command {
    let mut command = keeper.command(JOB, &attacker(keeper));
    command.arg(verb);
    command
}

#[test]
fn a_run_that_the_gate_clears_gets_the_password_and_its_command_does_not() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    // The second process is the run.
    let script = "grep Gid: /proc/self/status /proc/$PPID/status; ls -l /proc/self/fd; env; test -s \"$COUNTERSIGN_P12\"";
    let output = keeper.run().args(["sh", "-c", script]).output().unwrap();
    succeeded(&output);
    let said = text(&output.stdout);
    let groups = format!("Gid:\t{JOB}\t{JOB}\t{JOB}\t{JOB}\n");
    assert_eq!(said.matches(&groups).count(), 2, "{said}");
    assert!(!said.contains("socket:"), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    let receipt = keeper.receipt();
    assert_eq!(receipt["password_source"], "served");
    let limits = receipt["password_limits"].as_str().unwrap();
    assert!(limits.contains("gate judges"), "{limits}");
    let [_, record] = <[_; 2]>::try_from(keeper.served()).unwrap();
    assert_eq!(record["outcome"], "done");
    assert_eq!(record["run"], receipt["run"]);
    assert_eq!(record["details"]["user"], JOB.to_string());
}

#[test]
fn a_kept_password_is_any_processs_and_a_served_one_is_nobodys() {
    // What `keychain create` keeps, and what is said of it.
    let kept = Site::new(support::machine::Kind::Portable);
    let mut create = kept.base(&["keychain", "create"]);
    create.arg("--keychain").arg(kept.path("own.p12"));
    succeeded(&create.output().unwrap());
    let files = fs::read_dir(kept.path("state/passwords")).unwrap();
    let file = files.map(|entry| entry.unwrap().path()).next().unwrap();
    let open = countersign::apple::pkcs12::read(
        &fs::read(kept.path("own.p12")).unwrap(),
        &support::machine::password(fs::read_to_string(file).unwrap().trim()),
    );
    assert!(open.is_ok(), "a job opens the keychain without the gate");
    let mut status = kept.base(&["keychain", "status", "--format", "json"]);
    status.arg("--keychain").arg(kept.path("own.p12"));
    let document = site::document(&status.output().unwrap().stdout);
    assert_eq!(document["password_source"], "kept-file");
    let limits = document["password_limits"].as_str().unwrap();
    assert!(limits.contains("every process of this user"), "{limits}");

    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    succeeded(&keeper.run().arg("true").output().unwrap());
    // A job reads all that its user may read.
    let everything = keeper.directory();
    let mut search = keeper.command(JOB, "/bin/grep".as_ref());
    let (_, said) = gets_nothing(&keeper, search.args(["-rl", SECRET]).arg(everything));
    assert!(
        !said.lines().any(|line| !line.contains("Permission denied")),
        "{said}"
    );
    let mut status = keeper.countersign(JOB);
    status.args([
        "keychain",
        "status",
        "--format",
        "json",
        "--keychain-password-socket",
    ]);
    let output = status.arg(keeper.socket()).output().unwrap();
    succeeded(&output);
    let document = site::document(&output.stdout);
    assert_eq!(document["password_source"], "served");
    assert_eq!(
        document["keychain"],
        keeper.path("home/ci.p12").to_str().unwrap()
    );
}

#[test]
fn libraries_that_a_job_preloads_are_not_loaded() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    let source = keeper.write(
        "etc/preload.c",
        "#include <fcntl.h>\n__attribute__((constructor)) static void load(void) { creat(\"loaded\", 0600); }\n\
         unsigned la_version(unsigned version) { return version; }\n",
        0,
        0o644,
    );
    let library = keeper.path("home/preload.so");
    let compile = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    assert!(compile.unwrap().success(), "a C compiler is needed");
    fs::set_permissions(&library, fs::Permissions::from_mode(0o755)).unwrap();
    // The loader would find it in the place of one of the program's own, too.
    let directory = keeper.path("home");
    fs::copy(&library, directory.join("libgcc_s.so.1")).unwrap();
    let mark = keeper.path("home/loaded");
    for (variable, value) in [("LD_PRELOAD", &library), ("LD_AUDIT", &library)] {
        let mut plain = keeper.command(JOB, &keeper.path("bin/plain"));
        plain.arg("--version").env(variable, value);
        succeeded(&plain.output().unwrap());
        assert!(
            mark.exists(),
            "{variable} works where nothing protects the program"
        );
        fs::remove_file(&mark).unwrap();
    }
    let mut run = keeper.run();
    run.env("LD_PRELOAD", &library)
        .env("LD_AUDIT", &library)
        .env("LD_LIBRARY_PATH", &directory)
        .env("GCONV_PATH", &directory)
        .args(["sh", "-c", "test ! -e loaded && echo clean"]);
    let output = run.output().unwrap();
    succeeded(&output);
    assert_eq!(text(&output.stdout), "clean\n");
}

#[test]
fn a_program_that_is_traced_from_its_first_instruction_may_not_ask() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    let mut trace = attack(&keeper, "trace");
    trace
        .arg(keeper.path("bin/countersign"))
        .args(keeper.run_words())
        .args(["--", "true"]);
    let (_, said) = gets_nothing(&keeper, &mut trace);
    assert!(
        said.contains(&format!("traced Gid:\t{JOB}\t{JOB}\t{JOB}")),
        "{said}"
    );
    assert!(said.contains("exit: 11"), "{said}");
    assert!(
        said.contains("Permission denied") && said.contains("not traced"),
        "{said}"
    );
    assert_eq!(
        keeper.served().len(),
        1,
        "it did not come as far as the helper"
    );
}

#[test]
fn a_program_that_may_not_gain_rights_may_not_ask() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    let starters: [&[&str]; 2] = [
        &["setpriv", "--no-new-privs"],
        // Root in a user namespace of its own, with every capability there.
        &["unshare", "--user", "--map-root-user"],
    ];
    for starter in starters {
        let mut command = keeper.command(JOB, starter[0].as_ref());
        command.args(&starter[1..]).arg("true");
        if !command.output().is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: {} does not work here", starter[0]);
            continue;
        }
        let mut command = keeper.command(JOB, starter[0].as_ref());
        command
            .args(&starter[1..])
            .arg(keeper.path("bin/countersign"));
        command.args(keeper.run_words()).args(["--", "true"]);
        let (output, said) = gets_nothing(&keeper, &mut command);
        assert_eq!(output.status.code(), Some(11), "{said}");
        assert!(said.contains("Permission denied"), "{said}");
    }
}

#[test]
fn a_run_is_not_traced_read_or_robbed_of_its_descriptors_while_it_runs() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    let program = attacker(&keeper);
    // The job attacks the run that started it; once the password is gone, and the watchdog beside it.
    let script = format!(
        "'{program}' attach $PPID; for pid in $(cat /proc/$PPID/task/*/children); do test $pid = $$ || '{program}' attach $pid; done",
        program = program.display()
    );
    let (output, said) = {
        let output = keeper.run().args(["sh", "-c", &script]).output().unwrap();
        let said = text(&output.stdout);
        (output, said)
    };
    succeeded(&output);
    assert_eq!(
        said.matches("seize: Operation not permitted").count(),
        2,
        "{said}"
    );
    assert_eq!(said.matches("descriptors: 0\n").count(), 2, "{said}");
    assert_eq!(
        said.matches("memory: Operation not permitted").count(),
        2,
        "{said}"
    );
    assert!(!said.contains("done"), "{said}");
    // And somebody who starts it tries from its first instruction to its last.
    for _ in 0..5 {
        let mut race = attack(&keeper, "race");
        race.arg(keeper.path("bin/countersign"))
            .args(keeper.run_words())
            .args(["--", "true"]);
        let output = race.output().unwrap();
        let said = text(&output.stdout);
        assert!(
            said.contains("exit: 0\nseized: 0\ndescriptors: 0\n"),
            "{said}{}",
            text(&output.stderr)
        );
    }
    assert_eq!(keeper.given(), 6);
}

#[test]
fn a_process_that_connects_by_itself_gets_nothing() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    let socket = keeper.socket();
    let mut connect = attack(&keeper, "connect");
    let (_, said) = gets_nothing(&keeper, connect.arg(&socket));
    assert_eq!(said, "connect: Permission denied\n");
    // Neither where somebody opened the socket to all: the kernel says who connected.
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let mut connect = attack(&keeper, "connect");
    let (_, said) = gets_nothing(&keeper, connect.arg(&socket));
    assert!(said.starts_with("connect: done\n"), "{said}");
    assert!(!said.contains('{'), "{said}");
    let refused = keeper.served().pop().unwrap();
    assert_eq!(refused["outcome"], "refused");
    let why = refused["details"]["error"].as_str().unwrap();
    assert!(why.contains(&format!("with group {JOB}")), "{why}");
}

#[test]
fn a_sibling_that_keeps_the_socket_of_a_process_that_became_the_program_gets_nothing() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    let socket = keeper.socket();
    // The kernel does not let it connect; somebody may have opened the socket to all.
    for (mode, connects) in [(0o660, false), (0o666, true)] {
        fs::set_permissions(&socket, fs::Permissions::from_mode(mode)).unwrap();
        let mut sibling = attack(&keeper, "sibling");
        sibling
            .arg(&socket)
            .arg(keeper.path("bin/countersign"))
            .arg("--version");
        let (_, said) = gets_nothing(&keeper, &mut sibling);
        assert_eq!(said.contains("connect: done"), connects, "{said}");
        assert!(!said.contains('{'), "{said}");
    }
    let refused = keeper.served().pop().unwrap();
    assert_eq!(refused["outcome"], "refused");
}

#[test]
fn inherited_descriptors_and_a_hostile_environment_change_nothing() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    let evil = keeper.path("home/evil");
    let words = keeper.run_words().join(" ");
    let program = keeper.path("bin/countersign");
    // Closed standard streams; descriptors up to the hundredth; no room for more than a few; a bad umask; no memory to speak
    // of for a core file.
    for starts in [
        "exec <&- >&- 2>&-",
        "exec 3</dev/zero 4>>evil/log 9<>evil/fifo",
        "ulimit -c unlimited; umask 0",
        "trap '' HUP INT TERM CHLD; cd /",
    ] {
        fs::create_dir_all(&evil).unwrap();
        chown(&evil, Some(JOB), Some(JOB)).unwrap();
        let script = format!(
            "mkfifo evil/fifo; {starts}; exec {} {words} -- sh -c 'echo ran > {}/ran'",
            program.display(),
            evil.display()
        );
        let mut shell = keeper.command(JOB, "/bin/sh".as_ref());
        shell
            .args(["-c", &script])
            .env("HOME", &evil)
            .env("XDG_STATE_HOME", &evil)
            .env("TMPDIR", &evil)
            .env("USER", "root")
            .env("RUST_BACKTRACE", "full")
            .env("COUNTERSIGN_STATE_DIR", &evil)
            .env("COUNTERSIGN_POLICY", "/dev/null")
            .env("PATH", format!("{}:{}", evil.display(), start::PATH));
        let output = shell.output().unwrap();
        succeeded(&output);
        let said = text(&[output.stdout, output.stderr].concat());
        assert!(!said.contains(SECRET), "{said}");
        assert!(evil.join("ran").exists(), "{starts}: {said}");
        let mut left: Vec<String> = fs::read_dir(&evil)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !["ran", "fifo", "log"].contains(&name.as_str()))
            .collect();
        left.sort();
        assert_eq!(
            left,
            Vec::<String>::new(),
            "{starts}: state lies where the helper says"
        );
        fs::remove_dir_all(&evil).unwrap();
    }
    assert_eq!(keeper.given(), 4);
}

#[test]
fn a_run_that_is_crashed_leaves_no_core_file() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    // The watchdog knows of the job by then.
    let job = "until ls state/runs/*.job; do :; done; kill -ABRT $PPID; sleep 600";
    let script = format!("ulimit -c unlimited; exec \"$@\" -- sh -c '{job}'");
    let mut shell = keeper.command(JOB, "/bin/sh".as_ref());
    shell
        .args(["-c", &script, "sh"])
        .arg(keeper.path("bin/countersign"))
        .args(keeper.run_words());
    let output = shell.output().unwrap();
    assert!(
        output.status.code().is_none() || output.status.code() == Some(134),
        "{output:?}"
    );
    let files = fs::read_dir(keeper.path("home")).unwrap();
    let cores = files.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("core")
    });
    assert_eq!(cores.count(), 0);
    until("the watchdog closes", || {
        fs::read_dir(keeper.path("home/state/runs")).map_or(0, Iterator::count) == 0
    });
}

#[test]
fn a_job_cannot_name_a_policy_a_manifest_or_a_place_of_its_own() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    let policy = keeper.write("home/policy.toml", "version = 1\n", JOB, 0o644);
    let manifest = keeper.write(
        "home/manifest.json",
        fs::read(keeper.path("etc/profiles.json")).unwrap(),
        JOB,
        0o644,
    );
    let home = keeper.path("home");
    let own = |name: &str| keeper.path(name).display().to_string();
    for (option, value, word) in [
        ("--policy", policy.display().to_string(), "policy"),
        ("--manifest", manifest.display().to_string(), "manifest"),
        ("--state-dir", own("home/other"), "state directory"),
        ("--profiles", home.display().to_string(), "profiles"),
        ("--keychain", own("home/other.p12"), "keychain"),
        ("--backend", "macos".into(), "portable"),
    ] {
        let mut run = keeper.countersign(JOB);
        run.args(keeper.run_words())
            .args([option, &value, "--", "true"]);
        let (output, said) = gets_nothing(&keeper, &mut run);
        assert_eq!(output.status.code(), Some(2), "{option}: {said}");
        assert!(said.contains(word), "{option}: {said}");
    }
    // Naming the same is no contradiction.
    let mut run = keeper.countersign(JOB);
    run.args(keeper.run_words())
        .arg("--policy")
        .arg(keeper.path("etc/signing.toml"));
    succeeded(&run.args(["--", "true"]).output().unwrap());
}

#[test]
fn a_gate_that_blocks_by_the_helpers_policy_asks_for_nothing() {
    let Some(keeper) = Keeper::new() else { return };
    let policy = "version = 1\n[gate]\nrun_waivable = [\"profiles\", \"identities\", \"targets\"]\n[topology]\nkind = \"dedicated-signer\"\nkey_hosts = [\"elsewhere.example\"]\n";
    keeper.write("etc/signing.toml", policy, 0, 0o644);
    let _served = keeper.serve();
    for verb in [&["run"][..], &["keychain", "unlock"]] {
        let mut command = keeper.countersign(JOB);
        command.args(verb).args(&keeper.run_words()[1..]);
        if verb.len() == 1 {
            command.args(["--", "true"]);
        }
        let (output, said) = gets_nothing(&keeper, &mut command);
        assert_eq!(output.status.code(), Some(10), "{said}");
        assert!(said.contains("host-not-allowed"), "{said}");
    }
    // Where the gate does not judge, nothing is served: an import, another keychain under the same password.
    for words in [
        ["keychain", "import", "identity.p12"],
        ["keychain", "destroy", "--yes"],
    ] {
        let mut command = keeper.countersign(JOB);
        command.args(words).args([
            "--keychain-password-socket".as_ref(),
            keeper.socket().as_os_str(),
        ]);
        let (output, said) = gets_nothing(&keeper, &mut command);
        assert_eq!(output.status.code(), Some(2), "{said}");
    }
}

#[test]
fn a_helper_of_a_jobs_own_gives_what_the_job_knows_anyway() {
    let Some(keeper) = Keeper::new() else { return };
    // Whatever the program is told by a stranger, it tells nobody what it heard elsewhere: the password is the stranger's.
    let fake = "import json, os, socket\n\
        s = socket.socket(socket.AF_UNIX); s.bind('fake'); s.listen(); print('ready', flush=True)\n\
        c, _ = s.accept(); home = os.environ['HOME']\n\
        c.sendall((json.dumps({'keychain': home + '/ci.p12', 'backend': 'portable', 'policy': home + '/own.toml', \
        'manifest': home + '/own.json', 'state': home + '/own', 'home': home}) + '\\n').encode())\n\
        c.recv(65536); c.sendall(b'{\"password\":\"guess\"}\\n'); c.recv(1)\n";
    keeper.write("home/own.toml", support::machine::WAIVING, JOB, 0o644);
    keeper.write(
        "home/own.json",
        fs::read(keeper.path("etc/profiles.json")).unwrap(),
        JOB,
        0o644,
    );
    let mut python = keeper.command(JOB, "/usr/bin/env".as_ref());
    let Ok(mut child) = python
        .args(["python3", "-c", fake])
        .stdout(Stdio::piped())
        .spawn()
    else {
        eprintln!("skipped: no python3");
        return;
    };
    let mut ready = [0; 6];
    if std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).is_err() {
        eprintln!("skipped: no python3 for this user");
        return;
    }
    let mut run = keeper.countersign(JOB);
    run.args([
        "run",
        "--without",
        "profiles,identities,targets",
        "--keychain-password-socket",
        "fake",
        "--",
        "true",
    ]);
    let output = run.output().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(output.status.code(), Some(12), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("password"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn other_users_get_nothing() {
    let Some(keeper) = Keeper::new() else { return };
    let _served = keeper.serve();
    for user in [OTHER, KEEPER] {
        let mut run = keeper.countersign(user);
        run.args(keeper.run_words()).args(["--", "true"]);
        let (output, said) = gets_nothing(&keeper, &mut run);
        assert_eq!(output.status.code(), Some(11), "{said}");
        let refused = keeper.served().pop().unwrap();
        let why = refused["details"]["error"].as_str().unwrap();
        assert!(why.contains(&format!("user {user}")), "{why}");
    }
}

#[test]
fn a_helper_does_not_serve_what_jobs_could_steer() {
    let Some(keeper) = Keeper::new() else { return };
    let user = JOB.to_string();
    let refuses = |prepare: &dyn Fn(), mend: &dyn Fn(), words: &[&str], what: &str| {
        prepare();
        let output = keeper.serve_with(words).output().unwrap();
        let said = text(&[output.stdout, output.stderr].concat());
        assert_ne!(output.status.code(), Some(0), "{what}");
        assert!(said.contains(what), "{what}: {said}");
        assert!(!said.contains(SECRET), "{said}");
        assert!(!keeper.socket().exists(), "{what}");
        mend();
    };
    let mode = |name: &'static str, mode: u32| {
        let path = keeper.path(name);
        move || fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap()
    };
    let owner = |name: &'static str, owner: u32| {
        let path = keeper.path(name);
        move || chown(&path, Some(owner), None).unwrap()
    };
    let jobs = ["--user", &user];
    let nothing = || {};
    let keeper_itself = KEEPER.to_string();
    refuses(
        &nothing,
        &nothing,
        &["--user", &keeper_itself],
        "as another user",
    );
    refuses(
        &nothing,
        &nothing,
        &["--user", "nobody-of-this-name"],
        "no user",
    );
    refuses(
        &owner("etc/signing.toml", JOB),
        &owner("etc/signing.toml", 0),
        &jobs,
        "signing.toml",
    );
    refuses(
        &mode("etc/profiles.json", 0o666),
        &mode("etc/profiles.json", 0o644),
        &jobs,
        "profiles.json",
    );
    refuses(
        &mode("etc", 0o777),
        &mode("etc", 0o755),
        &jobs,
        "can be changed by others",
    );
    refuses(
        &mode("run", 0o777),
        &mode("run", 0o755),
        &jobs,
        "can be changed by others",
    );
    refuses(
        &mode("bin", 0o777),
        &mode("bin", 0o755),
        &jobs,
        "can be changed by others",
    );
    // A change of the owner takes the set-group-ID bit.
    let restored = || {
        owner("bin/countersign", 0)();
        mode("bin/countersign", 0o2755)();
    };
    refuses(
        &mode("bin/countersign", 0o755),
        &restored,
        &jobs,
        "not set-group-ID",
    );
    refuses(
        &mode("bin/countersign", 0o2775),
        &restored,
        &jobs,
        "can be changed by others",
    );
    let not_roots = || {
        owner("bin/countersign", KEEPER)();
        mode("bin/countersign", 0o2755)();
    };
    refuses(&not_roots, &restored, &jobs, "not to root");
    refuses(
        &|| drop(keeper.write("etc/signing.toml", "version = 7\n", 0, 0o644)),
        &|| drop(keeper.write("etc/signing.toml", "version = 1\n", 0, 0o644)),
        &jobs,
        "policy-invalid",
    );
    drop(keeper.serve());
}

#[test]
fn a_descriptor_that_root_opened_is_read_and_no_other_process_has_it() {
    let Some(keeper) = Keeper::new() else { return };
    let password = keeper.write("etc/password", SECRET, 0, 0o600);
    let program = attacker(&keeper);
    // As a service manager does: root opens the file, and the program starts as the jobs' user.
    let mut command = Command::new("/bin/sh");
    let script = format!(
        "exec setpriv --reuid {JOB} --regid {JOB} --clear-groups --reset-env \"$@\" 3<'{}'",
        password.display()
    );
    command
        .args(["-c", &script, "sh"])
        .arg(keeper.path("bin/countersign"));
    keeper.name_places(&mut command);
    command
        .arg("--state-dir")
        .arg(keeper.path("home/state"))
        .args([
            "run",
            "--without",
            "profiles,identities,targets",
            "--keychain-password-fd",
            "3",
            "--keychain",
        ])
        .arg(keeper.path("home/ci.p12"))
        .args(["--", "sh", "-c"])
        .arg(format!(
            "cat <&3; cat '{}'; cat /proc/$PPID/fd/3; '{}' attach $PPID; true",
            password.display(),
            program.display()
        ))
        .stdin(Stdio::null())
        .current_dir(keeper.path("run"));
    let output = command.output().unwrap();
    succeeded(&output);
    let said = text(&[output.stdout, output.stderr].concat());
    assert!(!said.contains(SECRET), "{said}");
    assert!(said.contains("seize: Operation not permitted"), "{said}");
    assert!(said.contains("descriptors: 0\n"), "{said}");
    assert_eq!(keeper.receipt()["password_source"], "descriptor");
}
