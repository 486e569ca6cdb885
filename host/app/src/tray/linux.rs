//! The tray on Linux: a StatusNotifierItem on the session bus. No GUI toolkit and no display are needed.
//!
//! The main thread takes orders and looks after a second thread, `tray`, which owns the icon:
//! a bus that accepts a connection and never answers would hold up whoever builds the icon for ever.

mod notifications;

use std::sync::mpsc::{RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use zbus::fdo::{DBusProxy, NameOwnerChangedStream};
use zbus::names::BusName;

use super::drawing::{build_icon, show_look, show_menu};
use super::{Desk, Order, Telling, Tray, absent, forward_choices, log, present};
use crate::surface::tray::{Command, Menu};
use notifications::Notifications;

/// What a desktop's tray is called on the bus.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// How long the bus may take to answer before the host goes on without a tray.
const BUILD: Duration = Duration::from_secs(5);

/// How long to wait before the bus is tried again; doubled with each further try, up to the longest.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// How long the icon may take to go away at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// How many tellings may wait for the bus.
const TELLINGS: usize = 16;

/// The tray of freedesktop's desktops.
pub(crate) struct StatusNotifier;

/// How the icon stands, told by the thread that keeps it.
#[derive(Debug)]
pub(crate) struct News {
    /// Which thread tells it; one that was given up may still talk.
    keeper: u64,
    state: IconState,
}

#[derive(Debug)]
enum IconState {
    /// The icon is on the bus, and a desktop shows it or does not.
    OnBus { is_shown: bool },
    /// The thread has ended.
    Gone { reason: String },
}

impl Tray for StatusNotifier {
    fn run(self, desk: Desk) {
        forward_choices(desk.commands.clone());
        let mut main = Main {
            desk,
            menu: None,
            keeper: None,
            last_keeper: 0,
            retry: RETRY,
            retry_at: None,
        };
        main.run();
    }
}

/// What the main thread knows.
struct Main {
    desk: Desk,
    menu: Option<Menu>,
    keeper: Option<Keeper>,
    last_keeper: u64,
    retry: Duration,
    retry_at: Option<Instant>,
}

/// The thread that keeps the icon, as the main thread sees it.
struct Keeper {
    number: u64,
    menu: watch::Sender<Menu>,
    tellings: mpsc::Sender<Telling>,
    /// When to give it up; none once it was on the bus.
    give_up_at: Option<Instant>,
}

impl Main {
    fn run(&mut self) {
        loop {
            match self.next_order() {
                Some(Order::Show(menu)) => self.show(menu),
                Some(Order::Tell(telling)) => self.tell(telling),
                Some(Order::Icon(news)) => self.hear(news),
                Some(Order::End) => break,
                None => self.look_after(),
            }
        }
        self.end();
    }

    /// Waits for an order, or until something is due.
    fn next_order(&self) -> Option<Order> {
        let due = match &self.keeper {
            Some(keeper) => keeper.give_up_at,
            None => self.retry_at,
        };
        let received = match due {
            None => self
                .desk
                .orders
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => self
                .desk
                .orders
                .recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        match received {
            Ok(order) => Some(order),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Order::End),
        }
    }

    /// Shows a menu; the first one brings the icon up.
    fn show(&mut self, menu: Menu) {
        if let Some(keeper) = &self.keeper {
            keeper.menu.send_replace(menu.clone());
        } else if self.menu.is_none() {
            self.start_keeper(menu.clone());
        }
        self.menu = Some(menu);
    }

    fn tell(&self, telling: Telling) {
        match &self.keeper {
            Some(keeper) if keeper.tellings.try_send(telling.clone()).is_ok() => {}
            // There is no bus, or it is busy: the log is the only place left.
            _ => log(&telling),
        }
    }

    fn hear(&mut self, news: News) {
        let Some(keeper) = self
            .keeper
            .as_mut()
            .filter(|keeper| keeper.number == news.keeper)
        else {
            return;
        };
        match news.state {
            IconState::OnBus { is_shown } => {
                keeper.give_up_at = None;
                self.retry = RETRY;
                if is_shown {
                    present(&self.desk.status);
                } else {
                    absent(&self.desk.status, "the desktop has no tray");
                }
            }
            IconState::Gone { reason } => {
                absent(&self.desk.status, &reason);
                self.keeper = None;
                self.try_later();
            }
        }
    }

    /// Does what is due: gives up a thread that the bus holds up, or tries again.
    fn look_after(&mut self) {
        let now = Instant::now();
        if let Some(keeper) = &self.keeper {
            if keeper.give_up_at.is_some_and(|at| at <= now) {
                absent(&self.desk.status, "the session bus does not answer");
                // Dropping its channels ends the thread, should the bus ever answer.
                self.keeper = None;
                self.try_later();
            }
        } else if self.retry_at.is_some_and(|at| at <= now)
            && let Some(menu) = self.menu.clone()
        {
            self.start_keeper(menu);
        }
    }

    fn try_later(&mut self) {
        self.retry_at = Some(Instant::now() + self.retry);
        self.retry = (self.retry * 2).min(RETRY_LONGEST);
    }

    fn start_keeper(&mut self, menu: Menu) {
        self.last_keeper += 1;
        self.retry_at = None;
        let (menu, menus) = watch::channel(menu);
        let (tellings, told) = mpsc::channel(TELLINGS);
        let thread = IconThread {
            number: self.last_keeper,
            menus,
            tellings: told,
            orders: self.desk.sender.clone(),
            commands: self.desk.commands.clone(),
        };
        let runtime = self.desk.runtime.clone();
        let started = std::thread::Builder::new()
            .name("tray".into())
            .stack_size(512 * 1024)
            .spawn(move || thread.run(&runtime));
        match started {
            Ok(_) => {
                self.keeper = Some(Keeper {
                    number: self.last_keeper,
                    menu,
                    tellings,
                    give_up_at: Some(Instant::now() + BUILD),
                });
            }
            Err(error) => {
                absent(
                    &self.desk.status,
                    &format!("no thread for the tray: {error}"),
                );
                self.try_later();
            }
        }
    }

    /// Takes the icon away, and waits a moment for that.
    fn end(&mut self) {
        let Some(keeper) = self.keeper.take() else {
            return;
        };
        let number = keeper.number;
        drop(keeper);
        let until = Instant::now() + FAREWELL;
        while let Ok(order) = self
            .desk
            .orders
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            if let Order::Icon(News {
                keeper,
                state: IconState::Gone { .. },
            }) = order
                && keeper == number
            {
                return;
            }
        }
    }
}

