//! What fuzzing gives a stranger's bytes to. It is no part of the interface.

use std::sync::Arc;

use crate::access::View;
use crate::hub;
use crate::query::Reader;
use crate::schema::Schema;
use crate::seed::{Scale, Seed, plant};
use crate::store::Store;

/// The demo project in memory.
#[derive(Debug)]
pub struct Demo(Store);

impl Demo {
    /// Makes the demo project, or says why that failed.
    pub fn new() -> Result<Self, String> {
        let schema = Schema::built_in().map_err(|error| error.to_string())?;
        let mut store = Store::in_memory(Arc::new(schema));
        plant(&mut store, Seed::Demo, &Scale::default()).map_err(|error| error.content)?;
        store.commit().map_err(|error| error.to_string())?;
        Ok(Self(store))
    }

    /// Answers a query, and returns whether it is one.
    pub fn answers(&self, query: &str) -> bool {
        let reader = Reader {
            store: View::whole(&self.0),
            base_url: "http://sandbox",
            denormalize: false,
        };
        reader.run(query).is_ok()
    }
}

/// Gives a packet to an event hub with one subscriber to everything, and returns whether the connection goes on.
pub fn hub_takes(packet: &str) -> bool {
    hub::takes(packet)
}
