//! A bar for whoever is looking, with what is left and J.

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tape::printable;

use crate::minimize::{Budget, Iteration};
use crate::text::Short;
use crate::{Epoch, Losses};

/// A bar on standard error that tells how much of a training, a search or a minimisation is done,
/// the time that is left, and J.
///
/// Where standard error is no terminal, it is silent; what takes less than a
/// [second](Self::after) is not worth a bar. When it is dropped it goes away, unless it is to
/// [stay](Self::stay).
///
/// ```
/// use mlp::{Activation, Mlp, Optimizer, Progress, Training};
/// use tape::matrix;
/// let mut xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
/// let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
/// let y = matrix![[0.0, 1.0, 1.0, 0.0]];
/// let progress = Progress::new("xor");
/// let training = Training::new(Optimizer::adam(0.05)?).epochs(300);
/// training.fit_with(&mut xor, &x, &y, |epoch| progress.epoch(epoch))?;
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// A [`Trainer`](crate::Trainer) has [`run_with`](crate::Trainer::run_with), a minimiser
/// `minimize_with` and [`iteration`](Self::iteration). A search evaluates several candidates at a
/// time, each of which is a [piece](Self::piece) of a [known number](Self::of):
///
/// ```
/// use mlp::Progress;
/// use mlp::search::{Goal, GridSearch};
/// let search = GridSearch::new().over("rate", [0.1, 0.2, 0.3]);
/// let (folds, candidates) = (2, search.candidates()?.len());
/// let progress = Progress::of("search", folds * candidates);
/// let table = search.run(Goal::Smallest, folds, |candidate, fold| {
///     let value = candidate.number("rate")? + fold as f64; // a training and its metric
///     progress.piece();
///     Ok(value)
/// })?;
/// assert_eq!(table.rows().len(), 3);
/// # Ok::<(), mlp::Error>(())
/// ```
pub struct Progress {
    bar: ProgressBar,
    place: Mutex<Place>,
    /// When it is worth a bar.
    after: Duration,
    /// Whether the number of pieces was told.
    is_of: bool,
}

#[derive(Default)]
struct Place {
    /// Where it is to be drawn, until it is time to.
    target: Option<ProgressDrawTarget>,
    /// The pieces of trainings before this one.
    before: u64,
    /// The pieces of this one.
    now: u64,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("of", &self.bar.length())
            .field("done", &self.bar.position())
            .finish_non_exhaustive()
    }
}

/// # Beginning
impl Progress {
    /// A bar of this name; how many pieces there are, epochs tell, and the first budget.
    pub fn new(name: impl AsRef<str>) -> Self {
        let target = stderr().is_terminal().then(ProgressDrawTarget::stderr);
        Progress::on(name.as_ref(), target)
    }

    /// A bar of so many pieces, whatever epochs tell: of a search, or of several trainings.
    pub fn of(name: impl AsRef<str>, pieces: usize) -> Self {
        Progress::new(name).of_pieces(pieces)
    }

    fn of_pieces(mut self, pieces: usize) -> Self {
        self.is_of = true;
        self.bar.set_length(pieces as u64);
        self
    }

    /// Shown after so long a time, and not after a second.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    fn on(name: &str, target: Option<ProgressDrawTarget>) -> Self {
        const BAR: &str = "{prefix} [{bar:30}] {pos}/{len}, {eta} left{msg}";
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        bar.set_prefix(printable(name).to_string());
        let place = Mutex::new(Place { target, ..Place::default() });
        Progress { bar, place, after: Duration::from_secs(1), is_of: false }
    }
}

/// # Going on
///
/// What is seen does not stop anything: each callback gives `Continue`.
impl Progress {
    /// An epoch is done. An epoch that does not follow the last one is one of another training,
    /// whose epochs come on top.
    pub fn epoch(&self, epoch: &Epoch) -> ControlFlow<()> {
        self.done(epoch.number as u64 + 1, epoch.of, &|| of_losses(&epoch.losses));
        ControlFlow::Continue(())
    }

    /// An iteration of a minimisation with this budget is done.
    ///
    /// ```
    /// use mlp::Progress;
    /// use mlp::minimize::{Budget, Lbfgs};
    /// let mut square = |x: &[f64], gradient: &mut [f64]| {
    ///     gradient[0] = 2.0 * x[0];
    ///     x[0] * x[0]
    /// };
    /// let (budget, progress) = (Budget::default(), Progress::new("parabola"));
    /// let mut x = [3.0];
    /// Lbfgs::new()
    ///     .budget(budget)
    ///     .minimize_with(&mut square, &mut x, |iteration| progress.iteration(iteration, &budget))?;
    /// assert!(x[0].abs() < 1e-6);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn iteration<T>(&self, iteration: &Iteration<'_, T>, budget: &Budget) -> ControlFlow<()> {
        self.done(iteration.number as u64, budget.iterations, &|| of_j(iteration.j));
        ControlFlow::Continue(())
    }

    /// One of the pieces is done, on whatever thread.
    pub fn piece(&self) {
        let mut place = self.place();
        place.now += 1;
        self.show(&mut place, &String::new);
    }

    /// Does something that writes to the terminal, with the bar out of its way.
    pub fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        self.bar.suspend(write)
    }

    /// Leaves the bar where it is, full or not.
    pub fn stay(self) {
        if !self.bar.is_hidden() {
            self.bar.abandon();
        }
    }

    /// So many pieces of `of` are done.
    fn done(&self, number: u64, of: usize, message: &dyn Fn() -> String) {
        let mut place = self.place();
        if number <= place.now {
            (place.before, place.now) = (place.before + place.now, 0);
        }
        if place.now == 0 {
            if !self.is_of {
                self.bar.set_length(place.before + of as u64);
            }
            if number > 1 {
                // It goes on from a checkpoint: what was done there has taken no time here.
                self.bar.set_position(place.before + number - 1);
                self.bar.reset_eta();
            }
        }
        place.now = number;
        self.show(&mut place, message);
    }

    fn show(&self, place: &mut Place, message: &dyn Fn() -> String) {
        if let Some(target) = place.target.take_if(|_| self.bar.elapsed() >= self.after) {
            self.bar.set_draw_target(target);
        }
        if !self.bar.is_hidden() {
            self.bar.set_message(message());
        }
        self.bar.set_position(place.before + place.now);
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bar that nobody has let stay goes away.
impl Drop for Progress {
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.bar.finish_and_clear();
        }
    }
}

