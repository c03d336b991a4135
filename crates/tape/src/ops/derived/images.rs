//! Images: convolution and pooling by chosen rows, one product, and reductions.
//!
//! An image of c channels, h × w, is a column of c·h·w elements, channel by channel, and in each row
//! by row: as other libraries flatten it.

use std::collections::BTreeMap;

use crate::ops::indices::{RowNumbers, ZEROS};
use crate::ops::matmul::Matmul;
use crate::tape::notation::Over;
use crate::{Scalar, Var};

/// The most pixels of an image, and that a window sees at all positions: [`ZEROS`] is no number of one.
const MOST: usize = ZEROS as usize - 1;

/// The size of images that are columns: channels × height × width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Image {
    /// Number of channels.
    pub channels: usize,
    /// Number of rows of pixels.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
}

/// A window that moves over an image.
///
/// ```
/// use tape::{Image, Window};
/// let image = Image { channels: 3, height: 8, width: 8 };
/// let same = Window::new(3, 3).padding(1);
/// assert_eq!(same.positions(image), Some((8, 8)));
/// assert_eq!(Window::new(2, 2).stride(2).positions(image), Some((4, 4)));
/// assert_eq!(Window::new(9, 1).positions(image), None); // it does not fit
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    height: usize,
    width: usize,
    stride: usize,
    padding: usize,
}

impl Window {
    /// A window of so many rows and columns of pixels, that moves by one, without padding.
    pub fn new(height: usize, width: usize) -> Self {
        Window { height, width, stride: 1, padding: 0 }
    }

    /// How far it moves at a time, down and to the right.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Window { stride, ..self }
    }

    /// How many pixels it may stand out on every side; there are zeros.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Window { padding, ..self }
    }

    /// How many positions it has down and to the right; `None` if it does not fit, has no pixels, or
    /// does not move.
    pub fn positions(self, image: Image) -> Option<(usize, usize)> {
        let along = |extent: usize, window: usize| {
            let room = extent.checked_add(self.padding.checked_mul(2)?)?.checked_sub(window)?;
            (window > 0).then_some(room.checked_div(self.stride)? + 1)
        };
        Some((along(image.height, self.height)?, along(image.width, self.width)?))
    }

    /// As messages tell it.
    fn told(self) -> String {
        let Window { height, width, stride, padding } = self;
        format!("a window of {height}×{width}, stride {stride}, padding {padding},")
    }

    /// How many pixels it sees at all positions and in all channels, those beside the image among
    /// them; `None` if they are too many to have numbers.
    fn seen(self, image: Image, (down, right): (usize, usize)) -> Option<usize> {
        let of_one = self.height.checked_mul(self.width)?.checked_mul(image.channels)?;
        of_one.checked_mul(down)?.checked_mul(right).filter(|&seen| seen <= MOST)
    }

    /// The row of every pixel of a channel that the window sees at a position, `None` beside the
    /// image.
    fn pixels(
        self,
        image: Image,
        channel: usize,
        (down, right): (usize, usize),
    ) -> impl Iterator<Item = Option<u32>> {
        let pixel = move |y: usize, x: usize| {
            let y = (down * self.stride + y).checked_sub(self.padding).filter(|&y| y < image.height)?;
            let x = (right * self.stride + x).checked_sub(self.padding).filter(|&x| x < image.width)?;
            u32::try_from((channel * image.height + y) * image.width + x).ok()
        };
        (0..self.height).flat_map(move |y| (0..self.width).map(move |x| pixel(y, x)))
    }
}

impl Image {
    fn elements(self) -> Option<usize> {
        self.channels.checked_mul(self.height)?.checked_mul(self.width)
    }
}

