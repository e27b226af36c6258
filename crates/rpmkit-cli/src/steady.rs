//! A terminal for progress that never fails: one that is closed while a bar is drawn says EIO, which
//! is no reason to stop drawing before the hang-up signal has been seen.

use std::io;

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

/// Times a second, as indicatif itself draws.
const RATE: u8 = 20;

/// Progress on standard error.
pub(crate) fn progress() -> MultiProgress {
    let target =
        ProgressDrawTarget::term_like_with_hz(Box::new(Steady(Term::buffered_stderr())), RATE);
    MultiProgress::with_draw_target(target)
}

#[derive(Debug)]
struct Steady(Term);

/// Whatever came of it.
fn done(_: io::Result<()>) -> io::Result<()> {
    Ok(())
}

impl TermLike for Steady {
    fn width(&self) -> u16 {
        self.0.size().1
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        done(self.0.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        done(self.0.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        done(self.0.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        done(self.0.move_cursor_left(n))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        done(self.0.write_line(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        done(self.0.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        done(self.0.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        done(self.0.flush())
    }
}
