//! Ctrl-C, SIGTERM and SIGHUP: no new work begins, what is unfinished is dropped, and what is done is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether to stop, and by which signal.
#[derive(Clone, Default)]
pub(super) struct Stop {
    is_set: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// Listens to signals. A second one ends the process at once.
    #[cfg(unix)]
    pub(super) fn listen(&self) {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        use signal_hook::flag;

        let hurried = Arc::new(AtomicBool::new(false));
        let hangs_up = hangs_up().then_some(SIGHUP);
        for signal in [SIGINT, SIGTERM].into_iter().chain(hangs_up) {
            // In this order: the first signal must not find the flag that it sets. Where a handler cannot be set the signal does
            // what it did.
            let _ = flag::register_conditional_default(signal, hurried.clone());
            let _ = flag::register(signal, hurried.clone());
            let _ = flag::register_usize(signal, self.signal.clone(), signal as usize);
            let _ = flag::register(signal, self.is_set.clone());
        }
    }

    #[cfg(not(unix))]
    pub(super) fn listen(&self) {}

    pub(super) fn set(&self) {
        self.is_set.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    /// The signal that came.
    pub(super) fn signal(&self) -> Option<u8> {
        u8::try_from(self.signal.load(Ordering::SeqCst)).ok().filter(|signal| *signal > 0)
    }

    /// Ends the process as the signal would have, so that whoever started it sees the reason.
    pub(super) fn end(signal: u8) {
        #[cfg(unix)]
        let _ = signal_hook::low_level::emulate_default_handler(signal.into());
        #[cfg(not(unix))]
        let _ = signal;
    }
}

/// Whether a terminal that goes away ends this process: not under nohup, which has SIGHUP ignored. Where that cannot be known the
/// signal does what it did.
#[cfg(unix)]
fn hangs_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 0)
}
