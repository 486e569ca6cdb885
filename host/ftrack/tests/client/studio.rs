//! A sandbox with a session, which is what most tests need of a studio.

use ftrack::{Config, Proxy, Session};
use sandbox::{Options, Sandbox, Scale, Seed};
use serde_json::{Map, Value, json};

use crate::support::install_tls;

pub(crate) struct Studio {
    pub(crate) sandbox: Sandbox,
    pub(crate) session: Session,
}

impl Studio {
    /// Starts a server with the demo project, and signs in.
    pub(crate) async fn demo() -> Self {
        Self::start(Options::default()).await
    }

    /// Starts a server with a large demo project, and signs in.
    pub(crate) async fn with_shots(shots: usize) -> Self {
        let mut options = Options {
            seed: Seed::Demo,
            scale: Scale::default(),
            ..Options::default()
        };
        options.scale.shots = shots;
        Self::start(options).await
    }

    async fn start(options: Options) -> Self {
        install_tls();
        let sandbox = sandbox::start(options).await.unwrap();
        let session = Session::connect(config(&sandbox)).await.unwrap();
        Self { sandbox, session }
    }

    pub(crate) fn config(&self) -> Config {
        config(&self.sandbox)
    }

    /// Asks the server to misbehave.
    pub(crate) async fn fault(&self, rule: Value) {
        self.control("faults", rule).await;
    }

    /// Tells the server's control endpoint something.
    pub(crate) async fn control(&self, path: &str, body: Value) {
        let answer = reqwest::Client::new()
            .post(format!("{}/sandbox/{path}", self.sandbox.server_url()))
            .header("sandbox-token", self.sandbox.control_token())
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Returns what the server was asked at paths that begin so, as it noted it.
    pub(crate) async fn requests(&self, path: &str) -> Vec<Value> {
        let answer = reqwest::Client::new()
            .get(format!(
                "{}/sandbox/requests?path={path}",
                self.sandbox.server_url()
            ))
            .header("sandbox-token", self.sandbox.control_token())
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["requests"].as_array().unwrap().clone()
    }

    /// Returns the id of the first entity of a type.
    pub(crate) async fn id_of(&self, entity_type: &str) -> String {
        let query = format!("select id from {entity_type} limit 1");
        let rows = self.session.query(&query).await.unwrap();
        rows[0]["id"].as_str().unwrap().to_owned()
    }

    /// Returns the only row of a query.
    pub(crate) async fn row(&self, expression: &str) -> Value {
        let mut rows = self.session.query(expression).await.unwrap();
        assert_eq!(rows.len(), 1, "{expression}: {rows:?}");
        rows.remove(0)
    }
}

fn config(sandbox: &Sandbox) -> Config {
    let mut config = Config::new(sandbox.server_url(), sandbox.user(), sandbox.api_key());
    config.proxy = Proxy::None;
    config
}

/// Returns an object's attributes.
pub(crate) fn data(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(data) => data,
        other => panic!("no object: {other}"),
    }
}

/// Returns a reply that tells to wait.
pub(crate) fn busy(matches: &str, status: u16, seconds: u64) -> Value {
    json!({"match": matches, "fault": "status", "status": status, "retry_after_secs": seconds})
}
