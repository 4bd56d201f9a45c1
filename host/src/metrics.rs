//! Counts and times for `GET /metrics`, in Prometheus' text format.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use prometheus_client::{
    collector::Collector,
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Metric, Registry},
};

/// The registry and the metrics of the doors. Other parts add theirs with [`Metrics::register`].
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Arc::new(Mutex::new(Registry::with_prefix("drls"))),
            requests: Family::default(),
            // From half a millisecond to 16 seconds.
            durations: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.0005, 2.0, 16))),
        };
        metrics.register("http_requests", "Answered requests", metrics.requests.clone());
        metrics.register("http_request_duration_seconds", "Time until the answer began", metrics.durations.clone());
        metrics
    }
}

impl Metrics {
    /// Adds a metric as `drls_<name>` (a counter gets `_total`). Keep a clone of it (families, counters and gauges are shared) and count there.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register(name, help, metric);
    }

    /// Adds figures that are read when the page is asked for.
    pub(crate) fn collect(&self, collector: impl Collector) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register_collector(Box::new(collector));
    }

    /// Counts a request of `route` (the pattern, never the path itself: there would be no end of them).
    pub(crate) fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let (method, route) = (method.to_owned(), route.to_owned());
        self.durations
            .get_or_create(&RouteLabels { method: method.clone(), route: route.clone() })
            .observe(took.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
    }

    /// Everything in Prometheus' text format.
    ///
    /// # Errors
    /// Where a metric can't be written as text.
    pub fn encode(&self) -> Result<String> {
        let mut page = String::new();
        text::encode(&mut page, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(page)
    }
}
