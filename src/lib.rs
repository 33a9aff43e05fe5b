//! hwgap: a hardware latency detector.
