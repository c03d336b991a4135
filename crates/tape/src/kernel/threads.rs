//! Threads that share a computation.
//!
//! A team is a leader and its helpers, kept for the life of the process and asleep while there is nothing to do. Who has
//! work gives it away, to the leader, and gets it back when it is done: nothing is borrowed, and nothing is allocated. On the
//! leader's thread [`join`] shares work with the helpers. What is computed never depends on how the work was cut.
//!
//! Who works on a thread of a [`pool`] already gives nothing away: the other threads of the pool help.

use std::any::Any;
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

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

/// Lets a team of at least so many threads do the work, and gives it back; untouched, with what the system says, if there are no
/// more threads. Every thread of a new team is prepared first.
pub(crate) fn run(
    threads: usize,
    work: Box<dyn Job>,
    prepare: fn(),
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
pub(crate) fn reserve(threads: usize, prepare: fn()) -> Result<(), String> {
    let team = idle_or_new(threads, prepare)?;
    lock(&IDLE).push(team);
    Ok(())
}

fn idle_or_new(threads: usize, prepare: fn()) -> Result<Arc<Team>, String> {
    // Of few sizes, so that runs of many different ones do not each leave a team behind.
    let threads = threads.next_power_of_two();
    idle(threads).map_or_else(|| Team::start(threads, prepare), Ok)
}

fn idle(threads: usize) -> Option<Arc<Team>> {
    let mut idle = lock(&IDLE);
    let at = idle.iter().rposition(|team| team.threads == threads)?;
    Some(idle.swap_remove(at))
}

fn lock<X>(mutex: &Mutex<X>) -> MutexGuard<'_, X> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Team {
    fn start(threads: usize, prepare: fn()) -> Result<Arc<Self>, String> {
        let team = Arc::new(Team { threads, state: Mutex::new(State::Working), changed: Condvar::new() });
        let (leader, (told, started)) = (team.clone(), std::sync::mpsc::channel());
        let lead = move || {
            // The pool makes this thread its first one, and lives as long as the thread.
            let builder = ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
            let pool = builder.thread_name(|index| format!("tape helper {index}")).build();
            let pool = pool.inspect(|pool| drop(pool.broadcast(|_| prepare())));
            let helpers = pool.as_ref().map(|_| ()).map_err(ToString::to_string);
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
        loop {
            let mut work = self.next();
            let outcome = catch_unwind(AssertUnwindSafe(|| work.run()));
            *lock(&self.state) = State::Done(work, outcome);
            self.changed.notify_all();
        }
    }

    /// Waits for work: for some microseconds by yielding to others, since steps come one after the other and waking takes
    /// longer, and then asleep.
    fn next(&self) -> Box<dyn Job> {
        const YIELDS: usize = 100;
        let mut yields = 0;
        let mut state = lock(&self.state);
        loop {
            match std::mem::replace(&mut *state, State::Working) {
                State::Given(work) => return work,
                other => *state = other,
            }
            if yields < YIELDS {
                yields += 1;
                drop(state);
                thread::yield_now();
                state = lock(&self.state);
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
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
pub(crate) fn pool(threads: usize, prepare: fn()) -> Result<ThreadPool, String> {
    let begin = move |_| {
        HERE.set(threads);
        prepare();
    };
    let builder = ThreadPoolBuilder::new().num_threads(threads).start_handler(begin);
    let named = builder.thread_name(|index| format!("tape thread {index}"));
    named.build().map_err(|error| error.to_string())
}

/// How many threads the processor runs at a time. Asked once: the system takes longer to tell than a small program to compile.
pub(crate) fn available() -> usize {
    static AVAILABLE: OnceLock<usize> = OnceLock::new();
    *AVAILABLE.get_or_init(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// Runs both closures, the second on another thread if one is free. To be called on a thread of a team or of a pool.
pub(crate) fn join<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    rayon_core::join(first, second)
}

/// Where to cut `count` things for two groups of threads, at a multiple of `step`; the second group has as many threads
/// as the first, or one more.
pub(crate) fn cut(count: usize, threads: usize, step: usize) -> usize {
    let steps = count.div_ceil(step);
    (steps * (threads / 2) / threads * step).min(count)
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
        let (work, outcome) = run(threads, Box::new(Sum(numbers, 0)), || {});
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

    #[test]
    fn a_cut_is_at_a_whole_step() {
        assert_eq!(cut(64, 2, 8), 32);
        assert_eq!(cut(10, 2, 8), 8);
        assert_eq!(cut(7, 2, 8), 0);
        assert_eq!(cut(700, 7, 1), 300);
        assert_eq!(cut(0, 2, 8), 0);
    }
}
