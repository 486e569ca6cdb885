//! Finds the subscriptions that want an event without asking each of them.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use crate::candidate::{Candidate, Path};
use crate::expression::{Condition, Expression, Operator};

/// Subscriptions by key, sorted by what their expressions require.
///
/// An expression that can only match one topic, or topics with one beginning, lies in a drawer of that topic; within
/// the drawer it lies under one further required `key=value`, if it has one. An event opens only the drawers of its
/// topic, so subscriptions to other topics, or to other action identifiers, cost it nothing.
#[derive(Clone, Debug)]
pub struct SubscriptionIndex<K> {
    by_key: HashMap<K, Arc<Subscription<K>>>,
    topics: HashMap<Box<str>, Drawer<K>>,
    prefixes: HashMap<Box<str>, Drawer<K>>,
    prefix_lengths: BTreeSet<usize>,
    any_topic: Drawer<K>,
    topic_path: Path,
    next_order: u64,
}

impl<K: Clone + Eq + Hash> SubscriptionIndex<K> {
    /// Returns an index without subscriptions.
    #[must_use]
    pub fn new() -> Self {
        Self {
            by_key: HashMap::new(),
            topics: HashMap::new(),
            prefixes: HashMap::new(),
            prefix_lengths: BTreeSet::new(),
            any_topic: Drawer::default(),
            topic_path: Path::new("topic"),
            next_order: 0,
        }
    }

    /// Adds a subscription, in place of the one with the same key, which is returned.
    pub fn insert(&mut self, key: K, expression: Expression) -> Option<Expression> {
        let replaced = self.remove(&key);
        let subscription = Arc::new(Subscription {
            key: key.clone(),
            topics: Topic::required_by(&expression),
            expression,
            order: self.next_order,
        });
        self.next_order += 1;
        for (alternative, drawer_of) in subscription.places() {
            self.drawer(drawer_of).insert(Entry {
                subscription: Arc::clone(&subscription),
                alternative,
            });
        }
        self.by_key.insert(key, subscription);
        replaced
    }

    /// Removes a subscription and returns its expression.
    pub fn remove(&mut self, key: &K) -> Option<Expression> {
        let subscription = self.by_key.remove(key)?;
        for (_, drawer_of) in subscription.places() {
            self.drawer(drawer_of).remove(&subscription);
            self.drop_if_empty(drawer_of);
        }
        Some(Arc::unwrap_or_clone(subscription).expression)
    }

    /// Returns the expression of a subscription.
    pub fn get(&self, key: &K) -> Option<&Expression> {
        self.by_key
            .get(key)
            .map(|subscription| &subscription.expression)
    }

    /// Returns how many subscriptions there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Returns whether there is no subscription.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Returns the keys of the subscriptions that match `candidate`, each once.
    ///
    /// Among subscriptions that are stored alike the order is that of their insertion; it is not to be relied upon.
    pub fn matching<'a, C: Candidate>(
        &'a self,
        candidate: &'a C,
    ) -> impl Iterator<Item = &'a K> + 'a {
        let topic = candidate
            .field(&self.topic_path)
            .and_then(|field| field.with_text(str::to_owned));
        let mut drawers = Vec::with_capacity(4);
        if let Some(topic) = &topic {
            drawers.extend(self.topics.get(topic.as_str()));
            let beginnings = self
                .prefix_lengths
                .iter()
                .map_while(|length| (*length <= topic.len()).then_some(*length));
            drawers.extend(beginnings.filter_map(|length| self.prefixes.get(topic.get(..length)?)));
        }
        drawers.push(&self.any_topic);
        drawers
            .into_iter()
            .flat_map(move |drawer| drawer.entries(candidate))
            .filter(move |entry| entry.is_first_for(topic.as_deref()))
            .map(|entry| &entry.subscription)
            .filter(move |subscription| subscription.expression.matches(candidate))
            .map(|subscription| &subscription.key)
    }

    fn drawer(&mut self, of: Option<&Topic>) -> &mut Drawer<K> {
        match of {
            None => &mut self.any_topic,
            Some(Topic::Exactly(text)) => self.topics.entry(text.clone()).or_default(),
            Some(Topic::Beginning(text)) => {
                self.prefix_lengths.insert(text.len());
                self.prefixes.entry(text.clone()).or_default()
            }
        }
    }

    fn drop_if_empty(&mut self, of: Option<&Topic>) {
        match of {
            Some(Topic::Exactly(text)) if self.topics.get(text).is_some_and(Drawer::is_empty) => {
                self.topics.remove(text);
            }
            Some(Topic::Beginning(text))
                if self.prefixes.get(text).is_some_and(Drawer::is_empty) =>
            {
                self.prefixes.remove(text);
                if self.prefixes.keys().all(|other| other.len() != text.len()) {
                    self.prefix_lengths.remove(&text.len());
                }
            }
            _ => {}
        }
    }
}

