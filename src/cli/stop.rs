//! Ctrl-C and SIGTERM: no new work begins, what is unfinished is dropped, and what is done is told.

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
    pub(super) fn on_signals() -> Stop {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag;

        let stop = Stop::default();
        let hurried = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal must not find the flag that it sets. Where a handler cannot be set the signal does
            // what it did.
            let _ = flag::register_conditional_default(signal, hurried.clone());
            let _ = flag::register(signal, hurried.clone());
            let _ = flag::register_usize(signal, stop.signal.clone(), signal as usize);
            let _ = flag::register(signal, stop.is_set.clone());
        }
        stop
    }

    #[cfg(not(unix))]
    pub(super) fn on_signals() -> Stop {
        Stop::default()
    }

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
