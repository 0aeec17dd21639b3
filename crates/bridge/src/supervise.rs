//! `mcpw supervise`: starts one program, and sees to it that it, and all that it has started, is gone when it ends, when the
//! bridge says so by SIGTERM, or when the bridge is gone, however it went. Nothing is between the program and its pipes.
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitCode;
use std::time::Duration;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How long programs have between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(300);
/// Between two looks for what is left.
const LOOK: Duration = Duration::from_millis(5);

/// Runs the program of this command line until it ends, or has to.
///
/// # Errors
/// The program can't be started, or the process that started this one can't be watched.
pub async fn supervise(command: &[OsString]) -> io::Result<ExitCode> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program"))?;
    let parent = rustix::process::getppid().ok_or_else(|| io::Error::other("the bridge is gone"))?;
    let watched = rustix::process::pidfd_open(parent, PidfdFlags::NONBLOCK)?;
    if rustix::process::getppid() != Some(parent) || is_readable(&watched)? {
        return Err(io::Error::other("the bridge is gone"));
    }
    let gone = ended(watched)?;
    // What loses its parent becomes a child of this process, and is found.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut child = Command::new(program).args(arguments).spawn()?;
    let code = tokio::select! {
        ended = child.wait() => {
            let ended = ended?;
            ended.code().unwrap_or_else(|| 128 + ended.signal().unwrap_or_default())
        }
        _ = gone => 1,
        _ = async { tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () } } => {
            descendants().into_iter().for_each(|pid| tell(pid, Signal::TERM));
            // Whether it ends by itself or not, what is left goes below.
            let _ = tokio::time::timeout(GRACE, child.wait()).await;
            0
        }
    };
    end_all().await;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Kills all that is left, and what that starts meanwhile.
async fn end_all() {
    for _ in 0..200 {
        let left = descendants();
        if left.is_empty() {
            return;
        }
        left.into_iter().for_each(|pid| tell(pid, Signal::KILL));
        tokio::time::sleep(LOOK).await;
        // Those that have ended are counted until somebody asks for them.
        while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
    }
}

fn tell(pid: Pid, signal: Signal) {
    // It may be gone by now.
    let _ = rustix::process::kill_process(pid, signal);
}

/// All processes below this one, the nearest first.
fn descendants() -> Vec<Pid> {
    let mut found = Vec::new();
    let mut at = children(rustix::process::getpid());
    while let Some(pid) = at.pop() {
        at.extend(children(pid));
        found.push(pid);
    }
    found
}

fn children(of: Pid) -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", of.as_raw_nonzero())) else {
        return Vec::new();
    };
    let of_thread = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("children")).ok();
    let lists: Vec<String> = threads.filter_map(Result::ok).filter_map(of_thread).collect();
    let pids = lists.iter().flat_map(|list| list.split_ascii_whitespace());
    pids.filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

fn is_readable(fd: &OwnedFd) -> io::Result<bool> {
    let mut polled = [PollFd::new(fd, PollFlags::IN)];
    Ok(rustix::event::poll(&mut polled, Some(&Timespec::default()))? > 0)
}

/// Ready once the process of this descriptor has ended. A thread waits for it; it ends with this process.
fn ended(process: OwnedFd) -> io::Result<oneshot::Receiver<()>> {
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new().name("parent".to_owned()).spawn(move || {
        let mut polled = [PollFd::new(&process, PollFlags::IN)];
        while let Err(rustix::io::Errno::INTR) | Ok(0) = rustix::event::poll(&mut polled, None) {}
        // Nobody may wait any more.
        let _ = tell.send(());
    })?;
    Ok(told)
}
