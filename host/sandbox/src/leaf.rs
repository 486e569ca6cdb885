//! Pages of one sheet, without a script: widgets, reviews, and the sign-in of desktop programs.

use std::fmt::Write as _;

/// Escapes text for HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:46em;margin:2em auto;padding:0 1em}\
     .dark{background:#1f2227;color:#e6e6e6}.light{background:#fff;color:#222}\
     table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3em .8em .3em 0;border-bottom:1px solid #8884}\
     label{display:block;margin:.8em 0}input,select,button{font:inherit;padding:.3em .6em}";

/// A page with this title around `body`, which is HTML already.
pub(crate) fn sheet(title: &str, theme: &str, body: &str) -> String {
    let title = escaped(title);
    let theme = if theme == "light" { "light" } else { "dark" };
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style>\
         <body class=\"{theme}\"><h1>{title}</h1>{body}</body></html>"
    )
}

/// A table of text.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut html = String::from("<table><tr>");
    let mut cells = |tag: &str, texts: &[&str]| {
        for text in texts {
            // Writing to a string cannot fail.
            write!(html, "<{tag}>{}</{tag}>", escaped(text)).ok();
        }
        html.push_str("</tr>");
    };
    cells("th", heads);
    for row in rows {
        let texts: Vec<&str> = row.iter().map(String::as_str).collect();
        cells("td", &texts);
    }
    html.push_str("</table>");
    html
}

/// What the sign-in page of a desktop program shows.
pub(crate) struct SignInForm<'a> {
    /// What the program calls itself.
    pub(crate) identifier: &'a str,
    pub(crate) redirect_url: &'a str,
    /// Proves that the form came from here.
    pub(crate) ticket: &'a str,
    /// Users to choose from; empty where the page must ask for a name and a key.
    pub(crate) users: &'a [String],
}

pub(crate) fn sign_in(form: &SignInForm<'_>) -> String {
    let hidden = [
        ("identifier", form.identifier),
        ("redirect_url", form.redirect_url),
        ("ticket", form.ticket),
    ];
    let mut fields = String::new();
    for (name, value) in hidden {
        let value = escaped(value);
        write!(
            fields,
            "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
        )
        .ok();
    }
    if form.users.is_empty() {
        fields.push_str(
            "<label>User <input name=\"user\" required autocomplete=\"username\"></label>\
             <label>API key <input name=\"api_key\" type=\"password\" required></label>",
        );
    } else {
        fields.push_str("<label>User <select name=\"user\">");
        for user in form.users {
            write!(fields, "<option>{}</option>", escaped(user)).ok();
        }
        fields.push_str("</select></label>");
    }
    let program = match form.identifier {
        "" => "A program".to_owned(),
        identifier => escaped(identifier),
    };
    let body = format!(
        "<p>{program} on this machine asks for an API key of yours.</p>\
         <form method=\"post\">{fields}<button autofocus>Sign in</button></form>"
    );
    sheet("Sign in", "light", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_stays_text() {
        let wild = "\"><script>alert(1)</script>".to_owned();
        let form = SignInForm {
            identifier: &wild,
            redirect_url: &wild,
            ticket: &wild,
            users: std::slice::from_ref(&wild),
        };
        for html in [
            sign_in(&form),
            sheet(&wild, &wild, &table(&[&wild], &[vec![wild.clone()]])),
        ] {
            assert!(!html.contains("<script>"), "{html}");
        }
    }
}