/// The thread that owns the icon.
struct IconThread {
    number: u64,
    menus: watch::Receiver<Menu>,
    tellings: mpsc::Receiver<Telling>,
    orders: SyncSender<Order>,
    commands: mpsc::Sender<Command>,
}

impl IconThread {
    fn run(mut self, runtime: &Handle) {
        let reason = match runtime.block_on(self.keep_icon()) {
            Ok(()) => "it was taken away".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        self.report(IconState::Gone { reason });
    }

    /// Keeps the icon until the main thread lets go or the bus dies.
    async fn keep_icon(&mut self) -> anyhow::Result<()> {
        let connection = zbus::Connection::session()
            .await
            .context("there is no session bus")?;
        let bus = DBusProxy::new(&connection).await?;
        let mut owners = bus
            .receive_name_owner_changed_with_args(&[(0, WATCHER)])
            .await?;
        let is_shown = bus.name_has_owner(BusName::try_from(WATCHER)?).await?;
        let mut shown = self.menus.borrow_and_update().clone();
        let icon = build_icon(&shown)?;
        let mut notifications = Notifications::listen(&connection, self.commands.clone()).await?;
        self.report(IconState::OnBus { is_shown });
        loop {
            tokio::select! {
                changed = self.menus.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    let menu = self.menus.borrow_and_update().clone();
                    if menu.look != shown.look {
                        show_look(&icon, menu.look)?;
                    }
                    show_menu(&icon, &menu)?;
                    shown = menu;
                }
                Some(telling) = self.tellings.recv() => notifications.tell(&telling).await?,
                heard = notifications.next() => heard?,
                is_shown = next_owner(&mut owners) => {
                    let is_shown = is_shown.context("the session bus went away")?;
                    self.report(IconState::OnBus { is_shown });
                }
            }
        }
    }

    fn report(&self, state: IconState) {
        let news = News {
            keeper: self.number,
            state,
        };
        // The main thread only stops listening when the program ends.
        drop(self.orders.send(Order::Icon(news)));
    }
}

/// Waits until a tray appears on the desktop or goes away; none when the bus is gone.
async fn next_owner(owners: &mut NameOwnerChangedStream) -> Option<bool> {
    let change = owners.next().await?;
    Some(
        change
            .args()
            .is_ok_and(|change| change.new_owner().is_some()),
    )
}
