//! Who has which window.

use std::collections::{BTreeMap, HashMap};

use callboard_protocol::{Failure, FailureKind, WindowRef, WindowSize};
use tokio::sync::watch;

/// What the process of a window is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowOrder {
    /// Come to the front.
    Raise,
    /// End.
    Close,
}

/// A way to the process of a window.
pub(crate) type Tell = Box<dyn Fn(WindowOrder) + Send + Sync>;

/// How large windows were when they were closed, by name.
pub(super) type Sizes = BTreeMap<String, WindowSize>;

/// How a window stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Standing {
    /// Its process was started, or asked to come to the front, and has not answered yet.
    Opening,
    /// It is there.
    Shown,
    /// Its process has ended.
    Ended(Failure),
}

/// What is to be done to open a window.
pub(super) enum Opening {
    /// It has a process, which was told.
    There(watch::Receiver<Standing>),
    /// A process is to be started with this token.
    New {
        standing: watch::Receiver<Standing>,
        token: String,
    },
}

/// The windows that are open or are being opened.
pub(super) struct Places {
    places: HashMap<WindowRef, Place>,
    /// Tokens that no process has used yet.
    tokens: Vec<String>,
    sizes: Sizes,
}

struct Place {
    standing: watch::Sender<Standing>,
    /// The token of the process that the host started for it.
    token: Option<String>,
    holder: Option<Holder>,
    /// Whether it was ever drawn.
    was_shown: bool,
    /// Why the host's own process ended, while the end of its connection has not come yet.
    failure: Option<Failure>,
}

struct Holder {
    session: u64,
    tell: Tell,
}

