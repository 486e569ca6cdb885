use serde_json::json;

use super::*;

fn faults(rules: &[Json]) -> Faults {
    let mut faults = Faults::default();
    for rule in rules {
        faults.add(FaultRule::read(rule).unwrap()).unwrap();
    }
    faults
}

/// The names of the faults that befall a call with this body.
fn hit(faults: &mut Faults, body: &str) -> Vec<&'static str> {
    let operations: Vec<Json> = serde_json::from_str(body).unwrap_or_default();
    let asked = Asked {
        method: "POST",
        address: "/api",
        user: "ada",
        body,
        operations: &operations,
    };
    let taken = faults.take(Stage::Whole, &asked);
    taken.iter().map(Fault::name).collect()
}

#[test]
fn a_fault_is_used_up_by_the_requests_it_matches() {
    let mut faults = faults(&[json!({"match": "create", "count": 2, "fault": "close_after"})]);
    for (body, expected) in [
        ("query", &[][..]),
        ("create", &["close_after"]),
        ("create", &["close_after"]),
        ("create", &[]),
    ] {
        assert_eq!(hit(&mut faults, body), expected, "{body}");
    }
    assert!(faults.is_empty());
}

#[test]
fn a_fault_waits_for_its_turn() {
    for (turn, expected) in [
        (json!({}), "x........"),
        (json!({"nth": 3}), "..x......"),
        (json!({"nth": 2, "every": 3, "count": 2}), ".x..x...."),
        (json!({"every": 4, "count": null}), "x...x...x"),
        (json!({"probability": 0.0, "count": null}), "........."),
        (json!({"probability": 1.0, "count": null}), "xxxxxxxxx"),
    ] {
        let mut rule = turn.clone();
        rule["fault"] = json!("html");
        let mut faults = faults(&[rule]);
        let seen: String = (0..9)
            .map(|_| {
                if hit(&mut faults, "").is_empty() {
                    '.'
                } else {
                    'x'
                }
            })
            .collect();
        assert_eq!(seen, expected, "{turn}");
    }
}

#[test]
fn chance_is_the_same_for_the_same_seed() {
    let run = |seed: u64| -> Vec<bool> {
        let rule = json!({"probability": 0.3, "seed": seed, "count": null, "fault": "html"});
        let mut faults = faults(&[rule]);
        (0..1000)
            .map(|_| !hit(&mut faults, "").is_empty())
            .collect()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    let hits = run(7).into_iter().filter(|is_hit| *is_hit).count();
    assert!((250..350).contains(&hits), "{hits} of 1000");
}

#[test]
fn an_operation_is_chosen_by_action_and_type_together() {
    let mut faults = faults(&[json!({"action": "create", "entity_type": "Task", "fault": "html"})]);
    let mixed =
        r#"[{"action":"create","entity_type":"Shot"},{"action":"update","entity_type":"Task"}]"#;
    assert!(hit(&mut faults, mixed).is_empty());
    assert_eq!(
        hit(&mut faults, r#"[{"action":"create","entity_type":"Task"}]"#),
        ["html"]
    );
}

#[test]
fn what_is_slow_may_also_fail() {
    let mut faults = faults(&[
        json!({"fault": "delay", "milliseconds": 1, "count": null}),
        json!({"fault": "html"}),
        json!({"fault": "close_before"}),
    ]);
    assert_eq!(hit(&mut faults, ""), ["delay", "html"]);
    assert_eq!(hit(&mut faults, ""), ["delay", "close_before"]);
    assert_eq!(hit(&mut faults, ""), ["delay"]);
}

#[test]
fn a_fault_that_would_do_nothing_is_refused() {
    for (rule, expected) in [
        (json!({"fault": "dance"}), "unknown variant `dance`"),
        (json!({"fault": "html", "cuont": 2}), "`cuont` is no part"),
        (
            json!({"fault": "html", "every": 0}),
            "`every` must be at least 1",
        ),
        (
            json!({"fault": "html", "probability": 2}),
            "between 0 and 1",
        ),
        (
            json!({"fault": "status", "status": 99}),
            "`99` is no status",
        ),
        (
            json!({"fault": "slow_answer", "bytes_per_second": 0}),
            "at least 1",
        ),
        (
            json!({"fault": "slow_request", "bytes_per_second": 9, "action": "create"}),
            "before the body is read",
        ),
        (json!([]), "no such form"),
    ] {
        let error = FaultRule::read(&rule).unwrap_err().to_string();
        assert!(error.contains(expected), "{rule}: {error}");
    }
}
