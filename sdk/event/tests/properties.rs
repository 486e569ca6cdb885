//! What must hold for every text, not only for those that someone thought of.

use callboard_event::{Event, Expression, SubscriptionIndex, quote};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Texts from the pieces that expressions are made of, so that many of them parse and most nearly do.
fn nearly_an_expression() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "topic",
        "a.b",
        "not",
        "and",
        "or",
        "NOT",
        "(",
        ")",
        "=",
        "!=",
        "<",
        ">=",
        "x*",
        "\"x y\"",
        "'é'",
        "\"\"",
        "\\",
        "1",
        " ",
        "\t",
        "\n",
        "\"",
        "'",
        ".",
        "é",
        "$",
        "data.x=1",
        "topic=ftrack.*",
        " and ",
        " or ",
        "not ",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn expression() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "topic",
        "data.x",
        "data.y",
        "source.user.username",
        "not",
    ]);
    let operator = prop::sample::select(vec!["=", "=", "=", "!=", "<", ">="]);
    let value = prop::sample::select(vec!["a", "b", "a*", "*", "1", "\"a b\"", "'c\"d'", "\"\""]);
    let condition =
        (key, operator, value).prop_map(|(key, operator, value)| format!("{key}{operator}{value}"));
    condition.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("not {inner}")),
            inner.clone().prop_map(|inner| format!("({inner})")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|inner| inner.join(" and ")),
            prop::collection::vec(inner, 2..4).prop_map(|inner| inner.join(" or ")),
        ]
    })
}

fn event() -> impl Strategy<Value = Value> {
    let scalar = prop::sample::select(vec![
        json!("a"),
        json!("ab"),
        json!("b"),
        json!("a b"),
        json!(1),
        json!(null),
    ]);
    let user = prop::sample::select(vec!["a", "b"]);
    (scalar.clone(), scalar.clone(), scalar, user).prop_map(|(topic, x, y, user)| {
        json!({"topic": topic, "data": {"x": x, "y": y}, "source": {"user": {"username": user}}})
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".*") {
        if let Err(error) = Expression::parse(&text) {
            prop_assert!(error.position <= text.chars().count());
        }
    }

    #[test]
    fn no_text_of_its_own_pieces_does_either(text in nearly_an_expression()) {
        match Expression::parse(&text) {
            Ok(parsed) => prop_assert_eq!(Expression::parse(&parsed.to_string()), Ok(parsed)),
            Err(error) => prop_assert!(error.position <= text.chars().count()),
        }
    }

    #[test]
    fn what_is_written_reads_back(text in expression()) {
        let parsed = Expression::parse(&text).unwrap();
        prop_assert_eq!(Expression::parse(&parsed.to_string()), Ok(parsed));
    }

    #[test]
    fn the_index_finds_what_asking_everyone_finds(
        texts in prop::collection::vec(expression(), 1..20),
        removed in 0_usize..20,
        event in event(),
    ) {
        let expressions: Vec<_> = texts.iter().map(|text| Expression::parse(text).unwrap()).collect();
        let mut index = SubscriptionIndex::new();
        for (key, expression) in expressions.iter().enumerate() {
            index.insert(key, expression.clone());
        }
        index.remove(&removed);
        let mut found: Vec<_> = index.matching(&event).copied().collect();
        found.sort_unstable();
        let wanted: Vec<_> = (0..expressions.len())
            .filter(|key| *key != removed && expressions[*key].matches(&event))
            .collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn an_event_and_its_json_match_alike(text in expression(), json in event()) {
        prop_assume!(json["topic"].is_string());
        let event: Event = serde_json::from_value(json.clone()).unwrap();
        let expression = Expression::parse(&text).unwrap();
        prop_assert_eq!(expression.matches(&event), expression.matches(&json));
    }

    #[test]
    fn a_quoted_value_cannot_leave_its_place(value in ".*") {
        if let Some(quoted) = quote(&value) {
            let parsed = Expression::parse(&format!("a={quoted} and b=1")).unwrap();
            let Expression::All(members) = parsed else { panic!("not two conditions") };
            let Expression::Condition(condition) = &members[0] else { panic!("not a condition") };
            prop_assert_eq!(condition.value(), value);
        }
    }
}
