//! The only unsafe code of this crate: a handful of calls to the kernel for which there is no safe way in std.

#![expect(
    unsafe_code,
    reason = "setns, TUNSETIFF, ppoll and signals are C calls; each gets owned, sized values and its result is checked"
)]

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

/// Moves this thread into a network namespace.
pub(super) fn enter(space: &File) -> io::Result<()> {
    // SAFETY: only a descriptor, which is open for the time of the call.
    check(unsafe { libc::setns(space.as_raw_fd(), libc::CLONE_NEWNET) })
}

/// Makes a TUN device (IP packets without heads of their own) in this thread's namespace; reads never wait.
pub(super) fn open_tun(name: &str) -> io::Result<File> {
    let tun = File::options()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")?;
    // SAFETY: all zeros is a valid request; the name is cut so that a zero stays at its end.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request
        .ifr_name
        .iter_mut()
        .take(libc::IFNAMSIZ - 1)
        .zip(name.bytes())
    {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes one ifreq, which lives beyond the call.
    check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF as _, &mut request) })?;
    Ok(tun)
}

/// Waits until something can be read, at most this long; to some microseconds.
pub(super) fn wait_readable(file: &File, longest: Duration) {
    let mut poll = libc::pollfd {
        fd: file.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let time = libc::timespec {
        tv_sec: longest.as_secs().min(3600) as libc::time_t,
        tv_nsec: libc::c_long::from(longest.subsec_nanos()),
    };
    // SAFETY: one pollfd and one timespec, both living beyond the call; no signal mask. An error is a short wait.
    unsafe { libc::ppoll(&mut poll, 1, &time, std::ptr::null()) };
}

/// Lets this thread wake on time: the kernel may else round its waits, and let others go first. Being refused is fine.
pub(super) fn be_punctual() {
    let priority = libc::sched_param { sched_priority: 10 };
    // SAFETY: plain numbers, and one struct that lives beyond the call; 0 is this thread.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1);
        libc::sched_setscheduler(0, libc::SCHED_FIFO, &priority);
    }
}

/// SIGTERM comes when whoever started this is gone.
pub(super) fn end_with_parent() {
    // SAFETY: plain numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) };
}

/// SIGTERM, SIGINT and SIGHUP end nothing by themselves; see [`wait_for_end_signal`]. Call it before any thread is made.
pub(super) fn block_end_signals() {
    let set = end_signals();
    // SAFETY: the set is filled and lives beyond the call; the old mask is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) };
}

/// Waits for one of those signals.
pub(super) fn wait_for_end_signal() {
    let set = end_signals();
    let mut signal = 0;
    // SAFETY: both live beyond the call.
    unsafe { libc::sigwait(&set, &mut signal) };
}

fn end_signals() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset fills the set before anything reads it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        set.assume_init()
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
