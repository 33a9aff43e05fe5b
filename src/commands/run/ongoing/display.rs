//! What is shown on standard error while a run goes on. A terminal that was
//! stopped with Ctrl-S takes nothing, and a log may be a pipe that nobody reads:
//! only this thread waits for them.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crate::plan::LoadPlan;
use crate::privileges::{Keep, Writes};
use crate::render::standing::Standing;
use crate::session::{MessageSink, Progress, View};
use crate::sys::{sched, signals};
use crate::units::Nanos;

use super::screen::Screen;
use super::{STACK, offer};

/// Messages that wait for a slow reader at most.
const MOST_WAITING: usize = 64;
/// How long the end of a run waits for a terminal that takes nothing.
const PATIENCE: Duration = Duration::from_secs(1);

enum Message {
    View(View),
    Text(String),
    End,
}

/// The collector's end of the display.
pub(in super::super) struct Display {
    shown: Shown,
    messages: SyncSender<Message>,
    ended: Receiver<()>,
}

#[derive(Clone, Copy, Debug)]
enum Shown {
    Nothing,
    /// A view that is drawn anew.
    View,
    /// A line each time, the next one when this much has elapsed.
    Lines {
        interval: Nanos,
        next: Nanos,
    },
}

impl Display {
    /// Starts the thread. It belongs to no scope: a terminal that takes nothing
    /// must not keep the program from its end. `interval` is for lines where
    /// there is no terminal, or a load writes to it as well.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(in super::super) fn start(
        standing: Standing,
        interval: Option<Nanos>,
        load: Option<&LoadPlan>,
    ) -> std::io::Result<Display> {
        let is_drawn = load.is_none() && std::io::stderr().is_terminal();
        let shown = match (is_drawn, interval) {
            (true, _) => Shown::View,
            (false, Some(interval)) => Shown::Lines {
                interval,
                next: interval,
            },
            (false, None) => Shown::Nothing,
        };
        let (messages, inbox) = sync_channel(MOST_WAITING);
        let (end, ended) = sync_channel(1);
        std::thread::Builder::new()
            .name(String::from("display"))
            .stack_size(STACK)
            .spawn(move || {
                // Signals are the collector's.
                signals::block_all();
                // Where it is refused, drawing competes with the collector.
                let _ = sched::set_background();
                Keep::least(Writes::Nothing).apply();
                match shown {
                    Shown::View => draw(&inbox, standing),
                    Shown::Lines { .. } | Shown::Nothing => print(&inbox, standing),
                }
                let _ = end.send(());
            })?;
        Ok(Display {
            shown,
            messages,
            ended,
        })
    }
}

impl Progress for Display {
    fn look(&mut self, view: &View) {
        match &mut self.shown {
            Shown::Nothing => return,
            Shown::View => {}
            Shown::Lines { interval, next } => {
                if view.elapsed < *next {
                    return;
                }
                *next = view.elapsed.saturating_add(*interval);
            }
        }
        offer(&self.messages, Message::View(view.clone()));
    }

    /// Where the reader of standard error takes nothing a text is lost; the
    /// report has what matters.
    fn messages(&self) -> MessageSink {
        let messages = self.messages.clone();
        MessageSink::new(move |text| {
            offer(&messages, Message::Text(text));
        })
    }

    fn end(&mut self) {
        // In vain where the queue is full: then nobody reads.
        if offer(&self.messages, Message::End) {
            let _ = self.ended.recv_timeout(PATIENCE);
        }
    }
}

fn draw(inbox: &Receiver<Message>, standing: Standing) {
    let mut screen = Screen::new(standing);
    while let Ok(message) = inbox.recv() {
        match message {
            Message::View(view) => screen.draw(&view),
            Message::Text(text) => screen.tell(&text),
            Message::End => break,
        }
    }
    screen.clear();
}

fn print(inbox: &Receiver<Message>, standing: Standing) {
    // Nothing can be said of a standard error that takes nothing.
    let print = |text: &str| {
        let _ = std::io::stderr().write_all(text.as_bytes());
    };
    while let Ok(message) = inbox.recv() {
        match message {
            Message::View(view) => print(&format!("hwgap: {}\n", standing.line(&view))),
            Message::Text(text) => print(&text),
            Message::End => break,
        }
    }
}
