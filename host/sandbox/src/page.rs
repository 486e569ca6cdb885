//! The web page: projects, what is in them, and who works on what.

use std::fmt::Write;
use std::sync::Arc;

use crate::query::descendants;
use crate::store::{Row, Store, Value};

const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1c2430; background: #fbfbfa }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid #ddd }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .2rem .6rem .2rem 0 }
th { font-weight: 600; color: #667 } .status { border-radius: .6rem; padding: 0 .6rem; color: #fff }
@media (prefers-color-scheme: dark) { body { color: #e4e6ea; background: #17191d } h2 { border-color: #333 } th { color: #99a } }
";

/// Contexts shown per project.
const SHOWN: usize = 500;

/// Writes the page.
pub(crate) fn render(store: &Store, version: &str) -> String {
    let schema = &store.schema;
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Callboard sandbox</title><style>{STYLE}</style>\
         <h1>Callboard sandbox</h1><p>An ftrack-compatible server, version {version}.</p>"
    );
    let projects: Vec<_> = store
        .rows(schema.expect_type("Project").id)
        .cloned()
        .collect();
    for project in projects {
        let name = escaped(&project.get(schema, "full_name").to_text());
        let count = descendants(store, &project).len();
        push(
            &mut html,
            format_args!(
                "<h2>{name}</h2><table><tr><th>Name<th>Kind<th>Status<th>Assigned<th>Id</tr>"
            ),
        );
        for row in tree(store, &project) {
            context(&mut html, store, &row);
        }
        html.push_str("</table>");
        if count > SHOWN {
            push(
                &mut html,
                format_args!("<p>… and {} more</p>", count - SHOWN),
            );
        }
    }
    html.push_str("</html>");
    html
}

/// What is below a project, each directly followed by its own children; cut at [`SHOWN`].
fn tree(store: &Store, project: &Row) -> Vec<Arc<Row>> {
    let children = |row: &Row| {
        let mut children = store.rows_where("Context", "parent_id", &row.key(&store.schema));
        children.reverse();
        children
    };
    let mut waiting = children(project);
    let mut shown = Vec::new();
    while let Some(row) = waiting.pop().filter(|_| shown.len() < SHOWN) {
        waiting.append(&mut children(&row));
        shown.push(row);
    }
    shown
}

fn context(html: &mut String, store: &Store, row: &Row) {
    let schema = &store.schema;
    let path: Vec<String> = crate::query::link(store, row)
        .iter()
        .skip(1)
        .filter_map(|item| item["name"].as_str().map(escaped))
        .collect();
    let kind = &schema.entity_type(row.kind).name;
    let status = row
        .text(schema, "status_id")
        .and_then(|id| store.find(schema.expect_type("Status").id, id));
    let status = status.map(|status| {
        (
            status.get(schema, "name").to_text(),
            status.get(schema, "color").to_text(),
        )
    });
    let (status, color) = status.unwrap_or_default();
    let appointments = store.rows_where("Appointment", "context_id", &row.key(schema));
    let users = appointments
        .iter()
        .filter_map(|found| found.text(schema, "resource_id"));
    let users: Vec<String> = users
        .filter_map(|id| store.find(schema.expect_type("User").id, id))
        .map(|user| escaped(&Value::to_text(user.get(schema, "username"))))
        .collect();
    let badge = match status.is_empty() {
        true => String::new(),
        false => format!(
            "<span class=\"status\" style=\"background:{}\">{}</span>",
            escaped(&color),
            escaped(&status)
        ),
    };
    push(
        html,
        format_args!(
            "<tr><td>{}<td>{kind}<td>{badge}<td>{}<td><code>{}</code></tr>",
            path.join(" / "),
            users.join(", "),
            escaped(&row.key(schema))
        ),
    );
}

fn push(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text)
        .expect("writing to a string cannot fail");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
