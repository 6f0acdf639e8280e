//! `GET /staff`: the staff page for a browser, where the administrator has named the folder that holds it.
//!
//! The files are read when the server starts: nothing that a request names is ever looked for on the disk.

use super::oauth::page::{message, Language};
use super::{route, Access, Route};
use crate::app::App;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::header::{
    HeaderName, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Where the page is, under the server's address; also where its sign-in comes back to.
pub const PATH: &str = "/staff";
/// The file that is the page.
const PAGE: &str = "desk.html";
/// Files of the folder at most, and bytes of one: a folder that was named by mistake does not fill the memory.
const FILES_AT_MOST: usize = 200;
const FILE_AT_MOST: u64 = 16 * 1024 * 1024;

/// The page and what it loads.
#[derive(Debug)]
pub struct StaffPage(BTreeMap<String, (&'static str, Bytes)>);

impl StaffPage {
    /// Reads the folder that `cargo xtask staff-page` made.
    ///
    /// # Errors
    /// A file cannot be read, there is no page, or it is another folder.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        read_into(&mut files, folder, "")?;
        if !files.contains_key(PAGE) {
            let why = format!(
                "{} holds no {PAGE}; make it with: cargo xtask staff-page",
                folder.display()
            );
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        Ok(Self(files))
    }
}

fn read_into(
    files: &mut BTreeMap<String, (&'static str, Bytes)>,
    folder: &Path,
    below: &str,
) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read_into(files, &entry.path(), &format!("{name}/"))?;
        } else if kind.is_file() {
            let Some(media) = media_type(&name) else { continue };
            if files.len() >= FILES_AT_MOST || entry.metadata()?.len() > FILE_AT_MOST {
                return Err(io::Error::other(format!(
                    "{} is no folder of a staff page: too much is in it",
                    folder.display()
                )));
            }
            files.insert(name, (media, std::fs::read(entry.path())?.into()));
        }
    }
    Ok(())
}

/// What a page loads; other files are left where they are.
fn media_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit('.').next()? {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => return None,
    })
}

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, PATH, Access::Public, get(page)),
        route(Method::GET, "/staff/{*file}", Access::Public, get(file)),
    ]
}

async fn page(State(app): State<App>, headers: HeaderMap) -> Response {
    let Some((media, bytes)) = app.staff_page.as_ref().and_then(|page| page.0.get(PAGE)) else {
        let language = Language::wished("", &headers);
        return message(
            language,
            StatusCode::NOT_FOUND,
            language.pick(
                "There is no staff page here",
                "Aquí no hay página para el personal",
            ),
            language.pick(
                "This server has none. Use the app, or ask your administrator.",
                "Este servidor no la tiene. Use la aplicación o pregunte a su administrador.",
            ),
        );
    };
    let headers: [(HeaderName, String); 5] = [
        (CONTENT_TYPE, (*media).to_owned()),
        (CONTENT_SECURITY_POLICY, policy(&app.settings.base_url)),
        (REFERRER_POLICY, "no-referrer".to_owned()),
        (X_FRAME_OPTIONS, "DENY".to_owned()),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self), microphone=(self), display-capture=(), geolocation=(), usb=(), payment=()"
                .to_owned(),
        ),
    ];
    (headers, bytes.clone()).into_response()
}

/// What the page may load and reach: its own server alone. The socket's address is named, because not every browser takes
/// `'self'` for it.
fn policy(base_url: &str) -> String {
    let socket = base_url.replacen("https://", "wss://", 1);
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; \
         img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' {socket}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

async fn file(State(app): State<App>, UrlPath(name): UrlPath<String>) -> Response {
    let found = app.staff_page.as_ref().and_then(|page| page.0.get(&name));
    let Some((media, bytes)) = found.filter(|_| name != PAGE) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // The name of an asset says what is in it; another version has another name.
    let cached = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    ([(CONTENT_TYPE, *media), (CACHE_CONTROL, cached)], bytes.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_page_loads_is_read_and_a_folder_without_one_is_refused() {
        let dir = tempfile::tempdir().expect("dir");
        assert!(StaffPage::read(dir.path())
            .expect_err("empty")
            .to_string()
            .contains("xtask staff-page"));
        std::fs::create_dir(dir.path().join("assets")).expect("folder");
        for name in [PAGE, "assets/a.js", "secret.key"] {
            std::fs::write(dir.path().join(name), "x").expect("written");
        }

        let page = StaffPage::read(dir.path()).expect("read");

        let names: Vec<&str> = page.0.keys().map(String::as_str).collect();
        assert_eq!(names, ["assets/a.js", PAGE]);
    }

    #[test]
    fn the_page_reaches_its_own_server_alone() {
        let policy = policy("https://care.example.gov");

        assert!(
            policy.contains("connect-src 'self' wss://care.example.gov;"),
            "{policy}"
        );
        assert!(
            policy.contains("script-src 'self' 'wasm-unsafe-eval';"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-inline"), "{policy}");
    }
}
