//! A person at a terminal: reads what a program draws, presses keys, resizes the window.

use std::{
    io::{Read as _, Write as _},
    process::{Child, Command},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use pty_process::{
    Size,
    blocking::{Pts, Pty},
};
use rustix::{
    process::{Pid, Signal, kill_process},
    termios::{LocalModes, tcgetattr},
};
use vt100::{Color, Parser};

/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A person at a terminal.
pub(crate) struct Person {
    pty: Arc<Pty>,
    // Without it the terminal would be gone together with the program.
    pts: Pts,
    seen: Arc<Mutex<Parser>>,
    child: Child,
}

impl Drop for Person {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Person {
    /// Starts a program on a terminal of this size.
    pub(crate) fn sit_down(command: &mut Command, width: u16, height: u16) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("a terminal");
        pty.resize(Size::new(height, width)).expect("a size");
        let mut on_terminal = pty_process::blocking::Command::new(command.get_program())
            .args(command.get_args())
            .env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                on_terminal = on_terminal.env(name, value);
            }
        }
        let child = on_terminal.spawn_borrowed(&pts).expect("the program starts");
        let (pty, seen) = (Arc::new(pty), Arc::new(Mutex::new(parser(width, height))));
        let (read, shown) = (Arc::clone(&pty), Arc::clone(&seen));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = (&*read).read(&mut bytes) {
                shown.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..count]);
            }
        });
        Self { pty, pts, seen, child }
    }

    fn seen(&self) -> MutexGuard<'_, Parser> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub(crate) fn see(&self, text: &str) {
        let since = Instant::now();
        loop {
            let screen = self.seen().screen().contents();
            if screen.contains(text) {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "`{text}` is not on the screen:\n{screen}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("pressed");
    }

    /// Makes the window larger or smaller.
    pub(crate) fn resize(&self, width: u16, height: u16) {
        *self.seen() = parser(width, height);
        self.pty.resize(Size::new(height, width)).expect("a size");
    }

    /// Ends the program as the system does.
    pub(crate) fn terminate(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(pid, Signal::TERM).expect("a signal");
    }

    /// Waits until the program has ended; returns its exit code.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) -> Option<i32> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a process") {
                return status.code();
            }
            let screen = self.seen().screen().contents();
            assert!(since.elapsed() < PATIENCE, "the program does not end:\n{screen}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns whether anything on the screen has a colour.
    pub(crate) fn has_colours(&self) -> bool {
        let seen = self.seen();
        let screen = seen.screen();
        let (height, width) = screen.size();
        (0..height.get()).any(|row| {
            (0..width.get()).any(|column| {
                screen.cell(row, column).is_some_and(|cell| cell.fgcolor() != Color::Default)
            })
        })
    }

    /// Checks that the terminal is as it was before.
    #[track_caller]
    pub(crate) fn has_the_terminal_back(&self) {
        let modes = tcgetattr(&self.pts).expect("the modes of the terminal").local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG));
        let seen = self.seen();
        let screen = seen.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    }
}

fn parser(width: u16, height: u16) -> Parser {
    let size = |length: u16| length.try_into().expect("a size above zero");
    Parser::new(size(height), size(width), 0)
}
