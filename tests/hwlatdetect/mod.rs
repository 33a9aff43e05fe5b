//! hwgap in the place of hwlatdetect: what programs pass and read, against their
//! own parsers and against the original's source where it is installed.

mod clients;
mod ends;
mod harness;
mod known_clients;
mod live;
mod original;
mod output;
mod shim;
