//! What commands say on standard output: whoever stops listening does not change what is so.

use std::fmt::Display;
use std::io::Write;

/// Says a line.
pub(super) fn say(text: impl Display) {
    _ = writeln!(std::io::stdout(), "{text}");
}
