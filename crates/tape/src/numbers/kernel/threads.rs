//! Threads that share a computation.
//!
//! A team is a leader and its helpers, kept for the life of the process and asleep while there is
//! nothing to do. Who has work gives it away, to the leader, and gets it back when it is done:
//! nothing is borrowed, and nothing is allocated. On the leader's thread [`join`] shares work with
//! the helpers. What is computed never depends on how the work was cut.
//!
//! Many callers at a time need many teams. When they are gone, one team of each size stays, and the
//! others end after a while.
//!
//! Who works on a thread of a [`pool`] already gives nothing away: the other threads of the pool
//! help.

use std::any::Any;
use std::cell::Cell;
use std::collections::TryReserveError;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

/// The most threads that work together: more than any processor has today, and no more than a
/// system starts in a short time.
pub(crate) const MOST: usize = 1024;

/// Whether a thread can be started. WebAssembly has none but where its host gives it some; there
/// whatever asks for several gets one, and the same bits.
pub(crate) const CAN_START: bool =
    !cfg!(target_family = "wasm") || cfg!(all(target_feature = "atomics", not(target_os = "unknown")));

/// The most threads that a run uses on its own: where the processor has fewer, more bring nothing
/// and take memory each.
pub(crate) fn most_of_a_run() -> usize {
    if CAN_START { available().clamp(128, MOST) } else { 1 }
}

/// So long a team stays for callers that may come back, if there is another one of its size.
const STAY: Duration = if cfg!(test) { Duration::from_millis(20) } else { Duration::from_secs(10) };

/// More than a thread takes when it starts: its stack, scratch memory for products, and what the
/// allocator keeps for it.
const BYTES_OF_A_THREAD: usize = 16 << 20;

/// Gets ready what a thread needs, if there is memory for it.
pub(crate) type Prepare = fn() -> Result<(), TryReserveError>;

/// Work that a team can do.
pub(crate) trait Job: Any + Send {
    /// Does it, on the leader's thread.
    fn run(&mut self);
}

/// A leader of some threads, its own among them.
struct Team {
    threads: usize,
    state: Mutex<State>,
    changed: Condvar,
}

enum State {
    Idle,
    Given(Box<dyn Job>),
    Working,
    Done(Box<dyn Job>, Outcome),
}

/// Teams without work.
static IDLE: Mutex<Vec<Arc<Team>>> = Mutex::new(Vec::new());

/// What became of work that was given to a team: done, or left by a panic.
pub(crate) type Outcome = thread::Result<()>;

/// Lets a team of at least so many threads do the work, and gives it back; untouched, with what the
/// system says, if there are no more threads. Every thread of a new team is prepared first.
pub(crate) fn run(
    threads: usize,
    work: Box<dyn Job>,
    prepare: Prepare,
) -> (Box<dyn Job>, Result<Outcome, String>) {
    let team = match idle_or_new(threads, prepare) {
        Ok(team) => team,
        Err(reason) => return (work, Err(reason)),
    };
    let (work, outcome) = team.run(work);
    lock(&IDLE).push(team);
    (work, Ok(outcome))
}

/// Sees to it that there is such a team, so that not a later run has to start it.
pub(crate) fn reserve(threads: usize, prepare: Prepare) -> Result<(), String> {
    let team = idle_or_new(threads, prepare)?;
    lock(&IDLE).push(team);
    Ok(())
}

fn idle_or_new(threads: usize, prepare: Prepare) -> Result<Arc<Team>, String> {
    // Of few sizes, so that runs of many different ones do not each leave a team behind.
    if threads > MOST {
        return Err(too_many());
    }
    let threads = threads.next_power_of_two();
    idle(threads).map_or_else(|| Team::start(threads, prepare), Ok)
}

fn idle(threads: usize) -> Option<Arc<Team>> {
    let mut idle = lock(&IDLE);
    let at = idle.iter().rposition(|team| team.threads == threads)?;
    Some(idle.swap_remove(at))
}

fn too_many() -> String {
    format!("at most {MOST} work together")
}