impl<K: Clone + Eq + Hash> Default for SubscriptionIndex<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Debug)]
struct Subscription<K> {
    key: K,
    expression: Expression,
    /// The topics of which an event must have one; empty means any topic.
    topics: Vec<Topic>,
    order: u64,
}

impl<K> Subscription<K> {
    /// Returns the drawers it lies in, numbered.
    fn places(&self) -> impl Iterator<Item = (usize, Option<&Topic>)> {
        let anywhere = self.topics.is_empty().then_some(None);
        anywhere
            .into_iter()
            .chain(self.topics.iter().map(Some))
            .enumerate()
    }
}

/// A subscription in one of its drawers.
#[derive(Clone, Debug)]
struct Entry<K> {
    subscription: Arc<Subscription<K>>,
    alternative: usize,
}

impl<K> Entry<K> {
    /// Returns whether no earlier drawer of the same subscription is open for `topic` too.
    fn is_first_for(&self, topic: Option<&str>) -> bool {
        let earlier = &self.subscription.topics[..self.alternative];
        topic.is_none_or(|topic| !earlier.iter().any(|other| other.accepts(topic)))
    }
}

type ByValue<K> = HashMap<Box<str>, Vec<Entry<K>>>;

/// The subscriptions of one topic: those with one further required value by that value, and the rest.
#[derive(Clone, Debug)]
struct Drawer<K> {
    by_value: Vec<(Path, ByValue<K>)>,
    rest: Vec<Entry<K>>,
}

impl<K> Default for Drawer<K> {
    fn default() -> Self {
        Self {
            by_value: Vec::new(),
            rest: Vec::new(),
        }
    }
}

impl<K> Drawer<K> {
    fn insert(&mut self, entry: Entry<K>) {
        let Some(condition) = required_value(&entry.subscription.expression) else {
            self.rest.push(entry);
            return;
        };
        let (path, value) = (condition.path().clone(), Box::from(condition.value()));
        let slot = match self
            .by_value
            .iter()
            .position(|(existing, _)| *existing == path)
        {
            Some(slot) => slot,
            None => {
                self.by_value.push((path, HashMap::new()));
                self.by_value.len() - 1
            }
        };
        self.by_value[slot].1.entry(value).or_default().push(entry);
    }

    fn remove(&mut self, subscription: &Subscription<K>) {
        let keep = |entry: &Entry<K>| entry.subscription.order != subscription.order;
        let Some(condition) = required_value(&subscription.expression) else {
            self.rest.retain(keep);
            return;
        };
        let Some(slot) = self
            .by_value
            .iter()
            .position(|(path, _)| path == condition.path())
        else {
            return;
        };
        let values = &mut self.by_value[slot].1;
        if let Some(entries) = values.get_mut(condition.value()) {
            entries.retain(keep);
            if entries.is_empty() {
                values.remove(condition.value());
            }
        }
        if values.is_empty() {
            self.by_value.swap_remove(slot);
        }
    }

    fn is_empty(&self) -> bool {
        self.by_value.is_empty() && self.rest.is_empty()
    }

    fn entries<'a>(&'a self, candidate: &'a impl Candidate) -> impl Iterator<Item = &'a Entry<K>> {
        let with_value = self.by_value.iter().filter_map(|(path, values)| {
            candidate
                .field(path)?
                .with_text(|text| values.get(text))
                .flatten()
        });
        with_value.flatten().chain(&self.rest)
    }
}

/// A demand on the topic that an expression cannot match without.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Topic {
    Exactly(Box<str>),
    Beginning(Box<str>),
}

impl Topic {
    /// Returns the topics of which an event must have one to match; none if any topic may match.
    fn required_by(expression: &Expression) -> Vec<Self> {
        match expression {
            Expression::Condition(condition) => Self::of_condition(condition).into_iter().collect(),
            Expression::Not(_) => Vec::new(),
            // Any one member's demand is enough; the one with fewest alternatives and no wildcard narrows most.
            Expression::All(members) => members
                .iter()
                .map(Self::required_by)
                .filter(|topics| !topics.is_empty())
                .min_by_key(|topics| {
                    (
                        topics
                            .iter()
                            .any(|topic| matches!(topic, Self::Beginning(_))),
                        topics.len(),
                    )
                })
                .unwrap_or_default(),
            Expression::Any(members) => {
                let mut union = Vec::new();
                for member in members {
                    let topics = Self::required_by(member);
                    if topics.is_empty() {
                        return Vec::new();
                    }
                    for topic in topics {
                        if !union.contains(&topic) {
                            union.push(topic);
                        }
                    }
                }
                union
            }
        }
    }

    fn of_condition(condition: &Condition) -> Option<Self> {
        if !condition.path().is("topic") || condition.operator() != Operator::Equal {
            return None;
        }
        match condition.prefix() {
            Some("") => None,
            Some(prefix) => Some(Self::Beginning(prefix.into())),
            None => Some(Self::Exactly(condition.value().into())),
        }
    }

