//! The pages of sign-in: plain HTML without scripts, in English and Spanish.

use axum::http::header::{
    ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// Spanish.
    Es,
}

impl Language {
    /// The first of the wished languages that there is: `ui_locales`, then the browser's.
    pub fn wished(ui_locales: &str, headers: &HeaderMap) -> Self {
        let accepted = headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        ui_locales
            .split_whitespace()
            .chain(accepted.split(',').map(str::trim))
            .find_map(|tag| match tag.get(..2).map(str::to_ascii_lowercase).as_deref() {
                Some("en") => Some(Self::En),
                Some("es") => Some(Self::Es),
                _ => None,
            })
            .unwrap_or(Self::En)
    }

    fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }

    /// Picks a text.
    pub fn pick(self, english: &'static str, spanish: &'static str) -> &'static str {
        match self {
            Self::En => english,
            Self::Es => spanish,
        }
    }
}

/// A field of a form.
pub struct Field<'a> {
    /// Form name.
    pub name: &'a str,
    /// `text` or `password`.
    pub kind: &'a str,
    /// Visible label.
    pub label: &'a str,
    /// What a password manager needs.
    pub autocomplete: &'a str,
    /// What it holds already.
    pub value: &'a str,
}

/// A page with one form.
pub struct FormPage<'a> {
    /// Language.
    pub language: Language,
    /// Heading and title.
    pub heading: &'a str,
    /// A sentence under the heading.
    pub intro: &'a str,
    /// What went wrong, read out at once.
    pub error: Option<String>,
    /// Where the form goes.
    pub action: &'a str,
    /// Hidden name and value pairs.
    pub hidden: Vec<(&'a str, &'a str)>,
    /// Visible fields.
    pub fields: Vec<Field<'a>>,
    /// Name on the button.
    pub button: &'a str,
    /// A further source that the form may lead to, for the redirect after sign-in.
    pub leads_to: Option<String>,
}

impl FormPage<'_> {
    /// The page as an answer.
    pub fn respond(&self, status: StatusCode) -> Response {
        let mut form = format!("<form method=\"post\" action=\"{}\">", escape(self.action));
        for (name, value) in &self.hidden {
            form.push_str(&format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escape(name),
                escape(value)
            ));
        }
        for (i, field) in self.fields.iter().enumerate() {
            // The first field that is still empty gets the cursor.
            let first_empty = self.fields.iter().position(|f| f.value.is_empty()) == Some(i);
            form.push_str(&format!(
                "<p><label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" type=\"{kind}\" \
                 autocomplete=\"{auto}\" autocapitalize=\"none\" spellcheck=\"false\" required value=\"{value}\"{focus}{described}></p>",
                name = escape(field.name),
                label = escape(field.label),
                kind = escape(field.kind),
                auto = escape(field.autocomplete),
                value = escape(field.value),
                focus = if first_empty { " autofocus" } else { "" },
                described = if self.error.is_some() { " aria-describedby=\"error\"" } else { "" },
            ));
        }
        form.push_str(&format!(
            "<p><button type=\"submit\">{}</button></p></form>",
            escape(self.button)
        ));
        let error = self
            .error
            .as_ref()
            .map(|text| {
                format!(
                    "<p id=\"error\" class=\"error\" role=\"alert\">{}</p>",
                    escape(text)
                )
            })
            .unwrap_or_default();
        let body = format!("<p>{}</p>{error}{form}", escape(self.intro));
        respond(
            self.language,
            status,
            self.heading,
            &body,
            self.leads_to.as_deref(),
        )
    }
}

/// A page that only says something.
pub fn message(language: Language, status: StatusCode, heading: &str, text: &str) -> Response {
    respond(
        language,
        status,
        heading,
        &format!("<p>{}</p>", escape(text)),
        None,
    )
}

/// The style sheet.
pub async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

fn respond(
    language: Language,
    status: StatusCode,
    heading: &str,
    body: &str,
    leads_to: Option<&str>,
) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"{lang}\"><head><meta charset=\"utf-8\"><title>{title} – HMS-ACH</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"stylesheet\" href=\"/oauth/style.css\"></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>",
        lang = language.tag(),
        title = escape(heading),
    );
    // A browser also holds the redirect after the form against form-action, so the client's address is named.
    let csp = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'{}{}",
        if leads_to.is_some() { " " } else { "" },
        leads_to.unwrap_or_default()
    );
    (
        status,
        [
            (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (CONTENT_SECURITY_POLICY, csp),
            (REFERRER_POLICY, "no-referrer".to_owned()),
            (X_FRAME_OPTIONS, "DENY".to_owned()),
        ],
        html,
    )
        .into_response()
}

/// Escapes text for HTML content and attributes.
pub fn escape(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                other => out.push(other),
            }
            out
        })
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#14202b;--paper:#fff;--line:#5b6b79;--act:#0b4f8a;--act-ink:#fff;--bad:#a1121f}
@media(prefers-color-scheme:dark){:root{--ink:#f1f5f8;--paper:#10171d;--line:#93a4b3;--act:#8cc4ff;--act-ink:#06233d;--bad:#ff9aa2}}
*{box-sizing:border-box}
body{margin:0;font:1.125rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
main{max-inline-size:26rem;margin:0 auto;padding:2rem 1.25rem}
h1{font-size:1.6rem;line-height:1.2}
label{display:block;font-weight:600;margin-block-end:.25rem}
input{inline-size:100%;min-block-size:3rem;padding:.5rem .75rem;font:inherit;color:inherit;background:transparent;border:2px solid var(--line);border-radius:.5rem}
button{inline-size:100%;min-block-size:3.25rem;font:inherit;font-weight:700;color:var(--act-ink);background:var(--act);border:2px solid transparent;border-radius:.5rem;cursor:pointer}
:focus-visible{outline:3px solid var(--act);outline-offset:3px}
.error{border-inline-start:.4rem solid var(--bad);padding-inline-start:.75rem;color:var(--bad);font-weight:600}
";