fn of_losses(losses: &Losses) -> String {
    match losses.validation {
        None => of_j(losses.training),
        Some(validation) => format!("{}, validation {}", of_j(losses.training), figure(validation)),
    }
}

fn of_j(j: f64) -> String {
    format!(", J {}", figure(j))
}

/// With five digits.
fn figure(value: f64) -> String {
    let size = value.abs();
    match size == 0.0 || (1e-3..1e5).contains(&size) {
        true => format!("{value:.5}"),
        false if value.is_finite() => format!("{value:.4e}"),
        false => Short(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indicatif::TermLike;

    use super::*;

    /// A terminal of one line, which keeps all that was ever on it.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            120
        }
        fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> std::io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> std::io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> std::io::Result<()> {
            self.write_str("\n")
        }
        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Screen {
        fn progress(&self) -> Progress {
            let target = ProgressDrawTarget::term_like(Box::new(self.clone()));
            Progress::on("a training", Some(target)).after(Duration::ZERO)
        }
        /// The last line that was drawn.
        fn last(&self) -> String {
            let text = self.0.lock().unwrap();
            text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
        }
    }

    fn epoch(number: usize, of: usize, training: f64, validation: Option<f64>) -> Epoch {
        Epoch { number, of, losses: Losses { training, validation }, rate: 0.1 }
    }

    /// What is done is drawn as soon as the terminal is asked for it again.
    fn see(progress: &Progress) {
        progress.bar.force_draw();
    }

    #[test]
    fn a_bar_tells_what_is_done_what_is_left_and_j() {
        let screen = Screen::default();
        let progress = screen.progress();
        for number in 0..3 {
            assert_eq!(progress.epoch(&epoch(number, 10, 0.5, None)), ControlFlow::Continue(()));
        }
        see(&progress);
        let last = screen.last();
        assert!(last.starts_with("a training [=====") && last.contains("] 3/10, "), "{last}");
        assert!(last.contains(" left, J 0.50000"), "{last}");
        let _ = progress.epoch(&epoch(3, 10, 1e-9, Some(f64::INFINITY)));
        see(&progress);
        assert!(screen.last().ends_with(", J 1.0000e-9, validation inf"), "{}", screen.last());
        drop(progress);
        assert!(screen.0.lock().unwrap().ends_with('\n'), "the line is cleared");
    }

    #[test]
    fn trainings_come_on_top_of_each_other() {
        let screen = Screen::default();
        let progress = screen.progress();
        for of in [4, 2] {
            for number in 0..of {
                let _ = progress.epoch(&epoch(number, of, 1.0, None));
            }
        }
        see(&progress);
        assert!(screen.last().contains("] 6/6, "), "{}", screen.last());
        // One that stops early, of trainings that are counted before; and one that goes on from a checkpoint.
        let screen = Screen::default();
        let progress = screen.progress().of_pieces(20);
        for number in [0, 1, 0, 1, 2, 7, 8] {
            let _ = progress.epoch(&epoch(number, 10, 1.0, None));
        }
        see(&progress);
        assert!(screen.last().contains("] 11/20, "), "{}", screen.last());
    }

    #[test]
    fn pieces_come_from_several_threads() {
        let screen = Screen::default();
        let progress = screen.progress().of_pieces(40);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| progress.piece()));
            }
        });
        see(&progress);
        assert!(screen.last().contains("] 40/40, "), "{}", screen.last());
        assert_eq!(format!("{progress:?}"), "Progress { of: Some(40), done: 40, .. }");
        progress.suspend(|| ());
        progress.stay();
        assert!(screen.last().contains("40/40"), "it stays");
    }

    #[test]
    fn what_is_short_is_not_shown_and_nobody_sees_nothing() {
        let screen = Screen::default();
        let progress = screen.progress().after(Duration::from_secs(3600));
        for number in 0..100 {
            let _ = progress.epoch(&epoch(number, 100, f64::NAN, None));
        }
        drop(progress);
        assert_eq!(*screen.0.lock().unwrap(), "");
        let nobody = Progress::on("nobody", None).after(Duration::ZERO);
        let _ = nobody.epoch(&epoch(0, 0, 0.0, None));
        assert!(nobody.bar.is_hidden());
        nobody.stay();
    }

    #[test]
    fn names_stay_on_their_line() {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let progress = Progress::on("a\n\u{1b}[31m{eta}", Some(target)).after(Duration::ZERO);
        let _ = progress.epoch(&epoch(0, 1, f64::NAN, None));
        see(&progress);
        assert!(!screen.0.lock().unwrap().contains("\u{1b}[31m"), "{:?}", screen.0);
        assert!(screen.last().contains("J NaN"), "{}", screen.last());
    }
}