    fn accepts(&self, topic: &str) -> bool {
        match self {
            Self::Exactly(text) => &**text == topic,
            Self::Beginning(text) => topic.starts_with(&**text),
        }
    }
}

/// Returns a condition other than on the topic that an event must meet exactly, the most telling one.
///
/// What lies in `data`, such as an action's identifier, tells more than who sent the event: on one person's machine
/// most subscriptions name the same user.
fn required_value(expression: &Expression) -> Option<&Condition> {
    match expression {
        Expression::Condition(condition) => {
            let is_exact = condition.operator() == Operator::Equal && condition.prefix().is_none();
            (is_exact && !condition.path().is("topic")).then_some(condition)
        }
        Expression::All(members) => {
            let mut found = members.iter().filter_map(required_value);
            let first = found.next()?;
            let is_telling = |condition: &Condition| condition.path().split_first().0 == "data";
            Some(if is_telling(first) {
                first
            } else {
                found.find(|other| is_telling(other)).unwrap_or(first)
            })
        }
        Expression::Not(_) | Expression::Any(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn index(expressions: &[&'static str]) -> SubscriptionIndex<&'static str> {
        let mut index = SubscriptionIndex::new();
        for text in expressions {
            index.insert(*text, Expression::parse(text).unwrap());
        }
        index
    }

    fn check(index: &SubscriptionIndex<&'static str>, event: &Value, expected: &[&str]) {
        let mut found: Vec<_> = index.matching(event).copied().collect();
        found.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{event}");
    }

    const EXPRESSIONS: &[&str] = &[
        "topic=*",
        "topic=ftrack.*",
        "topic=ftrack.update",
        "topic=ftrack.update or topic=ftrack.*",
        "topic=ftrack.update or topic=other or data.x=1",
        "(topic=a or topic=b) and data.x=1",
        "topic=ftrack.action.launch and data.actionIdentifier=hello",
        "topic=ftrack.action.launch and source.user.username=ada and data.actionIdentifier=hello",
        "topic=ftrack.action.launch and data.actionIdentifier=bye",
        "topic=ftrack.action.launch and data.actionIdentifier=he*",
        "not topic=ftrack.update",
        "data.x=1",
        "topic!=a",
    ];

    #[test]
    fn each_event_finds_exactly_its_subscriptions() {
        let index = index(EXPRESSIONS);
        check(
            &index,
            &json!({"topic": "ftrack.update"}),
            &[
                "topic=*",
                "topic=ftrack.*",
                "topic=ftrack.update",
                "topic=ftrack.update or topic=ftrack.*",
                "topic=ftrack.update or topic=other or data.x=1",
                "topic!=a",
            ],
        );
        check(
            &index,
            &json!({"topic": "a", "data": {"x": 1}}),
            &[
                "topic=*",
                "topic=ftrack.update or topic=other or data.x=1",
                "(topic=a or topic=b) and data.x=1",
                "not topic=ftrack.update",
                "data.x=1",
            ],
        );
        check(
            &index,
            &json!({"topic": "ftrack.action.launch", "data": {"actionIdentifier": "hello"}}),
            &[
                "topic=*",
                "topic=ftrack.*",
                "topic=ftrack.update or topic=ftrack.*",
                "topic=ftrack.action.launch and data.actionIdentifier=hello",
                "topic=ftrack.action.launch and data.actionIdentifier=he*",
                "not topic=ftrack.update",
                "topic!=a",
            ],
        );
        check(&index, &json!({}), &["not topic=ftrack.update"]);
    }

    #[test]
    fn what_is_removed_leaves_nothing_behind() {
        let mut index = index(EXPRESSIONS);
        for text in EXPRESSIONS {
            assert_eq!(
                index.remove(text).unwrap(),
                Expression::parse(text).unwrap()
            );
        }
        assert!(index.is_empty());
        assert!(index.remove(&"topic=*").is_none());
        assert!(
            index.topics.is_empty() && index.prefixes.is_empty() && index.prefix_lengths.is_empty()
        );
        assert!(index.any_topic.is_empty());
        check(&index, &json!({"topic": "ftrack.update"}), &[]);
    }

    #[test]
    fn the_same_key_again_replaces_its_subscription() {
        let mut index = SubscriptionIndex::new();
        assert!(
            index
                .insert(1, Expression::parse("topic=a").unwrap())
                .is_none()
        );
        assert!(
            index
                .insert(1, Expression::parse("topic=b").unwrap())
                .is_some()
        );
        assert_eq!(index.len(), 1);
        assert_eq!(index.matching(&json!({"topic": "a"})).count(), 0);
        assert_eq!(index.matching(&json!({"topic": "b"})).count(), 1);
    }
}
