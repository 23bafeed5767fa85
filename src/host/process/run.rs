//! Running a tool to its end.

use super::child::run_while;
use super::error::ProcessError;
use super::orphan::ToolRecord;
use super::tool::{Bounds, Output, Tool};

/// Runs `tool` to its end, with `stdin` as its whole standard input, and returns what it printed.
///
/// # Errors
/// See [`ProcessError`]; whenever it returns, the tool and its whole process group have ended. How it exited is not an
/// error here.
pub fn run(tool: &Tool, stdin: &[u8], bounds: Bounds) -> Result<Output, ProcessError> {
    run_while(tool, stdin, bounds, |child| {
        let Some((directory, must_be)) = tool.recorded_in() else {
            return Ok(None);
        };
        match ToolRecord::of(child, directory) {
            Err(source) if must_be => Err(source),
            // Without a record it is still bounded, as long as we live.
            record => Ok(record.ok()),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::Pid;

    use super::*;
    use crate::host::process::exit::Exit;

    const BOUNDS: Bounds = Bounds {
        time: Duration::from_secs(20),
        output: 1 << 20,
    };

    fn sh(script: &str) -> Tool {
        Tool::new("/bin/sh").arg("-c").arg(script)
    }

    #[test]
    fn what_goes_in_and_comes_out_is_whole() {
        let input: Vec<u8> = (0..500_000_u32).map(|n| (n % 251) as u8).collect();
        let output = run(&Tool::new("/bin/cat"), &input, BOUNDS).unwrap();
        assert_eq!(output.exit, Exit::Code(0));
        assert!(output.stdout == input);
    }

    #[test]
    fn exits_and_signals_are_told_apart() {
        assert_eq!(
            run(&sh("echo no >&2; exit 51"), b"", BOUNDS).unwrap(),
            Output {
                exit: Exit::Code(51),
                stdout: vec![],
                stderr: b"no\n".to_vec()
            }
        );
        let killed = run(&sh("kill -9 $$"), b"", BOUNDS).unwrap().exit;
        assert_eq!(killed, Exit::Signal(9));
        assert_eq!(killed.shell_code(), 137);
        assert_eq!(Exit::Code(51).shell_code(), 51);
    }

    #[test]
    fn a_tool_that_does_not_read_its_input_is_no_trouble() {
        let output = run(&sh("exec <&-; echo done"), &vec![b'x'; 1 << 20], BOUNDS).unwrap();
        assert_eq!(output.stdout, b"done\n");
    }

    #[test]
    fn the_environment_is_built_not_inherited() {
        let tool = Tool::new("/usr/bin/env").env("LC_ALL", "C");
        let output = run(&tool, b"", BOUNDS).unwrap();
        assert_eq!(output.stdout, b"LC_ALL=C\n");
    }

    #[test]
    fn a_tool_that_hangs_is_ended_with_all_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let id = directory.path().join("id");
        // The grandchild says who it is, then both sleep longer than any test may last.
        let script = format!("sh -c 'echo $$ > {}; sleep 600' & sleep 600", id.display());
        let bounds = Bounds {
            time: Duration::from_millis(300),
            ..BOUNDS
        };
        let error = run(&sh(&script), b"", bounds).unwrap_err();
        assert!(matches!(error, ProcessError::TimedOut { .. }), "{error}");
        if let Ok(id) = std::fs::read_to_string(id) {
            let pid = Pid::from_raw(id.trim().parse().unwrap()).unwrap();
            while rustix::process::test_kill_process(pid).is_ok() {
                // Killed, but init may need a moment to bury it.
                if std::fs::read_to_string(format!("/proc/{}/stat", id.trim()))
                    .is_ok_and(|stat| stat.contains(") Z "))
                {
                    break;
                }
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn a_tool_that_prints_without_end_is_ended() {
        let bounds = Bounds {
            output: 10_000,
            ..BOUNDS
        };
        let error = run(&sh("while :; do echo aaaaaaaaaaaaaaaa; done"), b"", bounds).unwrap_err();
        assert!(
            matches!(error, ProcessError::TooMuchOutput { .. }),
            "{error}"
        );
    }

    #[test]
    fn what_a_tool_leaves_behind_does_not_keep_us() {
        let output = run(&sh("sleep 600 & echo started"), b"", BOUNDS).unwrap();
        assert_eq!(output.stdout, b"started\n");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&Tool::new("/nonexistent/security"), b"", BOUNDS).unwrap_err();
        assert!(
            error.to_string().contains("/nonexistent/security"),
            "{error}"
        );
    }
}
