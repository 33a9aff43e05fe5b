//! hwlatdetect's options and output, with hwgap's measurement behind them.
//!
//! What other programs read stays as it is, line by line: the form of rt-tests
//! 2.4, 2.6 or 2.10 (`src/hwlatdetect/hwlatdetect.py` there). Three things
//! differ, as the original's answer would not be true:
//!
//! - the width is the least that is sampled of a window, not the most, as no
//!   interrupt is held off;
//! - SMIs that could not be counted are not counted as 0;
//! - two lines are new, `Sampling:` among the parameters and `Coverage:` at the
//!   end. No known reader of the output stumbles over a line that it does not
//!   look for.

mod account;
mod format;
mod notes;
mod parameters;
mod sample;
mod text;
mod watch;

pub use account::{Account, Smis};
pub use format::Format;
pub use notes::{doubt, notes};
pub use parameters::{Listing, Parameters, Voice, Width};
pub use sample::Sample;
pub use text::{Sampled, closing, opening};
pub use watch::{Shown, Watch};
