//! The administrator's paths below `/sim/`, for the command line and for tests against a running server.
//!
//! `GET dump`, `profile`, `clients`, `requests`, `platform-server`, `served?address=A`; `POST tick?seconds=N`,
//! `console` (a `ConsoleAction` as JSON); `DELETE requests`. Lists are JSON, the rest is text. Errors are plain text
//! with status 400.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::Shared;
use super::route::{plain, typed};
use crate::world::{ConsoleAction, RoleServed, Served};

/// Answers one request; `path` is lower case and begins after `/sim/`.
pub(super) async fn handle(
    shared: Arc<Shared>,
    method: &Method,
    path: &str,
    query: String,
    body: Bytes,
) -> Response {
    let (method, path) = (method.clone(), path.to_owned());
    let work = tokio::task::spawn_blocking(move || answer(&shared, &method, &path, &query, &body));
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "an administrator's request panicked");
        plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request failed inside the simulator",
        )
    })
}

fn answer(shared: &Shared, method: &Method, path: &str, query: &str, body: &[u8]) -> Response {
    let world = &shared.world;
    let parameter = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    match (method.as_str(), path) {
        ("GET", "dump") => yaml(world.dump()),
        ("GET", "profile") => yaml(world.profile()),
        ("GET", "platform-server") => plain(StatusCode::OK, world.platform_server()),
        ("GET", "clients") => json(&world.clients()),
        ("GET", "requests") => json(&*shared.log()),
        ("DELETE", "requests") => {
            shared.log().clear();
            plain(StatusCode::OK, "")
        }
        ("GET", "served") => {
            match parameter("address").and_then(|text| text.parse::<Ipv4Addr>().ok()) {
                Some(address) => json(&served(&world.served(address))),
                None => plain(
                    StatusCode::BAD_REQUEST,
                    "expected the query parameter address, an IPv4 address",
                ),
            }
        }
        ("POST", "tick") => match parameter("seconds").and_then(|text| text.parse::<u64>().ok()) {
            Some(seconds) => {
                world.tick(Duration::from_secs(seconds));
                plain(StatusCode::OK, "")
            }
            None => plain(
                StatusCode::BAD_REQUEST,
                "expected the query parameter seconds, a whole number",
            ),
        },
        ("POST", "console") => match serde_json::from_slice::<ConsoleAction>(body) {
            Ok(action) => match world.console(action) {
                Ok(text) => plain(StatusCode::OK, text),
                Err(error) => plain(StatusCode::BAD_REQUEST, error.to_string()),
            },
            Err(error) => plain(
                StatusCode::BAD_REQUEST,
                format!("the console action cannot be read: {error}"),
            ),
        },
        _ => plain(
            StatusCode::NOT_FOUND,
            format!("there is no {method} /sim/{path}"),
        ),
    }
}

fn yaml(text: String) -> Response {
    typed(StatusCode::OK, "application/yaml; charset=utf-8", text)
}

fn json<T: Serialize>(value: &T) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => typed(StatusCode::OK, "application/json", text),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// Who serves an address: by role, the servers and the rule that makes them so.
fn served(served: &Served) -> serde_json::Value {
    let Served {
        package,
        task,
        network_boot,
    } = served;
    let role = |role: &RoleServed| {
        let RoleServed { servers, basis } = role;
        serde_json::json!({ "servers": servers, "basis": format!("{basis:?}") })
    };
    serde_json::json!({ "package": role(package), "task": role(task), "networkBoot": role(network_boot) })
}
