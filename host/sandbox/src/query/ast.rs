//! What a query says.

use super::literal::Literal;

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    /// `None` when the text did not begin with `select`.
    pub(crate) projections: Option<Vec<Path>>,
    pub(crate) aggregates: Vec<Aggregate>,
    pub(crate) entity: String,
    /// Byte offset of the entity's name in the text.
    pub(crate) entity_position: usize,
    pub(crate) criteria: Option<Criteria>,
    pub(crate) group: Vec<Path>,
    pub(crate) order: Vec<Order>,
    pub(crate) offset: u64,
    pub(crate) limit: Option<u64>,
}

/// `count(id)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) function: AggregateFunction,
    pub(crate) path: Path,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum AggregateFunction {
    Average,
    #[default]
    Count,
    Maximum,
    Minimum,
    Sum,
}

/// `status.state.short`, or with a cast: `resource[Group].memberships`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) segments: Vec<Segment>,
    /// Byte offset in the text.
    pub(crate) position: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) cast: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) path: Path,
    pub(crate) is_descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Criteria {
    All(Vec<Criteria>),
    Any(Vec<Criteria>),
    Not(Box<Criteria>),
    Compare {
        path: Path,
        operator: Operator,
        literal: Literal,
    },
    Member {
        path: Path,
        is_negated: bool,
        set: Set,
    },
    /// `has (…)` and `any (…)`: some related entity satisfies the criteria.
    Related {
        path: Path,
        criteria: Option<Box<Criteria>>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Is,
    IsNot,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Like,
    NotLike,
}

/// The right-hand side of `in`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Set {
    List(Vec<Literal>),
    Query(Box<Query>),
}

impl Query {
    pub(crate) fn is_aggregate(&self) -> bool {
        !self.aggregates.is_empty() || !self.group.is_empty()
    }
}

impl AggregateFunction {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "avg" => Self::Average,
            "count" => Self::Count,
            "max" => Self::Maximum,
            "min" => Self::Minimum,
            "sum" => Self::Sum,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Average => "avg",
            Self::Count => "count",
            Self::Maximum => "max",
            Self::Minimum => "min",
            Self::Sum => "sum",
        }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, segment) in self.segments.iter().enumerate() {
            if position > 0 {
                formatter.write_str(".")?;
            }
            formatter.write_str(&segment.name)?;
            if let Some(cast) = &segment.cast {
                write!(formatter, "[{cast}]")?;
            }
        }
        Ok(())
    }
}