fn lock<X>(mutex: &Mutex<X>) -> MutexGuard<'_, X> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Team {
    fn start(threads: usize, prepare: Prepare) -> Result<Arc<Self>, String> {
        let team = Arc::new(Team { threads, state: Mutex::new(State::Working), changed: Condvar::new() });
        let (leader, (told, started)) = (team.clone(), std::sync::mpsc::channel());
        let lead = move || {
            // The pool makes this thread its first one, and lives as long as the thread.
            let builder = ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
            let named = builder.thread_name(|index| format!("tape helper {index}"));
            let pool =
                prepare().map_err(|refused| refused.to_string()).and_then(|()| build(named, 0, prepare));
            let helpers = pool.as_ref().map(|_| ()).map_err(Clone::clone);
            let go_on = helpers.is_ok();
            if told.send(helpers).is_ok() && go_on {
                leader.lead();
            }
        };
        let spawned = thread::Builder::new().name("tape leader".into()).spawn(lead);
        spawned.map_err(|error| error.to_string())?;
        started.recv().map_err(|error| error.to_string())??;
        *lock(&team.state) = State::Idle;
        Ok(team)
    }

    /// The leader's life.
    fn lead(&self) {
        while let Some(mut work) = self.next() {
            let outcome = catch_unwind(AssertUnwindSafe(|| work.run()));
            *lock(&self.state) = State::Done(work, outcome);
            self.changed.notify_all();
        }
    }

    /// Waits for work: for some microseconds by yielding to others, since steps come one after the
    /// other and waking takes longer, and then asleep. `None` if the team is not needed any more.
    fn next(&self) -> Option<Box<dyn Job>> {
        const YIELDS: usize = 100;
        let mut yields = 0;
        let mut may_end = true;
        let mut state = lock(&self.state);
        loop {
            match std::mem::replace(&mut *state, State::Working) {
                State::Given(work) => return Some(work),
                other => *state = other,
            }
            if yields < YIELDS {
                yields += 1;
                drop(state);
                thread::yield_now();
                state = lock(&self.state);
            } else if may_end {
                let (waited, timeout) =
                    self.changed.wait_timeout(state, STAY).unwrap_or_else(PoisonError::into_inner);
                state = waited;
                if timeout.timed_out() && matches!(*state, State::Idle) {
                    drop(state);
                    if self.leave() {
                        return None;
                    }
                    may_end = false;
                    state = lock(&self.state);
                }
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Whether the team is not needed: it has no work, and another one of its size has none. Then
    /// nobody finds it any more.
    fn leave(&self) -> bool {
        let mut idle = lock(&IDLE);
        let mine = idle.iter().position(|team| std::ptr::eq(Arc::as_ptr(team), self));
        let others = idle.iter().filter(|team| team.threads == self.threads).count();
        match mine {
            Some(at) if others > 1 => {
                idle.swap_remove(at);
                true
            }
            Some(_) | None => false,
        }
    }

    fn run(&self, work: Box<dyn Job>) -> (Box<dyn Job>, Outcome) {
        *lock(&self.state) = State::Given(work);
        self.changed.notify_all();
        let mut state = lock(&self.state);
        loop {
            match std::mem::replace(&mut *state, State::Idle) {
                State::Done(work, outcome) => return (work, outcome),
                other => *state = other,
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

thread_local! {
    static HERE: Cell<usize> = const { Cell::new(1) };
}

/// How many threads share what is [joined](join) on this one: those of its pool, or it alone.
pub(crate) fn here() -> usize {
    HERE.get()
}

/// Threads to work on, each prepared first.
pub(crate) fn pool(threads: usize, prepare: Prepare) -> Result<Pool, String> {
    if threads > MOST {
        return Err(too_many());
    }
    let builder = ThreadPoolBuilder::new().num_threads(threads);
    build(builder.thread_name(|index| format!("tape thread {index}")), threads, prepare)
}

/// Threads of a caller's, that have ended when it is dropped: else those that begin to end would be
/// in the way of what comes next.
#[derive(Debug)]
pub(crate) struct Pool {
    /// None while it is dropped.
    pool: Option<ThreadPool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Pool {
    pub(crate) fn get(&self) -> &ThreadPool {
        self.pool.as_ref().expect("it is not dropped yet")
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        drop(self.pool.take());
        let me = thread::current().id();
        // A thread may drop its own pool, and cannot wait for itself. What panics in a thread is
        // told by what it works on.
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != me) {
            drop(thread.join());
        }
    }
}

/// The threads that have begun, and whether there was no memory for one.
#[derive(Default)]
struct Begun {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

/// Starts threads that share with so many, 0 if they are told by themselves. One after the other:
/// where memory is short, each finds out by itself that there is none for it, and not all at the
/// same time. A panic of one of them, or a small allocation that is refused, would end the process.
fn build(builder: ThreadPoolBuilder, share: usize, prepare: Prepare) -> Result<Pool, String> {
    let mut threads = Vec::new();
    let begun = Arc::new(Begun::default());
    let begins = begun.clone();
    let begin = move |_| {
        if share > 0 {
            HERE.set(share);
        }
        let is_refused = prepare().is_err();
        let mut state = lock(&begins.state);
        *state = (state.0 + 1, state.1 || is_refused);
        begins.changed.notify_all();
    };
    let start = |thread: rayon_core::ThreadBuilder| {
        let refused = || io::Error::other("there is no memory for what each thread needs");
        let before = match *lock(&begun.state) {
            (count, false) => count,
            (_, true) => return Err(refused()),
        };
        Vec::<u8>::new().try_reserve_exact(BYTES_OF_A_THREAD).map_err(|_| refused())?;
        let mut named = thread::Builder::new();
        if let Some(name) = thread.name() {
            named = named.name(name.to_owned());
        }
        threads.push(named.spawn(|| thread.run())?);
        let mut state = lock(&begun.state);
        while state.0 == before {
            state = begun.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.1 { Err(refused()) } else { Ok(()) }
    };
    let pool =
        builder.start_handler(begin).spawn_handler(start).build().map_err(|error| error.to_string())?;
    // Until each has looked for work, for which it allocates the first time.
    pool.broadcast(|_| ());
    Ok(Pool { pool: Some(pool), threads })
}

/// How many threads the processor runs at a time. Asked once: the system takes longer to tell than
/// a small program to compile.
pub(crate) fn available() -> usize {
    static AVAILABLE: OnceLock<usize> = OnceLock::new();
    *AVAILABLE.get_or_init(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// Runs both closures, the second on another thread if one is free. To be called on a thread of a
/// team or of a pool.
pub(crate) fn join<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    rayon_core::join(first, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum(Vec<u64>, u64);

    impl Job for Sum {
        fn run(&mut self) {
            let (left, right) = self.0.split_at(self.0.len() / 2);
            let (left, right) = join(|| left.iter().sum::<u64>(), || right.iter().sum::<u64>());
            self.1 = left + right;
            assert!(self.1 > 0, "nothing to add");
        }
    }

    fn sum(threads: usize, numbers: Vec<u64>) -> u64 {
        let (work, outcome) = run(threads, Box::new(Sum(numbers, 0)), || Ok(()));
        outcome.unwrap().unwrap();
        (work as Box<dyn Any>).downcast::<Sum>().unwrap().1
    }

    #[test]
    fn a_team_does_work_again_and_again() {
        for threads in [1, 2, 3, 7] {
            for n in 1..50 {
                assert_eq!(sum(threads, (0..=n).collect()), n * (n + 1) / 2);
            }
        }
    }

    #[test]
    fn callers_do_not_disturb_each_other() {
        thread::scope(|scope| {
            for n in 1..8_u64 {
                scope.spawn(move || (0..50).for_each(|_| assert_eq!(sum(2, vec![n; 10]), 10 * n)));
            }
        });
    }

    #[test]
    fn a_panic_comes_back_and_the_team_stays() {
        for _ in 0..3 {
            assert!(catch_unwind(|| sum(2, vec![])).is_err());
            assert_eq!(sum(2, vec![3, 4]), 7);
        }
    }

    fn refused() -> Result<(), TryReserveError> {
        Vec::<u64>::new().try_reserve(usize::MAX)
    }

    #[test]
    fn what_cannot_be_prepared_or_is_too_many_is_told() {
        for threads in [9, 16] {
            assert!(reserve(threads, refused).unwrap_err().contains("memory"));
            assert!(pool(threads, refused).unwrap_err().contains("memory"));
        }
        for threads in [MOST + 1, 1_000_000, usize::MAX] {
            assert_eq!(reserve(threads, refused).unwrap_err(), "at most 1024 work together");
            assert_eq!(pool(threads, refused).unwrap_err(), "at most 1024 work together");
        }
        assert!(pool(3, || Ok(())).is_ok());
    }

    /// How many threads the process has that are the last ones of teams of 32; 0 where the system
    /// does not tell.
    fn last_helpers() -> usize {
        let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
        let name =
            |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        tasks.flatten().map(name).filter(|name| name.trim() == "tape helper 31").count()
    }

    /// Teams that many callers needed at a time end when these are gone, but for one.
    #[test]
    fn teams_end_when_they_are_not_needed() {
        const THREADS: usize = 32; // no other test has teams of so many
        let idle = || lock(&IDLE).iter().filter(|team| team.threads == THREADS).count();
        struct Wait(&'static std::sync::Barrier);
        impl Job for Wait {
            fn run(&mut self) {
                self.0.wait();
            }
        }
        static TOGETHER: std::sync::OnceLock<std::sync::Barrier> = std::sync::OnceLock::new();
        let together = TOGETHER.get_or_init(|| std::sync::Barrier::new(4));
        for _ in 0..2 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| run(THREADS, Box::new(Wait(together)), || Ok(())).1.unwrap().unwrap());
                }
            });
            assert!(idle() >= 1);
            let begin = std::time::Instant::now();
            while idle() > 1 && begin.elapsed() < Duration::from_secs(20) {
                thread::sleep(STAY);
            }
            assert_eq!(idle(), 1);
            while last_helpers() > 1 && begin.elapsed() < Duration::from_secs(20) {
                thread::sleep(STAY);
            }
            assert!(last_helpers() <= 1, "their threads end with them");
        }
    }
}