impl Places {
    pub(super) fn new(sizes: Sizes) -> Self {
        Self {
            places: HashMap::new(),
            tokens: Vec::new(),
            sizes,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn size(&self, window: &str) -> Option<WindowSize> {
        self.sizes.get(window).copied()
    }

    /// Finds the process of a window, or the place for a new one.
    pub(super) fn open(&mut self, window: &WindowRef) -> Opening {
        if let Some(place) = self.places.get(window) {
            let standing = place.standing.subscribe();
            if let Some(holder) = &place.holder {
                place.standing.send_replace(Standing::Opening);
                (holder.tell)(WindowOrder::Raise);
            }
            return Opening::There(standing);
        }
        let token = uuid::Uuid::new_v4().to_string();
        self.tokens.push(token.clone());
        let sender = watch::Sender::new(Standing::Opening);
        let standing = sender.subscribe();
        let place = Place {
            standing: sender,
            token: Some(token.clone()),
            holder: None,
            was_shown: false,
            failure: None,
        };
        self.places.insert(window.clone(), place);
        Opening::New { standing, token }
    }

    /// Uses up a token.
    pub(super) fn admit(&mut self, token: &str) -> bool {
        let found = self.tokens.iter().position(|known| known == token);
        found.map(|at| self.tokens.swap_remove(at)).is_some()
    }

    /// Gives a place to a connection, or asks the one that has it to come to the front.
    pub(super) fn hold(&mut self, session: u64, window: &WindowRef, tell: Tell) -> bool {
        let place = self.places.entry(window.clone()).or_insert_with(|| Place {
            standing: watch::Sender::new(Standing::Opening),
            token: None,
            holder: None,
            was_shown: false,
            failure: None,
        });
        if let Some(holder) = &place.holder {
            (holder.tell)(WindowOrder::Raise);
            return false;
        }
        place.holder = Some(Holder { session, tell });
        true
    }

    pub(super) fn shown(&mut self, session: u64) {
        let mut places = self.places.values_mut();
        if let Some(place) = places.find(|place| place.is_of(session)) {
            place.was_shown = true;
            place.standing.send_replace(Standing::Shown);
        }
    }

    /// Remembers a size; returns all sizes where that changed something.
    pub(super) fn resized(&mut self, session: u64, size: WindowSize) -> Option<Sizes> {
        let name = self.of(session)?.0.window.clone();
        let before = self.sizes.insert(name, size);
        (before != Some(size)).then(|| self.sizes.clone())
    }

    /// Gives up the place of a connection that has ended. Where the host's own process was never drawn, its end says why.
    pub(super) fn left(&mut self, session: u64) {
        let Some((window, _)) = self.of(session) else {
            return;
        };
        let window = window.clone();
        let Some(place) = self.places.get_mut(&window) else {
            return;
        };
        let waits_for_its_process = place.token.is_some() && !place.was_shown;
        if waits_for_its_process && place.failure.is_none() {
            place.holder = None;
            return;
        }
        let failure = place.failure.take().unwrap_or_else(closed);
        self.end(&window, failure);
    }

    /// The process that the host started with `token` has ended.
    pub(super) fn ended(&mut self, window: &WindowRef, token: &str, failure: Failure) {
        self.admit(token);
        let Some(place) = self.places.get_mut(window) else {
            return;
        };
        if place.token.as_deref() != Some(token) {
            return;
        }
        if place.holder.is_some() {
            place.failure = Some(failure);
        } else {
            self.end(window, failure);
        }
    }

    fn end(&mut self, window: &WindowRef, failure: Failure) {
        if let Some(place) = self.places.remove(window) {
            place.standing.send_replace(Standing::Ended(failure));
        }
    }

    pub(super) fn tell_all(&self, order: WindowOrder) {
        for holder in self
            .places
            .values()
            .filter_map(|place| place.holder.as_ref())
        {
            (holder.tell)(order);
        }
    }

    fn of(&self, session: u64) -> Option<(&WindowRef, &Place)> {
        let mut places = self.places.iter();
        places.find(|(_, place)| place.is_of(session))
    }
}

impl Place {
    fn is_of(&self, session: u64) -> bool {
        let holder = self.holder.as_ref();
        holder.is_some_and(|holder| holder.session == session)
    }
}

fn closed() -> Failure {
    Failure::new(FailureKind::Unavailable, "the window was closed").hint("open it again")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    type Told = Arc<Mutex<Vec<WindowOrder>>>;

    fn jobs() -> WindowRef {
        WindowRef {
            window: "jobs".to_owned(),
            job: None,
        }
    }

    fn teller() -> (Told, Tell) {
        let told = Told::default();
        let tell = Arc::clone(&told);
        (
            told,
            Box::new(move |order| tell.lock().unwrap().push(order)),
        )
    }

    fn new_token(places: &mut Places) -> String {
        match places.open(&jobs()) {
            Opening::New { token, .. } => token,
            Opening::There(_) => panic!("it is open"),
        }
    }

    #[test]
    fn a_second_request_raises_the_first_window() {
        let mut places = Places::new(Sizes::new());
        let token = new_token(&mut places);
        assert!(
            matches!(places.open(&jobs()), Opening::There(_)),
            "while it opens"
        );
        assert!(places.admit(&token));
        assert!(!places.admit(&token), "a token is good for one connection");
        let (told, tell) = teller();
        assert!(places.hold(1, &jobs(), tell));
        places.shown(1);
        let Opening::There(standing) = places.open(&jobs()) else {
            panic!("a second process would be started");
        };
        assert_eq!(
            *standing.borrow(),
            Standing::Opening,
            "until it is in front"
        );
        places.shown(1);
        assert_eq!(*standing.borrow(), Standing::Shown);
        let (_, other) = teller();
        assert!(
            !places.hold(2, &jobs(), other),
            "nor one that a person starts"
        );
        assert_eq!(
            *told.lock().unwrap(),
            [WindowOrder::Raise, WindowOrder::Raise]
        );
    }

    #[test]
    fn a_window_that_died_leaves_its_place() {
        let mut places = Places::new(Sizes::new());
        let token = new_token(&mut places);
        places.ended(&jobs(), &token, closed());
        assert!(!places.admit(&token), "what was not used is used up");
        let token = new_token(&mut places);
        assert!(places.hold(1, &jobs(), teller().1));
        places.shown(1);
        places.left(1);
        let again = new_token(&mut places);
        places.ended(&jobs(), &token, closed());
        assert_eq!(
            places.len(),
            1,
            "the end of the first is not that of the second"
        );
        assert!(places.admit(&again));
    }

    #[test]
    fn why_a_window_was_never_drawn_is_told_whichever_end_comes_first() {
        let why = Failure::new(FailureKind::Unavailable, "the display takes no window");
        for process_first in [true, false] {
            let mut places = Places::new(Sizes::new());
            let Opening::New { standing, token } = places.open(&jobs()) else {
                panic!("it is open");
            };
            assert!(places.hold(1, &jobs(), teller().1));
            if process_first {
                places.ended(&jobs(), &token, why.clone());
                places.left(1);
            } else {
                places.left(1);
                places.ended(&jobs(), &token, why.clone());
            }
            assert_eq!(*standing.borrow(), Standing::Ended(why.clone()));
            assert_eq!(places.len(), 0);
        }
    }

    #[test]
    fn the_size_of_a_window_is_remembered_by_its_name() {
        let mut places = Places::new(Sizes::new());
        let size = WindowSize {
            width: 800,
            height: 600,
        };
        assert!(places.hold(1, &jobs(), teller().1));
        assert_eq!(places.resized(1, size).unwrap()["jobs"], size);
        assert_eq!(places.resized(1, size), None, "nothing is new");
        assert_eq!(places.resized(2, size), None, "nobody has that window");
        assert_eq!(places.size("jobs"), Some(size));
    }
}
