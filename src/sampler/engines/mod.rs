//! What samples: each engine stands on the seam in [`engine`](super::engine)
//! and knows nothing of the others.

pub mod bpf;
pub mod tracer;
pub mod user;
