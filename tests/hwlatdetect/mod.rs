//! hwgap in the place of hwlatdetect: what programs pass and read, against their
//! own parsers and against the original's source where it is installed.

mod clients;
mod ends;
mod harness;
mod known_clients;
mod live;
#[path = "../made_up_host.rs"]
mod made_up_host;
mod original;
mod output;
mod shim;
