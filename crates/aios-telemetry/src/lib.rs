//! Metrics exporter, tracing and logging.
