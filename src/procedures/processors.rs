//! Long stretches of work for one call: at most half of the processors do such at one time, so that
//! there are others for everybody else.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::available_parallelism;

/// Processors that may work at length, and are free for it.
#[derive(Debug)]
pub struct Processors {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Default for Processors {
    fn default() -> Self {
        let half = available_parallelism().map_or(1, |all| (all.get() / 2).max(1));
        Self { free: Mutex::new(half), freed: Condvar::new() }
    }
}

impl Processors {
    /// Does a stretch of work when a processor is free for it. For a thread of its own: it stands
    /// still meanwhile.
    pub fn work<T>(&self, stretch: impl FnOnce() -> T) -> T {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_while(free, |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        let _processor = Processor(self);
        stretch()
    }
}

/// A processor that works at length.
struct Processor<'p>(&'p Processors);

impl Drop for Processor<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn no_more_work_at_one_time_than_half() {
        let processors = Processors::default();
        let half = *processors.free.lock().unwrap();
        let (at_work, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    processors.work(|| {
                        let now = at_work.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        at_work.fetch_sub(1, Ordering::SeqCst);
                    });
                });
            }
        });
        assert!((1..=half).contains(&most.into_inner()));
        assert_eq!(*processors.free.lock().unwrap(), half);
    }
}