/// All positions, row by row.
fn positions((down, right): (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    (0..down).flat_map(move |y| (0..right).map(move |x| (y, x)))
}

/// # Images
impl<'t, T: Scalar> Var<'t, T> {
    /// The convolution of images, (c·h·w) × m, with kernels, k × (c·kh·kw), a kernel a row, as other
    /// libraries flatten them; and a bias, k × 1, if there is one. The result is (k·h′·w′) × m, an
    /// image of k channels for each.
    ///
    /// It is one product: K * X′ + b, where X′, (c·kh·kw) × (h′·w′·m), has a column for each
    /// position, made by [`rows_at`](Var::rows_at) and [`unfold`](Var::unfold).
    ///
    /// ```
    /// use tape::{Image, Tape, Window, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &matrix![[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]]); // 2 × 3
    /// let image = Image { channels: 1, height: 2, width: 3 };
    /// let k = tape.parameter("K", &matrix![[1.0, 1.0, 1.0, 1.0]]);
    /// let sums = x.conv2d(image, k, None, Window::new(2, 2));
    /// assert_eq!(sums.value()?, matrix![[12.0], [16.0]]);
    /// assert_eq!(x.max_pool2d(image, Window::new(2, 2)).value()?, matrix![[5.0], [6.0]]);
    /// assert_eq!(x.avg_pool2d(image, Window::new(2, 2)).value()?, matrix![[3.0], [4.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn conv2d(self, image: Image, kernels: Self, bias: impl Into<Option<Self>>, window: Window) -> Self {
        if self.is_void() || kernels.is_void() {
            return if self.is_void() { self } else { kernels };
        }
        let places = match self.places("conv2d", image, window) {
            Ok(places) => places,
            Err(mistake) => return mistake,
        };
        let seen = |at| (0..image.channels).flat_map(move |channel| window.pixels(image, channel, at));
        let rows = positions(places).flat_map(seen).map(|pixel| pixel.unwrap_or(ZEROS));
        let columns = self.rows_of(RowNumbers::new(rows)).unfold(places.0 * places.1);
        let product = self.tape.push(Matmul::PLAIN, &[kernels, columns]);
        // A closure would note its own line, not the user's.
        let result = match bias.into() {
            Some(bias) => product + bias,
            None => product,
        };
        match result.is_void() {
            true => result,
            false => result.block_t().fold(result.known_shape().rows.at(0)),
        }
    }

    /// The greatest pixel of each window, channel by channel: (c·h·w) × m becomes (c·h′·w′) × m.
    /// Pixels beside the image do not count; a window that sees none of the image is an error.
    /// Where several are greatest, they share the gradient.
    #[track_caller]
    pub fn max_pool2d(self, image: Image, window: Window) -> Self {
        let places = match self.places("max_pool2d", image, window) {
            Ok(places) => places,
            Err(mistake) => return mistake,
        };
        // Windows that see as many pixels are side by side: nothing stands for those beside the
        // image, and would take a share where it ties.
        let (mut seen, mut which) = (BTreeMap::<usize, Vec<u32>>::new(), Vec::new());
        for channel in 0..image.channels {
            for at in positions(places) {
                let inside: Vec<u32> = window.pixels(image, channel, at).flatten().collect();
                if inside.is_empty() {
                    let Image { height, width, .. } = image;
                    let reason =
                        format!("{} comes to where it sees nothing of {height}×{width}", window.told());
                    return self.tape.refused("max_pool2d", reason);
                }
                let of_as_many = seen.entry(inside.len()).or_default();
                which.push((inside.len(), of_as_many.len() / inside.len()));
                of_as_many.extend(inside);
            }
        }
        let mut greatest = Vec::new();
        let mut starts = BTreeMap::new();
        let mut start = 0;
        for (pixels, rows) in seen {
            let count = rows.len() / pixels;
            greatest.push(self.greatest_of(rows, count));
            starts.insert(pixels, start);
            start += count;
        }
        if let [all] = *greatest {
            return all;
        }
        let row = |(pixels, at): (usize, usize)| starts[&pixels] + at;
        self.tape.stack_rows(&greatest).rows_at(&which.into_iter().map(row).collect::<Vec<_>>())
    }

    /// The greatest of each of so many windows, whose pixels are these rows, window by window.
    #[track_caller]
    fn greatest_of(self, rows: Vec<u32>, windows: usize) -> Self {
        self.rows_of(RowNumbers::new(rows)).unfold(windows).max_over(Over::Rows).fold(windows)
    }

    /// The mean of each window, channel by channel. Pixels beside the image count as zeros.
    #[track_caller]
    pub fn avg_pool2d(self, image: Image, window: Window) -> Self {
        let places = match self.places("avg_pool2d", image, window) {
            Ok(places) => places,
            Err(mistake) => return mistake,
        };
        let seen = |channel| positions(places).flat_map(move |at| window.pixels(image, channel, at));
        let rows = (0..image.channels).flat_map(seen).map(|pixel| pixel.unwrap_or(ZEROS));
        let windows = image.channels * places.0 * places.1;
        self.rows_of(RowNumbers::new(rows)).unfold(windows).mean_over(Over::Rows).fold(windows)
    }

    /// The positions of a window on the images that the columns are, or the mistake.
    #[track_caller]
    fn places(
        self,
        operation: &'static str,
        image: Image,
        window: Window,
    ) -> std::result::Result<(usize, usize), Self> {
        if self.is_void() {
            return Err(self);
        }
        let Image { channels, height, width } = image;
        let rows = self.known_shape().rows;
        if image.elements().is_none_or(|elements| rows != elements.into()) || channels == 0 {
            let reason =
                format!("{} has {rows} rows, and is no image of {channels}×{height}×{width}", self.label());
            return Err(self.tape.refused(operation, reason));
        }
        let Some(positions) = window.positions(image) else {
            let reason = format!("{} does not move over {height}×{width}", window.told());
            return Err(self.tape.refused(operation, reason));
        };
        if image.elements() > Some(MOST) || window.seen(image, positions).is_none() {
            let reason =
                format!("{} sees more than {MOST} pixels of {channels}×{height}×{width}", window.told());
            return Err(self.tape.refused(operation, reason));
        }
        Ok(positions)
    }
}
